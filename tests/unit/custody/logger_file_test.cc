// Loggers' files: what the two shapes give, and that everything else is refused by line and column.
#include "custody/logger_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ostream>

#include "custody/time.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

constexpr std::string_view kSemicolons =
    "Model;Exemplar CoolTrace 2\r\n"
    "Serial;LOG-77\r\n"
    "UTC offset;+01:00\r\n"
    "Unit;\u00b0C\r\n"
    "Readings;3\r\n"
    "\r\n"
    "Date/Time;Temperature;Ambient;Shock [g];Tilt [\u00b0];Battery [%]\r\n"
    "31.03.2026 14:00;4,5;21,3;0,6;2;97\r\n"
    "31.03.2026 14:15:30;-0,05;-3;1,25;88,6;96\r\n"
    "31.03.2026 14:30;5;22;;;95\r\n";

constexpr std::string_view kCommas =
    "# Exemplar CryoTrace 5\n"
    "# Serial: LOG-88\n"
    "Timestamp,Ambient (\u00b0F),Temperature (F),Pressure (hPa),Latitude (deg)\n"
    "2026-03-31T14:00:00.250+02:00,70.5,-302.8,1013.2,-48.13713\n"
    "2026-03-31 12:05:00Z,32,-301.1234,1013.2,-48.1\n";

std::int64_t Ms(std::string_view text) { return ParseInstant(text)->micros / 1000; }

