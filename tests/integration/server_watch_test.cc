// Watching therapies over real connections: what is told, when, to whom, and how it ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "server/rpc/limits.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::ElementsAre;

// An open stream of WatchTherapies.
class Watcher {
 public:
  Watcher(RawCaller& caller, const std::vector<std::string>& therapies = {}) {
    pb::WatchTherapiesRequest request;
    for (const std::string& therapy : therapies) request.add_therapies(therapy);
    RawCaller::Bound(context_);
    stream_ = caller.custody->WatchTherapies(&context_, request);
  }
  // The next that is told: "A 2 consent_withdrawn", or "A 2" for the present state; "" at the end.
  std::string Next() {
    pb::WatchTherapiesReply reply;
    if (!stream_->Read(&reply)) return "";
    const std::string event = reply.event().empty() ? "" : " " + reply.event();
    return reply.therapy().state().therapy() + " " + std::to_string(reply.therapy().length()) +
           event;
  }
  Status End() {
    pb::WatchTherapiesReply rest;
    while (stream_->Read(&rest)) ++left_over_;
    return FromGrpc(stream_->Finish()).status;
  }
  int left_over() const { return left_over_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<pb::WatchTherapiesReply>> stream_;
  int left_over_ = 0;
};

class ServerWatchTest : public ::testing::Test {
 protected:
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_.address(), world_.authority(), name);
  }
  void RecordNext(RawCaller& caller, const std::string& therapy) {
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(caller.Record(world_.Next(therapy), &reply).status);
  }

  ServerWorld world_;
  RunningServer server_{world_.data()};
};

TEST_F(ServerWatchTest, ThePresentIsToldFirstAndThenEveryChange) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  RecordNext(caller, "therapy/B");
  RecordNext(caller, "therapy/B");
  Watcher all(caller);
  EXPECT_EQ(all.Next(), "A 1");
  EXPECT_EQ(all.Next(), "B 2");
  RecordNext(caller, "therapy/C");
  EXPECT_EQ(all.Next(), "C 1 patient_enrolled");
  RecordNext(caller, "therapy/A");
  EXPECT_EQ(all.Next(), "A 2 consent_withdrawn");
}

TEST_F(ServerWatchTest, OnlyWhatWasNamedIsToldAlsoWhenItBeginsLater) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  RecordNext(caller, "therapy/B");
  Watcher some(caller, {"B", "D"});
  EXPECT_EQ(some.Next(), "B 1");
  RecordNext(caller, "therapy/A");
  RecordNext(caller, "therapy/D");
  EXPECT_EQ(some.Next(), "D 1 patient_enrolled");
}

TEST_F(ServerWatchTest, WhoWatchesAgainMissesNothing) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  {
    Watcher first(caller);
    EXPECT_EQ(first.Next(), "A 1");
  }
  RecordNext(caller, "therapy/A");
  RecordNext(caller, "therapy/B");
  Watcher again(caller);
  EXPECT_EQ(again.Next(), "A 2");
  EXPECT_EQ(again.Next(), "B 1");
}

TEST_F(ServerWatchTest, AStoppingServerEndsWatchesAndSaysSo) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  Watcher idle(caller);
  EXPECT_EQ(idle.Next(), "A 1");
  Watcher unread(caller);
  server_.Send(SIGTERM);
  EXPECT_THAT(idle.End(), StatusIs(StatusCode::kUnavailable, "stopping: watch again"));
  EXPECT_THAT(unread.End(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(server_.Wait(), 0);
}

TEST_F(ServerWatchTest, AWatcherThatDoesNotReadIsToldThatItFellBehindAndHoldsUpNobody) {
  RawCaller caller = Caller("clinic.station.1");
  RecordNext(caller, "therapy/A");
  Watcher slow(caller);
  EXPECT_EQ(slow.Next(), "A 1");
  // More than the server keeps for it, beyond what the connection itself holds.
  std::vector<pb::SignedEvent> events;
  for (std::size_t i = 0; i < 3 * kMaxPendingChanges; ++i) {
    events.push_back(world_.Next("therapy/W" + std::to_string(i % 64)));
  }
  std::vector<pb::RecordReply> replies;
  RawCaller recorder = Caller("clinic.station.2");
  CUSTODY_ASSERT_OK(recorder.RecordAll(events, &replies).status);
  ASSERT_EQ(replies.size(), events.size());
  for (const pb::RecordReply& reply : replies) ASSERT_FALSE(reply.has_error());
  EXPECT_THAT(slow.End(), StatusIs(StatusCode::kResourceExhausted, "fell behind: watch again"));
  EXPECT_LT(slow.left_over(), static_cast<int>(events.size()));
  Watcher again(caller);
  EXPECT_EQ(again.Next(), "A 1");
}

}  // namespace
}  // namespace custody
