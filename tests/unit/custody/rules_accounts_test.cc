// VOLUME and the end of R25's windows: how much of a container went where, and whether it was in
// time.
#include <gmock/gmock.h>

#include "custody/accounting.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::DoubleEq;
using testing::HasSubstr;

class AccountsTest : public RulesTest {
 protected:
  const pb::Container& Bag() const { return *FindContainer(run.state(), kMainBag); }
  // The end of the main path's infusion: 68 mL were filled.
  EventBuilder Given(double ml, double percent, pb::Answer partial) {
    EventBuilder event = At("infusion_completed");
    pb::InfusionCompleted& body = *event.event().mutable_infusion_completed();
    body.set_volume_given_ml(ml);
    body.set_percent_given(percent);
    body.set_partial(partial);
    body.clear_residual_volume_ml();
    body.clear_residual();
    return event;
  }
  static EventBuilder& Left(EventBuilder& event, double ml, const char* where) {
    pb::InfusionCompleted& body = *event.event().mutable_infusion_completed();
    body.set_residual_volume_ml(ml);
    body.set_residual(where);
    return event;
  }
};

TEST_F(AccountsTest, MoreThanTheBagHeldIsRecordedAndACriticalDeviation) {
  EventBuilder event = Given(200, 100, pb::NO);
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "VOLUME")[0].critical());
  EXPECT_EQ(Of(verdict, "VOLUME")[0].found(), "200 mL");
  EXPECT_THAT(Of(verdict, "VOLUME")[0].expected(), HasSubstr("68 mL"));
  EXPECT_EQ(Bag().state(), pb::CONTAINER_INFUSED);
}

TEST_F(AccountsTest, AVolumeCorrectedBeyondWhatTheBagHeldIsACriticalDeviation) {
  run.Through("infusion_completed");
  const auto correct = [&](const char* ml) {
    EventBuilder event = run.Draft({"clinic.rn.1", "clinic.rn.2"},
                                   std::string("record_corrected { corrections { field_path: "
                                               "'volume_given_ml' old_value: '68' new_value: '") +
                                       ml + "' } reason: 'typed wrong' }");
    event.event().mutable_record_corrected()->set_corrected_event(
        FindStep(run.state(), pb::Event::kInfusionCompleted)->event_id());
    return run.Judge(event);
  };
  EXPECT_FALSE(Says(correct("66"), "VOLUME")) << Explain(correct("66"));
  ASSERT_EQ(Of(correct("200"), "VOLUME").size(), 1U);
  EXPECT_TRUE(Of(correct("200"), "VOLUME")[0].critical());
}

TEST_F(AccountsTest, AWholeBagWithinTenPercentIsWhole) {
  for (const double ml : {62.0, 68.0, 74.0}) {
    TestLedger other;
    TherapyRun walk(other);
    walk.Until("infusion_completed");
    EventBuilder event = walk.Next();
    event.event().mutable_infusion_completed()->set_volume_given_ml(ml);
    EXPECT_FALSE(Says(walk.Judge(event), "VOLUME")) << ml;
  }
}

TEST_F(AccountsTest, ABagSaidToBeGivenWholeIsNotWhenAThirdOfItIsLeft) {
  EventBuilder event = Given(45, 66, pb::NO);
  const pb::Verdict verdict = run.Record(event);
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_FALSE(Of(verdict, "VOLUME")[0].critical());
  EXPECT_EQ(Bag().state(), pb::CONTAINER_INFUSED_PARTIAL);
  ASSERT_TRUE(OpenResidue(nullptr, Bag()).has_value());
  EXPECT_THAT(*OpenResidue(nullptr, Bag()), DoubleEq(23));
}

TEST_F(AccountsTest, ABagGivenInPartBalancesWithItsResidue) {
  EventBuilder event = Given(27, 40, pb::YES);
  Left(event, 41, "destroyed as GMO waste");
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(Says(verdict, "VOLUME")) << Explain(verdict);
  EXPECT_EQ(Bag().state(), pb::CONTAINER_INFUSED_PARTIAL);
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(0));
  EXPECT_FALSE(OpenResidue(nullptr, Bag()).has_value());
}

TEST_F(AccountsTest, MillilitresThatNobodyCanAccountForAreACriticalDeviation) {
  EventBuilder event = Given(27, 40, pb::YES);
  const pb::Verdict verdict = run.Judge(Left(event, 20, "destroyed"));
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "VOLUME")[0].critical());
  EXPECT_THAT(Of(verdict, "VOLUME")[0].found(), HasSubstr("21 mL missing"));
}

TEST_F(AccountsTest, PercentAndMillilitresSayTheSame) {
  EventBuilder event = Given(34, 100, pb::YES);
  const pb::Verdict verdict = run.Judge(Left(event, 34, "destroyed"));
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_FALSE(Of(verdict, "VOLUME")[0].critical());
}

