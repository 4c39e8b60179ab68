// Clocks that run on cells, product and patient while nobody records anything: the steps that are
// due by them, and what is told when they end.
#include <gmock/gmock.h>

#include <optional>

#include "custody/alerts.h"
#include "custody/profile.h"
#include "custody/usable.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ClocksTest : public RulesTest {
 protected:
  const pb::NextStep* Find(std::string_view body) {
    steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    const auto found = std::ranges::find(steps, body, &pb::NextStep::body);
    return found == steps.end() ? nullptr : &*found;
  }
  std::int64_t Due(std::string_view body) {
    const pb::NextStep* step = Find(body);
    EXPECT_NE(step, nullptr) << body;
    return step == nullptr ? -1 : step->due_us();
  }
  bool IsOverdue(std::string_view body) {
    const pb::NextStep* step = Find(body);
    return step != nullptr && step->overdue();
  }
  pb::Container& Bag(std::string_view id) {
    for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
      if (bag.id() == id) return bag;
    }
    ADD_FAILURE() << id;
    return *run.mutable_state().add_containers();
  }
  pb::Shipment& Trip(int number) { return *run.mutable_state().mutable_shipments(number - 1); }
  std::vector<Alert> Told(std::string_view rule) {
    std::vector<Alert> told;
    for (Alert& alert : Alerts(run.state(), run.registry(), ledger.now())) {
      if (alert.rule == rule) told.push_back(std::move(alert));
    }
    return told;
  }
  std::string LastId() const { return ShortId(run.last().parsed.event_id.view()); }
  void Visit(const char* status) {
    MustDo({"clinic.coord.1"},
           std::string("followup { visit: VISIT_UNPLANNED seen_at $T vital_status: ") + status +
               " response: RESPONSE_COMPLETE persistence: PERSISTENCE_QPCR_POSITIVE infections: NO "
               "second_cancer: NO }");
  }
  std::vector<pb::NextStep> steps;
};

using UsableUntilTest = ClocksTest;
using ShipperAlertTest = ClocksTest;
using RunningInfusionTest = ClocksTest;
using SaidDeadTest = ClocksTest;

TEST_F(UsableUntilTest, FreshCellsAreDueTwoDaysAfterTheirCollectionWhereverTheyAre) {
  run.Until("packed");
  const std::int64_t due = run.state().donations(0).ended_us() + 48 * kMicrosPerHour;
  EXPECT_EQ(Due("packed"), due);
  run.Until("handed_to_carrier");
  EXPECT_EQ(Due("handed_to_carrier"), due);
  run.Until("received_mfg");
  EXPECT_EQ(Due("received_mfg"), Trip(1).expected_us()) << "which is sooner";
  Trip(1).set_expected_us(due + kMicrosPerHour);
  EXPECT_EQ(Due("received_mfg"), due);
  run.Until("incoming_qc_passed");
  EXPECT_EQ(Due("incoming_qc_passed"), due);
  run.Until("batch_opened");
  EXPECT_EQ(Due("batch_opened"), due);
  EXPECT_FALSE(IsOverdue("batch_opened"));
  ledger.set_now(Instant{due + 1});
  EXPECT_TRUE(IsOverdue("batch_opened"));
  Publish([](pb::Profile& profile) { profile.mutable_fresh_hold()->set_soft_hours(40); });
  EXPECT_EQ(Due("batch_opened"), due - 8 * kMicrosPerHour);
}

TEST_F(UsableUntilTest, CellsThatAreBankedAreDueToBeFrozen) {
  run.Until("packed");
  run.mutable_state().set_fresh_to_slot(false);
  EXPECT_EQ(Due("apheresis_cryopreserved"),
            run.state().donations(0).ended_us() + 48 * kMicrosPerHour);
}

TEST_F(UsableUntilTest, FrozenCellsAreDueAtTheEndOfTheDayEighteenMonthsOn) {
  run.Until("batch_opened");
  const std::int64_t frozen = ledger.now().micros;
  Bag(kMainDin).set_frozen_us(frozen);
  const std::int64_t day = AddMonths(DayIn(run.state(), frozen), Defaults::kFrozenMonths);
  EXPECT_EQ(Due("batch_opened"), Must(EndOfDay(day, run.state().zone())).micros);
  Bag(kMainDin).add_used_in("LOT26000");
  EXPECT_EQ(Due("batch_opened"), 0) << "judged when the first batch of it was opened";
}

