#include "custody/event.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <set>

#include "crypto/dsse.h"
#include "crypto/encoding.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr std::size_t kSignatureBytes = 64;

std::string ShortHex(std::string_view bytes) { return Hex(bytes.substr(0, 8)); }

std::string TooLong(std::string_view what, std::size_t limit, std::size_t found) {
  return std::string(what) + " must be at most " + std::to_string(limit) + " bytes, found " +
         std::to_string(found);
}

StatusOr<ParsedEvent> ParseOne(std::string_view payload) {
  if (payload.size() > kMaxAdoptingPayloadBytes) {
    return InvalidArgument(TooLong("event", kMaxPayloadBytes, payload.size()));
  }
  CUSTODY_RETURN_IF_ERROR(CheckStrict(*pb::Event::descriptor(), payload));
  ParsedEvent parsed;
  if (!parsed.event.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return InvalidArgument("event is not a message of type custody.v1.Event");
  }
  if (!parsed.event.has_adopted() && payload.size() > kMaxPayloadBytes) {
    return InvalidArgument(TooLong("event", kMaxPayloadBytes, payload.size()));
  }
  CUSTODY_RETURN_IF_ERROR(CheckShape(parsed.event, nullptr));
  parsed.event_id = EventId(payload);
  return parsed;
}

// An original belongs to the chain and ledger that adopt it, and adopts nothing itself.
Status CheckOriginal(const pb::Event& adopting, const pb::Event& original) {
  if (original.chain() != adopting.chain()) {
    return InvalidArgument("adopted event belongs to chain " + original.chain() + ", not to " +
                           adopting.chain());
  }
  if (original.ledger() != adopting.ledger()) {
    return InvalidArgument("adopted event belongs to ledger " + ShortHex(original.ledger()) +
                           ", not to " + ShortHex(adopting.ledger()));
  }
  if (original.has_adopted()) {
    return InvalidArgument("adopted event adopts another one, send the innermost original");
  }
  return absl::OkStatus();
}

// The file and what it imports, imports first, each once.
void AddFile(const FileDescriptor& file, std::set<const FileDescriptor*>& seen,
             google::protobuf::FileDescriptorSet& set) {
  if (!seen.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), seen, set);
  google::protobuf::FileDescriptorProto* proto = set.add_file();
  file.CopyTo(proto);
  file.CopyJsonNameTo(proto);
}

std::string MakeSchema() {
  std::set<const FileDescriptor*> seen;
  google::protobuf::FileDescriptorSet set;
  AddFile(*pb::Event::descriptor()->file(), seen, set);
  return set.SerializeAsString();
}

std::map<std::string, const FieldDescriptor*, std::less<>> BodiesByName() {
  std::map<std::string, const FieldDescriptor*, std::less<>> bodies;
  const auto* oneof = pb::Event::descriptor()->FindOneofByName("body");
  for (int i = 0; i < oneof->field_count(); ++i) {
    bodies.emplace(oneof->field(i)->name(), oneof->field(i));
  }
  return bodies;
}

}  // namespace

StatusOr<ParsedEvent> ParseEvent(std::string_view payload) {
  CUSTODY_ASSIGN_OR_RETURN(ParsedEvent parsed, ParseOne(payload));
  if (!parsed.event.has_adopted()) return parsed;
  const std::string& bytes = parsed.event.adopted().original().payload();
  if (bytes.size() > kMaxPayloadBytes) {
    return InvalidArgument(TooLong("adopted event", kMaxPayloadBytes, bytes.size()));
  }
  auto original = ParseOne(bytes);
  if (!original.ok()) return WithContext(original.status(), "adopted event");
  CUSTODY_RETURN_IF_ERROR(CheckOriginal(parsed.event, original->event));
  parsed.original = std::make_unique<ParsedEvent>(*std::move(original));
  return parsed;
}

Status VerifySignatures(const pb::SignedEvent& signed_event, const pb::Event& event,
                        const KeyLookup& keys) {
  if (signed_event.signatures_size() != event.signers_size()) {
    return InvalidArgument("event names " + std::to_string(event.signers_size()) +
                           " signers and carries " +
                           std::to_string(signed_event.signatures_size()) + " signatures");
  }
  const std::string message = Pae(kEventPayloadType, signed_event.payload());
  for (int i = 0; i < event.signers_size(); ++i) {
    const pb::Signer& signer = event.signers(i);
    const pb::Signature& signature = signed_event.signatures(i);
    const std::string which = "signature " + std::to_string(i + 1) + " (" + signer.person() + ")";
    if (signature.key_id() != signer.key_id()) {
      return InvalidArgument(which + " is by key " + ShortHex(signature.key_id()) +
                             ", the event names key " + ShortHex(signer.key_id()) +
                             " there: signatures stand in the order of the signers");
    }
    if (signature.value().size() != kSignatureBytes) {
      return InvalidArgument(which + " must have 64 bytes, found " +
                             std::to_string(signature.value().size()));
    }
    CUSTODY_ASSIGN_OR_RETURN(const Hash key_id, Hash::FromBytes(signer.key_id()));
    const PublicKey* key = keys(key_id);
    if (key == nullptr) {
      return PermissionDenied("key " + ShortHex(signer.key_id()) + " of " + signer.person() +
                              " is not enrolled here or was revoked");
    }
    if (const Status verified = key->Verify(message, signature.value()); !verified.ok()) {
      return InvalidArgument(
          which + ": " + Message(verified) +
          ": the key made it over other bytes, or under another payload type than " +
          std::string(kEventPayloadType));
    }
  }
  return absl::OkStatus();
}

