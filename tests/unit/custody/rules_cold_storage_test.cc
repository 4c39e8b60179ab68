// R13 beyond one file of one trip: files that leave a hole between them, cells used before anybody
// looked, what the receiver reads off, a shipper that stays the storage, and what goes back into
// it.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ColdStorageTest : public RulesTest {
 protected:
  // The file of the way back, which the main path reads out after the receipt.
  EventBuilder File() {
    run.Through("stored_clinic");
    return run.Next();
  }
  EventBuilder Readout(std::int64_t from, std::int64_t to, bool complete, int warmest = -15500) {
    EventBuilder event =
        run.Draft({"clinic.pharm.1"},
                  "telemetry_batch { logger: 'LOG-2' shipper: 'SHP-2' readings: 294 interval_ms: "
                  "300000 min_temperature_centi_c: -18500 max_temperature_centi_c: -15500 "
                  "mkt_temperature_centi_c: -17000 calibration_until $T+200d file $FILE summary: "
                  "SUMMARY_RECKONED upper_limit_centi_c: -13000 }");
    pb::TelemetryBatch& body = *event.event().mutable_telemetry_batch();
    *body.mutable_from() = ToProto(Instant{from});
    *body.mutable_to() = ToProto(Instant{to});
    body.set_complete(complete ? pb::YES : pb::NO);
    body.set_max_temperature_centi_c(warmest);
    return event;
  }
  const pb::Shipment& Trip() const { return run.state().shipments(1); }
  const pb::Container& Bag() const { return *FindContainer(run.state(), kMainBag); }
  bool Held() const { return !OpenQuarantines(run.state(), Bag()).empty(); }
  EventBuilder Return(int centi_c, int minutes) {
    return run.Draft({"clinic.pharm.1", "clinic.cell_lab.1"},
                     "returned_to_storage { container $SCAN:LOT26001-1 position $SCAN:C-LN2-4 "
                     "returned_at $T max_temperature_centi_c: " +
                         std::to_string(centi_c) + " minutes_out: " + std::to_string(minutes) +
                         " reason: 'patient febrile' }");
  }
};

TEST_F(ColdStorageTest, AHoleBetweenTwoFilesIsAGap) {
  run.Through("stored_clinic");
  const std::int64_t packed = Trip().packed_us();
  const std::int64_t opened = Trip().seal_opened_us();
  run.Record(Readout(packed, packed + 8 * kMicrosPerHour, false));
  EXPECT_FALSE(Held());
  const pb::Verdict verdict =
      run.Record(Readout(packed + 18 * kMicrosPerHour, opened + kMicrosPerHour, true));
  ASSERT_TRUE(Says(verdict, "R13")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R13")[0].found(), HasSubstr("10 h"));
  EXPECT_TRUE(Held());
}

TEST_F(ColdStorageTest, HeatAndAGapOfOneFileAreDecidedApart) {
  run.Through("stored_clinic");
  const std::int64_t packed = Trip().packed_us();
  EventBuilder file = Readout(packed, Trip().seal_opened_us() - 10 * kMicrosPerHour, true, -9000);
  pb::TelemetryExcursion* stretch = file.event().mutable_telemetry_batch()->add_excursions();
  *stretch->mutable_from() = ToProto(Instant{packed + 2 * kMicrosPerHour});
  stretch->set_duration_ms(std::uint64_t{60} * 60'000);
  stretch->set_extreme_temperature_centi_c(-9000);
  stretch->set_limit_temperature_centi_c(-13000);
  stretch->set_channel(pb::CHANNEL_INNER);
  run.Record(file);
  ASSERT_EQ(run.state().quarantines_size(), 2);
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE cause: "
         "QUARANTINED_FOR_DATA_ABSENT reason: 'the rest was read off' }");
  EXPECT_TRUE(Held()) << "the heat stands";
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE cause: "
         "QUARANTINED_FOR_TEMPERATURE reason: 'short' }");
  EXPECT_FALSE(Held());
}

TEST_F(ColdStorageTest, WhatBecameWarmOutOfStorageIsNotCoveredByDataThatWereMissingBefore) {
  run.Until("removed_from_storage");
  MustDo({"clinic.pharm.1"},
         "temperature_excursion { from $T-3h containers: 'LOT26001-1' data_absent: YES }");
  const pb::Verdict verdict = run.Judge(Return(-9000, 2));
  ASSERT_TRUE(Says(verdict, "R13")) << Explain(verdict);
  EXPECT_TRUE(verdict.refused());
}

