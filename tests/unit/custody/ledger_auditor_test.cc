// What is asked of a whole ledger: the root, every heads root, and what was not to be had.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/note.h"
#include "custody/auditor.h"
#include "custody/rules.h"
#include "tests/support/audits.h"
#include "tests/support/main_path.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class LedgerAuditorTest : public ::testing::Test {
 protected:
  LedgerAuditorTest() {
    PatientEnrolledBy(ledger_, "therapy/A1").Record();
    PatientEnrolledBy(ledger_, "therapy/B2").Record();
    ConsentWithdrawnBy(ledger_, "therapy/A1").Record();
    trust_.emplace(TrustIn(ledger_));
  }
  // Audits the ledger with entry `index` as `change` makes it.
  template <typename Change>
  pb::AuditReport Changed(std::uint64_t index, Change change) {
    LogAuditor auditor(&*trust_, {});
    for (const Recorded& recorded : ledger_.log()) {
      pb::LogEntry entry = recorded.entry;
      pb::SignedEvent event = recorded.signed_event;
      if (recorded.index == index) change(entry, event);
      auditor.Add(entry.SerializeAsString(), &event);
    }
    return auditor.Finish(ledger_.SignedCheckpoint());
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  std::optional<TrustAnchor> trust_;
};

TEST_F(LedgerAuditorTest, AChangedEntryIsNamed) {
  const std::uint64_t index = ledger_.log().size() - 2;
  const pb::AuditReport report = Changed(
      index, [](pb::LogEntry& entry, pb::SignedEvent&) { entry.mutable_heads_root()->at(0) ^= 1; });
  EXPECT_TRUE(HasFinding(report, pb::FORGED, "root"));
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "heads-root"));
  EXPECT_THAT(Findings(report), HasSubstr("index: " + std::to_string(index)));
}

TEST_F(LedgerAuditorTest, AChangedEventIsNamed) {
  const std::uint64_t index = ledger_.log().size() - 1;
  const pb::AuditReport report = Changed(index, [](pb::LogEntry&, pb::SignedEvent& event) {
    event.mutable_signatures(0)->mutable_value()->at(0) ^= 1;
  });
  EXPECT_TRUE(HasFinding(report, pb::FORGED, "record"));
  EXPECT_TRUE(HasFinding(report, pb::FORGED, "signature"));
  EXPECT_FALSE(HasFinding(report, pb::FORGED, "root"));
}

TEST_F(LedgerAuditorTest, AWrongHeadsRootThatTheLogSignedIsFound) {
  // The log itself states the wrong root, in one entry, under a checkpoint that it signs.
  NodeTable nodes;
  LogAuditor auditor(&*trust_, {});
  for (const Recorded& recorded : ledger_.log()) {
    pb::LogEntry entry = recorded.entry;
    if (recorded.index == ledger_.log().size() - 2) entry.mutable_heads_root()->at(9) ^= 1;
    const std::string bytes = entry.SerializeAsString();
    nodes.Append(LeafHash(bytes));
    auditor.Add(bytes, &recorded.signed_event);
  }
  const pb::AuditReport report = auditor.Finish(Must(SignCheckpoint(
      {ledger_.origin(), nodes.frontier().size(), nodes.frontier().root()}, ledger_.log_key())));
  EXPECT_FALSE(HasFinding(report, pb::FORGED, "root"));
  ASSERT_TRUE(HasFinding(report, pb::INCONSISTENT, "heads-root"));
  EXPECT_THAT(report.sentence(),
              StartsWith("DO NOT RELY: event " + std::to_string(ledger_.log().size() - 2)));
}

TEST_F(LedgerAuditorTest, WhatStandsAfterTheCheckpointWasNeverPromised) {
  TestLedger before(pb::DEMO, "one", {.small = true});
  LogAuditor auditor(&*trust_, {});
  for (const Recorded& recorded : ledger_.log())
    auditor.Add(recorded.entry_bytes, &recorded.signed_event);
  const pb::AuditReport report = auditor.Finish(before.SignedCheckpoint());
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "size"));
  EXPECT_FALSE(HasFinding(report, pb::FORGED, "root"));
  EXPECT_EQ(report.checkpoint_size(), before.log().size());
}

