// From lymphodepletion to the first dose: is the product there, is the time right (R18 to R22).
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Reasons = std::vector<Words>;

// What keeps one lot from being "there": what only whoever makes it can cure, and that it has not
// come yet, whose risk the physician may take.
struct Missing {
  Reasons lasting;
  Reasons coming;
  bool none() const { return lasting.empty() && coming.empty(); }
};

Missing WhatIsMissing(const Case& c, const pb::Lot& lot) {
  Missing all;
  Reasons& missing = all.lasting;
  const bool released = IsReleased(lot) || lot.state() == pb::LOT_RELEASED_OOS;
  if (!released) {
    missing.push_back({"lot " + lot.lot() + " released", LotLabel(lot.state()),
                       "wait for the release", lot.lot()});
  }
  // What the patient declined since is given to nobody (R34), and nobody is prepared for it.
  if (lot.state() == pb::LOT_RELEASED_OOS) missing = ExceptionLacks(c, lot, lot.lot());
  bool any = false;
  for (const pb::Container& container : c.therapy.containers()) {
    if (container.lot() != lot.lot() || container.material() != pb::DRUG_PRODUCT) continue;
    // What was used up, rejected, or is named by no release that stands, is no product.
    if (MayNotBeUsed(container.state()) || container.recalled()) continue;
    if (RejectedAmong(Origins(c.therapy, container)) != nullptr) continue;
    if (released && !container.released()) continue;
    any = true;
    const std::string& id = container.id();
    // From its arrival on it is here, in the tank or taken out of it.
    const bool arrived =
        container.state() == pb::CONTAINER_RECEIVED || container.state() == pb::CONTAINER_STORED ||
        (container.state() >= pb::CONTAINER_REMOVED && container.state() <= pb::CONTAINER_VERIFIED);
    const bool here = arrived && container.site() == TreatingSite(c.therapy) &&
                      c.registry.IsSameHouse(container.arrived_site(), TreatingSite(c.therapy));
    if (!here) {
      all.coming.push_back({"the product at " + TreatingSite(c.therapy),
                            StateLabel(container.state()) +
                                (container.site().empty() ? "" : " at " + container.site()),
                            "wait until RECEIVED_CLINIC is recorded", id});
    }
    for (const pb::Quarantine* q : OpenQuarantines(c.therapy, container)) {
      missing.push_back({"no open quarantine",
                         "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
                         "wait for the decision of quality", id});
    }
    for (const pb::Hold* hold : OpenHolds(c.therapy, "LYMPHODEPLETION", &container)) {
      if (hold->containers().empty() && hold->lot().empty()) continue;  // HOLD says so
      missing.push_back({"no open hold", hold->kind() + " hold " + hold->id(),
                         "the hold is cleared by who may", id});
    }
    if (container.expiry_us() != 0 && At(c) > container.expiry_us()) {
      missing.push_back({"not expired", "expired " + Local(c, container.expiry_us()),
                         "ask the manufacturer", id});
    }
  }
  if (!any) {
    missing.push_back({"product of lot " + lot.lot(), "no container of it can be used",
                       "ask the manufacturer", lot.lot()});
  }
  return all;
}

void JudgeWaiver(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id) {
  if (Body(c) != pb::Event::kThawStarted) return;
  const std::uint32_t days = WaiverWbcDays(c.profile);
  const std::int64_t age = DaysBetween(c, c.therapy.ld().waiver_wbc_us(), At(c));
  if (age >= 0 && age <= days) return;
  Gate(c, rule, v,
       {"a white cell count at most " + std::to_string(days) +
            " d old, lymphodepletion being waived",
        std::to_string(age) + " d old", "count again: LD_WAIVED, or give lymphodepletion", id});
}

// Lymphodepletion is waived for patients who have hardly any white cells left.
void JudgeWaiving(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::LdWaived& body = c.effective.ld_waived();
  const double most = WaiverWbcMost(c.profile);
  if (body.wbc_1e9_per_l() > most) {
    Gate(c, rule, v,
         {"white cells at most " + Number(most) + " x 10^9/L", Number(body.wbc_1e9_per_l()),
          "give lymphodepletion; or the physician takes the risk"});
  }
  const std::uint32_t days = WaiverWbcDays(c.profile);
  const std::int64_t age = DaysBetween(c, Micros(body.wbc_sampled_at()), At(c));
  if (age >= 0 && age <= days) return;
  Gate(c, rule, v,
       {"a white cell count at most " + std::to_string(days) + " d old",
        std::to_string(age) + " d old", "count again"});
}

}  // namespace

