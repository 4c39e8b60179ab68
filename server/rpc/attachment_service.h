// The service `Attachments`: larger things, by content.
#ifndef CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_
#define CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_

#include <map>
#include <mutex>
#include <string>

#include "custody/v1/service.grpc.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `Transfers` counts the attachments that are in memory, on their way in or out. Thread-safe.
class Transfers {
 public:
  // `Begin` is RESOURCE_EXHAUSTED when there are too many, of `station` or in all.
  Status Begin(const std::string& station);
  void End(const std::string& station);

 private:
  std::mutex mutex_;
  std::map<std::string, int> of_station_;
  int all_ = 0;
};

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
  Transfers transfers_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_ATTACHMENT_SERVICE_H_
