// What the vectors do not ask of the log's tree.
#include "crypto/merkle.h"

#include <limits>
#include <utility>

#include "tests/support/node_table.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

Hash Leaf(std::uint64_t i) { return LeafHash(U64(i)); }

NodeTable TreeOf(std::uint64_t size) {
  NodeTable table;
  for (std::uint64_t i = 0; i < size; ++i) table.Append(Leaf(i));
  return table;
}

TEST(FrontierTest, TellsOfEveryCompletedNodeOnceTheLeafFirst) {
  Frontier frontier;
  std::vector<std::pair<int, std::uint64_t>> told;
  for (std::uint64_t i = 0; i < 4; ++i) {
    frontier.Append(Leaf(i), [&told](int level, std::uint64_t index, const Hash&) {
      told.emplace_back(level, index);
    });
  }
  const std::vector<std::pair<int, std::uint64_t>> expected = {{0, 0}, {0, 1}, {1, 0}, {0, 2},
                                                               {0, 3}, {1, 1}, {2, 0}};
  EXPECT_EQ(told, expected);
  frontier.Append(Leaf(4), nullptr);
  EXPECT_EQ(frontier.root(), TreeOf(5).frontier().root());
}

TEST(FrontierTest, LoadsFromStoredNodesAndGrowsOn) {
  for (std::uint64_t size = 0; size < 40; ++size) {
    NodeTable table = TreeOf(size);
    CUSTODY_ASSERT_OK_AND_ASSIGN(Frontier frontier, Frontier::Load(size, table.source()));
    EXPECT_EQ(frontier.size(), size);
    EXPECT_EQ(frontier.root(), table.frontier().root());
    frontier.Append(Leaf(size), nullptr);
    table.Append(Leaf(size));
    EXPECT_EQ(frontier.root(), table.frontier().root());
  }
}

TEST(MerkleTest, TheSourcesErrorsArePassedOn) {
  const NodeSource broken = [](int, std::uint64_t) -> StatusOr<Hash> { return DataLoss("gone"); };
  EXPECT_THAT(Frontier::Load(3, broken), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(InclusionPath(0, 2, broken), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(InclusionPath(1, 2, broken), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(ConsistencyPath(1, 2, broken), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(RootAt(3, broken), StatusIs(StatusCode::kDataLoss));
  EXPECT_EQ(RootAt(0, broken).value(), EmptyTreeRoot());
}

TEST(MerkleTest, ProofsOfWhatIsNotThereAreOutOfRange) {
  const NodeTable table = TreeOf(5);
  EXPECT_THAT(InclusionPath(5, 5, table.source()), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(InclusionPath(0, 0, table.source()), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(ConsistencyPath(0, 5, table.source()), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(ConsistencyPath(6, 5, table.source()), StatusIs(StatusCode::kOutOfRange));
}

TEST(MerkleTest, AProofHoldsForNoOtherPlaceSizeOrLeaf) {
  const NodeTable table = TreeOf(13);
  const Hash root = table.frontier().root();
  for (std::uint64_t i = 0; i < 13; ++i) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto path, InclusionPath(i, 13, table.source()));
    for (std::uint64_t j = 0; j < 16; ++j) {
      EXPECT_EQ(VerifyInclusion(Leaf(i), j, 13, path, root).ok(), i == j) << i << " " << j;
    }
    EXPECT_FALSE(VerifyInclusion(Leaf(i + 1), i, 13, path, root).ok());
    auto longer = path;
    longer.push_back(Leaf(0));
    EXPECT_THAT(VerifyInclusion(Leaf(i), i, 13, longer, root),
                StatusIs(StatusCode::kInvalidArgument, "too long"));
    const std::span<const Hash> shorter(path.data(), path.size() - 1);
    EXPECT_THAT(VerifyInclusion(Leaf(i), i, 13, shorter, root),
                StatusIs(StatusCode::kInvalidArgument, "too short"));
  }
}

TEST(MerkleTest, ConsistencyHoldsForNoOtherSizesOrRoots) {
  const NodeTable table = TreeOf(13);
  const auto root = [&table](std::uint64_t n) { return RootAt(n, table.source()).value(); };
  for (std::uint64_t m = 1; m < 13; ++m) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(auto path, ConsistencyPath(m, 13, table.source()));
    CUSTODY_EXPECT_OK(VerifyConsistency(m, root(m), 13, root(13), path));
    EXPECT_FALSE(VerifyConsistency(m, root(m + 1), 13, root(13), path).ok());
    EXPECT_FALSE(VerifyConsistency(m, root(m), 13, root(12), path).ok());
    EXPECT_FALSE(VerifyConsistency(13, root(13), m, root(m), path).ok());
    path.push_back(Leaf(0));
    EXPECT_FALSE(VerifyConsistency(m, root(m), 13, root(13), path).ok());
    EXPECT_FALSE(VerifyConsistency(m, root(m), 13, root(13), {}).ok());
  }
  CUSTODY_EXPECT_OK(VerifyConsistency(0, EmptyTreeRoot(), 13, root(13), {}));
  EXPECT_FALSE(VerifyConsistency(0, root(13), 13, root(13), {}).ok());
  CUSTODY_EXPECT_OK(VerifyConsistency(0, EmptyTreeRoot(), 0, EmptyTreeRoot(), {}));
  EXPECT_FALSE(VerifyConsistency(0, EmptyTreeRoot(), 0, root(1), {}).ok());
  CUSTODY_EXPECT_OK(VerifyConsistency(13, root(13), 13, root(13), {}));
  EXPECT_FALSE(VerifyConsistency(13, root(13), 13, root(13), {{Leaf(0)}}).ok());
}

TEST(MerkleTest, TheLargestSizesAreJudged) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const std::vector<Hash> path(64, Leaf(0));
  EXPECT_FALSE(VerifyInclusion(Leaf(0), kMax - 1, kMax, path, Leaf(1)).ok());
  EXPECT_FALSE(VerifyInclusion(Leaf(0), kMax, kMax, path, Leaf(1)).ok());
  EXPECT_FALSE(VerifyConsistency(kMax - 1, Leaf(0), kMax, Leaf(1), path).ok());
  EXPECT_FALSE(VerifyConsistency(std::uint64_t{1} << 63, Leaf(0), kMax, Leaf(1), path).ok());
}

}  // namespace
}  // namespace custody
