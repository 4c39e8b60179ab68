// What the lines of a logger's file look like and what its columns may be. Shared by the files that
// read it; not for others to include.
#ifndef CUSTODY_CUSTODY_LOGGER_COLUMNS_H_
#define CUSTODY_CUSTODY_LOGGER_COLUMNS_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "crypto/status.h"

namespace custody {

struct LoggerShape {
  std::string_view time_column;  // in lower case
  char separator;
  char point;
  bool dotted;              // times; else ISO 8601
  std::string_view number;  // what is expected, for people
  std::string_view time;
};
inline constexpr LoggerShape kLoggerShapes[] = {
    {"date/time", ';', ',', true, "a number with a decimal comma, such as -186,0",
     "a time such as 31.03.2026 14:05:30"},
    {"timestamp", ',', '.', false, "a number with a decimal point, such as -186.0",
     "a time such as 2026-03-31T14:05:30+02:00"},
};

enum class LoggerChannel { kTime, kInner, kAmbient, kTilt, kShock, kBattery, kUnused };

struct LoggerChannelName {
  std::string_view name;  // in lower case
  LoggerChannel channel;
  std::array<std::string_view, 2> units;  // either; of temperatures none, see ReadLoggerColumn
  std::int64_t least;                     // possible value, in ten-thousandths of the unit
  std::int64_t most;
};

struct LoggerColumn {
  const LoggerChannelName* kind = nullptr;  // null: the time
  bool fahrenheit = false;
};

// `ReadLoggerColumn` reads the name of a column: "Temperature [°C]", "Shock (g)". A
// temperature without unit has `unit`, which the file states for all; it must have one.
// INVALID_ARGUMENT with what was expected and what was found.
StatusOr<LoggerColumn> ReadLoggerColumn(std::string_view cell, std::string_view unit);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_LOGGER_COLUMNS_H_
