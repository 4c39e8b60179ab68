// Hand-overs and seals.
//
// Receipt is a fact: whatever arrives is recorded. What does not fit puts the material in
// quarantine or opens a critical deviation, it never hides that the box is here. Packing, shipping
// and hand-over are permissions and are refused.
//
// Whoever skips the receipt skips all that it compares. So what still stands in the accounts of a
// shipper is not verified, taken out or thawed for the patient (R06); and that somebody put it away
// all the same is a fact, after which nobody knows its seal (R11).
#include <algorithm>
#include <set>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Set = std::set<std::string>;

template <class List>
Set SetOf(const List& list) {
  return {list.begin(), list.end()};
}

Set SetOfScans(const google::protobuf::RepeatedPtrField<pb::Scanned>& scans) {
  Set set;
  for (const pb::Scanned& scan : scans) set.insert(scan.value());
  return set;
}

// Containers by their own ids: a collection bag may be scanned by its donation number.
Set Resolve(const pb::TherapyState& state, const Set& scanned) {
  Set ids;
  for (const std::string& value : scanned) {
    const pb::Container* container = FindContainer(state, value);
    ids.insert(container == nullptr ? value : container->id());
  }
  return ids;
}

std::string Text(const Set& set) { return List({set.begin(), set.end()}); }

void Packing(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Packed& body = c.effective.packed();
  for (const std::string& id : Resolve(c.therapy, SetOfScans(body.containers()))) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) {
      Gate(c, rule, v,
           {"only containers of this therapy in the shipper", id + " is none",
            "take it out; record WRONG_ITEM_PRESENTED", id});
    } else if (container->state() == pb::CONTAINER_PACKED ||
               container->state() == pb::CONTAINER_IN_TRANSIT) {
      Gate(c, rule, v,
           {"a container that is not packed yet", "packed in " + container->shipment(),
            "look for the container in that shipper", id});
    }
  }
  if (OpenShipment(c.therapy, body.shipper().value()) != nullptr) {
    Gate(c, rule, v,
         {"a shipper that is not under way", body.shipper().value() + " was not received",
          "receive it first, or take another shipper", body.shipper().value()});
  }
}

// The outer set: shipper, seals, waybill.
void CompareOuter(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& shipper,
                  const Set& seals, const std::string& waybill) {
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  if (shipment == nullptr) {
    Gate(c, rule, v,
         {"a shipper packed for this therapy", shipper + " is none",
          "stop; find out whose it is; record WRONG_CONSIGNEE when it came to the wrong place",
          shipper});
    return;
  }
  const Set expected = SetOf(shipment->seals());
  if (seals != expected && !c.effective.has_received_mfg() && !c.effective.has_received_clinic()) {
    Gate(c, rule, v,
         {"seals " + Text(expected), Text(seals),
          "find out who changed the seal; record SEAL_REPLACED or SEAL_BROKEN", shipper});
  }
  if (!waybill.empty() && !shipment->waybill().empty() && waybill != shipment->waybill()) {
    Gate(c, rule, v,
         {"waybill " + shipment->waybill(), waybill, "compare the papers with the shipper",
          shipper});
  }
}

// Who hands a shipper over is the one who holds it.
void CompareHolder(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& shipper) {
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  if (shipment == nullptr) return;  // said already
  const auto& holdings = c.therapy.holdings();
  const auto held = std::ranges::find(holdings, shipment->shipper(), &pb::Holding::subject);
  const std::string& holder =
      held == holdings.end() || held->holder().empty() ? shipment->from_site() : held->holder();
  const bool back = c.registry.IsSameHouse(holder, shipment->from_site());
  if (shipment->handed_us() != 0 && !back) {
    Gate(c, rule, v,
         {"a shipper that was not handed over yet",
          "with " + shipment->carrier() + " since " + Local(c, shipment->handed_us()),
          "record CARRIER_MILESTONE for what happens on the way", shipper});
    return;
  }
  const std::string site = SiteOf(c);
  if (site.empty() || holder.empty() || site == holder) return;
  Gate(c, rule, v,
       {"handed over by " + holder + ", which holds it", "by " + site, "the holder hands it over",
        shipper});
}

