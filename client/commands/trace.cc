// trace, recall, unit: what an item went into, and what became of it; what lies in a storage unit.
#include "client/commands/commands.h"
#include "client/commands/many.h"
#include "client/exit_code.h"
#include "client/field_values.h"
#include "client/local_time.h"
#include "client/recall_words.h"
#include "crypto/utf8.h"
#include "custody/state.h"

namespace custody {
namespace {

const std::vector<std::string> kHeadings = {"Container", "State", "Where",   "Given",
                                            "Therapy",   "CoI",   "Because", "Tell"};

struct TraceCommand {
  explicit TraceCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  std::string value;
  std::string type;
  std::string container;
  bool touched = false;
  std::string at;
  std::string until;
  std::string number;
  std::string reason;
  std::vector<std::string> only;
  SigningOptions signing;
  Status whole;  // why what was found is not all

  int Trace();
  int Recall();
  int Unit();
  StatusOr<std::vector<pb::TracedTherapy>> Look(Desk& desk, std::string& what);
};

nlohmann::json ToJson(const std::vector<pb::TracedTherapy>& therapies) {
  nlohmann::json list = nlohmann::json::array();
  for (const pb::TracedTherapy& one : therapies) list.push_back(custody::ToJson(one));
  return list;
}

StatusOr<std::vector<pb::TracedTherapy>> TraceCommand::Look(Desk& desk, std::string& what) {
  CUSTODY_RETURN_IF_ERROR(desk.Reachable());
  pb::TraceRequest request;
  if (value.empty() == container.empty()) {
    return InvalidArgument(
        "give one thing to trace: a lot, vial, device, person ... or --container");
  }
  request.set_type(container.empty() ? Lower(type) : "container");
  request.set_touched(touched || !container.empty());
  CUSTODY_ASSIGN_OR_RETURN(
      what, NormaliseScan(pb::SCAN_KIND_UNSPECIFIED, container.empty() ? value : container));
  request.set_value(what);
  return TraceAll(desk.session(), request, whole);
}

int TraceCommand::Trace() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  std::string what;
  const auto therapies = Look(**desk, what);
  if (!therapies.ok()) return shell.Fail(therapies.status());
  shell.console.Emit({{"type", container.empty() ? type : "container"},
                      {"value", what},
                      {"therapies", ToJson(*therapies)}});
  if (therapies->empty()) {
    shell.console.Say("\"" + Plain(what) + "\" stands in no therapy that this station may see");
    return kExitDone;
  }
  const std::string& zone = (*desk)->zone();
  shell.console.Table(kHeadings, ConcernedRows(*therapies, zone));
  shell.console.Say(Plain(RecallSummary(*therapies)));
  for (const pb::TracedTherapy& therapy : *therapies) {
    if (therapy.touched().empty()) continue;
    shell.console.Say("\nTouched, in therapy " + Plain(therapy.therapy()));
    shell.console.Table({"Type", "What", "First", "Last", "Events", "First as"},
                        TouchedRows(therapy, zone));
  }
  if (!whole.ok()) return shell.Fail(whole);
  return kExitDone;
}

// What the recall names in one therapy: its lots by what was used in them; else its containers.
Draft RecallIn(const pb::TracedTherapy& therapy, const std::string& type, const std::string& what) {
  Draft draft;
  draft.event = "product_recalled";
  draft.therapy = therapy.therapy();
  draft.fields = {{"identifier_type", type}, {"identifier", what}};
  const bool by_lot = type == "lot" || type == "vector" || type == "container";
  // Product first; collected cells where nothing was made of them yet.
  for (const bool product : {true, false}) {
    bool named = by_lot;
    for (const pb::TracedContainer& container : therapy.containers()) {
      const bool its = (container.material() == pb::DRUG_PRODUCT) == product;
      if (by_lot || !container.concerned() || !its) continue;
      draft.fields.emplace_back("containers", container.container());
      named = true;
    }
    if (named) break;
  }
  draft.fields.emplace_back("infused_already", therapy.infused_us() != 0 ? "yes" : "no");
  return draft;
}

bool IsRecalled(const pb::TracedTherapy& therapy) {
  bool any = false;
  for (const pb::TracedContainer& container : therapy.containers()) {
    if (!container.concerned()) continue;
    const bool product = container.material() == pb::DRUG_PRODUCT;
    any = any || container.recalled();
    if (product && !container.recalled()) return false;
  }
  return any;
}

int TraceCommand::Recall() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  if (type.empty() && container.empty()) {
    return shell.Fail(InvalidArgument(
        "say by what it is recalled: --type vector, reagent, equipment, lot, logger, shipper ..."));
  }
  std::string what;
  const auto therapies = Look(**desk, what);
  if (!therapies.ok()) return shell.Fail(therapies.status());
  if (therapies->empty()) {
    return shell.Fail(NotFound("\"" + what +
                               "\" stands in no therapy that this station may see: nothing was "
                               "recalled; look at its spelling and its type"));
  }
  shell.console.Table(kHeadings, ConcernedRows(*therapies, (*desk)->zone()));
  shell.console.Say(Plain(RecallSummary(*therapies)));
  std::vector<Draft> drafts;
  std::vector<ManyLine> lines;
  if (!whole.ok()) lines.push_back({"", false, Message(whole)});
  for (const pb::TracedTherapy& therapy : *therapies) {
    if (IsRecalled(therapy)) {
      lines.push_back({therapy.therapy(), true, "recalled already"});
      continue;
    }
    Draft draft = RecallIn(therapy, container.empty() ? Lower(type) : "container", what);
    draft.fields.emplace_back("recall", number);
    draft.fields.emplace_back("reason", reason);
    drafts.push_back(std::move(draft));
  }
  return RecordDrafts(shell, **desk, signing, std::move(drafts), std::move(lines));
}

