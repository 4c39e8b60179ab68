// Rows 0 to 11: enrolment, assessment, consent, order, slot, collection.
#include <algorithm>

#include "custody/body_plan.h"
#include "custody/consent.h"
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
pb::ConsentGiven& ConsentFor(pb::TherapyState& state, int purpose) {
  const auto number = static_cast<std::uint32_t>(purpose);
  const auto same = [&](const pb::ConsentGiven& said) { return said.purpose() == number; };
  const auto found = std::ranges::find_if(*state.mutable_consents(), same);
  if (found != state.mutable_consents()->end()) return *found;
  pb::ConsentGiven* said = state.add_consents();
  said->set_purpose(number);
  return *said;
}

namespace {

// Who takes back consent to the collection alone is not collected again; what was collected may be
// made and given, as the patient agreed. A hold that somebody set is theirs.
void FitConsentHolds(pb::TherapyState& state) {
  const bool narrow = IsTakenBackForCollectionAlone(state);
  for (pb::Hold& hold : *state.mutable_holds()) {
    if (hold.kind() != "CONSENT" || !hold.open() || !hold.persons().empty()) continue;
    hold.clear_blocks();
    if (narrow) hold.add_blocks("COLLECT");
  }
}

}  // namespace

void TakeConsents(pb::TherapyState& state) {
  state.set_consent_withdrawn(false);
  for (const pb::ConsentGiven& said : state.consents()) {
    const int purpose = static_cast<int>(said.purpose());
    if (purpose == pb::CONSENT_TO_COLLECTION) state.set_consent_collection(said.stands());
    if (purpose == pb::CONSENT_TO_TREATMENT) state.set_consent_treatment(said.stands());
    if (purpose == pb::CONSENT_TO_OUT_OF_SPECIFICATION) state.set_consent_oos(said.stands());
    if (IsTakenBack(said)) state.set_consent_withdrawn(true);
  }
  if (state.consent_withdrawn()) return FitConsentHolds(state);
  for (pb::Hold& hold : *state.mutable_holds()) {
    if (hold.kind() == "CONSENT") hold.set_open(false);
  }
}

