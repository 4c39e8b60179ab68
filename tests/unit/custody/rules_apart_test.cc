// What is kept apart from other therapies (R05, R15), and labels that are all accounted for (F8b).
// Long because what is apart is asked in the ledger and at each step that could part it.
#include <gmock/gmock.h>

#include <optional>

#include "custody/claims.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A ledger in which another therapy, T2, holds what the test says.
class Others : public OtherTherapies {
 public:
  std::vector<std::string> HoldersOf(const Claim& claim, std::string_view) const override {
    const bool any =
        std::ranges::any_of(held, [&](const Claim& other) { return Collide(claim, other); });
    return any ? std::vector<std::string>{"T2"} : std::vector<std::string>();
  }
  std::vector<Claim> held;
};

class ApartTest : public RulesTest {
 protected:
  pb::Verdict JudgeWith(const EventBuilder& event) {
    return custody::Judge(event.Parse(), run.registry(), run.state(),
                          {run.state().index() + 1, run.state().length(), ledger.now()}, &others);
  }
  static bool SaysNotJudged(const pb::Verdict& verdict, std::string_view rule) {
    return std::ranges::any_of(verdict.reasons(), [&](const pb::Reason& reason) {
      return reason.rule() == rule && reason.kind() == pb::REASON_NOT_JUDGED;
    });
  }
  EventBuilder Check(const std::string& rest) {
    return run.Draft({"lab.mfg.1"},
                     "culture_check { lot: 'LOT26001' day: 2 checked_at $T " + rest + " }");
  }
  Others others;
};

TEST_F(ApartTest, AShipperThatAnotherTherapyHasIsNotPacked) {
  EventBuilder packed = At("packed");
  EXPECT_TRUE(SaysNotJudged(run.Judge(packed), "R05"));
  EXPECT_FALSE(JudgeWith(packed).refused()) << Explain(JudgeWith(packed));
  EXPECT_FALSE(SaysNotJudged(JudgeWith(packed), "R05"));
  others.held = {{"shipper", "SHP-1", ""}};
  const pb::Verdict verdict = JudgeWith(packed);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R05").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R05")[0].found(), "therapy T2 has it");
  EXPECT_THAT(Of(verdict, "R05")[0].grantors(), ElementsAre(pb::QA, pb::QP));
}

TEST_F(ApartTest, SamplesShareAShipper) {
  run.Through("filled");
  EventBuilder packed =
      run.Draft({"lab.wh.1", "lab.wh.2"},
                "packed { leg: LEG_OUTBOUND containers $SCAN:LOT26001-Q1 coi $SCAN:CHA999026000001 "
                "shipper $SCAN:SHP-1 shipper_kind: SHIPPER_DRY_VAPOUR logger $SCAN:LOG-1 seals "
                "$SCAN:S-1 preconditioned_at $T-24h logger_started_at $T "
                "logger_calibration_until $T+9d packed_at $T destination_site: 'CLINIC' }");
  others.held = {{"shipper", "SHP-1", ""}};
  EXPECT_FALSE(Says(JudgeWith(packed), "R05")) << Explain(JudgeWith(packed));
}

TEST_F(ApartTest, AThawDeviceThatIsRunningForAnotherTherapyIsNotUsed) {
  EventBuilder thaw = At("thaw_started");
  const std::string device = thaw.event().thaw_started().device().value();
  EXPECT_FALSE(Says(JudgeWith(thaw), "R05"));
  others.held = {{"thaw device", device, "", "CLINIC"}};
  EXPECT_TRUE(JudgeWith(thaw).refused());
  EXPECT_TRUE(Says(JudgeWith(thaw), "R05"));
}

TEST_F(ApartTest, ATherapyHoldsItsShipperUntilItIsReceivedAndItsDeviceUntilItIsThawed) {
  const auto holds = [&](const std::string& kind) {
    const std::vector<Claim> claims = ClaimsOf(run.state(), run.registry());
    return std::ranges::any_of(claims, [&](const Claim& claim) { return claim.kind == kind; });
  };
  run.Until("packed");
  EXPECT_FALSE(holds("shipper"));
  run.Through("packed");
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()), Contains(Claim{"shipper", "SHP-1", ""}));
  run.Through("received_mfg");
  EXPECT_FALSE(holds("shipper"));
  run.Until("thaw_completed");
  EXPECT_TRUE(holds("thaw device"));
  run.Through("thaw_completed");
  EXPECT_FALSE(holds("thaw device"));
  EXPECT_TRUE(holds("vector vial")) << "for ever";
}

