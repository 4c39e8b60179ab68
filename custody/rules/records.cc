// What is said of earlier records: attestations, and corrections of typed values (F19).
//
// A correction may show that a step should not have been permitted. It was; so the gates that
// looked at the corrected value are asked again, and what they now hold against it is a critical
// deviation under their own id. Of a value that the state does not keep the gate cannot be asked by
// a program: then people are.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "custody/accounting.h"
#include "custody/body_plan.h"
#include "custody/correction.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// A gate asked again: its reasons are deviations now, whatever they were.
void Again(const Case& c, pb::Verdict& v, std::string_view id, Words words) {
  const Rule* rule = FindRule(id, v.rules_version());
  if (rule != nullptr) Deviation(c, *rule, v, std::move(words), true);
}

constexpr const char* kNowWhat = "it happened already: quality and physician judge what follows";

void AskLymphodepletion(const Case& c, pb::Verdict& v, const pb::TherapyState& now) {
  const pb::Lymphodepletion& ld = now.ld();
  const pb::Lymphodepletion& was = c.therapy.ld();
  const bool blasts =
      ld.blasts_percent() != was.blasts_percent() || ld.blasts_us() != was.blasts_us();
  if (blasts && c.profile != nullptr && c.profile->has_split_dose()) {
    Again(
        c, v, "R32",
        {"doses ordered by the blasts in a fresh marrow",
         Number(ld.blasts_percent()) + " %, sampled " + Local(c, ld.blasts_us()) + ", as corrected",
         "the physician judges the doses again"});
  }
  if (ld.last_dose_us() == was.last_dose_us()) return;
  if (now.first_infused_us() == 0 || ld.waived() || ld.last_dose_us() == 0) return;
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), now.first_infused_us());
  const std::uint32_t most = LdMaxDays(c.profile);
  if (days <= most) return;
  Again(c, v, "R20",
        {"the first dose at most " + std::to_string(most) + " calendar days after it",
         std::to_string(days) + " days, as corrected", kNowWhat});
}

void AskPatient(const Case& c, pb::Verdict& v, const pb::TherapyState& now) {
  const pb::PatientCondition& patient = now.condition();
  const pb::PatientCondition& was = c.therapy.condition();
  if (c.profile == nullptr) return;
  const std::uint32_t idm_days = c.profile->validity().idm_days();
  for (const pb::Donation& donation : now.donations()) {
    const std::int64_t age = DaysBetween(c, patient.idm_sampled_us(), donation.started_us());
    const bool fits = idm_days == 0 || (age >= 0 && age <= idm_days);
    const bool changed = patient.idm_sampled_us() != was.idm_sampled_us();
    if (!changed || donation.started_us() == 0 || fits) continue;
    Again(c, v, "R08",
          {"markers sampled at most " + std::to_string(idm_days) + " d before the collection",
           std::to_string(age) + " d, as corrected", kNowWhat, donation.din()});
  }
}

void AskProduct(const Case& c, pb::Verdict& v, const pb::TherapyState& now) {
  for (const pb::Lot& lot : now.lots()) {
    if (!IsReleased(lot)) continue;
    for (const pb::TestState& test : lot.tests()) {
      if (test.event_id() != c.effective.record_corrected().corrected_event() || !test.failed()) {
        continue;
      }
      Again(c, v, "R16",
            {"test " + test.test() + " passed", "not as corrected",
             "quality decides whether the release stands: RELEASE_WITHDRAWN", lot.lot()});
    }
  }
  for (int i = 0; i < now.donations_size(); ++i) {
    const pb::Donation& is = now.donations(i);
    const bool used = is.frozen() || !is.lot().empty();
    if (!used || is.ended_us() == c.therapy.donations(i).ended_us()) continue;
    Again(c, v, "R09",
          {"the age of the cells by the end of their collection",
           "ended " + Local(c, is.ended_us()) + ", as corrected",
           "quality of the manufacturer judges their age again", is.din()});
  }
  // The readings are not kept here, so the file cannot be judged again.
  for (int i = 0; i < now.shipments_size(); ++i) {
    const pb::Shipment& was = c.therapy.shipments(i);
    const pb::Shipment& is = now.shipments(i);
    const bool moved =
        was.packed_us() != is.packed_us() || was.seal_opened_us() != is.seal_opened_us();
    if (!moved || !is.telemetry()) continue;
    Again(c, v, "R13",
          {"a logger's file judged by the times that count", "these times were corrected since",
           "quality of the manufacturer judges the file again", is.shipper()});
  }
}

