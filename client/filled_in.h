// What a station knows by itself and nobody is asked for.
#ifndef CUSTODY_CLIENT_FILLED_IN_H_
#define CUSTODY_CLIENT_FILLED_IN_H_

#include <google/protobuf/message.h>

#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// `FillOwnChecks`: the own check of each person names that person and when; both are known from who
// signs.
void FillOwnChecks(const pb::Event& event, google::protobuf::Message& body);

// `FillComputedGrade`: the grade of CRS or ICANS that what is recorded gives, beside the one that
// the physician attests, unless it was given.
void FillComputedGrade(const pb::TherapyState& known, pb::Event& event);

// `FillVerifiedAt`: a live step at the bag says since when its station knows nothing newer (R36),
// unless that was given. Other bodies stay as they are; so does the step when `verified` is 0.
void FillVerifiedAt(Instant verified, const pb::Event& event, google::protobuf::Message& body);

}  // namespace custody

#endif  // CUSTODY_CLIENT_FILLED_IN_H_
