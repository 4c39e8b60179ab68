// What the server says of an error is what the client hears.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/rpc_status.h"
#include "server/rpc/status_map.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(StatusMapTest, OkHasNoWords) {
  const grpc::Status status = ToGrpc(Status());
  EXPECT_TRUE(status.ok());
  EXPECT_TRUE(status.error_message().empty());
  CUSTODY_EXPECT_OK(FromGrpc(status).status);
}

TEST(StatusMapTest, EveryCodeAndItsWordsComeBack) {
  for (int code = 1; code <= 16; ++code) {
    const Status status = MakeStatus(static_cast<StatusCode>(code), "what was found");
    const RpcError heard = FromGrpc(ToGrpc(status));
    EXPECT_EQ(heard.status, status) << code;
  }
}

TEST(StatusMapTest, DetailsComeBack) {
  pb::Verdict verdict;
  verdict.set_refused(true);
  verdict.add_reasons()->set_rule("R18");
  pb::BadFields bad;
  bad.add_fields()->set_path("apheresis_completed.volume_ml");
  pb::ChainMoved moved;
  moved.set_chain("therapy/T1");
  moved.set_length(7);
  const RpcError heard = FromGrpc(ToGrpc(Aborted("moved"), {&verdict, &bad, &moved}));
  EXPECT_EQ(heard.verdict.reasons(0).rule(), "R18");
  EXPECT_EQ(heard.bad_fields.fields(0).path(), "apheresis_completed.volume_ml");
  ASSERT_TRUE(heard.moved.has_value());
  EXPECT_EQ(heard.moved->length(), 7u);
}

TEST(StatusMapTest, DetailsThatAreNotThereAreNotMadeUp) {
  const pb::Verdict verdict;
  const pb::BadFields bad;
  EXPECT_EQ(ToRpcStatus(Aborted("moved"), {&verdict, &bad, nullptr}).details_size(), 0);
  EXPECT_FALSE(FromGrpc(ToGrpc(Aborted("moved"))).moved.has_value());
}

pb::Verdict Refusing(int reasons, std::size_t bytes_each) {
  pb::Verdict verdict;
  verdict.set_refused(true);
  verdict.set_rules_version(1);
  for (int i = 0; i < reasons; ++i) {
    pb::Reason& reason = *verdict.add_reasons();
    reason.set_rule("R" + std::to_string(i));
    reason.set_found(std::string(bytes_each, 'f'));
  }
  return verdict;
}

pb::BadFields Faulty(int fields, std::size_t bytes_each) {
  pb::BadFields bad;
  for (int i = 0; i < fields; ++i) {
    bad.add_fields()->set_path("reading[" + std::to_string(i) + "]");
    bad.mutable_fields(i)->set_reason(std::string(bytes_each, 'r'));
  }
  return bad;
}

// What the trailers of `status` take in metadata, at its worst: percent signs and base64.
std::size_t TrailerBytes(const grpc::Status& status) {
  return 3 * status.error_message().size() + status.error_details().size() * 4 / 3 + 256;
}

TEST(StatusMapTest, FortyReasonsAreAllGiven) {
  const pb::Verdict verdict = Refusing(40, 500);
  const grpc::Status status = ToGrpc(FailedPrecondition("refused"), {&verdict});
  EXPECT_EQ(FromGrpc(status).verdict.SerializeAsString(), verdict.SerializeAsString());
  EXPECT_LT(TrailerBytes(status), 64u << 10);
}

