// A store in memory: the reference that the real one is held against, and the quick store of
// ledger tests. What it holds outlives it in a `MemoryDisk`, so that reopening can be tested, and
// it fails on request.
#ifndef CUSTODY_TESTS_SUPPORT_MEMORY_STORE_H_
#define CUSTODY_TESTS_SUPPORT_MEMORY_STORE_H_

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "server/store/store.h"

namespace custody {

using MemoryRows = std::map<std::pair<Table, std::string>, std::string>;

// What a failing commit leaves behind.
enum class Fault {
  kNone,
  kNotPersisted,  // unknown to the caller, and not there after reopening
  kPersisted,     // unknown to the caller, and there after reopening
  kDiskFull,      // refused before anything was written
};

// `MemoryDisk` is what stays when a store is closed. Thread-safe.
struct MemoryDisk {
  std::mutex mutex;
  std::shared_ptr<const MemoryRows> rows = std::make_shared<MemoryRows>();
  StoreVersion version;
  bool open = false;
  Fault next_commit = Fault::kNone;  // of the next commit only
  bool refuse_to_open = false;
  std::atomic<std::uint64_t> commits{0};
};

class MemorySnapshot final : public Snapshot {
 public:
  MemorySnapshot(std::shared_ptr<const MemoryRows> rows, StoreVersion version)
      : rows_(std::move(rows)), version_(version) {}

  const StoreVersion& version() const override { return version_; }

  StatusOr<std::string> Get(Table table, std::string_view key) const override {
    const auto row = rows_->find({table, std::string(key)});
    if (row == rows_->end()) return NotFound("no such row");
    return row->second;
  }

  Status Scan(Table table, std::string_view from, const Visitor& visit) const override {
    for (auto row = rows_->lower_bound({table, std::string(from)});
         row != rows_->end() && row->first.first == table; ++row) {
      if (!visit(row->first.second, row->second)) break;
    }
    return {};
  }

  Status ScanBackwards(Table table, std::string_view from, const Visitor& visit) const override {
    auto row = rows_->upper_bound({table, std::string(from)});
    while (row != rows_->begin()) {
      --row;
      if (row->first.first != table || !visit(row->first.second, row->second)) break;
    }
    return {};
  }

 private:
  std::shared_ptr<const MemoryRows> rows_;
  StoreVersion version_;
};

class MemoryStore final : public Store {
 public:
  // UNAVAILABLE when `disk` is open already or refuses.
  static StatusOr<std::unique_ptr<Store>> Open(std::shared_ptr<MemoryDisk> disk) {
    const std::lock_guard<std::mutex> lock(disk->mutex);
    if (disk->open) return Unavailable("the disk is open already");
    if (disk->refuse_to_open) return Unavailable("the disk refuses");
    disk->open = true;
    return std::unique_ptr<Store>(new MemoryStore(disk));
  }
  ~MemoryStore() override {
    const std::lock_guard<std::mutex> lock(disk_->mutex);
    disk_->open = false;
  }

  std::unique_ptr<const Snapshot> GetSnapshot() const override {
    const std::lock_guard<std::mutex> lock(disk_->mutex);
    return std::make_unique<MemorySnapshot>(disk_->rows, disk_->version);
  }

  CommitResult Commit(const Batch& batch, const StoreVersion& expected,
                      std::uint64_t new_log_size) override {
    const std::lock_guard<std::mutex> lock(disk_->mutex);
    if (poisoned_) return {CommitOutcome::kUnknown, disk_->version, Unavailable("poisoned")};
    if (expected != disk_->version) {
      return {CommitOutcome::kAborted, disk_->version, Aborted("moved on")};
    }
    const Fault fault = std::exchange(disk_->next_commit, Fault::kNone);
    if (fault == Fault::kDiskFull) {
      return {CommitOutcome::kAborted, disk_->version, ResourceExhausted("the disk is full")};
    }
    if (fault != Fault::kNotPersisted) {
      Apply(batch);
      disk_->version = {new_log_size, disk_->version.writes + 1};
    }
    if (fault != Fault::kNone) {
      poisoned_ = true;
      return {CommitOutcome::kUnknown, disk_->version, Unavailable("the write failed")};
    }
    ++disk_->commits;
    return {CommitOutcome::kCommitted, disk_->version, Status()};
  }

  Status WriteUnsynced(const Batch& batch) override {
    const std::lock_guard<std::mutex> lock(disk_->mutex);
    if (poisoned_) return Unavailable("poisoned");
    for (const Batch::Write& write : batch.writes()) {
      if (write.table != Table::kFolds && write.table != Table::kReads) {
        return InvalidArgument("never written unsynced");
      }
    }
    Apply(batch);
    return {};
  }

  Status Backup(const std::filesystem::path& folder) override {
    return Unimplemented("no backup of a store in memory to " + folder.string());
  }
  std::uint64_t syncs() const override { return disk_->commits; }

 private:
  explicit MemoryStore(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}

  // Copies the rows, so that snapshots keep theirs. REQUIRES: the disk's mutex is held.
  void Apply(const Batch& batch) {
    auto rows = std::make_shared<MemoryRows>(*disk_->rows);
    for (const Batch::Write& write : batch.writes()) {
      if (write.value) {
        (*rows)[{write.table, write.key}] = *write.value;
      } else {
        rows->erase({write.table, write.key});
      }
    }
    disk_->rows = std::move(rows);
  }

  const std::shared_ptr<MemoryDisk> disk_;
  bool poisoned_ = false;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_MEMORY_STORE_H_