TEST_F(ApartTest, AShipperThatStaysTheStorageIsHeldUntilItIsEmptied) {
  run.Through("received_clinic");
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+5d position: 'BENCH-2' }");
  const Claim shipper{"shipper", "SHP-2", ""};
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()), Contains(shipper));
  MustDo({"clinic.pharm.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()), Not(Contains(shipper)));
}

TEST_F(ApartTest, AnOpenCultureHasItsIncubatorAlone) {
  run.Through("activated");
  Publish([](pb::Profile& p) { p.set_culture(pb::CULTURE_OPEN); });
  EventBuilder check = Check("equipment: 'INC-1'");
  EXPECT_FALSE(Says(JudgeWith(check), "R05"));
  others.held = {{"incubator", "INC-1", "A2", "LAB"}};
  const pb::Verdict verdict = JudgeWith(check);
  EXPECT_FALSE(verdict.refused()) << "a fact";
  ASSERT_EQ(Of(verdict, "R05").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R05")[0].critical());
  ASSERT_FALSE(run.Record(check).refused());
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()),
              Contains(Claim{"incubator", "INC-1", "", "LAB"}));
  run.Through("harvested");
  const auto incubator = testing::Field(&Claim::kind, "incubator");
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()), Not(Contains(incubator)));
}

TEST_F(ApartTest, AClosedCultureSharesAnIncubatorInAPlaceOfItsOwn) {
  run.Through("activated");
  Publish([](pb::Profile& p) { p.set_culture(pb::CULTURE_CLOSED); });
  const pb::Verdict unplaced = run.Judge(Check("equipment: 'INC-1'"));
  EXPECT_FALSE(unplaced.refused());
  ASSERT_EQ(Of(unplaced, "R05").size(), 1U) << Explain(unplaced);
  EXPECT_THAT(Of(unplaced, "R05")[0].expected(), HasSubstr("position"));
  EventBuilder check = Check("equipment: 'INC-1' position: 'A1'");
  others.held = {{"incubator", "INC-1", "A2", "LAB"}};
  EXPECT_FALSE(Says(JudgeWith(check), "R05")) << Explain(JudgeWith(check));
  others.held = {{"incubator", "INC-1", "A1", "LAB"}};
  EXPECT_TRUE(Says(JudgeWith(check), "R05"));
  others.held = {{"incubator", "INC-1", "", "LAB"}};  // of an open culture
  EXPECT_TRUE(Says(JudgeWith(check), "R05"));
}

TEST_F(ApartTest, AVialIsUsedOnceInATherapy) {
  run.Through("activated");
  EventBuilder first = run.Next();
  EventBuilder twice = first;
  *twice.event().mutable_transduced()->add_vials() = first.event().transduced().vials(0);
  const pb::Verdict scanned = run.Judge(twice);
  EXPECT_TRUE(scanned.refused());
  ASSERT_TRUE(Says(scanned, "R15")) << Explain(scanned);
  EXPECT_EQ(Of(scanned, "R15")[0].found(), "scanned twice");
  const pb::Transduced body = first.event().transduced();
  ASSERT_FALSE(run.Record(first).refused());
  EventBuilder again = run.Draft({"lab.mfg.1", "lab.mfg2.1"}, "");
  *again.event().mutable_transduced() = body;
  const pb::Verdict verdict = run.Judge(again);
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "R15")) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R15")[0].found(), "used before, for lot LOT26001");
  again.event().mutable_transduced()->mutable_vials(0)->set_vial("VEC-3-99");
  EXPECT_FALSE(run.Judge(again).refused()) << Explain(run.Judge(again));
}

