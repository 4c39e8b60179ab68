// A station's trust in the server is this: the log's key, the genesis, and the last checkpoint
// seen. Hello must answer with a checkpoint the log signed that continues the last one; every
// receipt must lead to such a checkpoint; and every checkpoint of a receipt, larger or smaller than
// those before, is linked to them by a consistency proof: the first one's before it is believed,
// what comes within a second of a link with the next. A checkpoint that waits lies in the station's
// folder before its receipt is believed, so that a program that ends, or a server that gives no
// proof, only puts the question off until the next Hello, which is not believed before it is
// answered. So a server that shows a station two histories must sign both, and the station keeps
// the two signatures as evidence.

#include "client/grpc_session.h"

#include <algorithm>
#include <utility>

#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "custody/event.h"
#include "custody/version.h"

namespace custody {
namespace {

constexpr std::chrono::milliseconds kReconnectTimeout{2'000};  // gRPC's own pause is 1 s
constexpr std::int64_t kLinkEveryMicros = kMicrosPerSecond;
constexpr std::size_t kProvedSizes = 4096;  // more cost a proof each, once more
// No demo is moved by more than a lifetime; more would overflow what is added to the clock.
constexpr std::int64_t kMaxOffsetMs = 100LL * 366 * 86'400'000;

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
      // Of such errors only the clock's comes with a rule; all else is no event.
      return error.verdict.reasons_size() > 0 ? Fate::kAhead : Fate::kRefused;
    case StatusCode::kPermissionDenied:
    case StatusCode::kAlreadyExists:
    case StatusCode::kNotFound:
    case StatusCode::kOutOfRange:
      return Fate::kRefused;
    case StatusCode::kResourceExhausted:
      // Ours says so in words of its own; without them gRPC threw an answer away.
      return error.detailed ? Fate::kUnknown : Fate::kUnread;
    default:
      return Fate::kUnknown;
  }
}

// Under which signatures an event of ours may stand in the log: the very ones, or others by keys
// that were enrolled when it was recorded.
Status CheckSigned(const pb::SignedEvent& found, const pb::SignedEvent& ours,
                   const KeyLookup& keys) {
  if (found.SerializeAsString() == ours.SerializeAsString()) return Status();
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(found.payload()));
  return VerifySignatures(found, parsed, keys);
}

}  // namespace

Status CheckClockOffset(const TrustAnchor& trust, std::int64_t offset_ms) {
  if (offset_ms == 0) return Status();
  if (!trust.origin.starts_with("demo.")) {
    return DataLoss(
        "the server would have this station sign with another time than its clock's, "
        "which only a demo ledger may: sign nothing, tell the trustees");
  }
  if (offset_ms > kMaxOffsetMs || offset_ms < -kMaxOffsetMs) {
    return DataLoss("the server moves the clock by " + std::to_string(offset_ms) +
                    " ms, more than a hundred years");
  }
  return Status();
}

void SetDeadline(grpc::ClientContext& context, std::chrono::milliseconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
}

StatusOr<std::unique_ptr<Session>> Session::Connect(const StationFolder& folder, Clock& clock) {
  CUSTODY_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                           OpenChannel(folder.settings().server, folder.path() / "tls"));
  auto session = std::make_unique<GrpcSession>(folder, clock, channel);
  CUSTODY_RETURN_IF_ERROR(session->Open());
  return std::unique_ptr<Session>(std::move(session));
}

