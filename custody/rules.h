// The rules as a versioned table, and the verdict they give together.
//
// One small function a rule and version. An adopted rule is superseded by a new version, never
// edited; the registry says which rules version judges from which index on.
#ifndef CUSTODY_CUSTODY_RULES_H_
#define CUSTODY_CUSTODY_RULES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "custody/claims.h"
#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/therapy.h"

namespace custody {

// `OtherTherapies` answers what only the whole ledger knows: which other therapies hold a thing now
// (claims.h), as of the event that is judged. Not thread-safe unless it says so.
class OtherTherapies {
 public:
  virtual ~OtherTherapies() = default;
  // `HoldersOf` gives the ids of the therapies, other than `therapy`, whose claims collide with
  // `claim`; empty: none.
  virtual std::vector<std::string> HoldersOf(const Claim& claim,
                                             std::string_view therapy) const = 0;
};

// Everything a rule may look at. References live as long as the judgement.
struct Case {
  const ParsedEvent& event;         // the event as it would be recorded
  const pb::Event& effective;       // what happened (an adopted event's original)
  const Registry& registry;         // as of the event's index
  const pb::TherapyState& therapy;  // before the event; an empty state for a chain's first event
  const pb::Profile* profile;       // of the therapy's order, or the general template; may be null
  Place place;                      // index and time at which it would be recorded
  const OtherTherapies* others = nullptr;  // null: rules that need them say "not judged here"
};

struct Rule {
  std::string_view id;                 // "R18"
  std::uint32_t version;               // of this rule
  std::uint32_t since;                 // first rules version in which it binds
  std::uint32_t until;                 // last rules version in which it binds; 0: still
  std::string_view statement;          // for people, one sentence
  pb::ReasonKind kind;                 // what its reasons are, when not said otherwise
  bool ledger_wide;                    // needs other therapies
  std::string_view source;             // where the rule comes from
  std::span<const pb::Role> grantors;  // who may grant an override; empty: never overridable
  void (*check)(const Case& c, const Rule& rule, pb::Verdict& verdict);
  pb::FieldClass tells;  // of what its reasons tell: who may not read that class sees its id alone
};

inline constexpr std::uint32_t kNewestRulesVersion = 1;

// The "rule" of the one reason that Judge has for a therapy's event when the registry has adopted a
// rules version that this program does not know: nothing else can be said of it. STRUCTURE: who
// admits events must not guess.
inline constexpr std::string_view kUnknownRules = "rules";

// `Rules` is the whole table, in the order of their ids.
std::span<const Rule> Rules();
// `FindRule` gives the rule that binds in `rules_version`, or null.
const Rule* FindRule(std::string_view id, std::uint32_t rules_version);

// `Judge` gives every reason that every rule of the registry's rules version has, authority
// included, applies the grants the event cites, and says whether the event is refused. It expects a
// parsed event whose signatures were verified (or, for previews, will be), on the chain's head.
// Deterministic. With `others` it also answers what only the whole ledger knows. Such a verdict
// admits; it is not for ApplyToTherapy, whose state must follow from the therapy's chain alone.
pb::Verdict Judge(const ParsedEvent& event, const Registry& registry,
                  const pb::TherapyState& therapy, const Place& place,
                  const OtherTherapies* others = nullptr);

// `CheckServable` adds an R01 reason (STRUCTURE) for every rules version or schema that an act of
// the registry puts into force and this program does not have: a ledger that admits such an act
// could not judge or explain what follows. Of admission only: a log of a newer program is folded as
// it is.
void CheckServable(const ParsedEvent& event, pb::Verdict& verdict);

// `CheckSummary` adds a TELEMETRY reason (STRUCTURE) for every number of `batch` that `file`, the
// bytes of the attachment that it names, does not give, and for a reckoned summary of a file that
// no shape fits. Of admission only: who judges later knows the file by its hash.
void CheckSummary(const pb::TelemetryBatch& batch, std::string_view file, pb::Verdict& verdict);

// `KindText` says how a reason binds: "blocked", "deviation".
std::string_view KindText(pb::ReasonKind kind);
// `Explain` puts a verdict in words, a line a reason, for people.
std::string Explain(const pb::Verdict& verdict);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_RULES_H_
