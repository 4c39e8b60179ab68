// What is said of records: corrections (F19), attestations, and the code that folds.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class RecordsTest : public RulesTest {
 protected:
  // A correction of the last event of `body` by two nurses.
  EventBuilder Correct(std::string_view body, const std::string& field, const std::string& old,
                       const std::string& now) {
    std::string id;
    std::string who;  // entered it
    for (const pb::StepRecord& step : run.state().steps()) {
      for (const Recorded& recorded : ledger.log()) {
        const bool last = recorded.parsed.event_id.view() == step.event_id();
        if (!last || BodyName(recorded.parsed.event) != body) continue;
        id = step.event_id();
        who = recorded.parsed.event.signers(0).person();
      }
    }
    EXPECT_FALSE(id.empty()) << body;
    EventBuilder event =
        run.Draft({who, who == "clinic.rn.2" ? "clinic.rn.1" : "clinic.rn.2"},
                  "record_corrected { corrections { field_path: '" + field + "' old_value: '" +
                      old + "' new_value: '" + now + "' } reason: 'misread' }");
    event.event().mutable_record_corrected()->set_corrected_event(id);
    return event;
  }
};

TEST_F(RecordsTest, ACorrectionChangesWhatTheStateShowsAndNeverTheOriginal) {
  run.Through("eligibility_assessed");
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 73 weighed_at $T }");
  const Recorded& original = run.last();
  EventBuilder correction = Correct("weight_changed", "weight_kg", "73", "27");
  const pb::Verdict verdict = run.Record(correction);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run.state().condition().weight_kg(), 27);
  ASSERT_EQ(run.state().corrections_size(), 1);
  const pb::CorrectedValue& shown = run.state().corrections(0);
  EXPECT_EQ(shown.event_id(), original.parsed.event_id.ToString());
  EXPECT_EQ(shown.path(), "weight_kg");
  EXPECT_EQ(shown.old_value(), "73");
  EXPECT_EQ(shown.new_value(), "27");
  EXPECT_TRUE(shown.folded());
  EXPECT_EQ(original.parsed.event.weight_changed().weight_kg(), 73);
}

TEST_F(RecordsTest, TwoWhoMayNotEnterItDoNotCorrectIt) {
  run.Through("ld_completed");
  const auto asks = [&](const EventBuilder& correction) {
    for (const pb::Reason& reason : Of(run.Judge(correction), "F19")) {
      if (reason.expected().find("signed by one who may enter it") != std::string::npos)
        return true;
    }
    return false;
  };
  EventBuilder nurses = Correct("ld_completed", "last_dose_at", "then", "now");
  EXPECT_FALSE(asks(nurses));
  EventBuilder clerks = nurses;
  clerks.event().clear_signers();
  clerks.By("clinic.coord.1").By("clinic.coord.2");
  EXPECT_TRUE(asks(clerks));
}

TEST_F(RecordsTest, ACorrectionOfAnOlderValueDoesNotUndoANewerOne) {
  run.Through("apheresis_completed");
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 73 weighed_at $T }");
  EventBuilder older = Correct("weight_changed", "weight_kg", "73", "27");
  run.mutable_state().mutable_condition()->set_weight_kg(70);  // as another event says since
  EXPECT_TRUE(Says(run.Judge(older), "F19"));
}

