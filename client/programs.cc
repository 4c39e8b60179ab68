#include "client/programs.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "client/commands/commands.h"
#include "client/exit_code.h"
#include "client/plain_lines.h"
#include "custody/version.h"

namespace custody {
namespace {

// What a newcomer types first; the events are those of the program's own people.
std::string Examples(const Program& program) {
  const std::string coi = "'&/CHA999926000001'";
  std::string lines = "Begin with:\n  station";
  lines += std::string(40, ' ') + "scan anything, see what is next, fill, sign\nExamples:\n";
  const auto line = [&](const std::string& command, const char* what) {
    lines += "  " + command + std::string(command.size() < 45 ? 47 - command.size() : 2, ' ') +
             what + "\n";
  };
  line("next " + coi, "what may come next, and what blocks it");
  line("why " + coi + (program.clinic ? " infusion_started" : " released"),
       "every reason against a step");
  line(std::string("describe ") + (program.clinic ? "apheresis_completed" : "culture_check"),
       "its fields, their units and ranges, who signs");
  line("outbox send", "hand in what was signed while the server was away");
  lines += program.clinic ? "  record daily_exam --therapy " + coi +
                                " --as DR-HOLM:PHY --examined-at now \\\n         --finding well "
                                "--in-hospital yes\n"
                          : "  record culture_check --therapy " + coi +
                                " --as MF-LINDE:MFG --lot EX19-0107 --day 3 ...\n";
  lines += "  record --file events.jsonl --pins pins --yes\n";
  lines +=
      "A therapy is named by its id or by anything scanned of it.\n"
      "Exit codes: 0 done, 1 refused by a rule, 2 usage, 3 not reachable (what was signed waits "
      "in\n"
      "the outbox), 4 not permitted.";
  return lines;
}

// The first word that stands where a command should; empty when there is none.
std::string CommandIn(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--folder") ++i;
    if (i < arguments.size() && !arguments[i].starts_with("-")) return arguments[i];
  }
  return "";
}

int Parse(CLI::App& app, std::vector<std::string> arguments, const Surroundings& surroundings,
          Console& console) {
  const std::string command = CommandIn(arguments);
  std::ranges::reverse(arguments);  // as CLI11 takes a vector
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    // The help of the command that was asked about, not of the whole program.
    const CLI::App* deepest = &app;
    std::string before;
    while (!deepest->get_subcommands().empty()) {
      before += (before.empty() ? "" : " ") + deepest->get_name();
      deepest = deepest->get_subcommands().front();
    }
    surroundings.out << deepest->help(before, CLI::AppFormatMode::Normal) << "\n";
    return kExitDone;
  } catch (const CLI::Success& success) {
    return app.exit(success, surroundings.out, surroundings.error);
  } catch (const CLI::ParseError& error) {
    std::string what = std::string(error.what()) + "\nTry --help.";
    if (app.get_subcommands().empty() && !command.empty()) {
      what = "there is no command \"" + command + "\"; --help lists them";
    }
    if (console.json()) {
      console.Complain(InvalidArgument(what));
    } else {
      surroundings.error << PlainLines(what) << "\n";
    }
    return kExitUsage;
  }
  return -1;
}

}  // namespace

int RunProgram(const Program& program, std::vector<std::string> arguments,
               const Surroundings& surroundings) {
  Console::Look look = surroundings.look;
  look.json = look.json || std::ranges::find(arguments, "--json") != arguments.end();
  if (look.json) look.terminal = false;
  Console console(surroundings.in, surroundings.out, surroundings.error, look);
  Shell shell{program, surroundings, console, "", "", false, nullptr};
  CLI::App app(program.description, program.name);
  app.footer(Examples(program));
  app.set_version_flag("--version", VersionLine(program.name));
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--folder", shell.folder,
                 "the station's folder (else CUSTODY_STATION names it); goes with every command");
  app.add_flag("--json", shell.json, "answer in JSON, an object a line; goes with every command");
  AddRecordCommand(app, shell);
  AddLookCommands(app, shell);
  AddBoardCommands(app, shell);
  AddWorklistCommand(app, shell);
  AddTraceCommands(app, shell);
  AddRecordManyCommand(app, shell);
  AddDescribeCommands(app, shell);
  AddOutboxCommand(app, shell);
  AddJoinCommands(app, shell);
  AddStationCommand(app, shell);
  const int parsed = Parse(app, std::move(arguments), surroundings, console);
  if (parsed >= 0) return parsed;
  if (!shell.run) return kExitUsage;
  shell.SettleFolder();
  return shell.run();
}

int RunMain(const Program& program, int argc, char** argv) {
  Console::Look look;
  look.terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment yet
  look.colours = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const Surroundings surroundings{std::cin, std::cout, std::cerr, look, SystemClock(), SystemRng()};
  // No rule refused anything, and what was sent before may be recorded.
  return RunGuarded(program.name, kExitUnreachable, [&] {
    return RunProgram(program, std::vector<std::string>(argv + 1, argv + argc), surroundings);
  });
}

}  // namespace custody
