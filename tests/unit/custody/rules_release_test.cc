// R16, R17, R18, R24, R34: release, and whether product is there and may be used.
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class ReleaseRulesTest : public RulesTest {};

TEST_F(ReleaseRulesTest, R16ListsEveryMissingTestAndTheReview) {
  run.Until("qc_result");
  run.Skip("released");
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(Of(verdict, "R16").size(), 11U) << Explain(verdict);  // ten tests and the review
}

TEST_F(ReleaseRulesTest, R16JudgesTheNumberAndNotOnlyTheWord) {
  run.Until("batch_record_reviewed");
  EventBuilder again =
      run.Draft({"lab.qc.1"},
                "qc_result { lot: 'LOT26001' sample: 'Q1' test: 'viability' method: 'SOP' "
                "specification: 'S' value: 79.9 unit: '%' outcome: OUTCOME_PASS "
                "analyst: 'lab.qc.1' tested_at $T result_number: 'R-9' }");
  EXPECT_FALSE(run.Record(again).refused());
  run.Until("released");
  const pb::Verdict verdict = run.Judge(run.Next());
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R16")[0].subject(), "viability");
}

TEST_F(ReleaseRulesTest, R16RefusesWhoTestedTheLot) {
  ledger.AddPerson("LAB", pb::QP, "lab.both");
  run.Until("batch_record_reviewed");
  EventBuilder again =
      run.Draft({"lab.qc.1"},
                "qc_result { lot: 'LOT26001' sample: 'Q1' test: 'viability' method: 'SOP' "
                "specification: 'S' value: 90 unit: '%' outcome: OUTCOME_PASS "
                "analyst: 'lab.both' tested_at $T result_number: 'R-9' }");
  EXPECT_FALSE(run.Record(again).refused());
  run.Until("released");
  EventBuilder release = run.Next();
  EXPECT_FALSE(Says(run.Judge(release), "R16"));
  release.event().clear_signers();
  release.By("lab.both");
  EXPECT_TRUE(Says(run.Judge(release), "R16"));
}

TEST_F(ReleaseRulesTest, R16WaitsForOpenCriticalDeviations) {
  run.Until("batch_record_reviewed");
  EventBuilder opened = run.Draft({"lab.mfg.1"},
                                  "deviation_opened { severity: SEVERITY_CRITICAL "
                                  "title: 'spill' description: 'a spill' }");
  EXPECT_FALSE(run.Record(opened).refused());
  const std::string id = run.state().deviations(0).id();
  run.Until("released");
  EventBuilder release = run.Next();
  EXPECT_TRUE(Says(run.Judge(release), "R16"));
  const std::string close = "deviation_closed { deviation: '" + id +
                            "' outcome: DEVIATION_ACCEPTED cause: 'c' impact: 'none' }";
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.phy.1"}, close)).refused());
  EventBuilder closed = run.Draft({"lab.qa.1"}, close);
  EXPECT_FALSE(run.Record(closed).refused());
  EXPECT_FALSE(Says(run.Judge(release), "R16"));
}

TEST_F(ReleaseRulesTest, R16IsNeverOverriddenAndALateReleaseThatFailsReleasesNothing) {
  run.Until("batch_record_reviewed");
  run.Skip("released");
  EventBuilder release = run.Next();
  EventBuilder grant =
      run.Draft({"lab.qa.1"},
                "override_granted { rules: 'R16' step: 'released' scope: OVERRIDE_SCOPE_STEP "
                "reason: OVERRIDE_FOR_OTHER justification: 'x' expires_at $T+2h verbal: NO }");
  EXPECT_TRUE(run.Judge(grant).refused());
  EventBuilder late = Late(release, "lab.wh");
  const pb::Verdict verdict = run.Record(late);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_FILLED);
  ASSERT_GE(run.state().deviations_size(), 1);
  EXPECT_TRUE(run.state().deviations(0).critical());
}

