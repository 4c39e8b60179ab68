// What a lot went through before its release (R46), and how often cells are collected (F3).
#include <algorithm>

#include "custody/body_plan.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {

// A product that skipped a step of its making is another product: nobody overrides it, what was
// done and not recorded is recorded late.
void StepsMade(const Case& c, const Rule& rule, pb::Verdict& v) {
  Certificate certificate;
  if (c.profile == nullptr || !ReleaseOf(c.effective, certificate)) return;
  const pb::Lot* lot = FindLot(c.therapy, certificate.lot);
  if (lot == nullptr) return;  // F8a says so
  for (const std::string& step : c.profile->mandatory_steps()) {
    const int number = BodyNumber(step);
    const auto& made = lot->made();
    if (number != 0 && std::ranges::find(made, static_cast<std::uint32_t>(number)) != made.end()) {
      continue;
    }
    const std::string label = number == 0 ? step : PlanOf(number).rule->label();
    Gate(c, rule, v,
         {"recorded of this lot: " + label, number == 0 ? "there is no such step" : "not recorded",
          number == 0 ? "the trustees publish the profile with the right names of its steps"
                      : "if it was done, record it late; else reject the lot",
          lot->lot()});
  }
}

void AttemptsLeft(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!c.effective.has_recollection_ordered()) return;
  const std::uint32_t stated = c.effective.recollection_ordered().attempt();
  const std::uint32_t counted = c.therapy.recollections() + 2;  // the first was ordered by nobody
  const std::uint32_t limit = c.profile == nullptr ? 0 : c.profile->max_collection_attempts();
  const std::uint32_t most = Tightened(Defaults::kCollections, limit);
  const std::uint32_t attempt = std::max(stated, counted);
  if (attempt > most) {
    Gate(c, rule, v,
         {"at most " + std::to_string(most) + " collections", "number " + std::to_string(attempt),
          "a physician reviews the case: OVERRIDE_GRANTED with the reasons, or INELIGIBLE"});
  }
  if (stated == counted || stated == 0) return;
  Note(c, rule, v,
       {"attempt " + std::to_string(counted) + ", as counted here", std::to_string(stated),
        "look whether a collection order is missing here"});
}

}  // namespace custody::rules
