#include "client/field_values.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "client/local_time.h"
#include "crypto/encoding.h"
#include "custody/identity.h"

namespace custody {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string Folded(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      folded += static_cast<char>(c - 'A' + 'a');
    } else {
      folded += c == '_' || c == '-' ? ' ' : c;
    }
  }
  return folded;
}

Status Wrong(const FieldDescriptor& field, std::string_view text, std::string_view expected) {
  return InvalidArgument(LabelOf(field) + " (" + OptionName(field) + "): expected " +
                         std::string(expected) + ", found \"" + std::string(text.substr(0, 80)) +
                         "\"");
}

// How many of the field's units one of the typed unit is; nothing when they do not agree.
std::optional<double> UnitFactor(std::string_view typed, std::string_view unit) {
  if (typed.empty()) return 1.0;
  const std::string wanted = Folded(typed == "C" || typed == "\u00b0C" ? "Cel" : typed);
  const std::string_view one = WholesOf(unit);
  if (wanted == Folded(unit)) return 1.0;
  if (wanted == Folded(one) || typed == ShownUnit(one)) return one == unit ? 1.0 : 100.0;
  return std::nullopt;
}

struct Quantity {
  double value = 0;
  bool integral = false;  // typed as plain digits, without unit conversion
  std::string_view digits;
};

StatusOr<Quantity> ParseQuantity(const FieldDescriptor& field, std::string_view text) {
  const std::string& unit = RuleOfField(field).unit();
  std::string_view rest = Trim(text);
  if (rest.starts_with('+')) rest.remove_prefix(1);
  Quantity quantity;
  const auto [stop, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), quantity.value);
  const std::string expected = unit.empty() ? "a number" : "a number in " + ShownUnit(unit);
  if (error != std::errc() || !std::isfinite(quantity.value)) return Wrong(field, text, expected);
  const auto length = static_cast<std::size_t>(stop - rest.data());
  const std::string_view typed_unit = Trim(rest.substr(length));
  if (typed_unit.starts_with(',')) {
    return Wrong(field, text, expected + ", its decimals after a point");
  }
  // Minus 187 hundredths of a degree is what nobody means who types -187.
  if (const auto one = WholesOf(unit); typed_unit.empty() && one != unit && quantity.value != 0) {
    return Wrong(field, text,
                 "a number with its unit, such as \"" + std::string(rest) + ShownUnit(one) + "\"");
  }
  const auto factor = UnitFactor(typed_unit, unit);
  if (!factor) return Wrong(field, text, expected);
  quantity.value *= *factor;
  quantity.digits = rest.substr(0, length);
  quantity.integral = *factor == 1.0 && std::ranges::all_of(quantity.digits, [](char c) {
    return (c >= '0' && c <= '9') || c == '-';
  });
  return quantity;
}

Status CheckRange(const FieldDescriptor& field, double value, std::string_view text,
                  const FieldSources& sources) {
  const pb::FieldRule& rule = RuleOfField(field);
  const auto outside = [value](bool has_min, double min, bool has_max, double max) {
    return (has_min && value < min) || (has_max && value > max);
  };
  if (outside(rule.has_possible_min(), rule.possible_min(), rule.has_possible_max(),
              rule.possible_max())) {
    return InvalidArgument(LabelOf(field) + " (" + OptionName(field) + "): " + std::string(text) +
                           " is not possible; expected " + RangeInWords(field) +
                           ", check for a typing error (R07)");
  }
  if (sources.unusual &&
      outside(rule.has_usual_min(), rule.usual_min(), rule.has_usual_max(), rule.usual_max())) {
    sources.unusual(LabelOf(field) + ": " + std::string(text) +
                    " is unusual; possible and usual: " + RangeInWords(field));
  }
  return absl::OkStatus();
}

