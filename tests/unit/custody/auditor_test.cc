#include "custody/auditor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/note.h"
#include "tests/support/audits.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTherapy[] = "therapy/A1";

// A small ledger with three events of one therapy, and one of another after them.
class AuditorTest : public ::testing::Test {
 protected:
  AuditorTest() {
    PatientEnrolledBy(ledger_, kTherapy).Record();
    ledger_.Pass(kMicrosPerHour);
    ConsentWithdrawnBy(ledger_, kTherapy).Record();
    ledger_.Pass(kMicrosPerHour);
    ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2").Record();
    PatientEnrolledBy(ledger_, "therapy/B2").Record();
  }
  pb::AuditReport Audit() { return Audit(BundleOf(ledger_, kTherapy)); }
  pb::AuditReport Audit(Bundle bundle) {
    const TrustAnchor trust = TrustIn(ledger_);
    return AuditBundle(std::move(bundle), &trust, {});
  }
  pb::AuditReport AuditWhole() {
    const TrustAnchor trust = TrustIn(ledger_);
    return AuditLedger(ledger_, &trust);
  }
  // Signed as built and then changed, so that the log holds what `change` made of it.
  const Recorded& RecordChanged(EventBuilder event, void (*change)(pb::SignedEvent&)) {
    pb::SignedEvent signed_event = event.Sign();
    change(signed_event);
    return ledger_.Record(signed_event);
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
};

TEST_F(AuditorTest, AWholeBundleIsCompleteAndUnchanged) {
  const TrustAnchor trust = TrustIn(ledger_);
  const pb::AuditReport report = AuditBundle(BundleText(ledger_, kTherapy), &trust, {});
  EXPECT_EQ(Findings(report), "");
  EXPECT_EQ(ExitCode(report), 0);
  EXPECT_EQ(report.entries(), ledger_.log().size() - 1);
  EXPECT_EQ(report.checkpoint_size(), ledger_.log().size());
  EXPECT_EQ(report.completeness(), "stated by the log");
  EXPECT_EQ(report.environment(), "demo");
  EXPECT_EQ(report.therapy(), kTherapy);
  EXPECT_TRUE(report.registry_pinned());
  EXPECT_THAT(report.sentence(), StartsWith("COMPLETE AND UNCHANGED up to"));
  EXPECT_THAT(report.sentence(), HasSubstr("0 overrides, 0 open deviations"));
  EXPECT_THAT(report.sentence(), HasSubstr("TRAINING - NOT FOR PATIENT USE"));
}

TEST_F(AuditorTest, AWholeLedgerIsReplayed) {
  const pb::AuditReport report = AuditWhole();
  EXPECT_EQ(Findings(report), "");
  EXPECT_EQ(report.entries(), ledger_.log().size());
  std::uint64_t signatures = 0;
  for (const Recorded& recorded : ledger_.log())
    signatures += static_cast<std::uint64_t>(recorded.signed_event.signatures_size());
  EXPECT_EQ(report.signatures(), signatures);
  EXPECT_EQ(report.completeness(), "replayed here");
  EXPECT_THAT(report.sentence(), StartsWith("COMPLETE AND UNCHANGED up to"));
}

TEST_F(AuditorTest, ALogKeyAlonePinsNoRegistry) {
  const TrustAnchor key_alone = Must(TrustAnchor::FromLogKey(ledger_.log_vkey()));
  for (const TrustAnchor* trust : {&key_alone, static_cast<const TrustAnchor*>(nullptr)}) {
    const pb::AuditReport report = AuditBundle(BundleOf(ledger_, kTherapy), trust, {});
    EXPECT_EQ(Findings(report), "");
    EXPECT_FALSE(report.registry_pinned());
    EXPECT_THAT(report.sentence(), StartsWith("CONSISTENT, REGISTRY NOT PINNED"));
  }
}

TEST_F(AuditorTest, AnInventedRegistryUnderTheSameLogKeyIsFound) {
  TestLedger invented(pb::DEMO, "one", {.small = true, .invented = true});
  PatientEnrolledBy(invented, kTherapy).Record();
  ASSERT_EQ(invented.log_vkey(), ledger_.log_vkey());
  ASSERT_NE(invented.genesis(), ledger_.genesis());
  EXPECT_EQ(Findings(AuditBundle(BundleOf(invented, kTherapy), nullptr, {})), "");
  const pb::AuditReport report = Audit(BundleOf(invented, kTherapy));
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "genesis"));
  EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY"));
  const TrustAnchor trust = TrustIn(ledger_);
  EXPECT_TRUE(HasFinding(AuditLedger(invented, &trust), pb::INCONSISTENT, "genesis"));
}

