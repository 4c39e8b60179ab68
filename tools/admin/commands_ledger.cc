// init, publish, key, station, and the upkeep of a running ledger.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "client/exit_code.h"
#include "client/local_time.h"
#include "client/personal_key.h"
#include "crypto/file.h"
#include "crypto/random.h"
#include "custody/auditor.h"
#include "server/ledger/reader.h"
#include "tools/admin/commands.h"
#include "tools/admin/founding.h"
#include "tools/admin/stations.h"
#include "tools/admin/upkeep.h"

namespace custody {
namespace {

constexpr std::size_t kMaxProfileBytes = 1 << 20;
constexpr std::size_t kMaxTrustBytes = 1 << 20;

std::string Said(const CommandLine& line, std::string_view what, nlohmann::json fields) {
  if (!line.json) return std::string(what) + "\n";
  fields["done"] = what;
  return fields.dump() + "\n";
}

// The first thing protobuf's parser objects to: later ones mostly follow from it.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!what_.empty()) return;
    where_ = ", line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1);
    what_ = message;
  }
  const std::string& where() const { return where_; }
  const std::string& what() const { return what_; }

 private:
  std::string where_;
  std::string what_;
};

void AddPublishProfile(CLI::App& publish, CommandLine& line) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = publish.add_subcommand("profile", "A product's numbers, from a text file");
  AddSigning(*command, line);
  command->add_option("file", *file, "Profile in protobuf's text format")->required();
  command->footer(
      "Example: custody-admin publish profile product.textproto --folder admin --as T-1 --as T-2");
  command->callback([file, &line] {
    line.run = [file, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(*file, kMaxProfileBytes));
      pb::Profile profile;
      FirstError error;
      google::protobuf::TextFormat::Parser parser;
      parser.RecordErrorsTo(&error);
      if (!parser.ParseFromString(text, &profile)) {
        return InvalidArgument(*file + error.where() + ": this is no profile in text format: " +
                               error.what() + "; custody/profiles has an example");
      }
      return RecordAct(line, "registry", "profile " + profile.name() + " published",
                       [&profile](pb::Event& event) -> Status {
                         *event.mutable_profile_published()->mutable_profile() = profile;
                         return absl::OkStatus();
                       });
    };
  });
}

void AddPublishVersions(CLI::App& publish, CommandLine& line) {
  auto version = std::make_shared<std::uint32_t>(0);
  auto reason = std::make_shared<std::string>();
  CLI::App* rules = publish.add_subcommand("rules", "The rules version that judges from now on");
  AddSigning(*rules, line);
  rules->add_option("version", *version, "Rules version")->required();
  rules->add_option("--reason", *reason, "Why")->required();
  rules->footer(
      "Example: custody-admin publish rules 2 --reason \"R20 restated\" --folder admin \\\n"
      "             --as T-1 --as T-2");
  rules->callback([version, reason, &line] {
    line.run = [version, reason, &line]() -> StatusOr<std::string> {
      return RecordAct(line, "registry", "rules version " + std::to_string(*version) + " adopted",
                       [&](pb::Event& event) -> Status {
                         event.mutable_rules_adopted()->set_rules_version(*version);
                         event.mutable_rules_adopted()->set_reason(*reason);
                         return absl::OkStatus();
                       });
    };
  });
  CLI::App* schema = publish.add_subcommand("schema", "The schema this program was built with");
  AddSigning(*schema, line);
  schema->footer("Example: custody-admin publish schema --folder admin --as T-1 --as T-2");
  schema->callback([&line] {
    line.run = [&line]() -> StatusOr<std::string> {
      return RecordAct(line, "registry", "schema published", [](pb::Event& event) -> Status {
        event.mutable_schema_published()->set_schema_sha256(Sha256(Schema()).ToString());
        return absl::OkStatus();
      });
    };
  });
}

StatusOr<std::string> NewKey(const CommandLine& line, const std::string& person) {
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder folder, StationFolder::Open(line.act.folder));
  CUSTODY_ASSIGN_OR_RETURN(const PersonalKey made,
                           MakePersonalKey(folder, person, line.act.pins, SystemRng()));
  return Said(line, "key made; its request for enrolment is " + made.request.string(),
              {{"request", made.request.string()}, {"keyId", made.key_id.ToHex()}});
}

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

void AddCheck(CLI::App& app, CommandLine& line) {
  auto folder = std::make_shared<std::string>();
  auto trust_file = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "check", "Audit a data folder or a backup; reads only, also while a server serves it");
  command->add_option("folder", *folder, "Data folder")->required();
  command->add_option("--trust", *trust_file, "Trust anchor; without it nobody is pinned");
  command->footer("Example: custody-admin check ledger --trust admin/ledger.trust.json");
  command->callback([folder, trust_file, &line] {
    line.run = [folder, trust_file, &line]() -> StatusOr<std::string> {
      std::optional<TrustAnchor> trust;
      if (!trust_file->empty()) {
        CUSTODY_ASSIGN_OR_RETURN(const std::string json, ReadFile(*trust_file, kMaxTrustBytes));
        CUSTODY_ASSIGN_OR_RETURN(trust, TrustAnchor::Parse(json));
      }
      CUSTODY_ASSIGN_OR_RETURN(const pb::AuditReport report,
                               AuditFolder(*folder, trust ? &*trust : nullptr, {}));
      line.exit_code = ExitCode(report);
      if (!line.json) return Render(report);
      std::string text;
      google::protobuf::util::JsonPrintOptions print;
      print.always_print_primitive_fields = true;
      print.preserve_proto_field_names = true;
      if (!google::protobuf::util::MessageToJsonString(report, &text, print).ok()) {
        return Internal("the report could not be written as json");
      }
      return text + "\n";
    };
  });
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

void AddStatusAndBackup(CLI::App& app, CommandLine& line) {
  CLI::App* status = app.add_subcommand("status", "State of the server");
  AddFolder(*status, line);
  status->footer("Example: custody-admin status --folder admin");
  status->callback([&line] {
    line.run = [&line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      CUSTODY_ASSIGN_OR_RETURN(const pb::GetStatusReply reply,
                               administration->session().GetStatus());
      if (!line.json) return RenderStatus(reply, administration->folder().settings().zone);
      CUSTODY_ASSIGN_OR_RETURN(const nlohmann::json alerting, AlertingJson(reply));
      return nlohmann::json({{"entries", reply.entries()},
                             {"readOnly", reply.read_only()},
                             {"checkpoint", reply.checkpoint()},
                             {"queueLength", reply.queue_length()},
                             {"syncs", reply.syncs()},
                             {"groups", reply.groups()},
                             {"alerting", alerting},
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

void AddPublish(CLI::App& app, CommandLine& line) {
  CLI::App* publish =
      app.add_subcommand("publish", "Publish profiles, rule and schema versions (quorum)");
  publish->require_subcommand(1);
  AddPublishProfile(*publish, line);
  AddPublishVersions(*publish, line);
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

void AddStation(CLI::App& app, CommandLine& line) {
  CLI::App* station = app.add_subcommand("station", "Stations' certificates");
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
}

void AddUpkeep(CLI::App& app, CommandLine& line) {
  AddStatusAndBackup(app, line);
  AddClock(app, line);
  AddCheck(app, line);
}

}  // namespace custody
