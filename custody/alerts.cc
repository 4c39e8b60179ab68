// Long because each kind of alert has its few lines here, and nowhere else.
#include "custody/alerts.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <utility>

#include "crypto/hash.h"
#include "custody/aftercare.h"
#include "custody/correction.h"
#include "custody/event.h"
#include "custody/grading.h"
#include "custody/profile.h"
#include "custody/state.h"
#include "custody/usable.h"

namespace custody {
namespace {

// `Gathering` collects the alerts of one state at one time.
struct Gathering {
  const pb::TherapyState& state;
  const Registry& registry;
  const Instant now;
  const pb::Profile* profile;
  std::vector<Alert> alerts = {};
  std::int64_t next_us = std::numeric_limits<std::int64_t>::max();

  // Whether `due_us` is over. If not, what is asked may be answered otherwise right after it.
  bool IsOver(std::int64_t due_us) {
    if (due_us < now.micros) return true;
    if (due_us != std::numeric_limits<std::int64_t>::max()) next_us = std::min(next_us, due_us + 1);
    return false;
  }

  // Whether somebody of the site's house has acknowledged `id`.
  bool Seen(const std::string& id, const std::string& site) const {
    return std::ranges::any_of(state.alerts_seen(), [&](const pb::AlertSeen& seen) {
      return seen.alert() == id && registry.IsSameHouse(seen.site(), site);
    });
  }

