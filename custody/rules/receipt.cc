// That product was received before anything is done with it, and is where it is used.
//
// Between the seal of the packer and the hand that thaws stands the receipt, which compares
// shipper, seals and content. Who leaves it out has compared nothing: a step that asks for
// permission is refused (R06), and what is put away or moved past it is in quarantine as for a
// broken seal (R11).
#include <algorithm>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// The shipper in whose accounts a container stands, itself or what it was drawn from; null when
// every one that it was packed into by then was received.
const pb::Shipment* NotReceived(const Case& c, const pb::Container& container) {
  for (const pb::Container* held : Lineage(c.therapy, container)) {
    for (const pb::Shipment& shipment : c.therapy.shipments()) {
      const auto& ids = shipment.containers();
      const bool inside = std::ranges::find(ids, held->id()) != ids.end();
      if (shipment.open() && inside && At(c) + kSkew >= shipment.packed_us()) return &shipment;
    }
  }
  return nullptr;
}

bool IsCarried(const pb::Container& container) {
  return container.state() == pb::CONTAINER_PACKED || container.state() == pb::CONTAINER_IN_TRANSIT;
}

std::string Unreceived(const pb::Container& container, const pb::Shipment* shipment) {
  return StateLabel(container.state()) +
         (shipment == nullptr ? ", no receipt names it"
                              : ", shipper " + shipment->shipper() + " not received");
}

// What came out of a shipper, or into another house, past the receipt.
void JudgePutAway(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
                  const std::string& site) {
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || IsTerminal(container->state())) return;
  if (container->material() == pb::SAMPLE_MATERIAL) return;  // goes to laboratories
  if (At(c) + kSkew < container->state_us()) return;         // it has gone on since
  const pb::Shipment* shipment = NotReceived(c, *container);
  // Who packed it takes it out again, before anybody carried it.
  const bool unpacked = shipment != nullptr && shipment->handed_us() == 0 &&
                        c.registry.IsSameHouse(site, shipment->from_site());
  const std::string& from = container->site();
  const bool elsewhere = !from.empty() && !site.empty() && !c.registry.IsSameHouse(from, site);
  const bool past = shipment != nullptr || IsCarried(*container);
  if (unpacked || (!past && !elsewhere)) return;
  const bool product = container->material() == pb::DRUG_PRODUCT;
  Quarantine(c, rule, v,
             {"received first, the seals of its shipper compared",
              past ? Unreceived(*container, shipment)
                   : "from " + from + " to " + site + " without shipper, seal or receipt",
              std::string("record how it came: ") + (product ? "RECEIVED_CLINIC" : "RECEIVED_MFG") +
                  ", late if it was done; " + QualityOf(c) + " decides: QUARANTINE_DECIDED",
              container->id()});
}

}  // namespace

void NeedReceipt(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr || container->material() != pb::DRUG_PRODUCT) continue;
    if (MayNotBeUsed(container->state())) continue;  // R34 says so
    const pb::Shipment* shipment = NotReceived(c, *container);
    if (shipment == nullptr && !IsCarried(*container)) continue;
    Gate(c, rule, v,
         {"product that was received: shipper, seals and content compared",
          Unreceived(*container, shipment),
          "receive it first: RECEIVED_CLINIC, entered late if it was done; then store it",
          container->id()});
  }
}

// Within a house somebody forgot to say that it moved; in another house it was never handed over.
void NeedHere(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string here = SiteOf(c);
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr || container->material() != pb::DRUG_PRODUCT) continue;
    const std::string& held = container->site();
    if (held.empty() || here.empty() || held == here || MayNotBeUsed(container->state())) continue;
    const Words words = {"a container held by " + here, "held by " + held,
                         "hand it over first: HANDOVER_OFFERED there, HANDOVER_ACCEPTED here",
                         container->id()};
    if (!c.registry.IsSameHouse(held, here)) {
      Gate(c, rule, v, words);
    } else if (c.effective.has_removed_from_storage() || c.effective.has_bedside_id_verified()) {
      Deviation(c, rule, v, words, false);
    }
  }
}

void JudgeUnreceived(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string site = SiteOf(c);
  const auto all = [&](const auto& positions, const std::string& to) {
    for (const pb::ContainerPosition& at : positions) {
      JudgePutAway(c, rule, v, at.container(), to);
    }
  };
  const std::string& moved = c.effective.moved().to_site();
  all(c.effective.stored().containers(), site);
  all(c.effective.stored_clinic().containers(), site);
  all(c.effective.moved().containers(), moved.empty() ? site : moved);
  for (const std::string& id : c.effective.stored_in_shipper().containers()) {
    JudgePutAway(c, rule, v, id, site);
  }
  const bool taken = c.effective.has_removed_from_storage() || c.effective.has_thaw_started();
  if (!taken || IsLive(c)) return;  // R06 refuses it
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    const bool product = container != nullptr && container->material() == pb::DRUG_PRODUCT;
    if (product) JudgePutAway(c, rule, v, id, site);
  }
}

}  // namespace custody::rules
