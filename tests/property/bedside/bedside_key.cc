// The state is written field by field into one buffer, without a copy of it: what is in no row
// below is written as it stands, so that a new field tells moments apart until somebody says why it
// should not.
#include "tests/property/bedside/bedside_key.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// How a field is written.
enum class Part {
  kWhole,
  kSkip,
  kAge,    // a time whose age is asked for, in units
  kTime,   // any other: likewise where something may be told of a time before, else whether
  kThere,  // a time or the id of an event: whether there is one
  kOpen,   // a list of holds or quarantines: the open ones, in whatever order they were opened
  kOrders,
  kSome,   // a list: whether it has any
  kSet,    // a list of numbers: each once
  kGiven,  // a volume: what was given beyond what was filled is as if all was
};

const std::unordered_map<std::string, Part>& Special() {
  static const std::unordered_map<std::string, Part> special = {
      // Told to people, and asked by nothing that judges a step of the way.
      {"TherapyState.steps", Part::kSkip},
      {"TherapyState.deviations", Part::kSkip},  // but whether a critical one is open
      {"TherapyState.timers", Part::kSkip},
      {"TherapyState.alert_sources", Part::kSkip},
      {"TherapyState.alerts_seen", Part::kSkip},
      {"TherapyState.near_misses", Part::kSkip},
      {"TherapyState.attestations", Part::kSkip},
      {"TherapyState.corrections", Part::kSkip},
      {"TherapyState.downtime", Part::kSkip},
      {"TherapyState.state", Part::kSkip},
      // Of the chain, which every letter fits to.
      {"TherapyState.length", Part::kSkip},
      {"TherapyState.head", Part::kSkip},
      {"TherapyState.index", Part::kSkip},
      {"TherapyState.updated_us", Part::kSkip},
      {"Holding.since_us", Part::kSkip},
      {"Holding.person", Part::kSkip},
      {"Grant.index", Part::kSkip},
      {"Grant.used_by", Part::kSome},
      {"TherapyState.holds", Part::kOpen},
      {"Hold.id", Part::kSkip},
      {"TherapyState.quarantines", Part::kOpen},
      {"Quarantine.id", Part::kSkip},
      {"TherapyState.orders", Part::kOrders},
      {"Container.stays", Part::kSkip},
      {"Container.removed_us", Part::kThere},
      {"Container.infusion_started_us", Part::kThere},
      {"Container.infusion_ended_us", Part::kThere},
      {"TherapyState.first_infused_us", Part::kThere},
      {"TherapyState.last_infused_us", Part::kThere},
      {"BedsidePass.at_us", Part::kAge},
      {"Container.thaw_started_us", Part::kAge},
      {"Container.thaw_completed_us", Part::kAge},
      {"PatientCondition.preinfusion_us", Part::kAge},
      {"PatientCondition.baseline_us", Part::kAge},
      {"PatientCondition.baseline_temp_us", Part::kAge},
      {"PatientCondition.baseline_bp_us", Part::kAge},
      {"PatientCondition.baseline_hr_us", Part::kAge},
      {"PatientCondition.baseline_rr_us", Part::kAge},
      {"PatientCondition.baseline_spo2_us", Part::kAge},
      {"Grant.expires_us", Part::kAge},
      {"Container.thawed_by", Part::kSet},
      {"Container.infused_ml", Part::kGiven},
      {"BedsidePass.wristband", Part::kWhole}};
  return special;
}

Part PartOf(const FieldDescriptor& field) {
  const auto& special = Special();
  const auto found = special.find(field.containing_type()->name() + "." + field.name());
  if (found != special.end()) return found->second;
  const bool micros = field.name().ends_with("_us") && !field.is_repeated();
  if (micros && field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) return Part::kTime;
  return field.type() == FieldDescriptor::TYPE_BYTES ? Part::kThere : Part::kWhole;
}

// By the field's index in its message.
const std::vector<Part>& PartsOf(const Descriptor* message) {
  static std::unordered_map<const Descriptor*, std::vector<Part>> known;
  std::vector<Part>& parts = known[message];
  for (int i = static_cast<int>(parts.size()); i < message->field_count(); ++i) {
    parts.push_back(PartOf(*message->field(i)));
  }
  return parts;
}

// Times in units that a wait is a whole number of and a letter a small part. All limits of rules
// and oracle lie between the ages that whole waits and the lags of late entries can make, so within
// a unit only the order counts, and what is told next is always later than what was told.
constexpr std::int64_t kUnit = 4 * kMicrosPerMinute;

std::int64_t Age(std::int64_t at, std::int64_t ready) {
  if (at == 0) return 0;
  const std::int64_t micros = at - ready + 1'000 * kUnit;
  return micros < kUnit ? 1 : micros / kUnit;
}

class Writer {
 public:
  Writer(std::int64_t ready, bool late) : ready_(ready), late_(late) {}

