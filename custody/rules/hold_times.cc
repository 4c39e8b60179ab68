// How old collected cells may become: fresh ones until they are processed or frozen (R09), frozen
// ones until a batch is opened (R10). The batch is a fact, whatever its cells: too old is a
// critical deviation, and nothing is released before quality has decided on it.
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

std::int64_t Hours(std::uint32_t hours) { return hours * kMicrosPerHour; }

void JudgeFresh(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Donation& donation,
                const char* step) {
  const pb::FreshHold hold = c.profile == nullptr ? pb::FreshHold() : c.profile->fresh_hold();
  const std::uint32_t target = Tightened(Defaults::kFreshTargetHours, hold.target_hours());
  const std::uint32_t soft = Tightened(Defaults::kFreshSoftHours, hold.soft_hours());
  const std::uint32_t hard = Tightened(Defaults::kFreshHardHours, hold.hard_hours());
  const std::int64_t age = At(c) - donation.ended_us();
  const auto words = [&](std::uint32_t hours, const char* next) {
    return Words{std::string(step) + " at most " + std::to_string(hours) +
                     " h after the end of the collection",
                 HoursText(age), next, donation.din()};
  };
  if (donation.ended_us() == 0 || age < -kSkew) {
    Gate(c, rule, v,
         {"the end of the collection recorded, before " + std::string(step),
          donation.ended_us() == 0 ? "none" : "a later one",
          "record or correct APHERESIS_COMPLETED; quality decides whether the cells are fit",
          donation.din()});
  } else if (age > Hours(hard)) {
    Gate(c, rule, v, words(hard, "quality of the manufacturer decides whether the cells are fit"));
  } else if (age > Hours(soft)) {
    Deviation(c, rule, v, words(soft, "quality of the manufacturer judges it"), false);
  } else if (age > Hours(target)) {
    Note(c, rule, v, words(target, "an aim only"));
  }
}

void JudgeFrozen(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Donation& donation) {
  const std::uint32_t months = FrozenMonths(c.profile);
  const StatusOr<std::int64_t> frozen =
      CalendarDay(Instant{donation.frozen_us()}, c.therapy.zone());
  const StatusOr<std::int64_t> now = CalendarDay(Instant{At(c)}, c.therapy.zone());
  // Without the site's zone a day more or less does not matter in months.
  const std::int64_t from = frozen.ok() ? *frozen : donation.frozen_us() / kMicrosPerDay;
  const std::int64_t to = now.ok() ? *now : At(c) / kMicrosPerDay;
  if (to <= AddMonths(from, months)) return;
  Gate(c, rule, v,
       {"cells frozen at most " + std::to_string(months) + " months ago",
        "frozen " + Local(c, donation.frozen_us()),
        "quality of the manufacturer decides whether the cells are fit", donation.din()});
}

}  // namespace

void FreshInTime(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_apheresis_cryopreserved()) {
    const pb::Donation* donation =
        FindDonation(c.therapy, c.effective.apheresis_cryopreserved().din());
    if (donation != nullptr) JudgeFresh(c, rule, v, *donation, "frozen");
    return;
  }
  for (const std::string& din : c.effective.batch_opened().donations()) {
    const pb::Donation* donation = FindDonation(c.therapy, din);
    if (donation == nullptr || donation->frozen()) continue;  // F8a says so; R10
    if (!donation->lot().empty()) continue;                   // processed before, and judged then
    JudgeFresh(c, rule, v, *donation, "processing started");
  }
}

void FrozenInTime(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& din : c.effective.batch_opened().donations()) {
    const pb::Donation* donation = FindDonation(c.therapy, din);
    if (donation != nullptr && donation->frozen()) JudgeFrozen(c, rule, v, *donation);
  }
}

}  // namespace custody::rules
