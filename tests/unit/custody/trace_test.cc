// Recall both ways through one therapy, what lies in a unit, and what a slot that moves moves.
#include "custody/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "custody/event_contents.h"
#include "custody/profile.h"
#include "custody/rules.h"
#include "custody/schedule.h"
#include "custody/state.h"
#include "tests/support/main_path.h"

namespace custody {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

// What is filled of the main path's lot: the bag, and a vial for quality control.
const std::vector<std::string> kOfTheLot = {"LOT26001-1", "LOT26001-Q1"};

class TraceTest : public ::testing::Test {
 protected:
  // The run's therapy, as far as it went.
  pb::TracedTherapy Trace(std::string type, std::string value, bool touched = false) {
    std::vector<TracedEvent> events;
    for (const Recorded& one : ledger_.log()) {
      if (one.parsed.event.chain() != "therapy/T1") continue;
      TracedEvent& event = events.emplace_back();
      event.event = one.parsed.effective();
      event.sequence = one.parsed.event.sequence();
      event.event_id = one.parsed.effective_id().ToString();
    }
    const pb::Profile profile = DemoProfile();
    return TraceTherapy(run_.state(), events, {std::move(type), std::move(value), touched},
                        &profile);
  }
  static std::vector<std::string> Concerned(const pb::TracedTherapy& traced) {
    std::vector<std::string> ids;
    for (const pb::TracedContainer& one : traced.containers()) {
      if (one.concerned()) ids.push_back(one.container());
    }
    return ids;
  }
  static std::vector<std::string> TouchedTypes(const pb::TracedTherapy& traced) {
    std::vector<std::string> found;
    for (const pb::TracedItem& item : traced.touched()) {
      found.push_back(item.type() + " " + item.value());
    }
    return found;
  }

