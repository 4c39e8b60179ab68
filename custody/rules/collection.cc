// Before the needle: R08, and R41 for the order.
#include <algorithm>
#include <set>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

void OrderAndSlot(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!c.therapy.ordered()) {
    Gate(c, rule, v, {"a therapy order", "none", "the physician orders the therapy"});
  }
  if (!c.therapy.slotted()) {
    Gate(c, rule, v,
         {"a manufacturing slot", "none", "the manufacturer's planner reserves a slot"});
  }
}

// Collected cells that go to a manufacturer's house, whatever their leg is called.
bool LeavesForMaking(const Case& c, const pb::Packed& body) {
  if (body.leg() == pb::LEG_INBOUND) return true;
  const std::string& to = body.destination_site();
  const EnrolledOrganisation* house = c.registry.OrganisationOfSite(to);
  const bool maker = house != nullptr && house->kind == pb::MANUFACTURER;
  if (!maker || c.registry.IsSameHouse(SiteOf(c), to)) return false;
  return std::ranges::any_of(body.containers(), [&](const pb::Scanned& scanned) {
    const pb::Container* bag = FindContainer(c.therapy, scanned.value());
    return bag != nullptr && bag->material() == pb::STARTING_MATERIAL;
  });
}

// By the numbers of one profile a lot is made, released and given: another order does not put
// others in their place unseen (R20's days, R24's doses).
void ProfileStays(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string& named = c.effective.therapy_ordered().profile();
  const pb::Lot* lot = LotInHand(c.therapy);
  // Of an order that was granted the lot has the numbers that it brought, no longer those it began
  // with.
  const std::string& known = c.therapy.profile();
  if (lot == nullptr || known.empty() || known == named) return;
  const bool began = lot->profile() == known;
  Gate(c, rule, v,
       {"profile " + known + ", by which lot " + lot->lot() +
            (began ? " is made" : " is judged since the order of it was granted"),
        named,
        "look for the slip; if it is meant, the physician grants it: OVERRIDE_GRANTED of R41; or "
        "this lot ends first: MANUFACTURING_FAILED or REJECTED",
        lot->lot()});
}

// R08 of what was banked before any order: the profile that came with the order asks how old the
// markers were when the cells were taken. A newer sample answers it.
void MarkersOfBanked(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Packed& body) {
  const std::uint32_t most = c.profile == nullptr ? 0 : c.profile->validity().idm_days();
  const pb::PatientCondition& condition = c.therapy.condition();
  if (most == 0 || !condition.idm_sampled()) return;
  std::set<std::string> judged;
  for (const pb::Scanned& scanned : body.containers()) {
    const pb::Container* bag = FindContainer(c.therapy, scanned.value());
    const pb::Donation* donation = bag == nullptr ? nullptr : FindDonation(c.therapy, bag->din());
    if (donation == nullptr || !judged.insert(donation->din()).second) continue;
    const std::int64_t age = DaysBetween(c, condition.idm_sampled_us(), donation->started_us());
    if (age <= most) continue;
    Gate(c, rule, v,
         {"markers sampled at most " + std::to_string(most) + " d before the collection",
          std::to_string(age) + " d before", "take a new sample: IDM_SAMPLED", donation->din()});
  }
}

// Positive markers neither hold nor stop anything: they ask for a place apart and for the mark. Who
// handles the material needs to know that, not of what.
void ApartWhenPositive(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool known = c.therapy.condition().idm_positive();
  if (c.effective.has_label_issued()) {
    if (!known || c.effective.label_issued().biohazard() != pb::NO) return;
    Deviation(c, rule, v,
              {"the biohazard mark on the label, as the markers ask for", "a label without it",
               "print another with the mark and destroy this one; keep the bag apart",
               c.effective.label_issued().din().value(), pb::CUSTODY},
              false);
    return;
  }
  if (c.effective.has_idm_tested()) {
    const bool positive = std::ranges::any_of(
        c.effective.idm_tested().results(),
        [](const pb::IdmResult& result) { return result.outcome() == pb::IDM_RESULT_POSITIVE; });
    if (!positive || known || c.therapy.issued_labels().empty()) return;
    Deviation(
        c, rule, v,
        {"the biohazard mark on what was collected", "labelled before the markers were known",
         "put the mark on every container and keep them apart, then DEVIATION_CLOSED",
         List({c.therapy.issued_labels().begin(), c.therapy.issued_labels().end()}), pb::CUSTODY},
        false);
    return;
  }
  const bool kept = c.effective.has_stored() || c.effective.has_stored_clinic() ||
                    c.effective.has_stored_in_shipper() || c.effective.has_packed();
  if (!known || !kept) return;
  Note(c, rule, v,
       {"apart from other patients' material, with the biohazard mark", "material that asks for it",
        "choose a place for such material, and look for the mark", "biohazard", pb::CUSTODY});
}

}  // namespace

