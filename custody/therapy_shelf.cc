#include "custody/therapy_shelf.h"

#include "crypto/status.h"

namespace custody {

std::unique_ptr<pb::TherapyState> TherapyShelf::Wake(const std::string& bytes) {
  auto state = std::make_unique<pb::TherapyState>();
  CUSTODY_CHECK(state->ParseFromString(bytes));  // bytes that Fetch wrote
  return state;
}

pb::TherapyState& TherapyShelf::Fetch(const Hash& key) {
  Slot& slot = slots_[key];
  if (slot.live) return *slot.live;
  if (live_.size() >= live_max_) {
    Slot& oldest = slots_[live_.front()];
    live_.pop_front();
    oldest.resting = oldest.live->SerializeAsString();
    oldest.live.reset();
  }
  slot.live = Wake(slot.resting);
  slot.resting.clear();
  slot.resting.shrink_to_fit();
  live_.push_back(key);
  return *slot.live;
}

bool TherapyShelf::tainted(const Hash& key) const {
  const auto found = slots_.find(key);
  return found != slots_.end() && found->second.tainted;
}

void TherapyShelf::ForEach(const std::function<void(const Hash&, const pb::TherapyState&)>& visit) {
  for (const auto& [key, slot] : slots_) visit(key, slot.live ? *slot.live : *Wake(slot.resting));
}

}  // namespace custody
