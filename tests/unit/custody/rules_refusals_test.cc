// What says no is heard: refused, it would be lost, and what was said before it would go on opening
// the door.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class NoTest : public RulesTest {
 protected:
  // The main path's step, as two people would sign it now.
  EventBuilder Again(std::string_view body) {
    EventBuilder event = Now(body);
    for (auto& check : *(body == "bedside_id_verified"
                             ? event.event().mutable_bedside_id_verified()->mutable_checks()
                             : event.event().mutable_prethaw_id_verified()->mutable_checks())) {
      *check.mutable_at() = ToProto(ledger.now());
    }
    if (event.event().has_bedside_id_verified()) {
      const std::int64_t thawed = ledger.now().micros - Bag().thaw_completed_us();
      const auto left = static_cast<std::int32_t>(30 - thawed / kMicrosPerMinute);
      Bed(event).mutable_time_out()->set_minutes_left(left);
    }
    return event;
  }
  static pb::BedsideIdVerified& Bed(EventBuilder& event) {
    return *event.event().mutable_bedside_id_verified();
  }
  static pb::PrethawIdVerified& Cold(EventBuilder& event) {
    return *event.event().mutable_prethaw_id_verified();
  }
  // Recorded, with what was found as critical deviations of these rules.
  void IsHeard(EventBuilder event, const std::vector<std::string>& rules) {
    const int before = run.state().deviations_size();
    const pb::Verdict verdict = run.Record(event);
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
    EXPECT_EQ(Blockers(verdict), rules) << Explain(verdict);
    EXPECT_GT(run.state().deviations_size(), before);
    for (int i = before; i < run.state().deviations_size(); ++i) {
      EXPECT_TRUE(run.state().deviations(i).critical());
    }
  }
  void NearMiss(const std::string& at_step) {
    Pass(3 * kMicrosPerMinute);
    MustDo({"clinic.rn.1"}, "wrong_item_presented { at_step: '" + at_step +
                                "' presented_type: 'wristband' nothing_done: YES }");
  }
  const pb::Container& Bag() const { return *FindContainer(run.state(), kMainBag); }
};

TEST_F(NoTest, AtTheBedEndsThePassBeforeItAlsoWhereTheScansDiffer) {
  EventBuilder start = At("infusion_started");
  ASSERT_FALSE(run.Judge(start).refused());
  EventBuilder no = Again("bedside_id_verified");
  Bed(no).set_passed(pb::NO);
  Bed(no).mutable_checks(1)->set_all_agree(pb::NO);
  Bed(no).mutable_checks(1)->mutable_container()->set_value("LOT26009-1");
  IsHeard(no, {"F8a"});
  EXPECT_FALSE(Bag().has_pass());
  EXPECT_TRUE(Says(run.Judge(start), "R26"));
  Pass(3 * kMicrosPerMinute);
  EventBuilder both = Again("bedside_id_verified");
  ASSERT_FALSE(run.Record(both).refused()) << Explain(run.Judge(both));
  EXPECT_TRUE(Bag().has_pass());
}

TEST_F(NoTest, OfOneOfTheTwoIsNoPassWhateverTheStepSays) {
  EventBuilder start = At("infusion_started");
  EventBuilder no = Again("bedside_id_verified");
  Bed(no).mutable_checks(1)->set_all_agree(pb::NO);
  IsHeard(no, {"F8a"});
  EXPECT_FALSE(Bag().has_pass());
  EXPECT_TRUE(Says(run.Judge(start), "R26"));
}

TEST_F(NoTest, IsHeardWhereAYesWouldBeRefused) {
  At("bedside_id_verified");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  EventBuilder check = Again("bedside_id_verified");
  EXPECT_TRUE(run.Judge(check).refused());
  Bed(check).set_passed(pb::NO);
  IsHeard(check, {"R34"});
  EXPECT_FALSE(Bag().has_pass());
}

