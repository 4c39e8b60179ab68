#include "server/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "crypto/file.h"
#include "server/config_fields.h"

namespace custody {
namespace {

constexpr std::size_t kMaxConfigBytes = 64 << 10;

Status Read(const toml::table& table, const std::filesystem::path& base, ServerConfig& config) {
  static constexpr std::array<std::string_view, 9> kKeys = {
      "dir",       "listen", "anchor", "drain_seconds", "read_threads", "queue_capacity",
      "log_level", "tls",    "alerts"};
  static constexpr std::array<std::string_view, 4> kTlsKeys = {"authority", "certificate", "key",
                                                               "revoked"};
  CUSTODY_RETURN_IF_ERROR(OnlyKeys(table, kKeys, ""));
  CUSTODY_RETURN_IF_ERROR(Path(table, "dir", base, config.dir));
  CUSTODY_RETURN_IF_ERROR(Text(table, "listen", config.listen));
  CUSTODY_RETURN_IF_ERROR(Path(table, "anchor", base, config.anchor));
  CUSTODY_RETURN_IF_ERROR(Number(table, "drain_seconds", 1, 600, config.drain_seconds));
  CUSTODY_RETURN_IF_ERROR(Number(table, "read_threads", 1, 64, config.read_threads));
  CUSTODY_RETURN_IF_ERROR(Number(table, "queue_capacity", 1, 65536, config.queue_capacity));
  CUSTODY_RETURN_IF_ERROR(Text(table, "log_level", config.log_level));
  CUSTODY_RETURN_IF_ERROR(ReadAlerting(table, config.alerting));
  if (!table.contains("tls")) return Status();
  const toml::table* tls = table["tls"].as_table();
  if (tls == nullptr) return InvalidArgument("tls must be a table");
  CUSTODY_RETURN_IF_ERROR(OnlyKeys(*tls, kTlsKeys, "tls."));
  CUSTODY_RETURN_IF_ERROR(Path(*tls, "authority", base, config.authority));
  CUSTODY_RETURN_IF_ERROR(Path(*tls, "certificate", base, config.certificate));
  CUSTODY_RETURN_IF_ERROR(Path(*tls, "revoked", base, config.revoked));
  return Path(*tls, "key", base, config.key);
}

}  // namespace

StatusOr<ServerConfig> LoadServerConfig(const std::filesystem::path& file) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxConfigBytes));
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return InvalidArgument(file.string() + ", line " +
                           std::to_string(parsed.error().source().begin.line) + ": " +
                           std::string(parsed.error().description()));
  }
  ServerConfig config;
  CUSTODY_RETURN_IF_ERROR(
      WithContext(Read(parsed.table(), file.parent_path(), config), file.string()));
  return config;
}

Status CompleteServerConfig(ServerConfig& config) {
  static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
  if (config.dir.empty())
    return InvalidArgument("no data folder given: --dir DIR, or dir in --config");
  if (config.listen.empty()) {
    return InvalidArgument("no address given: --listen HOST:PORT, or listen in --config");
  }
  std::uint16_t port = 0;
  const std::string_view after =
      std::string_view(config.listen).substr(config.listen.rfind(':') + 1);
  const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), port);
  const bool whole = error == std::errc() && end == after.data() + after.size();
  if (config.listen.rfind(':') == std::string::npos || !whole) {
    return InvalidArgument("--listen takes HOST:PORT with a port of 0 to 65535, found " +
                           config.listen);
  }
  if (std::find(kLevels.begin(), kLevels.end(), config.log_level) == kLevels.end()) {
    return InvalidArgument("log_level is debug, info, warn or error, not " + config.log_level);
  }
  if (config.authority.empty()) config.authority = config.dir / "tls" / "ca.pem";
  if (config.certificate.empty()) config.certificate = config.dir / "tls" / "server.pem";
  if (config.key.empty()) config.key = config.dir / "tls" / "server.key";
  std::error_code unreadable;
  const std::filesystem::path revoked = config.dir / "tls" / "revoked.pem";
  // What cannot be looked at is taken for there: then it is read, which says why it cannot be.
  const bool there = std::filesystem::exists(revoked, unreadable) || unreadable;
  if (config.revoked.empty() && there) config.revoked = revoked;
  return Status();
}

}  // namespace custody
