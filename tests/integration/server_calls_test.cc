// What the calls answer, over real connections: streams of events, previews, proofs, and what goes
// wrong with a request. Long because there are many calls, a test or two of each.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "crypto/dsse.h"
#include "custody/event.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class ServerCallsTest : public ::testing::Test {
 protected:
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_->address(), world_.authority(), name);
  }
  void Restart() {
    EXPECT_EQ(server_->Signal(SIGTERM), 0);
    server_ = std::make_unique<RunningServer>(world_.data());
  }
  // Records the next event of `therapy`.
  pb::SignedEvent RecordNext(RawCaller& caller, const std::string& therapy) {
    const pb::SignedEvent event = world_.Next(therapy);
    pb::RecordReply reply;
    CUSTODY_EXPECT_OK(caller.Record(event, &reply).status);
    return event;
  }
  template <class Request, class Reply>
  RpcError Custody(RawCaller& caller,
                   grpc::Status (pb::Custody::Stub::*call)(grpc::ClientContext*, const Request&,
                                                           Reply*),
                   const Request& request, Reply* reply) {
    return caller.Ask(*caller.custody, call, request, reply);
  }

  ServerWorld world_;
  std::unique_ptr<RunningServer> server_ = std::make_unique<RunningServer>(world_.data());
};

pb::SignedEvent BadlySigned(pb::SignedEvent event) {
  event.mutable_signatures(0)->mutable_value()->at(7) ^= 1;
  return event;
}

// The head that an answer of RecordMany names, if it names one.
std::optional<pb::ChainMoved> MovedOf(const pb::RecordReply& reply) {
  return FromRpcStatus(reply.error()).moved;
}

TEST_F(ServerCallsTest, AStreamAnswersKnownRefusedAndOtherChainsEachInItsPlace) {
  RawCaller caller = Caller("clinic.station.1");
  const pb::SignedEvent a0 = RecordNext(caller, "therapy/A");
  const pb::SignedEvent a1 = RecordNext(caller, "therapy/A");
  const pb::SignedEvent a2 = world_.Next("therapy/A");
  const pb::SignedEvent a3 = world_.Next("therapy/A");
  const pb::SignedEvent b0 = world_.Next("therapy/B");
  const pb::SignedEvent b1 = world_.Next("therapy/B");
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(
      caller.RecordAll({b0, BadlySigned(a2), a0, a3, a1, b1, b0, a2}, &replies).status);
  ASSERT_THAT(replies, SizeIs(8));
  const auto index = [&](std::size_t i) {
    EXPECT_FALSE(replies[i].has_error()) << i << ": " << replies[i].error().message();
    return replies[i].receipt().index();
  };
  EXPECT_FALSE(replies[0].known());
  // Signed wrongly: refused, and with it what follows in its chain, but for what is recorded.
  EXPECT_EQ(replies[1].error().code(), static_cast<int>(StatusCode::kInvalidArgument));
  EXPECT_TRUE(replies[2].known());
  EXPECT_EQ(replies[3].error().code(), static_cast<int>(StatusCode::kAborted));
  ASSERT_TRUE(MovedOf(replies[3]).has_value());
  EXPECT_EQ(MovedOf(replies[3])->chain(), "therapy/A");
  EXPECT_EQ(MovedOf(replies[3])->length(), 2u);
  EXPECT_EQ(MovedOf(replies[3])->head(), EventId(a1.payload()).view());
  EXPECT_TRUE(replies[4].known());
  EXPECT_EQ(index(4), index(2) + 1);
  EXPECT_FALSE(replies[5].known());
  EXPECT_GT(index(5), index(0));
  EXPECT_TRUE(replies[6].known());
  EXPECT_EQ(index(6), index(0));
  EXPECT_EQ(replies[7].error().code(), static_cast<int>(StatusCode::kAborted));
  // Sent again, without what was wrong, everything is recorded.
  replies.clear();
  CUSTODY_ASSERT_OK(caller.RecordAll({a2, a3}, &replies).status);
  ASSERT_THAT(replies, SizeIs(2));
  EXPECT_EQ(index(1), index(0) + 1);
}

