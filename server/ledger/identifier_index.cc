#include "server/ledger/identifier_index.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "custody/chain.h"
#include "custody/event_contents.h"
#include "server/ledger/lacks.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

// Of one commit while an index is brought up: some megabytes of rows.
constexpr std::uint64_t kEventsOfStep = 8192;
// What a line of what lacks begins with.
constexpr std::string_view kEntry = "entry ";

// The meta row is the version, or "VERSION@INDEX" while it is made: entries below are in it.
std::optional<std::uint64_t> MadeUpTo(std::string_view row) {
  const std::string begins = std::string(kIndexVersion) + "@";
  if (!row.starts_with(begins)) return std::nullopt;
  row.remove_prefix(begins.size());
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(row.data(), row.data() + row.size(), index);
  if (error != std::errc() || end != row.data() + row.size()) return std::nullopt;
  return index;
}

StatusOr<ParsedEvent> ReadEvent(const Snapshot& snapshot, std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, ReadSigned(snapshot, index));
  StatusOr<ParsedEvent> event = ParseEvent(signed_event.payload());
  return event.ok() ? std::move(event) : DataLoss(Message(event.status()));
}

// Puts the rows of one entry that are not there yet, nor in `put`.
Status AddRowsOf(const Snapshot& snapshot, std::uint64_t index, std::set<std::string>& put,
                 Batch& batch) {
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent event, ReadEvent(snapshot, index));
  for (std::string& row : IndexRowsOf(event)) {
    if (put.contains(row) || snapshot.Get(Table::kIdentifiers, row).ok()) continue;
    batch.Put(Table::kIdentifiers, row, "");
    put.insert(std::move(row));
  }
  return {};
}

// Puts the rows of entries `from` to before `end` that are not there yet.
Status AddRows(const Snapshot& snapshot, std::uint64_t from, std::uint64_t end, Batch& batch) {
  std::set<std::string> put;
  Lacks lacks;  // an index that begins anew lacks nothing yet
  if (from != 0) {
    CUSTODY_ASSIGN_OR_RETURN(lacks, ReadLacks(snapshot, kMetaIndexLacks));
  }
  for (std::uint64_t index = from; index < end; ++index) {
    const Status added = AddRowsOf(snapshot, index, put, batch);
    if (!added.ok() && !IsUnreadable(added)) return added;
    if (!added.ok()) AddLack(lacks, std::string(kEntry) + std::to_string(index), added);
  }
  PutLacks(lacks, kMetaIndexLacks, batch);
  return {};
}

// Reads again what could not be read. What is more than the lines that are kept is found by reading
// all anew, once these can be read.
Status TryAgain(const Snapshot& snapshot, const Lacks& lacks, Batch& batch) {
  std::set<std::string> put;
  const auto read = [&](const std::string& what) {
    std::uint64_t index = 0;
    std::from_chars(what.data() + kEntry.size(), what.data() + what.size(), index);
    return AddRowsOf(snapshot, index, put, batch);
  };
  CUSTODY_ASSIGN_OR_RETURN(const Lacks left, StillLacking(lacks, read));
  if (left.lines.size() == lacks.lines.size()) return {};
  PutLacks(left, kMetaIndexLacks, batch);
  const bool anew = left.lines.empty() && left.more != 0;
  if (anew) batch.Put(Table::kMeta, kMetaIndex, std::string(kIndexVersion) + "@0");
  return {};
}

std::vector<std::string> AskedTypes() {
  std::vector<std::string> types = IndexTypes();
  types.emplace_back(kPersonType);
  return types;
}

Status CheckAsked(std::string_view type, std::string_view value) {
  if (value.empty()) return InvalidArgument("say which identifier to find");
  if (value.find('\0') != std::string_view::npos) {
    return InvalidArgument("an identifier holds no zero byte");
  }
  const std::vector<std::string> types = AskedTypes();
  if (std::ranges::find(types, type) != types.end()) return {};
  std::string known;
  for (const std::string& one : types) known += (known.empty() ? "" : ", ") + one;
  return InvalidArgument("there is no type of identifier \"" + std::string(type.substr(0, 64)) +
                         "\"; there are " + known);
}

}  // namespace

std::vector<std::string> IndexRowsOf(const ParsedEvent& event) {
  const std::string& chain = event.event.chain();
  if (!IsTherapyChain(chain)) return {};
  std::set<std::string> rows;
  const auto add = [&](std::string_view type, std::string_view value) {
    rows.insert(IdentifierRow(type, value, chain));
  };
  if (event.event.sequence() == 0) add("therapy", TherapyOf(chain));
  for (const NamedIdentifier& named : ContentsOf(event.effective()).identifiers) {
    add(named.type, named.value);
  }
  // Who brought in what others had signed.
  for (const pb::Signer& signer : event.event.signers()) add(kPersonType, signer.person());
  return {rows.begin(), rows.end()};
}

std::vector<std::string> IndexTypes() {
  std::vector<std::string> types = IdentifierTypes();
  types.emplace_back("therapy");
  return types;
}

