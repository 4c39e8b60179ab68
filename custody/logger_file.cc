// Which shape a file has is told by the first cell of the line that names its columns, and by
// nothing else; from there on every line must be what that shape says. A file that two readers
// could read differently is worse than one that nobody can read.
#include "custody/logger_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/utf8.h"
#include "custody/logger_cells.h"
#include "custody/logger_columns.h"

namespace custody {
namespace {

constexpr std::size_t kMaxLineBytes = 1000;
constexpr std::size_t kMaxAboutLines = 100;  // before the columns
constexpr std::size_t kMaxColumns = 16;
constexpr std::size_t kMaxSerialBytes = 64;
constexpr std::int64_t kMsPerMinute = 60'000;
constexpr std::int64_t kMaxIntervalMs = 24 * 60 * kMsPerMinute;
// A gap of a file has at most 365 days (TelemetryGap), and so has a stretch with one interval more.
constexpr std::int64_t kMaxSpanMs = 360 * kMaxIntervalMs;

constexpr std::int64_t kMinCenti = -27'314;
constexpr std::int64_t kMaxCenti = 20'000;

struct Line {
  std::size_t number = 0;
  std::string_view text;
};

Status Fault(std::size_t line, std::string_view where, std::string_view expected,
             std::string_view found) {
  return InvalidArgument("line " + std::to_string(line) + std::string(where) + ": expected " +
                         std::string(expected) + ", found " + std::string(found));
}

class Parser {
 public:
  explicit Parser(std::string_view bytes) : rest_(bytes) {}

  StatusOr<LoggerFile> Parse() {
    CUSTODY_RETURN_IF_ERROR(CheckText());
    CUSTODY_RETURN_IF_ERROR(FindColumns());
    for (const Line& line : about_) CUSTODY_RETURN_IF_ERROR(ReadAbout(line));
    CUSTODY_RETURN_IF_ERROR(ReadColumns());
    while (!rest_.empty()) {
      CUSTODY_ASSIGN_OR_RETURN(const Line line, NextLine());
      CUSTODY_RETURN_IF_ERROR(ReadRow(line));
    }
    CUSTODY_RETURN_IF_ERROR(CheckWhole());
    return std::move(file_);
  }

 private:
  Status CheckText();
  StatusOr<Line> NextLine();
  Status FindColumns();
  Status ReadAbout(const Line& line);
  Status ReadFact(const Line& line, const std::string& key, std::string_view value);
  Status ReadColumns();
  Status ReadRow(const Line& line);
  Status ReadTime(const Line& line, std::string_view cell);
  Status ReadCell(const Line& line, std::size_t place, std::string_view cell);
  Status CheckWhole();
  // The cells of a line; their number, which may be more than there are columns at most.
  std::size_t Split(std::string_view text);
  std::string Where(std::size_t place) const;

