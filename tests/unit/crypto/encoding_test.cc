#include "crypto/encoding.h"

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(Base64Test, VectorsOfRfc4648) {
  const std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"},
                                                          {"\xfb\xff", "+/8="}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(Base64(bytes), text);
    EXPECT_EQ(DecodeBase64(text).value(), bytes);
  }
}

TEST(Base64Test, OneTextForEveryByteString) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "==", "====", "Z===",
                           "Zm8=Zm8=", "Zm9v\n", " Zm9v", "Zm 9", "Zm-_", "Zm9vZ", "Z=g="}) {
    EXPECT_THAT(DecodeBase64(text), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(DecodeBase64(std::string("Zm9\0", 4)), StatusIs(StatusCode::kInvalidArgument));
}

TEST(HexTest, LowerCaseOnly) {
  EXPECT_EQ(Hex(std::string_view("\x00\x7f\xff", 3)), "007fff");
  EXPECT_EQ(DecodeHex("007fff").value(), std::string("\x00\x7f\xff", 3));
  EXPECT_EQ(DecodeHex("").value(), "");
  for (const char* text : {"0", "0g", "FF", "aA", "0x", " 0"}) {
    EXPECT_THAT(DecodeHex(text), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace custody
