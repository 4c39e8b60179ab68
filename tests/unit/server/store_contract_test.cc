// What every store promises, held against the real one and against the reference in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/store/store.h"
#include "tests/support/memory_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::ElementsAre;

// Opens, closes and reopens one store; the last of it is the kind's own.
class RocksKind {
 public:
  StatusOr<std::unique_ptr<Store>> Open(bool create) {
    return OpenRocksStore({.folder = folder_ / "db", .create = create});
  }

 private:
  TempDir folder_;
};
class MemoryKind {
 public:
  StatusOr<std::unique_ptr<Store>> Open(bool /*create*/) { return MemoryStore::Open(disk_); }

 private:
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
};

template <class Kind>
class StoreContractTest : public ::testing::Test {
 protected:
  void SetUp() override { CUSTODY_ASSERT_OK_AND_ASSIGN(store_, kind_.Open(true)); }
  void Reopen() {
    store_.reset();
    CUSTODY_ASSERT_OK_AND_ASSIGN(store_, kind_.Open(false));
  }
  StoreVersion Version() { return store_->GetSnapshot()->version(); }
  CommitResult Put(Table table, std::string_view key, std::string_view value) {
    Batch batch;
    batch.Put(table, key, value);
    return store_->Commit(batch, Version(), Version().log_size + 1);
  }
  std::vector<std::string> Keys(Table table, std::string_view from, bool backwards = false,
                                std::size_t most = 100) {
    std::vector<std::string> keys;
    const auto visit = [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return keys.size() < most;
    };
    const auto snapshot = store_->GetSnapshot();
    CUSTODY_EXPECT_OK(backwards ? snapshot->ScanBackwards(table, from, visit)
                                : snapshot->Scan(table, from, visit));
    return keys;
  }

  Kind kind_;
  std::unique_ptr<Store> store_;
};

using Kinds = ::testing::Types<RocksKind, MemoryKind>;
TYPED_TEST_SUITE(StoreContractTest, Kinds);

TYPED_TEST(StoreContractTest, BeginsEmptyAtVersionZero) {
  EXPECT_EQ(this->Version(), (StoreVersion{0, 0}));
  EXPECT_THAT(this->store_->GetSnapshot()->Get(Table::kEntries, "a"),
              StatusIs(StatusCode::kNotFound));
}

TYPED_TEST(StoreContractTest, CommitIsThereAfterReopening) {
  const CommitResult result = this->Put(Table::kEntries, "key", "value");
  EXPECT_EQ(result.outcome, CommitOutcome::kCommitted);
  CUSTODY_EXPECT_OK(result.status);
  EXPECT_EQ(result.version, (StoreVersion{1, 1}));
  this->Reopen();
  EXPECT_EQ(this->Version(), (StoreVersion{1, 1}));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string value,
                               this->store_->GetSnapshot()->Get(Table::kEntries, "key"));
  EXPECT_EQ(value, "value");
}

TYPED_TEST(StoreContractTest, CommitOnAnotherVersionWritesNothing) {
  ASSERT_EQ(this->Put(Table::kMeta, "a", "1").outcome, CommitOutcome::kCommitted);
  Batch batch;
  batch.Put(Table::kMeta, "a", "2");
  for (const StoreVersion& stale : {StoreVersion{0, 0}, StoreVersion{1, 0}, StoreVersion{0, 1},
                                    StoreVersion{1, 2}, StoreVersion{2, 1}}) {
    const CommitResult result = this->store_->Commit(batch, stale, 2);
    EXPECT_EQ(result.outcome, CommitOutcome::kAborted);
    EXPECT_THAT(result.status, StatusIs(StatusCode::kAborted));
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string value,
                               this->store_->GetSnapshot()->Get(Table::kMeta, "a"));
  EXPECT_EQ(value, "1");
  EXPECT_EQ(this->Version(), (StoreVersion{1, 1}));
}

