// What consent withdrawn (F2) and death (F13) stop, and what they leave open: of every event type,
// one or the other.
#include <set>

#include "custody/event.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

// All that goes forward. Whatever is not here stays open.
const std::set<std::string_view>& Forward() {
  static const std::set<std::string_view> bodies = {"eligibility_assessed",
                                                    "therapy_ordered",
                                                    "slot_reserved",
                                                    "slot_changed",
                                                    "apheresis_started",
                                                    "label_issued",
                                                    "batch_opened",
                                                    "cells_selected",
                                                    "activated",
                                                    "transduced",
                                                    "released",
                                                    "released_oos",
                                                    "site_qa_disposition",
                                                    "qp_certification",
                                                    "lot_selected_for_infusion",
                                                    "remanufacture_ordered",
                                                    "oos_requested",
                                                    "oos_risk_assessed",
                                                    "oos_accepted",
                                                    "oos_authorised",
                                                    "packed",
                                                    "handed_to_carrier",
                                                    "issued_to_ward",
                                                    "ld_started",
                                                    "ld_waived",
                                                    "ld_repeated",
                                                    "preinfusion_check_passed",
                                                    "infusion_ordered",
                                                    "prethaw_id_verified",
                                                    "removed_from_storage",
                                                    "thaw_started",
                                                    "bedside_id_verified",
                                                    "infusion_started",
                                                    "recollection_ordered",
                                                    "override_granted"};
  return bodies;
}
// Of these what leads to another collection.
const std::set<std::string_view> kCollecting = {"slot_reserved", "apheresis_started",
                                                "label_issued", "recollection_ordered"};

class ForwardTest : public RulesTest {
 protected:
  void Withdraw(const std::string& purpose) {
    MustDo({"clinic.rn.1"},
           "consent_withdrawn { withdrawn_at $T-5m withdrawn_by: CONSENT_BY_PATIENT purposes: " +
               purpose + " }");
  }
  void Die() {
    MustDo({"clinic.phy.1"},
           "patient_died { died_at $T cause: DEATH_DISEASE related_to_product: NO }");
  }
  // What `rule` alone says of a live event with this body, empty as before anybody filled it in.
  std::vector<pb::Reason> Ask(const char* rule, const BodyPlan& plan) {
    ParsedEvent parsed;
    parsed.event.set_chain("therapy/T1");
    parsed.event.set_entry(pb::LIVE);
    *parsed.event.mutable_occurred_at() = ToProto(ledger.now());
    *parsed.event.mutable_signed_at() = ToProto(ledger.now());
    parsed.event.GetReflection()->MutableMessage(&parsed.event, plan.body);
    pb::Verdict verdict;
    const Place place{ledger.next_index(), run.state().length(), ledger.now()};
    const Case c{parsed, parsed.event, run.registry(), run.state(), nullptr, place};
    const Rule& row = *FindRule(rule, kNewestRulesVersion);
    row.check(c, row, verdict);
    return Of(verdict, rule);
  }
  std::set<std::string_view> Stopped(const char* rule) {
    std::set<std::string_view> stopped;
    for (const BodyPlan* plan : Plans()) {
      if (plan->number < 100 || plan->name == "death_recorded_in_error") continue;
      const std::vector<pb::Reason> reasons = Ask(rule, *plan);
      if (reasons.empty()) continue;
      stopped.insert(plan->name);
      EXPECT_NE(plan->rule->kind(), pb::FACT) << plan->name;
      EXPECT_EQ(reasons[0].kind(), pb::REASON_GATE) << plan->name;
      EXPECT_TRUE(reasons[0].grantors().empty()) << plan->name;
    }
    return stopped;
  }
  pb::Verdict Live(const std::vector<std::string>& who, const std::string& text) {
    return run.Judge(run.Draft(who, text));
  }
};

TEST_F(ForwardTest, DeathStopsEveryEventTypeThatGoesForwardAndNoOther) {
  run.Until("ld_started");
  EXPECT_EQ(Stopped("F13"), std::set<std::string_view>());
  Die();
  EXPECT_EQ(Stopped("F13"), Forward());
}

TEST_F(ForwardTest, ConsentToTheTreatmentTakenBackStopsTheSame) {
  run.Until("ld_started");
  EXPECT_EQ(Stopped("F2"), std::set<std::string_view>());
  Withdraw("CONSENT_TO_TREATMENT");
  EXPECT_EQ(Stopped("F2"), Forward());
}

