// Who is due: repetition, escalation, and recipients that fail; by the clock that a test passes in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/alerting/handouts.h"

namespace custody {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant kStart{1'772'000'000 * kMicrosPerSecond};

AlertingConfig TheConfig() {
  AlertingConfig config;
  for (const char* name : {"first", "second", "third"}) {
    Recipient recipient;
    recipient.name = name;
    recipient.program = {"/bin/true"};
    config.recipients.push_back(recipient);
  }
  TellList list;
  list.site = "CLINIC";
  list.tell = {"first", "second", "third"};
  config.lists.push_back(list);
  return config;
}

class AlertingHandoutsTest : public ::testing::Test {
 protected:
  AlertingHandoutsTest() {
    record.set_severity(pb::ALERT_URGENT);
    record.add_waiting("CLINIC");
    record.add_roles(pb::PHY);
  }
  std::vector<std::string> Due() {
    std::vector<std::string> names;
    for (const DueHandout& due : DueHandouts(config, record, healths, now)) {
      names.push_back(due.recipient->name);
    }
    return names;
  }
  // Hands out all that is due; those in `failing` do not take it.
  std::vector<std::string> Tell(const std::vector<std::string>& failing = {}) {
    std::vector<std::string> names;
    for (const DueHandout& due : DueHandouts(config, record, healths, now)) {
      const std::string& name = due.recipient->name;
      const bool fails = std::find(failing.begin(), failing.end(), name) != failing.end();
      NoteOutcome(due, fails ? Unavailable("no answer") : Status(), now, record, healths[name]);
      names.push_back(name + (fails ? "!" : ""));
    }
    return names;
  }
  void Pass(std::int64_t minutes) { now = now + minutes * kMicrosPerMinute; }

  AlertingConfig config = TheConfig();
  pb::AlertRecord record;
  Healths healths;
  Instant now = kStart;
};

TEST_F(AlertingHandoutsTest, TheFirstIsToldAtOnceAndEachNextWhenNobodyHasAcknowledged) {
  EXPECT_THAT(Tell(), ElementsAre("first"));
  EXPECT_THAT(Tell(), IsEmpty());
  Pass(9);
  EXPECT_THAT(Tell(), IsEmpty());
  Pass(1);
  EXPECT_THAT(Tell(), ElementsAre("first")) << "repeated after 10 minutes";
  Pass(5);
  EXPECT_THAT(Tell(), ElementsAre("second")) << "escalated after 15";
  Pass(5);
  EXPECT_THAT(Tell(), ElementsAre("first"));
  Pass(10);
  EXPECT_THAT(Tell(), ElementsAre("first", "second", "third")) << "minute 30";
  Pass(10);
  EXPECT_THAT(Tell(), ElementsAre("first", "second", "third")) << "and so on";
  EXPECT_EQ(FindHandout(record, "CLINIC", "first")->times(), 5U);
  EXPECT_EQ(FindHandout(record, "CLINIC", "third")->step(), 3U);
  record.clear_waiting();
  Pass(60);
  EXPECT_THAT(Tell(), IsEmpty()) << "acknowledged";
}

TEST_F(AlertingHandoutsTest, WhoCannotBeReachedIsPassedOverAtOnceAndTriedAgainWithPauses) {
  EXPECT_THAT(Tell({"first"}), ElementsAre("first!"));
  EXPECT_THAT(Tell(), ElementsAre("second")) << "in the same minute";
  EXPECT_THAT(Tell(), IsEmpty());
  now = now + 29 * kMicrosPerSecond;
  EXPECT_THAT(Due(), IsEmpty());
  std::vector<std::int64_t> tries;
  const Instant began = kStart;
  while (now - began < 90 * kMicrosPerMinute) {
    now = now + kMicrosPerSecond;
    for (const std::string& name : Tell({"first"})) {
      if (name == "first!") tries.push_back((now - began) / kMicrosPerSecond);
    }
  }
  EXPECT_THAT(tries, ElementsAre(30, 90, 210, 450, 930, 1830, 2730, 3630, 4530));
  EXPECT_EQ(healths["first"].failures, 10U);
  EXPECT_EQ(healths["first"].error, "no answer");
  EXPECT_EQ(FindHandout(record, "CLINIC", "first")->times(), 0U);
  Pass(15);
  EXPECT_THAT(Tell(), ElementsAre("first", "second", "third"));
  EXPECT_FALSE(healths["first"].failing());
  EXPECT_TRUE(FindHandout(record, "CLINIC", "first")->error().empty());
}

TEST_F(AlertingHandoutsTest, ARecipientKnownToFailDelaysNoOtherAlert) {
  Tell({"first"});
  pb::AlertRecord other;
  other.set_severity(pb::ALERT_URGENT);
  other.add_waiting("CLINIC");
  other.add_roles(pb::RN);
  const std::vector<DueHandout> due = DueHandouts(config, other, healths, now);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].recipient->name, "second");
}

TEST_F(AlertingHandoutsTest, WhenNobodyCanBeReachedEverybodyIsTriedAgain) {
  const std::vector<std::string> all = {"first", "second", "third"};
  EXPECT_THAT(Tell(all), ElementsAre("first!"));
  EXPECT_THAT(Tell(all), ElementsAre("second!"));
  EXPECT_THAT(Tell(all), ElementsAre("third!"));
  EXPECT_THAT(Tell(all), IsEmpty());
  Pass(1);
  EXPECT_THAT(Tell(), ElementsAre("first", "second", "third"));
}

TEST_F(AlertingHandoutsTest, WhatHasDaysIsToldOnceADay) {
  record.set_severity(pb::ALERT_ROUTINE);
  EXPECT_THAT(Tell(), ElementsAre("first"));
  Pass(24 * 60 - 1);
  EXPECT_THAT(Tell(), IsEmpty());
  Pass(1);
  EXPECT_THAT(Tell(), ElementsAre("first", "second"));
}

TEST_F(AlertingHandoutsTest, AClockThatWasPutBackKeepsNobodyWaiting) {
  Tell({"first"});
  Tell();
  now = now + -kMicrosPerDay;
  EXPECT_THAT(Tell(), ElementsAre("first", "second", "third"));
  EXPECT_THAT(Tell(), IsEmpty());
}

TEST_F(AlertingHandoutsTest, ASiteWithNobodyToTellIsNamed) {
  record.add_waiting("LAB");
  EXPECT_THAT(Unreached(config, record), ElementsAre("LAB"));
  EXPECT_THAT(Tell(), ElementsAre("first"));
}

TEST_F(AlertingHandoutsTest, ARecipientInTwoListsOfASiteIsToldOnce) {
  config.lists[0].roles = {pb::PHY};
  TellList others;
  others.site = "CLINIC";
  others.tell = {"third", "first"};
  config.lists.push_back(others);
  record.add_roles(pb::QA);
  EXPECT_THAT(Tell(), ElementsAre("first", "third"));
  EXPECT_THAT(Tell(), IsEmpty());
}

}  // namespace
}  // namespace custody
