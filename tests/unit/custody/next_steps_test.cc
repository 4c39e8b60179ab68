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

TEST_F(NextStepsTest, CountsTheThawClock) {
  run.Through("thaw_completed");
  const pb::NextStep* bedside = Find("bedside_id_verified");
  ASSERT_NE(bedside, nullptr);
  EXPECT_EQ(bedside->due_us(), ledger.now().micros + 30 * kMicrosPerMinute);
  EXPECT_FALSE(bedside->overdue());
  Pass(31 * kMicrosPerMinute);
  EXPECT_TRUE(Find("bedside_id_verified")->overdue());
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
