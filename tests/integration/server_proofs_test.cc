// What the server proves, over real connections: checkpoints, inclusion, consistency and heads,
// each proof checked as a stranger with the log's key would.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "custody/event.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

std::vector<Hash> Hashes(const google::protobuf::RepeatedPtrField<std::string>& bytes) {
  std::vector<Hash> hashes;
  for (const std::string& one : bytes) hashes.push_back(Must(Hash::FromBytes(one)));
  return hashes;
}

class ServerProofsTest : public ::testing::Test {
 protected:
  // Records `count` events one after the other: every receipt has a checkpoint of its own.
  std::vector<pb::Receipt> Record(int count) {
    std::vector<pb::Receipt> receipts;
    for (int i = 0; i < count; ++i) {
      pb::RecordReply reply;
      Must(caller_.Record(world_.Next("therapy/P" + std::to_string(i % 3)), &reply).status);
      receipts.push_back(reply.receipt());
    }
    return receipts;
  }
  Checkpoint Opened(const std::string& note) { return Must(OpenCheckpoint(note, log_)); }
  RpcError GetCheckpoint(std::optional<std::uint64_t> size, std::string* note) {
    pb::GetCheckpointRequest request;
    if (size.has_value()) request.set_size(*size);
    pb::CheckpointReply reply;
    RpcError error =
        caller_.Ask(*caller_.ledger, &pb::Ledger::Stub::GetCheckpoint, request, &reply);
    *note = reply.checkpoint();
    return error;
  }
  RpcError Include(std::uint64_t index, std::uint64_t size, pb::Receipt* receipt) {
    pb::GetInclusionProofRequest request;
    request.set_index(index);
    request.set_size(size);
    pb::InclusionProofReply reply;
    RpcError error =
        caller_.Ask(*caller_.ledger, &pb::Ledger::Stub::GetInclusionProof, request, &reply);
    *receipt = reply.receipt();
    return error;
  }
  RpcError Continue(std::uint64_t old_size, std::uint64_t size, pb::ConsistencyProofReply* reply) {
    pb::GetConsistencyProofRequest request;
    request.set_old_size(old_size);
    request.set_size(size);
    return caller_.Ask(*caller_.ledger, &pb::Ledger::Stub::GetConsistencyProof, request, reply);
  }

  ServerWorld world_;
  RunningServer server_{world_.data()};
  RawCaller caller_{server_.address(), world_.authority(), "clinic.station.1"};
  NoteVerifier log_ = Must(NoteVerifier::Parse(world_.ledger().log_vkey()));
};

TEST_F(ServerProofsTest, CheckpointsOfEveryKeptSizeAreServed) {
  std::string before;
  CUSTODY_ASSERT_OK(GetCheckpoint(std::nullopt, &before).status);
  const std::uint64_t founded = Opened(before).size;
  const std::vector<pb::Receipt> receipts = Record(7);
  for (const pb::Receipt& receipt : receipts) {
    std::string note;
    CUSTODY_ASSERT_OK(GetCheckpoint(Opened(receipt.checkpoint()).size, &note).status);
    EXPECT_EQ(note, receipt.checkpoint());
  }
  std::string newest;
  CUSTODY_ASSERT_OK(GetCheckpoint(std::nullopt, &newest).status);
  EXPECT_EQ(newest, receipts.back().checkpoint());
  // The registry was recorded in few groups: of the sizes inside them none was ever released.
  std::size_t kept = 0;
  std::size_t between = 0;
  for (std::uint64_t size = 1; size <= founded; ++size) {
    std::string note;
    const Status status = GetCheckpoint(size, &note).status;
    if (status.ok()) {
      ++kept;
      EXPECT_EQ(Opened(note).size, size);
    } else {
      ++between;
      EXPECT_THAT(status,
                  StatusIs(StatusCode::kNotFound, "no checkpoint of size " + std::to_string(size) +
                                                      " was released; ask for the newest"));
    }
  }
  EXPECT_GE(kept, 2u);
  EXPECT_GE(between, 1u);
  const std::uint64_t size = founded + receipts.size();
  std::string note;
  EXPECT_THAT(GetCheckpoint(size + 1, &note).status,
              StatusIs(StatusCode::kOutOfRange, "checkpoint size " + std::to_string(size + 1) +
                                                    " is beyond the log of " +
                                                    std::to_string(size) + " entries"));
}

