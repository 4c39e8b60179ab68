// Public keys and signatures: what is refused matters more than what is accepted.
#include "crypto/key.h"

#include <thread>

#include "crypto/encoding.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

std::string Bytes(std::string_view hex) { return DecodeHex(hex).value(); }

// The order of P-256, to turn low s into high s.
constexpr std::string_view kP256Order =
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

std::string Subtract(std::string a, const std::string& b) {
  int borrow = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    const int digit = static_cast<unsigned char>(a[i]) - static_cast<unsigned char>(b[i]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    a[i] = static_cast<char>(digit + 256 * borrow);
  }
  return a;
}

// Adds the Ed25519 order to a little-endian S.
std::string PlusOrder(std::string s) {
  const std::string order =
      Bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  int carry = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const int digit =
        static_cast<unsigned char>(s[i]) + static_cast<unsigned char>(order[i]) + carry;
    s[i] = static_cast<char>(digit & 0xff);
    carry = digit >> 8;
  }
  return s;
}

TEST(PublicKeyTest, LowOrderEd25519PointsAreRefused) {
  for (const char* hex : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0000000000000000000000000000000000000000000000000000000000000080",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"}) {
    EXPECT_THAT(PublicKey::FromEd25519(Bytes(hex)),
                StatusIs(StatusCode::kInvalidArgument, "low order"))
        << hex;
  }
}

TEST(PublicKeyTest, NonCanonicalEd25519PointsAreRefused) {
  for (const char* first : {"ed", "ee", "ef", "f0", "ff"}) {
    for (const char* last : {"7f", "ff"}) {
      const std::string hex = first + std::string(60, 'f') + last;
      EXPECT_THAT(PublicKey::FromEd25519(Bytes(hex)),
                  StatusIs(StatusCode::kInvalidArgument, "not canonical"))
          << hex;
    }
  }
}

TEST(PublicKeyTest, Ed25519PointsOffTheCurveAreRefused) {
  int on = 0;
  int off = 0;
  for (char y = 2; y < 60; ++y) {
    const auto key = PublicKey::FromEd25519(y + std::string(31, '\0'));
    (key.ok() ? on : off) += 1;
    if (!key.ok()) {
      EXPECT_THAT(key, StatusIs(StatusCode::kInvalidArgument, "not a point"));
    }
  }
  // About every second y is on the curve; that OpenSSL agrees shows in the next test.
  EXPECT_GT(on, 15);
  EXPECT_GT(off, 15);
}

