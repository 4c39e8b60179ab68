// What is drawn from a bag has its own life (F22), and volumes that were typed wrongly are put
// right in the bag that has them (F19, VOLUME).
#include <gmock/gmock.h>

#include "custody/accounting.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::DoubleEq;
using testing::HasSubstr;

const std::vector<std::string> kDrawers{"clinic.pharm.1", "clinic.cell_lab.1"};

std::string Draw(const std::string& id, const std::string& kind, const std::string& ml) {
  return "container_derived { parent: 'LOT26001-1' container: '" + id + "' kind: " + kind +
         " volume_ml: " + ml + " derived_at $T reason: 'the bag leaks' label_version: 'L' }";
}

class DrawnTest : public RulesTest {
 protected:
  const pb::Container& The(const char* id) const { return *FindContainer(run.state(), id); }
  // The end of the infusion, `ml` of 68 said to be given.
  void Give(double ml) {
    EventBuilder end = At("infusion_completed");
    pb::InfusionCompleted& body = *end.event().mutable_infusion_completed();
    body.set_volume_given_ml(ml);
    body.clear_residual();
    body.clear_residual_volume_ml();
    ASSERT_FALSE(run.Record(end).refused());
  }
  EventBuilder AtBed(const std::string& id) {
    EventBuilder bedside = Now("bedside_id_verified");
    pb::BedsideIdVerified& body = *bedside.event().mutable_bedside_id_verified();
    body.mutable_container()->set_value(id);
    for (pb::PersonCheck& check : *body.mutable_checks()) {
      check.mutable_container()->set_value(id);
      *check.mutable_at() = ToProto(ledger.now());
    }
    return bedside;
  }
  const pb::Container& Sampled(const char* id) {
    MustDo(kDrawers, Draw(id, "VESSEL_SAMPLE", "1"));
    return The(id);
  }
};

TEST_F(DrawnTest, WhatIsSavedFromABagThatWasGivenInPartIsThawedAndMayBeGiven) {
  Give(20);
  ASSERT_EQ(The("LOT26001-1").state(), pb::CONTAINER_INFUSED_PARTIAL);
  MustDo(kDrawers, Draw("LOT26001-1S", "VESSEL_BAG", "40"));
  const pb::Container& saved = The("LOT26001-1S");
  EXPECT_EQ(saved.state(), pb::CONTAINER_THAWED);
  EXPECT_EQ(saved.thaw_started_us(), The("LOT26001-1").thaw_started_us()) << "its window";
  EXPECT_EQ(saved.prethaw(), The("LOT26001-1").prethaw()) << "its check";
  EXPECT_EQ(saved.infusion_started_us(), 0);
  EXPECT_EQ(saved.infusion_ended_us(), 0);
  const pb::Verdict verdict = run.Judge(AtBed("LOT26001-1S"));
  EXPECT_FALSE(Says(verdict, "R34")) << Explain(verdict);
}