TEST_F(ApartTest, AVialThatAnotherTherapyUsedIsNeverUsedAgain) {
  EventBuilder step = At("transduced");
  const pb::Transduced& body = step.event().transduced();
  others.held = {{"vector vial", body.vector_lot() + "/" + body.vials(0).vial(), "", "MAKER"}};
  const pb::Verdict verdict = JudgeWith(step);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R15").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R15")[0].grantors().empty());
}

// Labels are a house's own: what another house calls the same is another thing.
TEST_F(ApartTest, AThawDeviceOrALotOfAnotherHouseStandsInNobodysWay) {
  EventBuilder step = At("transduced");
  const pb::Transduced& body = step.event().transduced();
  const std::string vial = VialId(body.vector_lot(), body.vials(0).vial());
  others.held = {{"vector vial", vial, "", "OTHER-MAKER"}, {"lot", "LOT26001", "", "OTHER-MAKER"}};
  EXPECT_FALSE(Says(JudgeWith(step), "R15")) << Explain(JudgeWith(step));
  ASSERT_FALSE(run.Record(step).refused());
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()),
              Contains(Claim{"vector vial", vial, "", "MAKER"}));
  EventBuilder thaw = At("thaw_started");
  const std::string device = thaw.event().thaw_started().device().value();
  others.held = {{"thaw device", device, "", "OTHER"}};
  EXPECT_FALSE(Says(JudgeWith(thaw), "R05")) << Explain(JudgeWith(thaw));
  ASSERT_FALSE(run.Record(thaw).refused());
  EXPECT_THAT(ClaimsOf(run.state(), run.registry()),
              Contains(Claim{"thaw device", device, "", "CLINIC"}));
}

// A number on a label is one therapy's for ever.
TEST_F(ApartTest, WhatAnotherTherapyIsCalledByIsGivenToNobodyElse) {
  const struct {
    const char* step;
    Claim held;
    bool refused;
  } kCases[] = {
      {"eligibility_assessed", {"chain of identity", std::string(kMainCoi), ""}, true},
      {"label_issued", {"donation", std::string(kMainDin), ""}, true},
      {"apheresis_started", {"donation", std::string(kMainDin), ""}, true},
      {"batch_opened", {"lot", std::string(kMainLot), "", "MAKER"}, true},
      {"filled", {"container", std::string(kMainBag), "", "MAKER"}, false},  // a fact
      {"released", {"container", std::string(kMainBag), "", "MAKER"}, true},
  };
  for (const auto& [body, held, refused] : kCases) {
    EventBuilder step = At(body);
    EXPECT_FALSE(Says(JudgeWith(step), "R05")) << body << "\n" << Explain(JudgeWith(step));
    others.held = {held};
    const pb::Verdict verdict = JudgeWith(step);
    EXPECT_EQ(verdict.refused(), refused) << body << "\n" << Explain(verdict);
    ASSERT_EQ(Of(verdict, "R05").size(), 1U) << body << "\n" << Explain(verdict);
    EXPECT_EQ(Of(verdict, "R05")[0].found(), "therapy T2 has it");
    EXPECT_TRUE(refused || Of(verdict, "R05")[0].critical());
    others.held.clear();
    ASSERT_FALSE(run.Record(step).refused());
    EXPECT_THAT(ClaimsOf(run.state(), run.registry()), Contains(held)) << body;
  }
}

// Entered late a second use is refused by nobody: the release is.
TEST_F(ApartTest, AVialThatAnotherLotGotTooStopsTheReleaseOfBoth) {
  EventBuilder late = Late(At("transduced"), "lab.wh");
  const pb::Transduced body = late.event().transduced();
  others.held = {{"vector vial", VialId(body.vector_lot(), body.vials(0).vial()), "", "MAKER"}};
  ASSERT_FALSE(JudgeWith(late).refused()) << Explain(JudgeWith(late));
  ASSERT_FALSE(run.Record(late).refused());
  EventBuilder release = At("released");
  ASSERT_FALSE(run.Judge(release).refused()) << Explain(run.Judge(release));
  EXPECT_TRUE(SaysNotJudged(run.Judge(release), "R15"));
  const pb::Verdict verdict = JudgeWith(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R15").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R15")[0].grantors().empty()) << "the exceptional release is the way on";
  const pb::Verdict told = JudgeWith(Late(release, "lab.wh"));
  EXPECT_TRUE(told.refused()) << "it would stand for what follows from the chain alone";
  others.held.clear();
  EXPECT_FALSE(JudgeWith(release).refused()) << Explain(JudgeWith(release));
}

