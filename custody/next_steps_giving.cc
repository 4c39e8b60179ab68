// Next steps from lymphodepletion to the end of the infusion.
#include <algorithm>

#include "custody/lot_choice.h"
#include "custody/next_steps.h"
#include "custody/profile.h"
#include "custody/schedule.h"
#include "custody/state.h"
#include "custody/usable.h"

namespace custody::next {
namespace {

// When the earliest window after the thaw ends (R25); 0: no window.
std::int64_t WindowEnd(const Offers& offers, const pb::Container& container) {
  std::int64_t end = 0;
  if (offers.profile() == nullptr) return end;
  for (const pb::Window& window : offers.profile()->windows()) {
    const std::int64_t anchor = window.anchor() == pb::FROM_THAW_START ? container.thaw_started_us()
                                : window.anchor() == pb::FROM_REMOVAL
                                    ? container.removed_us()
                                    : container.thaw_completed_us();
    if (anchor == 0) continue;
    const std::int64_t at = anchor + window.minutes() * kMicrosPerMinute;
    end = end == 0 ? at : std::min(end, at);
  }
  return end;
}

// Until when the first dose may begin (R20); 0: not known yet.
std::int64_t LdDeadline(const Offers& offers) {
  const pb::Lymphodepletion& ld = offers.state().ld();
  if (ld.last_dose_us() == 0 || ld.waived()) return 0;
  const StatusOr<std::int64_t> day = CalendarDay(Instant{ld.last_dose_us()}, offers.state().zone());
  if (!day.ok()) return 0;
  const StatusOr<Instant> end = EndOfDay(*day + LdMaxDays(offers.profile()), offers.state().zone());
  return end.ok() ? end->micros : 0;
}

// Until when what was released, and not taken out for the patient yet, can be used: its expiry, and
// the hold of the shipper that keeps it; 0: nothing waits.
std::int64_t ProductUntil(const Offers& offers) {
  std::int64_t until = 0;
  for (const pb::Container& bag : offers.state().containers()) {
    const pb::Lot* lot = FindLot(offers.state(), bag.lot());
    const bool waits = bag.material() == pb::DRUG_PRODUCT && bag.state() < pb::CONTAINER_REMOVED;
    if (!waits || lot == nullptr || !HasRelease(*lot) || bag.rejected()) continue;
    until = SoonerOf(until, UsableUntil(offers.state(), offers.profile(), bag));
  }
  return until;
}

// Until when a container whose infusion runs is to be given: the window after its thaw, and as long
// as the profile lets an infusion last.
std::int64_t InfusionEnd(const Offers& offers, const pb::Container& bag) {
  const std::uint32_t minutes =
      offers.profile() == nullptr ? 0 : offers.profile()->infusion_minutes();
  const std::int64_t most =
      minutes == 0 ? 0 : bag.infusion_started_us() + minutes * kMicrosPerMinute;
  return SoonerOf(WindowEnd(offers, bag), most);
}

void FillBaseline(pb::Event& event) {
  pb::VitalSigns& vitals = *event.mutable_infusion_started()->mutable_baseline();
  *vitals.mutable_at() = event.occurred_at();
  for (int sign = pb::VITAL_TEMPERATURE; sign <= pb::VITAL_SPO2; ++sign) {
    vitals.add_not_recordable(static_cast<pb::VitalSign>(sign));
  }
}

void FillTimeOut(pb::Event& event) {
  pb::TimeOut& time_out = *event.mutable_bedside_id_verified()->mutable_time_out();
  time_out.set_physician_go(pb::YES);
  time_out.set_emergency_drugs(pb::YES);
  time_out.set_tocilizumab_at_hand(pb::YES);
  time_out.set_active_infection(pb::NO);
  time_out.set_unresolved_toxicity(pb::NO);
  *time_out.mutable_vitals()->mutable_at() = event.occurred_at();
  event.mutable_bedside_id_verified()->set_passed(pb::YES);
}

void OfferPrethaw(Offers& offers, const pb::InfusionOrder& order, const pb::Container& bag) {
  const bool checked = !bag.prethaw().empty() && bag.prethaw_order() == order.order();
  if (checked && !bag.prethaw_from_paper()) return;
  offers.Add(pb::Event::kPrethawIdVerified, bag.id(), [&](pb::Event& event) {
    event.mutable_prethaw_id_verified()->mutable_container()->set_value(bag.id());
    event.mutable_prethaw_id_verified()->mutable_order()->set_value(order.order());
    event.mutable_prethaw_id_verified()->set_confirmed_by(pb::CONFIRMED_BY_WRISTBAND);
  });
}

// Where cell laboratory and ward lie apart, what is out of storage goes from hand to hand (row 29).
void OfferWard(Offers& offers, const pb::Container& bag) {
  const pb::TherapyState& state = offers.state();
  const bool issued = std::ranges::any_of(state.holdings(), [&](const pb::Holding& holding) {
    return holding.subject() == bag.id() && holding.since_us() >= bag.removed_us();
  });
  const auto times = [&](int body) {
    const pb::StepRecord* step = FindStep(state, body);
    return step == nullptr ? 0U : step->count();
  };
  if (!issued) {
    pb::NextStep& issue = offers.Add(pb::Event::kIssuedToWard, bag.id(), [&](pb::Event& event) {
      event.mutable_issued_to_ward()->add_containers(bag.id());
      event.mutable_issued_to_ward()->set_coi(state.coi());
    });
    offers.Due(issue, WindowEnd(offers, bag));
  } else if (times(pb::Event::kIssuedToWard) > times(pb::Event::kReceivedOnWard)) {
    offers.Due(offers.Add(pb::Event::kReceivedOnWard, bag.id()), WindowEnd(offers, bag));
  }
}

// The next step of one ordered container.
void OfferContainer(Offers& offers, const pb::InfusionOrder& order, const pb::Container& bag) {
  const std::string& id = bag.id();
  const std::string& coi = offers.state().coi();
  switch (bag.state()) {
    case pb::CONTAINER_RECEIVED:
    case pb::CONTAINER_STORED:
      OfferPrethaw(offers, order, bag);
      offers.Due(
          offers.Add(pb::Event::kRemovedFromStorage, id,
                     [&](pb::Event& event) {
                       event.mutable_removed_from_storage()->mutable_container()->set_value(id);
                     }),
          SoonerOf(LdDeadline(offers), UsableUntil(offers.state(), offers.profile(), bag)));
      return;
    case pb::CONTAINER_REMOVED:
      OfferPrethaw(offers, order, bag);  // a deferral, or another order, asks for it again
      offers.Add(pb::Event::kThawStarted, id, [&](pb::Event& event) {
        event.mutable_thaw_started()->mutable_container()->set_value(id);
      });
      offers.Add(pb::Event::kReturnedToStorage, id);
      OfferWard(offers, bag);
      return;
    case pb::CONTAINER_THAWING:
      offers.Add(pb::Event::kThawCompleted, id);
      return;
    case pb::CONTAINER_THAWED:
    case pb::CONTAINER_VERIFIED:
      offers.Due(
          offers.Add(pb::Event::kBedsideIdVerified, id,
                     [&](pb::Event& event) {
                       FillTimeOut(event);
                       event.mutable_bedside_id_verified()->mutable_container()->set_value(id);
                       event.mutable_bedside_id_verified()->mutable_order()->set_value(
                           order.order());
                     }),
          WindowEnd(offers, bag));
      offers.Due(offers.Add(pb::Event::kInfusionStarted, id,
                            [&](pb::Event& event) {
                              pb::InfusionStarted& body = *event.mutable_infusion_started();
                              FillBaseline(event);
                              body.mutable_container()->set_value(id);
                              body.mutable_coi()->set_value(coi);
                              body.mutable_order()->set_value(order.order());
                              for (const std::string& read : bag.pass().wristband()) {
                                pb::IdentifierCommitment* scanned = body.add_wristband();
                                scanned->set_type("mrn");
                                scanned->set_commitment(read);
                              }
                            }),
                 WindowEnd(offers, bag));
      if (bag.state() == pb::CONTAINER_THAWED) OfferWard(offers, bag);
      return;
    case pb::CONTAINER_INFUSING:
      offers.Due(offers.Add(pb::Event::kInfusionCompleted, id), InfusionEnd(offers, bag));
      return;
    default:
      return;
  }
}

// The second of two parts, once the first is given (R32): on its days.
void OfferSecondDose(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  if (offers.profile() == nullptr || !offers.profile()->has_split_dose()) return;
  if (state.doses_given() != 1) return;
  const pb::SplitDose& plan = offers.profile()->split_dose();
  const auto day = [&](std::uint32_t number) {
    return state.first_infused_us() + (std::int64_t{number} - 1) * kMicrosPerDay;
  };
  const std::int64_t opens = plan.second_from_day() == 0 ? 0 : day(plan.second_from_day());
  const std::int64_t due = plan.second_to_day() == 0 ? 0 : day(plan.second_to_day());
  offers.Due(offers.Add(pb::Event::kInfectionScreenedPre), due, opens);
  offers.Due(offers.Add(pb::Event::kPreinfusionCheckPassed), due, opens);
  offers.Due(offers.Add(pb::Event::kProphylaxisGiven), due, opens);
  const bool ordered = std::ranges::any_of(state.orders(), [](const pb::InfusionOrder& order) {
    return order.open() && order.dose_number() >= 2;
  });
  if (ordered) return;
  offers.Due(offers.Add(pb::Event::kInfusionOrdered, "dose 2",
                        [&](pb::Event& event) {
                          pb::InfusionOrdered& order = *event.mutable_infusion_ordered();
                          order.set_dose_number(2);
                          *order.mutable_planned_at() =
                              ToProto(Instant{std::max(opens, offers.now())});
                        }),
             due, opens);
}

// The product that arrived is put away, or stays in the shipper that it came in.
void OfferPuttingAway(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  for (const pb::Container& bag : state.containers()) {
    const bool arrived = bag.material() == pb::DRUG_PRODUCT &&
                         bag.state() == pb::CONTAINER_RECEIVED && bag.site() == TreatingSite(state);
    if (!arrived) continue;
    const std::int64_t until = UsableUntil(state, offers.profile(), bag);
    offers.Due(offers.Add(pb::Event::kStoredClinic, bag.id()), until);
    if (ShipperKeeping(state, bag) == nullptr) continue;
    offers.Due(offers.Add(pb::Event::kStoredInShipper, bag.id()), until);
  }
}

// Whether too much time has passed since the last course (R20, R22).
bool IsTooLongAgo(const Offers& offers) {
  const std::int64_t deadline = LdDeadline(offers);
  if (deadline != 0 && deadline < offers.now()) return true;
  const std::uint32_t days =
      offers.profile() == nullptr ? 0 : offers.profile()->ld().repeat_after_days();
  const std::int64_t last = offers.state().ld().last_dose_us();
  return days != 0 && last != 0 &&
         DayIn(offers.state(), offers.now()) - DayIn(offers.state(), last) > days;
}

void OfferCourse(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::Lymphodepletion& ld = state.ld();
  const pb::StepRecord* again = FindStep(state, pb::Event::kLdRepeated);
  const bool repeated = again != nullptr && ld.completed_us() != 0 && !ld.waived() &&
                        again->occurred_us() > ld.completed_us();
  if ((ld.started_us() == 0 && !ld.waived()) || repeated) {
    pb::NextStep& start = offers.Add(pb::Event::kLdStarted, "", [&](pb::Event& event) {
      event.mutable_ld_started()->set_delivery_risk_accepted(pb::YES);
      event.mutable_ld_started()->set_planned_days(CourseDays(offers.profile()));
      event.mutable_ld_started()->set_marrow_blasts_percent(0);  // where it is asked for
      *event.mutable_ld_started()->mutable_marrow_sampled_at() = event.occurred_at();
      event.add_signers()->set_role(pb::PHY);  // who accepts it
    });
    offers.Due(start, ProductUntil(offers));
    offers.Later(offers.Add(pb::Event::kLdWaived, "", [](pb::Event& event) {
      *event.mutable_ld_waived()->mutable_wbc_sampled_at() = event.occurred_at();
    }));
  } else if (ld.completed_us() == 0 && !ld.waived()) {
    offers.Add(pb::Event::kLdDose);
    offers.Add(pb::Event::kLdCompleted);
  } else if (!ld.waived() && IsTooLongAgo(offers)) {
    offers.Add(pb::Event::kLdRepeated);
  }
}

// Against seizures and infections with the course, against reactions before each dose (row 31p).
void OfferProphylaxis(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::StepRecord* given = FindStep(state, pb::Event::kProphylaxisGiven);
  const std::int64_t since = std::max(state.ld().started_us(), state.last_infused_us());
  pb::NextStep& give = offers.Add(pb::Event::kProphylaxisGiven);
  if (given != nullptr && given->occurred_us() >= since) offers.Later(give);
}

// With several lots that may be given, somebody says which (row 28, R37).
void OfferLotChoice(Offers& offers) {
  const std::vector<const pb::Lot*> lots = GivableLots(offers.state(), offers.now());
  const bool chosen = std::ranges::find(lots, SelectedLot(offers.state())) != lots.end();
  if (lots.size() < 2 || chosen) return;
  std::string names;
  for (const pb::Lot* lot : lots) names += (names.empty() ? "" : ", ") + lot->lot();
  offers.Add(pb::Event::kLotSelectedForInfusion, names);
}

}  // namespace

void OfferInfusion(Offers& offers) {
  const pb::TherapyState& state = offers.state();
  const pb::Lymphodepletion& ld = state.ld();
  const bool ready = ld.completed_us() != 0 || ld.waived();
  OfferPuttingAway(offers);
  OfferLotChoice(offers);
  if (state.last_infused_us() == 0 && !state.lots().empty()) OfferCourse(offers);
  if (state.last_infused_us() == 0 && (ld.started_us() != 0 || ld.waived())) {
    OfferProphylaxis(offers);
  }
  const bool ordered = std::ranges::any_of(state.orders(), [&](const pb::InfusionOrder& order) {
    return order.open() && !order.from_paper() && !IsPassedOver(state, order, offers.now());
  });
  if (ready && state.last_infused_us() == 0) {
    const std::int64_t due = SoonerOf(LdDeadline(offers), ProductUntil(offers));
    offers.Due(offers.Add(pb::Event::kInfectionScreenedPre), due);
    offers.Due(offers.Add(pb::Event::kPreinfusionCheckPassed), due);
    if (!ordered) offers.Due(offers.Add(pb::Event::kInfusionOrdered), due);
  }
  OfferSecondDose(offers);
  for (const pb::InfusionOrder& order : state.orders()) {
    if (!order.open()) continue;
    for (const std::string& id : order.containers()) {
      if (const pb::Container* bag = FindContainer(state, id)) OfferContainer(offers, order, *bag);
    }
  }
}

}  // namespace custody::next
