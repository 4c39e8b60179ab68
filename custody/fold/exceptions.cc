// Section 1.3: what goes otherwise, and what people decide about it.
#include <algorithm>

#include "custody/accounting.h"
#include "custody/body_plan.h"
#include "custody/fold/fold.h"
#include "custody/never_ours.h"
#include "custody/profile.h"
#include "custody/signed_by.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

// With a syringe whose label is in doubt, what it is said to be drawn from is. Siblings are not
// held: they are to be looked at, so what was checked of them is checked anew.
void InDoubt(Folding& f, const pb::IdentityInDoubt& body) {
  pb::Quarantine* quarantine = OpenQuarantine(f, pb::QUARANTINED_IDENTITY, "F8b");
  for (const std::string& item : body.items()) {
    PutUnder(*quarantine, f.state, item);
    for (const pb::Container* meant : ContainersMeant(f.state, item)) {
      for (const pb::Container* c : Lineage(f.state, *meant))
        PutUnder(*quarantine, f.state, c->id());
    }
  }
  for (const std::string& sibling : body.siblings()) {
    for (const pb::Container* meant : ContainersMeant(f.state, sibling)) {
      if (pb::Container* c = MutableContainer(f.state, meant->id())) ForgetChecks(f, *c);
    }
  }
}

// Something does not agree, and nobody can tell of which bag that is said: what was checked of
// those that it may be is checked anew. Before the thaw, of all that are not thawed yet; at the
// bed, of all that are out of their storage.
void CheckAllAnew(Folding& f, bool before_thaw, bool at_bed) {
  for (pb::Container& container : *f.state.mutable_containers()) {
    const bool checked = container.thaw_started_us() == 0 && !container.prethaw().empty();
    const bool out =
        container.state() >= pb::CONTAINER_REMOVED && container.state() <= pb::CONTAINER_VERIFIED;
    if ((before_thaw && checked) || (at_bed && out)) ForgetChecks(f, container);
  }
}

// A no that names no container of this therapy; of one that it has infusion.cc hears it.
void HearNo(Folding& f) {
  const bool thaw = f.event.has_prethaw_id_verified();
  const std::string& id = thaw ? f.event.prethaw_id_verified().container().value()
                               : f.event.bedside_id_verified().container().value();
  if (SaysNo(f.event) && FindContainer(f.state, id) == nullptr) CheckAllAnew(f, thaw, !thaw);
}

void WrongItem(Folding& f, const pb::WrongItemPresented& body) {
  pb::NearMiss* miss = f.state.add_near_misses();
  miss->set_event_id(f.event_id);
  miss->set_at_us(f.at);
  miss->set_presented(body.presented_type());
  const std::string step = Lower(body.at_step());
  const bool anywhere = BodyNumber(step) == 0;  // said in other words
  const bool before_thaw = step == "prethaw_id_verified" || step == "thaw_started";
  const bool at_bed = step == "bedside_id_verified" || step == "infusion_started";
  CheckAllAnew(f, anywhere || before_thaw, anywhere || at_bed);
}

// Takes what people mean by `named` out of `quarantine`; it ends when nothing is left in it. A lot
// or donation that is held as a whole is held bag by bag from the first of them that goes free.
template <class List>
bool Release(pb::Quarantine& quarantine, const pb::TherapyState& state, const List& named) {
  bool touched = false;
  for (const std::string& id : named) {
    if (!IsHeldBy(state, quarantine, id)) continue;
    touched = true;
    const std::vector<const pb::Container*> meant = ContainersMeant(state, id);
    const std::vector<std::string> items(quarantine.items().begin(), quarantine.items().end());
    for (const std::string& item : items) {
      const std::vector<const pb::Container*> held = ContainersMeant(state, item);
      const bool apart = item != id && std::ranges::any_of(held, [&](const auto* c) {
                           return std::ranges::find(meant, c) != meant.end();
                         });
      if (!apart) continue;
      for (const pb::Container* c : held) AddOnce(quarantine.mutable_containers(), c->id());
      RemoveFrom(quarantine.mutable_items(), item);
    }
    for (const pb::Container* c : meant) RemoveFrom(quarantine.mutable_containers(), c->id());
    RemoveFrom(quarantine.mutable_containers(), id);
    RemoveFrom(quarantine.mutable_items(), id);
  }
  if (quarantine.containers().empty() && quarantine.items().empty()) quarantine.set_open(false);
  return touched;
}

