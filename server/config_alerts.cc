#include <limits>

#include "server/config_fields.h"

namespace custody {
namespace {

Status Texts(const toml::table& table, std::string_view key, std::string_view example,
             std::vector<std::string>& to) {
  const auto node = table[key];
  if (!node) return Status();
  const toml::array* list = node.as_array();
  const Status wrong = InvalidArgument(std::string(key) + " must be a list of texts, for example " +
                                       std::string(key) + " = " + std::string(example));
  if (list == nullptr) return wrong;
  for (const toml::node& one : *list) {
    if (!one.is_string()) return wrong;
    to.push_back(one.value_or(std::string()));
  }
  return Status();
}

// How much it may be is the alerting's to say (CheckAlerting).
Status Whole(const toml::table& table, std::string_view key, int& to) {
  const auto node = table[key];
  if (!node) return Status();
  if (!node.is_integer()) return InvalidArgument(std::string(key) + " must be a whole number");
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  to = static_cast<int>(std::clamp(node.value_or(std::int64_t{0}), -kMost, kMost));
  return Status();
}

Status Roles(const toml::table& table, std::vector<pb::Role>& to) {
  std::vector<std::string> names;
  CUSTODY_RETURN_IF_ERROR(Texts(table, "roles", "[\"PHY\", \"RN\"]", names));
  if (table.contains("roles") && names.empty()) {
    return InvalidArgument("roles names none: leave it out for all that no other list names");
  }
  for (const std::string& name : names) {
    pb::Role role = pb::ROLE_UNSPECIFIED;
    if (!pb::Role_Parse(name, &role) || role == pb::ROLE_UNSPECIFIED) {
      std::string known;
      for (int i = 0; i < pb::Role_descriptor()->value_count(); ++i) {
        const auto* value = pb::Role_descriptor()->value(i);
        if (value->number() != 0) known += (known.empty() ? "" : ", ") + value->name();
      }
      return InvalidArgument("roles names \"" + name + "\", which is no role; they are " + known);
    }
    to.push_back(role);
  }
  return Status();
}

Status ReadRecipient(const toml::table& table, Recipient& to) {
  static constexpr std::array<std::string_view, 4> kKeys = {"name", "program", "webhook",
                                                            "time_limit_seconds"};
  CUSTODY_RETURN_IF_ERROR(OnlyKeys(table, kKeys, "alerts.recipient."));
  CUSTODY_RETURN_IF_ERROR(Text(table, "name", to.name));
  CUSTODY_RETURN_IF_ERROR(
      Texts(table, "program", "[\"/usr/local/bin/page\", \"--team\", \"ward3\"]", to.program));
  CUSTODY_RETURN_IF_ERROR(Text(table, "webhook", to.webhook));
  return Whole(table, "time_limit_seconds", to.time_limit_seconds);
}

Status ReadList(const toml::table& table, TellList& to) {
  static constexpr std::array<std::string_view, 5> kKeys = {"site", "roles", "tell",
                                                            "repeat_minutes", "escalate_minutes"};
  CUSTODY_RETURN_IF_ERROR(OnlyKeys(table, kKeys, "alerts.list."));
  CUSTODY_RETURN_IF_ERROR(Text(table, "site", to.site));
  CUSTODY_RETURN_IF_ERROR(Roles(table, to.roles));
  CUSTODY_RETURN_IF_ERROR(Texts(table, "tell", "[\"ward-pager\", \"on-call\"]", to.tell));
  CUSTODY_RETURN_IF_ERROR(Whole(table, "repeat_minutes", to.repeat_minutes));
  return Whole(table, "escalate_minutes", to.escalate_minutes);
}

// Every table of an array of tables `[[alerts.KEY]]`.
template <class T>
Status Each(const toml::table& alerts, std::string_view key, Status (*read)(const toml::table&, T&),
            std::vector<T>& to) {
  const auto node = alerts[key];
  if (!node) return Status();
  const std::string name = "[[alerts." + std::string(key) + "]]";
  const toml::array* all = node.as_array();
  if (all == nullptr || !all->is_homogeneous<toml::table>()) {
    return InvalidArgument("alerts." + std::string(key) +
                           " must stand in double brackets: " + name);
  }
  for (const toml::node& one : *all) {
    CUSTODY_RETURN_IF_ERROR(WithContext(read(*one.as_table(), to.emplace_back()),
                                        name + " number " + std::to_string(to.size())));
  }
  return Status();
}

}  // namespace

Status ReadAlerting(const toml::table& file, AlertingConfig& config) {
  static constexpr std::array<std::string_view, 6> kKeys = {
      "repeat_minutes", "escalate_minutes", "routine_hours", "test_days", "recipient", "list"};
  if (!file.contains("alerts")) return Status();
  const toml::table* alerts = file["alerts"].as_table();
  if (alerts == nullptr) return InvalidArgument("alerts must be a table: [alerts]");
  CUSTODY_RETURN_IF_ERROR(OnlyKeys(*alerts, kKeys, "alerts."));
  CUSTODY_RETURN_IF_ERROR(Whole(*alerts, "repeat_minutes", config.repeat_minutes));
  CUSTODY_RETURN_IF_ERROR(Whole(*alerts, "escalate_minutes", config.escalate_minutes));
  CUSTODY_RETURN_IF_ERROR(Whole(*alerts, "routine_hours", config.routine_hours));
  CUSTODY_RETURN_IF_ERROR(Whole(*alerts, "test_days", config.test_days));
  CUSTODY_RETURN_IF_ERROR(Each(*alerts, "recipient", ReadRecipient, config.recipients));
  CUSTODY_RETURN_IF_ERROR(Each(*alerts, "list", ReadList, config.lists));
  return CheckAlerting(config);
}

}  // namespace custody
