// What is kept apart from other therapies: R05, and of R15 the vector.
//
// Within its own chain a therapy knows what it used before. Whether another one has the shipper,
// the device or the vial is asked of the ledger, where there is one to ask.
#include <algorithm>
#include <set>

#include "custody/claims.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

void AskOthers(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const Claim& claim : ClaimsAsked(c.effective, c.therapy, c.profile)) {
    if (RuleOf(claim) != rule.id) continue;
    const std::string what = Called(claim);
    if (c.others == nullptr) {
      NotJudged(c, rule, v,
                {what + " with this therapy alone", "other therapies are not known here",
                 "the ledger answers it, and whoever audits the whole of it", claim.value});
      continue;
    }
    const std::vector<std::string> holders = c.others->HoldersOf(claim, c.therapy.therapy());
    if (holders.empty()) continue;
    const char* const next =
        rule.id == "R15"
            ? "take another vial, and find out which was used; quality records DEVIATION_OPENED"
            : "take another one; if it is free, record there what became of it: received, thawed "
              "or harvested";
    Gate(c, rule, v,
         {what + " with this therapy alone", "therapy " + List(holders) + " has it", next,
          claim.value});
  }
}

// A closed culture may share its incubator, in a place of its own.
void NeedPosition(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CultureCheck& body = c.effective.culture_check();
  if (c.profile == nullptr || body.equipment().empty()) return;
  if (c.profile->culture() != pb::CULTURE_CLOSED || !body.position().empty()) return;
  Deviation(c, rule, v,
            {"the position in " + body.equipment() + " scanned", "no scan",
             "scan the place of the vessel in the incubator", body.equipment()},
            false);
}

// A vial that this therapy has used, in an earlier step or twice in this one.
void UsedOnce(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Transduced& body = c.effective.transduced();
  std::set<std::string> now;
  for (const pb::VectorVial& vial : body.vials()) {
    const std::string id = VialId(body.vector_lot(), vial.vial());
    const auto before = std::ranges::find_if(c.therapy.lots(), [&](const pb::Lot& lot) {
      return std::ranges::find(lot.vials(), id) != lot.vials().end();
    });
    const bool again = !now.insert(id).second;
    if (!again && before == c.therapy.lots().end()) continue;
    Gate(c, rule, v,
         {"vial " + vial.vial() + " used once",
          again ? "scanned twice" : "used before, for lot " + before->lot(),
          "take another vial and scan that one", vial.vial()});
  }
}

}  // namespace

void OneTherapy(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_culture_check()) NeedPosition(c, rule, v);
  AskOthers(c, rule, v);
}

void VectorSound(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kTransduced) return;
  const pb::Transduced& body = c.effective.transduced();
  if (body.vector_released() != pb::YES) {
    Gate(c, rule, v,
         {"a released vector lot", "not released", "take a released lot", body.vector_lot()});
  }
  if (At(c) > Micros(body.vector_expires_at())) {
    Gate(c, rule, v,
         {"vector that has not expired", "expires " + Local(c, Micros(body.vector_expires_at())),
          "take another lot", body.vector_lot()});
  }
  const std::string construct = c.profile == nullptr ? "" : c.profile->construct();
  if (!construct.empty() && body.construct() != construct) {
    Gate(c, rule, v,
         {"vector of construct " + construct + ", the product's", body.construct(),
          "take a lot of the right vector", body.vector_lot()});
  }
  UsedOnce(c, rule, v);
  AskOthers(c, rule, v);
}

}  // namespace custody::rules
