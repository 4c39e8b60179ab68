// Grades beside what was measured, tocilizumab, and who decides about intensive care: all of it is
// recorded, and what does not fit stays open.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ToxicityRulesTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Through("infusion_completed");
    Pass(kMicrosPerDay);
  }
  // One reading now, with what else is said of it.
  void Observe(double celsius, const std::string& more = {}) {
    MustDo({"clinic.rn.1"},
           "observations_recorded { observations { vitals { at $T temperature_c: " +
               std::to_string(celsius) + " } " + more + " } }");
  }
  pb::Verdict Graded(const std::string& grades, const std::string& more = {}) {
    return Do({"clinic.phy.1"}, "crs_graded { at $T max_grade: 4 " + grades +
                                    (more.empty() ? "" : " " + more) + " }");
  }
  // Whether the rule finds nothing when `grade` is stated as computed.
  bool Computes(std::uint32_t grade, const std::string& more = {}) {
    const std::string number = std::to_string(grade);
    return !Says(run.Judge(run.Draft({"clinic.phy.1"},
                                     "crs_graded { at $T max_grade: 4 "
                                     "computed_grade: " +
                                         number + " grade: " + number + " " + more + " }")),
                 "CRS");
  }
  pb::Verdict Treat(const std::string& what, const std::string& more = {}) {
    const pb::Verdict verdict =
        Do({"clinic.rn.1"}, "ae_treatment_given { treatment: TREATMENT_" + what +
                                " given_at $T against: TOXICITY_CRS " + more + " }");
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
    return verdict;
  }
  const pb::Deviation* Found(std::string_view rule) {
    for (const pb::Deviation& deviation : run.state().deviations()) {
      if (deviation.rule() == rule) return &deviation;
    }
    return nullptr;
  }
};

TEST_F(ToxicityRulesTest, TheComputedGradeIsWhatTheReadingsGive) {
  EXPECT_TRUE(Computes(0));
  Observe(38.9, "oxygen: O2_LOW_FLOW oxygen_flow_l_per_min: 2 hypotension: YES");
  EXPECT_TRUE(Computes(2));
  const pb::Verdict verdict = Graded("computed_grade: 1 grade: 1", "hypotension: YES");
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "CRS").size(), 2U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "CRS")[0].subject(), "computed_grade");
  EXPECT_THAT(Of(verdict, "CRS")[0].expected(), HasSubstr("computed grade 2: fever"));
  EXPECT_EQ(Of(verdict, "CRS")[1].subject(), "grade");
  ASSERT_EQ(run.state().deviations_size(), 2);
  EXPECT_TRUE(run.state().deviations(0).open());
  EXPECT_EQ(run.state().condition().crs_grade(), 1) << "what the physician attests stands";
}

TEST_F(ToxicityRulesTest, AnAttestedGradeMayDifferWhenItSaysWhy) {
  Observe(38.9);
  EXPECT_TRUE(Says(Graded("computed_grade: 1 grade: 2"), "CRS"));
  const pb::Verdict why = Graded("computed_grade: 1 grade: 2 difference: 'cold and clammy'");
  EXPECT_FALSE(Says(why, "CRS")) << Explain(why);
}

TEST_F(ToxicityRulesTest, TheHighestGradeIsNoLowerThanOneOfThisReaction) {
  Observe(38.9, "hypotension: YES");
  Graded("computed_grade: 2 grade: 2");
  const auto highest = [&](const char* grade) {
    return Of(run.Judge(run.Draft({"clinic.phy.1"},
                                  std::string("crs_graded { at $T computed_grade: 2 grade: 1 "
                                              "difference: 'better' max_grade: ") +
                                      grade + " }")),
              "CRS");
  };
  ASSERT_EQ(highest("1").size(), 1U);
  EXPECT_EQ(highest("1")[0].subject(), "max_grade");
  EXPECT_TRUE(highest("2").empty());
}

TEST_F(ToxicityRulesTest, WithoutFeverThePhysicianIsAskedWhatItComesFrom) {
  Observe(36.9, "hypotension: YES");
  const pb::Verdict verdict = Graded("computed_grade: 0 grade: 0");
  EXPECT_FALSE(Says(verdict, "CRS"));
  EXPECT_THAT(Explain(verdict), HasSubstr("hypotension or oxygen without fever"));
}

