// Rule R45: production never meets tests. ICCBBA sets facility numbers A9990 to A9999 aside for
// validation, so a donation or chain-of-identity number tells by itself where it belongs; every
// field that is scanned as one is looked at, in whatever body it stands.
#include <google/protobuf/descriptor.h>

#include <vector>

#include "custody/identity.h"
#include "custody/objection.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

void JudgeFacility(std::string_view facility, const std::string& subject,
                   const Objections& objections) {
  const bool production = objections.registry.environment() == pb::PRODUCTION;
  if (facility.empty() || IsReservedFacility(facility) != production) return;
  objections.Refuse(
      "R45",
      {subject,
       production ? "a facility number of a real facility"
                  : "one of the facility numbers A9990 to A9999, which are set aside for tests",
       "facility number " + std::string(facility),
       production
           ? "this item comes from a test or demonstration: do not use it for a patient"
           : "this ledger is for " + pb::Environment_Name(objections.registry.environment()) +
                 " only: record real items in the production ledger"});
}

// `scanned_as` is what the message itself is scanned as: it binds the `value` of a Scanned.
void JudgeFields(const google::protobuf::Message& message, const std::string& path,
                 pb::ScanKind scanned_as, const Objections& objections) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool inner = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!inner && field->type() != FieldDescriptor::TYPE_STRING) continue;
    const pb::ScanKind own = RuleOfField(*field).scan();
    const pb::ScanKind scan = own == pb::SCAN_KIND_UNSPECIFIED ? scanned_as : own;
    if (!inner && scan != pb::SCAN_DIN && scan != pb::SCAN_COI) continue;
    const std::string here = path + "." + field->name();
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (inner) {
        JudgeFields(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                         : reflection.GetMessage(message, field),
                    here, scan, objections);
        continue;
      }
      std::string scratch;
      const std::string& value =
          field->is_repeated() ? reflection.GetRepeatedStringReference(message, field, i, &scratch)
                               : reflection.GetStringReference(message, field, &scratch);
      JudgeFacility(FacilityOf(value), here, objections);
    }
  }
}

void JudgeOrigin(const pb::LedgerCreated& body, const Objections& objections) {
  const bool demo = body.environment() == pb::DEMO;
  if (body.origin().starts_with("demo.") == demo) return;
  objections.Refuse("R45", {"ledger_created.origin",
                            demo ? "an origin that begins \"demo.\", as the ledger is a DEMO"
                                 : "an origin that does not begin \"demo.\", as the ledger is no "
                                   "DEMO",
                            "\"" + body.origin() + "\"", "choose another origin"});
}

}  // namespace

void JudgeEnvironment(const pb::Event& event, const Objections& objections) {
  if (event.has_ledger_created()) return JudgeOrigin(event.ledger_created(), objections);
  if (event.has_site_enrolled()) {
    for (const std::string& facility : event.site_enrolled().facility_numbers()) {
      JudgeFacility(facility, "site_enrolled.facility_numbers", objections);
    }
  }
  if (event.has_profile_published()) {
    const pb::Environment meant = event.profile_published().profile().environment();
    if (meant == objections.registry.environment()) return;
    objections.Refuse(
        "R45", {"profile_published.profile.environment",
                "a profile made for " + pb::Environment_Name(objections.registry.environment()),
                "one made for " + pb::Environment_Name(meant),
                "publish the profile that was made for this ledger"});
    return;
  }
  if (const auto* body = BodyField(event); body != nullptr) {
    JudgeFields(event.GetReflection()->GetMessage(event, body), body->name(),
                pb::SCAN_KIND_UNSPECIFIED, objections);
  }
}

}  // namespace custody
