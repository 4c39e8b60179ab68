// What comes next, and who sees what.
#include <algorithm>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class NextStepsTest : public RulesTest {
 protected:
  const pb::NextStep* Find(std::string_view body) {
    steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    const auto found =
        std::ranges::find_if(steps, [&](const pb::NextStep& s) { return s.body() == body; });
    return found == steps.end() ? nullptr : &*found;
  }
  std::vector<pb::NextStep> steps;
};

TEST_F(NextStepsTest, BeginsWithTheEnrolmentAlone) {
  ASSERT_NE(Find("patient_enrolled"), nullptr);
  EXPECT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].two_person());
}

TEST_F(NextStepsTest, OffersEveryStepOfTheMainPathUnblockedWhenItsTurnComes) {
  // Steps that people do beside the path, or that are offered under another body's name.
  const std::vector<std::string> beside = {"carrier_milestone", "ae_treatment_given"};
  std::string last;
  for (const MainStep& step : run.steps()) {
    const bool aside = std::ranges::find(beside, step.body) != beside.end();
    if (aside || step.body == last) continue;
    last = step.body;
    run.Until(step.body);
    const pb::NextStep* offered = Find(step.body);
    ASSERT_NE(offered, nullptr) << step.body;
    EXPECT_FALSE(offered->blocked()) << step.body << ": " << offered->reasons(0).found();
    run.Through(step.body);
  }
}

TEST_F(NextStepsTest, OffersTheReleasesOfTheProfileOneAfterTheOther) {
  run.Through("therapy_ordered");
  Publish([](pb::Profile& profile) {
    profile.clear_releases();
    profile.add_releases("SITE_QA_DISPOSITION");
    profile.add_releases("QP_CERTIFICATION");
  });
  run.Until("released");
  EXPECT_NE(Find("site_qa_disposition"), nullptr);
  EXPECT_EQ(Find("released"), nullptr);
  EXPECT_EQ(Find("qp_certification"), nullptr);
  MustDo({"lab.qa.2"},
         "site_qa_disposition { lot: 'LOT26001' suitable: YES ship_under_quarantine: NO }");
  ASSERT_NE(Find("qp_certification"), nullptr);
  EXPECT_FALSE(Find("qp_certification")->blocked());
  EXPECT_EQ(Find("site_qa_disposition"), nullptr);
}

TEST_F(NextStepsTest, ASecondLotBeginsWithItsOwnFirstStep) {
  run.Until("formulated");
  pb::Lot& second = *run.mutable_state().add_lots();
  second.set_lot("LOT26002");
  second.set_state(pb::LOT_OPEN);
  ASSERT_NE(Find("cells_selected"), nullptr);
  EXPECT_EQ(Find("cells_selected")->subject(), "LOT26002");
  EXPECT_EQ(Find("activated")->subject(), "LOT26002");
  EXPECT_EQ(Find("formulated")->subject(), "LOT26001");
}

TEST_F(NextStepsTest, WhatATestMissedIsToBeSaid) {
  run.Until("batch_record_reviewed");
  EXPECT_EQ(Find("oos_detected"), nullptr);
  run.mutable_state().mutable_lots(0)->mutable_tests(0)->set_failed(true);
  ASSERT_NE(Find("oos_detected"), nullptr);
  EXPECT_EQ(Find("oos_detected")->subject(), "LOT26001 " + run.state().lots(0).tests(0).test());
  run.mutable_state().mutable_lots(0)->add_oos_missed(run.state().lots(0).tests(0).test());
  EXPECT_EQ(Find("oos_detected"), nullptr);
}

TEST_F(NextStepsTest, CellsThatCameToNothingAreCollectedAgainByOrder) {
  run.Through("apheresis_completed");
  EXPECT_EQ(Find("recollection_ordered"), nullptr);
  MustDo({"clinic.phy.1"},
         "collection_failed { din: 'A999026000001' failure: COLLECTION_FAILED_LOW_YIELD detail: "
         "'few cells' material_kept: NO }");
  ASSERT_NE(Find("recollection_ordered"), nullptr);
  EXPECT_FALSE(Find("recollection_ordered")->blocked());
  EXPECT_TRUE(Find("apheresis_started")->blocked());
  MustDo({"clinic.phy.1"}, "recollection_ordered { attempt: 2 reason: 'few cells' }");
  EXPECT_EQ(Find("recollection_ordered"), nullptr);
  EXPECT_FALSE(Find("apheresis_started")->blocked());
  ASSERT_NE(Find("label_issued"), nullptr);  // the second donation has a label of its own
}

