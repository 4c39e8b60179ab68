#include "server/ledger/registry_history.h"

#include <algorithm>
#include <string>

#include "crypto/dsse.h"
#include "custody/chain.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::size_t kMostKept = 32;

// Adds the log indices of `chain`'s events to `indexes`.
Status AddChain(const Snapshot& snapshot, const Chain& chain, std::vector<std::uint64_t>& indexes) {
  const Hash key = chain.key();
  Status damage;
  CUSTODY_RETURN_IF_ERROR(
      snapshot.Scan(Table::kChains, key.view(), [&](std::string_view row, std::string_view value) {
        if (row.substr(0, 32) != key.view()) return false;
        if (value.size() != 8) {
          damage = DataLoss("a row of chain " + chain.name() + " is damaged");
          return false;
        }
        indexes.push_back(ReadU64(value));
        return true;
      }));
  return damage;
}

}  // namespace

StatusOr<ReplayedEvent> ReplayAt(const Snapshot& snapshot, std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ReadEntry(snapshot, index));
  CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, ReadSigned(snapshot, index));
  const std::string what = "the event of entry " + std::to_string(index);
  ReplayedEvent replayed;
  replayed.sequence = entry.sequence();
  replayed.received_at = FromProto(entry.received_at());
  CUSTODY_ASSIGN_OR_RETURN(replayed.event.event_id, Hash::FromBytes(entry.event_id()));
  if (!replayed.event.event.ParseFromString(signed_event.payload())) {
    return DataLoss(what + " does not parse");
  }
  if (replayed.event.event.has_adopted()) {
    const std::string& original = replayed.event.event.adopted().original().payload();
    replayed.event.original = std::make_unique<ParsedEvent>();
    replayed.event.original->event_id = EventId(original);
    if (!replayed.event.original->event.ParseFromString(original)) {
      return DataLoss(what + " adopts one that does not parse");
    }
  }
  return replayed;
}

StatusOr<std::shared_ptr<const RegistryHistory>> RegistryHistory::Load(const Snapshot& snapshot) {
  std::vector<std::uint64_t> indexes;
  CUSTODY_RETURN_IF_ERROR(AddChain(snapshot, Chain::Registry(), indexes));
  std::vector<std::string> sites;
  for (const std::uint64_t index : indexes) {
    CUSTODY_ASSIGN_OR_RETURN(const ReplayedEvent replayed, ReplayAt(snapshot, index));
    const pb::Event& event = replayed.event.effective();
    if (event.has_site_enrolled()) sites.push_back(event.site_enrolled().site());
  }
  std::sort(sites.begin(), sites.end());
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  for (const std::string& site : sites) {
    CUSTODY_ASSIGN_OR_RETURN(const Chain chain, Chain::Parse("registry/" + site));
    CUSTODY_RETURN_IF_ERROR(AddChain(snapshot, chain, indexes));
  }
  std::sort(indexes.begin(), indexes.end());

  auto history = std::make_shared<RegistryHistory>();
  Registry registry;
  for (const std::uint64_t index : indexes) {
    CUSTODY_ASSIGN_OR_RETURN(const ReplayedEvent replayed, ReplayAt(snapshot, index));
    if (Status applied = registry.Apply(replayed.event, index); !applied.ok()) {
      return DataLoss("registry event at entry " + std::to_string(index) +
                      " does not fit what is before it: " + Message(applied));
    }
    history->indexes_.push_back(index);
    if (history->KeepsHere()) history->Keep(std::make_shared<Registry>(registry));
  }
  history->newest_ = std::make_shared<Registry>(std::move(registry));
  return history;
}

void RegistryHistory::Keep(std::shared_ptr<const Registry> registry) {
  kept_.push_back({indexes_.size(), std::move(registry)});
  if (kept_.size() <= kMostKept) return;
  keep_every_ *= 2;
  std::erase_if(kept_, [this](const Kept& kept) { return kept.events % keep_every_ != 0; });
}

std::shared_ptr<const RegistryHistory> RegistryHistory::With(
    std::uint64_t index, std::shared_ptr<const Registry> registry) const {
  auto next = std::make_shared<RegistryHistory>(*this);
  next->indexes_.push_back(index);
  if (next->KeepsHere()) next->Keep(registry);
  next->newest_ = std::move(registry);
  return next;
}

RegistryCursor::RegistryCursor(std::shared_ptr<const RegistryHistory> history,
                               const Snapshot& snapshot)
    : history_(std::move(history)),
      snapshot_(snapshot),
      current_(std::make_shared<const Registry>()) {}

StatusOr<const Registry*> RegistryCursor::Before(std::uint64_t index) {
  const std::vector<std::uint64_t>& indexes = history_->indexes_;
  const auto wanted = static_cast<std::size_t>(
      std::lower_bound(indexes.begin(), indexes.end(), index) - indexes.begin());
  if (wanted == indexes.size() && history_->newest_) {
    current_ = history_->newest_;
    events_ = wanted;
  }
  if (wanted < events_) {  // not rising: begin again
    current_ = std::make_shared<const Registry>();
    events_ = 0;
  }
  for (const RegistryHistory::Kept& kept : history_->kept_) {
    if (kept.events > events_ && kept.events <= wanted) {
      current_ = kept.registry;
      events_ = kept.events;
    }
  }
  if (events_ < wanted) {
    auto registry = std::make_shared<Registry>(*current_);
    for (; events_ < wanted; ++events_) {
      const std::uint64_t at = indexes[events_];
      CUSTODY_ASSIGN_OR_RETURN(const ReplayedEvent replayed, ReplayAt(snapshot_, at));
      if (Status applied = registry->Apply(replayed.event, at); !applied.ok()) {
        return DataLoss("registry event at entry " + std::to_string(at) +
                        " does not fit what is before it: " + Message(applied));
      }
    }
    current_ = std::move(registry);
  }
  return current_.get();
}

}  // namespace custody
