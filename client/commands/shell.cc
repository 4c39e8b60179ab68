// What the commands share: opening the desk, the options of signing, fields from the command line.
#include <cstdlib>

#include "client/commands/commands.h"
#include "client/exit_code.h"
#include "client/right_time.h"

namespace custody {

void Shell::SettleFolder() {
  if (!own_folder.empty()) folder = own_folder;
  // Not by the parser, to which the environment of one command is that of all.
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment yet
  const char* named = std::getenv("CUSTODY_STATION");
  if (folder.empty() && named != nullptr) folder = named;
}

void AddGlobals(CLI::App& command, Shell& shell) {
  command.add_option("--folder", shell.own_folder,
                     "the station's folder (else CUSTODY_STATION names it)");
  command.add_flag("--json", shell.json, "answer in JSON, an object a line");
}

StatusOr<std::unique_ptr<Desk>> Shell::OpenDesk() {
  if (folder.empty()) {
    return InvalidArgument(
        "which station? give --folder DIR or set CUSTODY_STATION; `join` makes a folder");
  }
  auto desk = Desk::Open(folder, surroundings.clock, surroundings.rng);
  CUSTODY_RETURN_IF_ERROR(desk.status());
  console.SetEnvironment((*desk)->environment());
  if (const auto evidence = (*desk)->folder().Evidence(); !evidence.empty()) {
    std::string text = "the server of this ledger contradicted itself; what it signed lies in ";
    text.append(evidence.front().native());
    console.Shout(Mood::kBad, "DO NOT RELY", text + ": show it to the trustees");
  }
  if (!(*desk)->online()) {
    console.Shout(
        Mood::kCareful, "OFFLINE",
        "what is shown is what this station last saw (" + Message((*desk)->Reachable()) + ")");
  }
  WarnOfClock(**desk, console);
  return desk;
}

int Shell::Fail(const Status& status) {
  console.Complain(status);
  return ExitCodeOf(status);
}

void SigningOptions::AddTo(CLI::App& command) {
  command
      .add_option("--as", as,
                  "who signs, PERSON:ROLE or PERSON:ROLE:MEANING; once for each who signs")
      ->expected(1)
      ->take_all();
  command
      .add_option("--identified-at", identified_at,
                  "when each signer was identified here, in their order (default: now)")
      ->expected(1)
      ->take_all();
  command.add_option("--pins", pins, "folder of PERSON.pin files (mode 0600); else asked for")
      ->envname("CUSTODY_PINS");
  command.add_flag("--yes", yes, "sign without asking, where no rule stands against it");
}

StatusOr<std::vector<DraftSigner>> SigningOptions::Signers() const {
  std::vector<DraftSigner> signers;
  for (std::size_t i = 0; i < as.size(); ++i) {
    CUSTODY_ASSIGN_OR_RETURN(DraftSigner signer, DraftSigner::Parse(as[i]));
    if (i < identified_at.size()) signer.identified_at = identified_at[i];
    signers.push_back(std::move(signer));
  }
  if (identified_at.size() > as.size()) {
    return InvalidArgument("--identified-at is given more often than --as");
  }
  return signers;
}

void EntryOptions::AddTo(CLI::App& command) {
  command.add_option("--therapy", therapy, "the therapy, by its id or anything scanned of it");
  command.add_option("--at", at, "when it happened (default: now)");
  command.add_option("--late", late, "entered after it was done, and why");
  command.add_option("--downtime", downtime, "entered from paper after an outage, and why");
  command
      .add_option("--performed-by", performed_by,
                  "who did it, PERSON:ROLE:NAME, when entered later by others")
      ->expected(1)
      ->take_all();
  command.add_option("--grant", grants, "event id of an override that this step uses")
      ->expected(1)
      ->take_all();
}

Status EntryOptions::Fill(const SigningOptions& signing, Draft& draft) const {
  if (!late.empty() && !downtime.empty()) {
    return InvalidArgument("--late and --downtime exclude each other");
  }
  draft.therapy = therapy;
  draft.at = at;
  if (!late.empty()) draft.entry = pb::LATE;
  if (!downtime.empty()) draft.entry = pb::DOWNTIME;
  draft.reason = late.empty() ? downtime : late;
  draft.grants = grants;
  for (const std::string& performer : performed_by) {
    CUSTODY_ASSIGN_OR_RETURN(pb::Performer parsed, ParsePerformer(performer));
    draft.performed_by.push_back(std::move(parsed));
  }
  CUSTODY_ASSIGN_OR_RETURN(draft.signers, signing.Signers());
  return absl::OkStatus();
}

StatusOr<std::vector<std::pair<std::string, std::string>>> FieldsFrom(
    const std::vector<std::string>& rest) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::string& word = rest[i];
    if (!word.starts_with("--") || word.size() < 3) {
      return InvalidArgument("\"" + word +
                             "\" is not expected here; fields are given as --NAME VALUE");
    }
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      fields.emplace_back(word.substr(2, equals - 2), word.substr(equals + 1));
    } else if (i + 1 < rest.size()) {
      fields.emplace_back(word.substr(2), rest[++i]);
    } else {
      return InvalidArgument(word + " needs a value");
    }
  }
  return fields;
}

}  // namespace custody
