// What is called next may be done: no rule refuses a step that is offered unblocked, when the right
// people do it as it should be done; and what is offered blocked is refused.
#include <gtest/gtest.h>

#include <set>

#include "tests/property/custody/therapy_walk.h"

namespace custody {
namespace {

// Every step of the main path with this body, done now.
std::vector<EventBuilder> AsOnThePath(TherapyWalk& walk, const std::string& body) {
  std::vector<EventBuilder> events;
  for (const MainStep& step : walk.run.steps()) {
    if (step.body == body) events.push_back(walk.Build(step));
  }
  return events;
}

std::set<std::string> RulesAgainst(const pb::Verdict& verdict) {
  std::set<std::string> rules;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool gate = reason.kind() == pb::REASON_GATE || reason.kind() == pb::REASON_STRUCTURE;
    if (gate && !reason.overridden()) rules.insert(reason.rule());
  }
  return rules;
}

// All that is offered at one moment against what the rules say of the same steps.
void CheckOffers(TherapyWalk& walk, Instant now, std::set<std::string>& seen) {
  for (const pb::NextStep& offered : NextStepsOf(walk.run.state(), walk.run.registry(), now)) {
    std::vector<EventBuilder> events = AsOnThePath(walk, offered.body());
    if (events.empty()) continue;
    bool permitted = false;
    std::set<std::string> against;
    for (const EventBuilder& event : events) {
      const pb::Verdict verdict = walk.run.Judge(event);
      std::set<std::string> rules = RulesAgainst(verdict);
      // Another day at the machine has numbers of its own; those of the path are used up.
      const bool numbers = rules == std::set<std::string>{"F8a"};
      permitted = permitted || !verdict.refused() || numbers;
      against.merge(rules);
    }
    if (!offered.blocked()) {
      std::string text;
      for (const std::string& rule : against) text += " " + rule;
      EXPECT_TRUE(permitted) << offered.body() << " is offered and refused by" << text;
      seen.insert(offered.body());
    } else {
      EXPECT_TRUE(against.contains(offered.reasons(0).rule())) << offered.body();
    }
  }
}

// At every place of the path.
TEST(NextStepsProperty, WhatIsOfferedUnblockedIsPermittedAndWhatIsBlockedIsRefused) {
  std::set<std::string> seen;
  TestLedger ledger;
  TherapyWalk walk(ledger);
  std::string last;
  std::set<std::string> bodies;
  for (const MainStep& step : walk.run.steps()) {
    bodies.insert(step.body);
    if (step.body == last) continue;
    last = step.body;
    walk.run.Until(step.body);
    CheckOffers(walk, ledger.now(), seen);
    walk.run.Through(step.body);
  }
  EXPECT_GE(seen.size() + 8, bodies.size());
}

}  // namespace
}  // namespace custody
