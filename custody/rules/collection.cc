// Before the needle: R08, and R41 for the order.
#include <algorithm>

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
  if (!maker || IsSameHouse(c, SiteOf(c), to)) return false;
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
  if (lot == nullptr || lot->profile().empty() || lot->profile() == named) return;
  Gate(c, rule, v,
       {"profile " + lot->profile() + ", by which lot " + lot->lot() + " is made", named,
        "look for the slip; if it is meant, the physician grants it: OVERRIDE_GRANTED of R41; or "
        "this lot ends first: MANUFACTURING_FAILED or REJECTED",
        lot->lot()});
}

}  // namespace

void ReadyToCollect(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TherapyState& state = c.therapy;
  if (Body(c) == pb::Event::kPacked) {
    // Banked material may be collected before any order; it leaves only with one.
    if (LeavesForMaking(c, c.effective.packed())) OrderAndSlot(c, rule, v);
    return;
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

void WithinIndication(const Case& c, const Rule& rule, pb::Verdict& v) {
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
  if (!c.profile->product_code().empty() && order.product() != c.profile->product_code()) {
    Gate(c, rule, v,
         {"product " + c.profile->product_code() + " of the profile", order.product(),
          "choose the profile of the product"})
        .clear_grantors();
  }
  const pb::Indication& indication = c.profile->indication();
  const pb::PatientCondition& patient = c.therapy.condition();
  if (!indication.code().empty() && order.indication() != indication.code()) {
    Gate(c, rule, v,
         {"indication " + indication.code() + ", whose numbers the profile has", order.indication(),
          "choose the profile of the indication"})
        .clear_grantors();
  }
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
