// A stream of events, answered in the order in which they came.
//
// Events of different chains are in the ledger's queue together; of one chain, one at a time. The
// ledger verifies signatures on several threads, so that two events of a chain that are handed in
// at once could reach the committer in the wrong order, and the second would be refused for a head
// that the first was about to make. Waiting for the answer also gives the promised meaning to a
// refusal: what follows a refused event in its chain is not tried. It is only looked up: what was
// recorded before answers with its first receipt, as any retry does (an outbox that is sent again
// holds events of both kinds), and the rest ABORTED with the head of now.
//
// At most kRecordWindow events are accepted and not answered; then nothing is read, and HTTP/2's
// flow control holds the sender. A stream that is stopped reads no more, answers what it accepted
// and finishes UNAVAILABLE; the client sends again what was not answered, and known events answer
// with their first receipt. The station is judged anew for each event: one that was retired while
// its stream was open is refused from then on.

#include "server/rpc/record_many.h"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/dsse.h"
#include "custody/event.h"
#include "custody/rules.h"
#include "server/rpc/views.h"

namespace custody {

StatusOr<RecordingStation> AdmitRecording(RpcContext& rpc, const grpc::ServerContextBase& context,
                                          std::string_view payload) {
  RecordingStation station;
  CUSTODY_ASSIGN_OR_RETURN(station.permit, rpc.Admit(context, Call::kRecord));
  station.chain = PeekChain(payload);
  if (station.permit.scope == Scope::kRegistry && !IsRegistryChain(station.chain)) {
    return PermissionDenied("the local administration records registry events only");
  }
  station.from_anywhere = IsFromAnywhere(payload);
  if (station.permit.caller.who != Who::kAdmin) station.name = station.permit.caller.station;
  return station;
}

ErrorDetails DetailsOf(const RecordOutcome& outcome) {
  ErrorDetails details;
  details.verdict = &outcome.reply.verdict();
  details.bad_fields = &outcome.bad_fields;
  if (outcome.moved.has_value()) details.moved = &*outcome.moved;
  return details;
}

void FinishRefused(RpcContext& rpc, const RecordingStation& station, RecordOutcome outcome,
                   const std::function<void(const RecordOutcome&)>& answer) {
  outcome.status = ForPeer(outcome.status, "Record");
  const Who who = station.permit.caller.who;
  // Who reports a wrong item from anywhere has to learn where the chain stands.
  const bool tells_place = outcome.status.code() == StatusCode::kAborted && !station.from_anywhere;
  if ((outcome.reply.verdict().reasons_size() == 0 && !tells_place) || who == Who::kOversight ||
      IsRegistryChain(station.chain)) {
    answer(outcome);
    return;
  }
  auto shared = std::make_shared<RecordOutcome>(std::move(outcome));
  // `why` is OK when it could not be seen whether the caller may know.
  const auto reduce = [shared](const Status& why) {
    if (shared->status.code() == StatusCode::kAborted) {
      shared->moved.reset();
      shared->status = why.ok() ? Aborted("the chain is not free for this event; try again") : why;
      return;
    }
    ReduceVerdict(*shared->reply.mutable_verdict());
    shared->status = MakeStatus(shared->status.code(), "the rules refuse this event");
  };
  auto job = [&rpc, station, shared, reduce, answer] {
    Permit permit = station.permit;
    permit.scope = Scope::kParty;
    const Status party = CheckChain(rpc.ledger(), permit, station.chain, true);
    if (!party.ok()) reduce(party);
    pb::Verdict& verdict = *shared->reply.mutable_verdict();
    const bool holders = HoldersInView(rpc.ledger(), permit, verdict);
    if (VerdictInView(permit.caller, *rpc.ledger().registry(), verdict) || holders) {
      shared->status = MakeStatus(shared->status.code(), Explain(verdict));
    }
    answer(*shared);
  };
  if (rpc.workers().Submit(std::move(job))) return;
  reduce(Status());
  answer(*shared);
}

namespace {

using Base = grpc::ServerBidiReactor<pb::RecordRequest, pb::RecordReply>;

class RecordManyReactor final : public Reactor<Base>, public LongStream {
 public:
  RecordManyReactor(RpcContext& rpc, RecordingStation station, std::unique_ptr<custody::Turn> turn)
      : rpc_(rpc), station_(std::move(station)), turn_(std::move(turn)) {
    // From here on another thread may stop it.
    if (!rpc_.streams().Add(this)) {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    Advance();
  }
  ~RecordManyReactor() override { rpc_.streams().Remove(this); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void Stop() override;

 private:
  // An accepted event's place in the order of answers.
  struct Slot {
    bool answered = false;
    pb::RecordReply reply;
  };
  struct Waiting {
    std::uint64_t number = 0;
    pb::SignedEvent signed_event;
  };
  // What is going on in one chain.
  struct Lane {
    bool busy = false;
    bool stopped = false;  // an event was refused: what follows is only looked up
    std::deque<Waiting> waiting;
  };

  // What is to be done with an event now.
  struct Turn {
    Waiting item;
    bool look_up = false;  // and not record
  };

  // `Accept` gives the event that was read its place, and its turn when that is now. Under mutex_.
  std::optional<Turn> Accept(const std::string& chain, const Status& admitted);
  void Submit(const std::string& chain, Waiting item);
  void LookUp(const std::string& chain, Waiting item);  // of a stopped chain: answers it
  pb::RecordReply KnownOrNotTried(const std::string& chain, const pb::SignedEvent& signed_event);
  void Answered(const std::string& chain, std::uint64_t number, RecordOutcome outcome);
  void SetReply(std::uint64_t number, pb::RecordReply reply);  // under mutex_
  // `Advance` starts what may start now: a read, a write, or the end. REQUIRES: the caller counted
  // itself in `active_`; it is counted out here.
  void Advance();

  RpcContext& rpc_;
  const RecordingStation station_;
  const std::unique_ptr<custody::Turn> turn_;  // among the streams that are open
  pb::RecordRequest request_;                  // of the read under way
  pb::RecordReply writing_;                    // of the write under way

  std::mutex mutex_;
  std::deque<Slot> slots_;  // the first one has number `first_`
  std::uint64_t first_ = 0;
  std::map<std::string, Lane> lanes_;
  std::size_t stopped_chains_ = 0;
  std::size_t in_ledger_ = 0;  // events whose answer is still to come
  std::size_t active_ = 1;     // threads at work on this object: it may not end under them
  bool reading_ = false;
  bool write_busy_ = false;
  bool no_more_ = false;  // the client has sent its last
  bool broken_ = false;   // the client is gone: answers are dropped
  bool stopping_ = false;
  bool too_many_ = false;  // chains were stopped: that is why the stream is stopping
  bool finished_ = false;
};

pb::RecordReply RefusalOf(const RecordOutcome& outcome) {
  pb::RecordReply reply;
  *reply.mutable_error() = ToRpcStatus(outcome.status, DetailsOf(outcome));
  *reply.mutable_verdict() = outcome.reply.verdict();
  return reply;
}

void RecordManyReactor::OnReadDone(bool ok) {
  std::optional<Turn> turn;
  const std::string chain = ok ? PeekChain(request_.signed_().payload()) : "";
  Status admitted;
  if (ok) admitted = rpc_.StillAdmitted(station_.permit);
  {
    const std::lock_guard lock(mutex_);
    ++active_;
    reading_ = false;
    if (!ok) {
      no_more_ = true;
    } else if (!finished_) {
      turn = Accept(chain, admitted);
    }
  }
  if (turn.has_value()) {
    if (turn->look_up) {
      LookUp(chain, std::move(turn->item));
    } else {
      Submit(chain, std::move(turn->item));
    }
  }
  Advance();
}

std::optional<RecordManyReactor::Turn> RecordManyReactor::Accept(const std::string& chain,
                                                                 const Status& admitted) {
  const std::uint64_t number = first_ + slots_.size();
  slots_.emplace_back();
  RecordOutcome refused;
  refused.status = admitted;
  if (admitted.ok() && station_.permit.scope == Scope::kRegistry && !IsRegistryChain(chain)) {
    refused.status = PermissionDenied("the local administration records registry events only");
  }
  if (!refused.status.ok()) {
    SetReply(number, RefusalOf(refused));
    return std::nullopt;
  }
  Lane& lane = lanes_[chain];
  Waiting item{number, std::move(*request_.mutable_signed_())};
  if (lane.busy && !lane.stopped) {
    lane.waiting.push_back(std::move(item));
    return std::nullopt;
  }
  lane.busy = true;
  ++in_ledger_;
  return Turn{std::move(item), lane.stopped};
}

// On a reading thread: it looks into the store. Of one stream at most kRecordWindow wait there.
void RecordManyReactor::LookUp(const std::string& chain, Waiting item) {
  rpc_.workers().Continue([this, chain, item = std::move(item)] {
    pb::RecordReply reply = KnownOrNotTried(chain, item.signed_event);
    {
      const std::lock_guard lock(mutex_);
      --in_ledger_;
      ++active_;
      SetReply(item.number, std::move(reply));
    }
    Advance();
  });
}

pb::RecordReply RecordManyReactor::KnownOrNotTried(const std::string& chain,
                                                   const pb::SignedEvent& signed_event) {
  StatusOr<std::optional<pb::RecordReply>> known =
      rpc_.ledger().FindRecorded(EventId(signed_event.payload()));
  if (known.ok() && known->has_value()) return **std::move(known);
  RecordOutcome outcome;
  outcome.status = Aborted("an event before this one in its chain was refused: it was not tried");
  // Nobody looked at this event's signatures, so its sender need not be anybody to the therapy.
  Permit as_party = station_.permit;
  as_party.scope = Scope::kParty;
  if (!IsRegistryChain(chain) && !CheckChain(rpc_.ledger(), as_party, chain, true).ok()) {
    return RefusalOf(outcome);
  }
  if (StatusOr<pb::ChainMoved> head = rpc_.ledger().GetHead(chain); head.ok()) {
    outcome.moved = *std::move(head);
  }
  return RefusalOf(outcome);
}

void RecordManyReactor::OnWriteDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    ++active_;
    write_busy_ = false;
    if (!ok) broken_ = true;
  }
  Advance();
}

void RecordManyReactor::Stop() {
  {
    const std::lock_guard lock(mutex_);
    ++active_;
    stopping_ = true;
  }
  Advance();
}

// Without the lock: the ledger may answer from within the call.
void RecordManyReactor::Submit(const std::string& chain, Waiting item) {
  const bool from_anywhere = IsFromAnywhere(item.signed_event.payload());
  auto done = [this, chain, from_anywhere, number = item.number](RecordOutcome outcome) {
    if (outcome.status.ok()) {
      pb::Verdict& verdict = *outcome.reply.mutable_verdict();
      const bool any = verdict.reasons_size() > 0;
      WithoutHolders(verdict);
      if (any) VerdictInView(station_.permit.caller, *rpc_.ledger().registry(), verdict);
      Answered(chain, number, std::move(outcome));
      return;
    }
    RecordingStation station = station_;
    station.chain = chain;
    station.from_anywhere = from_anywhere;
    FinishRefused(rpc_, station, std::move(outcome),
                  [this, chain, number](const RecordOutcome& o) { Answered(chain, number, o); });
  };
  rpc_.ledger().Record(std::move(item.signed_event), station_.name, std::move(done));
}

void RecordManyReactor::Answered(const std::string& chain, std::uint64_t number,
                                 RecordOutcome outcome) {
  std::optional<Waiting> next;
  std::deque<Waiting> stopped;
  {
    const std::lock_guard lock(mutex_);
    --in_ledger_;
    ++active_;
    const auto lane = lanes_.find(chain);
    if (outcome.status.ok()) {
      SetReply(number, std::move(outcome.reply));
      if (lane->second.waiting.empty()) {
        lanes_.erase(lane);
      } else {
        next = std::move(lane->second.waiting.front());
        lane->second.waiting.pop_front();
        ++in_ledger_;
      }
    } else {
      SetReply(number, RefusalOf(outcome));
      stopped.swap(lane->second.waiting);
      in_ledger_ += stopped.size();
      lane->second.stopped = true;
      if (++stopped_chains_ > kMaxStoppedChains) too_many_ = stopping_ = true;
    }
  }
  if (next.has_value()) Submit(chain, *std::move(next));
  for (Waiting& waiting : stopped) LookUp(chain, std::move(waiting));
  Advance();
}

void RecordManyReactor::SetReply(std::uint64_t number, pb::RecordReply reply) {
  Slot& slot = slots_[number - first_];
  slot.reply = std::move(reply);
  slot.answered = true;
}

void RecordManyReactor::Advance() {
  while (true) {
    bool read = false;
    bool write = false;
    bool finish = false;
    Status end;
    {
      const std::lock_guard lock(mutex_);
      while (broken_ && !slots_.empty() && slots_.front().answered) {
        slots_.pop_front();
        ++first_;
      }
      if (!write_busy_ && !broken_ && !slots_.empty() && slots_.front().answered) {
        writing_ = std::move(slots_.front().reply);
        slots_.pop_front();
        ++first_;
        write = write_busy_ = true;
      }
      const bool reads_over = no_more_ || broken_ || stopping_;
      if (!reads_over && !reading_ && slots_.size() < kRecordWindow) read = reading_ = true;
      if (!read && !write) {
        --active_;
        finish = reads_over && slots_.empty() && !write_busy_ && in_ledger_ == 0 && active_ == 0 &&
                 !finished_;
        finished_ = finished_ || finish;
        if (too_many_ && !broken_) {
          end = ResourceExhausted(
              "events of too many chains were refused in one stream: look at "
              "them and send the unanswered again");
        } else if (!no_more_ && !broken_) {
          end = Unavailable("the server is stopping: send the unanswered again");
        }
      }
    }
    if (write) StartWrite(&writing_);
    if (read) StartRead(&request_);
    if (read || write) continue;
    // Nothing of this object is touched from here on but by the one thread that finishes.
    if (!finish) return;
    Finish(ToGrpc(end));
    return;
  }
}

class RefusedStream final : public Reactor<Base> {
 public:
  explicit RefusedStream(const Status& status) { Finish(ToGrpc(status)); }
};

}  // namespace

Base* StartRecordMany(RpcContext& rpc, const grpc::ServerContextBase& context) {
  RecordingStation station;
  StatusOr<Permit> permit = rpc.Admit(context, Call::kRecord);
  if (!permit.ok()) return std::make_unique<RefusedStream>(permit.status()).release();
  station.permit = *std::move(permit);
  if (station.permit.caller.who != Who::kAdmin) station.name = station.permit.caller.station;
  auto turn = std::make_unique<Turn>(rpc.transmissions());
  if (const Status begun = turn->Begin(station.permit.caller.station); !begun.ok()) {
    return std::make_unique<RefusedStream>(begun).release();
  }
  return std::make_unique<RecordManyReactor>(rpc, std::move(station), std::move(turn)).release();
}

}  // namespace custody
