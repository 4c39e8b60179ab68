#include "custody/logger_cells.h"

#include <chrono>

#include "crypto/utf8.h"

namespace custody {
namespace {

constexpr std::int64_t kMsPerMinute = 60'000;
constexpr std::int32_t kMostOffsetMinutes = 14 * 60;

// Takes exactly `count` digits off `text`; nothing when there are not so many.
std::optional<int> TakeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// Days since 1970-01-01, or nothing when the calendar has no such day.
std::optional<std::int64_t> DayNumber(int year, int month, int day) {
  if (year < 2000 || year > 2199) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// Takes "14:05" off `text`, and ":30" too when it is there or must be; in ms.
std::optional<std::int64_t> TakeClock(std::string_view& text, bool seconds_required) {
  const std::optional<int> hour = TakeDigits(text, 2);
  if (!hour || !Take(text, ':')) return std::nullopt;
  const std::optional<int> minute = TakeDigits(text, 2);
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  std::int64_t ms = (*hour * std::int64_t{60} + *minute) * kMsPerMinute;
  if (!Take(text, ':')) return seconds_required ? std::nullopt : std::optional(ms);
  const std::optional<int> second = TakeDigits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  return ms + *second * std::int64_t{1000};
}

std::int64_t OfDay(std::int64_t day, std::int64_t ms) { return day * 24 * 60 * kMsPerMinute + ms; }

}  // namespace

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string Quoted(std::string_view found) {
  constexpr std::size_t kMost = 40;
  if (found.empty()) return "nothing";
  const std::string plain = Plain(found.substr(0, kMost));
  return "\"" + plain + (found.size() > kMost ? "...\"" : "\"");
}

std::optional<std::int64_t> ParseDecimal(std::string_view cell, char point) {
  constexpr std::size_t kMostDigits = 7;
  constexpr int kDecimals = 4;
  const bool negative = Take(cell, '-');
  const auto digit = [&cell] { return !cell.empty() && cell[0] >= '0' && cell[0] <= '9'; };
  std::int64_t value = 0;
  std::size_t digits = 0;
  for (; digit(); cell.remove_prefix(1)) {
    if (++digits > kMostDigits) return std::nullopt;
    value = value * 10 + (cell[0] - '0');
  }
  if (digits == 0) return std::nullopt;
  int decimals = 0;
  if (Take(cell, point)) {
    for (; digit(); cell.remove_prefix(1)) {
      if (++decimals > kDecimals) return std::nullopt;
      value = value * 10 + (cell[0] - '0');
    }
    if (decimals == 0) return std::nullopt;
  }
  if (!cell.empty()) return std::nullopt;
  for (; decimals < kDecimals; ++decimals) value *= 10;
  return negative ? -value : value;
}

std::optional<std::int32_t> ParseOffset(std::string_view text) {
  if (text == "Z" || text == "UTC") return 0;
  if (text.starts_with("UTC")) text.remove_prefix(3);
  const bool west = Take(text, '-');
  if (!west && !Take(text, '+')) return std::nullopt;
  const std::optional<int> hours = TakeDigits(text, 2);
  if (!hours || !Take(text, ':')) return std::nullopt;
  const std::optional<int> minutes = TakeDigits(text, 2);
  if (!minutes || *minutes > 59 || !text.empty()) return std::nullopt;
  const std::int32_t offset = *hours * 60 + *minutes;
  if (offset > kMostOffsetMinutes) return std::nullopt;
  return west ? -offset : offset;
}

std::optional<LoggerTime> ParseDottedTime(std::string_view cell) {
  const std::optional<int> day = TakeDigits(cell, 2);
  if (!day || !Take(cell, '.')) return std::nullopt;
  const std::optional<int> month = TakeDigits(cell, 2);
  if (!month || !Take(cell, '.')) return std::nullopt;
  const std::optional<int> year = TakeDigits(cell, 4);
  if (!year || !Take(cell, ' ')) return std::nullopt;
  const std::optional<std::int64_t> date = DayNumber(*year, *month, *day);
  const std::optional<std::int64_t> clock = TakeClock(cell, /*seconds_required=*/false);
  if (!date || !clock || !cell.empty()) return std::nullopt;
  return LoggerTime{OfDay(*date, *clock), std::nullopt};
}

std::optional<LoggerTime> ParseIsoTime(std::string_view cell) {
  const std::optional<int> year = TakeDigits(cell, 4);
  if (!year || !Take(cell, '-')) return std::nullopt;
  const std::optional<int> month = TakeDigits(cell, 2);
  if (!month || !Take(cell, '-')) return std::nullopt;
  const std::optional<int> day = TakeDigits(cell, 2);
  if (!day || (!Take(cell, 'T') && !Take(cell, ' '))) return std::nullopt;
  const std::optional<std::int64_t> date = DayNumber(*year, *month, *day);
  const std::optional<std::int64_t> clock = TakeClock(cell, /*seconds_required=*/true);
  if (!date || !clock) return std::nullopt;
  LoggerTime time{OfDay(*date, *clock), std::nullopt};
  if (Take(cell, '.')) {
    std::int64_t unit = 100;
    std::size_t digits = 0;
    for (; !cell.empty() && cell[0] >= '0' && cell[0] <= '9'; cell.remove_prefix(1), unit /= 10) {
      if (++digits > 3) return std::nullopt;
      time.clock_ms += (cell[0] - '0') * unit;
    }
    if (digits == 0) return std::nullopt;
  }
  if (cell.empty()) return time;
  if (cell.starts_with("UTC")) return std::nullopt;
  time.offset_min = ParseOffset(cell);
  return time.offset_min ? std::optional(time) : std::nullopt;
}

}  // namespace custody
