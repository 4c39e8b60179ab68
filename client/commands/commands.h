// The commands of the station programs: each adds itself to the command line and says what to run.
#ifndef CUSTODY_CLIENT_COMMANDS_COMMANDS_H_
#define CUSTODY_CLIENT_COMMANDS_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/console.h"
#include "client/desk.h"
#include "client/draft.h"
#include "client/keyring.h"
#include "client/programs.h"
#include "client/recorder.h"
#include "crypto/status.h"

namespace custody {

// `Shell` is what every command works in. The chosen command leaves its work in `run`, which gives
// the exit code.
struct Shell {
  const Program& program;
  const Surroundings& surroundings;
  Console& console;
  std::string folder;
  std::string own_folder;  // as given after `record` or `why`, which take all options themselves
  bool json = false;
  std::function<int()> run;

  // `SettleFolder` decides which --folder counts: the command's, the program's, or else what
  // CUSTODY_STATION names.
  void SettleFolder();
  // `OpenDesk` opens the station's folder, connects, and settles the notice.
  StatusOr<std::unique_ptr<Desk>> OpenDesk();
  // `Fail` complains and gives the exit code.
  int Fail(const Status& status);
};

// `SigningOptions` are the options of everything that is signed.
struct SigningOptions {
  std::vector<std::string> as;             // PERSON:ROLE[:MEANING]
  std::vector<std::string> identified_at;  // one for each signer, or none
  std::string pins;
  bool yes = false;

  void AddTo(CLI::App& command);
  StatusOr<std::vector<DraftSigner>> Signers() const;
};

// `EntryOptions` are those of an event beside its fields.
struct EntryOptions {
  std::string therapy;
  std::string at;
  std::string late;
  std::string downtime;
  std::vector<std::string> performed_by;
  std::vector<std::string> grants;

  void AddTo(CLI::App& command);
  // `Fill` puts them, and the signers, into `draft`.
  Status Fill(const SigningOptions& signing, Draft& draft) const;
};

// `AddGlobals` adds --folder and --json to a command that lets nothing fall through.
void AddGlobals(CLI::App& command, Shell& shell);

// `FieldsFrom` reads what the command line did not know as fields: "--volume-ml 110" or
// "--volume-ml=110". INVALID_ARGUMENT for anything else.
StatusOr<std::vector<std::pair<std::string, std::string>>> FieldsFrom(
    const std::vector<std::string>& rest);

void AddRecordCommand(CLI::App& app, Shell& shell);
void AddLookCommands(CLI::App& app, Shell& shell);   // next, why, show
void AddBoardCommands(CLI::App& app, Shell& shell);  // board, watch, inventory
void AddTraceCommands(CLI::App& app, Shell& shell);  // trace, recall, unit
void AddRecordManyCommand(CLI::App& app, Shell& shell);
void AddWorklistCommand(CLI::App& app, Shell& shell);
void AddDescribeCommands(CLI::App& app, Shell& shell);  // describe, identify
void AddOutboxCommand(CLI::App& app, Shell& shell);
void AddJoinCommands(CLI::App& app, Shell& shell);  // join, key new
void AddStationCommand(CLI::App& app, Shell& shell);

}  // namespace custody

#endif  // CUSTODY_CLIENT_COMMANDS_COMMANDS_H_
