// Next steps from lymphodepletion on, and everything that waits for somebody's decision.
#include <algorithm>

#include "crypto/encoding.h"
#include "custody/accounting.h"
#include "custody/aftercare.h"
#include "custody/body_plan.h"
#include "custody/grading.h"
#include "custody/next_steps.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody::next {
namespace {

// When the earliest window after the thaw ends (R25); 0: no window.
std::int64_t WindowEnd(const Offers& offers, const pb::Container& container) {
  std::int64_t end = 0;
  if (offers.profile() == nullptr) return end;
  for (const pb::Window& window : offers.profile()->windows()) {
    const std::int64_t anchor = window.anchor() == pb::FROM_THAW_START ? container.thaw_started_us()
                                : window.anchor() == pb::FROM_REMOVAL
                                    ? container.removed_us()
                                    : container.thaw_completed_us();
    if (anchor == 0) continue;
    const std::int64_t at = anchor + window.minutes() * kMicrosPerMinute;
    end = end == 0 ? at : std::min(end, at);
  }
  return end;
}

// Until when the first dose may begin (R20); 0: not known yet.
std::int64_t LdDeadline(const Offers& offers) {
  const pb::Lymphodepletion& ld = offers.state().ld();
  if (ld.last_dose_us() == 0 || ld.waived()) return 0;
  const StatusOr<std::int64_t> day = CalendarDay(Instant{ld.last_dose_us()}, offers.state().zone());
  if (!day.ok()) return 0;
  const StatusOr<Instant> end = EndOfDay(*day + LdMaxDays(offers.profile()), offers.state().zone());
  return end.ok() ? end->micros : 0;
}

void FillBaseline(pb::Event& event) {
  pb::VitalSigns& vitals = *event.mutable_infusion_started()->mutable_baseline();
  *vitals.mutable_at() = event.occurred_at();
  for (int sign = pb::VITAL_TEMPERATURE; sign <= pb::VITAL_SPO2; ++sign) {
    vitals.add_not_recordable(static_cast<pb::VitalSign>(sign));
  }
}

void FillTimeOut(pb::Event& event) {
  pb::TimeOut& time_out = *event.mutable_bedside_id_verified()->mutable_time_out();
  time_out.set_physician_go(pb::YES);
  time_out.set_emergency_drugs(pb::YES);
  time_out.set_tocilizumab_at_hand(pb::YES);
  time_out.set_active_infection(pb::NO);
  time_out.set_unresolved_toxicity(pb::NO);
  *time_out.mutable_vitals()->mutable_at() = event.occurred_at();
  event.mutable_bedside_id_verified()->set_passed(pb::YES);
}

void OfferPrethaw(Offers& offers, const pb::InfusionOrder& order, const pb::Container& bag) {
  const bool checked = !bag.prethaw().empty() && bag.prethaw_order() == order.order();
  if (checked && !bag.prethaw_from_paper()) return;
  offers.Add(pb::Event::kPrethawIdVerified, bag.id(), [&](pb::Event& event) {
    event.mutable_prethaw_id_verified()->mutable_container()->set_value(bag.id());
    event.mutable_prethaw_id_verified()->mutable_order()->set_value(order.order());
    event.mutable_prethaw_id_verified()->set_confirmed_by(pb::CONFIRMED_BY_WRISTBAND);
  });
}

// The next step of one ordered container.
void OfferContainer(Offers& offers, const pb::InfusionOrder& order, const pb::Container& bag) {
  const std::string& id = bag.id();
  const std::string& coi = offers.state().coi();
  switch (bag.state()) {
    case pb::CONTAINER_RECEIVED:
    case pb::CONTAINER_STORED:
      OfferPrethaw(offers, order, bag);
      offers.Due(
          offers.Add(pb::Event::kRemovedFromStorage, id,
                     [&](pb::Event& event) {
                       event.mutable_removed_from_storage()->mutable_container()->set_value(id);
                     }),
          LdDeadline(offers));
      return;
    case pb::CONTAINER_REMOVED:
      OfferPrethaw(offers, order, bag);  // a deferral, or another order, asks for it again
      offers.Add(pb::Event::kThawStarted, id, [&](pb::Event& event) {
        event.mutable_thaw_started()->mutable_container()->set_value(id);
      });
      offers.Add(pb::Event::kReturnedToStorage, id);
      return;
    case pb::CONTAINER_THAWING:
      offers.Add(pb::Event::kThawCompleted, id);
      return;
    case pb::CONTAINER_THAWED:
    case pb::CONTAINER_VERIFIED:
      offers.Due(
          offers.Add(pb::Event::kBedsideIdVerified, id,
                     [&](pb::Event& event) {
                       FillTimeOut(event);
                       event.mutable_bedside_id_verified()->mutable_container()->set_value(id);
                       event.mutable_bedside_id_verified()->mutable_order()->set_value(
                           order.order());
                     }),
          WindowEnd(offers, bag));
      offers.Due(offers.Add(pb::Event::kInfusionStarted, id,
                            [&](pb::Event& event) {
                              pb::InfusionStarted& body = *event.mutable_infusion_started();
                              FillBaseline(event);
                              body.mutable_container()->set_value(id);
                              body.mutable_coi()->set_value(coi);
                              body.mutable_order()->set_value(order.order());
                              for (const std::string& read : bag.pass().wristband()) {
                                pb::IdentifierCommitment* scanned = body.add_wristband();
                                scanned->set_type("mrn");
                                scanned->set_commitment(read);
                              }
                            }),
                 WindowEnd(offers, bag));
      return;
    case pb::CONTAINER_INFUSING:
      offers.Add(pb::Event::kInfusionCompleted, id);
      return;
    default:
      return;
  }
}

// Something that is done every so many hours.
void OfferEvery(Offers& offers, int body, std::int64_t last, std::uint32_t hours) {
  const std::int64_t from = std::max(last, offers.state().last_infused_us());
  offers.Due(offers.Add(body), from + hours * kMicrosPerHour);
}

// Until the patient is discharged: readings, ICE, examination and blood (R28). Who is observed at
// home has no readings that are due, and is seen or called daily.
void OfferObservation(Offers& offers, const pb::Aftercare& care) {
  const pb::TherapyState& state = offers.state();
  const pb::PatientCondition& condition = state.condition();
  const bool home = IsOutpatient(state);
  offers.Due(offers.Add(pb::Event::kObservationsRecorded), ReadingsDue(state, care, offers.now()));
  OfferEvery(offers, pb::Event::kIceRecorded, condition.last_ice_us(),
             home ? 24 : care.ice_hours());
  OfferEvery(offers, pb::Event::kDailyLabs, condition.last_labs_us(), 24);
  if (!home) OfferEvery(offers, pb::Event::kDailyExam, condition.last_exam_us(), 24);
  offers.Add(pb::Event::kCrsGraded);
  offers.Add(pb::Event::kIcansGraded);
  const std::int64_t least = home ? 0 : care.inpatient_min_days() * kMicrosPerDay;
  offers.Due(offers.Add(pb::Event::kDischarged), 0, state.last_infused_us() + least);
}

// What nobody has decided about intensive care yet (R44).
void OfferCareDecision(Offers& offers) {
  std::int64_t due = 0;
  for (const pb::CareDecision& asked : offers.state().condition().care_decisions()) {
    due = due == 0 ? asked.due_us() : std::min(due, asked.due_us());
  }
  if (due == 0) return;
  pb::NextStep& step = offers.Add(pb::Event::kAeTreatmentGiven);
  step.set_help("grade 3 or more: transfer to intensive care, or say that it is not needed");
  offers.Due(step, due);
}

// A grade that is death, and nobody recorded that (F13).
void OfferDeath(Offers& offers) {
  if (!LacksDeath(offers.state())) return;
  const pb::PatientCondition& condition = offers.state().condition();
  const bool crs = condition.crs_grade() == static_cast<std::int32_t>(kDeathGrade);
  pb::NextStep& died = offers.Add(pb::Event::kPatientDied);
  died.set_help("CRS or ICANS of grade 5 is death: record it, or grade again");
  offers.Due(died, crs ? condition.crs_said_us() : condition.icans_said_us());
}

// The second of two parts, once the first is given (R32): on its days.
void OfferSecondDose(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  if (offers.profile() == nullptr || !offers.profile()->has_split_dose()) return;
  if (state.doses_given() != 1) return;
  const pb::SplitDose& plan = offers.profile()->split_dose();
  const auto day = [&](std::uint32_t number) {
    return state.first_infused_us() + (std::int64_t{number} - 1) * kMicrosPerDay;
  };
  const std::int64_t opens = plan.second_from_day() == 0 ? 0 : day(plan.second_from_day());
  const std::int64_t due = plan.second_to_day() == 0 ? 0 : day(plan.second_to_day());
  offers.Due(offers.Add(pb::Event::kInfectionScreenedPre), due, opens);
  offers.Due(offers.Add(pb::Event::kPreinfusionCheckPassed), due, opens);
  const bool ordered = std::ranges::any_of(state.orders(), [](const pb::InfusionOrder& order) {
    return order.open() && order.dose_number() >= 2;
  });
  if (ordered) return;
  offers.Due(offers.Add(pb::Event::kInfusionOrdered, "dose 2",
                        [&](pb::Event& event) {
                          pb::InfusionOrdered& order = *event.mutable_infusion_ordered();
                          order.set_dose_number(2);
                          *order.mutable_planned_at() =
                              ToProto(Instant{std::max(opens, offers.now())});
                        }),
             due, opens);
}

}  // namespace

