// Annotations are options on descriptors; reading them means a lookup by extension for every field.
// All bodies are walked once, and each check gets the list of the fields that concern it, with the
// way that leads there.
#include "custody/body_plan.h"

#include <array>
#include <memory>

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kFirstTherapyBody = 100;
constexpr int kMaxBody = 400;  // bodies are numbered 32..299; a later one beyond this fails a test

void Walk(const Descriptor& type, const PlannedField& prefix, BodyPlan& plan) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    PlannedField here = prefix;
    here.path += '.' + field->name();
    here.way.push_back(field);
    here.rule = &field->options().GetExtension(pb::field);
    const bool message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (IsNumber(*field) && (here.rule->has_usual_min() || here.rule->has_usual_max())) {
      plan.usual.push_back(here);
    }
    if (here.rule->scan() != pb::SCAN_KIND_UNSPECIFIED) plan.scans.push_back(here);
    const bool leaf =
        IsTime(*field) || (message && field->message_type()->full_name() == "custody.v1.Scanned");
    if (message && !leaf) Walk(*field->message_type(), here, plan);
  }
}

struct Table {
  std::array<BodyPlan, kMaxBody> plans;
  std::vector<const BodyPlan*> all;

  Table() {
    const Descriptor* event = pb::Event::descriptor();
    const google::protobuf::OneofDescriptor* bodies = event->FindOneofByName("body");
    for (int i = 0; i < bodies->field_count(); ++i) {
      const FieldDescriptor* body = bodies->field(i);
      if (body->number() >= kMaxBody) continue;
      BodyPlan& plan = plans.at(static_cast<std::size_t>(body->number()));
      plan.number = body->number();
      plan.body = body;
      plan.name = body->name();
      plan.rule = &body->message_type()->options().GetExtension(pb::event);
      if (body->number() >= kFirstTherapyBody) {
        PlannedField root;
        root.path = body->name();
        Walk(*body->message_type(), root, plan);
      }
    }
    for (BodyPlan& plan : plans) {
      if (plan.rule == nullptr) plan.rule = &pb::EventRule::default_instance();
      if (plan.number != 0) all.push_back(&plan);
    }
  }
};

const Table& TheTable() {
  static const auto* const table = new Table();  // never destroyed: used until the program ends
  return *table;
}

void Collect(const Message& message, const PlannedField& field, std::size_t depth,
             std::vector<const std::string*>& out) {
  const FieldDescriptor* step = field.way[depth];
  const Reflection* reflection = message.GetReflection();
  const bool last = depth + 1 == field.way.size();
  if (step->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    static const std::string kNone;
    const int count = step->is_repeated() ? reflection->FieldSize(message, step) : 1;
    for (int i = 0; i < count; ++i) {
      std::string scratch;
      const std::string& text =
          step->is_repeated() ? reflection->GetRepeatedStringReference(message, step, i, &scratch)
                              : reflection->GetStringReference(message, step, &scratch);
      if (!text.empty()) out.push_back(&text);
    }
    return;
  }
  if (step->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return;
  const auto visit = [&](const Message& next) {
    if (!last) return Collect(next, field, depth + 1, out);
    if (const auto* scanned = dynamic_cast<const pb::Scanned*>(&next);
        scanned != nullptr && !scanned->value().empty()) {
      out.push_back(&scanned->value());
    }
    if (const auto* id = dynamic_cast<const pb::IdentifierCommitment*>(&next)) {
      out.push_back(&id->commitment());
    }
  };
  if (step->is_repeated()) {
    const int count = reflection->FieldSize(message, step);
    for (int i = 0; i < count; ++i) visit(reflection->GetRepeatedMessage(message, step, i));
  } else if (reflection->HasField(message, step)) {
    visit(reflection->GetMessage(message, step));
  }
}

}  // namespace

bool IsNumber(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return true;
    default:
      return false;
  }
}

bool IsTime(const FieldDescriptor& field) {
  return field.message_type() != nullptr &&
         field.message_type()->full_name() == "google.protobuf.Timestamp";
}

const BodyPlan& PlanOf(int number) {
  const Table& table = TheTable();
  const bool known = number > 0 && number < kMaxBody;
  return table.plans.at(known ? static_cast<std::size_t>(number) : 0);
}

const std::vector<const BodyPlan*>& Plans() { return TheTable().all; }

int BodyNumber(std::string_view name) {
  for (const BodyPlan* plan : TheTable().all) {
    if (plan->name == name) return plan->number;
  }
  return 0;
}

void StringsAt(const Message& body, const PlannedField& field,
               std::vector<const std::string*>& out) {
  Collect(body, field, 0, out);
}

}  // namespace custody
