// board, inventory and watch: all therapies at a glance.
#include <algorithm>
#include <limits>
#include <map>

#include "client/commands/commands.h"
#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/recall_words.h"
#include "client/right_time.h"
#include "client/therapy_words.h"
#include "crypto/utf8.h"
#include "custody/event.h"
#include "custody/therapy.h"

namespace custody {
namespace {

using Due = std::map<std::string, pb::NextStep>;  // the soonest, by therapy

struct BoardCommand {
  explicit BoardCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  std::string place;
  std::vector<std::string> therapies;
  std::uint64_t count = 0;

  int Board();
  int Inventory();
  int Watch();
};

std::size_t Open(const pb::TherapyState& state) {
  std::size_t open = 0;
  for (const auto& deviation : state.deviations()) open += deviation.open() ? 1U : 0U;
  return open;
}

std::string Attention(const pb::TherapyState& state, const Desk& desk) {
  std::vector<std::string> lines = Warnings(state, desk.zone());
  for (const std::string& alert : AlertLines(state, desk)) lines.push_back("ALERT " + alert);
  for (const pb::Shipment& shipment : state.shipments()) {
    if (shipment.open()) lines.push_back("in transit: " + shipment.shipper());
  }
  if (state.offers_size() > 0) {
    lines.push_back(std::to_string(state.offers_size()) + " open offer(s)");
  }
  const bool counts = CountsTime(desk);
  if (!counts && state.timers_size() > 0) lines.push_back("clocks stopped (R03)");
  for (const pb::Timer& timer : state.timers()) {
    if (state.patient_died()) break;
    if (counts && timer.due_us() < desk.Now().micros) lines.push_back("overdue: " + timer.name());
  }
  if (const std::size_t open = Open(state); open > 0) {
    lines.push_back(std::to_string(open) + " open deviation(s)");
  }
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

// What is due of each therapy, soonest first. The server says it, as `worklist --all` does, so that
// the two never disagree; offline it is reckoned from what was last seen.
StatusOr<Due> DueOf(Desk& desk, const std::vector<pb::GetTherapyReply>& therapies, Status& whole) {
  Due due;
  if (desk.online()) {
    pb::WorklistRequest request;
    request.set_undated(true);
    std::uint32_t looked_at = 0;
    CUSTODY_ASSIGN_OR_RETURN(std::vector<pb::WorklistEntry> entries,
                             WorklistAll(desk.session(), request, looked_at, whole));
    for (pb::WorklistEntry& entry : entries) {
      if (entry.steps_size() > 0) due[entry.therapy()] = std::move(*entry.mutable_steps(0));
    }
    return due;
  }
  for (const pb::GetTherapyReply& therapy : therapies) {
    std::vector<pb::NextStep> steps = NextStepsOf(therapy.state(), desk.registry(), desk.Now());
    const auto first = std::ranges::min_element(steps, {}, DueAt);
    if (first != steps.end()) due[therapy.state().therapy()] = std::move(*first);
  }
  return due;
}

int BoardCommand::Board() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  Status whole;
  auto all = (*desk)->Therapies(whole);
  if (!all.ok()) return shell.Fail(all.status());
  Status due_whole;
  const auto due = DueOf(**desk, *all, due_whole);
  if (!due.ok()) return shell.Fail(due.status());
  const auto next_of = [&](const pb::GetTherapyReply& therapy) {
    const auto found = due->find(therapy.state().therapy());
    return found == due->end() ? nullptr : &found->second;
  };
  std::ranges::stable_sort(*all, {}, [&](const pb::GetTherapyReply& therapy) {
    const pb::NextStep* next = next_of(therapy);
    return next == nullptr ? std::numeric_limits<std::int64_t>::max() : DueAt(*next);
  });
  Rows rows;
  nlohmann::json list = nlohmann::json::array();
  for (const pb::GetTherapyReply& therapy : *all) {
    const pb::TherapyState& state = therapy.state();
    const pb::NextStep* next = next_of(therapy);
    std::string what = next == nullptr ? "" : next->label();
    if (next != nullptr && (next->due_us() != 0 || next->opens_us() != 0)) {
      const std::string zone = state.zone().empty() ? (*desk)->zone() : state.zone();
      what += " " + DueWords(*next, zone, (*desk)->Now().micros);
    }
    const std::string attention = Attention(state, **desk);
    rows.push_back({state.therapy(), state.coi(), state.product(), state.state(), what, attention});
    list.push_back({{"therapy", state.therapy()},
                    {"coi", state.coi()},
                    {"product", state.product()},
                    {"state", state.state()},
                    {"next", what},
                    {"attention", attention}});
  }
  shell.console.Emit({{"therapies", list}});
  shell.console.Table({"Therapy", "CoI", "Product", "State", "Next", "Attention"}, rows);
  if (rows.empty()) shell.console.Say("no therapy that this station may see");
  if (whole.ok()) whole = due_whole;
  return whole.ok() ? kExitDone : shell.Fail(whole);
}

int BoardCommand::Inventory() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  Status whole;
  const auto all = (*desk)->Therapies(whole);
  if (!all.ok()) return shell.Fail(all.status());
  Rows rows;
  nlohmann::json list = nlohmann::json::array();
  for (const pb::GetTherapyReply& therapy : *all) {
    for (const auto& row : ContainerRows(therapy.state(), **desk)) {
      if (!row[3].starts_with(place)) continue;
      rows.push_back({row[3], row[0], row[1], row[2], therapy.state().therapy()});
      list.push_back({{"place", row[3]},
                      {"container", row[0]},
                      {"kind", row[1]},
                      {"state", row[2]},
                      {"therapy", therapy.state().therapy()}});
    }
  }
  std::sort(rows.begin(), rows.end());
  shell.console.Emit({{"place", place}, {"containers", list}});
  shell.console.Table({"Place", "Container", "Kind", "State", "Therapy"}, rows);
  if (rows.empty()) shell.console.Say("nothing that this station may see is at \"" + place + "\"");
  return whole.ok() ? kExitDone : shell.Fail(whole);
}

int BoardCommand::Watch() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  if (const Status status = (*desk)->Reachable(); !status.ok()) return shell.Fail(status);
  pb::WatchTherapiesRequest request;
  for (const std::string& therapy : therapies) {
    auto id = (*desk)->Resolve(therapy);
    if (!id.ok()) return shell.Fail(id.status());
    request.add_therapies(*id);
  }
  std::uint64_t seen = 0;
  const Status status =
      (*desk)->session().WatchTherapies(request, [&](const pb::WatchTherapiesReply& change) {
        if (!change.has_therapy()) {
          shell.console.Emit({{"whole", false}});
          shell.console.Say(
              "NOT ALL is shown: therapies cannot be read. Tell the administrator, who runs "
              "custody-audit on the ledger and restores a backup",
              Mood::kCareful);
          return true;
        }
        const pb::TherapyState& state = change.therapy().state();
        std::string what = "as it is";
        if (const auto* body = FindBody(change.event()); body != nullptr) {
          what = RuleOfBody(*body).label();
        }
        shell.console.Emit({{"therapy", state.therapy()},
                            {"index", change.index()},
                            {"event", change.event()},
                            {"state", state.state()}});
        shell.console.Say(LocalTime(state.updated_us(), (*desk)->zone()) + "  " +
                          Plain(state.therapy() + "  " + what + "  [" + state.state() + "]"));
        return count == 0 || ++seen < count;
      });
  const bool ended_by_us = count != 0 && seen >= count;
  return status.ok() || ended_by_us ? kExitDone : shell.Fail(status);
}

}  // namespace

void AddBoardCommands(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<BoardCommand>(shell);
  CLI::App* command =
      app.add_subcommand("board", "all therapies: what is due, late, in transit, offered, held");
  command->footer(
      "Example: board     (soonest first; times are those of the site that treats; next is the "
      "first "
      "line\nof the therapy in worklist --all)");
  command->callback([work, &shell] { shell.run = [work] { return work->Board(); }; });

  command = app.add_subcommand("inventory", "containers by place");
  command->add_option("PLACE", work->place, "beginning of a place; empty: everywhere");
  command->footer("Example: inventory LN2-4/");
  command->callback([work, &shell] { shell.run = [work] { return work->Inventory(); }; });

  command = app.add_subcommand("watch", "a line for every change, until interrupted");
  command->add_option("ID", work->therapies, "only these therapies");
  command->add_option("--count", work->count, "end after so many lines");
  command->footer("Examples: watch     watch '&/CHA999926000001' --count 10 --json");
  command->callback([work, &shell] { shell.run = [work] { return work->Watch(); }; });
}

}  // namespace custody
