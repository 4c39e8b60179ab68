// The part of the replay that asks who might do what and what the process says.
#include <algorithm>
#include <utility>

#include "custody/audit_replay.h"
#include "custody/rules.h"

namespace custody {
namespace {

constexpr std::size_t kWorthSharing = 64;  // fewer events are judged faster than threads are woken
constexpr std::string_view kTaintedRemark =
    " (an earlier event could not be used: this may follow from that)";

bool IsAuthority(const pb::Reason& reason) {
  return reason.rule() == "R01" || reason.rule() == "R45";
}

std::string Words(const pb::Reason& reason) {
  std::string words;
  if (!reason.subject().empty()) words += reason.subject() + ": ";
  words += "expected " + reason.expected();
  if (!reason.found().empty()) words += ", found " + reason.found();
  return words;
}

bool Refuses(const pb::Reason& reason) {
  return reason.kind() == pb::REASON_STRUCTURE ||
         (reason.kind() == pb::REASON_GATE && !reason.overridden());
}

Place PlaceOf(const AuditedEntry& entry) {
  return {.index = entry.index,
          .sequence = entry.log_entry->sequence(),
          .received_at = FromProto(entry.log_entry->received_at())};
}

}  // namespace

bool AuditReplay::CheckEnrolment(AuditedEntry& entry) const {
  if (entry.index == 0) return true;  // signed by keys that it introduces
  const KeyLookup enrolled = KeysAt(registry_, entry.index);
  bool all = true;
  const auto check = [&](const pb::Event& event) {
    for (const pb::Signer& signer : event.signers()) {
      const auto key_id = Hash::FromBytes(signer.key_id());
      if (key_id.ok() && enrolled(*key_id) != nullptr) continue;
      all = false;
      const EnrolledKey* key = key_id.ok() ? registry_.FindKey(*key_id) : nullptr;
      entry.Report(
          pb::UNAUTHORISED, "key",
          "the key of " + signer.person() +
              (key != nullptr && key->revoked_at ? " had been revoked" : " was not enrolled") +
              " when the event was recorded; the event is not used further" +
              std::string(registry_tainted_ ? kTaintedRemark : ""));
    }
  };
  check(entry.event->event);
  if (entry.event->original) check(entry.event->original->event);
  return all;
}

void AuditReplay::RememberKeys(const AuditedEntry& entry, const Hash& chain_key) {
  const auto named =
      chain_numbers_.try_emplace(chain_key, static_cast<std::uint32_t>(chain_keys_.size()));
  if (named.second) chain_keys_.push_back(chain_key);
  const std::uint32_t number = named.first->second;
  const Instant received = FromProto(entry.log_entry->received_at());
  const auto remember = [&](const pb::Event& event) {
    const Instant latest = std::max(received, FromProto(event.signed_at()));
    for (const pb::Signer& signer : event.signers()) {
      key_uses_[*Hash::FromBytes(signer.key_id())].push_back(
          {.index = entry.index,
           .latest_micros = latest.micros,
           .chain = number,
           .sequence = static_cast<std::uint32_t>(entry.log_entry->sequence())});
    }
  };
  remember(entry.event->event);
  if (entry.event->original) remember(entry.event->original->event);
}

void AuditReplay::JudgeSegment() {
  if (pending_ == 0) return;
  const auto judge = [this](std::size_t i) {
    for (AuditedEntry* entry : shards_[i].pending) JudgeTherapyEvent(*entry, shards_[i]);
    shards_[i].pending.clear();
  };
  if (pending_ >= kWorthSharing) {
    pool_.Wait(pool_.Start(kShards, judge));
  } else {
    for (std::size_t i = 0; i < kShards; ++i) judge(i);
  }
  pending_ = 0;
}

void AuditReplay::JudgeTherapyEvent(AuditedEntry& entry, Shard& shard) const {
  const Hash key = entry.log_entry ? *Hash::FromBytes(entry.log_entry->chain_key())
                                   : Sha256(entry.event->event.chain());
  if (!entry.usable()) return shard.shelf.Taint(key);
  pb::TherapyState& state = shard.shelf.Fetch(key);
  const Place place = PlaceOf(entry);
  const pb::Verdict verdict = Judge(*entry.event, registry_, state, place);
  if (Weigh(verdict, shard.shelf.tainted(key), entry, shard)) {
    const std::vector<Claim> before =
        options_.whole_log ? ClaimsOf(state, registry_) : std::vector<Claim>();
    if (options_.whole_log) AskClaims(entry, key, place, state, shard);
    ApplyToTherapy(*entry.event, place, verdict, registry_, state);
    if (options_.whole_log) KeepClaims(key, place.index, before, ClaimsOf(state, registry_), shard);
  } else {
    shard.shelf.Taint(key);
  }
}

void AuditReplay::JudgeRegistryEvent(AuditedEntry& entry) {
  if (!entry.usable()) {
    registry_tainted_ = true;
    return;
  }
  // Formats section 9: the *old* ledger's quorum continues it. Its registry is not in this record,
  // and that of this ledger cannot speak for it.
  if (entry.event->event.has_ledger_continued())
    entry.Report(
        pb::UNAUTHORISED, "continues",
        "states that this ledger continues " + entry.event->event.ledger_continued().old_origin() +
            "; whether the trustees of that ledger agreed cannot be judged from this "
            "record: rely on the two ledgers each by itself, and on nothing that ties them");
  const pb::Verdict verdict =
      Judge(*entry.event, registry_, pb::TherapyState::default_instance(), PlaceOf(entry));
  const bool authorised = Weigh(verdict, registry_tainted_, entry, shards_[0]);
  const Status applied = authorised ? registry_.Apply(*entry.event, entry.index) : absl::OkStatus();
  if (!applied.ok())
    entry.Report(pb::UNAUTHORISED, "registry", Message(applied) + "; the event has no effect");
  if (!authorised || !applied.ok()) registry_tainted_ = true;
}

bool AuditReplay::Weigh(const pb::Verdict& verdict, bool tainted, AuditedEntry& entry,
                        Shard& shard) const {
  const std::string remark(tainted || registry_tainted_ ? kTaintedRemark : "");
  bool authorised = true;
  bool explained = !verdict.refused();
  for (const pb::Reason& reason : verdict.reasons()) {
    if (reason.kind() == pb::REASON_NOT_JUDGED) {
      ++shard.not_judged[reason.rule()];
    } else if (reason.overridden()) {
      entry.Report(pb::NOTE, reason.rule(), "overridden by a grant: " + Words(reason));
    } else if (reason.rule() == kUnknownRules) {
      explained = true;  // no one broke a rule, but nobody can say here that none was broken
      entry.Report(pb::RULE, kUnknownRules, reason.found() + remark);
    } else if (verdict.refused() && Refuses(reason)) {
      explained = true;
      const bool authority = IsAuthority(reason);
      if (authority) authorised = false;
      entry.Report(authority ? pb::UNAUTHORISED : pb::RULE, reason.rule(),
                   Words(reason) +
                       (authority ? "; the event has no effect" : "; it should not be recorded") +
                       remark);
    }
  }
  if (!explained) entry.Report(pb::RULE, "rules", "the rules refuse the event" + remark);
  return authorised;
}

void AuditReplay::FindSuspects() {
  for (const auto& [key_id, key] : registry_.keys()) {
    if (!key.compromised_since) continue;
    const auto uses = key_uses_.find(key_id);
    if (uses == key_uses_.end()) continue;
    for (const KeyUse& use : uses->second) {
      if (use.latest_micros < key.compromised_since->micros) continue;
      pb::Finding& finding = findings_.emplace_back();
      finding.set_grade(pb::SUSPECT);
      finding.set_index(use.index);
      finding.set_chain(chains_.at(chain_keys_[use.chain]).name);
      finding.set_sequence(use.sequence);
      finding.set_check("compromised");
      finding.set_reason("signed or received after the key of " + key.person +
                         " was reported compromised (" + FormatUtc(*key.compromised_since) +
                         "): ask that person whether it was them");
    }
  }
}

void AuditReplay::SumUpTherapies() {
  for (Shard& shard : shards_) {
    shard.shelf.ForEach([&](const Hash& key, const pb::TherapyState& state) {
      const ChainRecord& chain = chains_.at(key);
      overrides_ += static_cast<std::uint32_t>(
          std::count_if(state.grants().begin(), state.grants().end(),
                        [](const pb::Grant& grant) { return grant.used_by_size() > 0; }));
      for (const pb::Deviation& deviation : state.deviations()) {
        if (!deviation.open()) continue;
        ++open_deviations_;
        pb::Finding& finding = findings_.emplace_back();
        finding.set_grade(pb::NOTE);
        finding.set_chain(chain.name);
        finding.set_sequence(deviation.sequence());
        if (deviation.sequence() < chain.events.size())
          finding.set_index(chain.events[deviation.sequence()].index);
        finding.set_check(deviation.rule().empty() ? "deviation" : deviation.rule());
        finding.set_reason("open " + std::string(deviation.critical() ? "critical " : "") +
                           "deviation " + deviation.id() +
                           (deviation.found().empty() ? "" : ": " + deviation.found()));
      }
    });
  }
}

void AuditReplay::NoteUnjudged() {
  const auto note = [&](pb::FindingGrade grade, std::string_view check, std::string reason) {
    pb::Finding& finding = findings_.emplace_back();
    finding.set_grade(grade);
    finding.set_check(std::string(check));
    finding.set_reason(std::move(reason));
  };
  std::map<std::string, std::uint64_t> not_judged;
  for (const Shard& shard : shards_) {
    for (const auto& [rule, count] : shard.not_judged) not_judged[rule] += count;
  }
  for (const auto& [rule, count] : not_judged) {
    const Rule* row = FindRule(rule, kNewestRulesVersion);
    const bool asked = row != nullptr && row->ledger_wide && options_.whole_log && withheld_ == 0;
    if (asked) continue;  // the whole ledger is here: CompareClaims
    const bool others = row != nullptr && row->ledger_wide;
    note(pb::NOTE, rule,
         "not judged here for " + std::to_string(count) + (count == 1 ? " event" : " events") +
             (others ? ": it needs other therapies"
                     : ": what it would judge by is missing, as the event's verdict says"));
  }
  if (withheld_ > 0)
    note(pb::NOTE, "withheld",
         std::to_string(withheld_) + " events were not to be had: only their places were checked");
  if (heads_repeated_ > 0)
    note(pb::INCONSISTENT, "heads-root",
         std::to_string(heads_repeated_) + " more entries state another root than was computed");
  if (!options_.signatures) note(pb::NOTE, "signature", "signatures were not checked");
}

}  // namespace custody