// What comes out after the release is heard before the thaw, where it can still be stopped.
TEST_F(ApartTest, AVialThatAnotherLotGotTooStopsTheThaw) {
  run.Until("prethaw_id_verified");
  const std::string vial = run.state().lots(0).vials(0);
  for (const char* body : {"prethaw_id_verified", "thaw_started"}) {
    EventBuilder step = At(body);
    EXPECT_FALSE(JudgeWith(step).refused()) << Explain(JudgeWith(step));
    others.held = {{"vector vial", vial, "", "MAKER"}};
    const pb::Verdict verdict = JudgeWith(step);
    EXPECT_TRUE(verdict.refused()) << body;
    ASSERT_EQ(Of(verdict, "R15").size(), 1U) << Explain(verdict);
    EXPECT_TRUE(Of(verdict, "R15")[0].grantors().empty());
    EXPECT_THAT(Of(verdict, "R15")[0].next_step(), HasSubstr("never ours"));
    // Who was released the exceptional way was told of it then.
    run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED_OOS);
    EXPECT_FALSE(Says(JudgeWith(step), "R15")) << Explain(JudgeWith(step));
    run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED);
    others.held = {{"container", std::string(kMainBag), "", "MAKER"}};
    ASSERT_EQ(Of(JudgeWith(step), "R05").size(), 1U) << Explain(JudgeWith(step));
    EXPECT_THAT(Of(JudgeWith(step), "R05")[0].grantors(), ElementsAre(pb::QA, pb::QP));
    others.held.clear();
    ASSERT_FALSE(run.Record(step).refused());
  }
}

