// Rows 12 to 15 and 29: packing, carriers, loggers, receipt, storage, hand-over.
#include <algorithm>

#include "crypto/encoding.h"
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {

void LeaveShipper(Folding& f, pb::Container& container) {
  pb::Shipment* shipment = MutableShipment(f.state, container.shipment());
  if (shipment == nullptr || shipment->stored_us() == 0) return;
  container.clear_shipment();
  container.set_left_shipper_us(std::max(container.left_shipper_us(), f.at));
  const bool left = std::ranges::none_of(f.state.containers(), [&](const pb::Container& other) {
    return other.shipment() == shipment->shipper();
  });
  if (left) shipment->set_emptied_us(std::max(shipment->emptied_us(), f.at));
}

namespace {

void Packed(Folding& f, const pb::Packed& body) {
  pb::Shipment* shipment = f.state.add_shipments();
  shipment->set_number(body.shipment());
  shipment->set_shipper(body.shipper().value());
  shipment->set_logger(body.logger().value());
  for (const pb::Scanned& seal : body.seals()) shipment->add_seals(seal.value());
  shipment->set_from_site(f.site);
  shipment->set_to_site(body.destination_site());
  shipment->set_packed_us(Micros(body.packed_at()));
  shipment->set_hold_hours(body.nominal_hold_hours());
  shipment->set_open(true);
  shipment->set_cryogenic(body.shipper_kind() == pb::SHIPPER_DRY_VAPOUR);
  shipment->set_inbound(body.leg() == pb::LEG_INBOUND);
  shipment->set_under_quarantine(body.under_quarantine() == pb::YES);
  for (const pb::Scanned& scanned : body.containers()) {
    pb::Container* container = MutableContainer(f.state, scanned.value());
    if (container == nullptr) continue;
    AddOnce(shipment->mutable_containers(), container->id());
    Become(f, *container, pb::CONTAINER_PACKED);
    container->set_shipment(body.shipper().value());
    container->clear_location();
    const bool thawed = container->thaw_started_us() != 0 && f.at > container->thaw_started_us();
    if (thawed && shipment->cryogenic()) container->set_refrozen(true);
    if (container->material() == pb::DRUG_PRODUCT) shipment->set_product(true);
  }
  SetHolder(f, body.shipper().value(), f.site);
}

// The last word about the arrival counts, whenever an earlier one is told.
void Expect(const Folding& f, pb::Shipment* shipment,
            const google::protobuf::Timestamp& expected_at) {
  const std::int64_t expected = Micros(expected_at);
  if (shipment == nullptr || expected == 0 || f.at < shipment->expected_said_us()) return;
  shipment->set_expected_us(expected);
  shipment->set_expected_said_us(f.at);
}

// From now on the carrier answers for the shipment, and it is on its way.
void TakeAway(Folding& f, pb::Shipment& shipment, const std::string& carrier) {
  shipment.set_carrier(carrier);
  shipment.set_handed_us(f.at);
  AddOnce(f.state.mutable_party_sites(), shipment.to_site());
  for (const std::string& id : shipment.containers()) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    const bool older = IsOldNews(f, *container);  // told after it arrived
    Become(f, *container, pb::CONTAINER_IN_TRANSIT);
    if (!older) container->clear_site();
  }
}

void Handed(Folding& f, const pb::HandedToCarrier& body) {
  AddOnce(f.state.mutable_party_carriers(), body.carrier());
  pb::Shipment* shipment = MutableShipment(f.state, body.shipper());
  if (shipment == nullptr) return;
  shipment->set_waybill(body.waybill());
  Expect(f, shipment, body.expected_at());
  TakeAway(f, *shipment, body.carrier());
  SetHolder(f, shipment->shipper(), body.carrier());
}

template <class Body>
void Received(Folding& f, const Body& body) {
  pb::Shipment* shipment = MutableShipment(f.state, body.shipper().value());
  if (shipment != nullptr) {
    shipment->set_open(false);
    shipment->set_received_us(f.at);
    shipment->set_seal_opened_us(Micros(body.seal_opened_at()));
    shipment->set_seal_mismatch(std::ranges::any_of(
        f.verdict.reasons(), [](const pb::Reason& reason) { return reason.rule() == "R11"; }));
  }
  for (const pb::Scanned& scanned : body.containers()) {
    pb::Container* container = MutableContainer(f.state, scanned.value());
    if (container == nullptr) continue;
    if (IsOldNews(f, *container)) {  // it has gone on since, from where it arrived
      if (container->site() == f.site) container->set_arrived_site(f.site);
      continue;
    }
    Become(f, *container, pb::CONTAINER_RECEIVED);
    container->set_site(f.site);
    container->set_arrived_site(f.site);
    container->clear_shipment();
    SetHolder(f, container->id(), f.site);
  }
  SetHolder(f, body.shipper().value(), f.site);
}

void ReadOut(Folding& f, const pb::TelemetryBatch& body) {
  pb::Shipment* shipment = MutableShipment(f.state, body.shipment());
  if (shipment == nullptr) shipment = MutableShipment(f.state, body.shipper());
  if (shipment == nullptr) shipment = MutableShipment(f.state, body.logger());
  if (shipment == nullptr) return;
  const std::int64_t from = Micros(body.from());
  const std::int64_t to = Micros(body.to());
  if (shipment->data_from_us() == 0 || from < shipment->data_from_us()) {
    shipment->set_data_from_us(from);
  }
  shipment->set_data_to_us(std::max(shipment->data_to_us(), to));
  *shipment->mutable_data() = WithSpan(shipment->data(), from, to);
  if (body.complete() == pb::YES) shipment->set_telemetry(true);
}

// Out of the shipper again in the house that packed it, before anybody carried it: for this
// container that trip never was.
void Unpack(Folding& f, pb::Container& container, const std::string& site) {
  const EnrolledOrganisation* here = f.registry.OrganisationOfSite(site);
  for (pb::Shipment& shipment : *f.state.mutable_shipments()) {
    if (!shipment.open() || shipment.handed_us() != 0 || here == nullptr) continue;
    if (f.registry.OrganisationOfSite(shipment.from_site()) != here) continue;
    const auto& ids = shipment.containers();
    if (std::ranges::find(ids, container.id()) == ids.end()) continue;
    RemoveFrom(shipment.mutable_containers(), container.id());
    if (container.shipment() == shipment.shipper()) container.clear_shipment();
    if (shipment.containers().empty()) shipment.set_open(false);
  }
}

template <class Positions>
void PutAll(Folding& f, const Positions& positions, const std::string& unit,
            const std::string& site) {
  for (const pb::ContainerPosition& at : positions) {
    pb::Container* container = MutableContainer(f.state, at.container());
    if (container == nullptr) continue;
    Arrive(f, *container, unit, at.position(), site);
    if (IsOldNews(f, *container)) continue;
    PutAway(f, *container, pb::CONTAINER_STORED, at.position());
    container->set_site(site);
    Unpack(f, *container, site);
    LeaveShipper(f, *container);
  }
}

// Fresh cells that were frozen where they arrived count as frozen from then on.
void NoteFrozen(Folding& f, const pb::Stored& body) {
  const std::int64_t frozen = Micros(body.frozen_at());
  if (frozen == 0) return;
  for (const pb::ContainerPosition& at : body.containers()) {
    pb::Container* bag = MutableContainer(f.state, at.container());
    if (bag == nullptr || bag->material() != pb::STARTING_MATERIAL) continue;
    bag->set_frozen_us(Earliest(bag->frozen_us(), frozen));
    pb::Donation* donation = bag->plasma() ? nullptr : MutableDonation(f.state, bag->din());
    if (donation == nullptr) continue;
    donation->set_frozen(true);
    donation->set_frozen_us(Earliest(donation->frozen_us(), frozen));
  }
}

// The shipper it came in stays its storage.
void StoredInShipper(Folding& f, const pb::StoredInShipper& body) {
  pb::Shipment* shipment = MutableShipment(f.state, body.shipper());
  for (const std::string& id : body.containers()) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    Arrive(f, *container, body.shipper(), body.position(), f.site);
    if (IsOldNews(f, *container)) continue;
    PutAway(f, *container, pb::CONTAINER_STORED, body.position());
    if (shipment == nullptr) continue;
    container->set_shipment(shipment->shipper());
    container->clear_left_shipper_us();
    if (shipment->stored_us() == 0) shipment->set_stored_us(f.at);
    shipment->set_hold_until_us(Micros(body.hold_until()));
    shipment->clear_emptied_us();
  }
}

