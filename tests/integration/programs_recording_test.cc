// custody-clinic and custody-lab against a real server, as people and machines use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/session.h"
#include "client/station_folder.h"
#include "crypto/file.h"
#include "tests/integration/program_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramsRecordingTest : public ::testing::Test {
 protected:
  ProgramsRecordingTest() { world_.Start(); }
  ProgramWorld world_;
};

std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
  }
  return lines;
}

TEST_F(ProgramsRecordingTest, AFactIsRecordedByFieldsAndShownAndItsReceiptIsKept) {
  const std::string therapy = world_.Enrol();
  const Ended recorded = world_.Clinic(ProgramWorld::Observe(therapy, "38.9"));
  EXPECT_EQ(recorded.exit_code, 0) << recorded.said();
  EXPECT_THAT(recorded.out, AllOf(HasSubstr("*** RECORDED ***"), HasSubstr("TRAINING"),
                                  HasSubstr("therapy/" + therapy + " #1")));
  EXPECT_TRUE(world_.Outbox().empty());
  EXPECT_THAT(
      ReadFile(world_.Station("clinic.station.1") / "receipts/therapy" / therapy / "00000001",
               1 << 20),
      IsOk());
  const Ended shown = world_.Clinic({"show", therapy});
  EXPECT_EQ(shown.exit_code, 0) << shown.said();
  EXPECT_THAT(shown.out, AllOf(HasSubstr("Patient enrolled"), HasSubstr("Name of clinic.rn.1")));
  const Ended one = world_.Clinic({"show", therapy, "--event", "1"});
  EXPECT_THAT(one.out, HasSubstr("38.9"));
}

// What a person types at the station for one reading of a temperature, from its time on.
constexpr std::string_view kVitals = "now\n389\n38.9\n110\n70\n96\n18\n97\n\n\n\n\n\n";

std::size_t Count(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

TEST_F(ProgramsRecordingTest, MachinesWriteJsonLinesAndGetOneAnswerEach) {
  const std::string therapy = world_.Enrol();
  const std::string line =
      R"({"event": "observations_recorded", "signers": ["clinic.rn.1:RN"], "fields": {)"
      R"("observations": [{"vitals": {"at": "now", "temperature_c": 37.0}}], "interval_minutes": 240}})"
      "\n";
  const Ended ended = world_.Clinic({"record", "--file", "-", "--therapy", therapy, "--json"},
                                    "# a comment\n" + line + "\n" + line + "not json\n" + line);
  EXPECT_EQ(ended.exit_code, 2) << ended.said();
  const auto lines = Lines(ended.out);
  ASSERT_EQ(lines.size(), 3U) << ended.out;
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(lines[i]["recorded"], true) << lines[i];
    EXPECT_EQ(lines[i]["sequence"], i + 1);
    EXPECT_EQ(lines[i]["receipt_kept"], true);
    EXPECT_EQ(lines[i]["notice"], "TRAINING - NOT FOR PATIENT USE");
  }
  EXPECT_THAT(std::string(lines[2]["error"]), HasSubstr("line 5"));
  EXPECT_EQ(world_.Length(therapy), 3U);  // what follows a bad line is not recorded
}

// One enrolment a line, as a machine at the bedside writes it; a patient with two numbers is read
// differently by the two people.
std::string EnrolmentLine(std::string_view first, std::string_view second) {
  return R"({"event": "patient_enrolled", "signers": ["clinic.coord.1:COORD", "clinic.rn.1:RN"], )"
         R"("identifiers": ["mrn:HOSPITAL:)" +
         std::string(first) + R"(", "dob::19680214"], "identifiers_again": ["mrn:HOSPITAL:)" +
         std::string(second) + R"(", "dob::19680214"], "fields": {"birth_year": 1968}})" + "\n";
}

std::string ReadingLine(std::string_view temperature) {
  return R"({"event": "observations_recorded", "signers": ["clinic.rn.1:RN"], "fields": {)"
         R"("observations": [{"vitals": {"at": "now", "temperature_c": )" +
         std::string(temperature) + R"(}}], "interval_minutes": 240}})" + "\n";
}

TEST_F(ProgramsRecordingTest, LinesBehindAFailedEnrolmentGoToNoOtherPatient) {
  const std::string good = EnrolmentLine("4711", "4711");
  const std::string torn = EnrolmentLine("4712", "4721");  // two people read different numbers
  for (const std::string& between : {torn, std::string("{\"event\": \"patient_enr\n")}) {
    const Ended ended = world_.Clinic({"record", "--file", "-", "--json", "--keep-going"},
                                      good + ReadingLine("37.0") + between + ReadingLine("39.9"));
    EXPECT_NE(ended.exit_code, 0) << ended.said();
    const auto lines = Lines(ended.out);
    ASSERT_EQ(lines.size(), 4U) << ended.said();
    EXPECT_EQ(lines[1]["recorded"], true) << lines[1];
    EXPECT_THAT(std::string(lines[3]["error"]), HasSubstr("whose is it?"));
    EXPECT_EQ(world_.Length(lines[0]["therapy"]), 2U);
  }
}

