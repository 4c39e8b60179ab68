// What makes a lot usable, and whether this container may be used now.
//
// R34 looks at the scanned container's own lot, quarantines and expiry. The therapy's state is
// never asked: a therapy may have one lot released and another rejected, one bag held and one free.
#include <algorithm>
#include <set>
#include <utility>

#include "custody/body_plan.h"
#include "custody/oos.h"
#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {

bool ReleaseOf(const pb::Event& event, Certificate& out) {
  const auto take = [&](const auto& body) {
    out = {body.lot(), body.dose(), body.dose_unit(), body.weight_used_kg()};
    return true;
  };
  switch (event.body_case()) {
    case pb::Event::kReleased:
      return take(event.released());
    case pb::Event::kQpCertification:
      return take(event.qp_certification());
    case pb::Event::kReleasedOos:
      return take(event.released_oos());
    default:
      return false;
  }
}

std::vector<Words> ExceptionLacks(const Case& c, const pb::Lot& lot, const std::string& subject) {
  std::vector<Words> lacks;
  if (!c.therapy.consent_oos()) {
    lacks.push_back({"the patient's consent to a product out of specification", "none that stands",
                     "ask the patient: CONSENT_OBTAINED", subject});
  }
  for (const std::string& link : MissingOosLinks(lot, "")) {
    lacks.push_back({"the whole chain of the exceptional release", link + " is missing",
                     "do not use it; the chain is gone through again, or the lot is not given",
                     subject});
  }
  return lacks;
}

bool TellOldNo(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot,
               std::int64_t yes_us) {
  if (!IsOldNo(c.effective, !IsLive(c), yes_us)) return false;
  Deviation(c, rule, v,
            {"a no said after the yes that stands, of " + Local(c, yes_us),
             "said " + Local(c, At(c)) + ", before it",
             "it changes nothing; ask whoever said yes since whether they knew of it; if the no is "
             "still meant, they say it again and sign it now",
             lot.lot()},
            true);
  return true;
}

void NeedMaker(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const StepPerson& person : PeopleOf(c.effective)) {
    if (IsMaker(c, person.person)) continue;
    Gate(c, rule, v,
         {"quality of the manufacturer", person.person + " is not of it",
          "quality of the manufacturer decides", person.person});
  }
}

void NeedCleanRecord(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  for (const pb::Deviation& deviation : c.therapy.deviations()) {
    if (!deviation.open() || !deviation.critical()) continue;
    Gate(c, rule, v,
         {"no open critical deviation", deviation.id() + ": " + deviation.found(),
          "close it with a disposition: DEVIATION_CLOSED", deviation.id(), pb::CLINICAL});
  }
  for (const StepPerson& person : PeopleOf(c.effective)) {
    const auto index = PersonIndex(c.therapy, person.person);
    if (!index || std::ranges::find(lot.operators(), *index) == lot.operators().end()) continue;
    Gate(c, rule, v,
         {"a release by somebody who neither made nor tested the lot",
          person.person + " took part in it", "another qualified person releases", person.person});
  }
}

