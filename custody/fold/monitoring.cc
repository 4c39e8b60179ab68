// Rows 38 to 46: observation, grades, treatment, discharge, follow-up, closing.
#include <algorithm>

#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

constexpr double kFever = 38.0;  // R43, ASTCT 2019

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

void Observed(Folding& f, const pb::ObservationsRecorded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  for (const pb::Observation& observation : body.observations()) {
    const pb::VitalSigns& vitals = observation.vitals();
    TakeVitals(condition, vitals, Micros(f.event.signed_at()));
    const bool after =
        f.state.last_infused_us() != 0 && Micros(vitals.at()) >= f.state.first_infused_us();
    if (after && vitals.temperature_c() >= kFever && condition->fever_us() == 0) {
      condition->set_fever_us(Micros(vitals.at()));
    }
  }
}

// Which of the visits of R30 this was; an unplanned one is none of them.
void Visited(pb::PatientCondition* condition, const pb::Followup& body) {
  std::uint32_t bit = 0;
  switch (body.visit()) {
    case pb::VISIT_DAY_100:
      break;
    case pb::VISIT_MONTH_6:
      bit = 1;
      break;
    case pb::VISIT_YEARLY:
      if (body.year() == 0 || body.year() > kMostYears) return;
      bit = 1 + body.year();
      break;
    default:
      return;
  }
  condition->set_visits_done(condition->visits_done() | std::uint32_t{1} << bit);
}

template <class Body>
bool Open(const Body& body) {
  return body.grade() > 0 && Micros(body.resolved_at()) == 0;
}

void CrsGraded(Folding& f, const pb::CrsGraded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const auto grade = static_cast<std::int32_t>(body.grade());
  condition->set_crs_max(std::max(condition->crs_max(), grade));
  if ((!Open(body) && !f.own) || !Counts(f, condition->crs_said_us(), !Open(body))) return;
  condition->set_crs_said_us(std::max(condition->crs_said_us(), f.at));
  condition->set_crs_grade(grade);
  condition->set_crs_open(Open(body));
}

void IcansGraded(Folding& f, const pb::IcansGraded& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const auto grade = static_cast<std::int32_t>(body.grade());
  condition->set_icans_max(std::max(condition->icans_max(), grade));
  if ((!Open(body) && !f.own) || !Counts(f, condition->icans_said_us(), !Open(body))) return;
  condition->set_icans_said_us(std::max(condition->icans_said_us(), f.at));
  condition->set_icans_grade(grade);
  condition->set_icans_open(Open(body));
}

// The last word of the two counts: fit, or not.
void FoundIneligible(Folding& f) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!Counts(f, condition->assessed_us(), false)) return;
  condition->set_ineligible(true);
  condition->set_ineligible_us(std::max(condition->ineligible_us(), f.at));
  condition->set_fit(false);
}

}  // namespace

void FoldMonitoring(Folding& f) {
  const pb::Event& event = f.event;
  pb::TherapyState& state = f.state;
  pb::PatientCondition* condition = state.mutable_condition();
  switch (event.body_case()) {
    case pb::Event::kObservationsRecorded:
      if (!f.own) return;  // another patient's wristband: another patient's pulse
      return Observed(f, event.observations_recorded());
    case pb::Event::kInfusionStarted:
      if (f.own) TakeVitals(condition, event.infusion_started().baseline(), f.at);
      return;
    case pb::Event::kInfusionCompleted:
      if (event.infusion_completed().has_vitals()) {
        TakeVitals(condition, event.infusion_completed().vitals(), Micros(event.signed_at()));
      }
      return;
    case pb::Event::kIceRecorded:
      if (f.own) condition->set_last_ice_us(Micros(event.ice_recorded().at()));
      return;
    case pb::Event::kCrsGraded:
      return CrsGraded(f, event.crs_graded());
    case pb::Event::kIcansGraded:
      return IcansGraded(f, event.icans_graded());
    case pb::Event::kAeTreatmentGiven:
      if (event.ae_treatment_given().treatment() == pb::TREATMENT_TOCILIZUMAB) {
        condition->set_tocilizumab_doses(condition->tocilizumab_doses() + 1);
      }
      return;
    case pb::Event::kDailyLabs:
      if (f.own) condition->set_last_labs_us(Micros(event.daily_labs().sampled_at()));
      return;
    case pb::Event::kDischarged:
      return condition->set_discharged_us(f.at);
    case pb::Event::kFollowupM23:
      if (event.followup_m23().second_cancer() == pb::YES) condition->set_second_malignancy(true);
      return;
    case pb::Event::kFollowup:
      if (event.followup().second_cancer() == pb::YES) condition->set_second_malignancy(true);
      return Visited(condition, event.followup());
    case pb::Event::kCustodyClosed:
      if (f.stands) state.set_closed(true);
      return;
    case pb::Event::kTherapyClosed:
      if (f.stands) state.set_sealed(true);
      return;
    case pb::Event::kTherapyReopened:
      state.set_closed(false);
      return state.set_sealed(false);
    case pb::Event::kSecondaryMalignancyReported:
      return condition->set_second_malignancy(true);
    case pb::Event::kPatientDied:
      if (!f.own) return;  // of whom it was recorded, is not this patient
      condition->set_died(f.event_id);
      return state.set_patient_died(true);
    case pb::Event::kDeathRecordedInError:
      if (!f.stands) return;
      condition->clear_died();
      return state.set_patient_died(false);
    case pb::Event::kIneligible:
      return FoundIneligible(f);
    default:
      return;
  }
}

}  // namespace custody::fold