// An order that stands asks for no more of a container than there is in it.
void AskOrders(const Case& c, pb::Verdict& v, const pb::TherapyState& now,
               const pb::Container& container) {
  const pb::InfusionOrder* order = OrderFor(now, container.id());
  if (order == nullptr || container.infusion_ended_us() != 0) return;
  const auto& ids = order->containers();
  const auto place = static_cast<int>(std::ranges::find(ids, container.id()) - ids.begin());
  if (place >= order->planned_ml_size()) return;
  const double held = LeftIn(container) + container.infused_ml();
  if (order->planned_ml(place) <= held + VolumeSlack(c.profile, container)) return;
  Again(c, v, "VOLUME",
        {"order " + order->order() + " of at most the " + Number(held) + " mL in the container",
         Number(order->planned_ml(place)) + " mL, by the volume as corrected",
         "the physician orders what the container holds: INFUSION_ORDERED", container.id(),
         pb::CLINICAL});
}

// A volume that was corrected is counted again.
void AskVolumes(const Case& c, pb::Verdict& v, const pb::TherapyState& now) {
  for (int i = 0; i < now.containers_size(); ++i) {
    const pb::Container& is = now.containers(i);
    const pb::Container& was = c.therapy.containers(i);
    if (!HasAccounts(is) || LeftIn(is) == LeftIn(was)) continue;
    AskOrders(c, v, now, is);
    if (LeftIn(is) >= -VolumeSlack(c.profile, is)) continue;
    const bool infused = is.infused_ml() != was.infused_ml();
    const double out = infused ? is.infused_ml() : is.volume_ml() - LeftIn(is);
    Again(c, v, "VOLUME",
          {"no more out of a container than the " + Number(is.volume_ml()) + " mL in it",
           Number(out) + (infused ? " mL infused" : " mL went out of it") + ", as corrected",
           kNowWhat, is.id(), pb::CLINICAL});
  }
}

// Numbers that a rule looked at and the state does not keep: nobody can judge again by themselves,
// so somebody does. An empty path is every number of the body.
struct Looked {
  pb::Event::BodyCase body;
  std::string_view path;
  std::string_view rule;
};

constexpr Looked kLooked[] = {
    {pb::Event::kLdStarted, "planned_days", "R18"},
    // Of several doses and trips the state keeps the last.
    {pb::Event::kLdDose, "given_at", "R20"},
    {pb::Event::kLdCompleted, "last_dose_at", "R20"},
    {pb::Event::kPacked, "packed_at", "R13"},
    {pb::Event::kReceivedMfg, "seal_opened_at", "R13"},
    {pb::Event::kReceivedClinic, "seal_opened_at", "R13"},
    {pb::Event::kTelemetryBatch, "", "R13"},
    {pb::Event::kTemperatureExcursion, "", "R13"},
    {pb::Event::kStorageExcursion, "", "R13"},
    {pb::Event::kReturnedToStorage, "", "R13"},
    {pb::Event::kReceivedMfg, "logger_readings", "R13"},
    {pb::Event::kReceivedClinic, "temperature_centi_c", "R13"},
    {pb::Event::kReceivedClinic, "logger_readings", "R13"},
    {pb::Event::kInfusionStarted, "baseline", "R39"},
    {pb::Event::kObservationsRecorded, "observations", "R39"},
    {pb::Event::kBedsideIdVerified, "time_out", "R23"},
    {pb::Event::kPrethawIdVerified, "ward_scanned_at", "R35"},
    {pb::Event::kLabelCompleted, "printed", "F8b"},
    {pb::Event::kLabelCompleted, "applied", "F8b"},
    {pb::Event::kLabelCompleted, "destroyed", "F8b"},
    {pb::Event::kFilled, "labels_", "F8b"},
    {pb::Event::kTransduced, "vector_expires_at", "R15"},
    {pb::Event::kBridgingGiven, "started_at", "R19"},
    {pb::Event::kInfectionDiagnosed, "resolved_at", "R19"},
    {pb::Event::kRemovedFromStorage, "state_verified_at", "R36"},
    {pb::Event::kRemovedFromStorage, "recall_call", "R36"},
    {pb::Event::kThawStarted, "state_verified_at", "R36"},
    {pb::Event::kThawStarted, "recall_call", "R36"},
    {pb::Event::kInfusionStarted, "state_verified_at", "R36"},
    {pb::Event::kInfusionStarted, "recall_call", "R36"},
    // Of containers alike the state does not say which one it was.
    {pb::Event::kFilled, "containers.volume_ml", "VOLUME"},
    {pb::Event::kInfusionCompleted, "volume_given_ml", "VOLUME"},
    {pb::Event::kInfusionInterrupted, "volume_given_ml", "VOLUME"},
    {pb::Event::kInfusionCompleted, "residual_volume_ml", "VOLUME"},
    {pb::Event::kInfusionCompleted, "ended_at", "R25"},
    {pb::Event::kContainerDerived, "volume_ml", "VOLUME"},
    {pb::Event::kContainerDamaged, "volume_lost_ml", "VOLUME"},
};

