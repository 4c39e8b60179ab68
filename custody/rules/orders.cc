// The order to infuse, and that of the therapy (R37).
//
// The order in which orders are recorded is not the order in which they were given: stations work
// offline, and paper is typed in afterwards. So an order that ended stays known by its number,
// which is never used again, and what is told later takes the place of nothing that was ordered or
// ended since.
#include <algorithm>

#include "custody/lot_choice.h"
#include "custody/rules/case.h"

namespace custody::rules {

void NeedSignedOrder(const Case& c, const Rule& rule, pb::Verdict& v,
                     const pb::InfusionOrder& order, const std::string& id) {
  if (!IsLive(c) || !order.from_paper()) return;
  Gate(c, rule, v,
       {"an infusion order that physician and pharmacy or cell laboratory signed themselves",
        order.order() + " was written down by others",
        "they order it again and sign it themselves: INFUSION_ORDERED", id});
}

namespace {

// A number that ended stands for nothing any more: papers and checks that name it would fit once
// again. What is told later takes the place of nothing that was ordered or ended since.
void JudgeNumber(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InfusionOrdered& body = c.effective.infusion_ordered();
  const pb::InfusionOrder* known = FindOrder(c.therapy, body.order());
  const auto ended = [&](const pb::InfusionOrder& order) {
    return order.order() + " was cancelled or replaced " + Local(c, order.closed_us());
  };
  if (known != nullptr && !known->open()) {
    Gate(c, rule, v,
         {"an order under a number that has not ended", ended(*known),
          "the physician orders under a new number, if it is still meant", body.order()});
  } else if (known != nullptr && !IsLive(c)) {
    Gate(c, rule, v,
         {"an order that is not known yet", body.order() + " stands already",
          "leave it as it stands; if it was changed, the physician orders under a new number",
          body.order()});
  }
  const pb::InfusionOrder* before = FindOrder(c.therapy, body.replaces());
  if (before == nullptr || before->open() || before->closed_us() <= KnownUntil(c)) return;
  Gate(c, rule, v,
       {"an order given after what ended " + before->order(), ended(*before),
        "the physician orders again, if it is still meant", body.order()});
}

// So with the order of the therapy, whose number the state keeps of the last one.
void JudgeTherapyOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string& number = c.effective.therapy_ordered().order_number();
  const std::int64_t cancelled = c.therapy.order_cancelled_us();
  const bool same = !c.therapy.ordered() && number == c.therapy.order_number();
  if (cancelled > KnownUntil(c) || (cancelled != 0 && same)) {
    Gate(c, rule, v,
         {"an order given after the last one was cancelled, under a number of its own",
          "order " + c.therapy.order_number() + " was cancelled " + Local(c, cancelled),
          "the physician orders the therapy anew, if it is still meant: THERAPY_ORDERED", number});
    return;
  }
  if (IsLive(c) || !c.therapy.ordered()) return;
  Gate(c, rule, v,
       {"no order of the therapy that stands already", c.therapy.order_number() + " stands",
        "leave that one as it stands; if it is not meant, the physician orders anew", number});
}

// With several lots that may be given, the order is of the one that was selected (row 28).
void JudgeChoice(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& ordered) {
  const std::vector<const pb::Lot*> lots = GivableLots(c.therapy, At(c));
  const pb::Lot* mine = FindLot(c.therapy, ordered);
  const pb::Lot* selected = SelectedLot(c.therapy);
  const bool other = std::ranges::any_of(lots, [&](const pb::Lot* lot) { return lot != mine; });
  if (mine == nullptr || !HasRelease(*mine) || mine == selected || !other) return;
  std::vector<std::string> names;
  for (const pb::Lot* lot : lots) names.push_back(lot->lot());
  Gate(c, rule, v,
       {"the lot selected of those that may be given: " + List(names),
        selected == nullptr ? "none was selected" : selected->lot() + " was selected",
        "the physician or quality says which goes to the patient: LOT_SELECTED_FOR_INFUSION",
        ordered});
}

// An order is of one lot, by that lot's certificate.
void JudgeOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InfusionOrdered& body = c.effective.infusion_ordered();
  JudgeNumber(c, rule, v);
  if (!c.therapy.ordered() || c.therapy.order_cancelled_us() > KnownUntil(c)) {
    Gate(c, rule, v,
         {"an order of the therapy that stands", "none, or it was cancelled",
          "the physician orders the therapy: THERAPY_ORDERED"});
  }
  JudgeChoice(c, rule, v, body.lot());
  const pb::Lot* lot = FindLot(c.therapy, body.lot());
  if (lot != nullptr && lot->certificate() != body.certificate()) {
    Gate(c, rule, v,
         {"the certificate of lot " + body.lot() + ": " +
              (lot->certificate().empty() ? "none yet" : lot->certificate()),
          body.certificate(), "order by the lot's own certificate", body.lot()});
  }
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;  // F8a says so
    const bool product = container->material() == pb::DRUG_PRODUCT;
    if (product && container->lot() == body.lot()) continue;
    Gate(c, rule, v,
         {"a container of drug product of lot " + body.lot(),
          product ? "of lot " + container->lot() : "no drug product",
          "order the containers of that lot", id});
  }
}

