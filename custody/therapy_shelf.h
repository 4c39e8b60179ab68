// Where the folded states of very many therapies wait for their next event.
#ifndef CUSTODY_CUSTODY_THERAPY_SHELF_H_
#define CUSTODY_CUSTODY_THERAPY_SHELF_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "crypto/hash.h"
#include "custody/pb.h"

namespace custody {

// `TherapyShelf` keeps at most `live_max` states as messages and all others as bytes, which take a
// fraction of the memory. Not thread-safe.
class TherapyShelf {
 public:
  explicit TherapyShelf(std::size_t live_max) : live_max_(live_max) {}

  // `Fetch` gives the state of the chain with `key`, empty at first; valid until the next Fetch.
  pb::TherapyState& Fetch(const Hash& key);
  // `Taint` remembers that an event of the chain was not folded; `tainted` says so later.
  void Taint(const Hash& key) { slots_[key].tainted = true; }
  bool tainted(const Hash& key) const;
  // `ForEach` visits every state, in no order.
  void ForEach(const std::function<void(const Hash& key, const pb::TherapyState& state)>& visit);

 private:
  struct Slot {
    std::unique_ptr<pb::TherapyState> live;  // null: at rest
    std::string resting;                     // serialized
    bool tainted = false;
  };
  static std::unique_ptr<pb::TherapyState> Wake(const std::string& bytes);

  std::size_t live_max_;
  std::unordered_map<Hash, Slot> slots_;
  std::deque<Hash> live_;  // oldest first
};

}  // namespace custody

#endif  // CUSTODY_CUSTODY_THERAPY_SHELF_H_