// A number against what the product specifies of it.
void AskSpecified(const Case& c, const Rule& rule, pb::Verdict& v, int body,
                  const pb::Correction& correction) {
  if (c.profile == nullptr) return;
  const double now = std::strtod(correction.new_value().c_str(), nullptr);
  for (const pb::SpecifiedRange& range : c.profile->ranges()) {
    const std::string path = WithoutPlaces(correction.field_path());
    if (range.field() != std::string(PlanOf(body).name) + "." + path) continue;
    const bool within =
        (!range.has_min() || now >= range.min()) && (!range.has_max() || now <= range.max());
    if (within) continue;
    Deviation(c, rule, v,
              {"as the product specifies", Number(now) + ", as corrected",
               "quality decides what follows from it", range.field(), pb::CLINICAL},
              false);
  }
}

// Grades of the blood are computed from all counts since the infusion.
void AskBlood(const Case& c, pb::Verdict& v, int body, const pb::Correction& correction,
              const std::string& label, bool folded) {
  const std::string& path = correction.field_path();
  const bool count =
      path == "anc_1e9_per_l" || path == "platelets_1e9_per_l" || path == "sampled_at";
  const bool graded = c.therapy.condition().blood_grade().at_us() != 0;
  const Rule* rule = FindRule("ICAHT", v.rules_version());
  if (body != pb::Event::kDailyLabs || !count || c.therapy.last_infused_us() == 0) return;
  if (rule == nullptr || (folded && !graded)) return;
  Deviation(
      c, *rule, v,
      {"grades computed from the counts as corrected",
       (folded ? "the last grade was computed from " : "the computed grades go on counting ") +
           label + " " + correction.old_value(),
       folded ? "grade again: CYTOPENIA_GRADED"
              : "grade by the right counts, and name the correction as the difference",
       path, pb::CLINICAL},
      false);
}

void AskWhatIsNotKept(const Case& c, pb::Verdict& v, int body, const pb::Correction& correction) {
  for (const Looked& looked : kLooked) {
    const bool meant = static_cast<int>(looked.body) == body &&
                       WithoutPlaces(correction.field_path()).starts_with(looked.path);
    if (!meant) continue;
    Again(c, v, looked.rule,
          {"what was judged by " + correction.field_path() + " " + correction.old_value(),
           correction.new_value() + ", as corrected",
           "judge it again by the new value, and close this with what follows from it",
           correction.field_path(), pb::CLINICAL});
  }
}

}  // namespace

void AttestationFits(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kAttested) return;
  const std::vector<StepPerson> people = PeopleOf(c.effective);
  for (const std::string& id : c.effective.attested().events()) {
    const auto& open = c.therapy.attestations();
    const auto found =
        std::ranges::find_if(open, [&](const pb::Attestation& a) { return a.event_id() == id; });
    if (found == open.end()) {
      Structure(c, rule, v,
                {"an entry that waits for attestation", ShortId(id) + " does not",
                 "look which entries wait: they are among the next steps", ShortId(id)});
      continue;
    }
    const bool theirs = std::ranges::any_of(people, [&](const StepPerson& who) {
      return std::ranges::find(found->roles(), static_cast<int>(who.role)) != found->roles().end();
    });
    if (theirs) continue;
    std::vector<std::string> roles;
    for (const int role : found->roles()) {
      roles.push_back(pb::Role_Name(static_cast<pb::Role>(role)));
    }
    Structure(c, rule, v,
              {"attested by " + List(roles), "somebody else", "let them attest it", ShortId(id)});
  }
}

