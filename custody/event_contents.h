// What an event's body says to who looks for things: identifiers to be found by, attachments it
// names. By its annotations, so that a new body is found by as soon as it is written down.
#ifndef CUSTODY_CUSTODY_EVENT_CONTENTS_H_
#define CUSTODY_CUSTODY_EVENT_CONTENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// Under which type people of staff stand: who signed, who did it, who checked.
inline constexpr std::string_view kPersonType = "person";

struct NamedIdentifier {
  // The ScanKind in lower case without SCAN_: "coi", "din", "lot", "container", "equipment";
  // "shipment" and "run" (of a freezer or thaw device), which no one scans; or kPersonType.
  std::string type;
  std::string value;
  friend auto operator<=>(const NamedIdentifier&, const NamedIdentifier&) = default;
};

struct EventContents {
  std::vector<NamedIdentifier> identifiers;  // each once; nothing of patients
  std::vector<pb::AttachmentRef> attachments;
};

// `ContentsOf` walks the body, and adds who signed and who did it. REQUIRES: `event` passed
// CheckShape. Thread-safe.
EventContents ContentsOf(const pb::Event& event);

// `IdentifierTypes` are all types of things that ContentsOf may give: all but kPersonType.
const std::vector<std::string>& IdentifierTypes();

}  // namespace custody

#endif  // CUSTODY_CUSTODY_EVENT_CONTENTS_H_
