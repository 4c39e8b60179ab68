// Audits of a ledger in memory, and what tests ask of a report.
#ifndef CUSTODY_TESTS_SUPPORT_AUDITS_H_
#define CUSTODY_TESTS_SUPPORT_AUDITS_H_

#include <string>
#include <string_view>

#include "custody/auditor.h"
#include "tests/support/ledger_bundle.h"

namespace custody {

// `AuditLedger` audits the whole of `ledger`.
inline pb::AuditReport AuditLedger(const TestLedger& ledger, const TrustAnchor* trust,
                                   const AuditOptions& options = {}) {
  LogAuditor auditor(trust, options);
  for (const Recorded& recorded : ledger.log()) {
    auditor.Add(recorded.entry_bytes, &recorded.signed_event);
  }
  return auditor.Finish(ledger.SignedCheckpoint());
}

// `Findings` puts a report's findings above NOTE one a line, for messages of failed tests.
inline std::string Findings(const pb::AuditReport& report) {
  std::string text;
  for (const pb::Finding& finding : report.findings()) {
    if (finding.grade() != pb::NOTE) text += finding.ShortDebugString() + "\n";
  }
  return text;
}

// `HasFinding` says whether `report` has one of `grade` by `check`.
inline bool HasFinding(const pb::AuditReport& report, pb::FindingGrade grade,
                       std::string_view check) {
  for (const pb::Finding& finding : report.findings()) {
    if (finding.grade() == grade && finding.check() == check) return true;
  }
  return false;
}

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_AUDITS_H_
