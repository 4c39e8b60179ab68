// The part of the replay that asks what no therapy by itself can answer (R05, R15).
//
// Therapies are judged in parallel, each without the others. So what an event asked for, and the
// span of the log over which each therapy held a thing, are only collected meanwhile; when all of
// the log is known they are compared. What would have been held against the event is judged at
// once, while its therapy's state is at hand, as if another had the thing.
#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "custody/audit_replay.h"
#include "custody/profile.h"
#include "custody/rules.h"

namespace custody {
namespace {

class Somebody : public OtherTherapies {
 public:
  std::vector<std::string> HoldersOf(const Claim&, std::string_view) const override {
    return {"another"};
  }
};

constexpr std::uint64_t kStill = std::numeric_limits<std::uint64_t>::max();

}  // namespace

// Which rules somebody wrote down a deviation of.
void AuditReplay::KeepWritten(const pb::Event& event, const Hash& chain, Shard& shard) {
  for (const std::string& rule : event.deviation_opened().rules()) {
    shard.written.insert({chain, rule});
  }
}

void AuditReplay::AskClaims(const AuditedEntry& entry, const Hash& chain, const Place& place,
                            const pb::TherapyState& state, Shard& shard) const {
  const ParsedEvent& event = *entry.event;
  KeepWritten(event.effective(), chain, shard);
  const std::vector<Claim> claims = ClaimsAsked(event.effective(), registry_, state,
                                                ProfileFor(registry_, state, event.effective()));
  if (claims.empty()) return;
  const Somebody somebody;
  const pb::Verdict verdict = Judge(event, registry_, state, place, &somebody);
  for (const Claim& claim : claims) {
    const auto said = std::ranges::find_if(verdict.reasons(), [&](const pb::Reason& reason) {
      const bool binds = reason.kind() == pb::REASON_GATE ||
                         reason.kind() == pb::REASON_DEVIATION ||
                         reason.kind() == pb::REASON_STRUCTURE;
      return binds && reason.rule() == RuleOf(claim) && reason.expected() == Wanted(claim);
    });
    if (said == verdict.reasons().end()) continue;
    const bool live = event.effective().entry() == pb::LIVE && event.original == nullptr;
    const bool refused = said->kind() == pb::REASON_STRUCTURE ||
                         (said->kind() == pb::REASON_GATE && !said->overridden() && live);
    shard.asked.push_back({claim, chain, place.index, place.sequence, refused, said->overridden()});
  }
}

void AuditReplay::KeepClaims(const Hash& chain, std::uint64_t index,
                             const std::vector<Claim>& before, const std::vector<Claim>& after,
                             Shard& shard) {
  for (const Claim& claim : before) {
    if (std::ranges::binary_search(after, claim)) continue;
    const auto open = shard.open.find({chain, claim});
    if (open == shard.open.end()) continue;
    shard.held[open->second].until = index;
    shard.open.erase(open);
  }
  for (const Claim& claim : after) {
    if (std::ranges::binary_search(before, claim)) continue;
    shard.open[{chain, claim}] = shard.held.size();
    shard.held.push_back({claim, chain, index, kStill});
  }
}

std::string AuditReplay::WrittenDown(const ClaimAsked& asked, const ClaimHeld& held) const {
  const std::string rule(RuleOf(asked.claim));
  std::string missing;
  for (const Hash& chain : {asked.chain, held.chain}) {
    const bool written = std::ranges::any_of(shards_, [&](const Shard& shard) {
      return shard.written.contains({chain, rule});
    });
    if (!written) missing += (missing.empty() ? "" : " and ") + chains_.at(chain).name;
  }
  if (missing.empty()) return "; written down in both: DEVIATION_OPENED";
  return "; no DEVIATION_OPENED naming " + rule + " in " + missing;
}

void AuditReplay::CompareClaims() {
  std::map<std::pair<std::string, std::string>, std::vector<const ClaimHeld*>> holders;
  for (const Shard& shard : shards_) {
    for (const ClaimHeld& held : shard.held) {
      holders[{held.claim.kind, held.claim.value}].push_back(&held);
    }
  }
  // A culture is looked at daily: what was done with another's thing is said once of each.
  std::set<std::tuple<Hash, Hash, Claim>> done;
  for (const Shard& shard : shards_) {
    for (const ClaimAsked& asked : shard.asked) {
      const auto found = holders.find({asked.claim.kind, asked.claim.value});
      if (found == holders.end()) continue;
      for (const ClaimHeld* held : found->second) {
        const bool then = held->from < asked.index && asked.index < held->until;
        if (!then || held->chain == asked.chain || !Collide(held->claim, asked.claim)) continue;
        const bool again =
            !asked.refused && !done.insert({asked.chain, held->chain, asked.claim}).second;
        if (again) break;
        pb::Finding& finding = findings_.emplace_back();
        finding.set_grade(asked.refused ? pb::RULE : pb::NOTE);
        finding.set_index(asked.index);
        finding.set_chain(chains_.at(asked.chain).name);
        finding.set_sequence(asked.sequence);
        finding.set_check(std::string(RuleOf(asked.claim)));
        finding.set_reason(Called(asked.claim) + ": " + chains_.at(held->chain).name +
                           " had it since event " + std::to_string(held->from) +
                           (asked.refused      ? "; it should not be recorded"
                            : asked.overridden ? "; overridden by a grant"
                                               : "; recorded as done" + WrittenDown(asked, *held)));
        break;
      }
    }
  }
}

}  // namespace custody
