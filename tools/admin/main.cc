// custody-admin: for trustees, registrars and the administrator.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "client/exit_code.h"
#include "custody/version.h"
#include "tools/admin/commands.h"

namespace custody {
namespace {

int Run(int argc, char** argv) {
  CLI::App app{
      "custody-admin: found a ledger, enrol its people, stations and numbers, look after it.\n"
      "Every act is a signed event of the ledger itself; nobody can sign for another."};
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Examples:\n"
      "  custody-admin init --data ledger --folder admin --origin demo.example/custody-1 \\\n"
      "      --environment DEMO --trustee T-1:\"Ada Trustee\" --trustee T-2:\"Bo Trustee\" \\\n"
      "      --quorum 2 --server 127.0.0.1:8443 --zone Europe/Berlin\n"
      "  custody-admin enrol site CLINIC --folder admin --organisation HOSPITAL --as T-1 --as T-2 "
      "...\n"
      "  custody-admin status --folder admin\n"
      "\n"
      "Exit codes: 0 done, 1 refused or findings, 2 usage, 3 cannot be reached or read, 4 not "
      "permitted.");
  app.set_version_flag("--version", VersionLine("custody-admin"));
  CommandLine line;
  app.add_flag("--json", line.json, "Print JSON instead of words");
  AddInit(app, line);
  AddEnrol(app, line);
  AddRevoke(app, line);
  AddPublish(app, line);
  AddKey(app, line);
  AddStation(app, line);
  AddAlert(app, line);
  AddAccess(app, line);
  AddUpkeep(app, line);
  AddCheck(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool wrong = error.get_exit_code() != 0;
    if (wrong && AsksForJson(argc, argv)) {
      SayFailure("custody-admin", true, InvalidArgument(error.what()));
    } else {
      app.exit(error);
    }
    return wrong ? kExitUsage : kExitDone;
  }
  // Not by the parser, to which the environment of one command is that of all.
  for (const auto& [name, folder] : {std::pair("CUSTODY_STATION", &line.act.folder),
                                     std::pair("CUSTODY_PINS", &line.act.pins)}) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment yet
    const char* named = std::getenv(name);
    if (folder->empty() && named != nullptr) *folder = named;
  }
  const StatusOr<std::string> text = line.run();
  if (!text.ok()) {
    SayFailure("custody-admin", line.json, text.status());
    return line.failed(text.status());
  }
  std::fputs(text->c_str(), stdout);
  return line.exit_code;
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  return custody::RunGuarded("custody-admin", custody::kExitUnreachable,
                             [&] { return custody::Run(argc, argv); });
}
