// The order in which things are recorded is not the order in which they happened: stations work
// offline, nurses file late. A later answer is never undone by an earlier one that is recorded
// after it.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class RecordingOrderTest : public RulesTest {
 protected:
  // The main path's step as it was signed at `at`, offline, to be recorded now.
  EventBuilder Signed(std::string_view body, Instant at) {
    for (const MainStep& step : run.steps()) {
      if (step.body != body) continue;
      EventBuilder event = ledger.On("therapy/T1");
      for (const std::string& signer : step.signers) event.By(signer);
      event.event().MergeFrom(step.event);
      event.HappenedAt(at).SignedAt(at);
      if (event.event().has_bedside_id_verified()) {
        for (auto& check : *event.event().mutable_bedside_id_verified()->mutable_checks()) {
          *check.mutable_at() = ToProto(at);
        }
      }
      return event;
    }
    ADD_FAILURE() << body;
    return ledger.On("therapy/T1");
  }
  void Must(EventBuilder event) {
    const pb::Verdict verdict = run.Record(event);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  }
  const pb::Container& Bag() const { return *FindContainer(run.state(), kMainBag); }
};

TEST_F(RecordingOrderTest, APassThatArrivesAfterALaterNoOpensNothing) {
  At("bedside_id_verified");
  const Instant ten = ledger.now();
  Pass(5 * kMicrosPerMinute);
  EventBuilder no = Signed("bedside_id_verified", ledger.now());
  no.event().mutable_bedside_id_verified()->set_passed(pb::NO);
  Must(no);
  Pass(2 * kMicrosPerMinute);
  Must(Signed("bedside_id_verified", ten));
  EXPECT_FALSE(Bag().has_pass());
  const pb::Verdict start = run.Judge(Signed("infusion_started", ledger.now()));
  EXPECT_TRUE(start.refused());
  ASSERT_TRUE(Says(start, "R26")) << Explain(start);
  EXPECT_THAT(Of(start, "R26")[0].found(), testing::HasSubstr("none since"));
  Must(Signed("bedside_id_verified", ledger.now()));  // both look again
  EXPECT_FALSE(run.Judge(Signed("infusion_started", ledger.now())).refused());
}

TEST_F(RecordingOrderTest, ANoFromBeforeThePassDoesNotEndIt) {
  run.Until("infusion_started");
  EventBuilder no = Signed("bedside_id_verified", ledger.now() + -8 * kMicrosPerMinute);
  no.event().mutable_bedside_id_verified()->set_passed(pb::NO);
  Must(no);
  EXPECT_TRUE(Bag().has_pass());
}

TEST_F(RecordingOrderTest, WhereClocksCannotTellTheNoCounts) {
  run.Until("infusion_started");
  const Instant passed{Bag().pass().at_us()};
  EventBuilder no = Signed("bedside_id_verified", passed + -1 * kMicrosPerMinute);
  no.event().mutable_bedside_id_verified()->set_passed(pb::NO);
  Must(no);
  EXPECT_FALSE(Bag().has_pass());
}

TEST_F(RecordingOrderTest, AThawThatIsToldLateEndsNoLaterPass) {
  run.Until("thaw_completed");
  run.Skip("bedside_id_verified");
  Must(run.Next());
  ASSERT_TRUE(Bag().has_pass());
  Must(Signed("thaw_completed", ledger.now() + -6 * kMicrosPerMinute));
  EXPECT_TRUE(Bag().has_pass());
  const pb::Verdict start = run.Judge(run.Next());
  EXPECT_FALSE(start.refused()) << Explain(start);
}

TEST_F(RecordingOrderTest, APassOfAClockAheadCountsAndOneFromTheFutureDoesNot) {
  EventBuilder start = At("infusion_started");
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() != kMainBag) continue;
    bag.mutable_pass()->set_at_us(ledger.now().micros + 90 * kMicrosPerSecond);
    EXPECT_FALSE(Says(run.Judge(start), "R26")) << Explain(run.Judge(start));
    bag.mutable_pass()->set_at_us(ledger.now().micros + 3 * kMicrosPerMinute);
    EXPECT_TRUE(Says(run.Judge(start), "R26"));
  }
}

TEST_F(RecordingOrderTest, AGoFiledAfterALaterNoGoOpensNoThaw) {
  At("thaw_started");
  EventBuilder no = Signed("preinfusion_check_passed", ledger.now());
  no.event().mutable_preinfusion_check_passed()->set_go(pb::NO);
  Must(no);
  Must(Signed("preinfusion_check_passed", ledger.now() + -1 * kMicrosPerHour));
  EXPECT_TRUE(Says(run.Judge(Signed("thaw_started", ledger.now())), "R35"));
  Must(Signed("preinfusion_check_passed", ledger.now()));
  EXPECT_FALSE(Says(run.Judge(Signed("thaw_started", ledger.now())), "R35"));
}

