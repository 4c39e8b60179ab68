// A station's trust in the server is this: the log's key, the genesis, and the last checkpoint
// seen. Hello must answer with a checkpoint the log signed that continues the last one; every
// receipt must lead to such a checkpoint; and the checkpoints of receipts are linked to each other
// by consistency proofs: that of the first receipt before it is believed, the others at most a
// second late, the last at the session's end. So a server that shows a station two histories must
// sign both, and the station keeps the two signatures as evidence.

#include "client/grpc_session.h"

#include <algorithm>
#include <utility>

#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "custody/event.h"

namespace custody {
namespace {

constexpr std::int64_t kLinkEveryMicros = kMicrosPerSecond;

// What the server's answer leaves to be done with the event. Only a judgement refuses it: a ledger
// that is read-only, full or failing has judged nothing, and what was signed is kept for later.
Fate FateOf(const RpcError& error) {
  switch (error.status.code()) {
    case StatusCode::kOk:
      return Fate::kRecorded;
    case StatusCode::kAborted:
      return error.moved ? Fate::kMoved : Fate::kReserved;
    case StatusCode::kFailedPrecondition:
      return error.verdict.refused() || error.verdict.reasons_size() > 0 ? Fate::kRefused
                                                                         : Fate::kUnknown;
    case StatusCode::kInvalidArgument:
    case StatusCode::kPermissionDenied:
    case StatusCode::kAlreadyExists:
    case StatusCode::kNotFound:
    case StatusCode::kOutOfRange:
      return Fate::kRefused;
    default:
      return Fate::kUnknown;
  }
}

}  // namespace

void SetDeadline(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

StatusOr<std::unique_ptr<Session>> Session::Connect(const StationFolder& folder, Clock& clock) {
  CUSTODY_ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                           OpenChannel(folder.settings().server, folder.path() / "tls"));
  auto session = std::make_unique<GrpcSession>(folder, clock, std::move(channel));
  CUSTODY_RETURN_IF_ERROR(session->Open());
  return std::unique_ptr<Session>(std::move(session));
}

GrpcSession::GrpcSession(StationFolder folder, Clock& clock, std::shared_ptr<grpc::Channel> channel)
    : folder_(std::move(folder)),
      clock_(clock),
      ledger_(pb::Ledger::NewStub(channel)),
      custody_(pb::Custody::NewStub(channel)),
      attachments_(pb::Attachments::NewStub(channel)),
      book_(folder_.trust().log_key) {}

GrpcSession::~GrpcSession() {
  // What was not linked yet is linked now if it can be; if not, the checkpoint kept stays the one
  // the next Hello must continue.
  static_cast<void>(Settle());
}

Status GrpcSession::Open() {
  CUSTODY_ASSIGN_OR_RETURN(const std::string last, folder_.LastCheckpoint());
  Checkpoint kept;
  if (!last.empty()) {
    StatusOr<Checkpoint> opened = book_.Open(last);
    CUSTODY_RETURN_IF_ERROR(WithContext(opened.status(), (folder_.path() / "checkpoint").string()));
    kept = *std::move(opened);
  }
  pb::HelloRequest request;
  request.set_last_checkpoint(last);
  request.set_client("custody/0.1.0");
  grpc::ClientContext context;
  SetDeadline(context, kCallTimeout);
  CUSTODY_RETURN_IF_ERROR(FromGrpc(ledger_->Hello(&context, request, &hello_)).status);

  const TrustAnchor& trust = folder_.trust();
  if (trust.genesis.has_value() && hello_.genesis() != trust.genesis->view()) {
    return DataLoss("the server keeps another ledger than the one this station trusts");
  }
  StatusOr<Checkpoint> opened = book_.Open(hello_.checkpoint());
  if (opened.status().code() == StatusCode::kDataLoss) {
    return RewroteHistory(opened.status(), last, hello_.checkpoint());
  }
  CUSTODY_RETURN_IF_ERROR(WithContext(opened.status(), "the server's checkpoint"));
  if (!last.empty()) {
    const StatusOr<std::vector<Hash>> path = ParsePath(hello_.consistency());
    const Status consistent =
        !path.ok() ? path.status()
        : opened->size < kept.size
            ? DataLoss("it has " + std::to_string(opened->size) + " entries where there were " +
                       std::to_string(kept.size))
            : VerifyConsistency(kept.size, kept.root, opened->size, opened->root, *path);
    if (!consistent.ok()) return RewroteHistory(consistent, last, hello_.checkpoint());
  }
  linked_ = *std::move(opened);
  linked_note_ = newest_note_ = hello_.checkpoint();
  newest_size_ = linked_.size;
  linked_at_.reset();  // the first receipt is linked before anything is called recorded
  return folder_.KeepCheckpoint(linked_note_);
}

Status GrpcSession::RewroteHistory(const Status& why, std::string_view kept,
                                   std::string_view served) {
  const StatusOr<std::filesystem::path> evidence = folder_.KeepEvidence("checkpoint", kept, served);
  return DataLoss("the server rewrote history: " + Message(why) +
                  (evidence.ok() ? "; both checkpoints are kept in " + evidence->string()
                                 : "; and the evidence could not be kept") +
                  ": record nothing, tell the trustees");
}

Status GrpcSession::Link(const std::string& note, Status& unkept) {
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, book_.Open(note));
  Checkpoint linked;
  std::string linked_note;
  {
    const std::lock_guard lock(mutex_);
    if (note == linked_note_) return Status();
    linked = linked_;
    linked_note = linked_note_;
  }
  // Consistency is proved from the smaller to the larger, whichever was seen first.
  const bool newer = checkpoint.size >= linked.size;
  const Checkpoint& from = newer ? linked : checkpoint;
  const Checkpoint& to = newer ? checkpoint : linked;
  pb::ConsistencyProofReply reply;
  if (from.size != to.size) {
    pb::GetConsistencyProofRequest request;
    request.set_old_size(from.size);
    request.set_size(to.size);
    grpc::ClientContext context;
    SetDeadline(context, kCallTimeout);
    CUSTODY_RETURN_IF_ERROR(
        FromGrpc(ledger_->GetConsistencyProof(&context, request, &reply)).status);
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> path, ParsePath(reply.path()));
  const Status consistent = VerifyConsistency(from.size, from.root, to.size, to.root, path);
  if (!consistent.ok()) return RewroteHistory(consistent, linked_note, note);
  if (!newer) return Status();
  {
    const std::lock_guard lock(mutex_);
    linked_at_ = clock_.MonotonicMicros();
    if (checkpoint.size < linked_.size) return Status();
    linked_ = checkpoint;
    linked_note_ = note;
    if (newest_size_ < checkpoint.size) {
      newest_size_ = checkpoint.size;
      newest_note_ = note;
    }
  }
  unkept = folder_.KeepCheckpoint(note);
  return Status();
}

