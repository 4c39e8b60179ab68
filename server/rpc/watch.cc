// A watcher is told the present state of every therapy it may see and then every change.
//
// The ledger tells of changes from its committer, which may not wait; so a change is only noted
// here, and a reading thread folds and writes when the watcher has taken what came before. A
// watcher that falls too far behind is told so and starts over.

#include "server/rpc/watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "custody/chain.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

using Base = grpc::ServerWriteReactor<pb::WatchTherapiesReply>;

class WatchReactor final : public Reactor<Base>, public LongStream {
 public:
  WatchReactor(RpcContext& rpc, Permit permit, const pb::WatchTherapiesRequest& request)
      : rpc_(rpc),
        permit_(std::move(permit)),
        turn_(rpc.watches()),
        wanted_(request.therapies().begin(), request.therapies().end()) {}
  ~WatchReactor() override { rpc_.streams().Remove(this); }

  // `TakeTurn` is RESOURCE_EXHAUSTED when the station watches enough already.
  Status TakeTurn() { return turn_.Begin(permit_.caller.station); }
  void Begin();
  void Refuse(const Status& status) { Finish(ToGrpc(status)); }
  void OnWriteDone(bool ok) override;
  void OnCancel() override { End(Status()); }
  void Stop() override { End(Unavailable("the server is stopping: watch again shortly")); }

 private:
  // What the ledger tells; it may outlive the watcher by a moment.
  struct Told {
    std::mutex mutex;
    WatchReactor* watcher = nullptr;
  };

  void Note(const LedgerChange& change);
  void End(const Status& status);
  // `Advance` writes, fetches, ends or goes idle. Called with mutex_ held; gives it back.
  void Advance(std::unique_lock<std::mutex> lock);
  void Fetch();
  Status FetchPresent(std::deque<pb::WatchTherapiesReply>& found);
  Status Append(const LedgerChange& change, std::deque<pb::WatchTherapiesReply>& found);

  RpcContext& rpc_;
  const Permit permit_;
  Turn turn_;
  const std::set<std::string, std::less<>> wanted_;  // empty: all
  const std::shared_ptr<Told> told_ = std::make_shared<Told>();
  std::shared_ptr<void> token_;  // of the ledger's Watch
  pb::WatchTherapiesReply writing_;
  std::string after_;             // the last therapy of the first round; used by Fetch only
  bool told_all_ = false;         // the first round is over; used by Fetch only
  bool unread_ = false;           // not all of it could be read; used by Fetch only
  std::set<std::string> logged_;  // used by Fetch only
  // The newest entry that each therapy's present state held; used by Fetch only. The ledger tells
  // of a change after it answered for it, so one of these may still be on its way here.
  std::map<std::string, std::uint64_t> present_;
  // What was last shown of each therapy, to who may not know of every event; used by Fetch only.
  std::map<std::string, Hash> shown_;

  std::mutex mutex_;
  bool first_round_ = true;
  bool busy_ = true;  // a write or a fetch is under way
  bool ended_ = false;
  bool finished_ = false;
  Status end_;
  std::deque<LedgerChange> changes_;
  std::deque<pb::WatchTherapiesReply> ready_;
};

void WatchReactor::Begin() {
  told_->watcher = this;
  token_ = rpc_.ledger().Watch([told = told_](const LedgerChange& change) {
    const std::lock_guard lock(told->mutex);
    if (told->watcher != nullptr) told->watcher->Note(change);
  });
  if (!rpc_.streams().Add(this)) Stop();
  std::unique_lock lock(mutex_);
  busy_ = false;
  Advance(std::move(lock));
}

void WatchReactor::Note(const LedgerChange& change) {
  std::unique_lock lock(mutex_);
  if (ended_ || !IsTherapyChain(change.chain)) return;
  if (!wanted_.empty() && !wanted_.contains(TherapyOf(change.chain))) return;
  if (changes_.size() >= kMaxPendingChanges) {
    ended_ = true;
    end_ = ResourceExhausted("the watcher fell behind: watch again");
  } else {
    changes_.push_back(change);
  }
  Advance(std::move(lock));
}

void WatchReactor::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  busy_ = false;
  if (!ok) ended_ = true;
  Advance(std::move(lock));
}

void WatchReactor::End(const Status& status) {
  std::unique_lock lock(mutex_);
  if (ended_) return;
  ended_ = true;
  end_ = status;
  Advance(std::move(lock));
}

void WatchReactor::Advance(std::unique_lock<std::mutex> lock) {
  if (busy_ || finished_) return;
  if (!ended_ && !first_round_ && ready_.empty() && changes_.empty()) return;  // idle
  busy_ = true;
  if (ended_) {
    // This may be a notification of the ledger's: another thread lets go of it.
    finished_ = true;
    lock.unlock();
    rpc_.fetchers().Continue([this] {
      {
        const std::lock_guard told(told_->mutex);
        told_->watcher = nullptr;
      }
      token_.reset();
      Finish(ToGrpc(ForPeer(end_, "WatchTherapies")));
    });
    return;
  }
  if (!ready_.empty()) {
    writing_ = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    StartWrite(&writing_);
    return;
  }
  lock.unlock();
  rpc_.fetchers().Continue([this] { Fetch(); });
}

