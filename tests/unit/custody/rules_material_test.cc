// R09, R10, R12, R14, R46, F3: how old cells become, how their way is planned and watched, what a
// lot went through, and how often cells are collected.
#include <gmock/gmock.h>

#include <optional>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class MaterialTest : public RulesTest {
 protected:
  pb::Donation& Collected() { return *run.mutable_state().mutable_donations(0); }
  void CollectedHoursAgo(std::int64_t hours, std::int64_t minutes = 0) {
    Collected().set_ended_us(ledger.now().micros - hours * kMicrosPerHour -
                             minutes * kMicrosPerMinute);
  }
  // What `rule` says: 0 nothing, 1 a deviation, 2 a critical one, 3 a refusal.
  static int Weight(const pb::Verdict& verdict, std::string_view rule) {
    const std::vector<pb::Reason> reasons = Of(verdict, rule);
    if (reasons.empty()) return 0;
    EXPECT_EQ(reasons.size(), 1U) << Explain(verdict);
    if (reasons[0].kind() == pb::REASON_GATE) return 3;
    EXPECT_EQ(reasons[0].kind(), pb::REASON_DEVIATION);
    return reasons[0].critical() ? 2 : 1;
  }
  void FrozenAt(std::int64_t micros) {
    pb::TherapyState& state = run.mutable_state();
    for (pb::Container& bag : *state.mutable_containers()) bag.set_frozen_us(micros);
  }
};

TEST_F(MaterialTest, R09JudgesFreshCellsAtTheOpeningOfTheBatch) {
  EventBuilder batch = At("batch_opened");
  const auto weight = [&](std::int64_t hours, std::int64_t minutes) {
    CollectedHoursAgo(hours, minutes);
    const pb::Verdict verdict = run.Judge(batch);
    EXPECT_EQ(verdict.refused(), Weight(verdict, "R09") == 3) << Explain(verdict);
    return Weight(verdict, "R09");
  };
  EXPECT_EQ(weight(36, 0), 0);
  EXPECT_EQ(weight(48, 0), 0);
  EXPECT_EQ(weight(48, 1), 1);
  EXPECT_EQ(weight(72, 0), 1);
  EXPECT_EQ(weight(72, 1), 3);
  const pb::Verdict late = run.Judge(batch);
  EXPECT_THAT(Of(late, "R09")[0].found(), testing::HasSubstr("72 h 01 min"));
}

TEST_F(MaterialTest, R09SaysAnAimThatWasMissedAsANote) {
  EventBuilder batch = At("batch_opened");  // 44 h after the collection
  const auto noted = [&] {
    const pb::Verdict verdict = run.Judge(batch);
    return std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
      return reason.rule() == "R09" && reason.kind() == pb::REASON_NOTE;
    });
  };
  EXPECT_TRUE(noted());
  CollectedHoursAgo(36);
  EXPECT_FALSE(noted());
}

TEST_F(MaterialTest, R09IsTightenedByTheProfileAndNeverWidened) {
  EventBuilder batch = At("batch_opened");
  CollectedHoursAgo(40);
  Publish([](pb::Profile& p) { p.mutable_fresh_hold()->set_soft_hours(30); });
  EXPECT_EQ(Weight(run.Judge(batch), "R09"), 1);
  Publish([](pb::Profile& p) { p.mutable_fresh_hold()->set_hard_hours(39); });
  EXPECT_EQ(Weight(run.Judge(batch), "R09"), 3);
  EventBuilder act = ledger.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  pb::Profile& wide = *act.event().mutable_profile_published()->mutable_profile();
  wide = DemoProfile();
  EXPECT_EQ(CheckShape(act.Build(), nullptr), absl::OkStatus());
  wide.mutable_fresh_hold()->set_hard_hours(73);
  EXPECT_NE(CheckShape(act.Build(), nullptr), absl::OkStatus()) << "refused before it is signed";
}

