// The fold. Each stage has its own file in fold/; here is what every event does alike: it leaves a
// step record, opens what the rules found (deviations, quarantines), and uses up grants.
//
// Facts always change the state, whatever the rules said of them: what happened, happened. A
// decision changes it only when no gate stands against it, so that a permission that was never due
// is not given by entering it late.
#include "custody/therapy.h"

#include <algorithm>
#include <string>

#include "custody/accounting.h"
#include "custody/body_plan.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/fold/fold.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody {
namespace fold {

namespace {

template <class List, class Match>
auto MutableIn(List* list, Match match) -> typename List::value_type* {
  const auto found = std::find_if(list->begin(), list->end(), match);
  return found == list->end() ? nullptr : &*found;
}

}  // namespace

pb::Container* MutableContainer(pb::TherapyState& state, std::string_view id) {
  const pb::Container* found = FindContainer(state, id);
  if (found == nullptr) return nullptr;
  return MutableIn(state.mutable_containers(), [&](const pb::Container& c) { return &c == found; });
}

pb::Lot* MutableLot(pb::TherapyState& state, std::string_view lot) {
  if (lot.empty()) return nullptr;
  return MutableIn(state.mutable_lots(), [&](const pb::Lot& l) { return l.lot() == lot; });
}

pb::Donation* MutableDonation(pb::TherapyState& state, std::string_view din) {
  return MutableIn(state.mutable_donations(),
                   [&](const pb::Donation& d) { return d.din() == din; });
}

pb::Shipment* MutableShipment(pb::TherapyState& state, std::string_view name) {
  const pb::Shipment* found = LastShipment(state, name);
  if (found == nullptr) return nullptr;
  return MutableIn(state.mutable_shipments(), [&](const pb::Shipment& s) { return &s == found; });
}

std::uint32_t Intern(pb::TherapyState& state, std::string_view person) {
  if (const auto index = PersonIndex(state, person)) return *index;
  *state.add_persons() = person;
  return static_cast<std::uint32_t>(state.persons_size() - 1);
}

void AddOnce(google::protobuf::RepeatedPtrField<std::string>* list, const std::string& value) {
  if (value.empty() || std::ranges::find(*list, value) != list->end()) return;
  *list->Add() = value;
}

void RemoveFrom(google::protobuf::RepeatedPtrField<std::string>* list, std::string_view value) {
  const auto found = std::ranges::find(*list, value);
  if (found != list->end()) list->erase(found);
}

void SetHolder(Folding& f, const std::string& subject, const std::string& holder) {
  auto* holdings = f.state.mutable_holdings();
  pb::Holding* holding =
      MutableIn(holdings, [&](const pb::Holding& h) { return h.subject() == subject; });
  if (holding == nullptr) holding = holdings->Add();
  holding->set_subject(subject);
  holding->set_holder(holder);
  holding->set_since_us(f.at);
  if (!f.event.signers().empty()) holding->set_person(f.event.signers(0).person());
}

pb::Hold& AddHold(Folding& f, std::string_view kind, const std::string& reason) {
  const std::string id = FreshId(f.state.holds(), "H-" + ShortId(f.event_id));
  pb::Hold& hold = *f.state.add_holds();
  hold.set_id(id);
  hold.set_kind(std::string(kind));
  hold.set_reason(reason);
  hold.set_open(true);
  hold.set_set_us(f.at);
  hold.set_event_id(f.event_id);
  std::vector<StepPerson> people = PeopleOf(f.event);
  for (const pb::Signer& signer : f.event.signers()) people.push_back({signer.person()});
  if (!people.empty()) hold.set_person(Intern(f.state, people.front().person));
  for (const StepPerson& somebody : people) {  // who did it need not be enrolled
    const EnrolledPerson* who = f.registry.FindPerson(somebody.person);
    if (who == nullptr) continue;
    hold.set_organisation(who->organisation);
    break;
  }
  return hold;
}

void OpenHold(Folding& f, std::string_view kind, const std::string& reason,
              std::initializer_list<const char*> blocks) {
  pb::Hold& hold = AddHold(f, kind, reason);
  for (const char* scope : blocks) hold.add_blocks(scope);
}

pb::Deviation& NewDeviation(Folding& f, const std::string& event_id, const std::string& about) {
  auto* deviations = f.state.mutable_deviations();
  const std::string id = "D-" + ShortId(event_id) + (about.empty() ? "" : "-" + about);
  const std::string fresh = FreshId(*deviations, id);
  pb::Deviation& deviation = *deviations->Add();
  deviation.set_id(fresh);
  deviation.set_open(true);
  deviation.set_event_id(event_id);
  deviation.set_sequence(f.place.sequence);
  deviation.set_opened_us(f.at);
  return deviation;
}

void AddDeviation(Folding& f, const pb::Reason& reason, bool critical) {
  constexpr std::size_t kMaxFound = 400;
  auto* deviations = f.state.mutable_deviations();
  pb::Deviation* deviation = MutableIn(deviations, [&](const pb::Deviation& d) {
    return d.event_id() == f.event_id && d.rule() == reason.rule() &&
           d.subject() == reason.subject();
  });
  if (deviation != nullptr) {  // the same rule has more to say of the same thing
    if (!deviation->found().empty() && deviation->found().size() < kMaxFound) {
      deviation->set_found((deviation->found() + "; " + reason.found()).substr(0, kMaxFound));
    }
    deviation->set_critical(deviation->critical() || critical);
    return;
  }
  const std::string about = reason.subject().empty() ? "" : "-" + reason.subject();
  pb::Deviation& opened = NewDeviation(f, f.event_id, reason.rule() + about);
  opened.set_rule(reason.rule());
  opened.set_subject(reason.subject());
  opened.set_critical(critical);
  opened.set_found(reason.found().substr(0, kMaxFound));
}

pb::Quarantine* OpenQuarantine(Folding& f, pb::QuarantineKind kind, const std::string& rule) {
  auto* quarantines = f.state.mutable_quarantines();
  pb::Quarantine* quarantine = MutableIn(quarantines, [&](const pb::Quarantine& q) {
    return q.event_id() == f.event_id && q.rule() == rule && q.kind() == kind;
  });
  if (quarantine != nullptr) return quarantine;
  const std::string id = FreshId(*quarantines, "Q-" + ShortId(f.event_id) + "-" + rule +
                                                   (kind == pb::QUARANTINED_DATA ? "-data" : ""));
  quarantine = quarantines->Add();
  quarantine->set_id(id);
  quarantine->set_kind(kind);
  quarantine->set_event_id(f.event_id);
  quarantine->set_since_us(f.at);
  quarantine->set_open(true);
  quarantine->set_site(f.site);
  quarantine->set_rule(rule);
  return quarantine;
}

void PutUnder(pb::Quarantine& quarantine, const pb::TherapyState& state, const std::string& id) {
  const std::vector<const pb::Container*> meant = ContainersMeant(state, id);
  for (const pb::Container* c : meant) AddOnce(quarantine.mutable_containers(), c->id());
  const auto& containers = quarantine.containers();
  const bool there = std::ranges::find(containers, id) != containers.end();
  // Of a cassette or shipper what is in it now is meant, and nothing that comes into it later.
  const bool around = !meant.empty() && std::ranges::none_of(meant, [&](const auto* c) {
    return c->lot() == id || c->din() == id;
  });
  if (!there && !around) AddOnce(quarantine.mutable_items(), id);
}

namespace {

// Whether a container in `from` can come into `to` at all.
bool MayBecome(pb::ContainerState from, pb::ContainerState to) {
  if (IsGiven(from)) return IsGiven(to);
  // What a patient got is never hidden.
  if (IsGiven(to) || to == pb::CONTAINER_INFUSING) return true;
  if (from == pb::CONTAINER_LOST) return to == pb::CONTAINER_RECEIVED;  // found
  if (IsTerminal(from)) return false;
  if (from != pb::CONTAINER_REJECTED && from != pb::CONTAINER_RETAINED) return true;
  // Where it is put changes nothing; that it was taken, or what became of it, does.
  return to >= pb::CONTAINER_REMOVED && to != from;
}

}  // namespace

bool IsOldNews(const Folding& f, const pb::Container& container) {
  return f.at + kMaxClockAheadMicros < container.state_us();
}

void Become(const Folding& f, pb::Container& container, pb::ContainerState state) {
  if (!StaysInPlace(state)) Depart(f, container);
  if (IsOldNews(f, container) && !IsGiven(state)) return;
  if (!MayBecome(container.state(), state)) return;
  container.set_state(state);
  container.set_state_us(std::max(container.state_us(), f.at));
}

void Reject(const Folding& f, pb::Container& container) {
  container.set_rejected(true);
  Become(f, container, pb::CONTAINER_REJECTED);
}

void ClearPrethaw(pb::Container& container) {
  container.clear_prethaw();
  container.clear_prethaw_us();
  container.clear_prethaw_order();
  container.clear_prethaw_from_paper();
}

void ForgetChecks(const Folding& f, pb::Container& container) {
  // Of what is thawed the check before the thaw has done its work: nobody can make it again.
  const bool thawed = container.thaw_started_us() != 0;
  if (!thawed && Counts(f, container.prethaw_said_us(), false)) {
    ClearPrethaw(container);
    container.set_prethaw_said_us(std::max(container.prethaw_said_us(), f.at));
  }
  if (!Counts(f, container.bedside_said_us(), false)) return;
  container.clear_pass();
  container.set_bedside_said_us(std::max(container.bedside_said_us(), f.at));
}

void PutAway(Folding& f, pb::Container& container, pb::ContainerState state,
             const std::string& location) {
  const bool older = IsOldNews(f, container) || IsTerminal(container.state());
  const bool thawed = container.thaw_started_us() != 0 && f.at > container.thaw_started_us();
  if (thawed && !IsTerminal(container.state())) container.set_refrozen(true);
  if (older) return;
  Become(f, container, state);
  container.set_location(location);
  // Taken out and put back untouched: every check for the thaw is made anew.
  container.clear_removed_us();
  ForgetChecks(f, container);
}

namespace {

// Where a therapy stands goes forward only: an earlier step entered late does not move it back.
constexpr std::string_view kWay[] = {"ENROLLED", "ASSESSED",   "CONSENTED",      "ORDERED",
                                     "SLOTTED",  "COLLECTED",  "PACKED",         "IN_TRANSIT_IN",
                                     "RECEIVED", "ACCEPTED",   "MANUFACTURING",  "FROZEN_WIP",
                                     "RELEASED", "PACKED_OUT", "IN_TRANSIT_OUT", "ON_SITE",
                                     "INFUSED",  "FOLLOW_UP",  "CUSTODY_CLOSED", "CLOSED"};

std::size_t Milestone(std::string_view state) {
  return static_cast<std::size_t>(std::ranges::find(kWay, state) - std::begin(kWay));
}

std::string NextState(const Folding& f) {
  const pb::Event& event = f.event;
  const bool outbound = [&] {
    const pb::Shipment* shipment =
        f.state.shipments().empty() ? nullptr : &*f.state.shipments().rbegin();
    return shipment != nullptr && !shipment->inbound();
  }();
  switch (event.body_case()) {
    case pb::Event::kPacked:
      return outbound ? "PACKED_OUT" : "PACKED";
    case pb::Event::kHandedToCarrier:
      return outbound ? "IN_TRANSIT_OUT" : "IN_TRANSIT_IN";
    case pb::Event::kReceivedClinic:
      return "ON_SITE";
    case pb::Event::kDischarged:
    case pb::Event::kFollowupD28:
    case pb::Event::kFollowupM23:
    case pb::Event::kFollowup:
      return "FOLLOW_UP";
    case pb::Event::kEligibilityAssessed:
      return event.eligibility_assessed().decision() == pb::FITNESS_FIT ? "ASSESSED" : "";
    default:
      return PlanOf(event).rule->state_after();
  }
}

void Advance(Folding& f) {
  const pb::EventKind kind = PlanOf(f.event).rule->kind();
  const bool permission = kind == pb::DECISION || f.event.has_released() ||
                          f.event.has_released_oos() || f.event.has_qp_certification();
  if (permission && !f.stands) return;
  const std::string next = NextState(f);
  if (next.empty()) return;
  const bool first = f.state.state().empty();
  const bool side = Milestone(next) == std::size(kWay);  // REJECTED, CLOSED_NOT_TREATED ...
  const bool ahead =
      Milestone(next) > Milestone(f.state.state()) || Milestone(f.state.state()) == std::size(kWay);
  if (first || side || ahead) f.state.set_state(next);
}

void AddStep(Folding& f) {
  const auto body = static_cast<std::uint32_t>(f.event.body_case());
  auto* steps = f.state.mutable_steps();
  pb::StepRecord* step =
      MutableIn(steps, [&](const pb::StepRecord& s) { return s.body() == body; });
  if (step == nullptr) {
    step = steps->Add();
    step->set_body(body);
    for (int i = steps->size() - 1; i > 0 && steps->Get(i - 1).body() > body; --i) {
      steps->SwapElements(i - 1, i);
      step = steps->Mutable(i - 1);
    }
  }
  step->set_event_id(f.event_id);
  step->set_sequence(f.place.sequence);
  step->set_index(f.place.index);
  step->set_occurred_us(f.at);
  step->set_count(step->count() + 1);
  step->clear_persons();
  for (const StepPerson& who : PeopleOf(f.event)) {
    step->add_persons(Intern(f.state, who.person));
  }
}

pb::QuarantineKind KindOf(const pb::Reason& reason) {
  const std::string& rule = reason.rule();
  if (rule == "R11" || rule == "F11") return pb::QUARANTINED_SEAL;
  if (rule == "F8b" || rule == "R06") return pb::QUARANTINED_IDENTITY;
  if (rule == "F7") return pb::QUARANTINED_DAMAGE;
  if (rule == "F3") return pb::QUARANTINED_FAILED;
  return reason.data_absent() ? pb::QUARANTINED_DATA : pb::QUARANTINED_TEMP;
}

// What the rules found of this event becomes deviations, quarantines, and grants that are used.
void TakeVerdict(Folding& f) {
  for (const pb::Reason& reason : f.verdict.reasons()) {
    const bool unasked = reason.kind() == pb::REASON_NOT_JUDGED && !reason.grant().empty();
    if (reason.overridden() || unasked) {
      for (pb::Grant& grant : *f.state.mutable_grants()) {
        if (grant.event_id() == reason.grant()) AddOnce(grant.mutable_used_by(), f.event_id);
      }
    }
    switch (reason.kind()) {
      case pb::REASON_GATE:
        if (reason.overridden() && reason.rule() != "R25") break;  // R25 is reviewed all the same
        AddDeviation(f, reason, !reason.overridden());
        break;
      case pb::REASON_DEVIATION:
        AddDeviation(f, reason, reason.critical());
        break;
      case pb::REASON_QUARANTINE:
        PutUnder(*OpenQuarantine(f, KindOf(reason), reason.rule()), f.state, reason.subject());
        break;
      default:
        break;
    }
  }
}

}  // namespace
}  // namespace fold

