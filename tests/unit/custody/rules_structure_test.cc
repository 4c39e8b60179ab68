// R03, R04, R07, R08, R38, R45: what is refused always, and what must be there before the needle.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class StructureRulesTest : public RulesTest {};

TEST_F(StructureRulesTest, R03RefusesWhatIsSignedInTheFuture) {
  EventBuilder event = At("idm_sampled");
  event.SignedAt(ledger.now() + 2 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(event), "R03"));
  event.SignedAt(ledger.now() + 2 * kMicrosPerMinute + 1);
  EXPECT_TRUE(Says(run.Judge(event), "R03"));
  EXPECT_TRUE(run.Judge(event).refused());
}

TEST_F(StructureRulesTest, R03NotesAClockThatIsBehindTheEventBefore) {
  EventBuilder event = At("idm_sampled");
  const Instant before{run.state().updated_us()};
  event.HappenedAt(before + -kMicrosPerMinute).SignedAt(before + -30 * kMicrosPerSecond);
  EXPECT_THAT(Explain(run.Judge(event)), Not(HasSubstr("its clock is behind")));
  event.SignedAt(before + -31 * kMicrosPerSecond);
  EXPECT_THAT(Explain(run.Judge(event)),
              AllOf(HasSubstr("R03 note"), HasSubstr("31 s before"), HasSubstr("clock is behind")));
  EXPECT_FALSE(run.Judge(event).refused());
}

TEST_F(StructureRulesTest, R03GivesALiveStepFifteenMinutesAndAFactADay) {
  EventBuilder step = At("apheresis_started");
  step.HappenedAt(ledger.now() + -15 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(step), "R03"));
  step.HappenedAt(ledger.now() + -15 * kMicrosPerMinute + -1);
  EXPECT_TRUE(Says(run.Judge(step), "R03"));
  EventBuilder fact = run.Draft({"clinic.rn.1"},
                                "idm_sampled { sample: 'I2' sampled_at $T "
                                "markers: IDM_HIV }");
  fact.HappenedAt(ledger.now() + -kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(fact), "R03"));
  fact.HappenedAt(ledger.now() + -kMicrosPerDay + -1);
  EXPECT_TRUE(Says(run.Judge(fact), "R03"));
  fact.Late("forgotten").By("clinic.coord.1", pb::CHECKED);
  EXPECT_FALSE(Says(run.Judge(fact), "R03"));
}

TEST_F(StructureRulesTest, R03RefusesALiveSignatureOfWhoWasIdentifiedADayBefore) {
  EventBuilder event = At("idm_sampled");
  const auto identified = [&](std::int64_t age) {
    *event.event().mutable_signers(0)->mutable_identified_at() = ToProto(ledger.now() + -age);
  };
  identified(kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(event), "R03"));
  identified(kMicrosPerDay + 1);
  EXPECT_TRUE(run.Judge(event).refused());
  ASSERT_EQ(Of(run.Judge(event), "R03").size(), 1U);
  EXPECT_EQ(Of(run.Judge(event), "R03")[0].kind(), pb::REASON_STRUCTURE);
  EXPECT_EQ(Of(run.Judge(event), "R03")[0].subject(), event.event().signers(0).person());
  event.Late("forgotten").By("clinic.coord.1", pb::CHECKED);
  EXPECT_FALSE(Says(run.Judge(event), "R03"));
}

TEST_F(StructureRulesTest, R04RefusesTheSamePersonTwice) {
  EventBuilder event = At("bedside_id_verified");
  pb::BedsideIdVerified& body = *event.event().mutable_bedside_id_verified();
  body.mutable_checks(1)->set_person("clinic.rn.1");
  const pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R04"));
}

TEST_F(StructureRulesTest, R04RefusesACheckByWhoDoesNotSign) {
  EventBuilder event = At("bedside_id_verified");
  event.event().mutable_bedside_id_verified()->mutable_checks(1)->set_person("clinic.phy.1");
  EXPECT_TRUE(Says(run.Judge(event), "R04"));
}

TEST_F(StructureRulesTest, R04RefusesOneSigner) {
  EventBuilder event = At("apheresis_started");
  event.event().mutable_signers()->RemoveLast();
  const pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R04"));
}

TEST_F(StructureRulesTest, R04RefusesPresenceTenMinutesApart) {
  EventBuilder event = At("apheresis_started");
  pb::Signer* second = event.event().mutable_signers(1);
  *second->mutable_identified_at() = ToProto(ledger.now() + -11 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(event), "R04"));  // exactly 10 min
  *second->mutable_identified_at() = ToProto(ledger.now() + -12 * kMicrosPerMinute);
  EXPECT_TRUE(Says(run.Judge(event), "R04"));
}

