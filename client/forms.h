// Forms out of the schema: fields are found, read and shown by reflection over an event's body.
//
// Nothing here knows any event: labels, units, ranges and what to scan stand in the messages'
// annotations (proto/custody/v1/annotations.proto), so a new event type needs no code here.
//
// A field is named as its message names it, with dashes or underscores: `volume-ml`. Parts of a
// part are joined by points, and one of several has its number, counted from 0, after its name:
// `checks.1.container`. Without a number a repeated part grows by repetition: `--containers.bag B1
// --containers.volume 20 --containers.bag B2` gives two containers.
#ifndef CUSTODY_CLIENT_FORMS_H_
#define CUSTODY_CLIENT_FORMS_H_

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"
#include "custody/v1/common.pb.h"

namespace custody {

// `FieldSources` is what reading a field needs from outside: where and when, and for two kinds of
// field somebody who turns what was given into what may stand in an event.
struct FieldSources {
  std::string zone;
  Instant now;
  // A patient identifier in clear ("mrn:HOSPITAL:123") to its commitment. Empty: not here.
  std::function<StatusOr<v1::IdentifierCommitment>(std::string_view clear)> commit;
  // A file's name to a reference, after the file was handed in. Empty: not here.
  std::function<StatusOr<v1::AttachmentRef>(std::string_view file)> attach;
  // Told of values outside the usual range (they are accepted). Empty: not told.
  std::function<void(const std::string& remark)> unusual;
};

// `SetField` sets the field `path` of `message` from `text`. INVALID_ARGUMENT says what was
// expected and what was found: an unknown field (with the nearest name), a value of another kind, a
// unit that is not the field's, a number outside its possible range, a text too long, a field given
// twice.
//
// Numbers may carry their unit ("110 mL"; "-150.2 Cel" where the field counts 0.01 Cel). Answers
// and other choices go by name or label. Times are as ParseTime reads them. Bytes are hex, or
// "base64:...". Scans go as the scanner gave them; what was typed instead is written "typed:VALUE",
// with its check character "checked:VALUE".
Status SetField(google::protobuf::Message& message, std::string_view path, std::string_view text,
                const FieldSources& sources);

// `FindField` finds a field of one message by its name, dashes or underscores; INVALID_ARGUMENT
// with the nearest name otherwise.
StatusOr<const google::protobuf::FieldDescriptor*> FindField(
    const google::protobuf::Descriptor& type, std::string_view name);

// `OptionName` is a field's name with dashes.
std::string OptionName(const google::protobuf::FieldDescriptor& field);
// `LabelOf` is the field's label, or its name in words when the schema gives none.
std::string LabelOf(const google::protobuf::FieldDescriptor& field);
// `ChoiceLabel` is an enum value's label, or its name without the prefix its type gives all.
std::string ChoiceLabel(const google::protobuf::EnumValueDescriptor& value);
// `ChoicesOf` lists what may be given for a field of an enum, in order.
std::vector<std::string> ChoicesOf(const google::protobuf::FieldDescriptor& field);
// `RangeInWords` is "20 to 500 mL (usually 50 to 300)"; empty without a range.
std::string RangeInWords(const google::protobuf::FieldDescriptor& field);

// `ShownUnit` is a unit as people write it: "Cel" (UCUM, as the schema has it) is shown as °C.
std::string ShownUnit(std::string_view unit);
// `WholesOf` is what a unit counts hundredths of, "Cel" for "0.01 Cel"; any other unit is its own.
std::string_view WholesOf(std::string_view unit);

// `ShowField` gives one value of a field for people: with its unit, times local in `zone`, choices
// by label, commitments never but as "committed". `index` is -1 for a field that is not repeated.
std::string ShowField(const google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field, int index,
                      std::string_view zone);

// `MissingFields` lists required fields that are not set, at any depth, as paths.
std::vector<std::string> MissingFields(const google::protobuf::Message& message);

// `FieldNumber` writes a number as briefly as it reads back exactly.
std::string FieldNumber(double value);

}  // namespace custody

#endif  // CUSTODY_CLIENT_FORMS_H_
