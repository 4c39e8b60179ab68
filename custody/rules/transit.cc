// The way as it is planned (R12), and the logger that tells of it (R14). What the readings say is
// R13's.
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/usable.h"

namespace custody::rules {

namespace {

void JudgePlan(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Shipment* shipment,
               std::int64_t at) {
  if (shipment == nullptr || !shipment->cryogenic()) return;
  const std::uint32_t stated =
      c.profile == nullptr ? 0 : c.profile->shipper_plan().planned_percent();
  const std::uint32_t percent = Tightened(Defaults::kPlannedPercent, stated);
  const double hold = HoldHours(c.profile, *shipment);
  const double allowed = hold * percent / 100;
  const std::string expected = "arrival planned within " + Number(allowed) + " h, " +
                               std::to_string(percent) + " % of the hold of " + Number(hold) + " h";
  if (at == 0) {
    Deviation(
        c, rule, v,
        {expected, "no time of arrival",
         "ask the carrier; record it: CARRIER_MILESTONE, or SHIPMENT_DELAYED", shipment->shipper()},
        false);
    return;
  }
  const std::int64_t planned = at - std::max(shipment->packed_us(), shipment->charged_us());
  if (static_cast<double>(planned) <= allowed * static_cast<double>(kMicrosPerHour)) return;
  Deviation(c, rule, v,
            {expected, HoursText(planned),
             "take a faster way, or have nitrogen added under way: SHIPPER_RECHARGED",
             shipment->shipper()},
            false);
}

// A carrier whose people have keys takes it by their acceptance; when it arrives they have said
// before.
void JudgeTaken(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Offer* offer = FindOffer(c.therapy, c.effective.handover_accepted().offer());
  const EnrolledOrganisation* house = c.registry.OrganisationOfSite(SiteOf(c));
  if (offer == nullptr || !offer->closed() || house == nullptr) return;
  if (house->kind != pb::CARRIER) return;
  const pb::Shipment* shipment = OpenShipment(c.therapy, offer->shipper());
  if (shipment != nullptr) JudgePlan(c, rule, v, shipment, shipment->expected_us());
}

void JudgeCalibration(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& logger,
                      std::int64_t until, std::int64_t used, const char* next) {
  if (until >= used) return;
  Deviation(c, rule, v,
            {"a logger that is calibrated until " + Local(c, used), "until " + Local(c, until),
             next, logger},
            false);
}

void JudgeGaps(const Case& c, const Rule& rule, pb::Verdict& v, const pb::TelemetryBatch& batch) {
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->telemetry_gap_intervals();
  const std::uint32_t intervals = Tightened(Defaults::kGapIntervals, stated);
  const std::uint64_t allowed_ms = std::uint64_t{intervals} * batch.interval_ms();
  int gaps = 0;
  const pb::TelemetryGap* longest = nullptr;
  for (const pb::TelemetryGap& gap : batch.gaps()) {
    if (gap.duration_ms() <= allowed_ms) continue;
    ++gaps;
    if (longest == nullptr || gap.duration_ms() > longest->duration_ms()) longest = &gap;
  }
  if (longest == nullptr) return;
  constexpr std::int64_t kMicrosPerMilli = 1000;
  Deviation(c, rule, v,
            {"a reading at least every " + std::to_string(intervals) + " intervals, " +
                 Span(static_cast<std::int64_t>(allowed_ms) * kMicrosPerMilli),
             std::to_string(gaps) + (gaps == 1 ? " gap" : " gaps, the longest") + " of " +
                 Span(static_cast<std::int64_t>(longest->duration_ms()) * kMicrosPerMilli) +
                 " from " + Local(c, Micros(longest->from())),
             "find out why; let the logger be looked at before it is used again", batch.logger()},
            false);
}

// A dry vapour shipper is qualified anew after each use; of uses in other therapies nothing is
// known here.
void JudgeQualified(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Packed& body = c.effective.packed();
  if (body.shipper_kind() != pb::SHIPPER_DRY_VAPOUR) return;
  const std::int64_t stated = Micros(body.shipper_qualified_at());
  const pb::Shipment* used = LastShipment(c.therapy, body.shipper().value());
  const bool again = used != nullptr && used->received_us() != 0;
  const bool ahead = stated > At(c) + kSkew;
  if (!ahead && (!again || stated >= used->received_us())) return;
  Deviation(
      c, rule, v,
      {again ? "a shipper qualified anew after its last use, received " +
                   Local(c, used->received_us())
             : "a shipper that was qualified before it is packed",
       stated == 0 ? "not stated" : Local(c, stated),
       "take a shipper that was; or state when this one was qualified", body.shipper().value()},
      false);
}

}  // namespace

void TransitPlanned(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_packed()) return JudgeQualified(c, rule, v);
  if (c.effective.has_handed_to_carrier()) {
    const pb::HandedToCarrier& body = c.effective.handed_to_carrier();
    return JudgePlan(c, rule, v, OpenShipment(c.therapy, body.shipper()),
                     Micros(body.expected_at()));
  }
  if (c.effective.has_handover_accepted()) return JudgeTaken(c, rule, v);
  // Later news of the arrival; without a time they say nothing of it.
  if (c.effective.has_carrier_milestone()) {
    const pb::CarrierMilestone& body = c.effective.carrier_milestone();
    if (!body.has_expected_at()) return;
    return JudgePlan(c, rule, v, OpenShipment(c.therapy, body.shipper()),
                     Micros(body.expected_at()));
  }
  if (!c.effective.has_shipment_delayed()) return;
  const pb::ShipmentDelayed& body = c.effective.shipment_delayed();
  JudgePlan(c, rule, v, OpenShipment(c.therapy, body.shipper()), Micros(body.expected_at()));
}

void LoggerSound(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_packed()) {
    const pb::Packed& body = c.effective.packed();
    return JudgeCalibration(c, rule, v, body.logger().value(),
                            Micros(body.logger_calibration_until()), At(c), "take another logger");
  }
  if (!c.effective.has_telemetry_batch()) return;
  const pb::TelemetryBatch& batch = c.effective.telemetry_batch();
  JudgeCalibration(c, rule, v, batch.logger(), Micros(batch.calibration_until()),
                   Micros(batch.to()),
                   "have the logger calibrated; quality judges its readings by the result");
  JudgeGaps(c, rule, v, batch);
}

}  // namespace custody::rules
