// The main path folds from enrolment to the visit in month 2 to 3, and nothing stands against it.
#include "tests/support/main_path.h"

#include <gtest/gtest.h>

#include <set>

#include "custody/rules.h"
#include "custody/state.h"
#include "custody/therapy.h"

namespace custody {
namespace {

TEST(MainPathTest, NothingStandsAgainstAnyStep) {
  TestLedger ledger;
  TherapyRun run(ledger);
  run.Until("");
  ASSERT_EQ(run.verdicts().size(), run.steps().size());
  for (std::size_t i = 0; i < run.steps().size(); ++i) {
    for (const pb::Reason& reason : run.verdicts()[i].reasons()) {
      const bool harmless =
          reason.kind() == pb::REASON_NOTE || (reason.kind() == pb::REASON_NOT_JUDGED &&
                                               (reason.rule() == "R05" || reason.rule() == "R15"));
      EXPECT_TRUE(harmless) << run.steps()[i].body << ": " << Explain(run.verdicts()[i]);
    }
  }
}

TEST(MainPathTest, LeavesTheStateThatItTells) {
  TestLedger ledger;
  TherapyRun run(ledger);
  run.Until("");
  const pb::TherapyState& state = run.state();
  EXPECT_EQ(state.therapy(), "T1");
  EXPECT_EQ(state.state(), "FOLLOW_UP");
  EXPECT_EQ(state.coi(), kMainCoi);
  EXPECT_EQ(state.length(), run.steps().size());
  EXPECT_EQ(state.head(), ledger.Head("therapy/T1").ToString());
  ASSERT_EQ(state.lots_size(), 1);
  EXPECT_EQ(state.lots(0).state(), pb::LOT_RELEASED);
  EXPECT_EQ(FindContainer(state, kMainBag)->state(), pb::CONTAINER_INFUSED);
  EXPECT_EQ(FindContainer(state, kMainDin)->state(), pb::CONTAINER_CONSUMED);
  EXPECT_TRUE(state.deviations().empty());
  EXPECT_TRUE(state.quarantines().empty());
  ASSERT_EQ(state.timers_size(), 3);  // the visits to come
  EXPECT_EQ(state.timers(0).name(), "Follow-up, day 100");
  EXPECT_EQ(state.timers(1).name(), "Follow-up, month 6");
  EXPECT_EQ(state.timers(2).name(), "Follow-up, year 1");
  EXPECT_TRUE(state.attestations().empty());
  const std::set<std::string> sites(state.party_sites().begin(), state.party_sites().end());
  EXPECT_EQ(sites, (std::set<std::string>{"CLINIC", "LAB"}));
}

TEST(MainPathTest, StaysSmall) {
  TestLedger ledger;
  TherapyRun run(ledger);
  run.Until("");
  EXPECT_LT(run.state().SpaceUsedLong(), 32'000U);
}

TEST(MainPathTest, FoldsToTheSameBytes) {
  std::string bytes[2];
  for (std::string& folded : bytes) {
    TestLedger ledger;
    TherapyRun run(ledger);
    run.Until("");
    folded = run.state().SerializeAsString();
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

}  // namespace
}  // namespace custody
