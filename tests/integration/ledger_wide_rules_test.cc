// Rules that need other therapies, as a whole ledger answers them.
#include <gtest/gtest.h>

#include "tests/support/journey.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

// What only the whole ledger knows is asked before an event is admitted (R05).
TEST(LedgerWideRulesTest, AShipperHoldsOneTherapyUntilItIsReceived) {
  LedgerFolder folder{false, pb::DEMO, TestWorld{}};
  TherapyRun one(folder.world(), "therapy/T1");
  folder.Begin();
  for (const char* therapy : {"T1", "T2"}) {
    Must(folder.ledger()
             .PutAttachment(therapy, "application/pdf", std::string(kJourneyFile))
             .status());
  }
  one.Through("packed");
  TherapyRun two(folder.world(), "therapy/T2");
  two.Until("packed");
  folder.RecordWorld();
  EventBuilder packed = two.Next();
  ASSERT_FALSE(two.Judge(packed).refused()) << "its own chain knows nothing of it";
  const pb::SignedEvent signed_event = packed.Sign();
  folder.clock().Reach(folder.world().now());
  for (int round = 0; round < 2; ++round) {
    const RecordOutcome outcome = RecordNow(folder.ledger(), signed_event);
    EXPECT_FALSE(outcome.status.ok());
    EXPECT_NE(Message(outcome.status).find("therapy T1 has it"), std::string::npos)
        << Message(outcome.status);
    CUSTODY_ASSERT_OK(folder.Open());  // also what was written answers
  }
  ASSERT_FALSE(
      one.Record(one.Draft({"lab.wh.1"},
                           "received_mfg { received_at $T shipper $SCAN:SHP-1 seals $SCAN:SEAL-1 "
                           "seal_condition: SEAL_INTACT seal_opened_at $T containers "
                           "$SCAN:A999026000001 coi $SCAN:CHA999026000001 outer_damage: NO }"))
          .refused());
  folder.RecordWorld();
  CUSTODY_EXPECT_OK(RecordNow(folder.ledger(), signed_event).status);
}

}  // namespace
}  // namespace custody
