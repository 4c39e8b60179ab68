// R13 where no file of a trip is judged: files that are asked for, a freezer's file, what the
// receiver reads off, cells that are used before anybody read the file, and frozen material that
// goes back to where it was.
#include <algorithm>
#include <set>

#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/rules/cold_chain.h"
#include "custody/telemetry.h"
#include "custody/usable.h"

namespace custody::rules {
namespace {

// Whether anything that came with a shipment may still be given where the patient is treated. What
// was sent back, rejected or used up is of no lot that lymphodepletion is begun for.
bool IsHereStill(const Case& c, const pb::Shipment& shipment) {
  return std::ranges::any_of(shipment.containers(), [&](const std::string& id) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) return true;
    const bool gone = MayNotBeUsed(container->state()) || container->recalled() ||
                      RejectedAmong(Origins(c.therapy, *container)) != nullptr;
    return !gone && c.registry.IsSameHouse(container->site(), TreatingSite(c.therapy));
  });
}

}  // namespace

// Product whose trip nobody has read the logger of is not used (lymphodepletion and removal ask). A
// trip that nobody ended by a receipt is one too: of what is still coming R18 speaks.
void NeedFile(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::vector<std::string> scanned = StepContainers(c.effective);
  std::set<std::string> shippers;
  for (const pb::Shipment& shipment : c.therapy.shipments()) {
    if (!shipment.product() || shipment.telemetry() || shipment.containers().empty()) continue;
    if (scanned.empty() && (shipment.open() || !IsHereStill(c, shipment))) continue;
    const bool concerned =
        scanned.empty() || std::ranges::any_of(scanned, [&](const std::string& id) {
          const auto& ids = shipment.containers();
          return std::ranges::find(ids, id) != ids.end();
        });
    if (concerned) shippers.insert(shipment.shipper());
  }
  for (const std::string& shipper : shippers) {
    Gate(c, rule, v,
         {"the whole file of the shipper's logger", "none for " + shipper,
          "read the logger out: TELEMETRY_BATCH", shipper});
  }
}

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

namespace {

// The shipper that was a container's storage, if one was, and until when.
struct Kept {
  const pb::Shipment* shipment = nullptr;
  std::int64_t until = 0;
};

Kept KeptIn(const Case& c, const pb::Container& container) {
  for (const pb::Shipment& shipment : c.therapy.shipments()) {
    const auto& ids = shipment.containers();
    const bool its = std::ranges::find(ids, container.id()) != ids.end();
    if (shipment.stored_us() == 0 || !its) continue;
    if (container.shipment() == shipment.shipper()) return {&shipment, At(c)};
    if (container.left_shipper_us() != 0) return {&shipment, container.left_shipper_us()};
  }
  return {};
}

// The longest stretch of the storage that no file tells of.
pb::DataSpan Unwatched(const Kept& kept) {
  pb::DataSpan longest;
  std::int64_t seen = kept.shipment->stored_us();
  const auto take = [&](std::int64_t to) {
    if (to - seen <= longest.to_us() - longest.from_us()) return;
    longest.set_from_us(seen);
    longest.set_to_us(to);
  };
  for (const pb::DataSpan& data : kept.shipment->data()) {
    take(std::min(data.from_us(), kept.until));
    seen = std::max(seen, data.to_us());
  }
  take(kept.until);
  return longest;
}

}  // namespace

