// Who makes a lot, and of what product, is settled when its batch is opened (R46); and a number
// that something else has is in doubt (F8b).
#include <gmock/gmock.h>

#include "custody/alerts.h"
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
  // From then on those are the numbers of the lot in hand, and it is the way back that is asked.
  EXPECT_FALSE(Says(run.Judge(order()), "R41")) << Explain(run.Judge(order()));
  const pb::Verdict back = run.Judge(Order("EXC-1", "LAB"));
  ASSERT_EQ(Of(back, "R41").size(), 1U) << Explain(back);
  EXPECT_THAT(Of(back, "R41")[0].expected(), HasSubstr("exemplar-cel-other"));
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

// LAB made a lot that is at the clinic; another house makes the next one now.
class TwoMakersTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Until("ld_started");
    pb::TherapyState& state = run.mutable_state();
    pb::Lot next;
    next.set_lot("LOT26002");
    next.set_site("OTHER");
    next.set_state(pb::LOT_FILLED);
    *state.add_lots() = next;
    pb::Container bag;
    bag.set_id("LOT26002-1");
    bag.set_lot("LOT26002");
    bag.set_material(pb::DRUG_PRODUCT);
    bag.set_state(pb::CONTAINER_FROZEN);
    *state.add_containers() = bag;
    state.set_manufacturer_site("OTHER");
    state.add_party_sites("OTHER");
  }
  // Whether it is not this person's to say, by `rule`.
  bool IsNotTheirs(const std::vector<std::string>& who, const std::string& text,
                   const std::string& rule = "R16") {
    const pb::Verdict verdict = run.Judge(run.Draft(who, text));
    return std::ranges::any_of(Of(verdict, rule), [](const pb::Reason& reason) {
      return reason.expected().find("quality") != std::string::npos;
    });
  }
};

TEST_F(TwoMakersTest, WhatIsSaidOfALotIsForWhoMadeThatOne) {
  const std::string words[] = {
      "rejected { lot: '$LOT' reason: 'x' }",
      "manufacturing_failed { lot: '$LOT' failure: MANUFACTURING_FAILED_OTHER at_step: 'filled' "
      "detail: 'x' retained_material: NO }",
      "contamination_confirmed { lot: '$LOT' test: 'sterility' confirmed_at $T after_infusion: NO "
      "}",
      "release_withdrawn { lot: '$LOT' certificate: 'C' reason: 'x' product_recall: YES }",
      "batch_record_reviewed { lot: '$LOT' deviations_closed: YES record $FILE complete: YES }",
      "site_qa_disposition { lot: '$LOT' suitable: YES ship_under_quarantine: NO }",
      "qc_result_invalidated { lot: '$LOT' result: '" + std::string(32, 'r') +
          "' investigation: 'I' cause: 'x' }"};
  for (const std::string& word : words) {
    const auto of = [&](const std::string& lot) {
      std::string text = word;
      return text.replace(text.find("$LOT"), 4, lot);
    };
    EXPECT_FALSE(IsNotTheirs({"lab.qa.1"}, of("LOT26001"))) << word;
    EXPECT_TRUE(IsNotTheirs({"other.qa.1"}, of("LOT26001"))) << word;
    EXPECT_FALSE(IsNotTheirs({"other.qa.1"}, of("LOT26002"))) << word;
    EXPECT_TRUE(IsNotTheirs({"lab.qa.1"}, of("LOT26002"))) << word;
  }
}

TEST_F(TwoMakersTest, NobodyRejectsAnotherHousesBagUnderALotOfTheirOwn) {
  const char* const theirs = "rejected { lot: 'LOT26002' containers: 'LOT26001-1' reason: 'x' }";
  EXPECT_TRUE(IsNotTheirs({"other.qa.1"}, theirs));
  EXPECT_TRUE(Do({"other.qa.1"}, theirs).refused());
  EXPECT_FALSE(FindContainer(run.state(), kMainBag)->rejected());
}

TEST_F(TwoMakersTest, TheExceptionalReleaseIsForWhoMadeThatLot) {
  const char* const assessed =
      "oos_risk_assessed { lot: 'LOT26001' assessment $FILE conclusion: 'acceptable' }";
  EXPECT_FALSE(IsNotTheirs({"lab.qa.1"}, assessed, "R17"));
  EXPECT_TRUE(IsNotTheirs({"other.qa.1"}, assessed, "R17"));
}

