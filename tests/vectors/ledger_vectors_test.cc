// A small ledger that a second implementation of the formats wrote: everything in it that can be
// judged without knowing what an event says.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>

#include "crypto/dsse.h"
#include "crypto/heads_map.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "tests/support/node_table.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vector_file.h"

namespace custody {
namespace {

// One signer of the vectors; Ed25519 ones come with their seed.
struct TestKey {
  PublicKey key;
  std::string seed;
};

std::map<Hash, TestKey> ReadKeys(const VectorFile::Value& keys) {
  std::map<Hash, TestKey> by_id;
  for (const auto& item : keys.Items()) {
    item["person"].Unjudged("whose it is, which only events say with force");
    const PublicKey key = PublicKey::FromSpki(item["spki"].FromBase64()).value();
    EXPECT_EQ(key.key_id(), item["key_id"].AsHash());
    EXPECT_EQ(item["algorithm"].Text(),
              key.algorithm() == KeyAlgorithm::kEd25519 ? "Ed25519" : "ECDSA-P256");
    std::string seed;
    if (item.Has("test_seed_hex")) {
      seed = item["test_seed_hex"].FromHex();
      EXPECT_EQ(PrivateKey::FromSeed(seed)->public_key().spki(), key.spki());
    }
    by_id.emplace(key.key_id(), TestKey{key, seed});
  }
  return by_id;
}

void CheckSignatures(const VectorFile::Value& event, const std::string& payload,
                     const Hash& event_id, const std::map<Hash, TestKey>& keys) {
  const std::string pae = Pae(kEventPayloadType, payload);
  EXPECT_EQ(Sha256(pae), event_id);
  std::vector<std::pair<std::string, std::string>> signatures;
  for (const auto& item : event["signatures"].Items()) {
    const Hash key_id = item["keyid"].AsHash();
    const std::string signature = item["sig"].FromBase64();
    const TestKey& signer = keys.at(key_id);
    CUSTODY_EXPECT_OK(signer.key.Verify(pae, signature));
    EXPECT_THAT(signer.key.Verify(payload, signature), StatusIs(StatusCode::kInvalidArgument));
    if (!signer.seed.empty()) {
      EXPECT_EQ(PrivateKey::FromSeed(signer.seed)->Sign(pae).value(), signature);
    }
    signatures.emplace_back(key_id.ToString(), signature);
  }
  std::vector<SignatureView> views;
  for (const auto& [key_id, value] : signatures) views.push_back({key_id, value});
  EXPECT_EQ(RecordHash(event_id, views), event["record"].AsHash());
}

// What is left after reading events.json; the other two files build on it.
struct Ledger {
  NodeTable log;
  HeadsMap heads;
  std::map<std::string, ChainHead> chains;
  std::vector<Hash> leaves;
};

void Replay(Ledger& ledger) {
  VectorFile file("custody/events.json");
  file["about"].Unjudged("a remark");
  const std::map<Hash, TestKey> keys = ReadKeys(file["keys"]);
  for (const auto& event : file["events"].Items()) {
    const std::string chain = event["chain"].Text();
    const std::uint64_t sequence = event["sequence"].Number();
    const std::string payload = event["payload"].FromBase64();
    const Hash event_id = EventId(payload);
    EXPECT_EQ(event_id, event["event_id"].AsHash());
    CheckSignatures(event, payload, event_id, keys);

    ChainHead& head = ledger.chains[chain];
    EXPECT_EQ(sequence, head.length);
    head = {Sha256(chain), event_id, sequence + 1};
    CUSTODY_ASSERT_OK(ledger.heads.Set(head));
    EXPECT_EQ(ledger.heads.root(), event["heads_root"].AsHash());

    // What the entry must hold is known without parsing it; its fields are custody/'s to read.
    const std::string entry = event["entry"].FromBase64();
    for (const Hash& field : {head.key, event_id, event["record"].AsHash(), ledger.heads.root()}) {
      EXPECT_NE(entry.find(field.view()), entry.npos);
    }
    ledger.leaves.push_back(LeafHash(entry));
    EXPECT_EQ(ledger.leaves.back(), event["leaf_hash"].AsHash());
    ledger.log.Append(ledger.leaves.back());
    EXPECT_EQ(ledger.log.frontier().root(), event["log_root"].AsHash());
  }
  EXPECT_EQ(ledger.leaves.size(), 40U);
  EXPECT_EQ(ledger.chains.size(), 8U);
}

TEST(LedgerVectors, Events) {
  Ledger ledger;
  Replay(ledger);
}

TEST(LedgerVectors, Receipts) {
  Ledger ledger;
  Replay(ledger);
  VectorFile file("custody/receipts.json");
  file["about"].Unjudged("a remark");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier log,
                               NoteVerifier::Parse(file["log_vkey"].Text()));
  EXPECT_EQ(file["origin"].Text(), log.name());
  const std::string note = file["checkpoint"].Text();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint, OpenCheckpoint(note, log));
  EXPECT_EQ(checkpoint, (Checkpoint{log.name(), 40, ledger.log.frontier().root()}));
  int count = 0;
  for (const auto& receipt : file["receipts"].Items()) {
    const std::string text = receipt["proof"].Text();
    CUSTODY_ASSERT_OK_AND_ASSIGN(const TlogProof proof, TlogProof::Parse(text));
    EXPECT_EQ(proof.ToString(), text);
    EXPECT_EQ(proof.index, receipt["index"].Number());
    EXPECT_EQ(proof.checkpoint, note);
    EXPECT_EQ(proof.path, InclusionPath(proof.index, 40, ledger.log.source()).value());
    CUSTODY_EXPECT_OK(VerifyInclusion(ledger.leaves[proof.index], proof.index, checkpoint.size,
                                      proof.path, checkpoint.root));
    ++count;
  }
  EXPECT_EQ(count, 7);
}

