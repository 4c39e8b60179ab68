// A disk that fails: what a ledger says then, and what it still knows when the disk is well again.
#include <gtest/gtest.h>

#include "crypto/file.h"
#include "server/store/rocks_store.h"
#include "tests/support/audits.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

class LedgerFaultTest : public ::testing::TestWithParam<Fault> {
 protected:
  LedgerFolder folder_{true};
};

TEST_P(LedgerFaultTest, AFailedWriteIsUnknownAndARetryFindsOut) {
  folder_.Begin();
  CUSTODY_ASSERT_OK(RecordNow(folder_.ledger(), folder_.Next()).status);
  const pb::SignedEvent event = folder_.Next();
  const std::uint64_t before = folder_.ledger().GetStatus().entries();
  {
    const std::lock_guard<std::mutex> lock(folder_.disk().mutex);
    folder_.disk().next_commit = GetParam();
  }
  const Status failed = RecordNow(folder_.ledger(), event).status;
  EXPECT_THAT(failed, StatusIs(GetParam() == Fault::kDiskFull ? StatusCode::kResourceExhausted
                                                              : StatusCode::kUnavailable));
  RecordOutcome retry;
  do {
    retry = RecordNow(folder_.ledger(), event);
  } while (retry.status.code() == StatusCode::kUnavailable);
  CUSTODY_ASSERT_OK(retry.status);
  EXPECT_EQ(retry.reply.known(), GetParam() == Fault::kPersisted);
  EXPECT_EQ(retry.reply.receipt().index(), before);
  CUSTODY_EXPECT_OK(VerifyReceipt(retry.reply.receipt(), event, folder_.log()));
  CUSTODY_EXPECT_OK(RecordNow(folder_.ledger(), folder_.Next()).status);
  CUSTODY_EXPECT_OK(folder_.Open());
  EXPECT_EQ(folder_.ledger().GetStatus().entries(), before + 2);
}

INSTANTIATE_TEST_SUITE_P(Faults, LedgerFaultTest,
                         ::testing::Values(Fault::kNotPersisted, Fault::kPersisted,
                                           Fault::kDiskFull));

class LedgerLossTest : public LedgerFaultTest {
 protected:
  // A ledger that lost its newest event, and the greeting of a station that knows of it.
  pb::HelloRequest LoseTheNewest() {
    folder_.Begin();
    CUSTODY_EXPECT_OK(RecordNow(folder_.ledger(), folder_.Next()).status);
    folder_.Close();
    const auto rows = folder_.disk().rows;
    const StoreVersion version = folder_.disk().version;
    const std::string anchor = Must(ReadFile(folder_.path() / "anchor", 1 << 20));
    CUSTODY_EXPECT_OK(folder_.Open());
    CUSTODY_EXPECT_OK(RecordNow(folder_.ledger(), folder_.Next()).status);
    pb::HelloRequest hello;
    *hello.mutable_last_checkpoint() = Must(folder_.ledger().GetCheckpoint(std::nullopt));
    folder_.Close();
    folder_.disk().rows = rows;
    folder_.disk().version = version;
    CUSTODY_EXPECT_OK(WriteFileAtomically(folder_.path() / "anchor", anchor));
    CUSTODY_EXPECT_OK(folder_.Open());
    return hello;
  }
  void FailNextCommit() {
    const std::lock_guard<std::mutex> lock(folder_.disk().mutex);
    folder_.disk().next_commit = GetParam();
  }
};

TEST_P(LedgerLossTest, ALossIsRememberedThoughWritingItDownFailedAtFirst) {
  const pb::HelloRequest knowing = LoseTheNewest();
  FailNextCommit();
  EXPECT_THAT(folder_.ledger().Hello(knowing),
              ::testing::AnyOf(StatusIs(StatusCode::kUnavailable),
                               StatusIs(StatusCode::kResourceExhausted, "full")));
  // It records nothing from the moment it was told, written down or not.
  EXPECT_THAT(RecordNow(folder_.ledger(), folder_.Next()).status,
              ::testing::AnyOf(StatusIs(StatusCode::kUnavailable),
                               StatusIs(StatusCode::kFailedPrecondition, "read-only")));
  StatusOr<pb::HelloReply> reply = folder_.ledger().Hello(knowing);
  while (reply.status().code() == StatusCode::kUnavailable) {
    reply = folder_.ledger().Hello(knowing);
  }
  CUSTODY_ASSERT_OK(reply.status());
  EXPECT_TRUE(reply->read_only());
  CUSTODY_ASSERT_OK(folder_.Open());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HelloReply again, folder_.ledger().Hello({}));
  EXPECT_TRUE(again.read_only());
  EXPECT_NE(again.read_only_reason().find("history was lost"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Faults, LedgerLossTest,
                         ::testing::Values(Fault::kNotPersisted, Fault::kPersisted,
                                           Fault::kDiskFull));

TEST_P(LedgerFaultTest, AClockIsWhereTheStoreSaysAfterItsMoveFailed) {
  folder_.Begin();
  const Instant before = folder_.ledger().Now();
  pb::SetClockRequest move;
  *move.mutable_time() = ToProto(before + kMicrosPerDay);
  {
    const std::lock_guard<std::mutex> lock(folder_.disk().mutex);
    folder_.disk().next_commit = GetParam();
  }
  EXPECT_THAT(folder_.ledger().SetClock(move),
              ::testing::AnyOf(StatusIs(StatusCode::kUnavailable),
                               StatusIs(StatusCode::kResourceExhausted, "full")));
  while (RecordNow(folder_.ledger(), folder_.Next()).status.code() == StatusCode::kUnavailable) {
  }
  const bool moved = GetParam() == Fault::kPersisted;
  EXPECT_EQ(folder_.ledger().Now(), moved ? before + kMicrosPerDay : before);
}

TEST(LedgerDiskTest, AFailedSyncOfTheRealStoreHealsByItself) {
  LedgerFolder folder;
  const auto plan = std::make_shared<FaultPlan>();
  const auto disk = std::make_shared<FaultFileSystem>(plan);
  folder.options().open_store = [disk](const StoreOptions& options) {
    return OpenRocksStoreOn(options, disk);
  };
  folder.Begin();
  CUSTODY_ASSERT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  for (std::atomic<bool>* fault : {&plan->fail_wal_sync, &plan->fail_wal_append}) {
    const pb::SignedEvent event = folder.Next();
    *fault = true;
    EXPECT_THAT(RecordNow(folder.ledger(), event).status, StatusIs(StatusCode::kUnavailable));
    *fault = false;
    RecordOutcome retry;
    do {
      retry = RecordNow(folder.ledger(), event);
    } while (retry.status.code() == StatusCode::kUnavailable);
    CUSTODY_ASSERT_OK(retry.status);
    CUSTODY_EXPECT_OK(VerifyReceipt(retry.reply.receipt(), event, folder.log()));
  }
  plan->no_space = true;
  const pb::SignedEvent event = folder.Next();
  EXPECT_THAT(RecordNow(folder.ledger(), event).status,
              StatusIs(StatusCode::kResourceExhausted, "is full"));
  plan->no_space = false;
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), event).status);
  folder.Close();
  EXPECT_EQ(Findings(folder.Audit()), "");
}

}  // namespace
}  // namespace custody
