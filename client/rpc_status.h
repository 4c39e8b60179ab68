// From gRPC's status back to ours, with what an error carries: the inverse of the server's map.
#ifndef CUSTODY_CLIENT_RPC_STATUS_H_
#define CUSTODY_CLIENT_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <optional>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/v1/service.pb.h"

namespace custody {

// What an error said besides its words.
struct RpcError {
  Status status;
  pb::Verdict verdict;
  pb::BadFields bad_fields;
  std::optional<pb::ChainMoved> moved;
  bool detailed = false;  // said in a message of ours, not by gRPC alone
};

// `FromRpcStatus` reads our own message, as plain lines; details of unknown types are passed over.
RpcError FromRpcStatus(const pb::RpcStatus& rpc);

// `FromGrpc` gives OK for OK, else code, words and details. A failed handshake, which gRPC reports
// as UNAVAILABLE, becomes UNAUTHENTICATED, since trying again will not help; CANCELLED without a
// word of ours, by a server that stops, becomes UNAVAILABLE.
RpcError FromGrpc(const grpc::Status& status);

}  // namespace custody

#endif  // CUSTODY_CLIENT_RPC_STATUS_H_
