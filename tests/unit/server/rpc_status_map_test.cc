// What the server says of an error is what the client hears.

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
