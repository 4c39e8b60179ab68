// Rules that need other therapies, as a whole ledger answers them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/ledger/held_claims.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/registry_history.h"
#include "server/ledger/rows.h"
#include "server/store/rocks_store.h"
#include "tests/support/journey.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/main_path.h"
#include "tests/support/said_in_log.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

// What only the whole ledger knows is asked before an event is admitted (R05).
TEST(LedgerWideRulesTest, AShipperHoldsOneTherapyUntilItIsReceived) {
  LedgerFolder folder{false, pb::DEMO, TestWorld{}};
  TherapyRun one(folder.world(), "therapy/T1");
  folder.Begin();
  for (const char* therapy : {"T1", "T2"}) {
    Must(folder.ledger()
             .PutAttachment(therapy, "application/pdf", std::string(kJourneyFile))
             .status());
  }
  one.Through("packed");
  TherapyRun two(folder.world(), "therapy/T2", "02");
  two.Until("packed");
  folder.RecordWorld();
  EventBuilder packed = two.Next();
  ASSERT_FALSE(two.Judge(packed).refused()) << "its own chain knows nothing of it";
  const pb::SignedEvent signed_event = packed.Sign();
  folder.clock().Reach(folder.world().now());
  for (int round = 0; round < 2; ++round) {
    const RecordOutcome outcome = RecordNow(folder.ledger(), signed_event);
    EXPECT_FALSE(outcome.status.ok());
    EXPECT_NE(Message(outcome.status).find("therapy T1 has it"), std::string::npos)
        << Message(outcome.status);
    CUSTODY_ASSERT_OK(folder.Open());  // also what was written answers
  }
  ASSERT_FALSE(
      one.Record(one.Draft({"lab.wh.1"},
                           "received_mfg { received_at $T shipper $SCAN:SHP-1 seals $SCAN:SEAL-1 "
                           "seal_condition: SEAL_INTACT seal_opened_at $T containers "
                           "$SCAN:A999026000001 coi $SCAN:CHA999026000001 outer_damage: NO }"))
          .refused());
  folder.RecordWorld();
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), signed_event).status);
}

// What a therapy holds follows from its chain by the code that folds. A folder that another program
// wrote, or one that was killed while this was made, answers as rightly as one of its own (R05,
// R15).
TEST(LedgerWideRulesTest, WhatIsHeldIsMadeAnewBeforeAFolderOfAnotherProgramIsServed) {
  LedgerFolder folder{false, pb::DEMO, TestWorld{}};
  TherapyRun one(folder.world(), "therapy/T1");
  TherapyRun two(folder.world(), "therapy/T2", "02");
  folder.Begin();
  for (const char* therapy : {"T1", "T2"}) {
    Must(folder.ledger()
             .PutAttachment(therapy, "application/pdf", std::string(kJourneyFile))
             .status());
  }
  one.Through("packed");
  two.Until("packed");
  folder.RecordWorld();
  EventBuilder again = two.Next();  // into the shipper of the first
  ASSERT_FALSE(two.Judge(again).refused());
  const pb::SignedEvent signed_event = again.Sign();
  folder.clock().Reach(folder.world().now());
  const auto refused = [&](const std::string& when) {
    const RecordOutcome outcome = RecordNow(folder.ledger(), signed_event);
    EXPECT_FALSE(outcome.status.ok()) << when;
    EXPECT_NE(Message(outcome.status).find("therapy T1 has it"), std::string::npos)
        << when << ": " << Message(outcome.status);
  };
  refused("as written");
  std::vector<std::string> rows;
  const std::string making = HeldRowsVersion() + "@";
  for (const std::string& meta : {std::string(), std::string("of another program"), making}) {
    folder.Close();
    {
      CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store,
                                   OpenRocksStore({.folder = folder.path() / "db"}));
      const auto snapshot = store->GetSnapshot();
      std::vector<std::string> now;
      CUSTODY_ASSERT_OK(
          snapshot->Scan(Table::kIdentifiers, "held ", [&](std::string_view row, std::string_view) {
            if (row.starts_with("held ")) now.emplace_back(row);
            return row.starts_with("held ");
          }));
      if (rows.empty()) rows = now;
      EXPECT_EQ(now, rows) << "made anew they are what they were";
      Batch batch;
      for (const std::string& row : now) batch.Delete(Table::kIdentifiers, row);
      batch.Put(Table::kIdentifiers, rows.front() + "x", "");  // of code that folded otherwise
      if (meta == making) batch.Delete(Table::kIdentifiers, rows.front() + "x");
      batch.Put(Table::kMeta, kMetaHeld, meta);
      if (meta.empty()) batch.Delete(Table::kMeta, kMetaHeld);
      ASSERT_EQ(store->Commit(batch, snapshot->version(), snapshot->version().log_size).outcome,
                CommitOutcome::kCommitted);
    }
    CUSTODY_ASSERT_OK(folder.Open());
    refused("after \"" + meta + "\"");
  }
  EXPECT_FALSE(rows.empty());
}

