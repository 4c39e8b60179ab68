// Answers that come in pages, asked for one after the other.
#ifndef CUSTODY_CLIENT_PAGES_H_
#define CUSTODY_CLIENT_PAGES_H_

#include <string>
#include <utility>
#include <vector>

#include "crypto/status.h"

namespace custody {

// `AllPages` asks by `call` (a Request, gives StatusOr<Reply>) until there is no next page, and
// adds every page to `pages`. A server that was started anew meanwhile is asked from the beginning.
// DATA_LOSS for one whose pages go backwards, which would be asked for ever. FAILED_PRECONDITION
// after the last page: that was not all (`ListedThoughNotAll`).
template <typename Request, typename Call, typename Reply>
Status AllPages(Request request, const Call& call, std::vector<Reply>& pages) {
  constexpr int kMostBeginnings = 5;
  int begun = 1;
  while (true) {
    StatusOr<Reply> page = call(request);
    const bool anew = page.status().code() == StatusCode::kAborted && !request.after().empty();
    if (anew && begun < kMostBeginnings) {
      ++begun;
      pages.clear();
      request.clear_after();
      continue;
    }
    CUSTODY_RETURN_IF_ERROR(page.status());
    pages.push_back(*std::move(page));
    const std::string& next = pages.back().next();
    if (next.empty()) return Status();
    if (next <= request.after()) return DataLoss("the server's pages go backwards");
    request.set_after(next);
  }
}

// `ListedThoughNotAll` says whether a list that ended so is shown all the same, and why it is not
// whole after it.
inline bool ListedThoughNotAll(const Status& end, bool empty) {
  return end.code() == StatusCode::kFailedPrecondition && !empty;
}

}  // namespace custody

#endif  // CUSTODY_CLIENT_PAGES_H_
