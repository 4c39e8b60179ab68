// Recall both ways through one therapy: from what was used to what it went into and where that is
// now, and from a container back to everything it touched.
#ifndef CUSTODY_CUSTODY_TRACE_H_
#define CUSTODY_CUSTODY_TRACE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `TracedEvent` is one event of the chain: what happened (an adopted one's original), and where it
// stands.
struct TracedEvent {
  pb::Event event;
  std::uint64_t sequence = 0;
  std::string event_id;  // 32 bytes, of what happened
};

// `TraceQuestion` is what is looked for. Types are those of event_contents.h, and "therapy".
struct TraceQuestion {
  std::string type;  // empty: any
  std::string value;
  bool touched = false;  // also everything that what it concerns has touched
};

// `TraceTherapy` says which containers of a therapy are concerned by what is asked for, where each
// of its containers is, and where in the chain that stands.
//
// `state` and `events` are what the reader may see of it. An event concerns the most particular
// things that it names: product containers, else its lot, else collected cells; what went into a
// lot or a donation is in all that was made of it. Where the event of a vector, reagent, device or
// run names nothing of the kind, all of the therapy's product may be concerned and is said to be,
// "cannot be told apart"; anything else concerns only what its events name. `profile` may be null.
// Deterministic.
pb::TracedTherapy TraceTherapy(const pb::TherapyState& state, std::span<const TracedEvent> events,
                               const TraceQuestion& question, const pb::Profile* profile);

// `LiesIn` says whether a stay is in `unit`: the unit or shipper itself, or a place whose name
// begins with it.
bool LiesIn(const pb::Stay& stay, std::string_view unit);

// `InventoryOf` is the therapy with those of its containers that lay in `unit` (the unit or shipper
// itself, or a place whose name begins with it: "LN2-04/R2/P5" lies in "LN2-04") at any time from
// `from_us` to `to_us`, both included. No containers: none did.
pb::TracedTherapy InventoryOf(const pb::TherapyState& state, std::string_view unit,
                              std::int64_t from_us, std::int64_t to_us);

// `RecallUrgency` orders containers for who recalls: 0 is about to be given or being given, then
// what lies ready, what is under way or made, what was given (somebody has to be told), and last
// what can harm nobody any more.
int RecallUrgency(const pb::TracedContainer& container);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_TRACE_H_
