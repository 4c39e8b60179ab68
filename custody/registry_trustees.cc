// The trustees of a ledger: named by its genesis, and later by themselves, always as a whole list.
// A change is proved by a key request for every key that is new, and ends every key of a trustee
// that is not on the new list.
#include <algorithm>
#include <set>
#include <utility>

#include "crypto/encoding.h"
#include "custody/registry.h"

namespace custody {
namespace {

std::string ShortHex(std::string_view bytes) { return Hex(bytes.substr(0, 8)); }

}  // namespace

Status Registry::Create(const Act& act) {
  if (created_ || act.index != 0) {
    return FailedPrecondition("the genesis stands at log index 0 and nowhere else, found index " +
                              std::to_string(act.index));
  }
  const pb::LedgerCreated& body = act.event.ledger_created();
  CUSTODY_ASSIGN_OR_RETURN(const Hash schema, Hash::FromBytes(body.schema_sha256()));
  Registry created;
  for (const pb::Trustee& trustee : body.trustees()) {
    CUSTODY_RETURN_IF_ERROR(created.AddTrustee(trustee, act.index));
  }
  created.created_ = true;
  created.genesis_ = act.event_id;
  created.origin_ = body.origin();
  created.log_key_ = body.log_key();
  created.environment_ = body.environment();
  created.quorum_ = body.quorum();
  created.rules_version_ = body.rules_version();
  created.schema_sha256_ = schema;
  *this = std::move(created);
  return absl::OkStatus();
}

// A trustee named by the genesis or by a change. A key that is known must be this person's own.
Status Registry::AddTrustee(const pb::Trustee& trustee, std::uint64_t index) {
  CUSTODY_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpki(trustee.spki()));
  const Hash key_id = key.key_id();
  EnrolledPerson& person = persons_[trustee.person()];
  if (person.trustee) {
    return FailedPrecondition("trustee " + trustee.person() + " is named twice");
  }
  if (!person.enrolled_in.empty() && person.enrolled_in != "registry") {
    return FailedPrecondition(trustee.person() + " is enrolled in " + person.enrolled_in +
                              ": a trustee needs a person id of its own");
  }
  if (const EnrolledKey* known = FindKey(key_id); known == nullptr) {
    keys_.emplace(key_id, EnrolledKey{std::move(key), trustee.person(), index, {}, {}});
  } else if (known->person != trustee.person() || known->revoked_at) {
    return FailedPrecondition("key " + ShortHex(key_id.view()) + " of trustee " + trustee.person() +
                              " was revoked or belongs to " + known->person);
  }
  person.person = trustee.person();
  std::erase(person.printed_names, trustee.printed_name());
  person.printed_names.push_back(trustee.printed_name());
  person.roles = {pb::TRUSTEE};
  person.trustee = true;
  person.retired = false;
  person.enrolled_in = "registry";
  return absl::OkStatus();
}

Status Registry::ChangeTrustees(const Act& act) {
  const pb::TrusteesChanged& body = act.event.trustees_changed();
  Registry changed = *this;  // all or nothing
  for (auto& [id, person] : changed.persons_) {
    if (!person.trustee) continue;
    person.trustee = false;
    person.retired = true;
    person.roles.clear();
  }
  std::set<Hash> kept;
  for (const pb::Trustee& trustee : body.trustees()) {
    CUSTODY_ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromSpki(trustee.spki()));
    kept.insert(key.key_id());
    if (FindKey(key.key_id()) == nullptr) {
      const bool proved = std::ranges::any_of(body.proofs(), [&](const pb::KeyProof& proof) {
        return CheckKeyRequest(genesis_, trustee.person(), trustee.spki(), proof.request(),
                               proof.request_signature())
            .ok();
      });
      if (!proved) {
        return FailedPrecondition("no proof that trustee " + trustee.person() + " holds key " +
                                  ShortHex(key.key_id().view()));
      }
    }
    CUSTODY_RETURN_IF_ERROR(changed.AddTrustee(trustee, act.index));
  }
  // A trustee's keys are the listed ones from here on.
  for (auto& [key_id, key] : changed.keys_) {
    const EnrolledPerson* person = changed.FindPerson(key.person);
    const bool of_trustee = person != nullptr && person->enrolled_in == "registry";
    if (of_trustee && !kept.contains(key_id) && !key.revoked_at) key.revoked_at = act.index;
  }
  changed.quorum_ = body.quorum();
  *this = std::move(changed);
  return absl::OkStatus();
}

}  // namespace custody