// One block of one therapy is damaged: what it held is not free for others, whatever program serves
// the folder next; and when it can be read again nothing lacks any more.
TEST(LedgerWideRulesTest, WhatADamagedTherapyHeldStaysHeld) {
  LedgerFolder folder{false, pb::DEMO, TestWorld{}};
  TherapyRun one(folder.world(), "therapy/T1");
  TherapyRun two(folder.world(), "therapy/T2", "02");
  folder.Begin();
  for (const char* therapy : {"T1", "T2"}) {
    Must(folder.ledger()
             .PutAttachment(therapy, "application/pdf", std::string(kJourneyFile))
             .status());
  }
  const std::uint64_t enrolled = folder.world().next_index();
  one.Through("packed");
  two.Until("packed");
  folder.RecordWorld();
  EventBuilder again = two.Next();  // into the shipper of the first
  const pb::SignedEvent signed_event = again.Sign();
  folder.clock().Reach(folder.world().now());
  folder.Close();
  const auto change = [&](auto fill) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store,
                                 OpenRocksStore({.folder = folder.path() / "db"}));
    const auto snapshot = store->GetSnapshot();
    Batch batch;
    fill(*snapshot, batch);
    ASSERT_EQ(store->Commit(batch, snapshot->version(), snapshot->version().log_size).outcome,
              CommitOutcome::kCommitted);
  };
  std::string whole;
  change([&](const Snapshot& snapshot, Batch& batch) {
    whole = Must(snapshot.Get(Table::kSigned, U64(enrolled)));
    batch.Put(Table::kSigned, U64(enrolled), "no event");
    batch.Delete(Table::kFolds, "therapy/T1");
    const std::string prefix = "held ";
    std::vector<std::string> rows;
    Must(snapshot.Scan(Table::kIdentifiers, prefix, [&](std::string_view row, std::string_view) {
      if (row.starts_with(prefix)) rows.emplace_back(row);
      return row.starts_with(prefix);
    }));
    for (const std::string& row : rows) batch.Put(Table::kIdentifiers, row, "an older program");
    batch.Put(Table::kMeta, kMetaHeld, "of another program");
  });
  const auto bring_up = [&](const std::string& lacks) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store,
                                 OpenRocksStore({.folder = folder.path() / "db"}));
    const auto history = Must(RegistryHistory::Load(*store->GetSnapshot()));
    CUSTODY_ASSERT_OK(BringHeldClaimsUp(*store, history));
    const auto snapshot = store->GetSnapshot();
    EXPECT_EQ(Must(IndexLacks(*snapshot)), lacks);
    EXPECT_EQ(HeldClaims(*snapshot).HoldersOf({"shipper", "SHP-1", ""}, "T2"),
              std::vector<std::string>{"T1"});
  };
  bring_up("what 1 therapies hold");
  bring_up("what 1 therapies hold");
  change([&](const Snapshot&, Batch& batch) { batch.Put(Table::kSigned, U64(enrolled), whole); });
  bring_up("");
  change([&](const Snapshot& snapshot, Batch&) {
    bool old = false;
    Must(
        snapshot.Scan(Table::kIdentifiers, "held ", [&](std::string_view row, std::string_view by) {
          old = old || by == "an older program";
          return row.starts_with("held ");
        }));
    EXPECT_FALSE(old) << "all are this program's now";
  });
  CUSTODY_ASSERT_OK(folder.Open());
  EXPECT_FALSE(RecordNow(folder.ledger(), signed_event).status.ok());
}

