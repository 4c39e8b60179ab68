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
  const auto cells = [](const pb::Container* c) { return !c->plasma(); };
  if (!batch.containers().empty()) {
    const auto named = those([&](const pb::Container* c) {
      return std::ranges::any_of(batch.containers(), [&](const std::string& id) {
        return FindContainer(state, id) == c;  // a bag may be scanned by its donation number
      });
    });
    return std::ranges::any_of(named, cells) ? named : std::vector<const pb::Container*>();
  }
  const auto usable = [&](const pb::Container* c) { return cells(c) && !MayNotBeUsed(c->state()); };
  const auto is_here = [&](const pb::Container* c) {
    return c->state() != pb::CONTAINER_IN_USE && c->site() == site;
  };
  const auto free = [&](const pb::Container* c) { return usable(c) && is_here(c); };
  // Plasma goes with the cells when it was checked in with them.
  const auto beside = [&](const pb::Container* c) {
    return c->plasma() && c->accepted() && !MayNotBeUsed(c->state()) && is_here(c);
  };
  for (const auto& found : {those(free), those(usable)}) {
    if (found.empty()) continue;
    std::vector<const pb::Container*> together = found;
    std::ranges::copy(those(beside), std::back_inserter(together));
    return together;
  }
  return those(cells);
}

}  // namespace custody
