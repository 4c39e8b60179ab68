// Every rule of the table is met by the journeys: somewhere it refuses, deviates, quarantines,
// notes or alerts, and somewhere it applies and passes.
//
// What "applies" means is not written down here by hand, or it would be what the writer believes.
// It is taken from the journeys: a rule applies to a body if it speaks of that body in any of them.
// It passes where a step of such a body is recorded, entered in the same way (a gate says something
// else of what is done already), and it says nothing. So for each rule there are two steps of the
// same kind, one with an objection and one without.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "custody/alerts.h"
#include "custody/claims.h"
#include "custody/event.h"
#include "custody/rules.h"
#include "custody/therapy.h"
#include "tests/support/journey.h"
#include "tests/support/player.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests/journeys";

// What no journey can show, and where it is shown.
const std::map<std::string, const char*>& Elsewhere() {
  static const std::map<std::string, const char*> elsewhere = {
      // Of a chain with a gap there is no next step: whoever puts entries in order refuses it.
      {"R02", "custody_ledger_integration_test, tamper_test: broken links and gaps"}};
  return elsewhere;
}

// A rule's name with the kind of step it was asked about.
using Asked = std::pair<std::string, std::string>;

struct Seen {
  std::map<Asked, std::string> spoke;   // and where for the first time
  std::map<Asked, std::string> passed;  // the same
  std::set<std::string> journeys;
};

std::string Mode(const ParsedEvent& parsed) {
  const bool live = parsed.effective().entry() == pb::LIVE;
  return std::string(BodyName(parsed.effective())) + (parsed.original ? ", adopted"
                                                      : live          ? ""
                                                                      : ", done already");
}

// A ledger that keeps nothing but what its therapies have come to. It judges and folds as the
// server does, and asks what only the whole ledger knows.
class MemoryStage final : public Stage, private OtherTherapies {
 public:
  explicit MemoryStage(TestLedger& world) : world_(world), now_(world.now()) {}

  Status Reach(Instant now) override {
    if (now_ < now) now_ = now;
    return {};
  }
  Status Attach(std::string_view, std::string_view, std::string_view,
                std::string_view bytes) override {
    files_[Sha256(bytes).ToString()] = bytes;
    return {};
  }
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override {
    CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
    return Admitted(parsed);
  }
  Answer Record(const pb::SignedEvent& signed_event) override {
    const ParsedEvent parsed = Must(ParseEvent(signed_event.payload()));
    const std::string& chain = parsed.event.chain();
    if (!chain.starts_with("therapy/")) return {};  // the world has taken it already
    pb::TherapyState& state = states_[chain];
    if (parsed.event.sequence() != state.length()) return {Aborted("its place is taken"), {}};
    Answer answer{{}, Admitted(parsed)};
    if (answer.verdict.refused()) {
      answer.status = FailedPrecondition("refused");
      return answer;
    }
    const Place place = PlaceIn(state);
    const pb::Verdict own = Judge(parsed, world_.registry(), state, place);
    ApplyToTherapy(parsed, place, own, world_.registry(), state);
    return answer;
  }

  const std::map<std::string, pb::TherapyState>& states() const { return states_; }
  Instant now() const { return now_; }

 private:
  Place PlaceIn(const pb::TherapyState& state) const {
    return {world_.next_index(), state.length(), now_};
  }
  // The verdict that admits.
  pb::Verdict Admitted(const ParsedEvent& parsed) {
    const pb::TherapyState& state = states_[parsed.event.chain()];
    pb::Verdict verdict = Judge(parsed, world_.registry(), state, PlaceIn(state), this);
    if (parsed.effective().has_telemetry_batch()) {
      const pb::TelemetryBatch& batch = parsed.effective().telemetry_batch();
      CheckSummary(batch, files_[batch.file().sha256()], verdict);
    }
    return verdict;
  }
  std::vector<std::string> HoldersOf(const Claim& claim, std::string_view therapy) const override {
    std::vector<std::string> holders;
    for (const auto& [chain, state] : states_) {
      const std::string_view id = std::string_view(chain).substr(chain.find('/') + 1);
      const std::vector<Claim> held = ClaimsOf(state, world_.registry());
      const bool collides =
          std::ranges::any_of(held, [&](const Claim& one) { return Collide(one, claim); });
      if (id != therapy && collides) holders.emplace_back(id);
    }
    return holders;
  }

  TestLedger& world_;
  Instant now_;
  std::map<std::string, pb::TherapyState> states_;
  std::map<std::string, std::string> files_;
};

// One journey in memory, played as every journey is (player.h).
class Play {
 public:
  Play(const Journey& journey, Seen& seen) : seen_(seen) { Must(player_.Publish(journey)); }

