// A dose in parts: the second dose after a first one (R32), and components that are infused one
// after the other (R33).
//
// How much a dose is, is asked of all that is ordered of it, in however many orders; and a product
// whose profile divides nothing has one dose, in however many bags and on however many days.
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// What was seen since the first dose, of CRS or of ICANS.
struct Reaction {
  const char* name;
  std::int32_t worst;
  std::int32_t open;  // grade of what is not resolved; 0: nothing
  std::uint32_t waits_from;
  std::uint32_t stops_from;
  bool waits() const { return waits_from != 0 && worst >= static_cast<std::int32_t>(waits_from); }
  bool stops() const { return stops_from != 0 && worst >= static_cast<std::int32_t>(stops_from); }
  bool lasts() const { return waits_from != 0 && open >= static_cast<std::int32_t>(waits_from); }
};

std::vector<Reaction> Reactions(const Case& c) {
  const pb::PatientCondition& patient = c.therapy.condition();
  const pb::SplitDose& plan = c.profile->split_dose();
  return {{"CRS", patient.crs_max(), patient.crs_open() ? patient.crs_grade() : 0,
           plan.crs_wait_grade(), plan.crs_stop_grade()},
          {"ICANS", patient.icans_max(), patient.icans_open() ? patient.icans_grade() : 0,
           plan.icans_wait_grade(), plan.icans_stop_grade()}};
}

void JudgeReactions(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& subject) {
  for (const Reaction& seen : Reactions(c)) {
    const std::string what = std::string("no ") + seen.name + " of grade ";
    if (seen.stops()) {
      Gate(c, rule, v,
           {what + std::to_string(seen.stops_from) + " or more since the first dose",
            "grade " + std::to_string(seen.worst),
            "no second dose; what is left of the product: DISPOSITION", subject});
    } else if (seen.lasts()) {
      Gate(c, rule, v,
           {what + std::to_string(seen.waits_from) + " or more that lasts",
            "grade " + std::to_string(seen.open) + ", not resolved",
            "wait until it resolves; then grade it again", subject});
    }
  }
}

// The day of the first dose is day 1.
void JudgeDay(const Case& c, const Rule& rule, pb::Verdict& v, std::int64_t at,
              const std::string& subject) {
  const pb::SplitDose& plan = c.profile->split_dose();
  const std::vector<Reaction> seen = Reactions(c);
  const bool waited = std::ranges::any_of(seen, [](const Reaction& r) { return r.waits(); });
  const std::uint32_t last =
      waited ? std::max(plan.second_to_day(), plan.latest_day()) : plan.second_to_day();
  const std::int64_t day = DaysBetween(c, c.therapy.first_infused_us(), at) + 1;
  const bool late = last != 0 && day > last;
  if (day >= plan.second_from_day() && !late) return;
  Gate(c, rule, v,
       {"the second dose on day " + std::to_string(plan.second_from_day()) +
            (last == 0 ? " or later" : " to " + std::to_string(last)) + ", the first being day 1",
        "day " + std::to_string(day),
        late ? "no second dose any more, or the physician takes the risk" : "wait until that day",
        subject});
}

// The marrow of hardly a week ago divides who gets how much.
void JudgeMarrow(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::LdStarted& body = c.effective.ld_started();
  const std::uint32_t days =
      Tightened(Defaults::kMarrowDays, c.profile->split_dose().marrow_days());
  const std::string expected =
      "blasts of a marrow sampled at most " + std::to_string(days) + " d before";
  const char* const next = "sample the marrow, and state blasts and date";
  const std::int64_t sampled = Micros(body.marrow_sampled_at());
  if (!body.has_marrow_blasts_percent() || sampled == 0) {
    Gate(c, rule, v, {expected, "none stated", next});
    return;
  }
  const std::int64_t age = DaysBetween(c, sampled, At(c));
  if (age >= 0 && age <= days && sampled <= At(c) + kSkew) return;
  Gate(c, rule, v, {expected, std::to_string(age) + " d before", next});
}

// What other orders of the same dose plan: those that stand, and of those that ended what was begun
// to be given. What this order replaces or names again is not planned twice.
double PlannedElsewhere(const Case& c, const pb::InfusionOrdered& order) {
  const std::vector<std::string> named = StepContainers(c.effective);
  double planned = 0;
  for (const pb::InfusionOrder& other : c.therapy.orders()) {
    if ((other.dose_number() >= 2) != (order.dose_number() >= 2)) continue;
    const bool stands =
        other.open() && other.order() != order.order() && other.order() != order.replaces();
    const int parts = std::min(other.containers_size(), other.planned_dose_1e6_size());
    for (int i = 0; i < parts; ++i) {
      const pb::Container* part = FindContainer(c.therapy, other.containers(i));
      const bool again = std::ranges::find(named, other.containers(i)) != named.end();
      const bool begun = part != nullptr && part->infusion_started_us() != 0 && !again;
      if (stands || begun) planned += other.planned_dose_1e6(i);
    }
  }
  return planned;
}

