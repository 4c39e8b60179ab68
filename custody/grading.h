// Grades of toxicity, computed from what was measured: CRS and ICANS by ASTCT 2019 (Lee 2019),
// blood counts by ICAHT and T-ICAHT (Rejeski 2023).
//
// A computed grade stands beside the one that the physician attests and never takes its place. Pure
// arithmetic: nothing here knows a clock or an event's place.
#ifndef CUSTODY_CUSTODY_GRADING_H_
#define CUSTODY_CUSTODY_GRADING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

inline constexpr double kFeverCelsius = 38.0;                      // ASTCT 2019, R43
inline constexpr std::int64_t kInputMicros = 24 * kMicrosPerHour;  // so long a reading counts
inline constexpr std::uint32_t kSevereGrade = 3;                   // R44
inline constexpr std::int64_t kDecideMicros = 2 * kMicrosPerHour;  // R44
inline constexpr std::uint32_t kDeathGrade = 5;

// `FatalGrade` is what was last graded 5, which is death by it (ASTCT 2019, CTCAE), in words:
// "CRS", "infusion reaction"; empty: nothing. `LacksDeath` says whether something was, or a visit
// says that the patient is dead, and no death is recorded.
std::string FatalGrade(const pb::TherapyState& state);
bool LacksDeath(const pb::TherapyState& state);
// `IsSaidDead` says whether the last visit says that the patient is dead, and no death is recorded:
// nothing else is due until somebody does, or a visit says otherwise (F13).
bool IsSaidDead(const pb::TherapyState& state);

// `CrsInputs` is what a grade of cytokine release syndrome needs, as of one moment.
struct CrsInputs {
  bool fever = false;                // 38.0 C or more in the last 24 h that has no other cause
  bool active = false;               // CRS has begun and not ended
  bool masked = false;               // antipyretic, tocilizumab or steroid given since its onset
  bool hypotension = false;          // the physician's judgement
  std::vector<int> vasopressors;     // pb::Vasopressor, those that run; each counts once
  int oxygen = pb::O2_UNSPECIFIED;   // pb::OxygenDevice; unspecified counts as none
  bool hypotension_not_crs = false;  // of another cause: does not count
  bool vasopressors_not_crs = false;
  bool oxygen_not_crs = false;  // home CPAP, intubated only for the airway
  bool death = false;           // due to CRS
};

struct CrsGrade {
  std::uint32_t grade = 0;     // 0 to 5
  std::uint32_t pressure = 0;  // what hypotension and vasopressors alone are: 0, 2, 3, 4
  std::uint32_t oxygen = 0;    // what oxygen alone is: 0, 2, 3, 4
  // Hypotension or oxygen that no fever began: no grade, the physician looks.
  bool without_fever = false;
};

// `ComputeCrs` is the grade by ASTCT 2019. Fever must begin it; once it has begun and something
// given may hide the fever, hypotension and oxygen alone grade it. The worse of the two wins; organ
// toxicities change nothing.
CrsGrade ComputeCrs(const CrsInputs& inputs);

// `OxygenByFlow` is the device by its flow in L/min: "low flow" of more than 6 is high flow.
int OxygenByFlow(int device, std::optional<double> l_per_min);

// `CrsInputsOf` are the inputs of `said` at its time: what it says itself, and where it says
// nothing what was recorded in the 24 hours before. What was recorded of later times says nothing
// of then.
CrsInputs CrsInputsOf(const pb::PatientCondition& known, const pb::CrsGraded& said);

// `IcansInputs` is what a grade of neurotoxicity needs, as of one moment.
struct IcansInputs {
  std::optional<std::uint32_t> ice;   // 0 to 10
  std::optional<std::uint32_t> capd;  // 0 to 32; instead of ICE under 12 years or with delay
  bool child = false;                 // under 12 years
  bool not_performable = false;       // neither score could be taken
  int consciousness = pb::AWAKENS_UNSPECIFIED;  // pb::Consciousness
  int seizure = pb::SEIZURE_UNSPECIFIED;        // pb::Seizure
  int motor = pb::MOTOR_UNSPECIFIED;            // pb::MotorFinding
  int oedema = pb::OEDEMA_UNSPECIFIED;          // pb::OedemaFinding
  bool other_cause = false;                     // sedation for example
  std::vector<int> explained;                   // pb::NeuroDomain that it explains; empty: all
  bool death = false;                           // due to ICANS
};

// `ComputeIcans` is the grade by ASTCT 2019, 0 to 5: the worst of its domains. Who is awake and
// scores 0 (global aphasia) has grade 3. Of a child under 12 CAPD counts and not ICE, where it was
// taken; of others who were given both, the worse.
std::uint32_t ComputeIcans(const IcansInputs& inputs);

// `IcansInputsOf` are the inputs of `said` at its time: the last ICE_RECORDED of the 24 hours
// before, with the ICE score that it names.
IcansInputs IcansInputsOf(const pb::PatientCondition& known, const pb::IcansGraded& said);

// `IceTotal` is the sum of the five parts; nullopt when one is missing.
std::optional<std::uint32_t> IceTotal(const pb::IceRecorded& recorded);

// `LowNeutrophils` counts days of day 0 to 30 after the infusion.
struct LowNeutrophils {
  std::uint32_t days_to_500 = 0;  // with ANC of at most 0.5 x 10^9/L
  std::uint32_t days_to_100 = 0;  // with ANC of at most 0.1 x 10^9/L
  bool never_above_500 = false;
};

// `ComputeEarlyIcaht` is the grade of neutropenia up to day 30, 0 to 4.
std::uint32_t ComputeEarlyIcaht(const LowNeutrophils& counts);
// `ComputeLateIcaht` is the grade of neutropenia after day 30, 0 to 4, by one count in 10^9/L.
std::uint32_t ComputeLateIcaht(double anc_1e9_per_l);
// `ComputeEarlyThrombocytopenia` is the grade by T-ICAHT up to day 30, 0 to 4, by days with fewer
// than 50 and with fewer than 20 x 10^9/L platelets.
std::uint32_t ComputeEarlyThrombocytopenia(std::uint32_t days_below_50,
                                           std::uint32_t days_below_20);

// `EarlyCounts` is what DAILY_LABS tell of day 0 to 30 after the last infusion, up to a time.
struct EarlyCounts {
  LowNeutrophils neutrophils;
  std::uint32_t days_below_50 = 0;  // platelets, 10^9/L
  std::uint32_t days_below_20 = 0;
  std::uint32_t days_with_anc = 0;  // on which they were counted
  std::uint32_t days_with_platelets = 0;
};

// `CountLowDays` counts up to `at`, with what `said` itself names for its day. A day without a
// count is low when the counts before and after it are and lie at most a week apart.
EarlyCounts CountLowDays(const pb::TherapyState& known, const pb::CytopeniaGraded& said);

// `ComputedBlood` is what the recorded counts give at the time of `said`; nullopt where nothing was
// counted, before an infusion, and of platelets after day 30.
struct ComputedBlood {
  std::optional<std::uint32_t> neutropenia;
  std::optional<std::uint32_t> thrombocytopenia;
  std::string inputs;  // for people
};
ComputedBlood ComputeBlood(const pb::TherapyState& known, const pb::CytopeniaGraded& said);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_GRADING_H_
