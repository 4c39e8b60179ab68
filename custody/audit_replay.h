// The replay: records in the order of the log, each held against everything that came before it.
#ifndef CUSTODY_CUSTODY_AUDIT_REPLAY_H_
#define CUSTODY_CUSTODY_AUDIT_REPLAY_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "custody/audit_entry.h"
#include "custody/auditor.h"
#include "custody/claims.h"
#include "custody/registry.h"
#include "custody/therapy.h"
#include "custody/therapy_shelf.h"
#include "custody/work_pool.h"

namespace custody {

// `AuditReplay` takes records in the order of their log index, all of the log or some whole chains
// of it, and reports what it holds against each. Not thread-safe; it has threads of its own.
class AuditReplay {
 public:
  struct Options {
    unsigned threads = 0;
    bool signatures = true;
    bool whole_log = false;  // recompute the log's root and every heads root
    // Further checks of one entry by itself; called from several threads. May be empty.
    std::function<void(AuditedEntry&)> check;
    // Shown every usable event in order, with the registry as of its index. May be empty.
    std::function<void(const AuditedEntry&, const Registry&)> visit;
  };
  // What is known of a chain.
  struct ChainRecord {
    struct Place {
      Hash id;  // whole: a signer chooses what names it
      std::uint64_t index;
    };
    std::string name;  // empty while every event of it was withheld
    std::uint64_t length = 0;
    Hash head;
    std::vector<Place> events;
    std::vector<Hash> adopted;  // ids of adopted originals
  };

  explicit AuditReplay(Options options);
  ~AuditReplay();
  AuditReplay(const AuditReplay&) = delete;
  AuditReplay& operator=(const AuditReplay&) = delete;

  void Add(AuditedEntry entry);
  // `Finish` judges what is still under way and adds what can only be said at the end (keys
  // reported compromised later, open deviations, rules not judged). Add nothing afterwards.
  void Finish();

  std::vector<pb::Finding>& findings() { return findings_; }
  const Registry& registry() const { return registry_; }
  const std::optional<Hash>& genesis() const { return genesis_; }  // id of the event at index 0
  // `FindChain` is null for a chain that no record belonged to.
  const ChainRecord* FindChain(const Hash& key) const;
  std::uint64_t entries() const { return entries_; }
  std::uint64_t signatures() const { return signatures_; }
  std::uint64_t withheld() const { return withheld_; }
  bool signatures_checked() const { return options_.signatures; }
  // `overrides` counts the grants that were used, however often.
  std::uint32_t overrides() const { return overrides_; }
  std::uint32_t open_deviations() const { return open_deviations_; }
  // `last_received` is the greatest received_at so far.
  const std::optional<Instant>& last_received() const { return last_received_; }
  // `ReceivedAt` is that of the first `size` entries; none when that is further back than RootAt.
  std::optional<Instant> ReceivedAt(std::uint64_t size) const;
  // `RootAt` is the log's root at `size`, when it is whole_log and `size` is not further back than
  // the last kRootsKept entries.
  std::optional<Hash> RootAt(std::uint64_t size) const;
  static constexpr std::uint64_t kRootsKept = std::uint64_t{1} << 16;

 private:
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kChunksUnderWay = 2;
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kLivePerShard = 1024;

  struct Chunk {
    std::vector<AuditedEntry> entries;
    std::shared_ptr<const KeyBook> book;
    std::shared_ptr<WorkPool::Batch> batch;
  };
  // What an event asked for that no other therapy may have, and what is held against it if one had.
  struct ClaimAsked {
    Claim claim;
    Hash chain;
    std::uint64_t index;
    std::uint64_t sequence;
    bool refused;
    bool overridden;
  };
  // The span of the log over which a therapy held a thing: after `from`, before `until`.
  struct ClaimHeld {
    Claim claim;
    Hash chain;
    std::uint64_t from;
    std::uint64_t until;
  };
  // Therapies are shared out over shards by their chain's key; a shard is one thread's at a time.
  struct Shard {
    TherapyShelf shelf{kLivePerShard};
    std::vector<AuditedEntry*> pending;
    std::map<std::string, std::uint64_t> not_judged;  // rule -> events
    std::vector<ClaimAsked> asked;
    std::vector<ClaimHeld> held;
    std::map<std::pair<Hash, Claim>, std::size_t> open;  // places in `held`
    std::set<std::pair<Hash, std::string>> written;      // rules that DEVIATION_OPENED names
  };
  // A use of a key, kept in case the key is reported compromised later.
  struct KeyUse {
    std::uint64_t index;
    std::int64_t latest_micros;  // the later of signed_at and received_at
    std::uint32_t chain;         // index into chain_keys_
    std::uint32_t sequence;
  };

