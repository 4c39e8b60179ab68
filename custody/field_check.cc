// Fields against their annotations.
//
// Looking options up by reflection for every field of every event would cost more than parsing it,
// so each message type gets a plan at its first use: which fields need which checks, and which
// messages lie below. A field that nothing is asked of is not in the plan.
#include "custody/field_check.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "crypto/key.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/time.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ProtoMessage = google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::size_t kDefaultLength = 200;

// Forms beyond what annotations say; those of the registry's bodies (formats section 8).
enum class Form { kAny, kHash, kSignature, kSpki, kChainId, kId, kOrigin, kZone };

struct FormOf {
  std::string_view field;
  Form form;
};
constexpr FormOf kForms[] = {
    {"custody.v1.Trustee.person", Form::kId},
    {"custody.v1.Trustee.spki", Form::kSpki},
    {"custody.v1.LedgerCreated.random", Form::kHash},
    {"custody.v1.LedgerCreated.origin", Form::kOrigin},
    {"custody.v1.LedgerContinued.kept_root", Form::kHash},
    {"custody.v1.PersonEnrolled.person", Form::kId},
    {"custody.v1.PersonEnrolled.organisation", Form::kId},
    {"custody.v1.PersonEnrolled.sites", Form::kChainId},
    {"custody.v1.KeyEnrolled.person", Form::kId},
    {"custody.v1.KeyEnrolled.spki", Form::kSpki},
    {"custody.v1.KeyEnrolled.request_signature", Form::kSignature},
    {"custody.v1.KeyRevoked.key_id", Form::kHash},
    {"custody.v1.OrganisationEnrolled.organisation", Form::kId},
    {"custody.v1.SiteEnrolled.site", Form::kChainId},
    {"custody.v1.SiteEnrolled.organisation", Form::kId},
    {"custody.v1.StationEnrolled.station", Form::kId},
    {"custody.v1.StationEnrolled.site", Form::kChainId},
    {"custody.v1.KeyProof.request_signature", Form::kSignature},
};

// What is required of a visit unless nobody could say it: of who is lost nothing is known, and
// nobody examines the dead.
constexpr std::string_view kUnlessLost[] = {
    "custody.v1.FollowupM23.infections", "custody.v1.FollowupM23.second_cancer",
    "custody.v1.Followup.infections", "custody.v1.Followup.second_cancer"};
constexpr std::string_view kUnlessNotSeen[] = {
    "custody.v1.FollowupD28.imaging_done",  "custody.v1.FollowupD28.response",
    "custody.v1.FollowupD28.crs_max_grade", "custody.v1.FollowupD28.icans_max_grade",
    "custody.v1.FollowupD28.toxicity_open", "custody.v1.FollowupD28.cytopenia_grade",
    "custody.v1.FollowupM23.response",      "custody.v1.FollowupM23.persistence",
    "custody.v1.Followup.response",         "custody.v1.Followup.persistence"};

template <class List>
bool Lists(const List& list, const FieldDescriptor& field) {
  return std::ranges::find(list, std::string_view(field.full_name())) != std::end(list);
}

struct FieldPlan;

struct Plan {
  std::vector<FieldPlan> fields;
};

struct FieldPlan {
  const FieldDescriptor* field = nullptr;
  FieldDescriptor::CppType type = FieldDescriptor::CPPTYPE_INT32;
  std::string name;
  std::string label;
  std::string unit;
  bool repeated = false;
  bool has_presence = false;
  bool required = false;
  bool excusable = false;
  bool zero_valid = false;
  std::optional<double> min;
  std::optional<double> max;
  std::size_t max_length = 0;  // 0: any
  Form form = Form::kAny;
  const Plan* message = nullptr;  // of a submessage other than a Timestamp
};

Form FormOfField(const FieldDescriptor& field) {
  const auto* known =
      std::ranges::find(kForms, std::string_view(field.full_name()), &FormOf::field);
  if (known != std::end(kForms)) return known->form;
  if (field.type() == FieldDescriptor::TYPE_STRING && field.name().ends_with("time_zone")) {
    return Form::kZone;
  }
  // Bytes of at most 32 are a hash: an event id, a commitment, a SHA-256.
  if (field.type() == FieldDescriptor::TYPE_BYTES &&
      (field.name().ends_with("_sha256") || RuleOfField(field).max_length() == 32)) {
    return Form::kHash;
  }
  return Form::kAny;
}

class Plans {
 public:
  const Plan& Find(const Descriptor& type) {
    {
      const std::shared_lock lock(mutex_);
      const auto found = plans_.find(&type);
      if (found != plans_.end()) return *found->second;
    }
    const std::unique_lock lock(mutex_);
    return Build(type);
  }

 private:
  const Plan& Build(const Descriptor& type) {
    const auto [at, added] = plans_.try_emplace(&type, nullptr);
    if (!added) return *at->second;
    at->second = std::make_unique<Plan>();
    Plan& plan = *at->second;
    for (int i = 0; i < type.field_count(); ++i) {
      FieldPlan field = PlanOf(*type.field(i));
      const bool plain = field.type != FieldDescriptor::CPPTYPE_DOUBLE &&
                         field.type != FieldDescriptor::CPPTYPE_FLOAT && !field.required &&
                         !field.min && !field.max && field.max_length == 0 &&
                         field.form == Form::kAny && field.message == nullptr;
      if (!plain) plan.fields.push_back(std::move(field));
    }
    return plan;
  }

