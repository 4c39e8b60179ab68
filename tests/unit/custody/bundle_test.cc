#include "custody/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "custody/audit_report.h"
#include "custody/auditor.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

class BundleTest : public ::testing::Test {
 protected:
  BundleTest() {
    PatientEnrolledBy(ledger_, "therapy/A1").Record();
    ConsentWithdrawnBy(ledger_, "therapy/A1").Record();
    text_ = BundleText(ledger_, "therapy/A1");
  }
  std::string Replaced(std::string_view what, std::string_view with) const {
    std::string text = text_;
    EXPECT_NE(text.find(what), text.npos) << what;
    return text.replace(text.find(what), what.size(), with);
  }
  static std::vector<pb::Finding> FindingsIn(const std::string& text) {
    std::vector<pb::Finding> findings;
    CUSTODY_EXPECT_OK(ParseBundle(text, findings));
    return findings;
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  std::string text_;
};

TEST_F(BundleTest, WhatIsWrittenIsReadBack) {
  const Bundle written = BundleOf(ledger_, "therapy/A1");
  std::vector<pb::Finding> findings;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Bundle read, ParseBundle(text_, findings));
  EXPECT_THAT(findings, ::testing::IsEmpty());
  EXPECT_EQ(read.origin, written.origin);
  EXPECT_EQ(read.log_key, written.log_key);
  EXPECT_EQ(read.genesis, written.genesis);
  EXPECT_EQ(read.environment, written.environment);
  EXPECT_EQ(read.checkpoint, written.checkpoint);
  EXPECT_EQ(read.schema, written.schema);
  EXPECT_EQ(read.last_index, written.last_index);
  EXPECT_EQ(read.last_entry, written.last_entry);
  EXPECT_EQ(read.last_path, written.last_path);
  ASSERT_EQ(read.chains.size(), written.chains.size());
  for (const auto& [chain, entries] : written.chains) {
    ASSERT_EQ(read.chains.at(chain).size(), entries.size());
    EXPECT_EQ(read.heads.at(chain).head, written.heads.at(chain).head);
    EXPECT_EQ(read.heads.at(chain).length, entries.size());
    EXPECT_EQ(read.heads.at(chain).siblings, written.heads.at(chain).siblings);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const BundleEntry& entry = read.chains.at(chain)[i];
      EXPECT_EQ(entry.index, entries[i].index);
      EXPECT_EQ(entry.entry, entries[i].entry);
      EXPECT_EQ(entry.path, entries[i].path);
      EXPECT_EQ(entry.signed_event.SerializeAsString(),
                entries[i].signed_event.SerializeAsString());
      EXPECT_EQ(entry.view, *DecodedView(Must(ParseEvent(entry.signed_event.payload())).event));
    }
  }
  EXPECT_EQ(Must(WriteBundle(read)), text_);
}

TEST_F(BundleTest, AttachmentsAndContinuationsAreReadBack) {
  Bundle written = BundleOf(ledger_, "therapy/A1");
  const std::string bytes("curve\0data", 10);
  written.attachments[Sha256(bytes).ToHex()] = {"text/csv", bytes.size(), bytes};
  written.attachments[Sha256("elsewhere").ToHex()] = {"text/csv", 9, std::nullopt};
  written.continues.push_back({"demo.old.example", "vkey", Sha256("old"), "note\n"});
  std::vector<pb::Finding> findings;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Bundle read,
                               ParseBundle(Must(WriteBundle(written)), findings));
  EXPECT_THAT(findings, ::testing::IsEmpty());
  ASSERT_EQ(read.attachments.size(), 2U);
  EXPECT_EQ(read.attachments.at(Sha256(bytes).ToHex()).bytes, bytes);
  EXPECT_FALSE(read.attachments.at(Sha256("elsewhere").ToHex()).bytes.has_value());
  ASSERT_EQ(read.continues.size(), 1U);
  EXPECT_EQ(read.continues[0].genesis, Sha256("old"));
  EXPECT_EQ(read.continues[0].checkpoint, "note\n");
}

