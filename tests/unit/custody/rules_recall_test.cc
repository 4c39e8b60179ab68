// Whose word a recall is (R16): its maker's own ends for ever, anybody else's holds; and how people
// find what is held, and the way out.
#include <gmock/gmock.h>

#include "custody/alerts.h"
#include "custody/therapy.h"
#include "custody/trace.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecallTest : public RulesTest {
 protected:
  static std::string Words(const std::string& by, const std::string& more = "") {
    return "product_recalled { recall: 'RC-7' " + by + " " + more +
           " reason: 'sterility' infused_already: NO }";
  }
  EventBuilder Recall(const std::string& who, const std::string& more = "") {
    return run.Draft({who}, Words("identifier_type: 'lot' identifier: 'LOT26001'", more));
  }
  const pb::Container& Bag() { return *FindContainer(run.state(), kMainBag); }
  // The holds on the bag, and the quality that clears them.
  std::vector<std::string> Holds() {
    std::vector<std::string> houses;
    for (const pb::Hold* hold : OpenHolds(run.state(), "INFUSE", &Bag())) {
      houses.push_back(hold->kind() + " " + hold->organisation());
    }
    return houses;
  }
};

TEST_F(RecallTest, WhatOthersWroteDownHoldsTheLotUntilItsMakerSaysSoItself) {
  run.Through("stored_clinic");
  EventBuilder told = Late(Recall("lab.qa.1"), "lab.wh");
  const pb::Verdict verdict = run.Record(told);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R16")[0].critical());
  EXPECT_THAT(Of(verdict, "R16")[0].next_step(), HasSubstr("HOLD_CLEARED"));
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RELEASED) << "nothing ended";
  EXPECT_THAT(Holds(), ElementsAre("QUALITY MAKER"));
  EXPECT_TRUE(Says(run.Judge(Now("removed_from_storage")), "R34"));
  const std::string hold = run.state().holds().rbegin()->id();
  MustDo({"lab.qa.2"},
         "hold_cleared { hold: '" + hold + "' kind: HOLD_QUALITY reason: 'of another lot' }");
  EXPECT_THAT(Holds(), IsEmpty());
  MustDo({"lab.qa.2"}, Words("identifier_type: 'lot' identifier: 'LOT26001'"));
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RECALLED);
}

TEST_F(RecallTest, TwoClerksWhoNameNobodyRecallNothing) {
  run.Through("stored_clinic");
  EventBuilder told = ledger.On("therapy/T1");
  told.event().MergeFrom(Recall("lab.qa.1").event());
  told.event().clear_signers();
  told.Late("found on paper").By("lab.wh.1", pb::TRANSCRIBED).By("lab.wh.2", pb::CHECKED);
  EXPECT_TRUE(run.Judge(told).refused());
}

TEST_F(RecallTest, QualityThatSignsItLaterItselfRecallsForEver) {
  run.Through("stored_clinic");
  EventBuilder own = Recall("lab.qa.1").Late("signed the day after").By("lab.wh.1", pb::CHECKED);
  const pb::Verdict verdict = run.Record(own);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Says(verdict, "R16")) << Explain(verdict);
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RECALLED);
}

TEST_F(RecallTest, TheHospitalsQualityIsHeardAndHoldsIt) {
  run.Through("stored_clinic");
  const pb::Verdict verdict =
      Do({"clinic.qa.1"}, Words("identifier_type: 'container' identifier: 'LOT26001-1'"));
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R16")[0].found(), HasSubstr("clinic.qa.1"));
  EXPECT_FALSE(Bag().recalled());
  EXPECT_THAT(Holds(), ElementsAre("QUALITY MAKER"));
  EXPECT_THAT(run.state().holds().rbegin()->containers(), ElementsAre("LOT26001-1"));
}

TEST_F(RecallTest, WhatNobodyCanTellApartIsAllHeld) {
  run.Through("stored_clinic");
  EventBuilder told =
      Late(run.Draft({"lab.qa.1"}, Words("identifier_type: 'reagent' identifier: 'R1'")), "lab.wh");
  const pb::Verdict verdict = run.Record(told);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_THAT(Holds(), ElementsAre("QUALITY MAKER"));
  EXPECT_THAT(run.state().holds().rbegin()->containers(), IsEmpty());
}

TEST_F(RecallTest, ANumberThatTheTherapyDoesNotHaveHoldsNothing) {
  run.Through("stored_clinic");
  EventBuilder told = Late(
      run.Draft({"lab.qa.1"}, Words("identifier_type: 'vector' identifier: 'VEC-99'")), "lab.wh");
  ASSERT_FALSE(run.Record(told).refused()) << Explain(run.Judge(told));
  EXPECT_THAT(Holds(), IsEmpty());
}

TEST_F(RecallTest, TheAlertSaysWhetherItIsRecalledOrOnlySaidToBe) {
  run.Through("stored_clinic");
  const auto text = [&] {
    for (const Alert& alert : Alerts(run.state(), run.registry(), ledger.now())) {
      if (alert.rule == "F18") return alert.text;
    }
    return std::string();
  };
  ASSERT_FALSE(run.Record(Late(Recall("lab.qa.1"), "lab.wh")).refused());
  EXPECT_THAT(text(), testing::StartsWith("said to be recalled: RC-7"));
  run.mutable_state().clear_alert_sources();
  ASSERT_FALSE(run.Record(Recall("lab.qa.1")).refused());
  EXPECT_THAT(text(), testing::StartsWith("recalled: RC-7; nothing of it is used"));
}

TEST_F(RecallTest, WhoTracesItReadsWhatHoldsItAndTheNextStepsSayTheWayOut) {
  run.Through("stored_clinic");
  ASSERT_FALSE(run.Record(Late(Recall("lab.qa.1"), "lab.wh")).refused());
  const std::string hold = run.state().holds().rbegin()->id();
  const auto traced = [&] {
    const pb::TracedTherapy found =
        TraceTherapy(run.state(), {}, {"therapy", "T1", false}, nullptr);
    for (const pb::TracedContainer& one : found.containers()) {
      if (one.container() == kMainBag) return one;
    }
    return pb::TracedContainer();
  };
  EXPECT_TRUE(traced().held());
  EXPECT_THAT(traced().held_by(), ElementsAre(hold));
  const auto offered = [&](std::string_view body, std::string_view subject) {
    for (pb::NextStep& step : NextStepsOf(run.state(), run.registry(), ledger.now())) {
      if (step.body() == body && step.subject() == subject) return step;
    }
    return pb::NextStep();
  };
  EXPECT_THAT(offered("hold_cleared", hold).help(), HasSubstr("PRODUCT_RECALLED"));
  EXPECT_EQ(offered("disposition", kMainBag).body(), "") << "it may still be given";
  ASSERT_FALSE(run.Record(Recall("lab.qa.1")).refused());
  EXPECT_TRUE(traced().recalled());
  EXPECT_EQ(offered("disposition", kMainBag).body(), "disposition") << "nobody uses it any more";
}

}  // namespace
}  // namespace custody
