// Rows 15 to 28: receipt, batch, tests, release.
#include <algorithm>

#include "custody/fold/fold.h"
#include "custody/profile.h"
#include "custody/state.h"

namespace custody::fold {

void HoldFailed(Folding& f, const pb::Lot& lot, const std::string& test) {
  if (!HasRelease(lot)) return;  // a release is not given over a failure
  pb::Hold& hold = AddHold(f, "QUALITY", "test " + test + " failed after the release");
  hold.set_lot(lot.lot());
  const EnrolledOrganisation* maker = f.registry.OrganisationOfSite(f.state.manufacturer_site());
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

// The bags of a donation go into a lot: those that may be used; where none may, it was one of the
// others.
void UseCells(Folding& f, const std::string& din, const std::string& lot) {
  std::vector<pb::Container*> bags;
  for (pb::Container& bag : *f.state.mutable_containers()) {
    if (bag.din() == din && bag.material() == pb::STARTING_MATERIAL) bags.push_back(&bag);
  }
  const auto usable = [](const pb::Container* bag) { return !MayNotBeUsed(bag->state()); };
  const bool any = std::ranges::any_of(bags, usable);
  for (pb::Container* bag : bags) {
    if (any && !usable(bag)) continue;
    AddOnce(bag->mutable_used_in(), lot);
    if (usable(bag)) Become(f, *bag, pb::CONTAINER_IN_USE);
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
  lot->set_state(pb::LOT_OPEN);
  lot->set_opened_us(f.at);
  for (const std::string& din : body.donations()) {
    AddOnce(lot->mutable_dins(), din);
    if (pb::Donation* donation = MutableDonation(state, din)) donation->set_lot(body.lot());
    UseCells(f, din, body.lot());
  }
  AddOperators(f, *lot);
}

bool IsProduct(pb::VesselKind kind) {
  return kind == pb::VESSEL_BAG || kind == pb::VESSEL_PRODUCT_VIAL || kind == pb::VESSEL_SYRINGE;
}

void Filled(Folding& f, const pb::Filled& body) {
  pb::TherapyState& state = f.state;
  pb::Lot* lot = MutableLot(state, body.lot());
  if (lot != nullptr) {
    if (lot->state() == pb::LOT_OPEN) lot->set_state(pb::LOT_FILLED);
    for (pb::Container& bag : *state.mutable_containers()) {
      const bool used = bag.state() == pb::CONTAINER_IN_USE &&
                        std::ranges::find(lot->dins(), bag.din()) != lot->dins().end();
      if (used) Become(f, bag, pb::CONTAINER_CONSUMED);
    }
  }
  for (const pb::FilledContainer& filled : body.containers()) {
    if (FindContainer(state, filled.container()) != nullptr) continue;
    pb::Container* container = state.add_containers();
    container->set_id(filled.container());
    container->set_material(IsProduct(filled.kind()) ? pb::DRUG_PRODUCT : pb::SAMPLE_MATERIAL);
    Become(f, *container, pb::CONTAINER_FILLED);
    container->set_lot(body.lot());
    container->set_component(filled.component());
    container->set_cassette(filled.cassette());
    container->set_volume_ml(filled.volume_ml());
    container->set_dose_cells_1e6(filled.nominal_dose_1e6());
    container->set_site(f.site);
    container->set_arrived_site(f.site);  // made here
    if (filled.integrity() == pb::NO) {   // F7
      AddOnce(OpenQuarantine(f, pb::QUARANTINED_DAMAGE, "F7")->mutable_containers(),
              filled.container());
    }
  }
}

// A failure stands until its investigation invalidates it (F20): no later pass makes it go away.
void Tested(Folding& f, const pb::QcResult& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr) return;
  const auto same = [&](const pb::TestState& t) { return t.test() == body.test() && !t.failed(); };
  auto found = std::ranges::find_if(*lot->mutable_tests(), same);
  pb::TestState* test = found == lot->mutable_tests()->end() ? lot->add_tests() : &*found;
  test->set_test(body.test());
  test->set_passed(TestPasses(body, f.profile));
  test->set_failed(TestFails(body, f.profile));
  test->set_person(Intern(f.state, body.analyst()));
  test->set_event_id(f.event_id);
  if (test->failed()) HoldFailed(f, *lot, body.test());
}

// A date-only expiry ends with that day in the zone of the label's issuer.
std::int64_t ExpiryOf(const google::protobuf::Timestamp& at, const std::string& zone,
                      pb::Answer date_only) {
  if (date_only != pb::YES) return Micros(at);
  const StatusOr<std::int64_t> day = CalendarDay(FromProto(at), zone);
  if (!day.ok()) return Micros(at);
  const StatusOr<Instant> end = EndOfDay(*day, zone);
  return end.ok() ? end->micros : Micros(at);
}

template <class Body>
void TakeCertificate(Folding& f, pb::Lot& lot, const Body& body) {
  lot.set_certificate(body.certificate());
  lot.set_expiry_us(ExpiryOf(body.expires_at(), body.expiry_time_zone(), body.expiry_date_only()));
  lot.set_certificate_zone(body.expiry_time_zone());
  if (body.weight_used_kg() > 0) lot.set_dose_weight_kg(body.weight_used_kg());
  lot.set_released_us(f.at);
  lot.set_released_at_site(f.site);
  if (body.dose_unit() == "10^6/kg") {
    lot.set_dose_1e6_per_kg(body.dose());
  } else {
    lot.set_dose_cells_1e6(body.dose());
  }
  for (const pb::ReleasedContainer& released : body.containers()) {
    pb::Container* container = MutableContainer(f.state, released.container());
    // Another lot's certificate dates and frees nothing of this one.
    if (container == nullptr || container->lot() != lot.lot() || container->recalled() ||
        container->material() != pb::DRUG_PRODUCT) {
      continue;
    }
    container->set_released(true);
    container->set_expiry_us(lot.expiry_us());
    container->set_dose_cells_1e6(released.dose_1e6());
  }
}

// A profile may list several releases; the lot is released with the last of them.
template <class Body>
void Released(Folding& f, const Body& body, std::string_view stage) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !f.stands) return;
  AddOnce(lot->mutable_releases(), std::string(stage));
  TakeCertificate(f, *lot, body);
  if (IsLastRelease(f.profile, stage)) lot->set_state(pb::LOT_RELEASED);
}

