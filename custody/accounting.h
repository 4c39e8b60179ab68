// The accounts of a container (process, 1.3): what was filled into it comes out of it again, into a
// patient, another container, a sample or the waste. And how long the record of it all is kept.
#ifndef CUSTODY_CUSTODY_ACCOUNTING_H_
#define CUSTODY_CUSTODY_ACCOUNTING_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "custody/pb.h"

namespace custody {

// `IsGiven` says whether a container in this state was given to the patient, whole or in part.
bool IsGiven(pb::ContainerState state);
// `HasAccounts` says whether volumes of a container add up: of what was filled or drawn with a
// stated volume. Collected cells are washed and mixed on their way, so theirs do not.
bool HasAccounts(const pb::Container& container);
// `LeftIn` is what is still in a container by its accounts, in mL; below 0 when more went out than
// was in it. Meaningless without accounts.
double LeftIn(const pb::Container& container);
// `IsPartlyUsed` says whether anything went out of a container in part: given in part, drawn,
// leaked.
bool IsPartlyUsed(const pb::Container& container);
// `VolumeSlack` is by how much volumes of a container may differ, in mL: the larger of 10 % of what
// was filled and 2 mL. A profile may tighten both.
double VolumeSlack(const pb::Profile* profile, const pb::Container& container);
// `OpenResidue` is what is left in a container that was given in part and has no other end, in mL;
// nullopt when its accounts are even.
std::optional<double> OpenResidue(const pb::Profile* profile, const pb::Container& container);

// `RetainUntil` is how long a record is kept whose product expires at `expiry_us`: 30 calendar
// years, to the end of that day in `zone` (R31).
std::int64_t RetainUntil(std::int64_t expiry_us, std::string_view zone);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_ACCOUNTING_H_
