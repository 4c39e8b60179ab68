#include "client/plain_lines.h"

#include <gtest/gtest.h>

#include "client/rpc_status.h"

namespace custody {
namespace {

TEST(PlainLinesTest, OurLinesStayAndNothingInThemMovesTheCursor) {
  EXPECT_EQ(PlainLines("R08 blocked\n  R11 blocked\n"), "R08 blocked\n  R11 blocked\n");
  EXPECT_EQ(PlainLines("\nScan: "), "\nScan: ");
  EXPECT_EQ(PlainLines("see QA\033[2J\u009b1m\u202e\r*** PASS ***"), "see QA?[2J?1m??*** PASS ***");
  EXPECT_EQ(PlainLines(""), "");
}

TEST(PlainLinesTest, IndentedLinesDoNotBeginWhereOurWordsDo) {
  EXPECT_EQ(PlainLines("one\n*** PASS ***  BAG-1\n\n  three", "  "),
            "one\n  *** PASS ***  BAG-1\n\n  three");
  EXPECT_EQ(PlainLines("\n*** PASS ***", "  "), "\n  *** PASS ***");
}

TEST(PlainLinesTest, AServersWordsArePlainBeforeAnybodySeesThem) {
  pb::RpcStatus rpc;
  rpc.set_code(9);
  rpc.set_message("refused\n*** RECORDED ***\033[1A");
  EXPECT_EQ(Message(FromRpcStatus(rpc).status), "refused\n  *** RECORDED ***?[1A");
  const grpc::Status bare(grpc::StatusCode::INTERNAL, "\033[2J");
  EXPECT_EQ(Message(FromGrpc(bare).status), "?[2J");
}

}  // namespace
}  // namespace custody
