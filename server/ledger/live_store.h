// The store that can be closed and opened again beneath its readers.
#ifndef CUSTODY_SERVER_LEDGER_LIVE_STORE_H_
#define CUSTODY_SERVER_LEDGER_LIVE_STORE_H_

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <utility>

#include "crypto/status.h"
#include "server/ledger/mutex.h"
#include "server/ledger/registry_history.h"
#include "server/store/store.h"

namespace custody {

// `View` is one moment of the ledger: a snapshot, and a registry history that holds all of its
// registry events. While it lives the store stays open, so keep it short, and never wait for the
// committer holding one.
class View {
 public:
  const Snapshot& snapshot() const { return *snapshot_; }
  const std::shared_ptr<const RegistryHistory>& history() const { return history_; }
  std::uint64_t size() const { return snapshot_->version().log_size; }

 private:
  friend class LiveStore;
  std::shared_lock<SharedMutex> open_;  // released last
  std::unique_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const RegistryHistory> history_;
};

// `LiveStore` is thread-safe; only the committer opens, closes and commits.
class LiveStore {
 public:
  // UNAVAILABLE while the store is closed.
  StatusOr<View> Look();
  std::shared_ptr<const RegistryHistory> history() const;
  // Null while the store is closed. For the committer.
  Store* store() { return store_.get(); }

  // `Open` begins to serve `store`. `Close` waits for every view to go.
  void Open(std::unique_ptr<Store> store, std::shared_ptr<const RegistryHistory> history);
  void Close();
  // `Commit` commits and, if that succeeds, publishes `history` (null: unchanged) so that no view
  // has the one without the other.
  CommitResult Commit(const Batch& batch, const StoreVersion& expected, std::uint64_t new_log_size,
                      std::shared_ptr<const RegistryHistory> history);
  // For rows that are no part of the log; from any thread.
  Status WriteUnsynced(const Batch& batch);

 private:
  SharedMutex open_;  // shared by views; exclusive to open and close
  std::atomic<bool> closing_{false};
  std::unique_ptr<Store> store_;
  mutable Mutex publish_;  // held over a commit that changes the registry
  std::shared_ptr<const RegistryHistory> history_ CUSTODY_GUARDED_BY(publish_);
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_LIVE_STORE_H_
