#include "tests/support/event_builder.h"

namespace custody {

EventBuilder::EventBuilder(TestLedger& ledger, std::string_view chain) : ledger_(ledger) {
  event_.set_chain(std::string(chain));
  event_.set_sequence(ledger.Length(chain));
  if (event_.sequence() > 0) event_.set_previous(ledger.Head(chain).ToString());
  if (ledger.registry().created()) event_.set_ledger(ledger.genesis().ToString());
  *event_.mutable_occurred_at() = ToProto(ledger.now());
  *event_.mutable_signed_at() = ToProto(ledger.now());
  event_.set_time_zone("Europe/Berlin");
  event_.set_entry(pb::LIVE);
}

EventBuilder& EventBuilder::By(std::string_view person, pb::Meaning meaning) {
  return By(person, ledger_.person(person).role, meaning);
}

EventBuilder& EventBuilder::By(std::string_view id, pb::Role role, pb::Meaning meaning) {
  const TestPerson& person = ledger_.person(id);
  pb::Signer* signer = event_.add_signers();
  signer->set_key_id(person.key.key_id().ToString());
  signer->set_person(person.id);
  signer->set_printed_name(person.printed_name);
  signer->set_role(role);
  signer->set_meaning(meaning);
  *signer->mutable_identified_at() = ToProto(FromProto(event_.signed_at()) + -kMicrosPerMinute);
  if (!event_.station().empty()) return *this;
  std::string station = person.site.empty() ? std::string("admin") : person.site;
  if (!person.site.empty()) {
    for (char& c : station) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    station += ".station.1";
  }
  event_.set_station(station);
  return *this;
}

EventBuilder& EventBuilder::HappenedAt(Instant instant) {
  *event_.mutable_occurred_at() = ToProto(instant);
  return *this;
}

EventBuilder& EventBuilder::SignedAt(Instant instant) {
  *event_.mutable_signed_at() = ToProto(instant);
  for (pb::Signer& signer : *event_.mutable_signers()) {
    *signer.mutable_identified_at() = ToProto(instant + -kMicrosPerMinute);
  }
  return *this;
}

EventBuilder& EventBuilder::At(std::string_view station) {
  event_.set_station(std::string(station));
  return *this;
}

EventBuilder& EventBuilder::Late(std::string_view reason) {
  event_.set_entry(pb::LATE);
  event_.set_late_reason(std::string(reason));
  return *this;
}

EventBuilder& EventBuilder::Downtime(std::string_view reason) {
  event_.set_entry(pb::DOWNTIME);
  event_.set_late_reason(std::string(reason));
  return *this;
}

EventBuilder& EventBuilder::PerformedBy(std::string_view id) {
  const TestPerson& person = ledger_.person(id);
  pb::Performer* performer = event_.add_performed_by();
  performer->set_person(person.id);
  performer->set_printed_name(person.printed_name);
  performer->set_role(person.role);
  return *this;
}

EventBuilder& EventBuilder::Citing(const Recorded& grant) {
  event_.add_grants(grant.parsed.event_id.ToString());
  return *this;
}

EventBuilder& EventBuilder::After(std::uint64_t sequence, const Hash& previous) {
  event_.set_sequence(sequence + 1);
  event_.set_previous(previous.ToString());
  return *this;
}

pb::SignedEvent EventBuilder::Sign() const {
  std::vector<const PrivateKey*> keys;
  for (const pb::Signer& signer : event_.signers()) {
    keys.push_back(&ledger_.person(signer.person()).key);
  }
  return Must(SignEvent(event_, keys));
}

ParsedEvent EventBuilder::Parse() const { return Must(ParseEvent(event_.SerializeAsString())); }

const Recorded& EventBuilder::Record() { return ledger_.Record(Sign()); }

}  // namespace custody
