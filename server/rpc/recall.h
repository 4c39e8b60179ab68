// Recall both ways, and what lies in a storage unit, in the caller's view.
#ifndef CUSTODY_SERVER_RPC_RECALL_H_
#define CUSTODY_SERVER_RPC_RECALL_H_

#include <functional>

#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `Trace` answers with the therapies that name what is asked for, of those that the caller may see,
// by events that it may read; every one is noted in the access log before the answer leaves. A
// therapy in which only unreadable events name it is left out. INVALID_ARGUMENT for no value.
Status Trace(RpcContext& rpc, const Permit& permit, const pb::TraceRequest& request,
             const std::function<bool()>& cancelled, pb::TraceReply* reply);

// `Inventory` answers with the containers that lay in a unit, of therapies that the caller may see.
Status Inventory(RpcContext& rpc, const Permit& permit, const pb::InventoryRequest& request,
                 const std::function<bool()>& cancelled, pb::InventoryReply* reply);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_RECALL_H_
