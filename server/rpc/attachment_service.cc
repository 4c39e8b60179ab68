#include "server/rpc/attachment_service.h"

#include <memory>
#include <string>
#include <utility>

#include "custody/chain.h"
#include "custody/event.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

class PutReactor final : public Reactor<grpc::ServerReadReactor<pb::PutAttachmentRequest>> {
 public:
  PutReactor(RpcContext& rpc, Turns& transfers, const grpc::CallbackServerContext& context,
             pb::PutAttachmentReply* reply)
      : rpc_(rpc), turn_(transfers), context_(context), reply_(reply) {}

  void Start(StatusOr<Permit> permit) {
    if (!permit.ok()) return End(permit.status());
    permit_ = *std::move(permit);
    if (const Status begun = turn_.Begin(permit_.caller.station); !begun.ok()) return End(begun);
    StartRead(&message_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      if (first_) return End(InvalidArgument("an attachment has at least one message"));
      // The client has sent all, or is gone, and then what came of it is no attachment.
      if (context_.IsCancelled()) return End(Unavailable("the client left"));
      rpc_.workers().Continue([this] { End(RpcContext::Guarded([this] { return Store(); })); });
      return;
    }
    if (first_) {
      first_ = false;
      therapy_ = message_.therapy();
      media_type_ = message_.media_type();
    } else if (!message_.therapy().empty() || !message_.media_type().empty()) {
      return End(InvalidArgument("therapy and media type stand in the first message only"));
    }
    if (bytes_.size() + message_.data().size() > kMaxAttachmentBytes) {
      return End(ResourceExhausted("an attachment has at most " +
                                   std::to_string(kMaxAttachmentBytes) + " bytes"));
    }
    bytes_.append(message_.data());
    StartRead(&message_);
  }

 private:
  Status Store() {
    // An attachment comes before the event that names it, so perhaps before the first of a chain.
    CUSTODY_RETURN_IF_ERROR(CheckChain(rpc_.ledger(), permit_, TherapyChain(therapy_),
                                       permit_.caller.who == Who::kClinic));
    if (media_type_.empty() || media_type_.size() > kMaxIdentifierBytes) {
      return InvalidArgument("say the media type of the attachment, such as text/csv");
    }
    CUSTODY_ASSIGN_OR_RETURN(*reply_, rpc_.ledger().PutAttachment(therapy_, media_type_, bytes_));
    return Status();
  }
  void End(const Status& status) { Finish(ToGrpc(ForPeer(status, "PutAttachment"))); }

  RpcContext& rpc_;
  Turn turn_;
  const grpc::CallbackServerContext& context_;
  pb::PutAttachmentReply* const reply_;
  Permit permit_;
  pb::PutAttachmentRequest message_;
  bool first_ = true;
  std::string therapy_;
  std::string media_type_;
  std::string bytes_;
};

class GetReactor final : public Reactor<grpc::ServerWriteReactor<pb::AttachmentChunk>> {
 public:
  GetReactor(RpcContext& rpc, Turns& transfers) : rpc_(rpc), turn_(transfers) {}

  void Start(StatusOr<Permit> permit, const pb::GetAttachmentRequest& request) {
    if (!permit.ok()) return End(permit.status());
    if (const Status begun = turn_.Begin(permit->caller.station); !begun.ok()) return End(begun);
    auto job = [this, permit = *std::move(permit), request] {
      const Status status = RpcContext::Guarded([&] { return Load(permit, request); });
      if (!status.ok()) return End(status);
      Next();
    };
    if (!rpc_.workers().Submit(std::move(job))) {
      End(ResourceExhausted("too many reads are waiting: try again shortly"));
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok || offset_ >= bytes_.size()) return End(Status());
    chunk_.clear_media_type();
    Next();
  }

 private:
  Status Load(const Permit& permit, const pb::GetAttachmentRequest& request) {
    CUSTODY_ASSIGN_OR_RETURN(const Hash sha256, Hash::FromBytes(request.sha256()));
    CUSTODY_RETURN_IF_ERROR(Look(rpc_.ledger(), permit, request.therapy()).status());
    // The same words whether there is none or it is not theirs.
    const Status hidden =
        NotFound("therapy " + request.therapy() + " has no attachment " + sha256.ToHex() +
                 " that this station may read: check its hash, or ask the site that put it");
    CUSTODY_ASSIGN_OR_RETURN(
        const bool may, MayReadAttachment(rpc_.ledger(), permit.caller, request.therapy(), sha256));
    if (!may) return hidden;
    CUSTODY_RETURN_IF_ERROR(
        rpc_.LogRead(permit, request.therapy(), "attachment " + sha256.ToHex()));
    auto found = rpc_.ledger().GetAttachment(request.therapy(), sha256);
    if (found.status().code() == StatusCode::kNotFound) return hidden;
    CUSTODY_RETURN_IF_ERROR(found.status());
    bytes_ = std::move(found->first);
    chunk_.set_media_type(std::move(found->second));
    return Status();
  }
  void Next() {
    chunk_.set_data(bytes_.substr(offset_, kAttachmentChunkBytes));
    offset_ += chunk_.data().size();
    StartWrite(&chunk_);
  }
  void End(const Status& status) { Finish(ToGrpc(ForPeer(status, "GetAttachment"))); }

  RpcContext& rpc_;
  Turn turn_;
  std::string bytes_;
  std::size_t offset_ = 0;
  pb::AttachmentChunk chunk_;
};

}  // namespace

grpc::ServerReadReactor<pb::PutAttachmentRequest>* AttachmentService::Put(
    grpc::CallbackServerContext* context, pb::PutAttachmentReply* reply) {
  auto* reactor = std::make_unique<PutReactor>(rpc_, transfers_, *context, reply).release();
  reactor->Start(rpc_.Admit(*context, Call::kPutAttachment));
  return reactor;
}

grpc::ServerWriteReactor<pb::AttachmentChunk>* AttachmentService::Get(
    grpc::CallbackServerContext* context, const pb::GetAttachmentRequest* request) {
  auto* reactor = std::make_unique<GetReactor>(rpc_, transfers_).release();
  reactor->Start(rpc_.Admit(*context, Call::kGetAttachment), *request);
  return reactor;
}

}  // namespace custody
