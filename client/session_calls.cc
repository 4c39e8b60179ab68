// The calls of a session that only pass on what was asked and what was answered.

#include <algorithm>
#include <utility>

#include "client/grpc_session.h"

namespace custody {
namespace {

constexpr std::size_t kChunkBytes = 512 << 10;
constexpr std::chrono::hours kWatchTimeout{24};

// `Ask` makes one unary call of a stub.
template <class Stub, class Request, class Reply>
StatusOr<Reply> Ask(Stub& stub,
                    grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Reply*),
                    const Request& request, std::chrono::milliseconds timeout = kCallTimeout) {
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  Reply reply;
  CUSTODY_RETURN_IF_ERROR(FromGrpc((stub.*call)(&context, request, &reply)).status);
  return reply;
}

// `Drain` reads a stream until its end or until `visit` has enough.
template <class Reply>
Status Drain(grpc::ClientContext& context, std::unique_ptr<grpc::ClientReader<Reply>> reader,
             const std::function<bool(const Reply&)>& visit) {
  Reply reply;
  while (reader->Read(&reply)) {
    if (visit(reply)) continue;
    context.TryCancel();
    reader->Finish();  // CANCELLED, as asked
    return Status();
  }
  return FromGrpc(reader->Finish()).status;
}

}  // namespace

StatusOr<pb::ReserveReply> GrpcSession::Reserve(std::string_view chain, std::uint32_t seconds) {
  pb::ReserveRequest request;
  request.set_chain(std::string(chain));
  request.set_seconds(seconds);
  return Ask(*ledger_, &pb::Ledger::Stub::Reserve, request);
}

StatusOr<pb::Verdict> GrpcSession::Preview(const pb::SignedEvent& signed_event) {
  pb::PreviewRequest request;
  *request.mutable_signed_() = signed_event;
  CUSTODY_ASSIGN_OR_RETURN(pb::PreviewReply reply,
                           Ask(*custody_, &pb::Custody::Stub::Preview, request));
  return std::move(*reply.mutable_verdict());
}

StatusOr<pb::GetTherapyReply> GrpcSession::GetTherapy(std::string_view id,
                                                      std::optional<Instant> as_of) {
  pb::GetTherapyRequest request;
  request.set_therapy(std::string(id));
  if (as_of.has_value()) *request.mutable_as_of() = ToProto(*as_of);
  return Ask(*custody_, &pb::Custody::Stub::GetTherapy, request);
}

StatusOr<pb::NextStepsReply> GrpcSession::NextSteps(std::string_view id,
                                                    std::optional<Instant> as_of) {
  pb::NextStepsRequest request;
  request.set_therapy(std::string(id));
  if (as_of.has_value()) *request.mutable_as_of() = ToProto(*as_of);
  return Ask(*custody_, &pb::Custody::Stub::NextSteps, request);
}

Status GrpcSession::WatchTherapies(
    const pb::WatchTherapiesRequest& request,
    const std::function<bool(const pb::WatchTherapiesReply&)>& changed) {
  grpc::ClientContext context;
  SetDeadline(context, kWatchTimeout);
  return Drain(context, custody_->WatchTherapies(&context, request), changed);
}

StatusOr<pb::FindReply> GrpcSession::Find(std::string_view type, std::string_view value) {
  pb::FindRequest request;
  request.set_type(std::string(type));
  request.set_value(std::string(value));
  return Ask(*custody_, &pb::Custody::Stub::Find, request);
}

// Pages of many therapies take longer than a call that reads one state.
StatusOr<pb::ListTherapiesReply> GrpcSession::ListTherapies(
    const pb::ListTherapiesRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::ListTherapies, request, kStreamTimeout);
}

StatusOr<pb::TraceReply> GrpcSession::Trace(const pb::TraceRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::Trace, request, kStreamTimeout);
}

StatusOr<pb::InventoryReply> GrpcSession::Inventory(const pb::InventoryRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::Inventory, request, kStreamTimeout);
}

StatusOr<pb::WorklistReply> GrpcSession::Worklist(const pb::WorklistRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::Worklist, request, kStreamTimeout);
}

Status GrpcSession::PutSubject(const pb::PutSubjectRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::PutSubject, request).status();
}

StatusOr<pb::GetSubjectReply> GrpcSession::GetSubject(const pb::GetSubjectRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::GetSubject, request);
}

