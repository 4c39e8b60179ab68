// Plasma that was collected beside the cells is a container of its own, with an end of its own
// (process, 1.3); what is asked of cells is not asked of it.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPlasma = "A999026000001-P";

class PlasmaTest : public RulesTest {
 protected:
  EventBuilder Collected(const std::string& id = kPlasma) {
    EventBuilder event = At("apheresis_completed");
    pb::ApheresisCompleted& body = *event.event().mutable_apheresis_completed();
    body.set_autologous_plasma(pb::YES);
    body.set_plasma_container(id);
    if (!id.empty()) body.set_plasma_volume_ml(200);
    return event;
  }
  void Collect() {
    EventBuilder event = Collected();
    const pb::Verdict verdict = run.Record(event);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
    EXPECT_FALSE(Says(verdict, "F8b")) << Explain(verdict);
    run.Skip("label_completed");
  }
  const pb::Container& Plasma() {
    const pb::Container* found = FindContainer(run.state(), kPlasma);
    EXPECT_NE(found, nullptr);
    return found == nullptr ? pb::Container::default_instance() : *found;
  }
};

TEST_F(PlasmaTest, ItsBagIsAContainerAndTheDonationNumberStillMeansTheCells) {
  Collect();
  EXPECT_TRUE(Plasma().plasma());
  EXPECT_EQ(Plasma().material(), pb::STARTING_MATERIAL);
  EXPECT_EQ(Plasma().state(), pb::CONTAINER_COLLECTED);
  EXPECT_EQ(Plasma().din(), kMainDin);
  EXPECT_EQ(Plasma().volume_ml(), 200);
  const pb::Container* cells = FindContainer(run.state(), kMainDin);
  ASSERT_NE(cells, nullptr);
  EXPECT_FALSE(cells->plasma());
}

TEST_F(PlasmaTest, TheDonationNumberMeansTheCellsAlsoWhenTheirBagHasANumberOfItsOwn) {
  EventBuilder event = Collected();
  event.event().mutable_apheresis_completed()->set_container("BAG-7");
  ASSERT_FALSE(run.Record(event).refused()) << Explain(run.Judge(event));
  const pb::Container* cells = FindContainer(run.state(), kMainDin);
  ASSERT_NE(cells, nullptr);
  EXPECT_EQ(cells->id(), "BAG-7");
}

TEST_F(PlasmaTest, WithoutABagOfItsOwnItIsAskedAbout) {
  const pb::Verdict verdict = run.Judge(Collected(""));
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8b")[0].next_step(), HasSubstr("CONTAINER_DERIVED"));
  EXPECT_FALSE(Of(verdict, "F8b")[0].critical());
}

TEST_F(PlasmaTest, WithTheNumberOfTheCellsItIsInDoubt) {
  const pb::Verdict verdict = run.Judge(Collected(std::string(kMainDin)));
  EXPECT_FALSE(verdict.refused());
  EXPECT_EQ(Of(verdict, "F8b").size(), 2U) << Explain(verdict);
}

TEST_F(PlasmaTest, CheckedInWithTheCellsItGoesIntoTheirBatchAndIsUsedUpWithThem) {
  Collect();
  run.Until("batch_opened");
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (!bag.plasma()) continue;  // it came in the same shipper
    bag.set_state(pb::CONTAINER_RECEIVED);
    bag.set_site("LAB");
  }
  EventBuilder batch = run.Next();
  EXPECT_FALSE(run.Judge(batch).refused()) << Explain(run.Judge(batch));
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) bag.set_accepted(true);
  ASSERT_FALSE(run.Record(batch).refused()) << Explain(run.Judge(batch));
  EXPECT_EQ(Plasma().state(), pb::CONTAINER_IN_USE);
  EXPECT_THAT(Plasma().used_in(), ElementsAre(std::string(kMainLot)));
  run.Through("filled");
  EXPECT_EQ(Plasma().state(), pb::CONTAINER_CONSUMED);
}

TEST_F(PlasmaTest, LeftAtTheHospitalItKeepsCustodyOpenUntilItHasAnEnd) {
  Collect();
  run.Until("");
  const auto missed = [&] {
    const pb::Verdict verdict = run.Judge(
        run.Draft({"lab.qa.1"},
                  "custody_closed { containers_accounted: YES deviations_closed: YES statement: "
                  "'done' coi: 'CHA999026000001' }"));
    const std::vector<pb::Reason> reasons = Of(verdict, "CLOSE");
    return std::ranges::any_of(reasons, [](const auto& r) { return r.subject() == kPlasma; });
  };
  EXPECT_TRUE(missed());
  MustDo({"clinic.pharm.1", "clinic.cell_lab.1"},
         std::string("disposition { containers: '") + kPlasma +
             "' kind: DISPOSITION_DESTROYED reason: 'not needed' method: 'incineration' place: "
             "'waste room' done_at $T scans $SCAN:" +
             kPlasma + " }");
  EXPECT_EQ(Plasma().state(), pb::CONTAINER_DESTROYED);
  EXPECT_FALSE(missed());
}

TEST_F(PlasmaTest, FreezingTheCellsDoesNotUseItUp) {
  Collect();
  MustDo({"clinic.cell_lab.1"},
         "apheresis_cryopreserved { din: 'A999026000001' containers { container: 'CRYO-1' "
         "volume_ml: 50 position: 'LN2-1' } freeze_started_at $T-1h freeze_ended_at $T freezer: "
         "'FRZ-1' rate_program: 'P1' wbc_concentration_1e8_per_ml: 1 dmso_percent: 10 }");
  EXPECT_EQ(FindContainer(run.state(), "A999026000001")->state(), pb::CONTAINER_CONSUMED);
  EXPECT_EQ(Plasma().state(), pb::CONTAINER_COLLECTED);
}

TEST_F(PlasmaTest, DrawnOfTheCellsItIsPlasmaToo) {
  run.Until("packed");
  MustDo({"clinic.cell_lab.1", "clinic.rn.1"},
         std::string("container_derived { parent: 'A999026000001' container: '") + kPlasma +
             "' kind: VESSEL_PLASMA volume_ml: 80 derived_at $T reason: 'for the medium' "
             "label_version: 'P1' }");
  EXPECT_TRUE(Plasma().plasma());
  ASSERT_NE(FindContainer(run.state(), kMainDin), nullptr);
}

}  // namespace
}  // namespace custody
