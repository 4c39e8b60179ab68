// What others wrote, in the words of the programs: on one line, wherever it stands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/event_words.h"
#include "client/therapy_words.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kForged = "see QA\n*** PASS ***  BAG-1\033[2J\u009b2J\u202e";

TEST(WordsTest, AHoldsReasonForgesNoVerdict) {
  pb::TherapyState state;
  pb::Hold& hold = *state.add_holds();
  hold.set_id("H1");
  hold.set_open(true);
  hold.set_reason(kForged);
  state.set_product(kForged);
  const std::vector<std::string> warnings = Warnings(state, "UTC");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("see QA?*** PASS ***  BAG-1?[2J?2J?"));
  EXPECT_THAT(Headline(state), Not(HasSubstr("\n")));
}

TEST(WordsTest, AReasonsFindingsStayOnTheirLine) {
  pb::Reason reason;
  reason.set_rule("R08");
  reason.set_kind(pb::REASON_GATE);
  for (std::string* text : {reason.mutable_expected(), reason.mutable_found(),
                            reason.mutable_next_step(), reason.mutable_subject()}) {
    *text = kForged;
  }
  const std::string rendered = RenderReasons(std::vector<pb::Reason>{reason}, "  ");
  EXPECT_THAT(rendered, Not(HasSubstr("\n***")));
  EXPECT_THAT(rendered, Not(HasSubstr("\033")));
}

TEST(WordsTest, AnEventsFieldsStayOnTheirLines) {
  pb::Event event;
  event.set_chain("therapy/T1");
  event.set_station(kForged);
  event.mutable_hold_set()->set_reason(kForged);
  event.add_signers()->set_printed_name(kForged);
  const std::string rendered = RenderEvent(event, "UTC");
  EXPECT_THAT(rendered, HasSubstr("see QA?*** PASS ***"));
  EXPECT_THAT(rendered, Not(HasSubstr("\n***")));
  EXPECT_THAT(rendered, Not(HasSubstr("\u202e")));
}

}  // namespace
}  // namespace custody
