// The log's tree in rows: what appending leaves to be written, and what proofs read.
//
// A row of table `nodes` holds up to 16 neighbouring complete nodes of one level, and only every
// fourth level is stored: row r of level 4k has nodes 16r .. 16r+15 of it, one hash after another.
// The three levels between are folded from a row when they are needed (at most 15 hashes).
#ifndef CUSTODY_SERVER_LEDGER_LOG_TREE_H_
#define CUSTODY_SERVER_LEDGER_LOG_TREE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/merkle.h"
#include "crypto/status.h"
#include "server/store/store.h"

namespace custody {

// `StoredNodes` gives the nodes that `snapshot` holds; DATA_LOSS where a row is missing or short.
// It keeps the rows it read, so use one for one proof. `snapshot` must outlive it.
NodeSource StoredNodes(const Snapshot& snapshot);

// `LogTree` is the growing end of the log: it takes leaves, gives the rows to be written, and
// proves the leaves of the present group from memory. Not thread-safe; O(log n) memory between
// groups.
class LogTree {
 public:
  // `Load` reads the right edge of the tree of `size` leaves.
  static StatusOr<LogTree> Load(std::uint64_t size, const Snapshot& snapshot);

  std::uint64_t size() const { return frontier_.size(); }
  Hash root() const { return frontier_.root(); }
  void Append(const Hash& leaf);
  // `PutChangedRows` adds every row changed since the last `Settle` to `batch`.
  void PutChangedRows(Batch& batch) const;
  // `Path` proves leaf `index` of the group in the tree as it is now. REQUIRES: appended since the
  // last `Settle`.
  StatusOr<std::vector<Hash>> Path(std::uint64_t index) const;
  // `Settle` ends the group: its rows are written, only the right edge is kept.
  void Settle();

 private:
  using Position = std::pair<int, std::uint64_t>;

  Frontier frontier_;
  std::map<Position, Hash> nodes_;        // the group's, and the peaks before it
  std::map<Position, std::string> rows_;  // the group's, and the unfinished ones before it
  std::set<Position> changed_;            // keys of rows_
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_LOG_TREE_H_
