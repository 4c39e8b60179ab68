// The state keeps few of the values that people type: those that a rule or a screen asks for. Each
// of them has a row below that says where it stands. A value is only changed where it came from the
// event that is corrected (that event is the last of its kind) and where it still is the old one: a
// newer weight is not undone by correcting an older one. Volumes of containers stand each in its
// own: corrected_volume.h looks for it.
#include "custody/correction.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include "custody/body_plan.h"
#include "custody/corrected_volume.h"
#include "custody/event.h"
#include "custody/profile.h"
#include "custody/state.h"
#include "custody/time.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;

// What somebody decided, ordered, released or permitted is decided anew, not corrected.
// These are so too, or say who the patient is, whatever their annotation calls them.
bool IsDecision(int body) {
  const pb::EventRule& rule = *PlanOf(body).rule;
  if (rule.kind() == pb::DECISION || rule.own_signature()) return true;
  switch (body) {
    case pb::Event::kTherapyOrdered:
    case pb::Event::kInfusionOrdered:
    case pb::Event::kConsentObtained:
    case pb::Event::kConsentWithdrawn:
    case pb::Event::kPatientEnrolled:
    case pb::Event::kPatientIdentifierAdded:
    case pb::Event::kPatientIdentifierRetired:
    case pb::Event::kRecordCorrected:
    case pb::Event::kAdopted:
      return true;
    default:
      return false;
  }
}