TEST_F(UsableUntilTest, ProductIsDueByItsExpiryAndByTheHoldOfItsShipper) {
  run.Through("released");
  const std::int64_t expiry = Bag(kMainBag).expiry_us();
  ASSERT_GT(expiry, ledger.now().micros);
  EXPECT_EQ(Due("packed"), expiry);
  EXPECT_EQ(Due("ld_started"), expiry);
  run.Until("received_clinic");
  EXPECT_EQ(Due("received_clinic"), Trip(2).expected_us());
  const std::int64_t hold = HoldEnd(nullptr, Trip(2));
  EXPECT_EQ(hold, Trip(2).packed_us() + Defaults::kShipperHoldHours * kMicrosPerHour);
  Trip(2).set_expected_us(hold + kMicrosPerHour);
  EXPECT_EQ(Due("received_clinic"), hold);
  Trip(2).clear_expected_us();
  EXPECT_EQ(Due("received_clinic"), hold) << "also when nobody said when it arrives";
  run.Through("received_clinic");
  EXPECT_EQ(Due("stored_clinic"), hold);
  EXPECT_EQ(Due("stored_in_shipper"), hold);
  run.Through("stored_clinic");
  EXPECT_EQ(Due("ld_started"), expiry);
}

TEST_F(UsableUntilTest, WhatIsToBeGivenIsDueByWhicheverEndsFirst) {
  run.Until("removed_from_storage");
  const std::int64_t course = Due("removed_from_storage");
  ASSERT_NE(course, 0) << "seven days after the course";
  Bag(kMainBag).set_expiry_us(course - 1);
  EXPECT_EQ(Due("removed_from_storage"), course - 1);
  EXPECT_EQ(Due("preinfusion_check_passed"), course - 1);
  run.mutable_state().mutable_ld()->set_last_dose_us(0);
  EXPECT_EQ(Due("removed_from_storage"), course - 1);
}

TEST_F(UsableUntilTest, AShipperThatIsTheStorageIsDueForNitrogenByItsHold) {
  run.Through("received_clinic");
  EXPECT_EQ(Find("shipper_recharged"), nullptr);
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+100h ln2_weight_kg: 4 position: 'P-1' }");
  const std::int64_t hold = ledger.now().micros + 100 * kMicrosPerHour;
  EXPECT_EQ(Due("shipper_recharged"), hold);
  EXPECT_EQ(Due("ld_started"), hold);
  Pass(101 * kMicrosPerHour);
  EXPECT_TRUE(IsOverdue("shipper_recharged"));
  MustDo({"clinic.cell_lab.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_EQ(Find("shipper_recharged"), nullptr);
}

TEST_F(ShipperAlertTest, AShipperThatSaysNothingIsToldWhenItsTimeHasPassed) {
  run.Until("received_clinic");
  EXPECT_THAT(Told("F10"), IsEmpty());
  std::string handed;
  for (const Recorded& recorded : ledger.log()) {
    if (recorded.parsed.event.has_handed_to_carrier()) {
      handed = ShortId(recorded.parsed.event_id.view());
    }
  }
  ledger.set_now(Instant{Trip(2).expected_us()});
  EXPECT_THAT(Told("F10"), IsEmpty()) << "due, not overdue";
  EXPECT_EQ(LookOut(run.state(), run.registry(), ledger.now()).next_us, ledger.now().micros + 1);
  Pass(1);
  const std::vector<Alert> late = Told("F10");
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].id, "A-" + handed + "-F10-late");
  EXPECT_EQ(late[0].since_us, Trip(2).expected_us());
  EXPECT_THAT(late[0].sites, ElementsAre("CLINIC", "LAB"));
  MustDo({"clinic.coord.1"}, "alert_acknowledged { alert: '" + late[0].id + "' action: 'asked' }");
  EXPECT_THAT(Told("F10")[0].waiting, ElementsAre("LAB"));
  MustDo({"depot.cour.1"},
         "carrier_milestone { shipment: 'SH-2' shipper: 'SHP-2' kind: MILESTONE_DELAYED at $T "
         "place: 'AMS' reported_by: 'feed' expected_at $T+3h }");
  const std::string milestone = LastId();
  EXPECT_THAT(Told("F10"), IsEmpty());
  Pass(3 * kMicrosPerHour + 1);
  ASSERT_EQ(Told("F10").size(), 1U);
  EXPECT_EQ(Told("F10")[0].id, "A-" + milestone + "-F10-late") << "a new time, a new alert";
  EXPECT_FALSE(Told("F10")[0].acknowledged());
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_state(pb::CONTAINER_LOST);
  }
  EXPECT_THAT(Told("F10"), IsEmpty()) << "lost is more than late (F11)";
}

