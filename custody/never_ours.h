// Numbers and names that were written down by mistake, and are given back: a chain of identity, a
// donation number, a lot, a container or a vial of vector that another therapy has in truth.
#ifndef CUSTODY_CUSTODY_NEVER_OURS_H_
#define CUSTODY_CUSTODY_NEVER_OURS_H_

#include <string>
#include <string_view>

#include "custody/pb.h"

namespace custody {

using GivenNames = google::protobuf::RepeatedPtrField<std::string>;

// `HasName` says whether a therapy goes by `name`, or has or used something that does; of a vial
// the name is its lot, "/" and the vial.
bool HasName(const pb::TherapyState& state, std::string_view name);
// `BearerOf` is what bears `name` in such a way that it cannot be a slip, and by which record, for
// people, when all of `names` are given back together; empty: nothing does.
std::string BearerOf(const pb::TherapyState& state, const GivenNames& names, std::string_view name);
// `GiveBack` takes `names` out of a therapy, and remembers them: what bore them is unknown to it
// from then on, as if it had never been written down. Cells that only such a lot was made of may be
// used again. `ForgetGivenBack` forgets those that were written down anew since: it has them.
void GiveBack(pb::TherapyState& state, const GivenNames& names);
void ForgetGivenBack(pb::TherapyState& state);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_NEVER_OURS_H_
