// How a patient is followed after the infusion: what the profile asks, when the visits are, when
// the next readings are due. Shared by the fold, the rules, the next steps and the alerts.
#ifndef CUSTODY_CUSTODY_AFTERCARE_H_
#define CUSTODY_CUSTODY_AFTERCARE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

inline constexpr std::uint32_t kMostYears = 29;  // of yearly visits, as visits_done has bits

// `AftercareOf` is what a profile (null: none) asks, with the defaults of R28 to R30 where it says
// nothing: in hospital 7 to 14 days, contact daily for 7, readings every 4 h, with fever every 2 h,
// ICE every 12 h; visits on day 25 to 35 and 56 to 100, then for 15 years 30 days before and after.
pb::Aftercare AftercareOf(const pb::Profile* profile);

// `VisitWindow` is when one of the visits is due, in calendar days after the last infusion where
// the patient is treated, both ends included.
struct VisitWindow {
  std::string name;       // "Follow-up, day 100"
  const char* rule = "";  // R29 or R30
  std::int64_t from_day = 0;
  std::int64_t to_day = 0;
};

// `DayVisit` is the window of FOLLOWUP_D28 or FOLLOWUP_M2_3, by body number.
VisitWindow DayVisit(int body, const pb::Aftercare& care);
// `LaterVisit` is the window of a FOLLOWUP; nullopt for an unplanned visit and for years that are
// none.
std::optional<VisitWindow> LaterVisit(pb::FollowupVisit visit, std::uint32_t year,
                                      const pb::Aftercare& care);

// `VisitsDue` are the visits that are due and were not made, as timers, the two of R29 and then at
// most `later` of R30; none before an infusion, or when the patient died or the record is sealed.
std::vector<pb::Timer> VisitsDue(const pb::TherapyState& state, const pb::Aftercare& care,
                                 std::size_t later);

// `LastInfusion` is the step that told of the last infusion: its end, or while it runs its start;
// null: none did.
const pb::StepRecord* LastInfusion(const pb::TherapyState& state);
// `IsOutpatient` says whether the order has the patient observed at home (R28); in hospital is what
// counts where nobody said.
bool IsOutpatient(const pb::TherapyState& state);
// `IsInHospital` says whether an infused patient was not discharged yet, or came back.
bool IsInHospital(const pb::TherapyState& state);
// `IsFeverish` says whether readings are due more often at `now_us`: CRS is open, or a temperature
// of 38.0 or more lies at most 24 h back.
bool IsFeverish(const pb::PatientCondition& condition, std::int64_t now_us);
// `ReadingsDue` is when the next vital signs of a patient in hospital are due; 0 when none are.
std::int64_t ReadingsDue(const pb::TherapyState& state, const pb::Aftercare& care,
                         std::int64_t now_us);
// `ContactDue` is when the next daily contact of a patient at home is due: for the days that the
// profile says, and as long as CRS or ICANS is open (R28, R40); 0 when none is.
std::int64_t ContactDue(const pb::TherapyState& state, const pb::Aftercare& care);

// `LateLab` is a value that is measured monthly from day 30 on, until it is normal.
struct LateLab {
  std::string name;  // "IgG, monthly until above 4 g/L"
  std::int64_t due_us = 0;
};
// `LateLabsDue` are those whose last value was not: neutrophils or platelets, IgG, CD4 cells. Of
// what was never measured nothing is due here, for the hospital's own records hold the panels.
std::vector<LateLab> LateLabsDue(const pb::TherapyState& state);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_AFTERCARE_H_
