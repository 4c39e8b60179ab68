// Fields in words: labels, ranges, choices and values as people read them (declared in forms.h).
#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "client/forms.h"
#include "crypto/encoding.h"
#include "custody/event.h"

namespace custody {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

std::string InWords(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  for (char& c : words) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (!words.empty() && words[0] >= 'a' && words[0] <= 'z') {
    words[0] = static_cast<char>(words[0] - 'a' + 'A');
  }
  return words;
}

// What the names of all values of a type begin with, up to an underscore.
std::size_t CommonPrefix(const EnumDescriptor& type) {
  const std::string& first = type.value(0)->name();
  std::size_t length = first.size();
  for (int i = 1; i < type.value_count(); ++i) {
    const std::string& name = type.value(i)->name();
    std::size_t same = 0;
    while (same < length && same < name.size() && name[same] == first[same]) ++same;
    length = same;
  }
  const std::size_t underscore = first.substr(0, length).rfind('_');
  return underscore == std::string::npos ? 0 : underscore + 1;
}

// Bounds in the unit in which values are shown: of hundredths, in wholes.
std::string Between(double min, double max, bool has_min, bool has_max, std::string_view unit) {
  const double scale = WholesOf(unit) == unit ? 1 : 100;
  if (has_min && has_max) return FieldNumber(min / scale) + " to " + FieldNumber(max / scale);
  return has_min ? "at least " + FieldNumber(min / scale) : "at most " + FieldNumber(max / scale);
}

constexpr double kMsPerMinute = 60'000;

// Milliseconds are for machines: "1 h 30 min", and seconds when there are some.
std::string InHours(double ms) {
  const double minutes = std::floor(ms / kMsPerMinute);
  const double seconds = (ms - minutes * kMsPerMinute) / 1000;
  std::string words;
  if (minutes >= 60) words = FieldNumber(std::floor(minutes / 60)) + " h";
  if (std::fmod(minutes, 60) > 0) {
    words += (words.empty() ? "" : " ") + FieldNumber(std::fmod(minutes, 60)) + " min";
  }
  return seconds > 0 ? words + " " + FieldNumber(seconds) + " s" : words;
}

std::string WithUnit(double value, const std::string& unit) {
  if (const std::string_view wholes = WholesOf(unit); wholes != unit) {
    return FieldNumber(value / 100) + " " + ShownUnit(wholes);
  }
  if (unit == "ms" && value >= kMsPerMinute) return InHours(value);
  return unit.empty() ? FieldNumber(value) : FieldNumber(value) + " " + ShownUnit(unit);
}

std::string ShowPart(const AnyMessage& part, std::string_view zone) {
  const std::string& type = part.GetDescriptor()->full_name();
  if (type == "google.protobuf.Timestamp") {
    return FormatLocal(FromProto(dynamic_cast<const google::protobuf::Timestamp&>(part)), zone);
  }
  if (type == "custody.v1.Scanned") {
    const auto& scanned = dynamic_cast<const v1::Scanned&>(part);
    const bool typed = scanned.source() != v1::SCANNED;
    return scanned.value() + (typed ? " (typed)" : "");
  }
  if (type == "custody.v1.IdentifierCommitment") {
    const auto& read = dynamic_cast<const v1::IdentifierCommitment&>(part);
    return read.type() + " (read, kept as a commitment)";
  }
  if (type == "custody.v1.AttachmentRef") {
    const auto& file = dynamic_cast<const v1::AttachmentRef&>(part);
    return (file.name().empty() ? "file" : file.name()) + ", " + std::to_string(file.size()) +
           " bytes, SHA-256 " + Hex(file.sha256()).substr(0, 16) + "...";
  }
  if (type == "custody.v1.TypedIdentifier") {
    const auto& identifier = dynamic_cast<const v1::TypedIdentifier&>(part);
    return identifier.type() + " " + identifier.value();
  }
  const auto& reflection = *part.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(part, &fields);
  std::string shown;
  for (const FieldDescriptor* field : fields) {
    if (!shown.empty()) shown += "; ";
    shown += LabelOf(*field) + " ";
    if (!field->is_repeated()) {
      shown += ShowField(part, *field, -1, zone);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(part, field); ++i) {
      shown += (i == 0 ? "" : ", ") + ShowField(part, *field, i, zone);
    }
  }
  return shown;
}

// One number through the reflection call that fits, as a double.
double NumberOf(const AnyMessage& message, const FieldDescriptor& field, int index) {
  const auto& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return one ? reflection.GetInt32(message, &field)
                 : reflection.GetRepeatedInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(one ? reflection.GetInt64(message, &field)
                                     : reflection.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return one ? reflection.GetUInt32(message, &field)
                 : reflection.GetRepeatedUInt32(message, &field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<double>(one ? reflection.GetUInt64(message, &field)
                                     : reflection.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return static_cast<double>(one ? reflection.GetFloat(message, &field)
                                     : reflection.GetRepeatedFloat(message, &field, index));
    default:
      return one ? reflection.GetDouble(message, &field)
                 : reflection.GetRepeatedDouble(message, &field, index);
  }
}

}  // namespace

std::string FieldNumber(double value) {
  char text[64];
  // Digits as people write them, as far as they are short.
  const bool plain = value == 0 || (std::abs(value) >= 1e-4 && std::abs(value) < 1e9);
  const auto [end, error] =
      plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
            : std::to_chars(text, text + sizeof text, value);
  return error == std::errc() ? std::string(text, end) : "?";
}

std::string_view WholesOf(std::string_view unit) {
  constexpr std::string_view kHundredths = "0.01 ";
  return unit.starts_with(kHundredths) ? unit.substr(kHundredths.size()) : unit;
}

std::string ShownUnit(std::string_view unit) {
  if (const std::string_view wholes = WholesOf(unit); wholes != unit) {
    return "0.01 " + ShownUnit(wholes);
  }
  for (const auto& [ucum, shown] : std::initializer_list<std::pair<std::string_view, const char*>>{
           {"Cel", "\u00b0C"}, {"mm[Hg]", "mmHg"}, {"By", "bytes"}}) {
    if (unit == ucum) return shown;
  }
  return std::string(unit);
}

std::string OptionName(const FieldDescriptor& field) {
  std::string name = field.name();
  std::ranges::replace(name, '_', '-');
  return name;
}

std::string LabelOf(const FieldDescriptor& field) {
  const std::string& label = RuleOfField(field).label();
  return label.empty() ? InWords(field.name()) : label;
}

std::string ChoiceLabel(const EnumValueDescriptor& value) {
  const std::string& label = value.options().GetExtension(v1::value).label();
  if (!label.empty()) return label;
  // Roles and their like are known by their names.
  if (value.type()->full_name() == "custody.v1.Role") return value.name();
  return InWords(std::string_view(value.name()).substr(CommonPrefix(*value.type())));
}

std::vector<std::string> ChoicesOf(const FieldDescriptor& field) {
  std::vector<std::string> choices;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    if (field.enum_type()->value(i)->number() == 0) continue;
    choices.push_back(ChoiceLabel(*field.enum_type()->value(i)));
  }
  return choices;
}

std::string RangeInWords(const FieldDescriptor& field) {
  const pb::FieldRule& rule = RuleOfField(field);
  std::string words;
  if (rule.has_possible_min() || rule.has_possible_max()) {
    words = Between(rule.possible_min(), rule.possible_max(), rule.has_possible_min(),
                    rule.has_possible_max(), rule.unit());
    if (!rule.unit().empty()) words += " " + ShownUnit(WholesOf(rule.unit()));
  }
  if (rule.has_usual_min() || rule.has_usual_max()) {
    const std::string usual = Between(rule.usual_min(), rule.usual_max(), rule.has_usual_min(),
                                      rule.has_usual_max(), rule.unit());
    words += words.empty() ? "usually " + usual : " (usually " + usual + ")";
  }
  return words;
}

std::string ShowField(const AnyMessage& message, const FieldDescriptor& field, int index,
                      std::string_view zone) {
  const auto& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = one ? reflection.GetBool(message, &field)
                             : reflection.GetRepeatedBool(message, &field, index);
      return value ? "yes" : "no";
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return ChoiceLabel(one ? *reflection.GetEnum(message, &field)
                             : *reflection.GetRepeatedEnum(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = one ? reflection.GetString(message, &field)
                                    : reflection.GetRepeatedString(message, &field, index);
      return field.type() == FieldDescriptor::TYPE_BYTES ? Hex(value) : value;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ShowPart(one ? reflection.GetMessage(message, &field)
                          : reflection.GetRepeatedMessage(message, &field, index),
                      zone);
    default:
      return WithUnit(NumberOf(message, field, index), RuleOfField(field).unit());
  }
}

}  // namespace custody
