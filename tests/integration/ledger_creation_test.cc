// A crash while a ledger is being made, at every step of it: afterwards there is a whole ledger in
// the folder or none, and where there is none one can be made.
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "server/store/rocks_store.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

namespace fs = std::filesystem;
constexpr int kCrashed = 77;

// Ends the process, as a crash does, when it was asked for the `last`th change to a file.
class Countdown {
 public:
  explicit Countdown(int last) : left_(last) {}
  void Step() {
    if (--left_ < 0) ::_exit(kCrashed);
  }
  int left() const { return left_; }

 private:
  std::atomic<int> left_;
};

class CrashingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CrashingFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<Countdown> countdown)
      : FSWritableFileOwnerWrapper(std::move(file)), countdown_(std::move(countdown)) {}
  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    countdown_->Step();
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }

 private:
  const std::shared_ptr<Countdown> countdown_;
};

class CrashingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit CrashingFileSystem(std::shared_ptr<Countdown> countdown)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), countdown_(std::move(countdown)) {}
  const char* Name() const override { return "CrashingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    countdown_->Step();
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok()) *result = std::make_unique<CrashingFile>(std::move(*result), countdown_);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    countdown_->Step();
    return target()->RenameFile(from, to, options, debug);
  }
  rocksdb::IOStatus CreateDirIfMissing(const std::string& name, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
    countdown_->Step();
    return target()->CreateDirIfMissing(name, options, debug);
  }

 private:
  const std::shared_ptr<Countdown> countdown_;
};

class LedgerCreationTest : public ::testing::Test {
 protected:
  // Makes the ledger of `folder` in a process of its own that crashes at step `last`: whether it
  // came that far. `left` is what was left to count when it did not.
  static bool CrashAt(LedgerFolder& folder, int last, int& left) {
    int out[2];
    CUSTODY_CHECK(::pipe(out) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto countdown = std::make_shared<Countdown>(last);
      const auto file_system = std::make_shared<CrashingFileSystem>(countdown);
      folder.options().open_store = [&](const StoreOptions& options) {
        return OpenRocksStoreOn(options, file_system);
      };
      Must(folder.Create());
      const int unused = countdown->left();
      if (::write(out[1], &unused, sizeof unused) != sizeof unused) ::_exit(1);
      ::_exit(0);
    }
    ::close(out[1]);
    int status = 0;
    CUSTODY_CHECK(::waitpid(child, &status, 0) == child);
    CUSTODY_CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 0) CUSTODY_CHECK(::read(out[0], &left, sizeof left) == sizeof left);
    ::close(out[0]);
    EXPECT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kCrashed);
    return WEXITSTATUS(status) == kCrashed;
  }
  // There is no ledger in the folder, it says so, and one can be made.
  static void ExpectNone(LedgerFolder& folder) {
    EXPECT_THAT(folder.Open(), StatusIs(StatusCode::kNotFound, "there is no ledger in"));
    CUSTODY_ASSERT_OK(folder.Create());
    CUSTODY_ASSERT_OK(folder.Open());
    EXPECT_EQ(folder.ledger().GetStatus().entries(), 1u);
  }
};

// The thread sanitizer cannot go along with a process that starts threads after a fork.
#ifndef __SANITIZE_THREAD__
TEST_F(LedgerCreationTest, ACrashAtAnyStepOfTheDatabaseLeavesNoLedger) {
  constexpr int kMany = 1'000'000;
  int steps = 0;
  {
    LedgerFolder folder;
    ASSERT_FALSE(CrashAt(folder, kMany, steps));
    CUSTODY_ASSERT_OK(folder.Open());
    steps = kMany - steps;
  }
  ASSERT_GT(steps, 20);
  int ignored = 0;
  // All of the first and the last steps, and of the many alike in between every few.
  const int stride = std::max(1, steps / 12);
  for (int step = 0; step < steps; step += step < 4 || step + stride + 4 > steps ? 1 : stride) {
    LedgerFolder folder;
    ASSERT_TRUE(CrashAt(folder, step, ignored)) << "step " << step << " of " << steps;
    ExpectNone(folder);
    if (HasFailure()) FAIL() << "after a crash at step " << step << " of " << steps;
  }
}
#endif

TEST_F(LedgerCreationTest, ACrashBeforeOrAfterTheAnchorLeavesNoLedger) {
  for (const bool anchored : {false, true}) {
    LedgerFolder folder;
    CUSTODY_ASSERT_OK(folder.Create());
    fs::rename(folder.path() / "db", folder.path() / "db.making");
    if (!anchored) fs::remove(folder.path() / "anchor");
    ExpectNone(folder);
  }
}

TEST_F(LedgerCreationTest, AnAnchorThatCannotBeWrittenLeavesNoLedger) {
  LedgerFolder folder;
  folder.options().anchor = folder.path() / "volume" / "anchor";
  EXPECT_THAT(folder.Create(), StatusIs(StatusCode::kNotFound, "volume/anchor: No such file"));
  EXPECT_FALSE(fs::exists(folder.path() / "db"));
  EXPECT_FALSE(fs::exists(folder.path() / "db.making"));
  fs::create_directory(folder.path() / "volume");
  ExpectNone(folder);
}

}  // namespace
}  // namespace custody
