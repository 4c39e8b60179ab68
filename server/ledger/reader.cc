#include "server/ledger/reader.h"

#include <utility>

#include "server/ledger/rows.h"
#include "server/store/store.h"

namespace custody {
namespace {

class StoreReader final : public LedgerReader {
 public:
  explicit StoreReader(std::unique_ptr<Store> store)
      : store_(std::move(store)), snapshot_(store_->GetSnapshot()) {}

  std::uint64_t size() const override { return snapshot_->version().log_size; }

  StatusOr<std::string> NewestCheckpoint() const override {
    CUSTODY_ASSIGN_OR_RETURN(KeptCheckpoint newest, custody::NewestCheckpoint(*snapshot_));
    return std::move(newest.note);
  }

  Status ForEach(std::uint64_t from,
                 const std::function<bool(std::uint64_t index, const StatusOr<std::string>& entry,
                                          const StatusOr<pb::SignedEvent>& signed_event)>& visit)
      const override {
    for (std::uint64_t index = from; index < size(); ++index) {
      const StatusOr<std::string> entry =
          GetPromised(*snapshot_, Table::kEntries, U64(index), "entry " + std::to_string(index));
      if (!visit(index, entry, ReadSigned(*snapshot_, index))) break;
    }
    return {};
  }

 private:
  const std::unique_ptr<Store> store_;
  const std::unique_ptr<const Snapshot> snapshot_;
};

}  // namespace

StatusOr<std::unique_ptr<LedgerReader>> LedgerReader::Open(const std::filesystem::path& folder) {
  StoreOptions options;
  options.folder = folder / "db";
  options.read_only = true;
  CUSTODY_ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenRocksStore(options));
  return std::make_unique<StoreReader>(std::move(store));
}

StatusOr<pb::AuditReport> AuditFolder(const std::filesystem::path& folder, const TrustAnchor* trust,
                                      const AuditOptions& options) {
  CUSTODY_ASSIGN_OR_RETURN(const auto reader, LedgerReader::Open(folder));
  // The folder as it was when it was opened: what is recorded meanwhile is for the next audit.
  CUSTODY_ASSIGN_OR_RETURN(const std::string checkpoint, reader->NewestCheckpoint());
  LogAuditor auditor(trust, options);
  CUSTODY_RETURN_IF_ERROR(reader->ForEach(0, [&](std::uint64_t, const StatusOr<std::string>& entry,
                                                 const StatusOr<pb::SignedEvent>& signed_event) {
    if (!entry.ok()) {
      auditor.AddUnreadable(Message(entry.status()));
    } else if (!signed_event.ok()) {
      auditor.AddWithoutEvent(*entry, Message(signed_event.status()));
    } else {
      auditor.Add(*entry, &*signed_event);
    }
    return true;
  }));
  return auditor.Finish(checkpoint);
}

}  // namespace custody