void OfferInfusion(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::Lymphodepletion& ld = state.ld();
  const bool ready = ld.completed_us() != 0 || ld.waived();
  for (const pb::Container& bag : state.containers()) {
    const bool arrived = bag.material() == pb::DRUG_PRODUCT &&
                         bag.state() == pb::CONTAINER_RECEIVED && bag.site() == TreatingSite(state);
    if (arrived) offers.Add(pb::Event::kStoredClinic, bag.id());
  }
  if (state.last_infused_us() == 0 && !state.lots().empty()) {
    if (ld.started_us() == 0 && !ld.waived()) {
      offers.Add(pb::Event::kLdStarted, "", [](pb::Event& event) {
        event.mutable_ld_started()->set_delivery_risk_accepted(pb::YES);
        event.mutable_ld_started()->set_planned_days(3);           // as all labels have it
        event.mutable_ld_started()->set_marrow_blasts_percent(0);  // where it is asked for
        *event.mutable_ld_started()->mutable_marrow_sampled_at() = event.occurred_at();
        event.add_signers()->set_role(pb::PHY);  // who accepts it
      });
    } else if (ld.completed_us() == 0 && !ld.waived()) {
      offers.Add(pb::Event::kLdDose);
      offers.Add(pb::Event::kLdCompleted);
    }
  }
  const bool ordered = std::ranges::any_of(
      state.orders(), [](const pb::InfusionOrder& o) { return o.open() && !o.from_paper(); });
  if (ready && state.last_infused_us() == 0) {
    offers.Due(offers.Add(pb::Event::kInfectionScreenedPre), LdDeadline(offers));
    offers.Due(offers.Add(pb::Event::kPreinfusionCheckPassed), LdDeadline(offers));
    if (!ordered) offers.Due(offers.Add(pb::Event::kInfusionOrdered), LdDeadline(offers));
  }
  OfferSecondDose(offers);
  for (const pb::InfusionOrder& order : state.orders()) {
    if (!order.open()) continue;
    for (const std::string& id : order.containers()) {
      if (const pb::Container* bag = FindContainer(state, id)) OfferContainer(offers, order, *bag);
    }
  }
}

