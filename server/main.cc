// custody-server: the ledger. Prints "listening on HOST:PORT" to standard output when it is ready,
// logs to standard error, and drains on SIGTERM, SIGINT or SIGHUP.
//
// Signals are blocked before any thread starts and then waited for here, so that no code runs in a
// signal's context. SIGPIPE and SIGXFSZ are ignored: a terminal that closed and a file at its limit
// are errors of the write that meets them, and must not end the ledger undrained.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "crypto/certificate.h"
#include "crypto/file.h"
#include "crypto/utf8.h"
#include "custody/time.h"
#include "custody/version.h"
#include "server/alerting/alerting.h"
#include "server/config.h"
#include "server/ledger/ledger.h"
#include "server/rpc/rpc_server.h"

namespace custody {
namespace {

constexpr int kUsage = 2;
constexpr int kUnreachable = 3;
constexpr int kNotPermitted = 4;
constexpr std::size_t kMaxPemBytes = 64 << 10;
constexpr std::size_t kMaxRevokedBytes = 1 << 20;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kWarnDays = 60;  // as custody-admin status does

// What a settings file may say, and how the program ends.
constexpr const char* kSettings =
    "Settings of the file, all but dir and listen optional (here: what holds without them):\n"
    "  dir = \"/var/lib/custody\"\n"
    "  listen = \"0.0.0.0:7443\"\n"
    "  anchor = \"/mnt/other/anchor\"    the anchor file, better on another volume; else in dir\n"
    "  drain_seconds = 20              how long a stop waits for calls to end\n"
    "  read_threads = 4\n"
    "  queue_capacity = 1024           events accepted and not answered; more are refused\n"
    "  log_level = \"info\"             debug, info, warn or error\n"
    "  [tls]                           else in dir/tls\n"
    "  authority = \"ca.pem\"\n"
    "  certificate = \"server.pem\"\n"
    "  key = \"server.key\"\n"
    "  revoked = \"revoked.pem\"         certificates whose keys open nothing any more\n"
    "  [alerts]                        who is told of alerts; none without it "
    "(server/README.md)\n"
    "  repeat_minutes = 10             until somebody of the site acknowledges\n"
    "  escalate_minutes = 15           then the next of the list is told too\n"
    "  [[alerts.recipient]]\n"
    "  name = \"pager\"\n"
    "  program = [\"/usr/local/bin/page\", \"ward3\"]   or webhook = \"https://...\"\n"
    "  [[alerts.list]]\n"
    "  site = \"CLINIC\"\n"
    "  tell = [\"pager\"]               the first is told first; also roles = [\"PHY\"]\n"
    "Exit codes: 0 stopped in order, 1 failed, 2 usage, 3 unreachable, 4 not permitted.";

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
      return kUsage;
    case StatusCode::kUnavailable:
      return kUnreachable;
    case StatusCode::kPermissionDenied:
      return kNotPermitted;
    default:
      return 1;
  }
}

StatusOr<RpcOptions> ReadTls(const ServerConfig& config) {
  RpcOptions options;
  options.listen = config.listen;
  options.read_threads = config.read_threads;
  CUSTODY_ASSIGN_OR_RETURN(options.authority_pem, ReadFile(config.authority, kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(options.certificate_pem, ReadFile(config.certificate, kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(options.key_pem, ReadSecretFile(config.key, kMaxPemBytes));
  if (!config.revoked.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(options.revoked_pem, ReadFile(config.revoked, kMaxRevokedBytes));
  }
  return options;
}

// Nothing connects to a server whose certificate has ended, and renewing it takes a person.
void WarnOfCertificate(std::string_view pem) {
  const StatusOr<CertificateFields> own = ReadCertificate(pem);
  if (!own.ok()) return;  // a chain is its owner's to watch
  const std::int64_t left = own->not_after - SystemClock().Now().micros / kMicrosPerSecond;
  if (left >= kWarnDays * kSecondsPerDay) return;
  const std::string ends = FormatUtc({own->not_after * kMicrosPerSecond});
  spdlog::warn("the server's certificate {} {}: custody-admin station renew-server",
               left < 0 ? "has ended and nothing can connect, since" : "ends", ends);
}

Status Serve(const ServerConfig& config, const sigset_t& signals) {
  CUSTODY_ASSIGN_OR_RETURN(RpcOptions rpc, ReadTls(config));
  CUSTODY_ASSIGN_OR_RETURN(PrivateKey log_key, PrivateKey::LoadPlain(config.dir / "log.key"));
  LedgerOptions options;
  options.folder = config.dir;
  options.anchor = config.anchor;
  // Also one that comes to be while the server runs, and counts from its next start on.
  options.revoked = config.revoked.empty() ? config.dir / "tls" / "revoked.pem" : config.revoked;
  options.queue_capacity = config.queue_capacity;
  CUSTODY_ASSIGN_OR_RETURN(std::unique_ptr<Ledger> ledger,
                           Ledger::Open(options, std::move(log_key)));
  const std::unique_ptr<Deliverer> deliverer = MakeDeliverer();
  std::unique_ptr<Alerting> alerting;
  if (!config.alerting.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(alerting, Alerting::Open(*ledger, config.alerting, *deliverer));
    rpc.alerting = alerting.get();
  }
  CUSTODY_ASSIGN_OR_RETURN(std::unique_ptr<RpcServer> server, RpcServer::Start(*ledger, rpc));
  WarnOfCertificate(rpc.certificate_pem);
  if (alerting) alerting->Start();
  const pb::GetStatusReply status = ledger->GetStatus();
  spdlog::info("ledger {}: {} entries{}", ledger->registry()->origin(), status.entries(),
               status.read_only() ? ", read-only: " + status.read_only_reason() : "");
  std::printf("listening on %s\n", server->address().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping: answering what was accepted");
  server->Drain(std::chrono::seconds(config.drain_seconds));
  alerting.reset();
  ledger->Drain();
  spdlog::info("stopped at {} entries", ledger->GetStatus().entries());
  return Status();
}

int Main(int argc, char** argv) {
  CLI::App app(
      "The custody ledger: records, proves and serves.\n\nExamples:\n"
      "  custody-server --dir /var/lib/custody --listen 0.0.0.0:7443\n"
      "  custody-server --config /etc/custody/server.toml",
      "custody-server");
  app.set_version_flag("--version", VersionLine("custody-server"));
  ServerConfig given;
  std::filesystem::path file;
  app.add_option("--config", file, "settings (TOML); options given beside it win");
  app.add_option("--dir", given.dir, "data folder, as custody-admin init made it");
  app.add_option("--listen", given.listen, "HOST:PORT; port 0: one the system chooses");
  app.footer(kSettings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  ServerConfig config = given;
  Status status;
  if (!file.empty()) {
    StatusOr<ServerConfig> loaded = LoadServerConfig(file);
    status = loaded.status();
    if (loaded.ok()) config = *std::move(loaded);
    if (!given.dir.empty()) config.dir = given.dir;
    if (!given.listen.empty()) config.listen = given.listen;
  }
  if (status.ok()) status = CompleteServerConfig(config);
  if (status.ok()) {
    spdlog::set_level(spdlog::level::from_str(config.log_level));
    RequireTls13();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);  // the terminal it was started from is gone
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    status = Serve(config, signals);
  }
  if (status.ok()) return 0;
  spdlog::error("{}", Plain(Message(status)));
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("custody"));
  ::umask(077);  // whatever it writes is its own
  try {
    return custody::Main(argc, argv);
  } catch (const std::exception& error) {
    spdlog::error("unexpected: {}", error.what());
    return 1;
  }
}
