// Next steps up to the released product: assessment, collection, transport, manufacture.
#include <algorithm>
#include <set>

#include "custody/body_plan.h"
#include "custody/next_steps.h"
#include "custody/oos.h"
#include "custody/state.h"
#include "custody/usable.h"

namespace custody::next {
namespace {

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

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
  pb::NextStep& pack = offers.Add(pb::Event::kPacked, Joined(ids), [&](pb::Event& event) {
    pb::Packed& body = *event.mutable_packed();
    body.set_leg(material == pb::STARTING_MATERIAL ? pb::LEG_INBOUND : pb::LEG_OUTBOUND);
    for (const std::string& id : ids) body.add_containers()->set_value(id);
  });
  offers.Due(pack, UsableUntil(state, offers.profile(), ids));
}

bool HasLotInHand(const pb::TherapyState& state) {
  return std::ranges::any_of(state.lots(), [](const pb::Lot& lot) {
    return lot.state() == pb::LOT_OPEN || lot.state() == pb::LOT_FILLED || HasRelease(lot);
  });
}

// Cells, or a lot of them, came to nothing, and no collection was ordered since (F3).
bool WantsRecollection(const pb::TherapyState& state) {
  return state.collection_failed_us() != 0 && !HasLotInHand(state) &&
         state.recollection_us() < state.collection_failed_us();
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
  const auto made = [&](int body) { return WasMade(lot, body); };
  static constexpr int kWay[] = {pb::Event::kActivated, pb::Event::kTransduced,
                                 pb::Event::kHarvested, pb::Event::kFormulated, pb::Event::kFilled};
  if (!made(pb::Event::kCellsSelected) && !made(pb::Event::kActivated)) {
    offers.Add(pb::Event::kCellsSelected, lot.lot());
  }
  if (made(pb::Event::kActivated) && !made(pb::Event::kHarvested)) {
    offers.Add(pb::Event::kCultureCheck, lot.lot());
  }
  // Each of several components is formulated for itself.
  const bool several = offers.profile() != nullptr && offers.profile()->components_size() > 1;
  if (several && made(pb::Event::kFormulated) && !made(pb::Event::kFilled)) {
    offers.Add(pb::Event::kFormulated, lot.lot());
  }
  for (const int body : kWay) {
    if (made(body)) continue;
    offers.Add(body, lot.lot(), [&](pb::Event& event) {
      if (body != pb::Event::kTransduced) return;
      event.mutable_transduced()->set_vector_released(pb::YES);
      *event.mutable_transduced()->mutable_vector_expires_at() = event.occurred_at();
      if (offers.profile() == nullptr) return;
      event.mutable_transduced()->set_construct(offers.profile()->construct());
    });
    return;
  }
}

// The first of the profile's releases that the lot lacks.
std::string ReleaseDue(const pb::Profile* profile, const pb::Lot& lot) {
  if (profile == nullptr || profile->releases().empty()) return "RELEASED";
  for (const std::string& release : profile->releases()) {
    if (std::ranges::find(lot.releases(), release) == lot.releases().end()) return release;
  }
  return *profile->releases().rbegin();
}

// What a test missed is said to be missed, which opens the exceptional path (F6).
void OfferDetection(Offers& offers, const pb::Lot& lot) {
  std::vector<std::string> missed;
  for (const pb::TestState& test : lot.tests()) {
    const auto& known = lot.oos_missed();
    const bool said = std::ranges::find(known, test.test()) != known.end() ||
                      std::ranges::find(missed, test.test()) != missed.end();
    if (test.failed() && !said) missed.push_back(test.test());
  }
  if (missed.empty()) return;
  offers.Add(pb::Event::kOosDetected, lot.lot() + " " + Joined(missed), [&](pb::Event& event) {
    event.mutable_oos_detected()->set_lot(lot.lot());
    for (const std::string& test : missed) event.mutable_oos_detected()->add_missed(test);
  });
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
  offers.Add(BodyNumber(Lower(ReleaseDue(offers.profile(), lot))), lot.lot(),
             [&](pb::Event& event) {
               if (event.has_site_qa_disposition()) {
                 event.mutable_site_qa_disposition()->set_lot(lot.lot());
                 event.mutable_site_qa_disposition()->set_suitable(pb::YES);
               } else if (event.has_qp_certification()) {
                 event.mutable_qp_certification()->set_lot(lot.lot());
               } else {
                 event.mutable_released()->set_lot(lot.lot());
               }
             });
}

// The label of the next donation, and those that were printed and are on no bag yet (row 10).
void OfferLabels(Offers& offers, const std::string& subject) {
  const pb::TherapyState& state = offers.state();
  const bool waits = std::ranges::any_of(state.issued_labels(), [&](const std::string& din) {
    return FindDonation(state, din) == nullptr;
  });
  if (waits) return;
  pb::NextStep& print = offers.Add(pb::Event::kLabelIssued, subject);
  if (!subject.empty()) offers.Later(print);
}

void OfferAffixing(Offers& offers) {
  for (const pb::LabelCount& label : offers.state().label_counts()) {
    const pb::Donation* donation = FindDonation(offers.state(), label.din());
    const bool over = donation != nullptr && (donation->failed() || donation->ended_us() != 0);
    if (label.applied() == 0 && !over) offers.Add(pb::Event::kLabelAffixed, label.din());
  }
}

// Several days at the machine are one attempt (R46): as long as nothing has left the house, there
// may be another one.
void OfferAnotherDay(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const bool waits = std::ranges::any_of(state.containers(), [&](const pb::Container& bag) {
    return bag.material() == pb::STARTING_MATERIAL && Waits(bag) &&
           bag.site() != state.manufacturer_site();
  });
  const bool runs = std::ranges::any_of(state.donations(), [](const pb::Donation& donation) {
    return donation.ended_us() == 0 && !donation.failed();
  });
  if (!waits || runs || !state.lots().empty()) return;
  OfferLabels(offers, "another day");
  offers.Later(offers.Add(pb::Event::kApheresisStarted, "another day"));
}

void OfferCollection(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  if (WantsRecollection(state)) offers.Add(pb::Event::kRecollectionOrdered);
  OfferAffixing(offers);
  if (!state.condition().assessed()) return;
  if (!Collecting(state)) return OfferAnotherDay(offers);
  OfferLabels(offers, "");
  offers.Add(pb::Event::kApheresisStarted);
}

// Until when the clinic is asked whether the slot stands; nobody need ask once the cells are there.
void OfferConfirmation(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const std::int64_t due = state.slot_confirm_by_us();
  if (!state.slotted() || due == 0 || !state.donations().empty()) return;
  pb::NextStep& confirm = offers.Add(pb::Event::kSlotReserved, state.slot());
  confirm.set_label("Slot to be confirmed");
  confirm.set_help(
      "reserve it again, without a date to confirm by; or move or give it up: "
      "SLOT_CHANGED");
  offers.Due(confirm, due);
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
  OfferConfirmation(offers);
  offer(!condition.workup() && !collected, pb::Event::kWorkupCompleted);
  offer(!condition.washout() && !collected, pb::Event::kWashoutConfirmed);
  offer(!condition.idm_sampled(), pb::Event::kIdmSampled);
  offer(condition.idm_sampled() && !HasStep(state, pb::Event::kIdmTested), pb::Event::kIdmTested);
  OfferCollection(offers);
  for (const pb::Donation& donation : state.donations()) {
    if (donation.ended_us() == 0 && !donation.failed()) {
      offers.Add(pb::Event::kApheresisCompleted, donation.din());
    }
  }
  for (const pb::Container& bag : state.containers()) {
    if (bag.state() != pb::CONTAINER_COLLECTED || bag.plasma()) continue;
    if (!bag.label_complete()) offers.Add(pb::Event::kLabelCompleted, bag.id());
    if (state.fresh_to_slot()) continue;
    offers.Due(offers.Add(pb::Event::kApheresisCryopreserved, bag.id()),
               UsableUntil(state, offers.profile(), bag));
  }
}

namespace {

// What was frozen, or came frozen, is put into a unit, so that an alarm of the unit finds it.
void OfferStorage(Offers& offers) {
  std::vector<std::string> ids;
  for (const pb::Container& container : offers.state().containers()) {
    const bool cells = container.material() == pb::STARTING_MATERIAL &&
                       container.state() == pb::CONTAINER_RECEIVED && container.frozen_us() != 0;
    if (container.state() == pb::CONTAINER_FROZEN || cells) ids.push_back(container.id());
  }
  if (!ids.empty()) offers.Add(pb::Event::kStored, Joined(ids));
}

// A shipper that is a storage needs nitrogen before its hold ends, or is emptied by then.
void OfferNitrogen(Offers& offers, const pb::Shipment& shipment) {
  if (shipment.stored_us() == 0 || !KeepsAnything(offers.state(), shipment)) return;
  offers.Due(offers.Add(pb::Event::kShipperRecharged, shipment.shipper()),
             HoldEnd(offers.profile(), shipment));
}

}  // namespace

void OfferTransport(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  OfferStorage(offers);
  OfferPacking(offers, pb::STARTING_MATERIAL);
  OfferPacking(offers, pb::DRUG_PRODUCT);
  for (const pb::Shipment& shipment : state.shipments()) {
    const std::string& shipper = shipment.shipper();
    const std::int64_t until = UsableUntil(
        state, offers.profile(), {shipment.containers().begin(), shipment.containers().end()});
    OfferNitrogen(offers, shipment);
    if (shipment.open() && shipment.handed_us() == 0) {
      pb::NextStep& hand = offers.Add(pb::Event::kHandedToCarrier, shipper, [&](pb::Event& event) {
        event.mutable_handed_to_carrier()->set_shipper(shipper);
        *event.mutable_handed_to_carrier()->mutable_seals() = shipment.seals();
      });
      offers.Due(hand, until);
    } else if (shipment.open()) {
      const int body = shipment.inbound() ? pb::Event::kReceivedMfg : pb::Event::kReceivedClinic;
      offers.Due(offers.Add(body, shipper), SoonerOf(shipment.expected_us(), until));
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

// A lot that failed is made again of cells that were kept back (F4).
void OfferRemanufacture(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  if (state.lots().empty() || HasLotInHand(state)) return;
  const std::string& failed = state.lots().rbegin()->lot();
  std::vector<std::string> kept;
  for (const pb::Container& bag : state.containers()) {
    const bool cells = bag.material() == pb::STARTING_MATERIAL && bag.accepted() && !bag.plasma();
    if (cells && bag.state() == pb::CONTAINER_RETAINED && !bag.rejected()) {
      kept.push_back(bag.id());
    }
  }
  if (kept.empty()) return;
  offers.Add(pb::Event::kRemanufactureOrdered, failed + " of " + Joined(kept),
             [&](pb::Event& event) {
               event.mutable_remanufacture_ordered()->set_old_lot(failed);
               for (const std::string& id : kept) {
                 event.mutable_remanufacture_ordered()->add_containers(id);
               }
             });
}

}  // namespace

void OfferManufacture(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  std::set<std::string> pooled;
  std::int64_t until = 0;
  for (const pb::Container& bag : state.containers()) {
    if (bag.material() != pb::STARTING_MATERIAL || bag.site() != state.manufacturer_site())
      continue;
    if (bag.state() != pb::CONTAINER_RECEIVED && bag.state() != pb::CONTAINER_STORED) continue;
    if (FindDonation(state, bag.din()) == nullptr || bag.plasma()) continue;
    const std::int64_t its = UsableUntil(state, offers.profile(), bag);
    if (!bag.accepted()) {
      offers.Due(offers.Add(pb::Event::kIncomingQcPassed, bag.din()), its);
    } else {
      pooled.insert(bag.din());
      until = SoonerOf(until, its);
    }
  }
  const std::string together = Joined({pooled.begin(), pooled.end()});
  if (!pooled.empty()) {
    pb::NextStep& open = offers.Add(pb::Event::kBatchOpened, together, [&](pb::Event& event) {
      for (const std::string& din : pooled) event.mutable_batch_opened()->add_donations(din);
    });
    offers.Due(open, until);
  }
  for (const pb::Lot& lot : state.lots()) {
    if (lot.state() == pb::LOT_OPEN) OfferMaking(offers, lot);
    if (lot.state() == pb::LOT_FILLED || IsReleased(lot)) OfferDetection(offers, lot);
    if (lot.state() == pb::LOT_FILLED) OfferRelease(offers, lot);
    for (const pb::TestState& test : lot.tests()) {
      if (test.final_due_us() == 0 || lot.state() == pb::LOT_REJECTED) continue;
      pb::NextStep& final = offers.Add(pb::Event::kQcResult, lot.lot() + " " + test.test());
      final.set_label("QC result, final");
      offers.Due(final, test.final_due_us());
    }
    if (lot.state() == pb::LOT_FILLED && lot.oos_size() > 0) OfferException(offers, lot);
  }
  OfferRemanufacture(offers);
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
