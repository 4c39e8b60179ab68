// What makes a lot usable: its tests, its review, the words of quality, in their order and unspoilt
// by a later no (R16).
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

void NeedMaker(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot* lot) {
  for (const StepPerson& person : PeopleOf(c.effective)) {
    if (IsMaker(c, person.person, lot)) continue;
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

}  // namespace

void NeedTests(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (c.profile == nullptr || c.profile->release_tests().empty()) {
    Gate(c, rule, v,
         {"a profile that names the release tests", "none is published for this therapy",
          "the trustees publish the product's profile", lot.lot()});
    return;
  }
  const bool oos = c.effective.has_released_oos();
  for (const pb::ReleaseTest& test : c.profile->release_tests()) {
    if (SignedAnswer(lot, test.test()) != nullptr) continue;
    // A test that can never be done is missed as one that failed is, and everybody accepted that.
    if (oos && Contains(lot.oos_missed(), test.test())) continue;
    const auto last = std::ranges::find(lot.tests(), test.test(), &pb::TestState::test);
    const bool any = last != lot.tests().end();
    if (any && last->passed()) {
      // A release waits for a signature, in an outage too: whoever has it looks at the test.
      Gate(c, rule, v,
           {"test " + test.test() + " passed, signed by quality control itself",
            "others wrote its result down",
            "quality control records it again and signs it: QC_RESULT", test.test()});
      continue;
    }
    Gate(c, rule, v,
         {"test " + test.test() + (oos ? " answered" : " passed"),
          !any  ? "no result"
          : oos ? "no answer yet"
                : "not passed",
          oos    ? "record QC_RESULT; what cannot be tested is missed: OOS_DETECTED"
          : !any ? "record QC_RESULT"
                 : "investigate; or the exceptional release",
          test.test()});
  }
}

namespace {

void NeedNothingFailed(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
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
  const pb::BatchRecordReviewed& review = c.effective.batch_record_reviewed();
  const pb::SiteQaDisposition& site = c.effective.site_qa_disposition();
  const pb::QcResultInvalidated& body = c.effective.qc_result_invalidated();
  const pb::Lot* lot = FindLot(c.therapy, c.effective.has_batch_record_reviewed() ? review.lot()
                                          : c.effective.has_site_qa_disposition() ? site.lot()
                                                                                  : body.lot());
  NeedMaker(c, rule, v, lot);
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

// The lot of which the event says what no release ever brings back; null: it says no such thing.
// That a lot failed or is contaminated is a fact, and what ends it.
const std::string* EndsForEver(const Case& c) {
  switch (Body(c)) {
    case pb::Event::kRejected:
      return &c.effective.rejected().lot();
    case pb::Event::kManufacturingFailed:
      return &c.effective.manufacturing_failed().lot();
    case pb::Event::kContaminationConfirmed:
      return &c.effective.contamination_confirmed().lot();
    case pb::Event::kReleaseWithdrawn: {
      const pb::ReleaseWithdrawn& body = c.effective.release_withdrawn();
      return body.product_recall() == pb::YES ? &body.lot() : nullptr;
    }
    default:
      return nullptr;
  }
}

// The patient's only dose is ended by who made it, in their own hand: anybody else holds it. So it
// is of each container that is named, whatever lot is.
void NeedOwnWord(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& name) {
  std::vector<const pb::Lot*> lots{FindLot(c.therapy, name)};
  for (const std::string& id : c.effective.rejected().containers()) {
    const pb::Lot* lot = LotOf(c.therapy, id);
    if (lot != nullptr && std::ranges::find(lots, lot) == lots.end()) lots.push_back(lot);
  }
  for (const pb::Lot* lot : lots) NeedMaker(c, rule, v, lot);
  if (!IsFromPaper(c.effective)) return;
  Gate(c, rule, v,
       {"signed by who decides it at the manufacturer", "written down by others",
        "it holds the lot; let them sign it themselves, late if need be"});
}

// A recall is refused to nobody, and ends by its maker's own hand alone: whoever else hears of one
// says so, and what it is about is held.
void NeedOwnRecall(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::vector<const pb::Lot*> lots;
  for (const std::string& name : RecalledLots(c.therapy, c.effective.product_recalled())) {
    lots.push_back(FindLot(c.therapy, name));
  }
  if (lots.empty()) lots.push_back(nullptr);  // of the lot in hand
  const std::vector<StepPerson> people = PeopleOf(c.effective);
  const auto other = std::ranges::find_if_not(people, [&](const StepPerson& who) {
    return std::ranges::all_of(lots, [&](const auto* lot) { return IsMaker(c, who.person, lot); });
  });
  if (other == people.end() && !IsFromPaper(c.effective)) return;
  Deviation(c, rule, v,
            {"a recall that quality of the manufacturer signed itself",
             other == people.end() ? "written down by others" : other->person + " is not of it",
             "what it is about is held, not recalled; quality of the manufacturer signs "
             "PRODUCT_RECALLED itself, or HOLD_CLEARED",
             c.effective.product_recalled().recall()},
            true);
}

}  // namespace

void ReadyToRelease(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_qc_result()) return FailedSinceRelease(c, rule, v);
  if (c.effective.has_in_process_test()) return FailedInProcess(c, rule, v);
  const bool decides = c.effective.has_batch_record_reviewed() ||
                       c.effective.has_site_qa_disposition() ||
                       c.effective.has_qc_result_invalidated();
  if (decides) return JudgeWords(c, rule, v);
  if (const std::string* lot = EndsForEver(c)) return NeedOwnWord(c, rule, v, *lot);
  if (c.effective.has_product_recalled()) return NeedOwnRecall(c, rule, v);
  if (Body(c) != pb::Event::kReleased && Body(c) != pb::Event::kQpCertification) return;
  Certificate certificate;
  ReleaseOf(c.effective, certificate);
  const pb::Lot* lot = FindLot(c.therapy, certificate.lot);
  NeedMaker(c, rule, v, lot);
  if (lot == nullptr) return;  // F8a says so
  NeedSoundLot(c, rule, v, *lot);
  NeedOwnProduct(c, rule, v, *lot);
  NeedNewWord(c, rule, v, *lot);
  NeedDate(c, rule, v, *lot);
  NeedKeptExpiry(c, rule, v, *lot);
  NeedShelfLife(c, rule, v, *lot);
  NeedTests(c, rule, v, *lot);
  NeedNothingFailed(c, rule, v, *lot);
  NeedNothingMissed(c, rule, v, *lot);
  NeedReview(c, rule, v, *lot);
  NeedCleanRecord(c, rule, v, *lot);
  NeedEarlierReleases(c, rule, v, *lot);
}

}  // namespace custody::rules
