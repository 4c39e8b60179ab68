// What one therapy holds that no other may hold: for a time a shipper, a thaw device, a place in an
// incubator; and until quality finds that it was written down by mistake a vial of vector (R15),
// and what its material is called by: a chain of identity, a donation number, a lot, a container of
// product (R05).
//
// Labels like "THAW-2" or "LOT-7" mean something only in the house that gave them, so a claim to
// such a thing says whose it is. Shippers, chains of identity and donation numbers are numbered for
// all houses: one in the world, and there one house's slip does stand in another's way.
//
// A therapy's chain says what it holds itself; whether another holds it too only the whole ledger
// knows. Both who admits events and who audits a ledger compare claims, and a bundle of one therapy
// says "not judged here".
#ifndef CUSTODY_CUSTODY_CLAIMS_H_
#define CUSTODY_CUSTODY_CLAIMS_H_

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

struct Claim {
  std::string kind;        // "shipper", "thaw device", "incubator", "vector vial", "donation" ...
  std::string value;       // as scanned; of a vial: its lot, "/" and the vial
  std::string place;       // in it; empty: all of it
  std::string house = {};  // whose label it is: a site or an organisation; empty: one in the world
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

// `VialId` is how a vial of vector is named by its lot: "LOT/VIAL".
std::string VialId(std::string_view vector_lot, std::string_view vial);
// `Called` is what people read for a claim: "incubator INC-7 shelf 2 of LAB"; `Wanted` is what a
// verdict expects for it, by which the audit knows it.
std::string Called(const Claim& claim);
std::string Wanted(const Claim& claim);
// `HeldBy` is what a verdict found: "therapy T1, T2 has it". `HideHolders` takes the therapies out
// of such a text for whom `may_know` says no to one of them; whether it had to.
std::string HeldBy(const std::vector<std::string>& holders);
bool HideHolders(std::string& found, const std::function<bool(const std::string&)>& may_know);
// `Collide` says whether two therapies may not have both.
bool Collide(const Claim& one, const Claim& other);
// `RuleOf` is the rule under which a claim of this kind is asked: "R05", "R15".
std::string_view RuleOf(const Claim& claim);

// `ClaimsAsked` is what `event` would have for its therapy, in order, each once; empty for most
// events. A release asks again for what its lot was made with and is called by, and the last steps
// before the thaw for vials and container: what was entered late was refused by nobody. Samples ask
// for nothing. `profile` may be null.
std::vector<Claim> ClaimsAsked(const pb::Event& event, const Registry& registry,
                               const pb::TherapyState& therapy, const pb::Profile* profile);
// `ClaimsOf` is what a therapy holds now, in order, each once. Vials and names are given back by
// quality alone (never_ours.h).
std::vector<Claim> ClaimsOf(const pb::TherapyState& therapy, const Registry& registry);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CLAIMS_H_
