// Reading threads, and how many long calls there may be.

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "server/rpc/turns.h"
#include "server/rpc/workers.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

TEST(WorkersTest, WhatGoesOnIsNoReasonToRefuseWhatIsNew) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<int> done = 0;
  {
    Workers workers(1, 2);
    workers.Continue([released] { released.wait(); });
    for (int i = 0; i < 100; ++i) workers.Continue([&done] { ++done; });
    EXPECT_TRUE(workers.Submit([&done] { ++done; }));
    EXPECT_TRUE(workers.Submit([&done] { ++done; }));
    EXPECT_FALSE(workers.Submit([&done] { done += 1'000; }));
    release.set_value();
  }
  EXPECT_EQ(done, 102);
}

TEST(WorkersTest, APlaceIsFreeAgainWhenItsWorkBegins) {
  Workers workers(1, 1);
  for (int i = 0; i < 10; ++i) {
    std::promise<void> began;
    ASSERT_TRUE(workers.Submit([&began] { began.set_value(); }));
    began.get_future().wait();
  }
}

TEST(TurnsTest, NoStationTakesThePlacesOfTheOthers) {
  Turns turns(2, 3, "too many");
  Turn first(turns);
  CUSTODY_EXPECT_OK(first.Begin("one"));
  {
    Turn second(turns);
    CUSTODY_EXPECT_OK(second.Begin("one"));
    Turn third(turns);
    EXPECT_THAT(third.Begin("one"), StatusIs(StatusCode::kResourceExhausted, "too many"));
    CUSTODY_EXPECT_OK(third.Begin("two"));
    Turn fourth(turns);
    EXPECT_THAT(fourth.Begin("three"), StatusIs(StatusCode::kResourceExhausted));
  }
  Turn again(turns);
  CUSTODY_EXPECT_OK(again.Begin("one"));
}

}  // namespace
}  // namespace custody
