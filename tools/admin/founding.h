// Founding a ledger: keys of its trustees and its log, certificates, the genesis, the trust anchor.
#ifndef CUSTODY_TOOLS_ADMIN_FOUNDING_H_
#define CUSTODY_TOOLS_ADMIN_FOUNDING_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

struct FoundingOptions {
  std::filesystem::path data;    // data folder of the server, made here
  std::filesystem::path folder;  // the administration's station folder, made here
  std::filesystem::path pins;    // passphrase files; empty: ask
  std::string origin;            // "demo.example/custody-1"
  pb::Environment environment = pb::ENVIRONMENT_UNSPECIFIED;
  std::vector<std::string> trustees;  // PERSON:PRINTED NAME
  std::uint32_t quorum = 0;
  std::string server;  // HOST:PORT that stations connect to
  std::string zone;    // IANA zone of the administration
};

// `FoundLedger` makes both folders, or neither is usable: it refuses when either exists. The
// authority's key and the trustees' keys are encrypted under their passphrases (the authority's is
// that of "authority"); the log's and the server's keys must be read unattended and lie in `data`
// with mode 0600.
Status FoundLedger(const FoundingOptions& options, Instant now);

// Where the administration keeps the certificate authority.
std::filesystem::path AuthorityKeyFile(const std::filesystem::path& folder);
std::filesystem::path AuthorityCertificateFile(const std::filesystem::path& folder);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_FOUNDING_H_
