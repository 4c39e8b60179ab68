// What somebody has to be told, derived: each alert with its stable name, for whom, and until who
// has said that they act on it.
// Long because each kind of alert is told once from its first moment to its last.
#include "custody/alerts.h"

#include <gmock/gmock.h>

#include <set>

#include "custody/aftercare.h"
#include "custody/profile.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class AlertsTest : public RulesTest {
 protected:
  std::vector<Alert> All() { return Alerts(run.state(), run.registry(), ledger.now()); }
  // The only alert of a rule; null when there is none.
  std::optional<Alert> Of(std::string_view rule) {
    std::optional<Alert> found;
    for (Alert& alert : All()) {
      if (alert.rule != rule) continue;
      EXPECT_FALSE(found.has_value()) << "two of " << rule;
      found = std::move(alert);
    }
    return found;
  }
  std::string LastId() const { return ShortId(run.last().parsed.event_id.view()); }
  void Acknowledge(const std::string& who, const std::string& alert) {
    MustDo({who}, "alert_acknowledged { alert: '" + alert + "' action: 'seen' }");
  }
};

TEST_F(AlertsTest, ALotThatIsNotReleasedInTimeIsToldToBothSites) {
  run.Through("batch_opened");
  const std::string event = LastId();
  const Instant opened = ledger.now();
  run.Until("qc_result");
  ledger.set_now(opened + 28 * kMicrosPerDay);
  EXPECT_FALSE(Of("R42").has_value()) << "day 28 is not over";
  Pass(kMicrosPerDay);
  const std::optional<Alert> late = Of("R42");
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->id, "A-" + event + "-R42");
  EXPECT_THAT(late->sites, ElementsAre("CLINIC", "LAB"));
  EXPECT_THAT(late->roles, UnorderedElementsAre(pb::COORD, pb::PHY, pb::QA, pb::SCHED));
  EXPECT_THAT(late->text, HasSubstr(std::string(kMainCoi)));
  Acknowledge("lab.qa.1", late->id);
  EXPECT_THAT(Of("R42")->waiting, ElementsAre("CLINIC")) << "the clinic has not said so";
  Acknowledge("clinic.coord.1", late->id);
  Acknowledge("clinic.coord.2", late->id);
  EXPECT_TRUE(Of("R42")->acknowledged());
  EXPECT_EQ(run.state().alerts_seen_size(), 2);
  for (const bool died : {false, true}) {
    const pb::TherapyState known = run.state();
    if (died) run.mutable_state().set_patient_died(true);
    if (!died) run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED);
    EXPECT_FALSE(Of("R42").has_value());
    run.mutable_state() = known;
  }
}

TEST_F(AlertsTest, AProfileMayAskForTheReleaseEarlierNeverLater) {
  run.Through("batch_opened");
  const Instant opened = ledger.now();
  run.Until("qc_result");
  for (const auto& [days, at] : {std::pair{20U, 21}, {60U, 29}}) {
    pb::Profile profile = DemoProfile();
    profile.set_version(days);
    profile.set_release_alert_days(days);
    ledger.PublishProfile(profile);
    ledger.set_now(opened + at * kMicrosPerDay);
    EXPECT_TRUE(Of("R42").has_value()) << days;
    ledger.set_now(opened + (at - 1) * kMicrosPerDay);
    EXPECT_FALSE(Of("R42").has_value()) << days;
  }
}

TEST_F(AlertsTest, TheFirstFeverIsToldToThePhysicianOfTheClinicAlone) {
  run.Until("crs_graded");
  const std::string event = LastId();
  const std::optional<Alert> fever = Of("R43");
  ASSERT_TRUE(fever.has_value());
  EXPECT_EQ(fever->id, "A-" + event + "-R43");
  EXPECT_THAT(fever->roles, ElementsAre(pb::PHY));
  EXPECT_THAT(fever->sites, ElementsAre("CLINIC"));
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 39.5 } } }");
  EXPECT_EQ(Of("R43")->id, fever->id) << "the first one";
  const pb::TherapyState lab = ViewFor(run.state(), run.registry(), "LAB");
  for (const Alert& alert : Alerts(lab, run.registry(), ledger.now() + kMicrosPerDay)) {
    EXPECT_THAT(alert.rule, testing::AnyOf("R42", "F5", "F9", "F18")) << alert.text;
  }
  Acknowledge("clinic.phy.1", fever->id);
  EXPECT_TRUE(Of("R43")->acknowledged());
}

