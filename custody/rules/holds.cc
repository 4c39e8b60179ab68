// Holds; what may not be used any more; and the soundness of the acts that lift something:
// clearances and the closing of deviations. What consent withdrawn and death stop stands in
// stopping.cc.
#include <algorithm>
#include <set>

#include "custody/body_plan.h"
#include "custody/correction.h"
#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

bool IsQuality(pb::Role role) { return role == pb::QA || role == pb::QP; }

// The failed result that a hold follows from, as long as it stands against a release that does not
// name it. Nobody judges it harmless: the laboratory erred (F20), or the product is released in
// spite of it (F6), or not at all.
const pb::TestState* StandingFailure(const pb::TherapyState& state, const pb::Hold& hold) {
  const pb::Lot* lot = FindLot(state, hold.lot());
  if (lot == nullptr || !HasRelease(*lot)) return nullptr;
  const auto& missed = lot->oos_missed();
  for (const pb::TestState& test : lot->tests()) {
    const bool corrected =
        std::ranges::any_of(state.corrections(), [&](const pb::CorrectedValue& value) {
          return value.corrected_by() == hold.event_id() && value.event_id() == test.event_id();
        });
    const bool named = lot->state() == pb::LOT_RELEASED_OOS &&
                       std::ranges::find(missed, test.test()) != missed.end();
    const bool its = test.event_id() == hold.event_id() || corrected;
    if (test.failed() && its && !named) return &test;
  }
  return nullptr;
}

// What a lot that is released lacks since: quality's no is made good before what it holds goes on.
// The exceptional release has grounds of its own.
std::string LacksSinceRelease(const Case& c, const pb::Hold& hold) {
  const pb::Lot* lot = FindLot(c.therapy, hold.lot());
  if (lot == nullptr || hold.kind() != "QUALITY" || !HasRelease(*lot)) return {};
  if (lot->state() == pb::LOT_RELEASED_OOS) return {};
  if (lot->review().empty()) return "BATCH_RECORD_REVIEWED, complete and its deviations closed";
  if (c.profile == nullptr) return {};
  for (const pb::ReleaseTest& test : c.profile->release_tests()) {
    if (SignedAnswer(*lot, test.test()) != nullptr) continue;
    return "QC_RESULT of " + test.test() + ", signed by quality control itself";
  }
  if (lot->state() != pb::LOT_RELEASED) return {};
  for (const std::string& release : c.profile->releases()) {
    const auto& given = lot->releases();
    if (std::ranges::find(given, release) == given.end()) return release;
  }
  return {};
}

void JudgeClearance(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::HoldCleared& body = c.effective.hold_cleared();
  const pb::Hold* hold = FindHold(c.therapy, body.hold());
  if (hold == nullptr || !hold->open()) {
    Structure(c, rule, v, {"an open hold", body.hold() + " is none", "look the hold's id up"});
    return;
  }
  const auto refuse = [&](std::string expected, std::string found, std::string next) {
    Structure(c, rule, v, {std::move(expected), std::move(found), std::move(next), hold->id()});
  };
  if (hold->kind() == "IDENTITY") {
    return refuse("an identity hold ends by IDENTITY_RESOLVED", "a clearance",
                  "two of quality of both organisations resolve it");
  }
  if (hold->kind() == "CONSENT") {
    return refuse("a consent hold ends by new consent", "a clearance",
                  "record CONSENT_OBTAINED when the patient consents again");
  }
  if (const pb::TestState* failed = StandingFailure(c.therapy, *hold)) {
    refuse("a failed test that was invalidated, or that the exceptional release names",
           "test " + failed->test() +
               " failed, and that result stands: " + ShortId(failed->event_id()),
           "if the laboratory erred: QC_RESULT_INVALIDATED; else the exceptional release from "
           "OOS_DETECTED on, or RELEASE_WITHDRAWN or REJECTED");
  }
  if (const std::string lacks = LacksSinceRelease(c, *hold); !lacks.empty()) {
    refuse("a lot that has again what it was released on", "missing: " + lacks,
           "record it, as it is now; or RELEASE_WITHDRAWN, REJECTED");
  }
  bool in_role = false;
  for (const StepPerson& person : PeopleOf(c.effective)) {
    const EnrolledOrganisation* of = OrganisationOf(c.registry, person.person);
    const bool theirs = of != nullptr && of->organisation == hold->organisation();
    if (hold->kind() == "CLINICAL") {
      in_role = in_role ||
                (person.role == pb::PHY && IsOfTreatingHouse(c.registry, c.therapy, person.person));
    }
    if (hold->kind() == "QUALITY") in_role = in_role || (IsQuality(person.role) && theirs);
    if (hold->kind() == "ADMIN") in_role = true;
    const auto index = PersonIndex(c.therapy, person.person);
    // A hold that follows from a finding is nobody's act: who found it may look again.
    const auto& acted = hold->persons();
    const bool own = index && std::ranges::find(acted, *index) != acted.end();
    if (own) {
      refuse("cleared by another person than who set it", person.person,
             "another of the same competence clears it");
    }
  }
  if (!in_role) {
    refuse(hold->kind() == "CLINICAL" ? "cleared by a physician of the treating site"
                                      : "cleared by quality of " + hold->organisation(),
           "somebody else", "let them clear it");
  }
}

