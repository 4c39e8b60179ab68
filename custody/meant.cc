// What people mean by a name. Most scan the container; who finds something wrong has often only
// what it lies in: a cassette, a shipper, a seal. A doubt or hold by that name holds what is
// inside. A name of the therapy's own things comes first: a lot that nothing was filled of yet
// means nothing else.
#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

// The newest shipment that had this number or seal; null: none.
const pb::Shipment* ShipmentCalled(const pb::TherapyState& state, std::string_view name) {
  if (const pb::Shipment* shipment = LastShipment(state, name)) return shipment;
  const auto& all = state.shipments();
  const auto last = std::find_if(all.rbegin(), all.rend(), [&](const pb::Shipment& s) {
    return std::ranges::find(s.seals(), name) != s.seals().end();
  });
  return last == all.rend() ? nullptr : &*last;
}

// What is in what that name is written on: a cassette or carton; else a shipper.
std::vector<const pb::Container*> ContainersIn(const pb::TherapyState& state,
                                               std::string_view name) {
  std::vector<const pb::Container*> inside;
  for (const pb::Container& c : state.containers()) {
    if (c.cassette() == name) inside.push_back(&c);
  }
  const pb::Shipment* shipment = inside.empty() ? ShipmentCalled(state, name) : nullptr;
  if (shipment == nullptr) return inside;
  for (const std::string& id : shipment->containers()) {
    if (const pb::Container* c = FindContainer(state, id)) inside.push_back(c);
  }
  return inside;
}

}  // namespace

std::vector<const pb::Container*> ContainersMeant(const pb::TherapyState& state,
                                                  std::string_view id) {
  std::vector<const pb::Container*> meant;
  if (id.empty()) return meant;
  for (const pb::Container& c : state.containers()) {
    const bool of_donation = c.material() == pb::STARTING_MATERIAL && c.din() == id;
    if (c.id() == id || c.lot() == id || of_donation) meant.push_back(&c);
  }
  const bool own =
      !meant.empty() || FindLot(state, id) != nullptr || FindDonation(state, id) != nullptr;
  return own ? meant : ContainersIn(state, id);
}

}  // namespace custody
