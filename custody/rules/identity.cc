// That the right cells meet the right patient. Nothing here is ever overridden.
//
// R37 (orders.cc), R35 and R26 are the three doors before the irreversible: an order for this
// container, two people before the thaw, two people at the bed and the same scans again at the
// line. Their scans are compared in scans.cc.
#include <algorithm>
#include <set>

#include "custody/never_ours.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Set = std::set<std::string>;

// What arrives or is checked in and does not match its patient or papers is in doubt (facts).
void DoubtWhatDisagrees(const Case& c, const Rule& rule, pb::Verdict& v) {
  const char* what = nullptr;
  std::vector<std::string> ids = StepContainers(c.effective);
  if (c.effective.has_received_clinic()) {
    const pb::ReceivedClinic& body = c.effective.received_clinic();
    if (body.patient_matches() == pb::NO) what = "the patient on container and certificate";
    if (body.product_matches() == pb::NO) what = "the product";
  } else if (c.effective.has_incoming_qc_passed() || c.effective.has_incoming_qc_failed()) {
    const bool passed = c.effective.has_incoming_qc_passed();
    const auto& donations = passed ? c.effective.incoming_qc_passed().containers()
                                   : c.effective.incoming_qc_failed().containers();
    const pb::Answer match = passed ? c.effective.incoming_qc_passed().identity_match()
                                    : c.effective.incoming_qc_failed().identity_match();
    if (match == pb::NO) what = "label, chain of identity and papers";
    ids.assign(donations.begin(), donations.end());
  }
  if (what == nullptr) return;
  for (const std::string& id : ids) {
    const pb::Container* container = FindContainer(c.therapy, id);
    Quarantine(c, rule, v,
               {std::string(what) + " agree", "they do not",
                "put it aside and call quality of both sites: IDENTITY_RESOLVED",
                container == nullptr ? id : container->id()});
  }
}

// A label that is neither on a bag nor destroyed may be on another patient's bag.
void CountLabels(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto count = [&](std::uint32_t printed, std::uint32_t applied, std::uint32_t destroyed,
                         const std::string& subject = "") {
    if (printed == applied + destroyed) return;
    Deviation(c, rule, v,
              {"every printed label on its bag or destroyed: " + std::to_string(printed),
               std::to_string(applied) + " applied, " + std::to_string(destroyed) + " destroyed",
               "search for the label; in doubt record IDENTITY_IN_DOUBT", subject},
              true);
  };
  if (c.effective.has_label_completed()) {
    const pb::LabelCompleted& body = c.effective.label_completed();
    const std::string& din = body.din().value();
    const auto& counts = c.therapy.label_counts();
    const auto issued = std::ranges::find(counts, din, &pb::LabelCount::din);
    // What the printer gave out counts, not what somebody remembers of it.
    const bool known = issued != counts.end() && issued->printed() != 0;
    count(known ? issued->printed() : body.printed(), body.applied(), body.destroyed(), din);
    if (known && issued->printed() != body.printed()) {
      Deviation(
          c, rule, v,
          {std::to_string(issued->printed()) + " labels printed, as LABEL_ISSUED says",
           std::to_string(body.printed()) + " stated", "count again; search for the label", din},
          true);
    }
    if (issued != counts.end() && issued->applied() != 0 && issued->applied() != body.applied()) {
      Deviation(c, rule, v,
                {std::to_string(issued->applied()) + " labels on bags, as LABEL_AFFIXED says",
                 std::to_string(body.applied()) + " stated",
                 "look at every bag; in doubt record IDENTITY_IN_DOUBT", din},
                true);
    }
  } else if (c.effective.has_filled()) {
    const pb::Filled& body = c.effective.filled();
    count(body.labels_printed(), body.labels_applied(), body.labels_destroyed());
    if (body.labels_applied() < static_cast<std::uint32_t>(body.containers_size())) {
      Deviation(c, rule, v,
                {"a label on each of " + std::to_string(body.containers_size()) + " containers",
                 std::to_string(body.labels_applied()) + " applied",
                 "look at every container; in doubt record IDENTITY_IN_DOUBT"},
                true);
    }
  }
}

// The identifiers that a wristband scan gave.
Set Read(const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>& wristband) {
  Set read;
  for (const pb::IdentifierCommitment& id : wristband) read.insert(id.commitment());
  return read;
}

