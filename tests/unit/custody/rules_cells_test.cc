// Which collected cells may become product: those of a sound collection, or used at risk by
// decision (F3); received, accepted and named (R46); kept back and ordered again (F4); and frozen
// where they arrived (R09, R10).
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

constexpr const char* kDin = "A999026000001";

class CellsTest : public RulesTest {
 protected:
  const pb::Container& Bag(std::string_view id = kDin) {
    const pb::Container* found = FindContainer(run.state(), id);
    EXPECT_NE(found, nullptr) << id;
    return found == nullptr ? pb::Container::default_instance() : *found;
  }
  pb::Container& Change(std::string_view id = kDin) {
    for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
      if (bag.id() == id) return bag;
    }
    ADD_FAILURE() << id;
    return *run.mutable_state().add_containers();
  }
  // Another bag of the collection, as the first is now.
  pb::Container& AddBag(const std::string& id, const std::string& din = kDin) {
    const pb::Container first = Bag();
    pb::Container& bag = *run.mutable_state().add_containers();
    bag = first;
    bag.set_id(id);
    bag.set_din(din);
    if (FindDonation(run.state(), din) == nullptr) {
      const pb::Donation donation = run.state().donations(0);
      *run.mutable_state().add_donations() = donation;
      run.mutable_state().mutable_donations()->rbegin()->set_din(din);
    }
    return bag;
  }
  void Fail(const char* kept = "YES") {
    MustDo({"clinic.aph.1"}, std::string("collection_failed { din: 'A999026000001' failure: "
                                         "COLLECTION_FAILED_CONTAMINATED detail: 'gram positive' "
                                         "material_kept: ") +
                                 kept + " }");
  }
  void FailTheCheck() {
    MustDo({"lab.qc.1"},
           "incoming_qc_failed { containers: 'A999026000001' identity_match: YES "
           "viability_percent: 41 failure: 'viability' }");
  }
  pb::Verdict Decide(const char* verdict, const char* who = "lab.qa.1") {
    return Do({who}, std::string("quarantine_decided { containers: 'A999026000001' verdict: ") +
                         verdict +
                         " cause: QUARANTINED_FOR_FAILED_CELLS reason: 'no second "
                         "collection possible' }");
  }
  // The main path's BATCH_OPENED as it would be signed now.
  EventBuilder Batch(const std::string& more = "") {
    return run.Draft({"lab.mfg.1", "lab.qa.1"},
                     "batch_opened { lot: 'LOT26001' donations: 'A999026000001' coi: "
                     "'CHA999026000001' batch_record_version: 'BR-4' suite: 'S1' line_clearance: "
                     "YES started_at $T " +
                         more + " }");
  }
  EventBuilder Remake(const std::string& container) {
    return run.Draft({"lab.qa.1", "clinic.phy.1"},
                     "remanufacture_ordered { old_lot: 'LOT26001' containers: '" + container +
                         "' reason: 'kept cells suffice' }");
  }
};

TEST_F(CellsTest, CellsOfAFailedCollectionDoNotTravel) {
  run.Until("packed");
  Fail();
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F9")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F9")[0].found(), HasSubstr("failed collection"));
}

TEST_F(CellsTest, CellsThatProveBadInTheShipperAreNotHandedOver) {
  run.Through("packed");
  EventBuilder handed = run.Next();
  EXPECT_FALSE(run.Judge(handed).refused());
  Fail();
  EXPECT_TRUE(Says(run.Judge(handed), "F9")) << Explain(run.Judge(handed));
  EXPECT_TRUE(run.Judge(handed).refused());
}

TEST_F(CellsTest, AFailureThatIsToldAfterTheBatchHoldsTheRelease) {
  run.Until("released");
  EventBuilder release = run.Next();
  ASSERT_FALSE(run.Judge(release).refused());
  Fail("NO");  // destroyed, they say; but they are in the lot
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R16")) << Explain(verdict);
}

TEST_F(CellsTest, NoBatchIsOpenedOfCellsThatFailedTheIncomingCheck) {
  run.Until("incoming_qc_passed");
  FailTheCheck();
  run.Skip("batch_opened");
  EventBuilder batch = run.Next();
  const pb::Verdict verdict = run.Judge(batch);
  EXPECT_TRUE(verdict.refused()) << "a batch is permission to use the cells up";
  ASSERT_TRUE(Says(verdict, "F9")) << Explain(verdict);
  EXPECT_TRUE(Says(verdict, "R46")) << Explain(verdict);
}

