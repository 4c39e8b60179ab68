// Rows 36 to 41: readings, what grades of toxicity are computed from, the grades that people
// attest, and what was given and decided against it. And whatever anybody graded 5.
#include <algorithm>
#include <optional>

#include "custody/fold/fold.h"
#include "custody/grading.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

// More of them are no therapy; what a machine repeats does not make the fold grow.
constexpr int kMostDoses = 64;
constexpr int kMostFevers = 64;
constexpr int kMostFatal = 16;
constexpr const char* kReaction = "infusion reaction";
constexpr double kLowSystolic = 90;  // mmHg: the physician is asked about hypotension

bool Tried(const pb::VitalSigns& vitals, pb::VitalSign sign) {
  return std::ranges::find(vitals.not_recordable(), sign) != vitals.not_recordable().end();
}

// Each of the five signs is as old as its last reading; "not recordable" is an answer.
void TakeVitals(pb::PatientCondition* condition, const pb::VitalSigns& vitals, std::int64_t now) {
  const std::int64_t at = Micros(vitals.at());
  if (at > now) return;  // a slip of the pen: nobody measures tomorrow's pulse
  if (vitals.has_temperature_c() || Tried(vitals, pb::VITAL_TEMPERATURE)) {
    condition->set_baseline_temp_us(std::max(condition->baseline_temp_us(), at));
  }
  const bool systolic = vitals.has_systolic_mmhg() || Tried(vitals, pb::VITAL_SYSTOLIC);
  const bool diastolic = vitals.has_diastolic_mmhg() || Tried(vitals, pb::VITAL_DIASTOLIC);
  if (systolic && diastolic) {
    condition->set_baseline_bp_us(std::max(condition->baseline_bp_us(), at));
  }
  if (vitals.has_heart_rate() || Tried(vitals, pb::VITAL_HEART_RATE)) {
    condition->set_baseline_hr_us(std::max(condition->baseline_hr_us(), at));
  }
  if (vitals.has_respiratory_rate() || Tried(vitals, pb::VITAL_RESPIRATORY_RATE)) {
    condition->set_baseline_rr_us(std::max(condition->baseline_rr_us(), at));
  }
  if (vitals.has_spo2_percent() || Tried(vitals, pb::VITAL_SPO2)) {
    condition->set_baseline_spo2_us(std::max(condition->baseline_spo2_us(), at));
  }
  condition->set_baseline_us(std::min({condition->baseline_temp_us(), condition->baseline_bp_us(),
                                       condition->baseline_hr_us(), condition->baseline_rr_us(),
                                       condition->baseline_spo2_us()}));
  condition->set_last_observation_us(std::max(condition->last_observation_us(), at));
}

// The first fever after an infusion is what the physician is told of (R43), after each dose anew;
// every fever that CRS may explain counts for its grade.
void TakeFever(Folding& f, const pb::VitalSigns& vitals, std::int64_t now, bool other_cause) {
  const std::int64_t at = Micros(vitals.at());
  const std::int64_t infused = f.state.first_infused_us();
  if (at > now || infused == 0 || at < infused || vitals.temperature_c() < kFeverCelsius) return;
  pb::PatientCondition* condition = f.state.mutable_condition();
  const std::int64_t last_dose = f.state.last_infused_us();
  const bool told = condition->fever_us() != 0;
  if (!told || (condition->fever_us() < last_dose && at >= last_dose)) {
    condition->set_fever_us(at);
    condition->set_fever_event(f.event_id);
  }
  if (other_cause) return;
  auto& febrile = *condition->mutable_febrile();
  febrile = WithSpan(febrile, at, at + kInputMicros);
  if (febrile.size() > kMostFevers) febrile.DeleteSubrange(0, 1);
}

void TakeOxygen(pb::PatientCondition* condition, int device, std::int64_t at, bool not_crs) {
  if (device == pb::O2_UNSPECIFIED || at < condition->oxygen_us()) return;
  condition->set_oxygen(static_cast<std::uint32_t>(device));
  condition->set_oxygen_us(at);
  condition->set_oxygen_not_crs(not_crs);
}

