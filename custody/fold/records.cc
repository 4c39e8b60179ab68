// What is said of records: which events there are, who still has to attest what others entered,
// what was corrected, and words that were given by mouth.
#include <algorithm>
#include <string>

#include "custody/accounting.h"
#include "custody/body_plan.h"
#include "custody/correction.h"
#include "custody/fold/fold.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody::fold {

void OpenOverdue(Folding& f, const std::string& event_id, const char* rule, bool critical,
                 std::int64_t since, const std::string& found) {
  const bool opened = std::ranges::any_of(f.state.deviations(), [&](const pb::Deviation& d) {
    return d.event_id() == event_id && d.rule() == rule;
  });
  if (opened) return;
  pb::Deviation& deviation = NewDeviation(f, event_id, rule);
  deviation.set_rule(rule);
  deviation.set_critical(critical);
  deviation.set_opened_us(since);
  deviation.set_found(found);
}

namespace {

constexpr std::int64_t kInTime = Defaults::kAttestHours * kMicrosPerHour;

// So many events of a chain can be named by what comes later: twice those of a whole therapy. A
// chain that a machine writes for ever does not make its fold grow for ever.
constexpr int kKnownEvents = 1'024;
constexpr int kDroppedAtOnce = 256;

void Remember(Folding& f) {
  f.state.add_event_prefixes(EventPrefix(f.event_id));
  f.state.add_event_bodies(KnownAs(f.event));
  if (f.state.event_prefixes_size() < kKnownEvents + kDroppedAtOnce) return;
  f.state.mutable_event_prefixes()->ExtractSubrange(0, kDroppedAtOnce, nullptr);
  f.state.mutable_event_bodies()->ExtractSubrange(0, kDroppedAtOnce, nullptr);
}

// A verbal order is confirmed by its authority within a day; what nobody did in time is found by
// the first event that comes after.
void AgeVerbalGrants(Folding& f) {
  const std::string& confirms = f.event.override_confirmed().grant();
  for (const pb::Grant& grant : f.state.grants()) {
    if (grant.denied()) {
      OpenOverdue(f, grant.event_id(), "OVERRIDE", true, f.at,
                  "the authority says that it did not give this verbal order");
    }
    if (!grant.verbal() || grant.denied()) continue;
    const std::int64_t due = grant.granted_us() + kInTime;
    const bool now = grant.event_id() == confirms;
    if (grant.confirmed() && !(now && f.at > due)) continue;
    if (!now && f.place.received_at.micros <= due) continue;
    OpenOverdue(f, grant.event_id(), "OVERRIDE", true, due,
                "verbal override not confirmed within 24 h");
  }
}

// Whoever enters for somebody else leaves an attestation open: also who writes down what somebody
// did and did not sign.
void Expect(Folding& f) {
  const pb::EventRule& rule = *PlanOf(f.event).rule;
  if (rule.attest().empty()) return;
  const std::vector<StepPerson> people = SignersOf(f.event);
  const bool attested = std::ranges::any_of(people, [&](const StepPerson& who) {
    return std::ranges::find(rule.attest(), static_cast<int>(who.role)) != rule.attest().end();
  });
  if (attested) return;
  pb::Attestation* open = f.state.add_attestations();
  open->set_event_id(f.event_id);
  open->set_body(static_cast<std::uint32_t>(f.event.body_case()));
  *open->mutable_roles() = rule.attest();
  open->set_due_us(Micros(f.event.signed_at()) + kInTime);
}

// What an entry opened that its own authority denies is shut again, unless a later one of its kind
// opened it. What was done stays done.
void Undo(Folding& f, const std::string& event_id, int body) {
  pb::TherapyState& state = f.state;
  pb::PatientCondition* condition = state.mutable_condition();
  for (pb::ConsentGiven& said : *state.mutable_consents()) {
    if (said.stands() && said.event_id() == event_id) said.set_stands(false);
  }
  if (body == pb::Event::kConsentObtained) return TakeConsents(state);
  const pb::StepRecord* last = FindStep(state, body);
  if (last == nullptr || last->event_id() != event_id) return;
  switch (body) {
    case pb::Event::kEligibilityAssessed:
      return condition->set_fit(false);
    case pb::Event::kCnsEvaluated:
      return condition->set_cns_evaluated(false);
    case pb::Event::kWorkupCompleted:
      condition->set_workup(false);
      return condition->set_workup_fit(false);
    case pb::Event::kWashoutConfirmed:
      return condition->set_washout(false);
    case pb::Event::kTherapyOrdered:
      return state.set_ordered(false);
    case pb::Event::kLdCompleted:
      return state.mutable_ld()->clear_completed_us();
    case pb::Event::kInfectionScreenedPre:
      return condition->set_infection_screened(false);
    default:
      return;
  }
}

void Attested(Folding& f, const pb::Attested& body) {
  auto* open = f.state.mutable_attestations();
  for (const std::string& id : body.events()) {
    const auto found =
        std::ranges::find_if(*open, [&](const pb::Attestation& a) { return a.event_id() == id; });
    if (found == open->end()) continue;
    if (body.agreed() != pb::YES) {
      OpenOverdue(f, id, "ATTEST", true, f.at,
                  "who has to attest this entry does not agree with it");
      Undo(f, id, static_cast<int>(found->body()));
    } else if (f.at > found->due_us()) {
      OpenOverdue(f, id, "ATTEST", false, found->due_us(), "attested later than 24 h");
    }
    open->erase(found);
  }
}

void AgeAttestations(Folding& f) {
  for (const pb::Attestation& open : f.state.attestations()) {
    if (f.place.received_at.micros <= open.due_us()) continue;
    OpenOverdue(f, open.event_id(), "ATTEST", false, open.due_us(), "not attested within 24 h");
  }
}

// The result of `event_id`, when it stands as failed.
const pb::TestState* FailedTest(const pb::TherapyState& state, const std::string& event_id) {
  for (const pb::Lot& lot : state.lots()) {
    for (const pb::TestState& test : lot.tests()) {
      if (test.event_id() == event_id && test.failed()) return &test;
    }
  }
  return nullptr;
}

void Corrected(Folding& f, const pb::RecordCorrected& body) {
  const bool failed = FailedTest(f.state, body.corrected_event()) != nullptr;
  for (const pb::Correction& correction : body.corrections()) {
    const Folded folded = CorrectInState(f.state, f.profile, body.corrected_event(), correction);
    pb::CorrectedValue* shown = f.state.add_corrections();
    shown->set_event_id(body.corrected_event());
    shown->set_body(static_cast<std::uint32_t>(KnownBody(f.state, body.corrected_event())));
    shown->set_path(correction.field_path());
    shown->set_old_value(correction.old_value());
    shown->set_new_value(correction.new_value());
    shown->set_corrected_by(f.event_id);
    shown->set_folded(folded == Folded::kYes);
  }
  const pb::TestState* test = FailedTest(f.state, body.corrected_event());
  if (failed || test == nullptr) return;
  for (const pb::Lot& lot : f.state.lots()) {
    const auto& tests = lot.tests();
    const bool its = std::ranges::any_of(tests, [&](const auto& t) { return &t == test; });
    if (its) return HoldFailed(f, lot, test->test());
  }
}

// As long as the product that expires last asks (R31); what the closing says beyond that counts.
void KeepRecord(Folding& f) {
  std::int64_t until = f.state.retain_until_us();
  switch (f.event.body_case()) {
    case pb::Event::kReleased:
    case pb::Event::kQpCertification:
    case pb::Event::kReleasedOos:
      for (const pb::Lot& lot : f.state.lots()) {
        if (lot.expiry_us() == 0) continue;
        until = std::max(until, RetainUntil(lot.expiry_us(), lot.certificate_zone()));
      }
      break;
    case pb::Event::kTherapyClosed:
      if (f.stands) until = std::max(until, Micros(f.event.therapy_closed().retain_until()));
      break;
    default:
      return;
  }
  f.state.set_retain_until_us(until);
}

}  // namespace

void FoldRecords(Folding& f) {
  Remember(f);
  KeepRecord(f);
  if (f.event.has_record_corrected()) Corrected(f, f.event.record_corrected());
  if (f.event.has_attested()) Attested(f, f.event.attested());
  AgeVerbalGrants(f);
  AgeAttestations(f);
  Expect(f);
}

}  // namespace custody::fold
