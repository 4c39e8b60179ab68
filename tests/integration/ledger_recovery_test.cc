// Closing, killing, damaging and replacing: what a ledger says when it is opened again.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "crypto/file.h"
#include "server/ledger/rows.h"
#include "tests/integration/stored_ledger.h"
#include "tests/support/audits.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

namespace fs = std::filesystem;

class LedgerRecoveryTest : public StoredLedgerTest {};

TEST_F(LedgerRecoveryTest, CreateRefusesASecondLedgerAndAGenesisOfAnotherKey) {
  CUSTODY_ASSERT_OK(folder_.Create());
  EXPECT_THAT(folder_.Create(), StatusIs(StatusCode::kAlreadyExists));
  const TestLedger other(pb::DEMO, "two", {.small = true});
  LedgerOptions elsewhere = folder_.options();
  elsewhere.folder = folder_.path() / "elsewhere";
  EXPECT_THAT(Ledger::Create(elsewhere, other.log()[0].signed_event, folder_.world().log_key()),
              StatusIs(StatusCode::kInvalidArgument, "log key"));
  CUSTODY_EXPECT_OK(Ledger::Create(elsewhere, other.log()[0].signed_event, other.log_key()));
}

TEST_F(LedgerRecoveryTest, OpenWantsTheLedgersOwnLogKey) {
  folder_.Begin();
  folder_.Close();
  const TestLedger other(pb::DEMO, "two", {.small = true});
  fs::remove(folder_.path() / "log.key");
  CUSTODY_ASSERT_OK(other.log_key().SavePlain(folder_.path() / "log.key"));
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kFailedPrecondition, "log key"));
}

TEST_F(LedgerRecoveryTest, WhatWasAcknowledgedIsThereInACopyTakenWhileItRan) {
  folder_.Begin();
  RecordSome(5);
  const std::uint64_t entries = folder_.ledger().GetStatus().entries();
  // A copy of a running folder is what a kill leaves behind.
  const fs::path copy = folder_.path() / "copy";
  fs::create_directory(copy);
  fs::copy(folder_.path() / "db", copy / "db", fs::copy_options::recursive);
  fs::copy(folder_.path() / "anchor", copy / "anchor");
  LedgerOptions options = folder_.options();
  options.folder = copy;
  CUSTODY_ASSERT_OK_AND_ASSIGN(PrivateKey key, PrivateKey::LoadPlain(folder_.path() / "log.key"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto ledger, Ledger::Open(options, std::move(key)));
  EXPECT_EQ(ledger->GetStatus().entries(), entries);
  CUSTODY_EXPECT_OK(RecordNow(*ledger, folder_.Next()).status);
}

TEST_F(LedgerRecoveryTest, AnOlderDatabaseUnderANewerAnchorIsRefused) {
  folder_.Begin();
  folder_.Close();
  const fs::path old = folder_.path() / "old";
  fs::copy(folder_.path() / "db", old, fs::copy_options::recursive);
  CUSTODY_ASSERT_OK(folder_.Open());
  RecordSome(3);
  folder_.Close();
  fs::remove_all(folder_.path() / "db");
  fs::rename(old, folder_.path() / "db");
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss, "when the anchor was written"));
}

TEST_F(LedgerRecoveryTest, AMissingOrTornAnchorIsRefusedAndOneTornSlotIsNot) {
  folder_.Begin();
  RecordSome(2);
  folder_.Close();
  CUSTODY_ASSERT_OK(folder_.Open());
  folder_.Close();  // both slots are written now
  const fs::path anchor = folder_.path() / "anchor";
  const auto tear = [&](std::streamoff slot) {
    std::fstream file(anchor, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(slot * 4096 + 60);
    file.put('#');
  };
  tear(0);
  CUSTODY_EXPECT_OK(folder_.Open());
  folder_.Close();
  tear(0);
  tear(1);
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss, "neither slot"));
  fs::remove(anchor);
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss, "is missing"));
}

TEST_F(LedgerRecoveryTest, DamageInTheTailIsNamed) {
  folder_.Begin();
  RecordSome(4);
  const std::uint64_t last = folder_.ledger().GetStatus().entries() - 1;
  folder_.Close();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string entry, Row(Table::kEntries, U64(last - 1)));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string event, Row(Table::kSigned, U64(last - 1)));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string node, Row(Table::kNodes, NodeRow(0, 0)));
  const auto flipped = [](std::string bytes, std::size_t at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    return bytes;
  };
  const std::string name = "entry " + std::to_string(last - 1);

  Overwrite(Table::kEntries, U64(last - 1), flipped(entry, entry.size() - 3));
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss, name));
  Overwrite(Table::kEntries, U64(last - 1), entry);
  Overwrite(Table::kSigned, U64(last - 1), flipped(event, event.size() - 3));
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss, name));
  Overwrite(Table::kSigned, U64(last - 1), event);
  Overwrite(Table::kNodes, NodeRow(0, 0), flipped(node, 40));
  EXPECT_THAT(folder_.Open(), StatusIs(StatusCode::kDataLoss));
  Overwrite(Table::kNodes, NodeRow(0, 0), node);
  CUSTODY_EXPECT_OK(folder_.Open());
}

