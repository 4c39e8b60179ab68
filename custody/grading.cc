#include "custody/grading.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "custody/event.h"
#include "custody/state.h"

namespace custody {
namespace {

// One vasopressor with or without vasopressin is one; vasopressin alone is one too.
std::size_t Counted(const std::vector<int>& vasopressors) {
  std::set<int> kinds(vasopressors.begin(), vasopressors.end());
  kinds.erase(pb::VASOPRESSOR_UNSPECIFIED);
  const std::size_t vasopressin = kinds.erase(pb::VASOPRESSOR_VASOPRESSIN);
  return kinds.empty() ? vasopressin : kinds.size();
}

// Who needs a vasopressor is hypotensive, whatever the pressure is now.
std::uint32_t PressureGrade(const CrsInputs& inputs) {
  const std::size_t running = inputs.vasopressors_not_crs ? 0 : Counted(inputs.vasopressors);
  if (running > 0) return running == 1 ? 3 : 4;
  return inputs.hypotension && !inputs.hypotension_not_crs ? 2 : 0;
}

std::uint32_t OxygenGrade(const CrsInputs& inputs) {
  if (inputs.oxygen_not_crs) return 0;
  switch (inputs.oxygen) {
    case pb::O2_BLOW_BY:
    case pb::O2_LOW_FLOW:
      return 2;
    case pb::O2_HIGH_FLOW:
    case pb::O2_FACEMASK:
    case pb::O2_NONREBREATHER:
    case pb::O2_VENTURI:
      return 3;
    case pb::O2_CPAP:
    case pb::O2_BIPAP:
    case pb::O2_INTUBATED:
      return 4;
    default:
      return 0;
  }
}

// Whether what was said at `said_us` (0: never) still counts at `at`.
bool Counts(std::int64_t said_us, std::int64_t at) {
  return said_us != 0 && said_us <= at + kMaxClockAheadMicros && at - said_us <= kInputMicros;
}

// Whether there was a fever from `from` on, or in the 24 h before it.
bool Febrile(const pb::PatientCondition& known, std::int64_t from, std::int64_t to) {
  return std::ranges::any_of(known.febrile(), [&](const pb::DataSpan& span) {
    return span.from_us() <= to + kMaxClockAheadMicros && span.to_us() >= from;
  });
}

// Whoever turns 12 this year may be 12 already.
bool IsChild(std::uint32_t birth_year, std::int64_t at) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(at)};
  const std::chrono::year_month_day day{floor<std::chrono::days>(time)};
  return birth_year != 0 && static_cast<int>(day.year()) - static_cast<int>(birth_year) < 12;
}

std::uint32_t IceGrade(std::uint32_t ice, bool unarousable) {
  if (ice >= 10) return 0;
  if (ice >= 7) return 1;
  if (ice >= 3) return 2;
  return ice == 0 && unarousable ? 4 : 3;
}

std::uint32_t CapdGrade(std::uint32_t capd, int consciousness) {
  if (capd >= 9) return 3;
  if (capd == 0) return 0;
  return consciousness == pb::AWAKENS_TO_VOICE ? 2 : 1;
}

std::uint32_t ScoreGrade(const IcansInputs& inputs) {
  const bool unarousable = inputs.consciousness == pb::AWAKENS_UNAROUSABLE;
  const std::uint32_t capd = inputs.capd ? CapdGrade(*inputs.capd, inputs.consciousness) : 0;
  const bool by_capd = inputs.child && inputs.capd;
  const std::uint32_t ice = inputs.ice && !by_capd ? IceGrade(*inputs.ice, unarousable) : 0;
  const std::uint32_t worst = std::max(ice, capd);
  if (!inputs.not_performable) return worst;
  return std::max(worst, inputs.child || unarousable ? 4U : 3U);
}

// Waking by oneself is no finding of its own: it tells grade 1 from 2 where the score is low.
std::uint32_t ConsciousnessGrade(int consciousness) {
  switch (consciousness) {
    case pb::AWAKENS_TO_VOICE:
      return 2;
    case pb::AWAKENS_TO_TOUCH:
      return 3;
    case pb::AWAKENS_UNAROUSABLE:
      return 4;
    default:
      return 0;
  }
}

