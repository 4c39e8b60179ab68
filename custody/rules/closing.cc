// The end of the record (row 46): custody closes when every container has its end and nothing is
// left open, the therapy when nobody will follow it any further. What is missing is listed whole,
// each thing with where it is and what ends it, so that one look tells all that remains to be done.
// A closed therapy takes facts, recalls and its reopening, nothing else.
#include <algorithm>

#include "custody/accounting.h"
#include "custody/aftercare.h"
#include "custody/body_plan.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// Where a container is, for people.
std::string PlaceOf(const Case& c, const pb::Container& container) {
  const pb::Shipment* shipment = LastShipment(c.therapy, container.shipment());
  if (shipment != nullptr) {
    const bool carried = container.state() == pb::CONTAINER_IN_TRANSIT;
    return " in shipper " + shipment->shipper() +
           (carried ? " with " + shipment->carrier() : " at " + container.site());
  }
  std::string place = container.location().empty() ? "" : " in " + container.location();
  if (!container.site().empty()) place += " at " + container.site();
  return place;
}

// What ends a container that is in this state.
const char* EndOf(pb::ContainerState state) {
  switch (state) {
    case pb::CONTAINER_PACKED:
    case pb::CONTAINER_IN_TRANSIT:
      return "receive it, or record SHIPMENT_LOST";
    case pb::CONTAINER_IN_USE:
      return "the manufacturer records that it is used up: DISPOSITION";
    case pb::CONTAINER_INFUSING:
      return "record how much was given: INFUSION_COMPLETED";
    case pb::CONTAINER_RETAINED:
      return "end its keeping: DISPOSITION returned, research or destroyed";
    case pb::CONTAINER_REJECTED:
      return "return it to its maker, or two people destroy it: DISPOSITION";
    default:
      return "record what became of it: DISPOSITION";
  }
}

void NeedEnds(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const pb::Container& container : c.therapy.containers()) {
    const bool retained =
        container.state() == pb::CONTAINER_RETAINED && !c.effective.has_therapy_closed();
    if (retained) continue;
    if (!IsTerminal(container.state())) {
      Gate(c, rule, v,
           {"an end of every container", StateLabel(container.state()) + PlaceOf(c, container),
            EndOf(container.state()), container.id()});
      continue;
    }
    const std::optional<double> left = OpenResidue(c.profile, container);
    if (!left) continue;
    Gate(c, rule, v,
         {"the whole of every container accounted for",
          Number(*left) + " mL of " + Number(container.volume_ml()) + " mL are not",
          "two people record what became of the rest: DISPOSITION, residue destroyed",
          container.id()});
  }
}

// Whether all that a shipment holds came to an end elsewhere: lost and never found.
bool IsOver(const Case& c, const pb::Shipment& shipment) {
  return std::ranges::all_of(shipment.containers(), [&](const std::string& id) {
    const pb::Container* container = FindContainer(c.therapy, id);
    return container != nullptr && IsTerminal(container->state());
  });
}

void NeedNothingOnItsWay(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const pb::Shipment& shipment : c.therapy.shipments()) {
    if (!shipment.open() || IsOver(c, shipment)) continue;
    Gate(c, rule, v,
         {"no shipment under way",
          shipment.handed_us() == 0 ? "packed at " + shipment.from_site()
                                    : "with " + shipment.carrier() + " for " + shipment.to_site(),
          "receive it, or record SHIPMENT_LOST", shipment.shipper()});
  }
  for (const pb::Offer& offer : c.therapy.offers()) {
    if (offer.expires_us() != 0 && At(c) > offer.expires_us()) continue;  // stays with the giver
    Gate(
        c, rule, v,
        {"no open hand-over",
         "offered to " + offer.to_site() + " until " + Local(c, offer.expires_us()),
         "the receiver answers: HANDOVER_ACCEPTED or HANDOVER_REFUSED", ShortId(offer.event_id())});
  }
}

void NeedDecisions(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const pb::Quarantine& quarantine : c.therapy.quarantines()) {
    if (!quarantine.open()) continue;
    std::vector<std::string> held(quarantine.containers().begin(), quarantine.containers().end());
    held.insert(held.end(), quarantine.items().begin(), quarantine.items().end());
    const bool identity = quarantine.kind() == pb::QUARANTINED_IDENTITY;
    Gate(c, rule, v,
         {"every quarantine decided",
          "for " + QuarantineLabel(quarantine.kind()) + ": " + List(held),
          !identity ? QualityOf(c) + " decides: QUARANTINE_DECIDED"
          : HasMaker(c.therapy)
              ? "two of quality of both organisations resolve it: IDENTITY_RESOLVED"
              : "two of quality of the treating house resolve it: "
                "IDENTITY_RESOLVED",
          quarantine.id()});
  }
  for (const pb::Deviation& deviation : c.therapy.deviations()) {
    if (!deviation.open()) continue;
    Gate(c, rule, v,
         {"every deviation closed", deviation.id() + ": " + deviation.found(),
          "close it with a disposition: DEVIATION_CLOSED", deviation.id(), pb::CLINICAL});
  }
}

