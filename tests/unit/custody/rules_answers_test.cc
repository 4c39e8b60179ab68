// A "no" to a question that somebody's safety hangs on is not swallowed: it stops a step, opens a
// critical deviation where the thing was done already, and says what to do.
#include <gmock/gmock.h>

#include <functional>
#include <ostream>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

struct Row {
  const char* name;
  const char* step;
  const char* rule;
  bool refuses;  // else a fact: a critical deviation
  std::function<void(pb::Event&)> answer;
  const char* next;  // what to do, or part of it
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

const Row kRows[] = {
    {"AFilterInTheLine", "infusion_started", "R23", true,
     [](pb::Event& e) { e.mutable_infusion_started()->set_no_leukoreduction_filter(pb::NO); },
     "change the line"},
    {"NoEmergencyKit", "preinfusion_check_passed", "R23", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->set_emergency_kit(pb::NO); },
     "brought"},
    {"NoPatentLine", "preinfusion_check_passed", "R23", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->set_line_patent(pb::NO); }, "line"},
    {"GoWithoutConsent", "preinfusion_check_passed", "R23", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->set_consent_valid(pb::NO); },
     "CONSENT_OBTAINED"},
    {"GoForNobody", "preinfusion_check_passed", "F8a", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->clear_wristband(); }, "wristband"},
    {"GoForNoTherapy", "preinfusion_check_passed", "F8a", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->clear_coi(); }, "scan it"},
    {"GoForHalfAPatient", "preinfusion_check_passed", "F8a", true,
     [](pb::Event& e) { e.mutable_preinfusion_check_passed()->mutable_wristband()->RemoveLast(); },
     "wristband"},
    {"LymphodepletionOfNobody", "ld_started", "F8a", true,
     [](pb::Event& e) { e.mutable_ld_started()->clear_wristband(); }, "wristband"},
    {"AnInfusionOrderedForNobody", "infusion_ordered", "F8a", true,
     [](pb::Event& e) { e.mutable_infusion_ordered()->clear_wristband(); }, "wristband"},
    {"ALabelWithoutItsStatement", "label_issued", "F8a", true,
     [](pb::Event& e) { e.mutable_label_issued()->set_autologous_statement(pb::NO); },
     "print another"},
    {"ADamagedPackage", "handed_to_carrier", "F8a", true,
     [](pb::Event& e) { e.mutable_handed_to_carrier()->set_package_intact(pb::NO); }, "pack anew"},
    {"ALabelAfterTheNeedle", "label_affixed", "F8a", false,
     [](pb::Event& e) { e.mutable_label_affixed()->set_before_needle(pb::NO); },
     "IDENTITY_IN_DOUBT"},
    {"LabelsNotReadBack", "filled", "F8a", false,
     [](pb::Event& e) { e.mutable_filled()->set_labels_read_back(pb::NO); }, "read them back"},
    {"AnotherPatientsCellsInTheRoom", "batch_opened", "F8a", true,
     [](pb::Event& e) { e.mutable_batch_opened()->set_line_clearance(pb::NO); }, "clear the line"},
    {"ABatteredBoxAtTheLab", "received_mfg", "F11", false,
     [](pb::Event& e) { e.mutable_received_mfg()->set_outer_damage(pb::YES); },
     "CONTAINER_DAMAGED"},
    {"ABatteredBoxAtTheClinic", "received_clinic", "F11", false,
     [](pb::Event& e) { e.mutable_received_clinic()->set_outer_damage(pb::YES); },
     "CONTAINER_DAMAGED"},
};

class SafetyAnswerTest : public RulesTest, public testing::WithParamInterface<Row> {};

TEST_P(SafetyAnswerTest, IsNotSwallowed) {
  const Row& row = GetParam();
  EventBuilder step = At(row.step);
  const pb::Verdict sound = run.Judge(step);
  ASSERT_FALSE(sound.refused() || Says(sound, row.rule)) << Explain(sound);
  row.answer(step.event());
  const pb::Verdict verdict = run.Record(step);
  EXPECT_EQ(verdict.refused(), row.refuses) << Explain(verdict);
  const std::vector<pb::Reason> reasons = Of(verdict, row.rule);
  ASSERT_EQ(reasons.size(), 1U) << Explain(verdict);
  EXPECT_THAT(reasons[0].next_step(), testing::HasSubstr(row.next));
  if (row.refuses) return;
  ASSERT_FALSE(run.state().deviations().empty());
  EXPECT_TRUE(run.state().deviations().rbegin()->critical());
}

