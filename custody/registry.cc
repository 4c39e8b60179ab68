// The registry fold.
//
// Every act is held here against the state it meets (does the site exist, was the key ever enrolled
// before, does the proof of possession hold); who may sign an act is authority.cc's question, which
// also asks this fold on a copy. An act either changes the state as a whole or not at all.
//
// A person belongs to the chain that first enrolled them, and only that chain changes them: else
// two registrars of one site could rewrite the people of another.
#include "custody/registry.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/note.h"
#include "custody/chain.h"

namespace custody {
namespace {

// A registrar enrols people and must not treat, make or test: formats section 8, process R01.
constexpr pb::Role kBesideRegistrar[] = {pb::REGISTRAR, pb::COUR, pb::SCHED, pb::AUDITOR};

std::string ShortHex(std::string_view bytes) { return Hex(bytes.substr(0, 8)); }

template <typename Map>
const typename Map::mapped_type* FindIn(const Map& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

// The site whose chain the event stands in; empty for the registry itself.
std::string SiteOf(const pb::Event& event) {
  const auto chain = Chain::Parse(event.chain());
  return chain.ok() ? std::string(chain->id()) : std::string();
}

Status CheckRoles(const pb::PersonEnrolled& body) {
  std::set<pb::Role> roles;
  for (const int role : body.roles()) roles.insert(static_cast<pb::Role>(role));
  const auto holds = [&](pb::Role role) { return roles.contains(role); };
  if (holds(pb::TRUSTEE)) {
    return FailedPrecondition("trustees are named by the genesis or by TRUSTEES_CHANGED only");
  }
  if (roles.size() > 1 && holds(pb::ADMIN)) {
    return FailedPrecondition("an administrator holds no other role, found " +
                              std::to_string(roles.size()) + " roles for " + body.person());
  }
  if (roles.size() > 1 && holds(pb::DEVICE)) {
    return FailedPrecondition("a device holds no other role, found " +
                              std::to_string(roles.size()) + " roles for " + body.person());
  }
  if (!holds(pb::REGISTRAR)) return absl::OkStatus();
  for (const pb::Role role : roles) {
    if (std::ranges::find(kBesideRegistrar, role) != std::end(kBesideRegistrar)) continue;
    return FailedPrecondition("a registrar holds no clinical or lab role, found " +
                              pb::Role_Name(role) + " for " + body.person());
  }
  return absl::OkStatus();
}

}  // namespace

const EnrolledKey* Registry::FindKey(const Hash& key_id) const {
  const auto found = keys_.find(key_id);
  return found == keys_.end() ? nullptr : &found->second;
}
const EnrolledPerson* Registry::FindPerson(std::string_view person) const {
  return FindIn(persons_, person);
}
const EnrolledStation* Registry::FindStation(std::string_view station) const {
  return FindIn(stations_, station);
}
const EnrolledSite* Registry::FindSite(std::string_view site) const { return FindIn(sites_, site); }
const EnrolledOrganisation* Registry::FindOrganisation(std::string_view organisation) const {
  return FindIn(organisations_, organisation);
}
const EnrolledOrganisation* Registry::OrganisationOfSite(std::string_view site) const {
  const EnrolledSite* found = FindSite(site);
  return found == nullptr ? nullptr : FindOrganisation(found->organisation);
}
bool Registry::IsSameHouse(std::string_view site, std::string_view other) const {
  if (site.empty() || other.empty()) return false;
  if (site == other) return true;
  const EnrolledOrganisation* of = OrganisationOfSite(site);
  const EnrolledOrganisation* others = OrganisationOfSite(other);
  return of != nullptr && others != nullptr && of->organisation == others->organisation;
}
const pb::Profile* Registry::FindProfile(std::string_view name) const {
  return FindIn(profiles_, name);
}

Status Registry::Apply(const ParsedEvent& event, std::uint64_t index) {
  if (IsTherapyChain(event.event.chain())) return absl::OkStatus();
  if (!created_ && !event.event.has_ledger_created()) {
    return FailedPrecondition("the ledger's first event must be its genesis, found " +
                              std::string(BodyName(event.event)));
  }
  CUSTODY_RETURN_IF_ERROR(ApplyBody({event.event, event.event_id, index}));
  ++version_;
  return absl::OkStatus();
}

Status Registry::ApplyBody(const Act& act) {
  switch (act.event.body_case()) {
    case pb::Event::kLedgerCreated:
      return Create(act);
    case pb::Event::kLedgerContinued:
      return Continue(act);
    case pb::Event::kPersonEnrolled:
      return EnrolPerson(act);
    case pb::Event::kKeyEnrolled:
      return EnrolKey(act);
    case pb::Event::kKeyRevoked:
      return RevokeKey(act);
    case pb::Event::kOrganisationEnrolled:
      return EnrolOrganisation(act);
    case pb::Event::kSiteEnrolled:
      return EnrolSite(act);
    case pb::Event::kStationEnrolled:
      return EnrolStation(act);
    case pb::Event::kStationRetired:
      return RetireStation(act);
    case pb::Event::kProfilePublished:
      return Publish(act);
    case pb::Event::kRulesAdopted:
      return AdoptRules(act);
    case pb::Event::kSchemaPublished: {
      CUSTODY_ASSIGN_OR_RETURN(schema_sha256_,
                               Hash::FromBytes(act.event.schema_published().schema_sha256()));
      return absl::OkStatus();
    }
    case pb::Event::kWitnessEnrolled:
      return EnrolWitness(act);
    case pb::Event::kTrusteesChanged:
      return ChangeTrustees(act);
    case pb::Event::kPersonRetired:
      return RetirePerson(act);
    default:
      return FailedPrecondition("an event of type " + std::string(BodyName(act.event)) +
                                " does not belong in chain " + act.event.chain());
  }
}

Status Registry::Continue(const Act& act) {
  if (act.event.sequence() == 1) return absl::OkStatus();
  return FailedPrecondition(
      "LEDGER_CONTINUED is the first event after the genesis, sequence 1, "
      "found sequence " +
      std::to_string(act.event.sequence()));
}

Status Registry::EnrolPerson(const Act& act) {
  const pb::PersonEnrolled& body = act.event.person_enrolled();
  const std::string site = SiteOf(act.event);
  if (std::ranges::find(body.sites(), site) == body.sites().end()) {
    return FailedPrecondition("a person enrolled in " + act.event.chain() + " works at " + site +
                              ": name that site too");
  }
  for (const std::string& each : body.sites()) {
    const EnrolledSite* enrolled = FindSite(each);
    if (enrolled == nullptr) return FailedPrecondition("site " + each + " is not enrolled");
    if (enrolled->organisation != body.organisation()) {
      return FailedPrecondition("site " + each + " belongs to " + enrolled->organisation +
                                ", not to the person's organisation " + body.organisation());
    }
  }
  CUSTODY_RETURN_IF_ERROR(CheckRoles(body));
  const EnrolledPerson* known = FindPerson(body.person());
  if (known != nullptr && known->enrolled_in != act.event.chain()) {
    return FailedPrecondition("person " + body.person() + " was enrolled in " + known->enrolled_in +
                              ": change them there, or choose another id");
  }
  EnrolledPerson& person = persons_[body.person()];
  person.person = body.person();
  std::erase(person.printed_names, body.printed_name());
  person.printed_names.push_back(body.printed_name());
  person.organisation = body.organisation();
  person.sites.assign(body.sites().begin(), body.sites().end());
  person.roles.clear();
  for (const int role : body.roles()) person.roles.push_back(static_cast<pb::Role>(role));
  person.training_valid_until.reset();
  if (body.has_training_valid_until()) {
    person.training_valid_until = FromProto(body.training_valid_until());
  }
  person.retired = false;
  person.enrolled_in = act.event.chain();
  return absl::OkStatus();
}

Status Registry::EnrolKey(const Act& act) {
  const pb::KeyEnrolled& body = act.event.key_enrolled();
  const EnrolledPerson* person = FindPerson(body.person());
  if (person == nullptr || person->retired) {
    return FailedPrecondition("person " + body.person() + " is not enrolled: enrol them first");
  }
  if (person->enrolled_in != act.event.chain()) {
    return FailedPrecondition("person " + body.person() + " was enrolled in " +
                              person->enrolled_in + ", their keys are enrolled there");
  }
  CUSTODY_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromSpki(body.spki()));
  const Hash key_id = key.key_id();
  if (const EnrolledKey* known = FindKey(key_id); known != nullptr) {
    return FailedPrecondition("key " + ShortHex(key_id.view()) + " was enrolled before, for " +
                              known->person + ": a key belongs to one person for ever");
  }
  CUSTODY_RETURN_IF_ERROR(CheckKeyRequest(genesis_, body.person(), body.spki(), body.request(),
                                          body.request_signature()));
  keys_.emplace(key_id, EnrolledKey{std::move(key), body.person(), act.index, {}, {}});
  return absl::OkStatus();
}

Status Registry::RevokeKey(const Act& act) {
  const pb::KeyRevoked& body = act.event.key_revoked();
  CUSTODY_ASSIGN_OR_RETURN(const Hash key_id, Hash::FromBytes(body.key_id()));
  const auto found = keys_.find(key_id);
  if (found == keys_.end()) {
    return FailedPrecondition("key " + ShortHex(body.key_id()) + " is not enrolled");
  }
  EnrolledKey& key = found->second;
  const EnrolledPerson* person = FindPerson(key.person);
  if (person != nullptr && act.event.chain() != "registry" &&
      act.event.chain() != person->enrolled_in) {
    return FailedPrecondition("key " + ShortHex(body.key_id()) + " belongs to " + key.person +
                              " of " + person->enrolled_in + ", it is revoked there");
  }
  std::optional<Instant> since;
  if (body.has_compromised_since()) since = FromProto(body.compromised_since());
  // A second revocation has one use: to say that the key was stolen earlier than first thought.
  const bool tells_more = since && (!key.compromised_since || *since < *key.compromised_since);
  if (key.revoked_at && !tells_more) {
    return FailedPrecondition("key " + ShortHex(body.key_id()) + " was revoked at log index " +
                              std::to_string(*key.revoked_at));
  }
  if (!key.revoked_at) key.revoked_at = act.index;
  if (tells_more) key.compromised_since = since;
  return absl::OkStatus();
}

Status Registry::EnrolOrganisation(const Act& act) {
  const pb::OrganisationEnrolled& body = act.event.organisation_enrolled();
  const EnrolledOrganisation* known = FindOrganisation(body.organisation());
  if (known != nullptr && known->kind != body.kind()) {
    return FailedPrecondition("organisation " + body.organisation() +
                              " is enrolled with another kind, which never changes");
  }
  organisations_[body.organisation()] = {body.organisation(), body.name(), body.kind()};
  return absl::OkStatus();
}

Status Registry::EnrolSite(const Act& act) {
  const pb::SiteEnrolled& body = act.event.site_enrolled();
  if (FindOrganisation(body.organisation()) == nullptr) {
    return FailedPrecondition("organisation " + body.organisation() +
                              " is not enrolled: enrol it first");
  }
  const EnrolledSite* known = FindSite(body.site());
  if (known != nullptr && known->organisation != body.organisation()) {
    return FailedPrecondition("site " + body.site() + " belongs to " + known->organisation +
                              ", a site never changes hands");
  }
  sites_[body.site()] = {body.site(),
                         body.organisation(),
                         body.name(),
                         body.time_zone(),
                         {body.facility_numbers().begin(), body.facility_numbers().end()}};
  return absl::OkStatus();
}

Status Registry::EnrolStation(const Act& act) {
  const pb::StationEnrolled& body = act.event.station_enrolled();
  if (body.site() != SiteOf(act.event) || FindSite(body.site()) == nullptr) {
    return FailedPrecondition("station " + body.station() + " of site " + body.site() +
                              " cannot be enrolled in " + act.event.chain());
  }
  const EnrolledStation* known = FindStation(body.station());
  if (known != nullptr && (known->site != body.site() || known->retired)) {
    return FailedPrecondition("station id " + body.station() + " is taken by " +
                              (known->retired ? "a retired station" : "site " + known->site) +
                              ": choose another");
  }
  EnrolledStation station{body.station(), body.site(), body.name(), false,
                          body.certificate_sha256()};
  // A new name or none opens nothing that was closed.
  if (known != nullptr && station.certificate_sha256.empty()) {
    station.certificate_sha256 = known->certificate_sha256;
  }
  stations_[body.station()] = std::move(station);
  return absl::OkStatus();
}

Status Registry::RetireStation(const Act& act) {
  const std::string& station = act.event.station_retired().station();
  const auto found = stations_.find(station);
  if (found == stations_.end() || found->second.site != SiteOf(act.event) ||
      found->second.retired) {
    return FailedPrecondition("station " + station + " is not a station in use of " +
                              act.event.chain());
  }
  found->second.retired = true;
  return absl::OkStatus();
}

Status Registry::Publish(const Act& act) {
  const pb::Profile& profile = act.event.profile_published().profile();
  if (profile.name().empty()) return FailedPrecondition("profile has no name");
  const pb::Profile* known = FindProfile(profile.name());
  if (known != nullptr && profile.version() <= known->version()) {
    return FailedPrecondition("profile " + profile.name() + " is in force with version " +
                              std::to_string(known->version()) + ", found version " +
                              std::to_string(profile.version()) + ": publish a later one");
  }
  profiles_[profile.name()] = profile;
  return absl::OkStatus();
}

Status Registry::AdoptRules(const Act& act) {
  const std::uint32_t adopted = act.event.rules_adopted().rules_version();
  if (adopted <= rules_version_) {
    return FailedPrecondition("rules version " + std::to_string(rules_version_) +
                              " is in force, found " + std::to_string(adopted) +
                              ": rules are superseded, never taken back");
  }
  rules_version_ = adopted;
  return absl::OkStatus();
}

Status Registry::EnrolWitness(const Act& act) {
  const pb::WitnessEnrolled& body = act.event.witness_enrolled();
  CUSTODY_ASSIGN_OR_RETURN(const NoteVerifier witness, NoteVerifier::Parse(body.witness_key()));
  if (witness.type() != NoteKeyType::kCosignatureV1) {
    return FailedPrecondition("witness key must be of type 0x04 (cosignature/v1)");
  }
  witnesses_[body.name()] = body.witness_key();
  return absl::OkStatus();
}

Status Registry::RetirePerson(const Act& act) {
  const std::string& id = act.event.person_retired().person();
  const auto found = persons_.find(id);
  if (found == persons_.end() || found->second.enrolled_in != act.event.chain() ||
      found->second.retired) {
    return FailedPrecondition("person " + id + " is not at work in " + act.event.chain());
  }
  found->second.retired = true;
  found->second.roles.clear();
  found->second.sites.clear();
  return absl::OkStatus();
}

}  // namespace custody
