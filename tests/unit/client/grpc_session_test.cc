// A server that lies as far as the log's key lets it: what a station does with receipts, greetings
// and clocks that do not belong to the one history it saw.

#include "client/grpc_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/dsse.h"
#include "crypto/file.h"
#include "crypto/merkle.h"
#include "tests/support/fake_clock.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/odd_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class GrpcSessionTest : public ::testing::Test {
 protected:
  explicit GrpcSessionTest(pb::Environment environment = pb::DEMO)
      : ledger_(environment, "one", {.small = true}) {
    server_.greeting.set_environment(environment);
    running_ = server_.Start();
    const StationFolder::Settings settings{"127.0.0.1:1", "clinic.station.1", "CLINIC",
                                           "Europe/Berlin"};
    Must(StationFolder::Create(temp_ / "station", settings, TrustIn(ledger_).ToJson(), "ca", "c")
             .status());
  }
  StationFolder Folder() { return Must(StationFolder::Open(temp_ / "station")); }
  StatusOr<std::unique_ptr<GrpcSession>> Connect() {
    auto session = std::make_unique<GrpcSession>(Folder(), clock_, running_->InProcessChannel({}));
    CUSTODY_RETURN_IF_ERROR(session->Open());
    return session;
  }
  // The next event of a therapy of its own.
  pb::SignedEvent Event(std::string_view therapy) {
    return PatientEnrolledBy(ledger_, therapy).Sign();
  }
  // What a server answers that recorded the event in a ledger of the same beginning.
  void RecordsIn(TestLedger& other) {
    server_.record = [&other](const pb::SignedEvent& event, pb::RecordReply& reply) {
      *reply.mutable_receipt() = ReceiptIn(other, other.Record(event).index);
      return grpc::Status::OK;
    };
  }
  // What a server answers that has recorded it long ago, at `index`.
  void Knows(std::uint64_t index) {
    server_.record = [this, index](const pb::SignedEvent&, pb::RecordReply& reply) {
      *reply.mutable_receipt() = ReceiptIn(ledger_, index);
      reply.set_known(true);
      return grpc::Status::OK;
    };
  }
  std::vector<std::string> Unlinked() { return Must(Folder().Unlinked()); }
  static bool Kept(const StationFolder& folder, std::string_view chain) {
    return folder.KeptReceipt(chain, 0).ok();
  }

  TempDir temp_;
  TestLedger ledger_;
  FakeClock clock_{*ParseInstant("2026-03-02T08:15:00Z")};
  OddServer server_{ledger_};
  std::unique_ptr<grpc::Server> running_;
};

TEST_F(GrpcSessionTest, AReceiptUnderASmallerTreeOfItsOwnIsARewrittenHistory) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  const pb::SignedEvent event = Event("therapy/T1");
  server_.record = [this](const pb::SignedEvent& signed_event, pb::RecordReply& reply) {
    // A tree of two leaves that nobody else will ever be shown.
    TestLedger elsewhere(pb::DEMO, "one", {.small = true});
    pb::Receipt receipt = ReceiptIn(elsewhere, elsewhere.Record(signed_event).index);
    NodeTable fork;
    fork.Append(LeafHash(receipt.entry()));
    fork.Append(LeafHash("filler"));
    receipt.set_index(0);
    receipt.clear_path();
    receipt.add_path(LeafHash("filler").ToString());
    receipt.set_checkpoint(
        Must(SignCheckpoint({ledger_.origin(), 2, fork.frontier().root()}, ledger_.log_key())));
    *reply.mutable_receipt() = receipt;
    return grpc::Status::OK;
  };
  const RecordResult result = session->Record(event);
  EXPECT_THAT(result.status, StatusIs(StatusCode::kDataLoss, "rewrote history"));
  EXPECT_EQ(result.fate, Fate::kUnknown);
  EXPECT_FALSE(Kept(Folder(), "therapy/T1"));
  EXPECT_THAT(Folder().Evidence(), SizeIs(1));
}

TEST_F(GrpcSessionTest, ACheckpointThatWasNeverComparedStopsTheNextSession) {
  TestLedger fork(pb::DEMO, "one", {.small = true});
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
    CUSTODY_ASSERT_OK(session->Record(Event("therapy/T1")).status);
    // Within the same second, on a fork; then the true log is made larger than it.
    fork.Record(Event("therapy/X1"));
    RecordsIn(fork);
    const pb::SignedEvent lost = Event("therapy/T2");
    CUSTODY_ASSERT_OK(session->Record(lost).status);
    EXPECT_THAT(Unlinked(), SizeIs(1)) << "recorded was said";
    for (const char* therapy : {"therapy/T3", "therapy/T4", "therapy/T5"}) {
      ledger_.Record(Event(therapy));
    }
    server_.proves_nothing = true;
  }
  EXPECT_THAT(Unlinked(), SizeIs(1));
  EXPECT_THAT(Connect().status(), Not(IsOk()));
  EXPECT_THAT(Message(Connect().status()), HasSubstr("has not proved"));
  server_.proves_nothing = false;
  EXPECT_THAT(Connect().status(), StatusIs(StatusCode::kDataLoss, "rewrote history"));
  EXPECT_THAT(Connect().status(), StatusIs(StatusCode::kDataLoss, "rewrote history"));
  EXPECT_THAT(Folder().Evidence(), SizeIs(1));
}