TEST_F(AlertsTest, AfterTheNextDoseTheFirstFeverIsToldAnew) {
  run.Until("crs_graded");
  const std::string first = Of("R43")->id;
  run.mutable_state().set_last_infused_us(ledger.now().micros + kMicrosPerHour);
  Pass(2 * kMicrosPerHour);
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 38.0 } } }");
  EXPECT_NE(Of("R43")->id, first);
  EXPECT_FALSE(Of("R43")->acknowledged());
}

TEST_F(AlertsTest, ReadingsThatAreOverdueAreToldOncePerPause) {
  run.Through("observations_recorded");
  const std::string event = LastId();
  Pass(3 * kMicrosPerHour);
  EXPECT_FALSE(Of("R28").has_value());
  Pass(kMicrosPerHour);
  ASSERT_TRUE(Of("R28").has_value());
  EXPECT_EQ(Of("R28")->id, "A-" + event + "-R28");
  EXPECT_THAT(Of("R28")->roles, UnorderedElementsAre(pb::RN, pb::PHY));
  Acknowledge("clinic.rn.1", Of("R28")->id);
  EXPECT_TRUE(Of("R28")->acknowledged());
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 36.5 } } }");
  EXPECT_FALSE(Of("R28").has_value());
  Pass(5 * kMicrosPerHour);
  EXPECT_FALSE(Of("R28")->acknowledged()) << "another pause";
}

TEST_F(AlertsTest, AnExcursionLastsUntilQualityDecides) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  const std::optional<Alert> warm = Of("F9");
  ASSERT_TRUE(warm.has_value());
  EXPECT_THAT(warm->id, HasSubstr("A-" + LastId() + "-F9"));
  EXPECT_THAT(warm->text, HasSubstr("LOT26001-1"));
  EXPECT_THAT(warm->sites, ElementsAre("CLINIC", "LAB"));
  MustDo({"lab.qa.1"},
         "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
         "cause: QUARANTINED_FOR_TEMPERATURE reason: 'stable' }");
  EXPECT_FALSE(Of("F9").has_value());
}

TEST_F(AlertsTest, ContaminationIsToldWhenThePatientHasGotIt) {
  const std::string contaminated =
      "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
      "after_infusion: NO }";
  TestLedger own;
  TherapyRun before(own);
  before.Until("ld_started");
  ASSERT_FALSE(before.Record(before.Draft({"lab.qc.1"}, contaminated)).refused());
  EXPECT_THAT(Alerts(before.state(), before.registry(), own.now()), IsEmpty());
  run.Through("infusion_started");
  MustDo({"lab.qc.1"}, contaminated);
  ASSERT_TRUE(Of("F5").has_value());
  EXPECT_EQ(Of("F5")->id, "A-" + LastId() + "-F5");
  EXPECT_THAT(Of("F5")->sites, ElementsAre("CLINIC", "LAB"));
  Acknowledge("lab.qa.1", Of("F5")->id);
  EXPECT_FALSE(Of("F5")->acknowledged()) << "the site that treats has to say so";
}

TEST_F(AlertsTest, ARecallIsTold) {
  run.Until("ld_started");
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'RC-7' identifier_type: 'lot' identifier: 'LOT26001' reason: "
         "'x' infused_already: NO }");
  ASSERT_TRUE(Of("F18").has_value());
  EXPECT_EQ(Of("F18")->id, "A-" + LastId() + "-F18");
}

