// The first events of a therapy, for tests that need some events and not a certain story.
#ifndef CUSTODY_TESTS_SUPPORT_THERAPY_EVENTS_H_
#define CUSTODY_TESTS_SUPPORT_THERAPY_EVENTS_H_

#include <string>
#include <string_view>

#include "tests/support/event_builder.h"

namespace custody {

inline void FillIdentifiers(
    google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>& identifiers,
    std::string_view therapy) {
  for (const char* type : {"mrn", "dob"}) {
    pb::IdentifierCommitment& identifier = *identifiers.Add();
    identifier.set_type(type);
    identifier.set_commitment(Sha256({type, therapy}).ToString());
    identifier.set_source(pb::SCANNED);
  }
}

// `PatientEnrolledBy` enrols the patient of `therapy` at CLINIC, two people each reading the
// identifiers; nothing is recorded yet.
inline EventBuilder PatientEnrolledBy(TestLedger& ledger, std::string_view therapy,
                                      std::string_view first = "clinic.coord.1",
                                      std::string_view second = "clinic.rn.1") {
  EventBuilder event = ledger.On(therapy).By(first).By(second, pb::VERIFIED);
  pb::PatientEnrolled& body = *event.event().mutable_patient_enrolled();
  for (const std::string_view person : {first, second}) {
    pb::IdentityReading& reading = *body.add_readings();
    reading.set_person(std::string(person));
    *reading.mutable_at() = ToProto(ledger.now() + -kMicrosPerMinute);
    FillIdentifiers(*reading.mutable_identifiers(), therapy);
    reading.set_read_from(pb::READ_FROM_PATIENT);
  }
  FillIdentifiers(*body.mutable_identifiers(), therapy);
  body.set_birth_year(1961);
  body.set_site("CLINIC");
  return event;
}

// `ConsentWithdrawnBy` is a fact that may follow at any time; nothing is recorded yet.
inline EventBuilder ConsentWithdrawnBy(TestLedger& ledger, std::string_view therapy,
                                       std::string_view person = "clinic.rn.1") {
  EventBuilder event = ledger.On(therapy).By(person);
  pb::ConsentWithdrawn& body = *event.event().mutable_consent_withdrawn();
  body.add_purposes(pb::CONSENT_TO_DATA);
  body.set_withdrawn_by(pb::CONSENT_BY_PATIENT);
  *body.mutable_withdrawn_at() = ToProto(ledger.now() + -kMicrosPerMinute);
  return event;
}

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_THERAPY_EVENTS_H_
