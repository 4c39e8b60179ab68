// What becomes known after the release: a result that fails, or a no of quality, holds the lot
// until quality decides.
#include <gmock/gmock.h>

#include "custody/next_steps.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class LateResultTest : public RulesTest {
 protected:
  std::string Result(const char* test, const char* rest) {
    return std::string("qc_result { lot: 'LOT26001' sample: 'Q1' test: '") + test +
           "' method: 'SOP' specification: 'SPEC-1' analyst: 'lab.qc.1' tested_at $T-1h "
           "result_number: 'R-2' " +
           rest + " }";
  }
  // The laboratory's error is proven: the last failed result is none.
  void Invalidate() {
    EventBuilder event =
        run.Draft({"lab.qa.1"},
                  "qc_result_invalidated { lot: 'LOT26001' investigation: 'INV-1' cause: "
                  "'contaminated plate' }");
    for (const pb::TestState& test : run.state().lots(0).tests()) {
      if (!test.failed()) continue;
      event.event().mutable_qc_result_invalidated()->set_result(test.event_id());
    }
    const pb::Verdict verdict = run.Record(event);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  }
  // The result by which a test passed does not count.
  pb::Verdict InvalidatePass(const std::string& test) {
    EventBuilder event = run.Draft(
        {"lab.qa.1"},
        "qc_result_invalidated { lot: 'LOT26001' investigation: 'I-1' cause: 'wrong sample' }");
    for (const pb::TestState& result : run.state().lots(0).tests()) {
      if (result.test() == test) {
        event.event().mutable_qc_result_invalidated()->set_result(result.event_id());
      }
    }
    return run.Record(event);
  }
  // What two clerks wrote down of somebody else's.
  pb::Verdict OnPaper(const std::string& who, const std::string& text) {
    return run.Record(Late(run.Draft({who}, text), "lab.wh"));
  }
  const pb::Hold& Held() { return *run.state().holds().rbegin(); }
};

TEST_F(LateResultTest, AFailureAfterTheReleaseHoldsTheLotUntilQualityDecides) {
  run.Until("ld_started");
  const pb::Verdict failed =
      Do({"lab.qc.1"}, Result("sterility", "value_text: 'growth' outcome: OUTCOME_FAIL"));
  EXPECT_FALSE(failed.refused()) << Explain(failed);
  ASSERT_EQ(Of(failed, "R16").size(), 1U);
  EXPECT_TRUE(Of(failed, "R16")[0].critical());
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_EQ(Held().kind(), "QUALITY");
  EXPECT_EQ(Held().lot(), kMainLot);
  EXPECT_TRUE(run.state().deviations().rbegin()->critical());
  const EventBuilder ld = run.Next();
  EXPECT_TRUE(run.Judge(ld).refused());
  const std::string clear =
      "hold_cleared { hold: '" + Held().id() + "' kind: HOLD_QUALITY reason: 'false positive' }";
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.qa.1"}, clear)).refused());
  // A failure that stands is nobody's to call harmless.
  const pb::Verdict harmless = run.Judge(run.Draft({"lab.qa.1"}, clear));
  EXPECT_TRUE(harmless.refused());
  ASSERT_TRUE(Says(harmless, "HOLD")) << Explain(harmless);
  EXPECT_THAT(Of(harmless, "HOLD")[0].next_step(), testing::HasSubstr("QC_RESULT_INVALIDATED"));
  Invalidate();
  MustDo({"lab.qa.1"}, clear);
  EXPECT_FALSE(run.Judge(ld).refused()) << Explain(run.Judge(ld));
}

TEST_F(LateResultTest, OfWhatIsReleasedOutOfSpecificationTheNamedFailureMayBeCleared) {
  run.Until("ld_started");
  MustDo({"lab.qc.1"}, Result("sterility", "value_text: 'growth' outcome: OUTCOME_FAIL"));
  const std::string clear =
      "hold_cleared { hold: '" + Held().id() + "' kind: HOLD_QUALITY reason: 'accepted' }";
  pb::Lot& lot = *run.mutable_state().mutable_lots(0);
  lot.set_state(pb::LOT_RELEASED_OOS);
  lot.add_oos_missed("viability");
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.1"}, clear)).refused());
  lot.add_oos_missed("sterility");
  EXPECT_FALSE(run.Judge(run.Draft({"lab.qa.1"}, clear)).refused());
  // Nothing is released any more that it could hold.
  lot.clear_oos_missed();
  lot.set_state(pb::LOT_WITHDRAWN);
  EXPECT_FALSE(run.Judge(run.Draft({"lab.qa.1"}, clear)).refused());
}

