// The tree of RFC 9162 over leaves that only ever grow.
//
// Only complete nodes are named and stored; the ragged right edge is never stored but folded from
// them whenever it is needed. Every range that a proof speaks of starts at a multiple of the
// largest power of two it contains, so its root is a right fold over the complete nodes of the
// binary digits of its length (`RangeRoot`). With that, paths are the RFC's recursions written as
// loops that narrow [begin, end) from the root towards the leaf, collecting siblings largest first.
#include "crypto/merkle.h"

#include <algorithm>
#include <bit>
#include <string>

namespace custody {
namespace {

constexpr std::string_view kLeafPrefix("\0", 1);
constexpr std::string_view kNodePrefix("\1", 1);

// The split of a tree of n > 1 leaves: the largest power of two below n.
std::uint64_t Split(std::uint64_t n) { return std::bit_floor(n - 1); }

// Folds peaks, largest first, from the right.
Hash FoldPeaks(std::span<const Hash> peaks) {
  Hash root = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > 0;) root = NodeHash(peaks[i], root);
  return root;
}

// The complete nodes that cover [begin, end), largest first. REQUIRES: `begin` is a multiple of the
// largest power of two in the length.
StatusOr<std::vector<Hash>> Peaks(std::uint64_t begin, std::uint64_t end,
                                  const NodeSource& source) {
  std::vector<Hash> peaks;
  while (begin < end) {
    const int level = static_cast<int>(std::bit_width(end - begin)) - 1;
    CUSTODY_ASSIGN_OR_RETURN(const Hash node, source(level, begin >> level));
    peaks.push_back(node);
    begin += std::uint64_t{1} << level;
  }
  return peaks;
}

StatusOr<Hash> RangeRoot(std::uint64_t begin, std::uint64_t end, const NodeSource& source) {
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> peaks, Peaks(begin, end, source));
  return FoldPeaks(peaks);
}

Status WrongProof(std::string_view what) {
  return InvalidArgument("the " + std::string(what) + " does not hold");
}

}  // namespace

Hash LeafHash(std::string_view entry) { return Sha256({kLeafPrefix, entry}); }

Hash NodeHash(const Hash& left, const Hash& right) {
  return Sha256({kNodePrefix, left.view(), right.view()});
}

Hash EmptyTreeRoot() { return Sha256(std::string_view()); }

StatusOr<Frontier> Frontier::Load(std::uint64_t size, const NodeSource& source) {
  Frontier frontier;
  CUSTODY_ASSIGN_OR_RETURN(frontier.peaks_, Peaks(0, size, source));
  frontier.size_ = size;
  return frontier;
}

void Frontier::Append(const Hash& leaf, const NodeSink& sink) {
  Hash node = leaf;
  std::uint64_t index = size_;
  int level = 0;
  if (sink) sink(level, index, node);
  // An odd index closes a pair, as adding one carries over the trailing ones of the size.
  for (; index & 1; index >>= 1) {
    node = NodeHash(peaks_.back(), node);
    peaks_.pop_back();
    if (sink) sink(++level, index >> 1, node);
  }
  peaks_.push_back(node);
  ++size_;
}

Hash Frontier::root() const { return peaks_.empty() ? EmptyTreeRoot() : FoldPeaks(peaks_); }

StatusOr<std::vector<Hash>> InclusionPath(std::uint64_t index, std::uint64_t size,
                                          const NodeSource& source) {
  if (index >= size) {
    return OutOfRange("no leaf " + std::to_string(index) + " in a tree of " + std::to_string(size));
  }
  std::vector<Hash> path;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + Split(end - begin);
    const bool left = index < middle;
    CUSTODY_ASSIGN_OR_RETURN(const Hash sibling, left ? RangeRoot(middle, end, source)
                                                      : RangeRoot(begin, middle, source));
    path.push_back(sibling);
    (left ? end : begin) = middle;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

StatusOr<std::vector<Hash>> ConsistencyPath(std::uint64_t old_size, std::uint64_t size,
                                            const NodeSource& source) {
  if (old_size == 0 || old_size > size) {
    return OutOfRange("no consistency path from size " + std::to_string(old_size) + " to " +
                      std::to_string(size));
  }
  std::vector<Hash> path;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (old_size != end) {
    const std::uint64_t middle = begin + Split(end - begin);
    const bool left = old_size <= middle;
    CUSTODY_ASSIGN_OR_RETURN(const Hash sibling, left ? RangeRoot(middle, end, source)
                                                      : RangeRoot(begin, middle, source));
    path.push_back(sibling);
    (left ? end : begin) = middle;
  }
  // The old tree's last subtree; when it is the old tree itself the verifier already has its root.
  if (begin != 0) {
    CUSTODY_ASSIGN_OR_RETURN(const Hash last, RangeRoot(begin, end, source));
    path.push_back(last);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

StatusOr<Hash> RootAt(std::uint64_t size, const NodeSource& source) {
  if (size == 0) return EmptyTreeRoot();
  return RangeRoot(0, size, source);
}

// RFC 9162 2.1.3.2, step by step: `fn` and `sn` are its names.
Status VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                       std::span<const Hash> path, const Hash& root) {
  if (index >= size) return WrongProof("inclusion proof of a leaf beyond the tree");
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash node = leaf;
  for (const Hash& sibling : path) {
    if (sn == 0) return WrongProof("inclusion proof, which is too long,");
    if ((fn & 1) != 0 || fn == sn) {
      node = NodeHash(sibling, node);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      node = NodeHash(node, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return WrongProof("inclusion proof, which is too short,");
  return node == root ? absl::OkStatus() : WrongProof("inclusion proof");
}

// RFC 9162 2.1.4.2: `fr` and `sr` grow into the old and the new root.
Status VerifyConsistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size,
                         const Hash& root, std::span<const Hash> path) {
  if (old_size > size) return WrongProof("consistency proof to a smaller tree");
  if (old_size == 0 || old_size == size) {
    const bool holds = path.empty() && (old_size != 0 || old_root == EmptyTreeRoot()) &&
                       (old_size != size || old_root == root);
    return holds ? absl::OkStatus() : WrongProof("consistency proof");
  }
  if (path.empty()) return WrongProof("consistency proof, which is empty,");
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = size - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  // An old tree that is one complete subtree starts the proof itself and is not sent.
  const bool whole = std::has_single_bit(old_size);
  Hash fr = whole ? old_root : path.front();
  Hash sr = fr;
  for (const Hash& sibling : path.subspan(whole ? 0 : 1)) {
    if (sn == 0) return WrongProof("consistency proof, which is too long,");
    if ((fn & 1) != 0 || fn == sn) {
      fr = NodeHash(sibling, fr);
      sr = NodeHash(sibling, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = NodeHash(sr, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return WrongProof("consistency proof, which is too short,");
  return fr == old_root && sr == root ? absl::OkStatus() : WrongProof("consistency proof");
}

}  // namespace custody
