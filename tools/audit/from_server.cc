// What comes from a running server: the same audit, of what it serves, and the export of a bundle.
#include <nlohmann/json.hpp>
#include <set>

#include "client/field_values.h"
#include "client/session.h"
#include "client/station_folder.h"
#include "crypto/file.h"
#include "crypto/note.h"
#include "custody/chain.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

StatusOr<std::unique_ptr<Session>> Connect(StationFolder& folder) {
  return Session::Connect(folder, SystemClock());
}

// The therapy that `text` means: its id, with or without "therapy/", or anything that was scanned.
StatusOr<std::string> ResolveTherapy(Session& session, std::string_view text) {
  if (IsTherapyChain(text)) text = TherapyOf(text);
  CUSTODY_ASSIGN_OR_RETURN(const std::string value, NormaliseScan(pb::SCAN_KIND_UNSPECIFIED, text));
  if (IsChainId(value)) {
    const auto therapy = session.GetTherapy(value, std::nullopt);
    if (therapy.ok()) return value;
    if (therapy.status().code() != StatusCode::kNotFound &&
        therapy.status().code() != StatusCode::kPermissionDenied)
      return therapy.status();
  }
  CUSTODY_ASSIGN_OR_RETURN(const pb::FindReply reply, session.Find("", value));
  std::set<std::string> ids;
  for (const auto& found : reply.found()) ids.insert(found.therapy());
  if (ids.empty())
    return NotFound("\"" + value + "\" belongs to no therapy that this station may see");
  if (ids.size() > 1)
    return FailedPrecondition("\"" + value +
                              "\" belongs to several therapies; give the therapy's id or its "
                              "chain-of-identity identifier");
  return *ids.begin();
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
  // What is recorded meanwhile comes after the checkpoint, and is for the next audit.
  CUSTODY_ASSIGN_OR_RETURN(const Note note, Note::Parse(session->hello().checkpoint()));
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint promised, Checkpoint::Parse(note.text));
  std::uint64_t expected = 0;
  const Status read = session->ReadEntries(request, [&](const pb::EntryReply& reply) {
    if (expected == promised.size || reply.index() != expected++) return false;
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
  CUSTODY_ASSIGN_OR_RETURN(const std::string therapy, ResolveTherapy(*session, options.therapy));
  CUSTODY_ASSIGN_OR_RETURN(const std::string text,
                           session->ExportBundle(therapy, options.attachments));
  // Nobody is handed a proof that does not hold: it is audited before it is written.
  const pb::AuditReport report = AuditBundle(text, &folder.trust(), {});
  CUSTODY_RETURN_IF_ERROR(CreateFileExclusively(options.output, text, 0600));
  if (options.json) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string told, ReportAsJson(report));
    nlohmann::ordered_json object = {{"therapy", therapy}, {"output", options.output.string()}};
    object["report"] = nlohmann::ordered_json::parse(told, nullptr, false);
    return Answer{.text = object.dump(2) + "\n", .exit_code = ExitCode(report)};
  }
  return Answer{.text = Render(report) + "written to " + options.output.string() +
                        "\nIt holds health data and names of staff: handle it as a patient "
                        "record.\n",
                .exit_code = ExitCode(report)};
}

}  // namespace custody
