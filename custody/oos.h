// The chain of an exceptional release (F6), as fold and rules share it.
#ifndef CUSTODY_CUSTODY_OOS_H_
#define CUSTODY_CUSTODY_OOS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// Its links, as Lot.oos names them; `OosLinks` are all of them in their order.
inline constexpr std::string_view kOosDetected = "DETECTED";
inline constexpr std::string_view kOosRequested = "REQUESTED";
inline constexpr std::string_view kOosRiskAssessed = "RISK_ASSESSED";
inline constexpr std::string_view kOosAccepted = "ACCEPTED";
inline constexpr std::string_view kOosAuthorised = "AUTHORISED";
std::span<const std::string_view> OosLinks();
// `MissingOosLinks` are those before `link` that a lot does not have; with an empty `link` all that
// it does not have.
std::vector<std::string> MissingOosLinks(const pb::Lot& lot, std::string_view link);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_OOS_H_
