// The keeper's half of the heads map: roots and proofs over tiles.
//
// Problem: the map has a leaf for every chain there ever was, and every event changes one of them.
// It does not fit in memory, and a row a node would be twenty random reads an event.
//
// Idea: a tile is four levels, so a path through a million chains crosses five or six tiles, and a
// change hashes only the nodes on it, four a tile. In memory a tile is a complete binary tree of 31
// nodes (node 1 the root, node n over 2n and 2n+1, nodes 16..31 the slots); on disk only its slots:
//
//   tile  = slot * 16, in order
//   slot  = 0x00                                    nothing below
//         | 0x01 key(32) head(32) u64 length        the only leaf below
//         | 0x02 root(32)                           two leaves or more: the tile below has this
//         root
//
// Invariants, checked when a tile is read, since bytes from disk are not trusted: a slot's leaf
// lies below the slot; a tile other than the top holds two leaves or more, for with fewer its
// parent would hold the leaf itself; a tile's root is what its parent says. So a damaged tile is
// DATA_LOSS and never a wrong proof; the top one is vouched for by the log entry that holds its
// root.
//
// Leaves are never taken out, so tiles only come into being and change.
#include "crypto/heads_map.h"

#include <array>
#include <list>
#include <unordered_map>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/merkle.h"

namespace custody {
namespace {

constexpr std::size_t kSlots = std::size_t{1} << HeadsMap::kTileHeight;
constexpr std::size_t kFirstSlot = kSlots;  // its node number
constexpr std::size_t kMaxTiles = 256 / HeadsMap::kTileHeight;
constexpr char kEmptySlot = 0;
constexpr char kLeafSlot = 1;
constexpr char kInnerSlot = 2;

// The slot that `key` takes in a tile `depth` tiles below the top: four bits of it.
std::size_t SlotOf(const Hash& key, std::size_t depth) {
  const std::size_t byte = key.bytes[depth / 2];
  return depth % 2 == 0 ? byte >> 4 : byte & 15;
}

std::string PathOf(const Hash& key, std::size_t depth) {
  return Hex(key.view().substr(0, (depth + 1) / 2)).substr(0, depth);
}

enum class Kind : std::uint8_t { kEmpty, kLeaf, kInner };

struct Node {
  Kind kind = Kind::kEmpty;
  Hash hash;
};

class Tile {
 public:
  // Parses the tile at `path`; DATA_LOSS when it breaks an invariant that shows within it.
  static StatusOr<Tile> Parse(std::string_view bytes, std::string_view path);
  std::string Serialize() const;

  const Node& node(std::size_t number) const { return nodes_[number]; }
  const Node& root() const { return nodes_[1]; }
  const Node& slot(std::size_t slot) const { return nodes_[kFirstSlot + slot]; }
  // REQUIRES: the slot is a leaf.
  const ChainHead& leaf(std::size_t slot) const { return leaves_[slot]; }

  void SetLeaf(std::size_t slot, const ChainHead& head) {
    leaves_[slot] = head;
    SetSlot(slot, {Kind::kLeaf, HeadsLeafHash(head)});
  }
  void SetInner(std::size_t slot, const Hash& root) { SetSlot(slot, {Kind::kInner, root}); }

 private:
  void SetSlot(std::size_t slot, const Node& node) {
    nodes_[kFirstSlot + slot] = node;
    for (std::size_t n = (kFirstSlot + slot) / 2; n > 0; n /= 2) Join(n);
  }
  void Join(std::size_t number);

