#include "custody/objection.h"

#include <utility>

namespace custody {

std::string Roles::ToString() const {
  std::string text;
  for (int role = 1; role < 64; ++role) {
    if (!Has(static_cast<pb::Role>(role))) continue;
    if (!text.empty()) text += ", ";
    text += pb::Role_Name(static_cast<pb::Role>(role));
  }
  return text;
}

pb::Reason& Objections::Add(std::string_view rule, pb::ReasonKind kind, const Words& words) const {
  pb::Reason& reason = *verdict.add_reasons();
  reason.set_rule(std::string(rule));
  reason.set_kind(kind);
  reason.set_subject(words.subject);
  reason.set_expected(words.expected);
  reason.set_found(words.found);
  reason.set_next_step(words.next_step);
  return reason;
}

void Objections::Refuse(std::string_view rule, const Words& words) const {
  Add(rule, pb::REASON_STRUCTURE, words);
  verdict.set_refused(true);
}

bool HoldsRole(const EnrolledPerson* person, pb::Role role) {
  return person != nullptr && std::ranges::find(person->roles, role) != person->roles.end();
}

bool WorksAt(const EnrolledPerson* person, std::string_view site) {
  return person != nullptr && IsOneOf(site, person->sites);
}

void JudgeSigners(const pb::Event& event, const Objections& objections) {
  for (const pb::Signer& signer : event.signers()) {
    const auto refuse = [&](std::string expected, std::string found, std::string next_step) {
      objections.Refuse(
          "R01", {signer.person(), std::move(expected), std::move(found), std::move(next_step)});
    };
    const auto key_id = Hash::FromBytes(signer.key_id());
    const EnrolledKey* key = key_id.ok() ? objections.registry.FindKey(*key_id) : nullptr;
    if (key == nullptr || key->enrolled_at >= objections.index) {
      refuse("a key enrolled earlier in the log", "a key that is not enrolled",
             "have the key enrolled by the registrars of the site");
      continue;
    }
    if (key->revoked_at && objections.index > *key->revoked_at) {
      refuse("a key in use", "a key revoked at log index " + std::to_string(*key->revoked_at),
             "sign with a current key");
    }
    if (key->person != signer.person()) {
      refuse("the key's own person", "a key that belongs to " + key->person,
             "everybody signs with their own key");
      continue;
    }
    const EnrolledPerson* person = objections.registry.FindPerson(signer.person());
    if (person == nullptr || person->retired) {
      refuse("an enrolled person", "somebody who is not enrolled or has left",
             "have the person enrolled by the registrars of the site");
      continue;
    }
    if (!IsOneOf(signer.printed_name(), person->printed_names)) {
      refuse("a name enrolled for this person, \"" + person->printed_names.back() + "\"",
             "\"" + signer.printed_name() + "\"", "sign with the enrolled name");
    }
    if (!HoldsRole(person, signer.role())) {
      refuse("a role that this person holds, " + Roles(person->roles).ToString(),
             pb::Role_Name(signer.role()), "sign in a role you hold, or let somebody else sign");
    }
  }
}

}  // namespace custody
