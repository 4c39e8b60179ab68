// What a station fills in by itself.
#include "client/filled_in.h"

#include <gtest/gtest.h>

namespace custody {
namespace {

constexpr Instant kVerified{1'700'000'000'000'000};

pb::Event Removal(pb::EntryMode entry = pb::LIVE) {
  pb::Event event;
  event.set_entry(entry);
  event.mutable_removed_from_storage();
  return event;
}

TEST(FilledInTest, ALiveStepAtTheBagSaysSinceWhenNothingNewerIsKnown) {
  pb::Event event = Removal();
  FillVerifiedAt(kVerified, event, *event.mutable_removed_from_storage());
  EXPECT_EQ(FromProto(event.removed_from_storage().state_verified_at()), kVerified);
  event.Clear();
  event.set_entry(pb::LIVE);
  FillVerifiedAt(kVerified, event, *event.mutable_thaw_started());
  FillVerifiedAt(kVerified, event, *event.mutable_infusion_started());
  EXPECT_TRUE(event.infusion_started().has_state_verified_at());
}

TEST(FilledInTest, WhatWasGivenStays) {
  pb::Event event = Removal();
  event.mutable_removed_from_storage()->mutable_state_verified_at()->set_seconds(7);
  FillVerifiedAt(kVerified, event, *event.mutable_removed_from_storage());
  EXPECT_EQ(event.removed_from_storage().state_verified_at().seconds(), 7);
}

TEST(FilledInTest, WhatIsEnteredLaterAndWhatIsNotKnownIsLeftOpen) {
  pb::Event late = Removal(pb::LATE);
  FillVerifiedAt(kVerified, late, *late.mutable_removed_from_storage());
  EXPECT_FALSE(late.removed_from_storage().has_state_verified_at());
  pb::Event unknown = Removal();
  FillVerifiedAt({}, unknown, *unknown.mutable_removed_from_storage());
  EXPECT_FALSE(unknown.removed_from_storage().has_state_verified_at());
  pb::Event other;
  other.set_entry(pb::LIVE);
  FillVerifiedAt(kVerified, other, *other.mutable_weight_changed());
  EXPECT_EQ(other.weight_changed().ByteSizeLong(), 0U);
}

TEST(FilledInTest, AnOwnCheckNamesItsPersonAndWhen) {
  pb::Event event;
  for (const char* who : {"a", "b"}) {
    pb::Signer& signer = *event.add_signers();
    signer.set_person(who);
    signer.mutable_identified_at()->set_seconds(9);
  }
  auto& body = *event.mutable_prethaw_id_verified();
  body.add_checks();
  body.add_checks()->set_person("c");
  FillOwnChecks(event, body);
  EXPECT_EQ(body.checks(0).person(), "a");
  EXPECT_EQ(body.checks(0).at().seconds(), 9);
  EXPECT_EQ(body.checks(1).person(), "c");
}

TEST(FilledInTest, TheGradeIsComputedFromWhatIsRecordedUnlessItIsGiven) {
  constexpr std::int64_t kAt = 1'700'000'000'000'000;
  pb::TherapyState known;
  pb::DataSpan& febrile = *known.mutable_condition()->add_febrile();
  febrile.set_from_us(kAt - kMicrosPerHour);
  febrile.set_to_us(kAt + kMicrosPerHour);
  pb::Event event;
  *event.mutable_crs_graded()->mutable_at() = ToProto(Instant{kAt});
  event.mutable_crs_graded()->set_hypotension(pb::YES);
  FillComputedGrade(known, event);
  EXPECT_EQ(event.crs_graded().computed_grade(), 2U);
  event.mutable_crs_graded()->set_computed_grade(0);
  FillComputedGrade(known, event);
  EXPECT_EQ(event.crs_graded().computed_grade(), 0U) << "it was given";

  pb::NeuroFindings& neuro = *known.mutable_condition()->mutable_neuro();
  neuro.set_at_us(kAt - kMicrosPerHour);
  neuro.set_ice(6);
  *event.mutable_icans_graded()->mutable_at() = ToProto(Instant{kAt});
  FillComputedGrade(known, event);
  EXPECT_EQ(event.icans_graded().computed_grade(), 2U);
  pb::Event other;
  other.mutable_daily_exam();
  FillComputedGrade(known, other);
  EXPECT_TRUE(other.has_daily_exam());
}

}  // namespace
}  // namespace custody
