// Overrides: one way past a gate, an event of its own, for few rules, one step or one container,
// and not for long. A grant says what it covers; whether it covers a reason is decided here alone.
#include <algorithm>

#include "custody/body_plan.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// The way of one container from removal to the end of its infusion.
bool OnTheWay(pb::Event::BodyCase body) {
  switch (body) {
    case pb::Event::kRemovedFromStorage:
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kThawStarted:
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      return true;
    default:
      return false;
  }
}

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

// Whether an organisation's people speak in a role for this therapy: quality as that of who makes
// `lot` (null: of no one lot), the physician as the treating site's. What is called or used twice
// (R05) may be the treating house's own labels and devices: its quality speaks, too.
bool SpeaksAs(const Case& c, pb::Role role, std::string_view organisation, std::string_view rule,
              const pb::Lot* lot) {
  const bool quality = role == pb::QA || role == pb::QP;
  if (quality && rule == "R05") {
    const EnrolledOrganisation* house = c.registry.OrganisationOfSite(TreatingSite(c.therapy));
    if (house != nullptr && house->organisation == organisation) return true;
  }
  const std::string& site = quality ? MakerSite(c.therapy, lot) : TreatingSite(c.therapy);
  const EnrolledOrganisation* theirs = c.registry.OrganisationOfSite(site);
  if (theirs != nullptr) return theirs->organisation == organisation;
  const EnrolledOrganisation* of = c.registry.FindOrganisation(organisation);
  return of != nullptr && (of->kind == pb::MANUFACTURER) == quality;
}

// The organisation of who granted in the role numbered `i`: of a verbal order all roles are one
// person's.
std::string OrganisationOfGrantor(const Case& c, const pb::Grant& grant, int i) {
  const int place = grant.verbal() ? 0 : i;
  if (place >= grant.persons_size()) return {};
  const auto index = static_cast<int>(grant.persons(place));
  if (index >= c.therapy.persons_size()) return {};
  const EnrolledOrganisation* of = OrganisationOf(c.registry, c.therapy.persons(index));
  return of == nullptr ? std::string() : of->organisation;
}

// Why `grant` does not cover `reason`; empty when it does.
std::string WhyNot(const Case& c, const pb::Grant& grant, const pb::Reason& reason) {
  if (!Contains(grant.rules(), reason.rule())) return "it is not for " + reason.rule();
  const std::vector<std::string> scanned = StepContainers(c.effective);
  const pb::Lot* lot = scanned.empty() ? nullptr : LotOf(c.therapy, scanned.front());
  bool in_role = false;
  for (int i = 0; i < grant.roles_size(); ++i) {
    const bool may =
        std::ranges::find(reason.grantors(), grant.roles(i)) != reason.grantors().end();
    in_role = in_role || (may && SpeaksAs(c, grant.roles(i), OrganisationOfGrantor(c, grant, i),
                                          reason.rule(), lot));
  }
  if (!in_role) return "who granted it may not";
  if (grant.denied()) return "who is said to have given it says otherwise";
  if (At(c) > grant.expires_us()) return "it ended " + Local(c, grant.expires_us());
  // A permission comes before the step; afterwards there is only the deviation.
  if (At(c) + kSkew < grant.granted_us()) {
    return "it was given " + Local(c, grant.granted_us()) + ", after the step";
  }
  const bool covered = grant.containers().empty() ||
                       (!scanned.empty() && std::ranges::all_of(scanned, [&](const auto& id) {
                         return Contains(grant.containers(), id);
                       }));
  if (!covered) {
    return "it is for " + List({grant.containers().begin(), grant.containers().end()});
  }
  if (grant.step().empty()) {
    return OnTheWay(Body(c)) ? "" : "it is for a container from removal to infusion";
  }
  if (grant.step() != PlanOf(c.effective).name) return "it is for " + grant.step();
  return grant.used_by().empty() ? "" : "it was used already";
}

// A citation is part of what was signed: one that leads nowhere would stand there for ever.
void CitedGrantsKnown(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& id : c.effective.grants()) {
    if (FindGrant(c.therapy, id) != nullptr) continue;
    Structure(c, rule, v,
              {"a recorded OVERRIDE_GRANTED of this therapy", "unknown grant " + ShortId(id),
               "cite the grant as it was recorded, or none; adopt it first if it is not here yet",
               "grants"});
  }
}

// Somebody whose word counts, and for whom.
struct Voice {
  pb::Role role;
  std::string organisation;
};