void Offered(Folding& f, const pb::HandoverOffered& body) {
  pb::Offer* offer = f.state.add_offers();
  offer->set_offer(Hex(f.event_id));
  offer->set_closed(body.closed() == pb::YES);
  offer->set_shipper(body.shipper());
  *offer->mutable_seals() = body.seals();
  offer->set_waybill(body.waybill());
  *offer->mutable_containers() = body.containers();
  offer->set_from_site(f.site);
  offer->set_to_site(body.to_site());
  offer->set_to_person(body.to_person());
  if (!f.event.signers().empty()) offer->set_from_person(f.event.signers(0).person());
  offer->set_offered_us(f.at);
  offer->set_expires_us(Micros(body.expires_at()));
  offer->set_event_id(f.event_id);
  AddOnce(f.registry.FindSite(body.to_site()) != nullptr ? f.state.mutable_party_sites()
                                                         : f.state.mutable_party_carriers(),
          body.to_site());
}

// A carrier whose people have keys takes a closed shipper as it would by HANDED_TO_CARRIER.
void Taken(Folding& f, const pb::Offer& offer) {
  pb::Shipment* shipment = MutableShipment(f.state, offer.shipper());
  const EnrolledOrganisation* house = f.registry.OrganisationOfSite(f.site);
  const bool carried = house != nullptr && house->kind == pb::CARRIER && offer.closed();
  if (shipment != nullptr && shipment->open() && carried) {
    AddOnce(f.state.mutable_party_carriers(), house->organisation);
    if (!offer.waybill().empty()) shipment->set_waybill(offer.waybill());
    TakeAway(f, *shipment, house->organisation);
  }
  SetHolder(f, offer.shipper(), f.site);
}

