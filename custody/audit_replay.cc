// How a ledger is audited as fast as its signatures can be checked.
//
// Nearly all the time goes into signatures, and they can be checked in any order on any thread, if
// only the key is known. Who may sign does depend on order: a registry event changes it for all
// that follow. The two questions are kept apart:
//
//   1. Does the signature hold under the key with this id? A key id is the key's hash, so the
//   answer
//      cannot change with the registry: any key ever carried by a registry event will do, even if
//      that event is itself worthless. Asked on all threads, a chunk of records at a time, with a
//      copy of the book of keys as it stood when the chunk was begun; the few whose key came in
//      meanwhile are asked again when the chunk's turn has come.
//   2. Was the key enrolled at this index, does the record follow from those before it, what do
//      authority and rules say? Asked in log order. What is cheap (times, chain links, roots) is
//      done on the caller's thread; the rules of different therapies do not see each other, so
//      between two registry events the therapies are judged in parallel again, each in its own
//      order.
//
// So nothing is ever verified against the wrong registry and nothing is rolled back, and while
// chunk n is judged chunk n+1 is being verified. An event that fails 1, or whose key was not
// enrolled, is not judged or folded: nothing of it is used. One that the rules refuse is folded all
// the same: it was signed by people with authority, it did happen, and what follows is best judged
// in its light.
#include "custody/audit_replay.h"

#include <algorithm>
#include <utility>

#include "custody/chain.h"