TEST_F(LedgerRecoveryTest, ALedgerThatIsOpenCannotBeOpenedAgain) {
  folder_.Begin();
  CUSTODY_ASSERT_OK_AND_ASSIGN(PrivateKey key, PrivateKey::LoadPlain(folder_.path() / "log.key"));
  EXPECT_THAT(Ledger::Open(folder_.options(), std::move(key)),
              StatusIs(StatusCode::kUnavailable, "is open already"));
}

TEST_F(LedgerRecoveryTest, ABackupOpensAsALedgerOfItsMoment) {
  folder_.Begin();
  RecordSome(3);
  const fs::path copy = folder_.path() / "backup";
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::BackupReply backup, folder_.ledger().Backup(copy));
  EXPECT_GT(backup.bytes(), 1000U);
  EXPECT_THAT(folder_.ledger().Backup(copy), StatusIs(StatusCode::kAlreadyExists));
  RecordSome(1);
  LedgerOptions options = folder_.options();
  options.folder = copy;
  CUSTODY_ASSERT_OK_AND_ASSIGN(PrivateKey key, PrivateKey::LoadPlain(folder_.path() / "log.key"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto ledger, Ledger::Open(options, std::move(key)));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string newest, ledger->GetCheckpoint(std::nullopt));
  EXPECT_EQ(newest, backup.checkpoint());

  // The restored ledger does not know what was promised since: it turns read-only when it is told.
  pb::HelloRequest hello;
  CUSTODY_ASSERT_OK_AND_ASSIGN(*hello.mutable_last_checkpoint(),
                               folder_.ledger().GetCheckpoint(std::nullopt));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HelloReply reply, ledger->Hello(hello));
  EXPECT_TRUE(reply.read_only());
  EXPECT_THAT(RecordNow(*ledger, folder_.Next()).status,
              StatusIs(StatusCode::kFailedPrecondition, "read-only"));
  hello.set_last_checkpoint(newest);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HelloReply own, folder_.ledger().Hello(hello));
  EXPECT_FALSE(own.read_only());
  EXPECT_FALSE(own.consistency().empty());
}

TEST(LedgerReadOnlyTest, TheVaultIsWrittenNoMoreThanTheLog) {
  LedgerFolder folder;
  folder.Begin();
  const fs::path copy = folder.path() / "backup";
  CUSTODY_ASSERT_OK(folder.ledger().Backup(copy));
  CUSTODY_ASSERT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  pb::HelloRequest knowing;
  CUSTODY_ASSERT_OK_AND_ASSIGN(*knowing.mutable_last_checkpoint(),
                               folder.ledger().GetCheckpoint(std::nullopt));
  LedgerOptions options = folder.options();
  options.folder = copy;
  CUSTODY_ASSERT_OK_AND_ASSIGN(PrivateKey key, PrivateKey::LoadPlain(folder.path() / "log.key"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto restored, Ledger::Open(options, std::move(key)));
  CUSTODY_ASSERT_OK(restored->Hello(knowing));
  pb::PutSubjectRequest subject;
  subject.set_therapy("T1");
  EXPECT_THAT(restored->PutSubject(subject),
              StatusIs(StatusCode::kFailedPrecondition, "read-only"));
  EXPECT_THAT(restored->PutAttachment("T1", "text/plain", "curve"),
              StatusIs(StatusCode::kFailedPrecondition, "read-only"));
}

TEST(LedgerReadsTest, WhoLookedAtANameIsDurableBeforeTheNameIsTold) {
  LedgerFolder folder(true);
  folder.Begin();
  pb::AccessRecord record;
  *record.mutable_at() = ToProto(folder.ledger().Now());
  record.set_therapy("T1");
  const std::uint64_t before = folder.disk().commits;
  CUSTODY_ASSERT_OK(folder.ledger().LogRead(record, /*durable=*/false));
  EXPECT_EQ(folder.disk().commits, before);
  CUSTODY_ASSERT_OK(folder.ledger().LogRead(record, /*durable=*/true));
  EXPECT_EQ(folder.disk().commits, before + 1);
  int found = 0;
  CUSTODY_ASSERT_OK(folder.ledger().ReadAccessLog({}, [&found](const pb::AccessRecord&) {
    ++found;
    return true;
  }));
  EXPECT_EQ(found, 2);
}

TEST(LedgerClockTest, AJumpHoldsRecordingUntilItIsConfirmed) {
  LedgerFolder folder(true);
  folder.Begin();
  folder.clock().Pass(30 * kMicrosPerDay);  // passing is not jumping
  folder.world().set_now(folder.clock().Now());
  CUSTODY_ASSERT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  folder.clock().Jump(2 * kMicrosPerMinute);
  const pb::SignedEvent event = folder.Next();
  EXPECT_THAT(RecordNow(folder.ledger(), event).status,
              StatusIs(StatusCode::kFailedPrecondition, "jumped"));
  pb::SetClockRequest confirm;
  confirm.set_confirm_jump(true);
  CUSTODY_ASSERT_OK(folder.ledger().SetClock(confirm));
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), event).status);
}

