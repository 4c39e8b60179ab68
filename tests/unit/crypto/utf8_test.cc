#include "crypto/utf8.h"

#include <gtest/gtest.h>

namespace custody {
namespace {

TEST(PlainTest, KeepsWhatPeopleWriteAndNothingThatActs) {
  EXPECT_EQ(Plain("J\u00F6rg \u2014 37.5 \u00B0C, \u65E5\u672C"),
            "J\u00F6rg \u2014 37.5 \u00B0C, \u65E5\u672C");
  EXPECT_EQ(Plain(std::string("a\0b\tc\nd\x7F", 8)), "a?b?c?d?");
  EXPECT_EQ(Plain("\xFF\xC2\xC0\x80\xED\xA0\x80z"), "???????z");  // not UTF-8
  EXPECT_EQ(Plain("\u2028\u2069\u200F."), "???.");
  EXPECT_EQ(Plain(""), "");
}

}  // namespace
}  // namespace custody
