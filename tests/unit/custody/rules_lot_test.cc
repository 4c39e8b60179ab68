// A certificate is of its own lot, what was recalled or ended is not released again (R16, R17), and
// a lot that misses its specification can be released by the whole exceptional chain.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class LotRulesTest : public RulesTest {
 protected:
  pb::Lot& Lot() { return *run.mutable_state().mutable_lots(0); }
  const pb::Container& Bag() { return *FindContainer(run.state(), kMainBag); }
  // Another lot of the same therapy, with one bag.
  void AddLot(const std::string& name, pb::LotState state) {
    pb::Container bag = Bag();
    bag.set_id(name + "-1");
    bag.set_lot(name);
    bag.set_released(false);
    bag.clear_expiry_us();
    *run.mutable_state().add_containers() = bag;
    pb::Lot lot = Lot();
    lot.set_lot(name);
    lot.set_state(state);
    *run.mutable_state().add_lots() = lot;
  }
  // The exceptional chain up to its end.
  void Exception() {
    MustDo({"lab.qc.1"}, "oos_detected { lot: 'LOT26001' missed: 'dose' detail: 'low dose' }");
    MustDo({"clinic.phy.1"},
           "oos_requested { lot: 'LOT26001' need: 'no other' alternatives: 'none' }");
    MustDo({"lab.qa.1"},
           "oos_risk_assessed { lot: 'LOT26001' assessment $FILE conclusion: 'acceptable' }");
    MustDo({"clinic.phy.1"},
           "consent_obtained { document_version: 'v3' document $FILE signed_by: "
           "CONSENT_BY_PATIENT consented_at $T-10m interpreter: NO patient_is_minor: NO "
           "purposes: CONSENT_TO_OUT_OF_SPECIFICATION }");
    MustDo({"clinic.phy.1"},
           "oos_accepted { lot: 'LOT26001' patient_consent: YES consent $FILE statement: 'I accept "
           "it' }");
    MustDo({"lab.qp.1"},
           "oos_authorised { lot: 'LOT26001' pathway: OOS_PATHWAY_EU_EXCEPTIONAL "
           "authorisation: 'A-1' holder_notified: YES authority_notified: YES }");
  }
  EventBuilder ReleaseOos(const std::vector<std::string>& by = {"lab.qp.1", "lab.qp.2"}) {
    return run.Draft(
        by,
        "released_oos { lot: 'LOT26001' certificate: 'C-OOS' certificate_file $FILE "
        "containers { container: 'LOT26001-1' dose_1e6: 60 } dose: 60 dose_unit: '10^6' "
        "expires_at $T+90d expiry_time_zone: 'Europe/Amsterdam' expiry_date_only: YES "
        "missed: 'dose' authorisation: 'A-1' conditions: 'C' }");
  }
};

TEST_F(LotRulesTest, ACertificateNamesItsOwnLotsProduct) {
  run.Until("released");
  AddLot("LOT26002", pb::LOT_FILLED);
  EventBuilder release = run.Next();
  pb::Released& body = *release.event().mutable_released();
  body.mutable_containers(0)->set_container("LOT26002-1");
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R16")[0].found(), "of lot LOT26002");
  body.mutable_containers(0)->set_container("LOT26001-Q1");
  EXPECT_EQ(Of(run.Judge(release), "R16")[0].found(), "no drug product");
}