void SiteDisposed(Folding& f, const pb::SiteQaDisposition& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !f.stands || body.suitable() != pb::YES) return;
  AddOnce(lot->mutable_releases(), "SITE_QA_DISPOSITION");
  lot->set_ship_under_quarantine(body.ship_under_quarantine() == pb::YES);
  if (!body.certificate().empty()) lot->set_certificate(body.certificate());
}

void Invalidated(Folding& f, const pb::QcResultInvalidated& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !f.stands) return;
  auto* tests = lot->mutable_tests();
  const auto gone = std::ranges::find_if(
      *tests, [&](const pb::TestState& test) { return test.event_id() == body.result(); });
  if (gone != tests->end()) tests->erase(gone);
}

void RejectProduct(Folding& f, const pb::Lot& lot) {
  for (pb::Container& container : *f.state.mutable_containers()) {
    const bool product = container.material() == pb::DRUG_PRODUCT;
    if (container.lot() == lot.lot() && product) Reject(f, container);
  }
}

// A confirmed contamination or a failed manufacture ends the lot and what was filled of it.
void EndLot(Folding& f, const std::string& name) {
  pb::Lot* lot = MutableLot(f.state, name);
  if (lot == nullptr) return;
  lot->set_state(pb::LOT_REJECTED);
  RejectProduct(f, *lot);
}

// A recall is for ever, of each container that it names or each lot that it concerns.
void Recalled(Folding& f, const pb::ProductRecalled& body) {
  for (const std::string& id : RecalledContainers(f.state, body)) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    container->set_released(false);
    container->set_recalled(true);
  }
  for (const std::string& id : RecalledLots(f.state, body)) {
    if (pb::Lot* lot = MutableLot(f.state, id)) lot->set_state(pb::LOT_RECALLED);
  }
}

void Rejected(Folding& f, const pb::Rejected& body) {
  for (const std::string& id : body.containers()) {
    if (pb::Container* container = MutableContainer(f.state, id)) Reject(f, *container);
  }
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !body.containers().empty()) return;
  lot->set_state(pb::LOT_REJECTED);
  RejectProduct(f, *lot);
}

