// The exceptional release (F6, R17): every link in its turn, of this very lot, by the number that
// was authorised, and told to whom it must be told.
#include <gmock/gmock.h>

#include "custody/next_steps.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ExceptionTest : public RulesTest {
 protected:
  void SetUp() override { run.Until("batch_record_reviewed"); }
  static std::string Detected(const std::string& missed = "'dose'") {
    return "oos_detected { lot: 'LOT26001' missed: " + missed + " detail: 'low' }";
  }
  static constexpr const char* kRequested =
      "oos_requested { lot: 'LOT26001' need: 'no other' alternatives: 'none' }";
  static constexpr const char* kAssessed =
      "oos_risk_assessed { lot: 'LOT26001' assessment $FILE conclusion: 'acceptable' }";
  static constexpr const char* kConsent =
      "consent_obtained { document_version: 'v3' document $FILE signed_by: CONSENT_BY_PATIENT "
      "consented_at $T interpreter: NO patient_is_minor: NO purposes: "
      "CONSENT_TO_OUT_OF_SPECIFICATION }";
  static std::string Accepted(const std::string& consent = "YES") {
    return "oos_accepted { lot: 'LOT26001' patient_consent: " + consent +
           " consent $FILE statement: 'as assessed' }";
  }
  static std::string Authorised(const std::string& pathway, const char* holder = "YES",
                                const char* authority = "YES") {
    return "oos_authorised { lot: 'LOT26001' pathway: OOS_PATHWAY_" + pathway +
           " authorisation: 'A-1' holder_notified: " + holder +
           " authority_notified: " + authority + " }";
  }
  void UpToAcceptance() {
    MustDo({"lab.qc.1"}, Detected());
    MustDo({"clinic.phy.1"}, kRequested);
    MustDo({"lab.qa.1"}, kAssessed);
    MustDo({"clinic.phy.1"}, kConsent);
    MustDo({"clinic.phy.1"}, Accepted());
  }
  void Whole() {
    UpToAcceptance();
    MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL"));
  }
  EventBuilder Release(const std::string& authorisation = "A-1",
                       const std::string& missed = "missed: 'dose'") {
    return run.Draft(
        {"lab.qp.1", "lab.qp.2"},
        "released_oos { lot: 'LOT26001' certificate: 'C-OOS' certificate_file $FILE containers { "
        "container: 'LOT26001-1' dose_1e6: 60 } dose: 60 dose_unit: '10^6' expires_at $T+90d "
        "expiry_time_zone: 'Europe/Amsterdam' expiry_date_only: YES " +
            missed + " authorisation: '" + authorisation + "' conditions: 'C' }");
  }
  std::vector<pb::Reason> Against(const EventBuilder& release) {
    return Of(run.Judge(release), "R17");
  }
};

TEST_F(ExceptionTest, TheWholeChainInItsOrderReleases) {
  Whole();
  EXPECT_TRUE(Against(Release()).empty()) << Explain(run.Judge(Release()));
}

TEST_F(ExceptionTest, AWithdrawalDoesNotWashOutWhatIsMissed) {
  run.Until("ld_started");
  MustDo({"lab.qc.1"}, Detected("'identity'"));
  Pass(kMicrosPerHour);
  MustDo({"lab.qa.1"},
         "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'missed' "
         "product_recall: NO }");
  Pass(kMicrosPerHour);
  const pb::Verdict plain = run.Judge(Now("released"));
  EXPECT_TRUE(plain.refused());
  EXPECT_THAT(Explain(plain), HasSubstr("identity"));
}

TEST_F(ExceptionTest, ItIsAuthorisedByTheLawOfItsJurisdiction) {
  UpToAcceptance();
  for (const auto& [law, pathway, fits] :
       {std::tuple{"EU", "US_EXPANDED_ACCESS", false}, std::tuple{"EU", "US_SINGLE_IND", false},
        std::tuple{"US", "EU_EXCEPTIONAL", false}, std::tuple{"US", "US_SINGLE_IND", true},
        std::tuple{"EU", "EU_EXCEPTIONAL", true}, std::tuple{"EU", "OTHER", true}}) {
    Publish([&](pb::Profile& p) { p.set_jurisdiction(law); });
    const pb::Verdict verdict = run.Judge(run.Draft({"lab.qp.1"}, Authorised(pathway)));
    EXPECT_EQ(Says(verdict, "R17"), !fits) << law << " " << pathway << Explain(verdict);
  }
}

