// What can be said of a logger's summary without its file: that it was reckoned by the limits that
// count here, and that one which nobody reckoned is looked at. Whether a reckoned one is what its
// file gives, the ledger asks before it records it (server/ledger/summary_check.h): only there is
// the file at hand.
#include "custody/telemetry.h"

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {

void SummarySound(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kTelemetryBatch) return;
  const pb::TelemetryBatch& batch = c.effective.telemetry_batch();
  if (batch.summary() == pb::SUMMARY_TYPED) {
    Deviation(
        c, rule, v,
        {"a summary reckoned from the logger's file", "read off the logger, by nobody checked",
         "quality looks at the attached file and closes this: DEVIATION_CLOSED", batch.logger()},
        true);
    return;
  }
  const bool whole =
      batch.readings() != 0 && batch.interval_ms() != 0 && batch.has_mkt_temperature_centi_c();
  if (!whole) {
    Structure(
        c, rule, v,
        {"readings, interval and mean kinetic temperature in a reckoned summary",
         "one that lacks them", "reckon it from the file: record --logger-file", batch.logger()});
  }
  const pb::Shipment* shipment = ShipmentOf(c.therapy, batch);
  const pb::TemperatureLimit* limit =
      shipment == nullptr ? nullptr : LimitFor(c.profile, LoadOf(*shipment));
  if (limit == nullptr || LimitsOf(limit) == StatedLimits(batch)) return;
  Structure(c, rule, v,
            {"excursions reckoned by the profile's limits, " + LimitsText(LimitsOf(limit)),
             "reckoned by " + LimitsText(StatedLimits(batch)),
             "reckon the summary anew from the file: record --logger-file", batch.logger()});
}

}  // namespace custody::rules
