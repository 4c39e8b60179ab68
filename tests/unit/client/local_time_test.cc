#include "client/local_time.h"

#include <gtest/gtest.h>

namespace custody {
namespace {

const Instant kNow = *ParseInstant("2026-03-02T08:15:00Z");

std::string Read(std::string_view text, std::string_view zone = "Europe/Berlin") {
  const auto instant = ParseTime(text, zone, kNow);
  return instant.ok() ? FormatUtc(*instant) : "error: " + Message(instant.status());
}

TEST(ParseTimeTest, ReadsLocalTimes) {
  EXPECT_EQ(Read("now"), "2026-03-02T08:15:00Z");
  EXPECT_EQ(Read("2026-03-02 09:15"), "2026-03-02T08:15:00Z");
  EXPECT_EQ(Read("2026-07-02 09:15:30"), "2026-07-02T07:15:30Z");
  EXPECT_EQ(Read("07:05"), "2026-03-02T06:05:00Z");
  EXPECT_EQ(Read("2026-03-02T09:15", "America/New_York"), "2026-03-02T14:15:00Z");
  EXPECT_EQ(Read("2026-03-02T09:15:00+02:00"), "2026-03-02T07:15:00Z");
}

TEST(ParseTimeTest, ReadsTimesFromNow) {
  EXPECT_EQ(Read("-15min"), "2026-03-02T08:00:00Z");
  EXPECT_EQ(Read("+2h"), "2026-03-02T10:15:00Z");
  EXPECT_EQ(Read("+1d"), "2026-03-03T08:15:00Z");
}

TEST(ParseTimeTest, ADateAloneIsTheEndOfThatDay) {
  EXPECT_EQ(Read("2026-03-02").substr(0, 19), "2026-03-02T22:59:59");
}

TEST(ParseTimeTest, RightOnTheDaysTheClocksAreChanged) {
  EXPECT_EQ(Read("2026-03-29 01:30"), "2026-03-29T00:30:00Z");
  EXPECT_EQ(Read("2026-03-29 03:30"), "2026-03-29T01:30:00Z");
  EXPECT_EQ(Read("2026-10-25 01:30"), "2026-10-24T23:30:00Z");
  EXPECT_EQ(Read("2026-10-25 03:30"), "2026-10-25T02:30:00Z");
  EXPECT_EQ(Read("2026-10-25 23:30"), "2026-10-25T22:30:00Z");
}

TEST(ParseTimeTest, GuessesNothingWhenATimeIsSkippedOrRepeated) {
  EXPECT_NE(Read("2026-03-29 02:30").find("does not occur"), std::string::npos);
  EXPECT_NE(Read("2026-10-25 02:30").find("occurs twice"), std::string::npos);
}

TEST(ParseTimeTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "yesterday", "9:15", "2026-02-30 09:15", "24:00", "+15", "-15m",
                           "2026-03-02 09:15 Uhr", "02.03.2026"}) {
    EXPECT_EQ(Read(text).substr(0, 6), "error:") << text;
  }
}

}  // namespace
}  // namespace custody
