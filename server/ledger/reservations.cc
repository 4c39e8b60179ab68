#include "server/ledger/reservations.h"

namespace custody {
namespace {

Status HeldBy(std::string_view chain, std::string_view station, std::int64_t left) {
  return Aborted(std::string(chain) + " is reserved by station " + std::string(station) +
                 " for another " + std::to_string(left / kMicrosPerSecond + 1) +
                 " s; try again then, or ask there");
}

}  // namespace

Status Reservations::Take(std::string_view chain, std::string_view station, std::int64_t now,
                          std::int64_t until) {
  const MutexLock lock(mutex_);
  std::erase_if(held_, [now](const auto& held) { return held.second.until <= now; });
  const auto held = held_.find(chain);
  if (held != held_.end() && held->second.station != station) {
    return HeldBy(chain, held->second.station, held->second.until - now);
  }
  held_[std::string(chain)] = {std::string(station), until};
  return {};
}

void Reservations::GiveBack(std::string_view chain, std::string_view station) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(chain);
  if (held != held_.end() && held->second.station == station) held_.erase(held);
}

Status Reservations::Check(std::string_view chain, std::string_view station,
                           std::string_view caller, std::int64_t now) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(chain);
  if (held == held_.end() || held->second.until <= now) return {};
  if (held->second.station == station || held->second.station == caller) return {};
  return HeldBy(chain, held->second.station, held->second.until - now);
}

}  // namespace custody
