// Every rule, the same questions: does a sound step pass it, does a broken one meet it LIVE, what
// do LATE and DOWNTIME make of it, who may grant an override, and how far does a grant reach.
//
// Long because it is a table: one row a way to break a rule.
#include <functional>
#include <memory>
#include <optional>
#include <ostream>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

enum class Binds {
  kStructure,   // refused in every mode
  kGate,        // refused LIVE; done already it is a critical deviation
  kDeviation,   // accepted; a deviation
  kQuarantine,  // accepted; the container is held
};

struct Row {
  const char* rule;
  const char* name;
  const char* step;  // of the main path, its last one of this body when `last`
  Binds binds;
  std::vector<pb::Role> grantors;  // empty: never overridden
  std::function<void(TherapyRun&)> in_state = nullptr;
  std::function<void(pb::Event&)> in_event = nullptr;
  bool product_trip = false;  // the second packing and hand-over
};

std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.rule << " " << row.name;
}

pb::Container& Bag(TherapyRun& run) {
  for (pb::Container& container : *run.mutable_state().mutable_containers()) {
    if (container.id() == kMainBag) return container;
  }
  ADD_FAILURE() << "no bag";
  return *run.mutable_state().add_containers();
}

void Hold(TherapyRun& run) {
  pb::Hold* hold = run.mutable_state().add_holds();
  hold->set_id("H-1");
  hold->set_kind("CLINICAL");
  hold->set_open(true);
}

void Quarantine(TherapyRun& run) {
  pb::Quarantine* quarantine = run.mutable_state().add_quarantines();
  quarantine->set_id("Q-1");
  quarantine->set_kind(pb::QUARANTINED_TEMP);
  quarantine->set_open(true);
  quarantine->add_containers(std::string(kMainBag));
}

void LastDoseNineDaysAgo(TherapyRun& run) {
  run.mutable_state().mutable_ld()->set_last_dose_us(run.ledger().now().micros - 9 * kMicrosPerDay);
}

// A profile with something that the demonstration's has not.
template <class Change>
void Publish(TherapyRun& run, Change change) {
  pb::Profile profile = DemoProfile();
  profile.set_version(2);
  change(profile);
  run.ledger().PublishProfile(profile);
}

const std::string kOther = Sha256("somebody else").ToString();

const std::vector<pb::Role> nobody;
const std::vector<pb::Role> phy{pb::PHY};
const std::vector<pb::Role> qa{pb::QA, pb::QP};

// A table as it is written below: a rule broken by the state of the therapy, or by the event.
class Table {
 public:
  void state(const char* rule, const char* name, const char* step,
             const std::vector<pb::Role>& grantors, std::function<void(TherapyRun&)> breaks,
             bool product = false) {
    rows.push_back({rule, name, step, Binds::kGate, grantors, std::move(breaks), nullptr, product});
  }
  void event(const char* rule, const char* name, const char* step, Binds binds,
             const std::vector<pb::Role>& grantors, std::function<void(pb::Event&)> breaks) {
    rows.push_back({rule, name, step, binds, grantors, nullptr, std::move(breaks)});
  }
  void Collecting();
  void Releasing();
  void Giving();
  void WrongBagOrPatient();

  std::vector<Row> rows;
};