TEST_F(CellsTest, QualityOfTheManufacturerUsesFailedCellsAtRisk) {
  run.Until("incoming_qc_passed");
  FailTheCheck();
  EXPECT_TRUE(Decide("QUARANTINE_USE", "clinic.qa.1").refused());
  const pb::Verdict decided = Decide("QUARANTINE_USE");
  ASSERT_FALSE(decided.refused()) << Explain(decided);
  run.Skip("batch_opened");
  EventBuilder batch = run.Next();
  EXPECT_FALSE(run.Judge(batch).refused()) << Explain(run.Judge(batch));
}

TEST_F(CellsTest, ADecisionForAnotherCauseDoesNotUseFailedCells) {
  run.Until("incoming_qc_passed");
  FailTheCheck();
  EXPECT_TRUE(Do({"lab.qa.1"},
                 "quarantine_decided { containers: 'A999026000001' verdict: QUARANTINE_USE cause: "
                 "QUARANTINED_FOR_TEMPERATURE reason: 'x' }")
                  .refused());
}

TEST_F(CellsTest, QualityControlAloneAcceptsNothingAtRisk) {
  run.Until("incoming_qc_passed");
  EventBuilder passed = run.Next();
  passed.event().mutable_incoming_qc_passed()->set_accepted_at_risk(pb::YES);
  ASSERT_FALSE(run.Record(passed).refused());
  const EventBuilder batch = run.Next();
  EXPECT_TRUE(Says(run.Judge(batch), "F9"));
  ASSERT_FALSE(Decide("QUARANTINE_USE").refused());
  EXPECT_FALSE(run.Judge(batch).refused()) << Explain(run.Judge(batch));
}

TEST_F(CellsTest, RejectedCellsStayRejected) {
  run.Until("incoming_qc_passed");
  FailTheCheck();
  ASSERT_FALSE(Decide("QUARANTINE_REJECT").refused());
  run.Skip("batch_opened");
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F17")) << Explain(verdict);
}

TEST_F(CellsTest, ANewNeedleAfterAFailureIsOrderedAndSoCounted) {
  run.Until("apheresis_started");
  EventBuilder needle = run.Next();
  EXPECT_FALSE(run.Judge(needle).refused()) << Explain(run.Judge(needle));
  run.mutable_state().set_collection_failed_us(ledger.now().micros - kMicrosPerHour);
  const pb::Verdict verdict = run.Judge(needle);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F3")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F3")[0].next_step(), HasSubstr("RECOLLECTION_ORDERED"));
  MustDo({"clinic.phy.1"}, "recollection_ordered { attempt: 2 reason: 'contaminated' }");
  EXPECT_FALSE(Says(run.Judge(needle), "F3")) << Explain(run.Judge(needle));
}

TEST_F(CellsTest, ASecondCollectionDayIsNoSecondAttempt) {
  run.Through("apheresis_completed");
  EXPECT_EQ(run.state().collection_failed_us(), 0);
  EXPECT_EQ(run.state().recollections(), 0U);
}

TEST_F(CellsTest, CellsThatNeverLeftTheClinicAreNotUsedElsewhere) {
  run.Until("packed");
  const pb::Verdict verdict = run.Judge(Batch());
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R46").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R46")[0].found(), HasSubstr("CLINIC"));
  EXPECT_THAT(Of(verdict, "R46")[0].next_step(), HasSubstr("RECEIVED_MFG"));
}

TEST_F(CellsTest, CellsThatNobodyCheckedInAreNotUsed) {
  run.Through("received_mfg");
  const pb::Verdict verdict = run.Judge(Batch());
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R46").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R46")[0].next_step(), HasSubstr("INCOMING_QC_PASSED"));
}

TEST_F(CellsTest, ACheckOfABagThatIsStillUnderWayAcceptsNothing) {
  run.Through("handed_to_carrier");
  MustDo({"lab.qc.1"},
         "incoming_qc_passed { containers: 'A999026000001' identity_match: YES appearance: 'clear' "
         "sterility_sample: YES }");
  EXPECT_FALSE(Bag().accepted());
}