TEST_F(NextStepsTest, ConsentOfAMinorIsAskedForAgainAtMajorityAlsoAfterTheInfusion) {
  run.Until("therapy_ordered");
  const auto consent = [](const char* minor, const char* due) {
    return std::string("consent_obtained { document_version: 'v3' document $FILE signed_by: ") +
           (due[0] == 0 ? "CONSENT_BY_PATIENT" : "CONSENT_BY_GUARDIAN") +
           " consented_at $T interpreter: NO purposes: CONSENT_TO_TREATMENT patient_is_minor: " +
           minor + due + " }";
  };
  MustDo({"clinic.phy.1"}, consent("YES", " reconsent_due $T+400d"));
  ASSERT_EQ(run.state().timers_size(), 1);
  run.Until("");
  const auto again = [&] {
    steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    const auto found = std::ranges::find(steps, "Consent again", &pb::NextStep::label);
    return found == steps.end() ? nullptr : &*found;
  };
  ASSERT_NE(again(), nullptr);
  EXPECT_FALSE(again()->overdue());
  Pass(400 * kMicrosPerDay);
  EXPECT_TRUE(again()->overdue());
  MustDo({"clinic.phy.1"}, consent("NO", ""));
  EXPECT_EQ(again(), nullptr);
  EXPECT_EQ(run.state().timers_size(), 3);  // the visits
}

TEST_F(NextStepsTest, ASlotIsConfirmedByItsDate) {
  EventBuilder slot = At("slot_reserved");
  *slot.event().mutable_slot_reserved()->mutable_confirm_by() =
      ToProto(ledger.now() + 2 * kMicrosPerDay);
  ASSERT_FALSE(run.Record(slot).refused());
  ASSERT_NE(Find("slot_reserved"), nullptr);
  EXPECT_EQ(Find("slot_reserved")->due_us(), ledger.now().micros + 2 * kMicrosPerDay);
  ASSERT_FALSE(run.Record(Now("slot_reserved")).refused());
  EXPECT_EQ(Find("slot_reserved"), nullptr);
}

TEST_F(NextStepsTest, AWindowThatWasPassedByOverrideIsReviewedWithinADay) {
  run.Until("infusion_started");
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_thaw_completed_us(ledger.now().micros - kMicrosPerHour);
  }
  const Recorded& grant =
      Grant("clinic.phy.1", "rules: 'R25'",
            "container: 'LOT26001-1' scope: OVERRIDE_SCOPE_CONTAINER expires_at $T+2h");
  EventBuilder start = run.Next();
  start.Citing(grant);
  const pb::Verdict verdict = run.Record(start);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_FALSE(run.state().deviations(0).critical());
  const pb::NextStep* review = Find("deviation_closed");
  ASSERT_NE(review, nullptr);
  EXPECT_EQ(review->due_us(), run.state().deviations(0).opened_us() + kMicrosPerDay);
}

TEST_F(NextStepsTest, TheDischargeTellsForHowLongThePatientStaysNearAndDoesNotDrive) {
  run.Through("therapy_ordered");
  Publish([](pb::Profile& profile) {
    profile.mutable_aftercare()->set_proximity_days(28);
    profile.mutable_aftercare()->set_driving_days(56);
  });
  run.Until("discharged");
  ASSERT_NE(Find("discharged"), nullptr);
  const std::string help = Find("discharged")->help();
  for (const char* said : {"7 to 14 d in hospital", "near the centre until", "(28 d)", "(56 d)"}) {
    EXPECT_NE(help.find(said), std::string::npos) << help;
  }
}

TEST_F(NextStepsTest, SaysWhatBlocksInTheWordsOfTheRules) {
  run.Until("received_clinic");
  const pb::NextStep* ld = Find("ld_started");
  ASSERT_NE(ld, nullptr);
  ASSERT_TRUE(ld->blocked());
  EXPECT_EQ(ld->reasons(0).rule(), "R18");
  EXPECT_FALSE(ld->reasons(0).next_step().empty());
}

TEST_F(NextStepsTest, ALotThatIsMadeAgainGoesTheWholeWayAgain) {
  run.Through("harvested");
  EXPECT_EQ(Find("cells_selected"), nullptr);
  pb::Lot* second = run.mutable_state().add_lots();
  second->set_lot("LOT26002");
  second->set_state(pb::LOT_OPEN);
  ASSERT_NE(Find("cells_selected"), nullptr);
  EXPECT_EQ(Find("cells_selected")->subject(), "LOT26002");
  EXPECT_NE(Find("activated"), nullptr);
}

TEST_F(NextStepsTest, CountsTheThawClock) {
  run.Through("thaw_completed");
  const pb::NextStep* bedside = Find("bedside_id_verified");
  ASSERT_NE(bedside, nullptr);
  EXPECT_EQ(bedside->due_us(), ledger.now().micros + 30 * kMicrosPerMinute);
  EXPECT_FALSE(bedside->overdue());
  Pass(31 * kMicrosPerMinute);
  EXPECT_TRUE(Find("bedside_id_verified")->overdue());
}

