// Which collected cells a batch is made of: asked by the rules before, and by the fold after.
#ifndef CUSTODY_CUSTODY_BATCH_CELLS_H_
#define CUSTODY_CUSTODY_BATCH_CELLS_H_

#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {

// `BagsFor` are the collected bags of one donation that a batch opened at `site` is made of: those
// it names; else those that are there and not kept back; where none is, all that may be used; else
// all of the donation. Plasma alone makes no batch: it goes with the cells, named or checked in
// with them.
std::vector<const pb::Container*> BagsFor(const pb::TherapyState& state,
                                          const pb::BatchOpened& batch, std::string_view din,
                                          std::string_view site);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_BATCH_CELLS_H_