  FieldPlan PlanOf(const FieldDescriptor& field) {
    const pb::FieldRule& rule = RuleOfField(field);
    FieldPlan plan;
    plan.field = &field;
    plan.type = field.cpp_type();
    plan.name = field.name();
    plan.label = rule.label().empty() ? field.name() : rule.label();
    plan.unit = rule.unit();
    plan.repeated = field.is_repeated();
    plan.has_presence = field.has_presence();
    plan.excusable = Lists(kUnlessLost, field) || Lists(kUnlessNotSeen, field);
    plan.required = rule.required() || plan.excusable;
    plan.zero_valid = rule.zero_valid();
    if (rule.has_possible_min()) plan.min = rule.possible_min();
    if (rule.has_possible_max()) plan.max = rule.possible_max();
    const bool text = field.type() == FieldDescriptor::TYPE_STRING;
    const bool annotated = field.options().HasExtension(pb::field);
    if (rule.max_length() > 0) {
      plan.max_length = rule.max_length();
    } else if (text || (annotated && field.type() == FieldDescriptor::TYPE_BYTES)) {
      plan.max_length = kDefaultLength;
    }
    plan.form = FormOfField(field);
    const Descriptor* type = field.message_type();
    if (type != nullptr && type != google::protobuf::Timestamp::descriptor()) {
      plan.message = &Build(*type);
    }
    return plan;
  }

  std::shared_mutex mutex_;
  std::map<const Descriptor*, std::unique_ptr<Plan>> plans_;  // guarded by mutex_
};

const Plan& PlanFor(const Descriptor& type) {
  static Plans& plans = *new Plans;  // never destroyed: used until the last thread ends
  return plans.Find(type);
}

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '@';
  });
}

bool IsOrigin(std::string_view origin) {
  return origin.find("://") == std::string_view::npos && std::ranges::none_of(origin, [](char c) {
           return c == '+' || c == ' ' || (c >= '\t' && c <= '\r');
         });
}

// What the form asks for, when `value` has not got it; else empty.
std::string_view FormFault(Form form, std::string_view value) {
  switch (form) {
    case Form::kAny:
      return {};
    case Form::kHash:
      return value.size() == 32 ? "" : "must have 32 bytes";
    case Form::kSignature:
      return value.size() == 64 ? "" : "must have 64 bytes";
    case Form::kSpki:
      return PublicKey::FromSpki(value).ok()
                 ? ""
                 : "must be a sound Ed25519 or P-256 key (SubjectPublicKeyInfo, DER)";
    case Form::kChainId:
      return IsChainId(value) ? "" : "must be 1 to 64 of A-Z 0-9 . _ - without \"..\"";
    case Form::kId:
      return IsId(value) ? "" : "must be 1 to 64 of A-Z a-z 0-9 . _ - @";
    case Form::kOrigin:
      return IsOrigin(value) ? "" : "must be a URL without scheme, \"+\" or white space";
    case Form::kZone:
      return IsTimeZone(value) ? "" : "must be an IANA time zone such as \"Europe/Berlin\"";
  }
  return {};
}

void CheckString(const FieldPlan& plan, const std::string& value, const std::string& path,
                 Faults& faults) {
  if (plan.field->type() == FieldDescriptor::TYPE_STRING) {
    CheckLength(value, plan.max_length, path, plan.label, faults);
  } else if (plan.max_length != 0 && value.size() > plan.max_length) {
    faults.Add(path, plan.label + " must be at most " + std::to_string(plan.max_length) +
                         " bytes, found " + std::to_string(value.size()));
  }
  if (value.empty()) return;  // "required" speaks of that
  const std::string_view fault = FormFault(plan.form, value);
  if (!fault.empty()) faults.Add(path, plan.label + " " + std::string(fault));
}

std::string RangeText(const FieldPlan& plan) {
  const std::string unit = plan.unit.empty() ? "" : " " + plan.unit;
  if (plan.min && plan.max) {
    return "between " + FormatNumber(*plan.min) + " and " + FormatNumber(*plan.max) + unit;
  }
  if (plan.min) return "at least " + FormatNumber(*plan.min) + unit;
  return "at most " + FormatNumber(*plan.max) + unit;
}

void CheckNumber(const FieldPlan& plan, double value, const std::string& path, Faults& faults) {
  if (!std::isfinite(value)) {
    faults.Add(path, plan.label + " must be a number, found " + FormatNumber(value));
  } else if ((plan.min && value < *plan.min) || (plan.max && value > *plan.max)) {
    faults.Add(path, plan.label + " must be " + RangeText(plan) + ", found " + FormatNumber(value));
  }
}

