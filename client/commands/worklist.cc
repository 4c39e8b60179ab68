// worklist: what is due, of all therapies, soonest first.
#include <algorithm>
#include <optional>

#include "client/commands/commands.h"
#include "client/draft.h"
#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/local_time.h"
#include "client/recall_words.h"
#include "client/therapy_words.h"
#include "crypto/utf8.h"

namespace custody {
namespace {

struct WorklistCommand {
  explicit WorklistCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  std::string role;
  std::string site;
  std::uint32_t days = 14;
  std::string as_of;
  bool all = false;

  int Run();
  StatusOr<pb::WorklistRequest> Request(const Desk& desk) const;
};

struct Task {
  const pb::WorklistEntry* entry = nullptr;
  const pb::NextStep* step = nullptr;
  std::int64_t when = 0;
};

// Why a step cannot be done: in a table its first reason, and how many more.
std::string WhyNot(const pb::NextStep& step) {
  if (!step.blocked() || step.reasons().empty()) return step.blocked() ? "blocked" : "";
  const pb::Reason& first = step.reasons(0);
  std::string text = first.rule() + ": needs " + first.expected() + ", found " + first.found();
  const int more = step.reasons_size() - 1;
  return more > 0 ? text + " (and " + std::to_string(more) + " more: `why`)" : text;
}

StatusOr<pb::WorklistRequest> WorklistCommand::Request(const Desk& desk) const {
  pb::WorklistRequest request;
  if (!role.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::Role wanted, ParseRole(role));
    request.set_role(wanted);
  }
  if (!as_of.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(const Instant then, ParseTime(as_of, desk.zone(), desk.Now()));
    *request.mutable_as_of() = ToProto(then);
  }
  request.set_site(site);
  request.set_days(days);
  request.set_undated(all);
  return request;
}

int WorklistCommand::Run() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  if (const Status status = (*desk)->Reachable(); !status.ok()) return shell.Fail(status);
  const auto request = Request(**desk);
  if (!request.ok()) return shell.Fail(request.status());
  std::uint32_t looked_at = 0;
  Status whole;
  const auto entries = WorklistAll((*desk)->session(), *request, looked_at, whole);
  if (!entries.ok()) return shell.Fail(entries.status());
  const std::int64_t now =
      request->has_as_of() ? FromProto(request->as_of()).micros : (*desk)->Now().micros;
  std::vector<Task> tasks;
  nlohmann::json list = nlohmann::json::array();
  for (const pb::WorklistEntry& entry : *entries) {
    list.push_back(ToJson(entry));
    for (const std::string& alert : entry.alerts()) {
      shell.console.Say("ALERT " + Plain(entry.therapy() + "  " + alert), Mood::kCareful);
    }
    for (const pb::NextStep& step : entry.steps()) {
      tasks.push_back({&entry, &step, DueAt(step)});
    }
  }
  std::ranges::stable_sort(tasks, {}, &Task::when);
  Rows rows;
  for (const Task& task : tasks) {
    const std::string subject = task.step->subject().empty() ? "" : " " + task.step->subject();
    rows.push_back({DueWords(*task.step, task.entry->zone(), now), task.step->label() + subject,
                    RoleNames(task.step->roles()), task.entry->therapy(), task.entry->coi(),
                    task.entry->treating_site(), WhyNot(*task.step)});
  }
  shell.console.Emit({{"looked_at", looked_at}, {"entries", list}});
  shell.console.Table({"When", "What", "Who", "Therapy", "CoI", "Treats", "Blocked"}, rows);
  shell.console.Say(std::to_string(rows.size()) + " task(s) in " + std::to_string(looked_at) +
                    " therapies");
  if (!whole.ok()) return shell.Fail(whole);
  return kExitDone;
}

}  // namespace

void AddWorklistCommand(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<WorklistCommand>(shell);
  CLI::App* command =
      app.add_subcommand("worklist", "what is due and overdue, of all therapies, soonest first");
  command->add_option("--role", work->role, "only what this role signs, for example COORD");
  command->add_option("--site", work->site, "only therapies of this site");
  command->add_option("--days", work->days, "due or open within so many days (default: 14)")
      ->check(CLI::Range(1, 6000));
  command->add_option("--as-of", work->as_of, "as it was, or will be, at this time");
  command->add_flag("--all", work->all, "also what may come next and is due at no time");
  command->footer(
      "Examples: worklist --role COORD     worklist --days 400     worklist --as-of 2027-03-01\n"
      "Times are those of the site that treats. Visits to the fifteenth year are in it.");
  command->callback([work, &shell] { shell.run = [work] { return work->Run(); }; });
}

}  // namespace custody
