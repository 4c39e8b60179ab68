#include "custody/consent.h"

#include <string_view>

namespace custody {

bool IsTakenBack(const pb::ConsentGiven& said) {
  const int purpose = static_cast<int>(said.purpose());
  const bool stops = purpose == pb::CONSENT_TO_COLLECTION || purpose == pb::CONSENT_TO_TREATMENT;
  return stops && said.withdrawn_us() != 0 && !said.stands();
}

bool IsTakenBackForCollectionAlone(const pb::TherapyState& state) {
  bool any = false;
  for (const pb::ConsentGiven& said : state.consents()) {
    if (!IsTakenBack(said)) continue;
    if (static_cast<int>(said.purpose()) != pb::CONSENT_TO_COLLECTION) return false;
    any = true;
  }
  return any && state.consent_treatment();
}

std::string PurposeLabel(int purpose) {
  constexpr std::string_view kPrefix = "CONSENT_TO_";
  std::string label = Lower(pb::ConsentPurpose_Name(static_cast<pb::ConsentPurpose>(purpose)));
  if (label.size() > kPrefix.size()) label.erase(0, kPrefix.size());
  std::ranges::replace(label, '_', ' ');
  return label;
}

}  // namespace custody