TEST_F(ColdStorageTest, FilesThatMeetLeaveNoGap) {
  run.Through("stored_clinic");
  const std::int64_t packed = Trip().packed_us();
  run.Record(Readout(packed + 9 * kMicrosPerHour, packed + 30 * kMicrosPerHour, false));
  const pb::Verdict verdict = run.Record(Readout(packed, packed + 9 * kMicrosPerHour, true));
  EXPECT_FALSE(Says(verdict, "R13")) << Explain(verdict);
  ASSERT_EQ(Trip().data_size(), 1);
  EXPECT_EQ(Trip().data(0).from_us(), packed);
}

TEST_F(ColdStorageTest, CellsUsedBeforeTheFileWasReadAreACriticalDeviation) {
  run.Through("received_mfg");
  run.Skip("incoming_qc_passed");
  ASSERT_FALSE(run.Record(run.Next()).refused());
  const pb::Verdict verdict = run.Record(run.Next());  // batch_opened
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R13")[0].critical());
  EXPECT_THAT(Of(verdict, "R13")[0].next_step(), HasSubstr("TELEMETRY_BATCH"));
}

// Lymphodepletion waits for the files of what is here for it, not of a lot that is over (F12, F4).
TEST_F(ColdStorageTest, TheTripOfWhatIsNoLongerHereKeepsNobodyWaiting) {
  run.Until("ld_started");
  const auto trip = [&](const char* shipper, const char* container, const char* to) {
    pb::Shipment& shipment = *run.mutable_state().add_shipments();
    shipment.set_shipper(shipper);
    shipment.set_product(true);
    shipment.set_to_site(to);
    shipment.add_containers(container);
  };
  pb::Container& other = *run.mutable_state().add_containers();
  other = Bag();
  other.set_id("LOT26000-1");
  other.set_lot("LOT26000");
  trip("SHP-8", "LOT26000-1", "CLINIC");
  EventBuilder ld = run.Next();
  EXPECT_TRUE(Says(run.Judge(ld), "R13")) << "it lies here, and may be given";
  other.set_rejected(true);
  EXPECT_FALSE(Says(run.Judge(ld), "R13")) << Explain(run.Judge(ld));
  trip("SHP-9", "LOT26000-1", "LAB");
  other.set_rejected(false);
  other.set_site("LAB");
  EXPECT_FALSE(Says(run.Judge(ld), "R13")) << Explain(run.Judge(ld));
  other.set_site("CLINIC");
  other.set_state(pb::CONTAINER_INFUSED);
  EXPECT_FALSE(Says(run.Judge(ld), "R13")) << Explain(run.Judge(ld));
}

TEST_F(ColdStorageTest, ADisplayOutsideTheLimitAsksForTheFile) {
  EventBuilder receipt = At("received_mfg");
  pb::LoggerReading& read = *receipt.event().mutable_received_mfg()->add_logger_readings();
  read.set_logger("LOG-1");
  read.set_max_temperature_centi_c(700);
  EXPECT_FALSE(Says(run.Judge(receipt), "R13"));
  read.set_max_temperature_centi_c(2500);
  const pb::Verdict verdict = run.Record(receipt);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R13")[0].critical());
}

TEST_F(ColdStorageTest, AWarmBoxAtTheOpenedLidIsQuarantined) {
  EventBuilder receipt = At("received_clinic");
  receipt.event().mutable_received_clinic()->set_temperature_centi_c(-15000);
  EXPECT_FALSE(Says(run.Judge(receipt), "R13"));
  receipt.event().mutable_received_clinic()->set_temperature_centi_c(-9000);
  run.Record(receipt);
  EXPECT_TRUE(Held());
}

