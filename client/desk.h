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
#include <optional>
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
  // `Open` opens the folder and connects. A server that cannot be reached, or is too busy to greet
  // anybody, is no error: the desk is then offline. UNAVAILABLE only when this station never saw
  // the server at all; DATA_LOSS and UNAUTHENTICATED (a server that is not the ledger's, or rewrote
  // it) as Session::Connect says.
  static StatusOr<std::unique_ptr<Desk>> Open(const std::filesystem::path& folder, Clock& clock,
                                              Rng& rng);
  // `OpenWith` connects by `connect`.
  using Connector = std::function<StatusOr<std::unique_ptr<Session>>(const StationFolder& folder)>;
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
  // `LoseSession` goes on offline, after a call found the server gone (or judging nothing).
  void LoseSession(const Status& why);
  // `Reconnect` tries once more when offline: OK when online (again). UNAVAILABLE while the server
  // is not there; DATA_LOSS and UNAUTHENTICATED as `Open`.
  Status Reconnect();
  // `ReconnectNowAndThen` is Reconnect, but tries only when it was not tried for half a minute: for
  // asking often, where a server that does not answer may not hold people up.
  Status ReconnectNowAndThen();
  // When the server last confirmed what is known of this therapy: offline it is as old as that.
  std::optional<Instant> ConfirmedAt(std::string_view id) const;

  const Registry& registry() const { return *registry_; }
  pb::Environment environment() const { return environment_; }
  Instant Now() const;
  // As Session::ClockAhead; nothing offline.
  std::optional<std::int64_t> ClockAhead() const;
  // The last comparison of this station's clock, also of a run before: offline nobody knows whether
  // it was set since.
  const std::optional<KnownLedger::ComparedClock>& LastCompared() const { return compared_; }

  // `Therapy` gives state and head: the server's, or offline what was last seen with the outbox's
  // events applied. NOT_FOUND when there is none (or the caller may not see it).
  StatusOr<pb::GetTherapyReply> Therapy(std::string_view id);
  // `Therapies` gives all that this station may see, or offline all it has seen. `whole` is why it
  // gives none, or FAILED_PRECONDITION when it is not all: to be said, loudly, after the list.
  StatusOr<std::vector<pb::GetTherapyReply>> Therapies(Status& whole);
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
  Desk(StationFolder folder, Connector connect, Clock& clock, Rng& rng);
  Status Prepare();
  Status PrepareOffline();
  Status RefreshRegistry();
  Status FoldIn(const pb::SignedEvent& signed_event, std::uint64_t index,
                pb::GetTherapyReply& therapy) const;
  StatusOr<pb::GetTherapyReply> FromKnown(std::string_view id) const;

  const StationFolder folder_;
  const KnownLedger known_;
  const Connector connect_;
  std::unique_ptr<Session> session_;
  Status offline_;
  std::int64_t tried_at_ = 0;  // monotonic microseconds
  Clock& clock_;
  Rng& rng_;
  std::shared_ptr<const Registry> registry_;
  pb::Environment environment_ = pb::ENVIRONMENT_UNSPECIFIED;
  std::int64_t offset_micros_ = 0;
  mutable std::optional<KnownLedger::ComparedClock> compared_;
};

// `Reservation` keeps a therapy's chain for this station while two people check and sign, at most
// five minutes; what machines record meanwhile waits behind it. It is given back when it dies.
// Offline it does nothing.
class Reservation {
 public:
  // `desk` must outlive it.
  Reservation(Desk& desk, std::string_view therapy);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  // ABORTED when another station has the chain: who, and for how long.
  const Status& status() const { return status_; }

 private:
  Desk& desk_;
  std::string chain_;
  Status status_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_DESK_H_