  TestLedger ledger_;
  TherapyRun run_{ledger_};
};

TEST_F(TraceTest, AVectorLotIsInTheBagsMadeWithItAndNotInTheCellsBeforeIt) {
  run_.Through("stored_clinic");
  const pb::TracedTherapy traced = Trace("vector", "VEC-3");
  EXPECT_EQ(Concerned(traced), kOfTheLot);
  ASSERT_EQ(traced.uses_size(), 1);
  EXPECT_EQ(traced.uses(0).body(), "transduced");
  const pb::TracedContainer* bag = nullptr;
  for (const pb::TracedContainer& one : traced.containers()) {
    if (one.container() == kMainBag) bag = &one;
  }
  ASSERT_NE(bag, nullptr);
  EXPECT_EQ(bag->because(), "lot " + std::string(kMainLot));
  EXPECT_EQ(bag->site(), "CLINIC");
  EXPECT_EQ(bag->unit(), "C-LN2");
  EXPECT_EQ(bag->infusion_started_us(), 0);
  EXPECT_THAT(traced.notify(), ElementsAre("CLINIC", "LAB"));
  EXPECT_NE(traced.expected_us(), 0);  // it lies there, and the slot says when it is to be given
}

TEST_F(TraceTest, WhatWasGivenIsSaidToBeGivenAndWhen) {
  run_.Until("");
  const pb::TracedTherapy traced = Trace("", "VEC-3");
  EXPECT_EQ(Concerned(traced), kOfTheLot);
  EXPECT_EQ(traced.infused_us(), run_.state().first_infused_us());
}

TEST_F(TraceTest, AReagentIsFoundByItsLotAndAKitReachesTheProductThroughTheDonation) {
  run_.Through("stored_clinic");
  EXPECT_EQ(Concerned(Trace("reagent", "R1")), kOfTheLot);
  const std::string& kit = run_.state().donations(0).kit();
  ASSERT_FALSE(kit.empty());
  EXPECT_THAT(Concerned(Trace("reagent", kit)), Contains(std::string(kMainBag)));
}

TEST_F(TraceTest, ShippersLoggersAndWaybillsGiveWhatTravelledInThem) {
  run_.Through("stored_clinic");
  ASSERT_EQ(run_.state().shipments_size(), 2);
  const pb::Shipment& out = run_.state().shipments(1);
  EXPECT_THAT(Concerned(Trace("shipper", out.shipper())), ElementsAre(std::string(kMainBag)));
  EXPECT_THAT(Concerned(Trace("logger", out.logger())), ElementsAre(std::string(kMainBag)));
  EXPECT_THAT(Concerned(Trace("waybill", out.waybill())), ElementsAre(std::string(kMainBag)));
}

TEST_F(TraceTest, APersonTouchedOnlyWhatTheirEventsName) {
  run_.Through("stored_clinic");
  const pb::TracedTherapy traced = Trace("person", "clinic.phy.1");  // assessed, ordered
  EXPECT_GT(traced.uses_size(), 0);
  EXPECT_THAT(Concerned(traced), IsEmpty());
  EXPECT_THAT(Concerned(Trace("person", "clinic.pharm.1")), Contains(std::string(kMainBag)));
  EXPECT_THAT(Concerned(Trace("person", "nobody")), IsEmpty());
}

TEST_F(TraceTest, ABagLeadsBackToEverythingThatWentIntoIt) {
  run_.Through("stored_clinic");
  const pb::TracedTherapy traced = Trace("container", std::string(kMainBag), true);
  EXPECT_THAT(Concerned(traced), ElementsAre(std::string(kMainBag)));
  const std::vector<std::string> touched = TouchedTypes(traced);
  for (const char* wanted : {"vector VEC-3", "vector VEC-3-12", "reagent R1", "person lab.mfg.1",
                             "din A999026000001", "equipment C-LN2", "equipment APH-3"}) {
    EXPECT_THAT(touched, Contains(wanted));
  }
}

TEST_F(TraceTest, WhatLiesInAUnitIsDerivedAlsoForThePast) {
  run_.Through("stored_clinic");
  const std::int64_t stored = FindStep(run_.state(), pb::Event::kStoredClinic)->occurred_us();
  const auto lies = [&](std::string_view unit, std::int64_t at) {
    return Concerned(InventoryOf(run_.state(), unit, at, at));
  };
  EXPECT_THAT(lies("C-LN2", stored + 1), ElementsAre(std::string(kMainBag)));
  EXPECT_THAT(lies("C-LN2", stored - kMicrosPerHour), IsEmpty());
  EXPECT_THAT(lies("C-LN", stored + 1), IsEmpty());  // another unit's name
  // Before it went on its way it lay at the manufacturer's.
  const std::int64_t packed = run_.state().shipments(1).packed_us();
  EXPECT_THAT(lies("LN1", packed - 1), ElementsAre(std::string(kMainBag)));
  EXPECT_THAT(lies("LN1", packed + 1), IsEmpty());
  run_.Through("removed_from_storage");
  const std::int64_t removed =
      FindStep(run_.state(), pb::Event::kRemovedFromStorage)->occurred_us();
  EXPECT_THAT(lies("C-LN2", removed + 1), IsEmpty());
  EXPECT_THAT(lies("C-LN2", removed - 1), ElementsAre(std::string(kMainBag)));
}

TEST_F(TraceTest, AMoveToldLateFindsItsPlaceAmongTheOthers) {
  run_.Through("stored_clinic");
  const pb::Container before = *FindContainer(run_.state(), kMainBag);
  const std::int64_t first = before.stays(before.stays_size() - 1).from_us();
  ledger_.Pass(3 * kMicrosPerHour);
  const auto move = [&](const char* unit, std::int64_t at) {
    EventBuilder event = run_.Draft(
        {"clinic.pharm.1"}, std::string("moved { containers { container: \"LOT26001-1\" position: "
                                        "\"P\" } to_unit: \"") +
                                unit + "\" moved_at $T reason: \"full\" }");
    *event.event().mutable_occurred_at() = ToProto(Instant{at});
    *event.event().mutable_moved()->mutable_moved_at() = ToProto(Instant{at});
    EXPECT_FALSE(run_.Record(event).refused());
  };
  move("C-LN3", first + 2 * kMicrosPerHour);
  move("C-LN4", first + kMicrosPerHour);  // in between, told afterwards
  const auto at = [&](const char* unit, std::int64_t hours) {
    const std::int64_t then = first + hours * kMicrosPerHour + kMicrosPerMinute;
    return !InventoryOf(run_.state(), unit, then, then).containers().empty();
  };
  EXPECT_TRUE(at("C-LN2", 0));
  EXPECT_TRUE(at("C-LN4", 1));
  EXPECT_TRUE(at("C-LN3", 2));
  EXPECT_FALSE(at("C-LN2", 1) || at("C-LN3", 1) || at("C-LN4", 2));
}

// What is scanned in a message of its own is found as well as what is typed: shippers when they are
// packed, seals when they are opened, and who signed.
TEST_F(TraceTest, ScansAndPeopleAreIdentifiersOfAnEvent) {
  run_.Through("received_clinic");
  const std::vector<NamedIdentifier> named =
      ContentsOf(ledger_.log().back().parsed.effective()).identifiers;
  const pb::Shipment& out = run_.state().shipments(1);
  EXPECT_THAT(named, Contains(NamedIdentifier{"shipper", out.shipper()}));
  EXPECT_THAT(named, Contains(NamedIdentifier{"logger", out.logger()}));
  EXPECT_THAT(named, Contains(NamedIdentifier{"container", std::string(kMainBag)}));
  EXPECT_THAT(named, Contains(NamedIdentifier{"person", "clinic.pharm.1"}));
  EXPECT_THAT(IdentifierTypes(), Not(Contains("person")));
}

std::int64_t PlannedOf(const pb::TherapyState& state, const std::string& name) {
  const pb::Profile profile = DemoProfile();
  for (const PlannedStep& step : ScheduleOf(state, &profile)) {
    if (step.name == name) return step.from_us;
  }
  return 0;
}

TEST_F(TraceTest, ACollectionThatMovesMovesEverythingBehindIt) {
  run_.Through("slot_reserved");
  const pb::TherapyState before = run_.state();
  ASSERT_NE(PlannedOf(before, "infusion"), 0);
  ledger_.Pass(kMicrosPerHour);
  EventBuilder change =
      run_.Draft({"lab.sched.1"},
                 "slot_changed { slot: \"SLOT-7\" change: SLOT_CHANGE_MOVED new_slot: "
                 "\"SLOT-9\" reason: \"no bed\" }");
  const std::int64_t week = 7 * kMicrosPerDay;
  *change.event().mutable_slot_changed()->mutable_apheresis_at() =
      ToProto(Instant{before.apheresis_planned_us() + week});
  ASSERT_FALSE(run_.Record(change).refused());
  const pb::TherapyState& after = run_.state();
  EXPECT_EQ(after.slot(), "SLOT-9");
  EXPECT_EQ(after.manufacturing_planned_us(), before.manufacturing_planned_us() + week);
  EXPECT_EQ(after.expected_delivery_us(), before.expected_delivery_us() + week);
  for (const char* name :
       {"collection", "manufacture", "delivery", "lymphodepletion", "infusion"}) {
    const std::int64_t shift = PlannedOf(after, name) - PlannedOf(before, name);
    EXPECT_NEAR(static_cast<double>(shift), static_cast<double>(week), 3.7e9)
        << name;  // summer time
  }
  ASSERT_EQ(after.slot_moves_size(), 1);
  EXPECT_EQ(after.slot_moves(0).dates_size(), 3);
  EXPECT_FALSE(after.slot_moves(0).dates(0).follows());
  EXPECT_TRUE(after.slot_moves(0).dates(2).follows());
  const pb::Profile profile = DemoProfile();
  const auto old = ScheduleBefore(after, after.slot_moves(0), &profile);
  EXPECT_TRUE(std::ranges::any_of(old, [&](const PlannedStep& step) {
    return step.name == "infusion" && step.from_us == PlannedOf(before, "infusion");
  }));
}

TEST_F(TraceTest, ALostSlotLeavesNoDatesAndALaterDeliveryMovesNothingBeforeIt) {
  run_.Through("slot_reserved");
  const pb::TherapyState before = run_.state();
  ledger_.Pass(kMicrosPerHour);
  EventBuilder later = run_.Draft({"lab.sched.1"},
                                  "slot_changed { slot: \"SLOT-7\" change: SLOT_CHANGE_MOVED "
                                  "expected_delivery $T+50d reason: \"carrier\" }");
  ASSERT_FALSE(run_.Record(later).refused());
  EXPECT_EQ(run_.state().apheresis_planned_us(), before.apheresis_planned_us());
  EXPECT_GT(PlannedOf(run_.state(), "infusion"), PlannedOf(before, "infusion"));
  ledger_.Pass(kMicrosPerHour);
  EventBuilder lost = run_.Draft({"lab.sched.1"},
                                 "slot_changed { slot: \"SLOT-7\" change: SLOT_CHANGE_LOST reason: "
                                 "\"suite closed\" }");
  ASSERT_FALSE(run_.Record(lost).refused());
  EXPECT_FALSE(run_.state().slotted());
  EXPECT_EQ(PlannedOf(run_.state(), "collection"), 0);
  EXPECT_EQ(PlannedOf(run_.state(), "infusion"), 0);
}

TEST_F(TraceTest, ACarriersNewTimeOfArrivalCountsWithoutTheNumberOfTheShipment) {
  run_.Until("received_clinic");
  const Instant expected = ledger_.now() + 30 * kMicrosPerHour;
  ASSERT_FALSE(run_.Record(run_.Draft({"depot.cour.1"},
                                      "carrier_milestone { shipper: 'SHP-2' kind: "
                                      "MILESTONE_HUB_ARRIVED at $T expected_at $T+30h "
                                      "reported_by: 'feed' }"))
                   .refused());
  EXPECT_EQ(run_.state().shipments(1).expected_us(), expected.micros);
}

TEST_F(TraceTest, AnOlderTimeOfArrivalToldLaterChangesNothing) {
  run_.Until("received_clinic");
  const auto say = [&](const char* when) {
    return run_.Draft({"depot.cour.1"}, std::string("carrier_milestone { shipper: 'SHP-2' kind: "
                                                    "MILESTONE_HUB_ARRIVED at $T expected_at ") +
                                            when + " reported_by: 'feed' }");
  };
  EventBuilder older = say("$T+30h");
  ledger_.Pass(kMicrosPerHour);
  const Instant expected = ledger_.now() + 40 * kMicrosPerHour;
  ASSERT_FALSE(run_.Record(say("$T+40h")).refused());
  older.Late("from the carrier's paper").PerformedBy("depot.cour.1");
  older.event().clear_signers();
  older.By("depot.cour.1", pb::TRANSCRIBED).By("depot.cour.2", pb::CHECKED);
  const pb::Verdict verdict = run_.Record(older);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run_.state().shipments(1).expected_us(), expected.micros);
}