GrpcSession::GrpcSession(StationFolder folder, Clock& clock,
                         const std::shared_ptr<grpc::Channel>& channel)
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
  pb::HelloRequest request;
  request.set_last_checkpoint(last);
  request.set_client("custody/" + std::string(Version()));
  const Instant asked = clock_.Now();
  const std::int64_t asked_monotonic = clock_.MonotonicMicros();
  const Status greeted = Greet(request);
  if (greeted.code() == StatusCode::kResourceExhausted) {
    // Whoever cannot even be greeted works on as if the server were away.
    return Unavailable("the server is too busy to answer: " + Message(greeted));
  }
  if (!greeted.ok()) {
    const StationFolder::Settings& station = folder_.settings();
    return WhyNoConnection(greeted, station.server, folder_.path() / "tls", station.zone);
  }
  CUSTODY_RETURN_IF_ERROR(CheckHello());
  offset_micros_ = hello_.clock_offset_ms() * 1000;
  Measure({asked + offset_micros_, asked_monotonic}, hello_);
  StatusOr<Checkpoint> opened = book_.Open(hello_.checkpoint());
  CUSTODY_RETURN_IF_ERROR(WithContext(opened.status(), "the server's checkpoint"));
  if (!last.empty()) CUSTODY_RETURN_IF_ERROR(CheckContinues(last, *opened));
  linked_ = *std::move(opened);
  linked_note_ = hello_.checkpoint();
  proved_.emplace(linked_.size, linked_.root);
  // What earlier sessions were shown and could not compare comes first.
  CUSTODY_ASSIGN_OR_RETURN(waiting_, folder_.Unlinked());
  Status unkept;
  CUSTODY_RETURN_IF_ERROR(LinkWaiting(unkept));
  CUSTODY_RETURN_IF_ERROR(unkept);
  linked_at_.reset();  // the first receipt is linked before anything is called recorded
  return folder_.KeepCheckpoint(linked_note_);
}

// A connection that failed though somebody listens is made once more: a moment's fault must not
// send a station offline. What is said then is why it failed first.
Status GrpcSession::Greet(const pb::HelloRequest& request) {
  grpc::ClientContext first;
  SetDeadline(first, kCallTimeout);
  Status greeted = FromGrpc(ledger_->Hello(&first, request, &hello_)).status;
  if (greeted.code() != StatusCode::kUnavailable) return greeted;
  if (Message(greeted).find("Connection refused") != std::string::npos) return greeted;
  grpc::ClientContext again;
  SetDeadline(again, kReconnectTimeout);
  again.set_wait_for_ready(true);
  return FromGrpc(ledger_->Hello(&again, request, &hello_)).status.ok() ? Status() : greeted;
}

Status GrpcSession::CheckHello() const {
  const TrustAnchor& trust = folder_.trust();
  if (trust.genesis.has_value() && hello_.genesis() != trust.genesis->view()) {
    return DataLoss("the server keeps another ledger than the one this station trusts");
  }
  return CheckClockOffset(trust, hello_.clock_offset_ms());
}

Status GrpcSession::CheckContinues(const std::string& last, const Checkpoint& opened) {
  // A book of its own: the session's does not yet know that both are of one history.
  CheckpointBook before(folder_.trust().log_key);
  const StatusOr<Checkpoint> kept = before.Open(last);
  CUSTODY_RETURN_IF_ERROR(WithContext(kept.status(), (folder_.path() / "checkpoint").string()));
  const StatusOr<std::vector<Hash>> path = ParsePath(hello_.consistency());
  const Status consistent =
      !path.ok() ? path.status()
      : opened.size < kept->size
          ? DataLoss("it has " + std::to_string(opened.size) + " entries where there were " +
                     std::to_string(kept->size))
          : VerifyConsistency(kept->size, kept->root, opened.size, opened.root, *path);
  return consistent.ok() ? consistent : RewroteHistory(consistent, last, hello_.checkpoint());
}

Status GrpcSession::RewroteHistory(const Status& why, std::string_view kept,
                                   std::string_view served) {
  const StatusOr<std::filesystem::path> evidence = folder_.KeepEvidence("checkpoint", kept, served);
  return DataLoss("the server rewrote history: " + Message(why) +
                  (evidence.ok() ? "; both checkpoints are kept in " + evidence->string()
                                 : "; and the evidence could not be kept") +
                  ": record nothing, tell the trustees");
}

