// Problem: after a crash, a restored copy or a failing disk the folder may hold less than was
// promised, or something else, and must say so before it answers anybody; yet opening may not read
// ten million entries.
//
// Idea: three comparisons. The newest checkpoint, which every commit writes, must fit the log's
// size and root: a commit is whole or absent. The anchor, outside the database, must lie on the
// same history: nothing older was put back. And the last 1,024 entries, where damage by a crash
// would be, are verified like an auditor would, by appending their leaves to the stored right edge
// of the tree before them, so that entries, stored nodes and signed root must agree. What lies
// deeper is covered by the database's checksums when it is read, and by audits.
#include "server/ledger/recovery.h"

#include <algorithm>

#include "crypto/dsse.h"
#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "custody/event.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::string_view kRestore =
    "; do not go on with this folder: keep it as it is for the inquiry and restore the newest "
    "backup; "
    "events recorded since that backup are in the outboxes and receipts of the stations";

Status Lost(const std::string& what) { return DataLoss(what + std::string(kRestore)); }
// What the disk or the machine does not give now is not lost: nobody is told to restore for it.
Status Lost(const std::string& what, const Status& why) {
  if (why.code() == StatusCode::kUnavailable) return why;
  return Lost(what + ": " + Message(why));
}

struct Tail {
  const Snapshot& snapshot;
  const Registry& registry;
};

// The event before `event` in its chain must be the one it names.
Status CheckLink(const Tail& tail, const pb::LogEntry& entry, const pb::Event& event,
                 std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(const Hash key, Hash::FromBytes(entry.chain_key()));
  if (Sha256(event.chain()) != key || event.sequence() != entry.sequence()) {
    return DataLoss("its event is of another chain or place");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::uint64_t own,
                           GetPromisedU64(tail.snapshot, Table::kChains,
                                          ChainRow(key, entry.sequence()), "its chain row"));
  if (own != index) return DataLoss("its place in the chain is taken by another entry");
  if (entry.sequence() == 0) {
    return event.previous().empty() ? Status() : DataLoss("the first event has a previous one");
  }
  CUSTODY_ASSIGN_OR_RETURN(
      const std::uint64_t before,
      GetPromisedU64(tail.snapshot, Table::kChains, ChainRow(key, entry.sequence() - 1),
                     "the chain row before it"));
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry previous, ReadEntry(tail.snapshot, before));
  if (previous.event_id() != event.previous()) {
    return DataLoss("its previous event is not the one before it in the chain");
  }
  return {};
}

// Everything about one entry but the tree. `last` is the time of the entry before and becomes its
// own.
Status CheckEntry(const Tail& tail, std::uint64_t index, const std::string& bytes, Instant& last) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ParseLogEntry(bytes));
  CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, ReadSigned(tail.snapshot, index));
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
  if (parsed.event_id.view() != entry.event_id()) return DataLoss("its event has another id");
  if (RecordOf(parsed.event_id, signed_event).view() != entry.record()) {
    return DataLoss("its signatures are not those that were recorded");
  }
  CUSTODY_RETURN_IF_ERROR(CheckLink(tail, entry, parsed.event, index));
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> found,
                           FindEvent(tail.snapshot, parsed.event_id));
  if (found != index) return DataLoss("its event is not found by its id");
  const Instant received = FromProto(entry.received_at());
  if (received < last) return DataLoss("it was received before the entry before it");
  last = received;
  return VerifySignatures(
      signed_event, parsed,
      index == 0 ? GenesisKeys(parsed.event.ledger_created()) : KeysAt(tail.registry, index));
}

Status CheckHeadsRoot(const Snapshot& snapshot, std::uint64_t size) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry last, ReadEntry(snapshot, size - 1));
  CUSTODY_ASSIGN_OR_RETURN(HeadsMap heads, HeadsMap::Open([&](std::string_view path) {
                             return HeadsTile(snapshot, path, size);
                           }));
  if (heads.root().view() != last.heads_root()) {
    return DataLoss("the heads map does not have the root that the last entry says");
  }
  CUSTODY_ASSIGN_OR_RETURN(const Hash key, Hash::FromBytes(last.chain_key()));
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<ChainHead> head, heads.Find(key));
  if (!head || head->head.view() != last.event_id() || head->length != last.sequence() + 1) {
    return DataLoss("the heads map does not name the last entry's event");
  }
  return {};
}

}  // namespace