void Table::Collecting() {
  event("R01", "AnUnenrolledKey", "apheresis_completed", Binds::kStructure, nobody,
        [](pb::Event& e) { e.mutable_signers(0)->set_key_id(Sha256("no key").ToString()); });
  event("R03", "SignedInTheFuture", "idm_sampled", Binds::kStructure, nobody,
        [](pb::Event& e) { e.mutable_signed_at()->set_seconds(e.signed_at().seconds() + 180); });
  event("R04", "OnePersonTwice", "bedside_id_verified", Binds::kStructure, nobody,
        [](pb::Event& e) {
          e.mutable_bedside_id_verified()->mutable_checks(1)->set_person("clinic.rn.1");
        });
  event("R04", "ACheckOfYesterday", "prethaw_id_verified", Binds::kStructure, nobody,
        [](pb::Event& e) {
          auto* at = e.mutable_prethaw_id_verified()->mutable_checks(0)->mutable_at();
          at->set_seconds(at->seconds() - 86'400);
        });
  event("R06", "SomebodyElsesBagInTheShipper", "packed", Binds::kGate, nobody, [](pb::Event& e) {
    pb::Scanned* scan = e.mutable_packed()->add_containers();
    scan->set_value("A999026000777");
    scan->set_source(pb::SCANNED);
  });
  state("R06", "HandedOverTwice", "handed_to_carrier", nobody, [](TherapyRun& run) {
    run.mutable_state().mutable_shipments(0)->set_handed_us(1);
    for (pb::Holding& holding : *run.mutable_state().mutable_holdings()) {
      if (holding.subject() == "SHP-1") holding.set_holder("CARRIER");
    }
  });
  event(
      "R06", "AnotherChainOfIdentityInside", "received_mfg", Binds::kQuarantine, nobody,
      [](pb::Event& e) { e.mutable_received_mfg()->mutable_coi()->set_value("CHA999026000009"); });
  event("R07", "OutsideTheSpecification", "apheresis_completed", Binds::kDeviation, nobody,
        [](pb::Event& e) { e.mutable_apheresis_completed()->set_cd3_cells_1e9(0.5); });
  state("R08", "NoWashOut", "apheresis_started", phy,
        [](TherapyRun& run) { run.mutable_state().mutable_condition()->set_washout(false); });
  state("R08", "NoConsent", "apheresis_started", nobody,
        [](TherapyRun& run) { run.mutable_state().set_consent_collection(false); });
  event("R11", "AnotherSeal", "received_mfg", Binds::kQuarantine, nobody,
        [](pb::Event& e) { e.mutable_received_mfg()->mutable_seals(0)->set_value("SEAL-9"); });
  event("R13", "TooWarm", "telemetry_batch", Binds::kQuarantine, nobody,
        [](pb::Event& e) { e.mutable_telemetry_batch()->set_max_temperature_centi_c(2500); });
  event("R14", "NotCalibrated", "telemetry_batch", Binds::kDeviation, nobody, [](pb::Event& e) {
    e.mutable_telemetry_batch()->mutable_calibration_until()->set_seconds(1);
  });
  state("R09", "CollectedFiftyHoursAgo", "batch_opened", nobody, [](TherapyRun& run) {
    run.mutable_state().mutable_donations(0)->set_ended_us(run.ledger().now().micros -
                                                           50 * kMicrosPerHour);
  });
  rows.back().binds = Binds::kDeviation;
  state("R46", "NotCheckedIn", "batch_opened", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_containers(0)->set_accepted(false); });
  state("F3", "FailedAndNotOrderedAgain", "apheresis_started", phy, [](TherapyRun& run) {
    run.mutable_state().set_collection_failed_us(run.ledger().now().micros);
  });
}

void Table::Releasing() {
  state("R13", "TheLoggerWasNotRead", "ld_started", qa,
        [](TherapyRun& run) { run.mutable_state().mutable_shipments(1)->set_telemetry(false); });
  state("R16", "NoReview", "released", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_lots(0)->clear_review(); });
  state("R16", "AFailureThatStands", "released", nobody, [](TherapyRun& run) {
    pb::TestState* test = run.mutable_state().mutable_lots(0)->add_tests();
    test->set_test("viability");
    test->set_failed(true);
  });
  state("R46", "NotTransduced", "released", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_lots(0)->clear_made(); });
  state("R32", "NoFreshMarrow", "ld_started", phy, [](TherapyRun& run) {
    Publish(run, [](pb::Profile& p) { p.mutable_split_dose()->set_marrow_days(7); });
  });
  state("R33", "NoComponentRecorded", "infusion_started", phy,
        [](TherapyRun& run) { Publish(run, [](pb::Profile& p) { p.add_components("CD8"); }); });
  state("R19", "AReactionToBridgingIsOpen", "ld_started", phy, [](TherapyRun& run) {
    run.mutable_state().mutable_condition()->add_bridging_reactions(1);
  });
  state("R19", "AnInfectionIsOpen", "ld_started", phy,
        [](TherapyRun& run) { run.mutable_state().mutable_condition()->set_infection_open(true); });
  state("R18", "NotOnSiteYet", "ld_started", phy,
        [](TherapyRun& run) { Bag(run).set_state(pb::CONTAINER_IN_TRANSIT); });
  state("R18", "InQuarantine", "ld_started", nobody, Quarantine);
  state("R18", "NotReleased", "ld_started", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_lots(0)->set_state(pb::LOT_FILLED); });
  state("R20", "TooLateToRemove", "removed_from_storage", phy, LastDoseNineDaysAgo);
  state("R20", "TooLateToThaw", "thaw_started", phy, LastDoseNineDaysAgo);
  state("R20", "TooLateToInfuse", "infusion_started", phy, LastDoseNineDaysAgo);
}