void ApplyToTherapy(const ParsedEvent& event, const Place& place, const pb::Verdict& verdict,
                    const Registry& registry, pb::TherapyState& state) {
  const pb::Event& effective = event.effective();
  const EnrolledStation* station = registry.FindStation(effective.station());
  const bool stands = std::ranges::none_of(verdict.reasons(), [](const pb::Reason& reason) {
    return reason.kind() == pb::REASON_GATE && !reason.overridden();
  });
  const bool own = std::ranges::none_of(
      verdict.reasons(), [](const pb::Reason& reason) { return reason.rule() == "F8a"; });
  fold::Folding f{effective,
                  event.effective_id().ToString(),
                  place,
                  verdict,
                  registry,
                  ProfileFor(registry, state, effective),
                  state,
                  Micros(effective.occurred_at()),
                  station == nullptr ? std::string() : station->site,
                  stands,
                  own,
                  effective.entry() != pb::LIVE || event.original != nullptr};
  if (state.therapy().empty()) {
    const std::string& chain = event.event.chain();
    state.set_therapy(IsTherapyChain(chain) ? std::string(TherapyOf(chain)) : chain);
  }
  fold::FoldClinic(f);
  fold::FoldManufacture(f);
  fold::FoldTransport(f);
  fold::FoldInfusion(f);
  fold::FoldToxicity(f);
  fold::FoldMonitoring(f);
  fold::FoldExceptions(f);
  fold::AddStep(f);
  fold::TakeVerdict(f);
  fold::FoldRecords(f);
  fold::FoldAlerts(f);
  fold::SetTimers(f);
  fold::Advance(f);
  state.set_length(place.sequence + 1);
  state.set_head(event.event_id.ToString());
  state.set_index(place.index);
  state.set_updated_us(place.received_at.micros);
  state.set_downtime(effective.entry() == pb::DOWNTIME);
}

}  // namespace custody
