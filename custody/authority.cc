// Who may sign what, as of a log index: signers by themselves, and the events of therapies. Acts of
// the registry are judged in registry_authority.cc, environments in environment.cc.
//
// Of a therapy's event three questions are asked. Is every signer who they say they are (key,
// person, printed name, role), at a station of a site they work at, that has business with this
// therapy? Are those who *did* the step in the roles its type allows, and two of them where it
// takes two? And was their training valid?
//
// The second question is about the doers, who are not always the signers: what is entered LATE or
// from paper is signed by a transcriber and a checker, any two people of the site, and the doers
// stand in `performed_by`. Two clerks can so state what others did, and never what others permit:
// who gives a permission signs it (`own_signature`); of an override there is a word of mouth, too,
// which its authority confirms. An adopted event is judged by its original's own signers; who
// adopts it answers for nothing but the copy.
#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "crypto/encoding.h"
#include "custody/chain.h"
#include "custody/objection.h"

namespace custody {
namespace {

constexpr std::int64_t kTogetherMicros = 10 * kMicrosPerMinute;  // R04

// These may be signed by somebody of another party at whatever station they are: who grants an
// override or resolves a doubt about identity is rarely where the product is.
constexpr std::array<std::string_view, 6> kSignedAnywhere = {
    "alert_acknowledged", "attested",         "identity_resolved",
    "override_confirmed", "override_granted", "remanufacture_ordered"};
// These may come from any enrolled station: somebody found the item, whosever it is.
constexpr std::array<std::string_view, 4> kFromAnywhere = {
    "identity_in_doubt", "shipment_found", "wrong_consignee", "wrong_item_presented"};

// Somebody who did the step: a signer, or a performer named by the signers.
struct Doer {
  std::string_view person;  // empty: not enrolled
  std::string_view name;
  pb::Role role;
  bool signer;
};

struct TherapyEvent {
  const pb::Event& event;
  std::string_view body;
  const pb::EventRule& rule;
  const pb::TherapyState& therapy;
  const Objections& objections;

