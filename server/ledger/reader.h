// Reading a data folder without a server and without trusting anything in it: for auditors.
#ifndef CUSTODY_SERVER_LEDGER_READER_H_
#define CUSTODY_SERVER_LEDGER_READER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/auditor.h"
#include "custody/pb.h"
#include "custody/trust.h"

namespace custody {

// `LedgerReader` gives a data folder's bytes as they lie there. It writes nothing.
class LedgerReader {
 public:
  // `Open` opens the folder (or a backup) read-only. NOT_FOUND, DATA_LOSS, FAILED_PRECONDITION as
  // OpenRocksStore.
  static StatusOr<std::unique_ptr<LedgerReader>> Open(const std::filesystem::path& folder);
  virtual ~LedgerReader() = default;
  virtual std::uint64_t size() const = 0;
  // The newest checkpoint (signed note).
  virtual StatusOr<std::string> NewestCheckpoint() const = 0;
  // `ForEach` visits entries from `from` on in log order: entry bytes and signed event, or why they
  // cannot be read. Stops when `visit` returns false.
  virtual Status ForEach(
      std::uint64_t from,
      const std::function<bool(std::uint64_t index, const StatusOr<std::string>& entry,
                               const StatusOr<pb::SignedEvent>& signed_event)>& visit) const = 0;
};

// `AuditFolder` audits a data folder or a backup read-only: every byte, hash, chain, signature and
// rule. `trust` may be null (nobody is pinned). Errors as LedgerReader's.
StatusOr<pb::AuditReport> AuditFolder(const std::filesystem::path& folder, const TrustAnchor* trust,
                                      const AuditOptions& options);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_READER_H_