// Whoever starts the server after an upgrade reads why it takes so long.
TEST(LedgerWideRulesTest, ALongUpgradeSaysInTheLogWhatItMakes) {
  LedgerFolder folder;
  folder.Begin();
  CUSTODY_ASSERT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  folder.Close();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore({.folder = folder.path() / "db"}));
  const auto history = Must(RegistryHistory::Load(*store->GetSnapshot()));
  const SaidInLog said;
  const auto upgrade = [&](std::uint64_t soon_done) {
    Batch batch;
    batch.Put(Table::kMeta, kMetaHeld, "of another program");
    const StoreVersion now = store->GetSnapshot()->version();
    EXPECT_EQ(store->Commit(batch, now, now.log_size).outcome, CommitOutcome::kCommitted);
    CUSTODY_EXPECT_OK(BringHeldClaimsUp(*store, history, soon_done));
  };
  upgrade(kSoonDone);
  EXPECT_EQ(said.text(), "") << "a small ledger is open before anybody wonders";
  upgrade(0);
  EXPECT_NE(said.text().find("what therapies hold is made anew"), std::string::npos) << said.text();
}

// Types that are the ledger's own would tell who holds what.
TEST(LedgerWideRulesTest, WhatIsHeldIsFoundByNobody) {
  LedgerFolder folder{false, pb::DEMO, TestWorld{}};
  TherapyRun one(folder.world(), "therapy/T1");
  folder.Begin();
  Must(folder.ledger().PutAttachment("T1", "application/pdf", std::string(kJourneyFile)).status());
  one.Through("packed");
  folder.RecordWorld();
  for (const char* type : {"held shipper", "held ", "no such type"}) {
    pb::FindRequest request;
    request.set_type(type);
    request.set_value("SHP-1");
    EXPECT_THAT(folder.ledger().Find(request),
                StatusIs(StatusCode::kInvalidArgument, "there is no type of identifier"));
    EXPECT_THAT(folder.ledger().TherapiesNaming(type, "SHP-1", true),
                StatusIs(StatusCode::kInvalidArgument, "there is no type of identifier"));
  }
}

// Who wants the first few rows only is not given those of the next type.
TEST(LedgerWideRulesTest, AScanEndsWhereItsTakerSaysSo) {
  LedgerFolder folder;
  folder.Begin();
  CUSTODY_ASSERT_OK(RecordNow(folder.ledger(), folder.Next()).status);
  folder.Close();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto store, OpenRocksStore({.folder = folder.path() / "db"}));
  std::vector<std::string> types = IndexTypes();
  types.emplace_back("therapy");  // twice, so that there are two rows
  for (const int most : {1, 2}) {
    int taken = 0;
    CUSTODY_ASSERT_OK(
        ScanIdentifiers(*store->GetSnapshot(), types, "T1", false,
                        [&](const std::string&, std::string_view) { return ++taken < most; }));
    EXPECT_EQ(taken, most);
  }
}

// A sector that cannot be read for once.
class FailsOnce final : public Snapshot {
 public:
  const StoreVersion& version() const override { return version_; }
  StatusOr<std::string> Get(Table, std::string_view) const override { return NotFound("no row"); }
  Status Scan(Table, std::string_view, const Visitor&) const override {
    return std::exchange(failed_, true) ? Status() : Unavailable("a bad sector");
  }
  Status ScanBackwards(Table, std::string_view, const Visitor&) const override { return {}; }

 private:
  StoreVersion version_;
  mutable bool failed_ = false;
};

TEST(LedgerWideRulesTest, AFailedLookIsToldOfTheEventItWasForAndOfNoOther) {
  const FailsOnce snapshot;
  HeldClaims held(snapshot);
  EXPECT_TRUE(held.HoldersOf({"lot", "LOT-1", ""}, "T1").empty());
  EXPECT_THAT(held.TakeStatus(), StatusIs(StatusCode::kUnavailable));
  EXPECT_TRUE(held.HoldersOf({"lot", "LOT-1", ""}, "T1").empty());
  CUSTODY_EXPECT_OK(held.TakeStatus());
}

}  // namespace
}  // namespace custody