TEST_F(ReleaseRulesTest, R16WaitsForQualityWhenATestOfTheMakingFailed) {
  run.Through("transduced");
  const auto test = [&](const char* outcome) {
    return run.Draft({"lab.qc.1"},
                     std::string("in_process_test { lot: 'LOT26001' sample: 'IP-10' day: 10 test: "
                                 "'sterility' method: 'culture' value_text: 'x' tested_at $T-1h "
                                 "outcome: ") +
                         outcome + " }");
  };
  EXPECT_FALSE(Says(run.Judge(test("OUTCOME_NEGATIVE_TO_DATE")), "R16"));
  const pb::Verdict failed = run.Record(test("OUTCOME_FAIL"));
  EXPECT_FALSE(failed.refused()) << Explain(failed);
  ASSERT_EQ(Of(failed, "R16").size(), 1U) << Explain(failed);
  EXPECT_TRUE(Of(failed, "R16")[0].critical());
  run.Skip("released");
  const pb::Verdict release = run.Judge(run.Next());
  EXPECT_TRUE(release.refused());
  EXPECT_TRUE(std::ranges::any_of(Of(release, "R16"), [](const pb::Reason& reason) {
    return reason.expected() == "no open critical deviation";
  })) << Explain(release);
}

TEST_F(ReleaseRulesTest, R24HoldsTheDoseBetweenItsLimits) {
  EventBuilder release = At("released");
  pb::Released& body = *release.event().mutable_released();
  body.set_dose(1);
  EXPECT_FALSE(Says(run.Judge(release), "R24"));
  body.set_dose(0.99);
  EXPECT_TRUE(Says(run.Judge(release), "R24"));
  body.set_dose(2.4);
  EXPECT_FALSE(Says(run.Judge(release), "R24"));
  body.set_dose(2.41);
  EXPECT_TRUE(Says(run.Judge(release), "R24"));
  EXPECT_TRUE(run.Judge(release).refused());
  body.set_dose(2.4);
  body.set_weight_used_kg(90);  // 216 x 10^6 in all
  EXPECT_TRUE(Says(run.Judge(release), "R24"));
}

TEST_F(ReleaseRulesTest, R24TakesATotalDoseByTheWeightUsed) {
  EventBuilder release = At("released");
  pb::Released& body = *release.event().mutable_released();
  body.set_dose_unit("10^6");
  body.set_dose(144);
  EXPECT_FALSE(Says(run.Judge(release), "R24"));
  body.set_dose(60);  // 0.83 x 10^6/kg
  EXPECT_TRUE(Says(run.Judge(release), "R24"));
  body.clear_weight_used_kg();
  EXPECT_TRUE(Says(run.Judge(release), "R24"));
}

TEST_F(ReleaseRulesTest, R17WantsTheWholeExceptionalChain) {
  run.Until("batch_record_reviewed");
  EventBuilder release =
      run.Draft({"lab.qp.1", "lab.qp.2"},
                "released_oos { lot: 'LOT26001' certificate: 'C' certificate_file $FILE "
                "containers { container: 'LOT26001-1' dose_1e6: 60 } dose: 60 dose_unit: '10^6' "
                "expires_at $T+90d expiry_time_zone: 'Europe/Amsterdam' expiry_date_only: YES "
                "missed: 'dose' authorisation: 'A' conditions: 'C' }");
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(Of(verdict, "R17").size(), 6U) << Explain(verdict);
}

