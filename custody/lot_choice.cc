// A selection is kept where the lot keeps which bodies were recorded of it (Lot.made): of all lots
// one at most has it, the one that was selected last.
#include "custody/lot_choice.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

constexpr std::uint32_t kSelected = pb::Event::kLotSelectedForInfusion;

}  // namespace

std::vector<const pb::Lot*> GivableLots(const pb::TherapyState& state) {
  std::vector<const pb::Lot*> lots;
  for (const pb::Lot& lot : state.lots()) {
    const auto left = [&](const pb::Container& container) {
      return container.lot() == lot.lot() && container.material() == pb::DRUG_PRODUCT &&
             container.released() && !container.recalled() && !container.rejected() &&
             !MayNotBeUsed(container.state());
    };
    if (HasRelease(lot) && std::ranges::any_of(state.containers(), left)) lots.push_back(&lot);
  }
  return lots;
}

bool IsSelectedLot(const pb::Lot* lot) { return WasMade(*lot, kSelected); }

void SelectLot(pb::TherapyState& state, const std::string& lot) {
  if (FindLot(state, lot) == nullptr) return;
  for (pb::Lot& other : *state.mutable_lots()) {
    EraseIf(other.mutable_made(), [](std::uint32_t body) { return body == kSelected; });
    if (other.lot() == lot) other.add_made(kSelected);
  }
}

}  // namespace custody
