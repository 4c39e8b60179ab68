// One place for every knob, each with its reason.
//
// The ledger is small (a few dozen gigabytes after decades) and must be right before it is fast, so
// memory is bounded first: one block cache of 32 MiB that also holds indexes and filters, and at
// most 32 MiB of unflushed rows over all tables together. The log is limited to 64 MiB, which is
// what recovery after a kill has to replay, in well under a second.
//
// Tables differ in how their keys come. `entries`, `signed`, `checkpoints` and `reads` are written
// in rising key order and never changed: files do not overlap, compaction moves them without
// rewriting, and a filter would be wasted. `events`, `chains`, `heads`, `identifiers`,
// `attachments`, `subjects`, `folds` and `alerts` come in random order; `events` is asked for a key
// that is not there once an event, which the filter answers without touching a block. `nodes`
// rewrites the last rows of each level in every group; superseded versions die in the memtable or
// at its flush.
//
// Hashes do not compress, so tables made of them are left alone. Signed events are text-like, read
// rarely and kept for ever: LZ4 on the way, ZSTD at the bottom. Attachments are sealed, that is
// random: they go to blob files, so that compaction does not copy them about.
#include "server/store/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>

namespace custody {
namespace {

constexpr std::size_t kBlockCacheBytes = 32 << 20;
constexpr std::size_t kUnflushedBytes = 32 << 20;
constexpr std::uint64_t kWalBytes = 64 << 20;
constexpr std::uint64_t kFileBytes = 16 << 20;
constexpr double kFilterBitsPerKey = 10;

// Debian's RocksDB has them all; another build may not.
rocksdb::CompressionType IfSupported(rocksdb::CompressionType wanted) {
  const auto supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), wanted) == supported.end()
             ? rocksdb::kNoCompression
             : wanted;
}

bool RisingKeys(Table table) {
  return table == Table::kEntries || table == Table::kSigned || table == Table::kCheckpoints ||
         table == Table::kReads;
}

bool Compresses(Table table) {
  return table == Table::kSigned || table == Table::kFolds || table == Table::kReads ||
         table == Table::kCheckpoints || table == Table::kIdentifiers || table == Table::kAlerts;
}

rocksdb::ColumnFamilyOptions TableOptions(Table table,
                                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = cache;
  blocks.cache_index_and_filter_blocks = true;  // else they grow beside the cache with the ledger
  blocks.cache_index_and_filter_blocks_with_high_priority = true;
  blocks.pin_l0_filter_and_index_blocks_in_cache = true;
  blocks.block_size = Compresses(table) ? 16 << 10 : 4 << 10;
  blocks.format_version = 5;
  if (!RisingKeys(table)) {
    blocks.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  }

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  options.write_buffer_size = table == Table::kSigned || table == Table::kHeads ? 8 << 20 : 4 << 20;
  options.max_write_buffer_number = 2;
  options.arena_block_size = 128 << 10;  // many tables: the default would tie up 14 MiB
  options.target_file_size_base = kFileBytes;
  options.max_bytes_for_level_base = 4 * kFileBytes;
  options.compression =
      Compresses(table) ? IfSupported(rocksdb::kLZ4Compression) : rocksdb::kNoCompression;
  options.bottommost_compression =
      Compresses(table) ? IfSupported(rocksdb::kZSTD) : rocksdb::kNoCompression;
  if (table == Table::kAttachments) {
    options.enable_blob_files = true;
    options.min_blob_size = 4 << 10;
  }
  return options;
}

// RocksDB would keep a file of what it does beside the data. On a full disk the second line that
// does not fit in it ends the program (an assertion in WritableFileWriter, in Debian's build), just
// when the ledger is about to close and reopen the database; a read-only one must write nothing
// anyway. What goes wrong comes back as a status.
class Silence final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

}  // namespace

const std::string& TableName(Table table) {
  static const std::array<std::string, kTableCount> kNames = {
      "entries",     "signed",      "chains",   "events", "nodes", "heads", "checkpoints",
      "identifiers", "attachments", "subjects", "meta",   "folds", "reads", "alerts"};
  return kNames[static_cast<std::size_t>(table)];
}

rocksdb::DBOptions DatabaseOptions(const StoreOptions& options, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = options.create;
  db.error_if_exists = options.create;
  db.create_missing_column_families = !options.read_only;  // a table added by a newer program
  // An ordinary kill leaves a torn record at the end, which must not stop us; damage further up
  // must.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What was recovered is written anew and synced before it is served: the page cache may hold what
  // the disk never got.
  db.avoid_flush_during_recovery = false;
  db.recycle_log_file_num = 0;
  db.wal_bytes_per_sync = 0;
  db.max_total_wal_size = kWalBytes;
  db.db_write_buffer_size = kUnflushedBytes;
  db.max_background_jobs = 2;
  db.max_open_files = 256;
  db.bytes_per_sync = 1 << 20;
  db.max_bgerror_resume_count = 0;  // after an error it is we who reopen and check
  db.paranoid_checks = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;
  db.info_log = std::make_shared<Silence>();
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> ColumnFamilies() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  rocksdb::ColumnFamilyOptions unused;
  unused.write_buffer_size = 64 << 10;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, unused);
  for (int i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    families.emplace_back(TableName(table), TableOptions(table, cache));
  }
  return families;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamiliesIn(const std::vector<std::string>& names) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families = ColumnFamilies();
  std::erase_if(families, [&](const rocksdb::ColumnFamilyDescriptor& family) {
    return std::find(names.begin(), names.end(), family.name) == names.end();
  });
  return families;
}

void PutInPlace(std::vector<rocksdb::ColumnFamilyHandle*>& families) {
  std::vector<rocksdb::ColumnFamilyHandle*> placed;
  for (const rocksdb::ColumnFamilyDescriptor& family : ColumnFamilies()) {
    const auto found = std::find_if(families.begin(), families.end(),
                                    [&](const auto* one) { return one->GetName() == family.name; });
    placed.push_back(found == families.end() ? nullptr : *found);
  }
  families = std::move(placed);
}

}  // namespace custody
