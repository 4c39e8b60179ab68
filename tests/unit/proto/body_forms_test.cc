// What annotations promise of a body is what the shape check asks for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "custody/event.h"
#include "custody/pb.h"

namespace custody {
namespace {

using ::testing::Contains;
using ::testing::Not;

// The paths of all faults of `event`.
std::vector<std::string> BadPaths(const pb::Event& event) {
  pb::BadFields bad;
  EXPECT_FALSE(CheckShape(event, &bad).ok());  // the envelope is empty, so there is always one
  std::vector<std::string> paths;
  for (const pb::BadField& field : bad.fields()) paths.push_back(field.path());
  return paths;
}

TEST(BodyFormsTest, CommitmentsHaveThirtyTwoBytes) {
  pb::Event event;
  pb::IdentifierCommitment& identifier = *event.mutable_patient_enrolled()->add_identifiers();
  const std::string path = "patient_enrolled.identifiers[0].commitment";
  identifier.set_commitment(std::string(31, 'x'));
  EXPECT_THAT(BadPaths(event), Contains(path));
  identifier.set_commitment(std::string(32, 'x'));
  EXPECT_THAT(BadPaths(event), Not(Contains(path)));
}

TEST(BodyFormsTest, ReferencesToEventsHaveThirtyTwoBytes) {
  pb::Event event;
  event.mutable_attested()->add_events(std::string(32, 'x'));
  event.mutable_attested()->add_events("x");
  EXPECT_THAT(BadPaths(event), Contains("attested.events[1]"));
  EXPECT_THAT(BadPaths(event), Not(Contains("attested.events[0]")));
}

TEST(BodyFormsTest, ZonesOfLabelsAreKnown) {
  pb::Event event;
  event.mutable_released()->set_expiry_time_zone("Europe/Nowhere");
  EXPECT_THAT(BadPaths(event), Contains("released.expiry_time_zone"));
  event.mutable_released()->set_expiry_time_zone("Europe/Berlin");
  EXPECT_THAT(BadPaths(event), Not(Contains("released.expiry_time_zone")));
}

TEST(BodyFormsTest, ZeroIsAnAnswerAndAbsenceIsNot) {
  pb::Event event;
  pb::ApheresisCompleted& body = *event.mutable_apheresis_completed();
  const std::string volume = "apheresis_completed.volume_ml";
  EXPECT_THAT(BadPaths(event), Contains(volume));
  body.set_volume_ml(200);
  EXPECT_THAT(BadPaths(event), Not(Contains(volume)));
  body.set_volume_ml(2001);
  EXPECT_THAT(BadPaths(event), Contains(volume));

  pb::EligibilityAssessed& assessed = *event.mutable_eligibility_assessed();
  EXPECT_THAT(BadPaths(event), Contains("eligibility_assessed.ecog"));
  assessed.set_ecog(0);
  EXPECT_THAT(BadPaths(event), Not(Contains("eligibility_assessed.ecog")));
}

TEST(BodyFormsTest, AnswersMustBeGiven) {
  pb::Event event;
  pb::Discharged& body = *event.mutable_discharged();
  EXPECT_THAT(BadPaths(event), Contains("discharged.wallet_card"));
  body.set_wallet_card(pb::NO);
  EXPECT_THAT(BadPaths(event), Not(Contains("discharged.wallet_card")));
}

}  // namespace
}  // namespace custody
