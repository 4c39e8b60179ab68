// CLOSE and R31: when the record may end, what is listed until then, and what a closed one takes.
#include <gmock/gmock.h>

#include "custody/accounting.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ClosingTest : public RulesTest {
 protected:
  pb::Container& Container(std::string_view id) {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == id) return container;
    }
    ADD_FAILURE() << "no " << id;
    return *run.mutable_state().add_containers();
  }
  // The main path to its end, and the last vial used up.
  void Accounted() {
    run.Until("");
    MustDo({"lab.wh.1", "lab.qa.1"},
           "disposition { containers: 'LOT26001-Q1' kind: DISPOSITION_SAMPLE_USED reason: 'used' "
           "done_at $T volume_ml: 1 }");
  }
  EventBuilder Close(const char* accounted = "YES", const char* deviations = "YES") {
    return run.Draft({"lab.qa.1"}, std::string("custody_closed { containers_accounted: ") +
                                       accounted + " deviations_closed: " + deviations +
                                       " statement: 'done' }");
  }
  EventBuilder End(const std::string& reason, const std::string& until) {
    return run.Draft({"clinic.qa.1"}, "therapy_closed { reason: " + reason +
                                          " statement: 'over' retain_until " + until + " }");
  }
  std::vector<std::string> Subjects(const pb::Verdict& verdict) {
    std::vector<std::string> subjects;
    for (const pb::Reason& reason : Of(verdict, "CLOSE")) subjects.push_back(reason.subject());
    return subjects;
  }
};

TEST_F(ClosingTest, CustodyClosesWhenNothingIsOpen) {
  Accounted();
  const pb::Verdict verdict = run.Record(Close());
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(run.state().closed());
}

TEST_F(ClosingTest, WhoSaysThatSomethingIsMissingClosesNothing) {
  Accounted();
  EXPECT_TRUE(run.Judge(Close("NO")).refused());
  EXPECT_TRUE(run.Judge(Close("YES", "NO")).refused());
}

TEST_F(ClosingTest, TheWholeListOfWhatIsMissingIsGivenAtOnce) {
  Accounted();
  Container(kMainBag).set_state(pb::CONTAINER_STORED);
  Container(kMainBag).set_location("C-LN2-4");
  pb::Quarantine& quarantine = *run.mutable_state().add_quarantines();
  quarantine.set_id("Q-1");
  quarantine.set_kind(pb::QUARANTINED_TEMP);
  quarantine.set_open(true);
  quarantine.add_containers(std::string(kMainBag));
  pb::Deviation& deviation = *run.mutable_state().add_deviations();
  deviation.set_id("D-1");
  deviation.set_open(true);
  pb::Shipment& shipment = *run.mutable_state().add_shipments();
  shipment.set_shipper("SHP-7");
  shipment.add_containers(std::string(kMainBag));
  shipment.set_open(true);
  pb::Offer& offer = *run.mutable_state().add_offers();
  offer.set_event_id(std::string(32, 'x'));
  offer.set_expires_us(ledger.now().micros + kMicrosPerHour);
  const pb::Verdict verdict = run.Judge(Close());
  EXPECT_TRUE(verdict.refused());
  EXPECT_THAT(Subjects(verdict),
              testing::ElementsAre(std::string(kMainBag), "SHP-7", "78787878", "Q-1", "D-1"));
  EXPECT_THAT(Of(verdict, "CLOSE")[0].found(), HasSubstr("stored in C-LN2-4 at CLINIC"));
  EXPECT_THAT(Of(verdict, "CLOSE")[0].next_step(), HasSubstr("DISPOSITION"));
}

TEST_F(ClosingTest, WhatWasNegativeToDateAtTheReleaseHasItsFinalResult) {
  Accounted();
  pb::TestState& test = *run.mutable_state().mutable_lots(0)->mutable_tests(0);
  test.set_final_due_us(ledger.now().micros - kMicrosPerDay);
  const pb::Verdict verdict = run.Judge(Close());
  ASSERT_EQ(Of(verdict, "CLOSE").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "CLOSE")[0].found(), HasSubstr(test.test() + " is negative to date"));
  test.set_final_due_us(0);
  EXPECT_FALSE(run.Judge(Close()).refused());
}

TEST_F(ClosingTest, AnOfferThatEndedAndAShipmentThatIsLostKeepNothingOpen) {
  Accounted();
  pb::Shipment& shipment = *run.mutable_state().add_shipments();
  shipment.set_shipper("SHP-7");
  shipment.add_containers(std::string(kMainBag));
  shipment.set_open(true);
  Container(kMainBag).set_state(pb::CONTAINER_LOST);
  pb::Offer& offer = *run.mutable_state().add_offers();
  offer.set_expires_us(ledger.now().micros - kMicrosPerHour);
  const pb::Verdict verdict = run.Judge(Close());
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

TEST_F(ClosingTest, TheRestOfABagGivenInPartIsAccountedFor) {
  Accounted();
  Container(kMainBag).set_state(pb::CONTAINER_INFUSED_PARTIAL);
  Container(kMainBag).set_infused_ml(34);
  const pb::Verdict verdict = run.Judge(Close());
  ASSERT_EQ(Of(verdict, "CLOSE").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "CLOSE")[0].found(), HasSubstr("34 mL of 68 mL"));
  Container(kMainBag).set_destroyed_ml(33);
  EXPECT_FALSE(run.Judge(Close()).refused());
}

TEST_F(ClosingTest, WhatIsRetainedLetsCustodyCloseAndTheTherapyNot) {
  Accounted();
  Container("LOT26001-Q1").set_state(pb::CONTAINER_RETAINED);
  EventBuilder close = Close();
  ASSERT_FALSE(run.Record(close).refused());
  const pb::Verdict verdict = run.Judge(End("CLOSED_TRANSFERRED", "$T+12000d"));
  EXPECT_THAT(Subjects(verdict), testing::ElementsAre("LOT26001-Q1"));
}

