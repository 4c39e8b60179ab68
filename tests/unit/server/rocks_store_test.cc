// What the RocksDB store does when the disk, another process or another program interferes.
#include "server/store/rocks_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/store/rocks_options.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

namespace fs = std::filesystem;

class RocksStoreTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<Store>> Open(bool create = false, bool read_only = false) {
    return OpenRocksStoreOn({.folder = db_, .create = create, .read_only = read_only}, disk_);
  }
  static CommitResult Put(Store& store, std::string_view key, std::string_view value) {
    Batch batch;
    batch.Put(Table::kEntries, key, value);
    const StoreVersion now = store.GetSnapshot()->version();
    return store.Commit(batch, now, now.log_size + 1);
  }
  static bool Has(const Store& store, std::string_view key) {
    return store.GetSnapshot()->Get(Table::kEntries, key).ok();
  }

  TempDir folder_;
  const fs::path db_ = folder_ / "db";
  std::shared_ptr<FaultPlan> plan_ = std::make_shared<FaultPlan>();
  std::shared_ptr<FaultFileSystem> disk_ = std::make_shared<FaultFileSystem>(plan_);
};

TEST_F(RocksStoreTest, OpensOnlyWhatIsThereAndCreatesOnlyWhatIsNot) {
  EXPECT_THAT(Open(), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Open(false, true), StatusIs(StatusCode::kNotFound));
  CUSTODY_EXPECT_OK(Open(true));
  EXPECT_THAT(Open(true), StatusIs(StatusCode::kAlreadyExists));
  CUSTODY_EXPECT_OK(Open());
}

TEST_F(RocksStoreTest, SecondOpenerInThisProcessIsToldWhy) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
  EXPECT_THAT(Open(), StatusIs(StatusCode::kUnavailable, "is open already"));
}

TEST_F(RocksStoreTest, SecondOpenerInAnotherProcessIsToldWhy) {
  CUSTODY_ASSERT_OK(Open(true));
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = Open();
    char byte = store.ok() ? 'y' : 'n';
    bool fine = ::write(ready[1], &byte, 1) == 1 && ::read(done[0], &byte, 1) == 1;
    ::_exit(fine ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_THAT(Open(), StatusIs(StatusCode::kUnavailable, "is open already"));
  ASSERT_EQ(::write(done[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  CUSTODY_EXPECT_OK(Open());  // a killed holder holds nothing
}

TEST_F(RocksStoreTest, EveryCommitIsSyncedBeforeItReturns) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = plan_->wal_syncs;
    ASSERT_EQ(Put(*store, std::to_string(i), "v").outcome, CommitOutcome::kCommitted);
    EXPECT_EQ(plan_->wal_syncs, before + 1);
  }
  EXPECT_EQ(store->syncs(), 5U);
}

TEST_F(RocksStoreTest, FailedSyncIsUnknownAndStopsAllWritesUntilReopened) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(auto store, Open(true));
  ASSERT_EQ(Put(*store, "a", "1").outcome, CommitOutcome::kCommitted);
  plan_->fail_wal_sync = true;
  EXPECT_EQ(Put(*store, "b", "1").outcome, CommitOutcome::kUnknown);
  plan_->fail_wal_sync = false;
  const CommitResult later = Put(*store, "c", "1");
  EXPECT_EQ(later.outcome, CommitOutcome::kUnknown);
  EXPECT_THAT(later.status, StatusIs(StatusCode::kUnavailable, "must be reopened"));
  Batch fold;
  fold.Put(Table::kFolds, "a", "1");
  EXPECT_THAT(store->WriteUnsynced(fold), StatusIs(StatusCode::kUnavailable));
  EXPECT_TRUE(Has(*store, "a"));  // reading goes on

  store.reset();
  CUSTODY_ASSERT_OK_AND_ASSIGN(store, Open());
  EXPECT_TRUE(Has(*store, "a"));
  EXPECT_FALSE(Has(*store, "c"));
  const StoreVersion version = store->GetSnapshot()->version();
  EXPECT_EQ(Has(*store, "b"), version.log_size == 2) << "row and version part";
  EXPECT_EQ(Put(*store, "d", "1").outcome, CommitOutcome::kCommitted);
}

TEST_F(RocksStoreTest, FailedAppendIsUnknownAndAbsentAfterReopening) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(auto store, Open(true));
  ASSERT_EQ(Put(*store, "a", "1").outcome, CommitOutcome::kCommitted);
  plan_->fail_wal_append = true;
  EXPECT_EQ(Put(*store, "b", "1").outcome, CommitOutcome::kUnknown);
  plan_->fail_wal_append = false;
  EXPECT_EQ(Put(*store, "c", "1").outcome, CommitOutcome::kUnknown);
  store.reset();
  CUSTODY_ASSERT_OK_AND_ASSIGN(store, Open());
  EXPECT_EQ(store->GetSnapshot()->version(), (StoreVersion{1, 1}));
  EXPECT_FALSE(Has(*store, "b"));
}

