// A station's session with the server: connect, Hello, sign, record, and believe nothing unproved.
#ifndef CUSTODY_CLIENT_SESSION_H_
#define CUSTODY_CLIENT_SESSION_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/station_folder.h"
#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "custody/trust.h"
#include "custody/v1/service.pb.h"

namespace custody {

// What is to become of an event that was handed in.
enum class Fate {
  kRecorded,  // and proved, and its receipt is kept
  kUnkept,    // recorded and proved, but this station could not keep the receipt (a full disk)
  kUnknown,   // not reached, not judged or not proved: the same event is handed in again
  kReserved,  // another station has the chain for minutes: the same event is handed in again then
  kMoved,     // its place in the chain is taken
  kRefused,   // judged, and never to be recorded as it stands
  kAhead,     // signed more than 2 min ahead of the ledger's time (R03): handed in again later
  kUnread,    // answered, but the answer could not be received: it waits, and its chain behind it
};

// `CheckClockOffset` is DATA_LOSS unless a station that trusts `trust` may sign with its clock
// moved by `offset_ms`: only stations of demo ledgers may, whose origin begins "demo.".
Status CheckClockOffset(const TrustAnchor& trust, std::int64_t offset_ms);

// What came of handing an event in. `status` is OK exactly when it is recorded and its receipt was
// verified and kept; otherwise `verdict`, `moved` and `bad_fields` say what the server said.
struct RecordResult {
  Status status;
  Fate fate = Fate::kUnknown;
  pb::Receipt receipt;
  pb::Verdict verdict;
  bool known = false;
  std::optional<pb::ChainMoved> moved;
  pb::BadFields bad_fields;
};

// `Session` is one connection of one station. Thread-safe. Every call has a deadline.
class Session {
 public:
  // `Connect` opens mutual TLS 1.3 to the folder's server, says Hello, verifies the server's
  // checkpoint against the trust anchor and demands consistency with the last checkpoint this
  // station saw: DATA_LOSS when the server rewrote history. UNAVAILABLE when it cannot be reached,
  // UNAUTHENTICATED when its certificate is not the ledger's. The session keeps a folder of its
  // own; `clock` must outlive it.
  static StatusOr<std::unique_ptr<Session>> Connect(const StationFolder& folder, Clock& clock);
  virtual ~Session() = default;

  virtual const pb::HelloReply& hello() const = 0;
  // Station time: the clock plus a demo ledger's offset.
  virtual Instant Now() const = 0;
  // `ClockAhead` is how many microseconds the station's time lies ahead of the ledger's, negative
  // when behind, as far as it can be told (the time of a call counts for the station). It was
  // measured within a minute, and anew when the machine's clock was set since; nothing when the
  // server tells no time.
  virtual std::optional<std::int64_t> ClockAhead() = 0;

  // `Record` sends, verifies the receipt (entry against event, record, path, log signature), keeps
  // it with the signed event, and only then reports success.
  virtual RecordResult Record(const pb::SignedEvent& signed_event) = 0;
  // `Settle` demands that all receipts so far belong to one history; Record does so at most a
  // second late, and what no session came to comes at the next Connect. DATA_LOSS when the server
  // rewrote history.
  virtual Status Settle() = 0;
  // `Reserve` keeps the chain's head for this station for 1 to 300 seconds, or until an event of it
  // is recorded; 0 gives it back. ABORTED while another station has it.
  virtual StatusOr<pb::ReserveReply> Reserve(std::string_view chain, std::uint32_t seconds) = 0;
  virtual StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) = 0;

  // `LoadRegistry` reads and verifies all registry chains the caller may read and folds them.
  // DATA_LOSS when Hello named another environment than the ledger was founded for.
  virtual StatusOr<std::shared_ptr<const Registry>> LoadRegistry() = 0;
  // `ReadChain` gives a chain's entries in sequence, each verified against the session's
  // checkpoint; empty when the chain has no event yet (proved absent).
  virtual StatusOr<std::vector<pb::EntryReply>> ReadChain(std::string_view chain) = 0;

  virtual StatusOr<pb::GetTherapyReply> GetTherapy(std::string_view id,
                                                   std::optional<Instant> as_of) = 0;
  virtual StatusOr<pb::NextStepsReply> NextSteps(std::string_view id,
                                                 std::optional<Instant> as_of) = 0;
  virtual Status WatchTherapies(
      const pb::WatchTherapiesRequest& request,
      const std::function<bool(const pb::WatchTherapiesReply&)>& changed) = 0;
  virtual StatusOr<pb::FindReply> Find(std::string_view type, std::string_view value) = 0;
  // One page each, as the services say.
  virtual StatusOr<pb::ListTherapiesReply> ListTherapies(
      const pb::ListTherapiesRequest& request) = 0;
  virtual StatusOr<pb::TraceReply> Trace(const pb::TraceRequest& request) = 0;
  virtual StatusOr<pb::InventoryReply> Inventory(const pb::InventoryRequest& request) = 0;
  virtual StatusOr<pb::WorklistReply> Worklist(const pb::WorklistRequest& request) = 0;
  virtual Status PutSubject(const pb::PutSubjectRequest& request) = 0;
  virtual StatusOr<pb::GetSubjectReply> GetSubject(const pb::GetSubjectRequest& request) = 0;
  virtual StatusOr<pb::PutAttachmentReply> PutAttachment(std::string_view therapy,
                                                         std::string_view media_type,
                                                         std::string_view bytes) = 0;
  virtual StatusOr<std::string> GetAttachment(std::string_view therapy, const Hash& sha256) = 0;
  // `ExportBundle` collects everything about one therapy at the newest checkpoint that meets the
  // trust anchor's policy and gives the bundle's text.
  virtual StatusOr<std::string> ExportBundle(std::string_view id, bool with_attachments) = 0;
  // Proofs and administration, as the services say.
  virtual StatusOr<pb::HeadsProofReply> GetHeadsProof(std::string_view chain,
                                                      std::optional<std::uint64_t> size) = 0;
  virtual Status ReadEntries(const pb::ReadEntriesRequest& request,
                             const std::function<bool(const pb::EntryReply&)>& visit) = 0;
  virtual StatusOr<pb::GetStatusReply> GetStatus() = 0;
  virtual StatusOr<pb::SetClockReply> SetClock(const pb::SetClockRequest& request) = 0;
  virtual StatusOr<pb::BackupReply> Backup(std::string_view folder) = 0;
  virtual StatusOr<pb::ListAlertsReply> ListAlerts(const pb::ListAlertsRequest& request) = 0;
  virtual StatusOr<pb::TestAlertReply> TestAlert(std::string_view site) = 0;
  virtual Status ReadAccessLog(const pb::ReadAccessLogRequest& request,
                               const std::function<bool(const pb::AccessRecord&)>& visit) = 0;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_SESSION_H_
