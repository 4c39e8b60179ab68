#include "custody/wire_table.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "crypto/status.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

WireType WireOf(FieldDescriptor::Type type) {
  switch (type) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return kFixed64;
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return kFixed32;
    case FieldDescriptor::TYPE_STRING:
    case FieldDescriptor::TYPE_BYTES:
    case FieldDescriptor::TYPE_MESSAGE:
      return kDelimited;
    default:
      return kVarint;
  }
}

std::vector<int> ValuesOf(const EnumDescriptor& type) {
  std::vector<int> values;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) values.push_back(type.value(i)->number());
  }
  std::ranges::sort(values);
  return values;
}

// All tables ever asked for. Thread-safe; what it gives lives for ever.
class Tables {
 public:
  const MessageTable& Find(const Descriptor& type) {
    {
      const std::shared_lock lock(mutex_);
      const auto found = tables_.find(&type);
      if (found != tables_.end()) return *found->second;
    }
    const std::unique_lock lock(mutex_);
    return Build(type);
  }

 private:
  // A type may contain itself, so its table is entered before its fields are.
  const MessageTable& Build(const Descriptor& type) {
    const auto [at, added] = tables_.try_emplace(&type, nullptr);
    if (!added) return *at->second;
    at->second = std::make_unique<MessageTable>();
    MessageTable& table = *at->second;
    table.timestamp = &type == google::protobuf::Timestamp::descriptor();
    CUSTODY_CHECK(static_cast<std::size_t>(type.field_count()) <= kMaxFieldsOfMessage);
    for (int i = 0; i < type.field_count(); ++i) table.fields.push_back(Entry(*type.field(i)));
    std::ranges::sort(table.fields, {}, &FieldEntry::number);
    const std::uint32_t highest = table.fields.empty() ? 0 : table.fields.back().number;
    CUSTODY_CHECK(highest < 65'536);  // our schema numbers its fields below 5,000
    table.by_number.assign(highest + 1, -1);
    for (std::size_t i = 0; i < table.fields.size(); ++i) {
      table.by_number[table.fields[i].number] = static_cast<std::int16_t>(i);
    }
    return table;
  }

  FieldEntry Entry(const FieldDescriptor& field) {
    FieldEntry entry;
    entry.number = static_cast<std::uint32_t>(field.number());
    entry.name = field.name();
    entry.type = field.type();
    entry.wire = WireOf(field.type());
    entry.repeated = field.is_repeated();
    entry.packable = field.is_packable();
    if (const auto* oneof = field.real_containing_oneof(); oneof != nullptr) {
      entry.oneof = oneof->index();
      entry.oneof_name = oneof->name();
      CUSTODY_CHECK(entry.oneof < 64);
    }
    if (const auto* type = field.enum_type(); type != nullptr) {
      entry.enum_name = type->name();
      entry.enum_values = ValuesOf(*type);
    }
    if (field.message_type() != nullptr) entry.message = &Build(*field.message_type());
    return entry;
  }

  std::shared_mutex mutex_;
  std::map<const Descriptor*, std::unique_ptr<MessageTable>> tables_;  // guarded by mutex_
};

}  // namespace

const MessageTable& WireTableOf(const Descriptor& type) {
  static Tables& tables = *new Tables;  // never destroyed: used until the last thread ends
  return tables.Find(type);
}

}  // namespace custody
