// Rows 15 to 26: receipt, batch, tests. What is decided of a lot: release.cc.
#include <algorithm>

#include "custody/batch_cells.h"
#include "custody/claims.h"
#include "custody/fold/fold.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody::fold {

void HoldFailed(Folding& f, const pb::Lot& lot, const std::string& test) {
  HoldReleased(f, lot, "test " + test + " failed after the release");
}

void HoldReleased(Folding& f, const pb::Lot& lot, const std::string& reason) {
  if (!HasRelease(lot)) return;  // a release is not given over a failure
  pb::Hold& hold = AddHold(f, "QUALITY", reason);
  hold.set_lot(lot.lot());
  GiveToMaker(f, hold, &lot);
}

void GiveToMaker(const Folding& f, pb::Hold& hold, const pb::Lot* lot) {
  const EnrolledOrganisation* maker = f.registry.OrganisationOfSite(MakerSite(f.state, lot));
  if (maker != nullptr) hold.set_organisation(maker->organisation);
}

namespace {

// Who made or tested a lot may not release it (R16).
void AddOperators(Folding& f, pb::Lot& lot) {
  const auto add = [&](std::string_view person) {
    if (person.empty()) return;
    const std::uint32_t index = Intern(f.state, person);
    if (std::ranges::find(lot.operators(), index) == lot.operators().end()) {
      lot.add_operators(index);
    }
  };
  // Quality opens a batch with its operator; that is a review and not making the lot.
  const auto made = [](pb::Role role) { return role != pb::QA && role != pb::QP; };
  for (const StepPerson& who : PeopleOf(f.event)) {
    if (made(who.role)) add(who.person);
  }
  if (f.event.has_qc_result()) add(f.event.qc_result().analyst());
}

// The bags of a donation go into a lot; one that was kept back, or lies elsewhere, does not.
void UseCells(Folding& f, const pb::BatchOpened& body, const std::string& din) {
  for (const pb::Container* used : BagsFor(f.state, body, din, f.site)) {
    pb::Container* bag = MutableContainer(f.state, used->id());
    AddOnce(bag->mutable_used_in(), body.lot());
    if (!MayNotBeUsed(bag->state())) Become(f, *bag, pb::CONTAINER_IN_USE);
  }
}

void BatchOpened(Folding& f, const pb::BatchOpened& body) {
  pb::TherapyState& state = f.state;
  pb::Lot* lot = MutableLot(state, body.lot());
  if (lot != nullptr && lot->state() != pb::LOT_OPEN) {
    // What was decided of a lot is never undone by opening its number again.
    pb::Reason reason;
    reason.set_rule("R16");
    reason.set_subject(body.lot());
    reason.set_found("lot " + body.lot() + " was opened again; it stays as it was");
    return AddDeviation(f, reason, true);
  }
  if (lot == nullptr) lot = state.add_lots();
  lot->set_lot(body.lot());
  if (lot->site().empty()) {
    // Who says against the plan that it was opened with them is not thereby its maker (R46).
    const bool ours = !f.site.empty() && (f.stands || state.manufacturer_site().empty());
    lot->set_site(ours ? f.site : state.manufacturer_site());
    lot->set_product(state.product());
    lot->set_profile(state.profile());
  }
  lot->set_state(pb::LOT_OPEN);
  lot->set_opened_us(f.at);
  for (const std::string& din : body.donations()) {
    AddOnce(lot->mutable_dins(), din);
    if (pb::Donation* donation = MutableDonation(state, din)) donation->set_lot(body.lot());
    UseCells(f, body, din);
  }
  AddOperators(f, *lot);
}

void Filled(Folding& f, const pb::Filled& body) {
  pb::TherapyState& state = f.state;
  pb::Lot* lot = MutableLot(state, body.lot());
  if (lot != nullptr) {
    if (lot->state() == pb::LOT_OPEN) lot->set_state(pb::LOT_FILLED);
    for (pb::Container& bag : *state.mutable_containers()) {
      const auto& lots = bag.used_in();
      const bool used =
          bag.state() == pb::CONTAINER_IN_USE && std::ranges::find(lots, body.lot()) != lots.end();
      if (used) Become(f, bag, pb::CONTAINER_CONSUMED);
    }
  }
  for (const pb::FilledContainer& filled : body.containers()) {
    if (FindContainer(state, filled.container()) != nullptr) continue;
    pb::Container* container = state.add_containers();
    container->set_id(filled.container());
    container->set_material(IsProductVessel(filled.kind()) ? pb::DRUG_PRODUCT
                                                           : pb::SAMPLE_MATERIAL);
    Become(f, *container, pb::CONTAINER_FILLED);
    container->set_lot(body.lot());
    container->set_component(filled.component());
    container->set_cassette(filled.cassette());
    container->set_volume_ml(filled.volume_ml());
    container->set_dose_cells_1e6(filled.nominal_dose_1e6());
    container->set_site(f.site);
    container->set_arrived_site(f.site);  // made here
  }
}

// A failure stands until its investigation invalidates it (F20): no later pass makes it go away.
void Tested(Folding& f, const pb::QcResult& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr) return;
  const auto same = [&](const pb::TestState& t) { return t.test() == body.test() && !t.failed(); };
  auto found = std::ranges::find_if(*lot->mutable_tests(), same);
  const bool from_paper = IsFromPaper(f.event);
  const bool passes = TestPasses(body, f.profile);
  // A pass that others wrote down takes nothing away from one that quality control signed.
  const bool signed_already =
      found != lot->mutable_tests()->end() && found->passed() && !found->from_paper();
  if (passes && from_paper && signed_already) return;
  // Once it is final, nothing that was known before it makes it wait again, or stands in its place.
  const bool is_final = signed_already && found->final_due_us() == 0;
  const bool fails = TestFails(body, f.profile);
  const bool less = passes ? FinalDue(body, f.profile) != 0 : f.told && !fails;
  if (is_final && less) return;
  // A failure stands beside the pass before it, which stands again when the laboratory erred.
  const bool anew = found == lot->mutable_tests()->end() || fails;
  pb::TestState* test = anew ? lot->add_tests() : &*found;
  test->set_test(body.test());
  test->set_passed(passes);
  test->set_failed(fails);
  test->set_person(Intern(f.state, body.analyst()));
  test->set_event_id(f.event_id);
  test->set_from_paper(from_paper);
  test->set_final_due_us(passes ? FinalDue(body, f.profile) : 0);
  if (!test->failed()) return;
  // What was awaited of the test is here.
  for (pb::TestState& before : *lot->mutable_tests()) {
    if (before.test() == body.test()) before.clear_final_due_us();
  }
  HoldFailed(f, *lot, body.test());
}

