// The log's stored nodes in memory, as the ledger's store would keep them.
#ifndef CUSTODY_TESTS_SUPPORT_NODE_TABLE_H_
#define CUSTODY_TESTS_SUPPORT_NODE_TABLE_H_

#include <cstdint>
#include <map>
#include <utility>

#include "crypto/merkle.h"

namespace custody {

// `NodeTable` is a tree that keeps every complete node.
class NodeTable {
 public:
  void Append(const Hash& leaf) {
    frontier_.Append(leaf, [this](int level, std::uint64_t index, const Hash& node) {
      nodes_[{level, index}] = node;
    });
  }
  // Sees the nodes as if leaf `offset` were the first. `this` must outlive it.
  NodeSource source(std::uint64_t offset = 0) const {
    return [this, offset](int level, std::uint64_t index) -> StatusOr<Hash> {
      const auto found = nodes_.find({level, index + (offset >> level)});
      if (found == nodes_.end()) return DataLoss("no such node");
      return found->second;
    };
  }
  const Frontier& frontier() const { return frontier_; }

 private:
  Frontier frontier_;
  std::map<std::pair<int, std::uint64_t>, Hash> nodes_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_NODE_TABLE_H_