void OfferAftercare(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::PatientCondition& condition = state.condition();
  const bool infused = state.last_infused_us() != 0;
  const pb::Aftercare care = AftercareOf(offers.profile());
  if (IsInHospital(state)) OfferObservation(offers, care);
  if (!state.patient_died()) OfferCareDecision(offers);
  OfferDeath(offers);
  if (const std::int64_t due = ContactDue(state, care); due != 0) {
    pb::NextStep& contact = offers.Add(pb::Event::kDailyExam);
    contact.set_label("Daily contact");
    offers.Due(contact, due);
    if (!IsInHospital(state))
      OfferEvery(offers, pb::Event::kDailyLabs, condition.last_labs_us(), 24);
  }
  for (const LateLab& lab : LateLabsDue(state)) {
    pb::NextStep& step = offers.Add(pb::Event::kDailyLabs);
    step.set_label(lab.name);
    offers.Due(step, lab.due_us, lab.due_us);
  }
  for (const pb::Timer& timer : state.timers()) {
    pb::NextStep& visit = offers.Add(BodyNumber(timer.step()));
    visit.set_label(timer.name());
    offers.Due(visit, timer.due_us(), timer.from_us());
  }
  const bool over =
      state.patient_died() || state.consent_withdrawn() || infused || condition.ineligible();
  if (!over) return;
  for (const pb::Container& container : state.containers()) {
    const bool terminal = IsTerminal(container.state());
    const bool rest = offers.clinical() && OpenResidue(offers.profile(), container).has_value();
    if (rest || (!terminal && container.state() != pb::CONTAINER_INFUSING &&
                 container.state() != pb::CONTAINER_RETAINED)) {
      offers.Later(offers.Add(pb::Event::kDisposition, container.id()));
    }
  }
  if (!state.closed()) offers.Later(offers.Add(pb::Event::kCustodyClosed));
  if (state.closed()) offers.Later(offers.Add(pb::Event::kTherapyClosed));
}