Status GrpcSession::AskConsistency(const Checkpoint& from, const Checkpoint& to,
                                   pb::ConsistencyProofReply& reply) {
  if (from.size == to.size) return Status();
  pb::GetConsistencyProofRequest request;
  request.set_old_size(from.size);
  request.set_size(to.size);
  grpc::ClientContext context;
  SetDeadline(context, kCallTimeout);
  return WithContext(FromGrpc(ledger_->GetConsistencyProof(&context, request, &reply)).status,
                     "the server has not proved that its checkpoints of " +
                         std::to_string(from.size) + " and " + std::to_string(to.size) +
                         " entries are of one history");
}

Status GrpcSession::Link(const std::string& note, Status& unkept) {
  // One at a time: two that both continue the last one need not continue each other.
  const std::lock_guard one_at_a_time(linking_);
  StatusOr<Checkpoint> opened = book_.Open(note);
  Checkpoint linked;
  std::string linked_note;
  {
    const std::lock_guard lock(mutex_);
    linked = linked_;
    linked_note = linked_note_;
    if (opened.ok()) {
      const auto proved = proved_.find(opened->size);
      if (proved != proved_.end() && proved->second == opened->root) return Status();
    }
  }
  if (opened.status().code() == StatusCode::kDataLoss) {
    return RewroteHistory(opened.status(), linked_note, note);
  }
  CUSTODY_RETURN_IF_ERROR(opened.status());
  const Checkpoint& checkpoint = *opened;
  // Consistency is proved from the smaller to the larger, whichever was seen first.
  const bool newer = checkpoint.size >= linked.size;
  const Checkpoint& from = newer ? linked : checkpoint;
  const Checkpoint& to = newer ? checkpoint : linked;
  pb::ConsistencyProofReply reply;
  CUSTODY_RETURN_IF_ERROR(AskConsistency(from, to, reply));
  const StatusOr<std::vector<Hash>> path = ParsePath(reply.path());
  const Status consistent =
      path.ok() ? VerifyConsistency(from.size, from.root, to.size, to.root, *path) : path.status();
  if (!consistent.ok()) return RewroteHistory(consistent, linked_note, note);
  {
    const std::lock_guard lock(mutex_);
    if (proved_.size() >= kProvedSizes) proved_.clear();
    proved_.emplace(checkpoint.size, checkpoint.root);
    if (checkpoint.size <= linked_.size) return Status();
    linked_ = checkpoint;
    linked_note_ = note;
  }
  unkept.Update(folder_.KeepCheckpoint(note));
  return Status();
}

Status GrpcSession::Settle() {
  Status unkept;
  CUSTODY_RETURN_IF_ERROR(LinkWaiting(unkept));
  return unkept;
}

Status GrpcSession::LinkWaiting(Status& unkept) {
  std::vector<std::string> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = waiting_;
  }
  // The newest first: what is older is then compared with what will be kept.
  for (auto note = waiting.rbegin(); note != waiting.rend(); ++note) {
    CUSTODY_RETURN_IF_ERROR(Link(*note, unkept));
    // Left behind it is only compared once more.
    static_cast<void>(folder_.ForgetUnlinked(*note));
    const std::lock_guard lock(mutex_);
    std::erase(waiting_, *note);
  }
  const std::lock_guard lock(mutex_);
  linked_at_ = clock_.MonotonicMicros();
  return Status();
}

Status GrpcSession::Believe(const std::string& note, Status& unkept) {
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, book_.Open(note));
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    const auto proved = proved_.find(checkpoint.size);
    if (proved != proved_.end() && proved->second == checkpoint.root) return Status();
    if (std::ranges::find(waiting_, note) == waiting_.end()) waiting_.push_back(note);
    due = !linked_at_ || clock_.MonotonicMicros() - *linked_at_ >= kLinkEveryMicros;
  }
  // What cannot be kept to be compared later is compared now.
  if (!due && folder_.KeepUnlinked(note).ok()) return Status();
  return LinkWaiting(unkept);
}

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
  if (recorded.fate == Fate::kUnread) AskWhy(signed_event, recorded);
  if (!recorded.status.ok()) return recorded;

  recorded.known = reply.known();
  recorded.verdict = std::move(*reply.mutable_verdict());
  recorded.receipt = std::move(*reply.mutable_receipt());
  recorded.fate = Fate::kUnknown;  // until it is proved
  recorded.status = Prove(signed_event, recorded);
  return recorded;
}

