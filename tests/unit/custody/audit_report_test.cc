// What a report claims: never more than was checked, and nothing that a forger put into its mouth.
#include "custody/audit_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/main_path.h"
#include "tests/support/therapy_events.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kTherapy[] = "therapy/A1";

class AuditReportTest : public ::testing::Test {
 protected:
  AuditReportTest() {
    PatientEnrolledBy(ledger_, kTherapy).Record();
    ConsentWithdrawnBy(ledger_, kTherapy).Record();
  }
  // The audit of a log of which the server withholds every event that `hide` names.
  pb::AuditReport WithheldWhere(const std::function<bool(const Recorded&)>& hide) {
    LogAuditor auditor(&trust_, {});
    for (const Recorded& recorded : ledger_.log())
      auditor.Add(recorded.entry_bytes, hide(recorded) ? nullptr : &recorded.signed_event);
    return auditor.Finish(ledger_.SignedCheckpoint());
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  TrustAnchor trust_ = TrustIn(ledger_);
};

// Who serves a log could hide a revocation by withholding it, as if it were not to be read.
TEST_F(AuditReportTest, AWithheldActOfTheRegistryIsNoMereNote) {
  EventBuilder revoked = ledger_.On("registry/CLINIC").By("clinic.registrar.1", pb::APPROVED);
  revoked.event().mutable_key_revoked()->set_key_id(
      ledger_.person("clinic.rn.2").key.key_id().ToString());
  revoked.event().mutable_key_revoked()->set_reason("lost");
  const std::uint64_t index = revoked.Record().index;
  ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2").Record();  // by the revoked key
  const pb::AuditReport all = WithheldWhere([](const Recorded&) { return false; });
  EXPECT_TRUE(HasFinding(all, pb::UNAUTHORISED, "key"));
  const pb::AuditReport hidden =
      WithheldWhere([&](const Recorded& recorded) { return recorded.index == index; });
  EXPECT_TRUE(HasFinding(hidden, pb::INCOMPLETE, "withheld")) << Findings(hidden);
  EXPECT_EQ(ExitCode(hidden), 1);
  EXPECT_THAT(hidden.sentence(),
              StartsWith("DO NOT RELY ON WHO SIGNED: 1 act of the registry withheld"));
}

TEST_F(AuditReportTest, AWholeSiteThatIsWithheldIsKnownByItsChainsKey) {
  const pb::AuditReport report = WithheldWhere(
      [](const Recorded& recorded) { return recorded.parsed.event.chain() == "registry/CLINIC"; });
  EXPECT_TRUE(HasFinding(report, pb::INCOMPLETE, "withheld")) << Findings(report);
  EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "key"));
}

TEST_F(AuditReportTest, WhatWasWithheldIsNotCalledComplete) {
  const pb::AuditReport report = WithheldWhere(
      [](const Recorded& recorded) { return recorded.parsed.event.chain() == kTherapy; });
  EXPECT_EQ(Findings(report), "");
  EXPECT_THAT(report.sentence(), StartsWith("UNCHANGED, BUT 2 EVENTS WITHHELD"));
}

TEST_F(AuditReportTest, WithoutSignaturesNothingIsCalledUnchanged) {
  const pb::AuditReport report =
      AuditLedger(ledger_, &trust_, {.signatures = false, .progress = {}});
  EXPECT_THAT(report.sentence(), StartsWith("SIGNATURES NOT CHECKED"));
  EXPECT_THAT(report.sentence(), Not(HasSubstr("COMPLETE AND UNCHANGED")));
}

