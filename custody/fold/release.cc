// Rows 27 and 28, F6, F12: what is decided of a lot, and what ends it.
//
// What opens stands on the rules: they refuse a release that was signed before the last one was
// taken back (R16, R17), and what has a gate against it changes nothing here. A no counts whatever
// stands against it; told later, it counts unless the yes that stands is the later word.
#include <algorithm>

#include "custody/fold/fold.h"
#include "custody/lot_choice.h"
#include "custody/profile.h"
#include "custody/signed_by.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

void RejectProduct(Folding& f, const pb::Lot& lot) {
  for (pb::Container& container : *f.state.mutable_containers()) {
    const bool product = container.material() == pb::DRUG_PRODUCT;
    if (container.lot() == lot.lot() && product) Reject(f, container);
  }
}

// Cells that gave no product: the next collection is by order (F3).
void NoProduct(Folding& f) {
  f.state.set_collection_failed_us(std::max(f.state.collection_failed_us(), f.at));
}

}  // namespace

void EndRelease(const Folding& f, pb::Lot& lot) {
  lot.set_release_ended_us(std::max(lot.release_ended_us(), f.at));
}

bool IsMakersWord(const Folding& f) {
  return std::ranges::none_of(f.verdict.reasons(),
                              [](const pb::Reason& said) { return said.rule() == "R16"; });
}

void EndLot(Folding& f, const std::string& name) {
  pb::Lot* lot = MutableLot(f.state, name);
  if (lot == nullptr) return;
  NoProduct(f);
  lot->set_state(pb::LOT_REJECTED);
  RejectProduct(f, *lot);
}

namespace {

template <class Body>
void TakeCertificate(Folding& f, pb::Lot& lot, const Body& body) {
  const std::int64_t stated =
      ExpiryOf(body.expires_at(), body.expiry_time_zone(), body.expiry_date_only());
  // Only the exceptional release dates anew what was dated, and one after a withdrawal; another one
  // dates it earlier.
  const bool anew = f.event.has_released_oos() || lot.state() == pb::LOT_WITHDRAWN;
  const auto kept = [&](std::int64_t known) {
    return known == 0 || anew ? stated : std::min(known, stated);
  };
  const std::int64_t of_lot = kept(lot.expiry_us());
  lot.set_certificate(body.certificate());
  lot.set_expiry_us(of_lot);
  lot.set_certificate_zone(body.expiry_time_zone());
  if (body.weight_used_kg() > 0) lot.set_dose_weight_kg(body.weight_used_kg());
  lot.set_released_us(f.at);
  lot.clear_expiry_doubted();
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
    container->set_expiry_us(container->expiry_us() == 0 ? of_lot : kept(container->expiry_us()));
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

// A no takes the first release back, and holds what was released on it.
void NotSuitable(Folding& f, pb::Lot& lot) {
  if (IsOldNo(f.event, f.told, lot.disposition_us())) return;
  lot.clear_disposition_us();
  RemoveFrom(lot.mutable_releases(), "SITE_QA_DISPOSITION");
  lot.clear_ship_under_quarantine();
  EndRelease(f, lot);
  HoldReleased(f, lot, "quality of the site says that the lot is not suitable");
}

void SiteDisposed(Folding& f, const pb::SiteQaDisposition& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr) return;
  if (body.suitable() == pb::NO) return NotSuitable(f, *lot);
  if (!f.stands || body.suitable() != pb::YES) return;
  AddOnce(lot->mutable_releases(), "SITE_QA_DISPOSITION");
  lot->set_disposition_us(std::max(lot->disposition_us(), f.at));
  lot->set_ship_under_quarantine(body.ship_under_quarantine() == pb::YES);
  if (!body.certificate().empty()) lot->set_certificate(body.certificate());
}

void Reviewed(Folding& f, const pb::BatchRecordReviewed& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr) return;
  if (body.complete() == pb::YES && body.deviations_closed() == pb::YES) {
    if (!f.stands) return;
    lot->set_review(f.event_id);
    return lot->set_review_us(std::max(lot->review_us(), f.at));
  }
  if (IsOldNo(f.event, f.told, lot->review_us())) return;
  lot->clear_review();
  lot->clear_review_us();
  EndRelease(f, *lot);
  HoldReleased(f, *lot, "the review of its batch record found it not in order");
}

void Invalidated(Folding& f, const pb::QcResultInvalidated& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !f.stands) return;
  auto* tests = lot->mutable_tests();
  const auto gone = std::ranges::find_if(
      *tests, [&](const pb::TestState& test) { return test.event_id() == body.result(); });
  if (gone == tests->end()) return;
  const std::string test = gone->test();
  const bool needed = gone->passed() && FindTest(f.profile, test) != nullptr;
  // What was missed by an error of the laboratory is not missed.
  RemoveFrom(lot->mutable_oos_missed(), test);
  if (lot->oos_missed().empty() && !HasRelease(*lot)) ForgetOos(*lot);
  tests->erase(gone);
  if (!needed) return;
  EndRelease(f, *lot);
  HoldReleased(f, *lot, "the result by which test " + test + " passed was invalidated");
}

