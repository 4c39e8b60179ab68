// Values of single fields from text. What forms.h promises of values is done here.
#ifndef CUSTODY_CLIENT_FIELD_VALUES_H_
#define CUSTODY_CLIENT_FIELD_VALUES_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "client/forms.h"
#include "crypto/status.h"
#include "custody/event.h"

namespace custody {

// `SetValue` sets (or, when it is repeated, adds to) `field` of `message` from `text`.
Status SetValue(google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                std::string_view text, const FieldSources& sources);

// `NormaliseScan` takes from a scan what the ledger compares: the symbology prefix and the one
// terminator a scanner sends are cut off, a donation number loses its flags, a chain-of-identity
// identifier its data identifier. INVALID_ARGUMENT when the scan is of another kind than `kind`.
StatusOr<std::string> NormaliseScan(pb::ScanKind kind, std::string_view scan);

// `ParseScanned` reads a scan, "typed:VALUE" or "checked:VALUE" into a Scanned.
StatusOr<v1::Scanned> ParseScanned(pb::ScanKind kind, std::string_view text);

// `ClearIdentifier` is a patient identifier as given: TYPE:ISSUER:VALUE. The issuer may be empty,
// the value may hold colons. An entry "typed:TYPE:ISSUER:VALUE" was typed, not scanned.
struct ClearIdentifier {
  std::string type;
  std::string issuer;
  std::string value;
  v1::EntrySource source = v1::SCANNED;

  static StatusOr<ClearIdentifier> Parse(std::string_view text);
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_FIELD_VALUES_H_
