// What a lot is made of, by whom, and went through (R46), how often cells are collected and when
// failed ones are used (F3), and a lot that is made again of cells that were kept (F4).
#include <algorithm>

#include "custody/body_plan.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

// Where a bag is, for people.
std::string Whereabouts(const pb::Container& bag) {
  const std::string state = StateLabel(bag.state());
  return bag.site().empty() ? state : state + " at " + bag.site();
}

// Why a bag is not used for a batch yet; what is held or gone has rules of its own.
void JudgeBag(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& bag) {
  const auto gate = [&](std::string expected, std::string found, const char* next) {
    Gate(c, rule, v, {std::move(expected), std::move(found), next, bag.id()});
  };
  if (bag.state() == pb::CONTAINER_RETAINED) {
    gate("cells that were not kept back", "retained",
         "order it, with the physician: REMANUFACTURE_ORDERED; or take other cells");
  }
  if (MayNotBeUsed(bag.state())) return;  // F17 says so
  const bool under_way =
      bag.state() == pb::CONTAINER_PACKED || bag.state() == pb::CONTAINER_IN_TRANSIT;
  if (under_way || bag.site() != BatchSite(c)) {
    gate("cells received at " + BatchSite(c), Whereabouts(bag),
         "receive them first, scanned: RECEIVED_MFG; or take them out of the batch");
  } else if (!bag.accepted()) {
    gate("cells that passed the incoming check", "no incoming check that stands",
         "check them in: INCOMING_QC_PASSED; at risk only by quality: QUARANTINE_DECIDED");
  }
}

// Cells that lie here, accepted, and go into no batch: forgotten, or kept back on purpose.
void NeedAllPooled(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::BatchOpened& body = c.effective.batch_opened();
  for (const pb::Donation& donation : c.therapy.donations()) {
    if (Contains(body.donations(), donation.din())) continue;
    const auto waits = [&](const pb::Container& bag) {
      return bag.material() == pb::STARTING_MATERIAL && bag.din() == donation.din() &&
             bag.accepted() && !bag.rejected() && !MayNotBeUsed(bag.state()) &&
             bag.state() != pb::CONTAINER_IN_USE && bag.site() == BatchSite(c) &&
             OpenQuarantines(c.therapy, bag).empty();
    };
    if (std::ranges::none_of(c.therapy.containers(), waits)) continue;
    Gate(c, rule, v,
         {"every donation that is pooled, named",
          donation.din() + " is here and accepted, not named",
          "name it; or say that it is kept back: DISPOSITION, retained", donation.din()});
  }
}

// Whose product it is, and by which profile it is judged, follows from where the lot was opened and
// for which product. That is settled before: a message about a slot or another order does not make
// somebody else its maker, nor another product of it.
void MakerStays(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string& site =
      c.effective.has_therapy_ordered() ? c.effective.therapy_ordered().manufacturing_site()
      : c.effective.has_slot_reserved() ? c.effective.slot_reserved().manufacturing_site()
                                        : c.effective.slot_changed().manufacturing_site();
  const std::string& product = c.effective.therapy_ordered().product();
  const pb::Lot* lot = LotInHand(c.therapy);
  if (lot == nullptr) return;
  constexpr const char* kNext =
      "look for the slip; if it is meant, this lot ends first: MANUFACTURING_FAILED or REJECTED";
  if (!product.empty() && !lot->product().empty() && product != lot->product()) {
    Gate(
        c, rule, v,
        {lot->product() + ", of which lot " + lot->lot() + " is made", product, kNext, lot->lot()});
  }
  if (site.empty() || lot->site().empty() || c.registry.IsSameHouse(site, lot->site())) return;
  Gate(c, rule, v,
       {"made by who has lot " + lot->lot() + " in hand: " + lot->site(), site, kNext, lot->lot()});
}

void PlannedHere(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::string& planned = c.therapy.manufacturer_site();
  const std::string site = BatchSite(c);
  if (planned.empty() || site.empty() || c.registry.IsSameHouse(site, planned)) return;
  Gate(c, rule, v,
       {"a batch opened by the manufacturer that was ordered: " + planned, "at " + site,
        "open it there; or the planner moves the slot to who makes it: SLOT_CHANGED",
        c.effective.batch_opened().lot()});
}