// `text` with the one `from` in it made `to`.
std::string With(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  const std::size_t at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(LoggerFileTest, ReadsSemicolonsAndDecimalCommas) {
  const auto file = ParseLoggerFile(kSemicolons);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->serial, "LOG-77");
  ASSERT_EQ(file->readings.size(), 3U);
  EXPECT_EQ(file->readings[0].at_ms, Ms("2026-03-31T13:00:00Z"));
  EXPECT_EQ(file->readings[1].at_ms, Ms("2026-03-31T13:15:30Z"));
  EXPECT_EQ(file->readings[0].centi_c, 450);
  EXPECT_EQ(file->readings[1].centi_c, -5);
  EXPECT_EQ(file->interval_ms, 870'000U);  // of 930 s and 870 s the shorter
  EXPECT_EQ(file->min_ambient_centi_c, -300);
  EXPECT_EQ(file->max_ambient_centi_c, 2200);
  EXPECT_EQ(file->max_tilt_deg, 89U);
  EXPECT_EQ(file->max_shock_centi_g, 125U);
  EXPECT_EQ(file->battery_percent, 95U);
}

TEST(LoggerFileTest, ReadsCommasDecimalPointsFahrenheitAndColumnsInAnyOrder) {
  const auto file = ParseLoggerFile(kCommas);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->serial, "LOG-88");
  ASSERT_EQ(file->readings.size(), 2U);
  EXPECT_EQ(file->readings[0].at_ms, Ms("2026-03-31T12:00:00.25Z"));
  EXPECT_EQ(file->readings[0].centi_c, -18600);
  EXPECT_EQ(file->readings[1].centi_c, -18507);  // -185.0685...
  EXPECT_EQ(file->interval_ms, 299'750U);
  EXPECT_EQ(file->min_ambient_centi_c, 0);
  EXPECT_EQ(file->max_ambient_centi_c, 2139);  // 21.388...
  EXPECT_EQ(file->max_tilt_deg, std::nullopt);
}

TEST(LoggerFileTest, RoundsHalvesAwayFromZero) {
  const auto read = [](const char* cell) {
    return ParseLoggerFile("# Serial: L\nTimestamp,Temperature [C]\n2026-03-31T12:00:00Z," +
                           std::string(cell) + "\n2026-03-31T12:05:00Z,0\n");
  };
  EXPECT_EQ(read("1.005")->readings[0].centi_c, 101);
  EXPECT_EQ(read("-1.005")->readings[0].centi_c, -101);
  EXPECT_EQ(read("1.0049")->readings[0].centi_c, 100);
  EXPECT_EQ(read("-0.0")->readings[0].centi_c, 0);
}

TEST(LoggerFileTest, TakesAByteOrderMarkAndAnOffsetForTimesWithoutOne) {
  EXPECT_THAT(ParseLoggerFile("\xef\xbb\xbf" + std::string(kSemicolons)), IsOk());
  const auto file = ParseLoggerFile(
      "# serial number: LOG-9\n# Time zone: UTC-05:30\nTimestamp,Temperature [C]\n"
      "2026-03-31T12:00:00,4\n2026-03-31T12:05:00Z,4\n2026-03-31T14:00:00,4\n");
  ASSERT_FALSE(file.ok());  // the second states that it is UTC, and so lies before the first
  EXPECT_THAT(file, StatusIs(StatusCode::kInvalidArgument, "line 5, column 1"));
  const auto local = ParseLoggerFile(
      "# serial number: LOG-9\n# Time zone: UTC-05:30\nTimestamp,Temperature [C]\n"
      "2026-03-31T12:00:00,4\n2026-03-31T12:05:00,4\n");
  ASSERT_THAT(local, IsOk());
  EXPECT_EQ(local->readings[0].at_ms, Ms("2026-03-31T17:30:00Z"));
}

TEST(LoggerFileTest, AnEmptyCellIsNoReading) {
  const auto file = ParseLoggerFile(With(kSemicolons, "14:15:30;-0,05", "14:15:30;"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->readings.size(), 2U);
  EXPECT_EQ(file->min_ambient_centi_c, -300);  // the other channels' readings stay
  EXPECT_EQ(file->interval_ms, 1'800'000U);
}

// Clocks of people go back in October; a file that states the offset of each time is in order.
TEST(LoggerFileTest, DaylightSavingEndsWithoutDoubtWhereOffsetsAreStated) {
  const std::string head = "# Serial: LOG-88\nTimestamp,Temperature [C]\n";
  const auto stated = ParseLoggerFile(head +
                                      "2026-10-25T02:45:00+02:00,4\n2026-10-25T02:00:00+01:00,4\n"
                                      "2026-10-25T02:15:00+01:00,4\n");
  ASSERT_THAT(stated, IsOk());
  EXPECT_EQ(stated->interval_ms, 900'000U);
  EXPECT_THAT(ParseLoggerFile("# UTC offset: +02:00\n" + head +
                              "2026-10-25T02:45:00,4\n2026-10-25T02:00:00,4\n"),
              StatusIs(StatusCode::kInvalidArgument, "which is earlier"));
  EXPECT_THAT(ParseLoggerFile(head + "2026-10-25T02:45:00,4\n2026-10-25T03:00:00,4\n"),
              StatusIs(StatusCode::kInvalidArgument, "a time with its zone"));
}

struct Damage {
  const char* name;
  std::string_view file;
  const char* from;
  const char* to;
  const char* words;
};
std::ostream& operator<<(std::ostream& out, const Damage& damage) { return out << damage.name; }

const Damage kDamages[] = {
    {"NoOffset", kSemicolons, "UTC offset;+01:00", "Firmware;2", "states the offset"},
    {"AZoneByName", kSemicolons, "+01:00", "Europe/Berlin", "line 3: expected an offset"},
    {"AnOffsetBeyondTheEarth", kSemicolons, "+01:00", "+14:30", "line 3: expected an offset"},
    {"NoUnit", kSemicolons, "Unit;\u00b0C", "Note;none", "line 7, column 2: expected its unit"},
    {"Kelvin", kSemicolons, "Unit;\u00b0C", "Unit;K", "found \"K\""},
    {"NoSerial", kSemicolons, "Serial;", "Number;", "the logger's serial"},
    {"TwoSerials", kSemicolons, "Model;", "Serial;", "line 2: expected serial once"},
    {"FewerThanItStates", kSemicolons, "Readings;3", "Readings;4",
     "expected 4 readings, as the file states, found 3"},
    {"AUnitOfNone", kSemicolons, "Shock [g]", "Shock", "column 4: expected its unit, [g]"},
    {"AnUnknownChannel", kSemicolons, "Shock [g]", "Humidity [%]", "column 4: expected a channel"},
    {"AChannelTwice", kSemicolons, "Ambient", "Temperature", "each channel once"},
    {"NoTemperature", kCommas, "Temperature (F)", "Light (lx)", "a column Temperature"},
    {"TimeNotFirst", kCommas, "Timestamp,Ambient (\u00b0F)", "Ambient (\u00b0F),Timestamp",
     "names the columns"},
    {"NoColumns", kSemicolons, "Date/Time", "Datum", "names the columns"},
    {"DecimalPoint", kSemicolons, "4,5;21", "4.5;21",
     "line 8, column 2 (temperature): expected a number with a decimal comma, such as -186,0, "
     "found \"4.5\""},
    {"DecimalComma", kCommas, "-302.8", "-302,8", "expected 5 columns, found 6"},
    {"MonthFirst", kSemicolons, "31.03.2026 14:00", "03.31.2026 14:00", "line 8, column 1"},
    {"Slashes", kSemicolons, "31.03.2026 14:00", "31/03/2026 14:00", "line 8, column 1"},
    {"NoSuchDay", kSemicolons, "31.03.2026 14:30", "31.04.2026 14:30", "line 10, column 1"},
    {"TheSameTimeAgain", kSemicolons, "14:15:30", "14:00:00", "the same time again"},
    {"TheClockWentBack", kSemicolons, "14:15:30", "13:15:30", "which is earlier"},
    {"ColumnsSwapped", kSemicolons, "31.03.2026 14:00;4,5", "4,5;31.03.2026 14:00",
     "line 8, column 1 (date/time)"},
    {"NoNumber", kSemicolons, "-0,05", "ERR", "line 9, column 2 (temperature)"},
    {"AnExponent", kSemicolons, "-0,05", "5e1", "line 9, column 2"},
    {"BelowAbsoluteZero", kSemicolons, "-0,05", "-273,15", "-273.14 to 200 C"},
    {"TooHot", kSemicolons, "-0,05", "200,01", "-273.14 to 200 C"},
    {"TiltedBeyond", kSemicolons, "88,6", "181", "line 9, column 5 (tilt): expected 0 to 180"},
    {"ACellTooMany", kSemicolons, ";;;95", ";;;95;1", "expected 6 columns, found 7"},
    {"ALineCutShort", kSemicolons, ";;;95", ";;", "expected 6 columns, found 5"},
    {"TheEndCut", kSemicolons, ";95\r\n", ";9", "the file is cut"},
    {"ABlankLineWithin", kSemicolons, "\r\n31.03.2026 14:30", "\r\n\r\n31.03.2026 14:30",
     "line 10: expected 6 columns"},
    {"LatinOne", kSemicolons, "Unit;\u00b0C",
     "Unit;\xb0"
     "C",
     "line 4: expected text in UTF-8"},
    {"AControlCharacter", kSemicolons, "CoolTrace", "Cool\x1bTrace", "line 1: expected text"},
    {"AnotherFileBehind", kCommas, "2026-03-31 12:05:00Z,32,-301.1234,1013.2,-48.1",
     "Timestamp,Ambient (F),Temperature (F),Pressure (hPa),Latitude (deg)", "line 5, column 1"},
};

class DamagedFileTest : public testing::TestWithParam<Damage> {};

TEST_P(DamagedFileTest, IsRefusedByLineAndColumn) {
  const Damage& damage = GetParam();
  const auto file = ParseLoggerFile(With(damage.file, damage.from, damage.to));
  EXPECT_THAT(file, StatusIs(StatusCode::kInvalidArgument, damage.words));
}

INSTANTIATE_TEST_SUITE_P(Damages, DamagedFileTest, testing::ValuesIn(kDamages),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(LoggerFileTest, RefusesWhatIsNoLoggersFile) {
  for (const char* text : {"", "a file", "a file\n", "\n", "%PDF-1.4\n", "Serial;L\nDate/Time\n"}) {
    EXPECT_THAT(ParseLoggerFile(text), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
  const std::string one = "# Serial: L\nTimestamp,Temperature [C]\n2026-03-31T12:00:00Z,4\n";
  EXPECT_THAT(ParseLoggerFile(one), StatusIs(StatusCode::kInvalidArgument, "at least two"));
  EXPECT_THAT(ParseLoggerFile(one + "2027-03-31T12:00:00Z,4\n"),
              StatusIs(StatusCode::kInvalidArgument, "at most 360 days"));
  EXPECT_THAT(ParseLoggerFile(one + "2026-04-02T12:00:00Z,4\n"),
              StatusIs(StatusCode::kInvalidArgument, "at most a day apart"));
  EXPECT_THAT(ParseLoggerFile(std::string(1001, '#') + "\n" + one),
              StatusIs(StatusCode::kInvalidArgument, "line 1: expected at most 1000 bytes"));
}

TEST(LoggerFileTest, ShowsNothingHarmfulOfWhatItFound) {
  const auto file = ParseLoggerFile(With(kSemicolons, "-0,05", "\u202e" + std::string(90, 'x')));
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(Message(file.status()).find("\u202e"), std::string::npos);
  EXPECT_LT(Message(file.status()).size(), 250U);
}

TEST(LoggerFileTest, AMillionLinesAreReadInSeconds) {
  std::string text = "# Serial: LOG-88\nTimestamp,Temperature [C],Ambient [C]\n";
  std::int64_t at = Ms("2026-01-01T00:00:00Z");
  for (int i = 0; i < 1'000'000; ++i, at += 30'000) {
    text += FormatUtc(Instant{at * 1000}) + (i % 2 == 0 ? ",-180.25,21\n" : ",-179.75,22\n");
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto file = ParseLoggerFile(text);
  const auto took = std::chrono::steady_clock::now() - begun;
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->readings.size(), 1'000'000U);
  EXPECT_EQ(file->interval_ms, 30'000U);
  RecordProperty(
      "milliseconds",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  EXPECT_LT(took, std::chrono::seconds(20));  // some 0.2 s; sanitizers and a busy machine take more
}

}  // namespace
}  // namespace custody
