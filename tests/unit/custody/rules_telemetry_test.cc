// TELEMETRY, and what R13 makes of summaries that list only some stretches.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class TelemetryRulesTest : public RulesTest {
 protected:
  // The product's trip, read out after the receipt.
  EventBuilder File() {
    run.Through("stored_clinic");
    return run.Next();
  }
  static pb::TelemetryBatch& Batch(EventBuilder& event) {
    return *event.event().mutable_telemetry_batch();
  }
  bool Held() const {
    return !OpenQuarantines(run.state(), *FindContainer(run.state(), kMainBag)).empty();
  }
};

TEST_F(TelemetryRulesTest, RefusesASummaryReckonedByOtherLimitsThanTheProfiles) {
  EventBuilder event = File();
  EXPECT_FALSE(Says(run.Judge(event), "TELEMETRY"));
  Batch(event).set_upper_limit_centi_c(-12000);
  pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "TELEMETRY").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "TELEMETRY")[0].expected(), HasSubstr("-130.00 C at most"));
  EXPECT_THAT(Of(verdict, "TELEMETRY")[0].found(), HasSubstr("-120.00 C at most"));
  Batch(event).clear_upper_limit_centi_c();
  EXPECT_TRUE(run.Judge(event).refused());
  Batch(event).set_upper_limit_centi_c(-13000);
  Batch(event).set_lower_limit_centi_c(-20000);
  EXPECT_TRUE(run.Judge(event).refused());
  EXPECT_TRUE(run.Judge(Late(event)).refused());  // it is reckoned anew in a moment
}

TEST_F(TelemetryRulesTest, AsksNoLimitsWhereNoneAreKnown) {
  EventBuilder event = File();
  for (auto* name : {Batch(event).mutable_shipment(), Batch(event).mutable_shipper(),
                     Batch(event).mutable_logger()}) {
    *name = "ELSEWHERE";
  }
  Batch(event).clear_upper_limit_centi_c();
  EXPECT_FALSE(run.Judge(event).refused()) << Explain(run.Judge(event));
}

TEST_F(TelemetryRulesTest, RefusesAReckonedSummaryThatLacksItsNumbers) {
  EventBuilder event = File();
  Batch(event).clear_mkt_temperature_centi_c();
  EXPECT_TRUE(run.Judge(event).refused());
  EXPECT_TRUE(Says(run.Judge(event), "TELEMETRY"));
}

TEST_F(TelemetryRulesTest, ASummaryReadOffTheLoggerIsRecordedAndLookedAt) {
  EventBuilder event = File();
  Batch(event).set_summary(pb::SUMMARY_TYPED);
  Batch(event).clear_readings();
  Batch(event).clear_interval_ms();
  Batch(event).clear_mkt_temperature_centi_c();
  Batch(event).clear_upper_limit_centi_c();
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "TELEMETRY").size(), 1U);
  EXPECT_EQ(Of(verdict, "TELEMETRY")[0].kind(), pb::REASON_DEVIATION);
  EXPECT_TRUE(Of(verdict, "TELEMETRY")[0].critical());
  EXPECT_TRUE(run.state().shipments(1).telemetry());
  EXPECT_FALSE(Held());
  run.Until("infusion_started");  // a deviation, and no gate
}

TEST_F(TelemetryRulesTest, ATypedExtremeOutsideTheLimitHolds) {
  EventBuilder event = File();
  Batch(event).set_summary(pb::SUMMARY_TYPED);
  Batch(event).set_max_temperature_centi_c(-12500);
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R13"));
  EXPECT_TRUE(Held());
}

TEST_F(TelemetryRulesTest, R13CountsStretchesThatAreNotListedAsTheShortestThatIs) {
  EventBuilder event = File();
  pb::TelemetryBatch& batch = Batch(event);
  const std::int64_t packed = run.state().shipments(1).packed_us();
  pb::TelemetryExcursion& stretch = *batch.add_excursions();
  *stretch.mutable_from() = ToProto(Instant{packed + -kMicrosPerHour});  // before it counts
  stretch.set_duration_ms(10 * 60'000);
  stretch.set_extreme_temperature_centi_c(-12000);
  stretch.set_limit_temperature_centi_c(-13000);
  stretch.set_channel(pb::CHANNEL_INNER);
  batch.set_max_temperature_centi_c(-12000);
  batch.set_excursion_count(9);
  EXPECT_FALSE(Says(run.Judge(event), "R13")) << Explain(run.Judge(event));
  stretch.set_duration_ms(10 * 60'000 + 1);
  const pb::Verdict verdict = run.Judge(event);
  ASSERT_TRUE(Says(verdict, "R13"));
  EXPECT_THAT(Of(verdict, "R13")[0].found(), HasSubstr("more stretches than the 1 listed"));
  batch.clear_excursions();  // and counts nine
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
}

TEST_F(TelemetryRulesTest, R13CountsGapsThatAreNotListedAsTheShortestThatIs) {
  EventBuilder event = File();
  pb::TelemetryGap& gap = *Batch(event).add_gaps();
  *gap.mutable_from() = Batch(event).from();
  gap.set_duration_ms(60 * 60'000);
  Batch(event).set_gap_count(2);
  EXPECT_FALSE(Says(run.Judge(event), "R13")) << Explain(run.Judge(event));
  gap.set_duration_ms(61 * 60'000);
  *gap.mutable_from() = ToProto(Instant{run.state().shipments(1).packed_us() - 2 * kMicrosPerHour});
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
}

TEST_F(TelemetryRulesTest, WhatAFileGivesIsNeverCorrectedByHand) {
  EventBuilder event = File();
  ASSERT_FALSE(run.Record(event).refused());
  const auto correct = [&](const std::string& path, const std::string& was, const std::string& is) {
    EventBuilder correction =
        run.Draft({"clinic.pharm.1", "clinic.qa.1"},
                  "record_corrected { reason: 'typing error' corrections { field_path: '" + path +
                      "' old_value: '" + was + "' new_value: '" + is + "' } }");
    correction.event().mutable_record_corrected()->set_corrected_event(
        run.last().parsed.event_id.ToString());
    return run.Judge(correction);
  };
  const pb::Verdict verdict = correct("max_temperature_centi_c", "-15500", "-15600");
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F19")) << Explain(verdict);
  EXPECT_THAT(Explain(verdict), HasSubstr("record the file again"));
}

}  // namespace
}  // namespace custody
