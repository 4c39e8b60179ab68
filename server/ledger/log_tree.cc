// Rows of sixteen, every fourth level.
//
// Problem: a node a row costs a row an event and twenty random reads a proof; C2SP tiles of 256
// hashes, rewritten at their growing end by every group, cost 4 KiB a group for each level.
//
// Idea: short rows of every fourth level. A group rewrites half a row (256 bytes) on average at the
// leaves' level, and a row of a higher level only when one below is full, one group in sixteen
// leaves: about 32 bytes a leaf and 300 bytes a group. A proof in ten million entries reads six
// rows. Tiles for the outside are put together from these rows when somebody asks.
//
// A left sibling on the path of a new leaf is either of this group, or was a peak of the tree
// before it: had its parent been complete then, the new leaf could not lie below that parent. So
// the group's nodes and the old peaks prove every new leaf without reading anything.
#include "server/ledger/log_tree.h"

#include <memory>

#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr int kRowHeight = 4;
constexpr std::uint64_t kRowNodes = 1U << kRowHeight;
constexpr std::size_t kHashBytes = 32;

// The node `height` levels above the bottom of a row, whose first node there is `first`.
StatusOr<Hash> FoldRow(std::string_view row, std::uint64_t first, int height) {
  const std::uint64_t count = std::uint64_t{1} << height;
  if (row.size() < (first + count) * kHashBytes) {
    return DataLoss("a row of the log's tree is cut short");
  }
  std::vector<Hash> nodes;
  for (std::uint64_t i = first; i < first + count; ++i) {
    CUSTODY_ASSIGN_OR_RETURN(nodes.emplace_back(),
                             Hash::FromBytes(row.substr(i * kHashBytes, kHashBytes)));
  }
  for (; nodes.size() > 1; nodes.resize(nodes.size() / 2)) {
    for (std::size_t i = 0; i < nodes.size() / 2; ++i) {
      nodes[i] = NodeHash(nodes[2 * i], nodes[2 * i + 1]);
    }
  }
  return nodes.front();
}

}  // namespace

NodeSource StoredNodes(const Snapshot& snapshot) {
  auto rows = std::make_shared<std::map<std::string, std::string>>();
  return [&snapshot, rows](int level, std::uint64_t index) -> StatusOr<Hash> {
    const int height = level % kRowHeight;
    const std::uint64_t first = index << height;  // at the row's bottom
    const std::string key = NodeRow(level - height, first / kRowNodes);
    auto row = rows->find(key);
    if (row == rows->end()) {
      CUSTODY_ASSIGN_OR_RETURN(std::string bytes,
                               GetPromised(snapshot, Table::kNodes, key,
                                           "node " + std::to_string(index) + " of level " +
                                               std::to_string(level) + " of the log's tree"));
      row = rows->emplace(key, std::move(bytes)).first;
    }
    return FoldRow(row->second, first % kRowNodes, height);
  };
}

StatusOr<LogTree> LogTree::Load(std::uint64_t size, const Snapshot& snapshot) {
  LogTree tree;
  const NodeSource stored = StoredNodes(snapshot);
  const NodeSource remember = [&](int level, std::uint64_t index) -> StatusOr<Hash> {
    CUSTODY_ASSIGN_OR_RETURN(const Hash node, stored(level, index));
    tree.nodes_[{level, index}] = node;
    return node;
  };
  CUSTODY_ASSIGN_OR_RETURN(tree.frontier_, Frontier::Load(size, remember));
  for (int level = 0; level < 64 && size >> level != 0; level += kRowHeight) {
    const std::uint64_t nodes = size >> level;
    const std::uint64_t rest = nodes % kRowNodes;
    if (rest == 0) continue;
    CUSTODY_ASSIGN_OR_RETURN(std::string row,
                             GetPromised(snapshot, Table::kNodes, NodeRow(level, nodes / kRowNodes),
                                         "the last row of the log's tree"));
    // A longer row would be of a longer log; what is beyond `size` was never released.
    if (row.size() < rest * kHashBytes) return DataLoss("the last row of the log's tree is short");
    row.resize(rest * kHashBytes);
    tree.rows_[{level, nodes / kRowNodes}] = std::move(row);
  }
  return tree;
}

void LogTree::Append(const Hash& leaf) {
  frontier_.Append(leaf, [this](int level, std::uint64_t index, const Hash& node) {
    nodes_[{level, index}] = node;
    if (level % kRowHeight != 0) return;
    const Position position{level, index / kRowNodes};
    rows_[position].append(node.view());
    changed_.insert(position);
  });
}

void LogTree::PutChangedRows(Batch& batch) const {
  for (const Position& position : changed_) {
    batch.Put(Table::kNodes, NodeRow(position.first, position.second), rows_.at(position));
  }
}

StatusOr<std::vector<Hash>> LogTree::Path(std::uint64_t index) const {
  return InclusionPath(index, size(), [this](int level, std::uint64_t at) -> StatusOr<Hash> {
    const auto node = nodes_.find({level, at});
    if (node == nodes_.end()) return Internal("the leaf is not of this group");
    return node->second;
  });
}

void LogTree::Settle() {
  std::map<Position, Hash> peaks;
  std::uint64_t begin = 0;
  for (int level = 63; level >= 0; --level) {
    if ((size() >> level & 1) == 0) continue;
    const Position position{level, begin >> level};
    peaks[position] = nodes_.at(position);
    begin += std::uint64_t{1} << level;
  }
  nodes_ = std::move(peaks);
  changed_.clear();
  std::erase_if(rows_, [](const auto& row) { return row.second.size() == kRowNodes * kHashBytes; });
}

}  // namespace custody
