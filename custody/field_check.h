// The fields of a body against their annotations; a part of CheckShape.
#ifndef CUSTODY_CUSTODY_FIELD_CHECK_H_
#define CUSTODY_CUSTODY_FIELD_CHECK_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `Faults` collects what is wrong with which field: all of it for people, the first for a Status.
class Faults {
 public:
  // `bad_fields` may be null; it must outlive this.
  explicit Faults(pb::BadFields* bad_fields) : bad_fields_(bad_fields) {}

  void Add(std::string_view path, std::string_view reason);
  // `ToStatus` is OK, or INVALID_ARGUMENT with the first fault and how many more there are.
  Status ToStatus() const;

 private:
  pb::BadFields* bad_fields_;
  std::size_t count_ = 0;
  std::string first_;
};

// `CheckLength` holds a text against `limit` (bytes) and refuses control characters other than line
// feed and tab.
void CheckLength(std::string_view text, std::size_t limit, std::string_view path,
                 std::string_view label, Faults& faults);

// `CheckFields` holds `message` and all messages in it against the annotations of their fields:
// required (or not excused), text length, possible range (rule R07), and the form of identifiers,
// keys and hashes. `path` is where the message stands ("apheresis_completed").
void CheckFields(const google::protobuf::Message& message, const std::string& path, Faults& faults);

// `IsRequired` says whether `field` of `message` has to be there: where its annotation says so, and
// where another answer of the message could excuse it and does not.
bool IsRequired(const google::protobuf::FieldDescriptor& field,
                const google::protobuf::Message& message);

// `FormatNumber` writes a number as people do: 73000, 0.25.
std::string FormatNumber(double number);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_FIELD_CHECK_H_