TEST_F(MaterialTest, R09CountsACollectionOfUnknownEndAsTooOld) {
  EventBuilder batch = At("batch_opened");
  Collected().set_ended_us(0);
  EXPECT_EQ(Weight(run.Judge(batch), "R09"), 3);
  Collected().set_ended_us(ledger.now().micros + kMicrosPerHour);
  EXPECT_EQ(Weight(run.Judge(batch), "R09"), 3);
}

TEST_F(MaterialTest, R09JudgesFreezingTooAndFrozenCellsNoMore) {
  run.Until("packed");
  EventBuilder freeze = run.Draft(
      {"clinic.cell_lab.1"},
      "apheresis_cryopreserved { din: 'A999026000001' containers { container: 'A999026000001' "
      "volume_ml: 60 position: 'C-LN2-1' } freeze_started_at $T-2h freeze_ended_at $T freezer: "
      "'F-1' rate_program: 'P' wbc_concentration_1e8_per_ml: 1 dmso_percent: 5 }");
  CollectedHoursAgo(50);
  EXPECT_EQ(Weight(run.Judge(freeze), "R09"), 1);
  CollectedHoursAgo(20);
  EXPECT_EQ(Weight(run.Judge(freeze), "R09"), 0);
  ASSERT_FALSE(run.Record(freeze).refused());
  EXPECT_TRUE(Collected().frozen());
  EXPECT_EQ(Collected().frozen_us(), ledger.now().micros);
  run.Skip("batch_opened");
  EventBuilder batch = run.Next();
  Pass(90 * kMicrosPerDay);
  batch.SignedAt(ledger.now()).HappenedAt(ledger.now());
  EXPECT_EQ(Weight(run.Judge(batch), "R09"), 0) << Explain(run.Judge(batch));
}

TEST_F(MaterialTest, R09CorrectedIsJudgedAgainByPeople) {
  run.Through("batch_opened");
  std::string id;
  const auto number = static_cast<int>(pb::Event::kApheresisCompleted);
  id = FindStep(run.state(), number)->event_id();
  const auto at = [&](std::int64_t hours) {
    return FormatUtc(Instant{Collected().ended_us()} + -hours * kMicrosPerHour);
  };
  EventBuilder correction =
      run.Draft({"clinic.rn.1", "clinic.rn.2"},
                "record_corrected { corrections { field_path: 'ended_at' old_value: '" + at(0) +
                    "' new_value: '" + at(30) + "' } reason: 'misread' }");
  correction.event().mutable_record_corrected()->set_corrected_event(id);
  EXPECT_EQ(Weight(run.Judge(correction), "R09"), 2) << Explain(run.Judge(correction));
}

TEST_F(MaterialTest, R10CountsCalendarMonthsFromFreezing) {
  EventBuilder batch = At("batch_opened");
  const auto weight = [&](const char* frozen, const char* now) {
    FrozenAt(Must(ParseInstant(frozen)).micros);
    *batch.event().mutable_occurred_at() = ToProto(Must(ParseInstant(now)));
    return Weight(run.Judge(batch), "R10");
  };
  EXPECT_EQ(weight("2024-09-15T10:00:00Z", "2026-03-15T18:00:00Z"), 0);
  EXPECT_EQ(weight("2024-09-15T10:00:00Z", "2026-03-16T08:00:00Z"), 3);
  EXPECT_EQ(weight("2024-08-31T10:00:00Z", "2026-02-28T10:00:00Z"), 0);
  EXPECT_EQ(weight("2024-08-31T10:00:00Z", "2026-03-01T10:00:00Z"), 3);
  // The day is the site's: 23:30 in UTC is the next day in Berlin.
  EXPECT_EQ(weight("2024-09-15T10:00:00Z", "2026-03-15T23:30:00Z"), 3);
}

