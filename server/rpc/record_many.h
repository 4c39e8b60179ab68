// Handing events to the ledger: what Record and RecordMany share, and the stream.
#ifndef CUSTODY_SERVER_RPC_RECORD_MANY_H_
#define CUSTODY_SERVER_RPC_RECORD_MANY_H_

#include <functional>
#include <string>
#include <string_view>

#include "custody/v1/service.pb.h"
#include "server/ledger/ledger.h"
#include "server/rpc/context.h"

namespace custody {

// Who hands in events, as the ledger wants it said.
struct RecordingStation {
  Permit permit;
  std::string name;            // station; empty for the local administration
  std::string chain;           // that the payload names; empty when it does not parse
  bool from_anywhere = false;  // the payload is what any station may report
};

// `AdmitRecording` admits the peer and judges one payload against its scope: the administration
// records registry events only.
StatusOr<RecordingStation> AdmitRecording(RpcContext& rpc, const grpc::ServerContextBase& context,
                                          std::string_view payload);

// `DetailsOf` views what an outcome carries besides its status.
ErrorDetails DetailsOf(const RecordOutcome& outcome);

// `FinishRefused` prepares the answer to a refused event and passes it to `answer`: from here or
// from a reading thread, when it must first be seen whether the caller may know the reasons.
void FinishRefused(RpcContext& rpc, const RecordingStation& station, RecordOutcome outcome,
                   const std::function<void(const RecordOutcome&)>& answer);

// `StartRecordMany` gives the reactor of one RecordMany stream; it owns itself.
grpc::ServerBidiReactor<pb::RecordRequest, pb::RecordReply>* StartRecordMany(
    RpcContext& rpc, const grpc::ServerContextBase& context);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_RECORD_MANY_H_
