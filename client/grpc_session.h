// The session over gRPC; others see session.h.
#ifndef CUSTODY_CLIENT_GRPC_SESSION_H_
#define CUSTODY_CLIENT_GRPC_SESSION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/channel.h"
#include "client/proofs.h"
#include "client/rpc_status.h"
#include "client/session.h"
#include "custody/v1/service.grpc.pb.h"

namespace custody {

class GrpcSession final : public Session {
 public:
  // `clock` must outlive the session.
  GrpcSession(StationFolder folder, Clock& clock, const std::shared_ptr<grpc::Channel>& channel);
  ~GrpcSession() override;

  // `Open` says Hello and judges the answer; the session is of no use before.
  Status Open();

  const pb::HelloReply& hello() const override { return hello_; }
  Instant Now() const override;
  std::optional<std::int64_t> ClockAhead() override;
  RecordResult Record(const pb::SignedEvent& signed_event) override;
  Status Settle() override;
  StatusOr<pb::ReserveReply> Reserve(std::string_view chain, std::uint32_t seconds) override;
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override;
  StatusOr<std::shared_ptr<const Registry>> LoadRegistry() override;
  StatusOr<std::vector<pb::EntryReply>> ReadChain(std::string_view chain) override;
  StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id,
                                           std::optional<Instant> as_of) override;
  StatusOr<pb::NextStepsReply> NextSteps(std::string_view id,
                                         std::optional<Instant> as_of) override;
  Status WatchTherapies(
      const pb::WatchTherapiesRequest& request,
      const std::function<bool(const pb::WatchTherapiesReply&)>& changed) override;
  StatusOr<pb::FindReply> Find(std::string_view type, std::string_view value) override;
  StatusOr<pb::ListTherapiesReply> ListTherapies(const pb::ListTherapiesRequest& request) override;
  StatusOr<pb::TraceReply> Trace(const pb::TraceRequest& request) override;
  StatusOr<pb::InventoryReply> Inventory(const pb::InventoryRequest& request) override;
  StatusOr<pb::WorklistReply> Worklist(const pb::WorklistRequest& request) override;
  Status PutSubject(const pb::PutSubjectRequest& request) override;
  StatusOr<pb::GetSubjectReply> GetSubject(const pb::GetSubjectRequest& request) override;
  StatusOr<pb::PutAttachmentReply> PutAttachment(std::string_view therapy,
                                                 std::string_view media_type,
                                                 std::string_view bytes) override;
  StatusOr<std::string> GetAttachment(std::string_view therapy, const Hash& sha256) override;
  StatusOr<std::string> ExportBundle(std::string_view id, bool with_attachments) override;
  StatusOr<pb::HeadsProofReply> GetHeadsProof(std::string_view chain,
                                              std::optional<std::uint64_t> size) override;
  Status ReadEntries(const pb::ReadEntriesRequest& request,
                     const std::function<bool(const pb::EntryReply&)>& visit) override;
  StatusOr<pb::GetStatusReply> GetStatus() override;
  StatusOr<pb::SetClockReply> SetClock(const pb::SetClockRequest& request) override;
  StatusOr<pb::BackupReply> Backup(std::string_view folder) override;
  StatusOr<pb::ListAlertsReply> ListAlerts(const pb::ListAlertsRequest& request) override;
  StatusOr<pb::TestAlertReply> TestAlert(std::string_view site) override;
  Status ReadAccessLog(const pb::ReadAccessLogRequest& request,
                       const std::function<bool(const pb::AccessRecord&)>& visit) override;

  // --- What reading chains and exporting share ---------------------------------------------------
  struct ProvedChain {
    ProvedHead head;
    std::vector<pb::EntryReply> entries;  // in sequence, with paths to the head's checkpoint
  };
  // `ProveChain` reads a whole chain at checkpoint `size`, or the newest.
  StatusOr<ProvedChain> ProveChain(std::string_view chain, std::optional<std::uint64_t> size);
  // `ProveRegistry` reads all registry chains at one checkpoint and folds them.
  struct ProvedRegistry {
    std::map<std::string, ProvedChain> chains;
    std::shared_ptr<const Registry> registry;
  };
  StatusOr<ProvedRegistry> ProveRegistry(std::optional<std::uint64_t> size);
  StatusOr<std::string> GetSchema(const Hash& sha256);
  const StationFolder& folder() const { return folder_; }

 private:
  // The station's time and the monotonic one, read together.
  struct Moment {
    Instant wall;
    std::int64_t monotonic = 0;
  };
  Moment Read() const { return {Now(), clock_.MonotonicMicros()}; }
  // `Measure` compares the server's time in an answer with the station's, before it was asked and
  // now.
  void Measure(const Moment& asked, const pb::HelloReply& reply);
  Status Greet(const pb::HelloRequest& request);
  // `CheckHello` judges what the server says of itself in Hello against the trust anchor.
  Status CheckHello() const;
  // `CheckContinues` demands that the log at `opened` (Hello's) continues `last`.
  Status CheckContinues(const std::string& last, const Checkpoint& opened);
  // `Link` demands that the log at `note` and what this station saw before are of one history, and
  // keeps the newer; when only the keeping failed it is OK, and `unkept` says why.
  Status Link(const std::string& note, Status& unkept);
  Status AskConsistency(const Checkpoint& from, const Checkpoint& to,
                        pb::ConsistencyProofReply& reply);
  Status RewroteHistory(const Status& why, std::string_view kept, std::string_view served);
  // `Believe` takes the checkpoint of a receipt: it is linked now, or within a second; until then
  // it lies in the station's folder.
  Status Believe(const std::string& note, Status& unkept);
  // `LinkWaiting` links every checkpoint that waits for it.
  Status LinkWaiting(Status& unkept);
  // `AskWhy` finds out what the server thinks of an event when its answer to Record was too long
  // for the wire.
  void AskWhy(const pb::SignedEvent& signed_event, RecordResult& recorded);
  // `Prove` believes a receipt or says why not, and keeps it.
  Status Prove(const pb::SignedEvent& signed_event, RecordResult& recorded);
  // `RecordedAs` finds under which bytes a known event was recorded, when not under ours, and
  // verifies that they stand in its chain under signatures of enrolled keys.
  StatusOr<pb::SignedEvent> RecordedAs(const pb::SignedEvent& signed_event,
                                       const pb::Receipt& receipt);

  const StationFolder folder_;
  Clock& clock_;
  const std::unique_ptr<pb::Ledger::Stub> ledger_;
  const std::unique_ptr<pb::Custody::Stub> custody_;
  const std::unique_ptr<pb::Attachments::Stub> attachments_;
  CheckpointBook book_;
  pb::HelloReply hello_;

  std::mutex mutex_;
  std::string linked_note_;  // newest checkpoint proved consistent with all before
  Checkpoint linked_;
  std::map<std::uint64_t, Hash> proved_;         // sizes and roots proved to be of that history
  std::vector<std::string> waiting_;             // signed by the log, seen, not linked yet
  std::optional<std::int64_t> linked_at_;        // monotonic microseconds
  std::atomic<std::int64_t> offset_micros_ = 0;  // a demo ledger's, as Hello last said
  std::mutex clock_mutex_;
  std::optional<std::int64_t> ahead_;  // at `measured_`
  Moment measured_;
  std::mutex linking_;  // held while one checkpoint is linked
};

// `SetDeadline` bounds a call.
void SetDeadline(grpc::ClientContext& context, std::chrono::milliseconds timeout);

}  // namespace custody

#endif  // CUSTODY_CLIENT_GRPC_SESSION_H_