  std::array<Node, 2 * kSlots> nodes_;
  std::array<ChainHead, kSlots> leaves_;
};

void Tile::Join(std::size_t number) {
  const Node& left = nodes_[2 * number];
  const Node& right = nodes_[2 * number + 1];
  if (left.kind == Kind::kEmpty && right.kind != Kind::kInner) {
    nodes_[number] = right;
  } else if (right.kind == Kind::kEmpty && left.kind != Kind::kInner) {
    nodes_[number] = left;
  } else {
    nodes_[number] = {Kind::kInner, NodeHash(left.hash, right.hash)};
  }
}

StatusOr<Tile> Tile::Parse(std::string_view bytes, std::string_view path) {
  const auto damaged = [&](std::string_view what) {
    return DataLoss("tile '" + std::string(path) + "' of the heads map " + std::string(what));
  };
  const auto take = [&bytes](std::size_t count) {
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(taken.size());
    return taken;
  };
  Tile tile;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const std::string_view tag = take(1);
    if (tag.empty()) return damaged("is cut short");
    Node& node = tile.nodes_[kFirstSlot + slot];
    if (tag[0] == kLeafSlot) {
      const std::string_view leaf = take(72);
      if (leaf.size() != 72) return damaged("is cut short");
      CUSTODY_ASSIGN_OR_RETURN(const Hash key, Hash::FromBytes(leaf.substr(0, 32)));
      CUSTODY_ASSIGN_OR_RETURN(const Hash head, Hash::FromBytes(leaf.substr(32, 32)));
      const ChainHead found{key, head, ReadU64(leaf.substr(64))};
      if (found.length == 0) return damaged("has a chain without events");
      if (PathOf(key, path.size()) != path || SlotOf(key, path.size()) != slot) {
        return damaged("has a chain that belongs elsewhere");
      }
      tile.leaves_[slot] = found;
      node = {Kind::kLeaf, HeadsLeafHash(found)};
    } else if (tag[0] == kInnerSlot) {
      const std::string_view root = take(32);
      if (root.size() != 32) return damaged("is cut short");
      CUSTODY_ASSIGN_OR_RETURN(node.hash, Hash::FromBytes(root));
      node.kind = Kind::kInner;
    } else if (tag[0] != kEmptySlot) {
      return damaged("has a slot of no known kind");
    }
  }
  if (!bytes.empty()) return damaged("has bytes after its last slot");
  for (std::size_t number = kFirstSlot - 1; number > 0; --number) tile.Join(number);
  if (!path.empty() && tile.root().kind != Kind::kInner) return damaged("holds too few chains");
  return tile;
}

std::string Tile::Serialize() const {
  std::string bytes;
  for (std::size_t i = 0; i < kSlots; ++i) {
    switch (slot(i).kind) {
      case Kind::kEmpty:
        bytes += kEmptySlot;
        break;
      case Kind::kLeaf:
        bytes += kLeafSlot;
        bytes.append(leaves_[i].key.view()).append(leaves_[i].head.view());
        bytes += U64(leaves_[i].length);
        break;
      case Kind::kInner:
        bytes += kInnerSlot;
        bytes += slot(i).hash.view();
        break;
    }
  }
  return bytes;
}

}  // namespace

// Tiles that are in memory: all changed ones, and as many unchanged ones as `cache_tiles`, the
// least recently used leaving first. The top tile is always there. Taking changes and making room
// cost only as much as there is to take or to drop: a ledger does both for every group it commits.
struct HeadsMap::Rep {
  using Recency = std::list<const std::string*>;  // of keys of `tiles`, which never move
  struct Cached {
    Tile tile;
    bool dirty = false;
    Recency::iterator recency;  // only when not dirty
  };

  TileSource source;  // null: everything stays in memory
  std::size_t cache_tiles = kCacheTiles;
  std::unordered_map<std::string, Cached> tiles;
  Recency recent;                         // unchanged tiles, most recent first
  std::vector<const std::string*> dirty;  // changed ones

  // Puts an unchanged tile in the cache.
  Cached& Keep(const std::string& path, const Tile& tile) {
    const auto [at, added] = tiles.insert_or_assign(path, Cached{tile, false, {}});
    CUSTODY_CHECK(added);
    recent.push_front(&at->first);
    at->second.recency = recent.begin();
    return at->second;
  }

  // The cached tile at `path`, to be changed. REQUIRES: it is cached.
  Tile& Change(const std::string& path) {
    const auto at = tiles.find(path);
    Cached& cached = at->second;
    if (!cached.dirty) {
      recent.erase(cached.recency);
      dirty.push_back(&at->first);
      cached.dirty = true;
    }
    return cached.tile;
  }

  // Fetches the tile at `path`, whose root its parent says is `expected`. The pointer is good until
  // the next `Evict`.
  StatusOr<const Tile*> Fetch(const std::string& path, const Hash& expected) {
    if (const auto found = tiles.find(path); found != tiles.end()) {
      Cached& cached = found->second;
      if (!cached.dirty) recent.splice(recent.begin(), recent, cached.recency);
      return &cached.tile;
    }
    CUSTODY_CHECK(source);  // with no source nothing leaves memory
    CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, source(path));
    CUSTODY_ASSIGN_OR_RETURN(Tile tile, Tile::Parse(bytes, path));
    if (tile.root().hash != expected) {
      return DataLoss("tile '" + path +
                      "' of the heads map does not have the root its parent says");
    }
    return &Keep(path, tile).tile;
  }

  // Empties the cache but for the top tile, read anew. On error the cache is as it was.
  Status LoadTop() {
    Tile top;
    if (source) {
      CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, source(""));
      if (!bytes.empty()) {
        CUSTODY_ASSIGN_OR_RETURN(top, Tile::Parse(bytes, ""));
      }
    }
    recent.clear();
    dirty.clear();
    tiles.clear();
    Keep("", top);
    return absl::OkStatus();
  }

  const Tile& top() const { return tiles.find("")->second.tile; }

  // The tiles that hold `key`'s path, top first; the last one's slot for it is no inner one.
  StatusOr<std::vector<const Tile*>> Walk(const Hash& key) {
    std::vector<const Tile*> path;
    Hash expected;
    for (std::size_t depth = 0; depth < kMaxTiles; ++depth) {
      CUSTODY_ASSIGN_OR_RETURN(const Tile* const tile, Fetch(PathOf(key, depth), expected));
      path.push_back(tile);
      const Node& slot = tile->slot(SlotOf(key, depth));
      if (slot.kind != Kind::kInner) return path;
      expected = slot.hash;
    }
    return DataLoss("the heads map goes deeper than a key has bits");
  }

  void Evict() {
    if (!source) return;
    while (recent.size() > cache_tiles) {
      if (recent.back()->empty()) {
        recent.splice(recent.begin(), recent, std::prev(recent.end()));
        if (recent.size() == 1) return;
      }
      const auto oldest = tiles.find(*recent.back());
      recent.pop_back();
      tiles.erase(oldest);
    }
  }
};

