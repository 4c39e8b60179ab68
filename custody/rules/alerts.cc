// Who says that they act on an alert says which one. A slip of the pen would leave the alert
// repeated, and somebody believing that it is not. What is over by the time the ledger hears of it
// may still be acknowledged: whoever did so was right. It silences nothing
// (custody/fold/alerts.cc).
#include "custody/alerts.h"

#include <algorithm>

#include "custody/rules/case.h"

namespace custody::rules {

void AlertKnown(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kAlertAcknowledged) return;
  const std::string& id = c.effective.alert_acknowledged().alert();
  const std::string site = SiteOf(c);
  const std::vector<Alert> alerts = Alerts(c.therapy, c.registry, c.place.received_at);
  const auto concerns = [&](const std::vector<std::string>& sites) {
    return std::ranges::any_of(
        sites, [&](const std::string& one) { return c.registry.IsSameHouse(site, one); });
  };
  const auto meant = std::ranges::find(alerts, id, &Alert::id);
  if (meant != alerts.end()) {
    if (concerns(meant->sites)) return;
    Structure(c, rule, v,
              {"acknowledged at a site that the alert concerns: " + List(meant->sites),
               "signed at " + (site.empty() ? "no enrolled site" : site),
               "let somebody there acknowledge it: it is repeated to them until then", "alert"});
    return;
  }
  if (concerns(MayHaveStoodAt(c.therapy, id))) return;
  // Of what concerns others nothing is said.
  std::vector<std::string> open;
  for (const Alert& alert : alerts) {
    if (concerns(alert.sites) && !alert.acknowledged()) open.push_back(alert.id);
  }
  Structure(c, rule, v,
            {"the id of an alert of this therapy", id + " is none",
             open.empty() ? "no alert waits here: look at the board whose alert this is"
                          : "name the alert that you mean; open here: " + List(open),
             "alert"});
}

}  // namespace custody::rules
