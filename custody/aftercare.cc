#include "custody/aftercare.h"

#include <algorithm>

#include "custody/body_plan.h"
#include "custody/grading.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody {
namespace {

constexpr std::int64_t kDay100 = 100;
constexpr std::int64_t kMonth6 = 183;

bool IsDead(const pb::TherapyState& state) { return state.patient_died() || IsSaidDead(state); }

// The end of the day that lies `days` after the last infusion.
std::int64_t EndOf(const pb::TherapyState& state, std::int64_t days) {
  const std::int64_t plain = state.last_infused_us() + days * kMicrosPerDay;
  const StatusOr<std::int64_t> day = CalendarDay(Instant{state.last_infused_us()}, state.zone());
  if (!day.ok()) return plain;
  const StatusOr<Instant> end = EndOfDay(*day + days, state.zone());
  return end.ok() ? end->micros : plain;
}

pb::Timer TimerOf(const pb::TherapyState& state, int step, const VisitWindow& window) {
  pb::Timer timer;
  timer.set_name(window.name);
  timer.set_step(std::string(PlanOf(step).name));
  timer.set_rule(window.rule);
  timer.set_from_us(EndOf(state, window.from_day - 1) + 1);
  timer.set_due_us(EndOf(state, window.to_day));
  return timer;
}

}  // namespace

pb::Aftercare AftercareOf(const pb::Profile* profile) {
  pb::Aftercare care;
  care.set_inpatient_min_days(7);
  care.set_inpatient_max_days(14);
  care.set_daily_contact_days(7);
  care.set_vitals_hours(4);
  care.set_vitals_fever_hours(2);
  care.set_ice_hours(12);
  care.set_day28_from(25);
  care.set_day28_to(35);
  care.set_month2_from(56);
  care.set_month2_to(100);
  care.set_years(15);
  care.set_visit_window_days(Defaults::kVisitWindowDays);
  if (profile != nullptr)
    care.MergeFrom(profile->aftercare());  // a number left out changes nothing
  return care;
}

VisitWindow DayVisit(int body, const pb::Aftercare& care) {
  const bool first = body == pb::Event::kFollowupD28;
  return {PlanOf(body).rule->label(), "R29", first ? care.day28_from() : care.month2_from(),
          first ? care.day28_to() : care.month2_to()};
}

std::optional<VisitWindow> LaterVisit(pb::FollowupVisit visit, std::uint32_t year,
                                      const pb::Aftercare& care) {
  const std::int64_t around = care.visit_window_days();
  switch (visit) {
    case pb::VISIT_DAY_100:  // before it the visit in month 2 to 3 has its time
      return VisitWindow{"Follow-up, day 100", "R30", kDay100, kDay100 + around};
    case pb::VISIT_MONTH_6:
      return VisitWindow{"Follow-up, month 6", "R30", kMonth6 - around, kMonth6 + around};
    case pb::VISIT_YEARLY: {
      if (year == 0 || year > kMostYears) return std::nullopt;
      const std::int64_t day = (std::int64_t{year} * 1461 + 2) / 4;  // a year has 365.25 days
      return VisitWindow{"Follow-up, year " + std::to_string(year), "R30", day - around,
                         day + around};
    }
    default:
      return std::nullopt;
  }
}

std::vector<pb::Timer> VisitsDue(const pb::TherapyState& state, const pb::Aftercare& care,
                                 std::size_t later) {
  std::vector<pb::Timer> visits;
  if (IsDead(state) || state.sealed() || state.last_infused_us() == 0) return visits;
  for (const int step : {pb::Event::kFollowupD28, pb::Event::kFollowupM23}) {
    if (!HasStep(state, step)) visits.push_back(TimerOf(state, step, DayVisit(step, care)));
  }
  const std::size_t most = visits.size() + later;
  const auto add = [&](std::uint32_t bit, pb::FollowupVisit visit, std::uint32_t year) {
    const std::optional<VisitWindow> window = LaterVisit(visit, year, care);
    const bool done = (state.condition().visits_done() >> bit & 1) != 0;
    if (!window || done || visits.size() == most) return;
    visits.push_back(TimerOf(state, pb::Event::kFollowup, *window));
  };
  add(0, pb::VISIT_DAY_100, 0);
  add(1, pb::VISIT_MONTH_6, 0);
  for (std::uint32_t year = 1; year <= std::min(care.years(), kMostYears); ++year) {
    add(1 + year, pb::VISIT_YEARLY, year);
  }
  return visits;
}

