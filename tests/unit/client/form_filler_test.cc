#include "client/form_filler.h"

#include <gtest/gtest.h>

#include <sstream>

#include "custody/event.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

struct Filled {
  StatusOr<std::vector<std::pair<std::string, std::string>>> fields;
  std::string screen;
};

Filled Fill(std::string_view event, const std::string& typed,
            const FormFiller::ScanCheck& check = nullptr) {
  std::istringstream in(typed);
  std::ostringstream out;
  Console console(in, out, out, {.terminal = true});
  FieldSources sources;
  sources.zone = "Europe/Berlin";
  sources.now = *ParseInstant("2026-03-02T08:15:00Z");
  DraftSigner one{"N1", pb::RN, pb::MEANING_UNSPECIFIED, ""};
  DraftSigner two{"N2", pb::RN, pb::MEANING_UNSPECIFIED, ""};
  FormFiller filler(console, sources, {one, two}, check);
  auto fields = filler.Fill(*FindBody(event));
  return {std::move(fields), out.str()};
}

using Fields = std::vector<std::pair<std::string, std::string>>;

TEST(FormFillerTest, AsksRequiredFieldsAndAgainForWhatIsWrong) {
  const Filled filled = Fill("ld_waived", "a lot\n0.8\n-3h\nlow count\n\n");
  ASSERT_THAT(filled.fields, IsOk());
  EXPECT_EQ(*filled.fields, (Fields{{filled.fields->at(0).first, "0.8"},
                                    {"wbc-sampled-at", "-3h"},
                                    {"reason", "low count"}}));
  EXPECT_NE(filled.screen.find("0 to 1000 10^9/L (usually 0 to 50)"), std::string::npos)
      << filled.screen;
  EXPECT_NE(filled.screen.find("expected a number in 10^9/L"), std::string::npos);
}

TEST(FormFillerTest, AnUnusualValueIsTypedTwice) {
  const Filled filled = Fill("ld_waived", "70\n7\n70\n70\n-3h\nlow\n\n");
  ASSERT_THAT(filled.fields, IsOk());
  EXPECT_EQ(filled.fields->at(0).second, "70");
  EXPECT_NE(filled.screen.find("*** CHECK ***"), std::string::npos) << filled.screen;
  EXPECT_NE(filled.screen.find("the two entries differ"), std::string::npos) << filled.screen;
}

TEST(FormFillerTest, ACallByPhoneIsAskedForWithItsAnswerWhenItIsNeeded) {
  std::istringstream in("BAG\nTHAW-1\n37\n-1min\nyes\nlab.qa.1\n-2min\nnot recalled\nyes\n\n");
  std::ostringstream out;
  Console console(in, out, out, {.terminal = true});
  FieldSources sources;
  sources.zone = "Europe/Berlin";
  sources.now = *ParseInstant("2026-03-02T08:15:00Z");
  FormFiller filler(console, sources, {}, nullptr);
  filler.AskToo([](const auto& field) { return field.name() == "recall_call"; });
  const auto fields = filler.Fill(*FindBody("thaw_started"));
  ASSERT_THAT(fields, IsOk()) << out.str();
  ASSERT_GE(fields->size(), 4U);
  EXPECT_EQ(fields->back(), (std::pair<std::string, std::string>("recall-call.may-be-used", "yes")))
      << out.str();
}

TEST(FormFillerTest, WhatAnAnswerExcusesIsNotAskedFor) {
  const std::string visit = "Yearly\n-1h\n";
  const std::string seen = "\nNot evaluated\nNot tested\n";
  const Filled lost = Fill("followup", visit + "Lost to follow-up\n\n");
  ASSERT_THAT(lost.fields, IsOk()) << lost.screen;
  EXPECT_EQ(lost.fields->back().first, "vital-status");
  const Filled alive = Fill("followup", visit + "Alive" + seen + "no\nno\n\n");
  ASSERT_THAT(alive.fields, IsOk()) << alive.screen;
  EXPECT_EQ(alive.fields->back().first, "second-cancer");
}

TEST(FormFillerTest, OptionalFieldsComeAfterwardsByName) {
  const Filled filled = Fill("ld_waived", "0.8\n-3h\nlow\ncoi CHA999926000001\nnothing\n\n");
  ASSERT_THAT(filled.fields, IsOk());
  EXPECT_EQ(filled.fields->back().first, "coi");
  EXPECT_NE(filled.screen.find("give a name and a value"), std::string::npos);
}

TEST(FormFillerTest, WhatComesFromElsewhereIsNotAskedFor) {
  std::istringstream in("0.8\nlow\n\n");
  std::ostringstream out;
  Console console(in, out, out, {.terminal = true});
  FieldSources sources;
  sources.zone = "Europe/Berlin";
  sources.now = *ParseInstant("2026-03-02T08:15:00Z");
  FormFiller filler(console, sources, {}, nullptr);
  filler.LeaveOut([](const auto& field) { return field.name() == "wbc_sampled_at"; });
  const auto fields = filler.Fill(*FindBody("ld_waived"));
  ASSERT_THAT(fields, IsOk());
  EXPECT_EQ(fields->back(), std::make_pair(std::string("reason"), std::string("low")));
}

TEST(FormFillerTest, AStoppedScanIsAskedForAgain) {
  int stops = 0;
  const Filled filled = Fill("ld_waived", "0.8\n-3h\nlow\ncoi WRONG\ncoi RIGHT\n\n",
                             [&](pb::ScanKind kind, const std::string& value) -> Status {
                               EXPECT_EQ(kind, pb::SCAN_COI);
                               if (value == "RIGHT") return absl::OkStatus();
                               ++stops;
                               return FailedPrecondition("another patient's");
                             });
  ASSERT_THAT(filled.fields, IsOk());
  EXPECT_EQ(stops, 1);
  EXPECT_EQ(filled.fields->back().second, "RIGHT");
}

TEST(FormFillerTest, CancelAndTheEndOfInputGiveNothing) {
  EXPECT_THAT(Fill("ld_waived", "0.8\ncancel\n").fields, StatusIs(StatusCode::kCancelled));
  EXPECT_THAT(Fill("ld_waived", "0.8\n").fields, StatusIs(StatusCode::kOutOfRange));
}

TEST(FormFillerTest, OwnChecksAreAskedOfEachSignerByName) {
  const Filled filled = Fill("prethaw_id_verified", "");
  EXPECT_NE(filled.screen.find("of N1, by this person alone"), std::string::npos) << filled.screen;
}

}  // namespace
}  // namespace custody
