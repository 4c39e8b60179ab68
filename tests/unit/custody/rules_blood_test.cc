// ICAHT and T-ICAHT up to day 30: days of low counts in DAILY_LABS, beside what is attested.
#include <gmock/gmock.h>

#include "custody/grading.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class BloodTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Through("infusion_completed");
    infused_ = ledger.now();
  }
  // Blood of a day after the infusion, counted now.
  void Labs(int day, const std::string& counts) {
    ledger.set_now(infused_ + day * kMicrosPerDay + kMicrosPerHour);
    MustDo({"clinic.lab.1"},
           "daily_labs { sampled_at $T blood_count: YES chemistry: YES "
           "coagulation: YES " +
               counts + " }");
  }
  void Anc(int from, int to, double anc) {
    for (int day = from; day <= to; ++day) Labs(day, "anc_1e9_per_l: " + std::to_string(anc));
  }
  pb::Verdict Graded(int day, const std::string& grades) {
    ledger.set_now(infused_ + day * kMicrosPerDay + 2 * kMicrosPerHour);
    return Do({"clinic.phy.1"}, "cytopenia_graded { at $T " + grades + " }");
  }
  const pb::BloodGrade& Kept() { return run.state().condition().blood_grade(); }

  Instant infused_;
};

TEST_F(BloodTest, SevenDaysOfLowCountsAreGradeTwo) {
  Anc(1, 7, 0.4);
  EXPECT_FALSE(Says(Graded(8, "neutropenia_grade: 2"), "ICAHT"));
  EXPECT_EQ(Kept().neutropenia_computed(), 2U);
  EXPECT_FALSE(Kept().has_thrombocytopenia_computed());
}

TEST_F(BloodTest, AnotherGradeIsADeviationUnlessItSaysWhy) {
  Anc(1, 7, 0.4);
  const pb::Verdict verdict = Graded(8, "neutropenia_grade: 1");
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "ICAHT").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "ICAHT")[0].expected(), HasSubstr("grade 2"));
  EXPECT_THAT(Of(verdict, "ICAHT")[0].expected(), HasSubstr("counted on 7 d"));
  EXPECT_EQ(Kept().neutropenia(), 1U);
  EXPECT_EQ(Kept().neutropenia_computed(), 2U);
  EXPECT_FALSE(
      Says(Graded(8, "neutropenia_grade: 1 difference: 'counted after growth factor'"), "ICAHT"));
}

TEST_F(BloodTest, TheComputedGradeOfTheFormIsHeldAgainstTheCounts) {
  Anc(1, 7, 0.4);
  EXPECT_FALSE(Says(Graded(8, "neutropenia_grade: 2 computed_neutropenia_grade: 2"), "ICAHT"));
  EXPECT_TRUE(Says(Graded(8, "neutropenia_grade: 2 computed_neutropenia_grade: 3"), "ICAHT"));
}

TEST_F(BloodTest, AWeekWithoutCountsBetweenTwoLowOnesIsLow) {
  Labs(2, "anc_1e9_per_l: 0.3");
  Labs(9, "anc_1e9_per_l: 0.3");
  EXPECT_FALSE(Says(Graded(10, "neutropenia_grade: 2"), "ICAHT"));
  Labs(18, "anc_1e9_per_l: 0.3");  // nine days on: nobody knows
  EXPECT_FALSE(Says(Graded(19, "neutropenia_grade: 2"), "ICAHT"));
  EXPECT_EQ(Kept().neutropenia_computed(), 2U);
}

TEST_F(BloodTest, TheLowestOfADayCountsAndAHighOneEndsTheRun) {
  Labs(1, "anc_1e9_per_l: 2.0");
  Labs(1, "anc_1e9_per_l: 0.5");
  Labs(1, "anc_1e9_per_l: 1.0");
  Labs(3, "anc_1e9_per_l: 1.0");
  Labs(5, "anc_1e9_per_l: 0.5");
  Graded(6, "neutropenia_grade: 1");
  EXPECT_EQ(Kept().neutropenia_computed(), 1U);
}

TEST_F(BloodTest, VeryLowCountsGradeHigher) {
  Anc(1, 7, 0.1);
  Graded(8, "neutropenia_grade: 3");
  EXPECT_EQ(Kept().neutropenia_computed(), 3U);
}

TEST_F(BloodTest, NeverAboveIsSaidOnlyWhenAllThirtyDaysAreKnown) {
  Anc(0, 29, 0.4);
  EXPECT_FALSE(Says(Graded(29, "neutropenia_grade: 3"), "ICAHT"));
  Anc(30, 30, 0.4);
  EXPECT_FALSE(Says(Graded(30, "neutropenia_grade: 4"), "ICAHT"));
}

TEST_F(BloodTest, PlateletsHaveAGradeOfTheirOwn) {
  Labs(3, "platelets_1e9_per_l: 45");
  EXPECT_FALSE(Says(Graded(3, "neutropenia_grade: 0 thrombocytopenia_grade: 1"), "ICAHT"));
  Labs(4, "platelets_1e9_per_l: 19");
  const pb::Verdict verdict = Graded(4, "neutropenia_grade: 0 thrombocytopenia_grade: 1");
  ASSERT_TRUE(Says(verdict, "ICAHT"));
  EXPECT_EQ(Of(verdict, "ICAHT")[0].subject(), "thrombocytopenia_grade");
  EXPECT_EQ(Kept().thrombocytopenia_computed(), 3U);
}

TEST_F(BloodTest, WithoutCountsNothingIsComputed) {
  EXPECT_FALSE(Says(Graded(5, "neutropenia_grade: 3 thrombocytopenia_grade: 2"), "ICAHT"));
  EXPECT_FALSE(Kept().has_neutropenia_computed());
}

TEST_F(BloodTest, CountsAreKeptForALimitedNumberOfDays) {
  Anc(0, 80, 1.2);
  EXPECT_EQ(run.state().condition().blood_counts_size(), 64);
}

}  // namespace
}  // namespace custody
