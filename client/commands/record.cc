// record EVENT [--field value]...   one event, its fields from the command line
// record --file F                   many, a JSON object a line, for machines
#include <fstream>
#include <iostream>

#include "client/commands/commands.h"
#include "client/exit_code.h"
#include "client/outbox.h"
#include "custody/chain.h"
#include "custody/event.h"

namespace custody {
namespace {

struct RecordCommand {
  explicit RecordCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  CLI::App* command = nullptr;
  std::string event;
  std::string file;
  std::string logger_file;
  bool keep_going = false;
  std::vector<std::string> set;
  std::vector<std::string> identifiers;
  std::vector<std::string> identifiers_again;
  std::string read_from;
  EntryOptions entry;
  SigningOptions signing;

  int Run();
  StatusOr<Draft> FromArguments() const;
  int RecordFile(Desk& desk, Recorder& recorder);
  Status Complete(Desk& desk, Draft& draft, const std::string& last_enrolled) const;
};

bool LooksLikeId(std::string_view text) {
  if (text.size() < 16) return false;
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == std::string_view::npos;
}

int ExitOf(const Outcome& outcome) {
  if (outcome.queued) return kExitUnreachable;
  return ExitCodeOf(outcome.status);
}

// Of a file: that a line waits in the outbox is said only when nothing worse befell another.
int ExitOfLine(const Outcome& outcome) {
  const int code = ExitOf(outcome);
  return code == kExitUnreachable && !outcome.queued ? kExitRefused : code;
}

bool Enrols(const Draft& draft) {
  const auto* body = FindBody(draft.event);
  return body != nullptr && body->name() == "patient_enrolled";
}

StatusOr<Draft> RecordCommand::FromArguments() const {
  Draft draft;
  draft.event = event;
  CUSTODY_RETURN_IF_ERROR(entry.Fill(signing, draft));
  CUSTODY_ASSIGN_OR_RETURN(draft.fields, FieldsFrom(command->remaining()));
  for (const std::string& field : set) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) return InvalidArgument("--set takes NAME=VALUE");
    draft.fields.emplace_back(field.substr(0, equals), field.substr(equals + 1));
  }
  // Beside an event, --file is its field of that name.
  if (!file.empty()) draft.fields.emplace_back("file", file);
  draft.logger_file = logger_file;
  draft.identifiers = identifiers;
  draft.identifiers_again = identifiers_again;
  draft.read_from = read_from;
  return draft;
}

// Finds the therapy that was named by a scan, and who signs where the line does not say.
Status RecordCommand::Complete(Desk& desk, Draft& draft, const std::string& last_enrolled) const {
  if (draft.signers.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(draft.signers, signing.Signers());
  }
  if (Enrols(draft)) return absl::OkStatus();
  if (draft.therapy.empty()) draft.therapy = entry.therapy.empty() ? last_enrolled : entry.therapy;
  if (draft.therapy.empty() || LooksLikeId(draft.therapy)) return absl::OkStatus();
  if (desk.known().Therapy(draft.therapy).ok()) return absl::OkStatus();
  CUSTODY_ASSIGN_OR_RETURN(draft.therapy, desk.Resolve(draft.therapy));
  return absl::OkStatus();
}

int RecordCommand::RecordFile(Desk& desk, Recorder& recorder) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return shell.Fail(InvalidArgument("cannot read " + file));
  }
  std::istream& lines = file == "-" ? shell.surroundings.in : opened;
  std::string last_enrolled;
  int first = kExitDone;  // of a line that is neither recorded nor kept
  bool waits = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos || line[0] == '#') continue;
    auto draft = Draft::ParseJson(line);
    // Whose the lines behind an enrolment are that failed, or behind what may have been one, nobody
    // knows.
    const bool enrols = !draft.ok() || Enrols(*draft);
    Status status = draft.status();
    if (status.ok()) status = Complete(desk, *draft, last_enrolled);
    if (enrols) last_enrolled.clear();
    if (status.ok() && !enrols && draft->therapy.empty()) {
      status = InvalidArgument(
          "whose is it? the line names no \"therapy\", and no enrolment before it was recorded");
    }
    if (!status.ok()) {
      const int code = shell.Fail(WithContext(status, "line " + std::to_string(number)));
      if (first == kExitDone) first = code == kExitUnreachable ? kExitRefused : code;
      if (!keep_going) return first;
      continue;
    }
    const Outcome outcome = recorder.Record(*std::move(draft));
    const int code = ExitOfLine(outcome);
    if (code == kExitDone || outcome.queued) {
      if (enrols) last_enrolled = std::string(TherapyOf(outcome.chain));
    } else if (first == kExitDone) {
      first = code;
    }
    if (code != kExitDone && !shell.json)
      shell.console.Say("  (line " + std::to_string(number) + ")");
    // What waits in the outbox does not keep the rest from waiting there too.
    waits = waits || outcome.queued;
    if (first != kExitDone && !keep_going) return first;
  }
  const int code = first == kExitDone && waits ? kExitUnreachable : first;
  if (!desk.online()) return code;
  const Status settled = desk.session().Settle();
  return settled.ok() ? code : shell.Fail(settled);
}

