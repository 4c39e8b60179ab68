#include "custody/rules/case.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "custody/batch_cells.h"
#include "custody/body_plan.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

pb::Reason& Add(const Rule& rule, pb::Verdict& v, pb::ReasonKind kind, Words words) {
  pb::Reason* reason = v.add_reasons();
  reason->set_rule(std::string(rule.id));
  reason->set_kind(kind);
  reason->set_subject(std::move(words.subject));
  reason->set_expected(std::move(words.expected));
  reason->set_found(std::move(words.found));
  reason->set_next_step(std::move(words.next));
  const bool more = words.found_class != pb::FIELD_CLASS_UNSPECIFIED;
  reason->set_field_class(more ? words.found_class : rule.tells);
  return *reason;
}

template <class Body>
std::vector<std::string> Values(const Body& containers) {
  std::vector<std::string> out;
  for (const pb::Scanned& scanned : containers) out.push_back(scanned.value());
  return out;
}

}  // namespace

bool IsLive(const Case& c) {
  return c.effective.entry() == pb::LIVE && c.event.original == nullptr;
}

pb::Reason& Structure(const Case&, const Rule& rule, pb::Verdict& v, Words words) {
  return Add(rule, v, pb::REASON_STRUCTURE, std::move(words));
}

pb::Reason& Gate(const Case& c, const Rule& rule, pb::Verdict& v, Words words) {
  // Who takes an order back may be faster than the order: that nobody knows it stops nothing.
  const bool early = rule.id == "F8a" && c.effective.has_infusion_order_cancelled();
  const bool fact = PlanOf(c.effective).rule->kind() == pb::FACT || SaysNo(c.effective) || early;
  pb::Reason& reason =
      Add(rule, v, fact ? pb::REASON_DEVIATION : pb::REASON_GATE, std::move(words));
  reason.set_critical(fact || !IsLive(c));
  if (!fact) {
    for (const pb::Role role : rule.grantors) reason.add_grantors(role);
  }
  return reason;
}

pb::Reason& Deviation(const Case&, const Rule& rule, pb::Verdict& v, Words words, bool critical) {
  pb::Reason& reason = Add(rule, v, pb::REASON_DEVIATION, std::move(words));
  reason.set_critical(critical);
  return reason;
}

pb::Reason& Quarantine(const Case&, const Rule& rule, pb::Verdict& v, Words words) {
  pb::Reason& reason = Add(rule, v, pb::REASON_QUARANTINE, std::move(words));
  reason.set_critical(true);
  return reason;
}

pb::Reason& Note(const Case&, const Rule& rule, pb::Verdict& v, Words words) {
  return Add(rule, v, pb::REASON_NOTE, std::move(words));
}

pb::Reason& NotJudged(const Case&, const Rule& rule, pb::Verdict& v, Words words) {
  return Add(rule, v, pb::REASON_NOT_JUDGED, std::move(words));
}

std::vector<std::string> StepContainers(const pb::Event& event) {
  switch (event.body_case()) {
    case pb::Event::kPacked:
      return Values(event.packed().containers());
    case pb::Event::kReceivedMfg:
      return Values(event.received_mfg().containers());
    case pb::Event::kReceivedClinic:
      return Values(event.received_clinic().containers());
    case pb::Event::kPrethawIdVerified:
      return {event.prethaw_id_verified().container().value()};
    case pb::Event::kRemovedFromStorage:
      return {event.removed_from_storage().container().value()};
    case pb::Event::kReturnedToStorage:
      return {event.returned_to_storage().container().value()};
    case pb::Event::kThawStarted:
      return {event.thaw_started().container().value()};
    case pb::Event::kThawCompleted:
      return {event.thaw_completed().container()};
    case pb::Event::kBedsideIdVerified:
      return {event.bedside_id_verified().container().value()};
    case pb::Event::kInfusionStarted:
      return {event.infusion_started().container().value()};
    case pb::Event::kInfusionCompleted:
      return {event.infusion_completed().container()};
    case pb::Event::kIssuedToWard:
      return {event.issued_to_ward().containers().begin(),
              event.issued_to_ward().containers().end()};
    case pb::Event::kInfusionOrdered: {
      std::vector<std::string> out;
      for (const pb::OrderedContainer& ordered : event.infusion_ordered().containers()) {
        out.push_back(ordered.container());
      }
      return out;
    }
    default:
      return {};
  }
}