std::uint32_t SeizureGrade(int seizure) {
  switch (seizure) {
    case pb::SEIZURE_RESOLVED_RAPIDLY:
    case pb::SEIZURE_EEG_ONLY:
      return 3;
    case pb::SEIZURE_PROLONGED:
    case pb::SEIZURE_REPEATED:
      return 4;
    default:
      return 0;
  }
}

std::uint32_t OedemaGrade(int oedema) {
  switch (oedema) {
    case pb::OEDEMA_FOCAL:
      return 3;
    case pb::OEDEMA_DIFFUSE:
    case pb::OEDEMA_PRESSURE_SIGNS:
      return 4;
    default:
      return 0;
  }
}

}  // namespace

std::string FatalGrade(const pb::TherapyState& state) {
  const auto dead = static_cast<std::int32_t>(kDeathGrade);
  const pb::PatientCondition& condition = state.condition();
  if (condition.crs_grade() == dead) return "CRS";
  if (condition.icans_grade() == dead) return "ICANS";
  return condition.fatal_grades().empty() ? std::string() : condition.fatal_grades(0).what();
}

bool LacksDeath(const pb::TherapyState& state) {
  return (!state.patient_died() && !FatalGrade(state).empty()) || IsSaidDead(state);
}

bool IsSaidDead(const pb::TherapyState& state) {
  const bool said =
      state.condition().vital_status() == static_cast<std::uint32_t>(pb::VITAL_STATUS_DEAD);
  return said && !state.patient_died();
}

CrsGrade ComputeCrs(const CrsInputs& inputs) {
  CrsGrade computed;
  computed.pressure = PressureGrade(inputs);
  computed.oxygen = OxygenGrade(inputs);
  const std::uint32_t worse = std::max(computed.pressure, computed.oxygen);
  if (inputs.fever) {
    computed.grade = std::max(1U, worse);
  } else if (inputs.active && inputs.masked) {
    computed.grade = worse;
  } else {
    computed.without_fever = worse > 0;
  }
  if (inputs.death) computed.grade = kDeathGrade;
  return computed;
}

int OxygenByFlow(int device, std::optional<double> l_per_min) {
  constexpr double kMostLowFlow = 6;  // L/min, ASTCT 2019
  const bool high = device == pb::O2_LOW_FLOW && l_per_min.value_or(0) > kMostLowFlow;
  return high ? pb::O2_HIGH_FLOW : device;
}

CrsInputs CrsInputsOf(const pb::PatientCondition& known, const pb::CrsGraded& said) {
  const std::int64_t at = Micros(said.at());
  const bool open = known.crs_open() && known.crs_onset_us() <= at + kMaxClockAheadMicros;
  const std::int64_t stated = Micros(said.onset_at());
  const std::int64_t onset = open ? known.crs_onset_us() : stated;
  const bool began = onset != 0 && onset <= at && Febrile(known, onset, at);
  CrsInputs inputs;
  inputs.fever = said.fever_other_cause() != pb::YES && Febrile(known, at, at);
  inputs.active = open || began;
  const bool given = known.masked_us() != 0 && known.masked_us() >= onset &&
                     known.masked_us() <= at + kMaxClockAheadMicros;
  inputs.masked = said.masked() == pb::YES || given;
  if (said.hypotension() != pb::ANSWER_UNSPECIFIED) {
    inputs.hypotension = said.hypotension() == pb::YES;
  } else {
    inputs.hypotension = known.hypotension() && Counts(known.hypotension_us(), at);
  }
  if (!said.vasopressors().empty()) {
    inputs.vasopressors.assign(said.vasopressors().begin(), said.vasopressors().end());
  } else if (Counts(known.vasopressors_us(), at)) {
    inputs.vasopressors.assign(known.vasopressors().begin(), known.vasopressors().end());
    inputs.vasopressors_not_crs = known.vasopressors_not_crs();
  }
  if (said.oxygen() != pb::O2_UNSPECIFIED) {
    inputs.oxygen = said.oxygen();
  } else if (Counts(known.oxygen_us(), at)) {
    inputs.oxygen = static_cast<int>(known.oxygen());
    inputs.oxygen_not_crs = known.oxygen_not_crs();
  }
  if (said.not_crs() == pb::YES) {
    inputs.hypotension_not_crs = inputs.vasopressors_not_crs = inputs.oxygen_not_crs = true;
  }
  inputs.death = said.death() == pb::YES;
  return inputs;
}

