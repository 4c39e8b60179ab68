// What is not recording and not reading the log: sessions, reservations, the clock, the vault, the
// access log and backups. Whatever writes durably does so on the committer's thread, between
// groups.
#include <algorithm>
#include <system_error>

#include "crypto/file.h"
#include "crypto/merkle.h"
#include "custody/chain.h"
#include "custody/version.h"
#include "server/ledger/ledger_impl.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/proofs.h"
#include "server/ledger/reader.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

// Whether the log that `snapshot` holds begins with what `seen` says.
StatusOr<bool> Knows(const Snapshot& snapshot, const Checkpoint& seen) {
  if (seen.size > snapshot.version().log_size) return false;
  CUSTODY_ASSIGN_OR_RETURN(const Hash root, RootAt(seen.size, StoredNodes(snapshot)));
  return root == seen.root;
}

StatusOr<std::uint64_t> BytesBelow(const std::filesystem::path& folder) {
  std::error_code error;
  std::uint64_t bytes = 0;
  for (std::filesystem::recursive_directory_iterator item(folder, error), end;
       !error && item != end; item.increment(error)) {
    if (item->is_regular_file(error)) bytes += item->file_size(error);
  }
  if (error) return Unavailable(folder.string() + " cannot be measured: " + error.message());
  return bytes;
}

// Else a ledger that is restored would open again to what was taken away.
Status CopyRevoked(const std::filesystem::path& revoked, const std::filesystem::path& backup) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  if (revoked.empty()) return {};
  const StatusOr<std::string> keys = ReadFile(revoked, kMaxBytes);
  if (keys.status().code() == StatusCode::kNotFound) return {};
  CUSTODY_RETURN_IF_ERROR(keys.status());
  const std::filesystem::path tls = backup / "tls";
  std::error_code error;
  std::filesystem::create_directory(tls, error);
  if (!error) {
    std::filesystem::permissions(tls, std::filesystem::perms::owner_all, error);
  }
  if (error) return Unavailable(tls.string() + " cannot be made: " + error.message());
  return WriteFileAtomically(tls / "revoked.pem", *keys, 0600);
}

}  // namespace

StatusOr<pb::HelloReply> LedgerImpl::Hello(const pb::HelloRequest& request) {
  pb::HelloReply reply;
  std::string lost;
  {
    CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
    CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint newest, NewestCheckpoint(view.snapshot()));
    reply.set_checkpoint(newest.note);
    if (!request.last_checkpoint().empty()) {
      CUSTODY_ASSIGN_OR_RETURN(const Checkpoint seen,
                               OpenCheckpoint(request.last_checkpoint(), verifier_));
      CUSTODY_ASSIGN_OR_RETURN(const bool known, Knows(view.snapshot(), seen));
      if (!known) {
        lost = "a station holds a checkpoint of this log with " + std::to_string(seen.size) +
               " entries that the log does not have (it has " + std::to_string(newest.size) +
               "): history was lost; restore a newer copy of the data folder, one that has them";
      } else if (seen.size > 0) {
        CUSTODY_ASSIGN_OR_RETURN(
            const std::vector<Hash> path,
            ConsistencyPath(seen.size, newest.size, StoredNodes(view.snapshot())));
        for (const Hash& hash : path) reply.add_consistency(hash.ToString());
      }
    }
    const Registry& registry = *view.history()->newest();
    reply.set_genesis(registry.genesis().ToString());
    reply.set_environment(registry.environment());
    reply.set_rules_version(registry.rules_version());
    reply.set_schema_sha256(registry.schema_sha256().ToString());
  }
  if (!lost.empty()) CUSTODY_RETURN_IF_ERROR(SetReadOnly(lost));
  *reply.mutable_server_time() = ToProto(Now());
  reply.set_clock_offset_ms(clock_offset_ / 1'000);
  const MutexLock lock(mutex_);
  reply.set_read_only(!read_only_.empty());
  reply.set_read_only_reason(read_only_);
  return reply;
}

Status LedgerImpl::SetReadOnly(const std::string& why) {
  {
    // At once in memory, whatever becomes of the row.
    const MutexLock lock(mutex_);
    if (read_only_.empty()) read_only_ = why;
    if (read_only_kept_) return {};
  }
  return OnCommitter([this] { return KeepReadOnly(); });
}

// Writes what SetReadOnly was told, until it is written: a restart must not forget it.
Status LedgerImpl::KeepReadOnly() {
  Batch batch;
  {
    const MutexLock lock(mutex_);
    if (read_only_.empty() || read_only_kept_) return {};
    batch.Put(Table::kMeta, kMetaReadOnly, read_only_);
  }
  CUSTODY_RETURN_IF_ERROR(CommitRows(batch));
  const MutexLock lock(mutex_);
  read_only_kept_ = true;
  return {};
}