// The value of a singular or (`index` >= 0) repeated numeric field; none for other types.
std::optional<double> NumberOf(const ProtoMessage& message, const Reflection& r,
                               const FieldPlan& plan, int index) {
  const FieldDescriptor* f = plan.field;
  switch (plan.type) {
    case FieldDescriptor::CPPTYPE_INT32:
      return index < 0 ? r.GetInt32(message, f) : r.GetRepeatedInt32(message, f, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return index < 0 ? r.GetUInt32(message, f) : r.GetRepeatedUInt32(message, f, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(index < 0 ? r.GetInt64(message, f)
                                           : r.GetRepeatedInt64(message, f, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<double>(index < 0 ? r.GetUInt64(message, f)
                                           : r.GetRepeatedUInt64(message, f, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return index < 0 ? r.GetDouble(message, f) : r.GetRepeatedDouble(message, f, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return static_cast<double>(index < 0 ? r.GetFloat(message, f)
                                           : r.GetRepeatedFloat(message, f, index));
    default:
      return std::nullopt;
  }
}

// Whether a present singular field says nothing but its type's default.
bool IsDefault(const ProtoMessage& message, const Reflection& r, const FieldPlan& plan) {
  switch (plan.type) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return false;
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return r.GetStringReference(message, plan.field, &scratch).empty();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      return !r.GetBool(message, plan.field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return r.GetEnumValue(message, plan.field) == 0;
    default:
      return std::fpclassify(NumberOf(message, r, plan, -1).value_or(0)) == FP_ZERO;
  }
}

void CheckMessage(const Plan& plan, const ProtoMessage& message, const std::string& path,
                  Faults& faults);

// One value: of a singular field (`index` -1), or one of a repeated field's.
void CheckValue(const FieldPlan& plan, const ProtoMessage& message, int index,
                const std::string& path, Faults& faults) {
  const Reflection& r = *message.GetReflection();
  const FieldDescriptor* f = plan.field;
  if (plan.type == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (plan.message == nullptr) return;
    const ProtoMessage& inner =
        index < 0 ? r.GetMessage(message, f) : r.GetRepeatedMessage(message, f, index);
    CheckMessage(*plan.message, inner, path, faults);
  } else if (plan.type == FieldDescriptor::CPPTYPE_STRING) {
    std::string scratch;
    CheckString(plan,
                index < 0 ? r.GetStringReference(message, f, &scratch)
                          : r.GetRepeatedStringReference(message, f, index, &scratch),
                path, faults);
  } else if (const auto number = NumberOf(message, r, plan, index)) {
    CheckNumber(plan, *number, path, faults);
  }
}

void CheckMessage(const Plan& plan, const ProtoMessage& message, const std::string& path,
                  Faults& faults) {
  const Reflection& r = *message.GetReflection();
  for (const FieldPlan& field : plan.fields) {
    const std::string here = path + "." + field.name;
    if (field.repeated) {
      const int count = r.FieldSize(message, field.field);
      if (count == 0 && field.required) faults.Add(here, field.label + " is required");
      for (int i = 0; i < count; ++i) {
        CheckValue(field, message, i, here + "[" + std::to_string(i) + "]", faults);
      }
      continue;
    }
    const bool present = r.HasField(message, field.field);
    const bool required = field.required && (!field.excusable || IsRequired(*field.field, message));
    if (required && (!present || (!field.zero_valid && IsDefault(message, r, field)))) {
      faults.Add(here, field.label + " is required");
      continue;
    }
    if (present) CheckValue(field, message, -1, here, faults);
  }
}

}  // namespace

void Faults::Add(std::string_view path, std::string_view reason) {
  if (count_++ == 0) first_.append(path).append(": ").append(reason);
  if (bad_fields_ == nullptr) return;
  pb::BadField* bad = bad_fields_->add_fields();
  bad->set_path(std::string(path));
  bad->set_reason(std::string(reason));
}

Status Faults::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  if (count_ == 1) return InvalidArgument(first_);
  return InvalidArgument(first_ + " (and " + std::to_string(count_ - 1) + " more)");
}

void CheckLength(std::string_view text, std::size_t limit, std::string_view path,
                 std::string_view label, Faults& faults) {
  if (text.size() > limit) {
    faults.Add(path, std::string(label) + " must be at most " + std::to_string(limit) +
                         " bytes long, found " + std::to_string(text.size()));
  }
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
  };
  if (std::ranges::any_of(text, is_control)) {
    faults.Add(path, std::string(label) + " must not hold control characters");
  }
}

void CheckFields(const google::protobuf::Message& message, const std::string& path,
                 Faults& faults) {
  CheckMessage(PlanFor(*message.GetDescriptor()), message, path, faults);
}

bool IsRequired(const FieldDescriptor& field, const ProtoMessage& message) {
  const bool unless_lost = Lists(kUnlessLost, field);
  if (!unless_lost && !Lists(kUnlessNotSeen, field)) return RuleOfField(field).required();
  const FieldDescriptor* status = field.containing_type()->FindFieldByName("vital_status");
  const int said = message.GetReflection()->GetEnumValue(message, status);
  return said != pb::VITAL_STATUS_LOST && (unless_lost || said != pb::VITAL_STATUS_DEAD);
}

std::string FormatNumber(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", number);
  return text;
}

}  // namespace custody
