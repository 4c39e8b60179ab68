// A desk before a server that is odd, busy or away.

#include "client/desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/grpc_session.h"
#include "client/outbox.h"
#include "client/right_time.h"
#include "crypto/dsse.h"
#include "tests/support/fake_clock.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/odd_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class DeskTest : public ::testing::Test {
 protected:
  explicit DeskTest(pb::Environment environment = pb::DEMO)
      : ledger_(environment, "one", {.small = true}) {
    server_.greeting.set_environment(environment);
    running_ = server_.Start();
    Must(StationFolder::Create(temp_ / "station",
                               {"127.0.0.1:1", "clinic.station.1", "CLINIC", "Europe/Berlin"},
                               TrustIn(ledger_).ToJson(), "ca", "certificate")
             .status());
  }
  StationFolder Folder() { return Must(StationFolder::Open(temp_ / "station")); }
  StatusOr<std::unique_ptr<Desk>> Open() {
    return Desk::OpenWith(
        Folder(),
        [this](const StationFolder& folder) -> StatusOr<std::unique_ptr<Session>> {
          if (away_) return Unavailable("the server cannot be reached");
          auto session =
              std::make_unique<GrpcSession>(folder, clock_, running_->InProcessChannel({}));
          CUSTODY_RETURN_IF_ERROR(session->Open());
          return std::unique_ptr<Session>(std::move(session));
        },
        clock_, SystemRng());
  }

  TempDir temp_;
  TestLedger ledger_;
  FakeClock clock_{*ParseInstant("2026-03-02T08:15:00Z")};
  OddServer server_{ledger_};
  std::unique_ptr<grpc::Server> running_;
  bool away_ = false;
};

TEST_F(DeskTest, AServerTooBusyToGreetDoesNotKeepPeopleFromWorking) {
  ASSERT_THAT(Open(), IsOk());  // seen once
  server_.busy = true;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
  EXPECT_FALSE(desk->online());
  EXPECT_THAT(desk->Reachable(), StatusIs(StatusCode::kUnavailable, "too busy"));
  EXPECT_NE(desk->registry().FindPerson("clinic.rn.1"), nullptr);
}

TEST_F(DeskTest, TherapiesUnderWhatIsNoIdAreNotKept) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
  server_.lists = {"../../T1"};
  Status whole;
  EXPECT_THAT(desk->Therapies(whole), StatusIs(StatusCode::kDataLoss, "no id"));
}

// A refusal that never arrives: what waits in its chain waits on, and nothing else does.
TEST_F(DeskTest, AnAnswerThatCannotBeReceivedHoldsUpItsOwnChainAlone) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
  const pb::SignedEvent first = PatientEnrolledBy(ledger_, "therapy/T1").Sign();
  EventBuilder second = ConsentWithdrawnBy(ledger_, "therapy/T1");
  second.After(1, EventId(first.payload()));
  const pb::SignedEvent other = PatientEnrolledBy(ledger_, "therapy/T2").Sign();
  for (const pb::SignedEvent& event : {first, second.Sign(), other}) {
    ASSERT_THAT(desk->folder().Enqueue(event), IsOk());
  }
  const auto honest = server_.record;
  server_.record = [&honest, &first](const pb::SignedEvent& event, pb::RecordReply& reply) {
    if (event.payload() != first.payload()) return honest(event, reply);
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "trailing metadata size exceeds");
  };
  std::istringstream in;
  std::ostringstream out;
  Console console(in, out, out, {});
  Keyring keyring(*desk, "", false);
  Recorder recorder(*desk, keyring, console, {});
  const OutboxReport report = SendOutbox(*desk, recorder, console, nullptr);
  EXPECT_EQ(report.sent, 1U);
  EXPECT_EQ(report.stuck, 2U);
  EXPECT_EQ(report.waiting, 0U);
  EXPECT_TRUE(desk->online());
  EXPECT_THAT(Must(desk->folder().Outbox()), SizeIs(2));
  EXPECT_THAT(out.str(), HasSubstr("too long to be received"));
}

// R03 at the station.
TEST_F(DeskTest, WithAClockThatIsWrongNoStepIsSignedAndAFactOnlyWhenItIsBehind) {
  const auto& step = RuleOfBody(*FindBody("thaw_started"));
  const auto& fact = RuleOfBody(*FindBody("observations_recorded"));
  const auto at = [this](std::int64_t ahead) {
    *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + -ahead);
    return Must(Open());
  };
  const auto refused = StatusIs(StatusCode::kFailedPrecondition, "R03: nothing was signed");
  for (const std::int64_t right : {std::int64_t{0}, 2 * kMicrosPerMinute, -2 * kMicrosPerMinute}) {
    CUSTODY_EXPECT_OK(CheckClock(*at(right), step, pb::LIVE));
    EXPECT_TRUE(CountsTime(*at(right)));
  }
  const auto ahead = at(3 * kMicrosPerMinute);
  EXPECT_THAT(CheckClock(*ahead, step, pb::LIVE), refused);
  EXPECT_THAT(CheckClock(*ahead, fact, pb::LIVE), refused);
  CUSTODY_EXPECT_OK(CheckClock(*ahead, step, pb::LATE));
  EXPECT_FALSE(CountsTime(*ahead));
  EXPECT_THAT(Message(CheckClock(*ahead, step, pb::LIVE)),
              HasSubstr("3 min 0 s AHEAD of the ledger's: here it is 02 Mar 2026 09:15"));
  const auto behind = at(-3 * kMicrosPerMinute);
  EXPECT_THAT(CheckClock(*behind, step, pb::LIVE), refused);
  CUSTODY_EXPECT_OK(CheckClock(*behind, fact, pb::LIVE));
  EXPECT_FALSE(CountsTime(*behind));
}