TEST_F(RecordsTest, WhatSomebodyDecidedIsDecidedAnewAndCorrectedByNoTwoOthers) {
  run.Until("ld_started");
  MustDo({"clinic.phy.1"},
         "ld_waived { wbc_1e9_per_l: 0.5 wbc_sampled_at $T-6d reason: 'no cells left' }");
  const std::string was = FormatUtc(ledger.now() + -6 * kMicrosPerDay);
  const std::string is = FormatUtc(ledger.now() + -2 * kMicrosPerDay);
  const auto refused = [&](std::string_view body, const char* field, const std::string& old,
                           const std::string& now) {
    const pb::Verdict verdict = run.Judge(Correct(body, field, old, now));
    return verdict.refused() && Says(verdict, "F19");
  };
  EXPECT_TRUE(refused("ld_waived", "wbc_sampled_at", was, is));
  EXPECT_TRUE(refused("ld_waived", "wbc_1e9_per_l", "0.5", "5"));
  EXPECT_TRUE(refused("batch_record_reviewed", "record_version", "BR-4", "BR-5"));
  EXPECT_TRUE(refused("slot_reserved", "expected_delivery", was, is));
  EXPECT_TRUE(refused("eligibility_assessed", "weight_kg", "72", "27"));
}

TEST_F(RecordsTest, OnlyTypedValuesOfKnownEventsAreCorrected) {
  run.Through("apheresis_completed");
  const auto fault = [&](std::string_view body, const char* field, const char* old,
                         const char* now) {
    const pb::Verdict verdict = run.Judge(Correct(body, field, old, now));
    return verdict.refused() && Says(verdict, "F19");
  };
  EXPECT_FALSE(fault("apheresis_completed", "volume_ml", "180", "181"));
  EXPECT_TRUE(fault("eligibility_assessed", "diagnosis_code", "C83.3", "C83.31"));  // a decision
  EXPECT_FALSE(fault("apheresis_started", "wbc_before_1e9_per_l", "40", "4"));
  EXPECT_FALSE(fault("idm_tested", "results[0].assay", "NAT", "PCR"));
  EXPECT_TRUE(fault("apheresis_completed", "din", "A999026000001", "A999026000002"));  // a scan
  EXPECT_TRUE(fault("apheresis_started", "coi.value", "CHA999026000001", "CHA999026000002"));
  EXPECT_TRUE(fault("apheresis_started", "checks[0].person", "clinic.aph.1", "clinic.rn.2"));
  EXPECT_TRUE(fault("eligibility_assessed", "decision", "FITNESS_FIT", "FITNESS_UNFIT"));
  EXPECT_TRUE(fault("therapy_ordered", "target_dose", "0", "2"));          // a decision
  EXPECT_TRUE(fault("consent_obtained", "document_version", "v3", "v4"));  // a consent
  EXPECT_TRUE(fault("apheresis_completed", "volume", "180", "181"));       // no such field
  EXPECT_TRUE(fault("apheresis_completed", "volume_ml[0]", "180", "181"));
  EXPECT_TRUE(fault("apheresis_completed", "volume_ml", "180", "many"));
  EXPECT_TRUE(fault("apheresis_completed", "volume_ml", "180", "-1"));   // impossible
  EXPECT_TRUE(fault("apheresis_completed", "volume_ml", "170", "181"));  // not what was recorded
  EXPECT_TRUE(fault("apheresis_completed", "volume_ml", "180", "180"));
  EventBuilder unknown = Correct("apheresis_completed", "volume_ml", "180", "181");
  unknown.event().mutable_record_corrected()->set_corrected_event(Sha256("none").ToString());
  EXPECT_TRUE(Says(run.Judge(unknown), "F19"));
  EventBuilder alone = Correct("apheresis_completed", "volume_ml", "180", "181");
  alone.event().mutable_signers()->RemoveLast();
  EXPECT_TRUE(Says(run.Judge(alone), "R04"));
}

TEST_F(RecordsTest, GatesThatLookedAtACorrectedValueAreAskedAgain) {
  run.Through("infusion_completed");
  const std::int64_t dose = run.state().ld().last_dose_us();
  const std::string was = FormatUtc(Instant{dose});
  const std::string is = FormatUtc(Instant{dose - 6 * kMicrosPerDay});
  EventBuilder correction = Correct("ld_completed", "last_dose_at", was, is);
  const pb::Verdict verdict = run.Record(correction);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R20").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R20")[0].critical());
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_EQ(run.state().deviations(0).rule(), "R20");
  EXPECT_TRUE(run.state().deviations(0).critical());
  EXPECT_EQ(run.state().ld().last_dose_us(), dose - 6 * kMicrosPerDay);
  // Another correction that touches none of it says nothing of R20.
  EventBuilder other = Correct("infusion_completed", "volume_given_ml", "68", "67");
  EXPECT_FALSE(Says(run.Judge(other), "R20"));
}

