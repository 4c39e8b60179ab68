// R13 where no file of a trip is judged: what the receiver reads off, cells that are used before
// anybody read the file, and frozen material that goes back to where it was.
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/rules/cold_chain.h"

namespace custody::rules {

// Collected cells go into a batch with the file of their way read. Fresh ones cannot wait for it,
// so the batch is opened, and not released before somebody has looked.
void NeedInboundFile(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto& donations = c.effective.batch_opened().donations();
  for (const pb::Shipment& shipment : c.therapy.shipments()) {
    if (shipment.telemetry() || shipment.open()) continue;
    const auto& ids = shipment.containers();
    const bool concerned = std::ranges::any_of(ids, [&](const std::string& id) {
      const pb::Container* bag = FindContainer(c.therapy, id);
      const std::string& din = bag == nullptr ? id : bag->din();
      return std::ranges::find(donations, din) != donations.end();
    });
    if (!concerned) continue;
    Deviation(c, rule, v,
              {"the whole file of the shipper's logger read before the cells are used",
               "none for " + shipment.shipper(), "read the logger out: TELEMETRY_BATCH",
               shipment.shipper()},
              true);
  }
}

// What the receiver reads off. The temperature at the opened lid is one of the trip; a logger's
// display does not say when, it may have been before the seal: the file decides, and is asked for.
void JudgeReadings(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& shipper,
                   const google::protobuf::RepeatedPtrField<pb::LoggerReading>& readings,
                   std::optional<double> at_opening) {
  const pb::Shipment* shipment = OpenShipment(c.therapy, shipper);
  if (shipment == nullptr) return;  // said already
  const pb::TemperatureLimit* limit = LimitFor(c.profile, LoadOf(*shipment));
  if (limit == nullptr) return;  // the file says that it is not judged here
  if (at_opening && Outside(*limit, *at_opening)) {
    QuarantineAll(c, rule, v, *shipment, LimitText(*limit) + " when the seal was opened",
                  Celsius(*at_opening));
  }
  if (shipment->telemetry()) return;  // the file has explained them
  for (const pb::LoggerReading& read : readings) {
    const double low = read.min_temperature_centi_c() / 100.0;
    const double high = read.max_temperature_centi_c() / 100.0;
    const bool below = read.has_min_temperature_centi_c() && Outside(*limit, low);
    const bool above = read.has_max_temperature_centi_c() && Outside(*limit, high);
    if (!below && !above) continue;
    Deviation(c, rule, v,
              {LimitText(*limit) + " on the logger's display", Celsius(above ? high : low),
               "read its file out: TELEMETRY_BATCH judges it; or record TEMPERATURE_EXCURSION",
               read.logger()},
              true);
  }
}

// Frozen material goes back only when it never became too warm. What did is put back all the same,
// it must not lie about: as a quarantine, by whoever recorded its excursion first.
void JudgeReturn(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ReturnedToStorage& body = c.effective.returned_to_storage();
  const pb::Container* container = FindContainer(c.therapy, body.container().value());
  if (container == nullptr) return;  // F8a says so
  const bool product = container->material() == pb::DRUG_PRODUCT;
  const pb::TemperatureLimit* limit =
      LimitFor(c.profile, product ? pb::FROZEN_PRODUCT : pb::FROZEN_APHERESIS);
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().out_of_storage();
  const std::uint32_t minutes = Tightened(Defaults::kOutMinutes, stated);
  const bool held = std::ranges::any_of(
      OpenQuarantines(c.therapy, *container),
      [](const pb::Quarantine* q) { return q->kind() == pb::QUARANTINED_TEMP; });
  const auto refuse = [&](std::string expected, std::string found) {
    if (held) return;  // quality decides already
    Words words{std::move(expected), std::move(found),
                "back into the cold at once: record TEMPERATURE_EXCURSION, then put it back in "
                "quarantine; quality of the manufacturer decides",
                container->id()};
    if (!IsLive(c)) Quarantine(c, rule, v, words);
    Gate(c, rule, v, std::move(words));
  };
  const double highest = body.max_temperature_centi_c() / 100.0;
  if (limit == nullptr) {
    NotJudged(c, rule, v,
              {"a temperature limit in the profile", "none for this material",
               "quality compares it with the product's limits", container->id()});
  } else if (Outside(*limit, highest)) {
    refuse(LimitText(*limit) + " while out of storage", Celsius(highest));
  }
  std::int64_t out = body.minutes_out() * kMicrosPerMinute;
  if (container->removed_us() != 0) out = std::max(out, At(c) - container->removed_us());
  if (out >= (minutes + 1) * kMicrosPerMinute) {  // whole minutes are typed
    refuse("out of storage for at most " + std::to_string(minutes) + " min", Span(out));
  }
}

void JudgeStored(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto judge = [&](const std::string& id) {
    const pb::Container* container = FindContainer(c.therapy, id);
    const bool out = container != nullptr && container->state() == pb::CONTAINER_REMOVED &&
                     container->removed_us() != 0 && At(c) >= container->removed_us();
    if (!out) return;
    Quarantine(
        c, rule, v,
        {"put back by RETURNED_TO_STORAGE, which says how warm it became", "stored without it",
         "quality of the manufacturer decides: QUARANTINE_DECIDED", container->id()});
  };
  const auto all = [&](const auto& positions) {
    for (const pb::ContainerPosition& at : positions) judge(at.container());
  };
  all(c.effective.stored().containers());
  all(c.effective.stored_clinic().containers());
  all(c.effective.moved().containers());
  for (const std::string& id : c.effective.stored_in_shipper().containers()) judge(id);
}

}  // namespace custody::rules
