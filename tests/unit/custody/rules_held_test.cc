// What a number means (a container, a lot, a donation), and that what holds the cells holds the
// product made of them.
#include <gmock/gmock.h>

#include "custody/alerts.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

constexpr const char* kDonation = "A999026000001";

class HeldRulesTest : public RulesTest {
 protected:
  void Doubt(const std::string& items) {
    MustDo({"clinic.rn.1"}, "identity_in_doubt { items: '" + items +
                                "' kind: DOUBT_LABELS_DISAGREE finding: 'x' thawed: NO }");
  }
  std::string Resolution(const std::string& items, const char* outcome) {
    return "identity_resolved { quarantine: '" + run.state().quarantines().rbegin()->id() +
           "' items: '" + items + "' outcome: " + outcome + " evidence: 'retained label' }";
  }
  void Resolve(const std::string& items, const char* outcome) {
    MustDo({"clinic.qa.1", "lab.qa.1"}, Resolution(items, outcome));
  }
  const pb::Container& Container(std::string_view id) {
    const pb::Container* found = FindContainer(run.state(), id);
    EXPECT_NE(found, nullptr) << id;
    return found == nullptr ? pb::Container::default_instance() : *found;
  }
  bool Held(std::string_view id) { return !OpenQuarantines(run.state(), Container(id)).empty(); }
  // Another bag of the main lot, released with it.
  void AddBag(const std::string& id) {
    const pb::Container bag = Container(kMainBag);
    pb::Container* other = run.mutable_state().add_containers();
    *other = bag;
    other->set_id(id);
  }
  // The collection frozen into two bags, whose donation number names none of them alone.
  void FreezeInTwoBags() {
    run.Until("packed");
    MustDo({"clinic.cell_lab.1"},
           std::string("apheresis_cryopreserved { din: '") + kDonation +
               "' freeze_started_at $T-2h freeze_ended_at $T-1h rate_program: '1' "
               "freezer: 'CRF' wbc_concentration_1e8_per_ml: 1 dmso_percent: 10 containers { "
               "container: 'FRZ-1' volume_ml: 90 position: 'P-1' } "
               "containers { container: 'FRZ-2' volume_ml: 90 position: 'P-2' } }");
    for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
      if (!bag.id().starts_with("FRZ")) continue;  // received and checked in, as it were
      bag.set_site("LAB");
      bag.set_accepted(true);
    }
  }
  static std::string Decision(const std::string& containers, const char* verdict,
                              const char* cause = "QUARANTINED_FOR_TEMPERATURE") {
    return "quarantine_decided { containers: '" + containers + "' verdict: " + verdict +
           " cause: " + cause + " reason: 'x' }";
  }
};

TEST_F(HeldRulesTest, ALotInDoubtThatIsNotConfirmedIsRejectedBagByBag) {
  run.Until("ld_started");
  AddBag("LOT26001-2");
  Doubt("LOT26001");
  EXPECT_TRUE(Held(kMainBag));
  EXPECT_TRUE(Held("LOT26001-2"));
  Resolve("LOT26001", "DOUBT_RESOLVED_NOT_CONFIRMED");
  EXPECT_TRUE(Container(kMainBag).rejected());
  EXPECT_TRUE(Container("LOT26001-2").rejected());
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_REJECTED);
  EXPECT_FALSE(run.state().quarantines(0).open());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R18"));
}

TEST_F(HeldRulesTest, ALotInDoubtThatIsConfirmedIsCheckedAnew) {
  run.Until("thaw_started");
  ASSERT_FALSE(Container(kMainBag).prethaw().empty());
  Doubt("LOT26001");
  Resolve("LOT26001", "DOUBT_RESOLVED_CONFIRMED");
  EXPECT_FALSE(Held(kMainBag));
  EXPECT_TRUE(Container(kMainBag).prethaw().empty());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R35"));
}

