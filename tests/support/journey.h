// Whole therapies as scripts that read like the record they become: tests/journeys/*.txt.
//
//   # A comment.
//   title Infused on day 9, by the physician's grant   what it shows
//   profile demo-product                               in custody/profiles; several are several
//   site ANNEX HOSPITAL                                one more site of HOSPITAL: physicians,
//   nurses,
//                                                      pharmacists and cell laboratory, two of each
//   set DOSE 144                                       from here on ${DOSE} is 144
//   day 14                                             times that follow count from day 14
//   scene collection DIN=A999026000002                 here the steps of scenes/collection.txt
//   repeat 40 scene banked                             40 times, ${N} is 01 to 40, in order of time
//   therapy T2                                         the steps that follow are of this therapy
//   wristband new                                      the patient wears another one from here on
//
//   +0d02h00m clinic.phy.1                             a step: when, and who signs, in order
//   as GRANT                                           names its event: ${id GRANT}, ${id8 GRANT}
//   override_granted { ... }                           the body, in text format
//
//   +0d03h00m clinic.pharm.1 clinic.cell_lab.1
//   cites GRANT                                        the override that it rests on
//   removed_from_storage { ... }
//
// Lines between the header of a step and its body, each at most once:
//   as NAME                  names the event
//   cites NAME               names the grant
//   late REASON              entered late (or `downtime REASON`), the time is when it happened
//   signed +0d05h00m         when such a step is entered
//   by PERSON...             who did it, when others enter it
//   held                     signed where no network is, and not sent: the station keeps it
//   adopts NAME              what was held is sent at last, finds its place taken, and is carried
//                            by this `adopted` event
//   refused RULE...          must not be recorded, by exactly these rules, and is not
//   deviates RULE...         is recorded, and exactly these rules have something against it
//
// A `telemetry_batch` says what its logger measured (from, to, interval, extremes, excursions,
// gaps); the file is made of that, attached and summed up. `none` after `cites`, `refused` or
// `deviates` is as if the line were not there: scenes say what they are told. A step that says
// nothing of rules is recorded without a word from any rule. An empty line ends it.
#ifndef CUSTODY_TESTS_SUPPORT_JOURNEY_H_
#define CUSTODY_TESTS_SUPPORT_JOURNEY_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// `JourneyStep` is one event that somebody records, or tries to.
struct JourneyStep {
  std::string where;  // "late_infusion.txt:12", for messages
  std::string therapy = "T1";
  std::string wristband;             // empty: the first one
  std::int64_t after = 0;            // microseconds after the therapy's start
  std::int64_t signed_after = 0;     // as `after`, unless entered later
  std::vector<std::string> signers;  // in order; ids as in TestLedger
  std::string name;                  // empty: none
  std::string cites;                 // the name of a grant
  bool held = false;                 // signed, and not sent
  std::string adopts;                // the name of what was held
  pb::EntryMode mode = pb::LIVE;
  std::string reason;  // of a late entry
  std::vector<std::string> performed_by;
  std::vector<std::string> refused;   // rules, sorted
  std::vector<std::string> deviates;  // rules, sorted
  std::string body;                   // text format with its tokens
};

// `JourneySite` is a site besides those of the test world.
struct JourneySite {
  std::string site;
  std::string organisation;
};

struct Journey {
  std::string title;
  std::string opening;  // the comment that the script begins with
  std::string therapy;  // whose story it is: that of the first step
  std::vector<JourneySite> sites;
  std::vector<std::string> profiles;
  std::vector<JourneyStep> steps;
};

// `ReadJourney` reads a script; its scenes are in the folder `scenes` beside it. INVALID_ARGUMENT
// names the line.
StatusOr<Journey> ReadJourney(const std::filesystem::path& script);

// `BodyOf` is the event's body with its tokens filled in, happening at `at`; `ids` are the events
// that were named so far. Tokens: `$T-30m` a time around `at`, `$FILE` an attachment, `$HASH` a
// hash, `$SCAN:X` a scan of X, `$WRIST:field` the patient's two identifiers, `$WRIST@new:field`
// those on another wristband,
// `$NUMBER:field` the hospital's number alone.
StatusOr<pb::Event> BodyOf(const JourneyStep& step, Instant at,
                           const std::map<std::string, std::string>& ids);

// `kJourneyFile` are the bytes that `$FILE` names.
inline constexpr std::string_view kJourneyFile = "a file";

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_JOURNEY_H_
