// When the next visits are due (R29, R30): calendar days where the patient is treated, counted from
// the last infusion. Of the visits of fifteen years the next three are kept; each visit that is
// recorded brings the ones after it. What else is due at a date, as new consent at majority, stays
// beside them.
#include <vector>

#include "custody/aftercare.h"
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

constexpr std::size_t kVisitsAhead = 3;

}  // namespace

void SetTimers(Folding& f) {
  switch (f.event.body_case()) {
    case pb::Event::kInfusionStarted:
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
  const std::vector<pb::Timer> visits = VisitsDue(f.state, AftercareOf(f.profile), kVisitsAhead);
  auto* timers = f.state.mutable_timers();
  const auto is_visit = [](const pb::Timer& timer) {
    return timer.rule() == "R29" || timer.rule() == "R30";
  };
  EraseIf(timers, is_visit);
  for (const pb::Timer& visit : visits) *timers->Add() = visit;
}

}  // namespace custody::fold
