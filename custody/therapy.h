// The therapy fold: everything about one therapy, derived from its chain.
//
// State is a protobuf message (pb::TherapyState): what the rules read is what stations show.
// It is never truth: it can be thrown away and folded again, and an auditor always does.
#ifndef CUSTODY_CUSTODY_THERAPY_H_
#define CUSTODY_CUSTODY_THERAPY_H_

#include <google/protobuf/repeated_field.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

// Where an event stands and when the server received it.
struct Place {
  std::uint64_t index = 0;     // log index
  std::uint64_t sequence = 0;  // in its chain
  Instant received_at;
};

// `ApplyToTherapy` folds an accepted event into `state`. `verdict` is what Judge said of it, from
// which the derived deviations and quarantines come; `registry` is as of the event's index.
// Deterministic: the same events give the same bytes.
void ApplyToTherapy(const ParsedEvent& event, const Place& place, const pb::Verdict& verdict,
                    const Registry& registry, pb::TherapyState& state);

// `FoldCode` names the code that judges and folds: a SHA-256 in hex over its sources and messages.
// A state that was kept is worth nothing to a program with another one.
std::string_view FoldCode();

// `NextStepsOf` lists what may come next and what is due, with what blocks each and why, for time
// `now`: what is overdue first, then what is open, what opens later, and tidying up. The steps are
// judged as LIVE events on the chain's head. A `state` that is a view for others than the clinic
// offers no step that is about the patient.
std::vector<pb::NextStep> NextStepsOf(const pb::TherapyState& state, const Registry& registry,
                                      Instant now);

// `ViewFor` removes from `state` what a reader of `organisation` at `site` may not see: clinical
// detail for the manufacturer, all but its shipment for a carrier. REQUIRES: the reader is a party
// (see IsParty).
pb::TherapyState ViewFor(const pb::TherapyState& state, const Registry& registry,
                         std::string_view site);
// `HideReasons` takes out of reasons what a reader at `site` may not see, by the class of what each
// tells; the rule, how it binds and who may grant stay. For verdicts and next steps that leave the
// ledger. Says whether anything was taken out.
bool HideReasons(google::protobuf::RepeatedPtrField<pb::Reason>& reasons, const Registry& registry,
                 std::string_view site);
// `IsParty` says whether stations of `site` may read the therapy at all: its own site, a site or
// carrier that an event named, or oversight.
bool IsParty(const pb::TherapyState& state, const Registry& registry, std::string_view site);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_THERAPY_H_