  void Dispatch();
  void Retire();
  void VerifyWithNewKeys(Chunk& chunk);
  void ReportUnknownKeys(AuditedEntry& entry) const;

  // In log order, on the caller's thread.
  void Link(AuditedEntry& entry);
  void LinkLog(AuditedEntry& entry);
  void LinkTimes(AuditedEntry& entry);
  void LinkChain(AuditedEntry& entry, const Hash& chain_key);
  void LinkHeads(AuditedEntry& entry);
  void LinkAdopted(AuditedEntry& entry, const ChainRecord& chain);
  bool LinkLedger(AuditedEntry& entry);
  bool IsOfRegistry(const AuditedEntry& entry, const Hash& chain_key);
  bool CheckEnrolment(AuditedEntry& entry) const;
  void RememberKeys(const AuditedEntry& entry, const Hash& chain_key);

  void JudgeSegment();
  void JudgeTherapyEvent(AuditedEntry& entry, Shard& shard) const;
  void JudgeRegistryEvent(AuditedEntry& entry);
  // `Weigh` turns a verdict into findings; false when the event had no authority.
  bool Weigh(const pb::Verdict& verdict, bool tainted, AuditedEntry& entry, Shard& shard) const;
  void AskClaims(const AuditedEntry& entry, const Hash& chain, const Place& place,
                 const pb::TherapyState& state, Shard& shard) const;
  static void KeepClaims(const Hash& chain, std::uint64_t index, const std::vector<Claim>& before,
                         const std::vector<Claim>& after, Shard& shard);
  static void KeepWritten(const pb::Event& event, const Hash& chain, Shard& shard);
  // `WrittenDown` says whether both therapies' records have a deviation of what the ledger shows.
  std::string WrittenDown(const ClaimAsked& asked, const ClaimHeld& held) const;
  void CompareClaims();
  void FindSuspects();
  void SumUpTherapies();
  void NoteUnjudged();

  Options options_;
  std::vector<AuditedEntry> filling_;
  std::deque<Chunk> under_way_;
  KeyBook keys_;
  std::shared_ptr<const KeyBook>
      book_;  // a copy of keys_ for the threads; null when keys_ moved on

  Registry registry_;
  std::optional<Hash> genesis_;
  std::unordered_map<Hash, ChainRecord> chains_;
  std::unordered_map<Hash, std::uint32_t> chain_numbers_;
  std::vector<Hash> chain_keys_;
  std::unordered_map<Hash, std::vector<KeyUse>> key_uses_;
  std::array<Shard, kShards> shards_;
  std::size_t pending_ = 0;
  bool registry_tainted_ = false;              // an event of the registry was not folded
  std::unordered_set<Hash> registry_chains_;   // keys of the chains that the registry has...
  std::uint64_t registry_chains_version_ = 0;  // ...at this version of it

  Frontier frontier_;
  struct Leaf {
    Hash hash;
    Instant received_at;  // the greatest up to here
  };
  std::deque<Leaf> recent_leaves_;
  Frontier old_frontier_;  // of everything before recent_leaves_
  HeadsMap heads_;
  bool heads_differ_ = false;         // the entry before had another root than was computed
  std::uint64_t heads_repeated_ = 0;  // entries after the first of a run of those

  std::optional<Instant> last_received_;
  std::uint64_t entries_ = 0;
  std::uint64_t signatures_ = 0;
  std::uint64_t withheld_ = 0;
  std::uint32_t overrides_ = 0;
  std::uint32_t open_deviations_ = 0;
  std::vector<pb::Finding> findings_;

  WorkPool pool_;  // last: its threads use all of the above
};

}  // namespace custody

#endif  // CUSTODY_CUSTODY_AUDIT_REPLAY_H_
