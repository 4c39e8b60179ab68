// Lymphodepletion as it is really recorded: doses without a start, a start told after them, a dose
// after the end; and who may take the risk of a product that is not there yet (R18 to R20).
#include <gmock/gmock.h>

#include "custody/oos.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class DepletionTest : public RulesTest {
 protected:
  static constexpr const char* kDose =
      "ld_dose { course: '1' day: 1 given_at $T drugs { drug: 'fludarabine' amount: 30 unit: "
      "'mg/m2' } }";
  const pb::Lymphodepletion& Course() const { return run.state().ld(); }
  pb::Container& Bag() {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == kMainBag) return container;
    }
    ADD_FAILURE() << "no bag";
    return *run.mutable_state().add_containers();
  }
  // The main path's start of the course, as signed by `who`.
  EventBuilder Start(const std::string& who) {
    EventBuilder event = ledger.On("therapy/T1").By(who);
    for (const MainStep& step : run.steps()) {
      if (step.body == "ld_started") event.event().MergeFrom(step.event);
    }
    return event;
  }
};

TEST_F(DepletionTest, NobodyIsPreparedForAProductThatThePatientDeclined) {
  run.Until("ld_started");
  const EventBuilder start = run.Next();
  pb::Lot& lot = *run.mutable_state().mutable_lots(0);
  lot.set_state(pb::LOT_RELEASED_OOS);
  for (const std::string_view link : OosLinks()) *lot.add_oos() = std::string(link);
  const auto lacks = [&] {
    const pb::Verdict verdict = run.Judge(start);
    EXPECT_TRUE(std::ranges::all_of(
        Of(verdict, "R18"), [](const pb::Reason& reason) { return reason.grantors().empty(); }));
    return Of(verdict, "R18").size();
  };
  EXPECT_EQ(lacks(), 1U) << "consent to it was never given";
  run.mutable_state().set_consent_oos(true);
  EXPECT_EQ(lacks(), 0U);
  run.mutable_state().set_consent_oos(false);  // taken back
  EXPECT_EQ(lacks(), 1U);
  run.mutable_state().set_consent_oos(true);
  MustDo({"clinic.phy.1"},
         "oos_accepted { lot: 'LOT26001' patient_consent: NO consent $FILE statement: 'no' }");
  EXPECT_EQ(lacks(), 2U);  // acceptance, authorisation
  EXPECT_TRUE(run.Judge(start).refused());
}

TEST_F(DepletionTest, ADoseWithoutAStartAsksWhatTheStartWouldHaveAsked) {
  run.Until("released");
  const pb::Verdict dose = Do({"clinic.rn.1"}, kDose);
  EXPECT_FALSE(dose.refused());
  ASSERT_TRUE(Says(dose, "R18")) << Explain(dose);
  EXPECT_TRUE(Of(dose, "R18")[0].critical());
  EXPECT_TRUE(Says(dose, "R19"));
  EXPECT_THAT(Of(dose, "R19")[0].next_step(), testing::HasSubstr("LD_STARTED"));
  const pb::Verdict completed =
      Do({"clinic.phy.1"}, "ld_completed { course: '1' last_dose_at $T-1h as_planned: YES }");
  EXPECT_TRUE(Says(completed, "R18"));
}

TEST_F(DepletionTest, ADoseOfACourseThatWasStartedAsksNothing) {
  run.Until("ld_dose");
  const pb::Verdict dose = run.Judge(run.Next());
  EXPECT_FALSE(Says(dose, "R18") || Says(dose, "R19")) << Explain(dose);
}

TEST_F(DepletionTest, ADoseAfterTheEndIsOfACourseThatNobodyStarted) {
  run.Through("ld_completed");
  Pass(kMicrosPerDay);
  const pb::Verdict dose = Do({"clinic.rn.1"}, kDose);
  EXPECT_TRUE(Says(dose, "R19")) << Explain(dose);
  EXPECT_EQ(Course().completed_us(), 0);  // it is not complete until somebody says so again
  EXPECT_EQ(Course().last_dose_us(), ledger.now().micros);
}