namespace {

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

void NeedTests(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (c.profile == nullptr || c.profile->release_tests().empty()) {
    Gate(c, rule, v,
         {"a profile that names the release tests", "none is published for this therapy",
          "the trustees publish the product's profile", lot.lot()});
    return;
  }
  for (const pb::ReleaseTest& test : c.profile->release_tests()) {
    if (SignedAnswer(lot, test.test()) != nullptr) continue;  // of a failure more below
    const auto last = std::ranges::find(lot.tests(), test.test(), &pb::TestState::test);
    const bool any = last != lot.tests().end();
    if (any && last->passed()) {
      // What was released on paper in an outage was released on results on paper. Any other
      // release, late ones too, is a permission for what comes.
      if (c.effective.entry() == pb::DOWNTIME) continue;
      Gate(c, rule, v,
           {"test " + test.test() + " passed, signed by quality control itself",
            "others wrote its result down",
            "quality control records it again and signs it: QC_RESULT", test.test()});
      continue;
    }
    Gate(c, rule, v,
         {"test " + test.test() + " passed", any ? "not passed" : "no result",
          any ? "investigate; or the exceptional release" : "record QC_RESULT", test.test()});
  }
  for (const pb::TestState& test : lot.tests()) {
    if (!test.failed()) continue;
    Gate(c, rule, v,
         {"no failed result that stands",
          "test " + test.test() + " failed: " + ShortId(test.event_id()),
          "investigate: QC_RESULT_INVALIDATED if the laboratory erred; or the exceptional release",
          test.test()});
  }
}

// What is out of specification goes the exceptional way, also where every test of it passed.
void NeedNothingMissed(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (lot.oos_missed().empty()) return;
  Gate(c, rule, v,
       {"a lot within its specification",
        "OOS_DETECTED says that it misses " +
            List({lot.oos_missed().begin(), lot.oos_missed().end()}),
        "release it out of specification: RELEASED_OOS at the end of its chain; of a laboratory's "
        "error: QC_RESULT_INVALIDATED of that test",
        lot.lot()});
}

void NeedReview(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (!lot.review().empty()) return;
  Gate(c, rule, v,
       {"the batch record reviewed, complete, deviations closed", "no such review",
        "quality reviews the batch record", lot.lot()});
}

// Which of the listed releases stand before this one.
void NeedEarlierReleases(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (c.profile == nullptr) return;
  const std::string_view own =
      Body(c) == pb::Event::kQpCertification ? "QP_CERTIFICATION" : "RELEASED";
  for (const std::string& release : c.profile->releases()) {
    if (release == own) break;
    if (Contains(lot.releases(), release)) continue;
    Gate(c, rule, v,
         {"the releases of the profile in their order", release + " is missing",
          "record " + release + " first", lot.lot()});
  }
}

std::string ExpiryText(const Case& c, std::int64_t expiry) { return "expires " + Local(c, expiry); }

// Steps at the patient. Collected cells may be taken out and thawed for manufacture.
bool ForPatient(const Case& c) {
  return c.effective.has_bedside_id_verified() || c.effective.has_infusion_started();
}

// After the first of several releases product may travel, if that release says so, marked as what
// it is.
bool MayShipEarly(const Case& c, const pb::Lot* lot) {
  if (lot == nullptr || c.profile == nullptr || !c.profile->ship_after_first_release())
    return false;
  if (lot->releases().empty() || lot->state() != pb::LOT_FILLED) return false;
  if (!lot->ship_under_quarantine()) return false;
  if (c.effective.has_packed()) return c.effective.packed().under_quarantine() == pb::YES;
  const pb::Shipment* shipment = OpenShipment(
      c.therapy, c.effective.has_handover_offered() ? c.effective.handover_offered().shipper()
                                                    : c.effective.handed_to_carrier().shipper());
  return shipment != nullptr && shipment->under_quarantine();
}

// What goes to its maker may go in any state. Where it goes says so, not what somebody calls the
// leg; nor does a shipper that was packed for the maker go there when it is offered to a hospital.
bool GoesToMaker(const Case& c) {
  if (c.effective.has_packed()) {
    return IsMakersSite(c, c.effective.packed().destination_site());
  }
  const pb::HandoverOffered& offer = c.effective.handover_offered();
  const bool offered = c.effective.has_handover_offered();
  if (offered && IsMakersSite(c, offer.to_site())) return true;
  if (offered && (offer.closed() != pb::YES || !offer.containers().empty())) return false;
  const EnrolledOrganisation* taker = c.registry.OrganisationOfSite(offer.to_site());
  if (taker != nullptr && taker->kind != pb::CARRIER) return false;
  const pb::Shipment* shipment = OpenShipment(
      c.therapy, offered ? offer.shipper() : c.effective.handed_to_carrier().shipper());
  return shipment != nullptr && IsMakersSite(c, shipment->to_site());
}

// One container, all of its reasons.
void JudgeContainer(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
                    bool shipping) {
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr) return;  // F8a says so
  const auto blocked = [&](std::string expected, std::string found, std::string next,
                           pb::FieldClass found_class = pb::FIELD_CLASS_UNSPECIFIED) {
    Gate(c, rule, v, {std::move(expected), std::move(found), std::move(next), id, found_class});
  };
  if (container->material() != pb::DRUG_PRODUCT) {
    if (!ForPatient(c)) return;
    return blocked("a container of drug product",
                   container->material() == pb::STARTING_MATERIAL ? "collected cells, not product"
                                                                  : "a sample",
                   "do not use it: only released product is given");
  }
  const std::vector<const pb::Container*> line = Lineage(c.therapy, *container);
  const bool named = std::ranges::all_of(line, [](const auto* held) { return held->released(); });
  const pb::Lot* lot = FindLot(c.therapy, container->lot());
  const bool released = lot != nullptr && IsReleased(*lot) && named;
  const bool exceptional = lot != nullptr && lot->state() == pb::LOT_RELEASED_OOS && named;
  const bool first_release = shipping && MayShipEarly(c, lot);
  if (exceptional) {
    for (Words& words : ExceptionLacks(c, *lot, id)) Gate(c, rule, v, std::move(words));
  }
  if (!released && !exceptional && !first_release) {
    const bool unnamed = lot != nullptr && IsReleased(*lot);
    blocked("lot " + container->lot() + " released, naming this container",
            lot == nullptr ? "no such lot"
            : unnamed      ? "the release does not name this container"
                           : LotLabel(lot->state()),
            "do not use it; quality of the manufacturer releases or rejects the lot");
  }
  if (container->expiry_us() != 0 && At(c) > container->expiry_us()) {
    blocked("not expired", ExpiryText(c, container->expiry_us()),
            "do not use it; only the exceptional release may cure an expiry");
  }
  for (const pb::Quarantine* q : OpenQuarantines(c.therapy, *container)) {
    blocked("no open quarantine", "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
            q->kind() == pb::QUARANTINED_IDENTITY
                ? "two of quality of both organisations resolve it: IDENTITY_RESOLVED"
                : "quality of the manufacturer decides: QUARANTINE_DECIDED");
  }
  const std::string_view scope = HoldScopeOf(c);
  for (const pb::Hold* hold : OpenHolds(c.therapy, scope, container)) {
    blocked("no open hold", hold->kind() + " hold " + hold->id() + ": " + hold->reason(),
            "the hold is cleared by who may: HOLD_CLEARED", pb::CLINICAL);
  }
  if (MayNotBeUsed(container->state())) {
    blocked("a container that may still be used", StateLabel(container->state()),
            "take the container that was ordered");
  }
  for (const pb::Container* held : line) {
    if (held->refrozen())
      blocked("never frozen again after a thaw", held->id() + " was", "discard it");
    if (held->recalled()) {
      blocked("a container that was not recalled", held->id() + " was recalled",
              "do not use it; quality of the manufacturer says what becomes of it");
    }
  }
  for (const pb::Container* held : Origins(c.therapy, *container)) {
    if (!held->rejected() || (held == container && MayNotBeUsed(container->state()))) continue;
    blocked(held->material() == pb::STARTING_MATERIAL
                ? "a container made of cells that quality did not reject"
                : "a container that quality did not reject",
            held->id() + " was rejected", "discard it");
  }
}

}  // namespace

