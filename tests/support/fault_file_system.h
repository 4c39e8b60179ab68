// A file system for RocksDB that fails when told to.
#ifndef CUSTODY_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
#define CUSTODY_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace custody {

// What to fail. All atomic, so that a test changes it while the database runs.
struct FaultPlan {
  std::atomic<bool> fail_wal_append{false};  // nothing of the record reaches the file
  std::atomic<bool> fail_wal_sync{false};    // the record is in the file all the same
  std::atomic<bool> no_space{false};         // as error of the two above, and as free space
  std::atomic<std::uint64_t> wal_syncs{0};
};

class FaultFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<FaultPlan> plan)
      : FSWritableFileOwnerWrapper(std::move(file)), plan_(std::move(plan)) {}

  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (plan_->fail_wal_append) return Failure();
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    ++plan_->wal_syncs;
    if (plan_->fail_wal_sync) return Failure();
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    ++plan_->wal_syncs;
    if (plan_->fail_wal_sync) return Failure();
    return FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  rocksdb::IOStatus Failure() const {
    return plan_->no_space ? rocksdb::IOStatus::NoSpace("planned fault")
                           : rocksdb::IOStatus::IOError("planned fault");
  }
  const std::shared_ptr<FaultPlan> plan_;
};

// `FaultFileSystem` is the machine's own file system with the write-ahead log under `plan`.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(std::shared_ptr<FaultPlan> plan)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), plan_(std::move(plan)) {}

  const char* Name() const override { return "FaultFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->NewWritableFile(name, options, result, debug);
    if (status.ok() && name.size() > 4 && name.compare(name.size() - 4, 4, ".log") == 0) {
      *result = std::make_unique<FaultFile>(std::move(*result), plan_);
    }
    return status;
  }

  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* free, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target()->GetFreeSpace(path, options, free, debug);
    if (plan_->no_space) *free = 4096;
    return status;
  }

 private:
  const std::shared_ptr<FaultPlan> plan_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
