// With several lots that may be given, the order to infuse is of the one that somebody selected
// (row 28, R37).
#include "custody/lot_choice.h"

#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class LotChoiceTest : public RulesTest {
 protected:
  void SetUp() override {
    static_cast<void>(At("infusion_ordered"));
    pb::TherapyState& state = run.mutable_state();
    pb::Lot& other = *state.add_lots();
    other = state.lots(0);
    other.set_lot("LOT26002");
    pb::Container bag = *FindContainer(state, kMainBag);
    bag.set_id("LOT26002-1");
    bag.set_lot("LOT26002");
    *state.add_containers() = bag;
  }
  const pb::Lot* Lot(int i) { return &run.state().lots(i); }
  pb::Container& FindBag() {
    for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
      if (bag.id() == kMainBag) return bag;
    }
    return *run.mutable_state().add_containers();
  }
  std::string Found() {
    const std::vector<pb::Reason> reasons = Of(run.Judge(Now("infusion_ordered")), "R37");
    return reasons.empty() ? "" : reasons[0].found();
  }
  std::size_t Givable() { return GivableLots(run.state(), ledger.now().micros).size(); }
  void Select(const std::string& lot) {
    MustDo({"clinic.phy.1"},
           "lot_selected_for_infusion { lot: '" + lot + "' reason: 'the larger dose' }");
  }
};

TEST_F(LotChoiceTest, OfTwoLotsThatMayBeGivenNoneIsOrderedBeforeOneIsSelected) {
  ASSERT_EQ(Givable(), 2U);
  EXPECT_TRUE(run.Judge(Now("infusion_ordered")).refused());
  EXPECT_EQ(Found(), "none was selected");
  Select("LOT26002");
  EXPECT_EQ(Found(), "LOT26002 was selected");
  Select("LOT26001");
  EXPECT_EQ(Found(), "");
  EXPECT_FALSE(run.Judge(Now("infusion_ordered")).refused())
      << Explain(run.Judge(Now("infusion_ordered")));
  EXPECT_EQ(SelectedLot(run.state()), Lot(0));
}

TEST_F(LotChoiceTest, AnEarlierSelectionToldLaterTakesTheLaterOneNotBack) {
  Pass(kMicrosPerHour);
  Select("LOT26001");
  EventBuilder earlier = Late(run.Draft(
      {"clinic.phy.1"}, "lot_selected_for_infusion { lot: 'LOT26002' reason: 'first thought' }"));
  earlier.HappenedAt(ledger.now() + -kMicrosPerHour);
  ASSERT_FALSE(run.Record(earlier).refused());
  EXPECT_EQ(SelectedLot(run.state()), Lot(0));
  // Nor does one that lies between the two, told after both.
  EventBuilder between = Late(run.Draft(
      {"clinic.phy.1"}, "lot_selected_for_infusion { lot: 'LOT26002' reason: 'second thought' }"));
  between.HappenedAt(ledger.now() + -kMicrosPerHour / 2);
  ASSERT_FALSE(run.Record(between).refused());
  EXPECT_EQ(SelectedLot(run.state()), Lot(0));
}

TEST_F(LotChoiceTest, WhoSelectsTheLotSignsIt) {
  EventBuilder event =
      run.Draft({"clinic.phy.1"}, "lot_selected_for_infusion { lot: 'LOT26002' reason: 'x' }");
  event.PerformedBy("clinic.phy.1");
  event.event().clear_signers();
  event.Late("on paper").By("clinic.coord.1", pb::TRANSCRIBED);
  event.By("clinic.coord.2", pb::CHECKED);
  const pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R01")) << Explain(verdict);
}

TEST_F(LotChoiceTest, ALotThatIsUsedUpOrRejectedLeavesNoChoice) {
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_REJECTED);
  EXPECT_EQ(Found(), "");
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_RELEASED);
  run.mutable_state().mutable_containers()->rbegin()->set_state(pb::CONTAINER_DESTROYED);
  EXPECT_EQ(Found(), "");
}

TEST_F(LotChoiceTest, ALotThatIsHeldQuarantinedOrExpiredLeavesNoChoice) {
  pb::Container& bag = *run.mutable_state().mutable_containers()->rbegin();
  pb::Quarantine& quarantine = *run.mutable_state().add_quarantines();
  quarantine.add_containers(bag.id());
  quarantine.set_open(true);
  EXPECT_EQ(Found(), "");
  EXPECT_EQ(Givable(), 1U);
  quarantine.set_open(false);
  EXPECT_EQ(Found(), "none was selected");
  pb::Hold& hold = *run.mutable_state().add_holds();
  hold.set_open(true);
  EXPECT_EQ(Givable(), 2U) << "one of the whole therapy holds every lot";
  hold.set_lot("LOT26002");
  EXPECT_EQ(Givable(), 1U);
  hold.set_open(false);
  bag.set_expiry_us(ledger.now().micros - 1);
  EXPECT_EQ(Givable(), 1U);
  // Of two bags one may be given.
  pb::Container other = bag;
  other.set_id("LOT26002-2");
  other.clear_expiry_us();
  *run.mutable_state().add_containers() = other;
  EXPECT_EQ(Givable(), 2U);
}

