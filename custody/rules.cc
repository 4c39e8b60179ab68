// The table of the rules and the one place where they judge together.
//
// A rule is a row: what it says to people, how it binds, where it comes from, who may override it,
// and a small function in rules/. All rows are asked for every event and each looks first whether
// the event concerns it, so a verdict always has every reason and never only the first. Rows are
// never edited once adopted: a changed rule is a new row with a later `since`, the old one ends at
// `until`.
//
// Long because it is a table: one row a rule.
#include "custody/rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/encoding.h"
#include "custody/chain.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody {
namespace {

constexpr auto kStructure = pb::REASON_STRUCTURE;
constexpr auto kGate = pb::REASON_GATE;
constexpr auto kDeviation = pb::REASON_DEVIATION;
constexpr auto kQuarantine = pb::REASON_QUARANTINE;
constexpr auto kNote = pb::REASON_NOTE;

constexpr std::array<pb::Role, 1> kPhysician{pb::PHY};
constexpr std::array<pb::Role, 2> kQuality{pb::QA, pb::QP};

constexpr std::span<const pb::Role> kNobody{};
constexpr std::span<const pb::Role> kPhy{kPhysician};
constexpr std::span<const pb::Role> kQa{kQuality};

using Check = void (*)(const Case&, const Rule&, pb::Verdict&);

// A row in version 1; a row added later names its versions itself.
constexpr Rule V1(std::string_view id, std::string_view statement, pb::ReasonKind kind,
                  std::string_view source, std::span<const pb::Role> grantors, Check check,
                  pb::FieldClass tells = pb::CUSTODY, bool ledger_wide = false) {
  return {id, 1, 1, 0, statement, kind, ledger_wide, source, grantors, check, tells};
}

constexpr Rule kTable[] = {
    V1("R01",
       "Every event is signed by an enrolled, unrevoked key of a person in a role that the "
       "event allows, at a station that has business with the therapy.",
       kStructure, "project default; 21 CFR 11.10, 11.100", kNobody, rules::JudgedElsewhere),
    V1("R02",
       "The events of a therapy form a chain: each names its predecessor, no number is "
       "left out.",
       kStructure, "FORMATS.md sections 1 and 3", kNobody, rules::JudgedElsewhere),
    V1("R03",
       "No event is signed more than 2 minutes ahead of the ledger's clock; live steps are "
       "signed within 15 minutes, live facts within 24 hours.",
       kStructure, "project default", kNobody, rules::ClockRight),
    V1("R04",
       "A two-person step has two different people in role, present within 10 minutes of "
       "each other, each with own checks; what is entered late has a transcriber and a "
       "checker.",
       kStructure, "project default; two-person practice of cell therapy standards", kNobody,
       rules::TwoPeople),
    V1("R05",
       "A shipper and a run of a thaw device hold material of one therapy, samples apart; so does "
       "an incubator of an open culture, and each scanned position of one for closed cultures. "
       "A chain of identity, a donation number, a lot and a container of product are one "
       "therapy's, until quality finds that they never were.",
       kGate, "project default; line clearance of good manufacturing practice", kQa,
       rules::OneTherapy, pb::CUSTODY, true),
    V1("R06",
       "At each hand-over the scanned set equals the expected one: shipper, seals and "
       "waybill outside, every container and the chain of identity inside. Product that nobody "
       "received is not verified, removed or thawed, and what another house holds is not used. "
       "What an audit misses is searched for, and in doubt.",
       kGate, "chain-of-custody definitions of the Standards Coordinating Body", kNobody,
       rules::SetsEqual),
    V1("R07",
       "What lies outside the usual range is looked at again; what lies outside the "
       "product's specification opens a deviation.",
       kDeviation, "project default; profile", kNobody, rules::Ranges),
    V1("R08",
       "No collection before fitness, work-up, wash-out, marker sample and consent; order "
       "and slot too for fresh material, before packing for banked material, whose markers are "
       "then "
       "asked for their age. Positive markers ask for the biohazard mark.",
       kGate, "clinical practice; project default", kPhy, rules::ReadyToCollect, pb::CLINICAL),
    V1("R09",
       "Fresh collected cells are processed or frozen at most 48 hours after the end of the "
       "collection, better 36, never after 72.",
       kDeviation, "practice of collection centres; vendor data on fresh leukapheresis; profile",
       kQa, rules::FreshInTime, pb::QUALITY),
    V1("R10", "Frozen collected cells are used within 18 months, or the profile's limit.", kGate,
       "Yakoub-Agha, Haematologica 2020; profile", kQa, rules::FrozenInTime, pb::QUALITY),
    V1("R11",
       "The seals at receipt are those of packing or of a recorded replacement; else, and where "
       "it was put away without a receipt, the content is in quarantine.",
       kQuarantine, "project default", kNobody, rules::SealsEqual),
    V1("R12",
       "The way in a dry vapour shipper is planned for at most half of its qualified hold; after "
       "each use it is qualified anew.",
       kDeviation, "cryoport.com, cellculturedish.com: actual hold may be 40 % shorter", kNobody,
       rules::TransitPlanned),
    V1("R13",
       "From packing and settling to the opened seal, and in a storage whose logger is read, the "
       "temperature stays within the profile's limits (frozen: -120 C where it has none) and no "
       "data "
       "are missing for more than 60 minutes; else the content is in quarantine until the "
       "manufacturer's quality decides. What was out of its storage goes back only if it stayed "
       "cold "
       "and was out for at most 5 minutes.",
       kQuarantine, "product labels (Abecma, Tecartus); limits from the profile", kQa,
       rules::ColdKept),
    V1("R14",
       "A logger is calibrated as long as it is used, and misses no more than three of its "
       "intervals.",
       kDeviation, "project default", kNobody, rules::LoggerSound),
    V1("R15",
       "Vector is released, unexpired and of the product's construct, and each vial is used once.",
       kGate, "project default; line of traceability", kNobody, rules::VectorSound, pb::QUALITY,
       true),
    V1("R16",
       "Release needs every mandatory test passed, signed by quality control itself, and none "
       "failed, the batch record reviewed, no open critical deviation, and quality of the "
       "manufacturer who neither made nor tested the lot, signed since the last release was taken "
       "back, with an expiry that is still to come and no later than the label's. A test that "
       "fails later, or a later no of quality, holds the lot until that quality decides; a failed "
       "test until it is invalidated or the exception names it. A failed test of the making is a "
       "critical deviation. Only its maker's own word ends a lot; anybody else's recall holds it.",
       kGate, "good manufacturing practice", kNobody, rules::ReadyToRelease, pb::QUALITY),
    V1("R17",
       "A product out of specification is released only at the end of the whole exceptional chain, "
       "each link in its turn, with the patient's consent, every test answered or named as missed, "
       "under the number that was authorised, and when those were told whom profile and pathway "
       "name.",
       kGate, "EU GMP Part IV 11.5; US expanded access", kNobody, rules::ExceptionComplete,
       pb::QUALITY),
    V1("R18",
       "Lymphodepletion starts only by an order that stands and when the released product is "
       "there, received at the site; waived, the thaw does. The physician may take the risk of its "
       "coming, nobody that of its release or quarantine.",
       kGate, "labels of Yescarta, Carvykti, Breyanzi, Abecma, Kymriah", kPhy, rules::ProductThere),
    V1("R19",
       "Lymphodepletion, the first and a repeated one, waits for serious reactions to bridging, "
       "active infection and graft-versus-host disease, answered now or recorded and still open.",
       kGate, "labels of Carvykti and Breyanzi", kPhy, rules::FitForLd, pb::CLINICAL),
    V1("R20",
       "The first dose is given at most 7 calendar days after the last dose of the latest "
       "lymphodepletion, unless the profile's label says otherwise; where it was waived, on a low "
       "white cell count at most 7 days old.",
       kGate, "product labels; profile", kPhy, rules::NotTooLate, pb::CLINICAL),
    V1("R21", "The first dose is not given earlier after lymphodepletion than the profile says.",
       kDeviation, "product labels; profile", kNobody, rules::NotTooEarly, pb::CLINICAL),
    V1("R22",
       "Where the profile says so, lymphodepletion that lies too far back is given again before "
       "the first dose.",
       kDeviation, "labels of Kymriah (EU) and Carvykti; profile", kNobody, rules::RepeatAdvised,
       pb::CLINICAL),
    V1("R23",
       "No removal, thaw or infusion with an open infection, unresolved toxicity, or too "
       "little tocilizumab on site; asked again at the bedside.",
       kGate, "labels of Carvykti and Kymriah", kPhy, rules::SafeToInfuse, pb::CLINICAL),
    V1("R24",
       "The dose of an order and of a certificate lies within the profile's limits, or within the "
       "tolerance around its target, at the weight that was used; a later change of weight is "
       "shown to the physician.",
       kGate, "product labels; profile", kNobody, rules::DoseInRange, pb::QUALITY),
    V1("R25",
       "After the thaw the earliest of the profile's windows counts, at its temperature, to the "
       "end of the infusion where the label says so; a running infusion is not stopped. Nothing is "
       "frozen again. Quality looks at an override of it within a day.",
       kGate, "product labels; profile", kPhy, rules::WithinWindow),
    V1("R26",
       "An infusion starts only on a two-person bedside PASS at most 15 minutes old on that "
       "container, signed by those two and not written down by others, with all identifiers of its "
       "wristband, its chain of identity and its order, which still stands, scanned again now.",
       kGate, "labels: identity on the bag must equal the patient; 15 min project default", kNobody,
       rules::BedsidePassed),
    V1("R27",
       "Tocilizumab is given at 8 mg/kg, below 30 kg at 12, at most 800 mg; doses at least 8 h "
       "apart, at most 3 in 24 h and 4 in all.",
       kDeviation, "Kymriah label; ASCO guideline", kNobody, rules::TocilizumabWithin,
       pb::CLINICAL),
    V1("R28",
       "The patient is observed as ordered, in hospital until the profile's day or at home; when "
       "readings, contact and blood are due stands among the next steps. Who was never discharged "
       "is "
       "not readmitted.",
       kDeviation, "clinical practice; US labels since June 2025; profile", kNobody,
       rules::PlanKept, pb::CLINICAL),
    V1("R29",
       "The image and visit after one month and the visit after two to three months have their "
       "windows.",
       kDeviation, "clinical practice; windows of the profile", kNobody, rules::VisitInTime,
       pb::CLINICAL),
    V1("R30", "Later visits on day 100, in month 6 and yearly to year 15 have theirs.", kDeviation,
       "long-term follow-up of gene therapies; windows of the profile", kNobody, rules::VisitInTime,
       pb::CLINICAL),
    V1("R31",
       "The record is kept for 30 years after the product's expiry; a therapy that is closed says "
       "until when.",
       kGate, "traceability of advanced therapies (EU); Breyanzi label", kNobody,
       rules::RecordKept),
    V1("R32",
       "A product is given in one dose unless its profile divides it. A second dose is given on "
       "the profile's days, after CRS and ICANS of the first allow it; blasts in a marrow at "
       "most 7 days old say how much each dose is, of all its orders together.",
       kGate, "label of Aucatzyl; profile", kPhy, rules::SecondDose, pb::CLINICAL),
    V1("R33", "A component is infused when all that was planned of the one before it is given.",
       kGate, "label of Breyanzi; profile", kPhy, rules::ComponentsInOrder),
    V1("R34",
       "Drug product is shipped, offered to another house, removed, verified, thawed and infused "
       "only when its own lot is released and not withdrawn, it is not expired, and nothing holds "
       "it; "
       "nothing else is verified for a patient or infused. A recall by anything but a lot, a "
       "vector or "
       "a container names the containers.",
       kGate, "project default; good manufacturing practice", kNobody, rules::ReleasedForUse),
    V1("R35",
       "No thaw without the two-person check before it, signed by those two and not written down "
       "by others, by the infusion order that still stands, consent to the treatment, and the "
       "physician's go at most 4 hours old; nothing is given without that check of its own "
       "container and that consent.",
       kGate, "product labels; 4 h project default", kNobody, rules::BeforeThaw),
    V1("R36",
       "A bag is removed, thawed and infused on a record verified at most 4 hours before; a "
       "station that was offline for longer asks quality by phone and records whom, when and the "
       "answer.",
       kGate, "project default", kNobody, rules::CheckedForRecall),
    V1("R37",
       "The checks before the thaw and at the bed need an infusion order for that container, "
       "signed by those who gave it, and that order one of the therapy that stands. An order that "
       "ended does not stand again, under its number or told later. With several lots that may be "
       "given, the one that was selected is ordered; where another is selected afterwards, nothing "
       "of the older order is thawed or given.",
       kGate, "project default", kNobody, rules::OrderedForBag),
    V1("R38", "Nothing is recorded of a therapy before two people have enrolled its patient.",
       kStructure, "project default", kNobody, rules::Enrolled),
    V1("R39",
       "An infusion starts with temperature, blood pressure, heart rate, respiratory rate "
       "and oxygen saturation at most 60 minutes old.",
       kGate, "clinical practice; 60 min project default", kPhy, rules::BaselineTaken,
       pb::CLINICAL),
    V1("R40",
       "A discharge with open CRS or ICANS, or against advice, is recorded and followed "
       "daily.",
       kDeviation, "clinical practice", kNobody, rules::DischargeSafe, pb::CLINICAL),
    V1("R41",
       "An order lies within the indication of a published profile; while a lot is in hand, of the "
       "one by which it is made. That pathology did not confirm the disease is a deviation.",
       kGate, "product labels; profile", kPhy, rules::WithinIndication, pb::CLINICAL),
    V1("R42",
       "Both sites are alerted when a lot is not released 28 days after its batch began, or by the "
       "profile's day.",
       kNote, "clinical practice; profile", kNobody, rules::JudgedElsewhere, pb::QUALITY),
    V1("R43",
       "The physician is alerted to the first temperature of 38.0 C or more after an infusion.",
       kNote, "clinical practice; ASTCT 2019", kNobody, rules::JudgedElsewhere, pb::CLINICAL),
    V1("R44",
       "Within 2 h of CRS or ICANS of grade 3 or more somebody decides on intensive care, and "
       "records it.",
       kDeviation, "clinical practice; 2 h project default", kNobody, rules::CareDecided,
       pb::CLINICAL),
    V1("R45",
       "A production ledger refuses the identifiers, keys, stations and profiles of "
       "demonstrations, and the other way round.",
       kStructure, "project default; ISBT 128 reserved facility numbers", kNobody,
       rules::JudgedElsewhere),
    V1("R46",
       "A batch is opened at the site that was ordered, of collected cells that lie there, "
       "received and accepted, and names every donation that is pooled into it; before a release "
       "every mandatory step of the profile is recorded of that lot. While it is in hand no "
       "order and no slot makes another product or another maker of it.",
       kGate, "project default; good manufacturing practice", kNobody, rules::StepsMade,
       pb::QUALITY),
    V1("F2",
       "Consent is signed by the patient, a minor's by the guardian, or by a legal representative. "
       "After it was withdrawn nothing goes forward; of the collection alone, nothing goes "
       "forward to another one. Unused cells go to research by consent to it alone.",
       kGate, "patient's right", kNobody, rules::ConsentStands),
    V1("F3",
       "Cells of a failed collection or incoming check are used only if quality of the "
       "manufacturer decides to, at risk; cells are collected again by order, at most three times "
       "before a physician reviews the case.",
       kGate, "project default; profile", kPhy, rules::CollectedAgain),
    V1("F4",
       "A lot is made again of cells that were kept back, received and accepted, by order of the "
       "manufacturer's quality and the physician; the old lot is rejected.",
       kGate, "project default; good manufacturing practice", kNobody, rules::MadeAgain,
       pb::QUALITY),
    V1("F7",
       "A damaged container is held, whoever finds it; the physician decides on what is left of "
       "it, "
       "on its salvage with a culture.",
       kQuarantine, "practice of cell laboratories, Cell Tissue Bank 2025 (4514 bags)", kNobody,
       rules::DamageHeld),
    V1("F8a",
       "Every scan of a step belongs to this therapy, each person's own check says the same, its "
       "answers say that all is well, and what is done to a patient names patient and therapy.",
       kGate, "labels: identity on the bag must equal the patient", kNobody, rules::ScansBelong),
    V1("F8b",
       "What does not match its patient or papers, lies where the record does not have it, or "
       "bears a number that something else has, is in quarantine, and every label is accounted "
       "for; a donation number of another facility, and plasma without a bag of its own, are asked "
       "about. Doubt is resolved by quality of the finding site and of the manufacturer, of what "
       "is "
       "thawed within the profile's minutes; before there is a manufacturer by two of the treating "
       "house. What nothing bears they give back.",
       kStructure, "project default", kNobody, rules::IdentityLifted),
    V1("F9",
       "A quarantine is decided by quality of the manufacturer, before there is one by that of the "
       "treating house, and not by a word from before it arose; what is held goes nowhere.",
       kStructure, "project default", kNobody, rules::QuarantineLifted),
    V1("F11", "What was lost, opened or delivered wrongly is in quarantine.", kQuarantine,
       "project default", kNobody, rules::CustodyUnbroken),
    V1("F13",
       "After the patient's death, or a grade or visit that tells of it, nothing goes forward.",
       kGate, "project default", kNobody, rules::PatientAlive),
    V1("F17",
       "What is used up, destroyed, lost or rejected is not used. Unused material is disposed of "
       "by two people of the site that holds it; what they destroy they scan, and say how and "
       "where.",
       kGate, "project default; rules for genetically modified waste", kNobody, rules::StillThere),
    V1("F19",
       "Only typed values of known events are corrected, by two people; gates that looked at them "
       "are asked again.",
       kStructure, "21 CFR 11.10(e); ALCOA+", kNobody, rules::CorrectionSound),
    V1("F21",
       "What is said to be entered from a paper sheet of an outage is an entry of this therapy, "
       "and made from paper.",
       kDeviation, "project default; ALCOA+", kNobody, rules::SheetsEntered),
    V1("ALERT",
       "Who acknowledges an alert names one of this therapy, at a site that it concerns: it then "
       "stops being repeated there.",
       kStructure, "project default", kNobody, rules::AlertKnown),
    V1("ATTEST", "What others entered is attested within 24 hours by the role that answers for it.",
       kDeviation, "project default", kNobody, rules::AttestationFits),
    V1("CARE",
       "What is usual at a grade is on record when CRS or ICANS ends, given or considered: from "
       "CRS "
       "of grade 2 on, or fever of more than 3 days, tocilizumab; from CRS of grade 3 or ICANS of "
       "grade 2 on a steroid. Tocilizumab is given against ICANS beside CRS only; who may have "
       "seizures has a prophylaxis before the infusion.",
       kDeviation, "ASCO guideline, pages 5 to 7; PMC9616161 table 4; PMC10573998 table 1", kNobody,
       rules::CareComplete, pb::CLINICAL),
    V1("CLOSE",
       "Custody closes when every container has its end or is retained, nothing is under way or "
       "offered, and every quarantine and deviation is decided; the therapy when nobody follows it "
       "any further and nothing is retained. A closed therapy takes facts, recalls and its "
       "reopening.",
       kGate, "project default; traceability of advanced therapies", kNobody, rules::ReadyToClose,
       pb::QUALITY),
    V1("CRS",
       "The computed grade of CRS is what the recorded inputs give by ASTCT 2019; where the "
       "attested one differs, it says why.",
       kDeviation, "ASTCT consensus, Lee 2019", kNobody, rules::CrsComputed, pb::CLINICAL),
    V1("DEVIATION",
       "Only an open deviation is closed, a critical one by quality; one of the product, of its "
       "making, or of its cells' cold and age by quality of the manufacturer.",
       kStructure, "good manufacturing practice", kNobody, rules::DeviationKnown, pb::QUALITY),
    V1("HOLD", "A hold blocks its steps until who may clears it.", kGate, "project default",
       kNobody, rules::NoHold),
    V1("ICAHT",
       "Up to day 30 after the infusion the grades of neutropenia and platelets are what the days "
       "of low counts give, after it that of neutropenia what the count gives; where the attested "
       "one differs, it says why.",
       kDeviation, "ICAHT, Rejeski 2023; T-ICAHT", kNobody, rules::BloodGraded, pb::CLINICAL),
    V1("ICANS",
       "The computed grade of ICANS is what the recorded inputs give by ASTCT 2019; where the "
       "attested one differs, it says why.",
       kDeviation, "ASTCT consensus, Lee 2019", kNobody, rules::IcansComputed, pb::CLINICAL),
    V1("OVERRIDE",
       "An override is granted by who may, for rules that allow it, one step or one "
       "container, and at most 24 hours.",
       kStructure, "project default", kNobody, rules::OverrideSound),
    V1("TELEMETRY",
       "The summary of a logger's file is what the file gives by the profile's limits: the ledger "
       "reckons it anew before it records it. One that was read off the logger is recorded, and "
       "quality looks at the file.",
       kStructure, "project default; FORMATS.md section 14", kNobody, rules::SummarySound),
    V1("VOLUME",
       "No more leaves a container than was in it, and of one that was used in part the volumes "
       "infused, drawn, kept and destroyed are what was filled, within 10 % or 2 mL, whichever is "
       "more.",
       kGate, "project default; profile", kNobody, rules::VolumesAddUp)};

bool Binds(const Rule& rule, std::uint32_t rules_version) {
  return rule.since <= rules_version && (rule.until == 0 || rules_version <= rule.until);
}

// The order of a reason is that of its rule in the table, whoever found it.
std::size_t PlaceOf(const pb::Reason& reason) {
  const auto* found = std::ranges::find(kTable, reason.rule(), &Rule::id);
  return static_cast<std::size_t>(found - std::begin(kTable));
}

void Order(pb::Verdict& verdict) {
  auto* reasons = verdict.mutable_reasons();
  if (reasons->size() < 2) return;
  std::stable_sort(
      reasons->pointer_begin(), reasons->pointer_end(),
      [](const pb::Reason* a, const pb::Reason* b) { return PlaceOf(*a) < PlaceOf(*b); });
}

void JudgeUnknownRules(pb::Verdict& verdict) {
  pb::Reason& reason = *verdict.add_reasons();
  reason.set_rule(std::string(kUnknownRules));
  reason.set_kind(pb::REASON_STRUCTURE);
  reason.set_subject("rules version " + std::to_string(verdict.rules_version()));
  reason.set_expected("a rules version known to this program, at most " +
                      std::to_string(kNewestRulesVersion));
  reason.set_found("not judged: rules version " + std::to_string(verdict.rules_version()) +
                   " is not known to this program");
  reason.set_next_step("use a newer program");
  verdict.set_refused(true);
}

}  // namespace

