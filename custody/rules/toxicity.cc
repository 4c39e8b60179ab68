// Grades of toxicity and what is given and decided against it. All of it are facts: nothing here
// refuses, what does not fit is shown and stays open until somebody judges it.
#include <algorithm>

#include "custody/grading.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

constexpr const char* kComputed = "computed_grade";
constexpr const char* kAttested = "grade";

// Both grades against what the inputs give, and the highest against the `worst` of this reaction
// before.
template <class Body>
void JudgeGrade(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body,
                std::uint32_t computed, const std::string& inputs, std::int32_t worst) {
  const std::uint32_t highest = std::max(body.grade(), static_cast<std::uint32_t>(worst));
  if (body.max_grade() < highest) {
    Deviation(c, rule, v,
              {"the highest grade of this reaction, " + std::to_string(highest),
               std::to_string(body.max_grade()), "grade again with the highest grade it had",
               "max_grade"},
              false);
  }
  const std::string expected = "computed grade " + std::to_string(computed) + ": " + inputs;
  if (body.computed_grade() != computed) {
    Deviation(c, rule, v,
              {expected, std::to_string(body.computed_grade()),
               "look at the readings that are recorded; record what is missing and grade again",
               kComputed},
              false);
  }
  if (body.grade() == computed || !body.difference().empty()) return;
  Deviation(c, rule, v,
            {"the attested grade as computed, " + std::to_string(computed) +
                 ", or a word on why it differs",
             "grade " + std::to_string(body.grade()) + " and no reason",
             "grade again with the reason, or as computed", kAttested},
            false);
}

std::string InputsText(const CrsInputs& inputs, const CrsGrade& computed) {
  const char* fever = inputs.fever ? "fever" : inputs.masked ? "fever may be hidden" : "no fever";
  return std::string(inputs.death ? "death due to CRS, " : "") + fever +
         " in 24 h, pressure as grade " + std::to_string(computed.pressure) + ", oxygen as grade " +
         std::to_string(computed.oxygen);
}

std::string InputsText(const IcansInputs& inputs) {
  if (inputs.death) return "death due to ICANS";
  if (inputs.other_cause) return "of another cause";
  if (inputs.capd) return "CAPD " + std::to_string(*inputs.capd) + " and the other findings";
  if (inputs.ice) return "ICE " + std::to_string(*inputs.ice) + " and the other findings";
  return inputs.not_performable ? "no score could be taken" : "no ICE was recorded in 24 h";
}

// Hypotension is the physician's judgement; a low reading that nobody judged is shown.
void AskPressure(const Case& c, const Rule& rule, pb::Verdict& v, const pb::CrsGraded& body) {
  const pb::PatientCondition& known = c.therapy.condition();
  const std::int64_t low = known.low_systolic_us();
  const std::int64_t at = Micros(body.at());
  const bool recent = low != 0 && low <= at + kSkew && at - low <= kInputMicros;
  const bool judged = body.hypotension() != pb::ANSWER_UNSPECIFIED || known.hypotension_us() >= low;
  if (!recent || judged) return;
  Note(c, rule, v,
       {"a word on hypotension", "systolic pressure below 90 mmHg " + Local(c, low) + ", and none",
        "the physician judges whether it is hypotension; grade again with the answer",
        "hypotension"});
}

// What a dose of tocilizumab may be at most, in mg.
double MostTocilizumab(double weight_kg) {
  constexpr double kLight = 30;  // kg
  constexpr double kMost = 800;  // mg
  return std::min(kMost, weight_kg * (weight_kg < kLight ? 12 : 8));
}

void JudgeAmount(const Case& c, const Rule& rule, pb::Verdict& v,
                 const pb::AeTreatmentGiven& dose) {
  const double known = c.therapy.condition().weight_kg();
  const double weight = dose.weight_kg() > 0 ? dose.weight_kg() : known;
  if (dose.amount_mg() <= 0 || weight <= 0) {
    Note(c, rule, v,
         {"a dose in mg and a weight in kg", "not both are recorded",
          "the dose cannot be judged; record them", "amount_mg"});
    return;
  }
  const double most = MostTocilizumab(weight);
  if (dose.amount_mg() <= most) return;
  Deviation(c, rule, v,
            {"at most " + Number(most) + " mg of tocilizumab at " + Number(weight) +
                 " kg (8 mg/kg, below 30 kg 12 mg/kg, never more than 800 mg)",
             Number(dose.amount_mg()) + " mg",
             "tell the physician now; correct the record if it is a slip", "amount_mg"},
            false);
}

