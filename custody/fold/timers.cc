// When the next visits are due (R29, R30): calendar days where the patient is treated, counted from
// the last infusion. Of the visits of fifteen years the next three are kept; each visit that is
// recorded brings the ones after it.
#include <algorithm>
#include <utility>

#include "custody/body_plan.h"
#include "custody/fold/fold.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

constexpr std::size_t kVisitsAhead = 3;
constexpr std::int64_t kDay100 = 100;
constexpr std::int64_t kMonth6 = 183;

// The end of the day that lies `days` after the last infusion.
std::int64_t EndOf(const Folding& f, std::int64_t days) {
  const std::int64_t plain = f.state.last_infused_us() + days * kMicrosPerDay;
  const std::string& zone = f.state.zone();
  const StatusOr<std::int64_t> day = CalendarDay(Instant{f.state.last_infused_us()}, zone);
  if (!day.ok()) return plain;
  const StatusOr<Instant> end = EndOfDay(*day + days, zone);
  return end.ok() ? end->micros : plain;
}

void AddTimer(Folding& f, int step, const std::string& name, const char* rule, std::int64_t from,
              std::int64_t to) {
  pb::Timer* timer = f.state.add_timers();
  timer->set_name(name);
  timer->set_step(std::string(PlanOf(step).name));
  timer->set_rule(rule);
  timer->set_from_us(EndOf(f, from - 1) + 1);
  timer->set_due_us(EndOf(f, to));
}

bool Done(const Folding& f, std::uint32_t bit) {
  return (f.state.condition().visits_done() >> bit & 1) != 0;
}

void AddVisits(Folding& f, const pb::Aftercare& care) {
  const std::int64_t window =
      care.visit_window_days() == 0 ? Defaults::kVisitWindowDays : care.visit_window_days();
  std::size_t ahead = 0;
  const auto add = [&](std::uint32_t bit, const std::string& name, std::int64_t day,
                       std::int64_t before) {
    if (Done(f, bit) || ahead == kVisitsAhead) return;
    AddTimer(f, pb::Event::kFollowup, name, "R30", day - before, day + window);
    ++ahead;
  };
  add(0, "Follow-up, day 100", kDay100, 0);
  add(1, "Follow-up, month 6", kMonth6, window);
  for (std::uint32_t year = 1; year <= std::min(care.years(), kMostYears); ++year) {
    const std::int64_t day = (std::int64_t{year} * 1461 + 2) / 4;  // a year has 365.25 days
    add(1 + year, "Follow-up, year " + std::to_string(year), day, window);
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
  const pb::Aftercare care = f.profile == nullptr ? pb::Aftercare() : f.profile->aftercare();
  const auto once = [&](int step, std::uint32_t from, std::uint32_t to) {
    if (from == 0 || to == 0 || HasStep(f.state, step)) return;
    AddTimer(f, step, PlanOf(step).rule->label(), "R29", from, to);
  };
  once(pb::Event::kFollowupD28, care.day28_from(), care.day28_to());
  once(pb::Event::kFollowupM23, care.month2_from(), care.month2_to());
  AddVisits(f, care);
}

}  // namespace custody::fold