void ReadyToCollect(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TherapyState& state = c.therapy;
  ApartWhenPositive(c, rule, v);
  if (Body(c) == pb::Event::kPacked) {
    // Banked material may be collected before any order; it leaves only with one.
    if (!LeavesForMaking(c, c.effective.packed())) return;
    OrderAndSlot(c, rule, v);
    return MarkersOfBanked(c, rule, v, c.effective.packed());
  }
  if (Body(c) != pb::Event::kApheresisStarted) return;
  const pb::PatientCondition& condition = state.condition();
  const auto need = [&](bool met, const char* expected, const char* found, const char* next) {
    if (!met) Gate(c, rule, v, {expected, found, next});
  };
  need(condition.assessed() && condition.fit(), "eligibility assessed as fit",
       condition.assessed() ? "assessed as unfit" : "not assessed",
       "the physician assesses eligibility");
  need(condition.workup() && condition.workup_fit(), "work-up completed, fit for collection",
       condition.workup() ? "work-up says not fit" : "no WORKUP_COMPLETED", "complete the work-up");
  need(condition.washout(), "wash-out of earlier treatment confirmed as adequate", "not confirmed",
       "the physician confirms the wash-out or moves the date");
  need(condition.idm_sampled(), "infectious disease markers sampled", "no sample",
       "take the sample before the needle");
  need(!condition.pregnant(), "no pregnancy", "pregnancy test positive",
       "the physician decides; a profile may ask for more");
  const std::uint32_t idm_days = c.profile == nullptr ? 0 : c.profile->validity().idm_days();
  const std::int64_t idm_age = DaysBetween(c, condition.idm_sampled_us(), At(c));
  const bool too_old = idm_days != 0 && idm_age > idm_days;
  if (condition.idm_sampled() && (too_old || condition.idm_sampled_us() > At(c) + kSkew)) {
    Gate(c, rule, v,
         {too_old ? "markers sampled at most " + std::to_string(idm_days) + " d before"
                  : std::string("markers sampled before the needle"),
          std::to_string(idm_age) + " d before", "take a new sample"});
  }
  if (!state.consent_collection()) {
    Gate(c, rule, v,
         {"consent to the collection", "none that stands", "obtain consent before the needle"})
        .clear_grantors();  // consent is the patient's to give, nobody else's
  }
  if (state.fresh_to_slot()) OrderAndSlot(c, rule, v);
}

namespace {

// An order is judged by the numbers of the law under which the patient is treated, and for the
// product and the indication that they hold for: another profile is no risk to take.
void ProfileOfOrder(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TherapyOrdered& order = c.effective.therapy_ordered();
  const auto same = [&](const char* what, const std::string& of_profile, const std::string& stated,
                        const char* next) {
    if (of_profile.empty() || stated == of_profile) return;
    Gate(c, rule, v, {what + of_profile + ", whose numbers the profile has", stated, next})
        .clear_grantors();
  };
  same("product ", c.profile->product_code(), order.product(), "choose the profile of the product");
  same("jurisdiction ", c.profile->jurisdiction(), order.jurisdiction(),
       "choose the profile of the jurisdiction");
  same("indication ", c.profile->indication().code(), order.indication(),
       "choose the profile of the indication");
}

// Whether what the disease is was ever confirmed is the first question of all.
void Confirmed(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::EligibilityAssessed& body = c.effective.eligibility_assessed();
  if (body.pathology_confirmed() != pb::NO || body.decision() != pb::FITNESS_FIT) return;
  Deviation(c, rule, v,
            {"a diagnosis that pathology confirmed", "fit, and not confirmed",
             "let pathology confirm it, and assess again; the physician says why not"},
            false);
}

}  // namespace

void WithinIndication(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_eligibility_assessed()) return Confirmed(c, rule, v);
  if (Body(c) != pb::Event::kTherapyOrdered) return;
  const pb::TherapyOrdered& order = c.effective.therapy_ordered();
  if (c.profile == nullptr) {
    Gate(c, rule, v,
         {"a published profile", order.profile() + " is not published",
          "choose a published profile, or let the trustees publish it", order.profile()})
        .clear_grantors();
    return;
  }
  ProfileStays(c, rule, v);
  if (order.profile_version() != c.profile->version()) {
    Gate(c, rule, v,
         {"the newest version of the profile: " + std::to_string(c.profile->version()),
          std::to_string(order.profile_version()), "order by the newest version", order.profile()});
  }
  ProfileOfOrder(c, rule, v);
  const pb::Indication& indication = c.profile->indication();
  const pb::PatientCondition& patient = c.therapy.condition();
  const auto& codes = indication.diagnosis_codes();
  const bool named = codes.empty() || std::ranges::any_of(codes, [&](const std::string& code) {
                       return patient.diagnosis_code().starts_with(code);
                     });
  if (!named) {
    Gate(c, rule, v,
         {"a diagnosis of " + List({codes.begin(), codes.end()}),
          patient.diagnosis_code().empty() ? "none recorded" : patient.diagnosis_code(),
          "outside the indication: the physician decides"});
  }
  if (!patient.assessed() || !patient.fit()) {
    Gate(c, rule, v,
         {"eligibility assessed as fit", patient.assessed() ? "unfit" : "not assessed",
          "the physician assesses eligibility"});
  }
  if (patient.prior_lines() < indication.min_prior_lines()) {
    Gate(c, rule, v,
         {"at least " + std::to_string(indication.min_prior_lines()) + " prior lines",
          std::to_string(patient.prior_lines()), "outside the indication: the physician decides"});
  }
  if (indication.relapsed_or_refractory() && !patient.relapsed_refractory()) {
    Gate(c, rule, v,
         {"relapsed or refractory disease", "neither",
          "outside the indication: the physician decides"});
  }
  if (indication.has_max_ecog() && patient.ecog() > indication.max_ecog()) {
    Gate(c, rule, v,
         {"ECOG at most " + std::to_string(indication.max_ecog()), std::to_string(patient.ecog()),
          "outside the indication: the physician decides"});
  }
}

}  // namespace custody::rules
