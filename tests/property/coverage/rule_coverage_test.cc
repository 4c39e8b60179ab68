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

#include "custody/alerts.h"
#include "custody/event.h"
#include "custody/logger_file.h"
#include "custody/rules.h"
#include "custody/telemetry.h"
#include "custody/therapy.h"
#include "tests/support/event_builder.h"
#include "tests/support/journey.h"
#include "tests/support/logger_file.h"
#include "tests/support/main_path.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

constexpr std::string_view kChain = "therapy/T1";
const std::filesystem::path kFolder = std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests/journeys";

// What no journey can show, and where it is shown.
const std::map<std::string, const char*>& Elsewhere() {
  static const std::map<std::string, const char*> elsewhere = {
      // Of a chain with a gap there is no next step: whoever puts entries in order refuses it.
      {"R02", "custody_ledger_integration_test, tamper_test: broken links and gaps"}};
  return elsewhere;
}

// What is never passed: the events that these speak of are themselves the fault.
const std::map<std::string, const char*>& NeverPassed() {
  static const std::map<std::string, const char*> never = {
      // Where nothing is lost, opened or misdelivered nobody records SHIPMENT_FOUND or SEAL_BROKEN;
      // a seal that is as it should be passes R11.
      {"F11", "what was lost, opened or misdelivered is in quarantine whenever it is recorded"}};
  return never;
}

// A rule's name with the kind of step it was asked about.
using Asked = std::pair<std::string, std::string>;

struct Seen {
  std::map<Asked, std::string> spoke;   // and where for the first time
  std::map<Asked, std::string> passed;  // the same
  std::set<std::string> journeys;
};

std::string Mode(const pb::Event& event) {
  return std::string(BodyName(event)) + (event.entry() == pb::LIVE ? "" : ", done already");
}

// One journey in memory.
class Play {
 public:
  Play(const Journey& journey, Seen& seen) : seen_(seen) {
    for (const std::string& name : journey.profiles) ledger_.PublishProfile(ProfileNamed(name));
    begins_ = ledger_.now();
  }

  void Step(const JourneyStep& step) {
    ledger_.set_now(begins_ + step.signed_after);
    pb::Event event = Build(step);
    const ParsedEvent parsed = Must(ParseEvent(event.SerializeAsString()));
    const Place place{ledger_.next_index() + state_.length(), state_.length(), ledger_.now()};
    pb::Verdict verdict = Judge(parsed, ledger_.registry(), state_, place);
    EXPECT_EQ(verdict.refused(), !step.refused.empty()) << step.where << "\n" << Explain(verdict);
    std::set<std::string> spoke;
    for (const pb::Reason& reason : verdict.reasons()) {
      if (reason.kind() != pb::REASON_NOT_JUDGED) spoke.insert(reason.rule());
    }
    if (!verdict.refused()) {
      if (!step.name.empty()) ids_[step.name] = parsed.event_id.ToString();
      ApplyToTherapy(parsed, place, verdict, ledger_.registry(), state_);
      spoke.merge(NewAlerts());
    }
    Count(Mode(event), step.where, spoke, !verdict.refused());
  }

  // When somebody looks again a year later, what was never done is overdue.
  void Later() {
    ledger_.Pass(400 * kMicrosPerDay);
    Count("a year later", "at the end", NewAlerts(), true);
  }

 private:
  pb::Event Build(const JourneyStep& step) {
    EventBuilder event = ledger_.On(kChain);
    for (const std::string& signer : step.signers) {
      const bool clerk = step.mode != pb::LIVE;
      const bool first = event.Build().signers_size() == 0;
      event.By(signer, !clerk ? pb::PERFORMED : first ? pb::TRANSCRIBED : pb::CHECKED);
    }
    const Instant at = begins_ + step.after;
    event.event().MergeFrom(Must(BodyOf(step, at, ids_)));
    if (event.event().has_telemetry_batch()) {
      pb::TelemetryBatch& batch = *event.event().mutable_telemetry_batch();
      Summarize(Must(ParseLoggerFile(LoggerFileOf(batch))), batch);
    }
    event.HappenedAt(at);
    if (step.mode == pb::LATE) event.Late(step.reason);
    if (step.mode == pb::DOWNTIME) event.Downtime(step.reason);
    for (const std::string& person : step.performed_by) event.PerformedBy(person);
    if (!step.cites.empty()) event.event().add_grants(ids_.at(step.cites));
    event.event().set_sequence(state_.length());
    if (state_.length() > 0) event.event().set_previous(state_.head());
    return event.Build();
  }

  // Alerts count where they appear first: of the step that they follow from.
  std::set<std::string> NewAlerts() {
    std::set<std::string> rules;
    for (const Alert& alert : Alerts(state_, ledger_.registry(), ledger_.now())) {
      if (alerts_.insert(alert.id).second) rules.insert(alert.rule);
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
  TestLedger ledger_;
  pb::TherapyState state_;
  Instant begins_;
  std::map<std::string, std::string> ids_;
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
    if (NeverPassed().contains(std::string(rule.id))) continue;
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
