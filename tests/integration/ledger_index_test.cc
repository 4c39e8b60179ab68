// The rows that a ledger draws from its events: brought up when the folder is opened, and what is
// said of entries that cannot be read then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "server/ledger/held_claims.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/lacks.h"
#include "server/ledger/registry_history.h"
#include "server/ledger/rows.h"
#include "tests/integration/stored_ledger.h"
#include "tests/support/said_in_log.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using StorePtr = std::unique_ptr<Store>;

// A store that cannot read one of its signed events, so many times as `left` says.
class BadSector final : public Store {
 public:
  BadSector(StorePtr store, std::string key, std::atomic<int>& left,
            std::string why = "a bad sector")
      : store_(std::move(store)), fault_{std::move(key), std::move(why), left} {}

  std::unique_ptr<const Snapshot> GetSnapshot() const override {
    return std::make_unique<View>(store_->GetSnapshot(), fault_);
  }
  CommitResult Commit(const Batch& batch, const StoreVersion& expected,
                      std::uint64_t new_log_size) override {
    return store_->Commit(batch, expected, new_log_size);
  }
  Status WriteUnsynced(const Batch& batch) override { return store_->WriteUnsynced(batch); }
  Status Backup(const std::filesystem::path& folder) override { return store_->Backup(folder); }
  std::uint64_t syncs() const override { return store_->syncs(); }

 private:
  struct Fault {
    std::string key;
    std::string why;
    std::atomic<int>& left;
  };
  class View final : public Snapshot {
   public:
    View(std::unique_ptr<const Snapshot> whole, const Fault& fault)
        : whole_(std::move(whole)), fault_(fault) {}
    const StoreVersion& version() const override { return whole_->version(); }
    StatusOr<std::string> Get(Table table, std::string_view key) const override {
      const bool bad = table == Table::kSigned && key == fault_.key;
      if (bad && fault_.left-- > 0) return Unavailable(fault_.why);
      if (table == Table::kFolds) return NotFound("none is kept");
      return whole_->Get(table, key);
    }
    Status Scan(Table table, std::string_view from, const Visitor& visit) const override {
      return whole_->Scan(table, from, visit);
    }
    Status ScanBackwards(Table table, std::string_view from, const Visitor& visit) const override {
      return whole_->ScanBackwards(table, from, visit);
    }

   private:
    std::unique_ptr<const Snapshot> whole_;
    const Fault& fault_;
  };

  StorePtr store_;
  const Fault fault_;
};

constexpr int kAlways = 1'000'000;

class LedgerIndexTest : public StoredLedgerTest {};

// A folder of an earlier program, whose index knew no people: found by them all the same, from the
// first opening on, and also when that was cut short.
TEST_F(LedgerIndexTest, AnIndexThatKnewLessIsBroughtUpBeforeAnythingIsServed) {
  folder_.Begin();
  RecordSome(3);
  const auto naming = [&] {
    return Must(folder_.ledger().TherapiesNaming("person", "clinic.rn.1", false));
  };
  ASSERT_EQ(naming(), std::vector<std::string>{"T1"});
  folder_.Close();
  for (const std::string& version :
       {std::string(), std::string("1"), std::string(kIndexVersion) + "@0"}) {
    Batch batch;
    for (const char* person : {"clinic.rn.1", "clinic.rn.2"}) {
      batch.Delete(Table::kIdentifiers, IdentifierRow("person", person, "therapy/T1"));
    }
    batch.Put(Table::kMeta, kMetaIndex, version);
    if (version.empty()) batch.Delete(Table::kMeta, kMetaIndex);
    Commit(*OpenStore(), batch);
    CUSTODY_ASSERT_OK(folder_.Open());
    EXPECT_EQ(naming(), std::vector<std::string>{"T1"}) << "version \"" << version << "\"";
    folder_.Close();
    EXPECT_EQ(Must(Row(Table::kMeta, kMetaIndex)), kIndexVersion);
  }
  CUSTODY_ASSERT_OK(folder_.Open());
  RecordSome(1);  // and it goes on
}

