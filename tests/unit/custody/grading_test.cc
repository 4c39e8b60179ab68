// Grades by ASTCT 2019 and ICAHT: the tables of the consensus row by row, and what must hold of
// every combination of inputs.
#include "custody/grading.h"

#include <gtest/gtest.h>

#include <array>

namespace custody {
namespace {

constexpr int kNorepinephrine = pb::VASOPRESSOR_NOREPINEPHRINE;
constexpr int kEpinephrine = pb::VASOPRESSOR_EPINEPHRINE;
constexpr int kVasopressin = pb::VASOPRESSOR_VASOPRESSIN;

CrsInputs Fever() {
  CrsInputs inputs;
  inputs.fever = true;
  return inputs;
}

struct PressorRow {
  std::vector<int> vasopressors;
  std::uint32_t grade;
};

TEST(CrsGradeTest, CountsVasopressorsAsTheConsensusDoes) {
  for (const PressorRow& row :
       {PressorRow{{}, 2}, PressorRow{{kNorepinephrine}, 3}, PressorRow{{kVasopressin}, 3},
        PressorRow{{kNorepinephrine, kVasopressin}, 3},
        PressorRow{{kNorepinephrine, kNorepinephrine}, 3},
        PressorRow{{kNorepinephrine, kEpinephrine}, 4},
        PressorRow{{kNorepinephrine, kEpinephrine, kVasopressin}, 4},
        PressorRow{{pb::VASOPRESSOR_OTHER}, 3}, PressorRow{{pb::VASOPRESSOR_UNSPECIFIED}, 2}}) {
    CrsInputs inputs = Fever();
    inputs.hypotension = true;
    inputs.vasopressors = row.vasopressors;
    EXPECT_EQ(ComputeCrs(inputs).grade, row.grade) << row.vasopressors.size();
  }
}

TEST(CrsGradeTest, OnAVasopressorThePatientIsHypotensiveWhateverThePressureIsNow) {
  CrsInputs inputs = Fever();
  inputs.vasopressors = {kNorepinephrine};
  EXPECT_EQ(ComputeCrs(inputs).grade, 3U);
}

TEST(CrsGradeTest, GradesOxygenByItsDevice) {
  constexpr std::uint32_t kGrades[] = {1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4};
  for (int device = pb::O2_UNSPECIFIED; device <= pb::O2_INTUBATED; ++device) {
    CrsInputs inputs = Fever();
    inputs.oxygen = device;
    EXPECT_EQ(ComputeCrs(inputs).grade, kGrades[device]) << pb::OxygenDevice_Name(device);
  }
  EXPECT_EQ(OxygenByFlow(pb::O2_LOW_FLOW, 6), pb::O2_LOW_FLOW);
  EXPECT_EQ(OxygenByFlow(pb::O2_LOW_FLOW, 6.1), pb::O2_HIGH_FLOW);
  EXPECT_EQ(OxygenByFlow(pb::O2_LOW_FLOW, std::nullopt), pb::O2_LOW_FLOW);
  EXPECT_EQ(OxygenByFlow(pb::O2_CPAP, 60), pb::O2_CPAP);
}

TEST(CrsGradeTest, TheWorseOfPressureAndOxygenWins) {
  CrsInputs inputs = Fever();
  inputs.hypotension = true;
  inputs.oxygen = pb::O2_FACEMASK;
  EXPECT_EQ(ComputeCrs(inputs).grade, 3U);
  inputs.vasopressors = {kNorepinephrine, kEpinephrine};
  EXPECT_EQ(ComputeCrs(inputs).grade, 4U);
}

TEST(CrsGradeTest, FeverBeginsItAndMayThenBeHidden) {
  CrsInputs inputs;
  inputs.hypotension = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 0U);
  EXPECT_TRUE(ComputeCrs(inputs).without_fever);
  inputs.masked = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 0U) << "nothing has begun";
  inputs.active = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 2U);
  EXPECT_FALSE(ComputeCrs(inputs).without_fever);
  inputs.hypotension = false;
  EXPECT_EQ(ComputeCrs(inputs).grade, 0U) << "a candidate for resolved";
  inputs.masked = false;
  inputs.hypotension = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 0U) << "nothing hides a fever that is not there";
  EXPECT_TRUE(ComputeCrs(inputs).without_fever);
}

TEST(CrsGradeTest, WhatHasAnotherCauseDoesNotCount) {
  CrsInputs inputs = Fever();
  inputs.oxygen = pb::O2_CPAP;
  inputs.oxygen_not_crs = true;  // CPAP at home
  EXPECT_EQ(ComputeCrs(inputs).grade, 1U);
  inputs.hypotension = true;
  inputs.vasopressors = {kNorepinephrine, kEpinephrine};
  inputs.vasopressors_not_crs = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 2U) << "hypotension by itself still counts";
  inputs.hypotension_not_crs = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 1U);
}

