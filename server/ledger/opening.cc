// Making, recovering and opening a data folder.
#include <algorithm>
#include <system_error>
#include <thread>

#include "crypto/file.h"
#include "server/ledger/held_claims.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/ledger_impl.h"
#include "server/ledger/recovery.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

std::filesystem::path DatabasePath(const LedgerOptions& options) { return options.folder / "db"; }

// Where a database is made until it is whole.
std::filesystem::path MakingPath(const LedgerOptions& options) {
  return options.folder / "db.making";
}

StatusOr<std::unique_ptr<Store>> OpenStore(const LedgerOptions& options,
                                           const std::filesystem::path& folder, bool create) {
  StoreOptions store;
  store.folder = folder;
  store.create = create;
  return options.open_store ? options.open_store(store) : OpenRocksStore(store);
}

// Whether log.key made the anchor: then the database is the part that does not belong here.
bool MadeAnchor(const PrivateKey& log_key, const AnchorMark& anchor) {
  const auto note = Note::Parse(anchor.checkpoint);
  if (!note.ok()) return false;
  const auto checkpoint = Checkpoint::Parse(note->text);
  if (!checkpoint.ok()) return false;
  const auto verifier =
      NoteVerifier::Of(checkpoint->origin, NoteKeyType::kEd25519, log_key.public_key());
  return verifier.ok() && OpenCheckpoint(anchor.checkpoint, *verifier).ok();
}

// The log's name and key are what the genesis says; log.key must be that key.
StatusOr<NoteVerifier> VerifierOf(const Registry& registry, const PrivateKey& log_key) {
  CUSTODY_ASSIGN_OR_RETURN(
      const NoteVerifier verifier,
      NoteVerifier::Of(registry.origin(), NoteKeyType::kEd25519, log_key.public_key()));
  if (verifier.ToString() != registry.log_key()) {
    return FailedPrecondition("this ledger's log key is " + registry.log_key() +
                              " and the key at hand is " + verifier.ToString() +
                              "; use the log.key that was made with the ledger");
  }
  return verifier;
}

Status WriteGenesis(const LedgerOptions& options, const pb::SignedEvent& genesis,
                    const PrivateKey& log_key, Store& store, AnchorMark& mark) {
  CUSTODY_ASSIGN_OR_RETURN(const std::unique_ptr<Tip> tip, Tip::Load(store));
  if (tip->version.log_size != 0) return AlreadyExists("there is a ledger in this folder already");
  FoldCache folds(0);
  Reservations reservations;
  CUSTODY_ASSIGN_OR_RETURN(const auto history, RegistryHistory::Load(*tip->snapshot));
  Clock& clock = options.clock != nullptr ? *options.clock : SystemClock();
  Group group({*tip, folds, history, reservations, clock.Now(), 0});
  CUSTODY_RETURN_IF_ERROR(group.Create(genesis));
  if (const auto created = group.new_history(); created) {
    const StatusOr<NoteVerifier> verifier = VerifierOf(*created->newest(), log_key);
    if (!verifier.ok()) {
      return InvalidArgument("the genesis names another log key: " + Message(verifier.status()));
    }
  }
  CUSTODY_ASSIGN_OR_RETURN(const Batch* const batch, group.Seal(log_key));
  const CommitResult result = store.Commit(*batch, tip->version, group.size());
  CUSTODY_RETURN_IF_ERROR(result.status);
  mark = {result.version.writes, group.checkpoint()};
  return {};
}

Status CheckHistory(const PrivateKey& log_key, const AnchorMark& anchor, std::uint64_t released,
                    Recovered& recovered) {
  const std::unique_ptr<const Snapshot> snapshot = recovered.store->GetSnapshot();
  CUSTODY_ASSIGN_OR_RETURN(recovered.history, RegistryHistory::Load(*snapshot));
  const Registry& registry = *recovered.history->newest();
  if (!registry.created()) return DataLoss("the ledger has no genesis; restore a backup");
  const StatusOr<NoteVerifier> own = VerifierOf(registry, log_key);
  if (!own.ok() && MadeAnchor(log_key, anchor)) {
    return FailedPrecondition("the database is of another ledger, " + registry.origin() +
                              ": log.key and anchor of this folder agree with each other and not "
                              "with it; put this ledger's own database back");
  }
  CUSTODY_RETURN_IF_ERROR(own.status());
  const NoteVerifier& verifier = *own;
  CUSTODY_ASSIGN_OR_RETURN(recovered.checkpoint, CheckHead(*snapshot, verifier));
  CUSTODY_RETURN_IF_ERROR(CheckAnchor(*snapshot, verifier, anchor));
  if (snapshot->version().log_size < released) {
    return DataLoss("the ledger has " + std::to_string(snapshot->version().log_size) +
                    " entries and receipts were given for " + std::to_string(released) +
                    "; the disk lost what it had confirmed: do not go on with this folder");
  }
  CUSTODY_RETURN_IF_ERROR(CheckTail(*snapshot, registry, recovered.checkpoint));
  CUSTODY_ASSIGN_OR_RETURN(recovered.clock_offset, GetMetaMicros(*snapshot, kMetaClockOffset));
  CUSTODY_ASSIGN_OR_RETURN(recovered.clock_confirmed.micros,
                           GetMetaMicros(*snapshot, kMetaClockConfirmed));
  CUSTODY_ASSIGN_OR_RETURN(const auto read_only, GetMeta(*snapshot, kMetaReadOnly));
  recovered.read_only = read_only.value_or("");
  return {};
}

}  // namespace

