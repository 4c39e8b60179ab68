// What the tests of the rules share.
#ifndef CUSTODY_TESTS_UNIT_CUSTODY_RULES_TEST_H_
#define CUSTODY_TESTS_UNIT_CUSTODY_RULES_TEST_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "custody/body_plan.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/therapy.h"
#include "tests/support/main_path.h"

namespace custody {

// `Of` is every reason of `rule` in `verdict` that is more than a note.
inline std::vector<pb::Reason> Of(const pb::Verdict& verdict, std::string_view rule) {
  std::vector<pb::Reason> reasons;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool note = reason.kind() == pb::REASON_NOTE || reason.kind() == pb::REASON_NOT_JUDGED;
    if (reason.rule() == rule && !note) reasons.push_back(reason);
  }
  return reasons;
}

inline bool Says(const pb::Verdict& verdict, std::string_view rule) {
  return !Of(verdict, rule).empty();
}

// `Blockers` are the rules that have more than a note to say, each once, in order.
inline std::vector<std::string> Blockers(const pb::Verdict& verdict) {
  std::vector<std::string> rules;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool note = reason.kind() == pb::REASON_NOTE || reason.kind() == pb::REASON_NOT_JUDGED;
    if (note || reason.overridden()) continue;
    if (rules.empty() || rules.back() != reason.rule()) rules.push_back(reason.rule());
  }
  return rules;
}

// `RulesTest` walks the main path on a ledger of its own.
class RulesTest : public testing::Test {
 protected:
  // The step after `Until(body)`, as it would be signed.
  EventBuilder At(std::string_view body) {
    run.Until(body);
    return run.Next();
  }
  // A copy of the main path's step, signed now.
  EventBuilder Now(std::string_view body) {
    for (const MainStep& step : run.steps()) {
      if (step.body != body) continue;
      EventBuilder event = ledger.On("therapy/T1");
      for (const std::string& signer : step.signers) event.By(signer);
      event.event().MergeFrom(step.event);
      return event;
    }
    ADD_FAILURE() << body;
    return ledger.On("therapy/T1");
  }
  // What `who` record now, in the words of the main path's file.
  pb::Verdict Do(const std::vector<std::string>& who, const std::string& text) {
    return run.Record(run.Draft(who, text));
  }
  void MustDo(const std::vector<std::string>& who, const std::string& text) {
    const pb::Verdict verdict = Do(who, text);
    ASSERT_FALSE(verdict.refused()) << text << "\n" << Explain(verdict);
  }
  // The same step as already done: transcribed and checked by two others. A permission is signed by
  // its givers all the same.
  static EventBuilder Late(EventBuilder event, const std::string& by = "clinic.coord") {
    if (PlanOf(event.event()).rule->own_signature()) {
      return event.Late("not signed in time").By(by + ".1", pb::CHECKED);
    }
    for (const pb::Signer& signer : event.event().signers()) {
      event.PerformedBy(signer.person());
    }
    event.event().clear_signers();
    event.Late("found on paper").By(by + ".1", pb::TRANSCRIBED);
    event.By(by + ".2", pb::CHECKED);
    return event;
  }
  // An override by `who` for `rules`, recorded now.
  const Recorded& Grant(const std::string& who, const std::string& rules, const std::string& rest) {
    EventBuilder grant = run.Draft({who}, "override_granted { " + rules +
                                              " reason: OVERRIDE_FOR_MEDICAL_NEED "
                                              "justification: 'needed' verbal: NO " +
                                              rest + " }");
    const pb::Verdict verdict = run.Record(grant);
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
    return run.last();
  }
  void Pass(std::int64_t micros) { ledger.Pass(micros); }
  // The demonstration's profile with other numbers, in force from now on.
  template <class Change>
  void Publish(Change change) {
    pb::Profile profile = DemoProfile();
    profile.set_version(++profile_version_);
    change(profile);
    ledger.PublishProfile(profile);
  }

  TestLedger ledger;
  TherapyRun run{ledger};

 private:
  std::uint32_t profile_version_ = 1;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_UNIT_CUSTODY_RULES_TEST_H_