TEST_F(ExceptionTest, EachLinkIsOfferedInItsTurn) {
  const auto offered = [&](std::string_view body) {
    const auto steps = NextStepsOf(run.state(), run.registry(), ledger.now());
    const auto found = std::ranges::find(steps, body, &pb::NextStep::body);
    return found != steps.end() && !found->blocked();
  };
  EXPECT_FALSE(offered("oos_requested"));
  MustDo({"lab.qc.1"}, Detected());
  EXPECT_TRUE(offered("oos_requested"));
  MustDo({"clinic.phy.1"}, kRequested);
  EXPECT_TRUE(offered("oos_risk_assessed"));
  MustDo({"lab.qa.1"}, kAssessed);
  EXPECT_FALSE(offered("oos_accepted")) << "blocked: the patient was not asked";
  MustDo({"clinic.phy.1"}, kConsent);
  EXPECT_TRUE(offered("oos_accepted"));
  MustDo({"clinic.phy.1"}, Accepted());
  EXPECT_TRUE(offered("oos_authorised"));
  MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL"));
  EXPECT_TRUE(offered("released_oos"));
}

TEST_F(ExceptionTest, NoLinkIsTakenBeforeItsTurn) {
  EXPECT_TRUE(Says(Do({"clinic.phy.1"}, kRequested), "R17"));
  MustDo({"lab.qc.1"}, Detected());
  EXPECT_TRUE(Says(Do({"lab.qa.1"}, kAssessed), "R17"));
  EXPECT_TRUE(Says(Do({"clinic.phy.1"}, Accepted()), "R17"));
  EXPECT_TRUE(Says(Do({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL")), "R17"));
  MustDo({"clinic.phy.1"}, kRequested);
  const pb::Verdict early = Do({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL"));
  EXPECT_TRUE(early.refused());
  EXPECT_EQ(Of(early, "R17").size(), 3U) << Explain(early);  // assessment, acceptance, consent
}

TEST_F(ExceptionTest, ALinkTakenTooEarlyOnPaperCountsForNothing) {
  MustDo({"lab.qc.1"}, Detected());
  EventBuilder assessed = run.Draft({"lab.qa.1"}, kAssessed);
  const pb::Verdict late = run.Record(Late(assessed, "lab.wh"));
  EXPECT_FALSE(late.refused()) << Explain(late);
  EXPECT_TRUE(Of(late, "R17")[0].critical());
  ASSERT_EQ(run.state().lots(0).oos_size(), 1);
  EXPECT_EQ(run.state().lots(0).oos(0), "DETECTED");
}

TEST_F(ExceptionTest, ThePatientsConsentStandsFromTheAcceptanceOn) {
  MustDo({"lab.qc.1"}, Detected());
  MustDo({"clinic.phy.1"}, kRequested);
  MustDo({"lab.qa.1"}, kAssessed);
  const pb::Verdict alone = Do({"clinic.phy.1"}, Accepted());
  EXPECT_TRUE(alone.refused());
  EXPECT_THAT(Of(alone, "R17")[0].next_step(), HasSubstr("CONSENT_OBTAINED"));
  EXPECT_FALSE(Do({"clinic.phy.1"}, Accepted("NO")).refused());  // a no needs nothing
  MustDo({"clinic.phy.1"}, kConsent);
  MustDo({"clinic.phy.1"}, Accepted());
  MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL"));
  EXPECT_TRUE(Against(Release()).empty());
  MustDo({"clinic.rn.1"},
         "consent_withdrawn { withdrawn_at $T withdrawn_by: CONSENT_BY_PATIENT purposes: "
         "CONSENT_TO_OUT_OF_SPECIFICATION }");
  EXPECT_EQ(Against(Release()).size(), 1U);
}

TEST_F(ExceptionTest, WhoDeclinesAfterwardsHasNotAccepted) {
  Whole();
  MustDo({"clinic.phy.1"}, Accepted("NO"));
  EXPECT_EQ(Against(Release()).size(), 2U);  // acceptance, authorisation
}

TEST_F(ExceptionTest, WhoDeclinedBeforeAcceptingHasAccepted) {
  Whole();
  Pass(kMicrosPerHour);
  const auto declined = [&](std::int64_t before) {
    EventBuilder no = Late(run.Draft({"clinic.phy.1"}, Accepted("NO")));
    no.HappenedAt(Instant{run.state().lots(0).oos_accepted_us() - before});
    const pb::Verdict verdict = run.Record(no);
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
    return verdict;
  };
  const pb::Verdict old = declined(kMicrosPerDay);
  ASSERT_EQ(Of(old, "R17").size(), 1U) << Explain(old);
  EXPECT_TRUE(Of(old, "R17")[0].critical());
  EXPECT_EQ(run.state().lots(0).oos_size(), 5);
  declined(kMicrosPerMinute);
  EXPECT_EQ(run.state().lots(0).oos_size(), 3) << "the same minute: it counts";
}

TEST_F(ExceptionTest, AnotherAuthorisationIsNone) {
  Whole();
  const std::vector<pb::Reason> reasons = Against(Release("A-2"));
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].expected(), HasSubstr("A-1"));
  EXPECT_EQ(reasons[0].found(), "A-2");
}

TEST_F(ExceptionTest, TheEuPathwayWantsHolderAndAuthorityNotified) {
  UpToAcceptance();
  MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL", "NO", "NO"));
  EXPECT_EQ(Against(Release()).size(), 2U) << Explain(run.Judge(Release()));
  MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL", "YES", "NO"));
  EXPECT_EQ(Against(Release()).size(), 1U);
  MustDo({"lab.qp.1"}, Authorised("EU_EXCEPTIONAL"));
  EXPECT_TRUE(Against(Release()).empty());
}

TEST_F(ExceptionTest, ElsewhereTheProfileSaysWhoIsNotified) {
  UpToAcceptance();
  MustDo({"lab.qp.1"}, Authorised("US_SINGLE_IND", "NO", "NO"));
  EXPECT_TRUE(Against(Release()).empty()) << Explain(run.Judge(Release()));
  Publish([](pb::Profile& p) { p.mutable_exceptional_release()->set_notify_authority(true); });
  const std::vector<pb::Reason> reasons = Against(Release());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].expected(), HasSubstr("supervisory authority"));
}

TEST_F(ExceptionTest, ADetectionOfMoreBeginsTheChainAnew) {
  Whole();
  MustDo({"lab.qc.1"}, Detected());  // the same again changes nothing
  EXPECT_TRUE(Against(Release()).empty());
  MustDo({"lab.qc.1"}, Detected("'expiry'"));
  EXPECT_EQ(Against(Release("A-1", "missed: 'dose' missed: 'expiry'")).size(), 4U);
}

TEST_F(ExceptionTest, WhatWasReleasedIsNoLongerWhenMoreIsMissed) {
  Whole();
  ASSERT_FALSE(run.Record(Release()).refused());
  MustDo({"lab.qc.1"}, Detected("'viability'"));
  EXPECT_EQ(run.state().lots(0).state(), pb::LOT_FILLED);
  EXPECT_FALSE(FindContainer(run.state(), kMainBag)->released());
}

TEST_F(ExceptionTest, TheReleaseNamesWhatIsMissedAllOfItAndNothingElse) {
  Whole();
  EXPECT_EQ(Against(Release("A-1", "missed: 'expiry'")).size(), 2U);  // dose is not, expiry is
  pb::TestState* failed = run.mutable_state().mutable_lots(0)->add_tests();
  failed->set_test("viability");
  failed->set_failed(true);
  const std::vector<pb::Reason> reasons = Against(Release());
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].next_step(), HasSubstr("OOS_DETECTED"));
}