std::optional<double> AsNumber(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  const bool plain = copy.find_first_not_of("+-0123456789.eE") == std::string::npos;
  if (copy.empty() || !plain || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

// A number of the state that came from a field.
struct Slot {
  std::function<double()> get;
  std::function<void(double)> set;
};

template <class Message, class Type>
Slot Number(Message* message, Type (Message::*get)() const, void (Message::*set)(Type)) {
  return {[=] { return static_cast<double>((message->*get)()); },
          [=](double value) { (message->*set)(static_cast<Type>(value)); }};
}

std::optional<Slot> ConditionSlot(pb::PatientCondition* c, int body, std::string_view field) {
  using C = pb::PatientCondition;
  if (body == pb::Event::kWeightChanged && field == "weight_kg") {
    return Number(c, &C::weight_kg, &C::set_weight_kg);
  }
  if (body == pb::Event::kIdmSampled && field == "sampled_at") {
    return Number(c, &C::idm_sampled_us, &C::set_idm_sampled_us);
  }
  return std::nullopt;
}

// The one of several that holds the old value; the newest, when more than one does.
template <class List, class Pick>
std::optional<Slot> Among(List* list, double old, Pick pick) {
  std::optional<Slot> found;
  for (auto& item : *list) {
    Slot slot = pick(&item);
    if (slot.get() == old || !found) found = std::move(slot);
  }
  return found;
}

// Of a day's counts the lowest is kept. It is that of the last DAILY_LABS where that is the newest
// sample and its day's only one; which of several gave it nobody can tell.
std::optional<Slot> CountSlot(pb::TherapyState& state, std::string_view field, double old) {
  pb::PatientCondition* condition = state.mutable_condition();
  const pb::StepRecord* last = FindStep(state, pb::Event::kDailyLabs);
  if (condition->blood_counts().empty() || last == nullptr) return std::nullopt;
  pb::BloodCount* day = condition->mutable_blood_counts(condition->blood_counts_size() - 1);
  const bool its = day->at_us() == condition->last_labs_us() &&
                   DayIn(state, day->at_us()) == DayIn(state, last->occurred_us());
  const bool anc = field == "anc_1e9_per_l" && day->has_anc_1e9_per_l();
  const bool platelets = field == "platelets_1e9_per_l" && day->has_platelets_1e9_per_l();
  if (!its || (!anc && !platelets)) return std::nullopt;
  using Count = pb::BloodCount;
  Slot slot = anc ? Number(day, &Count::anc_1e9_per_l, &Count::set_anc_1e9_per_l)
                  : Number(day, &Count::platelets_1e9_per_l, &Count::set_platelets_1e9_per_l);
  return slot.get() == old ? std::optional<Slot>(slot) : std::nullopt;
}

std::optional<Slot> SlotOf(pb::TherapyState& state, int body, std::string_view field, double old) {
  if (auto slot = ConditionSlot(state.mutable_condition(), body, field)) return slot;
  pb::Lymphodepletion* ld = state.mutable_ld();
  const bool dose = (body == pb::Event::kLdDose && field == "given_at") ||
                    (body == pb::Event::kLdCompleted && field == "last_dose_at");
  if (dose) {
    return Number(ld, &pb::Lymphodepletion::last_dose_us, &pb::Lymphodepletion::set_last_dose_us);
  }
  if (body == pb::Event::kLdStarted && field == "marrow_blasts_percent") {
    return Number(ld, &pb::Lymphodepletion::blasts_percent,
                  &pb::Lymphodepletion::set_blasts_percent);
  }
  if (body == pb::Event::kLdStarted && field == "marrow_sampled_at") {
    return Number(ld, &pb::Lymphodepletion::blasts_us, &pb::Lymphodepletion::set_blasts_us);
  }
  if (body == pb::Event::kDailyLabs && field == "wbc_1e9_per_l") {
    return Number(ld, &pb::Lymphodepletion::wbc_1e9_per_l, &pb::Lymphodepletion::set_wbc_1e9_per_l);
  }
  if (body == pb::Event::kDailyLabs) return CountSlot(state, field, old);
  if (body == pb::Event::kFormulated && field == "weight_used_kg") {
    return Among(state.mutable_lots(), old, [](pb::Lot* lot) {
      return Number(lot, &pb::Lot::dose_weight_kg, &pb::Lot::set_dose_weight_kg);
    });
  }
  if (body == pb::Event::kApheresisCompleted && field == "ended_at") {
    return Among(state.mutable_donations(), old, [](pb::Donation* donation) {
      return Number(donation, &pb::Donation::ended_us, &pb::Donation::set_ended_us);
    });
  }
  if (body == pb::Event::kApheresisCompleted && field == "volume_ml") {
    return Among(state.mutable_containers(), old, [](pb::Container* container) {
      return Number(container, &pb::Container::volume_ml, &pb::Container::set_volume_ml);
    });
  }
  const bool received = body == pb::Event::kReceivedMfg || body == pb::Event::kReceivedClinic;
  if (received && field == "seal_opened_at") {
    return Among(state.mutable_shipments(), old, [](pb::Shipment* shipment) {
      return Number(shipment, &pb::Shipment::seal_opened_us, &pb::Shipment::set_seal_opened_us);
    });
  }
  if (body == pb::Event::kPacked && field == "nominal_hold_hours") {
    return Among(state.mutable_shipments(), old, [](pb::Shipment* shipment) {
      return Number(shipment, &pb::Shipment::hold_hours, &pb::Shipment::set_hold_hours);
    });
  }
  if (body == pb::Event::kPacked && field == "packed_at") {
    return Among(state.mutable_shipments(), old, [](pb::Shipment* shipment) {
      return Number(shipment, &pb::Shipment::packed_us, &pb::Shipment::set_packed_us);
    });
  }
  return std::nullopt;
}

Folded CorrectTest(pb::TherapyState& state, const pb::Profile* profile, std::string_view event_id,
                   double value) {
  for (pb::Lot& lot : *state.mutable_lots()) {
    for (pb::TestState& test : *lot.mutable_tests()) {
      if (test.event_id() != event_id) continue;
      const pb::ReleaseTest* limit = FindTest(profile, test.test());
      if (limit != nullptr && !IsWithin(*limit, value)) {
        test.set_passed(false);
        test.set_failed(true);
      }
      return Folded::kYes;
    }
  }
  return Folded::kNo;
}

std::optional<double> StateValue(const FieldDescriptor& field, std::string_view text) {
  if (!IsTime(field)) return AsNumber(text);
  const StatusOr<Instant> at = ParseInstant(text);
  if (!at.ok()) return std::nullopt;
  return static_cast<double>(at->micros);
}

}  // namespace

std::uint64_t EventPrefix(std::string_view event_id) {
  std::uint64_t prefix = 0;
  for (const char c : event_id.substr(0, sizeof(prefix))) {
    prefix = prefix << 8 | static_cast<unsigned char>(c);
  }
  return prefix;
}

namespace {

constexpr std::uint32_t kFromPaper = kBodyBits + 1;

// What the state keeps of an event; 0 when it keeps nothing.
std::uint32_t Known(const pb::TherapyState& state, std::string_view event_id) {
  const std::uint64_t prefix = EventPrefix(event_id);
  for (int i = state.event_prefixes_size() - 1; i >= 0; --i) {
    if (state.event_prefixes(i) == prefix) return state.event_bodies(i);
  }
  return 0;
}

}  // namespace

std::uint32_t KnownAs(const pb::Event& event) {
  const auto body = static_cast<std::uint32_t>(event.body_case());
  return event.entry() == pb::DOWNTIME ? body | kFromPaper : body;
}

bool IsDowntimeEntry(const pb::TherapyState& state, std::string_view event_id) {
  return (Known(state, event_id) & kFromPaper) != 0;
}

int KnownBody(const pb::TherapyState& state, std::string_view event_id) {
  return static_cast<int>(Known(state, event_id) & kBodyBits);
}

const FieldDescriptor* CorrectableField(int body, std::string_view path, std::string& why) {
  const BodyPlan& plan = PlanOf(body);
  if (plan.body == nullptr || IsDecision(body)) {
    why = "what was decided, consented or released is made anew, never corrected";
    return nullptr;
  }
  if (body == pb::Event::kTelemetryBatch && path != "calibration_until") {
    why = "what a logger's file gives is never corrected: record the file again";
    return nullptr;
  }
  const google::protobuf::Descriptor* type = plan.body->message_type();
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view step = path.substr(0, dot);
    const std::size_t bracket = std::min(step.find('['), step.size());
    const FieldDescriptor* field = type->FindFieldByName(std::string(step.substr(0, bracket)));
    const bool indexed = bracket != step.size();
    if (field == nullptr || indexed != field->is_repeated()) {
      why = "no such field: " + std::string(step);
      return nullptr;
    }
    const bool scan = RuleOfField(*field).scan() != pb::SCAN_KIND_UNSPECIFIED ||
                      (field->message_type() != nullptr &&
                       (field->message_type()->full_name() == "custody.v1.Scanned" ||
                        field->message_type()->full_name() == "custody.v1.PersonCheck" ||
                        field->message_type()->full_name() == "custody.v1.AttachmentRef"));
    if (scan) {
      why = "a scan or a file is never corrected: record it again";
      return nullptr;
    }
    if (dot == path.size()) {
      const bool typed =
          IsNumber(*field) || IsTime(*field) || field->type() == FieldDescriptor::TYPE_STRING;
      if (typed) return field;
      why = "no typed value: a choice is made anew";
      return nullptr;
    }
    if (field->message_type() == nullptr || IsTime(*field)) {
      why = "no such field: " + std::string(path);
      return nullptr;
    }
    type = field->message_type();
    path.remove_prefix(dot + 1);
  }
}