Status GrpcSession::Settle() {
  Status unkept;
  CUSTODY_RETURN_IF_ERROR(LinkNow(/*always=*/true, unkept));
  return unkept;
}

Status GrpcSession::LinkNow(bool always, Status& unkept) {
  std::string note;
  {
    const std::lock_guard lock(mutex_);
    if (newest_note_ == linked_note_) return Status();
    const std::int64_t now = clock_.MonotonicMicros();
    if (!always && linked_at_ && now - *linked_at_ < kLinkEveryMicros) return Status();
    linked_at_ = now;  // one thread does it, the others go on
    note = newest_note_;
  }
  return Link(note, unkept);
}

Instant GrpcSession::Now() const { return clock_.Now() + hello_.clock_offset_ms() * 1000; }

RecordResult GrpcSession::Record(const pb::SignedEvent& signed_event) {
  RecordResult recorded;
  pb::RecordRequest request;
  *request.mutable_signed_() = signed_event;
  pb::RecordReply reply;
  grpc::ClientContext context;
  SetDeadline(context, kCallTimeout);
  RpcError error = FromGrpc(ledger_->Record(&context, request, &reply));
  recorded.fate = FateOf(error);
  recorded.status = std::move(error.status);
  recorded.verdict = std::move(error.verdict);
  recorded.bad_fields = std::move(error.bad_fields);
  recorded.moved = std::move(error.moved);
  if (!recorded.status.ok()) return recorded;

  recorded.known = reply.known();
  recorded.verdict = std::move(*reply.mutable_verdict());
  recorded.receipt = std::move(*reply.mutable_receipt());
  recorded.fate = Fate::kUnknown;  // until it is proved
  recorded.status = [&]() -> Status {
    pb::SignedEvent in_log = signed_event;
    Status proved = CheckReceipt(in_log, recorded.receipt, book_);
    if (!proved.ok() && recorded.known) {
      CUSTODY_ASSIGN_OR_RETURN(in_log, RecordedAs(signed_event, recorded.receipt));
      proved = CheckReceipt(in_log, recorded.receipt, book_);
    }
    CUSTODY_RETURN_IF_ERROR(proved);
    CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint,
                             book_.Open(recorded.receipt.checkpoint()));
    {
      const std::lock_guard lock(mutex_);
      if (checkpoint.size > newest_size_) {
        newest_size_ = checkpoint.size;
        newest_note_ = recorded.receipt.checkpoint();
      }
    }
    Status unkept;
    CUSTODY_RETURN_IF_ERROR(LinkNow(/*always=*/false, unkept));
    pb::Event event;
    event.ParseFromString(in_log.payload());  // CheckReceipt has parsed it
    const Status kept =
        folder_.KeepReceipt(event.chain(), event.sequence(), in_log, recorded.receipt);
    if (kept.code() == StatusCode::kDataLoss) return kept;
    unkept.Update(kept);
    recorded.fate = unkept.ok() ? Fate::kRecorded : Fate::kUnkept;
    return unkept;
  }();
  return recorded;
}

StatusOr<pb::SignedEvent> GrpcSession::RecordedAs(const pb::SignedEvent& signed_event,
                                                  const pb::Receipt& receipt) {
  pb::ReadEntriesRequest request;
  request.set_from(receipt.index());
  request.set_limit(1);
  request.set_with_events(true);
  pb::SignedEvent in_log;
  CUSTODY_RETURN_IF_ERROR(ReadEntries(request, [&](const pb::EntryReply& entry) {
    in_log = entry.signed_();
    return false;
  }));
  if (in_log.payload() == signed_event.payload()) return in_log;  // signed anew, first one counts
  pb::Event event;
  const bool adopted = event.ParseFromString(in_log.payload()) && event.has_adopted() &&
                       event.adopted().original().payload() == signed_event.payload();
  if (adopted) return in_log;
  return DataLoss("the server says the event is recorded, but proves another one");
}

}  // namespace custody