TEST_F(LotRulesTest, AnotherCertificateDatesNothingLaterThanItsLabel) {
  run.Through("released");
  const std::int64_t printed = Bag().expiry_us();
  const auto certificate = [&](std::int64_t days) {
    EventBuilder again = run.Draft({"lab.qp.1"}, "");
    for (const MainStep& step : run.steps()) {
      if (step.body == "released") again.event().MergeFrom(step.event);
    }
    auto* at = again.event().mutable_released()->mutable_expires_at();
    at->set_seconds(at->seconds() + days * 86'400);
    return again;
  };
  const pb::Verdict later = run.Judge(certificate(1));
  EXPECT_TRUE(later.refused());
  ASSERT_EQ(Of(later, "R16").size(), 1U) << Explain(later);
  EXPECT_THAT(Of(later, "R16")[0].next_step(), HasSubstr("RELEASED_OOS"));
  ASSERT_FALSE(run.Record(certificate(0)).refused());
  EXPECT_EQ(Bag().expiry_us(), printed);
  ASSERT_FALSE(run.Record(certificate(-2)).refused());
  EXPECT_EQ(Bag().expiry_us(), printed - 2 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(certificate(0)), "R16"));
}

TEST_F(LotRulesTest, NothingIsReleasedThatHasExpired) {
  run.Until("released");
  EventBuilder release = run.Next();
  auto* at = release.event().mutable_released()->mutable_expires_at();
  at->set_seconds(ledger.now().micros / kMicrosPerSecond - 2 * 86'400);
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R16")[0].next_step(), HasSubstr("compare the date with the label"));
}

// The year was typed one too low, and that is found when the typed date has passed.
class MistypedExpiryTest : public LotRulesTest {
 protected:
  void SetUp() override {
    run.Until("released");
    EventBuilder release = Now("released");
    Date(release, 5);
    ASSERT_FALSE(run.Record(release).refused());
    Pass(10 * kMicrosPerDay);
  }
  void Date(EventBuilder& release, std::int64_t days) {
    release.event().mutable_released()->mutable_expires_at()->set_seconds(
        ledger.now().micros / kMicrosPerSecond + days * 86'400);
  }
  EventBuilder Again(const std::string& who) {
    EventBuilder release = run.Draft({who}, "");
    for (const MainStep& step : run.steps()) {
      if (step.body == "released") release.event().MergeFrom(step.event);
    }
    Date(release, 200);
    return release;
  }
  void TakeBack(const std::string& who, const std::string& said) {
    MustDo({who},
           "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'the label has "
           "another year' product_recall: NO " +
               said + " }");
    Pass(kMicrosPerHour);
  }
};

TEST_F(MistypedExpiryTest, TwoPeopleOfWhomOneSaysSoPutItRight) {
  TakeBack("clinic.qa.1", "expiry_mistyped: YES");
  const pb::Verdict verdict = run.Record(Again("lab.qp.1"));
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R16")[0].critical()) << "everybody sees it";
  EXPECT_EQ(Lot().state(), pb::LOT_RELEASED);
  EXPECT_GT(Bag().expiry_us(), ledger.now().micros);
  EXPECT_TRUE(Lot().expiry_doubted().empty()) << "it was said of that certificate";
}

TEST_F(MistypedExpiryTest, NobodyDatesLaterAloneOrUnsaidWhatHasExpired) {
  const auto refused = [&](const std::string& who) {
    const pb::Verdict verdict = run.Judge(Again(who));
    EXPECT_TRUE(verdict.refused());
    const std::vector<pb::Reason> reasons = Of(verdict, "R16");
    ASSERT_EQ(reasons.size(), 1U) << Explain(verdict);
    EXPECT_THAT(reasons[0].next_step(), HasSubstr("RELEASE_WITHDRAWN"));
  };
  TakeBack("lab.qa.1", "");
  refused("lab.qp.1");
  TakeBack("lab.qp.1", "expiry_mistyped: YES");
  refused("lab.qp.1");
  EXPECT_FALSE(run.Judge(Again("lab.qp.2")).refused()) << Explain(run.Judge(Again("lab.qp.2")));
}

TEST_F(MistypedExpiryTest, WhatOthersWroteDownOfItIsNobodysReading) {
  const pb::Verdict told = run.Record(
      Late(run.Draft({"clinic.qa.1"},
                     "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'x' "
                     "product_recall: NO expiry_mistyped: YES }")));
  ASSERT_FALSE(told.refused()) << Explain(told);
  Pass(kMicrosPerHour);
  EXPECT_TRUE(Says(run.Judge(Again("lab.qp.1")), "R16"));
}

TEST_F(LotRulesTest, TheExceptionalReleaseDatesAnew) {
  run.Through("released");
  Exception();
  EventBuilder release = ReleaseOos();
  auto* at = release.event().mutable_released_oos()->mutable_expires_at();
  at->set_seconds(at->seconds() + 400 * 86'400);
  const std::int64_t printed = Bag().expiry_us();
  const pb::Verdict verdict = run.Record(release);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_GT(Bag().expiry_us(), printed);
}

TEST_F(LotRulesTest, AYesThatWasDeclinedSinceIsNoAcceptance) {
  run.Until("batch_record_reviewed");
  Exception();
  const Instant before = ledger.now();
  Pass(kMicrosPerHour);
  const auto answer = [&](const char* consent) {
    return run.Draft({"clinic.phy.1"},
                     std::string("oos_accepted { lot: 'LOT26001' patient_consent: ") + consent +
                         " consent $FILE statement: 'x' }");
  };
  ASSERT_FALSE(run.Record(answer("NO")).refused());
  EventBuilder late = Late(answer("YES"));
  ASSERT_FALSE(run.Record(late.HappenedAt(before)).refused());
  EXPECT_EQ(Lot().oos_size(), 3);
  ASSERT_FALSE(run.Record(answer("YES")).refused());
  EXPECT_EQ(Lot().oos_size(), 4);
}

TEST_F(LotRulesTest, ARecalledBagIsNotNamedAgain) {
  run.Through("released");
  EventBuilder again = run.Draft({"lab.qp.1"}, "");
  for (const MainStep& step : run.steps()) {
    if (step.body == "released") again.event().MergeFrom(step.event);
  }
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'RC-1' identifier_type: 'lot' identifier: 'LOT26001' "
         "containers: 'LOT26001-1' reason: 'x' infused_already: NO }");
  EXPECT_TRUE(Bag().recalled());
  const pb::Verdict verdict = run.Judge(again);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R16")) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R16")[0].found(), "recalled");
}

