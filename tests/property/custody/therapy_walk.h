// Random walks through a therapy: the main path's steps in any order, and what goes otherwise.
#ifndef CUSTODY_TESTS_PROPERTY_CUSTODY_THERAPY_WALK_H_
#define CUSTODY_TESTS_PROPERTY_CUSTODY_THERAPY_WALK_H_

#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <string>
#include <vector>

#include "custody/body_plan.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/therapy.h"
#include "tests/support/main_path.h"

namespace custody {

// `Shift` moves every time in a message.
inline void Shift(google::protobuf::Message& message, std::int64_t seconds) {
  if (auto* at = dynamic_cast<google::protobuf::Timestamp*>(&message)) {
    return at->set_seconds(at->seconds() + seconds);
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      Shift(*reflection->MutableMessage(&message, field), seconds);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      Shift(*reflection->MutableRepeatedMessage(&message, field, i), seconds);
    }
  }
}

// `Otherwise` is what people record beside the path: who signs, and the body.
struct Otherwise {
  std::vector<std::string> signers;
  const char* text;
};
inline const std::vector<Otherwise>& Others() {
  static const std::vector<Otherwise> others = {
      {{"clinic.rn.1"}, "hold_set { kind: HOLD_CLINICAL reason: 'fever' }"},
      {{"lab.qa.1"}, "hold_set { kind: HOLD_QUALITY reason: 'label' containers: 'LOT26001-1' }"},
      {{"clinic.rn.1"},
       "consent_withdrawn { withdrawn_at $T purposes: CONSENT_TO_TREATMENT "
       "withdrawn_by: CONSENT_BY_PATIENT }"},
      {{"clinic.phy.1"}, "patient_died { died_at $T cause: DEATH_DISEASE related_to_product: NO }"},
      {{"clinic.pharm.1"},
       "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_LABELS_DISAGREE "
       "thawed: NO finding: 'two labels' }"},
      {{"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }"},
      {{"lab.qa.1"},
       "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
       "cause: QUARANTINED_FOR_TEMPERATURE reason: 'stable' }"},
      {{"lab.qa.1"},
       "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_REJECT "
       "cause: QUARANTINED_FOR_TEMPERATURE reason: 'too warm' }"},
      {{"lab.qp.1"}, "rejected { lot: 'LOT26001' containers: 'LOT26001-1' reason: 'test' }"},
      {{"lab.qp.1"},
       "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'test' "
       "product_recall: NO }"},
      {{"clinic.pharm.1", "clinic.cell_lab.1"},
       "disposition { containers: 'LOT26001-1' kind: DISPOSITION_DESTROYED reason: 'x' "
       "method: 'burnt' place: 'here' scans $SCAN:LOT26001-1 done_at $T }"},
      {{"clinic.pharm.1", "clinic.rn.1"},
       "container_derived { parent: 'LOT26001-1' container: 'SYR-1' kind: VESSEL_SYRINGE "
       "volume_ml: 5 derived_at $T reason: 'x' label_version: 'L' }"},
      {{"clinic.pharm.1"},
       "container_damaged { container: 'LOT26001-1' found_at $T "
       "found_during: 'thaw_completed' damage: 'a leak' contents_lost: NO "
       "outcome: DAMAGE_UNDECIDED }"},
      {{"depot.cour.1"},
       "shipment_lost { shipper: 'SHP-2' containers: 'LOT26001-1' "
       "last_seen_at $T-2h detail: 'gone' }"},
      {{"depot.cour.1"},
       "shipment_found { shipper: 'SHP-2' containers: 'LOT26001-1' "
       "seal_condition: SEAL_INTACT found_at $T place: 'hub' }"},
      {{"clinic.phy.1"}, "infusion_deferred { reason: 'x' outcome: DEFERRED_TO_HOLD thawed: YES }"},
      {{"clinic.phy.1"}, "infusion_order_cancelled { order: 'INF-1' reason: 'x' }"},
      {{"clinic.rn.1"}, "weight_changed { weight_kg: 50 weighed_at $T }"},
      {{"clinic.phy.1"},
       "override_granted { rules: 'R20' container: 'LOT26001-1' verbal: NO "
       "scope: OVERRIDE_SCOPE_CONTAINER reason: OVERRIDE_FOR_OTHER "
       "justification: 'x' expires_at $T+2h }"},
      {{"clinic.rn.1", "clinic.pharm.1"},
       "override_granted { rules: 'R39' step: 'infusion_started' scope: OVERRIDE_SCOPE_STEP "
       "reason: OVERRIDE_FOR_OTHER justification: 'x' verbal: YES authority: 'clinic.phy.1' "
       "expires_at $T+2h }"},
      {{"lab.qc.1"},
       "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
       "after_infusion: NO }"},
      {{"lab.mfg.1"},
       "deviation_opened { severity: SEVERITY_CRITICAL title: 't' "
       "description: 'd' }"},
  };
  return others;
}

// `TherapyWalk` is one walk.
class TherapyWalk {
 public:
  explicit TherapyWalk(TestLedger& ledger) : ledger_(ledger), run(ledger), start_(ledger.now()) {}

  // `Build` is a step of the main path as if its turn were now.
  EventBuilder Build(const MainStep& step) {
    EventBuilder event = run.Draft(step.signers, "");
    pb::Event body = step.event;
    Shift(body, (ledger_.now().micros - start_.micros - step.after) / kMicrosPerSecond);
    event.event().MergeFrom(body);
    return event;
  }
  // `Done` is an event as entered afterwards by two people of the same site.
  static EventBuilder Done(EventBuilder event) {
    const bool lab = event.event().station().starts_with("lab");
    const bool depot = event.event().station().starts_with("depot");
    if (depot) return event;
    if (PlanOf(event.event()).rule->own_signature()) {  // who permits it signs it
      return event.Late("not signed in time").By(lab ? "lab.wh.1" : "clinic.coord.1", pb::CHECKED);
    }
    for (const pb::Signer& signer : event.event().signers()) event.PerformedBy(signer.person());
    event.event().clear_signers();
    const std::string by = lab ? "lab.wh" : "clinic.coord";
    event.Late("found on paper").By(by + ".1", pb::TRANSCRIBED).By(by + ".2", pb::CHECKED);
    return event;
  }
  // `Take` goes one way on: `pick` chooses what, `late` how it is entered, `minutes` how long after
  // the last. Says whether it was recorded.
  bool Take(unsigned pick, bool late, unsigned minutes) {
    ledger_.Pass(minutes * kMicrosPerMinute);
    const auto& steps = run.steps();
    const auto drawn = [&]() -> EventBuilder {
      if (pick % 16 < 13) return Build(steps[next_++ % steps.size()]);
      if (pick % 16 < 14) return Build(steps[pick / 16 % steps.size()]);
      return Draft(Others()[pick / 16 % Others().size()]);
    };
    EventBuilder event = late ? Done(drawn()) : drawn();
    return !run.Record(event).refused();
  }

 private:
  EventBuilder Draft(const Otherwise& other) { return run.Draft(other.signers, other.text); }

  TestLedger& ledger_;

 public:
  TherapyRun run;

 private:
  const Instant start_;
  std::size_t next_ = 0;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_CUSTODY_THERAPY_WALK_H_
