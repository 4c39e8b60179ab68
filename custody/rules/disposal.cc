// How a container ends other than in a patient. Damage is a fact that anybody may state: it holds
// the container and decides nothing; what is left of it is a physician's to decide, who signs that
// (F7). What becomes of it is decided by two people of the site
// that has it in its hands, who scan it (F17).
#include <algorithm>
#include <set>

#include "custody/accounting.h"
#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

constexpr const char* kPhysicianDecides =
    "put it aside; the physician decides, salvage with a culture: CONTAINER_DAMAGED; what is "
    "destroyed two people record: DISPOSITION";

void Hold(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
          const char* expected, const std::string& found, const char* next = kPhysicianDecides) {
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container != nullptr && IsTerminal(container->state())) {
    Deviation(c, rule, v,
              {expected, found + "; " + StateLabel(container->state()) + " already",
               "tell the physician and quality", container->id()},
              true);
    return;
  }
  Quarantine(c, rule, v, {expected, found, next, container == nullptr ? id : container->id()});
}

void JudgeDamage(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ContainerDamaged& body = c.effective.container_damaged();
  const std::string& id = body.container();
  if (FindContainer(c.therapy, id) == nullptr) return;  // F8a says so
  const bool physician = SignedByPhysician(c.effective, c.registry, c.therapy);
  switch (body.outcome()) {
    case pb::DAMAGE_SALVAGED:
      if (physician && !body.culture_sample().empty()) return;
      return Hold(c, rule, v, id,
                  physician ? "a culture of what was saved" : "salvage decided by the physician",
                  physician ? "none" : "somebody else says so");
    case pb::DAMAGE_PARTIAL_DOSE:
      if (physician) return;
      return Hold(c, rule, v, id, "a partial dose decided by the physician",
                  "somebody else says so");
    case pb::DAMAGE_COSMETIC: {
      const bool lost = body.contents_lost() == pb::YES || body.volume_lost_ml() > 0;
      if (physician || !lost) return;
      return Hold(c, rule, v, id, "a container that lost nothing", body.damage());
    }
    case pb::DAMAGE_DESTROYED:
      return Hold(c, rule, v, id, "an undamaged container", body.damage(),
                  "keep what is left of it; two people record its destruction: DISPOSITION");
    default:
      return Hold(c, rule, v, id, "an undamaged container", body.damage());
  }
}

bool IsDestruction(pb::DispositionKind kind) {
  return kind == pb::DISPOSITION_DESTROYED || kind == pb::DISPOSITION_RESIDUE_DESTROYED;
}

// Who disposes of a container has it in hand.
void NeedHere(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const std::string site = SiteOf(c);
  const bool carried = container.state() == pb::CONTAINER_IN_TRANSIT;
  const bool unknown = site.empty() || (container.site().empty() && !carried);
  if (unknown || container.site() == site) return;
  const pb::Shipment* shipment = LastShipment(c.therapy, container.shipment());
  Gate(c, rule, v,
       {"a container that " + site + " holds",
        carried ? "under way" + (shipment == nullptr ? "" : " with " + shipment->carrier())
                : "at " + container.site(),
        "whoever holds it records what becomes of it", container.id()});
}

// Another kind of end than this container can have.
void NeedFittingKind(const Case& c, const Rule& rule, pb::Verdict& v,
                     const pb::Container& container) {
  const pb::DispositionKind kind = c.effective.disposition().kind();
  const bool product = container.material() == pb::DRUG_PRODUCT;
  const bool used_up = kind == pb::DISPOSITION_CONSUMED || kind == pb::DISPOSITION_SAMPLE_USED;
  if (product && used_up) {
    Gate(c, rule, v,
         {"product is infused, returned, kept, given to research or destroyed by two", "used up",
          "state what became of it", container.id()});
  }
  if (product && kind == pb::DISPOSITION_RESIDUE_DESTROYED && !IsPartlyUsed(container)) {
    Gate(c, rule, v,
         {"the rest of a container that was used", "nothing was taken out of it",
          "it is destroyed as a whole: DISPOSITION, destroyed", container.id()});
  }
  if (container.state() == pb::CONTAINER_INFUSING) {
    Gate(c, rule, v,
         {"an infusion that has ended", "it runs", "record INFUSION_COMPLETED first",
          container.id()});
  }
  if (kind == pb::DISPOSITION_RETAINED) return;
  for (const pb::Quarantine* held : OpenQuarantines(c.therapy, container)) {
    if (held->kind() != pb::QUARANTINED_IDENTITY) continue;
    Gate(c, rule, v,
         {"an item of which it is known whose it is", "identity in doubt: " + held->id(),
          "keep it: it may be another patient's only dose; IDENTITY_RESOLVED first",
          container.id()});
  }
}

// Whether what is left of a container that was given in part is still to be disposed of.
bool HasResidue(const Case& c, const pb::Container& container) {
  return c.effective.disposition().kind() == pb::DISPOSITION_RESIDUE_DESTROYED &&
         IsGiven(container.state()) && HasAccounts(container) && LeftIn(container) > 0;
}

void NeedScans(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Disposition& body = c.effective.disposition();
  std::set<std::string> scanned;
  for (const pb::Scanned& scan : body.scans()) {
    const pb::Container* container = FindContainer(c.therapy, scan.value());
    scanned.insert(container == nullptr ? scan.value() : container->id());
  }
  for (const std::string& id : body.containers()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (scanned.erase(container == nullptr ? id : container->id()) != 0) continue;
    Gate(c, rule, v,
         {"each container scanned where it is destroyed", "not scanned", "scan it, then destroy it",
          id});
  }
  for (const std::string& id : scanned) {
    Gate(c, rule, v,
         {"only the containers that are destroyed", id + " was scanned with them",
          "stop; look which container this is", id});
  }
}

}  // namespace

void JudgeDisposition(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Disposition& body = c.effective.disposition();
  if (IsDestruction(body.kind())) {
    if (body.method().empty() || body.place().empty()) {
      Gate(c, rule, v,
           {"method and place of the destruction", "not stated", "state how and where"});
    }
    NeedScans(c, rule, v);
  }
  for (const std::string& id : body.containers()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;  // F8a says so
    if (IsTerminal(container->state()) && !HasResidue(c, *container)) {
      Gate(c, rule, v,
           {"a container that is still there", StateLabel(container->state()),
            "look which container this is", id});
      continue;
    }
    NeedHere(c, rule, v, *container);
    NeedFittingKind(c, rule, v, *container);
  }
}

void DamageHeld(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_container_damaged()) return JudgeDamage(c, rule, v);
  if (c.effective.has_thaw_completed()) {
    const pb::ThawCompleted& body = c.effective.thaw_completed();
    const bool known = FindContainer(c.therapy, body.container()) != nullptr;
    if (body.leak() != pb::YES || !known) return;
    return Hold(c, rule, v, body.container(), "a bag without leak after the thaw", "it leaks");
  }
  if (!c.effective.has_filled()) return;
  for (const pb::FilledContainer& filled : c.effective.filled().containers()) {
    if (filled.integrity() != pb::NO) continue;
    Hold(c, rule, v, filled.container(), "an intact container after filling", "not intact");
  }
}

}  // namespace custody::rules