void Withdrawn(Folding& f, const pb::ReleaseWithdrawn& body) {
  for (const std::string& id : body.containers()) {
    if (pb::Container* container = MutableContainer(f.state, id)) container->set_released(false);
  }
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !body.containers().empty()) return;
  lot->set_state(body.product_recall() == pb::YES ? pb::LOT_RECALLED : pb::LOT_WITHDRAWN);
  // A new release begins anew, and names its containers itself.
  lot->clear_releases();
  ForgetOos(*lot);
  lot->clear_oos_missed();
  lot->clear_ship_under_quarantine();
  for (pb::Container& container : *f.state.mutable_containers()) {
    if (container.lot() == lot->lot()) container.set_released(false);
  }
}

void Accepted(Folding& f, const google::protobuf::RepeatedPtrField<std::string>& containers,
              bool accepted) {
  for (const std::string& id : containers) {
    const pb::Container* bag = FindContainer(f.state, id);
    pb::Donation* donation = MutableDonation(f.state, bag == nullptr ? id : bag->din());
    if (donation != nullptr) donation->set_accepted(accepted);
  }
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
    const auto body = static_cast<std::uint32_t>(event.body_case());
    if (std::ranges::find(lot->made(), body) == lot->made().end()) lot->add_made(body);
    if (event.has_transduced()) {
      AddOnce(lot->mutable_vector_lots(), event.transduced().vector_lot());
    }
    if (event.has_formulated() && event.formulated().weight_used_kg() > 0) {
      lot->set_dose_weight_kg(event.formulated().weight_used_kg());
    }
  }
  switch (event.body_case()) {
    case pb::Event::kIncomingQcPassed:
      return Accepted(f, event.incoming_qc_passed().containers(),
                      f.own && event.incoming_qc_passed().identity_match() == pb::YES);
    case pb::Event::kIncomingQcFailed:
      return Accepted(f, event.incoming_qc_failed().containers(), false);
    case pb::Event::kBatchOpened:
      return BatchOpened(f, event.batch_opened());
    case pb::Event::kFilled:
      return Filled(f, event.filled());
    case pb::Event::kCryopreserved:
      for (const pb::ContainerPosition& at : event.cryopreserved().containers()) {
        if (pb::Container* container = MutableContainer(f.state, at.container())) {
          PutAway(f, *container, pb::CONTAINER_FROZEN, at.position());
        }
      }
      return;
    case pb::Event::kQcResult:
      return Tested(f, event.qc_result());
    case pb::Event::kBatchRecordReviewed: {
      const pb::BatchRecordReviewed& body = event.batch_record_reviewed();
      pb::Lot* lot = MutableLot(f.state, body.lot());
      if (lot == nullptr) return;
      const bool clean = body.complete() == pb::YES && body.deviations_closed() == pb::YES;
      return clean && f.stands ? lot->set_review(f.event_id) : lot->clear_review();
    }
    case pb::Event::kReleased:
      return Released(f, event.released(), "RELEASED");
    case pb::Event::kQpCertification:
      return Released(f, event.qp_certification(), "QP_CERTIFICATION");
    case pb::Event::kSiteQaDisposition:
      return SiteDisposed(f, event.site_qa_disposition());
    case pb::Event::kQcResultInvalidated:
      return Invalidated(f, event.qc_result_invalidated());
    case pb::Event::kManufacturingFailed:
      return EndLot(f, event.manufacturing_failed().lot());
    case pb::Event::kContaminationConfirmed:
      return EndLot(f, event.contamination_confirmed().lot());
    case pb::Event::kProductRecalled:
      return Recalled(f, event.product_recalled());
    case pb::Event::kRejected:
      return Rejected(f, event.rejected());
    case pb::Event::kReleaseWithdrawn:
      return Withdrawn(f, event.release_withdrawn());
    case pb::Event::kReleasedOos: {
      pb::Lot* lot = MutableLot(f.state, event.released_oos().lot());
      if (lot == nullptr || !f.stands) return;
      TakeCertificate(f, *lot, event.released_oos());
      return lot->set_state(pb::LOT_RELEASED_OOS);
    }
    default:
      return FoldOos(f);
  }
}

}  // namespace custody::fold
