// How many long calls of one kind may be under way, for one station and in all.
#ifndef CUSTODY_SERVER_RPC_TURNS_H_
#define CUSTODY_SERVER_RPC_TURNS_H_

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "crypto/status.h"

namespace custody {

// `Turns` counts, so that no station takes the places of the others. Thread-safe.
class Turns {
 public:
  // At most `of_station` of one station and `in_all`; `too_many` says what there are too many of.
  Turns(int of_station, int in_all, std::string too_many)
      : most_of_station_(of_station), most_(in_all), too_many_(std::move(too_many)) {}

  // `Begin` is RESOURCE_EXHAUSTED when there are too many, of `station` or in all.
  Status Begin(const std::string& station) {
    const std::lock_guard lock(mutex_);
    const auto own = of_station_.find(station);
    if ((own != of_station_.end() && own->second >= most_of_station_) || all_ >= most_) {
      return ResourceExhausted(too_many_);
    }
    ++of_station_[station];
    ++all_;
    return Status();
  }
  // REQUIRES: `station` began one that has not ended.
  void End(const std::string& station) {
    const std::lock_guard lock(mutex_);
    const auto own = of_station_.find(station);
    if (--own->second == 0) of_station_.erase(own);
    --all_;
  }

 private:
  const int most_of_station_;
  const int most_;
  const std::string too_many_;
  std::mutex mutex_;
  std::map<std::string, int> of_station_;  // under mutex_
  int all_ = 0;                            // under mutex_
};

// `Turn` is one of them, for as long as it lives.
class Turn {
 public:
  explicit Turn(Turns& turns) : turns_(turns) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!station_.empty()) turns_.End(station_);
  }
  Status Begin(const std::string& station) {
    CUSTODY_RETURN_IF_ERROR(turns_.Begin(station));
    station_ = station;
    return Status();
  }

 private:
  Turns& turns_;
  std::string station_;  // empty: not begun
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_TURNS_H_
