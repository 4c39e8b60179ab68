// What may stand in the wire bytes of each message type, as tables for strict_parse.cc.
#ifndef CUSTODY_CUSTODY_WIRE_TABLE_H_
#define CUSTODY_CUSTODY_WIRE_TABLE_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace custody {

inline constexpr std::size_t kMaxFieldsOfMessage = 512;  // of one type; Event has the most

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

struct MessageTable;

// `FieldEntry` is one field of a message type.
struct FieldEntry {
  std::uint32_t number = 0;
  google::protobuf::FieldDescriptor::Type type = google::protobuf::FieldDescriptor::TYPE_INT32;
  WireType wire = kVarint;
  bool repeated = false;
  bool packable = false;
  std::string name;
  std::string oneof_name;
  std::string enum_name;
  int oneof = -1;                // index of the real oneof it belongs to
  std::vector<int> enum_values;  // sorted, without 0
  const MessageTable* message = nullptr;
};

// `MessageTable` is one message type.
struct MessageTable {
  bool timestamp = false;
  std::vector<FieldEntry> fields;       // by number
  std::vector<std::int16_t> by_number;  // index into fields, -1: none
};

// `WireTableOf` gives the table of `type`, made at its first use with everything below it.
// Thread-safe; what it gives lives for ever.
const MessageTable& WireTableOf(const google::protobuf::Descriptor& type);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_WIRE_TABLE_H_