  std::string_view rest_;
  std::size_t line_ = 0;
  const LoggerShape* shape_ = nullptr;
  std::vector<Line> about_;
  Line names_;
  std::vector<LoggerColumn> columns_;
  std::array<std::string_view, kMaxColumns> cells_;
  std::optional<std::int32_t> offset_min_;
  std::string unit_;
  std::optional<std::int64_t> rows_stated_;
  std::size_t rows_ = 0;
  std::int64_t last_ms_ = 0;  // time of the row before
  LoggerFile file_;
};

Status Parser::CheckText() {
  if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  if (rest_.empty()) return InvalidArgument("the file is empty: expected a logger's readings");
  std::size_t line = 1;
  for (std::string_view left = rest_; !left.empty();) {
    const char32_t c = TakeCodePoint(left);
    if (c == kNoCodePoint) return Fault(line, "", "text in UTF-8", "a byte that is none");
    if (c == '\n') ++line;
    if ((c < 0x20 && c != '\n' && c != '\r') || c == 0x7f) {
      return Fault(line, "", "text", "a control character");
    }
  }
  if (rest_.back() != '\n') {
    return Fault(line, "", "a line that ends", "the end of the file within it: the file is cut");
  }
  return Status();
}

StatusOr<Line> Parser::NextLine() {
  const std::size_t end = rest_.find('\n');  // there is one: CheckText
  Line line{++line_, rest_.substr(0, end)};
  rest_.remove_prefix(end + 1);
  if (line.text.ends_with('\r')) line.text.remove_suffix(1);
  if (line.text.size() > kMaxLineBytes) {
    return Fault(line.number, "", "at most " + std::to_string(kMaxLineBytes) + " bytes",
                 std::to_string(line.text.size()));
  }
  return line;
}

Status Parser::FindColumns() {
  while (!rest_.empty() && about_.size() < kMaxAboutLines) {
    CUSTODY_ASSIGN_OR_RETURN(const Line line, NextLine());
    for (const LoggerShape& shape : kLoggerShapes) {
      const std::size_t end = line.text.find(shape.separator);
      const bool named = end != std::string_view::npos &&
                         LowerAscii(Trim(line.text.substr(0, end))) == shape.time_column;
      if (!named) continue;
      shape_ = &shape;
      names_ = line;
      return Status();
    }
    about_.push_back(line);
  }
  return InvalidArgument(
      "expected a line that names the columns, beginning \"Date/Time;\" or \"Timestamp,\", found "
      "none in the first " +
      std::to_string(about_.size()) + " lines: this is a file of no shape that is known here");
}

// A line about the logger. What is not asked for is not read.
Status Parser::ReadAbout(const Line& line) {
  std::string_view text = Trim(line.text);
  if (text.empty()) return Status();
  char between = ';';
  if (!shape_->dotted) {
    if (!text.starts_with('#')) {
      return Fault(line.number, "", "a line beginning # or the names of the columns", Quoted(text));
    }
    text.remove_prefix(1);
    between = ':';
  }
  const std::size_t end = text.find(between);
  if (end == std::string_view::npos) return Status();
  return ReadFact(line, LowerAscii(Trim(text.substr(0, end))), Trim(text.substr(end + 1)));
}

Status Parser::ReadFact(const Line& line, const std::string& key, std::string_view value) {
  const auto twice = [&] { return Fault(line.number, "", key + " once", "it a second time"); };
  if (key == "serial" || key == "serial number") {
    if (!file_.serial.empty()) return twice();
    if (value.empty() || value.size() > kMaxSerialBytes) {
      return Fault(line.number, "", "the logger's serial, at most 64 bytes", Quoted(value));
    }
    file_.serial = value;
  } else if (key == "utc offset" || key == "time zone") {
    if (offset_min_) return twice();
    offset_min_ = ParseOffset(value);
    if (!offset_min_) {
      return Fault(line.number, "", "an offset such as UTC or +01:00", Quoted(value));
    }
  } else if (key == "unit") {
    if (!unit_.empty()) return twice();
    unit_ = value;
  } else if (key == "readings") {
    if (rows_stated_) return twice();
    const std::optional<std::int64_t> count = ParseDecimal(value, '.');
    if (!count || *count % 10'000 != 0 || *count < 0) {
      return Fault(line.number, "", "how many readings the file has", Quoted(value));
    }
    rows_stated_ = *count / 10'000;
  }
  return Status();
}

std::size_t Parser::Split(std::string_view text) {
  std::size_t count = 0;
  while (true) {
    const std::size_t end = std::min(text.find(shape_->separator), text.size());
    if (count < kMaxColumns) cells_[count] = Trim(text.substr(0, end));
    ++count;
    if (end == text.size()) return count;
    text.remove_prefix(end + 1);
  }
}

std::string Parser::Where(std::size_t place) const {
  std::string where = ", column " + std::to_string(place + 1);
  if (place >= columns_.size()) return where;
  const LoggerChannelName* kind = columns_[place].kind;
  return where + " (" + std::string(kind == nullptr ? shape_->time_column : kind->name) + ")";
}

Status Parser::ReadColumns() {
  if (file_.serial.empty()) {
    return Fault(names_.number, "", "the logger's serial in a line before the columns", "none");
  }
  if (shape_->dotted && !offset_min_) {
    return Fault(names_.number, "",
                 "a line before the columns that states the offset of all times, such as \"UTC "
                 "offset;+01:00\"",
                 "none");
  }
  const std::size_t count = Split(names_.text);
  if (count > kMaxColumns) {
    return Fault(names_.number, "", "at most 16 columns", std::to_string(count));
  }
  columns_.push_back(LoggerColumn());  // the time: FindColumns
  bool inner = false;
  for (std::size_t i = 1; i < count; ++i) {
    const StatusOr<LoggerColumn> column = ReadLoggerColumn(cells_[i], unit_);
    if (!column.ok()) {
      return WithContext(column.status(), "line " + std::to_string(names_.number) + Where(i));
    }
    for (const LoggerColumn& other : columns_) {
      if (other.kind != column->kind) continue;
      return Fault(names_.number, Where(i), "each channel once", Quoted(cells_[i]) + " again");
    }
    inner = inner || column->kind->channel == LoggerChannel::kInner;
    columns_.push_back(*column);
  }
  return inner ? Status() : Fault(names_.number, "", "a column Temperature", "none");
}

Status Parser::ReadRow(const Line& line) {
  const std::size_t count = Split(line.text);
  if (count != columns_.size()) {
    return Fault(line.number, "", std::to_string(columns_.size()) + " columns",
                 std::to_string(count) + ": " + Quoted(line.text));
  }
  if (++rows_ > kMaxLoggerReadings) {
    return Fault(line.number, "", "at most " + std::to_string(kMaxLoggerReadings) + " readings",
                 "more");
  }
  CUSTODY_RETURN_IF_ERROR(ReadTime(line, cells_[0]));
  for (std::size_t i = 1; i < count; ++i) {
    // An empty cell is no reading of its channel.
    const bool read = columns_[i].kind->channel != LoggerChannel::kUnused && !cells_[i].empty();
    if (read) CUSTODY_RETURN_IF_ERROR(ReadCell(line, i, cells_[i]));
  }
  return Status();
}

Status Parser::ReadTime(const Line& line, std::string_view cell) {
  const std::optional<LoggerTime> time =
      shape_->dotted ? ParseDottedTime(cell) : ParseIsoTime(cell);
  if (!time) return Fault(line.number, Where(0), shape_->time, Quoted(cell));
  const std::optional<std::int32_t> offset = time->offset_min ? time->offset_min : offset_min_;
  if (!offset) {
    return Fault(line.number, Where(0),
                 "a time with its zone, such as 2026-03-31T14:05:30+02:00, or a line \"# UTC "
                 "offset: +02:00\" before the columns",
                 Quoted(cell));
  }
  const std::int64_t at = time->clock_ms - *offset * kMsPerMinute;
  if (rows_ > 1 && at <= last_ms_) {
    return Fault(line.number, Where(0), "a time after that of the line before",
                 at == last_ms_ ? "the same time again, " + Quoted(cell)
                                : Quoted(cell) +
                                      ", which is earlier: the logger's clock went back "
                                      "or lines are out of order");
  }
  last_ms_ = at;
  return Status();
}

void Widen(std::int32_t value, std::optional<std::int32_t>& least,
           std::optional<std::int32_t>& most) {
  least = std::min(least.value_or(value), value);
  most = std::max(most.value_or(value), value);
}

void Raise(std::int64_t value, std::optional<std::uint32_t>& most) {
  most = std::max(most.value_or(0), static_cast<std::uint32_t>(value));
}

Status Parser::ReadCell(const Line& line, std::size_t place, std::string_view cell) {
  const LoggerColumn& column = columns_[place];
  const std::optional<std::int64_t> value = ParseDecimal(cell, shape_->point);
  if (!value) return Fault(line.number, Where(place), shape_->number, Quoted(cell));
  const LoggerChannel channel = column.kind->channel;
  if (channel == LoggerChannel::kInner || channel == LoggerChannel::kAmbient) {
    const std::int64_t centi =
        column.fahrenheit ? Rounded((*value - 320'000) * 5, 900) : Rounded(*value, 100);
    if (centi < kMinCenti || centi > kMaxCenti) {
      return Fault(line.number, Where(place), "-273.14 to 200 C", Quoted(cell));
    }
    const auto narrow = static_cast<std::int32_t>(centi);
    if (channel == LoggerChannel::kInner) {
      file_.readings.push_back({last_ms_, narrow});
    } else {
      Widen(narrow, file_.min_ambient_centi_c, file_.max_ambient_centi_c);
    }
    return Status();
  }
  if (*value < column.kind->least || *value > column.kind->most) {
    return Fault(line.number, Where(place),
                 std::to_string(column.kind->least / 10'000) + " to " +
                     std::to_string(column.kind->most / 10'000),
                 Quoted(cell));
  }
  if (channel == LoggerChannel::kTilt) Raise(Rounded(*value, 10'000), file_.max_tilt_deg);
  if (channel == LoggerChannel::kShock) Raise(Rounded(*value, 100), file_.max_shock_centi_g);
  if (channel == LoggerChannel::kBattery) {
    file_.battery_percent = static_cast<std::uint32_t>(Rounded(*value, 10'000));
  }
  return Status();
}

Status Parser::CheckWhole() {
  const std::vector<LoggerReading>& readings = file_.readings;
  if (rows_stated_ && *rows_stated_ != static_cast<std::int64_t>(rows_)) {
    return Fault(line_, "", std::to_string(*rows_stated_) + " readings, as the file states",
                 std::to_string(rows_) + ": the file is cut, or not as the logger gave it");
  }
  if (readings.size() < 2) {
    return Fault(line_, "", "at least two readings of the temperature",
                 std::to_string(readings.size()));
  }
  if (readings.back().at_ms - readings.front().at_ms > kMaxSpanMs) {
    return Fault(line_, "", "readings of at most 360 days", "more: export them in parts");
  }
  std::vector<std::int64_t> steps;
  steps.reserve(readings.size() - 1);
  for (std::size_t i = 1; i < readings.size(); ++i) {
    steps.push_back(readings[i].at_ms - readings[i - 1].at_ms);
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::ranges::nth_element(steps, middle);
  if (*middle > kMaxIntervalMs) {
    return Fault(line_, "", "readings at most a day apart", "longer intervals");
  }
  file_.interval_ms = static_cast<std::uint32_t>(*middle);
  return Status();
}

}  // namespace

StatusOr<LoggerFile> ParseLoggerFile(std::string_view bytes) { return Parser(bytes).Parse(); }

}  // namespace custody
