// Wycheproof's signatures, which were made to break verifiers, and the one of the DSSE
// specification.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "crypto/dsse.h"
#include "crypto/key.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vector_file.h"

namespace custody {
namespace {

// The first s that is not low: half the order of P-256, rounded up.
const std::string kFirstHighS =
    DecodeHex("7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a9").value();

std::string FromBase64Url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return DecodeBase64(text).value();
}

std::string FromPem(const std::string& pem) {
  std::string body = pem.substr(pem.find('\n') + 1);
  body.resize(body.find("-----END"));
  std::erase(body, '\n');
  return DecodeBase64(body).value();
}

void TakeRemarks(const VectorFile::Value& file) {
  for (const char* field : {"algorithm", "schema", "header", "notes"}) {
    file[field].Unjudged("about the file");
  }
}

// Gives the number of cases in `group`, each verified with `key`.
std::uint64_t VerifyGroup(const VectorFile::Value& group, const PublicKey& key) {
  std::uint64_t count = 0;
  for (const auto& test : group["tests"].Items()) {
    ++count;
    const std::string signature = test["sig"].FromHex();
    const bool high_s = key.algorithm() == KeyAlgorithm::kP256 && signature.size() == 64 &&
                        signature.substr(32) >= kFirstHighS;
    const bool expected = test["result"].Text() == "valid" && !high_s;
    EXPECT_THAT(key.Verify(test["msg"].FromHex(), signature),
                StatusIs(expected ? StatusCode::kOk : StatusCode::kInvalidArgument))
        << "tcId " << test["tcId"].Number() << " " << test["comment"].Text();
    test["tcId"].Number();
    test["comment"].Unjudged("a remark");
    test["flags"].Unjudged("names of what the cases are about, for people");
  }
  return count;
}

TEST(SignatureVectors, WycheproofEd25519) {
  VectorFile file("signatures/wycheproof-ed25519_test.json");
  TakeRemarks(file.root());
  std::uint64_t count = 0;
  for (const auto& group : file["testGroups"].Items()) {
    EXPECT_EQ(group["type"].Text(), "EddsaVerify");
    group["source"].Unjudged("where it was published");
    const std::string der = group["publicKeyDer"].FromHex();
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PublicKey key, PublicKey::FromSpki(der));
    EXPECT_EQ(key.algorithm(), KeyAlgorithm::kEd25519);
    EXPECT_EQ(key.key_id(), Sha256(der));
    EXPECT_EQ(FromPem(group["publicKeyPem"].Text()), key.spki());
    EXPECT_EQ(group["publicKey"]["type"].Text(), "EDDSAPublicKey");
    EXPECT_EQ(group["publicKey"]["curve"].Text(), "edwards25519");
    EXPECT_EQ(group["publicKey"]["keySize"].Number(), 255U);
    EXPECT_EQ(group["publicKey"]["pk"].FromHex(), key.raw());
    EXPECT_EQ(group["publicKeyJwk"]["kty"].Text(), "OKP");
    EXPECT_EQ(group["publicKeyJwk"]["crv"].Text(), "Ed25519");
    EXPECT_EQ(group["publicKeyJwk"]["kid"].Text(), "none");
    EXPECT_EQ(FromBase64Url(group["publicKeyJwk"]["x"].Text()), key.raw());
    count += VerifyGroup(group, key);
  }
  EXPECT_EQ(count, file["numberOfTests"].Number());
}

TEST(SignatureVectors, WycheproofP256) {
  VectorFile file("signatures/wycheproof-ecdsa_secp256r1_sha256_p1363_test.json");
  TakeRemarks(file.root());
  std::uint64_t count = 0;
  for (const auto& group : file["testGroups"].Items()) {
    EXPECT_EQ(group["type"].Text(), "EcdsaP1363Verify");
    EXPECT_EQ(group["sha"].Text(), "SHA-256");
    group["source"].Unjudged("where it was published");
    const std::string der = group["publicKeyDer"].FromHex();
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PublicKey key, PublicKey::FromSpki(der));
    EXPECT_EQ(key.algorithm(), KeyAlgorithm::kP256);
    EXPECT_EQ(FromPem(group["publicKeyPem"].Text()), key.spki());
    const std::string point = key.spki().substr(26);
    const auto x = point.substr(1, 32);
    const auto y = point.substr(33);
    EXPECT_EQ(group["publicKey"]["type"].Text(), "EcPublicKey");
    EXPECT_EQ(group["publicKey"]["curve"].Text(), "secp256r1");
    EXPECT_EQ(group["publicKey"]["keySize"].Number(), 256U);
    EXPECT_EQ(group["publicKey"]["uncompressed"].FromHex(), point);
    // Wycheproof writes these as signed numbers: sometimes with a zero byte before, or fewer bytes.
    const auto padded = [](std::string number) {
      if (number.size() > 32) number.erase(0, number.size() - 32);
      return std::string(32 - number.size(), '\0') + number;
    };
    EXPECT_EQ(padded(group["publicKey"]["wx"].FromHex()), x);
    EXPECT_EQ(padded(group["publicKey"]["wy"].FromHex()), y);
    if (group.Has("publicKeyJwk")) {
      EXPECT_EQ(group["publicKeyJwk"]["kty"].Text(), "EC");
      EXPECT_EQ(group["publicKeyJwk"]["crv"].Text(), "P-256");
      EXPECT_EQ(group["publicKeyJwk"]["kid"].Text(), "none");
      EXPECT_EQ(FromBase64Url(group["publicKeyJwk"]["x"].Text()), x);
      EXPECT_EQ(FromBase64Url(group["publicKeyJwk"]["y"].Text()), y);
    }
    count += VerifyGroup(group, key);
  }
  EXPECT_EQ(count, file["numberOfTests"].Number());
}

}  // namespace
}  // namespace custody