TEST_F(NoTest, BeforeTheThawEndsTheCheckBeforeIt) {
  EventBuilder thaw = At("thaw_started");
  ASSERT_FALSE(run.Judge(thaw).refused());
  EventBuilder no = Again("prethaw_id_verified");
  Cold(no).mutable_checks(0)->set_all_agree(pb::NO);
  IsHeard(no, {"F8a"});
  EXPECT_TRUE(Bag().prethaw().empty());
  EXPECT_TRUE(Says(run.Judge(thaw), "R35"));
}

TEST_F(NoTest, OfThePatientWhoIsNotReadyEndsTheCheckBeforeIt) {
  EventBuilder thaw = At("thaw_started");
  EventBuilder no = Again("prethaw_id_verified");
  Cold(no).set_patient_ready(pb::NO);
  IsHeard(no, {"F8a"});
  EXPECT_TRUE(Says(run.Judge(thaw), "R35"));
}

TEST_F(NoTest, OfABagThatNobodyKnowsIsANoOfEveryBagThatIsOut) {
  EventBuilder start = At("infusion_started");
  EventBuilder no = Again("bedside_id_verified");
  Bed(no).set_passed(pb::NO);
  Bed(no).mutable_container()->set_value("LOT26009-1");
  for (pb::PersonCheck& check : *Bed(no).mutable_checks()) {
    check.mutable_container()->set_value("LOT26009-1");
  }
  IsHeard(no, {"F8a"});
  EXPECT_TRUE(Says(run.Judge(start), "R26"));
}

TEST_F(NoTest, OfAnUnknownBagBeforeTheThawEndsTheChecksBeforeIt) {
  EventBuilder thaw = At("thaw_started");
  EventBuilder no = Again("prethaw_id_verified");
  Cold(no).mutable_container()->set_value("LOT26009-1");
  for (pb::PersonCheck& check : *Cold(no).mutable_checks()) {
    check.mutable_container()->set_value("LOT26009-1");
    check.set_all_agree(pb::NO);
  }
  IsHeard(no, {"F8a"});
  EXPECT_TRUE(Says(run.Judge(thaw), "R35"));
}

TEST_F(NoTest, AWrongItemAtTheBedIsVerifiedAgain) {
  At("infusion_started");
  NearMiss("received_clinic");
  EXPECT_TRUE(Bag().has_pass());
  for (const char* step : {"bedside_id_verified", "INFUSION_STARTED", "at the bed"}) {
    NearMiss(step);
    EXPECT_FALSE(Bag().has_pass()) << step;
    EXPECT_FALSE(Bag().prethaw().empty()) << step;  // that has done its work
    EventBuilder both = Again("bedside_id_verified");
    ASSERT_FALSE(run.Record(both).refused()) << Explain(run.Judge(both));
    EXPECT_TRUE(Bag().has_pass()) << step;
  }
}

TEST_F(NoTest, AWrongItemBeforeTheThawIsVerifiedAgainAndOneAtTheBedFreesNoFrozenBag) {
  run.Until("removed_from_storage");
  NearMiss("bedside_id_verified");
  EXPECT_FALSE(Bag().prethaw().empty());  // it lies where it lay
  NearMiss("thaw_started");
  EXPECT_TRUE(Bag().prethaw().empty());
  EXPECT_TRUE(
      Says(run.Judge(run.Draft(
               {"clinic.cell_lab.1"},
               "thaw_started { container $SCAN:LOT26001-1 device "
               "$SCAN:THAW-1 device_temperature_c: 37 started_at $T patient_ready_again: YES }")),
           "R35"));
}

// The state of the main path's bag in a quarantine for damage.
TEST_F(NoTest, AfterTheThawLeavesTheCheckBeforeItAndEndsThePass) {
  run.Until("infusion_started");
  ASSERT_FALSE(Bag().pass().event_id().empty());
  EventBuilder no = Again("prethaw_id_verified");
  Cold(no).set_patient_ready(pb::NO);
  ASSERT_FALSE(run.Record(no).refused());
  EXPECT_TRUE(Bag().pass().event_id().empty());
  EXPECT_FALSE(Bag().prethaw().empty()) << "nobody can make it again, and the bag lives minutes";
}

using DamageTest = NoTest;

