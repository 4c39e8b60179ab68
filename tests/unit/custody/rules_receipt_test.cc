// Product is received before it is used (R06, R11, R13), and goes to another house by a hand-over
// only as it would by a carrier (R34, holds, F9, F2, F13).
#include <gmock/gmock.h>

#include "custody/alerts.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

const char* const kUse =
    "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE cause: "
    "QUARANTINED_FOR_SEAL reason: 'seal whole on the photograph' }";

class ReceiptTest : public RulesTest {
 protected:
  const pb::Container& Bag() { return *FindContainer(run.state(), kMainBag); }
  bool Held() { return !OpenQuarantines(run.state(), Bag()).empty(); }
  // The main path's second trip, up to the shipper at the clinic's dock.
  void Arrive() { run.Until("received_clinic"); }
  EventBuilder Draft(const std::vector<std::string>& who, const std::string& text) {
    return run.Draft(who, text);
  }
  void Store() {
    ASSERT_FALSE(Do({"clinic.pharm.1"},
                    "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } "
                    "storage_unit: 'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }")
                     .refused());
  }
};

TEST_F(ReceiptTest, WhatNobodyReceivedIsNotVerifiedRemovedNorThawed) {
  Arrive();
  for (const char* step : {"prethaw_id_verified", "removed_from_storage", "thaw_started"}) {
    const pb::Verdict verdict = run.Judge(Now(step));
    EXPECT_TRUE(verdict.refused()) << step;
    ASSERT_EQ(Of(verdict, "R06").size(), 1U) << step << Explain(verdict);
    EXPECT_THAT(Of(verdict, "R06")[0].found(), HasSubstr("SHP-2 not received"));
    EXPECT_THAT(Of(verdict, "R06")[0].next_step(), HasSubstr("RECEIVED_CLINIC"));
    EXPECT_TRUE(Of(verdict, "R06")[0].grantors().empty());
  }
  Store();
  EXPECT_EQ(Bag().state(), pb::CONTAINER_STORED);
  EXPECT_TRUE(Says(run.Judge(Now("prethaw_id_verified")), "R06")) << "put away is not received";
  ASSERT_FALSE(run.Record(Now("received_clinic")).refused());
  EXPECT_FALSE(Says(run.Judge(Now("prethaw_id_verified")), "R06"));
}

TEST_F(ReceiptTest, WhatIsPutAwayPastTheReceiptIsInQuarantineForItsSeal) {
  Arrive();
  const pb::Verdict verdict =
      Do({"clinic.pharm.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R11").size(), 1U) << Explain(verdict);
  ASSERT_TRUE(Held());
  EXPECT_EQ(run.state().quarantines(0).kind(), pb::QUARANTINED_SEAL);
  MustDo({"lab.qa.1"}, kUse);
  EXPECT_FALSE(Held());
}

TEST_F(ReceiptTest, MovedIntoAnotherHouseWithoutAShipperIsInQuarantineToo) {
  run.Until("batch_record_reviewed");
  const pb::Verdict verdict =
      Do({"lab.wh.1"},
         "moved { containers { container: 'LOT26001-1' position: 'C-LN2-4' } to_unit: 'C-LN2' "
         "to_site: 'CLINIC' moved_at $T reason: 'taken along' }");
  EXPECT_FALSE(verdict.refused());
  EXPECT_EQ(Of(verdict, "R11").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Held());
}

TEST_F(ReceiptTest, WhatAnotherHouseHoldsIsNotUsedHere) {
  run.Until("prethaw_id_verified");
  pb::Container* bag = nullptr;
  for (pb::Container& one : *run.mutable_state().mutable_containers()) {
    if (one.id() == kMainBag) bag = &one;
  }
  ASSERT_NE(bag, nullptr);
  ASSERT_EQ(bag->site(), "CLINIC");
  for (const char* step : {"prethaw_id_verified", "removed_from_storage", "thaw_started",
                           "bedside_id_verified", "infusion_started"}) {
    bag->set_site("CLINIC");
    EXPECT_FALSE(Says(run.Judge(Now(step)), "R06")) << step;
    bag->set_site("LAB");
    const pb::Verdict verdict = run.Judge(Now(step));
    EXPECT_TRUE(verdict.refused()) << step;
    ASSERT_EQ(Of(verdict, "R06").size(), 1U) << step << Explain(verdict);
    EXPECT_THAT(Of(verdict, "R06")[0].found(), HasSubstr("held by LAB"));
    EXPECT_THAT(Of(verdict, "R06")[0].next_step(), HasSubstr("HANDOVER_OFFERED"));
  }
}

