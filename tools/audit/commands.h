// The commands of custody-audit.
#ifndef CUSTODY_TOOLS_AUDIT_COMMANDS_H_
#define CUSTODY_TOOLS_AUDIT_COMMANDS_H_

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/auditor.h"
#include "custody/trust.h"

namespace custody {

// What a command says: text for standard output, and how the program ends.
struct Answer {
  std::string text;
  int exit_code = 0;
};

// `ReadTrust` reads a trust file, or takes `text` itself when it is a log key (NAME+HASH+KEY).
StatusOr<TrustAnchor> ReadTrust(const std::string& text);

struct VerifyOptions {
  std::filesystem::path target;  // a bundle, or a ledger's data folder or backup
  bool server = false;           // instead of a target: what the server of `folder` serves
  std::filesystem::path folder;  // station folder
  std::string trust;             // file or log key; empty: what the target says of itself
  bool json = false;
  AuditOptions audit;
};

// `Audit` audits the target. NOT_FOUND and the like when there is nothing to read; whatever is
// wrong with what there is stands in the report.
StatusOr<pb::AuditReport> Audit(const VerifyOptions& options);
// `AuditServer` audits what the server of options.folder serves, up to the checkpoint of its Hello.
StatusOr<pb::AuditReport> AuditServer(const VerifyOptions& options,
                                      const std::optional<TrustAnchor>& trust);
// `ReportAsJson` is a report for machines.
StatusOr<std::string> ReportAsJson(const pb::AuditReport& report);
// `Verify` puts it in words, or with `json` as JSON. Its exit code is the auditor's.
StatusOr<Answer> Verify(const VerifyOptions& options);

struct ExportOptions {
  std::filesystem::path folder;  // station folder
  std::string therapy;           // its id, or anything scanned that belongs to it
  std::filesystem::path output;
  bool attachments = true;
  bool json = false;
};
// `Export` fetches a therapy's bundle, audits it and writes it (mode 0600), never over a file that
// is there (ALREADY_EXISTS). It tells what the audit said, with `json` as JSON; its exit code is
// the auditor's.
StatusOr<Answer> Export(const ExportOptions& options);

// `Timeline` tells what happened in a bundle's therapy, in local times. Of events against which the
// audit has something it says that, and nothing that they say. With `full` every field.
StatusOr<Answer> Timeline(const VerifyOptions& options, bool full);

// `ListRules` is the table of rules that bind in `rules_version` (0: the newest). INVALID_ARGUMENT
// when there is no such version.
StatusOr<Answer> ListRules(std::uint32_t rules_version, bool json);
// `ExplainRule` says all there is to say of one, for example "R18". INVALID_ARGUMENT when
// there is none.
StatusOr<Answer> ExplainRule(std::string_view id, std::uint32_t rules_version, bool json);

}  // namespace custody

#endif  // CUSTODY_TOOLS_AUDIT_COMMANDS_H_