// While its hold lasts a shipper is a storage, and its logger shows it. Who takes a container out
// has read the logger; after the hold quality decides. What is out already is held.
void NeedShipperFile(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;
    const Kept kept = KeptIn(c, *container);
    if (kept.shipment == nullptr) continue;
    const auto refuse = [&](Cold why, std::string expected, std::string found, const char* next) {
      Words words{std::move(expected), std::move(found), next, container->id()};
      if (!IsLive(c)) HoldFor(c, rule, v, why, words);
      Gate(c, rule, v, std::move(words));
    };
    const std::string& shipper = kept.shipment->shipper();
    const pb::TemperatureLimit* limit = LimitFor(c.profile, LoadOf(*kept.shipment));
    const pb::DataSpan dark = Unwatched(kept);
    if (dark.to_us() - dark.from_us() > GapLimit(limit)) {
      refuse(Cold::kUnknown,
             "the logger of shipper " + shipper +
                 " read out for all the time that it was the "
                 "storage, to at most " +
                 Span(GapLimit(limit)) + " ago",
             "no data for " + Span(dark.to_us() - dark.from_us()) + " from " +
                 Local(c, dark.from_us()),
             "read the logger out now: TELEMETRY_BATCH");
    }
    const std::int64_t end = HoldEnd(c.profile, *kept.shipment);
    const bool still = container->shipment() == shipper;
    if (!still || kept.until <= end) continue;
    refuse(Cold::kBroken,
           "taken out of shipper " + shipper + " within its hold, until " + Local(c, end),
           Span(kept.until - end) + " after it",
           "quality of the manufacturer looks at the logger's file, and grants it or rejects");
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
    QuarantineAll(c, rule, v, Cold::kBroken, *shipment,
                  LimitText(*limit) + " when the seal was opened", Celsius(*at_opening));
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

// What lay in a freezer is judged by the freezer's file like a trip, from its first day there to
// its last; each container by the limit of what it is.
void JudgeUnitFile(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TelemetryBatch& batch = c.effective.telemetry_batch();
  const std::vector<Watched> watched = WatchedBy(c.therapy, batch);
  if (watched.empty()) {
    NotJudged(c, rule, v,
              {"a logger of one of this therapy's shipments, or of a unit where its cells lay",
               batch.logger() + " is none",
               "state the storage unit by the name under which they were stored", batch.logger()});
  }
  for (const Watched& lay : watched) {
    pb::Shipment unit;
    unit.set_shipper(batch.storage_unit());
    unit.add_containers(lay.container->id());
    const pb::TemperatureLimit* limit = LimitFor(c.profile, lay.load);
    const Trip trip{unit, limit, {lay.from_us, lay.to_us}, {}};
    if (limit == nullptr) {
      NotJudged(c, rule, v,
                {"a temperature limit in the profile", "none for fresh cells",
                 "quality compares the file with the product's limits", lay.container->id()});
    } else {
      JudgeExcursions(c, rule, v, trip, batch);
    }
    JudgeGaps(c, rule, v, trip, batch);
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
  // For what it became out of storage: neither for data that are missing of its way, nor for an
  // older excursion.
  const bool held =
      std::ranges::any_of(OpenQuarantines(c.therapy, *container), [&](const pb::Quarantine* q) {
        return q->kind() == pb::QUARANTINED_TEMP &&
               q->since_us() + kSkew >= container->removed_us();
      });
  const auto refuse = [&](std::string expected, std::string found) {
    if (held) return;  // quality decides already
    Words words{std::move(expected), std::move(found),
                "back into the cold at once: record TEMPERATURE_EXCURSION, then put it back in "
                "quarantine; " +
                    QualityOf(c) + " decides",
                container->id()};
    if (!IsLive(c)) Quarantine(c, rule, v, words);
    Gate(c, rule, v, std::move(words));
  };
  const double highest = body.max_temperature_centi_c() / 100.0;
  if (Outside(*limit, highest)) {
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
    if (container == nullptr) return;
    const Kept kept = KeptIn(c, *container);
    const bool still =
        kept.shipment != nullptr && container->shipment() == kept.shipment->shipper();
    if (still && !c.effective.has_stored_in_shipper() &&
        At(c) > HoldEnd(c.profile, *kept.shipment)) {
      Quarantine(c, rule, v,
                 {"taken out of the shipper within its hold, until " +
                      Local(c, HoldEnd(c.profile, *kept.shipment)),
                  Span(At(c) - HoldEnd(c.profile, *kept.shipment)) + " after it",
                  "read its logger out; " + QualityOf(c) + " decides: QUARANTINE_DECIDED",
                  container->id()});
    }
    const bool out = container->state() == pb::CONTAINER_REMOVED && container->removed_us() != 0 &&
                     At(c) >= container->removed_us();
    if (!out) return;
    Quarantine(
        c, rule, v,
        {"put back by RETURNED_TO_STORAGE, which says how warm it became", "stored without it",
         QualityOf(c) + " decides: QUARANTINE_DECIDED", container->id()});
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
