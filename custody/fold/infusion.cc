// Rows 30 to 37: lymphodepletion, the checks before the thaw, thaw, bedside, infusion.
#include <algorithm>

#include "custody/accounting.h"
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {

void TakeCount(Folding& f, double wbc_1e9_per_l, std::int64_t sampled_us) {
  pb::Lymphodepletion* ld = f.state.mutable_ld();
  // Perhaps of another patient, or of tomorrow.
  if (!f.own || sampled_us > f.at + kMaxClockAheadMicros || sampled_us < ld->wbc_us()) return;
  ld->set_wbc_1e9_per_l(wbc_1e9_per_l);
  ld->set_wbc_us(sampled_us);
}

bool TakeInfection(Folding& f, bool active) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!active && !f.own) return false;  // perhaps somebody else has none
  if (!Counts(f, condition->infection_said_us(), !active)) return false;
  condition->set_infection_said_us(std::max(condition->infection_said_us(), f.at));
  condition->set_infection_open(active);
  if (!active) condition->clear_infections();
  return active;
}

namespace {

// What the answers before a course flag; their "no" is no examination and takes no flag away.
template <class Body>
void TakeAnswers(Folding& f, const Body& body) {
  if (body.active_infection() == pb::YES) TakeInfection(f, true);
  if (body.active_gvhd() == pb::YES) TakeGvhd(f, pb::YES);
}

// A new course; only the latest one counts. Of a start that is told after its doses these stay:
// they were given.
void LdStarted(Folding& f, const pb::LdStarted& body) {
  const pb::Lymphodepletion was = f.state.ld();
  if (!Counts(f, was.started_us(), false)) return;  // an older course than the one that is known
  pb::Lymphodepletion* ld = f.state.mutable_ld();
  ld->Clear();
  ld->set_course(was.course() + 1);
  ld->set_started_us(f.at);
  if (body.has_marrow_blasts_percent()) {
    ld->set_blasts_percent(body.marrow_blasts_percent());
    ld->set_blasts_us(Micros(body.marrow_sampled_at()));
  }
  if (was.last_dose_us() > f.at) ld->set_last_dose_us(was.last_dose_us());
  if (was.completed_us() > f.at) ld->set_completed_us(was.completed_us());
  if (!was.waived() || was.waived_us() <= f.at) return;
  ld->set_waived(true);
  ld->set_waived_us(was.waived_us());
  ld->set_waiver_wbc_us(was.waiver_wbc_us());
}

// A waiver from before a course says nothing of the course.
void LdWaived(Folding& f, const pb::LdWaived& body) {
  pb::Lymphodepletion* ld = f.state.mutable_ld();
  TakeCount(f, body.wbc_1e9_per_l(), Micros(body.wbc_sampled_at()));
  if (!f.stands || !Counts(f, std::max(ld->started_us(), ld->waived_us()), true)) return;
  ld->set_waived(true);
  ld->set_waived_us(f.at);
  ld->set_waiver_wbc_us(Micros(body.wbc_sampled_at()));
}

// An order that ended is kept: its number never stands again (R37).
void End(const Folding& f, pb::InfusionOrder& order) {
  order.set_open(false);
  order.set_closed_us(std::max(order.closed_us(), f.at));
}

// The newest order that names a container counts. One that is told later stands behind those that
// it does not say it replaces.
pb::InfusionOrder* AddOrder(Folding& f) {
  auto* orders = f.state.mutable_orders();
  orders->Add();
  if (!f.told) return orders->Mutable(orders->size() - 1);
  for (int i = orders->size() - 1; i > 0; --i) orders->SwapElements(i - 1, i);
  return orders->Mutable(0);
}

// An order that arrives after its cancellation was cancelled.
void OrderCancelled(Folding& f, const std::string& number) {
  bool known = false;
  for (pb::InfusionOrder& order : *f.state.mutable_orders()) {
    if (order.order() != number) continue;
    known = true;
    End(f, order);
  }
  if (known || number.empty()) return;
  pb::InfusionOrder* never = f.state.add_orders();
  never->set_order(number);
  never->set_event_id(f.event_id);
  End(f, *never);
}

void InfusionOrdered(Folding& f, const pb::InfusionOrdered& body) {
  if (!f.stands) return;
  for (pb::InfusionOrder& order : *f.state.mutable_orders()) {
    if (!order.open()) continue;
    if (order.order() == body.replaces() || order.order() == body.order()) End(f, order);
  }
  pb::InfusionOrder* order = AddOrder(f);
  order->set_from_paper(IsFromPaper(f.event));
  order->set_order(body.order());
  order->set_lot(body.lot());
  order->set_certificate(body.certificate());
  order->set_open(true);
  order->set_ordered_us(f.at);
  order->set_event_id(f.event_id);
  order->set_dose_number(body.dose_number());
  SetObservationPlan(f, body.observation_plan());
  std::vector<const pb::OrderedContainer*> sorted;
  for (const pb::OrderedContainer& container : body.containers()) sorted.push_back(&container);
  std::ranges::stable_sort(sorted, {}, [](const auto* c) { return c->place(); });
  for (const pb::OrderedContainer* container : sorted) {
    order->add_containers(container->container());
    order->add_planned_ml(container->planned_volume_ml());
    order->add_planned_dose_1e6(container->planned_dose_1e6());
  }
}

bool AllAgree(const google::protobuf::RepeatedPtrField<pb::PersonCheck>& checks) {
  return checks.size() >= 2 && std::ranges::all_of(checks, [](const pb::PersonCheck& check) {
           return check.all_agree() == pb::YES;
         });
}

void PassedAtBedside(Folding& f, const pb::BedsideIdVerified& body) {
  pb::Container* container = MutableContainer(f.state, body.container().value());
  if (container == nullptr) return;
  const bool passed = f.stands && body.passed() == pb::YES && AllAgree(body.checks());
  if (!Counts(f, container->bedside_said_us(), passed)) return;
  container->set_bedside_said_us(std::max(container->bedside_said_us(), f.at));
  container->clear_pass();  // a failed check ends an earlier pass
  if (!passed) return;
  pb::BedsidePass* pass = container->mutable_pass();
  pass->set_event_id(f.event_id);
  pass->set_at_us(f.at);
  for (const pb::IdentifierCommitment& id : body.wristband()) pass->add_wristband(id.commitment());
  pass->set_order(body.order().value());
  pass->set_from_paper(IsFromPaper(f.event));
  for (const pb::PersonCheck& check : body.checks()) {
    pass->add_persons(Intern(f.state, check.person()));
  }
  if (container->state() == pb::CONTAINER_THAWED) Become(f, *container, pb::CONTAINER_VERIFIED);
}

void Started(Folding& f, const pb::InfusionStarted& body) {
  if (pb::Container* container = MutableContainer(f.state, body.container().value())) {
    if (body.has_kept_temperature_c()) {
      container->set_kept_temperature_c(body.kept_temperature_c());
    }
    Become(f, *container, pb::CONTAINER_INFUSING);
    container->set_infusion_started_us(Earliest(container->infusion_started_us(), f.at));
    container->clear_pass();  // one pass, one start
  }
  f.state.set_first_infused_us(Earliest(f.state.first_infused_us(), f.at));
  // Until its end is told the patient is followed from the start on (R28 to R30).
  f.state.set_last_infused_us(std::max(f.state.last_infused_us(), f.at));
}

void Completed(Folding& f, const pb::InfusionCompleted& body) {
  pb::TherapyState& state = f.state;
  if (pb::Container* container = MutableContainer(state, body.container())) {
    // The end says how much in all; a second end of the same container tells of more.
    const bool ended = container->infusion_ended_us() != 0;
    container->set_infused_ml((ended ? container->infused_ml() : 0) + body.volume_given_ml());
    container->set_infusion_ended_us(f.at);
    // What is left in it says that it was given in part, whatever was ticked: a component is not
    // complete by a word (R33).
    const bool rest =
        HasAccounts(*container) && LeftIn(*container) > VolumeSlack(f.profile, *container);
    const bool in_part = body.partial() == pb::YES || rest;
    Become(f, *container, in_part ? pb::CONTAINER_INFUSED_PARTIAL : pb::CONTAINER_INFUSED);
    // Said with how it was destroyed; else the rest is still to be accounted for.
    if (!body.residual().empty()) {
      container->set_destroyed_ml(container->destroyed_ml() + body.residual_volume_ml());
    }
    container->clear_location();
  }
  state.set_last_infused_us(std::max(state.last_infused_us(), f.at));
  for (const pb::InfusionOrder& order : state.orders()) {
    const auto& ids = order.containers();
    if (std::ranges::find(ids, body.container()) != ids.end()) {
      state.set_doses_given(std::max(state.doses_given(), order.dose_number()));
    }
  }
}

// So much until then, whether it goes on or not.
void Interrupted(Folding& f, const pb::InfusionInterrupted& body) {
  pb::Container* container = MutableContainer(f.state, body.container());
  if (container == nullptr || container->infusion_ended_us() != 0) return;
  container->set_infused_ml(std::max(container->infused_ml(), body.volume_given_ml()));
}

void Checked(Folding& f, const pb::PreinfusionCheckPassed& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  SetWeight(f, body.weight_kg());
  TakeInfection(f, body.active_infection() == pb::YES);
  const bool go = f.stands && body.go() == pb::YES && body.consent_valid() == pb::YES;
  if (!Counts(f, condition->go_said_us(), go)) return;
  condition->set_go_said_us(std::max(condition->go_said_us(), f.at));
  condition->set_preinfusion_go(go);
  condition->set_preinfusion_us(f.at);
  // A check that does not stand may add a concern, it takes none away.
  const bool toxic = body.unresolved_toxicity() == pb::YES;
  const bool concern = body.cns_concern() == pb::YES;
  condition->set_toxicity_open(toxic || (!f.stands && condition->toxicity_open()));
  condition->set_cns_concern(concern || (!f.stands && condition->cns_concern()));
  if (!f.stands) return;
  condition->set_tocilizumab_on_site(body.tocilizumab_doses());
  condition->set_pregnant(body.pregnancy() == pb::PREGNANCY_POSITIVE);
}

void PrethawVerified(Folding& f, const pb::PrethawIdVerified& body) {
  pb::Container* container = MutableContainer(f.state, body.container().value());
  if (container == nullptr) return;
  const bool passed = f.stands && AllAgree(body.checks()) && body.patient_ready() == pb::YES;
  // A no about what is thawed ends the check at the bedside, which can be made again.
  if (!passed && container->thaw_started_us() != 0) return ForgetChecks(f, *container);
  if (!Counts(f, container->prethaw_said_us(), passed)) return;
  container->set_prethaw_said_us(std::max(container->prethaw_said_us(), f.at));
  ClearPrethaw(*container);
  if (!passed) return;
  container->set_prethaw(f.event_id);
  container->set_prethaw_us(f.at);
  container->set_prethaw_order(body.order().value());
  container->set_prethaw_from_paper(IsFromPaper(f.event));
}

void Removed(Folding& f, const pb::RemovedFromStorage& body) {
  pb::Container* container = MutableContainer(f.state, body.container().value());
  if (container == nullptr) return;
  container->set_removed_us(Earliest(container->removed_us(), f.at));
  Become(f, *container, pb::CONTAINER_REMOVED);
  if (container->state() == pb::CONTAINER_REMOVED) container->clear_location();
  LeaveShipper(f, *container);
}

void Thaw(Folding& f, const std::string& id, bool started) {
  pb::Container* container = MutableContainer(f.state, id);
  if (container == nullptr) return;
  Become(f, *container, started ? pb::CONTAINER_THAWING : pb::CONTAINER_THAWED);
  if (started) {
    container->set_thaw_started_us(Earliest(container->thaw_started_us(), f.at));
  } else {
    container->set_thaw_completed_us(Earliest(container->thaw_completed_us(), f.at));
  }
  // What was checked before is not what is thawed now; a thaw that is told late came before it.
  if (f.at > container->pass().at_us()) container->clear_pass();
  if (!started) return;
  for (const StepPerson& who : PeopleOf(f.event)) {
    const std::uint32_t person = Intern(f.state, who.person);
    const auto& known = container->thawed_by();
    if (std::ranges::find(known, person) == known.end()) container->add_thawed_by(person);
  }
}

void ThawEnded(Folding& f, const pb::ThawCompleted& body) {
  Thaw(f, body.container(), false);
  pb::Container* container = MutableContainer(f.state, body.container());
  if (container == nullptr || !body.has_kept_temperature_c()) return;
  container->set_kept_temperature_c(body.kept_temperature_c());
}

// The last dose of this course: a dose that a nurse recorded is not undone by what somebody says of
// the course, and no dose lies in the future.
void Dosed(Folding& f, std::int64_t at) {
  pb::Lymphodepletion* ld = f.state.mutable_ld();
  const std::int64_t given = std::min(at, f.at);
  ld->set_last_dose_us(std::max(ld->last_dose_us(), given));
  // Given after the course was said to be complete: it is not, until somebody says so again.
  if (given > ld->completed_us() + kMaxClockAheadMicros) ld->set_completed_us(0);
}

void LdCompleted(Folding& f, const pb::LdCompleted& body) {
  if (!f.own) return;
  pb::Lymphodepletion* ld = f.state.mutable_ld();
  // What is said of an earlier course completes no later one.
  if (Counts(f, ld->started_us(), false)) {
    ld->set_completed_us(std::max(ld->completed_us(), f.at));
  }
  Dosed(f, Micros(body.last_dose_at()));
}

// The physician's word no longer stands.
void NoGo(Folding& f) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!Counts(f, condition->go_said_us(), false)) return;
  condition->set_go_said_us(std::max(condition->go_said_us(), f.at));
  condition->set_preinfusion_go(false);
}

