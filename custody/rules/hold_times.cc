// How old collected cells may become: fresh ones until they are processed or frozen (R09), frozen
// ones until a batch is opened (R10). Too old, the batch is not opened unless quality grants it;
// that they were frozen too late is a fact, and a critical deviation. And until when product may be
// dated (R16).
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/usable.h"

namespace custody::rules {
namespace {

std::int64_t Hours(std::uint32_t hours) { return hours * kMicrosPerHour; }

void JudgeFresh(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Donation& donation,
                std::int64_t at, const char* step) {
  const pb::FreshHold hold = FreshHoldOf(c.profile);
  const std::int64_t age = at - donation.ended_us();
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
  } else if (age > Hours(hold.hard_hours())) {
    Gate(c, rule, v,
         words(hold.hard_hours(), "quality of the manufacturer decides whether the cells are fit"));
  } else if (age > Hours(hold.soft_hours())) {
    Deviation(c, rule, v, words(hold.soft_hours(), "quality of the manufacturer judges it"), false);
  } else if (age > Hours(hold.target_hours())) {
    Note(c, rule, v, words(hold.target_hours(), "an aim only"));
  }
}

void JudgeFrozen(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& din,
                 std::int64_t frozen_us) {
  const std::uint32_t months = FrozenMonths(c.profile);
  const StatusOr<std::int64_t> frozen = CalendarDay(Instant{frozen_us}, c.therapy.zone());
  const StatusOr<std::int64_t> now = CalendarDay(Instant{At(c)}, c.therapy.zone());
  // Without the site's zone a day more or less does not matter in months.
  const std::int64_t from = frozen.ok() ? *frozen : frozen_us / kMicrosPerDay;
  const std::int64_t to = now.ok() ? *now : At(c) / kMicrosPerDay;
  if (to <= AddMonths(from, months)) return;
  Gate(c, rule, v,
       {"cells frozen at most " + std::to_string(months) + " months ago",
        "frozen " + Local(c, frozen_us),
        "quality of the manufacturer decides whether the cells are fit", din});
}

}  // namespace

// Counted in calendar days where the label is issued. That the lot was frozen at all asks R46.
void NeedShelfLife(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const std::uint32_t months = c.profile == nullptr ? 0 : c.profile->shelf_life().months();
  if (months == 0 || lot.frozen_us() == 0) return;
  const auto judge = [&](const auto& body) {
    const std::string& zone = body.expiry_time_zone();
    const std::int64_t stated = ExpiryOf(body.expires_at(), zone, body.expiry_date_only());
    const auto day = [&](std::int64_t at) {
      const StatusOr<std::int64_t> known = CalendarDay(Instant{at}, zone);
      return known.ok() ? *known : at / kMicrosPerDay;
    };
    if (day(stated) <= AddMonths(day(lot.frozen_us()), months)) return;
    Gate(c, rule, v,
         {"an expiry at most " + std::to_string(months) + " months after the lot was frozen, " +
              Local(c, lot.frozen_us()),
          Local(c, stated),
          "compare it with the label, and state that date; only the exceptional release dates "
          "product later: RELEASED_OOS",
          lot.lot()});
  };
  if (c.effective.has_released()) judge(c.effective.released());
  if (c.effective.has_qp_certification()) judge(c.effective.qp_certification());
}

void FreshInTime(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto judge = [&](std::string_view din, std::int64_t at, const char* step) {
    const pb::Donation* donation = FindDonation(c.therapy, din);
    if (donation != nullptr) JudgeFresh(c, rule, v, *donation, at, step);  // else F8a says so
  };
  if (c.effective.has_apheresis_cryopreserved()) {
    return judge(c.effective.apheresis_cryopreserved().din(), At(c), "frozen");
  }
  if (c.effective.stored().has_frozen_at()) {
    const std::int64_t at = Micros(c.effective.stored().frozen_at());
    for (const pb::ContainerPosition& stored : c.effective.stored().containers()) {
      const pb::Container* bag = FindContainer(c.therapy, stored.container());
      const bool cells =
          bag != nullptr && bag->material() == pb::STARTING_MATERIAL && !bag->plasma();
      if (cells && bag->frozen_us() == 0) judge(bag->din(), at, "frozen");
    }
    return;
  }
  for (const std::string& din : c.effective.batch_opened().donations()) {
    const auto fresh = [](const pb::Container* bag) {
      // What was processed before was judged then.
      return bag->frozen_us() == 0 && bag->used_in().empty() && !bag->plasma();
    };
    if (std::ranges::any_of(CellsFor(c, din), fresh)) judge(din, At(c), "processing started");
  }
}

void FrozenInTime(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& din : c.effective.batch_opened().donations()) {
    std::int64_t oldest = 0;
    for (const pb::Container* bag : CellsFor(c, din)) {
      if (bag->frozen_us() == 0 || bag->plasma()) continue;
      oldest = oldest == 0 ? bag->frozen_us() : std::min(oldest, bag->frozen_us());
    }
    if (oldest != 0) JudgeFrozen(c, rule, v, din, oldest);
  }
}

}  // namespace custody::rules
