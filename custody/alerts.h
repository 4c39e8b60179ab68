// What somebody has to be told of a therapy, derived from its state: nothing here is stored, sent
// or repeated. Who hands alerts out repeats each until it is acknowledged.
#ifndef CUSTODY_CUSTODY_ALERTS_H_
#define CUSTODY_CUSTODY_ALERTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"

namespace custody {

// `Alert` is one of them. Its text names no patient, and of identifiers nothing but the chain of
// identity, lots, containers and quarantines.
struct Alert {
  // Stable, and nothing that somebody typed: "A-", 8 hex digits of an event id, "-" and the rule;
  // behind it, where one event has several, which visit, which rule of a quarantine, or 8 digits of
  // a hash of what a deviation is about.
  std::string id;
  std::string rule;  // "R43", "F5"; of a deviation its own
  std::int64_t since_us = 0;
  std::vector<pb::Role> roles;       // whom at each site
  std::vector<std::string> sites;    // whom it concerns, the treating one first
  std::vector<std::string> waiting;  // those of `sites` where nobody has acknowledged it yet
  std::string text;

  bool acknowledged() const { return waiting.empty(); }
};

// `Alerts` are all there are at `now`, acknowledged ones too, the oldest first:
//   R42  a lot is not released when the profile's days (28) since its batch began are over
//   R43  the first fever after an infusion
//   R28  readings of a patient in hospital are overdue
//   R29, R30  a visit is overdue
//   R44  nobody decided about intensive care
//   R40  the daily contact with a patient at home is overdue
//   F8b  the identity of something is in doubt
//   F9   product or cells are in quarantine for their temperature
//   F5, F18  contamination of what was infused, a recall
//   F10  a shipper will arrive later than its hold allows, or was expected and is not there; the
//        hold of one that keeps something cold ends within a day, or is over
//   F16, SAE  a second cancer, a serious adverse event: the manufacturer is told by it
//   FINAL  the final result of a test is overdue that was negative to date at the release
//   ATTEST, VERBAL  nobody has attested an entry, confirmed a verbal order, within 24 h
//   the rule of an open critical deviation that an entry made afterwards left
// A site acknowledges for itself: the manufacturer's word does not silence the clinic's alert. A
// `state` that is a view for others than the clinic has none about the patient. A therapy that is
// closed has none of a patient's daily course and visits; what is found later of its product is
// told as before. Deterministic.
std::vector<Alert> Alerts(const pb::TherapyState& state, const Registry& registry, Instant now);

// The sources of F10 that are no rule's own: somebody said when a shipper arrives, its hold began.
inline constexpr const char* kArrivalSource = "ARRIVAL";
inline constexpr const char* kHoldSource = "HOLD";

// `AlertOutlook` is the alerts of one time, and until when they stay as they are.
struct AlertOutlook {
  std::vector<Alert> alerts;
  // While nothing is recorded, the alerts at every time before this one are these; 0: for ever.
  std::int64_t next_us = 0;
};
// `LookOut` is `Alerts`, and when to look again. Deterministic.
AlertOutlook LookOut(const pb::TherapyState& state, const Registry& registry, Instant now);

// `MayHaveStoodAt` are the sites that an alert of this `id` concerns, if it stands in this therapy
// or may have stood in it before: the event that it names is one of the therapy's, and of a kind
// that the rule tells of. Empty: it cannot have. A therapy remembers its last thousand events; with
// more, any event is believed.
std::vector<std::string> MayHaveStoodAt(const pb::TherapyState& state, std::string_view id);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_ALERTS_H_