namespace {

// Whether a dose, or the end of a course, is told of which nobody recorded the start.
bool IsUnstartedCourse(const Case& c) {
  const pb::Lymphodepletion& ld = c.therapy.ld();
  if (c.effective.has_ld_completed()) return ld.started_us() == 0;
  if (!c.effective.has_ld_dose()) return false;
  if (ld.started_us() == 0) return true;
  return ld.completed_us() != 0 &&
         Micros(c.effective.ld_dose().given_at()) > ld.completed_us() + kSkew;
}

// The patient is one who is to be treated, by an order that stands.
void StillMeant(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!c.therapy.ordered()) {
    Gate(c, rule, v,
         {"an order of the therapy that stands", "none, or it was cancelled",
          "the physician orders the therapy: THERAPY_ORDERED"})
        .clear_grantors();
  }
  if (!c.therapy.condition().ineligible()) return;
  Gate(c, rule, v,
       {"a patient who is treated", "found not eligible",
        "the physician assesses anew: ELIGIBILITY_ASSESSED", "", pb::CLINICAL})
      .clear_grantors();
}

// The risk of a product still on its way is the physician's to take, whoever types it.
void RiskTaken(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::vector<StepPerson> people = PeopleOf(c.effective);
  const bool physician =
      std::ranges::any_of(people, [](const StepPerson& person) { return person.role == pb::PHY; });
  const bool accepted = c.effective.ld_started().delivery_risk_accepted() == pb::YES;
  if (accepted && physician) return;
  Gate(c, rule, v,
       {"the risk of delivery accepted by the physician",
        accepted ? "accepted by somebody else" : "not accepted",
        "the physician signs and accepts it, or waits for the product"});
}

}  // namespace

void ProductThere(const Case& c, const Rule& rule, pb::Verdict& v) {
  // Without lymphodepletion the thaw is the step from which there is no way back (R20).
  const bool instead = c.effective.has_thaw_started() && c.therapy.ld().waived();
  const bool unstarted = IsUnstartedCourse(c);
  if (!c.effective.has_ld_started() && !instead && !unstarted) return;
  if (!instead) StillMeant(c, rule, v);
  const bool scheduled =
      c.profile != nullptr && c.profile->availability() == pb::RELEASED_AND_SCHEDULED;
  if (c.therapy.lots().empty()) {
    Gate(c, rule, v,
         {"the released product on site", "no lot was made yet", "wait for the product"})
        .clear_grantors();
    return;
  }
  // One lot that is there is enough; of several that are not, the newest is the one to wait for.
  Missing missing;
  for (const pb::Lot& lot : c.therapy.lots()) {
    missing = WhatIsMissing(c, lot);
    if (missing.none() || (scheduled && missing.lasting.empty())) break;
  }
  for (Words& words : missing.lasting) Gate(c, rule, v, std::move(words)).clear_grantors();
  const bool there = missing.coming.empty();
  if (!scheduled || instead || unstarted) {
    for (Words& words : missing.coming) Gate(c, rule, v, std::move(words));
    return;
  }
  if (there) return;
  const pb::LdStarted& body = c.effective.ld_started();
  RiskTaken(c, rule, v);
  // Day 0 is the earliest day of the infusion: the last dose, and the days that the label wants.
  const std::uint32_t after = std::max(c.profile->ld().min_days(), Defaults::kLdMinDays);
  const std::int64_t left = std::int64_t{body.planned_days()} - 1 + after;
  std::int64_t expected = c.therapy.expected_delivery_us();
  for (const pb::Shipment& shipment : c.therapy.shipments()) {
    const bool coming = shipment.open() && shipment.product() && shipment.expected_us() != 0;
    if (coming) expected = shipment.expected_us();
  }
  if (expected != 0 && DaysBetween(c, At(c), expected) <= left - 1) return;
  Gate(c, rule, v,
       {"delivery at least a day before the infusion",
        expected == 0 ? "no date of delivery" : "expected " + Local(c, expected),
        "move lymphodepletion"});
}

namespace {

// What the physician answers at the step, and what earlier records say and nobody has taken back:
// an answer does not make an infection go away.
template <class Body>
void JudgeFit(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body) {
  const pb::PatientCondition& known = c.therapy.condition();
  const auto need = [&](pb::Answer answer, bool open, const std::string& what,
                        const std::string& found, const std::string& next) {
    if (answer == pb::YES) {
      Gate(c, rule, v, {"no " + what, "yes", "treat it first; or the physician takes the risk"});
    } else if (open) {
      Gate(c, rule, v, {"no " + what, found, next + "; or the physician takes the risk"});
    }
  };
  std::vector<std::string> begun;
  for (const std::int64_t start : known.bridging_reactions()) begun.push_back(Local(c, start));
  need(body.serious_bridging_reaction(), !begun.empty(), "open serious reaction to bridging",
       "recorded of the bridging begun " + List(begun),
       "when it has resolved record BRIDGING_GIVEN again with that start, saying so");
  std::vector<std::string> named;
  for (const pb::OpenInfection& one : known.infections()) named.push_back(one.infection());
  need(body.active_infection(), known.infection_open(), "active infection",
       named.empty() ? "recorded, last asked " + Local(c, known.infection_said_us())
                     : "recorded: " + List(named),
       "treat it, then record its end: INFECTION_DIAGNOSED, or INFECTION_SCREENED_PRE with no");
  need(body.active_gvhd(), known.gvhd_open(), "active graft-versus-host disease",
       "recorded " + Local(c, known.gvhd_said_us()),
       "treat it, then record an examination that finds none: DAILY_EXAM");
}

}  // namespace

