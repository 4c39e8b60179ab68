// After the infusion: observed as ordered, discharged in time or with a word on why not, seen again
// in the windows of the visits.
#include <gmock/gmock.h>

#include "custody/aftercare.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class AftercareRulesTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Through("infusion_completed");
    infused = ledger.now();
  }
  void OnDay(std::int64_t day) { ledger.set_now(infused + day * kMicrosPerDay); }
  pb::Verdict Discharge(const std::string& more = {}, const char* crs = "YES",
                        const char* against_advice = "NO") {
    return run.Judge(run.Draft({"clinic.phy.1"},
                               std::string("discharged { discharged_at $T day: 1 condition: 'well' "
                                           "icans_resolved: YES driving_instructions: YES "
                                           "proximity_instructions: YES wallet_card: YES "
                                           "return_instructions: YES crs_resolved: ") +
                                   crs + " against_advice: " + against_advice + " " + more + " }"));
  }
  pb::Verdict Day28(const std::string& more = "imaging_done: YES",
                    const std::string& vital_status = "VITAL_STATUS_ALIVE") {
    return run.Judge(run.Draft({"clinic.phy.1"},
                               "followup_d28 { seen_at $T response: RESPONSE_COMPLETE "
                               "crs_max_grade: 1 icans_max_grade: 0 toxicity_open: NO "
                               "cytopenia_grade: 1 vital_status: " +
                                   vital_status + " " + more + " }"));
  }
  pb::Verdict Visit(const std::string& which) {
    return run.Judge(run.Draft({"clinic.phy.1"},
                               "followup { seen_at $T vital_status: VITAL_STATUS_ALIVE response: "
                               "RESPONSE_COMPLETE persistence: PERSISTENCE_QPCR_POSITIVE "
                               "infections: NO second_cancer: NO " +
                                   which + " }"));
  }
  std::optional<pb::NextStep> Offered(std::string_view label) {
    for (const pb::NextStep& step : NextStepsOf(run.state(), run.registry(), ledger.now())) {
      if (step.label() == label) return step;
    }
    return std::nullopt;
  }
  void Plan(pb::ObservationPlan plan) {
    run.mutable_state().mutable_condition()->set_observation_plan(static_cast<unsigned>(plan));
  }

  Instant infused;
};

TEST_F(AftercareRulesTest, ThePlanIsWhatTheLastOrderSays) {
  EXPECT_FALSE(IsOutpatient(run.state()));
  TestLedger own;
  TherapyRun there(own);
  there.Until("infusion_ordered");
  EXPECT_EQ(there.state().condition().observation_plan(),
            static_cast<unsigned>(pb::OBSERVATION_PLAN_INPATIENT));
  EventBuilder order = there.Next();
  order.event().mutable_infusion_ordered()->set_observation_plan(pb::OBSERVATION_PLAN_OUTPATIENT);
  ASSERT_FALSE(there.Record(order).refused());
  EXPECT_TRUE(IsOutpatient(there.state()));
}

TEST_F(AftercareRulesTest, WhoGoesHomeEarlyDepartsFromThePlan) {
  OnDay(6);
  const pb::Verdict early = Discharge();
  EXPECT_FALSE(early.refused());
  ASSERT_EQ(Of(early, "R28").size(), 1U) << Explain(early);
  EXPECT_EQ(Of(early, "R28")[0].found(), "home on day 6, no reason stated");
  EXPECT_EQ(Of(Discharge("reason: 'lives next door'"), "R28")[0].found(),
            "home on day 6, with a reason");
  Plan(pb::OBSERVATION_PLAN_OUTPATIENT);
  EXPECT_FALSE(Says(Discharge(), "R28"));
  Plan(pb::OBSERVATION_PLAN_INPATIENT);
  OnDay(7);
  EXPECT_FALSE(Says(Discharge(), "R28"));
}

TEST_F(AftercareRulesTest, ADischargeWithWhatTheRecordCallsOpenIsADeviationWhateverItSays) {
  OnDay(8);
  EXPECT_FALSE(Says(Discharge(), "R40"));
  const pb::Verdict says = Discharge("", "NO");
  ASSERT_EQ(Of(says, "R40").size(), 1U);
  EXPECT_THAT(Of(says, "R40")[0].found(), HasSubstr("no reason stated"));
  run.mutable_state().mutable_condition()->set_crs_open(true);
  const pb::Verdict crs = Discharge("reason: 'wish'");
  ASSERT_EQ(Of(crs, "R40").size(), 1U);
  EXPECT_THAT(Of(crs, "R40")[0].found(), HasSubstr("with a reason"));
  EXPECT_FALSE(crs.refused());
  run.mutable_state().mutable_condition()->set_icans_open(true);
  EXPECT_EQ(Of(Discharge("", "YES", "YES"), "R40").size(), 3U);
}