// The manufacturer sees safety reports (design), and is told of each.
TEST_F(AlertsTest, HarmIsToldToQualityOfTheManufacturer) {
  run.Until("followup_d28");
  MustDo({"clinic.phy.1"},
         "sae_reported { report: 'SAE-1' onset_at $T-1d reported_at $T kind: TOXICITY_OTHER title: "
         "'seizure' grade: 3 lot: 'LOT26001' related_to_product: YES }");
  MustDo({"clinic.phy.1"},
         "secondary_malignancy_reported { diagnosed_at $T-1d diagnosis_code: 'C84.4' t_cell: YES "
         "lot: 'LOT26001' manufacturer_informed: NO samples_sent: NO }");
  for (const char* rule : {"SAE", "F16"}) {
    const std::optional<Alert> harm = Of(rule);
    ASSERT_TRUE(harm.has_value()) << rule;
    EXPECT_THAT(harm->sites, ElementsAre("LAB", "CLINIC"));
    EXPECT_THAT(harm->roles, ElementsAre(pb::QA));
    EXPECT_THAT(harm->text, AllOf(HasSubstr("LOT26001"), Not(HasSubstr("seizure"))));
    Acknowledge("lab.qa.1", harm->id);
    EXPECT_THAT(Of(rule)->waiting, ElementsAre("CLINIC"));
  }
}

TEST_F(AlertsTest, ADoubtAboutAnIdentityIsToldAndSaysWhetherItIsThawed) {
  run.Until("bedside_id_verified");
  MustDo({"clinic.rn.1"},
         "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_LABELS_DISAGREE thawed: YES "
         "finding: 'two labels' qa_called: 'Q. Lab' qa_called_at $T }");
  const std::optional<Alert> doubt = Of("F8b");
  ASSERT_TRUE(doubt.has_value());
  EXPECT_THAT(doubt->text, AllOf(HasSubstr("LOT26001-1"), HasSubstr("it is thawed")));
  EXPECT_THAT(doubt->sites, ElementsAre("CLINIC", "LAB"));
  EXPECT_FALSE(MayHaveStoodAt(run.state(), doubt->id).empty());
  run.mutable_state().mutable_quarantines(0)->set_open(false);
  EXPECT_FALSE(Of("F8b").has_value());
}

TEST_F(AlertsTest, AShipperThatComesTooLateIsToldUntilItIsHereOrChargedAnew) {
  run.Through("handed_to_carrier");
  ASSERT_TRUE(run.state().shipments(0).open());
  const std::string shipper = run.state().shipments(0).shipper();
  run.mutable_state().mutable_shipments(0)->set_cryogenic(true);
  const auto expected = [&](const std::string& when) {
    MustDo({"depot.cour.1"}, "shipment_delayed { shipper: '" + shipper + "' expected_at " + when +
                                 " reason: 'snow' }");
  };
  expected("$T+20d");
  ASSERT_TRUE(Of("F10").has_value());
  EXPECT_THAT(Of("F10")->text, HasSubstr(shipper));
  expected("$T+30d");
  EXPECT_TRUE(Of("F10").has_value()) << "told anew, once";
  expected("$T+1h");
  EXPECT_FALSE(Of("F10").has_value());
  expected("$T+20d");
  run.mutable_state().mutable_shipments(0)->set_open(false);
  EXPECT_FALSE(Of("F10").has_value());
}

