// Loggers' files for tests, in both shapes.
#ifndef CUSTODY_TESTS_SUPPORT_LOGGER_FILE_H_
#define CUSTODY_TESTS_SUPPORT_LOGGER_FILE_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// `CentiText` is 0.01 Cel as loggers write it: "-187.20".
inline std::string CentiText(std::int32_t centi, char point = '.') {
  char text[32];
  std::snprintf(text, sizeof text, "%s%d%c%02d", centi < 0 ? "-" : "", std::abs(centi) / 100, point,
                std::abs(centi) % 100);
  return text;
}

// `LoggerFileOf` is a file of shape "commas" of the batch's logger, from its first reading to its
// last: the first is its lowest, the second its highest, the others lie between. What the batch
// lists as excursions and gaps is in it; then the extremes are those of the excursions.
inline std::string LoggerFileOf(const pb::TelemetryBatch& batch) {
  std::string file = "# Serial: " + batch.logger() + "\nTimestamp,Temperature [C]\n";
  const std::int64_t from = FromProto(batch.from()).micros;
  const std::int64_t to = FromProto(batch.to()).micros;
  const std::int32_t lowest = batch.min_temperature_centi_c();
  const std::int32_t highest = batch.max_temperature_centi_c();
  int count = 0;
  for (std::int64_t at = from; at <= to; at += std::int64_t{batch.interval_ms()} * 1000) {
    const auto within = [at](const auto& stretch, std::int64_t after) {
      const std::int64_t begin = FromProto(stretch.from()).micros;
      const auto lasts = static_cast<std::int64_t>(stretch.duration_ms()) * 1000;
      return at >= begin + after && at < begin + lasts;
    };
    const bool calm = batch.excursions().empty();
    std::int32_t now = count == 0 || !calm ? lowest : count == 1 ? highest : (lowest + highest) / 2;
    for (const pb::TelemetryExcursion& stretch : batch.excursions()) {
      if (within(stretch, 0)) now = stretch.extreme_temperature_centi_c();
    }
    const auto& gaps = batch.gaps();
    if (std::ranges::any_of(gaps, [&](const auto& gap) { return within(gap, 1); })) continue;
    file += FormatUtc(Instant{at}) + "," + CentiText(now) + "\n";
    ++count;
  }
  return file;
}

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_LOGGER_FILE_H_