INSTANTIATE_TEST_SUITE_P(Rules, SafetyAnswerTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

using AnswersTest = RulesTest;

TEST_F(AnswersTest, AWrongItemThatWasUsedIsNoNearMiss) {
  run.Until("prethaw_id_verified");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"},
                                 "wrong_item_presented { at_step: 'thaw_started' presented_type: "
                                 "'container' presented: 'OTHER-1' nothing_done: NO }");
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F8a").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "F8a")[0].critical());
  EXPECT_THAT(Of(verdict, "F8a")[0].next_step(), testing::HasSubstr("IDENTITY_IN_DOUBT"));
  EXPECT_TRUE(run.state().deviations().rbegin()->critical());
}

TEST_F(AnswersTest, ANoGoNeedsNoScanAndNoKit) {
  EventBuilder check = At("preinfusion_check_passed");
  pb::PreinfusionCheckPassed& body = *check.event().mutable_preinfusion_check_passed();
  body.set_go(pb::NO);
  body.set_emergency_kit(pb::NO);
  body.set_consent_valid(pb::NO);
  body.clear_wristband();
  body.clear_coi();
  EXPECT_FALSE(run.Judge(check).refused()) << Explain(run.Judge(check));
}

TEST_F(AnswersTest, WithoutAChainOfIdentityNoLabelIsPrintedAndNobodyIsCollected) {
  for (const char* body : {"label_issued", "apheresis_started"}) {
    EventBuilder step = At(body);
    const pb::TherapyState known = run.state();
    run.mutable_state().clear_coi();
    const pb::Verdict verdict = run.Judge(step);
    EXPECT_TRUE(verdict.refused());
    ASSERT_EQ(Of(verdict, "F8a").size(), 1U) << Explain(verdict);
    EXPECT_THAT(Of(verdict, "F8a")[0].next_step(), testing::HasSubstr("ELIGIBILITY_ASSESSED"));
    run.mutable_state() = known;
    ASSERT_FALSE(run.Record(step).refused());
  }
}

TEST_F(AnswersTest, TheNeighboursGoodNewsOpensNothingHere) {
  run.Until("infusion_ordered");
  const std::string neighbour = Sha256("the neighbour").ToString();
  pb::PatientCondition& condition = *run.mutable_state().mutable_condition();
  condition.set_infection_open(true);
  condition.set_crs_open(true);
  EventBuilder screened = run.Draft(
      {"clinic.phy.1"},
      "infection_screened_pre { temperature_c: 36.8 cultures_taken: NO active_infection: NO "
      "antiviral_prophylaxis: YES $WRIST:wristband }");
  screened.event().mutable_infection_screened_pre()->mutable_wristband(0)->set_commitment(
      neighbour);
  EXPECT_TRUE(Says(run.Record(screened), "F8a"));
  EXPECT_TRUE(run.state().condition().infection_open());
  MustDo({"clinic.phy.1"},
         "crs_graded { at $T computed_grade: 0 grade: 0 onset_at $T-3d resolved_at $T max_grade: 1 "
         "coi: 'CHA999026000108' }");
  EXPECT_TRUE(run.state().condition().crs_open());
}

TEST_F(AnswersTest, TheNeighboursPulseIsNoBaseline) {
  run.Until("infusion_started");
  const std::int64_t before = run.state().condition().baseline_hr_us();
  EventBuilder readings =
      run.Draft({"clinic.rn.1"},
                "observations_recorded { observations { vitals { at $T-1m temperature_c: 36.8 "
                "systolic_mmhg: 120 diastolic_mmhg: 70 heart_rate: 80 respiratory_rate: 14 "
                "spo2_percent: 98 } oxygen: O2_NONE } $WRIST:wristband }");
  readings.event().mutable_observations_recorded()->mutable_wristband(0)->set_commitment(
      Sha256("the neighbour").ToString());
  const pb::Verdict verdict = run.Record(readings);
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F8a"));
  EXPECT_EQ(run.state().condition().baseline_hr_us(), before);
}