TEST_F(LotChoiceTest, TheChoiceIsAmongTheNextStepsUntilItIsMade) {
  const auto offered = [&] {
    const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    return std::ranges::find(steps, "lot_selected_for_infusion", &pb::NextStep::body) !=
           steps.end();
  };
  EXPECT_TRUE(offered());
  Select("LOT26001");
  EXPECT_FALSE(offered());
}

TEST_F(LotChoiceTest, ALotThatIsHeldIsNotOrderedUnselectedInPlaceOfOneThatMayBeGiven) {
  pb::Quarantine& quarantine = *run.mutable_state().add_quarantines();
  quarantine.add_containers(std::string(kMainBag));
  quarantine.set_open(true);
  EXPECT_EQ(Givable(), 1U);
  EXPECT_EQ(Found(), "none was selected");
}

class OlderOrderTest : public LotChoiceTest {
 protected:
  // The first lot is selected and ordered; an hour later the other one is selected.
  void SetUp() override {
    LotChoiceTest::SetUp();
    Select("LOT26001");
    const pb::Verdict ordered = run.Record(Now("infusion_ordered"));
    ASSERT_FALSE(ordered.refused()) << Explain(ordered);
    Pass(kMicrosPerHour);
  }
  std::vector<pb::Reason> Against(const char* body) { return Of(run.Judge(Now(body)), "R37"); }
};

TEST_F(OlderOrderTest, WhatIsOrderedBeforeAnotherLotIsSelectedIsNotThawed) {
  EXPECT_TRUE(Against("prethaw_id_verified").empty());
  Select("LOT26002");
  for (const char* body : {"prethaw_id_verified", "thaw_started"}) {
    const std::vector<pb::Reason> reasons = Against(body);
    ASSERT_EQ(reasons.size(), 1U) << body;
    EXPECT_EQ(reasons[0].kind(), pb::REASON_GATE);
    EXPECT_THAT(reasons[0].expected(), HasSubstr("LOT26002"));
    EXPECT_THAT(reasons[0].next_step(), HasSubstr("leave it frozen"));
  }
  EXPECT_TRUE(run.Judge(Now("prethaw_id_verified")).refused());
  // Nor when the choice cannot be had any more: only the physician says what instead.
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_REJECTED);
  EXPECT_EQ(Against("thaw_started").size(), 1U);
}

TEST_F(OlderOrderTest, NorIsItGivenWhenItIsThawedAlready) {
  Select("LOT26002");
  FindBag().set_thaw_started_us(ledger.now().micros);
  for (const char* body : {"bedside_id_verified", "infusion_started"}) {
    const std::vector<pb::Reason> reasons = Against(body);
    ASSERT_EQ(reasons.size(), 1U) << body;
    EXPECT_THAT(reasons[0].next_step(), HasSubstr("do not give it"));
  }
}

TEST_F(OlderOrderTest, ItIsFollowedAgainWhenItsLotIsSelectedAgain) {
  Select("LOT26002");
  Pass(kMicrosPerMinute);
  Select("LOT26001");
  EXPECT_TRUE(Against("prethaw_id_verified").empty());
}

TEST_F(OlderOrderTest, AnOrderGivenSinceIsFollowed) {
  Select("LOT26002");
  Pass(kMicrosPerMinute);
  // What was selected is gone meanwhile, and the physician knows it.
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_REJECTED);
  EventBuilder anew = Now("infusion_ordered");
  anew.event().mutable_infusion_ordered()->set_order("INF-2");
  anew.event().mutable_infusion_ordered()->set_replaces("INF-1");
  const pb::Verdict ordered = run.Record(anew);
  ASSERT_FALSE(ordered.refused()) << Explain(ordered);
  EXPECT_TRUE(Against("thaw_started").empty());
}

TEST_F(OlderOrderTest, AThawOfBeforeTheChoiceWasNoStepAgainstIt) {
  const Instant before = ledger.now();
  Pass(kMicrosPerHour);
  Select("LOT26002");
  EventBuilder thaw = Late(Now("thaw_started"));
  thaw.HappenedAt(before);
  EXPECT_TRUE(Of(run.Judge(thaw), "R37").empty()) << Explain(run.Judge(thaw));
}

TEST_F(OlderOrderTest, TheNextStepIsToOrderAnew) {
  const auto offered = [&] {
    const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    return std::ranges::find(steps, "infusion_ordered", &pb::NextStep::body) != steps.end();
  };
  EXPECT_FALSE(offered());
  Select("LOT26002");
  EXPECT_TRUE(offered());
}

}  // namespace
}  // namespace custody
