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
// `IsTakenBack` says whether a withdrawal of this purpose stops the therapy.
bool IsTakenBack(const pb::ConsentGiven& said);
// `IsTakenBackForCollectionAlone`: no new collection, while consent to the treatment with what was
// collected stands.
bool IsTakenBackForCollectionAlone(const pb::TherapyState& state);
// `PurposeLabel` is a purpose of consent for people: "collection".
std::string PurposeLabel(int purpose);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CONSENT_H_