TEST_F(ReleaseRulesTest, R34AsksTheScannedContainersOwnLot) {
  run.Until("packed");
  run.Through("packed");
  run.Until("packed");  // the product's trip
  EventBuilder ship = run.Next();
  EXPECT_FALSE(run.Judge(ship).refused()) << Explain(run.Judge(ship));
  // A second lot of the same therapy, filled and not released: the first one's release is no use to
  // it.
  pb::Container* other = run.mutable_state().add_containers();
  *other = *FindContainer(run.state(), kMainBag);
  other->set_id("LOT26002-1");
  other->set_lot("LOT26002");
  pb::Lot* lot = run.mutable_state().add_lots();
  lot->set_lot("LOT26002");
  lot->set_state(pb::LOT_FILLED);
  ship.event().mutable_packed()->mutable_containers(0)->set_value("LOT26002-1");
  const pb::Verdict verdict = run.Judge(ship);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R34")) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R34")[0].subject(), "LOT26002-1");
  EXPECT_TRUE(Of(verdict, "R34")[0].grantors().empty());
}

TEST_F(ReleaseRulesTest, R34ListsEverythingThatHoldsAContainer) {
  run.Until("removed_from_storage");
  EventBuilder step = run.Next();
  pb::TherapyState& state = run.mutable_state();
  state.mutable_lots(0)->set_state(pb::LOT_WITHDRAWN);
  for (pb::Container& container : *state.mutable_containers()) {
    if (container.id() == kMainBag) container.set_expiry_us(ledger.now().micros - 1);
  }
  pb::Quarantine* quarantine = state.add_quarantines();
  quarantine->set_id("Q-1");
  quarantine->set_open(true);
  quarantine->set_kind(pb::QUARANTINED_TEMP);
  quarantine->add_containers(std::string(kMainBag));
  pb::Hold* hold = state.add_holds();
  hold->set_id("H-1");
  hold->set_kind("QUALITY");
  hold->set_open(true);
  EXPECT_EQ(Of(run.Judge(step), "R34").size(), 4U) << Explain(run.Judge(step));
}

TEST_F(ReleaseRulesTest, R34TakesAnExpiryToItsLastMoment) {
  run.Until("removed_from_storage");
  EventBuilder step = run.Next();
  pb::TherapyState& state = run.mutable_state();
  for (pb::Container& container : *state.mutable_containers()) {
    container.set_expiry_us(ledger.now().micros);
  }
  EXPECT_FALSE(Says(run.Judge(step), "R34"));
  for (pb::Container& container : *state.mutable_containers()) {
    container.set_expiry_us(ledger.now().micros - 1);
  }
  EXPECT_TRUE(Says(run.Judge(step), "R34"));
}

TEST_F(ReleaseRulesTest, ADateOnlyExpiryEndsWithTheDayOfTheLabelsIssuer) {
  run.Through("released");
  const pb::Container* bag = FindContainer(run.state(), kMainBag);
  EXPECT_TRUE(FormatUtc(Instant{bag->expiry_us()}).starts_with("2027-01-29T22:59:59"))
      << FormatUtc(Instant{bag->expiry_us()});
}

TEST_F(ReleaseRulesTest, R18WaitsForTheProductOnSite) {
  run.Until("released");
  run.Skip("ld_started");
  EventBuilder ld = run.Next();
  const pb::Verdict verdict = run.Judge(ld);
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(Of(verdict, "R18").size(), 2U) << Explain(verdict);  // not released, not on site
}

TEST_F(ReleaseRulesTest, R18OpensWithTheReceiptAndClosesWithAQuarantine) {
  EventBuilder ld = At("ld_started");
  EXPECT_FALSE(run.Judge(ld).refused()) << Explain(run.Judge(ld));
  EventBuilder warm = run.Draft({"clinic.pharm.1"},
                                "temperature_excursion { from $T-3h "
                                "containers: 'LOT26001-1' }");
  EXPECT_FALSE(run.Record(warm).refused());
  EventBuilder later = run.Draft({"clinic.phy.1"}, "");
  *later.event().mutable_ld_started() = ld.Build().ld_started();
  const pb::Verdict verdict = run.Judge(later);
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(Blockers(verdict), (std::vector<std::string>{"R18"})) << Explain(verdict);
}

}  // namespace
}  // namespace custody
