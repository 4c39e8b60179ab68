// Ways in which the wrong bag, or a bag that is no good any more, might have come to a patient;
// each of them is shut.
#include "custody/oos.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class SafetyRulesTest : public RulesTest {
 protected:
  pb::Container& Bag() {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == kMainBag) return container;
    }
    ADD_FAILURE() << "no bag";
    return *run.mutable_state().add_containers();
  }
};

TEST_F(SafetyRulesTest, ARejectedBagStaysRejectedWhereverItIsPut) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_REJECT "
         "cause: QUARANTINED_FOR_TEMPERATURE reason: 'too warm' }");
  Pass(kMicrosPerHour);
  MustDo({"clinic.pharm.1"},
         "moved { containers { container: 'LOT26001-1' position: 'C-LN2-9' } to_unit: 'C-LN2' "
         "moved_at $T reason: 'space' }");
  EXPECT_EQ(Bag().state(), pb::CONTAINER_REJECTED);
  EXPECT_EQ(Bag().location(), "C-LN2-9");
  Bag().set_state(pb::CONTAINER_STORED);  // even if somebody's fold forgot the state
  const pb::Verdict verdict =
      run.Judge(run.Draft({"clinic.pharm.1", "clinic.cell_lab.1"},
                          "removed_from_storage { container $SCAN:LOT26001-1 coi "
                          "$SCAN:CHA999026000001 position $SCAN:C-LN2-9 certificate $SCAN:CERT-1 "
                          "certificate_matches: YES removed_at $T }"));
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R34")) << Explain(verdict);
}

TEST_F(SafetyRulesTest, AnInfusedBagDoesNotComeBackByWhatIsToldLater) {
  run.Through("infusion_completed");
  EventBuilder stored = run.Draft({"clinic.pharm.1"},
                                  "stored_clinic { containers { container: 'LOT26001-1' "
                                  "position: 'C-LN2-4' } storage_unit: 'C-LN2' logger: 'L' "
                                  "stored_at $T-6d transfer_time_minutes: 3 }");
  stored.HappenedAt(ledger.now() + -6 * kMicrosPerDay);
  ASSERT_FALSE(run.Record(Late(stored)).refused());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_INFUSED);
  EXPECT_FALSE(Bag().refrozen());
}

TEST_F(SafetyRulesTest, AnEarlierStepToldLaterDoesNotMoveTheBagBack) {
  run.Through("thaw_completed");
  EventBuilder stored = run.Draft({"clinic.pharm.1"},
                                  "stored_clinic { containers { container: 'LOT26001-1' "
                                  "position: 'C-LN2-4' } storage_unit: 'C-LN2' logger: 'L' "
                                  "stored_at $T-2h transfer_time_minutes: 3 }");
  stored.HappenedAt(ledger.now() + -2 * kMicrosPerHour);
  const pb::Verdict verdict = run.Record(Late(stored));
  EXPECT_FALSE(Says(verdict, "R25")) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_THAWED);
  EXPECT_FALSE(Bag().refrozen());
  EXPECT_NE(Bag().removed_us(), 0);
}

TEST_F(SafetyRulesTest, AThawToldTwiceDoesNotPutTheClockBack) {
  run.Through("thaw_completed");
  const std::int64_t end = Bag().thaw_completed_us();
  Pass(20 * kMicrosPerMinute);
  MustDo({"clinic.cell_lab.1"},
         "thaw_completed { container: 'LOT26001-1' ended_at $T clumps: NO leak: NO }");
  EXPECT_EQ(Bag().thaw_completed_us(), end);
}

TEST_F(SafetyRulesTest, ALeakAtTheThawHoldsTheBagUntilThePhysicianDecides) {
  run.Until("thaw_completed");
  EventBuilder thawed = run.Next();
  thawed.event().mutable_thaw_completed()->set_leak(pb::YES);
  ASSERT_FALSE(run.Record(thawed).refused());
  EventBuilder bedside = run.Next();
  EXPECT_TRUE(Says(run.Judge(bedside), "R34"));
  const std::string damaged =
      "container_damaged { container: 'LOT26001-1' found_at $T found_during: 'thaw_completed' "
      "damage: 'port' contents_lost: NO outcome: DAMAGE_SALVAGED culture_sample: 'CUL-1' }";
  MustDo({"clinic.pharm.1"}, damaged);
  EXPECT_FALSE(OpenQuarantines(run.state(), Bag()).empty());
  MustDo({"clinic.phy.1"}, damaged);
  EXPECT_TRUE(OpenQuarantines(run.state(), Bag()).empty());
}

