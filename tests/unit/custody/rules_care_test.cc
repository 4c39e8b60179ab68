// What is usual at a grade is asked of the record: shown while the reaction lasts, open when it has
// ended without it. And whatever is graded 5 is death by it.
#include <gmock/gmock.h>

#include "custody/aftercare.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class CareRulesTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Through("infusion_completed");
    Pass(kMicrosPerDay);
  }
  void Observe(double celsius, const std::string& more = {}) {
    last = Do({"clinic.rn.1"},
              "observations_recorded { observations { vitals { at $T temperature_c: " +
                  std::to_string(celsius) + " } " + more + " } }");
    ASSERT_FALSE(last.refused()) << Explain(last);
  }
  pb::Verdict Crs(int grade, const std::string& more = {}) {
    const std::string said = std::to_string(grade);
    return Do({"clinic.phy.1"}, "crs_graded { at $T max_grade: 4 computed_grade: " + said +
                                    " grade: " + said + " difference: 'seen' " + more + " }");
  }
  pb::Verdict Icans(int grade, const std::string& more = {}) {
    const std::string said = std::to_string(grade);
    return Do({"clinic.phy.1"}, "icans_graded { at $T max_grade: 4 computed_grade: " + said +
                                    " grade: " + said + " difference: 'seen' " + more + " }");
  }
  pb::Verdict Treat(const std::string& what, const std::string& more = {},
                    const char* against = "CRS") {
    return Do({"clinic.rn.1"}, "ae_treatment_given { treatment: TREATMENT_" + what +
                                   " given_at $T against: TOXICITY_" + against + " " + more + " }");
  }
  // What CARE has opened with this event, by subject.
  static std::vector<std::string> Lacks(const pb::Verdict& verdict) {
    std::vector<std::string> subjects;
    for (const pb::Reason& reason : Of(verdict, "CARE")) subjects.push_back(reason.subject());
    return subjects;
  }

  pb::Verdict last;
};

TEST_F(CareRulesTest, WhatIsUsualAtGradeTwoIsShownWhileItLastsAndOpenWhenItEnds) {
  Observe(39);
  const pb::Verdict graded = Crs(2, "hypotension: YES");
  EXPECT_FALSE(Says(graded, "CARE")) << "nobody treats before the grade";
  EXPECT_THAT(Explain(graded), HasSubstr("tocilizumab, given or considered"));
  Pass(kMicrosPerHour);
  Treat("FLUIDS");
  Pass(2 * kMicrosPerDay);
  const pb::Verdict ended = Crs(0, "resolved_at $T");
  EXPECT_FALSE(ended.refused());
  EXPECT_THAT(Lacks(ended), testing::ElementsAre("tocilizumab"));
  EXPECT_FALSE(Of(ended, "CARE")[0].critical());
  EXPECT_TRUE(run.state().deviations().rbegin()->open());
}

TEST_F(CareRulesTest, WhatWasGivenOrConsideredBySinceTheOnsetIsEnough) {
  for (const char* tocilizumab : {"TOCILIZUMAB", "TOCILIZUMAB_NOT_GIVEN"}) {
    Observe(39);
    Crs(2, "oxygen: O2_LOW_FLOW");
    Pass(kMicrosPerHour);
    EXPECT_FALSE(Says(Treat(tocilizumab, "amount_mg: 560 reason: 'sepsis more likely'"), "CARE"));
    Pass(kMicrosPerDay);
    EXPECT_FALSE(Says(Crs(0, "resolved_at $T"), "CARE")) << tocilizumab;
    Pass(2 * kMicrosPerDay);
  }
  Observe(39);
  Crs(2, "oxygen: O2_LOW_FLOW");
  Pass(kMicrosPerHour);
  EXPECT_TRUE(Says(Crs(0, "resolved_at $T"), "CARE")) << "a dose of the reaction before is none";
}

