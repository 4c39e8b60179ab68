// The commands of custody-admin: each adds itself to the command line and says what to run.
#ifndef CUSTODY_TOOLS_ADMIN_COMMANDS_H_
#define CUSTODY_TOOLS_ADMIN_COMMANDS_H_

#include <google/protobuf/message.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "client/exit_code.h"
#include "crypto/status.h"
#include "tools/admin/acts.h"

namespace custody {

// What every command shares. The chosen command sets `run`, which gives the text to print (with
// `json`: a JSON object).
struct CommandLine {
  ActOptions act;
  bool json = false;
  int exit_code = 0;  // of a run that ends well: 1 when it has findings
  std::function<int(const Status&)> failed = ExitCodeOf;  // of one that does not
  std::function<StatusOr<std::string>()> run;
};

// Each adds its commands to `app`. `line` must outlive the run.
void AddInit(CLI::App& app, CommandLine& line);
void AddEnrol(CLI::App& app, CommandLine& line);
void AddRevoke(CLI::App& app, CommandLine& line);
void AddPublish(CLI::App& app, CommandLine& line);
void AddKey(CLI::App& app, CommandLine& line);
void AddStation(CLI::App& app, CommandLine& line);
void AddAlert(CLI::App& app, CommandLine& line);
void AddAccess(CLI::App& app, CommandLine& line);
void AddUpkeep(CLI::App& app, CommandLine& line);
void AddCheck(CLI::App& app, CommandLine& line);

// `AddSigning` adds --folder, --pins and --as to a command that signs.
void AddSigning(CLI::App& command, CommandLine& line);
void AddFolder(CLI::App& command, CommandLine& line);
void AddPins(CLI::App& command, CommandLine& line);
// `Repeatable` makes an option of a list take one value each time, so that it swallows nothing that
// stands after it.
CLI::Option* Repeatable(CLI::Option* option);

// `RecordAct` records one act at the end of `chain` and gives the text that says so.
StatusOr<std::string> RecordAct(CommandLine& line, const std::string& chain,
                                const std::string& what,
                                const std::function<Status(pb::Event&)>& fill);

// `Done` is the text of an act that was recorded.
std::string Done(const CommandLine& line, std::string_view what, const std::string& event_id);

// `Said` is the text of what was done and is no event: `what`, with `json` beside `fields`.
std::string Said(const CommandLine& line, std::string_view what, nlohmann::json fields);

// `AsJson` is an answer of the services, or a report, with `json`.
StatusOr<std::string> AsJson(const google::protobuf::Message& message);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_COMMANDS_H_