namespace {

void AddIdentity(pb::TherapyState& state,
                 const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>& identifiers) {
  for (const pb::IdentifierCommitment& id : identifiers) {
    const auto same = [&](const pb::KnownIdentifier& known) {
      return known.value() == id.commitment();
    };
    const auto known = std::ranges::find_if(*state.mutable_identity(), same);
    if (known != state.mutable_identity()->end()) {
      known->set_retired(false);
      continue;
    }
    pb::KnownIdentifier* added = state.add_identity();
    added->set_type(id.type());
    added->set_value(id.commitment());
  }
}

void Enrolled(Folding& f, const pb::PatientEnrolled& body) {
  pb::TherapyState& state = f.state;
  state.set_enrolled(true);
  state.set_enrolled_us(f.at);
  state.set_site(body.site());
  AddOnce(state.mutable_party_sites(), body.site());
  AddOnce(state.mutable_party_sites(), f.site);
  if (!body.coi().empty()) state.set_coi(body.coi());
  state.mutable_condition()->set_birth_year(body.birth_year());
  if (const EnrolledSite* site = f.registry.FindSite(body.site())) state.set_zone(site->time_zone);
  AddIdentity(state, body.identifiers());
}

void Retired(Folding& f, const pb::PatientIdentifierRetired& body) {
  for (const pb::IdentifierCommitment& id : body.identifiers()) {
    for (pb::KnownIdentifier& known : *f.state.mutable_identity()) {
      if (known.value() == id.commitment()) known.set_retired(true);
    }
  }
}

// Fit, after somebody was found ineligible, is a new assessment; the last word counts.
void Assessed(Folding& f, const pb::EligibilityAssessed& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const bool fit = body.decision() == pb::FITNESS_FIT;
  if (fit && !f.stands) return;  // of somebody else perhaps; unfit always counts
  SetWeight(f, body.weight_kg());
  if (f.state.coi().empty()) f.state.set_coi(body.coi());
  if (!Counts(f, std::max(condition->assessed_us(), condition->ineligible_us()), fit)) return;
  condition->set_assessed(true);
  condition->set_assessed_us(std::max(condition->assessed_us(), f.at));
  condition->set_fit(fit);
  if (fit) condition->set_ineligible(false);
  condition->set_prior_lines(body.prior_lines());
  condition->set_relapsed_refractory(body.relapsed_refractory() == pb::YES);
  condition->set_ecog(body.ecog());
  condition->set_diagnosis_code(body.diagnosis_code());
}

// The date by which consent is asked for again, as that of a child at majority (row 3): of the last
// consent that says one, until an adult's that says none.
void AskAgain(Folding& f, const pb::ConsentObtained& body, std::int64_t at) {
  const std::int64_t due = Micros(body.reconsent_due());
  if (due == 0 && body.patient_is_minor() != pb::NO) return;
  const std::string step(PlanOf(pb::Event::kConsentObtained).name);
  auto& timers = *f.state.mutable_timers();
  const auto known = std::ranges::find(timers, step, &pb::Timer::step);
  if (known != timers.end() && at < known->from_us()) return;  // an older form, told later
  if (known != timers.end()) timers.erase(known);
  if (due == 0) return;
  pb::Timer& timer = *timers.Add();
  timer.set_name("Consent again");
  timer.set_from_us(at);
  timer.set_due_us(due);
  timer.set_step(step);
}

// A consent stands that the patient gave after taking back an earlier one, of the same purpose;
// papers of before are no new consent, whenever they are filed.
void Consented(Folding& f, const pb::ConsentObtained& body) {
  // Another patient's wristband: perhaps another patient's consent.
  if (!f.own || !MaySign(body)) return;
  const std::int64_t at = SaidAt(f.event, body.consented_at());
  for (const int purpose : body.purposes()) {
    pb::ConsentGiven& said = ConsentFor(f.state, purpose);
    if (at <= said.withdrawn_us()) continue;
    said.set_stands(true);
    said.set_event_id(f.event_id);
  }
  AskAgain(f, body, at);
  TakeConsents(f.state);
}

void Ordered(Folding& f, const pb::TherapyOrdered& body) {
  if (!f.stands) return;
  pb::TherapyState& state = f.state;
  state.set_ordered(true);
  state.set_order_number(body.order_number());
  state.set_product(body.product());
  state.set_profile(body.profile());
  state.set_profile_version(body.profile_version());
  state.set_treating_site(body.treating_site());
  state.set_manufacturer_site(body.manufacturing_site());
  if (state.coi().empty()) state.set_coi(body.coi());
  SetObservationPlan(f, body.observation_plan());
  for (const std::string* site :
       {&body.treating_site(), &body.collecting_site(), &body.manufacturing_site()}) {
    AddOnce(state.mutable_party_sites(), *site);
  }
  // An order may ask for more than the profile, not for less.
  const bool by_profile = f.profile != nullptr && f.profile->material_path() == pb::FRESH_TO_SLOT;
  state.set_fresh_to_slot(by_profile || body.material_path() == pb::FRESH_TO_SLOT);
  if (const EnrolledSite* site = f.registry.FindSite(body.treating_site())) {
    state.set_zone(site->time_zone);
  }
}

void WorkedUp(Folding& f, const pb::WorkupCompleted& body) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const bool fit = f.own && body.fit_for_collection() == pb::YES;
  condition->set_workup(true);
  if (!Counts(f, condition->workup_said_us(), fit)) return;
  condition->set_workup_said_us(std::max(condition->workup_said_us(), f.at));
  condition->set_workup_fit(fit);
  condition->set_pregnancy_relevant(body.pregnancy() != pb::PREGNANCY_NOT_RELEVANT);
  condition->set_pregnancy_tested(body.pregnancy() != pb::PREGNANCY_UNSPECIFIED);
  condition->set_pregnant(body.pregnancy() == pb::PREGNANCY_POSITIVE);
}

void WashedOut(Folding& f, bool adequate) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!Counts(f, condition->washout_said_us(), adequate)) return;
  condition->set_washout_said_us(std::max(condition->washout_said_us(), f.at));
  condition->set_washout(adequate);
}

void CnsEvaluated(Folding& f, bool postpone) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (!postpone && !f.own) return;
  condition->set_cns_evaluated(true);
  if (!Counts(f, condition->cns_said_us(), !postpone)) return;
  condition->set_cns_said_us(std::max(condition->cns_said_us(), f.at));
  condition->set_cns_hold(postpone);
  if (postpone) OpenHold(f, "CLINICAL", "CNS evaluation: postpone", {"REMOVE", "THAW", "INFUSE"});
}

void CollectionStarted(Folding& f, const pb::ApheresisStarted& body) {
  pb::Donation* donation = MutableDonation(f.state, body.din().value());
  if (donation == nullptr) donation = f.state.add_donations();
  donation->set_din(body.din().value());
  donation->set_started_us(f.at);
  donation->set_kit(body.kit().value());
}

