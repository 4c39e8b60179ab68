// Who is told of alerts: the configuration, as the server's settings say it.
//
// A site has lists, each for some of its roles; a list names its recipients in the order in which
// they are told: the first at once, each next one when nobody has acknowledged in time, or at once
// when the one before cannot be reached.
#ifndef CUSTODY_SERVER_ALERTING_RECIPIENTS_H_
#define CUSTODY_SERVER_ALERTING_RECIPIENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `Recipient` takes messages: either a program (its path and arguments) or a webhook (its URL).
struct Recipient {
  std::string name;  // 1 to 64 of letters, digits, '.', '_' and '-'
  std::vector<std::string> program;
  std::string webhook;
  int time_limit_seconds = 10;  // 1 to 30; what takes longer has failed
};

struct TellList {
  std::string site;
  std::vector<pb::Role> roles;    // empty: those that no other list of the site names
  std::vector<std::string> tell;  // names of recipients, the first is told first
  int repeat_minutes = 0;         // 0: as for all
  int escalate_minutes = 0;       // 0: as for all
};

struct AlertingConfig {
  std::vector<Recipient> recipients;
  std::vector<TellList> lists;
  int repeat_minutes = 10;    // 1 to 1440
  int escalate_minutes = 15;  // 1 to 1440
  int routine_hours = 24;     // 1 to 168: both, for what has days of time
  int test_days = 31;         // 1 to 366: between two tests of a site's recipients

  bool empty() const { return lists.empty(); }
};

// `CheckAlerting` is INVALID_ARGUMENT, with what to write instead, for what cannot work.
Status CheckAlerting(const AlertingConfig& config);
// `CheckWebhook` is FAILED_PRECONDITION for a webhook that is told in clear, in production:
// messages name therapies, addresses hold tokens (so it does not repeat it). What stays on the
// machine may be: localhost, 127.0.0.0/8, [::1]. `CheckWebhooks` names the first recipient that has
// one.
Status CheckWebhook(const Recipient& recipient, pb::Environment environment);
Status CheckWebhooks(const AlertingConfig& config, pb::Environment environment);

// `FindRecipient` is null when there is none of that name.
const Recipient* FindRecipient(const AlertingConfig& config, std::string_view name);
// `ListsFor` are the lists of `site` for any of `roles`, each once, in the order of the settings.
std::vector<const TellList*> ListsFor(const AlertingConfig& config, std::string_view site,
                                      const std::vector<pb::Role>& roles);
// `SitesOf` are all sites that have a list; `RecipientsOf` all recipients of a site, each once.
std::vector<std::string> SitesOf(const AlertingConfig& config);
std::vector<const Recipient*> RecipientsOf(const AlertingConfig& config, std::string_view site);

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_RECIPIENTS_H_
