#include "custody/time.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

Instant At(const char* text) { return ParseInstant(text).value(); }

TEST(InstantTest, ReadsAndWritesRfc3339) {
  EXPECT_EQ(At("1970-01-01T00:00:00Z").micros, 0);
  EXPECT_EQ(At("2026-03-02T09:15:00+01:00"), At("2026-03-02T08:15:00Z"));
  EXPECT_EQ(At("2026-03-01T23:30:00-09:30"), At("2026-03-02T09:00:00Z"));
  EXPECT_EQ(At("2024-02-29T23:59:59.25Z").micros % kMicrosPerSecond, 250'000);
  EXPECT_EQ(At("1969-12-31T23:59:59.999999Z").micros, -1);
  for (const char* same : {"2026-03-02T08:15:00Z", "2026-03-02T08:15:00.5Z", "0001-01-01T00:00:00Z",
                           "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"}) {
    EXPECT_EQ(FormatUtc(At(same)), same);
  }
}

TEST(InstantTest, RefusesWhatIsNoInstant) {
  for (const char* bad :
       {"", "2026-03-02", "2026-03-02T08:15:00", "2026-03-02 08:15:00Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T08:60:00Z",
        "2026-03-02T08:15:60Z", "2026-03-02T08:15:00.Z", "2026-03-02T08:15:00.1234567890Z",
        "2026-03-02T08:15:00+1:00", "2026-03-02T08:15:00+24:00", "2026-03-02T08:15:00Zz",
        "26-03-02T08:15:00Z", "0000-01-01T00:00:00Z", "2026-3-2T08:15:00Z"}) {
    EXPECT_THAT(ParseInstant(bad), StatusIs(StatusCode::kInvalidArgument, "time must be written"))
        << bad;
  }
}

TEST(InstantTest, RoundsTripsThroughTimestamps) {
  for (const char* text : {"2026-03-02T08:15:00.000001Z", "1969-12-31T23:59:59.999999Z",
                           "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}) {
    EXPECT_EQ(FromProto(ToProto(At(text))), At(text));
  }
  const google::protobuf::Timestamp before = ToProto(At("1969-12-31T23:59:59.5Z"));
  EXPECT_EQ(before.seconds(), -1);
  EXPECT_EQ(before.nanos(), 500'000'000);
  google::protobuf::Timestamp sub;
  sub.set_nanos(1'999);
  EXPECT_EQ(FromProto(sub).micros, 1);
}

TEST(InstantTest, ATimestampOutOfRangeIsClampedAndDoesNotOverflow) {
  google::protobuf::Timestamp wild;
  wild.set_seconds(std::numeric_limits<std::int64_t>::max());
  wild.set_nanos(-5);
  EXPECT_EQ(FromProto(wild), At("9999-12-31T23:59:59Z"));
  wild.set_seconds(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(FromProto(wild), At("0001-01-01T00:00:00Z"));
}

TEST(ZoneTest, OnlyIanaNamesAreZones) {
  for (const char* zone : {"Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    EXPECT_TRUE(IsTimeZone(zone)) << zone;
  }
  for (const char* none : {"", "Europe", "Europe/", "europe/berlin", "localtime", "/etc/localtime",
                           "../Europe/Berlin", "Europe/../Europe/Berlin", "Fixed/UTC+01:00:00",
                           "posix/Europe/Berlin", "Europe/Nowhere", "CEST", ":Europe/Berlin"}) {
    EXPECT_FALSE(IsTimeZone(none)) << none;
  }
}

TEST(ZoneTest, DaysAreThoseOfThePlace) {
  const Instant instant = At("2026-03-02T23:30:00Z");
  const std::int64_t utc = CalendarDay(instant, "UTC").value();
  EXPECT_EQ(utc, 20'514);
  EXPECT_EQ(CalendarDay(instant, "Europe/Berlin").value(), utc + 1);
  EXPECT_EQ(CalendarDay(instant, "America/New_York").value(), utc);
  EXPECT_THAT(CalendarDay(instant, "Mars/Base"), StatusIs(StatusCode::kInvalidArgument, "IANA"));
  EXPECT_EQ(FormatLocal(instant, "Europe/Berlin"), "03 Mar 2026 00:30 CET");
  EXPECT_EQ(FormatLocal(instant, "Mars/Base"), "02 Mar 2026 23:30 UTC");
}

TEST(ZoneTest, ADayEndsAMicrosecondBeforeTheNext) {
  const auto end_of = [](const char* day, const char* zone) {
    return FormatUtc(EndOfDay(CalendarDay(At(day), zone).value(), zone).value());
  };
  EXPECT_EQ(end_of("2026-03-02T12:00:00Z", "UTC"), "2026-03-02T23:59:59.999999Z");
  EXPECT_EQ(end_of("2026-03-02T12:00:00Z", "Europe/Berlin"), "2026-03-02T22:59:59.999999Z");
  // The day on which summer time begins has 23 hours, the one on which it ends 25.
  EXPECT_EQ(end_of("2026-03-29T12:00:00Z", "Europe/Berlin"), "2026-03-29T21:59:59.999999Z");
  EXPECT_EQ(end_of("2026-10-25T12:00:00Z", "Europe/Berlin"), "2026-10-25T22:59:59.999999Z");
  // In Beirut summer time begins at midnight: 29 March has no 00:00.
  EXPECT_EQ(end_of("2026-03-28T12:00:00Z", "Asia/Beirut"), "2026-03-28T21:59:59.999999Z");
  EXPECT_THAT(EndOfDay(0, "Mars/Base"), StatusIs(StatusCode::kInvalidArgument, "IANA"));
}

TEST(ZoneTest, MonthsAreThoseOfTheCalendar) {
  const auto later = [](const char* day, std::uint32_t months) {
    const std::int64_t from =
        CalendarDay(At((std::string(day) + "T12:00:00Z").c_str()), "UTC").value();
    return FormatUtc(Instant{AddMonths(from, months) * kMicrosPerDay}).substr(0, 10);
  };
  EXPECT_EQ(later("2024-09-15", 0), "2024-09-15");
  EXPECT_EQ(later("2024-09-15", 18), "2026-03-15");
  EXPECT_EQ(later("2024-08-31", 18), "2026-02-28");  // the last day of a shorter month
  EXPECT_EQ(later("2024-08-31", 42), "2028-02-29");
  EXPECT_EQ(later("2026-12-31", 2), "2027-02-28");
  EXPECT_EQ(later("1969-12-31", 1), "1970-01-31");
}

TEST(SystemClockTest, RunsForwards) {
  const std::int64_t before = SystemClock().MonotonicMicros();
  EXPECT_GT(SystemClock().Now(), At("2020-01-01T00:00:00Z"));
  EXPECT_GE(SystemClock().MonotonicMicros(), before);
}

}  // namespace
}  // namespace custody
