// The heads map as a store of tiles: what is written, what is read back, and what damage does.
#include "crypto/heads_map.h"

#include "crypto/merkle.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

// Tiles as the ledger's store would keep them, with failures on demand.
class TileTable {
 public:
  HeadsMap::TileSource source() {
    return [this](std::string_view path) -> StatusOr<std::string> {
      ++reads;
      if (failing) return Unavailable("disk");
      const auto found = tiles.find(std::string(path));
      return found == tiles.end() ? std::string() : found->second;
    };
  }
  // Gives the number of tiles written.
  std::size_t Write(HeadsMap& map) {
    auto dirty = map.TakeDirty();
    const std::size_t count = dirty.size();
    for (auto& [path, bytes] : dirty) tiles[path] = std::move(bytes);
    return count;
  }

  std::map<std::string, std::string> tiles;
  bool failing = false;
  int reads = 0;
};

ChainHead Head(std::uint64_t i, std::uint64_t length = 1) {
  return {Sha256("chain " + std::to_string(i)), Sha256("head " + std::to_string(i)), length};
}

// A chain whose key begins with the bytes of `prefix` and is zero elsewhere.
ChainHead HeadAt(std::string_view prefix) {
  return {Hash::FromBytes(std::string(prefix) + std::string(32 - prefix.size(), '\0')).value(),
          Sha256(prefix), 1};
}

TEST(HeadsMapTest, EmptyAndSingleAreTheirOwnRoots) {
  HeadsMap map;
  EXPECT_TRUE(map.root().is_zero());
  EXPECT_TRUE(map.TakeDirty().empty());
  EXPECT_EQ(map.Find(Head(1).key).value(), std::nullopt);
  CUSTODY_EXPECT_OK(VerifyAbsence(Head(1).key, map.Prove(Head(1).key).value(), map.root()));
  CUSTODY_ASSERT_OK(map.Set(Head(1)));
  EXPECT_EQ(map.root(), HeadsLeafHash(Head(1)));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const HeadsProof proof, map.Prove(Head(1).key));
  EXPECT_TRUE(proof.siblings.empty());
  CUSTODY_EXPECT_OK(VerifyPresence(Head(1), proof, map.root()));
  EXPECT_THAT(map.Set({Head(1).key, Head(1).head, 0}), StatusIs(StatusCode::kInvalidArgument));
}

TEST(HeadsMapTest, KeysThatPartAtTheirLastBitGoThroughEveryTile) {
  HeadsMap map;
  ChainHead left = HeadAt("");
  ChainHead right = left;
  right.key.bytes[31] = 1;
  CUSTODY_ASSERT_OK(map.Set(left));
  CUSTODY_ASSERT_OK(map.Set(right));
  EXPECT_EQ(map.TakeDirty().size(), 64U);
  Hash root = NodeHash(HeadsLeafHash(left), HeadsLeafHash(right));
  for (int i = 0; i < 255; ++i) root = NodeHash(root, Hash());
  EXPECT_EQ(map.root(), root);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const HeadsProof proof, map.Prove(right.key));
  EXPECT_EQ(proof.siblings.size(), 256U);
  CUSTODY_EXPECT_OK(VerifyPresence(right, proof, root));
  HeadsProof longer = proof;
  longer.siblings.emplace_back();
  EXPECT_THAT(VerifyPresence(right, longer, root), StatusIs(StatusCode::kInvalidArgument, "256"));
}

TEST(HeadsMapTest, ReopensFromItsTiles) {
  TileTable table;
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
  HeadsMap in_memory;
  for (std::uint64_t i = 0; i < 500; ++i) {
    CUSTODY_ASSERT_OK(map.Set(Head(i % 300, i + 1)));
    CUSTODY_ASSERT_OK(in_memory.Set(Head(i % 300, i + 1)));
    if (i % 7 == 0) table.Write(map);
  }
  table.Write(map);
  EXPECT_EQ(table.Write(map), 0U);
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap again, HeadsMap::Open(table.source()));
  EXPECT_EQ(again.root(), map.root());
  EXPECT_EQ(again.root(), in_memory.root());
  EXPECT_EQ(in_memory.TakeDirty(), table.tiles);
  for (std::uint64_t i = 0; i < 300; ++i) {
    const ChainHead expected = Head(i, i < 200 ? i + 301 : i + 1);
    EXPECT_EQ(again.Find(expected.key).value(), expected);
    CUSTODY_EXPECT_OK(VerifyPresence(expected, again.Prove(expected.key).value(), again.root()));
  }
}

