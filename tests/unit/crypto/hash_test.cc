#include "crypto/hash.h"

#include <thread>
#include <vector>

#include "crypto/dsse.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(Sha256Test, VectorsOfFips180) {
  EXPECT_EQ(Sha256("").ToHex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc").ToHex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256(std::string(1'000'000, 'a')).ToHex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PartsAreConcatenated) {
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256("abc"));
  EXPECT_EQ(Sha256({}), Sha256(""));
}

TEST(Sha256Test, EveryThreadHasAContextOfItsOwn) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  const Hash expected = Sha256("abc");
  for (int& count : wrong) {
    threads.emplace_back([&count, &expected] {
      for (int i = 0; i < 1000; ++i) count += Sha256({"a", "bc"}) == expected ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(HashTest, TextFormsAreStrict) {
  const std::string hex(64, 'a');
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Hash hash, Hash::FromHex(hex));
  EXPECT_EQ(hash.ToHex(), hex);
  EXPECT_EQ(Hash::FromBytes(hash.ToString()).value(), hash);
  for (const std::string& bad : {hex.substr(1), hex + "aa", std::string(64, 'A'), std::string()}) {
    EXPECT_THAT(Hash::FromHex(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
  EXPECT_THAT(Hash::FromBytes(std::string(31, 'a')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_TRUE(Hash().is_zero());
  EXPECT_FALSE(hash.is_zero());
}

TEST(U64Test, BigEndian) {
  EXPECT_EQ(U64(0x0102030405060708), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(ReadU64(U64(~0ULL) + "more"), ~0ULL);
}

TEST(RecordHashTest, DependsOnEverySignatureAndTheirOrder) {
  const std::string a(32, 'a');
  const std::string b(32, 'b');
  const Hash id = Sha256("event");
  const SignatureView both[] = {{a, "1"}, {b, "23"}};
  const SignatureView swapped[] = {{b, "23"}, {a, "1"}};
  const SignatureView shifted[] = {{a, "12"}, {b, "3"}};
  const Hash record = RecordHash(id, both);
  EXPECT_EQ(record, Sha256({std::string_view("custody.v1.record\0", 18), id.view(), a, U64(1), "1",
                            b, U64(2), "23"}));
  EXPECT_NE(record, RecordHash(id, swapped));
  EXPECT_NE(record, RecordHash(id, shifted));
  EXPECT_NE(record, RecordHash(id, {both, 1}));
  EXPECT_NE(record, RecordHash(Sha256("other"), both));
}

TEST(PaeTest, LengthsAreDecimalBytes) {
  EXPECT_EQ(Pae("", ""), "DSSEv1 0  0 ");
  EXPECT_EQ(Pae("t\xc3\xa9", std::string(10, 'x')), "DSSEv1 3 t\xc3\xa9 10 xxxxxxxxxx");
  EXPECT_EQ(EventId("payload"), Sha256(Pae(kEventPayloadType, "payload")));
}

}  // namespace
}  // namespace custody