TEST_F(ReceiptTest, WhoPackedItTakesItOutAgainWithoutAWord) {
  run.Until("released");
  run.Until("handed_to_carrier");
  ASSERT_EQ(Bag().state(), pb::CONTAINER_PACKED);
  const pb::Verdict verdict =
      Do({"lab.wh.1"},
         "stored { containers { container: 'LOT26001-1' position: 'LN1-A-3' } storage_unit: 'LN1' "
         "stored_at $T }");
  EXPECT_FALSE(Says(verdict, "R11")) << Explain(verdict);
  EXPECT_FALSE(Held());
  EXPECT_TRUE(Bag().shipment().empty());
  EXPECT_EQ(OpenShipment(run.state(), "SHP-2"), nullptr) << "nothing is in it";
}

TEST_F(ReceiptTest, AnOlderStorageToldLaterTakesNothingOutOfTheShipper) {
  Arrive();
  EventBuilder old =
      Late(Draft({"lab.wh.1"},
                 "stored { containers { container: 'LOT26001-1' position: 'LN1-A-4' } "
                 "storage_unit: 'LN1' stored_at $T-5d }"),
           "lab.wh");
  old.HappenedAt(ledger.now() + -5 * kMicrosPerDay);
  const pb::Verdict verdict = run.Record(old);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Says(verdict, "R11")) << Explain(verdict);
}

TEST_F(ReceiptTest, TakenOutOfAShipperThatNobodyReceivedAndToldLateItIsNotGiven) {
  Arrive();
  const pb::Verdict verdict = run.Record(Late(Now("removed_from_storage")));
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R06"));
  EXPECT_TRUE(Says(verdict, "R11")) << Explain(verdict);
  EXPECT_TRUE(Says(run.Judge(Now("bedside_id_verified")), "R34"));
}

TEST_F(ReceiptTest, TheLoggersFileOfAnOpenTripIsAskedForToo) {
  Arrive();
  Store();
  EXPECT_TRUE(Says(run.Judge(Now("removed_from_storage")), "R13"));
}

TEST_F(ReceiptTest, AReceiptToldLateSaysWhereItArrived) {
  Arrive();
  Pass(kMicrosPerHour);
  Store();
  EventBuilder late = Late(Now("received_clinic"), "clinic.rn");
  late.HappenedAt(ledger.now() + -kMicrosPerHour);
  const pb::Verdict verdict = run.Record(late);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_STORED);
  EXPECT_EQ(Bag().arrived_site(), "CLINIC");
  EXPECT_FALSE(Says(run.Judge(Now("prethaw_id_verified")), "R06"));
}

class OfferTest : public ReceiptTest {
 protected:
  static std::string Open(const std::string& to, const std::string& what = "LOT26001-1") {
    return "handover_offered { closed: NO containers: '" + what + "' coi: 'CHA999026000001' " + to +
           " expires_at $T+2h }";
  }
  static std::string Closed(const std::string& to, const std::string& trip = "2") {
    return "handover_offered { closed: YES shipper: 'SHP-" + trip + "' seals: 'SEAL-" + trip +
           "' " + to + " expires_at $T+2h }";
  }
  pb::Verdict Offer(const std::string& text, const char* who = "lab.wh.1") {
    return run.Judge(Draft({who}, text));
  }
};

TEST_F(OfferTest, UnreleasedProductIsNotOfferedToAnotherHouse) {
  run.Until("released");
  const pb::Verdict verdict = Offer(Open("to_site: 'CLINIC'"));
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R34")) << Explain(verdict);
  EXPECT_TRUE(Says(Offer(Open("to_site: 'DEPOT'")), "R34"));
  EXPECT_TRUE(Says(Offer(Open("to_site: 'CARRIER'")), "R34")) << "a carrier by its name";
  EXPECT_TRUE(Says(Offer(Open("to_person: 'clinic.pharm.1'")), "R34"));
  EXPECT_FALSE(Offer(Open("to_site: 'LAB'")).refused()) << "within the house";
  EXPECT_FALSE(Offer(Open("to_person: 'lab.qa.1'")).refused());
  EXPECT_FALSE(Offer(Open("")).refused());
}

