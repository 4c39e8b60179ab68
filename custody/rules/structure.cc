// What is refused in every entry mode: clocks, two people, enrolment first, facility numbers; and
// the usual and specified ranges of what people enter.
#include <algorithm>
#include <set>
#include <utility>

#include "custody/body_plan.h"
#include "custody/event.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::int64_t kWarnSkew = 30 * kMicrosPerSecond;
constexpr std::int64_t kLiveStep = 15 * kMicrosPerMinute;
// The identifier that many share.
constexpr std::string_view kBirthDate = "dob";

// Who made an own check and when, as the body says.
std::vector<std::pair<std::string, std::int64_t>> CheckedAt(const pb::Event& event) {
  std::vector<std::pair<std::string, std::int64_t>> checked;
  const auto take = [&](const auto& list) {
    for (const auto& own : list) checked.emplace_back(own.person(), Micros(own.at()));
  };
  switch (event.body_case()) {
    case pb::Event::kPatientEnrolled:
      take(event.patient_enrolled().readings());
      break;
    case pb::Event::kPatientIdentifierAdded:
      take(event.patient_identifier_added().readings());
      break;
    case pb::Event::kPatientIdentifierRetired:
      take(event.patient_identifier_retired().readings());
      break;
    case pb::Event::kApheresisStarted:
      take(event.apheresis_started().checks());
      break;
    case pb::Event::kPrethawIdVerified:
      take(event.prethaw_id_verified().checks());
      break;
    case pb::Event::kBedsideIdVerified:
      take(event.bedside_id_verified().checks());
      break;
    default:
      break;
  }
  return checked;
}

// The process default is judged with authority; a profile may ask for less.
void CheckPresence(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::uint32_t minutes = c.profile == nullptr ? 0 : c.profile->validity().presence();
  if (minutes == 0 || minutes >= Defaults::kPresenceMinutes) return;
  std::int64_t first = 0;
  std::int64_t last = 0;
  for (const pb::Signer& signer : c.effective.signers()) {
    const std::int64_t at = Micros(signer.identified_at());
    first = first == 0 ? at : std::min(first, at);
    last = std::max(last, at);
  }
  if (last - first <= minutes * kMicrosPerMinute) return;
  Structure(c, rule, v,
            {"both people present within " + std::to_string(minutes) + " min, as the product asks",
             Span(last - first) + " apart", "both do their checks again, together"});
}

// Who signs live has identified themselves for it, not some day.
void CheckIdentified(const pb::Event& event, const Case& c, const Rule& rule, pb::Verdict& v) {
  if (event.entry() != pb::LIVE) return;
  for (const pb::Signer& signer : event.signers()) {
    const std::int64_t age = Micros(event.signed_at()) - Micros(signer.identified_at());
    if (age <= kMicrosPerDay) continue;
    Structure(c, rule, v,
              {"signers identified at most 24 h before they sign live",
               "identified " + Span(age) + " before", "identify yourself again, then sign",
               signer.person()});
  }
}

void CheckOwnChecks(const Case& c, const Rule& rule, pb::Verdict& v,
                    const std::vector<StepPerson>& people) {
  std::vector<std::string> checkers;
  for (const auto& [person, at] : CheckedAt(c.effective)) checkers.push_back(person);
  const std::set<std::string> different(checkers.begin(), checkers.end());
  if (different.size() < 2 || different.size() != checkers.size()) {
    Structure(c, rule, v,
              {"an own check by each of two people", "checks by " + List(checkers),
               "each person scans for themselves"});
  }
  for (const std::string& who : different) {
    const bool took_part =
        std::ranges::any_of(people, [&](const StepPerson& person) { return person.person == who; });
    if (took_part) continue;
    Structure(c, rule, v,
              {"checks by those who sign the step", "a check by " + who,
               "let the person who checked sign", who});
  }
}