TEST_F(ServerCallsTest, WhatWaitsBehindARefusedEventIsAnsweredToo) {
  RawCaller caller = Caller("clinic.station.1");
  const pb::SignedEvent first = RecordNext(caller, "therapy/A");
  std::vector<pb::SignedEvent> events = {BadlySigned(world_.Next("therapy/A"))};
  for (int i = 0; i < 100; ++i) {
    events.push_back(i % 2 == 0 ? first : world_.Next("therapy/A"));
  }
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(caller.RecordAll(events, &replies).status);
  ASSERT_THAT(replies, SizeIs(101));
  for (std::size_t i = 1; i < replies.size(); ++i) {
    if (i % 2 == 1) {
      EXPECT_TRUE(replies[i].known()) << i;
    } else {
      EXPECT_EQ(replies[i].error().code(), static_cast<int>(StatusCode::kAborted)) << i;
      EXPECT_TRUE(MovedOf(replies[i]).has_value()) << i;
    }
  }
}

TEST_F(ServerCallsTest, AnAdoptedOriginalIsKnownInAStreamAlsoBehindARefusal) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  const pb::SignedEvent original =
      ConsentWithdrawnBy(world_.ledger(), "therapy/A", "clinic.rn.2").Sign();
  RecordNext(caller, "therapy/A");  // takes its place
  EventBuilder adopting = world_.ledger().On("therapy/A").By("clinic.rn.1", pb::TRANSCRIBED);
  adopting.Set(&pb::Event::mutable_adopted, [&](pb::AdoptedEvent& body) {
    *body.mutable_original() = original;
    body.set_reason("the ward was offline");
  });
  const pb::SignedEvent adopted = adopting.Record().signed_event;
  const pb::SignedEvent next = world_.Next("therapy/A");
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(
      caller.RecordAll({adopted, original, BadlySigned(next), original, next}, &replies).status);
  ASSERT_THAT(replies, SizeIs(5));
  EXPECT_FALSE(replies[0].has_error()) << replies[0].error().message();
  for (const std::size_t i : {1u, 3u}) {
    EXPECT_TRUE(replies[i].known()) << i;
    EXPECT_EQ(replies[i].receipt().index(), replies[0].receipt().index()) << i;
  }
  EXPECT_EQ(replies[4].error().code(), static_cast<int>(StatusCode::kAborted));
}

TEST_F(ServerCallsTest, APreviewForAnotherPlaceNamesTheHead) {
  RawCaller caller = Caller("clinic.station.1");
  const pb::SignedEvent first = RecordNext(caller, "therapy/A");
  pb::PreviewRequest request;
  *request.mutable_signed_() = first;
  pb::PreviewReply reply;
  const RpcError stale = Custody(caller, &pb::Custody::Stub::Preview, request, &reply);
  EXPECT_THAT(stale.status, StatusIs(StatusCode::kAborted));
  ASSERT_TRUE(stale.moved.has_value());
  EXPECT_EQ(stale.moved->length(), 1u);
  EXPECT_EQ(stale.moved->head(), EventId(first.payload()).view());
  // The right number after another head is another place too.
  EventBuilder forked = ConsentWithdrawnBy(world_.ledger(), "therapy/A");
  *request.mutable_signed_() = forked.After(1, Sha256("another event")).Sign();
  EXPECT_TRUE(Custody(caller, &pb::Custody::Stub::Preview, request, &reply).moved.has_value());
  *request.mutable_signed_() = ConsentWithdrawnBy(world_.ledger(), "therapy/A").Sign();
  CUSTODY_EXPECT_OK(Custody(caller, &pb::Custody::Stub::Preview, request, &reply).status);
  EXPECT_FALSE(reply.verdict().refused());
}

TEST_F(ServerCallsTest, AStateOfThePastIsThatOfThePast) {
  RawCaller caller = Caller("clinic.station.1");
  std::vector<Instant> received;
  for (int i = 0; i < 3; ++i) {
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(caller.Record(world_.Next("therapy/A"), &reply).status);
    received.push_back(FromProto(Must(ParseLogEntry(reply.receipt().entry())).received_at()));
  }
  const auto at = [&](Instant time) {
    pb::GetTherapyRequest request;
    request.set_therapy("A");
    *request.mutable_as_of() = ToProto(time);
    pb::GetTherapyReply reply;
    const Status status = Custody(caller, &pb::Custody::Stub::GetTherapy, request, &reply).status;
    return std::make_pair(status, reply.length());
  };
  EXPECT_THAT(at(received[0] + -1).first, StatusIs(StatusCode::kNotFound, "then"));
  EXPECT_EQ(at(received[0]).second, 1u);
  EXPECT_EQ(at(received[1]).second, 2u);
  EXPECT_EQ(at(received[2] + kMicrosPerDay).second, 3u);
}

