#include "client/draft.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

TEST(DraftTest, ReadsALineWithNestedFields) {
  const auto draft = Draft::ParseJson(R"({"event":"ld_dose","therapy":"ABC",
    "at":"2026-03-02T08:15:00Z","entry":"LATE","reason":"busy",
    "signers":["N1:RN","N2:RN:CHECKED",{"person":"P1","role":"PHY","identified_at":"08:10"}],
    "performed_by":["N9:RN:Nina Example"],"grants":["ab"],
    "logger_file":"LOG-7.csv",
    "fields":{"course":"1","day":2,"drugs":[{"drug":"fludarabine","amount":54.5},{"drug":"x"}]}})");
  ASSERT_THAT(draft, IsOk());
  EXPECT_EQ(draft->event, "ld_dose");
  EXPECT_EQ(draft->entry, pb::LATE);
  EXPECT_EQ(draft->logger_file, "LOG-7.csv");
  ASSERT_EQ(draft->signers.size(), 3U);
  EXPECT_EQ(draft->signers[1].meaning, pb::CHECKED);
  EXPECT_EQ(draft->signers[2].role, pb::PHY);
  EXPECT_EQ(draft->signers[2].identified_at, "08:10");
  EXPECT_EQ(draft->performed_by[0].printed_name(), "Nina Example");
  EXPECT_EQ(draft->fields, (Fields{{"course", "1"},
                                   {"day", "2"},
                                   {"drugs.0.amount", "54.5"},
                                   {"drugs.0.drug", "fludarabine"},
                                   {"drugs.1.drug", "x"}}));
}

TEST(DraftTest, NamesWhatItDoesNotKnow) {
  EXPECT_THAT(Draft::ParseJson("no json"), StatusIs(StatusCode::kInvalidArgument, "one JSON"));
  EXPECT_THAT(Draft::ParseJson(R"({"therapy":"A"})"),
              StatusIs(StatusCode::kInvalidArgument, "\"event\" is missing"));
  EXPECT_THAT(Draft::ParseJson(R"({"event":"x","threapy":"A"})"),
              StatusIs(StatusCode::kInvalidArgument, "threapy"));
  EXPECT_THAT(Draft::ParseJson(R"({"event":"x","entry":"SOON"})"),
              StatusIs(StatusCode::kInvalidArgument, "LIVE, LATE or DOWNTIME"));
  EXPECT_THAT(Draft::ParseJson(R"({"event":"x","signers":["N1"]})"),
              StatusIs(StatusCode::kInvalidArgument, "PERSON:ROLE"));
  EXPECT_THAT(Draft::ParseJson(R"({"event":"x","fields":{"a":null}})"),
              StatusIs(StatusCode::kInvalidArgument, "must be text"));
}

TEST(DraftSignerTest, ReadsRoleAndMeaningInAnyCase) {
  const auto signer = DraftSigner::Parse("C1:cell-lab:witnessed");
  ASSERT_THAT(signer, IsOk());
  EXPECT_EQ(signer->role, pb::CELL_LAB);
  EXPECT_EQ(signer->meaning, pb::WITNESSED);
  EXPECT_THAT(DraftSigner::Parse("C1:chef"), StatusIs(StatusCode::kInvalidArgument, "no role"));
  EXPECT_THAT(DraftSigner::Parse("C1:RN:liked"),
              StatusIs(StatusCode::kInvalidArgument, "no meaning"));
  EXPECT_THAT(DraftSigner::Parse(":RN"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(ParsePerformerTest, TakesPeopleWhoAreNotEnrolled) {
  const auto performer = ParsePerformer(":RN:Nina: the second");
  ASSERT_THAT(performer, IsOk());
  EXPECT_EQ(performer->person(), "");
  EXPECT_EQ(performer->printed_name(), "Nina: the second");
  EXPECT_THAT(ParsePerformer("N1:RN"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(DefaultMeaningTest, LaterEntriesAreTranscribedAndChecked) {
  EXPECT_EQ(DefaultMeaning(pb::LIVE, 0), pb::PERFORMED);
  EXPECT_EQ(DefaultMeaning(pb::LIVE, 1), pb::VERIFIED);
  EXPECT_EQ(DefaultMeaning(pb::DOWNTIME, 0), pb::TRANSCRIBED);
  EXPECT_EQ(DefaultMeaning(pb::LATE, 1), pb::CHECKED);
}

}  // namespace
}  // namespace custody