TEST_F(DrawnTest, WhatIsSavedDuringAnInfusionAndNotGivenIsDestroyed) {
  run.Through("infusion_started");
  MustDo(kDrawers, Draw("LOT26001-1S", "VESSEL_BAG", "40"));
  EXPECT_EQ(The("LOT26001-1S").state(), pb::CONTAINER_THAWED);
  EXPECT_EQ(The("LOT26001-1").state(), pb::CONTAINER_INFUSING);
  const pb::Verdict verdict =
      Do(kDrawers,
         "disposition { containers: 'LOT26001-1S' kind: DISPOSITION_DESTROYED reason: 'not given' "
         "method: 'autoclave' place: 'waste room' scans $SCAN:LOT26001-1S done_at $T }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

TEST_F(DrawnTest, WhatIsDrawnFromAVerifiedBagIsNotVerified) {
  run.Through("bedside_id_verified");
  ASSERT_EQ(The("LOT26001-1").state(), pb::CONTAINER_VERIFIED);
  MustDo(kDrawers, Draw("SYR-1", "VESSEL_SYRINGE", "5"));
  EXPECT_EQ(The("SYR-1").state(), pb::CONTAINER_THAWED);
  EXPECT_FALSE(The("SYR-1").has_pass());
}

TEST_F(DrawnTest, ACultureOfABagThatWasGivenIsASampleThatCanBeUsedUp) {
  run.Through("infusion_completed");
  EXPECT_FALSE(IsTerminal(Sampled("CULT-1").state()));
  const pb::Verdict verdict =
      Do(kDrawers,
         "disposition { containers: 'CULT-1' kind: DISPOSITION_SAMPLE_USED reason: 'culture' "
         "done_at $T volume_ml: 1 }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

TEST_F(DrawnTest, WhatIsDrawnFromAFrozenBagIsFrozenToo) {
  run.Until("removed_from_storage");
  const pb::ContainerState state = The("LOT26001-1").state();
  EXPECT_EQ(Sampled("SMP-1").state(), state);
}

class VolumeCorrectedTest : public DrawnTest {
 protected:
  static constexpr auto kFilled = pb::Event::kFilled;
  static constexpr auto kGiven = pb::Event::kInfusionCompleted;
  static constexpr auto kDrawn = pb::Event::kContainerDerived;

  // A correction of the last event of `body`, or of `id`, by one who may enter it and another.
  EventBuilder Correct(pb::Event::BodyCase body, const std::string& old, const std::string& now,
                       std::string id = "") {
    if (id.empty()) id = FindStep(run.state(), body)->event_id();
    const std::string who = body == kFilled  ? "lab.mfg."
                            : body == kDrawn ? "clinic.pharm."
                                             : "clinic.rn.";
    const std::string path = body == kFilled  ? "containers[0].volume_ml"
                             : body == kDrawn ? "volume_ml"
                                              : "volume_given_ml";
    EventBuilder event =
        run.Draft({who + "1", who + "2"}, "record_corrected { corrections { field_path: '" + path +
                                              "' old_value: '" + old + "' new_value: '" + now +
                                              "' } reason: 'typed wrong' }");
    event.event().mutable_record_corrected()->set_corrected_event(id);
    return event;
  }
};

TEST_F(VolumeCorrectedTest, AFilledVolumeIsPutRightInItsBag) {
  EventBuilder filled = At("filled");
  filled.event().mutable_filled()->mutable_containers(0)->set_volume_ml(48);
  ASSERT_FALSE(run.Record(filled).refused());
  const pb::Verdict verdict = run.Record(Correct(kFilled, "48", "68"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Says(verdict, "VOLUME")) << Explain(verdict);
  EXPECT_THAT(The("LOT26001-1").volume_ml(), DoubleEq(68));
  EXPECT_TRUE(run.state().corrections(0).folded());
}

TEST_F(VolumeCorrectedTest, AnOrderForMoreThanTheBagHoldsAsCorrectedIsACriticalDeviation) {
  run.Through("infusion_ordered");
  const pb::Verdict verdict = run.Judge(Correct(kFilled, "68", "48"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "VOLUME").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "VOLUME")[0].critical());
  EXPECT_THAT(Of(verdict, "VOLUME")[0].expected(), HasSubstr("INF-1"));
}

TEST_F(VolumeCorrectedTest, AFilledVolumeThatIsNotTheRecordedOneIsLookedUp) {
  run.Through("filled");
  const pb::Verdict verdict = run.Judge(Correct(kFilled, "1", "68"));
  EXPECT_TRUE(Says(verdict, "F19")) << Explain(verdict);
  EXPECT_TRUE(verdict.refused());
}

TEST_F(VolumeCorrectedTest, ABagGivenWholeIsWholeByTheVolumeAsCorrected) {
  Give(7);
  ASSERT_EQ(The("LOT26001-1").state(), pb::CONTAINER_INFUSED_PARTIAL);
  const pb::Verdict verdict = run.Record(Correct(kGiven, "7", "68"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(The("LOT26001-1").state(), pb::CONTAINER_INFUSED);
  EXPECT_FALSE(OpenResidue(nullptr, The("LOT26001-1")).has_value());
}

TEST_F(VolumeCorrectedTest, TheVolumeGivenOfAnEarlierBagIsPutRightToo) {
  Give(7);
  const std::string first = run.last().parsed.event_id.ToString();
  pb::Container& second = *run.mutable_state().add_containers();
  second = The("LOT26001-1");
  second.set_id("LOT26001-2");
  second.set_state(pb::CONTAINER_INFUSING);
  second.clear_infusion_ended_us();
  second.clear_infused_ml();
  Pass(10 * kMicrosPerMinute);
  MustDo({"clinic.rn.1"},
         "infusion_completed { container: 'LOT26001-2' ended_at $T volume_given_ml: 68 "
         "percent_given: 100 partial: NO reaction_grade: 0 }");
  const pb::Verdict verdict = run.Record(Correct(kGiven, "7", "68", first));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Says(verdict, "VOLUME")) << Explain(verdict);
  EXPECT_THAT(The("LOT26001-1").infused_ml(), DoubleEq(68));
  EXPECT_EQ(The("LOT26001-1").state(), pb::CONTAINER_INFUSED);
  EXPECT_THAT(The("LOT26001-2").infused_ml(), DoubleEq(68));
  // Both say the same now: of the earlier one nobody can tell, so people look at it.
  const pb::Verdict alike = run.Judge(Correct(kGiven, "68", "60", first));
  EXPECT_FALSE(alike.refused()) << Explain(alike);
  ASSERT_EQ(Of(alike, "VOLUME").size(), 1U) << Explain(alike);
  EXPECT_THAT(Of(alike, "VOLUME")[0].next_step(), HasSubstr("judge it again"));
}

TEST_F(VolumeCorrectedTest, ADrawnVolumeIsPutRightInBothAccounts) {
  run.Through("thaw_completed");
  MustDo(kDrawers, Draw("SYR-1", "VESSEL_SYRINGE", "5"));
  MustDo(kDrawers, Draw("SMP-1", "VESSEL_SAMPLE", "10"));
  const pb::Verdict verdict = run.Record(Correct(kDrawn, "10", "1"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Says(verdict, "VOLUME")) << Explain(verdict);
  EXPECT_THAT(The("SMP-1").volume_ml(), DoubleEq(1));
  EXPECT_THAT(The("LOT26001-1").sampled_ml(), DoubleEq(1));
  EXPECT_THAT(LeftIn(The("LOT26001-1")), DoubleEq(62));
  const pb::Verdict more = run.Judge(Correct(kDrawn, "1", "100"));
  EXPECT_TRUE(Says(more, "VOLUME")) << Explain(more);
}

}  // namespace
}  // namespace custody
