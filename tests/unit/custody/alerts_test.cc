// What somebody has to be told, derived: each alert with its stable name, for whom, and until who
// has said that they act on it.
#include "custody/alerts.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class AlertsTest : public RulesTest {
 protected:
  std::vector<Alert> All() { return Alerts(run.state(), run.registry(), ledger.now()); }
  // The only alert of a rule; null when there is none.
  std::optional<Alert> Of(std::string_view rule) {
    std::optional<Alert> found;
    for (Alert& alert : All()) {
      if (alert.rule != rule) continue;
      EXPECT_FALSE(found.has_value()) << "two of " << rule;
      found = std::move(alert);
    }
    return found;
  }
  std::string LastId() const { return ShortId(run.last().parsed.event_id.view()); }
  void Acknowledge(const std::string& who, const std::string& alert) {
    MustDo({who}, "alert_acknowledged { alert: '" + alert + "' action: 'seen' }");
  }
};

TEST_F(AlertsTest, ALotThatIsNotReleasedInTimeIsToldToBothSites) {
  run.Through("batch_opened");
  const std::string event = LastId();
  const Instant opened = ledger.now();
  run.Until("qc_result");
  ledger.set_now(opened + 28 * kMicrosPerDay);
  EXPECT_FALSE(Of("R42").has_value()) << "day 28 is not over";
  Pass(kMicrosPerDay);
  const std::optional<Alert> late = Of("R42");
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->id, "A-" + event + "-R42-LOT26001");
  EXPECT_THAT(late->sites, ElementsAre("CLINIC", "LAB"));
  EXPECT_THAT(late->roles, UnorderedElementsAre(pb::COORD, pb::PHY, pb::QA, pb::SCHED));
  EXPECT_THAT(late->text, HasSubstr(std::string(kMainCoi)));
  Acknowledge("lab.qa.1", late->id);
  EXPECT_THAT(Of("R42")->waiting, ElementsAre("CLINIC")) << "the clinic has not said so";
  Acknowledge("clinic.coord.1", late->id);
  Acknowledge("clinic.coord.2", late->id);
  EXPECT_TRUE(Of("R42")->acknowledged());
  EXPECT_EQ(run.state().alerts_seen_size(), 2);
  for (const bool died : {false, true}) {
    const pb::TherapyState known = run.state();
    if (died) run.mutable_state().set_patient_died(true);
    if (!died) run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED);
    EXPECT_FALSE(Of("R42").has_value());
    run.mutable_state() = known;
  }
}

TEST_F(AlertsTest, AProfileMayAskForTheReleaseEarlierNeverLater) {
  run.Through("batch_opened");
  const Instant opened = ledger.now();
  run.Until("qc_result");
  for (const auto& [days, at] : {std::pair{20U, 21}, {60U, 29}}) {
    pb::Profile profile = DemoProfile();
    profile.set_version(days);
    profile.set_release_alert_days(days);
    ledger.PublishProfile(profile);
    ledger.set_now(opened + at * kMicrosPerDay);
    EXPECT_TRUE(Of("R42").has_value()) << days;
    ledger.set_now(opened + (at - 1) * kMicrosPerDay);
    EXPECT_FALSE(Of("R42").has_value()) << days;
  }
}

TEST_F(AlertsTest, TheFirstFeverIsToldToThePhysicianOfTheClinicAlone) {
  run.Until("crs_graded");
  const std::string event = LastId();
  const std::optional<Alert> fever = Of("R43");
  ASSERT_TRUE(fever.has_value());
  EXPECT_EQ(fever->id, "A-" + event + "-R43");
  EXPECT_THAT(fever->roles, ElementsAre(pb::PHY));
  EXPECT_THAT(fever->sites, ElementsAre("CLINIC"));
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 39.5 } } }");
  EXPECT_EQ(Of("R43")->id, fever->id) << "the first one";
  const pb::TherapyState lab = ViewFor(run.state(), run.registry(), "LAB");
  for (const Alert& alert : Alerts(lab, run.registry(), ledger.now() + kMicrosPerDay)) {
    EXPECT_THAT(alert.rule, testing::AnyOf("R42", "F5", "F9", "F18")) << alert.text;
  }
  Acknowledge("clinic.phy.1", fever->id);
  EXPECT_TRUE(Of("R43")->acknowledged());
}

TEST_F(AlertsTest, AfterTheNextDoseTheFirstFeverIsToldAnew) {
  run.Until("crs_graded");
  const std::string first = Of("R43")->id;
  run.mutable_state().set_last_infused_us(ledger.now().micros + kMicrosPerHour);
  Pass(2 * kMicrosPerHour);
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 38.0 } } }");
  EXPECT_NE(Of("R43")->id, first);
  EXPECT_FALSE(Of("R43")->acknowledged());
}