// What is rejected by its lot's or donation's number is all of it, with what is still to come of
// that lot; R34 and R16 keep what was made of it.
template <class List>
void RejectAll(Folding& f, const List& named) {
  for (const std::string& id : named) {
    for (const pb::Container* meant : ContainersMeant(f.state, id)) {
      if (pb::Container* container = MutableContainer(f.state, meant->id())) Reject(f, *container);
    }
    if (pb::Lot* lot = MutableLot(f.state, id)) lot->set_state(pb::LOT_REJECTED);
    if (pb::Donation* donation = MutableDonation(f.state, id)) donation->set_accepted(false);
  }
}

void Resolved(Folding& f, const pb::IdentityResolved& body) {
  if (!f.stands) return;
  const bool never_ours = body.outcome() == pb::DOUBT_RESOLVED_NEVER_OURS;
  const bool confirmed = never_ours || body.outcome() == pb::DOUBT_RESOLVED_CONFIRMED ||
                         body.outcome() == pb::DOUBT_RESOLVED_RELABELLED;
  for (pb::Quarantine& quarantine : *f.state.mutable_quarantines()) {
    if (!quarantine.open() || quarantine.kind() != pb::QUARANTINED_IDENTITY) continue;
    if (quarantine.id() != body.quarantine()) continue;
    if (Release(quarantine, f.state, body.items())) {
      quarantine.set_decision(confirmed ? "RESOLVED" : "REJECT");
    }
  }
  for (pb::Hold& hold : *f.state.mutable_holds()) {
    if (hold.kind() == "IDENTITY" && hold.id() == body.quarantine()) hold.set_open(false);
  }
  if (never_ours) return GiveBack(f.state, body.items());
  if (!confirmed) return RejectAll(f, body.items());
  // What was checked while in doubt is checked anew.
  for (const std::string& id : body.items()) {
    for (const pb::Container* meant : ContainersMeant(f.state, id)) {
      pb::Container* container = MutableContainer(f.state, meant->id());
      if (container != nullptr) ForgetChecks(f, *container);
    }
  }
}

// Quality uses cells of a failed collection or check at risk (F3). Those that have arrived need no
// incoming check any more: it failed, and that is what was decided about.
template <class List>
void UseAtRisk(Folding& f, const List& named) {
  f.state.clear_collection_failed_us();
  for (const std::string& id : named) {
    for (const pb::Container* meant : ContainersMeant(f.state, id)) {
      pb::Container* bag = MutableContainer(f.state, meant->id());
      if (bag != nullptr && !bag->arrived_site().empty()) bag->set_accepted(true);
    }
  }
}

void Decided(Folding& f, const pb::QuarantineDecided& body) {
  if (!f.stands || body.cause() == pb::QUARANTINED_FOR_IDENTITY) return;
  const bool use = body.verdict() == pb::QUARANTINE_USE;
  for (pb::Quarantine& quarantine : *f.state.mutable_quarantines()) {
    if (!IsDecidedBy(quarantine, f.event, f.told)) continue;
    if (Release(quarantine, f.state, body.containers())) {
      quarantine.set_decision(use ? "USE" : "REJECT");
      if (use && quarantine.kind() == pb::QUARANTINED_FAILED) UseAtRisk(f, body.containers());
    }
  }
  if (!use) RejectAll(f, body.containers());
}

void HoldSet(Folding& f, const pb::HoldSet& body) {
  constexpr std::string_view kKindPrefix = "HOLD_";
  constexpr std::string_view kScopePrefix = "HOLD_BLOCKS_";
  pb::Hold& hold =
      AddHold(f, pb::HoldKind_Name(body.kind()).substr(kKindPrefix.size()), body.reason());
  hold.set_lot(body.lot());
  for (const std::string& id : body.containers()) {
    AddOnce(hold.mutable_containers(), id);
    for (const pb::Container* meant : ContainersMeant(f.state, id)) {
      AddOnce(hold.mutable_containers(), meant->id());
    }
  }
  for (const StepPerson& who : PeopleOf(f.event)) hold.add_persons(Intern(f.state, who.person));
  for (const int scope : body.blocks()) {
    const std::string& name = pb::HoldScope_Name(static_cast<pb::HoldScope>(scope));
    hold.add_blocks(name.substr(kScopePrefix.size()));
  }
}

