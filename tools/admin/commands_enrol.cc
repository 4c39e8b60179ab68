// enrol, revoke, retire: acts about organisations, sites, people, keys and stations.
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "client/hand_over_files.h"
#include "client/local_time.h"
#include "crypto/encoding.h"
#include "crypto/file.h"
#include "custody/chain.h"
#include "tools/admin/commands.h"

namespace custody {
namespace {

constexpr std::size_t kMaxRequestBytes = 64 << 10;

// What the command line said; lives as long as the command's closure.
struct Words {
  std::string id;
  std::string name;
  std::string organisation;
  std::string kind;
  std::string zone;
  std::string reason;
  std::string site;
  std::string until;
  std::vector<std::string> sites;
  std::vector<std::string> roles;
  std::vector<std::string> facilities;
};

std::string SiteChain(const std::string& site) { return "registry/" + site; }

void AddOrganisation(CLI::App& enrol, CommandLine& line) {
  auto words = std::make_shared<Words>();
  CLI::App* command = enrol.add_subcommand("organisation", "An organisation (trustees' quorum)");
  AddSigning(*command, line);
  command->add_option("id", words->id, "Organisation id")->required();
  command->add_option("--name", words->name, "Its name")->required();
  command->add_option("--kind", words->kind, "TREATMENT_CENTRE, MANUFACTURER, CARRIER or OVERSIGHT")
      ->required();
  command->footer(
      "Example: custody-admin enrol organisation HOSPITAL --name \"University Hospital\" \\\n"
      "             --kind TREATMENT_CENTRE --folder admin --as T-1 --as T-2");
  command->callback([words, &line] {
    line.run = [words, &line] {
      return RecordAct(line, "registry", "organisation " + words->id + " enrolled",
                       [&words](pb::Event& event) -> Status {
                         auto& body = *event.mutable_organisation_enrolled();
                         body.set_organisation(words->id);
                         body.set_name(words->name);
                         pb::OrganisationKind kind = pb::ORGANISATION_KIND_UNSPECIFIED;
                         if (!pb::OrganisationKind_Parse(words->kind, &kind)) {
                           return InvalidArgument(
                               "a kind of organisation is TREATMENT_CENTRE, MANUFACTURER, CARRIER "
                               "or OVERSIGHT, found \"" +
                               words->kind + "\"");
                         }
                         body.set_kind(kind);
                         return absl::OkStatus();
                       });
    };
  });
}

void AddSite(CLI::App& enrol, CommandLine& line) {
  auto words = std::make_shared<Words>();
  CLI::App* command = enrol.add_subcommand("site", "A site of an organisation (trustees' quorum)");
  AddSigning(*command, line);
  command->add_option("id", words->id, "Site id: 1..64 of A-Z 0-9 . _ -")->required();
  command->add_option("--organisation", words->organisation, "Organisation id")->required();
  command->add_option("--name", words->name, "Its name")->required();
  command->add_option("--zone", words->zone, "IANA time zone")->required();
  Repeatable(command->add_option("--facility", words->facilities,
                                 "ISBT 128 facility number; may be repeated"));
  command->footer(
      "Example: custody-admin enrol site CLINIC --organisation HOSPITAL --name \"Ward 3\" \\\n"
      "             --zone Europe/Berlin --facility A9990 --folder admin --as T-1 --as T-2");
  command->callback([words, &line] {
    line.run = [words, &line] {
      return RecordAct(line, "registry", "site " + words->id + " enrolled",
                       [&words](pb::Event& event) -> Status {
                         auto& body = *event.mutable_site_enrolled();
                         body.set_site(words->id);
                         body.set_organisation(words->organisation);
                         body.set_name(words->name);
                         body.set_time_zone(words->zone);
                         for (const std::string& number : words->facilities) {
                           body.add_facility_numbers(number);
                         }
                         return absl::OkStatus();
                       });
    };
  });
}

Status FillPerson(const Words& words, pb::Event& event) {
  auto& body = *event.mutable_person_enrolled();
  body.set_person(words.id);
  body.set_printed_name(words.name);
  body.set_organisation(words.organisation);
  for (const std::string& site : words.sites) body.add_sites(site);
  for (const std::string& text : words.roles) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::Role role, ParseRole(text));
    body.add_roles(role);
  }
  if (!words.until.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(const Instant until, ParseTime(words.until, event.time_zone(),
                                                            FromProto(event.signed_at())));
    *body.mutable_training_valid_until() = ToProto(until);
  }
  return absl::OkStatus();
}

