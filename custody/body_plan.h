// What the annotations say of every body, looked up once: the rules ask it for every event.
#ifndef CUSTODY_CUSTODY_BODY_PLAN_H_
#define CUSTODY_CUSTODY_BODY_PLAN_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `IsNumber` and `IsTime` say what kind of value a field has.
bool IsNumber(const google::protobuf::FieldDescriptor& field);
bool IsTime(const google::protobuf::FieldDescriptor& field);

// `PlannedField` is a field anywhere in a body that a check looks at, by the way that leads to it.
struct PlannedField {
  std::string path;  // "received_mfg.logger_readings.min_temperature"
  std::vector<const google::protobuf::FieldDescriptor*> way;  // from the body down; last: the field
  const pb::FieldRule* rule = nullptr;
};

// `BodyPlan` is one event type as the checks need it. Lives as long as the program.
struct BodyPlan {
  int number = 0;  // field number in Event; 0: no such body
  const google::protobuf::FieldDescriptor* body = nullptr;  // oneof member
  std::string_view name;                                    // "apheresis_started"
  const pb::EventRule* rule = nullptr;
  std::vector<PlannedField> usual;  // numbers with a usual range
  std::vector<PlannedField> scans;  // COI, DIN, wristband, lot, container, ...
};

// `PlanOf` gives the plan of the body numbered `number` (pb::Event::BodyCase); a plan with number 0
// when there is none. Thread-safe.
const BodyPlan& PlanOf(int number);
inline const BodyPlan& PlanOf(const pb::Event& event) {
  return PlanOf(static_cast<int>(event.body_case()));
}
// `Plans` is every plan, by number.
const std::vector<const BodyPlan*>& Plans();
// `BodyNumber` is the number of the body called `name` ("thaw_started"), or 0.
int BodyNumber(std::string_view name);

// `StringsAt` collects the texts that stand at `field` in `body`: of a string field itself, of a
// Scanned its value, of an IdentifierCommitment the commitment. Empty strings are left out.
// Pointers live as long as `body` is unchanged.
void StringsAt(const google::protobuf::Message& body, const PlannedField& field,
               std::vector<const std::string*>& out);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_BODY_PLAN_H_
