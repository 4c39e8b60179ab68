// What the programs say of themselves and to what is typed wrongly: help, exit codes (0 done, 1
// refused, 2 usage, 3 not reachable, 4 not permitted), truncated scans, and where secrets are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "crypto/file.h"
#include "custody/version.h"
#include "tests/integration/program_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Case {
  const char* program;
  std::vector<std::string> arguments;
  int exit_code;
  const char* says;
};

void Expect(const Case& one) {
  const Ended ended = Execute({.program = one.program, .arguments = one.arguments});
  std::string typed = one.program;
  for (const std::string& word : one.arguments) typed += " " + word;
  EXPECT_EQ(ended.exit_code, one.exit_code) << typed << "\n" << ended.said();
  EXPECT_THAT(ended.said(), HasSubstr(one.says)) << typed;
}

std::vector<std::string> Words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// The commands that a help lists: a name each, two columns in.
std::vector<std::string> CommandsIn(const std::string& help) {
  std::vector<std::string> commands;
  const std::size_t list = help.find("\nSubcommands:\n");
  if (list == std::string::npos) return commands;
  std::istringstream lines(help.substr(list + 1));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && !line.empty()) {
    if (line.size() > 2 && line.starts_with("  ") && line[2] != ' ') {
      commands.push_back(Words(line)[0]);
    }
  }
  return commands;
}

// `visit` is given every command of `program` that can be run, as its help has them, and the help.
void WalkHelp(const std::string& program, const std::string& command,
              const std::function<void(const std::string&, const Ended&)>& visit) {
  std::vector<std::string> arguments = Words(command);
  arguments.emplace_back("--help");
  const Ended help = Execute({.program = program, .arguments = arguments});
  const std::vector<std::string> inner = CommandsIn(help.out);
  if (!command.empty() && (inner.empty() || help.out.find("[SUBCOMMAND]") != std::string::npos)) {
    visit(command, help);
  }
  for (const std::string& name : inner) {
    WalkHelp(program, command.empty() ? name : command + " " + name, visit);
  }
}

TEST(ProgramsUsageTest, EveryCommandHasHelpWithAnExampleAndNothingUnfinishedInIt) {
  const std::vector<std::pair<const char*, int>> programs = {
      {"custody-clinic", 18}, {"custody-lab", 18}, {"custody-admin", 20}, {"custody-audit", 5}};
  for (const auto& [program, at_least] : programs) {
    int count = 0;
    WalkHelp(program, "", [&](const std::string& command, const Ended& help) {
      EXPECT_EQ(help.exit_code, 0) << program << " " << command;
      EXPECT_THAT(help.error, IsEmpty());
      EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: "), HasSubstr("xample"),
                                  HasSubstr(command + " ["), Not(HasSubstr("{false}"))))
          << program << " " << command;
      ++count;
    });
    EXPECT_GE(count, at_least) << program << ": its help was not understood";
  }
}

TEST(ProgramsUsageTest, EveryProgramSaysWhichVersionItIsAndWhichRulesItKnows) {
  for (const char* program :
       {"custody-clinic", "custody-lab", "custody-admin", "custody-audit", "custody-server"}) {
    const Ended said = Execute({.program = program, .arguments = {"--version"}});
    EXPECT_EQ(said.exit_code, 0) << program;
    EXPECT_EQ(said.out, VersionLine(program) + "\n");
    EXPECT_THAT(said.error, IsEmpty());
  }
}

TEST(ProgramsUsageTest, TheServersHelpNamesItsSettingsAndHowItEnds) {
  const Ended help = Execute({.program = "custody-server", .arguments = {"--help"}});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("Usage: "), HasSubstr("Examples:"),
                              HasSubstr("Exit codes: 0"), HasSubstr("[tls]")));
  for (const char* setting :
       {"dir", "listen", "anchor", "drain_seconds", "read_threads", "queue_capacity", "log_level",
        "authority", "certificate", "key", "revoked"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + setting + " = ")) << setting;
  }
}