TEST_F(MaterialTest, R10IsWidenedByANamedSourceAlone) {
  EventBuilder batch = At("batch_opened");
  FrozenAt(ledger.now().micros - 600 * kMicrosPerDay);
  EXPECT_EQ(Weight(run.Judge(batch), "R10"), 3);
  Publish([](pb::Profile& p) { p.mutable_frozen_hold()->set_max_months(30); });
  EXPECT_EQ(Weight(run.Judge(batch), "R10"), 3);
  Publish([](pb::Profile& p) {
    p.mutable_frozen_hold()->set_max_months(30);
    p.mutable_frozen_hold()->set_label_source("maker's manual, 2025");
  });
  EXPECT_EQ(Weight(run.Judge(batch), "R10"), 0);
  FrozenAt(ledger.now().micros - 400 * kMicrosPerDay);
  Publish([](pb::Profile& p) { p.mutable_frozen_hold()->set_max_months(12); });
  EXPECT_EQ(Weight(run.Judge(batch), "R10"), 3);
}

class TransitTest : public MaterialTest {
 protected:
  // The product's hand-over an hour after packing, to arrive `hours` after that.
  pb::Verdict Handed(std::int64_t hours) {
    EventBuilder handed = *handed_;
    *handed.event().mutable_handed_to_carrier()->mutable_expected_at() =
        ToProto(ledger.now() + hours * kMicrosPerHour);
    return run.Judge(handed);
  }
  void UntilTheProductsHandOver() {
    run.Through("released");
    ASSERT_FALSE(run.Record(run.Next()).refused());  // packed
    handed_.emplace(run.Next());
  }
  std::optional<EventBuilder> handed_;
};

TEST_F(TransitTest, R12PlansAtMostHalfOfTheHold) {
  UntilTheProductsHandOver();
  EXPECT_EQ(Weight(Handed(119), "R12"), 0);
  EXPECT_EQ(Weight(Handed(120), "R12"), 1);  // packed an hour ago
  run.mutable_state().mutable_shipments(1)->set_hold_hours(100);
  EXPECT_EQ(Weight(Handed(49), "R12"), 0);
  EXPECT_EQ(Weight(Handed(50), "R12"), 1);
  Publish([](pb::Profile& p) { p.mutable_shipper_plan()->set_planned_percent(20); });
  EXPECT_EQ(Weight(Handed(19), "R12"), 0);
  EXPECT_EQ(Weight(Handed(20), "R12"), 1);
  Publish([](pb::Profile& p) { p.mutable_shipper_plan()->set_qualified_hold_hours(60); });
  EXPECT_EQ(Weight(Handed(30), "R12"), 1);
}

TEST_F(TransitTest, R12AsksForATimeOfArrivalOfDryShippersAlone) {
  UntilTheProductsHandOver();
  EventBuilder handed = *handed_;
  handed.event().mutable_handed_to_carrier()->clear_expected_at();
  EXPECT_EQ(Weight(run.Judge(handed), "R12"), 1);
  EXPECT_FALSE(run.Judge(handed).refused());
  run.mutable_state().mutable_shipments(1)->set_cryogenic(false);
  EXPECT_EQ(Weight(run.Judge(handed), "R12"), 0);
}

TEST_F(TransitTest, R12JudgesADelayAndCountsAnewFromTheRecharge) {
  UntilTheProductsHandOver();
  ASSERT_FALSE(run.Record(*handed_).refused());
  const auto delay = [&] {
    return Weight(run.Judge(run.Draft({"depot.cour.1"},
                                      "shipment_delayed { shipper: 'SHP-2' expected_at $T+110h "
                                      "reason: 'snow' }")),
                  "R12");
  };
  Pass(20 * kMicrosPerHour);
  EXPECT_EQ(delay(), 1);
  MustDo({"depot.cour.1"},
         "shipper_recharged { shipper: 'SHP-2' recharged_at $T ln2_added_kg: 3 hold_until $T+240h "
         "place: 'hub' seal_untouched: YES }");
  EXPECT_EQ(delay(), 0);
}