TEST_F(RocksStoreTest, FullDiskIsRefusedBeforeAnythingIsWritten) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
  plan_->no_space = true;
  const CommitResult full = Put(*store, "a", "1");
  EXPECT_EQ(full.outcome, CommitOutcome::kAborted);
  EXPECT_THAT(full.status, StatusIs(StatusCode::kResourceExhausted, "is full"));
  plan_->no_space = false;
  EXPECT_EQ(Put(*store, "a", "1").outcome, CommitOutcome::kCommitted);
}

TEST_F(RocksStoreTest, DiskThatFillsDuringAWriteIsUnknown) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const auto store,
      OpenRocksStoreOn({.folder = db_, .create = true, .reserve_bytes = 0}, disk_));
  plan_->no_space = true;
  plan_->fail_wal_append = true;
  const CommitResult full = Put(*store, "a", "1");
  EXPECT_EQ(full.outcome, CommitOutcome::kUnknown);
  EXPECT_THAT(full.status, StatusIs(StatusCode::kResourceExhausted));
}

TEST_F(RocksStoreTest, NewerFormatIsRefused) {
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
    Batch batch;
    batch.Put(Table::kMeta, "store.format", "2");
    ASSERT_EQ(store->Commit(batch, {0, 0}, 0).outcome, CommitOutcome::kCommitted);
  }
  EXPECT_THAT(Open(), StatusIs(StatusCode::kFailedPrecondition, "use the newer program"));
}

TEST_F(RocksStoreTest, ReadOnlyOpensBesideAWriterAndWritesNothing) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto writer, Open(true));
  ASSERT_EQ(Put(*writer, "a", "1").outcome, CommitOutcome::kCommitted);
  const auto count = [&] {
    return std::distance(fs::directory_iterator(db_), fs::directory_iterator());
  };
  const auto before = count();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto reader, Open(false, true));
  EXPECT_TRUE(Has(*reader, "a"));
  EXPECT_EQ(count(), before);
  const CommitResult refused = Put(*reader, "b", "1");
  EXPECT_NE(refused.outcome, CommitOutcome::kCommitted);
  EXPECT_THAT(refused.status, StatusIs(StatusCode::kFailedPrecondition));
}

// Every table that is added later is missing in the folders of before.
TEST_F(RocksStoreTest, AFolderOfAnOlderProgramIsReadWithoutItsMissingTablesAndGetsThemWhenServed) {
  CUSTODY_EXPECT_OK(Open(true));
  {
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(rocksdb::DBOptions(), db_.string(), ColumnFamilies(), &handles, &raw)
            .ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      const bool late = handle->GetName() == "alerts";
      EXPECT_TRUE(!late || db->DropColumnFamily(handle).ok());
      db->DestroyColumnFamilyHandle(handle);
    }
  }
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto reader, Open(false, true));
    const auto snapshot = reader->GetSnapshot();
    EXPECT_THAT(snapshot->Get(Table::kAlerts, "a"), StatusIs(StatusCode::kNotFound));
    CUSTODY_EXPECT_OK(snapshot->Scan(Table::kAlerts, "",
                                     [](std::string_view, std::string_view) { return true; }));
    CUSTODY_EXPECT_OK(snapshot->Get(Table::kMeta, "store.format"));
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open());
  Batch batch;
  batch.Put(Table::kAlerts, "a", "1");
  EXPECT_EQ(store->Commit(batch, store->GetSnapshot()->version(), 0).outcome,
            CommitOutcome::kCommitted);
}

TEST_F(RocksStoreTest, BackupIsAWholeStoreOfItsMoment) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
  ASSERT_EQ(Put(*store, "a", "1").outcome, CommitOutcome::kCommitted);
  const fs::path copy = folder_ / "copy";
  CUSTODY_ASSERT_OK(store->Backup(copy));
  ASSERT_EQ(Put(*store, "b", "1").outcome, CommitOutcome::kCommitted);
  EXPECT_THAT(store->Backup(copy), StatusIs(StatusCode::kAlreadyExists));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto reader,
                               OpenRocksStore({.folder = copy, .read_only = true}));
  EXPECT_EQ(reader->GetSnapshot()->version(), (StoreVersion{1, 1}));
  EXPECT_TRUE(Has(*reader, "a"));
  EXPECT_FALSE(Has(*reader, "b"));
}

TEST_F(RocksStoreTest, DamagedFileIsDataLossAndNotAWrongAnswer) {
  const fs::path copy = folder_ / "copy";
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, Open(true));
    ASSERT_EQ(Put(*store, "a", std::string(9000, 'x')).outcome, CommitOutcome::kCommitted);
    CUSTODY_ASSERT_OK(store->Backup(copy));  // flushed: rows are in table files
  }
  for (const auto& file : fs::directory_iterator(copy)) {
    if (file.path().extension() != ".sst") continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(20);
    bytes.put('?');
  }
  const auto reader = OpenRocksStore({.folder = copy, .read_only = true});
  if (!reader.ok()) {
    EXPECT_THAT(reader, StatusIs(StatusCode::kDataLoss));
  } else {
    EXPECT_THAT((*reader)->GetSnapshot()->Get(Table::kEntries, "a"),
                StatusIs(StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace custody
