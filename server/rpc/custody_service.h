// The service `Custody`: therapies as the fold sees them, the vault, and administration.
#ifndef CUSTODY_SERVER_RPC_CUSTODY_SERVICE_H_
#define CUSTODY_SERVER_RPC_CUSTODY_SERVICE_H_

#include "custody/v1/service.grpc.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `CustodyService` translates and authorises. `context` must outlive it. Thread-safe.
class CustodyService final : public pb::Custody::CallbackService {
 public:
  explicit CustodyService(RpcContext& context) : rpc_(context) {}

  grpc::ServerUnaryReactor* GetTherapy(grpc::CallbackServerContext* context,
                                       const pb::GetTherapyRequest* request,
                                       pb::GetTherapyReply* reply) override;
  grpc::ServerUnaryReactor* ListTherapies(grpc::CallbackServerContext* context,
                                          const pb::ListTherapiesRequest* request,
                                          pb::ListTherapiesReply* reply) override;
  grpc::ServerWriteReactor<pb::WatchTherapiesReply>* WatchTherapies(
      grpc::CallbackServerContext* context, const pb::WatchTherapiesRequest* request) override;
  grpc::ServerUnaryReactor* NextSteps(grpc::CallbackServerContext* context,
                                      const pb::NextStepsRequest* request,
                                      pb::NextStepsReply* reply) override;
  grpc::ServerUnaryReactor* Preview(grpc::CallbackServerContext* context,
                                    const pb::PreviewRequest* request,
                                    pb::PreviewReply* reply) override;
  grpc::ServerUnaryReactor* Find(grpc::CallbackServerContext* context,
                                 const pb::FindRequest* request, pb::FindReply* reply) override;
  grpc::ServerUnaryReactor* Trace(grpc::CallbackServerContext* context,
                                  const pb::TraceRequest* request, pb::TraceReply* reply) override;
  grpc::ServerUnaryReactor* Inventory(grpc::CallbackServerContext* context,
                                      const pb::InventoryRequest* request,
                                      pb::InventoryReply* reply) override;
  grpc::ServerUnaryReactor* Worklist(grpc::CallbackServerContext* context,
                                     const pb::WorklistRequest* request,
                                     pb::WorklistReply* reply) override;
  grpc::ServerUnaryReactor* PutSubject(grpc::CallbackServerContext* context,
                                       const pb::PutSubjectRequest* request,
                                       pb::PutSubjectReply* reply) override;
  grpc::ServerUnaryReactor* GetSubject(grpc::CallbackServerContext* context,
                                       const pb::GetSubjectRequest* request,
                                       pb::GetSubjectReply* reply) override;
  grpc::ServerUnaryReactor* GetSchema(grpc::CallbackServerContext* context,
                                      const pb::GetSchemaRequest* request,
                                      pb::GetSchemaReply* reply) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const pb::GetStatusRequest* request,
                                      pb::GetStatusReply* reply) override;
  grpc::ServerUnaryReactor* SetClock(grpc::CallbackServerContext* context,
                                     const pb::SetClockRequest* request,
                                     pb::SetClockReply* reply) override;
  grpc::ServerWriteReactor<pb::AccessRecord>* ReadAccessLog(
      grpc::CallbackServerContext* context, const pb::ReadAccessLogRequest* request) override;
  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* context,
                                   const pb::BackupRequest* request,
                                   pb::BackupReply* reply) override;
  grpc::ServerUnaryReactor* ListAlerts(grpc::CallbackServerContext* context,
                                       const pb::ListAlertsRequest* request,
                                       pb::ListAlertsReply* reply) override;
  grpc::ServerUnaryReactor* TestAlert(grpc::CallbackServerContext* context,
                                      const pb::TestAlertRequest* request,
                                      pb::TestAlertReply* reply) override;

 private:
  RpcContext& rpc_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_CUSTODY_SERVICE_H_
