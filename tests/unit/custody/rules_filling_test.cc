// The numbers of a product that are no ranges of one field: what it is filled into (R07), until
// when it may be dated (R16), how long its infusion may last (R25), and a limit that excludes
// itself.
#include <gmock/gmock.h>

#include "custody/profile.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class FillingRulesTest : public RulesTest {
 protected:
  static pb::FilledContainer& Bag(EventBuilder& filled) {
    return *filled.event().mutable_filled()->mutable_containers(0);
  }
  static std::vector<std::string> Found(const pb::Verdict& verdict) {
    std::vector<std::string> found;
    for (const pb::Reason& reason : Of(verdict, "R07")) found.push_back(reason.found());
    return found;
  }
};

TEST_F(FillingRulesTest, AContainerHasItsVolumeByKindAndSamplesHaveNone) {
  EventBuilder filled = At("filled");
  EXPECT_FALSE(Says(run.Judge(filled), "R07")) << Explain(run.Judge(filled));
  Bag(filled).set_volume_ml(100.5);
  const pb::Verdict verdict = run.Judge(filled);
  EXPECT_FALSE(verdict.refused());
  EXPECT_THAT(Found(verdict), testing::ElementsAre("100.5 mL"));
  EXPECT_THAT(Of(verdict, "R07")[0].expected(), HasSubstr("10 to 100 mL"));
  EXPECT_EQ(Of(verdict, "R07")[0].subject(), Bag(filled).container());
}

TEST_F(FillingRulesTest, ProductIsFilledIntoWhatTheProfileNames) {
  EventBuilder filled = At("filled");
  Bag(filled).set_kind(pb::VESSEL_PRODUCT_VIAL);
  EXPECT_THAT(Found(run.Judge(filled)), testing::ElementsAre("product vial"));
  Publish([](pb::Profile& p) { p.clear_presentations(); });
  EXPECT_FALSE(Says(run.Judge(filled), "R07")) << "nothing is asked where nothing is stated";
}

TEST_F(FillingRulesTest, ContainersAreCountedByComponentAndDosedByColour) {
  EventBuilder filled = At("filled");
  Publish([](pb::Profile& p) {
    p.clear_presentations();
    pb::Presentation* vials = p.add_presentations();
    vials->set_kind(pb::VESSEL_PRODUCT_VIAL);
    vials->set_min_count(1);
    vials->set_max_count(2);
    pb::Presentation* blue = p.add_presentations();
    blue->set_kind(pb::VESSEL_PRODUCT_VIAL);
    blue->set_colour("blue");
    blue->set_min_dose_1e6(10);
    blue->set_max_dose_1e6(10);
  });
  const pb::FilledContainer first = Bag(filled);
  filled.event().mutable_filled()->clear_containers();
  for (const char* component : {"CD8", "CD8", "CD4", "CD4"}) {
    pb::FilledContainer& vial = *filled.event().mutable_filled()->add_containers();
    vial = first;
    vial.set_kind(pb::VESSEL_PRODUCT_VIAL);
    vial.set_component(component);
    vial.set_container("V-" + std::to_string(filled.event().filled().containers_size()));
    vial.set_nominal_dose_1e6(50);
  }
  EXPECT_FALSE(Says(run.Judge(filled), "R07")) << Explain(run.Judge(filled));
  pb::FilledContainer& third = *filled.event().mutable_filled()->add_containers();
  third = filled.event().filled().containers(0);
  third.set_container("V-9");
  EXPECT_THAT(Found(run.Judge(filled)), testing::ElementsAre("3 x product vial of CD8"));
  third.set_component("CD5");
  third.set_colour("Blue");
  EXPECT_THAT(Found(run.Judge(filled)), testing::ElementsAre("50 x 10^6"));
}

TEST_F(FillingRulesTest, NoReleaseDatesProductLaterThanItsShelfLife) {
  EventBuilder release = At("released");
  const std::int64_t frozen = FindLot(run.state(), "LOT26001")->frozen_us();
  ASSERT_NE(frozen, 0);
  const auto dated = [&](std::int64_t days) {
    *release.event().mutable_released()->mutable_expires_at() =
        ToProto(Instant{frozen + days * kMicrosPerDay});
    return run.Judge(release);
  };
  EXPECT_FALSE(Says(dated(365), "R16")) << Explain(dated(365));
  const pb::Verdict late = dated(366);
  ASSERT_TRUE(Says(late, "R16"));
  EXPECT_TRUE(late.refused());
  EXPECT_THAT(Of(late, "R16")[0].expected(), HasSubstr("12 months after the lot was frozen"));
  Publish([](pb::Profile& p) { p.clear_shelf_life(); });
  EXPECT_FALSE(Says(dated(1000), "R16")) << "nothing is asked where nothing is stated";
}

TEST_F(FillingRulesTest, AnInfusionThatLastsLongerThanTheLabelSaysIsADeviation) {
  EventBuilder ended = At("infusion_completed");
  const std::int64_t started = FindContainer(run.state(), kMainBag)->infusion_started_us();
  EXPECT_FALSE(Says(run.Judge(ended), "R25"));
  Publish([&](pb::Profile& p) {
    p.set_infusion_minutes(5);
    p.clear_windows();
  });
  ASSERT_GT(ledger.now().micros, started + 5 * kMicrosPerMinute);
  const pb::Verdict verdict = run.Judge(ended);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R25").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R25")[0].expected(), HasSubstr("within 5 min"));
}

TEST_F(FillingRulesTest, ALimitThatMeansLessThanExcludesItself) {
  pb::ReleaseTest test;
  test.set_less_than(5);
  EXPECT_TRUE(IsWithin(test, 4.99));
  EXPECT_FALSE(IsWithin(test, 5));
  test.set_max(3);
  EXPECT_TRUE(IsWithin(test, 3));
  EXPECT_FALSE(IsWithin(test, 4));
  const pb::Profile demo = DemoProfile();
  pb::QcResult result;
  result.set_test("endotoxin");
  result.set_unit("EU/mL");
  result.set_outcome(pb::OUTCOME_PASS);
  result.set_value(4.9);
  EXPECT_TRUE(TestPasses(result, &demo));
  result.set_value(5);
  EXPECT_TRUE(TestFails(result, &demo));
}

}  // namespace
}  // namespace custody
