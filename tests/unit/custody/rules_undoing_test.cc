// What was decided is not undone by another event that happens to name the same thing, and what was
// opened can be ended by those whom it concerns.
#include <gmock/gmock.h>

#include "custody/fold/fold.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using UndoingRulesTest = RulesTest;

TEST_F(UndoingRulesTest, ALotIsNotOpenedTwice) {
  run.Until("ld_started");
  MustDo({"lab.qp.1"},
         "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'x' "
         "product_recall: NO }");
  ASSERT_EQ(run.state().lots(0).state(), pb::LOT_WITHDRAWN);
  const EventBuilder again =
      run.Draft({"lab.mfg.1", "lab.qa.1"},
                "batch_opened { lot: 'LOT26001' donations: 'A999026000001' coi: 'CHA999026000001' "
                "batch_record_version: 'BR-4' suite: 'S1' line_clearance: YES started_at $T }");
  EXPECT_TRUE(run.Judge(again).refused());
  ASSERT_FALSE(run.Record(Late(again, "lab.wh")).refused());
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_WITHDRAWN);
  EXPECT_TRUE(std::ranges::any_of(run.state().deviations(), [](const pb::Deviation& deviation) {
    return deviation.critical() && deviation.found().find("opened again") != std::string::npos;
  }));
}

TEST_F(UndoingRulesTest, AnIdentityHoldEndsByTheQualityOfBothSides) {
  run.Until("ld_started");
  MustDo({"clinic.rn.1"}, "hold_set { kind: HOLD_IDENTITY reason: 'two names on one label' }");
  const std::string id = run.state().holds().rbegin()->id();
  EXPECT_TRUE(Says(run.Judge(run.Next()), "HOLD"));
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.phy.1"}, "hold_cleared { hold: '" + id +
                                                        "' kind: HOLD_IDENTITY reason: 'x' }"))
                  .refused());
  const std::string resolved = "identity_resolved { quarantine: '" + id +
                               "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED "
                               "evidence: 'retained label' }";
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.1", "lab.qa.2"}, resolved)).refused());
  MustDo({"clinic.qa.1", "lab.qa.1"}, resolved.c_str());
  EXPECT_FALSE(run.state().holds().rbegin()->open());
}

TEST_F(UndoingRulesTest, TwoHoldsNeverShareAnIdEvenIfSomebodySearchedForOne) {
  pb::TherapyState& state = run.mutable_state();
  state.add_holds()->set_id(fold::FreshId(state.holds(), "H-12345678"));
  state.add_holds()->set_id(fold::FreshId(state.holds(), "H-12345678"));
  state.add_holds()->set_id(fold::FreshId(state.holds(), "H-12345678"));
  EXPECT_EQ(state.holds(0).id(), "H-12345678");
  EXPECT_EQ(state.holds(1).id(), "H-12345678-2");
  EXPECT_EQ(state.holds(2).id(), "H-12345678-3");
}

}  // namespace
}  // namespace custody
