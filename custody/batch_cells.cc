#include "custody/batch_cells.h"

#include <algorithm>
#include <iterator>

#include "custody/state.h"

namespace custody {

std::vector<const pb::Container*> BagsFor(const pb::TherapyState& state,
                                          const pb::BatchOpened& batch, std::string_view din,
                                          std::string_view site) {
  std::vector<const pb::Container*> all;
  for (const pb::Container& c : state.containers()) {
    const bool meant = c.din() == din || c.id() == din;
    if (meant && c.material() == pb::STARTING_MATERIAL) all.push_back(&c);
  }
  const auto those = [&](auto wanted) {
    std::vector<const pb::Container*> found;
    std::ranges::copy_if(all, std::back_inserter(found), wanted);
    return found;
  };
  if (!batch.containers().empty()) {
    return those([&](const pb::Container* c) {
      return std::ranges::any_of(batch.containers(), [&](const std::string& id) {
        return FindContainer(state, id) == c;  // a bag may be scanned by its donation number
      });
    });
  }
  const auto usable = [](const pb::Container* c) { return !MayNotBeUsed(c->state()); };
  const auto free = [&](const pb::Container* c) {
    return usable(c) && c->state() != pb::CONTAINER_IN_USE && c->site() == site;
  };
  for (const auto& found : {those(free), those(usable)}) {
    if (!found.empty()) return found;
  }
  return all;
}

}  // namespace custody