TEST(PublicKeyTest, AcceptsEveryGeneratedKeyAndNoOtherLength) {
  for (int i = 0; i < 50; ++i) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(
        const PrivateKey key, PrivateKey::FromSeed(Sha256(U64(static_cast<unsigned>(i))).view()));
    CUSTODY_EXPECT_OK(PublicKey::FromEd25519(key.public_key().raw()));
  }
  EXPECT_THAT(PublicKey::FromEd25519(std::string(31, '\1')),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PublicKey::FromEd25519(std::string(33, '\1')),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(PublicKeyTest, SpkiIsByteExact) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEd25519, KeyAlgorithm::kP256}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(algorithm));
    const std::string spki = key.public_key().spki();
    EXPECT_EQ(spki.size(), algorithm == KeyAlgorithm::kEd25519 ? 44U : 91U);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PublicKey again, PublicKey::FromSpki(spki));
    EXPECT_EQ(again.key_id(), Sha256(spki));
    EXPECT_EQ(again.spki(), spki);
    EXPECT_EQ(again.algorithm(), algorithm);
    const std::size_t head = algorithm == KeyAlgorithm::kEd25519 ? 12 : 27;
    for (std::size_t bit = 0; bit < 8 * head; ++bit) {
      std::string changed = spki;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      EXPECT_THAT(PublicKey::FromSpki(changed), StatusIs(StatusCode::kInvalidArgument)) << bit;
    }
    EXPECT_THAT(PublicKey::FromSpki(spki + '\0'), StatusIs(StatusCode::kInvalidArgument));
    EXPECT_THAT(PublicKey::FromSpki(spki.substr(1)), StatusIs(StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(PublicKey::FromSpki(""), StatusIs(StatusCode::kInvalidArgument));
}

TEST(PublicKeyTest, P256PointsOffTheCurveOrCompressedAreRefused) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  std::string spki = key.public_key().spki();
  spki.back() = static_cast<char>(spki.back() ^ 1);
  EXPECT_THAT(PublicKey::FromSpki(spki), StatusIs(StatusCode::kInvalidArgument, "not a point"));
  const std::string head = key.public_key().spki().substr(0, 27);
  EXPECT_THAT(PublicKey::FromSpki(head + std::string(64, '\0')),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PublicKey::FromSpki(head + std::string(64, '\xff')),
              StatusIs(StatusCode::kInvalidArgument));
  // The compressed form: another length of the same key.
  EXPECT_THAT(PublicKey::FromSpki(Bytes("3039301306072a8648ce3d020106082a8648ce3d030107032200") +
                                  "\x02" + key.public_key().spki().substr(27, 32)),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(SignatureTest, Ed25519VectorsOfRfc8032) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const PrivateKey key,
      PrivateKey::FromSeed(
          Bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")));
  EXPECT_EQ(Hex(key.public_key().raw()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(
      Hex(key.Sign("\x72").value()),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
      "11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(SignatureTest, EveryChangedBitIsRefused) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEd25519, KeyAlgorithm::kP256}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(algorithm));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign("message"));
    ASSERT_EQ(signature.size(), 64U);
    CUSTODY_EXPECT_OK(key.public_key().Verify("message", signature));
    for (std::size_t bit = 0; bit < 512; ++bit) {
      std::string changed = signature;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      EXPECT_THAT(key.public_key().Verify("message", changed),
                  StatusIs(StatusCode::kInvalidArgument))
          << bit;
    }
    EXPECT_THAT(key.public_key().Verify("massage", signature),
                StatusIs(StatusCode::kInvalidArgument, "does not verify"));
    EXPECT_THAT(key.public_key().Verify("message", signature + "x"),
                StatusIs(StatusCode::kInvalidArgument, "64 bytes"));
    EXPECT_THAT(key.public_key().Verify("message", ""), StatusIs(StatusCode::kInvalidArgument));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey other, PrivateKey::Generate(algorithm));
    EXPECT_THAT(other.public_key().Verify("message", signature),
                StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST(SignatureTest, Ed25519WithSAboveTheOrderIsRefused) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kEd25519));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign("message"));
  EXPECT_THAT(
      key.public_key().Verify("message", signature.substr(0, 32) + PlusOrder(signature.substr(32))),
      StatusIs(StatusCode::kInvalidArgument, "not below the group order"));
}

TEST(SignatureTest, P256SignsLowSAndRefusesHighS) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  for (int i = 0; i < 32; ++i) {
    const std::string message = U64(static_cast<unsigned>(i));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign(message));
    CUSTODY_EXPECT_OK(key.public_key().Verify(message, signature));
    // The other s verifies in every library that does not ask for the low one.
    const std::string high =
        signature.substr(0, 32) + Subtract(Bytes(kP256Order), signature.substr(32));
    EXPECT_THAT(key.public_key().Verify(message, high),
                StatusIs(StatusCode::kInvalidArgument, "high s"));
  }
}

TEST(SignatureTest, P256NumbersOutsideTheOrderAreRefused) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  const std::string zero(32, '\0');
  const std::string one = std::string(31, '\0') + "\1";
  const std::string order = Bytes(kP256Order);
  for (const std::string& bad : {zero + zero, zero + one, one + zero, order + one, one + order}) {
    EXPECT_THAT(key.public_key().Verify("message", bad),
                StatusIs(StatusCode::kInvalidArgument, "outside 1..n-1"));
  }
}

TEST(SignatureTest, OneKeyVerifiesInManyThreads) {
  for (const KeyAlgorithm algorithm : {KeyAlgorithm::kEd25519, KeyAlgorithm::kP256}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(algorithm));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign("message"));
    std::vector<std::thread> threads;
    std::vector<int> good(4);
    for (int& count : good) {
      threads.emplace_back([&count, &signature, copy = key.public_key()] {
        for (int i = 0; i < 20; ++i) count += copy.Verify("message", signature).ok() ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, std::vector<int>(4, 20));
  }
}

}  // namespace
}  // namespace custody
