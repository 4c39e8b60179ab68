#include "tests/integration/program_world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "crypto/file.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

constexpr int kPatienceMs = 60'000;
constexpr std::string_view kNowhere = "127.0.0.1:1";  // nothing listens there

[[noreturn]] void Become(const Launch& launch, int in, int out, int error) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();  // no terminal: passphrases come from files or not at all
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  for (const char* name : {"CUSTODY_STATION", "CUSTODY_PINS"}) ::unsetenv(name);
  const std::string bin = CUSTODY_BIN_DIR;
  for (const auto& [name, value] : launch.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (launch.stop_at > 0) {
    ::setenv("LD_PRELOAD", (bin + "/libcustody_stop_at.so").c_str(), 1);
    ::setenv("CUSTODY_STOP_AT", std::to_string(launch.stop_at).c_str(), 1);
    ::setenv("CUSTODY_STOP_HOW", launch.stop_how, 1);
    ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
  }
  const std::string program = bin + "/" + launch.program;
  std::vector<std::string> words = {program};
  words.insert(words.end(), launch.arguments.begin(), launch.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

// Reads `fd` into `to` if there is something; closes it at its end.
void Drain(pollfd& from, std::string& to) {
  if ((from.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
  char block[4096];
  const ssize_t got = ::read(from.fd, block, sizeof block);
  if (got > 0) {
    to.append(block, static_cast<std::size_t>(got));
    return;
  }
  ::close(from.fd);
  from.fd = -1;
}

void Type(int fd, const std::string& text) {
  const ssize_t given = ::write(fd, text.data(), text.size());
  CUSTODY_CHECK(given >= 0 || errno == EPIPE);
}

}  // namespace

Ended Execute(const Launch& launch) {
  int in[2];
  int out[2];
  int error[2];
  for (int* ends : {in, out, error}) CUSTODY_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  CUSTODY_CHECK(child >= 0);
  if (child == 0) Become(launch, in[0], out[1], error[1]);
  for (const int end : {in[0], out[1], error[1]}) ::close(end);
  // Scripts are short: they fit a pipe, whether the program lives to read them or not.
  ::signal(SIGPIPE, SIG_IGN);
  CUSTODY_CHECK(launch.input.size() < 60'000);
  Type(in[1], launch.input);
  Ended ended;
  std::size_t heard = 0;
  auto later = launch.later.begin();
  if (later == launch.later.end()) ::close(in[1]);
  pollfd ends[] = {{out[0], POLLIN, 0}, {error[0], POLLIN, 0}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const int heard_of = ::poll(ends, 2, kPatienceMs);
    if (heard_of == 0) ::kill(child, SIGKILL);  // it waits for what the test will never type
    if (heard_of <= 0) continue;
    if (ends[0].fd >= 0) Drain(ends[0], ended.out);
    if (ends[1].fd >= 0) Drain(ends[1], ended.error);
    while (later != launch.later.end()) {
      const std::size_t said = ended.out.find(later->when, heard);
      if (said == std::string::npos) break;
      heard = said + later->when.size();
      Type(in[1], later->type());
      if (++later == launch.later.end()) ::close(in[1]);
    }
  }
  if (later != launch.later.end()) ::close(in[1]);
  int status = 0;
  CUSTODY_CHECK(::waitpid(child, &status, 0) == child);
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

ProgramWorld::ProgramWorld() : world_({.begins = SystemClock().Now()}) {
  for (const char* station : {"clinic.station.1", "lab.station.1"}) Station(station);
  GiveKeys("clinic.station.1", {"clinic.coord.1", "clinic.rn.1", "clinic.rn.2"});
}

void ProgramWorld::Start() { StartOver(world_.data()); }

void ProgramWorld::StartOver(const std::filesystem::path& data) {
  Stop();
  server_ = std::make_unique<RunningServer>(data);
  for (const auto& [name, folder] : stations_) ServerWorld::Point(folder, server_->address());
}

void ProgramWorld::Stop() {
  if (server_ != nullptr) CUSTODY_CHECK(server_->Signal(SIGTERM) == 0);
  server_.reset();
}

const std::filesystem::path& ProgramWorld::Station(std::string_view name) {
  const auto found = stations_.find(name);
  if (found != stations_.end()) return found->second;
  std::string site = "CLINIC";
  if (name.starts_with("lab.")) site = "LAB";
  if (name.starts_with("overseer.")) site = "OVERSEER";
  if (name == "admin") site = "";
  const std::string address = server_ == nullptr ? std::string(kNowhere) : server_->address();
  return stations_.emplace(name, world_.MakeStation(name, site, address, world_.authority()))
      .first->second;
}

void ProgramWorld::GiveKeys(std::string_view station, const std::vector<std::string>& people) {
  const std::filesystem::path& folder = Station(station);
  for (const char* inner : {"keys", "pins"}) std::filesystem::create_directories(folder / inner);
  for (const std::string& person : people) {
    const std::string passphrase = "the passphrase of " + person;
    Must(world_.ledger().person(person).key.Save(folder / "keys" / (person + ".pem"), passphrase));
    Must(WriteFileAtomically(folder / "pins" / (person + ".pin"), passphrase + "\n", 0600));
  }
}

Launch ProgramWorld::At(std::string_view station, std::vector<std::string> arguments) {
  const std::filesystem::path& folder = Station(station);
  arguments.insert(arguments.end(), {"--folder", folder.string()});
  const bool signs = arguments[0] == "record" || arguments[0] == "station" ||
                     (arguments[0] == "outbox" && arguments.size() > 1 && arguments[1] == "send");
  if (signs) arguments.insert(arguments.end(), {"--pins", (folder / "pins").string()});
  return {.program = station.starts_with("lab.") ? "custody-lab" : "custody-clinic",
          .arguments = std::move(arguments)};
}

Ended ProgramWorld::Clinic(std::vector<std::string> arguments, const std::string& input) {
  Launch launch = At("clinic.station.1", std::move(arguments));
  launch.input = input;
  return Execute(launch);
}

Ended ProgramWorld::Lab(std::vector<std::string> arguments, const std::string& input) {
  Launch launch = At("lab.station.1", std::move(arguments));
  launch.input = input;
  return Execute(launch);
}

std::string ProgramWorld::Enrol() {
  const Ended ended =
      Clinic({"record", "patient_enrolled", "--json", "--as", "clinic.coord.1:COORD", "--as",
              "clinic.rn.1:RN", "--identifier", "mrn:HOSPITAL:4711023", "--identifier",
              "dob::19680214", "--identifier-again", "mrn:HOSPITAL:4711023", "--identifier-again",
              "dob::19680214", "--birth-year", "1968"});
  const auto answer = nlohmann::json::parse(ended.out, nullptr, false);
  if (ended.exit_code != 0 || !answer.contains("therapy")) {
    std::fprintf(stderr, "no patient could be enrolled: %s\n", ended.said().c_str());
    std::abort();
  }
  return answer["therapy"];
}

std::vector<std::string> ProgramWorld::Observe(const std::string& therapy,
                                               std::string_view temperature) {
  return {"record",
          "observations_recorded",
          "--therapy",
          therapy,
          "--as",
          "clinic.rn.1:RN",
          "--observations.0.vitals.at",
          "now",
          "--observations.0.vitals.temperature-c",
          std::string(temperature),
          "--interval-minutes",
          "240"};
}

std::uint64_t ProgramWorld::Length(const std::string& therapy) {
  const Ended ended = Clinic({"show", therapy, "--json"});
  const auto answer = nlohmann::json::parse(ended.out, nullptr, false);
  if (ended.exit_code != 0 || !answer.contains("length")) {
    std::fprintf(stderr, "the therapy cannot be shown: %s\n", ended.said().c_str());
    std::abort();
  }
  return answer["length"];
}

std::vector<std::filesystem::path> ProgramWorld::Outbox(std::string_view station) {
  std::vector<std::filesystem::path> items;
  std::error_code none_yet;
  for (const auto& item :
       std::filesystem::directory_iterator(Station(station) / "outbox", none_yet)) {
    if (item.path().extension() == ".event") items.push_back(item.path());
  }
  std::ranges::sort(items);
  return items;
}

}  // namespace custody
