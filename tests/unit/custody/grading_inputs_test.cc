// What a grade is computed from: what it says itself, and what was recorded of the day before it.
#include <gtest/gtest.h>

#include <optional>

#include "custody/grading.h"
#include "custody/state.h"

namespace custody {
namespace {

class CrsInputsTest : public testing::Test {
 protected:
  CrsInputs At(std::int64_t at) {
    *said.mutable_at() = ToProto(Instant{at});
    return CrsInputsOf(known, said);
  }
  static constexpr std::int64_t kT = 1'000 * kMicrosPerDay;
  pb::PatientCondition known;
  pb::CrsGraded said;
};

TEST_F(CrsInputsTest, AFeverCountsForADay) {
  pb::DataSpan* span = known.add_febrile();
  span->set_from_us(kT);
  span->set_to_us(kT + kMicrosPerDay);
  EXPECT_FALSE(At(kT - 3 * kMicrosPerMinute).fever);
  EXPECT_TRUE(At(kT - kMicrosPerMinute).fever) << "clocks differ by so much";
  EXPECT_TRUE(At(kT).fever);
  EXPECT_TRUE(At(kT + kMicrosPerDay).fever);
  EXPECT_FALSE(At(kT + kMicrosPerDay + 1).fever);
  said.set_fever_other_cause(pb::YES);
  EXPECT_FALSE(At(kT).fever);
}

TEST_F(CrsInputsTest, WhatTheGradeSaysItselfGoesBeforeWhatWasRecorded) {
  known.set_oxygen(pb::O2_FACEMASK);
  known.set_oxygen_us(kT);
  known.set_hypotension(true);
  known.set_hypotension_us(kT);
  known.add_vasopressors(pb::VASOPRESSOR_NOREPINEPHRINE);
  known.set_vasopressors_us(kT);
  CrsInputs inputs = At(kT + kMicrosPerHour);
  EXPECT_EQ(inputs.oxygen, pb::O2_FACEMASK);
  EXPECT_TRUE(inputs.hypotension);
  EXPECT_EQ(inputs.vasopressors.size(), 1U);
  said.set_oxygen(pb::O2_NONE);
  said.set_hypotension(pb::NO);
  said.add_vasopressors(pb::VASOPRESSOR_EPINEPHRINE);
  inputs = At(kT + kMicrosPerHour);
  EXPECT_EQ(inputs.oxygen, pb::O2_NONE);
  EXPECT_FALSE(inputs.hypotension);
  EXPECT_EQ(inputs.vasopressors, std::vector<int>{pb::VASOPRESSOR_EPINEPHRINE});
  EXPECT_FALSE(inputs.oxygen_not_crs);
  said.set_not_crs(pb::YES);
  inputs = At(kT + kMicrosPerHour);
  EXPECT_TRUE(inputs.oxygen_not_crs && inputs.vasopressors_not_crs && inputs.hypotension_not_crs);
}

TEST_F(CrsInputsTest, ReadingsOfAnotherTimeSayNothing) {
  known.set_oxygen(pb::O2_FACEMASK);
  known.set_oxygen_us(kT);
  known.set_hypotension(true);
  known.set_hypotension_us(kT);
  known.add_vasopressors(pb::VASOPRESSOR_NOREPINEPHRINE);
  known.set_vasopressors_us(kT);
  for (const std::int64_t at : {kT - kMicrosPerHour, kT + kMicrosPerDay + 1}) {
    const CrsInputs inputs = At(at);
    EXPECT_EQ(inputs.oxygen, pb::O2_UNSPECIFIED);
    EXPECT_FALSE(inputs.hypotension);
    EXPECT_TRUE(inputs.vasopressors.empty());
  }
}

TEST_F(CrsInputsTest, WhatWasGivenSinceTheOnsetHidesAFever) {
  known.set_crs_open(true);
  known.set_crs_onset_us(kT);
  known.set_masked_us(kT - kMicrosPerHour);
  EXPECT_TRUE(At(kT + kMicrosPerDay).active);
  EXPECT_FALSE(At(kT + kMicrosPerDay).masked) << "given before it began";
  known.set_masked_us(kT + kMicrosPerHour);
  EXPECT_TRUE(At(kT + kMicrosPerDay).masked);
  EXPECT_FALSE(At(kT).masked) << "given later";
  said.set_masked(pb::YES);
  EXPECT_TRUE(At(kT).masked);
}

TEST_F(CrsInputsTest, AFirstGradeAfterTheFeverKnowsItsOnset) {
  pb::DataSpan* span = known.add_febrile();
  span->set_from_us(kT);
  span->set_to_us(kT + kMicrosPerDay);
  EXPECT_FALSE(At(kT + 2 * kMicrosPerDay).active);
  *said.mutable_onset_at() = ToProto(Instant{kT});
  EXPECT_TRUE(At(kT + 2 * kMicrosPerDay).active);
  *said.mutable_onset_at() = ToProto(Instant{kT + 2 * kMicrosPerDay});
  EXPECT_FALSE(At(kT + 2 * kMicrosPerDay).active) << "no fever then";
}

TEST(IcansInputsTest, TakeTheLastFindingsOfTheDayAndTheScoreThatIsNamed) {
  constexpr std::int64_t kT = 20'000 * kMicrosPerDay;  // in 2024
  pb::PatientCondition known;
  known.mutable_neuro()->set_at_us(kT);
  known.mutable_neuro()->set_ice(8);
  known.mutable_neuro()->set_consciousness(pb::AWAKENS_TO_VOICE);
  pb::IcansGraded said;
  *said.mutable_at() = ToProto(Instant{kT + kMicrosPerHour});
  EXPECT_EQ(IcansInputsOf(known, said).ice, 8U);
  EXPECT_EQ(ComputeIcans(IcansInputsOf(known, said)), 2U);
  said.set_ice_total(1);
  EXPECT_EQ(ComputeIcans(IcansInputsOf(known, said)), 3U);
  said.clear_ice_total();
  *said.mutable_at() = ToProto(Instant{kT + kMicrosPerDay + 1});
  EXPECT_EQ(IcansInputsOf(known, said).ice, std::nullopt);
  for (const auto& [born, child] : {std::pair{0U, false}, {2012U, false}, {2013U, true}}) {
    known.set_birth_year(born);
    EXPECT_EQ(IcansInputsOf(known, said).child, child) << born;
  }
}

}  // namespace
}  // namespace custody
