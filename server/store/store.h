// Ordered tables with one atomic, durable, conditional commit.
//
// RocksDB stands behind it today and a distributed engine may tomorrow: nothing outside this folder
// may lean on RocksDB, on being the only process, or on a cache that a newer log size does not
// invalidate.
#ifndef CUSTODY_SERVER_STORE_STORE_H_
#define CUSTODY_SERVER_STORE_STORE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"

namespace custody {

// The tables, by name. Their numbers are part of the data folder's format: append only. What their
// rows mean is the user's affair.
enum class Table : std::uint8_t {
  kEntries = 0,
  kSigned = 1,
  kChains = 2,
  kEvents = 3,
  kNodes = 4,
  kHeads = 5,
  kCheckpoints = 6,
  kIdentifiers = 7,
  kAttachments = 8,
  kSubjects = 9,
  kMeta = 10,
  kFolds = 11,
  kReads = 12,
  kAlerts = 13,
};
inline constexpr int kTableCount = 14;

// `Batch` is a set of writes that happen together or not at all. A value.
class Batch {
 public:
  struct Write {
    Table table;
    std::string key;
    std::optional<std::string> value;  // nothing: delete
  };
  void Put(Table table, std::string_view key, std::string_view value);
  void Delete(Table table, std::string_view key);
  const std::vector<Write>& writes() const { return writes_; }
  std::size_t bytes() const { return bytes_; }
  bool empty() const { return writes_.empty(); }

 private:
  std::vector<Write> writes_;
  std::size_t bytes_ = 0;
};

// Where a store stands: the log's size and how often it was committed to.
struct StoreVersion {
  std::uint64_t log_size = 0;
  std::uint64_t writes = 0;
  friend bool operator==(const StoreVersion&, const StoreVersion&) = default;
};

// `Snapshot` fixes a version and all tables: every answer to one question comes from one snapshot.
// Thread-safe. Must not outlive its store.
class Snapshot {
 public:
  // Sees a row, valid during the call; false ends the scan.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

  virtual ~Snapshot() = default;
  virtual const StoreVersion& version() const = 0;
  // `Get` gives the value; NOT_FOUND; DATA_LOSS when the stored bytes are damaged.
  virtual StatusOr<std::string> Get(Table table, std::string_view key) const = 0;
  // `Scan` visits keys >= `from` in order until `visit` returns false or the table ends.
  virtual Status Scan(Table table, std::string_view from, const Visitor& visit) const = 0;
  // `ScanBackwards` visits keys <= `from` in falling order.
  virtual Status ScanBackwards(Table table, std::string_view from, const Visitor& visit) const = 0;
};

// What became of a commit.
enum class CommitOutcome {
  kCommitted,  // durable
  kAborted,    // somebody else moved on: nothing was written
  kUnknown,    // the write failed, and may or may not be there after reopening
};
struct CommitResult {
  CommitOutcome outcome = CommitOutcome::kUnknown;
  StoreVersion version;  // after the commit, when committed
  Status status;         // why not, else OK
};

// `Store` is the ordered tables. Thread-safe; one writer at a time is the caller's business, and
// `expected` catches it when it is not.
class Store {
 public:
  virtual ~Store() = default;
  virtual std::unique_ptr<const Snapshot> GetSnapshot() const = 0;
  // `Commit` writes `batch` and sets the log size to `new_log_size`, atomically and synced before
  // it returns, if the store still is at `expected`. After kUnknown every later Commit is refused
  // (kUnknown, UNAVAILABLE): the page cache may hold what the disk never got, so the store must be
  // reopened. RESOURCE_EXHAUSTED says that the disk is full: with kAborted nothing was written and
  // Commit may be called again, with kUnknown as above.
  virtual CommitResult Commit(const Batch& batch, const StoreVersion& expected,
                              std::uint64_t new_log_size) = 0;
  // `WriteUnsynced` writes discardable rows (kFolds, kReads) outside the log's version.
  virtual Status WriteUnsynced(const Batch& batch) = 0;
  // `Backup` makes a consistent copy in `folder` (must not exist) while the store serves.
  virtual Status Backup(const std::filesystem::path& folder) = 0;
  virtual std::uint64_t syncs() const = 0;
};

struct StoreOptions {
  std::filesystem::path folder;
  bool create = false;     // NOT_FOUND / ALREADY_EXISTS when the folder is not as this expects
  bool read_only = false;  // for auditors: no lock taken, nothing written
  // Commit answers RESOURCE_EXHAUSTED (aborted, nothing written, not poisoned) while less than this
  // is free: compaction and the next flush still need room, and a write that really runs into a
  // full disk is unknown. 0: do not look.
  std::uint64_t reserve_bytes = 64 << 20;
};
// `OpenRocksStore` opens the RocksDB store. UNAVAILABLE when another process has it open,
// PERMISSION_DENIED when it may not be written, DATA_LOSS when it is damaged, FAILED_PRECONDITION
// when it was written by a newer format of the data folder.
StatusOr<std::unique_ptr<Store>> OpenRocksStore(const StoreOptions& options);

}  // namespace custody

#endif  // CUSTODY_SERVER_STORE_STORE_H_
