// What a client believes: a true receipt, and no receipt with any part exchanged.

#include "client/proofs.h"

#include <gtest/gtest.h>

#include "crypto/merkle.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

class ProofsTest : public ::testing::Test {
 protected:
  ProofsTest() {
    PatientEnrolledBy(ledger_, "therapy/T1").Record();
    ConsentWithdrawnBy(ledger_, "therapy/T1").Record();
  }
  CheckpointBook Book() { return CheckpointBook(Must(NoteVerifier::Parse(ledger_.log_vkey()))); }
  pb::Receipt ReceiptOf(std::uint64_t index) const {
    pb::Receipt receipt;
    receipt.set_index(index);
    receipt.set_entry(ledger_.log()[index].entry_bytes);
    for (const Hash& hash : ledger_.Path(index)) receipt.add_path(hash.ToString());
    receipt.set_checkpoint(ledger_.SignedCheckpoint());
    return receipt;
  }
  pb::HeadsProofReply HeadOf(const std::string& chain) {
    pb::HeadsProofReply reply;
    const HeadsProof proof = ledger_.ProveHead(chain);
    reply.set_present(ledger_.Length(chain) > 0);
    reply.set_length(ledger_.Length(chain));
    if (reply.present()) reply.set_head(ledger_.Head(chain).ToString());
    for (const Hash& hash : proof.siblings) reply.add_siblings(hash.ToString());
    if (proof.neighbour) {
      reply.set_neighbour_key(proof.neighbour->key.ToString());
      reply.set_neighbour_head(proof.neighbour->head.ToString());
      reply.set_neighbour_length(proof.neighbour->length);
    }
    *reply.mutable_last_entry() = ReceiptOf(ledger_.log().size() - 1);
    return reply;
  }
  const Recorded& Last() const { return ledger_.log().back(); }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
};

TEST_F(ProofsTest, EveryTrueReceiptIsBelieved) {
  CheckpointBook book = Book();
  for (const Recorded& recorded : ledger_.log()) {
    CUSTODY_EXPECT_OK(CheckReceipt(recorded.signed_event, ReceiptOf(recorded.index), book));
  }
}

TEST_F(ProofsTest, NoReceiptWithAChangedBitIsBelieved) {
  CheckpointBook book = Book();
  const pb::Receipt receipt = ReceiptOf(Last().index);
  const auto refused = [&](const pb::Receipt& changed) {
    return CheckReceipt(Last().signed_event, changed, book).code() == StatusCode::kDataLoss;
  };
  for (std::size_t i = 0; i < receipt.entry().size(); ++i) {
    pb::Receipt changed = receipt;
    (*changed.mutable_entry())[i] = static_cast<char>(receipt.entry()[i] ^ 1);
    EXPECT_TRUE(refused(changed)) << "entry byte " << i;
  }
  for (int i = 0; i < receipt.path_size(); ++i) {
    pb::Receipt changed = receipt;
    (*changed.mutable_path(i))[31] = static_cast<char>(receipt.path(i)[31] ^ 1);
    EXPECT_TRUE(refused(changed)) << "path " << i;
  }
  pb::Receipt changed = receipt;
  changed.set_index(receipt.index() - 1);
  EXPECT_TRUE(refused(changed));
  changed = receipt;
  changed.mutable_path()->RemoveLast();
  EXPECT_TRUE(refused(changed));
}

TEST_F(ProofsTest, AReceiptOfAnotherEventOrOtherSignaturesIsRefused) {
  CheckpointBook book = Book();
  const pb::Receipt receipt = ReceiptOf(Last().index);
  EXPECT_THAT(CheckReceipt(ledger_.log()[1].signed_event, receipt, book),
              StatusIs(StatusCode::kDataLoss));
  pb::SignedEvent resigned = Last().signed_event;
  (*resigned.mutable_signatures(0)->mutable_value())[0] ^= 1;
  EXPECT_THAT(CheckReceipt(resigned, receipt, book),
              StatusIs(StatusCode::kDataLoss, "other signatures"));
}