int TraceCommand::Unit() {
  auto desk = shell.OpenDesk();
  if (!desk.ok()) return shell.Fail(desk.status());
  if (const Status status = (*desk)->Reachable(); !status.ok()) return shell.Fail(status);
  const auto request = UnitRequest(**desk, value, at, until);
  if (!request.ok()) return shell.Fail(request.status());
  const auto therapies = InventoryAll((*desk)->session(), *request, whole);
  if (!therapies.ok()) return shell.Fail(therapies.status());
  Rows rows;
  for (const pb::TracedTherapy& therapy : *therapies) {
    for (const pb::TracedContainer& one : therapy.containers()) {
      rows.push_back({one.because(), one.container(), StateLabel(one.state()), WhereOf(one),
                      therapy.therapy(), therapy.coi(), therapy.treating_site()});
    }
  }
  std::ranges::sort(rows);
  shell.console.Emit({{"unit", value}, {"therapies", ToJson(*therapies)}});
  shell.console.Table({"Place", "Container", "State", "Now", "Therapy", "CoI", "Treats"}, rows);
  shell.console.Say(std::to_string(rows.size()) + " container(s) of " +
                    std::to_string(therapies->size()) + " therapies" +
                    (at.empty() ? "" : " lay there then"));
  if (!whole.ok()) return shell.Fail(whole);
  return kExitDone;
}

void AddTraced(CLI::App& command, TraceCommand& work) {
  command.add_option("WHAT", work.value, "a lot, vial, kit, device, logger, unit, shipper, person");
  command.add_option(
      "--type", work.type,
      "vector, reagent, lot, din, equipment, logger, shipper, waybill, location, run, "
      "shipment, person ...; else anything of that name");
  command.add_option("--container", work.container, "a bag or vial: back to everything it touched");
}

}  // namespace

void AddTraceCommands(CLI::App& app, Shell& shell) {
  auto trace = std::make_shared<TraceCommand>(shell);
  CLI::App* command = app.add_subcommand(
      "trace", "recall both ways: what it went into and where that is; and back");
  AddTraced(*command, *trace);
  command->add_flag("--touched", trace->touched, "also everything that was used on what is found");
  command->footer(
      "Examples: trace VEC-3     trace R-77 --type reagent     trace --container LOT26001-1\n"
      "What can reach a patient soonest is said first. Only therapies that this station may see.");
  command->callback([trace, &shell] { shell.run = [trace] { return trace->Trace(); }; });

  auto recall = std::make_shared<TraceCommand>(shell);
  command = app.add_subcommand("recall", "PRODUCT_RECALLED in every therapy that a trace finds");
  AddTraced(*command, *recall);
  command->add_option("--number", recall->number, "number of the recall")->required();
  command->add_option("--reason", recall->reason, "why")->required();
  recall->signing.AddTo(*command);
  command->footer(
      "Example: recall VEC-3 --type vector --number RC-26-4 --reason \"replication test repeated\" "
      "\\\n           --as QA1:QA\nOne event for each therapy, one passphrase; what was not "
      "recorded "
      "is listed, and why. Again: what is missing.\nSigned by quality of the maker it is for ever; "
      "by anybody else's it is held until they decide.");
  command->callback([recall, &shell] { shell.run = [recall] { return recall->Recall(); }; });

  auto unit = std::make_shared<TraceCommand>(shell);
  command = app.add_subcommand("unit", "what lies, or lay at a time, in a storage unit");
  command->add_option("UNIT", unit->value, "storage unit, shipper, or beginning of a place")
      ->required();
  command->add_option("--at", unit->at, "what lay there then (default: now)");
  command->add_option("--until", unit->until, "with --at: at any time from then to this");
  command->footer("Examples: unit LN2-04     unit LN2-04 --at 2026-03-02T03:10:00Z");
  command->callback([unit, &shell] { shell.run = [unit] { return unit->Unit(); }; });
}

}  // namespace custody