TEST_F(AuditorTest, ForgedSignaturesAreFoundAndDoNotHideEachOther) {
  const auto forge = [](pb::SignedEvent& event) {
    event.mutable_signatures(0)->mutable_value()->at(7) ^= 1;
  };
  const std::uint64_t first = RecordChanged(ConsentWithdrawnBy(ledger_, kTherapy), forge).index;
  const std::uint64_t second = RecordChanged(ConsentWithdrawnBy(ledger_, kTherapy), forge).index;
  for (const pb::AuditReport& report : {Audit(), AuditWhole()}) {
    std::vector<std::uint64_t> forged;
    for (const pb::Finding& finding : report.findings()) {
      if (finding.grade() == pb::NOTE) continue;
      EXPECT_EQ(finding.grade(), pb::FORGED);
      EXPECT_EQ(finding.check(), "signature");
      EXPECT_THAT(finding.reason(), HasSubstr("not used further"));
      forged.push_back(finding.index());
    }
    EXPECT_THAT(forged, ::testing::ElementsAre(first, second));
    EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY: event " + std::to_string(first)));
    EXPECT_EQ(ExitCode(report), 1);
  }
}

TEST_F(AuditorTest, SwappedMissingAndExtraSignaturesAreFound) {
  const auto swap = [](pb::SignedEvent& event) { event.mutable_signatures()->SwapElements(0, 1); };
  const auto drop = [](pb::SignedEvent& event) { event.mutable_signatures()->RemoveLast(); };
  const auto add = [](pb::SignedEvent& event) { *event.add_signatures() = event.signatures(0); };
  std::size_t n = 0;
  for (const auto change : {+swap, +drop, +add}) {
    RecordChanged(PatientEnrolledBy(ledger_, "therapy/N" + std::to_string(n++)), change);
  }
  const pb::AuditReport report = AuditWhole();
  EXPECT_EQ(std::count_if(report.findings().begin(), report.findings().end(),
                          [](const pb::Finding& finding) {
                            return finding.grade() == pb::FORGED && finding.check() == "signature";
                          }),
            3)
      << Findings(report);
}

TEST_F(AuditorTest, AKeyThatWasNeverEnrolledIsUnauthorised) {
  ledger_.MakePerson("CLINIC", pb::RN, "clinic.rn.9");
  ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.9").Record();
  for (const pb::AuditReport& report : {Audit(), AuditWhole()})
    EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "key")) << Findings(report);
}

TEST_F(AuditorTest, AKeyEnrolledLaterIsUnauthorisedBefore) {
  ledger_.MakePerson("CLINIC", pb::RN, "clinic.rn.9");
  ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.9").Record();
  ledger_.AddPerson("CLINIC", pb::RN, "clinic.rn.9");
  ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.9").Record();
  for (const pb::AuditReport& report : {Audit(), AuditWhole()}) {
    ASSERT_TRUE(HasFinding(report, pb::UNAUTHORISED, "key")) << Findings(report);
    EXPECT_EQ(std::count_if(report.findings().begin(), report.findings().end(),
                            [](const auto& finding) { return finding.check() == "key"; }),
              1);
  }
}

