// The heads map: a binary Merkle map from every chain to its last event, whose root stands in every
// log entry. It is what lets a holder of one therapy prove that nothing of it was left out.
//
//   key             = SHA-256(chain name); bit i of it is bit 7-(i mod 8) of byte i/8; 0 = left
//   leaf            = SHA-256(0x00 || key || head event id || u64 length)
//   empty subtree   = 32 zero bytes
//   subtree of one  = that leaf's hash, at whatever depth
//   other subtree   = SHA-256(0x01 || left || right)
//
// It is kept as tiles of kTileHeight levels: a tile holds the 2^kTileHeight slots at its lower
// edge, each empty, a chain's leaf, or the root of the tile below. A change rewrites one tile a
// level of tiles, and a tile is one row of the store.
#ifndef CUSTODY_CRYPTO_HEADS_MAP_H_
#define CUSTODY_CRYPTO_HEADS_MAP_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/status.h"

namespace custody {

// `ChainHead` is what the map says of one chain.
struct ChainHead {
  Hash key;                  // SHA-256 of the chain's name
  Hash head;                 // event id of its last event
  std::uint64_t length = 0;  // number of its events, at least 1
  friend bool operator==(const ChainHead&, const ChainHead&) = default;
};

// `HeadsLeafHash` is the leaf of `head`.
Hash HeadsLeafHash(const ChainHead& head);

// `HeadsProof` shows that a chain is in the map (neighbour empty, head known to the verifier) or is
// not (an empty subtree, or the leaf of a `neighbour` that shares the path so far).
struct HeadsProof {
  std::vector<Hash> siblings;          // from the leaf's level up to the root; at most 256
  std::optional<ChainHead> neighbour;  // absence only
};

// `VerifyPresence` checks that the map with `root` says exactly `head`. OK or INVALID_ARGUMENT.
Status VerifyPresence(const ChainHead& head, const HeadsProof& proof, const Hash& root);
// `VerifyAbsence` checks that the map with `root` has no chain `key`. OK or INVALID_ARGUMENT.
Status VerifyAbsence(const Hash& key, const HeadsProof& proof, const Hash& root);

// `HeadsMap` computes roots and proofs over tiles that come from a `TileSource`, and keeps changed
// tiles in memory until they are taken. Not thread-safe.
class HeadsMap {
 public:
  static constexpr int kTileHeight = 4;
  // About 36 MB; the top four levels of tiles of any map and the busiest of the rest.
  static constexpr std::size_t kCacheTiles = 16 * 1024;
  // A tile's path is the key's bits above it, kTileHeight bits a character ('0'..'f'); "" is the
  // top. The source gives the serialized tile, an empty string when there is none, or an error.
  using TileSource = std::function<StatusOr<std::string>(std::string_view path)>;

  // An empty map with no source, for replay in memory.
  HeadsMap();
  // Whatever `source` refers to must outlive the map. DATA_LOSS when the top tile does not parse.
  static StatusOr<HeadsMap> Open(TileSource source, std::size_t cache_tiles = kCacheTiles);
  HeadsMap(HeadsMap&&) noexcept;
  HeadsMap& operator=(HeadsMap&&) noexcept;
  ~HeadsMap();

  // `Set` puts `head` in the map. On error (the source's, or DATA_LOSS for a tile that does not
  // parse) the map is unchanged.
  Status Set(const ChainHead& head);
  Hash root() const;
  // `Find` gives what the map says of chain `key`, or nothing.
  StatusOr<std::optional<ChainHead>> Find(const Hash& key);
  // `Prove` gives the proof of presence, or of absence when the chain is not in the map.
  StatusOr<HeadsProof> Prove(const Hash& key);

  // `TakeDirty` hands over every tile changed since the last call, path to serialized bytes; from
  // then on the source must give them. Unchanged tiles stay cached up to `cache_tiles` of them.
  std::map<std::string, std::string> TakeDirty();
  // `Discard` forgets everything cached or changed: the map is again what the source says.
  // With no source, an empty map. On error (the source's) nothing has changed.
  Status Discard();

 private:
  struct Rep;
  explicit HeadsMap(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace custody

#endif  // CUSTODY_CRYPTO_HEADS_MAP_H_
