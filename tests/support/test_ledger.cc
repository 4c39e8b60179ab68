#include "tests/support/test_ledger.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "crypto/merkle.h"
#include "crypto/note.h"
#include "custody/state.h"
#include "tests/support/event_builder.h"

namespace custody {
namespace {

constexpr std::int64_t kStartMicros = 1'772'438'400 * kMicrosPerSecond;  // 2026-03-02T08:00:00Z
constexpr std::string_view kTrustees[] = {"t-1", "t-2", "t-3"};

const std::vector<pb::Role> kClinicRoles = {
    pb::PHY, pb::APP, pb::COORD, pb::RN,  pb::PHARM,   pb::CELL_LAB, pb::APH,
    pb::LAB, pb::QA,  pb::WH,    pb::REG, pb::AUDITOR, pb::ADMIN,    pb::DEVICE};
const std::vector<pb::Role> kLabRoles = {pb::WH, pb::MFG, pb::MFG2,  pb::QC,     pb::QA,
                                         pb::QP, pb::PHY, pb::SCHED, pb::DEVICE, pb::ADMIN};
const std::vector<pb::Role> kDepotRoles = {pb::COUR, pb::DEVICE};
const std::vector<pb::Role> kOtherRoles = {pb::PHY, pb::RN, pb::CELL_LAB, pb::PHARM, pb::QA};
const std::vector<pb::Role> kOverseerRoles = {pb::AUDITOR};

PrivateKey KeyOf(std::string_view what) {
  return Must(PrivateKey::FromSeed(Sha256({"custody test key ", what}).view()));
}

std::string OriginOf(pb::Environment environment, std::string_view name) {
  const std::string host = std::string(name) + ".custody.example";
  return environment == pb::DEMO ? "demo." + host : host;
}

}  // namespace

void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "a test's own ground does not hold: %s\n", status.ToString().c_str());
  std::abort();
}

TestLedger::TestLedger(pb::Environment environment, std::string_view name, TestWorld world)
    : now_(world.begins.value_or(Instant{kStartMicros})),
      world_(world),
      name_(name),
      origin_(OriginOf(environment, name)),
      log_key_(KeyOf("log " + origin_)) {
  Create(environment);
  const bool real = environment == pb::PRODUCTION;
  const std::vector<pb::Role> nurses = {pb::RN};
  const std::vector<pb::Role> few = {pb::COORD, pb::RN};
  EnrolSite("CLINIC", "HOSPITAL", pb::TREATMENT_CENTRE, "Europe/Berlin", real ? "G1234" : "A9990",
            world.nurses_alone ? nurses
            : world.small      ? few
                               : kClinicRoles);
  if (world.small || world.nurses_alone) return;
  EnrolSite("LAB", "MAKER", pb::MANUFACTURER, "Europe/Amsterdam", real ? "G2345" : "A9991",
            kLabRoles);
  EnrolSite("DEPOT", "CARRIER", pb::CARRIER, "Europe/Berlin", "", kDepotRoles);
  EnrolSite("OTHER", "OTHER-HOSPITAL", pb::TREATMENT_CENTRE, "Europe/Paris",
            real ? "G3456" : "A9992", kOtherRoles);
  EnrolSite("OVERSEER", "INSPECTORATE", pb::OVERSIGHT, "Europe/Brussels", "", kOverseerRoles);
}

PrivateKey TestLedger::PersonalKey(std::string_view id) const {
  return KeyOf(world_.invented ? "invented " + std::string(id) : std::string(id));
}

EventBuilder TestLedger::On(std::string_view chain) { return EventBuilder(*this, chain); }

