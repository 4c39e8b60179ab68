// What a logger's file amounts to, and what is said when somebody states something else.
#include "custody/telemetry.h"

#include <gmock/gmock.h>

#include "custody/rules.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kStart = 1'774'958'400'000;  // 2026-03-31T12:00:00Z
constexpr std::int64_t kMinute = 60'000;

// Readings every five minutes, in 0.01 Cel.
LoggerFile FileOf(const std::vector<std::int32_t>& centi) {
  LoggerFile file;
  file.serial = "LOG-88";
  for (std::size_t i = 0; i < centi.size(); ++i) {
    file.readings.push_back({kStart + static_cast<std::int64_t>(i) * 5 * kMinute, centi[i]});
  }
  file.interval_ms = 5 * kMinute;
  return file;
}

std::int32_t Mean(const std::vector<std::int32_t>& centi) {
  return MeanKinetic(FileOf(centi).readings);
}

pb::TelemetryBatch SummaryOf(const LoggerFile& file, std::optional<std::int32_t> lower,
                             std::optional<std::int32_t> upper) {
  pb::TelemetryBatch batch;
  batch.set_logger("LOG-88");
  if (lower) batch.set_lower_limit_centi_c(*lower);
  if (upper) batch.set_upper_limit_centi_c(*upper);
  Summarize(file, batch);
  return batch;
}

std::int64_t MinuteOf(const google::protobuf::Timestamp& at) {
  return (FromProto(at).micros / 1000 - kStart) / kMinute;
}

