// Who wants to be told of changes.
#ifndef CUSTODY_SERVER_LEDGER_WATCHERS_H_
#define CUSTODY_SERVER_LEDGER_WATCHERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "server/ledger/ledger.h"
#include "server/ledger/mutex.h"

namespace custody {

// `Watchers` is thread-safe, and shared with the tokens it gives, which may outlive the ledger.
class Watchers : public std::enable_shared_from_this<Watchers> {
 public:
  using Callback = std::function<void(const LedgerChange&)>;

  // `Add` has `changed` called until the token is gone. Its destruction waits for a call under way,
  // so it must not happen inside one.
  std::shared_ptr<void> Add(Callback changed) {
    const MutexLock lock(mutex_);
    const std::uint64_t number = next_++;
    callbacks_.emplace(number, std::move(changed));
    auto self = shared_from_this();
    return std::shared_ptr<void>(self.get(), [self, number](void*) { self->Remove(number); });
  }

  void Tell(const LedgerChange& change) {
    const MutexLock lock(mutex_);
    for (const auto& [number, changed] : callbacks_) changed(change);
  }

 private:
  void Remove(std::uint64_t number) {
    const MutexLock lock(mutex_);
    callbacks_.erase(number);
  }

  Mutex mutex_;
  std::uint64_t next_ CUSTODY_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Callback> callbacks_ CUSTODY_GUARDED_BY(mutex_);
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_WATCHERS_H_
