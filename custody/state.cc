#include "custody/state.h"

#include <algorithm>
#include <cctype>

#include "crypto/encoding.h"

namespace custody {
namespace {

template <class List, class Match>
auto FindIn(const List& list, Match match) -> const typename List::value_type* {
  const auto found = std::find_if(list.begin(), list.end(), match);
  return found == list.end() ? nullptr : &*found;
}

template <class List, class Match>
auto FindLastIn(const List& list, Match match) -> const typename List::value_type* {
  for (auto i = list.rbegin(); i != list.rend(); ++i) {
    if (match(*i)) return &*i;
  }
  return nullptr;
}

bool Has(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

// What a hold blocks when it does not say.
constexpr std::string_view kDefaultScopes[] = {"COLLECT", "SHIP", "LYMPHODEPLETION",
                                               "REMOVE",  "THAW", "INFUSE"};

}  // namespace

std::int64_t Micros(const google::protobuf::Timestamp& timestamp) {
  return FromProto(timestamp).micros;
}

std::string ShortId(std::string_view event_id) { return Hex(event_id.substr(0, 4)); }

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

const pb::Container* FindContainer(const pb::TherapyState& state, std::string_view id) {
  if (id.empty()) return nullptr;
  const auto* by_id =
      FindIn(state.containers(), [&](const pb::Container& c) { return c.id() == id; });
  if (by_id != nullptr) return by_id;
  const pb::Container* only = nullptr;
  for (const pb::Container& c : state.containers()) {
    if (c.material() != pb::STARTING_MATERIAL || c.din() != id || c.plasma()) continue;
    if (only != nullptr) return nullptr;
    only = &c;
  }
  return only;
}

const pb::Lot* FindLot(const pb::TherapyState& state, std::string_view lot) {
  return FindIn(state.lots(), [&](const pb::Lot& l) { return l.lot() == lot; });
}

const pb::Donation* FindDonation(const pb::TherapyState& state, std::string_view din) {
  return FindIn(state.donations(), [&](const pb::Donation& d) { return d.din() == din; });
}

const pb::InfusionOrder* FindOrder(const pb::TherapyState& state, std::string_view order) {
  return FindLastIn(state.orders(), [&](const pb::InfusionOrder& o) { return o.order() == order; });
}

const pb::Hold* FindHold(const pb::TherapyState& state, std::string_view id) {
  return FindLastIn(state.holds(), [&](const pb::Hold& h) { return h.id() == id; });
}

const pb::Offer* FindOffer(const pb::TherapyState& state, std::string_view event_id) {
  return FindLastIn(state.offers(), [&](const pb::Offer& o) { return o.event_id() == event_id; });
}

const pb::Deviation* FindDeviation(const pb::TherapyState& state, std::string_view id) {
  return FindIn(state.deviations(), [&](const pb::Deviation& d) { return d.id() == id; });
}

const pb::Grant* FindGrant(const pb::TherapyState& state, std::string_view event_id) {
  return FindIn(state.grants(), [&](const pb::Grant& g) { return g.event_id() == event_id; });
}

const pb::Shipment* OpenShipment(const pb::TherapyState& state,
                                 std::string_view shipper_or_number) {
  if (shipper_or_number.empty()) return nullptr;
  return FindLastIn(state.shipments(), [&](const pb::Shipment& s) {
    return s.open() && (s.shipper() == shipper_or_number || s.number() == shipper_or_number);
  });
}

const pb::Shipment* LastShipment(const pb::TherapyState& state, std::string_view name) {
  if (name.empty()) return nullptr;
  return FindLastIn(state.shipments(), [&](const pb::Shipment& s) {
    return s.shipper() == name || s.number() == name || s.logger() == name;
  });
}

bool WasMade(const pb::Lot& lot, int body) {
  return std::ranges::find(lot.made(), static_cast<std::uint32_t>(body)) != lot.made().end();
}

const pb::StepRecord* FindStep(const pb::TherapyState& state, int body) {
  return FindIn(state.steps(), [&](const pb::StepRecord& s) {
    return s.body() == static_cast<std::uint32_t>(body);
  });
}

std::optional<std::uint32_t> PersonIndex(const pb::TherapyState& state, std::string_view person) {
  const auto& persons = state.persons();
  const auto found = std::ranges::find(persons, person);
  if (found == persons.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - persons.begin());
}

bool IsProductVessel(pb::VesselKind kind) {
  return kind == pb::VESSEL_BAG || kind == pb::VESSEL_PRODUCT_VIAL || kind == pb::VESSEL_SYRINGE;
}

bool IsTerminal(pb::ContainerState state) {
  return state >= pb::CONTAINER_INFUSED && state != pb::CONTAINER_RETAINED &&
         state != pb::CONTAINER_REJECTED;
}

bool MayNotBeUsed(pb::ContainerState state) { return state >= pb::CONTAINER_INFUSED; }

std::string StateLabel(pb::ContainerState state) {
  constexpr std::string_view kPrefix = "CONTAINER_";
  std::string label = Lower(pb::ContainerState_Name(state));
  if (label.size() > kPrefix.size()) label.erase(0, kPrefix.size());
  std::ranges::replace(label, '_', ' ');
  return label;
}

std::vector<const pb::Container*> Lineage(const pb::TherapyState& state, const pb::Container& c) {
  std::vector<const pb::Container*> line{&c};
  // A derivation names an existing container, so there are no circles; the bound guards all the
  // same.
  constexpr std::size_t kMaxDepth = 16;
  while (!line.back()->parent().empty() && line.size() < kMaxDepth) {
    const pb::Container* parent = FindContainer(state, line.back()->parent());
    if (parent == nullptr) break;
    line.push_back(parent);
  }
  return line;
}

std::vector<const pb::Container*> SourcesOf(const pb::TherapyState& state, std::string_view lot) {
  std::vector<const pb::Container*> sources;
  if (lot.empty()) return sources;
  for (const pb::Container& c : state.containers()) {
    if (Has(c.used_in(), lot)) sources.push_back(&c);
  }
  // What was poured into the bags that were frozen is in the lot, too.
  const std::size_t used = sources.size();
  for (const pb::Container& c : state.containers()) {
    if (c.state() != pb::CONTAINER_CONSUMED || !c.used_in().empty()) continue;
    const bool poured = std::any_of(sources.begin(), sources.begin() + static_cast<long>(used),
                                    [&](const auto* source) { return source->din() == c.din(); });
    if (poured && c.material() == pb::STARTING_MATERIAL && !c.plasma()) sources.push_back(&c);
  }
  return sources;
}

std::vector<const pb::Container*> Origins(const pb::TherapyState& state, const pb::Container& c) {
  std::vector<const pb::Container*> line = Lineage(state, c);
  if (c.material() == pb::STARTING_MATERIAL) {
    for (const pb::Container& other : state.containers()) {
      const bool poured = other.din() == c.din() && other.state() == pb::CONTAINER_CONSUMED &&
                          other.used_in().empty() && &other != &c;
      if (poured && other.material() == pb::STARTING_MATERIAL && !other.plasma()) {
        line.push_back(&other);
      }
    }
    return line;
  }
  for (const pb::Container* source : SourcesOf(state, c.lot())) line.push_back(source);
  return line;
}

const pb::Container* RejectedAmong(const std::vector<const pb::Container*>& line) {
  const auto found = std::ranges::find_if(line, [](const auto* c) { return c->rejected(); });
  return found == line.end() ? nullptr : *found;
}

namespace {

// What a rule found of a lot or donation stands in either list.
bool Names(const pb::Quarantine& q, std::string_view id) {
  return !id.empty() && (Has(q.containers(), id) || Has(q.items(), id));
}

bool Holds(const pb::Quarantine& q, const std::vector<const pb::Container*>& line) {
  return std::ranges::any_of(line, [&](const pb::Container* c) {
    return Names(q, c->id()) || Names(q, c->lot()) || Names(q, c->din());
  });
}

}  // namespace

std::vector<const pb::Quarantine*> OpenQuarantines(const pb::TherapyState& state,
                                                   const pb::Container& container) {
  std::vector<const pb::Quarantine*> open;
  if (state.quarantines().empty()) return open;
  const auto line = Origins(state, container);
  for (const pb::Quarantine& q : state.quarantines()) {
    if (q.open() && Holds(q, line)) open.push_back(&q);
  }
  return open;
}

std::vector<const pb::Quarantine*> OpenQuarantinesOfLot(const pb::TherapyState& state,
                                                        const pb::Lot& lot) {
  std::vector<const pb::Quarantine*> open;
  const auto line = SourcesOf(state, lot.lot());
  for (const pb::Quarantine& q : state.quarantines()) {
    const bool donation =
        std::ranges::any_of(lot.dins(), [&](const std::string& din) { return Names(q, din); });
    if (q.open() && (donation || Names(q, lot.lot()) || Holds(q, line))) open.push_back(&q);
  }
  return open;
}

pb::QuarantineKind KindOfCause(pb::QuarantineCause cause) {
  switch (cause) {
    case pb::QUARANTINED_FOR_SEAL:
      return pb::QUARANTINED_SEAL;
    case pb::QUARANTINED_FOR_DAMAGE:
      return pb::QUARANTINED_DAMAGE;
    case pb::QUARANTINED_FOR_IDENTITY:
      return pb::QUARANTINED_IDENTITY;
    case pb::QUARANTINED_FOR_FAILED_CELLS:
      return pb::QUARANTINED_FAILED;
    case pb::QUARANTINED_FOR_TEMPERATURE:
      return pb::QUARANTINED_TEMP;
    case pb::QUARANTINED_FOR_DATA_ABSENT:
      return pb::QUARANTINED_DATA;
    default:
      return pb::QUARANTINE_KIND_UNSPECIFIED;
  }
}

bool IsHeldBy(const pb::TherapyState& state, const pb::Quarantine& quarantine,
              std::string_view id) {
  if (Names(quarantine, id)) return true;
  return std::ranges::any_of(ContainersMeant(state, id), [&](const pb::Container* c) {
    return Names(quarantine, c->id()) || (!c->lot().empty() && Has(quarantine.items(), c->lot())) ||
           (!c->din().empty() && Has(quarantine.items(), c->din()));
  });
}

std::vector<const pb::Hold*> OpenHolds(const pb::TherapyState& state, std::string_view scope,
                                       const pb::Container* container) {
  std::vector<const pb::Hold*> open;
  if (state.holds().empty()) return open;
  const auto line =
      container == nullptr ? std::vector<const pb::Container*>() : Origins(state, *container);
  for (const pb::Hold& h : state.holds()) {
    if (!h.open()) continue;
    const bool blocks = h.blocks().empty()
                            ? std::ranges::find(kDefaultScopes, scope) != std::end(kDefaultScopes)
                            : Has(h.blocks(), scope);
    if (!blocks) continue;
    const bool whole = h.containers().empty() && h.lot().empty();
    const bool named = std::ranges::any_of(line, [&](const pb::Container* c) {
      const auto names = [&](const std::string& id) {
        return !id.empty() && (Has(h.containers(), id) || h.lot() == id);
      };
      return names(c->id()) || names(c->lot()) || names(c->din());
    });
    if (whole || named) open.push_back(&h);
  }
  return open;
}

google::protobuf::RepeatedPtrField<pb::DataSpan> WithSpan(
    google::protobuf::RepeatedPtrField<pb::DataSpan> spans, std::int64_t from, std::int64_t to) {
  if (to < from) return spans;
  pb::DataSpan* added = spans.Add();
  added->set_from_us(from);
  added->set_to_us(to);
  std::ranges::sort(spans, {}, [](const pb::DataSpan& span) { return span.from_us(); });
  google::protobuf::RepeatedPtrField<pb::DataSpan> joined;
  for (const pb::DataSpan& span : spans) {
    const bool apart = joined.empty() || span.from_us() > joined.rbegin()->to_us();
    pb::DataSpan* last = apart ? joined.Add() : joined.Mutable(joined.size() - 1);
    if (apart) last->set_from_us(span.from_us());
    last->set_to_us(std::max(last->to_us(), span.to_us()));
  }
  return joined;
}

std::string QuarantineLabel(pb::QuarantineKind kind) {
  switch (kind) {
    case pb::QUARANTINED_IDENTITY:
      return "identity";
    case pb::QUARANTINED_TEMP:
      return "temperature";
    case pb::QUARANTINED_DATA:
      return "missing data";
    case pb::QUARANTINED_SEAL:
      return "seal";
    case pb::QUARANTINED_DAMAGE:
      return "damage";
    case pb::QUARANTINED_FAILED:
      return "a failed collection or incoming check";
    default:
      return "unknown";
  }
}

std::string LotLabel(pb::LotState state) {
  switch (state) {
    case pb::LOT_OPEN:
      return "in manufacture";
    case pb::LOT_FILLED:
      return "filled, not released";
    case pb::LOT_RELEASED:
      return "released";
    case pb::LOT_RELEASED_OOS:
      return "released out of specification";
    case pb::LOT_REJECTED:
      return "rejected";
    case pb::LOT_WITHDRAWN:
      return "release withdrawn";
    case pb::LOT_RECALLED:
      return "recalled";
    default:
      return "unknown";
  }
}

std::vector<std::string> RecalledLots(const pb::TherapyState& state,
                                      const pb::ProductRecalled& recall) {
  std::vector<std::string> lots;
  if (!recall.containers().empty()) return lots;
  const std::string by = Lower(recall.identifier_type());
  for (const pb::Lot& lot : state.lots()) {
    // Of what else was in it, only who recalls knows: they name the containers (R34).
    const bool concerned = by == "lot"
                               ? lot.lot() == recall.identifier()
                               : by == "vector" && Has(lot.vector_lots(), recall.identifier());
    if (concerned) lots.push_back(lot.lot());
  }
  return lots;
}

std::vector<std::string> RecalledContainers(const pb::TherapyState& state,
                                            const pb::ProductRecalled& recall) {
  std::vector<std::string> named(recall.containers().begin(), recall.containers().end());
  if (named.empty() && Lower(recall.identifier_type()) == "container") {
    named.push_back(recall.identifier());
  }
  std::vector<std::string> concerned;
  for (const std::string& id : named) {
    for (const pb::Container* c : ContainersMeant(state, id)) concerned.push_back(c->id());
  }
  return concerned;
}

bool TellsApart(const pb::ProductRecalled& recall) {
  const std::string by = Lower(recall.identifier_type());
  return !recall.containers().empty() || by == "lot" || by == "vector" || by == "container";
}

std::int64_t DayIn(const pb::TherapyState& state, std::int64_t micros) {
  return CalendarDay(Instant{micros}, state.zone()).value_or(micros / kMicrosPerDay);
}

const std::string& TreatingSite(const pb::TherapyState& state) {
  return state.treating_site().empty() ? state.site() : state.treating_site();
}

const std::string& MakerSite(const pb::TherapyState& state, const pb::Lot* lot) {
  return lot == nullptr || lot->site().empty() ? state.manufacturer_site() : lot->site();
}

const pb::Lot* LotOf(const pb::TherapyState& state, std::string_view container) {
  const pb::Container* known = FindContainer(state, container);
  return known == nullptr ? nullptr : FindLot(state, known->lot());
}

std::vector<const pb::Lot*> LotsMeant(const pb::TherapyState& state, std::string_view id) {
  std::vector<const pb::Lot*> lots;
  const auto add = [&](const pb::Lot* lot) {
    if (lot != nullptr && std::ranges::find(lots, lot) == lots.end()) lots.push_back(lot);
  };
  add(FindLot(state, id));
  for (const pb::Container* meant : ContainersMeant(state, id)) add(FindLot(state, meant->lot()));
  return lots;
}

}  // namespace custody
