// A verdict in words, for people.
#include "custody/rules.h"
#include "custody/rules/case.h"

namespace custody {

std::string_view KindText(pb::ReasonKind kind) {
  switch (kind) {
    case pb::REASON_STRUCTURE:
      return "refused";
    case pb::REASON_GATE:
      return "blocked";
    case pb::REASON_DEVIATION:
      return "deviation";
    case pb::REASON_QUARANTINE:
      return "quarantine";
    case pb::REASON_NOT_JUDGED:
      return "not judged here";
    default:
      return "note";
  }
}

std::string Explain(const pb::Verdict& verdict) {
  if (verdict.reasons().empty()) return "nothing stands against it";
  std::string out;
  for (const pb::Reason& reason : verdict.reasons()) {
    if (!out.empty()) out += '\n';
    out += reason.rule() + " " +
           std::string(reason.overridden() ? "overridden" : KindText(reason.kind()));
    if (!reason.subject().empty()) out += " [" + reason.subject() + "]";
    out += ": expected " + reason.expected() + "; found " + reason.found();
    if (!reason.next_step().empty()) out += "; next: " + reason.next_step();
    if (reason.kind() != pb::REASON_GATE || reason.overridden()) continue;
    if (reason.grantors().empty()) {
      out += "; nobody may override it";
      continue;
    }
    std::vector<std::string> roles;
    for (const int role : reason.grantors()) {
      roles.push_back(pb::Role_Name(static_cast<pb::Role>(role)));
    }
    out += "; may be overridden by " + rules::List(roles);
  }
  return out;
}

}  // namespace custody