TEST_F(ForwardTest, ConsentToTheCollectionAloneStopsCollectingAlone) {
  run.Until("ld_started");
  Withdraw("CONSENT_TO_COLLECTION");
  EXPECT_EQ(Stopped("F2"), kCollecting);
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(run.state().holds_size(), 1);
  ASSERT_EQ(run.state().holds(0).blocks_size(), 1);
  EXPECT_EQ(run.state().holds(0).blocks(0), "COLLECT");
}

TEST_F(ForwardTest, TheTreatmentTakenBackTooWidensTheHold) {
  run.Until("ld_started");
  Withdraw("CONSENT_TO_COLLECTION");
  Withdraw("CONSENT_TO_TREATMENT");
  EXPECT_EQ(Stopped("F2"), Forward());
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_TRUE(run.state().holds(0).blocks().empty());
}

TEST_F(ForwardTest, OtherPurposesStopNothing) {
  run.Until("ld_started");
  for (const char* purpose : {"CONSENT_TO_DATA", "CONSENT_TO_RESEARCH",
                              "CONSENT_TO_LONG_TERM_FOLLOWUP", "CONSENT_TO_OUT_OF_SPECIFICATION"}) {
    Withdraw(purpose);
  }
  EXPECT_EQ(Stopped("F2"), std::set<std::string_view>());
}

TEST_F(ForwardTest, ABatchIsNotBegunLiveAndIsRecordedWhenItWas) {
  run.Until("batch_opened");
  Die();
  EventBuilder batch = run.Next();
  const pb::Verdict verdict = run.Judge(batch);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F13")) << Explain(verdict);
  const pb::Verdict late = run.Record(Late(batch, "lab.wh"));
  EXPECT_FALSE(late.refused()) << Explain(late);
  ASSERT_TRUE(Says(late, "F13"));
  EXPECT_TRUE(Of(late, "F13")[0].critical());
}

TEST_F(ForwardTest, CellsAreNeitherSelectedNorActivatedLive) {
  for (const char* step : {"cells_selected", "activated"}) {
    run.mutable_state().set_patient_died(false);
    EventBuilder event = At(step);
    EXPECT_FALSE(run.Judge(event).refused());
    run.mutable_state().set_patient_died(true);
    const pb::Verdict verdict = run.Judge(event);
    EXPECT_TRUE(verdict.refused()) << step;
    EXPECT_EQ(Of(verdict, "F13")[0].kind(), pb::REASON_GATE);
    const pb::Verdict late = run.Record(Late(event, "lab.wh"));
    EXPECT_FALSE(late.refused()) << Explain(late);
    EXPECT_TRUE(Of(late, "F13")[0].critical());
  }
}

TEST_F(ForwardTest, SelectingAndActivatingAreSignedWhenTheyAreDone) {
  for (const char* step : {"cells_selected", "activated"}) {
    EventBuilder event = At(step);
    event.HappenedAt(ledger.now() + -14 * kMicrosPerMinute);
    EXPECT_FALSE(run.Judge(event).refused()) << Explain(run.Judge(event));
    event.HappenedAt(ledger.now() + -16 * kMicrosPerMinute);
    EXPECT_TRUE(Says(run.Judge(event), "R03")) << step;
    EXPECT_FALSE(run.Record(Late(event, "lab.wh")).refused()) << step;
  }
}

TEST_F(ForwardTest, ASlotIsNotMovedButGivenUp) {
  run.Until("batch_opened");
  Withdraw("CONSENT_TO_TREATMENT");
  const std::string slot = "slot_changed { slot: '" + run.state().slot() + "' reason: 'x' change: ";
  EXPECT_TRUE(Says(Live({"lab.sched.1"}, slot + "SLOT_CHANGE_MOVED new_slot: 'S-2' }"), "F2"));
  EXPECT_FALSE(Live({"lab.sched.1"}, slot + "SLOT_CHANGE_CANCELLED }").refused());
}

TEST_F(ForwardTest, WhatRunsIntoABagIsLabelledAndNothingElse) {
  run.Until("label_issued");
  EventBuilder label = run.Next();
  Withdraw("CONSENT_TO_COLLECTION");
  EXPECT_TRUE(Says(run.Judge(label), "F2"));
  pb::Donation* under_way = run.mutable_state().add_donations();
  under_way->set_din(label.event().label_issued().din().value());
  under_way->set_started_us(ledger.now().micros);
  EXPECT_FALSE(Says(run.Judge(label), "F2")) << Explain(run.Judge(label));
}

