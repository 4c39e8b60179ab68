// R20, R25, R26, R35, R37, R39, holds, consent, death and overrides: from storage to the vein.
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class InfusionRulesTest : public RulesTest {
 protected:
  // As if the last dose of lymphodepletion had been given so many calendar days before now.
  void LastDose(int days) {
    run.mutable_state().mutable_ld()->set_last_dose_us(ledger.now().micros - days * kMicrosPerDay);
  }
  pb::Container& Bag() {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == kMainBag) return container;
    }
    ADD_FAILURE() << "no bag";
    return *run.mutable_state().add_containers();
  }
};

TEST_F(InfusionRulesTest, R20CountsSevenCalendarDays) {
  for (const char* body : {"removed_from_storage", "thaw_started", "infusion_started"}) {
    TestLedger other;
    TherapyRun walk(other);
    walk.Until(body);
    EventBuilder step = walk.Next();
    walk.mutable_state().mutable_ld()->set_last_dose_us(other.now().micros - 7 * kMicrosPerDay);
    EXPECT_FALSE(Says(walk.Judge(step), "R20")) << body;
    walk.mutable_state().mutable_ld()->set_last_dose_us(other.now().micros - 8 * kMicrosPerDay);
    EXPECT_TRUE(Says(walk.Judge(step), "R20")) << body;
    EXPECT_TRUE(walk.Judge(step).refused()) << body;
  }
}

TEST_F(InfusionRulesTest, R20CountsDaysWhereThePatientIsTreated) {
  EventBuilder step = At("removed_from_storage");
  // 23:30 in Berlin is the day before although it is less than eight times 24 hours ago.
  const Instant now = ledger.now();
  const std::int64_t day = *CalendarDay(now, "Europe/Berlin");
  const std::int64_t evening = EndOfDay(day - 8, "Europe/Berlin")->micros - kMicrosPerHour / 2;
  ASSERT_LT(now.micros - evening, 8 * kMicrosPerDay);
  run.mutable_state().mutable_ld()->set_last_dose_us(evening);
  EXPECT_TRUE(Says(run.Judge(step), "R20"));
  run.mutable_state().mutable_ld()->set_last_dose_us(evening + kMicrosPerHour);
  EXPECT_FALSE(Says(run.Judge(step), "R20"));
}

TEST_F(InfusionRulesTest, R20WantsLymphodepletionOrAWaiver) {
  EventBuilder step = At("thaw_started");
  run.mutable_state().mutable_ld()->set_completed_us(0);
  EXPECT_TRUE(Says(run.Judge(step), "R20"));
  run.mutable_state().mutable_ld()->set_waived(true);
  run.mutable_state().mutable_ld()->set_waiver_wbc_us(ledger.now().micros - 7 * kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(step), "R20"));
  run.mutable_state().mutable_ld()->set_waiver_wbc_us(ledger.now().micros - 8 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(step), "R20"));
}

TEST_F(InfusionRulesTest, AnOverrideLiftsWhatItNamesAndNothingElse) {
  run.Until("removed_from_storage");
  LastDose(9);
  const Recorded& grant =
      Grant("clinic.phy.1", "rules: 'R20'",
            "container: 'LOT26001-1' scope: OVERRIDE_SCOPE_CONTAINER expires_at $T+2h");
  EventBuilder step = run.Next();
  EXPECT_TRUE(run.Judge(step).refused());  // not cited
  step.Citing(grant);
  const pb::Verdict verdict = run.Record(step);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R20").size(), 1U);
  EXPECT_TRUE(Of(verdict, "R20")[0].overridden());
  EXPECT_EQ(run.state().grants(0).used_by_size(), 1);
  EXPECT_TRUE(run.state().deviations().empty());
  EventBuilder thaw = run.Next();  // the same container's way goes on under it
  EXPECT_TRUE(run.Judge(thaw).refused());
  thaw.Citing(grant);
  EXPECT_FALSE(run.Judge(thaw).refused()) << Explain(run.Judge(thaw));
}

