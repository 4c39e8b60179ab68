// Who holds what, over all therapies: what rules of the whole ledger ask before an event is
// admitted.
//
// Rows of table `identifiers`, so that they are written in the same commit as the events that they
// follow from, and cost no replay. Never truth: an auditor draws them from the chains again. They
// follow from the chains by the code that folds, so a folder says which code made them, and another
// makes them anew before it answers anything: a row that is missing would say "nobody has it".
#ifndef CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_
#define CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
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

  // `HoldersOf` gives none, and a `status`, when the store cannot be read.
  std::vector<std::string> HoldersOf(const Claim& claim, std::string_view therapy) const override;
  const Status& status() const { return status_; }

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

// `BringHeldClaimsUp` makes all rows anew unless they are this program's, in several commits, each
// a whole step: what is cut short goes on at the next opening. Folds every therapy that is not kept
// folded, and keeps it. A therapy that cannot be read is left out and named among what the index
// lacks (identifier_index.h): nothing can be recorded for it either. RESOURCE_EXHAUSTED when the
// disk is full.
Status BringHeldClaimsUp(Store& store, const std::shared_ptr<const RegistryHistory>& history);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_HELD_CLAIMS_H_