void AddPerson(CLI::App& enrol, CommandLine& line) {
  auto words = std::make_shared<Words>();
  CLI::App* command = enrol.add_subcommand(
      "person",
      "A person of a site (two registrars of the site; a site's first two registrars: "
      "trustees' quorum)");
  AddSigning(*command, line);
  command->add_option("id", words->id, "Person id")->required();
  command->add_option("--name", words->name, "Printed name")->required();
  command->add_option("--organisation", words->organisation, "Organisation id")->required();
  Repeatable(command->add_option("--site", words->sites,
                                 "Site; may be repeated, the first one's chain records it"))
      ->required();
  Repeatable(command->add_option("--role", words->roles, "Role, e.g. RN; may be repeated"))
      ->required();
  command->footer(
      "Example: custody-admin enrol person RN-ADLER --name \"Mia Adler\" --organisation HOSPITAL "
      "\\\n"
      "             --site CLINIC --role RN --training-until 2027-06-30 --folder admin \\\n"
      "             --as REG-C1 --as REG-C2");
  command->add_option("--training-until", words->until, "Training valid until (date or time)");
  command->callback([words, &line] {
    line.run = [words, &line] {
      return RecordAct(line, SiteChain(words->sites.front()), "person " + words->id + " enrolled",
                       [&words](pb::Event& event) { return FillPerson(*words, event); });
    };
  });
}

void AddKeyEnrolment(CLI::App& enrol, CommandLine& line) {
  auto words = std::make_shared<Words>();
  CLI::App* command = enrol.add_subcommand(
      "key", "A person's key, by the request that the person made with `key new`");
  AddSigning(*command, line);
  command->add_option("request", words->id, "File PERSON.request")->required();
  command->add_option("--site", words->site, "The person's site")->required();
  command->footer(
      "Example: custody-admin enrol key ward/keys/RN-ADLER.request --site CLINIC --folder admin "
      "\\\n"
      "             --as REG-C1 --as REG-C2");
  command->callback([words, &line] {
    line.run = [words, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(words->id, kMaxRequestBytes));
      StatusOr<KeyRequestFile> request = KeyRequestFile::Parse(text);
      if (!request.ok()) return WithContext(request.status(), words->id);
      pb::KeyRequest asked;
      if (!asked.ParseFromString(request->request)) {
        return InvalidArgument(words->id + ": the request inside cannot be read");
      }
      return RecordAct(line, SiteChain(words->site), "key of " + request->person + " enrolled",
                       [&](pb::Event& event) -> Status {
                         auto& body = *event.mutable_key_enrolled();
                         body.set_person(request->person);
                         body.set_spki(asked.spki());
                         body.set_request(request->request);
                         body.set_request_signature(request->signature);
                         return absl::OkStatus();
                       });
    };
  });
}

void AddKeyRevocation(CLI::App& app, CommandLine& line) {
  auto words = std::make_shared<Words>();
  CLI::App* command = app.add_subcommand("revoke", "Revoke a key");
  AddSigning(*command, line);
  command->add_option("key", words->id, "Key id, 64 hex digits")->required();
  command->add_option("--site", words->site, "The person's site; none: the trustees' chain");
  command->add_option("--reason", words->reason, "Why")->required();
  command->add_option("--compromised-since", words->until,
                      "From when on the key may have been used by others");
  command->footer(
      "Example: custody-admin revoke 21769da5... --site CLINIC --reason \"badge and PIN lost\" \\\n"
      "             --compromised-since 2026-03-02T08:00:00Z --folder admin --as REG-C1");
  command->callback([words, &line] {
    line.run = [words, &line]() -> StatusOr<std::string> {
      const std::string chain = words->site.empty() ? "registry" : SiteChain(words->site);
      return RecordAct(
          line, chain, "key " + words->id + " revoked", [&words](pb::Event& event) -> Status {
            const StatusOr<Hash> key = Hash::FromHex(words->id);
            if (!key.ok()) {
              return InvalidArgument("a key's id is 64 hex digits, found \"" + words->id +
                                     "\"; `key new` said it when the key was made");
            }
            auto& body = *event.mutable_key_revoked();
            body.set_key_id(key->ToString());
            body.set_reason(words->reason);
            if (words->until.empty()) return absl::OkStatus();
            CUSTODY_ASSIGN_OR_RETURN(const Instant since, ParseTime(words->until, event.time_zone(),
                                                                    FromProto(event.signed_at())));
            *body.mutable_compromised_since() = ToProto(since);
            return absl::OkStatus();
          });
    };
  });
}

