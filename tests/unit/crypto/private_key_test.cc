// Keys at rest.
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "crypto/encoding.h"
#include "crypto/file.h"
#include "crypto/key.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

// One key as other programs write it, under the passphrase "correct".
constexpr char kSpki[] =
    "302a300506032b65700321004996fecf5770821891c79ac36740bc384b4028decd887417e4a455a7f4ad56c2";
constexpr char kPbkdf2Pem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGcMFgGCSqGSIb3DQEFDTBLMCoGCSqGSIb3DQEFDDAdBAjIw1OxssyMoQIDCSfA
MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBBwOo7D88iGMA15YZOyDoE5BEAp
u5K+GiZPRhPbgaZrmD72lsPrXN7PeNtS631wC/REDPW3PkBArf5HEcvHAk7Syn6X
2qik8ufiPDhCeeNMFXiw
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr char kScryptPem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjkHknnWQ8qFgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBC2g1+eP9XNu9W1jMN+N6GcBEDsMnUQZfTVdRNH
VVyFhxoqKiYPDygGJYDGsMVty/1Z25inOSFgd21PauK2KqCyk5UoNswV3xYX7yTc
EtsghLT2
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr char k2048RoundsPem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjnODoOnj9KTgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBiX5g2zxBi41zZxkbaSyNoEQHZ7
H5fevWAg8vEl3bDRaHdNOJ3cRXLyrOUH5rb9ix2KNPqrK7L7p4GO8MxsIG7d5kVq
ZqeGz/er5HwijHsswTQ=
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr char kSha1Pem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGOMEoGCSqGSIb3DQEFDTA9MBwGCSqGSIb3DQEFDDAPBAjrt2fhVrwl8AIDCq5g
MB0GCWCGSAFlAwQBKgQQMPzBROJawEbvTF0dqVnFZARAX/COtZJ8kg3SE6bIagnC
UvLHemoTrd9/98GedqpRE6uTPH9JuvMNUOOj7T6cMYDij34wONGs6p1BzzC706Oj
WA==
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr char kTripleDesPem[] = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MFgwHAYKKoZIhvcNAQwBAzAOBAg7sSvBDyR/hwICCAAEOO0qNG1tJlAb5yKrfztN
I6gClMEQw9p+gG2et4yegdpiyHikpJqux+ub9wsmS7lhnx+KCc4t0ffs
-----END ENCRYPTED PRIVATE KEY-----
)";
constexpr char kPlainPem[] = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOJpqRwem7CPNV9GYKGQrssusIxwArM3oNmEacnWTJCs
-----END PRIVATE KEY-----
)";
constexpr char kP384Pem[] = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDm4zkwslGRH0X6aXr5
CCR3R7FLhlNZ57faCQTRR1n6hIBwO/7DyacFMKtjkhR83BehZANiAASRvcTl+brJ
0akF2aHPnq7bSy3ztov0iZQB8sN3WSqsT75NcBQ1u8RIL0Xd29m1VHQYnwnnYgwZ
pWR3Qr+AOtgIIXn8pC/3MWu5QuwKI1SMMmsujgE7Et2ewaUfWrrZkLQ=
-----END PRIVATE KEY-----
)";
constexpr char kTraditionalPem[] = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMQC+TDfk/2M5eZYDdK9p04x/Qo0v5ih878yYP2YoOitoAoGCCqGSM49
AwEHoUQDQgAEJr/meZjWjePoT4x0MQkVTwKOokEDePEgKN+yCD4RYa56beth712F
cr436YLbDh3VUyJ8qJOg75vHSLQMOdPRkg==
-----END EC PRIVATE KEY-----
)";

class KeyFileTest : public ::testing::Test {
 protected:
  std::filesystem::path Put(std::string_view pem, mode_t mode = 0600) {
    const auto path = dir_ / ("put" + std::to_string(count_++));
    std::ofstream(path) << pem;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  TempDir dir_;
  int count_ = 0;
};

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST_F(KeyFileTest, WhatIsSavedIsLoadedAgain) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEd25519, KeyAlgorithm::kP256}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(algorithm));
    const auto path = dir_ / (algorithm == KeyAlgorithm::kP256 ? "p256" : "ed25519");
    CUSTODY_ASSERT_OK(key.Save(path, "pass phrase"));
    EXPECT_EQ(ModeOf(path), 0600U);
    EXPECT_TRUE(ReadFile(path, 10000)->starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey again, PrivateKey::Load(path, "pass phrase"));
    EXPECT_EQ(again.key_id(), key.key_id());
    CUSTODY_EXPECT_OK(key.public_key().Verify("x", again.Sign("x").value()));

    const auto plain = path.string() + ".plain";
    CUSTODY_ASSERT_OK(key.SavePlain(plain));
    EXPECT_EQ(ModeOf(plain), 0600U);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey from_plain, PrivateKey::LoadPlain(plain));
    EXPECT_EQ(from_plain.key_id(), key.key_id());
  }
}