TEST_F(RecordsTest, ACorrectedResultThatMissesItsLimitIsAFailureAndQuestionsTheRelease) {
  run.Through("released");
  EventBuilder correction = run.Draft({"lab.qc.1", "lab.qc.2"},
                                      "record_corrected { corrections { field_path: 'value' "
                                      "old_value: '91' new_value: '19' } reason: 'swapped' }");
  for (const pb::TestState& test : run.state().lots(0).tests()) {
    if (test.test() == "viability") {
      correction.event().mutable_record_corrected()->set_corrected_event(test.event_id());
    }
  }
  const pb::Verdict verdict = run.Record(correction);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R16")[0].critical());
  const auto& tests = run.state().lots(0).tests();
  EXPECT_TRUE(std::ranges::any_of(tests, [](const auto& t) { return t.failed(); }));
}

TEST_F(RecordsTest, WhatANurseEntersForThePhysicianIsAttestedWithinADay) {
  run.Until("cns_evaluated");
  EventBuilder entered = run.Next();
  entered.event().clear_signers();
  entered.By("clinic.rn.1");
  ASSERT_FALSE(run.Record(entered).refused());
  const std::string id = run.last().parsed.event_id.ToString();
  ASSERT_EQ(run.state().attestations_size(), 1);
  const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
  const auto offered =
      std::ranges::find_if(steps, [](const auto& step) { return step.body() == "attested"; });
  ASSERT_NE(offered, steps.end());
  EXPECT_EQ(offered->due_us(), ledger.now().micros + kMicrosPerDay);
  EXPECT_EQ(offered->roles(0), pb::PHY);
  const auto attest = [&](const char* who, const char* agreed) {
    EventBuilder event = run.Draft({who}, std::string("attested { agreed: ") + agreed + " }");
    event.event().mutable_attested()->add_events(id);
    return event;
  };
  EXPECT_TRUE(Says(run.Judge(attest("clinic.rn.2", "YES")), "ATTEST"));
  EventBuilder right = attest("clinic.phy.1", "YES");
  ASSERT_FALSE(run.Record(right).refused()) << Explain(run.Judge(right));
  EXPECT_TRUE(run.state().attestations().empty());
  EXPECT_TRUE(run.state().deviations().empty());
  EXPECT_TRUE(Says(run.Judge(attest("clinic.phy.1", "YES")), "ATTEST"));  // nothing waits any more
}

TEST_F(RecordsTest, WhatNobodyAttestsInTimeIsADeviationAndADenialACriticalOne) {
  for (const bool denied : {false, true}) {
    TestLedger own;
    TherapyRun there(own);
    there.Until("cns_evaluated");
    EventBuilder entered = there.Next();
    entered.event().clear_signers();
    entered.By("clinic.rn.1");
    ASSERT_FALSE(there.Record(entered).refused());
    const std::string id = there.last().parsed.event_id.ToString();
    own.Pass(denied ? kMicrosPerHour : kMicrosPerDay + kMicrosPerMinute);
    EventBuilder next =
        denied ? there.Draft({"clinic.phy.1"}, "attested { agreed: NO }")
               : there.Draft({"clinic.rn.1"}, "weight_changed { weight_kg: 70 weighed_at $T }");
    if (denied) next.event().mutable_attested()->add_events(id);
    ASSERT_FALSE(there.Record(next).refused());
    ASSERT_EQ(there.state().deviations_size(), 1);
    EXPECT_EQ(there.state().deviations(0).id(), "D-" + ShortId(id) + "-ATTEST");
    EXPECT_EQ(there.state().deviations(0).critical(), denied);
  }
}