StatusOr<pb::PutAttachmentReply> GrpcSession::PutAttachment(std::string_view therapy,
                                                            std::string_view media_type,
                                                            std::string_view bytes) {
  grpc::ClientContext context;
  SetDeadline(context, kStreamTimeout);
  pb::PutAttachmentReply reply;
  std::unique_ptr<grpc::ClientWriter<pb::PutAttachmentRequest>> writer =
      attachments_->Put(&context, &reply);
  pb::PutAttachmentRequest chunk;
  chunk.set_therapy(std::string(therapy));
  chunk.set_media_type(std::string(media_type));
  std::size_t sent = 0;
  bool open = true;
  do {
    chunk.set_data(std::string(bytes.substr(sent, kChunkBytes)));
    sent += chunk.data().size();
    open = writer->Write(chunk);
    chunk.Clear();
  } while (open && sent < bytes.size());
  if (open) writer->WritesDone();
  CUSTODY_RETURN_IF_ERROR(FromGrpc(writer->Finish()).status);
  if (reply.sha256() != Sha256(bytes).view()) {
    return DataLoss("the server kept other bytes than were sent");
  }
  return reply;
}

StatusOr<std::string> GrpcSession::GetAttachment(std::string_view therapy, const Hash& sha256) {
  pb::GetAttachmentRequest request;
  request.set_therapy(std::string(therapy));
  request.set_sha256(sha256.ToString());
  grpc::ClientContext context;
  SetDeadline(context, kStreamTimeout);
  std::string bytes;
  CUSTODY_RETURN_IF_ERROR(Drain<pb::AttachmentChunk>(context, attachments_->Get(&context, request),
                                                     [&](const pb::AttachmentChunk& chunk) {
                                                       bytes.append(chunk.data());
                                                       return true;
                                                     }));
  if (Sha256(bytes) != sha256) {
    return DataLoss("the server served other bytes than attachment " + sha256.ToHex());
  }
  return bytes;
}

StatusOr<pb::HeadsProofReply> GrpcSession::GetHeadsProof(std::string_view chain,
                                                         std::optional<std::uint64_t> size) {
  pb::GetHeadsProofRequest request;
  request.set_chain(std::string(chain));
  if (size.has_value()) request.set_size(*size);
  return Ask(*ledger_, &pb::Ledger::Stub::GetHeadsProof, request);
}

Status GrpcSession::ReadEntries(const pb::ReadEntriesRequest& request,
                                const std::function<bool(const pb::EntryReply&)>& visit) {
  grpc::ClientContext context;
  SetDeadline(context, kStreamTimeout);
  return Drain(context, ledger_->ReadEntries(&context, request), visit);
}

StatusOr<std::string> GrpcSession::GetSchema(const Hash& sha256) {
  pb::GetSchemaRequest request;
  request.set_sha256(sha256.ToString());
  CUSTODY_ASSIGN_OR_RETURN(pb::GetSchemaReply reply,
                           Ask(*custody_, &pb::Custody::Stub::GetSchema, request));
  if (Sha256(reply.schema()) != sha256) return DataLoss("the server served another schema");
  return std::move(*reply.mutable_schema());
}

StatusOr<pb::GetStatusReply> GrpcSession::GetStatus() {
  return Ask(*custody_, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest());
}

StatusOr<pb::SetClockReply> GrpcSession::SetClock(const pb::SetClockRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::SetClock, request);
}

StatusOr<pb::BackupReply> GrpcSession::Backup(std::string_view folder) {
  pb::BackupRequest request;
  request.set_folder(std::string(folder));
  return Ask(*custody_, &pb::Custody::Stub::Backup, request, kStreamTimeout);
}

StatusOr<pb::ListAlertsReply> GrpcSession::ListAlerts(const pb::ListAlertsRequest& request) {
  return Ask(*custody_, &pb::Custody::Stub::ListAlerts, request);
}

StatusOr<pb::TestAlertReply> GrpcSession::TestAlert(std::string_view site) {
  pb::TestAlertRequest request;
  request.set_site(std::string(site));
  return Ask(*custody_, &pb::Custody::Stub::TestAlert, request, kStreamTimeout);
}

Status GrpcSession::ReadAccessLog(const pb::ReadAccessLogRequest& request,
                                  const std::function<bool(const pb::AccessRecord&)>& visit) {
  grpc::ClientContext context;
  SetDeadline(context, kStreamTimeout);
  return Drain(context, custody_->ReadAccessLog(&context, request), visit);
}

}  // namespace custody
