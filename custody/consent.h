// What the patient agreed to and took back, as fold and rules share it.
#ifndef CUSTODY_CUSTODY_CONSENT_H_
#define CUSTODY_CUSTODY_CONSENT_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "custody/pb.h"
#include "custody/state.h"

namespace custody {

// `SaidAt` is when the patient agreed or withdrew: as the paper says, but not after `event` was
// signed.
inline std::int64_t SaidAt(const pb::Event& event, const google::protobuf::Timestamp& on_paper) {
  return std::min(Micros(on_paper), Micros(event.signed_at()));
}
// `MaySign` says whether who signed may agree for this patient: a minor's guardian, or a legal
// representative, and of an adult the patient or a legal representative.
inline bool MaySign(const pb::ConsentObtained& consent) {
  switch (consent.signed_by()) {
    case pb::CONSENT_BY_PATIENT:
      return consent.patient_is_minor() != pb::YES;
    case pb::CONSENT_BY_GUARDIAN:
    case pb::CONSENT_BY_GUARDIAN_WITH_ASSENT:
      return consent.patient_is_minor() != pb::NO;
    default:
      return true;
  }
}
// `IsTakenBack` says whether a withdrawal of this purpose stops the therapy.
bool IsTakenBack(const pb::ConsentGiven& said);
// `IsTakenBackForCollectionAlone`: no new collection, while consent to the treatment with what was
// collected stands.
bool IsTakenBackForCollectionAlone(const pb::TherapyState& state);
// `PurposeLabel` is a purpose of consent for people: "collection".
std::string PurposeLabel(int purpose);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CONSENT_H_
