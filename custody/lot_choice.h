// Which of several released lots goes to the patient (row 28), as fold, rules and next steps share
// it.
#ifndef CUSTODY_CUSTODY_LOT_CHOICE_H_
#define CUSTODY_CUSTODY_LOT_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `GivableLots` are the lots whose release stands and of which, at `now_us`, a released container
// may be given: neither expired, quarantined nor held. Pointers live until the state changes.
std::vector<const pb::Lot*> GivableLots(const pb::TherapyState& state, std::int64_t now_us);
// `SelectedLot` is the lot that the last LOT_SELECTED_FOR_INFUSION that stands named; null: none
// did.
const pb::Lot* SelectedLot(const pb::TherapyState& state);
// `SelectLot` remembers that one, given at `at_us`, named `lot`, in the place of any earlier one;
// nothing when the therapy has no such lot, or another was selected later.
void SelectLot(pb::TherapyState& state, const std::string& lot, std::int64_t at_us);
// `IsPassedOver` says whether another lot than its own was selected after an order was given, and
// before `until_us`: the physician orders anew.
bool IsPassedOver(const pb::TherapyState& state, const pb::InfusionOrder& order,
                  std::int64_t until_us);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_LOT_CHOICE_H_
