// gRPC 1.51 has no setting for a least TLS version. What it has is one for the cipher suites of TLS
// 1.2: set to one that needs an RSA certificate, no 1.2 handshake can succeed, since ours are
// P-256, and a server with another does not start; the suites of 1.3 are not governed by it.
// tests/integration holds that true.

#include "server/rpc/rpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>

#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "crypto/certificate.h"
#include "server/rpc/attachment_service.h"
#include "server/rpc/context.h"
#include "server/rpc/custody_service.h"
#include "server/rpc/ledger_service.h"

namespace custody {
namespace {

// Serving while every recipient of alerts takes what it is handed; no part of the server's own
// health, which does not depend on who is told.
constexpr const char* kAlertsHealth = "custody.alerts";
constexpr const char* kServiceNames[] = {"", "custody.v1.Ledger", "custody.v1.Custody",
                                         "custody.v1.Attachments"};

std::shared_ptr<grpc::ServerCredentials> Credentials(const RpcOptions& options) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = options.authority_pem;
  tls.pem_key_cert_pairs.push_back({options.key_pem, options.certificate_pem});
  return grpc::SslServerCredentials(tls);
}

// gRPC's reflection registers itself with every server of a program that is linked with it, so in
// production it has to be taken out.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins,
                  [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

void Configure(grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("custody");
  quota.Resize(kRpcMemoryBytes);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.SetMaxSendMessageSize(kMaxReplyBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMillis);
  // Two servers on one port would share its calls between two ledgers.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// The certificates that stand in `pem`, one after the other.
StatusOr<std::vector<CertificateFields>> ReadCertificates(std::string_view pem) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<CertificateFields> all;
  for (std::size_t end = pem.find(kEnd); end != pem.npos; end = pem.find(kEnd)) {
    CUSTODY_ASSIGN_OR_RETURN(CertificateFields one,
                             ReadCertificate(pem.substr(0, end + kEnd.size())));
    all.push_back(std::move(one));
    pem.remove_prefix(end + kEnd.size());
  }
  if (pem.find_first_not_of(" \t\r\n") != pem.npos) {
    return InvalidArgument("expected certificates in PEM and nothing after them");
  }
  return all;
}

// What makes RequireTls13 hold. The server's own certificate is the first of a chain.
Status CheckOwnCertificate(std::string_view pem) {
  const StatusOr<std::vector<CertificateFields>> chain = ReadCertificates(pem);
  if (!chain.ok()) return WithContext(chain.status(), "the server's certificate");
  if (chain->empty()) return InvalidArgument("the server's certificate: found none in the file");
  if (chain->front().key == "P-256") return Status();
  return InvalidArgument(
      "the server's certificate must have a key of kind P-256, found " + chain->front().key +
      ": with it this server would speak TLS 1.2 too; use the one that `custody-admin init` made "
      "and `custody-admin station renew-server` renews");
}

StatusOr<std::set<Hash>> ReadRevoked(std::string_view pem) {
  const StatusOr<std::vector<CertificateFields>> certificates = ReadCertificates(pem);
  if (!certificates.ok()) return WithContext(certificates.status(), "the revoked certificates");
  std::set<Hash> keys;
  for (const CertificateFields& one : *certificates) keys.insert(one.key_sha256);
  return keys;
}

}  // namespace

void RequireTls13() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called before the first thread
  ::setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES128-GCM-SHA256", 1);
}

struct RpcServer::Rep {
  Rep(Ledger& ledger, const RpcOptions& options, std::set<Hash> revoked)
      : context(ledger, options.alerting, options.read_threads, std::move(revoked)),
        ledger_service(context),
        custody_service(context),
        attachments(context) {}

  void SetHealth(bool serving) {
    for (const char* name : kServiceNames) {
      server->GetHealthCheckService()->SetServingStatus(name, serving);
    }
  }

  // In the order of use: the server goes first, the context last.
  RpcContext context;
  LedgerService ledger_service;
  CustodyService custody_service;
  AttachmentService attachments;
  std::string address;
  std::unique_ptr<grpc::Server> server;
};

RpcServer::RpcServer(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}

RpcServer::~RpcServer() { Drain(std::chrono::seconds(5)); }

StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(Ledger& ledger, const RpcOptions& options) {
  const std::size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return InvalidArgument("the address to listen on is HOST:PORT, not \"" + options.listen + "\"");
  }
  CUSTODY_RETURN_IF_ERROR(CheckOwnCertificate(options.certificate_pem));
  CUSTODY_ASSIGN_OR_RETURN(std::set<Hash> revoked, ReadRevoked(options.revoked_pem));
  grpc::EnableDefaultHealthCheckService(true);
  const bool production = ledger.registry()->environment() == pb::PRODUCTION;
  if (!production) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto rep = std::make_unique<Rep>(ledger, options, std::move(revoked));
  grpc::ServerBuilder builder;
  Configure(builder);
  if (production) builder.SetOption(std::make_unique<WithoutReflection>());
  int port = 0;
  builder.AddListeningPort(options.listen, Credentials(options), &port);
  builder.RegisterService(&rep->ledger_service);
  builder.RegisterService(&rep->custody_service);
  builder.RegisterService(&rep->attachments);
  rep->server = builder.BuildAndStart();
  if (rep->server == nullptr || port == 0) {
    return Unavailable("cannot listen on " + options.listen +
                       ": the port is taken, the host is not this machine's, or the TLS "
                       "certificate and key do not belong together");
  }
  rep->address = options.listen.substr(0, colon + 1) + std::to_string(port);
  rep->SetHealth(true);
  if (options.alerting != nullptr) {
    options.alerting->OnWell([at = rep.get()](bool well) {
      at->server->GetHealthCheckService()->SetServingStatus(kAlertsHealth, well);
    });
  }
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(rep)));
}

const std::string& RpcServer::address() const { return rep_->address; }

void RpcServer::Drain(std::chrono::milliseconds grace) {
  if (rep_->server == nullptr) return;
  if (rep_->context.alerting() != nullptr) rep_->context.alerting()->OnWell({});
  rep_->SetHealth(false);
  rep_->context.streams().StopAll();
  rep_->server->Shutdown(std::chrono::system_clock::now() + grace);
  rep_->server->Wait();
  rep_->server.reset();
}

}  // namespace custody
