// With several lots that may be given, the order to infuse is of the one that somebody selected
// (row 28, R37).
#include "custody/lot_choice.h"

#include <gtest/gtest.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

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
  const pb::Lot& Lot(int i) { return run.state().lots(i); }
  std::string Found() {
    const std::vector<pb::Reason> reasons = Of(run.Judge(Now("infusion_ordered")), "R37");
    return reasons.empty() ? "" : reasons[0].found();
  }
  void Select(const std::string& lot) {
    MustDo({"clinic.phy.1"},
           "lot_selected_for_infusion { lot: '" + lot + "' reason: 'the larger dose' }");
  }
};

TEST_F(LotChoiceTest, OfTwoLotsThatMayBeGivenNoneIsOrderedBeforeOneIsSelected) {
  ASSERT_EQ(GivableLots(run.state()).size(), 2U);
  EXPECT_TRUE(run.Judge(Now("infusion_ordered")).refused());
  EXPECT_EQ(Found(), "none was selected");
  Select("LOT26002");
  EXPECT_EQ(Found(), "LOT26002 was selected");
  Select("LOT26001");
  EXPECT_EQ(Found(), "");
  EXPECT_FALSE(run.Judge(Now("infusion_ordered")).refused())
      << Explain(run.Judge(Now("infusion_ordered")));
  EXPECT_FALSE(IsSelectedLot(&Lot(1)));
}

TEST_F(LotChoiceTest, AnEarlierSelectionToldLaterTakesTheLaterOneNotBack) {
  Pass(kMicrosPerHour);
  Select("LOT26001");
  EventBuilder earlier = Late(run.Draft(
      {"clinic.phy.1"}, "lot_selected_for_infusion { lot: 'LOT26002' reason: 'first thought' }"));
  earlier.HappenedAt(ledger.now() + -kMicrosPerHour);
  ASSERT_FALSE(run.Record(earlier).refused());
  EXPECT_TRUE(IsSelectedLot(&Lot(0)));
  EXPECT_FALSE(IsSelectedLot(&Lot(1)));
}

TEST_F(LotChoiceTest, ALotThatIsUsedUpOrRejectedLeavesNoChoice) {
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_REJECTED);
  EXPECT_EQ(Found(), "");
  run.mutable_state().mutable_lots(1)->set_state(pb::LOT_RELEASED);
  run.mutable_state().mutable_containers()->rbegin()->set_state(pb::CONTAINER_DESTROYED);
  EXPECT_EQ(Found(), "");
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

}  // namespace
}  // namespace custody