void TestLedger::Create(pb::Environment environment) {
  for (const std::string_view id : kTrustees) MakePerson("", pb::TRUSTEE, id);
  EventBuilder genesis = On("registry");
  pb::LedgerCreated& body = *genesis.event().mutable_ledger_created();
  body.set_random(Sha256({name_, world_.invented ? " invented" : ""}).ToString());
  body.set_origin(origin_);
  body.set_environment(environment);
  body.set_log_key(log_vkey());
  body.set_quorum(2);
  body.set_schema_sha256(Sha256(Schema()).ToString());
  body.set_rules_version(1);
  for (const std::string_view id : kTrustees) {
    pb::Trustee* trustee = body.add_trustees();
    trustee->set_person(std::string(id));
    trustee->set_printed_name(person(id).printed_name);
    trustee->set_spki(person(id).key.public_key().spki());
    genesis.By(id, pb::APPROVED);
  }
  genesis.Record();
}

void TestLedger::EnrolSite(std::string_view site, std::string_view organisation,
                           pb::OrganisationKind kind, std::string_view zone,
                           std::string_view facility, const std::vector<pb::Role>& roles) {
  EventBuilder enrolled = On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  enrolled.event().mutable_organisation_enrolled()->set_organisation(std::string(organisation));
  enrolled.event().mutable_organisation_enrolled()->set_name("The " + Lower(organisation));
  enrolled.event().mutable_organisation_enrolled()->set_kind(kind);
  enrolled.Record();
  EventBuilder opened = On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  pb::SiteEnrolled& body = *opened.event().mutable_site_enrolled();
  body.set_site(std::string(site));
  body.set_organisation(std::string(organisation));
  body.set_name("Site " + Lower(site));
  body.set_time_zone(std::string(zone));
  if (!facility.empty()) body.add_facility_numbers(std::string(facility));
  opened.Record();
  const std::string lower = Lower(site);
  for (const char* number : {".1", ".2"}) {
    EnrolPerson(MakePerson(site, pb::REGISTRAR, lower + ".registrar" + number), organisation, true);
  }
  const std::string chain = "registry/" + std::string(site);
  for (const char* number : {".1", ".2"}) {
    EventBuilder station = On(chain).By(lower + ".registrar.1").By(lower + ".registrar.2");
    station.event().mutable_station_enrolled()->set_station(lower + ".station" + number);
    station.event().mutable_station_enrolled()->set_site(std::string(site));
    station.event().mutable_station_enrolled()->set_name("Station" + std::string(number));
    station.Record();
  }
  for (const pb::Role role : roles) {
    for (const char* number : {".1", ".2"}) {
      EnrolPerson(MakePerson(site, role, lower + "." + Lower(pb::Role_Name(role)) + number),
                  organisation, false);
    }
  }
}

const TestPerson& TestLedger::MakePerson(std::string_view site, pb::Role role,
                                         std::string_view id) {
  const EnrolledSite* enrolled = registry_.FindSite(site);
  TestPerson person{std::string(id),
                    "Name of " + std::string(id),
                    std::string(site),
                    enrolled == nullptr ? "" : enrolled->organisation,
                    role,
                    PersonalKey(id)};
  return people_.insert_or_assign(std::string(id), std::move(person)).first->second;
}

const TestPerson& TestLedger::AddPerson(std::string_view site, pb::Role role, std::string_view id) {
  const TestPerson& person = MakePerson(site, role, id);
  EnrolPerson(person, person.organisation, false);
  return person;
}

void TestLedger::EnrolPerson(const TestPerson& person, std::string_view organisation,
                             bool by_trustees) {
  const std::string chain = "registry/" + person.site;
  const std::string first = by_trustees ? "t-1" : Lower(person.site) + ".registrar.1";
  const std::string second = by_trustees ? "t-2" : Lower(person.site) + ".registrar.2";
  EventBuilder enrolled = On(chain).By(first, pb::APPROVED).By(second, pb::APPROVED);
  pb::PersonEnrolled& body = *enrolled.event().mutable_person_enrolled();
  body.set_person(person.id);
  body.set_printed_name(person.printed_name);
  body.set_organisation(std::string(organisation));
  body.add_sites(person.site);
  body.add_roles(person.role);
  enrolled.Record();
  EventBuilder key = On(chain).By(first, pb::APPROVED).By(second, pb::APPROVED);
  const pb::KeyProof proof = Must(
      SignKeyRequest(genesis(), person.id, person.key, Sha256({"request ", person.id}).view()));
  key.event().mutable_key_enrolled()->set_person(person.id);
  key.event().mutable_key_enrolled()->set_spki(person.key.public_key().spki());
  key.event().mutable_key_enrolled()->set_request(proof.request());
  key.event().mutable_key_enrolled()->set_request_signature(proof.request_signature());
  key.Record();
}

