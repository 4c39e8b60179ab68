// The service `Ledger`: recording, and everything that proves what was recorded.
#ifndef CUSTODY_SERVER_RPC_LEDGER_SERVICE_H_
#define CUSTODY_SERVER_RPC_LEDGER_SERVICE_H_

#include "custody/v1/service.grpc.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `LedgerService` translates and authorises, nothing else. `context` must outlive it. Thread-safe.
class LedgerService final : public pb::Ledger::CallbackService {
 public:
  explicit LedgerService(RpcContext& context);
  ~LedgerService() override;

  grpc::ServerUnaryReactor* Hello(grpc::CallbackServerContext* context,
                                  const pb::HelloRequest* request, pb::HelloReply* reply) override;
  grpc::ServerUnaryReactor* Reserve(grpc::CallbackServerContext* context,
                                    const pb::ReserveRequest* request,
                                    pb::ReserveReply* reply) override;
  grpc::ServerUnaryReactor* Record(grpc::CallbackServerContext* context,
                                   const pb::RecordRequest* request,
                                   pb::RecordReply* reply) override;
  grpc::ServerBidiReactor<pb::RecordRequest, pb::RecordReply>* RecordMany(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* context,
                                          const pb::GetCheckpointRequest* request,
                                          pb::CheckpointReply* reply) override;
  grpc::ServerUnaryReactor* GetInclusionProof(grpc::CallbackServerContext* context,
                                              const pb::GetInclusionProofRequest* request,
                                              pb::InclusionProofReply* reply) override;
  grpc::ServerUnaryReactor* GetConsistencyProof(grpc::CallbackServerContext* context,
                                                const pb::GetConsistencyProofRequest* request,
                                                pb::ConsistencyProofReply* reply) override;
  grpc::ServerUnaryReactor* GetHeadsProof(grpc::CallbackServerContext* context,
                                          const pb::GetHeadsProofRequest* request,
                                          pb::HeadsProofReply* reply) override;
  grpc::ServerWriteReactor<pb::EntryReply>* ReadEntries(
      grpc::CallbackServerContext* context, const pb::ReadEntriesRequest* request) override;
  // Not built yet: UNIMPLEMENTED, and says so.
  grpc::ServerUnaryReactor* AddCosignatures(grpc::CallbackServerContext* context,
                                            const pb::AddCosignaturesRequest* request,
                                            pb::CheckpointReply* reply) override;

 private:
  class RecordMessages;

  RpcContext& rpc_;
  std::unique_ptr<RecordMessages> record_messages_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_LEDGER_SERVICE_H_