TEST_F(ColdStorageTest, AShipperThatIsStorageIsJudgedAsStorage) {
  run.Through("received_clinic");
  run.Skip("telemetry_batch");
  ASSERT_FALSE(run.Record(run.Next()).refused());  // the file of the way
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+5d position: 'BENCH-2' }");
  const std::int64_t stored = ledger.now().micros;
  Pass(10 * kMicrosPerHour);
  const auto warm = [&](std::int64_t from) {
    EventBuilder file =
        Readout(stored - kMicrosPerHour, stored + 10 * kMicrosPerHour, false, -9000);
    pb::TelemetryExcursion* stretch = file.event().mutable_telemetry_batch()->add_excursions();
    *stretch->mutable_from() = ToProto(Instant{from});
    stretch->set_duration_ms(std::uint64_t{30} * 60'000);
    stretch->set_extreme_temperature_centi_c(-9000);
    stretch->set_limit_temperature_centi_c(-13000);
    stretch->set_channel(pb::CHANNEL_INNER);
    return run.Judge(file);
  };
  EXPECT_FALSE(Says(warm(stored - 50 * kMicrosPerMinute), "R13"));  // while the lid was open
  EXPECT_TRUE(Says(warm(stored + 2 * kMicrosPerHour), "R13"));
  MustDo({"clinic.pharm.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_EQ(Trip().emptied_us(), ledger.now().micros);
  EXPECT_TRUE(Bag().shipment().empty());
  EXPECT_FALSE(Says(warm(stored + 11 * kMicrosPerHour), "R13"));  // nothing is in it
}

TEST_F(ColdStorageTest, WhoTakesABagOutOfAShipperHasReadItsLogger) {
  run.Through("received_clinic");
  run.Skip("telemetry_batch");
  ASSERT_FALSE(run.Record(run.Next()).refused());  // the file of the way
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+8d position: 'C-LN2-4' }");
  const std::int64_t stored = ledger.now().micros;
  run.Until("removed_from_storage");
  EventBuilder taken = run.Next();
  const pb::Verdict verdict = run.Judge(taken);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R13")[0].next_step(), HasSubstr("TELEMETRY_BATCH"));
  run.Record(Readout(stored - kMicrosPerHour, ledger.now().micros - 2 * kMicrosPerHour, false));
  EXPECT_TRUE(Says(run.Judge(taken), "R13"));
  run.Record(Readout(stored - kMicrosPerHour, ledger.now().micros - kMicrosPerHour / 2, false));
  EXPECT_FALSE(Says(run.Judge(taken), "R13")) << Explain(run.Judge(taken));
}

TEST_F(ColdStorageTest, AfterItsHoldAShipperIsNoStorage) {
  run.Through("received_clinic");
  run.Skip("telemetry_batch");
  ASSERT_FALSE(run.Record(run.Next()).refused());
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+3d position: 'C-LN2-4' }");
  const std::int64_t stored = ledger.now().micros;
  run.Until("removed_from_storage");
  EventBuilder taken = run.Next();
  run.Record(Readout(stored - kMicrosPerHour, ledger.now().micros, false));
  const pb::Verdict verdict = run.Judge(taken);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R13")[0].expected(), HasSubstr("within its hold"));
  // Into the freezer: it is here, and held.
  const pb::Verdict moved =
      Do({"clinic.pharm.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_TRUE(Says(moved, "R13")) << Explain(moved);
  EXPECT_TRUE(Held());
}

TEST_F(ColdStorageTest, AShipperIsQualifiedAnewAfterEachUse) {
  EventBuilder packed = At("packed");
  const auto judge = [&] { return run.Judge(packed); };
  pb::Packed& body = *packed.event().mutable_packed();
  body.set_shipper_kind(pb::SHIPPER_DRY_VAPOUR);
  EXPECT_FALSE(Says(judge(), "R12")) << Explain(judge());
  pb::Shipment& used = *run.mutable_state().add_shipments();
  used.set_shipper(body.shipper().value());
  used.set_received_us(ledger.now().micros - 2 * kMicrosPerDay);
  EXPECT_TRUE(Says(judge(), "R12"));
  *body.mutable_shipper_qualified_at() = ToProto(ledger.now() + -3 * kMicrosPerDay);
  EXPECT_TRUE(Says(judge(), "R12"));
  *body.mutable_shipper_qualified_at() = ToProto(ledger.now() + -kMicrosPerDay);
  EXPECT_FALSE(Says(judge(), "R12")) << Explain(judge());
}

TEST_F(ColdStorageTest, WhatBecameTooWarmGoesBackInQuarantineOnly) {
  At("thaw_started");  // five minutes after the removal
  EXPECT_FALSE(Says(run.Judge(Return(-15000, 4)), "R13"));
  const pb::Verdict verdict = run.Judge(Return(-6000, 4));
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R13")[0].next_step(), HasSubstr("TEMPERATURE_EXCURSION"));
  MustDo({"clinic.pharm.1"},
         "temperature_excursion { containers: 'LOT26001-1' from $T-4m max_temperature_centi_c: "
         "-6000 }");
  EXPECT_TRUE(Held());
  const pb::Verdict back = run.Record(Return(-6000, 4));
  EXPECT_FALSE(back.refused()) << Explain(back);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_STORED);
}

TEST_F(ColdStorageTest, WhatWasOutTooLongGoesBackInQuarantineOnly) {
  At("thaw_started");
  Pass(2 * kMicrosPerMinute);
  EXPECT_TRUE(run.Judge(Return(-15000, 4)).refused());  // the record says 7 min, whatever is typed
  EXPECT_TRUE(run.Judge(Return(-15000, 9)).refused());
  pb::Profile profile = DemoProfile();
  profile.set_version(2);
  profile.mutable_validity()->set_out_of_storage(2);
  ledger.PublishProfile(profile);
  run.mutable_state().mutable_containers(1)->set_removed_us(ledger.now().micros -
                                                            4 * kMicrosPerMinute);
  const pb::Verdict tighter = run.Judge(Return(-15000, 4));
  ASSERT_EQ(Of(tighter, "R13").size(), 1U) << Explain(tighter);
  EXPECT_THAT(Of(tighter, "R13")[0].expected(), HasSubstr("2 min"));
}

TEST_F(ColdStorageTest, WhatIsPutBackWithoutSayingHowWarmItBecameIsHeld) {
  At("thaw_started");
  const pb::Verdict verdict =
      Do({"clinic.pharm.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Held());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_STORED);
}

TEST_F(ColdStorageTest, WhatWasPutBackTooWarmIsHeldWhenItIsTold) {
  At("thaw_started");
  const pb::Verdict verdict = run.Record(Late(Return(-6000, 4)));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(Held());
  EXPECT_TRUE(run.state().deviations().rbegin()->critical());
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
         "cause: QUARANTINED_FOR_TEMPERATURE reason: 'within stability data' }");
  EXPECT_FALSE(Held());
}

// The freezer of the clinic, watched by a logger that never travelled.
class FreezerTest : public ColdStorageTest {
 protected:
  void SetUp() override { run.Through("stored_clinic"); }
  EventBuilder Watch(const char* unit, const char* from, const char* excursion, int warmest) {
    return run.Draft({"clinic.pharm.1"},
                     std::string("telemetry_batch { logger: 'LOG-9' storage_unit: '") + unit +
                         "' readings: 294 interval_ms: 300000 min_temperature_centi_c: -18500 "
                         "max_temperature_centi_c: " +
                         std::to_string(warmest) +
                         " mkt_temperature_centi_c: -17000 calibration_until $T+200d file $FILE "
                         "summary: SUMMARY_RECKONED upper_limit_centi_c: -13000 complete: NO from "
                         "$T-" +
                         from + " to $T " + excursion + " }");
  }
};

TEST_F(FreezerTest, AWarmFreezerQuarantinesWhatLayInIt) {
  Pass(kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(Watch("C-LN2", "3d", "", -15500)), "R13"));
  const pb::Verdict verdict = run.Record(Watch(
      "C-LN2", "3d",
      "excursions { channel: CHANNEL_INNER from $T-2h duration_ms: 3600000 "
      "limit_temperature_centi_c: -13000 extreme_temperature_centi_c: 2000 } excursion_count: 1",
      2000));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R13")[0].found(), HasSubstr("20 C for 60 min"));
  EXPECT_TRUE(Held());
}

TEST_F(FreezerTest, WhatHappenedBeforeItLayThereDoesNotConcernIt) {
  Pass(kMicrosPerDay);
  const pb::Verdict verdict = run.Judge(Watch(
      "C-LN2", "3d",
      "excursions { channel: CHANNEL_INNER from $T-70h duration_ms: 3600000 "
      "limit_temperature_centi_c: -13000 extreme_temperature_centi_c: 2000 } excursion_count: 1",
      2000));
  EXPECT_FALSE(Says(verdict, "R13")) << Explain(verdict);
}

TEST_F(FreezerTest, AnotherFreezerDoesNotConcernIt) {
  Pass(kMicrosPerDay);
  const pb::Verdict verdict = run.Judge(Watch("C-LN22", "3d", "", 2000));
  EXPECT_FALSE(Says(verdict, "R13")) << Explain(verdict);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

}  // namespace
}  // namespace custody
