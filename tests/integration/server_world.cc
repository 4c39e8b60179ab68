#include "tests/integration/server_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>

#include "crypto/certificate.h"
#include "crypto/file.h"
#include "server/ledger/ledger.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

constexpr std::int64_t kDay = 86'400;

std::int64_t NowSeconds() { return SystemClock().Now().micros / kMicrosPerSecond; }

}  // namespace

Authority::Authority() : key_(Must(PrivateKey::Generate(KeyAlgorithm::kP256))) {
  pem_ = Must(SelfSignAuthority(key_, "custody test authority", NowSeconds() - kDay,
                                NowSeconds() + 2 * kDay));
}

std::string Authority::Issue(std::string_view name, bool server,
                             const std::filesystem::path& key_file) const {
  const PrivateKey key = Must(PrivateKey::Generate(KeyAlgorithm::kP256));
  Must(key.SavePlain(key_file));
  CertificateRequest request;
  request.name = name;
  request.purpose = server ? CertificatePurpose::kServer : CertificatePurpose::kStation;
  if (server) request.hosts = {"localhost", "127.0.0.1"};
  request.not_before = NowSeconds() - kDay;
  request.not_after = NowSeconds() + kDay;
  return Must(IssueCertificate(request, key.public_key(), key_, pem_));
}

std::string Authority::IssueExpired(std::string_view name,
                                    const std::filesystem::path& key_file) const {
  const PrivateKey key = Must(PrivateKey::Generate(KeyAlgorithm::kP256));
  Must(key.SavePlain(key_file));
  CertificateRequest request;
  request.name = name;
  request.not_before = NowSeconds() - kDay;
  request.not_after = NowSeconds() - 3600;
  return Must(IssueCertificate(request, key.public_key(), key_, pem_));
}

struct ServerWorld::Rep {
  Rep(const TestWorld& kind, std::string_view name, pb::Environment environment,
      const std::filesystem::path& stays)
      : folder(stays.empty() ? goes.emplace().path() : stays), world(environment, name, kind) {}

  std::optional<TempDir> goes;
  std::filesystem::path folder;
  std::filesystem::path data = folder / "data";
  TestLedger world;
  Authority authority;
  mutable int stations = 0;
};

ServerWorld::ServerWorld(TestWorld kind, std::string_view name, pb::Environment environment,
                         const std::filesystem::path& folder)
    : rep_(std::make_unique<Rep>(kind, name, environment, folder)) {
  std::filesystem::create_directories(rep_->data / "tls");
  Must(rep_->world.log_key().SavePlain(rep_->data / "log.key"));
  Must(WriteFileAtomically(rep_->data / "vault.key", std::string(32, 'v'), 0600));
  Must(WriteFileAtomically(rep_->data / "tls" / "ca.pem", rep_->authority.pem()));
  Must(WriteFileAtomically(
      rep_->data / "tls" / "server.pem",
      rep_->authority.Issue("custody-server", true, rep_->data / "tls" / "server.key")));
  LedgerOptions options;
  options.folder = rep_->data;
  options.workers = 1;  // keeps the order in which events are handed in
  Must(Ledger::Create(options, rep_->world.log()[0].signed_event, rep_->world.log_key()));
  const auto ledger =
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(rep_->data / "log.key"))));
  // All at once: one synced write for many of them.
  std::vector<std::promise<Status>> answers(rep_->world.log().size());
  for (std::size_t i = 1; i < answers.size(); ++i) {
    ledger->Record(
        rep_->world.log()[i].signed_event, "",
        [&answer = answers[i]](const RecordOutcome& outcome) { answer.set_value(outcome.status); });
  }
  for (std::size_t i = 1; i < answers.size(); ++i) Must(answers[i].get_future().get());
  rep_->world.set_now(SystemClock().Now());
}

ServerWorld::~ServerWorld() = default;

TestLedger& ServerWorld::ledger() { return rep_->world; }

