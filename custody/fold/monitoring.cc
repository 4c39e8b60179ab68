// Rows 42 to 46: laboratory, examination, discharge, follow-up, closing.
#include <algorithm>

#include "custody/aftercare.h"
#include "custody/fold/fold.h"
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
    case pb::Event::kDailyLabs:
      if (!f.own) return;
      if (event.daily_labs().has_wbc_1e9_per_l()) {
        TakeCount(f, event.daily_labs().wbc_1e9_per_l(), Micros(event.daily_labs().sampled_at()));
      }
      return condition->set_last_labs_us(
          std::max(condition->last_labs_us(), Micros(event.daily_labs().sampled_at())));
    case pb::Event::kDailyExam:
      if (!f.own) return;
      return condition->set_last_exam_us(
          std::max(condition->last_exam_us(), Micros(event.daily_exam().examined_at())));
    case pb::Event::kDischarged:
      condition->clear_icu_us();
      return condition->set_discharged_us(std::max(condition->discharged_us(), f.at));
    case pb::Event::kReadmitted:  // in hospital again: observed as before the discharge
      if (Micros(event.readmitted().admitted_at()) < condition->discharged_us()) return;
      return condition->clear_discharged_us();
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
      condition->clear_care_decisions();
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