std::uint32_t ComputeIcans(const IcansInputs& inputs) {
  if (inputs.death) return kDeathGrade;
  const auto counted = [&](pb::NeuroDomain domain, std::uint32_t grade) {
    const auto& explained = inputs.explained;
    const bool named = explained.empty() || std::ranges::find(explained, domain) != explained.end();
    return inputs.other_cause && named ? 0U : grade;
  };
  const std::uint32_t motor = inputs.motor == pb::MOTOR_DEEP_FOCAL_WEAKNESS ? 4 : 0;
  return std::max({counted(pb::NEURO_SCORE, ScoreGrade(inputs)),
                   counted(pb::NEURO_CONSCIOUSNESS, ConsciousnessGrade(inputs.consciousness)),
                   counted(pb::NEURO_SEIZURE, SeizureGrade(inputs.seizure)),
                   counted(pb::NEURO_MOTOR, motor),
                   counted(pb::NEURO_OEDEMA, OedemaGrade(inputs.oedema))});
}

IcansInputs IcansInputsOf(const pb::PatientCondition& known, const pb::IcansGraded& said) {
  const std::int64_t at = Micros(said.at());
  IcansInputs inputs;
  inputs.child = IsChild(known.birth_year(), at);
  inputs.death = said.death() == pb::YES;
  const pb::NeuroFindings& found = known.neuro();
  if (Counts(found.at_us(), at)) {
    if (found.has_ice()) inputs.ice = found.ice();
    if (found.has_capd()) inputs.capd = found.capd();
    inputs.not_performable = found.not_performable();
    inputs.consciousness = static_cast<int>(found.consciousness());
    inputs.seizure = static_cast<int>(found.seizure());
    inputs.motor = static_cast<int>(found.motor());
    inputs.oedema = static_cast<int>(found.oedema());
    inputs.other_cause = found.other_cause();
    inputs.explained.assign(found.explained().begin(), found.explained().end());
  }
  if (said.has_ice_total()) inputs.ice = said.ice_total();
  return inputs;
}

std::optional<std::uint32_t> IceTotal(const pb::IceRecorded& recorded) {
  const bool whole = recorded.has_orientation() && recorded.has_naming() &&
                     recorded.has_command() && recorded.has_writing() && recorded.has_attention();
  if (!whole) return std::nullopt;
  return recorded.orientation() + recorded.naming() + recorded.command() + recorded.writing() +
         recorded.attention();
}

std::uint32_t ComputeEarlyIcaht(const LowNeutrophils& counts) {
  const std::uint32_t at_500 = counts.days_to_500;
  const std::uint32_t by_500 = at_500 == 0              ? 0U
                               : counts.never_above_500 ? 4U
                               : at_500 >= 14           ? 3U
                               : at_500 >= 7            ? 2U
                                                        : 1U;
  const std::uint32_t by_100 = counts.days_to_100 >= 14 ? 4U : counts.days_to_100 >= 7 ? 3U : 0U;
  return std::max(by_500, by_100);
}

std::uint32_t ComputeLateIcaht(double anc_1e9_per_l) {
  constexpr double kLimits[] = {1.5, 1.0, 0.5, 0.1};
  return static_cast<std::uint32_t>(
      std::ranges::count_if(kLimits, [&](double limit) { return anc_1e9_per_l <= limit; }));
}

std::uint32_t ComputeEarlyThrombocytopenia(std::uint32_t days_below_50,
                                           std::uint32_t days_below_20) {
  if (days_below_20 >= 14) return 4;
  if (days_below_20 >= 1) return 3;
  if (days_below_50 >= 7) return 2;
  return days_below_50 >= 1 ? 1 : 0;
}

