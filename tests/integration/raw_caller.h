// A connection that says exactly what a test tells it to: no client library in between that would
// check, repeat or hide anything.
#ifndef CUSTODY_TESTS_INTEGRATION_RAW_CALLER_H_
#define CUSTODY_TESTS_INTEGRATION_RAW_CALLER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/rpc_status.h"
#include "crypto/file.h"
#include "custody/v1/service.grpc.pb.h"
#include "tests/integration/server_world.h"
#include "tests/support/temp_dir.h"

namespace custody {

// `RawCaller` is a station, or whoever has such a certificate.
class RawCaller {
 public:
  RawCaller(const std::string& address, const Authority& authority, std::string_view name)
      : RawCaller(address, authority.pem(), [&](const std::filesystem::path& key) {
          return authority.Issue(name, false, key);
        }) {}
  // `issue` gives the certificate and writes its key to the file it is told.
  RawCaller(const std::string& address, const std::string& authority_pem,
            const std::function<std::string(const std::filesystem::path& key_file)>& issue) {
    const TempDir folder;
    certificate_ = issue(folder / "key.pem");
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = authority_pem;
    tls.pem_cert_chain = certificate_;
    tls.pem_private_key = ReadFile(folder / "key.pem", 1 << 16).value();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    arguments.SetMaxReceiveMessageSize(64 << 20);
    arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, 64 << 10);  // as FORMATS and service.proto ask
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // 64 KiB on their way, however slow the reader
    channel_ = grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments);
    ledger = pb::Ledger::NewStub(channel_);
    custody = pb::Custody::NewStub(channel_);
    attachments = pb::Attachments::NewStub(channel_);
  }

  // `Ask` makes a unary call: what came of it, and the answer.
  template <class Stub, class Request, class Reply>
  RpcError Ask(Stub& stub, grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Reply*),
               const Request& request, Reply* reply) {
    grpc::ClientContext context;
    Bound(context);
    return FromGrpc((stub.*call)(&context, request, reply));
  }
  // `ReadAll` reads a stream to its end.
  template <class Stub, class Request, class Reply>
  RpcError ReadAll(Stub& stub,
                   std::unique_ptr<grpc::ClientReader<Reply>> (Stub::*call)(grpc::ClientContext*,
                                                                            const Request&),
                   const Request& request, std::vector<Reply>* replies) {
    grpc::ClientContext context;
    Bound(context);
    const auto reader = (stub.*call)(&context, request);
    Reply reply;
    while (reader->Read(&reply)) replies->push_back(reply);
    return FromGrpc(reader->Finish());
  }
  // `RecordAll` sends events through one RecordMany stream; the answers that came.
  RpcError RecordAll(const std::vector<pb::SignedEvent>& events,
                     std::vector<pb::RecordReply>* replies) {
    grpc::ClientContext context;
    Bound(context);
    const auto stream = ledger->RecordMany(&context);
    for (const pb::SignedEvent& event : events) {
      pb::RecordRequest request;
      *request.mutable_signed_() = event;
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    pb::RecordReply reply;
    while (stream->Read(&reply)) replies->push_back(reply);
    return FromGrpc(stream->Finish());
  }
  RpcError Record(const pb::SignedEvent& event, pb::RecordReply* reply) {
    pb::RecordRequest request;
    *request.mutable_signed_() = event;
    return Ask(*ledger, &pb::Ledger::Stub::Record, request, reply);
  }
  // `ConfirmClock` confirms, as administrator, the months between a world's events and the
  // machine's time, so that the ledger records.
  Status ConfirmClock() {
    pb::SetClockRequest request;
    request.set_confirm_jump(true);
    pb::SetClockReply reply;
    return Ask(*custody, &pb::Custody::Stub::SetClock, request, &reply).status;
  }
  // `Put` uploads an attachment in messages of `chunk` bytes.
  RpcError Put(std::string_view therapy, std::string_view bytes, pb::PutAttachmentReply* reply,
               std::size_t chunk = 1 << 20) {
    grpc::ClientContext context;
    Bound(context);
    const auto writer = attachments->Put(&context, reply);
    for (std::size_t at = 0; at == 0 || at < bytes.size(); at += chunk) {
      pb::PutAttachmentRequest message;
      if (at == 0) message.set_therapy(std::string(therapy));
      if (at == 0) message.set_media_type("text/csv");
      message.set_data(std::string(bytes.substr(at, chunk)));
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    return FromGrpc(writer->Finish());
  }
  RpcError Get(std::string_view therapy, const Hash& sha256, std::string* bytes) {
    pb::GetAttachmentRequest request;
    request.set_therapy(std::string(therapy));
    request.set_sha256(sha256.ToString());
    std::vector<pb::AttachmentChunk> chunks;
    const RpcError end = ReadAll(*attachments, &pb::Attachments::Stub::Get, request, &chunks);
    for (const pb::AttachmentChunk& piece : chunks) bytes->append(piece.data());
    return end;
  }

  static void Bound(grpc::ClientContext& context, std::chrono::seconds most = kPatience) {
    context.set_deadline(std::chrono::system_clock::now() + most);
  }

  // What any call takes at most, also on a machine that is busy with other tests.
  static constexpr std::chrono::seconds kPatience{60};

  const std::string& certificate() const { return certificate_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  std::unique_ptr<pb::Ledger::Stub> ledger;
  std::unique_ptr<pb::Custody::Stub> custody;
  std::unique_ptr<pb::Attachments::Stub> attachments;

 private:
  std::string certificate_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_RAW_CALLER_H_