TEST_F(ShipperAlertTest, TheEndOfAHoldIsToldADayBeforeAndOnceMoreAfterNitrogen) {
  run.Until("handed_to_carrier");
  run.Until("released");
  run.Until("handed_to_carrier");
  const std::string packed = LastId();
  const std::int64_t hold = HoldEnd(nullptr, Trip(2));
  run.Until("received_clinic");
  Trip(2).clear_expected_us();
  ledger.set_now(Instant{hold - kMicrosPerDay});
  EXPECT_THAT(Told("F10"), IsEmpty());
  Pass(1);
  ASSERT_EQ(Told("F10").size(), 1U);
  EXPECT_EQ(Told("F10")[0].id, "A-" + packed + "-F10-hold");
  EXPECT_THAT(Told("F10")[0].text, HasSubstr("ends within 24 h"));
  Pass(kMicrosPerDay);
  ASSERT_EQ(Told("F10").size(), 1U);
  EXPECT_EQ(Told("F10")[0].id, "A-" + packed + "-F10-hold") << "the same";
  EXPECT_THAT(Told("F10")[0].text, HasSubstr("is over"));
  MustDo({"depot.cour.1"},
         "shipper_recharged { shipper: 'SHP-2' recharged_at $T ln2_added_kg: 2.5 hold_until "
         "$T+240h place: 'AMS' seal_untouched: YES }");
  const std::string charged = LastId();
  EXPECT_THAT(Told("F10"), IsEmpty());
  Pass(217 * kMicrosPerHour);
  ASSERT_EQ(Told("F10").size(), 1U);
  EXPECT_EQ(Told("F10")[0].id, "A-" + charged + "-F10-hold");
}

TEST_F(ShipperAlertTest, AStorageIsToldUntilItIsEmptyAndAWarmBoxNever) {
  run.Until("received_mfg");
  Trip(1).clear_expected_us();
  Pass(400 * kMicrosPerHour);
  EXPECT_THAT(Told("F10"), IsEmpty()) << "2 to 8 C has no nitrogen";
  ledger.set_now(ledger.now() + -400 * kMicrosPerHour);
  run.Through("received_clinic");
  Pass(kMicrosPerMinute);
  MustDo({"clinic.pharm.1"},
         "stored_in_shipper { containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at "
         "$T hold_until $T+100h ln2_weight_kg: 4 position: 'P-1' }");
  Pass(77 * kMicrosPerHour);
  EXPECT_EQ(Told("F10").at(0).text.substr(0, 31), "the hold of shipper SHP-2 ends ");
  Pass(30 * kMicrosPerHour);
  EXPECT_EQ(Told("F10").size(), 1U);
  MustDo({"clinic.cell_lab.1"},
         "stored_clinic { containers { container: 'LOT26001-1' position: 'C-LN2-4' } storage_unit: "
         "'C-LN2' logger: 'LOG-9' stored_at $T transfer_time_minutes: 4 }");
  EXPECT_THAT(Told("F10"), IsEmpty());
}

TEST_F(RunningInfusionTest, WhoseEndNobodyRecordedIsFollowedFromItsStart) {
  run.Through("infusion_started");
  const std::string started = LastId();
  const std::int64_t start = ledger.now().micros;
  EXPECT_EQ(Due("infusion_completed"), Bag(kMainBag).thaw_completed_us() + 30 * kMicrosPerMinute);
  EXPECT_EQ(Due("observations_recorded"), start + 4 * kMicrosPerHour);
  ASSERT_NE(Find("discharged"), nullptr);
  EXPECT_EQ(Find("custody_closed"), nullptr) << "while it runs";
  ASSERT_EQ(run.state().timers_size(), 5);
  EXPECT_EQ(run.state().timers(0).step(), "followup_d28");
  Pass(4 * kMicrosPerHour + 1);
  ASSERT_EQ(Told("R28").size(), 1U);
  EXPECT_EQ(Told("R28")[0].id, "A-" + started + "-R28");
  Pass(40 * kMicrosPerDay);
  ASSERT_EQ(Told("R29").size(), 1U);
  EXPECT_THAT(Told("R29")[0].id, HasSubstr("A-" + started + "-R29"));
  EXPECT_THAT(MayHaveStoodAt(run.state(), Told("R29")[0].id), testing::Contains("CLINIC"));
}

