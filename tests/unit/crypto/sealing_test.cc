#include "crypto/sealing.h"

#include "crypto/encoding.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

std::string Bytes(std::string_view hex) { return DecodeHex(hex).value(); }

class ZeroRng final : public Rng {
 public:
  StatusOr<std::string> Bytes(std::size_t count) override { return std::string(count, '\0'); }
};

class BrokenRng final : public Rng {
 public:
  StatusOr<std::string> Bytes(std::size_t) override { return Internal("no entropy"); }
};

TEST(SealTest, VectorOfTheGcmSpecification) {
  ZeroRng rng;
  const std::string zero(32, '\0');
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string sealed, Seal(zero, "", zero.substr(16), rng));
  EXPECT_EQ(
      Hex(sealed),
      "000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(SealTest, OpensOnlyWithTheSameKeyContextAndBytes) {
  const std::string key(32, 'k');
  for (const std::string& plain : {std::string(), std::string("name"), std::string(100000, 'x')}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string sealed,
                                 Seal(key, "mrn of GA7G", plain, SystemRng()));
    EXPECT_EQ(sealed.size(), plain.size() + 28);
    EXPECT_EQ(Unseal(key, "mrn of GA7G", sealed).value(), plain);
    EXPECT_THAT(Unseal(std::string(32, 'l'), "mrn of GA7G", sealed),
                StatusIs(StatusCode::kInvalidArgument, "do not open"));
    EXPECT_THAT(Unseal(key, "mrn of GA7H", sealed),
                StatusIs(StatusCode::kInvalidArgument, "do not open"));
    EXPECT_NE(Seal(key, "mrn of GA7G", plain, SystemRng()).value(), sealed);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string sealed, Seal(key, "c", "secret", SystemRng()));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_THAT(Unseal(key, "c", changed), StatusIs(StatusCode::kInvalidArgument)) << bit;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(Unseal(key, "c", sealed.substr(0, size)), StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST(SealTest, BadKeysAndBrokenRandomnessAreErrors) {
  BrokenRng broken;
  EXPECT_THAT(Seal(std::string(32, 'k'), "", "x", broken), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(Seal("short", "", "x", SystemRng()), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Unseal("short", "", std::string(40, 'x')), StatusIs(StatusCode::kInvalidArgument));
}

TEST(HmacTest, VectorsOfRfc4231) {
  EXPECT_EQ(HmacSha256(std::string(20, '\x0b'), "Hi There").ToHex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HmacSha256("Jefe", "what do ya want for nothing?").ToHex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      HmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")
          .ToHex(),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(HmacSha256(Bytes("0102030405060708090a0b0c0d0e0f10111213141516171819"),
                       std::string(50, '\xcd'))
                .ToHex(),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
}

TEST(CommitmentTextTest, PartsCannotRunIntoEachOther) {
  EXPECT_EQ(CommitmentText("mrn", "H1", "12345"), "mrn:H1:12345");
  EXPECT_EQ(CommitmentText("mrn", "a:b", "c%d"), "mrn:a%3Ab:c%25d");
  EXPECT_NE(CommitmentText("a", "b:c", "d"), CommitmentText("a:b", "c", "d"));
  EXPECT_NE(CommitmentText("a", "%3A", "d"), CommitmentText("a", ":", "d"));
}

TEST(CleanseTest, EmptiesTheSecret) {
  std::string secret = "secret";
  Cleanse(secret);
  EXPECT_TRUE(secret.empty());
  Cleanse(secret);
}

TEST(SystemRngTest, GivesAsManyBytesAsAskedAndNeverTheSame) {
  EXPECT_EQ(SystemRng().Bytes(0).value(), "");
  EXPECT_EQ(SystemRng().Bytes(33)->size(), 33U);
  EXPECT_NE(SystemRng().Bytes(16).value(), SystemRng().Bytes(16).value());
}

}  // namespace
}  // namespace custody
