// Corrections of typed values (F19): what may be corrected, and what follows in the state.
//
// A correction is an event that points at the old one; the original stays. Only what somebody typed
// may be corrected: numbers, times and free text. Scans, signers, choices, decisions and
// dispositions are never corrected; they are made anew.
#ifndef CUSTODY_CUSTODY_CORRECTION_H_
#define CUSTODY_CUSTODY_CORRECTION_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "custody/pb.h"

namespace custody {

// `EventPrefix` is the first 8 bytes of an event's id, by which the state remembers which events
// there are.
std::uint64_t EventPrefix(std::string_view event_id);
// `KnownAs` is what the state keeps of an event beside that: its body's number, and whether it was
// entered from paper (DOWNTIME). The number alone is `KnownAs & kBodyBits`.
inline constexpr std::uint32_t kBodyBits = 0xFFFF;
std::uint32_t KnownAs(const pb::Event& event);
// `IsDowntimeEntry` says whether event `event_id` is one of those, entered from paper.
bool IsDowntimeEntry(const pb::TherapyState& state, std::string_view event_id);
// `KnownBody` is the number of the body that event `event_id` of the therapy has; 0 when it is none
// of the therapy's last thousand events.
int KnownBody(const pb::TherapyState& state, std::string_view event_id);

// `CorrectableField` is the field that `path` ("results[2].assay") leads to in body number `body`;
// null when there is none, or when it is not a typed value. `why` then says which, for people.
const google::protobuf::FieldDescriptor* CorrectableField(int body, std::string_view path,
                                                          std::string& why);
// `WithoutPlaces` is such a path as the field's name: "results[2].assay" is "results.assay".
std::string WithoutPlaces(std::string_view path);
// `ValueFault` says what is wrong with `text` as a value of `field`; empty when it may stand there.
// Numbers are written plainly, times as RFC 3339.
std::string ValueFault(const google::protobuf::FieldDescriptor& field, std::string_view text);

enum class Folded {
  kNo,    // nothing in the state comes from that value
  kYes,   // the state holds the new value now
  kOther  // the state holds a value from there, and not the one that is said to be the old one
};
// `CorrectInState` puts a corrected value where the fold had put the old one. A test's value that
// misses the limit of `profile` (may be null) now makes the test failed; one that meets it makes
// nothing passed: the laboratory states the result anew.
Folded CorrectInState(pb::TherapyState& state, const pb::Profile* profile,
                      std::string_view event_id, const pb::Correction& correction);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CORRECTION_H_