TEST_F(AftercareRulesTest, TheVisitAfterAMonthHasItsWindowAndItsImage) {
  for (const auto& [day, within] : {std::pair{24, false}, {25, true}, {35, true}, {36, false}}) {
    OnDay(day);
    EXPECT_EQ(Says(Day28(), "R29"), !within) << day;
  }
  const pb::Verdict late = Day28();
  EXPECT_FALSE(late.refused());
  EXPECT_EQ(Of(late, "R29")[0].found(), "day 36");
  EXPECT_FALSE(Says(Day28("imaging_done: NO", "VITAL_STATUS_LOST"), "R29"));
  OnDay(28);
  const pb::Verdict blind = Day28("imaging_done: NO");
  ASSERT_EQ(Of(blind, "R29").size(), 1U);
  EXPECT_EQ(Of(blind, "R29")[0].subject(), "imaging_done");
}

TEST_F(AftercareRulesTest, LaterVisitsHaveTheirs) {
  struct Row {
    const char* visit;
    std::int64_t first;
    std::int64_t last;
  };
  for (const Row& row :
       {Row{"visit: VISIT_DAY_100", 100, 130}, Row{"visit: VISIT_MONTH_6", 153, 213},
        Row{"visit: VISIT_YEARLY year: 1", 335, 395},
        Row{"visit: VISIT_YEARLY year: 15", 5449, 5509}}) {
    for (const std::int64_t day : {row.first, row.last}) {
      OnDay(day);
      EXPECT_FALSE(Says(Visit(row.visit), "R30")) << row.visit << " " << day;
    }
    for (const std::int64_t day : {row.first - 1, row.last + 1}) {
      OnDay(day);
      EXPECT_TRUE(Says(Visit(row.visit), "R30")) << row.visit << " " << day;
    }
  }
  OnDay(3);
  EXPECT_FALSE(Says(Visit("visit: VISIT_UNPLANNED"), "R30"));
}

TEST_F(AftercareRulesTest, AFollowedPatientWhoWasNotInfusedIsLateForNothing) {
  run.mutable_state().clear_last_infused_us();
  OnDay(60);
  EXPECT_FALSE(Says(Day28(), "R29"));
  EXPECT_FALSE(Says(Discharge(), "R28"));
}

TEST_F(AftercareRulesTest, ReadingsAreDueEveryFourHoursAndWithFeverEveryTwo) {
  const auto due = [&] { return Offered("Observations recorded")->due_us() - ledger.now().micros; };
  EXPECT_EQ(due(), 4 * kMicrosPerHour);
  Pass(kMicrosPerHour);
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 38.0 } "
         "fever_other_cause: YES } }");
  EXPECT_EQ(due(), 2 * kMicrosPerHour);
  Pass(3 * kMicrosPerHour);
  EXPECT_TRUE(Offered("Observations recorded")->overdue());
  Pass(22 * kMicrosPerHour);
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 36.8 } } }");
  EXPECT_EQ(due(), 4 * kMicrosPerHour);
  Plan(pb::OBSERVATION_PLAN_OUTPATIENT);
  EXPECT_EQ(Offered("Observations recorded")->due_us(), 0);
  EXPECT_TRUE(Offered("Daily contact").has_value());
}

TEST_F(AftercareRulesTest, AtHomeContactIsDailyForAWeekAndUntilNothingIsOpen) {
  OnDay(5);
  EXPECT_FALSE(Offered("Daily contact").has_value());
  run.mutable_state().mutable_condition()->set_discharged_us(ledger.now().micros);
  ASSERT_TRUE(Offered("Daily contact").has_value());
  EXPECT_EQ(Offered("Daily contact")->due_us(), ledger.now().micros + kMicrosPerDay);
  Pass(kMicrosPerDay);
  MustDo({"clinic.phy.1"},
         "daily_exam { examined_at $T finding: 'well' in_hospital: NO contact_only: YES }");
  EXPECT_EQ(Offered("Daily contact")->due_us(), ledger.now().micros + kMicrosPerDay);
  OnDay(7);
  MustDo({"clinic.phy.1"},
         "daily_exam { examined_at $T finding: 'well' in_hospital: NO contact_only: YES }");
  EXPECT_FALSE(Offered("Daily contact").has_value());
  run.mutable_state().mutable_condition()->set_icans_open(true);
  EXPECT_TRUE(Offered("Daily contact").has_value());
}