const pb::StepRecord* LastInfusion(const pb::TherapyState& state) {
  const pb::StepRecord* started = FindStep(state, pb::Event::kInfusionStarted);
  const pb::StepRecord* ended = FindStep(state, pb::Event::kInfusionCompleted);
  if (started == nullptr || ended == nullptr) return ended == nullptr ? started : ended;
  return started->occurred_us() > ended->occurred_us() ? started : ended;
}

bool IsOutpatient(const pb::TherapyState& state) {
  return state.condition().observation_plan() ==
         static_cast<std::uint32_t>(pb::OBSERVATION_PLAN_OUTPATIENT);
}

bool IsInHospital(const pb::TherapyState& state) {
  const bool infused = state.last_infused_us() != 0;
  return infused && state.condition().discharged_us() == 0 && !IsDead(state);
}

bool IsFeverish(const pb::PatientCondition& condition, std::int64_t now_us) {
  if (condition.crs_open()) return true;
  const auto feverish = [&](std::int64_t from, std::int64_t to) {
    return from <= now_us && now_us <= to;
  };
  const std::int64_t first = condition.fever_us();  // also one that has another cause
  if (first != 0 && feverish(first, first + kInputMicros)) return true;
  return std::ranges::any_of(condition.febrile(), [&](const pb::DataSpan& span) {
    return feverish(span.from_us(), span.to_us());
  });
}

std::int64_t ReadingsDue(const pb::TherapyState& state, const pb::Aftercare& care,
                         std::int64_t now_us) {
  if (!IsInHospital(state) || IsOutpatient(state)) return 0;
  const pb::PatientCondition& condition = state.condition();
  const std::int64_t last = std::max(condition.last_observation_us(), state.last_infused_us());
  const std::uint32_t hours =
      IsFeverish(condition, now_us) ? care.vitals_fever_hours() : care.vitals_hours();
  return last + hours * kMicrosPerHour;
}

std::int64_t ContactDue(const pb::TherapyState& state, const pb::Aftercare& care) {
  if (state.last_infused_us() == 0 || IsDead(state)) return 0;
  const bool home = IsOutpatient(state) || !IsInHospital(state);
  if (!home) return 0;
  const pb::PatientCondition& condition = state.condition();
  const std::int64_t last =
      std::max({condition.last_exam_us(), condition.discharged_us(), state.last_infused_us()});
  const std::int64_t due = last + kMicrosPerDay;
  const bool open = condition.crs_open() || condition.icans_open();
  // Who left with something open or against advice is called as long from that day on (R40).
  const std::int64_t from = condition.discharged_at_risk()
                                ? std::max(condition.discharged_us(), state.last_infused_us())
                                : state.last_infused_us();
  const std::int64_t end = from + care.daily_contact_days() * kMicrosPerDay;
  return open || due <= end ? due : 0;
}

std::vector<LateLab> LateLabsDue(const pb::TherapyState& state) {
  constexpr std::int64_t kMonth = 30 * kMicrosPerDay;
  constexpr double kLeastNeutrophils = 1.5;  // 10^9/L: ICAHT grade 1 ends above it
  constexpr double kLeastPlatelets = 50;     // 10^9/L: T-ICAHT grade 1 ends there
  constexpr double kLeastIgg = 4;            // g/L
  constexpr double kLeastCd4 = 200;          // per uL
  std::vector<LateLab> due;
  if (state.last_infused_us() == 0 || IsDead(state) || state.sealed()) return due;
  const auto ask = [&](const char* name, std::int64_t last) {
    due.push_back({name, std::max(last, state.last_infused_us()) + kMonth});
  };
  const pb::PatientCondition& known = state.condition();
  if (!known.blood_counts().empty()) {
    const pb::BloodCount& last = *known.blood_counts().rbegin();
    const bool low =
        (last.has_anc_1e9_per_l() && last.anc_1e9_per_l() <= kLeastNeutrophils) ||
        (last.has_platelets_1e9_per_l() && last.platelets_1e9_per_l() < kLeastPlatelets);
    if (low) ask("Blood count, monthly until it is normal", last.at_us());
  }
  if (known.igg_us() != 0 && known.igg_g_per_l() <= kLeastIgg) {
    ask("IgG, monthly until above 4 g/L", known.igg_us());
  }
  if (known.cd4_us() != 0 && known.cd4_per_ul() <= kLeastCd4) {
    ask("CD4 cells, monthly until above 200/uL", known.cd4_us());
  }
  return due;
}

}  // namespace custody