TEST_F(HeldRulesTest, OneBagOfALotInDoubtGoesFreeAloneAndTheRestStaysHeld) {
  run.Until("ld_started");
  AddBag("LOT26001-2");
  Doubt("LOT26001");
  Resolve(std::string(kMainBag), "DOUBT_RESOLVED_CONFIRMED");
  EXPECT_FALSE(Held(kMainBag));
  EXPECT_TRUE(Held("LOT26001-2"));
  Resolve("LOT26001", "DOUBT_RESOLVED_CONFIRMED");
  EXPECT_FALSE(Held("LOT26001-2"));
}

TEST_F(HeldRulesTest, ADoubtAboutACassetteShipperOrSealHoldsWhatIsInside) {
  const EventBuilder ld = At("ld_started");
  ASSERT_EQ(Container(kMainBag).cassette(), "CAS-1");
  for (const char* name : {"CAS-1", "SHP-2", "SH-2", "SEAL-2"}) {
    Doubt(name);
    EXPECT_TRUE(Held(kMainBag)) << name;
    EXPECT_TRUE(Says(run.Judge(ld), "R18")) << name;
    const std::string bag(kMainBag);
    Resolve(name == std::string("CAS-1") ? name : bag, "DOUBT_RESOLVED_CONFIRMED");
    EXPECT_FALSE(Held(kMainBag)) << name;
    EXPECT_FALSE(run.state().quarantines().rbegin()->open()) << name;
  }
}

TEST_F(HeldRulesTest, ADoubtAboutWhatTheTherapyDoesNotHaveIsACriticalDeviationThatNamesIt) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.rn.1"},
                                 "identity_in_doubt { items: 'LOT26001-1' items: 'CAS-77' kind: "
                                 "DOUBT_LABELS_DISAGREE finding: 'x' thawed: NO }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8b")[0].found(), HasSubstr("CAS-77"));
  EXPECT_TRUE(run.state().deviations().rbegin()->critical());
  EXPECT_TRUE(Held(kMainBag));
}

TEST_F(HeldRulesTest, ADoubtAboutASyringeHoldsItsBagAndOneAboutABagHasItsSiblingsCheckedAnew) {
  run.Through("thaw_completed");
  MustDo({"clinic.pharm.1", "clinic.rn.1"},
         "container_derived { parent: 'LOT26001-1' container: 'SYR-1' kind: VESSEL_SYRINGE "
         "volume_ml: 5 derived_at $T reason: 'small patient' label_version: 'L' }");
  Doubt("SYR-1");
  EXPECT_TRUE(Held("SYR-1"));
  EXPECT_TRUE(Held(kMainBag));
  Resolve("SYR-1' items: 'LOT26001-1", "DOUBT_RESOLVED_CONFIRMED");
  EXPECT_FALSE(Held(kMainBag));
  ASSERT_FALSE(run.Record(run.Next()).refused());
  ASSERT_TRUE(Container(kMainBag).has_pass());
  MustDo({"clinic.rn.1"},
         "identity_in_doubt { items: 'SYR-1' siblings: 'LOT26001-1' kind: DOUBT_UNLABELLED "
         "finding: 'x' thawed: YES }");
  EXPECT_FALSE(Container(kMainBag).has_pass());
}

TEST_F(HeldRulesTest, AHoldOfTheCellsHoldsTheProductThatWasMadeOfThem) {
  const EventBuilder ld = At("ld_started");
  for (const char* name : {"A999026000001", "LOT26001", "CAS-1", "SHP-2"}) {
    MustDo({"clinic.qa.1"}, std::string("hold_set { kind: HOLD_QUALITY reason: 'mix-up in the "
                                        "room' containers: '") +
                                name + "' }");
    EXPECT_FALSE(OpenHolds(run.state(), "THAW", &Container(kMainBag)).empty()) << name;
    EXPECT_TRUE(OpenHolds(run.state(), "THAW", nullptr).empty()) << name;
    EXPECT_TRUE(Says(run.Judge(ld), "R18")) << name;
    run.mutable_state().mutable_holds()->rbegin()->set_open(false);
  }
}

