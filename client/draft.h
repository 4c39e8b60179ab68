// A draft: what somebody wants to record, before it is an event on a place of a chain.
#ifndef CUSTODY_CLIENT_DRAFT_H_
#define CUSTODY_CLIENT_DRAFT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

struct DraftSigner {
  std::string person;
  pb::Role role = pb::ROLE_UNSPECIFIED;
  pb::Meaning meaning = pb::MEANING_UNSPECIFIED;  // unspecified: by place, see DefaultMeaning
  std::string identified_at;                      // as ParseTime reads it; empty: now

  // `Parse` reads PERSON:ROLE or PERSON:ROLE:MEANING.
  static StatusOr<DraftSigner> Parse(std::string_view text);
};

struct Draft {
  std::string event;    // body, "apheresis_started" or "APHERESIS_STARTED"
  std::string therapy;  // id; empty only for a patient's enrolment
  std::string at;       // when it happened, as ParseTime reads it; empty: now
  pb::EntryMode entry = pb::LIVE;
  std::string reason;  // when not LIVE
  std::vector<DraftSigner> signers;
  std::vector<pb::Performer> performed_by;
  std::vector<std::string> grants;                          // event ids in hex
  std::vector<std::pair<std::string, std::string>> fields;  // path and value, in order
  std::string logger_file;  // of telemetry_batch: to be read, summed up and attached
  // A patient's enrolment: identifiers in clear as the first and as the second person read them
  // (TYPE:ISSUER:VALUE), what is only kept in clear ("name::..."), and where they were read.
  std::vector<std::string> identifiers;
  std::vector<std::string> identifiers_again;
  std::string read_from;

  // `ParseJson` reads one line of JSON: {"event", "therapy", "at", "entry", "reason", "signers":
  // ["P:ROLE:MEANING" or {"person","role","meaning","identified_at"}], "performed_by":
  // ["P:ROLE:NAME"], "grants": [hex], "fields": {...}, "logger_file", "identifiers",
  // "identifiers_again", "read_from"}. Fields nest as in the messages; values are as SetField reads
  // them, numbers may be JSON numbers. INVALID_ARGUMENT names an unknown member.
  static StatusOr<Draft> ParseJson(std::string_view line);
};

// `ParsePerformer` reads PERSON:ROLE:NAME; the person may be empty when not enrolled.
StatusOr<pb::Performer> ParsePerformer(std::string_view text);
StatusOr<pb::Role> ParseRole(std::string_view text);

// `DefaultMeaning` is what the signature of the signer at `place` (0: first) means when nobody
// said: performed and verified; of what is entered later, transcribed and checked.
pb::Meaning DefaultMeaning(pb::EntryMode entry, std::size_t place);

}  // namespace custody

#endif  // CUSTODY_CLIENT_DRAFT_H_
