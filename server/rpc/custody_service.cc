#include "server/rpc/custody_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "custody/event_contents.h"
#include "custody/therapy.h"
#include "custody/time.h"
#include "server/rpc/alert_view.h"
#include "server/rpc/listing.h"
#include "server/rpc/recall.h"
#include "server/rpc/requests.h"
#include "server/rpc/subjects.h"
#include "server/rpc/views.h"
#include "server/rpc/watch.h"
#include "server/rpc/worklist.h"

namespace custody {
namespace {

constexpr std::size_t kMaxAccessRecords = 100'000;

template <class T>
StatusOr<std::optional<Instant>> AsOf(const T& request) {
  if (!request.has_as_of()) return std::optional<Instant>();
  CUSTODY_RETURN_IF_ERROR(CheckTime(request.as_of(), "as_of"));
  return std::optional<Instant>(FromProto(request.as_of()));
}

// A list over therapies has threads of its own, and ends when nobody waits for it.
template <class Request, class Reply>
grpc::ServerUnaryReactor* ServeListing(RpcContext& rpc, grpc::CallbackServerContext* context,
                                       Call call,
                                       Status (*list)(RpcContext&, const Permit&, const Request&,
                                                      const std::function<bool()>&, Reply*),
                                       const Request* request, Reply* reply) {
  return rpc.Serve(
      context, call,
      [=, &rpc](const Permit& permit) {
        return list(
            rpc, permit, *request, [=] { return context->IsCancelled(); }, reply);
      },
      RpcContext::Lane::kListings);
}

// The stream ReadAccessLog: read at once, up to a bound, and written at the reader's pace.
class AccessLogReactor final : public Reactor<grpc::ServerWriteReactor<pb::AccessRecord>> {
 public:
  explicit AccessLogReactor(RpcContext& rpc) : rpc_(rpc), turn_(rpc.transmissions()) {}

  void Refuse(const Status& status) { Finish(ToGrpc(ForPeer(status, "ReadAccessLog"))); }

  void Start(Permit permit, const pb::ReadAccessLogRequest& request) {
    if (const Status turn = turn_.Begin(permit.caller.station); !turn.ok()) return Refuse(turn);
    auto job = [this, permit = std::move(permit), request] {
      const Status status = RpcContext::Guarded([&] { return Read(permit, request); });
      if (!status.ok()) return Refuse(status);
      Next();
    };
    if (!rpc_.workers().Submit(std::move(job))) {
      Refuse(ResourceExhausted("too many reads are waiting: try again shortly"));
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(ToGrpc(Status()));
    records_.pop_front();
    Next();
  }

 private:
  Status Read(const Permit& permit, const pb::ReadAccessLogRequest& request) {
    CUSTODY_RETURN_IF_ERROR(CheckTime(request.since(), "since"));
    if (permit.scope != Scope::kAll) {
      CUSTODY_RETURN_IF_ERROR(Look(rpc_.ledger(), permit, request.therapy()).status());
    }
    return rpc_.ledger().ReadAccessLog(request, [this](const pb::AccessRecord& record) {
      truncated_ = records_.size() >= kMaxAccessRecords;
      if (!truncated_) records_.push_back(record);
      return !truncated_;
    });
  }

  void Next() {
    if (!records_.empty()) return StartWrite(&records_.front());
    Finish(ToGrpc(truncated_ ? OutOfRange("there are more records: ask again from the last one on")
                             : Status()));
  }

  RpcContext& rpc_;
  Turn turn_;
  std::deque<pb::AccessRecord> records_;
  bool truncated_ = false;
};

Status ListInView(RpcContext& rpc, const Permit& permit, const pb::ListTherapiesRequest& request,
                  const std::function<bool()>& cancelled, pb::ListTherapiesReply* reply) {
  CUSTODY_ASSIGN_OR_RETURN(const std::uint32_t limit, CheckPage(request.limit()));
  Ledger& ledger = rpc.ledger();
  const std::shared_ptr<const Registry> registry = ledger.registry();
  const auto take = [&](const std::string& id,
                        pb::GetTherapyReply& whole) -> StatusOr<std::size_t> {
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, id, "list"));
    pb::GetTherapyReply& added = *reply->add_therapies() = InView(whole, permit.caller, *registry);
    return added.ByteSizeLong();
  };
  const Listing listing{
      .what = "list",
      .after = request.after(),
      .limit = limit,
      .ids = [&](const std::string& after) { return ledger.ListTherapies(after, kPageTherapies); },
      .take = take};
  CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_next(), ListPage(rpc, permit, listing, cancelled));
  return Status();
}

