// A full histogram of latencies: every value is counted, percentiles are exact to under 2 %.
#ifndef CUSTODY_TOOLS_LOAD_HISTOGRAM_H_
#define CUSTODY_TOOLS_LOAD_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cstdint>

namespace custody {

// `Histogram` counts microseconds in buckets of 1/64 of a power of two. A value, not thread-safe.
class Histogram {
 public:
  void Add(std::uint64_t micros) {
    ++counts_[Bucket(micros)];
    ++total_;
    if (micros > max_) max_ = micros;
  }
  void Merge(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    if (other.max_ > max_) max_ = other.max_;
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  // `Percentile` gives the upper edge of the bucket that holds the `percent`-th value; 0 when
  // empty.
  std::uint64_t Percentile(double percent) const {
    const auto rank = static_cast<std::uint64_t>(static_cast<double>(total_) * percent / 100.0);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank || (seen == total_ && seen > 0))
        return UpperEdge(i) < max_ ? UpperEdge(i) : max_;
    }
    return 0;
  }

 private:
  static constexpr std::size_t kPerDoubling = 64;
  static std::size_t Bucket(std::uint64_t value) {
    if (value < kPerDoubling) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 7U;
    return (static_cast<std::size_t>(shift) + 1) * kPerDoubling + ((value >> shift) - kPerDoubling);
  }
  static std::uint64_t UpperEdge(std::size_t bucket) {
    if (bucket < kPerDoubling) return bucket;
    const std::size_t shift = bucket / kPerDoubling - 1;
    return ((bucket % kPerDoubling + kPerDoubling + 1) << shift) - 1;
  }

  std::array<std::uint64_t, 40 * kPerDoubling> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace custody

#endif  // CUSTODY_TOOLS_LOAD_HISTOGRAM_H_
