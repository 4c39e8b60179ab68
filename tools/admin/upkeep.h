// Looking after a running ledger: its state, its clock, its backups, and a check of a folder.
#ifndef CUSTODY_TOOLS_ADMIN_UPKEEP_H_
#define CUSTODY_TOOLS_ADMIN_UPKEEP_H_

#include <filesystem>
#include <string>

#include "client/session.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/trust.h"

namespace custody {

// `RenderStatus` puts the server's state in words, times local in `zone`.
std::string RenderStatus(const pb::GetStatusReply& status, std::string_view zone);

// `CheckFolder` audits a data folder or a backup read-only: every byte, hash, chain, signature and
// rule. `trust` may be null (registry not pinned).
StatusOr<pb::AuditReport> CheckFolder(const std::filesystem::path& folder,
                                      const TrustAnchor* trust);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_UPKEEP_H_