// An integer of the field's own type, exact where it was typed in digits.
template <typename T>
StatusOr<T> ParseInteger(const FieldDescriptor& field, std::string_view text,
                         const FieldSources& sources) {
  CUSTODY_ASSIGN_OR_RETURN(const Quantity quantity, ParseQuantity(field, text));
  CUSTODY_RETURN_IF_ERROR(CheckRange(field, quantity.value, text, sources));
  T value = 0;
  if (quantity.integral) {
    const auto* end = quantity.digits.data() + quantity.digits.size();
    const auto [stop, error] = std::from_chars(quantity.digits.data(), end, value);
    if (error == std::errc() && stop == end) return value;
    return Wrong(field, text, "a whole number");
  }
  const double rounded = std::round(quantity.value);
  const double limit = std::ldexp(1.0, 53);
  if (std::abs(rounded - quantity.value) > 1e-6 || std::abs(rounded) > limit ||
      (rounded < 0 && std::is_unsigned_v<T>) ||
      rounded > static_cast<double>(std::numeric_limits<T>::max())) {
    return Wrong(field, text, "a whole number of " + ShownUnit(RuleOfField(field).unit()));
  }
  return static_cast<T>(rounded);
}

StatusOr<const EnumValueDescriptor*> ParseChoice(const FieldDescriptor& field,
                                                 std::string_view text) {
  const std::string wanted = Folded(Trim(text));
  const EnumValueDescriptor* by_ending = nullptr;
  bool several = false;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) {
    const EnumValueDescriptor* value = field.enum_type()->value(i);
    if (value->number() == 0) continue;
    const std::string name = Folded(value->name());
    if (name == wanted || Folded(ChoiceLabel(*value)) == wanted) return value;
    if (name.ends_with(" " + wanted)) {
      several = by_ending != nullptr;
      by_ending = value;
    }
  }
  if (by_ending != nullptr && !several && !wanted.empty()) return by_ending;
  std::string expected = "one of";
  for (const std::string& choice : ChoicesOf(field)) expected += " \"" + choice + "\"";
  return Wrong(field, text, expected);
}

StatusOr<std::string> ParseBytes(const FieldDescriptor& field, std::string_view text) {
  auto bytes = text.starts_with("base64:") ? DecodeBase64(text.substr(7)) : DecodeHex(text);
  if (!bytes.ok()) return Wrong(field, text, "bytes in hex, or base64:...");
  return bytes;
}

Status CheckLength(const FieldDescriptor& field, std::string_view value) {
  const std::uint32_t most = RuleOfField(field).max_length();
  const std::size_t limit = most == 0 ? 200 : most;
  if (value.size() <= limit) return absl::OkStatus();
  return InvalidArgument(LabelOf(field) + " (" + OptionName(field) + ") is too long: " +
                         std::to_string(value.size()) + " bytes, at most " + std::to_string(limit));
}

StatusOr<v1::AttachmentRef> Attach(const FieldDescriptor& field, std::string_view text,
                                   const FieldSources& sources) {
  if (!text.starts_with('@') || text.size() < 2) {
    return Wrong(field, text, "a file as @FILE, or its parts sha256, size and media-type");
  }
  if (!sources.attach) {
    return Unavailable(LabelOf(field) + ": a file can be handed in only while the server is there");
  }
  return sources.attach(text.substr(1));
}

Status SetPart(AnyMessage& part, const FieldDescriptor& field, std::string_view text,
               const FieldSources& sources) {
  const std::string& type = field.message_type()->full_name();
  if (type == "google.protobuf.Timestamp") {
    auto instant = ParseTime(Trim(text), sources.zone, sources.now);
    if (!instant.ok()) return WithContext(instant.status(), LabelOf(field));
    part.CopyFrom(ToProto(*instant));
  } else if (type == "custody.v1.Scanned") {
    auto scanned = ParseScanned(RuleOfField(field).scan(), text);
    if (!scanned.ok()) return WithContext(scanned.status(), LabelOf(field));
    part.CopyFrom(*scanned);
  } else if (type == "custody.v1.IdentifierCommitment") {
    if (!sources.commit) {
      return FailedPrecondition(
          LabelOf(field) + ": a patient's identifier can be read only at the clinic's station");
    }
    CUSTODY_ASSIGN_OR_RETURN(const auto commitment, sources.commit(text));
    part.CopyFrom(commitment);
  } else if (type == "custody.v1.AttachmentRef") {
    CUSTODY_ASSIGN_OR_RETURN(const auto reference, Attach(field, text, sources));
    part.CopyFrom(reference);
  } else if (type == "custody.v1.TypedIdentifier") {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return Wrong(field, text, "TYPE:VALUE");
    v1::TypedIdentifier identifier;
    identifier.set_type(std::string(text.substr(0, colon)));
    identifier.set_value(std::string(text.substr(colon + 1)));
    part.CopyFrom(identifier);
  } else {
    std::string parts;
    for (int i = 0; i < field.message_type()->field_count(); ++i) {
      parts += (i == 0 ? "" : ", ") + OptionName(*field.message_type()->field(i));
    }
    return InvalidArgument(LabelOf(field) + " has parts (" + parts + "): give " +
                           OptionName(field) + "." + OptionName(*field.message_type()->field(0)) +
                           " and so on");
  }
  return absl::OkStatus();
}

