// Tables as column families of one RocksDB, each commit one synced write batch.
//
// Two rows of `meta` belong to the store itself: `store.format`, the number of the data folder's
// format in decimal, and `store.version` = u64 log size || u64 writes, which every commit rewrites
// inside its own batch. A snapshot reads its version from the same RocksDB snapshot as its rows, so
// the two cannot disagree, whatever is being written meanwhile.
//
// RocksDB statuses do not leave this file. An error from a write means "unknown": a batch whose
// sync failed has been seen after reopening. From then on nothing is written until the store is
// opened again; what recovery finds is flushed to synced files before it is served.
//
// Long because store and snapshots share what is open, and nobody else may see it.
#include "server/store/rocks_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <system_error>

#include "crypto/hash.h"
#include "server/store/rocks_options.h"

namespace custody {
namespace {

constexpr unsigned kFormat = 1;
constexpr std::string_view kFormatKey = "store.format";
constexpr std::string_view kVersionKey = "store.version";

rocksdb::Slice Slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  const std::string message = std::string(what) + ": " + status.ToString();
  if (status.IsNotFound()) return NotFound(message);
  if (status.IsCorruption()) return DataLoss(message);
  if (status.IsNoSpace()) return ResourceExhausted(message + "; free some space");
  if (status.IsIOError() || status.IsBusy() || status.IsTryAgain()) return Unavailable(message);
  if (status.IsInvalidArgument()) return FailedPrecondition(message);
  return Internal(message);
}

Status OpenError(const rocksdb::Status& status, const std::filesystem::path& folder) {
  const std::string text = status.ToString();
  const bool io = status.IsIOError();
  if (io && text.find("Permission denied") != std::string::npos) {
    return PermissionDenied(folder.string() + " may not be written: " + text);
  }
  if (io && text.find("Read-only file system") != std::string::npos) {
    return PermissionDenied(folder.string() + " may not be written: " + text);
  }
  if (io && (text.find("lock hold") != std::string::npos ||
             text.find("While lock file") != std::string::npos)) {
    return Unavailable(folder.string() +
                       " is open already, probably by a running custody-server; stop it first");
  }
  return FromRocks(status, folder.string() + " cannot be opened");
}

std::string EncodeVersion(const StoreVersion& version) {
  return U64(version.log_size) + U64(version.writes);
}

StatusOr<StoreVersion> DecodeVersion(std::string_view bytes) {
  if (bytes.size() != 16) return DataLoss("the store's version row is damaged");
  return StoreVersion{ReadU64(bytes), ReadU64(bytes.substr(8))};
}

// What is open; destroyed in the one order that RocksDB allows.
struct Database {
  std::unique_ptr<rocksdb::Env> env;  // only with a file system of the caller's
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  std::unique_ptr<rocksdb::DB> db;

  Database() = default;
  Database(Database&&) = default;
  Database& operator=(Database&&) = delete;
  ~Database() {
    if (!db) return;
    for (rocksdb::ColumnFamilyHandle* family : families) {
      if (family != nullptr) db->DestroyColumnFamilyHandle(family);
    }
    db->Close().PermitUncheckedError();
    db.reset();
  }
  // Null for a table that a folder of an older program does not have, when it is only read.
  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return families[static_cast<std::size_t>(table) + 1];  // the first is the default family
  }
};

