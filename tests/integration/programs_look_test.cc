// Looking at a therapy that is half way: what is where, and why a step may or may not be done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/station_folder.h"
#include "crypto/file.h"
#include "tests/integration/program_world.h"
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

class ProgramsLookTest : public ::testing::Test {
 protected:
  ProgramsLookTest() {
    std::filesystem::create_directories(folder_ / "tls");
    const std::string certificate =
        world_.authority().Issue("clinic.station.1", false, folder_ / "tls" / "station.key");
    Must(StationFolder::Create(
             folder_, {server_.address(), "clinic.station.1", "CLINIC", "Europe/Berlin"},
             TrustIn(world_.ledger()).ToJson(), world_.authority().pem(), certificate)
             .status());
    for (const std::string person : {"clinic.rn.1", "clinic.phy.1"}) {
      const std::string passphrase = "the passphrase of " + person;
      Must(world_.ledger().person(person).key.Save(folder_ / "keys" / (person + ".pem"),
                                                   passphrase));
    }
  }
  Ended Clinic(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--folder", folder_.string()});
    return Execute({.program = "custody-clinic", .arguments = std::move(arguments)});
  }

  TherapyWorld world_{"stored_clinic"};
  RunningServer server_{world_.data()};
  TempDir temp_;
  const std::filesystem::path folder_ = temp_ / "station";
};

TEST_F(ProgramsLookTest, InventoryListsWhatIsAtAPlaceAndNothingElse) {
  const Ended here = Clinic({"inventory", "C-LN2"});
  EXPECT_EQ(here.exit_code, 0) << here.said();
  EXPECT_THAT(here.out, AllOf(HasSubstr("Place"), HasSubstr("C-LN2-4"),
                              HasSubstr(std::string(kMainBag)), HasSubstr("T1")));
  const Ended elsewhere = Clinic({"inventory", "NO-SUCH"});
  EXPECT_EQ(elsewhere.exit_code, 0) << elsewhere.said();
  EXPECT_THAT(elsewhere.out, AllOf(HasSubstr("nothing that this station may see"),
                                   Not(HasSubstr(std::string(kMainBag)))));
  auto json = nlohmann::json::parse(Clinic({"inventory", "C-LN2", "--json"}).out, nullptr,
                                    /*allow_exceptions=*/false);
  ASSERT_EQ(json["containers"].size(), 1U) << json;
  EXPECT_EQ(json["containers"][0]["container"], kMainBag);
}

// Soonest first, and both in the time of the site that treats.
TEST_F(ProgramsLookTest, TheBoardSaysWhatTheWorklistSaysFirst) {
  const auto board = nlohmann::json::parse(Clinic({"board", "--json"}).out, nullptr, false);
  const auto list =
      nlohmann::json::parse(Clinic({"worklist", "--all", "--json"}).out, nullptr, false);
  ASSERT_EQ(board["therapies"].size(), 1U) << board;
  ASSERT_EQ(list["entries"].size(), 1U) << list;
  const std::string next = board["therapies"][0]["next"];
  EXPECT_THAT(next, testing::StartsWith(list["entries"][0]["steps"][0].value("label", "?")));
  EXPECT_THAT(Clinic({"board"}).out, HasSubstr(next));
}

TEST_F(ProgramsLookTest, WhyNamesTheRuleWhatItExpectedAndFoundAndWhoMayGrant) {
  const Ended blocked = Clinic({"why", "T1", "thaw_started"});
  EXPECT_EQ(blocked.exit_code, 1) << blocked.said();
  const std::vector<std::string> start = {"why",
                                          "T1",
                                          "thaw_started",
                                          "--as",
                                          "clinic.rn.1:RN",
                                          "--container",
                                          std::string(kMainBag),
                                          "--device",
                                          "THAW-1",
                                          "--device-temperature-c",
                                          "37",
                                          "--started-at",
                                          "now",
                                          "--patient-ready-again",
                                          "yes"};
  const Ended judged = Clinic(start);
  EXPECT_EQ(judged.exit_code, 1) << judged.said();
  EXPECT_THAT(judged.out,
              AllOf(HasSubstr("*** STOP ***"), HasSubstr("R20"), HasSubstr("expected: "),
                    HasSubstr("found:    "), HasSubstr("override: may be granted by")));
  std::vector<std::string> json = start;
  json.emplace_back("--json");
  auto answer = nlohmann::json::parse(Clinic(json).out, nullptr, false);
  EXPECT_EQ(answer["verdict"]["refused"], true) << answer;
}

TEST_F(ProgramsLookTest, WhyPassesWhatMayBeDoneWithAndWithoutFields) {
  auto next = nlohmann::json::parse(Clinic({"next", "T1", "--json"}).out, nullptr, false);
  int permitted = 0;
  for (const auto& step : next["steps"]) {
    const std::string body = step["body"];
    const bool blocked = step.value("blocked", false);
    if (blocked || permitted > 0) continue;
    const Ended why = Clinic({"why", "T1", body});
    if (why.exit_code != 0) continue;  // another of the same step is blocked
    EXPECT_THAT(why.out, HasSubstr("*** PASS ***"));
    ++permitted;
  }
  EXPECT_EQ(permitted, 1) << next.dump(1);
  const Ended fact = Clinic(
      {"why", "T1", "observations_recorded", "--as", "clinic.rn.1:RN", "--observations.0.vitals.at",
       "now", "--observations.0.vitals.temperature-c", "37.0", "--interval-minutes", "240"});
  EXPECT_EQ(fact.exit_code, 0) << fact.said();
  EXPECT_THAT(fact.out, HasSubstr("*** PASS ***"));
}

}  // namespace
}  // namespace custody