TEST_F(SafetyRulesTest, ADeferredInfusionIsVerifiedAnew) {
  run.Through("bedside_id_verified");
  ASSERT_TRUE(Bag().has_pass());
  MustDo({"clinic.phy.1"},
         "infusion_deferred { reason: 'fever' outcome: DEFERRED_TO_HOLD thawed: YES }");
  EXPECT_FALSE(Bag().has_pass());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R26"));
}

TEST_F(SafetyRulesTest, ASyringeIsHeldByWhatHoldsItsBag) {
  run.Through("thaw_completed");
  MustDo({"clinic.pharm.1", "clinic.rn.1"},
         "container_derived { parent: 'LOT26001-1' container: 'SYR-1' kind: VESSEL_SYRINGE "
         "volume_ml: 5 derived_at $T reason: 'small patient' label_version: 'L' }");
  const pb::Container* syringe = FindContainer(run.state(), "SYR-1");
  ASSERT_NE(syringe, nullptr);
  EXPECT_EQ(syringe->material(), pb::DRUG_PRODUCT);
  EventBuilder bedside = run.Next();
  pb::BedsideIdVerified& body = *bedside.event().mutable_bedside_id_verified();
  body.mutable_container()->set_value("SYR-1");
  for (pb::PersonCheck& check : *body.mutable_checks()) {
    check.mutable_container()->set_value("SYR-1");
  }
  EXPECT_FALSE(run.Judge(bedside).refused()) << Explain(run.Judge(bedside));
  MustDo({"lab.qa.1"}, "hold_set { kind: HOLD_QUALITY reason: 'x' containers: 'LOT26001-1' }");
  EXPECT_TRUE(Says(run.Judge(bedside), "R34"));
  run.mutable_state().mutable_holds(0)->set_open(false);
  MustDo({"lab.qp.1"},
         "release_withdrawn { lot: 'LOT26001' containers: 'LOT26001-1' certificate: 'CERT-1' "
         "reason: 'x' product_recall: YES }");
  EXPECT_TRUE(Says(run.Judge(bedside), "R34"));
}

TEST_F(SafetyRulesTest, ASampleDrawnFromABagIsNoProduct) {
  run.Through("thaw_completed");
  MustDo({"clinic.pharm.1", "clinic.rn.1"},
         "container_derived { parent: 'LOT26001-1' container: 'SMP-1' kind: VESSEL_SAMPLE "
         "volume_ml: 1 derived_at $T reason: 'culture' label_version: 'L' }");
  EXPECT_EQ(FindContainer(run.state(), "SMP-1")->material(), pb::SAMPLE_MATERIAL);
}

TEST_F(SafetyRulesTest, AWithdrawnReleaseNamesNothingAnyMore) {
  run.Until("ld_started");
  MustDo({"lab.qp.1"},
         "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'x' "
         "product_recall: NO }");
  EXPECT_FALSE(Bag().released());
  EXPECT_EQ(run.state().lots(0).releases_size(), 0);
}

TEST_F(SafetyRulesTest, QualityOfTheClinicReleasesNothing) {
  run.Until("batch_record_reviewed");
  EventBuilder review = run.Next();
  review.event().clear_signers();
  EventBuilder by_clinic = run.Draft({"clinic.qa.1"}, "");
  *by_clinic.event().mutable_batch_record_reviewed() = review.Build().batch_record_reviewed();
  EXPECT_TRUE(Says(run.Judge(by_clinic), "R16"));
  MustDo({"lab.qa.2"},
         "batch_record_reviewed { lot: 'LOT26001' deviations_closed: YES "
         "record $FILE complete: YES }");
  EventBuilder release = run.Next();
  EventBuilder clinic = run.Draft({"clinic.qa.1"}, "");
  *clinic.event().mutable_released() = release.Build().released();
  const pb::Verdict verdict = run.Judge(clinic);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R16"));
  EXPECT_EQ(Of(verdict, "R16")[0].expected(), "quality of the manufacturer");
}

