// custody-clinic and custody-lab against a real server, as people and machines use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace custody