void JudgeThawers(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string& id = c.effective.bedside_id_verified().container().value();
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || container->thawed_by().empty()) return;
  std::size_t thawed = 0;
  for (const StepPerson& person : PeopleOf(c.effective)) {
    const auto index = PersonIndex(c.therapy, person.person);
    const auto& by = container->thawed_by();
    if (index && std::ranges::find(by, *index) != by.end()) ++thawed;
  }
  if (thawed < 2) return;
  Gate(c, rule, v,
       {"at most one of the two thawed the container", "both did",
        "call somebody who did not thaw it", id});
}

// A PASS that reaches the ledger after a later answer opens nothing; who gave it is told.
void TellLaterAnswer(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::BedsideIdVerified& body = c.effective.bedside_id_verified();
  const pb::Container* container = FindContainer(c.therapy, body.container().value());
  if (container == nullptr || At(c) >= container->bedside_said_us()) return;
  Note(c, rule, v,
       {"the last answer at the bedside",
        "another was given later: " + Local(c, container->bedside_said_us()),
        "the later one counts; verify again at the bedside before the infusion", container->id()});
}

// Everything that the PASS was given for, scanned again now.
void CompareWithPass(const Case& c, const Rule& rule, pb::Verdict& v, const pb::BedsidePass& pass) {
  const pb::InfusionStarted& body = c.effective.infusion_started();
  const std::string& id = body.container().value();
  if (Read(body.wristband()) != Set(pass.wristband().begin(), pass.wristband().end())) {
    const std::string found =
        body.wristband().empty() ? "no scan" : "other identifiers, or not all of them";
    Gate(c, rule, v,
         {"all identifiers of the PASS read from the wristband, scanned now", found,
          "scan the whole wristband; if it is another one, stop and verify at the bedside again",
          id});
  }
  if (body.order().value() != pass.order()) {
    Gate(c, rule, v,
         {"order " + pass.order() + " of the PASS", body.order().value(), kPresentRight, id});
  }
  const pb::InfusionOrder* order = OrderFor(c.therapy, id);
  if (order == nullptr || order->order() != pass.order()) {
    Gate(c, rule, v,
         {"order " + pass.order() + " of the PASS still standing",
          order == nullptr ? "it was cancelled" : "it was replaced by " + order->order(),
          "ask the physician; two people verify again by the order that stands", id});
  } else {
    NeedSignedOrder(c, rule, v, *order, id);
  }
  if (body.coi().value() != c.therapy.coi()) {
    Gate(c, rule, v,
         {"chain of identity " + c.therapy.coi(), body.coi().value(), kPresentRight, id});
  }
  if (c.effective.signers_size() >= 2) return;
  const auto typed = [&](bool by_hand, const char* what) {
    if (!by_hand) return;
    Gate(c, rule, v,
         {std::string(what) + " scanned now", "typed by one person",
          "scan it, or let a second person sign", id});
  };
  typed(body.container().source() == pb::TYPED, "the container");
  typed(body.coi().source() == pb::TYPED, "the chain of identity");
  typed(body.order().source() == pb::TYPED, "the order");
  typed(std::ranges::any_of(body.wristband(),
                            [](const auto& read) { return read.source() == pb::TYPED; }),
        "the wristband");
}

// Of a name that the therapy does not know nothing is held.
void NameUnknownItems(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& item : c.effective.identity_in_doubt().items()) {
    if (!ContainersMeant(c.therapy, item).empty() || HasName(c.therapy, item)) continue;
    Deviation(
        c, rule, v,
        {"a container, lot, donation, cassette, shipper or seal of this therapy",
         item + " is none of it: nothing is held",
         "look what it is, and record IDENTITY_IN_DOUBT with the container's own number", item},
        true);
  }
}

// Only what nothing bears is given back, and only by the name that the record has.
void JudgeGivenBack(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::IdentityResolved& body = c.effective.identity_resolved();
  for (const std::string& item : body.items()) {
    if (!HasName(c.therapy, item)) {
      Gate(c, rule, v,
           {"a chain of identity, donation, lot, container or vial (LOT/VIAL) of this therapy",
            item + " is none", "write it as it stands in the record of this therapy", item});
      continue;
    }
    const std::string bearer = BearerOf(c.therapy, body.items(), item);
    if (bearer.empty()) continue;
    Gate(c, rule, v,
         {"a number that nothing of this therapy bears", bearer,
          "look at it: if that is a slip, too, give both back together; if not, relabel it "
          "(RELABELLED), and quality grants what the other therapy is refused by R05",
          item});
  }
}

// Before anybody makes the product there is no other side: two of quality of the treating house
// resolve it among themselves.
bool IsForHouseAlone(const Case& c, const std::set<std::string>& organisations) {
  const EnrolledOrganisation* house = c.registry.OrganisationOfSite(TreatingSite(c.therapy));
  return !HasMaker(c.therapy) && house != nullptr && organisations.contains(house->organisation);
}

