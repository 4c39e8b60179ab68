// The files that temperature loggers write, read strictly: what is not plainly one of the shapes
// below is refused, with line and column, and nothing is ever guessed. FORMATS.md section 14 says
// the same for other programs.
//
//   shape        columns begin  between  decimals  times
//   semicolons   Date/Time      ;        comma     31.03.2026 14:05[:30], the file states its
//   offset commas       Timestamp      ,        point     2026-03-31T14:05:30[.250]+01:00, or the
//   file
//                                                  states the offset of times without one
//
// Before the columns stand lines about the logger ("Serial;LOG-7", "# Serial: LOG-7"): the serial
// must be among them; UTC offset, unit and number of readings are read where they stand.
#ifndef CUSTODY_CUSTODY_LOGGER_FILE_H_
#define CUSTODY_CUSTODY_LOGGER_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"

namespace custody {

// Two years at a reading a minute are 1,051,200.
inline constexpr std::size_t kMaxLoggerReadings = 2'000'000;

// What to do with a file that ParseLoggerFile refuses.
inline constexpr std::string_view kUnreadableFileNext =
    "export the file anew, as the logger gives it and saved by no other program; or record what "
    "the logger's display shows, with summary SUMMARY_TYPED and this file";

struct LoggerReading {
  std::int64_t at_ms = 0;    // since 1970-01-01T00:00:00Z
  std::int32_t centi_c = 0;  // inner temperature, 0.01 Cel, -27314 to 20000
};

struct LoggerFile {
  std::string serial;
  std::vector<LoggerReading> readings;  // 2 to kMaxLoggerReadings; times rise
  // The median of the times from one reading to the next, of two medians the shorter. ms, 1 to a
  // day.
  std::uint32_t interval_ms = 0;
  // Of channels that the file does not have: absent.
  std::optional<std::int32_t> min_ambient_centi_c;  // 0.01 Cel
  std::optional<std::int32_t> max_ambient_centi_c;
  std::optional<std::uint32_t> max_tilt_deg;
  std::optional<std::uint32_t> max_shock_centi_g;  // 0.01 g
  std::optional<std::uint32_t> battery_percent;    // the last stated
};

// `ParseLoggerFile` reads a file of one of the shapes. INVALID_ARGUMENT names line and column, what
// was expected and what was found. Takes time and memory in proportion to the file.
StatusOr<LoggerFile> ParseLoggerFile(std::string_view bytes);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_LOGGER_FILE_H_
