#include "server/ledger/rows.h"

#include <charconv>
#include <limits>

#include "custody/event.h"

namespace custody {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

std::string IndexName(std::uint64_t index) { return "entry " + std::to_string(index); }

}  // namespace

std::string ChainRow(const Hash& chain_key, std::uint64_t sequence) {
  return chain_key.ToString() + U64(sequence);
}

std::string NodeRow(int level, std::uint64_t row) {
  return std::string(1, static_cast<char>(level)) + U64(row);
}

std::string HeadsRow(std::string_view path, std::uint64_t size) {
  std::string key(path);
  key.push_back('\0');
  return key + U64(kLast - size);
}

std::string IdentifierRow(std::string_view type, std::string_view value, std::string_view chain) {
  std::string key(type);
  key.push_back('\0');
  key.append(value).push_back('\0');
  return key.append(chain);
}

std::string AttachmentRow(std::string_view therapy, const Hash& sha256, std::uint32_t part) {
  std::string key(therapy);
  key.push_back('\0');
  return key.append(sha256.view()).append(U64(part).substr(4));
}

StatusOr<std::string> GetPromised(const Snapshot& snapshot, Table table, std::string_view key,
                                  std::string_view what) {
  StatusOr<std::string> value = snapshot.Get(table, key);
  if (value.ok()) return value;
  if (value.status().code() == StatusCode::kNotFound) {
    return DataLoss(std::string(what) + " is missing from the data folder");
  }
  return WithContext(value.status(), what);
}

StatusOr<std::uint64_t> GetPromisedU64(const Snapshot& snapshot, Table table, std::string_view key,
                                       std::string_view what) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string value, GetPromised(snapshot, table, key, what));
  if (value.size() != 8) return DataLoss(std::string(what) + " is not a number of 8 bytes");
  return ReadU64(value);
}

StatusOr<pb::LogEntry> ReadEntry(const Snapshot& snapshot, std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes,
                           GetPromised(snapshot, Table::kEntries, U64(index), IndexName(index)));
  StatusOr<pb::LogEntry> entry = ParseLogEntry(bytes);
  if (!entry.ok()) return DataLoss(IndexName(index) + ": " + Message(entry.status()));
  return entry;
}

StatusOr<pb::SignedEvent> ReadSigned(const Snapshot& snapshot, std::uint64_t index) {
  const std::string what = "the signed event of " + IndexName(index);
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes,
                           GetPromised(snapshot, Table::kSigned, U64(index), what));
  pb::SignedEvent signed_event;
  if (!signed_event.ParseFromString(bytes)) return DataLoss(what + " does not parse");
  return signed_event;
}

StatusOr<std::optional<std::uint64_t>> FindEvent(const Snapshot& snapshot, const Hash& event_id) {
  const StatusOr<std::string> value = snapshot.Get(Table::kEvents, event_id.view());
  if (!value.ok()) {
    if (value.status().code() == StatusCode::kNotFound) return std::optional<std::uint64_t>();
    return value.status();
  }
  if (value->size() != 8) return DataLoss("the row of event " + event_id.ToHex() + " is damaged");
  return std::optional<std::uint64_t>(ReadU64(*value));
}

StatusOr<std::optional<std::string>> GetMeta(const Snapshot& snapshot, std::string_view name) {
  StatusOr<std::string> value = snapshot.Get(Table::kMeta, name);
  if (value.ok()) return std::optional<std::string>(*std::move(value));
  if (value.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  return value.status();
}

StatusOr<std::int64_t> GetMetaMicros(const Snapshot& snapshot, std::string_view name) {
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<std::string> text, GetMeta(snapshot, name));
  if (!text) return 0;
  std::int64_t micros = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), micros);
  if (error != std::errc() || end != text->data() + text->size()) {
    return DataLoss("meta row " + std::string(name) + " is not a number");
  }
  return micros;
}

StatusOr<KeptCheckpoint> NewestCheckpoint(const Snapshot& snapshot) {
  std::optional<KeptCheckpoint> found;
  CUSTODY_RETURN_IF_ERROR(snapshot.ScanBackwards(
      Table::kCheckpoints, U64(kLast), [&found](std::string_view key, std::string_view value) {
        if (key.size() == 8) found = KeptCheckpoint{ReadU64(key), std::string(value)};
        return false;
      }));
  if (!found) return NotFound("the ledger has no checkpoint");
  return *found;
}

StatusOr<KeptCheckpoint> FirstCheckpointFrom(const Snapshot& snapshot, std::uint64_t size) {
  std::optional<KeptCheckpoint> found;
  CUSTODY_RETURN_IF_ERROR(snapshot.Scan(
      Table::kCheckpoints, U64(size), [&found](std::string_view key, std::string_view value) {
        if (key.size() == 8) {
          found = KeptCheckpoint{ReadU64(key), std::string(value)};
        }
        return false;
      }));
  if (!found) return NotFound("no checkpoint of at least " + std::to_string(size) + " entries");
  return *found;
}

StatusOr<std::string> HeadsTile(const Snapshot& snapshot, std::string_view path,
                                std::uint64_t size) {
  const std::string from = HeadsRow(path, size);
  std::string tile;
  CUSTODY_RETURN_IF_ERROR(
      snapshot.Scan(Table::kHeads, from, [&](std::string_view key, std::string_view value) {
        // The same path and separator: any version from here on is not newer than `size`.
        if (key.size() == from.size() &&
            key.substr(0, path.size() + 1) == std::string_view(from).substr(0, path.size() + 1)) {
          tile = std::string(value);
        }
        return false;
      }));
  return tile;
}

}  // namespace custody
