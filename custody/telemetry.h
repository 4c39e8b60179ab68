// What a logger's file amounts to: the summary that a TELEMETRY_BATCH states of it, reckoned in
// integers by FORMATS.md section 14, so that every program reckons the same.
#ifndef CUSTODY_CUSTODY_TELEMETRY_H_
#define CUSTODY_CUSTODY_TELEMETRY_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/logger_file.h"
#include "custody/pb.h"

namespace custody {

// A summary lists at most so many gaps, and as many excursions: the longest.
inline constexpr std::size_t kMaxListedStretches = 200;

// What excursions are outside of, in 0.01 Cel; absent: no limit on that side.
struct SummaryLimits {
  std::optional<std::int32_t> lower;
  std::optional<std::int32_t> upper;
  friend bool operator==(const SummaryLimits&, const SummaryLimits&) = default;
};
// `LimitsOf` is what a profile says (null: nothing); `StatedLimits` what a summary was reckoned by.
SummaryLimits LimitsOf(const pb::TemperatureLimit* limit);
SummaryLimits StatedLimits(const pb::TelemetryBatch& batch);
// `LimitsText` is "-130.00 C at most", "2.00 C to 8.00 C", "no limit".
std::string LimitsText(const SummaryLimits& limits);

// `ShipmentOf` is the trip that a file is of, by number, shipper or logger; null when it is of none
// of this therapy's.
const pb::Shipment* ShipmentOf(const pb::TherapyState& state, const pb::TelemetryBatch& batch);

// `Watched` is a container while it lay in the storage unit that a file is of.
struct Watched {
  const pb::Container* container = nullptr;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  pb::ThermalLoad load = pb::THERMAL_LOAD_UNSPECIFIED;
};
// `WatchedBy` are the cells and the product that lay in the unit of a file which is of no trip,
// each as long as the file reaches. Pointers live until the state changes.
std::vector<Watched> WatchedBy(const pb::TherapyState& state, const pb::TelemetryBatch& batch);

// `LimitOfFile` is the limit by which a file is reckoned: of its trip's load, else the coldest of
// those of what lay in its unit; null when there is none.
const pb::TemperatureLimit* LimitOfFile(const pb::TherapyState& state, const pb::Profile* profile,
                                        const pb::TelemetryBatch& batch);

// `LongestUnlistedMs` bounds the stretches that a summary counts (`count`; 0: as many as it lists)
// and does not list: the longest are listed, so none is longer than the shortest of those. 0 when
// all are listed.
std::int64_t LongestUnlistedMs(const google::protobuf::RepeatedPtrField<pb::TelemetryGap>& listed,
                               std::uint32_t count);
std::int64_t LongestUnlistedMs(
    const google::protobuf::RepeatedPtrField<pb::TelemetryExcursion>& listed, std::uint32_t count);

// `MeanKinetic` is the mean kinetic temperature with activation energy / R = 10,000 K, rounded to
// 0.01 Cel. The order of the readings does not matter. REQUIRES: at least one reading, each of
// -27314 to 20000.
std::int32_t MeanKinetic(std::span<const LoggerReading> readings);

// `Summarize` reckons `file` against the limits that `batch` states and sets all other fields of
// the summary, among them `summary` itself; what people say (logger, shipper, calibration, file,
// complete) it leaves alone.
void Summarize(const LoggerFile& file, pb::TelemetryBatch& batch);

// `ComesFromFile` says of a field of TELEMETRY_BATCH whether the file gives it; people say the
// others: logger, shipper, shipment, storage unit, calibration, file and whether it is complete.
bool ComesFromFile(const google::protobuf::FieldDescriptor& field);

// `FillSummary` is what a station does with a file that was read: the limits of `profile` (may be
// null) for the shipment that `batch` names, and Summarize. INVALID_ARGUMENT when `batch` names
// another logger than the file, or has a value that the file gives.
Status FillSummary(const LoggerFile& file, const pb::TherapyState& state,
                   const pb::Profile* profile, pb::TelemetryBatch& batch);

// `IsSerialOf` says whether what was scanned is the logger whose file says `serial`: the serial, or
// an identifier that ends with it when it has at least six characters (a GS1 asset identifier has
// the owner before it).
bool IsSerialOf(std::string_view serial, std::string_view scanned);

// One value in which a summary is not what its file gives.
struct SummaryFault {
  std::string label;   // "Lowest inner"
  std::string given;   // by the file: "-187.20 C"
  std::string stated;  // by the event; "nothing"
};
// `CompareSummary` lists every value in which `stated` differs from what `file` gives under the
// limits that `stated` names. Of a summary that was read off a logger, values that are not stated
// and excursions are not compared.
std::vector<SummaryFault> CompareSummary(const pb::TelemetryBatch& stated, const LoggerFile& file);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_TELEMETRY_H_
