// Events as bytes and as messages: strict parsing, shape, and the signatures on them.
//
// Whatever is refused here is also a finding when a verifier meets it in a log, so nothing is
// appended that an auditor would object to.
#ifndef CUSTODY_CUSTODY_EVENT_H_
#define CUSTODY_CUSTODY_EVENT_H_

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

inline constexpr std::size_t kMaxPayloadBytes = 64'000;          // formats 4
inline constexpr std::size_t kMaxAdoptingPayloadBytes = 66'000;  // formats 1
inline constexpr std::size_t kMaxEntryBytes = 512;               // formats 4
inline constexpr std::size_t kMaxAttachmentBytes = 64 << 20;
inline constexpr int kMaxSigners = 8;
inline constexpr std::int64_t kMaxClockAheadMicros = 2 * kMicrosPerMinute;

// `CheckStrict` walks the wire bytes of a message of type `type` and refuses, at any depth: a
// singular field twice, a second member of a oneof, an unknown field, group or enum value, enum
// value 0, a varint out of its field's range, invalid UTF-8, a Timestamp with nanos outside
// 0..999,999,999 or seconds outside years 0001-9999, and bytes after the last field
// (INVALID_ARGUMENT, naming the field's path).
Status CheckStrict(const google::protobuf::Descriptor& type, std::string_view bytes);

// `ParsedEvent` is a strictly parsed, well-shaped event. Nothing in it may be shown or used before
// its signatures hold. Move-only.
struct ParsedEvent {
  Hash event_id;
  pb::Event event;                        // as signed
  std::unique_ptr<ParsedEvent> original;  // of an AdoptedEvent: the event it carries

  // `effective` is what happened: the original of an adopted event, else the event itself.
  // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.UndefReturn): `original` is null or whole
  const pb::Event& effective() const { return original ? original->event : event; }
  const Hash& effective_id() const { return original ? original->event_id : event_id; }
};

// `ParseEvent` checks sizes, CheckStrict and CheckShape, and for an AdoptedEvent the same of its
// original. It looks at no signature.
StatusOr<ParsedEvent> ParseEvent(std::string_view payload);

// `CheckShape` holds an event against formats section 1 and its body's annotations: chain name and
// the bodies that belong to it, previous and ledger lengths, 1..8 signers with pairwise different
// keys and persons, times present and occurred_at <= signed_at, zone known, late_reason and
// performed_by only when not LIVE, required fields, text lengths, possible ranges (R07).
// `bad_fields` (may be null) gets every fault, not only the first.
Status CheckShape(const pb::Event& event, pb::BadFields* bad_fields);

// Gives the enrolled key for a key id, or null. The pointer lives as long as its source.
using KeyLookup = std::function<const PublicKey*(const Hash& key_id)>;

// `VerifySignatures` checks that `signed_event` carries exactly one signature for each of
// `event.signers`, in order, and that each holds over the payload. PERMISSION_DENIED when a key is
// not known to `keys`; INVALID_ARGUMENT when a signature is missing, extra, swapped or wrong.
Status VerifySignatures(const pb::SignedEvent& signed_event, const pb::Event& event,
                        const KeyLookup& keys);
// The same for a parsed event and, when it adopts one, for its original by its own signers: what
// admission and audits call.
Status VerifySignatures(const pb::SignedEvent& signed_event, const ParsedEvent& parsed,
                        const KeyLookup& keys);

// `SignEvent` serializes `event` once and signs it with `keys`, in the order of event.signers.
// INVALID_ARGUMENT when a key's id is not the signer's.
StatusOr<pb::SignedEvent> SignEvent(const pb::Event& event,
                                    std::span<const PrivateKey* const> keys);

// `RecordOf` is RecordHash over the event's signatures.
Hash RecordOf(const Hash& event_id, const pb::SignedEvent& signed_event);
// `ParseLogEntry` is strict: at most 512 bytes, CheckStrict, 32-byte hashes, received_at present.
StatusOr<pb::LogEntry> ParseLogEntry(std::string_view bytes);

// `BodyField` is the oneof member of `event` that is set, or null.
const google::protobuf::FieldDescriptor* BodyField(const pb::Event& event);
// `BodyName` is its name ("apheresis_started"), or "".
std::string_view BodyName(const pb::Event& event);
// `BodyRule` is the body's annotation (an empty one when no body is set).
const pb::EventRule& BodyRule(const pb::Event& event);
const pb::EventRule& RuleOfBody(const google::protobuf::FieldDescriptor& body);
const pb::FieldRule& RuleOfField(const google::protobuf::FieldDescriptor& field);
// `FindBody` finds a body by its oneof name or its process name in capitals; null when there is
// none.
const google::protobuf::FieldDescriptor* FindBody(std::string_view name);

// `DecodedView` is protobuf's JSON mapping of an event, one line, fields by their proto names; it
// is deterministic, and what bundles carry as "event".
StatusOr<std::string> DecodedView(const pb::Event& event);

// `Schema` is the serialized FileDescriptorSet of event.proto and what it imports, in dependency
// order: what the registry publishes by its SHA-256.
const std::string& Schema();

}  // namespace custody

#endif  // CUSTODY_CUSTODY_EVENT_H_