const std::filesystem::path& ServerWorld::data() const { return rep_->data; }
std::filesystem::path ServerWorld::Scratch(std::string_view name) const {
  return rep_->folder / name;
}
const Authority& ServerWorld::authority() const { return rep_->authority; }
std::string ServerWorld::TrustJson() const { return TrustIn(rep_->world).ToJson(); }

std::filesystem::path ServerWorld::MakeStation(std::string_view name, std::string_view site,
                                               const std::string& server,
                                               const Authority& issuer) const {
  std::filesystem::path folder = rep_->folder / name;
  if (std::filesystem::exists(folder)) folder += "-" + std::to_string(++rep_->stations);
  std::filesystem::create_directories(folder / "tls");
  const std::string certificate = issuer.Issue(name, false, folder / "tls" / "station.key");
  Must(WriteFileAtomically(folder / "tls" / "ca.pem", rep_->authority.pem()));
  Must(WriteFileAtomically(folder / "tls" / "station.pem", certificate));
  Must(WriteFileAtomically(folder / "ledger.trust.json", TrustJson()));
  Must(WriteFileAtomically(folder / "station.toml", "server = \"" + server + "\"\nstation = \"" +
                                                        std::string(name) + "\"\nsite = \"" +
                                                        std::string(site) +
                                                        "\"\nzone = \"Europe/Berlin\"\n"));
  return folder;
}

void ServerWorld::Point(const std::filesystem::path& folder, const std::string& server) {
  std::string settings = Must(ReadFile(folder / "station.toml", 1 << 16));
  settings.erase(0, settings.find('\n'));
  Must(WriteFileAtomically(folder / "station.toml", "server = \"" + server + "\"" + settings));
}

pb::SignedEvent ServerWorld::Next(const std::string& therapy) {
  rep_->world.set_now(SystemClock().Now());
  if (rep_->world.Length(therapy) == 0) {
    return PatientEnrolledBy(rep_->world, therapy).Record().signed_event;
  }
  return ConsentWithdrawnBy(rep_->world, therapy).Record().signed_event;
}

pb::SignedEvent ServerWorld::Retire(std::string_view station) {
  rep_->world.set_now(SystemClock().Now());
  EventBuilder event =
      rep_->world.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  event.event().mutable_station_retired()->set_station(std::string(station));
  event.event().mutable_station_retired()->set_reason("taken out of use");
  return event.Record().signed_event;
}

RunningServer::RunningServer(const std::filesystem::path& data, std::string_view settings,
                             const std::filesystem::path& log) {
  const std::filesystem::path toml = data.parent_path() / "server.toml";
  Must(WriteFileAtomically(toml, settings));
  int out[2];
  CUSTODY_CHECK(::pipe(out) == 0);
  pid_ = ::fork();
  CUSTODY_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    if (log.empty()) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is aborted leaves no server behind
    } else {
      ::setsid();  // nor does what ends a person's command end it
      ::dup2(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
    }
    ::dup2(out[1], STDOUT_FILENO);
    ::close(out[0]);
    ::close(out[1]);
    const std::string program = CUSTODY_BIN_DIR "/custody-server";
    ::execl(program.c_str(), program.c_str(), "--config", toml.c_str(), "--dir", data.c_str(),
            "--listen", "127.0.0.1:0", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(out[1]);
  out_ = out[0];
  std::string line;
  char c = 0;
  while (::read(out_, &c, 1) == 1 && c != '\n') line.push_back(c);
  constexpr std::string_view kReady = "listening on ";
  CUSTODY_CHECK(line.starts_with(kReady));
  address_ = line.substr(kReady.size());
}

RunningServer::~RunningServer() {
  if (pid_ > 0) Signal(SIGKILL);
  ::close(out_);
}

void RunningServer::Send(int signal) const { ::kill(pid_, signal); }

int RunningServer::Wait() {
  int status = 0;
  CUSTODY_CHECK(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int RunningServer::Signal(int signal) {
  Send(signal);
  return Wait();
}

std::string Shell(const std::string& command, int& exit_code) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  CUSTODY_CHECK(pipe != nullptr);
  std::string output;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
    output.append(buffer, got);
  }
  const int status = ::pclose(pipe);
  exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return output;
}

}  // namespace custody
