// What one therapy holds that no other may hold at the same time: a shipper, a thaw device, a place
// in an incubator, a vial of vector (R05, R15).
//
// A therapy's chain says what it holds itself; whether another holds it too only the whole ledger
// knows. Both who admits events and who audits a ledger compare claims, and a bundle of one therapy
// says "not judged here".
#ifndef CUSTODY_CUSTODY_CLAIMS_H_
#define CUSTODY_CUSTODY_CLAIMS_H_

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

struct Claim {
  std::string kind;   // "shipper", "thaw device", "incubator", "vector vial"
  std::string value;  // as scanned; of a vial: its lot, "/" and the vial
  std::string place;  // in it; empty: all of it
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

// `VialId` is how a vial of vector is named by its lot: "LOT/VIAL".
std::string VialId(std::string_view vector_lot, std::string_view vial);
// `Called` is what people read for a claim: "incubator INC-7 shelf 2". Verdicts begin what they
// expected with it, and the audit knows them by that.
std::string Called(const Claim& claim);
// `Collide` says whether two therapies may not have both.
bool Collide(const Claim& one, const Claim& other);
// `RuleOf` is the rule under which a claim of this kind is asked: "R05", "R15".
std::string_view RuleOf(const Claim& claim);

// `ClaimsAsked` is what `event` would have for its therapy, in order; empty for most events.
// Samples ask for nothing. `profile` may be null.
std::vector<Claim> ClaimsAsked(const pb::Event& event, const pb::TherapyState& therapy,
                               const pb::Profile* profile);
// `ClaimsOf` is what a therapy holds now, in order, each once. A vial stays used for ever.
std::vector<Claim> ClaimsOf(const pb::TherapyState& therapy);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CLAIMS_H_
