// What is due, of all therapies that a caller may see.
#ifndef CUSTODY_SERVER_RPC_WORKLIST_H_
#define CUSTODY_SERVER_RPC_WORKLIST_H_

#include <functional>

#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `Worklist` answers with one page, as the request says; therapies of which something is shown are
// noted in the access log. A past `as_of` folds every therapy anew and takes its time.
Status Worklist(RpcContext& rpc, const Permit& permit, const pb::WorklistRequest& request,
                const std::function<bool()>& cancelled, pb::WorklistReply* reply);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_WORKLIST_H_
