// R06, R11, R13, F9: hand-overs, seals, the cold chain and who lifts a quarantine.
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

class TransportRulesTest : public RulesTest {
 protected:
  // The product's trip: the logger's file as it would be recorded, from packing to 30 min before
  // now.
  EventBuilder File() {
    run.Through("stored_clinic");
    return run.Next();
  }
  pb::TelemetryExcursion* Stretch(EventBuilder& event, std::int64_t start, std::int64_t minutes,
                                  int centi_c) {
    pb::TelemetryBatch& body = *event.event().mutable_telemetry_batch();
    pb::TelemetryExcursion* stretch = body.add_excursions();
    *stretch->mutable_from() = ToProto(Instant{start});
    stretch->set_duration_ms(static_cast<std::uint64_t>(minutes) * 60'000);
    stretch->set_extreme_temperature_centi_c(centi_c);
    stretch->set_limit_temperature_centi_c(-13000);
    stretch->set_channel(pb::CHANNEL_INNER);
    body.set_max_temperature_centi_c(std::max(body.max_temperature_centi_c(), centi_c));
    return stretch;
  }
  std::int64_t Packed() const { return run.state().shipments(1).packed_us(); }
  bool Held() const {
    return !OpenQuarantines(run.state(), *FindContainer(run.state(), kMainBag)).empty();
  }
};

TEST_F(TransportRulesTest, R06RefusesToHandOverUnderAnotherSeal) {
  EventBuilder event = At("handed_to_carrier");
  event.event().mutable_handed_to_carrier()->set_seals(0, "SEAL-9");
  const pb::Verdict verdict = run.Judge(event);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R06"));
  EXPECT_TRUE(Of(verdict, "R06")[0].grantors().empty());
  event.event().mutable_handed_to_carrier()->add_seals("SEAL-1");
  EXPECT_TRUE(Says(run.Judge(event), "R06"));  // one too many
}

TEST_F(TransportRulesTest, R06QuarantinesWhatIsNotWhatWasPacked) {
  EventBuilder event = At("received_mfg");
  event.event().mutable_received_mfg()->mutable_containers(0)->set_value("A999026000777");
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  EXPECT_EQ(Of(verdict, "R06").size(), 2U) << Explain(verdict);  // one missing, one too many
  EXPECT_FALSE(OpenQuarantines(run.state(), *FindContainer(run.state(), kMainDin)).empty());
}

TEST_F(TransportRulesTest, R06RefusesAContainerOfAnotherTherapyInTheShipper) {
  EventBuilder event = At("packed");
  event.event().mutable_packed()->add_containers()->set_value("A999026000777");
  event.event().mutable_packed()->mutable_containers(1)->set_source(pb::SCANNED);
  EXPECT_TRUE(run.Judge(event).refused());
  EXPECT_TRUE(Says(run.Judge(event), "R06"));
}

TEST_F(TransportRulesTest, R11QuarantinesUnderAnotherSealAndNeverRefuses) {
  run.Until("received_clinic");
  EventBuilder event = run.Next();
  event.event().mutable_received_clinic()->mutable_seals(0)->set_value("SEAL-9");
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R11").size(), 1U);
  EXPECT_EQ(Of(verdict, "R11")[0].kind(), pb::REASON_QUARANTINE);
  EXPECT_TRUE(Held());
}

TEST_F(TransportRulesTest, R11AcceptsARecordedReplacement) {
  run.Until("received_clinic");
  EventBuilder replaced =
      run.Draft({"depot.cour.1"},
                "seal_replaced { shipment: 'SH-2' shipper: 'SHP-2' old_seals: 'SEAL-2' "
                "new_seals: 'SEAL-9' reason: 'customs' replaced_by: 'customs' "
                "replaced_at $T }");
  EXPECT_FALSE(run.Record(replaced).refused());
  EventBuilder event = run.Next();
  event.event().mutable_received_clinic()->mutable_seals(0)->set_value("SEAL-9");
  EXPECT_FALSE(Says(run.Judge(event), "R11"));
}

TEST_F(TransportRulesTest, R13CountsAStretchLongerThanTheProfileAllows) {
  EventBuilder event = File();
  const std::int64_t start = Packed() + 3 * kMicrosPerHour;
  Stretch(event, start, 10, -12000);
  EXPECT_FALSE(Says(run.Judge(event), "R13"));  // exactly the ten minutes
  event.event().mutable_telemetry_batch()->mutable_excursions(0)->set_duration_ms(11 * 60'000);
  const pb::Verdict verdict = run.Record(event);
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R13"));
  EXPECT_TRUE(Held());
}

TEST_F(TransportRulesTest, R13JudgesFromSettlingToTheOpenedSeal) {
  EventBuilder event = File();
  Stretch(event, Packed(), 35, -12000);  // 30 min settling and 5 min
  EXPECT_FALSE(Says(run.Judge(event), "R13"));
  event.event().mutable_telemetry_batch()->mutable_excursions(0)->set_duration_ms(41 * 60'000);
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
  event.event().mutable_telemetry_batch()->clear_excursions();
  Stretch(event, run.state().shipments(1).seal_opened_us() - 5 * kMicrosPerMinute, 60, -10000);
  EXPECT_FALSE(Says(run.Judge(event), "R13"));
}

TEST_F(TransportRulesTest, R13CountsAnExtremeThatNoStretchExplains) {
  EventBuilder event = File();
  event.event().mutable_telemetry_batch()->set_max_temperature_centi_c(-12500);
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
}

TEST_F(TransportRulesTest, R13CountsMissingData) {
  EventBuilder event = File();
  pb::TelemetryGap* gap = event.event().mutable_telemetry_batch()->add_gaps();
  *gap->mutable_from() = ToProto(Instant{Packed() + 5 * kMicrosPerHour});
  gap->set_duration_ms(60 * 60'000);
  EXPECT_FALSE(Says(run.Judge(event), "R13"));
  gap->set_duration_ms(61 * 60'000);
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
}

TEST_F(TransportRulesTest, R13CountsAFileThatEndsTooEarly) {
  EventBuilder event = File();
  const std::int64_t opened = run.state().shipments(1).seal_opened_us();
  pb::TelemetryBatch& body = *event.event().mutable_telemetry_batch();
  *body.mutable_to() = ToProto(Instant{opened - 60 * kMicrosPerMinute});
  EXPECT_FALSE(Says(run.Judge(event), "R13"));
  *body.mutable_to() = ToProto(Instant{opened - 61 * kMicrosPerMinute});
  EXPECT_TRUE(Says(run.Judge(event), "R13"));
}

TEST_F(TransportRulesTest, R13WantsTheLoggerReadOutBeforeLymphodepletion) {
  run.Through("stored_clinic");
  run.Skip("ld_started");
  const pb::Verdict verdict = run.Judge(run.Next());
  EXPECT_TRUE(verdict.refused());
  EXPECT_EQ(Blockers(verdict), (std::vector<std::string>{"R13"})) << Explain(verdict);
}

TEST_F(TransportRulesTest, AQuarantineIsLiftedByTheManufacturersQualityOnly) {
  EventBuilder event = File();
  Stretch(event, Packed() + 3 * kMicrosPerHour, 40, -12000);
  run.Record(event);
  ASSERT_TRUE(Held());
  const std::string use =
      "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
      "cause: QUARANTINED_FOR_TEMPERATURE reason: 'within stability data' }";
  EventBuilder clinic = run.Draft({"clinic.qa.1"}, use);
  EXPECT_TRUE(run.Record(clinic).refused());
  EXPECT_TRUE(Held());
  EventBuilder maker = run.Draft({"lab.qa.1"}, use);
  EXPECT_FALSE(run.Record(maker).refused());
  EXPECT_FALSE(Held());
  run.Until("infusion_started");  // the way is free again
}

TEST_F(TransportRulesTest, ARejectedContainerIsNeverUsed) {
  EventBuilder event = File();
  Stretch(event, Packed() + 3 * kMicrosPerHour, 40, -12000);
  run.Record(event);
  EventBuilder reject =
      run.Draft({"lab.qa.1"},
                "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_REJECT "
                "cause: QUARANTINED_FOR_TEMPERATURE reason: 'too warm' }");
  EXPECT_FALSE(run.Record(reject).refused());
  EXPECT_FALSE(Held());
  EXPECT_EQ(FindContainer(run.state(), kMainBag)->state(), pb::CONTAINER_REJECTED);
  const pb::Verdict verdict = run.Judge(run.Next());  // ld_started
  EXPECT_TRUE(Says(verdict, "R18")) << Explain(verdict);
}

TEST_F(TransportRulesTest, IdentityInDoubtNeedsQualityOfTwoOrganisations) {
  run.Through("telemetry_batch");
  run.Through("telemetry_batch");
  run.Until("ld_started");
  EventBuilder doubt = run.Draft({"clinic.pharm.1"},
                                 "identity_in_doubt { items: 'LOT26001-1' "
                                 "kind: DOUBT_LABELS_DISAGREE thawed: NO "
                                 "finding: 'two labels' }");
  EXPECT_FALSE(run.Record(doubt).refused());
  ASSERT_TRUE(Held());
  const std::string id = run.state().quarantines(0).id();
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.1"},
                                  "quarantine_decided { containers: 'LOT26001-1' "
                                  "verdict: QUARANTINE_USE reason: 'x' "
                                  "cause: QUARANTINED_FOR_IDENTITY }"))
                  .refused());
  const std::string resolved = "identity_resolved { quarantine: '" + id +
                               "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED "
                               "evidence: 'retained label' }";
  EXPECT_TRUE(Says(run.Judge(run.Draft({"lab.qa.1", "lab.qa.2"}, resolved)), "F8b"));
  EventBuilder both = run.Draft({"clinic.qa.1", "lab.qa.1"}, resolved);
  const pb::Verdict verdict = run.Record(both);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(Held());
}

TEST_F(TransportRulesTest, AWrongItemIsANearMissAndHoldsNothing) {
  run.Until("prethaw_id_verified");
  EventBuilder wrong = run.Draft({"clinic.cell_lab.1"},
                                 "wrong_item_presented { at_step: 'prethaw_id_verified' "
                                 "presented_type: 'container' presented: 'OTHER-1' "
                                 "nothing_done: YES }");
  EXPECT_FALSE(run.Record(wrong).refused());
  EXPECT_EQ(run.state().near_misses_size(), 1);
  EXPECT_FALSE(Held());
  run.Through("infusion_completed");  // the right one at once
}

}  // namespace
}  // namespace custody