// Not the maker's word: nothing ends by it, and nothing goes on before the maker looked.
pb::Hold& HoldInstead(Folding& f, const std::string& lot, const std::string& reason) {
  pb::Hold& hold = AddHold(f, "QUALITY", reason);
  hold.set_lot(lot);
  GiveToMaker(f, hold, FindLot(f.state, lot));
  return hold;
}

// What went wrong with a lot is a fact, that it ends by it is its maker's word (R16).
void Failed(Folding& f, const std::string& lot, const std::string& reason) {
  if (IsMakersWord(f)) return EndLot(f, lot);
  HoldInstead(f, lot, reason);
}

// Somebody heard of a recall, or its maker does not say of what: each lot and container that it may
// be about. Where it says by what and not of which, nobody can tell them apart: all of the
// therapy's.
void HoldRecalled(Folding& f, const pb::ProductRecalled& body) {
  const std::string reason = "said to be recalled: " + body.recall();
  const std::vector<std::string> lots = RecalledLots(f.state, body);
  const std::vector<std::string> containers = RecalledContainers(f.state, body);
  for (const std::string& lot : lots) HoldInstead(f, lot, reason);
  if (containers.empty() && TellsApart(body)) return;
  pb::Hold& hold = HoldInstead(f, "", reason);
  for (const std::string& id : containers) AddOnce(hold.mutable_containers(), id);
}

// By its maker's own word a recall is for ever, of each container that it names or each lot that it
// concerns.
void Recalled(Folding& f, const pb::ProductRecalled& body) {
  if (!IsMakersWord(f) || !TellsApart(body)) return HoldRecalled(f, body);
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
  if (!f.stands) {
    pb::Hold& hold = HoldInstead(f, body.lot(), "rejected by somebody who does not decide it");
    for (const std::string& id : body.containers()) AddOnce(hold.mutable_containers(), id);
    if (body.containers().empty()) return;
    hold.clear_lot();
    return GiveToMaker(f, hold, LotOf(f.state, body.containers(0)));
  }
  for (const std::string& id : body.containers()) {
    if (pb::Container* container = MutableContainer(f.state, id)) Reject(f, *container);
  }
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !body.containers().empty()) return;
  lot->set_state(pb::LOT_REJECTED);
  RejectProduct(f, *lot);
  NoProduct(f);
}

void Withdrawn(Folding& f, const pb::ReleaseWithdrawn& body) {
  for (const std::string& id : body.containers()) {
    pb::Container* container = MutableContainer(f.state, id);
    if (container == nullptr) continue;
    container->set_released(false);
    container->set_release_ended_us(std::max(container->release_ended_us(), f.at));
  }
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || !body.containers().empty()) return;
  const bool recall = f.stands && body.product_recall() == pb::YES;
  lot->set_state(recall ? pb::LOT_RECALLED : pb::LOT_WITHDRAWN);
  EndRelease(f, *lot);
  if (body.expiry_mistyped() == pb::YES) {
    for (const StepPerson& who : SignersOf(f.event)) {
      const std::uint32_t person = Intern(f.state, who.person);
      const auto& said = lot->expiry_doubted();
      if (std::ranges::find(said, person) == said.end()) lot->add_expiry_doubted(person);
    }
  }
  // A new release begins anew, and names its containers itself.
  lot->clear_releases();
  lot->clear_disposition_us();
  // What it misses it goes on missing; the exceptional chain is gone through anew.
  ForgetOos(*lot);
  lot->clear_ship_under_quarantine();
  for (pb::Container& container : *f.state.mutable_containers()) {
    if (container.lot() == lot->lot()) container.set_released(false);
  }
}

// The last word counts, whenever an earlier one is told.
void Selected(Folding& f, const pb::LotSelectedForInfusion& body) {
  if (f.stands) SelectLot(f.state, body.lot(), f.at);
}

}  // namespace

void FoldRelease(Folding& f) {
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kBatchRecordReviewed:
      return Reviewed(f, event.batch_record_reviewed());
    case pb::Event::kReleased:
      return Released(f, event.released(), "RELEASED");
    case pb::Event::kQpCertification:
      return Released(f, event.qp_certification(), "QP_CERTIFICATION");
    case pb::Event::kSiteQaDisposition:
      return SiteDisposed(f, event.site_qa_disposition());
    case pb::Event::kQcResultInvalidated:
      return Invalidated(f, event.qc_result_invalidated());
    case pb::Event::kLotSelectedForInfusion:
      return Selected(f, event.lot_selected_for_infusion());
    case pb::Event::kManufacturingFailed:
      return Failed(f, event.manufacturing_failed().lot(),
                    "said to have failed, not by who makes it");
    case pb::Event::kContaminationConfirmed:
      return Failed(f, event.contamination_confirmed().lot(),
                    "said to be contaminated, not by who makes it");
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
