// Believing nothing unproved: receipts, entries and heads against checkpoints the log signed.
#ifndef CUSTODY_CLIENT_PROOFS_H_
#define CUSTODY_CLIENT_PROOFS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/note.h"
#include "crypto/status.h"
#include "custody/chain.h"
#include "custody/pb.h"
#include "custody/v1/service.pb.h"

namespace custody {

// `ParsePath` reads the hashes of a proof; INVALID_ARGUMENT unless each has 32 bytes and there are
// at most 256.
StatusOr<std::vector<Hash>> ParsePath(const google::protobuf::RepeatedPtrField<std::string>& path);

// `CheckpointBook` opens checkpoints of one log. One that many receipts share is verified once.
// Thread-safe.
class CheckpointBook {
 public:
  explicit CheckpointBook(NoteVerifier log_key) : log_key_(std::move(log_key)) {}

  // `Open` verifies the log's signature. DATA_LOSS when the log signed another root for the same
  // size before; INVALID_ARGUMENT when it is no checkpoint of this log.
  StatusOr<Checkpoint> Open(std::string_view note);

 private:
  static constexpr std::size_t kRemembered = 1024;

  const NoteVerifier log_key_;
  std::mutex mutex_;
  std::map<std::string, Checkpoint, std::less<>> opened_;
  std::map<std::uint64_t, Hash> roots_;
};

// `CheckIncluded` verifies that `entry` stands at `index` of the log at `checkpoint`.
Status CheckIncluded(std::string_view entry, std::uint64_t index,
                     const google::protobuf::RepeatedPtrField<std::string>& path,
                     const Checkpoint& checkpoint);

// `CheckReceipt` verifies that `receipt` proves `signed_event` in its place: entry against chain,
// sequence, event id and signatures, path, and the log's signature. DATA_LOSS says what does not
// fit.
Status CheckReceipt(const pb::SignedEvent& signed_event, const pb::Receipt& receipt,
                    CheckpointBook& book);

// What the log says of one chain, verified.
struct ProvedHead {
  Checkpoint checkpoint;
  std::string checkpoint_note;
  std::uint64_t length = 0;  // 0: the chain has no event
  Hash head;
  pb::HeadsProofReply proof;
};
// `CheckHead` verifies a heads proof of `chain` up to the log's signature. DATA_LOSS otherwise.
StatusOr<ProvedHead> CheckHead(const Chain& chain, pb::HeadsProofReply proof, CheckpointBook& book);

// `CheckChainEntry` verifies one entry of `chain` at `sequence`: place, path, and (when it is
// served) its event. `previous` is the id of the event before; zero at sequence 0.
Status CheckChainEntry(const Chain& chain, std::uint64_t sequence, const Hash& previous,
                       const pb::EntryReply& entry, const Checkpoint& checkpoint);

}  // namespace custody

#endif  // CUSTODY_CLIENT_PROOFS_H_
