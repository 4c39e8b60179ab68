// The accounts of volumes (1.3, F14): no more leaves a container than was in it, and of one that
// was used in part the rest is accounted for. What a patient got is never refused: of facts this
// opens deviations. What is still to be done, an order or a destruction, is refused.
#include <algorithm>
#include <cmath>

#include "custody/accounting.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

std::string Millilitres(double ml) { return Number(std::round(ml * 100) / 100) + " mL"; }

// More than a container can hold, or holds still.
void NeedRoom(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container,
              double left, double volume, const char* what, const char* next) {
  const double slack = VolumeSlack(c.profile, container);
  if (volume <= std::max(left, 0.0) + slack) return;
  Gate(c, rule, v,
       {std::string(what) + " of at most " + Millilitres(std::max(left, 0.0)) + ", +/- " +
            Millilitres(slack) + ", of a container filled with " +
            Millilitres(container.volume_ml()),
        Millilitres(volume), next, container.id()});
}

constexpr const char* kAskAgain =
    "measure again; a number typed wrong is corrected by RECORD_CORRECTED; if it is right, quality "
    "and physician find out what was in it";

// The container, when it has accounts.
const pb::Container* Accounted(const Case& c, std::string_view id) {
  const pb::Container* container = FindContainer(c.therapy, id);
  return container != nullptr && HasAccounts(*container) ? container : nullptr;
}

// What was in it before this infusion, as far as it was not told already: an interruption says how
// much was given until then, and the end of the infusion says it all.
double Held(const pb::Container& container) {
  const bool told = container.infusion_ended_us() == 0;
  return LeftIn(container) + (told ? container.infused_ml() : 0);
}

// Two numbers of one volume.
void JudgePercent(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const pb::InfusionCompleted& body = c.effective.infusion_completed();
  const double meant = container.volume_ml() * body.percent_given() / 100;
  if (std::abs(meant - body.volume_given_ml()) <= VolumeSlack(c.profile, container)) return;
  const bool too_much = body.volume_given_ml() > container.volume_ml();
  if (!body.has_percent_given() || too_much) return;  // said otherwise
  Deviation(c, rule, v,
            {Number(body.percent_given()) + " % of " + Millilitres(container.volume_ml()) + ": " +
                 Millilitres(meant),
             Millilitres(body.volume_given_ml()),
             "correct the number that is wrong: RECORD_CORRECTED", container.id()},
            false);
}

// In part as planned is within 10 % of what the order says.
void JudgePlanned(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const pb::InfusionCompleted& body = c.effective.infusion_completed();
  const pb::InfusionOrder* order = OrderFor(c.therapy, container.id());
  if (body.partial_planned() != pb::YES || order == nullptr) return;
  const auto& ids = order->containers();
  const auto place = static_cast<int>(std::ranges::find(ids, container.id()) - ids.begin());
  if (place >= order->planned_ml_size()) return;
  const double planned = order->planned_ml(place);
  const double slack = planned * Defaults::kPlannedTolerancePercent / 100;
  if (planned <= 0 || std::abs(body.volume_given_ml() - planned) <= slack) return;
  Deviation(c, rule, v,
            {"as planned in order " + order->order() + ": " + Millilitres(planned) + ", +/- " +
                 Millilitres(slack),
             Millilitres(body.volume_given_ml()),
             "physician and quality judge the dose that was given", container.id()},
            false);
}