  void Write(const Message& message) {
    const Reflection* reflection = message.GetReflection();
    const std::vector<Part>& parts = PartsOf(message.GetDescriptor());
    std::vector<const FieldDescriptor*> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      const Part part = parts[static_cast<std::size_t>(field->index())];
      if (part == Part::kSkip) continue;
      if (part != Part::kOpen) Raw(field->number());
      if (field->is_repeated()) {
        WriteList(message, *reflection, field, part);
      } else {
        WriteOne(message, *reflection, field, part);
      }
    }
    Raw(-1);
  }
  void Text(const std::string& text) {
    Raw(static_cast<std::int64_t>(text.size()));
    bytes_ += text;
  }
  void Raw(std::int64_t value) {  // a byte where it fits in one
    if (value >= -1 && value < 250) return bytes_.push_back(static_cast<char>(value + 1));
    bytes_.push_back('\xff');
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void WriteOne(const Message& message, const Reflection& reflection, const FieldDescriptor* field,
                Part part) {
    if (part == Part::kThere || (part == Part::kTime && !late_)) return;
    if (part == Part::kTime || part == Part::kAge) {
      return Raw(Age(reflection.GetInt64(message, field), ready_));
    }
    if (part == Part::kGiven) {
      const auto& bag = static_cast<const pb::Container&>(message);
      return Real(std::min(bag.infused_ml(), bag.volume_ml()));
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Write(reflection.GetMessage(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return Text(reflection.GetStringReference(message, field, &scratch_));
      case FieldDescriptor::CPPTYPE_BOOL:
        return Raw(reflection.GetBool(message, field) ? 1 : 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return Raw(reflection.GetEnumValue(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Real(reflection.GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return Raw(reflection.GetInt64(message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Raw(static_cast<std::int64_t>(reflection.GetUInt64(message, field)));
      case FieldDescriptor::CPPTYPE_INT32:
        return Raw(reflection.GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return Raw(reflection.GetUInt32(message, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Real(reflection.GetFloat(message, field));
    }
  }

  void WriteList(const Message& message, const Reflection& reflection, const FieldDescriptor* field,
                 Part part) {
    const int size = reflection.FieldSize(message, field);
    if (part == Part::kSome) return;
    if (part == Part::kOpen || part == Part::kOrders) {
      const auto& state = static_cast<const pb::TherapyState&>(message);
      if (part == Part::kOrders) return WriteOrders(state.orders());
      const bool holds = field->number() == pb::TherapyState::kHoldsFieldNumber;
      return holds ? WriteOpen(field->number(), state.holds())
                   : WriteOpen(field->number(), state.quarantines());
    }
    if (part == Part::kSet) {
      std::set<std::uint32_t> once;
      for (int i = 0; i < size; ++i) once.insert(reflection.GetRepeatedUInt32(message, field, i));
      Raw(static_cast<std::int64_t>(once.size()));
      for (const std::uint32_t one : once) Raw(one);
      return;
    }
    Raw(size);
    for (int i = 0; i < size && part != Part::kThere; ++i) {
      WriteElement(message, reflection, field, i);
    }
  }
  void WriteElement(const Message& message, const Reflection& reflection,
                    const FieldDescriptor* field, int i) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Write(reflection.GetRepeatedMessage(message, field, i));
      case FieldDescriptor::CPPTYPE_STRING:
        return Text(reflection.GetRepeatedStringReference(message, field, i, &scratch_));
      case FieldDescriptor::CPPTYPE_BOOL:
        return Raw(reflection.GetRepeatedBool(message, field, i) ? 1 : 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return Raw(reflection.GetRepeatedEnumValue(message, field, i));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Real(reflection.GetRepeatedDouble(message, field, i));
      case FieldDescriptor::CPPTYPE_INT64:
        return Raw(reflection.GetRepeatedInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Raw(static_cast<std::int64_t>(reflection.GetRepeatedUInt64(message, field, i)));
      case FieldDescriptor::CPPTYPE_INT32:
        return Raw(reflection.GetRepeatedInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return Raw(reflection.GetRepeatedUInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Real(reflection.GetRepeatedFloat(message, field, i));
    }
  }

  // The bytes of `message` alone.
  std::string Apart(const Message& message) {
    const std::size_t begin = bytes_.size();
    Write(message);
    std::string apart = bytes_.substr(begin);
    bytes_.resize(begin);
    return apart;
  }
  // Of those alike two stand for all: one may be cleared, and another is left. Where none is open
  // it is as if there had never been one.
  template <class List>
  void WriteOpen(int number, const List& list) {
    std::multiset<std::string> open;
    for (const auto& one : list) {
      if (!one.open()) continue;
      std::string text = Apart(one);
      if (open.count(text) < 2) open.insert(std::move(text));
    }
    if (open.empty()) return;
    Raw(number);
    for (const std::string& text : open) Text(text);
    Raw(-1);
  }
  // Those that stand in their order; of those that ended the last of each number, in any order.
  void WriteOrders(const google::protobuf::RepeatedPtrField<pb::InfusionOrder>& orders) {
    std::set<std::string> ended;
    for (int i = 0; i < orders.size(); ++i) {
      const pb::InfusionOrder& order = orders.Get(i);
      if (order.open()) {
        Write(order);
        continue;
      }
      const bool last = std::none_of(
          orders.begin() + i + 1, orders.end(),
          [&](const pb::InfusionOrder& later) { return later.order() == order.order(); });
      if (last) ended.insert(Apart(order));
    }
    for (const std::string& text : ended) Text(text);
    Raw(-1);
  }
  void Real(double value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }

  const std::int64_t ready_;
  const bool late_;
  std::string bytes_;
  std::string scratch_;
};

}  // namespace

Hash KeyOf(const Moment& moment, std::size_t therapy, std::int64_t ready, bool late) {
  const pb::TherapyState& state = *moment.states[therapy];
  Writer writer(ready, late);
  writer.Raw(moment.waits);
  writer.Raw(moment.waited / kUnit);
  const bool critical = std::ranges::any_of(
      state.deviations(), [](const pb::Deviation& d) { return d.open() && d.critical(); });
  writer.Raw(critical ? 1 : 0);
  writer.Write(state);
  const auto age = [&](std::int64_t at) { return Age(at, ready); };
  const auto told = [&](std::int64_t at) { return late ? age(at) : at == 0 ? 0 : 1; };
  return Sha256({writer.bytes(), moment.oracles[therapy]->Key(age, told)});
}

}  // namespace custody