void FitForLd(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (IsUnstartedCourse(c)) {
    Gate(c, rule, v,
         {"reactions, infection and graft-versus-host disease asked before the first dose",
          "no LD_STARTED of this course", "record LD_STARTED as done; the physician judges it"});
  }
  if (c.effective.has_ld_started()) JudgeFit(c, rule, v, c.effective.ld_started());
  if (c.effective.has_ld_repeated()) JudgeFit(c, rule, v, c.effective.ld_repeated());
}

void NotTooLate(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_ld_waived()) return JudgeWaiving(c, rule, v);
  std::string id;
  if (!IsProductStep(c, id) || !IsFirstDose(c, id)) return;
  const pb::Lymphodepletion& ld = c.therapy.ld();
  if (ld.waived()) return JudgeWaiver(c, rule, v, id);
  if (ld.last_dose_us() == 0 || ld.completed_us() == 0) {
    Gate(c, rule, v,
         {"lymphodepletion completed, or waived",
          ld.started_us() == 0 ? "not started" : "started, not completed",
          "record LD_COMPLETED or LD_WAIVED", id});
    return;
  }
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), At(c));
  const std::uint32_t most = LdMaxDays(c.profile);
  if (days <= most) return;
  Gate(c, rule, v,
       {"the first dose at most " + std::to_string(most) +
            " calendar days after the last dose of "
            "lymphodepletion",
        std::to_string(days) + " days", "repeat lymphodepletion, or the physician overrides", id});
}

void NotTooEarly(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  if (Body(c) != pb::Event::kInfusionStarted || !IsProductStep(c, id) || !IsFirstDose(c, id))
    return;
  const pb::Lymphodepletion& ld = c.therapy.ld();
  if (ld.waived() || ld.last_dose_us() == 0) return;
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), At(c));
  const pb::LdWindow window = c.profile == nullptr ? pb::LdWindow() : c.profile->ld();
  const std::uint32_t least = std::max(window.min_days(), Defaults::kLdMinDays);
  if (days < least) {
    Deviation(c, rule, v,
              {"the first dose at least " + std::to_string(least) + " d after lymphodepletion",
               std::to_string(days) + " d", "quality and physician judge it", id},
              false);
  }
  const bool outside = window.advisory_max_days() != 0 &&
                       (days < window.advisory_min_days() || days > window.advisory_max_days());
  if (outside) {
    Note(c, rule, v,
         {"advised: " + std::to_string(window.advisory_min_days()) + " to " +
              std::to_string(window.advisory_max_days()) + " d after lymphodepletion",
          std::to_string(days) + " d", "an advice only", id});
  }
}

// Before the product leaves its storage it is advice; who infuses all the same departs from it.
void RepeatAdvised(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  const bool go = Body(c) == pb::Event::kPreinfusionCheckPassed;
  if (!go && (Body(c) == pb::Event::kThawStarted || !IsProductStep(c, id))) return;
  const bool first = go ? c.therapy.first_infused_us() == 0 : IsFirstDose(c, id);
  const pb::Lymphodepletion& ld = c.therapy.ld();
  const pb::LdWindow window = c.profile == nullptr ? pb::LdWindow() : c.profile->ld();
  if (!first || ld.waived() || ld.last_dose_us() == 0 || window.repeat_after_days() == 0) return;
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), At(c));
  if (days <= window.repeat_after_days()) return;
  std::string count;
  if (window.has_repeat_wbc_above()) {
    const std::int64_t age = DaysBetween(c, ld.wbc_us(), At(c));
    const bool known = ld.has_wbc_1e9_per_l() && ld.wbc_us() > ld.last_dose_us() && age >= 0 &&
                       age <= Defaults::kWaiverWbcDays;
    if (known && ld.wbc_1e9_per_l() <= window.repeat_wbc_above()) return;
    count = known ? ", white cells " + Number(ld.wbc_1e9_per_l()) + " x 10^9/L"
                  : ", and no white cell count of the last " +
                        std::to_string(Defaults::kWaiverWbcDays) + " d";
  }
  Words words{"the first dose at most " + std::to_string(window.repeat_after_days()) +
                  " d after lymphodepletion" +
                  (count.empty() ? ""
                                 : ", or white cells at most " + Number(window.repeat_wbc_above()) +
                                       " x 10^9/L"),
              std::to_string(days) + " d" + count,
              "the physician considers another course: LD_REPEATED", id};
  if (Body(c) == pb::Event::kInfusionStarted) {
    Deviation(c, rule, v, std::move(words), false);
  } else {
    Note(c, rule, v, std::move(words));
  }
}

}  // namespace custody::rules
