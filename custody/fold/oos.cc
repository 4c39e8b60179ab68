// The exceptional release (F6): what is missed, and the words that have to follow on it in order.
#include "custody/oos.h"

#include <algorithm>

#include "custody/fold/fold.h"
#include "custody/signed_by.h"
#include "custody/state.h"

namespace custody::fold {

void ForgetOos(pb::Lot& lot) {
  lot.clear_oos();
  lot.clear_oos_accepted_us();
  lot.clear_oos_authorisation();
  lot.clear_oos_pathway();
  lot.clear_oos_holder_notified();
  lot.clear_oos_authority_notified();
}

namespace {

// What is missed is known, or more of it: every later word was of less than that, and begins anew.
// What was released in spite of the less is no longer.
void OosDetected(Folding& f, const pb::OosDetected& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr) return;
  const auto known = [&](const std::string& what) {
    return std::ranges::find(lot->oos_missed(), what) != lot->oos_missed().end();
  };
  if (lot->oos_size() > 0 && std::ranges::all_of(body.missed(), known)) return;
  for (const std::string& what : body.missed()) AddOnce(lot->mutable_oos_missed(), what);
  ForgetOos(*lot);
  *lot->add_oos() = std::string(kOosDetected);
  if (!HasRelease(*lot)) return;
  EndRelease(f, *lot);
  lot->set_state(pb::LOT_FILLED);
  lot->clear_releases();
  lot->clear_disposition_us();
  for (pb::Container& container : *f.state.mutable_containers()) {
    if (container.lot() == lot->lot()) container.set_released(false);
  }
}

// One link of the exceptional release (F6); it counts when all before it stand.
pb::Lot* AddLink(Folding& f, const std::string& name, std::string_view link) {
  pb::Lot* lot = MutableLot(f.state, name);
  if (lot == nullptr || !f.stands || !MissingOosLinks(*lot, link).empty()) return nullptr;
  AddOnce(lot->mutable_oos(), std::string(link));
  return lot;
}

// Who declines has not accepted, whatever was said before; what followed on it falls with it.
void Declined(Folding& f, const pb::OosAccepted& body) {
  pb::Lot* lot = MutableLot(f.state, body.lot());
  if (lot == nullptr || body.patient_consent() != pb::NO) return;
  if (IsOldNo(f.event, f.told, lot->oos_accepted_us())) return;  // the patient has agreed since
  lot->clear_oos_accepted_us();
  EndRelease(f, *lot);
  RemoveFrom(lot->mutable_oos(), kOosAccepted);
  RemoveFrom(lot->mutable_oos(), kOosAuthorised);
}

void Accepted(Folding& f, const pb::OosAccepted& body) {
  if (body.patient_consent() != pb::YES) return Declined(f, body);
  pb::Lot* lot = AddLink(f, body.lot(), kOosAccepted);
  if (lot == nullptr) return;
  lot->set_oos_accepted_us(std::max(lot->oos_accepted_us(), f.at));
}

void OosAuthorised(Folding& f, const pb::OosAuthorised& body) {
  pb::Lot* lot = AddLink(f, body.lot(), kOosAuthorised);
  if (lot == nullptr) return;
  lot->set_oos_authorisation(body.authorisation());
  lot->set_oos_pathway(static_cast<std::uint32_t>(body.pathway()));
  lot->set_oos_holder_notified(body.holder_notified() == pb::YES);
  lot->set_oos_authority_notified(body.authority_notified() == pb::YES);
}

}  // namespace

void FoldOos(Folding& f) {
  const pb::Event& event = f.event;
  switch (event.body_case()) {
    case pb::Event::kOosDetected:
      return OosDetected(f, event.oos_detected());
    case pb::Event::kOosRequested:
      return static_cast<void>(AddLink(f, event.oos_requested().lot(), kOosRequested));
    case pb::Event::kOosRiskAssessed:
      return static_cast<void>(AddLink(f, event.oos_risk_assessed().lot(), kOosRiskAssessed));
    case pb::Event::kOosAccepted:
      return Accepted(f, event.oos_accepted());
    case pb::Event::kOosAuthorised:
      return OosAuthorised(f, event.oos_authorised());
    default:
      return;
  }
}

}  // namespace custody::fold
