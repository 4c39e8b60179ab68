// A ledger in a folder whose rows a test reads, and writes behind the ledger's back.
#ifndef CUSTODY_TESTS_INTEGRATION_STORED_LEDGER_H_
#define CUSTODY_TESTS_INTEGRATION_STORED_LEDGER_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "server/store/rocks_store.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {

// Its rows can be reached while the folder is closed.
class StoredLedgerTest : public ::testing::Test {
 protected:
  void RecordSome(int count) {
    for (int i = 0; i < count; ++i) {
      CUSTODY_ASSERT_OK(RecordNow(folder_.ledger(), folder_.Next()).status);
    }
  }
  std::unique_ptr<Store> OpenStore(bool read_only = false) {
    return Must(OpenRocksStore({.folder = folder_.path() / "db", .read_only = read_only}));
  }
  static void Commit(Store& store, const Batch& batch) {
    const StoreVersion now = store.GetSnapshot()->version();
    ASSERT_EQ(store.Commit(batch, now, now.log_size).outcome, CommitOutcome::kCommitted);
  }
  void Overwrite(Table table, std::string_view key, std::string_view value) {
    Batch batch;
    batch.Put(table, key, value);
    Commit(*OpenStore(), batch);
  }
  StatusOr<std::string> Row(Table table, std::string_view key) {
    return OpenStore(/*read_only=*/true)->GetSnapshot()->Get(table, key);
  }

  LedgerFolder folder_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_STORED_LEDGER_H_