TEST_F(LotRulesTest, ARecallByVectorConcernsTheLotsMadeWithIt) {
  run.Through("released");
  AddLot("LOT26002", pb::LOT_OPEN);
  run.mutable_state().mutable_lots(1)->clear_vector_lots();
  run.mutable_state().mutable_lots(1)->add_vector_lots("VEC-9");
  const auto recall = [&](const char* number) {
    return run.Draft({"lab.qa.1"},
                     std::string("product_recalled { recall: 'RC-1' identifier_type: 'vector' "
                                 "identifier: '") +
                         number + "' reason: 'x' infused_already: NO }");
  };
  const pb::Verdict unknown = run.Judge(recall("VEC-33"));
  EXPECT_TRUE(unknown.refused());
  ASSERT_TRUE(Says(unknown, "R34")) << Explain(unknown);
  EXPECT_THAT(Of(unknown, "R34")[0].expected(), HasSubstr("vector VEC-3"));
  ASSERT_FALSE(run.Record(recall("VEC-3")).refused());
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RECALLED);
  EXPECT_EQ(run.state().lots(1).state(), pb::LOT_OPEN);
}

TEST_F(LotRulesTest, ARecallByAReagentNamesTheContainersMadeWithIt) {
  run.Through("released");
  const auto recall = [&](const std::string& containers) {
    return run.Draft({"lab.qa.1"},
                     "product_recalled { recall: 'RC-2' identifier_type: 'Reagent' identifier: "
                     "'BEADS-7' " +
                         containers + " reason: 'x' infused_already: NO }");
  };
  const pb::Verdict unnamed = run.Judge(recall(""));
  EXPECT_TRUE(unnamed.refused());
  ASSERT_EQ(Of(unnamed, "R34").size(), 1U) << Explain(unnamed);
  EXPECT_THAT(Of(unnamed, "R34")[0].next_step(), HasSubstr("name every container"));
  ASSERT_FALSE(run.Record(recall("containers: 'LOT26001-1'")).refused());
  EXPECT_TRUE(Bag().recalled());
}