// By whom an override is granted: its signers, or who gave it by word of mouth.
std::vector<Voice> Authority(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::OverrideGranted& body = c.effective.override_granted();
  std::vector<Voice> voices;
  if (body.verbal() != pb::YES) {
    for (const StepPerson& who : PeopleOf(c.effective)) {
      const EnrolledOrganisation* of = OrganisationOf(c.registry, who.person);
      voices.push_back({who.role, of == nullptr ? std::string() : of->organisation});
    }
    return voices;
  }
  const EnrolledPerson* authority = c.registry.FindPerson(body.authority());
  if (authority == nullptr) {
    Structure(c, rule, v,
              {"the enrolled person who gave the verbal order", body.authority() + " is unknown",
               "name who gave it", body.authority()});
  } else {
    for (const pb::Role role : authority->roles) voices.push_back({role, authority->organisation});
  }
  const bool wrote = std::ranges::any_of(c.effective.signers(), [&](const pb::Signer& signer) {
    return signer.person() == body.authority();
  });
  if (c.effective.signers_size() < 2 || wrote) {
    Structure(c, rule, v,
              {"a verbal order written down by two other people",
               wrote ? "who gave it signs" : "one", "two who heard it sign"});
  }
  return voices;
}

}  // namespace

void OverrideSound(const Case& c, const Rule& rule, pb::Verdict& v) {
  CitedGrantsKnown(c, rule, v);
  if (Body(c) == pb::Event::kOverrideConfirmed) {
    const pb::Grant* grant = FindGrant(c.therapy, c.effective.override_confirmed().grant());
    const bool theirs =
        grant != nullptr && grant->verbal() &&
        std::ranges::any_of(PeopleOf(c.effective), [&](const StepPerson& person) {
          const auto index = PersonIndex(c.therapy, person.person);
          return index && std::ranges::find(grant->persons(), *index) != grant->persons().end();
        });
    if (!theirs) {
      Structure(c, rule, v,
                {"confirmation by the authority who gave the verbal order",
                 grant == nullptr ? "no such grant" : "somebody else", "the authority confirms"});
    }
    return;
  }
  if (Body(c) != pb::Event::kOverrideGranted) return;
  const pb::OverrideGranted& body = c.effective.override_granted();
  const std::vector<Voice> voices = Authority(c, rule, v);
  for (const std::string& id : body.rules()) {
    const Rule* named = FindRule(id, c.registry.rules_version());
    if (named == nullptr || named->grantors.empty()) {
      Structure(c, rule, v,
                {"a rule that may be overridden",
                 named == nullptr ? id + " is no rule" : id + " is never overridden",
                 "meet the rule instead", id});
      continue;
    }
    const bool may = std::ranges::any_of(voices, [&](const Voice& voice) {
      const auto& allowed = named->grantors;
      return std::ranges::find(allowed, voice.role) != allowed.end() &&
             SpeaksAs(c, voice.role, voice.organisation, id, LotOf(c.therapy, body.container()));
    });
    if (may) continue;
    std::vector<std::string> names;
    for (const pb::Role role : named->grantors) names.push_back(pb::Role_Name(role));
    Structure(
        c, rule, v,
        {id + " overridden by " + List(names) +
             (named->grantors[0] == pb::PHY ? " of the treating site" : " of the manufacturer"),
         "somebody else", "ask them to grant it", id});
  }
  if (Micros(body.expires_at()) > Micros(c.effective.signed_at()) + kMicrosPerDay) {
    Structure(c, rule, v,
              {"an end at most 24 h after signing", Local(c, Micros(body.expires_at())),
               "grant it again when it is needed"});
  }
  if (body.scope() == pb::OVERRIDE_SCOPE_STEP && BodyNumber(Lower(body.step())) == 0) {
    Structure(c, rule, v,
              {"the step it is for", body.step().empty() ? "none" : body.step() + " is no step",
               "name the step, for example thaw_started"});
  }
  if (body.scope() == pb::OVERRIDE_SCOPE_CONTAINER && body.container().empty()) {
    Structure(c, rule, v, {"the container it is for", "none", "name the container"});
  }
}

void ApplyGrants(const Case& c, pb::Verdict& v) {
  if (c.effective.grants().empty()) return;
  for (pb::Reason& reason : *v.mutable_reasons()) {
    // What was asked of the ledger alone is a gate there and not judged here: cited for it, a grant
    // is used all the same.
    const bool unasked = reason.kind() == pb::REASON_NOT_JUDGED && !reason.grantors().empty();
    if (reason.kind() != pb::REASON_GATE && !unasked) continue;
    for (const std::string& id : c.effective.grants()) {
      const pb::Grant* grant = FindGrant(c.therapy, id);
      const std::string why_not = reason.grantors().empty() ? "this is never overridden"
                                  : grant == nullptr        ? "this therapy has no such grant"
                                                            : WhyNot(c, *grant, reason);
      if (why_not.empty()) {
        reason.set_overridden(!unasked);
        reason.set_grant(id);
        break;
      }
      if (unasked) continue;
      reason.set_found(reason.found() + "; grant " + ShortId(id) +
                       " does not cover it: " + why_not);
    }
  }
}

}  // namespace custody::rules