TEST_F(AuditorTest, RevokedKeysAreUnauthorisedAndSuspectBeforehand) {
  const Recorded& before = ConsentWithdrawnBy(ledger_, kTherapy).Record();
  const std::uint64_t suspect = before.index;
  ledger_.Pass(kMicrosPerHour);
  EventBuilder revoked = ledger_.On("registry/CLINIC").By("clinic.registrar.1", pb::APPROVED);
  pb::KeyRevoked& body = *revoked.event().mutable_key_revoked();
  body.set_key_id(ledger_.person("clinic.rn.1").key.key_id().ToString());
  body.set_reason("token lost");
  *body.mutable_compromised_since() = ToProto(ledger_.now() + -2 * kMicrosPerHour + 1);
  revoked.Record();
  const std::uint64_t unauthorised = ConsentWithdrawnBy(ledger_, kTherapy).Record().index;
  for (const pb::AuditReport& report : {Audit(), AuditWhole()}) {
    for (const pb::Finding& finding : report.findings()) {
      if (finding.check() == "compromised") {
        EXPECT_EQ(finding.grade(), pb::SUSPECT);
        EXPECT_GE(finding.index(), suspect - 1);
      }
      if (finding.check() == "key") {
        EXPECT_EQ(finding.index(), unauthorised);
      }
    }
    EXPECT_TRUE(HasFinding(report, pb::SUSPECT, "compromised")) << Findings(report);
    EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "key")) << Findings(report);
  }
}

TEST_F(AuditorTest, EventsOfAnotherLedgerAreNotTaken) {
  TestLedger other(pb::DEMO, "two", {.small = true});
  ledger_.Record(PatientEnrolledBy(other, "therapy/C3").Sign());
  for (const pb::AuditReport& report : {Audit(BundleOf(ledger_, "therapy/C3")), AuditWhole()})
    EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "ledger")) << Findings(report);
}

TEST_F(AuditorTest, GapsAndWrongPredecessorsAreFound) {
  EventBuilder gap = ConsentWithdrawnBy(ledger_, kTherapy);
  gap.event().set_sequence(gap.event().sequence() + 1);
  gap.Record();
  EXPECT_TRUE(HasFinding(AuditWhole(), pb::INCONSISTENT, "chain"));
  EventBuilder astray = ConsentWithdrawnBy(ledger_, "therapy/B2");
  astray.event().set_previous(Sha256("astray").ToString());
  astray.Record();
  EXPECT_TRUE(HasFinding(AuditWhole(), pb::INCONSISTENT, "previous"));
}

TEST_F(AuditorTest, TimesThatCannotBeAreFound) {
  EventBuilder early = ConsentWithdrawnBy(ledger_, kTherapy);
  early.SignedAt(ledger_.now() + 3 * kMicrosPerMinute).Record();
  EXPECT_TRUE(HasFinding(Audit(), pb::INCONSISTENT, "signed-at"));
  ledger_.Pass(-kMicrosPerDay);
  ConsentWithdrawnBy(ledger_, kTherapy).Record();
  EXPECT_TRUE(HasFinding(Audit(), pb::INCONSISTENT, "received-at"));
  EXPECT_TRUE(HasFinding(AuditWhole(), pb::INCONSISTENT, "received-at"));
}

TEST_F(AuditorTest, AnAdoptedOriginalMustBelongHereAndBeNew) {
  EventBuilder offline = ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2");
  offline.After(0, ledger_.log()[ledger_.log().size() - 4].parsed.event_id);
  const auto adopt = [&](const EventBuilder& original) {
    EventBuilder adopting = ledger_.On(kTherapy).By("clinic.rn.1");
    *adopting.event().mutable_adopted()->mutable_original() = original.Sign();
    adopting.event().mutable_adopted()->set_reason("the ward was offline");
    adopting.Record();
  };
  adopt(offline);
  EXPECT_FALSE(HasFinding(AuditWhole(), pb::INCONSISTENT, "adopted")) << Findings(AuditWhole());
  adopt(offline);
  EXPECT_TRUE(HasFinding(AuditWhole(), pb::INCONSISTENT, "adopted"));
  EXPECT_THAT(Findings(AuditWhole()), HasSubstr("recorded before"));
  EventBuilder astray = ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2");
  adopt(astray.After(1, Sha256("nobody's event")));
  EXPECT_THAT(Findings(AuditWhole()), HasSubstr("not of this chain"));
}

TEST_F(AuditorTest, AnAdoptedOriginalFollowsAnEventByItsWholeId) {
  EventBuilder offline = ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2");
  Hash almost = ledger_.log().back().parsed.event_id;
  almost.bytes.back() ^= 1;
  offline.After(1, almost);
  EventBuilder adopting = ledger_.On(kTherapy).By("clinic.rn.1");
  *adopting.event().mutable_adopted()->mutable_original() = offline.Sign();
  adopting.event().mutable_adopted()->set_reason("the ward was offline");
  adopting.Record();
  EXPECT_THAT(Findings(AuditWhole()), HasSubstr("not of this chain"));
}

