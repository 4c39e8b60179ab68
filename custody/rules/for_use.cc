// Whether this container may be used now (R34): the scanned container's own lot, quarantines and
// expiry. The therapy's state is never asked: a therapy may have one lot released and another
// rejected, one bag held and one free.
#include <utility>

#include "custody/oos.h"
#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

std::string ExpiryText(const Case& c, std::int64_t expiry) { return "expires " + Local(c, expiry); }

// Steps at the patient. Collected cells may be taken out and thawed for manufacture.
bool ForPatient(const Case& c) {
  return c.effective.has_bedside_id_verified() || c.effective.has_infusion_started();
}

// After the first of several releases product may travel, if that release says so, marked as what
// it is.
bool MayShipEarly(const Case& c, const pb::Lot* lot) {
  if (lot == nullptr || c.profile == nullptr || !c.profile->ship_after_first_release())
    return false;
  if (lot->releases().empty() || lot->state() != pb::LOT_FILLED) return false;
  if (!lot->ship_under_quarantine()) return false;
  if (c.effective.has_packed()) return c.effective.packed().under_quarantine() == pb::YES;
  const pb::Shipment* shipment = OpenShipment(
      c.therapy, c.effective.has_handover_offered() ? c.effective.handover_offered().shipper()
                                                    : c.effective.handed_to_carrier().shipper());
  return shipment != nullptr && shipment->under_quarantine();
}

// What goes to its maker may go in any state. Where it goes says so, not what somebody calls the
// leg; nor does a shipper that was packed for the maker go there when it is offered to a hospital.
bool GoesToMaker(const Case& c) {
  if (c.effective.has_packed()) {
    return IsMakersSite(c, c.effective.packed().destination_site());
  }
  const pb::HandoverOffered& offer = c.effective.handover_offered();
  const bool offered = c.effective.has_handover_offered();
  if (offered && IsMakersSite(c, offer.to_site())) return true;
  if (offered && (offer.closed() != pb::YES || !offer.containers().empty())) return false;
  const EnrolledOrganisation* taker = c.registry.OrganisationOfSite(offer.to_site());
  if (taker != nullptr && taker->kind != pb::CARRIER) return false;
  const pb::Shipment* shipment = OpenShipment(
      c.therapy, offered ? offer.shipper() : c.effective.handed_to_carrier().shipper());
  return shipment != nullptr && IsMakersSite(c, shipment->to_site());
}

// One container, all of its reasons.
void JudgeContainer(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
                    bool shipping) {
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr) return;  // F8a says so
  const auto blocked = [&](std::string expected, std::string found, std::string next,
                           pb::FieldClass found_class = pb::FIELD_CLASS_UNSPECIFIED) {
    Gate(c, rule, v, {std::move(expected), std::move(found), std::move(next), id, found_class});
  };
  if (container->material() != pb::DRUG_PRODUCT) {
    if (!ForPatient(c)) return;
    return blocked("a container of drug product",
                   container->material() == pb::STARTING_MATERIAL ? "collected cells, not product"
                                                                  : "a sample",
                   "do not use it: only released product is given");
  }
  const std::vector<const pb::Container*> line = Lineage(c.therapy, *container);
  const bool named = std::ranges::all_of(line, [](const auto* held) { return held->released(); });
  const pb::Lot* lot = FindLot(c.therapy, container->lot());
  const bool released = lot != nullptr && IsReleased(*lot) && named;
  const bool exceptional = lot != nullptr && lot->state() == pb::LOT_RELEASED_OOS && named;
  const bool first_release = shipping && MayShipEarly(c, lot);
  if (exceptional) {
    for (Words& words : ExceptionLacks(c, *lot, id)) Gate(c, rule, v, std::move(words));
  }
  if (!released && !exceptional && !first_release) {
    const bool unnamed = lot != nullptr && IsReleased(*lot);
    blocked("lot " + container->lot() + " released, naming this container",
            lot == nullptr ? "no such lot"
            : unnamed      ? "the release does not name this container"
                           : LotLabel(lot->state()),
            "do not use it; quality of the manufacturer releases or rejects the lot");
  }
  if (container->expiry_us() != 0 && At(c) > container->expiry_us()) {
    blocked("not expired", ExpiryText(c, container->expiry_us()),
            "do not use it; only the exceptional release may cure an expiry; if its label has a "
            "later date, quality takes the release back and says so: RELEASE_WITHDRAWN");
  }
  for (const pb::Quarantine* q : OpenQuarantines(c.therapy, *container)) {
    blocked("no open quarantine", "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
            q->kind() == pb::QUARANTINED_IDENTITY
                ? "two of quality of both organisations resolve it: IDENTITY_RESOLVED"
                : "quality of the manufacturer decides: QUARANTINE_DECIDED");
  }
  const std::string_view scope = HoldScopeOf(c);
  for (const pb::Hold* hold : OpenHolds(c.therapy, scope, container)) {
    blocked("no open hold", hold->kind() + " hold " + hold->id() + ": " + hold->reason(),
            "the hold is cleared by who may: HOLD_CLEARED", pb::CLINICAL);
  }
  if (MayNotBeUsed(container->state())) {
    blocked("a container that may still be used", StateLabel(container->state()),
            "take the container that was ordered");
  }
  for (const pb::Container* held : line) {
    if (held->refrozen())
      blocked("never frozen again after a thaw", held->id() + " was", "discard it");
    if (held->recalled()) {
      blocked("a container that was not recalled", held->id() + " was recalled",
              "do not use it; quality of the manufacturer says what becomes of it");
    }
  }
  for (const pb::Container* held : Origins(c.therapy, *container)) {
    if (!held->rejected() || (held == container && MayNotBeUsed(container->state()))) continue;
    blocked(held->material() == pb::STARTING_MATERIAL
                ? "a container made of cells that quality did not reject"
                : "a container that quality did not reject",
            held->id() + " was rejected", "discard it");
  }
}

}  // namespace

void ReleasedForUse(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kPacked:
      if (GoesToMaker(c)) return;
      for (const std::string& id : StepContainers(c.effective)) {
        JudgeContainer(c, rule, v, id, true);
      }
      return;
    case pb::Event::kHandedToCarrier:
    case pb::Event::kHandoverOffered:
      if (GoesToMaker(c)) return;
      for (const std::string& id : LeavingHouse(c)) JudgeContainer(c, rule, v, id, true);
      return;
    case pb::Event::kProductRecalled:
      return RecallConcerns(c, rule, v);
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kRemovedFromStorage:
    case pb::Event::kThawStarted:
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      for (const std::string& id : StepContainers(c.effective)) {
        JudgeContainer(c, rule, v, id, false);
      }
      return;
    default:
      return;
  }
}

}  // namespace custody::rules
