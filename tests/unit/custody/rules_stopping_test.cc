// What means stop, stops: an order that ended, a deferral, a therapy that was cancelled, a patient
// who is not eligible. And each says how it goes on.
#include <gmock/gmock.h>

#include "custody/next_steps.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class StoppingTest : public RulesTest {
 protected:
  // The two checks of the verification before the thaw, made now.
  EventBuilder Verified(const std::string& order = "INF-1") {
    EventBuilder event = Now("prethaw_id_verified");
    pb::PrethawIdVerified& body = *event.event().mutable_prethaw_id_verified();
    body.mutable_order()->set_value(order);
    for (pb::PersonCheck& check : *body.mutable_checks()) {
      check.mutable_order()->set_value(order);
      *check.mutable_at() = ToProto(ledger.now());
    }
    return event;
  }
  void Must(EventBuilder event) {
    const pb::Verdict verdict = run.Record(event);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  }
  std::vector<pb::Reason> Thaw() { return Of(run.Judge(Now("thaw_started")), "R35"); }
  bool Offered(std::string_view body) {
    for (const pb::NextStep& step : NextStepsOf(run.state(), run.registry(), ledger.now())) {
      if (step.body() == body) return true;
    }
    return false;
  }
};

TEST_F(StoppingTest, ACancelledInfusionOrderStopsTheThawOfWhatWasVerifiedByIt) {
  At("thaw_started");
  ASSERT_TRUE(Thaw().empty());
  MustDo({"clinic.phy.1"}, "infusion_order_cancelled { order: 'INF-1' reason: 'fever' }");
  const std::vector<pb::Reason> reasons = Thaw();
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].found(), HasSubstr("cancelled"));
  EXPECT_THAT(reasons[0].next_step(), HasSubstr("INFUSION_ORDERED"));
  EXPECT_TRUE(reasons[0].grantors().empty());
}

TEST_F(StoppingTest, AnotherOrderAsksForTheCheckByThatOrder) {
  At("thaw_started");
  EventBuilder order = Now("infusion_ordered");
  order.event().mutable_infusion_ordered()->set_order("INF-2");
  order.event().mutable_infusion_ordered()->set_replaces("INF-1");
  Must(order);
  const std::vector<pb::Reason> reasons = Thaw();
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].expected(), HasSubstr("INF-1"));
  EXPECT_THAT(reasons[0].found(), HasSubstr("INF-2"));
  EXPECT_TRUE(Offered("prethaw_id_verified"));
  Must(Verified("INF-2"));
  EXPECT_TRUE(Thaw().empty());
}

TEST_F(StoppingTest, ADeferralToAnotherDayAsksForEveryCheckAgain) {
  At("thaw_started");
  MustDo({"clinic.phy.1"},
         "infusion_deferred { containers: 'LOT26001-1' reason: 'fever' outcome: "
         "DEFERRED_TO_NEW_DATE thawed: NO }");
  EXPECT_EQ(Thaw().size(), 2U);  // the check, and the physician's go
  Must(Now("preinfusion_check_passed"));
  const std::vector<pb::Reason> reasons = Thaw();
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].found(), HasSubstr("PRETHAW_ID_VERIFIED"));
  EXPECT_TRUE(Offered("prethaw_id_verified"));
  Must(Verified());
  EXPECT_TRUE(Thaw().empty());
}

TEST_F(StoppingTest, AHoldAtTheBedKeepsEverythingElseFrozen) {
  At("thaw_started");
  MustDo({"clinic.rn.1"},
         "infusion_deferred { containers: 'ANOTHER-BAG' reason: 'rigor' outcome: DEFERRED_TO_HOLD "
         "thawed: YES }");
  EXPECT_FALSE(run.state().condition().preinfusion_go());
  const std::vector<pb::Reason> reasons = Thaw();
  ASSERT_EQ(reasons.size(), 1U);  // its own check stands
  EXPECT_THAT(reasons[0].expected(), HasSubstr("physician's go"));
  Must(Now("preinfusion_check_passed"));
  EXPECT_TRUE(Thaw().empty());
}

TEST_F(StoppingTest, ACancelledTherapyStartsNoLymphodepletion) {
  run.Until("ld_started");
  const std::string cancel = "therapy_cancelled { order_number: 'ORD-1' reason: 'progress' }";
  MustDo({"clinic.phy.1"}, cancel);
  const pb::Verdict verdict = run.Judge(Now("ld_started"));
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R18").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R18")[0].next_step(), HasSubstr("THERAPY_ORDERED"));
  EXPECT_TRUE(Of(verdict, "R18")[0].grantors().empty());
  EventBuilder anew = Now("therapy_ordered");
  anew.event().mutable_therapy_ordered()->set_order_number("ORD-2");
  Must(anew);
  EXPECT_FALSE(run.Judge(Now("ld_started")).refused()) << Explain(run.Judge(Now("ld_started")));
}

TEST_F(StoppingTest, ACancelledTherapyEndsItsInfusionOrdersAndTheGo) {
  At("thaw_started");
  MustDo({"clinic.phy.1"}, "therapy_cancelled { order_number: 'ORD-1' reason: 'progress' }");
  EXPECT_EQ(Thaw().size(), 2U);
  EXPECT_TRUE(Says(run.Judge(Verified()), "R37"));
  EventBuilder order = Now("infusion_ordered");
  order.event().mutable_infusion_ordered()->set_order("INF-2");
  EXPECT_TRUE(Says(run.Judge(order), "R37"));
  EventBuilder anew = Now("therapy_ordered");
  anew.event().mutable_therapy_ordered()->set_order_number("ORD-2");
  Must(anew);
  Must(order);
}

TEST_F(StoppingTest, WhatWasSaidOfAnEarlierOrderEndsNoLaterOne) {
  run.Until("ld_started");
  EventBuilder again = Now("therapy_ordered");
  again.event().mutable_therapy_ordered()->set_order_number("ORD-2");
  Must(again);
  run.Record(run.Draft({"clinic.phy.1"},
                       "therapy_cancelled { order_number: 'ORD-1' reason: 'replaced' }"));
  EXPECT_TRUE(run.state().ordered());
}

TEST_F(StoppingTest, AnIneligiblePatientIsNotCollected) {
  run.Until("apheresis_started");
  const EventBuilder needle = At("apheresis_started");
  ASSERT_FALSE(run.Judge(needle).refused()) << Explain(run.Judge(needle));
  MustDo({"clinic.phy.1"}, "ineligible { reason: INELIGIBLE_CONDITION }");
  const pb::Verdict verdict = run.Judge(needle);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R08")) << Explain(verdict);
  Must(Now("eligibility_assessed"));
  EXPECT_FALSE(run.state().condition().ineligible());
  EXPECT_FALSE(Says(run.Judge(needle), "R08"));
}

TEST_F(StoppingTest, AnIneligiblePatientIsNeitherDepletedNorIsAnythingThawed) {
  run.Until("ld_started");
  const pb::TherapyState before = run.state();
  MustDo({"clinic.phy.1"}, "ineligible { reason: INELIGIBLE_CONDITION }");
  EXPECT_TRUE(Says(run.Judge(Now("ld_started")), "R18"));
  run.mutable_state() = before;
  At("thaw_started");
  ASSERT_TRUE(Thaw().empty());
  MustDo({"clinic.phy.1"}, "ineligible { reason: INELIGIBLE_CONDITION }");
  EXPECT_EQ(Thaw().size(), 2U);  // not eligible, and no go
}

}  // namespace
}  // namespace custody