// Each check was made by its person for this step, and both together (R04).
void CheckTimes(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto checked = CheckedAt(c.effective);
  if (checked.empty()) return;
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().presence();
  const std::int64_t apart = Tightened(Defaults::kPresenceMinutes, stated) * kMicrosPerMinute;
  std::int64_t first = checked.front().second;
  std::int64_t last = first;
  for (const auto& [person, at] : checked) {
    first = std::min(first, at);
    last = std::max(last, at);
    if (IsFresh(c, at, kLiveStep)) continue;
    Structure(c, rule, v,
              {"own checks made for this step, at most 15 min before it",
               person + " checked " + Span(At(c) - at) + " before it", "check again now", person});
  }
  if (last - first <= apart) return;
  Structure(c, rule, v,
            {"both checks within " + Span(apart), Span(last - first) + " apart",
             "both check again, together"});
}

// Numbers at the end of a way through a body.
void NumbersAt(const Message& message, const std::vector<const FieldDescriptor*>& way,
               std::size_t depth, std::vector<double>& out) {
  const FieldDescriptor* field = way[depth];
  const auto* reflection = message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (depth + 1 == way.size()) return;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        NumbersAt(reflection->GetRepeatedMessage(message, field, i), way, depth + 1, out);
      }
    } else if (reflection->HasField(message, field)) {
      NumbersAt(reflection->GetMessage(message, field), way, depth + 1, out);
    }
    return;
  }
  if (field->is_repeated() || !reflection->HasField(message, field)) return;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return out.push_back(reflection->GetDouble(message, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return out.push_back(reflection->GetInt32(message, field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return out.push_back(reflection->GetUInt32(message, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return out.push_back(static_cast<double>(reflection->GetInt64(message, field)));
    case FieldDescriptor::CPPTYPE_UINT64:
      return out.push_back(static_cast<double>(reflection->GetUInt64(message, field)));
    default:
      return;
  }
}

std::string Bounds(bool has_min, double min, bool has_max, double max, const std::string& unit) {
  const std::string with_unit = unit.empty() ? "" : " " + unit;
  if (has_min && has_max) return Number(min) + " to " + Number(max) + with_unit;
  return has_min ? "at least " + Number(min) + with_unit : "at most " + Number(max) + with_unit;
}

// Who may read a value: as its field says, or else its body.
pb::FieldClass ClassOf(const BodyPlan& plan, const pb::FieldRule* field) {
  const bool own = field->field_class() != pb::FIELD_CLASS_UNSPECIFIED;
  return own ? field->field_class() : plan.rule->field_class();
}

void CheckSpecified(const Case& c, const Rule& rule, pb::Verdict& v, const Message& body,
                    std::string_view name) {
  for (const pb::SpecifiedRange& range : c.profile->ranges()) {
    const std::string& path = range.field();
    if (!path.starts_with(name) || path.size() <= name.size() || path[name.size()] != '.') continue;
    std::vector<const FieldDescriptor*> way;
    const google::protobuf::Descriptor* type = body.GetDescriptor();
    std::size_t from = name.size() + 1;
    while (type != nullptr && from <= path.size()) {
      const std::size_t dot = std::min(path.find('.', from), path.size());
      const FieldDescriptor* field = type->FindFieldByName(path.substr(from, dot - from));
      if (field == nullptr) break;
      way.push_back(field);
      type = field->message_type();
      from = dot + 1;
    }
    if (way.empty() || from <= path.size()) continue;  // the profile names no field of this schema
    std::vector<double> values;
    NumbersAt(body, way, 0, values);
    for (const double value : values) {
      const bool low = range.has_min() && value < range.min();
      const bool high = range.has_max() && value > range.max();
      if (!low && !high) continue;
      const std::string& unit = RuleOfField(*way.back()).unit();
      Deviation(c, rule, v,
                {"as the product specifies: " +
                     Bounds(range.has_min(), range.min(), range.has_max(), range.max(), unit),
                 Number(value), "quality decides what follows from it", path,
                 ClassOf(PlanOf(c.effective), &RuleOfField(*way.back()))},
                false);
    }
  }
}

}  // namespace

// R01, R02 and R45 are judged before the rules: authority and environments against the registry,
// links against the chain.
void JudgedElsewhere(const Case&, const Rule&, pb::Verdict&) {}

void ClockRight(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::int64_t received = c.place.received_at.micros;
  const std::int64_t signed_at =
      std::max(Micros(c.event.event.signed_at()), Micros(c.effective.signed_at()));
  if (signed_at > received + kMaxClockAheadMicros) {
    Structure(c, rule, v,
              {"signed at most 2 min ahead of the ledger's clock",
               Span(signed_at - received) + " ahead", "check the clock of the station"});
  } else if (signed_at > received + kWarnSkew) {
    Note(c, rule, v,
         {"the station's clock within 30 s of the ledger's",
          std::to_string((signed_at - received) / kMicrosPerSecond) + " s ahead",
          "check the clock of the station"});
  }
  // Whoever saw the event before this one recorded signs after that, by a clock that is right. Both
  // may have waited in an outbox, so it is no more than worth a look.
  const std::int64_t before = c.therapy.updated_us();
  if (before != 0 && Micros(c.event.event.signed_at()) < before - kWarnSkew) {
    Note(c, rule, v,
         {"signed after the event before it was recorded, or both while the server was away",
          "signed " +
              std::to_string((before - Micros(c.event.event.signed_at())) / kMicrosPerSecond) +
              " s before that",
          "if the station was online, its clock is behind: have it set right"});
  }
  CheckIdentified(c.event.event, c, rule, v);
  if (c.event.original) CheckIdentified(c.effective, c, rule, v);
  if (c.effective.entry() != pb::LIVE) return;
  const bool step = PlanOf(c.effective).rule->kind() == pb::GATED_STEP;
  const std::int64_t allowed = step ? kLiveStep : kMicrosPerDay;
  const std::int64_t age = Micros(c.effective.signed_at()) - At(c);
  if (age > allowed) {
    Structure(
        c, rule, v,
        {std::string(step ? "a live step signed at most 15 min" : "live, signed at most 24 h") +
             " after it happened",
         "signed " + Span(age) + " after it",
         "enter it as LATE, with the reason and a second person who checks"});
  }
}

// That there are two, in role, is judged with authority; here is what each of them did.
void TwoPeople(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::EventRule& event = *PlanOf(c.effective).rule;
  if (event.two_person() && c.effective.entry() == pb::LIVE) CheckPresence(c, rule, v);
  if (event.own_checks()) CheckOwnChecks(c, rule, v, PeopleOf(c.effective));
  if (event.own_checks()) CheckTimes(c, rule, v);
}

void Ranges(const Case& c, const Rule& rule, pb::Verdict& v) {
  const BodyPlan& plan = PlanOf(c.effective);
  if (plan.body == nullptr || (plan.usual.empty() && c.profile == nullptr)) return;
  const Message& body = c.effective.GetReflection()->GetMessage(c.effective, plan.body);
  std::vector<double> values;
  for (const PlannedField& field : plan.usual) {
    values.clear();
    NumbersAt(body, field.way, 0, values);
    for (const double value : values) {
      const bool low = field.rule->has_usual_min() && value < field.rule->usual_min();
      const bool high = field.rule->has_usual_max() && value > field.rule->usual_max();
      if (!low && !high) continue;
      Note(c, rule, v,
           {"usually " + Bounds(field.rule->has_usual_min(), field.rule->usual_min(),
                                field.rule->has_usual_max(), field.rule->usual_max(),
                                field.rule->unit()),
            Number(value), "look again; if it is right, confirm it", field.path,
            ClassOf(plan, field.rule)});
    }
  }
  if (c.profile != nullptr) CheckSpecified(c, rule, v, body, plan.name);
  JudgeFilling(c, rule, v);
}

namespace {

// The identifier of this patient that a commitment is; null when it is none that counts.
const pb::KnownIdentifier* Known(const Case& c, std::string_view commitment) {
  for (const pb::KnownIdentifier& known : c.therapy.identity()) {
    if (!known.retired() && known.value() == commitment) return &known;
  }
  return nullptr;
}

// Later identifiers hang on the first ones: each of the two people read what identifies the patient
// already, and, for a new one, the new one too. A birth date alone is no hook: many share it, and
// the number of another patient would be this one's from then on.
template <class Body>
void JudgeReadings(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body, bool added) {
  std::set<std::string> changed;
  for (const pb::IdentifierCommitment& id : body.identifiers()) changed.insert(id.commitment());
  for (const pb::IdentityReading& reading : body.readings()) {
    std::set<std::string> known;
    std::set<std::string> read;
    bool own = false;  // one that tells patients apart
    for (const pb::IdentifierCommitment& id : reading.identifiers()) {
      read.insert(id.commitment());
      const pb::KnownIdentifier* one = Known(c, id.commitment());
      if (one == nullptr || changed.contains(id.commitment())) continue;
      known.insert(id.commitment());
      own = own || one->type() != kBirthDate;
    }
    const bool sound = added ? own && std::ranges::includes(read, changed) : known.size() >= 2;
    if (sound) continue;
    const bool born = added && !own && !known.empty();
    Structure(
        c, rule, v,
        {added ? "an identifier that is known, other than the birth date, and the new one, "
                 "read by each person"
               : "two identifiers that remain, read by each person",
         born ? "only the birth date is known of what " + reading.person() + " read"
              : std::to_string(known.size()) + " known identifier(s) read by " + reading.person(),
         "both read from the patient again", reading.person()});
  }
}

}  // namespace

void Enrolled(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.therapy.enrolled() && c.effective.has_patient_identifier_added()) {
    return JudgeReadings(c, rule, v, c.effective.patient_identifier_added(), true);
  }
  if (c.therapy.enrolled() && c.effective.has_patient_identifier_retired()) {
    return JudgeReadings(c, rule, v, c.effective.patient_identifier_retired(), false);
  }
  if (Body(c) != pb::Event::kPatientEnrolled) {
    if (c.therapy.enrolled()) return;
    Structure(c, rule, v,
              {"the patient enrolled by two people before anything else", "no enrolment",
               "record PATIENT_ENROLLED first"});
    return;
  }
  if (c.therapy.enrolled()) {
    Structure(c, rule, v,
              {"one enrolment in a therapy", "the patient is enrolled already",
               "record PATIENT_IDENTIFIER_ADDED for what is new"});
  }
  const pb::PatientEnrolled& body = c.effective.patient_enrolled();
  std::set<std::string> stated;
  std::set<std::string> unread;
  bool own = false;  // one that tells patients apart: many are born on the same day
  for (const pb::IdentifierCommitment& id : body.identifiers()) {
    stated.insert(id.commitment());
    own = own || id.type() != kBirthDate;
  }
  unread = stated;
  for (const pb::IdentityReading& reading : body.readings()) {
    for (const pb::IdentifierCommitment& id : reading.identifiers()) unread.erase(id.commitment());
  }
  if (!unread.empty() || !own) {
    Structure(c, rule, v,
              {"identifiers that somebody read, more than a birth date",
               std::to_string(unread.size()) + " of them read by nobody",
               "enrol what was read from the patient"});
  }
  if (stated.size() < 2) {
    Structure(c, rule, v,
              {"at least two identifiers of the patient", std::to_string(stated.size()),
               "read a second independent identifier"});
  }
  for (const pb::IdentityReading& reading : body.readings()) {
    std::set<std::string> read;
    for (const pb::IdentifierCommitment& id : reading.identifiers()) read.insert(id.commitment());
    if (read.size() >= 2 && std::ranges::includes(stated, read)) continue;
    Structure(c, rule, v,
              {"two identifiers read by each person, equal to those enrolled",
               "what " + reading.person() + " read differs", "both read again from the patient",
               reading.person()});
  }
}

}  // namespace custody::rules