std::span<const Rule> Rules() { return kTable; }

const Rule* FindRule(std::string_view id, std::uint32_t rules_version) {
  for (const Rule& rule : kTable) {
    if (rule.id == id && Binds(rule, rules_version)) return &rule;
  }
  return nullptr;
}

namespace rules {

void Run(const Case& c, pb::Verdict& verdict) {
  if (c.profile != nullptr) verdict.set_profile(ProfileName(*c.profile));
  for (const Rule& rule : kTable) {
    if (Binds(rule, verdict.rules_version())) rule.check(c, rule, verdict);
  }
  ApplyGrants(c, verdict);
  Order(verdict);
  verdict.set_refused(std::ranges::any_of(verdict.reasons(), [&](const pb::Reason& reason) {
    const bool gate = reason.kind() == pb::REASON_GATE && !reason.overridden() && IsLive(c);
    return gate || reason.kind() == pb::REASON_STRUCTURE;
  }));
}

void RunOnState(const Case& c, pb::Verdict& verdict) {
  constexpr std::string_view kOfTheEvent[] = {
      "R01",    "R02",  "R03", "R04",   "R07",   "R24",       "R27",   "R28",
      "R29",    "R30",  "R41", "R45",   "F7",    "F19",       "F8a",   "ALERT",
      "ATTEST", "CARE", "CRS", "ICAHT", "ICANS", "TELEMETRY", "VOLUME"};
  for (const Rule& rule : kTable) {
    const bool of_event = std::ranges::find(kOfTheEvent, rule.id) != std::end(kOfTheEvent);
    if (!of_event && Binds(rule, verdict.rules_version())) rule.check(c, rule, verdict);
  }
}

}  // namespace rules