TEST_F(SafetyRulesTest, AFailedTestStandsUntilItsInvestigationInvalidatesIt) {
  run.Until("batch_record_reviewed");
  const auto result = [&](const char* value) {
    return std::string(
               "qc_result { lot: 'LOT26001' sample: 'Q1' test: 'viability' method: 'SOP' "
               "specification: 'S' value: ") +
           value +
           " unit: '%' outcome: OUTCOME_PASS analyst: 'lab.qc.1' tested_at $T "
           "result_number: 'R-9' }";
  };
  MustDo({"lab.qc.1"}, result("60"));
  const std::string failed = run.last().parsed.event_id.ToString();
  MustDo({"lab.qc.1"}, result("91"));  // tested again until it passed
  run.Until("released");
  EventBuilder release = run.Next();
  const pb::Verdict verdict = run.Judge(release);
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EventBuilder invalid = run.Draft({"lab.qa.1"},
                                   "qc_result_invalidated { lot: 'LOT26001' investigation: 'I-1' "
                                   "cause: 'wrong dilution' }");
  invalid.event().mutable_qc_result_invalidated()->set_result(failed);
  ASSERT_FALSE(run.Record(invalid).refused());
  EXPECT_FALSE(Says(run.Judge(release), "R16")) << Explain(run.Judge(release));
}

TEST_F(SafetyRulesTest, ProductShippedBeforeItsLastReleaseIsMarkedAndPermittedToBe) {
  pb::Profile profile = DemoProfile();
  profile.set_version(2);
  profile.clear_releases();
  profile.add_releases("SITE_QA_DISPOSITION");
  profile.add_releases("QP_CERTIFICATION");
  profile.set_ship_after_first_release(true);
  run.Until("released");
  ledger.PublishProfile(profile);
  run.Skip("packed");
  const auto ship = [&](const char* marked) {
    EventBuilder event = run.Draft(
        {"lab.wh.1", "lab.wh.2"},
        std::string("packed { leg: LEG_OUTBOUND shipment: 'SH-2' containers $SCAN:LOT26001-1 coi "
                    "$SCAN:CHA999026000001 shipper $SCAN:SHP-2 shipper_kind: SHIPPER_DRY_VAPOUR "
                    "logger $SCAN:LOG-2 seals $SCAN:SEAL-2 preconditioned_at $T-24h "
                    "logger_started_at $T-10m logger_calibration_until $T+200d packed_at $T "
                    "destination_site: 'CLINIC' under_quarantine: ") +
            marked + " }");
    return run.Judge(event);
  };
  const auto dispose = [&](const char* may) {
    MustDo({"lab.qa.1"}, std::string("site_qa_disposition { lot: 'LOT26001' suitable: YES "
                                     "ship_under_quarantine: ") +
                             may + " }");
  };
  EXPECT_TRUE(Says(ship("YES"), "R34"));
  dispose("NO");
  EXPECT_TRUE(Says(ship("YES"), "R34"));
  dispose("YES");
  EXPECT_TRUE(Says(ship("NO"), "R34"));
  EXPECT_FALSE(Says(ship("YES"), "R34")) << Explain(ship("YES"));
}

TEST_F(SafetyRulesTest, ConsentToProductOutOfSpecificationIsAskedAgainAtTheBedside) {
  run.Through("bedside_id_verified");
  EventBuilder start = run.Next();
  pb::Lot& lot = *run.mutable_state().mutable_lots(0);
  lot.set_state(pb::LOT_RELEASED_OOS);
  for (const std::string_view link : OosLinks()) lot.add_oos(std::string(link));
  run.mutable_state().set_consent_oos(true);
  EXPECT_FALSE(run.Judge(start).refused()) << Explain(run.Judge(start));
  MustDo({"clinic.rn.1"},
         "consent_withdrawn { withdrawn_at $T purposes: CONSENT_TO_OUT_OF_SPECIFICATION "
         "withdrawn_by: CONSENT_BY_PATIENT }");
  EXPECT_TRUE(Says(run.Judge(start), "R34"));
}