std::string WithoutPlaces(std::string_view path) {
  std::string plain;
  bool inside = false;
  for (const char c : path) {
    inside = inside || c == '[';
    if (!inside) plain += c;
    inside = inside && c != ']';
  }
  return plain;
}

std::string ValueFault(const FieldDescriptor& field, std::string_view text) {
  const pb::FieldRule& rule = RuleOfField(field);
  if (field.type() == FieldDescriptor::TYPE_STRING) {
    constexpr std::uint32_t kDefaultLength = 200;
    const std::size_t most = rule.max_length() == 0 ? kDefaultLength : rule.max_length();
    return text.size() <= most ? "" : "at most " + std::to_string(most) + " bytes";
  }
  const std::optional<double> value = StateValue(field, text);
  if (!value) return IsTime(field) ? "a time like 2026-03-02T08:15:00Z" : "a number";
  if (IsTime(field)) return "";
  const bool whole = field.cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE;
  const bool possible = (!rule.has_possible_min() || *value >= rule.possible_min()) &&
                        (!rule.has_possible_max() || *value <= rule.possible_max()) &&
                        (!whole || (*value == std::floor(*value) && std::abs(*value) < 1e15));
  return possible ? "" : "a possible value";
}

Folded CorrectInState(pb::TherapyState& state, const pb::Profile* profile,
                      std::string_view event_id, const pb::Correction& correction) {
  const int body = KnownBody(state, event_id);
  std::string why;
  const FieldDescriptor* field = CorrectableField(body, correction.field_path(), why);
  if (field == nullptr) return Folded::kNo;
  const std::optional<double> old = StateValue(*field, correction.old_value());
  const std::optional<double> now = StateValue(*field, correction.new_value());
  if (!old || !now) return Folded::kNo;
  if (body == pb::Event::kQcResult && correction.field_path() == "value") {
    return CorrectTest(state, profile, event_id, *now);
  }
  const std::string& path = correction.field_path();
  if (IsContainersVolume(body, path)) {
    return CorrectVolume(state, profile, {body, event_id, path, *old, *now});
  }
  const pb::StepRecord* last = FindStep(state, body);
  if (last == nullptr || last->event_id() != event_id) return Folded::kNo;
  const std::optional<Slot> slot = SlotOf(state, body, path, *old);
  if (!slot) return Folded::kNo;
  const double known = slot->get();
  if (std::abs(known - *old) > 1e-9 * std::abs(known)) return Folded::kOther;
  slot->set(*now);
  return Folded::kYes;
}

}  // namespace custody