StatusOr<pb::ReserveReply> LedgerImpl::Reserve(std::string_view chain, std::string_view station,
                                               std::uint32_t seconds) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain parsed, Chain::Parse(chain));
  if (parsed.kind() != ChainKind::kTherapy) {
    return InvalidArgument(std::string(chain) +
                           " cannot be reserved: only a therapy's chain is, the registry's acts "
                           "wait for nobody");
  }
  if (seconds > kMaxReserveSeconds) {
    return InvalidArgument("a chain is reserved for at most " + std::to_string(kMaxReserveSeconds) +
                           " s, found " + std::to_string(seconds));
  }
  const std::int64_t now = clock_.MonotonicMicros();
  const std::int64_t length = seconds * kMicrosPerSecond;
  if (seconds == 0) {
    reservations_.GiveBack(chain, station, now);
  } else {
    CUSTODY_RETURN_IF_ERROR(reservations_.Take(chain, station, now, now + length));
  }
  // After it is taken: the head that is told is the one that is kept.
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  pb::ReserveReply reply;
  CUSTODY_ASSIGN_OR_RETURN(*reply.mutable_head(), HeadOf(view.snapshot(), chain));
  *reply.mutable_until() = ToProto(Now() + length);
  return reply;
}

Instant LedgerImpl::Now() const { return clock_.Now() + clock_offset_; }

StatusOr<Instant> LedgerImpl::SetClock(const pb::SetClockRequest& request) {
  const auto set = [this, &request]() -> Status {
    std::int64_t offset = clock_offset_;
    if (request.has_time()) {
      if (registry()->environment() != pb::DEMO) {
        return FailedPrecondition("only a demo ledger's clock can be moved");
      }
      const Instant wanted = FromProto(request.time());
      if (wanted < Now()) {
        return InvalidArgument("a demo ledger's clock moves forwards only: it is " +
                               FormatUtc(Now()) + " there now");
      }
      offset += wanted - Now();
    } else if (!request.confirm_jump()) {
      return InvalidArgument("say which time to set, or confirm the present one");
    }
    Batch batch;
    batch.Put(Table::kMeta, kMetaClockOffset, std::to_string(offset));
    batch.Put(Table::kMeta, kMetaClockConfirmed, std::to_string((clock_.Now() + offset).micros));
    CUSTODY_RETURN_IF_ERROR(CommitRows(batch));
    clock_offset_ = offset;
    if (request.confirm_jump()) guard_.Confirm(clock_);
    return {};
  };
  CUSTODY_RETURN_IF_ERROR(OnCommitter(set));
  return Now();
}

std::shared_ptr<void> LedgerImpl::Watch(std::function<void(const LedgerChange&)> changed) {
  return watchers_->Add(std::move(changed));
}

pb::GetStatusReply LedgerImpl::GetStatus() {
  pb::GetStatusReply reply;
  reply.set_version(std::string(Version()));
  reply.set_queue_length(static_cast<std::uint32_t>(queue_.length()));
  reply.set_queue_capacity(static_cast<std::uint32_t>(queue_.capacity()));
  *reply.mutable_server_time() = ToProto(Now());
  reply.set_clock_offset_ms(clock_offset_ / 1'000);
  reply.set_groups(groups_);
  reply.set_syncs(syncs_);
  if (const StatusOr<View> view = live_.Look(); view.ok()) {
    reply.set_entries(view->size());
    if (const auto newest = NewestCheckpoint(view->snapshot()); newest.ok()) {
      reply.set_checkpoint(newest->note);
    }
    if (const auto last = ReadEntry(view->snapshot(), view->size() - 1); last.ok()) {
      *reply.mutable_last_entry_at() = last->received_at();
    }
  }
  const MutexLock lock(mutex_);
  reply.set_read_only(!read_only_.empty() || !stopped_.ok());
  reply.set_read_only_reason(stopped_.ok() ? read_only_ : Message(stopped_));
  return reply;
}

Status LedgerImpl::PutSubject(const pb::PutSubjectRequest& request) {
  CUSTODY_RETURN_IF_ERROR(Chain::Parse(TherapyChain(request.therapy())).status());
  return OnCommitter([this, &request]() -> Status {
    CUSTODY_RETURN_IF_ERROR(MayRecord());
    if (live_.store() == nullptr) return Unavailable("the ledger is being reopened");
    Batch batch;
    CUSTODY_RETURN_IF_ERROR(vault_.PutSubject(*tip_->snapshot, request, batch));
    return CommitRows(batch);
  });
}

StatusOr<pb::GetSubjectReply> LedgerImpl::GetSubject(std::string_view therapy) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return vault_.GetSubject(view.snapshot(), therapy);
}