int RecordCommand::Run() {
  const bool many = event.empty();
  if (many && file.empty()) {
    return shell.Fail(InvalidArgument("which event? `describe` lists all; or give --file"));
  }
  if (many && !command->remaining().empty()) {
    return shell.Fail(InvalidArgument("fields do not go with --file: " + command->remaining()[0]));
  }
  if (many && !logger_file.empty()) {
    return shell.Fail(InvalidArgument("with --file, \"logger_file\" stands in the event's line"));
  }
  StatusOr<Draft> draft = many ? StatusOr<Draft>(Draft()) : FromArguments();
  if (!draft.ok()) return shell.Fail(draft.status());
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  Keyring keyring(**desk, signing.pins, /*remember=*/many);
  // Fields that are all given and passphrases read from files need no reservation.
  const bool by_hand = !many && signing.pins.empty() && shell.console.look().terminal;
  Recorder recorder(**desk, keyring, shell.console,
                    {.yes = signing.yes, .clinic = shell.program.clinic, .by_hand = by_hand});
  if ((*desk)->online()) {
    const OutboxReport before = SendOutbox(**desk, recorder, shell.console, nullptr);
    if (before.stuck > 0) {
      shell.console.Shout(Mood::kCareful, "NOT YET RECORDED",
                          std::to_string(before.stuck) +
                              " signed before stay in the outbox (`outbox` lists them): " +
                              Message(before.first_problem));
    }
  }
  if (many) return RecordFile(**desk, recorder);
  if (const Status status = Complete(**desk, *draft, ""); !status.ok()) return shell.Fail(status);
  return ExitOf(recorder.Record(*std::move(draft)));
}

}  // namespace

void AddRecordCommand(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<RecordCommand>(shell);
  CLI::App* command = app.add_subcommand("record", "record an event: its fields are options");
  work->command = command;
  // Unknown options are fields; they must not fall through to the program's own.
  command->allow_extras()->fallthrough(false);
  AddGlobals(*command, shell);
  command->add_option("EVENT", work->event, "the event, for example culture_check");
  command->add_option("--file", work->file, "events as JSON lines; - for standard input");
  command->add_option("--logger-file", work->logger_file,
                      "with telemetry_batch: read this file, sum it up and attach it");
  command->add_flag("--keep-going", work->keep_going, "with --file: go on after a refused event");
  command
      ->add_option("--set", work->set,
                   "NAME=VALUE, a field whose name is also an option here; `describe` says which")
      ->expected(1)
      ->take_all();
  if (shell.program.clinic) {
    command
        ->add_option("--identifier", work->identifiers,
                     "at an enrolment: TYPE:ISSUER:VALUE as the first person read it (name::... is "
                     "kept in the vault only)")
        ->expected(1)
        ->take_all();
    command
        ->add_option("--identifier-again", work->identifiers_again,
                     "the same, as the second person read it")
        ->expected(1)
        ->take_all();
    command->add_option("--read-from", work->read_from,
                        "patient (default), document, wristband or guardian");
  }
  work->entry.AddTo(*command);
  work->signing.AddTo(*command);
  command->footer(
      "Fields are options named as `describe EVENT` lists them. Examples:\n"
      "  record culture_check --therapy A9XK2... --as OP1:MFG --lot L1 --day 3 \\\n"
      "         --viability-percent 94 ...\n"
      "  record bedside_id_verified --therapy A9XK2... --as N1:RN --as N2:RN \\\n"
      "         --checks.0.wristband mrn:CLINIC-A:0012345 --checks.1.wristband ... \n"
      "  record thaw_started ... --grant 3f09...        uses an override\n"
      "  record telemetry_batch --logger-file LOG-7.csv --logger LOG-7 --shipper SHP-1 \\\n"
      "         --calibration-until 2027-01-31 --complete yes ...\n"
      "  record ld_dose ... --late \"entered after the shift\" --as A:RN --as B:RN \\\n"
      "         --performed-by N1:RN:\"Nina Example\" --at 2026-03-02T08:15:00Z\n"
      "  record --file events.jsonl --pins pins --yes   an event a line; one without \"therapy\"\n"
      "    is of the patient whom the last enrolment in the file enrolled. Ends with 3 when all\n"
      "    that is not recorded waits in the outbox. For example\n"
      "    {\"event\": \"culture_check\", \"therapy\": \"A9XK2...\", \"signers\": [\"OP1:MFG\"],\n"
      "     \"at\": \"2026-03-02T08:00:00Z\", \"fields\": {\"lot\": \"L1\", \"day\": 3, ...}}");
  command->callback([work, &shell] { shell.run = [work] { return work->Run(); }; });
}

}  // namespace custody
