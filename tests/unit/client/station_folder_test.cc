// What a station keeps must outlive its programs: every test opens the folder anew, as the next
// program does, also one that was killed between two steps.

#include "client/station_folder.h"

#include <gtest/gtest.h>

#include "crypto/file.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

const std::string& TrustJson() {
  static const std::string json = [] {
    const TestLedger ledger(pb::DEMO, "one", {.small = true});
    return TrustIn(ledger).ToJson();
  }();
  return json;
}

class StationFolderTest : public ::testing::Test {
 protected:
  StationFolderTest() {
    const StationFolder::Settings settings{"127.0.0.1:7443", "clinic.station.1", "CLINIC",
                                           "Europe/Berlin"};
    CUSTODY_CHECK(StationFolder::Create(path_, settings, TrustJson(), "ca", "certificate").ok());
  }
  StationFolder Open() {
    StatusOr<StationFolder> folder = StationFolder::Open(path_);
    CUSTODY_CHECK(folder.ok());
    return *std::move(folder);
  }
  static pb::SignedEvent Event(const std::string& payload) {
    pb::SignedEvent event;
    event.set_payload(payload);
    event.add_signatures()->set_value("signature of " + payload);
    return event;
  }
  static pb::Receipt Receipt(std::uint64_t index) {
    pb::Receipt receipt;
    receipt.set_index(index);
    receipt.set_entry("entry");
    return receipt;
  }
  std::vector<std::string> Waiting() {
    const StationFolder folder = Open();
    std::vector<std::string> payloads;
    const auto items = folder.Outbox().value();
    for (const auto& item : items) payloads.push_back(folder.ReadOutbox(item)->payload());
    return payloads;
  }

  TempDir temp_;
  const std::filesystem::path path_ = temp_ / "station";
};

TEST_F(StationFolderTest, WhatWasHandedOverIsReadBack) {
  const StationFolder folder = Open();
  EXPECT_EQ(folder.settings().server, "127.0.0.1:7443");
  EXPECT_EQ(folder.settings().station, "clinic.station.1");
  EXPECT_EQ(folder.settings().site, "CLINIC");
  EXPECT_EQ(folder.settings().zone, "Europe/Berlin");
  EXPECT_TRUE(folder.trust().genesis.has_value());
  EXPECT_EQ(ReadFile(path_ / "tls/ca.pem", 100).value(), "ca");
}