// Those of custody-admin, so that each has something to say without a server.
std::vector<std::vector<std::string>> AdminCommands() {
  const std::string none = "/nonexistent";
  return {
      {"init", "--data", none + "/d", "--folder", none + "/f", "--origin", "demo.a", "--trustee",
       "T:T", "--environment", "DEMO", "--quorum", "2", "--server", "a:1", "--zone", "UTC"},
      {"enrol", "organisation", "O", "--name", "N", "--kind", "CARRIER", "--as", "T"},
      {"enrol", "site", "S", "--organisation", "O", "--name", "N", "--zone", "UTC", "--as", "T"},
      {"enrol", "person", "P", "--name", "N", "--organisation", "O", "--site", "S", "--role", "RN",
       "--as", "T"},
      {"enrol", "key", none, "--site", "S", "--as", "T"},
      {"revoke", "00", "--reason", "r", "--as", "T"},
      {"retire", "person", "P", "--site", "S", "--reason", "r", "--as", "T"},
      {"retire", "station", "P", "--site", "S", "--reason", "r", "--as", "T"},
      {"publish", "profile", none, "--as", "T"},
      {"publish", "rules", "2", "--reason", "r", "--as", "T"},
      {"publish", "schema", "--as", "T"},
      {"publish", "trustees", "--remove", "T-3", "--reason", "r", "--as", "T"},
      {"key", "new", "--person", "A"},
      {"station", "issue", none, "-o", "x", "--zone", "UTC", "--as", "T"},
      {"station", "renew", none, "-o", "x", "--zone", "UTC", "--as", "T"},
      {"station", "renew-server", none},
      {"station", "renew-admin"},
      {"alert", "list"},
      {"alert", "test", "--site", "S"},
      {"status"},
      {"access", "--since", "-24h"},
      {"backup", none},
      {"clock"},
      {"clock", "--confirm"},
      {"check", none},
      {"stats"},
      {}};
}

// Every command, so that it has something to say without a server.
std::vector<std::pair<const char*, std::vector<std::vector<std::string>>>> EveryCommand() {
  const std::string none = "/nonexistent";
  return {{"custody-clinic",
           {{"record", "daily_exam"},
            {"record", "--file", none},
            {"next", "A"},
            {"why", "A", "daily_exam"},
            {"show", "A"},
            {"show", "A", "--name"},
            {"board"},
            {"inventory"},
            {"watch"},
            {"worklist"},
            {"trace", "A"},
            {"recall", "A", "--as", "P:QA", "--pins", none},
            {"unit", "LN2-04"},
            {"record-many", "storage_excursion", "--unit", "LN2-04"},
            {"describe"},
            {"describe", "daily_exam"},
            {"identify", "&/CHA999926000001"},
            {"identify", "="},
            {"outbox"},
            {"outbox", "list"},
            {"outbox", "send"},
            {"outbox", "drop", "1"},
            {"join"},
            {"key", "new", "--person", "A"},
            {"station"},
            {"bord"},
            {"next"},
            {}}},
          {"custody-lab", {{"board"}, {"station"}}},
          {"custody-admin", AdminCommands()},
          {"custody-audit",
           {{"verify", none},
            {"verify"},
            {"verify", "--server", "--folder", none},
            {"export", "A", "-o", "x", "--folder", none},
            {"timeline", none},
            {"rules"},
            {"explain", "R18"},
            {"explain", "R0"},
            {"explain"},
            {}}}};
}

// Whatever a command has to say, to a machine it is said in JSON; the server, which answers by
// calls, refuses to.
TEST(ProgramsUsageTest, EveryCommandAnswersInJsonOrRefusesTo) {
  for (const auto& [program, commands] : EveryCommand()) {
    // A laboratory's program has the clinic's commands.
    if (std::string_view(program) != "custody-lab") {
      WalkHelp(program, "", [&](const std::string& command, const Ended& /*help*/) {
        const std::vector<std::string> words = Words(command);
        EXPECT_TRUE(std::ranges::any_of(commands,
                                        [&](const std::vector<std::string>& row) {
                                          return row.size() >= words.size() &&
                                                 std::equal(words.begin(), words.end(),
                                                            row.begin());
                                        }))
            << program << " " << command << " is not among those that are tried";
      });
    }
    for (std::vector<std::string> arguments : commands) {
      std::string typed = program;
      for (const std::string& word : arguments) typed += " " + word;
      arguments.emplace_back("--json");
      const Ended ended = Execute({.program = program, .arguments = arguments});
      EXPECT_THAT(ended.error, IsEmpty()) << typed;
      EXPECT_FALSE(nlohmann::json::parse(ended.out, nullptr, false).is_discarded()) << typed << "\n"
                                                                                    << ended.out;
    }
  }
  EXPECT_EQ(Execute({.program = "custody-server", .arguments = {"--json"}}).exit_code, 2);
}

TEST(ProgramsUsageTest, WithoutAServerOrAFolderTheExitCodeSaysWhy) {
  const std::vector<Case> cases = {
      {"custody-clinic", {}, 2, "subcommand"},
      {"custody-clinic", {"bord"}, 2, "bord"},
      {"custody-clinic", {"board"}, 2, "CUSTODY_STATION"},
      {"custody-clinic", {"board", "--folder", "/nonexistent"}, 1, "join"},
      {"custody-clinic", {"record"}, 2, "which event?"},
      {"custody-clinic", {"describe", "nonsense"}, 2, "describe"},
      {"custody-clinic", {"describe", "infusion_started"}, 0, "\u00b0C"},
      {"custody-lab", {"describe"}, 0, "culture_check"},
      {"custody-admin", {}, 2, "subcommand"},
      {"custody-admin", {"status"}, 2, "CUSTODY_STATION"},
      {"custody-admin", {"status", "--folder", "/nonexistent"}, 1, "/nonexistent"},
      {"custody-admin", {"clock", "--folder", "/nonexistent"}, 2, "--confirm"},
      {"custody-admin", {"check", "/nonexistent"}, 3, "no store"},
      {"custody-load", {}, 2, "--folder"}};
  for (const Case& one : cases) Expect(one);
}

