#include "server/ledger/lacks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::size_t kMostLines = 32;
// "and 12 more"; "and more" of a program that did not count: one at least.
constexpr std::string_view kAnd = "and ";
constexpr std::string_view kMore = " more";

// Of an error of the system the store passes on the words alone.
bool IsShortage(const Status& status) {
  const std::string message = Message(status);
  return std::ranges::any_of(std::array{EMFILE, ENFILE, ENOMEM}, [&](int error) {
    return message.find(std::generic_category().message(error)) != std::string::npos;
  });
}

}  // namespace

bool IsUnreadable(const Status& status) {
  if (status.code() == StatusCode::kUnavailable) return !IsShortage(status);
  return status.code() == StatusCode::kDataLoss;
}

void AddLack(Lacks& lacks, const std::string& what, const Status& why) {
  const std::string begins = what + ":";
  const auto named = [&](const std::string& line) { return line.starts_with(begins); };
  if (std::ranges::any_of(lacks.lines, named)) return;
  if (lacks.lines.size() == kMostLines) {
    ++lacks.more;
    return;
  }
  const std::string message = Message(why);
  lacks.lines.push_back(begins + " " + message.substr(0, message.find('\n')));
}

std::string LackOf(std::string_view line) { return std::string(line.substr(0, line.find(':'))); }

StatusOr<Lacks> ReadLacks(const Snapshot& snapshot, std::string_view meta) {
  CUSTODY_ASSIGN_OR_RETURN(const auto kept, GetMeta(snapshot, meta));
  Lacks lacks;
  std::string_view rest = kept ? std::string_view(*kept) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line == "and more") {
      lacks.more = 1;
    } else if (line.starts_with(kAnd) && line.ends_with(kMore)) {
      std::from_chars(line.data() + kAnd.size(), line.data() + line.size(), lacks.more);
    } else if (!line.empty()) {
      lacks.lines.emplace_back(line);
    }
  }
  return lacks;
}

void PutLacks(const Lacks& lacks, std::string_view meta, Batch& batch) {
  if (lacks.size() == 0) return batch.Delete(Table::kMeta, meta);
  std::string row;
  for (const std::string& line : lacks.lines) row += line + "\n";
  if (lacks.more != 0) row.append(kAnd).append(std::to_string(lacks.more)).append(" more\n");
  batch.Put(Table::kMeta, meta, row);
}

StatusOr<Lacks> StillLacking(const Lacks& lacks,
                             const std::function<Status(const std::string& what)>& read) {
  Lacks left;
  left.more = lacks.more;
  for (const std::string& line : lacks.lines) {
    const Status again = read(LackOf(line));
    if (!again.ok() && !IsUnreadable(again)) return again;
    if (!again.ok()) left.lines.push_back(line);
  }
  return left;
}

}  // namespace custody