TEST_F(KeyFileTest, AnExistingFileIsNeverOverwritten) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kEd25519));
  const auto path = Put("precious");
  EXPECT_THAT(key.Save(path, "pass"), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_THAT(key.SavePlain(path), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_EQ(ReadFile(path, 100).value(), "precious");
}

TEST_F(KeyFileTest, LoadsWhatOtherProgramsWrite) {
  for (const char* pem : {kPbkdf2Pem, kScryptPem}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Load(Put(pem, 0400), "correct"));
    EXPECT_EQ(Hex(key.public_key().spki()), kSpki);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey plain, PrivateKey::LoadPlain(Put(kPlainPem)));
  EXPECT_EQ(Hex(plain.public_key().spki()), kSpki);
}

TEST_F(KeyFileTest, AWrongPassphraseIsUnauthenticated) {
  EXPECT_THAT(PrivateKey::Load(Put(kScryptPem), "wrong"),
              StatusIs(StatusCode::kUnauthenticated, "passphrase is wrong"));
  EXPECT_THAT(PrivateKey::Load(Put(kScryptPem), ""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PrivateKey::Load(Put(kScryptPem), std::string(2000, 'x')),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(KeyFileTest, AFileThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0644U, 0640U, 0604U, 0700U, 0660U, 04600U}) {
    EXPECT_THAT(PrivateKey::Load(Put(kScryptPem, mode), "correct"),
                StatusIs(StatusCode::kPermissionDenied, "0600"))
        << mode;
    EXPECT_THAT(PrivateKey::LoadPlain(Put(kPlainPem, mode)),
                StatusIs(StatusCode::kPermissionDenied, "0600"))
        << mode;
  }
}

TEST_F(KeyFileTest, WeakOrOtherFormsAreRefused) {
  const std::map<const char*, const char*> refused = {
      {k2048RoundsPem, "600000"},
      {kSha1Pem, "HMAC-SHA-256"},
      {kTripleDesPem, "PBES2"},
      {kPlainPem, "ENCRYPTED PRIVATE KEY"},
      {kTraditionalPem, "found EC PRIVATE KEY"},
      {"", "no pem block"},
      {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", ""}};
  for (const auto& [pem, reason] : refused) {
    EXPECT_THAT(PrivateKey::Load(Put(pem), "correct"),
                StatusIs(StatusCode::kInvalidArgument, reason))
        << pem;
  }
  EXPECT_THAT(PrivateKey::LoadPlain(Put(kScryptPem)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PrivateKey::LoadPlain(Put(kTraditionalPem)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PrivateKey::LoadPlain(Put(kP384Pem)), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PrivateKey::LoadPlain(Put(std::string(20000, 'x'))),
              StatusIs(StatusCode::kInvalidArgument, "larger"));
  EXPECT_THAT(PrivateKey::LoadPlain(dir_ / "absent"), StatusIs(StatusCode::kNotFound));
}

TEST_F(KeyFileTest, ATamperedFileNeverLoads) {
  const std::string pem = kScryptPem;
  const std::size_t body = pem.find('\n') + 1;
  // The header and both footers of the structure, the salt, the ciphertext's first and last bytes.
  for (const std::size_t offset : {0U, 4U, 60U, 100U, 140U, 180U, 195U, 203U}) {
    std::string changed = pem;
    char& c = changed[body + offset];
    if (c == '\n') continue;
    c = c == 'A' ? 'B' : 'A';
    const auto key = PrivateKey::Load(Put(changed), "correct");
    EXPECT_FALSE(key.ok() && Hex(key->public_key().spki()) == kSpki) << offset;
    if (!key.ok()) {
      EXPECT_TRUE(key.status().code() == StatusCode::kUnauthenticated ||
                  key.status().code() == StatusCode::kInvalidArgument)
          << offset << " " << key.status().ToString();
    }
  }
}

TEST_F(KeyFileTest, AForeignPublicHalfIsRefused) {
  // A P-256 file carries its public key; this one's is replaced by another point of the curve.
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey one, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey two, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_ASSERT_OK(one.SavePlain(dir_ / "one"));
  std::string pem = ReadFile(dir_ / "one", 10000).value();
  std::string body = pem.substr(pem.find('\n') + 1);
  body.resize(body.find("-----END"));
  std::erase(body, '\n');
  std::string der = DecodeBase64(body).value();
  const std::size_t at = der.find(one.public_key().spki().substr(27));
  ASSERT_NE(at, der.npos);
  der.replace(at, 64, two.public_key().spki().substr(27));
  std::string text = Base64(der);
  for (std::size_t i = 64; i < text.size(); i += 65) text.insert(i, "\n");
  EXPECT_THAT(PrivateKey::LoadPlain(
                  Put("-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----\n")),
              StatusIs(StatusCode::kInvalidArgument, "not that of its private key"));
}

TEST(PrivateKeyTest, ASeedHas32Bytes) {
  EXPECT_THAT(PrivateKey::FromSeed(std::string(31, 'x')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PrivateKey::FromSeed(std::string(33, 'x')), StatusIs(StatusCode::kInvalidArgument));
}

static_assert(!std::is_copy_constructible_v<PrivateKey>);
static_assert(std::is_nothrow_move_constructible_v<PrivateKey>);
static_assert(std::is_copy_constructible_v<PublicKey>);

}  // namespace
}  // namespace custody