namespace {

// Two people of any role copy well, and know nothing of doses: one of those who correct a record
// could have entered it.
void NeedWhoMayEnter(const Case& c, const Rule& rule, pb::Verdict& v, int body) {
  const pb::EventRule& entered = *PlanOf(body).rule;
  if (entered.any_role()) return;
  const auto may = [&](const StepPerson& who) {
    const auto among = [&](const auto& roles) {
      return std::ranges::find(roles, static_cast<int>(who.role)) != roles.end();
    };
    return among(entered.enter()) || among(entered.attest()) || among(entered.second());
  };
  if (std::ranges::any_of(SignersOf(c.effective), may)) return;
  std::vector<std::string> roles;
  for (const int role : entered.enter()) roles.push_back(pb::Role_Name(role));
  Structure(c, rule, v,
            {"a correction signed by one who may enter it: " + List(roles), "none of them",
             "let one of them look at it and sign too", "signers"});
}

}  // namespace

// What was entered from paper stands beside its sheet. A sheet whose entries are not here may be
// another patient's: quality looks at it.
void SheetsEntered(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kDowntimeEnded) return;
  const auto kept = static_cast<std::uint64_t>(c.therapy.event_bodies_size());
  const bool forgotten = c.therapy.length() > kept;
  int sheet = 0;
  for (const pb::DowntimeSheet& paper : c.effective.downtime_ended().papers()) {
    const std::string name = "sheet " + std::to_string(++sheet);
    for (const std::string& id : paper.entries()) {
      const int body = KnownBody(c.therapy, id);
      if (IsDowntimeEntry(c.therapy, id) || (body == 0 && forgotten)) continue;
      const bool ours = body != 0;
      const std::string what =
          ours ? ", " + PlanOf(body).rule->label() + ", was not entered from paper" : "";
      Deviation(c, rule, v,
                {"entries of this therapy, made from paper",
                 ShortId(id) + (ours ? what : " is no entry of this therapy"),
                 ours ? "name what was entered from this sheet: another DOWNTIME_ENDED"
                      : "look whose sheet it is; name what was entered from it here: another "
                        "DOWNTIME_ENDED",
                 name + " " + ShortId(id)},
                !ours);
    }
  }
}

void CorrectionSound(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kRecordCorrected) return;
  const pb::RecordCorrected& body = c.effective.record_corrected();
  const int known = KnownBody(c.therapy, body.corrected_event());
  if (known == 0) {
    Structure(c, rule, v,
              {"an event of this therapy", ShortId(body.corrected_event()) + " is none",
               "look the event's id up", "corrected_event"});
    return;
  }
  NeedWhoMayEnter(c, rule, v, known);
  pb::TherapyState now = c.therapy;
  for (const pb::Correction& correction : body.corrections()) {
    const auto refuse = [&](std::string expected, std::string found, std::string next) {
      Structure(c, rule, v,
                {std::move(expected), std::move(found), std::move(next), correction.field_path(),
                 pb::CLINICAL});
    };
    std::string why;
    const auto* field = CorrectableField(known, correction.field_path(), why);
    if (field == nullptr) {
      refuse("a typed value of " + std::string(PlanOf(known).name), why,
             "correct numbers, times and texts; record everything else anew");
      continue;
    }
    const std::string fault = ValueFault(*field, correction.new_value());
    if (!fault.empty()) refuse(fault, correction.new_value(), "state the right value");
    if (correction.old_value() == correction.new_value()) {
      refuse("a value other than the old one", correction.new_value(), "correct what is wrong");
    }
    const Folded folded = CorrectInState(now, c.profile, body.corrected_event(), correction);
    if (folded == Folded::kOther) {
      refuse("the value as it was recorded", correction.old_value(), "look the record up");
    }
    const bool number = field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING;
    if (folded == Folded::kNo && number) AskWhatIsNotKept(c, v, known, correction);
    AskBlood(c, v, known, correction, RuleOfField(*field).label(), folded == Folded::kYes);
    const Rule* ranges = FindRule("R07", v.rules_version());
    if (number && ranges != nullptr) AskSpecified(c, *ranges, v, known, correction);
  }
  AskLymphodepletion(c, v, now);
  AskPatient(c, v, now);
  AskProduct(c, v, now);
  AskVolumes(c, v, now);
}

}  // namespace custody::rules