TEST(HeadsMapTest, AChangeWritesOneTileALevel) {
  TileTable table;
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
  for (std::uint64_t i = 0; i < 4000; ++i) CUSTODY_ASSERT_OK(map.Set(Head(i)));
  table.Write(map);
  for (std::uint64_t i = 0; i < 100; ++i) {
    CUSTODY_ASSERT_OK(map.Set(Head(i, 2)));
    EXPECT_LE(table.Write(map), 6U);  // 4,000 chains are 12 bits, three tiles, and a few deeper
  }
}

TEST(HeadsMapTest, AMapLargerThanItsCacheIsNotKeptWhole) {
  constexpr std::uint64_t kChains = 3000;
  for (const std::size_t cache_tiles : {0U, 1U, 32U}) {
    TileTable table;
    CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source(), cache_tiles));
    HeadsMap in_memory;
    for (std::uint64_t i = 0; i < kChains; ++i) {
      CUSTODY_ASSERT_OK(map.Set(Head(i)));
      CUSTODY_ASSERT_OK(in_memory.Set(Head(i)));
      if (i % 100 == 0) table.Write(map);
    }
    table.Write(map);
    ASSERT_GT(table.tiles.size(), 200U);
    EXPECT_EQ(map.root(), in_memory.root());
    const int before = table.reads;
    for (std::uint64_t i = 0; i < kChains; i += 10) {
      ASSERT_EQ(map.Find(Head(i).key).value(), Head(i));
    }
    EXPECT_GT(table.reads, before + 200);
  }
}

TEST(HeadsMapTest, DiscardGoesBackToTheSource) {
  TileTable table;
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
  for (std::uint64_t i = 0; i < 50; ++i) CUSTODY_ASSERT_OK(map.Set(Head(i)));
  table.Write(map);
  const Hash root = map.root();
  for (std::uint64_t i = 0; i < 80; ++i) CUSTODY_ASSERT_OK(map.Set(Head(i, 9)));
  EXPECT_NE(map.root(), root);
  table.failing = true;
  EXPECT_THAT(map.Discard(), StatusIs(StatusCode::kUnavailable));
  EXPECT_NE(map.root(), root);
  table.failing = false;
  CUSTODY_ASSERT_OK(map.Discard());
  EXPECT_EQ(map.root(), root);
  EXPECT_EQ(map.Find(Head(60).key).value(), std::nullopt);
  EXPECT_EQ(map.Find(Head(3).key).value(), Head(3));
  EXPECT_TRUE(map.TakeDirty().empty());

  HeadsMap in_memory;
  CUSTODY_ASSERT_OK(in_memory.Set(Head(1)));
  CUSTODY_ASSERT_OK(in_memory.Discard());
  EXPECT_TRUE(in_memory.root().is_zero());
}