class RocksSnapshot final : public Snapshot {
 public:
  explicit RocksSnapshot(const Database& database)
      : database_(database), snapshot_(database.db->GetSnapshot()) {
    read_.snapshot = snapshot_;
    StatusOr<std::string> row = Get(Table::kMeta, kVersionKey);
    StatusOr<StoreVersion> version = row.ok() ? DecodeVersion(*row) : row.status();
    if (version.ok()) {
      version_ = *version;
    } else {
      damage_ = DataLoss("the store's version cannot be read: " + Message(version.status()));
    }
  }
  ~RocksSnapshot() override { database_.db->ReleaseSnapshot(snapshot_); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  const StoreVersion& version() const override { return version_; }

  StatusOr<std::string> Get(Table table, std::string_view key) const override {
    CUSTODY_RETURN_IF_ERROR(damage_);
    if (database_.family(table) == nullptr) return NotFound("there is no " + TableName(table));
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        database_.db->Get(read_, database_.family(table), Slice(key), &value);
    if (status.IsNotFound()) return NotFound("no such row in " + TableName(table));
    if (!status.ok()) return FromRocks(status, "reading " + TableName(table));
    return std::string(View(value));
  }

  Status Scan(Table table, std::string_view from, const Visitor& visit) const override {
    return Walk(
        table, visit, [&](rocksdb::Iterator& rows) { rows.Seek(Slice(from)); },
        [](rocksdb::Iterator& rows) { rows.Next(); });
  }

  Status ScanBackwards(Table table, std::string_view from, const Visitor& visit) const override {
    return Walk(
        table, visit, [&](rocksdb::Iterator& rows) { rows.SeekForPrev(Slice(from)); },
        [](rocksdb::Iterator& rows) { rows.Prev(); });
  }

 private:
  template <class Seek, class Step>
  Status Walk(Table table, const Visitor& visit, Seek seek, Step step) const {
    CUSTODY_RETURN_IF_ERROR(damage_);
    if (database_.family(table) == nullptr) return {};
    const std::unique_ptr<rocksdb::Iterator> rows(
        database_.db->NewIterator(read_, database_.family(table)));
    for (seek(*rows); rows->Valid(); step(*rows)) {
      if (!visit(View(rows->key()), View(rows->value()))) return {};
    }
    return FromRocks(rows->status(), "scanning " + TableName(table));
  }

  const Database& database_;
  const rocksdb::Snapshot* snapshot_;
  rocksdb::ReadOptions read_;
  StoreVersion version_;
  Status damage_;
};

class RocksStore final : public Store {
 public:
  RocksStore(Database database, StoreOptions options,
             std::shared_ptr<rocksdb::FileSystem> file_system, StoreVersion version)
      : options_(std::move(options)),
        file_system_(std::move(file_system)),
        database_(std::move(database)),
        version_(version) {}

  std::unique_ptr<const Snapshot> GetSnapshot() const override {
    return std::make_unique<RocksSnapshot>(database_);
  }

  CommitResult Commit(const Batch& batch, const StoreVersion& expected,
                      std::uint64_t new_log_size) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (Status refused = MayWrite(); !refused.ok()) {
      return {CommitOutcome::kUnknown, version_, std::move(refused)};
    }
    if (expected != version_) {
      return {CommitOutcome::kAborted, version_,
              Aborted("the store has moved on to " + std::to_string(version_.log_size) +
                      " entries and " + std::to_string(version_.writes) + " writes")};
    }
    if (Status full = HasRoom(batch.bytes()); !full.ok()) {
      return {CommitOutcome::kAborted, version_, std::move(full)};
    }
    const StoreVersion next{new_log_size, version_.writes + 1};
    rocksdb::WriteBatch rows = Rows(batch);
    rocksdb::Status status =
        rows.Put(database_.family(Table::kMeta), Slice(kVersionKey), EncodeVersion(next));
    if (status.ok()) status = database_.db->Write(Synced(), &rows);
    if (!status.ok()) {
      poison_ = FromRocks(status, "a write failed and may or may not be there after reopening");
      return {CommitOutcome::kUnknown, version_, poison_};
    }
    version_ = next;
    ++syncs_;
    return {CommitOutcome::kCommitted, version_, Status()};
  }

