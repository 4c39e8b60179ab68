// Record is the path that must be fast: the peer is judged on gRPC's own thread (a look into the
// registry, no disk), the event is moved out of the request, and the ledger's callback finishes the
// call. Nothing of a payload is copied on the way. Reads go to the reading threads.

#include "server/rpc/ledger_service.h"

#include <memory>
#include <string>
#include <utility>

#include "server/rpc/read_entries.h"
#include "server/rpc/record_many.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

template <class T>
std::optional<std::uint64_t> SizeOf(const T& request) {
  return request.has_size() ? std::optional<std::uint64_t>(request.size()) : std::nullopt;
}

// `Fill` moves what a read gave into the reply.
template <class Reply>
Status Fill(StatusOr<Reply> answer, Reply* reply) {
  if (!answer.ok()) return std::move(answer).status();
  *reply = *std::move(answer);
  return Status();
}

}  // namespace

// gRPC hands a handler its request as const; a holder of our own lets it be moved from.
class LedgerService::RecordMessages final
    : public grpc::MessageAllocator<pb::RecordRequest, pb::RecordReply> {
 public:
  struct Holder final : grpc::MessageHolder<pb::RecordRequest, pb::RecordReply> {
    Holder() {
      set_request(&request_message);
      set_response(&reply_message);
    }
    void Release() override { std::unique_ptr<Holder> self(this); }

    pb::RecordRequest request_message;
    pb::RecordReply reply_message;
  };

  grpc::MessageHolder<pb::RecordRequest, pb::RecordReply>* AllocateMessages() override {
    return std::make_unique<Holder>().release();
  }
};

LedgerService::LedgerService(RpcContext& context)
    : rpc_(context), record_messages_(std::make_unique<RecordMessages>()) {
  SetMessageAllocatorFor_Record(record_messages_.get());
}

LedgerService::~LedgerService() = default;

grpc::ServerUnaryReactor* LedgerService::Hello(grpc::CallbackServerContext* context,
                                               const pb::HelloRequest* request,
                                               pb::HelloReply* reply) {
  return rpc_.Serve(context, Call::kHello, [this, request, reply](const Permit& permit) {
    CUSTODY_RETURN_IF_ERROR(Fill(rpc_.ledger().Hello(*request), reply));
    reply->set_station(permit.caller.station);
    reply->set_site(permit.caller.site);
    return Status();
  });
}

grpc::ServerUnaryReactor* LedgerService::Reserve(grpc::CallbackServerContext* context,
                                                 const pb::ReserveRequest* request,
                                                 pb::ReserveReply* reply) {
  return rpc_.Serve(context, Call::kReserve, [this, request, reply](const Permit& permit) {
    const bool may_begin = permit.caller.who == Who::kClinic;  // clinics enrol patients
    CUSTODY_RETURN_IF_ERROR(CheckChain(rpc_.ledger(), permit, request->chain(), may_begin));
    return Fill(rpc_.ledger().Reserve(request->chain(), permit.caller.station, request->seconds()),
                reply);
  });
}

grpc::ServerUnaryReactor* LedgerService::Record(grpc::CallbackServerContext* context,
                                                const pb::RecordRequest* /*request*/,
                                                pb::RecordReply* reply) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto* holder = static_cast<RecordMessages::Holder*>(context->GetRpcAllocatorState());
  StatusOr<RecordingStation> station =
      AdmitRecording(rpc_, *context, holder->request_message.signed_().payload());
  if (!station.ok()) {
    reactor->Finish(ToGrpc(station.status()));
    return reactor;
  }
  const std::string name = station->name;
  auto done = [this, reactor, reply, station = *std::move(station)](RecordOutcome outcome) {
    if (outcome.status.ok()) {
      *reply = std::move(outcome.reply);
      if (reply->verdict().reasons_size() > 0) {
        WithoutHolders(*reply->mutable_verdict());
        VerdictInView(station.permit.caller, *rpc_.ledger().registry(), *reply->mutable_verdict());
      }
      reactor->Finish(ToGrpc(Status()));
      return;
    }
    FinishRefused(rpc_, station, std::move(outcome), [reactor](const RecordOutcome& refused) {
      reactor->Finish(ToGrpc(refused.status, DetailsOf(refused)));
    });
  };
  rpc_.ledger().Record(std::move(*holder->request_message.mutable_signed_()), name,
                       std::move(done));
  return reactor;
}

grpc::ServerBidiReactor<pb::RecordRequest, pb::RecordReply>* LedgerService::RecordMany(
    grpc::CallbackServerContext* context) {
  return StartRecordMany(rpc_, *context);
}

grpc::ServerUnaryReactor* LedgerService::GetCheckpoint(grpc::CallbackServerContext* context,
                                                       const pb::GetCheckpointRequest* request,
                                                       pb::CheckpointReply* reply) {
  return rpc_.Serve(context, Call::kProve, [this, request, reply](const Permit&) -> Status {
    CUSTODY_ASSIGN_OR_RETURN(std::string note, rpc_.ledger().GetCheckpoint(SizeOf(*request)));
    reply->set_checkpoint(std::move(note));
    return Status();
  });
}

grpc::ServerUnaryReactor* LedgerService::GetInclusionProof(
    grpc::CallbackServerContext* context, const pb::GetInclusionProofRequest* request,
    pb::InclusionProofReply* reply) {
  return rpc_.Serve(context, Call::kProve, [this, request, reply](const Permit&) {
    return Fill(rpc_.ledger().GetInclusionProof(request->index(), SizeOf(*request)),
                reply->mutable_receipt());
  });
}

grpc::ServerUnaryReactor* LedgerService::GetConsistencyProof(
    grpc::CallbackServerContext* context, const pb::GetConsistencyProofRequest* request,
    pb::ConsistencyProofReply* reply) {
  return rpc_.Serve(context, Call::kProve, [this, request, reply](const Permit&) {
    return Fill(rpc_.ledger().GetConsistencyProof(request->old_size(), SizeOf(*request)), reply);
  });
}

grpc::ServerUnaryReactor* LedgerService::GetHeadsProof(grpc::CallbackServerContext* context,
                                                       const pb::GetHeadsProofRequest* request,
                                                       pb::HeadsProofReply* reply) {
  return rpc_.Serve(context, Call::kGetHeadsProof, [this, request, reply](const Permit& permit) {
    // Absence must be provable, or nobody could begin a chain; a random id betrays nothing.
    CUSTODY_RETURN_IF_ERROR(CheckChain(rpc_.ledger(), permit, request->chain(), true));
    return Fill(rpc_.ledger().GetHeadsProof(request->chain(), SizeOf(*request)), reply);
  });
}

grpc::ServerWriteReactor<pb::EntryReply>* LedgerService::ReadEntries(
    grpc::CallbackServerContext* context, const pb::ReadEntriesRequest* request) {
  return StartReadEntries(rpc_, *context, *request);
}

grpc::ServerUnaryReactor* LedgerService::AddCosignatures(
    grpc::CallbackServerContext* context, const pb::AddCosignaturesRequest* /*request*/,
    pb::CheckpointReply* /*reply*/) {
  return rpc_.Serve(context, Call::kProve, [](const Permit&) -> Status {
    return Unimplemented("this server collects no cosignatures yet");
  });
}

}  // namespace custody
