// The shape of an event: what can be said of it without knowing anything but itself.
//
// The envelope is held against formats section 1 by hand; the body, whatever it is, against the
// annotations of its fields, which also drive the forms. So a new event type needs no code here.
// All faults are collected, in the words of the person who filled the form.
#include <google/protobuf/timestamp.pb.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/note.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/field_check.h"

namespace custody {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::size_t kMaxIdBytes = 64;
constexpr std::size_t kMaxReasonBytes = 2000;
constexpr int kMaxGrants = 16;
constexpr int kMaxPerformers = 8;
constexpr int kMaxTrustees = 8;

// To the nanosecond: an `Instant` cuts that off, and what is signed must be in order as signed.
bool IsLater(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return std::make_pair(a.seconds(), a.nanos()) > std::make_pair(b.seconds(), b.nanos());
}

// "2026-03-02T08:00:00Z and 7 ns": `FormatUtc` shows microseconds and no less.
std::string InFull(const google::protobuf::Timestamp& timestamp) {
  const std::int32_t rest = timestamp.nanos() % 1000;
  const std::string text = FormatUtc(FromProto(timestamp));
  return rest == 0 ? text : text + " and " + std::to_string(rest) + " ns";
}

void CheckText(std::string_view text, std::size_t limit, std::string_view path,
               std::string_view label, Faults& faults) {
  if (text.empty()) faults.Add(path, std::string(label) + " is required");
  CheckLength(text, limit, path, label, faults);
}

// Bodies 40-99 belong to the registry's chains, everything else to a therapy's.
bool BodyBelongsTo(ChainKind kind, int body) {
  switch (body) {
    case pb::Event::kPersonEnrolled:
    case pb::Event::kStationEnrolled:
    case pb::Event::kStationRetired:
    case pb::Event::kPersonRetired:
      return kind == ChainKind::kSite;
    case pb::Event::kKeyEnrolled:
    case pb::Event::kKeyRevoked:
      return kind != ChainKind::kTherapy;
    default:
      return body >= 40 && body < 100 ? kind == ChainKind::kRegistry : kind == ChainKind::kTherapy;
  }
}

void CheckPlace(const pb::Event& event, Faults& faults) {
  const bool genesis = event.has_ledger_created();
  if (event.sequence() == 0 && !event.previous().empty()) {
    faults.Add("previous", "previous must be empty at sequence 0");
  }
  if (event.sequence() != 0 && event.previous().size() != kHashBytes) {
    faults.Add("previous", "previous must be the 32-byte id of the event before, found " +
                               std::to_string(event.previous().size()) + " bytes");
  }
  if (genesis && (!event.ledger().empty() || event.sequence() != 0)) {
    faults.Add("ledger", "the genesis stands at sequence 0 and names no ledger");
  }
  if (!genesis && event.ledger().size() != kHashBytes) {
    faults.Add("ledger", "ledger must be the 32-byte id of the genesis, found " +
                             std::to_string(event.ledger().size()) + " bytes");
  }
  const auto chain = Chain::Parse(event.chain());
  if (!chain.ok()) return faults.Add("chain", Message(chain.status()));
  if (event.body_case() == pb::Event::BODY_NOT_SET) {
    return faults.Add("body", "event has no body: say what happened");
  }
  if (event.has_sealed()) {
    return faults.Add("sealed", "sealed bodies are reserved, this version has no use for them");
  }
  if (!BodyBelongsTo(chain->kind(), event.body_case())) {
    faults.Add("chain", "an event of type " + std::string(BodyName(event)) +
                            " does not belong in chain " + event.chain());
  }
}

void CheckTimes(const pb::Event& event, Faults& faults) {
  if (!event.has_occurred_at()) faults.Add("occurred_at", "time of the event is required");
  if (!event.has_signed_at()) faults.Add("signed_at", "time of signing is required");
  if (event.has_occurred_at() && event.has_signed_at() &&
      IsLater(event.occurred_at(), event.signed_at())) {
    faults.Add("occurred_at", "event must have happened before it was signed at " +
                                  InFull(event.signed_at()) + ", found " +
                                  InFull(event.occurred_at()));
  }
  if (!IsTimeZone(event.time_zone())) {
    faults.Add("time_zone", "time zone must be an IANA name such as \"Europe/Berlin\", found \"" +
                                event.time_zone().substr(0, kMaxIdBytes) + "\"");
  }
}

void CheckSigner(const pb::Event& event, int i, Faults& faults) {
  const pb::Signer& signer = event.signers(i);
  const std::string path = "signers[" + std::to_string(i) + "]";
  if (signer.key_id().size() != kHashBytes) {
    faults.Add(path + ".key_id",
               "key id must have 32 bytes, found " + std::to_string(signer.key_id().size()));
  }
  CheckText(signer.person(), kMaxIdBytes, path + ".person", "person", faults);
  CheckText(signer.printed_name(), kMaxNameBytes, path + ".printed_name", "printed name", faults);
  if (signer.role() == pb::ROLE_UNSPECIFIED) faults.Add(path + ".role", "role is required");
  if (signer.meaning() == pb::MEANING_UNSPECIFIED) {
    faults.Add(path + ".meaning", "meaning of the signature is required");
  }
  if (!signer.has_identified_at()) {
    faults.Add(path + ".identified_at", "time of identification is required");
  } else if (event.has_signed_at() && IsLater(signer.identified_at(), event.signed_at())) {
    faults.Add(path + ".identified_at", "signer must have been identified before signing at " +
                                            InFull(event.signed_at()) + ", found " +
                                            InFull(signer.identified_at()));
  }
}

void CheckSigners(const pb::Event& event, Faults& faults) {
  if (event.signers_size() < 1 || event.signers_size() > kMaxSigners) {
    faults.Add("signers",
               "event must have 1 to 8 signers, found " + std::to_string(event.signers_size()));
  }
  std::set<std::string_view> keys;
  std::set<std::string_view> persons;
  for (int i = 0; i < event.signers_size(); ++i) {
    CheckSigner(event, i, faults);
    const std::string path = "signers[" + std::to_string(i) + "]";
    if (!keys.insert(event.signers(i).key_id()).second) {
      faults.Add(path + ".key_id", "two signers of one event use the same key");
    }
    if (!persons.insert(event.signers(i).person()).second) {
      faults.Add(path + ".person", "two signers of one event are the same person, " +
                                       event.signers(i).person() + ": another person must sign");
    }
  }
}

void CheckPerformers(const pb::Event& event, Faults& faults) {
  if (event.performed_by_size() > kMaxPerformers) {
    faults.Add("performed_by",
               "at most 8 people may be named, found " + std::to_string(event.performed_by_size()));
  }
  for (int i = 0; i < event.performed_by_size(); ++i) {
    const pb::Performer& performer = event.performed_by(i);
    const std::string path = "performed_by[" + std::to_string(i) + "]";
    CheckLength(performer.person(), kMaxIdBytes, path + ".person", "person", faults);
    CheckText(performer.printed_name(), kMaxNameBytes, path + ".printed_name", "printed name",
              faults);
    if (performer.role() == pb::ROLE_UNSPECIFIED) faults.Add(path + ".role", "role is required");
  }
}

void CheckEntry(const pb::Event& event, Faults& faults) {
  const bool live = event.entry() == pb::LIVE;
  const bool therapy = IsTherapyChain(event.chain());
  if (event.entry() == pb::ENTRY_MODE_UNSPECIFIED) {
    faults.Add("entry", "entry must say LIVE, LATE or DOWNTIME");
  } else if (!live && (!therapy || event.has_adopted())) {
    faults.Add("entry", "acts of the registry and adoptions are entered LIVE");
  }
  if (live && !event.late_reason().empty()) {
    faults.Add("late_reason", "a reason for late entry stands only in LATE and DOWNTIME events");
  }
  if (live && event.performed_by_size() > 0) {
    faults.Add("performed_by", "who did it is named only in LATE and DOWNTIME events");
  }
  if (!live && event.entry() != pb::ENTRY_MODE_UNSPECIFIED) {
    CheckText(event.late_reason(), kMaxReasonBytes, "late_reason", "reason for late entry", faults);
  }
  CheckPerformers(event, faults);
  if (event.grants_size() > kMaxGrants || (!therapy && event.grants_size() > 0)) {
    faults.Add("grants", "at most 16 overrides may be cited, and only in a therapy");
  }
  std::set<std::string_view> grants;
  for (const std::string& grant : event.grants()) {
    if (grant.size() != kHashBytes || !grants.insert(grant).second) {
      faults.Add("grants", "an override is cited once, by the 32-byte id of its event");
    }
  }
}

void CheckTrustees(int count, std::uint32_t quorum, std::string_view path, Faults& faults) {
  if (count > kMaxTrustees) {
    faults.Add(path, "there may be 1 to 8 trustees, found " + std::to_string(count));
  }
  if (quorum > static_cast<std::uint32_t>(count)) {
    faults.Add(path, "quorum must be at most the number of trustees, " + std::to_string(count) +
                         ", found " + std::to_string(quorum));
  }
}

void CheckGenesis(const pb::LedgerCreated& body, Faults& faults) {
  CheckTrustees(body.trustees_size(), body.quorum(), "ledger_created.trustees", faults);
  const auto log_key = NoteVerifier::Parse(body.log_key());
  if (!log_key.ok()) return faults.Add("ledger_created.log_key", Message(log_key.status()));
  if (log_key->type() != NoteKeyType::kEd25519) {
    faults.Add("ledger_created.log_key", "log key must be of type 0x01 (Ed25519)");
  }
  if (log_key->name() != body.origin()) {
    faults.Add("ledger_created.log_key", "log key must be named like the origin, \"" +
                                             body.origin() + "\", found \"" + log_key->name() +
                                             "\"");
  }
}

}  // namespace

Status CheckShape(const pb::Event& event, pb::BadFields* bad_fields) {
  Faults faults(bad_fields);
  CheckPlace(event, faults);
  CheckTimes(event, faults);
  const bool at_station = IsTherapyChain(event.chain());  // the registry grows anywhere
  if (event.station().size() > kMaxIdBytes || (at_station && event.station().empty())) {
    faults.Add("station", "station must be named, in at most 64 bytes");
  }
  CheckSigners(event, faults);
  CheckEntry(event, faults);
  if (const auto* body = BodyField(event); body != nullptr) {
    const auto& message = event.GetReflection()->GetMessage(event, body);
    CheckFields(message, body->name(), faults);
  }
  if (event.has_ledger_created()) CheckGenesis(event.ledger_created(), faults);
  if (event.has_trustees_changed()) {
    const pb::TrusteesChanged& body = event.trustees_changed();
    CheckTrustees(body.trustees_size(), body.quorum(), "trustees_changed.trustees", faults);
  }
  return faults.ToStatus();
}

}  // namespace custody
