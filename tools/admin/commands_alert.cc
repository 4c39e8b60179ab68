// alert list, alert test: who was told what, and whether everybody can be.
#include <memory>

#include "client/exit_code.h"
#include "tools/admin/commands.h"
#include "tools/admin/upkeep.h"

namespace custody {
namespace {

void AddList(CLI::App& alert, CommandLine& line) {
  auto request = std::make_shared<pb::ListAlertsRequest>();
  auto site = std::make_shared<std::string>();
  auto past = std::make_shared<bool>(false);
  CLI::App* command = alert.add_subcommand(
      "list",
      "That people are told: alerts that wait for an acknowledgement, and who was told when");
  AddFolder(*command, line);
  command->add_option("--site", *site, "Only those that concern this site");
  command->add_flag("--past", *past, "Those that ended, and tests, the newest first");
  command->footer(
      "Shown are how severe an alert is, since when, which sites it waits for, what was handed to\n"
      "whom, and when a site acknowledged it. What it says, and of which patient, is for the "
      "people\n"
      "of the site: the digits of its id are the same at their stations (board, next, "
      "worklist).\n\n"
      "Example: custody-admin alert list --site CLINIC --folder admin");
  command->callback([request, site, past, &line] {
    request->set_site(*site);
    request->set_past(*past);
    line.run = [request, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      CUSTODY_ASSIGN_OR_RETURN(const pb::ListAlertsReply reply,
                               administration->session().ListAlerts(*request));
      if (line.json) return AsJson(reply);
      return RenderAlerts(reply, administration->folder().settings().zone);
    };
  });
}

void AddTest(CLI::App& alert, CommandLine& line) {
  auto site = std::make_shared<std::string>();
  CLI::App* command = alert.add_subcommand(
      "test", "Hand a test to every recipient of a site, as alerts are: due every month");
  AddFolder(*command, line);
  command->add_option("--site", *site, "Whose recipients")->required();
  command->footer("Example: custody-admin alert test --site CLINIC --folder admin");
  command->callback([site, &line] {
    line.run = [site, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
      CUSTODY_ASSIGN_OR_RETURN(const pb::TestAlertReply reply,
                               administration->session().TestAlert(*site));
      for (const pb::Handout& handout : reply.handouts()) {
        if (!handout.error().empty()) line.exit_code = kExitRefused;
      }
      if (line.json) return AsJson(reply);
      return RenderTest(reply, *site, administration->folder().settings().zone);
    };
  });
}

}  // namespace

void AddAlert(CLI::App& app, CommandLine& line) {
  CLI::App* alert = app.add_subcommand("alert", "Who is told of alerts, and was");
  alert->require_subcommand(1);
  AddList(*alert, line);
  AddTest(*alert, line);
}

}  // namespace custody
