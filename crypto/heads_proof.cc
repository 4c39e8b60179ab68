// The verifier's half of the heads map: it needs no tiles, only a proof and a root.
#include "crypto/heads_map.h"
#include "crypto/merkle.h"

namespace custody {
namespace {

constexpr std::size_t kKeyBits = 256;
constexpr std::string_view kLeafPrefix("\0", 1);

// Bit i of `key`, counted from the root: 0 is left.
bool Bit(const Hash& key, std::size_t i) { return (key.bytes[i / 8] >> (7 - i % 8) & 1) != 0; }

// The root above `node`, which stands at depth siblings.size() on the path of `key`.
Hash RootAbove(Hash node, const Hash& key, const std::vector<Hash>& siblings) {
  for (std::size_t j = 0; j < siblings.size(); ++j) {
    const bool right = Bit(key, siblings.size() - 1 - j);
    node = right ? NodeHash(siblings[j], node) : NodeHash(node, siblings[j]);
  }
  return node;
}

// A subtree of one leaf is that leaf, so the deepest sibling is never empty: with an empty one the
// leaf would have stood a level higher.
Status CheckSiblings(const std::vector<Hash>& siblings) {
  if (siblings.size() > kKeyBits) return InvalidArgument("heads proof has more than 256 siblings");
  if (!siblings.empty() && siblings.front().is_zero()) {
    return InvalidArgument("heads proof begins with an empty sibling");
  }
  return absl::OkStatus();
}

Status CheckRoot(const Hash& computed, const Hash& root) {
  if (computed == root) return absl::OkStatus();
  return InvalidArgument("heads proof leads to root " + computed.ToHex() + ", expected " +
                         root.ToHex());
}

}  // namespace

Hash HeadsLeafHash(const ChainHead& head) {
  return Sha256({kLeafPrefix, head.key.view(), head.head.view(), U64(head.length)});
}

Status VerifyPresence(const ChainHead& head, const HeadsProof& proof, const Hash& root) {
  if (proof.neighbour) return InvalidArgument("a proof of presence has no neighbour");
  if (head.length == 0) return InvalidArgument("a chain in the heads map has at least one event");
  CUSTODY_RETURN_IF_ERROR(CheckSiblings(proof.siblings));
  return CheckRoot(RootAbove(HeadsLeafHash(head), head.key, proof.siblings), root);
}

Status VerifyAbsence(const Hash& key, const HeadsProof& proof, const Hash& root) {
  CUSTODY_RETURN_IF_ERROR(CheckSiblings(proof.siblings));
  if (!proof.neighbour) return CheckRoot(RootAbove(Hash{}, key, proof.siblings), root);
  const ChainHead& neighbour = *proof.neighbour;
  if (neighbour.length == 0 || neighbour.key == key) {
    return InvalidArgument("a neighbour in a heads proof is another chain with events");
  }
  for (std::size_t i = 0; i < proof.siblings.size(); ++i) {
    if (Bit(neighbour.key, i) != Bit(key, i)) {
      return InvalidArgument("the neighbour in the heads proof is not on the path of the chain");
    }
  }
  return CheckRoot(RootAbove(HeadsLeafHash(neighbour), key, proof.siblings), root);
}

}  // namespace custody
