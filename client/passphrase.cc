#include "client/passphrase.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "crypto/file.h"
#include "crypto/sealing.h"

namespace custody {
namespace {

constexpr std::size_t kMaxPassphraseBytes = 1024;
constexpr std::size_t kMinPassphraseBytes = 6;

// Keeps the terminal from showing what is typed, for as long as it lives.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd), ok_(tcgetattr(fd, &before_) == 0) {
    if (!ok_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd_, TCSAFLUSH, &silent);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (ok_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool ok_;
};

StatusOr<std::string> ReadLine(int fd) {
  std::string line;
  for (;;) {
    char c = 0;
    const ssize_t got = read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    line.push_back(c);
    if (line.size() > kMaxPassphraseBytes) {
      Cleanse(line);
      return InvalidArgument("the passphrase is longer than 1024 bytes");
    }
  }
  if (line.empty()) return Unauthenticated("no passphrase was given");
  return line;
}

}  // namespace

StatusOr<std::string> AskPassphrase(const std::filesystem::path& pins, std::string_view person,
                                    std::string_view prompt) {
  if (!pins.empty()) {
    const std::filesystem::path file = pins / (std::string(person) + ".pin");
    CUSTODY_ASSIGN_OR_RETURN(std::string text, ReadSecretFile(file, kMaxPassphraseBytes + 1));
    if (const std::size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
    if (text.empty()) return Unauthenticated("the passphrase file is empty: " + file.string());
    return text;
  }
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) {
    return Unauthenticated("the passphrase of " + std::string(person) +
                           " is needed and there is no terminal to ask at; give the folder of "
                           "passphrase files with --pins");
  }
  const std::string question = std::string(prompt) + ": ";
  StatusOr<std::string> line = Unavailable("the terminal cannot be written");
  if (write(terminal, question.data(), question.size()) == static_cast<ssize_t>(question.size())) {
    const SilentTerminal silent(terminal);
    line = ReadLine(terminal);
  }
  if (write(terminal, "\n", 1) != 1) line = Unavailable("the terminal cannot be written");
  close(terminal);
  return line;
}

StatusOr<std::string> AskNewPassphrase(const std::filesystem::path& pins, std::string_view person) {
  const std::string name(person);
  CUSTODY_ASSIGN_OR_RETURN(std::string passphrase,
                           AskPassphrase(pins, person, "New PIN or passphrase of " + name));
  bool same = true;
  if (pins.empty()) {
    StatusOr<std::string> again = AskPassphrase(pins, person, "The same once more");
    same = again.ok() && *again == passphrase;
    if (again.ok()) Cleanse(*again);
  }
  if (same && passphrase.size() >= kMinPassphraseBytes) return passphrase;
  Cleanse(passphrase);
  if (!same) return InvalidArgument("the two were not the same; nothing was made, try again");
  return InvalidArgument("the PIN or passphrase of " + name +
                         " must have at least 6 characters; nothing was made");
}

}  // namespace custody