void AddVasopressor(pb::PatientCondition* condition, int vasopressor) {
  const auto kind = static_cast<std::uint32_t>(vasopressor);
  const auto& running = condition->vasopressors();
  if (kind != 0 && std::ranges::find(running, kind) == running.end()) {
    condition->add_vasopressors(kind);
  }
}

// What the reading says of pressure and oxygen, unless something later is known.
void TakeSupport(pb::PatientCondition* condition, const pb::Observation& reading,
                 std::int64_t now) {
  const std::int64_t at = Micros(reading.vitals().at());
  if (at > now) return;
  const auto flow = reading.has_oxygen_flow_l_per_min()
                        ? std::optional<double>(reading.oxygen_flow_l_per_min())
                        : std::nullopt;
  TakeOxygen(condition, OxygenByFlow(reading.oxygen(), flow), at,
             reading.oxygen_not_crs() == pb::YES);
  if (at >= condition->vasopressors_us()) {
    condition->clear_vasopressors();
    for (const int kind : reading.vasopressors()) AddVasopressor(condition, kind);
    condition->set_vasopressors_us(at);
    condition->set_vasopressors_not_crs(reading.vasopressors_not_crs() == pb::YES);
  }
  if (reading.hypotension() != pb::ANSWER_UNSPECIFIED && at >= condition->hypotension_us()) {
    condition->set_hypotension(reading.hypotension() == pb::YES);
    condition->set_hypotension_us(at);
  }
  if (reading.masked() == pb::YES) condition->set_masked_us(std::max(condition->masked_us(), at));
  const bool helped = reading.oxygen() > pb::O2_NONE || !reading.vasopressors().empty();
  if (helped) condition->set_relieved_us(std::max(condition->relieved_us(), at));
  const bool low =
      reading.vitals().has_systolic_mmhg() && reading.vitals().systolic_mmhg() < kLowSystolic;
  if (low) condition->set_low_systolic_us(std::max(condition->low_systolic_us(), at));
}

void Observed(Folding& f, const pb::ObservationsRecorded& body) {
  const std::int64_t now = Micros(f.event.signed_at());
  for (const pb::Observation& reading : body.observations()) {
    TakeVitals(f.state.mutable_condition(), reading.vitals(), now);
    TakeFever(f, reading.vitals(), now, reading.fever_other_cause() == pb::YES);
    TakeSupport(f.state.mutable_condition(), reading, now);
  }
}

void TakeIce(Folding& f, const pb::IceRecorded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const std::int64_t at = Micros(body.at());
  if (at > Micros(f.event.signed_at()) || at < condition->last_ice_us()) return;
  condition->set_last_ice_us(at);
  pb::NeuroFindings* found = condition->mutable_neuro();
  found->Clear();
  found->set_at_us(at);
  const std::optional<std::uint32_t> sum = IceTotal(body);
  if (sum || body.has_total()) found->set_ice(sum ? *sum : body.total());
  if (body.has_capd()) found->set_capd(body.capd());
  found->set_not_performable(body.not_performable() == pb::YES);
  found->set_consciousness(static_cast<std::uint32_t>(body.consciousness()));
  found->set_seizure(static_cast<std::uint32_t>(body.seizure()));
  found->set_motor(static_cast<std::uint32_t>(body.motor()));
  found->set_oedema(static_cast<std::uint32_t>(body.oedema()));
  found->set_other_cause(body.other_cause() == pb::YES);
  for (const int domain : body.explained()) {
    found->add_explained(static_cast<std::uint32_t>(domain));
  }
}

template <class Body>
bool Open(const Body& body) {
  return body.grade() > 0 && Micros(body.resolved_at()) == 0;
}