TEST_F(InfusionRulesTest, AnOverrideEndsWhenItSays) {
  run.Until("removed_from_storage");
  LastDose(9);
  const Recorded& grant =
      Grant("clinic.phy.1", "rules: 'R20'",
            "step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  const Instant end = ledger.now() + 2 * kMicrosPerHour;
  EventBuilder step = run.Next();
  step.Citing(grant);
  run.mutable_state().mutable_grants(0)->set_expires_us(ledger.now().micros);
  EXPECT_FALSE(run.Judge(step).refused());
  run.mutable_state().mutable_grants(0)->set_expires_us(ledger.now().micros - 1);
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  EXPECT_NE(Of(verdict, "R20")[0].found().find("it ended"), std::string::npos);
  EXPECT_GT(end.micros, ledger.now().micros);
}

TEST_F(InfusionRulesTest, AnOverrideForAnotherContainerOrStepIsNoUse) {
  run.Until("removed_from_storage");
  LastDose(9);
  const Recorded& bag =
      Grant("clinic.phy.1", "rules: 'R20'",
            "container: 'LOT26001-Q1' scope: OVERRIDE_SCOPE_CONTAINER expires_at $T+2h");
  const Hash wrong_bag = bag.parsed.event_id;
  const Recorded& step_grant =
      Grant("clinic.phy.1", "rules: 'R20'",
            "step: 'thaw_started' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  EventBuilder step = run.Next();
  step.Citing(step_grant);
  step.event().add_grants(wrong_bag.ToString());
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  EXPECT_NE(Of(verdict, "R20")[0].found().find("LOT26001-Q1"), std::string::npos);
  EXPECT_NE(Of(verdict, "R20")[0].found().find("it is for thaw_started"), std::string::npos);
}

TEST_F(InfusionRulesTest, AGrantThatNobodyGaveIsRefusedEvenWhereNoneIsNeeded) {
  EventBuilder step = At("removed_from_storage");
  EXPECT_FALSE(run.Judge(step).refused()) << Explain(run.Judge(step));
  step.event().add_grants(Sha256("nobody gave it").ToString());
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "OVERRIDE").size(), 1U);
  EXPECT_EQ(Of(verdict, "OVERRIDE")[0].kind(), pb::REASON_STRUCTURE);
  EXPECT_EQ(Of(verdict, "OVERRIDE")[0].expected(), "a recorded OVERRIDE_GRANTED of this therapy");
  EXPECT_NE(Of(verdict, "OVERRIDE")[0].found().find("unknown"), std::string::npos);
  EXPECT_TRUE(run.Judge(Late(step)).refused());
}

TEST_F(InfusionRulesTest, AnOverrideOfOneStepIsUsedOnce) {
  run.Until("removed_from_storage");
  LastDose(9);
  const Recorded& grant =
      Grant("clinic.phy.1", "rules: 'R20'",
            "step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  EventBuilder step = run.Next();
  step.Citing(grant);
  run.mutable_state().mutable_grants(0)->add_used_by("another step");
  EXPECT_TRUE(run.Judge(step).refused());
}

TEST_F(InfusionRulesTest, AnOverrideIsGrantedByWhoMayForRulesThatAllowItAndADayAtMost) {
  run.Until("removed_from_storage");
  const auto draft = [&](const char* who, const char* rule, const char* until) {
    return run.Judge(run.Draft(
        {who}, std::string("override_granted { rules: '") + rule +
                   "' step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP "
                   "reason: OVERRIDE_FOR_MEDICAL_NEED justification: 'x' verbal: NO expires_at " +
                   until + " }"));
  };
  EXPECT_FALSE(draft("clinic.phy.1", "R20", "$T+24h").refused());
  EXPECT_TRUE(draft("clinic.phy.1", "R20", "$T+25h").refused());
  EXPECT_TRUE(draft("clinic.rn.1", "R20", "$T+2h").refused());
  EXPECT_TRUE(draft("lab.qa.1", "R20", "$T+2h").refused());
  for (const char* never : {"R06", "R16", "R26", "R34", "R35", "R37", "F2", "F13", "R99"}) {
    EXPECT_TRUE(draft("clinic.phy.1", never, "$T+2h").refused()) << never;
  }
}

TEST_F(InfusionRulesTest, AVerbalOverrideIsConfirmedWithinADay) {
  run.Until("removed_from_storage");
  EventBuilder grant = run.Draft(
      {"clinic.rn.1", "clinic.pharm.1"},
      "override_granted { rules: 'R20' step: 'removed_from_storage' scope: OVERRIDE_SCOPE_STEP "
      "reason: OVERRIDE_FOR_MEDICAL_NEED justification: 'by phone' verbal: YES "
      "authority: 'clinic.phy.1' expires_at $T+2h }");
  const pb::Verdict verdict = run.Record(grant);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  Pass(kMicrosPerDay + kMicrosPerMinute);
  EventBuilder any = run.Draft({"clinic.rn.1"},
                               "ice_recorded { at $T total: 10 "
                               "consciousness: AWAKENS_SPONTANEOUSLY "
                               "seizure: SEIZURE_NONE motor: MOTOR_NORMAL "
                               "oedema: OEDEMA_NONE }");
  run.Record(any);
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_TRUE(run.state().deviations(0).critical());
  EXPECT_EQ(run.state().deviations(0).rule(), "OVERRIDE");
}

TEST_F(InfusionRulesTest, R37WantsAnOrderForThisContainer) {
  EventBuilder step = At("prethaw_id_verified");
  EXPECT_FALSE(run.Judge(step).refused()) << Explain(run.Judge(step));
  run.mutable_state().mutable_orders(0)->set_open(false);
  EXPECT_TRUE(Says(run.Judge(step), "R37"));
  run.mutable_state().mutable_orders(0)->set_open(true);
  run.mutable_state().mutable_orders(0)->set_containers(0, "LOT26001-9");
  EXPECT_TRUE(Says(run.Judge(step), "R37"));
  EXPECT_TRUE(run.Judge(step).refused());
}

TEST_F(InfusionRulesTest, R35WantsTheCheckTheConsentAndTheGo) {
  EventBuilder step = At("thaw_started");
  EXPECT_FALSE(run.Judge(step).refused()) << Explain(run.Judge(step));
  pb::PatientCondition* condition = run.mutable_state().mutable_condition();
  condition->set_preinfusion_us(ledger.now().micros - 4 * kMicrosPerHour);
  EXPECT_FALSE(Says(run.Judge(step), "R35"));
  condition->set_preinfusion_us(ledger.now().micros - 4 * kMicrosPerHour - 1);
  EXPECT_EQ(Of(run.Judge(step), "R35").size(), 1U);
  run.mutable_state().set_consent_treatment(false);
  EXPECT_EQ(Of(run.Judge(step), "R35").size(), 2U);
  Bag().clear_prethaw();
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_EQ(Of(verdict, "R35").size(), 3U);
  for (const pb::Reason& reason : Of(verdict, "R35")) EXPECT_TRUE(reason.grantors().empty());
}

TEST_F(InfusionRulesTest, R26WantsAPassOfFifteenMinutes) {
  EventBuilder step = At("infusion_started");
  Bag().mutable_pass()->set_at_us(ledger.now().micros - 15 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(step), "R26"));
  Bag().mutable_pass()->set_at_us(ledger.now().micros - 15 * kMicrosPerMinute - 1);
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  Bag().clear_pass();
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Of(verdict, "R26")[0].grantors().empty());
}

