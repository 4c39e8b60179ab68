#include "custody/lot_choice.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

// Held by a hold of its own; one of the whole therapy holds every lot, and leaves the choice as it
// is.
bool IsHeld(const pb::TherapyState& state, const pb::Container& container) {
  for (const char* scope : {"REMOVE", "THAW", "INFUSE"}) {
    const std::vector<const pb::Hold*> holds = OpenHolds(state, scope, &container);
    const auto own = [](const pb::Hold* hold) {
      return !hold->containers().empty() || !hold->lot().empty();
    };
    if (std::ranges::any_of(holds, own)) return true;
  }
  return false;
}

}  // namespace

std::vector<const pb::Lot*> GivableLots(const pb::TherapyState& state, std::int64_t now_us) {
  std::vector<const pb::Lot*> lots;
  for (const pb::Lot& lot : state.lots()) {
    const auto may_be_given = [&](const pb::Container& container) {
      return container.lot() == lot.lot() && container.material() == pb::DRUG_PRODUCT &&
             container.released() && !container.recalled() && !container.rejected() &&
             !MayNotBeUsed(container.state()) &&
             (container.expiry_us() == 0 || now_us <= container.expiry_us()) &&
             OpenQuarantines(state, container).empty() && !IsHeld(state, container);
    };
    if (HasRelease(lot) && std::ranges::any_of(state.containers(), may_be_given)) {
      lots.push_back(&lot);
    }
  }
  return lots;
}

const pb::Lot* SelectedLot(const pb::TherapyState& state) {
  const auto selected = [](const pb::Lot& lot) { return lot.selected_us() != 0; };
  const auto found = std::ranges::find_if(state.lots(), selected);
  return found == state.lots().end() ? nullptr : &*found;
}

void SelectLot(pb::TherapyState& state, const std::string& lot, std::int64_t at_us) {
  const pb::Lot* before = SelectedLot(state);
  if (FindLot(state, lot) == nullptr) return;
  if (before != nullptr && at_us < before->selected_us()) return;
  for (pb::Lot& other : *state.mutable_lots()) {
    other.set_selected_us(other.lot() == lot ? at_us : 0);
  }
}

bool IsPassedOver(const pb::TherapyState& state, const pb::InfusionOrder& order,
                  std::int64_t until_us) {
  const pb::Lot* selected = SelectedLot(state);
  return selected != nullptr && selected->lot() != order.lot() &&
         selected->selected_us() >= order.ordered_us() && selected->selected_us() <= until_us;
}

}  // namespace custody
