// Which of several released lots goes to the patient (row 28), as fold, rules and next steps share
// it.
#ifndef CUSTODY_CUSTODY_LOT_CHOICE_H_
#define CUSTODY_CUSTODY_LOT_CHOICE_H_

#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `GivableLots` are the lots whose release stands and of which a released container is left. What
// holds them for now is not asked: it may be lifted. Pointers live until the state changes.
std::vector<const pb::Lot*> GivableLots(const pb::TherapyState& state);
// `IsSelectedLot` says whether the last LOT_SELECTED_FOR_INFUSION that stands named this lot.
bool IsSelectedLot(const pb::Lot* lot);
// `SelectLot` remembers that one named `lot`, in the place of any other; nothing when the therapy
// has no such lot.
void SelectLot(pb::TherapyState& state, const std::string& lot);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_LOT_CHOICE_H_
