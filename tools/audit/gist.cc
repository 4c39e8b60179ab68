// Reading the forms. A form names fields by their path, so a test holds every one of them against
// the schema; what a field shows is what the stations show, with units as people write them.
#include "tools/audit/gist.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "client/forms.h"
#include "custody/event.h"
#include "custody/state.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

constexpr std::string_view kSigns = "=!";  // of a condition
constexpr std::size_t kLongest = 200;  // of a value: reasons and statements are told to their gist

std::vector<std::string_view> Split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Whether the field is there to be told: answered, or filled in.
bool IsThere(const AnyMessage& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(message, &field) > 0;
  if (field.has_presence()) return reflection.HasField(message, &field);
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  return std::ranges::find(fields, &field) != fields.end();
}

// "Low flow" is "low flow" there, and "CRS" stays.
std::string WithinASentence(std::string label) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool capital = !label.empty() && label[0] >= 'A' && label[0] <= 'Z';
  if (capital && (label.size() == 1 || is_lower(label[1]) || label[1] == ' '))
    label[0] = static_cast<char>(label[0] - 'A' + 'a');
  return label;
}

// Shorter than in a form: a line has to be read at a glance.
std::string Spoken(std::string value, const FieldDescriptor& field) {
  const std::string& unit = RuleOfField(field).unit();
  const auto replace = [&](std::string_view code, std::string_view written) {
    if (value.ends_with(code)) value.replace(value.size() - code.size(), code.size(), written);
  };
  if (unit == "%") replace(" %", "%");
  if (unit == "d") replace(" d", "");  // forms say what is counted
  if (field.name() == "test") std::ranges::replace(value, '_', ' ');
  if (field.name() == "step" || field.name() == "at_step") {
    if (const FieldDescriptor* body = FindBody(value))
      value = WithinASentence(RuleOfBody(*body).label());
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) value = WithinASentence(std::move(value));
  if (value.size() > kLongest) value = value.substr(0, kLongest) + " ...";
  std::ranges::replace(value, '\n', ' ');
  return value;
}

// "2 10^6/kg" is 2 times that, whether the unit is the field's or was typed.
std::string WithPowers(std::string text) {
  constexpr std::string_view kPower = " 10^";
  for (std::size_t at = text.find(kPower); at != text.npos; at = text.find(kPower, at + 1)) {
    if (at > 0 && text[at - 1] >= '0' && text[at - 1] <= '9') text.replace(at, 1, "\u00D7");
  }
  return text;
}

class Teller {
 public:
  explicit Teller(const pb::Event& event) : zone_(event.time_zone()) {}

  // All values at `path` in `message`, in order.
  std::vector<std::string> ValuesAt(const AnyMessage& message, std::string_view path) const {
    const std::size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
    std::vector<std::string> values;
    if (field == nullptr || !IsThere(message, *field)) return values;
    const auto& reflection = *message.GetReflection();
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      if (dot == path.npos) {
        const int index = field->is_repeated() ? i : -1;
        values.push_back(Spoken(ShowField(message, *field, index, zone_), *field));
        continue;
      }
      const auto below = ValuesAt(PartOf(message, *field, i), path.substr(dot + 1));
      values.insert(values.end(), below.begin(), below.end());
    }
    return values;
  }

  // The day of the time at `path`, where it was stated; nothing when it was not.
  std::optional<std::string> DayAt(const AnyMessage& body, std::string_view path,
                                   std::string_view zone) const {
    const FieldDescriptor* field = body.GetDescriptor()->FindFieldByName(std::string(path));
    if (field == nullptr || !IsThere(body, *field)) return std::nullopt;
    const auto& reflection = *body.GetReflection();
    google::protobuf::Timestamp at;
    at.CopyFrom(reflection.GetMessage(body, field));
    const std::vector<std::string> where = ValuesAt(body, zone);
    const std::string local =
        FormatLocal(FromProto(at), where.empty() ? std::string_view(zone_) : where.front());
    return local.substr(0, sizeof("02 Mar 2026") - 1);
  }

  // What stands between braces; nothing when it was not filled in.
  std::optional<std::string> Value(const AnyMessage& body, std::string_view named) const {
    if (const std::size_t at = named.find('@'); at != named.npos)
      return DayAt(body, named.substr(0, at), named.substr(at + 1));
    const std::size_t colon = named.find(':');
    if (colon == named.npos) return Join(ValuesAt(body, named), " / ");
    const std::string name(named.substr(0, colon));
    const FieldDescriptor* field = body.GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || !field->is_repeated()) return std::nullopt;
    std::vector<std::string> elements;
    for (int i = 0; i < body.GetReflection()->FieldSize(body, field); ++i) {
      std::vector<std::string> parts;
      for (const std::string_view part : Split(named.substr(colon + 1), ' ')) {
        if (part.starts_with('~')) {
          parts.emplace_back(part.substr(1));
        } else if (const auto value = Join(ValuesAt(PartOf(body, *field, i), part), " / ")) {
          parts.push_back(*value);
        }
      }
      if (!parts.empty()) elements.push_back(*Join(parts, " "));
    }
    return Join(elements, "; ");
  }

  // One part of a form; nothing when something that it names was not filled in.
  std::optional<std::string> Part(const AnyMessage& body, std::string_view part) const {
    if (const std::size_t asked = part.find('?'); asked != part.npos) {
      for (const std::string_view condition : Split(part.substr(0, asked), '&')) {
        if (!Holds(body, condition)) return std::nullopt;
      }
      part.remove_prefix(asked + 1);
    }
    std::string text;
    while (!part.empty()) {
      const std::size_t open = std::min(part.find('{'), part.size());
      text += part.substr(0, open);
      part.remove_prefix(open);
      if (part.empty()) break;
      const std::size_t close = part.find('}');
      const auto value = Value(body, part.substr(1, close - 1));
      if (!value) return std::nullopt;
      text += *value;
      part.remove_prefix(close + 1);
    }
    return text;
  }

 private:
  // "field=value": one of its values is shown so; "field!value": none is.
  bool Holds(const AnyMessage& body, std::string_view condition) const {
    const std::size_t sign = condition.find_first_of(kSigns);
    const auto values = ValuesAt(body, condition.substr(0, sign));
    const bool shown = std::ranges::find(values, condition.substr(sign + 1)) != values.end();
    return shown == (condition[sign] == '=');
  }
  static const AnyMessage& PartOf(const AnyMessage& message, const FieldDescriptor& field, int i) {
    const auto& reflection = *message.GetReflection();
    return field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, i)
                               : reflection.GetMessage(message, &field);
  }
  static std::optional<std::string> Join(const std::vector<std::string>& values,
                                         std::string_view between) {
    if (values.empty()) return std::nullopt;
    std::string joined;
    for (const std::string& value : values)
      joined += (joined.empty() ? "" : std::string(between)) + value;
    return joined;
  }

  std::string zone_;
};

