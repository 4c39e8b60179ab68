// Messages leave the hospital: pagers, gateways, somebody's telephone. So they hold no patient
// identifier, no name and no word that anybody typed: what happened is said in fixed words by rule,
// and the therapy is named by its id and its chain of identity. Alert ids are made of hashes (see
// custody/alerts.h). Whoever is told looks at a station for the rest.
#include "server/alerting/notice.h"

#include <google/protobuf/util/json_util.h>

#include <array>

#include "custody/audit_report.h"

namespace custody {
namespace {

constexpr std::uint32_t kFormat = 1;

struct Words {
  std::string_view rule;
  pb::AlertSeverity severity;
  const char* what;
  const char* next_step;
};

constexpr std::array<Words, 17> kWords = {{
    {"F5", pb::ALERT_URGENT, "contamination was confirmed of a product that the patient was given",
     "call the treating physician now: examine the patient, take cultures, treat"},
    {"F18", pb::ALERT_URGENT, "something that this therapy has was recalled",
     "use nothing of it; look at the therapy for what was recalled"},
    {"R43", pb::ALERT_URGENT, "first fever after the infusion",
     "see the patient now: cytokine release syndrome and infections begin like this"},
    {"R44", pb::ALERT_URGENT,
     "nobody has decided about intensive care 2 hours after a grade of 3 or more",
     "decide now, and record the decision"},
    {"F8b", pb::ALERT_URGENT, "the identity of cells or product is in doubt",
     "use nothing of it; quality of both sides resolves it, within 15 minutes what is thawed"},
    {"F10", pb::ALERT_SERIOUS, "a shipper is late, or its hold ends",
     "find it, and have nitrogen added or what it keeps brought into a freezer; move what waits"},
    {"F16", pb::ALERT_SERIOUS, "a second cancer was reported of a patient who was treated",
     "quality of the manufacturer says which samples to send"},
    {"SAE", pb::ALERT_SERIOUS, "a serious adverse event was reported",
     "quality of the manufacturer reads the report and looks at the lot"},
    {"FINAL", pb::ALERT_SERIOUS, "the final result of a test is overdue",
     "quality control records it; the product was released negative to date"},
    {"ATTEST", pb::ALERT_ROUTINE, "an entry is not attested after 24 hours",
     "read the entry and attest it, or say what is wrong with it"},
    {"VERBAL", pb::ALERT_SERIOUS, "a verbal order is not confirmed after 24 hours",
     "who gave it confirms it, or says that it was not given"},
    {"R40", pb::ALERT_SERIOUS, "the daily contact with a patient at home is overdue",
     "call the patient, and record the contact"},
    {"R28", pb::ALERT_SERIOUS, "vital signs of a patient in hospital are overdue",
     "measure them and record them"},
    {"R42", pb::ALERT_SERIOUS, "a lot was not released in time",
     "ask the manufacturer when it will be; move what waits for it"},
    {"F9", pb::ALERT_SERIOUS, "cells or product are in quarantine for their temperature",
     "leave them where they are; quality decides: of the manufacturer, once there is one"},
    {"R29", pb::ALERT_ROUTINE, "a follow-up visit is overdue",
     "see the patient, or record why not"},
    {"R30", pb::ALERT_ROUTINE, "a follow-up visit is overdue",
     "see the patient, or record why not"},
}};
constexpr Words kDeviation = {"", pb::ALERT_SERIOUS,
                              "an entry made afterwards left a critical deviation",
                              "look at the deviation and say what follows from it"};

const Words& WordsOf(std::string_view rule) {
  for (const Words& words : kWords) {
    if (words.rule == rule) return words;
  }
  return kDeviation;
}

// What every message begins with.
pb::AlertNotice Begin(const Registry& registry, const std::string& site, Instant now) {
  pb::AlertNotice notice;
  notice.set_format(kFormat);
  if (registry.environment() != pb::PRODUCTION) notice.set_banner(std::string(kTrainingMark));
  notice.set_ledger(registry.origin());
  notice.set_site(site);
  *notice.mutable_handed() = ToProto(now);
  return notice;
}

std::string HowToAcknowledge(const pb::AlertRecord& record, const std::string& site,
                             const Registry& registry) {
  const EnrolledOrganisation* house = registry.OrganisationOfSite(site);
  const bool maker = house != nullptr && house->kind == pb::MANUFACTURER;
  return "at a station of site " + site + ": " + (maker ? "custody-lab" : "custody-clinic") +
         " record alert_acknowledged --therapy " +
         (record.coi().empty() ? record.therapy() : record.coi()) + " --alert " + record.alert() +
         " --action \"what you do\"";
}

}  // namespace

pb::AlertSeverity SeverityOf(std::string_view rule) { return WordsOf(rule).severity; }

pb::AlertNotice NoticeOf(const pb::AlertRecord& record, const std::string& site,
                         const Registry& registry, Instant now) {
  pb::AlertNotice notice = Begin(registry, site, now);
  const Words& words = WordsOf(record.rule());
  notice.set_alert(record.alert());
  notice.set_rule(record.rule());
  notice.set_severity(record.severity());
  *notice.mutable_roles() = record.roles();
  notice.set_therapy(record.therapy());
  notice.set_coi(record.coi());
  *notice.mutable_since() = record.since();
  notice.set_what(words.what);
  notice.set_next_step(words.next_step);
  notice.set_acknowledge(HowToAcknowledge(record, site, registry));
  return notice;
}

pb::AlertNotice TestNotice(const std::string& alert, const std::string& site,
                           const Registry& registry, Instant now) {
  pb::AlertNotice notice = Begin(registry, site, now);
  notice.set_test(true);
  notice.set_alert(alert);
  notice.set_rule("TEST");
  notice.set_severity(pb::ALERT_ROUTINE);
  *notice.mutable_since() = ToProto(now);
  notice.set_what("test: the monthly test of who is told of alerts");
  notice.set_next_step(
      "nothing; if this did not reach the person who has to act, tell your "
      "administrator");
  return notice;
}

std::string NoticeJson(const pb::AlertNotice& notice) {
  google::protobuf::util::JsonPrintOptions print;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string json;
  // Fails for messages of unknown type only.
  CUSTODY_CHECK(google::protobuf::util::MessageToJsonString(notice, &json, print).ok());
  return json;
}

}  // namespace custody