// A release may rest on what was negative to date; the record does not.
void NeedFinalResults(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const pb::Lot& lot : c.therapy.lots()) {
    for (const pb::TestState& test : lot.tests()) {
      if (!HasRelease(lot) || test.final_due_us() == 0) continue;
      Gate(c, rule, v,
           {"a final result of every test of a lot that was released",
            "test " + test.test() + " is negative to date; its final result was awaited on " +
                Local(c, test.final_due_us()),
            "quality control records the final result: QC_RESULT", lot.lot(), pb::QUALITY});
    }
  }
}

// Who closes says that it is so; who says that it is not, closes nothing.
void NeedYes(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CustodyClosed& body = c.effective.custody_closed();
  const auto need = [&](pb::Answer answer, const char* what) {
    if (answer != pb::NO) return;
    Gate(c, rule, v, {what, "no", "look for what is missing, record it, then close"});
  };
  need(body.containers_accounted(), "every container accounted for");
  need(body.deviations_closed(), "all deviations closed");
}

// The visits of all years; of years that nobody asks for none.
void NeedFollowup(const Case& c, const Rule& rule, pb::Verdict& v) {
  const std::uint32_t years = std::min(AftercareOf(c.profile).years(), kMostYears);
  const std::uint32_t done = c.therapy.condition().visits_done();
  if (c.therapy.first_infused_us() == 0) {
    Gate(c, rule, v,
         {"a patient who was treated", "nothing was infused", "close it as not treated"});
    return;
  }
  const bool lost =
      c.therapy.condition().vital_status() == static_cast<std::uint32_t>(pb::VITAL_STATUS_LOST);
  if (lost) {
    Gate(c, rule, v,
         {"a patient who was seen at the last visit", "lost to follow-up", "close it as lost"});
    return;
  }
  if (years == 0 || (done >> (years + 1) & 1) != 0) return;
  std::uint32_t last = 0;
  for (std::uint32_t year = 1; year < years; ++year) {
    if ((done >> (year + 1) & 1) != 0) last = year;
  }
  Gate(c, rule, v,
       {"the follow-up of year " + std::to_string(years),
        last == 0 ? "no yearly follow-up" : "the last one of year " + std::to_string(last),
        "go on with the visits; or close it as what it is: death, lost or transferred"});
}

void NeedReason(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CloseReason reason = c.effective.therapy_closed().reason();
  const auto need = [&](bool met, const char* expected, const char* found, const char* next) {
    if (!met) Gate(c, rule, v, {expected, found, next});
  };
  switch (reason) {
    case pb::CLOSED_FOLLOWUP_COMPLETE:
      return NeedFollowup(c, rule, v);
    case pb::CLOSED_NOT_TREATED:
      return need(c.therapy.first_infused_us() == 0, "a patient who got none of it",
                  "product was infused", "follow the patient up, then close it");
    case pb::CLOSED_DEATH:
      return need(c.therapy.patient_died(), "the patient's death", "not recorded",
                  "record PATIENT_DIED first");
    case pb::CLOSED_LOST:
      return need(
          c.therapy.condition().vital_status() == static_cast<std::uint32_t>(pb::VITAL_STATUS_LOST),
          "a visit that says: lost to follow-up", "none",
          "record FOLLOWUP with that answer, then close it");
    default:
      return;
  }
}

// Bodies that a closed therapy takes although they are no facts: a recall has to reach it.
bool MayFollowItsEnd(const Case& c) {
  return PlanOf(c.effective).rule->kind() == pb::FACT || c.effective.has_therapy_reopened() ||
         c.effective.has_product_recalled();
}

}  // namespace

void ReadyToClose(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.therapy.sealed()) {
    if (MayFollowItsEnd(c)) return;
    Gate(c, rule, v,
         {"a therapy that is open", "closed", "quality opens it again first: THERAPY_REOPENED"});
    return;
  }
  if (c.effective.has_custody_closed()) {
    NeedYes(c, rule, v);
  } else if (c.effective.has_therapy_closed()) {
    if (!c.therapy.closed()) {
      Gate(c, rule, v, {"custody closed before the therapy", "open", "record CUSTODY_CLOSED"});
    }
    NeedReason(c, rule, v);
  } else {
    return;
  }
  NeedEnds(c, rule, v);
  NeedNothingOnItsWay(c, rule, v);
  NeedFinalResults(c, rule, v);
  NeedDecisions(c, rule, v);
}

void RecordKept(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!c.effective.therapy_closed().has_retain_until()) return;
  const std::int64_t known = c.therapy.retain_until_us();
  const std::int64_t least = known == 0 ? RetainUntil(At(c), c.therapy.zone()) : known;
  const std::int64_t stated = Micros(c.effective.therapy_closed().retain_until());
  // A date is stated, and dates begin at midnight.
  if (stated + kMicrosPerDay > least) return;
  Gate(c, rule, v,
       {"the record kept until " + Local(c, least) + ", 30 years after " +
            (known == 0 ? "its end, as there was no product" : "the product's expiry"),
        "until " + Local(c, stated), "state the later day"});
}

}  // namespace custody::rules