// Nothing is an answer only when everything could be looked at, and some of those that have it are
// not all of them.
Status FindInView(RpcContext& rpc, const Permit& permit, const pb::FindRequest& request,
                  pb::FindReply* reply) {
  CUSTODY_RETURN_IF_ERROR(CheckName("an identifier", request.value()));
  if (request.type() == kPersonType) {
    return InvalidArgument("people are found by Trace, in events that the caller may read");
  }
  CUSTODY_ASSIGN_OR_RETURN(pb::FindReply found, rpc.ledger().Find(request));
  const auto too_many = [&] {
    return OutOfRange(request.value() +
                      " is too often in the ledger to be found at once: Trace "
                      "lists it in pages");
  };
  bool unread = false;
  int looked = 0;
  for (pb::FoundIdentifier& one : *found.mutable_found()) {
    if (++looked > kMostLookedAtByFind) return too_many();
    const Status seen = Look(rpc.ledger(), permit, one.therapy(), std::nullopt, Keep::kNo).status();
    if (seen.code() == StatusCode::kDataLoss) {
      spdlog::error("find: therapy {} cannot be read: {}", one.therapy(), Message(seen));
      unread = true;
      continue;
    }
    if (seen.code() == StatusCode::kNotFound) continue;
    CUSTODY_RETURN_IF_ERROR(seen);
    if (reply->found_size() == kMostShownByFind) return too_many();
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, one.therapy(), "find " + one.type()));
    *reply->add_found() = std::move(one);
  }
  if (unread) {
    return FailedPrecondition(Message(NotWhole(true, "")) + "; Trace shows where else it is");
  }
  if (reply->found_size() > 0) return Status();
  CUSTODY_ASSIGN_OR_RETURN(const std::string lacks, rpc.ledger().IndexLacks());
  return lacks.empty() ? Status() : NotWhole(false, lacks);
}

// What the rules say of an event tells of the therapy that it is meant for: to a party, whose look
// is logged, in full; to others only what is said about themselves.
Status PreviewInView(RpcContext& rpc, const Permit& permit, const pb::SignedEvent& signed_event,
                     std::optional<pb::ChainMoved>& moved, pb::Verdict* verdict) {
  const std::string chain = PeekChain(signed_event.payload());
  const bool registry = IsRegistryChain(chain);
  if (permit.scope == Scope::kRegistry && !registry) {
    return PermissionDenied("the local administration previews registry events only");
  }
  Permit as_party = permit;
  as_party.scope = Scope::kParty;
  StatusOr<pb::Verdict> judged = rpc.ledger().Preview(signed_event);
  if (judged.status().code() == StatusCode::kAborted) {
    if (!registry) CUSTODY_RETURN_IF_ERROR(CheckChain(rpc.ledger(), as_party, chain, true));
    StatusOr<pb::ChainMoved> head = rpc.ledger().GetHead(chain);
    if (head.ok()) moved = *std::move(head);
  }
  CUSTODY_RETURN_IF_ERROR(judged.status());
  *verdict = *std::move(judged);
  if (registry) return Status();
  if (CheckChain(rpc.ledger(), as_party, chain, false).ok()) {
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, Chain::Parse(chain)->id(), "preview"));
  } else if (!CheckChain(rpc.ledger(), as_party, chain, true).ok()) {
    ReduceVerdict(*verdict);
  }
  HoldersInView(rpc.ledger(), as_party, *verdict);
  VerdictInView(permit.caller, *rpc.ledger().registry(), *verdict);
  return Status();
}

Status NobodyIsTold() {
  return FailedPrecondition(
      "nobody is told of alerts: name recipients under [alerts] in the server's settings, and "
      "start it again");
}

Status ListAlertsInView(RpcContext& rpc, const Permit& permit, const pb::ListAlertsRequest& request,
                        const std::function<bool()>& cancelled, pb::ListAlertsReply* reply) {
  if (rpc.alerting() == nullptr) return NobodyIsTold();
  CUSTODY_ASSIGN_OR_RETURN(*reply, AlertsInView(rpc, permit, request, cancelled));
  return Status();
}

}  // namespace