TEST_F(ToxicityRulesTest, WhatRunsCountsWithTheReadingOrTheStartThatWasLast) {
  Observe(39.1);
  Treat("VASOPRESSOR_START", "drug: 'norepinephrine'");
  EXPECT_TRUE(Computes(3));
  Treat("VASOPRESSOR_START", "drug: 'Vasopressin'");
  EXPECT_TRUE(Computes(3)) << "one with vasopressin is one";
  Treat("VASOPRESSOR_START", "drug: 'something new'");
  EXPECT_TRUE(Computes(4));
  Pass(kMicrosPerHour);
  Observe(38.2, "vasopressors: VASOPRESSOR_NOREPINEPHRINE vasopressors: VASOPRESSOR_VASOPRESSIN");
  EXPECT_TRUE(Computes(3));
  Pass(kMicrosPerHour);
  Observe(38.1, "oxygen: O2_LOW_FLOW oxygen_flow_l_per_min: 8");
  EXPECT_TRUE(Computes(3)) << "no vasopressor any more, but high flow";
  Observe(38.1, "oxygen: O2_NONE");
  EXPECT_TRUE(Computes(1));
  Treat("OXYGEN");
  EXPECT_TRUE(Computes(2));
}

TEST_F(ToxicityRulesTest, AReadingToldLaterChangesNothing) {
  Observe(38.9, "oxygen: O2_NONE hypotension: NO");
  EventBuilder old = run.Draft(
      {"clinic.rn.1"},
      "observations_recorded { observations { vitals { at $T-3h temperature_c: 38.2 } oxygen: "
      "O2_BIPAP hypotension: YES vasopressors: VASOPRESSOR_EPINEPHRINE } }");
  ASSERT_FALSE(run.Record(old).refused());
  EXPECT_TRUE(Computes(1));
}

TEST_F(ToxicityRulesTest, AFeverThatATreatmentHidesIsNotAskedForAgain) {
  Observe(39.0, "hypotension: YES");
  EXPECT_FALSE(Says(Graded("computed_grade: 2 grade: 2"), "CRS"));
  Treat("TOCILIZUMAB", "amount_mg: 560 weight_kg: 72");
  Pass(kMicrosPerDay + kMicrosPerHour);
  Observe(36.9, "oxygen: O2_LOW_FLOW hypotension: NO");
  EXPECT_TRUE(Computes(2));
  Observe(36.9, "oxygen: O2_NONE hypotension: NO");
  const pb::Verdict resolved = Graded("computed_grade: 0 grade: 0", "resolved_at $T");
  EXPECT_FALSE(Says(resolved, "CRS")) << Explain(resolved);
  EXPECT_FALSE(run.state().condition().crs_open());
  EXPECT_EQ(run.state().condition().crs_onset_us(), 0);
  Pass(kMicrosPerHour);
  Observe(36.9, "oxygen: O2_LOW_FLOW");
  EXPECT_TRUE(Computes(0)) << "it has ended; fever begins it anew";
}

TEST_F(ToxicityRulesTest, FeverOfAnotherCauseIsTheFirstFeverAndNoGrade) {
  Observe(38.6, "fever_other_cause: YES");
  EXPECT_TRUE(Computes(0));
  EXPECT_EQ(run.state().condition().fever_us(), ledger.now().micros);
}

TEST_F(ToxicityRulesTest, SomebodyElsesFeverIsNoneOfThisPatients) {
  EventBuilder readings = run.Draft({"clinic.rn.1"},
                                    "observations_recorded { observations { vitals { at $T "
                                    "temperature_c: 39.5 } } $WRIST:wristband }");
  readings.event().mutable_observations_recorded()->mutable_wristband(0)->set_commitment(
      Sha256("the neighbour").ToString());
  ASSERT_FALSE(run.Record(readings).refused());
  EXPECT_TRUE(Computes(0));
  EXPECT_EQ(run.state().condition().fever_us(), 0);
}

