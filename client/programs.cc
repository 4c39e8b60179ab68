#include "client/programs.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "client/commands/commands.h"
#include "client/exit_code.h"

namespace custody {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  next A9XK2...                    what may come next for a therapy, and what blocks it\n"
    "  why A9XK2... infusion_started    every reason against a step\n"
    "  describe apheresis_completed     the fields of an event, their units and ranges\n"
    "  record culture_check --therapy A9XK2... --as OP1:MFG --lot L1 --day 3 ...\n"
    "  record --file events.jsonl --pins pins --yes\n"
    "  station                          scan, see what is next, fill, sign\n"
    "Exit codes: 0 done, 1 refused by a rule, 2 usage, 3 not reachable, 4 not permitted.";

int Parse(CLI::App& app, std::vector<std::string> arguments, const Surroundings& surroundings) {
  std::ranges::reverse(arguments);  // as CLI11 takes a vector
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    // The help of the command that was asked about, not of the whole program.
    const CLI::App* deepest = &app;
    while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
    surroundings.out << deepest->help("", CLI::AppFormatMode::Normal) << "\n";
    return kExitDone;
  } catch (const CLI::Success& success) {
    return app.exit(success, surroundings.out, surroundings.error);
  } catch (const CLI::ParseError& error) {
    surroundings.error << error.what() << "\nTry --help.\n";
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
  Shell shell{program, surroundings, console, "", false, nullptr};
  CLI::App app(program.description, program.name);
  app.footer(kExamples);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--folder", shell.folder, "the station's folder")->envname("CUSTODY_STATION");
  app.add_flag("--json", shell.json, "answer in JSON, an object a line");
  AddRecordCommand(app, shell);
  AddLookCommands(app, shell);
  AddBoardCommands(app, shell);
  AddDescribeCommands(app, shell);
  AddOutboxCommand(app, shell);
  AddJoinCommands(app, shell);
  AddStationCommand(app, shell);
  const int parsed = Parse(app, std::move(arguments), surroundings);
  if (parsed >= 0) return parsed;
  if (!shell.run) return kExitUsage;
  return shell.run();
}

int RunMain(const Program& program, int argc, char** argv) {
  Console::Look look;
  look.terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  look.colours = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  const Surroundings surroundings{std::cin, std::cout, std::cerr, look, SystemClock(), SystemRng()};
  try {
    return RunProgram(program, std::vector<std::string>(argv + 1, argv + argc), surroundings);
  } catch (const std::exception& stray) {
    std::cerr << "error: " << stray.what() << "\n";
    return kExitRefused;
  }
}

}  // namespace custody