ChainHead SeriesHead(std::uint64_t i) {
  char name[32];
  std::snprintf(name, sizeof name, "therapy/X%06d", static_cast<int>(i));
  return {Sha256(name), Sha256("head " + std::to_string(i)), i + 1};
}

TEST(LedgerVectors, HeadsMap) {
  Ledger ledger;
  Replay(ledger);
  VectorFile file("custody/heads-map.json");
  file["about"].Unjudged("a remark");
  const Hash root = file["root"].AsHash();
  EXPECT_EQ(ledger.heads.root(), root);
  int good = 0;
  for (const auto& item : file["proofs"].Items()) {
    const std::string chain = item["chain"].Text();
    const ChainHead head{Sha256(chain), item["head"].AsHash(), item["length"].Number()};
    const HeadsProof proof{item["siblings"].Hashes(), std::nullopt};
    const bool holds = item["ok"].Flag();
    EXPECT_THAT(VerifyPresence(head, proof, root),
                StatusIs(holds ? StatusCode::kOk : StatusCode::kInvalidArgument));
    if (!holds) continue;
    ++good;
    EXPECT_EQ(head, ledger.chains.at(chain));
    EXPECT_EQ(ledger.heads.Prove(head.key)->siblings, proof.siblings);
    EXPECT_EQ(ledger.heads.Find(head.key).value(), head);
  }
  EXPECT_EQ(good, 8);

  HeadsMap map;
  EXPECT_EQ(map.root(), file["empty_root"].AsHash());
  std::uint64_t chains = 0;
  for (const auto& item : file["series"].Items()) {
    for (const std::uint64_t goal = item["chains"].Number(); chains < goal; ++chains) {
      CUSTODY_ASSERT_OK(map.Set(SeriesHead(chains)));
    }
    EXPECT_EQ(map.root(), item["root"].AsHash()) << chains;
  }
  ASSERT_EQ(chains, 300U);
  const HeadsProof proof{file["proof_of_X000123_at_300"].Hashes(), std::nullopt};
  EXPECT_EQ(map.Prove(SeriesHead(123).key)->siblings, proof.siblings);
  CUSTODY_EXPECT_OK(VerifyPresence(SeriesHead(123), proof, map.root()));
}

}  // namespace
}  // namespace custody