// Once the carrier has it, this house has nothing to offer.
void CompareOfferer(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& shipper) {
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  if (shipment == nullptr || shipment->handed_us() == 0) return;
  const auto& holdings = c.therapy.holdings();
  const auto held = std::ranges::find(holdings, shipper, &pb::Holding::subject);
  const bool back = held != holdings.end() && c.registry.IsSameHouse(held->holder(), SiteOf(c));
  if (back || !c.registry.IsSameHouse(shipment->from_site(), SiteOf(c))) return;
  Deviation(c, rule, v,
            {"offered by who holds it",
             "with " + shipment->carrier() + " since " + Local(c, shipment->handed_us()),
             "look where the shipper is; what happens on the way is CARRIER_MILESTONE", shipper},
            false);
}

// The chain of identity stands inside and outside; another one is another patient's.
template <class Body>
void CompareInside(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body) {
  const pb::Shipment* shipment = OpenShipment(c.therapy, body.shipper().value());
  if (shipment == nullptr) return;  // said already
  const std::string site = SiteOf(c);
  if (!site.empty() && !shipment->to_site().empty() && site != shipment->to_site()) {
    Gate(c, rule, v,
         {"received at " + shipment->to_site(), "at " + site,
          "call the site it is meant for; record WRONG_CONSIGNEE", shipment->shipper()});
  }
  if (!shipment->waybill().empty() && body.waybill().value().empty()) {
    Deviation(c, rule, v,
              {"waybill " + shipment->waybill() + " scanned", "no scan", "compare the papers",
               shipment->shipper()},
              false);
  }
  if (c.therapy.coi().empty() || body.coi().value() == c.therapy.coi()) return;
  for (const std::string& id : Resolve(c.therapy, SetOfScans(body.containers()))) {
    Quarantine(c, rule, v,
               {"chain of identity " + c.therapy.coi(), body.coi().value(),
                "put it aside and call quality of both sites", id});
  }
}

template <class Body>
void CompareReceipt(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body) {
  const std::string& shipper = body.shipper().value();
  CompareOuter(c, rule, v, shipper, SetOfScans(body.seals()), body.waybill().value());
  CompareInside(c, rule, v, body);
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  const Set found = Resolve(c.therapy, SetOfScans(body.containers()));
  const Set expected = shipment == nullptr ? Set{} : SetOf(shipment->containers());
  if (found == expected) return;
  Set all = expected;
  all.insert(found.begin(), found.end());
  for (const std::string& id : all) {
    if (expected.contains(id) && found.contains(id)) continue;
    Quarantine(c, rule, v,
               {"inside: " + Text(expected), "inside: " + Text(found),
                found.contains(id) ? "put it aside and call quality of both sites"
                                   : "search for it and call quality of both sites",
                id});
  }
}

void CompareOffer(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::HandoverAccepted& body = c.effective.handover_accepted();
  const pb::Offer* offer = FindOffer(c.therapy, body.offer());
  if (offer == nullptr) {
    Gate(c, rule, v, {"an open offer", "none with this id", "the holder offers it again"});
    return;
  }
  if (offer->expires_us() != 0 && At(c) > offer->expires_us()) {
    Gate(c, rule, v,
         {"an offer that has not ended", "it ended " + Local(c, offer->expires_us()),
          "the holder offers it again"});
  }
  const auto compare = [&](const Set& expected, const Set& found, const char* what) {
    if (expected == found) return;
    Gate(c, rule, v,
         {std::string(what) + " " + Text(expected), Text(found),
          "refuse the hand-over, or find what is missing"});
  };
  if (offer->closed()) {
    compare({offer->shipper()}, {body.shipper()}, "shipper");
    compare(SetOf(offer->seals()), SetOf(body.seals()), "seals");
    if (!offer->waybill().empty()) compare({offer->waybill()}, {body.waybill()}, "waybill");
  } else {
    compare(Resolve(c.therapy, SetOf(offer->containers())),
            Resolve(c.therapy, SetOf(body.containers())), "containers");
    if (!c.therapy.coi().empty()) compare({c.therapy.coi()}, {body.coi()}, "chain of identity");
  }
  const std::string site = SiteOf(c);
  const bool named = offer->to_site().empty() || site.empty() ||
                     c.registry.FindSite(offer->to_site()) == nullptr || site == offer->to_site();
  if (!named) {
    Gate(c, rule, v, {"acceptance at " + offer->to_site(), site, "the named site accepts"});
  }
  const bool nobody = offer->to_site().empty() && offer->to_person().empty();
  if (nobody && !site.empty() && !c.registry.IsSameHouse(offer->from_site(), site)) {
    Gate(c, rule, v,
         {"acceptance in the house of " + offer->from_site() + ", the offer naming nobody else",
          site, "refuse it; the holder offers it again, naming " + site});
  }
  const auto& signers = c.effective.signers();
  const auto signs = [&](const std::string& person) {
    return std::ranges::any_of(signers, [&](const auto& s) { return s.person() == person; });
  };
  if (!signers.empty() && !offer->from_person().empty() && signs(offer->from_person())) {
    Gate(c, rule, v,
         {"accepted by somebody else than who offered it", offer->from_person(),
          "the receiver scans and signs"});
  }
  if (!signers.empty() && !offer->to_person().empty() && !signs(offer->to_person())) {
    Gate(c, rule, v,
         {"accepted by " + offer->to_person(), "by somebody else", "the named person accepts"});
  }
}