// A batch is made of cells that are here, checked in, and named.
void CellsReady(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::BatchOpened& body = c.effective.batch_opened();
  PlannedHere(c, rule, v);
  for (const std::string& din : body.donations()) {
    if (FindDonation(c.therapy, din) == nullptr) {
      const pb::Container* bag = FindContainer(c.therapy, din);
      if (bag == nullptr) continue;  // F8a says so
      Gate(c, rule, v,
           {"the numbers of the donations", din + " is a bag of " + bag->din(),
            "name " + bag->din() + ", and the bag among the bags used", din});
      continue;
    }
    const std::vector<const pb::Container*> bags = CellsFor(c, din);
    if (bags.empty()) {
      Gate(c, rule, v,
           {"a collected bag of every donation named",
            body.containers().empty() ? "none was collected" : "no bag of it is named",
            "name its bag, or leave the donation out", din});
    }
    for (const pb::Container* bag : bags) JudgeBag(c, rule, v, *bag);
  }
  for (const std::string& id : body.containers()) {
    const pb::Container* bag = FindContainer(c.therapy, id);
    if (bag == nullptr || Contains(body.donations(), bag->din())) continue;  // F8a says so
    Gate(c, rule, v,
         {"collected bags of the donations named",
          bag->din().empty() ? "no collected cells" : "a bag of " + bag->din(),
          "name its donation too, or leave the bag out", bag->id()});
  }
  NeedAllPooled(c, rule, v);
}

}  // namespace

// A product that skipped a step of its making is another product: nobody overrides it, what was
// done and not recorded is recorded late.
void StepsMade(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_batch_opened()) return CellsReady(c, rule, v);
  if (c.effective.has_therapy_ordered() || c.effective.has_slot_reserved() ||
      c.effective.has_slot_changed()) {
    return MakerStays(c, rule, v);
  }
  Certificate certificate;
  if (c.profile == nullptr || !ReleaseOf(c.effective, certificate)) return;
  const pb::Lot* lot = FindLot(c.therapy, certificate.lot);
  if (lot == nullptr) return;  // F8a says so
  for (const std::string& step : c.profile->mandatory_steps()) {
    const int number = BodyNumber(step);
    if (number != 0 && WasMade(*lot, number)) continue;
    const std::string label = number == 0 ? step : PlanOf(number).rule->label();
    Gate(c, rule, v,
         {"recorded of this lot: " + label, number == 0 ? "there is no such step" : "not recorded",
          number == 0 ? "the trustees publish the profile with the right names of its steps"
                      : "if it was done, record it late; else reject the lot",
          lot->lot()});
  }
}

namespace {

void AttemptsLeft(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::uint32_t stated = c.effective.recollection_ordered().attempt();
  const std::uint32_t counted = c.therapy.recollections() + 2;  // the first was ordered by nobody
  const std::uint32_t limit = c.profile == nullptr ? 0 : c.profile->max_collection_attempts();
  const std::uint32_t most = Tightened(Defaults::kCollections, limit);
  const std::uint32_t attempt = std::max(stated, counted);
  if (attempt > most) {
    Gate(c, rule, v,
         {"at most " + std::to_string(most) + " collections", "number " + std::to_string(attempt),
          "a physician reviews the case: OVERRIDE_GRANTED with the reasons, or INELIGIBLE"});
  }
  if (stated == counted || stated == 0) return;
  Note(c, rule, v,
       {"attempt " + std::to_string(counted) + ", as counted here", std::to_string(stated),
        "look whether a collection order is missing here"});
}

// The needle again, after cells that came to nothing, is another attempt: it is ordered, and so it
// is counted.
void OrderedAgain(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::int64_t failed = c.therapy.collection_failed_us();
  if (failed == 0 || c.therapy.recollection_us() + kSkew >= failed) return;
  Gate(c, rule, v,
       {"a new collection ordered since cells failed, " + Local(c, failed), "no order since",
        "the physician orders it: RECOLLECTION_ORDERED"});
}

// What is left of a failed collection or check is used by decision alone.
void HoldFailedCells(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& name,
                     std::string found) {
  const pb::Container* bag = FindContainer(c.therapy, name);
  const std::string id = bag == nullptr ? name : bag->id();
  Quarantine(c, rule, v,
             {"cells of a sound collection that pass their check", std::move(found),
              "collect again: RECOLLECTION_ORDERED; or " + QualityOf(c) +
                  " decides to use them at risk: QUARANTINE_DECIDED",
              id});
}

void JudgeFailed(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CollectionFailed& body = c.effective.collection_failed();
  std::string din = body.din();
  if (din.empty() && !c.therapy.donations().empty()) din = c.therapy.donations().rbegin()->din();
  if (din.empty()) return;  // nothing was collected
  // Cells that are destroyed are used no more, unless they are in a lot already.
  const auto in_lot = [](const pb::Container* bag) { return !bag->used_in().empty(); };
  const bool used = std::ranges::any_of(ContainersMeant(c.therapy, din), in_lot);
  if (body.material_kept() != pb::YES && !used) return;
  HoldFailedCells(c, rule, v, din, "the collection failed");
}

}  // namespace

