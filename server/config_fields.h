// Reading a settings file field by field, with words that say what to write. Inside the server's
// configuration; not for others to include.
#ifndef CUSTODY_SERVER_CONFIG_FIELDS_H_
#define CUSTODY_SERVER_CONFIG_FIELDS_H_

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "server/alerting/recipients.h"

namespace custody {

// `ReadAlerting` reads the table "alerts" of `file`, if there is one.
Status ReadAlerting(const toml::table& file, AlertingConfig& config);

// Each takes one field, and leaves `to` as it is when the file does not have it.
template <std::size_t N>
Status OnlyKeys(const toml::table& table, const std::array<std::string_view, N>& known,
                std::string_view where) {
  for (const auto& [key, value] : table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      return InvalidArgument("unknown setting \"" + std::string(where) + std::string(key.str()) +
                             "\"");
    }
  }
  return Status();
}

inline Status Text(const toml::table& table, std::string_view key, std::string& to) {
  const auto node = table[key];
  if (!node) return Status();
  if (!node.is_string()) return InvalidArgument(std::string(key) + " must be text in quotes");
  to = node.value_or(std::string());
  return Status();
}

inline Status Path(const toml::table& table, std::string_view key,
                   const std::filesystem::path& base, std::filesystem::path& to) {
  std::string text;
  CUSTODY_RETURN_IF_ERROR(Text(table, key, text));
  if (!text.empty()) to = (base / text).lexically_normal();
  return Status();
}

template <class T>
Status Number(const toml::table& table, std::string_view key, std::int64_t least, std::int64_t most,
              T& to) {
  const auto node = table[key];
  if (!node) return Status();
  const std::int64_t value = node.is_integer() ? node.value_or(least - 1) : least - 1;
  if (value < least || value > most) {
    return InvalidArgument(std::string(key) + " must be a number from " + std::to_string(least) +
                           " to " + std::to_string(most));
  }
  to = static_cast<T>(value);
  return Status();
}

}  // namespace custody

#endif  // CUSTODY_SERVER_CONFIG_FIELDS_H_
