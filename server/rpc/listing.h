// One page of the therapies that a caller may see, out of many that it may not.
//
// What a page costs is bounded by the therapies that are looked at, shown or not: else a caller
// that may see nothing would have the whole ledger folded for it. So a page may end between two
// therapies that the caller may not see. Where it goes on is sealed with a key of this run of the
// server, and as long as any other: nobody reads off it which others there are, or how many.
#ifndef CUSTODY_SERVER_RPC_LISTING_H_
#define CUSTODY_SERVER_RPC_LISTING_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

struct Listing {
  std::string_view what;  // for the server's log, and the seal: "worklist"
  std::string after;      // as the request says
  std::uint32_t limit = 0;
  std::optional<Instant> as_of = std::nullopt;  // every therapy is folded anew
  // The first ids greater than `after`, in order; none at the end.
  std::function<StatusOr<std::vector<std::string>>(const std::string& after)> ids;
  // Adds one therapy to the answer and gives its bytes.
  std::function<StatusOr<std::size_t>(const std::string& id, pb::GetTherapyReply& whole)> take;
};

// `ListPage` gives what is to be asked for as `after` for the next page; empty: that was all. A
// therapy that cannot be read is passed over, and what the index lacks is known; that is said by
// FAILED_PRECONDITION in place of the last page, which would show nothing, so that whatever can be
// listed is listed first. CANCELLED when the caller left; ABORTED for an `after` of before the
// server was started anew; INVALID_ARGUMENT for one that no page of this list gave to this station.
StatusOr<std::string> ListPage(RpcContext& rpc, const Permit& permit, const Listing& listing,
                               const std::function<bool()>& cancelled);

// `NotWhole` is that error. `unread`: therapies could not be read; `lacks` as Ledger::IndexLacks.
Status NotWhole(bool unread, std::string_view lacks);

// `AfterIn` gives of `ids`, which are in order, those greater than `after`, a hundred at most.
std::vector<std::string> AfterIn(const std::vector<std::string>& ids, const std::string& after);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_LISTING_H_