// The last word on one thing: grade 5 is death by it, anything less takes that back.
void TakeFatal(Folding& f, const std::string& what, std::uint32_t grade) {
  auto* fatal = f.state.mutable_condition()->mutable_fatal_grades();
  const auto known = std::ranges::find(*fatal, what, &pb::FatalGrade::what);
  if (known != fatal->end()) {
    if (grade == kDeathGrade || f.at < known->said_us()) return;
    fatal->erase(known);
  } else if (grade == kDeathGrade && fatal->size() < kMostFatal) {
    pb::FatalGrade* said = fatal->Add();
    said->set_what(what);
    said->set_said_us(f.at);
  }
}

// Somebody has to decide about intensive care (R44) when a grade becomes severe, or worse still:
// unless the patient is there, or somebody just has decided. A grade that is none any more asks
// nothing.
void AskForCare(Folding& f, pb::Toxicity toxicity, std::int64_t graded, std::uint32_t before,
                std::uint32_t now) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  auto* open = condition->mutable_care_decisions();
  if (now < kSevereGrade) {
    const auto of = [&](const pb::CareDecision& d) {
      return static_cast<int>(d.toxicity()) == toxicity;
    };
    EraseIf(open, of);
    return;
  }
  const bool worse = before < kSevereGrade || now > before;
  if (!worse || now == kDeathGrade) return;
  const std::int64_t latest = graded + kDecideMicros;
  const bool there = condition->icu_us() != 0 && condition->icu_us() <= latest;
  const bool decided = condition->icu_decided_us() + kMaxClockAheadMicros >= graded &&
                       condition->icu_decided_us() <= latest;
  if (there || decided) return;
  pb::CareDecision* asked = open->Add();
  asked->set_event_id(f.event_id);
  asked->set_graded_us(graded);
  asked->set_toxicity(static_cast<std::uint32_t>(toxicity));
  // A grade that is told late asks from then on.
  asked->set_due_us(std::max(graded, f.place.received_at.micros) + kDecideMicros);
}

// Nobody stays in intensive care for what has ended.
void LeaveCare(pb::PatientCondition* condition) {
  if (!condition->crs_open() && !condition->icans_open()) condition->clear_icu_us();
}

void CrsGraded(Folding& f, const pb::CrsGraded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const auto grade = static_cast<std::int32_t>(body.grade());
  condition->set_crs_max(std::max(condition->crs_max(), grade));
  if ((!Open(body) && !f.own) || !Counts(f, condition->crs_said_us(), !Open(body))) return;
  condition->set_crs_said_us(std::max(condition->crs_said_us(), f.at));
  const bool was_open = condition->crs_open();
  const auto before = static_cast<std::uint32_t>(was_open ? condition->crs_grade() : 0);
  const std::int64_t at = Micros(body.at());
  AskForCare(f, pb::TOXICITY_CRS, at, before, Open(body) ? body.grade() : 0);
  condition->set_crs_grade(grade);
  condition->set_crs_open(Open(body));
  LeaveCare(condition);
  const bool helped = body.oxygen() > pb::O2_NONE || !body.vasopressors().empty();
  if (helped) condition->set_relieved_us(std::max(condition->relieved_us(), at));
  if (!Open(body)) {
    condition->clear_crs_worst();
    return condition->clear_crs_onset_us();
  }
  condition->set_crs_worst(was_open ? std::max(condition->crs_worst(), grade) : grade);
  const std::int64_t stated = Micros(body.onset_at());
  const std::int64_t onset = stated == 0 ? at : std::min(stated, at);
  condition->set_crs_onset_us(was_open ? Earliest(condition->crs_onset_us(), onset) : onset);
}

void IcansGraded(Folding& f, const pb::IcansGraded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const auto grade = static_cast<std::int32_t>(body.grade());
  condition->set_icans_max(std::max(condition->icans_max(), grade));
  if ((!Open(body) && !f.own) || !Counts(f, condition->icans_said_us(), !Open(body))) return;
  condition->set_icans_said_us(std::max(condition->icans_said_us(), f.at));
  const bool was_open = condition->icans_open();
  const auto before = static_cast<std::uint32_t>(was_open ? condition->icans_grade() : 0);
  const std::int64_t at = Micros(body.at());
  AskForCare(f, pb::TOXICITY_ICANS, at, before, Open(body) ? body.grade() : 0);
  condition->set_icans_grade(grade);
  condition->set_icans_open(Open(body));
  LeaveCare(condition);
  if (!Open(body)) {
    condition->clear_icans_worst();
    return condition->clear_icans_onset_us();
  }
  condition->set_icans_worst(was_open ? std::max(condition->icans_worst(), grade) : grade);
  const std::int64_t stated = Micros(body.onset_at());
  const std::int64_t onset = stated == 0 ? at : std::min(stated, at);
  condition->set_icans_onset_us(was_open ? Earliest(condition->icans_onset_us(), onset) : onset);
}

