#include "custody/profile.h"

#include <algorithm>

#include "custody/state.h"

namespace custody {

const pb::Profile* ProfileFor(const Registry& registry, const pb::TherapyState& state,
                              const pb::Event& event) {
  if (event.body_case() == pb::Event::kTherapyOrdered) {
    return registry.FindProfile(event.therapy_ordered().profile());
  }
  if (!state.profile().empty()) return registry.FindProfile(state.profile());
  return registry.FindProfile(kGeneralProfile);
}

std::string ProfileName(const pb::Profile& profile) {
  return profile.name() + "/" + std::to_string(profile.version());
}

std::uint32_t LdMaxDays(const pb::Profile* profile) {
  if (profile == nullptr || profile->ld().max_days() == 0) return Defaults::kLdMaxDays;
  const bool labelled = !profile->ld().label_source().empty();
  return labelled ? profile->ld().max_days()
                  : Tightened(Defaults::kLdMaxDays, profile->ld().max_days());
}

std::uint32_t FrozenMonths(const pb::Profile* profile) {
  const pb::FrozenHold hold = profile == nullptr ? pb::FrozenHold() : profile->frozen_hold();
  if (hold.max_months() != 0 && !hold.label_source().empty()) return hold.max_months();
  return Tightened(Defaults::kFrozenMonths, hold.max_months());
}

std::uint32_t WaiverWbcDays(const pb::Profile* profile) {
  const std::uint32_t stated = profile == nullptr ? 0 : profile->ld().waiver_wbc_days();
  return Tightened(Defaults::kWaiverWbcDays, stated);
}

double WaiverWbcMost(const pb::Profile* profile) {
  const bool stated = profile != nullptr && profile->ld().has_waiver_wbc_max();
  return stated ? std::min(profile->ld().waiver_wbc_max(), Defaults::kWaiverWbcMax)
                : Defaults::kWaiverWbcMax;
}

std::int64_t DoubtDue(const pb::TherapyState& state, const pb::Profile* profile,
                      const pb::Quarantine& quarantine) {
  if (!quarantine.open() || quarantine.kind() != pb::QUARANTINED_IDENTITY) return 0;
  const bool thawed = std::ranges::any_of(quarantine.containers(), [&](const std::string& id) {
    const pb::Container* container = FindContainer(state, id);
    return container != nullptr && container->thaw_started_us() != 0 &&
           !IsTerminal(container->state());
  });
  if (!thawed) return 0;
  const std::uint32_t stated = profile == nullptr ? 0 : profile->validity().qa_on_call();
  return quarantine.since_us() + Tightened(Defaults::kQaOnCallMinutes, stated) * kMicrosPerMinute;
}

const pb::ReleaseTest* FindTest(const pb::Profile* profile, std::string_view test) {
  if (profile == nullptr) return nullptr;
  for (const pb::ReleaseTest& t : profile->release_tests()) {
    if (t.test() == test) return &t;
  }
  return nullptr;
}

bool IsWithin(const pb::ReleaseTest& test, double value) {
  if (test.has_min() && value < test.min()) return false;
  if (test.has_less_than() && value >= test.less_than()) return false;
  return !test.has_max() || value <= test.max();
}

bool TestPasses(const pb::QcResult& result, const pb::Profile* profile) {
  const pb::ReleaseTest* test = FindTest(profile, result.test());
  const bool negative_to_date = result.outcome() == pb::OUTCOME_NEGATIVE_TO_DATE;
  if (result.outcome() != pb::OUTCOME_PASS && !negative_to_date) return false;
  if (test == nullptr) return !negative_to_date;
  if (negative_to_date && !test->optional_at_release()) return false;
  const bool limited = test->has_min() || test->has_max() || test->has_less_than();
  if (!limited) return true;
  return result.has_value() && result.unit() == test->unit() && IsWithin(*test, result.value());
}

std::int64_t FinalDue(const pb::QcResult& result, const pb::Profile* profile) {
  const bool follows = result.outcome() == pb::OUTCOME_NEGATIVE_TO_DATE || result.final() == pb::NO;
  if (!follows) return 0;
  const pb::ReleaseTest* test = FindTest(profile, result.test());
  const std::uint32_t stated = test == nullptr ? 0 : test->final_days();
  const std::uint32_t days = stated == 0 ? Defaults::kFinalDays : stated;
  return Micros(result.tested_at()) + days * kMicrosPerDay;
}

bool TestFails(const pb::QcResult& result, const pb::Profile* profile) {
  const bool said = result.outcome() == pb::OUTCOME_PASS || result.outcome() == pb::OUTCOME_FAIL;
  return said && !TestPasses(result, profile);
}

const pb::TemperatureLimit* LimitFor(const pb::Profile* profile, pb::ThermalLoad load) {
  static const pb::TemperatureLimit kFrozen = [] {
    pb::TemperatureLimit limit;
    limit.set_max_c(Defaults::kFrozenMaxC);
    limit.set_warning_margin_c(Defaults::kFrozenWarningC);
    limit.set_settling_minutes(Defaults::kFrozenSettlingMinutes);
    limit.set_gap_minutes(Defaults::kGapMinutes);
    return limit;
  }();
  for (const pb::TemperatureLimit& limit : profile == nullptr
                                               ? pb::Profile::default_instance().temperatures()
                                               : profile->temperatures()) {
    if (limit.load() == load) return &limit;
  }
  return load == pb::FRESH_APHERESIS ? nullptr : &kFrozen;
}

pb::ThermalLoad LoadOf(const pb::Shipment& shipment) {
  if (shipment.product()) return pb::FROZEN_PRODUCT;
  return shipment.cryogenic() ? pb::FROZEN_APHERESIS : pb::FRESH_APHERESIS;
}

pb::ThermalLoad LoadOf(const pb::Container& container, std::int64_t from_us) {
  if (container.material() == pb::DRUG_PRODUCT) return pb::FROZEN_PRODUCT;
  const bool frozen = container.frozen_us() != 0 && container.frozen_us() <= from_us;
  return frozen ? pb::FROZEN_APHERESIS : pb::FRESH_APHERESIS;
}

bool IsLastRelease(const pb::Profile* profile, std::string_view release) {
  if (profile == nullptr || profile->releases().empty()) return release == "RELEASED";
  return *profile->releases().rbegin() == release;
}

}  // namespace custody