TEST_F(InfusionRulesTest, R26WantsTheSamePatientAndOrderScannedNow) {
  EventBuilder step = At("infusion_started");
  pb::InfusionStarted& body = *step.event().mutable_infusion_started();
  const pb::InfusionStarted right = body;
  body.mutable_wristband(0)->set_commitment(Sha256("somebody else").ToString());
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_wristband()->DeleteSubrange(0, 1);  // a birth date alone tells nobody apart
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_wristband()->RemoveLast();  // nor is half of what the PASS compared enough
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_order()->set_source(pb::TYPED);
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_order()->set_value("INF-9");
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_coi()->set_value("CHA999026000009");
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
  body = right;
  body.mutable_container()->set_source(pb::TYPED);
  EXPECT_TRUE(Says(run.Judge(step), "R26"));
}

TEST_F(InfusionRulesTest, R26IsRecordedLateAndOpensACriticalDeviation) {
  run.Until("bedside_id_verified");
  run.Skip("infusion_started");
  EventBuilder step = run.Next();
  EXPECT_TRUE(run.Judge(step).refused());
  EventBuilder late = Late(step);
  const pb::Verdict verdict = run.Record(late);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(FindContainer(run.state(), kMainBag)->state(), pb::CONTAINER_INFUSING);
  const pb::Deviation* deviation = FindDeviation(
      run.state(), "D-" + ShortId(run.last().parsed.event_id.view()) + "-R26-LOT26001-1");
  ASSERT_NE(deviation, nullptr);
  EXPECT_TRUE(deviation->critical());
}

TEST_F(InfusionRulesTest, APassNeedsTwoEqualChecks) {
  EventBuilder step = At("bedside_id_verified");
  pb::PersonCheck* second = step.event().mutable_bedside_id_verified()->mutable_checks(1);
  second->mutable_container()->set_value("LOT26001-2");
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F8a"));
}

