// Zones come from the machine's IANA database through absl, which is named in this file alone.
//
// absl keeps every zone it was ever asked for, known or not, so a stranger could fill its memory
// with invented names. Hence a name is looked up in the database's folder before absl sees it, and
// names that mean something else to absl ("localtime", "Fixed/...", paths) are never passed on.
#include "custody/time.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <system_error>

namespace custody {
namespace {

constexpr std::size_t kMaxZoneLength = 48;

bool LooksLikeZone(std::string_view zone) {
  if (zone.empty() || zone.size() > kMaxZoneLength) return false;
  const char first = zone.front();
  if (!((first >= 'A' && first <= 'Z'))) return false;  // not "posix/...", "localtime", "/etc/..."
  if (zone.starts_with("Fixed/") || zone.ends_with('/')) return false;
  return std::ranges::all_of(zone, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  });
}

bool StandsInDatabase(const std::string& zone) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): changed before the first thread, if at all
  const char* folder = std::getenv("TZDIR");
  std::error_code ignored;  // an unreadable database knows no zone
  return std::filesystem::is_regular_file(
      std::filesystem::path(folder != nullptr ? folder : "/usr/share/zoneinfo") / zone, ignored);
}

// The zones that were found, so that a lookup costs no system call. Thread-safe.
class Zones {
 public:
  std::optional<absl::TimeZone> Find(std::string_view zone) {
    {
      const std::shared_lock lock(mutex_);
      const auto found = known_.find(zone);
      if (found != known_.end()) return found->second;
    }
    const std::string name(zone);
    absl::TimeZone loaded;
    if (!LooksLikeZone(zone) || !StandsInDatabase(name) || !absl::LoadTimeZone(name, &loaded)) {
      return std::nullopt;
    }
    const std::unique_lock lock(mutex_);
    known_.emplace(name, loaded);
    return loaded;
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::string, absl::TimeZone, std::less<>> known_;  // guarded by mutex_
};

std::optional<absl::TimeZone> FindZone(std::string_view zone) {
  static Zones& zones = *new Zones;  // never destroyed: used until the last thread ends
  return zones.Find(zone);
}

Status UnknownZone(std::string_view zone) {
  return InvalidArgument("time zone must be an IANA name such as \"Europe/Berlin\", found \"" +
                         std::string(zone.substr(0, 60)) + "\"");
}

class MachineClock : public Clock {
 public:
  Instant Now() override { return {Micros(std::chrono::system_clock::now())}; }
  std::int64_t MonotonicMicros() override { return Micros(std::chrono::steady_clock::now()); }