void Collected(Folding& f, const pb::ApheresisCompleted& body) {
  pb::Donation* donation = MutableDonation(f.state, body.din());
  if (donation == nullptr) {
    donation = f.state.add_donations();
    donation->set_din(body.din());
  }
  donation->set_ended_us(Micros(body.ended_at()));
  const auto collect = [&](const std::string& id, double volume_ml) -> pb::Container* {
    if (id.empty() || FindContainer(f.state, id) != nullptr) return nullptr;
    pb::Container* bag = f.state.add_containers();
    bag->set_id(id);
    bag->set_material(pb::STARTING_MATERIAL);
    Become(f, *bag, pb::CONTAINER_COLLECTED);
    bag->set_din(body.din());
    bag->set_site(f.site);
    bag->set_volume_ml(volume_ml);
    return bag;
  };
  collect(body.container().empty() ? body.din() : body.container(), body.volume_ml());
  pb::Container* plasma = collect(body.plasma_container(), body.plasma_volume_ml());
  if (plasma != nullptr) plasma->set_plasma(true);
}

// A collection frozen into several bags leaves its first bag empty.
void Frozen(Folding& f, const pb::ApheresisCryopreserved& body) {
  pb::TherapyState& state = f.state;
  if (pb::Donation* donation = MutableDonation(state, body.din())) {
    donation->set_frozen(true);
    donation->set_frozen_us(Earliest(donation->frozen_us(), f.at));
  }
  for (const pb::FrozenContainer& frozen : body.containers()) {
    pb::Container* bag = MutableContainer(state, frozen.container());
    if (bag == nullptr) {
      bag = state.add_containers();
      bag->set_id(frozen.container());
      bag->set_material(pb::STARTING_MATERIAL);
      bag->set_din(body.din());
      bag->set_label_complete(true);
    }
    if (bag->din() != body.din()) continue;  // another thing has that number (F8b)
    bag->set_site(f.site);
    bag->set_frozen_us(Earliest(bag->frozen_us(), f.at));
    if (frozen.volume_ml() > 0) bag->set_volume_ml(frozen.volume_ml());
    Arrive(f, *bag, "", frozen.position(), f.site);
    PutAway(f, *bag, pb::CONTAINER_FROZEN, frozen.position());
  }
  for (pb::Container& bag : *state.mutable_containers()) {
    if (bag.din() == body.din() && bag.state() == pb::CONTAINER_COLLECTED && !bag.plasma()) {
      Become(f, bag, pb::CONTAINER_CONSUMED);
    }
  }
}

pb::LabelCount& CountOf(pb::TherapyState& state, const std::string& din) {
  const auto same = [&](const pb::LabelCount& count) { return count.din() == din; };
  const auto found = std::ranges::find_if(*state.mutable_label_counts(), same);
  if (found != state.mutable_label_counts()->end()) return *found;
  pb::LabelCount* count = state.add_label_counts();
  count->set_din(din);
  return *count;
}

void LabelIssued(Folding& f, const pb::LabelIssued& body) {
  AddOnce(f.state.mutable_issued_labels(), body.din().value());
  pb::LabelCount& count = CountOf(f.state, body.din().value());
  count.set_printed(count.printed() + body.printed());
}

void Tested(Folding& f, const pb::IdmTested& body) {
  const bool positive = std::ranges::any_of(body.results(), [](const pb::IdmResult& result) {
    return result.outcome() == pb::IDM_RESULT_POSITIVE;
  });
  pb::PatientCondition* condition = f.state.mutable_condition();
  if ((!positive && !f.own) || !Counts(f, condition->idm_said_us(), !positive)) return;
  condition->set_idm_said_us(std::max(condition->idm_said_us(), f.at));
  condition->set_idm_positive(positive);
}

// A serious reaction is open until the same course of bridging is told again as resolved; what is
// said of another course says nothing of it (R19).
void Bridged(Folding& f, const pb::BridgingGiven& body) {
  constexpr int kMostReactions = 32;  // more of them are no therapy
  auto* open = f.state.mutable_condition()->mutable_bridging_reactions();
  const std::int64_t start = Micros(body.started_at());
  const auto there = std::ranges::find(*open, start);
  const bool resolved = body.reaction_resolved() == pb::YES;
  if (body.serious_reaction() == pb::YES && !resolved) {
    if (there == open->end() && open->size() < kMostReactions) open->Add(start);
  } else if (resolved && f.own && there != open->end()) {
    open->erase(there);
  }
}

