// The log's tree against the definitions of RFC 6962 2.1 written down naively: recursive, over all
// of the leaves, with no stored node.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <span>
#include <vector>

#include "crypto/merkle.h"
#include "tests/support/node_table.h"

namespace custody {
namespace {

using Leaves = std::span<const Hash>;

std::size_t Split(std::size_t n) { return std::bit_floor(n - 1); }

Hash NaiveRoot(Leaves d) {
  if (d.empty()) return EmptyTreeRoot();
  if (d.size() == 1) return d[0];
  const std::size_t k = Split(d.size());
  return NodeHash(NaiveRoot(d.first(k)), NaiveRoot(d.subspan(k)));
}

std::vector<Hash> NaivePath(std::size_t m, Leaves d) {
  if (d.size() <= 1) return {};
  const std::size_t k = Split(d.size());
  std::vector<Hash> path = m < k ? NaivePath(m, d.first(k)) : NaivePath(m - k, d.subspan(k));
  path.push_back(NaiveRoot(m < k ? d.subspan(k) : d.first(k)));
  return path;
}

std::vector<Hash> NaiveSubproof(std::size_t m, Leaves d, bool whole) {
  if (m == d.size()) return whole ? std::vector<Hash>{} : std::vector<Hash>{NaiveRoot(d)};
  const std::size_t k = Split(d.size());
  std::vector<Hash> path =
      m <= k ? NaiveSubproof(m, d.first(k), whole) : NaiveSubproof(m - k, d.subspan(k), false);
  path.push_back(NaiveRoot(m <= k ? d.subspan(k) : d.first(k)));
  return path;
}

struct Tree {
  std::vector<Hash> leaves;
  NodeTable table;
};

Tree AnyTree(std::size_t smallest) {
  Tree tree;
  const auto size = *rc::gen::inRange<std::size_t>(smallest, 300);
  const auto salt = *rc::gen::arbitrary<std::uint64_t>();
  for (std::size_t i = 0; i < size; ++i) {
    tree.leaves.push_back(LeafHash(U64(salt) + U64(i)));
    tree.table.Append(tree.leaves.back());
  }
  return tree;
}

// One hash of `path` changed by one bit.
std::vector<Hash> Damaged(std::vector<Hash> path) {
  const auto at = *rc::gen::inRange<std::size_t>(0, path.size());
  path[at].bytes[*rc::gen::inRange<std::size_t>(0, 32)] ^= 1;
  return path;
}

RC_GTEST_PROP(MerkleProperty, RootsAreThoseOfTheDefinition, ()) {
  const Tree tree = AnyTree(0);
  RC_ASSERT(tree.table.frontier().root() == NaiveRoot(tree.leaves));
  const auto size = *rc::gen::inRange<std::size_t>(0, tree.leaves.size() + 1);
  const Hash root = NaiveRoot(Leaves(tree.leaves).first(size));
  RC_ASSERT(RootAt(size, tree.table.source()).value() == root);
  RC_ASSERT(Frontier::Load(size, tree.table.source())->root() == root);
}

RC_GTEST_PROP(MerkleProperty, InclusionIsThatOfTheDefinition, ()) {
  const Tree tree = AnyTree(1);
  const auto size = *rc::gen::inRange<std::size_t>(1, tree.leaves.size() + 1);
  const auto index = *rc::gen::inRange<std::size_t>(0, size);
  const Leaves leaves = Leaves(tree.leaves).first(size);
  const std::vector<Hash> path = InclusionPath(index, size, tree.table.source()).value();
  RC_ASSERT(path == NaivePath(index, leaves));
  const Hash root = NaiveRoot(leaves);
  RC_ASSERT(VerifyInclusion(leaves[index], index, size, path, root).ok());
  RC_ASSERT(!VerifyInclusion(LeafHash("other"), index, size, path, root).ok());
  if (!path.empty()) {
    RC_ASSERT(!VerifyInclusion(leaves[index], index, size, Damaged(path), root).ok());
  }
  const auto other = *rc::gen::inRange<std::size_t>(0, size);
  RC_ASSERT(VerifyInclusion(leaves[index], other, size, path, root).ok() == (other == index));
}

RC_GTEST_PROP(MerkleProperty, ConsistencyIsThatOfTheDefinition, ()) {
  const Tree tree = AnyTree(1);
  const auto size = *rc::gen::inRange<std::size_t>(1, tree.leaves.size() + 1);
  const auto old_size = *rc::gen::inRange<std::size_t>(1, size + 1);
  const Leaves leaves = Leaves(tree.leaves).first(size);
  const std::vector<Hash> path = ConsistencyPath(old_size, size, tree.table.source()).value();
  RC_ASSERT(path == NaiveSubproof(old_size, leaves, true));
  const Hash root = NaiveRoot(leaves);
  const Hash old_root = NaiveRoot(leaves.first(old_size));
  RC_ASSERT(VerifyConsistency(old_size, old_root, size, root, path).ok());
  RC_ASSERT(!VerifyConsistency(old_size, LeafHash("other"), size, root, path).ok());
  RC_ASSERT(!VerifyConsistency(old_size, old_root, size, LeafHash("other"), path).ok());
  if (!path.empty()) {
    RC_ASSERT(!VerifyConsistency(old_size, old_root, size, root, Damaged(path)).ok());
  }
}

}  // namespace
}  // namespace custody