TEST_F(AuditorTest, ReportsAreTheSameWithAnyNumberOfThreads) {
  for (int i = 0; i < 1500; ++i) {
    ledger_.Pass(kMicrosPerMinute);
    EventBuilder event = ConsentWithdrawnBy(ledger_, "therapy/M" + std::to_string(i % 40));
    pb::SignedEvent signed_event = event.Sign();
    if (i % 100 == 3) signed_event.mutable_signatures(0)->mutable_value()->at(1) ^= 4;
    if (i % 500 == 4) ledger_.AddPerson("CLINIC", pb::RN, "clinic.rn." + std::to_string(i));
    ledger_.Record(signed_event);
  }
  const TrustAnchor trust = TrustIn(ledger_);
  const std::string one =
      AuditLedger(ledger_, &trust, {.threads = 1, .progress = {}}).DebugString();
  EXPECT_EQ(AuditLedger(ledger_, &trust, {.threads = 2, .progress = {}}).DebugString(), one);
  EXPECT_EQ(AuditLedger(ledger_, &trust, {.threads = 5, .progress = {}}).DebugString(), one);
  EXPECT_THAT(one, HasSubstr("FORGED"));
}

TEST_F(AuditorTest, WhatTheRulesRefuseSpeaksAgainstTheProcessAndNotTheRecord) {
  const std::uint64_t index = ConsentWithdrawnBy(ledger_, "therapy/C3").Record().index;
  const pb::AuditReport report = AuditWhole();
  EXPECT_TRUE(HasFinding(report, pb::RULE, "R38")) << Findings(report);
  EXPECT_THAT(Findings(report), HasSubstr("index: " + std::to_string(index)));
  EXPECT_THAT(report.sentence(), StartsWith("COMPLETE AND UNCHANGED"));
  EXPECT_THAT(report.sentence(), HasSubstr("broken rule"));
  EXPECT_EQ(ExitCode(report), 1);
}

TEST_F(AuditorTest, WhoHadNoAuthorityHasNoEffect) {
  // One registrar alone enrols nobody: the person's own events then come from nobody known.
  EventBuilder alone = ledger_.On("registry/CLINIC").By("clinic.registrar.1", pb::APPROVED);
  pb::PersonEnrolled& body = *alone.event().mutable_person_enrolled();
  body.set_person("clinic.rn.9");
  body.set_printed_name("Nobody");
  body.set_organisation("HOSPITAL");
  body.add_sites("CLINIC");
  body.add_roles(pb::RN);
  alone.Record();
  const pb::AuditReport report = AuditWhole();
  EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "R01")) << Findings(report);
  EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY"));
}

// The whole main path, as recorded by the ledger's own judgement: the auditor's is the same.
TEST(AuditorMainPathTest, AWholeTherapyIsCompleteAndUnchanged) {
  TestLedger ledger;
  TherapyRun run(ledger, kTherapy);
  run.Until("");
  const TrustAnchor trust = TrustIn(ledger);
  const pb::AuditReport whole = AuditLedger(ledger, &trust);
  EXPECT_EQ(Findings(whole), "");
  EXPECT_THAT(whole.sentence(), StartsWith("COMPLETE AND UNCHANGED"));
  const pb::AuditReport bundle = AuditBundle(BundleText(ledger, kTherapy), &trust, {});
  for (const pb::Finding& finding : bundle.findings()) {
    EXPECT_TRUE(finding.grade() == pb::NOTE || finding.check() == "attachment")
        << finding.ShortDebugString();
  }
  EXPECT_EQ(bundle.open_deviations(), whole.open_deviations());
  EXPECT_EQ(bundle.overrides(), whole.overrides());
}

TEST_F(AuditorTest, WithoutSignaturesItSaysSo) {
  const TrustAnchor trust = TrustIn(ledger_);
  const pb::AuditReport report =
      AuditLedger(ledger_, &trust, {.signatures = false, .progress = {}});
  EXPECT_TRUE(HasFinding(report, pb::NOTE, "signature"));
  EXPECT_EQ(report.signatures(), 0U);
}