TEST_F(NextStepsTest, AfterTheVisitInMonthTwoToThreeTheNextVisitsComeBeforeTidyingUp) {
  run.Until("");
  ASSERT_NE(Find("disposition"), nullptr);
  ASSERT_EQ(steps[0].body(), "followup");
  EXPECT_EQ(steps[0].label(), "Follow-up, day 100");
  EXPECT_TRUE(std::ranges::is_sorted(steps.begin(), steps.begin() + 3, {},
                                     [](const auto& step) { return step.opens_us(); }));
  EXPECT_EQ(steps.back().body(), "custody_closed");
  const std::string visit =
      " seen_at $T vital_status: VITAL_STATUS_ALIVE response: "
      "RESPONSE_COMPLETE persistence: PERSISTENCE_QPCR_POSITIVE "
      "infections: NO second_cancer: NO }";
  Pass(37 * kMicrosPerDay);  // to day 100
  ASSERT_FALSE(
      run.Record(run.Draft({"clinic.phy.1"}, "followup { visit: VISIT_DAY_100" + visit)).refused());
  ASSERT_NE(Find("followup"), nullptr);
  EXPECT_EQ(steps[0].label(), "Follow-up, month 6");
  Pass(400 * kMicrosPerDay);
  EXPECT_TRUE(Find("followup")->overdue());
  ASSERT_FALSE(
      run.Record(run.Draft({"clinic.phy.1"}, "followup { visit: VISIT_YEARLY year: 1" + visit))
          .refused());
  EXPECT_EQ(run.state().timers(1).name(), "Follow-up, year 2");
}

TEST_F(NextStepsTest, AViewWithoutThePatientsConditionOffersNoStepAboutThePatient) {
  run.Until("released");
  const pb::TherapyState lab = ViewFor(run.state(), run.registry(), "LAB");
  for (const pb::NextStep& step : NextStepsOf(lab, run.registry(), ledger.now())) {
    EXPECT_NE(step.body(), "eligibility_assessed");
    EXPECT_NE(step.body(), "cns_evaluated");
  }
  const auto offered = NextStepsOf(lab, run.registry(), ledger.now());
  EXPECT_TRUE(std::ranges::any_of(offered, [](const auto& s) { return s.body() == "released"; }));
}

TEST_F(NextStepsTest, ReasonsTellTheManufacturerAndTheCarrierOnlyWhatIsTheirs) {
  run.Until("apheresis_started");
  run.mutable_state().mutable_condition()->set_pregnant(true);
  pb::Hold* hold = run.mutable_state().add_holds();
  hold->set_id("H-1");
  hold->set_kind("CLINICAL");
  hold->set_reason("HIV");
  hold->set_open(true);
  const pb::Verdict whole = run.Judge(run.Next());
  ASSERT_TRUE(Says(whole, "R08") && Says(whole, "HOLD")) << Explain(whole);
  for (const char* site : {"LAB", "DEPOT"}) {
    pb::Verdict shown = whole;
    EXPECT_TRUE(HideReasons(*shown.mutable_reasons(), run.registry(), site));
    const std::string text = Explain(shown);
    EXPECT_EQ(text.find("pregnan"), std::string::npos) << text;
    EXPECT_EQ(text.find("HIV"), std::string::npos) << text;
    EXPECT_NE(text.find("R08"), std::string::npos) << text;
    EXPECT_NE(text.find("PHY"), std::string::npos) << text;  // who may grant is no secret
  }
  pb::Verdict clinic = whole;
  EXPECT_FALSE(HideReasons(*clinic.mutable_reasons(), run.registry(), "CLINIC"));
  EXPECT_EQ(clinic.SerializeAsString(), whole.SerializeAsString());
}

TEST_F(NextStepsTest, TheManufacturerSeesNoClinicalDetail) {
  run.Until("");
  const pb::TherapyState lab = ViewFor(run.state(), run.registry(), "LAB");
  EXPECT_FALSE(lab.has_condition());
  EXPECT_FALSE(lab.has_ld());
  EXPECT_TRUE(lab.identity().empty());
  EXPECT_EQ(lab.lots(0).tests_size(), 10);
  EXPECT_EQ(lab.lots(0).dose_weight_kg(), 0);
  const pb::TherapyState clinic = ViewFor(run.state(), run.registry(), "CLINIC");
  EXPECT_EQ(clinic.SerializeAsString(), run.state().SerializeAsString());
}

TEST_F(NextStepsTest, ACarrierSeesItsShipmentAndAStrangerNothing) {
  run.Until("");
  const pb::TherapyState depot = ViewFor(run.state(), run.registry(), "DEPOT");
  EXPECT_EQ(depot.shipments_size(), 2);
  EXPECT_TRUE(depot.lots().empty());
  EXPECT_TRUE(depot.steps().empty());
  EXPECT_TRUE(IsParty(run.state(), run.registry(), "CLINIC"));
  EXPECT_TRUE(IsParty(run.state(), run.registry(), "LAB"));
  EXPECT_TRUE(IsParty(run.state(), run.registry(), "DEPOT"));
  EXPECT_TRUE(IsParty(run.state(), run.registry(), "OVERSEER"));
  EXPECT_FALSE(IsParty(run.state(), run.registry(), "OTHER"));
}

}  // namespace
}  // namespace custody
