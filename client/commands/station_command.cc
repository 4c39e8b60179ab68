// station: the interactive station.
#include "client/commands/commands.h"
#include "client/exit_code.h"
#include "client/station.h"

namespace custody {
namespace {

struct StationCommand {
  explicit StationCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  SigningOptions signing;

  int Run();
};

int StationCommand::Run() {
  if (shell.json)
    return shell.Fail(InvalidArgument("station talks to people; machines use record"));
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  // Every signature asks its person's PIN anew: people change, the station stays.
  Keyring keyring(**desk, signing.pins, /*remember=*/false);
  Recorder recorder(**desk, keyring, shell.console,
                    {.yes = signing.yes, .clinic = shell.program.clinic, .by_hand = true});
  return Station(**desk, recorder, shell.console, shell.program.clinic).Run();
}

}  // namespace

void AddStationCommand(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<StationCommand>(shell);
  CLI::App* command =
      app.add_subcommand("station", "work here: scan, see what is next and what blocks it, sign");
  command->add_option("--pins", work->signing.pins, "folder of PERSON.pin files; else asked for")
      ->envname("CUSTODY_PINS");
  command->add_flag("--yes", work->signing.yes, "sign without asking once more");
  command->footer(
      "Example: station     then scan anything of a therapy; \"quit\" ends, \"cancel\" gives up a "
      "step.\nEverybody who signs types their own PIN each time.");
  command->callback([work, &shell] { shell.run = [work] { return work->Run(); }; });
}

}  // namespace custody