  const Registry& registry() const { return objections.registry; }
};

bool IsTranscription(const pb::Signer& signer) {
  return signer.meaning() == pb::TRANSCRIBED || signer.meaning() == pb::CHECKED;
}

std::vector<Doer> DoersOf(const pb::Event& event) {
  std::vector<Doer> doers;
  for (const pb::Performer& performer : event.performed_by()) {
    doers.push_back({performer.person(), performer.printed_name(), performer.role(), false});
  }
  for (const pb::Signer& signer : event.signers()) {
    if (event.entry() != pb::LIVE && IsTranscription(signer)) continue;
    doers.push_back({signer.person(), signer.printed_name(), signer.role(), true});
  }
  return doers;
}

bool IsParty(const TherapyEvent& e, std::string_view site) {
  const pb::TherapyState& therapy = e.therapy;
  if (therapy.site() == site) return true;
  if (IsOneOf(site, therapy.party_sites())) return true;
  // Where somebody found an item in doubt, its quality takes part until the doubt is resolved.
  const auto found_here = [&](const pb::Quarantine& q) {
    return q.open() && q.kind() == pb::QUARANTINED_IDENTITY && q.site() == site;
  };
  if (e.body == "identity_resolved" && std::ranges::any_of(therapy.quarantines(), found_here)) {
    return true;
  }
  const EnrolledSite* enrolled = e.registry().FindSite(site);
  return enrolled != nullptr && IsOneOf(enrolled->organisation, therapy.party_carriers());
}

// Where the event was signed; null when that is no station in use.
const EnrolledStation* JudgeStation(const TherapyEvent& e) {
  const EnrolledStation* station = e.registry().FindStation(e.event.station());
  if (station == nullptr || station->retired) {
    e.objections.Refuse("R01", {"station " + e.event.station(), "an enrolled station in use",
                                station == nullptr ? "a station that is not enrolled"
                                                   : "a station that was retired",
                                "sign at a station of your site, or have this one enrolled"});
    return nullptr;
  }
  if (e.event.has_patient_enrolled()) {
    const std::string& site = e.event.patient_enrolled().site();
    if (site == station->site) return station;
    e.objections.Refuse("R01", {"site " + site, "the site of the station, " + station->site,
                                "another site", "enrol the patient at a station of " + site});
    return station;
  }
  const bool has_business =
      e.therapy.site().empty() || IsParty(e, station->site) || IsOneOf(e.body, kFromAnywhere);
  if (has_business) return station;
  e.objections.Refuse(
      "R01", {"station " + e.event.station(),
              "a station of a site or carrier that an earlier event of the therapy names",
              "a station of " + station->site,
              "check that this is the right therapy; if so, its own site must name yours first"});
  return station;
}

void JudgeWorkplace(const TherapyEvent& e, const EnrolledStation& station) {
  for (const pb::Signer& signer : e.event.signers()) {
    const EnrolledPerson* person = e.registry().FindPerson(signer.person());
    if (person == nullptr || WorksAt(person, station.site)) continue;
    const bool of_party = std::ranges::any_of(
        person->sites, [&](const std::string& site) { return IsParty(e, site); });
    if (of_party && IsOneOf(e.body, kSignedAnywhere)) continue;
    e.objections.Refuse(
        "R01",
        {signer.person(), "somebody enrolled at " + station.site, "somebody not enrolled there",
         "let somebody of " + station.site + " sign, or have this person enrolled at that site"});
  }
}

// Somebody who did it, but did not sign: what can be known of them.
void JudgePerformer(const TherapyEvent& e, const Doer& doer) {
  if (doer.person.empty()) return;  // not enrolled: the signers answer for the name
  const EnrolledPerson* person = e.registry().FindPerson(doer.person);
  const auto refuse = [&](std::string expected, std::string found) {
    e.objections.Refuse("R01", {std::string(doer.person), std::move(expected), std::move(found),
                                "correct who did it"});
  };
  if (person == nullptr) {
    return refuse("an enrolled person, or no person id",
                  std::string(doer.person) + ", who is not enrolled");
  }
  if (!IsOneOf(doer.name, person->printed_names)) {
    refuse("a name enrolled for this person", "\"" + std::string(doer.name) + "\"");
  }
  // Who has left since may well have done it before.
  if (!person->retired && !HoldsRole(person, doer.role)) {
    refuse("a role that this person holds", pb::Role_Name(doer.role));
  }
}

void JudgeRole(const TherapyEvent& e, const Doer& doer, const Roles& allowed) {
  const bool decides = e.rule.kind() == pb::DECISION || e.rule.kind() == pb::GATED_STEP;
  const bool fits =
      e.rule.any_role() ? !(decides && doer.role == pb::DEVICE) : allowed.Has(doer.role);
  if (fits && !(doer.role == pb::DEVICE && e.rule.kind() == pb::DECISION)) return;
  e.objections.Refuse("R01",
                      {doer.person.empty() ? std::string(doer.name) : std::string(doer.person),
                       e.rule.any_role() ? "a person: a device states readings, never decisions"
                                         : "one of the roles " + allowed.ToString(),
                       pb::Role_Name(doer.role),
                       "let somebody in one of these roles " +
                           std::string(doer.signer ? "sign" : "be named as who did it")});
}

// Roles of the second person of a two-person event whose first is in role `first`.
Roles SecondRoles(const pb::EventRule& rule, pb::Role first) {
  if (rule.second_size() > 0) return Roles(rule.second());
  if (first == pb::MFG) return Roles(std::array{pb::MFG2});
  return Roles(rule.enter());
}

bool ArePair(const pb::EventRule& rule, const Doer& first, const Doer& second) {
  const bool different = first.person.empty() || second.person.empty()
                             ? first.name != second.name
                             : first.person != second.person;
  const Roles enter = Roles(rule.enter()) | Roles(rule.attest());
  return different && (rule.any_role() || enter.Has(first.role)) &&
         (rule.any_role() || SecondRoles(rule, first.role).Has(second.role));
}

// What to say when the second person is missing. Where anybody may sign, nobody reads a list.
Words NoPair(const TherapyEvent& e, std::size_t people) {
  if (e.rule.any_role()) {
    return {std::string(e.body), "two different people, any two enrolled at the site",
            people < 2 ? "one" : "the same person, or somebody who is not told apart",
            "any other enrolled person of the site checks it and signs too"};
  }
  const Roles first = Roles(e.rule.enter()) | Roles(e.rule.attest());
  const std::string second = e.rule.second_size() > 0 ? Roles(e.rule.second()).ToString()
                             : first.Has(pb::MFG)     ? "one of these, or MFG2 beside MFG"
                                                      : "one of these roles";
  return {std::string(e.body),
          "two different people: one as " + first.ToString() + ", another as " + second,
          std::to_string(people) + " in roles that do not make such a pair",
          "a second person checks for themselves and signs too"};
}

void JudgeTwoPeople(const TherapyEvent& e, const std::vector<Doer>& doers) {
  const bool paired = std::ranges::any_of(doers, [&](const Doer& first) {
    return std::ranges::any_of(doers,
                               [&](const Doer& second) { return ArePair(e.rule, first, second); });
  });
  if (!paired) {
    e.objections.Refuse("R04", NoPair(e, doers.size()));
  }
  std::vector<Instant> times;
  for (const pb::Signer& signer : e.event.signers()) {
    if (e.event.entry() == pb::LIVE || !IsTranscription(signer)) {
      times.push_back(FromProto(signer.identified_at()));
    }
  }
  if (times.size() < 2) return;
  const auto [first, last] = std::ranges::minmax(times);
  if (last - first <= kTogetherMicros) return;
  e.objections.Refuse("R04", {std::string(e.body), "both people present within 10 minutes",
                              std::to_string((last - first) / kMicrosPerMinute) + " minutes apart",
                              "both identify themselves again and repeat their checks"});
}

// What was not entered as it happened is copied by one person and compared by another.
void JudgeTranscription(const TherapyEvent& e) {
  if (e.event.entry() == pb::LIVE || e.event.entry() == pb::ENTRY_MODE_UNSPECIFIED) return;
  const auto signs = [&](pb::Meaning meaning) {
    return std::ranges::any_of(
        e.event.signers(), [&](const pb::Signer& signer) { return signer.meaning() == meaning; });
  };
  const bool copied =
      e.event.performed_by_size() == 0 || (signs(pb::TRANSCRIBED) && signs(pb::CHECKED));
  if (e.event.signers_size() < 2 || !copied) {
    e.objections.Refuse("R04",
                        {std::string(e.body), "two signers, who transcribed it and who compared it",
                         std::to_string(e.event.signers_size()) + " signers",
                         "a second person of the site compares the entry with its source "
                         "and signs as CHECKED"});
  }
  if (DoersOf(e.event).empty()) {
    e.objections.Refuse("R01",
                        {std::string(e.body), "who did it", "nobody but those who transcribed it",
                         "name who did it, with their role"});
  }
}

// A permission is its givers' own: who is named and did not sign gives none.
void JudgeOwnSignature(const TherapyEvent& e) {
  if (!e.rule.own_signature()) return;
  const auto& signers = e.event.signers();
  for (const pb::Performer& named : e.event.performed_by()) {
    const bool signs = std::ranges::any_of(signers, [&](const pb::Signer& signer) {
      const bool for_themselves = e.event.entry() == pb::LIVE || !IsTranscription(signer);
      return for_themselves && !named.person().empty() && signer.person() == named.person();
    });
    if (signs) continue;
    const std::string who = named.person().empty() ? named.printed_name() : named.person();
    e.objections.Refuse(
        "R01", {who, "the signature of whoever decides it", "named, without a signature",
                e.body == "override_granted"
                    ? "let them sign it, at whatever station they are; or record it as a verbal "
                      "order by two who heard it, which they confirm within 24 h"
                    : "let them sign it themselves, late if need be, with a second person as "
                      "CHECKED"});
  }
}

// Of signers their training counts when they signed, of others when they did it.
void JudgeTraining(const TherapyEvent& e, const Doer& doer) {
  const EnrolledPerson* person = e.registry().FindPerson(doer.person);
  if (person == nullptr || !person->training_valid_until) return;
  const Instant when = FromProto(doer.signer ? e.event.signed_at() : e.event.occurred_at());
  if (when <= *person->training_valid_until) return;
  const bool lets_pass = e.rule.kind() == pb::FACT || e.rule.training_may_lapse();
  e.objections.Add(
      "R01", lets_pass ? pb::REASON_DEVIATION : pb::REASON_GATE,
      {std::string(doer.person), "training valid on " + FormatLocal(when, e.event.time_zone()),
       "training valid until " + FormatLocal(*person->training_valid_until, e.event.time_zone()),
       "let somebody with valid training do it, or have the new training enrolled"});
}

void JudgeDoers(const TherapyEvent& e) {
  const std::vector<Doer> doers = DoersOf(e.event);
  const Roles first = Roles(e.rule.enter()) | Roles(e.rule.attest());
  Roles allowed = first | Roles(e.rule.second());
  if (e.rule.two_person() && e.rule.second_size() == 0 && first.Has(pb::MFG)) allowed.Add(pb::MFG2);
  for (const Doer& doer : doers) {
    if (!doer.signer) JudgePerformer(e, doer);
    JudgeRole(e, doer, allowed);
    JudgeTraining(e, doer);
  }
  if (e.rule.two_person()) return JudgeTwoPeople(e, doers);
  const bool entered = e.rule.any_role() || doers.empty() ||
                       std::ranges::any_of(doers, [&](const Doer& d) { return first.Has(d.role); });
  if (entered) return;
  e.objections.Refuse("R01", {std::string(e.body), "one of the roles " + first.ToString(),
                              "only second signers", "let one of these roles sign too"});
}

// An event as it was signed, or the original of an adopted one.
void JudgeTherapyEvent(const pb::Event& event, const pb::TherapyState& therapy,
                       const Objections& objections) {
  JudgeSigners(event, objections);
  const TherapyEvent e{event, BodyName(event), BodyRule(event), therapy, objections};
  if (const EnrolledStation* station = JudgeStation(e)) JudgeWorkplace(e, *station);
  JudgeTranscription(e);
  JudgeOwnSignature(e);
  JudgeDoers(e);
  JudgeEnvironment(event, objections);
}

// Who adopts an event vouches for the copy, in whatever role.
void JudgeAdoption(const pb::Event& event, const pb::TherapyState& therapy,
                   const Objections& objections) {
  JudgeSigners(event, objections);
  const TherapyEvent e{event, BodyName(event), BodyRule(event), therapy, objections};
  if (const EnrolledStation* station = JudgeStation(e)) JudgeWorkplace(e, *station);
  for (const pb::Signer& signer : event.signers()) {
    if (signer.meaning() == pb::TRANSCRIBED) continue;
    objections.Refuse("R01", {signer.person(), "an adoption signed as TRANSCRIBED",
                              "signed as " + pb::Meaning_Name(signer.meaning()),
                              "sign the adoption as TRANSCRIBED"});
  }
}

void JudgeLedger(const pb::Event& event, const Objections& objections) {
  const Registry& registry = objections.registry;
  if (event.has_ledger_created()) return;  // the fold says that there is one only
  if (registry.created() && event.ledger() == registry.genesis().view()) return;
  objections.Refuse("R01",
                    {"ledger", "an event of ledger " + Hex(registry.genesis().view().substr(0, 8)),
                     "one of ledger " + Hex(std::string_view(event.ledger()).substr(0, 8)),
                     "this event was signed for another ledger: record it there"});
}

}  // namespace

void CheckAuthority(const Registry& registry, const ParsedEvent& event,
                    const pb::TherapyState* therapy, std::uint64_t index, pb::Verdict& verdict) {
  const Objections objections{registry, index, verdict};
  const pb::TherapyState& state =
      therapy == nullptr ? pb::TherapyState::default_instance() : *therapy;
  JudgeLedger(event.event, objections);
  if (IsTherapyChain(event.event.chain())) {
    if (event.original) JudgeAdoption(event.event, state, objections);
    return JudgeTherapyEvent(event.effective(), state, objections);
  }
  if (!event.event.has_ledger_created()) JudgeSigners(event.event, objections);
  JudgeRegistryAct(event, objections);
  JudgeEnvironment(event.event, objections);
}

}  // namespace custody
