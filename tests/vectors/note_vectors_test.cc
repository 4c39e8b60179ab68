// Notes, verifier keys, checkpoints and receipts that others made.
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <memory>
#include <string>

#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "tests/support/node_table.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vector_file.h"

namespace custody {
namespace {

constexpr std::string_view kP256SpkiHead(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);

std::string FromDecimal(const std::string& text) {
  BIGNUM* raw = nullptr;
  BN_dec2bn(&raw, text.c_str());
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(raw, &BN_free);
  std::string bytes(32, '\0');
  EXPECT_EQ(BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(bytes.data()), 32), 32);
  return bytes;
}

// The point of P-256 that belongs to a private number, uncompressed.
std::string PublicPoint(const std::string& text) {
  BIGNUM* raw = nullptr;
  BN_dec2bn(&raw, text.c_str());
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(raw, &BN_free);
  const std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(
      EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1), &EC_GROUP_free);
  const std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group.get()),
                                                                  &EC_POINT_free);
  EXPECT_EQ(EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr), 1);
  std::string bytes(65, '\0');
  EXPECT_EQ(
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                         reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), nullptr),
      bytes.size());
  return bytes;
}

// A note that `skey` signed is made again, byte for byte.
void SignAgain(const std::string& skey, const Note& note) {
  std::size_t start = 0;  // of the fifth part; base64 has "+" of its own
  for (int i = 0; i < 4; ++i) start = skey.find('+', start) + 1;
  const std::string typed = DecodeBase64(skey.substr(start)).value();
  ASSERT_EQ(typed.size(), 33U);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::FromSeed(typed.substr(1)));
  Note again{note.text, {}};
  CUSTODY_ASSERT_OK(SignNote(again, note.signatures.at(0).name, key));
  EXPECT_EQ(again.ToString(), note.ToString());
}

void CheckPublishedNote(const VectorFile::Value& published) {
  published["id"].Unjudged("a name for people");
  published["source"].Unjudged("where it was published");
  const std::string text = published["note"].Text();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Note note, Note::Parse(text));
  EXPECT_EQ(note.ToString(), text);
  const std::string vkey = published["vkey"].Text();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier verifier, NoteVerifier::Parse(vkey));
  EXPECT_EQ(verifier.ToString(), vkey);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerdict verdict, VerifyNote(note, verifier));
  EXPECT_TRUE(verdict.signed_by_key);
  const std::string type = published["type"].Text();
  EXPECT_EQ(type.substr(0, 4), verifier.type() == NoteKeyType::kEd25519 ? "0x01" : "0x04");
  if (verifier.type() == NoteKeyType::kCosignatureV1) {
    EXPECT_EQ(verdict.unix_seconds, 1767139200U);
  } else {
    EXPECT_EQ(verdict.unix_seconds, std::nullopt);
  }
  Note changed = note;
  changed.text.insert(0, "x");
  EXPECT_THAT(VerifyNote(changed, verifier), StatusIs(StatusCode::kInvalidArgument));
  if (type.find("checkpoint") != type.npos || published.Has("origin_sha256_hex")) {
    CUSTODY_EXPECT_OK(Checkpoint::Parse(note.text));
    EXPECT_THAT(OpenCheckpoint(text, verifier),
                StatusIs(StatusCode::kInvalidArgument, "has origin"));
  }
  if (published.Has("published_test_skey")) {
    SignAgain(published["published_test_skey"].Text(), note);
  }
  if (published.Has("origin_sha256_hex")) {
    const std::string origin = Checkpoint::Parse(note.text)->origin;
    EXPECT_EQ(Sha256(origin), published["origin_sha256_hex"].AsHash());
    // The log's own line is of a type that is not ours: read, and not mistaken for one of ours.
    const std::string spki = published["log_spki_der_b64"].FromBase64();
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PublicKey key, PublicKey::FromSpki(spki));
    EXPECT_EQ(key.key_id().ToString(), published["log_id_b64"].FromBase64());
    // The line holds the hash of its key, 8 bytes of milliseconds, and a signature that is not
    // ours.
    const std::string line = published["log_signature_type"].Text();
    const std::size_t time = line.find_last_of(' ') + 1;
    EXPECT_EQ(line.substr(0, 29), "0x05 RFC6962NoteSignature, EC");
    EXPECT_EQ(std::string(note.signatures.at(0).value).substr(0, 8),
              U64(std::stoull(line.substr(time))));
    EXPECT_EQ(U64(note.signatures.at(0).key_hash).substr(4),
              Sha256({origin, "\n\x05", key.key_id().view()}).ToString().substr(0, 4));
  }
}