// Two of quality, one of each side.
void NeedBothSides(const Case& c, const Rule& rule, pb::Verdict& v,
                   const EnrolledOrganisation* finder, const std::vector<const pb::Lot*>& lots) {
  std::set<std::string> organisations;
  bool manufacturer = false;
  for (const StepPerson& person : PeopleOf(c.effective)) {
    const EnrolledOrganisation* organisation = OrganisationOf(c.registry, person.person);
    if (person.role != pb::QA || organisation == nullptr) continue;
    organisations.insert(organisation->organisation);
    manufacturer = manufacturer || std::ranges::any_of(lots, [&](const pb::Lot* lot) {
                     return IsMaker(c, person.person, lot);
                   });
  }
  // A carrier has no quality of its own: there the other organisation speaks.
  const bool asked = finder == nullptr || finder->kind == pb::CARRIER ||
                     organisations.contains(finder->organisation);
  if (asked && organisations.size() >= 2 && manufacturer) return;
  if (asked && IsForHouseAlone(c, organisations)) return;
  if (!HasMaker(c.therapy)) {
    Structure(c, rule, v,
              {"two of quality: of the finding site, and of the treating house (nobody makes a "
               "product yet)",
               "quality of " + List({organisations.begin(), organisations.end()}),
               "quality of the finding site and of the treating house sign together"});
    return;
  }
  Structure(
      c, rule, v,
      {"two of quality from different organisations: of the finding site and the manufacturer",
       "quality of " + List({organisations.begin(), organisations.end()}),
       "both organisations' quality sign together"});
}

}  // namespace

void IdentityLifted(const Case& c, const Rule& rule, pb::Verdict& v) {
  DoubtWhatDisagrees(c, rule, v);
  DoubtNumbers(c, rule, v);
  DoubtUnexpected(c, rule, v);
  CountLabels(c, rule, v);
  NameUnknownItems(c, rule, v);
  if (Body(c) != pb::Event::kIdentityResolved) return;
  const std::string& id = c.effective.identity_resolved().quarantine();
  const auto open = std::ranges::find_if(c.therapy.quarantines(), [&](const pb::Quarantine& q) {
    return q.open() && q.kind() == pb::QUARANTINED_IDENTITY && q.id() == id;
  });
  const pb::Hold* hold = FindHold(c.therapy, id);
  if (hold != nullptr && (!hold->open() || hold->kind() != "IDENTITY")) hold = nullptr;
  // Who found it: the site of a quarantine, the organisation of whoever set a hold.
  const EnrolledOrganisation* finder = nullptr;
  const pb::Quarantine* doubt = open == c.therapy.quarantines().end() ? nullptr : &*open;
  if (doubt != nullptr) {
    finder = c.registry.OrganisationOfSite(open->site());
  } else if (hold != nullptr) {
    finder = c.registry.FindOrganisation(hold->organisation());
  } else {
    Structure(c, rule, v,
              {"an open identity quarantine or identity hold", id + " is none",
               "look its id up: it is among the next steps"});
  }
  NeedBothSides(c, rule, v, finder, LotsInDoubt(c, doubt, hold));
  if (c.effective.identity_resolved().outcome() == pb::DOUBT_RESOLVED_NEVER_OURS) {
    JudgeGivenBack(c, rule, v);
  }
}

namespace {

// The ward's word for the patient's wristband.
void JudgeWard(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PrethawIdVerified& body = c.effective.prethaw_id_verified();
  if (body.confirmed_by() != pb::CONFIRMED_BY_WARD) return;
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().ward_confirmation();
  const std::uint32_t minutes = Tightened(Defaults::kWardMinutes, stated);
  const std::int64_t at = Micros(body.ward_scanned_at());
  const bool known = c.registry.FindPerson(body.ward_person()) != nullptr;
  if (known && IsFresh(c, at, minutes * kMicrosPerMinute)) return;
  Gate(c, rule, v,
       {"the wristband scanned on the ward by an enrolled person at most " +
            std::to_string(minutes) + " min ago",
        body.ward_person().empty() ? "nobody named"
        : !known                   ? body.ward_person() + " is not enrolled"
                                   : Span(At(c) - at) + " ago",
        "the ward scans the wristband again"});
}

// What was verified is what is still ordered: an order may end between the check and the thaw.
void JudgeOrderStands(const Case& c, const Rule& rule, pb::Verdict& v,
                      const pb::Container& container) {
  const pb::InfusionOrder* order = OrderFor(c.therapy, container.id());
  if (order == nullptr) {
    Gate(c, rule, v,
         {"an infusion order that stands for this container", "none, or it was cancelled",
          "leave it frozen; the physician orders: INFUSION_ORDERED", container.id()});
  } else if (!container.prethaw().empty() && order->order() != container.prethaw_order()) {
    Gate(c, rule, v,
         {"the order by which it was verified: " + container.prethaw_order(),
          "replaced by " + order->order(),
          "two people verify by the order that stands: PRETHAW_ID_VERIFIED", container.id()});
  } else {
    NeedSignedOrder(c, rule, v, *order, container.id());
  }
}

}  // namespace