namespace custody {
namespace {

bool Knows(const AuditReplay::ChainRecord& chain, const Hash& id) {
  return std::any_of(chain.events.begin(), chain.events.end(),
                     [&](const auto& place) { return place.id == id; });
}

}  // namespace

AuditReplay::AuditReplay(Options options) : options_(std::move(options)), pool_(options_.threads) {
  filling_.reserve(kChunk);
}

AuditReplay::~AuditReplay() {
  for (Chunk& chunk : under_way_) pool_.Wait(chunk.batch);
}

void AuditReplay::Add(AuditedEntry entry) {
  filling_.push_back(std::move(entry));
  if (filling_.size() == kChunk) Dispatch();
}

void AuditReplay::Finish() {
  Dispatch();
  while (!under_way_.empty()) Retire();
  FindSuspects();
  CompareClaims();
  SumUpTherapies();
  NoteUnjudged();
}

void AuditReplay::Dispatch() {
  while (under_way_.size() >= kChunksUnderWay) Retire();
  if (book_ == nullptr) book_ = std::make_shared<const KeyBook>(keys_);
  Chunk& chunk = under_way_.emplace_back();
  chunk.entries = std::exchange(filling_, {});
  filling_.reserve(kChunk);
  chunk.book = book_;
  chunk.batch = pool_.Start(chunk.entries.size(), [this, &chunk](std::size_t i) {
    CheckEntry(*chunk.book, options_.signatures, chunk.entries[i]);
    if (options_.check) options_.check(chunk.entries[i]);
  });
}

void AuditReplay::Retire() {
  Chunk& chunk = under_way_.front();
  pool_.Wait(chunk.batch);
  VerifyWithNewKeys(chunk);
  for (AuditedEntry& entry : chunk.entries) Link(entry);
  JudgeSegment();
  for (AuditedEntry& entry : chunk.entries) {
    signatures_ += entry.signatures_verified;
    std::move(entry.findings.begin(), entry.findings.end(), std::back_inserter(findings_));
  }
  under_way_.pop_front();
}

void AuditReplay::VerifyWithNewKeys(Chunk& chunk) {
  std::vector<AuditedEntry*> again;
  for (AuditedEntry& entry : chunk.entries) {
    for (const PublicKey& key : entry.carried_keys) {
      if (keys_.try_emplace(key.key_id(), key).second) book_ = nullptr;
    }
    if (entry.signatures == SignatureState::kUnknownKey) again.push_back(&entry);
  }
  pool_.Wait(pool_.Start(again.size(), [&](std::size_t i) { CheckSignatures(keys_, *again[i]); }));
  for (AuditedEntry* entry : again) {
    if (entry->signatures == SignatureState::kUnknownKey) ReportUnknownKeys(*entry);
  }
}

void AuditReplay::ReportUnknownKeys(AuditedEntry& entry) const {
  entry.Report(
      pb::UNAUTHORISED, "key",
      "signed with a key that no registry event here ever enrolled, so the signature cannot "
      "be checked; the event is not used further");
}

const AuditReplay::ChainRecord* AuditReplay::FindChain(const Hash& key) const {
  const auto found = chains_.find(key);
  return found == chains_.end() ? nullptr : &found->second;
}

void AuditReplay::Link(AuditedEntry& entry) {
  ++entries_;
  // What is lost, or has no place, was reported; withheld is what the caller was not given.
  const bool withheld = !entry.signed_event && entry.findings.empty();
  if (withheld) ++withheld_;
  LinkTimes(entry);
  if (options_.whole_log) LinkLog(entry);
  std::optional<Hash> chain_key;
  if (entry.log_entry) chain_key = *Hash::FromBytes(entry.log_entry->chain_key());
  if (!chain_key && entry.event) chain_key = Sha256(entry.event->event.chain());
  if (chain_key) LinkChain(entry, *chain_key);
  if (options_.whole_log) LinkHeads(entry);
  if (!chain_key) return;
  const bool own_ledger = LinkLedger(entry);
  // Without its entry nobody knows when an event was received: it cannot be judged.
  if (!entry.log_entry || !entry.usable() || !own_ledger || !CheckEnrolment(entry))
    entry.intact = false;
  if (entry.intact) RememberKeys(entry, *chain_key);
  if (IsOfRegistry(entry, *chain_key)) {
    // Whoever serves a log could hide a revocation so: without it nobody knows who might sign.
    if (withheld)
      entry.Report(pb::INCOMPLETE, "withheld",
                   "an act of the registry was withheld: who may sign from here on is not known");
    JudgeSegment();
    JudgeRegistryEvent(entry);
  } else {
    shards_[chain_key->bytes[0] % kShards].pending.push_back(&entry);
    ++pending_;
  }
  if (entry.usable() && options_.visit) options_.visit(entry, registry_);
}

bool AuditReplay::IsOfRegistry(const AuditedEntry& entry, const Hash& chain_key) {
  if (entry.event) return !IsTherapyChain(entry.event->event.chain());
  // Of what was withheld only the chain's key is known; the registry's chains can be told by
  // theirs.
  if (registry_chains_.empty() || registry_chains_version_ != registry_.version()) {
    registry_chains_ = {Sha256("registry")};
    for (const auto& [site, enrolled] : registry_.sites())
      registry_chains_.insert(Sha256({"registry/", site}));
    registry_chains_version_ = registry_.version();
  }
  return registry_chains_.contains(chain_key);
}

void AuditReplay::LinkLog(AuditedEntry& entry) {
  frontier_.Append(entry.leaf_hash, [](int, std::uint64_t, const Hash&) {});
  recent_leaves_.push_back({entry.leaf_hash, last_received_.value_or(Instant())});
  if (recent_leaves_.size() <= kRootsKept) return;
  old_frontier_.Append(recent_leaves_.front().hash, [](int, std::uint64_t, const Hash&) {});
  recent_leaves_.pop_front();
}

std::optional<Instant> AuditReplay::ReceivedAt(std::uint64_t size) const {
  if (size <= old_frontier_.size() || size > frontier_.size()) return std::nullopt;
  return recent_leaves_[size - old_frontier_.size() - 1].received_at;
}

std::optional<Hash> AuditReplay::RootAt(std::uint64_t size) const {
  if (size == frontier_.size()) return frontier_.root();
  if (size < old_frontier_.size() || size > frontier_.size()) return std::nullopt;
  Frontier frontier = old_frontier_;
  for (std::size_t i = 0; frontier.size() < size; ++i)
    frontier.Append(recent_leaves_[i].hash, [](int, std::uint64_t, const Hash&) {});
  return frontier.root();
}

void AuditReplay::LinkTimes(AuditedEntry& entry) {
  if (!entry.log_entry) return;
  const Instant received = FromProto(entry.log_entry->received_at());
  if (last_received_ && received < *last_received_)
    entry.Report(pb::INCONSISTENT, "received-at",
                 "received " + FormatUtc(received) + ", before an earlier entry's " +
                     FormatUtc(*last_received_));
  last_received_ = std::max(last_received_.value_or(received), received);
  if (!entry.event) return;
  const Instant signed_at = FromProto(entry.event->event.signed_at());
  if (signed_at > received + kMaxClockAheadMicros)
    entry.Report(pb::INCONSISTENT, "signed-at",
                 "signed " + FormatUtc(signed_at) + ", more than 2 minutes after it was received " +
                     FormatUtc(received));
}

void AuditReplay::LinkChain(AuditedEntry& entry, const Hash& chain_key) {
  ChainRecord& chain = chains_[chain_key];
  if (entry.event && chain.name.empty() && entry.intact) chain.name = entry.event->event.chain();
  if (entry.event && entry.event->original) LinkAdopted(entry, chain);
  const std::uint64_t sequence =
      entry.log_entry ? entry.log_entry->sequence() : entry.event->event.sequence();
  if (sequence != chain.length) {
    entry.Report(pb::INCONSISTENT, "chain",
                 "expected event " + std::to_string(chain.length) + " of the chain, found event " +
                     std::to_string(sequence) + ": events are missing, repeated or out of order");
  } else if (entry.event) {
    const std::string_view expected = sequence == 0 ? std::string_view() : chain.head.view();
    if (entry.event->event.previous() != expected)
      entry.Report(pb::INCONSISTENT, "previous",
                   "does not name the event before it as its predecessor");
  }
  const Hash id = entry.log_entry ? *Hash::FromBytes(entry.log_entry->event_id()) : entry.event_id;
  chain.length = sequence + 1;
  chain.head = id;
  chain.events.push_back({id, entry.index});
}

// An adopted original was signed on a place that was taken meanwhile. It must stem from this chain,
// and must not have been recorded before.
void AuditReplay::LinkAdopted(AuditedEntry& entry, const ChainRecord& chain) {
  const ParsedEvent& original = *entry.event->original;
  const auto adopted_before = [&](std::string_view id) {
    return std::any_of(chain.adopted.begin(), chain.adopted.end(),
                       [&](const Hash& hash) { return hash.view() == id; });
  };
  if (original.event.chain() != entry.event->event.chain())
    entry.Report(pb::INCONSISTENT, "adopted", "the adopted original is of another chain");
  if (Knows(chain, original.event_id) || adopted_before(original.event_id.view()))
    entry.Report(pb::INCONSISTENT, "adopted", "the adopted original was recorded before");
  const std::string& previous = original.event.previous();
  const auto known = Hash::FromBytes(previous);
  if (!previous.empty() && !(known.ok() && (Knows(chain, *known) || adopted_before(previous))))
    entry.Report(pb::INCONSISTENT, "adopted",
                 "the adopted original follows an event that is not of this chain");
  chains_[Sha256(entry.event->event.chain())].adopted.push_back(original.event_id);
}

void AuditReplay::LinkHeads(AuditedEntry& entry) {
  if (!entry.log_entry) {
    heads_differ_ = true;  // the map cannot follow; that the entry is unreadable was reported
    return;
  }
  const ChainHead head{.key = *Hash::FromBytes(entry.log_entry->chain_key()),
                       .head = *Hash::FromBytes(entry.log_entry->event_id()),
                       .length = entry.log_entry->sequence() + 1};
  const Status set = heads_.Set(head);
  if (set.ok() && heads_.root().view() == entry.log_entry->heads_root()) {
    heads_differ_ = false;
    return;
  }
  if (heads_differ_) {
    ++heads_repeated_;
    return;
  }
  heads_differ_ = true;
  entry.Report(pb::INCONSISTENT, "heads-root",
               "the heads map after this entry has another root than the entry states");
}

bool AuditReplay::LinkLedger(AuditedEntry& entry) {
  if (entry.index == 0) {
    genesis_ = entry.event_id;
    if (entry.event && entry.event->event.has_ledger_created()) return true;
    entry.Report(pb::INCONSISTENT, "genesis", "the first entry does not create a ledger");
    return false;
  }
  if (!entry.event || !genesis_ || entry.event->event.ledger() == genesis_->view()) return true;
  entry.Report(pb::INCONSISTENT, "ledger",
               "the event was signed for another ledger; it is not used further");
  return false;
}

}  // namespace custody
