#include "custody/usable.h"

#include <algorithm>

#include "custody/profile.h"
#include "custody/state.h"

namespace custody {
namespace {

// Until when collected cells may wait: fresh ones to be processed or frozen, frozen ones for a
// batch. What a batch was made of was judged then.
std::int64_t CellsUntil(const pb::TherapyState& state, const pb::Profile* profile,
                        const pb::Container& bag) {
  if (bag.plasma() || !bag.used_in().empty()) return 0;
  if (bag.frozen_us() != 0) {
    const std::int64_t day = AddMonths(DayIn(state, bag.frozen_us()), FrozenMonths(profile));
    const StatusOr<Instant> end = EndOfDay(day, state.zone());
    return end.ok() ? end->micros : (day + 1) * kMicrosPerDay - 1;
  }
  const pb::Donation* donation = FindDonation(state, bag.din());
  if (donation == nullptr || donation->ended_us() == 0) return 0;
  return donation->ended_us() + FreshHoldOf(profile).soft_hours() * kMicrosPerHour;
}

}  // namespace

double HoldHours(const pb::Profile* profile, const pb::Shipment& shipment) {
  const std::uint32_t stated =
      profile == nullptr ? 0 : profile->shipper_plan().qualified_hold_hours();
  if (shipment.hold_hours() <= 0) return stated == 0 ? Defaults::kShipperHoldHours : stated;
  return stated == 0 ? shipment.hold_hours() : std::min<double>(shipment.hold_hours(), stated);
}

std::int64_t HoldEnd(const pb::Profile* profile, const pb::Shipment& shipment) {
  const double hours = HoldHours(profile, shipment);
  const std::int64_t reckoned = std::max(shipment.packed_us(), shipment.charged_us()) +
                                static_cast<std::int64_t>(hours * kMicrosPerHour);
  return SoonerOf(shipment.hold_until_us(), reckoned);
}

const pb::Shipment* ShipperKeeping(const pb::TherapyState& state, const pb::Container& container) {
  const auto& shipments = state.shipments();
  const auto its = [&](const pb::Shipment& shipment) {
    const auto& ids = shipment.containers();
    return std::find(ids.begin(), ids.end(), container.id()) != ids.end();
  };
  const auto last = std::find_if(shipments.rbegin(), shipments.rend(), its);
  if (last == shipments.rend() || !last->cryogenic()) return nullptr;
  bool kept = container.state() == pb::CONTAINER_RECEIVED && last->emptied_us() == 0;
  if (container.state() == pb::CONTAINER_PACKED || container.state() == pb::CONTAINER_IN_TRANSIT) {
    kept = last->open();
  } else if (container.state() == pb::CONTAINER_STORED) {
    kept = last->stored_us() != 0 && container.shipment() == last->shipper();
  }
  return kept ? &*last : nullptr;
}

bool KeepsAnything(const pb::TherapyState& state, const pb::Shipment& shipment) {
  return std::ranges::any_of(state.containers(), [&](const pb::Container& container) {
    return !container.rejected() && ShipperKeeping(state, container) == &shipment;
  });
}

bool HoldsUsable(const pb::TherapyState& state, const pb::Shipment& shipment) {
  return std::ranges::any_of(shipment.containers(), [&](const std::string& id) {
    const pb::Container* container = FindContainer(state, id);
    return container != nullptr && !MayNotBeUsed(container->state());
  });
}

pb::FreshHold FreshHoldOf(const pb::Profile* profile) {
  pb::FreshHold hold = profile == nullptr ? pb::FreshHold() : profile->fresh_hold();
  hold.set_target_hours(Tightened(Defaults::kFreshTargetHours, hold.target_hours()));
  hold.set_soft_hours(Tightened(Defaults::kFreshSoftHours, hold.soft_hours()));
  hold.set_hard_hours(Tightened(Defaults::kFreshHardHours, hold.hard_hours()));
  return hold;
}

std::int64_t UsableUntil(const pb::TherapyState& state, const pb::Profile* profile,
                         const pb::Container& container) {
  std::int64_t until = 0;
  if (container.material() == pb::STARTING_MATERIAL) until = CellsUntil(state, profile, container);
  if (container.material() == pb::DRUG_PRODUCT) until = container.expiry_us();
  const pb::Shipment* shipper = ShipperKeeping(state, container);
  return shipper == nullptr ? until : SoonerOf(until, HoldEnd(profile, *shipper));
}

std::int64_t UsableUntil(const pb::TherapyState& state, const pb::Profile* profile,
                         const std::vector<std::string>& containers) {
  std::int64_t until = 0;
  for (const std::string& id : containers) {
    const pb::Container* container = FindContainer(state, id);
    if (container != nullptr) until = SoonerOf(until, UsableUntil(state, profile, *container));
  }
  return until;
}

}  // namespace custody
