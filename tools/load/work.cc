#include "tools/load/work.h"

#include <cstdio>
#include <random>

#include "crypto/dsse.h"
#include "custody/event.h"

namespace custody {
namespace {

constexpr int kObservations = 12;  // a shift's readings; makes an event of about 1 KiB

void AddSigner(pb::Event& event, const PrivateKey& key, const std::string& person,
               const std::string& name, pb::Role role, pb::Meaning meaning, Instant now) {
  pb::Signer& signer = *event.add_signers();
  signer.set_key_id(key.key_id().ToString());
  signer.set_person(person);
  signer.set_printed_name(name);
  signer.set_role(role);
  signer.set_meaning(meaning);
  *signer.mutable_identified_at() = ToProto(now);
}

pb::Event Envelope(const Crew& crew, const Lane& lane, Instant now) {
  pb::Event event;
  event.set_chain(lane.chain);
  event.set_sequence(lane.sequence);
  if (lane.sequence > 0) event.set_previous(lane.head.ToString());
  *event.mutable_occurred_at() = ToProto(now);
  *event.mutable_signed_at() = ToProto(now);
  event.set_time_zone(crew.zone);
  event.set_station(crew.station);
  event.set_ledger(crew.ledger.ToString());
  event.set_entry(pb::LIVE);
  return event;
}

StatusOr<pb::SignedEvent> Sign(const pb::Event& event, std::vector<const PrivateKey*> keys,
                               Lane& lane) {
  CUSTODY_ASSIGN_OR_RETURN(pb::SignedEvent signed_event, SignEvent(event, keys));
  lane.head = EventId(signed_event.payload());
  ++lane.sequence;
  return signed_event;
}

}  // namespace

std::string LaneName(std::uint64_t run, std::uint64_t number) {
  char name[64];
  std::snprintf(name, sizeof name, "therapy/LOAD-%016llX-%08llX",
                static_cast<unsigned long long>(run), static_cast<unsigned long long>(number));
  return name;
}

StatusOr<pb::SignedEvent> EnrolPatient(const Crew& crew, Lane& lane, Instant now,
                                       std::uint64_t seed) {
  pb::Event event = Envelope(crew, lane, now);
  AddSigner(event, *crew.coordinator_key, crew.coordinator, crew.coordinator_name, pb::COORD,
            pb::PERFORMED, now);
  AddSigner(event, *crew.nurse_key, crew.nurse, crew.nurse_name, pb::RN, pb::VERIFIED, now);
  auto& body = *event.mutable_patient_enrolled();
  body.set_site(crew.site);
  body.set_birth_year(1940 + static_cast<std::uint32_t>(seed % 60));
  for (const char* type : {"mrn", "dob"}) {
    pb::IdentifierCommitment commitment;
    commitment.set_type(type);
    commitment.set_commitment(Sha256({type, lane.chain}).ToString());
    commitment.set_source(pb::SCANNED);
    *body.add_identifiers() = commitment;
  }
  for (const std::string& person : {crew.coordinator, crew.nurse}) {
    auto& reading = *body.add_readings();
    reading.set_person(person);
    reading.set_read_from(pb::READ_FROM_PATIENT);
    *reading.mutable_at() = ToProto(now);
    *reading.mutable_identifiers() = body.identifiers();
  }
  return Sign(event, {crew.coordinator_key, crew.nurse_key}, lane);
}

StatusOr<pb::SignedEvent> Observe(const Crew& crew, Lane& lane, Instant now, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&random](int low, int high) {
    return static_cast<double>(std::uniform_int_distribution<int>(low, high)(random));
  };
  pb::Event event = Envelope(crew, lane, now);
  AddSigner(event, *crew.nurse_key, crew.nurse, crew.nurse_name, pb::RN, pb::PERFORMED, now);
  auto& body = *event.mutable_observations_recorded();
  for (int i = 0; i < kObservations; ++i) {
    auto& vitals = *body.add_observations()->mutable_vitals();
    *vitals.mutable_at() = ToProto(now + (i - kObservations) * 30 * kMicrosPerMinute);
    vitals.set_temperature_c(between(360, 379) / 10);
    vitals.set_systolic_mmhg(between(100, 150));
    vitals.set_diastolic_mmhg(between(60, 95));
    vitals.set_heart_rate(between(60, 110));
    vitals.set_respiratory_rate(between(12, 22));
    vitals.set_spo2_percent(between(92, 100));
  }
  body.set_interval_minutes(240);
  return Sign(event, {crew.nurse_key}, lane);
}

}  // namespace custody
