// Summaries against a plain reckoning of the same readings, whatever these are, in whatever order
// and parts.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "custody/logger_file.h"
#include "custody/telemetry.h"
#include "custody/time.h"
#include "tests/support/logger_file.h"

namespace custody {
namespace {

constexpr std::int64_t kStart = 1'774'958'400'000;  // 2026-03-31T12:00:00Z

// Times rise by 1 s to 2 h; temperatures lie near each other, or anywhere.
rc::Gen<std::vector<LoggerReading>> Readings() {
  const auto step = rc::gen::weightedOneOf<std::int64_t>(
      {{8, rc::gen::just<std::int64_t>(300)}, {1, rc::gen::inRange<std::int64_t>(1, 7200)}});
  const auto near = rc::gen::inRange(-19'000, -18'000);
  const auto any = rc::gen::inRange(-27'314, 20'001);
  const auto centi = rc::gen::weightedOneOf<std::int32_t>({{9, near}, {1, any}});
  return rc::gen::map(
      rc::gen::suchThat(rc::gen::container<std::vector<std::pair<std::int64_t, std::int32_t>>>(
                            rc::gen::pair(step, centi)),
                        [](const auto& all) { return all.size() >= 2; }),
      [](const auto& all) {
        std::vector<LoggerReading> readings;
        std::int64_t at = kStart;
        for (const auto& [seconds, value] : all) readings.push_back({at += seconds * 1000, value});
        return readings;
      });
}

std::string Commas(const std::vector<LoggerReading>& readings) {
  std::string file = "# Serial: LOG-88\nTimestamp,Temperature [C]\n";
  for (const LoggerReading& reading : readings) {
    file += FormatUtc(Instant{reading.at_ms * 1000}) + "," + CentiText(reading.centi_c) + "\n";
  }
  return file;
}

std::string Semicolons(const std::vector<LoggerReading>& readings) {
  std::string file = "Serial;LOG-88\nUTC offset;+02:00\nDate/Time;Temperature [C]\n";
  for (const LoggerReading& reading : readings) {
    const std::string local = FormatUtc(Instant{(reading.at_ms + 7'200'000) * 1000});
    file += local.substr(8, 2) + "." + local.substr(5, 2) + "." + local.substr(0, 4) + " " +
            local.substr(11, 8) + ";" + CentiText(reading.centi_c, ',') + "\n";
  }
  return file;
}

pb::TelemetryBatch SummaryOf(const LoggerFile& file) {
  pb::TelemetryBatch batch;
  batch.set_logger(file.serial);
  batch.set_upper_limit_centi_c(-18'200);
  batch.set_lower_limit_centi_c(-18'800);
  Summarize(file, batch);
  return batch;
}

LoggerFile Read(const std::string& text) {
  StatusOr<LoggerFile> file = ParseLoggerFile(text);
  RC_ASSERT(file.ok());
  return *std::move(file);
}

RC_GTEST_PROP(TelemetryPropertyTest, BothShapesOfAFileGiveOneSummary, ()) {
  const std::vector<LoggerReading> readings = *Readings();
  const LoggerFile commas = Read(Commas(readings));
  const LoggerFile semicolons = Read(Semicolons(readings));
  const pb::TelemetryBatch summary = SummaryOf(commas);
  RC_ASSERT(summary.SerializeAsString() == SummaryOf(semicolons).SerializeAsString());
  RC_ASSERT(CompareSummary(summary, semicolons).empty());
}

RC_GTEST_PROP(TelemetryPropertyTest, TheMeanKineticTemperatureIsTheMeanOfItsFormula, ()) {
  const std::vector<LoggerReading> readings = *Readings();
  const auto [least, most] = std::ranges::minmax(readings, {}, &LoggerReading::centi_c);
  const long double warmest = static_cast<long double>(most.centi_c) + 27'315;
  long double sum = 0;
  for (const LoggerReading& reading : readings) {
    sum += std::exp(1e6L / warmest - 1e6L / (static_cast<long double>(reading.centi_c) + 27'315));
  }
  const long double mean =
      1e6L / (1e6L / warmest - std::log(sum / static_cast<long double>(readings.size()))) - 27'315;
  const std::int32_t reckoned = MeanKinetic(readings);
  RC_ASSERT(reckoned >= least.centi_c && reckoned <= most.centi_c);
  RC_ASSERT(std::abs(static_cast<long double>(reckoned) - mean) <= 0.5001L);
}

RC_GTEST_PROP(TelemetryPropertyTest, TheOrderOfReadingsDoesNotMatterToTheirMean, ()) {
  std::vector<LoggerReading> readings = *Readings();
  const std::int32_t mean = MeanKinetic(readings);
  std::ranges::reverse(readings);
  RC_ASSERT(MeanKinetic(readings) == mean);
  std::ranges::sort(readings, {}, &LoggerReading::centi_c);
  RC_ASSERT(MeanKinetic(readings) == mean);
}

// What is outside for the whole is outside for its parts, which have their own ends.
RC_GTEST_PROP(TelemetryPropertyTest, AFileInTwoPartsSaysNoLess, ()) {
  const std::vector<LoggerReading> all =
      *rc::gen::suchThat(Readings(), [](const auto& some) { return some.size() >= 4; });
  const auto cut = *rc::gen::inRange<std::ptrdiff_t>(2, std::ssize(all) - 1);
  const LoggerFile whole = Read(Commas(all));
  const LoggerFile first = Read(Commas({all.begin(), all.begin() + cut}));
  const LoggerFile second = Read(Commas({all.begin() + cut, all.end()}));
  const pb::TelemetryBatch summary = SummaryOf(whole);
  const pb::TelemetryBatch one = SummaryOf(first);
  const pb::TelemetryBatch two = SummaryOf(second);
  RC_ASSERT(summary.readings() == one.readings() + two.readings());
  RC_ASSERT(summary.min_temperature_centi_c() ==
            std::min(one.min_temperature_centi_c(), two.min_temperature_centi_c()));
  RC_ASSERT(summary.max_temperature_centi_c() ==
            std::max(one.max_temperature_centi_c(), two.max_temperature_centi_c()));
  const int outside = one.excursions_size() + two.excursions_size();
  RC_ASSERT(summary.excursions_size() == outside || summary.excursions_size() == outside - 1);
  const auto [low, high] =
      std::minmax({one.mkt_temperature_centi_c(), two.mkt_temperature_centi_c()});
  RC_ASSERT(summary.mkt_temperature_centi_c() >= low - 1);
  RC_ASSERT(summary.mkt_temperature_centi_c() <= high + 1);
}

// One byte of a file changed: it is refused, or what it says is compared as it stands there.
RC_GTEST_PROP(TelemetryPropertyTest, ADamagedFileIsRefusedOrSaysWhatStandsInIt, ()) {
  std::string text = Semicolons(*Readings());
  text[*rc::gen::inRange<std::size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  const StatusOr<LoggerFile> file = ParseLoggerFile(text);
  if (!file.ok()) {
    RC_ASSERT(file.status().code() == StatusCode::kInvalidArgument);
    return;
  }
  RC_ASSERT(file->readings.size() >= 2);
  RC_ASSERT(std::ranges::is_sorted(file->readings, std::less_equal<>(), &LoggerReading::at_ms));
  RC_ASSERT(CompareSummary(SummaryOf(*file), *file).empty());
}

}  // namespace
}  // namespace custody
