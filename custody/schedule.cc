#include "custody/schedule.h"

#include <algorithm>

#include "custody/profile.h"
#include "custody/state.h"

namespace custody {
namespace {

constexpr std::uint32_t kCourseDays = 3;     // as most labels have it
constexpr std::uint32_t kAimedFromDays = 1;  // the days after the last dose that are aimed at
constexpr std::uint32_t kAimedToDays = 2;

struct Planning {
  const pb::TherapyState& state;
  const pb::Profile* profile;
  std::vector<PlannedStep> steps = {};

  std::int64_t DayOf(std::int64_t at_us) const {
    const StatusOr<std::int64_t> day = CalendarDay(Instant{at_us}, state.zone());
    return day.ok() ? *day : at_us / kMicrosPerDay;
  }
  std::int64_t EndOf(std::int64_t day) const {
    const StatusOr<Instant> end = EndOfDay(day, state.zone());
    return end.ok() ? end->micros : (day + 1) * kMicrosPerDay - 1;
  }
  PlannedStep& AddDays(const char* name, int body, std::int64_t first, std::int64_t last) {
    return steps.emplace_back(PlannedStep{name, body, EndOf(first - 1) + 1, EndOf(last), 0});
  }
  // A time that the slot states: that day.
  void AddAt(const char* name, int body, std::int64_t at_us) {
    if (at_us != 0) steps.push_back({name, body, at_us, EndOf(DayOf(at_us)), 0});
  }
};

bool IsCollected(const pb::TherapyState& state) {
  return std::ranges::any_of(state.donations(), [](const pb::Donation& donation) {
    return donation.ended_us() != 0 && !donation.failed();
  });
}

// When the product came to where the patient is treated; 0: not yet.
std::int64_t Arrived(const pb::TherapyState& state) {
  std::int64_t arrived = 0;
  for (const pb::Shipment& shipment : state.shipments()) {
    const bool product = shipment.product() && shipment.to_site() == TreatingSite(state);
    if (product && shipment.received_us() != 0) arrived = shipment.received_us();
  }
  return arrived;
}

// When it is expected there: as the carrier or the packer said, else as the slot has it.
std::int64_t Expected(const pb::TherapyState& state) {
  std::int64_t expected = state.expected_delivery_us();
  for (const pb::Shipment& shipment : state.shipments()) {
    if (shipment.open() && shipment.product() && shipment.expected_us() != 0) {
      expected = shipment.expected_us();
    }
  }
  return expected;
}

bool IsOver(const pb::TherapyState& state) {
  return state.patient_died() || state.consent_withdrawn() || state.closed() || state.sealed() ||
         state.condition().ineligible();
}

void PlanSlot(Planning& p) {
  const pb::TherapyState& state = p.state;
  if (!state.slotted()) return;
  const bool inbound = std::ranges::any_of(
      state.shipments(), [](const pb::Shipment& s) { return s.inbound() && s.handed_us() != 0; });
  if (!IsCollected(state)) {
    p.AddAt(kCollectionDate, pb::Event::kApheresisStarted, state.apheresis_planned_us());
  }
  if (!inbound) p.AddAt(kPickupDate, pb::Event::kHandedToCarrier, state.pickup_planned_us());
  if (state.lots().empty()) {
    p.AddAt(kManufactureDate, pb::Event::kBatchOpened, state.manufacturing_planned_us());
  }
}

// Of a course that has begun the last dose is known, or its plan; of another one the delivery is
// what it waits for.
void PlanTreatment(Planning& p) {
  const pb::TherapyState& state = p.state;
  const pb::Lymphodepletion& ld = state.ld();
  if (state.last_infused_us() != 0) return;
  const std::int64_t arrived = Arrived(state);
  const std::int64_t expected = arrived != 0 ? arrived : Expected(state);
  if (arrived == 0) p.AddAt(kDeliveryDate, pb::Event::kReceivedClinic, expected);
  // Begun, and this view does not say when.
  if (!state.has_ld() && HasStep(state, pb::Event::kLdStarted)) return;
  const std::int64_t rest = std::int64_t{CourseDays(p.profile)} - 1;
  std::int64_t last_day = 0;
  if (ld.waived()) {
    last_day = p.DayOf(ld.waived_us()) - kAimedFromDays;
  } else if (ld.completed_us() != 0) {
    last_day = p.DayOf(std::max(ld.last_dose_us(), ld.started_us()));
  } else if (ld.started_us() != 0) {
    last_day = p.DayOf(ld.started_us()) + rest;
  } else if (expected != 0) {
    const std::int64_t first = p.DayOf(expected) + 1;
    p.AddDays("lymphodepletion", pb::Event::kLdStarted, first, first + rest);
    last_day = first + rest;
  } else {
    return;
  }
  const bool known = p.profile != nullptr && p.profile->ld().advisory_max_days() != 0;
  const std::int64_t aimed_from = known ? p.profile->ld().advisory_min_days() : kAimedFromDays;
  const std::int64_t aimed_to = known ? p.profile->ld().advisory_max_days() : kAimedToDays;
  PlannedStep& infusion = p.AddDays("infusion", pb::Event::kInfusionStarted, last_day + aimed_from,
                                    last_day + std::max(aimed_from, aimed_to));
  if (ld.last_dose_us() != 0 && !ld.waived()) {
    infusion.latest_us = p.EndOf(p.DayOf(ld.last_dose_us()) + LdMaxDays(p.profile));
  }
}

}  // namespace

std::uint32_t CourseDays(const pb::Profile* profile) {
  const std::uint32_t stated = profile == nullptr ? 0 : profile->ld().course_days();
  return stated == 0 ? kCourseDays : stated;
}

std::optional<VeinToVein> VeinToVeinOf(const pb::TherapyState& state) {
  VeinToVein clock;
  for (const pb::Donation& donation : state.donations()) {
    const std::int64_t ended = donation.failed() ? 0 : donation.ended_us();
    if (ended != 0 && (clock.from_us == 0 || ended < clock.from_us)) clock.from_us = ended;
  }
  clock.to_us = state.first_infused_us();
  const bool ended = IsOver(state) && clock.to_us == 0;  // nobody waits for it any more
  if (clock.from_us == 0 || ended) return std::nullopt;
  return clock;
}

std::vector<PlannedStep> ScheduleOf(const pb::TherapyState& state, const pb::Profile* profile) {
  if (IsOver(state)) return {};
  Planning planning{state, profile};
  PlanSlot(planning);
  if (state.ordered()) PlanTreatment(planning);
  std::ranges::stable_sort(planning.steps, {}, &PlannedStep::from_us);
  return std::move(planning.steps);
}

std::vector<PlannedStep> ScheduleBefore(const pb::TherapyState& state, const pb::SlotMove& move,
                                        const pb::Profile* profile) {
  pb::TherapyState before = state;
  before.set_slotted(before.slotted() || !move.from_slot().empty());
  for (const pb::SlotDate& date : move.dates()) {
    if (date.name() == kCollectionDate) before.set_apheresis_planned_us(date.old_us());
    if (date.name() == kPickupDate) before.set_pickup_planned_us(date.old_us());
    if (date.name() == kManufactureDate) before.set_manufacturing_planned_us(date.old_us());
    if (date.name() == kDeliveryDate) before.set_expected_delivery_us(date.old_us());
  }
  return ScheduleOf(before, profile);
}

}  // namespace custody