// What somebody checked in is what is here; a donation's bag that is still on its way was not.
void Accepted(Folding& f, const google::protobuf::RepeatedPtrField<std::string>& containers,
              bool accepted) {
  for (const std::string& id : containers) {
    for (const pb::Container* meant : ContainersMeant(f.state, id)) {
      if (accepted && meant->site() != f.site) continue;
      pb::Container* bag = MutableContainer(f.state, meant->id());
      bag->set_accepted(accepted);
      if (pb::Donation* donation = MutableDonation(f.state, bag->din())) {
        donation->set_accepted(accepted);
      }
    }
  }
}

// The old lot is ended, and what was kept of the cells may be used again.
void Remanufactured(Folding& f, const pb::RemanufactureOrdered& body) {
  if (!f.stands) return;
  EndLot(f, body.old_lot());
  f.state.clear_collection_failed_us();
  for (const std::string& id : body.containers()) {
    pb::Container* bag = MutableContainer(f.state, id);
    if (bag == nullptr || bag->state() != pb::CONTAINER_RETAINED || bag->rejected()) continue;
    bag->set_state(pb::CONTAINER_STORED);
    bag->set_state_us(std::max(bag->state_us(), f.at));
  }
}

// Where the culture stands, as far as the profile asks for it (R05).
void Cultured(const Folding& f, pb::Lot& lot, const pb::CultureCheck& body) {
  const pb::CultureKind kind =
      f.profile == nullptr ? pb::CULTURE_KIND_UNSPECIFIED : f.profile->culture();
  const bool placed =
      kind == pb::CULTURE_OPEN || (kind == pb::CULTURE_CLOSED && !body.position().empty());
  if (body.equipment().empty() || !placed) return;
  lot.set_incubator(body.equipment());
  lot.set_position(kind == pb::CULTURE_OPEN ? "" : body.position());
}

