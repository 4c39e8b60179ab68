// One act, signed once for a list of therapies: one event in each.
#ifndef CUSTODY_CLIENT_COMMANDS_MANY_H_
#define CUSTODY_CLIENT_COMMANDS_MANY_H_

#include <string>
#include <string_view>
#include <vector>

#include "client/commands/commands.h"
#include "client/draft.h"

namespace custody {

// `ManyLine` says what came of it in one therapy.
struct ManyLine {
  std::string therapy;
  bool done = false;
  std::string what;  // "recorded", or why not
};

// `RecordDrafts` lists therapies and containers, asks once whether all of it is right, records each
// draft for the signers that the options name (each passphrase asked once), goes on after what is
// refused, and lists what came of each, after `lines`. Gives the greatest exit code.
int RecordDrafts(Shell& shell, Desk& desk, const SigningOptions& signing, std::vector<Draft> drafts,
                 std::vector<ManyLine> lines);

// `UnitRequest` asks for a unit at a time as people write it (empty: now).
StatusOr<pb::InventoryRequest> UnitRequest(const Desk& desk, std::string_view unit,
                                           std::string_view at, std::string_view until);

}  // namespace custody

#endif  // CUSTODY_CLIENT_COMMANDS_MANY_H_
