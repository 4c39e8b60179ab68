// The ledger's inside. Its parts are in files by what they do: opening.cc (create, recover, open
// and reopen), verify.cc (workers), committer.cc (the only writer), queries.cc (reads and proofs),
// admin.cc (Hello, reservations, the clock, vault, backup).
#ifndef CUSTODY_SERVER_LEDGER_LEDGER_IMPL_H_
#define CUSTODY_SERVER_LEDGER_LEDGER_IMPL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "crypto/note.h"
#include "server/ledger/admission_queue.h"
#include "server/ledger/anchor.h"
#include "server/ledger/clock_guard.h"
#include "server/ledger/fold_cache.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger.h"
#include "server/ledger/live_store.h"
#include "server/ledger/mutex.h"
#include "server/ledger/reservations.h"
#include "server/ledger/tip.h"
#include "server/ledger/vault.h"
#include "server/ledger/watchers.h"

namespace custody {

// A store that was recovered and checked, and what was learnt on the way.
struct Recovered {
  std::unique_ptr<Store> store;
  std::shared_ptr<const RegistryHistory> history;
  std::unique_ptr<Tip> tip;
  std::string checkpoint;  // the newest
  std::int64_t clock_offset = 0;
  Instant clock_confirmed;  // ledger time
  std::string read_only;    // why; empty: it is not
};

// `Recover` opens the store in `options`' folder and checks it (see recovery.h) against the anchor
// and against `released`, the size up to which this process has promised already.
StatusOr<Recovered> Recover(const LedgerOptions& options, const PrivateKey& log_key,
                            const AnchorMark& anchor, std::uint64_t released);
std::filesystem::path AnchorPath(const LedgerOptions& options);

class LedgerImpl final : public Ledger {
 public:
  LedgerImpl(LedgerOptions options, PrivateKey log_key, NoteVerifier verifier, Anchor anchor,
             Recovered recovered);
  ~LedgerImpl() override;

  void Record(pb::SignedEvent signed_event, std::string_view station, RecordCallback done) override;
  StatusOr<pb::ReserveReply> Reserve(std::string_view chain, std::string_view station,
                                     std::uint32_t seconds) override;
  StatusOr<pb::HelloReply> Hello(const pb::HelloRequest& request) override;
  void Drain() override;

  StatusOr<std::string> GetCheckpoint(std::optional<std::uint64_t> size) override;
  StatusOr<pb::Receipt> GetInclusionProof(std::uint64_t index,
                                          std::optional<std::uint64_t> size) override;
  StatusOr<pb::ConsistencyProofReply> GetConsistencyProof(
      std::uint64_t old_size, std::optional<std::uint64_t> size) override;
  StatusOr<pb::HeadsProofReply> GetHeadsProof(std::string_view chain,
                                              std::optional<std::uint64_t> size) override;
  Status ReadEntries(const pb::ReadEntriesRequest& request,
                     const std::function<bool(const Hash& chain_key)>& may_read,
                     const std::function<bool(const pb::EntryReply&)>& visit) override;

  std::shared_ptr<const Registry> registry() const override;
  using Ledger::GetTherapy;
  StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id, std::optional<Instant> as_of,
                                           Keep keep) override;
  StatusOr<std::vector<std::string>> ListTherapies(std::string_view after,
                                                   std::size_t limit) override;
  StatusOr<std::vector<std::string>> TherapiesNaming(std::string_view type, std::string_view value,
                                                     bool prefix) override;
  StatusOr<std::optional<pb::RecordReply>> FindRecorded(const Hash& event_id) override;
  StatusOr<pb::ChainMoved> GetHead(std::string_view chain) override;
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override;
  StatusOr<pb::FindReply> Find(const pb::FindRequest& request) override;
  StatusOr<std::string> IndexLacks() override;
  StatusOr<std::string> GetSchema(std::string_view sha256) override;
  pb::GetStatusReply GetStatus() override;
  Instant Now() const override;
  StatusOr<Instant> SetClock(const pb::SetClockRequest& request) override;
  std::shared_ptr<void> Watch(std::function<void(const LedgerChange&)> changed) override;

