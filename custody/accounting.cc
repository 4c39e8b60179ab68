#include "custody/accounting.h"

#include <algorithm>

#include "custody/profile.h"
#include "custody/time.h"

namespace custody {
namespace {

double TightenedBy(double fallback, double stated) {
  return stated > 0 ? std::min(fallback, stated) : fallback;
}

}  // namespace

bool IsGiven(pb::ContainerState state) {
  return state == pb::CONTAINER_INFUSED || state == pb::CONTAINER_INFUSED_PARTIAL;
}

bool HasAccounts(const pb::Container& container) {
  return container.volume_ml() > 0 && container.material() != pb::STARTING_MATERIAL;
}

double LeftIn(const pb::Container& container) {
  return container.volume_ml() - container.infused_ml() - container.sampled_ml() -
         container.retained_ml() - container.derived_ml() - container.destroyed_ml() -
         container.lost_ml();
}

bool IsPartlyUsed(const pb::Container& container) {
  return container.state() == pb::CONTAINER_INFUSED_PARTIAL || container.infused_ml() > 0 ||
         container.sampled_ml() > 0 || container.retained_ml() > 0 || container.derived_ml() > 0 ||
         container.lost_ml() > 0;
}

double VolumeSlack(const pb::Profile* profile, const pb::Container& container) {
  const pb::Profile& stated = profile == nullptr ? pb::Profile::default_instance() : *profile;
  const double percent = TightenedBy(Defaults::kVolumePercent, stated.volume_tolerance_percent());
  return std::max(container.volume_ml() * percent / 100,
                  TightenedBy(Defaults::kVolumeMl, stated.volume_tolerance_ml()));
}

std::optional<double> OpenResidue(const pb::Profile* profile, const pb::Container& container) {
  if (!IsGiven(container.state()) || !HasAccounts(container)) return std::nullopt;
  const double left = LeftIn(container);
  if (left <= VolumeSlack(profile, container)) return std::nullopt;
  return left;
}

std::int64_t RetainUntil(std::int64_t expiry_us, std::string_view zone) {
  constexpr std::uint32_t kMonths = Defaults::kRetainYears * 12;
  const StatusOr<std::int64_t> here = CalendarDay(Instant{expiry_us}, zone);
  const std::string_view of = here.ok() ? zone : "UTC";
  const StatusOr<std::int64_t> day = here.ok() ? here : CalendarDay(Instant{expiry_us}, of);
  if (day.ok()) {
    const StatusOr<Instant> end = EndOfDay(AddMonths(*day, kMonths), of);
    if (end.ok()) return end->micros;
  }
  constexpr std::int64_t kDays = 366 * std::int64_t{Defaults::kRetainYears};
  return expiry_us + kDays * kMicrosPerDay;
}

}  // namespace custody