using AnswerTest = RulesTest;

TEST_F(AnswerTest, WhatArrivesHarmedOnTheWardIsTakenOverAndLookedAt) {
  run.Through("stored_clinic");
  const pb::Verdict verdict =
      Do({"clinic.rn.1"},
         "received_on_ward { containers: 'LOT26001-1' coi: 'CHA999026000001' "
         "ward: 'W-1' received_at $T intact: NO }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "F8a").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "F8a")[0].critical());
  EXPECT_THAT(Of(verdict, "F8a")[0].next_step(), testing::HasSubstr("CONTAINER_DAMAGED"));
}

TEST_F(AnswerTest, ASealThatWasTouchedAtTheRechargeIsSaidSo) {
  run.Until("received_clinic");
  const pb::Verdict verdict =
      Do({"depot.cour.1"},
         "shipper_recharged { shipper: 'SHP-2' recharged_at $T ln2_added_kg: 2 "
         "hold_until $T+200h place: 'hub' seal_untouched: NO }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "F8a").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8a")[0].next_step(), testing::HasSubstr("SEAL_BROKEN"));
}

// Infectious disease markers: neither quarantine nor stop.
TEST_F(AnswerTest, PositiveMarkersWantTheMarkOnTheLabel) {
  EventBuilder label = At("label_issued");  // biohazard: NO
  EXPECT_FALSE(Says(run.Judge(label), "R08"));
  run.mutable_state().mutable_condition()->set_idm_positive(true);
  const pb::Verdict verdict = run.Judge(label);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R08").size(), 1U) << Explain(verdict);
  EXPECT_FALSE(Of(verdict, "R08")[0].critical());
  label.event().mutable_label_issued()->set_biohazard(pb::YES);
  EXPECT_FALSE(Says(run.Judge(label), "R08"));
}

TEST_F(AnswerTest, MarkersThatTurnOutPositiveWantTheMarkOnWhatIsThere) {
  run.Until("apheresis_started");
  run.mutable_state().clear_issued_labels();
  const EventBuilder tested = run.Draft(
      {"clinic.lab.1"},
      "idm_tested { sample: 'IDM-1' sampled_at $T-22h tested_at $T-1h laboratory: 'central' "
      "results { marker: IDM_HBV outcome: IDM_RESULT_POSITIVE assay: 'HBsAg' } report $FILE }");
  EXPECT_FALSE(Says(run.Judge(tested), "R08")) << "nothing is labelled yet";
  run.mutable_state().add_issued_labels(std::string(kMainDin));
  EXPECT_EQ(Of(run.Judge(tested), "R08").size(), 1U);
}

TEST_F(AnswerTest, WhoStoresWhatIsPositiveIsToldToKeepItApart) {
  EventBuilder stored = At("stored_clinic");
  run.mutable_state().mutable_condition()->set_idm_positive(true);
  const pb::Verdict verdict = run.Judge(stored);
  EXPECT_FALSE(Says(verdict, "R08"));
  EXPECT_TRUE(std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
    return reason.rule() == "R08" && reason.field_class() == pb::CUSTODY;
  })) << "whoever handles it may read that";
}

TEST_F(AnswerTest, BankedCellsLeaveWithMarkersOfTheAgeThatTheOrdersProfileAsks) {
  EventBuilder packed = At("packed");  // sampled ten days before the collection
  EXPECT_FALSE(Says(run.Judge(packed), "R08"));
  Publish([](pb::Profile& p) { p.mutable_validity()->set_idm_days(5); });
  const pb::Verdict verdict = run.Judge(packed);
  ASSERT_EQ(Of(verdict, "R08").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R08")[0].next_step(), testing::HasSubstr("IDM_SAMPLED"));
  run.mutable_state().mutable_condition()->set_idm_sampled_us(ledger.now().micros);
  EXPECT_FALSE(Says(run.Judge(packed), "R08")) << "sampled anew";
}

}  // namespace
}  // namespace custody