namespace {

// A result that fails after the release says that the release should not stand; until quality says
// whether it does, the fold holds the lot.
void FailedSinceRelease(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::QcResult& body = c.effective.qc_result();
  const pb::Lot* lot = FindLot(c.therapy, body.lot());
  if (lot == nullptr || !HasRelease(*lot) || !TestFails(body, c.profile)) return;
  Gate(c, rule, v,
       {"every result of a released lot passed", "test " + body.test() + " failed",
        "the lot is held; quality of the manufacturer decides: RELEASE_WITHDRAWN, REJECTED, or "
        "HOLD_CLEARED once QC_RESULT_INVALIDATED, or released out of specification",
        lot->lot()});
}

// No later result takes away what failed while the cells grew: quality says what it means for the
// lot. Open, it stands against every plain release (NeedCleanRecord).
void FailedInProcess(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InProcessTest& body = c.effective.in_process_test();
  if (body.outcome() != pb::OUTCOME_FAIL) return;
  Deviation(c, rule, v,
            {"in-process test " + body.test() + " passed",
             "failed, sample " + body.sample() + ", tested " + Local(c, Micros(body.tested_at())),
             "quality of the manufacturer decides: DEVIATION_CLOSED with its reason; or "
             "CONTAMINATION_CONFIRMED, MANUFACTURING_FAILED, REJECTED",
             body.lot()},
            true);
}

// A no of quality after its yes, said at `yes_us`, holds the lot likewise. It is never refused: it
// is what quality found.
void NotAnyMore(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot,
                std::int64_t yes_us, std::string expected, std::string found) {
  if (TellOldNo(c, rule, v, lot, yes_us) || !HasRelease(lot)) return;
  Deviation(
      c, rule, v,
      {std::move(expected), std::move(found),
       "the lot is held; quality of the manufacturer decides: RELEASE_WITHDRAWN, REJECTED, or "
       "HOLD_CLEARED once it is made good",
       lot.lot()},
      true);
}

void JudgeWords(const Case& c, const Rule& rule, pb::Verdict& v) {
  NeedMaker(c, rule, v);
  const pb::BatchRecordReviewed& review = c.effective.batch_record_reviewed();
  const pb::SiteQaDisposition& site = c.effective.site_qa_disposition();
  const pb::QcResultInvalidated& body = c.effective.qc_result_invalidated();
  const pb::Lot* lot = FindLot(c.therapy, c.effective.has_batch_record_reviewed() ? review.lot()
                                          : c.effective.has_site_qa_disposition() ? site.lot()
                                                                                  : body.lot());
  if (lot == nullptr) return;  // F8a says so
  if (c.effective.has_batch_record_reviewed()) {
    const bool yes = review.complete() == pb::YES && review.deviations_closed() == pb::YES;
    if (yes) return NeedNewWord(c, rule, v, *lot);
    return NotAnyMore(c, rule, v, *lot, lot->review_us(),
                      "a batch record in order of a released lot",
                      "its review says that it is not");
  }
  if (c.effective.has_site_qa_disposition()) {
    if (site.suitable() == pb::YES) return NeedNewWord(c, rule, v, *lot);
    return NotAnyMore(c, rule, v, *lot, lot->disposition_us(),
                      "a released lot that its site found suitable",
                      "quality of the site says that it is not");
  }
  for (const pb::TestState& test : lot->tests()) {
    const bool needed = test.passed() && FindTest(c.profile, test.test()) != nullptr;
    if (test.event_id() != body.result() || !needed) continue;
    NotAnyMore(c, rule, v, *lot, 0, "every test of a released lot passed",
               "the result by which test " + test.test() + " passed does not count");
  }
}

// What no release ever brings back. That it failed or is contaminated is a fact, and what ends it.
bool EndsForEver(const Case& c) {
  return c.effective.has_rejected() || c.effective.has_manufacturing_failed() ||
         c.effective.has_contamination_confirmed() ||
         c.effective.release_withdrawn().product_recall() == pb::YES;
}

// The patient's only dose is ended by who made it, in their own hand: anybody else holds it.
void NeedOwnWord(const Case& c, const Rule& rule, pb::Verdict& v) {
  NeedMaker(c, rule, v);
  if (!IsFromPaper(c.effective)) return;
  Gate(c, rule, v,
       {"signed by who decides it at the manufacturer", "written down by others",
        "it holds the lot; let them sign it themselves, late if need be"});
}

}  // namespace

