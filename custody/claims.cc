// Facts are never refused, so that a second use of something may stand in the record: who entered
// it late, or from paper, was told and nothing more. What cannot be undone (a vial, a number on a
// label) is therefore held by both from then on, and asked for again at each step that needs
// permission and could still stop it: when the label is printed and before the needle, when the
// batch is opened, at every release, and before the thaw, where what came out since the release is
// heard for the last time. It ends only where quality finds that the name was never that therapy's
// (never_ours.h).
//
// An incubator is asked for at the culture check alone, which is a fact: who shared one is in
// nobody's state once the cells are harvested, and the same incubator is another culture's by right
// the day after. What two open cultures did to each other quality says: DEVIATION_OPENED.
#include "custody/claims.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

constexpr std::string_view kVial = "vector vial";
constexpr std::string_view kIdentity = "chain of identity";
constexpr std::string_view kDonation = "donation";
constexpr std::string_view kLot = "lot";
constexpr std::string_view kContainer = "container";

// The words around the holders in what a verdict found.
constexpr std::string_view kTherapies = "therapy ";
constexpr std::string_view kHaveIt = " has it";

using Claims = std::vector<Claim>;

void Add(Claims& claims, std::string_view kind, std::string_view value, std::string_view house = {},
         std::string_view place = {}) {
  if (value.empty()) return;
  claims.push_back({std::string(kind), std::string(value), std::string(place), std::string(house)});
}

Claims Sorted(Claims claims) {
  std::ranges::sort(claims);
  const auto twice = std::ranges::unique(claims);
  claims.erase(twice.begin(), twice.end());
  return claims;
}

// Lots and vials go by numbers of the organisation, whichever of its sites has them.
std::string OrganisationAt(const Registry& registry, const std::string& site) {
  const EnrolledOrganisation* of = registry.OrganisationOfSite(site);
  return of == nullptr ? site : of->organisation;
}

std::string SenderSite(const pb::Event& event, const Registry& registry) {
  const EnrolledStation* station = registry.FindStation(event.station());
  return station == nullptr ? std::string() : station->site;
}

// Where a lot is made; for one that is not known yet, where the event is signed.
std::string LotSite(const pb::Event& event, const Registry& registry,
                    const pb::TherapyState& therapy, std::string_view name) {
  const pb::Lot* lot = FindLot(therapy, name);
  return lot == nullptr ? SenderSite(event, registry) : lot->site();
}

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

// What goes by its lot's number: bags, vials and syringes that were filled. What was derived of one
// at a hospital has a label of that hospital, beside the number of its lot.
bool IsFilledProduct(const pb::Container& container) {
  return container.material() == pb::DRUG_PRODUCT && container.parent().empty() &&
         !container.lot().empty();
}

// What a lot was made with and what it is called by.
void AddLot(const pb::TherapyState& therapy, const Registry& registry, const pb::Lot& lot,
            Claims& claims) {
  const std::string maker = OrganisationAt(registry, lot.site());
  Add(claims, kLot, lot.lot(), maker);
  for (const std::string& vial : lot.vials()) Add(claims, kVial, vial, maker);
  for (const pb::Container& container : therapy.containers()) {
    if (IsFilledProduct(container) && container.lot() == lot.lot()) {
      Add(claims, kContainer, container.id(), maker);
    }
  }
}

void AskForRelease(const pb::TherapyState& therapy, const Registry& registry, std::string_view name,
                   Claims& claims) {
  const pb::Lot* lot = FindLot(therapy, name);
  if (lot == nullptr) return;
  AddLot(therapy, registry, *lot, claims);
  Add(claims, kIdentity, therapy.coi());
  for (const std::string& din : lot->dins()) Add(claims, kDonation, din);
}