void CollectedAgain(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kRecollectionOrdered:
      return AttemptsLeft(c, rule, v);
    case pb::Event::kApheresisStarted:
      return OrderedAgain(c, rule, v);
    case pb::Event::kCollectionFailed:
      return JudgeFailed(c, rule, v);
    case pb::Event::kIncomingQcFailed:
      for (const std::string& id : c.effective.incoming_qc_failed().containers()) {
        HoldFailedCells(c, rule, v, id, "the incoming check failed");
      }
      return;
    case pb::Event::kIncomingQcPassed:
      if (c.effective.incoming_qc_passed().accepted_at_risk() != pb::YES) return;
      for (const std::string& id : c.effective.incoming_qc_passed().containers()) {
        HoldFailedCells(c, rule, v, id, "accepted at risk by quality control");
      }
      return;
    default:
      return;
  }
}

void MadeAgain(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kRemanufactureOrdered) return;
  const pb::RemanufactureOrdered& body = c.effective.remanufacture_ordered();
  const std::vector<StepPerson> people = PeopleOf(c.effective);
  const pb::Lot* lot = FindLot(c.therapy, body.old_lot());
  // What ends a lot is its own maker's word; of one that has ended, that of who makes the next.
  const pb::Lot* ends = lot == nullptr || lot->state() == pb::LOT_REJECTED ? nullptr : lot;
  const bool makers = std::ranges::any_of(people, [&](const StepPerson& who) {
    return who.role == pb::QA && IsMaker(c, who.person, ends);
  });
  if (!makers && !people.empty()) {  // a step that is only offered has nobody yet
    Gate(c, rule, v,
         {"quality of the manufacturer and the physician", "nobody of the manufacturer's quality",
          "quality of the manufacturer orders it with the physician"});
  }
  if (lot != nullptr && HasRelease(*lot)) {
    Gate(c, rule, v,
         {"a lot that failed or was rejected", LotLabel(lot->state()),
          "look which lot failed; a release ends first: RELEASE_WITHDRAWN", lot->lot()});
  }
  for (const std::string& id : body.containers()) {
    const pb::Container* bag = FindContainer(c.therapy, id);
    if (bag == nullptr) continue;  // F8a says so
    const auto gate = [&](const char* expected, std::string found, const char* next) {
      Gate(c, rule, v, {expected, std::move(found), next, bag->id()});
    };
    constexpr const char* kElse = "collect again: RECOLLECTION_ORDERED";
    const bool kept = bag->state() == pb::CONTAINER_RETAINED || !MayNotBeUsed(bag->state());
    if (bag->material() != pb::STARTING_MATERIAL || bag->plasma()) {
      gate("collected cells that were kept back", bag->plasma() ? "plasma" : "no collected cells",
           kElse);
    } else if (!kept || bag->rejected()) {
      gate("collected cells that were kept back",
           bag->rejected() ? "rejected" : StateLabel(bag->state()), kElse);
    } else if (!bag->accepted()) {
      gate("cells that passed the incoming check", "no incoming check that stands",
           "check them in first: INCOMING_QC_PASSED");
    }
    for (const pb::Quarantine* q : OpenQuarantines(c.therapy, *bag)) {
      gate("no open quarantine", "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
           "wait for the decision on it");
    }
  }
}

}  // namespace custody::rules