void HoldCleared(Folding& f, const pb::HoldCleared& body) {
  if (!f.stands) return;
  for (pb::Hold& hold : *f.state.mutable_holds()) {
    if (hold.id() == body.hold()) hold.set_open(false);
  }
}

// All that is left of a container goes with it, or what was measured of it.
void AccountEnd(pb::Container& container, const pb::Disposition& body) {
  if (!HasAccounts(container)) return;
  const bool measured = body.has_volume_ml() && body.containers_size() == 1;
  const double gone = measured ? body.volume_ml() : std::max(LeftIn(container), 0.0);
  container.set_destroyed_ml(container.destroyed_ml() + gone);
}

void Disposed(Folding& f, const pb::Disposition& body) {
  static constexpr pb::ContainerState kStates[] = {
      pb::CONTAINER_STATE_UNSPECIFIED, pb::CONTAINER_RETURNED, pb::CONTAINER_DESTROYED,
      pb::CONTAINER_RETAINED,          pb::CONTAINER_RESEARCH, pb::CONTAINER_CONSUMED,
      pb::CONTAINER_CONSUMED,          pb::CONTAINER_DESTROYED};
  const auto kind = static_cast<std::size_t>(body.kind());
  if (kind == 0 || kind >= std::size(kStates)) return;
  for (const std::string& id : body.containers()) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    if (body.kind() != pb::DISPOSITION_RETAINED) AccountEnd(*container, body);
    if (IsTerminal(container->state())) continue;  // of what was given in part, the rest
    Become(f, *container, kStates[kind]);
    container->clear_location();
  }
}

// By whose site it was opened says whose quality closes it (DEVIATION).
void DeviationOpened(Folding& f, const pb::DeviationOpened& body) {
  pb::Deviation& deviation = NewDeviation(f, f.event_id, "");
  deviation.set_subject(f.site);
  deviation.set_critical(body.severity() == pb::SEVERITY_CRITICAL);
  std::string rules;
  for (const std::string& rule : body.rules()) rules += (rules.empty() ? "" : ", ") + rule;
  deviation.set_found(body.title() + (rules.empty() ? "" : " (" + rules + ")"));
}

void DeviationClosed(Folding& f, const pb::DeviationClosed& body) {
  constexpr std::string_view kPrefix = "DEVIATION_";
  for (pb::Deviation& deviation : *f.state.mutable_deviations()) {
    if (deviation.id() != body.deviation() || !f.stands) continue;
    deviation.set_open(false);
    deviation.set_disposition(pb::DeviationOutcome_Name(body.outcome()).substr(kPrefix.size()));
  }
}

void Granted(Folding& f, const pb::OverrideGranted& body) {
  if (!f.stands) return;
  pb::Grant* grant = f.state.add_grants();
  grant->set_event_id(f.event_id);
  *grant->mutable_rules() = body.rules();
  if (!body.container().empty()) grant->add_containers(body.container());
  if (body.scope() == pb::OVERRIDE_SCOPE_STEP) grant->set_step(Lower(body.step()));
  const std::int64_t latest = Micros(f.event.signed_at()) + kMicrosPerDay;
  grant->set_expires_us(std::min(Micros(body.expires_at()), latest));
  grant->set_index(f.place.index);
  grant->set_granted_us(f.at);
  grant->set_reason(body.justification().substr(0, 200));
  grant->set_verbal(body.verbal() == pb::YES);
  const auto add = [&](const std::string& person) {
    grant->add_persons(Intern(f.state, person));
    if (const EnrolledPerson* enrolled = f.registry.FindPerson(person)) {
      grant->set_organisation(enrolled->organisation);
    }
  };
  if (!grant->verbal()) {
    for (const StepPerson& who : PeopleOf(f.event)) {
      grant->add_roles(who.role);
      add(who.person);
    }
    return;
  }
  // By word of mouth: two people wrote down what the authority said.
  add(body.authority());
  if (const EnrolledPerson* authority = f.registry.FindPerson(body.authority())) {
    for (const pb::Role role : authority->roles) grant->add_roles(role);
  }
}

void Confirmed(Folding& f, const pb::OverrideConfirmed& body) {
  if (!f.stands) return;
  for (pb::Grant& grant : *f.state.mutable_grants()) {
    if (grant.event_id() != body.grant()) continue;
    grant.set_confirmed(body.confirmed() == pb::YES);
    if (body.confirmed() == pb::YES) continue;
    grant.set_denied(true);
    grant.set_expires_us(std::min(grant.expires_us(), f.at));
  }
}

