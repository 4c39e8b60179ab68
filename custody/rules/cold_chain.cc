// R13 and what follows from a broken cold chain: quarantine, and who lifts it (F9).
//
// A file is judged from packed + settling to the opened seal; until the seal is opened, to the
// file's end. A shipper that stays the storage of what came in it is judged as such, until the last
// container is taken out; a freezer's file while something lay in it. Stretches outside the limit
// count by their overlap with these spans; missing data count like a stretch, over all files
// together; an extreme that no listed stretch
// explains counts as one of unknown length, and those that a summary counts and does not list as
// long as the shortest that it lists.
#include "custody/rules/cold_chain.h"

#include <algorithm>
#include <optional>
#include <set>

#include "custody/accounting.h"
#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/telemetry.h"

namespace custody::rules {

void HoldFor(const Case& c, const Rule& rule, pb::Verdict& v, Cold why, Words words) {
  Quarantine(c, rule, v, std::move(words)).set_data_absent(why == Cold::kUnknown);
}

void QuarantineAll(const Case& c, const Rule& rule, pb::Verdict& v, Cold why,
                   const pb::Shipment& shipment, const std::string& expected,
                   const std::string& found) {
  for (const std::string& id : shipment.containers()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;
    if (IsGiven(container->state())) {
      Deviation(c, rule, v,
                {expected, found, "it is given already: tell the physician and quality", id}, true);
      continue;
    }
    // Cells that were used up are in a product.
    const bool used_up = container->state() == pb::CONTAINER_CONSUMED;
    if (IsTerminal(container->state()) && !used_up) continue;
    HoldFor(c, rule, v, why, {expected, found, QualityOf(c) + " decides: QUARANTINE_DECIDED", id});
  }
}

std::string LimitText(const pb::TemperatureLimit& limit) {
  if (limit.has_min_c() && limit.has_max_c()) {
    return Number(limit.min_c()) + " to " + Celsius(limit.max_c());
  }
  return limit.has_max_c() ? "at most " + Celsius(limit.max_c())
                           : "at least " + Celsius(limit.min_c());
}

bool Outside(const pb::TemperatureLimit& limit, double celsius) {
  return (limit.has_max_c() && celsius > limit.max_c()) ||
         (limit.has_min_c() && celsius < limit.min_c());
}

std::int64_t GapLimit(const pb::TemperatureLimit* limit) {
  const std::uint32_t stated = limit == nullptr ? 0 : limit->gap_minutes();
  return Tightened(Defaults::kGapMinutes, stated) * kMicrosPerMinute;
}

std::string NameOf(const Case& c, const std::string& id) {
  const pb::Container* container = FindContainer(c.therapy, id);
  return container == nullptr ? id : container->id();
}

namespace {

using Set = std::set<std::string>;

std::int64_t Overlap(const Counted& span, std::int64_t from, std::int64_t duration) {
  return std::max<std::int64_t>(0, std::min(span.to, from + duration) - std::max(span.from, from));
}

std::int64_t Overlap(const Trip& trip, std::int64_t from, std::int64_t duration) {
  return std::max(Overlap(trip.way, from, duration), Overlap(trip.storage, from, duration));
}

// The end of what a file is judged by: what ended before it did, else the file's own.
std::int64_t EndOr(std::int64_t ended, const pb::TelemetryBatch& batch) {
  return ended != 0 ? ended : Micros(batch.to());
}

}  // namespace

void JudgeExcursions(const Case& c, const Rule& rule, pb::Verdict& v, const Trip& trip,
                     const pb::TelemetryBatch& batch) {
  const pb::TemperatureLimit& limit = *trip.limit;
  const std::string expected = LimitText(limit) + ", or outside it for at most " +
                               std::to_string(limit.excursion_minutes()) + " min";
  double lowest = 1e9;  // of the stretches that the file lists
  double highest = -1e9;
  for (const pb::TelemetryExcursion& stretch : batch.excursions()) {
    if (stretch.channel() != pb::CHANNEL_INNER) continue;
    const double extreme = stretch.extreme_temperature_centi_c() / 100.0;
    lowest = std::min(lowest, extreme);
    highest = std::max(highest, extreme);
    if (!Outside(limit, extreme)) continue;
    const std::int64_t micros = static_cast<std::int64_t>(stretch.duration_ms()) * 1000;
    const std::int64_t outside = Overlap(trip, Micros(stretch.from()), micros);
    if (outside <= limit.excursion_minutes() * kMicrosPerMinute) continue;
    QuarantineAll(c, rule, v, Cold::kBroken, trip.shipment, expected,
                  Celsius(extreme) + " for " + Span(outside) + " from " +
                      Local(c, std::max(trip.way.from, Micros(stretch.from()))));
  }
  if (LongestUnlistedMs(batch.excursions(), batch.excursion_count()) >
      limit.excursion_minutes() * kMicrosPerMinute / 1000) {
    QuarantineAll(c, rule, v, Cold::kBroken, trip.shipment, expected,
                  "more stretches than the " + std::to_string(batch.excursions_size()) + " listed");
  }
  // An extreme that no listed stretch explains is as an excursion: its length is not known.
  const double low = batch.min_temperature_centi_c() / 100.0;
  const double high = batch.max_temperature_centi_c() / 100.0;
  const bool unexplained =
      (Outside(limit, high) && high > highest) || (Outside(limit, low) && low < lowest);
  if (unexplained) {
    QuarantineAll(c, rule, v, Cold::kBroken, trip.shipment, expected,
                  "readings from " + Celsius(low) + " to " + Celsius(high) +
                      ", and no stretch that explains them");
  }
  const bool warned =
      limit.has_max_c() && high <= limit.max_c() && high > limit.max_c() - limit.warning_margin_c();
  if (warned) {
    Note(c, rule, v,
         {"more than " + Number(limit.warning_margin_c()) + " C below the limit of " +
              Celsius(limit.max_c()),
          Celsius(high), "watch the shipper", trip.shipment.shipper()});
  }
}

void JudgeGaps(const Case& c, const Rule& rule, pb::Verdict& v, const Trip& trip,
               const pb::TelemetryBatch& batch) {
  const std::int64_t allowed = GapLimit(trip.limit);
  const auto absent = [&](std::int64_t from, std::int64_t missing) {
    if (missing <= allowed) return;
    QuarantineAll(c, rule, v, Cold::kUnknown, trip.shipment,
                  "no data missing for more than " + Span(allowed),
                  "none for " + Span(missing) + " from " + Local(c, from));
  };
  for (const pb::TelemetryGap& gap : batch.gaps()) {
    const std::int64_t from = Micros(gap.from());
    absent(from, Overlap(trip, from, static_cast<std::int64_t>(gap.duration_ms()) * 1000));
  }
  if (LongestUnlistedMs(batch.gaps(), batch.gap_count()) > allowed / 1000) {
    QuarantineAll(c, rule, v, Cold::kUnknown, trip.shipment,
                  "no data missing for more than " + Span(allowed),
                  "more gaps than the " + std::to_string(batch.gaps_size()) + " listed");
  }
  if (batch.complete() != pb::YES) return;
  const auto covered = WithSpan(trip.shipment.data(), Micros(batch.from()), Micros(batch.to()));
  for (const Counted& span : {trip.way, trip.storage}) {
    std::int64_t seen = span.from;
    for (const pb::DataSpan& data : covered) {
      absent(seen, std::min(data.from_us(), span.to) - seen);
      seen = std::max(seen, data.to_us());
    }
    absent(seen, span.to - seen);
  }
}

namespace {

void JudgeFile(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::TelemetryBatch& batch = c.effective.telemetry_batch();
  const pb::Shipment* shipment = ShipmentOf(c.therapy, batch);
  if (shipment == nullptr) return JudgeUnitFile(c, rule, v);
  const pb::TemperatureLimit* limit = LimitFor(c.profile, LoadOf(*shipment));
  const std::int64_t settling = limit == nullptr ? 0 : limit->settling_minutes() * kMicrosPerMinute;
  Trip trip{*shipment, limit, {}, {}};
  trip.way = {shipment->packed_us() + settling, EndOr(shipment->seal_opened_us(), batch)};
  if (shipment->stored_us() != 0) {
    trip.storage = {shipment->stored_us(), EndOr(shipment->emptied_us(), batch)};
  }
  if (limit == nullptr) {
    NotJudged(c, rule, v,
              {"a temperature limit in the profile", "none for this material",
               "quality compares the file with the product's limits", shipment->shipper()});
  } else {
    JudgeExcursions(c, rule, v, trip, batch);
  }
  JudgeGaps(c, rule, v, trip, batch);
}

// Missing data may hide heat, and heat that was seen is heat whatever is missing beside it.
template <class Body>
void QuarantineNamed(const Case& c, const Rule& rule, pb::Verdict& v, const Body& body,
                     bool absent) {
  const std::string next = QualityOf(c) + " decides: QUARANTINE_DECIDED";
  const bool measured = body.has_min_temperature_centi_c() || body.has_max_temperature_centi_c();
  for (const std::string& id : body.containers()) {
    if (measured || !absent) {
      HoldFor(c, rule, v, Cold::kBroken,
              {"within the limits of storage and transport", "a temperature excursion", next,
               NameOf(c, id)});
    }
    if (absent) {
      HoldFor(c, rule, v, Cold::kUnknown,
              {"readings of all the time", "data absent", next, NameOf(c, id)});
    }
  }
}

// Whether a decision to use has anything to lift.
bool LiftsAny(const Case& c, const pb::QuarantineDecided& body) {
  return std::ranges::any_of(c.therapy.quarantines(), [&](const pb::Quarantine& q) {
    return IsDecidedBy(q, c.effective, !IsLive(c)) &&
           std::ranges::any_of(body.containers(),
                               [&](const auto& id) { return IsHeldBy(c.therapy, q, id); });
  });
}

// What is open of these containers and not decided by a word that was given before it arose.
std::string Later(const Case& c, const pb::QuarantineDecided& body) {
  std::vector<std::string> later;
  for (const pb::Quarantine& q : c.therapy.quarantines()) {
    const bool meant = q.open() && q.kind() == KindOfCause(body.cause()) &&
                       std::ranges::any_of(body.containers(), [&](const auto& id) {
                         return IsHeldBy(c.therapy, q, id);
                       });
    if (meant && !IsDecidedBy(q, c.effective, !IsLive(c))) later.push_back(q.id());
  }
  return later.empty() ? std::string() : List(later);
}

// What a decision names that is not open, or is open for something else.
std::string NotMeant(const Case& c, const pb::QuarantineDecided& body) {
  for (const pb::Quarantine& q : c.therapy.quarantines()) {
    if (!q.open() || q.id() != body.quarantine() || IsDecidedBy(q, c.effective, !IsLive(c))) {
      continue;
    }
    return q.id() + " is for " + QuarantineLabel(q.kind()) + ", and another cause is stated";
  }
  return body.quarantine() + " is none";
}

// The open quarantines that a decision may end, each with its cause and what it holds.
std::string Decidable(const Case& c) {
  std::vector<std::string> open;
  for (const pb::Quarantine& q : c.therapy.quarantines()) {
    if (!q.open() || q.kind() == pb::QUARANTINED_IDENTITY) continue;
    std::vector<std::string> held(q.containers().begin(), q.containers().end());
    held.insert(held.end(), q.items().begin(), q.items().end());
    open.push_back(q.id() + " (" + QuarantineLabel(q.kind()) + ") of " + List(held));
  }
  return List(open);
}

}  // namespace

void ColdKept(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kTelemetryBatch:
      return JudgeFile(c, rule, v);
    case pb::Event::kTemperatureExcursion:
      return QuarantineNamed(c, rule, v, c.effective.temperature_excursion(),
                             c.effective.temperature_excursion().data_absent() == pb::YES);
    case pb::Event::kStorageExcursion:
      return QuarantineNamed(c, rule, v, c.effective.storage_excursion(), false);
    case pb::Event::kLdStarted:
      return NeedFile(c, rule, v);
    case pb::Event::kRemovedFromStorage:
      NeedFile(c, rule, v);
      return NeedShipperFile(c, rule, v);
    case pb::Event::kBatchOpened:
      return NeedInboundFile(c, rule, v);
    case pb::Event::kReturnedToStorage:
      return JudgeReturn(c, rule, v);
    case pb::Event::kStored:
    case pb::Event::kStoredClinic:
    case pb::Event::kStoredInShipper:
    case pb::Event::kMoved:
      return JudgeStored(c, rule, v);
    case pb::Event::kReceivedMfg:
    case pb::Event::kReceivedClinic: {
      const bool mfg = Body(c) == pb::Event::kReceivedMfg;
      if (mfg) {
        const pb::ReceivedMfg& body = c.effective.received_mfg();
        JudgeReadings(c, rule, v, body.shipper().value(), body.logger_readings(), std::nullopt);
      } else {
        const pb::ReceivedClinic& body = c.effective.received_clinic();
        std::optional<double> at_opening;
        if (body.has_temperature_centi_c()) at_opening = body.temperature_centi_c() / 100.0;
        JudgeReadings(c, rule, v, body.shipper().value(), body.logger_readings(), at_opening);
      }
      const pb::Shipment* shipment =
          OpenShipment(c.therapy, mfg ? c.effective.received_mfg().shipper().value()
                                      : c.effective.received_clinic().shipper().value());
      if (shipment == nullptr || !shipment->telemetry()) return;
      const std::int64_t opened = Micros(mfg ? c.effective.received_mfg().seal_opened_at()
                                             : c.effective.received_clinic().seal_opened_at());
      const std::int64_t missing = opened - shipment->data_to_us();
      const std::int64_t allowed = GapLimit(LimitFor(c.profile, LoadOf(*shipment)));
      if (missing <= allowed) return;
      return QuarantineAll(c, rule, v, Cold::kUnknown, *shipment,
                           "no data missing for more than " + Span(allowed),
                           "none for " + Span(missing) + " before the seal was opened");
    }
    default:
      return;
  }
}