TEST_F(AlertsTest, NewsOfTheWayWithoutATimeLeavesTheAlertOfALateShipper) {
  run.Through("handed_to_carrier");
  run.mutable_state().mutable_shipments(0)->set_cryogenic(true);
  const std::string shipper = run.state().shipments(0).shipper();
  const auto passes = [&](const std::string& more) {
    return run.Draft({"depot.cour.1"}, "carrier_milestone { shipper: '" + shipper +
                                           "' kind: MILESTONE_HUB_ARRIVED at $T " + more +
                                           " reported_by: 'feed' }");
  };
  EventBuilder early = passes("expected_at $T+1h");
  ledger.Pass(kMicrosPerMinute);
  ASSERT_FALSE(run.Record(passes("expected_at $T+20d")).refused());
  ASSERT_TRUE(Of("F10").has_value());
  const std::string id = Of("F10")->id;
  ledger.Pass(kMicrosPerMinute);
  ASSERT_FALSE(run.Record(passes("")).refused());
  ASSERT_TRUE(Of("F10").has_value()) << "it says nothing of the arrival";
  EXPECT_EQ(Of("F10")->id, id);
  ASSERT_FALSE(run.Record(Late(early, "depot.cour")).refused());
  ASSERT_TRUE(Of("F10").has_value()) << "said before it, told after it";
  EXPECT_EQ(Of("F10")->id, id);
  ASSERT_FALSE(run.Record(passes("expected_at $T+1h")).refused());
  EXPECT_FALSE(Of("F10").has_value());
}

TEST_F(AlertsTest, AFinalResultThatDoesNotComeIsTold) {
  run.Through("qc_result");
  run.mutable_state().mutable_lots(0)->clear_tests();
  MustDo({"lab.qc.1"},
         "qc_result { lot: 'LOT26001' sample: 'S-8' test: 'sterility' method: 'culture' "
         "value_text: 'no growth' specification: 'no growth' outcome: OUTCOME_NEGATIVE_TO_DATE "
         "analyst: 'lab.qc.1' tested_at $T final: NO result_number: 'R-8' }");
  EXPECT_FALSE(Of("FINAL").has_value());
  Pass(14 * kMicrosPerDay + kMicrosPerMinute);
  const std::optional<Alert> awaited = Of("FINAL");
  ASSERT_TRUE(awaited.has_value());
  EXPECT_THAT(awaited->roles, ElementsAre(pb::QC, pb::QA));
  MustDo({"lab.qc.1"},
         "qc_result { lot: 'LOT26001' sample: 'S-8' test: 'sterility' method: 'culture' "
         "value_text: 'no growth' specification: 'no growth' outcome: OUTCOME_PASS "
         "analyst: 'lab.qc.1' tested_at $T final: YES result_number: 'R-9' }");
  EXPECT_FALSE(Of("FINAL").has_value());
}

TEST_F(AlertsTest, WhatNobodyAttestedOrConfirmedInADayIsTold) {
  run.Until("ld_started");
  pb::Attestation& asked = *run.mutable_state().add_attestations();
  asked.set_event_id(run.last().parsed.event_id.ToString());
  asked.set_body(pb::Event::kCrsGradedFieldNumber);
  asked.add_roles(pb::PHY);
  asked.set_due_us(ledger.now().micros + kMicrosPerDay);
  pb::Grant& grant = *run.mutable_state().add_grants();
  grant.set_event_id(std::string(32, 'g'));
  grant.set_verbal(true);
  grant.set_granted_us(ledger.now().micros);
  EXPECT_FALSE(Of("ATTEST").has_value());
  EXPECT_FALSE(Of("VERBAL").has_value());
  Pass(kMicrosPerDay + kMicrosPerMinute);
  ASSERT_TRUE(Of("ATTEST").has_value());
  EXPECT_THAT(Of("ATTEST")->sites, ElementsAre("CLINIC")) << "it is clinical";
  EXPECT_THAT(Of("ATTEST")->roles, ElementsAre(pb::PHY));
  EXPECT_FALSE(MayHaveStoodAt(run.state(), Of("ATTEST")->id).empty());
  ASSERT_TRUE(Of("VERBAL").has_value());
  run.mutable_state().mutable_grants(run.state().grants_size() - 1)->set_confirmed(true);
  EXPECT_FALSE(Of("VERBAL").has_value());
}

TEST_F(AlertsTest, ThePatientAtHomeWhomNobodyCalledIsTold) {
  run.Until("followup_d28");
  run.mutable_state().mutable_condition()->set_crs_open(true);
  const std::int64_t due =
      ContactDue(run.state(), AftercareOf(ProfileFor(run.registry(), run.state(), pb::Event())));
  ASSERT_NE(due, 0);
  ledger.set_now(Instant{due + kMicrosPerMinute});
  const std::optional<Alert> contact = Of("R40");
  ASSERT_TRUE(contact.has_value());
  EXPECT_THAT(contact->sites, ElementsAre("CLINIC"));
}