void Table::Giving() {
  state("R26", "NoPass", "infusion_started", nobody,
        [](TherapyRun& run) { Bag(run).clear_pass(); });
  event("R26", "HalfTheWristband", "infusion_started", Binds::kGate, nobody,
        [](pb::Event& e) { e.mutable_infusion_started()->mutable_wristband()->RemoveLast(); });
  state("R26", "TheOrderWasCancelled", "infusion_started", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_orders(0)->set_open(false); });
  state("R34", "Withdrawn", "removed_from_storage", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_lots(0)->set_state(pb::LOT_WITHDRAWN); });
  state("R34", "InQuarantine", "thaw_started", nobody, Quarantine);
  state("R34", "Held", "infusion_started", nobody, Hold);
  state(
      "R34", "RejectedBeforeShipping", "packed", nobody,
      [](TherapyRun& run) { Bag(run).set_rejected(true); }, true);
  state("R34", "NoProduct", "infusion_started", nobody,
        [](TherapyRun& run) { Bag(run).set_material(pb::SAMPLE_MATERIAL); });
  state("R35", "NotVerifiedBeforeTheThaw", "thaw_started", nobody,
        [](TherapyRun& run) { Bag(run).clear_prethaw(); });
  state("R35", "GivenWithoutThatCheck", "infusion_started", nobody,
        [](TherapyRun& run) { Bag(run).clear_prethaw(); });
  event("R36", "ARecordOfFiveHours", "removed_from_storage", Binds::kGate, nobody,
        [](pb::Event& e) {
          auto* verified = e.mutable_removed_from_storage()->mutable_state_verified_at();
          verified->set_seconds(e.occurred_at().seconds() - 18'000);
        });
  state("R37", "NoOrder", "prethaw_id_verified", nobody,
        [](TherapyRun& run) { run.mutable_state().mutable_orders(0)->set_open(false); });
  state("R38", "NobodyEnrolled", "idm_sampled", nobody,
        [](TherapyRun& run) { run.mutable_state().set_enrolled(false); });
  rows.back().binds = Binds::kStructure;
  event("R39", "AnOldBaseline", "infusion_started", Binds::kGate, phy, [](pb::Event& e) {
    auto* at = e.mutable_infusion_started()->mutable_baseline()->mutable_at();
    at->set_seconds(at->seconds() - 7'200);
  });
  event("R39", "ABaselineThatIsStillToCome", "infusion_started", Binds::kGate, phy,
        [](pb::Event& e) {
          auto* at = e.mutable_infusion_started()->mutable_baseline()->mutable_at();
          at->set_seconds(at->seconds() + 86'400);
        });
}

void Table::WrongBagOrPatient() {
  event("R45", "ARealDonationNumber", "apheresis_started", Binds::kStructure, nobody,
        [](pb::Event& e) {
          e.mutable_apheresis_started()->mutable_din()->set_value("G123426000001");
        });
  event("F8a", "SomebodyElsesWristband", "bedside_id_verified", Binds::kGate, nobody,
        [](pb::Event& e) {
          e.mutable_bedside_id_verified()->mutable_wristband(0)->set_commitment(kOther);
        });
  event("F8a", "ABagLabelledForSomebodyElse", "apheresis_started", Binds::kGate, nobody,
        [](pb::Event& e) {
          e.mutable_apheresis_started()->mutable_din()->set_value("A999026000777");
        });
  event("F8a", "TheOrderNotScanned", "apheresis_started", Binds::kGate, nobody,
        [](pb::Event& e) { e.mutable_apheresis_started()->clear_order(); });
  event("F8a", "NobodysWristband", "prethaw_id_verified", Binds::kGate, nobody, [](pb::Event& e) {
    auto& body = *e.mutable_prethaw_id_verified();
    body.clear_wristband();
    for (auto& check : *body.mutable_checks()) check.clear_wristband();
  });
  event("F8b", "ThePatientDoesNotMatch", "received_clinic", Binds::kQuarantine, nobody,
        [](pb::Event& e) { e.mutable_received_clinic()->set_patient_matches(pb::NO); });
  state("F2", "ConsentWithdrawn", "thaw_started", nobody,
        [](TherapyRun& run) { run.mutable_state().set_consent_withdrawn(true); });
  state("F13", "ThePatientDied", "ld_started", nobody,
        [](TherapyRun& run) { run.mutable_state().set_patient_died(true); });
  state("HOLD", "Held", "apheresis_started", nobody, Hold);
}

std::vector<Row> Rows() {
  Table table;
  table.Collecting();
  table.Releasing();
  table.Giving();
  table.WrongBagOrPatient();
  return table.rows;
}

class EveryRuleTest : public RulesTest, public testing::WithParamInterface<Row> {
 protected:
  const Row& row() const { return GetParam(); }
  // To the place of the row's step, at the time of that step.
  void Go() {
    const Instant start = ledger.now();
    if (row().product_trip) run.Through(row().step);
    run.Until(row().step);
    int left = row().product_trip ? 2 : 1;
    for (const MainStep& step : run.steps()) {
      if (step.body == row().step && --left == 0) ledger.set_now(start + step.after);
    }
  }
  void BreakState() {
    if (row().in_state) row().in_state(run);
  }
  EventBuilder Broken(EventBuilder event) {
    if (row().in_event) row().in_event(event.event());
    return event;
  }
  EventBuilder Done(EventBuilder event, bool downtime) {
    const bool lab = event.event().station().starts_with("lab");
    EventBuilder late = Late(event, lab ? "lab.wh" : "clinic.coord");
    if (downtime) late.event().set_entry(pb::DOWNTIME);
    return late;
  }
  bool Speaks(const pb::Verdict& verdict) { return Says(verdict, row().rule); }
  std::string GrantText() const {
    return std::string("override_granted { rules: '") + row().rule + "' step: '" + row().step +
           "' scope: OVERRIDE_SCOPE_STEP reason: OVERRIDE_FOR_OTHER justification: 'x' verbal: NO "
           "expires_at $T+2h }";
  }
  static std::string PersonIn(pb::Role role) {
    return role == pb::PHY ? "clinic.phy.1" : role == pb::QA ? "lab.qa.1" : "lab.qp.1";
  }
};

TEST_P(EveryRuleTest, LetsASoundStepPassAndMeetsABrokenOneLive) {
  Go();
  EventBuilder step = run.Next();
  const pb::Verdict sound = run.Judge(step);
  EXPECT_FALSE(Speaks(sound) || sound.refused()) << Explain(sound);
  BreakState();
  const pb::Verdict verdict = run.Judge(Broken(step));
  ASSERT_TRUE(Speaks(verdict)) << Explain(verdict);
  const bool refuses = row().binds == Binds::kStructure || row().binds == Binds::kGate;
  EXPECT_EQ(verdict.refused(), refuses) << Explain(verdict);
  constexpr pb::ReasonKind kKinds[] = {pb::REASON_STRUCTURE, pb::REASON_GATE, pb::REASON_DEVIATION,
                                       pb::REASON_QUARANTINE};
  const std::vector<int> grantors(row().grantors.begin(), row().grantors.end());
  for (const pb::Reason& reason : Of(verdict, row().rule)) {
    EXPECT_EQ(reason.kind(), kKinds[static_cast<int>(row().binds)]);
    EXPECT_FALSE(reason.expected().empty() || reason.found().empty() || reason.next_step().empty())
        << reason.DebugString();
    const auto& said = reason.grantors();
    EXPECT_EQ(std::vector<int>(said.begin(), said.end()), grantors) << Explain(verdict);
  }
}

// Entered late or from paper: structure is refused still; everything else is recorded and leaves a
// critical deviation or a quarantine.
TEST_P(EveryRuleTest, DoneAlreadyItIsRecordedAndRemembered) {
  Go();
  BreakState();
  EventBuilder step = run.Next();
  EventBuilder downtime = Broken(Done(step, true));
  EXPECT_TRUE(Speaks(run.Judge(downtime)));
  EXPECT_EQ(run.Judge(downtime).refused(), row().binds == Binds::kStructure);
  EventBuilder late = Broken(Done(step, false));
  const pb::Verdict verdict = run.Judge(late);
  ASSERT_TRUE(Speaks(verdict)) << Explain(verdict);
  ASSERT_EQ(verdict.refused(), row().binds == Binds::kStructure) << Explain(verdict);
  if (row().binds == Binds::kStructure) return;
  ASSERT_FALSE(run.Record(late).refused());
  if (row().binds == Binds::kQuarantine) {
    const auto& held = run.state().quarantines();
    EXPECT_TRUE(std::ranges::any_of(held, [&](const auto& q) { return q.rule() == row().rule; }));
    return;
  }
  const std::string id = "D-" + ShortId(run.last().parsed.event_id.view()) + "-" + row().rule;
  const auto& deviations = run.state().deviations();
  const auto found = std::ranges::find_if(
      deviations, [&](const pb::Deviation& d) { return d.id().starts_with(id); });
  ASSERT_NE(found, deviations.end()) << id;
  EXPECT_TRUE(found->open());
  EXPECT_EQ(found->critical(), row().binds == Binds::kGate);
}

TEST_P(EveryRuleTest, AGrantLiftsItOnlyFromWhoMayForThisStepAndInTime) {
  if (row().binds != Binds::kGate) return;
  Go();
  BreakState();
  const Rule* rule = FindRule(row().rule, kNewestRulesVersion);
  // Who may not: a nurse, and quality of the clinic.
  for (const char* who : {"clinic.rn.1", "clinic.qa.1"}) {
    EXPECT_TRUE(run.Judge(run.Draft({who}, GrantText())).refused()) << who;
  }
  const pb::Role role = rule->grantors.empty() ? pb::PHY : rule->grantors[0];
  EventBuilder grant = run.Draft({PersonIn(role)}, GrantText());
  const pb::Verdict given = run.Judge(grant);
  EXPECT_EQ(given.refused(), rule->grantors.empty()) << Explain(given);
  if (given.refused()) return;
  ASSERT_FALSE(run.Record(grant).refused());
  const Hash id = run.last().parsed.event_id;
  EventBuilder step = Broken(run.Next());
  EXPECT_TRUE(run.Judge(step).refused());  // not cited
  step.event().add_grants(id.ToString());
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_EQ(verdict.refused(), row().grantors.empty()) << Explain(verdict);
  if (row().grantors.empty()) return;  // this reason of the rule is never lifted
  for (const pb::Reason& reason : Of(verdict, row().rule)) {
    EXPECT_TRUE(reason.overridden());
    EXPECT_EQ(reason.grant(), id.ToString());
  }
  pb::Grant& kept = *run.mutable_state().mutable_grants(0);
  const pb::Grant as_given = kept;
  kept.set_expires_us(ledger.now().micros - 1);
  EXPECT_TRUE(run.Judge(step).refused()) << "ended";
  kept = as_given;
  kept.set_granted_us(ledger.now().micros + kMicrosPerHour);
  EXPECT_TRUE(run.Judge(step).refused()) << "given after the step";
  kept = as_given;
  kept.set_step("ice_recorded");
  EXPECT_TRUE(run.Judge(step).refused()) << "for another step";
  kept = as_given;
  kept.set_denied(true);
  EXPECT_TRUE(run.Judge(step).refused()) << "denied";
  kept = as_given;
  ASSERT_FALSE(run.Record(step).refused());
  EXPECT_EQ(run.state().grants(0).used_by_size(), 1);
  EXPECT_TRUE(run.state().deviations().empty());
  EventBuilder again = run.Draft({"clinic.phy.1"}, "");
  again.event().CopyFrom(step.event());
  EXPECT_TRUE(run.Judge(again).refused()) << "used up";
}

INSTANTIATE_TEST_SUITE_P(Rules, EveryRuleTest, testing::ValuesIn(Rows()), [](const auto& row) {
  return std::string(row.param.rule) + row.param.name;
});

// The rows above name every rule of this version; R02 is judged where events are put in order.
TEST(EveryRuleTableTest, NoRuleOfTheProcessIsWithoutARow) {
  std::vector<std::string> missing;
  const std::vector<Row> rows = Rows();
  for (const char* id :
       {"R01", "R03", "R04", "R06", "R07", "R08", "R09", "R11", "R13", "R14", "R16", "R18", "R19",
        "R20", "R26", "R32", "R33", "R34", "R35", "R36", "R37", "R38", "R39", "R45", "R46"}) {
    if (std::ranges::none_of(rows, [&](const Row& row) { return std::string(id) == row.rule; })) {
      missing.push_back(id);
    }
  }
  EXPECT_EQ(missing, std::vector<std::string>());
}

}  // namespace
}  // namespace custody
