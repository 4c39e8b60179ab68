// The programs without a server: what they describe, refuse, and how they end.
#include "client/programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
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

// The options of `record` itself, without the fields.
std::set<std::string> OptionsOfRecord() {
  std::set<std::string> taken;
  std::istringstream help(Execute({"record", "--help"}).out);
  for (std::string line; std::getline(help, line) && !line.starts_with("Fields");) {
    const std::size_t at = line.find_first_not_of(' ');
    const std::size_t begin = line.find("--");
    if (at == std::string::npos || at == 0 || at > 2 || begin == std::string::npos) continue;
    taken.insert(line.substr(begin + 2, line.find_first_of(" ,", begin) - begin - 2));
  }
  return taken;
}

// Where `record` has an option of a field's name, the field goes by --set, and `describe` says so.
TEST(ProgramsTest, DescribedOptionsAreTheOnesRecordTakes) {
  std::set<std::string> taken = OptionsOfRecord();
  ASSERT_TRUE(taken.contains("at") && taken.contains("identifier-again") && !taken.contains("lot"));
  taken.erase("file");  // beside an event it is its field
  int by_set = 0;
  const auto events = nlohmann::json::parse(Execute({"describe", "--json"}).out);
  for (const auto& event : events["events"]) {
    const std::string name = event["event"];
    const std::string words = Execute({"describe", name}).out;
    const auto described = nlohmann::json::parse(Execute({"describe", name, "--json"}).out);
    for (const auto& field : described["fields"]) {
      const std::string path = field["path"];
      const bool collides = taken.contains(path);
      by_set += collides ? 1 : 0;
      const std::string option = collides ? "--set " + path + "=" : "--" + path;
      EXPECT_EQ(field["option"], option) << name;
      EXPECT_THAT(words, HasSubstr(" " + option + " ")) << name;
    }
  }
  EXPECT_GT(by_set, 0);
}

// Every example of `record` in a help names fields there are; one that ends without "..." names all
// that have to be given.
TEST(ProgramsTest, TheExamplesOfRecordCanBeTyped) {
  const std::set<std::string> taken = OptionsOfRecord();
  std::string helps;
  for (const bool clinic : {true, false}) {
    helps += Execute({"--help"}, clinic).out + Execute({"record", "--help"}, clinic).out;
  }
  for (std::size_t at; (at = helps.find("\\\n")) != std::string::npos;) helps.erase(at, 2);
  std::istringstream lines(helps);
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::string event;
    if (!(words >> word >> event) || word != "record" || event.starts_with("-")) continue;
    const auto described = nlohmann::json::parse(Execute({"describe", event, "--json"}).out);
    if (!described.contains("fields")) {
      // "record an event", by itself or in the list of commands.
      EXPECT_TRUE(event == "an" || event == "record") << line;
      continue;
    }
    std::set<std::string> fields;
    std::set<std::string> missing;
    for (const auto& field : described["fields"]) {
      fields.insert(field["path"]);
      if (field["required"]) missing.insert(field["path"]);
    }
    while (words >> word && word != "uses") {
      if (!word.starts_with("--")) continue;
      word = std::regex_replace(word.substr(2), std::regex("\\.[0-9]+"), "");
      EXPECT_TRUE(fields.contains(word) || taken.contains(word)) << word << " in: " << line;
      missing.erase(word);
    }
    ++examples;
    EXPECT_TRUE(missing.empty() || line.find("...") != std::string::npos) << line;
  }
  EXPECT_GE(examples, 5);
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
