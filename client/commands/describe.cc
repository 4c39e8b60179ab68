// describe and identify: what an event asks for, and what a scan is. Neither needs the server.
#include "client/commands/commands.h"
#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/field_values.h"
#include "client/forms.h"
#include "custody/event.h"
#include "custody/identity.h"

namespace custody {
namespace {

struct DescribeCommand {
  explicit DescribeCommand(Shell& the_shell) : shell(the_shell) {}

  Shell& shell;
  std::string event;
  std::string scan;

  int Describe();
  int List();
  int Identify();
};

nlohmann::json FieldsAsJson(const google::protobuf::Descriptor& type) {
  nlohmann::json fields = nlohmann::json::array();
  for (const DescribedField& field : FieldsOf(type)) {
    fields.push_back({{"path", field.path},
                      {"option", field.option},
                      {"label", field.label},
                      {"kind", field.kind},
                      {"unit", field.unit},
                      {"range", field.range},
                      {"choices", field.choices},
                      {"help", field.help},
                      {"required", field.required},
                      {"repeated", field.repeated}});
  }
  return fields;
}

int DescribeCommand::Describe() {
  if (event.empty()) return List();
  const auto* body = FindBody(event);
  if (body == nullptr) {
    return shell.Fail(InvalidArgument("there is no event \"" + event + "\"; `describe` lists all"));
  }
  shell.console.Emit({{"event", body->name()},
                      {"label", RuleOfBody(*body).label()},
                      {"rule", ToJson(RuleOfBody(*body))},
                      {"fields", FieldsAsJson(*body->message_type())}});
  shell.console.Say(DescribeBody(*body));
  return kExitDone;
}

int DescribeCommand::List() {
  nlohmann::json list = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto* body : TherapyBodies()) {
    const pb::EventRule& rule = RuleOfBody(*body);
    const std::string who = rule.any_role() ? "anybody" : RoleNames(rule.enter());
    rows.push_back(
        {rule.step(), body->name(), rule.label(), who + (rule.two_person() ? " (2)" : "")});
    list.push_back({{"event", body->name()}, {"label", rule.label()}, {"step", rule.step()}});
  }
  shell.console.Emit({{"events", list}});
  shell.console.Table({"Step", "Event", "What", "Entered by"}, rows);
  return kExitDone;
}

int DescribeCommand::Identify() {
  const auto value = NormaliseScan(pb::SCAN_KIND_UNSPECIFIED, scan);
  if (!value.ok()) return shell.Fail(value.status());
  std::string bare = scan;
  if (bare.size() > 3 && bare[0] == ']') bare = bare.substr(3);
  nlohmann::json object = {{"value", *value}};
  std::string kind = "unknown here; compared as it stands";
  if (bare.starts_with("&/")) kind = "chain-of-identity identifier (ISBT 128)";
  if (const auto din = ParseDinScan(scan); din.ok()) {
    kind = "donation identification number (ISBT 128)";
    object["flags"] = din->flags;
    object["check_character"] = std::string(1, DinCheckCharacter(din->number));
  }
  object["kind"] = kind;
  const std::string facility(FacilityOf(*value));
  object["facility"] = facility;
  std::unique_ptr<Desk> desk;
  if (!shell.folder.empty()) {
    auto opened = shell.OpenDesk();
    if (!opened.ok()) return shell.Fail(opened.status());
    desk = *std::move(opened);
    const auto therapy = desk->Resolve(scan);
    if (therapy.ok()) object["therapy"] = *therapy;
  }
  shell.console.Emit(object);
  shell.console.Say("What      " + kind);
  shell.console.Say("Value     " + *value);
  if (object.contains("check_character")) {
    shell.console.Say("Flags     " + object["flags"].get<std::string>() +
                      " (not part of the number)");
    shell.console.Say("Check     " + object["check_character"].get<std::string>());
  }
  if (!facility.empty()) {
    shell.console.Say("Facility  " + facility +
                      (IsReservedFacility(facility) ? " (set aside for tests and demos)" : ""));
  }
  if (desk != nullptr) {
    shell.console.Say("Therapy   " + (object.contains("therapy")
                                          ? object["therapy"].get<std::string>()
                                          : std::string("none that this station may see")));
  }
  return kExitDone;
}

}  // namespace

void AddDescribeCommands(CLI::App& app, Shell& shell) {
  auto work = std::make_shared<DescribeCommand>(shell);
  CLI::App* command = app.add_subcommand(
      "describe", "the fields of an event, their units and ranges, who signs; or all events");
  command->add_option("EVENT", work->event, "for example infusion_started; empty: list all");
  command->footer("Examples: describe     describe infusion_started     (needs no server)");
  command->callback([work, &shell] { shell.run = [work] { return work->Describe(); }; });

  command = app.add_subcommand("identify", "what a scan is, and whose");
  command->add_option("SCAN", work->scan, "as the scanner gives it")->required();
  command->footer(
      "Example: identify '=A999926000001"
      "00'");
  command->callback([work, &shell] { shell.run = [work] { return work->Identify(); }; });
}

}  // namespace custody
