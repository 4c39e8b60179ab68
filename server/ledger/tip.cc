#include "server/ledger/tip.h"

#include "server/ledger/rows.h"

namespace custody {

StatusOr<std::unique_ptr<Tip>> Tip::Load(const Store& store) {
  auto tip = std::make_unique<Tip>();
  tip->snapshot = store.GetSnapshot();
  tip->version = tip->snapshot->version();
  const std::uint64_t size = tip->version.log_size;
  CUSTODY_ASSIGN_OR_RETURN(tip->tree, LogTree::Load(size, *tip->snapshot));
  CUSTODY_ASSIGN_OR_RETURN(tip->heads, HeadsMap::Open([at = tip.get()](std::string_view path) {
                             return HeadsTile(*at->snapshot, path, at->version.log_size);
                           }));
  if (size > 0) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry last, ReadEntry(*tip->snapshot, size - 1));
    tip->last_received = FromProto(last.received_at());
  }
  return tip;
}

void Tip::Renew(const Store& store, const StoreVersion& now) {
  version = now;
  snapshot.reset();  // first: RocksDB keeps what old snapshots see
  snapshot = store.GetSnapshot();
}

}  // namespace custody