TEST(StatusMapTest, WhatDoesNotFitIntoTrailersIsCutAndCounted) {
  const std::pair<int, std::size_t> kinds[] = {
      {100, 700}, {1'000, 60}, {20'000, 0}, {3, 60'000}, {1, 60'000}};
  for (const auto& [count, each] : kinds) {
    SCOPED_TRACE(std::to_string(count) + " of " + std::to_string(each) + " bytes");
    const pb::Verdict verdict = Refusing(count, each);
    const pb::BadFields bad = Faulty(count, each);
    const grpc::Status status =
        ToGrpc(FailedPrecondition(std::string(70'000, 'w')), {&verdict, &bad});
    EXPECT_LT(TrailerBytes(status), 64u << 10);
    const RpcError heard = FromGrpc(status);
    EXPECT_THAT(Message(heard.status), ::testing::EndsWith(" ... and more"));
    EXPECT_TRUE(heard.verdict.refused());
    EXPECT_EQ(heard.verdict.rules_version(), 1u);
    const auto more = [count = count](int given) {
      return "and " + std::to_string(count - given) + " more";
    };
    const int reasons = heard.verdict.reasons_size() - 1;
    ASSERT_GE(reasons, 0);
    for (int i = 0; i < reasons; ++i) {
      ASSERT_EQ(heard.verdict.reasons(i).rule(), "R" + std::to_string(i));
    }
    EXPECT_EQ(heard.verdict.reasons(reasons).rule(), "...");
    EXPECT_THAT(heard.verdict.reasons(reasons).found(), ::testing::HasSubstr(more(reasons)));
    const int fields = heard.bad_fields.fields_size() - 1;
    ASSERT_GE(fields, 0);
    EXPECT_EQ(heard.bad_fields.fields(fields).path(), "...");
    EXPECT_THAT(heard.bad_fields.fields(fields).reason(), ::testing::HasSubstr(more(fields)));
    // Alone it has all the room.
    const RpcError alone = FromGrpc(ToGrpc(InvalidArgument("bad"), {nullptr, &bad}));
    EXPECT_GE(alone.bad_fields.fields_size(), heard.bad_fields.fields_size());
  }
}

TEST(StatusMapTest, WordsAreCutBetweenLetters) {
  for (std::size_t before = 0; before < 4; ++before) {
    std::string words(before, 'x');
    while (words.size() < 4'000) words += "\xE2\x82\xAC";
    const grpc::Status status = ToGrpc(NotFound(words));
    EXPECT_LE(status.error_message().size(), 1024u);
    EXPECT_EQ(status.error_message().find('?'), std::string::npos) << before;
    EXPECT_EQ(FromGrpc(status).status, NotFound(status.error_message()));
  }
}

TEST(StatusMapTest, WordsFromForeignBytesAreMadePrintable) {
  const grpc::Status status = ToGrpc(InvalidArgument("chain \xff\x01 is none"));
  EXPECT_EQ(status.error_message(), "chain ?? is none");
}

TEST(StatusMapTest, ReasonsAreOneLineAndKeepTheirLetters) {
  const grpc::Status status =
      ToGrpc(FailedPrecondition("R16: 9 \xC2\xB0"
                                "C\nR18: not released\n"));
  EXPECT_EQ(status.error_message(),
            "R16: 9 \xC2\xB0"
            "C; R18: not released");
}

TEST(StatusMapTest, NothingInAMessageSteersATerminal) {
  EXPECT_EQ(ToGrpc(NotFound("no \x1b[2J \xC2\x9B"
                            "2J \x7f here"))
                .error_message(),
            "no ?[2J ?2J ? here");
}

TEST(StatusMapTest, ATransportErrorKeepsItsCode) {
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::UNAVAILABLE, "connection refused")).status,
              StatusIs(StatusCode::kUnavailable, "cannot be reached"));
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::CANCELLED, "CANCELLED")).status,
              StatusIs(StatusCode::kUnavailable, "stopping"));
  EXPECT_THAT(FromGrpc(grpc::Status(grpc::UNAVAILABLE, "x: CERTIFICATE_VERIFY_FAILED")).status,
              StatusIs(StatusCode::kUnauthenticated));
}

TEST(StatusMapTest, DetailsOfAnotherStatusAreNotBelieved) {
  const grpc::Status status(grpc::NOT_FOUND, "no such",
                            ToRpcStatus(Aborted("moved")).SerializeAsString());
  EXPECT_THAT(FromGrpc(status).status, StatusIs(StatusCode::kNotFound, "no such"));
}

TEST(ForPeerTest, WhatIsInsideStaysInside) {
  for (const StatusCode code :
       {StatusCode::kInternal, StatusCode::kDataLoss, StatusCode::kUnknown}) {
    const Status told = ForPeer(MakeStatus(code, "/var/lib/custody/db: damaged"), "Record");
    EXPECT_EQ(told.code(), code);
    EXPECT_EQ(Message(told).find("/var/lib"), std::string::npos);
    EXPECT_NE(Message(told).find("correlation id"), std::string::npos);
  }
  EXPECT_EQ(ForPeer(NotFound("no entry 7"), "Record"), NotFound("no entry 7"));
}

}  // namespace
}  // namespace custody