TEST_F(ExceptionTest, WhatMissesItsSpecificationIsNotReleasedAsIfItDidNot) {
  run.Until("released");
  const EventBuilder release = run.Next();
  EXPECT_TRUE(Of(run.Judge(release), "R16").empty());
  MustDo({"lab.qc.1"}, Detected("'appearance'"));
  const std::vector<pb::Reason> reasons = Of(run.Judge(release), "R16");
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].found(), HasSubstr("appearance"));
}

TEST_F(ExceptionTest, WhatIsDetectedAfterTheReleaseEndsIt) {
  run.Through("released");
  ASSERT_TRUE(FindContainer(run.state(), "LOT26001-1")->released());
  MustDo({"lab.qc.1"}, Detected("'appearance'"));
  EXPECT_FALSE(HasRelease(run.state().lots(0)));
  EXPECT_FALSE(FindContainer(run.state(), "LOT26001-1")->released());
}

TEST_F(ExceptionTest, WhoDeclinesItAfterTheReleaseIsNotGivenIt) {
  Whole();
  EXPECT_FALSE(run.Record(Release()).refused());
  const EventBuilder removal =
      run.Draft({"clinic.pharm.1", "clinic.cell_lab.1"},
                "removed_from_storage { container $SCAN:LOT26001-1 coi $SCAN:CHA999026000001 "
                "position $SCAN:C-LN2-4 certificate $SCAN:C-OOS certificate_matches: YES "
                "removed_at $T }");
  const auto missing = [&] {
    std::size_t count = 0;
    for (const pb::Reason& reason : Of(run.Judge(removal), "R34")) {
      count += reason.expected().find("whole chain") != std::string::npos ? 1U : 0U;
    }
    return count;
  };
  EXPECT_EQ(missing(), 0U);
  MustDo({"clinic.phy.1"}, Accepted("NO"));
  EXPECT_EQ(missing(), 2U);
}

