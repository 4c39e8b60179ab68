// record-many EVENT: one act on everything in a storage unit, or in a list of therapies.
#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include "client/commands/commands.h"
#include "client/commands/many.h"
#include "client/exit_code.h"
#include "client/field_values.h"
#include "client/local_time.h"
#include "client/outbox.h"
#include "client/recall_words.h"
#include "crypto/utf8.h"
#include "custody/event.h"
#include "custody/time.h"

namespace custody {
namespace {

struct RecordManyCommand {
  explicit RecordManyCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  CLI::App* command = nullptr;
  std::string event;
  std::string unit;
  std::string lay_at;
  std::vector<std::string> therapies;
  std::string positions;
  EntryOptions entry;
  SigningOptions signing;

  int Run();
  StatusOr<std::vector<Draft>> Drafts(Desk& desk, std::vector<ManyLine>& lines);
};

// What was scanned where: a container and its new position on each line.
StatusOr<std::map<std::string, std::string>> ReadPositions(const std::string& file) {
  std::map<std::string, std::string> read;
  if (file.empty()) return read;
  std::ifstream in(file);
  if (!in) return InvalidArgument("cannot read " + file);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    const std::size_t end = line.find_first_of(" \t,;", begin);
    const std::size_t place = end == std::string::npos ? end : line.find_first_not_of(" \t,;", end);
    if (place == std::string::npos) {
      return InvalidArgument(file + ", line " + std::to_string(number) +
                             ": expected a container and its new position");
    }
    const std::size_t last = line.find_last_not_of(" \t\r");
    CUSTODY_ASSIGN_OR_RETURN(
        const std::string id,
        NormaliseScan(pb::SCAN_CONTAINER, std::string_view(line).substr(begin, end - begin)));
    const std::string position = line.substr(place, last - place + 1);
    const auto [known, fresh] = read.emplace(id, position);
    if (!fresh && known->second != position) {
      return InvalidArgument(file + ", line " + std::to_string(number) + ": " + id +
                             " was scanned at " + known->second + " and at " + position +
                             "; look where it lies, and scan it again");
    }
  }
  return read;
}

// Puts the containers of one therapy into the fields; false when there is nothing to record.
bool AddContainers(const std::vector<std::string>& ids,
                   const std::map<std::string, std::string>& scanned, bool by_position,
                   Draft& draft, std::vector<ManyLine>& lines) {
  int number = 0;
  for (const std::string& id : ids) {
    const auto position = scanned.find(id);
    if (by_position && position == scanned.end()) {
      lines.push_back({draft.therapy, false, id + " was not scanned: not recorded"});
      continue;
    }
    const std::string place = "containers." + std::to_string(number++);
    if (by_position) {
      draft.fields.emplace_back(place + ".container", id);
      draft.fields.emplace_back(place + ".position", position->second);
    } else {
      draft.fields.emplace_back("containers", id);
    }
  }
  return number > 0;
}

StatusOr<std::vector<Draft>> RecordManyCommand::Drafts(Desk& desk, std::vector<ManyLine>& lines) {
  Draft common;
  common.event = event;
  CUSTODY_RETURN_IF_ERROR(entry.Fill(signing, common));
  CUSTODY_ASSIGN_OR_RETURN(common.fields, FieldsFrom(command->remaining()));
  std::vector<Draft> drafts;
  for (const std::string& text : therapies) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string id, desk.Resolve(text));
    drafts.push_back(common);
    drafts.back().therapy = id;
  }
  if (unit.empty()) {
    if (!positions.empty() || !lay_at.empty()) {
      return InvalidArgument("--positions and --lay-at go with --unit");
    }
    return drafts;
  }
  const auto* body = FindBody(event);
  const auto* field =
      body == nullptr ? nullptr : body->message_type()->FindFieldByName("containers");
  if (field == nullptr || !field->is_repeated()) {
    return InvalidArgument("--unit goes with events of containers, and \"" + event +
                           "\" is none; name the therapies by --therapies");
  }
  const bool by_position = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
  if (by_position && positions.empty()) {
    return InvalidArgument(
        "where does each container lie now? give --positions FILE, a container "
        "and its new position a line, as scanned");
  }
  CUSTODY_ASSIGN_OR_RETURN(auto scanned, ReadPositions(positions));
  CUSTODY_ASSIGN_OR_RETURN(const pb::InventoryRequest request, UnitRequest(desk, unit, lay_at, ""));
  Status whole;
  CUSTODY_ASSIGN_OR_RETURN(const auto lying, InventoryAll(desk.session(), request, whole));
  if (!whole.ok()) lines.push_back({"", false, Message(whole)});
  const bool names_unit = body->message_type()->FindFieldByName("storage_unit") != nullptr;
  for (const pb::TracedTherapy& therapy : lying) {
    Draft draft = common;
    draft.therapy = therapy.therapy();
    std::vector<std::string> ids;
    for (const pb::TracedContainer& one : therapy.containers()) ids.push_back(one.container());
    const bool any = AddContainers(ids, scanned, by_position, draft, lines);
    for (const std::string& id : ids) scanned.erase(id);
    if (names_unit) draft.fields.emplace_back("storage_unit", unit);
    if (any || !by_position) drafts.push_back(std::move(draft));
  }
  for (const auto& [id, position] : scanned) {
    lines.push_back({"", false,
                     id + " was scanned at " + position + " and did not lie in " + unit +
                         " as far as this station may see"});
  }
  return drafts;
}

