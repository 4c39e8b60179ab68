// Who makes a lot, and of what product, is settled when its batch is opened (R46); and a number
// that something else has is in doubt (F8b).
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class MakerTest : public RulesTest {
 protected:
  static std::string Slot(const char* site) {
    return std::string(
               "slot_changed { slot: 'SLOT-7' change: SLOT_CHANGE_MOVED new_slot: 'SLOT-8' "
               "manufacturing_site: '") +
           site + "' reason: 'moved' }";
  }
  EventBuilder Order(const char* product, const char* site) {
    for (const MainStep& step : run.steps()) {
      if (step.body != "therapy_ordered") continue;
      EventBuilder event = ledger.On("therapy/T1").By("clinic.phy.1");
      event.event().MergeFrom(step.event);
      event.event().mutable_therapy_ordered()->set_product(product);
      event.event().mutable_therapy_ordered()->set_manufacturing_site(site);
      return event;
    }
    return ledger.On("therapy/T1");
  }
  pb::Verdict Decide(const char* who) {
    return run.Judge(run.Draft({who},
                               "batch_record_reviewed { lot: 'LOT26001' deviations_closed: "
                               "YES record $FILE complete: YES }"));
  }
};

TEST_F(MakerTest, TheLotRemembersWhereAndOfWhatItIsMade) {
  run.Through("batch_opened");
  ASSERT_EQ(run.state().lots_size(), 1);
  EXPECT_EQ(run.state().lots(0).site(), "LAB");
  EXPECT_EQ(run.state().lots(0).product(), "EXC-1");
}

TEST_F(MakerTest, AMessageAboutASlotMakesNobodyElseTheMaker) {
  run.Until("batch_opened");
  EXPECT_FALSE(run.Judge(run.Draft({"lab.sched.1"}, Slot("CLINIC"))).refused()) << "not begun yet";
  run.Until("batch_record_reviewed");
  const pb::Verdict verdict = Do({"lab.sched.1"}, Slot("CLINIC"));
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R46").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R46")[0].expected(), HasSubstr("LAB"));
  EXPECT_FALSE(run.Judge(run.Draft({"lab.sched.1"}, Slot("LAB"))).refused());
  EXPECT_FALSE(run.Record(Late(run.Draft({"lab.sched.1"}, Slot("CLINIC")), "lab.wh")).refused());
  EXPECT_EQ(run.state().manufacturer_site(), "LAB");
  EXPECT_FALSE(Says(Decide("lab.qa.2"), "R16")) << Explain(Decide("lab.qa.2"));
  EXPECT_TRUE(Says(Decide("clinic.qa.1"), "R16"));
}

TEST_F(MakerTest, NorWhenItIsInTheStateAllTheSame) {
  run.Until("batch_record_reviewed");
  run.mutable_state().set_manufacturer_site("CLINIC");
  EXPECT_TRUE(Says(Decide("clinic.qa.1"), "R16"));
  EXPECT_FALSE(Says(Decide("lab.qa.2"), "R16"));
}

TEST_F(MakerTest, AnotherOrderMakesNoOtherProductOfTheLot) {
  run.Until("released");
  const pb::Verdict product = run.Judge(Order("OTHER-CEL", "LAB"));
  EXPECT_TRUE(product.refused());
  ASSERT_EQ(Of(product, "R46").size(), 1U) << Explain(product);
  EXPECT_THAT(Of(product, "R46")[0].expected(), HasSubstr("EXC-1"));
  EXPECT_EQ(Of(run.Judge(Order("EXC-1", "OTHER")), "R46").size(), 1U);
  EXPECT_FALSE(Says(run.Judge(Order("EXC-1", "LAB")), "R46"));
}