TEST_F(ForwardTest, TheMaterialGoesToItsEnd) {
  run.Through("received_clinic");
  run.Until("ld_started");
  Die();
  const auto fine = [&](const std::vector<std::string>& who, const std::string& text) {
    const pb::Verdict verdict = Live(who, text);
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  };
  fine({"clinic.pharm.1", "clinic.cell_lab.1"},
       "disposition { containers: 'LOT26001-1' kind: DISPOSITION_DESTROYED reason: 'x' method: "
       "'burnt' place: 'here' done_at $T scans $SCAN:LOT26001-1 }");
  fine({"clinic.pharm.1"},
       "moved { containers { container: 'LOT26001-1' position: 'C-LN2-9' } to_unit: 'C-LN2' "
       "moved_at $T reason: "
       "'x' }");
  fine({"clinic.phy.1"}, "therapy_cancelled { order_number: 'ORD-1' reason: 'died' }");
}

TEST_F(ForwardTest, WhatGoesBackIsHandedToItsCarrier) {
  run.Until("ld_started");
  Die();
  pb::Shipment* back = run.mutable_state().add_shipments();
  back->set_shipper("SHP-9");
  back->set_open(true);
  const auto handed = [&](bool inbound, bool product, const char* to) {
    back->set_inbound(inbound);
    back->set_product(product);
    back->set_to_site(to);
    EventBuilder event = ledger.On("therapy/T1").By("clinic.pharm.1");
    for (const MainStep& step : run.steps()) {
      if (step.body == "handed_to_carrier") event.event().MergeFrom(step.event);
    }
    event.event().mutable_handed_to_carrier()->set_shipper("SHP-9");
    return Says(run.Judge(event), "F13");
  };
  EXPECT_FALSE(handed(false, true, "LAB"));      // product to its maker
  EXPECT_FALSE(handed(false, false, "CLINIC"));  // collected cells from there
  EXPECT_TRUE(handed(false, true, "CLINIC"));
  EXPECT_TRUE(handed(true, false, "LAB"));
}

TEST_F(ForwardTest, UnusedCellsGoToResearchByConsentToItAlone) {
  run.Until("ld_started");
  const auto research = [&] {
    return Live({"clinic.pharm.1", "clinic.cell_lab.1"},
                "disposition { containers: 'LOT26001-1' kind: DISPOSITION_RESEARCH reason: 'x' "
                "done_at $T }");
  };
  EXPECT_TRUE(Says(research(), "F2"));
  EXPECT_TRUE(research().refused());
  MustDo({"clinic.phy.1"},
         "consent_obtained { document_version: 'v3' document $FILE signed_by: CONSENT_BY_PATIENT "
         "consented_at $T interpreter: NO patient_is_minor: NO purposes: CONSENT_TO_RESEARCH }");
  EXPECT_FALSE(research().refused()) << Explain(research());
  Withdraw("CONSENT_TO_RESEARCH");
  EXPECT_TRUE(Says(research(), "F2"));
}

TEST_F(ForwardTest, AGrantForWhatIsStoppedIsNoneAndForClosingItIs) {
  run.Until("ld_started");
  Withdraw("CONSENT_TO_TREATMENT");
  const auto grant = [&](const char* step) {
    return Live({"clinic.phy.1"},
                std::string("override_granted { rules: 'R20' step: '") + step +
                    "' scope: OVERRIDE_SCOPE_STEP reason: OVERRIDE_FOR_OTHER justification: 'x' "
                    "verbal: NO expires_at $T+2h }");
  };
  EXPECT_TRUE(Says(grant("thaw_started"), "F2"));
  EXPECT_FALSE(Says(grant("custody_closed"), "F2"));
}

TEST_F(ForwardTest, WordsAgainstGoingOnStayOpen) {
  run.Until("ld_started");
  Die();
  EXPECT_FALSE(Says(Live({"clinic.phy.1"},
                         "preinfusion_check_passed { go: NO tocilizumab_doses: 2 emergency_kit: "
                         "YES weight_kg: 72 pregnancy: PREGNANCY_NOT_RELEVANT consent_valid: YES "
                         "active_infection: NO unresolved_toxicity: NO cns_concern: NO "
                         "line_patent: YES }"),
                    "F13"));
  EventBuilder check = Now("prethaw_id_verified");
  EXPECT_TRUE(Says(run.Judge(check), "F13"));
  check.event().mutable_prethaw_id_verified()->set_patient_ready(pb::NO);
  EXPECT_FALSE(Says(run.Judge(check), "F13"));
  EXPECT_FALSE(Says(Live({"clinic.phy.1"},
                         "oos_accepted { lot: 'LOT26001' patient_consent: NO "
                         "consent $FILE statement: 'no' }"),
                    "F13"));
}

}  // namespace
}  // namespace custody
