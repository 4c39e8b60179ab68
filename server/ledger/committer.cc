// The only writer.
//
// One thread takes verified events in the order in which they came, decides them one by one, writes
// the group in one synced batch and only then answers. While it waits for the disk the workers
// verify what comes next. Refusals are answered after the write too: what they say of the chain's
// head may be of this very group, and is not true before it is durable.
//
// A failed write leaves everything open: the batch may be there after all. Then nothing is taken
// in, callers are told that the outcome is unknown (the same event sent again finds out), and the
// store is closed, opened and checked like at the start, again and again with growing pauses until
// it holds. What recovery finds is written anew by the store before it is served. A disk that is
// full before anything was written stops nobody: that group is refused and the tip is read anew.
#include <algorithm>
#include <future>

#include "server/ledger/ledger_impl.h"

namespace custody {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The anchor may be a second behind; it is written at half of that.
constexpr milliseconds kAnchorPause{500};
constexpr milliseconds kFirstReopenPause{100};
constexpr milliseconds kLongestReopenPause{60'000};

Status Unknown(const Status& why) {
  return Unavailable("it is not known whether the event was recorded: " + Message(why) +
                     "; send the same event again");
}

}  // namespace

void LedgerImpl::CommitLoop() {
  while (true) {
    AdmissionQueue::Work work = queue_.WaitForWork(NextDeadline());
    for (const AdmissionQueue::Job& job : work.jobs) job();
    if (!work.group.empty()) CommitGroup(std::move(work.group));
    const SteadyTime now = steady_clock::now();
    if (reopen_ && now >= reopen_at_) Reopen();
    if (anchor_behind_ && now >= anchor_written_ + kAnchorPause) WriteAnchor();
    if (work.finished) break;
  }
  if (anchor_behind_) WriteAnchor();
}

LedgerImpl::SteadyTime LedgerImpl::NextDeadline() const {
  SteadyTime deadline = steady_clock::now() + std::chrono::hours(1);
  if (anchor_behind_) deadline = std::min(deadline, anchor_written_ + kAnchorPause);
  if (reopen_) deadline = std::min(deadline, reopen_at_);
  return deadline;
}

Status LedgerImpl::MayRecord() {
  {
    const MutexLock lock(mutex_);
    CUSTODY_RETURN_IF_ERROR(stopped_);
    if (!read_only_.empty()) {
      return FailedPrecondition("the ledger is read-only: " + read_only_);
    }
  }
  return guard_.Check(clock_);
}

void LedgerImpl::CommitGroup(std::vector<std::unique_ptr<Admission>> admissions) {
  std::vector<Decision> decisions(admissions.size());
  const Status allowed = MayRecord();
  if (live_.store() == nullptr) {
    for (std::size_t i = 0; i < admissions.size(); ++i) {
      RecordOutcome outcome;
      outcome.status = allowed.ok() ? Unavailable("the ledger is being reopened") : allowed;
      admissions[i]->done(std::move(outcome));
      queue_.Answered(1);
    }
    return;
  }
  Group group({*tip_, folds_, live_.history(), reservations_, std::max(Now(), tip_->last_received),
               clock_.MonotonicMicros()});
  for (std::size_t i = 0; i < admissions.size(); ++i) {
    // What is known is answered even when nothing new may be recorded.
    if (!allowed.ok() && !admissions[i]->known) {
      decisions[i].status = allowed;
    } else {
      decisions[i] = group.Decide(*admissions[i]);
    }
  }
  Status written;
  if (!group.empty()) written = WriteGroup(group);
  Answer(admissions, decisions, group, written);
  if (!written.ok()) return;
  KeepFolds(group);
  if (group.empty()) return;
  tip_->tree.Settle();
  tip_->Renew(*live_.store(), tip_->version);
  for (const LedgerChange& change : group.Changes()) watchers_->Tell(change);
}

Status LedgerImpl::WriteGroup(Group& group) {
  const StatusOr<const Batch*> batch = group.Seal(log_key_);
  if (!batch.ok()) {
    ReloadTip();
    return batch.status();
  }
  const CommitResult result =
      live_.Commit(**batch, tip_->version, group.size(), group.new_history());
  CUSTODY_RETURN_IF_ERROR(Settle(result));
  ++groups_;
  tip_->last_received = group.received_at();
  released_ = group.size();
  checkpoint_ = group.checkpoint();
  guard_.Recorded(clock_);
  return {};
}

// Those of a group that was refused as a whole too: to fold a therapy is work, and whoever is
// refused sends again.
void LedgerImpl::KeepFolds(Group& group) {
  Batch snapshots;
  group.ReleaseFolds(snapshots);
  if (snapshots.empty()) return;
  // Discardable, but an error poisons the store: the next commit meets it.
  static_cast<void>(live_.store()->WriteUnsynced(snapshots));
}

// Takes note of what became of a commit; an error when it did not succeed.
Status LedgerImpl::Settle(const CommitResult& result) {
  if (result.outcome == CommitOutcome::kCommitted) {
    tip_->version = result.version;
    syncs_ = live_.store()->syncs();
    anchor_behind_ = true;
    return {};
  }
  if (result.outcome == CommitOutcome::kAborted &&
      result.status.code() == StatusCode::kResourceExhausted) {
    ReloadTip();
    return result.status;
  }
  // Somebody else wrote, or nobody knows whether we did: either way the tip is not the end.
  Stop(result.status);
  return Unknown(result.status);
}

void LedgerImpl::Answer(std::vector<std::unique_ptr<Admission>>& admissions,
                        std::vector<Decision>& decisions, const Group& group,
                        const Status& written) {
  bool leans_on_group = false;
  for (std::size_t i = 0; i < admissions.size(); ++i) {
    Decision& decision = decisions[i];
    RecordOutcome outcome;
    leans_on_group = leans_on_group || decision.index.has_value();
    if (decision.known) {
      outcome.reply = *std::move(decision.known);
    } else if (!written.ok() && leans_on_group) {
      outcome.status = written;
    } else if (decision.index) {
      StatusOr<pb::Receipt> receipt = group.Receipt(*decision.index);
      outcome.status = receipt.status();
      if (receipt.ok()) *outcome.reply.mutable_receipt() = *std::move(receipt);
      *outcome.reply.mutable_verdict() = std::move(decision.verdict);
      outcome.reply.set_known(decision.twin);
    } else {
      outcome.status = std::move(decision.status);
      *outcome.reply.mutable_verdict() = std::move(decision.verdict);
      outcome.moved = std::move(decision.moved);
      outcome.bad_fields = std::move(admissions[i]->bad_fields);
    }
    admissions[i]->done(std::move(outcome));
    queue_.Answered(1);  // after: who drains waits for the answers themselves
  }
}

void LedgerImpl::Stop(const Status& why) {
  {
    const MutexLock lock(mutex_);
    stopped_ = Unavailable("the ledger stopped after a failed write and is checking itself: " +
                           Message(why) + "; send the event again later");
  }
  reopen_ = true;
  reopen_at_ = steady_clock::now();
  reopen_pause_ = kFirstReopenPause;
}

void LedgerImpl::Reopen() {
  tip_.reset();
  folds_.Clear();
  live_.Close();
  StatusOr<Recovered> recovered = Recover(options_, log_key_, anchor_.mark(), released_);
  if (!recovered.ok()) {
    const MutexLock lock(mutex_);
    stopped_ = Unavailable("the ledger stopped after a failed write and cannot be reopened: " +
                           Message(recovered.status()));
    reopen_at_ = steady_clock::now() + reopen_pause_;
    reopen_pause_ = std::min(2 * reopen_pause_, kLongestReopenPause);
    return;
  }
  tip_ = std::move(recovered->tip);
  released_ = tip_->version.log_size;
  checkpoint_ = std::move(recovered->checkpoint);
  live_.Open(std::move(recovered->store), std::move(recovered->history));
  reopen_ = false;
  anchor_behind_ = true;
  clock_offset_ = recovered->clock_offset;  // a SetClock whose outcome was unknown
  {
    const MutexLock lock(mutex_);
    stopped_ = Status();
    if (read_only_.empty()) read_only_ = recovered->read_only;
    read_only_kept_ = !recovered->read_only.empty();
  }
  // A failure stops the ledger again, and the next opening tries again.
  static_cast<void>(KeepReadOnly());
}

// The tip ran ahead of a write that did not happen.
void LedgerImpl::ReloadTip() {
  folds_.Clear();
  StatusOr<std::unique_ptr<Tip>> tip = Tip::Load(*live_.store());
  if (tip.ok()) {
    tip_ = *std::move(tip);
  } else {
    Stop(tip.status());
  }
}

void LedgerImpl::WriteAnchor() {
  if (!tip_) return;  // between a failed write and the next opening nothing new is promised
  const Status written = anchor_.Write({tip_->version.writes, checkpoint_});
  anchor_written_ = steady_clock::now();
  anchor_behind_ = !written.ok();
  if (written.ok() && !anchor_failed_) return;
  anchor_failed_ = !written.ok();
  const MutexLock lock(mutex_);
  if (!reopen_) stopped_ = written.ok() ? written : Unavailable(Message(written));
}

Status LedgerImpl::CommitRows(const Batch& batch) {
  if (live_.store() == nullptr) return Unavailable("the ledger is being reopened");
  CUSTODY_RETURN_IF_ERROR(
      Settle(live_.Commit(batch, tip_->version, tip_->version.log_size, nullptr)));
  tip_->Renew(*live_.store(), tip_->version);
  return {};
}

Status LedgerImpl::OnCommitter(std::function<Status()> job) {
  // The queue keeps copies of its jobs, and a promise cannot be copied.
  const auto done = std::make_shared<std::promise<Status>>();
  std::future<Status> result = done->get_future();
  CUSTODY_RETURN_IF_ERROR(queue_.PushJob([done, job = std::move(job)] { done->set_value(job()); }));
  return result.get();
}

void LedgerImpl::Drain() {
  queue_.Close();
  queue_.WaitUntilAnswered();
}

}  // namespace custody