// Two therapies, the second one from when the first stands at `body`, which both record.
class TwoTherapiesTest : public ::testing::Test {
 protected:
  // The second one's identifiers are its own, unless it has the number of the first.
  pb::AuditReport Audited(const std::string& body, std::string_view number = "02") {
    TherapyRun one(ledger_, "therapy/T1");
    one.Through(body);
    TherapyRun two(ledger_, "therapy/T2", number);
    two.Through(body);
    const TrustAnchor trust = TrustIn(ledger_);
    LogAuditor auditor(&trust, {});
    for (const Recorded& recorded : ledger_.log())
      auditor.Add(recorded.entry_bytes, &recorded.signed_event);
    return auditor.Finish(ledger_.SignedCheckpoint());
  }
  TestLedger ledger_;
};

TEST_F(TwoTherapiesTest, OneShipperForTwoTherapiesIsFound) {
  const pb::AuditReport report = Audited("packed");  // one.packed is never received
  EXPECT_TRUE(HasFinding(report, pb::RULE, "R05")) << Findings(report);
  EXPECT_THAT(Findings(report), HasSubstr("therapy/T1 had it since event"));
}

TEST_F(TwoTherapiesTest, AShipperThatCameBackIsFreeAndAVialIsNot) {
  const pb::AuditReport report = Audited("transduced");
  EXPECT_FALSE(HasFinding(report, pb::RULE, "R05")) << Findings(report);
  EXPECT_TRUE(HasFinding(report, pb::RULE, "R15")) << Findings(report);
  EXPECT_THAT(Findings(report), testing::Not(HasSubstr("not judged here")));
}

// Two open cultures in one incubator, looked at twice: a fact that no list of either shows.
TEST_F(TwoTherapiesTest, TwoOpenCulturesInOneIncubatorAreNamedOnceWithWhatQualityWrote) {
  TherapyRun one(ledger_, "therapy/T1");
  one.Through("activated");
  TherapyRun two(ledger_, "therapy/T2", "02");
  two.Through("activated");
  pb::Profile open = DemoProfile();
  open.set_version(open.version() + 1);
  open.set_culture(pb::CULTURE_OPEN);
  ledger_.PublishProfile(open);
  const auto look = [](TherapyRun& run, const std::string& lot) {
    const pb::Verdict verdict =
        run.Record(run.Draft({"lab.mfg.1"}, "culture_check { lot: '" + lot +
                                                "' day: 2 checked_at $T equipment: 'INC-1' }"));
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  };
  look(one, "LOT26001");
  for (int day = 0; day < 2; ++day) look(two, "LOT26002");
  const auto audited = [&] {
    const TrustAnchor trust = TrustIn(ledger_);
    LogAuditor auditor(&trust, {});
    for (const Recorded& recorded : ledger_.log())
      auditor.Add(recorded.entry_bytes, &recorded.signed_event);
    std::vector<std::string> said;
    const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
    for (const pb::Finding& finding : report.findings()) {
      const bool of_it = finding.check() == "R05" && finding.grade() == pb::NOTE;
      if (of_it && finding.reason().starts_with("incubator")) said.push_back(finding.reason());
    }
    return said;
  };
  std::vector<std::string> said = audited();
  ASSERT_EQ(said.size(), 1U) << "once of each therapy";
  EXPECT_THAT(said[0], HasSubstr("incubator INC-1 of LAB: therapy/T1 had it since event"));
  EXPECT_THAT(said[0], HasSubstr("no DEVIATION_OPENED naming R05 in therapy/T2 and therapy/T1"));
  for (TherapyRun* run : {&one, &two}) {
    ASSERT_FALSE(run->Record(run->Draft({"lab.qa.1"},
                                        "deviation_opened { severity: SEVERITY_CRITICAL title: "
                                        "'shared' description: 'INC-1' rules: 'R05' }"))
                     .refused());
  }
  said = audited();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("written down in both: DEVIATION_OPENED"));
}

