// The ledger: one committer that admits, orders, proves and makes durable, and the reads beside it.
//
// Recording. Record() parses and verifies on worker threads and queues for the committer, which is
// the only writer: it links the event to its chain, judges it against the folded state, adds it to
// heads map and log, signs one checkpoint for the group, writes everything in one synced batch, and
// only then answers. An answer is a promise: acknowledged means durable and proved.
#ifndef CUSTODY_SERVER_LEDGER_LEDGER_H_
#define CUSTODY_SERVER_LEDGER_LEDGER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "crypto/random.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/store/store.h"

namespace custody {

// A data folder: db/ (the store), log.key (0600), vault.key (0600: the vault's epoch key, outside
// the database), anchor (two slots), tls/ (ca.pem, server.pem, server.key). Made by Ledger::Create
// (db, anchor) and custody-admin init (the rest).
struct LedgerOptions {
  std::filesystem::path folder;
  std::filesystem::path anchor;       // empty: folder/anchor
  std::filesystem::path revoked;      // keys revoked at the server; a backup has a copy of the file
  Clock* clock = nullptr;             // not owned; null: SystemClock()
  Rng* rng = nullptr;                 // not owned; null: SystemRng()
  unsigned workers = 0;               // verifying threads; 0: one a processor
  std::size_t queue_capacity = 1024;  // events admitted and not answered; more: RESOURCE_EXHAUSTED
  std::size_t group_events = 256;     // most events of one commit
  std::size_t group_bytes = 1 << 20;
  std::int64_t group_wait_micros = 2'000;  // longest wait for events still being verified
  std::size_t fold_cache_bytes = 96 << 20;
  bool force_clock = false;  // an administrator confirmed the present clock
  // Opens the store in folder/db; empty: OpenRocksStore. For tests that make it fail.
  std::function<StatusOr<std::unique_ptr<Store>>(const StoreOptions&)> open_store;
};

// Everything that comes of one Record. `status` is OK exactly when the event is recorded.
struct RecordOutcome {
  Status status;
  pb::RecordReply reply;                // receipt, verdict, known
  std::optional<pb::ChainMoved> moved;  // with ABORTED
  pb::BadFields bad_fields;             // with INVALID_ARGUMENT
};
using RecordCallback = std::function<void(RecordOutcome outcome)>;

// A change that watchers are told of, after it is durable.
struct LedgerChange {
  std::uint64_t index = 0;
  std::string chain;
  std::string body;  // oneof field name
};

// `Ledger` is thread-safe. Destroying it drains: every accepted event is answered first.
// Whether what had to be folded for an answer is kept for the next: not by who goes through many,
// or it would drive out what is being worked on.
enum class Keep { kYes, kNo };

class Ledger {
 public:
  // `Create` makes the store of a new ledger with the signed genesis as entry 0.
  // ALREADY_EXISTS when there is one; INVALID_ARGUMENT when the genesis is not sound or its log key
  // is not `log_key`'s.
  static Status Create(const LedgerOptions& options, const pb::SignedEvent& genesis,
                       const PrivateKey& log_key);
  // `Open` recovers, compares the head with the last checkpoint and the anchor, re-verifies the
  // last 1,024 entries and starts the threads. DATA_LOSS for a shorter or different history, with
  // what to do. Cost does not grow with the ledger, but for the first opening by a program that
  // finds by more identifiers than the one before: that reads every event once.
  static StatusOr<std::unique_ptr<Ledger>> Open(const LedgerOptions& options, PrivateKey log_key);
  virtual ~Ledger() = default;

  // --- Recording -------------------------------------------------------------------------------
  // `Record` answers through `done`, once, from a thread of the ledger (or from this call when
  // refused at once). `station` is the caller's, as its certificate names it (empty: local
  // administration): an event may be handed in by another station of the same ledger than it names.
  virtual void Record(pb::SignedEvent signed_event, std::string_view station,
                      RecordCallback done) = 0;
  virtual StatusOr<pb::ReserveReply> Reserve(std::string_view chain, std::string_view station,
                                             std::uint32_t seconds) = 0;
  // `Hello` fills all but station and site.
  virtual StatusOr<pb::HelloReply> Hello(const pb::HelloRequest& request) = 0;
  // `Drain` stops admission (UNAVAILABLE) and returns when every accepted event is answered.
  virtual void Drain() = 0;

  // --- Proofs ----------------------------------------------------------------------------------
  virtual StatusOr<std::string> GetCheckpoint(std::optional<std::uint64_t> size) = 0;
  virtual StatusOr<pb::Receipt> GetInclusionProof(std::uint64_t index,
                                                  std::optional<std::uint64_t> size) = 0;
  virtual StatusOr<pb::ConsistencyProofReply> GetConsistencyProof(
      std::uint64_t old_size, std::optional<std::uint64_t> size) = 0;
  virtual StatusOr<pb::HeadsProofReply> GetHeadsProof(std::string_view chain,
                                                      std::optional<std::uint64_t> size) = 0;
  // `ReadEntries` visits entries as ReadEntriesRequest says; `may_read` decides for each chain key
  // whether its signed event is served. Stops when `visit` returns false.
  virtual Status ReadEntries(const pb::ReadEntriesRequest& request,
                             const std::function<bool(const Hash& chain_key)>& may_read,
                             const std::function<bool(const pb::EntryReply&)>& visit) = 0;