TEST_F(ToxicityRulesTest, IcansIsComputedFromTheLastIce) {
  const auto judged = [&](const std::string& grades) {
    return run.Judge(
        run.Draft({"clinic.phy.1"}, "icans_graded { at $T max_grade: 4 " + grades + " }"));
  };
  MustDo(
      {"clinic.rn.1"},
      "ice_recorded { at $T orientation: 3 naming: 2 command: 1 writing: 0 attention: 0 total: 6 "
      "consciousness: AWAKENS_TO_VOICE seizure: SEIZURE_NONE motor: MOTOR_NORMAL oedema: "
      "OEDEMA_NONE }");
  EXPECT_TRUE(run.state().deviations().empty());
  EXPECT_FALSE(Says(judged("computed_grade: 2 grade: 2"), "ICANS"));
  EXPECT_TRUE(Says(judged("computed_grade: 1 grade: 1"), "ICANS"));
  EXPECT_TRUE(Says(judged("computed_grade: 2 grade: 3"), "ICANS"));
  EXPECT_FALSE(Says(judged("computed_grade: 2 grade: 3 difference: 'aphasia since'"), "ICANS"));
  EXPECT_FALSE(Says(judged("computed_grade: 3 grade: 3 ice_total: 1"), "ICANS"));
  EXPECT_THAT(Of(judged("computed_grade: 5 grade: 5 death: YES"), "ICANS")[0].subject(),
              "max_grade");
  Pass(kMicrosPerDay + kMicrosPerMinute);
  const pb::Verdict old = judged("computed_grade: 2 grade: 2");
  ASSERT_TRUE(Says(old, "ICANS"));
  EXPECT_THAT(Of(old, "ICANS")[0].expected(), HasSubstr("no ICE was recorded in 24 h"));
}

TEST_F(ToxicityRulesTest, AnIceThatIsNotTheSumOfItsPartsIsShownAndThePartsCount) {
  const pb::Verdict verdict =
      Do({"clinic.rn.1"},
         "ice_recorded { at $T orientation: 4 naming: 3 command: 1 writing: 1 attention: 0 total: "
         "10 consciousness: AWAKENS_SPONTANEOUSLY seizure: SEIZURE_NONE motor: MOTOR_NORMAL "
         "oedema: OEDEMA_NONE }");
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "ICANS"));
  EXPECT_EQ(run.state().condition().neuro().ice(), 9U);
}

TEST_F(ToxicityRulesTest, AfterDayThirtyOneCountIsAGradeOfNeutropenia) {
  const auto graded = [&](const char* grade) {
    return run.Judge(
        run.Draft({"clinic.phy.1"}, std::string("cytopenia_graded { at $T anc_1e9_per_l: 0.4 "
                                                "neutropenia_grade: ") +
                                        grade + " }"));
  };
  EXPECT_FALSE(Says(graded("1"), "ICAHT")) << "days count, which one record does not tell";
  Pass(30 * kMicrosPerDay);
  EXPECT_FALSE(Says(graded("3"), "ICAHT"));
  EXPECT_TRUE(Says(graded("1"), "ICAHT"));
  EXPECT_FALSE(graded("1").refused());
}

struct DoseRow {
  double weight_kg;
  double most_mg;
};

TEST_F(ToxicityRulesTest, TocilizumabHasItsMostByWeight) {
  for (const DoseRow& row : {DoseRow{72, 576}, DoseRow{100, 800}, DoseRow{140, 800},
                             DoseRow{30, 240}, DoseRow{29, 348}, DoseRow{8, 96}}) {
    const auto dose = [&](double amount) {
      return Says(run.Judge(run.Draft({"clinic.rn.1"},
                                      "ae_treatment_given { treatment: TREATMENT_TOCILIZUMAB "
                                      "given_at $T against: TOXICITY_CRS amount_mg: " +
                                          std::to_string(amount) +
                                          " weight_kg: " + std::to_string(row.weight_kg) + " }")),
                  "R27");
    };
    EXPECT_FALSE(dose(row.most_mg)) << row.weight_kg;
    EXPECT_TRUE(dose(row.most_mg + 1)) << row.weight_kg;
  }
  EXPECT_FALSE(Says(Treat("STEROID", "amount_mg: 4000 weight_kg: 72"), "R27"));
}

