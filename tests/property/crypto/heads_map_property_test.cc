// The heads map against its definition written down naively: a recursion over all chains, a bit of
// the key a level, with no tile.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "crypto/heads_map.h"
#include "crypto/merkle.h"

namespace custody {
namespace {

using Heads = std::vector<ChainHead>;

bool BitOf(const Hash& key, std::size_t i) {
  return ((static_cast<unsigned>(key.bytes[i / 8]) >> (7 - i % 8)) & 1U) != 0;
}

// The chains of `heads` whose bit `depth` is `right`.
Heads Side(const Heads& heads, std::size_t depth, bool right) {
  Heads side;
  for (const ChainHead& head : heads) {
    if (BitOf(head.key, depth) == right) side.push_back(head);
  }
  return side;
}

Hash NaiveRoot(const Heads& heads, std::size_t depth) {
  if (heads.empty()) return Hash();
  if (heads.size() == 1) return HeadsLeafHash(heads[0]);
  return NodeHash(NaiveRoot(Side(heads, depth, false), depth + 1),
                  NaiveRoot(Side(heads, depth, true), depth + 1));
}

HeadsProof NaiveProof(const Heads& heads, const Hash& key, std::size_t depth) {
  if (heads.empty()) return {};
  if (heads.size() == 1) {
    return heads[0].key == key ? HeadsProof{} : HeadsProof{{}, heads[0]};
  }
  const bool right = BitOf(key, depth);
  HeadsProof proof = NaiveProof(Side(heads, depth, right), key, depth + 1);
  proof.siblings.push_back(NaiveRoot(Side(heads, depth, !right), depth + 1));
  return proof;
}

// A key that shares a long beginning with others: only a few bytes of it vary.
Hash AnyKey() {
  Hash key;
  const auto style = *rc::gen::inRange(0, 3);
  if (style == 0) return Sha256(U64(*rc::gen::inRange<std::uint64_t>(0, 500)));
  key.bytes[style == 1 ? 31 : 7] = static_cast<std::uint8_t>(*rc::gen::inRange(0, 256));
  return key;
}

ChainHead AnyHead() {
  return {AnyKey(), Sha256(U64(*rc::gen::inRange<std::uint64_t>(0, 100))),
          *rc::gen::inRange<std::uint64_t>(1, 1000)};
}

Heads Values(const std::map<Hash, ChainHead>& model) {
  Heads heads;
  for (const auto& [key, head] : model) heads.push_back(head);
  return heads;
}

void CheckProof(HeadsMap& map, const std::map<Hash, ChainHead>& model, const Hash& key) {
  const HeadsProof proof = map.Prove(key).value();
  const HeadsProof expected = NaiveProof(Values(model), key, 0);
  RC_ASSERT(proof.siblings == expected.siblings);
  RC_ASSERT(proof.neighbour == expected.neighbour);
  const auto known = model.find(key);
  if (known == model.end()) {
    RC_ASSERT(map.Find(key).value() == std::nullopt);
    RC_ASSERT(VerifyAbsence(key, proof, map.root()).ok());
    const ChainHead invented{key, Sha256("head"), 1};
    RC_ASSERT(!VerifyPresence(invented, {proof.siblings, std::nullopt}, map.root()).ok());
    return;
  }
  const ChainHead& head = known->second;
  RC_ASSERT(map.Find(key).value() == head);
  RC_ASSERT(VerifyPresence(head, proof, map.root()).ok());
  RC_ASSERT(!VerifyPresence({key, head.head, head.length + 1}, proof, map.root()).ok());
  RC_ASSERT(!VerifyAbsence(key, proof, map.root()).ok());
  if (!proof.siblings.empty()) {
    HeadsProof damaged = proof;
    const auto at = *rc::gen::inRange<std::size_t>(0, proof.siblings.size());
    damaged.siblings[at].bytes[5] ^= 1;
    RC_ASSERT(!VerifyPresence(head, damaged, map.root()).ok());
  }
}

RC_GTEST_PROP(HeadsMapProperty, IsItsDefinitionWhateverIsSetTakenAndDiscarded, ()) {
  std::map<std::string, std::string> tiles;
  const auto source = [&tiles](std::string_view path) -> StatusOr<std::string> {
    const auto found = tiles.find(std::string(path));
    return found == tiles.end() ? std::string() : found->second;
  };
  HeadsMap map = HeadsMap::Open(source).value();
  std::map<Hash, ChainHead> model;
  std::map<Hash, ChainHead> kept;  // what the tiles say
  const auto steps = *rc::gen::inRange(0, 120);
  for (int i = 0; i < steps; ++i) {
    const auto what = *rc::gen::inRange(0, 12);
    if (what == 0) {
      for (auto& [path, bytes] : map.TakeDirty()) tiles[path] = bytes;
      kept = model;
    } else if (what == 1) {
      RC_ASSERT(map.Discard().ok());
      model = kept;
    } else if (what == 2) {
      for (auto& [path, bytes] : map.TakeDirty()) tiles[path] = bytes;
      kept = model;
      map = HeadsMap::Open(source).value();
    } else {
      const ChainHead head = AnyHead();
      RC_ASSERT(map.Set(head).ok());
      model[head.key] = head;
    }
  }
  RC_ASSERT(map.root() == NaiveRoot(Values(model), 0));
  for (int i = 0; i < 5; ++i) CheckProof(map, model, AnyKey());
  if (!model.empty()) {
    const auto at = *rc::gen::inRange<std::size_t>(0, model.size());
    CheckProof(map, model, std::next(model.begin(), static_cast<std::ptrdiff_t>(at))->first);
  }
}

RC_GTEST_PROP(HeadsMapProperty, TheOrderOfSettingLeavesNoTrace, ()) {
  std::map<Hash, ChainHead> model;
  const auto count = *rc::gen::inRange(0, 60);
  HeadsMap forwards;
  for (int i = 0; i < count; ++i) {
    const ChainHead head = AnyHead();
    model[head.key] = head;
    RC_ASSERT(forwards.Set(head).ok());
  }
  HeadsMap sorted;
  for (const auto& [key, head] : model) RC_ASSERT(sorted.Set(head).ok());
  RC_ASSERT(sorted.root() == forwards.root());
  RC_ASSERT(sorted.TakeDirty() == forwards.TakeDirty());
}

}  // namespace
}  // namespace custody
