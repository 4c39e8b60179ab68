#include "server/ledger/clock_guard.h"

#include <cstdlib>
#include <string>

namespace custody {
namespace {

constexpr std::string_view kWhatToDo =
    "; set the machine's clock right and let an administrator confirm it (custody-admin clock)";

}  // namespace

void ClockGuard::AtOpening(Clock& clock, Instant now, Instant last) {
  Confirm(clock);
  if (now < last) {
    held_ = FailedPrecondition("the clock says " + FormatUtc(now) + ", before the last entry at " +
                               FormatUtc(last) + std::string(kWhatToDo));
  } else if (now - last > kMaxSilenceMicros) {
    held_ = FailedPrecondition("the clock says " + FormatUtc(now) +
                               ", more than seven days after the last entry at " + FormatUtc(last) +
                               std::string(kWhatToDo));
  }
}

Status ClockGuard::Check(Clock& clock) {
  if (!held_.ok()) return held_;
  const std::int64_t wall = clock.Now() - wall_;
  const std::int64_t monotonic = clock.MonotonicMicros() - monotonic_;
  if (std::abs(wall - monotonic) > kMaxClockDriftMicros) {
    held_ = FailedPrecondition("the clock jumped by " +
                               std::to_string((wall - monotonic) / kMicrosPerSecond) +
                               " s since the last entry" + std::string(kWhatToDo));
  }
  return held_;
}

void ClockGuard::Confirm(Clock& clock) {
  held_ = Status();
  Recorded(clock);
}

void ClockGuard::Recorded(Clock& clock) {
  wall_ = clock.Now();
  monotonic_ = clock.MonotonicMicros();
}

}  // namespace custody