TEST_F(LateResultTest, ANumberOutsideTheLimitFailsWhateverItCallsItself) {
  run.Until("removed_from_storage");
  MustDo({"lab.qc.1"}, Result("viability", "value: 61 unit: '%' outcome: OUTCOME_PASS"));
  const pb::Verdict removal = run.Judge(run.Next());
  EXPECT_TRUE(Says(removal, "R34")) << Explain(removal);
}

// A culture is negative to date at the release, and final after fourteen days.
TEST_F(LateResultTest, AFinalResultIsNotUndoneByAnOlderOneToldLater) {
  run.Through("qc_result");
  pb::Lot& lot = *run.mutable_state().mutable_lots(0);
  const auto sterility = [&]() -> const pb::TestState& {
    return *std::ranges::find(lot.tests(), "sterility", &pb::TestState::test);
  };
  const std::string so_far = "value_text: 'no growth' final: NO outcome: OUTCOME_";
  lot.mutable_tests()->erase(
      std::ranges::find(*lot.mutable_tests(), "sterility", &pb::TestState::test));
  MustDo({"lab.qc.1"}, Result("sterility", (so_far + "NEGATIVE_TO_DATE").c_str()));
  ASSERT_EQ(sterility().final_due_us(), ledger.now().micros - kMicrosPerHour + 14 * kMicrosPerDay);
  Pass(14 * kMicrosPerDay);
  MustDo({"lab.qc.1"}, Result("sterility", "value_text: 'no growth' outcome: OUTCOME_PASS"));
  const std::string last = sterility().event_id();
  Pass(kMicrosPerHour);
  for (const char* outcome : {"NEGATIVE_TO_DATE", "PASS", "PENDING"}) {
    for (const bool signed_by_qc : {true, false}) {
      EventBuilder draft = run.Draft({"lab.qc.1"}, Result("sterility", (so_far + outcome).c_str()));
      EventBuilder older = signed_by_qc ? draft.Late("forgotten").By("lab.wh.1", pb::CHECKED)
                                        : Late(draft, "lab.wh");
      older.HappenedAt(ledger.now() + -7 * kMicrosPerDay);
      const pb::Verdict verdict = run.Record(older);
      ASSERT_FALSE(verdict.refused()) << Explain(verdict);
      EXPECT_TRUE(sterility().passed()) << outcome;
      EXPECT_EQ(sterility().final_due_us(), 0) << outcome;
      EXPECT_EQ(sterility().event_id(), last) << outcome;
    }
  }
  // So it is the final result whose investigation takes the pass away.
  InvalidatePass("sterility");
  EXPECT_EQ(std::ranges::find(lot.tests(), "sterility", &pb::TestState::test), lot.tests().end());
}

TEST_F(LateResultTest, WhatPassesOrIsStillOpenHoldsNothing) {
  run.Until("ld_started");
  MustDo({"lab.qc.1"}, Result("sterility", "value_text: 'no growth' outcome: OUTCOME_PASS"));
  MustDo({"lab.qc.1"}, Result("sterility", "outcome: OUTCOME_PENDING"));
  EXPECT_TRUE(run.state().holds().empty());
  EXPECT_FALSE(run.Judge(run.Next()).refused());
}

TEST_F(LateResultTest, BeforeTheReleaseAFailureHoldsNothingAndStopsTheRelease) {
  run.Until("released");
  MustDo({"lab.qc.1"}, Result("sterility", "value_text: 'growth' outcome: OUTCOME_FAIL"));
  EXPECT_TRUE(run.state().holds().empty());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R16"));
}

TEST_F(LateResultTest, OnlyItsMakerEndsALotForEver) {
  run.Until("ld_started");
  const EventBuilder ld = run.Next();
  const char* const rejected = "rejected { lot: 'LOT26001' reason: 'wrong therapy open' }";
  EXPECT_TRUE(Says(Do({"clinic.qa.1"}, rejected), "R16"));
  EXPECT_FALSE(run.Judge(ld).refused());
  // Two clerks, of somebody who need not have said so: it is looked at, and nothing has ended.
  const pb::Verdict told = run.Record(Late(run.Draft({"lab.qa.1"}, rejected), "lab.wh"));
  EXPECT_FALSE(told.refused()) << Explain(told);
  EXPECT_TRUE(Says(told, "R16"));
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RELEASED);
  EXPECT_TRUE(Held().open());
  EXPECT_TRUE(run.Judge(ld).refused());
  MustDo({"lab.qa.1"}, rejected);
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_REJECTED);
}

