// Local time to instant with what custody/time.h offers: where days end. The start of a day is the
// microsecond after the end of the day before; a wall clock reading on it is first taken as that
// many hours later, then corrected by what the zone really shows there. Where a second candidate an
// hour away shows the same reading, the clocks were changed in between and nobody can know which
// was meant, so nothing is guessed.
#include "client/local_time.h"

#include <charconv>
#include <optional>
#include <string>

namespace custody {
namespace {

struct WallClock {
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// Exactly `text.size()` digits.
std::optional<int> Number(std::string_view text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || text[0] == '-') return std::nullopt;
  return value;
}

// "09:15" or "09:15:30".
std::optional<WallClock> ParseWallClock(std::string_view text) {
  if (text.size() != 5 && text.size() != 8) return std::nullopt;
  if (text[2] != ':' || (text.size() == 8 && text[5] != ':')) return std::nullopt;
  const auto hour = Number(text.substr(0, 2));
  const auto minute = Number(text.substr(3, 2));
  const auto second = text.size() == 8 ? Number(text.substr(6, 2)) : 0;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  return WallClock{*hour, *minute, *second};
}

// "2026-03-02" as days since 1970-01-01.
std::optional<std::int64_t> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto midnight = ParseInstant(std::string(text) + "T00:00:00Z");
  if (!midnight.ok()) return std::nullopt;
  std::int64_t day = midnight->micros / kMicrosPerDay;
  if (midnight->micros % kMicrosPerDay < 0) --day;
  return day;
}

// What the clocks in `zone` show at `instant`, in minutes of the day.
std::optional<int> Shown(Instant instant, std::string_view zone) {
  const std::string text = FormatLocal(instant, zone);  // "02 Mar 2026 09:15 CET"
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon < 2 || colon + 3 > text.size()) return std::nullopt;
  const auto hour = Number(std::string_view(text).substr(colon - 2, 2));
  const auto minute = Number(std::string_view(text).substr(colon + 1, 2));
  if (!hour || !minute) return std::nullopt;
  return *hour * 60 + *minute;
}

StatusOr<Instant> OnDay(std::int64_t day, WallClock clock, std::string_view zone) {
  CUSTODY_ASSIGN_OR_RETURN(const Instant before, EndOfDay(day - 1, zone));
  const int wanted = clock.hour * 60 + clock.minute;
  const Instant guess = before + (1 + wanted * kMicrosPerMinute + clock.second * kMicrosPerSecond);
  std::optional<Instant> found;
  for (const int shift : {0, -120, -60, -30, 30, 60, 120}) {
    const Instant candidate = guess + shift * kMicrosPerMinute;
    CUSTODY_ASSIGN_OR_RETURN(const std::int64_t its_day, CalendarDay(candidate, zone));
    if (its_day != day || Shown(candidate, zone) != wanted) continue;
    if (found) {
      return InvalidArgument(
          "the clocks are changed on that day and this time occurs twice; write it with its zone, "
          "for example 2026-10-25T02:30:00+02:00");
    }
    found = candidate;
  }
  if (!found) {
    return InvalidArgument("the clocks are changed on that day and this time does not occur");
  }
  return *found;
}

// "-15min", "+2h".
std::optional<Instant> FromNow(std::string_view text, Instant now) {
  if (text.size() < 3 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  std::int64_t unit = 0;
  std::string_view digits = text.substr(1);
  if (digits.ends_with("min")) {
    unit = kMicrosPerMinute;
    digits.remove_suffix(3);
  } else if (digits.ends_with("h")) {
    unit = kMicrosPerHour;
    digits.remove_suffix(1);
  } else if (digits.ends_with("d")) {
    unit = kMicrosPerDay;
    digits.remove_suffix(1);
  }
  const auto count = Number(digits);
  if (unit == 0 || !count || *count > 1'000'000) return std::nullopt;
  return now + (text[0] == '-' ? -unit : unit) * *count;
}

}  // namespace

StatusOr<Instant> ParseTime(std::string_view text, std::string_view zone, Instant now) {
  if (text == "now") return now;
  if (const auto instant = ParseInstant(text); instant.ok()) return *instant;
  if (const auto relative = FromNow(text, now)) return *relative;
  if (const auto clock = ParseWallClock(text)) {
    CUSTODY_ASSIGN_OR_RETURN(const std::int64_t today, CalendarDay(now, zone));
    return OnDay(today, *clock, zone);
  }
  if (text.size() >= 10) {
    const auto day = ParseDay(text.substr(0, 10));
    if (day && text.size() == 10) return EndOfDay(*day, zone);
    if (day && (text[10] == ' ' || text[10] == 'T')) {
      if (const auto clock = ParseWallClock(text.substr(11))) return OnDay(*day, *clock, zone);
    }
  }
  return InvalidArgument("\"" + std::string(text) +
                         "\" is no time; write 2026-03-02 09:15 (local time of this station), "
                         "09:15, now, -15min or 2026-03-02T08:15:00Z");
}

}  // namespace custody