grpc::ServerUnaryReactor* CustodyService::GetTherapy(grpc::CallbackServerContext* context,
                                                     const pb::GetTherapyRequest* request,
                                                     pb::GetTherapyReply* reply) {
  return rpc_.Serve(context, Call::kReadTherapies, [=, this](const Permit& permit) -> Status {
    CUSTODY_ASSIGN_OR_RETURN(const std::optional<Instant> as_of, AsOf(*request));
    CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply whole,
                             Look(rpc_.ledger(), permit, request->therapy(), as_of));
    CUSTODY_RETURN_IF_ERROR(rpc_.LogRead(permit, request->therapy(), "state"));
    *reply = InView(whole, permit.caller, *rpc_.ledger().registry());
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::ListTherapies(grpc::CallbackServerContext* context,
                                                        const pb::ListTherapiesRequest* request,
                                                        pb::ListTherapiesReply* reply) {
  return ServeListing(rpc_, context, Call::kReadTherapies, ListInView, request, reply);
}

grpc::ServerWriteReactor<pb::WatchTherapiesReply>* CustodyService::WatchTherapies(
    grpc::CallbackServerContext* context, const pb::WatchTherapiesRequest* request) {
  return StartWatch(rpc_, *context, *request);
}

grpc::ServerUnaryReactor* CustodyService::NextSteps(grpc::CallbackServerContext* context,
                                                    const pb::NextStepsRequest* request,
                                                    pb::NextStepsReply* reply) {
  return rpc_.Serve(context, Call::kReadTherapies, [=, this](const Permit& permit) -> Status {
    CUSTODY_ASSIGN_OR_RETURN(const std::optional<Instant> as_of, AsOf(*request));
    CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply whole,
                             Look(rpc_.ledger(), permit, request->therapy(), as_of));
    CUSTODY_RETURN_IF_ERROR(rpc_.LogRead(permit, request->therapy(), "next steps"));
    for (pb::NextStep& step : NextStepsOf(whole.state(), *rpc_.ledger().registry(),
                                          as_of.value_or(rpc_.ledger().Now()))) {
      *reply->add_steps() = std::move(step);
    }
    StepsInView(permit.caller, *rpc_.ledger().registry(), *reply);
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::Preview(grpc::CallbackServerContext* context,
                                                  const pb::PreviewRequest* request,
                                                  pb::PreviewReply* reply) {
  return rpc_.Serve(context, Call::kPreview, [=, this](const Permit& permit, auto& moved) {
    return PreviewInView(rpc_, permit, request->signed_(), moved, reply->mutable_verdict());
  });
}

grpc::ServerUnaryReactor* CustodyService::Find(grpc::CallbackServerContext* context,
                                               const pb::FindRequest* request,
                                               pb::FindReply* reply) {
  return rpc_.Serve(context, Call::kReadTherapies, [=, this](const Permit& permit) {
    return FindInView(rpc_, permit, *request, reply);
  });
}

grpc::ServerUnaryReactor* CustodyService::Trace(grpc::CallbackServerContext* context,
                                                const pb::TraceRequest* request,
                                                pb::TraceReply* reply) {
  return ServeListing(rpc_, context, Call::kTrace, custody::Trace, request, reply);
}

grpc::ServerUnaryReactor* CustodyService::Inventory(grpc::CallbackServerContext* context,
                                                    const pb::InventoryRequest* request,
                                                    pb::InventoryReply* reply) {
  return ServeListing(rpc_, context, Call::kReadTherapies, custody::Inventory, request, reply);
}

grpc::ServerUnaryReactor* CustodyService::Worklist(grpc::CallbackServerContext* context,
                                                   const pb::WorklistRequest* request,
                                                   pb::WorklistReply* reply) {
  return ServeListing(rpc_, context, Call::kReadTherapies, custody::Worklist, request, reply);
}

grpc::ServerUnaryReactor* CustodyService::PutSubject(grpc::CallbackServerContext* context,
                                                     const pb::PutSubjectRequest* request,
                                                     pb::PutSubjectReply* /*reply*/) {
  return rpc_.Serve(context, Call::kPutSubject, [=, this](const Permit& permit) {
    return custody::PutSubject(rpc_, permit, *request);
  });
}

grpc::ServerUnaryReactor* CustodyService::GetSubject(grpc::CallbackServerContext* context,
                                                     const pb::GetSubjectRequest* request,
                                                     pb::GetSubjectReply* reply) {
  return rpc_.Serve(context, Call::kGetSubject, [=, this](const Permit& permit) -> Status {
    CUSTODY_ASSIGN_OR_RETURN(*reply, custody::GetSubject(rpc_, permit, *request));
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::GetSchema(grpc::CallbackServerContext* context,
                                                    const pb::GetSchemaRequest* request,
                                                    pb::GetSchemaReply* reply) {
  return rpc_.Serve(context, Call::kGetSchema, [=, this](const Permit&) -> Status {
    CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_schema(), rpc_.ledger().GetSchema(request->sha256()));
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::GetStatus(grpc::CallbackServerContext* context,
                                                    const pb::GetStatusRequest* /*request*/,
                                                    pb::GetStatusReply* reply) {
  return rpc_.Serve(context, Call::kGetStatus, [=, this](const Permit& permit) {
    *reply = rpc_.ledger().GetStatus();
    const bool all = permit.caller.who == Who::kAdmin || permit.caller.who == Who::kOversight;
    if (all) reply->mutable_alerting()->set_configured(false);
    if (all && rpc_.alerting() != nullptr) {
      *reply->mutable_alerting() = rpc_.alerting()->GetStatus(rpc_.ledger().Now());
    }
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::SetClock(grpc::CallbackServerContext* context,
                                                   const pb::SetClockRequest* request,
                                                   pb::SetClockReply* reply) {
  return rpc_.Serve(context, Call::kSetClock, [=, this](const Permit&) -> Status {
    CUSTODY_RETURN_IF_ERROR(CheckTime(request->time(), "time"));
    CUSTODY_ASSIGN_OR_RETURN(const Instant now, rpc_.ledger().SetClock(*request));
    *reply->mutable_server_time() = ToProto(now);
    return Status();
  });
}

grpc::ServerWriteReactor<pb::AccessRecord>* CustodyService::ReadAccessLog(
    grpc::CallbackServerContext* context, const pb::ReadAccessLogRequest* request) {
  auto* reactor = std::make_unique<AccessLogReactor>(rpc_).release();
  StatusOr<Permit> permit = rpc_.Admit(*context, Call::kReadAccessLog);
  if (permit.ok()) {
    reactor->Start(*std::move(permit), *request);
  } else {
    reactor->Refuse(permit.status());
  }
  return reactor;
}

grpc::ServerUnaryReactor* CustodyService::Backup(grpc::CallbackServerContext* context,
                                                 const pb::BackupRequest* request,
                                                 pb::BackupReply* reply) {
  return rpc_.Serve(context, Call::kBackup, [=, this](const Permit&) -> Status {
    const std::filesystem::path folder(request->folder());
    if (!folder.is_absolute()) {
      return InvalidArgument("name the backup's folder from the root on, as the server sees it");
    }
    CUSTODY_ASSIGN_OR_RETURN(*reply, rpc_.ledger().Backup(folder));
    return Status();
  });
}

grpc::ServerUnaryReactor* CustodyService::ListAlerts(grpc::CallbackServerContext* context,
                                                     const pb::ListAlertsRequest* request,
                                                     pb::ListAlertsReply* reply) {
  return ServeListing(rpc_, context, Call::kListAlerts, ListAlertsInView, request, reply);
}

grpc::ServerUnaryReactor* CustodyService::TestAlert(grpc::CallbackServerContext* context,
                                                    const pb::TestAlertRequest* request,
                                                    pb::TestAlertReply* reply) {
  const auto test = [=, this](const Permit&) -> Status {
    if (rpc_.alerting() == nullptr) return NobodyIsTold();
    CUSTODY_ASSIGN_OR_RETURN(*reply, rpc_.alerting()->Test(request->site(), rpc_.ledger().Now()));
    return Status();
  };
  return rpc_.Serve(context, Call::kTestAlert, test, RpcContext::Lane::kTests);
}

}  // namespace custody