TEST_F(ApartTest, WhoFindsTwoCulturesInOneIncubatorIsToldWhatQualityRecords) {
  run.Through("activated");
  Publish([](pb::Profile& p) { p.set_culture(pb::CULTURE_OPEN); });
  others.held = {{"incubator", "INC-1", "", "LAB"}};
  const pb::Verdict verdict = JudgeWith(Check("equipment: 'INC-1'"));
  ASSERT_EQ(Of(verdict, "R05").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R05")[0].next_step(), HasSubstr("DEVIATION_OPENED"));
  EXPECT_THAT(Of(verdict, "R05")[0].next_step(), HasSubstr("no list of deviations shows it"));
  // What is only asked for is not done: there is nothing to write down yet.
  run.Until("transduced");
  others.held = {{"vector vial", "VEC-3/V7", "", "MAKER"}};
  EventBuilder next = run.Next();
  next.event().mutable_transduced()->mutable_vials(0)->set_vial("V7");
  ASSERT_EQ(Of(JudgeWith(next), "R15").size(), 1U) << Explain(JudgeWith(next));
  EXPECT_THAT(Of(JudgeWith(next), "R15")[0].next_step(), Not(HasSubstr("DEVIATION_OPENED")));
  EXPECT_THAT(Of(JudgeWith(Late(next, "lab.wh")), "R15")[0].next_step(),
              HasSubstr("DEVIATION_OPENED, critical, naming R15"));
}

TEST_F(ApartTest, WhatQualityWritesDownOfItSaysOfWhichRuleAndHoldsTheRelease) {
  run.Through("activated");
  MustDo({"lab.qa.1"},
         "deviation_opened { severity: SEVERITY_CRITICAL title: 'two cultures in INC-1' "
         "description: 'with therapy T2' rules: 'R05' }");
  const pb::Deviation& opened = *run.state().deviations().rbegin();
  EXPECT_EQ(opened.found(), "two cultures in INC-1 (R05)");
  EXPECT_TRUE(opened.critical());
  run.Until("released");
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R16"));
}

// The bag lies in one site of the house and is thawed in another, where nobody recorded that it
// came: the device is that of the site where it stands.
TEST_F(ApartTest, AThawDeviceIsHeldWhereItStands) {
  EventBuilder opened = ledger.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  opened.event().mutable_site_enrolled()->set_site("ANNEX");
  opened.event().mutable_site_enrolled()->set_organisation("HOSPITAL");
  opened.event().mutable_site_enrolled()->set_name("The annex");
  opened.event().mutable_site_enrolled()->set_time_zone("Europe/Berlin");
  opened.Record();
  run.Until("thaw_started");
  for (pb::Container& container : *run.mutable_state().mutable_containers()) {
    if (container.id() == kMainBag) container.set_site("ANNEX");
  }
  EventBuilder thaw = run.Next();
  const std::string device = thaw.event().thaw_started().device().value();
  ASSERT_FALSE(run.Record(thaw).refused()) << Explain(run.Judge(thaw));
  const std::vector<Claim> claims = ClaimsOf(run.state(), run.registry());
  EXPECT_THAT(claims, Contains(Claim{"thaw device", device, "", "CLINIC"}));
  EXPECT_THAT(claims, Not(Contains(Claim{"thaw device", device, "", "ANNEX"})));
}

// Its labels and devices are the treating house's own.
TEST_F(ApartTest, QualityOfTheTreatingHouseGrantsWhatIsUsedTwice) {
  run.Until("thaw_started");
  const std::string grant =
      Grant("clinic.qa.1", "rules: 'R05'",
            "step: 'thaw_started' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h")
          .parsed.event_id.ToString();
  EventBuilder thaw = run.Next();
  thaw.event().add_grants(grant);
  others.held = {{"thaw device", thaw.event().thaw_started().device().value(), "", "CLINIC"}};
  EXPECT_FALSE(JudgeWith(thaw).refused()) << Explain(JudgeWith(thaw));
}

// Whether the device was free only the ledger knows, and the grant is used in any case.
TEST_F(ApartTest, AGrantCitedForWhatOnlyTheLedgerKnowsIsUsedUp) {
  run.Until("thaw_started");
  const std::string grant =
      Grant("lab.qa.1", "rules: 'R05'",
            "step: 'thaw_started' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h")
          .parsed.event_id.ToString();
  EventBuilder thaw = run.Next();
  thaw.event().add_grants(grant);
  others.held = {{"thaw device", thaw.event().thaw_started().device().value(), "", "CLINIC"}};
  const pb::Verdict verdict = JudgeWith(thaw);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_FALSE(run.Record(thaw).refused()) << Explain(run.Judge(thaw));
  ASSERT_NE(FindGrant(run.state(), grant), nullptr);
  EXPECT_EQ(FindGrant(run.state(), grant)->used_by_size(), 1);
}

TEST_F(ApartTest, WhoMayNotLookIsNotToldWhichTherapyHasIt) {
  std::string found = HeldBy({"T1", "T2"}) + "; grant 0a1b2c3d does not cover it: it ended";
  const std::string whole = found;
  EXPECT_FALSE(HideHolders(found, [](const std::string&) { return true; }));
  EXPECT_EQ(found, whole);
  EXPECT_TRUE(HideHolders(found, [](const std::string& id) { return id == "T1"; }));
  EXPECT_EQ(found, "another therapy has it; grant 0a1b2c3d does not cover it: it ended");
  EXPECT_FALSE(HideHolders(found, [](const std::string&) { return false; }));
}

TEST_F(ApartTest, TheVectorIsOfTheProductsConstruct) {
  EventBuilder step = At("transduced");
  EXPECT_FALSE(run.Judge(step).refused());
  Publish([](pb::Profile& p) { p.set_construct("CAR-19-b"); });
  const pb::Verdict verdict = run.Judge(step);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R15").size(), 1U) << Explain(verdict);
  EXPECT_EQ(Of(verdict, "R15")[0].found(), "EXC");
}

class LabelTest : public RulesTest {
 protected:
  void Printed(std::uint32_t printed) {
    run.Until("label_issued");
    EventBuilder issued = run.Next();
    issued.event().mutable_label_issued()->set_printed(printed);
    ASSERT_FALSE(run.Record(issued).refused());
  }
  // LABEL_COMPLETED with these counts.
  pb::Verdict Completed(std::uint32_t printed, std::uint32_t applied, std::uint32_t destroyed) {
    if (!done_) done_.emplace(At("label_completed"));
    EventBuilder done = *done_;
    pb::LabelCompleted& body = *done.event().mutable_label_completed();
    body.set_printed(printed);
    body.set_applied(applied);
    body.set_destroyed(destroyed);
    return run.Judge(done);
  }

 private:
  std::optional<EventBuilder> done_;
};

TEST_F(LabelTest, ThreePrintedAndOneOnABagIsADeviationThatNamesTheNumbers) {
  Printed(3);
  const pb::Verdict verdict = Completed(1, 1, 0);
  EXPECT_FALSE(verdict.refused()) << "a fact";
  ASSERT_EQ(Of(verdict, "F8b").size(), 2U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8b")[0].expected(), HasSubstr("3"));
  EXPECT_EQ(Of(verdict, "F8b")[0].found(), "1 applied, 0 destroyed");
  EXPECT_TRUE(Of(verdict, "F8b")[0].critical());
  EXPECT_EQ(Of(verdict, "F8b")[1].found(), "1 stated");
  EXPECT_EQ(Of(Completed(3, 1, 1), "F8b").size(), 1U);
  EXPECT_TRUE(Of(Completed(3, 1, 2), "F8b").empty()) << Explain(Completed(3, 1, 2));
}

TEST_F(LabelTest, WhatWasPrintedTwiceIsCountedTogether) {
  Printed(1);
  EventBuilder again = run.Draft({"clinic.aph.1"}, "");
  for (const MainStep& step : run.steps()) {
    if (step.body == "label_issued") again.event().MergeFrom(step.event);
  }
  ASSERT_FALSE(run.Record(again).refused()) << Explain(run.Judge(again));
  EXPECT_FALSE(Of(Completed(1, 1, 0), "F8b").empty());
  EXPECT_TRUE(Of(Completed(2, 1, 1), "F8b").empty()) << Explain(Completed(2, 1, 1));
}

TEST_F(LabelTest, WhatIsOnTheBagIsWhatWasAffixed) {
  Printed(2);
  const pb::Verdict verdict = Completed(2, 2, 0);  // the record has one affixed
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F8b")[0].expected(), HasSubstr("LABEL_AFFIXED"));
}

TEST_F(LabelTest, ALabelOnTheBagIsComparedWithPatientTherapyAndNumber) {
  EventBuilder affixed = At("label_affixed");
  EXPECT_FALSE(Says(run.Judge(affixed), "F8a")) << Explain(run.Judge(affixed));
  EventBuilder coi = affixed;
  coi.event().mutable_label_affixed()->mutable_coi()->set_value("CHA999026000009");
  EXPECT_TRUE(Says(run.Judge(coi), "F8a"));
  EventBuilder din = affixed;
  din.event().mutable_label_affixed()->mutable_din()->set_value("A999026000777");
  EXPECT_TRUE(Says(run.Judge(din), "F8a"));
  EventBuilder patient = affixed;
  patient.event().mutable_label_affixed()->mutable_wristband(0)->set_commitment(
      Sha256("somebody else").ToString());
  EXPECT_TRUE(Says(run.Judge(patient), "F8a"));
}

TEST_F(LabelTest, EveryContainerThatWasFilledHasALabel) {
  EventBuilder filled = At("filled");
  EXPECT_TRUE(Of(run.Judge(filled), "F8b").empty());
  pb::Filled& body = *filled.event().mutable_filled();
  body.set_labels_applied(1);
  body.set_labels_destroyed(1);
  EXPECT_EQ(Of(run.Judge(filled), "F8b").size(), 1U) << Explain(run.Judge(filled));
}

TEST_F(LabelTest, WhatIsFilledIsOfThisTherapysLot) {
  EventBuilder filled = At("filled");
  EXPECT_FALSE(Says(run.Judge(filled), "F8a"));
  filled.event().mutable_filled()->set_lot("LOT26077");
  EXPECT_TRUE(Says(run.Judge(filled), "F8a"));
}

}  // namespace
}  // namespace custody