TEST_F(RecordingOrderTest, ADeferralEndsAlsoThePassThatIsRecordedAfterIt) {
  At("bedside_id_verified");
  const Instant before = ledger.now();
  Pass(5 * kMicrosPerMinute);
  MustDo({"clinic.rn.1"},
         "infusion_deferred { containers: 'LOT26001-1' reason: 'no line' outcome: "
         "DEFERRED_TO_HOLD thawed: YES }");
  Must(Signed("bedside_id_verified", before));
  EXPECT_FALSE(Bag().has_pass());
}

TEST_F(RecordingOrderTest, ACheckBeforeTheBagWentBackIsNoCheckOfIt) {
  At("removed_from_storage");
  const Instant verified = ledger.now() + -10 * kMicrosPerMinute;
  Must(Signed("removed_from_storage", ledger.now()));
  Pass(4 * kMicrosPerMinute);
  MustDo({"clinic.pharm.1", "clinic.cell_lab.1"},
         "returned_to_storage { container $SCAN:LOT26001-1 position $SCAN:C-LN2-4 returned_at $T "
         "max_temperature_centi_c: -15000 minutes_out: 4 reason: 'patient febrile' }");
  ASSERT_TRUE(Bag().prethaw().empty());
  Must(Signed("prethaw_id_verified", verified));
  EXPECT_TRUE(Bag().prethaw().empty());
}

TEST_F(RecordingOrderTest, AnAssessmentWorkUpOrWashOutFiledLateDoesNotUndoALaterOne) {
  At("apheresis_started");
  for (const char* body : {"eligibility_assessed", "workup_completed", "washout_confirmed"}) {
    EventBuilder no = Signed(body, ledger.now());
    if (no.event().has_eligibility_assessed()) {
      no.event().mutable_eligibility_assessed()->set_decision(pb::FITNESS_UNFIT);
    } else if (no.event().has_workup_completed()) {
      no.event().mutable_workup_completed()->set_fit_for_collection(pb::NO);
    } else {
      no.event().mutable_washout_confirmed()->set_adequate(pb::NO);
    }
    Must(no);
    Must(Signed(body, ledger.now() + -3 * kMicrosPerHour));
  }
  const pb::Verdict verdict = run.Judge(Signed("apheresis_started", ledger.now()));
  EXPECT_EQ(Of(verdict, "R08").size(), 3U) << Explain(verdict);
}

TEST_F(RecordingOrderTest, ALaterAnswerLetsTheCollectionGoOn) {
  At("apheresis_started");
  EventBuilder no = Signed("washout_confirmed", ledger.now() + -1 * kMicrosPerHour);
  no.event().mutable_washout_confirmed()->set_adequate(pb::NO);
  Must(no);
  EXPECT_TRUE(Says(run.Judge(Signed("apheresis_started", ledger.now())), "R08"));
  Must(Signed("washout_confirmed", ledger.now()));
  EXPECT_FALSE(Says(run.Judge(Signed("apheresis_started", ledger.now())), "R08"));
}

TEST_F(RecordingOrderTest, AnOlderScreeningOrWeightUndoesNothing) {
  run.Until("infusion_ordered");
  EventBuilder active = Signed("infection_screened_pre", ledger.now());
  active.event().mutable_infection_screened_pre()->set_active_infection(pb::YES);
  Must(active);
  Must(Signed("infection_screened_pre", ledger.now() + -1 * kMicrosPerHour));
  EXPECT_TRUE(run.state().condition().infection_open());
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 64 weighed_at $T }");
  EventBuilder weight =
      run.Draft({"clinic.rn.1"}, "weight_changed { weight_kg: 81 weighed_at $T }");
  weight.HappenedAt(ledger.now() + -1 * kMicrosPerHour)
      .SignedAt(ledger.now() + -1 * kMicrosPerHour);
  Must(weight);
  EXPECT_EQ(run.state().condition().weight_kg(), 64);
}

TEST_F(RecordingOrderTest, AGradeFromYesterdayDoesNotCloseTheCrsOfToday) {
  run.Through("crs_graded");
  const Instant now = ledger.now();
  MustDo({"clinic.phy.1"},
         "crs_graded { at $T computed_grade: 2 grade: 2 onset_at $T-3h max_grade: 2 }");
  EventBuilder old = run.Draft({"clinic.phy.1"},
                               "crs_graded { at $T-6h computed_grade: 0 grade: 0 onset_at $T-3d "
                               "resolved_at $T-6h max_grade: 1 }");
  old.HappenedAt(now + -6 * kMicrosPerHour).SignedAt(now + -6 * kMicrosPerHour);
  Must(old);
  EXPECT_TRUE(run.state().condition().crs_open());
  EXPECT_EQ(run.state().condition().crs_grade(), 2);
}

TEST_F(RecordingOrderTest, AWaiverFromBeforeTheCourseWaivesNothing) {
  run.Through("ld_started");
  EventBuilder waiver = run.Draft(
      {"clinic.phy.1"}, "ld_waived { wbc_1e9_per_l: 0.5 wbc_sampled_at $T-3h reason: 'low' }");
  waiver.HappenedAt(ledger.now() + -1 * kMicrosPerHour)
      .SignedAt(ledger.now() + -1 * kMicrosPerHour);
  Must(waiver);
  EXPECT_FALSE(run.state().ld().waived());
}

}  // namespace
}  // namespace custody
