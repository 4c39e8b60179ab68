// next ID, why ID EVENT, show ID: one therapy, what is to be done and what was; and, when it is
// asked for by name, whose it is.
#include <algorithm>

#include "client/commands/commands.h"
#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/therapy_words.h"
#include "crypto/sealing.h"
#include "crypto/utf8.h"
#include "custody/chain.h"
#include "custody/event.h"

namespace custody {
namespace {

struct LookCommand {
  explicit LookCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  CLI::App* command = nullptr;
  std::string therapy;
  std::string event;
  std::string sequence;
  bool name = false;
  std::string role;
  std::string reason;
  EntryOptions entry;
  SigningOptions signing;

  int Next();
  int Why();
  int Show();
  int NotNext(const std::string& id, const google::protobuf::FieldDescriptor& body,
              const std::vector<pb::NextStep>& steps);
  int ShowEvents(Desk& desk, const std::string& id);
  int ShowName(Desk& desk, const std::string& id);
};

int LookCommand::Next() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  const auto id = (*desk)->Resolve(therapy);
  if (!id.ok()) return shell.Fail(id.status());
  const auto steps = (*desk)->Next(*id);
  if (!steps.ok()) return shell.Fail(steps.status());
  nlohmann::json list = nlohmann::json::array();
  for (const pb::NextStep& step : *steps) list.push_back(ToJson(step));
  const auto state = (*desk)->Therapy(*id);
  if (!state.ok()) return shell.Fail(state.status());
  const std::vector<std::string> alerts = AlertLines(state->state(), **desk);
  shell.console.Emit({{"therapy", *id}, {"steps", list}, {"alerts", alerts}});
  for (const std::string& alert : alerts) shell.console.Say("ALERT " + alert, Mood::kCareful);
  shell.console.Table({"Step", "For", "Who", "Due", "Now"}, StepRows(*steps, **desk));
  for (const std::string& line : HelpLines(*steps)) shell.console.Say("  " + line);
  for (const pb::NextStep& step : *steps) {
    if (!step.blocked()) continue;
    shell.console.Say(
        "\n" + Plain(step.label() + (step.subject().empty() ? "" : " " + step.subject())) +
            " is blocked:",
        Mood::kCareful);
    std::vector<pb::Reason> reasons(step.reasons().begin(), step.reasons().end());
    shell.console.Say(RenderReasons(reasons, "  "));
  }
  return kExitDone;
}

// Without fields the next steps say it; with fields the rules judge the very event.
int LookCommand::Why() {
  const auto* body = FindBody(event);
  if (body == nullptr) {
    return shell.Fail(InvalidArgument("there is no event \"" + event + "\"; `describe` lists all"));
  }
  auto fields = FieldsFrom(command->remaining());
  if (!fields.ok()) return shell.Fail(fields.status());
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  const auto id = (*desk)->Resolve(therapy);
  if (!id.ok()) return shell.Fail(id.status());
  pb::Verdict verdict;
  bool judged = false;
  if (fields->empty()) {
    const auto steps = (*desk)->Next(*id);
    if (!steps.ok()) return shell.Fail(steps.status());
    for (const pb::NextStep& step : *steps) {
      if (step.body() != body->name()) continue;
      judged = true;
      verdict.set_refused(verdict.refused() || step.blocked());
      verdict.mutable_reasons()->MergeFrom(step.reasons());
    }
    if (!judged && signing.as.empty()) return NotNext(*id, *body, *steps);
  }
  if (!judged) {
    Draft draft;
    draft.event = event;
    if (const Status status = entry.Fill(signing, draft); !status.ok()) return shell.Fail(status);
    draft.therapy = *id;
    draft.fields = *std::move(fields);
    Keyring keyring(**desk, signing.pins, false);
    Recorder recorder(**desk, keyring, shell.console,
                      {.yes = true, .clinic = shell.program.clinic});
    auto considered = recorder.Consider(std::move(draft));
    if (!considered.ok()) {
      return shell.Fail(WithContext(considered.status(),
                                    "this is no next step, and cannot be judged as it stands (give "
                                    "--as and the fields it needs)"));
    }
    verdict = *std::move(considered);
  }
  shell.console.Emit({{"therapy", *id}, {"event", body->name()}, {"verdict", ToJson(verdict)}});
  const std::string label = RuleOfBody(*body).label();
  if (verdict.refused()) {
    shell.console.Shout(Mood::kBad, "STOP", label + " is not permitted now:");
  } else {
    shell.console.Shout(Mood::kGood, "PASS", label + " may be done now");
  }
  if (verdict.reasons_size() > 0) shell.console.Say(RenderVerdict(verdict));
  return verdict.refused() ? kExitRefused : kExitDone;
}

int LookCommand::ShowEvents(Desk& desk, const std::string& id) {
  if (const Status status = desk.Reachable(); !status.ok()) {
    return shell.Fail(WithContext(status, "events are listed only while the server is there"));
  }
  const auto entries = desk.session().ReadChain(TherapyChain(id));
  if (!entries.ok()) return shell.Fail(entries.status());
  std::vector<std::vector<std::string>> rows;
  for (const pb::EntryReply& reply : *entries) {
    pb::Event one;
    if (!reply.has_signed_() || !one.ParseFromString(reply.signed_().payload())) {
      rows.push_back({"", "", "withheld from this station", "", ""});
      continue;
    }
    if (std::to_string(one.sequence()) == sequence) {
      shell.console.Emit({{"therapy", id}, {"index", reply.index()}, {"event", ToJson(one)}});
      shell.console.Say(RenderEvent(one, desk.zone()));
      return kExitDone;
    }
    rows.push_back(EventRow(one, desk.zone()));
  }
  if (!sequence.empty()) return shell.Fail(NotFound("there is no event #" + sequence));
  shell.console.Say("\nEvents");
  shell.console.Table({"#", "When", "What", "Signed by", "Entered"}, rows);
  return kExitDone;
}

// Whether the patient may be named here, and in which role without a reason, is the server's to
// say: it notes every such look before it answers. Nothing of the answer is kept.
int LookCommand::ShowName(Desk& desk, const std::string& id) {
  const auto asks_as = ParseRole(role);
  if (!asks_as.ok()) return shell.Fail(asks_as.status());
  if (const Status status = desk.Reachable(); !status.ok()) {
    return shell.Fail(WithContext(status, "a patient is named only while the server is there"));
  }
  pb::GetSubjectRequest request;
  request.set_therapy(id);
  request.set_with_clear_text(true);
  request.set_role(*asks_as);
  request.set_reason(reason);
  auto subject = desk.session().GetSubject(request);
  if (!subject.ok()) {
    return shell.Fail(reason.empty() && subject.status().code() == StatusCode::kPermissionDenied
                          ? WithContext(subject.status(), "no name is shown (--reason TEXT)")
                          : subject.status());
  }
  std::vector<std::vector<std::string>> rows;
  nlohmann::json list = nlohmann::json::array();
  for (const pb::SubjectIdentifier& one : subject->identifiers()) {
    rows.push_back({one.type(), one.issuer(), one.value()});
    list.push_back({{"type", one.type()}, {"issuer", one.issuer()}, {"value", one.value()}});
  }
  shell.console.Emit({{"therapy", id}, {"identifiers", list}});
  shell.console.Say("Patient of therapy " + id);
  shell.console.Table({"What", "Issued by", "Value"}, rows);
  if (rows.empty()) shell.console.Say("  the vault holds no identifiers of this patient");
  shell.console.Say("  That it was read here, and as " + pb::Role_Name(*asks_as) +
                    (reason.empty() ? ", is noted." : ", is noted with the reason, and reviewed."));
  Cleanse(*subject->mutable_secret());
  for (pb::SubjectIdentifier& one : *subject->mutable_identifiers()) Cleanse(*one.mutable_value());
  return kExitDone;
}

// What is no next step is answered by what comes before it.
int LookCommand::NotNext(const std::string& id, const google::protobuf::FieldDescriptor& body,
                         const std::vector<pb::NextStep>& steps) {
  std::string next;
  nlohmann::json list = nlohmann::json::array();
  for (const pb::NextStep& step : steps) {
    next += (next.empty() ? "" : ", ") + step.label();
    list.push_back(step.body());
  }
  shell.console.Emit({{"therapy", id}, {"event", body.name()}, {"next", list}});
  shell.console.Shout(Mood::kBad, "STOP",
                      RuleOfBody(body).label() +
                          " is no next step now; next: " + (next.empty() ? "nothing" : next));
  shell.console.Say(
      "  To have the rules judge it all the same, give --as PERSON:ROLE and its fields.");
  return kExitRefused;
}

int LookCommand::Show() {
  if (name != !role.empty() || (!name && !reason.empty())) {
    return shell.Fail(InvalidArgument(
        "a patient is named to a role: --name --role ROLE, and --reason TEXT where that role does "
        "not see names"));
  }
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  const auto id = (*desk)->Resolve(therapy);
  if (!id.ok()) return shell.Fail(id.status());
  if (name) return ShowName(**desk, *id);
  if (!sequence.empty()) return ShowEvents(**desk, *id);
  const auto state = (*desk)->Therapy(*id);
  if (!state.ok()) return shell.Fail(state.status());
  shell.console.Emit(
      {{"therapy", *id}, {"length", state->length()}, {"state", ToJson(state->state())}});
  shell.console.Say(RenderTherapy(state->state(), **desk));
  const auto containers = ContainerRows(state->state(), **desk);
  if (!containers.empty()) {
    shell.console.Say("\nContainers");
    shell.console.Table({"Container", "Kind", "State", "Place", "Lot", "Expires"}, containers);
  }
  if (!(*desk)->online() || shell.json) return kExitDone;
  return ShowEvents(**desk, *id);
}

}  // namespace

