#include "server/ledger/log_tree.h"

#include <gtest/gtest.h>

#include "tests/support/memory_store.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

Hash Leaf(std::uint64_t i) { return LeafHash("entry " + std::to_string(i)); }

// Commits groups of the sizes given, reloading the tree from its rows after every `reload`-th.
class LogTreeTest : public ::testing::TestWithParam<int> {
 protected:
  LogTreeTest() : store_(std::move(MemoryStore::Open(std::make_shared<MemoryDisk>())).value()) {}

  std::unique_ptr<Store> store_;
};

TEST_P(LogTreeTest, RowsGiveTheTreeOfTheDefinitionAtEverySize) {
  LogTree tree;
  Frontier naive;
  std::vector<Hash> roots = {naive.root()};
  std::uint64_t next = 0;
  for (int group = 0; next < 600; ++group) {
    const std::uint64_t start = next;
    for (int i = 0; i < 1 + (group * GetParam()) % 23; ++i, ++next) {
      tree.Append(Leaf(next));
      naive.Append(Leaf(next), nullptr);
      roots.push_back(naive.root());
    }
    ASSERT_EQ(tree.root(), naive.root());
    for (std::uint64_t i = start; i < next; ++i) {
      CUSTODY_ASSERT_OK_AND_ASSIGN(const std::vector<Hash> path, tree.Path(i));
      CUSTODY_ASSERT_OK(VerifyInclusion(Leaf(i), i, next, path, naive.root()));
    }
    Batch batch;
    tree.PutChangedRows(batch);
    ASSERT_EQ(store_->Commit(batch, store_->GetSnapshot()->version(), next).outcome,
              CommitOutcome::kCommitted);
    tree.Settle();
    if (group % 3 == 0) {
      const auto snapshot = store_->GetSnapshot();
      CUSTODY_ASSERT_OK_AND_ASSIGN(tree, LogTree::Load(next, *snapshot));
      ASSERT_EQ(tree.root(), naive.root());
    }
  }
  const auto snapshot = store_->GetSnapshot();
  for (std::uint64_t size = 1; size <= next; ++size) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash root, RootAt(size, StoredNodes(*snapshot)));
    ASSERT_EQ(root, roots[size]) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(GroupSizes, LogTreeTest, ::testing::Values(0, 1, 5, 22));

TEST(StoredNodesTest, AMissingOrShortRowIsDataLoss) {
  const auto store = std::move(MemoryStore::Open(std::make_shared<MemoryDisk>())).value();
  EXPECT_THAT(RootAt(1, StoredNodes(*store->GetSnapshot())), StatusIs(StatusCode::kDataLoss));
  LogTree tree;
  tree.Append(Leaf(0));
  Batch batch;
  tree.PutChangedRows(batch);
  ASSERT_EQ(store->Commit(batch, {}, 1).outcome, CommitOutcome::kCommitted);
  CUSTODY_EXPECT_OK(RootAt(1, StoredNodes(*store->GetSnapshot())));
  EXPECT_THAT(RootAt(2, StoredNodes(*store->GetSnapshot())), StatusIs(StatusCode::kDataLoss));
}

}  // namespace
}  // namespace custody