TEST_F(TwoMakersTest, WhatHoldsALotIsClearedByWhoMadeIt) {
  MustDo({"lab.qc.1"},
         "qc_result { lot: 'LOT26001' sample: 'Q1' test: 'sterility' method: 'SOP' specification: "
         "'S' analyst: 'lab.qc.1' tested_at $T-1h result_number: 'R-2' value_text: 'growth' "
         "outcome: OUTCOME_FAIL }");
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_EQ(run.state().holds(0).organisation(), "MAKER");
  MustDo({"other.qa.1"},
         "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
         "after_infusion: NO }");
  ASSERT_EQ(run.state().holds_size(), 2);
  EXPECT_EQ(run.state().holds(1).organisation(), "MAKER");
}

TEST_F(TwoMakersTest, AQuarantineOfALotIsDecidedByWhoMadeIt) {
  MustDo({"clinic.pharm.1"}, "temperature_excursion { containers: 'LOT26001-1' from $T-1h }");
  const char* const used =
      "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE cause: "
      "QUARANTINED_FOR_TEMPERATURE reason: 'short' }";
  EXPECT_FALSE(IsNotTheirs({"lab.qa.1"}, used, "F9"));
  EXPECT_TRUE(IsNotTheirs({"other.qa.1"}, used, "F9"));
}

TEST_F(TwoMakersTest, ADoubtAboutABagIsResolvedWithWhoMadeIt) {
  MustDo({"clinic.rn.1"},
         "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_OTHER finding: 'x' thawed: NO }");
  const std::string resolved = "identity_resolved { quarantine: '" +
                               run.state().quarantines(0).id() +
                               "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED "
                               "evidence: 'retained label' }";
  EXPECT_FALSE(IsNotTheirs({"clinic.qa.1", "lab.qa.1"}, resolved, "F8b"));
  EXPECT_TRUE(IsNotTheirs({"clinic.qa.1", "other.qa.1"}, resolved, "F8b"));
}

TEST_F(TwoMakersTest, ALotIsEndedForAnotherByWhoMadeIt) {
  const char* const again =
      "remanufacture_ordered { old_lot: 'LOT26001' containers: 'A999026000001' reason: 'x' }";
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_WITHDRAWN);
  EXPECT_FALSE(IsNotTheirs({"lab.qa.1", "clinic.phy.1"}, again, "F4"));
  EXPECT_TRUE(IsNotTheirs({"other.qa.1", "clinic.phy.1"}, again, "F4"));
  // It has ended: who makes the next one says so.
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_REJECTED);
  EXPECT_FALSE(IsNotTheirs({"other.qa.1", "clinic.phy.1"}, again, "F4"));
}

TEST_F(TwoMakersTest, AnOverrideForABagIsGrantedByWhoMadeIt) {
  const auto granted = [](const std::string& bag) {
    return "override_granted { rules: 'R05' container: '" + bag +
           "' scope: OVERRIDE_SCOPE_CONTAINER reason: OVERRIDE_FOR_OTHER justification: 'x' "
           "verbal: NO expires_at $T+2h }";
  };
  const auto may = [&](const std::string& who, const std::string& bag) {
    return !Says(run.Judge(run.Draft({who}, granted(bag))), "OVERRIDE");
  };
  EXPECT_TRUE(may("lab.qa.1", "LOT26001-1"));
  EXPECT_FALSE(may("other.qa.1", "LOT26001-1"));
  EXPECT_TRUE(may("other.qa.1", "LOT26002-1"));
}

TEST_F(TwoMakersTest, WhoMadeALotIsToldOfIt) {
  MustDo({"lab.qa.1"},
         "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'x' product_recall: "
         "YES }");
  const std::vector<Alert> alerts = Alerts(run.state(), run.registry(), ledger.now());
  const auto recall = std::ranges::find(alerts, "F18", &Alert::rule);
  ASSERT_NE(recall, alerts.end());
  EXPECT_THAT(recall->sites, testing::ElementsAre("CLINIC", "LAB"));
  EXPECT_THAT(MayHaveStoodAt(run.state(), recall->id), testing::Contains("LAB"));
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