TEST_F(OfferTest, AnOfferThatNamesNobodyIsAcceptedInTheHouseAlone) {
  run.Until("released");
  MustDo({"lab.wh.1"}, Open(""));
  const std::string offer = run.last().parsed.event_id.ToString();
  const auto accept = [&](const char* who) {
    EventBuilder event = Draft(
        {who}, "handover_accepted { containers: 'LOT26001-1' coi: 'CHA999026000001' intact: YES }");
    event.event().mutable_handover_accepted()->set_offer(offer);
    return run.Judge(event);
  };
  EXPECT_TRUE(Says(accept("clinic.pharm.1"), "R06"));
  EXPECT_FALSE(accept("lab.wh.2").refused()) << Explain(accept("lab.wh.2"));
}

TEST_F(OfferTest, AClosedShipperIsOfferedAsItIsHandedToACarrier) {
  run.Until("released");
  run.Until("handed_to_carrier");
  EXPECT_FALSE(Offer(Closed("to_site: 'DEPOT'")).refused())
      << Explain(Offer(Closed("to_site: 'DEPOT'")));
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_WITHDRAWN);
  EXPECT_TRUE(Says(Offer(Closed("to_site: 'DEPOT'")), "R34"));
  EXPECT_FALSE(Says(Offer(Closed("to_site: 'LAB'")), "R34")) << "to its maker, within the house";
  run.mutable_state().mutable_shipments(1)->set_to_site("LAB");
  EXPECT_FALSE(Says(Offer(Closed("to_site: 'DEPOT'")), "R34")) << "on its way to the maker";
  EXPECT_TRUE(Says(Offer(Closed("to_site: 'CLINIC'")), "R34")) << "not by way of a hospital";
}

TEST_F(OfferTest, AHoldAndAQuarantineKeepItInTheHouse) {
  run.Until("released");
  run.Until("handed_to_carrier");
  MustDo({"lab.qa.1"},
         "hold_set { kind: HOLD_QUALITY reason: 'a doubtful count' blocks: "
         "HOLD_BLOCKS_SHIP }");
  const pb::Verdict verdict = Offer(Closed("to_site: 'DEPOT'"));
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R34")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R34")[0].found(), HasSubstr("a doubtful count"));
}

TEST_F(OfferTest, HeldCellsAreNotOfferedToAnotherHouseEither) {
  run.Until("packed");
  MustDo({"clinic.cell_lab.1"}, "temperature_excursion { from $T-3h containers: 'A999026000001' }");
  const std::string cells = "A999026000001";
  const pb::Verdict away = Offer(Open("to_site: 'LAB'", cells), "clinic.aph.1");
  EXPECT_TRUE(away.refused());
  EXPECT_TRUE(Says(away, "F9")) << Explain(away);
  EXPECT_FALSE(Says(Offer(Open("to_site: 'CLINIC'", cells), "clinic.aph.1"), "F9"));
}

TEST_F(OfferTest, AfterADeathNothingIsOfferedOutOfTheHouseButWhatGoesHome) {
  run.Until("released");
  run.Until("packed");
  MustDo({"clinic.phy.1"},
         "patient_died { died_at $T cause: DEATH_DISEASE related_to_product: NO }");
  EXPECT_TRUE(Says(Offer(Open("to_site: 'CLINIC'")), "F13"));
  EXPECT_FALSE(Says(Offer(Open("to_site: 'LAB'")), "F13"));
  run.mutable_state().mutable_containers(1)->set_site("CLINIC");
  EXPECT_FALSE(Says(Offer(Open("to_site: 'LAB'"), "clinic.pharm.1"), "F13"));
}

TEST_F(OfferTest, OfWhatTheCarrierHasTheSenderHasNothingToOffer) {
  Arrive();
  const pb::Verdict verdict = Offer(Closed("to_site: 'DEPOT'"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R06").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R06")[0].kind(), pb::REASON_DEVIATION);
  EXPECT_FALSE(Says(Offer(Closed("to_site: 'CLINIC'"), "depot.cour.1"), "R06"));
}

// A carrier whose people have keys takes closed shippers by offer and acceptance (1.2a).
class CourierTest : public OfferTest {
 protected:
  pb::Verdict Accept(const char* who) {
    EventBuilder event = Draft({who},
                               "handover_accepted { shipper: 'SHP-2' seals: 'SEAL-2' waybill: "
                               "'AWB-2' seal_condition: SEAL_INTACT intact: YES }");
    event.event().mutable_handover_accepted()->set_offer(run.state().offers(0).event_id());
    return run.Record(event);
  }
  void OfferTo(const char* site, const char* who) {
    MustDo({who}, Closed(std::string("waybill: 'AWB-2' to_site: '") + site + "'"));
  }
  void Packed() {
    run.Until("released");
    run.Until("handed_to_carrier");
  }
  const pb::Shipment& Trip() { return run.state().shipments(1); }
  bool IsOffered(std::string_view body) {
    const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    return std::ranges::find(steps, body, &pb::NextStep::body) != steps.end();
  }
};

