// Driving a server: closed loops over several connections, every receipt verified.
#ifndef CUSTODY_TOOLS_LOAD_DRIVER_H_
#define CUSTODY_TOOLS_LOAD_DRIVER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "client/proofs.h"
#include "client/station_folder.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/v1/service.grpc.pb.h"
#include "tools/load/histogram.h"

namespace custody {

// What a run came to.
struct RunFigures {
  std::uint64_t receipts = 0;
  double seconds = 0;
  Histogram latency;  // microseconds, send to a receipt verified as every station does
  Status failure;     // the first refusal or error; the run stops at it
};

// `Connect` opens `connections` separate channels to the folder's server.
StatusOr<std::vector<std::shared_ptr<v1::Ledger::Stub>>> Connect(const StationFolder& folder,
                                                                 unsigned connections);

// `ClosedLoop` sends queue i one event after the other, all queues at once: as many events are in
// flight as there are queues. Returns when all are answered.
RunFigures ClosedLoop(const std::vector<std::shared_ptr<v1::Ledger::Stub>>& stubs,
                      const std::vector<std::vector<pb::SignedEvent>>& queues,
                      CheckpointBook& book);

}  // namespace custody

#endif  // CUSTODY_TOOLS_LOAD_DRIVER_H_
