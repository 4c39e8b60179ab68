// Summaries of loggers' files.
//
// The mean kinetic temperature is a mean of exponentials, and no two mathematical libraries need
// agree on their last digit. So it is reckoned in integers, by the steps that FORMATS.md section 14
// writes down: equal on every machine and in every language that has long integers. Every reading
// weighs exp(10000 K/T_warmest - 10000 K/T), in units of 2^-60; the result is the first hundredth
// of a degree, from the coldest reading up, whose upper half-step weighs as much as the mean does.
#include "custody/telemetry.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "custody/event.h"
#include "custody/profile.h"
#include "custody/state.h"
#include "custody/trace.h"

namespace custody {
namespace {

__extension__ using U128 = unsigned __int128;

constexpr U128 kOne = U128{1} << 60;
constexpr std::int32_t kZeroCelsius = 27'315;  // in 0.01 K

// 2^60 exp(1,000,000 / A - 2,000,000 / h), rounded down step by step: the weight of h half
// hundredths of a kelvin where A hundredths are the warmest. REQUIRES: 0 < h <= 2A.
U128 Weight(std::uint32_t half_steps, std::uint32_t warmest) {
  constexpr int kHalvings = 6;
  constexpr U128 kNothing = 42 * kOne;  // exp(-42) is less than 2^-60
  const U128 below = U128{2} * warmest - half_steps;
  U128 x = U128{1'000'000} * kOne * below / (U128{half_steps} * warmest);
  if (x >= kNothing) return 0;
  x >>= kHalvings;
  U128 y = kOne;
  for (unsigned j = 20; j >= 1; --j) y = kOne - ((x * y) >> 60) / j;
  for (int i = 0; i < kHalvings; ++i) y = (y * y) >> 60;
  return y;
}

constexpr std::int64_t kMicrosPerMs = 1000;

google::protobuf::Timestamp At(std::int64_t ms) { return ToProto(Instant{ms * kMicrosPerMs}); }

std::string CentiText(std::int64_t centi) {
  char text[32];
  const std::int64_t size = std::abs(centi);
  std::snprintf(text, sizeof text, "%s%lld.%02lld C", centi < 0 ? "-" : "",
                static_cast<long long>(size / 100), static_cast<long long>(size % 100));
  return text;
}

// Keeps the longest, of equal ones the earlier, in the order of time; says how many there were when
// not all are left.
template <class Stretch>
std::uint32_t KeepLongest(google::protobuf::RepeatedPtrField<Stretch>& list) {
  const auto count = static_cast<std::size_t>(list.size());
  if (count <= kMaxListedStretches) return 0;
  std::vector<std::pair<std::uint64_t, int>> longest;
  longest.reserve(count);
  for (int i = 0; i < list.size(); ++i) longest.emplace_back(list[i].duration_ms(), -i);
  std::ranges::sort(longest, std::greater<>());
  longest.resize(kMaxListedStretches);
  std::ranges::sort(longest, std::greater<>(), &std::pair<std::uint64_t, int>::second);
  google::protobuf::RepeatedPtrField<Stretch> kept;
  for (const auto& [duration, place] : longest) kept.Add()->Swap(&list[-place]);
  list.Swap(&kept);
  return static_cast<std::uint32_t>(count);
}

template <class Stretch>
std::int64_t Unlisted(const google::protobuf::RepeatedPtrField<Stretch>& listed,
                      std::uint32_t count) {
  if (count <= static_cast<std::uint32_t>(listed.size())) return 0;
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  for (const Stretch& stretch : listed) {
    shortest = std::min(shortest, static_cast<std::int64_t>(stretch.duration_ms()));
  }
  return shortest;
}

void FindGaps(const LoggerFile& file, pb::TelemetryBatch& batch) {
  batch.clear_gaps();
  const std::int64_t most = std::int64_t{3} * file.interval_ms;
  for (std::size_t i = 1; i < file.readings.size(); ++i) {
    const std::int64_t from = file.readings[i - 1].at_ms;
    const std::int64_t step = file.readings[i].at_ms - from;
    if (step <= most) continue;
    pb::TelemetryGap& gap = *batch.add_gaps();
    *gap.mutable_from() = At(from);
    gap.set_duration_ms(static_cast<std::uint64_t>(step));
  }
  batch.set_gap_count(KeepLongest(*batch.mutable_gaps()));
}

// A reading stands until the next one, the last for one interval.
void FindExcursions(const LoggerFile& file, pb::TelemetryBatch& batch) {
  batch.clear_excursions();
  const SummaryLimits limits = StatedLimits(batch);
  pb::TelemetryExcursion* stretch = nullptr;
  int side = 0;  // -1 below, 1 above
  std::int64_t from = 0;
  const auto end = [&](std::int64_t at) {
    if (stretch != nullptr) stretch->set_duration_ms(static_cast<std::uint64_t>(at - from));
    stretch = nullptr;
  };
  for (const LoggerReading& reading : file.readings) {
    const bool above = limits.upper && reading.centi_c > *limits.upper;
    const bool below = limits.lower && reading.centi_c < *limits.lower;
    const int now = above ? 1 : below ? -1 : 0;
    if (now != side) end(reading.at_ms);
    if (now != 0 && stretch == nullptr) {
      from = reading.at_ms;
      stretch = batch.add_excursions();
      *stretch->mutable_from() = At(from);
      stretch->set_extreme_temperature_centi_c(reading.centi_c);
      stretch->set_limit_temperature_centi_c(above ? *limits.upper : *limits.lower);
      stretch->set_channel(pb::CHANNEL_INNER);
    }
    side = now;
    if (stretch == nullptr) continue;
    const std::int32_t extreme = stretch->extreme_temperature_centi_c();
    stretch->set_extreme_temperature_centi_c(above ? std::max(extreme, reading.centi_c)
                                                   : std::min(extreme, reading.centi_c));
  }
  end(file.readings.back().at_ms + file.interval_ms);
  batch.set_excursion_count(KeepLongest(*batch.mutable_excursions()));
}

const google::protobuf::FieldDescriptor& Field(const char* name) {
  return *pb::TelemetryBatch::descriptor()->FindFieldByName(name);
}

// Scalars of a summary; lists and limits are looked at apart.
constexpr const char* kNumbers[] = {"readings",
                                    "interval_ms",
                                    "min_temperature_centi_c",
                                    "max_temperature_centi_c",
                                    "mkt_temperature_centi_c",
                                    "min_ambient_centi_c",
                                    "max_ambient_centi_c",
                                    "max_tilt_deg",
                                    "max_shock_centi_g",
                                    "battery_percent"};

bool Has(const pb::TelemetryBatch& batch, const google::protobuf::FieldDescriptor& field) {
  return batch.GetReflection()->HasField(batch, &field);
}

std::string NumberText(const pb::TelemetryBatch& batch,
                       const google::protobuf::FieldDescriptor& field) {
  if (!Has(batch, field)) return "nothing";
  const google::protobuf::Reflection& look = *batch.GetReflection();
  if (field.cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT32) {
    return CentiText(look.GetInt32(batch, &field));
  }
  const std::string& unit = RuleOfField(field).unit();
  return std::to_string(look.GetUInt32(batch, &field)) + (unit.empty() ? "" : " " + unit);
}

std::string TimeText(const google::protobuf::Timestamp& at) { return FormatUtc(FromProto(at)); }

std::string StretchText(const pb::TelemetryGap& gap) {
  return "from " + TimeText(gap.from()) + " for " + std::to_string(gap.duration_ms()) + " ms";
}
std::string StretchText(const pb::TelemetryExcursion& stretch) {
  return "from " + TimeText(stretch.from()) + " for " + std::to_string(stretch.duration_ms()) +
         " ms to " + CentiText(stretch.extreme_temperature_centi_c()) + ", beyond " +
         CentiText(stretch.limit_temperature_centi_c()) + ", " +
         pb::TelemetryChannel_Name(stretch.channel());
}

// The first in which two lists differ, and in all how many there are.
template <class List>
void CompareLists(const std::string& label, const List& given, std::uint32_t given_count,
                  const List& stated, std::uint32_t stated_count,
                  std::vector<SummaryFault>& faults) {
  const auto text = [](const List& list, int i) {
    return i < list.size() ? StretchText(list[i]) : std::string("none");
  };
  for (int i = 0; i < std::max(given.size(), stated.size()); ++i) {
    const bool same = i < given.size() && i < stated.size() &&
                      given[i].SerializeAsString() == stated[i].SerializeAsString();
    if (same) continue;
    faults.push_back(
        {label + ", number " + std::to_string(i + 1), text(given, i), text(stated, i)});
    break;
  }
  if (given_count == stated_count) return;
  const auto all = [](std::uint32_t count) {
    return count == 0 ? std::string("no more than are listed") : std::to_string(count);
  };
  faults.push_back({label + " in all", all(given_count), all(stated_count)});
}

}  // namespace

SummaryLimits LimitsOf(const pb::TemperatureLimit* limit) {
  SummaryLimits limits;
  if (limit == nullptr) return limits;
  const auto centi = [](double celsius) {
    return static_cast<std::int32_t>(std::llround(celsius * 100));
  };
  if (limit->has_min_c()) limits.lower = centi(limit->min_c());
  if (limit->has_max_c()) limits.upper = centi(limit->max_c());
  return limits;
}

SummaryLimits StatedLimits(const pb::TelemetryBatch& batch) {
  SummaryLimits limits;
  if (batch.has_lower_limit_centi_c()) limits.lower = batch.lower_limit_centi_c();
  if (batch.has_upper_limit_centi_c()) limits.upper = batch.upper_limit_centi_c();
  return limits;
}

std::string LimitsText(const SummaryLimits& limits) {
  if (limits.lower && limits.upper) {
    return CentiText(*limits.lower) + " to " + CentiText(*limits.upper);
  }
  if (limits.upper) return CentiText(*limits.upper) + " at most";
  return limits.lower ? CentiText(*limits.lower) + " at least" : "no limit";
}

const pb::Shipment* ShipmentOf(const pb::TherapyState& state, const pb::TelemetryBatch& batch) {
  for (const std::string* name : {&batch.shipment(), &batch.shipper(), &batch.logger()}) {
    if (const pb::Shipment* shipment = LastShipment(state, *name)) return shipment;
  }
  return nullptr;
}

std::vector<Watched> WatchedBy(const pb::TherapyState& state, const pb::TelemetryBatch& batch) {
  std::vector<Watched> watched;
  if (batch.storage_unit().empty() || ShipmentOf(state, batch) != nullptr) return watched;
  const std::int64_t from = Micros(batch.from());
  const std::int64_t to = Micros(batch.to());
  for (const pb::Container& container : state.containers()) {
    if (container.material() == pb::SAMPLE_MATERIAL) continue;
    if (container.plasma()) continue;  // no profile says how cold it is kept
    for (const pb::Stay& stay : container.stays()) {
      if (!LiesIn(stay, batch.storage_unit())) continue;
      const std::int64_t begins = std::max(from, stay.from_us());
      const std::int64_t ends = stay.to_us() == 0 ? to : std::min(to, stay.to_us());
      if (begins >= ends) continue;
      watched.push_back({&container, begins, ends, LoadOf(container, stay.from_us())});
    }
  }
  return watched;
}

const pb::TemperatureLimit* LimitOfFile(const pb::TherapyState& state, const pb::Profile* profile,
                                        const pb::TelemetryBatch& batch) {
  if (const pb::Shipment* shipment = ShipmentOf(state, batch)) {
    return LimitFor(profile, LoadOf(*shipment));
  }
  const pb::TemperatureLimit* coldest = nullptr;
  for (const Watched& watched : WatchedBy(state, batch)) {
    const pb::TemperatureLimit* limit = LimitFor(profile, watched.load);
    if (limit == nullptr) continue;
    if (coldest == nullptr || limit->max_c() < coldest->max_c()) coldest = limit;
  }
  return coldest;
}

std::int64_t LongestUnlistedMs(const google::protobuf::RepeatedPtrField<pb::TelemetryGap>& listed,
                               std::uint32_t count) {
  return Unlisted(listed, count);
}
std::int64_t LongestUnlistedMs(
    const google::protobuf::RepeatedPtrField<pb::TelemetryExcursion>& listed, std::uint32_t count) {
  return Unlisted(listed, count);
}

std::int32_t MeanKinetic(std::span<const LoggerReading> readings) {
  const auto [coldest, warmest] = std::ranges::minmax(readings, {}, &LoggerReading::centi_c);
  const auto kelvin = [](std::int32_t centi) {
    return static_cast<std::uint32_t>(centi + kZeroCelsius);
  };
  const std::uint32_t least = kelvin(coldest.centi_c);
  const std::uint32_t most = kelvin(warmest.centi_c);
  std::vector<std::uint32_t> counts(most - least + 1);  // by temperature
  for (const LoggerReading& reading : readings) ++counts[kelvin(reading.centi_c) - least];
  U128 sum = 0;
  for (std::uint32_t a = least; a <= most; ++a) {
    if (counts[a - least] != 0) sum += counts[a - least] * Weight(2 * a, most);
  }
  std::uint32_t mean = least;
  while (mean < most && readings.size() * Weight(2 * mean + 1, most) < sum) ++mean;
  return static_cast<std::int32_t>(mean) - kZeroCelsius;
}

void Summarize(const LoggerFile& file, pb::TelemetryBatch& batch) {
  CUSTODY_CHECK(!file.readings.empty());
  batch.set_summary(pb::SUMMARY_RECKONED);
  *batch.mutable_from() = At(file.readings.front().at_ms);
  *batch.mutable_to() = At(file.readings.back().at_ms);
  batch.set_readings(static_cast<std::uint32_t>(file.readings.size()));
  batch.set_interval_ms(file.interval_ms);
  const auto [coldest, warmest] = std::ranges::minmax(file.readings, {}, &LoggerReading::centi_c);
  batch.set_min_temperature_centi_c(coldest.centi_c);
  batch.set_max_temperature_centi_c(warmest.centi_c);
  batch.set_mkt_temperature_centi_c(MeanKinetic(file.readings));
  batch.clear_min_ambient_centi_c();
  batch.clear_max_ambient_centi_c();
  batch.clear_max_tilt_deg();
  batch.clear_max_shock_centi_g();
  batch.clear_battery_percent();
  if (file.min_ambient_centi_c) batch.set_min_ambient_centi_c(*file.min_ambient_centi_c);
  if (file.max_ambient_centi_c) batch.set_max_ambient_centi_c(*file.max_ambient_centi_c);
  if (file.max_tilt_deg) batch.set_max_tilt_deg(*file.max_tilt_deg);
  if (file.max_shock_centi_g) batch.set_max_shock_centi_g(*file.max_shock_centi_g);
  if (file.battery_percent) batch.set_battery_percent(*file.battery_percent);
  FindGaps(file, batch);
  FindExcursions(file, batch);
}

bool IsSerialOf(std::string_view serial, std::string_view scanned) {
  constexpr std::size_t kTelling = 6;
  return scanned == serial || (serial.size() >= kTelling && scanned.ends_with(serial));
}

bool ComesFromFile(const google::protobuf::FieldDescriptor& field) {
  constexpr std::string_view kOfPeople[] = {
      "logger", "shipper", "shipment", "storage_unit", "calibration_until", "file", "complete"};
  return std::ranges::find(kOfPeople, field.name()) == std::end(kOfPeople);
}

Status FillSummary(const LoggerFile& file, const pb::TherapyState& state,
                   const pb::Profile* profile, pb::TelemetryBatch& batch) {
  if (batch.logger().empty()) return InvalidArgument("scan the logger that the file is of");
  if (!IsSerialOf(file.serial, batch.logger())) {
    return InvalidArgument("the file is of logger " + file.serial + ", the event of \"" +
                           batch.logger() + "\": scan the logger that the file was read from");
  }
  std::vector<const google::protobuf::FieldDescriptor*> given;
  batch.GetReflection()->ListFields(batch, &given);
  for (const google::protobuf::FieldDescriptor* field : given) {
    if (!ComesFromFile(*field)) continue;
    return InvalidArgument("\"" + RuleOfField(*field).label() +
                           "\" comes from the logger's file: leave it out");
  }
  // The unit's file is reckoned by what lay in it while it was read, so its span comes first.
  *batch.mutable_from() = At(file.readings.front().at_ms);
  *batch.mutable_to() = At(file.readings.back().at_ms);
  const SummaryLimits limits = LimitsOf(LimitOfFile(state, profile, batch));
  if (limits.lower) batch.set_lower_limit_centi_c(*limits.lower);
  if (limits.upper) batch.set_upper_limit_centi_c(*limits.upper);
  Summarize(file, batch);
  return Status();
}

std::vector<SummaryFault> CompareSummary(const pb::TelemetryBatch& stated, const LoggerFile& file) {
  std::vector<SummaryFault> faults;
  const bool typed = stated.summary() == pb::SUMMARY_TYPED;
  if (!IsSerialOf(file.serial, stated.logger())) {
    faults.push_back({RuleOfField(Field("logger")).label(), file.serial, stated.logger()});
  }
  pb::TelemetryBatch given = stated;
  Summarize(file, given);
  for (const auto& [name, theirs, ours] :
       {std::tuple{"from", &given.from(), &stated.from()}, {"to", &given.to(), &stated.to()}}) {
    if (theirs->SerializeAsString() == ours->SerializeAsString()) continue;
    faults.push_back({RuleOfField(Field(name)).label(), TimeText(*theirs), TimeText(*ours)});
  }
  for (const char* name : kNumbers) {
    const google::protobuf::FieldDescriptor& field = Field(name);
    if (typed && !Has(stated, field)) continue;
    const std::string theirs = NumberText(given, field);
    const std::string ours = NumberText(stated, field);
    if (theirs != ours) faults.push_back({RuleOfField(field).label(), theirs, ours});
  }
  CompareLists("Gaps", given.gaps(), given.gap_count(), stated.gaps(), stated.gap_count(), faults);
  if (typed) return faults;
  CompareLists("Excursions", given.excursions(), given.excursion_count(), stated.excursions(),
               stated.excursion_count(), faults);
  return faults;
}

}  // namespace custody