TEST_F(DeskTest, AClockMoreThanHalfAMinuteOffIsShouted) {
  const auto said = [this](std::int64_t ahead) {
    *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + -ahead);
    std::istringstream in;
    std::ostringstream out;
    Console console(in, out, out, {});
    WarnOfClock(*Must(Open()), console);
    return out.str();
  };
  EXPECT_EQ(said(30 * kMicrosPerSecond), "");
  EXPECT_EQ(said(-30 * kMicrosPerSecond), "");
  EXPECT_THAT(said(31 * kMicrosPerSecond), HasSubstr("31 s AHEAD"));
  EXPECT_THAT(said(-45 * kMicrosPerSecond), HasSubstr("45 s BEHIND"));
  EXPECT_THAT(said(-kMicrosPerHour), HasSubstr("nothing is counted here"));
}

TEST_F(DeskTest, OfflineItsClockIsAsRightAsWhenItWasLastCompared) {
  const auto said = [](const Desk& desk) {
    std::istringstream in;
    std::ostringstream out;
    Console console(in, out, out, {});
    WarnOfClock(desk, console);
    return out.str();
  };
  const auto& step = RuleOfBody(*FindBody("thaw_started"));
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + -3 * kMicrosPerMinute);
  ASSERT_THAT(Open(), IsOk());
  away_ = true;
  clock_.Pass(5 * kMicrosPerHour);
  const auto desk = Must(Open());
  ASSERT_FALSE(desk->online());
  EXPECT_EQ(desk->ClockAhead(), std::nullopt);
  EXPECT_FALSE(CountsTime(*desk));
  EXPECT_THAT(said(*desk), AllOf(HasSubstr("when it was last compared, 02 Mar 2026 09:15"),
                                 HasSubstr("was 3 min 0 s AHEAD of the ledger's"),
                                 HasSubstr("nothing is counted here")));
  CUSTODY_EXPECT_OK(CheckClock(*desk, step, pb::LIVE)) << "it may have been set since";

  // A program that runs for hours knows what it was told last.
  away_ = false;
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now());
  const auto long_open = Must(Open());
  EXPECT_EQ(said(*long_open), "");
  clock_.Pass(kMicrosPerHour);
  *server_.greeting.mutable_server_time() = ToProto(clock_.Now() + kMicrosPerMinute);
  EXPECT_THAT(said(*long_open), HasSubstr("1 min 0 s BEHIND"));
  long_open->LoseSession(Unavailable("the server is gone"));
  EXPECT_THAT(said(*long_open), HasSubstr("was 1 min 0 s BEHIND"));
  away_ = true;
  EXPECT_THAT(said(*Must(Open())), HasSubstr("was 1 min 0 s BEHIND"));
}

class ProductionDeskTest : public DeskTest {
 protected:
  ProductionDeskTest() : DeskTest(pb::PRODUCTION) {}
};

TEST_F(ProductionDeskTest, OfflineTheClockIsNotMovedEither) {
  pb::HelloReply hello;
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
    EXPECT_EQ(desk->environment(), pb::PRODUCTION);
    CUSTODY_ASSERT_OK_AND_ASSIGN(hello, desk->known().Hello());
  }
  hello.set_clock_offset_ms(-1000);
  CUSTODY_ASSERT_OK(KnownLedger(temp_ / "station").KeepHello(hello));
  away_ = true;
  EXPECT_THAT(Open().status(), StatusIs(StatusCode::kDataLoss, "only a demo ledger"));
}

TEST_F(ProductionDeskTest, OfflineTheEnvironmentIsTheRegistrysWhateverWasKeptOfHello) {
  pb::HelloReply hello;
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
    CUSTODY_ASSERT_OK_AND_ASSIGN(hello, desk->known().Hello());
  }
  hello.set_environment(pb::DEMO);
  CUSTODY_ASSERT_OK(KnownLedger(temp_ / "station").KeepHello(hello));
  away_ = true;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto desk, Open());
  EXPECT_EQ(desk->environment(), pb::PRODUCTION);
}

}  // namespace
}  // namespace custody