// Whether what was said then still counts.
bool IsRecent(std::int64_t said_us, std::int64_t at) { return at - said_us <= kInputMicros; }

// Which one a text names; another one when it names none of the known.
int VasopressorCalled(const std::string& drug) {
  for (int kind = pb::VASOPRESSOR_NOREPINEPHRINE; kind < pb::VASOPRESSOR_OTHER; ++kind) {
    const auto* value = pb::Vasopressor_descriptor()->FindValueByNumber(kind);
    if (Lower(value->options().GetExtension(pb::value).label()) == Lower(drug)) return kind;
  }
  return pb::VASOPRESSOR_OTHER;
}

void Decided(pb::PatientCondition* condition, bool transfer, std::int64_t at) {
  condition->set_icu_decided_us(std::max(condition->icu_decided_us(), at));
  if (transfer) condition->set_icu_us(Earliest(condition->icu_us(), at));
  auto* open = condition->mutable_care_decisions();
  // Not needed for what was seen then: a grade that came later asks again.
  const auto answered = [&](const pb::CareDecision& asked) {
    return transfer || asked.graded_us() <= at + kMaxClockAheadMicros;
  };
  EraseIf(open, answered);
}

void Dosed(pb::PatientCondition* condition, std::int64_t at) {
  condition->set_tocilizumab_doses(condition->tocilizumab_doses() + 1);
  condition->add_tocilizumab_us(at);
  auto& doses = *condition->mutable_tocilizumab_us();
  std::ranges::sort(doses);
  if (doses.size() > kMostDoses) doses.erase(doses.begin());
}

// What completes the record of a grade: given, or thought of and not given.
void NoteCare(pb::PatientCondition* condition, int treatment, std::int64_t at) {
  switch (treatment) {
    case pb::TREATMENT_TOCILIZUMAB:
    case pb::TREATMENT_TOCILIZUMAB_NOT_GIVEN:
      return condition->set_tocilizumab_decided_us(
          std::max(condition->tocilizumab_decided_us(), at));
    case pb::TREATMENT_STEROID:
    case pb::TREATMENT_STEROID_NOT_GIVEN:
      return condition->set_steroid_decided_us(std::max(condition->steroid_decided_us(), at));
    case pb::TREATMENT_FLUIDS:
    case pb::TREATMENT_OXYGEN:
    case pb::TREATMENT_VASOPRESSOR_START:
      return condition->set_relieved_us(std::max(condition->relieved_us(), at));
    default:
      return;
  }
}

// The last evaluation says how likely seizures are.
void TakeSeizureRisk(Folding& f, const pb::CnsEvaluated& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!f.own || f.at < condition->seizure_risk_said_us()) return;
  condition->set_seizure_risk(static_cast<std::uint32_t>(body.seizure_risk()));
  condition->set_seizure_risk_said_us(f.at);
}