TEST_F(BundleTest, OnlyAnObjectIsABundle) {
  for (const char* text : {"", "[]", "1", "\"x\"", "nonsense", "null"}) {
    std::vector<pb::Finding> findings;
    EXPECT_THAT(ParseBundle(text, findings), StatusIs(StatusCode::kInvalidArgument)) << text;
  }
}

TEST_F(BundleTest, FindsWhatIsNotExactlyTheFormat) {
  const std::string genesis = ledger_.genesis().ToHex();
  std::string upper = genesis;
  for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  ASSERT_NE(upper, genesis);
  const std::vector<std::pair<std::string, std::string>> changes = {
      {R"("custodyBundle": 1)", R"("custodyBundle": 2)"},
      {R"("custodyBundle": 1)", R"("custodyBundle": 1.0)"},
      {R"("custodyBundle": 1)", R"("custodyBundle": 1e0)"},
      {R"("custodyBundle": 1)", R"("custodyBundle": "1")"},
      {R"("custodyBundle": 1)", R"("custodyBundle": 1, "custodyBundle": 1)"},
      {R"("custodyBundle": 1)", R"("custodyBundle": 1, "more": {"a": [1, {}]})"},
      {R"("custodyBundle": 1)", R"("custodyBundle": 1, "schema": null)"},
      {R"("custodyBundle": 1,)", ""},
      {R"("index":0,)", R"("index":-0,)"},
      {R"("index":0,)", R"("index":0, "index":0,)"},
      {R"("index":0,)", R"("index":9007199254740992,)"},
      {R"("index":0,)", R"("index":00,)"},
      {R"("index":0,)", R"("index":true,)"},
      {R"("index":0,)", R"("index":{"index":0},)"},
      {R"("index":0,)", R"("index":0, "note":"x",)"},
      {R"("keyid":)", R"("keyid":"", "keyid":)"},
      {R"("signatures":[)", R"("signatures":[7,)"},
      {R"("path":[)", R"("path":["AAAA",)"},
      {R"("siblings":[)", R"("siblings":["00",)"},
      {R"("event":{)", R"("event":{"chain":"x",)"},
      {R"("environment": "demo")", R"("environment": "test")"},
      {genesis, upper},
  };
  for (const auto& [what, with] : changes) {
    const auto findings = FindingsIn(Replaced(what, with));
    EXPECT_THAT(findings, ::testing::Not(::testing::IsEmpty())) << what << " -> " << with;
    for (const pb::Finding& finding : findings) EXPECT_EQ(finding.grade(), pb::UNREADABLE);
  }
  EXPECT_THAT(FindingsIn(text_ + std::string(1, '\0')), ::testing::SizeIs(1));
  EXPECT_THAT(FindingsIn(text_ + std::string("\0{", 2)), ::testing::SizeIs(1));
  EXPECT_THAT(FindingsIn("\xEF\xBB\xBF" + text_), ::testing::SizeIs(1));
  EXPECT_THAT(FindingsIn(text_ + "{}"), ::testing::SizeIs(1));
}

TEST_F(BundleTest, WhiteSpaceBetweenTokensIsFree) {
  EXPECT_THAT(
      FindingsIn(" \n\t\r" + Replaced("\"custodyBundle\": 1", "\"custodyBundle\"\n:\t1 ") + "  \n"),
      ::testing::IsEmpty());
}

TEST_F(BundleTest, AFindingSaysWhereAndTheRestIsRead) {
  const std::string bad = Replaced(R"("path":[")", R"("path":["!",")");
  std::vector<pb::Finding> findings;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Bundle read, ParseBundle(bad, findings));
  ASSERT_THAT(findings, ::testing::SizeIs(1));
  EXPECT_EQ(findings[0].chain(), "registry");
  EXPECT_EQ(findings[0].sequence(), 0U);
  EXPECT_THAT(findings[0].reason(), ::testing::HasSubstr(R"(chains["registry"][0].path[0])"));
  EXPECT_EQ(read.chains.at("therapy/A1").size(), 2U);
  EXPECT_EQ(read.heads.size(), read.chains.size());
}

