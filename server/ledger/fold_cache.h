// Folded therapies in memory, and how a cold one is folded.
//
// What is here is never truth: a fold names the head it was folded to, and is used only while the
// ledger's head is that one; a fold that is behind is caught up by replaying what is missing.
#ifndef CUSTODY_SERVER_LEDGER_FOLD_CACHE_H_
#define CUSTODY_SERVER_LEDGER_FOLD_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/hash.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"
#include "server/ledger/mutex.h"
#include "server/ledger/registry_history.h"
#include "server/store/store.h"

namespace custody {

// The fold of a therapy's first `length` events.
struct Fold {
  std::uint64_t length = 0;
  Hash head;  // event id of the last of them; zeros when there are none
  pb::TherapyState state;
  std::uint64_t saved_length = 0;  // of the snapshot in the store
};

// `EncodeFold` is a row of table `folds`:
//   SHA-256 of (program version, rules version, schema of the state) || u64 length || head || state
// `DecodeFold` gives nothing for a row of another program, rules version or schema.
std::string EncodeFold(const Fold& fold);
std::optional<Fold> DecodeFold(std::string_view row);

// `CatchUp` replays what `fold` lacks of `chain` in `snapshot`, up to the last entry received by
// `as_of` (nothing: all). DATA_LOSS when the chain cannot be read.
Status CatchUp(std::string_view chain, const Snapshot& snapshot,
               const std::shared_ptr<const RegistryHistory>& history, std::optional<Instant> as_of,
               Fold& fold);
// `LoadFold` begins with the stored snapshot, if it is on the chain, and catches up.
StatusOr<Fold> LoadFold(std::string_view chain, const Snapshot& snapshot,
                        const std::shared_ptr<const RegistryHistory>& history);

// `FoldCache` is bounded in bytes; the least recently used leave first. Nobody shares a fold with
// it: what is asked for is copied or handed over. Thread-safe.
class FoldCache {
 public:
  explicit FoldCache(std::size_t bytes) : capacity_(bytes) {}
  // `Take` removes a fold and gives it to the caller to change; null when it is not here.
  std::unique_ptr<Fold> Take(std::string_view chain);
  // `CopyAt` gives a copy of the fold of the chain's first `length` events; null when what is here
  // is another one.
  std::unique_ptr<Fold> CopyAt(std::string_view chain, std::uint64_t length, const Hash& head);
  bool Has(std::string_view chain) const;
  // `Put` keeps `fold` unless what is here is as long.
  void Put(std::string_view chain, std::unique_ptr<Fold> fold);
  void Clear();
  std::size_t bytes() const;

 private:
  struct Kept {
    std::unique_ptr<Fold> fold;
    std::size_t bytes = 0;
    std::list<std::string>::iterator recency;
  };
  void Remove(std::unordered_map<std::string, Kept>::iterator kept) CUSTODY_REQUIRES(mutex_);

  const std::size_t capacity_;
  mutable Mutex mutex_;
  std::size_t bytes_ CUSTODY_GUARDED_BY(mutex_) = 0;
  std::list<std::string> recent_ CUSTODY_GUARDED_BY(mutex_);  // most recent first
  std::unordered_map<std::string, Kept> folds_ CUSTODY_GUARDED_BY(mutex_);
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_FOLD_CACHE_H_
