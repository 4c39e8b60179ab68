// The walk visits a body's set fields only, and of a message type only those fields below which an
// identifier or an attachment can stand at all; which those are is found out once a type.
#include "custody/event_contents.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "custody/event.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 8;  // no body nests deeper; guards against a recursive type

// What is written, not scanned, and yet names one thing that several therapies may share.
constexpr std::string_view kWritten[] = {"shipment", "run"};

std::string TypeName(pb::ScanKind kind) {
  if (kind == pb::SCAN_BADGE) return std::string(kPersonType);
  std::string name = pb::ScanKind_Name(kind).substr(std::string_view("SCAN_").size());
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool IsProductScan(pb::ScanKind kind) {
  return kind != pb::SCAN_KIND_UNSPECIFIED && kind != pb::SCAN_WRISTBAND && kind != pb::SCAN_BADGE;
}

// The type of what stands at `field`, itself or as scanned; empty for what is no identifier. A
// patient's wristband never is.
std::string TypeOf(const FieldDescriptor& field) {
  const bool text = field.type() == FieldDescriptor::TYPE_STRING;
  const bool scanned = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                       field.message_type() == pb::Scanned::descriptor();
  const pb::ScanKind kind = RuleOfField(field).scan();
  if ((text || scanned) && (IsProductScan(kind) || kind == pb::SCAN_BADGE)) return TypeName(kind);
  if (!text || field.is_repeated()) return "";
  const auto* written = std::ranges::find(kWritten, std::string_view(field.name()));
  return written == std::end(kWritten) ? "" : std::string(*written);
}

// One field worth looking at.
struct Stop {
  const FieldDescriptor* field;
  std::string type;  // of an identifier; empty: a message to go into
};

class Plans {
 public:
  // The stops of `type`; made on first use, kept for ever.
  const std::vector<Stop>& Of(const Descriptor& type) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<std::vector<Stop>>& plan = plans_[&type];
    if (!plan) plan = std::make_unique<std::vector<Stop>>(Make(type, 0));
    return *plan;
  }

 private:
  static std::vector<Stop> Make(const Descriptor& type, int depth) {
    std::vector<Stop> stops;
    if (depth > kMaxDepth) return stops;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (std::string name = TypeOf(field); !name.empty()) {
        stops.push_back({&field, std::move(name)});
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        const Descriptor& below = *field.message_type();
        if (&below == pb::AttachmentRef::descriptor() || !Make(below, depth + 1).empty()) {
          stops.push_back({&field, ""});
        }
      }
    }
    return stops;
  }

  std::mutex mutex_;
  std::map<const Descriptor*, std::unique_ptr<std::vector<Stop>>> plans_;  // under mutex_
};

Plans& ThePlans() {
  static Plans plans;
  return plans;
}

void Walk(const Message& message, EventContents& contents);

void AddIdentifier(std::string_view type, const std::string& value, EventContents& contents) {
  if (!value.empty()) contents.identifiers.push_back({std::string(type), value});
}

// A message that stands at a stop: an attachment, a scan, or one to go into.
void Visit(const Message& below, const std::string& type, EventContents& contents) {
  if (below.GetDescriptor() == pb::AttachmentRef::descriptor()) {
    contents.attachments.emplace_back().CopyFrom(below);
  } else if (type.empty()) {
    Walk(below, contents);
  } else {
    pb::Scanned scanned;
    scanned.CopyFrom(below);
    AddIdentifier(type, scanned.value(), contents);
  }
}

void Walk(const Message& message, EventContents& contents) {
  const Reflection& look = *message.GetReflection();
  std::string scratch;
  for (const Stop& stop : ThePlans().Of(*message.GetDescriptor())) {
    const FieldDescriptor* field = stop.field;
    const bool inner = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int i = 0; i < look.FieldSize(message, field); ++i) {
        if (inner) {
          Visit(look.GetRepeatedMessage(message, field, i), stop.type, contents);
        } else {
          AddIdentifier(stop.type, look.GetRepeatedStringReference(message, field, i, &scratch),
                        contents);
        }
      }
    } else if (inner) {
      if (look.HasField(message, field)) {
        Visit(look.GetMessage(message, field), stop.type, contents);
      }
    } else {
      AddIdentifier(stop.type, look.GetStringReference(message, field, &scratch), contents);
    }
  }
}

}  // namespace

const std::vector<std::string>& IdentifierTypes() {
  static const std::vector<std::string> kTypes = [] {
    std::vector<std::string> types;
    const google::protobuf::EnumDescriptor& kinds = *pb::ScanKind_descriptor();
    for (int i = 0; i < kinds.value_count(); ++i) {
      const auto kind = static_cast<pb::ScanKind>(kinds.value(i)->number());
      if (IsProductScan(kind)) types.push_back(TypeName(kind));
    }
    for (const std::string_view written : kWritten) types.emplace_back(written);
    return types;
  }();
  return kTypes;
}

EventContents ContentsOf(const pb::Event& event) {
  EventContents contents;
  const FieldDescriptor* body = BodyField(event);
  if (body == nullptr) return contents;
  Walk(event.GetReflection()->GetMessage(event, body), contents);
  for (const pb::Signer& signer : event.signers()) {
    AddIdentifier(kPersonType, signer.person(), contents);
  }
  for (const pb::Performer& performer : event.performed_by()) {
    AddIdentifier(kPersonType, performer.person(), contents);
  }
  std::sort(contents.identifiers.begin(), contents.identifiers.end());
  contents.identifiers.erase(std::unique(contents.identifiers.begin(), contents.identifiers.end()),
                             contents.identifiers.end());
  return contents;
}

}  // namespace custody
