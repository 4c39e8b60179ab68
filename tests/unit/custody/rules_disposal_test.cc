// F7 and F17: damage holds a container and decides nothing; what becomes of it two people of the
// site that holds it say.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class DisposalTest : public RulesTest {
 protected:
  const pb::Container& Bag() const { return *FindContainer(run.state(), kMainBag); }
  bool Held() const { return !OpenQuarantines(run.state(), Bag()).empty(); }
  std::string Damaged(const std::string& rest) const {
    return "container_damaged { container: 'LOT26001-1' found_at $T found_during: "
           "'thaw_completed' damage: 'seam open' " +
           rest + " }";
  }
  EventBuilder Destroy(const std::vector<std::string>& who,
                       const std::string& rest =
                           "method: 'incineration' place: 'waste room' "
                           "scans $SCAN:LOT26001-1") {
    return run.Draft(who,
                     "disposition { containers: 'LOT26001-1' kind: DISPOSITION_DESTROYED reason: "
                     "'not needed' done_at $T volume_ml: 68 " +
                         rest + " }");
  }
  const std::vector<std::string> clinic{"clinic.pharm.1", "clinic.cell_lab.1"};
  const std::vector<std::string> lab{"lab.wh.1", "lab.qa.1"};
};

TEST_F(DisposalTest, ACouriersWordDestroysNoThawedBag) {
  run.Through("thaw_completed");
  const pb::Verdict verdict =
      Do({"depot.cour.1"}, Damaged("contents_lost: YES outcome: DAMAGE_DESTROYED"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "F7").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_THAWED);
  EXPECT_EQ(Bag().damage(), static_cast<std::uint32_t>(pb::DAMAGE_DESTROYED));
  EXPECT_TRUE(Held());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R34"));  // the check at the bed
  EventBuilder destroyed = Destroy(clinic);
  EXPECT_FALSE(run.Record(destroyed).refused()) << Explain(run.Judge(destroyed));
  EXPECT_EQ(Bag().state(), pb::CONTAINER_DESTROYED);
}

TEST_F(DisposalTest, SalvageIsThePhysiciansAndWantsACulture) {
  run.Through("thaw_completed");
  MustDo({"clinic.cell_lab.1"}, Damaged("contents_lost: NO outcome: DAMAGE_SALVAGED "
                                        "culture_sample: 'CUL-1'"));
  EXPECT_TRUE(Held());
  const pb::Verdict without =
      Do({"clinic.phy.1"}, Damaged("contents_lost: NO outcome: DAMAGE_SALVAGED"));
  EXPECT_THAT(Of(without, "F7")[0].expected(), HasSubstr("culture"));
  EXPECT_TRUE(Held());
  const pb::Verdict with = Do({"clinic.phy.1"}, Damaged("contents_lost: NO outcome: "
                                                        "DAMAGE_SALVAGED culture_sample: "
                                                        "'CUL-1'"));
  EXPECT_FALSE(Says(with, "F7")) << Explain(with);
  EXPECT_FALSE(Held());
}

TEST_F(DisposalTest, AScratchHoldsNothing) {
  run.Through("thaw_completed");
  MustDo({"clinic.cell_lab.1"}, Damaged("contents_lost: NO outcome: DAMAGE_COSMETIC"));
  EXPECT_FALSE(Held());
  MustDo({"clinic.cell_lab.1"}, Damaged("contents_lost: YES outcome: DAMAGE_COSMETIC"));
  EXPECT_TRUE(Held());
}

TEST_F(DisposalTest, AFailedCollectionIsRejectedAndNotGone) {
  run.Through("apheresis_completed");
  MustDo({"clinic.aph.1"},
         "collection_failed { din: 'A999026000001' failure: "
         "COLLECTION_FAILED_LOW_YIELD detail: 'few' material_kept: NO }");
  const pb::Container* bag = FindContainer(run.state(), kMainDin);
  ASSERT_NE(bag, nullptr);
  EXPECT_EQ(bag->state(), pb::CONTAINER_REJECTED);
}

