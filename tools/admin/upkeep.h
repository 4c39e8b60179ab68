// Looking after a running ledger: its state, its clock, its backups, who is told of alerts, and a
// check of a folder.
#ifndef CUSTODY_TOOLS_ADMIN_UPKEEP_H_
#define CUSTODY_TOOLS_ADMIN_UPKEEP_H_

#include <string>
#include <vector>

#include "client/session.h"
#include "crypto/certificate.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// A certificate that founding made and people have to renew.
struct WatchedCertificate {
  std::string whose;       // "server", "administration"
  std::string renewed_by;  // the command
  StatusOr<CertificateFields> fields;
};
// `RenderCertificates` says when each ends, with a warning from kWarnDays before.
std::string RenderCertificates(const std::vector<WatchedCertificate>& certificates, Instant now,
                               std::string_view zone);

// `RenderStatus` puts the server's state in words, times local in `zone`.
std::string RenderStatus(const pb::GetStatusReply& status, std::string_view zone);
// `RenderAlerts` puts alerts in words, as far as an administrator is shown them, each with what was
// handed to whom; `RenderTest` what became of a test.
std::string RenderAlerts(const pb::ListAlertsReply& alerts, std::string_view zone);
std::string RenderTest(const pb::TestAlertReply& test, std::string_view site,
                       std::string_view zone);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_UPKEEP_H_
