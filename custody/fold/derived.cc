// Containers that are drawn from others (F22): a syringe, a bag that was saved, a sample.
#include "custody/fold/fold.h"
#include "custody/state.h"

namespace custody::fold {
namespace {

void ClearAccounts(pb::Container& container) {
  container.clear_infused_ml();
  container.clear_sampled_ml();
  container.clear_retained_ml();
  container.clear_derived_ml();
  container.clear_destroyed_ml();
  container.clear_lost_ml();
  container.clear_damage();
}

// What was done with the parent was not done with what was saved of it. Out of a bag at the bed it
// is thawed, as the bag was; out of cells in manufacture it is cells.
pb::ContainerState StateOfDrawn(const pb::Container& parent) {
  switch (parent.state()) {
    case pb::CONTAINER_VERIFIED:
    case pb::CONTAINER_INFUSING:
    case pb::CONTAINER_INFUSED:
    case pb::CONTAINER_INFUSED_PARTIAL:
      return parent.thaw_started_us() != 0 ? pb::CONTAINER_THAWED : pb::CONTAINER_REMOVED;
    case pb::CONTAINER_IN_USE:
    case pb::CONTAINER_CONSUMED:
      return pb::CONTAINER_COLLECTED;
    default:
      return parent.state();
  }
}

// Inherits lot, release, check, quarantines and windows of its parent; its accounts and what
// becomes of it are its own.
void Derived(Folding& f, const pb::ContainerDerived& body) {
  pb::Container* parent = MutableContainer(f.state, body.parent());
  if (parent == nullptr || FindContainer(f.state, body.container()) != nullptr) return;
  const bool retained = body.kind() == pb::VESSEL_RETENTION_VIAL;
  const bool sample =
      retained || body.kind() == pb::VESSEL_SAMPLE || body.kind() == pb::VESSEL_QC_VIAL;
  if (retained) {
    parent->set_retained_ml(parent->retained_ml() + body.volume_ml());
  } else if (sample) {
    parent->set_sampled_ml(parent->sampled_ml() + body.volume_ml());
  } else {
    parent->set_derived_ml(parent->derived_ml() + body.volume_ml());
  }
  const pb::Container inherited = *parent;
  pb::Container* derived = f.state.add_containers();
  *derived = inherited;
  derived->set_id(body.container());
  derived->set_parent(inherited.id());
  derived->set_volume_ml(body.volume_ml());
  ClearAccounts(*derived);
  if (sample) derived->set_material(pb::SAMPLE_MATERIAL);  // never for the patient
  if (body.kind() == pb::VESSEL_PLASMA) derived->set_plasma(true);
  derived->set_state(StateOfDrawn(inherited));
  derived->set_state_us(f.at);
  derived->clear_infusion_started_us();
  derived->clear_infusion_ended_us();
  derived->clear_pass();
  derived->clear_stays();
  derived->set_site(f.site);
}

}  // namespace

void FoldDerived(Folding& f) { Derived(f, f.event.container_derived()); }

}  // namespace custody::fold