TEST_F(AlertsTest, VisitsThatAreOverdueAreTold) {
  run.Until("followup_d28");
  const pb::Timer timer = run.state().timers(0);
  ledger.set_now(Instant{timer.due_us()});
  EXPECT_FALSE(Of("R29").has_value());
  Pass(1);
  ASSERT_TRUE(Of("R29").has_value());
  EXPECT_THAT(Of("R29")->id, HasSubstr("-R29-followup_d28"));
  EXPECT_EQ(Of("R29")->since_us, timer.due_us());
  ledger.set_now(Instant{timer.due_us()} + 100 * kMicrosPerDay);
  std::set<std::string> ids;
  for (const Alert& alert : All()) EXPECT_TRUE(ids.insert(alert.id).second) << alert.id;
  EXPECT_THAT(Of("R30")->id, HasSubstr("-R30-day-100"));
}

TEST_F(AlertsTest, ACriticalDeviationOfAnEntryMadeAfterwardsIsToldToQualityOfBothSites) {
  run.Until("ld_started");
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_FILLED);
  EventBuilder late = Late(run.Next());
  ASSERT_FALSE(run.Record(late).refused());
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_RELEASED);
  const std::optional<Alert> told = Of("R18");
  ASSERT_TRUE(told.has_value());
  EXPECT_THAT(told->id, HasSubstr("A-" + LastId() + "-R18"));
  EXPECT_THAT(told->roles, ElementsAre(pb::QA));
  EXPECT_THAT(told->sites, ElementsAre("CLINIC", "LAB"));
  for (pb::Deviation& deviation : *run.mutable_state().mutable_deviations()) {
    deviation.set_open(false);
  }
  EXPECT_FALSE(Of("R18").has_value());
}

TEST_F(AlertsTest, TheMainPathLeavesOnlyThePatientsAlertsAndNamesNobody) {
  run.Until("");
  for (const Alert& alert : All()) {
    EXPECT_EQ(alert.rule, "R43") << alert.text;
    EXPECT_THAT(alert.text, HasSubstr(std::string(kMainCoi)));
  }
  run.mutable_state().set_sealed(true);
  EXPECT_THAT(All(), IsEmpty());
}

// Each alert whole, to be compared.
std::vector<std::string> Written(const std::vector<Alert>& alerts) {
  std::vector<std::string> lines;
  for (const Alert& alert : alerts) {
    std::string line = alert.id + " since " + std::to_string(alert.since_us) + " " + alert.text;
    for (const std::string& site : alert.waiting) line += " " + site;
    lines.push_back(line);
  }
  return lines;
}

TEST_F(AlertsTest, BetweenTwoLooksNothingChanges) {
  int changes = 0;
  for (std::size_t step = 0; step < run.steps().size(); ++step) {
    EventBuilder next = run.Next();
    ASSERT_FALSE(run.Record(next).refused());
    Instant at = ledger.now();
    std::vector<std::string> before;
    for (int looks = 0; looks < 40; ++looks) {
      const AlertOutlook outlook = LookOut(run.state(), run.registry(), at);
      const std::vector<std::string> now = Written(outlook.alerts);
      if (looks > 0 && now != before) ++changes;
      before = now;
      const std::int64_t end =
          outlook.next_us != 0 ? outlook.next_us : (at + 400 * kMicrosPerDay).micros;
      ASSERT_GT(end, at.micros);
      for (const std::int64_t later : {at.micros + (end - at.micros) / 3, end - 1}) {
        EXPECT_EQ(Written(Alerts(run.state(), run.registry(), Instant{later})), now)
            << run.steps()[step].body << " " << FormatUtc(Instant{later});
      }
      if (outlook.next_us == 0) break;
      at = Instant{outlook.next_us};
    }
  }
  EXPECT_GT(changes, 20) << "alerts arose and ended by mere passing of time";
}

