// access: who read what of whom. The notes lie beside the ledger; this is where they are reviewed.
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "client/local_time.h"
#include "crypto/utf8.h"
#include "custody/time.h"
#include "tools/admin/commands.h"

namespace custody {
namespace {

struct AccessNotes {
  std::vector<pb::AccessRecord> records;
  bool more = false;  // than one answer holds
};

StatusOr<AccessNotes> ReadNotes(Session& session, const pb::ReadAccessLogRequest& request) {
  AccessNotes notes;
  const Status read = session.ReadAccessLog(request, [&notes](const pb::AccessRecord& record) {
    notes.records.push_back(record);
    return true;
  });
  notes.more = read.code() == StatusCode::kOutOfRange && !notes.records.empty();
  if (!notes.more) CUSTODY_RETURN_IF_ERROR(read);
  return notes;
}

std::string InWords(const AccessNotes& notes, std::string_view zone) {
  std::string text;
  for (const pb::AccessRecord& one : notes.records) {
    text += FormatLocal(FromProto(one.at()), zone) + "  " + Plain(one.station()) + " (" +
            Plain(one.site()) + ")  " + Plain(one.call());
    if (!one.therapy().empty()) text += "  " + Plain(one.therapy());
    if (!one.detail().empty()) text += "  " + Plain(one.detail());
    text += "\n";
  }
  if (notes.more) {
    text += "... and more: --since " + FormatUtc(FromProto(notes.records.back().at())) + "\n";
  }
  return text.empty() ? "nobody read anything\n" : text;
}

std::string InJson(const AccessNotes& notes) {
  nlohmann::json list = nlohmann::json::array();
  for (const pb::AccessRecord& one : notes.records) {
    list.push_back({{"at", FormatUtc(FromProto(one.at()))},
                    {"station", one.station()},
                    {"site", one.site()},
                    {"call", one.call()},
                    {"therapy", one.therapy()},
                    {"detail", one.detail()}});
  }
  const nlohmann::json all = {{"access", list}, {"more", notes.more}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

void AddAccess(CLI::App& app, CommandLine& line) {
  auto therapy = std::make_shared<std::string>();
  auto since = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("access", "Who read what: every look at a therapy or into the vault");
  AddFolder(*command, line);
  command->add_option("--therapy", *therapy, "Only looks at this therapy, by its id");
  command->add_option("--since", *since, "Only from this time on; local, RFC 3339, or -24h");
  command->footer(
      "Who broke the glass stands there with the role and the reason: review those first. No name "
      "of a\n"
      "patient is in it.\n\n"
      "Examples: custody-admin access --since -24h --folder admin\n"
      "          custody-admin access --therapy A9XK2... --folder admin --json");
  command->callback([therapy, since, &line] {
    line.run = [therapy, since, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      const std::string& zone = administration->folder().settings().zone;
      pb::ReadAccessLogRequest request;
      request.set_therapy(*therapy);
      if (!since->empty()) {
        CUSTODY_ASSIGN_OR_RETURN(const Instant from,
                                 ParseTime(*since, zone, administration->session().Now()));
        *request.mutable_since() = ToProto(from);
      }
      CUSTODY_ASSIGN_OR_RETURN(const AccessNotes notes,
                               ReadNotes(administration->session(), request));
      return line.json ? InJson(notes) : InWords(notes, zone);
    };
  });
}

}  // namespace custody
