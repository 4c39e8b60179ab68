// The programs without a server: what they describe, refuse, and how they end.
#include "client/programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "client/exit_code.h"
#include "client/hand_over_files.h"
#include "crypto/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StoppedClock : public Clock {
 public:
  Instant Now() override { return *ParseInstant("2026-03-02T08:15:00Z"); }
  std::int64_t MonotonicMicros() override { return 0; }
};

struct Ended {
  int exit_code = 0;
  std::string out;
  std::string error;
};

Ended Execute(std::vector<std::string> arguments, bool clinic = true) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream error;
  StoppedClock clock;
  const Surroundings surroundings{in, out, error, {}, clock, SystemRng()};
  const Program program{clinic ? "custody-clinic" : "custody-lab", "A station.", clinic};
  Ended ended;
  ended.exit_code = RunProgram(program, std::move(arguments), surroundings);
  ended.out = out.str();
  ended.error = error.str();
  return ended;
}

TEST(ProgramsTest, HelpShowsCommandsAndExamples) {
  const Ended all = Execute({"--help"});
  EXPECT_EQ(all.exit_code, kExitDone);
  for (const char* command : {"record", "next", "why", "show", "board", "watch", "describe",
                              "outbox", "inventory", "identify", "key", "join", "station"}) {
    EXPECT_THAT(all.out, HasSubstr(std::string("\n  ") + command)) << all.out;
  }
  EXPECT_THAT(all.out, HasSubstr("Examples:"));
  const Ended one = Execute({"record", "--help"});
  EXPECT_EQ(one.exit_code, kExitDone);
  EXPECT_THAT(one.out, HasSubstr("--as"));
  EXPECT_THAT(one.out, HasSubstr("record --file events.jsonl"));
}

TEST(ProgramsTest, UsageErrorsEndWithTwo) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"next"},
                                             {"next", "A", "--unknown"},
                                             {"record"},
                                             {"record", "culture_check", "stray"},
                                             {"describe", "no_such_event"},
                                             {"join", "--folder", "/nonexistent/x"},
                                             {"why", "A", "no_such_event"}}) {
    const Ended ended = Execute(wrong);
    EXPECT_EQ(ended.exit_code, kExitUsage)
        << (wrong.empty() ? "" : wrong[0]) << ended.out << ended.error;
    EXPECT_THAT(ended.error, Not(::testing::IsEmpty()));
  }
}

TEST(ProgramsTest, AFolderThatIsNoStationSaysHowToMakeOne) {
  const TempDir scratch;
  const Ended ended = Execute({"board", "--folder", (scratch.path() / "none").string()});
  EXPECT_EQ(ended.exit_code, kExitRefused);
  EXPECT_THAT(ended.error, HasSubstr("join"));
}

TEST(ProgramsTest, DescribeNeedsNoStation) {
  const Ended one = Execute({"describe", "INFUSION_STARTED"});
  EXPECT_EQ(one.exit_code, kExitDone);
  EXPECT_THAT(one.out, HasSubstr("--baseline.temperature-c"));
  const Ended all = Execute({"describe", "--json"});
  const auto events = nlohmann::json::parse(all.out);
  EXPECT_GT(events["events"].size(), 80U);
  const auto json = nlohmann::json::parse(Execute({"--json", "describe", "culture_check"}).out);
  EXPECT_EQ(json["event"], "culture_check");
  EXPECT_GT(json["fields"].size(), 5U);
}

TEST(ProgramsTest, IdentifyTellsADonationFromAChainOfIdentity) {
  const Ended din = Execute({"identify", "=A99992600000100"});
  EXPECT_EQ(din.exit_code, kExitDone) << din.error;
  EXPECT_THAT(din.out, HasSubstr("donation identification number"));
  EXPECT_THAT(din.out, HasSubstr("set aside for tests"));
  const Ended coi = Execute({"identify", "]C0&/CHA999926000001"});
  EXPECT_EQ(coi.exit_code, kExitDone) << coi.error;
  EXPECT_THAT(coi.out, HasSubstr("chain-of-identity"));
}

TEST(ProgramsTest, JoinMakesAKeyAndARequestOnce) {
  const TempDir scratch;
  const std::filesystem::path folder = scratch.path() / "ward";
  const std::vector<std::string> ask = {"join",   "--station", "WARD-1",       "--site",
                                        "CLINIC", "--folder",  folder.string()};
  const Ended first = Execute(ask);
  ASSERT_EQ(first.exit_code, kExitDone) << first.error;
  const auto text = ReadFile(folder / "station.request", 1 << 16);
  ASSERT_THAT(text, IsOk());
  const auto request = StationRequest::Parse(*text);
  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(request->station, "WARD-1");
  struct stat status {};
  ASSERT_EQ(stat((folder / "tls/station.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const Ended again = Execute(ask);
  EXPECT_EQ(again.exit_code, kExitRefused);
  EXPECT_THAT(again.error, HasSubstr("has its key already"));
}

TEST(ProgramsTest, AnAnswerForAnotherStationIsRefused) {
  const TempDir scratch;
  const std::filesystem::path folder = scratch.path() / "ward";
  ASSERT_EQ(
      Execute({"join", "--station", "WARD-1", "--site", "CLINIC", "--folder", folder.string()})
          .exit_code,
      kExitDone);
  const StationAnswer answer{"localhost:1", "WARD-2", "CLINIC", "Europe/Berlin", "{}", "CA", "C"};
  ASSERT_THAT(WriteFileAtomically(scratch.path() / "answer.json", answer.ToJson()), IsOk());
  const Ended ended =
      Execute({"join", (scratch.path() / "answer.json").string(), "--folder", folder.string()});
  EXPECT_EQ(ended.exit_code, kExitRefused);
  EXPECT_THAT(ended.error, HasSubstr("is for station WARD-2"));
}

TEST(ProgramsTest, ALabHasNoOptionForPatientsIdentifiers) {
  EXPECT_THAT(Execute({"record", "--help"}, true).out, HasSubstr("--identifier"));
  EXPECT_THAT(Execute({"record", "--help"}, false).out, Not(HasSubstr("--identifier")));
}

TEST(ProgramsTest, NothingTakesAPassphraseAsAnArgument) {
  for (const char* command : {"record", "station", "outbox", "key"}) {
    const std::string help = Execute({command, "--help"}).out;
    EXPECT_THAT(help, Not(HasSubstr("--pin "))) << command;
    EXPECT_THAT(help, Not(HasSubstr("--passphrase"))) << command;
  }
}

}  // namespace
}  // namespace custody
