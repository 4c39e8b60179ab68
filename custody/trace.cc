// Problem: the index says which therapies name an identifier, not which of their bags it is in. One
// therapy may have several collections, lots and bags; recalling all of them because one reagent
// touched one lot destroys somebody's only dose, and missing one is worse.
//
// Idea: an event names what it was done to. So each event that names the identifier gives a few
// things (bags, else a lot, else collected cells), and from those everything is concerned that was
// made of them: donation -> lot -> bags -> what was derived of a bag. Where an event does not say
// what it was done to, everything is concerned, and the answer says that it cannot be told apart.
// Backwards the same is walked up: bag -> lot -> donations, and every event that names any of
// these.
#include "custody/trace.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "custody/event.h"
#include "custody/event_contents.h"
#include "custody/schedule.h"
#include "custody/state.h"

namespace custody {
namespace {

using Names = std::set<std::string, std::less<>>;

bool Among(const google::protobuf::RepeatedPtrField<std::string>& list, const std::string& value) {
  return std::ranges::find(list, value) != list.end();
}

struct Tracing {
  const pb::TherapyState& state;
  const TraceQuestion& question;

  bool Asks(const NamedIdentifier& named) const {
    return named.value == question.value && (question.type.empty() || question.type == named.type);
  }
  bool AsksForTherapy() const {
    const bool any = question.type.empty();
    return ((any || question.type == "therapy") && question.value == state.therapy()) ||
           ((any || question.type == "coi") && question.value == state.coi());
  }
};

// What of this therapy carries the name: a container, a lot, a donation.
bool IsItem(const pb::TherapyState& state, const std::string& name) {
  return FindLot(state, name) != nullptr || FindDonation(state, name) != nullptr ||
         FindContainer(state, name) != nullptr;
}

// What travelled or lay under a shipper, a logger, a waybill or a seal.
void AddContentOfShipments(const pb::TherapyState& state, const NamedIdentifier& named,
                           Names& items) {
  for (const pb::Shipment& shipment : state.shipments()) {
    const bool its = (named.type == "shipper" && shipment.shipper() == named.value) ||
                     (named.type == "logger" && shipment.logger() == named.value) ||
                     (named.type == "waybill" && shipment.waybill() == named.value) ||
                     (named.type == "shipment" && shipment.number() == named.value);
    if (its) items.insert(shipment.containers().begin(), shipment.containers().end());
  }
}

// The most particular things of this therapy that an event names.
Names ItemsOf(const pb::TherapyState& state, const std::vector<NamedIdentifier>& named) {
  Names product;
  Names lots;
  Names collected;
  for (const NamedIdentifier& one : named) {
    if (one.type != "container" && one.type != "lot" && one.type != "din") continue;
    const auto exact = std::ranges::find(state.containers(), one.value, &pb::Container::id);
    if (FindLot(state, one.value) != nullptr) {
      lots.insert(one.value);
    } else if (exact != state.containers().end() && exact->material() != pb::STARTING_MATERIAL) {
      product.insert(one.value);
    } else if (IsItem(state, one.value)) {
      collected.insert(one.value);
    }
  }
  if (!product.empty()) return product;
  if (!lots.empty()) return lots;
  if (!collected.empty()) return collected;
  Names shipped;
  for (const NamedIdentifier& one : named) AddContentOfShipments(state, one, shipped);
  return shipped;
}

// Why a container is concerned by `items`; empty: it is not.
std::string Because(const pb::TherapyState& state, const pb::Container& container,
                    const Names& items) {
  for (const pb::Container* one : Lineage(state, container)) {
    const std::string from = one == &container ? "" : ", through " + one->id();
    if (items.contains(one->id())) return (from.empty() ? "named itself" : "of " + one->id());
    if (items.contains(one->lot())) return "lot " + one->lot() + from;
    if (items.contains(one->din())) return "donation " + one->din() + from;
    const pb::Lot* lot = FindLot(state, one->lot());
    if (lot == nullptr) continue;
    for (const std::string& din : lot->dins()) {
      const bool cells = items.contains(din);
      if (cells) return "donation " + din + ", in lot " + lot->lot() + from;
    }
    for (const pb::Container* source : SourcesOf(state, lot->lot())) {
      if (items.contains(source->id())) return source->id() + ", in lot " + lot->lot() + from;
    }
  }
  return "";
}

std::int64_t InfusionAim(const pb::TherapyState& state, const pb::Profile* profile) {
  for (const PlannedStep& step : ScheduleOf(state, profile)) {
    if (step.name == "infusion") return step.from_us;
  }
  return 0;
}

const pb::Stay* PresentStay(const pb::Container& container) {
  for (const pb::Stay& stay : container.stays()) {
    if (stay.to_us() == 0) return &stay;
  }
  return nullptr;
}

// Where a container is now, and what becomes of it.
pb::TracedContainer WhereIs(const pb::TherapyState& state, const pb::Container& container) {
  pb::TracedContainer traced;
  traced.set_container(container.id());
  traced.set_material(container.material());
  traced.set_state(container.state());
  traced.set_state_us(container.state_us());
  traced.set_lot(container.lot());
  traced.set_din(container.din());
  traced.set_parent(container.parent());
  const bool gone = IsTerminal(container.state());
  const pb::Shipment* shipment = OpenShipment(state, container.shipment());
  if (!gone) traced.set_site(container.site());
  if (const pb::Stay* stay = PresentStay(container); stay != nullptr && !gone) {
    traced.set_unit(stay->unit());
  }
  if (!gone) traced.set_position(container.location());
  traced.set_shipper(gone ? "" : container.shipment());
  if (shipment != nullptr && !gone) {
    traced.set_to_site(shipment->to_site());
    if (shipment->handed_us() != 0) traced.set_carrier(shipment->carrier());
  }
  traced.set_infusion_started_us(container.infusion_started_us());
  traced.set_infusion_ended_us(container.infusion_ended_us());
  for (const pb::Quarantine* q : OpenQuarantines(state, container)) traced.add_held_by(q->id());
  for (const pb::Hold* hold : OpenHolds(state, "INFUSE", &container)) {
    traced.add_held_by(hold->id());
  }
  traced.set_held(!traced.held_by().empty());
  const pb::Lot* lot = FindLot(state, container.lot());
  traced.set_recalled(container.recalled() || (lot != nullptr && lot->state() == pb::LOT_RECALLED));
  traced.set_expiry_us(container.expiry_us());
  return traced;
}

void SetHead(const pb::TherapyState& state, pb::TracedTherapy& traced) {
  traced.set_therapy(state.therapy());
  traced.set_coi(state.coi());
  traced.set_product(state.product());
  traced.set_state(state.state());
  traced.set_zone(state.zone());
  traced.set_treating_site(TreatingSite(state));
  traced.set_manufacturer_site(state.manufacturer_site());
  traced.set_died(state.patient_died());
}

// Who treats first, then who holds what is concerned, then who made it.
void SetNotify(pb::TracedTherapy& traced) {
  const auto add = [&](const std::string& site) {
    if (!site.empty() && !Among(traced.notify(), site)) traced.add_notify(site);
  };
  add(traced.treating_site());
  for (const pb::TracedContainer& container : traced.containers()) {
    if (!container.concerned()) continue;
    add(container.site());
    add(container.carrier());
    add(container.to_site());
  }
  add(traced.manufacturer_site());
}

// The items and what they came from: their lots, the cells of these, and the donations.
Names Upwards(const pb::TherapyState& state, const Names& items) {
  Names all = items;
  const auto add_lot = [&](const std::string& name) {
    const pb::Lot* lot = FindLot(state, name);
    if (lot == nullptr) return;
    all.insert(name);
    all.insert(lot->dins().begin(), lot->dins().end());
    for (const pb::Container* source : SourcesOf(state, name)) {
      all.insert(source->id());
      if (!source->din().empty()) all.insert(source->din());
    }
  };
  for (const std::string& item : items) {
    add_lot(item);
    const pb::Container* container = FindContainer(state, item);
    if (container == nullptr) continue;
    for (const pb::Container* one : Lineage(state, *container)) {
      all.insert(one->id());
      if (!one->din().empty()) all.insert(one->din());
      add_lot(one->lot());
    }
  }
  return all;
}

// Whether an event was done to any of `items`, or to the shipper that one of them travelled in.
bool Touches(const pb::TherapyState& state, const std::vector<NamedIdentifier>& named,
             const Names& items) {
  const Names own = ItemsOf(state, named);
  return std::ranges::any_of(own, [&](const std::string& item) { return items.contains(item); });
}

void SetTouched(const pb::TherapyState& state, std::span<const TracedEvent> events,
                const Names* items, pb::TracedTherapy& traced) {
  std::map<NamedIdentifier, pb::TracedItem> touched;
  for (const TracedEvent& one : events) {
    const std::vector<NamedIdentifier> named = ContentsOf(one.event).identifiers;
    if (items != nullptr && !Touches(state, named, *items)) continue;
    const std::int64_t at = Micros(one.event.occurred_at());
    for (const NamedIdentifier& identifier : named) {
      const auto [found, fresh] = touched.try_emplace(identifier);
      pb::TracedItem& item = found->second;
      if (fresh) {
        item.set_type(identifier.type);
        item.set_value(identifier.value);
        item.set_body(std::string(BodyName(one.event)));
      }
      item.set_events(item.events() + 1);
      item.set_first_us(fresh ? at : std::min(item.first_us(), at));
      item.set_last_us(std::max(item.last_us(), at));
    }
  }
  for (auto& [identifier, item] : touched) *traced.add_touched() = std::move(item);
  std::ranges::stable_sort(*traced.mutable_touched(), {},
                           [](const pb::TracedItem& item) { return item.first_us(); });
}

// What is concerned: by name, or everything, where an event does not say.
struct Concerned {
  Names items;
  bool all = false;
};

// What was kept at a place is known by its stays.
bool AddStays(const Tracing& t, Concerned& concerned) {
  bool found = false;
  for (const pb::Container& container : t.state.containers()) {
    for (const pb::Stay& stay : container.stays()) {
      const bool there = stay.unit() == t.question.value || stay.position() == t.question.value;
      if (!there) continue;
      concerned.items.insert(container.id());
      found = true;
    }
  }
  return found;
}

// What may have been in all of the product where its event names none of it. Who signed, and
// papers, are in no bag.
bool MayConcernAll(const std::string& type) {
  return type == "vector" || type == "reagent" || type == "equipment" || type == "run";
}

Concerned Concern(const Tracing& t, std::span<const TracedEvent> events,
                  pb::TracedTherapy& traced) {
  Concerned concerned;
  const std::string& type = t.question.type;
  const bool is_place = type.empty() || type == "location" || type == "equipment";
  const bool by_stays = is_place && AddStays(t, concerned);
  for (const TracedEvent& one : events) {
    const std::vector<NamedIdentifier> named = ContentsOf(one.event).identifiers;
    const auto asked = std::ranges::find_if(
        named, [&](const NamedIdentifier& identifier) { return t.Asks(identifier); });
    if (asked == named.end()) continue;
    pb::TracedUse& use = *traced.add_uses();
    use.set_type(asked->type);
    use.set_value(asked->value);
    use.set_body(std::string(BodyName(one.event)));
    use.set_sequence(one.sequence);
    use.set_event_id(one.event_id);
    use.set_occurred_us(Micros(one.event.occurred_at()));
    Names items = ItemsOf(t.state, named);
    if (IsItem(t.state, t.question.value)) {
      items = {t.question.value};
    }
    for (const std::string& item : items) use.add_items(item);
    if (asked->type == "location" && by_stays) continue;  // its event names the others' places too
    if (asked->type == "coi") continue;
    concerned.items.insert(items.begin(), items.end());
    concerned.all = concerned.all || (items.empty() && MayConcernAll(asked->type));
  }
  return concerned;
}

}  // namespace

pb::TracedTherapy TraceTherapy(const pb::TherapyState& state, std::span<const TracedEvent> events,
                               const TraceQuestion& question, const pb::Profile* profile) {
  const Tracing tracing{state, question};
  pb::TracedTherapy traced;
  SetHead(state, traced);
  const bool whole = tracing.AsksForTherapy();
  const Concerned concerned = Concern(tracing, events, traced);
  for (const pb::Container& container : state.containers()) {
    pb::TracedContainer& where = *traced.add_containers() = WhereIs(state, container);
    std::string because = Because(state, container, concerned.items);
    if (because.empty() && concerned.all) because = "cannot be told apart";
    if (because.empty() && whole) because = "this therapy's";
    where.set_concerned(!because.empty());
    where.set_because(because);
    const std::int64_t given = where.infusion_started_us();
    const bool first = given != 0 && (traced.infused_us() == 0 || given < traced.infused_us());
    if (where.concerned() && first) traced.set_infused_us(given);
  }
  if (state.last_infused_us() == 0) traced.set_expected_us(InfusionAim(state, profile));
  SetNotify(traced);
  if (question.touched) {
    const bool everything = whole || concerned.all || concerned.items.empty();
    const Names items = Upwards(state, concerned.items);
    SetTouched(state, events, everything ? nullptr : &items, traced);
  }
  return traced;
}

bool LiesIn(const pb::Stay& stay, std::string_view unit) {
  if (unit.empty()) return false;
  if (stay.unit() == unit) return true;
  const std::string_view position = stay.position();
  if (!position.starts_with(unit)) return false;
  if (position.size() == unit.size()) return true;
  // "LN2-4" is not the beginning of "LN2-40/R1".
  const bool cut = std::isalnum(static_cast<unsigned char>(unit.back())) == 0 ||
                   std::isalnum(static_cast<unsigned char>(position[unit.size()])) == 0;
  return cut;
}

pb::TracedTherapy InventoryOf(const pb::TherapyState& state, std::string_view unit,
                              std::int64_t from_us, std::int64_t to_us) {
  pb::TracedTherapy traced;
  SetHead(state, traced);
  for (const pb::Container& container : state.containers()) {
    for (const pb::Stay& stay : container.stays()) {
      const bool then = stay.from_us() <= to_us && (stay.to_us() == 0 || stay.to_us() > from_us);
      if (!then || !LiesIn(stay, unit)) continue;
      pb::TracedContainer& where = *traced.add_containers() = WhereIs(state, container);
      where.set_concerned(true);
      where.set_because(stay.position());
      break;
    }
  }
  SetNotify(traced);
  return traced;
}

int RecallUrgency(const pb::TracedContainer& container) {
  switch (container.state()) {
    case pb::CONTAINER_REMOVED:
    case pb::CONTAINER_THAWING:
    case pb::CONTAINER_THAWED:
    case pb::CONTAINER_VERIFIED:
    case pb::CONTAINER_INFUSING:
      return 0;
    case pb::CONTAINER_RECEIVED:
    case pb::CONTAINER_STORED:
      return 1;
    case pb::CONTAINER_INFUSED:
    case pb::CONTAINER_INFUSED_PARTIAL:
      return 3;
    case pb::CONTAINER_RETURNED:
    case pb::CONTAINER_DESTROYED:
    case pb::CONTAINER_CONSUMED:
    case pb::CONTAINER_RESEARCH:
    case pb::CONTAINER_LOST:
    case pb::CONTAINER_REJECTED:
      return 4;
    default:
      return 2;
  }
}

}  // namespace custody
