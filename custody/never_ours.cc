// What was typed wrongly and what two things bear look alike in the record: both are a number that
// two therapies have. The difference is in the hands. A bag that somebody put away, packed,
// received, used or thawed, a lot that was worked on or released, a label that was printed and read
// back: each was scanned by others than who wrote it down first, or stands on paper at the chair.
// So none of them is a slip any more, and what bears the number is relabelled (F8b). That several
// names are given back together does not help: the label is printed all the same. What nobody but
// its writer has seen leaves no thing behind when it goes, and goes whole: kept beside a note that
// it does not count, it would have to be left out by every rule, list and account.
#include "custody/never_ours.h"

#include <algorithm>

#include "custody/body_plan.h"
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

// Where it was put away, by the record of it.
std::string PutAwayAs(const pb::Container& container) {
  const pb::Stay& stay = *container.stays().begin();
  const bool cells = container.material() == pb::STARTING_MATERIAL;
  const std::string body = !stay.unit().empty() ? "STORED"
                           : cells              ? "APHERESIS_CRYOPRESERVED"
                                                : "CRYOPRESERVED";
  return "put away at " + stay.position() + ": " + body;
}

// What others than who wrote it down did with it, by the record of it; empty: nothing.
std::string HandledAs(const pb::TherapyState& state, const GivenNames& names,
                      const pb::Container& container) {
  for (const std::string& lot : container.used_in()) {
    if (!Has(names, lot)) return "used for lot " + lot + ": BATCH_OPENED";
  }
  if (container.infusion_started_us() != 0) return "given: INFUSION_STARTED";
  if (container.thaw_started_us() != 0) return "thawed: THAW_STARTED";
  if (container.released()) return "released with lot " + container.lot() + ": RELEASED";
  const bool cells = container.material() == pb::STARTING_MATERIAL;
  const pb::Lot* lot = FindLot(state, container.lot());
  const std::string made = cells || lot == nullptr ? std::string() : lot->site();
  if (!container.arrived_site().empty() && container.arrived_site() != made) {
    return "received at " + container.arrived_site() + ": RECEIVED";
  }
  if (!container.shipment().empty()) return "packed in " + container.shipment() + ": PACKED";
  if (!container.stays().empty()) return PutAwayAs(container);
  switch (container.state()) {
    case pb::CONTAINER_COLLECTED:
    case pb::CONTAINER_FILLED:
    case pb::CONTAINER_IN_USE:  // in lots that go with it
    case pb::CONTAINER_REJECTED:
      return "";
    default:
      return StateLabel(container.state());
  }
}

// A label that was printed and read back, by the record of it; empty: none was.
std::string Printed(const pb::TherapyState& state, const std::string& din) {
  if (!Has(state.issued_labels(), din)) return "";
  const auto& counts = state.label_counts();
  const auto count = std::ranges::find(counts, din, &pb::LabelCount::din);
  const bool affixed = count != counts.end() && count->applied() != 0;
  return "label " + din +
         (affixed ? " is on its bag: LABEL_AFFIXED" : " was printed: LABEL_ISSUED");
}

// What was labelled or made under a chain of identity.
std::string UnderIdentity(const pb::TherapyState& state, const GivenNames& names) {
  if (!state.issued_labels().empty()) return Printed(state, state.issued_labels(0)) + ", with it";
  for (const pb::Donation& donation : state.donations()) {
    if (!Has(names, donation.din())) return "donation " + donation.din() + " was collected with it";
  }
  for (const pb::Lot& lot : state.lots()) {
    if (!Has(names, lot.lot())) return "lot " + lot.lot() + " was made with it";
  }
  return "";
}

// What a lot's number stands on beside its containers.
std::string UnderLot(const pb::Lot& lot) {
  if (HasRelease(lot) || lot.released_us() != 0) return "lot " + lot.lot() + " was released";
  if (lot.made().empty()) return "";
  return "lot " + lot.lot() +
         " was worked on: " + PlanOf(static_cast<int>(lot.made(0))).rule->label();
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
  if (std::string label = Printed(state, one.Get(0)); !label.empty()) return label;
  for (const pb::Container& container : state.containers()) {
    const std::string handled =
        Goes(one, container) ? HandledAs(state, names, container) : std::string();
    if (!handled.empty()) return "container " + container.id() + " bears it, " + handled;
    if (container.parent() == name && !Goes(names, container)) {
      return "container " + container.id() + " was drawn from it";
    }
  }
  for (const pb::Lot& lot : state.lots()) {
    if (std::string bearer = lot.lot() == name ? UnderLot(lot) : ""; !bearer.empty()) return bearer;
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
