// What a lot is made of and what is named of it: asked by both kinds of release (R16, R17), and of
// a recall.
#include <algorithm>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Named = google::protobuf::RepeatedPtrField<pb::ReleasedContainer>;

// What a release names; empty for other bodies.
const Named& NamedBy(const pb::Event& event) {
  static const Named kNone;
  switch (event.body_case()) {
    case pb::Event::kReleased:
      return event.released().containers();
    case pb::Event::kQpCertification:
      return event.qp_certification().containers();
    case pb::Event::kReleasedOos:
      return event.released_oos().containers();
    default:
      return kNone;
  }
}

}  // namespace

void NeedNewWord(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const auto judge = [&](std::int64_t ended, const std::string& what) {
    if (ended <= KnownUntil(c)) return;
    Gate(c, rule, v,
         {"a word given after the last one was taken back, " + Local(c, ended),
          "given " + Local(c, At(c)) + ", before it or at the same time",
          "it gives nothing back; whoever still means it looks at the lot again and signs now",
          what});
  };
  judge(lot.release_ended_us(), lot.lot());
  for (const pb::ReleasedContainer& named : NamedBy(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, named.container());
    if (container != nullptr) judge(container->release_ended_us(), container->id());
  }
}

namespace {

template <class Body>
std::int64_t StatedExpiry(const Body& body) {
  // What is only offered has nothing typed yet.
  return body.has_expires_at()
             ? ExpiryOf(body.expires_at(), body.expiry_time_zone(), body.expiry_date_only())
             : 0;
}

// Until when a release dates its product; 0: it does not say.
std::int64_t StatedExpiry(const Case& c) {
  if (c.effective.has_released()) return StatedExpiry(c.effective.released());
  if (c.effective.has_released_oos()) return StatedExpiry(c.effective.released_oos());
  return StatedExpiry(c.effective.qp_certification());
}

// Whether somebody else said, as they took the release back, that its date is not the label's.
bool IsReadByAnother(const Case& c, const pb::Lot& lot) {
  const auto& doubted = lot.expiry_doubted();
  return !doubted.empty() && std::ranges::none_of(PeopleOf(c.effective), [&](const auto& person) {
    const auto index = PersonIndex(c.therapy, person.person);
    return index && std::ranges::find(doubted, *index) != doubted.end();
  });
}

}  // namespace

void NeedDate(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const std::int64_t stated = StatedExpiry(c);
  if (stated == 0 || stated > At(c)) return;
  Gate(c, rule, v,
       {"an expiry that is still to come", Local(c, stated),
        "compare the date with the label; what has expired is given only with a later date of the "
        "exceptional release: RELEASED_OOS",
        lot.lot()});
}

void NeedKeptExpiry(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const std::int64_t stated = StatedExpiry(c);
  for (const pb::ReleasedContainer& named : NamedBy(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, named.container());
    if (container == nullptr) continue;  // F8a says so
    const bool dated = container->expiry_us() != 0;
    const std::int64_t known = dated ? container->expiry_us() : lot.expiry_us();
    if (known == 0 || stated <= known) continue;
    // A date that was typed wrongly is put right by taking the release back and giving it anew: two
    // decisions of quality, and there for everybody to see. Once that date has passed, two people
    // read the label, for what has expired is cured by nothing but the exceptional release.
    const bool again = At(c) <= known || IsReadByAnother(c, lot);
    if (lot.state() == pb::LOT_WITHDRAWN && again) {
      Deviation(
          c, rule, v,
          {"the expiry of the certificate before, " + Local(c, known), Local(c, stated),
           "quality says why it is dated later, and compares it with the label", container->id()},
          true);
      continue;
    }
    Gate(
        c, rule, v,
        {"an expiry not later than the one on its label, " + Local(c, known), Local(c, stated),
         "state the date of the label or an earlier one; of a date typed wrongly RELEASE_WITHDRAWN "
         "first, that says so and that another person than who releases signs; only the "
         "exceptional release dates product later: RELEASED_OOS",
         container->id()});
  }
}

void NeedSoundLot(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (lot.state() == pb::LOT_REJECTED || lot.state() == pb::LOT_RECALLED) {
    Gate(c, rule, v,
         {"a lot that was not rejected", LotLabel(lot.state()),
          "do not release it; make another: RECOLLECTION_ORDERED, or retained cells", lot.lot()});
  }
  for (const pb::Quarantine* q : OpenQuarantinesOfLot(c.therapy, lot)) {
    // The exceptional release may cure a temperature, nothing else.
    const bool cold = q->kind() == pb::QUARANTINED_TEMP || q->kind() == pb::QUARANTINED_DATA;
    if (c.effective.has_released_oos() && cold) continue;
    Gate(c, rule, v,
         {"no open quarantine of the lot or of the cells it was made of",
          "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
          q->kind() == pb::QUARANTINED_IDENTITY
              ? "two of quality of both organisations resolve it: IDENTITY_RESOLVED"
              : "quality of the manufacturer decides: QUARANTINE_DECIDED",
          lot.lot()});
  }
  if (const pb::Container* cells = RejectedAmong(SourcesOf(c.therapy, lot.lot()))) {
    Gate(c, rule, v,
         {"cells that quality did not reject", cells->id() + " was rejected",
          "quality of the manufacturer rejects the lot: REJECTED", lot.lot()});
  }
}

void NeedOwnProduct(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  for (const pb::ReleasedContainer& named : NamedBy(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, named.container());
    if (container == nullptr) continue;  // F8a says so
    const bool product = container->material() == pb::DRUG_PRODUCT;
    if (!product || container->lot() != lot.lot()) {
      Gate(c, rule, v,
           {"a container of drug product of lot " + lot.lot(),
            product ? "of lot " + container->lot() : "no drug product",
            "name the containers of this lot, each lot in its own certificate", container->id()});
    } else if (container->recalled()) {
      Gate(c, rule, v,
           {"a container that was not recalled", "recalled",
            "leave it out: a recall is never undone; record its DISPOSITION", container->id()});
    }
  }
}

void RecallConcerns(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ProductRecalled& recall = c.effective.product_recalled();
  // Of everything else the therapy does not say by itself what was made with it, and a recall is
  // for ever.
  if (!TellsApart(recall)) {
    Gate(c, rule, v,
         {"the containers that this recall is about", "none named",
          "name every container made with it, as `recall` lists them; or recall by lot or vector",
          recall.identifier()});
    return;
  }
  const bool any =
      !RecalledLots(c.therapy, recall).empty() || !RecalledContainers(c.therapy, recall).empty();
  if (any) return;
  std::vector<std::string> known;
  for (const pb::Lot& lot : c.therapy.lots()) {
    known.push_back("lot " + lot.lot());
    for (const std::string& vector : lot.vector_lots()) known.push_back("vector " + vector);
  }
  Gate(c, rule, v,
       {"something of this therapy: " + List(known),
        recall.identifier_type() + " " + recall.identifier() + " is none",
        "look the number up, or name the containers; a therapy without it has nothing to recall",
        recall.identifier()});
}

}  // namespace custody::rules