// The lot that a making or testing body names; empty for others.
const std::string& LotOf(const pb::Event& event) {
  static const std::string kNone;
  switch (event.body_case()) {
    case pb::Event::kCellsSelected:
      return event.cells_selected().lot();
    case pb::Event::kActivated:
      return event.activated().lot();
    case pb::Event::kTransduced:
      return event.transduced().lot();
    case pb::Event::kCultureCheck:
      return event.culture_check().lot();
    case pb::Event::kInProcessTest:
      return event.in_process_test().lot();
    case pb::Event::kHarvested:
      return event.harvested().lot();
    case pb::Event::kFormulated:
      return event.formulated().lot();
    case pb::Event::kFilled:
      return event.filled().lot();
    case pb::Event::kCryopreserved:
      return event.cryopreserved().lot();
    case pb::Event::kQcResult:
      return event.qc_result().lot();
    default:
      return kNone;
  }
}

}  // namespace

void FoldManufacture(Folding& f) {
  const pb::Event& event = f.event;
  if (pb::Lot* lot = MutableLot(f.state, LotOf(event))) {
    AddOperators(f, *lot);
    if (!WasMade(*lot, event.body_case())) {
      lot->add_made(static_cast<std::uint32_t>(event.body_case()));
    }
    if (event.has_transduced()) {
      const std::string& vector = event.transduced().vector_lot();
      AddOnce(lot->mutable_vector_lots(), vector);
      for (const pb::VectorVial& vial : event.transduced().vials()) {
        AddOnce(lot->mutable_vials(), VialId(vector, vial.vial()));
      }
    }
    if (event.has_culture_check()) Cultured(f, *lot, event.culture_check());
    if (event.has_harvested()) lot->set_harvested(true);
    if (event.has_formulated() && event.formulated().weight_used_kg() > 0) {
      lot->set_dose_weight_kg(event.formulated().weight_used_kg());
    }
  }
  switch (event.body_case()) {
    case pb::Event::kIncomingQcPassed:
      return Accepted(f, event.incoming_qc_passed().containers(),
                      f.own && event.incoming_qc_passed().identity_match() == pb::YES);
    case pb::Event::kIncomingQcFailed:
      f.state.set_collection_failed_us(std::max(f.state.collection_failed_us(), f.at));
      return Accepted(f, event.incoming_qc_failed().containers(), false);
    case pb::Event::kRemanufactureOrdered:
      return Remanufactured(f, event.remanufacture_ordered());
    case pb::Event::kBatchOpened:
      return BatchOpened(f, event.batch_opened());
    case pb::Event::kFilled:
      return Filled(f, event.filled());
    case pb::Event::kCryopreserved:
      for (const pb::ContainerPosition& at : event.cryopreserved().containers()) {
        if (pb::Container* container = MutableContainer(f.state, at.container())) {
          Arrive(f, *container, "", at.position(), f.site);
          PutAway(f, *container, pb::CONTAINER_FROZEN, at.position());
        }
      }
      if (pb::Lot* lot = MutableLot(f.state, event.cryopreserved().lot())) {
        lot->set_frozen_us(std::max(lot->frozen_us(), Micros(event.cryopreserved().ended_at())));
      }
      return;
    case pb::Event::kQcResult:
      return Tested(f, event.qc_result());
    default:
      return FoldRelease(f);
  }
}

}  // namespace custody::fold