// How much an order plans, by the blasts before lymphodepletion.
void JudgeAmount(const Case& c, const Rule& rule, pb::Verdict& v, const pb::InfusionOrdered& order,
                 bool second) {
  const pb::SplitDose& plan = c.profile->split_dose();
  if (plan.marrow_blasts_percent() <= 0) return;
  if (!c.therapy.ld().has_blasts_percent()) {
    Gate(c, rule, v,
         {"the blasts in the marrow before lymphodepletion", "not recorded",
          "look them up; the physician decides how much is given", order.order()});
    return;
  }
  const double blasts = c.therapy.ld().blasts_percent();
  const bool above = blasts > plan.marrow_blasts_percent();
  const double low = second ? plan.second_1e6() : plan.first_1e6();
  const double high = second ? plan.second_above_1e6() : plan.first_above_1e6();
  const double meant = above ? high : low;
  const double percent = plan.tolerance_percent() > 0 ? std::min(plan.tolerance_percent(),
                                                                 Defaults::kPlannedTolerancePercent)
                                                      : Defaults::kPlannedTolerancePercent;
  const double elsewhere = PlannedElsewhere(c, order);
  double planned = elsewhere;
  for (const pb::OrderedContainer& part : order.containers()) planned += part.planned_dose_1e6();
  const double slack = meant * percent / 100;
  if (meant <= 0 || (planned >= meant - slack && planned <= meant + slack)) return;
  Gate(c, rule, v,
       {std::string(second ? "a second" : "a first") + " dose of " + Number(meant) +
            " x 10^6, +/- " + Number(percent) + " %, with " + Number(blasts) + " % blasts",
        Number(planned) + " x 10^6" +
            (elsewhere > 0 ? ", of it " + Number(elsewhere) + " in other orders" : ""),
        elsewhere > 0 ? "say which order it replaces, or cancel that one: INFUSION_ORDER_CANCELLED"
                      : "order the containers and volumes of that dose",
        order.order()});
}

void JudgeOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InfusionOrdered& order = c.effective.infusion_ordered();
  if (order.dose_number() == 0) return;  // nothing said yet
  const bool split = c.profile != nullptr && c.profile->has_split_dose();
  const std::uint32_t most = split ? 2 : 1;
  if (order.dose_number() > most) {
    Gate(c, rule, v,
         {split ? "one of the two doses of this product"
                : "dose number 1: this product is given in one dose",
          "dose number " + std::to_string(order.dose_number()),
          "order it as a part of the dose that it belongs to; or the physician takes the risk of "
          "another dose",
          order.order()});
  }
  if (!split) return;
  const bool second = order.dose_number() >= 2;
  if (!second && c.therapy.doses_given() >= 1) {
    Gate(c, rule, v,
         {"dose number 2, the first being given", "dose number 1",
          "order it as what it is; or the physician says that the first goes on", order.order()});
  }
  if (!order.containers().empty()) JudgeAmount(c, rule, v, order, second);
  if (!second || c.therapy.first_infused_us() == 0) return;
  JudgeReactions(c, rule, v, order.order());
  JudgeDay(c, rule, v, Micros(order.planned_at()), order.order());
}

// How much of a container was given, itself or what was drawn from it, in mL.
double Given(const pb::TherapyState& state, const pb::Container& container) {
  double given = 0;
  for (const pb::Container& other : state.containers()) {
    const std::vector<const pb::Container*> line = Lineage(state, other);
    const bool of_it = std::ranges::find(line, &container) != line.end();
    if (of_it) given += other.infused_ml();
  }
  return given;
}

// Whether what was planned of one container is given; one that was given whole is.
bool IsComplete(const pb::TherapyState& state, const pb::Container& container, double planned_ml) {
  if (container.state() == pb::CONTAINER_INFUSED) return true;
  const double least = planned_ml * (1 - Defaults::kPlannedTolerancePercent / 100);
  return planned_ml > 0 && Given(state, container) >= least;
}

// A component that comes before the one that shall be infused now.
void NeedComponent(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& component,
                   std::uint32_t dose, const std::string& subject) {
  bool planned = false;
  std::vector<std::string> open;
  for (const pb::InfusionOrder& order : c.therapy.orders()) {
    if (!order.open() || order.dose_number() != dose) continue;
    for (int i = 0; i < order.containers_size(); ++i) {
      const pb::Container* part = FindContainer(c.therapy, order.containers(i));
      if (part == nullptr || part->component() != component) continue;
      planned = true;
      const double ml = i < order.planned_ml_size() ? order.planned_ml(i) : 0;
      if (!IsComplete(c.therapy, *part, ml)) open.push_back(part->id());
    }
  }
  if (planned && open.empty()) return;
  Gate(c, rule, v,
       {"all planned " + component + " infused before",
        planned ? "not yet: " + List(open) : "no " + component + " in the order",
        "infuse " + component + " first; or the physician records why not", subject});
}

}  // namespace

void SecondDose(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_infusion_ordered()) return JudgeOrder(c, rule, v);
  if (c.profile == nullptr || !c.profile->has_split_dose()) return;
  if (c.effective.has_ld_started()) return JudgeMarrow(c, rule, v);
  std::string id;
  if (!IsProductStep(c, id)) return;
  const pb::InfusionOrder* order = OrderFor(c.therapy, id);
  if (order == nullptr || order->dose_number() <= 1) return;
  if (c.therapy.first_infused_us() == 0) {
    Gate(c, rule, v,
         {"the first dose infused before the second", "no infusion yet",
          "take the containers of the first dose", id});
    return;
  }
  JudgeReactions(c, rule, v, id);
  JudgeDay(c, rule, v, At(c), id);
}

void ComponentsInOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  if (c.profile == nullptr || c.profile->components().empty()) return;
  if (!c.effective.has_infusion_started() || !IsProductStep(c, id)) return;
  const pb::Container* container = FindContainer(c.therapy, id);
  const auto& components = c.profile->components();
  const auto mine = std::ranges::find(components, container->component());
  if (mine == components.end()) {
    Gate(c, rule, v,
         {"a container of " + List({components.begin(), components.end()}),
          container->component().empty() ? "no component recorded" : container->component(),
          "ask the manufacturer which component it is", id});
    return;
  }
  const pb::InfusionOrder* order = OrderFor(c.therapy, id);
  if (order == nullptr) return;  // R26 says so
  for (auto before = components.begin(); before != mine; ++before) {
    NeedComponent(c, rule, v, *before, order->dose_number(), id);
  }
}

}  // namespace custody::rules
