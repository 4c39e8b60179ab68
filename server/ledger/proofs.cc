#include "server/ledger/proofs.h"

#include <string>

#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "custody/chain.h"
#include "server/ledger/log_tree.h"

namespace custody {
namespace {

Status BeyondTheLog(std::string_view what, std::uint64_t found, std::uint64_t size) {
  return OutOfRange(std::string(what) + " " + std::to_string(found) + " is beyond the log of " +
                    std::to_string(size) + " entries");
}

}  // namespace

StatusOr<KeptCheckpoint> CheckpointOf(const Snapshot& snapshot, std::optional<std::uint64_t> size) {
  if (!size) return NewestCheckpoint(snapshot);
  if (*size > snapshot.version().log_size) {
    return BeyondTheLog("checkpoint size", *size, snapshot.version().log_size);
  }
  StatusOr<std::string> note = snapshot.Get(Table::kCheckpoints, U64(*size));
  if (!note.ok() && note.status().code() == StatusCode::kNotFound) {
    return NotFound("no checkpoint of size " + std::to_string(*size) +
                    " was released; ask for the newest");
  }
  CUSTODY_RETURN_IF_ERROR(note.status());
  return KeptCheckpoint{*size, *std::move(note)};
}

StatusOr<pb::Receipt> ReceiptFor(const Snapshot& snapshot, std::uint64_t index,
                                 const KeptCheckpoint& checkpoint) {
  if (index >= checkpoint.size) return BeyondTheLog("entry", index, checkpoint.size);
  CUSTODY_ASSIGN_OR_RETURN(std::string entry, GetPromised(snapshot, Table::kEntries, U64(index),
                                                          "entry " + std::to_string(index)));
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> path,
                           InclusionPath(index, checkpoint.size, StoredNodes(snapshot)));
  pb::Receipt receipt;
  receipt.set_index(index);
  receipt.set_entry(std::move(entry));
  for (const Hash& hash : path) receipt.add_path(hash.ToString());
  receipt.set_checkpoint(checkpoint.note);
  return receipt;
}

StatusOr<pb::Receipt> FirstReceipt(const Snapshot& snapshot, std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint first, FirstCheckpointFrom(snapshot, index + 1));
  return ReceiptFor(snapshot, index, first);
}

StatusOr<pb::ConsistencyProofReply> ConsistencyProofFor(const Snapshot& snapshot,
                                                        std::uint64_t old_size,
                                                        std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint checkpoint, CheckpointOf(snapshot, size));
  pb::ConsistencyProofReply reply;
  reply.set_checkpoint(checkpoint.note);
  if (old_size == 0) return reply;  // nothing is a prefix of everything
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> path,
                           ConsistencyPath(old_size, checkpoint.size, StoredNodes(snapshot)));
  for (const Hash& hash : path) reply.add_path(hash.ToString());
  return reply;
}

StatusOr<pb::ChainMoved> HeadOf(const Snapshot& snapshot, std::string_view chain) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain name, Chain::Parse(chain));
  CUSTODY_ASSIGN_OR_RETURN(HeadsMap heads, HeadsMap::Open([&](std::string_view path) {
                             return HeadsTile(snapshot, path, snapshot.version().log_size);
                           }));
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<ChainHead> head, heads.Find(name.key()));
  pb::ChainMoved where;
  where.set_chain(std::string(chain));
  if (head) {
    where.set_length(head->length);
    where.set_head(head->head.ToString());
  }
  return where;
}

StatusOr<pb::HeadsProofReply> HeadsProofFor(const Snapshot& snapshot, std::string_view chain,
                                            std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain name, Chain::Parse(chain));
  CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint checkpoint, CheckpointOf(snapshot, size));
  CUSTODY_ASSIGN_OR_RETURN(HeadsMap heads, HeadsMap::Open([&](std::string_view path) {
                             return HeadsTile(snapshot, path, checkpoint.size);
                           }));
  pb::HeadsProofReply reply;
  CUSTODY_ASSIGN_OR_RETURN(*reply.mutable_last_entry(),
                           ReceiptFor(snapshot, checkpoint.size - 1, checkpoint));
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<ChainHead> head, heads.Find(name.key()));
  CUSTODY_ASSIGN_OR_RETURN(const HeadsProof proof, heads.Prove(name.key()));
  reply.set_present(head.has_value());
  if (head) {
    reply.set_length(head->length);
    reply.set_head(head->head.ToString());
  }
  for (const Hash& sibling : proof.siblings) reply.add_siblings(sibling.ToString());
  if (proof.neighbour) {
    reply.set_neighbour_key(proof.neighbour->key.ToString());
    reply.set_neighbour_head(proof.neighbour->head.ToString());
    reply.set_neighbour_length(proof.neighbour->length);
  }
  return reply;
}

}  // namespace custody
