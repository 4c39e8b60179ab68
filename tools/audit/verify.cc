#include <google/protobuf/util/json_util.h>

#include "crypto/file.h"
#include "server/ledger/reader.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

constexpr std::size_t kMaxBundleBytes = std::size_t{4} << 30;
constexpr std::size_t kMaxTrustBytes = 1 << 20;

bool Has(std::string_view text, std::string_view key) {
  return text.find('"' + std::string(key) + '"') != text.npos;
}

}  // namespace

StatusOr<TrustAnchor> ReadTrust(const std::string& text) {
  std::error_code ignored;
  if (!std::filesystem::exists(text, ignored) && text.find('+') != text.npos)
    return TrustAnchor::FromLogKey(text);
  CUSTODY_ASSIGN_OR_RETURN(const std::string json, ReadFile(text, kMaxTrustBytes));
  if (Has(json, "custodyBundle"))
    return InvalidArgument(text + " is a bundle, not a trust file, which a trustee gives");
  return TrustAnchor::Parse(json);
}

StatusOr<pb::AuditReport> Audit(const VerifyOptions& options) {
  std::optional<TrustAnchor> trust;
  if (!options.trust.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(trust, ReadTrust(options.trust));
  }
  if (options.server) return AuditServer(options, trust);
  if (options.target.empty())
    return InvalidArgument("expected a bundle, a folder or --server, found none");
  const TrustAnchor* anchor = trust ? &*trust : nullptr;
  std::error_code ignored;
  if (std::filesystem::is_directory(options.target, ignored))
    return AuditFolder(options.target, anchor, options.audit);
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.target, kMaxBundleBytes));
  if (Has(text, "custodyTrust") && !Has(text, "custodyBundle"))
    return InvalidArgument(options.target.string() +
                           " is a trust file: give the bundle first, and this file after --trust");
  return AuditBundle(text, anchor, options.audit);
}

StatusOr<std::string> ReportAsJson(const pb::AuditReport& report) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(report, &text, print).ok())
    return Internal("the report could not be written as json");
  return text;
}

StatusOr<Answer> Verify(const VerifyOptions& options) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::AuditReport report, Audit(options));
  Answer answer{.text = Render(report), .exit_code = ExitCode(report)};
  if (options.json) {
    CUSTODY_ASSIGN_OR_RETURN(answer.text, ReportAsJson(report));
  }
  return answer;
}

}  // namespace custody
