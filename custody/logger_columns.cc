#include "custody/logger_columns.h"

#include <algorithm>
#include <string>

#include "custody/logger_cells.h"

namespace custody {
namespace {

// Possible values as the fields of TELEMETRY_BATCH have them; what goes into none is not read.
constexpr LoggerChannelName kChannels[] = {
    {"temperature", LoggerChannel::kInner, {}, 0, 0},
    {"ambient", LoggerChannel::kAmbient, {}, 0, 0},
    {"tilt", LoggerChannel::kTilt, {"deg", "\u00b0"}, 0, 1'800'000},
    {"shock", LoggerChannel::kShock, {"g", "g"}, 0, 10'000'000},
    {"battery", LoggerChannel::kBattery, {"%", "%"}, 0, 1'000'000},
    {"pressure", LoggerChannel::kUnused, {"hPa", "mbar"}, 0, 0},
    {"light", LoggerChannel::kUnused, {"lx", "lux"}, 0, 0},
    {"latitude", LoggerChannel::kUnused, {"deg", "\u00b0"}, 0, 0},
    {"longitude", LoggerChannel::kUnused, {"deg", "\u00b0"}, 0, 0},
};

Status Fault(std::string_view expected, const std::string& found) {
  return InvalidArgument("expected " + std::string(expected) + ", found " + found);
}

}  // namespace

StatusOr<LoggerColumn> ReadLoggerColumn(std::string_view cell, std::string_view unit) {
  std::string_view name = cell;
  std::string_view stated;
  const std::size_t open = std::min(cell.find_first_of("[("), cell.size());
  if (open != cell.size() && cell.back() == (cell[open] == '[' ? ']' : ')')) {
    name = Trim(cell.substr(0, open));
    stated = Trim(cell.substr(open + 1, cell.size() - open - 2));
  }
  const std::string lower = LowerAscii(name);
  const auto* kind =
      std::ranges::find(kChannels, std::string_view(lower), &LoggerChannelName::name);
  if (kind == std::end(kChannels)) {
    return Fault(
        "a channel known here: temperature, ambient, tilt, shock, battery, pressure, light, "
        "latitude or longitude",
        Quoted(cell));
  }
  LoggerColumn column{kind, false};
  if (kind->channel == LoggerChannel::kInner || kind->channel == LoggerChannel::kAmbient) {
    if (stated.empty()) stated = unit;
    column.fahrenheit = stated == "\u00b0F" || stated == "F";
    if (column.fahrenheit || stated == "\u00b0C" || stated == "C") return column;
    return Fault("its unit, [\u00b0C] or [\u00b0F]", Quoted(stated));
  }
  if (std::ranges::find(kind->units, stated) != kind->units.end()) return column;
  return Fault("its unit, [" + std::string(kind->units[0]) + "]", Quoted(stated));
}

}  // namespace custody