TEST_F(CellsTest, ABagThatIsKeptBackDoesNotGoIntoTheLot) {
  run.Until("batch_opened");
  AddBag("BAG-2").set_state(pb::CONTAINER_RETAINED);
  AddBag("BAG-3").set_site("CLINIC");
  ASSERT_FALSE(run.Record(Batch()).refused());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_IN_USE);
  EXPECT_EQ(Bag("BAG-2").state(), pb::CONTAINER_RETAINED);
  EXPECT_TRUE(Bag("BAG-2").used_in().empty());
  EXPECT_TRUE(Bag("BAG-3").used_in().empty());
}

TEST_F(CellsTest, ABatchOfNamedBagsTakesThoseAlone) {
  run.Until("batch_opened");
  AddBag("BAG-2");
  ASSERT_FALSE(run.Record(Batch("containers: 'BAG-2'")).refused());
  EXPECT_EQ(Bag("BAG-2").state(), pb::CONTAINER_IN_USE);
  EXPECT_NE(Bag().state(), pb::CONTAINER_IN_USE);
}

TEST_F(CellsTest, ABagsNumberIsNoDonations) {
  run.Until("batch_opened");
  AddBag("BAG-2");
  EventBuilder batch = Batch();
  batch.event().mutable_batch_opened()->set_donations(0, "BAG-2");
  const pb::Verdict verdict = run.Judge(batch);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R46")) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R46")[0].found(), "BAG-2 is a bag of A999026000001");
}

TEST_F(CellsTest, ANamedBagIsOfANamedDonation) {
  run.Until("batch_opened");
  AddBag("BAG-2", "A999026000002").set_accepted(false);
  const pb::Verdict verdict = run.Judge(Batch("containers: 'A999026000001' containers: 'BAG-2'"));
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R46").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R46")[0].found(), "a bag of A999026000002");
}

TEST_F(CellsTest, EveryDonationThatIsPooledIsNamed) {
  run.Until("batch_opened");
  AddBag("BAG-2", "A999026000002");
  const pb::Verdict one = run.Judge(Batch());
  EXPECT_TRUE(one.refused());
  ASSERT_EQ(Of(one, "R46").size(), 1U) << Explain(one);
  EXPECT_THAT(Of(one, "R46")[0].found(), HasSubstr("A999026000002"));
  EXPECT_FALSE(run.Judge(Batch("donations: 'A999026000002'")).refused());
  Change("BAG-2").set_state(pb::CONTAINER_RETAINED);  // kept back on purpose
  EXPECT_FALSE(run.Judge(Batch()).refused()) << Explain(run.Judge(Batch()));
}

TEST_F(CellsTest, CellsThatAreUsedUpMakeNoOtherLot) {
  run.Through("filled");
  ASSERT_EQ(Bag().state(), pb::CONTAINER_CONSUMED);
  EventBuilder batch = Batch();
  batch.event().mutable_batch_opened()->set_lot("LOT26002");
  const pb::Verdict verdict = run.Judge(batch);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F17")) << Explain(verdict);
}

TEST_F(CellsTest, ABatchThatWasOpenedAllTheSameIsRecordedLate) {
  run.Through("received_mfg");
  const pb::Verdict verdict = run.Record(Late(Batch(), "lab.wh"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_IN_USE);
  EXPECT_TRUE(std::ranges::any_of(run.state().deviations(), [](const pb::Deviation& deviation) {
    return deviation.rule() == "R46" && deviation.critical() && deviation.open();
  }));
}

TEST_F(CellsTest, RetainedCellsAreMadeAgainByOrderAlone) {
  run.Until("batch_opened");
  AddBag("BAG-2").set_state(pb::CONTAINER_RETAINED);
  run.Through("activated");
  MustDo({"lab.qa.1"},
         "manufacturing_failed { lot: 'LOT26001' failure: MANUFACTURING_FAILED_POOR_GROWTH "
         "at_step: 'culture_check' detail: 'x' retained_material: YES }");
  EventBuilder batch = Batch("containers: 'BAG-2'");
  batch.event().mutable_batch_opened()->set_lot("LOT26002");
  const pb::Verdict kept = run.Judge(batch);
  EXPECT_TRUE(kept.refused());
  ASSERT_EQ(Of(kept, "R46").size(), 1U) << Explain(kept);
  EXPECT_THAT(Of(kept, "R46")[0].next_step(), HasSubstr("REMANUFACTURE_ORDERED"));
  const pb::Verdict ordered = run.Record(Remake("BAG-2"));
  ASSERT_FALSE(ordered.refused()) << Explain(ordered);
  EXPECT_EQ(Bag("BAG-2").state(), pb::CONTAINER_STORED);
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_REJECTED);
  ASSERT_FALSE(run.Record(batch).refused()) << Explain(run.Judge(batch));
  EXPECT_EQ(Bag("BAG-2").state(), pb::CONTAINER_IN_USE);
  EXPECT_EQ(run.state().lots(1).state(), pb::LOT_OPEN);
}