TEST_F(CareRulesTest, FromGradeThreeASteroidIsUsualAndAtGradeTwoWhenHypotensionLasts) {
  Observe(39);
  Crs(3, "vasopressors: VASOPRESSOR_NOREPINEPHRINE");
  Treat("ICU_TRANSFER");
  Treat("TOCILIZUMAB", "amount_mg: 560");
  Pass(kMicrosPerHour);
  Crs(2, "hypotension: NO oxygen: O2_LOW_FLOW");
  Pass(kMicrosPerHour);
  EXPECT_THAT(Lacks(Crs(0, "resolved_at $T")), testing::ElementsAre("steroid"))
      << "its worst grade counts";
  Pass(kMicrosPerDay * 2);
  Observe(39);
  Crs(2, "hypotension: YES");
  Treat("FLUIDS");
  Treat("TOCILIZUMAB", "amount_mg: 560");
  Pass(4 * kMicrosPerHour);
  EXPECT_THAT(Explain(Crs(2, "hypotension: YES")), HasSubstr("a steroid"));
  Treat("STEROID", "amount_mg: 10");
  EXPECT_FALSE(Says(Crs(0, "resolved_at $T"), "CARE"));
}

TEST_F(CareRulesTest, FeverOfMoreThanThreeDaysAtGradeOneIsSaidOnce) {
  Observe(38.5);
  EXPECT_FALSE(Says(Crs(1), "CARE"));
  for (int half = 0; half < 6; ++half) {
    Pass(kMicrosPerDay / 2);
    Observe(38.4);
    EXPECT_FALSE(Says(last, "CARE")) << half;
  }
  Pass(kMicrosPerHour);
  Observe(38.4);
  ASSERT_THAT(Lacks(last), testing::ElementsAre("fever"));
  EXPECT_THAT(Of(last, "CARE")[0].found(), HasSubstr("73 h 00 min"));
  Pass(kMicrosPerHour);
  Observe(38.6);
  EXPECT_FALSE(Says(last, "CARE")) << "once";
}

TEST_F(CareRulesTest, LongFeverThatWasLookedAfterAsGradeTwoIsNotSaid) {
  Observe(38.5);
  Crs(1);
  Pass(kMicrosPerDay);
  Treat("TOCILIZUMAB_NOT_GIVEN", "reason: 'line infection'");
  for (int half = 0; half < 8; ++half) {
    Observe(38.4);
    EXPECT_FALSE(Says(last, "CARE")) << half;
    Pass(kMicrosPerDay / 2);
  }
}

TEST_F(CareRulesTest, OfIcansASteroidIsConsideredFromGradeTwo) {
  Icans(2);
  Pass(kMicrosPerHour);
  EXPECT_THAT(Lacks(Icans(0, "resolved_at $T")), testing::ElementsAre("steroid"));
  Pass(kMicrosPerHour);
  Icans(3);
  Treat("ICU_NOT_NEEDED", "", "ICANS");
  Treat("STEROID", "amount_mg: 10", "ICANS");
  Pass(kMicrosPerHour);
  EXPECT_FALSE(Says(Icans(0, "resolved_at $T"), "CARE"));
  EXPECT_FALSE(Says(Icans(1), "CARE"));
}

TEST_F(CareRulesTest, TocilizumabAgainstIcansIsUsualBesideCrsOnly) {
  EXPECT_THAT(Lacks(Treat("TOCILIZUMAB", "amount_mg: 560", "ICANS")),
              testing::ElementsAre("against"));
  Observe(39);
  Crs(1);
  EXPECT_FALSE(Says(Treat("TOCILIZUMAB", "amount_mg: 560", "ICANS"), "CARE"));
  EXPECT_THAT(Lacks(Treat("STEROID_NOT_GIVEN")), testing::ElementsAre("reason"));
}

TEST_F(CareRulesTest, WhoMayHaveSeizuresHasAProphylaxisBeforeTheInfusion) {
  TestLedger own;
  TherapyRun there(own);
  there.Until("infusion_started");
  const EventBuilder start = there.Next();
  const auto judged = [&] { return there.Judge(start); };
  EXPECT_FALSE(Says(judged(), "CARE"));
  there.mutable_state().mutable_condition()->set_seizure_risk(pb::SEIZURE_RISK_HIGH);
  there.mutable_state().mutable_condition()->set_seizure_prophylaxis(false);
  EXPECT_THAT(Lacks(judged()), testing::ElementsAre("prophylaxis"));
  EXPECT_FALSE(judged().refused());
  there.Record(
      there.Draft({"clinic.rn.1"},
                  "prophylaxis_given { kind: PROPHYLAXIS_SEIZURE given_at $T drugs { drug: "
                  "'levetiracetam' amount: 500 unit: 'mg' } }"));
  EXPECT_FALSE(Says(judged(), "CARE"));
}