TEST_F(AlertsTest, AnAcknowledgementNamesAnAlertOfThisTherapyAtASiteThatItConcerns) {
  run.Until("crs_graded");
  const std::string fever = Of("R43")->id;
  const auto acknowledge = [&](const std::string& who, const std::string& alert) {
    return run.Judge(run.Draft({who}, "alert_acknowledged { alert: '" + alert + "' action: 'x' }"));
  };
  EXPECT_FALSE(acknowledge("clinic.phy.1", fever).refused());
  for (const char* wrong : {"A-1", "fever", "A-00000000-R43", "A-12345678"}) {
    const pb::Verdict verdict = acknowledge("clinic.phy.1", wrong);
    ASSERT_TRUE(verdict.refused()) << wrong;
    EXPECT_THAT(Blockers(verdict), ElementsAre("ALERT"));
    EXPECT_THAT(Explain(verdict), HasSubstr(fever)) << "the open ones are listed";
  }
  // The right event under another rule, and the right id of another site's alert.
  EXPECT_TRUE(acknowledge("clinic.phy.1", fever.substr(0, 11) + "F5").refused());
  const pb::Verdict elsewhere = acknowledge("lab.qa.1", fever);
  EXPECT_TRUE(elsewhere.refused());
  EXPECT_THAT(Explain(elsewhere), HasSubstr("CLINIC"));
  const pb::Verdict blind = acknowledge("lab.qa.1", "A-1");
  EXPECT_THAT(Explain(blind), Not(HasSubstr(fever))) << "not theirs to know of";
  // On paper or late it is no better.
  EXPECT_TRUE(run.Judge(Late(run.Draft({"clinic.phy.1"},
                                       "alert_acknowledged { alert: 'A-1' action: 'x' }")))
                  .refused());
}

TEST_F(AlertsTest, AnAlertThatIsOverMayStillBeAcknowledged) {
  run.Through("observations_recorded");
  Pass(5 * kMicrosPerHour);
  const std::string pause = Of("R28")->id;
  MustDo({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 36.5 } } }");
  ASSERT_FALSE(Of("R28").has_value());
  Acknowledge("clinic.rn.1", pause);
  EXPECT_EQ(run.state().alerts_seen_size(), 0) << "and silences nothing";
}

TEST_F(AlertsTest, AnAcknowledgementBeforeTheAlertAroseLeavesItToBeTold) {
  run.Through("observations_recorded");
  const std::string early = "A-" + LastId() + "-R28";
  Pass(kMicrosPerMinute);
  Acknowledge("clinic.rn.1", early);
  EXPECT_THAT(All(), IsEmpty());
  Pass(4 * kMicrosPerHour);
  ASSERT_TRUE(Of("R28").has_value());
  EXPECT_EQ(Of("R28")->id, early);
  EXPECT_THAT(Of("R28")->waiting, ElementsAre("CLINIC"));
  Acknowledge("clinic.rn.1", early);
  EXPECT_TRUE(Of("R28")->acknowledged());
  EXPECT_EQ(run.state().alerts_seen(0).received_us(), ledger.now().micros);
}

TEST_F(AlertsTest, AnAcknowledgementSignedForATimeToComeLeavesWhatThenArisesToBeTold) {
  run.Until("followup_d28");
  ledger.set_now(Instant{run.state().timers(0).due_us()});
  const std::string visit =
      "A-" + ShortId(FindStep(run.state(), pb::Event::kInfusionCompleted)->event_id()) +
      "-R29-followup_d28";
  EventBuilder early =
      run.Draft({"clinic.rn.1"}, "alert_acknowledged { alert: '" + visit + "' action: 'x' }");
  early.HappenedAt(ledger.now() + kMicrosPerMinute).SignedAt(ledger.now() + kMicrosPerMinute);
  ASSERT_FALSE(run.Record(early).refused());
  Pass(1);
  ASSERT_TRUE(Of("R29").has_value());
  EXPECT_EQ(Of("R29")->id, visit);
  EXPECT_THAT(Of("R29")->waiting, ElementsAre("CLINIC"));
}