TEST_F(StructureRulesTest, R07NotesWhatIsUnusualAndOpensADeviationOutsideTheSpecification) {
  EventBuilder event = At("apheresis_completed");
  event.event().mutable_apheresis_completed()->set_cd3_cells_1e9(0.6);
  EXPECT_FALSE(Says(run.Judge(event), "R07"));
  event.event().mutable_apheresis_completed()->set_cd3_cells_1e9(0.5);
  event.event().mutable_apheresis_completed()->set_volume_ml(600);
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R07").size(), 1U);
  EXPECT_EQ(Of(verdict, "R07")[0].subject(), "apheresis_completed.cd3_cells_1e9");
  int notes = 0;
  for (const pb::Reason& reason : verdict.reasons()) notes += reason.kind() == pb::REASON_NOTE;
  EXPECT_EQ(notes, 1);  // the volume
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_EQ(run.state().deviations(0).id(), "D-" + ShortId(run.last().parsed.event_id.view()) +
                                                "-R07-apheresis_completed.cd3_cells_1e9");
  EXPECT_FALSE(run.state().deviations(0).critical());
}

TEST_F(StructureRulesTest, R38RefusesEverythingBeforeTheEnrolment) {
  EventBuilder event = run.Draft({"clinic.rn.1"},
                                 "idm_sampled { sample: 'I' sampled_at $T "
                                 "markers: IDM_HIV }");
  EXPECT_TRUE(run.Judge(event).refused());
  EXPECT_TRUE(Says(run.Judge(event), "R38"));
}

TEST_F(StructureRulesTest, R38RefusesASecondEnrolmentAndReadingsThatDiffer) {
  EventBuilder first = At("patient_enrolled");
  first.event()
      .mutable_patient_enrolled()
      ->mutable_readings(1)
      ->mutable_identifiers(0)
      ->set_commitment(Sha256("another patient").ToString());
  EXPECT_TRUE(run.Judge(first).refused());
  EXPECT_TRUE(Says(run.Judge(first), "R38"));
  TestLedger again_ledger;
  TherapyRun again(again_ledger);
  EventBuilder once = again.Next();
  EXPECT_FALSE(again.Record(once).refused());
  EventBuilder twice = again.Draft({"clinic.coord.1", "clinic.rn.1"}, "");
  *twice.event().mutable_patient_enrolled() = once.Build().patient_enrolled();
  EXPECT_TRUE(Says(again.Judge(twice), "R38"));
}

TEST_F(StructureRulesTest, R45RefusesRealDonationNumbersInADemonstration) {
  EventBuilder event = At("apheresis_started");
  event.event().mutable_apheresis_started()->mutable_din()->set_value("G123426000001");
  EXPECT_TRUE(run.Judge(event).refused());
  EXPECT_TRUE(Says(run.Judge(event), "R45"));
}

TEST_F(StructureRulesTest, R08ListsEverythingThatIsMissing) {
  run.Until("cns_evaluated");
  run.Skip("apheresis_started");
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  // work-up, wash-out, markers, consent; the order and slot only for fresh material
  EXPECT_EQ(Of(verdict, "R08").size(), 4U) << Explain(verdict);
  for (const pb::Reason& reason : Of(verdict, "R08")) {
    const bool consent = reason.expected().find("consent") != std::string::npos;
    EXPECT_EQ(reason.grantors().empty(), consent) << reason.expected();
  }
}

TEST_F(StructureRulesTest, R08AsksForTheSlotOfFreshMaterial) {
  run.Until("slot_reserved");
  run.Skip("workup_completed");
  run.Until("apheresis_started");
  const pb::Verdict verdict = run.Judge(run.Next());
  ASSERT_EQ(Of(verdict, "R08").size(), 1U) << Explain(verdict);
  EXPECT_NE(Of(verdict, "R08")[0].expected().find("slot"), std::string::npos);
}

TEST_F(StructureRulesTest, R08IsEnteredLateAsACriticalDeviation) {
  run.Until("washout_confirmed");
  run.Skip("idm_sampled");
  run.Until("apheresis_started");
  EventBuilder live = run.Next();
  EXPECT_TRUE(run.Judge(live).refused());
  EventBuilder late = Late(live);
  const pb::Verdict verdict = run.Record(late);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_TRUE(run.state().deviations(0).critical());
  EXPECT_EQ(run.state().deviations(0).rule(), "R08");
  EXPECT_EQ(run.state().donations_size(), 1);  // it was done all the same
}

TEST_F(StructureRulesTest, F8aRefusesTheWristbandOfSomebodyElse) {
  EventBuilder event = At("apheresis_started");
  event.event().mutable_apheresis_started()->mutable_wristband(0)->set_commitment(
      Sha256("somebody else").ToString());
  const pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F8a"));
  EXPECT_TRUE(Of(verdict, "F8a")[0].grantors().empty());
}

}  // namespace
}  // namespace custody
