// The generated messages, under the name the whole project uses for them.
#ifndef CUSTODY_CUSTODY_PB_H_
#define CUSTODY_CUSTODY_PB_H_

#include "custody/v1/event.pb.h"
#include "custody/v1/profile.pb.h"
#include "custody/v1/registry.pb.h"
#include "custody/v1/service.pb.h"
#include "custody/v1/state.pb.h"
#include "custody/v1/verdict.pb.h"

namespace custody {
namespace pb = v1;
}  // namespace custody

#endif  // CUSTODY_CUSTODY_PB_H_