TEST_F(TraceTest, TheClockFromVeinToVeinRunsFromTheFirstCollectionToTheFirstInfusion) {
  run_.Until("apheresis_completed");
  EXPECT_FALSE(VeinToVeinOf(run_.state()).has_value());
  run_.Until("infusion_started");
  ASSERT_TRUE(VeinToVeinOf(run_.state()).has_value());
  EXPECT_EQ(VeinToVeinOf(run_.state())->from_us, run_.state().donations(0).ended_us());
  EXPECT_EQ(VeinToVeinOf(run_.state())->to_us, 0);
  run_.Until("");
  ASSERT_TRUE(VeinToVeinOf(run_.state()).has_value());
  EXPECT_EQ(VeinToVeinOf(run_.state())->to_us, run_.state().first_infused_us());
  pb::TherapyState untreated = run_.state();
  untreated.clear_first_infused_us();
  untreated.set_patient_died(true);
  EXPECT_FALSE(VeinToVeinOf(untreated).has_value());
}

TEST_F(TraceTest, TheCourseHasTheDaysThatTheProfileSays) {
  EXPECT_EQ(CourseDays(nullptr), 3U);
  for (const char* file : {"tisa-cel-us-all", "tisa-cel-eu-all"}) {
    const pb::Profile profile = ProfileNamed(file);
    EXPECT_EQ(CourseDays(&profile), 4U) << file;
  }
}

}  // namespace
}  // namespace custody
