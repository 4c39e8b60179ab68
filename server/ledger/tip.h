// The end of the log in memory: all that the next group is built on. Rebuilt from the store
// whenever it may have run ahead of it.
#ifndef CUSTODY_SERVER_LEDGER_TIP_H_
#define CUSTODY_SERVER_LEDGER_TIP_H_

#include <memory>
#include <optional>
#include <string>

#include "crypto/heads_map.h"
#include "crypto/status.h"
#include "custody/time.h"
#include "server/ledger/log_tree.h"
#include "server/store/store.h"

namespace custody {

struct Tip {
  // `Load` reads the end of the log that `store` holds; `store` must outlive the tip.
  static StatusOr<std::unique_ptr<Tip>> Load(const Store& store);
  // `Renew` is called after each commit: what was written is now read from the store.
  void Renew(const Store& store, const StoreVersion& now);

  StoreVersion version;
  std::unique_ptr<const Snapshot> snapshot;  // of `version`
  LogTree tree;
  std::optional<HeadsMap> heads;  // reads its tiles from `snapshot`
  Instant last_received;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_TIP_H_
