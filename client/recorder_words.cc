// What a station says of an event's fate. The words matter: who reads "NOT recorded" does the step
// or the paper again.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "client/event_words.h"
#include "client/recorder.h"
#include "crypto/utf8.h"
#include "custody/chain.h"

namespace custody {

void Recorder::ShowMeanwhile(const pb::Event& event) {
  console_.Shout(Mood::kCareful, "MEANWHILE", "others recorded for this therapy:");
  const auto entries = desk_.session().ReadChain(event.chain());
  if (!entries.ok()) return;
  for (const pb::EntryReply& entry : *entries) {
    pb::Event other;
    if (!entry.has_signed_() || !other.ParseFromString(entry.signed_().payload())) continue;
    if (other.sequence() < event.sequence()) continue;
    console_.Say("  #" + std::to_string(other.sequence()) + " " +
                 FormatLocal(FromProto(other.occurred_at()), desk_.zone()) + " " +
                 BodyRule(other).label() + ", " + Plain(other.station()));
  }
}

void Recorder::Tell(const Outcome& outcome, std::string_view label) {
  const std::string what(label);
  nlohmann::json object = {{"recorded", outcome.status.ok()},
                           {"event", what},
                           {"chain", outcome.chain},
                           {"sequence", outcome.sequence},
                           {"event_id", outcome.event_id}};
  if (IsTherapyChain(outcome.chain)) object["therapy"] = TherapyOf(outcome.chain);
  if (outcome.verdict.reasons_size() > 0) object["verdict"] = ToJson(outcome.verdict);
  const std::string place = outcome.chain + " #" + std::to_string(outcome.sequence);
  if (outcome.status.ok()) {
    object["index"] = outcome.index;
    object["known"] = outcome.known;
    console_.Shout(Mood::kGood, "RECORDED",
                   what + ", " + place + ", log index " + std::to_string(outcome.index) +
                       (outcome.known ? " (was recorded before)" : ""));
    console_.Say("  event id " + outcome.event_id);
    object["receipt_kept"] = outcome.unkept.ok();
    if (!outcome.unkept.ok()) {
      console_.Shout(Mood::kCareful, "RECEIPT NOT KEPT",
                     "it is recorded, but this station could not keep the proof: " +
                         Message(outcome.unkept) + "; make room, then `outbox send` fetches it");
    }
  } else if (outcome.queued && outcome.status.code() == StatusCode::kDataLoss) {
    object["queued"] = true;
    object["error"] = Message(outcome.status);
    console_.Shout(
        Mood::kBad, "STOP",
        what + ", " + place +
            ", is kept in the outbox and is NOT known to be recorded: " + Message(outcome.status));
  } else if (outcome.queued) {
    object["queued"] = true;
    object["error"] = Message(outcome.status);
    const std::string when = outcome.fate == Fate::kReserved ? "the chain is free"
                             : outcome.fate == Fate::kAhead  ? "this station's clock is right"
                             : outcome.fate == Fate::kUnread ? "your administrator has seen to it"
                                                             : "the server is back";
    console_.Shout(Mood::kCareful, "NOT YET RECORDED",
                   "kept in outbox: " + what + ", " + place + "; `outbox send` when " + when +
                       " (" + Message(outcome.status) + ")");
  } else {
    object["refused"] = outcome.verdict.refused();
    object["error"] = Message(outcome.status);
    object["code"] = absl::StatusCodeToString(outcome.status.code());
    console_.Shout(Mood::kBad, "STOP", what + " was NOT recorded: " + Message(outcome.status));
  }
  console_.Emit(std::move(object));
}

}  // namespace custody