  void Step(const JourneyStep& step) {
    const Played played = Must(player_.Play(step));
    EXPECT_EQ(played.otherwise, "") << step.where;
    if (played.held) return;
    std::set<std::string> spoke;
    for (const pb::Reason& reason : played.verdict.reasons()) {
      if (reason.kind() != pb::REASON_NOT_JUDGED) spoke.insert(reason.rule());
    }
    if (played.status.ok()) spoke.merge(NewAlerts(stage_.now()));
    const ParsedEvent parsed = Must(ParseEvent(played.event.SerializeAsString()));
    Count(Mode(parsed), step.where, spoke, played.status.ok());
  }

  // When somebody looks again a year later, what was never done is overdue.
  void Later() {
    Count("a year later", "at the end", NewAlerts(stage_.now() + 400 * kMicrosPerDay), true);
  }

 private:
  // Alerts count where they appear first: of the step that they follow from.
  std::set<std::string> NewAlerts(Instant now) {
    std::set<std::string> rules;
    for (const auto& [chain, state] : stage_.states()) {
      for (const Alert& alert : Alerts(state, world_.registry(), now)) {
        if (alerts_.insert(chain + alert.id).second) rules.insert(alert.rule);
      }
    }
    return rules;
  }

  void Count(const std::string& what, const std::string& where, const std::set<std::string>& spoke,
             bool recorded) {
    for (const std::string& rule : spoke) seen_.spoke.try_emplace({rule, what}, where);
    for (const Rule& rule : Rules()) {
      const std::string id(rule.id);
      if (recorded && !spoke.contains(id)) seen_.passed.try_emplace({id, what}, where);
    }
  }

  Seen& seen_;
  TestLedger world_;
  MemoryStage stage_{world_};
  Player player_{world_, stage_, world_.now()};
  std::set<std::string> alerts_;
};

const Seen& AllJourneys() {
  static const Seen& seen = *[] {
    auto* all = new Seen;
    for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
      const std::string name = file.path().stem();
      if (file.path().extension() != ".txt" || name == "CMakeLists") continue;
      all->journeys.insert(name);
      const Journey journey = Must(ReadJourney(file.path()));
      Play play(journey, *all);
      for (const JourneyStep& step : journey.steps) play.Step(step);
      play.Later();
    }
    return all;
  }();
  return seen;
}

std::string Where(const std::map<Asked, std::string>& map, std::string_view rule) {
  const auto found =
      std::ranges::find_if(map, [&](const auto& e) { return e.first.first == rule; });
  return found == map.end() ? "" : found->second + " (" + found->first.second + ")";
}

TEST(RuleCoverage, EveryRuleSpeaksInSomeJourney) {
  std::string missing;
  for (const Rule& rule : Rules()) {
    const std::string where = Where(AllJourneys().spoke, rule.id);
    if (where.empty() && !Elsewhere().contains(std::string(rule.id))) {
      missing += " " + std::string(rule.id);
    }
    std::printf("%-10s %s\n", std::string(rule.id).c_str(), where.c_str());
  }
  EXPECT_EQ(missing, "") << "write a journey in which these refuse, deviate, note or alert";
}

TEST(RuleCoverage, EveryRuleAppliesAndPassesInSomeJourney) {
  const Seen& seen = AllJourneys();
  std::string missing;
  for (const Rule& rule : Rules()) {
    if (Elsewhere().contains(std::string(rule.id))) continue;
    if (Where(seen.spoke, rule.id).empty()) continue;  // said above
    const bool passes = std::ranges::any_of(seen.spoke, [&](const auto& spoke) {
      return spoke.first.first == rule.id && seen.passed.contains(spoke.first);
    });
    if (!passes) missing += " " + std::string(rule.id);
  }
  EXPECT_EQ(missing, "") << "write a journey with a step that these have nothing against";
}

// Thirty whole therapies at least, and each failure branch by its own.
TEST(RuleCoverage, TheJourneysAreManyAndEachBranchHasOne) {
  const std::set<std::string>& journeys = AllJourneys().journeys;
  EXPECT_GE(journeys.size(), 30U);
  for (const char* branch :
       {"f01", "f02", "f03", "f04", "f05", "f06", "f07", "f08a", "f08b", "f09", "f10", "f11",
        "f12", "f13", "f14", "f15", "f16", "f17", "f18", "f19",  "f20",  "f21", "f22"}) {
    EXPECT_TRUE(std::ranges::any_of(journeys, [&](const std::string& name) {
      return name.starts_with(std::string(branch) + "_");
    })) << branch;
  }
}

}  // namespace
}  // namespace custody