TEST_F(LateResultTest, ThatALotFailedIsRecordedAndItsMakerSaysThatItEndsByIt) {
  run.Until("ld_started");
  const EventBuilder ld = run.Next();
  const std::string failed =
      "manufacturing_failed { lot: 'LOT26001' failure: MANUFACTURING_FAILED_OTHER at_step: "
      "'harvested' detail: 'another lot meant' retained_material: NO }";
  const std::string contaminated =
      "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
      "after_infusion: NO }";
  const auto look = [&](const pb::Verdict& told) {
    EXPECT_FALSE(told.refused()) << Explain(told);
    ASSERT_TRUE(Says(told, "R16")) << Explain(told);
    EXPECT_TRUE(Of(told, "R16")[0].critical());
    EXPECT_EQ(run.state().lots(0).state(), pb::LOT_RELEASED);
    EXPECT_FALSE(FindContainer(run.state(), kMainBag)->rejected());
    EXPECT_TRUE(Held().open());
    EXPECT_TRUE(run.Judge(ld).refused());
    MustDo({"lab.qa.1"}, "hold_cleared { hold: '" + Held().id() +
                             "' kind: HOLD_QUALITY reason: 'not this lot' }");
    EXPECT_FALSE(run.Judge(ld).refused()) << Explain(run.Judge(ld));
  };
  look(OnPaper("lab.mfg.1", failed));
  // Nor is quality of the hospital its maker, whose quality looks.
  look(Do({"clinic.qa.1"}, contaminated));
  look(OnPaper("lab.qc.1", contaminated));
  MustDo({"lab.qc.1"}, contaminated);
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_REJECTED);
}

TEST_F(LateResultTest, APassThatOthersWroteDownReleasesNothingUntilQualityControlSignsIt) {
  const std::string passed = Result("sterility", "value_text: 'no growth' outcome: OUTCOME_PASS");
  run.Until("released");
  const EventBuilder release = run.Next();
  EXPECT_FALSE(run.Judge(release).refused());
  // Of what quality control signed the paper takes nothing away.
  ASSERT_FALSE(OnPaper("lab.qc.1", passed).refused());
  EXPECT_FALSE(run.Judge(release).refused()) << Explain(run.Judge(release));
  auto& tests = *run.mutable_state().mutable_lots(0)->mutable_tests();
  tests.erase(std::ranges::find(tests, "sterility", &pb::TestState::test));
  ASSERT_FALSE(OnPaper("lab.qc.1", passed).refused());
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R16")[0].subject(), "sterility");
  EXPECT_THAT(Of(verdict, "R16")[0].next_step(), testing::HasSubstr("signs it: QC_RESULT"));
  const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
  EXPECT_TRUE(std::ranges::any_of(steps, [](const pb::NextStep& step) {
    return step.body() == "qc_result" && step.subject() == "LOT26001 sterility";
  }));
  EXPECT_TRUE(Says(run.Judge(Late(release, "lab.wh")), "R16")) << "late is no way round it";
  EventBuilder outage = release;
  outage.Downtime("network down, sheet 4").By("lab.wh.1", pb::CHECKED);
  EXPECT_TRUE(Says(run.Judge(outage), "R16")) << "nor is an outage";
  MustDo({"lab.qc.1"}, passed);
  EXPECT_FALSE(run.Judge(release).refused()) << Explain(run.Judge(release));
}

TEST_F(LateResultTest, AFailureThatOthersWroteDownIsAFailure) {
  run.Until("released");
  ASSERT_FALSE(
      OnPaper("lab.qc.1", Result("sterility", "value_text: 'growth' outcome: OUTCOME_FAIL"))
          .refused());
  MustDo({"lab.qc.1"}, Result("sterility", "value_text: 'no growth' outcome: OUTCOME_PASS"));
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R16")[0].found(), testing::HasSubstr("sterility failed"));
}

TEST_F(LateResultTest, WhatHoldsALotForAMissingResultIsNotClearedByAnothersPaper) {
  const std::string passed = Result("sterility", "value_text: 'no growth' outcome: OUTCOME_PASS");
  run.Until("ld_started");
  ASSERT_FALSE(InvalidatePass("sterility").refused());
  const std::string clear =
      "hold_cleared { hold: '" + Held().id() + "' kind: HOLD_QUALITY reason: 'tested again' }";
  ASSERT_FALSE(OnPaper("lab.qc.1", passed).refused());
  const pb::Verdict early = Do({"lab.qa.1"}, clear);
  EXPECT_TRUE(early.refused());
  EXPECT_THAT(Explain(early), testing::HasSubstr("signed by quality control"));
  MustDo({"lab.qc.1"}, passed);
  MustDo({"lab.qa.1"}, clear);
}

