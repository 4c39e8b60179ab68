// Whatever is recorded, in whatever order: the fold never fails, forgets nothing that matters for a
// patient's safety, and says the same to everybody who folds again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "tests/property/custody/therapy_walk.h"

namespace custody {
namespace {

using Pick = std::tuple<unsigned, bool, unsigned>;

rc::Gen<std::vector<Pick>> Walks() {
  const auto pick =
      rc::gen::tuple(rc::gen::inRange(0U, 4'000U),
                     rc::gen::map(rc::gen::inRange(0, 5), [](int n) { return n == 0; }),
                     rc::gen::inRange(0U, 200U));
  return rc::gen::container<std::vector<Pick>>(80, pick);
}

bool Given(pb::ContainerState state) {
  return state == pb::CONTAINER_INFUSED || state == pb::CONTAINER_INFUSED_PARTIAL;
}

// What may never be undone from one state to the next.
void CheckKept(const pb::TherapyState& before, const pb::TherapyState& after) {
  for (const pb::Container& was : before.containers()) {
    const pb::Container* is = FindContainer(after, was.id());
    RC_ASSERT(is != nullptr);
    RC_ASSERT(!was.rejected() || is->rejected());
    RC_ASSERT(!was.refrozen() || is->refrozen());
    RC_ASSERT(was.thaw_started_us() == 0 || is->thaw_started_us() <= was.thaw_started_us());
    RC_ASSERT(was.thaw_completed_us() == 0 || is->thaw_completed_us() <= was.thaw_completed_us());
    RC_ASSERT(!Given(was.state()) || Given(is->state()));
    const bool found = was.state() == pb::CONTAINER_LOST && is->state() == pb::CONTAINER_RECEIVED;
    const bool got = Given(is->state()) || is->state() == pb::CONTAINER_INFUSING;
    RC_ASSERT(!IsTerminal(was.state()) || is->state() == was.state() || found || got);
  }
  for (const pb::Deviation& was : before.deviations()) {
    RC_ASSERT(FindDeviation(after, was.id()) != nullptr);
  }
  RC_ASSERT(after.event_prefixes_size() == before.event_prefixes_size() + 1);
  std::set<std::string> ids;
  for (const pb::Deviation& deviation : after.deviations()) {
    RC_ASSERT(ids.insert(deviation.id()).second);
  }
}

// No field of a class that the reader may not see is left in a view.
void CheckHidden(const google::protobuf::Message& message) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    RC_ASSERT(field->options().GetExtension(pb::field).field_class() != pb::CLINICAL);
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) CheckHidden(reflection->GetMessage(message, field));
    for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
      CheckHidden(reflection->GetRepeatedMessage(message, field, i));
    }
  }
}

void CheckViews(TherapyWalk& walk, Instant now) {
  CheckHidden(ViewFor(walk.run.state(), walk.run.registry(), "LAB"));
  CheckHidden(ViewFor(walk.run.state(), walk.run.registry(), "DEPOT"));
  for (pb::NextStep& step : NextStepsOf(walk.run.state(), walk.run.registry(), now)) {
    HideReasons(*step.mutable_reasons(), walk.run.registry(), "LAB");
    for (const pb::Reason& reason : step.reasons()) {
      const bool clinical = reason.field_class() == pb::CLINICAL;
      RC_ASSERT(!clinical || reason.found().starts_with("not shown here"));
    }
  }
}

// Judging changes nothing and says the same twice; whoever folds the log again has the same bytes.
void CheckFoldedAgain(const TestLedger& ledger, const pb::TherapyState& state) {
  pb::TherapyState again;
  for (const Recorded& recorded : ledger.log()) {
    if (recorded.parsed.event.chain() != "therapy/T1") continue;
    const Place place{recorded.index, recorded.parsed.event.sequence(), recorded.received_at};
    const pb::TherapyState untouched = again;
    const pb::Verdict verdict = Judge(recorded.parsed, ledger.registry(), again, place);
    const pb::Verdict twice = Judge(recorded.parsed, ledger.registry(), again, place);
    RC_ASSERT(verdict.SerializeAsString() == twice.SerializeAsString());
    RC_ASSERT(again.SerializeAsString() == untouched.SerializeAsString());
    RC_ASSERT(!verdict.refused());
    ApplyToTherapy(recorded.parsed, place, verdict, ledger.registry(), again);
  }
  RC_ASSERT(again.SerializeAsString() == state.SerializeAsString());
}

RC_GTEST_PROP(TherapyProperty, AWalkUndoesNothingThatMattersTellsNobodyTooMuchAndFoldsAgain, ()) {
  TestLedger ledger;
  TherapyWalk walk(ledger);
  for (const auto& [pick, late, minutes] : *Walks()) {
    const pb::TherapyState before = walk.run.state();
    if (walk.Take(pick, late, minutes)) CheckKept(before, walk.run.state());
  }
  RC_CLASSIFY(walk.run.state().last_infused_us() != 0, "infused");
  RC_CLASSIFY(!walk.run.state().quarantines().empty(), "quarantined");
  CheckViews(walk, ledger.now());
  CheckFoldedAgain(ledger, walk.run.state());
}

}  // namespace
}  // namespace custody