void GrpcSession::AskWhy(const pb::SignedEvent& signed_event, RecordResult& recorded) {
  const StatusOr<pb::Verdict> verdict = Preview(signed_event);
  if (verdict.ok() && verdict->refused()) {
    recorded.fate = Fate::kRefused;
    recorded.verdict = *verdict;
    recorded.status = FailedPrecondition("refused, for more reasons than one answer holds");
    return;
  }
  recorded.status = WithContext(recorded.status, "the server's answer is too long to be received");
}

Status GrpcSession::Prove(const pb::SignedEvent& signed_event, RecordResult& recorded) {
  const std::string& note = recorded.receipt.checkpoint();
  if (const Status opened = book_.Open(note).status(); opened.code() == StatusCode::kDataLoss) {
    const std::string linked = [this] {
      const std::lock_guard lock(mutex_);
      return linked_note_;
    }();
    return RewroteHistory(opened, linked, note);
  }
  pb::SignedEvent in_log = signed_event;
  Status proved = CheckReceipt(in_log, recorded.receipt, book_);
  Status unkept;
  if (!proved.ok() && recorded.known) {
    CUSTODY_ASSIGN_OR_RETURN(in_log, RecordedAs(signed_event, recorded.receipt));
    proved = CheckReceipt(in_log, recorded.receipt, book_);
    // What these people signed here stays, whatever stands in the log for it.
    if (proved.ok()) unkept.Update(folder_.KeepSigned(signed_event));
  }
  CUSTODY_RETURN_IF_ERROR(proved);
  CUSTODY_RETURN_IF_ERROR(Believe(note, unkept));
  pb::Event event;
  event.ParseFromString(in_log.payload());  // CheckReceipt has parsed it
  const Status kept =
      folder_.KeepReceipt(event.chain(), event.sequence(), in_log, recorded.receipt);
  if (kept.code() == StatusCode::kDataLoss) return kept;
  unkept.Update(kept);
  recorded.fate = unkept.ok() ? Fate::kRecorded : Fate::kUnkept;
  return unkept;
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
  // The server's word is not enough: it must stand in its own chain, and whether its signatures
  // hold is for the proved registry to say.
  pb::Event ours;
  if (!ours.ParseFromString(signed_event.payload())) return InvalidArgument("no event");
  const StatusOr<ParsedEvent> parsed = ParseEvent(in_log.payload());
  const pb::Event* found = parsed.ok() ? &parsed->event : nullptr;
  const bool same =
      in_log.payload() == signed_event.payload();  // signed anew: the first one counts
  const bool adopted = found != nullptr && found->has_adopted() &&
                       found->adopted().original().payload() == signed_event.payload();
  if (found == nullptr || found->chain() != ours.chain() || !(same || adopted)) {
    return DataLoss("the server says the event is recorded, but proves another one");
  }
  CUSTODY_ASSIGN_OR_RETURN(const ProvedRegistry proved, ProveRegistry(std::nullopt));
  const KeyLookup keys = KeysAt(*proved.registry, receipt.index());
  Status holds = VerifySignatures(in_log, *parsed, keys);
  if (adopted) holds.Update(CheckSigned(found->adopted().original(), signed_event, keys));
  if (!holds.ok()) {
    return DataLoss(
        "the server says the event is recorded, but under signatures that do not hold: " +
        Message(holds));
  }
  return in_log;
}

}  // namespace custody