// The physician's decision on a damaged bag lifts its quarantine, where the rule had nothing
// against it (F7); nobody else's does, also not in the physician's name.
void LiftDamage(Folding& f, const std::string& id) {
  const bool physician = SignedByPhysician(f.event, f.registry, f.state);
  const bool held = std::ranges::any_of(f.verdict.reasons(),
                                        [](const auto& reason) { return reason.rule() == "F7"; });
  if (!physician || held) return;
  const std::vector<std::string> one{id};
  for (pb::Quarantine& quarantine : *f.state.mutable_quarantines()) {
    const bool damage = quarantine.open() && quarantine.kind() == pb::QUARANTINED_DAMAGE;
    // Nobody's word about a dent is about a leak that came after it.
    const bool later = quarantine.since_us() > KnownUntil(f.event, f.told);
    if (damage && !later && Release(quarantine, f.state, one)) quarantine.set_decision("USE");
  }
}

void Damaged(Folding& f, const pb::ContainerDamaged& body) {
  pb::Container* container = MutableContainer(f.state, body.container());
  if (container == nullptr) return;
  container->set_damage(static_cast<std::uint32_t>(body.outcome()));
  // The same leak is told by several.
  container->set_lost_ml(std::max(container->lost_ml(), body.volume_lost_ml()));
  LiftDamage(f, container->id());
}

void Failed(Folding& f, const pb::CollectionFailed& body) {
  f.state.set_collection_failed_us(std::max(f.state.collection_failed_us(), f.at));
  if (pb::Donation* donation = MutableDonation(f.state, body.din())) donation->set_failed(true);
  if (body.material_kept() == pb::YES) return;
  // Not to be used; that it is destroyed two people say (F17).
  for (pb::Container& bag : *f.state.mutable_containers()) {
    if (bag.din() == body.din()) Reject(f, bag);
  }
}

// What nobody answered in time is found by the first event that comes after.
void AgeDoubts(Folding& f) {
  for (const pb::Quarantine& quarantine : f.state.quarantines()) {
    const std::int64_t due = DoubtDue(f.state, f.profile, quarantine);
    if (due == 0 || f.place.received_at.micros <= due) continue;
    OpenOverdue(f, quarantine.event_id(), "F8b", true, due,
                "the doubt about what is thawed was not resolved by quality in time");
  }
}

}  // namespace

void FoldExceptions(Folding& f) {
  AgeDoubts(f);
  ForgetGivenBack(f.state);
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kCollectionFailed:
      return Failed(f, event.collection_failed());
    case pb::Event::kRecollectionOrdered:
      if (!f.stands) return;  // no attempt either: nobody collects by it
      f.state.set_recollection_us(std::max(f.state.recollection_us(), f.at));
      return f.state.set_recollections(f.state.recollections() + 1);
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kBedsideIdVerified:
      return HearNo(f);
    case pb::Event::kWrongItemPresented:
      return WrongItem(f, event.wrong_item_presented());
    case pb::Event::kIdentityInDoubt:
      return InDoubt(f, event.identity_in_doubt());
    case pb::Event::kIdentityResolved:
      return Resolved(f, event.identity_resolved());
    case pb::Event::kQuarantineDecided:
      return Decided(f, event.quarantine_decided());
    case pb::Event::kHoldSet:
      return HoldSet(f, event.hold_set());
    case pb::Event::kHoldCleared:
      return HoldCleared(f, event.hold_cleared());
    case pb::Event::kDisposition:
      return Disposed(f, event.disposition());
    case pb::Event::kDeviationOpened:
      return DeviationOpened(f, event.deviation_opened());
    case pb::Event::kDeviationClosed:
      return DeviationClosed(f, event.deviation_closed());
    case pb::Event::kOverrideGranted:
      return Granted(f, event.override_granted());
    case pb::Event::kOverrideConfirmed:
      return Confirmed(f, event.override_confirmed());
    case pb::Event::kContainerDamaged:
      return Damaged(f, event.container_damaged());
    case pb::Event::kContainerDerived:
      return FoldDerived(f);
    default:
      return;
  }
}

}  // namespace custody::fold
