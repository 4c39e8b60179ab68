// Chains kept for a station while two people check and sign.
#ifndef CUSTODY_SERVER_LEDGER_RESERVATIONS_H_
#define CUSTODY_SERVER_LEDGER_RESERVATIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/time.h"
#include "server/ledger/mutex.h"

namespace custody {

// `Reservations` lives in memory only: a restart gives every chain back. Time is passed in, from
// the clock that nobody sets. Thread-safe.
class Reservations {
 public:
  // `Take` keeps `chain` for `station` until `until`; a later one of the same station replaces it.
  // ABORTED while another station has it.
  Status Take(std::string_view chain, std::string_view station, std::int64_t now,
              std::int64_t until);
  // `GiveBack` ends the reservation of `station`, if it has one.
  void GiveBack(std::string_view chain, std::string_view station);
  // `Check` is ABORTED, naming the station and the seconds left, while a station that is neither
  // `station` nor `caller` has the chain.
  Status Check(std::string_view chain, std::string_view station, std::string_view caller,
               std::int64_t now);

 private:
  struct Held {
    std::string station;
    std::int64_t until = 0;
  };
  Mutex mutex_;
  std::map<std::string, Held, std::less<>> held_ CUSTODY_GUARDED_BY(mutex_);
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_RESERVATIONS_H_