Status BringIndexUp(Store& store) {
  bool tried = false;
  while (true) {
    const std::unique_ptr<const Snapshot> snapshot = store.GetSnapshot();
    CUSTODY_ASSIGN_OR_RETURN(const auto kept, GetMeta(*snapshot, kMetaIndex));
    const std::uint64_t size = snapshot->version().log_size;
    Batch batch;
    if (kept == kIndexVersion) {
      if (std::exchange(tried, true)) return {};
      CUSTODY_ASSIGN_OR_RETURN(const Lacks lacks, ReadLacks(*snapshot, kMetaIndexLacks));
      CUSTODY_RETURN_IF_ERROR(TryAgain(*snapshot, lacks, batch));
      if (batch.empty()) return {};
    } else {
      const std::uint64_t from = std::min(size, MadeUpTo(kept.value_or("")).value_or(0));
      const std::uint64_t end = std::min(size, from + kEventsOfStep);
      CUSTODY_RETURN_IF_ERROR(AddRows(*snapshot, from, end, batch));
      const bool whole = end == size;
      batch.Put(Table::kMeta, kMetaIndex,
                std::string(kIndexVersion) + (whole ? "" : "@" + std::to_string(end)));
    }
    const CommitResult result = store.Commit(batch, snapshot->version(), size);
    CUSTODY_RETURN_IF_ERROR(
        WithContext(result.status, "the index of identifiers cannot be brought up"));
  }
}

StatusOr<std::string> IndexLacks(const Snapshot& snapshot) {
  CUSTODY_ASSIGN_OR_RETURN(const Lacks index, ReadLacks(snapshot, kMetaIndexLacks));
  CUSTODY_ASSIGN_OR_RETURN(const Lacks held, ReadLacks(snapshot, kMetaHeldLacks));
  std::string lacks;
  for (const std::string& line : index.lines) lacks += (lacks.empty() ? "" : ", ") + LackOf(line);
  if (index.more != 0) lacks += " and " + std::to_string(index.more) + " more";
  if (held.size() != 0) {
    lacks += (lacks.empty() ? "" : ", and ") + ("what " + std::to_string(held.size())) +
             " therapies hold";
  }
  return lacks;
}

Status WarnOfLacks(const Snapshot& snapshot) {
  CUSTODY_ASSIGN_OR_RETURN(const Lacks index, ReadLacks(snapshot, kMetaIndexLacks));
  CUSTODY_ASSIGN_OR_RETURN(const Lacks held, ReadLacks(snapshot, kMetaHeldLacks));
  if (index.size() + held.size() == 0) return {};
  for (const Lacks* lacks : {&index, &held}) {
    for (const std::string& line : lacks->lines) spdlog::error("cannot be read: {}", line);
    if (lacks->more != 0) spdlog::error("cannot be read: {} more", lacks->more);
  }
  spdlog::error(
      "{} entries are not in the index of identifiers, and of {} therapies it is not known what "
      "they hold: every list of therapies ends with NOT ALL, and no rule knows what only these "
      "have (R05, R15). Run custody-admin check on the data folder. Where it finds damage, restore "
      "the newest backup; where not, see to the disk and start the server again, which reads them "
      "again",
      index.size(), held.size());
  return {};
}

StatusOr<std::vector<std::string>> TherapiesAfter(const Snapshot& snapshot, std::string_view after,
                                                  std::size_t limit) {
  // A row is "therapy", id, chain; an id followed by 0x01 comes after all rows of that id.
  constexpr std::string_view kType("therapy\0", 8);
  std::string from(kType);
  if (!after.empty()) from.append(after).push_back('\1');
  std::vector<std::string> ids;
  CUSTODY_RETURN_IF_ERROR(
      snapshot.Scan(Table::kIdentifiers, from, [&](std::string_view row, std::string_view) {
        if (ids.size() >= limit || !row.starts_with(kType)) return false;
        row.remove_prefix(kType.size());
        ids.emplace_back(row.substr(0, row.find('\0')));
        return true;
      }));
  return ids;
}

Status ScanIdentifiers(
    const Snapshot& snapshot, std::span<const std::string> types, std::string_view value,
    bool prefix, const std::function<bool(const std::string& type, std::string_view id)>& take) {
  bool more = true;
  for (const std::string& type : types) {
    CUSTODY_RETURN_IF_ERROR(CheckAsked(type, value));
    if (!more) continue;
    std::string from = IdentifierRow(type, value, "");
    if (prefix) from.pop_back();
    CUSTODY_RETURN_IF_ERROR(
        snapshot.Scan(Table::kIdentifiers, from, [&](std::string_view row, std::string_view) {
          if (!row.starts_with(from)) return false;
          more = take(type, TherapyOf(row.substr(row.rfind('\0') + 1)));
          return more;
        }));
  }
  return {};
}

StatusOr<std::vector<std::string>> TherapiesNaming(const Snapshot& snapshot, std::string_view type,
                                                   std::string_view value, bool prefix) {
  std::vector<std::string> types = AskedTypes();
  if (!type.empty()) types.assign(1, std::string(type));
  std::set<std::string> ids;
  CUSTODY_RETURN_IF_ERROR(
      ScanIdentifiers(snapshot, types, value, prefix, [&](const std::string&, std::string_view id) {
        ids.emplace(id);
        return ids.size() <= kMostFound;
      }));
  if (ids.size() > kMostFound) {
    return OutOfRange("more than " + std::to_string(kMostFound) + " therapies name " +
                      std::string(value) + "; name the type of the identifier");
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

}  // namespace custody