TEST_F(CourierTest, WhoseAcceptanceTakesTheShipmentOnItsWay) {
  Packed();
  OfferTo("DEPOT", "lab.wh.1");
  const pb::TherapyState offered = ViewFor(run.state(), run.registry(), "DEPOT");
  ASSERT_EQ(offered.shipments_size(), 2) << "of what is offered its acceptance is judged offline";
  EXPECT_EQ(offered.shipments(1).shipper(), "SHP-2");
  MustDo({"depot.cour.1"},
         "carrier_milestone { shipment: 'SH-2' shipper: 'SHP-2' kind: MILESTONE_PICKED_UP at $T "
         "place: 'dock' reported_by: 'driver' expected_at $T+22h }");
  const pb::Verdict taken = Accept("depot.cour.1");
  EXPECT_THAT(Blockers(taken), testing::IsEmpty()) << Explain(taken);
  EXPECT_EQ(Trip().carrier(), "CARRIER");
  EXPECT_EQ(Trip().handed_us(), ledger.now().micros);
  EXPECT_EQ(Trip().waybill(), "AWB-2");
  EXPECT_EQ(Bag().state(), pb::CONTAINER_IN_TRANSIT);
  EXPECT_EQ(Bag().site(), "");
  EXPECT_TRUE(IsParty(run.state(), run.registry(), "CLINIC"));
  EXPECT_TRUE(IsOffered("received_clinic"));
  EXPECT_FALSE(IsOffered("handed_to_carrier"));
  const pb::TherapyState view = ViewFor(run.state(), run.registry(), "DEPOT");
  ASSERT_EQ(view.shipments_size(), 2);
  EXPECT_EQ(FindContainer(view, kMainBag)->state(), pb::CONTAINER_IN_TRANSIT);
  const pb::Verdict again = run.Judge(Now("handed_to_carrier"));
  EXPECT_TRUE(Says(again, "R06")) << Explain(again);
  Pass(23 * kMicrosPerHour);
  EXPECT_EQ(Alerts(run.state(), run.registry(), ledger.now()).back().rule, "F10");
  OfferTo("CLINIC", "depot.cour.1");
  ASSERT_FALSE(Accept("clinic.pharm.1").refused());
  EXPECT_EQ(Trip().carrier(), "CARRIER") << "on its way until it is received";
  const pb::Verdict received = run.Record(Now("received_clinic"));
  EXPECT_THAT(Blockers(received), testing::IsEmpty()) << Explain(received);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_RECEIVED);
}

TEST_F(CourierTest, WhoSaysNoTimeOfArrivalDepartsFromThePlan) {
  Packed();
  OfferTo("DEPOT", "lab.wh.1");
  const pb::Verdict taken = Accept("depot.cour.1");
  ASSERT_FALSE(taken.refused());
  ASSERT_EQ(Of(taken, "R12").size(), 1U) << Explain(taken);
  EXPECT_EQ(Of(taken, "R12")[0].found(), "no time of arrival");
}

TEST_F(CourierTest, WhatSomebodyElseHoldsThePackerHandsToNobody) {
  Packed();
  MustDo({"lab.wh.1"}, Closed("to_site: 'CLINIC'"));
  ASSERT_FALSE(Accept("clinic.pharm.1").refused());
  EXPECT_EQ(Trip().handed_us(), 0) << "no carrier";
  const pb::Verdict verdict = run.Judge(run.Next());
  ASSERT_EQ(Of(verdict, "R06").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R06")[0].expected(), HasSubstr("by CLINIC, which holds it"));
}

TEST_F(CourierTest, WhatCameBackToThePackerIsHandedOverAnew) {
  Packed();
  OfferTo("DEPOT", "lab.wh.1");
  ASSERT_FALSE(Accept("depot.cour.1").refused());
  EXPECT_TRUE(run.Judge(Now("handed_to_carrier")).refused());
  OfferTo("LAB", "depot.cour.1");
  ASSERT_FALSE(Accept("lab.wh.2").refused());
  EXPECT_FALSE(Says(run.Judge(run.Next()), "R06")) << Explain(run.Judge(run.Next()));
}

}  // namespace
}  // namespace custody
