// The desk: a station's folder, its session where there is one, and what it knows where there is
// none.
//
// Everything the programs do goes through here, so that being offline is one place's business:
// states and heads come from the server, or from what was last seen with the outbox's events on
// top.
#ifndef CUSTODY_CLIENT_DESK_H_
#define CUSTODY_CLIENT_DESK_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/known_ledger.h"
#include "client/session.h"
#include "client/station_folder.h"
#include "crypto/random.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

// `Desk` serves one program run. Not thread-safe.
class Desk {
 public:
  // `Open` opens the folder and connects. A server that cannot be reached is no error: the desk is
  // then offline. UNAVAILABLE only when this station never saw the server at all; DATA_LOSS and
  // UNAUTHENTICATED (a server that is not the ledger's, or rewrote it) as Session::Connect says.
  static StatusOr<std::unique_ptr<Desk>> Open(const std::filesystem::path& folder, Clock& clock,
                                              Rng& rng);
  // `OpenWith` connects by `connect`, which is given the folder at its final place: a session keeps
  // it for as long as it lives.
  using Connector = std::function<StatusOr<std::unique_ptr<Session>>(StationFolder& folder)>;
  static StatusOr<std::unique_ptr<Desk>> OpenWith(StationFolder folder, const Connector& connect,
                                                  Clock& clock, Rng& rng);
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  const StationFolder& folder() const { return folder_; }
  const KnownLedger& known() const { return known_; }
  const std::string& zone() const { return folder_.settings().zone; }
  Rng& rng() { return rng_; }
  bool online() const { return session_ != nullptr; }
  // REQUIRES: online().
  Session& session() { return *session_; }
  // `Reachable` is OK online, else why not.
  Status Reachable() const { return online() ? absl::OkStatus() : offline_; }
  // `LoseSession` goes on offline, after a call found the server gone.
  void LoseSession(const Status& why);

  const Registry& registry() const { return *registry_; }
  pb::Environment environment() const { return environment_; }
  Instant Now() const;

  // `Therapy` gives state and head: the server's, or offline what was last seen with the outbox's
  // events applied. NOT_FOUND when there is none (or the caller may not see it).
  StatusOr<pb::GetTherapyReply> Therapy(std::string_view id);
  // `Therapies` gives all that this station may see, or offline all it has seen.
  StatusOr<std::vector<pb::GetTherapyReply>> Therapies();
  // `Next` lists next steps: judged by the server, or offline by the rules here.
  StatusOr<std::vector<pb::NextStep>> Next(std::string_view id);
  // `Resolve` finds the therapy that `text` belongs to: its id, or anything that was scanned.
  // FAILED_PRECONDITION when it belongs to several, NOT_FOUND when to none that is seen here.
  StatusOr<std::string> Resolve(std::string_view text);
  // `Secret` gives the therapy's secret, in which commitments are made; asked for in `role`.
  StatusOr<std::string> Secret(std::string_view id, pb::Role role);

  // `Advance` notes an event that was recorded or put into the outbox in what is known.
  void Advance(const pb::SignedEvent& signed_event, std::uint64_t index);

 private:
  Desk(StationFolder folder, Clock& clock, Rng& rng);
  Status Prepare();
  Status RefreshRegistry();
  Status FoldIn(const pb::SignedEvent& signed_event, std::uint64_t index,
                pb::GetTherapyReply& therapy) const;
  StatusOr<pb::GetTherapyReply> FromKnown(std::string_view id) const;

  StationFolder folder_;
  KnownLedger known_;
  std::unique_ptr<Session> session_;  // after folder_, which it refers to
  Status offline_;
  Clock& clock_;
  Rng& rng_;
  std::shared_ptr<const Registry> registry_;
  pb::Environment environment_ = pb::ENVIRONMENT_UNSPECIFIED;
  std::int64_t offset_micros_ = 0;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_DESK_H_
