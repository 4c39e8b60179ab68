// Rows 42 to 46: laboratory, examination, discharge, follow-up, closing.
#include <algorithm>

#include "custody/aftercare.h"
#include "custody/fold/fold.h"
#include "custody/grading.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

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

// What the latest visit says.
void TakeVitalStatus(Folding& f, int status, std::int64_t seen_us) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!f.own || seen_us < condition->vital_said_us()) return;
  condition->set_vital_status(static_cast<std::uint32_t>(status));
  condition->set_vital_said_us(seen_us);
}

// The last word of the two counts: fit, or not.
void FoundIneligible(Folding& f) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!Counts(f, condition->assessed_us(), false)) return;
  condition->set_ineligible(true);
  condition->set_ineligible_us(std::max(condition->ineligible_us(), f.at));
  condition->set_fit(false);
}

// An infection is open from its diagnosis until the same one is told again with its end. When the
// last one has ended there is no active infection; what was only screened is screened again.
void Diagnosed(Folding& f, const pb::InfectionDiagnosed& body) {
  constexpr int kMostInfections = 32;  // more of them are no therapy
  pb::PatientCondition* condition = f.state.mutable_condition();
  auto* open = condition->mutable_infections();
  const std::string name = Lower(body.infection());
  const auto same = [&](const pb::OpenInfection& one) { return one.infection() == name; };
  const auto there = std::ranges::find_if(*open, same);
  const std::int64_t ended = Micros(body.resolved_at());
  if (ended == 0 || ended > f.at + kMaxClockAheadMicros) {
    if (!TakeInfection(f, true) || there != open->end() || open->size() >= kMostInfections) return;
    pb::OpenInfection* one = open->Add();
    one->set_infection(name);
    one->set_diagnosed_us(Micros(body.diagnosed_at()));
    one->set_event_id(f.event_id);
    return;
  }
  if (!f.own || there == open->end()) return;
  open->erase(there);
  if (open->empty()) TakeInfection(f, false);
}

// Of each day the lowest counts: they are what grades. Days are those of the treating site.
void TakeBlood(Folding& f, const pb::DailyLabs& body) {
  constexpr int kMostDays = 64;
  const std::int64_t at = Micros(body.sampled_at());
  const bool counted = body.has_anc_1e9_per_l() || body.has_platelets_1e9_per_l();
  if (!counted || at > f.at + kMaxClockAheadMicros) return;
  auto* counts = f.state.mutable_condition()->mutable_blood_counts();
  const auto same_day = [&](const pb::BloodCount& one) {
    return DayIn(f.state, one.at_us()) == DayIn(f.state, at);
  };
  auto day = std::ranges::find_if(*counts, same_day);
  if (day == counts->end()) {
    if (counts->size() >= kMostDays && at < counts->begin()->at_us()) return;
    counts->Add()->set_at_us(at);
    std::ranges::sort(*counts, {}, [](const pb::BloodCount& one) { return one.at_us(); });
    if (counts->size() > kMostDays) counts->erase(counts->begin());
    day = std::ranges::find_if(*counts, same_day);
  }
  if (body.has_anc_1e9_per_l()) {
    const double anc = body.anc_1e9_per_l();
    day->set_anc_1e9_per_l(day->has_anc_1e9_per_l() ? std::min(day->anc_1e9_per_l(), anc) : anc);
  }
  if (body.has_platelets_1e9_per_l()) {
    const double platelets = body.platelets_1e9_per_l();
    const bool known = day->has_platelets_1e9_per_l();
    day->set_platelets_1e9_per_l(known ? std::min(day->platelets_1e9_per_l(), platelets)
                                       : platelets);
  }
}

// What the late effects of the treatment are followed by: the newest value.
void TakeImmunity(Folding& f, const pb::DailyLabs& body) {
  const std::int64_t at = Micros(body.sampled_at());
  pb::PatientCondition* known = f.state.mutable_condition();
  if (at > f.at + kMaxClockAheadMicros) return;
  if (body.has_igg_g_per_l() && at >= known->igg_us()) {
    known->set_igg_g_per_l(body.igg_g_per_l());
    known->set_igg_us(at);
  }
  if (body.has_cd4_per_ul() && at >= known->cd4_us()) {
    known->set_cd4_per_ul(body.cd4_per_ul());
    known->set_cd4_us(at);
  }
}

void TakeLabs(Folding& f, const pb::DailyLabs& body) {
  if (!f.own) return;
  const std::int64_t at = Micros(body.sampled_at());
  TakeBlood(f, body);
  TakeImmunity(f, body);
  if (body.has_wbc_1e9_per_l()) TakeCount(f, body.wbc_1e9_per_l(), at);
  pb::PatientCondition* condition = f.state.mutable_condition();
  condition->set_last_labs_us(std::max(condition->last_labs_us(), at));
}