TEST_F(CellsTest, TheOrderToMakeItAgainRejectsTheOldLot) {
  run.Until("batch_opened");
  AddBag("BAG-2").set_state(pb::CONTAINER_RETAINED);
  run.Until("released");
  EventBuilder release = run.Next();
  ASSERT_FALSE(run.Record(Remake("BAG-2")).refused());
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_REJECTED);
  EXPECT_EQ(Bag(kMainBag).state(), pb::CONTAINER_REJECTED);
  EXPECT_TRUE(run.Judge(release).refused());
}

TEST_F(CellsTest, NothingIsMadeAgainOfCellsThatAreNotThereOrHeld) {
  run.Until("batch_opened");
  AddBag("BAG-2").set_state(pb::CONTAINER_RETAINED);
  run.Through("activated");
  EXPECT_FALSE(run.Judge(Remake("BAG-2")).refused()) << Explain(run.Judge(Remake("BAG-2")));
  Change("BAG-2").set_accepted(false);
  EXPECT_TRUE(Says(run.Judge(Remake("BAG-2")), "F4"));
  Change("BAG-2").set_accepted(true);
  Change("BAG-2").set_state(pb::CONTAINER_DESTROYED);
  EXPECT_TRUE(Says(run.Judge(Remake("BAG-2")), "F4"));
  Change("BAG-2").set_state(pb::CONTAINER_RETAINED);
  pb::Quarantine& held = *run.mutable_state().add_quarantines();
  held.set_open(true);
  held.add_containers("BAG-2");
  EXPECT_TRUE(Says(run.Judge(Remake("BAG-2")), "F4"));
}

TEST_F(CellsTest, AReleasedLotIsNotMadeAgainUnderItsOwnNumber) {
  run.Until("batch_opened");
  AddBag("BAG-2").set_state(pb::CONTAINER_RETAINED);
  run.Through("released");
  const pb::Verdict verdict = run.Judge(Remake("BAG-2"));
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F4")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F4")[0].next_step(), HasSubstr("RELEASE_WITHDRAWN"));
}

TEST_F(CellsTest, CellsFrozenWhereTheyArrivedAreJudgedAsFrozen) {
  run.Until("batch_opened");
  const pb::Verdict stored =
      Do({"lab.wh.1"},
         "stored { containers { container: 'A999026000001' position: 'LN1-R-7' } storage_unit: "
         "'LN1' stored_at $T frozen_at $T-30m }");
  ASSERT_FALSE(stored.refused());
  EXPECT_TRUE(Of(stored, "R09").empty()) << Explain(stored);
  EXPECT_EQ(Bag().frozen_us(), ledger.now().micros - 30 * kMicrosPerMinute);
  Pass(90 * kMicrosPerDay);
  EXPECT_TRUE(Of(run.Judge(Batch()), "R09").empty()) << Explain(run.Judge(Batch()));
  EXPECT_FALSE(Says(run.Judge(Batch()), "R10"));
  Pass(500 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(Batch()), "R10"));
}

TEST_F(CellsTest, CellsFrozenTooLateAreADeviationWhereTheyAreStored) {
  run.Until("batch_opened");
  Pass(30 * kMicrosPerHour);
  const pb::Verdict stored =
      Do({"lab.wh.1"},
         "stored { containers { container: 'A999026000001' position: 'LN1-R-7' } storage_unit: "
         "'LN1' stored_at $T frozen_at $T }");
  EXPECT_FALSE(stored.refused());
  ASSERT_EQ(Of(stored, "R09").size(), 1U) << Explain(stored);
}

TEST_F(CellsTest, TooOldCellsAreUsedByAGrantOfQuality) {
  run.Until("batch_opened");
  run.mutable_state().mutable_donations(0)->set_ended_us(ledger.now().micros - 80 * kMicrosPerHour);
  EXPECT_TRUE(run.Judge(Batch()).refused());
  EventBuilder batch = Batch();
  batch.Citing(Grant("lab.qa.1", "rules: 'R09'",
                     "step: 'batch_opened' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h"));
  EXPECT_FALSE(run.Judge(batch).refused()) << Explain(run.Judge(batch));
}

}  // namespace
}  // namespace custody