  Status PutSubject(const pb::PutSubjectRequest& request) override;
  StatusOr<pb::GetSubjectReply> GetSubject(std::string_view therapy) override;
  StatusOr<pb::PutAttachmentReply> PutAttachment(std::string_view therapy,
                                                 std::string_view media_type,
                                                 std::string_view bytes) override;
  StatusOr<std::pair<std::string, std::string>> GetAttachment(std::string_view therapy,
                                                              const Hash& sha256) override;
  Status LogRead(const pb::AccessRecord& record, bool durable) override;
  Status ReadAccessLog(const pb::ReadAccessLogRequest& request,
                       const std::function<bool(const pb::AccessRecord&)>& visit) override;
  Status WriteAlertRows(const Batch& batch) override;
  Status ReadAlertRows(std::string_view from, const Snapshot::Visitor& visit) override;
  StatusOr<pb::BackupReply> Backup(const std::filesystem::path& folder) override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // verify.cc
  void VerifyLoop();
  void Verify(Admission& admission);
  void WarmFold(const std::string& chain, const View& view);
  // `ReckonAnew` holds a logger's summary against its file, and adds to `verdict` what the file
  // says against it; nothing for other events. FAILED_PRECONDITION while the file is not here.
  Status ReckonAnew(const ParsedEvent& event, pb::Verdict& verdict);

  // committer.cc: all on the committer's thread.
  void CommitLoop();
  void CommitGroup(std::vector<std::unique_ptr<Admission>> admissions);
  Status MayRecord();
  Status Settle(const CommitResult& result);
  Status WriteGroup(Group& group);
  void KeepFolds(Group& group);
  void Answer(std::vector<std::unique_ptr<Admission>>& admissions, std::vector<Decision>& decisions,
              const Group& group, const Status& written);
  void Stop(const Status& why);
  void Reopen();
  void ReloadTip();
  void WriteAnchor();
  SteadyTime NextDeadline() const;
  Status CommitRows(const Batch& batch);

  // `OnCommitter` runs `job` on the committer's thread and waits for it. Not from that thread, and
  // not holding a View.
  Status OnCommitter(std::function<Status()> job);
  Status SetReadOnly(const std::string& why);
  Status KeepReadOnly();  // on the committer's thread
  StatusOr<pb::Verdict> JudgeNext(const ParsedEvent& parsed);
  StatusOr<std::unique_ptr<Fold>> FoldAt(const std::string& chain, const View& view,
                                         Keep keep = Keep::kYes);

  // Constant after construction.
  const LedgerOptions options_;
  const PrivateKey log_key_;
  const NoteVerifier verifier_;
  Clock& clock_;
  const Vault vault_;

  // Thread-safe by themselves.
  LiveStore live_;
  FoldCache folds_;
  Reservations reservations_;
  AdmissionQueue queue_;
  const std::shared_ptr<Watchers> watchers_;
  std::atomic<std::int64_t> clock_offset_{0};
  std::atomic<std::uint64_t> groups_{0};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> access_number_{0};

  mutable Mutex mutex_;
  std::string read_only_ CUSTODY_GUARDED_BY(mutex_);        // why; empty: it is not
  bool read_only_kept_ CUSTODY_GUARDED_BY(mutex_) = false;  // and is in the store
  Status stopped_ CUSTODY_GUARDED_BY(mutex_);               // why nothing is taken in at present

  // The committer's own.
  std::unique_ptr<Tip> tip_;
  ClockGuard guard_;
  Anchor anchor_;
  std::string checkpoint_;      // newest released
  std::uint64_t released_ = 0;  // its size
  bool anchor_behind_ = false;
  bool anchor_failed_ = false;
  SteadyTime anchor_written_;
  bool reopen_ = false;
  SteadyTime reopen_at_;
  std::chrono::milliseconds reopen_pause_{0};

  // Last: they use all of the above.
  std::vector<std::thread> workers_;
  std::thread committer_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_LEDGER_IMPL_H_
