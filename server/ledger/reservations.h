// Chains kept for a station while two people check and sign.
#ifndef CUSTODY_SERVER_LEDGER_RESERVATIONS_H_
#define CUSTODY_SERVER_LEDGER_RESERVATIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/status.h"
#include "custody/time.h"
#include "server/ledger/mutex.h"

namespace custody {

// Chains that one station keeps at the same time: a ward prepares some bags at once, nobody more.
inline constexpr std::size_t kMaxReservationsOfStation = 16;
// How long the others go first, after a reservation that kept them waiting: a station that waits
// asks every second.
inline constexpr std::int64_t kReservationGapMicros = 10 * kMicrosPerSecond;

// `Reservations` lives in memory only: a restart gives every chain back. A reservation that kept
// another station waiting is not renewed, and when it is over its holder lets the others go first,
// so that nobody keeps a chain for ever. Time is passed in, from the clock that nobody sets.
// Thread-safe; no call looks at more reservations than its own and those that are over.
class Reservations {
 public:
  // `Take` keeps `chain` for `station` until `until`; a later one of the same station replaces it.
  // ABORTED while another station has it, and for who has it once others wait;
  // RESOURCE_EXHAUSTED when the station keeps too many.
  Status Take(std::string_view chain, std::string_view station, std::int64_t now,
              std::int64_t until);
  // `GiveBack` ends the reservation of `station`, if it has one.
  void GiveBack(std::string_view chain, std::string_view station, std::int64_t now);
  // `Check` is ABORTED, naming the station and the seconds left, while a station that is neither
  // `station` nor `caller` has the chain.
  Status Check(std::string_view chain, std::string_view station, std::string_view caller,
               std::int64_t now);

 private:
  struct Held {
    std::string station;
    std::int64_t until = 0;  // the chain is kept until then
    std::int64_t over = 0;   // and remembered until then: `until`, or a gap later
    bool wanted = false;     // another station tried meanwhile
  };
  using Chains = std::map<std::string, Held, std::less<>>;

  // `Remember` sets when `held` is over. `Forget` drops it; `Expire` all that are over.
  void Remember(Chains::iterator held) CUSTODY_REQUIRES(mutex_);
  void Forget(Chains::iterator held) CUSTODY_REQUIRES(mutex_);
  void Expire(std::int64_t now) CUSTODY_REQUIRES(mutex_);

  Mutex mutex_;
  Chains held_ CUSTODY_GUARDED_BY(mutex_);
  std::set<std::pair<std::int64_t, std::string>> by_end_ CUSTODY_GUARDED_BY(mutex_);
  std::map<std::string, std::size_t, std::less<>> of_station_ CUSTODY_GUARDED_BY(mutex_);
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_RESERVATIONS_H_