void OfferOpenMatters(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  for (const pb::Quarantine& q : state.quarantines()) {
    if (!q.open()) continue;
    pb::NextStep& decide =
        offers.Add(q.kind() == pb::QUARANTINED_IDENTITY ? pb::Event::kIdentityResolved
                                                        : pb::Event::kQuarantineDecided,
                   q.id());
    offers.Due(decide, DoubtDue(state, offers.profile(), q));
  }
  for (const pb::Hold& hold : state.holds()) {
    if (!hold.open() || hold.kind() == "CONSENT") continue;
    offers.Add(hold.kind() == "IDENTITY" ? pb::Event::kIdentityResolved : pb::Event::kHoldCleared,
               hold.id());
  }
  for (const pb::Offer& offer : state.offers()) {
    const auto accept = [&](pb::Event& event) {
      pb::HandoverAccepted& body = *event.mutable_handover_accepted();
      body.set_offer(offer.event_id());
      body.set_shipper(offer.shipper());
      *body.mutable_seals() = offer.seals();
      *body.mutable_containers() = offer.containers();
      body.set_waybill(offer.waybill());
      body.set_coi(state.coi());
    };
    offers.Due(offers.Add(pb::Event::kHandoverAccepted, offer.offer(), accept), offer.expires_us());
  }
  for (const pb::Grant& grant : state.grants()) {
    if (!grant.verbal() || grant.confirmed()) continue;
    if (grant.denied()) continue;
    offers.Due(offers.Add(pb::Event::kOverrideConfirmed, ShortId(grant.event_id())),
               grant.granted_us() + kMicrosPerDay);
  }
  for (const pb::Deviation& deviation : state.deviations()) {
    if (deviation.open()) offers.Add(pb::Event::kDeviationClosed, deviation.id());
  }
}

void OfferRecords(Offers& offers) {
  for (const pb::Attestation& open : offers.state().attestations()) {
    const BodyPlan& entered = PlanOf(static_cast<int>(open.body()));
    pb::NextStep& step = offers.Add(pb::Event::kAttested, Hex(open.event_id()));
    step.set_help("attest: " + entered.rule->label());
    *step.mutable_roles() = open.roles();
    offers.Due(step, open.due_us());
  }
}

}  // namespace custody::next
