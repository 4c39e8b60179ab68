#include "client/filled_in.h"

#include <algorithm>

#include "custody/grading.h"

namespace custody {

using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

void FillOwnChecks(const pb::Event& event, AnyMessage& body) {
  const auto& reflection = *body.GetReflection();
  for (int i = 0; i < body.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = body.GetDescriptor()->field(i);
    if (!field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string& type = field->message_type()->full_name();
    if (type != "custody.v1.PersonCheck" && type != "custody.v1.IdentityReading") continue;
    const int count = std::min(reflection.FieldSize(body, field), event.signers_size());
    for (int n = 0; n < count; ++n) {
      AnyMessage* check = reflection.MutableRepeatedMessage(&body, field, n);
      const FieldDescriptor* person = check->GetDescriptor()->FindFieldByName("person");
      const FieldDescriptor* at = check->GetDescriptor()->FindFieldByName("at");
      const auto& its = *check->GetReflection();
      if (!its.HasField(*check, person)) {
        its.SetString(check, person, event.signers(n).person());
      }
      if (!its.HasField(*check, at)) {
        its.MutableMessage(check, at)->CopyFrom(event.signers(n).identified_at());
      }
    }
  }
}

void FillComputedGrade(const pb::TherapyState& known, pb::Event& event) {
  const pb::PatientCondition& condition = known.condition();
  if (event.has_crs_graded() && !event.crs_graded().has_computed_grade()) {
    pb::CrsGraded& body = *event.mutable_crs_graded();
    body.set_computed_grade(ComputeCrs(CrsInputsOf(condition, body)).grade);
  }
  if (event.has_icans_graded() && !event.icans_graded().has_computed_grade()) {
    pb::IcansGraded& body = *event.mutable_icans_graded();
    body.set_computed_grade(ComputeIcans(IcansInputsOf(condition, body)));
  }
}

void FillVerifiedAt(Instant verified, const pb::Event& event, AnyMessage& body) {
  const FieldDescriptor* field = body.GetDescriptor()->FindFieldByName("state_verified_at");
  const bool wanted = field != nullptr && event.entry() == pb::LIVE && verified.micros != 0;
  if (!wanted || body.GetReflection()->HasField(body, field)) return;
  body.GetReflection()->MutableMessage(&body, field)->CopyFrom(ToProto(verified));
}

}  // namespace custody