Status VerifySignatures(const pb::SignedEvent& signed_event, const ParsedEvent& parsed,
                        const KeyLookup& keys) {
  CUSTODY_RETURN_IF_ERROR(VerifySignatures(signed_event, parsed.event, keys));
  if (!parsed.original) return absl::OkStatus();
  return WithContext(
      VerifySignatures(parsed.event.adopted().original(), parsed.original->event, keys),
      "adopted event");
}

StatusOr<pb::SignedEvent> SignEvent(const pb::Event& event,
                                    std::span<const PrivateKey* const> keys) {
  if (keys.size() != static_cast<std::size_t>(event.signers_size())) {
    return InvalidArgument("event names " + std::to_string(event.signers_size()) +
                           " signers, found " + std::to_string(keys.size()) + " keys");
  }
  pb::SignedEvent signed_event;
  if (!event.SerializeToString(signed_event.mutable_payload())) {
    return InvalidArgument("event cannot be serialized");
  }
  const std::string message = Pae(kEventPayloadType, signed_event.payload());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const pb::Signer& signer = event.signers(static_cast<int>(i));
    if (keys[i]->key_id().view() != signer.key_id()) {
      return InvalidArgument("key " + ShortHex(keys[i]->key_id().view()) + " is not the one " +
                             signer.person() + " signs with, " + ShortHex(signer.key_id()));
    }
    CUSTODY_ASSIGN_OR_RETURN(std::string value, keys[i]->Sign(message));
    pb::Signature* signature = signed_event.add_signatures();
    signature->set_key_id(signer.key_id());
    signature->set_value(std::move(value));
  }
  return signed_event;
}

Hash RecordOf(const Hash& event_id, const pb::SignedEvent& signed_event) {
  std::vector<SignatureView> signatures;
  for (const pb::Signature& signature : signed_event.signatures()) {
    signatures.push_back({signature.key_id(), signature.value()});
  }
  return RecordHash(event_id, signatures);
}

StatusOr<pb::LogEntry> ParseLogEntry(std::string_view bytes) {
  if (bytes.size() > kMaxEntryBytes) {
    return InvalidArgument(TooLong("log entry", kMaxEntryBytes, bytes.size()));
  }
  CUSTODY_RETURN_IF_ERROR(CheckStrict(*pb::LogEntry::descriptor(), bytes));
  pb::LogEntry entry;
  if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("log entry is not a message of type custody.v1.LogEntry");
  }
  const std::pair<std::string_view, const std::string*> hashes[] = {
      {"chain_key", &entry.chain_key()},
      {"event_id", &entry.event_id()},
      {"record", &entry.record()},
      {"heads_root", &entry.heads_root()}};
  for (const auto& [name, hash] : hashes) {
    if (hash->size() == sizeof(Hash::bytes)) continue;
    return InvalidArgument("log entry's " + std::string(name) + " must have 32 bytes, found " +
                           std::to_string(hash->size()));
  }
  if (!entry.has_received_at()) return InvalidArgument("log entry has no received_at");
  return entry;
}

const FieldDescriptor* BodyField(const pb::Event& event) {
  if (event.body_case() == pb::Event::BODY_NOT_SET) return nullptr;
  return pb::Event::descriptor()->FindFieldByNumber(static_cast<int>(event.body_case()));
}

std::string_view BodyName(const pb::Event& event) {
  const FieldDescriptor* body = BodyField(event);
  return body == nullptr ? std::string_view() : std::string_view(body->name());
}

const pb::EventRule& BodyRule(const pb::Event& event) {
  const FieldDescriptor* body = BodyField(event);
  return body == nullptr ? pb::EventRule::default_instance() : RuleOfBody(*body);
}

const pb::EventRule& RuleOfBody(const FieldDescriptor& body) {
  const Descriptor* type = body.message_type();
  if (type == nullptr) return pb::EventRule::default_instance();
  return type->options().GetExtension(pb::event);
}

const pb::FieldRule& RuleOfField(const FieldDescriptor& field) {
  return field.options().GetExtension(pb::field);
}

const FieldDescriptor* FindBody(std::string_view name) {
  static const auto& bodies =
      *new std::map<std::string, const FieldDescriptor*, std::less<>>(BodiesByName());
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto found = bodies.find(lower);
  return found == bodies.end() ? nullptr : found->second;
}

StatusOr<std::string> DecodedView(const pb::Event& event) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(event, &json, options);
  if (!status.ok()) {
    return InvalidArgument("event has no JSON form: " + status.ToString());
  }
  return json;
}

const std::string& Schema() {
  static const std::string& schema = *new std::string(MakeSchema());
  return schema;
}

}  // namespace custody