TEST_F(ServerProofsTest, ProofsOverTheWireHold) {
  const std::vector<pb::Receipt> receipts = Record(9);
  std::map<std::uint64_t, Hash> roots;
  for (const pb::Receipt& receipt : receipts) {
    const Checkpoint checkpoint = Opened(receipt.checkpoint());
    roots[checkpoint.size] = checkpoint.root;
  }
  const std::uint64_t last = roots.rbegin()->first;
  for (const auto& [size, root] : roots) {
    for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{5}, size / 2, size - 1}) {
      pb::Receipt receipt;
      CUSTODY_ASSERT_OK(Include(index, size, &receipt).status);
      EXPECT_EQ(receipt.index(), index);
      EXPECT_EQ(Opened(receipt.checkpoint()).root, root);
      CUSTODY_EXPECT_OK(
          VerifyInclusion(LeafHash(receipt.entry()), index, size, Hashes(receipt.path()), root));
      EXPECT_EQ(Must(ParseLogEntry(receipt.entry())).event_id(),
                world_.ledger().log()[index].parsed.event_id.view());
    }
    for (const auto& [old_size, old_root] : roots) {
      pb::ConsistencyProofReply reply;
      const Status status = Continue(old_size, size, &reply).status;
      if (old_size > size) {
        EXPECT_THAT(status, StatusIs(StatusCode::kOutOfRange, std::to_string(old_size)));
        continue;
      }
      CUSTODY_ASSERT_OK(status);
      EXPECT_EQ(Opened(reply.checkpoint()).root, root);
      CUSTODY_EXPECT_OK(VerifyConsistency(old_size, old_root, size, root, Hashes(reply.path())));
      // Of another log than the one it was asked about.
      if (old_size < size) {
        EXPECT_FALSE(
            VerifyConsistency(old_size, Sha256("fork"), size, root, Hashes(reply.path())).ok());
      }
    }
  }
  pb::Receipt receipt;
  for (const std::uint64_t index : {last, last + 7}) {
    EXPECT_THAT(Include(index, last, &receipt).status,
                StatusIs(StatusCode::kOutOfRange, "entry " + std::to_string(index) +
                                                      " is beyond the log of " +
                                                      std::to_string(last) + " entries"));
  }
  pb::ConsistencyProofReply reply;
  CUSTODY_ASSERT_OK(Continue(0, last, &reply).status);
  EXPECT_TRUE(reply.path().empty()) << "nothing is a prefix of everything";
}

TEST_F(ServerProofsTest, HeadsAreProvedAtEveryKeptCheckpoint) {
  std::vector<std::pair<std::string, std::uint64_t>> kept;  // checkpoint, length of A at it
  for (std::uint64_t i = 0; i < 9; ++i) {
    pb::RecordReply reply;
    const std::string chain = i % 3 == 1 ? "therapy/A" : "therapy/X" + std::to_string(i);
    CUSTODY_ASSERT_OK(caller_.Record(world_.Next(chain), &reply).status);
    kept.emplace_back(reply.receipt().checkpoint(), (i + 2) / 3);
  }
  for (const auto& [note, length] : kept) {
    const Checkpoint checkpoint = Opened(note);
    pb::GetHeadsProofRequest request;
    request.set_chain("therapy/A");
    request.set_size(checkpoint.size);
    pb::HeadsProofReply reply;
    CUSTODY_ASSERT_OK(
        caller_.Ask(*caller_.ledger, &pb::Ledger::Stub::GetHeadsProof, request, &reply).status);
    EXPECT_EQ(reply.present(), length > 0);
    EXPECT_EQ(reply.length(), length);
    EXPECT_EQ(reply.last_entry().checkpoint(), note);
    const pb::LogEntry last = Must(ParseLogEntry(reply.last_entry().entry()));
    HeadsProof proof;
    for (const std::string& hash : reply.siblings()) {
      proof.siblings.push_back(Must(Hash::FromBytes(hash)));
    }
    if (!reply.neighbour_key().empty()) {
      proof.neighbour = {Must(Hash::FromBytes(reply.neighbour_key())),
                         Must(Hash::FromBytes(reply.neighbour_head())), reply.neighbour_length()};
    }
    const Hash root = Must(Hash::FromBytes(last.heads_root()));
    const Hash key = Sha256("therapy/A");
    CUSTODY_EXPECT_OK(
        length == 0
            ? VerifyAbsence(key, proof, root)
            : VerifyPresence({key, Must(Hash::FromBytes(reply.head())), length}, proof, root));
  }
  pb::GetHeadsProofRequest beyond;
  beyond.set_chain("therapy/A");
  beyond.set_size(1'000'000);
  pb::HeadsProofReply reply;
  EXPECT_THAT(caller_.Ask(*caller_.ledger, &pb::Ledger::Stub::GetHeadsProof, beyond, &reply).status,
              StatusIs(StatusCode::kOutOfRange, "beyond the log"));
}

}  // namespace
}  // namespace custody
