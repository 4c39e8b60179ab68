// custody-audit: for anybody who wants to know whether a record can be relied upon.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "client/exit_code.h"
#include "custody/version.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

// The chosen command sets `run`.
struct CommandLine {
  VerifyOptions verify;
  ExportOptions fetch;
  bool full = false;
  bool no_signatures = false;
  bool no_attachments = false;
  std::uint32_t rules_version = 0;
  std::string rule;
  bool json = false;
  std::function<StatusOr<Answer>()> run;
  std::function<int(const Status&)> exit_code = ExitCodeOf;
};

void ShowProgress(std::uint64_t done, std::uint64_t total) {
  if (total > 0 && done >= total) {
    std::fputs("\r\033[K", stderr);
  } else {
    std::fprintf(stderr, "\r%llu records ...", static_cast<unsigned long long>(done));
  }
}

void AddVerify(CLI::App& app, CommandLine& line) {
  CLI::App& verify = *app.add_subcommand("verify", "Check a bundle, a data folder or a backup");
  CLI::Option* target =
      verify.add_option("target", line.verify.target, "FILE.custody.json, or a folder");
  CLI::Option* folder = verify.add_option("--folder", line.verify.folder, "Station folder")
                            ->envname("CUSTODY_STATION");
  verify.add_flag("--server", line.verify.server, "What the station's server serves")
      ->needs(folder)
      ->excludes(target);
  verify.add_option("--trust", line.verify.trust,
                    "Trust file from somebody you trust, or a log key; without it nobody is known "
                    "to have enrolled anybody");
  verify.add_option("--threads", line.verify.audit.threads, "Threads; 0: one a processor");
  verify.add_flag("--no-signatures", line.no_signatures,
                  "Hashes, chains and rules only: for measuring, never for relying");
  verify.footer(
      "Examples:\n"
      "  custody-audit verify therapy.custody.json --trust ledger.trust.json\n"
      "  custody-audit verify /var/lib/custody --trust ledger.trust.json --json\n"
      "  custody-audit verify --server --folder auditor-station");
  verify.callback([&line] {
    line.run = [&line] {
      line.exit_code = ExitCodeOfReading;
      line.verify.audit.signatures = !line.no_signatures;
      if (isatty(STDERR_FILENO) != 0) line.verify.audit.progress = ShowProgress;
      return Verify(line.verify);
    };
  });
}

void AddExport(CLI::App& app, CommandLine& line) {
  CLI::App& fetch = *app.add_subcommand("export", "Fetch a therapy's bundle, check and write it");
  fetch
      .add_option(
          "therapy", line.fetch.therapy,
          "Its id, or anything scanned that belongs to it: chain of identity, donation, bag")
      ->required();
  fetch.add_option("-o,--output", line.fetch.output, "FILE.custody.json")->required();
  fetch.add_option("--folder", line.fetch.folder, "Station folder")
      ->envname("CUSTODY_STATION")
      ->required();
  fetch.add_flag("--no-attachments", line.no_attachments, "Name attachments, leave them out");
  fetch.footer(
      "Example:\n"
      "  custody-audit export 7KQ2M4 -o 7KQ2M4.custody.json --folder auditor-station");
  fetch.callback([&line] {
    line.run = [&line] {
      line.fetch.attachments = !line.no_attachments;
      return Export(line.fetch);
    };
  });
}

void AddTimeline(CLI::App& app, CommandLine& line) {
  CLI::App& timeline = *app.add_subcommand("timeline", "Tell what happened, in local times");
  timeline.add_option("bundle", line.verify.target, "FILE.custody.json")->required();
  timeline.add_option("--trust", line.verify.trust, "Trust file, or a log key");
  timeline.add_flag("--full", line.full, "Every field of every event");
  timeline.footer(
      "Example:\n"
      "  custody-audit timeline therapy.custody.json --trust ledger.trust.json");
  timeline.callback([&line] {
    line.exit_code = ExitCodeOfReading;
    line.run = [&line] { return Timeline(line.verify, line.full); };
  });
}

void AddRules(CLI::App& app, CommandLine& line) {
  CLI::App& rules = *app.add_subcommand("rules", "List the rules of the process");
  rules.add_option("--version", line.rules_version, "As of this rules version; 0: the newest");
  rules.footer(
      "Examples:\n"
      "  custody-audit rules\n"
      "  custody-audit rules --version 1 --json");
  rules.callback([&line] {
    line.run = [&line]() -> StatusOr<Answer> { return ListRules(line.rules_version, line.json); };
  });
  CLI::App& explain = *app.add_subcommand("explain", "Explain one rule");
  explain.add_option("rule", line.rule, "For example R18")->required();
  explain.add_option("--version", line.rules_version, "As of this rules version; 0: the newest");
  explain.footer("Example:\n  custody-audit explain R18");
  explain.callback([&line] {
    line.run = [&line] { return ExplainRule(line.rule, line.rules_version, line.json); };
  });
}

int Run(int argc, char** argv) {
  CLI::App app{
      "custody-audit: check a record without trusting whoever keeps it.\n"
      "It reports everything it finds and ends in one sentence."};
  app.set_version_flag("--version", VersionLine("custody-audit"));
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit codes: 0 nothing above a note, 1 findings, 2 usage, 3 cannot be reached or read, "
      "4 not permitted.");
  CommandLine line;
  app.add_flag("--json", line.json, "Print JSON instead of words");
  AddVerify(app, line);
  AddExport(app, line);
  AddTimeline(app, line);
  AddRules(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool wrong = error.get_exit_code() != 0;
    if (wrong && AsksForJson(argc, argv)) {
      SayFailure("custody-audit", true, InvalidArgument(error.what()));
    } else {
      app.exit(error);
    }
    return wrong ? kExitUsage : kExitDone;
  }
  line.verify.json = line.json;
  line.fetch.json = line.json;
  const StatusOr<Answer> answer = line.run();
  if (!answer.ok()) {
    SayFailure("custody-audit", line.json, answer.status());
    return line.exit_code(answer.status());
  }
  std::fputs(answer->text.c_str(), stdout);
  return answer->exit_code;
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  return custody::RunGuarded("custody-audit", custody::kExitUnreachable,
                             [&] { return custody::Run(argc, argv); });
}