// What the patient takes back is taken back at once, also where another paper says otherwise.
void Withdrawn(Folding& f, const pb::ConsentWithdrawn& body) {
  const std::int64_t at = SaidAt(f.event, body.withdrawn_at());
  for (const int purpose : body.purposes()) {
    pb::ConsentGiven& said = ConsentFor(f.state, purpose);
    said.set_withdrawn_us(std::max(said.withdrawn_us(), at));
    said.set_stands(false);
  }
  const bool before = f.state.consent_withdrawn();
  TakeConsents(f.state);
  if (!f.state.consent_withdrawn() || before) return;
  OpenHold(f, "CONSENT", "consent withdrawn", {});
  FitConsentHolds(f.state);
}

}  // namespace

void SetWeight(Folding& f, double weight_kg) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  if (weight_kg <= 0 || f.at < condition->weight_said_us()) return;
  condition->set_weight_said_us(f.at);
  condition->set_weight_kg(weight_kg);
}

void TakeGvhd(Folding& f, pb::Answer active) {
  pb::PatientCondition* condition = f.state.mutable_condition();
  const bool none = active == pb::NO;
  if (active == pb::ANSWER_UNSPECIFIED || (none && !f.own)) return;
  if (!Counts(f, condition->gvhd_said_us(), none)) return;
  condition->set_gvhd_open(!none);
  condition->set_gvhd_said_us(std::max(condition->gvhd_said_us(), f.at));
}

void SetObservationPlan(Folding& f, int plan) {
  if (plan == pb::OBSERVATION_PLAN_UNSPECIFIED) return;  // what was said before stands
  f.state.mutable_condition()->set_observation_plan(static_cast<std::uint32_t>(plan));
}

void FoldClinic(Folding& f) {
  const pb::Event& event = f.event;
  pb::PatientCondition* condition = f.state.mutable_condition();
  switch (event.body_case()) {
    case pb::Event::kPatientEnrolled:
      return Enrolled(f, event.patient_enrolled());
    case pb::Event::kPatientIdentifierAdded:
      return AddIdentity(f.state, event.patient_identifier_added().identifiers());
    case pb::Event::kPatientIdentifierRetired:
      return Retired(f, event.patient_identifier_retired());
    case pb::Event::kEligibilityAssessed:
      return Assessed(f, event.eligibility_assessed());
    case pb::Event::kCnsEvaluated:
      return CnsEvaluated(f, event.cns_evaluated().postpone() == pb::YES);
    case pb::Event::kConsentObtained:
      return Consented(f, event.consent_obtained());
    case pb::Event::kTherapyOrdered:
      return Ordered(f, event.therapy_ordered());
    case pb::Event::kSlotReserved:
    case pb::Event::kSlotChanged:
      return FoldSlot(f);
    case pb::Event::kIdmSampled:
      if (!f.own) return;
      condition->set_idm_sampled(true);
      return condition->set_idm_sampled_us(
          std::max(condition->idm_sampled_us(), Micros(event.idm_sampled().sampled_at())));
    case pb::Event::kIdmTested:
      return Tested(f, event.idm_tested());
    case pb::Event::kBridgingGiven:
      return Bridged(f, event.bridging_given());
    case pb::Event::kWorkupCompleted:
      TakeGvhd(f, event.workup_completed().active_gvhd());
      return WorkedUp(f, event.workup_completed());
    case pb::Event::kWashoutConfirmed:
      return WashedOut(f, f.own && event.washout_confirmed().adequate() == pb::YES);
    case pb::Event::kLabelIssued:
      if (f.stands) LabelIssued(f, event.label_issued());
      return;
    case pb::Event::kLabelAffixed: {
      pb::LabelCount& count = CountOf(f.state, event.label_affixed().din().value());
      return count.set_applied(count.applied() + event.label_affixed().applied());
    }
    case pb::Event::kApheresisStarted:
      return CollectionStarted(f, event.apheresis_started());
    case pb::Event::kApheresisCompleted:
      return Collected(f, event.apheresis_completed());
    case pb::Event::kLabelCompleted:
      for (pb::Container& bag : *f.state.mutable_containers()) {
        if (bag.din() == event.label_completed().din().value()) bag.set_label_complete(true);
      }
      return;
    case pb::Event::kApheresisCryopreserved:
      return Frozen(f, event.apheresis_cryopreserved());
    case pb::Event::kWeightChanged:
      return SetWeight(f, event.weight_changed().weight_kg());
    case pb::Event::kConsentWithdrawn:
      return Withdrawn(f, event.consent_withdrawn());
    default:
      return;
  }
}

}  // namespace custody::fold
