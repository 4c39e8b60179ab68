#include "tools/load/ceilings.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "crypto/key.h"

namespace custody {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds kMeasured{2};
constexpr std::size_t kMessageBytes = 1024;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

}  // namespace

StatusOr<double> VerifyRate(unsigned threads) {
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kEd25519));
  const std::string message(kMessageBytes, 'x');
  CUSTODY_ASSIGN_OR_RETURN(const std::string signature, key.Sign(message));
  std::atomic<std::uint64_t> verified{0};
  std::atomic<bool> failed{false};
  const SteadyClock::time_point start = SteadyClock::now();
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      std::uint64_t count = 0;
      while (SteadyClock::now() - start < kMeasured) {
        if (!key.public_key().Verify(message, signature).ok()) failed = true;
        ++count;
      }
      verified += count;
    });
  }
  for (std::thread& thread : running) thread.join();
  if (failed) return Internal("a good signature did not verify");
  return static_cast<double>(verified.load()) / SecondsSince(start);
}

StatusOr<double> SyncRate(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "sync.probe";
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Unavailable("cannot write " + file.string());
  const std::string bytes(kMessageBytes, 'x');
  std::uint64_t count = 0;
  bool good = true;
  const SteadyClock::time_point start = SteadyClock::now();
  while (good && SteadyClock::now() - start < kMeasured) {
    good = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
           fdatasync(fd) == 0;
    ++count;
  }
  const double seconds = SecondsSince(start);
  close(fd);
  unlink(file.c_str());
  if (!good) return Unavailable("cannot write and sync " + file.string());
  return static_cast<double>(count) / seconds;
}

}  // namespace custody
