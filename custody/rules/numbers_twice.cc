// F8b for what is new: a number that the therapy has for something else is borne by two things, and
// a scan tells neither from the other any more. Whoever fills, freezes or draws it states a fact;
// so the record keeps what it knew under that number, holds it, and says what the other thing is.
// And of numbers that only look wrong: they are asked about, and nothing is held.
#include <algorithm>
#include <set>

#include "custody/identity.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// What bears a number, for people.
std::string Bearer(const pb::Container& container) {
  if (container.plasma()) return "plasma of donation " + container.din();
  if (container.material() == pb::STARTING_MATERIAL) return "cells of donation " + container.din();
  const std::string what = container.material() == pb::DRUG_PRODUCT ? "product" : "a sample";
  const std::string of = container.lot().empty() ? "" : " of lot " + container.lot();
  return what + of + (container.parent().empty() ? "" : ", drawn from " + container.parent());
}

void DoubtNumber(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
                 const std::string& was, const std::string& now) {
  const Words words{"a number that nothing else bears", id + ": " + was + ", and now " + now,
                    "put both aside, compare their labels; call quality of both sites: "
                    "IDENTITY_RESOLVED",
                    id};
  Quarantine(c, rule, v, words);
  Deviation(c, rule, v, words, true);
}

// A donation number says who gave it (ISBT 128: its first five characters). One that another
// facility gave was hardly printed here: it is of another patient's stock, or typed wrongly. Asked
// when the number is new, of who collects; a house that enrolled no facility number is not asked.
void AskAssigner(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool label = c.effective.has_label_issued();
  if (!label && !c.effective.has_apheresis_started()) return;
  const std::string& din = label ? c.effective.label_issued().din().value()
                                 : c.effective.apheresis_started().din().value();
  const auto& issued = c.therapy.issued_labels();
  if (!label && std::ranges::find(issued, din) != issued.end()) return;  // asked then
  const std::string facility(FacilityOf(din));
  std::vector<std::string> own;
  for (const auto& [name, site] : c.registry.sites()) {
    if (!c.registry.IsSameHouse(SiteOf(c), name)) continue;
    own.insert(own.end(), site.facility_numbers.begin(), site.facility_numbers.end());
  }
  if (facility.empty() || own.empty() || std::ranges::find(own, facility) != own.end()) return;
  Deviation(c, rule, v,
            {"a donation number given by this house: facility number " + List(own),
             "facility number " + facility,
             "compare it with the label and the list it was taken from; if it is right, quality "
             "says whose number it is, and closes this",
             din},
            false);
}

// Plasma is used in the making like the cells: without a number of its own nobody can say what
// became of it.
void AskForPlasma(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ApheresisCompleted& body = c.effective.apheresis_completed();
  if (body.autologous_plasma() != pb::YES || !body.plasma_container().empty()) return;
  Deviation(c, rule, v,
            {"the bag of the plasma, with a number of its own", "none named",
             "label it and record it: CONTAINER_DERIVED, plasma; so it is followed to its end",
             body.din()},
            false);
}

}  // namespace

// The same thing told again, later, is no other thing. Who fills or draws one now and finds its
// number taken has two in hand.
void DoubtNumbers(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool told = !IsLive(c);
  std::set<std::string> given;
  const auto give = [&](const std::string& id, const std::string& now, auto same) {
    const pb::Container* known = FindContainer(c.therapy, id);
    if (known != nullptr && !same(*known)) {
      DoubtNumber(c, rule, v, known->id(), Bearer(*known), now);
    } else if (!given.insert(id).second) {
      DoubtNumber(c, rule, v, id, now, "once more");
    }
  };
  const auto cells = [&](const std::string& id, const std::string& din, bool plasma = false) {
    give(id, (plasma ? "plasma of donation " : "cells of donation ") + din,
         [&](const pb::Container& known) {
           return known.material() == pb::STARTING_MATERIAL && known.din() == din &&
                  known.plasma() == plasma;
         });
  };
  const pb::Filled& filled = c.effective.filled();
  for (const pb::FilledContainer& one : filled.containers()) {
    const bool product = IsProductVessel(one.kind());
    const std::string what = product ? "product" : "a sample";
    give(one.container(), what + " of lot " + filled.lot(), [&](const pb::Container& known) {
      return told && known.lot() == filled.lot() && known.parent().empty() &&
             known.volume_ml() == one.volume_ml() &&
             (known.material() == pb::DRUG_PRODUCT) == product;
    });
  }
  if (c.effective.has_container_derived()) {
    const pb::ContainerDerived& body = c.effective.container_derived();
    give(body.container(), "drawn from " + body.parent(), [&](const pb::Container& known) {
      return told && !known.parent().empty() && known.parent() == body.parent() &&
             known.volume_ml() == body.volume_ml();
    });
  }
  if (c.effective.has_apheresis_completed()) {
    const pb::ApheresisCompleted& body = c.effective.apheresis_completed();
    cells(body.container().empty() ? body.din() : body.container(), body.din());
    if (!body.plasma_container().empty()) cells(body.plasma_container(), body.din(), true);
  }
  for (const pb::FrozenContainer& one : c.effective.apheresis_cryopreserved().containers()) {
    cells(one.container(), c.effective.apheresis_cryopreserved().din());
  }
  AskAssigner(c, rule, v);
  AskForPlasma(c, rule, v);
}

}  // namespace custody::rules