void AddRetirement(CLI::App& app, CommandLine& line) {
  CLI::App* retire = app.add_subcommand("retire", "Retire a person or a station");
  retire->require_subcommand(1);
  for (const bool person : {true, false}) {
    auto words = std::make_shared<Words>();
    CLI::App* command = retire->add_subcommand(person ? "person" : "station",
                                               person ? "A person who left" : "A station");
    AddSigning(*command, line);
    command->add_option("id", words->id, "Id")->required();
    command->add_option("--site", words->site, "Site")->required();
    command->add_option("--reason", words->reason, "Why")->required();
    command->footer(std::string("Example: custody-admin retire ") +
                    (person ? "person RN-ADLER" : "station WARD-3") +
                    " --site CLINIC --reason \"left\" --folder admin --as REG-C1 --as REG-C2");
    command->callback([words, person, &line] {
      line.run = [words, person, &line] {
        return RecordAct(line, SiteChain(words->site), words->id + " retired",
                         [&words, person](pb::Event& event) -> Status {
                           if (person) {
                             event.mutable_person_retired()->set_person(words->id);
                             event.mutable_person_retired()->set_reason(words->reason);
                           } else {
                             event.mutable_station_retired()->set_station(words->id);
                             event.mutable_station_retired()->set_reason(words->reason);
                           }
                           return absl::OkStatus();
                         });
      };
    });
  }
}

}  // namespace

StatusOr<std::string> RecordAct(CommandLine& line, const std::string& chain,
                                const std::string& what,
                                const std::function<Status(pb::Event&)>& fill) {
  CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
  CUSTODY_ASSIGN_OR_RETURN(const std::string id, administration->Record(chain, fill));
  return Done(line, what, id);
}

std::string Done(const CommandLine& line, std::string_view what, const std::string& event_id) {
  if (!line.json) return "RECORDED: " + std::string(what) + "\n  event " + event_id + "\n";
  return nlohmann::json({{"recorded", what}, {"event", event_id}}).dump() + "\n";
}

std::string Said(const CommandLine& line, std::string_view what, nlohmann::json fields) {
  if (!line.json) return std::string(what) + "\n";
  fields["done"] = what;
  return fields.dump() + "\n";
}

StatusOr<std::string> AsJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions print;
  print.always_print_primitive_fields = true;
  print.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, print).ok()) {
    return Internal("the answer could not be written as json");
  }
  return text + "\n";
}

void AddFolder(CLI::App& command, CommandLine& line) {
  command.add_option("--folder", line.act.folder,
                     "The administration's folder, made by init (else CUSTODY_STATION names it)");
}

void AddPins(CLI::App& command, CommandLine& line) {
  command.add_option("--pins", line.act.pins,
                     "Folder with a passphrase file PERSON.pin (mode 0600) each (else CUSTODY_PINS "
                     "names it, else they are asked for)");
}

void AddSigning(CLI::App& command, CommandLine& line) {
  AddFolder(command, line);
  AddPins(command, line);
  Repeatable(command.add_option("--as", line.act.signers,
                                "Who signs: PERSON or PERSON:ROLE, once for each"))
      ->required();
}

CLI::Option* Repeatable(CLI::Option* option) { return option->expected(1)->take_all(); }

void AddEnrol(CLI::App& app, CommandLine& line) {
  CLI::App* enrol = app.add_subcommand("enrol", "Enrol organisations, sites, people and keys");
  enrol->require_subcommand(1);
  AddOrganisation(*enrol, line);
  AddSite(*enrol, line);
  AddPerson(*enrol, line);
  AddKeyEnrolment(*enrol, line);
}

void AddRevoke(CLI::App& app, CommandLine& line) {
  AddKeyRevocation(app, line);
  AddRetirement(app, line);
}

}  // namespace custody