// Scans that broke off: each is told apart from what it should have been; nothing is guessed.
TEST(ProgramsUsageTest, ATruncatedScanIsNoScan) {
  const std::vector<Case> cases = {
      {"custody-clinic", {"identify", "&/CHA99902600010"}, 2, "13 characters"},
      {"custody-clinic", {"identify", "&/CH"}, 2, "13 characters"},
      {"custody-clinic", {"identify", "=A999026000107"}, 2, "15 characters"},
      {"custody-clinic", {"identify", "=A99902600010"}, 2, "15 characters"},
      {"custody-clinic", {"identify", "="}, 2, "15 characters"},
      {"custody-clinic", {"identify", ""}, 2, "nothing was scanned"},
      {"custody-clinic", {"identify", "=A99902600010700"}, 0, "A999026000107"}};
  for (const Case& one : cases) Expect(one);
}

class ProgramsAtWorkTest : public ::testing::Test {
 protected:
  ProgramWorld world_;
};

TEST_F(ProgramsAtWorkTest, AFolderThatIsNamedWinsOverTheEnvironmentsWhereverItStands) {
  const std::string clinic = world_.Station("clinic.station.1").string();
  const auto said = [&](std::vector<std::string> arguments) {
    return Execute({.program = "custody-clinic",
                    .arguments = std::move(arguments),
                    .environment = {{"CUSTODY_STATION", clinic}}})
        .said();
  };
  // Never seen the server: its own message shows whose folder was opened.
  EXPECT_THAT(said({"board"}), HasSubstr("has not seen the server"));
  for (const std::vector<std::string>& typed : std::vector<std::vector<std::string>>{
           {"--folder", "/nonexistent", "board"},
           {"board", "--folder", "/nonexistent"},
           {"record", "daily_exam", "--folder", "/nonexistent"},
           {"--folder", "/nonexistent", "record", "daily_exam"},
           {"why", "A", "daily_exam", "--folder", "/nonexistent"}}) {
    EXPECT_THAT(said(typed), HasSubstr("/nonexistent is no station's folder")) << typed[0];
  }
}

TEST_F(ProgramsAtWorkTest, ANewKeyIsSealedUnderItsOwnersPinAndNothingSecretIsSaid) {
  const std::filesystem::path folder = world_.Station("clinic.station.1");
  const std::filesystem::path pins = folder / "pins";
  const std::string pin = "correct horse battery";
  Must(WriteFileAtomically(pins / "RN-NEW.pin", pin + "\n", 0600));
  const auto make = [&](const std::string& person) {
    return Execute({.program = "custody-clinic",
                    .arguments = {"key", "new", "--person", person, "--folder", folder.string(),
                                  "--pins", pins.string()}});
  };
  const Ended made = make("RN-NEW");
  EXPECT_EQ(made.exit_code, 0) << made.said();
  EXPECT_THAT(made.said(), AllOf(HasSubstr("RN-NEW.request"), Not(HasSubstr(pin))));
  struct stat status {};
  ASSERT_EQ(::stat((folder / "keys/RN-NEW.pem").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string pem, ReadFile(folder / "keys/RN-NEW.pem", 4096));
  EXPECT_THAT(pem, HasSubstr("ENCRYPTED PRIVATE KEY"));

  EXPECT_EQ(make("RN-NEW").exit_code, 1);     // there is one already
  EXPECT_EQ(make("../RN-NEW").exit_code, 2);  // ids name files
  Must(WriteFileAtomically(pins / "RN-SHORT.pin", "1234\n", 0600));
  const Ended too_short = make("RN-SHORT");
  EXPECT_EQ(too_short.exit_code, 2);
  EXPECT_THAT(too_short.said(), AllOf(HasSubstr("at least 6"), Not(HasSubstr("1234"))));
  EXPECT_FALSE(std::filesystem::exists(folder / "keys/RN-SHORT.pem"));
  const Ended no_terminal =
      Execute({.program = "custody-clinic",
               .arguments = {"key", "new", "--person", "RN-TTY", "--folder", folder.string()}});
  EXPECT_EQ(no_terminal.exit_code, 4) << no_terminal.said();
  EXPECT_THAT(no_terminal.said(), HasSubstr("--pins"));
}

}  // namespace
}  // namespace custody