TEST_F(CareRulesTest, ALowPressureThatNobodyJudgedIsShownWithTheGrade) {
  Observe(39);
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T systolic_mmhg: 84 } } }");
  EXPECT_THAT(Explain(Crs(1)), HasSubstr("a word on hypotension"));
  EXPECT_EQ(Explain(Crs(2, "hypotension: YES")).find("a word on hypotension"), std::string::npos);
}

TEST_F(CareRulesTest, AnInfusionReactionOfGradeFiveIsDeathUntilItIsRecordedOrGradedAgain) {
  const auto ordered = [&] { return run.Judge(Now("infusion_ordered")); };
  const auto reaction = [&](const char* grade) {
    Pass(kMicrosPerMinute);
    return Do({"clinic.rn.1"},
              std::string("infusion_reaction { at $T signs: REACTION_ANAPHYLAXIS infusion_stopped: "
                          "YES grade: ") +
                  grade + " }");
  };
  EXPECT_FALSE(Says(ordered(), "F13"));
  const pb::Verdict fatal = reaction("5");
  EXPECT_FALSE(fatal.refused());
  EXPECT_THAT(Explain(fatal), HasSubstr("record PATIENT_DIED"));
  ASSERT_TRUE(Says(ordered(), "F13"));
  EXPECT_THAT(Of(ordered(), "F13")[0].found(), HasSubstr("infusion reaction of grade 5"));
  const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
  EXPECT_TRUE(std::ranges::any_of(
      steps, [](const pb::NextStep& step) { return step.body() == "patient_died"; }));
  EXPECT_FALSE(reaction("3").refused());
  EXPECT_FALSE(Says(ordered(), "F13")) << "it was a slip";
}

TEST_F(CareRulesTest, AnInfectionAndASeriousEventOfGradeFiveAreDeathToo) {
  const auto ordered = [&] { return run.Judge(Now("infusion_ordered")); };
  const auto sepsis = [&](const char* grade) {
    Pass(kMicrosPerMinute);
    MustDo({"clinic.phy.1"},
           std::string("infection_diagnosed { diagnosed_at $T infection: 'Sepsis' grade: ") +
               grade + " }");
  };
  sepsis("5");
  EXPECT_THAT(Of(ordered(), "F13")[0].found(), HasSubstr("infection: sepsis of grade 5"));
  sepsis("4");
  EXPECT_FALSE(Says(ordered(), "F13"));
  MustDo({"clinic.phy.1"},
         "sae_reported { report: 'S-1' onset_at $T-1h reported_at $T kind: TOXICITY_OTHER title: "
         "'x' grade: 5 related_to_product: NO }");
  EXPECT_TRUE(Says(ordered(), "F13"));
  MustDo({"clinic.phy.1"}, "patient_died { died_at $T cause: DEATH_OTHER related_to_product: NO }");
  EXPECT_THAT(Of(ordered(), "F13")[0].found(), HasSubstr("the patient died"));
}

TEST_F(CareRulesTest, WhoLeavesAgainstAdviceIsCalledDailyForAWeekFromThatDay) {
  Pass(9 * kMicrosPerDay);
  const pb::Aftercare care = AftercareOf(nullptr);
  const auto discharged = [&](const char* against_advice) {
    MustDo({"clinic.phy.1"},
           std::string("discharged { discharged_at $T day: 10 condition: 'well' crs_resolved: YES "
                       "icans_resolved: YES driving_instructions: YES proximity_instructions: YES "
                       "wallet_card: YES return_instructions: YES reason: 'wants to' "
                       "against_advice: ") +
               against_advice + " }");
  };
  discharged("NO");
  EXPECT_EQ(ContactDue(run.state(), care), 0) << "a week after the infusion is over";
  Pass(kMicrosPerMinute);
  discharged("YES");
  EXPECT_EQ(ContactDue(run.state(), care), ledger.now().micros + kMicrosPerDay);
}

}  // namespace
}  // namespace custody
