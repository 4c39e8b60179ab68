// From which events alerts come that nothing else in the state tells, and who has seen them. Which
// alerts there are at a time is derived: custody/alerts.h.
//
// Nobody can have seen what is not there yet, and a word said too early would keep everybody from
// being told. So an acknowledgement counts only when its alert stands at the moment in which the
// ledger receives it; its time by the signer's clock says nothing, nor does that of the event that
// the alert tells of. And since an id has only eight digits of an event's hash, which somebody may
// search for, a new event takes with it what was said of another with the same digits.
#include "custody/alerts.h"

#include <algorithm>

#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

pb::AlertSource& AddSource(Folding& f, const char* rule, const std::string& subject) {
  pb::AlertSource& source = *f.state.add_alert_sources();
  source.set_event_id(f.event_id);
  source.set_rule(rule);
  source.set_subject(subject);
  source.set_since_us(f.at);
  return source;
}

// By anybody else's word than its maker's own it holds (R16).
void Recalled(Folding& f, const std::string& subject) {
  AddSource(f, "F18", subject).set_holds(!IsMakersWord(f));
}

// A number that is opened again began when it was opened first.
void BatchBegan(Folding& f, const std::string& lot) {
  const bool known = std::ranges::any_of(f.state.alert_sources(), [&](const pb::AlertSource& s) {
    return s.rule() == "R42" && s.subject() == lot;
  });
  if (!known) AddSource(f, "R42", lot);
}

// Contamination of what a patient has got, or is getting (F5).
void Contaminated(Folding& f, const pb::ContaminationConfirmed& body) {
  const bool given = std::ranges::any_of(f.state.containers(), [&](const pb::Container& container) {
    const bool begun = container.infusion_started_us() != 0 || container.infusion_ended_us() != 0;
    return container.lot() == body.lot() && begun;
  });
  if (given || body.after_infusion() == pb::YES) AddSource(f, "F5", body.lot());
}

// A shipper that is expected later than its hold is planned for (R12, F10). Whoever says a new time
// says it anew; who tells an older one later says nothing new.
void Delayed(Folding& f, const std::string& shipper) {
  const pb::Shipment* shipment = LastShipment(f.state, shipper);
  if (shipment != nullptr && f.at < shipment->expected_said_us()) return;
  auto* sources = f.state.mutable_alert_sources();
  const auto before = [&](const pb::AlertSource& source) {
    return source.rule() == "F10" && source.subject() == shipper;
  };
  EraseIf(sources, before);
  const bool beyond = std::ranges::any_of(f.verdict.reasons(), [&](const pb::Reason& reason) {
    return reason.rule() == "R12" && reason.subject() == shipper;
  });
  if (beyond) AddSource(f, "F10", shipper);
}

// A clock of a shipper begins, or begins anew: of several words the last one counts, whenever an
// earlier one is told.
void ClockBegins(Folding& f, const char* clock, const std::string& name) {
  const pb::Shipment* shipment = LastShipment(f.state, name);
  if (shipment == nullptr) return;
  auto* sources = f.state.mutable_alert_sources();
  const auto its = [&](const pb::AlertSource& source) {
    return source.rule() == clock && source.subject() == shipment->shipper();
  };
  const bool later = std::ranges::any_of(*sources, [&](const pb::AlertSource& source) {
    return its(source) && source.since_us() > f.at;
  });
  if (later) return;
  EraseIf(sources, its);
  AddSource(f, clock, shipment->shipper());
}

