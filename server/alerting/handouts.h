// Who is to be handed what now: repetition, escalation, and recipients that fail.
#ifndef CUSTODY_SERVER_ALERTING_HANDOUTS_H_
#define CUSTODY_SERVER_ALERTING_HANDOUTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crypto/status.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/alerting/recipients.h"

namespace custody {

// `RecipientHealth` is how a recipient did, whatever it was handed.
struct RecipientHealth {
  std::uint32_t failures = 0;  // tries since it last took one
  std::string error;           // why the last one failed
  std::int64_t next_try_us = 0;
  std::int64_t last_taken_us = 0;  // 0: never

  bool failing() const { return failures != 0; }
};
// By the recipient's name; whoever is not there has not been tried.
using Healths = std::map<std::string, RecipientHealth, std::less<>>;

struct DueHandout {
  std::string site;
  const Recipient* recipient = nullptr;  // of the configuration
  std::uint32_t step = 1;                // its place in the escalation list
};

// `DueHandouts` are what `record` asks for at `now`: every recipient whose turn has come and whose
// last hand-out is as old as the repeat interval, each once a site. One that fails is left alone
// until its pause is over, and the next in the list is told at once. Deterministic.
std::vector<DueHandout> DueHandouts(const AlertingConfig& config, const pb::AlertRecord& record,
                                    const Healths& healths, Instant now);

// `Unreached` are the sites that wait for `record` and have nobody to tell.
std::vector<std::string> Unreached(const AlertingConfig& config, const pb::AlertRecord& record);

// `NoteOutcome` says in `record` and `health` what became of a hand-out at `now`. After a failure
// the recipient is left alone for 30 s, then twice as long each time, up to 15 min.
void NoteOutcome(const DueHandout& handed, const Status& outcome, Instant now,
                 pb::AlertRecord& record, RecipientHealth& health);

// `FindHandout` is what a recipient of `site` was handed of `record`; null: nothing yet.
const pb::Handout* FindHandout(const pb::AlertRecord& record, const std::string& site,
                               const std::string& recipient);

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_HANDOUTS_H_
