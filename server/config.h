// What custody-server is told: a TOML file or two options.
//
//   dir = "/var/lib/custody"        # the data folder
//   listen = "0.0.0.0:7443"
//   anchor = "/mnt/other/anchor"    # optional: the anchor file on another volume
//   drain_seconds = 20              # optional
//   read_threads = 4                # optional
//   queue_capacity = 1024           # optional: events accepted and not answered; more are refused
//   log_level = "info"              # optional: debug, info, warn, error
//   [tls]                           # optional; by default in DIR/tls
//   authority = "ca.pem"
//   certificate = "server.pem"
//   key = "server.key"
//   revoked = "revoked.pem"         # certificates whose keys open nothing any more
//   [alerts]                        # optional: who is told of alerts; see server/README.md
#ifndef CUSTODY_SERVER_CONFIG_H_
#define CUSTODY_SERVER_CONFIG_H_

#include <cstddef>
#include <filesystem>
#include <string>

#include "crypto/status.h"
#include "server/alerting/recipients.h"

namespace custody {

struct ServerConfig {
  std::filesystem::path dir;
  std::string listen;
  std::filesystem::path anchor;  // empty: in the data folder
  int drain_seconds = 20;
  unsigned read_threads = 4;
  std::size_t queue_capacity = 1024;
  std::string log_level = "info";
  std::filesystem::path authority;    // empty: DIR/tls/ca.pem
  std::filesystem::path certificate;  // empty: DIR/tls/server.pem
  std::filesystem::path key;          // empty: DIR/tls/server.key
  std::filesystem::path revoked;      // empty: DIR/tls/revoked.pem where there is one
  AlertingConfig alerting;
};

// `LoadServerConfig` reads such a file. An unknown key is an error, so that no setting is believed
// to hold because of a slip of the pen. Paths are relative to the file's folder.
StatusOr<ServerConfig> LoadServerConfig(const std::filesystem::path& file);

// `CompleteServerConfig` fills in what is empty and refuses what cannot be.
Status CompleteServerConfig(ServerConfig& config);

}  // namespace custody

#endif  // CUSTODY_SERVER_CONFIG_H_
