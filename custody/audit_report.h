// From findings to a verdict in plain words.
#ifndef CUSTODY_CUSTODY_AUDIT_REPORT_H_
#define CUSTODY_CUSTODY_AUDIT_REPORT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/note.h"
#include "custody/audit_replay.h"
#include "custody/pb.h"
#include "custody/trust.h"

namespace custody {

// `ReportFile` adds a finding about the file or ledger as a whole.
void ReportFile(pb::FindingGrade grade, std::string_view check, std::string reason,
                std::vector<pb::Finding>& findings);

// `CheckCheckpoint` verifies a signed checkpoint: the log's key, and the witness policy of `trust`
// where it has one. What could be read is returned even when a signature does not hold, so that the
// rest is audited too; nothing when it is no checkpoint at all.
std::optional<Checkpoint> CheckCheckpoint(std::string_view note,
                                          const std::optional<NoteVerifier>& log_key,
                                          const TrustAnchor* trust,
                                          std::vector<pb::Finding>& findings);

// `CheckGenesis` holds the genesis against the trust anchor.
void CheckGenesis(const AuditReplay& replay, const TrustAnchor* trust,
                  std::vector<pb::Finding>& findings);

// `Conclude` orders the findings, the replay's included, and writes counts, environment and the
// sentence; `up_to` is when the log's last entry was received. The report's checkpoint and
// completeness are set before.
void Conclude(AuditReplay& replay, const TrustAnchor* trust, std::vector<pb::Finding> findings,
              const std::optional<Instant>& up_to, pb::AuditReport& report);

// The mark of everything that is shown, printed or exported outside production.
inline constexpr std::string_view kTrainingMark = "TRAINING - NOT FOR PATIENT USE";

// `EnvironmentWord` is "demo", "validation" or "production"; empty when it is not known.
std::string_view EnvironmentWord(pb::Environment environment);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_AUDIT_REPORT_H_