TEST_F(HeldRulesTest, AHoldByTheDonationsNumberHoldsEachOfItsBags) {
  FreezeInTwoBags();
  MustDo({"clinic.qa.1"}, std::string("hold_set { kind: HOLD_QUALITY reason: 'x' containers: '") +
                              kDonation + "' }");
  EXPECT_FALSE(OpenHolds(run.state(), "SHIP", &Container("FRZ-1")).empty());
  EXPECT_FALSE(OpenHolds(run.state(), "SHIP", &Container("FRZ-2")).empty());
  const pb::Verdict unknown =
      Do({"clinic.qa.1"}, "hold_set { kind: HOLD_QUALITY reason: 'x' containers: 'CAS-77' }");
  EXPECT_TRUE(unknown.refused());
  EXPECT_TRUE(Says(unknown, "F8a")) << Explain(unknown);
}

TEST_F(HeldRulesTest, ALotInDoubtHoldsWhatIsStillFilledOfIt) {
  run.Until("filled");
  Doubt("LOT26001");
  MustDo({"lab.mfg.1", "lab.mfg2.1"},
         "filled { lot: 'LOT26001' containers { container: 'LOT26001-1' kind: VESSEL_BAG "
         "nominal_dose_1e6: 144 volume_ml: 68 integrity: YES } filled_at $T labels_printed: 1 "
         "labels_applied: 1 labels_destroyed: 0 label_version: 'P1' labels_read_back: YES }");
  EXPECT_TRUE(Held(kMainBag));
}

TEST_F(HeldRulesTest, ADonationsNumberMeansAllOfItsBags) {
  FreezeInTwoBags();
  MustDo({"clinic.pharm.1"},
         std::string("temperature_excursion { from $T-30m containers: '") + kDonation + "' }");
  EXPECT_TRUE(Held("FRZ-1"));
  EXPECT_TRUE(Held("FRZ-2"));
  MustDo({"lab.qa.1"}, Decision(kDonation, "QUARANTINE_REJECT"));
  EXPECT_EQ(Container("FRZ-1").state(), pb::CONTAINER_REJECTED);
  EXPECT_EQ(Container("FRZ-2").state(), pb::CONTAINER_REJECTED);
  const pb::Verdict batch =
      run.Judge(run.Draft({"lab.mfg.1", "lab.qa.1"},
                          std::string("batch_opened { lot: 'LOT26001' donations: '") + kDonation +
                              "' coi: 'CHA999026000001' batch_record_version: 'BR-4' suite: 'S1' "
                              "line_clearance: YES started_at $T }"));
  EXPECT_TRUE(batch.refused());
  ASSERT_TRUE(Says(batch, "F17")) << Explain(batch);
  EXPECT_THAT(Of(batch, "F17")[0].next_step(), HasSubstr("RECOLLECTION_ORDERED"));
}