// Whoever selects another lot after the order means that one, and the order does not know it. It
// is asked of every step from the check before the thaw on: a choice may come between two of them.
void NeedChosen(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const pb::InfusionOrder* order = OrderFor(c.therapy, container.id());
  if (order == nullptr || !IsPassedOver(c.therapy, *order, KnownUntil(c))) return;
  const pb::Lot& selected = *SelectedLot(c.therapy);
  Gate(c, rule, v,
       {"a container of lot " + selected.lot() + ", selected " + Local(c, selected.selected_us()),
        "of lot " + container.lot() + ", ordered before, " + Local(c, order->ordered_us()),
        std::string(container.thaw_started_us() == 0 ? "leave it frozen" : "do not give it") +
            "; the physician orders anew: INFUSION_ORDERED; or, if this lot is meant, it is "
            "selected: LOT_SELECTED_FOR_INFUSION",
        container.id()});
}

// The container of a step that follows an infusion order, drug product; null: of none. Of a bag
// that is somebody else's F8a speaks; "order it" would be the worst of advice.
const pb::Container* FollowsOrder(const Case& c) {
  switch (Body(c)) {
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kThawStarted:
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      break;
    default:
      return nullptr;
  }
  const pb::Container* container = FindContainer(c.therapy, StepContainers(c.effective).front());
  const bool product = container != nullptr && container->material() == pb::DRUG_PRODUCT;
  return product ? container : nullptr;
}

}  // namespace

void OrderedForBag(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_therapy_ordered()) return JudgeTherapyOrder(c, rule, v);
  if (c.effective.has_infusion_ordered()) return JudgeOrder(c, rule, v);
  const pb::Container* container = FollowsOrder(c);
  if (container == nullptr) return;
  NeedChosen(c, rule, v, *container);
  if (Body(c) != pb::Event::kPrethawIdVerified && Body(c) != pb::Event::kBedsideIdVerified) return;
  const bool prethaw = Body(c) == pb::Event::kPrethawIdVerified;
  const std::string& id = container->id();
  const std::string& scanned = prethaw ? c.effective.prethaw_id_verified().order().value()
                                       : c.effective.bedside_id_verified().order().value();
  const pb::InfusionOrder* order = OrderFor(c.therapy, id);
  if (order == nullptr) {
    Gate(c, rule, v,
         {"an open infusion order for this container", "none",
          "the physician orders the infusion; pharmacy or cell laboratory verifies it", id});
  } else if (order->order() != scanned) {
    Gate(c, rule, v,
         {"infusion order " + order->order() + " for this container", scanned, kPresentRight, id});
  } else {
    NeedSignedOrder(c, rule, v, *order, id);
  }
}

}  // namespace custody::rules
