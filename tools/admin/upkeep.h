// Looking after a running ledger: its state, its clock, its backups, and a check of a folder.
#ifndef CUSTODY_TOOLS_ADMIN_UPKEEP_H_
#define CUSTODY_TOOLS_ADMIN_UPKEEP_H_

#include <string>

#include "client/session.h"
#include "custody/pb.h"

namespace custody {

// `RenderStatus` puts the server's state in words, times local in `zone`.
std::string RenderStatus(const pb::GetStatusReply& status, std::string_view zone);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_UPKEEP_H_
