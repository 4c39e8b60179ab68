// The service `Attachments`: larger things, by content.
#ifndef CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_
#define CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_

#include "custody/v1/service.grpc.pb.h"
#include "server/rpc/context.h"
#include "server/rpc/turns.h"

namespace custody {

// `AttachmentService` translates and authorises. `context` must outlive it. Thread-safe.
class AttachmentService final : public pb::Attachments::CallbackService {
 public:
  explicit AttachmentService(RpcContext& context) : rpc_(context) {}

  grpc::ServerReadReactor<pb::PutAttachmentRequest>* Put(grpc::CallbackServerContext* context,
                                                         pb::PutAttachmentReply* reply) override;
  grpc::ServerWriteReactor<pb::AttachmentChunk>* Get(
      grpc::CallbackServerContext* context, const pb::GetAttachmentRequest* request) override;

 private:
  RpcContext& rpc_;
  // Attachments that are in memory, on their way in or out.
  Turns transfers_{kMaxTransfersOfStation, kMaxTransfers,
                   "too many attachments are on their way: try again shortly"};
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_