 private:
  template <typename TimePoint>
  static std::int64_t Micros(TimePoint point) {
    return std::chrono::duration_cast<std::chrono::microseconds>(point.time_since_epoch()).count();
  }
};

// Reads exactly `count` digits from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool Take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" gives 250000; digits beyond microseconds are cut off.
std::optional<int> TakeFraction(std::string_view& text) {
  if (!Take(text, '.')) return 0;
  int micros = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (digits < 6) micros = micros * 10 + (text[digits] - '0');
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  for (std::size_t i = digits; i < 6; ++i) micros *= 10;
  text.remove_prefix(digits);
  return micros;
}

// "Z" or "+01:00", in minutes.
std::optional<int> TakeOffset(std::string_view& text) {
  if (Take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2);
  if (!hours || *hours > 23 || !Take(text, ':')) return std::nullopt;
  const auto minutes = TakeNumber(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int offset = *hours * 60 + *minutes;
  return west ? -offset : offset;
}

std::optional<Instant> ReadInstant(std::string_view text) {
  const auto year = TakeNumber(text, 4);
  if (!year || *year == 0 || !Take(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day || !(Take(text, 'T') || Take(text, 't'))) return std::nullopt;
  const auto hour = TakeNumber(text, 2);
  if (!hour || !Take(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || !Take(text, ':')) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second) return std::nullopt;
  const auto fraction = TakeFraction(text);
  const auto offset = fraction ? TakeOffset(text) : std::nullopt;
  if (!offset || !text.empty()) return std::nullopt;
  const absl::CivilSecond civil(*year, *month, *day, *hour, *minute, *second);
  // absl carries over what is out of range (31 April becomes 1 May): such a date is refused.
  if (civil.month() != *month || civil.day() != *day || civil.hour() != *hour ||
      civil.minute() != *minute || civil.second() != *second) {
    return std::nullopt;
  }
  const std::int64_t seconds = civil - absl::CivilSecond(1970, 1, 1);
  return Instant{(seconds - *offset * 60) * kMicrosPerSecond + *fraction};
}

}  // namespace

Clock& SystemClock() {
  static MachineClock& clock = *new MachineClock;
  return clock;
}

Instant FromProto(const google::protobuf::Timestamp& timestamp) {
  // Clamped, since a timestamp that nobody checked may hold anything.
  const std::int64_t seconds =
      std::clamp(timestamp.seconds(), kMinTimestampSeconds, kMaxTimestampSeconds);
  const std::int32_t nanos = std::clamp(timestamp.nanos(), 0, 999'999'999);
  return {seconds * kMicrosPerSecond + nanos / 1000};
}

google::protobuf::Timestamp ToProto(Instant instant) {
  std::int64_t seconds = instant.micros / kMicrosPerSecond;
  std::int64_t micros = instant.micros % kMicrosPerSecond;
  if (micros < 0) {
    --seconds;
    micros += kMicrosPerSecond;
  }
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(static_cast<std::int32_t>(micros * 1000));
  return timestamp;
}

StatusOr<Instant> ParseInstant(std::string_view text) {
  if (const auto instant = ReadInstant(text)) return *instant;
  return InvalidArgument(
      "time must be written as 2026-03-02T08:15:00Z or 2026-03-02T09:15:00+01:00, found \"" +
      std::string(text.substr(0, 60)) + "\"");
}

std::string FormatUtc(Instant instant) {
  return absl::FormatTime(std::string("%E4Y-%m-%dT%H:%M:%E*SZ"),
                          absl::FromUnixMicros(instant.micros), absl::UTCTimeZone());
}

std::string FormatLocal(Instant instant, std::string_view zone) {
  const absl::TimeZone local = FindZone(zone).value_or(absl::UTCTimeZone());
  return absl::FormatTime(std::string("%d %b %E4Y %H:%M %Z"), absl::FromUnixMicros(instant.micros),
                          local);
}

bool IsTimeZone(std::string_view zone) { return FindZone(zone).has_value(); }

std::int64_t AddMonths(std::int64_t day, std::uint32_t months) {
  using std::chrono::days;
  using std::chrono::sys_days;
  const std::chrono::year_month_day date{sys_days{days{day}}};
  std::chrono::year_month_day later = date + std::chrono::months(months);
  if (!later.ok()) later = later.year() / later.month() / std::chrono::last;
  return sys_days{later}.time_since_epoch().count();
}

StatusOr<std::int64_t> CalendarDay(Instant instant, std::string_view zone) {
  const auto local = FindZone(zone);
  if (!local) return UnknownZone(zone);
  return absl::ToCivilDay(absl::FromUnixMicros(instant.micros), *local) -
         absl::CivilDay(1970, 1, 1);
}

StatusOr<Instant> EndOfDay(std::int64_t day, std::string_view zone) {
  const auto local = FindZone(zone);
  if (!local) return UnknownZone(zone);
  // Where summer time begins at midnight the next day begins at one o'clock: FromCivil gives the
  // instant of the change, so the last microsecond before it is still the end of this day.
  const absl::CivilDay next = absl::CivilDay(1970, 1, 1) + day + 1;
  return Instant{absl::ToUnixMicros(absl::FromCivil(next, *local)) - 1};
}

}  // namespace custody
