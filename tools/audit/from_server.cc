// What comes from a running server: the same audit, of what it serves, and the export of a bundle.
#include "client/session.h"
#include "client/station_folder.h"
#include "crypto/file.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

StatusOr<std::unique_ptr<Session>> Connect(StationFolder& folder) {
  return Session::Connect(folder, SystemClock());
}

}  // namespace

StatusOr<pb::AuditReport> AuditServer(const VerifyOptions& options,
                                      const std::optional<TrustAnchor>& trust) {
  CUSTODY_ASSIGN_OR_RETURN(StationFolder folder, StationFolder::Open(options.folder));
  CUSTODY_ASSIGN_OR_RETURN(const auto session, Connect(folder));
  const TrustAnchor& anchor = trust ? *trust : folder.trust();
  LogAuditor auditor(&anchor, options.audit);
  pb::ReadEntriesRequest request;
  request.set_with_events(true);
  std::uint64_t expected = 0;
  const Status read = session->ReadEntries(request, [&](const pb::EntryReply& reply) {
    if (reply.index() != expected++) return false;
    // A signed event that this station may not read is withheld, and the report counts those.
    auditor.Add(reply.entry(), reply.has_signed_() ? &reply.signed_() : nullptr);
    return true;
  });
  CUSTODY_RETURN_IF_ERROR(read);
  return auditor.Finish(session->hello().checkpoint());
}

StatusOr<Answer> Export(const ExportOptions& options) {
  CUSTODY_ASSIGN_OR_RETURN(StationFolder folder, StationFolder::Open(options.folder));
  CUSTODY_ASSIGN_OR_RETURN(const auto session, Connect(folder));
  CUSTODY_ASSIGN_OR_RETURN(const std::string text,
                           session->ExportBundle(options.therapy, options.attachments));
  // Nobody is handed a proof that does not hold: it is audited before it is written.
  const pb::AuditReport report = AuditBundle(text, &folder.trust(), {});
  CUSTODY_RETURN_IF_ERROR(CreateFileExclusively(options.output, text, 0600));
  return Answer{.text = Render(report) + "written to " + options.output.string() +
                        "\nIt holds health data and names of staff: handle it as a patient "
                        "record.\n",
                .exit_code = ExitCode(report)};
}

}  // namespace custody