void AddLookCommands(CLI::App& app, Shell& shell) {
  auto next = std::make_shared<LookCommand>(shell);
  CLI::App* command = app.add_subcommand("next", "what may come next, and what blocks it");
  command->add_option("ID", next->therapy, "therapy, or anything scanned of it")->required();
  command->footer("Example: next A9XK2...     next '&/CHA999926000001'");
  command->callback([next, &shell] { shell.run = [next] { return next->Next(); }; });

  auto why = std::make_shared<LookCommand>(shell);
  command = app.add_subcommand("why", "every reason for and against a step");
  why->command = command;
  command->allow_extras()->fallthrough(false);
  AddGlobals(*command, shell);
  command->add_option("ID", why->therapy, "therapy, or anything scanned of it")->required();
  command->add_option("EVENT", why->event, "the step")->required();
  why->entry.AddTo(*command);
  why->signing.AddTo(*command);
  command->footer(
      "Example: why A9XK2... ld_started\n"
      "With fields (and --as) the very event is judged: why A9XK2... infusion_started --as N1:RN "
      "--container BAG1 ...\nNothing is recorded.");
  command->callback([why, &shell] { shell.run = [why] { return why->Why(); }; });

  auto show = std::make_shared<LookCommand>(shell);
  command = app.add_subcommand("show", "a therapy: where it is, what is open, what was recorded");
  command->add_option("ID", show->therapy, "therapy, or anything scanned of it")->required();
  command->add_option("--event", show->sequence, "one event in full, by its number in the chain");
  command->add_flag("--name", show->name, "who the patient is, in clear, out of the vault");
  command->add_option("--role", show->role, "with --name: the role in which it is needed");
  command->add_option("--reason", show->reason,
                      "with --name: why, where the role does not see names (break-glass)");
  command->footer(
      "Examples: show A9XK2...     show A9XK2... --event 12\n"
      "          show A9XK2... --name --role RN\n"
      "          show A9XK2... --name --role AUDITOR --reason \"complaint 2026-17\"\n"
      "Clinical roles of the therapy's own site see the name, and the manufacturer's for receipt "
      "and\n"
      "release (WH, QA, QP); whoever else needs it says why. Every look is noted before it is "
      "answered.");
  command->callback([show, &shell] { shell.run = [show] { return show->Show(); }; });
}

}  // namespace custody
