// The stream WatchTherapies.
#ifndef CUSTODY_SERVER_RPC_WATCH_H_
#define CUSTODY_SERVER_RPC_WATCH_H_

#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `StartWatch` gives the reactor of one WatchTherapies stream; it owns itself.
grpc::ServerWriteReactor<pb::WatchTherapiesReply>* StartWatch(
    RpcContext& rpc, const grpc::ServerContextBase& context,
    const pb::WatchTherapiesRequest& request);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_WATCH_H_
