// The log's tree against the reference leaves, the published proofs and probes of bad proofs.
#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "crypto/merkle.h"
#include "tests/support/node_table.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vector_file.h"

namespace custody {
namespace {

constexpr char kReference[] = "merkle/rfc6962-reference.json";

// Some probes hold a root that is not 32 bytes, of which no Hash can be made. Two hashes of it
// stand for it: equal to another's exactly when the roots are, and to no hash of the tree.
Hash ReadRoot(const VectorFile::Value& value) {
  const std::string bytes = value.FromBase64();
  return Hash::FromBytes(bytes).value_or(NodeHash(Sha256(bytes), Sha256(bytes)));
}

std::vector<Hash> ReadPath(const VectorFile::Value& value) {
  std::vector<Hash> path;
  for (const auto& item : value.Items()) path.push_back(ReadRoot(item));
  return path;
}

Status JudgeInclusion(const VectorFile::Value& probe) {
  // A leaf that is no hash cannot be asked about at all.
  const Status leaf = Hash::FromBytes(probe["leafHash"].FromBase64()).status();
  const Status verdict = VerifyInclusion(ReadRoot(probe["leafHash"]), probe["leafIdx"].Number(),
                                         probe["treeSize"].Number(), ReadPath(probe["proof"]),
                                         ReadRoot(probe["root"]));
  return leaf.ok() ? verdict : leaf;
}

Status JudgeConsistency(const VectorFile::Value& probe) {
  return VerifyConsistency(probe["size1"].Number(), ReadRoot(probe["root1"]),
                           probe["size2"].Number(), ReadRoot(probe["root2"]),
                           ReadPath(probe["proof"]));
}

// Any tree is consistent with the empty one, whose root and proof are as they must be. Upstream
// calls that question useless and an error; witnesses (C2SP) ask it when they see a log first.
constexpr char kGrowsFromNothing[] =
    "consistency/additional/size1-is-zero-and-size2-is-not-zero.json";

void JudgeProbes(const char* file_name, Status (*judge)(const VectorFile::Value&)) {
  VectorFile file(file_name);
  int good = 0;
  int all = 0;
  for (const auto& probe : file.root().Items()) {
    const std::string name = probe["file"].Text();
    const bool bad = probe["wantErr"].Flag();
    const bool refused = bad && name != kGrowsFromNothing;
    EXPECT_THAT(judge(probe), StatusIs(refused ? StatusCode::kInvalidArgument : StatusCode::kOk))
        << name;
    probe["desc"].Unjudged("a remark");
    good += bad ? 0 : 1;
    ++all;
  }
  EXPECT_EQ(all, 98);
  EXPECT_EQ(good, 6);
}

TEST(MerkleVectors, InclusionProbes) { JudgeProbes("merkle/inclusion.json", JudgeInclusion); }
TEST(MerkleVectors, ConsistencyProbes) { JudgeProbes("merkle/consistency.json", JudgeConsistency); }

// A line of the accumulated vectors: what is proved, then the hashes.
std::string Line(const std::string& head, const std::vector<Hash>& hashes) {
  std::string line = head;
  for (const Hash& hash : hashes) line += " " + hash.ToHex();
  return line + "\n";
}

// Whether [begin, end) is a subtree: it begins at a multiple of the power of two that covers it.
bool IsSubtree(std::uint64_t begin, std::uint64_t end) {
  return begin % std::bit_ceil(end - begin) == 0;
}

void CheckAccumulated(const VectorFile::Value& ours, const VectorFile::Value& published) {
  constexpr std::uint64_t kMax = 130;
  NodeTable table;
  std::string roots = "0 " + EmptyTreeRoot().ToHex() + "\n";
  std::string inclusion;
  std::string consistency;
  std::string subtrees;
  std::string subtree_inclusion;
  for (std::uint64_t n = 0; n <= kMax; ++n) {
    if (n > 0) {
      const char leaf = static_cast<char>(n - 1);
      table.Append(LeafHash({&leaf, 1}));
      roots += std::to_string(n) + " " + table.frontier().root().ToHex() + "\n";
    }
    const std::string size = std::to_string(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      inclusion +=
          Line(std::to_string(i) + " " + size, InclusionPath(i, n, table.source()).value());
    }
    for (std::uint64_t m = 1; m <= n; ++m) {
      consistency +=
          Line(std::to_string(m) + " " + size, ConsistencyPath(m, n, table.source()).value());
    }
    for (std::uint64_t begin = 0; begin <= n; ++begin) {
      if (!IsSubtree(begin, n)) continue;
      const std::string range = "[" + std::to_string(begin) + ", " + size + ")";
      const NodeSource source = table.source(begin);
      subtrees += Line(range, {RootAt(n - begin, source).value()});
      for (std::uint64_t i = begin; i < n; ++i) {
        subtree_inclusion += Line(std::to_string(i) + " " + range,
                                  InclusionPath(i - begin, n - begin, source).value());
      }
    }
  }
  EXPECT_EQ(Sha256(roots), ours["roots"].AsHash());
  EXPECT_EQ(Sha256(inclusion), ours["inclusion"].AsHash());
  EXPECT_EQ(Sha256(consistency), ours["consistency"].AsHash());
  EXPECT_EQ(Sha256(subtrees), published["subtree_hash"].AsHash());
  EXPECT_EQ(Sha256(subtree_inclusion), published["subtree_inclusion"].AsHash());
}

TEST(MerkleVectors, AccumulatedToSize130) {
  VectorFile file(kReference);
  for (const char* field :
       {"source", "encoding", "hash", "hasher", "leaves", "leaf_hashes", "roots_by_size_0_to_8"}) {
    file[field].Unjudged("judged by MerkleVectors.ReferenceTree, or a remark");
  }
  for (const auto& proof : file["published_inclusion"].Items()) {
    proof["leaf_1based"].Number();
    proof["size"].Number();
    proof["path"].Unjudged("judged by MerkleVectors.ReferenceTree");
  }
  for (const auto& proof : file["published_consistency"].Items()) {
    proof["size1"].Number();
    proof["size2"].Number();
    if (proof["proof"].Items().empty()) continue;
    proof["proof"].Unjudged("judged by MerkleVectors.ReferenceTree");
  }
  file["accumulated_computed_here"]["note"].Unjudged("how its lines are written");
  const auto published = file["accumulated_published"];
  published["D"].Unjudged("how the leaves are made");
  for (const char* field : {"subtree_consistency", "subtree_covering"}) {
    published[field].Unjudged("of operations on subtrees that this log does not have");
  }
  CheckAccumulated(file["accumulated_computed_here"], published);
}

TEST(MerkleVectors, ReferenceTree) {
  VectorFile file(kReference);
  for (const char* field :
       {"source", "encoding", "hash", "accumulated_published", "accumulated_computed_here"}) {
    file[field].Unjudged("judged by MerkleVectors.AccumulatedToSize130, or a remark");
  }
  const auto hasher = file["hasher"];
  EXPECT_EQ(EmptyTreeRoot(), hasher["empty_root"].AsHash());
  EXPECT_EQ(LeafHash(""), hasher["leaf_of_empty_string"].AsHash());
  EXPECT_EQ(LeafHash("L123456"), hasher["leaf_L123456"].AsHash());
  EXPECT_EQ(Sha256({"\1", "N123", "N456"}), hasher["node_N123_N456"].AsHash());
  EXPECT_EQ(LeafHash(DecodeHex("101112131415161718191a1b1c1d1e1f").value()),
            hasher["leaf_101112131415161718191a1b1c1d1e1f"].AsHash());
  Hash low;
  Hash high;
  for (std::uint8_t i = 0; i < 32; ++i) {
    low.bytes[i] = i;
    high.bytes[i] = static_cast<std::uint8_t>(0x20 + i);
  }
  EXPECT_EQ(NodeHash(low, high), hasher["node_00..1f_20..3f"].AsHash());

  const std::vector<Hash> leaf_hashes = file["leaf_hashes"].Hashes();
  const std::vector<Hash> roots = file["roots_by_size_0_to_8"].Hashes();
  NodeTable table;
  EXPECT_EQ(table.frontier().root(), roots.at(0));
  for (const auto& leaf : file["leaves"].Items()) {
    const std::size_t index = table.frontier().size();
    const Hash hash = LeafHash(leaf.FromHex());
    EXPECT_EQ(hash, leaf_hashes.at(index));
    table.Append(hash);
    EXPECT_EQ(table.frontier().root(), roots.at(index + 1));
    EXPECT_EQ(RootAt(index + 1, table.source()).value(), roots.at(index + 1));
  }
  ASSERT_EQ(table.frontier().size() + 1, roots.size());
  for (const auto& proof : file["published_inclusion"].Items()) {
    const std::uint64_t index = proof["leaf_1based"].Number() - 1;
    const std::uint64_t size = proof["size"].Number();
    const std::vector<Hash> path = proof["path"].Hashes();
    EXPECT_EQ(InclusionPath(index, size, table.source()).value(), path);
    CUSTODY_EXPECT_OK(VerifyInclusion(leaf_hashes[index], index, size, path, roots[size]));
  }
  for (const auto& proof : file["published_consistency"].Items()) {
    const std::uint64_t size1 = proof["size1"].Number();
    const std::uint64_t size2 = proof["size2"].Number();
    const std::vector<Hash> path = proof["proof"].Hashes();
    EXPECT_EQ(ConsistencyPath(size1, size2, table.source()).value(), path);
    CUSTODY_EXPECT_OK(VerifyConsistency(size1, roots[size1], size2, roots[size2], path));
  }
}

}  // namespace
}  // namespace custody