  Status WriteUnsynced(const Batch& batch) override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      CUSTODY_RETURN_IF_ERROR(MayWrite());
      CUSTODY_RETURN_IF_ERROR(HasRoom(batch.bytes()));
    }
    for (const Batch::Write& write : batch.writes()) {
      if (write.table != Table::kFolds && write.table != Table::kReads) {
        return InvalidArgument("rows of " + TableName(write.table) + " are never written unsynced");
      }
    }
    rocksdb::WriteBatch rows = Rows(batch);
    const rocksdb::Status status = database_.db->Write(rocksdb::WriteOptions(), &rows);
    if (!status.ok()) {
      // The log file is shared with the synced rows, so its end is as doubtful as theirs.
      const std::lock_guard<std::mutex> lock(mutex_);
      poison_ = FromRocks(status, "an unsynced write failed");
    }
    return FromRocks(status, "writing unsynced");
  }

  Status Backup(const std::filesystem::path& folder) override {
    std::error_code ignored;
    if (std::filesystem::exists(folder, ignored)) {
      return AlreadyExists(folder.string() + " exists; name a new folder for the backup");
    }
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(database_.db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    if (status.ok()) status = checkpoint->CreateCheckpoint(folder.string());
    return FromRocks(status, "backing up to " + folder.string());
  }

  std::uint64_t syncs() const override { return syncs_; }

 private:
  static rocksdb::WriteOptions Synced() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
  }

  rocksdb::WriteBatch Rows(const Batch& batch) const {
    rocksdb::WriteBatch rows(batch.bytes() + 16 * batch.writes().size() + 64);
    for (const Batch::Write& write : batch.writes()) {
      rocksdb::ColumnFamilyHandle* family = database_.family(write.table);
      // Both fail only beyond 4 GiB, which the batch's callers never reach; Write tells anyway.
      (write.value ? rows.Put(family, write.key, *write.value) : rows.Delete(family, write.key))
          .PermitUncheckedError();
    }
    return rows;
  }

  // REQUIRES: mutex_ is held.
  Status MayWrite() const {
    if (options_.read_only) return FailedPrecondition("the store is open for reading only");
    if (!poison_.ok()) {
      return Unavailable("the store stopped writing and must be reopened: " + Message(poison_));
    }
    return {};
  }

  Status HasRoom(std::size_t bytes) const {
    if (options_.reserve_bytes == 0) return {};
    std::uint64_t free = 0;
    // A file system that cannot tell is not held against the write.
    if (!file_system_->GetFreeSpace(options_.folder.string(), {}, &free, nullptr).ok()) return {};
    if (free >= options_.reserve_bytes + bytes) return {};
    return ResourceExhausted("the disk of " + options_.folder.string() +
                             " is full: " + std::to_string(free) + " bytes are free and " +
                             std::to_string(options_.reserve_bytes) +
                             " are kept in reserve; free some space");
  }

  const StoreOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> file_system_;
  Database database_;
  std::mutex mutex_;
  StoreVersion version_;  // guarded by mutex_
  Status poison_;         // guarded by mutex_: why nothing is written any more
  std::atomic<std::uint64_t> syncs_{0};
};

Status CheckFolder(const StoreOptions& options) {
  const std::filesystem::path& folder = options.folder;
  std::error_code error;
  const bool there = std::filesystem::exists(folder / "CURRENT", error);
  if (options.create && there) {
    return AlreadyExists(folder.string() + " holds a store already");
  }
  if (!options.create && !there) {
    if (error == std::errc::permission_denied) {
      return PermissionDenied(folder.string() + " may not be read");
    }
    return NotFound("there is no store in " + folder.string());
  }
  if (!options.read_only && std::filesystem::exists(folder, error) &&
      ::access(folder.c_str(), W_OK) != 0) {
    return PermissionDenied(folder.string() + " may not be written by this user");
  }
  if (options.create) {
    std::filesystem::create_directories(folder, error);
    if (error == std::errc::permission_denied) {
      return PermissionDenied(folder.string() + " may not be made by this user");
    }
    if (error) return Unavailable(folder.string() + " cannot be made: " + error.message());
  }
  return {};
}

