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

}  // namespace
}  // namespace custody
