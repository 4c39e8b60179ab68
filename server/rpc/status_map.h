// From our Status to gRPC's: the only place that makes a grpc::Status.
#ifndef CUSTODY_SERVER_RPC_STATUS_MAP_H_
#define CUSTODY_SERVER_RPC_STATUS_MAP_H_

#include <grpcpp/support/status.h>

#include <string_view>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/v1/service.pb.h"

namespace custody {

// What an error may carry besides its words; null where it does not apply. Views.
struct ErrorDetails {
  const pb::Verdict* verdict = nullptr;
  const pb::BadFields* bad_fields = nullptr;
  const pb::ChainMoved* moved = nullptr;
};

// `ToRpcStatus` gives code, message and details as the message that travels in
// grpc-status-details-bin, wire-compatible with google.rpc.Status.
pb::RpcStatus ToRpcStatus(const Status& status, const ErrorDetails& details = {});

// `ToGrpc` gives what a call finishes with: OK without a message, or code, message and details.
// They travel in trailers, so they are bounded (limits.h): of more reasons or fields than fit the
// first are given, and a last one, its rule or path "...", says how many more there are.
grpc::Status ToGrpc(const Status& status, const ErrorDetails& details = {});

// `ForPeer` is what a peer may know of an error. INTERNAL, UNKNOWN and DATA_LOSS may name paths and
// stored bytes: they are logged here under a random correlation id (with `call`), and the peer gets
// the code and the id. Other errors are passed on unchanged.
Status ForPeer(const Status& status, std::string_view call);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_STATUS_MAP_H_
