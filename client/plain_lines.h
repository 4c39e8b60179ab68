// Text of others on a person's screen.
//
// The programs' own words (PASS, STOP, RECORDED) stand at the beginning of a line. What others
// wrote - reasons of a hold, a server's messages, scanned values - never does, and never moves the
// cursor: nobody's text may forge a verdict.
#ifndef CUSTODY_CLIENT_PLAIN_LINES_H_
#define CUSTODY_CLIENT_PLAIN_LINES_H_

#include <string>
#include <string_view>

namespace custody {

// `PlainLines` makes each line of `text` plain (crypto/utf8.h). Lines after the first begin with
// `indent`, unless they are indented already.
std::string PlainLines(std::string_view text, std::string_view indent = "");

}  // namespace custody

#endif  // CUSTODY_CLIENT_PLAIN_LINES_H_