TEST_F(DisposalTest, OnlyWhoHoldsABagDestroysIt) {
  run.Until("ld_started");  // it is at the clinic
  const pb::Verdict verdict = run.Judge(Destroy(lab));
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F17").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "F17")[0].found(), "at CLINIC");
  EXPECT_FALSE(run.Judge(Destroy(clinic)).refused()) << Explain(run.Judge(Destroy(clinic)));
}

TEST_F(DisposalTest, NobodyDestroysWhatIsUnderWay) {
  run.Until("received_clinic");
  const pb::Verdict verdict = run.Judge(Destroy(lab));
  EXPECT_TRUE(verdict.refused());
  EXPECT_THAT(Of(verdict, "F17")[0].found(), HasSubstr("CARRIER"));
}

TEST_F(DisposalTest, WhatIsDestroyedIsScannedThere) {
  run.Until("ld_started");
  const auto found = [&](const std::string& rest) {
    const pb::Verdict verdict = run.Judge(Destroy(clinic, rest));
    EXPECT_TRUE(verdict.refused()) << rest;
    const auto reasons = Of(verdict, "F17");
    return reasons.empty() ? std::string() : reasons[0].found();
  };
  EXPECT_EQ(found("method: 'incineration' place: 'waste room'"), "not scanned");
  EXPECT_EQ(found("method: 'incineration' scans $SCAN:LOT26001-1"), "not stated");
  EXPECT_EQ(found("place: 'waste room' scans $SCAN:LOT26001-1"), "not stated");
  EXPECT_THAT(found("method: 'incineration' place: 'waste room' scans $SCAN:LOT26001-1 scans "
                    "$SCAN:LOT26009-1"),
              HasSubstr("LOT26009-1 was scanned"));
}

TEST_F(DisposalTest, ProductIsNotUsedUpAndAWholeBagIsNoResidue) {
  run.Until("ld_started");
  const auto as = [&](const char* kind) {
    return run.Judge(
        run.Draft(clinic, std::string("disposition { containers: 'LOT26001-1' kind: ") + kind +
                              " reason: 'x' method: 'm' place: 'p' scans "
                              "$SCAN:LOT26001-1 done_at $T }"));
  };
  EXPECT_TRUE(as("DISPOSITION_CONSUMED").refused());
  EXPECT_TRUE(as("DISPOSITION_SAMPLE_USED").refused());
  EXPECT_TRUE(as("DISPOSITION_RESIDUE_DESTROYED").refused());
  EXPECT_FALSE(as("DISPOSITION_RETAINED").refused());
  EXPECT_FALSE(as("DISPOSITION_RETURNED").refused());
}

TEST_F(DisposalTest, ABagWhoseIdentityIsInDoubtIsKept) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"},
         "identity_in_doubt { items: 'LOT26001-1' kind: "
         "DOUBT_LABELS_DISAGREE finding: 'two labels' thawed: NO }");
  const pb::Verdict verdict = run.Judge(Destroy(clinic));
  EXPECT_TRUE(verdict.refused());
  EXPECT_THAT(Of(verdict, "F17")[0].next_step(), HasSubstr("another patient"));
}

TEST_F(DisposalTest, OnlyWhoHadABagLosesIt) {
  run.Until("ld_started");
  const std::string lost =
      "shipment_lost { shipper: 'SHP-2' containers: 'LOT26001-1' last_seen_at $T-2h detail: "
      "'gone' }";
  const pb::Verdict verdict = Do({"depot.cour.1"}, lost);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F11").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_STORED);
  EXPECT_TRUE(Blockers(Do({"clinic.pharm.1"}, lost)).empty());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_LOST);
}

TEST_F(DisposalTest, WhatWasDestroyedElsewhereAndIsToldLateIsACriticalDeviation) {
  run.Until("ld_started");
  EventBuilder late = Late(Destroy(lab), "lab.qa");
  const pb::Verdict verdict = run.Record(late);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_FALSE(run.state().deviations().empty());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_DESTROYED);
}

}  // namespace
}  // namespace custody
