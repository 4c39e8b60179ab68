// Whose word counts, as fold and rules share it: what the signatures under an event permit, and
// what was said since. Who is only named as having done something permits nothing: two clerks who
// enter it later can name anybody.
#ifndef CUSTODY_CUSTODY_SIGNED_BY_H_
#define CUSTODY_CUSTODY_SIGNED_BY_H_

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/state.h"

namespace custody {

// `SaysNo` says whether those who checked a container before the thaw or at the bed say that
// something does not agree, or that the patient is not ready. That asks
// no permission: refused, the word would be lost, and the check before it would go on opening the
// door.
inline bool SaysNo(const pb::Event& event) {
  const auto disagree = [](const auto& checks) {
    return std::ranges::any_of(
        checks, [](const pb::PersonCheck& check) { return check.all_agree() == pb::NO; });
  };
  if (event.has_prethaw_id_verified()) {
    const pb::PrethawIdVerified& body = event.prethaw_id_verified();
    return body.patient_ready() == pb::NO || disagree(body.checks());
  }
  if (!event.has_bedside_id_verified()) return false;
  const pb::BedsideIdVerified& body = event.bedside_id_verified();
  return body.passed() == pb::NO || disagree(body.checks());
}

// `IsOldNo` says whether a no is `told` that is older than the yes that stands, said at `yes_us`
// (0: none stands). Whoever said yes has the later word; where clocks cannot tell, the no has it.
inline bool IsOldNo(const pb::Event& no, bool told, std::int64_t yes_us) {
  return told && KnownUntil(no, false) < yes_us;
}

// `SignedAnswer` is the answer to a mandatory test of a lot: its pass, signed by quality control,
// or a failure, whoever wrote that down. Null: there is none yet.
inline const pb::TestState* SignedAnswer(const pb::Lot& lot, std::string_view test) {
  for (const pb::TestState& result : lot.tests()) {
    const bool answers = result.failed() || (result.passed() && !result.from_paper());
    if (result.test() == test && answers) return &result;
  }
  return nullptr;
}

// `IsOfTreatingHouse` says whether a person is enrolled by the organisation where the patient is
// treated.
inline bool IsOfTreatingHouse(const Registry& registry, const pb::TherapyState& state,
                              std::string_view person) {
  const EnrolledPerson* who = registry.FindPerson(person);
  const EnrolledOrganisation* house = registry.OrganisationOfSite(TreatingSite(state));
  return who != nullptr && house != nullptr && who->organisation == house->organisation;
}

// `SignedByPhysician` says whether a physician of that organisation signed the event.
inline bool SignedByPhysician(const pb::Event& event, const Registry& registry,
                              const pb::TherapyState& state) {
  return std::ranges::any_of(SignersOf(event), [&](const StepPerson& who) {
    return who.role == pb::PHY && IsOfTreatingHouse(registry, state, who.person);
  });
}

}  // namespace custody

#endif  // CUSTODY_CUSTODY_SIGNED_BY_H_
