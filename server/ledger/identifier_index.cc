#include "server/ledger/identifier_index.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "custody/chain.h"
#include "custody/event_contents.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

// Of one commit while an index is brought up: some megabytes of rows.
constexpr std::uint64_t kEventsOfStep = 8192;

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

// Puts the rows of entries `from` to before `end` that are not there yet.
Status AddRows(const Snapshot& snapshot, std::uint64_t from, std::uint64_t end, Batch& batch) {
  std::set<std::string> put;
  for (std::uint64_t index = from; index < end; ++index) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, ReadSigned(snapshot, index));
    StatusOr<ParsedEvent> event = ParseEvent(signed_event.payload());
    if (!event.ok()) {
      return DataLoss("the event of entry " + std::to_string(index) + ": " +
                      Message(event.status()));
    }
    for (std::string& row : IndexRowsOf(*event)) {
      if (put.contains(row) || snapshot.Get(Table::kIdentifiers, row).ok()) continue;
      batch.Put(Table::kIdentifiers, row, "");
      put.insert(std::move(row));
    }
  }
  return {};
}

// A zero byte would reach into other rows.
Status CheckAsked(std::string_view type, std::string_view value) {
  if (value.empty()) return InvalidArgument("say which identifier to find");
  for (const std::string_view part : {type, value}) {
    if (part.find('\0') != std::string_view::npos) {
      return InvalidArgument("an identifier holds no zero byte");
    }
  }
  return Status();
}

}  // namespace

std::vector<std::string> IndexRowsOf(const ParsedEvent& event) {
  const std::string& chain = event.event.chain();
  if (!chain.starts_with(kTherapyPrefix)) return {};
  std::set<std::string> rows;
  const auto add = [&](std::string_view type, std::string_view value) {
    rows.insert(IdentifierRow(type, value, chain));
  };
  if (event.event.sequence() == 0) add("therapy", chain.substr(kTherapyPrefix.size()));
  for (const NamedIdentifier& named : ContentsOf(event.effective()).identifiers) {
    add(named.type, named.value);
  }
  // Who brought in what others had signed.
  for (const pb::Signer& signer : event.event.signers()) add(kPersonType, signer.person());
  return {rows.begin(), rows.end()};
}

Status BringIndexUp(Store& store) {
  while (true) {
    const std::unique_ptr<const Snapshot> snapshot = store.GetSnapshot();
    CUSTODY_ASSIGN_OR_RETURN(const auto kept, GetMeta(*snapshot, kMetaIndex));
    if (kept == kIndexVersion) return {};
    const std::uint64_t size = snapshot->version().log_size;
    const std::uint64_t from = std::min(size, MadeUpTo(kept.value_or("")).value_or(0));
    const std::uint64_t end = std::min(size, from + kEventsOfStep);
    Batch batch;
    CUSTODY_RETURN_IF_ERROR(AddRows(*snapshot, from, end, batch));
    const bool whole = end == size;
    batch.Put(Table::kMeta, kMetaIndex,
              std::string(kIndexVersion) + (whole ? "" : "@" + std::to_string(end)));
    const CommitResult result = store.Commit(batch, snapshot->version(), size);
    CUSTODY_RETURN_IF_ERROR(
        WithContext(result.status, "the index of identifiers cannot be brought up"));
  }
}

Status ScanIdentifiers(
    const Snapshot& snapshot, std::span<const std::string> types, std::string_view value,
    bool prefix, const std::function<bool(const std::string& type, std::string_view id)>& take) {
  for (const std::string& type : types) {
    CUSTODY_RETURN_IF_ERROR(CheckAsked(type, value));
    std::string from = IdentifierRow(type, value, "");
    if (prefix) from.pop_back();
    CUSTODY_RETURN_IF_ERROR(
        snapshot.Scan(Table::kIdentifiers, from, [&](std::string_view row, std::string_view) {
          if (!row.starts_with(from)) return false;
          const std::string_view chain = row.substr(row.rfind('\0') + 1);
          return take(type, chain.substr(std::min(chain.size(), kTherapyPrefix.size())));
        }));
  }
  return {};
}

StatusOr<std::vector<std::string>> TherapiesNaming(const Snapshot& snapshot, std::string_view type,
                                                   std::string_view value, bool prefix) {
  CUSTODY_RETURN_IF_ERROR(CheckAsked(type, value));
  std::vector<std::string> types = IdentifierTypes();
  types.insert(types.end(), {"therapy", std::string(kPersonType)});
  if (!type.empty()) {
    // A type that does not exist would find nothing, as if nothing were concerned.
    if (std::ranges::find(types, type) == types.end()) {
      std::string known;
      for (const std::string& one : types) known += (known.empty() ? "" : ", ") + one;
      return InvalidArgument("there is no type of identifier \"" + std::string(type.substr(0, 64)) +
                             "\"; there are " + known);
    }
    types.assign(1, std::string(type));
  }
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
