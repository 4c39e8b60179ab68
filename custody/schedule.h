// What is planned of one therapy and has not happened yet: the slot's dates, and what they mean for
// lymphodepletion and infusion. Reckoned, never kept: a slot that moves, moves all of it.
#ifndef CUSTODY_CUSTODY_SCHEDULE_H_
#define CUSTODY_CUSTODY_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "custody/pb.h"

namespace custody {

// What the slot's dates are called, here and in what a change of the slot moved.
inline constexpr const char* kCollectionDate = "collection";
inline constexpr const char* kPickupDate = "pick-up";
inline constexpr const char* kManufactureDate = "manufacture";
inline constexpr const char* kDeliveryDate = "delivery";

// `PlannedStep` is one of them, in time order. Times are microseconds, whole days where only a day
// is planned (from its first to its last microsecond where the patient is treated).
struct PlannedStep {
  std::string name;          // a date of the slot; "lymphodepletion", "infusion"
  int body = 0;              // field number in Event of the step that does it
  std::int64_t from_us = 0;  // aimed at from, until
  std::int64_t to_us = 0;
  std::int64_t latest_us = 0;  // of an infusion whose lymphodepletion began: R20; else 0
};

// `ScheduleOf` reckons with the numbers of `profile` (null: the defaults): a course of 3 days,
// which begins on the day after the product's delivery, planned or done, and the infusion on the
// days after its last dose that the profile aims at (1 to 2). Empty for a therapy that is over.
// Deterministic.
std::vector<PlannedStep> ScheduleOf(const pb::TherapyState& state, const pb::Profile* profile);

// `CourseDays` are the days of one course of lymphodepletion, by `profile` (null, or it says
// nothing: 3).
std::uint32_t CourseDays(const pb::Profile* profile);

// `VeinToVein` is the clock from the end of the first collection that did not fail to the first
// infusion, in microseconds.
struct VeinToVein {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;  // 0: it runs
};
// `VeinToVeinOf` is a therapy's; nullopt before a collection, and for one that is over without an
// infusion.
std::optional<VeinToVein> VeinToVeinOf(const pb::TherapyState& state);

// `ScheduleBefore` is the schedule as it was before `move`, of which the dates it changed are put
// back: what a change of the slot moves is the difference.
std::vector<PlannedStep> ScheduleBefore(const pb::TherapyState& state, const pb::SlotMove& move,
                                        const pb::Profile* profile);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_SCHEDULE_H_
