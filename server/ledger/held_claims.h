// Who holds what, over all therapies: what rules of the whole ledger ask before an event is
// admitted.
//
// Rows of table `identifiers`, so that they are written in the same commit as the events that they
// follow from, and no event costs a replay. Never truth: an auditor draws them from the chains
// again. They follow from the chains by the code that folds, so each row says which code made it,
// and another makes them anew before it answers anything, which replays the log once: a row that is
// missing would say "nobody has it".
#ifndef CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_
#define CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/status.h"
#include "custody/claims.h"
#include "custody/rules.h"
#include "server/ledger/registry_history.h"
#include "server/store/store.h"

namespace custody {

// `HeldClaims` answers from a snapshot and from what was changed since. Not thread-safe.
class HeldClaims : public OtherTherapies {
 public:
  // `snapshot` outlives this.
  explicit HeldClaims(const Snapshot& snapshot) : snapshot_(snapshot) {}

  // `HoldersOf` gives none when the store cannot be read; `TakeStatus` says so, once: whoever asks
  // next is answered anew.
  std::vector<std::string> HoldersOf(const Claim& claim, std::string_view therapy) const override;
  Status TakeStatus() { return std::exchange(status_, Status()); }

  // `Change` takes down that `chain`, which held `before`, holds `after`, and adds the rows to
  // `batch`.
  void Change(const std::string& chain, const std::vector<Claim>& before,
              const std::vector<Claim>& after, Batch& batch);

 private:
  const Snapshot& snapshot_;
  std::map<std::string, bool> changed_;  // rows since the snapshot: there, or gone
  mutable Status status_;
};

// `HeldRowsVersion` is what the meta row of a folder says whose rows are all there.
std::string HeldRowsVersion();

// A ledger of more entries than this says in the log what takes so long.
inline constexpr std::uint64_t kSoonDone = 10'000;

// `BringHeldClaimsUp` makes all rows anew unless they are this program's, in several commits, each
// a whole step: what is cut short goes on at the next opening. Folds every therapy that is not kept
// folded, and keeps it. A therapy that cannot be read keeps the rows that another program made, and
// is named among what the index lacks (identifier_index.h); it is tried again at once, and at each
// opening. What it held that no program ever wrote down is held by nobody meanwhile.
// RESOURCE_EXHAUSTED when the disk is full; UNAVAILABLE when the machine is short (lacks.h).
// `soon_done`: see above.
Status BringHeldClaimsUp(Store& store, const std::shared_ptr<const RegistryHistory>& history,
                         std::uint64_t soon_done = kSoonDone);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_