TEST_F(HeldRulesTest, AWholeLotThatGotWarmIsHeldAndDecidedByItsNumber) {
  run.Until("ld_started");
  AddBag("LOT26001-2");
  const pb::Verdict warm =
      Do({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001' }");
  EXPECT_FALSE(Says(warm, "F8a")) << Explain(warm);
  EXPECT_TRUE(Held(kMainBag));
  EXPECT_TRUE(Held("LOT26001-2"));
  MustDo({"lab.qa.1"}, Decision("LOT26001", "QUARANTINE_USE"));
  EXPECT_FALSE(Held(kMainBag));
  EXPECT_FALSE(Held("LOT26001-2"));
}

TEST_F(HeldRulesTest, ADoubtAboutTheCellsHoldsTheProductThatWasMadeOfThem) {
  run.Until("ld_started");
  ASSERT_EQ(Container(kDonation).state(), pb::CONTAINER_CONSUMED);
  Doubt(kDonation);
  EXPECT_TRUE(Held(kMainBag));
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R18"));
  Resolve(kDonation, "DOUBT_RESOLVED_NOT_CONFIRMED");
  EXPECT_FALSE(Held(kMainBag));
  run.Skip("removed_from_storage");
  const pb::Verdict removal = run.Judge(run.Next());
  ASSERT_TRUE(Says(removal, "R34")) << Explain(removal);
  EXPECT_EQ(Of(removal, "R34")[0].found(), "A999026000001 was rejected");
}

TEST_F(HeldRulesTest, ALoggerFileReadAfterTheBatchWasOpenedHoldsTheRelease) {
  run.Until("telemetry_batch");
  run.Skip("incoming_qc_passed");
  run.Until("released");
  EventBuilder file =
      run.Draft({"lab.wh.1"},
                "telemetry_batch { logger: 'LOG-1' shipper: 'SHP-1' shipment: 'SH-1' "
                "from $T-451h to $T-432h readings: 234 interval_ms: 300000 "
                "min_temperature_centi_c: 320 max_temperature_centi_c: 2500 "
                "mkt_temperature_centi_c: 450 calibration_until $T+200d file $FILE "
                "complete: YES summary: SUMMARY_RECKONED lower_limit_centi_c: 200 "
                "upper_limit_centi_c: 800 }");
  ASSERT_FALSE(run.Record(file).refused());
  ASSERT_TRUE(Held(kDonation));  // used up long ago
  EXPECT_TRUE(Held(kMainBag));
  EventBuilder step = run.Next();
  const pb::Verdict release = run.Judge(step);
  EXPECT_TRUE(release.refused());
  ASSERT_TRUE(Says(release, "R16")) << Explain(release);
  EXPECT_THAT(Of(release, "R16")[0].next_step(), HasSubstr("QUARANTINE_DECIDED"));
  MustDo({"lab.qa.1"}, Decision(kDonation, "QUARANTINE_REJECT"));
  const pb::Verdict rejected = run.Judge(step);
  ASSERT_TRUE(Says(rejected, "R16")) << Explain(rejected);
  EXPECT_EQ(Of(rejected, "R16")[0].found(), "A999026000001 was rejected");
}

TEST_F(HeldRulesTest, ARejectedBagThatDidNotGoIntoTheLotDoesNotHoldIt) {
  FreezeInTwoBags();
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-30m containers: 'FRZ-2' }");
  MustDo({"lab.qa.1"}, Decision("FRZ-2", "QUARANTINE_REJECT"));
  MustDo({"lab.mfg.1", "lab.qa.1"},
         std::string("batch_opened { lot: 'LOT26001' donations: '") + kDonation +
             "' coi: 'CHA999026000001' batch_record_version: 'BR-4' suite: 'S1' "
             "line_clearance: YES started_at $T }");
  const auto sources = SourcesOf(run.state(), kMainLot);
  ASSERT_EQ(sources.size(), 2U);  // the frozen bag, and the bag that was poured into both
  EXPECT_EQ(sources[0]->id(), "FRZ-1");
  EXPECT_EQ(RejectedAmong(sources), nullptr);
}

TEST_F(HeldRulesTest, ABrokenSealHoldsWhatIsInsideWithoutAScanOfIt) {
  run.Through("handed_to_carrier");
  MustDo({"depot.cour.1"},
         "seal_broken { shipper: 'SHP-1' seal_condition: SEAL_BROKEN found_at $T }");
  EXPECT_TRUE(Held(kDonation));
}

TEST_F(HeldRulesTest, ADecisionForAnotherCauseIsNotTakenForOneThatLifts) {
  run.Through("handed_to_carrier");
  MustDo({"depot.cour.1"},
         "seal_broken { shipper: 'SHP-1' seal_condition: SEAL_BROKEN found_at $T }");
  const pb::Verdict verdict =
      run.Judge(run.Draft({"lab.qa.1"}, Decision(kDonation, "QUARANTINE_USE")));
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F9")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F9")[0].next_step(), HasSubstr("(seal) of A999026000001"));
  MustDo({"lab.qa.1"}, Decision(kDonation, "QUARANTINE_USE", "QUARANTINED_FOR_SEAL"));
  EXPECT_FALSE(Held(kDonation));
}

