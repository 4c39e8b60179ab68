// What of the alerts, and of who was told of them, a caller may read.
#ifndef CUSTODY_SERVER_RPC_ALERT_VIEW_H_
#define CUSTODY_SERVER_RPC_ALERT_VIEW_H_

#include <functional>

#include "crypto/status.h"
#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// `AlertsInView` answers ListAlerts; each therapy that is told of is noted as read. A station gets
// what concerns its house of therapies that it may see, with its house's own hand-outs and
// acknowledgements; oversight all of it. The local administration sees that people are told, and
// nothing of patients: an id without its rule, how severe, which sites, since when, handed to whom,
// acknowledged or not. As much, of its own house, a station gets of a therapy that cannot be
// read. CANCELLED when the caller left. REQUIRES: rpc.alerting().
StatusOr<pb::ListAlertsReply> AlertsInView(RpcContext& rpc, const Permit& permit,
                                           const pb::ListAlertsRequest& request,
                                           const std::function<bool()>& cancelled);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_ALERT_VIEW_H_
