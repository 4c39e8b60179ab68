#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/file.h"
#include "tests/support/audits.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/therapy_events.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AuditCommandsTest : public ::testing::Test {
 protected:
  AuditCommandsTest() {
    enrolled_ = std::to_string(PatientEnrolledBy(ledger_, "therapy/A1").Record().index);
    ConsentWithdrawnBy(ledger_, "therapy/A1").Record();
    Write("a.custody.json", BundleText(ledger_, "therapy/A1"));
    Write("ledger.trust.json", TrustIn(ledger_).ToJson());
  }
  void Write(const std::string& name, std::string_view text) {
    Must(WriteFileAtomically(dir_.path() / name, text));
  }
  VerifyOptions Options(const std::string& bundle = "a.custody.json") const {
    VerifyOptions options;
    options.target = dir_.path() / bundle;
    options.trust = (dir_.path() / "ledger.trust.json").string();
    return options;
  }
  // The bundle with the signed birth year changed, and its view too.
  std::string Forged() {
    Bundle bundle = BundleOf(ledger_, "therapy/A1");
    pb::SignedEvent& signed_event = bundle.chains["therapy/A1"][0].signed_event;
    pb::Event event = Must(ParseEvent(signed_event.payload())).event;
    event.mutable_patient_enrolled()->set_birth_year(1999);
    signed_event.set_payload(event.SerializeAsString());
    return Must(WriteBundle(bundle));
  }

  TempDir dir_;
  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  std::string enrolled_;  // log index of the enrolment
};

TEST_F(AuditCommandsTest, VerifyEndsInItsSentence) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Verify(Options()));
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.text, HasSubstr("COMPLETE AND UNCHANGED"));
  VerifyOptions key_alone = Options();
  key_alone.trust = ledger_.log_vkey();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer unpinned, Verify(key_alone));
  EXPECT_THAT(unpinned.text, HasSubstr("REGISTRY NOT PINNED"));
}

TEST_F(AuditCommandsTest, VerifyNamesTheBadRecordAndExitsWithOne) {
  Write("bad.custody.json", Forged());
  VerifyOptions options = Options("bad.custody.json");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer words, Verify(options));
  EXPECT_EQ(words.exit_code, 1);
  EXPECT_THAT(words.text, HasSubstr("DO NOT RELY: event " + enrolled_ + " (therapy/A1 number 0)"));
  options.json = true;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer json, Verify(options));
  const auto report = nlohmann::json::parse(json.text);
  EXPECT_EQ(report["findings"][0]["grade"], "FORGED");
  EXPECT_EQ(report["findings"][0]["index"], enrolled_);
}

TEST_F(AuditCommandsTest, WhatCannotBeReadIsNoFinding) {
  EXPECT_THAT(Verify(Options("none.custody.json")), StatusIs(StatusCode::kNotFound));
  VerifyOptions options = Options();
  options.trust = (dir_.path() / "none.trust.json").string();
  EXPECT_THAT(Verify(options), StatusIs(StatusCode::kNotFound));
  EXPECT_FALSE(Verify(VerifyOptions()).ok());
}

TEST_F(AuditCommandsTest, TheTimelineTellsWhoDidWhatInLocalTime) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Timeline(Options(), false));
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.text, HasSubstr("02 Mar 2026 09:00 CET  Patient enrolled"));
  EXPECT_THAT(answer.text, HasSubstr("Name of clinic.coord.1 (COORD) performed, "
                                     "Name of clinic.rn.1 (RN) verified"));
  EXPECT_THAT(answer.text, HasSubstr("TRAINING - NOT FOR PATIENT USE"));
  EXPECT_THAT(answer.text, Not(HasSubstr("1961")));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer full, Timeline(Options(), true));
  EXPECT_THAT(full.text, HasSubstr("1961"));
}

TEST_F(AuditCommandsTest, TheTimelineTellsNothingOfWhatDoesNotHold) {
  Write("bad.custody.json", Forged());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Timeline(Options("bad.custody.json"), true));
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_THAT(answer.text, HasSubstr("EVENT " + enrolled_ + " DOES NOT HOLD"));
  EXPECT_THAT(answer.text, Not(HasSubstr("1999")));
  EXPECT_THAT(answer.text, HasSubstr("Consent withdrawn"));
}

TEST_F(AuditCommandsTest, RulesAreListedAndExplained) {
  EXPECT_THAT(ListRules(0, false).text, HasSubstr("R18"));
  EXPECT_GT(nlohmann::json::parse(ListRules(0, true).text).size(), 20U);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer r18, ExplainRule("R18", 0, false));
  EXPECT_THAT(r18.text, HasSubstr("Source:"));
  EXPECT_THAT(ExplainRule("R999", 0, false), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace custody