  // --- Reads -----------------------------------------------------------------------------------
  // The registry as of the newest committed entry; immutable, shared.
  virtual std::shared_ptr<const Registry> registry() const = 0;
  // `GetTherapy` folds (or finds folded) one therapy, whole; views are the caller's business.
  // NOT_FOUND; DATA_LOSS for one that cannot be read. `as_of` cuts the chain at entries received by
  // then.
  virtual StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id,
                                                   std::optional<Instant> as_of, Keep keep) = 0;
  StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id, std::optional<Instant> as_of) {
    return GetTherapy(id, as_of, Keep::kYes);
  }
  // Ids of therapies greater than `after`, in order.
  virtual StatusOr<std::vector<std::string>> ListTherapies(std::string_view after,
                                                           std::size_t limit) = 0;
  // `FindRecorded` is what a retry of a recorded event is answered with: its first receipt; nothing
  // when no event, and no adopted original, has this id.
  virtual StatusOr<std::optional<pb::RecordReply>> FindRecorded(const Hash& event_id) = 0;
  // `GetHead` says where a chain stands; length 0 and no head when it has no event.
  virtual StatusOr<pb::ChainMoved> GetHead(std::string_view chain) = 0;
  // `Preview` judges an event, signed or not, as the next of its chain and records nothing. ABORTED
  // when it is built on another head than the chain has.
  virtual StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) = 0;
  virtual StatusOr<pb::FindReply> Find(const pb::FindRequest& request) = 0;
  // `TherapiesNaming` are the ids, in order, of all therapies that name `value` under `type`
  // (empty: any; "person" too); with `prefix` any value that begins with it. OUT_OF_RANGE for too
  // many.
  virtual StatusOr<std::vector<std::string>> TherapiesNaming(std::string_view type,
                                                             std::string_view value,
                                                             bool prefix) = 0;
  // `IndexLacks` says for people what could not be read when this folder's indices were made, so
  // that Find and TherapiesNaming may miss a therapy; empty: nothing. It names no therapy.
  virtual StatusOr<std::string> IndexLacks() = 0;
  virtual StatusOr<std::string> GetSchema(std::string_view sha256) = 0;
  virtual pb::GetStatusReply GetStatus() = 0;
  // Ledger time: the clock plus a demo ledger's offset.
  virtual Instant Now() const = 0;
  virtual StatusOr<Instant> SetClock(const pb::SetClockRequest& request) = 0;
  // `Watch` calls `changed` after each commit until the returned token is destroyed; quick, never
  // blocking.
  virtual std::shared_ptr<void> Watch(std::function<void(const LedgerChange&)> changed) = 0;

  // --- Beside the log --------------------------------------------------------------------------
  virtual Status PutSubject(const pb::PutSubjectRequest& request) = 0;
  virtual StatusOr<pb::GetSubjectReply> GetSubject(std::string_view therapy) = 0;
  virtual StatusOr<pb::PutAttachmentReply> PutAttachment(std::string_view therapy,
                                                         std::string_view media_type,
                                                         std::string_view bytes) = 0;
  // The plain bytes and their media type.
  virtual StatusOr<std::pair<std::string, std::string>> GetAttachment(std::string_view therapy,
                                                                      const Hash& sha256) = 0;
  // `LogRead` notes who read what. `durable`: it is on the disk before this returns; else within
  // the next commit.
  virtual Status LogRead(const pb::AccessRecord& record, bool durable) = 0;
  // Visits from within the scan: `visit` is quick, and false ends it.
  virtual Status ReadAccessLog(const pb::ReadAccessLogRequest& request,
                               const std::function<bool(const pb::AccessRecord&)>& visit) = 0;
  // Rows of table `alerts`: what they mean is server/alerting's. `WriteAlertRows` is durable when
  // it is OK, also while the ledger is read-only; else UNAVAILABLE or RESOURCE_EXHAUSTED, and the
  // same rows may be written again. `ReadAlertRows` scans from `from` on, as Snapshot::Scan.
  virtual Status WriteAlertRows(const Batch& batch) = 0;
  virtual Status ReadAlertRows(std::string_view from, const Snapshot::Visitor& visit) = 0;
  // `Backup` makes `folder`: db, anchor and, where there is a list of revoked keys,
  // tls/revoked.pem.
  virtual StatusOr<pb::BackupReply> Backup(const std::filesystem::path& folder) = 0;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_LEDGER_H_
