// The real custody-server over a folder of its own: the small world's registry recorded in it, a
// certificate authority, and stations that connect.
#ifndef CUSTODY_TESTS_INTEGRATION_SERVER_WORLD_H_
#define CUSTODY_TESTS_INTEGRATION_SERVER_WORLD_H_

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/key.h"
#include "custody/pb.h"
#include "tests/support/test_ledger.h"

namespace custody {

// `Authority` issues certificates as custody-admin does.
class Authority {
 public:
  Authority();
  const std::string& pem() const { return pem_; }
  // Certificate and key of a station, or of a server at 127.0.0.1; PEM, the key into `key_file`.
  std::string Issue(std::string_view name, bool server,
                    const std::filesystem::path& key_file) const;
  // A station's, whose time ended an hour ago.
  std::string IssueExpired(std::string_view name, const std::filesystem::path& key_file) const;

 private:
  PrivateKey key_;
  std::string pem_;
};

// `ServerWorld` makes the data folder.
class ServerWorld {
 public:
  // Everything lies in `folder`, which is made and stays; empty: in one that goes with it.
  explicit ServerWorld(TestWorld kind = {.small = true}, std::string_view name = "one",
                       pb::Environment environment = pb::DEMO,
                       const std::filesystem::path& folder = {});
  ~ServerWorld();

  // What was signed so far.
  TestLedger& ledger();

  const std::filesystem::path& data() const;
  std::filesystem::path Scratch(std::string_view name) const;
  const Authority& authority() const;
  std::string TrustJson() const;

  // `MakeStation` makes a station's folder, with a certificate of `issuer`, for `server`.
  std::filesystem::path MakeStation(std::string_view name, std::string_view site,
                                    const std::string& server, const Authority& issuer) const;
  // `Point` tells the station in `folder` that the server is at `server` now.
  static void Point(const std::filesystem::path& folder, const std::string& server);
  // The next event of `therapy`, signed; it is for the caller to record.
  pb::SignedEvent Next(const std::string& therapy);
  pb::SignedEvent Retire(std::string_view station);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// `RunningServer` is one run of the program.
class RunningServer {
 public:
  // Starts it over `data` and waits until it listens; aborts the test when it does not. `settings`
  // is more for its settings' file. With a `log` it may be left running.
  explicit RunningServer(const std::filesystem::path& data, std::string_view settings = "",
                         const std::filesystem::path& log = {});
  ~RunningServer();
  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }
  // `Signal` sends a signal and gives the exit status (or 128 + the signal that ended it).
  int Signal(int signal);
  void Send(int signal) const;
  int Wait();
  // `LeaveRunning` leaves it to whoever stops it, by the process's id. REQUIRES: it has a `log`.
  pid_t LeaveRunning() { return std::exchange(pid_, -1); }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string address_;
};

// `Shell` runs a command, gives its output (both streams) and sets `exit_code`.
std::string Shell(const std::string& command, int& exit_code);

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_SERVER_WORLD_H_