  // What `event_id` told, under `rule`; `about` tells several of one event apart.
  Alert& Add(const std::string& event_id, const std::string& rule, const std::string& about,
             std::int64_t since_us, std::string text) {
    Alert& alert = alerts.emplace_back();
    alert.id = "A-" + ShortId(event_id) + "-" + rule + (about.empty() ? "" : "-" + about);
    alert.rule = rule;
    alert.since_us = since_us;
    alert.text = std::move(text) + " (chain of identity " + state.coi() + ")";
    return alert;
  }
  void For(Alert& alert, std::initializer_list<pb::Role> roles,
           std::initializer_list<std::string> sites) const {
    alert.roles = roles;
    for (const std::string& site : sites) {
      const bool listed = std::ranges::find(alert.sites, site) != alert.sites.end();
      if (site.empty() || listed) continue;
      alert.sites.push_back(site);
      if (!Seen(alert.id, site)) alert.waiting.push_back(site);
    }
  }
  const std::string& clinic() const { return TreatingSite(state); }
  // Who makes the lot that `about` means; of other things, who makes the product.
  const std::string& maker(const std::string& about = {}) const {
    const std::vector<const pb::Lot*> lots = LotsMeant(state, about);
    return MakerSite(state, lots.empty() ? nullptr : lots.front());
  }
};

// Whether something is still to come of the therapy's product.
bool IsAwaited(const pb::TherapyState& state, const pb::Lot& lot) {
  const bool making = lot.state() == pb::LOT_OPEN || lot.state() == pb::LOT_FILLED;
  const bool over = state.patient_died() || state.condition().ineligible() ||
                    state.consent_withdrawn() || state.closed();
  return making && !over;
}

// The end of the calendar day so many days after `from_us`, where the patient is treated.
std::int64_t EndOfDays(const pb::TherapyState& state, std::int64_t from_us, std::uint32_t days) {
  const StatusOr<std::int64_t> day = CalendarDay(Instant{from_us}, state.zone());
  if (!day.ok()) return from_us + days * kMicrosPerDay;
  const StatusOr<Instant> end = EndOfDay(*day + days, state.zone());
  return end.ok() ? end->micros : from_us + days * kMicrosPerDay;
}

void LateRelease(Gathering& g, const pb::AlertSource& source) {
  const pb::Lot* lot = FindLot(g.state, source.subject());
  if (lot == nullptr || !IsAwaited(g.state, *lot)) return;
  const std::uint32_t stated = g.profile == nullptr ? 0 : g.profile->release_alert_days();
  const std::uint32_t days = Tightened(Defaults::kReleaseAlertDays, stated);
  const std::int64_t end = EndOfDays(g.state, source.since_us(), days);
  if (!g.IsOver(end)) return;
  Alert& alert = g.Add(source.event_id(), "R42", "", end,
                       "lot " + lot->lot() + " is not released " + std::to_string(days) +
                           " days after its batch began");
  g.For(alert, {pb::COORD, pb::PHY, pb::QA, pb::SCHED}, {g.clinic(), g.maker(lot->lot())});
}

// Until it is there, or its hold began anew.
void LateArrival(Gathering& g, const pb::AlertSource& source) {
  const pb::Shipment* shipment = LastShipment(g.state, source.subject());
  if (shipment == nullptr || !shipment->open()) return;
  Alert& alert =
      g.Add(source.event_id(), "F10", "", source.since_us(),
            "shipper " + shipment->shipper() + " is expected later than planned for its hold");
  g.For(alert, {pb::COORD, pb::QA, pb::SCHED}, {g.clinic(), g.maker()});
}

// The time at which it was expected has passed, and nobody received it or said another one.
void Missing(Gathering& g, const pb::AlertSource& source) {
  const pb::Shipment* shipment = LastShipment(g.state, source.subject());
  if (shipment == nullptr || !shipment->open() || shipment->handed_us() == 0) return;
  if (shipment->expected_us() == 0 || !HoldsUsable(g.state, *shipment)) return;
  if (!g.IsOver(shipment->expected_us())) return;
  Alert& alert = g.Add(source.event_id(), "F10", "late", shipment->expected_us(),
                       "shipper " + shipment->shipper() +
                           " was expected and nobody has received it; ask its carrier");
  g.For(alert, {pb::COORD, pb::QA, pb::SCHED}, {g.clinic(), g.maker()});
}

// What it keeps becomes warm when nobody acts, under way and as a storage.
void HoldEnds(Gathering& g, const pb::AlertSource& source) {
  const pb::Shipment* shipment = LastShipment(g.state, source.subject());
  if (shipment == nullptr || !KeepsAnything(g.state, *shipment)) return;
  const std::int64_t end = HoldEnd(g.profile, *shipment);
  const std::int64_t from = end - Defaults::kHoldLeadHours * kMicrosPerHour;
  if (!g.IsOver(from)) return;
  const std::string hours = std::to_string(Defaults::kHoldLeadHours);
  const std::string what = g.IsOver(end) ? " is over" : " ends within " + hours + " h";
  Alert& alert = g.Add(source.event_id(), "F10", "hold", from,
                       "the hold of shipper " + shipment->shipper() + what +
                           "; add nitrogen, or bring what it keeps into a freezer");
  g.For(alert, {pb::COORD, pb::PHARM, pb::CELL_LAB, pb::WH, pb::QA}, {g.clinic(), g.maker()});
}

// What quality of the manufacturer has to know of a patient who was treated.
void Harm(Gathering& g, const pb::AlertSource& source, const std::string& what) {
  const std::string lot = source.subject().empty() ? "" : " after lot " + source.subject();
  Alert& alert = g.Add(source.event_id(), source.rule(), "", source.since_us(), what + lot);
  g.For(alert, {pb::QA}, {g.maker(source.subject()), g.clinic()});
}

void OfSources(Gathering& g) {
  for (const pb::AlertSource& source : g.state.alert_sources()) {
    const std::string& about = source.subject();
    if (source.rule() == "R42") LateRelease(g, source);
    if (source.rule() == "F10") LateArrival(g, source);
    if (source.rule() == kArrivalSource) Missing(g, source);
    if (source.rule() == kHoldSource) HoldEnds(g, source);
    if (source.rule() == "F16") Harm(g, source, "a second cancer was reported");
    if (source.rule() == "SAE") Harm(g, source, "a serious adverse event was reported");
    if (source.rule() == "F5") {
      Alert& alert = g.Add(source.event_id(), "F5", "", source.since_us(),
                           "contamination confirmed of lot " + about + ", which was infused");
      g.For(alert, {pb::PHY, pb::COORD, pb::QA}, {g.clinic(), g.maker(about)});
    }
    if (source.rule() == "F18") {
      Alert& alert = g.Add(source.event_id(), "F18", "", source.since_us(),
                           source.holds() ? "said to be recalled: " + about +
                                                "; nothing of it is used until quality of its "
                                                "maker decides"
                                          : "recalled: " + about + "; nothing of it is used");
      g.For(alert, {pb::PHY, pb::PHARM, pb::CELL_LAB, pb::COORD, pb::QA},
            {g.clinic(), g.maker(about)});
    }
  }
}

// What a deviation is about may be anything that was typed, so the id has only a hash of it.
std::string About(const std::string& subject) {
  return subject.empty() ? "" : Sha256(subject).ToHex().substr(0, 8);
}

// Entered afterwards, a step that a gate would have refused stands in the record.
void OfDeviations(Gathering& g) {
  for (const pb::Deviation& deviation : g.state.deviations()) {
    if (!deviation.open() || !deviation.critical()) continue;
    const bool late =
        std::ranges::any_of(g.state.alert_sources(), [&](const pb::AlertSource& source) {
          return source.rule() == "LATE" && source.event_id() == deviation.event_id();
        });
    if (!late) continue;
    const std::string rule = deviation.rule().empty() ? "DEVIATION" : deviation.rule();
    Alert& alert =
        g.Add(deviation.event_id(), rule, About(deviation.subject()), deviation.opened_us(),
              "an entry made afterwards left the critical deviation " + deviation.id());
    g.For(alert, {pb::QA}, {g.clinic(), g.maker(deviation.subject())});
  }
}

void OfQuarantines(Gathering& g) {
  for (const pb::Quarantine& quarantine : g.state.quarantines()) {
    const bool doubt = quarantine.kind() == pb::QUARANTINED_IDENTITY;
    const bool data = quarantine.kind() == pb::QUARANTINED_DATA;
    const bool cold = data || quarantine.kind() == pb::QUARANTINED_TEMP;
    if (!quarantine.open() || (!doubt && !cold)) continue;
    std::string held;
    for (const auto* names : {&quarantine.containers(), &quarantine.items()}) {
      for (const std::string& name : *names) held += (held.empty() ? "" : ", ") + name;
    }
    const bool thawed = DoubtDue(g.state, g.profile, quarantine) != 0;
    const std::string why =
        doubt ? "the identity of " + held + " is in doubt" + (thawed ? ", and it is thawed" : "") +
                    " (" + quarantine.id() + "); quality of both sides resolves it"
              : held + " in quarantine for " + QuarantineLabel(quarantine.kind()) + " (" +
                    quarantine.id() + "); quality" +
                    (HasMaker(g.state) ? " of the manufacturer" : "") + " decides";
    Alert& alert = g.Add(quarantine.event_id(), doubt ? "F8b" : "F9",
                         quarantine.rule() + (data ? "-data" : ""), quarantine.since_us(), why);
    const auto& named =
        quarantine.containers().empty() ? quarantine.items() : quarantine.containers();
    const std::string& maker = named.empty() ? g.maker() : g.maker(named[0]);
    g.For(alert, {pb::QA, pb::COORD}, {g.clinic(), maker, quarantine.site()});
  }
}

// What somebody promised and is overdue, whoever promised it.
void OfPromises(Gathering& g) {
  for (const pb::Lot& lot : g.state.lots()) {
    for (const pb::TestState& test : lot.tests()) {
      const bool awaited = test.final_due_us() != 0 && lot.state() != pb::LOT_REJECTED;
      if (!awaited || !g.IsOver(test.final_due_us())) continue;
      Alert& alert = g.Add(test.event_id(), "FINAL", "", test.final_due_us(),
                           "the final result of a test of lot " + lot.lot() + " is overdue");
      g.For(alert, {pb::QC, pb::QA}, {g.maker(lot.lot()), g.clinic()});
    }
  }
  for (const pb::Attestation& asked : g.state.attestations()) {
    if (!g.IsOver(asked.due_us())) continue;
    Alert& alert = g.Add(asked.event_id(), "ATTEST", "", asked.due_us(),
                         "nobody has attested an entry that was made for them");
    const auto* body = pb::Event::descriptor()->FindFieldByNumber(static_cast<int>(asked.body()));
    const bool clinical = body == nullptr || RuleOfBody(*body).field_class() == pb::CLINICAL;
    g.For(alert, {}, {g.clinic(), clinical ? std::string() : g.maker()});
    for (const int role : asked.roles()) alert.roles.push_back(static_cast<pb::Role>(role));
  }
  for (const pb::Grant& grant : g.state.grants()) {
    const std::int64_t due = grant.granted_us() + Defaults::kAttestHours * kMicrosPerHour;
    if (!grant.verbal() || grant.confirmed() || grant.denied() || !g.IsOver(due)) continue;
    Alert& alert =
        g.Add(grant.event_id(), "VERBAL", "", due, "nobody has confirmed a verbal order");
    g.For(alert, {pb::QA, pb::PHY}, {g.clinic(), g.maker()});
  }
}

void OfPatient(Gathering& g) {
  const pb::PatientCondition& condition = g.state.condition();
  if (g.state.patient_died() || !g.state.has_condition()) return;
  if (!condition.fever_event().empty()) {
    Alert& alert = g.Add(condition.fever_event(), "R43", "", condition.fever_us(),
                         "first temperature of 38.0 C or more after the infusion");
    g.For(alert, {pb::PHY}, {g.clinic()});
  }
  for (const pb::CareDecision& asked : condition.care_decisions()) {
    if (!g.IsOver(asked.due_us())) continue;
    Alert& alert = g.Add(asked.event_id(), "R44", "", asked.due_us(),
                         "nobody has decided about intensive care");
    g.For(alert, {pb::PHY}, {g.clinic()});
  }
  const pb::Aftercare care = AftercareOf(g.profile);
  const pb::StepRecord* infused = LastInfusion(g.state);
  const std::int64_t contact = ContactDue(g.state, care);
  if (infused != nullptr && contact != 0 && g.IsOver(contact)) {
    // Each pause is an alert of its own, named by what came before it.
    const pb::StepRecord* seen = FindStep(g.state, pb::Event::kDailyExam);
    if (seen == nullptr || seen->occurred_us() < g.state.last_infused_us()) seen = infused;
    Alert& alert = g.Add(seen->event_id(), "R40", "", contact,
                         "the daily contact with a patient at home is overdue");
    g.For(alert, {pb::RN, pb::PHY, pb::COORD}, {g.clinic()});
  }
  const std::int64_t due = ReadingsDue(g.state, care, g.now.micros);
  if (due == 0) return;
  // When the last fever is a day old they are due less often.
  if (condition.fever_us() != 0) g.IsOver(condition.fever_us() + kInputMicros);
  for (const pb::DataSpan& span : condition.febrile()) {
    g.IsOver(span.from_us() - 1);
    g.IsOver(span.to_us());
  }
  if (!g.IsOver(due)) return;
  // Each pause is an alert of its own, named by what came before it.
  const pb::StepRecord* last = FindStep(g.state, pb::Event::kObservationsRecorded);
  if (last == nullptr || last->occurred_us() < g.state.last_infused_us()) {
    last = infused;
  }
  if (last == nullptr) return;
  Alert& alert = g.Add(last->event_id(), "R28", "", due, "vital signs are overdue");
  g.For(alert, {pb::RN, pb::PHY}, {g.clinic()});
}

// "Follow-up, day 100" is day-100.
std::string Slug(const std::string& name) {
  const std::size_t comma = name.find(", ");
  std::string slug = comma == std::string::npos ? name : name.substr(comma + 2);
  std::ranges::replace(slug, ' ', '-');
  return slug;
}

// Visits count from the last infusion, so its event names them.
void OfVisits(Gathering& g) {
  const pb::StepRecord* infused = LastInfusion(g.state);
  if (infused == nullptr) return;
  for (const pb::Timer& timer : g.state.timers()) {
    const bool visit = timer.rule() == "R29" || timer.rule() == "R30";
    if (!visit || !g.IsOver(timer.due_us())) continue;
    const std::string about = timer.rule() == "R29" ? timer.step() : Slug(timer.name());
    Alert& alert =
        g.Add(infused->event_id(), timer.rule(), about, timer.due_us(), "overdue: " + timer.name());
    g.For(alert, {pb::COORD, pb::PHY, pb::REG}, {g.clinic()});
  }
}

// The bodies from which alerts come that leave nothing in the state once they are over.
struct Kind {
  std::string_view rule;
  pb::Event::BodyCase body;
  bool everybody = false;  // the manufacturer too
};
constexpr std::array<Kind, 20> kKinds = {{
    {"R43", pb::Event::kObservationsRecorded},
    {"R43", pb::Event::kInfusionCompleted},
    {"R44", pb::Event::kCrsGraded},
    {"R44", pb::Event::kIcansGraded},
    {"R28", pb::Event::kObservationsRecorded},
    {"R28", pb::Event::kInfusionStarted},
    {"R28", pb::Event::kInfusionCompleted},
    {"R29", pb::Event::kInfusionStarted},
    {"R29", pb::Event::kInfusionCompleted},
    {"R30", pb::Event::kInfusionStarted},
    {"R30", pb::Event::kInfusionCompleted},
    {"R40", pb::Event::kInfusionStarted},
    {"R40", pb::Event::kInfusionCompleted},
    {"R40", pb::Event::kDailyExam},
    {"F10", pb::Event::kShipmentDelayed, true},
    {"F10", pb::Event::kCarrierMilestone, true},
    {"F10", pb::Event::kShipperRecharged, true},
    {"F10", pb::Event::kPacked, true},
    {"F10", pb::Event::kHandedToCarrier, true},
    {"FINAL", pb::Event::kQcResult, true},
}};

bool IsForgetful(const pb::TherapyState& state) {
  return state.length() > static_cast<std::uint64_t>(state.event_bodies_size());
}

// Whether the therapy has, or may have had, an event of whose id `digits` are the first.
bool HasEvent(const pb::TherapyState& state, std::string_view digits) {
  return IsForgetful(state) ||
         std::ranges::any_of(state.event_prefixes(),
                             [&](std::uint64_t prefix) { return ShortId(U64(prefix)) == digits; });
}

// The kind whose rule is `rule`, when the therapy has an event of its body of whose id `digits` are
// the first; null when it has none.
const Kind* KindOf(const pb::TherapyState& state, std::string_view digits, std::string_view rule) {
  for (const Kind& kind : kKinds) {
    if (kind.rule != rule) continue;
    if (IsForgetful(state)) return &kind;
    for (int i = 0; i < state.event_bodies_size(); ++i) {
      const bool body =
          (state.event_bodies(i) & kBodyBits) == static_cast<std::uint32_t>(kind.body);
      if (body && ShortId(U64(state.event_prefixes(i))) == digits) return &kind;
    }
  }
  return nullptr;
}

}  // namespace

AlertOutlook LookOut(const pb::TherapyState& state, const Registry& registry, Instant now) {
  if (!state.enrolled()) return {};
  Gathering g{state, registry, now, ProfileFor(registry, state, pb::Event::default_instance())};
  OfSources(g);
  OfDeviations(g);
  OfQuarantines(g);
  if (!state.sealed()) {
    OfPromises(g);
    OfPatient(g);
    OfVisits(g);
  }
  std::ranges::sort(g.alerts, {},
                    [](const Alert& alert) { return std::pair(alert.since_us, alert.id); });
  const bool never = g.next_us == std::numeric_limits<std::int64_t>::max();
  return {std::move(g.alerts), never ? 0 : g.next_us};
}

std::vector<Alert> Alerts(const pb::TherapyState& state, const Registry& registry, Instant now) {
  return LookOut(state, registry, now).alerts;
}

std::vector<std::string> MayHaveStoodAt(const pb::TherapyState& state, std::string_view id) {
  constexpr std::string_view kBegin = "A-";
  constexpr std::size_t kDigits = 8;
  const std::size_t rule_at = kBegin.size() + kDigits + 1;
  if (!id.starts_with(kBegin) || id.size() <= rule_at || id[rule_at - 1] != '-') return {};
  const std::string_view event = id.substr(kBegin.size(), kDigits);
  const std::string_view rest = id.substr(rule_at);
  const std::string_view rule = rest.substr(0, rest.find('-'));
  const auto tells = [&](const auto& one) { return ShortId(one.event_id()) == event; };
  // Who treats may have changed since.
  const std::vector<std::string> clinics = {state.site(), state.treating_site()};
  std::vector<std::string> all = clinics;
  all.push_back(state.manufacturer_site());
  for (const pb::Lot& lot : state.lots()) all.push_back(lot.site());
  const bool source = std::ranges::any_of(state.alert_sources(), [&](const pb::AlertSource& one) {
    return tells(one) && (one.rule() == rule || one.rule() == "LATE");
  });
  if (source) return all;
  const auto held = std::ranges::find_if(state.quarantines(), tells);
  if ((rule == "F8b" || rule == "F9") && held != state.quarantines().end()) {
    all.push_back(held->site());
    return all;
  }
  if (rule == "VERBAL" && std::ranges::any_of(state.grants(), tells)) return all;
  // Attested, nothing of an entry is left but itself.
  if (rule == "ATTEST" && HasEvent(state, event)) return all;
  const Kind* kind = KindOf(state, event, rule);
  if (kind == nullptr) return {};
  return kind->everybody ? all : clinics;
}

}  // namespace custody