TEST_F(DepletionTest, AnEarlierDoseToldAfterTheEndChangesNothing) {
  run.Through("ld_completed");
  const pb::Lymphodepletion before = Course();
  EventBuilder dose = run.Draft({"clinic.rn.1"}, kDose);
  *dose.event().mutable_ld_dose()->mutable_given_at() =
      ToProto(ledger.now() + -20 * kMicrosPerHour);
  const pb::Verdict verdict = run.Record(dose);
  EXPECT_FALSE(Says(verdict, "R19")) << Explain(verdict);
  EXPECT_EQ(Course().completed_us(), before.completed_us());
  EXPECT_EQ(Course().last_dose_us(), before.last_dose_us());
}

TEST_F(DepletionTest, AStartToldAfterItsDosesKeepsThem) {
  run.Until("ld_started");
  const Instant started = ledger.now();
  Pass(kMicrosPerDay);
  MustDo({"clinic.rn.1"}, kDose);
  const std::int64_t last = Course().last_dose_us();
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, "ld_completed { course: '1' last_dose_at $T-1h as_planned: YES }");
  EventBuilder start = Start("clinic.phy.1");
  start.HappenedAt(started + kMicrosPerHour);
  const pb::Verdict verdict = run.Record(Late(start));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(Course().started_us(), started.micros + kMicrosPerHour);
  EXPECT_EQ(Course().last_dose_us(), last);
  EXPECT_NE(Course().completed_us(), 0);
}

TEST_F(DepletionTest, ANewCourseForgetsTheDosesBeforeIt) {
  run.Through("ld_completed");
  Pass(20 * kMicrosPerDay);
  const pb::Verdict verdict = run.Record(Start("clinic.phy.1"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(Course().course(), 2U);
  EXPECT_EQ(Course().last_dose_us(), 0);
  EXPECT_EQ(Course().completed_us(), 0);
}

TEST_F(DepletionTest, WhatIsSaidOfTheOldCourseCompletesNoNewOne) {
  run.Through("ld_completed");
  Pass(2 * kMicrosPerHour);
  ASSERT_FALSE(run.Record(Start("clinic.phy.1")).refused());
  EventBuilder late = run.Draft({"clinic.phy.1"},
                                "ld_completed { course: '1' last_dose_at $T-3h as_planned: YES }");
  late.HappenedAt(ledger.now() + -1 * kMicrosPerHour).SignedAt(ledger.now() + -1 * kMicrosPerHour);
  run.Record(late);
  EXPECT_EQ(Course().completed_us(), 0);
}

TEST_F(DepletionTest, OnlyThePhysicianTakesTheRiskOfTheDelivery) {
  run.Until("ld_started");
  pb::Profile profile = DemoProfile();
  profile.set_version(2);
  profile.set_availability(pb::RELEASED_AND_SCHEDULED);
  ledger.PublishProfile(profile);
  Bag().set_state(pb::CONTAINER_IN_TRANSIT);
  run.mutable_state().set_expected_delivery_us(ledger.now().micros + kMicrosPerDay);
  const auto judge = [&](const char* who, pb::Answer accepted) {
    EventBuilder start = Start(who);
    start.event().mutable_ld_started()->set_delivery_risk_accepted(accepted);
    return run.Judge(start);
  };
  EXPECT_TRUE(Says(judge("clinic.phy.1", pb::NO), "R18"));
  EXPECT_TRUE(Says(judge("clinic.rn.1", pb::YES), "R18"));
  EXPECT_FALSE(Says(judge("clinic.phy.1", pb::YES), "R18"))
      << Explain(judge("clinic.phy.1", pb::YES));
}

TEST_F(DepletionTest, ProductIsThereWhenItsReceiptIsRecordedNotWhenSomebodySaysSo) {
  run.Until("packed");
  run.Through("stored");
  run.Until("released");
  ASSERT_EQ(FindContainer(run.state(), kMainBag)->arrived_site(), "LAB");
  MustDo({"lab.wh.1"},
         "moved { containers { container: 'LOT26001-1' position: 'C-LN2-4' } to_unit: 'C-LN2' "
         "to_site: 'CLINIC' moved_at $T reason: 'sent' }");
  EXPECT_EQ(FindContainer(run.state(), kMainBag)->site(), "CLINIC");
  ASSERT_FALSE(run.Record(run.Next()).refused());  // released
  const pb::Verdict verdict = run.Judge(Start("clinic.phy.1"));
  ASSERT_EQ(Of(verdict, "R18").size(), 2U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R18")[0].next_step(), testing::HasSubstr("decision of quality"));
  EXPECT_THAT(Of(verdict, "R18")[1].next_step(), testing::HasSubstr("RECEIVED_CLINIC"));
}

}  // namespace
}  // namespace custody