// A dose counts whosever wristband was scanned with it; what hides a fever or decides for this
// patient does not.
void Treated(Folding& f, const pb::AeTreatmentGiven& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const std::int64_t at = Micros(body.given_at());
  if (body.treatment() == pb::TREATMENT_TOCILIZUMAB) Dosed(condition, at);
  if (!f.own || at > Micros(f.event.signed_at())) return;
  NoteCare(condition, body.treatment(), at);
  switch (body.treatment()) {
    case pb::TREATMENT_TOCILIZUMAB:
    case pb::TREATMENT_STEROID:
    case pb::TREATMENT_ANTIPYRETIC:
      return condition->set_masked_us(std::max(condition->masked_us(), at));
    case pb::TREATMENT_ICU_TRANSFER:
    case pb::TREATMENT_ICU_NOT_NEEDED:
      return Decided(condition, body.treatment() == pb::TREATMENT_ICU_TRANSFER, at);
    case pb::TREATMENT_OXYGEN:  // how, the next reading says
      if (condition->oxygen() > pb::O2_NONE && IsRecent(condition->oxygen_us(), at)) return;
      return TakeOxygen(condition, pb::O2_LOW_FLOW, at, false);
    case pb::TREATMENT_VASOPRESSOR_START:
      if (at < condition->vasopressors_us()) return;  // a later reading says what runs
      if (!IsRecent(condition->vasopressors_us(), at)) condition->clear_vasopressors();
      condition->set_vasopressors_us(at);
      condition->set_vasopressors_not_crs(false);
      return AddVasopressor(condition, VasopressorCalled(body.drug()));
    default:
      return;
  }
}

// What nobody decided in time is found by the first event that comes after.
void AgeCareDecisions(Folding& f) {
  const auto& event = f.event;
  if (event.ae_treatment_given().treatment() == pb::TREATMENT_ICU_TRANSFER) return;
  if (event.ae_treatment_given().treatment() == pb::TREATMENT_ICU_NOT_NEEDED) return;
  for (pb::CareDecision& asked : *f.state.mutable_condition()->mutable_care_decisions()) {
    if (asked.overdue() || f.place.received_at.micros <= asked.due_us()) continue;
    asked.set_overdue(true);
    OpenOverdue(f, asked.event_id(), "R44", false, asked.due_us(),
                "no decision on intensive care within 2 h of the grade");
  }
}

}  // namespace

void FoldToxicity(Folding& f) {
  AgeCareDecisions(f);
  const pb::Event& event = f.event;
  const std::int64_t now = Micros(event.signed_at());
  switch (event.body_case()) {
    case pb::Event::kObservationsRecorded:
      if (!f.own) return;  // another patient's wristband: another patient's pulse
      return Observed(f, event.observations_recorded());
    case pb::Event::kInfusionStarted:
      if (!f.own) return;
      return TakeVitals(f.state.mutable_condition(), event.infusion_started().baseline(), f.at);
    case pb::Event::kCnsEvaluated:
      return TakeSeizureRisk(f, event.cns_evaluated());
    case pb::Event::kProphylaxisGiven:
      if (!f.own || event.prophylaxis_given().kind() != pb::PROPHYLAXIS_SEIZURE) return;
      return f.state.mutable_condition()->set_seizure_prophylaxis(true);
    case pb::Event::kInfusionReaction:
      if (f.own) TakeFatal(f, kReaction, event.infusion_reaction().grade());
      return;
    case pb::Event::kInfectionDiagnosed:
      if (!f.own) return;
      return TakeFatal(f, "infection: " + Lower(event.infection_diagnosed().infection()),
                       event.infection_diagnosed().grade());
    case pb::Event::kSaeReported:
      if (!f.own) return;
      return TakeFatal(f, "serious event " + event.sae_reported().report(),
                       event.sae_reported().grade());
    case pb::Event::kInfusionCompleted:
      if (!f.own) return;
      TakeFatal(f, kReaction, event.infusion_completed().reaction_grade());
      if (!event.infusion_completed().has_vitals()) return;
      TakeFever(f, event.infusion_completed().vitals(), now, false);
      return TakeVitals(f.state.mutable_condition(), event.infusion_completed().vitals(), now);
    case pb::Event::kIceRecorded:
      if (f.own) TakeIce(f, event.ice_recorded());
      return;
    case pb::Event::kCrsGraded:
      return CrsGraded(f, event.crs_graded());
    case pb::Event::kIcansGraded:
      return IcansGraded(f, event.icans_graded());
    case pb::Event::kAeTreatmentGiven:
      return Treated(f, event.ae_treatment_given());
    default:
      return;
  }
}

}  // namespace custody::fold
