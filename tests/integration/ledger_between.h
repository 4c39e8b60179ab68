// A ledger that stands between a server and the real one: what a test does not change is the real
// one's.
#ifndef CUSTODY_TESTS_INTEGRATION_LEDGER_BETWEEN_H_
#define CUSTODY_TESTS_INTEGRATION_LEDGER_BETWEEN_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/ledger/ledger.h"

namespace custody {

class LedgerBetween : public Ledger {
 public:
  explicit LedgerBetween(std::unique_ptr<Ledger> real) : real_(std::move(real)) {}

  StatusOr<std::string> GetSchema(std::string_view sha256) override {
    return real_->GetSchema(sha256);
  }
  void Record(pb::SignedEvent event, std::string_view station, RecordCallback done) override {
    real_->Record(std::move(event), station, std::move(done));
  }
  StatusOr<pb::ReserveReply> Reserve(std::string_view chain, std::string_view station,
                                     std::uint32_t seconds) override {
    return real_->Reserve(chain, station, seconds);
  }
  StatusOr<pb::HelloReply> Hello(const pb::HelloRequest& request) override {
    return real_->Hello(request);
  }
  void Drain() override { real_->Drain(); }
  StatusOr<std::string> GetCheckpoint(std::optional<std::uint64_t> size) override {
    return real_->GetCheckpoint(size);
  }
  StatusOr<pb::Receipt> GetInclusionProof(std::uint64_t index,
                                          std::optional<std::uint64_t> size) override {
    return real_->GetInclusionProof(index, size);
  }
  StatusOr<pb::ConsistencyProofReply> GetConsistencyProof(
      std::uint64_t old_size, std::optional<std::uint64_t> size) override {
    return real_->GetConsistencyProof(old_size, size);
  }
  StatusOr<pb::HeadsProofReply> GetHeadsProof(std::string_view chain,
                                              std::optional<std::uint64_t> size) override {
    return real_->GetHeadsProof(chain, size);
  }
  Status ReadEntries(const pb::ReadEntriesRequest& request,
                     const std::function<bool(const Hash&)>& may_read,
                     const std::function<bool(const pb::EntryReply&)>& visit) override {
    return real_->ReadEntries(request, may_read, visit);
  }
  std::shared_ptr<const Registry> registry() const override { return real_->registry(); }
  StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id, std::optional<Instant> as_of,
                                           Keep keep) override {
    return real_->GetTherapy(id, as_of, keep);
  }
  StatusOr<std::string> IndexLacks() override { return real_->IndexLacks(); }
  StatusOr<std::vector<std::string>> ListTherapies(std::string_view after,
                                                   std::size_t limit) override {
    return real_->ListTherapies(after, limit);
  }
  StatusOr<std::optional<pb::RecordReply>> FindRecorded(const Hash& event_id) override {
    return real_->FindRecorded(event_id);
  }
  StatusOr<pb::ChainMoved> GetHead(std::string_view chain) override {
    return real_->GetHead(chain);
  }
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& event) override {
    return real_->Preview(event);
  }
  StatusOr<pb::FindReply> Find(const pb::FindRequest& request) override {
    return real_->Find(request);
  }
  StatusOr<std::vector<std::string>> TherapiesNaming(std::string_view type, std::string_view value,
                                                     bool prefix) override {
    return real_->TherapiesNaming(type, value, prefix);
  }
  pb::GetStatusReply GetStatus() override { return real_->GetStatus(); }
  Instant Now() const override { return real_->Now(); }
  StatusOr<Instant> SetClock(const pb::SetClockRequest& request) override {
    return real_->SetClock(request);
  }
  std::shared_ptr<void> Watch(std::function<void(const LedgerChange&)> changed) override {
    return real_->Watch(std::move(changed));
  }
  Status PutSubject(const pb::PutSubjectRequest& request) override {
    return real_->PutSubject(request);
  }
  StatusOr<pb::GetSubjectReply> GetSubject(std::string_view therapy) override {
    return real_->GetSubject(therapy);
  }
  StatusOr<pb::PutAttachmentReply> PutAttachment(std::string_view therapy,
                                                 std::string_view media_type,
                                                 std::string_view bytes) override {
    return real_->PutAttachment(therapy, media_type, bytes);
  }
  StatusOr<std::pair<std::string, std::string>> GetAttachment(std::string_view therapy,
                                                              const Hash& sha256) override {
    return real_->GetAttachment(therapy, sha256);
  }
  Status LogRead(const pb::AccessRecord& record, bool durable) override {
    return real_->LogRead(record, durable);
  }
  Status ReadAccessLog(const pb::ReadAccessLogRequest& request,
                       const std::function<bool(const pb::AccessRecord&)>& visit) override {
    return real_->ReadAccessLog(request, visit);
  }
  Status WriteAlertRows(const Batch& batch) override { return real_->WriteAlertRows(batch); }
  Status ReadAlertRows(std::string_view from, const Snapshot::Visitor& visit) override {
    return real_->ReadAlertRows(from, visit);
  }
  StatusOr<pb::BackupReply> Backup(const std::filesystem::path& folder) override {
    return real_->Backup(folder);
  }

 private:
  const std::unique_ptr<Ledger> real_;
};

// `DamagedLedger` cannot read the therapies that the test names. Thread-safe.
class DamagedLedger final : public LedgerBetween {
 public:
  using LedgerBetween::LedgerBetween;

  void Damage(std::set<std::string, std::less<>> therapies) {
    const std::lock_guard lock(mutex_);
    damaged_ = std::move(therapies);
  }
  StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id, std::optional<Instant> as_of,
                                           Keep keep) override {
    {
      const std::lock_guard lock(mutex_);
      if (damaged_.contains(id)) return DataLoss("a block of the disk is damaged");
    }
    return LedgerBetween::GetTherapy(id, as_of, keep);
  }

 private:
  std::mutex mutex_;
  std::set<std::string, std::less<>> damaged_;  // under mutex_
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_LEDGER_BETWEEN_H_