TEST_F(BundleTest, ABrokenFileIsReadUpToTheBreak) {
  std::vector<pb::Finding> findings;
  const std::string half = text_.substr(0, text_.find("\"lastEntry\""));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Bundle read, ParseBundle(half, findings));
  ASSERT_THAT(findings, ::testing::SizeIs(1));
  EXPECT_THAT(findings[0].reason(), ::testing::HasSubstr("broken at byte"));
  EXPECT_EQ(read.chains.at("therapy/A1").size(), 2U);
}

TEST_F(BundleTest, AFileThatBreaksOffAnywhereIsUnreadableAndNotForged) {
  const std::size_t step = std::max<std::size_t>(1, text_.size() / 400);
  for (std::size_t end = 1; end < text_.size() - 1; end += step) {
    SCOPED_TRACE(end);
    const pb::AuditReport report = AuditBundle(text_.substr(0, end), nullptr, {});
    ASSERT_GE(report.findings_size(), 1);
    for (const pb::Finding& finding : report.findings()) {
      EXPECT_TRUE(finding.grade() == pb::UNREADABLE || finding.grade() == pb::NOTE)
          << finding.ShortDebugString();
    }
    EXPECT_THAT(report.sentence(), ::testing::HasSubstr("broken at byte"));
    EXPECT_EQ(ExitCode(report), 1);
  }
}

TEST_F(BundleTest, AFileFullOfFaultsIsCountedAndNotListed) {
  const std::string name(1 << 20, 'n');
  std::string zeros = "0";
  for (int i = 0; i < 50'000; ++i) zeros += ",0";
  std::vector<pb::Finding> findings;
  CUSTODY_ASSERT_OK(ParseBundle("{\"chains\":{\"" + name + "\":[" + zeros + "]}}", findings));
  EXPECT_LE(findings.size(), 10'001U);
  std::size_t bytes = 0;
  for (const pb::Finding& finding : findings) bytes += finding.ByteSizeLong();
  EXPECT_LT(bytes, 10'001U * 400);
  EXPECT_THAT(findings.back().reason(),
              ::testing::HasSubstr("findings more, which are not listed"));
}

TEST_F(BundleTest, DeepNestingIsRefusedAndNotFollowed) {
  const std::string deep =
      Replaced(R"("custodyBundle": 1)", R"("custodyBundle": )" + std::string(1'000'000, '['));
  EXPECT_THAT(FindingsIn(deep), ::testing::Not(::testing::IsEmpty()));
}

TEST_F(BundleTest, AnEventThatDoesNotParseIsNotWritten) {
  Bundle bundle = BundleOf(ledger_, "therapy/A1");
  bundle.chains["therapy/A1"][0].signed_event.set_payload("nonsense");
  EXPECT_THAT(WriteBundle(bundle), StatusIs(StatusCode::kInvalidArgument, "therapy/A1"));
}

TEST_F(BundleTest, NamesTheChainsThatJudgeAnEvent) {
  TestLedger whole;
  const Recorded& recorded = PatientEnrolledBy(whole, "therapy/A1").Record();
  EXPECT_THAT(ChainsNeededBy(recorded.parsed, whole.registry()),
              ::testing::UnorderedElementsAre("registry", "registry/CLINIC"));
  const EventBuilder foreign =
      ConsentWithdrawnBy(whole, "therapy/A1", "lab.qa.1").By("depot.cour.1");
  EXPECT_THAT(ChainsNeededBy(foreign.Parse(), whole.registry()),
              ::testing::UnorderedElementsAre("registry", "registry/DEPOT", "registry/LAB"));
}

}  // namespace
}  // namespace custody