TEST_F(SafetyRulesTest, AWaiverNeedsFewWhiteCellsAndTheThawThenWaitsForTheProduct) {
  run.Until("ld_started");
  const auto waive = [&](const char* wbc, const char* sampled) {
    return run.Judge(run.Draft({"clinic.phy.1"}, std::string("ld_waived { wbc_1e9_per_l: ") + wbc +
                                                     " wbc_sampled_at " + sampled +
                                                     " reason: 'few cells' }"));
  };
  EXPECT_FALSE(waive("1", "$T-2d").refused()) << Explain(waive("1", "$T-2d"));
  EXPECT_TRUE(Says(waive("1.1", "$T-2d"), "R20"));
  EXPECT_EQ(Of(waive("1.1", "$T-2d"), "R20")[0].grantors(0), pb::PHY);
  EXPECT_TRUE(Says(waive("1", "$T-8d"), "R20"));
  EXPECT_TRUE(Says(waive("1", "$T+1d"), "R20"));
  run.Until("thaw_started");
  EventBuilder thaw = run.Next();
  run.mutable_state().mutable_ld()->Clear();
  run.mutable_state().mutable_ld()->set_waived(true);
  run.mutable_state().mutable_ld()->set_waiver_wbc_us(ledger.now().micros - kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(thaw), "R18")) << Explain(run.Judge(thaw));
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_FILLED);
  EXPECT_TRUE(Says(run.Judge(thaw), "R18"));
}

TEST_F(SafetyRulesTest, TheFirstInfusionIsTheFirstDoseWhateverTheOrderSays) {
  run.Until("removed_from_storage");
  run.mutable_state().mutable_orders(0)->set_dose_number(2);
  run.mutable_state().mutable_ld()->set_last_dose_us(ledger.now().micros - 9 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R20"));
}

TEST_F(SafetyRulesTest, TheLastDoseIsNeitherInTheFutureNorUndoneByASummary) {
  run.Until("ld_completed");
  const std::int64_t dose = run.state().ld().last_dose_us();
  EventBuilder completed = run.Next();
  *completed.event().mutable_ld_completed()->mutable_last_dose_at() =
      ToProto(ledger.now() + 9 * kMicrosPerDay);
  ASSERT_FALSE(run.Record(completed).refused());
  EXPECT_EQ(run.state().ld().last_dose_us(), ledger.now().micros);
  EXPECT_GE(run.state().ld().last_dose_us(), dose);
}

TEST_F(SafetyRulesTest, AnOrderIsOfOneLotByItsOwnCertificate) {
  EventBuilder order = At("infusion_ordered");
  EXPECT_FALSE(run.Judge(order).refused()) << Explain(run.Judge(order));
  pb::Lot* other = run.mutable_state().add_lots();
  other->set_lot("LOT26002");
  other->set_certificate("CERT-2");
  order.event().mutable_infusion_ordered()->set_certificate("CERT-2");
  EXPECT_TRUE(Says(run.Judge(order), "R37"));
  order.event().mutable_infusion_ordered()->set_lot("LOT26002");
  EXPECT_TRUE(Says(run.Judge(order), "R37"));
}

TEST_F(SafetyRulesTest, AConsentWithSomebodyElsesWristbandOpensNoDoor) {
  run.Until("consent_obtained");
  EventBuilder consent = run.Next();
  pb::IdentifierCommitment* read = consent.event().mutable_consent_obtained()->add_wristband();
  read->set_type("mrn");
  read->set_commitment(Sha256("somebody else").ToString());
  read->set_source(pb::SCANNED);
  const pb::Verdict verdict = run.Record(consent);
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F8a"));
  EXPECT_FALSE(run.state().consent_collection());
}

TEST_F(SafetyRulesTest, LabelsThatAreNotAccountedForAreACriticalDeviation) {
  EventBuilder label = At("label_completed");
  label.event().mutable_label_completed()->set_printed(3);
  const pb::Verdict verdict = run.Record(label);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U);
  EXPECT_TRUE(Of(verdict, "F8b")[0].critical());
}

TEST_F(SafetyRulesTest, CellsWhoseIdentityDoesNotMatchAreNotAccepted) {
  EventBuilder check = At("incoming_qc_passed");
  check.event().mutable_incoming_qc_passed()->set_identity_match(pb::NO);
  ASSERT_FALSE(run.Record(check).refused());
  EXPECT_FALSE(run.state().donations(0).accepted());
  EXPECT_FALSE(OpenQuarantines(run.state(), *FindContainer(run.state(), kMainDin)).empty());
}

