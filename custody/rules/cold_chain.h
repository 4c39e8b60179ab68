// What the files of R13 share. Not for others to include.
#ifndef CUSTODY_CUSTODY_RULES_COLD_CHAIN_H_
#define CUSTODY_CUSTODY_RULES_COLD_CHAIN_H_

#include <optional>
#include <string>

#include "custody/rules/case.h"

namespace custody::rules {

// `Outside` says whether a temperature is outside a limit; `LimitText` is the limit for people.
bool Outside(const pb::TemperatureLimit& limit, double celsius);
std::string LimitText(const pb::TemperatureLimit& limit);
// `NameOf` is the name under which a thing is held: a lot and a donation of several bags keep
// theirs.
std::string NameOf(const Case& c, const std::string& id);
// Why R13 holds something. Each is a quarantine of its own: who decides that missing data do no
// harm has said nothing of heat.
enum class Cold { kBroken, kUnknown };
// `HoldFor` holds what `words` are about.
void HoldFor(const Case& c, const Rule& rule, pb::Verdict& v, Cold why, Words words);
// `QuarantineAll` holds everything in a shipment that is not used up.
void QuarantineAll(const Case& c, const Rule& rule, pb::Verdict& v, Cold why,
                   const pb::Shipment& shipment, const std::string& expected,
                   const std::string& found);

// `GapLimit` is for how long data may be missing, in microseconds.
std::int64_t GapLimit(const pb::TemperatureLimit* limit);

// A span in which the temperature counts.
struct Counted {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

// What the logger's file has to say of one trip.
struct Trip {
  const pb::Shipment& shipment;
  const pb::TemperatureLimit* limit;
  Counted way;      // packed + settling to seal opened; while under way, to the end of the file
  Counted storage;  // from stored in the shipper to emptied, or to the end of the file
};

// `JudgeExcursions` and `JudgeGaps` judge a file by what it lists and by what it leaves out.
void JudgeExcursions(const Case& c, const Rule& rule, pb::Verdict& v, const Trip& trip,
                     const pb::TelemetryBatch& batch);
void JudgeGaps(const Case& c, const Rule& rule, pb::Verdict& v, const Trip& trip,
               const pb::TelemetryBatch& batch);
// `JudgeUnitFile` is of a file that is of no trip: a freezer's.
void JudgeUnitFile(const Case& c, const Rule& rule, pb::Verdict& v);
// `NeedShipperFile` asks of containers that are taken out of storage, of which some shipper was the
// storage, whether it was one: within its hold, and watched until they left it.
void NeedShipperFile(const Case& c, const Rule& rule, pb::Verdict& v);
// `NeedFile` asks lymphodepletion and removal for the files of the product's trips.
void NeedFile(const Case& c, const Rule& rule, pb::Verdict& v);
// `NeedInboundFile` asks at the opening of a batch whether the way of its cells was looked at.
void NeedInboundFile(const Case& c, const Rule& rule, pb::Verdict& v);
// `JudgeReadings` is of a receipt: displays of loggers, and the temperature under the opened lid.
void JudgeReadings(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& shipper,
                   const google::protobuf::RepeatedPtrField<pb::LoggerReading>& readings,
                   std::optional<double> at_opening);
// `JudgeStored` is of everything else that puts containers somewhere: what was taken out goes back
// by the step that asks how warm it became.
void JudgeStored(const Case& c, const Rule& rule, pb::Verdict& v);
// `JudgeReturn` is of RETURNED_TO_STORAGE.
void JudgeReturn(const Case& c, const Rule& rule, pb::Verdict& v);

}  // namespace custody::rules

#endif  // CUSTODY_CUSTODY_RULES_COLD_CHAIN_H_