TEST_F(AccountsTest, InPartAsPlannedIsWithinTenPercentOfThePlan) {
  EventBuilder event = Given(40, 59, pb::YES);
  event.event().mutable_infusion_completed()->set_partial_planned(pb::YES);
  Left(event, 28, "destroyed");
  run.mutable_state().mutable_orders(0)->set_planned_ml(0, 40);
  EXPECT_FALSE(Says(run.Judge(event), "VOLUME")) << Explain(run.Judge(event));
  run.mutable_state().mutable_orders(0)->set_planned_ml(0, 34);
  ASSERT_EQ(Of(run.Judge(event), "VOLUME").size(), 1U);
  EXPECT_FALSE(Of(run.Judge(event), "VOLUME")[0].critical());
}

TEST_F(AccountsTest, AProfileTightensTheToleranceAndNeverWidensIt) {
  EventBuilder event = Given(73, 100, pb::NO);
  EXPECT_FALSE(Says(run.Judge(event), "VOLUME"));
  Publish([](pb::Profile& profile) { profile.set_volume_tolerance_percent(5); });
  EXPECT_TRUE(Says(run.Judge(event), "VOLUME"));
  pb::Profile wide;
  wide.set_volume_tolerance_percent(40);
  wide.set_volume_tolerance_ml(30);
  EXPECT_THAT(VolumeSlack(&wide, Bag()), DoubleEq(6.8));
}

TEST_F(AccountsTest, AnOrderForMoreThanTheBagHoldsIsRefused) {
  EventBuilder order = At("infusion_ordered");
  EXPECT_FALSE(Says(run.Judge(order), "VOLUME"));
  order.event().mutable_infusion_ordered()->mutable_containers(0)->set_planned_volume_ml(200);
  const pb::Verdict verdict = run.Judge(order);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "VOLUME"));
}

TEST_F(AccountsTest, WhatIsDrawnFromABagIsMissingInIt) {
  run.Through("thaw_completed");
  const std::string drawn =
      "container_derived { parent: 'LOT26001-1' container: 'SYR-1' kind: VESSEL_SYRINGE "
      "volume_ml: 60 derived_at $T reason: 'small patient' label_version: 'L' }";
  MustDo({"clinic.pharm.1", "clinic.rn.1"}, drawn);
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(8));
  const pb::Container& syringe = *FindContainer(run.state(), "SYR-1");
  EXPECT_THAT(LeftIn(syringe), DoubleEq(60));
  const pb::Verdict verdict =
      Do({"clinic.pharm.1", "clinic.rn.1"},
         "container_derived { parent: 'LOT26001-1' container: 'SYR-2' kind: VESSEL_SYRINGE "
         "volume_ml: 20 derived_at $T reason: 'small patient' label_version: 'L' }");
  EXPECT_FALSE(verdict.refused());  // it is in the syringe
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "VOLUME")[0].critical());
}

TEST_F(AccountsTest, ASampleIsNoPartOfTheDose) {
  run.Through("thaw_completed");
  MustDo({"clinic.pharm.1", "clinic.rn.1"},
         "container_derived { parent: 'LOT26001-1' container: 'SMP-1' kind: VESSEL_SAMPLE "
         "volume_ml: 1 derived_at $T reason: 'culture' label_version: 'L' }");
  EXPECT_THAT(Bag().sampled_ml(), DoubleEq(1));
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(67));
}

TEST_F(AccountsTest, AnInterruptionAndItsEndAreNotCountedTwice) {
  run.Until("infusion_completed");
  MustDo({"clinic.rn.1"},
         "infusion_interrupted { container: 'LOT26001-1' cause: INTERRUPTED_BY_LINE at $T "
         "volume_given_ml: 30 continues: YES }");
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(38));
  EventBuilder end = run.Next();
  EXPECT_FALSE(Says(run.Record(end), "VOLUME"));
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(0));
  const pb::Verdict twice =
      Do({"clinic.rn.1"},
         "infusion_completed { container: 'LOT26001-1' ended_at $T volume_given_ml: 68 "
         "percent_given: 100 partial: NO reaction_grade: 0 }");
  EXPECT_TRUE(Says(twice, "VOLUME")) << Explain(twice);
}

