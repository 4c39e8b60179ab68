// A journey's stage with nothing left out: a demo ledger, the real custody-server, and a station at
// each site that talks to it by mutual TLS and believes no receipt that it has not verified.
#ifndef CUSTODY_TESTS_JOURNEYS_SERVER_STAGE_H_
#define CUSTODY_TESTS_JOURNEYS_SERVER_STAGE_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "client/session.h"
#include "tests/integration/server_world.h"
#include "tests/support/player.h"

namespace custody {

// `ServerStage` founds the ledger and starts the server. Not thread-safe.
class ServerStage final : public Stage {
 public:
  // Everything lies in `folder`, which must not exist: data/, a folder for each station,
  // server.log, ledger.trust.json.
  explicit ServerStage(const std::filesystem::path& folder);

  TestLedger& world() { return world_.ledger(); }
  const std::string& address() const { return server_.address(); }
  std::uint64_t receipts() const { return receipts_; }
  // The folder of a station that has been used, or is made now: "clinic.station.1".
  const std::filesystem::path& Station(std::string_view id);

  Status Reach(Instant now) override;
  Status Attach(std::string_view station, std::string_view therapy, std::string_view media_type,
                std::string_view bytes) override;
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override;
  Answer Record(const pb::SignedEvent& signed_event) override;

  // `LeaveRunning` puts everybody's keys where they work, so that people can go on by the programs,
  // and leaves the server running when this goes. Gives the id of its process.
  StatusOr<pid_t> LeaveRunning();

 private:
  StatusOr<Session*> SessionOf(std::string_view station);
  StatusOr<Session*> SessionOf(const pb::SignedEvent& signed_event);

  const std::filesystem::path folder_;
  ServerWorld world_;
  RunningServer server_;
  std::map<std::string, std::filesystem::path, std::less<>> stations_;
  std::map<std::string, std::unique_ptr<Session>, std::less<>> sessions_;
  Instant reached_;
  std::uint64_t receipts_ = 0;  // verified and kept
};

}  // namespace custody

#endif  // CUSTODY_TESTS_JOURNEYS_SERVER_STAGE_H_
