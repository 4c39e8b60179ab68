#include "server/alerting/recipients.h"

#include <algorithm>
#include <set>

#include "custody/chain.h"

namespace custody {
namespace {

constexpr std::size_t kMostRecipients = 256;
constexpr std::size_t kMostLists = 1024;
constexpr std::size_t kMostInList = 16;
constexpr std::size_t kMostNameBytes = 64;
constexpr std::size_t kMostUrlBytes = 2000;

bool Has(const auto& list, const auto& value) {
  return std::ranges::find(list, value) != list.end();
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

Status Within(int value, int least, int most, const std::string& what) {
  if (value >= least && value <= most) return Status();
  return InvalidArgument(what + " must be a number from " + std::to_string(least) + " to " +
                         std::to_string(most) + ", not " + std::to_string(value));
}

// A URL goes on curl's configuration as it is.
Status CheckUrl(const Recipient& recipient, const std::string& where) {
  const std::string& url = recipient.webhook;
  const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
  const bool plain = std::ranges::all_of(
      url, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  const bool host = scheme != 0 && url.size() > scheme && url[scheme] != '/';
  if (host && plain && url.size() <= kMostUrlBytes) return Status();
  return InvalidArgument(where +
                         ": webhook must be the address to POST to, for example "
                         "\"https://alarm.example/custody\", not \"" +
                         url + "\"");
}

// Whether the host that a URL names is this machine. What stands before an '@' only looks like a
// host, and a name that begins like an address is somebody's.
bool StaysHere(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  std::string_view host = url.substr(0, url.find_first_of("/?#"));
  if (host.find('@') != std::string_view::npos) return false;
  host = host.substr(0, host.starts_with('[') ? host.find(']') + 1 : host.find(':'));
  const bool address =
      host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
  return address || host == "localhost" || host == "[::1]";
}

Status CheckProgram(const Recipient& recipient, const std::string& where) {
  const std::string& path = recipient.program.front();
  if (!path.starts_with('/')) {
    return InvalidArgument(where +
                           ": program must begin with the whole path of a file, for "
                           "example [\"/usr/local/bin/page\", \"--team\", \"ward3\"], not \"" +
                           path + "\"; no shell looks for it");
  }
  for (const std::string& argument : recipient.program) {
    if (argument.find('\0') == std::string::npos) continue;
    return InvalidArgument(where + ": an argument of program holds a zero byte");
  }
  return Status();
}

Status CheckRecipients(const AlertingConfig& config) {
  std::set<std::string> names;
  for (const Recipient& recipient : config.recipients) {
    const std::string where = "[[alerts.recipient]] \"" + recipient.name + "\"";
    if (!IsName(recipient.name)) {
      return InvalidArgument(where +
                             ": name must be 1 to 64 letters, digits, '.', '_' and '-', "
                             "for example \"ward-pager\"");
    }
    if (!names.insert(recipient.name).second) {
      return InvalidArgument(where + " stands there twice: give each a name of its own");
    }
    if (recipient.program.empty() == recipient.webhook.empty()) {
      return InvalidArgument(where +
                             " needs either program = [\"/path/of/it\", ...] or webhook = "
                             "\"https://...\", one of the two");
    }
    CUSTODY_RETURN_IF_ERROR(
        Within(recipient.time_limit_seconds, 1, 30, where + ": time_limit_seconds"));
    CUSTODY_RETURN_IF_ERROR(recipient.webhook.empty() ? CheckProgram(recipient, where)
                                                      : CheckUrl(recipient, where));
  }
  return Status();
}

Status CheckList(const AlertingConfig& config, const TellList& list) {
  const std::string where = "[[alerts.list]] of site \"" + list.site + "\"";
  if (!IsChainId(list.site)) {
    return InvalidArgument(where + ": site must be the id of a site, as it was enrolled");
  }
  if (list.tell.empty() || list.tell.size() > kMostInList) {
    return InvalidArgument(where + ": tell must name 1 to " + std::to_string(kMostInList) +
                           " recipients, the first to be told first, for example "
                           "tell = [\"ward-pager\", \"on-call\"]");
  }
  std::set<std::string> told;
  for (const std::string& name : list.tell) {
    if (FindRecipient(config, name) == nullptr) {
      return InvalidArgument(where + " tells \"" + name +
                             "\", and there is no "
                             "[[alerts.recipient]] of that name: write one, or correct the name");
    }
    if (!told.insert(name).second) {
      return InvalidArgument(where + " tells \"" + name + "\" twice: it is repeated anyway");
    }
  }
  if (list.repeat_minutes != 0) {
    CUSTODY_RETURN_IF_ERROR(Within(list.repeat_minutes, 1, 1440, where + ": repeat_minutes"));
  }
  if (list.escalate_minutes == 0) return Status();
  return Within(list.escalate_minutes, 1, 1440, where + ": escalate_minutes");
}

}  // namespace

Status CheckAlerting(const AlertingConfig& config) {
  if (config.recipients.size() > kMostRecipients || config.lists.size() > kMostLists) {
    return InvalidArgument("alerts: at most " + std::to_string(kMostRecipients) +
                           " recipients and " + std::to_string(kMostLists) + " lists");
  }
  CUSTODY_RETURN_IF_ERROR(Within(config.repeat_minutes, 1, 1440, "alerts.repeat_minutes"));
  CUSTODY_RETURN_IF_ERROR(Within(config.escalate_minutes, 1, 1440, "alerts.escalate_minutes"));
  CUSTODY_RETURN_IF_ERROR(Within(config.routine_hours, 1, 168, "alerts.routine_hours"));
  CUSTODY_RETURN_IF_ERROR(Within(config.test_days, 1, 366, "alerts.test_days"));
  CUSTODY_RETURN_IF_ERROR(CheckRecipients(config));
  std::set<std::pair<std::string, pb::Role>> taken;
  for (const TellList& list : config.lists) {
    CUSTODY_RETURN_IF_ERROR(CheckList(config, list));
    std::vector<pb::Role> roles = list.roles;
    if (roles.empty()) roles = {pb::ROLE_UNSPECIFIED};
    for (const pb::Role role : roles) {
      if (taken.emplace(list.site, role).second) continue;
      return InvalidArgument(
          "two [[alerts.list]] of site \"" + list.site + "\" are for " +
          (role == pb::ROLE_UNSPECIFIED ? "all other roles" : "role " + pb::Role_Name(role)) +
          ": write one list with all its recipients");
    }
  }
  for (const Recipient& recipient : config.recipients) {
    const bool used = std::ranges::any_of(
        config.lists, [&](const TellList& list) { return Has(list.tell, recipient.name); });
    if (used) continue;
    return InvalidArgument("[[alerts.recipient]] \"" + recipient.name +
                           "\" is told nothing: name it in tell of an [[alerts.list]], or take it "
                           "out");
  }
  return Status();
}

Status CheckWebhook(const Recipient& recipient, pb::Environment environment) {
  const bool clear = recipient.webhook.starts_with("http://") && !StaysHere(recipient.webhook);
  if (environment != pb::PRODUCTION || !clear) return Status();
  return FailedPrecondition(
      "in clear: nothing is handed to it. In production a webhook begins with https://, unless it "
      "is on this machine: correct it in the server's settings, and start the server again");
}

Status CheckWebhooks(const AlertingConfig& config, pb::Environment environment) {
  for (const Recipient& recipient : config.recipients) {
    CUSTODY_RETURN_IF_ERROR(WithContext(CheckWebhook(recipient, environment),
                                        "[[alerts.recipient]] \"" + recipient.name + "\""));
  }
  return Status();
}

const Recipient* FindRecipient(const AlertingConfig& config, std::string_view name) {
  const auto found = std::ranges::find(config.recipients, name, &Recipient::name);
  return found == config.recipients.end() ? nullptr : &*found;
}

std::vector<const TellList*> ListsFor(const AlertingConfig& config, std::string_view site,
                                      const std::vector<pb::Role>& roles) {
  const auto has_list = [&](pb::Role role) {
    return std::ranges::any_of(config.lists, [&](const TellList& list) {
      return list.site == site && Has(list.roles, role);
    });
  };
  const bool others = !std::ranges::all_of(roles, has_list);
  std::vector<const TellList*> lists;
  for (const TellList& list : config.lists) {
    if (list.site != site) continue;
    const bool meant = list.roles.empty() ? others : std::ranges::any_of(roles, [&](pb::Role role) {
      return Has(list.roles, role);
    });
    if (meant) lists.push_back(&list);
  }
  return lists;
}

std::vector<std::string> SitesOf(const AlertingConfig& config) {
  std::vector<std::string> sites;
  for (const TellList& list : config.lists) {
    if (!Has(sites, list.site)) sites.push_back(list.site);
  }
  return sites;
}

std::vector<const Recipient*> RecipientsOf(const AlertingConfig& config, std::string_view site) {
  std::vector<const Recipient*> recipients;
  for (const TellList& list : config.lists) {
    if (list.site != site) continue;
    for (const std::string& name : list.tell) {
      const Recipient* recipient = FindRecipient(config, name);
      if (recipient != nullptr && !Has(recipients, recipient)) recipients.push_back(recipient);
    }
  }
  return recipients;
}

}  // namespace custody