TEST_F(AlertsTest, WhatWasSaidOfAnotherEventWithTheSameDigitsSilencesNothing) {
  run.Through("infusion_started");
  EventBuilder contaminated =
      run.Draft({"lab.qc.1"},
                "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
                "after_infusion: YES }");
  // As if an alert of an older event, whose id begins alike, had been acknowledged.
  const std::string id = "A-" + ShortId(contaminated.Parse().event_id.view()) + "-F5";
  for (const char* site : {"CLINIC", "LAB"}) {
    pb::AlertSeen& seen = *run.mutable_state().add_alerts_seen();
    seen.set_alert(id);
    seen.set_site(site);
  }
  ASSERT_FALSE(run.Record(contaminated).refused());
  ASSERT_TRUE(Of("F5").has_value());
  EXPECT_EQ(Of("F5")->id, id);
  EXPECT_THAT(Of("F5")->waiting, ElementsAre("CLINIC", "LAB"));
}

TEST_F(AlertsTest, WhatDoesNotStandIsAcknowledgedOnlyByAHouseThatItCouldConcern) {
  run.Through("observations_recorded");
  const std::string pause = "A-" + LastId() + "-R28";
  const auto acknowledge = [&](const std::string& who) {
    return run.Judge(run.Draft({who}, "alert_acknowledged { alert: '" + pause + "' action: 'x' }"));
  };
  EXPECT_FALSE(acknowledge("clinic.rn.1").refused());
  EXPECT_THAT(Blockers(acknowledge("lab.qa.1")), ElementsAre("ALERT"))
      << "a patient's readings are not the maker's business";
}

TEST_F(AlertsTest, AClosedTherapyIsToldOfARecallAndOfContamination) {
  run.Until("");
  const auto fever = Of("R43");
  ASSERT_TRUE(fever.has_value() && !fever->acknowledged());
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'RC-1' identifier_type: 'lot' identifier: 'LOT26001' reason: "
         "'x' infused_already: YES }");
  run.mutable_state().set_closed(true);
  run.mutable_state().set_sealed(true);
  Pass(400 * kMicrosPerDay);
  EXPECT_FALSE(Of("R43").has_value()) << "of the patient's course nothing is awaited";
  EXPECT_THAT(Of("F18")->waiting, ElementsAre("CLINIC", "LAB")) << "closing silences nothing";
  Acknowledge("clinic.phy.1", Of("F18")->id);
  Acknowledge("lab.qa.1", Of("F18")->id);
  EXPECT_TRUE(Of("F18")->acknowledged());
  MustDo({"lab.qc.1"},
         "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
         "after_infusion: YES }");
  ASSERT_TRUE(Of("F5").has_value());
  EXPECT_THAT(Of("F5")->waiting, ElementsAre("CLINIC", "LAB"));
}

TEST_F(AlertsTest, AnIdHoldsNothingThatSomebodyTyped) {
  run.Through("infusion_started");
  MustDo({"lab.qa.1"},
         "product_recalled { recall: 'ZAPHOD' identifier_type: 'lot' identifier: 'LOT26001' "
         "reason: 'ZAPHOD' infused_already: NO }");
  MustDo({"lab.qc.1"},
         "contamination_confirmed { lot: 'LOT26001' test: 'ZAPHOD' organism: 'ZAPHOD' "
         "confirmed_at $T after_infusion: NO }");
  ASSERT_GE(All().size(), 2U);
  for (const Alert& alert : All()) {
    EXPECT_THAT(alert.id, testing::MatchesRegex("A-[0-9a-f]+-[A-Z0-9]+(-[0-9a-z_-]+)?"));
    EXPECT_THAT(MayHaveStoodAt(run.state(), alert.id), testing::IsSupersetOf(alert.sites));
  }
}

}  // namespace
}  // namespace custody
