// What can be said of a logger's summary without its file: that it was reckoned by the limits that
// count here, and that one which nobody reckoned is looked at. Whether it is what its file gives is
// asked where the file is at hand: by the ledger, before it records it.
#include "custody/telemetry.h"

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {

void SummarySound(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kTelemetryBatch) return;
  const pb::TelemetryBatch& batch = c.effective.telemetry_batch();
  if (batch.summary() == pb::SUMMARY_UNSPECIFIED) return;  // CheckSummary admits no new one
  if (batch.summary() == pb::SUMMARY_TYPED) {
    Deviation(
        c, rule, v,
        {"a summary reckoned from the logger's file",
         "read off the logger, and reckoned anew by nobody",
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
  const pb::TemperatureLimit* limit = LimitOfFile(c.therapy, c.profile, batch);
  if (limit == nullptr || LimitsOf(limit) == StatedLimits(batch)) return;
  Structure(c, rule, v,
            {"excursions reckoned by the profile's limits, " + LimitsText(LimitsOf(limit)),
             "reckoned by " + LimitsText(StatedLimits(batch)),
             "reckon the summary anew from the file: record --logger-file", batch.logger()});
}

}  // namespace custody::rules

namespace custody {

void CheckSummary(const pb::TelemetryBatch& batch, std::string_view file, pb::Verdict& verdict) {
  const auto refuse = [&](const std::string& subject, std::string expected, std::string found,
                          std::string_view next_step) {
    pb::Reason& reason = *verdict.add_reasons();
    reason.set_rule("TELEMETRY");
    reason.set_kind(pb::REASON_STRUCTURE);
    reason.set_subject(subject);
    reason.set_expected(std::move(expected));
    reason.set_found(std::move(found));
    reason.set_next_step(std::string(next_step));
    reason.set_field_class(pb::CUSTODY);
    verdict.set_refused(true);
  };
  if (batch.summary() == pb::SUMMARY_UNSPECIFIED) {
    return refuse(batch.logger(), "how the summary came about: reckoned, or read off the logger",
                  "nothing", "reckon it from the file: record --logger-file; or say SUMMARY_TYPED");
  }
  const StatusOr<LoggerFile> read = ParseLoggerFile(file);
  if (!read.ok()) {
    if (batch.summary() == pb::SUMMARY_TYPED) return;
    return refuse(batch.logger(), "a file from which the summary can be reckoned",
                  "one that cannot be read: " + Message(read.status()), kUnreadableFileNext);
  }
  const bool typed = batch.summary() == pb::SUMMARY_TYPED;
  for (const SummaryFault& fault : CompareSummary(batch, *read)) {
    refuse(fault.label, fault.given + ", as the file gives", fault.stated + ", as stated",
           typed ? "this file can be read: state what it gives, or record --logger-file"
                 : "record the summary that the file gives: record --logger-file");
  }
}

}  // namespace custody