TEST_F(ProofsTest, ACheckpointOfAnotherLogIsRefused) {
  const TestLedger other(pb::DEMO, "two", {.small = true});
  CheckpointBook book = Book();
  pb::Receipt receipt = ReceiptOf(Last().index);
  receipt.set_checkpoint(other.SignedCheckpoint());
  EXPECT_THAT(CheckReceipt(Last().signed_event, receipt, book), StatusIs(StatusCode::kDataLoss));
}

TEST_F(ProofsTest, TwoRootsForOneSizeAreARewrittenHistory) {
  CheckpointBook book = Book();
  CUSTODY_EXPECT_OK(book.Open(ledger_.SignedCheckpoint()));
  const Checkpoint forked{ledger_.origin(), ledger_.log().size(), Sha256("another history")};
  EXPECT_THAT(book.Open(Must(SignCheckpoint(forked, ledger_.log_key()))),
              StatusIs(StatusCode::kDataLoss, "rewrote history"));
}

TEST_F(ProofsTest, HeadsAreProvedPresentAndAbsent) {
  CheckpointBook book = Book();
  const Chain chain = *Chain::Parse("therapy/T1");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ProvedHead head, CheckHead(chain, HeadOf("therapy/T1"), book));
  EXPECT_EQ(head.length, 2u);
  EXPECT_EQ(head.head, Last().parsed.event_id);
  const Chain none = *Chain::Parse("therapy/T2");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ProvedHead empty, CheckHead(none, HeadOf("therapy/T2"), book));
  EXPECT_EQ(empty.length, 0u);
}

TEST_F(ProofsTest, AShorterChainIsNotProved) {
  CheckpointBook book = Book();
  const Chain chain = *Chain::Parse("therapy/T1");
  pb::HeadsProofReply shorter = HeadOf("therapy/T1");
  shorter.set_length(1);
  shorter.set_head(ledger_.log()[Last().index - 1].parsed.event_id.ToString());
  EXPECT_THAT(CheckHead(chain, shorter, book), StatusIs(StatusCode::kDataLoss));
  pb::HeadsProofReply absent = HeadOf("therapy/T1");
  absent.set_present(false);
  EXPECT_THAT(CheckHead(chain, absent, book), StatusIs(StatusCode::kDataLoss));
  pb::HeadsProofReply stale = HeadOf("therapy/T1");
  *stale.mutable_last_entry() = ReceiptOf(Last().index - 1);
  EXPECT_THAT(CheckHead(chain, stale, book), StatusIs(StatusCode::kDataLoss, "last entry"));
}

TEST_F(ProofsTest, AChainIsFollowedEventByEvent) {
  CheckpointBook book = Book();
  const Chain chain = *Chain::Parse("therapy/T1");
  const Checkpoint checkpoint = Must(book.Open(ledger_.SignedCheckpoint()));
  pb::EntryReply entry;
  entry.set_index(Last().index);
  entry.set_entry(Last().entry_bytes);
  *entry.mutable_signed_() = Last().signed_event;
  for (const Hash& hash : ledger_.Path(Last().index)) entry.add_path(hash.ToString());
  const Hash previous = ledger_.log()[Last().index - 1].parsed.event_id;
  CUSTODY_EXPECT_OK(CheckChainEntry(chain, 1, previous, entry, checkpoint));
  EXPECT_THAT(CheckChainEntry(chain, 0, Hash(), entry, checkpoint),
              StatusIs(StatusCode::kDataLoss, "another place"));
  EXPECT_THAT(CheckChainEntry(chain, 1, Hash(), entry, checkpoint),
              StatusIs(StatusCode::kDataLoss, "does not follow"));
  EXPECT_THAT(CheckChainEntry(*Chain::Parse("therapy/T2"), 1, previous, entry, checkpoint),
              StatusIs(StatusCode::kDataLoss));
  entry.clear_signed_();  // withheld: its place is proved all the same
  CUSTODY_EXPECT_OK(CheckChainEntry(chain, 1, previous, entry, checkpoint));
}

}  // namespace
}  // namespace custody