TEST_F(TransitTest, R12KeepsTheHoldThatPackingStated) {
  run.Through("released");
  EventBuilder packed = run.Next();
  packed.event().mutable_packed()->set_nominal_hold_hours(96);
  ASSERT_FALSE(run.Record(packed).refused());
  EXPECT_EQ(run.state().shipments(1).hold_hours(), 96);
  EXPECT_EQ(run.state().shipments(1).charged_us(), 0);
}

TEST_F(TransitTest, R14WantsACalibratedLogger) {
  EventBuilder packed = At("packed");
  EXPECT_EQ(Weight(run.Judge(packed), "R14"), 0);
  *packed.event().mutable_packed()->mutable_logger_calibration_until() =
      ToProto(ledger.now() + -kMicrosPerMinute);
  EXPECT_EQ(Weight(run.Judge(packed), "R14"), 1);
  ASSERT_FALSE(run.Record(packed).refused());
  EventBuilder file = At("telemetry_batch");
  EXPECT_EQ(Weight(run.Judge(file), "R14"), 0);
  *file.event().mutable_telemetry_batch()->mutable_calibration_until() =
      ToProto(ledger.now() + -kMicrosPerHour);  // the last reading is half an hour old
  EXPECT_EQ(Weight(run.Judge(file), "R14"), 1);
}

TEST_F(TransitTest, R14CountsGapsOfMoreThanThreeIntervals) {
  EventBuilder file = At("telemetry_batch");  // an interval of 5 min
  const auto gaps = [&](const std::vector<std::uint64_t>& lengths_ms) {
    pb::TelemetryBatch& batch = *file.event().mutable_telemetry_batch();
    batch.clear_gaps();
    for (const std::uint64_t length : lengths_ms) {
      pb::TelemetryGap& gap = *batch.add_gaps();
      *gap.mutable_from() = ToProto(ledger.now() + -10 * kMicrosPerHour);
      gap.set_duration_ms(length);
    }
    return run.Judge(file);
  };
  constexpr std::uint64_t kMinute = 60'000;
  EXPECT_EQ(Weight(gaps({15 * kMinute}), "R14"), 0);
  EXPECT_EQ(Weight(gaps({15 * kMinute + 1}), "R14"), 1);
  const pb::Verdict two = gaps({16 * kMinute, 20 * kMinute, 10 * kMinute});
  EXPECT_EQ(Weight(two, "R14"), 1);
  EXPECT_THAT(Of(two, "R14")[0].found(), testing::HasSubstr("2 gaps, the longest of 20 min"));
  Publish([](pb::Profile& p) { p.set_telemetry_gap_intervals(2); });
  EXPECT_EQ(Weight(gaps({11 * kMinute}), "R14"), 1);
}

TEST_F(MaterialTest, R46WantsEveryMandatoryStepOfThisLot) {
  EventBuilder release = At("released");
  EXPECT_FALSE(Says(run.Judge(release), "R46")) << Explain(run.Judge(release));
  auto& made = *run.mutable_state().mutable_lots(0)->mutable_made();
  made.erase(std::ranges::find(made, static_cast<std::uint32_t>(pb::Event::kTransduced)));
  const pb::Verdict verdict = run.Judge(release);
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R46").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R46")[0].expected(), testing::HasSubstr("Transduced"));
  EXPECT_TRUE(Of(verdict, "R46")[0].grantors().empty());
}

TEST_F(MaterialTest, R46IsOfALotNotOfTheTherapy) {
  EventBuilder release = At("released");
  pb::Lot* second = run.mutable_state().add_lots();
  second->set_lot("LOT26002");
  second->set_state(pb::LOT_FILLED);
  release.event().mutable_released()->set_lot("LOT26002");
  EXPECT_EQ(Of(run.Judge(release), "R46").size(), 6U);  // all that the profile names
}

