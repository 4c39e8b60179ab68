// A lot is recalled, a freezer fails, the day's work is listed: by the real programs against the
// real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/station_folder.h"
#include "crypto/file.h"
#include "tests/integration/program_world.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramsRecallTest : public ::testing::Test {
 protected:
  ProgramsRecallTest() {
    Must(RawCaller(server_.address(), world_.authority(), "admin").ConfirmClock());
    Make("clinic.station.1", "CLINIC", "Europe/Berlin", {"clinic.pharm.1", "clinic.qa.1"});
    Make("lab.station.1", "LAB", "Europe/Amsterdam", {"lab.qa.1"});
  }
  void Make(const std::string& name, const std::string& site, const std::string& zone,
            const std::vector<std::string>& people) {
    const std::filesystem::path folder = temp_ / name;
    for (const char* inner : {"tls", "keys", "pins"}) {
      std::filesystem::create_directories(folder / inner);
    }
    const std::string certificate =
        world_.authority().Issue(name, false, folder / "tls" / "station.key");
    Must(StationFolder::Create(folder, {server_.address(), name, site, zone},
                               TrustIn(world_.ledger()).ToJson(), world_.authority().pem(),
                               certificate)
             .status());
    for (const std::string& person : people) {
      const std::string passphrase = "the passphrase of " + person;
      Must(
          world_.ledger().person(person).key.Save(folder / "keys" / (person + ".pem"), passphrase));
      Must(WriteFileAtomically(folder / "pins" / (person + ".pin"), passphrase + "\n", 0600));
    }
  }
  Ended At(const std::string& station, std::vector<std::string> arguments, bool signs = false) {
    const std::filesystem::path folder = temp_ / station;
    arguments.insert(arguments.end(), {"--folder", folder.string()});
    if (signs) arguments.insert(arguments.end(), {"--pins", (folder / "pins").string(), "--yes"});
    const bool lab = station.starts_with("lab.");
    return Execute(
        {.program = lab ? "custody-lab" : "custody-clinic", .arguments = std::move(arguments)});
  }
  Ended Clinic(std::vector<std::string> arguments, bool signs = false) {
    return At("clinic.station.1", std::move(arguments), signs);
  }
  Ended Lab(std::vector<std::string> arguments, bool signs = false) {
    return At("lab.station.1", std::move(arguments), signs);
  }

  TherapyWorld world_{"stored_clinic"};
  RunningServer server_{world_.data()};
  TempDir temp_;
};

TEST_F(ProgramsRecallTest, ALotIsTracedToTheBagAndRecalledInEveryTherapyByOneCommand) {
  const Ended traced = Lab({"trace", "VEC-3"});
  EXPECT_EQ(traced.exit_code, 0) << traced.said();
  EXPECT_THAT(traced.out, AllOf(HasSubstr(std::string(kMainBag)), HasSubstr("stored"),
                                HasSubstr("CLINIC"), HasSubstr("lot " + std::string(kMainLot)),
                                HasSubstr("1 therapy, 2 containers"), HasSubstr("Tell: ")));
  const auto json = nlohmann::json::parse(Lab({"trace", "VEC-3", "--json"}).out, nullptr, false);
  ASSERT_TRUE(json.contains("therapies")) << json;
  EXPECT_EQ(json["therapies"][0]["therapy"], "T1");

  const std::vector<std::string> recall = {
      "recall",   "VEC-3",      "--type",   "vector",
      "--number", "RC-26-4",    "--reason", "replication test repeated",
      "--as",     "lab.qa.1:QA"};
  const Ended done = Lab(recall, true);
  EXPECT_EQ(done.exit_code, 0) << done.said();
  EXPECT_THAT(done.out, HasSubstr("1 recorded"));
  const Ended clinic = Clinic({"next", "T1"});
  EXPECT_THAT(clinic.out, HasSubstr("recalled: ")) << clinic.said();  // the alert of the site
  const Ended again = Lab(recall, true);
  EXPECT_EQ(again.exit_code, 0) << again.said();
  EXPECT_THAT(again.out, AllOf(HasSubstr("recalled already"), HasSubstr("0 recorded")));
  EXPECT_THAT(Lab({"trace", "VEC-3"}).out,
              AllOf(HasSubstr(", recalled"), HasSubstr("destroyed by two: DISPOSITION")));
  EXPECT_THAT(Lab({"trace", "NO-SUCH"}).out, HasSubstr("stands in no therapy"));
}

TEST_F(ProgramsRecallTest, WhatTheHospitalSaysIsRecalledIsHeldAndTheTraceSaysByWhatAndTheWayOut) {
  const Ended done = Clinic({"recall", "VEC-3", "--type", "vector", "--number", "RC-26-4",
                             "--reason", "a letter of its maker", "--as", "clinic.qa.1:QA"},
                            true);
  EXPECT_EQ(done.exit_code, 0) << done.said();
  EXPECT_THAT(Clinic({"trace", "VEC-3"}).out,
              AllOf(HasSubstr("stored, held by H-"), Not(HasSubstr("recalled")),
                    HasSubstr("HOLD_CLEARED")));
}