TEST_F(ProgramsRecordingTest, ALineWithoutATherapyIsOfTheLastEnrolled) {
  const Ended ended =
      world_.Clinic({"record", "--file", "-", "--json"},
                    EnrolmentLine("4713", "4713") + ReadingLine("37.0") +
                        EnrolmentLine("4714", "4714") + ReadingLine("38.0") + ReadingLine("38.5"));
  EXPECT_EQ(ended.exit_code, 0) << ended.said();
  const auto lines = Lines(ended.out);
  ASSERT_EQ(lines.size(), 5U) << ended.said();
  EXPECT_EQ(world_.Length(lines[0]["therapy"]), 2U);
  EXPECT_EQ(world_.Length(lines[2]["therapy"]), 3U);
}

TEST_F(ProgramsRecordingTest, AnUnknownEventIsCalledSoBeforeAnythingElseIsAsked) {
  const Ended ended = world_.Clinic({"record", "nosuchthing", "--as", "clinic.rn.1:RN"});
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.said(), HasSubstr("there is no event \"nosuchthing\""));
}

TEST_F(ProgramsRecordingTest, ALoggersFileIsReadSummedUpAndAttached) {
  world_.GiveKeys("clinic.station.1", {"clinic.pharm.1"});
  const std::string therapy = world_.Enrol();
  const auto record = [&](const std::string& file, const std::string& logger) {
    const std::filesystem::path path = world_.world().Scratch("logger.csv");
    Must(WriteFileAtomically(path, file));
    return world_.Clinic({"record", "telemetry_batch", "--therapy", therapy, "--as",
                          "clinic.pharm.1:PHARM", "--logger-file", path.string(), "--logger",
                          logger, "--storage-unit", "TANK-2", "--calibration-until", "2099-01-31",
                          "--complete", "yes"});
  };
  const std::string file =
      "Serial;LOG-TANK-2\nUTC offset;+01:00\nDate/Time;Temperature [\u00b0C]\n"
      "31.03.2026 14:00;-186,0\n31.03.2026 14:15;-185,5\n31.03.2026 14:30;-187,25\n";
  const Ended recorded = record(file, "LOG-TANK-2");
  EXPECT_EQ(recorded.exit_code, 0) << recorded.said();
  EXPECT_THAT(recorded.out, AllOf(HasSubstr("*** RECORDED ***"), HasSubstr("-187.25"),
                                  HasSubstr("Reckoned from the file"), HasSubstr("logger.csv")));
  const Ended other = record(file, "LOG-TANK-3");
  EXPECT_EQ(other.exit_code, 2) << other.said();
  EXPECT_THAT(other.said(), HasSubstr("the file is of logger LOG-TANK-2"));
  const Ended cut = record(file.substr(0, file.size() - 3), "LOG-TANK-2");
  EXPECT_EQ(cut.exit_code, 2) << cut.said();
  EXPECT_THAT(cut.said(),
              AllOf(HasSubstr("line 6"), HasSubstr("the file is cut"), HasSubstr("SUMMARY_TYPED")));
  const Ended elsewhere = world_.Clinic({"record", "consent_withdrawn", "--therapy", therapy,
                                         "--as", "clinic.rn.1:RN", "--logger-file", "x.csv"});
  EXPECT_EQ(elsewhere.exit_code, 2) << elsewhere.said();
  EXPECT_THAT(elsewhere.said(), HasSubstr("goes with telemetry_batch"));
  EXPECT_EQ(world_.Length(therapy), 2U);
}

