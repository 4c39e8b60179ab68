// Who sees what of a therapy.
//
// Classes stand on the fields of the state. The clinics that treat see all; the manufacturer sees
// custody and quality; a carrier sees custody, and of that its own shipments alone; oversight sees
// all.
#include <algorithm>

#include "custody/event.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/therapy.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Sight {
  bool quality = false;
  bool clinical = false;
};

bool MaySee(const Sight& sight, pb::FieldClass field_class) {
  switch (field_class) {
    case pb::QUALITY:
      return sight.quality;
    case pb::CLINICAL:
      return sight.clinical;
    default:
      return true;
  }
}

void Strip(const Sight& sight, Message& message) {
  std::vector<const FieldDescriptor*> present;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    if (!MaySee(sight, RuleOfField(*field).field_class())) {
      reflection->ClearField(&message, field);
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      Strip(sight, *reflection->MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      Strip(sight, *reflection->MutableRepeatedMessage(&message, field, i));
    }
  }
}

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

// What a carrier needs: the shipments given or offered to it, what is in them, and those offers.
pb::TherapyState OfCarrier(const pb::TherapyState& state, std::string_view site,
                           std::string_view organisation) {
  const auto its = [&](std::string_view name) { return name == site || name == organisation; };
  pb::TherapyState view;
  view.set_therapy(state.therapy());
  view.set_coi(state.coi());
  view.set_length(state.length());
  view.set_head(state.head());
  view.set_zone(state.zone());
  view.set_enrolled(state.enrolled());
  view.add_party_carriers(std::string(organisation));
  for (const pb::Shipment& shipment : state.shipments()) {
    const bool offered = std::ranges::any_of(state.offers(), [&](const pb::Offer& offer) {
      return its(offer.to_site()) && offer.shipper() == shipment.shipper();
    });
    if (!its(shipment.carrier()) && !offered) continue;
    *view.add_shipments() = shipment;
    for (const std::string& id : shipment.containers()) {
      const pb::Container* container = FindContainer(state, id);
      if (container == nullptr) continue;
      pb::Container* shown = view.add_containers();
      shown->set_id(container->id());
      shown->set_state(container->state());
      shown->set_shipment(container->shipment());
    }
  }
  for (const pb::Offer& offer : state.offers()) {
    if (its(offer.to_site())) *view.add_offers() = offer;
  }
  for (const pb::Holding& holding : state.holdings()) {
    if (its(holding.holder())) *view.add_holdings() = holding;
  }
  return view;
}

pb::OrganisationKind KindAt(const Registry& registry, std::string_view site) {
  const EnrolledOrganisation* organisation = registry.OrganisationOfSite(site);
  return organisation == nullptr ? pb::ORGANISATION_KIND_UNSPECIFIED : organisation->kind;
}

Sight SightOf(const Registry& registry, std::string_view site) {
  const pb::OrganisationKind kind = KindAt(registry, site);
  Sight sight;
  sight.quality = kind == pb::MANUFACTURER || kind == pb::TREATMENT_CENTRE || kind == pb::OVERSIGHT;
  sight.clinical = kind == pb::TREATMENT_CENTRE || kind == pb::OVERSIGHT;
  return sight;
}

}  // namespace

bool HideReasons(google::protobuf::RepeatedPtrField<pb::Reason>& reasons, const Registry& registry,
                 std::string_view site) {
  const Sight sight = SightOf(registry, site);
  bool hidden = false;
  for (pb::Reason& reason : reasons) {
    if (MaySee(sight, reason.field_class())) continue;
    hidden = true;
    reason.set_found("not shown here: ask the treating site");
    const Rule* rule = FindRule(reason.rule(), registry.rules_version());
    if (rule != nullptr && MaySee(sight, rule->tells)) continue;
    reason.set_expected("what rule " + reason.rule() + " asks for");
    reason.clear_subject();
    reason.clear_next_step();
  }
  return hidden;
}

pb::TherapyState ViewFor(const pb::TherapyState& state, const Registry& registry,
                         std::string_view site) {
  const EnrolledOrganisation* organisation = registry.OrganisationOfSite(site);
  const pb::OrganisationKind kind = KindAt(registry, site);
  if (kind == pb::CARRIER) return OfCarrier(state, site, organisation->organisation);
  pb::TherapyState view = state;
  const Sight sight = SightOf(registry, site);
  if (!sight.clinical || !sight.quality) Strip(sight, view);
  return view;
}

bool IsParty(const pb::TherapyState& state, const Registry& registry, std::string_view site) {
  if (site.empty()) return false;
  if (site == state.site() || Contains(state.party_sites(), site)) return true;
  const EnrolledOrganisation* organisation = registry.OrganisationOfSite(site);
  if (organisation == nullptr) return false;
  if (organisation->kind == pb::OVERSIGHT) return true;
  return Contains(state.party_carriers(), site) ||
         Contains(state.party_carriers(), organisation->organisation);
}

}  // namespace custody
