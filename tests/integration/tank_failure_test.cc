// A nitrogen tank fails at night with forty patients' product in it, in a real ledger: what lay in
// it, one excursion for each of them, and the evacuation, scanned first and completed later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "custody/alerts.h"
#include "custody/logger_file.h"
#include "custody/state.h"
#include "custody/telemetry.h"
#include "custody/trace.h"
#include "tests/support/event_builder.h"
#include "tests/support/journey.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/logger_file.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kPatients = 40;

std::string Two(int number) { return std::to_string(10 + number); }
std::string Id(int number) { return "P" + Two(number); }

// The step of the main path as patient `number` has it: every identifier is their own.
JourneyStep Of(int number, JourneyStep step) {
  const std::pair<std::string, std::string> names[] = {
      {std::string(kMainCoi), std::string(kMainCoi.substr(0, kMainCoi.size() - 2)) + Two(number)},
      {std::string(kMainDin), std::string(kMainDin.substr(0, kMainDin.size() - 2)) + Two(number)},
      {std::string(kMainLot), "LOT260" + Two(number)},
      {"VEC-3-12", "VEC-3-1" + Two(number)},
      {"SHP-", "SHP" + Two(number) + "-"},
      {"LOG-", "LOG" + Two(number) + "-"},
      {"SEAL-", "SEAL" + Two(number) + "-"},
      {"AWB-", "AWB" + Two(number) + "-"}};
  for (const auto& [old, fresh] : names) {
    for (std::size_t at = step.body.find(old); at != std::string::npos;
         at = step.body.find(old, at + fresh.size())) {
      step.body.replace(at, old.size(), fresh);
    }
  }
  return step;
}

class TankFailureTest : public ::testing::Test {
 protected:
  // Plays so many patients through the normal course, up to and with the step `last`.
  void Walk(int patients, std::string_view last) {
    const Journey journey =
        Must(ReadJourney(std::string(CUSTODY_SOURCE_DIR) + "/tests/journeys/normal_course.txt"));
    for (const std::string& name : journey.profiles) world().PublishProfile(ProfileNamed(name));
    begins_ = world().now();
    folder_.Begin();
    for (int number = 0; number < patients; ++number) Attach(number, std::string(kJourneyFile));
    for (const JourneyStep& step : journey.steps) {
      for (int number = 0; number < patients; ++number) Play(number, Of(number, step));
      if (step.body.starts_with(std::string(last) + " ")) break;
    }
  }

  TestLedger& world() { return folder_.world(); }
  void Attach(int number, const std::string& bytes) {
    Must(folder_.ledger().PutAttachment(Id(number), "text/plain", bytes).status());
  }
  void Play(int number, const JourneyStep& step) {
    const Instant at = begins_ + step.after;
    world().set_now(std::max(world().now(), at));
    EventBuilder event = world().On("therapy/" + Id(number));
    for (const std::string& signer : step.signers) event.By(signer);
    event.event().MergeFrom(Must(BodyOf(step, at, {})));
    if (event.event().has_telemetry_batch()) {
      pb::TelemetryBatch& batch = *event.event().mutable_telemetry_batch();
      const std::string file = LoggerFileOf(batch);
      Attach(number, file);
      batch.mutable_file()->set_sha256(Sha256(file).ToString());
      batch.mutable_file()->set_size(file.size());
      Summarize(Must(ParseLoggerFile(file)), batch);
    }
    event.HappenedAt(at);
    Record(event);
  }
  RecordOutcome Record(EventBuilder& event) {
    const pb::SignedEvent signed_event = event.Sign();
    folder_.clock().Reach(world().now());
    RecordOutcome outcome = RecordNow(folder_.ledger(), signed_event, "lab.station.1");
    EXPECT_THAT(outcome.status, IsOk()) << event.Build().ShortDebugString();
    if (outcome.status.ok()) world().Record(signed_event);
    return outcome;
  }
  pb::TherapyState State(const std::string& id) {
    return Must(folder_.ledger().GetTherapy(id, std::nullopt)).state();
  }
  // What lay in a unit then: container and therapy.
  std::map<std::string, std::string> Lying(const std::string& unit, Instant at) {
    std::map<std::string, std::string> lying;
    for (const std::string& id : Must(folder_.ledger().TherapiesNaming("equipment", unit, false))) {
      const pb::TracedTherapy found = InventoryOf(State(id), unit, at.micros, at.micros);
      for (const pb::TracedContainer& one : found.containers()) lying[one.container()] = id;
    }
    return lying;
  }
  EventBuilder By(const std::string& person, const std::string& therapy, const std::string& body) {
    EventBuilder event = world().On("therapy/" + therapy);
    event.By(person);
    event.event().MergeFrom(ParseBody(body, world().now()));
    return event;
  }

  LedgerFolder folder_{/*in_memory=*/true, pb::DEMO, TestWorld{}};
  Instant begins_;
};