TEST_F(MaterialTest, R46IsAskedOfTheExceptionalReleaseToo) {
  EventBuilder release = At("released");
  run.mutable_state().mutable_lots(0)->clear_made();
  EventBuilder oos = run.Draft(
      {"lab.qp.1", "lab.qa.1"},
      "released_oos { lot: 'LOT26001' certificate: 'CERT-9' certificate_file $FILE containers { "
      "container: 'LOT26001-1' dose_1e6: 144 } dose: 2 dose_unit: '10^6/kg' weight_used_kg: 72 "
      "expires_at $T+300d expiry_time_zone: 'Europe/Amsterdam' expiry_date_only: YES missed: "
      "'viability' authorisation: 'A-1' conditions: 'none' }");
  EXPECT_TRUE(Says(run.Judge(oos), "R46"));
}

TEST_F(MaterialTest, R46RefusesByAStepThatThereIsNot) {
  EventBuilder release = At("released");
  Publish([](pb::Profile& p) { p.add_mandatory_steps("transduction"); });
  ASSERT_TRUE(Says(run.Judge(release), "R46"));
  EXPECT_THAT(Of(run.Judge(release), "R46")[0].next_step(), testing::HasSubstr("trustees"));
}

class AttemptsTest : public MaterialTest {
 protected:
  EventBuilder Again(int attempt) {
    return run.Draft({"clinic.phy.1"}, "recollection_ordered { attempt: " +
                                           std::to_string(attempt) + " reason: 'low yield' }");
  }
};

TEST_F(AttemptsTest, F3StopsAtTheThirdCollectionUntilAPhysicianReviews) {
  run.Through("apheresis_completed");
  for (const int attempt : {2, 3}) {
    const pb::Verdict verdict = run.Record(Again(attempt));
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  }
  const pb::Verdict fourth = run.Judge(Again(4));
  EXPECT_TRUE(fourth.refused());
  ASSERT_TRUE(Says(fourth, "F3"));
  EXPECT_TRUE(Says(run.Judge(Again(2)), "F3")) << "counted, whatever is typed";
  const Recorded& grant =
      Grant("clinic.phy.2", "rules: 'F3'",
            "step: 'recollection_ordered' scope: OVERRIDE_SCOPE_STEP expires_at $T+2h");
  EventBuilder reviewed = Again(4);
  reviewed.Citing(grant);
  EXPECT_FALSE(run.Judge(reviewed).refused()) << Explain(run.Judge(reviewed));
}

TEST_F(AttemptsTest, WhatNoPhysicianOrderedIsNoAttempt) {
  run.Through("apheresis_completed");
  EventBuilder told = Again(2);
  told.event().clear_signers();
  told.PerformedBy("clinic.phy.1").Late("on paper");
  told.By("clinic.coord.1", pb::TRANSCRIBED).By("clinic.coord.2", pb::CHECKED);
  EXPECT_TRUE(Says(run.Record(told), "R01"));
  EXPECT_EQ(run.state().recollections(), 0U);
  // Nor is one that a rule stands against, told by who gave it.
  Publish([](pb::Profile& p) { p.set_max_collection_attempts(1); });
  const pb::Verdict late = run.Record(Late(Again(2)));
  EXPECT_FALSE(late.refused()) << Explain(late);
  EXPECT_TRUE(Says(late, "F3"));
  EXPECT_EQ(run.state().recollections(), 0U);
  EXPECT_EQ(run.state().recollection_us(), 0);
}

TEST_F(AttemptsTest, F3TakesTheProfilesNumberOrTheDefault) {
  run.Through("apheresis_completed");
  EXPECT_FALSE(Says(run.Judge(Again(2)), "F3"));
  Publish([](pb::Profile& p) { p.set_max_collection_attempts(1); });
  EXPECT_TRUE(Says(run.Judge(Again(2)), "F3"));
  Publish([](pb::Profile& p) { p.set_max_collection_attempts(9); });
  EXPECT_TRUE(Says(run.Judge(Again(4)), "F3"));
}

}  // namespace
}  // namespace custody
