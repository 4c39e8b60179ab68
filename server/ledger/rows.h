// The rows of a data folder: what the keys of each table are made of. Append only, like a format.
//
//   entries      u64 index                                  LogEntry bytes, as hashed
//   signed       u64 index                                  SignedEvent bytes
//   chains       chain key (32) || u64 sequence             u64 index
//   events       event id (32), adopted originals' too      u64 index
//   nodes        u8 level || u64 row                        see log_tree.h
//   heads        tile path || 0x00 || u64 (2^64-1 - size)   tile, as of log size `size`
//   checkpoints  u64 size                                   signed note
//   identifiers  type || 0x00 || value || 0x00 || chain     nothing; type "therapy" lists them;
//                of types "held ..." who has a thing: house || 0x00 before the chain and 0x00 ||
//                place behind it, and who made the row (held_claims.h)
//   attachments  therapy || 0x00 || sha256 (32) || u32 part sealed; part 0 describes the others
//   subjects     therapy                                    see vault.h
//   meta         name                                       see below
//   folds        chain                                      see fold_cache.h
//   reads        u64 micros || u64 n                        AccessRecord bytes
//   alerts       see server/alerting/alert_rows.h
//
// Numbers in keys are big-endian, so that byte order is their order.
#ifndef CUSTODY_SERVER_LEDGER_ROWS_H_
#define CUSTODY_SERVER_LEDGER_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "server/store/store.h"

namespace custody {

// Names in `meta`. Values: decimal microseconds, or text.
inline constexpr std::string_view kMetaClockOffset = "clock.offset";        // of a demo ledger
inline constexpr std::string_view kMetaClockConfirmed = "clock.confirmed";  // ledger time
inline constexpr std::string_view kMetaReadOnly = "read_only";              // why, while set
inline constexpr std::string_view kMetaSchema = "schema/";                  // + hex SHA-256
inline constexpr std::string_view kMetaIndex = "identifiers";  // its version: identifier_index.h
inline constexpr std::string_view kMetaHeld = "held";          // whose rows: held_claims.h
// What could not be read when these were made: lacks.h.
inline constexpr std::string_view kMetaIndexLacks = "identifiers.lacks";
inline constexpr std::string_view kMetaHeldLacks = "held.lacks";

std::string ChainRow(const Hash& chain_key, std::uint64_t sequence);
std::string NodeRow(int level, std::uint64_t row);
std::string HeadsRow(std::string_view path, std::uint64_t size);
std::string IdentifierRow(std::string_view type, std::string_view value, std::string_view chain);
std::string AttachmentRow(std::string_view therapy, const Hash& sha256, std::uint32_t part);

// A row that another row promises is damage when it is missing: these give DATA_LOSS then, and for
// bytes that do not parse.
StatusOr<std::string> GetPromised(const Snapshot& snapshot, Table table, std::string_view key,
                                  std::string_view what);
StatusOr<std::uint64_t> GetPromisedU64(const Snapshot& snapshot, Table table, std::string_view key,
                                       std::string_view what);
// `ReadEntry` and `ReadSigned` read what stands at log `index`.
StatusOr<pb::LogEntry> ReadEntry(const Snapshot& snapshot, std::uint64_t index);
StatusOr<pb::SignedEvent> ReadSigned(const Snapshot& snapshot, std::uint64_t index);
// `FindEvent` gives the index of a recorded event, or nothing.
StatusOr<std::optional<std::uint64_t>> FindEvent(const Snapshot& snapshot, const Hash& event_id);
// `GetMeta` gives a value, or nothing.
StatusOr<std::optional<std::string>> GetMeta(const Snapshot& snapshot, std::string_view name);
// `GetMetaMicros` gives a decimal number, 0 when there is none.
StatusOr<std::int64_t> GetMetaMicros(const Snapshot& snapshot, std::string_view name);

// A released checkpoint and the size in its key.
struct KeptCheckpoint {
  std::uint64_t size = 0;
  std::string note;
};
// `NewestCheckpoint` and `FirstCheckpointFrom` (the smallest of at least `size`) are NOT_FOUND when
// there is none.
StatusOr<KeptCheckpoint> NewestCheckpoint(const Snapshot& snapshot);
StatusOr<KeptCheckpoint> FirstCheckpointFrom(const Snapshot& snapshot, std::uint64_t size);

// `HeadsTile` gives the newest tile at `path` not newer than log `size`; empty when there is none.
StatusOr<std::string> HeadsTile(const Snapshot& snapshot, std::string_view path,
                                std::uint64_t size);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_ROWS_H_
