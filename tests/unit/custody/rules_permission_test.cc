// A permission is its giver's own: it is signed by them, and nobody's word counts in their stead
// for longer than a day.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class PermissionRulesTest : public RulesTest {
 protected:
  // As two clerks would type it in somebody else's name.
  EventBuilder Typed(const std::vector<std::string>& by, const std::string& text,
                     const std::vector<std::string>& in_the_name_of) {
    EventBuilder event = run.Draft({}, text);
    event.Late("told by telephone");
    event.By(by[0], pb::TRANSCRIBED).By(by[1], pb::CHECKED);
    for (const std::string& person : in_the_name_of) event.PerformedBy(person);
    return event;
  }
  void IsRefused(const EventBuilder& event) {
    const pb::Verdict verdict = run.Judge(event);
    EXPECT_TRUE(verdict.refused()) << Explain(verdict);
    ASSERT_TRUE(Says(verdict, "R01")) << Explain(verdict);
    EXPECT_EQ(Of(verdict, "R01")[0].expected(), "the signature of whoever decides it");
  }
  static std::string GrantOf(const char* verbal) {
    return std::string(
               "override_granted { rules: 'R20' step: 'thaw_started' scope: OVERRIDE_SCOPE_STEP "
               "reason: OVERRIDE_FOR_MEDICAL_NEED justification: 'x' expires_at $T+2h verbal: ") +
           verbal + " }";
  }
};

const std::vector<std::string> kClerks{"clinic.coord.1", "clinic.coord.2"};

TEST_F(PermissionRulesTest, TwoClerksGrantNothingInThePhysiciansName) {
  run.Until("removed_from_storage");
  IsRefused(Typed(kClerks, GrantOf("NO"), {"clinic.phy.1"}));
  const pb::Verdict verdict = run.Judge(Typed(kClerks, GrantOf("NO"), {"clinic.phy.1"}));
  EXPECT_THAT(Of(verdict, "R01")[0].next_step(), HasSubstr("verbal order by two who heard it"));
  // The same order as the word of mouth that it was: it waits for the physician's confirmation.
  const std::string spoken = GrantOf("YES authority: 'clinic.phy.1'");
  ASSERT_FALSE(run.Record(run.Draft(kClerks, spoken)).refused());
  EXPECT_TRUE(run.state().grants(0).verbal());
  EXPECT_FALSE(run.state().grants(0).confirmed());
  EventBuilder confirmed =
      Typed(kClerks, "override_confirmed { confirmed: YES }", {"clinic.phy.1"});
  confirmed.event().mutable_override_confirmed()->set_grant(run.last().parsed.event_id.ToString());
  IsRefused(confirmed);
}

TEST_F(PermissionRulesTest, TwoClerksLiftNoQuarantineInTheNameOfQuality) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  IsRefused(Typed(kClerks,
                  "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
                  "cause: QUARANTINED_FOR_TEMPERATURE reason: 'short' }",
                  {"lab.qa.1"}));
  MustDo({"clinic.rn.1"},
         "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_LABELS_DISAGREE finding: 'x' "
         "thawed: NO }");
  IsRefused(Typed(kClerks,
                  "identity_resolved { quarantine: '" + run.state().quarantines(1).id() +
                      "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED evidence: 'x' }",
                  {"clinic.qa.1", "lab.qa.1"}));
  MustDo({"lab.qa.1"}, "hold_set { kind: HOLD_QUALITY reason: 'x' }");
  IsRefused(Typed(
      kClerks,
      "hold_cleared { hold: '" + run.state().holds(0).id() + "' kind: HOLD_QUALITY reason: 'x' }",
      {"lab.qa.2"}));
}

