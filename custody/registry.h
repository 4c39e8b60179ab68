// The registry fold: who may do what, as of a log index (formats section 8).
#ifndef CUSTODY_CUSTODY_REGISTRY_H_
#define CUSTODY_CUSTODY_REGISTRY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "custody/pb.h"

namespace custody {

// The certificate name of the local administration; no station is given it.
inline constexpr std::string_view kAdminName = "admin";

struct EnrolledKey {
  PublicKey key;
  std::string person;
  std::uint64_t enrolled_at = 0;            // log index; signs only at greater indices
  std::optional<std::uint64_t> revoked_at;  // signs at none greater
  std::optional<Instant> compromised_since;
};

struct EnrolledPerson {
  std::string person;
  std::vector<std::string> printed_names;  // every name ever enrolled, newest last
  std::string organisation;
  std::vector<std::string> sites;
  std::vector<pb::Role> roles;
  std::optional<Instant> training_valid_until;
  bool retired = false;
  bool trustee = false;
  std::string enrolled_in;  // chain that enrolled the person
};

struct EnrolledStation {
  std::string station;
  std::string site;
  std::string name;
  bool retired = false;
  // Of the newest enrolment that named one: no other opens anything. Empty: none was named.
  std::string certificate_sha256;
};

struct EnrolledSite {
  std::string site;
  std::string organisation;
  std::string name;
  std::string time_zone;
  std::vector<std::string> facility_numbers;
};

struct EnrolledOrganisation {
  std::string organisation;
  std::string name;
  pb::OrganisationKind kind = pb::ORGANISATION_KIND_UNSPECIFIED;
};

// `Registry` is the state of all registry chains after some log index. A value (copyable), not
// thread-safe while it is applied to; share const copies. Pointers it gives live until the next
// Apply.
class Registry {
 public:
  // `Apply` folds in a registry event that was judged before, at log `index`. Events of therapy
  // chains leave it unchanged. FAILED_PRECONDITION when the event does not fit the state.
  Status Apply(const ParsedEvent& event, std::uint64_t index);

  bool created() const { return created_; }
  const Hash& genesis() const { return genesis_; }
  const std::string& origin() const { return origin_; }
  const std::string& log_key() const { return log_key_; }
  pb::Environment environment() const { return environment_; }
  std::uint32_t quorum() const { return quorum_; }
  std::uint32_t rules_version() const { return rules_version_; }
  const Hash& schema_sha256() const { return schema_sha256_; }
  // `version` counts the registry events applied; authority is judged again when it moved.
  std::uint64_t version() const { return version_; }

  const EnrolledKey* FindKey(const Hash& key_id) const;
  const EnrolledPerson* FindPerson(std::string_view person) const;
  const EnrolledStation* FindStation(std::string_view station) const;
  const EnrolledSite* FindSite(std::string_view site) const;
  const EnrolledOrganisation* FindOrganisation(std::string_view organisation) const;
  // `OrganisationOfSite` is null when the site is not enrolled.
  const EnrolledOrganisation* OrganisationOfSite(std::string_view site) const;
  // `IsSameHouse` says whether two sites are one, or of one organisation. No name is no site.
  bool IsSameHouse(std::string_view site, std::string_view other) const;
  // `FindProfile` gives the newest published profile called `name`; null when there is none.
  const pb::Profile* FindProfile(std::string_view name) const;
  // Everything enrolled, by id, for boards and administration.
  const std::map<std::string, EnrolledPerson, std::less<>>& persons() const { return persons_; }
  const std::map<std::string, EnrolledSite, std::less<>>& sites() const { return sites_; }
  const std::map<std::string, EnrolledStation, std::less<>>& stations() const { return stations_; }
  const std::map<Hash, EnrolledKey>& keys() const { return keys_; }
  const std::map<std::string, pb::Profile, std::less<>>& profiles() const { return profiles_; }
  const std::map<std::string, std::string>& witnesses() const {
    return witnesses_;
  }  // name -> vkey

 private:
  // One event as it is folded in.
  struct Act {
    const pb::Event& event;
    const Hash& event_id;
    std::uint64_t index;
  };
  Status ApplyBody(const Act& act);
  Status Create(const Act& act);
  Status Continue(const Act& act);
  Status EnrolPerson(const Act& act);
  Status EnrolKey(const Act& act);
  Status RevokeKey(const Act& act);
  Status EnrolOrganisation(const Act& act);
  Status EnrolSite(const Act& act);
  Status EnrolStation(const Act& act);
  Status RetireStation(const Act& act);
  Status Publish(const Act& act);
  Status AdoptRules(const Act& act);
  Status EnrolWitness(const Act& act);
  Status ChangeTrustees(const Act& act);
  Status RetirePerson(const Act& act);
  Status AddTrustee(const pb::Trustee& trustee, std::uint64_t index);

  bool created_ = false;
  Hash genesis_;
  std::string origin_;
  std::string log_key_;
  pb::Environment environment_ = pb::ENVIRONMENT_UNSPECIFIED;
  std::uint32_t quorum_ = 0;
  std::uint32_t rules_version_ = 0;
  Hash schema_sha256_;
  std::uint64_t version_ = 0;
  std::map<Hash, EnrolledKey> keys_;
  std::map<std::string, EnrolledPerson, std::less<>> persons_;
  std::map<std::string, EnrolledStation, std::less<>> stations_;
  std::map<std::string, EnrolledSite, std::less<>> sites_;
  std::map<std::string, EnrolledOrganisation, std::less<>> organisations_;
  std::map<std::string, pb::Profile, std::less<>> profiles_;
  std::map<std::string, std::string> witnesses_;  // name -> vkey
};

// `KeysAt` looks keys up as of log `index`: enrolled before it and not revoked before it.
// `registry` must outlive the result.
KeyLookup KeysAt(const Registry& registry, std::uint64_t index);
// `GenesisKeys` are the keys that `genesis` introduces: the only event signed by its own keys. Keys
// that are not sound are left out.
KeyLookup GenesisKeys(const pb::LedgerCreated& genesis);

// `SignKeyRequest` makes the proof that the holder of `key` asks for its enrolment: what stands in
// KeyEnrolled.request and request_signature. `random` is 32 bytes.
StatusOr<pb::KeyProof> SignKeyRequest(const Hash& ledger, std::string_view person,
                                      const PrivateKey& key, std::string_view random);
// `CheckKeyRequest` verifies such a proof: strict, by `spki`, and naming this ledger, person and
// key. INVALID_ARGUMENT otherwise.
Status CheckKeyRequest(const Hash& ledger, std::string_view person, std::string_view spki,
                       std::string_view request, std::string_view signature);

// `CheckAuthority` judges an event against the registry as of log `index` (formats section 8, rules
// R01 and R45): ledger id, every signer's key, person, printed name and role, stations, quorum and
// registrars for registry acts, environments, and, for therapy events, whether the station has
// business with the therapy (`therapy`; null for registry events). Each objection is added to
// `verdict` as a STRUCTURE reason of R01 or R45. Expired training is a reason of its own (R01).
// Signatures are not verified here.
void CheckAuthority(const Registry& registry, const ParsedEvent& event,
                    const pb::TherapyState* therapy, std::uint64_t index, pb::Verdict& verdict);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_REGISTRY_H_