TEST_F(ClosingTest, TheFollowUpIsOverAfterItsLastYear) {
  Accounted();
  EventBuilder close = Close();
  ASSERT_FALSE(run.Record(close).refused());
  const auto end = [&](const char* reason) { return run.Judge(End(reason, "$T+12000d")); };
  EXPECT_TRUE(end("CLOSED_FOLLOWUP_COMPLETE").refused());
  EXPECT_TRUE(end("CLOSED_NOT_TREATED").refused());
  EXPECT_TRUE(end("CLOSED_DEATH").refused());
  EXPECT_TRUE(end("CLOSED_LOST").refused());
  EXPECT_FALSE(end("CLOSED_TRANSFERRED").refused()) << Explain(end("CLOSED_TRANSFERRED"));
  pb::PatientCondition& condition = *run.mutable_state().mutable_condition();
  condition.set_visits_done(std::uint32_t{1} << 16);
  EXPECT_FALSE(end("CLOSED_FOLLOWUP_COMPLETE").refused());
  condition.set_vital_status(pb::VITAL_STATUS_LOST);
  EXPECT_TRUE(end("CLOSED_FOLLOWUP_COMPLETE").refused());
  EXPECT_FALSE(end("CLOSED_LOST").refused());
  run.mutable_state().set_patient_died(true);
  EXPECT_FALSE(end("CLOSED_DEATH").refused());
}

TEST_F(ClosingTest, TheRecordIsKeptThirtyYearsAfterTheExpiry) {
  Accounted();
  EventBuilder close = Close();
  ASSERT_FALSE(run.Record(close).refused());
  const std::int64_t until = run.state().retain_until_us();
  EXPECT_EQ(until, RetainUntil(run.state().lots(0).expiry_us(), "Europe/Amsterdam"));
  EventBuilder end = End("CLOSED_TRANSFERRED", "$T+12000d");
  pb::TherapyClosed& body = *end.event().mutable_therapy_closed();
  *body.mutable_retain_until() = ToProto(Instant{until - 2 * kMicrosPerDay});
  const pb::Verdict verdict = run.Judge(end);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R31")) << Explain(verdict);
  *body.mutable_retain_until() = ToProto(Instant{until + 300 * kMicrosPerDay});
  EXPECT_FALSE(run.Record(end).refused());
  EXPECT_EQ(run.state().retain_until_us(), until + 300 * kMicrosPerDay);
}

TEST_F(ClosingTest, WithoutAProductTheYearsCountFromTheEnd) {
  run.Until("slot_reserved");
  EventBuilder close = Close();
  ASSERT_FALSE(run.Record(close).refused());
  EXPECT_EQ(run.state().retain_until_us(), 0);
  EXPECT_TRUE(Says(run.Judge(End("CLOSED_NOT_TREATED", "$T+10000d")), "R31"));
  const pb::Verdict verdict = run.Judge(End("CLOSED_NOT_TREATED", "$T+10958d"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

TEST_F(ClosingTest, AClerksWordForQualitysReopensNothing) {
  Accounted();
  ASSERT_FALSE(run.Record(Close()).refused());
  ASSERT_FALSE(run.Record(End("CLOSED_TRANSFERRED", "$T+12000d")).refused());
  const EventBuilder reopened =
      run.Draft({"clinic.qa.1"}, "therapy_reopened { reason: 'a second cancer' }");
  EventBuilder told = reopened;
  told.event().clear_signers();
  told.PerformedBy("clinic.qa.1").Late("on paper");
  told.By("clinic.coord.1", pb::TRANSCRIBED).By("clinic.coord.2", pb::CHECKED);
  EXPECT_TRUE(Says(run.Record(told), "R01"));
  EXPECT_TRUE(run.state().sealed());
  // Whatever stands against it: a decision that does not stand opens nothing.
  pb::Verdict against;
  against.add_reasons()->set_kind(pb::REASON_GATE);
  pb::TherapyState state = run.state();
  ApplyToTherapy(reopened.Parse(), {ledger.next_index(), state.length(), ledger.now()}, against,
                 run.registry(), state);
  EXPECT_TRUE(state.sealed());
  ASSERT_FALSE(run.Record(Late(reopened)).refused());
  EXPECT_FALSE(run.state().sealed());
}

TEST_F(ClosingTest, AClosedTherapyTakesFactsRecallsAndItsReopening) {
  Accounted();
  EventBuilder close = Close();
  ASSERT_FALSE(run.Record(close).refused());
  EventBuilder end = End("CLOSED_TRANSFERRED", "$T+12000d");
  ASSERT_FALSE(run.Record(end).refused());
  ASSERT_TRUE(run.state().sealed());
  const std::string order = "infusion_order_cancelled { order: 'INF-1' reason: 'tidy up' }";
  EXPECT_TRUE(Says(run.Judge(run.Draft({"clinic.phy.1"}, order)), "CLOSE"));
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.phy.1"}, order)).refused());
  MustDo({"clinic.phy.1"},
         "secondary_malignancy_reported { diagnosed_at $T-1d diagnosis_code: 'C84.4' t_cell: YES "
         "lot: 'LOT26001' manufacturer_informed: YES samples_sent: NO }");
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'RC-1' identifier_type: 'lot' identifier: 'LOT26001' reason: "
         "'vector' infused_already: YES }");
  MustDo({"clinic.qa.1"}, "therapy_reopened { reason: 'a second cancer' }");
  EXPECT_FALSE(Says(run.Judge(run.Draft({"clinic.phy.1"}, order)), "CLOSE"));
}

}  // namespace
}  // namespace custody