void BeforeThaw(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kPrethawIdVerified) return JudgeWard(c, rule, v);
  const bool thaw = c.effective.has_thaw_started();
  const bool infusion = c.effective.has_infusion_started();
  if (!thaw && !infusion && !c.effective.has_bedside_id_verified()) return;
  const std::string id = StepContainers(c.effective).front();
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || container->material() != pb::DRUG_PRODUCT) return;
  if ((thaw || infusion) && container->prethaw().empty()) {
    Gate(c, rule, v,
         {"two people verified this container before the thaw", "no PRETHAW_ID_VERIFIED for it",
          thaw ? "verify container, certificate, order and patient now"
               : "do not give it: stop, call the physician and quality",
          id});
  }
  if (!c.therapy.consent_treatment()) {
    Gate(c, rule, v,
         {"consent to the treatment", "none that stands",
          std::string("obtain consent before ") + (thaw ? "thawing" : "giving it"), id});
  }
  if (!thaw) return;
  // Of what is thawed nobody can make the check again; the two at the bed check it themselves.
  if (IsLive(c) && container->prethaw_from_paper()) {
    Gate(c, rule, v,
         {"two people verified it before the thaw, and signed that themselves",
          "others wrote their check down",
          "leave it frozen; two people verify it now: PRETHAW_ID_VERIFIED", id});
  }
  JudgeOrderStands(c, rule, v, *container);
  const pb::PatientCondition& condition = c.therapy.condition();
  if (condition.ineligible()) {
    Gate(c, rule, v,
         {"a patient who is treated", "found not eligible",
          "the physician assesses anew: ELIGIBILITY_ASSESSED", id, pb::CLINICAL});
  }
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().preinfusion_check();
  const std::uint32_t minutes = Tightened(Defaults::kPreinfusionMinutes, stated);
  const std::int64_t age = At(c) - condition.preinfusion_us();
  const bool fresh = IsFresh(c, condition.preinfusion_us(), minutes * kMicrosPerMinute);
  if (condition.preinfusion_go() && fresh) return;
  Gate(c, rule, v,
       {"the physician's go at most " + Span(minutes * kMicrosPerMinute) + " old",
        condition.preinfusion_us() == 0 ? "no PREINFUSION_CHECK_PASSED"
        : condition.preinfusion_go()    ? Span(age) + " old"
                                        : "taken back, or the last check said no",
        "the physician repeats the pre-infusion check", id, pb::CLINICAL});
}

void BedsidePassed(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kBedsideIdVerified) {
    TellLaterAnswer(c, rule, v);
    return JudgeThawers(c, rule, v);
  }
  if (Body(c) != pb::Event::kInfusionStarted) return;
  const pb::InfusionStarted& body = c.effective.infusion_started();
  const std::string& id = body.container().value();
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || !container->has_pass()) {
    const std::int64_t said = container == nullptr ? 0 : container->bedside_said_us();
    Gate(c, rule, v,
         {"a two-person PASS at the bedside on this container",
          said == 0 ? "none" : "none since " + Local(c, said), "two people verify at the bedside",
          id});
    return;
  }
  const pb::BedsidePass& pass = container->pass();
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().bedside_pass();
  const std::uint32_t minutes = Tightened(Defaults::kBedsidePassMinutes, stated);
  if (!IsFresh(c, pass.at_us(), minutes * kMicrosPerMinute)) {
    Gate(c, rule, v,
         {"a PASS at most " + std::to_string(minutes) + " min old",
          Span(At(c) - pass.at_us()) + " old", "two people verify at the bedside again", id});
  }
  if (IsLive(c) && pass.from_paper()) {
    Gate(c, rule, v,
         {"a PASS that its two people signed themselves", "others wrote it down",
          "two people verify at the bedside now: BEDSIDE_ID_VERIFIED", id});
  }
  CompareWithPass(c, rule, v, pass);
}

}  // namespace custody::rules
