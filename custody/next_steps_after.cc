// Next steps after the infusion, and everything that waits for somebody's decision.
#include <algorithm>
#include <string>

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

// Something that is done every so many hours.
void OfferEvery(Offers& offers, int body, std::int64_t last, std::uint32_t hours) {
  const std::int64_t from = std::max(last, offers.state().last_infused_us());
  offers.Due(offers.Add(body), from + hours * kMicrosPerHour);
}

// What the patient is told at the discharge, and how long people usually stay (R28).
std::string Instructions(const Offers& offers, const pb::Aftercare& care) {
  const pb::TherapyState& state = offers.state();
  constexpr std::size_t kDate = 11;  // "02 Mar 2026"
  const auto until = [&](std::uint32_t days) {
    const StatusOr<Instant> end =
        EndOfDay(DayIn(state, state.last_infused_us()) + std::int64_t{days}, state.zone());
    const std::string date = end.ok() ? FormatLocal(*end, state.zone()).substr(0, kDate) : "";
    return date + " (" + std::to_string(days) + " d)";
  };
  std::string text = "observed at home";
  if (!IsOutpatient(state)) {
    text = "usually " + std::to_string(care.inpatient_min_days()) + " to " +
           std::to_string(care.inpatient_max_days()) + " d in hospital, until " +
           until(care.inpatient_max_days());
  }
  if (care.proximity_days() != 0) {
    text += "; the patient stays near the centre until " + until(care.proximity_days());
  }
  if (care.driving_days() != 0) {
    text += "; does not drive until " + until(care.driving_days());
  }
  return text;
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
  pb::NextStep& discharge = offers.Add(pb::Event::kDischarged);
  discharge.set_help(Instructions(offers, care));
  offers.Due(discharge, 0, state.last_infused_us() + least);
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

// A grade that is death, or a visit that tells of it, and nobody recorded that (F13).
void OfferDeath(Offers& offers) {
  if (!LacksDeath(offers.state())) return;
  const pb::PatientCondition& condition = offers.state().condition();
  if (IsSaidDead(offers.state())) {
    pb::NextStep& said = offers.Add(pb::Event::kPatientDied);
    said.set_help("the last visit says that the patient is dead: record it, or the visit again");
    return offers.Due(said, condition.vital_said_us());
  }
  const std::string what = FatalGrade(offers.state());
  const std::int64_t said = what == "CRS"     ? condition.crs_said_us()
                            : what == "ICANS" ? condition.icans_said_us()
                                              : condition.fatal_grades(0).said_us();
  pb::NextStep& died = offers.Add(pb::Event::kPatientDied);
  died.set_help(what + " of grade 5 is death: record it, or grade again");
  offers.Due(died, said);
}

// What nobody uses any more: when all is over, everything; before that, what was ended for ever.
void OfferDisposal(Offers& offers, bool over) {
  const pb::TherapyState& state = offers.state();
  for (const pb::Container& container : state.containers()) {
    const pb::Lot* lot = FindLot(state, container.lot());
    const bool recalled =
        container.recalled() || (lot != nullptr && lot->state() == pb::LOT_RECALLED);
    if (!over && !recalled && !container.rejected()) continue;
    const bool rest = offers.clinical() && OpenResidue(offers.profile(), container).has_value();
    if (rest || (!IsTerminal(container.state()) && container.state() != pb::CONTAINER_INFUSING &&
                 container.state() != pb::CONTAINER_RETAINED)) {
      offers.Later(offers.Add(pb::Event::kDisposition, container.id()));
    }
  }
}

}  // namespace

void OfferAftercare(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::PatientCondition& condition = state.condition();
  const bool runs = std::ranges::any_of(state.containers(), [](const pb::Container& bag) {
    return bag.state() == pb::CONTAINER_INFUSING;
  });
  const bool infused = state.last_infused_us() != 0 && !runs;
  const pb::Aftercare care = AftercareOf(offers.profile());
  if (IsInHospital(state)) OfferObservation(offers, care);
  if (!state.patient_died() && !IsSaidDead(state)) OfferCareDecision(offers);
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
    if (state.patient_died())
      break;  // but not forgotten: the death may have been recorded in error
    pb::NextStep& visit = offers.Add(BodyNumber(timer.step()));
    visit.set_label(timer.name());
    offers.Due(visit, timer.due_us(), timer.from_us());
  }
  const bool over =
      state.patient_died() || state.consent_withdrawn() || infused || condition.ineligible();
  OfferDisposal(offers, over);
  if (!over) return;
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
    pb::NextStep& clear = offers.Add(
        hold.kind() == "IDENTITY" ? pb::Event::kIdentityResolved : pb::Event::kHoldCleared,
        hold.id());
    const EnrolledOrganisation* maker =
        offers.registry().OrganisationOfSite(state.manufacturer_site());
    const bool makers = maker != nullptr && maker->organisation == hold.organisation();
    if (hold.kind() != "QUALITY" || !makers) continue;
    clear.set_help(
        "by quality of the manufacturer; what is not to be used at all they end, in their own "
        "hand: REJECTED or PRODUCT_RECALLED");
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
    if (!deviation.open()) continue;
    pb::NextStep& close = offers.Add(pb::Event::kDeviationClosed, deviation.id());
    // A window that was passed is reviewed within a day (R25).
    if (deviation.rule() == "R25") offers.Due(close, deviation.opened_us() + kMicrosPerDay);
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