pb::Verdict Judge(const ParsedEvent& event, const Registry& registry,
                  const pb::TherapyState& therapy, const Place& place,
                  const OtherTherapies* others) {
  pb::Verdict verdict;
  verdict.set_rules_version(registry.rules_version());
  const bool of_therapy = IsTherapyChain(event.event.chain());
  CheckAuthority(registry, event, of_therapy ? &therapy : nullptr, place.index, verdict);
  const pb::Event& effective = event.effective();
  const pb::Profile* profile = of_therapy ? ProfileFor(registry, therapy, effective) : nullptr;
  const Case c{event, effective, registry, therapy, profile, place, others};
  if (of_therapy) {
    // Rows that still bind here may have ended there, and others have come: asking them would be a
    // guess.
    if (verdict.rules_version() > kNewestRulesVersion) {
      JudgeUnknownRules(verdict);
    } else {
      rules::Run(c, verdict);
    }
    return verdict;
  }
  // Of registry acts only the clock is asked; the rest of them is authority.
  if (const Rule* clock = FindRule("R03", verdict.rules_version()))
    rules::ClockRight(c, *clock, verdict);
  verdict.set_refused(std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
    return reason.kind() == pb::REASON_STRUCTURE;
  }));
  return verdict;
}

void CheckServable(const ParsedEvent& event, pb::Verdict& verdict) {
  const auto refuse = [&](std::string expected, std::string found, std::string next_step) {
    pb::Reason& reason = *verdict.add_reasons();
    reason.set_rule("R01");
    reason.set_kind(pb::REASON_STRUCTURE);
    reason.set_subject(std::string(BodyName(event.event)));
    reason.set_expected(std::move(expected));
    reason.set_found(std::move(found));
    reason.set_next_step(std::move(next_step));
    verdict.set_refused(true);
  };
  const auto check_rules = [&](std::uint32_t version) {
    if (version >= 1 && version <= kNewestRulesVersion) return;
    refuse("a rules version that this program knows, 1 to " + std::to_string(kNewestRulesVersion),
           "rules version " + std::to_string(version),
           "adopt these rules when every program in use knows them");
  };
  const auto check_schema = [&](std::string_view sha256) {
    const Hash own = Sha256(Schema());
    if (sha256 == own.view()) return;
    refuse("the schema that this program has, " + own.ToHex(), Hex(sha256),
           "publish a schema with the program that has it");
  };
  if (event.event.has_rules_adopted()) check_rules(event.event.rules_adopted().rules_version());
  if (event.event.has_schema_published()) {
    check_schema(event.event.schema_published().schema_sha256());
  }
  if (event.event.has_ledger_created()) {
    check_rules(event.event.ledger_created().rules_version());
    check_schema(event.event.ledger_created().schema_sha256());
  }
}

}  // namespace custody
