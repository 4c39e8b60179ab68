// Time that stands still until a test moves it.
#ifndef CUSTODY_TESTS_SUPPORT_FAKE_CLOCK_H_
#define CUSTODY_TESTS_SUPPORT_FAKE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "custody/time.h"

namespace custody {

// `FakeClock` is thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Instant wall) : wall_(wall.micros) {}
  Instant Now() override { return {wall_}; }
  std::int64_t MonotonicMicros() override { return monotonic_; }

  // `Pass` is time as it should be: both clocks move on.
  void Pass(std::int64_t micros) {
    wall_ += micros;
    monotonic_ += micros;
  }
  // `Jump` is somebody setting the wall clock.
  void Jump(std::int64_t micros) { wall_ += micros; }
  // `Reach` passes time until `instant`, if that is still to come.
  void Reach(Instant instant) {
    if (instant.micros > wall_) Pass(instant.micros - wall_);
  }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> monotonic_{0};
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_FAKE_CLOCK_H_