TEST_F(ProgramsRecordingTest, ARefusedStepShowsEveryReasonAndLeavesNothing) {
  world_.GiveKeys("clinic.station.1", {"clinic.aph.1"});
  const std::string therapy = world_.Enrol();
  const std::string mrn = "mrn:HOSPITAL:4711023";
  std::vector<std::string> step = {"record", "apheresis_started", "--therapy", therapy};
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"as", "clinic.aph.1:APH"},
                                                        {"as", "clinic.rn.1:RN"},
                                                        {"checks.0.wristband", mrn},
                                                        {"checks.0.all-agree", "yes"},
                                                        {"checks.1.wristband", mrn},
                                                        {"checks.1.all-agree", "yes"},
                                                        {"wristband", mrn},
                                                        {"coi", "&/CHA999026000107"},
                                                        {"din", "=A99902600010700"},
                                                        {"device", "SPECTRA-3"},
                                                        {"kit", "KIT-1"},
                                                        {"access", "peripheral"},
                                                        {"started-at", "now"}}) {
    step.insert(step.end(), {"--" + name, value});
  }
  const Ended refused = world_.Clinic(step);
  EXPECT_EQ(refused.exit_code, 1) << refused.said();
  EXPECT_THAT(refused.out, AllOf(HasSubstr("*** STOP ***"), HasSubstr("R08 blocked"),
                                 HasSubstr("NOT recorded"), Not(HasSubstr("RECORDED ***"))));
  EXPECT_TRUE(world_.Outbox().empty());
  EXPECT_EQ(world_.Length(therapy), 1U);

  const Ended why = world_.Clinic({"why", therapy, "apheresis_started"});
  EXPECT_EQ(why.exit_code, 1) << why.said();
  const Ended next = world_.Clinic({"next", therapy});
  EXPECT_EQ(next.exit_code, 0) << next.said();
  EXPECT_THAT(next.out, HasSubstr("eligibility_assessed"));
}

// The station prompts line by line: a therapy, a step, who signs, each field, "no more", "done".
TEST_F(ProgramsRecordingTest, AStationAsksLineByLineForWhatAReadingNeeds) {
  const std::string therapy = world_.Enrol();
  const Ended ended =
      world_.Clinic({"station"}, therapy + "\nobservations_recorded\nnobody\nclinic.rn.1\n" +
                                     std::string(kVitals) + "\nquit\n");
  EXPECT_EQ(ended.exit_code, 0) << ended.said();
  EXPECT_THAT(ended.out, AllOf(HasSubstr("nobody is enrolled as \"nobody\""),
                               HasSubstr("389 is not possible"), HasSubstr("*** RECORDED ***")));
  const Ended one = world_.Clinic({"show", therapy, "--event", "1"});
  EXPECT_THAT(one.out, AllOf(HasSubstr("38.9 \u00b0C"), HasSubstr("110 mmHg")));
}

TEST_F(ProgramsRecordingTest, AtAStationTheSamePersonTwiceIsStoppedAndCancelRecordsNothing) {
  world_.GiveKeys("clinic.station.1", {"clinic.aph.1"});
  const std::string therapy = world_.Enrol();
  const Ended ended = world_.Clinic(
      {"station"}, therapy +
                       "\npatient_identifier_added\nclinic.rn.1\nclinic.rn.1\ncancel\n"
                       "unheard_of\n\nboard\nquit\n");
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("the same person twice"), HasSubstr("nothing was recorded"),
                    HasSubstr("\"unheard_of\" is no step and belongs to no therapy")));
  EXPECT_THAT(ended.out, Not(HasSubstr("*** RECORDED")));
  EXPECT_EQ(world_.Length(therapy), 1U);
}

// The first signer's PIN was right, the second's is not: nothing is signed, and at once the first
// one's key is as locked as before.
TEST_F(ProgramsRecordingTest, TheFirstSignersKeyIsForgottenWhenTheSecondsPinFails) {
  const std::string therapy = world_.Enrol();
  const std::filesystem::path pins = world_.Station("clinic.station.1") / "pins";
  Must(WriteFileAtomically(pins / "clinic.rn.2.pin", "not the passphrase\n", 0600));
  Launch launch = world_.At("clinic.station.1", {"station"});
  const std::string reading = "mrn:HOSPITAL:4711023\nmrn:ELSEWHERE:99\n\nREAD_FROM_PATIENT\n";
  launch.input = therapy + "\npatient_identifier_added\nclinic.rn.1\nclinic.rn.2\n" + reading +
                 reading + "mrn:ELSEWHERE:99\n\nOther\n\n";
  launch.later = {{"the passphrase is wrong", [&] {
                     // Were the first one's key still open, nobody would look at this file.
                     Must(WriteFileAtomically(pins / "clinic.rn.1.pin", "guessed\n", 0600));
                     return "observations_recorded\nclinic.rn.1\n" + std::string(kVitals) +
                            "\nquit\n";
                   }}};
  const Ended ended = Execute(launch);
  EXPECT_THAT(ended.out, Not(HasSubstr("*** RECORDED")));
  EXPECT_EQ(Count(ended.out, "the passphrase is wrong"), 2U) << ended.said();
  EXPECT_EQ(world_.Length(therapy), 1U);
  EXPECT_TRUE(world_.Outbox().empty());
}

