// check: a data folder or a backup, and the settings its server starts with.
#include <filesystem>
#include <memory>
#include <optional>

#include "crypto/file.h"
#include "custody/auditor.h"
#include "server/config.h"
#include "server/ledger/reader.h"
#include "tools/admin/commands.h"

namespace custody {
namespace {

constexpr std::size_t kMaxTrustBytes = 1 << 20;

// Settings that the server of this folder starts with, and of which a recipient is told nothing.
Status CheckSettings(const std::filesystem::path& folder, const std::filesystem::path& file) {
  CUSTODY_ASSIGN_OR_RETURN(const ServerConfig config, LoadServerConfig(file));
  CUSTODY_ASSIGN_OR_RETURN(const auto reader, LedgerReader::Open(folder));
  pb::Event genesis;
  CUSTODY_RETURN_IF_ERROR(reader->ForEach(
      0, [&](std::uint64_t, const StatusOr<std::string>&, const StatusOr<pb::SignedEvent>& first) {
        if (first.ok()) static_cast<void>(genesis.ParseFromString(first->payload()));
        return false;
      }));
  if (!genesis.has_ledger_created()) return DataLoss("the folder's first entry cannot be read");
  return WithContext(CheckWebhooks(config.alerting, genesis.ledger_created().environment()),
                     file.string());
}

}  // namespace

void AddCheck(CLI::App& app, CommandLine& line) {
  auto folder = std::make_shared<std::string>();
  auto trust_file = std::make_shared<std::string>();
  auto settings = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "check", "Audit a data folder or a backup; reads only, also while a server serves it");
  command->add_option("folder", *folder, "Data folder")->required();
  command->add_option("--trust", *trust_file, "Trust anchor; without it nobody is pinned");
  command->add_option(
      "--settings", *settings,
      "The server's settings, too: whether they can be read, and every recipient of "
      "alerts may be told");
  command->footer(
      "Example: custody-admin check ledger --trust admin/ledger.trust.json --settings server.toml");
  command->callback([folder, trust_file, settings, &line] {
    line.run = [folder, trust_file, settings, &line]() -> StatusOr<std::string> {
      if (!settings->empty()) CUSTODY_RETURN_IF_ERROR(CheckSettings(*folder, *settings));
      line.failed = ExitCodeOfReading;
      std::optional<TrustAnchor> trust;
      if (!trust_file->empty()) {
        CUSTODY_ASSIGN_OR_RETURN(const std::string json, ReadFile(*trust_file, kMaxTrustBytes));
        CUSTODY_ASSIGN_OR_RETURN(trust, TrustAnchor::Parse(json));
      }
      CUSTODY_ASSIGN_OR_RETURN(const pb::AuditReport report,
                               AuditFolder(*folder, trust ? &*trust : nullptr, {}));
      line.exit_code = ExitCode(report);
      return line.json ? AsJson(report) : Render(report);
    };
  });
}

}  // namespace custody