TEST_F(HeldRulesTest, ACauseThatNoQuarantineTellsOfUsesOnlyWhatItNames) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  const std::string id = run.state().quarantines(0).id();
  for (const char* cause : {"QUARANTINED_FOR_OTHER", "QUARANTINED_FOR_DATA_ABSENT"}) {
    const pb::Verdict verdict = Do({"lab.qa.1"}, Decision("LOT26001-1", "QUARANTINE_USE", cause));
    EXPECT_TRUE(verdict.refused()) << cause;
    ASSERT_TRUE(Says(verdict, "F9")) << Explain(verdict);
    EXPECT_THAT(Of(verdict, "F9")[0].next_step(), HasSubstr("name one that is open: " + id));
    EXPECT_TRUE(Held(kMainBag)) << cause;
  }
  const auto naming = [&](const char* cause) {
    std::string named = Decision("LOT26001-1", "QUARANTINE_USE", cause);
    named.insert(named.rfind('}'), "quarantine: '" + id + "' ");
    return named;
  };
  const pb::Verdict other = Do({"lab.qa.1"}, naming("QUARANTINED_FOR_DATA_ABSENT"));
  EXPECT_TRUE(other.refused()) << "that missing data do no harm is no word on heat";
  EXPECT_THAT(Of(other, "F9")[0].found(), HasSubstr(id + " is for temperature"));
  EXPECT_TRUE(Held(kMainBag));
  MustDo({"lab.qa.1"}, naming("QUARANTINED_FOR_OTHER"));
  EXPECT_FALSE(Held(kMainBag));
}

TEST_F(HeldRulesTest, HeatAndMissingDataOfOneReportAreTwoQuarantinesWithAWordEach) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"},
         "temperature_excursion { from $T-3h containers: 'LOT26001-1' max_temperature_centi_c: "
         "-9000 data_absent: YES }");
  ASSERT_EQ(run.state().quarantines_size(), 2);
  EXPECT_EQ(run.state().quarantines(0).kind(), pb::QUARANTINED_TEMP);
  EXPECT_EQ(run.state().quarantines(1).kind(), pb::QUARANTINED_DATA);
  EXPECT_EQ(run.state().quarantines(1).id(), run.state().quarantines(0).id() + "-data");
  MustDo({"lab.qa.1"}, Decision("LOT26001-1", "QUARANTINE_USE", "QUARANTINED_FOR_DATA_ABSENT"));
  EXPECT_FALSE(run.state().quarantines(1).open());
  EXPECT_TRUE(Held(kMainBag)) << "of the heat nobody has said anything";
  MustDo({"lab.qa.1"}, Decision("LOT26001-1", "QUARANTINE_USE"));
  EXPECT_FALSE(Held(kMainBag));
  MustDo({"clinic.pharm.1"},
         "temperature_excursion { from $T-3h containers: 'LOT26001-1' data_absent: YES }");
  ASSERT_EQ(run.state().quarantines_size(), 3) << "nothing was measured: only data are missing";
  EXPECT_EQ(run.state().quarantines(2).kind(), pb::QUARANTINED_DATA);
  const auto alerts = Alerts(run.state(), run.registry(), ledger.now());
  EXPECT_TRUE(std::ranges::any_of(alerts, [](const Alert& alert) {
    return alert.text.find("in quarantine for missing data") != std::string::npos;
  }));
}

TEST_F(HeldRulesTest, WhatIsRejectedForWhateverElseNeedsNoFurtherDecision) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  MustDo({"lab.qa.1"}, Decision("LOT26001-1", "QUARANTINE_REJECT", "QUARANTINED_FOR_OTHER"));
  EXPECT_TRUE(Container(kMainBag).rejected());
  EXPECT_FALSE(run.state().quarantines(0).open());
}

}  // namespace
}  // namespace custody
