#include "client/channel.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/channel_arguments.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <utility>

#include "crypto/file.h"
#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"
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
constexpr std::chrono::seconds kLookTimeout{5};

// A suite of TLS 1.2 that no ledger's certificate (P-256) can serve, so that only 1.3 is left. And
// gRPC's own lines about handshakes go before nobody's eyes: what went wrong is said in words.
void SetUpGrpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    // NOLINTBEGIN(concurrency-mt-unsafe): before gRPC's first thread
    ::setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES128-GCM-SHA256", 1);
    ::setenv("GRPC_VERBOSITY", "NONE", 0);
    // NOLINTEND(concurrency-mt-unsafe)
  });
}

struct Shown {
  std::mutex mutex;
  std::string pem;  // under mutex
};

// Notes the certificate that a server shows, and goes no further with it.
class OnlyLooks final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit OnlyLooks(std::shared_ptr<Shown> shown) : shown_(std::move(shown)) {}
  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*later*/, grpc::Status* now) override {
    const grpc::string_ref pem = request->peer_cert();
    const std::lock_guard lock(shown_->mutex);
    shown_->pem.assign(pem.data(), pem.size());
    *now = grpc::Status::CANCELLED;
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  const std::shared_ptr<Shown> shown_;
};

}  // namespace

StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& server,
                                                     const std::filesystem::path& tls_folder) {
  SetUpGrpc();
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

StatusOr<CertificateFields> CertificateOfServer(const std::string& server) {
  SetUpGrpc();
  const auto shown = std::make_shared<Shown>();
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_verify_server_certs(false);
  tls.set_check_call_host(false);
  tls.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<OnlyLooks>(shown));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(server, grpc::experimental::TlsCredentials(tls), arguments);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLookTimeout);
  pb::HelloReply reply;
  const grpc::Status ended =
      pb::Ledger::NewStub(channel)->Hello(&context, pb::HelloRequest(), &reply);
  const std::lock_guard lock(shown->mutex);
  if (shown->pem.empty()) {
    return Unavailable("the server at " + server +
                       " showed no certificate: " + ended.error_message());
  }
  return ReadCertificate(shown->pem);
}

Status WhyNoConnection(const Status& failed, const std::string& server,
                       const std::filesystem::path& tls_folder, std::string_view zone) {
  // TLS goes by the machine's clock, whatever the ledger's says.
  const std::int64_t now = SystemClock().Now().micros / kMicrosPerSecond;
  const auto ended = [&](const StatusOr<CertificateFields>& certificate) {
    return certificate.ok() && certificate->not_after < now;
  };
  const auto words = [&](const std::string& whose, const CertificateFields& certificate,
                         const std::string& renewed_by) {
    return Unavailable("the certificate of " + whose + " ended on " +
                       FormatLocal({certificate.not_after * kMicrosPerSecond}, zone) +
                       ", and nothing connects before it is renewed: " + renewed_by);
  };
  const StatusOr<std::string> pem = ReadFile(tls_folder / "station.pem", kMaxPemBytes);
  if (const auto own = pem.ok() ? ReadCertificate(*pem) : pem.status(); ended(own)) {
    const bool admin = own->name == kAdminName;
    return words(admin ? "the administration" : "this station, " + own->name + ",", *own,
                 admin ? "custody-admin station renew-admin"
                       : "two registrars of the site do so (custody-admin station renew)");
  }
  // Only what TLS refused is looked at: a server that is away shows nothing.
  if (failed.code() != StatusCode::kUnauthenticated) return failed;
  const StatusOr<CertificateFields> shown = CertificateOfServer(server);
  if (!ended(shown)) return failed;
  return words("the server", *shown,
               "its administrator does so (custody-admin station renew-server), and starts the "
               "server again");
}

}  // namespace custody
