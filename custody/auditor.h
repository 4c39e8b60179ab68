// The auditor: holds a record against everything that can be known of it, and reports all it finds.
//
// It never repairs, never stops at the first fault, and tells an unreadable file from a broken
// chain. The same auditor runs in custody-audit, in the tests as the oracle, and over a whole
// ledger.
#ifndef CUSTODY_CUSTODY_AUDITOR_H_
#define CUSTODY_CUSTODY_AUDITOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/trust.h"

namespace custody {

struct AuditOptions {
  unsigned threads = 0;    // for signatures; 0: one a processor
  bool signatures = true;  // false: hashes, chains and heads only (for measuring)
  // Told about progress: entries done, entries in all. May be empty. Called from the caller's
  // thread.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// `AuditBundle` verifies a bundle's text against `trust` (none: the bundle's own log key, registry
// not pinned). Findings are ordered by (index, check).
pb::AuditReport AuditBundle(std::string_view json, const TrustAnchor* trust,
                            const AuditOptions& options);

// The same for a bundle that was read already, or never was a file.
struct Bundle;
pb::AuditReport AuditBundle(Bundle bundle, const TrustAnchor* trust, const AuditOptions& options);

// `LogAuditor` verifies a whole ledger, entry by entry from index 0: every hash, chain, heads root,
// signature, authority and rule is computed anew.
class LogAuditor {
 public:
  LogAuditor(const TrustAnchor* trust, AuditOptions options);
  ~LogAuditor();

  // `Add` takes the next entry. `signed_event` is null where it was not to be had (withheld from
  // the caller): structure is checked all the same, and that is said.
  void Add(std::string_view entry, const pb::SignedEvent* signed_event);
  // `AddWithoutEvent` is for an entry whose event should be there and could not be read, with why.
  void AddWithoutEvent(std::string_view entry, std::string_view why);
  // `AddUnreadable` takes the place of an entry that could not be read, with why.
  void AddUnreadable(std::string_view why);
  // `Finish` compares the root with `checkpoint` (signed note) and gives the report. Add no entries
  // beyond its size: what the log did not promise is a finding.
  pb::AuditReport Finish(std::string_view checkpoint);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// `ExitCode` is 0 when nothing is above NOTE, else 1.
int ExitCode(const pb::AuditReport& report);
// `Render` puts a report in plain words, ending in its sentence.
std::string Render(const pb::AuditReport& report);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_AUDITOR_H_