// An entry of years ago keeps nobody from recording today, and no "nobody has it" is given for it.
TEST_F(LedgerIndexTest, WhatCannotBeReadIsLeftOutOfTheIndexAndRemembered) {
  folder_.Begin();
  RecordSome(3);
  const std::uint64_t last = folder_.ledger().GetStatus().entries() - 1;
  EXPECT_EQ(Must(folder_.ledger().IndexLacks()), "");
  folder_.Close();
  const std::string whole = Must(Row(Table::kSigned, U64(last)));
  Overwrite(Table::kSigned, U64(last), "no event");
  const StorePtr store = OpenStore();
  for (const std::string_view meta : {kMetaIndex, kMetaHeld}) {
    Batch batch;
    batch.Delete(Table::kMeta, meta);
    Commit(*store, batch);
  }
  CUSTODY_ASSERT_OK(BringIndexUp(*store));
  EXPECT_EQ(Must(IndexLacks(*store->GetSnapshot())), "entry " + std::to_string(last));
  EXPECT_EQ(Must(TherapiesNaming(*store->GetSnapshot(), "therapy", "T1", false)),
            std::vector<std::string>{"T1"});
  const auto history = Must(RegistryHistory::Load(*store->GetSnapshot()));
  CUSTODY_ASSERT_OK(BringHeldClaimsUp(*store, history));
  EXPECT_EQ(Must(IndexLacks(*store->GetSnapshot())),
            "entry " + std::to_string(last) + ", and what 1 therapies hold");
  EXPECT_EQ(Must(GetMeta(*store->GetSnapshot(), kMetaHeld)), HeldRowsVersion());
  // Read again at each opening, until nothing lacks.
  const auto put = [&](Table table, std::string_view key, std::string_view value) {
    Batch batch;
    batch.Put(table, key, value);
    Commit(*store, batch);
  };
  const auto bring_up = [&] {
    CUSTODY_EXPECT_OK(BringIndexUp(*store));
    CUSTODY_EXPECT_OK(BringHeldClaimsUp(*store, history));
    return Must(IndexLacks(*store->GetSnapshot()));
  };
  EXPECT_EQ(bring_up(), "entry " + std::to_string(last) + ", and what 1 therapies hold");
  put(Table::kMeta, kMetaIndexLacks,
      "entry 1: x\nentry " + std::to_string(last) + ": x\nand 7 more\n");
  EXPECT_EQ(bring_up(), "entry " + std::to_string(last) + " and 7 more, and what 1 therapies hold");
  put(Table::kSigned, U64(last), whole);
  EXPECT_EQ(bring_up(), "") << "all was read anew, as nobody knows which the others were";
  EXPECT_FALSE(Must(GetMeta(*store->GetSnapshot(), kMetaIndexLacks)).has_value());
}

TEST_F(LedgerIndexTest, WhatCannotBeReadIsCountedAlsoWhereNoLineIsKept) {
  Lacks lacks;
  for (int i = 0; i < 40; ++i) AddLack(lacks, "entry " + std::to_string(i), Unavailable("a\nb"));
  AddLack(lacks, "entry 3", Unavailable("again"));
  EXPECT_EQ(lacks.size(), 40U);
  EXPECT_EQ(lacks.lines.front(), "entry 0: a");
}

// One bad sector is no reason to keep everybody from recording.
TEST_F(LedgerIndexTest, WhatTheDiskDoesNotGiveIsLeftOutAsWhatIsDamaged) {
  folder_.Begin();
  RecordSome(3);
  const std::uint64_t entries = folder_.ledger().GetStatus().entries();
  folder_.Close();
  Overwrite(Table::kMeta, kMetaIndex, "1");
  Overwrite(Table::kMeta, kMetaHeld, "1");
  const std::string entry = "entry " + std::to_string(entries - 3);
  for (const std::string& key : {U64(entries - 3), std::string()}) {
    std::atomic<int> left = kAlways;
    BadSector store(OpenStore(), key, left);
    CUSTODY_ASSERT_OK(BringIndexUp(store));
    CUSTODY_ASSERT_OK(BringHeldClaimsUp(store, Must(RegistryHistory::Load(*store.GetSnapshot()))));
    EXPECT_EQ(Must(IndexLacks(*store.GetSnapshot())),
              key.empty() ? "" : entry + ", and what 1 therapies hold");
  }
  CUSTODY_ASSERT_OK(folder_.Open());
  RecordSome(1);
}

