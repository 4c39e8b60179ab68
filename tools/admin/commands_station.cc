// station: certificates of stations, of the server and of the administration.
#include <memory>

#include "crypto/file.h"
#include "custody/registry.h"
#include "tools/admin/commands.h"
#include "tools/admin/stations.h"

namespace custody {
namespace {

// A certificate is renewed for a station that serves at the site it says; it keeps its name.
StatusOr<std::string> NameOfEnrolled(Administration& administration,
                                     const StationRequest& request) {
  CUSTODY_ASSIGN_OR_RETURN(const auto registry, administration.session().LoadRegistry());
  const EnrolledStation* station = registry->FindStation(request.station);
  if (station == nullptr || station->retired || station->site != request.site) {
    return NotFound("no station " + request.station + " of site " + request.site +
                    " is in use; a new station is enrolled with `station issue`");
  }
  return station->name;
}

// Both ways the registry learns which certificate the station has from now on: every other one of
// its name opens nothing any more, and what nobody recorded could not be taken away again.
StatusOr<std::string> Issue(CommandLine& line, const IssueOptions& options, bool enrol,
                            std::string name) {
  CUSTODY_ASSIGN_OR_RETURN(const StationRequest request, ReadStationRequest(options.request));
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder folder, StationFolder::Open(line.act.folder));
  CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
  if (!enrol) {
    CUSTODY_ASSIGN_OR_RETURN(name, NameOfEnrolled(*administration, request));
  }
  CUSTODY_ASSIGN_OR_RETURN(const IssuedStation issued,
                           IssueStation(folder, options, request, SystemClock().Now()));
  CUSTODY_ASSIGN_OR_RETURN(
      const std::string event,
      administration->Record("registry/" + request.site, [&](pb::Event& filled) -> Status {
        auto& body = *filled.mutable_station_enrolled();
        body.set_station(request.station);
        body.set_site(request.site);
        body.set_name(name.empty() ? request.station : name);
        body.set_certificate_sha256(issued.certificate_sha256.ToString());
        return absl::OkStatus();
      }));
  CUSTODY_RETURN_IF_ERROR(
      WithContext(CreateFileExclusively(options.answer, issued.answer.ToJson()),
                  "station " + request.station +
                      " is enrolled, but issue it again: its answer could not be written"));
  return Done(line,
              "station " + request.station + (enrol ? " enrolled" : " renewed") + "; answer in " +
                  options.answer.string(),
              event);
}

// The server's certificate and the administration's own, which no station asks for: by the
// authority's key alone, so that it goes also when one has ended and nothing can be reached.
StatusOr<std::string> Renew(const CommandLine& line, const RenewOptions& options) {
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder folder, StationFolder::Open(line.act.folder));
  const Instant now = SystemClock().Now();
  CUSTODY_ASSIGN_OR_RETURN(const CertificateFields renewed,
                           RenewCertificateFile(folder, options, now));
  const Instant ends{renewed.not_after * kMicrosPerSecond};
  std::string what =
      (options.server.empty() ? "the administration's certificate" : options.server.string()) +
      " renewed until " + FormatLocal(ends, folder.settings().zone);
  if (!options.server.empty()) what += "; the server shows it when it is started again";
  if (options.new_key) {
    what += "\n  the key before opens the server until you append " +
            (folder.path() / "tls" / "station.old.pem").string() +
            "\n  to tls/revoked.pem in the server's data folder and start it again";
  }
  return Said(line, what, {{"notAfter", FormatUtc(ends)}, {"sha256", renewed.sha256.ToHex()}});
}

void AddRenewals(CLI::App& station, CommandLine& line) {
  for (const bool of_server : {true, false}) {
    auto options = std::make_shared<RenewOptions>();
    CLI::App* command = station.add_subcommand(
        of_server ? "renew-server" : "renew-admin",
        of_server ? "Give the server's certificate a new end; needs no server"
                  : "Give the administration's own certificate a new end, or a new key; needs no "
                    "server");
    AddFolder(*command, line);
    AddPins(*command, line);
    command->add_option("--days", options->days, "Days the certificate is valid, 1 to 825");
    if (of_server) {
      command->add_option("certificate", options->server, "server.pem, rewritten in place")
          ->required();
      command->footer(
          "Example: custody-admin station renew-server ledger/tls/server.pem --folder admin\n"
          "Its key and hosts stay. Where the server runs elsewhere, bring its tls/server.pem here\n"
          "and take it back; its key stays there. Then start the server again.");
    } else {
      command->add_flag("--new-key", options->new_key,
                        "With a new key, when the one before is lost or others may have it");
      command->footer(
          "Example: custody-admin station renew-admin --folder admin\n"
          "With --new-key the certificate before stays as tls/station.old.pem. It opens nothing\n"
          "once it is appended to tls/revoked.pem in the server's data folder and the server is\n"
          "started again.");
    }
    command->callback([options, &line] {
      line.run = [options, &line] {
        options->pins = line.act.pins;
        return Renew(line, *options);
      };
    });
  }
}

}  // namespace

void AddStation(CLI::App& app, CommandLine& line) {
  CLI::App* station = app.add_subcommand(
      "station", "Certificates of stations, of the server and of the administration");
  station->require_subcommand(1);
  for (const bool enrol : {true, false}) {
    auto options = std::make_shared<IssueOptions>();
    auto name = std::make_shared<std::string>();
    CLI::App* command = station->add_subcommand(
        enrol ? "issue" : "renew",
        enrol ? "Issue a certificate and enrol the station (two registrars of its site)"
              : "Issue a new certificate to a station that is enrolled, and record it (the same "
                "two)");
    AddSigning(*command, line);
    if (enrol) command->add_option("--name", *name, "What the station is called");
    command->footer(std::string("Example: custody-admin station ") + (enrol ? "issue" : "renew") +
                    " ward/station.request -o WARD-3.station.json --zone Europe/Berlin \\\n"
                    "             --folder admin --as REG-C1 --as REG-C2"
                    "\nThe station completes itself with: custody-clinic join WARD-3.station.json" +
                    (enrol ? "" : "\nIts present certificate opens nothing from now on."));
    command->add_option("request", options->request, "station.request, made by join")->required();
    command->add_option("-o,--output", options->answer, "Answer for the station")->required();
    command->add_option("--zone", options->zone, "IANA time zone of the station")->required();
    command->add_option("--days", options->days, "Days the certificate is valid");
    command->callback([options, name, enrol, &line] {
      line.run = [options, name, enrol, &line] {
        options->pins = line.act.pins;
        return Issue(line, *options, enrol, *name);
      };
    });
  }
  AddRenewals(*station, line);
}

}  // namespace custody
