// Folds are kept across restarts, and are never truth: what was kept, what is replayed from the
// first event on, and what another process folded must be one and the same.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "server/ledger/ledger.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

TEST(TherapyFoldsTest, AFoldKeptAcrossARestartIsWhatAReplayGives) {
  TherapyWorld world("");  // all of the therapy
  FakeClock clock(FromProto(world.ledger().log().back().entry.received_at()));
  LedgerOptions options;
  options.folder = world.data();
  options.clock = &clock;
  const auto ledger =
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(world.data() / "log.key"))));
  const pb::GetTherapyReply kept = Must(ledger->GetTherapy("T1", std::nullopt));
  const pb::GetTherapyReply replayed = Must(ledger->GetTherapy("T1", clock.Now()));
  EXPECT_GT(kept.length(), 40u);
  EXPECT_EQ(kept.length(), replayed.length());
  EXPECT_EQ(kept.head(), replayed.head());
  std::string difference;
  google::protobuf::util::MessageDifferencer compare;
  compare.ReportDifferencesToString(&difference);
  EXPECT_TRUE(compare.Compare(kept.state(), replayed.state())) << difference;
  EXPECT_TRUE(compare.Compare(kept.state(), world.folded())) << difference;
}

}  // namespace
}  // namespace custody
