#include "client/proofs.h"

#include "crypto/dsse.h"
#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "custody/event.h"

namespace custody {
namespace {

// Whatever the server served that does not fit is DATA_LOSS to its caller: what was to be read is
// not there, and nothing may be built on what came instead.
Status NotProved(const Status& status, std::string_view what) {
  if (status.ok()) return status;
  return DataLoss(std::string(what) + ": " + Message(status));
}

// The event id of a payload and the place it states, without trust in anything else of it.
StatusOr<pb::Event> PlaceOf(const pb::SignedEvent& signed_event) {
  pb::Event event;
  if (!event.ParseFromString(signed_event.payload())) return InvalidArgument("no event");
  return event;
}

Status CheckEntryFields(const pb::LogEntry& entry, const pb::SignedEvent& signed_event,
                        std::string_view chain, std::uint64_t sequence) {
  const Hash event_id = EventId(signed_event.payload());
  if (entry.chain_key() != Sha256(chain).view()) {
    return InvalidArgument("the entry belongs to another chain");
  }
  if (entry.sequence() != sequence) {
    return InvalidArgument("the entry has sequence " + std::to_string(entry.sequence()) + ", not " +
                           std::to_string(sequence));
  }
  if (entry.event_id() != event_id.view()) {
    return InvalidArgument("the entry names another event than " + event_id.ToHex());
  }
  if (entry.record() != RecordOf(event_id, signed_event).view()) {
    return InvalidArgument("the entry was made of other signatures");
  }
  return Status();
}

StatusOr<HeadsProof> ParseHeadsProof(const pb::HeadsProofReply& reply) {
  HeadsProof proof;
  CUSTODY_ASSIGN_OR_RETURN(proof.siblings, ParsePath(reply.siblings()));
  if (reply.neighbour_key().empty()) return proof;
  ChainHead& neighbour = proof.neighbour.emplace();
  CUSTODY_ASSIGN_OR_RETURN(neighbour.key, Hash::FromBytes(reply.neighbour_key()));
  CUSTODY_ASSIGN_OR_RETURN(neighbour.head, Hash::FromBytes(reply.neighbour_head()));
  neighbour.length = reply.neighbour_length();
  return proof;
}

}  // namespace

StatusOr<std::vector<Hash>> ParsePath(const google::protobuf::RepeatedPtrField<std::string>& path) {
  if (path.size() > 256) return InvalidArgument("a path of more than 256 hashes");
  std::vector<Hash> hashes;
  hashes.reserve(static_cast<std::size_t>(path.size()));
  for (const std::string& bytes : path) {
    CUSTODY_ASSIGN_OR_RETURN(hashes.emplace_back(), Hash::FromBytes(bytes));
  }
  return hashes;
}

StatusOr<Checkpoint> CheckpointBook::Open(std::string_view note) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = opened_.find(note); known != opened_.end()) return known->second;
  }
  CUSTODY_ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(note, log_key_));
  const std::lock_guard lock(mutex_);
  if (opened_.size() >= kRemembered) {
    opened_.clear();
    roots_.clear();
  }
  const auto [root, fresh] = roots_.try_emplace(checkpoint.size, checkpoint.root);
  if (!fresh && root->second != checkpoint.root) {
    return DataLoss("the log signed two different roots for size " +
                    std::to_string(checkpoint.size) + ": the server rewrote history");
  }
  opened_.emplace(std::string(note), checkpoint);
  return checkpoint;
}

Status CheckIncluded(std::string_view entry, std::uint64_t index,
                     const google::protobuf::RepeatedPtrField<std::string>& path,
                     const Checkpoint& checkpoint) {
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> hashes, ParsePath(path));
  return VerifyInclusion(LeafHash(entry), index, checkpoint.size, hashes, checkpoint.root);
}

Status CheckReceipt(const pb::SignedEvent& signed_event, const pb::Receipt& receipt,
                    CheckpointBook& book) {
  const auto check = [&]() -> Status {
    CUSTODY_ASSIGN_OR_RETURN(const pb::Event event, PlaceOf(signed_event));
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ParseLogEntry(receipt.entry()));
    CUSTODY_RETURN_IF_ERROR(CheckEntryFields(entry, signed_event, event.chain(), event.sequence()));
    CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, book.Open(receipt.checkpoint()));
    return CheckIncluded(receipt.entry(), receipt.index(), receipt.path(), checkpoint);
  };
  return NotProved(check(), "the receipt does not prove the event");
}

StatusOr<ProvedHead> CheckHead(const Chain& chain, pb::HeadsProofReply proof,
                               CheckpointBook& book) {
  ProvedHead proved;
  const auto check = [&]() -> Status {
    const pb::Receipt& last = proof.last_entry();
    CUSTODY_ASSIGN_OR_RETURN(proved.checkpoint, book.Open(last.checkpoint()));
    if (last.index() + 1 != proved.checkpoint.size) {
      return InvalidArgument("the last entry is not the checkpoint's last");
    }
    CUSTODY_RETURN_IF_ERROR(
        CheckIncluded(last.entry(), last.index(), last.path(), proved.checkpoint));
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ParseLogEntry(last.entry()));
    CUSTODY_ASSIGN_OR_RETURN(const Hash root, Hash::FromBytes(entry.heads_root()));
    CUSTODY_ASSIGN_OR_RETURN(const HeadsProof siblings, ParseHeadsProof(proof));
    if (!proof.present()) return VerifyAbsence(chain.key(), siblings, root);
    CUSTODY_ASSIGN_OR_RETURN(proved.head, Hash::FromBytes(proof.head()));
    proved.length = proof.length();
    return VerifyPresence({chain.key(), proved.head, proved.length}, siblings, root);
  };
  CUSTODY_RETURN_IF_ERROR(NotProved(check(), "the head of " + chain.name() + " is not proved"));
  proved.checkpoint_note = proof.last_entry().checkpoint();
  proved.proof = std::move(proof);
  return proved;
}

Status CheckChainEntry(const Chain& chain, std::uint64_t sequence, const Hash& previous,
                       const pb::EntryReply& entry, const Checkpoint& checkpoint) {
  const auto check = [&]() -> Status {
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry log_entry, ParseLogEntry(entry.entry()));
    if (log_entry.chain_key() != chain.key().view() || log_entry.sequence() != sequence) {
      return InvalidArgument("an entry of another place was served");
    }
    CUSTODY_RETURN_IF_ERROR(CheckIncluded(entry.entry(), entry.index(), entry.path(), checkpoint));
    if (!entry.has_signed_()) return Status();  // withheld: not this station's to read
    CUSTODY_RETURN_IF_ERROR(CheckEntryFields(log_entry, entry.signed_(), chain.name(), sequence));
    CUSTODY_ASSIGN_OR_RETURN(const pb::Event event, PlaceOf(entry.signed_()));
    const std::string_view expected = sequence == 0 ? std::string_view() : previous.view();
    if (event.chain() != chain.name() || event.sequence() != sequence ||
        event.previous() != expected) {
      return InvalidArgument("the event does not follow the one before it");
    }
    return Status();
  };
  return NotProved(check(), chain.name() + " #" + std::to_string(sequence) + " is not proved");
}

}  // namespace custody