// From another program, which follows FORMATS.md section 14 with integers of any length.
TEST(MeanKineticTest, IsWhatTheFormatSays) {
  EXPECT_EQ(Mean({500, 500, 500}), 500);
  EXPECT_EQ(Mean({200, 800}), 554);
  EXPECT_EQ(Mean({-18650, -18650, -18650, -10860}), -11227);
  EXPECT_EQ(Mean({2500, 2500, 4000}), 3271);
  EXPECT_EQ(Mean({-19600, 2500}), 1896);
  EXPECT_EQ(Mean({-27314, 20000}), 18498);
  EXPECT_EQ(Mean({0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 0);
  EXPECT_EQ(Mean({450, 480, 500, 490, 480, 530}), 489);
  EXPECT_EQ(Mean({-27314, -27314}), -27314);
  std::vector<std::int32_t> rising;
  for (std::int32_t i = 0; i < 9000; i += 7) rising.push_back(-18000 + i);
  EXPECT_EQ(Mean(rising), -10053);
}

TEST(SummarizeTest, GivesExtremesAndGaps) {
  LoggerFile file = FileOf({400, 500, 450, 300});
  file.readings[2].at_ms += 11 * kMinute;  // 16 min after the one before: more than three intervals
  file.readings[3].at_ms += 21 * kMinute;  // 15 min: not more
  const pb::TelemetryBatch batch = SummaryOf(file, {}, {});
  EXPECT_EQ(batch.summary(), pb::SUMMARY_RECKONED);
  EXPECT_EQ(MinuteOf(batch.from()), 0);
  EXPECT_EQ(MinuteOf(batch.to()), 36);
  EXPECT_EQ(batch.readings(), 4U);
  EXPECT_EQ(batch.interval_ms(), 300'000U);
  EXPECT_EQ(batch.min_temperature_centi_c(), 300);
  EXPECT_EQ(batch.max_temperature_centi_c(), 500);
  ASSERT_EQ(batch.gaps_size(), 1);
  EXPECT_EQ(MinuteOf(batch.gaps(0).from()), 5);
  EXPECT_EQ(batch.gaps(0).duration_ms(), 16U * kMinute);
  EXPECT_EQ(batch.gap_count(), 0U);
  EXPECT_EQ(batch.excursions_size(), 0);
  EXPECT_FALSE(batch.has_min_ambient_centi_c());
}

TEST(SummarizeTest, AStretchLastsUntilTheNextReadingWithinItsLimit) {
  const pb::TelemetryBatch batch =
      SummaryOf(FileOf({500, 801, 900, 800, 199, 850, 500, 810}), 200, 800);
  ASSERT_EQ(batch.excursions_size(), 4);
  const auto expect = [&](int i, std::int64_t from, std::uint64_t minutes, int extreme, int limit) {
    const pb::TelemetryExcursion& stretch = batch.excursions(i);
    EXPECT_EQ(MinuteOf(stretch.from()), from) << i;
    EXPECT_EQ(stretch.duration_ms(), minutes * kMinute) << i;
    EXPECT_EQ(stretch.extreme_temperature_centi_c(), extreme) << i;
    EXPECT_EQ(stretch.limit_temperature_centi_c(), limit) << i;
    EXPECT_EQ(stretch.channel(), pb::CHANNEL_INNER);
  };
  expect(0, 5, 10, 900, 800);
  expect(1, 20, 5, 199, 200);  // too cold, then at once too warm
  expect(2, 25, 5, 850, 800);
  expect(3, 35, 5, 810, 800);  // the last reading stands for one interval
}

TEST(SummarizeTest, ListsTheLongestOfManyInOrderOfTime) {
  std::vector<std::int32_t> centi;
  for (int i = 0; i < 300; ++i) {
    centi.push_back(900);
    if (i % 3 == 0) centi.push_back(950);  // a hundred are of two readings
    centi.push_back(500);
  }
  const pb::TelemetryBatch batch = SummaryOf(FileOf(centi), {}, 800);
  ASSERT_EQ(batch.excursions_size(), 200);
  EXPECT_EQ(batch.excursion_count(), 300U);
  int longer = 0;
  for (int i = 0; i < 200; ++i) {
    longer += batch.excursions(i).duration_ms() == 600'000 ? 1 : 0;
    if (i == 0) continue;
    EXPECT_LT(MinuteOf(batch.excursions(i - 1).from()), MinuteOf(batch.excursions(i).from()));
  }
  EXPECT_EQ(longer, 100);
  EXPECT_EQ(LongestUnlistedMs(batch.excursions(), batch.excursion_count()), 300'000);
  EXPECT_EQ(LongestUnlistedMs(batch.excursions(), 0), 0);
}

TEST(SummarizeTest, LeavesWhatPeopleSayAlone) {
  pb::TelemetryBatch batch;
  batch.set_logger("LOG-88");
  batch.set_shipper("SHP-1");
  batch.set_complete(pb::NO);
  batch.set_max_tilt_deg(12);
  Summarize(FileOf({1, 2}), batch);
  EXPECT_EQ(batch.shipper(), "SHP-1");
  EXPECT_EQ(batch.complete(), pb::NO);
  EXPECT_FALSE(batch.has_max_tilt_deg());  // the file has no such channel
}

std::string Faults(const pb::TelemetryBatch& stated, const LoggerFile& file) {
  std::string all;
  for (const SummaryFault& fault : CompareSummary(stated, file)) {
    all += fault.label + ": " + fault.given + " / " + fault.stated + "\n";
  }
  return all;
}

TEST(CompareSummaryTest, NamesEveryNumberThatTheFileDoesNotGive) {
  LoggerFile file = FileOf({-18650, -12000, -18650});
  file.max_tilt_deg = 3;
  const pb::TelemetryBatch right = SummaryOf(file, {}, -13000);
  EXPECT_EQ(Faults(right, file), "");
  pb::TelemetryBatch wrong = right;
  wrong.set_logger("LOG-89");
  wrong.set_readings(4);
  wrong.set_interval_ms(1);
  wrong.set_max_temperature_centi_c(-14000);
  wrong.clear_mkt_temperature_centi_c();
  wrong.clear_max_tilt_deg();
  wrong.set_battery_percent(0);
  wrong.add_gaps()->set_duration_ms(7);
  wrong.clear_excursions();
  wrong.set_excursion_count(3);
  wrong.mutable_to()->set_seconds(0);
  EXPECT_EQ(Faults(wrong, file),
            "Logger: LOG-88 / LOG-89\n"
            "Last reading: 2026-03-31T12:10:00Z / 1970-01-01T00:00:00Z\n"
            "Readings: 3 / 4\n"
            "Interval: 300000 ms / 1 ms\n"
            "Highest inner: -120.00 C / -140.00 C\n"
            "Mean kinetic: -122.53 C / nothing\n"
            "Largest tilt: 3 deg / nothing\n"
            "Battery: nothing / 0 %\n"
            "Gaps, number 1: none / from 1970-01-01T00:00:00Z for 7 ms\n"
            "Excursions, number 1: from 2026-03-31T12:05:00Z for 300000 ms to -120.00 C, beyond "
            "-130.00 C, CHANNEL_INNER / none\n"
            "Excursions in all: no more than are listed / 3\n");
}

TEST(CompareSummaryTest, WhatWasReadOffNeedNotBeWholeAndMustNotBeWrong) {
  const LoggerFile file = FileOf({-18650, -12000, -18650});
  pb::TelemetryBatch typed = SummaryOf(file, {}, -13000);
  typed.set_summary(pb::SUMMARY_TYPED);
  typed.clear_readings();
  typed.clear_interval_ms();
  typed.clear_mkt_temperature_centi_c();
  typed.clear_excursions();
  EXPECT_EQ(Faults(typed, file), "");
  typed.set_max_temperature_centi_c(-14000);
  typed.set_readings(9);
  EXPECT_EQ(Faults(typed, file), "Readings: 3 / 9\nHighest inner: -120.00 C / -140.00 C\n");
}

TEST(CompareSummaryTest, ASerialIsKnownAtTheEndOfAScannedAssetIdentifier) {
  EXPECT_TRUE(IsSerialOf("LOG-88", "LOG-88"));
  EXPECT_TRUE(IsSerialOf("LOG-88", "95012345LOG-88"));
  EXPECT_FALSE(IsSerialOf("OG-88", "LOG-88"));  // too short to tell
  EXPECT_FALSE(IsSerialOf("LOG-88", "LOG-89"));
  EXPECT_FALSE(IsSerialOf("LOG-88", ""));
}

TEST(CheckSummaryTest, SaysWhatStandsAgainstAFileThatNobodyCanRead) {
  pb::TelemetryBatch batch;
  batch.set_logger("LOG-88");
  batch.set_summary(pb::SUMMARY_RECKONED);
  pb::Verdict verdict;
  CheckSummary(batch, "Serial;LOG-88\nkept by hand\n", verdict);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(verdict.reasons(0).rule(), "TELEMETRY");
  EXPECT_THAT(verdict.reasons(0).found(), HasSubstr("names the columns"));
  EXPECT_THAT(verdict.reasons(0).next_step(), HasSubstr("SUMMARY_TYPED"));
  batch.set_summary(pb::SUMMARY_TYPED);
  verdict.Clear();
  CheckSummary(batch, "Serial;LOG-88\nkept by hand\n", verdict);
  EXPECT_EQ(verdict.reasons_size(), 0);
  EXPECT_FALSE(verdict.refused());
}

TEST(FillSummaryTest, TakesTheLimitsOfTheLoadAndNothingByHand) {
  const pb::Profile profile = DemoProfile();
  pb::TherapyState state;
  pb::Shipment& shipment = *state.add_shipments();
  shipment.set_shipper("SHP-2");
  shipment.set_logger("LOG-88");
  shipment.set_cryogenic(true);
  shipment.set_product(true);
  const LoggerFile file = FileOf({-18650, -12000});
  pb::TelemetryBatch batch;
  EXPECT_THAT(FillSummary(file, state, &profile, batch),
              StatusIs(StatusCode::kInvalidArgument, "scan the logger"));
  batch.set_logger("LOG-99");
  EXPECT_THAT(FillSummary(file, state, &profile, batch),
              StatusIs(StatusCode::kInvalidArgument, "the file is of logger LOG-88"));
  batch.set_logger("LOG-88");
  batch.set_min_temperature_centi_c(0);
  EXPECT_THAT(FillSummary(file, state, &profile, batch),
              StatusIs(StatusCode::kInvalidArgument, "\"Lowest inner\" comes from"));
  batch.clear_min_temperature_centi_c();
  EXPECT_THAT(FillSummary(file, state, &profile, batch), IsOk());
  EXPECT_EQ(batch.upper_limit_centi_c(), -13000);
  EXPECT_FALSE(batch.has_lower_limit_centi_c());
  EXPECT_EQ(batch.excursions_size(), 1);
}

TEST(FillSummaryTest, ALoggerOfNoShipmentHasNoLimits) {
  pb::TelemetryBatch batch;
  batch.set_logger("LOG-88");
  batch.set_storage_unit("TANK-2");
  EXPECT_THAT(FillSummary(FileOf({1, 2}), pb::TherapyState(), nullptr, batch), IsOk());
  EXPECT_EQ(LimitsText(StatedLimits(batch)), "no limit");
}

TEST(LimitsOfTest, AreHundredthsOfADegree) {
  pb::TemperatureLimit limit;
  limit.set_min_c(2);
  limit.set_max_c(8.05);
  EXPECT_EQ(LimitsText(LimitsOf(&limit)), "2.00 C to 8.05 C");
  limit.clear_min_c();
  limit.set_max_c(-0.05);
  EXPECT_EQ(LimitsText(LimitsOf(&limit)), "-0.05 C at most");
  EXPECT_EQ(LimitsOf(nullptr), SummaryLimits());
}

}  // namespace
}  // namespace custody