TEST_F(MakerTest, AnotherProfilesNumbersAreThePhysiciansToGrant) {
  pb::Profile other = DemoProfile();
  other.set_name("exemplar-cel-other");
  ledger.PublishProfile(other);
  const auto order = [&] {
    EventBuilder event = Order("EXC-1", "LAB");
    event.event().mutable_therapy_ordered()->set_profile(other.name());
    event.event().mutable_therapy_ordered()->set_profile_version(other.version());
    return event;
  };
  run.Until("batch_opened");
  EXPECT_FALSE(Says(run.Judge(order()), "R41")) << "nothing is made by it yet";
  run.Until("released");
  EXPECT_EQ(run.state().lots(0).profile(), "exemplar-cel-demo");
  const pb::Verdict verdict = run.Judge(order());
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R41").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R41")[0].expected(), HasSubstr("exemplar-cel-demo"));
  EXPECT_EQ(Of(verdict, "R41")[0].found(), "exemplar-cel-other");
  EXPECT_FALSE(run.Record(Late(order())).refused());
  EXPECT_EQ(run.state().profile(), "exemplar-cel-demo") << "told late it changes no number";
  const Recorded& grant =
      Grant("clinic.phy.2", "rules: 'R41'",
            "step: 'therapy_ordered' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  EventBuilder granted = order();
  granted.Citing(grant);
  const pb::Verdict meant = run.Record(granted);
  EXPECT_FALSE(meant.refused()) << Explain(meant);
  EXPECT_EQ(run.state().profile(), "exemplar-cel-other");
}

TEST_F(MakerTest, AfterTheLotEndedAnotherHouseMayMakeItAgain) {
  run.Until("released");
  MustDo({"lab.qa.1"}, "rejected { lot: 'LOT26001' reason: 'potency' }");
  EXPECT_FALSE(Says(run.Judge(Order("EXC-1", "OTHER")), "R46"));
  MustDo({"lab.sched.1"}, Slot("OTHER"));
  EXPECT_EQ(run.state().manufacturer_site(), "OTHER");
}

TEST_F(MakerTest, ABatchIsOpenedByTheManufacturerThatWasOrdered) {
  run.Until("batch_opened");
  EventBuilder batch = run.Next();
  EXPECT_FALSE(Says(run.Judge(batch), "R46")) << Explain(run.Judge(batch));
  run.mutable_state().set_manufacturer_site("OTHER");
  const pb::Verdict verdict = run.Judge(batch);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R46")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R46")[0].expected(), HasSubstr("OTHER"));
}

class NumberTest : public RulesTest {
 protected:
  const pb::Container& Bag(std::string_view id) { return *FindContainer(run.state(), id); }
  bool InDoubt(std::string_view id) {
    const auto open = OpenQuarantines(run.state(), Bag(id));
    return std::ranges::any_of(
        open, [](const pb::Quarantine* q) { return q->kind() == pb::QUARANTINED_IDENTITY; });
  }
};

TEST_F(NumberTest, ABagOfAnotherLotWithTheSameNumberIsInDoubt) {
  run.Until("batch_record_reviewed");
  pb::Lot lot = run.state().lots(0);
  lot.set_lot("LOT26002");
  *run.mutable_state().add_lots() = lot;
  const std::string rest =
      " containers { container: 'LOT26001-1' kind: VESSEL_BAG nominal_dose_1e6: 90 volume_ml: 30 "
      "integrity: YES cassette: 'CAS-2' } filled_at $T labels_printed: 1 labels_applied: 1 "
      "labels_destroyed: 0 label_version: 'P1' labels_read_back: YES }";
  const pb::Verdict again = run.Judge(Late(Now("filled"), "lab.wh"));
  EXPECT_FALSE(Says(again, "F8b")) << "told again: " << Explain(again);
  EXPECT_TRUE(Says(run.Judge(Now("filled")), "F8b")) << "two in hand";
  const pb::Verdict verdict = Do({"lab.mfg.1", "lab.mfg2.1"}, "filled { lot: 'LOT26002'" + rest);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "F8b").size(), 2U) << Explain(verdict);
  EXPECT_TRUE(InDoubt(kMainBag));
  EXPECT_EQ(Bag(kMainBag).lot(), kMainLot);
  const pb::Deviation& deviation = *run.state().deviations().rbegin();
  EXPECT_TRUE(deviation.critical());
  EXPECT_THAT(deviation.found(), testing::AllOf(HasSubstr("LOT26001"), HasSubstr("LOT26002")));
}

