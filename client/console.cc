#include "client/console.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <istream>
#include <ostream>

#include "client/plain_lines.h"
#include "crypto/utf8.h"

namespace custody {
namespace {

// Columns as a person sees them: UTF-8 continuation bytes take no place.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Console::Console(std::istream& in, std::ostream& out, std::ostream& error, Look look)
    : in_(in), out_(out), error_(error), look_(look) {}

void Console::GiveNotice() {
  if (noticed_ || environment_ == pb::PRODUCTION || look_.json) return;
  noticed_ = true;
  out_ << Coloured(kTrainingNotice, Mood::kCareful) << "\n";
}

std::string Console::Coloured(std::string_view text, Mood mood) const {
  if (!look_.colours || mood == Mood::kPlain) return std::string(text);
  const char* colour = mood == Mood::kGood  ? "\033[1;32m"
                       : mood == Mood::kBad ? "\033[1;31m"
                                            : "\033[1;33m";
  return colour + std::string(text) + "\033[0m";
}

void Console::Say(std::string_view text, Mood mood) {
  if (look_.json) return;
  GiveNotice();
  while (text.ends_with('\n')) text.remove_suffix(1);
  out_ << Coloured(PlainLines(text), mood) << std::endl;
}

void Console::Shout(Mood mood, std::string_view word, std::string_view text) {
  if (look_.json) return;
  GiveNotice();
  out_ << Coloured("*** " + std::string(word) + " ***", mood) << "  " << PlainLines(text, "  ")
       << std::endl;
}

void Console::Table(const std::vector<std::string>& headings,
                    const std::vector<std::vector<std::string>>& given) {
  if (look_.json) return;
  GiveNotice();
  std::vector<std::vector<std::string>> rows = given;
  for (auto& row : rows) std::ranges::transform(row, row.begin(), Plain);
  std::vector<std::size_t> widths(headings.size(), 0);
  const auto measure = [&widths](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  };
  measure(headings);
  for (const auto& row : rows) measure(row);
  const auto print = [&](const std::vector<std::string>& row, bool heading) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - Width(row[i]) + 2, ' ');
    }
    out_ << (heading && look_.colours ? "\033[1m" + line + "\033[0m" : line) << "\n";
  };
  print(headings, true);
  for (const auto& row : rows) print(row, false);
  out_.flush();
}

void Console::Emit(nlohmann::json object) {
  if (!look_.json) return;
  if (environment_ != pb::PRODUCTION) object["notice"] = kTrainingNotice;
  out_ << object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
}

void Console::Complain(const Status& status) {
  if (look_.json) {
    Emit({{"error", Message(status)}, {"code", absl::StatusCodeToString(status.code())}});
    return;
  }
  if (environment_ != pb::PRODUCTION && !noticed_) {
    noticed_ = true;
    error_ << kTrainingNotice << "\n";
  }
  error_ << Coloured("error:", Mood::kBad) << " " << PlainLines(Message(status), "  ") << std::endl;
}

StatusOr<std::string> Console::Ask(std::string_view question) {
  if (!look_.json) {
    GiveNotice();
    out_ << PlainLines(question) << std::flush;
  }
  std::string line;
  if (!std::getline(in_, line)) return OutOfRange("the input ended");
  if (line.ends_with('\r')) line.pop_back();
  // A terminal shows what is typed; a transcript of a script has to be told.
  if (!look_.terminal && !look_.json) out_ << line << std::endl;
  return line;
}

bool Console::Confirm(std::string_view question) {
  const auto answer = Ask(std::string(question) + " [yes/no] ");
  return answer.ok() && (*answer == "yes" || *answer == "y");
}

nlohmann::json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace custody