// Before the thaw: what the container's lot was made with, and its own number.
void AskForThaw(const pb::TherapyState& therapy, const Registry& registry, std::string_view id,
                Claims& claims) {
  const pb::Container* container = FindContainer(therapy, id);
  if (container == nullptr || container->material() != pb::DRUG_PRODUCT) return;
  const pb::Lot* lot = FindLot(therapy, container->lot());
  if (lot == nullptr || container->thaw_started_us() != 0) return;  // too late to leave it frozen
  const std::string maker = OrganisationAt(registry, lot->site());
  for (const std::string& vial : lot->vials()) Add(claims, kVial, vial, maker);
  if (IsFilledProduct(*container)) Add(claims, kContainer, container->id(), maker);
}

void AskForFilled(const pb::Event& event, const pb::TherapyState& therapy, const Registry& registry,
                  Claims& claims) {
  const pb::Filled& body = event.filled();
  const std::string maker = OrganisationAt(registry, LotSite(event, registry, therapy, body.lot()));
  for (const pb::FilledContainer& filled : body.containers()) {
    if (IsProductVessel(filled.kind())) Add(claims, kContainer, filled.container(), maker);
  }
}

void AskForIncubator(const pb::Event& event, const pb::TherapyState& therapy,
                     const Registry& registry, const pb::Profile* profile, Claims& claims) {
  const pb::CultureCheck& body = event.culture_check();
  const pb::CultureKind kind =
      profile == nullptr ? pb::CULTURE_KIND_UNSPECIFIED : profile->culture();
  const std::string site = LotSite(event, registry, therapy, body.lot());
  if (kind == pb::CULTURE_OPEN) Add(claims, "incubator", body.equipment(), site);
  if (kind == pb::CULTURE_CLOSED && !body.position().empty()) {
    Add(claims, "incubator", body.equipment(), site, body.position());
  }
}

// A chain of identity is created by who names it first; later it is compared.
void AskForIdentity(const pb::TherapyState& therapy, const std::string& coi, Claims& claims) {
  if (therapy.coi().empty()) Add(claims, kIdentity, coi);
}

void AskForMade(const pb::Event& event, const pb::TherapyState& therapy, const Registry& registry,
                const pb::Profile* profile, Claims& claims) {
  switch (event.body_case()) {
    case pb::Event::kBatchOpened: {
      const pb::BatchOpened& body = event.batch_opened();
      Add(claims, kLot, body.lot(),
          OrganisationAt(registry, LotSite(event, registry, therapy, body.lot())));
      for (const std::string& din : body.donations()) Add(claims, kDonation, din);
      return;
    }
    case pb::Event::kTransduced: {
      const pb::Transduced& body = event.transduced();
      const std::string maker =
          OrganisationAt(registry, LotSite(event, registry, therapy, body.lot()));
      for (const pb::VectorVial& vial : body.vials()) {
        Add(claims, kVial, VialId(body.vector_lot(), vial.vial()), maker);
      }
      return;
    }
    case pb::Event::kCultureCheck:
      return AskForIncubator(event, therapy, registry, profile, claims);
    case pb::Event::kFilled:
      return AskForFilled(event, therapy, registry, claims);
    case pb::Event::kReleased:
      return AskForRelease(therapy, registry, event.released().lot(), claims);
    case pb::Event::kReleasedOos:
      return AskForRelease(therapy, registry, event.released_oos().lot(), claims);
    case pb::Event::kQpCertification:
      return AskForRelease(therapy, registry, event.qp_certification().lot(), claims);
    default:
      return;
  }
}

}  // namespace

std::string VialId(std::string_view vector_lot, std::string_view vial) {
  return std::string(vector_lot) + "/" + std::string(vial);
}

std::string Called(const Claim& claim) {
  return claim.kind + " " + claim.value + (claim.place.empty() ? "" : " " + claim.place) +
         (claim.house.empty() ? "" : " of " + claim.house);
}

std::string Wanted(const Claim& claim) { return Called(claim) + " with this therapy alone"; }

std::string HeldBy(const std::vector<std::string>& holders) {
  std::string list;
  for (const std::string& holder : holders) list += (list.empty() ? "" : ", ") + holder;
  return std::string(kTherapies) + list + std::string(kHaveIt);
}

