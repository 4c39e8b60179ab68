// CheckStrict: each thing it refuses by a case of its own, and two properties over mutated bytes.
#include <google/protobuf/io/coded_stream.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "custody/event.h"
#include "tests/support/event_builder.h"
#include "tests/support/status_matchers.h"
#include "vector_event.pb.h"

namespace custody {
namespace {

using test::Sampler;

// Bytes of one field, written by hand.
std::string Tag(int number, int wire) {
  std::string bytes;
  for (unsigned tag = static_cast<unsigned>(number) << 3 | static_cast<unsigned>(wire); tag > 0;
       tag >>= 7) {
    bytes += static_cast<char>((tag & 0x7F) | (tag > 0x7F ? 0x80 : 0));
  }
  return bytes;
}
std::string Varint(std::uint64_t value) {
  std::string bytes;
  do {
    bytes += static_cast<char>((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
    value >>= 7;
  } while (value > 0);
  return bytes;
}
std::string VarintField(int number, std::uint64_t value) { return Tag(number, 0) + Varint(value); }
std::string Delimited(int number, const std::string& content) {
  return Tag(number, 2) + Varint(content.size()) + content;
}

Status Check(const std::string& bytes) { return CheckStrict(*Sampler::descriptor(), bytes); }

// Refused, and the message says so.
void ExpectRefused(const std::string& bytes, const char* words) {
  EXPECT_THAT(Check(bytes), StatusIs(StatusCode::kInvalidArgument, words));
}
// Accepted, and protobuf reads it too.
void ExpectAccepted(const std::string& bytes) {
  EXPECT_THAT(Check(bytes), IsOk());
  Sampler parsed;
  EXPECT_TRUE(parsed.ParseFromString(bytes));
}

TEST(CheckStrictTest, AcceptsEveryFieldAsProtobufWritesIt) {
  Sampler all;
  all.set_int32_one(-1);
  all.set_uint32_one(0xFFFFFFFF);
  all.set_sint32_one(-5);
  all.set_bool_one(true);
  all.set_role(pb::RN);
  all.set_double_one(2.5);
  all.set_float_one(1.5F);
  all.set_fixed64_one(9);
  all.set_text("Zürich — 東京 🧬");
  all.set_bytes_one("\xFF\x00");
  all.mutable_time()->set_seconds(-1);
  all.mutable_time()->set_nanos(999'999'999);
  for (const int value : {-1, 0, 70'000}) all.add_int32_many(value);
  all.add_roles(pb::QA);
  all.add_roles(pb::QP);
  all.add_texts("one");
  all.add_texts("two");
  all.mutable_inner()->set_maybe(false);
  all.add_inners();
  all.add_inners()->set_text("deep");
  all.set_maybe(false);
  all.set_int64_one(-9);
  all.set_uint64_one(~0ULL);
  all.set_sfixed32_one(-3);
  all.add_doubles(0.5);
  all.add_doubles(-0.5);
  all.mutable_deep()->set_left("left");
  ExpectAccepted(all.SerializeAsString());
  ExpectAccepted("");
}

TEST(CheckStrictTest, AcceptsRepeatedScalarsPackedAndNot) {
  ExpectAccepted(VarintField(12, 1) + VarintField(12, 2) + Delimited(12, Varint(3) + Varint(4)));
  ExpectAccepted(VarintField(13, pb::RN) + Delimited(13, Varint(pb::QA)));
}

TEST(CheckStrictTest, AcceptsAnyOrderAndExplicitDefaults) {
  ExpectAccepted(Delimited(9, "b") + VarintField(1, 0) + VarintField(4, 0));
}

TEST(CheckStrictTest, RefusesASingularFieldTwice) {
  ExpectRefused(VarintField(1, 7) + VarintField(1, 7), "Sampler.int32_one: stands twice");
  ExpectRefused(Delimited(9, "a") + VarintField(2, 1) + Delimited(9, "b"), "text: stands twice");
  ExpectRefused(Delimited(15, "") + Delimited(15, ""), "inner: stands twice");
  ExpectRefused(VarintField(17, 1) + VarintField(17, 0), "maybe: stands twice");
  ExpectRefused(Delimited(15, VarintField(1, 1) + VarintField(1, 2)),
                "Sampler.inner.int32_one: stands twice");
}

TEST(CheckStrictTest, RefusesASecondMemberOfAOneof) {
  ExpectRefused(Delimited(30, "left") + VarintField(31, 1), "right: a second choice");
  ExpectRefused(Delimited(32, "") + Delimited(30, ""), "left: a second choice");
  ExpectRefused(Delimited(30, "left") + Delimited(30, "left"), "left: stands twice");
}

TEST(CheckStrictTest, RefusesUnknownFieldsAtAnyDepth) {
  ExpectRefused(VarintField(99, 1), "Sampler: unknown field 99");
  ExpectRefused(VarintField(60'000, 1), "unknown field 60000");
  ExpectRefused(Delimited(15, Delimited(16, VarintField(99, 1))),
                "Sampler.inner.inners: unknown field 99");
}

TEST(CheckStrictTest, RefusesGroups) {
  ExpectRefused(Tag(15, 3) + Tag(15, 4), "group at field 15");
  ExpectRefused(Tag(15, 4), "group at field 15");
}

TEST(CheckStrictTest, RefusesEnumValuesThatSayNothingOrAreUnknown) {
  ExpectRefused(VarintField(5, 0), "role: enum value 0");
  ExpectRefused(VarintField(5, 77), "role: unknown value 77 of Role");
  ExpectRefused(VarintField(5, ~0ULL), "role: unknown value -1 of Role");
  ExpectRefused(VarintField(5, 1ULL << 40), "out of range");
  ExpectRefused(Delimited(13, Varint(pb::RN) + Varint(0)), "roles: enum value 0");
  ExpectRefused(VarintField(13, 0), "roles: enum value 0");
}

TEST(CheckStrictTest, RefusesNumbersOutOfTheirFieldsRange) {
  ExpectRefused(VarintField(4, 2), "bool_one: value 2 is out of range of bool");
  ExpectRefused(VarintField(2, 1ULL << 32), "uint32_one: value 4294967296");
  ExpectRefused(VarintField(3, 1ULL << 32), "sint32_one");
  ExpectRefused(VarintField(1, 1ULL << 31), "int32_one: value 2147483648");
  ExpectAccepted(VarintField(1, 0xFFFF'FFFF'8000'0000));
  ExpectRefused(VarintField(1, 0xFFFF'FFFF'7FFF'FFFF), "int32_one");
  ExpectRefused(Delimited(12, Varint(1ULL << 31)), "int32_many");
}

TEST(CheckStrictTest, RefusesTheWrongWireType) {
  ExpectRefused(Delimited(1, "x"), "int32_one: wire type 2");
  ExpectRefused(VarintField(9, 1), "text: wire type 0");
  ExpectRefused(Tag(6, 5) + "1234", "double_one: wire type 5");
  ExpectRefused(Tag(7, 1) + "12345678", "float_one: wire type 1");
  ExpectRefused(Tag(1, 6), "not a protobuf message");
  ExpectRefused(VarintField(0, 1), "not a protobuf message");
}

TEST(CheckStrictTest, RefusesWhatIsTruncated) {
  ExpectRefused(Tag(1, 0), "int32_one: truncated");
  ExpectRefused(Tag(1, 0) + "\x80", "int32_one: truncated");
  ExpectRefused(Tag(6, 1) + "1234567", "double_one: truncated");
  ExpectRefused(Tag(20, 5) + "123", "sfixed32_one: truncated");
  ExpectRefused(Tag(9, 2) + Varint(5) + "1234", "text: truncated");
  ExpectRefused(Tag(21, 2) + Varint(9) + "123456789", "doubles: truncated");
  ExpectRefused(std::string("\x80", 1), "truncated: a field's tag");
  ExpectRefused(Tag(9, 2) + std::string(5, '\xFF') + "\x01", "text: truncated");
}

TEST(CheckStrictTest, RefusesVarintsBeyondTheirWidth) {
  ExpectRefused(Tag(19, 0) + std::string(9, '\xFF') + "\x02", "uint64_one");
  ExpectRefused(Tag(19, 0) + std::string(10, '\x80') + "\x01", "uint64_one");
  ExpectAccepted(Tag(19, 0) + std::string(9, '\xFF') + "\x01");
  ExpectRefused(std::string(5, '\xFF') + "\x01", "tag");
}

TEST(CheckStrictTest, RefusesTextThatIsNotUtf8) {
  for (const char* bad : {"\xFF", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                          "\xF0\x80\x80\x80", "\xC3", "a\xE2\x82", "\x80", "\xC3\x28"}) {
    ExpectRefused(Delimited(9, bad), "text: text is not valid UTF-8");
    ExpectRefused(Delimited(14, bad), "texts: text is not valid UTF-8");
    ExpectAccepted(Delimited(10, bad));
  }
  for (const char* good :
       {"\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "\xF0\x90\x80\x80"}) {
    ExpectAccepted(Delimited(9, good));
  }
}

TEST(CheckStrictTest, RefusesTimesOutsideTheCalendar) {
  ExpectRefused(Delimited(11, VarintField(2, 1'000'000'000)), "time: nanos must be between 0");
  ExpectRefused(Delimited(11, VarintField(2, ~0ULL)), "time: nanos must be between 0");
  ExpectRefused(Delimited(11, VarintField(1, 253'402'300'800)), "time: time must lie in the years");
  ExpectRefused(Delimited(11, VarintField(1, static_cast<std::uint64_t>(-62'135'596'801))),
                "time: time must lie in the years");
  ExpectAccepted(Delimited(11, VarintField(1, 253'402'300'799)));
  ExpectAccepted(Delimited(11, VarintField(1, static_cast<std::uint64_t>(-62'135'596'800))));
}

TEST(CheckStrictTest, RefusesMessagesNestedTooDeep) {
  std::string nested;
  for (int depth = 2; depth <= 16; ++depth) nested = Delimited(15, nested);
  ExpectAccepted(nested);
  ExpectRefused(Delimited(15, nested), "nest deeper than 16 levels");
}

// A message and its bytes after a few random changes.
std::string Mutated(std::string bytes) {
  const int changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        bytes[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        bytes.erase(at, *rc::gen::inRange<std::size_t>(1, 5));
        break;
      case 2:
        bytes.insert(at, *rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
        break;
      default:
        bytes.append(bytes.substr(at));
    }
  }
  return bytes;
}

// What is accepted is read by protobuf without anything left over, and written again reads the
// same.
template <typename Message>
void ExpectSoundIfAccepted(const std::string& bytes) {
  if (!CheckStrict(*Message::descriptor(), bytes).ok()) return;
  Message parsed;
  RC_ASSERT(parsed.ParseFromString(bytes));
  RC_ASSERT(parsed.GetReflection()->GetUnknownFields(parsed).empty());
  const std::string again = parsed.SerializeAsString();
  RC_ASSERT(CheckStrict(*Message::descriptor(), again).ok());
  Message reparsed;
  RC_ASSERT(reparsed.ParseFromString(again));
  RC_ASSERT(reparsed.SerializeAsString() == again);
}

RC_GTEST_PROP(CheckStrictProperty, RandomBytesNeverCrashAndAcceptedOnesParse, ()) {
  ExpectSoundIfAccepted<Sampler>(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

RC_GTEST_PROP(CheckStrictProperty, MutatedEventsNeverCrashAndAcceptedOnesParse, ()) {
  static TestLedger& ledger = *new TestLedger;
  const auto at = *rc::gen::inRange<std::size_t>(0, ledger.log().size());
  const std::string bytes = Mutated(ledger.log()[at].signed_event.payload());
  ExpectSoundIfAccepted<pb::Event>(bytes);
  // The whole way in: shape included, it answers and does not crash.
  const auto parsed = ParseEvent(bytes);
  if (parsed.ok()) RC_ASSERT(CheckStrict(*pb::Event::descriptor(), bytes).ok());
}

RC_GTEST_PROP(CheckStrictProperty, MutatedLogEntriesNeverCrash, ()) {
  static TestLedger& ledger = *new TestLedger;
  const auto at = *rc::gen::inRange<std::size_t>(0, ledger.log().size());
  const std::string bytes = Mutated(ledger.log()[at].entry_bytes);
  ExpectSoundIfAccepted<pb::LogEntry>(bytes);
  const auto entry = ParseLogEntry(bytes);
  if (entry.ok()) RC_ASSERT(entry->event_id().size() == 32U);
}

}  // namespace
}  // namespace custody
