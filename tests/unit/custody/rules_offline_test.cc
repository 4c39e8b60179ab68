// R36: a bag is removed, thawed and given on a record of at most four hours, or on what quality
// answered by phone.
#include <gmock/gmock.h>

#include <optional>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class OfflineTest : public RulesTest, public testing::WithParamInterface<const char*> {
 protected:
  // What the step states, set whatever step it is.
  struct Stated {
    std::int64_t verified_before = 0;  // microseconds before now; 0: not said
    bool call = false;
    std::int64_t called_before = 10 * kMicrosPerMinute;
    std::string asked = "lab.qa.1";
    pb::Answer may_be_used = pb::YES;
  };
  template <class Body>
  void State(Body& body, const Stated& stated) {
    if (stated.verified_before != 0) {
      *body.mutable_state_verified_at() = ToProto(ledger.now() + -stated.verified_before);
    }
    if (!stated.call) return;
    pb::RecallCall& call = *body.mutable_recall_call();
    call.set_person(stated.asked);
    *call.mutable_at() = ToProto(ledger.now() + -stated.called_before);
    call.set_answer("not recalled, not held");
    call.set_may_be_used(stated.may_be_used);
  }
  EventBuilder Step(const Stated& stated) {
    if (!step_) step_.emplace(At(GetParam()));
    EventBuilder event = *step_;
    if (event.event().has_removed_from_storage()) {
      State(*event.event().mutable_removed_from_storage(), stated);
    } else if (event.event().has_thaw_started()) {
      State(*event.event().mutable_thaw_started(), stated);
    } else {
      State(*event.event().mutable_infusion_started(), stated);
    }
    return event;
  }
  std::vector<pb::Reason> Against(const Stated& stated) {
    return Of(run.Judge(Step(stated)), "R36");
  }

 private:
  std::optional<EventBuilder> step_;
};

TEST_P(OfflineTest, WithTheServerAtHandNothingIsAsked) { EXPECT_TRUE(Against({}).empty()); }

TEST_P(OfflineTest, ARecordOfFourHoursIsEnoughAndAnOlderOneIsNot) {
  EXPECT_TRUE(Against({.verified_before = 4 * kMicrosPerHour}).empty());
  const std::vector<pb::Reason> reasons =
      Against({.verified_before = 4 * kMicrosPerHour + kMicrosPerMinute});
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0].kind(), pb::REASON_GATE);
  EXPECT_TRUE(reasons[0].grantors().empty());
  EXPECT_THAT(reasons[0].found(), HasSubstr("not checked for recall since"));
  EXPECT_THAT(reasons[0].next_step(), HasSubstr("phone quality"));
}

TEST_P(OfflineTest, ACallOfQualityStandsInForTheRecord) {
  const std::int64_t old = 9 * kMicrosPerHour;
  EXPECT_TRUE(Against({.verified_before = old, .call = true}).empty());
  EXPECT_EQ(Against({.verified_before = old, .call = true, .asked = "clinic.rn.2"}).size(), 1U);
  EXPECT_EQ(Against({.verified_before = old, .call = true, .asked = "nobody"}).size(), 1U);
  EXPECT_TRUE(Against({.verified_before = old, .call = true, .asked = "clinic.qa.1"}).empty());
  EXPECT_EQ(
      Against({.verified_before = old, .call = true, .called_before = 5 * kMicrosPerHour}).size(),
      1U);
  EXPECT_EQ(
      Against({.verified_before = old, .call = true, .may_be_used = pb::ANSWER_UNSPECIFIED}).size(),
      1U);
}

TEST_P(OfflineTest, ANoOnThePhoneStopsItAlsoOnAFreshRecord) {
  EXPECT_EQ(Against({.call = true, .may_be_used = pb::NO}).size(), 1U);
}

TEST_P(OfflineTest, WhatWaitedSomewhereAndSaysNothingIsNotBelieved) {
  const auto reach = [&](const EventBuilder& event, std::int64_t later) {
    const Place place{ledger.next_index(), run.state().length(), ledger.now() + later};
    return Judge(event.Parse(), ledger.registry(), run.state(), place);
  };
  const EventBuilder silent = Step({});
  EXPECT_FALSE(Says(reach(silent, 15 * kMicrosPerMinute), "R36"));
  EXPECT_TRUE(Says(reach(silent, 16 * kMicrosPerMinute), "R36"));
  const EventBuilder stated = Step({.verified_before = kMicrosPerHour});
  EXPECT_FALSE(Says(reach(stated, 16 * kMicrosPerMinute), "R36"));
}

TEST_P(OfflineTest, NoGrantStandsInForIt) {
  static_cast<void>(Step({}));
  const pb::Verdict verdict = run.Judge(run.Draft(
      {"clinic.phy.1"}, std::string("override_granted { rules: 'R36' step: '") + GetParam() +
                            "' scope: OVERRIDE_SCOPE_STEP reason: OVERRIDE_FOR_OTHER "
                            "justification: 'x' verbal: NO expires_at $T+2h }"));
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "OVERRIDE"));
}

TEST_P(OfflineTest, OnPaperTheRecordIsAsOldAsTheOutage) {
  EventBuilder step = Late(Step({}));
  step.event().set_entry(pb::DOWNTIME);
  const pb::Verdict unknown = run.Judge(step);
  EXPECT_FALSE(unknown.refused());
  ASSERT_TRUE(Says(unknown, "R36"));
  EXPECT_TRUE(Of(unknown, "R36")[0].critical());
  EventBuilder began = run.Draft(
      {"clinic.coord.1"}, "downtime_started { site: 'CLINIC' started_at $T-5h reason: 'x' }");
  began.HappenedAt(ledger.now() + -5 * kMicrosPerHour);
  ASSERT_FALSE(run.Record(began).refused());
  EXPECT_TRUE(Says(run.Judge(step), "R36"));
  EventBuilder again = run.Draft({"clinic.coord.1"}, "");
  again.event().MergeFrom(
      ParseBody("downtime_started { site: 'CLINIC' started_at $T reason: 'x' }", ledger.now()));
  again.HappenedAt(ledger.now() + -3 * kMicrosPerHour);
  ASSERT_FALSE(run.Record(again).refused());
  EXPECT_FALSE(Says(run.Judge(step), "R36")) << Explain(run.Judge(step));
}

INSTANTIATE_TEST_SUITE_P(Steps, OfflineTest,
                         testing::Values("removed_from_storage", "thaw_started",
                                         "infusion_started"));

}  // namespace
}  // namespace custody
