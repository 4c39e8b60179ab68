// Strict reading of protobuf wire bytes.
//
// A protobuf parser forgives much: of two values for one field the last wins, unknown fields are
// kept aside, an unknown enum value is a number, and of two members of a oneof the first vanishes.
// Each of these lets two programs read two different stories out of bytes that one person signed.
// So the bytes themselves are walked here, once, before anything is parsed: no message is built and
// nothing is copied, a table for each message type says what may stand there.
//
// The tables are made once a type, with everything below it, and live as long as the process. What
// this walk accepts, protobuf's own parser accepts too and reads the same (a property test holds
// it to that); hence tags and lengths of over 5 bytes are refused though they could be read.
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/utf8.h"
#include "custody/event.h"
#include "custody/wire_table.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxTagBytes = 5;  // field numbers and lengths are below 2^32
constexpr std::size_t kMaxVarintBytes = 10;

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    if (TakeCodePoint(text) == kNoCodePoint) return false;
  }
  return true;
}

// One walk over one message. A fault is kept as words and path; the path grows on the way back up.
class Walk {
 public:
  bool Message(const MessageTable& table, std::string_view bytes, int depth);
  Status Fault(const Descriptor& type) const {
    return InvalidArgument(path_.empty() ? type.name() + ": " + fault_
                                         : type.name() + "." + path_ + ": " + fault_);
  }

 private:
  // What was seen of one message.
  struct Seen {
    std::bitset<kMaxFieldsOfMessage> fields;
    std::uint64_t oneofs = 0;
    std::int64_t seconds = 0;  // of a Timestamp
    std::int64_t nanos = 0;
  };

  bool Refuse(std::string_view fault) {
    fault_ = fault;
    return false;
  }
  bool RefuseIn(const FieldEntry& entry, std::string_view fault) {
    path_ = entry.name;
    return Refuse(fault);
  }

  static std::optional<std::uint64_t> TakeVarint(std::string_view& bytes, std::size_t longest);
  std::optional<std::string_view> TakeDelimited(std::string_view& bytes);
  const FieldEntry* TakeField(const MessageTable& table, std::string_view& bytes, WireType& wire);
  bool Once(const MessageTable& table, const FieldEntry& entry, Seen& seen);
  bool Field(const MessageTable& table, const FieldEntry& entry, WireType wire,
             std::string_view& bytes, int depth, Seen& seen);
  bool Delimited(const FieldEntry& entry, std::string_view bytes, int depth);
  bool Packed(const FieldEntry& entry, std::string_view bytes);
  bool Scalar(const FieldEntry& entry, std::string_view& bytes, std::uint64_t* value);
  bool Varint(const FieldEntry& entry, std::uint64_t value);

  std::string fault_;
  std::string path_;
};

std::optional<std::uint64_t> Walk::TakeVarint(std::string_view& bytes, std::size_t longest) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < longest; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    if (i == kMaxVarintBytes - 1 && byte > 1) return std::nullopt;  // beyond 64 bits
    value |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> Walk::TakeDelimited(std::string_view& bytes) {
  const auto length = TakeVarint(bytes, kMaxTagBytes);
  if (!length || *length > bytes.size()) return std::nullopt;
  const std::string_view content = bytes.substr(0, *length);
  bytes.remove_prefix(*length);
  return content;
}

const FieldEntry* Walk::TakeField(const MessageTable& table, std::string_view& bytes,
                                  WireType& wire) {
  const auto tag = TakeVarint(bytes, kMaxTagBytes);
  if (!tag || *tag > std::numeric_limits<std::uint32_t>::max()) {
    Refuse("truncated: a field's tag does not end");
    return nullptr;
  }
  const std::uint64_t number = *tag >> 3;
  const std::uint64_t wire_bits = *tag & 7;
  if (wire_bits == 3 || wire_bits == 4) {
    Refuse("group at field " + std::to_string(number) + ", groups are not used here");
    return nullptr;
  }
  if (number == 0 || wire_bits > 5) {
    Refuse("not a protobuf message: field " + std::to_string(number) + " of wire type " +
           std::to_string(wire_bits));
    return nullptr;
  }
  const std::int16_t index =
      number < table.by_number.size() ? table.by_number[number] : std::int16_t{-1};
  if (index < 0) {
    Refuse("unknown field " + std::to_string(number));
    return nullptr;
  }
  wire = static_cast<WireType>(wire_bits);
  return &table.fields[static_cast<std::size_t>(index)];
}

bool Walk::Once(const MessageTable& table, const FieldEntry& entry, Seen& seen) {
  if (entry.repeated) return true;
  const auto index = static_cast<std::size_t>(&entry - table.fields.data());
  if (seen.fields.test(index)) return RefuseIn(entry, "stands twice, it may stand once");
  seen.fields.set(index);
  if (entry.oneof < 0) return true;
  const std::uint64_t bit = std::uint64_t{1} << entry.oneof;
  if ((seen.oneofs & bit) != 0) {
    return RefuseIn(entry, "a second " + entry.oneof_name + ", only one may stand in a message");
  }
  seen.oneofs |= bit;
  return true;
}

