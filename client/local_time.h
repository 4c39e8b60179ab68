// Times as people at a station write them.
#ifndef CUSTODY_CLIENT_LOCAL_TIME_H_
#define CUSTODY_CLIENT_LOCAL_TIME_H_

#include <string_view>

#include "crypto/status.h"
#include "custody/time.h"

namespace custody {

// `ParseTime` reads a time as written at a place in IANA `zone`: RFC 3339 with a zone, "now",
// "2026-03-02 09:15" or "2026-03-02 09:15:30" local time, "09:15" of today, "2026-03-02" (the end
// of that day: how a date-only expiry counts), or minutes and hours from now: "-15min", "+2h".
// INVALID_ARGUMENT when it is none of these, or a local time that the change of clocks skips or
// repeats (then RFC 3339 is asked for).
StatusOr<Instant> ParseTime(std::string_view text, std::string_view zone, Instant now);

}  // namespace custody

#endif  // CUSTODY_CLIENT_LOCAL_TIME_H_