TEST_F(LateResultTest, ANoOfQualityAfterTheReleaseHoldsTheLot) {
  const std::string no[] = {
      "site_qa_disposition { lot: 'LOT26001' suitable: NO ship_under_quarantine: NO }",
      "batch_record_reviewed { lot: 'LOT26001' deviations_closed: YES record $FILE complete: NO }",
      "batch_record_reviewed { lot: 'LOT26001' deviations_closed: NO record $FILE complete: YES }"};
  run.Until("ld_started");
  const EventBuilder ld = run.Next();
  for (const std::string& text : no) {
    EXPECT_FALSE(run.Judge(ld).refused()) << Explain(run.Judge(ld));
    const pb::Verdict verdict = Do({"lab.qa.2"}, text);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
    ASSERT_EQ(Of(verdict, "R16").size(), 1U) << text;
    EXPECT_TRUE(Of(verdict, "R16")[0].critical());
    EXPECT_EQ(Held().kind(), "QUALITY");
    EXPECT_EQ(Held().lot(), kMainLot);
    EXPECT_TRUE(Held().open());
    EXPECT_TRUE(run.Judge(ld).refused());
    const std::string clear =
        "hold_cleared { hold: '" + Held().id() + "' kind: HOLD_QUALITY reason: 'looked at again' }";
    const bool review = text.starts_with("batch");
    if (review) {
      const pb::Verdict early = Do({"lab.qa.1"}, clear);
      EXPECT_TRUE(early.refused()) << "it has no review that stands";
      EXPECT_THAT(Explain(early), testing::HasSubstr("BATCH_RECORD_REVIEWED"));
      MustDo({"lab.qa.2"},
             "batch_record_reviewed { lot: 'LOT26001' deviations_closed: YES record $FILE "
             "complete: YES }");
    }
    MustDo({"lab.qa.1"}, clear);
  }
}

TEST_F(LateResultTest, APassThatIsInvalidatedAfterTheReleaseHoldsTheLot) {
  run.Until("ld_started");
  MustDo({"lab.qc.1"}, Result("colour", "value_text: 'red' outcome: OUTCOME_PASS"));
  ASSERT_FALSE(InvalidatePass("colour").refused());  // no release rests on it
  EXPECT_TRUE(run.state().holds().empty());
  const pb::Verdict verdict = InvalidatePass("sterility");
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(Says(verdict, "R16"));
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_EQ(Held().lot(), kMainLot);
  EXPECT_TRUE(run.Judge(run.Next()).refused());
}

TEST_F(LateResultTest, BeforeTheReleaseTheSitesNoTakesItsYesBack) {
  run.Until("released");
  for (const char* suitable : {"YES", "NO"}) {
    MustDo({"lab.qa.2"}, std::string("site_qa_disposition { lot: 'LOT26001' suitable: ") +
                             suitable + " ship_under_quarantine: YES }");
  }
  EXPECT_TRUE(run.state().lots(0).releases().empty());
  EXPECT_FALSE(run.state().lots(0).ship_under_quarantine());
  EXPECT_TRUE(run.state().holds().empty());
}

TEST_F(LateResultTest, AResultCorrectedToAFailureHoldsTheLotToo) {
  run.Until("qc_result");
  EventBuilder viability = run.Next();
  ASSERT_FALSE(run.Record(viability).refused());
  const std::string id = run.last().parsed.event_id.ToString();
  run.Until("ld_started");
  EventBuilder correction =
      run.Draft({"lab.qc.1", "lab.qa.1"},
                "record_corrected { corrections { field_path: 'value' old_value: '91' "
                "new_value: '61' } reason: 'misread' }");
  correction.event().mutable_record_corrected()->set_corrected_event(id);
  const pb::Verdict verdict = run.Record(correction);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(Says(verdict, "R16"));
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_EQ(Held().lot(), kMainLot);
  EXPECT_TRUE(run.Judge(run.Next()).refused());
  const std::string clear =
      "hold_cleared { hold: '" + Held().id() + "' kind: HOLD_QUALITY reason: 'harmless' }";
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.2"}, clear)).refused());
  Invalidate();
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.2"}, clear)).refused()) << "no result is left";
  MustDo({"lab.qc.1"}, Result("viability", "value: 91 outcome: OUTCOME_PASS"));
  EXPECT_FALSE(run.Judge(run.Draft({"lab.qa.2"}, clear)).refused());
}

}  // namespace
}  // namespace custody
