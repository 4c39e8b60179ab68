// One group of events on its way into the log: decided one after the other, written together.
#ifndef CUSTODY_SERVER_LEDGER_GROUP_H_
#define CUSTODY_SERVER_LEDGER_GROUP_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/v1/service.pb.h"
#include "server/ledger/admission_queue.h"
#include "server/ledger/fold_cache.h"
#include "server/ledger/held_claims.h"
#include "server/ledger/registry_history.h"
#include "server/ledger/reservations.h"
#include "server/ledger/tip.h"

namespace custody {

// What was decided about one admission.
struct Decision {
  Status status;  // why not, when refused
  pb::Verdict verdict;
  std::optional<pb::ChainMoved> moved;   // with ABORTED
  std::optional<pb::RecordReply> known;  // recorded before this group
  std::optional<std::uint64_t> index;    // in this group
  bool twin = false;                     // `index` is the same event's, sent twice
};

// `CheckSigned` verifies an event's signatures, its original's too, by the keys that may sign at
// log index `index`. INVALID_ARGUMENT for a signature that is wrong; PERMISSION_DENIED says of a
// key why it may not sign: never enrolled, revoked, or enrolled by no other than itself.
Status CheckSigned(const pb::SignedEvent& signed_event, const ParsedEvent& parsed,
                   const Registry& registry, std::uint64_t index);

// What a group is built on; all of it outlives the group.
struct GroupBase {
  Tip& tip;
  FoldCache& folds;
  std::shared_ptr<const RegistryHistory> history;
  Reservations& reservations;
  Instant received_at;         // not earlier than the last entry's
  std::int64_t monotonic = 0;  // for reservations
};

// `Group` changes the tip as it grows: unless it is committed, the tip must be loaded anew. Not
// thread-safe.
class Group {
 public:
  explicit Group(GroupBase base);

  // `Decide` judges one admission and takes it in when nothing stands against it.
  Decision Decide(Admission& admission);
  // `Create` takes in the genesis, which nothing before it can judge.
  Status Create(const pb::SignedEvent& genesis);
  bool empty() const { return accepted_.empty(); }

  // `Seal` signs the checkpoint over all of it and gives the rows to be written.
  StatusOr<const Batch*> Seal(const PrivateKey& log_key);
  std::uint64_t size() const { return base_.tip.tree.size(); }  // of the log with the group
  const std::string& checkpoint() const { return checkpoint_; }
  Instant received_at() const { return base_.received_at; }
  // The registry history with the group's events; null when it has none.
  std::shared_ptr<const RegistryHistory> new_history() const;

  // After the commit, before the tip settles.
  StatusOr<pb::Receipt> Receipt(std::uint64_t index) const;
  // Folds go back to the cache; those far ahead of their stored snapshot are added to `snapshots`.
  void ReleaseFolds(Batch& snapshots);
  std::vector<LedgerChange> Changes() const;

 private:
  struct Accepted {
    std::uint64_t index = 0;
    std::string entry;
    std::string chain;
    std::string body;
  };
  // A chain as the heads map has it, the group's events included.
  struct Place {
    Hash key;
    std::optional<ChainHead> head;
    std::uint64_t length() const { return head ? head->length : 0; }
  };

  Status Check(Admission& admission, const Place& place, Decision& decision);
  // Where an event is, recorded or of this group, adopted originals too.
  StatusOr<std::optional<std::uint64_t>> IndexOf(const Hash& event_id) const;
  Status CheckOriginal(const ParsedEvent& event) const;
  Status CheckTimes(const ParsedEvent& event, pb::Verdict& verdict) const;
  Status CheckAttachments(const ParsedEvent& event) const;
  StatusOr<Fold*> FoldOf(const std::string& chain, const Place& place);
  Status Accept(const ParsedEvent& event, const pb::SignedEvent& signed_event, const Place& place,
                const pb::Verdict& verdict, Fold* fold);
  void PutRows(const ParsedEvent& event, const pb::SignedEvent& signed_event, const Hash& key,
               std::uint64_t index, const std::string& entry);
  void PutIdentifiers(const ParsedEvent& event);

  GroupBase base_;
  std::shared_ptr<const Registry> registry_;  // with the group's events
  std::shared_ptr<const RegistryHistory> history_;
  std::map<std::string, std::unique_ptr<Fold>> folds_;
  std::unordered_map<Hash, std::uint64_t> ids_;  // of the group, adopted originals' too
  std::vector<Accepted> accepted_;
  HeldClaims held_;                              // with the group's events
  std::map<std::string, bool> identifier_rows_;  // written or found already
  std::uint64_t first_index_;
  Batch batch_;
  std::string checkpoint_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_GROUP_H_