TEST_F(GrpcSessionTest, EveryCheckpointIsComparedAndNoneTwiceASecond) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  CUSTODY_ASSERT_OK(session->Record(Event("therapy/T1")).status);
  EXPECT_EQ(server_.proofs, 1);
  for (const char* therapy : {"therapy/T2", "therapy/T3", "therapy/T4"}) {
    CUSTODY_ASSERT_OK(session->Record(Event(therapy)).status);
  }
  EXPECT_EQ(server_.proofs, 1) << "nothing more within a second";
  EXPECT_THAT(Unlinked(), SizeIs(3));
  clock_.Pass(kMicrosPerSecond);
  CUSTODY_ASSERT_OK(session->Record(Event("therapy/T5")).status);
  EXPECT_EQ(server_.proofs, 5);
  EXPECT_THAT(Unlinked(), IsEmpty());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string last, Folder().LastCheckpoint());
  EXPECT_EQ(last, ledger_.SignedCheckpoint());
  CUSTODY_EXPECT_OK(session->Settle());
  EXPECT_EQ(server_.proofs, 5) << "what is compared stays compared";
}

TEST_F(GrpcSessionTest, AKnownEventMustStandInItsOwnChain) {
  const pb::SignedEvent event = Event("therapy/T1");
  EventBuilder junk = ledger_.On("therapy/JUNK").By("clinic.rn.1");
  *junk.event().mutable_adopted()->mutable_original() = event;
  junk.event().mutable_adopted()->set_reason("the network was down");
  Knows(ledger_.log().size() - 1);
  const pb::SignedEvent served = junk.Sign();
  server_.change_entry = [&served](pb::EntryReply& reply) { *reply.mutable_signed_() = served; };
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  const RecordResult result = session->Record(event);
  EXPECT_THAT(result.status, StatusIs(StatusCode::kDataLoss, "proves another one"));
  EXPECT_EQ(result.fate, Fate::kUnknown);
  EXPECT_FALSE(Kept(Folder(), "therapy/JUNK"));
}

TEST_F(GrpcSessionTest, AKnownEventUnderInventedSignaturesIsNotBelieved) {
  const pb::SignedEvent event = Event("therapy/T1");
  pb::SignedEvent forged = event;
  for (auto& signature : *forged.mutable_signatures()) {
    signature.set_value(std::string(64, 'x'));
  }
  Knows(ledger_.Record(forged).index);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  const RecordResult result = session->Record(event);
  EXPECT_THAT(result.status, StatusIs(StatusCode::kDataLoss, "signatures that do not hold"));
  EXPECT_EQ(result.fate, Fate::kUnknown);
}

TEST_F(GrpcSessionTest, AnAdoptionThatForgesTheOriginalsSignaturesIsNotBelieved) {
  const pb::SignedEvent event = Event("therapy/T1");
  ledger_.Record(PatientEnrolledBy(ledger_, "therapy/T1", "clinic.coord.2").Sign());
  EventBuilder adopted = ledger_.On("therapy/T1").By("clinic.rn.2");
  *adopted.event().mutable_adopted()->mutable_original() = event;
  adopted.event().mutable_adopted()->mutable_original()->mutable_signatures(0)->set_value(
      std::string(64, 'x'));
  adopted.event().mutable_adopted()->set_reason("the network was down");
  Knows(adopted.Record().index);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  EXPECT_THAT(session->Record(event).status,
              StatusIs(StatusCode::kDataLoss, "signatures that do not hold"));
}

TEST_F(GrpcSessionTest, WhatIsCarriedByAnotherEventIsRecordedAndTheOwnBytesAreKept) {
  const pb::SignedEvent event = Event("therapy/T1");
  ledger_.Record(PatientEnrolledBy(ledger_, "therapy/T1", "clinic.coord.2").Sign());
  EventBuilder adopted = ledger_.On("therapy/T1").By("clinic.rn.2");
  *adopted.event().mutable_adopted()->mutable_original() = event;
  adopted.event().mutable_adopted()->set_reason("the network was down");
  Knows(adopted.Record().index);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  const RecordResult result = session->Record(event);
  CUSTODY_ASSERT_OK(result.status);
  EXPECT_EQ(result.fate, Fate::kRecorded);
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const std::string own,
      ReadFile(temp_ / "station" / "signed" / EventId(event.payload()).ToHex(), 1 << 20));
  EXPECT_EQ(own, event.SerializeAsString());
}

TEST_F(GrpcSessionTest, AServerTooBusyToGreetIsAway) {
  server_.busy = true;
  EXPECT_THAT(Connect().status(), StatusIs(StatusCode::kUnavailable, "too busy"));
}

