// That the right cells meet the right patient. Nothing here is ever overridden.
//
// R37, R35 and R26 are the three doors before the irreversible: an order for this container, two
// people before the thaw, two people at the bed and the same scans again at the line. Their scans
// are compared in scans.cc.
#include <algorithm>
#include <set>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

}  // namespace

void IdentityLifted(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kIdentityResolved) return;
  const std::string& id = c.effective.identity_resolved().quarantine();
  const bool open = std::ranges::any_of(c.therapy.quarantines(), [&](const pb::Quarantine& q) {
    return q.open() && q.kind() == pb::QUARANTINED_IDENTITY && q.id() == id;
  });
  if (!open) {
    Structure(c, rule, v,
              {"an open identity quarantine", id + " is none", "look the quarantine's id up"});
  }
  std::set<std::string> organisations;
  bool manufacturer = false;
  for (const StepPerson& person : PeopleOf(c.effective)) {
    const EnrolledOrganisation* organisation = OrganisationOf(c.registry, person.person);
    if (person.role != pb::QA || organisation == nullptr) continue;
    organisations.insert(organisation->organisation);
    manufacturer = manufacturer || organisation->kind == pb::MANUFACTURER;
  }
  if (organisations.size() >= 2 && manufacturer) return;
  Structure(c, rule, v,
            {"two of quality from different organisations, one of them the manufacturer",
             "quality of " + List({organisations.begin(), organisations.end()}),
             "both organisations' quality sign together"});
}

void OrderedForBag(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kPrethawIdVerified && Body(c) != pb::Event::kBedsideIdVerified) return;
  const bool prethaw = Body(c) == pb::Event::kPrethawIdVerified;
  const std::string& id = prethaw ? c.effective.prethaw_id_verified().container().value()
                                  : c.effective.bedside_id_verified().container().value();
  const std::string& scanned = prethaw ? c.effective.prethaw_id_verified().order().value()
                                       : c.effective.bedside_id_verified().order().value();
  // Of a bag that is somebody else's F8a speaks; "order it" would be the worst of advice.
  if (FindContainer(c.therapy, id) == nullptr) return;
  const pb::InfusionOrder* order = OrderFor(c.therapy, id);
  if (order == nullptr) {
    Gate(c, rule, v,
         {"an open infusion order for this container", "none",
          "the physician orders the infusion; pharmacy or cell laboratory verifies it", id});
  } else if (order->order() != scanned) {
    Gate(c, rule, v,
         {"infusion order " + order->order() + " for this container", scanned, kPresentRight, id});
  }
}

void BeforeThaw(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kPrethawIdVerified) {
    const pb::PrethawIdVerified& body = c.effective.prethaw_id_verified();
    if (body.confirmed_by() != pb::CONFIRMED_BY_WARD) return;
    const std::uint32_t stated =
        c.profile == nullptr ? 0 : c.profile->validity().ward_confirmation();
    const std::uint32_t minutes = Tightened(Defaults::kWardMinutes, stated);
    const std::int64_t age = At(c) - Micros(body.ward_scanned_at());
    if (body.ward_person().empty() || age > minutes * kMicrosPerMinute) {
      Gate(c, rule, v,
           {"the wristband scanned on the ward by a named person at most " +
                std::to_string(minutes) + " min ago",
            body.ward_person().empty() ? "nobody named" : Span(age) + " ago",
            "the ward scans the wristband again"});
    }
    return;
  }
  if (Body(c) != pb::Event::kThawStarted) return;
  const std::string& id = c.effective.thaw_started().container().value();
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || container->material() != pb::DRUG_PRODUCT) return;
  if (container->prethaw().empty()) {
    Gate(c, rule, v,
         {"two people verified this container before the thaw", "no PRETHAW_ID_VERIFIED for it",
          "verify container, certificate, order and patient now", id});
  }
  if (!c.therapy.consent_treatment()) {
    Gate(c, rule, v,
         {"consent to the treatment", "none that stands", "obtain consent before thawing", id});
  }
  const pb::PatientCondition& condition = c.therapy.condition();
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().preinfusion_check();
  const std::uint32_t minutes = Tightened(Defaults::kPreinfusionMinutes, stated);
  const std::int64_t age = At(c) - condition.preinfusion_us();
  if (condition.preinfusion_go() && age <= minutes * kMicrosPerMinute) return;
  Gate(c, rule, v,
       {"the physician's go at most " + Span(minutes * kMicrosPerMinute) + " old",
        condition.preinfusion_us() == 0 ? "no PREINFUSION_CHECK_PASSED"
        : condition.preinfusion_go()    ? Span(age) + " old"
                                        : "the last check said no",
        "the physician repeats the pre-infusion check", id});
}

void BedsidePassed(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kBedsideIdVerified) {
    const std::string& id = c.effective.bedside_id_verified().container().value();
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr || container->thawed_by().empty()) return;
    std::size_t thawed = 0;
    for (const StepPerson& person : PeopleOf(c.effective)) {
      const auto index = PersonIndex(c.therapy, person.person);
      const auto& by = container->thawed_by();
      if (index && std::ranges::find(by, *index) != by.end()) ++thawed;
    }
    if (thawed >= 2) {
      Gate(c, rule, v,
           {"at most one of the two thawed the container", "both did",
            "call somebody who did not thaw it", id});
    }
    return;
  }
  if (Body(c) != pb::Event::kInfusionStarted) return;
  const pb::InfusionStarted& body = c.effective.infusion_started();
  const std::string& id = body.container().value();
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || !container->has_pass()) {
    Gate(c, rule, v,
         {"a two-person PASS at the bedside on this container", "none",
          "two people verify at the bedside", id});
    return;
  }
  const pb::BedsidePass& pass = container->pass();
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().bedside_pass();
  const std::uint32_t minutes = Tightened(Defaults::kBedsidePassMinutes, stated);
  const std::int64_t age = At(c) - pass.at_us();
  if (age > minutes * kMicrosPerMinute || age < 0) {
    Gate(c, rule, v,
         {"a PASS at most " + std::to_string(minutes) + " min old", Span(age) + " old",
          "two people verify at the bedside again", id});
  }
  bool known = false;  // by something that tells patients apart; a birth date alone does not
  bool other = body.wristband().empty();
  for (const pb::IdentifierCommitment& read : body.wristband()) {
    other = other || !Contains(pass.wristband(), read.commitment());
    known = known || read.type() != "dob";
  }
  if (other || !known) {
    Gate(
        c, rule, v,
        {"the wristband of the PASS, scanned now", body.wristband().empty() ? "no scan" : "another",
         "stop; two people verify at the bedside again", id});
  }
  if (body.order().value() != pass.order()) {
    Gate(c, rule, v,
         {"order " + pass.order() + " of the PASS", body.order().value(), kPresentRight, id});
  }
  if (body.coi().value() != c.therapy.coi()) {
    Gate(c, rule, v,
         {"chain of identity " + c.therapy.coi(), body.coi().value(), kPresentRight, id});
  }
  if (body.container().source() == pb::TYPED && c.effective.signers_size() < 2) {
    Gate(c, rule, v,
         {"the container scanned now", "typed by one person", "scan it, or let a second sign", id});
  }
}

}  // namespace custody::rules
