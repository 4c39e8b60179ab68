// What is kept apart from other therapies: R05, and of R15 the vector.
//
// Within its own chain a therapy knows what it used before. Whether another one has the shipper,
// the device, the vial or the number is asked of the ledger, where there is one to ask.
//
// A vial that two lots may have got stops the ordinary release of both, and the thaw of what was
// released before that came out, whatever quality grants: what is in them is in doubt. Two ways
// lead on. Where it was written down by mistake it is given back, and the other lot is free again;
// else the exceptional release (R17) is told of it and not stopped, nor is the thaw of what was
// released so.
#include <algorithm>
#include <set>

#include "custody/body_plan.h"
#include "custody/claims.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Claims = std::vector<Claim>;

// What to do about something that another therapy has.
std::string NextStep(const Case& c, const Claim& claim) {
  Certificate certificate;
  const bool vial = RuleOf(claim) == "R15";
  const bool release = ReleaseOf(c.effective, certificate);
  const bool prethaw = c.effective.has_prethaw_id_verified() || c.effective.has_thaw_started();
  if (vial && (release || prethaw)) {
    return std::string(prethaw ? "leave it frozen; " : "") +
           "find out which lot got the vial: where it was written by mistake two of quality give "
           "it back (IDENTITY_RESOLVED, never ours); else this lot goes the exceptional way, from "
           "OOS_DETECTED on";
  }
  if (vial) {
    return "take another vial, and find out which was used";
  }
  if (claim.kind == "incubator") {
    return "take another one; if this one is free, record HARVESTED there";
  }
  if (claim.kind == "shipper" || claim.kind == "thaw device") {
    return "take another one; if it is free, record there what became of it: received or thawed";
  }
  if (release || prethaw) {
    return "find out which of the two it is; quality relabels what is wrong, or gives back what "
           "was written by mistake (IDENTITY_RESOLVED, never ours), and else grants the step with "
           "the reason";
  }
  return "stop, and look whose it is: IDENTITY_IN_DOUBT for what carries the wrong one; take a new "
         "number for the other; what was only written by mistake two of quality give back "
         "(IDENTITY_RESOLVED, never ours)";
}

// What was done is admitted, and the state of each therapy follows from its own chain: no list of
// either shows by itself what only the ledger saw.
std::string WriteDown(const Case& c, const Rule& rule) {
  const bool done = !IsLive(c) || PlanOf(c.effective).rule->kind() == pb::FACT;
  if (!done) return "";
  return "; it is done, and no list of deviations shows it by itself: quality records "
         "DEVIATION_OPENED, critical, naming " +
         std::string(rule.id) + ", in both therapies: neither is released before it is decided";
}

// Whether the lot in hand goes, or went, the exceptional way.
bool IsException(const Case& c) {
  if (c.effective.has_released_oos()) return true;
  const bool prethaw = c.effective.has_prethaw_id_verified() || c.effective.has_thaw_started();
  if (!prethaw) return false;
  const pb::Container* container = FindContainer(c.therapy, StepContainers(c.effective).front());
  const pb::Lot* lot = container == nullptr ? nullptr : FindLot(c.therapy, container->lot());
  return lot != nullptr && lot->state() == pb::LOT_RELEASED_OOS;
}

// Where nobody can be asked, one reason for all that would be.
void SayNotAsked(const Case& c, const Rule& rule, pb::Verdict& v, const Claims& claims) {
  constexpr std::size_t kMostNamed = 3;
  if (claims.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(claims.size(), kMostNamed); ++i) {
    list += (i == 0 ? "" : ", ") + Called(claims[i]);
  }
  if (claims.size() > kMostNamed) {
    list += " and " + std::to_string(claims.size() - kMostNamed) + " more";
  }
  pb::Reason& reason = NotJudged(
      c, rule, v,
      {list + " with this therapy alone", "other therapies are not known here",
       "the ledger answers it, and whoever audits the whole of it", claims.front().value});
  // A grant against what may stand there is used by the step that cites it.
  for (const pb::Role role : rule.grantors) reason.add_grantors(role);
}

void AskOthers(const Case& c, const Rule& rule, pb::Verdict& v) {
  Claims claims = ClaimsAsked(c.effective, c.registry, c.therapy, c.profile);
  std::erase_if(claims, [&](const Claim& claim) { return RuleOf(claim) != rule.id; });
  if (c.others == nullptr) return SayNotAsked(c, rule, v, claims);
  // What the state follows from knows no other therapy: a release that is told would stand for it
  // whatever is said here. It is no fact, so it is signed when it can be held against them all.
  Certificate certificate;
  const bool told_release = !IsLive(c) && ReleaseOf(c.effective, certificate);
  for (const Claim& claim : claims) {
    const std::vector<std::string> holders = c.others->HoldersOf(claim, c.therapy.therapy());
    if (holders.empty()) continue;
    Words words{Wanted(claim), HeldBy(holders), NextStep(c, claim), claim.value};
    if (rule.id == "R15" && IsException(c)) {
      Note(c, rule, v, std::move(words));
    } else if (told_release) {
      words.next += "; then the release is signed LIVE";
      Structure(c, rule, v, std::move(words));
    } else {
      words.next += WriteDown(c, rule);
      Gate(c, rule, v, std::move(words));
    }
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
  AskOthers(c, rule, v);
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
}

}  // namespace custody::rules
