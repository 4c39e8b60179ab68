// Input and output are files in memory, not pipes: nobody has to feed or to drain them, so a
// program that reads nothing, or prints without end, cannot hold up the server. The one for output
// is sealed at its size: what is printed beyond it is the program's error.
//
// The program gets a process group of its own, so that what it started ends with it when its time
// is over, and none of the server's files: neither its keys nor its connections. Nor has it the
// server's environment: a service manager may keep tokens there, and a proxy named there would
// decide where alerts go.
#include "server/alerting/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "crypto/utf8.h"

namespace custody {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kOutputBytes = 8 << 10;
constexpr std::size_t kShownBytes = 200;
constexpr std::string_view kItPrinted = "; it printed: ";
constexpr int kLookMillis = 10;  // between two looks whether it has ended

class MemoryFile {
 public:
  explicit MemoryFile(const char* name)
      : fd_(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)) {}
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool Fill(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::lseek(fd_, 0, SEEK_SET) == 0;
  }
  bool SealAt(std::size_t size) const {
    return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 &&
           ::fcntl(fd_, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0;
  }
  // What was written to it since, `most` bytes of it; the place of writing is shared with whoever
  // wrote, and may be anywhere.
  std::string Written(std::size_t most) const {
    const off_t end = ::lseek(fd_, 0, SEEK_CUR);
    std::string bytes(end > 0 ? std::min(static_cast<std::size_t>(end), most) : 0, '\0');
    const ssize_t got = ::pread(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

 private:
  const int fd_;
};

// How the program is started; freed in the one way there is.
class SpawnPlan {
 public:
  SpawnPlan(int input, int output) {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawnattr_init(&how_);
    ::posix_spawn_file_actions_adddup2(&files_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
    // The server blocks and ignores signals that a program expects to work.
    sigset_t none;
    sigemptyset(&none);
    sigset_t usual;
    sigemptyset(&usual);
    for (const int signal : {SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP}) {
      sigaddset(&usual, signal);
    }
    ::posix_spawnattr_setsigmask(&how_, &none);
    ::posix_spawnattr_setsigdefault(&how_, &usual);
    ::posix_spawnattr_setpgroup(&how_, 0);
    ::posix_spawnattr_setflags(
        &how_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&files_);
    ::posix_spawnattr_destroy(&how_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int Start(const std::vector<std::string>& argv, pid_t& pid) const {
    std::vector<std::string> own = argv;
    std::vector<char*> words;
    for (std::string& word : own) words.push_back(word.data());
    words.push_back(nullptr);
    std::string path = "PATH=/usr/local/bin:/usr/bin:/bin";
    std::string language = "LANG=C.UTF-8";
    const std::array<char*, 3> environment = {path.data(), language.data(), nullptr};
    return ::posix_spawn(&pid, own.front().c_str(), &files_, &how_, words.data(),
                         environment.data());
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t how_;
};

// The end of what it printed is where programs say what went wrong.
std::string Shown(std::string printed) {
  while (!printed.empty() && (printed.back() == '\n' || printed.back() == ' ')) printed.pop_back();
  if (printed.empty()) return "";
  if (printed.size() > kShownBytes) printed.erase(0, printed.size() - kShownBytes);
  return std::string(kItPrinted) + Plain(printed);
}

Status Ended(const std::string& path, int wait_status, std::string printed) {
  const std::string said = Shown(std::move(printed));
  if (WIFSIGNALED(wait_status)) {
    return Unavailable(path + " was ended by signal " + std::to_string(WTERMSIG(wait_status)) +
                       said);
  }
  return Unavailable(path + " ended with exit code " + std::to_string(WEXITSTATUS(wait_status)) +
                     said);
}

}  // namespace

StatusOr<std::string> RunCommand(const ProgramRun& run) {
  const std::string& path = run.argv.front();
  const MemoryFile input("custody-alert");
  const MemoryFile output("custody-alert-output");
  const bool ready =
      input.ok() && output.ok() && input.Fill(run.input) && output.SealAt(kOutputBytes);
  if (!ready) {
    return Unavailable(path + " cannot be started: no memory for what it reads and prints");
  }
  pid_t pid = -1;
  const steady_clock::time_point end = steady_clock::now() + run.time_limit;
  const int failed = SpawnPlan(input.fd(), output.fd()).Start(run.argv, pid);
  if (failed != 0) {
    return Unavailable(path + " cannot be started: " + std::strerror(failed));
  }
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) break;
    const bool stop = run.stop != nullptr && run.stop->load();
    if (stop || steady_clock::now() >= end) {
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      if (stop) return Unavailable(path + " was ended: the server stops");
      return DeadlineExceeded(path + " did not end within " +
                              std::to_string(run.time_limit.count() / 1000) + " s" +
                              Shown(output.Written(kOutputBytes)));
    }
    ::poll(nullptr, 0, kLookMillis);
  }
  std::string printed = output.Written(kOutputBytes);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return printed;
  return Ended(path, status, std::move(printed));
}

Status WithoutOutput(const Status& failed) {
  const std::string said = Message(failed);
  const std::size_t printed = said.find(kItPrinted);
  return printed == std::string::npos ? failed : MakeStatus(failed.code(), said.substr(0, printed));
}

}  // namespace custody
