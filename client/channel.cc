#include "client/channel.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstdlib>
#include <mutex>
#include <vector>

#include "crypto/file.h"
#include "custody/pb.h"
#include "custody/v1/service.grpc.pb.h"

namespace custody {
namespace {

constexpr std::size_t kMaxPemBytes = 64 << 10;
constexpr int kMaxReplyBytes = 32 << 20;
// What an error's trailers may hold: a refusal gives all its reasons, beyond the usual 8 KiB.
constexpr int kMaxMetadataBytes = 64 << 10;
constexpr int kKeepaliveMillis = 30'000;
constexpr int kKeepaliveTimeoutMillis = 10'000;
constexpr int kMaxBackoffMillis = 5'000;

// A suite of TLS 1.2 that no ledger's certificate (P-256) can serve, so that only 1.3 is left.
void RefuseTls12() {
  static std::once_flag once;
  std::call_once(once, [] {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before gRPC's first thread
    ::setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES128-GCM-SHA256", 1);
  });
}

}  // namespace

StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& server,
                                                     const std::filesystem::path& tls_folder) {
  RefuseTls12();
  grpc::SslCredentialsOptions tls;
  CUSTODY_ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(tls_folder / "ca.pem", kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadFile(tls_folder / "station.pem", kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(tls.pem_private_key,
                           ReadSecretFile(tls_folder / "station.key", kMaxPemBytes));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReplyBytes);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxBackoffMillis);
  // Sessions do not share a connection: each one's certificate counts.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server, grpc::SslCredentials(tls), arguments);
}

StatusOr<CertificateFields> CertificateOfServer(const std::string& server,
                                                const std::filesystem::path& tls_folder) {
  CUSTODY_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                           OpenChannel(server, tls_folder));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  pb::HelloReply reply;
  const grpc::Status greeted =
      pb::Ledger::NewStub(channel)->Hello(&context, pb::HelloRequest(), &reply);
  // Whatever it answered, it showed its certificate before.
  const auto peer = context.auth_context();
  std::vector<grpc::string_ref> pem;
  if (peer != nullptr) pem = peer->FindPropertyValues("x509_pem_cert");
  if (pem.size() != 1) {
    return Unavailable("the server at " + server +
                       " showed no certificate: " + greeted.error_message());
  }
  return ReadCertificate({pem[0].data(), pem[0].size()});
}

}  // namespace custody
