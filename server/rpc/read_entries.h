// The stream ReadEntries.
#ifndef CUSTODY_SERVER_RPC_READ_ENTRIES_H_
#define CUSTODY_SERVER_RPC_READ_ENTRIES_H_

#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `StartReadEntries` gives the reactor of one ReadEntries stream; it owns itself.
grpc::ServerWriteReactor<pb::EntryReply>* StartReadEntries(RpcContext& rpc,
                                                           const grpc::ServerContextBase& context,
                                                           const pb::ReadEntriesRequest& request);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_READ_ENTRIES_H_