TEST_F(ExceptionTest, EveryTestIsAnsweredOrNamedAmongWhatIsMissed) {
  Whole();
  pb::Lot& lot = *run.mutable_state().mutable_lots(0);
  const auto sterility = std::ranges::find(*lot.mutable_tests(), "sterility", &pb::TestState::test);
  ASSERT_NE(sterility, lot.mutable_tests()->end());
  const auto lacks = [&](const char* found) {
    const std::vector<pb::Reason> reasons = Against(Release());
    EXPECT_EQ(reasons.size(), 1U);
    if (reasons.size() != 1) return;
    EXPECT_EQ(reasons[0].subject(), "sterility");
    EXPECT_EQ(reasons[0].found(), found);
    EXPECT_THAT(reasons[0].next_step(), HasSubstr("QC_RESULT"));
  };
  sterility->set_from_paper(true);
  lacks("others wrote its result down");
  sterility->set_passed(false);
  lacks("no answer yet");
  lot.mutable_tests()->erase(sterility);
  lacks("no result");
  EXPECT_TRUE(run.Judge(Release()).refused());
  // What can never be tested is out of specification, and everybody accepted that.
  lot.add_oos_missed("sterility");
  EXPECT_TRUE(Against(Release("A-1", "missed: 'dose' missed: 'sterility'")).empty());
}

TEST_F(ExceptionTest, ItDatesNothingInThePast) {
  Whole();
  EventBuilder release = Release();
  release.event().mutable_released_oos()->mutable_expires_at()->set_seconds(
      ledger.now().micros / kMicrosPerSecond - 2 * 86'400);
  const std::vector<pb::Reason> reasons = Against(release);
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_THAT(reasons[0].expected(), HasSubstr("still to come"));
}

TEST_F(ExceptionTest, AChainOfAnotherLotIsNotThisOnes) {
  pb::Lot other = run.state().lots(0);
  other.set_lot("LOT26002");
  *run.mutable_state().add_lots() = other;
  Whole();
  EventBuilder release = Release();
  release.event().mutable_released_oos()->set_lot("LOT26002");
  EXPECT_GE(Against(release).size(), 5U);
}

TEST_F(ExceptionTest, WhoAsksAssessesAndAcceptsSignsIt) {
  MustDo({"lab.qc.1"}, Detected());
  EventBuilder requested = run.Draft({"clinic.phy.1"}, kRequested);
  requested.PerformedBy("clinic.phy.1");
  requested.event().clear_signers();
  requested.Late("on paper").By("clinic.coord.1", pb::TRANSCRIBED);
  requested.By("clinic.coord.2", pb::CHECKED);
  const pb::Verdict verdict = run.Judge(requested);
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "R01")) << Explain(verdict);
}

}  // namespace
}  // namespace custody