TEST_F(TankFailureTest, FortyPatientsAreHeldMovedAndAccountedFor) {
  Walk(kPatients, "stored");
  world().Pass(3 * kMicrosPerDay);
  const Instant alarm = world().now();
  const std::map<std::string, std::string> lying = Lying("LN1", alarm);
  ASSERT_THAT(lying, SizeIs(kPatients));

  // At once, before anything else: each is scanned where it goes, as fast as hands can. One bag is
  // not found yet. Nothing of what the rules know may stop this.
  world().Pass(20 * kMicrosPerMinute);
  int place = 0;
  for (const auto& [container, therapy] : lying) {
    if (place++ == 0) continue;
    EventBuilder moved = By("lab.wh.1", therapy,
                            "moved { containers { container: \"" + container +
                                "\" position: \"LN7-B-" + std::to_string(place) +
                                "\" } from_unit: \"LN1\" to_unit: \"LN7\" moved_at $T "
                                "reason: \"tank failed\" tank_evacuation: YES }");
    EXPECT_FALSE(Record(moved).reply.verdict().refused());
  }
  EXPECT_THAT(Lying("LN7", world().now()), SizeIs(kPatients - 1));
  ASSERT_THAT(Lying("LN1", world().now()), SizeIs(1));
  EXPECT_EQ(Lying("LN1", world().now()).begin()->first, lying.begin()->first);

  // In the morning: the excursion, of all that lay there when the alarm went, wherever it is now.
  world().Pass(5 * kMicrosPerHour);
  EXPECT_EQ(Lying("LN1", alarm), lying);
  for (const auto& [container, therapy] : lying) {
    EventBuilder excursion =
        By("lab.wh.1", therapy,
           "storage_excursion { storage_unit: \"LN1\" containers: \"" + container +
               "\" from $T-6h to $T-5h max_temperature_centi_c: -11800 moved_away: YES }");
    EXPECT_FALSE(Record(excursion).reply.verdict().refused());
    const pb::TherapyState state = State(therapy);
    EXPECT_THAT(OpenQuarantines(state, *FindContainer(state, container)), SizeIs(1)) << container;
    const std::vector<Alert> alerts = Alerts(state, world().registry(), world().now());
    EXPECT_TRUE(std::ranges::any_of(alerts, [](const Alert& alert) {
      return alert.rule == "F9" && !alert.acknowledged();
    })) << therapy;
  }

  // The fields that nobody had time for are told afterwards, at the time when it happened.
  const auto& [container, therapy] = *std::next(lying.begin());
  const std::string position = FindContainer(State(therapy), container)->location();
  EventBuilder completed =
      By("lab.wh.1", therapy,
         "moved { containers { container: \"" + container + "\" position: \"" + position +
             "\" } from_unit: \"LN1\" to_unit: \"LN7\" moved_at "
             "$T-5h reason: \"tank failed, completed\" transfer_time_seconds: "
             "140 tank_evacuation: YES }");
  completed.HappenedAt(world().now() + -5 * kMicrosPerHour);
  Record(completed);
  EXPECT_THAT(Lying("LN7", world().now()), SizeIs(kPatients - 1));
  EXPECT_THAT(Lying("LN1", alarm + -4 * kMicrosPerDay), IsEmpty());
}

// Contamination of what was given already reaches both sites, and stays until each has said that it
// acts: the maker's word does not silence the clinic's alert.
TEST_F(TankFailureTest, ContaminationAfterTheInfusionWaitsForTheSiteToAcknowledgeIt) {
  Walk(1, "infusion_completed");
  const std::string lot = State(Id(0)).lots(0).lot();
  world().Pass(6 * kMicrosPerDay);
  EventBuilder found = By("lab.qa.1", Id(0),
                          "contamination_confirmed { lot: \"" + lot +
                              "\" test: \"sterility\" organism: \"Staphylococcus\" confirmed_at $T "
                              "after_infusion: YES advice: \"culture the blood\" }");
  Record(found);
  const auto alert = [&] {
    for (const Alert& one : Alerts(State(Id(0)), world().registry(), world().now())) {
      if (one.rule == "F5") return one;
    }
    return Alert{};
  };
  EXPECT_THAT(alert().waiting, ElementsAre("CLINIC", "LAB"));
  EXPECT_THAT(alert().text, HasSubstr(lot));
  const auto acknowledge = [&](const std::string& person, const std::string& id) {
    world().Pass(10 * kMicrosPerMinute);
    EventBuilder seen =
        By(person, Id(0), "alert_acknowledged { alert: \"" + id + "\" action: \"patient seen\" }");
    Record(seen);
  };
  acknowledge("lab.qa.1", alert().id);
  EXPECT_THAT(alert().waiting, ElementsAre("CLINIC"));
  world().Pass(30 * kMicrosPerDay);  // time does not silence it
  EXPECT_THAT(alert().waiting, ElementsAre("CLINIC"));
  acknowledge("clinic.phy.1", alert().id);
  EXPECT_THAT(alert().waiting, IsEmpty());
}

}  // namespace
}  // namespace custody