TEST_F(GrpcSessionTest, ARefusalTooLongForTheWireIsAskedForAgain) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  server_.record = [](const pb::SignedEvent&, pb::RecordReply&) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                        "received trailing metadata size exceeds limit");
  };
  server_.verdict.set_refused(true);
  server_.verdict.add_reasons()->set_rule("R16");
  const RecordResult refused = session->Record(Event("therapy/T1"));
  EXPECT_THAT(refused.status, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(refused.fate, Fate::kRefused);
  EXPECT_EQ(refused.verdict.reasons_size(), 1);
  server_.verdict.Clear();
  const RecordResult unread = session->Record(Event("therapy/T1"));
  EXPECT_THAT(unread.status, StatusIs(StatusCode::kResourceExhausted, "too long"));
  EXPECT_EQ(unread.fate, Fate::kUnread);
}

TEST_F(GrpcSessionTest, ADemosClockMovesButNotByAgesAndNothingOverflows) {
  constexpr std::int64_t kDayMs = 86'400'000;
  server_.greeting.set_clock_offset_ms(21 * kDayMs);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  EXPECT_EQ(session->Now(), clock_.Now() + 21 * kDayMs * 1000);
  for (const std::int64_t offset : {INT64_MAX, INT64_MIN, 101 * 366 * kDayMs}) {
    server_.greeting.set_clock_offset_ms(offset);
    EXPECT_THAT(Connect().status(), StatusIs(StatusCode::kDataLoss, "a hundred years"));
  }
}

TEST_F(GrpcSessionTest, TheStationsClockIsComparedWithTheLedgersBothWays) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto silent, Connect());
  EXPECT_EQ(silent->ClockAhead(), std::nullopt) << "a server that tells no time";
  for (const std::int64_t ahead : {std::int64_t{0}, 3 * kMicrosPerMinute, -kMicrosPerHour}) {
    *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + -ahead);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
    EXPECT_EQ(session->ClockAhead(), ahead);
  }
}

TEST_F(GrpcSessionTest, AClockThatIsSetInTheMiddleOfASessionIsMeasuredAnew) {
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  EXPECT_EQ(session->ClockAhead(), 0);
  clock_.Jump(-5 * kMicrosPerMinute);
  EXPECT_EQ(session->ClockAhead(), -5 * kMicrosPerMinute);
  // A machine that slept: its own clock is right, the monotonic one stood still.
  clock_.Jump(9 * kMicrosPerHour);
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now());
  EXPECT_EQ(session->ClockAhead(), 0);
}

TEST_F(GrpcSessionTest, WhileTheServerIsAwayTheLastMeasureHoldsUntilSomebodySetsTheClock) {
  constexpr std::int64_t kAhead = 3 * kMicrosPerMinute;
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + -kAhead);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  server_.busy = true;
  for (int minute = 0; minute < 3; ++minute) {
    clock_.Pass(kMicrosPerMinute);
    EXPECT_EQ(session->ClockAhead(), kAhead);
  }
  clock_.Jump(-kAhead);
  EXPECT_EQ(session->ClockAhead(), std::nullopt) << "set, and nobody can say whether rightly";
  clock_.Pass(kMicrosPerSecond);
  EXPECT_EQ(session->ClockAhead(), std::nullopt);
  server_.busy = false;
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + kMicrosPerMinute);
  clock_.Pass(kMicrosPerMinute);
  EXPECT_EQ(session->ClockAhead(), 0);
}

TEST_F(GrpcSessionTest, ADemoClockThatIsMovedMeanwhileMovesTheSessionsToo) {
  constexpr std::int64_t kDayMs = 86'400'000;
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  clock_.Pass(2 * kMicrosPerMinute);
  server_.greeting.set_clock_offset_ms(kDayMs);
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + kDayMs * 1000);
  EXPECT_EQ(session->ClockAhead(), 0);
  EXPECT_EQ(session->Now(), clock_.Now() + kDayMs * 1000);
}

TEST_F(GrpcSessionTest, AServerThatNamesAnotherEnvironmentIsNotBelieved) {
  server_.greeting.set_environment(pb::PRODUCTION);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect());
  EXPECT_THAT(session->LoadRegistry().status(),
              StatusIs(StatusCode::kDataLoss, "founded for DEMO"));
}

class ProductionSessionTest : public GrpcSessionTest {
 protected:
  ProductionSessionTest() : GrpcSessionTest(pb::PRODUCTION) {}
};

TEST_F(ProductionSessionTest, OutsideADemoNoServerMovesTheClockThatIsSignedWith) {
  CUSTODY_EXPECT_OK(Connect());
  for (const std::int64_t offset : {std::int64_t{1}, std::int64_t{-30} * 86'400'000}) {
    server_.greeting.set_clock_offset_ms(offset);
    EXPECT_THAT(Connect().status(), StatusIs(StatusCode::kDataLoss, "only a demo ledger"));
  }
}

}  // namespace
}  // namespace custody