void JudgeIntervals(const Case& c, const Rule& rule, pb::Verdict& v, std::int64_t at) {
  constexpr std::int64_t kApart = 8 * kMicrosPerHour;
  constexpr int kMostInADay = 3;
  constexpr std::uint32_t kMostInAll = 4;
  std::vector<std::int64_t> doses(c.therapy.condition().tocilizumab_us().begin(),
                                  c.therapy.condition().tocilizumab_us().end());
  for (const std::int64_t other : doses) {
    const std::int64_t apart = std::max(at, other) - std::min(at, other);
    if (apart >= kApart) continue;
    Deviation(
        c, rule, v,
        {"doses of tocilizumab at least 8 h apart",
         Span(apart) + " from the dose of " + Local(c, other),
         "tell the physician now; correct the record if one dose was recorded twice", "given_at"},
        false);
    break;
  }
  doses.push_back(at);
  // The most within any 24 h that end with a dose, and have this one among them.
  int most = 0;
  for (const std::int64_t end : doses) {
    const auto within = [&](std::int64_t dose) {
      return dose <= end && dose > end - kMicrosPerDay;
    };
    if (within(at)) most = std::max(most, static_cast<int>(std::ranges::count_if(doses, within)));
  }
  const auto many = [&](const std::string& expected, const std::string& found) {
    Deviation(c, rule, v,
              {expected, found,
               "the physician decides on something else; correct the record if one dose was "
               "recorded twice",
               "dose_number"},
              false);
  };
  if (most > kMostInADay) many("at most 3 doses in 24 h", "dose " + std::to_string(most));
  const std::uint32_t all = c.therapy.condition().tocilizumab_doses() + 1;
  if (all > kMostInAll) many("at most 4 doses in all", "dose " + std::to_string(all));
}

}  // namespace

void CrsComputed(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kCrsGraded) return;
  const pb::CrsGraded& body = c.effective.crs_graded();
  const CrsInputs inputs = CrsInputsOf(c.therapy.condition(), body);
  const CrsGrade computed = ComputeCrs(inputs);
  JudgeGrade(c, rule, v, body, computed.grade, InputsText(inputs, computed),
             c.therapy.condition().crs_worst());
  AskPressure(c, rule, v, body);
  if (!computed.without_fever) return;
  Note(c, rule, v,
       {"fever before hypotension or oxygen, where CRS explains them",
        "hypotension or oxygen without fever", "the physician judges what they come from"});
}

void IcansComputed(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kIceRecorded) {
    const pb::IceRecorded& body = c.effective.ice_recorded();
    const std::optional<std::uint32_t> sum = IceTotal(body);
    if (!sum || !body.has_total() || *sum == body.total()) return;
    Deviation(c, rule, v,
              {"the sum of the five parts, " + std::to_string(*sum), std::to_string(body.total()),
               "count again; the parts are what grades", "total"},
              false);
    return;
  }
  if (Body(c) != pb::Event::kIcansGraded) return;
  const pb::IcansGraded& body = c.effective.icans_graded();
  const IcansInputs inputs = IcansInputsOf(c.therapy.condition(), body);
  JudgeGrade(c, rule, v, body, ComputeIcans(inputs), InputsText(inputs),
             c.therapy.condition().icans_worst());
}

void TocilizumabWithin(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kAeTreatmentGiven) return;
  const pb::AeTreatmentGiven& body = c.effective.ae_treatment_given();
  if (body.treatment() != pb::TREATMENT_TOCILIZUMAB) return;
  JudgeAmount(c, rule, v, body);
  JudgeIntervals(c, rule, v, Micros(body.given_at()));
}

// The grade that is attested and, where the form has it, the one that was computed, against what
// the counts give.
void BloodGraded(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kCytopeniaGraded) return;
  const pb::CytopeniaGraded& body = c.effective.cytopenia_graded();
  const ComputedBlood computed = ComputeBlood(c.therapy, body);
  const auto judge = [&](std::optional<std::uint32_t> gives, bool is_said, std::uint32_t said,
                         const char* field, const char* next) {
    if (!gives || !is_said || said == *gives) return;
    Deviation(c, rule, v,
              {"computed grade " + std::to_string(*gives) + ": " + computed.inputs,
               "grade " + std::to_string(said), next, field},
              false);
  };
  constexpr const char* kLook = "look at the counts that are recorded; record what is missing";
  judge(computed.neutropenia, body.has_computed_neutropenia_grade(),
        body.computed_neutropenia_grade(), "computed_neutropenia_grade", kLook);
  judge(computed.thrombocytopenia, body.has_computed_thrombocytopenia_grade(),
        body.computed_thrombocytopenia_grade(), "computed_thrombocytopenia_grade", kLook);
  if (!body.difference().empty()) return;
  constexpr const char* kAgain = "grade again with the reason, or as computed";
  judge(computed.neutropenia, true, body.neutropenia_grade(), "neutropenia_grade", kAgain);
  judge(computed.thrombocytopenia, body.has_thrombocytopenia_grade(), body.thrombocytopenia_grade(),
        "thrombocytopenia_grade", kAgain);
}

// That nobody decided at all is found by the fold, with the first event that comes after.
void CareDecided(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kAeTreatmentGiven) return;
  const pb::AeTreatmentGiven& body = c.effective.ae_treatment_given();
  const bool decides = body.treatment() == pb::TREATMENT_ICU_TRANSFER ||
                       body.treatment() == pb::TREATMENT_ICU_NOT_NEEDED;
  if (!decides) return;
  for (const pb::CareDecision& asked : c.therapy.condition().care_decisions()) {
    const std::int64_t after = Micros(body.given_at()) - asked.graded_us();
    if (asked.overdue() || after <= kDecideMicros) continue;
    const bool crs = asked.toxicity() == static_cast<std::uint32_t>(pb::TOXICITY_CRS);
    Deviation(c, rule, v,
              {"a decision on intensive care at most 2 h after grade 3 or more",
               Span(after) + " after it", "state why it took so long when this is closed",
               crs ? "CRS" : "ICANS"},
              false);
  }
}

}  // namespace custody::rules