TEST_F(LotRulesTest, TheWholeExceptionalChainReleases) {
  run.Until("batch_record_reviewed");
  EXPECT_TRUE(run.Judge(ReleaseOos()).refused());
  Exception();
  const pb::Verdict verdict = run.Record(ReleaseOos());
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(Lot().state(), pb::LOT_RELEASED_OOS);
  EXPECT_TRUE(Bag().released());
}

TEST_F(LotRulesTest, AnEndedLotIsNotReleasedExceptionally) {
  run.Until("batch_record_reviewed");
  Exception();
  for (const pb::LotState state : {pb::LOT_REJECTED, pb::LOT_RECALLED}) {
    Lot().set_state(state);
    const pb::Verdict verdict = run.Judge(ReleaseOos());
    EXPECT_TRUE(verdict.refused());
    ASSERT_TRUE(Says(verdict, "R17")) << Explain(verdict);
    EXPECT_EQ(Of(verdict, "R17")[0].found(), LotLabel(state));
  }
}

TEST_F(LotRulesTest, AWithdrawnExceptionBeginsAnew) {
  run.Until("batch_record_reviewed");
  Exception();
  ASSERT_FALSE(run.Record(ReleaseOos()).refused());
  MustDo({"lab.qp.1"},
         "release_withdrawn { lot: 'LOT26001' certificate: 'C-OOS' reason: 'x' "
         "product_recall: NO }");
  EXPECT_EQ(Of(run.Judge(ReleaseOos()), "R17").size(), 5U) << Explain(run.Judge(ReleaseOos()));
  Exception();
  EXPECT_FALSE(run.Judge(ReleaseOos()).refused()) << Explain(run.Judge(ReleaseOos()));
}

TEST_F(LotRulesTest, AnExceptionIsReleasedByOthersAndWithNothingCriticalOpen) {
  ledger.AddPerson("LAB", pb::QP, "lab.both");
  run.Until("batch_record_reviewed");
  MustDo({"lab.qc.1"},
         "qc_result { lot: 'LOT26001' sample: 'Q1' test: 'viability' method: 'SOP' "
         "specification: 'S' value: 90 unit: '%' outcome: OUTCOME_PASS "
         "analyst: 'lab.both' tested_at $T result_number: 'R-9' }");
  Exception();
  EXPECT_TRUE(Says(run.Judge(ReleaseOos({"lab.qp.1", "lab.both"})), "R17"));
  MustDo({"lab.mfg.1"},
         "deviation_opened { severity: SEVERITY_CRITICAL title: 'spill' description: 'a spill' }");
  EXPECT_TRUE(Says(run.Judge(ReleaseOos()), "R17"));
}

TEST_F(LotRulesTest, OfQuarantinesTheExceptionCuresATemperatureAlone) {
  run.Until("batch_record_reviewed");
  Exception();
  pb::Quarantine* q = run.mutable_state().add_quarantines();
  q->set_id("Q-1");
  q->set_open(true);
  q->set_kind(pb::QUARANTINED_TEMP);
  q->add_containers("A999026000001");
  EXPECT_FALSE(run.Judge(ReleaseOos()).refused()) << Explain(run.Judge(ReleaseOos()));
  q->set_kind(pb::QUARANTINED_IDENTITY);
  EXPECT_TRUE(Says(run.Judge(ReleaseOos()), "R17"));
}

TEST_F(LotRulesTest, AContaminatedLotsBagsAreRejected) {
  run.Through("released");
  MustDo({"lab.qc.1"},
         "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
         "after_infusion: NO }");
  EXPECT_TRUE(Bag().rejected());
  EXPECT_EQ(Lot().state(), pb::LOT_REJECTED);
}

}  // namespace
}  // namespace custody
