// join: a station's folder in two steps. key new: a person's own key.
//
// Private keys are made here and never leave: what travels is a request, what comes back an answer.
#include "client/commands/commands.h"
#include "client/exit_code.h"
#include "client/hand_over_files.h"
#include "client/personal_key.h"
#include "crypto/certificate.h"
#include "crypto/file.h"
#include "custody/chain.h"

namespace custody {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1U << 20;

struct JoinCommand {
  explicit JoinCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  std::string station;
  std::string site;
  std::string answer;
  std::string person;
  std::string pins;

  int Join();
  Status Ask(const std::filesystem::path& folder);
  Status Complete(const std::filesystem::path& folder);
  int NewKey();
};

Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Unavailable("cannot make " + folder.string() + ": " + error.message());
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return error ? Unavailable(folder.string() + ": " + error.message()) : absl::OkStatus();
}

Status JoinCommand::Ask(const std::filesystem::path& folder) {
  if (station.empty() || site.empty()) {
    return InvalidArgument(
        "to ask: join --station ID --site SITE --folder F; with the answer: join FILE --folder F");
  }
  if (!IsChainId(site)) {
    return InvalidArgument("a site's id is 1 to 64 of A-Z 0-9 . _ -, found \"" + site + "\"");
  }
  const std::filesystem::path key_file = folder / "tls" / "station.key";
  if (std::filesystem::exists(key_file)) {
    return AlreadyExists("this folder has its key already; send " +
                         (folder / "station.request").string() + " to the administrator");
  }
  CUSTODY_RETURN_IF_ERROR(MakeFolder(folder));
  CUSTODY_RETURN_IF_ERROR(MakeFolder(folder / "tls"));
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_RETURN_IF_ERROR(key.SavePlain(key_file));
  const StationRequest request{station, site, key.public_key().spki()};
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "station.request", request.ToJson()));
  shell.console.Say("Send " + (folder / "station.request").string() +
                    " to your administrator; then: join ANSWER.json --folder " + folder.string());
  shell.console.Emit({{"request", (folder / "station.request").string()}});
  return absl::OkStatus();
}

Status JoinCommand::Complete(const std::filesystem::path& folder) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(answer, kMaxAnswerBytes));
  const auto read = StationAnswer::Parse(text);
  if (!read.ok()) return WithContext(read.status(), answer);
  const auto asked = ReadFile(folder / "station.request", kMaxAnswerBytes);
  if (!asked.ok()) {
    return FailedPrecondition(
        "this folder has not asked to join: join --station ID --site SITE "
        "--folder " +
        folder.string() + " comes first");
  }
  CUSTODY_ASSIGN_OR_RETURN(const StationRequest request, StationRequest::Parse(*asked));
  if (request.station != read->station || request.site != read->site) {
    return FailedPrecondition("the answer is for station " + read->station + " of " + read->site +
                              ", this folder asked for " + request.station + " of " + request.site);
  }
  CUSTODY_ASSIGN_OR_RETURN(const CertificateFields fields, ReadCertificate(read->certificate_pem));
  if (fields.name != read->station) {
    return FailedPrecondition("the certificate names " + fields.name + ", not " + read->station);
  }
  const StationFolder::Settings settings{read->server, read->station, read->site, read->zone};
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder made,
                           StationFolder::Create(folder, settings, read->trust_json, read->ca_pem,
                                                 read->certificate_pem));
  shell.console.Say("Station " + read->station + " of " + read->site + " is ready; the ledger is " +
                    made.trust().origin + " at " + read->server);
  shell.console.Emit({{"station", read->station}, {"origin", made.trust().origin}});
  return absl::OkStatus();
}

int JoinCommand::Join() {
  if (shell.folder.empty()) {
    return shell.Fail(
        InvalidArgument("where? give --folder DIR: the station's folder, which is made there"));
  }
  const std::filesystem::path folder(shell.folder);
  const Status status = answer.empty() ? Ask(folder) : Complete(folder);
  return status.ok() ? kExitDone : shell.Fail(status);
}

int JoinCommand::NewKey() {
  const auto folder = StationFolder::Open(shell.folder);
  if (!folder.ok()) return shell.Fail(folder.status());
  const auto made = MakePersonalKey(*folder, person, pins, shell.surroundings.rng);
  if (!made.ok()) return shell.Fail(made.status());
  const std::string id = made->key_id.ToHex();
  const std::string file = made->request.string();
  shell.console.Say("The key of " + person + " is " + id.substr(0, 16) + "...; hand " + file +
                    " to your registrars");
  shell.console.Emit({{"person", person}, {"key_id", id}, {"request", file}});
  return kExitDone;
}

}  // namespace

void AddJoinCommands(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<JoinCommand>(shell);
  CLI::App* join = app.add_subcommand("join", "make this a station: ask, then take the answer");
  join->add_option("FILE", work->answer, "the administrator's answer (second step)");
  join->add_option("--station", work->station, "id of this station (first step)");
  join->add_option("--site", work->site, "site it stands at (first step)");
  join->footer(
      "Examples: join --station WARD-3 --site CLINIC --folder ward\n"
      "          join WARD-3.station.json --folder ward");
  join->callback([work, &shell] { shell.run = [work] { return work->Join(); }; });

  CLI::App* key = app.add_subcommand("key", "keys of the people who sign here");
  key->require_subcommand(1);
  CLI::App* make = key->add_subcommand("new", "make a key; its PIN stays with its person");
  make->add_option("--person", work->person, "enrolled, or to be enrolled")->required();
  make->add_option("--pins", work->pins, "folder of PERSON.pin files (mode 0600); else asked for")
      ->envname("CUSTODY_PINS");
  make->footer("Example: key new --person RN-ADLER");
  make->callback([work, &shell] { shell.run = [work] { return work->NewKey(); }; });
}

}  // namespace custody