TEST_F(InfusionRulesTest, R39WantsFiveSignsOfTheLastHour) {
  EventBuilder step = At("infusion_started");
  pb::VitalSigns& vitals = *step.event().mutable_infusion_started()->mutable_baseline();
  *vitals.mutable_at() = ToProto(ledger.now() + -60 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(step), "R39"));
  *vitals.mutable_at() = ToProto(ledger.now() + -60 * kMicrosPerMinute + -1);
  EXPECT_EQ(Of(run.Judge(step), "R39").size(), 5U);
  EXPECT_EQ(Of(run.Judge(step), "R39")[0].grantors(0), pb::PHY);
  *vitals.mutable_at() = ToProto(ledger.now());
  vitals.clear_spo2_percent();
  EXPECT_EQ(Of(run.Judge(step), "R39").size(), 1U);
  vitals.add_not_recordable(pb::VITAL_SPO2);
  EXPECT_FALSE(Says(run.Judge(step), "R39"));
  vitals.set_heart_rate(0);  // zero is an answer
  EXPECT_FALSE(Says(run.Judge(step), "R39"));
}

TEST_F(InfusionRulesTest, R25LetsThePhysicianDecideAfterTheWindow) {
  EventBuilder step = At("infusion_started");
  Bag().set_thaw_completed_us(ledger.now().micros - 30 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(step), "R25"));
  Bag().set_thaw_completed_us(ledger.now().micros - 30 * kMicrosPerMinute - 1);
  ASSERT_EQ(Of(run.Judge(step), "R25").size(), 1U);
  EXPECT_EQ(Of(run.Judge(step), "R25")[0].grantors(0), pb::PHY);
}

TEST_F(InfusionRulesTest, NothingIsFrozenAgain) {
  run.Through("thaw_completed");
  EventBuilder back = run.Draft({"clinic.pharm.1"},
                                "stored_clinic { containers { container: 'LOT26001-1' "
                                "position: 'C-LN2-4' } storage_unit: 'C-LN2' logger: 'L' "
                                "stored_at $T transfer_time_minutes: 3 }");
  const pb::Verdict verdict = run.Record(back);
  EXPECT_FALSE(verdict.refused());  // a fact
  ASSERT_TRUE(Says(verdict, "R25"));
  EXPECT_TRUE(Of(verdict, "R25")[0].critical());
  const pb::Verdict use = run.Judge(run.Next());
  EXPECT_TRUE(use.refused());
  EXPECT_TRUE(Says(use, "R34"));
}

TEST_F(InfusionRulesTest, WithdrawnConsentAndDeathStopPermissionsAndNotFacts) {
  run.Until("removed_from_storage");
  EventBuilder withdrawn = run.Draft({"clinic.rn.1"},
                                     "consent_withdrawn { withdrawn_at $T "
                                     "purposes: CONSENT_TO_TREATMENT "
                                     "withdrawn_by: CONSENT_BY_PATIENT }");
  EXPECT_FALSE(run.Record(withdrawn).refused());
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F2"));
  EXPECT_TRUE(Of(verdict, "F2")[0].grantors().empty());
  EventBuilder died = run.Draft({"clinic.phy.1"},
                                "patient_died { died_at $T cause: DEATH_DISEASE "
                                "related_to_product: NO }");
  EXPECT_FALSE(run.Record(died).refused());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "F13"));
}

TEST_F(InfusionRulesTest, AHoldIsClearedByWhoMay) {
  run.Until("removed_from_storage");
  EventBuilder set = run.Draft({"clinic.rn.1"}, "hold_set { kind: HOLD_CLINICAL reason: 'fever' }");
  EXPECT_FALSE(run.Record(set).refused());
  const std::string id = run.state().holds(0).id();
  EventBuilder step = run.Next();
  EXPECT_TRUE(Says(run.Judge(step), "R34"));
  const std::string clear =
      "hold_cleared { hold: '" + id + "' kind: HOLD_CLINICAL reason: 'well' }";
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.1"}, clear)).refused());
  EventBuilder cleared = run.Draft({"clinic.phy.1"}, clear);
  EXPECT_FALSE(run.Record(cleared).refused());
  EXPECT_TRUE(OpenHolds(run.state(), "REMOVE", nullptr).empty());
}

TEST_F(InfusionRulesTest, CustodyClosesWhenEverythingIsAccountedFor) {
  run.Until("");
  EventBuilder close = run.Draft({"clinic.qa.1"},
                                 "custody_closed { containers_accounted: YES "
                                 "deviations_closed: YES statement: 'done' }");
  const pb::Verdict verdict = run.Judge(close);
  EXPECT_TRUE(verdict.refused());  // the test vial
  ASSERT_EQ(Of(verdict, "CLOSE").size(), 1U);
  EXPECT_EQ(Of(verdict, "CLOSE")[0].subject(), "LOT26001-Q1");
}

}  // namespace
}  // namespace custody
