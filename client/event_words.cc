#include "client/event_words.h"

#include <algorithm>

#include "client/forms.h"
#include "crypto/encoding.h"
#include "crypto/utf8.h"
#include "custody/event.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/time.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

constexpr std::size_t kLabelWidth = 30;

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string Line(std::string_view indent, const std::string& label, const std::string& value) {
  return std::string(indent) + Padded(label, kLabelWidth) + " " + Plain(value) + "\n";
}

bool ShownInOneLine(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return true;
  const std::string& type = field.message_type()->full_name();
  return type == "google.protobuf.Timestamp" || type == "custody.v1.Scanned" ||
         type == "custody.v1.IdentifierCommitment" || type == "custody.v1.AttachmentRef" ||
         type == "custody.v1.TypedIdentifier";
}

void RenderFields(const AnyMessage& message, const std::string& indent, std::string_view zone,
                  std::string& out) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      const int index = field->is_repeated() ? i : -1;
      std::string label = LabelOf(*field);
      if (size > 1) label += " " + std::to_string(i + 1);
      if (ShownInOneLine(*field)) {
        out += Line(indent, label, ShowField(message, *field, index, zone));
        continue;
      }
      out += indent + label + "\n";
      const AnyMessage& part = index < 0 ? reflection.GetMessage(message, field)
                                         : reflection.GetRepeatedMessage(message, field, index);
      RenderFields(part, indent + "  ", zone, out);
    }
  }
}

std::string KindOfField(const FieldDescriptor& field) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    const std::string& type = field.message_type()->full_name();
    if (type == "google.protobuf.Timestamp") return "time";
    if (type == "custody.v1.Scanned") return "scan";
    if (type == "custody.v1.IdentifierCommitment") return "identifier";
    if (type == "custody.v1.AttachmentRef") return "file";
    return "text";
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) return "choice";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "yes or no";
  if (field.type() == FieldDescriptor::TYPE_BYTES) return "bytes";
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) return "number";
  return RuleOfField(field).scan() == pb::SCAN_KIND_UNSPECIFIED ? "text" : "scan";
}

// How a value of this kind is written on the command line.
std::string Written(const DescribedField& field) {
  if (field.kind == "choice") {
    std::string choices;
    for (const std::string& choice : field.choices) {
      choices += (choices.empty() ? "" : " | ") + choice;
    }
    return choices;
  }
  if (field.kind == "file") return "@FILE";
  if (field.kind == "identifier") return "TYPE:ISSUER:VALUE";
  if (field.kind == "number" && !field.range.empty()) return field.range;
  if (field.kind == "number" && !field.unit.empty()) return "number in " + ShownUnit(field.unit);
  return field.kind;
}

std::string Who(const pb::EventRule& rule) {
  std::string who;
  who +=
      "  Entered by   " + (rule.any_role() ? "anybody of a party" : RoleNames(rule.enter())) + "\n";
  if (rule.attest_size() > 0) {
    who += "  Attested by  " + RoleNames(rule.attest()) + " (signs it, or attests within 24 h)\n";
  }
  if (rule.two_person()) {
    who += "  Second       " +
           (rule.second_size() > 0
                ? RoleNames(rule.second())
                : "another person" +
                      (rule.any_role() ? std::string() : ", " + RoleNames(rule.enter()))) +
           (rule.own_checks() ? ", each with own checks" : "") + "\n";
  }
  return who;
}

// `must` says whether everything around these fields has to be there; a field that is required
// within a part nobody has to give is not required.
void Collect(const Descriptor& type, const std::string& prefix, int depth, bool must, bool repeated,
             std::vector<DescribedField>& fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!ShownInOneLine(field) && depth < 4) {
      Collect(*field.message_type(), prefix + OptionName(field) + ".", depth + 1,
              must && RuleOfField(field).required(), repeated || field.is_repeated(), fields);
      continue;
    }
    const pb::FieldRule& rule = RuleOfField(field);
    DescribedField described;
    described.path = prefix + OptionName(field);
    described.option = RecordOption(described.path);
    described.label = LabelOf(field);
    described.kind = KindOfField(field);
    described.unit = rule.unit();
    described.range = RangeInWords(field);
    described.help = rule.help();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) described.choices = ChoicesOf(field);
    described.required = must && rule.required();
    described.repeated = repeated || field.is_repeated();
    fields.push_back(std::move(described));
  }
}

}  // namespace