bool Walk::Message(const MessageTable& table, std::string_view bytes, int depth) {
  if (depth > kMaxDepth) {
    return Refuse("messages nest deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  Seen seen;
  while (!bytes.empty()) {
    WireType wire = kVarint;
    const FieldEntry* entry = TakeField(table, bytes, wire);
    if (entry == nullptr) return false;
    if (!Once(table, *entry, seen)) return false;
    if (!Field(table, *entry, wire, bytes, depth, seen)) return false;
  }
  if (!table.timestamp) return true;
  if (seen.nanos < 0 || seen.nanos > 999'999'999) {
    return Refuse("nanos must be between 0 and 999999999, found " + std::to_string(seen.nanos));
  }
  if (seen.seconds < kMinTimestampSeconds || seen.seconds > kMaxTimestampSeconds) {
    return Refuse("time must lie in the years 0001 to 9999, found " + std::to_string(seen.seconds) +
                  " seconds");
  }
  return true;
}

bool Walk::Field(const MessageTable& table, const FieldEntry& entry, WireType wire,
                 std::string_view& bytes, int depth, Seen& seen) {
  if (wire == kDelimited && (entry.wire == kDelimited || entry.packable)) {
    const auto content = TakeDelimited(bytes);
    if (!content) return RefuseIn(entry, "truncated: its length goes beyond the message");
    return entry.wire == kDelimited ? Delimited(entry, *content, depth) : Packed(entry, *content);
  }
  if (wire != entry.wire) {
    return RefuseIn(entry, "wire type " + std::to_string(wire) + " does not belong to this field");
  }
  std::uint64_t value = 0;
  if (!Scalar(entry, bytes, &value)) return false;
  if (table.timestamp) {
    (entry.number == 1 ? seen.seconds : seen.nanos) = static_cast<std::int64_t>(value);
  }
  return true;
}

bool Walk::Delimited(const FieldEntry& entry, std::string_view bytes, int depth) {
  if (entry.message != nullptr) {
    if (Message(*entry.message, bytes, depth + 1)) return true;
    path_ = path_.empty() ? entry.name : entry.name + "." + path_;
    return false;
  }
  if (entry.type == FieldDescriptor::TYPE_STRING && !IsUtf8(bytes)) {
    return RefuseIn(entry, "text is not valid UTF-8");
  }
  return true;
}

bool Walk::Packed(const FieldEntry& entry, std::string_view bytes) {
  while (!bytes.empty()) {
    std::uint64_t value = 0;
    if (!Scalar(entry, bytes, &value)) return false;
  }
  return true;
}

bool Walk::Scalar(const FieldEntry& entry, std::string_view& bytes, std::uint64_t* value) {
  if (entry.wire != kVarint) {
    const std::size_t width = entry.wire == kFixed64 ? 8 : 4;
    if (bytes.size() < width) return RefuseIn(entry, "truncated: its value does not end");
    bytes.remove_prefix(width);
    return true;
  }
  const auto varint = TakeVarint(bytes, kMaxVarintBytes);
  if (!varint) return RefuseIn(entry, "truncated, or a number beyond 64 bits");
  *value = *varint;
  return Varint(entry, *varint);
}

bool Walk::Varint(const FieldEntry& entry, std::uint64_t value) {
  constexpr std::uint64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
  constexpr std::uint64_t kMaxUint32 = std::numeric_limits<std::uint32_t>::max();
  constexpr std::uint64_t kMinInt32 = 0xFFFF'FFFF'8000'0000;  // sign-extended
  const auto beyond = [&](std::string_view type) {
    return RefuseIn(entry,
                    "value " + std::to_string(value) + " is out of range of " + std::string(type));
  };
  switch (entry.type) {
    case FieldDescriptor::TYPE_BOOL:
      return value <= 1 || beyond("bool");
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_SINT32:
      return value <= kMaxUint32 || beyond("32 bits");
    case FieldDescriptor::TYPE_INT32:
      return value <= kMaxInt32 || value >= kMinInt32 || beyond("32 bits");
    case FieldDescriptor::TYPE_ENUM: {
      if (value == 0) return RefuseIn(entry, "enum value 0 means nothing was chosen");
      if (value > kMaxInt32 && value < kMinInt32) return beyond("an enum");
      const int number = static_cast<int>(static_cast<std::int64_t>(value));
      return std::ranges::binary_search(entry.enum_values, number) ||
             RefuseIn(entry, "unknown value " + std::to_string(number) + " of " + entry.enum_name);
    }
    default:
      return true;
  }
}

}  // namespace

Status CheckStrict(const Descriptor& type, std::string_view bytes) {
  Walk walk;
  if (walk.Message(WireTableOf(type), bytes, 1)) return absl::OkStatus();
  return walk.Fault(type);
}

}  // namespace custody
