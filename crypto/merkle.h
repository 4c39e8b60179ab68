// The log's Merkle tree (RFC 6962, RFC 9162): hashes, growing it, proofs and their verification.
//
// Nodes are named (level, index): level 0 are leaf hashes, node (l, i) covers leaves
// [i * 2^l, (i + 1) * 2^l). Only complete nodes have a name and are ever stored; they never change.
#ifndef CUSTODY_CRYPTO_MERKLE_H_
#define CUSTODY_CRYPTO_MERKLE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/status.h"

namespace custody {

// `LeafHash` = SHA-256(0x00 || entry), `NodeHash` = SHA-256(0x01 || left || right).
Hash LeafHash(std::string_view entry);
Hash NodeHash(const Hash& left, const Hash& right);
// `EmptyTreeRoot` = SHA-256 of nothing.
Hash EmptyTreeRoot();

// Calls back with every node that appending a leaf completes, the leaf itself first.
using NodeSink = std::function<void(int level, std::uint64_t index, const Hash& node)>;
// Gives a stored complete node; an error is passed on to the caller of the proof.
using NodeSource = std::function<StatusOr<Hash>(int level, std::uint64_t index)>;

// `Frontier` is the right edge of a tree of `size()` leaves: enough to append and to give the root,
// O(log n) memory. A value; not thread-safe.
class Frontier {
 public:
  Frontier() = default;
  // `Load` rebuilds the frontier of a tree of `size` leaves from its stored nodes.
  static StatusOr<Frontier> Load(std::uint64_t size, const NodeSource& source);

  std::uint64_t size() const { return size_; }
  void Append(const Hash& leaf, const NodeSink& sink);
  Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;  // roots of the complete subtrees, largest first
};

// `InclusionPath` proves leaf `index` in the tree of `size` leaves, sibling of the leaf first.
// OUT_OF_RANGE unless index < size.
StatusOr<std::vector<Hash>> InclusionPath(std::uint64_t index, std::uint64_t size,
                                          const NodeSource& source);
// `ConsistencyPath` proves that the tree of `old_size` leaves is a prefix of that of `size`.
// OUT_OF_RANGE unless 0 < old_size <= size.
StatusOr<std::vector<Hash>> ConsistencyPath(std::uint64_t old_size, std::uint64_t size,
                                            const NodeSource& source);
// `RootAt` is the root of the first `size` leaves.
StatusOr<Hash> RootAt(std::uint64_t size, const NodeSource& source);

// `VerifyInclusion` (RFC 9162 2.1.3.2): OK or INVALID_ARGUMENT.
Status VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                       std::span<const Hash> path, const Hash& root);
// `VerifyConsistency` (RFC 9162 2.1.4.2): OK or INVALID_ARGUMENT. Equal sizes need an empty path
// and equal roots; an old size of 0 is consistent with anything only by an empty path and the empty
// root.
Status VerifyConsistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                         const Hash& root, std::span<const Hash> path);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_MERKLE_H_