// A batch is made of cells that are still there and that quality did not reject; of those that were
// kept back R46 speaks.
void NeedCells(const Case& c, const Rule& rule, pb::Verdict& v) {
  for (const std::string& din : c.effective.batch_opened().donations()) {
    for (const pb::Container* bag : CellsFor(c, din)) {
      const bool gone = MayNotBeUsed(bag->state()) && bag->state() != pb::CONTAINER_RETAINED;
      if (!gone && !bag->rejected()) continue;
      Gate(
          c, rule, v,
          {"collected cells that may be used",
           bag->rejected() ? "rejected" : StateLabel(bag->state()),
           "take other cells; the physician orders a collection: RECOLLECTION_ORDERED", bag->id()});
    }
  }
}

}  // namespace

void NoHold(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kHoldCleared) return JudgeClearance(c, rule, v);
  const std::string_view scope = HoldScopeOf(c);
  if (scope.empty() || c.therapy.holds().empty()) return;
  std::vector<const pb::Container*> containers;
  for (const std::string& id : StepContainers(c.effective)) {
    if (const pb::Container* container = FindContainer(c.therapy, id)) {
      containers.push_back(container);
    }
  }
  for (const std::string& id : LeavingHouse(c)) {
    if (const pb::Container* held = FindContainer(c.therapy, id)) containers.push_back(held);
  }
  std::set<const pb::Hold*> holds;
  if (containers.empty()) containers.push_back(nullptr);
  for (const pb::Container* container : containers) {
    // Of drug product in R34's steps that rule speaks, container by container.
    const bool by_r34 =
        container != nullptr && container->material() == pb::DRUG_PRODUCT && scope != "PACK";
    if (by_r34) continue;
    for (const pb::Hold* hold : OpenHolds(c.therapy, scope, container)) holds.insert(hold);
  }
  std::vector<const pb::Hold*> ordered(holds.begin(), holds.end());
  std::ranges::sort(ordered, {}, [](const pb::Hold* hold) { return hold->id(); });
  for (const pb::Hold* hold : ordered) {
    Gate(c, rule, v,
         {"no open hold", hold->kind() + " hold " + hold->id() + ": " + hold->reason(),
          "the hold is cleared by who may: HOLD_CLEARED", hold->id(), pb::CLINICAL});
  }
}

void StillThere(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kReceivedMfg || Body(c) == pb::Event::kReceivedClinic) return;
  if (c.effective.has_disposition()) return JudgeDisposition(c, rule, v);
  NeedCells(c, rule, v);
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    if (container == nullptr) continue;
    const bool product_step = container->material() == pb::DRUG_PRODUCT &&
                              !HoldScopeOf(c).empty() &&
                              Body(c) != pb::Event::kPacked;  // R34 says so
    const bool gone = MayNotBeUsed(container->state());
    const bool completes = c.effective.has_infusion_completed() || c.effective.has_thaw_completed();
    if (!gone || product_step ||
        (completes && container->state() != pb::CONTAINER_DESTROYED &&
         container->state() != pb::CONTAINER_LOST)) {
      continue;
    }
    // What is rejected may go back or be destroyed.
    const bool returning = Body(c) == pb::Event::kPacked &&
                           c.effective.packed().leg() == pb::LEG_RETURN &&
                           container->state() == pb::CONTAINER_REJECTED;
    if (returning) continue;
    Gate(c, rule, v,
         {"a container that is still there", StateLabel(container->state()),
          "look which container this is", id});
  }
}

namespace {

// Whether a critical deviation asks what the product is worth: a word of a hospital about its own
// work does not release it (R16).
bool IsOfProduct(const Case& c, const pb::Deviation& deviation) {
  constexpr std::string_view kOfProduct[] = {"R09", "R13", "R16", "TELEMETRY"};
  if (std::ranges::find(kOfProduct, deviation.rule()) != std::end(kOfProduct)) return true;
  const int body = KnownBody(c.therapy, deviation.event_id());
  // What was opened by hand is of the house that opened it.
  if (body == pb::Event::kDeviationOpened) return IsMakersSite(c, deviation.subject());
  if (body == 0) return false;
  return PlanOf(body).rule->field_class() == pb::QUALITY;
}

// Whether a person is of who made the lot that a deviation is about; of none, of who makes the
// product.
bool IsItsMaker(const Case& c, const pb::Deviation& deviation, std::string_view person) {
  const pb::Lot* lot = FindLot(c.therapy, deviation.subject());
  return IsMaker(c, person, lot != nullptr ? lot : LotOf(c.therapy, deviation.subject()));
}

}  // namespace

void DeviationKnown(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kDeviationClosed) return;
  const std::string& id = c.effective.deviation_closed().deviation();
  const pb::Deviation* deviation = FindDeviation(c.therapy, id);
  if (deviation == nullptr || !deviation->open()) {
    Structure(c, rule, v,
              {"an open deviation", id + (deviation == nullptr ? " is none" : " is closed"),
               "look the deviation's id up", id});
    return;
  }
  if (!deviation->critical()) return;
  const bool of_product = IsOfProduct(c, *deviation);
  const bool quality = std::ranges::any_of(PeopleOf(c.effective), [&](const StepPerson& person) {
    return IsQuality(person.role) && (!of_product || IsItsMaker(c, *deviation, person.person));
  });
  if (quality) return;
  const std::string whose = of_product ? QualityOf(c) : "quality";
  Structure(c, rule, v,
            {"a critical deviation closed by " + whose, "somebody else", whose + " closes it", id});
}

}  // namespace custody::rules
