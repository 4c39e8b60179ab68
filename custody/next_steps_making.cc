// Next steps up to the released product: assessment, collection, transport, manufacture.
#include <algorithm>
#include <set>

#include "custody/next_steps.h"
#include "custody/oos.h"
#include "custody/state.h"

namespace custody::next {
namespace {

bool Waits(const pb::Container& container) {
  return container.state() == pb::CONTAINER_COLLECTED ||
         container.state() == pb::CONTAINER_FROZEN || container.state() == pb::CONTAINER_STORED;
}

void OfferPacking(Offers& offers, pb::MaterialKind material) {
  const pb::TherapyState& state = offers.state();
  std::vector<std::string> ids;
  for (const pb::Container& container : state.containers()) {
    if (container.material() != material || !Waits(container)) continue;
    const bool there = material == pb::STARTING_MATERIAL
                           ? container.site() == state.manufacturer_site()
                           : container.site() == TreatingSite(state);
    if (!there) ids.push_back(container.id());
  }
  if (ids.empty()) return;
  if (material == pb::DRUG_PRODUCT && state.lots().empty()) return;
  std::string subject;
  for (const std::string& id : ids) subject += (subject.empty() ? "" : ", ") + id;
  offers.Add(pb::Event::kPacked, subject, [&](pb::Event& event) {
    pb::Packed& body = *event.mutable_packed();
    body.set_leg(material == pb::STARTING_MATERIAL ? pb::LEG_INBOUND : pb::LEG_OUTBOUND);
    for (const std::string& id : ids) body.add_containers()->set_value(id);
  });
}

bool Collecting(const pb::TherapyState& state) {
  const auto usable = [](const pb::Donation& donation) { return !donation.failed(); };
  const auto count = static_cast<std::uint32_t>(std::ranges::count_if(state.donations(), usable));
  return count == 0 || (state.recollections() > 0 && count <= state.recollections() &&
                        !std::ranges::any_of(state.donations(), [](const pb::Donation& d) {
                          return d.ended_us() == 0 && !d.failed();
                        }));
}

// The steps of making a lot in their order; the first that is not done is next.
void OfferMaking(Offers& offers, const pb::Lot& lot) {
  static constexpr int kWay[] = {pb::Event::kActivated, pb::Event::kTransduced,
                                 pb::Event::kHarvested, pb::Event::kFormulated, pb::Event::kFilled};
  // Of this lot: one that is made again goes the whole way again.
  const auto made = [&](int body) {
    const auto& done = lot.made();
    return std::ranges::find(done, static_cast<std::uint32_t>(body)) != done.end();
  };
  if (!made(pb::Event::kCellsSelected) && !made(pb::Event::kActivated)) {
    offers.Add(pb::Event::kCellsSelected, lot.lot());
  }
  if (made(pb::Event::kActivated) && !made(pb::Event::kHarvested)) {
    offers.Add(pb::Event::kCultureCheck, lot.lot());
  }
  for (const int body : kWay) {
    if (made(body)) continue;
    offers.Add(body, lot.lot(), [&](pb::Event& event) {
      if (body != pb::Event::kTransduced) return;
      event.mutable_transduced()->set_vector_released(pb::YES);
      *event.mutable_transduced()->mutable_vector_expires_at() = event.occurred_at();
    });
    return;
  }
}

void OfferRelease(Offers& offers, const pb::Lot& lot) {
  if (offers.profile() != nullptr) {
    for (const pb::ReleaseTest& test : offers.profile()->release_tests()) {
      const bool passed = std::ranges::any_of(lot.tests(), [&](const pb::TestState& known) {
        return known.test() == test.test() && known.passed() && !known.from_paper();
      });
      if (!passed) offers.Add(pb::Event::kQcResult, lot.lot() + " " + test.test());
    }
  }
  if (lot.review().empty()) offers.Add(pb::Event::kBatchRecordReviewed, lot.lot());
  offers.Add(pb::Event::kReleased, lot.lot(),
             [&](pb::Event& event) { event.mutable_released()->set_lot(lot.lot()); });
}

}  // namespace

void OfferClinic(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::PatientCondition& condition = state.condition();
  const auto offer = [&](bool open, int body) {
    if (open) offers.Add(body);
  };
  const bool collected = std::ranges::any_of(
      state.donations(), [](const pb::Donation& d) { return d.ended_us() != 0 && !d.failed(); });
  offer(!condition.assessed(), pb::Event::kEligibilityAssessed);
  offer(!condition.cns_evaluated() && state.last_infused_us() == 0, pb::Event::kCnsEvaluated);
  offer(!state.consent_treatment() || (!state.consent_collection() && !collected),
        pb::Event::kConsentObtained);
  offer(condition.assessed() && !state.ordered(), pb::Event::kTherapyOrdered);
  offer(state.ordered() && !state.slotted(), pb::Event::kSlotReserved);
  offer(!condition.workup() && !collected, pb::Event::kWorkupCompleted);
  offer(!condition.washout() && !collected, pb::Event::kWashoutConfirmed);
  offer(!condition.idm_sampled(), pb::Event::kIdmSampled);
  offer(condition.idm_sampled() && !HasStep(state, pb::Event::kIdmTested), pb::Event::kIdmTested);
  if (Collecting(state) && condition.assessed()) {
    offer(!HasStep(state, pb::Event::kLabelIssued), pb::Event::kLabelIssued);
    offers.Add(pb::Event::kApheresisStarted);
  }
  for (const pb::Donation& donation : state.donations()) {
    if (donation.ended_us() == 0 && !donation.failed()) {
      offers.Add(pb::Event::kApheresisCompleted, donation.din());
    }
  }
  for (const pb::Container& bag : state.containers()) {
    if (bag.state() != pb::CONTAINER_COLLECTED) continue;
    if (!bag.label_complete()) offers.Add(pb::Event::kLabelCompleted, bag.id());
    if (!state.fresh_to_slot()) offers.Add(pb::Event::kApheresisCryopreserved, bag.id());
  }
}

void OfferTransport(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  OfferPacking(offers, pb::STARTING_MATERIAL);
  OfferPacking(offers, pb::DRUG_PRODUCT);
  for (const pb::Shipment& shipment : state.shipments()) {
    const std::string& shipper = shipment.shipper();
    if (shipment.open() && shipment.handed_us() == 0) {
      offers.Add(pb::Event::kHandedToCarrier, shipper, [&](pb::Event& event) {
        event.mutable_handed_to_carrier()->set_shipper(shipper);
        *event.mutable_handed_to_carrier()->mutable_seals() = shipment.seals();
      });
    } else if (shipment.open()) {
      const int body = shipment.inbound() ? pb::Event::kReceivedMfg : pb::Event::kReceivedClinic;
      offers.Due(offers.Add(body, shipper), shipment.expected_us());
    } else if (!shipment.telemetry() && !shipment.logger().empty() &&
               !shipment.containers().empty()) {  // else it never left
      offers.Add(pb::Event::kTelemetryBatch, shipment.logger());
    }
  }
}

namespace {

// The next word of an exceptional release (F6), or its end.
void OfferException(Offers& offers, const pb::Lot& lot) {
  const std::vector<std::string> missing = MissingOosLinks(lot, "");
  const std::string next = missing.empty() ? "" : missing.front();
  const auto offer = [&](int body, auto mutable_body) {
    offers.Add(body, lot.lot(),
               [&](pb::Event& event) { (event.*mutable_body)()->set_lot(lot.lot()); });
  };
  if (next == kOosRequested)
    return offer(pb::Event::kOosRequested, &pb::Event::mutable_oos_requested);
  if (next == kOosRiskAssessed) {
    return offer(pb::Event::kOosRiskAssessed, &pb::Event::mutable_oos_risk_assessed);
  }
  if (next == kOosAccepted) return offer(pb::Event::kOosAccepted, &pb::Event::mutable_oos_accepted);
  if (next == kOosAuthorised) {
    return offer(pb::Event::kOosAuthorised, &pb::Event::mutable_oos_authorised);
  }
  offers.Add(pb::Event::kReleasedOos, lot.lot(), [&](pb::Event& event) {
    pb::ReleasedOos& body = *event.mutable_released_oos();
    body.set_lot(lot.lot());
    *body.mutable_missed() = lot.oos_missed();
    body.set_authorisation(lot.oos_authorisation());
  });
}

}  // namespace

void OfferManufacture(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  std::set<std::string> pooled;
  for (const pb::Container& bag : state.containers()) {
    if (bag.material() != pb::STARTING_MATERIAL || bag.site() != state.manufacturer_site())
      continue;
    if (bag.state() != pb::CONTAINER_RECEIVED && bag.state() != pb::CONTAINER_STORED) continue;
    if (FindDonation(state, bag.din()) == nullptr) continue;
    if (!bag.accepted()) {
      offers.Add(pb::Event::kIncomingQcPassed, bag.din());
    } else {
      pooled.insert(bag.din());
    }
  }
  std::string together;
  for (const std::string& din : pooled) together += (together.empty() ? "" : ", ") + din;
  if (!pooled.empty()) {
    offers.Add(pb::Event::kBatchOpened, together, [&](pb::Event& event) {
      for (const std::string& din : pooled) event.mutable_batch_opened()->add_donations(din);
    });
  }
  for (const pb::Lot& lot : state.lots()) {
    if (lot.state() == pb::LOT_OPEN) OfferMaking(offers, lot);
    if (lot.state() == pb::LOT_FILLED) OfferRelease(offers, lot);
    for (const pb::TestState& test : lot.tests()) {
      if (test.final_due_us() == 0) continue;
      pb::NextStep& final = offers.Add(pb::Event::kQcResult, lot.lot() + " " + test.test());
      final.set_label("QC result, final");
      offers.Due(final, test.final_due_us());
    }
    if (lot.state() == pb::LOT_FILLED && lot.oos_size() > 0) OfferException(offers, lot);
  }
  std::vector<std::string> lots;
  for (const pb::Container& container : state.containers()) {
    const bool fresh =
        container.material() == pb::DRUG_PRODUCT && container.state() == pb::CONTAINER_FILLED;
    if (fresh && std::ranges::find(lots, container.lot()) == lots.end()) {
      lots.push_back(container.lot());
      offers.Add(pb::Event::kCryopreserved, container.lot());
    }
  }
}

}  // namespace custody::next
