// Entries are read a page at a time on a reading thread and written at the reader's pace, so that a
// slow reader holds no snapshot and no thread, and never more than a page.
//
// One thread at a time is at work on a stream: the page's reader starts the first write and lets
// go; each finished write starts the next; the last one asks for the next page.

#include "server/rpc/read_entries.h"

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "server/rpc/views.h"

namespace custody {
namespace {

using Base = grpc::ServerWriteReactor<pb::EntryReply>;

class ReadEntriesReactor final : public Reactor<Base> {
 public:
  ReadEntriesReactor(RpcContext& rpc, Permit permit, const pb::ReadEntriesRequest& request)
      : rpc_(rpc),
        permit_(std::move(permit)),
        turn_(rpc.transmissions()),
        next_(request),
        limited_(request.limit() != 0),
        left_(request.limit()) {}

  void Start() {
    if (const Status turn = turn_.Begin(permit_.caller.station); !turn.ok()) {
      return Finish(ToGrpc(turn));
    }
    if (rpc_.workers().Submit([this] { ReadPage(); })) return;
    Finish(ToGrpc(ResourceExhausted("too many reads are waiting: try again shortly")));
  }
  void OnWriteDone(bool ok) override;

 private:
  void ReadPage();
  Status Fill();
  bool MayServe(const pb::SignedEvent& signed_event);

  RpcContext& rpc_;
  const Permit permit_;
  Turn turn_;
  pb::ReadEntriesRequest next_;  // what is still to be read
  const bool limited_;
  std::uint64_t left_;  // of the limit, when there is one
  bool checked_ = false;
  bool last_page_ = false;
  std::deque<pb::EntryReply> page_;
  std::map<std::string, bool> may_see_;  // therapy chains met so far
};

void ReadEntriesReactor::OnWriteDone(bool ok) {
  if (!ok) {
    Finish(ToGrpc(Status()));  // the reader is gone
    return;
  }
  page_.pop_front();
  if (!page_.empty()) {
    StartWrite(&page_.front());
  } else if (last_page_) {
    Finish(ToGrpc(Status()));
  } else {
    rpc_.workers().Continue([this] { ReadPage(); });
  }
}

void ReadEntriesReactor::ReadPage() {
  Status status = rpc_.StillAdmitted(permit_);
  if (status.ok()) status = RpcContext::Guarded([this] { return Fill(); });
  if (!status.ok()) {
    Finish(ToGrpc(ForPeer(status, "ReadEntries")));
  } else if (page_.empty()) {
    Finish(ToGrpc(Status()));
  } else {
    StartWrite(&page_.front());
  }
}

Status ReadEntriesReactor::Fill() {
  const bool therapy = !next_.chain().empty() && !IsRegistryChain(next_.chain());
  if (!checked_) {
    checked_ = true;
    if (!next_.chain().empty()) {
      CUSTODY_RETURN_IF_ERROR(CheckChain(rpc_.ledger(), permit_, next_.chain(), false));
    }
    if (therapy) {
      CUSTODY_RETURN_IF_ERROR(
          rpc_.LogRead(permit_, Chain::Parse(next_.chain())->id(),
                       next_.with_events() ? "entries with events" : "entries"));
    }
  }
  next_.set_limit(limited_ ? std::min<std::uint64_t>(left_, kPageEntries) : kPageEntries);
  std::size_t bytes = 0;
  std::uint64_t count = 0;
  bool full = false;
  const auto visit = [&](const pb::EntryReply& entry) {
    page_.push_back(entry);
    pb::EntryReply& reply = page_.back();
    if (reply.has_signed_() && !MayServe(reply.signed_())) reply.clear_signed_();
    bytes += reply.ByteSizeLong();
    ++count;
    full = bytes >= kPageBytes;
    return !full;
  };
  const auto may_read = [](const Hash&) { return true; };  // judged event by event above
  CUSTODY_RETURN_IF_ERROR(rpc_.ledger().ReadEntries(next_, may_read, visit));
  if (limited_) left_ -= count;
  last_page_ = (!full && count < next_.limit()) || (limited_ && left_ == 0);
  next_.set_from(next_.from() + count);
  return Status();
}

bool ReadEntriesReactor::MayServe(const pb::SignedEvent& signed_event) {
  pb::Event event;
  if (!event.ParseFromString(signed_event.payload())) return false;
  if (IsRegistryChain(event.chain())) return true;
  Permit permit = permit_;
  permit.scope = ScopeOf(Call::kReadEvents, permit.caller.who);
  auto [known, fresh] = may_see_.try_emplace(event.chain(), false);
  if (fresh) {
    known->second = CheckChain(rpc_.ledger(), permit, event.chain(), false).ok();
    if (known->second && next_.chain().empty()) {
      const StatusOr<Chain> chain = Chain::Parse(event.chain());
      known->second = chain.ok() && rpc_.LogRead(permit_, chain->id(), "events of the log").ok();
    }
  }
  return known->second && MayReadBody(permit.caller.who, event);
}

class RefusedRead final : public Reactor<Base> {
 public:
  explicit RefusedRead(const Status& status) { Finish(ToGrpc(status)); }
};

}  // namespace

Base* StartReadEntries(RpcContext& rpc, const grpc::ServerContextBase& context,
                       const pb::ReadEntriesRequest& request) {
  // Which call of the table it is depends on what is asked for.
  const Call call = request.chain().empty() ? Call::kReadLog : Call::kReadChain;
  StatusOr<Permit> permit = rpc.Admit(context, call);
  if (!permit.ok()) return std::make_unique<RefusedRead>(permit.status()).release();
  auto* reactor = std::make_unique<ReadEntriesReactor>(rpc, *std::move(permit), request).release();
  reactor->Start();
  return reactor;
}

}  // namespace custody