// A dent of nine is no word about a leak of ten.
TEST_F(DamageTest, IsNotLiftedByAWordFromBeforeIt) {
  run.Until("thaw_completed");
  const Instant before = ledger.now();
  Pass(5 * kMicrosPerMinute);
  EventBuilder thawed = Now("thaw_completed");
  thawed.event().mutable_thaw_completed()->set_leak(pb::YES);
  ASSERT_FALSE(run.Record(thawed).refused());
  ASSERT_FALSE(OpenQuarantines(run.state(), Bag()).empty());
  EventBuilder dent = run.Draft({"clinic.phy.1"},
                                "container_damaged { container: 'LOT26001-1' found_at $T-5m "
                                "found_during: 'thaw_started' damage: 'carton' contents_lost: NO "
                                "outcome: DAMAGE_COSMETIC }");
  dent.HappenedAt(before);
  const pb::Verdict verdict = run.Record(dent);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(OpenQuarantines(run.state(), Bag()).empty());
}

TEST_F(DamageTest, IsLiftedByTheSignatureOfAPhysicianWhoTreats) {
  run.Until("thaw_completed");
  EventBuilder thawed = run.Next();
  thawed.event().mutable_thaw_completed()->set_leak(pb::YES);
  ASSERT_FALSE(run.Record(thawed).refused());
  const auto held = [&] { return !OpenQuarantines(run.state(), Bag()).empty(); };
  const auto found = [&](const std::vector<std::string>& who, const char* outcome) {
    return run.Draft(who, std::string("container_damaged { container: 'LOT26001-1' found_at $T "
                                      "found_during: 'thaw_completed' damage: 'port' "
                                      "contents_lost: NO outcome: ") +
                              outcome + " }");
  };
  const auto typed = [&](const char* outcome) {
    EventBuilder event = found({}, outcome);
    event.Late("told by telephone");
    return event.By("clinic.coord.1", pb::TRANSCRIBED).By("clinic.coord.2", pb::CHECKED);
  };
  // Two clerks, of a physician who need not exist, or who does.
  EventBuilder nobodys = typed("DAMAGE_COSMETIC");
  pb::Performer* unknown = nobodys.event().add_performed_by();
  unknown->set_printed_name("Dr. X");
  unknown->set_role(pb::PHY);
  pb::Verdict verdict = run.Record(nobodys);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(held());
  EventBuilder named = typed("DAMAGE_PARTIAL_DOSE").PerformedBy("clinic.phy.1");
  verdict = run.Record(named);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_TRUE(Says(verdict, "F7"));
  EXPECT_TRUE(held());
  // The manufacturer's physician does not treat this patient.
  EXPECT_TRUE(Says(run.Record(found({"lab.phy.1"}, "DAMAGE_PARTIAL_DOSE")), "F7"));
  EXPECT_TRUE(held());
  // Their own word, late if need be.
  Pass(5 * kMicrosPerMinute);
  EventBuilder own = found({"clinic.phy.1"}, "DAMAGE_PARTIAL_DOSE");
  verdict = run.Record(own.Late("at the bed").By("clinic.coord.1", pb::CHECKED));
  EXPECT_FALSE(Says(verdict, "F7")) << Explain(verdict);
  EXPECT_FALSE(held());
}

TEST_F(DamageTest, AClinicalHoldIsClearedByAPhysicianWhoTreats) {
  run.Until("removed_from_storage");
  MustDo({"clinic.rn.1"}, "hold_set { kind: HOLD_CLINICAL reason: 'fever' }");
  const std::string clear =
      "hold_cleared { hold: '" + run.state().holds(0).id() + "' kind: HOLD_CLINICAL reason: 'x' }";
  const pb::Verdict verdict = run.Judge(run.Draft({"lab.phy.1"}, clear));
  EXPECT_TRUE(verdict.refused());
  ASSERT_TRUE(Says(verdict, "HOLD")) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "HOLD")[0].expected(), HasSubstr("treating site"));
  EXPECT_FALSE(run.Judge(run.Draft({"clinic.phy.1"}, clear)).refused());
}

}  // namespace
}  // namespace custody
