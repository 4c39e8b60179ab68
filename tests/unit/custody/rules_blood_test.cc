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
  // A correction of the event that was recorded `back` events ago.
  pb::Verdict Correct(std::size_t back, const char* field, const char* old, const char* now) {
    EventBuilder event =
        run.Draft({"clinic.lab.1", "clinic.rn.2"},
                  std::string("record_corrected { corrections { field_path: '") + field +
                      "' old_value: '" + old + "' new_value: '" + now + "' } reason: 'misread' }");
    const Recorded& wrong = ledger.log()[ledger.log().size() - 1 - back];
    event.event().mutable_record_corrected()->set_corrected_event(wrong.parsed.event_id.ToString());
    return run.Record(event);
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

TEST_F(BloodTest, ACorrectedCountIsWhatTheNextGradeIsComputedFrom) {
  Labs(1, "anc_1e9_per_l: 0.4 platelets_1e9_per_l: 90");
  Labs(2, "anc_1e9_per_l: 0.05 platelets_1e9_per_l: 9");
  EXPECT_FALSE(Says(Correct(0, "anc_1e9_per_l", "0.05", "0.7"), "ICAHT"));
  EXPECT_FALSE(Says(Correct(1, "platelets_1e9_per_l", "9", "90"), "ICAHT"));
  EXPECT_TRUE(run.state().corrections(0).folded());
  EXPECT_FALSE(Says(Graded(3, "neutropenia_grade: 1 thrombocytopenia_grade: 0"), "ICAHT"));
  EXPECT_EQ(Kept().neutropenia_computed(), 1U);
  EXPECT_EQ(Kept().thrombocytopenia_computed(), 0U);
  const pb::Verdict after = Correct(3, "anc_1e9_per_l", "0.7", "0.9");
  ASSERT_EQ(Of(after, "ICAHT").size(), 1U) << Explain(after);
  EXPECT_FALSE(Of(after, "ICAHT")[0].critical());
  EXPECT_THAT(Of(after, "ICAHT")[0].next_step(), HasSubstr("CYTOPENIA_GRADED"));
}

TEST_F(BloodTest, WhereNobodyCanTellWhichCountItWasTheGradeIsNotChangedInSilence) {
  Labs(1, "anc_1e9_per_l: 0.05");
  Labs(2, "anc_1e9_per_l: 0.4");
  const pb::Verdict older = Correct(1, "anc_1e9_per_l", "0.05", "0.5");
  EXPECT_FALSE(older.refused());
  ASSERT_EQ(Of(older, "ICAHT").size(), 1U) << Explain(older);
  EXPECT_FALSE(run.state().corrections(0).folded());
  Labs(3, "anc_1e9_per_l: 0.4");
  Pass(kMicrosPerHour);
  MustDo({"clinic.lab.1"},  // the day has two of them now
         "daily_labs { sampled_at $T blood_count: YES chemistry: YES coagulation: YES "
         "anc_1e9_per_l: 0.4 }");
  EXPECT_TRUE(Says(Correct(0, "anc_1e9_per_l", "0.4", "1.4"), "ICAHT"));
  EXPECT_FALSE(run.state().corrections(1).folded());
}

}  // namespace
}  // namespace custody
