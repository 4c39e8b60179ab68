#include "custody/audit_entry.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <utility>

#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "custody/chain.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;

void CarryKey(std::string_view spki, AuditedEntry& entry) {
  // A key that is no key is the registry's finding; here it only does not enter the book.
  if (auto key = PublicKey::FromSpki(spki); key.ok()) entry.carried_keys.push_back(*std::move(key));
}

void CarryKeys(const pb::Event& event, AuditedEntry& entry) {
  for (const pb::Trustee& trustee : event.ledger_created().trustees())
    CarryKey(trustee.spki(), entry);
  for (const pb::Trustee& trustee : event.trustees_changed().trustees())
    CarryKey(trustee.spki(), entry);
  if (event.has_key_enrolled()) CarryKey(event.key_enrolled().spki(), entry);
}

// Tells bytes that cannot be read from a message that should not have been signed.
void ReportMalformed(const Status& why, AuditedEntry& entry) {
  const bool readable = CheckStrict(*pb::Event::descriptor(), entry.signed_event->payload()).ok();
  entry.Report(readable ? pb::INCONSISTENT : pb::UNREADABLE, readable ? "shape" : "event",
               Message(why) + "; the event is not used further");
}

// `Refute` reports that the event is not the one that the log's entry is about.
void Refute(pb::FindingGrade grade, std::string_view check, const std::string& reason,
            AuditedEntry& entry) {
  entry.intact = false;
  entry.Report(grade, check, reason + "; the event is not used further");
}

void CheckAgreement(AuditedEntry& entry) {
  const pb::LogEntry& log_entry = *entry.log_entry;
  if (entry.event_id.view() != log_entry.event_id())
    Refute(pb::FORGED, "event-id", "the payload is not the one that the log holds", entry);
  if (RecordOf(entry.event_id, *entry.signed_event).view() != log_entry.record())
    Refute(pb::FORGED, "record", "payload and signatures are not what the log holds", entry);
  if (!entry.event) return;
  const pb::Event& event = entry.event->event;
  if (Sha256(event.chain()).view() != log_entry.chain_key())
    Refute(pb::INCONSISTENT, "chain-key",
           "the event belongs to " + event.chain() + ", its entry to another chain", entry);
  if (event.sequence() != log_entry.sequence())
    Refute(pb::INCONSISTENT, "sequence",
           "the event says sequence " + std::to_string(event.sequence()) + ", its entry " +
               std::to_string(log_entry.sequence()),
           entry);
}

void CollectAttachments(const google::protobuf::Message& message,
                        std::vector<const pb::AttachmentRef*>& found) {
  if (message.GetDescriptor() == pb::AttachmentRef::descriptor()) {
    found.push_back(static_cast<const pb::AttachmentRef*>(&message));
    return;
  }
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      CollectAttachments(reflection.GetMessage(message, field), found);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      CollectAttachments(reflection.GetRepeatedMessage(message, field, i), found);
  }
}

}  // namespace

void AuditedEntry::Report(pb::FindingGrade grade, std::string_view check, std::string reason) {
  pb::Finding& finding = findings.emplace_back();
  finding.set_grade(grade);
  finding.set_index(index);
  finding.set_check(std::string(check));
  finding.set_reason(std::move(reason));
  if (!stated_chain.empty()) {
    finding.set_chain(stated_chain);
  } else if (event) {
    finding.set_chain(event->event.chain());
  }
  if (log_entry) finding.set_sequence(log_entry->sequence());
}

void CheckSignatures(const KeyBook& keys, AuditedEntry& entry) {
  const KeyLookup lookup = [&](const Hash& key_id) -> const PublicKey* {
    if (const auto found = keys.find(key_id); found != keys.end()) return &found->second;
    for (const PublicKey& key : entry.carried_keys) {
      if (key.key_id() == key_id) return &key;
    }
    return nullptr;
  };
  // An event that is not well-formed still has its signatures checked, as far as it can be read:
  // one fault does not hide another.
  pb::Event loose;
  if (!entry.event && !loose.ParseFromString(entry.signed_event->payload())) return;
  const Status status = entry.event ? VerifySignatures(*entry.signed_event, *entry.event, lookup)
                                    : VerifySignatures(*entry.signed_event, loose, lookup);
  if (status.ok()) {
    entry.signatures = SignatureState::kHold;
    entry.signatures_verified = static_cast<std::uint32_t>(entry.signed_event->signatures_size());
    if (entry.event && entry.event->original)
      entry.signatures_verified +=
          static_cast<std::uint32_t>(entry.event->original->event.signers_size());
  } else if (status.code() == StatusCode::kPermissionDenied) {
    entry.signatures = SignatureState::kUnknownKey;  // reported when the book is complete
  } else {
    entry.signatures = SignatureState::kBroken;
    entry.Report(pb::FORGED, "signature", Message(status) + "; the event is not used further");
  }
}

void CheckEntry(const KeyBook& keys, bool signatures, AuditedEntry& entry) {
  entry.leaf_hash = LeafHash(entry.entry);
  if (auto log_entry = ParseLogEntry(entry.entry); log_entry.ok()) {
    entry.log_entry = *std::move(log_entry);
  } else {
    entry.Report(pb::UNREADABLE, "entry", Message(log_entry.status()));
  }
  if (!entry.signed_event) {
    if (entry.log_entry) entry.event_id = *Hash::FromBytes(entry.log_entry->event_id());
    return;
  }
  auto event = ParseEvent(entry.signed_event->payload());
  if (event.ok()) {
    entry.event_id = event->event_id;
    entry.event = *std::move(event);
    CarryKeys(entry.event->event, entry);
  } else {
    entry.event_id = EventId(entry.signed_event->payload());
    ReportMalformed(event.status(), entry);
  }
  if (entry.log_entry) CheckAgreement(entry);
  if (signatures) CheckSignatures(keys, entry);
}

std::vector<const pb::AttachmentRef*> AttachmentsOf(const pb::Event& event) {
  std::vector<const pb::AttachmentRef*> found;
  CollectAttachments(event, found);
  return found;
}

}  // namespace custody
