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
  const std::vector<std::string> beside = {"label_affixed", "carrier_milestone", "stored",
                                           "prophylaxis_given", "ae_treatment_given"};
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