TEST_F(AuditorTest, FindingsAreOrderedByIndexAndCheck) {
  Bundle bundle = BundleOf(ledger_, kTherapy);
  for (auto& [chain, entries] : bundle.chains) {
    for (BundleEntry& entry : entries) entry.path.pop_back();
  }
  bundle.origin = "demo.other.example";
  const pb::AuditReport report = Audit(std::move(bundle));
  ASSERT_GT(report.findings_size(), 10);
  for (int i = 1; i < report.findings_size(); ++i) {
    const auto key = [](const pb::Finding& f) {
      return std::make_tuple(f.has_index(), f.index(), f.check());
    };
    EXPECT_LE(key(report.findings(i - 1)), key(report.findings(i)));
  }
}

TEST_F(AuditorTest, EventsUnderRulesThatAreNotKnownHereAreNotCalledSound) {
  EventBuilder act = ledger_.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  act.event().mutable_rules_adopted()->set_rules_version(999);
  act.event().mutable_rules_adopted()->set_reason("of a newer program");
  act.Record();
  EXPECT_EQ(Findings(AuditWhole()), "");  // nothing was judged by them yet
  const std::uint64_t index = ConsentWithdrawnBy(ledger_, kTherapy).Record().index;
  const pb::AuditReport report = AuditWhole();
  std::size_t found = 0;
  for (const pb::Finding& finding : report.findings()) {
    if (finding.grade() == pb::NOTE) continue;
    ++found;
    EXPECT_EQ(finding.grade(), pb::RULE);
    EXPECT_EQ(finding.index(), index);
    EXPECT_EQ(finding.reason(), "not judged: rules version 999 is not known to this program");
  }
  EXPECT_EQ(found, 1U) << Findings(report);
  EXPECT_EQ(ExitCode(report), 1);
  EXPECT_THAT(report.sentence(), StartsWith("COMPLETE AND UNCHANGED up to"));
}

// Whoever founds a ledger could claim any other as its past: the old quorum's signatures alone
// would show it, and the old registry is not here.
TEST_F(AuditorTest, TheClaimToContinueAnotherLedgerIsNotTaken) {
  TestLedger old(pb::DEMO, "old", {.small = true});
  EventBuilder act = ledger_.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  pb::LedgerContinued& body = *act.event().mutable_ledger_continued();
  body.set_old_origin(old.origin());
  body.set_old_log_key(old.log_vkey());
  body.set_last_checkpoint(old.SignedCheckpoint());
  body.set_kept_root(old.LogRoot().ToString());
  body.set_kept_size(old.log().size());
  body.set_lost_entries(0);
  body.set_reason("new log key");
  // Not at sequence 1, where the registry's fold wants it: the claim is refused wherever it stands.
  const ParsedEvent parsed = act.Parse();
  pb::LogEntry entry;
  entry.set_chain_key(Sha256("registry").ToString());
  entry.set_sequence(parsed.event.sequence());
  entry.set_event_id(parsed.event_id.ToString());
  entry.set_record(RecordOf(parsed.event_id, act.Sign()).ToString());
  *entry.mutable_received_at() = ToProto(ledger_.now());
  entry.set_heads_root(Sha256("whatever").ToString());
  const TrustAnchor trust = TrustIn(ledger_);
  LogAuditor auditor(&trust, {});
  for (const Recorded& recorded : ledger_.log())
    auditor.Add(recorded.entry_bytes, &recorded.signed_event);
  const pb::SignedEvent signed_event = act.Sign();
  auditor.Add(entry.SerializeAsString(), &signed_event);
  const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
  EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "continues")) << Findings(report);
  EXPECT_THAT(Findings(report), HasSubstr("states that this ledger continues " + old.origin()));
}

TEST_F(AuditorTest, APersonReadsWhatIsWrong) {
  Bundle bundle = BundleOf(ledger_, kTherapy);
  bundle.chains[kTherapy][1].view = R"({"chain":"therapy/A1"})";
  const std::string text = Render(Audit(std::move(bundle)));
  EXPECT_THAT(text, HasSubstr("Against the record:"));
  EXPECT_THAT(text, HasSubstr("(therapy/A1 number 1)"));
  EXPECT_THAT(text, HasSubstr("[view]"));
  EXPECT_THAT(text, HasSubstr("DO NOT RELY"));
}

}  // namespace
}  // namespace custody
