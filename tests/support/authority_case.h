// What CheckAuthority says to an event, as words to look for.
#ifndef CUSTODY_TESTS_SUPPORT_AUTHORITY_CASE_H_
#define CUSTODY_TESTS_SUPPORT_AUTHORITY_CASE_H_

#include <string>

#include "custody/registry.h"
#include "tests/support/event_builder.h"

namespace custody {

// The reasons against `event` at the end of `ledger`, one a line:
// "R01 STRUCTURE subject: expected ...; found ...".
inline std::string ReasonsAgainst(const TestLedger& ledger, const ParsedEvent& event,
                                  const pb::TherapyState* therapy = nullptr) {
  pb::Verdict verdict;
  CheckAuthority(ledger.registry(), event, therapy, ledger.next_index(), verdict);
  std::string text;
  for (const pb::Reason& reason : verdict.reasons()) {
    text += reason.rule() + " " + pb::ReasonKind_Name(reason.kind()).substr(7) + " " +
            reason.subject() + ": expected " + reason.expected() + "; found " + reason.found() +
            "\n";
    if (reason.next_step().empty()) text += "A REASON WITHOUT A NEXT STEP\n";
  }
  return text;
}

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_AUTHORITY_CASE_H_
