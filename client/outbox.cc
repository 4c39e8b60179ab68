#include "client/outbox.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "crypto/dsse.h"
#include "custody/event.h"

namespace custody {
namespace {

// Whether its place, or rules that bind permissions alone, stand against a step that may have been
// done. What is no event, or is refused in every entry mode, would be refused as an adopted one
// too.
bool MayBeAdopted(const Outcome& outcome) {
  if (outcome.fate == Fate::kMoved) return true;
  const bool judged = outcome.fate == Fate::kRefused && outcome.verdict.refused() &&
                      outcome.status.code() == StatusCode::kFailedPrecondition;
  return judged && std::ranges::none_of(outcome.verdict.reasons(), [](const pb::Reason& reason) {
           return reason.kind() == pb::REASON_STRUCTURE;
         });
}

// The event that carries `waiting`, on the chain's head of now, takes its place in the outbox only
// when it is recorded: until then the original waits, and a retry finds whichever was recorded.
Outcome Adopt(Desk& desk, Recorder& recorder, const Waiting& waiting, const AdoptBy& adopt) {
  Outcome outcome;
  const auto attempt = [&]() -> Status {
    Draft draft;
    draft.therapy = waiting.event.chain().substr(waiting.event.chain().find('/') + 1);
    draft.signers = adopt.signers;
    for (DraftSigner& signer : draft.signers) {
      if (signer.meaning == pb::MEANING_UNSPECIFIED) signer.meaning = pb::TRANSCRIBED;
    }
    CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply head, desk.Therapy(draft.therapy));
    pb::Event event;
    CUSTODY_RETURN_IF_ERROR(recorder.Envelope(draft, head, event));
    *event.mutable_adopted()->mutable_original() = waiting.signed_event;
    event.mutable_adopted()->set_reason(adopt.reason);
    CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, recorder.Sign(event));
    if (!desk.online()) return desk.Reachable();
    const RecordResult recorded = desk.session().Record(signed_event);
    outcome.fate = recorded.fate;
    outcome.queued = recorded.fate == Fate::kAhead || recorded.fate == Fate::kReserved ||
                     recorded.fate == Fate::kUnknown;
    outcome.chain = event.chain();
    outcome.sequence = event.sequence();
    outcome.event_id = EventId(signed_event.payload()).ToHex();
    outcome.index = recorded.receipt.index();
    outcome.known = recorded.known;
    outcome.verdict = recorded.verdict;
    return recorded.status;
  };
  outcome.status = attempt();
  if (outcome.status.ok()) {
    static_cast<void>(desk.folder().Dequeue(waiting.item, waiting.signed_event));
  }
  return outcome;
}

// What people do about an event that was judged and stays.
std::string WhatNext(bool may_be_adopted, const std::string& name) {
  const std::string drop = "`outbox drop " + name + "`";
  if (may_be_adopted) {
    return "  It stays in the outbox as " + name +
           ". If the step was done: `outbox send --adopt --as PERSON:ROLE --reason ...`; if it was "
           "not done: " +
           drop + ".";
  }
  return "  It stays in the outbox as " + name +
         " and can never be recorded as it stands. If the step was done: enter it anew with "
         "`record "
         "--late ...`, then " +
         drop + ".";
}

}  // namespace

StatusOr<std::vector<Waiting>> ReadOutbox(const Desk& desk) {
  std::vector<Waiting> all;
  CUSTODY_ASSIGN_OR_RETURN(const auto items, desk.folder().Outbox());
  for (const auto& item : items) {
    Waiting waiting;
    waiting.item = item;
    waiting.name = item.stem().string();
    StatusOr<pb::SignedEvent> there = desk.folder().ReadOutbox(item);
    if (there.status().code() == StatusCode::kNotFound) continue;  // another program sent it
    if (there.ok() && waiting.event.ParseFromString(there->payload())) {
      waiting.signed_event = *std::move(there);
      waiting.event_id = EventId(waiting.signed_event.payload()).ToHex();
    } else {
      waiting.event.Clear();
      waiting.unreadable = WithContext(
          there.ok() ? DataLoss(item.string() + " is damaged: it holds no event") : there.status(),
          "what was signed as " + waiting.name +
              " cannot be read and is not recorded. Ask who signed at this station what it was, "
              "enter it anew with `record --late ...`, then `outbox drop " +
              waiting.name + "`, which keeps the file");
    }
    all.push_back(std::move(waiting));
  }
  return all;
}

OutboxReport SendOutbox(Desk& desk, Recorder& recorder, Console& console, const AdoptBy* adopt) {
  OutboxReport report;
  const auto all = ReadOutbox(desk);
  if (!all.ok()) {
    report.first_problem = all.status();
    return report;
  }
  const auto note = [&report](const Status& status) {
    if (report.first_problem.ok()) report.first_problem = status;
  };
  std::set<std::string> stopped;  // chains in which an earlier event stays
  std::set<std::string> held;     // chains whose turn comes later
  for (const Waiting& waiting : *all) {
    if (!waiting.unreadable.ok()) {
      ++report.stuck;
      note(waiting.unreadable);
      continue;
    }
    if (!desk.online()) {
      ++report.waiting;
      note(desk.Reachable());
      continue;
    }
    if (stopped.contains(waiting.event.chain())) {
      ++report.stuck;
      continue;
    }
    if (held.contains(waiting.event.chain())) {
      ++report.waiting;
      continue;
    }
    Outcome outcome = recorder.Send(waiting.item, waiting.signed_event, waiting.event);
    const bool may_be_adopted = MayBeAdopted(outcome);
    if (may_be_adopted && adopt != nullptr) {
      outcome = Adopt(desk, recorder, waiting, *adopt);
      if (outcome.status.ok()) ++report.adopted;
    } else if (outcome.status.ok()) {
      ++report.sent;
    }
    if (outcome.status.ok()) note(outcome.unkept);
    // Another program of this station has handed it in meanwhile, and has said what came of it.
    const bool gone = !std::filesystem::exists(waiting.item);
    if (!outcome.status.ok() && gone) continue;
    if (outcome.fate != Fate::kUnknown) recorder.Tell(outcome, BodyRule(waiting.event).label());
    if (outcome.status.ok()) continue;
    note(outcome.status);
    if (outcome.fate == Fate::kUnread) {
      // It may never be told what the server thinks of it: only its own chain waits for that.
      ++report.stuck;
      stopped.insert(waiting.event.chain());
      continue;
    }
    if (outcome.queued) {
      ++report.waiting;
      const bool later = outcome.fate == Fate::kReserved || outcome.fate == Fate::kAhead;
      if (later) held.insert(waiting.event.chain());
      continue;
    }
    stopped.insert(waiting.event.chain());
    ++report.stuck;
    console.Say(WhatNext(may_be_adopted, waiting.name));
  }
  return report;
}

}  // namespace custody
