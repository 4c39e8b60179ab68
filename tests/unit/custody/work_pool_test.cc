// Work shared by threads, also where the machine gives none.
#include "custody/work_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "tests/support/no_threads.h"

namespace custody {
namespace {

TEST(WorkPoolTest, DoesEveryPieceOnceAlsoWhereNoThreadCanBeBegun) {
  for (const bool short_of_threads : {false, true}) {
    std::optional<NoThreads> none;
    if (short_of_threads) none.emplace();
    WorkPool pool(8);
    std::atomic<int> done = 0;
    pool.Wait(pool.Start(1000, [&](std::size_t) { ++done; }));
    EXPECT_EQ(done.load(), 1000);
  }
}

}  // namespace
}  // namespace custody
