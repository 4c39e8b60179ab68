// When the next visits are due (R29, R30): calendar days where the patient is treated, counted from
// the last infusion. Of the visits of fifteen years the next three are kept; each visit that is
// recorded brings the ones after it.
#include <algorithm>
#include <optional>

#include "custody/aftercare.h"
#include "custody/body_plan.h"
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

constexpr std::size_t kVisitsAhead = 3;

// The end of the day that lies `days` after the last infusion.
std::int64_t EndOf(const Folding& f, std::int64_t days) {
  const std::int64_t plain = f.state.last_infused_us() + days * kMicrosPerDay;
  const std::string& zone = f.state.zone();
  const StatusOr<std::int64_t> day = CalendarDay(Instant{f.state.last_infused_us()}, zone);
  if (!day.ok()) return plain;
  const StatusOr<Instant> end = EndOfDay(*day + days, zone);
  return end.ok() ? end->micros : plain;
}

void AddTimer(Folding& f, int step, const VisitWindow& window) {
  pb::Timer* timer = f.state.add_timers();
  timer->set_name(window.name);
  timer->set_step(std::string(PlanOf(step).name));
  timer->set_rule(window.rule);
  timer->set_from_us(EndOf(f, window.from_day - 1) + 1);
  timer->set_due_us(EndOf(f, window.to_day));
}

bool Done(const Folding& f, std::uint32_t bit) {
  return (f.state.condition().visits_done() >> bit & 1) != 0;
}

void AddVisits(Folding& f, const pb::Aftercare& care) {
  std::size_t ahead = 0;
  const auto add = [&](std::uint32_t bit, pb::FollowupVisit visit, std::uint32_t year) {
    const std::optional<VisitWindow> window = LaterVisit(visit, year, care);
    if (!window || Done(f, bit) || ahead == kVisitsAhead) return;
    AddTimer(f, pb::Event::kFollowup, *window);
    ++ahead;
  };
  add(0, pb::VISIT_DAY_100, 0);
  add(1, pb::VISIT_MONTH_6, 0);
  for (std::uint32_t year = 1; year <= std::min(care.years(), kMostYears); ++year) {
    add(1 + year, pb::VISIT_YEARLY, year);
  }
}

}  // namespace

void SetTimers(Folding& f) {
  switch (f.event.body_case()) {
    case pb::Event::kInfusionCompleted:
    case pb::Event::kFollowupD28:
    case pb::Event::kFollowupM23:
    case pb::Event::kFollowup:
    case pb::Event::kPatientDied:
    case pb::Event::kDeathRecordedInError:
    case pb::Event::kTherapyClosed:
    case pb::Event::kTherapyReopened:
      break;
    default:
      return;
  }
  f.state.clear_timers();
  if (f.state.patient_died() || f.state.sealed() || f.state.last_infused_us() == 0) return;
  const pb::Aftercare care = AftercareOf(f.profile);
  for (const int step : {pb::Event::kFollowupD28, pb::Event::kFollowupM23}) {
    if (!HasStep(f.state, step)) AddTimer(f, step, DayVisit(step, care));
  }
  AddVisits(f, care);
}

}  // namespace custody::fold
