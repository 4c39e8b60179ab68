// custody-audit over a ledger's data folder: a real one, sound and damaged, in use, of another
// ledger and of a newer program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/store.h"
#include "tests/support/audits.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

using ::testing::HasSubstr;

class AuditFolderTest : public ::testing::Test {
 protected:
  AuditFolderTest() {
    folder_.Begin();
    for (int i = 0; i < 3; ++i) Must(RecordNow(folder_.ledger(), folder_.Next()).status);
  }
  StatusOr<Answer> VerifyWith(const TrustAnchor& trust) {
    VerifyOptions options;
    options.target = folder_.path();
    options.trust = (trust_ / "ledger.trust.json").string();
    Must(WriteFileAtomically(options.trust, trust.ToJson()));
    return Verify(options);
  }
  std::unique_ptr<Store> Database() {
    folder_.Close();
    StoreOptions options;
    options.folder = folder_.path() / "db";
    return Must(OpenRocksStore(options));
  }

  LedgerFolder folder_;
  TempDir trust_;
};

TEST_F(AuditFolderTest, AFolderInUseIsVerifiedBesideItsServer) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, VerifyWith(TrustIn(folder_.world())));
  EXPECT_EQ(answer.exit_code, 0) << answer.text;
  EXPECT_THAT(answer.text, HasSubstr("COMPLETE AND UNCHANGED"));
  EXPECT_THAT(answer.text, HasSubstr("replayed here"));
  Must(RecordNow(folder_.ledger(), folder_.Next()).status);  // and recording goes on
}

TEST_F(AuditFolderTest, AFolderOfAnotherLedgerIsFound) {
  const TestLedger other(pb::DEMO, "two", {.small = true});
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, VerifyWith(TrustIn(other)));
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_THAT(answer.text, HasSubstr("DO NOT RELY"));
  EXPECT_THAT(answer.text, HasSubstr("another ledger, or an invented one"));
}

TEST_F(AuditFolderTest, ARowThatWasChangedOrTakenAwayIsNamed) {
  const std::uint64_t index = folder_.ledger().GetStatus().entries() - 2;
  {
    const auto store = Database();
    std::string row;
    {
      const auto snapshot = store->GetSnapshot();
      CUSTODY_ASSERT_OK_AND_ASSIGN(row, snapshot->Get(Table::kSigned, U64(index)));
    }
    row[row.size() / 2] = static_cast<char>(row[row.size() / 2] ^ 1);
    Batch batch;
    batch.Put(Table::kSigned, U64(index), row);
    const StoreVersion version = store->GetSnapshot()->version();
    ASSERT_EQ(store->Commit(batch, version, version.log_size).outcome, CommitOutcome::kCommitted);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer changed, VerifyWith(TrustIn(folder_.world())));
  EXPECT_EQ(changed.exit_code, 1);
  EXPECT_THAT(changed.text, HasSubstr("DO NOT RELY: event " + std::to_string(index)));
  {
    const auto store = Database();
    Batch batch;
    batch.Delete(Table::kEntries, U64(index));
    const StoreVersion version = store->GetSnapshot()->version();
    ASSERT_EQ(store->Commit(batch, version, version.log_size).outcome, CommitOutcome::kCommitted);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer gone, VerifyWith(TrustIn(folder_.world())));
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.text, HasSubstr("UNREADABLE  event " + std::to_string(index)));
}

TEST_F(AuditFolderTest, AFolderOfANewerProgramCannotBeRead) {
  {
    const auto store = Database();
    Batch batch;
    batch.Put(Table::kMeta, "store.format", "2");
    const StoreVersion version = store->GetSnapshot()->version();
    ASSERT_EQ(store->Commit(batch, version, version.log_size).outcome, CommitOutcome::kCommitted);
  }
  EXPECT_THAT(VerifyWith(TrustIn(folder_.world())),
              StatusIs(StatusCode::kFailedPrecondition, "use the newer program"));
}

}  // namespace
}  // namespace custody
