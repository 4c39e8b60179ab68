// Who may sign an act of the registry (formats section 8).
//
//   trustees' quorum    genesis (all of them), continuation, trustees, organisations, sites,
//                       profiles, rules, schema, witnesses; a site's first two registrars, person
//                       and key, and again when fewer than two of them still hold a key
//   two registrars      of the site, and of every site a person is to work at: people, stations,
//                       keys, retirements (the quorum may retire too)
//   one registrar       of the site, the key itself, or the quorum: a revocation
//   the person          a further key, signed with a current one
//
// `Event.station` is not judged for these acts, and may be empty: the registry has to grow where no
// station is enrolled yet. That an act also fits the registry is asked of the fold itself, on a
// copy: acts are rare, and so no condition stands in two places.
#include <algorithm>
#include <set>
#include <utility>

#include "crypto/encoding.h"
#include "custody/chain.h"
#include "custody/objection.h"

namespace custody {
namespace {

constexpr int kRegistrarsTogether = 2;

// One act and who stands behind it.
struct Act {
  const pb::Event& event;
  std::string site;  // of the chain; empty in `registry`
  const Objections& objections;

  const Registry& registry() const { return objections.registry; }
};

int Trustees(const Act& act) {
  return static_cast<int>(std::ranges::count_if(act.event.signers(), [&](const pb::Signer& signer) {
    const EnrolledPerson* person = act.registry().FindPerson(signer.person());
    return signer.role() == pb::TRUSTEE && person != nullptr && person->trustee;
  }));
}

bool IsRegistrarOf(const Act& act, const pb::Signer& signer, std::string_view site) {
  const EnrolledPerson* person = act.registry().FindPerson(signer.person());
  return signer.role() == pb::REGISTRAR && HoldsRole(person, pb::REGISTRAR) &&
         WorksAt(person, site);
}

int Registrars(const Act& act, std::string_view site) {
  return static_cast<int>(std::ranges::count_if(act.event.signers(), [&](const pb::Signer& signer) {
    return IsRegistrarOf(act, signer, site);
  }));
}

bool HasLiveKey(const Act& act, std::string_view person) {
  return std::ranges::any_of(act.registry().keys(), [&](const auto& entry) {
    return entry.second.person == person && !entry.second.revoked_at;
  });
}

// Registrars of the site who could sign now.
int ActiveRegistrars(const Act& act) {
  return static_cast<int>(std::ranges::count_if(act.registry().persons(), [&](const auto& entry) {
    return HoldsRole(&entry.second, pb::REGISTRAR) && WorksAt(&entry.second, act.site) &&
           HasLiveKey(act, entry.first);
  }));
}

// All signers are trustees and they are enough.
bool IsQuorum(const Act& act) {
  const int trustees = Trustees(act);
  return trustees == act.event.signers_size() &&
         trustees >= static_cast<int>(act.registry().quorum());
}

bool AreRegistrars(const Act& act, std::string_view site) {
  const int registrars = Registrars(act, site);
  return registrars == act.event.signers_size() && registrars >= kRegistrarsTogether;
}

std::string SignersText(const pb::Event& event) {
  std::string text;
  for (const pb::Signer& signer : event.signers()) {
    if (!text.empty()) text += ", ";
    text += signer.person() + " as " + pb::Role_Name(signer.role());
  }
  return text.empty() ? "nobody" : text;
}

void Need(const Act& act, bool met, std::string expected) {
  if (met) return;
  act.objections.Refuse(
      "R01", {std::string(BodyName(act.event)), std::move(expected), SignersText(act.event),
              "let the people named sign together, and nobody else"});
}

std::string QuorumText(const Act& act) {
  return "the signatures of " + std::to_string(act.registry().quorum()) + " trustees";
}
std::string RegistrarsText(std::string_view site) {
  return "the signatures of two registrars of " + std::string(site);
}

void JudgePerson(const Act& act) {
  const pb::PersonEnrolled& body = act.event.person_enrolled();
  const bool registrar_only = body.roles_size() == 1 && body.roles(0) == pb::REGISTRAR;
  if (registrar_only && ActiveRegistrars(act) < kRegistrarsTogether) {
    return Need(act, IsQuorum(act),
                QuorumText(act) + ", as " + act.site + " has fewer than two registrars");
  }
  Need(act, AreRegistrars(act, act.site), RegistrarsText(act.site));
  // Access to a site is given by that site's own registrars.
  for (const std::string& site : body.sites()) {
    if (site != act.site) Need(act, AreRegistrars(act, site), RegistrarsText(site) + " too");
  }
}

void JudgeKey(const Act& act) {
  const std::string& person = act.event.key_enrolled().person();
  const bool by_person = act.event.signers_size() == 1 && act.event.signers(0).person() == person;
  if (by_person && HasLiveKey(act, person)) return;
  if (act.site.empty()) {
    return Need(act, IsQuorum(act), QuorumText(act) + ", or the trustee's own by a current key");
  }
  const bool first_of_registrar =
      HoldsRole(act.registry().FindPerson(person), pb::REGISTRAR) && !HasLiveKey(act, person);
  if (first_of_registrar && ActiveRegistrars(act) < kRegistrarsTogether) {
    return Need(act, IsQuorum(act),
                QuorumText(act) + ", as " + act.site + " has fewer than two registrars");
  }
  Need(
      act, AreRegistrars(act, act.site),
      RegistrarsText(act.site) + (HasLiveKey(act, person) ? ", or the person's own by a current key"
                                                          : ", as this is the person's first key"));
}

void JudgeRevocation(const Act& act) {
  const bool by_key = act.event.signers_size() == 1 &&
                      act.event.signers(0).key_id() == act.event.key_revoked().key_id();
  const bool by_registrar = !act.site.empty() && act.event.signers_size() > 0 &&
                            Registrars(act, act.site) == act.event.signers_size();
  Need(act, by_key || by_registrar || IsQuorum(act),
       act.site.empty() ? QuorumText(act) + " or of the key itself"
                        : "the signature of a registrar of " + act.site +
                              " or of the key itself, or " + QuorumText(act));
}

// The genesis is signed by every trustee it names, with the keys it introduces.
void JudgeGenesis(const ParsedEvent& parsed, const Objections& objections) {
  const pb::LedgerCreated& body = parsed.event.ledger_created();
  const auto refuse = [&](std::string expected, std::string found) {
    objections.Refuse("R01", {"ledger_created", std::move(expected), std::move(found),
                              "make a genesis that every trustee it names signs"});
  };
  std::set<std::string> missing;
  for (const pb::Trustee& trustee : body.trustees()) missing.insert(trustee.person());
  for (const pb::Signer& signer : parsed.event.signers()) {
    const auto trustee = std::ranges::find_if(body.trustees(), [&](const pb::Trustee& candidate) {
      return candidate.person() == signer.person();
    });
    if (trustee == body.trustees().end() || signer.role() != pb::TRUSTEE ||
        Sha256(trustee->spki()).view() != signer.key_id() ||
        trustee->printed_name() != signer.printed_name()) {
      refuse("signers who are trustees named by the genesis, with name, role and key as it says",
             signer.person() + " as " + pb::Role_Name(signer.role()));
      continue;
    }
    missing.erase(signer.person());
  }
  for (const std::string& person : missing) {
    refuse("the signature of every trustee the genesis names", "none by " + person);
  }
}

void JudgeWho(const Act& act) {
  switch (act.event.body_case()) {
    case pb::Event::kPersonEnrolled:
      return JudgePerson(act);
    case pb::Event::kKeyEnrolled:
      return JudgeKey(act);
    case pb::Event::kKeyRevoked:
      return JudgeRevocation(act);
    case pb::Event::kStationEnrolled:
      return Need(act, AreRegistrars(act, act.site), RegistrarsText(act.site));
    case pb::Event::kStationRetired:
    case pb::Event::kPersonRetired:
      return Need(act, AreRegistrars(act, act.site) || IsQuorum(act),
                  RegistrarsText(act.site) + ", or " + QuorumText(act));
    default:
      return Need(act, IsQuorum(act), QuorumText(act));
  }
}

}  // namespace

void JudgeRegistryAct(const ParsedEvent& parsed, const Objections& objections) {
  const pb::Event& event = parsed.event;
  if (event.has_ledger_created()) {
    JudgeGenesis(parsed, objections);
  } else if (objections.registry.created()) {
    const auto chain = Chain::Parse(event.chain());
    JudgeWho({event, chain.ok() ? std::string(chain->id()) : std::string(), objections});
  }
  Registry trial = objections.registry;
  const Status fits = trial.Apply(parsed, objections.index);
  if (fits.ok()) return;
  objections.Refuse("R01", {std::string(BodyName(event)), "an act that fits the registry",
                            Message(fits), "correct the act and sign it anew"});
}

}  // namespace custody