TEST(CrsGradeTest, DeathDueToItIsGradeFive) {
  CrsInputs inputs;
  inputs.death = true;
  EXPECT_EQ(ComputeCrs(inputs).grade, 5U);
}

// All inputs there are: 8 of fever, active and masked, 2 of pressure, 128 sets of vasopressors, 11
// devices.
template <class Check>
void ForEveryCrs(Check check) {
  for (int bits = 0; bits < 16; ++bits) {
    for (int set = 0; set < 128; ++set) {
      for (int device = pb::O2_UNSPECIFIED; device <= pb::O2_INTUBATED; ++device) {
        CrsInputs inputs;
        inputs.fever = (bits & 1) != 0;
        inputs.active = (bits & 2) != 0;
        inputs.masked = (bits & 4) != 0;
        inputs.hypotension = (bits & 8) != 0;
        for (int kind = 1; kind <= pb::VASOPRESSOR_OTHER; ++kind) {
          if ((set >> (kind - 1) & 1) != 0) inputs.vasopressors.push_back(kind);
        }
        inputs.oxygen = device;
        check(inputs);
      }
    }
  }
}

TEST(CrsGradeProperty, MoreOfAnythingNeverLowersTheGrade) {
  ForEveryCrs([](const CrsInputs& inputs) {
    const std::uint32_t grade = ComputeCrs(inputs).grade;
    for (int kind = 1; kind <= pb::VASOPRESSOR_OTHER; ++kind) {
      CrsInputs more = inputs;
      more.vasopressors.push_back(kind);
      ASSERT_GE(ComputeCrs(more).grade, grade);
    }
    for (bool CrsInputs::*worse : {&CrsInputs::fever, &CrsInputs::active, &CrsInputs::masked,
                                   &CrsInputs::hypotension, &CrsInputs::death}) {
      CrsInputs more = inputs;
      more.*worse = true;
      ASSERT_GE(ComputeCrs(more).grade, grade);
    }
    if (inputs.oxygen < pb::O2_INTUBATED) {
      CrsInputs more = inputs;
      more.oxygen = inputs.oxygen + 1;
      ASSERT_GE(ComputeCrs(more).grade, grade);
    }
    for (bool CrsInputs::*apart : {&CrsInputs::hypotension_not_crs,
                                   &CrsInputs::vasopressors_not_crs, &CrsInputs::oxygen_not_crs}) {
      CrsInputs less = inputs;
      less.*apart = true;
      ASSERT_LE(ComputeCrs(less).grade, grade);
    }
  });
}

TEST(CrsGradeProperty, FeverAloneDecidesBetweenNoneAndOneAndTheRestIsNeverOne) {
  ForEveryCrs([](const CrsInputs& inputs) {
    const CrsGrade computed = ComputeCrs(inputs);
    ASSERT_LE(computed.grade, 4U);
    ASSERT_EQ(computed.grade == 1, inputs.fever && computed.pressure == 0 && computed.oxygen == 0);
    ASSERT_TRUE(!inputs.fever || computed.grade >= 1);
    ASSERT_FALSE(computed.without_fever && computed.grade > 0);
  });
}

TEST(IcansGradeTest, GradesTheScore) {
  constexpr std::uint32_t kGrades[] = {3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 0};
  for (std::uint32_t ice = 0; ice <= 10; ++ice) {
    IcansInputs inputs;
    inputs.ice = ice;
    inputs.consciousness = pb::AWAKENS_SPONTANEOUSLY;
    EXPECT_EQ(ComputeIcans(inputs), kGrades[ice]) << ice;
  }
  IcansInputs unarousable;
  unarousable.ice = 0;
  unarousable.consciousness = pb::AWAKENS_UNAROUSABLE;
  EXPECT_EQ(ComputeIcans(unarousable), 4U);
}

struct NeuroRow {
  int IcansInputs::*domain;
  int finding;
  std::uint32_t grade;
};