void JudgeGiven(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InfusionCompleted& body = c.effective.infusion_completed();
  const pb::Container* container = Accounted(c, body.container());
  if (container == nullptr) return;
  const double held = Held(*container);
  const double given = body.volume_given_ml();
  const double slack = VolumeSlack(c.profile, *container);
  NeedRoom(c, rule, v, *container, held, given, "a volume given", kAskAgain);
  JudgePercent(c, rule, v, *container);
  JudgePlanned(c, rule, v, *container);
  const double rest = held - given;
  const bool in_part = body.partial() == pb::YES || rest > slack;
  if (!in_part || given > held + slack) return;
  if (body.partial() != pb::YES) {
    Deviation(c, rule, v,
              {"a container given whole: " + Millilitres(held) + ", +/- " + Millilitres(slack),
               Millilitres(given) + " given, " + Millilitres(rest) + " left",
               "two people record what became of the rest: DISPOSITION, residue destroyed",
               container->id()},
              false);
  }
  if (!body.has_residual_volume_ml()) {
    if (rest > slack) {
      Note(c, rule, v,
           {"what became of the rest", "not stated: " + Millilitres(rest),
            "two people record it: DISPOSITION, residue destroyed", container->id()});
    }
    return;
  }
  const double missing = rest - body.residual_volume_ml();
  if (std::abs(missing) <= slack) return;
  Deviation(c, rule, v,
            {"given and left over together " + Millilitres(held) + ", +/- " + Millilitres(slack),
             Millilitres(given) + " given, " + Millilitres(body.residual_volume_ml()) +
                 " left over: " + Millilitres(std::abs(missing)) +
                 (missing > 0 ? " missing" : " too much"),
             kAskAgain, container->id()},
            true);
}

// One container that ends with a stated volume, or several together.
void JudgeEnd(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Disposition& body = c.effective.disposition();
  if (!body.has_volume_ml() || body.containers().empty()) return;
  double left = 0;
  double slack = 0;
  bool in_part = false;
  for (const std::string& id : body.containers()) {
    const pb::Container* container = Accounted(c, id);
    if (container == nullptr) return;
    left += std::max(LeftIn(*container), 0.0);
    slack += VolumeSlack(c.profile, *container);
    in_part = in_part || IsPartlyUsed(*container);
  }
  const double stated = body.volume_ml();
  const std::string expected = Millilitres(left) + " that are left, +/- " + Millilitres(slack);
  if (stated > left + slack) {
    Gate(c, rule, v,
         {"at most the " + expected, Millilitres(stated), "measure again, and state what is there",
          body.containers(0)});
  } else if (in_part && stated < left - slack) {
    Deviation(
        c, rule, v,
        {"the " + expected, Millilitres(stated) + ": " + Millilitres(left - stated) + " missing",
         "quality finds out where the rest went, and closes this", body.containers(0)},
        true);
  }
}

}  // namespace

void VolumesAddUp(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kInfusionOrdered:
      for (const pb::OrderedContainer& planned : c.effective.infusion_ordered().containers()) {
        const pb::Container* container = Accounted(c, planned.container());
        if (container == nullptr) continue;
        NeedRoom(c, rule, v, *container, Held(*container), planned.planned_volume_ml(),
                 "a planned volume", "order what the container holds");
      }
      return;
    case pb::Event::kInfusionInterrupted: {
      const pb::InfusionInterrupted& body = c.effective.infusion_interrupted();
      const pb::Container* container = Accounted(c, body.container());
      if (container == nullptr) return;
      return NeedRoom(c, rule, v, *container, Held(*container), body.volume_given_ml(),
                      "a volume given", kAskAgain);
    }
    case pb::Event::kInfusionCompleted:
      return JudgeGiven(c, rule, v);
    case pb::Event::kContainerDerived: {
      const pb::ContainerDerived& body = c.effective.container_derived();
      const pb::Container* parent = Accounted(c, body.parent());
      if (parent == nullptr) return;
      return NeedRoom(c, rule, v, *parent, LeftIn(*parent), body.volume_ml(), "a volume drawn",
                      kAskAgain);
    }
    case pb::Event::kContainerDamaged: {
      const pb::ContainerDamaged& body = c.effective.container_damaged();
      const pb::Container* container = Accounted(c, body.container());
      if (container == nullptr) return;
      return NeedRoom(c, rule, v, *container, LeftIn(*container) + container->lost_ml(),
                      body.volume_lost_ml(), "a volume lost", kAskAgain);
    }
    case pb::Event::kDisposition:
      return JudgeEnd(c, rule, v);
    default:
      return;
  }
}

}  // namespace custody::rules
