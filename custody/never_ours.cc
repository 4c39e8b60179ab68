// What was typed wrongly and what two things bear look alike in the record: both are a number that
// two therapies have. The difference is in the hands. A bag that somebody packed, received, used or
// thawed was scanned by others than who wrote it down first; a chain of identity stands on labels
// that were printed; so neither is a slip any more, and what bears it is relabelled. What nobody
// but its writer has seen leaves no thing behind when it goes, and goes whole: kept beside a note
// that it does not count, it would have to be left out by every rule, list and account.
#include "custody/never_ours.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {
namespace {

bool Has(const GivenNames& names, std::string_view name) {
  return !name.empty() && std::ranges::find(names, name) != names.end();
}

// Whether a container goes when `names` are given back: by its own number, or with all that is of
// its donation or lot.
bool Goes(const GivenNames& names, const pb::Container& container) {
  return Has(names, container.id()) || Has(names, container.din()) || Has(names, container.lot());
}

// Whether others than who wrote it down had it in their hands.
bool IsHandled(const pb::TherapyState& state, const GivenNames& names,
               const pb::Container& container) {
  const bool cells = container.material() == pb::STARTING_MATERIAL;
  const auto& lots = container.used_in();
  const bool stays = std::ranges::any_of(lots, [&](const auto& lot) { return !Has(names, lot); });
  if (stays || !container.shipment().empty()) return true;
  if (container.thaw_started_us() != 0 || container.infusion_started_us() != 0) return true;
  const pb::Lot* lot = FindLot(state, container.lot());
  const std::string made = cells || lot == nullptr ? std::string() : lot->site();
  if (!container.arrived_site().empty() && container.arrived_site() != made) return true;
  switch (container.state()) {
    case pb::CONTAINER_COLLECTED:
    case pb::CONTAINER_FILLED:
    case pb::CONTAINER_FROZEN:
    case pb::CONTAINER_STORED:
    case pb::CONTAINER_IN_USE:  // in lots that go with it
    case pb::CONTAINER_REJECTED:
      return false;
    case pb::CONTAINER_CONSUMED:
      return !cells;  // cells that were frozen leave their first bag empty
    default:
      return true;
  }
}

// What was labelled or made under a chain of identity and does not go with it.
std::string UnderIdentity(const pb::TherapyState& state, const GivenNames& names) {
  for (const std::string& din : state.issued_labels()) {
    if (!Has(names, din)) return "label " + din + " was printed with it";
  }
  for (const pb::Donation& donation : state.donations()) {
    if (!Has(names, donation.din())) return "donation " + donation.din() + " was collected with it";
  }
  for (const pb::Lot& lot : state.lots()) {
    if (!Has(names, lot.lot())) return "lot " + lot.lot() + " was made with it";
  }
  return "";
}

}  // namespace

bool HasName(const pb::TherapyState& state, std::string_view name) {
  if (name.empty()) return false;
  if (name == state.coi() || Has(state.issued_labels(), name)) return true;
  if (FindDonation(state, name) != nullptr || FindLot(state, name) != nullptr) return true;
  const auto vial = [&](const pb::Lot& lot) { return Has(lot.vials(), name); };
  return std::ranges::find(state.containers(), name, &pb::Container::id) !=
             state.containers().end() ||
         std::ranges::any_of(state.lots(), vial);
}

std::string BearerOf(const pb::TherapyState& state, const GivenNames& names,
                     std::string_view name) {
  GivenNames one;
  *one.Add() = std::string(name);
  if (name == state.coi()) {
    if (std::string bearer = UnderIdentity(state, names); !bearer.empty()) return bearer;
  }
  for (const pb::Container& container : state.containers()) {
    if (Goes(one, container) && IsHandled(state, names, container)) {
      return "container " + container.id() + ", " + StateLabel(container.state()) + ", bears it";
    }
    if (container.parent() == name && !Goes(names, container)) {
      return "container " + container.id() + " was drawn from it";
    }
  }
  for (const pb::Lot& lot : state.lots()) {
    if (lot.lot() == name && HasRelease(lot)) return "lot " + lot.lot() + " was released";
    if (Has(lot.dins(), name) && !Has(names, lot.lot())) {
      return "lot " + lot.lot() + " was made of it";
    }
  }
  return "";
}

void GiveBack(pb::TherapyState& state, const GivenNames& names) {
  if (Has(names, state.coi())) state.clear_coi();
  GivenNames gone = names;
  for (const pb::Container& container : state.containers()) {
    if (Goes(names, container)) *gone.Add() = container.id();
  }
  const auto named = [&](const std::string& name) { return Has(gone, name); };
  EraseIf(state.mutable_issued_labels(), named);
  EraseIf(state.mutable_label_counts(), [&](const auto& count) { return named(count.din()); });
  EraseIf(state.mutable_donations(), [&](const auto& donation) { return named(donation.din()); });
  EraseIf(state.mutable_containers(), [&](const auto& container) { return named(container.id()); });
  EraseIf(state.mutable_lots(), [&](const auto& lot) { return named(lot.lot()); });
  EraseIf(state.mutable_holdings(), [&](const auto& holding) { return named(holding.subject()); });
  for (pb::Lot& lot : *state.mutable_lots()) EraseIf(lot.mutable_vials(), named);
  for (pb::Donation& donation : *state.mutable_donations()) {
    if (named(donation.lot())) donation.clear_lot();
  }
  for (pb::Container& bag : *state.mutable_containers()) {
    EraseIf(bag.mutable_used_in(), named);
    if (bag.state() == pb::CONTAINER_IN_USE && bag.used_in().empty()) {
      bag.set_state(pb::CONTAINER_STORED);
    }
  }
  for (pb::Quarantine& quarantine : *state.mutable_quarantines()) {
    const auto held = [&] { return quarantine.containers_size() + quarantine.items_size(); };
    const int before = held();
    EraseIf(quarantine.mutable_containers(), named);
    EraseIf(quarantine.mutable_items(), named);
    if (before != 0 && held() == 0) quarantine.set_open(false);
  }
  for (const std::string& name : names) {
    if (!Has(state.never_ours(), name)) state.add_never_ours(name);
  }
}

void ForgetGivenBack(pb::TherapyState& state) {
  if (state.never_ours().empty()) return;
  EraseIf(state.mutable_never_ours(),
          [&](const std::string& name) { return HasName(state, name); });
}

}  // namespace custody
