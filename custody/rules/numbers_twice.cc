// F8b for what is new: a number that the therapy has for something else is borne by two things, and
// a scan tells neither from the other any more. Whoever fills, freezes or draws it states a fact;
// so the record keeps what it knew under that number, holds it, and says what the other thing is.
#include <set>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// What bears a number, for people.
std::string Bearer(const pb::Container& container) {
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
  const auto cells = [&](const std::string& id, const std::string& din) {
    give(id, "cells of donation " + din, [&](const pb::Container& known) {
      return known.material() == pb::STARTING_MATERIAL && known.din() == din;
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
  }
  for (const pb::FrozenContainer& one : c.effective.apheresis_cryopreserved().containers()) {
    cells(one.container(), c.effective.apheresis_cryopreserved().din());
  }
}

}  // namespace custody::rules
