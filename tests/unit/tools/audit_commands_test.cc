#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "client/event_words.h"
#include "crypto/file.h"
#include "tests/support/audits.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/therapy_events.h"
#include "tools/audit/commands.h"
#include "tools/audit/gist.h"

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
  EXPECT_THAT(answer.text, HasSubstr("02 Mar 2026\n  09:00 CET  Patient enrolled: at CLINIC, "));
  EXPECT_THAT(answer.text, HasSubstr("[Name of clinic.coord.1 (COORD), Name of clinic.rn.1 (RN) "
                                     "verified, at clinic.station.1]"));
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

TEST_F(AuditCommandsTest, TheTimelineSaysWhatTheRulesSaid) {
  // Nobody enrolled this patient, and the ledger took it all the same.
  ConsentWithdrawnBy(ledger_, "therapy/N1").Record();
  Write("n.custody.json", BundleText(ledger_, "therapy/N1"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Timeline(Options("n.custody.json"), false));
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_THAT(answer.text, HasSubstr("Consent withdrawn"));
  EXPECT_THAT(answer.text, HasSubstr("             ! AGAINST R38"));
}

TEST_F(AuditCommandsTest, TheTimelineSaysWhatWasEnteredFromWhichSheet) {
  const auto weighed = [&](bool on_paper) {
    EventBuilder event = ledger_.On("therapy/A1").By("clinic.rn.1");
    event.event().mutable_weight_changed()->set_weight_kg(70);
    *event.event().mutable_weight_changed()->mutable_weighed_at() = ToProto(ledger_.now());
    if (on_paper) event.Downtime("network down").By("clinic.coord.1", pb::CHECKED);
    return event.Record().parsed.event_id.ToString();
  };
  const std::vector<std::vector<std::string>> sheets = {
      {weighed(true)}, {weighed(false), Sha256("elsewhere").ToString()}, {}};
  weighed(true);  // from no sheet
  EventBuilder ended = ledger_.On("therapy/A1").By("clinic.coord.1");
  pb::DowntimeEnded& body = *ended.event().mutable_downtime_ended();
  body.set_site("CLINIC");
  *body.mutable_ended_at() = ToProto(ledger_.now());
  body.set_sheets(3);
  for (const std::vector<std::string>& entries : sheets) {
    pb::DowntimeSheet& sheet = *body.add_papers();
    sheet.mutable_scan()->set_sha256(Sha256("scan").ToString());
    sheet.mutable_scan()->set_size(4);
    sheet.mutable_scan()->set_media_type("image/png");
    sheet.mutable_scan()->set_name("scan.png");
    for (const std::string& id : entries) sheet.add_entries(id);
  }
  ended.Record();
  Write("a.custody.json", BundleText(ledger_, "therapy/A1"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Timeline(Options(), false));
  EXPECT_THAT(answer.text, HasSubstr("sheet 1 (scan.png): 09:00 CET Weight changed\n"));
  EXPECT_THAT(answer.text,
              HasSubstr("sheet 2 (scan.png): 09:00 CET Weight changed (not from paper); " +
                        Sha256("elsewhere").ToHex().substr(0, 8) + " (not in this record)\n"));
  EXPECT_THAT(answer.text, HasSubstr("sheet 3 (scan.png): nothing entered\n"));
  const std::string unnamed = "! no scanned sheet stands beside this entry";
  const std::size_t first = answer.text.find(unnamed);
  ASSERT_NE(first, std::string::npos) << answer.text;
  EXPECT_EQ(answer.text.find(unnamed, first + 1), std::string::npos) << "of one entry alone";
}

TEST_F(AuditCommandsTest, TheTimelineIsJsonToo) {
  VerifyOptions options = Options();
  options.json = true;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Timeline(options, false));
  const auto told = nlohmann::json::parse(answer.text);
  ASSERT_EQ(told["events"].size(), 2U);
  EXPECT_EQ(told["events"][0]["event"], "patient_enrolled");
  EXPECT_EQ(told["events"][0]["says"], "at CLINIC, identifiers read: mrn / dob");
  EXPECT_EQ(told["events"][0]["remarks"].size(), 0U);
}

TEST_F(AuditCommandsTest, BundleAndTrustFileGivenInEachOthersPlaceAreNoDamagedRecord) {
  EXPECT_THAT(Verify(Options("ledger.trust.json")),
              StatusIs(StatusCode::kInvalidArgument, "is a trust file: give the bundle first"));
  VerifyOptions swapped = Options();
  swapped.trust = (dir_.path() / "a.custody.json").string();
  EXPECT_THAT(Verify(swapped),
              StatusIs(StatusCode::kInvalidArgument, "is a bundle, not a trust file"));
  // A bundle that somebody wrote a trust file's word into is a bundle with a finding.
  std::string strange = BundleText(ledger_, "therapy/A1");
  strange.insert(strange.find('{') + 1, "\"custodyTrust\": 1, ");
  Write("strange.custody.json", strange);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer answer, Verify(Options("strange.custody.json")));
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_THAT(answer.text, HasSubstr("DO NOT RELY"));
}

