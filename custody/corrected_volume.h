// Volumes of containers that are corrected (F19): which container it is, and what follows for it.
#ifndef CUSTODY_CUSTODY_CORRECTED_VOLUME_H_
#define CUSTODY_CUSTODY_CORRECTED_VOLUME_H_

#include <string_view>

#include "custody/correction.h"
#include "custody/pb.h"

namespace custody {

// `CorrectedVolume` is what a correction says of a volume that event `event_id` stated.
struct CorrectedVolume {
  int body = 0;
  std::string_view event_id;
  std::string_view path;  // "containers[1].volume_ml"
  double old_ml = 0;
  double new_ml = 0;
};

// `IsContainersVolume` says whether `path` of `body` is a volume filled into, drawn into or given
// out of one container.
bool IsContainersVolume(int body, std::string_view path);
// `CorrectVolume` puts it right in the container that has it, in the account of what that was drawn
// from, and in whether it was given whole. Of several containers alike nobody can tell: kNo.
Folded CorrectVolume(pb::TherapyState& state, const pb::Profile* profile,
                     const CorrectedVolume& volume);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CORRECTED_VOLUME_H_