TEST(IcansGradeTest, GradesEveryOtherDomain) {
  constexpr NeuroRow kRows[] = {
      {&IcansInputs::consciousness, pb::AWAKENS_SPONTANEOUSLY, 0},
      {&IcansInputs::consciousness, pb::AWAKENS_TO_VOICE, 2},
      {&IcansInputs::consciousness, pb::AWAKENS_TO_TOUCH, 3},
      {&IcansInputs::consciousness, pb::AWAKENS_UNAROUSABLE, 4},
      {&IcansInputs::seizure, pb::SEIZURE_NONE, 0},
      {&IcansInputs::seizure, pb::SEIZURE_RESOLVED_RAPIDLY, 3},
      {&IcansInputs::seizure, pb::SEIZURE_EEG_ONLY, 3},
      {&IcansInputs::seizure, pb::SEIZURE_PROLONGED, 4},
      {&IcansInputs::seizure, pb::SEIZURE_REPEATED, 4},
      {&IcansInputs::motor, pb::MOTOR_NORMAL, 0},
      {&IcansInputs::motor, pb::MOTOR_DEEP_FOCAL_WEAKNESS, 4},
      {&IcansInputs::oedema, pb::OEDEMA_NONE, 0},
      {&IcansInputs::oedema, pb::OEDEMA_FOCAL, 3},
      {&IcansInputs::oedema, pb::OEDEMA_DIFFUSE, 4},
      {&IcansInputs::oedema, pb::OEDEMA_PRESSURE_SIGNS, 4},
  };
  for (const NeuroRow& row : kRows) {
    IcansInputs inputs;
    inputs.ice = 10;
    inputs.*row.domain = row.finding;
    EXPECT_EQ(ComputeIcans(inputs), row.grade) << row.finding;
    inputs.other_cause = true;  // sedation
    EXPECT_EQ(ComputeIcans(inputs), 0U) << row.finding;
    inputs.death = true;
    EXPECT_EQ(ComputeIcans(inputs), 5U);
  }
}

TEST(IcansGradeTest, AnotherCauseExplainsWhatItIsSaidToExplainAndNoMore) {
  IcansInputs inputs;
  inputs.ice = 10;
  inputs.consciousness = pb::AWAKENS_TO_VOICE;
  inputs.seizure = pb::SEIZURE_PROLONGED;
  inputs.other_cause = true;
  EXPECT_EQ(ComputeIcans(inputs), 0U) << "all of it";
  inputs.explained = {pb::NEURO_CONSCIOUSNESS};
  EXPECT_EQ(ComputeIcans(inputs), 4U) << "sedation explains no seizure";
  inputs.explained = {pb::NEURO_CONSCIOUSNESS, pb::NEURO_SEIZURE};
  EXPECT_EQ(ComputeIcans(inputs), 0U);
}

TEST(IcansGradeTest, OfAChildCapdCounts) {
  const auto grade = [](std::uint32_t capd, int consciousness) {
    IcansInputs inputs;
    inputs.child = true;
    inputs.capd = capd;
    inputs.ice = 0;  // no child of five writes a sentence
    inputs.consciousness = consciousness;
    return ComputeIcans(inputs);
  };
  EXPECT_EQ(grade(0, pb::AWAKENS_SPONTANEOUSLY), 0U);
  EXPECT_EQ(grade(1, pb::AWAKENS_SPONTANEOUSLY), 1U);
  EXPECT_EQ(grade(8, pb::AWAKENS_SPONTANEOUSLY), 1U);
  EXPECT_EQ(grade(8, pb::AWAKENS_TO_VOICE), 2U);
  EXPECT_EQ(grade(9, pb::AWAKENS_SPONTANEOUSLY), 3U);
  EXPECT_EQ(grade(32, pb::AWAKENS_TO_VOICE), 3U);
  EXPECT_EQ(grade(3, pb::AWAKENS_TO_TOUCH), 3U);
  IcansInputs unable;
  unable.child = true;
  unable.not_performable = true;
  EXPECT_EQ(ComputeIcans(unable), 4U);
}

TEST(IcansGradeTest, WithDelayCapdCountsWithoutIceAndOfBothTheWorse) {
  IcansInputs inputs;
  inputs.capd = 9;
  EXPECT_EQ(ComputeIcans(inputs), 3U);
  inputs.ice = 10;
  EXPECT_EQ(ComputeIcans(inputs), 3U);
  inputs.capd = 0;
  inputs.ice = 5;
  EXPECT_EQ(ComputeIcans(inputs), 2U);
}

TEST(IcansGradeTest, AnAdultWhoCannotAnswerHasGradeThreeAndUnarousableFour) {
  IcansInputs inputs;
  inputs.not_performable = true;
  EXPECT_EQ(ComputeIcans(inputs), 3U);
  inputs.consciousness = pb::AWAKENS_UNAROUSABLE;
  EXPECT_EQ(ComputeIcans(inputs), 4U);
  EXPECT_EQ(ComputeIcans(IcansInputs{}), 0U);
}