TEST(NoteVectors, PublishedNotesAndKeys) {
  VectorFile file("notes/signed-notes.json");
  for (const auto& published : file["notes"].Items()) CheckPublishedNote(published);
  for (const auto& key : file["vkeys"].Items()) {
    key["from"].Unjudged("where it was published");
    const std::string vkey = key["vkey"].Text();
    const auto parsed = NoteVerifier::Parse(vkey);
    if (key["valid"].Flag()) {
      CUSTODY_ASSERT_OK(parsed);
      EXPECT_EQ(parsed->ToString(), vkey);
    } else {
      EXPECT_THAT(parsed, StatusIs(StatusCode::kInvalidArgument)) << vkey;
    }
  }
  // How many tiles a tree has: full ones of 256 hashes a level, and the width of the partial one.
  const auto tiles = file["tile_paths"];
  tiles["source"].Unjudged("where it was published");
  tiles["index_1234067"].Unjudged("paths of tiles: this log serves none");
  EXPECT_EQ(tiles["size_70000"]["level0_full"].Number(), 70000U / 256);
  EXPECT_EQ(tiles["size_70000"]["level0_partial"].Number(), 70000U % 256);
  EXPECT_EQ(tiles["size_70000"]["level1_full"].Number(), 70000U / 256 / 256);
  EXPECT_EQ(tiles["size_70000"]["level1_partial"].Number(), 70000U / 256 % 256);
  EXPECT_EQ(tiles["size_70000"]["level2_partial"].Number(), 70000U / 256 / 256);
  EXPECT_EQ(tiles["size_256"]["level0_full"].Number(), 1U);
  EXPECT_EQ(tiles["size_256"]["level1_partial"].Number(), 1U);

  const auto dsse = file["dsse"];
  dsse["source"].Unjudged("where it was published");
  EXPECT_EQ(dsse["alg"].Text(), "ECDSA P-256 SHA-256 RFC6979, raw r||s");
  const std::string pae = Pae(dsse["payloadType"].Text(), dsse["payload"].Text());
  EXPECT_EQ(pae, dsse["pae"].Text());
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const PublicKey key,
      PublicKey::FromSpki(std::string(kP256SpkiHead) + FromDecimal(dsse["x"].Text()) +
                          FromDecimal(dsse["y"].Text())));
  // The private half is of this very key. Nothing is signed with it: ours are of random nonces.
  EXPECT_EQ(PublicPoint(dsse["published_test_d"].Text()), key.spki().substr(26));
  CUSTODY_EXPECT_OK(key.Verify(pae, dsse["sig_b64"].FromBase64()));
  EXPECT_THAT(key.Verify(pae + "x", dsse["sig_b64"].FromBase64()),
              StatusIs(StatusCode::kInvalidArgument));
}

// The eight leaves of the reference tree.
std::vector<std::string> ReferenceLeaves() {
  std::vector<std::string> leaves;
  for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"}) {
    leaves.push_back(DecodeHex(hex).value());
  }
  return leaves;
}

// The witness' clock showed n seconds more than this for the checkpoint of size n.
constexpr std::uint64_t kTime = 1700000000;

TEST(NoteVectors, CheckpointsOfTheReferenceTree) {
  VectorFile file("notes/derived-custody.json");
  file["note"].Unjudged("a remark");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey log_key,
                               PrivateKey::FromSeed(file["log_seed_hex"].FromHex()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey witness_key,
                               PrivateKey::FromSeed(file["witness_seed_hex"].FromHex()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier log,
                               NoteVerifier::Parse(file["log_vkey"].Text()));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const NoteVerifier witness,
                               NoteVerifier::Parse(file["witness_vkey"].Text()));
  EXPECT_EQ(NoteVerifier::Of(log.name(), log.type(), log_key.public_key())->ToString(),
            log.ToString());
  EXPECT_EQ(Sha256(log.name()), file["origin_sha256_hex"].AsHash());

  NodeTable table;
  std::string bundle;
  std::string tile;
  std::vector<std::string> signed_checkpoints;
  std::string last_cosigned;
  const std::vector<std::string> leaves = ReferenceLeaves();
  for (const auto& item : file["checkpoints"].Items()) {
    const std::uint64_t size = item["size"].Number();
    ASSERT_EQ(size, table.frontier().size());
    const Checkpoint checkpoint{log.name(), size, table.frontier().root()};
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string note, SignCheckpoint(checkpoint, log_key));
    EXPECT_EQ(note, item["checkpoint"].Text());
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Checkpoint opened, OpenCheckpoint(note, log));
    EXPECT_EQ(opened, checkpoint);
    CUSTODY_ASSERT_OK_AND_ASSIGN(Note cosigned, Note::Parse(note));
    CUSTODY_ASSERT_OK(CosignNote(cosigned, witness.name(), witness_key, kTime + size));
    EXPECT_EQ(cosigned.ToString(), item["cosigned"].Text());
    EXPECT_EQ(VerifyNote(cosigned, witness)->unix_seconds, kTime + size);
    signed_checkpoints.push_back(note);
    last_cosigned = cosigned.ToString();
    if (size == leaves.size()) break;
    table.Append(LeafHash(leaves[size]));
    tile += LeafHash(leaves[size]).view();
    bundle += U64(leaves[size].size()).substr(6) + leaves[size];
  }
  ASSERT_EQ(signed_checkpoints.size(), 9U);

  const std::string proof_text = file["tlog_proof_index5_size8"].Text();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const TlogProof proof, TlogProof::Parse(proof_text));
  EXPECT_EQ(proof.ToString(), proof_text);
  EXPECT_EQ(proof.index, 5U);
  EXPECT_EQ(proof.checkpoint, last_cosigned);
  EXPECT_EQ(proof.path, InclusionPath(5, 8, table.source()).value());

  std::string body = "old 3\n";
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto path, ConsistencyPath(3, 8, table.source()));
  for (const Hash& hash : path) {
    body += Base64(hash.view()) + "\n";
  }
  EXPECT_EQ(body + "\n" + signed_checkpoints[8], file["add_checkpoint_body_3_to_8"].Text());
  EXPECT_EQ(tile, file["tile_level0_size8_hex"].FromHex());
  EXPECT_EQ(bundle, file["entry_bundle_size8_hex"].FromHex());
}

}  // namespace
}  // namespace custody