namespace {

// Each lot of which something is decided by quality of who made it; of collected cells by that of
// who makes the product.
bool IsDecidedByMakers(const Case& c, const pb::QuarantineDecided& body) {
  const std::vector<StepPerson> people = PeopleOf(c.effective);
  const auto decided = [&](const pb::Lot* lot) {
    return std::ranges::any_of(people, [&](const StepPerson& who) {
      return who.role == pb::QA && IsMaker(c, who.person, lot);
    });
  };
  if (body.containers().empty()) return decided(nullptr);
  return std::ranges::all_of(body.containers(), [&](const std::string& id) {
    const std::vector<const pb::Lot*> lots = LotsMeant(c.therapy, id);
    return lots.empty() ? decided(nullptr) : std::ranges::all_of(lots, decided);
  });
}

}  // namespace

void QuarantineLifted(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kQuarantineDecided) {
    const pb::QuarantineDecided& body = c.effective.quarantine_decided();
    if (!IsDecidedByMakers(c, body)) {
      Structure(
          c, rule, v,
          {"a decision by " + QualityOf(c), "somebody else", QualityOf(c) + " signs the decision"});
    }
    if (body.cause() == pb::QUARANTINED_FOR_IDENTITY) {
      Structure(c, rule, v,
                {"identity in doubt ends by IDENTITY_RESOLVED only", "a quarantine decision",
                 "two of quality resolve it: IDENTITY_RESOLVED"});
    } else if (body.verdict() == pb::QUARANTINE_USE && !LiftsAny(c, body)) {
      const std::string later = body.quarantine().empty() ? Later(c, body) : std::string();
      if (!later.empty()) {
        Gate(c, rule, v,
             {"a decision that names the quarantine, or was made LIVE after it arose",
              later + " may not have been known then",
              "quality of the manufacturer looks at it and decides again, naming it"});
        return;
      }
      Structure(c, rule, v,
                {"an open quarantine of these containers",
                 !body.quarantine().empty() ? NotMeant(c, body)
                 : KindOfCause(body.cause()) == pb::QUARANTINE_KIND_UNSPECIFIED
                     ? "none is named, and no quarantine says that this cause opened it"
                     : "none for this cause",
                 "name one that is open: " + Decidable(c) + "; identity in doubt has its own way"});
    }
    return;
  }
  // Starting material that is held goes nowhere; product has R34.
  Set ids;
  for (const std::string& id : LeavingHouse(c)) ids.insert(id);
  if (c.effective.has_packed()) {
    for (const std::string& id : StepContainers(c.effective)) ids.insert(id);
  }
  for (const std::string& din : c.effective.batch_opened().donations()) {
    for (const pb::Container* bag : CellsFor(c, din)) ids.insert(bag->id());
  }
  for (const std::string& id : ids) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr || container->material() != pb::STARTING_MATERIAL) continue;
    for (const pb::Quarantine* q : OpenQuarantines(c.therapy, *container)) {
      Gate(c, rule, v,
           {"no open quarantine", "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
            "wait for the decision on it", id});
    }
  }
}

}  // namespace custody::rules