StatusOr<pb::PutAttachmentReply> LedgerImpl::PutAttachment(std::string_view therapy,
                                                           std::string_view media_type,
                                                           std::string_view bytes) {
  CUSTODY_RETURN_IF_ERROR(Chain::Parse(TherapyChain(therapy)).status());
  const Hash sha256 = Sha256(bytes);
  // Recording goes on beside an upload: it is sealed on the caller's thread, and only its batches
  // are written on the committer's, one at a time between groups.
  bool there = false;
  const auto prepare = [&]() -> Status {
    CUSTODY_RETURN_IF_ERROR(MayRecord());
    if (live_.store() == nullptr) return Unavailable("the ledger is being reopened");
    CUSTODY_ASSIGN_OR_RETURN(there, HasAttachment(*tip_->snapshot, therapy, sha256));
    if (there) return {};
    Batch batch;
    CUSTODY_RETURN_IF_ERROR(vault_.MakeSubject(*tip_->snapshot, therapy, batch));
    return batch.empty() ? Status() : CommitRows(batch);
  };
  const auto seal = [&]() -> StatusOr<std::vector<Batch>> {
    CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
    return vault_.SealAttachment(view.snapshot(), therapy, media_type, bytes);
  };
  CUSTODY_RETURN_IF_ERROR(OnCommitter(prepare));
  if (!there) {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<Batch> batches, seal());
    for (const Batch& batch : batches) {
      CUSTODY_RETURN_IF_ERROR(OnCommitter([this, &batch] { return CommitRows(batch); }));
    }
  }
  pb::PutAttachmentReply reply;
  reply.set_sha256(sha256.ToString());
  reply.set_size(bytes.size());
  return reply;
}

StatusOr<std::pair<std::string, std::string>> LedgerImpl::GetAttachment(std::string_view therapy,
                                                                        const Hash& sha256) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return vault_.GetAttachment(view.snapshot(), therapy, sha256);
}

Status LedgerImpl::LogRead(const pb::AccessRecord& record, bool durable) {
  Batch batch;
  batch.Put(Table::kReads,
            U64(static_cast<std::uint64_t>(FromProto(record.at()).micros)) + U64(access_number_++),
            record.SerializeAsString());
  if (durable) return OnCommitter([this, &batch] { return CommitRows(batch); });
  return live_.WriteUnsynced(batch);
}

Status LedgerImpl::ReadAccessLog(const pb::ReadAccessLogRequest& request,
                                 const std::function<bool(const pb::AccessRecord&)>& visit) {
  const std::int64_t since = request.has_since() ? FromProto(request.since()).micros : 0;
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return view.snapshot().Scan(
      Table::kReads, U64(static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0))),
      [&](std::string_view, std::string_view value) {
        pb::AccessRecord record;
        if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return true;
        if (!request.therapy().empty() && record.therapy() != request.therapy()) return true;
        return visit(record);
      });
}

Status LedgerImpl::WriteAlertRows(const Batch& batch) {
  for (const Batch::Write& write : batch.writes()) {
    if (write.table != Table::kAlerts) return InvalidArgument("a row of another table than alerts");
  }
  return OnCommitter([this, &batch] { return CommitRows(batch); });
}

Status LedgerImpl::ReadAlertRows(std::string_view from, const Snapshot::Visitor& visit) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return view.snapshot().Scan(Table::kAlerts, from, visit);
}

// On the committer's thread, so that what is copied ends with a commit that is known to be durable.
StatusOr<pb::BackupReply> LedgerImpl::Backup(const std::filesystem::path& folder) {
  pb::BackupReply reply;
  const auto copy_all = [&]() -> Status {
    if (live_.store() == nullptr) return Unavailable("the ledger is being reopened");
    std::error_code error;
    if (!std::filesystem::create_directory(folder, error)) {
      if (error) return Unavailable(folder.string() + " cannot be made: " + error.message());
      return AlreadyExists(folder.string() + " exists; name a new folder for the backup");
    }
    // Before anything is in it: a backup is as secret as the data folder.
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    Status copied;
    if (error) {
      copied = Unavailable(folder.string() + " cannot be closed to others: " + error.message());
    }
    if (copied.ok()) copied = live_.store()->Backup(folder / "db");
    if (copied.ok()) {
      copied = Anchor::Create(folder / "anchor", {tip_->version.writes, checkpoint_});
    }
    if (copied.ok()) copied = CopyRevoked(options_.revoked, folder);
    if (!copied.ok()) std::filesystem::remove_all(folder, error);  // half a backup is none
    reply.set_checkpoint(checkpoint_);
    return copied;
  };
  CUSTODY_RETURN_IF_ERROR(OnCommitter(copy_all));
  CUSTODY_ASSIGN_OR_RETURN(const std::unique_ptr<LedgerReader> copy, LedgerReader::Open(folder));
  CUSTODY_ASSIGN_OR_RETURN(const std::string checkpoint, copy->NewestCheckpoint());
  if (checkpoint != reply.checkpoint()) {
    return DataLoss("the backup in " + folder.string() +
                    " reads back with another checkpoint; do not rely on it");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::uint64_t bytes, BytesBelow(folder));
  reply.set_bytes(bytes);
  return reply;
}

}  // namespace custody