Status CheckPath(const Descriptor& type, std::string_view path) {
  const std::size_t dot = path.find('.');
  const FieldDescriptor* field = type.FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr)
    return InvalidArgument(type.name() + " has no field \"" + std::string(path) + "\"");
  if (dot == path.npos) return Status();
  if (field->message_type() == nullptr)
    return InvalidArgument(field->full_name() + " has no parts, found \"" + std::string(path) +
                           "\"");
  return CheckPath(*field->message_type(), path.substr(dot + 1));
}

Status CheckNamed(const Descriptor& type, std::string_view named) {
  if (const std::size_t at = named.find('@'); at != named.npos) {
    CUSTODY_RETURN_IF_ERROR(CheckPath(type, named.substr(at + 1)));
    named = named.substr(0, at);
    CUSTODY_RETURN_IF_ERROR(CheckPath(type, named));
    const FieldDescriptor* time = type.FindFieldByName(std::string(named));
    const bool is_time = time != nullptr && time->message_type() != nullptr &&
                         time->message_type()->full_name() == "google.protobuf.Timestamp";
    if (is_time) return Status();
    return InvalidArgument("\"" + std::string(named) + "\" is no time");
  }
  const std::size_t colon = named.find(':');
  CUSTODY_RETURN_IF_ERROR(CheckPath(type, named.substr(0, colon)));
  if (colon == named.npos) return Status();
  const FieldDescriptor* field = type.FindFieldByName(std::string(named.substr(0, colon)));
  if (!field->is_repeated() || field->message_type() == nullptr)
    return InvalidArgument(field->full_name() + " has no elements with parts");
  for (const std::string_view part : Split(named.substr(colon + 1), ' ')) {
    if (part.starts_with('~')) continue;
    CUSTODY_RETURN_IF_ERROR(CheckPath(*field->message_type(), part));
  }
  return Status();
}

}  // namespace

std::string Gist(const pb::Event& event) {
  const FieldDescriptor* field = BodyField(event);
  if (field == nullptr || field->message_type() == nullptr) return {};
  const auto forms = GistForms();
  const auto found = std::ranges::find(forms, field->name(), &GistForm::body);
  if (found == forms.end()) return {};
  const AnyMessage& body = event.GetReflection()->GetMessage(event, field);
  const Teller teller(event);
  std::string gist;
  std::string last;
  for (const std::string_view part : Split(found->form, '|')) {
    const auto text = teller.Part(body, part);
    // "Other: anakinra" needs the drug's name; "tocilizumab" does not need it twice.
    if (!text || text->empty() || Lower(*text) == Lower(last)) continue;
    gist += (gist.empty() ? "" : ", ") + *text;
    last = *text;
  }
  return WithPowers(std::move(gist));
}

Status CheckGistForm(const GistForm& form) {
  const FieldDescriptor* body = FindBody(form.body);
  if (body == nullptr) return InvalidArgument("no body " + std::string(form.body));
  const Descriptor& type = *body->message_type();
  for (std::string_view part : Split(form.form, '|')) {
    if (const std::size_t asked = part.find('?'); asked != part.npos) {
      for (const std::string_view condition : Split(part.substr(0, asked), '&')) {
        const std::size_t sign = condition.find_first_of(kSigns);
        if (sign == condition.npos)
          return InvalidArgument("no condition: " + std::string(condition));
        CUSTODY_RETURN_IF_ERROR(CheckPath(type, condition.substr(0, sign)));
      }
      part.remove_prefix(asked + 1);
    }
    for (std::size_t open = part.find('{'); open != part.npos; open = part.find('{', open + 1)) {
      const std::size_t close = part.find('}', open);
      if (close == part.npos) return InvalidArgument("a brace is not closed: " + std::string(part));
      CUSTODY_RETURN_IF_ERROR(CheckNamed(type, part.substr(open + 1, close - open - 1)));
    }
  }
  return Status();
}

}  // namespace custody
