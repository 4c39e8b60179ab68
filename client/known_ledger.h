// What a station knows of the ledger from when it last saw it, so that work goes on without it.
//
// FOLDER/known/: hello (the server's last greeting), clock (how far this station's clock was off
// when it was last compared, and when that was), registry (the registry chains' events, folded
// anew at every start), ID.therapy (when it was last seen, and state and head as they were then)
// and ID.secret (the therapy's secret, sealed under a key that only this station's TLS key gives;
// clinic stations only, gone when the therapy is sealed). All of it can be deleted; nothing of it
// is proof of anything. Therapies' ids name files here and come from the server: what is no id
// (INVALID_ARGUMENT) names none.
#ifndef CUSTODY_CLIENT_KNOWN_LEDGER_H_
#define CUSTODY_CLIENT_KNOWN_LEDGER_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/random.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"

namespace custody {

class KnownLedger {
 public:
  // `folder` is the station's folder; `known` in it is made when something is kept.
  explicit KnownLedger(std::filesystem::path folder);

  Status KeepHello(const pb::HelloReply& hello) const;
  // NOT_FOUND when this station never saw the server.
  StatusOr<pb::HelloReply> Hello() const;

  // What a comparison of this station's clock with the ledger's came to.
  struct ComparedClock {
    std::int64_t ahead = 0;  // microseconds
    Instant at;              // by this station's
  };
  Status KeepClock(const ComparedClock& clock) const;
  // NOT_FOUND when it never was.
  StatusOr<ComparedClock> Clock() const;

  // `KeepRegistry` keeps the entries of all registry chains, in any order.
  Status KeepRegistry(std::span<const pb::EntryReply> entries) const;
  StatusOr<Registry> FoldRegistry() const;

  // A therapy's state and head, and when the server last confirmed that they are its newest.
  struct KnownTherapy {
    pb::GetTherapyReply reply;
    Instant confirmed_at;
  };
  Status KeepTherapy(std::string_view id, const KnownTherapy& therapy) const;
  StatusOr<KnownTherapy> Therapy(std::string_view id) const;
  // `Therapies` lists the ids of those kept.
  std::vector<std::string> Therapies() const;

  Status KeepSecret(std::string_view id, std::string_view secret, Rng& rng) const;
  StatusOr<std::string> Secret(std::string_view id) const;
  Status ForgetSecret(std::string_view id) const;

 private:
  StatusOr<std::string> SealingKey() const;
  // `PathOf` is the file ID.ENDING.
  StatusOr<std::filesystem::path> PathOf(std::string_view id, std::string_view ending) const;
  Status Keep(const std::filesystem::path& file, std::string_view bytes) const;

  std::filesystem::path folder_;
  std::filesystem::path known_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_KNOWN_LEDGER_H_
