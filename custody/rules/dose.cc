// R24: the dose that a certificate states, by the weight that the manufacturer used.
#include <algorithm>
#include <cmath>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// What binds a certificate, in 10^6 cells or 10^6 cells/kg; 0: no such limit.
struct Bounds {
  double least = 0;
  double most = 0;
  bool per_kg = false;
};

Bounds BoundsAt(const pb::DoseLimits& limits, double weight_kg) {
  const bool heavy = limits.above_weight_kg() > 0 && weight_kg > limits.above_weight_kg();
  if (heavy) return {limits.above_min_1e6(), limits.above_max_1e6(), false};
  return {limits.min_1e6(), limits.max_1e6(), limits.per_kg()};
}

std::string Text(const Bounds& bounds, double slack) {
  const std::string unit = bounds.per_kg ? " x 10^6/kg" : " x 10^6";
  const std::string least = Number(bounds.least * (1 - slack));
  if (bounds.most <= 0) return "a dose of at least " + least + unit;
  return "a dose from " + least + " to " + Number(bounds.most * (1 + slack)) + unit;
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

void JudgeDose(const Case& c, const Rule& rule, pb::Verdict& v, const Certificate& certificate,
               const pb::DoseLimits& limits) {
  const bool per_kg = certificate.unit == "10^6/kg";
  const Bounds bounds = BoundsAt(limits, certificate.weight_kg);
  const bool by_weight = limits.per_kg() || limits.above_weight_kg() > 0;
  const bool needs_weight = limits.above_weight_kg() > 0 || per_kg != by_weight ||
                            (per_kg && limits.absolute_max_1e6() > 0);
  if (needs_weight && certificate.weight_kg <= 0) {
    Gate(c, rule, v,
         {"the weight by which the dose was made", "none", "state the weight used",
          certificate.lot});
    return;
  }
  const double slack = limits.tolerance_percent() / 100;
  const double total = per_kg ? certificate.dose * certificate.weight_kg : certificate.dose;
  double dose = certificate.dose;
  if (per_kg != bounds.per_kg) dose = per_kg ? total : dose / certificate.weight_kg;
  const bool outside =
      dose < bounds.least * (1 - slack) || (bounds.most > 0 && dose > bounds.most * (1 + slack));
  if (outside) {
    Gate(c, rule, v,
         {Text(bounds, slack), Number(dose) + (bounds.per_kg ? " x 10^6/kg" : " x 10^6"),
          "out of specification: the exceptional release, or reject", certificate.lot});
  }
  if (limits.absolute_max_1e6() > 0 && total > limits.absolute_max_1e6() * (1 + slack)) {
    Gate(c, rule, v,
         {"at most " + Number(limits.absolute_max_1e6()) + " x 10^6 in all",
          Number(total) + " x 10^6", "fill fewer cells, or reject", certificate.lot});
  }
  if (bounds.least <= 0 && bounds.most <= 0) {
    NotJudged(c, rule, v,
              {"the least and the greatest dose in the profile", "neither",
               "quality compares the dose with the label", certificate.lot});
  }
}

}  // namespace

void DoseInRange(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_preinfusion_check_passed()) {
    return JudgeWeight(c, rule, v, c.effective.preinfusion_check_passed().weight_kg());
  }
  if (c.effective.has_weight_changed()) {
    return JudgeWeight(c, rule, v, c.effective.weight_changed().weight_kg());
  }
  Certificate certificate;
  if (!ReleaseOf(c.effective, certificate) || c.effective.has_released_oos()) return;
  if (c.profile == nullptr || !c.profile->has_dose()) {
    NotJudged(c, rule, v,
              {"dose limits in the profile", "none", "quality compares the dose with the label"});
    return;
  }
  JudgeDose(c, rule, v, certificate, c.profile->dose());
}

}  // namespace custody::rules
