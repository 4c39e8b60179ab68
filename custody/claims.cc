#include "custody/claims.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

constexpr std::string_view kVial = "vector vial";

bool IsSample(const pb::TherapyState& therapy, std::string_view id) {
  const pb::Container* container = FindContainer(therapy, id);
  return container != nullptr && container->material() == pb::SAMPLE_MATERIAL;
}

// Whether a container lies in the shipper that it was packed in.
bool IsInShipper(const pb::TherapyState& therapy, const pb::Container& container) {
  if (container.shipment().empty() || IsTerminal(container.state())) return false;
  switch (container.state()) {
    case pb::CONTAINER_PACKED:
    case pb::CONTAINER_IN_TRANSIT:
    case pb::CONTAINER_REJECTED:  // on its way back
    case pb::CONTAINER_RETAINED:
      return true;
    default: {  // the shipper it came in is its storage
      const pb::Shipment* shipment = LastShipment(therapy, container.shipment());
      return shipment != nullptr && shipment->stored_us() != 0 && shipment->emptied_us() == 0;
    }
  }
}

}  // namespace

std::string VialId(std::string_view vector_lot, std::string_view vial) {
  return std::string(vector_lot) + "/" + std::string(vial);
}

std::string Called(const Claim& claim) {
  return claim.kind + " " + claim.value + (claim.place.empty() ? "" : " " + claim.place);
}

bool Collide(const Claim& one, const Claim& other) {
  return one.kind == other.kind && one.value == other.value &&
         (one.place.empty() || other.place.empty() || one.place == other.place);
}

std::string_view RuleOf(const Claim& claim) { return claim.kind == kVial ? "R15" : "R05"; }

std::vector<Claim> ClaimsAsked(const pb::Event& event, const pb::TherapyState& therapy,
                               const pb::Profile* profile) {
  std::vector<Claim> claims;
  switch (event.body_case()) {
    case pb::Event::kPacked: {
      const auto& packed = event.packed().containers();
      const bool samples = std::ranges::all_of(
          packed, [&](const pb::Scanned& scan) { return IsSample(therapy, scan.value()); });
      if (!samples) claims.push_back({"shipper", event.packed().shipper().value(), ""});
      break;
    }
    case pb::Event::kThawStarted:
      if (IsSample(therapy, event.thaw_started().container().value())) break;
      claims.push_back({"thaw device", event.thaw_started().device().value(), ""});
      break;
    case pb::Event::kTransduced:
      for (const pb::VectorVial& vial : event.transduced().vials()) {
        claims.push_back(
            {std::string(kVial), VialId(event.transduced().vector_lot(), vial.vial()), ""});
      }
      break;
    case pb::Event::kCultureCheck: {
      const pb::CultureCheck& body = event.culture_check();
      const pb::CultureKind kind =
          profile == nullptr ? pb::CULTURE_KIND_UNSPECIFIED : profile->culture();
      if (body.equipment().empty()) break;
      if (kind == pb::CULTURE_OPEN) claims.push_back({"incubator", body.equipment(), ""});
      if (kind == pb::CULTURE_CLOSED && !body.position().empty()) {
        claims.push_back({"incubator", body.equipment(), body.position()});
      }
      break;
    }
    default:
      break;
  }
  std::ranges::sort(claims);
  return claims;
}

std::vector<Claim> ClaimsOf(const pb::TherapyState& therapy) {
  std::vector<Claim> claims;
  for (const pb::Container& container : therapy.containers()) {
    if (container.material() == pb::SAMPLE_MATERIAL) continue;
    if (IsInShipper(therapy, container)) claims.push_back({"shipper", container.shipment(), ""});
    if (container.state() == pb::CONTAINER_THAWING && !container.thaw_device().empty()) {
      claims.push_back({"thaw device", container.thaw_device(), ""});
    }
  }
  for (const pb::Lot& lot : therapy.lots()) {
    for (const std::string& vial : lot.vials()) claims.push_back({std::string(kVial), vial, ""});
    const bool grows = lot.state() == pb::LOT_OPEN && !lot.harvested();
    if (grows && !lot.incubator().empty()) {
      claims.push_back({"incubator", lot.incubator(), lot.position()});
    }
  }
  std::ranges::sort(claims);
  const auto twice = std::ranges::unique(claims);
  claims.erase(twice.begin(), twice.end());
  return claims;
}

}  // namespace custody