namespace {

// Whether what is offered stays in the house of who offers it. Where nobody is named it does:
// nobody else may accept it (R06).
bool StaysInHouse(const Case& c, const pb::HandoverOffered& offer) {
  const std::string site = SiteOf(c);
  if (!offer.to_site().empty()) return c.registry.IsSameHouse(site, offer.to_site());
  if (offer.to_person().empty()) return true;
  const EnrolledOrganisation* from = c.registry.OrganisationOfSite(site);
  const EnrolledOrganisation* to = OrganisationOf(c.registry, offer.to_person());
  return from != nullptr && to != nullptr && from->organisation == to->organisation;
}

}  // namespace

std::vector<std::string> LeavingHouse(const Case& c) {
  const pb::HandoverOffered& offer = c.effective.handover_offered();
  const bool offered = c.effective.has_handover_offered();
  if (offered ? StaysInHouse(c, offer) : !c.effective.has_handed_to_carrier()) return {};
  std::vector<std::string> out(offer.containers().begin(), offer.containers().end());
  const pb::Shipment* shipment = OpenShipment(
      c.therapy, offered ? offer.shipper() : c.effective.handed_to_carrier().shipper());
  // What is on its way has left already; who brings it may be rid of it.
  if (shipment == nullptr || (offered && shipment->handed_us() != 0)) return out;
  const auto& holdings = c.therapy.holdings();
  const auto holding = std::ranges::find(holdings, shipment->shipper(), &pb::Holding::subject);
  const bool left = holding != holdings.end() &&
                    !c.registry.IsSameHouse(holding->holder(), shipment->from_site());
  if (offered && left) return out;
  out.insert(out.end(), shipment->containers().begin(), shipment->containers().end());
  return out;
}

std::string_view HoldScopeOf(const Case& c) {
  switch (Body(c)) {
    case pb::Event::kApheresisStarted:
      return "COLLECT";
    case pb::Event::kPacked:
      return "PACK";
    case pb::Event::kHandedToCarrier:
      return "SHIP";
    case pb::Event::kHandoverOffered:
      return LeavingHouse(c).empty() ? "" : "SHIP";
    case pb::Event::kLdStarted:
    case pb::Event::kLdRepeated:
    case pb::Event::kLdWaived:
      return "LYMPHODEPLETION";
    case pb::Event::kRemovedFromStorage:
      return "REMOVE";
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kThawStarted:
      return "THAW";
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      return "INFUSE";
    default:
      return "";
  }
}

const pb::InfusionOrder* OrderFor(const pb::TherapyState& state, std::string_view container) {
  const pb::Container* known = FindContainer(state, container);
  // The newest that names it: what was ordered later is what the physician wants now.
  for (auto order = state.orders().rbegin(); order != state.orders().rend(); ++order) {
    if (!order->open()) continue;
    for (const std::string& id : order->containers()) {
      if (id == container) return &*order;
      // A syringe drawn from an ordered bag stands in for it.
      if (known != nullptr && !known->parent().empty() && id == known->parent()) return &*order;
    }
  }
  return nullptr;
}

const EnrolledOrganisation* OrganisationOf(const Registry& registry, std::string_view person) {
  const EnrolledPerson* enrolled = registry.FindPerson(person);
  return enrolled == nullptr ? nullptr : registry.FindOrganisation(enrolled->organisation);
}

bool IsProductStep(const Case& c, std::string& id) {
  const bool one = Body(c) == pb::Event::kRemovedFromStorage ||
                   Body(c) == pb::Event::kThawStarted || Body(c) == pb::Event::kInfusionStarted;
  if (!one) return false;
  id = StepContainers(c.effective).front();
  const pb::Container* container = FindContainer(c.therapy, id);
  return container != nullptr && container->material() == pb::DRUG_PRODUCT;
}

bool IsFirstDose(const Case& c, std::string_view container) {
  if (c.profile == nullptr || !c.profile->has_split_dose()) return true;
  const pb::InfusionOrder* order = OrderFor(c.therapy, container);
  return c.therapy.first_infused_us() == 0 || order == nullptr || order->dose_number() <= 1;
}

namespace {

// Rejected, recalled, or nothing of it is left.
bool IsEnded(const pb::TherapyState& state, const pb::Lot& lot) {
  if (lot.state() == pb::LOT_REJECTED || lot.state() == pb::LOT_RECALLED) return true;
  bool filled = false;
  for (const pb::Container& container : state.containers()) {
    if (container.lot() != lot.lot() || container.material() != pb::DRUG_PRODUCT) continue;
    if (!IsTerminal(container.state()) && !container.rejected()) return false;
    filled = true;
  }
  return filled;
}

// Where `lot`, or what is in hand, is made; else where the product is, and where it was before.
std::vector<std::string> MakingSites(const Case& c, const pb::Lot* lot) {
  if (lot == nullptr) lot = LotInHand(c.therapy);
  if (lot != nullptr && !lot->site().empty()) return {lot->site()};
  std::vector<std::string> sites{c.therapy.manufacturer_site()};
  for (const pb::Lot& ended : c.therapy.lots()) sites.push_back(ended.site());
  return sites;
}

}  // namespace