// Who offers a container holds it: an offer from afar would make it be where it is not.
void OfferContainers(const Case& c, const Rule& rule, pb::Verdict& v,
                     const pb::HandoverOffered& body) {
  const std::string site = SiteOf(c);
  for (const std::string& id : body.containers()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) {
      Gate(c, rule, v, {"a container of this therapy", id + " is none", "take it out", id});
      continue;
    }
    const bool held = container->site().empty() || site.empty() || container->site() == site;
    if (held) continue;
    Gate(c, rule, v,
         {"offered by " + container->site() + ", which holds it", "by " + site,
          "the holder offers it", id});
  }
}

}  // namespace

void SetsEqual(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kPacked:
      return Packing(c, rule, v);
    case pb::Event::kHandedToCarrier: {
      const pb::HandedToCarrier& body = c.effective.handed_to_carrier();
      CompareOuter(c, rule, v, body.shipper(), SetOf(body.seals()), "");
      return CompareHolder(c, rule, v, body.shipper());
    }
    case pb::Event::kReceivedMfg:
      return CompareReceipt(c, rule, v, c.effective.received_mfg());
    case pb::Event::kReceivedClinic:
      return CompareReceipt(c, rule, v, c.effective.received_clinic());
    case pb::Event::kHandoverOffered: {
      const pb::HandoverOffered& body = c.effective.handover_offered();
      if (body.closed() == pb::YES) {
        CompareOuter(c, rule, v, body.shipper(), SetOf(body.seals()), body.waybill());
        return CompareOfferer(c, rule, v, body.shipper());
      }
      return OfferContainers(c, rule, v, body);
    }
    case pb::Event::kHandoverAccepted:
      return CompareOffer(c, rule, v);
    case pb::Event::kCustodyAudited:
      return JudgeMissing(c, rule, v);
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kRemovedFromStorage:
    case pb::Event::kThawStarted:
      NeedReceipt(c, rule, v);
      return NeedHere(c, rule, v);
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      return NeedHere(c, rule, v);
    default:
      return;
  }
}

void SealsEqual(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool mfg = Body(c) == pb::Event::kReceivedMfg;
  if (!mfg && Body(c) != pb::Event::kReceivedClinic) return JudgeUnreceived(c, rule, v);
  const auto& scans =
      mfg ? c.effective.received_mfg().seals() : c.effective.received_clinic().seals();
  const pb::SealCondition condition = mfg ? c.effective.received_mfg().seal_condition()
                                          : c.effective.received_clinic().seal_condition();
  const std::string& shipper = mfg ? c.effective.received_mfg().shipper().value()
                                   : c.effective.received_clinic().shipper().value();
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  const Set expected = shipment == nullptr ? Set{} : SetOf(shipment->seals());
  const Set found = SetOfScans(scans);
  if (found == expected && condition == pb::SEAL_INTACT) return;
  const std::string how = condition == pb::SEAL_INTACT   ? "intact"
                          : condition == pb::SEAL_BROKEN ? "broken"
                                                         : "missing";
  Set held;
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    held.insert(container == nullptr ? id : container->id());
  }
  for (const std::string& id : held) {
    Quarantine(c, rule, v,
               {"seals " + Text(expected) + ", intact", Text(found) + ", " + how,
                "put it aside; quality of the manufacturer decides: QUARANTINE_DECIDED", id});
  }
}

}  // namespace custody::rules