TEST_F(AftercareRulesTest, LateEffectsAreMeasuredMonthlyUntilTheyAreOver) {
  EXPECT_THAT(LateLabsDue(run.state()), testing::IsEmpty()) << "nothing was ever low";
  const auto measured = [&](const char* values) {
    MustDo({"clinic.lab.1"},
           std::string("daily_labs { sampled_at $T blood_count: YES chemistry: YES coagulation: "
                       "YES ") +
               values + " }");
    std::vector<std::string> names;
    for (const LateLab& lab : LateLabsDue(run.state())) names.push_back(lab.name.substr(0, 3));
    return names;
  };
  EXPECT_THAT(measured("anc_1e9_per_l: 1.5 igg_g_per_l: 4 cd4_per_ul: 200"),
              testing::ElementsAre("Blo", "IgG", "CD4"));
  EXPECT_EQ(LateLabsDue(run.state())[1].due_us, ledger.now().micros + 30 * kMicrosPerDay);
  Pass(30 * kMicrosPerDay);
  EXPECT_THAT(measured("platelets_1e9_per_l: 49 igg_g_per_l: 4.1"),
              testing::ElementsAre("Blo", "CD4"));
  Pass(kMicrosPerDay);
  EXPECT_THAT(measured("platelets_1e9_per_l: 50 anc_1e9_per_l: 1.6 cd4_per_ul: 201"),
              testing::IsEmpty());
}

TEST_F(AftercareRulesTest, WhoComesBackIsObservedAgain) {
  OnDay(9);
  MustDo(
      {"clinic.phy.1"},
      "discharged { discharged_at $T day: 9 condition: 'well' crs_resolved: YES icans_resolved: "
      "YES against_advice: NO driving_instructions: YES proximity_instructions: YES wallet_card: "
      "YES return_instructions: YES }");
  EXPECT_FALSE(Offered("Observations recorded").has_value());
  OnDay(11);
  MustDo({"clinic.rn.1"}, "readmitted { admitted_at $T hospital: 'CLINIC' cause: TOXICITY_ICANS }");
  EXPECT_TRUE(Offered("Observations recorded").has_value());
}

TEST_F(AftercareRulesTest, WhoNeverLeftIsNotReadmittedInSilence) {
  OnDay(5);
  const std::string back = "readmitted { admitted_at $T hospital: 'CLINIC' cause: TOXICITY_CRS }";
  const pb::Verdict verdict = run.Judge(run.Draft({"clinic.rn.1"}, back));
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R28").size(), 1U) << Explain(verdict);
  EXPECT_FALSE(Of(verdict, "R28")[0].critical());
  Plan(pb::OBSERVATION_PLAN_OUTPATIENT);
  EXPECT_FALSE(Says(run.Judge(run.Draft({"clinic.rn.1"}, back)), "R28"));
}

TEST_F(AftercareRulesTest, ADischargeToldAfterTheReturnSendsNobodyHome) {
  OnDay(11);
  MustDo({"clinic.rn.1"}, "readmitted { admitted_at $T hospital: 'CLINIC' cause: TOXICITY_CRS }");
  EventBuilder left = run.Draft(
      {"clinic.phy.1"},
      "discharged { discharged_at $T-2d day: 9 condition: 'well' crs_resolved: YES icans_resolved: "
      "YES against_advice: NO driving_instructions: YES proximity_instructions: YES wallet_card: "
      "YES return_instructions: YES }");
  left.HappenedAt(infused + 9 * kMicrosPerDay);
  const pb::Verdict told = run.Record(Late(left));
  ASSERT_FALSE(told.refused()) << Explain(told);
  EXPECT_TRUE(IsInHospital(run.state()));
  EXPECT_TRUE(Offered("Observations recorded").has_value());
}

TEST_F(AftercareRulesTest, APatientLostBeforeTheFirstVisitIsToldByAnUnplannedOne) {
  OnDay(40);
  MustDo({"clinic.reg.1"},
         "followup { visit: VISIT_UNPLANNED seen_at $T vital_status: VITAL_STATUS_LOST response: "
         "RESPONSE_NOT_EVALUATED persistence: PERSISTENCE_NOT_TESTED }");
  EXPECT_TRUE(run.state().deviations().empty());
  EXPECT_EQ(run.state().condition().vital_status(), static_cast<unsigned>(pb::VITAL_STATUS_LOST));
}

TEST(AftercareTest, WhatAProfileLeavesOutIsTheDefault) {
  const pb::Aftercare none = AftercareOf(nullptr);
  EXPECT_EQ(none.inpatient_min_days(), 7U);
  EXPECT_EQ(none.day28_from(), 25U);
  EXPECT_EQ(none.years(), 15U);
  pb::Profile profile;
  profile.mutable_aftercare()->set_vitals_hours(3);
  EXPECT_EQ(AftercareOf(&profile).vitals_hours(), 3U);
  EXPECT_EQ(AftercareOf(&profile).vitals_fever_hours(), 2U);
}

}  // namespace
}  // namespace custody
