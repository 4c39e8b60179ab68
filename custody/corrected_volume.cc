// The state does not say which event filled, drew or gave which container. It can be told of the
// last draw, of the last infusion and of a filling that was the only one; else it is the one
// container that holds the old value. Of several alike, and of one that was given in two parts,
// nobody can tell: then people look at it (rules/records.cc).
#include "custody/corrected_volume.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "custody/accounting.h"
#include "custody/state.h"

namespace custody {
namespace {

using Containers = std::vector<pb::Container*>;

bool IsGift(int body) { return body == pb::Event::kInfusionCompleted; }
bool IsDraw(int body) { return body == pb::Event::kContainerDerived; }

double Stated(int body, const pb::Container& container) {
  return IsGift(body) ? container.infused_ml() : container.volume_ml();
}

bool IsSame(double known, double said) { return std::abs(known - said) <= 1e-9 * std::abs(known); }

// What events of that body filled, drew or gave, in the order of the record.
Containers ContainersOf(pb::TherapyState& state, int body) {
  Containers its;
  for (pb::Container& container : *state.mutable_containers()) {
    const bool drawn = !container.parent().empty();
    const bool filled = !drawn && !container.lot().empty();
    const bool given = container.infusion_ended_us() != 0;
    if (IsGift(body) ? given : IsDraw(body) ? drawn : filled) its.push_back(&container);
  }
  return its;
}

// The one of them of which it can be told; null: of none.
pb::Container* StatedBy(const pb::TherapyState& state, const Containers& its,
                        const CorrectedVolume& volume) {
  const pb::StepRecord* last = FindStep(state, volume.body);
  if (last == nullptr || last->event_id() != volume.event_id || its.empty()) return nullptr;
  if (IsDraw(volume.body)) return its.back();
  if (IsGift(volume.body)) {
    const bool in_parts = last->count() > its.size();
    const auto ended = std::ranges::find(its, last->occurred_us(),
                                         [](const auto* c) { return c->infusion_ended_us(); });
    return in_parts || ended == its.end() ? nullptr : *ended;
  }
  if (last->count() != 1 || !state.never_ours().empty()) return nullptr;
  const std::string path(volume.path.substr(volume.path.find('[') + 1));
  const std::size_t place = std::strtoul(path.c_str(), nullptr, 10);
  return place < its.size() ? its[place] : nullptr;
}

// Whether an infusion left something in a container, by its accounts.
bool IsInPart(const pb::Profile* profile, const pb::Container& container) {
  const double left = LeftIn(container) + container.destroyed_ml();
  return HasAccounts(container) && left > VolumeSlack(profile, container);
}

// What was drawn into a container came out of one of its parent's accounts.
void DrawAnew(pb::TherapyState& state, const pb::Container& drawn, const CorrectedVolume& volume) {
  const double more = volume.new_ml - volume.old_ml;
  const bool sample = drawn.material() == pb::SAMPLE_MATERIAL;
  for (pb::Container& parent : *state.mutable_containers()) {
    if (parent.id() != drawn.parent()) continue;
    if (sample && parent.sampled_ml() >= volume.old_ml) {
      parent.set_sampled_ml(parent.sampled_ml() + more);
    } else if (sample && parent.retained_ml() >= volume.old_ml) {
      parent.set_retained_ml(parent.retained_ml() + more);
    } else {
      parent.set_derived_ml(parent.derived_ml() + more);
    }
  }
}

}  // namespace

bool IsContainersVolume(int body, std::string_view path) {
  const std::string field = WithoutPlaces(path);
  return (body == pb::Event::kFilled && field == "containers.volume_ml") ||
         (IsDraw(body) && field == "volume_ml") || (IsGift(body) && field == "volume_given_ml");
}

Folded CorrectVolume(pb::TherapyState& state, const pb::Profile* profile,
                     const CorrectedVolume& volume) {
  Containers its = ContainersOf(state, volume.body);
  pb::Container* container = StatedBy(state, its, volume);
  if (container == nullptr) {
    std::erase_if(its, [&](const pb::Container* c) {
      return !IsSame(Stated(volume.body, *c), volume.old_ml);
    });
    if (its.size() != 1) return Folded::kNo;
    container = its.front();
  }
  if (!IsSame(Stated(volume.body, *container), volume.old_ml)) return Folded::kOther;
  const bool in_part = IsInPart(profile, *container);
  if (IsGift(volume.body)) {
    container->set_infused_ml(volume.new_ml);
  } else {
    container->set_volume_ml(volume.new_ml);
  }
  if (IsDraw(volume.body)) DrawAnew(state, *container, volume);
  // By the new volume it was given whole, or in part, as it would have been at the infusion's end.
  const bool now_in_part = IsInPart(profile, *container);
  if (in_part != now_in_part && IsGiven(container->state())) {
    container->set_state(now_in_part ? pb::CONTAINER_INFUSED_PARTIAL : pb::CONTAINER_INFUSED);
  }
  return Folded::kYes;
}

}  // namespace custody