TEST_F(TwoTherapiesTest, OneDonationNumberForTwoTherapiesIsFound) {
  const pb::AuditReport report = Audited("label_issued", "01");
  EXPECT_TRUE(HasFinding(report, pb::RULE, "R05")) << Findings(report);
  EXPECT_THAT(Findings(report), HasSubstr("donation " + std::string(kMainDin) + ": therapy/T1"));
}

TEST_F(LedgerAuditorTest, AMissingEndIsFound) {
  LogAuditor auditor(&*trust_, {});
  for (const Recorded& recorded : ledger_.log()) {
    if (recorded.index + 1 < ledger_.log().size())
      auditor.Add(recorded.entry_bytes, &recorded.signed_event);
  }
  const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "size"));
  EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY"));
}

TEST_F(LedgerAuditorTest, ADroppedEntryIsFound) {
  for (std::size_t dropped = 0; dropped < ledger_.log().size(); ++dropped) {
    LogAuditor auditor(&*trust_, {});
    for (const Recorded& recorded : ledger_.log()) {
      if (recorded.index != dropped) auditor.Add(recorded.entry_bytes, &recorded.signed_event);
    }
    EXPECT_EQ(ExitCode(auditor.Finish(ledger_.SignedCheckpoint())), 1) << dropped;
  }
}

TEST_F(LedgerAuditorTest, WithheldEventsAreCountedAndTheirPlacesChecked) {
  LogAuditor auditor(&*trust_, {});
  for (const Recorded& recorded : ledger_.log()) {
    const bool withheld = recorded.parsed.event.chain() == "therapy/B2";
    auditor.Add(recorded.entry_bytes, withheld ? nullptr : &recorded.signed_event);
  }
  const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
  EXPECT_EQ(Findings(report), "");
  EXPECT_TRUE(HasFinding(report, pb::NOTE, "withheld"));
}

TEST_F(LedgerAuditorTest, AnUnreadableEntryTakesItsPlaceAndTheRestIsAudited) {
  LogAuditor auditor(&*trust_, {});
  const std::uint64_t unreadable = ledger_.log().size() - 2;
  for (const Recorded& recorded : ledger_.log()) {
    if (recorded.index == unreadable) {
      auditor.AddUnreadable("checksum of the block differs");
    } else {
      auditor.Add(recorded.entry_bytes, &recorded.signed_event);
    }
  }
  const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
  EXPECT_TRUE(HasFinding(report, pb::UNREADABLE, "read"));
  EXPECT_FALSE(HasFinding(report, pb::FORGED, "signature"));
  EXPECT_THAT(report.sentence(), HasSubstr("DO NOT RELY"));
}

TEST_F(LedgerAuditorTest, AnEventThatIsLostIsNoMereNote) {
  LogAuditor auditor(&*trust_, {});
  for (const Recorded& recorded : ledger_.log()) {
    if (recorded.parsed.event.chain() == "therapy/B2") {
      auditor.AddWithoutEvent(recorded.entry_bytes, "no such row");
    } else {
      auditor.Add(recorded.entry_bytes, &recorded.signed_event);
    }
  }
  const pb::AuditReport report = auditor.Finish(ledger_.SignedCheckpoint());
  EXPECT_TRUE(HasFinding(report, pb::UNREADABLE, "event"));
  EXPECT_EQ(ExitCode(report), 1);
}

TEST_F(LedgerAuditorTest, WithoutATrustFileTheLedgersOwnKeyIsUsed) {
  const pb::AuditReport report = AuditLedger(ledger_, nullptr);
  EXPECT_EQ(Findings(report), "");
  EXPECT_THAT(report.sentence(), StartsWith("CONSISTENT, REGISTRY NOT PINNED"));
}

TEST_F(LedgerAuditorTest, AnEmptyLedgerIsNone) {
  LogAuditor auditor(&*trust_, {});
  const pb::AuditReport report = auditor.Finish(
      Must(SignCheckpoint({ledger_.origin(), 0, EmptyTreeRoot()}, ledger_.log_key())));
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "genesis")) << Findings(report);
}

}  // namespace
}  // namespace custody
