// init, key, and the upkeep of a running ledger.
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "client/channel.h"
#include "client/exit_code.h"
#include "client/local_time.h"
#include "client/personal_key.h"
#include "crypto/file.h"
#include "crypto/random.h"
#include "tools/admin/commands.h"
#include "tools/admin/founding.h"
#include "tools/admin/stations.h"
#include "tools/admin/upkeep.h"

namespace custody {
namespace {

constexpr std::size_t kMaxPemBytes = 64 << 10;

StatusOr<std::string> NewKey(const CommandLine& line, const std::string& person) {
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder folder, StationFolder::Open(line.act.folder));
  CUSTODY_ASSIGN_OR_RETURN(const PersonalKey made,
                           MakePersonalKey(folder, person, line.act.pins, SystemRng()));
  return Said(line, "key made; its request for enrolment is " + made.request.string(),
              {{"request", made.request.string()}, {"keyId", made.key_id.ToHex()}});
}

void AddClock(CLI::App& app, CommandLine& line) {
  auto time = std::make_shared<std::string>();
  auto confirm = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "clock", "Confirm the server's clock after a jump, or move a demo ledger's forwards");
  AddFolder(*command, line);
  auto* set = command->add_option("--set", *time, "Demo ledgers: the time it shall be, or +3h");
  command->add_flag("--confirm", *confirm, "The server's present clock is right")->excludes(set);
  command->footer(
      "Examples: custody-admin clock --confirm --folder admin\n"
      "          custody-admin clock --set +3h --folder admin");
  command->callback([time, confirm, &line] {
    line.run = [time, confirm, &line]() -> StatusOr<std::string> {
      if (time->empty() && !*confirm) {
        return InvalidArgument("say --set TIME or --confirm");
      }
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      const std::string& zone = administration->folder().settings().zone;
      pb::SetClockRequest request;
      request.set_confirm_jump(*confirm);
      if (!time->empty()) {
        CUSTODY_ASSIGN_OR_RETURN(const Instant instant,
                                 ParseTime(*time, zone, administration->session().Now()));
        *request.mutable_time() = ToProto(instant);
      }
      CUSTODY_ASSIGN_OR_RETURN(const pb::SetClockReply reply,
                               administration->session().SetClock(request));
      const Instant now = FromProto(reply.server_time());
      return Said(line, "the ledger's clock is " + FormatLocal(now, zone),
                  {{"serverTime", FormatUtc(now)}});
    };
  });
}

StatusOr<nlohmann::json> AlertingJson(const pb::GetStatusReply& reply) {
  std::string text;
  google::protobuf::util::JsonPrintOptions print;
  print.always_print_primitive_fields = true;
  if (!google::protobuf::util::MessageToJsonString(reply.alerting(), &text, print).ok()) {
    return Internal("the state of the alerts could not be written as json");
  }
  return nlohmann::json::parse(text, nullptr, false);
}

// What stops the ledger when nobody renews it; stations' own show at the stations.
std::vector<WatchedCertificate> Certificates(const StationFolder& folder) {
  const std::filesystem::path tls = folder.path() / "tls";
  const auto own = [&]() -> StatusOr<CertificateFields> {
    CUSTODY_ASSIGN_OR_RETURN(const std::string pem, ReadFile(tls / "station.pem", kMaxPemBytes));
    return ReadCertificate(pem);
  };
  return {{"server", "custody-admin station renew-server",
           CertificateOfServer(folder.settings().server)},
          {"administration", "custody-admin station renew-admin", own()}};
}

nlohmann::json CertificatesJson(const std::vector<WatchedCertificate>& certificates, Instant now) {
  nlohmann::json all = nlohmann::json::array();
  for (const WatchedCertificate& one : certificates) {
    nlohmann::json said = {{"whose", one.whose}};
    if (one.fields.ok()) {
      said["ends"] = FormatUtc({one.fields->not_after * kMicrosPerSecond});
      said["daysLeft"] = DaysLeft(*one.fields, now);
    } else {
      said["error"] = Message(one.fields.status());
    }
    all.push_back(std::move(said));
  }
  return all;
}