HeadsMap::HeadsMap() : rep_(std::make_unique<Rep>()) {
  CUSTODY_CHECK(rep_->LoadTop().ok());  // cannot fail with no source
}
HeadsMap::HeadsMap(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
HeadsMap::HeadsMap(HeadsMap&&) noexcept = default;
HeadsMap& HeadsMap::operator=(HeadsMap&&) noexcept = default;
HeadsMap::~HeadsMap() = default;

StatusOr<HeadsMap> HeadsMap::Open(TileSource source, std::size_t cache_tiles) {
  auto rep = std::make_unique<Rep>();
  rep->cache_tiles = cache_tiles;
  rep->source = std::move(source);
  CUSTODY_RETURN_IF_ERROR(rep->LoadTop());
  return HeadsMap(std::move(rep));
}

Status HeadsMap::Set(const ChainHead& head) {
  if (head.length == 0) return InvalidArgument("a chain in the heads map has at least one event");
  rep_->Evict();
  // Everything that can fail is read before anything changes.
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<const Tile*> walked, rep_->Walk(head.key));
  std::size_t depth = walked.size() - 1;
  const Tile& last = *walked.back();
  if (const std::size_t slot = SlotOf(head.key, depth);
      last.slot(slot).kind == Kind::kLeaf && last.leaf(slot).key != head.key) {
    // Another chain holds the slot: both move down to where their keys part.
    const ChainHead other = last.leaf(slot);
    do {
      ++depth;
      rep_->Keep(PathOf(head.key, depth), Tile());
    } while (SlotOf(head.key, depth) == SlotOf(other.key, depth));
    rep_->Change(PathOf(head.key, depth)).SetLeaf(SlotOf(other.key, depth), other);
  }
  Tile* below = &rep_->Change(PathOf(head.key, depth));
  below->SetLeaf(SlotOf(head.key, depth), head);
  while (depth-- > 0) {
    Tile& tile = rep_->Change(PathOf(head.key, depth));
    tile.SetInner(SlotOf(head.key, depth), below->root().hash);
    below = &tile;
  }
  return absl::OkStatus();
}

Hash HeadsMap::root() const { return rep_->top().root().hash; }

StatusOr<std::optional<ChainHead>> HeadsMap::Find(const Hash& key) {
  rep_->Evict();
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<const Tile*> walked, rep_->Walk(key));
  const std::size_t slot = SlotOf(key, walked.size() - 1);
  const Tile& last = *walked.back();
  std::optional<ChainHead> found;
  if (last.slot(slot).kind == Kind::kLeaf && last.leaf(slot).key == key) found = last.leaf(slot);
  return found;
}

StatusOr<HeadsProof> HeadsMap::Prove(const Hash& key) {
  rep_->Evict();
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<const Tile*> walked, rep_->Walk(key));
  HeadsProof proof;
  for (std::size_t depth = 0; depth < walked.size(); ++depth) {
    const Tile& tile = *walked[depth];
    const std::size_t slot_number = kFirstSlot + SlotOf(key, depth);
    std::size_t number = 1;
    for (int level = kTileHeight; level-- > 0 && tile.node(number).kind == Kind::kInner;) {
      number = slot_number >> level;
      proof.siblings.push_back(tile.node(number ^ 1).hash);
    }
    if (tile.node(number).kind != Kind::kLeaf) continue;  // empty, or goes on in the next tile
    // The path ends at a subtree of one leaf: find the slot where that leaf is kept.
    while (number < kFirstSlot) number = 2 * number + (tile.node(2 * number).kind != Kind::kLeaf);
    const ChainHead& leaf = tile.leaf(number - kFirstSlot);
    if (leaf.key != key) proof.neighbour = leaf;
  }
  return HeadsProof{{proof.siblings.rbegin(), proof.siblings.rend()}, proof.neighbour};
}

std::map<std::string, std::string> HeadsMap::TakeDirty() {
  std::map<std::string, std::string> changed;
  for (const std::string* const path : rep_->dirty) {
    Rep::Cached& cached = rep_->tiles.find(*path)->second;
    changed.emplace(*path, cached.tile.Serialize());
    rep_->recent.push_front(path);
    cached.recency = rep_->recent.begin();
    cached.dirty = false;
  }
  rep_->dirty.clear();
  return changed;
}

Status HeadsMap::Discard() { return rep_->LoadTop(); }

}  // namespace custody
