// Answers that come in pages, asked for one after the other.
#ifndef CUSTODY_CLIENT_PAGES_H_
#define CUSTODY_CLIENT_PAGES_H_

#include "crypto/status.h"

namespace custody {

// `EachPage` asks by `call` (a Request, gives StatusOr<Reply>) and hands every page to `take`,
// which may move out of it, until there is no next one. DATA_LOSS for a server whose pages go
// backwards, which would be asked for ever.
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

}  // namespace custody

#endif  // CUSTODY_CLIENT_PAGES_H_
