// Single cells of a logger's file: numbers, times, offsets. What logger_file.h promises of them is
// done here; not for others to include.
#ifndef CUSTODY_CUSTODY_LOGGER_CELLS_H_
#define CUSTODY_CUSTODY_LOGGER_CELLS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace custody {

// `Trim` cuts spaces off both ends; `LowerAscii` leaves other letters alone; `Quoted` is what a
// stranger's file says, short and harmless.
std::string_view Trim(std::string_view text);
std::string LowerAscii(std::string_view text);
std::string Quoted(std::string_view found);

// `ParseDecimal` reads "-12", "-12,5" (with `point` ',') or "0.1234": at most seven digits and four
// decimals, no exponent. In ten-thousandths.
std::optional<std::int64_t> ParseDecimal(std::string_view cell, char point);

// `Rounded` is `number` / `by` to the nearest integer, halves away from zero. REQUIRES: by > 0.
constexpr std::int64_t Rounded(std::int64_t number, std::int64_t by) {
  return number < 0 ? -((-number + by / 2) / by) : (number + by / 2) / by;
}

// `ParseOffset` reads "Z", "UTC", "+01:00", "UTC-05:30": minutes east of UTC, at most 14 hours.
std::optional<std::int32_t> ParseOffset(std::string_view text);

// A time as a file writes it: with its zone, or as some clock showed it.
struct LoggerTime {
  std::int64_t clock_ms = 0;               // since 1970-01-01T00:00:00 of that clock
  std::optional<std::int32_t> offset_min;  // when it states one
};
// `ParseDottedTime` reads "31.03.2026 14:05" and "31.03.2026 14:05:30"; `ParseIsoTime` reads
// "2026-03-31T14:05:30" (or with a space), at most three decimals, and an offset. Years 2000 to
// 2199.
std::optional<LoggerTime> ParseDottedTime(std::string_view cell);
std::optional<LoggerTime> ParseIsoTime(std::string_view cell);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_LOGGER_CELLS_H_
