// The registry as of any log index, without keeping every version of it.
#ifndef CUSTODY_SERVER_LEDGER_REGISTRY_HISTORY_H_
#define CUSTODY_SERVER_LEDGER_REGISTRY_HISTORY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "crypto/status.h"
#include "custody/event.h"
#include "custody/registry.h"
#include "server/store/store.h"

namespace custody {

// `ReplayedEvent` is an event that was admitted before, parsed without judging its form again.
struct ReplayedEvent {
  ParsedEvent event;
  std::uint64_t sequence = 0;
  Instant received_at;
};
// DATA_LOSS when entry or event `index` cannot be read.
StatusOr<ReplayedEvent> ReplayAt(const Snapshot& snapshot, std::uint64_t index);

// `RegistryHistory` is immutable and shared between threads; an event of the registry makes a new
// one. It keeps the newest registry and at most 32 before it, evenly apart; the rest is folded
// again when asked. So its memory does not grow with the square of the years.
class RegistryHistory {
 public:
  RegistryHistory() = default;
  // `Load` folds all registry chains: they are small. DATA_LOSS when they cannot be folded.
  static StatusOr<std::shared_ptr<const RegistryHistory>> Load(const Snapshot& snapshot);
  // `With` is this history and then `registry`, which holds the event at log `index` too.
  std::shared_ptr<const RegistryHistory> With(std::uint64_t index,
                                              std::shared_ptr<const Registry> registry) const;

  // `newest` is null before the genesis.
  const std::shared_ptr<const Registry>& newest() const { return newest_; }
  // Log indices of all registry events, rising.
  const std::vector<std::uint64_t>& indexes() const { return indexes_; }

 private:
  friend class RegistryCursor;
  // `KeepsHere`: the registry that holds all of indexes_ is one that is kept.
  bool KeepsHere() const { return indexes_.size() % keep_every_ == 0; }
  void Keep(std::shared_ptr<const Registry> registry);
  struct Kept {
    std::size_t events;  // how many of indexes_ it holds
    std::shared_ptr<const Registry> registry;
  };
  std::vector<std::uint64_t> indexes_;
  std::vector<Kept> kept_;
  std::size_t keep_every_ = 64;  // events
  std::shared_ptr<const Registry> newest_;
};

// `RegistryCursor` gives registries for rising indices, each event folded at most once. Not
// thread-safe; `snapshot` must outlive it and hold what `history` does.
class RegistryCursor {
 public:
  RegistryCursor(std::shared_ptr<const RegistryHistory> history, const Snapshot& snapshot);
  // `Before` is the registry that judges the event at log `index`: all events before it. The
  // pointer is good until the next call.
  StatusOr<const Registry*> Before(std::uint64_t index);

 private:
  std::shared_ptr<const RegistryHistory> history_;
  const Snapshot& snapshot_;
  std::shared_ptr<const Registry> current_;
  std::size_t events_ = 0;  // that current_ holds
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_REGISTRY_HISTORY_H_