// While two people check and sign at one station, what another records of the therapy waits.
TEST_F(ProgramsRecordingTest, WhatAMachineRecordsWaitsBehindAReservation) {
  const std::string therapy = world_.Enrol();
  const std::string chain = "therapy/" + therapy;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const StationFolder other,
                               StationFolder::Open(world_.Station("clinic.station.2")));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Session::Connect(other, SystemClock()));
  ASSERT_THAT(session->Reserve(chain, 2), IsOk());
  const Ended waited = world_.Clinic(ProgramWorld::Observe(therapy, "38.9"));
  EXPECT_EQ(waited.exit_code, 0) << waited.said();
  EXPECT_THAT(waited.out, AllOf(HasSubstr("*** WAITING ***"), HasSubstr("clinic.station.2"),
                                HasSubstr("*** RECORDED ***")));
  EXPECT_TRUE(world_.Outbox().empty());
  // A two-person step at a station takes the chain for itself and gives it back when given up.
  world_.Clinic({"station"},
                therapy + "\npatient_identifier_added\nclinic.coord.1\ncancel\n\nquit\n");
  EXPECT_THAT(session->Reserve(chain, 2), IsOk());
  const Ended told =
      world_.Clinic({"station"}, therapy + "\npatient_identifier_added\ncancel\n\nquit\n");
  EXPECT_THAT(told.out, AllOf(HasSubstr("*** WAIT ***"), HasSubstr("clinic.station.2")));
}

// The vault through the programs: named to those who treat, to others for a reason, and reviewed.
TEST_F(ProgramsRecordingTest, APatientIsNamedToTheirOwnRolesOrForAReasonAndEveryLookIsReviewed) {
  const std::string therapy = world_.Enrol();
  const auto show = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"show", therapy, "--name"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return world_.Clinic(std::move(arguments));
  };
  const std::string identifier = "19680214";
  EXPECT_EQ(show({}).exit_code, 2);
  const Ended nurse = show({"--role", "RN"});
  EXPECT_EQ(nurse.exit_code, 0) << nurse.said();
  EXPECT_THAT(nurse.out, AllOf(HasSubstr("dob"), HasSubstr(identifier), HasSubstr("is noted")));
  auto json = nlohmann::json::parse(show({"--role", "RN", "--json"}).out, nullptr, false);
  ASSERT_TRUE(json["identifiers"].is_array()) << json;
  EXPECT_FALSE(json["identifiers"].empty());
  EXPECT_THAT(json.dump(), Not(HasSubstr("secret")));
  const Ended quality = show({"--role", "QA"});
  EXPECT_EQ(quality.exit_code, 4) << quality.said();
  EXPECT_THAT(quality.said(), AllOf(HasSubstr("--reason"), Not(HasSubstr(identifier))));
  const Ended broken = show({"--role", "QA", "--reason", "complaint 2026-17"});
  EXPECT_EQ(broken.exit_code, 0) << broken.said();
  EXPECT_THAT(broken.out, AllOf(HasSubstr(identifier), HasSubstr("reviewed")));

  const auto access = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"access", "--folder", world_.Station("admin").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Execute({.program = "custody-admin", .arguments = std::move(arguments)});
  };
  const Ended reviewed = access({"--therapy", therapy, "--since", "-1h"});
  EXPECT_EQ(reviewed.exit_code, 0) << reviewed.said();
  EXPECT_THAT(reviewed.out, AllOf(HasSubstr("clinic.station.1 (CLINIC)  GetSubject  " + therapy),
                                  HasSubstr("break-glass names as QA: complaint 2026-17"),
                                  Not(HasSubstr(identifier))));
  EXPECT_EQ(access({"--since", "+1h"}).out, "nobody read anything\n");
  json = nlohmann::json::parse(access({"--json"}).out, nullptr, false);
  EXPECT_GE(json["access"].size(), 4U) << json;
}

TEST_F(ProgramsRecordingTest, BoardAndWatchShowWhatTheServerHas) {
  const std::string therapy = world_.Enrol();
  const Ended board = world_.Clinic({"board"});
  EXPECT_EQ(board.exit_code, 0) << board.said();
  EXPECT_THAT(board.out, HasSubstr(therapy));
  const Ended watched = world_.Clinic({"watch", therapy, "--count", "1"});
  EXPECT_EQ(watched.exit_code, 0) << watched.said();
  EXPECT_THAT(watched.out, HasSubstr(therapy));
  // A lab sees nothing of a patient who was not ordered anything from it.
  const Ended lab = world_.Lab({"board", "--json"});
  EXPECT_EQ(lab.exit_code, 0) << lab.said();
  EXPECT_THAT(lab.out, Not(HasSubstr(therapy)));
  EXPECT_EQ(world_.Lab({"show", therapy}).exit_code, 1);
  world_.Stop();
  const Ended gone = world_.Clinic({"watch"});
  EXPECT_EQ(gone.exit_code, 3) << gone.said();
}

}  // namespace
}  // namespace custody