TEST(HeadsMapTest, AFailingSourceChangesNothing) {
  TileTable table;
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
    for (std::uint64_t i = 0; i < 200; ++i) CUSTODY_ASSERT_OK(map.Set(Head(i)));
    table.Write(map);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
  const Hash root = map.root();
  table.failing = true;
  EXPECT_THAT(map.Set(Head(1, 2)), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(map.Find(Head(1).key), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(map.Prove(Head(1).key), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(HeadsMap::Open(table.source()), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(map.root(), root);
  EXPECT_TRUE(map.TakeDirty().empty());
  table.failing = false;
  CUSTODY_EXPECT_OK(map.Set(Head(1, 2)));
}

TEST(HeadsMapTest, EveryChangedBitOfATileIsFound) {
  TileTable table;
  HeadsMap map;
  for (std::uint64_t i = 0; i < 40; ++i) CUSTODY_ASSERT_OK(map.Set(Head(i)));
  table.Write(map);
  // All of the tiles below the top: a parent vouches for them.
  const auto intact = table.tiles;
  for (const auto& [path, bytes] : intact) {
    if (path.empty()) continue;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      std::string& stored = table.tiles[path];
      stored = bytes;
      stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ (1 << bit % 8));
      CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap damaged, HeadsMap::Open(table.source()));
      Hash key;  // any key below the tile
      const std::string whole = path + std::string(path.size() % 2, '0');
      for (std::size_t i = 0; i < whole.size() / 2; ++i) {
        key.bytes[i] = static_cast<std::uint8_t>(std::stoi(whole.substr(2 * i, 2), nullptr, 16));
      }
      ASSERT_THAT(damaged.Find(key), StatusIs(StatusCode::kDataLoss)) << path << " bit " << bit;
    }
    table.tiles[path] = bytes;
  }
  // The top one shows in its root, which the last log entry holds.
  const std::string top = table.tiles[""];
  for (std::size_t bit = 0; bit < 8 * top.size(); ++bit) {
    std::string& stored = table.tiles[""];
    stored = top;
    stored[bit / 8] = static_cast<char>(stored[bit / 8] ^ (1 << bit % 8));
    const auto damaged = HeadsMap::Open(table.source());
    ASSERT_FALSE(damaged.ok() && damaged->root() == map.root()) << bit;
  }
  for (std::size_t size = 1; size < top.size(); ++size) {
    table.tiles[""] = top.substr(0, size);
    ASSERT_THAT(HeadsMap::Open(table.source()), StatusIs(StatusCode::kDataLoss)) << size;
  }
  table.tiles[""] = top + '\0';
  EXPECT_THAT(HeadsMap::Open(table.source()), StatusIs(StatusCode::kDataLoss));
}

TEST(HeadsMapTest, AMissingTileIsDataLoss) {
  TileTable table;
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap map, HeadsMap::Open(table.source()));
  CUSTODY_ASSERT_OK(map.Set(HeadAt("\x01\x10")));
  CUSTODY_ASSERT_OK(map.Set(HeadAt("\x01\x20")));
  table.Write(map);
  ASSERT_EQ(table.tiles.size(), 3U);
  table.tiles.erase("01");
  CUSTODY_ASSERT_OK_AND_ASSIGN(HeadsMap again, HeadsMap::Open(table.source()));
  EXPECT_THAT(again.Find(HeadAt("\x01\x10").key), StatusIs(StatusCode::kDataLoss));
}

TEST(HeadsProofTest, AbsenceNeedsANeighbourOnThePath) {
  HeadsMap map;
  const ChainHead left = HeadAt(std::string_view("\x00", 1));
  const ChainHead right = HeadAt("\xf0");
  CUSTODY_ASSERT_OK(map.Set(left));
  CUSTODY_ASSERT_OK(map.Set(right));
  const Hash absent = HeadAt("\x80").key;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const HeadsProof proof, map.Prove(absent));
  EXPECT_EQ(proof.neighbour, right);
  CUSTODY_EXPECT_OK(VerifyAbsence(absent, proof, map.root()));
  // Neither the chain itself nor one elsewhere is a neighbour.
  EXPECT_FALSE(VerifyAbsence(right.key, proof, map.root()).ok());
  EXPECT_FALSE(VerifyAbsence(HeadAt("\x10").key, proof, map.root()).ok());
  HeadsProof wrong = proof;
  wrong.neighbour->length = 2;
  EXPECT_FALSE(VerifyAbsence(absent, wrong, map.root()).ok());
  wrong.neighbour->length = 0;
  EXPECT_THAT(VerifyAbsence(absent, wrong, map.root()), StatusIs(StatusCode::kInvalidArgument));
  wrong.neighbour.reset();
  EXPECT_FALSE(VerifyAbsence(absent, wrong, map.root()).ok());
  EXPECT_THAT(VerifyPresence(right, proof, map.root()),
              StatusIs(StatusCode::kInvalidArgument, "neighbour"));
}

TEST(HeadsProofTest, ALeafIsNeverHiddenBesideAnEmptySibling) {
  // H(1 || 0 || leaf) is a well-formed hash, but no map has it: the leaf would stand above.
  const ChainHead head = HeadAt("\x80");
  const Hash root = NodeHash(Hash(), HeadsLeafHash(head));
  EXPECT_THAT(VerifyPresence(head, {{Hash()}, std::nullopt}, root),
              StatusIs(StatusCode::kInvalidArgument, "empty sibling"));
  EXPECT_THAT(VerifyAbsence(HeadAt("\xc0").key, {{Hash()}, head}, root),
              StatusIs(StatusCode::kInvalidArgument, "empty sibling"));
  EXPECT_THAT(VerifyPresence({head.key, head.head, 0}, {}, root),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace custody
