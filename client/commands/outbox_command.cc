// outbox: what waits for the server, sending it, adopting or dropping what came too late.
#include <algorithm>

#include "client/commands/commands.h"
#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/outbox.h"
#include "custody/event.h"

namespace custody {
namespace {

struct OutboxCommand {
  explicit OutboxCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  SigningOptions signing;
  bool adopt = false;
  std::string reason;
  std::string item;

  int List();
  int Send();
  int Drop();
};

int OutboxCommand::List() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  const auto all = ReadOutbox(**desk);
  if (!all.ok()) return shell.Fail(all.status());
  std::vector<std::vector<std::string>> rows;
  nlohmann::json list = nlohmann::json::array();
  for (const Waiting& waiting : *all) {
    if (!waiting.unreadable.ok()) {
      rows.push_back({waiting.name, "?", "DAMAGED: cannot be read", "?", "?"});
      list.push_back({{"item", waiting.name}, {"damaged", Message(waiting.unreadable)}});
      continue;
    }
    std::string signers;
    for (const pb::Signer& signer : waiting.event.signers()) {
      signers += (signers.empty() ? "" : ", ") + signer.printed_name();
    }
    const std::string at = FormatLocal(FromProto(waiting.event.occurred_at()), (*desk)->zone());
    rows.push_back({waiting.name,
                    waiting.event.chain() + " #" + std::to_string(waiting.event.sequence()),
                    BodyRule(waiting.event).label(), at, signers});
    list.push_back({{"item", waiting.name},
                    {"chain", waiting.event.chain()},
                    {"sequence", waiting.event.sequence()},
                    {"event", std::string(BodyName(waiting.event))},
                    {"event_id", waiting.event_id}});
  }
  shell.console.Emit({{"outbox", list}});
  if (rows.empty()) {
    shell.console.Say("the outbox is empty: everything signed here is recorded", Mood::kGood);
    return kExitDone;
  }
  shell.console.Shout(Mood::kCareful, "NOT YET RECORDED",
                      std::to_string(rows.size()) + " waiting:");
  shell.console.Table({"Item", "Place", "What", "When", "Signed by"}, rows);
  for (const Waiting& waiting : *all) {
    if (!waiting.unreadable.ok()) shell.console.Complain(waiting.unreadable);
  }
  return kExitDone;
}

int OutboxCommand::Send() {
  AdoptBy by;
  const auto signers = signing.Signers();
  if (!signers.ok()) return shell.Fail(signers.status());
  by.signers = *signers;
  by.reason = reason;
  if (adopt && (by.signers.empty() || reason.empty())) {
    return shell.Fail(
        InvalidArgument("--adopt needs --as PERSON:ROLE (who enters it) and --reason"));
  }
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  Keyring keyring(**desk, signing.pins, /*remember=*/true);
  Recorder recorder(**desk, keyring, shell.console,
                    {.yes = signing.yes, .clinic = shell.program.clinic});
  OutboxReport report = SendOutbox(**desk, recorder, shell.console, adopt ? &by : nullptr);
  if ((*desk)->online() && report.first_problem.ok()) {
    report.first_problem = (*desk)->session().Settle();
  }
  shell.console.Emit({{"sent", report.sent},
                      {"adopted", report.adopted},
                      {"waiting", report.waiting},
                      {"stuck", report.stuck}});
  shell.console.Say(std::to_string(report.sent) + " sent, " + std::to_string(report.adopted) +
                    " adopted, " + std::to_string(report.waiting) + " waiting, " +
                    std::to_string(report.stuck) + " stuck");
  if (report.first_problem.ok()) return kExitDone;
  return shell.Fail(report.first_problem);
}

int OutboxCommand::Drop() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  const auto all = ReadOutbox(**desk);
  if (!all.ok()) return shell.Fail(all.status());
  const auto found =
      std::ranges::find_if(*all, [this](const Waiting& waiting) { return waiting.name == item; });
  if (found == all->end()) {
    return shell.Fail(NotFound("nothing in the outbox is called " + item + "; `outbox` lists it"));
  }
  const bool damaged = !found->unreadable.ok();
  if (!damaged) shell.console.Say(RenderEvent(found->event, (*desk)->zone()));
  const bool sure =
      signing.yes ||
      (shell.console.look().terminal &&
       shell.console.Confirm(damaged ? "It cannot be read. Was the step not done, or entered anew?"
                                     : "This was NOT done, and is thrown away?"));
  if (!sure)
    return shell.Fail(InvalidArgument("nothing was thrown away; give --yes if it was not done"));
  if (damaged) {
    const auto kept = (*desk)->folder().SetAside(found->item);
    if (!kept.ok()) return shell.Fail(kept.status());
    shell.console.Say("no longer waiting; the damaged file is kept as " + kept->string());
    shell.console.Emit({{"dropped", item}, {"kept", kept->string()}});
    return kExitDone;
  }
  const Status gone = (*desk)->folder().Dequeue(found->item, found->signed_event);
  if (!gone.ok()) return shell.Fail(gone);
  shell.console.Say("thrown away; it was never recorded");
  shell.console.Emit({{"dropped", item}});
  return kExitDone;
}

}  // namespace

void AddOutboxCommand(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<OutboxCommand>(shell);
  CLI::App* outbox = app.add_subcommand("outbox", "what was signed and is not yet recorded");
  outbox->require_subcommand(0, 1);
  CLI::App* list = outbox->add_subcommand("list", "what waits, oldest first");
  CLI::App* send = outbox->add_subcommand("send", "hand it in, in order");
  send->add_flag("--adopt", work->adopt,
                 "carry what came too late, though it was done, by events of their own");
  send->add_option("--reason", work->reason, "why it is adopted");
  work->signing.AddTo(*send);
  CLI::App* drop = outbox->add_subcommand("drop", "throw away an event whose step was not done");
  drop->add_option("ITEM", work->item, "as `outbox list` names it")->required();
  drop->add_flag("--yes", work->signing.yes, "without asking");
  outbox->footer(
      "Examples: outbox     outbox send     outbox send --adopt --as N1:RN --reason \"network was "
      "down\"");
  outbox->callback([work, &shell, send, drop] {
    shell.run = [work, send, drop] {
      if (send->parsed()) return work->Send();
      return drop->parsed() ? work->Drop() : work->List();
    };
  });
  list->footer("Example: outbox list");
  send->footer(
      "Examples: outbox send\n"
      "          outbox send --adopt --as RN-ADLER:RN --reason \"the network was down\"\n"
      "What was signed for a place of the chain that others took meanwhile stays, until it is "
      "adopted\n"
      "(it was done) or dropped (it was not).");
  drop->footer("Example: outbox drop 00000003     (never recorded, and gone for good)");
}

}  // namespace custody