TEST_F(RunningInfusionTest, ItsEndIsDueByTheProfilesTimeWhenThatIsSooner) {
  run.Through("therapy_ordered");
  Publish([](pb::Profile& profile) { profile.set_infusion_minutes(15); });
  run.Through("infusion_started");
  EXPECT_EQ(Due("infusion_completed"), ledger.now().micros + 15 * kMicrosPerMinute);
  run.Through("infusion_completed");
  EXPECT_EQ(run.state().last_infused_us(), ledger.now().micros) << "the end, once it is told";
}

TEST_F(SaidDeadTest, AVisitThatTellsOfADeathLeavesNothingDueButToRecordIt) {
  run.Until("");
  ASSERT_NE(Find("followup"), nullptr);
  const pb::Verdict verdict = run.Judge(
      run.Draft({"clinic.coord.1"},
                "followup { visit: VISIT_UNPLANNED seen_at $T vital_status: VITAL_STATUS_DEAD "
                "infections: NO second_cancer: NO }"));
  EXPECT_TRUE(std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
    return reason.rule() == "F13" && reason.kind() == pb::REASON_NOTE;
  })) << Explain(verdict);
  MustDo({"clinic.coord.1"},
         "followup { visit: VISIT_UNPLANNED seen_at $T vital_status: VITAL_STATUS_DEAD "
         "infections: NO second_cancer: NO }");
  EXPECT_EQ(Find("followup"), nullptr);
  ASSERT_NE(Find("patient_died"), nullptr);
  EXPECT_EQ(Due("patient_died"), ledger.now().micros);
  EXPECT_THAT(Find("patient_died")->help(), HasSubstr("the last visit"));
  Pass(500 * kMicrosPerDay);
  EXPECT_THAT(Told("R30"), IsEmpty());
  EXPECT_TRUE(IsOverdue("patient_died"));
  MustDo({"clinic.phy.1"},
         "patient_died { died_at $T-1h cause: DEATH_DISEASE related_to_product: NO }");
  EXPECT_EQ(Find("patient_died"), nullptr);
  EXPECT_THAT(Told("R30"), IsEmpty());
}

TEST_F(SaidDeadTest, AVisitAfterItOrAWordThatItWasWrongBringsTheVisitsBack) {
  run.Until("");
  MustDo({"clinic.coord.1"},
         "followup { visit: VISIT_UNPLANNED seen_at $T vital_status: VITAL_STATUS_DEAD "
         "infections: NO second_cancer: NO }");
  EXPECT_THAT(run.state().timers(), IsEmpty());
  Pass(kMicrosPerHour);
  Visit("VITAL_STATUS_ALIVE");
  EXPECT_EQ(run.state().timers_size(), 3);
  EXPECT_EQ(Find("patient_died"), nullptr);
  Pass(kMicrosPerHour);
  MustDo({"clinic.coord.1"},
         "followup { visit: VISIT_UNPLANNED seen_at $T vital_status: VITAL_STATUS_DEAD "
         "infections: NO second_cancer: NO }");
  MustDo({"clinic.phy.1"},
         "patient_died { died_at $T-1h cause: DEATH_DISEASE related_to_product: NO }");
  EventBuilder wrong =
      run.Draft({"clinic.phy.1", "clinic.qa.1"},
                "death_recorded_in_error { evidence: 'called' coi: 'CHA999026000001' }");
  wrong.event().mutable_death_recorded_in_error()->set_death(run.last().parsed.event_id.ToString());
  const pb::Verdict verdict = run.Record(wrong);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run.state().timers_size(), 3);
  EXPECT_EQ(Find("patient_died"), nullptr);
}

TEST_F(SaidDeadTest, NothingGoesForwardAfterAVisitThatTellsOfADeath) {
  run.Until("removed_from_storage");
  run.mutable_state().mutable_condition()->set_vital_status(pb::VITAL_STATUS_DEAD);
  const pb::Verdict verdict = run.Judge(run.Next());
  ASSERT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "F13")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F13")[0].found(), HasSubstr("a visit says"));
  EXPECT_EQ(Find("removed_from_storage"), nullptr);
}

}  // namespace
}  // namespace custody