TEST_F(ServerCallsTest, TimesBeyondTheCalendarAreRefusedEverywhere) {
  RawCaller clinic = Caller("clinic.station.1");
  RawCaller admin = Caller("admin");
  RecordNext(clinic, "therapy/A");
  for (const std::int64_t seconds : {std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min(), 253'402'300'800L}) {
    google::protobuf::Timestamp never;
    never.set_seconds(seconds);
    pb::GetTherapyRequest therapy;
    therapy.set_therapy("A");
    *therapy.mutable_as_of() = never;
    pb::GetTherapyReply state;
    EXPECT_THAT(Custody(clinic, &pb::Custody::Stub::GetTherapy, therapy, &state).status,
                StatusIs(StatusCode::kInvalidArgument, "years 1 to 9999"));
    pb::NextStepsRequest next;
    next.set_therapy("A");
    *next.mutable_as_of() = never;
    pb::NextStepsReply steps;
    EXPECT_THAT(Custody(clinic, &pb::Custody::Stub::NextSteps, next, &steps).status,
                StatusIs(StatusCode::kInvalidArgument));
    pb::SetClockRequest clock;
    *clock.mutable_time() = never;
    pb::SetClockReply set;
    EXPECT_THAT(Custody(admin, &pb::Custody::Stub::SetClock, clock, &set).status,
                StatusIs(StatusCode::kInvalidArgument));
    pb::ReadAccessLogRequest log;
    *log.mutable_since() = never;
    std::vector<pb::AccessRecord> records;
    EXPECT_THAT(
        admin.ReadAll(*admin.custody, &pb::Custody::Stub::ReadAccessLog, log, &records).status,
        StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST_F(ServerCallsTest, ADemoClockMovesForwardsAndStationsAreToldOfIt) {
  {
    RawCaller admin = Caller("admin");
    pb::SetClockRequest request;
    const Instant wanted = SystemClock().Now() + 40 * kMicrosPerDay;
    *request.mutable_time() = ToProto(wanted);
    pb::SetClockReply reply;
    CUSTODY_ASSERT_OK(Custody(admin, &pb::Custody::Stub::SetClock, request, &reply).status);
    EXPECT_GE(FromProto(reply.server_time()), wanted);
    *request.mutable_time() = ToProto(wanted + -kMicrosPerDay);
    EXPECT_THAT(Custody(admin, &pb::Custody::Stub::SetClock, request, &reply).status,
                StatusIs(StatusCode::kInvalidArgument, "forwards only"));
  }
  Restart();
  RawCaller clinic = Caller("clinic.station.1");
  pb::HelloReply hello;
  CUSTODY_ASSERT_OK(
      clinic.Ask(*clinic.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status);
  EXPECT_NEAR(static_cast<double>(hello.clock_offset_ms()), 40 * 86'400e3, 3'600e3);
  world_.ledger().set_now(FromProto(hello.server_time()));
  pb::RecordReply recorded;
  CUSTODY_EXPECT_OK(
      clinic.Record(PatientEnrolledBy(world_.ledger(), "therapy/A").Sign(), &recorded).status);
}

TEST_F(ServerCallsTest, AFullQueueRefusesClearlyAndLosesNothing) {
  server_.reset();
  server_ = std::make_unique<RunningServer>(world_.data(), "queue_capacity = 2\n");
  RawCaller caller = Caller("clinic.station.1");
  std::vector<pb::SignedEvent> events;
  for (int i = 0; i < 60; ++i) events.push_back(world_.Next("therapy/Q" + std::to_string(i)));
  bool full = false;
  for (int round = 0; !events.empty() && round < 1000; ++round) {
    std::vector<pb::RecordReply> replies;
    CUSTODY_ASSERT_OK(caller.RecordAll(events, &replies).status);
    ASSERT_THAT(replies, SizeIs(events.size()));
    std::vector<pb::SignedEvent> refused;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (!replies[i].has_error()) continue;
      refused.push_back(events[i]);
      EXPECT_EQ(replies[i].error().code(), static_cast<int>(StatusCode::kResourceExhausted));
      EXPECT_THAT(replies[i].error().message(),
                  HasSubstr("events are waiting already; send the event again in a moment"));
    }
    full = full || !refused.empty();
    events = std::move(refused);
  }
  EXPECT_TRUE(events.empty());
  EXPECT_TRUE(full);
  pb::GetStatusReply status;
  CUSTODY_ASSERT_OK(
      Custody(caller, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &status).status);
  EXPECT_EQ(status.entries(), world_.ledger().log().size());
}

TEST_F(ServerCallsTest, AServerThatLostHistoryIsReadOnlyUntilTheNewerFolderIsBack) {
  const pb::SignedEvent kept = [&] {
    RawCaller caller = Caller("clinic.station.1");
    return RecordNext(caller, "therapy/A");
  }();
  EXPECT_EQ(server_->Signal(SIGTERM), 0);
  const std::filesystem::path old = world_.Scratch("old");
  std::filesystem::copy(world_.data(), old, std::filesystem::copy_options::recursive);
  const auto start = [&](const std::filesystem::path& data) {
    server_ = std::make_unique<RunningServer>(data);
    return Caller("clinic.station.1");
  };
  pb::HelloRequest seen;
  const pb::SignedEvent lost = world_.Next("therapy/A");
  {
    RawCaller caller = start(world_.data());
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(caller.Record(lost, &reply).status);
    seen.set_last_checkpoint(reply.receipt().checkpoint());
  }
  EXPECT_EQ(server_->Signal(SIGTERM), 0);
  const auto expect_read_only = [&](bool told) {
    RawCaller caller = start(old);
    pb::HelloReply hello;
    CUSTODY_ASSERT_OK(
        caller
            .Ask(*caller.ledger, &pb::Ledger::Stub::Hello, told ? seen : pb::HelloRequest(), &hello)
            .status);
    EXPECT_TRUE(hello.read_only());
    EXPECT_THAT(hello.read_only_reason(), HasSubstr("history was lost; restore a newer copy"));
    pb::RecordReply reply;
    EXPECT_THAT(caller.Record(lost, &reply).status,
                StatusIs(StatusCode::kFailedPrecondition, "the ledger is read-only"));
    CUSTODY_ASSERT_OK(caller.Record(kept, &reply).status);
    EXPECT_TRUE(reply.known());
  };
  for (const bool told : {true, false}) {  // it stays so after a restart
    expect_read_only(told);
    EXPECT_EQ(server_->Signal(SIGTERM), 0);
  }
  RawCaller caller = start(world_.data());
  pb::HelloReply hello;
  CUSTODY_ASSERT_OK(caller.Ask(*caller.ledger, &pb::Ledger::Stub::Hello, seen, &hello).status);
  EXPECT_FALSE(hello.read_only());
  RecordNext(caller, "therapy/A");
}

TEST_F(ServerCallsTest, TheSchemaInForceAndNoOtherIsServed) {
  RawCaller caller = Caller("clinic.station.1");
  pb::GetSchemaReply reply;
  CUSTODY_ASSERT_OK(
      Custody(caller, &pb::Custody::Stub::GetSchema, pb::GetSchemaRequest(), &reply).status);
  EXPECT_EQ(reply.schema(), Schema());
  pb::GetSchemaRequest other;
  other.set_sha256(Sha256("another schema").ToString());
  EXPECT_THAT(Custody(caller, &pb::Custody::Stub::GetSchema, other, &reply).status,
              StatusIs(StatusCode::kNotFound, "no schema"));
  other.set_sha256("short");
  EXPECT_THAT(Custody(caller, &pb::Custody::Stub::GetSchema, other, &reply).status,
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(ServerCallsTest, APageHasItsBoundAndSaysSo) {
  RawCaller caller = Caller("clinic.station.1");
  for (const char* therapy : {"therapy/A", "therapy/B", "therapy/C"}) RecordNext(caller, therapy);
  pb::ListTherapiesRequest request;
  request.set_limit(1001);
  pb::ListTherapiesReply reply;
  EXPECT_THAT(Custody(caller, &pb::Custody::Stub::ListTherapies, request, &reply).status,
              StatusIs(StatusCode::kInvalidArgument, "at most 1000 therapies, asked for 1001"));
  request.set_limit(2);
  CUSTODY_ASSERT_OK(Custody(caller, &pb::Custody::Stub::ListTherapies, request, &reply).status);
  ASSERT_EQ(reply.therapies_size(), 2);
  EXPECT_EQ(reply.therapies(1).state().therapy(), "B");
  request.set_after(reply.next());
  CUSTODY_ASSERT_OK(Custody(caller, &pb::Custody::Stub::ListTherapies, request, &reply).status);
  ASSERT_EQ(reply.therapies_size(), 1);
  EXPECT_EQ(reply.therapies(0).state().therapy(), "C");
  EXPECT_EQ(reply.next(), "");
}

// An id would be a question: does another's therapy lie behind it?
TEST_F(ServerCallsTest, AListGoesOnBehindNoIdWhoeverHasIt) {
  RawCaller clinic = Caller("clinic.station.1");
  for (const char* therapy : {"therapy/A", "therapy/C"}) RecordNext(clinic, therapy);
  std::set<std::string> answers;
  for (const char* id : {"A", "B", "C", "D", "0"}) {
    pb::ListTherapiesRequest request;
    request.set_after(id);
    request.set_limit(1);
    pb::ListTherapiesReply reply;
    answers.insert(
        Custody(clinic, &pb::Custody::Stub::ListTherapies, request, &reply).status.ToString());
  }
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_NE(answers.begin()->find("begin the list again"), std::string::npos) << *answers.begin();
}

TEST_F(ServerCallsTest, AnIdentifierWithAZeroByteFindsNothingAndHarmsNothing) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  pb::FindRequest request;
  request.set_value(std::string("A\0therapy/B", 11));
  pb::FindReply reply;
  EXPECT_THAT(Custody(caller, &pb::Custody::Stub::Find, request, &reply).status,
              StatusIs(StatusCode::kInvalidArgument, "zero byte"));
  request.set_value("A");
  CUSTODY_ASSERT_OK(Custody(caller, &pb::Custody::Stub::Find, request, &reply).status);
  EXPECT_EQ(reply.found_size(), 1);
}

TEST_F(ServerCallsTest, WhatIsNotBuiltSaysSo) {
  RawCaller caller = Caller("clinic.station.1");
  pb::CheckpointReply reply;
  EXPECT_THAT(caller
                  .Ask(*caller.ledger, &pb::Ledger::Stub::AddCosignatures,
                       pb::AddCosignaturesRequest(), &reply)
                  .status,
              StatusIs(StatusCode::kUnimplemented, "collects no cosignatures yet"));
}

TEST_F(ServerCallsTest, ABackupIsMadeOnceAndReadsBack) {
  RawCaller admin = Caller("admin");
  RawCaller clinic = Caller("clinic.station.1");
  RecordNext(clinic, "therapy/A");
  pb::BackupRequest request;
  request.set_folder(world_.Scratch("backup").string());
  pb::BackupReply reply;
  CUSTODY_ASSERT_OK(Custody(admin, &pb::Custody::Stub::Backup, request, &reply).status);
  EXPECT_GT(reply.bytes(), 0u);
  namespace fs = std::filesystem;
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  EXPECT_EQ(fs::status(request.folder()).permissions(), fs::perms::owner_all);
  int files = 0;
  for (const fs::directory_entry& made : fs::recursive_directory_iterator(request.folder())) {
    ++files;
    // Tables are linked, not copied: those that the test's own ledger wrote are as it made them.
    // And a checkpoint, which the anchor holds, is no secret.
    if (made.path().extension() == ".sst" || made.path().filename() == "anchor") continue;
    EXPECT_EQ(made.status().permissions() & kOthers, fs::perms::none) << made.path();
  }
  EXPECT_GT(files, 3);
  EXPECT_THAT(Custody(admin, &pb::Custody::Stub::Backup, request, &reply).status,
              StatusIs(StatusCode::kAlreadyExists, "name a new folder"));
  request.set_folder(world_.Scratch("no/such/folder").string());
  EXPECT_THAT(Custody(admin, &pb::Custody::Stub::Backup, request, &reply).status,
              StatusIs(StatusCode::kUnavailable, "cannot be made"));
}

}  // namespace
}  // namespace custody