void TestLedger::PublishProfile(const pb::Profile& profile) {
  EventBuilder published = On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  *published.event().mutable_profile_published()->mutable_profile() = profile;
  published.Record();
}

const TestPerson& TestLedger::person(std::string_view id) const {
  const auto found = people_.find(id);
  if (found == people_.end()) Must(NotFound("no person " + std::string(id) + " in the test world"));
  return found->second;
}

std::vector<const TestPerson*> TestLedger::PeopleOf(std::string_view site) const {
  std::vector<const TestPerson*> people;
  for (const auto& [id, person] : people_) {
    if (person.site == site) people.push_back(&person);
  }
  return people;
}

const Recorded& TestLedger::Record(const pb::SignedEvent& signed_event) {
  return *Must(Try(signed_event));
}

StatusOr<const Recorded*> TestLedger::Try(const pb::SignedEvent& signed_event) {
  CUSTODY_ASSIGN_OR_RETURN(ParsedEvent parsed, ParseEvent(signed_event.payload()));
  const std::string& chain = parsed.event.chain();
  Recorded recorded;
  recorded.index = log_.size();
  recorded.received_at = now_;
  CUSTODY_RETURN_IF_ERROR(registry_.Apply(parsed, recorded.index));
  const Hash key = Sha256(chain);
  CUSTODY_RETURN_IF_ERROR(map_.Set({key, parsed.event_id, Length(chain) + 1}));
  recorded.entry.set_chain_key(key.ToString());
  recorded.entry.set_sequence(parsed.event.sequence());
  recorded.entry.set_event_id(parsed.event_id.ToString());
  recorded.entry.set_record(RecordOf(parsed.event_id, signed_event).ToString());
  *recorded.entry.mutable_received_at() = ToProto(now_);
  recorded.entry.set_heads_root(map_.root().ToString());
  recorded.entry_bytes = recorded.entry.SerializeAsString();
  recorded.signed_event = signed_event;
  recorded.parsed = std::move(parsed);
  nodes_.Append(LeafHash(recorded.entry_bytes));
  log_.push_back(std::move(recorded));
  const Recorded& last = log_.back();
  heads_.insert_or_assign(last.parsed.event.chain(), &last);
  return &last;
}

std::string TestLedger::log_vkey() const {
  return Must(NoteVerifier::Of(origin_, NoteKeyType::kEd25519, log_key_.public_key())).ToString();
}

std::uint64_t TestLedger::Length(std::string_view chain) const {
  const auto found = heads_.find(chain);
  return found == heads_.end() ? 0 : found->second->parsed.event.sequence() + 1;
}

Hash TestLedger::Head(std::string_view chain) const {
  const auto found = heads_.find(chain);
  return found == heads_.end() ? Hash() : found->second->parsed.event_id;
}

std::string TestLedger::SignedCheckpoint() const {
  return Must(SignCheckpoint({origin_, nodes_.frontier().size(), LogRoot()}, log_key_));
}

std::vector<Hash> TestLedger::Path(std::uint64_t index) const {
  return Must(InclusionPath(index, nodes_.frontier().size(), nodes_.source()));
}

HeadsProof TestLedger::ProveHead(std::string_view chain) { return Must(map_.Prove(Sha256(chain))); }

}  // namespace custody