void NoteClocks(Folding& f) {
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kPacked:
      if (event.packed().shipper_kind() != pb::SHIPPER_DRY_VAPOUR) return;
      return ClockBegins(f, kHoldSource, event.packed().shipper().value());
    case pb::Event::kShipperRecharged:
      return ClockBegins(f, kHoldSource, event.shipper_recharged().shipper());
    case pb::Event::kHandedToCarrier:
      if (!event.handed_to_carrier().has_expected_at()) return;
      return ClockBegins(f, kArrivalSource, event.handed_to_carrier().shipper());
    case pb::Event::kCarrierMilestone:
      if (!event.carrier_milestone().has_expected_at()) return;
      return ClockBegins(f, kArrivalSource, event.carrier_milestone().shipper());
    case pb::Event::kShipmentDelayed:
      if (!event.shipment_delayed().has_expected_at()) return;
      return ClockBegins(f, kArrivalSource, event.shipment_delayed().shipper());
    default:
      return;
  }
}

// Every gate that an entry made afterwards would have failed, and what else about it is critical.
void MadeAfterwards(Folding& f) {
  const bool passed_by = std::ranges::any_of(f.verdict.reasons(), [](const pb::Reason& reason) {
    return reason.kind() == pb::REASON_GATE && !reason.overridden();
  });
  if (!passed_by && f.event.entry() == pb::LIVE) return;
  const bool critical = std::ranges::any_of(f.state.deviations(), [&](const pb::Deviation& d) {
    return d.critical() && d.event_id() == f.event_id;
  });
  if (critical) AddSource(f, "LATE", "");
}

void ForgetSeenBefore(Folding& f) {
  const std::string begin = "A-" + ShortId(f.event_id) + "-";
  auto* seen = f.state.mutable_alerts_seen();
  const auto same = [&](const pb::AlertSeen& one) { return one.alert().starts_with(begin); };
  EraseIf(seen, same);
}

// Of each alert the first word of a site counts.
void Seen(Folding& f, const pb::AlertAcknowledged& body) {
  const std::vector<Alert> alerts = Alerts(f.state, f.registry, f.place.received_at);
  if (std::ranges::find(alerts, body.alert(), &Alert::id) == alerts.end()) return;
  const bool known = std::ranges::any_of(f.state.alerts_seen(), [&](const pb::AlertSeen& seen) {
    return seen.alert() == body.alert() && seen.site() == f.site;
  });
  if (known) return;
  pb::AlertSeen* seen = f.state.add_alerts_seen();
  seen->set_alert(body.alert());
  seen->set_event_id(f.event_id);
  seen->set_at_us(f.at);
  seen->set_received_us(f.place.received_at.micros);
  const std::vector<StepPerson> people = PeopleOf(f.event);
  if (!people.empty()) seen->set_person(Intern(f.state, people.front().person));
  seen->set_site(f.site);
}

}  // namespace

void FoldAlerts(Folding& f) {
  ForgetSeenBefore(f);
  MadeAfterwards(f);
  NoteClocks(f);
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kBatchOpened:
      return BatchBegan(f, event.batch_opened().lot());
    case pb::Event::kContaminationConfirmed:
      return Contaminated(f, event.contamination_confirmed());
    case pb::Event::kShipmentDelayed:
      return Delayed(f, event.shipment_delayed().shipper());
    case pb::Event::kCarrierMilestone:
      if (!event.carrier_milestone().has_expected_at()) return;  // says no new time
      return Delayed(f, event.carrier_milestone().shipper());
    case pb::Event::kShipperRecharged:
      return Delayed(f, event.shipper_recharged().shipper());
    case pb::Event::kSaeReported:
      AddSource(f, "SAE", event.sae_reported().lot());
      return;
    case pb::Event::kSecondaryMalignancyReported:
      AddSource(f, "F16", event.secondary_malignancy_reported().lot());
      return;
    case pb::Event::kProductRecalled:
      return Recalled(f, event.product_recalled().recall());
    case pb::Event::kReleaseWithdrawn:
      if (event.release_withdrawn().product_recall() != pb::YES) return;
      return Recalled(f, event.release_withdrawn().lot());
    case pb::Event::kAlertAcknowledged:
      return Seen(f, event.alert_acknowledged());
    default:
      return;
  }
}

}  // namespace custody::fold
