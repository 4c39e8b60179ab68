// The ground other tests stand on: the test world itself must hold.
#include "tests/support/test_ledger.h"

#include <gtest/gtest.h>

#include "crypto/merkle.h"
#include "crypto/note.h"
#include "tests/support/event_builder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(TestLedgerTest, EverySignatureHoldsAndHasAuthorityAsOfItsIndex) {
  const TestLedger ledger;
  Registry registry;
  for (const Recorded& recorded : ledger.log()) {
    const KeyLookup keys = recorded.index == 0 ? GenesisKeys(recorded.parsed.event.ledger_created())
                                               : KeysAt(registry, recorded.index);
    ASSERT_THAT(VerifySignatures(recorded.signed_event, recorded.parsed, keys), IsOk())
        << recorded.index;
    pb::Verdict verdict;
    CheckAuthority(registry, recorded.parsed, nullptr, recorded.index, verdict);
    ASSERT_EQ(verdict.reasons_size(), 0) << recorded.index << verdict.DebugString();
    ASSERT_THAT(registry.Apply(recorded.parsed, recorded.index), IsOk()) << recorded.index;
  }
  EXPECT_EQ(registry.version(), ledger.registry().version());
  EXPECT_EQ(registry.persons().size(), ledger.registry().persons().size());
}

TEST(TestLedgerTest, ProofsHoldUnderTheSignedCheckpoint) {
  TestLedger ledger;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier log, NoteVerifier::Parse(ledger.log_vkey()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint,
                               OpenCheckpoint(ledger.SignedCheckpoint(), log));
  EXPECT_EQ(checkpoint.size, ledger.log().size());
  const Recorded& last = ledger.log().back();
  EXPECT_THAT(VerifyInclusion(LeafHash(last.entry_bytes), last.index, checkpoint.size,
                              ledger.Path(last.index), checkpoint.root),
              IsOk());
  const Hash heads_root = *Hash::FromBytes(last.entry.heads_root());
  EXPECT_THAT(
      VerifyPresence({Sha256("registry"), ledger.Head("registry"), ledger.Length("registry")},
                     ledger.ProveHead("registry"), heads_root),
      IsOk());
}

TEST(TestLedgerTest, TwoWorldsShareKeysAndNoLedger) {
  const TestLedger one;
  const TestLedger two(pb::DEMO, "two");
  EXPECT_NE(one.genesis(), two.genesis());
  EXPECT_EQ(one.person("clinic.rn.1").key.key_id(), two.person("clinic.rn.1").key.key_id());
}

}  // namespace
}  // namespace custody