TEST_F(AuditReportTest, AnOldCheckpointIsDatedByItsOwnLastEntry) {
  TestLedger before(pb::DEMO, "one", {.small = true});
  const std::string then = FormatUtc(before.log().back().received_at);
  const std::string early = before.SignedCheckpoint();
  ledger_.Pass(30 * kMicrosPerDay);
  ConsentWithdrawnBy(ledger_, kTherapy).Record();
  LogAuditor auditor(&trust_, {});
  for (const Recorded& recorded : ledger_.log())
    auditor.Add(recorded.entry_bytes, &recorded.signed_event);
  const pb::AuditReport report = auditor.Finish(early);
  // What the log never promised is no part of what is found good.
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "size")) << Findings(report);
  EXPECT_EQ(ExitCode(report), 1);
  LogAuditor exact(&trust_, {});
  for (std::size_t i = 0; i < before.log().size(); ++i)
    exact.Add(ledger_.log()[i].entry_bytes, &ledger_.log()[i].signed_event);
  EXPECT_THAT(exact.Finish(early).sentence(),
              StartsWith("COMPLETE AND UNCHANGED up to entry " +
                         std::to_string(before.log().size()) + " of " + then));
}

// A forged file must not write its own verdict on the screen of who reads the report.
TEST_F(AuditReportTest, TextOfAForgerCannotMoveTheCursorOrEndTheLine) {
  std::string text = BundleText(ledger_, kTherapy);
  text.insert(1, R"("\u001b[2J\nCOMPLETE AND UNCHANGED \u009b1A \u202e": 1,)");
  const std::string shown = Render(AuditBundle(text, &trust_, {}));
  EXPECT_THAT(shown, HasSubstr("DO NOT RELY"));
  EXPECT_EQ(shown.find('\x1b'), shown.npos);
  EXPECT_EQ(shown.find("\nCOMPLETE"), shown.npos);
  EXPECT_EQ(shown.find("\xC2\x9B"), shown.npos);
  EXPECT_EQ(shown.find("\xE2\x80\xAE"), shown.npos);
}

TEST_F(AuditReportTest, TwoMissingAttachmentsAreCounted) {
  EventBuilder event = ConsentWithdrawnBy(ledger_, kTherapy);
  pb::AttachmentRef& document = *event.event().mutable_consent_withdrawn()->mutable_document();
  document.set_size(1);
  document.set_media_type("application/pdf");
  document.set_sha256(Sha256("one").ToString());
  event.Record();
  EventBuilder again = ConsentWithdrawnBy(ledger_, kTherapy);
  *again.event().mutable_consent_withdrawn()->mutable_document() = document;
  again.event().mutable_consent_withdrawn()->mutable_document()->set_sha256(
      Sha256("two").ToString());
  again.Record();
  const pb::AuditReport report = AuditBundle(BundleOf(ledger_, kTherapy), &trust_, {});
  EXPECT_THAT(report.sentence(), StartsWith("UNCHANGED, BUT 2 ATTACHMENTS NOT HERE"));
}

// One grant for one container, used at three steps, is one override.
class OverrideReportTest : public RulesTest {};

TEST_F(OverrideReportTest, AGrantThatIsUsedOftenIsOneOverride) {
  run.Until("preinfusion_check_passed");
  EventBuilder go = run.Next();
  go.event().mutable_preinfusion_check_passed()->set_tocilizumab_doses(1);  // of two
  const pb::Verdict scarce = run.Record(go);
  ASSERT_FALSE(scarce.refused()) << Explain(scarce);
  run.Until("removed_from_storage");
  const Recorded& grant =
      Grant("clinic.phy.1", "rules: 'R23'",
            "container: 'LOT26001-1' scope: OVERRIDE_SCOPE_CONTAINER expires_at $T+8h");
  std::size_t cited = 0;
  for (const char* body : {"removed_from_storage", "thaw_started"}) {
    run.Until(body);
    EventBuilder step = run.Next();
    step.Citing(grant);
    const pb::Verdict verdict = run.Record(step);
    ASSERT_FALSE(verdict.refused()) << body << ": " << Explain(verdict);
    if (std::ranges::any_of(verdict.reasons(), [](const auto& r) { return r.overridden(); }))
      ++cited;
  }
  EXPECT_EQ(cited, 2U);
  const TrustAnchor trust = TrustIn(ledger);
  const pb::AuditReport report = AuditLedger(ledger, &trust);
  EXPECT_EQ(report.overrides(), 1U) << report.sentence();
  EXPECT_THAT(report.sentence(), HasSubstr("1 override,"));
}

}  // namespace
}  // namespace custody
