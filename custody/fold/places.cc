// Where containers are kept, and until when: what lies in a unit, now or on the night of an alarm,
// is asked of all therapies at once, and events entered later find their place among the others.
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

bool Covers(const pb::Stay& stay, std::int64_t at) {
  return stay.from_us() <= at && (stay.to_us() == 0 || stay.to_us() > at);
}

}  // namespace

bool StaysInPlace(pb::ContainerState state) {
  return state == pb::CONTAINER_FROZEN || state == pb::CONTAINER_STORED ||
         state == pb::CONTAINER_RETAINED || state == pb::CONTAINER_REJECTED;
}

void Depart(const Folding& f, pb::Container& container) {
  for (pb::Stay& stay : *container.mutable_stays()) {
    if (Covers(stay, f.at)) stay.set_to_us(f.at);
  }
}

void Arrive(const Folding& f, pb::Container& container, const std::string& unit,
            const std::string& position, const std::string& site) {
  auto* stays = container.mutable_stays();
  int place = stays->size();
  while (place > 0 && stays->Get(place - 1).from_us() > f.at) --place;
  std::int64_t until = 0;
  if (place < stays->size()) {
    until = stays->Get(place).from_us();
  } else if (container.state_us() > f.at && !StaysInPlace(container.state())) {
    until = container.state_us();  // told late: it has left since
  }
  Depart(f, container);
  pb::Stay* stay = stays->Add();
  stay->set_unit(unit);
  stay->set_position(position);
  stay->set_site(site);
  stay->set_from_us(f.at);
  stay->set_to_us(until);
  for (int i = stays->size() - 1; i > place; --i) stays->SwapElements(i, i - 1);
}

}  // namespace custody::fold