// Sets or adds through the reflection call that fits.
#define CUSTODY_PUT(Type, value)                                       \
  (field.is_repeated() ? reflection.Add##Type(&message, &field, value) \
                       : reflection.Set##Type(&message, &field, value))

Status SetNumber(AnyMessage& message, const FieldDescriptor& field, std::string_view text,
                 const FieldSources& sources) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      CUSTODY_ASSIGN_OR_RETURN(const auto value, ParseInteger<std::int32_t>(field, text, sources));
      CUSTODY_PUT(Int32, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      CUSTODY_ASSIGN_OR_RETURN(const auto value, ParseInteger<std::int64_t>(field, text, sources));
      CUSTODY_PUT(Int64, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      CUSTODY_ASSIGN_OR_RETURN(const auto value, ParseInteger<std::uint32_t>(field, text, sources));
      CUSTODY_PUT(UInt32, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      CUSTODY_ASSIGN_OR_RETURN(const auto value, ParseInteger<std::uint64_t>(field, text, sources));
      CUSTODY_PUT(UInt64, value);
      break;
    }
    default: {
      CUSTODY_ASSIGN_OR_RETURN(const Quantity quantity, ParseQuantity(field, text));
      CUSTODY_RETURN_IF_ERROR(CheckRange(field, quantity.value, text, sources));
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_FLOAT) {
        CUSTODY_PUT(Float, static_cast<float>(quantity.value));
      } else {
        CUSTODY_PUT(Double, quantity.value);
      }
    }
  }
  return absl::OkStatus();
}

Status SetText(AnyMessage& message, const FieldDescriptor& field, std::string_view text) {
  const auto& reflection = *message.GetReflection();
  std::string value(text);
  if (field.type() == FieldDescriptor::TYPE_BYTES) {
    CUSTODY_ASSIGN_OR_RETURN(value, ParseBytes(field, text));
  } else if (RuleOfField(field).scan() != pb::SCAN_KIND_UNSPECIFIED) {
    auto normalised = NormaliseScan(RuleOfField(field).scan(), text);
    if (!normalised.ok()) return WithContext(normalised.status(), LabelOf(field));
    value = *std::move(normalised);
  }
  if (value.empty()) return Wrong(field, text, "some text");
  CUSTODY_RETURN_IF_ERROR(CheckLength(field, value));
  CUSTODY_PUT(String, value);
  return absl::OkStatus();
}

StatusOr<bool> ParseYesNo(const FieldDescriptor& field, std::string_view text) {
  const std::string folded = Folded(Trim(text));
  if (folded == "yes" || folded == "y" || folded == "true") return true;
  if (folded == "no" || folded == "n" || folded == "false") return false;
  return Wrong(field, text, "yes or no");
}

bool StartsAsScan(std::string_view text) { return text.starts_with('=') || text.starts_with('&'); }

StatusOr<std::string> CheckTyped(pb::ScanKind kind, std::string_view text) {
  const bool din = kind == pb::SCAN_DIN && text.size() == 14;
  if (!din) {
    return InvalidArgument(
        "checked: is for a donation number with its check character, 14 characters; "
        "write typed: for what carries none");
  }
  const std::string_view number = text.substr(0, 13);
  const bool plain = std::ranges::all_of(
      number, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  if (!plain || DinCheckCharacter(number) != text[13]) {
    return InvalidArgument("the check character does not fit \"" + std::string(text) +
                           "\"; read the number again");
  }
  return std::string(number);
}

}  // namespace

