#include "server/ledger/live_store.h"

namespace custody {

namespace {

Status Closed() {
  return Unavailable("the ledger is being reopened after a failed write; try again in a moment");
}

}  // namespace

StatusOr<View> LiveStore::Look() {
  // Else those who keep coming could keep the writer waiting for ever.
  if (closing_) return Closed();
  View view;
  view.open_ = std::shared_lock<SharedMutex>(open_);
  if (!store_) return Closed();
  const MutexLock lock(publish_);
  view.snapshot_ = store_->GetSnapshot();
  view.history_ = history_;
  return view;
}

std::shared_ptr<const RegistryHistory> LiveStore::history() const {
  const MutexLock lock(publish_);
  return history_;
}

void LiveStore::Open(std::unique_ptr<Store> store, std::shared_ptr<const RegistryHistory> history) {
  const WriterLock closed(open_);
  const MutexLock lock(publish_);
  store_ = std::move(store);
  history_ = std::move(history);
  closing_ = false;
}

void LiveStore::Close() {
  closing_ = true;
  const WriterLock closed(open_);
  store_.reset();
}

CommitResult LiveStore::Commit(const Batch& batch, const StoreVersion& expected,
                               std::uint64_t new_log_size,
                               std::shared_ptr<const RegistryHistory> history) {
  if (!history) return store_->Commit(batch, expected, new_log_size);
  const MutexLock lock(publish_);
  CommitResult result = store_->Commit(batch, expected, new_log_size);
  if (result.outcome == CommitOutcome::kCommitted) history_ = std::move(history);
  return result;
}

Status LiveStore::WriteUnsynced(const Batch& batch) {
  if (closing_) return Closed();
  const ReaderLock open(open_);
  return store_ ? store_->WriteUnsynced(batch) : Closed();
}

}  // namespace custody