std::filesystem::path AnchorPath(const LedgerOptions& options) {
  return options.anchor.empty() ? options.folder / "anchor" : options.anchor;
}

StatusOr<Recovered> Recover(const LedgerOptions& options, const PrivateKey& log_key,
                            const AnchorMark& anchor, std::uint64_t released) {
  Recovered recovered;
  CUSTODY_ASSIGN_OR_RETURN(recovered.store, OpenStore(options, DatabasePath(options), false));
  Status whole = CheckHistory(log_key, anchor, released, recovered);
  // Whoever looks for a patient's product, or asks whether a vial was used, believes these when
  // they find nothing: they are whole, or say what they lack, or nothing is opened.
  if (whole.ok()) whole = BringIndexUp(*recovered.store);
  if (whole.ok()) whole = BringHeldClaimsUp(*recovered.store, recovered.history);
  if (whole.ok()) whole = WarnOfLacks(*recovered.store->GetSnapshot());
  if (whole.code() == StatusCode::kUnavailable) {
    return Unavailable(
        "the ledger was not opened, for not all of it could be read: " + Message(whole) +
        "; see to it (the limit of open files, memory, the disk) and start again");
  }
  CUSTODY_RETURN_IF_ERROR(whole);
  CUSTODY_ASSIGN_OR_RETURN(recovered.tip, Tip::Load(*recovered.store));
  return recovered;
}

Status Ledger::Create(const LedgerOptions& options, const pb::SignedEvent& genesis,
                      const PrivateKey& log_key) {
  // The database is made under another name, then the anchor, and last of all the name is changed:
  // a crash at any moment before leaves a folder with no ledger in it, in which one can be made,
  // and after it one with a whole ledger.
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(DatabasePath(options), error)) {
    return AlreadyExists("there is a ledger in " + options.folder.string() + " already");
  }
  const fs::path making = MakingPath(options);
  if (fs::remove_all(making, error); error) {
    return Unavailable(making.string() + ", left by an attempt that was cut short, cannot be " +
                       "removed: " + error.message());
  }
  CUSTODY_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenStore(options, making, true));
  AnchorMark mark;
  Status made = WriteGenesis(options, genesis, log_key, *store, mark);
  store.reset();
  if (made.ok()) made = Anchor::Create(AnchorPath(options), mark);
  if (!made.ok()) {
    fs::remove_all(making, error);
    return made;
  }
  // A store of the caller's own may keep nothing there.
  return fs::exists(making, error) ? RenameDurably(making, DatabasePath(options)) : Status();
}

StatusOr<std::unique_ptr<Ledger>> Ledger::Open(const LedgerOptions& options, PrivateKey log_key) {
  std::error_code ignored;
  if (!options.open_store && !std::filesystem::exists(DatabasePath(options), ignored)) {
    return NotFound("there is no ledger in " + options.folder.string() +
                    "; make one with custody-admin init");
  }
  CUSTODY_ASSIGN_OR_RETURN(Anchor anchor, Anchor::Open(AnchorPath(options)));
  CUSTODY_ASSIGN_OR_RETURN(Recovered recovered, Recover(options, log_key, anchor.mark(), 0));
  CUSTODY_ASSIGN_OR_RETURN(NoteVerifier verifier,
                           VerifierOf(*recovered.history->newest(), log_key));
  return std::make_unique<LedgerImpl>(options, std::move(log_key), std::move(verifier),
                                      std::move(anchor), std::move(recovered));
}

LedgerImpl::LedgerImpl(LedgerOptions options, PrivateKey log_key, NoteVerifier verifier,
                       Anchor anchor, Recovered recovered)
    : options_(std::move(options)),
      log_key_(std::move(log_key)),
      verifier_(std::move(verifier)),
      clock_(options_.clock != nullptr ? *options_.clock : SystemClock()),
      vault_(options_.folder / "vault.key", options_.rng != nullptr ? *options_.rng : SystemRng()),
      folds_(options_.fold_cache_bytes),
      queue_({options_.queue_capacity, options_.group_events, options_.group_bytes,
              std::chrono::microseconds(options_.group_wait_micros)}),
      watchers_(std::make_shared<Watchers>()),
      anchor_(std::move(anchor)) {
  clock_offset_ = recovered.clock_offset;
  {
    const MutexLock lock(mutex_);
    read_only_ = recovered.read_only;
    read_only_kept_ = !read_only_.empty();
  }
  // A run of its own, so that no record of a read is written over one of an earlier run.
  Rng& rng = options_.rng != nullptr ? *options_.rng : SystemRng();
  if (const StatusOr<std::string> start = rng.Bytes(8); start.ok()) {
    access_number_ = ReadU64(*start);
  }
  tip_ = std::move(recovered.tip);
  checkpoint_ = std::move(recovered.checkpoint);
  released_ = tip_->version.log_size;
  live_.Open(std::move(recovered.store), std::move(recovered.history));
  guard_.AtOpening(clock_, Now(), std::max(tip_->last_received, recovered.clock_confirmed));
  if (options_.force_clock) guard_.Confirm(clock_);
  anchor_behind_ = true;  // what was recovered beyond the anchor is promised from now on
  WriteAnchor();

  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const unsigned workers = options_.workers != 0 ? options_.workers : processors;
  for (unsigned i = 0; i < workers; ++i) workers_.emplace_back([this] { VerifyLoop(); });
  committer_ = std::thread([this] { CommitLoop(); });
}

LedgerImpl::~LedgerImpl() {
  Drain();
  for (std::thread& worker : workers_) worker.join();
  committer_.join();
  tip_.reset();  // holds a snapshot of the store
  live_.Close();
}

}  // namespace custody