bool HideHolders(std::string& found, const std::function<bool(const std::string&)>& may_know) {
  const std::size_t end = found.find(kHaveIt);  // an id has no space
  if (!found.starts_with(kTherapies) || end == std::string::npos) return false;
  std::string_view ids = std::string_view(found).substr(0, end).substr(kTherapies.size());
  bool all = true;
  while (all && !ids.empty()) {
    const std::size_t comma = std::min(ids.find(", "), ids.size());
    all = may_know(std::string(ids.substr(0, comma)));
    ids.remove_prefix(std::min(comma + 2, ids.size()));
  }
  if (!all) found = "another therapy" + found.substr(end);
  return !all;
}

bool Collide(const Claim& one, const Claim& other) {
  return one.kind == other.kind && one.value == other.value && one.house == other.house &&
         (one.place.empty() || other.place.empty() || one.place == other.place);
}

std::string_view RuleOf(const Claim& claim) { return claim.kind == kVial ? "R15" : "R05"; }

std::vector<Claim> ClaimsAsked(const pb::Event& event, const Registry& registry,
                               const pb::TherapyState& therapy, const pb::Profile* profile) {
  Claims claims;
  switch (event.body_case()) {
    case pb::Event::kPatientEnrolled:
      AskForIdentity(therapy, event.patient_enrolled().coi(), claims);
      break;
    case pb::Event::kEligibilityAssessed:
      AskForIdentity(therapy, event.eligibility_assessed().coi(), claims);
      break;
    case pb::Event::kTherapyOrdered:
      AskForIdentity(therapy, event.therapy_ordered().coi(), claims);
      break;
    case pb::Event::kLabelIssued:
      Add(claims, kIdentity, therapy.coi());
      Add(claims, kDonation, event.label_issued().din().value());
      break;
    case pb::Event::kApheresisStarted:
      Add(claims, kDonation, event.apheresis_started().din().value());
      break;
    case pb::Event::kApheresisCompleted:
      Add(claims, kDonation, event.apheresis_completed().din());
      break;
    case pb::Event::kPacked: {
      const auto& packed = event.packed().containers();
      const bool samples = std::ranges::all_of(
          packed, [&](const pb::Scanned& scan) { return IsSample(therapy, scan.value()); });
      if (!samples) Add(claims, "shipper", event.packed().shipper().value());
      break;
    }
    case pb::Event::kPrethawIdVerified:
      AskForThaw(therapy, registry, event.prethaw_id_verified().container().value(), claims);
      break;
    case pb::Event::kThawStarted:
      AskForThaw(therapy, registry, event.thaw_started().container().value(), claims);
      if (IsSample(therapy, event.thaw_started().container().value())) break;
      Add(claims, "thaw device", event.thaw_started().device().value(),
          SenderSite(event, registry));
      break;
    default:
      AskForMade(event, therapy, registry, profile, claims);
  }
  return Sorted(std::move(claims));
}

std::vector<Claim> ClaimsOf(const pb::TherapyState& therapy, const Registry& registry) {
  Claims claims;
  Add(claims, kIdentity, therapy.coi());
  for (const std::string& din : therapy.issued_labels()) Add(claims, kDonation, din);
  for (const pb::Donation& donation : therapy.donations()) Add(claims, kDonation, donation.din());
  for (const pb::Container& container : therapy.containers()) {
    if (container.material() == pb::SAMPLE_MATERIAL) continue;
    if (IsInShipper(therapy, container)) Add(claims, "shipper", container.shipment());
    if (container.state() == pb::CONTAINER_THAWING) {
      Add(claims, "thaw device", container.thaw_device(), container.thaw_site());
    }
  }
  for (const pb::Lot& lot : therapy.lots()) {
    AddLot(therapy, registry, lot, claims);
    const bool grows = lot.state() == pb::LOT_OPEN && !lot.harvested();
    if (grows) Add(claims, "incubator", lot.incubator(), lot.site(), lot.position());
  }
  return Sorted(std::move(claims));
}

}  // namespace custody
