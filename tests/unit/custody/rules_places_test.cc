// Where product goes and who holds it is asked of what is known, not of what somebody calls it; and
// numbers that a rule looked at are looked at again when they are corrected.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class PlacesTest : public RulesTest {
 protected:
  EventBuilder Packed(const char* leg, const char* destination) {
    return run.Draft(
        {"lab.wh.1", "lab.wh.2"},
        std::string("packed { leg: ") + leg +
            " shipment: 'SH-9' containers $SCAN:LOT26001-1 coi $SCAN:CHA999026000001 shipper "
            "$SCAN:SHP-9 shipper_kind: SHIPPER_DRY_VAPOUR logger $SCAN:LOG-9 seals $SCAN:SEAL-9 "
            "preconditioned_at $T-24h logger_started_at $T-10m logger_calibration_until $T+200d "
            "packed_at $T destination_site: '" +
            destination + "' }");
  }
};

TEST_F(PlacesTest, UnreleasedProductDoesNotTravelUnderTheNameOfAnotherLeg) {
  run.Until("released");
  for (const char* leg : {"LEG_INBOUND", "LEG_OUTBOUND", "LEG_INTERNAL", "LEG_RETURN"}) {
    EXPECT_TRUE(Says(run.Judge(Packed(leg, "CLINIC")), "R34")) << leg;
  }
  EXPECT_FALSE(Says(run.Judge(Packed("LEG_INTERNAL", "LAB")), "R34"));
}

TEST_F(PlacesTest, NorIsItHandedOverUnderIt) {
  run.Through("handed_to_carrier");
  EventBuilder handed = At("handed_to_carrier");  // the way back
  ASSERT_FALSE(run.Judge(handed).refused()) << Explain(run.Judge(handed));
  run.mutable_state().mutable_shipments(1)->set_inbound(true);
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_FILLED);
  EXPECT_TRUE(Says(run.Judge(handed), "R34"));
  run.mutable_state().mutable_shipments(1)->set_to_site("LAB");
  EXPECT_FALSE(Says(run.Judge(handed), "R34"));
}

TEST_F(PlacesTest, WhoOffersAContainerHoldsIt) {
  run.Until("released");
  const pb::Verdict verdict =
      Do({"clinic.pharm.1"},
         "handover_offered { closed: NO containers: 'LOT26001-1' coi: 'CHA999026000001' to_site: "
         "'CLINIC' expires_at $T+2h }");
  EXPECT_TRUE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R06").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R06")[0].expected(), HasSubstr("LAB"));
  MustDo({"lab.wh.1"},
         "handover_offered { closed: NO containers: 'LOT26001-1' coi: 'CHA999026000001' to_site: "
         "'LAB' expires_at $T+2h }");
}

// Cell laboratory and ward of two organisations: what the ward received is the ward's.
TEST_F(PlacesTest, WhatTheWardReceivedLiesWhereTheWardIs) {
  run.Until("bedside_id_verified");
  for (pb::Container& container : *run.mutable_state().mutable_containers()) {
    if (container.id() == kMainBag) container.set_site("OTHER");
  }
  MustDo({"clinic.rn.1"},
         "received_on_ward { containers: 'LOT26001-1' coi: 'CHA999026000001' ward: 'W7' "
         "received_at $T intact: YES }");
  EXPECT_EQ(FindContainer(run.state(), kMainBag)->site(), "CLINIC");
  EventBuilder bedside = run.Next();
  EXPECT_FALSE(Says(run.Judge(bedside), "R06")) << Explain(run.Judge(bedside));
}

class CorrectedNumberTest : public RulesTest {
 protected:
  pb::Verdict Correct(const std::string& field, const std::string& old, const std::string& now) {
    const std::string id = run.last().parsed.event_id.ToString();
    EventBuilder event =
        run.Draft({"clinic.rn.1", "clinic.rn.2"},
                  "record_corrected { corrections { field_path: '" + field + "' old_value: '" +
                      old + "' new_value: '" + now + "' } reason: 'misread' }");
    event.event().mutable_record_corrected()->set_corrected_event(id);
    return run.Judge(event);
  }
};

TEST_F(CorrectedNumberTest, WhatALoggersFileGivesIsRecordedAnewAndItsCalibrationJudgedAgain) {
  run.Through("telemetry_batch");
  EXPECT_TRUE(Correct("max_temperature_centi_c", "610", "1610").refused());
  const pb::Verdict verdict =
      Correct("calibration_until", "2026-09-20T09:00:00Z", "2026-03-01T09:00:00Z");
  ASSERT_EQ(Of(verdict, "R13").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R13")[0].critical());
}

TEST_F(CorrectedNumberTest, TheTimeOfABaselineIsJudgedAgain) {
  run.Through("infusion_started");
  const pb::Verdict verdict =
      Correct("baseline.at", "2026-04-13T09:20:00Z", "2026-04-13T07:20:00Z");
  ASSERT_EQ(Of(verdict, "R39").size(), 1U) << Explain(verdict);
}

TEST_F(CorrectedNumberTest, AnEarlierDoseThatWasGivenLaterIsJudgedAgain) {
  run.Through("ld_dose");
  const std::string first = run.last().parsed.event_id.ToString();
  MustDo({"clinic.rn.1"},
         "ld_dose { course: '1' day: 3 given_at $T drugs { drug: 'x' amount: 1 unit: 'mg' } }");
  EventBuilder event =
      run.Draft({"clinic.rn.1", "clinic.rn.2"},
                "record_corrected { corrections { field_path: 'given_at' old_value: "
                "'2026-04-10T08:00:00Z' new_value: '2026-04-11T08:00:00Z' } reason: 'misread' }");
  event.event().mutable_record_corrected()->set_corrected_event(first);
  const pb::Verdict verdict = run.Judge(event);
  ASSERT_EQ(Of(verdict, "R20").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R20")[0].critical());
}

TEST_F(CorrectedNumberTest, WhatNoRuleLookedAtAsksNothing) {
  run.Through("telemetry_batch");
  run.Through("infusion_started");
  EXPECT_TRUE(Blockers(Correct("line", "central", "port")).empty());
  EXPECT_TRUE(Blockers(Correct("dose_number", "1", "2")).empty());
}

}  // namespace
}  // namespace custody