TEST_F(RecordsTest, ASheetOfAnOutageHoldsEntriesOfThisTherapyMadeFromPaper) {
  run.Through("apheresis_completed");
  const std::string weight = "weight_changed { weight_kg: 73 weighed_at $T }";
  MustDo({"clinic.rn.1"}, weight);
  const std::string live = run.last().parsed.event_id.ToString();
  EventBuilder entry = run.Draft({"clinic.coord.1"}, weight);
  entry.event().clear_signers();
  entry.Downtime("network down, sheet 1").PerformedBy("clinic.rn.1");
  entry.By("clinic.coord.1", pb::TRANSCRIBED).By("clinic.coord.2", pb::CHECKED);
  const pb::Verdict entered = run.Record(entry);
  ASSERT_FALSE(entered.refused()) << Explain(entered);
  const std::string paper = run.last().parsed.event_id.ToString();
  const auto ended = [&](const std::string& id) {
    EventBuilder event =
        run.Draft({"clinic.coord.1"},
                  "downtime_ended { site: 'CLINIC' ended_at $T sheets: 1 papers { scan $FILE } }");
    event.event().mutable_downtime_ended()->mutable_papers(0)->add_entries(id);
    const pb::Verdict verdict = run.Judge(event);
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
    return Of(verdict, "F21");
  };
  EXPECT_TRUE(ended(paper).empty());
  ASSERT_EQ(ended(live).size(), 1U);
  EXPECT_EQ(ended(live)[0].found(), ShortId(live) + ", Weight changed, was not entered from paper");
  EXPECT_FALSE(ended(live)[0].critical());
  const std::string other = Sha256("another patient's").ToString();
  ASSERT_EQ(ended(other).size(), 1U);
  EXPECT_EQ(ended(other)[0].found(), ShortId(other) + " is no entry of this therapy");
  EXPECT_EQ(ended(other)[0].subject(), "sheet 1 " + ShortId(other));
  EXPECT_TRUE(ended(other)[0].critical());
}

TEST_F(RecordsTest, AChainThatAMachineWritesForEverDoesNotGrowItsFoldForEver) {
  run.Until("eligibility_assessed");
  pb::TherapyState& state = run.mutable_state();
  while (state.event_prefixes_size() < 1'279) {
    state.add_event_prefixes(1);
    state.add_event_bodies(1);
  }
  ASSERT_FALSE(
      run.Record(run.Draft({"clinic.rn.1"}, "weight_changed { weight_kg: 70 weighed_at $T }"))
          .refused());
  EXPECT_EQ(state.event_prefixes_size(), 1'024);
  EXPECT_EQ(state.event_bodies_size(), 1'024);
  EXPECT_EQ(state.event_bodies(1'023), static_cast<std::uint32_t>(pb::Event::kWeightChanged));
}

// A stored fold names the code that made it. The name is made from every source of the room and
// every message; this computes it anew from what lies on disk.
TEST(FoldCodeTest, ChangesWithEverySourceThatJudgesOrFolds) {
  namespace fs = std::filesystem;
  const fs::path root = CUSTODY_SOURCE_DIR;
  std::vector<std::string> files;
  for (const fs::path& folder : {root / "custody", root / "proto" / "custody" / "v1"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string kind = entry.path().extension();
      if (kind != ".cc" && kind != ".h" && kind != ".proto") continue;
      files.push_back(fs::relative(entry.path(), root));
    }
  }
  std::ranges::sort(files);
  std::string lines;
  for (const std::string& file : files) {
    std::ifstream in(root / file);
    std::ostringstream text;
    text << in.rdbuf();
    lines += Sha256(text.str()).ToHex() + "  " + file + "\n";
  }
  EXPECT_GT(files.size(), 80U);
  EXPECT_EQ(FoldCode(), Sha256(lines).ToHex());
}

}  // namespace
}  // namespace custody