// A table that this program does not know was added by a newer one. `names` are those there are.
Status CheckTables(const rocksdb::DBOptions& db_options, const StoreOptions& options,
                   std::vector<std::string>& names) {
  const rocksdb::Status status =
      rocksdb::DB::ListColumnFamilies(db_options, options.folder.string(), &names);
  if (!status.ok()) return OpenError(status, options.folder);
  for (const std::string& name : names) {
    bool known = name == rocksdb::kDefaultColumnFamilyName;
    for (int i = 0; i < kTableCount; ++i) known |= name == TableName(static_cast<Table>(i));
    if (!known) {
      return FailedPrecondition(options.folder.string() + " has a table '" + name +
                                "', so a newer program wrote it; use that one");
    }
  }
  return {};
}

Status CheckFormat(std::string_view text, const StoreOptions& options) {
  unsigned format = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format);
  if (error != std::errc() || end != text.data() + text.size() || format == 0) {
    return DataLoss("the format number of " + options.folder.string() + " is damaged");
  }
  if (format > kFormat) {
    return FailedPrecondition(options.folder.string() + " has format " + std::to_string(format) +
                              " and this program knows formats up to " + std::to_string(kFormat) +
                              "; use the newer program");
  }
  return {};
}

// A reader beside a server may find the list of files newer or older than the files, which are
// taken away when they were merged: it looks again. What is damaged is so every time.
rocksdb::Status OpenDatabase(const StoreOptions& options, const rocksdb::DBOptions& db_options,
                             const std::vector<std::string>& names, Database& database) {
  const std::string folder = options.folder.string();
  rocksdb::Status status;
  for (int tries = options.read_only ? 10 : 1; tries > 0; --tries) {
    rocksdb::DB* raw = nullptr;
    status = options.read_only ? rocksdb::DB::OpenForReadOnly(db_options, folder, FamiliesIn(names),
                                                              &database.families, &raw)
                               : rocksdb::DB::Open(db_options, folder, ColumnFamilies(),
                                                   &database.families, &raw);
    database.db.reset(raw);
    if (status.ok()) break;
  }
  if (status.ok()) PutInPlace(database.families);
  return status;
}

Status WriteFirstRows(Database& database) {
  rocksdb::WriteBatch rows;
  rocksdb::ColumnFamilyHandle* meta = database.family(Table::kMeta);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::Status status = rows.Put(meta, Slice(kFormatKey), std::to_string(kFormat));
  if (status.ok()) status = rows.Put(meta, Slice(kVersionKey), EncodeVersion({}));
  if (status.ok()) status = database.db->Write(synced, &rows);
  return FromRocks(status, "writing the first rows");
}

}  // namespace

StatusOr<std::unique_ptr<Store>> OpenRocksStoreOn(
    const StoreOptions& options, const std::shared_ptr<rocksdb::FileSystem>& file_system) {
  CUSTODY_RETURN_IF_ERROR(CheckFolder(options));
  Database database;
  if (file_system) database.env = rocksdb::NewCompositeEnv(file_system);
  rocksdb::Env* env = database.env ? database.env.get() : rocksdb::Env::Default();
  const rocksdb::DBOptions db_options = DatabaseOptions(options, env);
  std::vector<std::string> names;
  if (!options.create) CUSTODY_RETURN_IF_ERROR(CheckTables(db_options, options, names));

  const rocksdb::Status status = OpenDatabase(options, db_options, names, database);
  if (!status.ok()) return OpenError(status, options.folder);
  if (options.create) CUSTODY_RETURN_IF_ERROR(WriteFirstRows(database));

  StoreVersion version;
  {
    const RocksSnapshot snapshot(database);
    StatusOr<std::string> format = snapshot.Get(Table::kMeta, kFormatKey);
    if (!format.ok()) {
      return DataLoss(options.folder.string() + " is no whole store: " + Message(format.status()));
    }
    CUSTODY_RETURN_IF_ERROR(CheckFormat(*format, options));
    version = snapshot.version();
  }
  return std::make_unique<RocksStore>(std::move(database), options,
                                      file_system ? file_system : rocksdb::FileSystem::Default(),
                                      version);
}

StatusOr<std::unique_ptr<Store>> OpenRocksStore(const StoreOptions& options) {
  return OpenRocksStoreOn(options, nullptr);
}

}  // namespace custody