TEST_F(SafetyRulesTest, ANewIdentifierHangsOnAKnownOne) {
  run.Until("eligibility_assessed");
  const auto added = [&](const std::string& type, const std::string& hook) {
    EventBuilder event = run.Draft({"clinic.coord.1", "clinic.rn.1"},
                                   "patient_identifier_added { change: "
                                   "IDENTIFIER_CHANGE_NEW_WRISTBAND site: 'CLINIC' }");
    auto& body = *event.event().mutable_patient_identifier_added();
    const auto put = [](auto* list, const std::string& kind, const std::string& value) {
      pb::IdentifierCommitment* id = list->Add();
      id->set_type(kind);
      id->set_commitment(value);
      id->set_source(pb::SCANNED);
    };
    const std::string fresh = Sha256("a new number").ToString();
    put(body.mutable_identifiers(), "mrn", fresh);
    for (const char* who : {"clinic.coord.1", "clinic.rn.1"}) {
      pb::IdentityReading& reading = *body.add_readings();
      reading.set_person(who);
      *reading.mutable_at() = ToProto(ledger.now());
      reading.set_read_from(pb::READ_FROM_WRISTBAND);
      put(reading.mutable_identifiers(), "mrn", fresh);
      put(reading.mutable_identifiers(), type, hook);
    }
    return run.Judge(event);
  };
  ASSERT_EQ(run.state().identity(0).type(), "mrn");
  ASSERT_EQ(run.state().identity(1).type(), "dob");
  const std::string number = run.state().identity(0).value();
  const std::string birth_date = run.state().identity(1).value();
  EXPECT_TRUE(Says(added("mrn", Sha256("another").ToString()), "R38"));
  EXPECT_TRUE(added("mrn", Sha256("another").ToString()).refused());
  EXPECT_FALSE(added("mrn", number).refused()) << Explain(added("mrn", number));
  // Many are born on the same day: the new number may be one of theirs.
  EXPECT_TRUE(added("dob", birth_date).refused());
  EXPECT_TRUE(added("mrn", birth_date).refused()) << "by whatever name it is read";
}

TEST_F(SafetyRulesTest, NobodyAcceptsTheirOwnHandOverNorInAnothersPlace) {
  run.Until("packed");
  MustDo({"clinic.aph.1"},
         "handover_offered { closed: NO containers: 'A999026000001' coi: 'CHA999026000001' "
         "to_site: 'CLINIC' to_person: 'clinic.cell_lab.1' expires_at $T+2h }");
  const std::string offer = run.last().parsed.event_id.ToString();
  const auto accept = [&](const char* who) {
    EventBuilder event = run.Draft({who},
                                   "handover_accepted { containers: 'A999026000001' "
                                   "coi: 'CHA999026000001' intact: YES }");
    event.event().mutable_handover_accepted()->set_offer(offer);
    return run.Judge(event);
  };
  EXPECT_TRUE(accept("clinic.aph.1").refused());
  EXPECT_TRUE(accept("clinic.pharm.1").refused());
  EXPECT_FALSE(accept("clinic.cell_lab.1").refused()) << Explain(accept("clinic.cell_lab.1"));
}

TEST_F(SafetyRulesTest, AnotherHospitalsPhysicianOverridesNothing) {
  run.Until("removed_from_storage");
  run.mutable_state().add_party_sites("OTHER");
  const std::string text =
      "override_granted { rules: 'R20' step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP "
      "reason: OVERRIDE_FOR_OTHER justification: 'x' verbal: NO expires_at $T+2h }";
  EXPECT_TRUE(Says(run.Judge(run.Draft({"other.phy.1"}, text)), "OVERRIDE"));
  EXPECT_FALSE(run.Judge(run.Draft({"clinic.phy.1"}, text)).refused());
}

TEST_F(SafetyRulesTest, AWordThatNobodyGaveIsACriticalDeviationAtOnce) {
  run.Until("removed_from_storage");
  MustDo({"clinic.rn.1", "clinic.pharm.1"},
         "override_granted { rules: 'R20' step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP "
         "reason: OVERRIDE_FOR_MEDICAL_NEED justification: 'by phone' verbal: YES "
         "authority: 'clinic.phy.1' expires_at $T+2h }");
  EventBuilder denied = run.Draft({"clinic.phy.1"}, "override_confirmed { confirmed: NO }");
  denied.event().mutable_override_confirmed()->set_grant(run.last().parsed.event_id.ToString());
  ASSERT_FALSE(run.Record(denied).refused());
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_TRUE(run.state().deviations(0).critical());
  EXPECT_TRUE(run.state().grants(0).denied());
}

}  // namespace
}  // namespace custody
