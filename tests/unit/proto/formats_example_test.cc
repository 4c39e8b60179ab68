// FORMATS.md, held to the code: its worked example was made by other means than this library, and
// everything in it is made again here from the two seeds, the payloads and the times alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "crypto/dsse.h"
#include "crypto/encoding.h"
#include "crypto/heads_map.h"
#include "crypto/key.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "crypto/sealing.h"
#include "custody/event.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using Json = nlohmann::json;

// The one block marked "json custody-example".
Json ReadExample() {
  std::ostringstream text;
  text << std::ifstream(std::string(CUSTODY_SOURCE_DIR) + "/proto/FORMATS.md").rdbuf();
  const std::string page = text.str();
  const std::string open = "```json custody-example\n";
  const std::size_t from = page.find(open);
  const std::size_t to = page.find("\n```", from);
  if (from == std::string::npos || to == std::string::npos) return Json();
  const std::size_t start = from + open.size();
  return Json::parse(page.substr(start, to - start), nullptr, /*allow_exceptions=*/false);
}

class FormatsExampleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(example_.is_object()) << "FORMATS.md has no example that is JSON";
    ASSERT_EQ(example_["events"].size(), 4U);
  }

  std::string Text(const Json& object, const char* name) { return object.at(name); }
  // Hex text as bytes; fails the test and gives nothing when it is no hex.
  std::string Bytes(const Json& object, const char* name) {
    const auto bytes = DecodeHex(Text(object, name));
    EXPECT_THAT(bytes, IsOk()) << name;
    return bytes.ok() ? *bytes : std::string();
  }
  PrivateKey Key(const char* owner) {
    auto key = PrivateKey::FromSeed(Bytes(example_.at(owner), "seed"));
    EXPECT_THAT(key, IsOk());
    return *std::move(key);
  }

  Json example_ = ReadExample();
};

TEST_F(FormatsExampleTest, KeysComeFromTheirSeeds) {
  const PrivateKey trustee = Key("trustee");
  EXPECT_EQ(Hex(trustee.public_key().spki()), Text(example_["trustee"], "spki"));
  EXPECT_EQ(trustee.key_id().ToHex(), Text(example_["trustee"], "key_id"));

  const PrivateKey log = Key("log");
  const Json first = example_["events"][0];
  pb::Event genesis;
  ASSERT_TRUE(genesis.ParseFromString(Bytes(first, "payload")));
  const std::string& origin = genesis.ledger_created().origin();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier verifier,
                               NoteVerifier::Of(origin, NoteKeyType::kEd25519, log.public_key()));
  EXPECT_EQ(verifier.ToString(), Text(example_["log"], "vkey"));
  EXPECT_EQ(genesis.ledger_created().log_key(), Text(example_["log"], "vkey"));
  EXPECT_EQ(example_["payload_type"], std::string(kEventPayloadType));
}

TEST_F(FormatsExampleTest, EventsAreSignedAndChained) {
  const PrivateKey trustee = Key("trustee");
  std::map<std::string, Hash> heads;
  for (const Json& item : example_["events"]) {
    const std::string payload = Bytes(item, "payload");
    CUSTODY_ASSERT_OK_AND_ASSIGN(const ParsedEvent parsed, ParseEvent(payload));
    EXPECT_EQ(parsed.event.SerializeAsString(), payload);
    const std::string pae = Pae(kEventPayloadType, payload);
    if (item.contains("pae")) {
      EXPECT_EQ(Hex(pae), Text(item, "pae"));
    }
    EXPECT_EQ(parsed.event_id.ToHex(), Text(item, "event_id"));
    EXPECT_EQ(Sha256(pae), parsed.event_id);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string signature, trustee.Sign(pae));
    EXPECT_EQ(Hex(signature), Text(item, "signature"));

    const std::string chain = Text(item, "chain");
    EXPECT_EQ(parsed.event.chain(), chain);
    EXPECT_EQ(parsed.event.sequence(), item["sequence"].get<std::uint64_t>());
    const auto before = heads.find(chain);
    EXPECT_EQ(parsed.event.previous(), before == heads.end() ? "" : before->second.ToString());
    heads[chain] = parsed.event_id;
    const bool genesis = parsed.event.has_ledger_created();
    EXPECT_EQ(Hex(parsed.event.ledger()), genesis ? "" : Text(example_["events"][0], "event_id"));

    pb::SignedEvent signed_event;
    signed_event.set_payload(payload);
    pb::Signature& stored = *signed_event.add_signatures();
    stored.set_key_id(trustee.key_id().ToString());
    stored.set_value(signature);
    EXPECT_EQ(RecordOf(parsed.event_id, signed_event).ToHex(), Text(item, "record"));
    CUSTODY_EXPECT_OK(VerifySignatures(signed_event, parsed.event, [&](const Hash& key_id) {
      return key_id == trustee.key_id() ? &trustee.public_key() : nullptr;
    }));
  }
}