void WatchReactor::Fetch() {
  std::deque<LedgerChange> changes;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = first_round_;
    if (!first) changes.swap(changes_);
  }
  std::deque<pb::WatchTherapiesReply> found;
  const Status status = RpcContext::Guarded([&]() -> Status {
    CUSTODY_RETURN_IF_ERROR(rpc_.StillAdmitted(permit_));
    if (first) return FetchPresent(found);
    for (const LedgerChange& change : changes) CUSTODY_RETURN_IF_ERROR(Append(change, found));
    return Status();
  });
  std::unique_lock lock(mutex_);
  busy_ = false;
  if (told_all_) first_round_ = false;
  ready_ = std::move(found);
  if (!status.ok() && !ended_) {
    ended_ = true;
    end_ = status;
  }
  Advance(std::move(lock));
}

// The next few of what there is. Whoever may see none of them waits behind the other watchers for
// the next few, and gives their thread back meanwhile. A therapy that cannot be read is left out; a
// reply that names none says at the end that not all was told.
Status WatchReactor::FetchPresent(std::deque<pb::WatchTherapiesReply>& found) {
  std::vector<std::string> ids;
  if (wanted_.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(ids, rpc_.ledger().ListTherapies(after_, kPageTherapies));
  } else {
    auto next = wanted_.upper_bound(after_);
    for (; next != wanted_.end() && ids.size() < kPageTherapies; ++next) ids.push_back(*next);
  }
  for (const std::string& id : ids) {
    CUSTODY_RETURN_IF_ERROR(Append({0, TherapyChain(id), ""}, found));
    after_ = id;
  }
  told_all_ = ids.empty();
  if (!told_all_) return Status();
  CUSTODY_ASSIGN_OR_RETURN(const std::string lacks, rpc_.ledger().IndexLacks());
  if (unread_ || (wanted_.empty() && !lacks.empty())) found.emplace_back();
  return Status();
}

Status WatchReactor::Append(const LedgerChange& change,
                            std::deque<pb::WatchTherapiesReply>& found) {
  const std::string id(TherapyOf(change.chain));
  const bool first = change.body.empty();
  if (const auto told = present_.find(id);
      !first && told != present_.end() && change.index <= told->second) {
    return Status();
  }
  const StatusOr<pb::GetTherapyReply> therapy =
      Look(rpc_.ledger(), permit_, id, std::nullopt, first ? Keep::kNo : Keep::kYes);
  if (therapy.status().code() == StatusCode::kDataLoss) {
    spdlog::error("watch: therapy {} cannot be read: {}", id, Message(therapy.status()));
    unread_ = true;
    if (!first) found.emplace_back();  // a change that nobody can be told
    return Status();
  }
  if (!therapy.ok()) {
    // Not theirs to see, or none: said by silence, as for any other id.
    return therapy.status().code() == StatusCode::kNotFound ? Status() : therapy.status();
  }
  pb::GetTherapyReply view = InView(*therapy, permit_.caller, *rpc_.ledger().registry());
  const Who who = permit_.caller.who;
  if (who != Who::kClinic && who != Who::kOversight) {
    const Hash shows = WhatIsShown(view);
    const auto [told, fresh] = shown_.emplace(id, shows);
    const bool same = !fresh && told->second == shows;
    told->second = shows;
    // That something happened which is not theirs to see is not theirs to know either.
    if (!first && same && !MayKnowBody(who, change.body)) return Status();
  }
  if (logged_.insert(id).second) CUSTODY_RETURN_IF_ERROR(rpc_.LogRead(permit_, id, "watch"));
  pb::WatchTherapiesReply& reply = found.emplace_back();
  *reply.mutable_therapy() = std::move(view);
  reply.set_index(first ? therapy->state().index() : change.index);
  if (first) present_[id] = therapy->state().index();
  if (MayKnowBody(who, change.body)) reply.set_event(change.body);
  return Status();
}

class RefusedWatch final : public Reactor<Base> {
 public:
  explicit RefusedWatch(const Status& status) { Finish(ToGrpc(status)); }
};

}  // namespace

Base* StartWatch(RpcContext& rpc, const grpc::ServerContextBase& context,
                 const pb::WatchTherapiesRequest& request) {
  StatusOr<Permit> permit = rpc.Admit(context, Call::kReadTherapies);
  Status refused = permit.status();
  if (refused.ok() && request.therapies_size() > 1000) {
    refused = InvalidArgument("watch at most 1000 therapies by name, or all");
  }
  if (!refused.ok()) return std::make_unique<RefusedWatch>(refused).release();
  auto* reactor = std::make_unique<WatchReactor>(rpc, *std::move(permit), request).release();
  if (const Status turn = reactor->TakeTurn(); turn.ok()) {
    reactor->Begin();
  } else {
    reactor->Refuse(turn);
  }
  return reactor;
}

}  // namespace custody