TEST_F(NumberTest, TwoBagsOfOneFillingAreNotOneNumber) {
  run.Until("filled");
  EventBuilder filled = run.Next();
  pb::Filled& body = *filled.event().mutable_filled();
  *body.add_containers() = body.containers(0);
  body.set_labels_printed(3);
  body.set_labels_applied(3);
  EXPECT_FALSE(run.Record(filled).refused());
  EXPECT_TRUE(InDoubt(kMainBag));
}

TEST_F(NumberTest, ASyringeWithTheNumberOfABagIsInDoubt) {
  run.Until("released");
  pb::Container other = Bag(kMainBag);
  other.set_id("LOT26001-2");
  *run.mutable_state().add_containers() = other;
  const auto derive = [&](const std::string& id) {
    return "container_derived { parent: 'LOT26001-2' container: '" + id +
           "' kind: VESSEL_SYRINGE volume_ml: 20 derived_at $T reason: 'port leaks' "
           "label_version: 'P1' }";
  };
  const std::vector<std::string> both{"clinic.pharm.1", "clinic.rn.1"};
  EXPECT_FALSE(Says(run.Judge(run.Draft(both, derive("LOT26001-2-S1"))), "F8b"));
  EXPECT_EQ(Of(Do(both, derive("LOT26001-1")), "F8b").size(), 2U);
  EXPECT_TRUE(InDoubt(kMainBag));
}

TEST_F(NumberTest, CellsFrozenUnderTheNumberOfProductLeaveTheProductAsItIs) {
  run.Until("released");
  const std::int64_t volume = static_cast<std::int64_t>(Bag(kMainBag).volume_ml());
  const pb::Verdict verdict =
      Do({"clinic.cell_lab.1"},
         "apheresis_cryopreserved { din: 'A999026000001' containers { container: 'LOT26001-1' "
         "volume_ml: 11 position: 'C-LN2-9' } freeze_started_at $T-90m freeze_ended_at $T freezer: "
         "'CRF-C' rate_program: 'P7' curve $FILE wbc_concentration_1e8_per_ml: 0.9 dmso_percent: "
         "7.5 }");
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(InDoubt(kMainBag));
  EXPECT_EQ(static_cast<std::int64_t>(Bag(kMainBag).volume_ml()), volume);
  EXPECT_EQ(Bag(kMainBag).frozen_us(), 0);
}

// A donation number says which facility gave it.
TEST_F(NumberTest, ADonationNumberThatAnotherFacilityGaveIsAskedAbout) {
  run.Until("label_issued");
  EventBuilder label = run.Next();
  EXPECT_FALSE(Says(run.Judge(label), "F8b")) << Explain(run.Judge(label));
  label.event().mutable_label_issued()->mutable_din()->set_value("A999126000001");
  const pb::Verdict verdict = run.Judge(label);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8b")[0].expected(), HasSubstr("A9990"));
  EXPECT_THAT(Of(verdict, "F8b")[0].found(), HasSubstr("A9991"));
  EXPECT_FALSE(Of(verdict, "F8b")[0].critical());
  ASSERT_FALSE(run.Record(label).refused());
  EXPECT_TRUE(run.state().quarantines().empty()) << "nothing is held";
}

TEST_F(NumberTest, WithoutALabelItIsAskedAboutBeforeTheNeedle) {
  run.Until("apheresis_started");
  run.mutable_state().clear_issued_labels();
  EventBuilder start = run.Next();
  EXPECT_FALSE(Says(run.Judge(start), "F8b")) << Explain(run.Judge(start));
  start.event().mutable_apheresis_started()->mutable_din()->set_value("A999126000001");
  EXPECT_EQ(Of(run.Judge(start), "F8b").size(), 1U) << Explain(run.Judge(start));
}

}  // namespace
}  // namespace custody
