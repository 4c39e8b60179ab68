// Lists that come in pages, from servers that are what they should be and others.
#include "client/pages.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "custody/pb.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

pb::TraceReply Page(const std::string& therapy, const std::string& next) {
  pb::TraceReply page;
  if (!therapy.empty()) page.add_therapies()->set_therapy(therapy);
  page.set_next(next);
  return page;
}

// Gives `answers`, one after the other; notes what was asked for.
class PagesTest : public ::testing::Test {
 protected:
  Status Ask() {
    return AllPages(
        pb::TraceRequest(),
        [this](const pb::TraceRequest& request) -> StatusOr<pb::TraceReply> {
          asked_ += "[" + request.after() + "]";
          if (answers_.empty()) return Aborted("the server was started anew");
          StatusOr<pb::TraceReply> answer = std::move(answers_.front());
          answers_.pop_front();
          return answer;
        },
        pages_);
  }
  std::string Therapies() const {
    std::string all;
    for (const pb::TraceReply& page : pages_) {
      for (const pb::TracedTherapy& one : page.therapies()) all += one.therapy();
    }
    return all;
  }

  std::deque<StatusOr<pb::TraceReply>> answers_;
  std::vector<pb::TraceReply> pages_;
  std::string asked_;
};

TEST_F(PagesTest, AreAskedForUntilThereIsNoNextOne) {
  answers_ = {Page("A", "1"), Page("", "2"), Page("B", "")};
  CUSTODY_EXPECT_OK(Ask());
  EXPECT_EQ(asked_, "[][1][2]");
  EXPECT_EQ(Therapies(), "AB") << "one of them was empty";
}

TEST_F(PagesTest, AServerThatWasStartedAnewIsAskedFromTheBeginning) {
  answers_ = {Page("A", "1"), Aborted("started anew"), Page("A", "1"), Page("B", "")};
  CUSTODY_EXPECT_OK(Ask());
  EXPECT_EQ(asked_, "[][1][][1]");
  EXPECT_EQ(Therapies(), "AB") << "nothing stands there twice";
}

TEST_F(PagesTest, AServerThatIsStartedAnewAgainAndAgainIsGivenUp) {
  for (int i = 0; i < 9; ++i) {
    answers_.emplace_back(Page("A", "1"));
    answers_.emplace_back(Aborted("started anew"));
  }
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(asked_, "[][1][][1][][1][][1][][1]");
  asked_.clear();
  answers_ = {Aborted("of something else")};
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(asked_, "[]") << "the first page is of no run but this";
}

TEST_F(PagesTest, ThatGoBackwardsEnd) {
  answers_ = {Page("A", "2"), Page("B", "1")};
  EXPECT_THAT(Ask(), StatusIs(StatusCode::kDataLoss, "go backwards"));
}

TEST_F(PagesTest, WhatCameBeforeAnErrorIsKept) {
  answers_ = {Page("A", "1"), FailedPrecondition("NOT ALL is listed")};
  const Status ended = Ask();
  EXPECT_TRUE(ListedThoughNotAll(ended, pages_.empty()));
  EXPECT_EQ(Therapies(), "A");
}

}  // namespace
}  // namespace custody