// "Not now": who wants to go on checks container and patient again, and before anything else is
// thawed the physician asks all questions anew.
void Deferred(Folding& f, const pb::InfusionDeferred& body) {
  const auto& named = body.containers();
  for (pb::Container& container : *f.state.mutable_containers()) {
    const bool meant = named.empty() || std::ranges::find(named, container.id()) != named.end();
    if (meant) ForgetChecks(f, container);
  }
  NoGo(f);
}

// The order is all that lets anything be given: what was ordered under it ends with it. A word
// about an order that was replaced since ends nothing.
void Cancelled(Folding& f, const pb::TherapyCancelled& body) {
  if (body.order_number() != f.state.order_number()) return;
  f.state.set_ordered(false);
  f.state.set_order_cancelled_us(std::max(f.state.order_cancelled_us(), f.at));
  f.state.set_slotted(false);
  for (pb::InfusionOrder& order : *f.state.mutable_orders()) {
    if (order.open()) End(f, order);
  }
  NoGo(f);
}

void PutBack(Folding& f, const pb::ReturnedToStorage& body) {
  pb::Container* container = MutableContainer(f.state, body.container().value());
  if (container == nullptr) return;
  const bool before = !container->stays().empty();  // into the unit it was taken out of
  const std::string unit = before ? container->stays().rbegin()->unit() : std::string();
  Arrive(f, *container, unit, body.position().value(), f.site);
  PutAway(f, *container, pb::CONTAINER_STORED, body.position().value());
}

}  // namespace

