// Until when cells and product may be used: how old collected cells may become, what expiry the
// label says, how long a dry vapour shipper stays cold. Shared by the rules, the next steps and the
// alerts.
#ifndef CUSTODY_CUSTODY_USABLE_H_
#define CUSTODY_CUSTODY_USABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `SoonerOf` is the earlier of two times of which either may not be known (0).
constexpr std::int64_t SoonerOf(std::int64_t one, std::int64_t other) {
  if (one == 0 || other == 0) return one + other;
  return one < other ? one : other;
}

// `HoldHours` is the qualified hold of a shipper, in hours: its own as stated at packing, never
// more than the profile's (null: none). `HoldEnd` is when it ends: counted from packing or the last
// nitrogen, or as stated for it as a storage, whichever is earlier.
double HoldHours(const pb::Profile* profile, const pb::Shipment& shipment);
std::int64_t HoldEnd(const pb::Profile* profile, const pb::Shipment& shipment);
// `ShipperKeeping` is the dry vapour shipper that keeps a container cold now: it is packed in it,
// came in it and was not put away yet, or has it as its storage. Null: none does.
const pb::Shipment* ShipperKeeping(const pb::TherapyState& state, const pb::Container& container);
// `KeepsAnything` says whether a dry vapour shipper keeps something cold that may still be used.
bool KeepsAnything(const pb::TherapyState& state, const pb::Shipment& shipment);

// `HoldsUsable` says whether something in a shipment, of any kind, may still be used: it is not
// lost, used up or rejected.
bool HoldsUsable(const pb::TherapyState& state, const pb::Shipment& shipment);

// `FreshHoldOf` is how many hours fresh cells may be old (R09): the process's, or less by a profile
// (null: none).
pb::FreshHold FreshHoldOf(const pb::Profile* profile);

// `UsableUntil` is when the first clock of a container ends that nobody has stopped: of collected
// cells their age (R09: until a deviation; R10), of product its expiry (R34), of both the hold of
// the shipper that keeps them; 0: none runs, or none is known. Of several containers the earliest.
std::int64_t UsableUntil(const pb::TherapyState& state, const pb::Profile* profile,
                         const pb::Container& container);
std::int64_t UsableUntil(const pb::TherapyState& state, const pb::Profile* profile,
                         const std::vector<std::string>& containers);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_USABLE_H_
