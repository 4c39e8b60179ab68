// What an event's body says to the store: identifiers to be found by, attachments it names.
#ifndef CUSTODY_SERVER_LEDGER_EVENT_CONTENTS_H_
#define CUSTODY_SERVER_LEDGER_EVENT_CONTENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

struct NamedIdentifier {
  std::string type;  // the ScanKind in lower case without SCAN_: "coi", "din", "lot", "container"
  std::string value;
  friend auto operator<=>(const NamedIdentifier&, const NamedIdentifier&) = default;
};

struct EventContents {
  std::vector<NamedIdentifier> identifiers;  // each once; nothing of patients or staff
  std::vector<pb::AttachmentRef> attachments;
};

// `ContentsOf` walks the body by its annotations. REQUIRES: `event` passed CheckShape.
EventContents ContentsOf(const pb::Event& event);

// `IdentifierTypes` are all types that ContentsOf may give.
const std::vector<std::string>& IdentifierTypes();

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_EVENT_CONTENTS_H_
