// Holds recording back when the clock cannot be believed.
//
// The times in the log decide about expiry, deadlines and training, and they can never be changed
// again. So when the wall clock and the clock that nobody sets have parted by more than a minute
// since the last entry, or the wall clock at opening lies before the last entry or more than seven
// days after it, nothing is recorded until an administrator has confirmed the present time.
#ifndef CUSTODY_SERVER_LEDGER_CLOCK_GUARD_H_
#define CUSTODY_SERVER_LEDGER_CLOCK_GUARD_H_

#include <cstdint>

#include "crypto/status.h"
#include "custody/time.h"

namespace custody {

inline constexpr std::int64_t kMaxClockDriftMicros = 60 * kMicrosPerSecond;
inline constexpr std::int64_t kMaxSilenceMicros = 7 * kMicrosPerDay;

// `ClockGuard` is a value; not thread-safe. It reads the raw clock, so a demo ledger's offset,
// which an administrator moves on purpose, never alarms it.
class ClockGuard {
 public:
  // `AtOpening` compares `now` (ledger time) with `last`, the later of the last entry's time and
  // the last confirmed one.
  void AtOpening(Clock& clock, Instant now, Instant last);
  // `Check` is OK, or FAILED_PRECONDITION with what the clock did and what to do. What was found
  // wrong once stays wrong until `Confirm`.
  Status Check(Clock& clock);
  // `Confirm` takes the present time as right.
  void Confirm(Clock& clock);
  // `Recorded` is called for every group: the next jump is measured from here.
  void Recorded(Clock& clock);

 private:
  Instant wall_;
  std::int64_t monotonic_ = 0;
  Status held_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_CLOCK_GUARD_H_