TEST_F(StationFolderTest, AFolderIsMadeOnceAndOnlyAFolderIsOpened) {
  EXPECT_THAT(StationFolder::Create(path_, {}, TrustJson(), "", ""),
              StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(StationFolder::Open(temp_ / "none"), StatusIs(StatusCode::kNotFound, "join"));
  EXPECT_THAT(StationFolder::Create(temp_ / "other", {}, "{}", "", ""),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(StationFolderTest, SettingsThatAreNotUnderstoodAreRefused) {
  for (const char* toml : {"server = \"a:1\"\n",
                           "server = 7\nstation = \"s\"\nsite = \"S\"\n"
                           "zone = \"UTC\"\n",
                           "server = \"a:1\"\nstation = \"s\"\nsite = \"S\"\nzone = \"UTC\"\n"
                           "password = \"x\"\n",
                           "server = \n"}) {
    CUSTODY_ASSERT_OK(WriteFileAtomically(path_ / "station.toml", toml));
    EXPECT_THAT(StationFolder::Open(path_), StatusIs(StatusCode::kInvalidArgument)) << toml;
  }
}

TEST_F(StationFolderTest, TheLastCheckpointIsKept) {
  EXPECT_EQ(Open().LastCheckpoint().value(), "");
  CUSTODY_ASSERT_OK(Open().KeepCheckpoint("note one"));
  CUSTODY_ASSERT_OK(Open().KeepCheckpoint("note two"));
  EXPECT_EQ(Open().LastCheckpoint().value(), "note two");
}

TEST_F(StationFolderTest, TheOutboxKeepsItsOrderAcrossPrograms) {
  EXPECT_TRUE(Waiting().empty());
  for (int i = 0; i < 12; ++i) CUSTODY_ASSERT_OK(Open().Enqueue(Event(std::to_string(i))));
  const std::vector<std::string> waiting = Waiting();
  ASSERT_EQ(waiting.size(), 12u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(waiting[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(StationFolderTest, WhatIsTakenAwayDoesNotLendItsPlaceToTheNext) {
  for (const char* name : {"a", "b"}) CUSTODY_ASSERT_OK(Open().Enqueue(Event(name)));
  const StationFolder folder = Open();
  const auto items = folder.Outbox().value();
  CUSTODY_ASSERT_OK(folder.Dequeue(items[0], Event("a")));
  CUSTODY_ASSERT_OK(
      folder.Dequeue(items[0], Event("a")));  // the retry of a program that was killed here
  CUSTODY_ASSERT_OK(folder.Enqueue(Event("c")));
  EXPECT_EQ(Waiting(), (std::vector<std::string>{"b", "c"}));
}

TEST_F(StationFolderTest, AHalfWrittenItemIsNoItem) {
  CUSTODY_ASSERT_OK(Open().Enqueue(Event("a")));
  // What a program leaves that is killed while it writes: a temporary beside, never a half item.
  CUSTODY_ASSERT_OK(WriteFileAtomically(path_ / "outbox/00000002.event.tmp", "half"));
  EXPECT_EQ(Waiting(), std::vector<std::string>{"a"});
  CUSTODY_ASSERT_OK(WriteFileAtomically(path_ / "outbox/00000002.event", "\xff"));
  EXPECT_THAT(Open().ReadOutbox(path_ / "outbox/00000002.event"),
              StatusIs(StatusCode::kDataLoss, "damaged"));
}

TEST_F(StationFolderTest, AReceiptIsKeptWithItsEventAndKeptAgainAfterAKill) {
  const pb::SignedEvent event = Event("a");
  CUSTODY_ASSERT_OK(Open().KeepReceipt("therapy/T1", 3, event, Receipt(7)));
  CUSTODY_ASSERT_OK(Open().KeepReceipt("therapy/T1", 3, event, Receipt(7)));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::StoredReceipt kept, Open().KeptReceipt("therapy/T1", 3));
  EXPECT_EQ(kept.signed_().SerializeAsString(), event.SerializeAsString());
  EXPECT_EQ(kept.receipt().index(), 7u);
  EXPECT_THAT(Open().KeptEvent("therapy/T1", 4), StatusIs(StatusCode::kNotFound));
  CUSTODY_EXPECT_OK(Open().KeepReceipt("registry", 0, event, Receipt(0)));
  CUSTODY_EXPECT_OK(Open().KeepReceipt("registry/CLINIC", 0, event, Receipt(1)));
}

TEST_F(StationFolderTest, TwoEventsProvedForOnePlaceAreEvidence) {
  CUSTODY_ASSERT_OK(Open().KeepReceipt("therapy/T1", 3, Event("a"), Receipt(7)));
  EXPECT_THAT(Open().KeepReceipt("therapy/T1", 3, Event("b"), Receipt(7)),
              StatusIs(StatusCode::kDataLoss, "rewrote history"));
  EXPECT_EQ(Open().KeptEvent("therapy/T1", 3)->payload(), "a");
  EXPECT_FALSE(std::filesystem::is_empty(path_ / "evidence"));
}

TEST_F(StationFolderTest, NoChainLeadsOutOfTheFolder) {
  for (const char* chain : {"therapy/../../x", "../x", "therapy/a/b", "/etc"}) {
    EXPECT_THAT(Open().KeepReceipt(chain, 0, Event("a"), Receipt(0)),
                StatusIs(StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(Open().LoadKey("../tls/station", "x"), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace custody