template <class Check>
void ForEveryIcans(Check check) {
  for (std::uint32_t ice = 0; ice <= 10; ++ice) {
    for (int awake = 0; awake <= pb::AWAKENS_UNAROUSABLE; ++awake) {
      for (int seizure = 0; seizure <= pb::SEIZURE_REPEATED; ++seizure) {
        for (int motor = 0; motor <= pb::MOTOR_DEEP_FOCAL_WEAKNESS; ++motor) {
          for (int oedema = 0; oedema <= pb::OEDEMA_PRESSURE_SIGNS; ++oedema) {
            IcansInputs inputs;
            inputs.ice = ice;
            inputs.consciousness = awake;
            inputs.seizure = seizure;
            inputs.motor = motor;
            inputs.oedema = oedema;
            check(inputs);
          }
        }
      }
    }
  }
}

TEST(IcansGradeProperty, WorseFindingsNeverLowerTheGradeAndNoDomainIsLost) {
  constexpr std::array<std::pair<int IcansInputs::*, int>, 4> kDomains{
      {{&IcansInputs::consciousness, pb::AWAKENS_UNAROUSABLE},
       {&IcansInputs::seizure, pb::SEIZURE_REPEATED},
       {&IcansInputs::motor, pb::MOTOR_DEEP_FOCAL_WEAKNESS},
       {&IcansInputs::oedema, pb::OEDEMA_PRESSURE_SIGNS}}};
  ForEveryIcans([&](const IcansInputs& inputs) {
    const std::uint32_t grade = ComputeIcans(inputs);
    ASSERT_LE(grade, 4U);
    if (*inputs.ice > 0) {
      IcansInputs worse = inputs;
      worse.ice = *inputs.ice - 1;
      ASSERT_GE(ComputeIcans(worse), grade);
    }
    for (const auto& [domain, last] : kDomains) {
      IcansInputs alone;
      alone.*domain = inputs.*domain;
      ASSERT_GE(grade, ComputeIcans(alone));
      if (inputs.*domain == last) continue;
      IcansInputs worse = inputs;
      worse.*domain = inputs.*domain + 1;
      ASSERT_GE(ComputeIcans(worse), grade);
    }
  });
}

TEST(CytopeniaGradeTest, EarlyNeutropeniaByDays) {
  constexpr std::uint32_t kDays[] = {0, 1, 6, 7, 13, 14, 30};
  constexpr std::uint32_t kBy500[] = {0, 1, 1, 2, 2, 3, 3};
  constexpr std::uint32_t kBy100[] = {0, 0, 0, 3, 3, 4, 4};
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(ComputeEarlyIcaht({.days_to_500 = kDays[i]}), kBy500[i]) << kDays[i];
    for (int j = 0; j <= i; ++j) {  // so low is at most as often as low
      EXPECT_EQ(ComputeEarlyIcaht({.days_to_500 = kDays[i], .days_to_100 = kDays[j]}),
                std::max(kBy500[i], kBy100[j]));
    }
  }
  EXPECT_EQ(ComputeEarlyIcaht({.days_to_500 = 30, .never_above_500 = true}), 4U);
  EXPECT_EQ(ComputeEarlyIcaht({.never_above_500 = true}), 0U) << "no day was counted";
}

TEST(CytopeniaGradeTest, LateNeutropeniaByTheCount) {
  EXPECT_EQ(ComputeLateIcaht(1.51), 0U);
  EXPECT_EQ(ComputeLateIcaht(1.5), 1U);
  EXPECT_EQ(ComputeLateIcaht(1.01), 1U);
  EXPECT_EQ(ComputeLateIcaht(1.0), 2U);
  EXPECT_EQ(ComputeLateIcaht(0.51), 2U);
  EXPECT_EQ(ComputeLateIcaht(0.5), 3U);
  EXPECT_EQ(ComputeLateIcaht(0.11), 3U);
  EXPECT_EQ(ComputeLateIcaht(0.1), 4U);
  EXPECT_EQ(ComputeLateIcaht(0), 4U);
}

TEST(CytopeniaGradeTest, EarlyThrombocytopeniaByDays) {
  constexpr std::uint32_t kBelow50[] = {0, 1, 6, 7, 30};
  constexpr std::uint32_t kGrades[] = {0, 1, 1, 2, 2};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ComputeEarlyThrombocytopenia(kBelow50[i], 0), kGrades[i]);
  }
  EXPECT_EQ(ComputeEarlyThrombocytopenia(1, 1), 3U);
  EXPECT_EQ(ComputeEarlyThrombocytopenia(13, 13), 3U);
  EXPECT_EQ(ComputeEarlyThrombocytopenia(14, 14), 4U);
}

TEST(IceTotalTest, IsTheSumOfFivePartsOrNothing) {
  pb::IceRecorded recorded;
  recorded.set_orientation(4);
  recorded.set_naming(3);
  recorded.set_command(1);
  recorded.set_writing(0);
  EXPECT_EQ(IceTotal(recorded), std::nullopt);
  recorded.set_attention(1);
  EXPECT_EQ(IceTotal(recorded), 9U);
}

}  // namespace
}  // namespace custody
