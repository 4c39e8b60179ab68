// A reservation ends by itself. One that others ran into leaves a mark behind for a moment, in
// which everybody but its holder may have the chain; the mark goes when somebody's event went
// through, or with time.
#include "server/ledger/reservations.h"

#include <algorithm>

namespace custody {
namespace {

std::string Seconds(std::int64_t micros) {
  return std::to_string(std::max<std::int64_t>(micros, 0) / kMicrosPerSecond + 1) + " s";
}

Status HeldBy(std::string_view chain, std::string_view station, std::int64_t left) {
  return Aborted(std::string(chain) + " is reserved by station " + std::string(station) +
                 " for another " + Seconds(left) + "; try again then, or ask there");
}

}  // namespace

Status Reservations::Take(std::string_view chain, std::string_view station, std::int64_t now,
                          std::int64_t until) {
  const MutexLock lock(mutex_);
  Expire(now);
  auto held = held_.find(chain);
  if (held != held_.end() && held->second.station != station) {
    if (held->second.until > now) {
      held->second.wanted = true;
      Remember(held);
      return HeldBy(chain, held->second.station, held->second.until - now);
    }
    Forget(held);  // whom it kept waiting goes first
    held = held_.end();
  }
  if (held != held_.end() && held->second.wanted) {
    return Aborted("others wait for " + std::string(chain) +
                   ", which this station had: what it still has is not renewed, and it may "
                   "reserve it again in " +
                   Seconds(held->second.over - now));
  }
  if (held == held_.end()) {
    if (const auto mine = of_station_.find(station);
        mine != of_station_.end() && mine->second >= kMaxReservationsOfStation) {
      return ResourceExhausted("station " + std::string(station) + " has reserved " +
                               std::to_string(mine->second) +
                               " therapies, which is as many as one may; give one back first");
    }
    ++of_station_[std::string(station)];
    held = held_.emplace(std::string(chain), Held{std::string(station)}).first;
  }
  held->second.until = until;
  Remember(held);
  return {};
}

void Reservations::GiveBack(std::string_view chain, std::string_view station, std::int64_t now) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(chain);
  if (held == held_.end() || held->second.station != station) return;
  if (!held->second.wanted) return Forget(held);
  held->second.until = std::min(held->second.until, now);
  Remember(held);
}

Status Reservations::Check(std::string_view chain, std::string_view station,
                           std::string_view caller, std::int64_t now) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(chain);
  if (held == held_.end()) return {};
  if (held->second.station == station || held->second.station == caller) return {};
  if (held->second.until <= now) {
    Forget(held);  // somebody else's turn has come
    return {};
  }
  held->second.wanted = true;
  Remember(held);
  return HeldBy(chain, held->second.station, held->second.until - now);
}

void Reservations::Remember(Chains::iterator held) {
  Held& it = held->second;
  by_end_.erase({it.over, held->first});
  it.over = it.until + (it.wanted ? kReservationGapMicros : 0);
  by_end_.emplace(it.over, held->first);
}

void Reservations::Forget(Chains::iterator held) {
  by_end_.erase({held->second.over, held->first});
  const auto mine = of_station_.find(held->second.station);
  if (--mine->second == 0) of_station_.erase(mine);
  held_.erase(held);
}

void Reservations::Expire(std::int64_t now) {
  while (!by_end_.empty() && by_end_.begin()->first <= now) {
    Forget(held_.find(by_end_.begin()->second));
  }
}

}  // namespace custody
