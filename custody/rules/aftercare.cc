// After the infusion: how the patient is observed, how they leave, when they are seen again. All of
// it are facts; what departs from the plan is a deviation.
#include "custody/aftercare.h"

#include <optional>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// Which visit this is, when and how the patient was; nullopt for other events.
struct Visit {
  VisitWindow window;
  std::int64_t seen_us = 0;
  pb::VitalStatus vital_status = pb::VITAL_STATUS_UNSPECIFIED;
};

std::optional<Visit> VisitOf(const Case& c) {
  const pb::Aftercare care = AftercareOf(c.profile);
  if (Body(c) == pb::Event::kFollowupD28) {
    const pb::FollowupD28& body = c.effective.followup_d28();
    return Visit{DayVisit(Body(c), care), Micros(body.seen_at()), body.vital_status()};
  }
  if (Body(c) == pb::Event::kFollowupM23) {
    const pb::FollowupM23& body = c.effective.followup_m23();
    return Visit{DayVisit(Body(c), care), Micros(body.seen_at()), body.vital_status()};
  }
  if (Body(c) != pb::Event::kFollowup) return std::nullopt;
  const pb::Followup& body = c.effective.followup();
  const std::optional<VisitWindow> window = LaterVisit(body.visit(), body.year(), care);
  if (!window) return std::nullopt;
  return Visit{*window, Micros(body.seen_at()), body.vital_status()};
}

std::string WithReason(const std::string& found, const std::string& reason) {
  return found + (reason.empty() ? ", no reason stated" : ", with a reason");
}

// Who is observed at home comes to hospital without having left it.
void JudgeReturn(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!IsInHospital(c.therapy) || IsOutpatient(c.therapy)) return;
  Deviation(c, rule, v,
            {"a discharge before the patient comes back to hospital", "none is recorded",
             "record the discharge afterwards if it was forgotten; else say what this was, a "
             "transfer for example, when this is closed"},
            false);
}

}  // namespace

void PlanKept(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kReadmitted) return JudgeReturn(c, rule, v);
  if (Body(c) != pb::Event::kDischarged) return;
  const pb::Discharged& body = c.effective.discharged();
  if (c.therapy.last_infused_us() == 0 || IsOutpatient(c.therapy)) return;
  const std::int64_t day =
      DaysBetween(c, c.therapy.last_infused_us(), Micros(body.discharged_at()));
  const std::int64_t least = AftercareOf(c.profile).inpatient_min_days();
  if (day >= least) return;
  Deviation(c, rule, v,
            {"in hospital until day " + std::to_string(least) + " after the last infusion",
             WithReason("home on day " + std::to_string(day), body.reason()),
             "the physician states the reason; daily contact, and a word on when to come back"},
            false);
}

void DischargeSafe(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kDischarged) return;
  const pb::Discharged& body = c.effective.discharged();
  const pb::PatientCondition& condition = c.therapy.condition();
  const auto open = [&](bool unresolved, const char* expected, const char* found) {
    if (!unresolved) return;
    Deviation(c, rule, v,
              {expected, WithReason(found, body.reason()),
               "daily contact; the physician states the reason"},
              false);
  };
  open(body.crs_resolved() != pb::YES || condition.crs_open(), "CRS resolved",
       "discharged with CRS that has not ended");
  open(body.icans_resolved() != pb::YES || condition.icans_open(), "ICANS resolved",
       "discharged with ICANS that has not ended");
  open(body.against_advice() == pb::YES, "discharge as advised", "discharged against advice");
}

void VisitInTime(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::optional<Visit> visit = VisitOf(c);
  if (!visit || rule.id != visit->window.rule || c.therapy.last_infused_us() == 0) return;
  if (visit->vital_status == pb::VITAL_STATUS_LOST) return;  // nobody was seen
  if (visit->vital_status == pb::VITAL_STATUS_DEAD) return;
  if (Body(c) == pb::Event::kFollowupD28 && c.effective.followup_d28().imaging_done() == pb::NO) {
    Deviation(c, rule, v,
              {"an image one month after the infusion", "none was made",
               "have it made, or state why not when this is closed", "imaging_done"},
              false);
  }
  const std::int64_t day = DaysBetween(c, c.therapy.last_infused_us(), visit->seen_us);
  if (day >= visit->window.from_day && day <= visit->window.to_day) return;
  Deviation(c, rule, v,
            {"the visit on day " + std::to_string(visit->window.from_day) + " to " +
                 std::to_string(visit->window.to_day) + " after the last infusion",
             "day " + std::to_string(day), "state why when this is closed", "seen_at"},
            false);
}

}  // namespace custody::rules
