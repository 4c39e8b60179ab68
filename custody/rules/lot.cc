// What a lot is made of and what is named of it: asked by both kinds of release (R16, R17), and of
// a recall.
#include "custody/rules/case.h"

namespace custody::rules {

void NeedSoundLot(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (lot.state() == pb::LOT_REJECTED || lot.state() == pb::LOT_RECALLED) {
    Gate(c, rule, v,
         {"a lot that was not rejected", LotLabel(lot.state()),
          "do not release it; make another: RECOLLECTION_ORDERED, or retained cells", lot.lot()});
  }
  for (const pb::Quarantine* q : OpenQuarantinesOfLot(c.therapy, lot)) {
    // The exceptional release may cure a temperature, nothing else.
    if (c.effective.has_released_oos() && q->kind() == pb::QUARANTINED_TEMP) continue;
    Gate(c, rule, v,
         {"no open quarantine of the lot or of the cells it was made of",
          "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
          q->kind() == pb::QUARANTINED_IDENTITY
              ? "two of quality of both organisations resolve it: IDENTITY_RESOLVED"
              : "quality of the manufacturer decides: QUARANTINE_DECIDED",
          lot.lot()});
  }
  if (const pb::Container* cells = RejectedAmong(SourcesOf(c.therapy, lot.lot()))) {
    Gate(c, rule, v,
         {"cells that quality did not reject", cells->id() + " was rejected",
          "quality of the manufacturer rejects the lot: REJECTED", lot.lot()});
  }
}

void NeedOwnProduct(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const auto& containers = c.effective.has_released_oos() ? c.effective.released_oos().containers()
                           : c.effective.has_released()
                               ? c.effective.released().containers()
                               : c.effective.qp_certification().containers();
  for (const pb::ReleasedContainer& named : containers) {
    const pb::Container* container = FindContainer(c.therapy, named.container());
    if (container == nullptr) continue;  // F8a says so
    const bool product = container->material() == pb::DRUG_PRODUCT;
    if (!product || container->lot() != lot.lot()) {
      Gate(c, rule, v,
           {"a container of drug product of lot " + lot.lot(),
            product ? "of lot " + container->lot() : "no drug product",
            "name the containers of this lot, each lot in its own certificate", container->id()});
    } else if (container->recalled()) {
      Gate(c, rule, v,
           {"a container that was not recalled", "recalled",
            "leave it out: a recall is never undone; record its DISPOSITION", container->id()});
    }
  }
}

void RecallConcerns(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ProductRecalled& recall = c.effective.product_recalled();
  const bool any =
      !RecalledLots(c.therapy, recall).empty() || !RecalledContainers(c.therapy, recall).empty();
  if (any) return;
  std::vector<std::string> known;
  for (const pb::Lot& lot : c.therapy.lots()) {
    known.push_back("lot " + lot.lot());
    for (const std::string& vector : lot.vector_lots()) known.push_back("vector " + vector);
  }
  Gate(c, rule, v,
       {"something of this therapy: " + List(known),
        recall.identifier_type() + " " + recall.identifier() + " is none",
        "look the number up, or name the containers; a therapy without it has nothing to recall",
        recall.identifier()});
}

}  // namespace custody::rules