TEST_F(AuditCommandsTest, RulesAreListedAndExplained) {
  EXPECT_THAT(Must(ListRules(0, false)).text, HasSubstr("R18"));
  EXPECT_THAT(Must(ListRules(0, false)).text,
              HasSubstr("R20        7    d from lymphodepletion to infusion, at most"));
  EXPECT_GT(nlohmann::json::parse(Must(ListRules(0, true)).text).size(), 20U);
  EXPECT_THAT(ListRules(7, false), StatusIs(StatusCode::kInvalidArgument, "no rules version 7"));
  EXPECT_THAT(ExplainRule("R18", 7, false), StatusIs(StatusCode::kInvalidArgument, "the newest"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Answer r18, ExplainRule("R18", 0, false));
  EXPECT_THAT(r18.text, HasSubstr("Source:"));
  EXPECT_THAT(ExplainRule("R999", 0, false), StatusIs(StatusCode::kInvalidArgument));
}

// Every body of a therapy has a form, every form is of a body, and names fields that it has.
TEST(GistTest, EveryBodyIsToldByFieldsThatItHas) {
  const auto forms = GistForms();
  for (std::size_t i = 0; i < forms.size(); ++i) {
    CUSTODY_EXPECT_OK(CheckGistForm(forms[i])) << forms[i].body;
    EXPECT_TRUE(i == 0 || forms[i - 1].body < forms[i].body) << forms[i].body;
  }
  for (const auto* body : TherapyBodies()) {
    if (body->name() == "adopted" || body->name() == "sealed") continue;
    EXPECT_TRUE(std::ranges::any_of(forms, [&](const GistForm& form) {
      return form.body == body->name();
    })) << body->name();
  }
  EXPECT_FALSE(CheckGistForm({"crs_graded", "{grad}"}).ok());
  EXPECT_FALSE(CheckGistForm({"crs_graded", "{grade.x}"}).ok());
  EXPECT_FALSE(CheckGistForm({"released", "{lot@expiry_time_zone}"}).ok());
  EXPECT_FALSE(CheckGistForm({"nobody", ""}).ok());
  EXPECT_FALSE(CheckGistForm({"crs_graded", "death=yes&grad!0?DEATH"}).ok());
  EXPECT_FALSE(CheckGistForm({"crs_graded", "death?DEATH"}).ok());
}

TEST(GistTest, SaysWhatMattersAsPeopleSayIt) {
  const Instant now{1'772'438'400 * kMicrosPerSecond};
  const auto gist = [&](const char* text) { return Gist(ParseBody(text, now)); };
  EXPECT_EQ(gist("crs_graded { grade: 2 max_grade: 2 hypotension: YES oxygen: O2_LOW_FLOW }"),
            "grade 2, worst so far 2, oxygen low flow, up to 6 L/min, low blood pressure");
  EXPECT_EQ(gist("removed_from_storage { container { value: 'B-1' source: SCANNED } "
                 "position { value: 'TANK-2' source: TYPED } certificate_matches: YES }"),
            "bag B-1, from TANK-2 (typed), certificate matches: yes");
  EXPECT_EQ(gist("quarantine_decided { verdict: QUARANTINE_USE containers: 'B-1' "
                 "reason: 'two\\nlines' }"),
            "use, B-1, two lines");
  EXPECT_THAT(gist("telemetry_batch { logger: 'L1' readings: 10 min_temperature_centi_c: -19600 "
                   "max_temperature_centi_c: -14150 excursions { duration_ms: 5400000 "
                   "extreme_temperature_centi_c: -14150 } }"),
              HasSubstr("-196 \u00B0C to -141.5 \u00B0C, beyond the limit: -141.5 \u00B0C "
                        "1 h 30 min"));
  EXPECT_EQ(gist("telemetry_batch { logger: 'L1' min_temperature_centi_c: -19600 "
                 "max_temperature_centi_c: -14150 summary: SUMMARY_TYPED }"),
            "logger L1, -196 \u00B0C to -141.5 \u00B0C, READ OFF THE LOGGER");
  EXPECT_EQ(Gist(pb::Event()), "");
}

TEST(GistTest, APassThatOneOfTheTwoDeniesIsToldAsNone) {
  const Instant now{1'772'438'400 * kMicrosPerSecond};
  const auto gist = [&](const std::string& text) { return Gist(ParseBody(text, now)); };
  const std::string bed = "bedside_id_verified { container { value: 'B-1' source: SCANNED } ";
  const std::string yes = "checks { all_agree: YES } ";
  const std::string no = "checks { all_agree: NO } ";
  EXPECT_EQ(gist(bed + yes + yes + "passed: YES }"), "PASSED, bag B-1, all scans agree");
  EXPECT_EQ(gist(bed + yes + no + "passed: YES }"),
            "NO PASS, ONE CHECK SAYS NO, bag B-1, SCANS DIFFER");
  EXPECT_EQ(gist(bed + yes + yes + "passed: NO }"), "NOT PASSED, bag B-1, all scans agree");
  const std::string thaw = "prethaw_id_verified { container { value: 'B-1' source: SCANNED } ";
  EXPECT_EQ(gist(thaw + yes + no + "}"), "NOT VERIFIED, SCANS DIFFER, bag B-1");
  EXPECT_EQ(gist(thaw + yes + yes + "patient_ready: NO }"),
            "PATIENT NOT READY, bag B-1, all scans agree");
}

TEST(GistTest, SaysHowAThingEndedAndWhatWasChanged) {
  const Instant now{1'772'438'400 * kMicrosPerSecond};  // 02 Mar 2026 08:00 UTC
  const auto gist = [&](const char* text) { return Gist(ParseBody(text, now)); };
  EXPECT_EQ(gist("disposition { containers: 'B-1' kind: DISPOSITION_DESTROYED reason: 'expired' "
                 "method: 'incineration' place: 'waste room 2' volume_ml: 68 scans $SCAN:B-1 }"),
            "B-1, destroyed, expired, by incineration, at waste room 2, 68 mL, scanned B-1");
  EXPECT_EQ(gist("infusion_completed { container: 'B-1' volume_given_ml: 34 percent_given: 50 "
                 "partial: YES residual_volume_ml: 33 residual: 'GMO waste' reaction_grade: 0 }"),
            "bag B-1, 34 mL given, 50%, PARTLY, residue 33 mL, residue GMO waste, "
            "reaction grade 0");
  EXPECT_EQ(gist("record_corrected { corrections { field_path: 'volume_given_ml' old_value: '200' "
                 "new_value: '68' } reason: 'typed wrong' }"),
            "volume_given_ml from 200 to 68, typed wrong");
  EXPECT_THAT(gist("product_recalled { recall: 'RC-26-4' identifier_type: 'vector' identifier: "
                   "'VEC-3' reason: 'x' }"),
              HasSubstr("recall RC-26-4, vector VEC-3"));
  EXPECT_EQ(gist("released { lot: 'L-1' expires_at $T expiry_time_zone: 'Pacific/Auckland' "
                 "expiry_date_only: YES }"),
            "lot L-1, expires 02 Mar 2026");
  EXPECT_THAT(gist("released { lot: 'L-1' expires_at $T expiry_time_zone: 'UTC' "
                   "expiry_date_only: NO }"),
              HasSubstr("expires 02 Mar 2026 08:00"));
}

// The program itself: what ends how, and what it says then.
class AuditProgramTest : public AuditCommandsTest {
 protected:
  int Run(const std::string& arguments) {
    const std::string out = (dir_ / "out").string();
    const std::string command = std::string(CUSTODY_BIN_DIR) + "/custody-audit " + arguments +
                                " >" + out + " 2>&1 </dev/null";
    const int status = std::system(command.c_str());
    output_ = Must(ReadFile(out, 1 << 20));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string In(const std::string& name) const { return (dir_.path() / name).string(); }
  std::string Trust() const { return " --trust " + In("ledger.trust.json"); }

  std::string output_;
};

TEST_F(AuditProgramTest, EndsByItsExitCodes) {
  EXPECT_EQ(Run("verify " + In("a.custody.json") + Trust()), 0) << output_;
  Write("bad.custody.json", Forged());
  EXPECT_EQ(Run("verify " + In("bad.custody.json") + Trust()), 1) << output_;
  Write("note.txt", "no bundle at all");
  EXPECT_EQ(Run("verify " + In("note.txt") + Trust()), 1);
  EXPECT_THAT(output_, HasSubstr("DO NOT RELY: the file: expected a custody bundle"));
  EXPECT_EQ(Run("verify"), 2);
  EXPECT_EQ(Run("verify --no-such-flag"), 2);
  EXPECT_EQ(Run("verify " + In("a.custody.json") + " --trust " + In("note.txt")), 2);
  EXPECT_THAT(output_, HasSubstr("trust file: expected json"));
  EXPECT_EQ(Run("explain R999"), 2);
  EXPECT_EQ(Run("verify " + In("none.custody.json") + Trust()), 3);
  EXPECT_THAT(output_, HasSubstr("none.custody.json"));
  EXPECT_EQ(Run("timeline " + In("none.custody.json") + Trust()), 3);
  EXPECT_EQ(Run("verify " + In("a.custody.json") + " --trust " + In("none")), 3);
}

TEST_F(AuditProgramTest, AFolderThatIsNoLedgerCannotBeRead) {
  std::filesystem::create_directory(dir_ / "empty");
  EXPECT_EQ(Run("verify " + In("empty") + Trust()), 3) << output_;
  EXPECT_THAT(output_, HasSubstr("custody-audit: "));
  std::error_code ignored;  // nothing was made of it
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "empty", ignored));
  EXPECT_EQ(Run("timeline " + In("empty") + Trust()), 2);
}

TEST_F(AuditProgramTest, HelpSaysWhatItMeans) {
  EXPECT_EQ(Run("export --help"), 0);
  EXPECT_THAT(output_, HasSubstr("--no-attachments"));
  EXPECT_THAT(output_, Not(HasSubstr("{false}")));
  EXPECT_EQ(Run("--help"), 0);
  EXPECT_THAT(output_, HasSubstr("3 cannot be reached or read"));
}

}  // namespace
}  // namespace custody
