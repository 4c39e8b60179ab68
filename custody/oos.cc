#include "custody/oos.h"

#include <algorithm>

namespace custody {

std::span<const std::string_view> OosLinks() {
  static constexpr std::string_view kLinks[] = {kOosDetected, kOosRequested, kOosRiskAssessed,
                                                kOosAccepted, kOosAuthorised};
  return kLinks;
}

std::vector<std::string> MissingOosLinks(const pb::Lot& lot, std::string_view link) {
  std::vector<std::string> missing;
  for (const std::string_view before : OosLinks()) {
    if (before == link) break;
    const bool there = std::ranges::find(lot.oos(), before) != lot.oos().end();
    if (!there) missing.emplace_back(before);
  }
  return missing;
}

}  // namespace custody
