// Row 5 and F18: the manufacturing slot and the dates that hang on it. Collection, pick-up, start
// of manufacture and delivery follow one another with lead times. A change states what the planner
// knows; a date that it does not state keeps its lead time to the last one stated before it, unless
// that is over already, so that a collection moved by a week moves the delivery by a week. What
// follows from the delivery (lymphodepletion, infusion) is not kept but reckoned:
// custody/schedule.h.
#include <algorithm>
#include <array>

#include "custody/fold/fold.h"
#include "custody/schedule.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

enum Date { kCollection, kPickup, kManufacture, kDelivery };
constexpr std::size_t kDates = 4;
constexpr std::array<const char*, kDates> kNames = {kCollectionDate, kPickupDate, kManufactureDate,
                                                    kDeliveryDate};
using Dates = std::array<std::int64_t, kDates>;  // microseconds; 0: none

Dates Planned(const pb::TherapyState& state) {
  return {state.apheresis_planned_us(), state.pickup_planned_us(), state.manufacturing_planned_us(),
          state.expected_delivery_us()};
}

void Plan(pb::TherapyState& state, const Dates& dates) {
  state.set_apheresis_planned_us(dates[kCollection]);
  state.set_pickup_planned_us(dates[kPickup]);
  state.set_manufacturing_planned_us(dates[kManufacture]);
  state.set_expected_delivery_us(dates[kDelivery]);
}

template <class Body>
Dates Stated(const Body& body) {
  return {Micros(body.apheresis_at()), Micros(body.pickup_at()), Micros(body.manufacturing_start()),
          Micros(body.expected_delivery())};
}

// What happened already is not moved by what follows.
std::array<bool, kDates> Over(const pb::TherapyState& state) {
  const bool collected = std::ranges::any_of(
      state.donations(), [](const pb::Donation& d) { return d.ended_us() != 0 && !d.failed(); });
  const bool picked_up =
      std::ranges::any_of(state.shipments(), [](const pb::Shipment& s) { return s.inbound(); });
  const bool arrived = std::ranges::any_of(state.containers(), [&](const pb::Container& c) {
    return c.material() == pb::DRUG_PRODUCT && c.arrived_site() == TreatingSite(state);
  });
  return {collected, picked_up, !state.lots().empty(), arrived};
}

Dates Cascade(const Dates& old, const Dates& stated, const std::array<bool, kDates>& over) {
  Dates dates = old;
  std::int64_t shift = 0;
  for (std::size_t i = 0; i < kDates; ++i) {
    if (stated[i] != 0) {
      if (old[i] != 0) shift = stated[i] - old[i];
      dates[i] = stated[i];
    } else if (old[i] != 0 && !over[i]) {
      dates[i] = old[i] + shift;
    }
  }
  return dates;
}

void Note(Folding& f, const std::string& to_slot, const Dates& dates, const Dates& stated,
          const std::string& reason) {
  const Dates old = Planned(f.state);
  pb::SlotMove move;
  for (std::size_t i = 0; i < kDates; ++i) {
    if (dates[i] == old[i]) continue;
    pb::SlotDate& date = *move.add_dates();
    date.set_name(kNames[i]);
    date.set_old_us(old[i]);
    date.set_new_us(dates[i]);
    date.set_follows(stated[i] == 0);
  }
  move.set_event_id(f.event_id);
  move.set_at_us(f.at);
  move.set_from_slot(f.state.slot());
  move.set_to_slot(to_slot);
  move.set_reason(reason);
  *f.state.add_slot_moves() = std::move(move);
}

void Take(pb::TherapyState& state, const std::string& slot, const std::string& site,
          const Dates& dates) {
  state.set_slotted(true);
  state.set_slot(slot);
  Plan(state, dates);
  if (site.empty()) return;
  state.set_manufacturer_site(site);
  AddOnce(state.mutable_party_sites(), site);
}

void Reserved(Folding& f, const pb::SlotReserved& body) {
  if (!f.stands) return;
  const Dates dates = Stated(body);
  const bool again = !f.state.slot_moves().empty() || f.state.slotted();
  if (again) Note(f, body.slot(), dates, dates, "reserved again");
  Take(f.state, body.slot(), body.manufacturing_site(), dates);
  f.state.set_slot_confirm_by_us(Micros(body.confirm_by()));
}

void Changed(Folding& f, const pb::SlotChanged& body) {
  const std::array<bool, kDates> over = Over(f.state);
  const Dates old = Planned(f.state);
  if (body.change() == pb::SLOT_CHANGE_MOVED) {
    if (!f.stands) return;
    const Dates stated = Stated(body);
    const Dates dates = Cascade(old, stated, over);
    const std::string& slot = body.new_slot().empty() ? body.slot() : body.new_slot();
    Note(f, slot, dates, stated, body.reason());
    return Take(f.state, slot, body.manufacturing_site(), dates);
  }
  // Lost or given up: what has not happened has no date any more.
  Dates dates = old;
  for (std::size_t i = 0; i < kDates; ++i) {
    if (!over[i] && f.state.lots().empty()) dates[i] = 0;
  }
  Note(f, "", dates, dates, body.reason());
  Plan(f.state, dates);
  f.state.set_slotted(false);
  f.state.clear_slot();
  f.state.clear_slot_confirm_by_us();
}

}  // namespace

void FoldSlot(Folding& f) {
  if (f.event.has_slot_reserved()) return Reserved(f, f.event.slot_reserved());
  if (f.event.has_slot_changed()) return Changed(f, f.event.slot_changed());
}

}  // namespace custody::fold