namespace {

constexpr std::int64_t kEarlyDays = 30;
constexpr std::int64_t kMostBetween = 7;  // days between two counts that speak for those between

// One value a day, by days after the infusion.
using Daily = std::map<std::int64_t, double>;

std::uint32_t LowDays(const Daily& counts, double limit, bool inclusive) {
  const auto low = [&](double value) { return inclusive ? value <= limit : value < limit; };
  std::uint32_t days = 0;
  const std::pair<const std::int64_t, double>* before = nullptr;
  for (const auto& count : counts) {
    if (low(count.second)) {
      const bool joined =
          before != nullptr && low(before->second) && count.first - before->first <= kMostBetween;
      days += joined ? static_cast<std::uint32_t>(count.first - before->first) : 1U;
    }
    before = &count;
  }
  return days;
}

void Take(Daily& counts, std::int64_t day, double value) {
  if (day < 0 || day > kEarlyDays) return;
  const auto [there, added] = counts.emplace(day, value);
  if (!added) there->second = std::min(there->second, value);
}

std::string DaysText(const char* what, std::uint32_t low, const char* limit,
                     std::uint32_t counted) {
  return std::string(what) + " " + limit + " on " + std::to_string(low) + " d, counted on " +
         std::to_string(counted) + " d";
}

}  // namespace

EarlyCounts CountLowDays(const pb::TherapyState& known, const pb::CytopeniaGraded& said) {
  const std::int64_t at = Micros(said.at());
  const std::int64_t infused = DayIn(known, known.last_infused_us());
  Daily anc;
  Daily platelets;
  for (const pb::BloodCount& count : known.condition().blood_counts()) {
    const std::int64_t day = DayIn(known, count.at_us()) - infused;
    if (count.at_us() > at) continue;
    if (count.has_anc_1e9_per_l()) Take(anc, day, count.anc_1e9_per_l());
    if (count.has_platelets_1e9_per_l()) Take(platelets, day, count.platelets_1e9_per_l());
  }
  const std::int64_t today = DayIn(known, at) - infused;
  if (said.has_anc_1e9_per_l()) Take(anc, today, said.anc_1e9_per_l());
  if (said.has_platelets_1e9_per_l()) Take(platelets, today, said.platelets_1e9_per_l());
  EarlyCounts counts;
  counts.neutrophils.days_to_500 = LowDays(anc, 0.5, true);
  counts.neutrophils.days_to_100 = LowDays(anc, 0.1, true);
  counts.neutrophils.never_above_500 =
      counts.neutrophils.days_to_500 == static_cast<std::uint32_t>(kEarlyDays + 1);
  counts.days_below_50 = LowDays(platelets, 50, false);
  counts.days_below_20 = LowDays(platelets, 20, false);
  counts.days_with_anc = static_cast<std::uint32_t>(anc.size());
  counts.days_with_platelets = static_cast<std::uint32_t>(platelets.size());
  return counts;
}

ComputedBlood ComputeBlood(const pb::TherapyState& known, const pb::CytopeniaGraded& said) {
  ComputedBlood computed;
  if (known.last_infused_us() == 0) return computed;
  const std::int64_t day = DayIn(known, Micros(said.at())) - DayIn(known, known.last_infused_us());
  if (day < 0) return computed;
  if (day > kEarlyDays) {
    if (!said.has_anc_1e9_per_l()) return computed;
    computed.neutropenia = ComputeLateIcaht(said.anc_1e9_per_l());
    computed.inputs = "after day 30 by the count alone";
    return computed;
  }
  const EarlyCounts counts = CountLowDays(known, said);
  if (counts.days_with_anc > 0) {
    computed.neutropenia = ComputeEarlyIcaht(counts.neutrophils);
    computed.inputs = DaysText("neutrophils", counts.neutrophils.days_to_500, "at most 0.5",
                               counts.days_with_anc);
  }
  if (counts.days_with_platelets > 0) {
    computed.thrombocytopenia =
        ComputeEarlyThrombocytopenia(counts.days_below_50, counts.days_below_20);
    computed.inputs +=
        (computed.inputs.empty() ? "" : "; ") +
        DaysText("platelets", counts.days_below_50, "below 50", counts.days_with_platelets);
  }
  return computed;
}

}  // namespace custody