TEST_F(AlertsTest, ReadingsThatAreOverdueAreToldOncePerPause) {
  run.Through("observations_recorded");
  const std::string event = LastId();
  Pass(3 * kMicrosPerHour);
  EXPECT_FALSE(Of("R28").has_value());
  Pass(kMicrosPerHour);
  ASSERT_TRUE(Of("R28").has_value());
  EXPECT_EQ(Of("R28")->id, "A-" + event + "-R28");
  EXPECT_THAT(Of("R28")->roles, UnorderedElementsAre(pb::RN, pb::PHY));
  Acknowledge("clinic.rn.1", Of("R28")->id);
  EXPECT_TRUE(Of("R28")->acknowledged());
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 36.5 } } }");
  EXPECT_FALSE(Of("R28").has_value());
  Pass(5 * kMicrosPerHour);
  EXPECT_FALSE(Of("R28")->acknowledged()) << "another pause";
}

TEST_F(AlertsTest, AnExcursionLastsUntilQualityDecides) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  const std::optional<Alert> warm = Of("F9");
  ASSERT_TRUE(warm.has_value());
  EXPECT_THAT(warm->id, HasSubstr("A-" + LastId() + "-F9"));
  EXPECT_THAT(warm->text, HasSubstr("LOT26001-1"));
  EXPECT_THAT(warm->sites, ElementsAre("CLINIC", "LAB"));
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
         "cause: QUARANTINED_FOR_TEMPERATURE reason: 'stable' }");
  EXPECT_FALSE(Of("F9").has_value());
}

TEST_F(AlertsTest, ContaminationIsToldWhenThePatientHasGotIt) {
  const std::string contaminated =
      "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
      "after_infusion: NO }";
  TestLedger own;
  TherapyRun before(own);
  before.Until("ld_started");
  ASSERT_FALSE(before.Record(before.Draft({"lab.qc.1"}, contaminated)).refused());
  EXPECT_THAT(Alerts(before.state(), before.registry(), own.now()), IsEmpty());
  run.Through("infusion_started");
  MustDo({"lab.qc.1"}, contaminated);
  ASSERT_TRUE(Of("F5").has_value());
  EXPECT_EQ(Of("F5")->id, "A-" + LastId() + "-F5-LOT26001");
  EXPECT_THAT(Of("F5")->sites, ElementsAre("CLINIC", "LAB"));
  Acknowledge("lab.qa.1", Of("F5")->id);
  EXPECT_FALSE(Of("F5")->acknowledged()) << "the site that treats has to say so";
}

TEST_F(AlertsTest, ARecallIsTold) {
  run.Until("ld_started");
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'RC-7' identifier_type: 'lot' identifier: 'LOT26001' reason: "
         "'x' infused_already: NO }");
  ASSERT_TRUE(Of("F18").has_value());
  EXPECT_EQ(Of("F18")->id, "A-" + LastId() + "-F18-RC-7");
}

TEST_F(AlertsTest, VisitsThatAreOverdueAreTold) {
  run.Until("followup_d28");
  const pb::Timer timer = run.state().timers(0);
  ledger.set_now(Instant{timer.due_us()});
  EXPECT_FALSE(Of("R29").has_value());
  Pass(1);
  ASSERT_TRUE(Of("R29").has_value());
  EXPECT_THAT(Of("R29")->id, HasSubstr("-R29-followup_d28"));
  EXPECT_EQ(Of("R29")->since_us, timer.due_us());
  ledger.set_now(Instant{timer.due_us()} + 100 * kMicrosPerDay);
  std::set<std::string> ids;
  for (const Alert& alert : All()) EXPECT_TRUE(ids.insert(alert.id).second) << alert.id;
  EXPECT_THAT(Of("R30")->id, HasSubstr("-R30-day-100"));
}

TEST_F(AlertsTest, ACriticalDeviationOfAnEntryMadeAfterwardsIsToldToQualityOfBothSites) {
  run.Until("ld_started");
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_FILLED);
  EventBuilder late = Late(run.Next());
  ASSERT_FALSE(run.Record(late).refused());
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED);
  const std::optional<Alert> told = Of("R18");
  ASSERT_TRUE(told.has_value());
  EXPECT_THAT(told->id, HasSubstr("A-" + LastId() + "-R18"));
  EXPECT_THAT(told->roles, ElementsAre(pb::QA));
  EXPECT_THAT(told->sites, ElementsAre("CLINIC", "LAB"));
  for (pb::Deviation& deviation : *run.mutable_state().mutable_deviations()) {
    deviation.set_open(false);
  }
  EXPECT_FALSE(Of("R18").has_value());
}

TEST_F(AlertsTest, TheMainPathLeavesOnlyThePatientsAlertsAndNamesNobody) {
  run.Until("");
  for (const Alert& alert : All()) {
    EXPECT_EQ(alert.rule, "R43") << alert.text;
    EXPECT_THAT(alert.text, HasSubstr(std::string(kMainCoi)));
  }
  run.mutable_state().set_sealed(true);
  EXPECT_THAT(All(), IsEmpty());
}

}  // namespace
}  // namespace custody