void AddStatusAndBackup(CLI::App& app, CommandLine& line) {
  CLI::App* status = app.add_subcommand("status", "State of the server, and when certificates end");
  AddFolder(*status, line);
  status->footer("Example: custody-admin status --folder admin");
  status->callback([&line] {
    line.run = [&line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      CUSTODY_ASSIGN_OR_RETURN(const pb::GetStatusReply reply,
                               administration->session().GetStatus());
      const std::vector<WatchedCertificate> certificates = Certificates(administration->folder());
      const Instant now = SystemClock().Now();
      if (!line.json) {
        const std::string& zone = administration->folder().settings().zone;
        return RenderStatus(reply, zone) + RenderCertificates(certificates, now, zone);
      }
      CUSTODY_ASSIGN_OR_RETURN(const nlohmann::json alerting, AlertingJson(reply));
      return nlohmann::json({{"entries", reply.entries()},
                             {"readOnly", reply.read_only()},
                             {"checkpoint", reply.checkpoint()},
                             {"queueLength", reply.queue_length()},
                             {"syncs", reply.syncs()},
                             {"groups", reply.groups()},
                             {"alerting", alerting},
                             {"certificates", CertificatesJson(certificates, now)},
                             {"serverTime", FormatUtc(FromProto(reply.server_time()))}})
                 .dump() +
             "\n";
    };
  });
  auto target = std::make_shared<std::string>();
  CLI::App* backup = app.add_subcommand("backup", "Copy the ledger while it serves");
  AddFolder(*backup, line);
  backup->add_option("target", *target, "Folder on the server's machine; must not exist")
      ->required();
  backup->footer("Example: custody-admin backup /backup/ledger-2026-03-02 --folder admin");
  backup->callback([target, &line] {
    line.run = [target, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      CUSTODY_ASSIGN_OR_RETURN(const pb::BackupReply reply,
                               administration->session().Backup(*target));
      return Said(line, "backed up " + std::to_string(reply.bytes()) + " bytes to " + *target,
                  {{"bytes", reply.bytes()}, {"checkpoint", reply.checkpoint()}});
    };
  });
}

}  // namespace

void AddInit(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<FoundingOptions>();
  auto environment = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("init", "Found a ledger: keys, genesis, certificates");
  command->add_option("--data", options->data, "Data folder of the server (new)")->required();
  command->add_option("--folder", options->folder, "Folder of the administration (new)")
      ->required();
  command->add_option(
      "--pins", options->pins,
      "Folder of passphrase files PERSON.pin and authority.pin (else CUSTODY_PINS names "
      "it, else they are asked for)");
  command->add_option("--origin", options->origin, "Name of the log, e.g. demo.example/custody-1")
      ->required();
  command->add_option("--environment", *environment, "DEMO, VALIDATION or PRODUCTION")->required();
  Repeatable(command->add_option("--trustee", options->trustees,
                                 "PERSON:PRINTED NAME, once for each of 1 to 8"))
      ->required();
  command->add_option("--quorum", options->quorum, "How many trustees decide together")->required();
  command->add_option("--server", options->server, "HOST:PORT stations connect to")->required();
  command->add_option("--zone", options->zone, "IANA time zone of the administration")->required();
  command->footer(
      "Example: custody-admin init --data ledger --folder admin --origin demo.example/custody-1 "
      "\\\n"
      "             --environment DEMO --trustee T-1:\"Ada Trustee\" --trustee T-2:\"Bo Trustee\" "
      "\\\n"
      "             --quorum 2 --server 127.0.0.1:8443 --zone Europe/Berlin");
  command->callback([options, environment, &line] {
    line.run = [options, environment, &line]() -> StatusOr<std::string> {
      if (!pb::Environment_Parse(*environment, &options->environment)) {
        return InvalidArgument("no environment: \"" + *environment + "\"; see --help");
      }
      if (options->pins.empty()) options->pins = line.act.pins;
      CUSTODY_RETURN_IF_ERROR(FoundLedger(*options, SystemClock().Now()));
      return Said(line,
                  "founded " + options->origin + "\n  start it:      custody-server --dir " +
                      options->data.string() + " --listen " + options->server +
                      "\n  trust anchor:  " + (options->folder / "ledger.trust.json").string() +
                      "\n  administer:    custody-admin status --folder " +
                      options->folder.string(),
                  {{"data", options->data.string()}, {"folder", options->folder.string()}});
    };
  });
}

void AddKey(CLI::App& app, CommandLine& line) {
  CLI::App* key = app.add_subcommand("key", "Keys of people who sign here");
  key->require_subcommand(1);
  auto person = std::make_shared<std::string>();
  CLI::App* command = key->add_subcommand("new", "Make a key and the request to enrol it");
  AddFolder(*command, line);
  AddPins(*command, line);
  command->add_option("--person", *person, "Person id")->required();
  command->footer("Example: custody-admin key new --person REG-C1 --folder admin");
  command->callback(
      [person, &line] { line.run = [person, &line] { return NewKey(line, *person); }; });
}

void AddUpkeep(CLI::App& app, CommandLine& line) {
  AddStatusAndBackup(app, line);
  AddClock(app, line);
}

}  // namespace custody
