// R35 at every door after the thaw, and quality on call for a doubt about what is thawed (F8b).
#include <gmock/gmock.h>

#include "custody/next_steps.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class DoorTest : public RulesTest {
 protected:
  pb::Container& Bag() {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == kMainBag) return container;
    }
    ADD_FAILURE() << "no bag";
    return *run.mutable_state().add_containers();
  }
  void Doubt() {
    MustDo({"clinic.rn.1"},
           "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_LABELS_DISAGREE finding: 'x' "
           "thawed: YES }");
  }
  bool LateAnswer() {
    return std::ranges::any_of(run.state().deviations(), [](const pb::Deviation& d) {
      return d.rule() == "F8b" && d.critical();
    });
  }
};

TEST_F(DoorTest, NothingIsVerifiedAtTheBedOrGivenWithoutConsentToTheTreatment) {
  for (const char* step : {"bedside_id_verified", "infusion_started"}) {
    EventBuilder event = At(step);
    EXPECT_FALSE(Says(run.Judge(event), "R35")) << step;
    run.mutable_state().set_consent_treatment(false);
    const pb::Verdict verdict = run.Judge(event);
    ASSERT_TRUE(Says(verdict, "R35")) << step;
    EXPECT_TRUE(Of(verdict, "R35")[0].grantors().empty());
    run.mutable_state().set_consent_treatment(true);
    ASSERT_FALSE(run.Record(event).refused());
  }
}

TEST_F(DoorTest, NothingIsGivenThatTwoPeopleDidNotVerifyBeforeTheThaw) {
  EventBuilder start = At("infusion_started");
  EXPECT_FALSE(Says(run.Judge(start), "R35"));
  Bag().clear_prethaw();
  const pb::Verdict verdict = run.Judge(start);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R35")) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R35")[0].grantors().empty());
}

TEST_F(DoorTest, ADeferralAfterTheThawLeavesTheCheckBeforeItAsItWas) {
  run.Until("bedside_id_verified");
  MustDo({"clinic.phy.1"},
         "infusion_deferred { containers: 'LOT26001-1' reason: 'x' outcome: DEFERRED_TO_HOLD "
         "thawed: YES }");
  EXPECT_FALSE(Bag().prethaw().empty());
}

TEST_F(DoorTest, QualityAnswersADoubtAboutWhatIsThawedWithinTheMinutes) {
  run.Until("bedside_id_verified");
  Doubt();
  const auto offered = NextStepsOf(run.state(), run.registry(), ledger.now());
  const auto resolve = std::ranges::find(offered, "identity_resolved", &pb::NextStep::body);
  ASSERT_NE(resolve, offered.end());
  EXPECT_EQ(resolve->due_us(), ledger.now().micros + 15 * kMicrosPerMinute);
  Pass(15 * kMicrosPerMinute);
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 72 weighed_at $T }");
  EXPECT_FALSE(LateAnswer());
  Pass(kMicrosPerMinute);
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 72 weighed_at $T }");
  EXPECT_TRUE(LateAnswer());
}

TEST_F(DoorTest, WhatLiesFrozenCanWaitForQuality) {
  run.Until("removed_from_storage");
  Doubt();
  Pass(kMicrosPerHour);
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 72 weighed_at $T }");
  EXPECT_FALSE(LateAnswer());
}

}  // namespace
}  // namespace custody
