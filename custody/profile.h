// Which numbers judge an event, and the process defaults a profile may tighten.
#ifndef CUSTODY_CUSTODY_PROFILE_H_
#define CUSTODY_CUSTODY_PROFILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

// Process defaults. A profile may tighten them, never widen (but for R10 and R20 with a named
// source).
struct Defaults {
  static constexpr std::uint32_t kPresenceMinutes = 10;        // R04
  static constexpr std::uint32_t kBedsidePassMinutes = 15;     // R26
  static constexpr std::uint32_t kPreinfusionMinutes = 240;    // R35
  static constexpr std::uint32_t kBaselineMinutes = 60;        // R39
  static constexpr std::uint32_t kWardMinutes = 60;            // row 33a
  static constexpr std::uint32_t kLabelMinutes = 10;           // row 10
  static constexpr std::uint32_t kTimeOutVitalsMinutes = 30;   // row 35
  static constexpr std::uint32_t kOutMinutes = 5;              // row 33
  static constexpr std::uint32_t kQaOnCallMinutes = 15;        // F8b
  static constexpr std::uint32_t kLdMaxDays = 7;               // R20
  static constexpr std::uint32_t kLdMinDays = 1;               // R21
  static constexpr std::uint32_t kWaiverWbcDays = 7;           // R20
  static constexpr std::uint32_t kGapMinutes = 60;             // R13
  static constexpr double kFrozenMaxC = -120;                  // R13, vapour of liquid nitrogen
  static constexpr double kFrozenWarningC = 10;                // R13
  static constexpr std::uint32_t kFrozenSettlingMinutes = 30;  // R13, a dry shipper
  static constexpr double kDoseTolerancePercent = 20;          // R24, around a target alone
  static constexpr double kWeightChangePercent = 10;           // R24
  static constexpr double kWaiverWbcMax = 1;                   // R20, 10^9/L
  static constexpr std::uint32_t kVisitWindowDays = 30;        // R30
  static constexpr std::int64_t kAttestHours = 24;             // ATTEST, and verbal overrides
  static constexpr std::uint32_t kFreshTargetHours = 36;       // R09
  static constexpr std::uint32_t kFreshSoftHours = 48;         // R09
  static constexpr std::uint32_t kFreshHardHours = 72;         // R09
  static constexpr std::uint32_t kFrozenMonths = 18;           // R10
  static constexpr std::uint32_t kShipperHoldHours = 240;      // R12
  static constexpr std::uint32_t kPlannedPercent = 50;         // R12, of the qualified hold
  static constexpr std::uint32_t kHoldLeadHours = 24;          // F10: in a day nitrogen can come
  static constexpr std::uint32_t kGapIntervals = 3;            // R14
  static constexpr std::uint32_t kMarrowDays = 7;              // R32
  static constexpr double kPlannedTolerancePercent = 10;       // R32, R33: as planned
  static constexpr std::uint32_t kCollections = 3;             // F3
  static constexpr double kVolumePercent = 10;                 // VOLUME
  static constexpr double kVolumeMl = 2;                       // VOLUME, the larger of both
  static constexpr std::uint32_t kRetainYears = 30;            // R31
  static constexpr std::uint32_t kReleaseAlertDays = 28;       // R42
  static constexpr std::uint32_t kFinalDays = 14;              // classic sterility culture
};

// `ProfileFor` is the profile whose numbers judge `event`: the one a THERAPY_ORDERED names for
// itself, else the one the therapy's order named, else the general template; null when none is
// published.
const pb::Profile* ProfileFor(const Registry& registry, const pb::TherapyState& state,
                              const pb::Event& event);
// `ProfileName` is "NAME/VERSION".
std::string ProfileName(const pb::Profile& profile);

// `Tightened` is the smaller of a default and what a profile says (0: nothing).
constexpr std::uint32_t Tightened(std::uint32_t fallback, std::uint32_t stated) {
  return stated == 0 || stated > fallback ? fallback : stated;
}
// `LdMaxDays` is R20's limit: more than the default only with a named label source.
std::uint32_t LdMaxDays(const pb::Profile* profile);
// `FrozenMonths` is R10's limit: more than the default only with a named source.
std::uint32_t FrozenMonths(const pb::Profile* profile);
// `WaiverWbcDays` is R20's limit for the white cell count on which lymphodepletion is waived.
std::uint32_t WaiverWbcDays(const pb::Profile* profile);
// `WaiverWbcMost` is R20's limit for that count, in 10^9/L.
double WaiverWbcMost(const pb::Profile* profile);

// `DoubtDue` is when quality must have answered a doubt about the identity of something that is
// thawed (F8b); 0 for any other quarantine.
std::int64_t DoubtDue(const pb::TherapyState& state, const pb::Profile* profile,
                      const pb::Quarantine& quarantine);

// `FindTest` is what a profile asks of a test; null when it does not name it.
const pb::ReleaseTest* FindTest(const pb::Profile* profile, std::string_view test);
// `IsWithin` says whether a value lies within a test's limits; `TestPasses` judges a result by its
// outcome and by the profile's numbers.
bool IsWithin(const pb::ReleaseTest& test, double value);
bool TestPasses(const pb::QcResult& result, const pb::Profile* profile);
// `FinalDue` is when the final result is due of a test that passed negative to date; 0 for a result
// that is final.
std::int64_t FinalDue(const pb::QcResult& result, const pb::Profile* profile);
// `TestFails` says whether a result that says how it ended does not pass; one that is still open
// neither passes nor fails.
bool TestFails(const pb::QcResult& result, const pb::Profile* profile);
// `LimitFor` is the temperature limit of a load: the profile's; where it states none, that of the
// process for what is frozen, and null for the rest.
const pb::TemperatureLimit* LimitFor(const pb::Profile* profile, pb::ThermalLoad load);
// `LoadOf` is what a shipment's limits are for; or those of a container that lies somewhere since
// `from_us`.
pb::ThermalLoad LoadOf(const pb::Shipment& shipment);
pb::ThermalLoad LoadOf(const pb::Container& container, std::int64_t from_us);
// `IsLastRelease` says whether `release` ("RELEASED", "QP_CERTIFICATION") completes the releases
// that `profile` lists (none listed: RELEASED alone).
bool IsLastRelease(const pb::Profile* profile, std::string_view release);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_PROFILE_H_