TEST_F(PermissionRulesTest, WhoDecidesSignsALateDecisionWithOneWhoChecks) {
  run.Until("ld_started");
  MustDo({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  Pass(10 * kMicrosPerMinute);
  EventBuilder decided =
      run.Draft({"lab.qa.1"},
                "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
                "cause: QUARANTINED_FOR_TEMPERATURE reason: 'short' quarantine: '" +
                    run.state().quarantines(0).id() + "' }");
  decided.Late("the network was down").By("lab.wh.1", pb::CHECKED);
  const pb::Verdict verdict = run.Record(decided);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(run.state().quarantines(0).open());
}

TEST_F(PermissionRulesTest, TwoClerksReleaseNothing) {
  EventBuilder release = At("released");
  EventBuilder typed = run.Draft({}, "");
  *typed.event().mutable_released() = release.Build().released();
  typed.Late("on paper").By("lab.wh.1", pb::TRANSCRIBED).By("lab.wh.2", pb::CHECKED);
  typed.PerformedBy("lab.qp.1");
  IsRefused(typed);
}

TEST_F(PermissionRulesTest, WhatSomebodyDidAndDidNotSignWaitsForTheirAttestation) {
  run.Until("cns_evaluated");
  EventBuilder late = Late(run.Next());
  ASSERT_FALSE(run.Record(late).refused());
  ASSERT_EQ(run.state().attestations_size(), 1);
  EXPECT_EQ(run.state().attestations(0).roles(0), pb::PHY);
  EventBuilder attested = run.Draft({"clinic.phy.1"}, "attested { agreed: YES }");
  attested.event().mutable_attested()->add_events(run.last().parsed.event_id.ToString());
  ASSERT_FALSE(run.Record(attested).refused());
  EXPECT_TRUE(run.state().attestations().empty());
  EXPECT_TRUE(run.state().deviations().empty());
}

// Entered by the coordinator, denied by the physician.
using DenialTest = PermissionRulesTest;

TEST_F(DenialTest, ShutsWhatTheEntryOpened) {
  const auto denied = [](std::string_view body) {
    TestLedger other;
    TherapyRun its(other);
    its.Until(body);
    EventBuilder entry = its.Next();
    entry.event().clear_signers();
    entry.By("clinic.coord.1");
    EXPECT_FALSE(its.Record(entry).refused()) << body;
    EventBuilder denial = its.Draft({"clinic.phy.1"}, "attested { agreed: NO }");
    denial.event().mutable_attested()->add_events(its.last().parsed.event_id.ToString());
    EXPECT_FALSE(its.Record(denial).refused()) << body;
    EXPECT_TRUE(its.state().deviations(0).critical());
    return its.state();
  };
  EXPECT_FALSE(denied("eligibility_assessed").condition().fit());
  EXPECT_FALSE(denied("workup_completed").condition().workup_fit());
  EXPECT_FALSE(denied("washout_confirmed").condition().washout());
  EXPECT_FALSE(denied("therapy_ordered").ordered());
  const pb::TherapyState consent = denied("consent_obtained");
  EXPECT_FALSE(consent.consent_collection());
  EXPECT_FALSE(consent.consent_treatment());
  EXPECT_FALSE(consent.consent_withdrawn());
}

TEST_F(DenialTest, LeavesALaterEntryOfTheSameKind) {
  run.Until("washout_confirmed");
  EventBuilder entry = run.Next();
  entry.event().clear_signers();
  entry.By("clinic.coord.1");
  ASSERT_FALSE(run.Record(entry).refused());
  const std::string first = run.last().parsed.event_id.ToString();
  EventBuilder own = run.Draft({"clinic.phy.1"}, "");
  *own.event().mutable_washout_confirmed() = entry.Build().washout_confirmed();
  ASSERT_FALSE(run.Record(own).refused());
  EventBuilder denial = run.Draft({"clinic.phy.1"}, "attested { agreed: NO }");
  denial.event().mutable_attested()->add_events(first);
  ASSERT_FALSE(run.Record(denial).refused());
  EXPECT_TRUE(run.state().condition().washout());
}

using HoldActTest = PermissionRulesTest;

TEST_F(HoldActTest, APhysicianDoesNotClearTheHoldThatTheySet) {
  run.Until("ld_started");
  MustDo({"clinic.phy.1"}, "hold_set { kind: HOLD_CLINICAL reason: 'wait' }");
  const std::string clear =
      "hold_cleared { hold: '" + run.state().holds(0).id() + "' kind: HOLD_CLINICAL reason: 'x' }";
  EXPECT_TRUE(Says(run.Judge(run.Draft({"clinic.phy.1"}, clear)), "HOLD"));
  EXPECT_FALSE(run.Judge(run.Draft({"clinic.phy.2"}, clear)).refused());
}

TEST_F(HoldActTest, AHoldThatFollowsFromAFindingIsClearedByWhoLooksAgain) {
  run.Until("consent_obtained");
  MustDo({"clinic.phy.1"},
         "cns_evaluated { cns_disease_history: YES finding: 'lesion' "
         "seizure_risk: SEIZURE_RISK_LOW postpone: YES }");
  const std::string clear =
      "hold_cleared { hold: '" + run.state().holds(0).id() + "' kind: HOLD_CLINICAL reason: 'x' }";
  EXPECT_FALSE(run.Judge(run.Draft({"clinic.phy.1"}, clear)).refused());
}

TEST_F(HoldActTest, AHoldEnteredLateIsOfWhoSetItAndNotOfWhoTypedIt) {
  run.Until("ld_started");
  EventBuilder hold = Typed(kClerks, "hold_set { kind: HOLD_QUALITY reason: 'x' }", {"lab.qa.1"});
  const pb::Verdict verdict = run.Record(hold);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run.state().holds(0).organisation(), "MAKER");
  const std::string clear =
      "hold_cleared { hold: '" + run.state().holds(0).id() + "' kind: HOLD_QUALITY reason: 'x' }";
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.qa.1"}, clear)).refused());
  EXPECT_TRUE(run.Judge(run.Draft({"lab.qa.1"}, clear)).refused());
  EXPECT_FALSE(run.Judge(run.Draft({"lab.qa.2"}, clear)).refused());
}

using ReadingTimesTest = PermissionRulesTest;

TEST_F(ReadingTimesTest, TheTwoReadingsOfAnEnrolmentAreMadeTogether) {
  EventBuilder enrolled = At("patient_enrolled");
  EXPECT_FALSE(run.Judge(enrolled).refused()) << Explain(run.Judge(enrolled));
  auto* at = enrolled.event().mutable_patient_enrolled()->mutable_readings(0)->mutable_at();
  at->set_seconds(at->seconds() - 7 * 86'400);
  const pb::Verdict verdict = run.Judge(enrolled);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R04")) << Explain(verdict);
}

}  // namespace
}  // namespace custody
