#include "client/right_time.h"

#include <cstdint>
#include <cstdlib>
#include <optional>
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

std::string Off(std::int64_t ahead) {
  return Span(std::abs(ahead)) + (ahead > 0 ? " AHEAD of" : " BEHIND") + " the ledger's";
}

std::string Found(const Desk& desk, std::int64_t ahead) {
  const Instant now = desk.Now();
  return "this station's clock is " + Off(ahead) + ": here it is " + FormatLocal(now, desk.zone()) +
         ", there " + FormatLocal(now + -ahead, desk.zone());
}

// By how much it is off as far as is known: offline, when it was last compared.
std::optional<std::int64_t> LastAhead(const Desk& desk) {
  if (desk.online()) return desk.ClockAhead();
  const auto& compared = desk.LastCompared();
  return compared ? std::optional(compared->ahead) : std::nullopt;
}

}  // namespace

bool CountsTime(const Desk& desk) {
  const auto ahead = LastAhead(desk);
  return !ahead || !Apart(*ahead, kMaxClockAheadMicros);
}

void WarnOfClock(const Desk& desk, Console& console) {
  const auto ahead = LastAhead(desk);
  if (!ahead || !Apart(*ahead, kWarn)) return;
  std::string text = "R03: ";
  text += desk.online()
              ? Found(desk, *ahead)
              : "when it was last compared, " + FormatLocal(desk.LastCompared()->at, desk.zone()) +
                    ", this station's clock was " + Off(*ahead) +
                    ", and without the server nobody knows whether it was set since";
  text += "; have this station's clock set right";
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