TEST(LedgerClockTest, OpeningTooLateOrTooEarlyHoldsRecording) {
  LedgerFolder folder(true);
  folder.Begin();
  for (const std::int64_t jump : {8 * kMicrosPerDay, -16 * kMicrosPerDay}) {
    folder.Close();
    folder.clock().Jump(jump);
    CUSTODY_ASSERT_OK(folder.Open());
    EXPECT_THAT(
        RecordNow(folder.ledger(), ConsentWithdrawnBy(folder.world(), "therapy/T1").Sign()).status,
        StatusIs(StatusCode::kFailedPrecondition, "last entry"));
  }
  folder.clock().Jump(8 * kMicrosPerDay);
  folder.options().force_clock = true;
  CUSTODY_ASSERT_OK(folder.Open());
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), folder.Next()).status);
}

TEST(LedgerClockTest, ADemoClockMovesForwardsOnlyAndStaysMoved) {
  LedgerFolder folder(true);
  folder.Begin();
  pb::SetClockRequest move;
  *move.mutable_time() = ToProto(folder.clock().Now() + 21 * kMicrosPerDay);
  CUSTODY_ASSERT_OK(folder.ledger().SetClock(move));
  EXPECT_EQ(folder.ledger().Now(), folder.clock().Now() + 21 * kMicrosPerDay);
  *move.mutable_time() = ToProto(folder.clock().Now());
  EXPECT_THAT(folder.ledger().SetClock(move), StatusIs(StatusCode::kInvalidArgument));
  CUSTODY_ASSERT_OK(folder.Open());
  EXPECT_EQ(folder.ledger().Now(), folder.clock().Now() + 21 * kMicrosPerDay);
  folder.world().set_now(folder.ledger().Now());
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HelloReply hello, folder.ledger().Hello({}));
  EXPECT_EQ(hello.clock_offset_ms(), 21 * kMicrosPerDay / 1000);
}

TEST(LedgerClockTest, OnlyADemoLedgersClockMoves) {
  LedgerFolder folder(true, pb::VALIDATION);
  folder.Begin();
  pb::SetClockRequest move;
  *move.mutable_time() = ToProto(folder.clock().Now() + kMicrosPerDay);
  EXPECT_THAT(folder.ledger().SetClock(move), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(LedgerVaultTest, AttachmentsAndSubjectsComeBackAndRestSealed) {
  LedgerFolder folder;
  folder.Begin();
  const std::string bytes = std::string(3'000'000, 'q') + "end";
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::PutAttachmentReply put,
                               folder.ledger().PutAttachment("T1", "text/plain", bytes));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash sha256, Hash::FromBytes(put.sha256()));
  EXPECT_EQ(sha256, Sha256(bytes));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto got, folder.ledger().GetAttachment("T1", sha256));
  EXPECT_EQ(got.first, bytes);
  EXPECT_EQ(got.second, "text/plain");
  EXPECT_THAT(folder.ledger().GetAttachment("T2", sha256), StatusIs(StatusCode::kNotFound));

  pb::PutSubjectRequest subject;
  subject.set_therapy("T1");
  subject.set_secret(std::string(32, 's'));
  subject.add_identifiers()->set_value("4711-named-patient");
  CUSTODY_ASSERT_OK(folder.ledger().PutSubject(subject));
  subject.set_secret(std::string(32, 't'));
  EXPECT_THAT(folder.ledger().PutSubject(subject), StatusIs(StatusCode::kAlreadyExists));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::GetSubjectReply reply, folder.ledger().GetSubject("T1"));
  EXPECT_EQ(reply.secret(), std::string(32, 's'));
  ASSERT_EQ(reply.identifiers_size(), 1);

  folder.Close();
  for (const auto& item : fs::recursive_directory_iterator(folder.path() / "db")) {
    if (!item.is_regular_file()) continue;
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string all, ReadFile(item.path(), 64 << 20));
    EXPECT_EQ(all.find("4711-named-patient"), std::string::npos) << item.path();
    EXPECT_EQ(all.find(std::string(100, 'q')), std::string::npos) << item.path();
  }
  CUSTODY_ASSERT_OK(WriteFileAtomically(folder.path() / "vault.key", std::string(32, 'w'), 0600));
  CUSTODY_ASSERT_OK(folder.Open());
  EXPECT_THAT(folder.ledger().GetSubject("T1"),
              StatusIs(StatusCode::kFailedPrecondition, "another epoch key"));
}

}  // namespace
}  // namespace custody