TYPED_TEST(StoreContractTest, BatchOverManyTablesIsOneVersion) {
  Batch batch;
  for (int i = 0; i < kTableCount; ++i) {
    batch.Put(static_cast<Table>(i), "same key", std::to_string(i));
  }
  EXPECT_FALSE(batch.empty());
  ASSERT_EQ(this->store_->Commit(batch, {0, 0}, 7).outcome, CommitOutcome::kCommitted);
  const auto snapshot = this->store_->GetSnapshot();
  EXPECT_EQ(snapshot->version(), (StoreVersion{7, 1}));
  for (int i = 0; i < kTableCount; ++i) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string value,
                                 snapshot->Get(static_cast<Table>(i), "same key"));
    EXPECT_EQ(value, std::to_string(i));
  }
}

TYPED_TEST(StoreContractTest, LaterWritesOfOneBatchWin) {
  Batch batch;
  batch.Put(Table::kMeta, "a", "1");
  batch.Delete(Table::kMeta, "a");
  batch.Put(Table::kMeta, "b", "1");
  batch.Put(Table::kMeta, "b", "2");
  ASSERT_EQ(this->store_->Commit(batch, {0, 0}, 0).outcome, CommitOutcome::kCommitted);
  const auto snapshot = this->store_->GetSnapshot();
  EXPECT_THAT(snapshot->Get(Table::kMeta, "a"), StatusIs(StatusCode::kNotFound));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string value, snapshot->Get(Table::kMeta, "b"));
  EXPECT_EQ(value, "2");
}

TYPED_TEST(StoreContractTest, SnapshotSeesNothingOfLaterCommits) {
  ASSERT_EQ(this->Put(Table::kMeta, "a", "1").outcome, CommitOutcome::kCommitted);
  {
    const auto before = this->store_->GetSnapshot();
    ASSERT_EQ(this->Put(Table::kMeta, "a", "2").outcome, CommitOutcome::kCommitted);
    ASSERT_EQ(this->Put(Table::kMeta, "b", "2").outcome, CommitOutcome::kCommitted);
    EXPECT_EQ(before->version(), (StoreVersion{1, 1}));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string value, before->Get(Table::kMeta, "a"));
    EXPECT_EQ(value, "1");
    EXPECT_THAT(before->Get(Table::kMeta, "b"), StatusIs(StatusCode::kNotFound));
  }
  EXPECT_EQ(this->Version(), (StoreVersion{3, 3}));
}

TYPED_TEST(StoreContractTest, ScansInByteOrderBothWays) {
  const std::string high("\xff\x00", 2);
  Batch batch;
  for (const std::string& key : {std::string("b"), std::string("a"), high, std::string("ab")}) {
    batch.Put(Table::kChains, key, "");
  }
  batch.Put(Table::kEvents, "aa", "of the next table");
  ASSERT_EQ(this->store_->Commit(batch, {0, 0}, 0).outcome, CommitOutcome::kCommitted);
  EXPECT_THAT(this->Keys(Table::kChains, ""), ElementsAre("a", "ab", "b", high));
  EXPECT_THAT(this->Keys(Table::kChains, "aa"), ElementsAre("ab", "b", high));
  EXPECT_THAT(this->Keys(Table::kChains, "", false, 2), ElementsAre("a", "ab"));
  EXPECT_THAT(this->Keys(Table::kChains, "b", true), ElementsAre("b", "ab", "a"));
  EXPECT_THAT(this->Keys(Table::kChains, "aa", true), ElementsAre("a"));
  EXPECT_THAT(this->Keys(Table::kChains, "", true), ElementsAre());
  EXPECT_THAT(this->Keys(Table::kEntries, "", true), ElementsAre());
}

TYPED_TEST(StoreContractTest, OnlyDiscardableRowsAreWrittenUnsynced) {
  Batch folds;
  folds.Put(Table::kFolds, "a", "1");
  folds.Put(Table::kReads, "b", "2");
  CUSTODY_EXPECT_OK(this->store_->WriteUnsynced(folds));
  EXPECT_EQ(this->Version(), (StoreVersion{0, 0}));
  EXPECT_THAT(this->Keys(Table::kFolds, ""), ElementsAre("a"));
  Batch entries;
  entries.Put(Table::kEntries, "a", "1");
  EXPECT_THAT(this->store_->WriteUnsynced(entries), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(this->Keys(Table::kEntries, ""), ElementsAre());
}

}  // namespace
}  // namespace custody