Status SetValue(AnyMessage& message, const FieldDescriptor& field, std::string_view text,
                const FieldSources& sources) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: {
      CUSTODY_ASSIGN_OR_RETURN(const bool value, ParseYesNo(field, text));
      CUSTODY_PUT(Bool, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      CUSTODY_ASSIGN_OR_RETURN(const EnumValueDescriptor* value, ParseChoice(field, text));
      CUSTODY_PUT(Enum, value);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      return SetText(message, field, text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return SetPart(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                         : *reflection.MutableMessage(&message, &field),
                     field, text, sources);
    default:
      return SetNumber(message, field, text, sources);
  }
}

#undef CUSTODY_PUT

StatusOr<std::string> NormaliseScan(pb::ScanKind kind, std::string_view scan) {
  if (scan.ends_with("\r\n")) {
    scan.remove_suffix(2);
  } else if (scan.ends_with('\r') || scan.ends_with('\n') || scan.ends_with('\t')) {
    scan.remove_suffix(1);
  }
  if (scan.size() > 3 && scan[0] == ']') scan.remove_prefix(3);  // symbology, such as "]C0"
  if (!StartsAsScan(scan)) {
    if (Trim(scan).empty()) return InvalidArgument("nothing was scanned");
    return std::string(Trim(scan));
  }
  const bool coi = scan.starts_with("&/");
  if (kind == pb::SCAN_COI || (coi && kind == pb::SCAN_KIND_UNSPECIFIED)) {
    return ParseCoiScan(scan);
  }
  if (coi) return InvalidArgument("this is a chain-of-identity identifier, not what is asked for");
  if (kind == pb::SCAN_DIN || kind == pb::SCAN_CONTAINER || kind == pb::SCAN_SAMPLE ||
      kind == pb::SCAN_KIND_UNSPECIFIED) {
    CUSTODY_ASSIGN_OR_RETURN(const Din din, ParseDinScan(scan));
    return din.number;
  }
  return InvalidArgument("this is an ISBT 128 code of another kind than what is asked for: \"" +
                         std::string(scan.substr(0, 60)) + "\"");
}

StatusOr<v1::Scanned> ParseScanned(pb::ScanKind kind, std::string_view text) {
  v1::Scanned scanned;
  if (text.starts_with("typed:")) {
    CUSTODY_ASSIGN_OR_RETURN(*scanned.mutable_value(), NormaliseScan(kind, text.substr(6)));
    scanned.set_source(v1::TYPED);
  } else if (text.starts_with("checked:")) {
    CUSTODY_ASSIGN_OR_RETURN(*scanned.mutable_value(), CheckTyped(kind, text.substr(8)));
    scanned.set_source(v1::TYPED_WITH_CHECK);
  } else {
    CUSTODY_ASSIGN_OR_RETURN(*scanned.mutable_value(), NormaliseScan(kind, text));
    scanned.set_source(v1::SCANNED);
    scanned.set_raw(std::string(text));
  }
  if (scanned.value().size() > 200) return InvalidArgument("this scan is longer than any label");
  return scanned;
}

StatusOr<ClearIdentifier> ClearIdentifier::Parse(std::string_view text) {
  ClearIdentifier identifier;
  if (text.starts_with("typed:")) {
    identifier.source = v1::TYPED;
    text.remove_prefix(6);
  }
  const std::size_t first = text.find(':');
  const std::size_t second =
      first == std::string_view::npos ? std::string_view::npos : text.find(':', first + 1);
  if (second == std::string_view::npos || first == 0 || second + 1 == text.size()) {
    return InvalidArgument(
        "expected a patient's identifier as TYPE:ISSUER:VALUE, for example mrn:CLINIC-A:0012345 or "
        "dob::19710409");
  }
  identifier.type = std::string(text.substr(0, first));
  identifier.issuer = std::string(text.substr(first + 1, second - first - 1));
  identifier.value = std::string(text.substr(second + 1));
  return identifier;
}

}  // namespace custody
