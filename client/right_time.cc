#include "client/right_time.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "custody/event.h"

namespace custody {
namespace {

constexpr std::int64_t kWarn = 30 * kMicrosPerSecond;

bool Apart(std::int64_t ahead, std::int64_t bound) { return ahead > bound || ahead < -bound; }

std::string Span(std::int64_t micros) {
  const std::int64_t seconds = micros / kMicrosPerSecond;
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3'600) {
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  }
  return std::to_string(seconds / 3'600) + " h " + std::to_string(seconds % 3'600 / 60) + " min";
}

std::string Found(const Desk& desk, std::int64_t ahead) {
  const Instant now = desk.Now();
  return "this station's clock is " + Span(std::abs(ahead)) +
         (ahead > 0 ? " AHEAD of" : " BEHIND") + " the ledger's: here it is " +
         FormatLocal(now, desk.zone()) + ", there " + FormatLocal(now + -ahead, desk.zone());
}

}  // namespace

bool CountsTime(const Desk& desk) {
  const auto ahead = desk.ClockAhead();
  return !ahead || !Apart(*ahead, kMaxClockAheadMicros);
}

void WarnOfClock(const Desk& desk, Console& console) {
  const auto ahead = desk.ClockAhead();
  if (!ahead || !Apart(*ahead, kWarn)) return;
  std::string text = "R03: " + Found(desk, *ahead) + "; have this station's clock set right";
  if (Apart(*ahead, kMaxClockAheadMicros)) {
    text += ". Until then read times off another clock: nothing is counted here";
  }
  console.Shout(Mood::kCareful, "CHECK THE CLOCK", text);
}

Status CheckClock(const Desk& desk, const pb::EventRule& rule, pb::EntryMode entry) {
  if (entry != pb::LIVE) return absl::OkStatus();
  const auto ahead = desk.ClockAhead();
  if (!ahead || !Apart(*ahead, kMaxClockAheadMicros)) return absl::OkStatus();
  if (*ahead < 0 && rule.kind() != pb::GATED_STEP) return absl::OkStatus();
  return FailedPrecondition(
      "R03: nothing was signed. Expected a clock within 2 min of the ledger's; found that " +
      Found(desk, *ahead) +
      ". Have this station's clock set right (or the ledger's, if that is the wrong one: its "
      "administrator), then do it again. What cannot wait is done, written on paper with the time "
      "of another clock, and entered afterwards with --late");
}

}  // namespace custody