// What a bad moment kept from being read is no damage: it is read again before anything is served.
TEST_F(LedgerIndexTest, WhatIsReadAtTheSecondTryLacksNowhere) {
  folder_.Begin();
  RecordSome(3);
  const std::string key = U64(folder_.ledger().GetStatus().entries() - 3);
  folder_.Close();
  for (const std::string_view meta : {kMetaIndex, kMetaHeld}) {
    Overwrite(Table::kMeta, meta, "1");
    std::atomic<int> left = 1;
    BadSector store(OpenStore(), key, left);
    CUSTODY_ASSERT_OK(BringIndexUp(store));
    CUSTODY_ASSERT_OK(BringHeldClaimsUp(store, Must(RegistryHistory::Load(*store.GetSnapshot()))));
    EXPECT_LT(left.load(), 1) << "the fault was met";
    EXPECT_EQ(Must(IndexLacks(*store.GetSnapshot())), "");
  }
}

// Of a machine that runs out of files nothing is believed: who opened it so would be told "nobody
// has it" of all that it did not read.
TEST_F(LedgerIndexTest, AMachineThatIsShortOpensNothingAndLosesNothing) {
  folder_.Begin();
  RecordSome(3);
  const std::string key = U64(folder_.ledger().GetStatus().entries() - 3);
  folder_.Close();
  std::atomic<int> left = kAlways;
  folder_.options().open_store = [&](const StoreOptions& options) -> StatusOr<StorePtr> {
    CUSTODY_ASSIGN_OR_RETURN(StorePtr store, OpenRocksStore(options));
    return std::make_unique<BadSector>(std::move(store), key, left,
                                       "IO error: db/000012.sst: Too many open files");
  };
  for (const std::string_view meta : {kMetaIndex, kMetaHeld}) {
    Overwrite(Table::kMeta, meta, "1");
    left = kAlways;
    {
      BadSector store(OpenStore(), key, left, "Too many open files");
      const auto history = Must(RegistryHistory::Load(*store.GetSnapshot()));
      EXPECT_THAT(meta == kMetaIndex ? BringIndexUp(store) : BringHeldClaimsUp(store, history),
                  StatusIs(StatusCode::kUnavailable, "Too many open files"));
      EXPECT_EQ(Must(IndexLacks(*store.GetSnapshot())), "");
    }
    const Status refused = folder_.Open();
    EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, "the ledger was not opened"));
    EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, "the limit of open files"));
    left = 0;
    CUSTODY_ASSERT_OK(folder_.Open());
    EXPECT_EQ(Must(folder_.ledger().IndexLacks()), "");
    EXPECT_EQ(Must(folder_.ledger().TherapiesNaming("therapy", "T1", false)).size(), 1U);
    folder_.Close();
  }
}

TEST_F(LedgerIndexTest, WhatLacksIsToldInTheLogWithWhatToDo) {
  folder_.Begin();
  RecordSome(2);
  const std::uint64_t enrolled = folder_.ledger().GetStatus().entries() - 2;
  folder_.Close();
  const auto open = [&](int left_to_fail) {
    std::atomic<int> left = left_to_fail;
    BadSector store(OpenStore(), U64(enrolled), left);
    CUSTODY_EXPECT_OK(BringIndexUp(store));
    CUSTODY_EXPECT_OK(BringHeldClaimsUp(store, Must(RegistryHistory::Load(*store.GetSnapshot()))));
    const SaidInLog said;
    CUSTODY_EXPECT_OK(WarnOfLacks(*store.GetSnapshot()));
    return said.text();
  };
  Overwrite(Table::kMeta, kMetaIndex, "1");
  Overwrite(Table::kMeta, kMetaHeld, "1");
  EXPECT_THAT(open(kAlways),
              AllOf(HasSubstr("cannot be read: entry " + std::to_string(enrolled) + ":"),
                    HasSubstr("cannot be read: therapy T1:"),
                    HasSubstr("1 entries are not in the index of identifiers, and of 1 therapies"),
                    HasSubstr("Run custody-admin check on the data folder"),
                    HasSubstr("start the server again")));
  EXPECT_EQ(open(0), "") << "and no more once it can be read";
}

// Whoever adds a type of identifier raises kIndexVersion, and this list with it: a folder whose
// index was made without it would find nothing by it.
TEST_F(LedgerIndexTest, TheIndexHasANewVersionWheneverItHasANewType) {
  EXPECT_EQ(kIndexVersion, "2");
  std::string types;
  for (const std::string& type : IndexTypes()) types += (types.empty() ? "" : " ") + type;
  EXPECT_EQ(types,
            "coi din lot container cassette shipper logger seal waybill equipment reagent vector "
            "location certificate order sample shipment run therapy");
}

}  // namespace
}  // namespace custody