int RecordManyCommand::Run() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  if (const Status status = (*desk)->Reachable(); !status.ok()) return shell.Fail(status);
  if (!entry.therapy.empty()) therapies.push_back(std::exchange(entry.therapy, ""));
  if (unit.empty() && therapies.empty()) {
    return shell.Fail(InvalidArgument("of which therapies? give --unit or --therapies"));
  }
  std::vector<ManyLine> lines;
  auto drafts = Drafts(**desk, lines);
  if (!drafts.ok()) return shell.Fail(drafts.status());
  return RecordDrafts(shell, **desk, signing, *std::move(drafts), std::move(lines));
}

}  // namespace

StatusOr<pb::InventoryRequest> UnitRequest(const Desk& desk, std::string_view unit,
                                           std::string_view at, std::string_view until) {
  pb::InventoryRequest request;
  request.set_unit(std::string(unit));
  if (!at.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(const Instant then, ParseTime(at, desk.zone(), desk.Now()));
    *request.mutable_at() = ToProto(then);
  }
  if (!until.empty()) {
    if (at.empty()) return InvalidArgument("--until goes with --at");
    CUSTODY_ASSIGN_OR_RETURN(const Instant end, ParseTime(until, desk.zone(), desk.Now()));
    *request.mutable_until() = ToProto(end);
  }
  return request;
}

namespace {

// What is about to be signed: the list is the server's, and who signs answers for it.
void ShowDrafts(Shell& shell, const std::vector<Draft>& drafts) {
  Rows rows;
  for (const Draft& draft : drafts) {
    std::string containers;
    for (const auto& [path, value] : draft.fields) {
      const bool item = path == "containers" || path == "container" ||
                        (path.starts_with("containers.") && path.ends_with(".container"));
      const bool place = path.starts_with("containers.") && path.ends_with(".position");
      if (item) containers += (containers.empty() ? "" : ", ") + value;
      if (place) containers += " to " + value;
    }
    rows.push_back({draft.therapy, draft.event, containers});
  }
  if (!rows.empty()) shell.console.Table({"Therapy", "To be signed", "Containers"}, rows);
}

}  // namespace

int RecordDrafts(Shell& shell, Desk& desk, const SigningOptions& signing, std::vector<Draft> drafts,
                 std::vector<ManyLine> lines) {
  const auto signers = signing.Signers();
  if (!signers.ok()) return shell.Fail(signers.status());
  ShowDrafts(shell, drafts);
  const bool ask = shell.console.look().terminal && !signing.yes && !drafts.empty();
  if (ask &&
      !shell.console.Confirm("Sign this for " + std::to_string(drafts.size()) + " therapies?")) {
    return shell.Fail(absl::CancelledError("nothing was signed, nothing was recorded"));
  }
  // One passphrase each, for all of it.
  Keyring keyring(desk, signing.pins, /*remember=*/true);
  Recorder recorder(desk, keyring, shell.console, {.yes = true, .clinic = shell.program.clinic});
  int worst = kExitDone;
  std::size_t recorded = 0;
  for (Draft& draft : drafts) {
    if (draft.signers.empty()) draft.signers = *signers;
    const std::string therapy = draft.therapy;
    const Outcome outcome = recorder.Record(std::move(draft));
    const int code = outcome.queued ? kExitUnreachable : ExitCodeOf(outcome.status);
    worst = std::max(worst, code);
    recorded += code == kExitDone ? 1U : 0U;
    lines.push_back({therapy, code == kExitDone,
                     code == kExitDone ? "recorded"
                     : outcome.queued
                         ? "not yet recorded, in the outbox: " + Message(outcome.status)
                         : "NOT RECORDED: " + Message(outcome.status)});
  }
  const Status settled = desk.online() ? desk.session().Settle() : Status();
  Rows rows;
  nlohmann::json list = nlohmann::json::array();
  for (const ManyLine& line : lines) {
    if (!line.done) worst = std::max<int>(worst, kExitRefused);
    rows.push_back({line.therapy, line.what});
    list.push_back({{"therapy", line.therapy}, {"done", line.done}, {"what", line.what}});
  }
  shell.console.Emit({{"recorded", recorded}, {"lines", list}});
  shell.console.Table({"Therapy", "Outcome"}, rows);
  shell.console.Say(std::to_string(recorded) + " recorded");
  return settled.ok() ? worst : std::max(worst, shell.Fail(settled));
}

void AddRecordManyCommand(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<RecordManyCommand>(shell);
  CLI::App* command = app.add_subcommand(
      "record-many", "one act for all that lies in a unit, or for a list of therapies");
  work->command = command;
  command->allow_extras()->fallthrough(false);
  AddGlobals(*command, shell);
  command->add_option("EVENT", work->event, "the event, for example storage_excursion")->required();
  command->add_option("--unit", work->unit,
                      "of every therapy with containers in this storage unit");
  command->add_option("--lay-at", work->lay_at, "of what lay in it then (default: now)");
  command->add_option("--therapies", work->therapies, "of these therapies");
  command->add_option("--positions", work->positions,
                      "where each container was scanned: a container and its position a line");
  work->entry.AddTo(*command);
  work->signing.AddTo(*command);
  command->footer(
      "What is to be signed is listed first: therapies and containers. Signed once, one event in "
      "each therapy; what was not recorded is listed, and why. "
      "Examples:\n"
      "  record-many storage_excursion --unit LN2-04 --as WH1:WH --from -40min \\\n"
      "         --max-temperature-centi-c '-118 Cel' --moved-away yes\n"
      "  record-many moved --unit LN2-04 --positions scans.txt --to-unit LN2-07 --as WH1:WH \\\n"
      "         --moved-at now --reason \"tank evacuation\" --tank-evacuation yes");
  command->callback([work, &shell] { shell.run = [work] { return work->Run(); }; });
}

}  // namespace custody