// Both grades side by side: what the physician says and what the counts give.
void BloodGraded(Folding& f, const pb::CytopeniaGraded& body) {
  const std::int64_t at = Micros(body.at());
  pb::BloodGrade* grade = f.state.mutable_condition()->mutable_blood_grade();
  if (!f.own || at < grade->at_us()) return;
  const ComputedBlood computed = ComputeBlood(f.state, body);
  grade->Clear();
  grade->set_at_us(at);
  grade->set_neutropenia(body.neutropenia_grade());
  if (computed.neutropenia) grade->set_neutropenia_computed(*computed.neutropenia);
  if (body.has_thrombocytopenia_grade()) {
    grade->set_thrombocytopenia(body.thrombocytopenia_grade());
  }
  if (computed.thrombocytopenia) {
    grade->set_thrombocytopenia_computed(*computed.thrombocytopenia);
  }
}

// The death was recorded in error; what a visit said of it was wrong as well.
void Lives(pb::TherapyState& state) {
  pb::PatientCondition* condition = state.mutable_condition();
  condition->clear_died();
  if (condition->vital_status() == static_cast<std::uint32_t>(pb::VITAL_STATUS_DEAD)) {
    condition->clear_vital_status();
  }
  state.set_patient_died(false);
}

}  // namespace

void FoldMonitoring(Folding& f) {
  const pb::Event& event = f.event;
  pb::TherapyState& state = f.state;
  pb::PatientCondition* condition = state.mutable_condition();
  switch (event.body_case()) {
    case pb::Event::kDailyLabs:
      return TakeLabs(f, event.daily_labs());
    case pb::Event::kDailyExam:
      TakeGvhd(f, event.daily_exam().active_gvhd());
      if (!f.own) return;
      return condition->set_last_exam_us(
          std::max(condition->last_exam_us(), Micros(event.daily_exam().examined_at())));
    case pb::Event::kCytopeniaGraded:
      return BloodGraded(f, event.cytopenia_graded());
    case pb::Event::kInfectionDiagnosed:
      return Diagnosed(f, event.infection_diagnosed());
    case pb::Event::kDischarged:
      if (const auto* back = FindStep(state, pb::Event::kReadmitted);
          back != nullptr && back->occurred_us() > f.at) {
        return;  // told after the patient has come back
      }
      condition->clear_icu_us();
      condition->set_discharged_at_risk(event.discharged().crs_resolved() != pb::YES ||
                                        event.discharged().icans_resolved() != pb::YES ||
                                        event.discharged().against_advice() == pb::YES);
      return condition->set_discharged_us(std::max(condition->discharged_us(), f.at));
    case pb::Event::kReadmitted:  // in hospital again: observed as before the discharge
      if (Micros(event.readmitted().admitted_at()) < condition->discharged_us()) return;
      condition->clear_discharged_at_risk();
      return condition->clear_discharged_us();
    case pb::Event::kFollowupD28:
      return TakeVitalStatus(f, event.followup_d28().vital_status(),
                             Micros(event.followup_d28().seen_at()));
    case pb::Event::kFollowupM23:
      TakeVitalStatus(f, event.followup_m23().vital_status(),
                      Micros(event.followup_m23().seen_at()));
      if (event.followup_m23().second_cancer() == pb::YES) condition->set_second_malignancy(true);
      return;
    case pb::Event::kFollowup:
      TakeVitalStatus(f, event.followup().vital_status(), Micros(event.followup().seen_at()));
      if (event.followup().second_cancer() == pb::YES) condition->set_second_malignancy(true);
      return Visited(condition, event.followup());
    case pb::Event::kCustodyClosed:
      if (f.stands) state.set_closed(true);
      return;
    case pb::Event::kTherapyClosed:
      if (f.stands) state.set_sealed(true);
      return;
    case pb::Event::kTherapyReopened:
      if (!f.stands) return;
      state.set_closed(false);
      return state.set_sealed(false);
    case pb::Event::kSecondaryMalignancyReported:
      return condition->set_second_malignancy(true);
    case pb::Event::kPatientDied:
      if (!f.own) return;  // of whom it was recorded, is not this patient
      condition->set_died(f.event_id);
      condition->clear_care_decisions();
      return state.set_patient_died(true);
    case pb::Event::kDeathRecordedInError:
      if (f.stands) Lives(state);
      return;
    case pb::Event::kIneligible:
      return FoundIneligible(f);
    default:
      return;
  }
}

}  // namespace custody::fold