void FoldInfusion(Folding& f) {
  const pb::Event& event = f.event;
  pb::TherapyState& state = f.state;
  switch (event.body_case()) {
    case pb::Event::kLdStarted:
      TakeAnswers(f, event.ld_started());
      return LdStarted(f, event.ld_started());
    case pb::Event::kLdDose:
      return Dosed(f, Micros(event.ld_dose().given_at()));
    case pb::Event::kLdCompleted:
      return LdCompleted(f, event.ld_completed());
    case pb::Event::kLdWaived:
      return LdWaived(f, event.ld_waived());
    case pb::Event::kLdRepeated:
      TakeAnswers(f, event.ld_repeated());
      if (!event.ld_repeated().has_wbc_1e9_per_l()) return;
      return TakeCount(f, event.ld_repeated().wbc_1e9_per_l(), f.at);
    case pb::Event::kInfectionScreenedPre:
      state.mutable_condition()->set_infection_screened(true);
      if (TakeInfection(f, event.infection_screened_pre().active_infection() == pb::YES)) {
        OpenHold(f, "CLINICAL", "active infection", {"REMOVE", "THAW", "INFUSE"});
      }
      return;
    case pb::Event::kPreinfusionCheckPassed:
      return Checked(f, event.preinfusion_check_passed());
    case pb::Event::kInfusionOrdered:
      return InfusionOrdered(f, event.infusion_ordered());
    case pb::Event::kInfusionDeferred:
      return Deferred(f, event.infusion_deferred());
    case pb::Event::kTherapyCancelled:
      return Cancelled(f, event.therapy_cancelled());
    case pb::Event::kIneligible:
      return NoGo(f);
    case pb::Event::kInfusionOrderCancelled:
      return OrderCancelled(f, event.infusion_order_cancelled().order());
    case pb::Event::kReturnedToStorage:
      return PutBack(f, event.returned_to_storage());
    case pb::Event::kPrethawIdVerified:
      return PrethawVerified(f, event.prethaw_id_verified());
    case pb::Event::kRemovedFromStorage:
      return Removed(f, event.removed_from_storage());
    case pb::Event::kThawStarted: {
      const pb::ThawStarted& body = event.thaw_started();
      if (pb::Container* container = MutableContainer(f.state, body.container().value())) {
        container->set_thaw_device(body.device().value());
        container->set_thaw_site(f.site);
      }
      return Thaw(f, body.container().value(), true);
    }
    case pb::Event::kThawCompleted:
      return ThawEnded(f, event.thaw_completed());
    case pb::Event::kBedsideIdVerified:
      return PassedAtBedside(f, event.bedside_id_verified());
    case pb::Event::kInfusionStarted:
      return Started(f, event.infusion_started());
    case pb::Event::kInfusionInterrupted:
      return Interrupted(f, event.infusion_interrupted());
    case pb::Event::kInfusionCompleted:
      return Completed(f, event.infusion_completed());
    default:
      return;
  }
}

}  // namespace custody::fold
