#include "server/ledger/fold_cache.h"

#include <algorithm>
#include <utility>

#include "custody/chain.h"
#include "custody/rules.h"
#include "custody/therapy.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

// What a stored fold depends on besides the events: the code that judged and folded, and the form
// that its state has.
const Hash& FoldedBy() {
  static const Hash kDigest = Sha256(FoldCode());
  return kDigest;
}

constexpr std::size_t kFoldHeaderBytes = 32 + 8 + 32;

// Whether event `fold.length - 1` of the chain is the head that the fold names.
StatusOr<bool> IsOnChain(const Hash& chain_key, const Snapshot& snapshot, const Fold& fold) {
  if (fold.length == 0) return true;
  const StatusOr<std::string> index =
      snapshot.Get(Table::kChains, ChainRow(chain_key, fold.length - 1));
  if (!index.ok()) {
    if (index.status().code() == StatusCode::kNotFound) return false;
    return index.status();
  }
  if (index->size() != 8) return DataLoss("a row of the chains table is damaged");
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ReadEntry(snapshot, ReadU64(*index)));
  return entry.event_id() == fold.head.view();
}

}  // namespace

std::string EncodeFold(const Fold& fold) {
  return FoldedBy().ToString() + U64(fold.length) + fold.head.ToString() +
         fold.state.SerializeAsString();
}

std::optional<Fold> DecodeFold(std::string_view row) {
  if (row.size() < kFoldHeaderBytes || row.substr(0, 32) != FoldedBy().view()) return {};
  Fold fold;
  fold.length = ReadU64(row.substr(32));
  const StatusOr<Hash> head = Hash::FromBytes(row.substr(40, 32));
  row.remove_prefix(kFoldHeaderBytes);
  if (!head.ok() || !fold.state.ParseFromArray(row.data(), static_cast<int>(row.size()))) return {};
  fold.head = *head;
  fold.saved_length = fold.length;
  return fold;
}

Status CatchUp(std::string_view chain, const Snapshot& snapshot,
               const std::shared_ptr<const RegistryHistory>& history, std::optional<Instant> as_of,
               Fold& fold) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain name, Chain::Parse(chain));
  const Hash key = name.key();
  std::vector<std::uint64_t> indexes;
  Status damage;
  std::uint64_t sequence = fold.length;
  CUSTODY_RETURN_IF_ERROR(snapshot.Scan(Table::kChains, ChainRow(key, fold.length),
                                        [&](std::string_view row, std::string_view value) {
                                          if (row.substr(0, 32) != key.view()) return false;
                                          if (row != ChainRow(key, sequence) || value.size() != 8) {
                                            damage = DataLoss("chain " + std::string(chain) +
                                                              " has a gap at event " +
                                                              std::to_string(sequence));
                                            return false;
                                          }
                                          indexes.push_back(ReadU64(value));
                                          ++sequence;
                                          return true;
                                        }));
  CUSTODY_RETURN_IF_ERROR(damage);
  RegistryCursor registries(history, snapshot);
  for (const std::uint64_t index : indexes) {
    CUSTODY_ASSIGN_OR_RETURN(const ReplayedEvent replayed, ReplayAt(snapshot, index));
    if (as_of && replayed.received_at > *as_of) break;
    CUSTODY_ASSIGN_OR_RETURN(const Registry* const registry, registries.Before(index));
    const Place place{index, replayed.sequence, replayed.received_at};
    const pb::Verdict verdict = Judge(replayed.event, *registry, fold.state, place);
    ApplyToTherapy(replayed.event, place, verdict, *registry, fold.state);
    fold.length = replayed.sequence + 1;
    fold.head = replayed.event.event_id;
  }
  return {};
}

StatusOr<Fold> LoadFold(std::string_view chain, const Snapshot& snapshot,
                        const std::shared_ptr<const RegistryHistory>& history) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain name, Chain::Parse(chain));
  Fold fold;
  const StatusOr<std::string> row = snapshot.Get(Table::kFolds, chain);
  if (row.ok()) {
    std::optional<Fold> stored = DecodeFold(*row);
    if (stored) {
      CUSTODY_ASSIGN_OR_RETURN(const bool usable, IsOnChain(name.key(), snapshot, *stored));
      if (usable) fold = *std::move(stored);
    }
  }
  CUSTODY_RETURN_IF_ERROR(CatchUp(chain, snapshot, history, std::nullopt, fold));
  return fold;
}

std::unique_ptr<Fold> FoldCache::Take(std::string_view chain) {
  const MutexLock lock(mutex_);
  const auto kept = folds_.find(std::string(chain));
  if (kept == folds_.end()) return nullptr;
  std::unique_ptr<Fold> fold = std::move(kept->second.fold);
  Remove(kept);
  return fold;
}

std::unique_ptr<Fold> FoldCache::CopyAt(std::string_view chain, std::uint64_t length,
                                        const Hash& head) {
  const MutexLock lock(mutex_);
  const auto kept = folds_.find(std::string(chain));
  if (kept == folds_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, kept->second.recency);
  const Fold& fold = *kept->second.fold;
  return fold.length == length && fold.head == head ? std::make_unique<Fold>(fold) : nullptr;
}

bool FoldCache::Has(std::string_view chain) const {
  const MutexLock lock(mutex_);
  return folds_.contains(std::string(chain));
}

void FoldCache::Put(std::string_view chain, std::unique_ptr<Fold> fold) {
  const std::size_t bytes = sizeof(Fold) + 2 * chain.size() + fold->state.SpaceUsedLong();
  const MutexLock lock(mutex_);
  const auto kept = folds_.find(std::string(chain));
  if (kept != folds_.end()) {
    if (kept->second.fold->length >= fold->length) return;
    Remove(kept);
  }
  recent_.emplace_front(chain);
  folds_.emplace(recent_.front(), Kept{std::move(fold), bytes, recent_.begin()});
  bytes_ += bytes;
  while (bytes_ > capacity_ && folds_.size() > 1) Remove(folds_.find(recent_.back()));
}

void FoldCache::Clear() {
  const MutexLock lock(mutex_);
  folds_.clear();
  recent_.clear();
  bytes_ = 0;
}

std::size_t FoldCache::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

void FoldCache::Remove(std::unordered_map<std::string, Kept>::iterator kept) {
  bytes_ -= kept->second.bytes;
  recent_.erase(kept->second.recency);
  folds_.erase(kept);
}

}  // namespace custody