StatusOr<std::string> CheckHead(const Snapshot& snapshot, const NoteVerifier& log) {
  const std::uint64_t size = snapshot.version().log_size;
  if (size == 0) return Lost("the ledger has no entries");
  CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint newest, NewestCheckpoint(snapshot));
  const StatusOr<Checkpoint> checkpoint = OpenCheckpoint(newest.note, log);
  if (!checkpoint.ok()) {
    return Lost("the newest checkpoint does not hold: " + Message(checkpoint.status()));
  }
  if (checkpoint->size != size || newest.size != size) {
    return Lost("the log has " + std::to_string(size) + " entries and its newest checkpoint says " +
                std::to_string(checkpoint->size));
  }
  const StatusOr<Hash> root = RootAt(size, StoredNodes(snapshot));
  if (!root.ok()) return Lost("the log's tree cannot be read", root.status());
  if (*root != checkpoint->root) {
    return Lost("the log's tree does not have the root that its newest checkpoint says");
  }
  return newest.note;
}

Status CheckAnchor(const Snapshot& snapshot, const NoteVerifier& log, const AnchorMark& mark) {
  const StatusOr<Checkpoint> checkpoint = OpenCheckpoint(mark.checkpoint, log);
  if (!checkpoint.ok()) {
    return Lost("the anchor is of another ledger: " + Message(checkpoint.status()));
  }
  const StoreVersion& version = snapshot.version();
  if (checkpoint->size > version.log_size || mark.writes > version.writes) {
    return Lost("the ledger was at " + std::to_string(checkpoint->size) + " entries and " +
                std::to_string(mark.writes) + " writes when the anchor was written, and has " +
                std::to_string(version.log_size) + " and " + std::to_string(version.writes));
  }
  const StatusOr<Hash> root = RootAt(checkpoint->size, StoredNodes(snapshot));
  if (!root.ok()) return Lost("the log's tree cannot be read", root.status());
  if (*root != checkpoint->root) {
    return Lost("the first " + std::to_string(checkpoint->size) +
                " entries are not those that the anchor was written for");
  }
  return {};
}

Status CheckTail(const Snapshot& snapshot, const Registry& registry, const std::string& checkpoint,
                 std::uint64_t count) {
  const std::uint64_t size = snapshot.version().log_size;
  const std::uint64_t start = size > count ? size - count : 0;
  const NodeSource stored = StoredNodes(snapshot);
  const StatusOr<Frontier> loaded = Frontier::Load(start, stored);
  if (!loaded.ok()) return Lost("the log's tree cannot be read", loaded.status());
  Frontier frontier = *loaded;
  Instant last;
  if (start > 0) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry before, ReadEntry(snapshot, start - 1));
    last = FromProto(before.received_at());
  }
  const Tail tail{snapshot, registry};
  for (std::uint64_t index = start; index < size; ++index) {
    const std::string what = "entry " + std::to_string(index);
    const StatusOr<std::string> bytes =
        GetPromised(snapshot, Table::kEntries, U64(index), "its row");
    Status checked = bytes.ok() ? CheckEntry(tail, index, *bytes, last) : bytes.status();
    if (!checked.ok()) return Lost(what + " is damaged", checked);
    Status agrees;
    frontier.Append(LeafHash(*bytes), [&](int level, std::uint64_t at, const Hash& node) {
      const StatusOr<Hash> kept = stored(level, at);
      agrees.Update(kept.status());
      if (kept.ok() && *kept != node) agrees.Update(DataLoss("it does not hash to the log's tree"));
    });
    if (!agrees.ok()) return Lost(what + " is damaged", agrees);
  }
  CUSTODY_ASSIGN_OR_RETURN(const Note note, Note::Parse(checkpoint));
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint signed_root, Checkpoint::Parse(note.text));
  if (frontier.root() != signed_root.root) {
    return Lost("the last entries do not hash to the root of the newest checkpoint");
  }
  const Status heads = CheckHeadsRoot(snapshot, size);
  if (!heads.ok()) return Lost("the log's end", heads);
  return {};
}

}  // namespace custody
