// R19: lymphodepletion waits for what is recorded and open, whatever is answered at its start.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class FitTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Until("ld_started");
    static_cast<void>(At("ld_started"));  // at its time
  }
  // The main path's start, answered "no" three times, signed now.
  EventBuilder Start() {
    EventBuilder event = ledger.On("therapy/T1").By("clinic.phy.1");
    for (const MainStep& step : run.steps()) {
      if (step.body == "ld_started") event.event().MergeFrom(step.event);
    }
    *event.event().mutable_ld_started()->mutable_started_at() = ToProto(ledger.now());
    return event;
  }
  std::vector<pb::Reason> Against() { return Of(run.Judge(Start()), "R19"); }
  std::vector<pb::Reason> AgainstRepeating(const std::string& answers = "") {
    return Of(
        run.Judge(run.Draft({"clinic.phy.1"},
                            "ld_repeated { course: '2' reason: 'too long' " + answers + " }")),
        "R19");
  }
  static std::string Bridging(const std::string& start, const std::string& reaction) {
    return "bridging_given { reason: 'growth' modality: BRIDGING_CHEMOTHERAPY regimen: 'R' "
           "started_at " +
           start + " serious_reaction: " + reaction + " }";
  }
  static std::string Infection(const std::string& name, const std::string& rest = "") {
    return "infection_diagnosed { diagnosed_at $T infection: '" + name + "' grade: 2 " + rest +
           " }";
  }
  static std::string Screened(const std::string& active) {
    return "infection_screened_pre { temperature_c: 37 cultures_taken: YES active_infection: " +
           active + " antiviral_prophylaxis: YES }";
  }
};

TEST_F(FitTest, WithNothingOpenItStarts) {
  EXPECT_TRUE(Against().empty());
  EXPECT_TRUE(AgainstRepeating().empty());
}

TEST_F(FitTest, AnInfectionThatWasScreenedStopsItUntilAScreeningSaysNo) {
  MustDo({"clinic.phy.1"}, Screened("YES"));
  ASSERT_EQ(Against().size(), 1U);
  EXPECT_THAT(Against()[0].next_step(), HasSubstr("INFECTION_SCREENED_PRE"));
  EXPECT_EQ(AgainstRepeating().size(), 1U);
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, Screened("NO"));
  EXPECT_TRUE(Against().empty());
}

TEST_F(FitTest, EachInfectionThatWasDiagnosedEndsByItself) {
  MustDo({"clinic.phy.1"}, Infection("Pneumonia"));
  MustDo({"clinic.phy.1"}, Infection("Cystitis"));
  ASSERT_EQ(Against().size(), 1U);
  EXPECT_THAT(Against()[0].found(), AllOf(HasSubstr("pneumonia"), HasSubstr("cystitis")));
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, Infection("cystitis", "resolved_at $T"));
  ASSERT_EQ(Against().size(), 1U);
  EXPECT_THAT(Against()[0].found(), HasSubstr("pneumonia"));
  MustDo({"clinic.phy.1"}, Infection("another", "resolved_at $T"));
  EXPECT_EQ(Against().size(), 1U);
  MustDo({"clinic.phy.1"}, Infection("pneumonia", "resolved_at $T"));
  EXPECT_TRUE(Against().empty());
  EXPECT_FALSE(run.state().condition().infection_open());
}

TEST_F(FitTest, ADiagnosedInfectionKeepsTheProductInItsTankToo) {
  MustDo({"clinic.phy.1"}, Infection("Pneumonia"));
  EXPECT_TRUE(run.state().condition().infection_open());
}

TEST_F(FitTest, AReactionToBridgingIsOpenUntilThatBridgingIsSaidToBeResolved) {
  MustDo({"clinic.phy.1"}, Bridging("$T-10d", "YES"));
  ASSERT_EQ(Against().size(), 1U);
  EXPECT_THAT(Against()[0].next_step(), HasSubstr("BRIDGING_GIVEN"));
  MustDo({"clinic.phy.1"}, Bridging("$T-4d", "NO"));
  EXPECT_EQ(Against().size(), 1U) << "another course says nothing of it";
  MustDo({"clinic.phy.1"}, Bridging("$T-10d", "YES reaction_resolved: YES"));
  EXPECT_TRUE(Against().empty());
}

TEST_F(FitTest, AReactionThatHasResolvedAlreadyStopsNothing) {
  MustDo({"clinic.phy.1"}, Bridging("$T-10d", "YES reaction_resolved: YES"));
  EXPECT_TRUE(Against().empty());
}

TEST_F(FitTest, GvhdThatWasFoundStopsItUntilAnExaminationFindsNone) {
  MustDo({"clinic.phy.1"},
         "daily_exam { examined_at $T finding: 'rash' in_hospital: NO active_gvhd: YES }");
  ASSERT_EQ(Against().size(), 1U);
  EXPECT_THAT(Against()[0].next_step(), HasSubstr("DAILY_EXAM"));
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, "daily_exam { examined_at $T finding: 'none' in_hospital: NO }");
  EXPECT_EQ(Against().size(), 1U) << "it was not asked";
  MustDo({"clinic.phy.1"},
         "daily_exam { examined_at $T finding: 'gone' in_hospital: NO active_gvhd: NO }");
  EXPECT_TRUE(Against().empty());
}

TEST_F(FitTest, ARepeatedCourseIsAskedTheSameQuestions) {
  EXPECT_EQ(AgainstRepeating("serious_bridging_reaction: YES active_infection: YES "
                             "active_gvhd: YES")
                .size(),
            3U);
  EXPECT_TRUE(AgainstRepeating("serious_bridging_reaction: NO active_infection: NO "
                               "active_gvhd: NO")
                  .empty());
}

TEST_F(FitTest, ThePhysicianMayTakeTheRiskByGrant) {
  MustDo({"clinic.phy.1"}, Infection("Pneumonia"));
  Grant("clinic.phy.1", "rules: 'R19'",
        "step: 'ld_started' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  EventBuilder start = Start();
  EXPECT_TRUE(run.Judge(start).refused());
  start.event().add_grants(run.last().parsed.event_id.ToString());
  EXPECT_FALSE(run.Judge(start).refused()) << Explain(run.Judge(start));
}

TEST_F(FitTest, WhatWasAnsweredYesAtALateStartIsOpenFromThenOn) {
  EventBuilder start = Start();
  start.event().mutable_ld_started()->set_active_infection(pb::YES);
  ASSERT_FALSE(run.Record(Late(start)).refused());
  EXPECT_TRUE(run.state().condition().infection_open());
}

TEST_F(FitTest, AHoldOfLymphodepletionHoldsARepeatedCourseToo) {
  MustDo({"clinic.phy.2"},
         "hold_set { kind: HOLD_CLINICAL blocks: HOLD_BLOCKS_LYMPHODEPLETION reason: 'x' }");
  EXPECT_TRUE(
      Says(run.Judge(run.Draft({"clinic.phy.1"}, "ld_repeated { course: '2' reason: 'too long' }")),
           "HOLD"));
}

}  // namespace
}  // namespace custody