TEST_F(FormatsExampleTest, EntriesGrowLogAndHeadsMap) {
  HeadsMap map;
  Frontier log;
  for (const Json& item : example_["events"]) {
    const std::string bytes = Bytes(item, "entry");
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::LogEntry entry, ParseLogEntry(bytes));
    EXPECT_EQ(Hash::FromBytes(entry.chain_key()).value(), Sha256(Text(item, "chain")));
    EXPECT_EQ(entry.sequence(), item["sequence"].get<std::uint64_t>());
    EXPECT_EQ(Hex(entry.event_id()), Text(item, "event_id"));
    EXPECT_EQ(Hex(entry.record()), Text(item, "record"));

    CUSTODY_ASSERT_OK(map.Set({.key = Sha256(Text(item, "chain")),
                               .head = Hash::FromBytes(entry.event_id()).value(),
                               .length = entry.sequence() + 1}));
    EXPECT_EQ(map.root().ToHex(), Text(item, "heads_root"));
    EXPECT_EQ(Hex(entry.heads_root()), Text(item, "heads_root"));

    EXPECT_EQ(LeafHash(bytes).ToHex(), Text(item, "leaf"));
    log.Append(LeafHash(bytes), [](int, std::uint64_t, const Hash&) {});
    EXPECT_EQ(log.root().ToHex(), Text(item, "log_root"));
  }
}

TEST_F(FormatsExampleTest, CheckpointAndReceiptProveAnEntry) {
  const Json last = example_["events"][3];
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier verifier,
                               NoteVerifier::Parse(Text(example_["log"], "vkey")));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash root, Hash::FromHex(Text(last, "log_root")));
  const Checkpoint checkpoint{.origin = verifier.name(), .size = 4, .root = root};
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string note, SignCheckpoint(checkpoint, Key("log")));
  EXPECT_EQ(note, Text(example_, "checkpoint"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Checkpoint opened, OpenCheckpoint(note, verifier));
  EXPECT_EQ(opened, checkpoint);

  CUSTODY_ASSERT_OK_AND_ASSIGN(const TlogProof proof, TlogProof::Parse(Text(example_, "receipt")));
  EXPECT_EQ(proof.ToString(), Text(example_, "receipt"));
  EXPECT_EQ(proof.index, example_["inclusion"]["index"].get<std::uint64_t>());
  EXPECT_EQ(proof.checkpoint, note);
  ASSERT_EQ(proof.path.size(), example_["inclusion"]["path"].size());
  for (std::size_t i = 0; i < proof.path.size(); ++i) {
    EXPECT_EQ(Base64(proof.path[i].view()), example_["inclusion"]["path"][i]);
  }
  const Hash leaf = LeafHash(Bytes(example_["events"][1], "entry"));
  CUSTODY_EXPECT_OK(VerifyInclusion(leaf, proof.index, checkpoint.size, proof.path, root));
  EXPECT_THAT(VerifyInclusion(leaf, 2, checkpoint.size, proof.path, root),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(FormatsExampleTest, HeadsProofShowsAChainComplete) {
  const Json presence = example_["presence"];
  HeadsProof proof;
  for (const Json& sibling : presence["siblings"]) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash hash, Hash::FromHex(sibling.get<std::string>()));
    proof.siblings.push_back(hash);
  }
  ASSERT_EQ(proof.siblings.size(), 2U);
  EXPECT_TRUE(proof.siblings[1].is_zero());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash head, Hash::FromHex(Text(presence, "head")));
  ChainHead claim{.key = Sha256(Text(presence, "chain")), .head = head, .length = 1};
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash root,
                               Hash::FromHex(Text(example_["events"][3], "heads_root")));
  CUSTODY_EXPECT_OK(VerifyPresence(claim, proof, root));
  claim.length = 2;
  EXPECT_THAT(VerifyPresence(claim, proof, root), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(FormatsExampleTest, IdentifiersAreCommitted) {
  const Json item = example_["commitment"];
  EXPECT_EQ(Text(item, "text"), "mrn:hospital%3A7:0012");
  EXPECT_EQ(HmacSha256(Bytes(item, "secret"), Text(item, "text")).ToHex(),
            Text(item, "commitment"));
}

}  // namespace
}  // namespace custody
