// Answers that come in pages, asked for one after the other.
#ifndef CUSTODY_CLIENT_PAGES_H_
#define CUSTODY_CLIENT_PAGES_H_

#include "crypto/status.h"

namespace custody {

// `EachPage` asks by `call` (a Request, gives StatusOr<Reply>) and hands every page to `take`,
// which may move out of it, until there is no next one. DATA_LOSS for a server whose pages go
// backwards, which would be asked for ever. FAILED_PRECONDITION after the last page: that was not
// all (`ListedThoughNotAll`).
template <typename Request, typename Call, typename Take>
Status EachPage(Request request, const Call& call, const Take& take) {
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(auto page, call(request));
    take(page);
    if (page.next().empty()) return Status();
    if (page.next() <= request.after()) return DataLoss("the server's pages go backwards");
    request.set_after(page.next());
  }
}

// `ListedThoughNotAll` says whether a list that ended so is shown all the same, and why it is not
// whole after it.
inline bool ListedThoughNotAll(const Status& end, bool empty) {
  return end.code() == StatusCode::kFailedPrecondition && !empty;
}

}  // namespace custody

#endif  // CUSTODY_CLIENT_PAGES_H_
