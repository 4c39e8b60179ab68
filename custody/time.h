// Instants, and calendar days where somebody lives. No clock here: time is passed in.
#ifndef CUSTODY_CUSTODY_TIME_H_
#define CUSTODY_CUSTODY_TIME_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `Instant` is microseconds since 1970-01-01T00:00:00Z. A value.
struct Instant {
  std::int64_t micros = 0;
  friend auto operator<=>(const Instant&, const Instant&) = default;
};

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr std::int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr std::int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// What a Timestamp may say: the years 1 to 9999 (timestamp.proto). Beyond it reckoning overflows.
inline constexpr std::int64_t kMinTimestampSeconds = -62'135'596'800;
inline constexpr std::int64_t kMaxTimestampSeconds = 253'402'300'799;

inline Instant operator+(Instant t, std::int64_t micros) { return {t.micros + micros}; }
inline std::int64_t operator-(Instant a, Instant b) { return a.micros - b.micros; }

// `Clock` is where the time comes from in programs; tests pass their own. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() = 0;                   // wall clock
  virtual std::int64_t MonotonicMicros() = 0;  // never set by anybody
};
// `SystemClock` reads the machine's clocks; for the life of the process.
Clock& SystemClock();

// Sub-microsecond digits of a Timestamp are cut off.
Instant FromProto(const google::protobuf::Timestamp& timestamp);
google::protobuf::Timestamp ToProto(Instant instant);

// `ParseInstant` reads RFC 3339 with a zone ("2026-03-02T08:15:00Z", "...+01:00").
StatusOr<Instant> ParseInstant(std::string_view text);
// `FormatUtc` gives "2026-03-02T08:15:00Z" (fraction only when there is one).
std::string FormatUtc(Instant instant);
// `FormatLocal` gives "02 Mar 2026 09:15 CET" in IANA `zone`, or UTC when the zone is unknown.
std::string FormatLocal(Instant instant, std::string_view zone);

// `IsTimeZone` says whether `zone` is an IANA name known here.
bool IsTimeZone(std::string_view zone);
// `CalendarDay` is the day (days since 1970-01-01) on which `instant` falls in `zone`;
// INVALID_ARGUMENT when the zone is not known.
StatusOr<std::int64_t> CalendarDay(Instant instant, std::string_view zone);
// `AddMonths` is `day` (days since 1970-01-01) and so many calendar months; where that month is too
// short, its last day.
std::int64_t AddMonths(std::int64_t day, std::uint32_t months);
// `EndOfDay` is 23:59:59.999999 of the day (days since 1970-01-01) in `zone`.
StatusOr<Instant> EndOfDay(std::int64_t day, std::string_view zone);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_TIME_H_