std::string RenderEvent(const pb::Event& event, std::string_view zone) {
  const FieldDescriptor* body = BodyField(event);
  if (body == nullptr) return "an event without a body\n";
  const std::string label = BodyRule(event).label();
  std::string out = (label.empty() ? ProcessName(*body) : label) + " - " + Plain(event.chain()) +
                    " #" + std::to_string(event.sequence()) + "\n";
  const std::string local(event.time_zone().empty() ? std::string(zone) : event.time_zone());
  if (event.has_occurred_at()) {
    out += Line("  ", "Happened", FormatLocal(FromProto(event.occurred_at()), local));
  }
  out += Line("  ", "Station", event.station());
  if (event.entry() != pb::LIVE) {
    out += Line("  ", "Entered", pb::EntryMode_Name(event.entry()) + ": " + event.late_reason());
  }
  for (const pb::Performer& performer : event.performed_by()) {
    out += Line("  ", "Done by",
                performer.printed_name() + " (" + pb::Role_Name(performer.role()) + ")");
  }
  for (const std::string& grant : event.grants()) {
    out += Line("  ", "Override used", Hex(grant).substr(0, 16) + "...");
  }
  RenderFields(event.GetReflection()->GetMessage(event, body), "  ", local, out);
  for (const pb::Signer& signer : event.signers()) {
    out +=
        Line("  ", "Signs",
             signer.printed_name() + " (" + signer.person() + "), " + pb::Role_Name(signer.role()) +
                 ", " + Lower(pb::Meaning_Name(signer.meaning())));
  }
  return out;
}

std::string RenderReasons(std::span<const pb::Reason> reasons, std::string_view indent) {
  std::string out;
  for (const pb::Reason& reason : reasons) {
    out += std::string(indent) + Plain(reason.rule()) + " " + std::string(KindText(reason.kind()));
    if (reason.critical()) out += ", critical";
    if (reason.overridden()) out += ", overridden";
    if (!reason.subject().empty()) out += " (" + Plain(reason.subject()) + ")";
    out += "\n";
    const std::string deeper = std::string(indent) + "    ";
    if (!reason.expected().empty()) out += deeper + "expected: " + Plain(reason.expected()) + "\n";
    if (!reason.found().empty()) out += deeper + "found:    " + Plain(reason.found()) + "\n";
    if (!reason.next_step().empty())
      out += deeper + "now:      " + Plain(reason.next_step()) + "\n";
    const bool stands = reason.kind() == pb::REASON_GATE && !reason.overridden();
    if (stands && reason.grantors_size() > 0) {
      out += deeper + "override: may be granted by " + RoleNames(reason.grantors()) + "\n";
    } else if (stands) {
      out += deeper + "override: nobody may grant one\n";
    }
  }
  return out;
}

std::string RenderVerdict(const pb::Verdict& verdict) {
  std::vector<pb::Reason> reasons(verdict.reasons().begin(), verdict.reasons().end());
  return RenderReasons(reasons, "  ");
}

std::string RecordOption(const std::string& path) {
  // What `record` takes for itself beside the fields.
  constexpr std::string_view kTaken[] = {"as",
                                         "at",
                                         "downtime",
                                         "folder",
                                         "grant",
                                         "help",
                                         "json",
                                         "late",
                                         "identified-at",
                                         "identifier",
                                         "identifier-again",
                                         "keep-going",
                                         "pins",
                                         "set",
                                         "performed-by",
                                         "read-from",
                                         "therapy",
                                         "yes"};
  const bool taken = std::ranges::find(kTaken, path) != std::end(kTaken);
  return taken ? "--set " + path + "=" : "--" + path;
}

std::vector<DescribedField> FieldsOf(const Descriptor& type) {
  std::vector<DescribedField> fields;
  Collect(type, "", 0, true, false, fields);
  return fields;
}

std::string DescribeBody(const FieldDescriptor& body) {
  const pb::EventRule& rule = RuleOfBody(body);
  std::string out = ProcessName(body) + " - " + rule.label();
  if (!rule.step().empty()) out += " (step " + rule.step() + ")";
  out += "\n";
  if (!rule.help().empty()) out += "  " + rule.help() + "\n";
  out += Who(rule);
  switch (rule.kind()) {
    case pb::GATED_STEP:
      out += "  Binding      needs permission: refused while a rule stands against it\n";
      break;
    case pb::FACT:
      out += "  Binding      a fact: never refused by a gate\n";
      break;
    default:
      out += "  Binding      a decision\n";
  }
  out += "  Fields (* required, + may be repeated)\n";
  for (const DescribedField& field : FieldsOf(*body.message_type())) {
    out += std::string("    ") + (field.required ? "*" : " ") + (field.repeated ? "+" : " ") + " " +
           Padded(field.option, 36) + " " + field.label + ": " + Written(field);
    if (!field.help.empty()) out += " - " + field.help;
    out += "\n";
  }
  return out;
}

std::vector<const FieldDescriptor*> TherapyBodies() {
  std::vector<const FieldDescriptor*> bodies;
  const auto* oneof = pb::Event::descriptor()->FindOneofByName("body");
  for (int i = 0; i < oneof->field_count(); ++i) {
    if (oneof->field(i)->number() >= 100) bodies.push_back(oneof->field(i));
  }
  std::ranges::sort(bodies, {}, [](const FieldDescriptor* field) { return field->number(); });
  return bodies;
}

std::string ProcessName(const FieldDescriptor& body) {
  std::string name = body.name();
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

}  // namespace custody