void Answered(Folding& f, std::string_view event_id, bool accepted) {
  auto* offers = f.state.mutable_offers();
  const auto found =
      std::ranges::find_if(*offers, [&](const pb::Offer& o) { return o.event_id() == event_id; });
  if (found == offers->end()) return;
  if (accepted) {
    if (!found->shipper().empty()) Taken(f, *found);
    for (const std::string& id : found->containers()) {
      SetHolder(f, id, f.site);
      if (pb::Container* container = MutableContainer(f.state, id)) container->set_site(f.site);
    }
  }
  offers->erase(found);
}

void Resealed(Folding& f, const pb::SealReplaced& body) {
  pb::Shipment* shipment = MutableShipment(f.state, body.shipper());
  if (shipment == nullptr) return;
  for (const std::string& seal : body.old_seals()) RemoveFrom(shipment->mutable_seals(), seal);
  for (const std::string& seal : body.new_seals()) AddOnce(shipment->mutable_seals(), seal);
}

void Lost(Folding& f, const google::protobuf::RepeatedPtrField<std::string>& containers) {
  for (const std::string& id : containers) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    // Not of that shipment, and said by somebody who does not hold it: the rule says so (F11).
    const bool elsewhere = std::ranges::any_of(f.verdict.reasons(), [&](const pb::Reason& reason) {
      return reason.rule() == "F11" && reason.subject() == container->id();
    });
    if (!elsewhere) Become(f, *container, pb::CONTAINER_LOST);
  }
}

// Its hold begins anew.
void Recharged(Folding& f, const pb::ShipperRecharged& body) {
  pb::Shipment* shipment = MutableShipment(f.state, body.shipper());
  if (shipment == nullptr) return;
  const std::int64_t at = std::min(Micros(body.recharged_at()), f.at);
  if (at < shipment->charged_us()) return;  // an older one, told later
  shipment->set_charged_us(at);
  shipment->set_hold_until_us(Micros(body.hold_until()));
}

// What was lost and is found again is in quarantine first (F11), which its rule opens.
void Found(Folding& f, const pb::ShipmentFound& body) {
  for (const std::string& id : body.containers()) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr || container->state() != pb::CONTAINER_LOST) continue;
    Become(f, *container, pb::CONTAINER_RECEIVED);
    container->set_site(f.site);
  }
}

}  // namespace

void FoldTransport(Folding& f) {
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kPacked:
      return Packed(f, event.packed());
    case pb::Event::kHandedToCarrier:
      return Handed(f, event.handed_to_carrier());
    case pb::Event::kCarrierMilestone:
      return Expect(f, MutableShipment(f.state, event.carrier_milestone().shipper()),
                    event.carrier_milestone().expected_at());
    case pb::Event::kTelemetryBatch:
      return ReadOut(f, event.telemetry_batch());
    case pb::Event::kReceivedMfg:
      return Received(f, event.received_mfg());
    case pb::Event::kReceivedClinic:
      return Received(f, event.received_clinic());
    case pb::Event::kStored:
      NoteFrozen(f, event.stored());
      return PutAll(f, event.stored().containers(), event.stored().storage_unit(), f.site);
    case pb::Event::kMoved: {
      const std::string& to = event.moved().to_site();
      return PutAll(f, event.moved().containers(), event.moved().to_unit(),
                    to.empty() ? f.site : to);
    }
    case pb::Event::kStoredClinic:
      return PutAll(f, event.stored_clinic().containers(), event.stored_clinic().storage_unit(),
                    f.site);
    case pb::Event::kStoredInShipper:
      return StoredInShipper(f, event.stored_in_shipper());
    case pb::Event::kIssuedToWard:
      for (const std::string& id : event.issued_to_ward().containers()) SetHolder(f, id, f.site);
      return;
    case pb::Event::kReceivedOnWard:
      for (const std::string& id : event.received_on_ward().containers()) {
        SetHolder(f, id, f.site);
        pb::Container* container = MutableContainer(f.state, id);
        if (container == nullptr) continue;
        container->set_location(event.received_on_ward().ward());
        if (!f.site.empty() && !IsOldNews(f, *container)) container->set_site(f.site);
      }
      return;
    case pb::Event::kHandoverOffered:
      return Offered(f, event.handover_offered());
    case pb::Event::kHandoverAccepted:
      if (f.stands) Answered(f, event.handover_accepted().offer(), true);
      return;
    case pb::Event::kHandoverRefused:
      return Answered(f, event.handover_refused().offer(), false);
    case pb::Event::kShipmentLost:
      return Lost(f, event.shipment_lost().containers());
    case pb::Event::kShipmentFound:
      return Found(f, event.shipment_found());
    case pb::Event::kShipmentDelayed:
      return Expect(f, MutableShipment(f.state, event.shipment_delayed().shipper()),
                    event.shipment_delayed().expected_at());
    case pb::Event::kShipperRecharged:
      return Recharged(f, event.shipper_recharged());
    case pb::Event::kSealReplaced:
      return Resealed(f, event.seal_replaced());
    default:
      return;
  }
}

}  // namespace custody::fold
