// F11: what was lost, opened or delivered wrongly, and what was damaged on its way.
#include <algorithm>

#include "custody/rules/case.h"
#include "custody/rules/cold_chain.h"

namespace custody::rules {
namespace {

// A damaged package may hold sound containers: somebody looks at each and says so.
void JudgeOuterDamage(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool mfg = c.effective.has_received_mfg();
  const pb::Answer damaged = mfg ? c.effective.received_mfg().outer_damage()
                                 : c.effective.received_clinic().outer_damage();
  const std::string& shipper = mfg ? c.effective.received_mfg().shipper().value()
                                   : c.effective.received_clinic().shipper().value();
  if (damaged != pb::YES) return;
  Deviation(c, rule, v,
            {"a package without damage", "damaged outside",
             "look at every container; record CONTAINER_DAMAGED for what is harmed", shipper},
            true);
}

// Lost is for ever unless it is found: whoever had it says so, the way it was on or the site that
// held it, and nobody else of a container that lies somewhere.
void JudgeLoss(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ShipmentLost& body = c.effective.shipment_lost();
  const pb::Shipment* shipment = OpenShipment(c.therapy, body.shipper());
  for (const std::string& id : body.containers()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;  // F8a says so
    const bool inside =
        container->shipment() == body.shipper() ||
        (shipment != nullptr && std::ranges::find(shipment->containers(), container->id()) !=
                                    shipment->containers().end());
    if (inside || container->site().empty() || container->site() == SiteOf(c)) continue;
    Deviation(c, rule, v,
              {"a container of shipper " + body.shipper() + ", or said by who holds it",
               StateLabel(container->state()) + " at " + container->site(),
               "it stays where it is recorded; let that site look for it", container->id()},
              true);
  }
}

}  // namespace

void CustodyUnbroken(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto all = [&](const auto& containers, const char* found) {
    for (const std::string& id : containers) {
      Quarantine(c, rule, v,
                 {"an unbroken custody", found,
                  "put it aside; " + QualityOf(c) + " decides: QUARANTINE_DECIDED", NameOf(c, id)});
    }
  };
  const auto content = [&](const std::string& shipper, const char* found) {
    const pb::Shipment* shipment = LastShipment(c.therapy, shipper);
    if (shipment != nullptr) return all(shipment->containers(), found);
    Deviation(c, rule, v,
              {"a shipment of this therapy", shipper + " is none",
               "look which one it is, and record it with its containers", shipper},
              true);
  };
  if (c.effective.has_received_mfg() || c.effective.has_received_clinic()) {
    JudgeOuterDamage(c, rule, v);
    std::vector<std::string> lost;
    for (const std::string& id : StepContainers(c.effective)) {
      const pb::Container* container = FindContainer(c.therapy, id);
      if (container != nullptr && container->state() == pb::CONTAINER_LOST) lost.push_back(id);
    }
    all(lost, "lost and found again");
  } else if (c.effective.has_shipment_lost()) {
    JudgeLoss(c, rule, v);
  } else if (c.effective.has_shipment_found()) {
    all(c.effective.shipment_found().containers(), "lost and found again");
  } else if (c.effective.has_seal_broken()) {
    // Who finds a broken seal under way cannot scan what is inside.
    const pb::SealBroken& body = c.effective.seal_broken();
    if (body.containers().empty()) return content(body.shipper(), "seal broken");
    all(body.containers(), "seal broken");
  } else if (c.effective.has_wrong_consignee()) {
    content(c.effective.wrong_consignee().shipper(), "delivered to the wrong consignee");
  }
}

}  // namespace custody::rules
