// Loaded into a program before libc's own (LD_PRELOAD): stops it at the Nth thing it does to the
// file system, so that a test can try every moment at which it may be killed, or the disk be full.
//
//   CUSTODY_STOP_AT=N      the Nth call of those below, counted from 1
//   CUSTODY_STOP_HOW=kill  the process dies by SIGKILL just before it
//   CUSTODY_STOP_HOW=full  it and every later one that needs room fails with ENOSPC
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

long StopAt() {
  static const long at = [] {
    const char* text = std::getenv("CUSTODY_STOP_AT");
    return text == nullptr ? 0L : std::strtol(text, nullptr, 10);
  }();
  return at;
}

bool Full() {
  static const bool full = [] {
    const char* how = std::getenv("CUSTODY_STOP_HOW");
    return how != nullptr && std::strcmp(how, "full") == 0;
  }();
  return full;
}

// Whether the call that asks may not be made.
bool Stopped(bool needs_room) {
  static std::atomic<long> calls{0};
  const long call = ++calls;
  if (StopAt() == 0 || call < StopAt()) return false;
  if (!Full()) ::kill(::getpid(), SIGKILL);
  if (needs_room) errno = ENOSPC;
  return needs_room;
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool IsFile(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  static auto* const real = Real<ssize_t(int, const void*, size_t)>("write");
  return IsFile(fd) && Stopped(true) ? -1 : real(fd, bytes, count);
}

int fsync(int fd) {
  static auto* const real = Real<int(int)>("fsync");
  return Stopped(true) ? -1 : real(fd);
}

int mkostemp(char* pattern, int flags) {
  static auto* const real = Real<int(char*, int)>("mkostemp");
  return Stopped(true) ? -1 : real(pattern, flags);
}

int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const real = Real<int(const char*, mode_t)>("mkdir");
  return Stopped(true) ? -1 : real(path, mode);
}

int link(const char* from, const char* to) noexcept {
  static auto* const real = Real<int(const char*, const char*)>("link");
  return Stopped(true) ? -1 : real(from, to);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const real = Real<int(const char*, const char*)>("rename");
  return Stopped(true) ? -1 : real(from, to);
}

int unlink(const char* path) noexcept {
  static auto* const real = Real<int(const char*)>("unlink");
  return Stopped(false) ? -1 : real(path);
}

int remove(const char* path) noexcept {
  static auto* const real = Real<int(const char*)>("remove");
  return Stopped(false) ? -1 : real(path);
}

}  // extern "C"