TEST_F(AccountsTest, MoreIsDestroyedThanIsLeftIsRefusedAndLessIsLookedInto) {
  EventBuilder event = Given(27, 40, pb::YES);
  run.Record(event);
  const auto destroy = [&](const char* ml) {
    return run.Draft({"clinic.pharm.1", "clinic.cell_lab.1"},
                     std::string("disposition { containers: 'LOT26001-1' kind: "
                                 "DISPOSITION_RESIDUE_DESTROYED reason: 'rest' method: 'autoclave' "
                                 "place: 'waste room' scans $SCAN:LOT26001-1 done_at $T "
                                 "volume_ml: ") +
                         ml + " }");
  };
  EXPECT_TRUE(run.Judge(destroy("60")).refused());
  EXPECT_TRUE(Says(run.Judge(destroy("60")), "VOLUME"));
  const pb::Verdict less = run.Judge(destroy("20"));
  EXPECT_FALSE(less.refused()) << Explain(less);
  ASSERT_EQ(Of(less, "VOLUME").size(), 1U);
  EXPECT_TRUE(Of(less, "VOLUME")[0].critical());
  EventBuilder right = destroy("41");
  const pb::Verdict verdict = run.Record(right);
  EXPECT_TRUE(Blockers(verdict).empty()) << Explain(verdict);
  EXPECT_THAT(LeftIn(Bag()), DoubleEq(0));
  EXPECT_EQ(Bag().state(), pb::CONTAINER_INFUSED_PARTIAL);
  EXPECT_TRUE(run.Judge(destroy("1")).refused());  // nothing is left
}

// The demonstration's windows: 30 min from the end of thaw to the start, 60 min from its start to
// the end.
TEST_F(AccountsTest, AnInfusionThatOutlastsItsWindowIsADeviationAndIsNotStopped) {
  EventBuilder event = At("infusion_completed");
  const std::int64_t thawed = Bag().thaw_started_us();
  ledger.set_now(Instant{thawed + 60 * kMicrosPerMinute});
  const auto ends = [&] {
    EventBuilder end = run.Draft({"clinic.rn.1"},
                                 "infusion_completed { container: 'LOT26001-1' ended_at $T "
                                 "volume_given_ml: 68 percent_given: 100 partial: NO "
                                 "reaction_grade: 0 }");
    return run.Judge(end);
  };
  EXPECT_FALSE(Says(ends(), "R25")) << Explain(ends());
  Pass(2 * kMicrosPerMinute);
  const pb::Verdict verdict = ends();
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R25").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R25")[0].critical());
  EXPECT_THAT(Of(verdict, "R25")[0].expected(), HasSubstr("start of thaw"));
}

TEST_F(AccountsTest, TheEarliestOfSeveralWindowsCounts) {
  EventBuilder start = At("infusion_started");
  Publish([](pb::Profile& profile) {
    pb::Window& window = *profile.add_windows();
    window.set_anchor(pb::FROM_REMOVAL);
    window.set_minutes(15);
  });
  const pb::Verdict verdict = run.Judge(start);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R25").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R25")[0].expected(), HasSubstr("15 min of the removal"));
}

TEST_F(AccountsTest, NobodyIsToldALaterEndThanTheEarliestWindows) {
  EventBuilder thawed = At("thaw_completed");
  const auto by = [&](std::int64_t minutes) {
    *thawed.event().mutable_thaw_completed()->mutable_infuse_by() =
        ToProto(ledger.now() + minutes * kMicrosPerMinute);
    return run.Judge(thawed);
  };
  EXPECT_FALSE(Says(by(30), "R25")) << Explain(by(30));
  EXPECT_TRUE(Says(by(45), "R25"));
}

TEST_F(AccountsTest, AWindowHoldsAtItsTemperatureOnly) {
  EventBuilder start = At("infusion_started");
  pb::InfusionStarted& body = *start.event().mutable_infusion_started();
  body.set_kept_temperature_c(22);
  EXPECT_FALSE(Says(run.Judge(start), "R25"));
  body.set_kept_temperature_c(31);
  const pb::Verdict verdict = run.Judge(start);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R25").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R25")[0].found(), "31 C");
  body.clear_kept_temperature_c();
  EXPECT_FALSE(Says(run.Judge(start), "R25"));
}

TEST_F(AccountsTest, NothingStartsBeforeTheEndOfItsThawIsOnRecord) {
  EventBuilder start = At("infusion_started");
  for (pb::Container& container : *run.mutable_state().mutable_containers()) {
    container.clear_thaw_completed_us();
  }
  const pb::Verdict verdict = run.Judge(start);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R25")) << Explain(verdict);
}

TEST_F(AccountsTest, AThawedBagIsNotMovedOrPackedIntoTheCold) {
  run.Through("thaw_completed");
  const pb::Verdict moved =
      Do({"clinic.pharm.1"},
         "moved { containers { container: 'LOT26001-1' position: 'C-LN2-9' } to_unit: 'C-LN2' "
         "moved_at $T reason: 'keep it' }");
  ASSERT_EQ(Of(moved, "R25").size(), 1U) << Explain(moved);
  EXPECT_TRUE(Of(moved, "R25")[0].critical());
  EXPECT_TRUE(Bag().refrozen());
}

}  // namespace
}  // namespace custody