const pb::Lot* LotInHand(const pb::TherapyState& state) {
  for (auto lot = state.lots().rbegin(); lot != state.lots().rend(); ++lot) {
    if (!IsEnded(state, *lot)) return &*lot;
  }
  return nullptr;
}

bool IsMaker(const Case& c, std::string_view person, const pb::Lot* lot) {
  const EnrolledOrganisation* of = OrganisationOf(c.registry, person);
  if (of == nullptr) return false;
  bool known = false;
  for (const std::string& site : MakingSites(c, lot)) {
    const EnrolledOrganisation* maker = c.registry.OrganisationOfSite(site);
    if (maker == nullptr) continue;
    if (maker->organisation == of->organisation) return true;
    known = true;
  }
  if (known) return false;
  if (of->kind == pb::MANUFACTURER) return true;
  return !HasMaker(c.therapy) && IsOfTreatingHouse(c.registry, c.therapy, person);
}

std::string QualityOf(const Case& c) {
  return HasMaker(c.therapy) ? "quality of the manufacturer"
                             : "quality of the treating house (nobody makes a product yet)";
}

std::vector<const pb::Lot*> LotsInDoubt(const Case& c, const pb::Quarantine* open,
                                        const pb::Hold* hold) {
  std::vector<const pb::Lot*> lots;
  const auto add = [&](const auto& names) {
    for (const std::string& name : names) {
      for (const pb::Lot* lot : LotsMeant(c.therapy, name)) lots.push_back(lot);
    }
  };
  if (open != nullptr) {
    add(open->containers());
    add(open->items());
  } else if (hold != nullptr) {
    add(hold->containers());
    add(std::vector<std::string>{hold->lot()});
  }
  if (lots.empty()) lots.push_back(nullptr);
  return lots;
}

bool IsMakersSite(const Case& c, std::string_view site) {
  const auto makes = [&](const std::string& maker) { return c.registry.IsSameHouse(site, maker); };
  const auto made = [&](const pb::Lot& lot) { return makes(lot.site()); };
  return std::ranges::any_of(MakingSites(c, nullptr), makes) ||
         std::ranges::any_of(c.therapy.lots(), made);
}

std::string SiteOf(const Case& c) {
  const EnrolledStation* station = c.registry.FindStation(c.effective.station());
  return station == nullptr ? std::string() : station->site;
}

std::string BatchSite(const Case& c) {
  const std::string site = SiteOf(c);
  return site.empty() ? c.therapy.manufacturer_site() : site;
}

std::vector<const pb::Container*> CellsFor(const Case& c, std::string_view din) {
  return BagsFor(c.therapy, c.effective.batch_opened(), din, BatchSite(c));
}

std::int64_t DaysBetween(const Case& c, std::int64_t from, std::int64_t to) {
  const StatusOr<std::int64_t> first = CalendarDay(Instant{from}, c.therapy.zone());
  const StatusOr<std::int64_t> last = CalendarDay(Instant{to}, c.therapy.zone());
  if (first.ok() && last.ok()) return *last - *first;
  return (to - from) / kMicrosPerDay;  // the site's zone is unknown here
}

std::string Span(std::int64_t micros) {
  const std::int64_t minutes = micros / kMicrosPerMinute;
  if (minutes < 0) return "-" + Span(-micros);
  if (minutes < 120) return std::to_string(minutes) + " min";
  if (minutes < 48 * 60) {
    const std::int64_t rest = minutes % 60;
    return std::to_string(minutes / 60) + " h " + (rest < 10 ? "0" : "") + std::to_string(rest) +
           " min";
  }
  return std::to_string(minutes / (24 * 60)) + " d";
}

std::string HoursText(std::int64_t micros) {
  const std::int64_t minutes = micros / kMicrosPerMinute % 60;
  return std::to_string(micros / kMicrosPerHour) + " h " + (minutes < 10 ? "0" : "") +
         std::to_string(minutes) + " min";
}

std::string Number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

std::string Celsius(double degrees) { return Number(degrees) + " C"; }

std::string Local(const Case& c, std::int64_t micros) {
  return FormatLocal(Instant{micros}, c.therapy.zone());
}

std::string List(const std::vector<std::string>& values) {
  if (values.empty()) return "none";
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : ", ") + value;
  return out;
}

}  // namespace custody::rules