TEST_F(ToxicityRulesTest, TheKnownWeightCountsWhereTheDoseNamesNone) {
  EXPECT_EQ(run.state().condition().weight_kg(), 72);
  const pb::Verdict verdict = Treat("TOCILIZUMAB", "amount_mg: 600");
  ASSERT_EQ(Of(verdict, "R27").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R27")[0].expected(), HasSubstr("576 mg"));
}

TEST_F(ToxicityRulesTest, TocilizumabIsGivenEightHoursApartAndFourTimesInAll) {
  const std::string dose = "amount_mg: 560 weight_kg: 72";
  EXPECT_FALSE(Says(Treat("TOCILIZUMAB", dose), "R27"));
  Pass(8 * kMicrosPerHour);
  EXPECT_FALSE(Says(Treat("TOCILIZUMAB", dose), "R27"));
  Pass(8 * kMicrosPerHour - kMicrosPerMinute);
  const pb::Verdict early = Treat("TOCILIZUMAB", dose);
  ASSERT_EQ(Of(early, "R27").size(), 1U) << Explain(early);
  EXPECT_EQ(Of(early, "R27")[0].subject(), "given_at");
  Pass(8 * kMicrosPerHour);
  const pb::Verdict many = Treat("TOCILIZUMAB", dose);  // 1 min before the first is a day old
  ASSERT_EQ(Of(many, "R27").size(), 1U) << Explain(many);
  EXPECT_THAT(Of(many, "R27")[0].expected(), HasSubstr("3 doses in 24 h"));
  Pass(2 * kMicrosPerDay);
  const pb::Verdict fifth = Treat("TOCILIZUMAB", dose);
  ASSERT_EQ(Of(fifth, "R27").size(), 1U) << Explain(fifth);
  EXPECT_THAT(Of(fifth, "R27")[0].expected(), HasSubstr("4 doses in all"));
  EXPECT_EQ(run.state().condition().tocilizumab_doses(), 5U);
}

TEST_F(ToxicityRulesTest, ADoseToldLaterIsComparedWithThoseBeforeAndAfterIt) {
  Treat("TOCILIZUMAB", "amount_mg: 560");
  EventBuilder earlier = run.Draft({"clinic.rn.1"},
                                   "ae_treatment_given { treatment: TREATMENT_TOCILIZUMAB given_at "
                                   "$T-3h against: TOXICITY_CRS amount_mg: 560 }");
  EXPECT_TRUE(Says(run.Record(earlier), "R27"));
  EXPECT_LT(run.state().condition().tocilizumab_us(0), run.state().condition().tocilizumab_us(1));
}

// R44. The grade is given a reason so that nothing else speaks.
constexpr const char* kThree = "computed_grade: 0 grade: 3 difference: 'seen at the bedside'";

TEST_F(ToxicityRulesTest, NobodyDecidedInTwoHoursIsFoundByWhatComesNext) {
  ASSERT_FALSE(Graded(kThree).refused());
  const std::string event = run.last().parsed.event_id.ToString();
  Pass(2 * kMicrosPerHour);
  Observe(38.5);
  EXPECT_EQ(Found("R44"), nullptr);
  Pass(kMicrosPerMinute);
  Observe(38.5);
  ASSERT_NE(Found("R44"), nullptr);
  EXPECT_EQ(Found("R44")->id(), "D-" + ShortId(event) + "-R44");
  const int opened = run.state().deviations_size();
  EXPECT_FALSE(Says(Treat("ICU_TRANSFER"), "R44")) << "known already";
  Observe(38.5);
  EXPECT_EQ(run.state().deviations_size(), opened);
  EXPECT_TRUE(run.state().condition().care_decisions().empty());
}

TEST_F(ToxicityRulesTest, ADecisionForOrAgainstIntensiveCareIsEnough) {
  for (const char* decision : {"ICU_TRANSFER", "ICU_NOT_NEEDED"}) {
    ASSERT_FALSE(Graded(kThree).refused());
    Pass(kMicrosPerHour);
    EXPECT_FALSE(Says(Treat(decision), "R44"));
    Pass(5 * kMicrosPerHour);
    Observe(37);
    EXPECT_EQ(Found("R44"), nullptr) << decision;
    ASSERT_FALSE(Graded("computed_grade: 0 grade: 0", "resolved_at $T").refused());
    Pass(kMicrosPerHour);
  }
}

TEST_F(ToxicityRulesTest, ALateDecisionSaysItself) {
  ASSERT_FALSE(Graded(kThree).refused());
  Pass(3 * kMicrosPerHour);
  EXPECT_TRUE(Says(Treat("ICU_NOT_NEEDED"), "R44"));
  Observe(37);
  EXPECT_EQ(std::ranges::count(run.state().deviations(), "R44", &pb::Deviation::rule), 1);
}

TEST_F(ToxicityRulesTest, NotNeededIsAskedAgainWhenItGetsWorseAndTransferIsNot) {
  ASSERT_FALSE(Graded(kThree).refused());
  Treat("ICU_NOT_NEEDED");
  Pass(3 * kMicrosPerHour);
  ASSERT_FALSE(Graded(kThree).refused());
  EXPECT_TRUE(run.state().condition().care_decisions().empty()) << "no worse than it was";
  const std::string four = "computed_grade: 0 grade: 4 difference: 'seen at the bedside'";
  ASSERT_FALSE(Graded(four).refused());
  ASSERT_EQ(run.state().condition().care_decisions_size(), 1);
  const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
  const auto offered = std::ranges::find_if(
      steps, [](const pb::NextStep& step) { return step.body() == "ae_treatment_given"; });
  ASSERT_NE(offered, steps.end());
  EXPECT_EQ(offered->due_us(), ledger.now().micros + 2 * kMicrosPerHour);
  Treat("ICU_TRANSFER");
  Pass(3 * kMicrosPerHour);
  ASSERT_FALSE(Do({"clinic.phy.1"},
                  "icans_graded { at $T computed_grade: 0 grade: 3 max_grade: 3 "
                  "difference: 'x' }")
                   .refused());
  EXPECT_TRUE(run.state().condition().care_decisions().empty()) << "the patient is there";
}

TEST_F(ToxicityRulesTest, AGradeThatFallsInTimeAsksNothing) {
  ASSERT_FALSE(Graded(kThree).refused());
  Pass(kMicrosPerHour);
  ASSERT_FALSE(Graded("computed_grade: 0 grade: 2 difference: 'better'").refused());
  Pass(2 * kMicrosPerHour);
  Observe(37);
  EXPECT_EQ(Found("R44"), nullptr);
}

TEST_F(ToxicityRulesTest, AGradeToldLateAsksFromThenOn) {
  EventBuilder graded = run.Draft(
      {"clinic.phy.1"}, std::string("crs_graded { at $T-6h max_grade: 3 ") + kThree + " }");
  graded.HappenedAt(ledger.now() + -6 * kMicrosPerHour);
  ASSERT_FALSE(run.Record(graded).refused());
  MustDo({"clinic.rn.1"},
         "ae_treatment_given { treatment: TREATMENT_ICU_TRANSFER given_at $T-5h against: "
         "TOXICITY_CRS }");
  EXPECT_EQ(Found("R44"), nullptr);
  EXPECT_TRUE(run.state().condition().care_decisions().empty());
}

TEST_F(ToxicityRulesTest, GradeFiveIsDeathAndStopsWhatADeathStopsUntilItIsRecordedOrGradedAgain) {
  const auto ordered = [&] { return run.Judge(Now("infusion_ordered")); };
  const auto asked = [&] {
    return std::ranges::any_of(NextStepsOf(run.state(), run.registry(), ledger.now()),
                               [](const pb::NextStep& s) { return s.body() == "patient_died"; });
  };
  EXPECT_FALSE(Says(ordered(), "F13"));
  const pb::Verdict graded = Graded("computed_grade: 5 grade: 5", "death: YES");
  EXPECT_FALSE(graded.refused());
  EXPECT_FALSE(Says(graded, "F13")) << "the grade itself is a fact";
  EXPECT_THAT(Explain(graded), HasSubstr("record PATIENT_DIED"));
  ASSERT_TRUE(Says(ordered(), "F13"));
  EXPECT_TRUE(ordered().refused());
  EXPECT_THAT(Of(ordered(), "F13")[0].next_step(), HasSubstr("grades again"));
  EXPECT_TRUE(asked());
  Pass(kMicrosPerMinute);
  Graded("computed_grade: 0 grade: 0");  // it was a slip
  EXPECT_FALSE(Says(ordered(), "F13"));
  EXPECT_FALSE(asked());
  Pass(kMicrosPerMinute);
  MustDo({"clinic.phy.1"},
         "icans_graded { at $T computed_grade: 5 grade: 5 max_grade: 5 death: YES }");
  EXPECT_TRUE(asked());
  MustDo({"clinic.phy.1"}, "patient_died { died_at $T cause: DEATH_CRS related_to_product: YES }");
  EXPECT_FALSE(asked());
  EXPECT_THAT(Of(ordered(), "F13")[0].found(), HasSubstr("the patient died"));
}

}  // namespace
}  // namespace custody
