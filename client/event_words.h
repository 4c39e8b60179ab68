// Events, verdicts and event types in words.
#ifndef CUSTODY_CLIENT_EVENT_WORDS_H_
#define CUSTODY_CLIENT_EVENT_WORDS_H_

#include <google/protobuf/descriptor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `RenderEvent` puts an event in words as it is shown before anybody signs it and in a record: what
// it is, when, where, every field with label and unit, and who signs what for. Lines end in "\n".
std::string RenderEvent(const pb::Event& event, std::string_view zone);

// `RenderVerdict` lists every reason with its rule, what was expected and found, what to do now and
// who may grant an override. Empty when there is nothing to say.
std::string RenderVerdict(const pb::Verdict& verdict);
// `RenderReasons` is the same for reasons alone, each line after `indent`.
std::string RenderReasons(std::span<const pb::Reason> reasons, std::string_view indent);

// `DescribeBody` is the form of an event type: fields with option name, unit, ranges, choices, what
// to scan, who enters, attests and comes second.
std::string DescribeBody(const google::protobuf::FieldDescriptor& body);

// `DescribedField` is one line of the same for machines, nested fields by their path.
struct DescribedField {
  std::string path;    // "checks.container"
  std::string option;  // RecordOption(path)
  std::string label;
  std::string kind;  // "number", "text", "time", "choice", "scan", "file", "identifier", "bytes"
  std::string unit;
  std::string range;
  std::string help;
  std::vector<std::string> choices;
  bool required = false;
  bool repeated = false;
};
std::vector<DescribedField> FieldsOf(const google::protobuf::Descriptor& type);

// `RecordOption` is how `record` takes the field `path`: "--checks.container", or "--set at=" where
// an option of its own has that name.
std::string RecordOption(const std::string& path);

// `TherapyBodies` lists the bodies that therapies know, in order of their numbers.
std::vector<const google::protobuf::FieldDescriptor*> TherapyBodies();
// `ProcessName` is a body's name in capitals, as the process writes it: "APHERESIS_STARTED".
std::string ProcessName(const google::protobuf::FieldDescriptor& body);

// `RoleNames` is "RN, PHY or PHARM"; empty for none.
template <typename Roles>
std::string RoleNames(const Roles& roles) {
  std::string names;
  int left = static_cast<int>(roles.size());
  for (const auto role : roles) {
    names += pb::Role_Name(static_cast<pb::Role>(role));
    --left;
    if (left > 0) names += left == 1 ? " or " : ", ";
  }
  return names;
}

}  // namespace custody

#endif  // CUSTODY_CLIENT_EVENT_WORDS_H_