void ReadyToRelease(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_qc_result()) return FailedSinceRelease(c, rule, v);
  if (c.effective.has_in_process_test()) return FailedInProcess(c, rule, v);
  const bool decides = c.effective.has_batch_record_reviewed() ||
                       c.effective.has_site_qa_disposition() ||
                       c.effective.has_qc_result_invalidated();
  if (decides) return JudgeWords(c, rule, v);
  if (EndsForEver(c)) return NeedOwnWord(c, rule, v);
  if (Body(c) != pb::Event::kReleased && Body(c) != pb::Event::kQpCertification) return;
  NeedMaker(c, rule, v);
  Certificate certificate;
  ReleaseOf(c.effective, certificate);
  const pb::Lot* lot = FindLot(c.therapy, certificate.lot);
  if (lot == nullptr) return;  // F8a says so
  NeedSoundLot(c, rule, v, *lot);
  NeedOwnProduct(c, rule, v, *lot);
  NeedNewWord(c, rule, v, *lot);
  NeedKeptExpiry(c, rule, v, *lot);
  NeedTests(c, rule, v, *lot);
  NeedNothingMissed(c, rule, v, *lot);
  NeedReview(c, rule, v, *lot);
  NeedCleanRecord(c, rule, v, *lot);
  NeedEarlierReleases(c, rule, v, *lot);
}

void ReleasedForUse(const Case& c, const Rule& rule, pb::Verdict& v) {
  switch (Body(c)) {
    case pb::Event::kPacked:
      if (GoesToMaker(c)) return;
      for (const std::string& id : StepContainers(c.effective)) {
        JudgeContainer(c, rule, v, id, true);
      }
      return;
    case pb::Event::kHandedToCarrier:
    case pb::Event::kHandoverOffered:
      if (GoesToMaker(c)) return;
      for (const std::string& id : LeavingHouse(c)) JudgeContainer(c, rule, v, id, true);
      return;
    case pb::Event::kProductRecalled:
      return RecallConcerns(c, rule, v);
    case pb::Event::kPrethawIdVerified:
    case pb::Event::kRemovedFromStorage:
    case pb::Event::kThawStarted:
    case pb::Event::kBedsideIdVerified:
    case pb::Event::kInfusionStarted:
      for (const std::string& id : StepContainers(c.effective)) {
        JudgeContainer(c, rule, v, id, false);
      }
      return;
    default:
      return;
  }
}

}  // namespace custody::rules