TEST_F(ProgramsRecallTest, ARecallThatFindsNothingIsNoSuccess) {
  const auto recall = [&](const std::string& what, const std::string& type) {
    return Lab({"recall", what, "--type", type, "--number", "RC-1", "--reason", "x", "--as",
                "lab.qa.1:QA"},
               true);
  };
  const Ended misspelt = recall("VEC-3", "vectors");
  EXPECT_NE(misspelt.exit_code, 0);
  EXPECT_THAT(misspelt.said(), AllOf(HasSubstr("no type of identifier"), HasSubstr("vector, ")));
  const Ended unknown = recall("VEC-33", "vector");
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_THAT(unknown.said(), HasSubstr("nothing was recalled"));
}

TEST_F(ProgramsRecallTest, WhatIsScannedForManyIsUsedOrRefused) {
  const std::filesystem::path scans = temp_ / "scans.txt";
  Must(WriteFileAtomically(scans, std::string(kMainBag) + " C-LN9-A-1\n"));
  std::vector<std::string> words = {
      "record-many", "moved",        "--therapies", "T1",
      "--positions", scans.string(), "--as",        "clinic.pharm.1:PHARM"};
  const Ended without = Clinic(words, true);
  EXPECT_EQ(without.exit_code, 2) << without.said();
  EXPECT_THAT(without.said(), HasSubstr("go with --unit"));
  Must(WriteFileAtomically(
      scans, std::string(kMainBag) + " C-LN9-A-1\n" + std::string(kMainBag) + " C-LN9-A-2\n"));
  words[2] = "--unit";
  words[3] = "C-LN2";
  EXPECT_THAT(Clinic(words, true).said(), HasSubstr("scan it again"));
}

TEST_F(ProgramsRecallTest, ARecallThatNobodyMayRecordSaysSoForEachTherapy) {
  const Ended refused = Clinic({"recall", "VEC-3", "--type", "vector", "--number", "RC-1",
                                "--reason", "rumour", "--as", "clinic.pharm.1:PHARM"},
                               true);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.said(), AllOf(HasSubstr("NOT RECORDED"), HasSubstr("T1")));
}

TEST_F(ProgramsRecallTest, AFreezerThatFailsIsAskedEmptiedAndRecordedOnceForAll) {
  const Ended unit = Clinic({"unit", "C-LN2"});
  EXPECT_EQ(unit.exit_code, 0) << unit.said();
  EXPECT_THAT(unit.out, AllOf(HasSubstr(std::string(kMainBag)), HasSubstr("1 container(s)")));
  const std::filesystem::path scans = temp_ / "scans.txt";
  Must(WriteFileAtomically(scans, std::string(kMainBag) + " C-LN9-A-1\nNOBODYS-BAG C-LN9-A-2\n"));
  const Ended moved =
      Clinic({"record-many", "moved", "--unit", "C-LN2", "--positions", scans.string(), "--to-unit",
              "C-LN9", "--from-unit", "C-LN2", "--moved-at", "now", "--reason", "tank failed",
              "--tank-evacuation", "yes", "--as", "clinic.pharm.1:PHARM"},
             true);
  EXPECT_THAT(moved.out, AllOf(HasSubstr("1 recorded"), HasSubstr("NOBODYS-BAG"))) << moved.said();
  EXPECT_THAT(Clinic({"unit", "C-LN9"}).out, HasSubstr(std::string(kMainBag)));
  EXPECT_THAT(Clinic({"unit", "C-LN2"}).out, HasSubstr("0 container(s)"));
  const Ended excursion =
      Clinic({"record-many", "storage_excursion", "--unit", "C-LN2", "--lay-at", "-1h", "--from",
              "-50min", "--max-temperature-centi-c", "-118 Cel", "--moved-away", "yes", "--as",
              "clinic.pharm.1:PHARM"},
             true);
  EXPECT_THAT(excursion.out, HasSubstr("1 recorded")) << excursion.said();
  EXPECT_THAT(Clinic({"show", "T1"}).out, HasSubstr("quarantine")) << excursion.said();
}

TEST_F(ProgramsRecallTest, TheWorklistSaysWhatIsToBeDoneByWhomAndWhatBlocksIt) {
  const Ended list = Clinic({"worklist", "--all"});
  EXPECT_EQ(list.exit_code, 0) << list.said();
  EXPECT_THAT(list.out, AllOf(HasSubstr("T1"), HasSubstr("in 1 therapies"), HasSubstr("When")));
  const auto json = nlohmann::json::parse(
      Clinic({"worklist", "--all", "--role", "PHY", "--json"}).out, nullptr, false);
  ASSERT_TRUE(json.contains("entries")) << json;
  EXPECT_EQ(json["looked_at"], 1);
  EXPECT_EQ(Clinic({"worklist", "--role", "NURSE"}).exit_code, 2);
  EXPECT_EQ(Clinic({"worklist", "--as-of", "2040-01-01", "--days", "30"}).exit_code, 0);
}

}  // namespace
}  // namespace custody
