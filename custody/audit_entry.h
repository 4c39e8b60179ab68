// What can be said of one record by itself, before and without its neighbours.
#ifndef CUSTODY_CUSTODY_AUDIT_ENTRY_H_
#define CUSTODY_CUSTODY_AUDIT_ENTRY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "custody/event.h"
#include "custody/pb.h"

namespace custody {

// `KeyBook` holds every key that a registry event ever carried, whoever signed that event. A key id
// is the key's hash, so a key is never the wrong one for its id; whether it was *enrolled* at an
// index is the registry's to say.
using KeyBook = std::unordered_map<Hash, PublicKey>;

enum class SignatureState {
  kUnchecked,   // not asked for, or no event
  kHold,        // every signature verifies under the key of its id
  kUnknownKey,  // a key of the signers was not in the book
  kBroken,      // missing, extra, swapped or wrong
};

// `AuditedEntry` is a record on its way through the audit. Movable.
struct AuditedEntry {
  std::uint64_t index = 0;
  std::string entry;                            // LogEntry bytes, verbatim
  std::optional<pb::SignedEvent> signed_event;  // absent: withheld
  std::string stated_chain;                     // name the file gives it; empty in a log
  std::size_t ordinal = 0;                      // for whoever added it

  // Filled by CheckEntry.
  Hash leaf_hash;
  std::optional<pb::LogEntry> log_entry;  // absent: unreadable
  Hash event_id;                          // of the payload, or as the entry says when withheld
  std::optional<ParsedEvent> event;       // absent: withheld or not well-formed
  bool intact = true;                     // id, record and place are those that the log holds
  SignatureState signatures = SignatureState::kUnchecked;
  std::uint32_t signatures_verified = 0;
  std::vector<PublicKey> carried_keys;  // keys its body brings into the book
  std::vector<pb::Finding> findings;

  // `usable` says whether the event may be shown, judged and folded.
  bool usable() const {
    return event && intact &&
           (signatures == SignatureState::kHold || signatures == SignatureState::kUnchecked);
  }
  // `Report` adds a finding placed at this entry.
  void Report(pb::FindingGrade grade, std::string_view check, std::string reason);
};

// `CheckEntry` does all that needs no neighbour: entry and event parse strictly, id, record, chain
// key and sequence agree, signatures hold under the keys of `keys`. Thread-safe for different
// entries; `keys` is only read. Without `signatures` none is checked.
void CheckEntry(const KeyBook& keys, bool signatures, AuditedEntry& entry);

// `CheckSignatures` checks the signatures of an entry anew, with a book that has grown.
void CheckSignatures(const KeyBook& keys, AuditedEntry& entry);

// `AttachmentsOf` gives every AttachmentRef in `event`, at any depth.
std::vector<const pb::AttachmentRef*> AttachmentsOf(const pb::Event& event);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_AUDIT_ENTRY_H_
