// R24: the dose that an order or a certificate states, by the weight that was used for it.
#include <algorithm>
#include <cmath>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// What binds a dose, in 10^6 cells or 10^6 cells/kg, tolerance included; 0: no such limit.
struct Bounds {
  double least = 0;
  double most = 0;
  bool per_kg = false;
};

// A label that names a target alone means it: the tolerance around it is the limit. For a heavy
// patient the target is the greatest dose that is given at all.
Bounds BoundsAt(const pb::DoseLimits& limits, double weight_kg) {
  const auto around = [&](double least, double most, bool per_kg) -> Bounds {
    const double slack = limits.tolerance_percent() / 100;
    return {least * (1 - slack), most * (1 + slack), per_kg};
  };
  const bool heavy = limits.above_weight_kg() > 0 && weight_kg > limits.above_weight_kg();
  if (heavy) return around(limits.above_min_1e6(), limits.above_max_1e6(), false);
  const bool ranged = limits.min_1e6() > 0 || limits.max_1e6() > 0;
  if (ranged) return around(limits.min_1e6(), limits.max_1e6(), limits.per_kg());
  const double stated = limits.tolerance_percent();
  const double slack = (stated > 0 ? stated : Defaults::kDoseTolerancePercent) / 100;
  double target = limits.target_1e6();
  if (limits.per_kg() && limits.absolute_max_1e6() > 0 && weight_kg > 0) {
    target = std::min(target, limits.absolute_max_1e6() / weight_kg);
  }
  return {target * (1 - slack), target * (1 + slack), limits.per_kg()};
}

std::string Text(const Bounds& bounds) {
  const std::string unit = bounds.per_kg ? " x 10^6/kg" : " x 10^6";
  if (bounds.most <= 0) return "a dose of at least " + Number(bounds.least) + unit;
  return "a dose from " + Number(bounds.least) + " to " + Number(bounds.most) + unit;
}

// A dose that was made for another weight.
void JudgeWeight(const Case& c, const Rule& rule, pb::Verdict& v, double weight) {
  const bool flat = c.profile != nullptr && c.profile->has_dose() && !c.profile->dose().per_kg();
  if (flat) return;
  const double stated = c.profile == nullptr ? 0 : c.profile->dose().weight_change_percent();
  const double percent = stated > 0 ? std::min(stated, Defaults::kWeightChangePercent)
                                    : Defaults::kWeightChangePercent;
  for (const pb::Lot& lot : c.therapy.lots()) {
    if (lot.dose_weight_kg() <= 0 || weight <= 0) continue;
    const double change = (weight - lot.dose_weight_kg()) / lot.dose_weight_kg() * 100;
    if (std::abs(change) <= percent) continue;
    Note(c, rule, v,
         {"within " + Number(percent) + " % of the weight by which the dose was made",
          Number(weight) + " kg, made for " + Number(lot.dose_weight_kg()) + " kg",
          "the physician judges the dose again", lot.lot(), pb::CLINICAL});
  }
}

// A dose of a certificate or of an order, and what to do about one that does not fit.
struct Dose {
  double amount = 0;
  std::string unit;
  double weight_kg = 0;
  std::string subject;
  const char* too_little_or_much;
  const char* too_much_in_all;
};

void JudgeDose(const Case& c, const Rule& rule, pb::Verdict& v, const Dose& stated,
               const pb::DoseLimits& limits) {
  constexpr double kRounding = 1e-9;  // of the arithmetic, not of the dose
  const bool per_kg = stated.unit == "10^6/kg";
  const Bounds bounds = BoundsAt(limits, stated.weight_kg);
  const bool by_weight = limits.per_kg() || limits.above_weight_kg() > 0;
  const bool needs_weight = limits.above_weight_kg() > 0 || per_kg != by_weight ||
                            (per_kg && limits.absolute_max_1e6() > 0);
  if (needs_weight && stated.weight_kg <= 0) {
    Gate(c, rule, v,
         {"the weight by which the dose was made", "none",
          "state the weight used, or record it: WEIGHT_CHANGED", stated.subject});
    return;
  }
  const double total = per_kg ? stated.amount * stated.weight_kg : stated.amount;
  double dose = stated.amount;
  if (per_kg != bounds.per_kg) dose = per_kg ? total : dose / stated.weight_kg;
  const bool outside = dose < bounds.least * (1 - kRounding) ||
                       (bounds.most > 0 && dose > bounds.most * (1 + kRounding));
  if (outside) {
    Gate(c, rule, v,
         {Text(bounds), Number(dose) + (bounds.per_kg ? " x 10^6/kg" : " x 10^6"),
          stated.too_little_or_much, stated.subject});
  }
  const double most = limits.absolute_max_1e6();
  if (most > 0 && total > most * (1 + kRounding)) {
    Gate(c, rule, v,
         {"at most " + Number(most) + " x 10^6 in all", Number(total) + " x 10^6",
          stated.too_much_in_all, stated.subject});
  }
  if (bounds.least <= 0 && bounds.most <= 0) {
    NotJudged(c, rule, v,
              {"a target, or the least and the greatest dose, in the profile", "neither",
               "quality compares the dose with the label", stated.subject});
  }
}

// An order for a dose that no certificate could ever state is put right before anything is made.
// In the profile's unit where it names none, by the weight that is known when it is given.
void JudgeOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TherapyOrdered& order = c.effective.therapy_ordered();
  if (order.target_dose() <= 0 || c.profile == nullptr || !c.profile->has_dose()) return;
  const pb::DoseLimits& limits = c.profile->dose();
  const double weight = c.therapy.condition().weight_kg();
  const std::string own = BoundsAt(limits, weight).per_kg ? "10^6/kg" : "10^6";
  constexpr const char* kNext =
      "order a dose of the label, or none: then the profile's own is made";
  const Dose dose{order.target_dose(),
                  order.target_dose_unit().empty() ? own : order.target_dose_unit(),
                  weight,
                  order.profile(),
                  kNext,
                  kNext};
  JudgeDose(c, rule, v, dose, limits);
}

}  // namespace

void DoseInRange(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_preinfusion_check_passed()) {
    return JudgeWeight(c, rule, v, c.effective.preinfusion_check_passed().weight_kg());
  }
  if (c.effective.has_weight_changed()) {
    return JudgeWeight(c, rule, v, c.effective.weight_changed().weight_kg());
  }
  if (c.effective.has_therapy_ordered()) return JudgeOrder(c, rule, v);
  Certificate certificate;
  if (!ReleaseOf(c.effective, certificate) || c.effective.has_released_oos()) return;
  if (c.profile == nullptr || !c.profile->has_dose()) {
    NotJudged(c, rule, v,
              {"dose limits in the profile", "none", "quality compares the dose with the label"});
    return;
  }
  const Dose dose{certificate.dose,
                  certificate.unit,
                  certificate.weight_kg,
                  certificate.lot,
                  "out of specification: the exceptional release, or reject",
                  "fill fewer cells, or reject"};
  JudgeDose(c, rule, v, dose, c.profile->dose());
}

}  // namespace custody::rules
