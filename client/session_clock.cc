// The station's clock against the ledger's (R03).
//
// The server tells its time in Hello. How long the answer took is not known of each way, so the
// station is given the benefit of it: only what lies outside the call counts as a skew. Between two
// measurements the monotonic clock shows whether the machine's was set; a machine that slept looks
// just so, which is why it is asked anew and not reckoned.

#include "client/grpc_session.h"

namespace custody {
namespace {

constexpr std::int64_t kMeasuredFor = kMicrosPerMinute;
constexpr std::int64_t kNobodySetIt = kMicrosPerSecond;

}  // namespace

Instant GrpcSession::Now() const { return clock_.Now() + offset_micros_; }

void GrpcSession::Measure(const Moment& asked, const pb::HelloReply& reply) {
  const std::lock_guard lock(clock_mutex_);
  ahead_.reset();
  measured_ = Read();
  if (!reply.has_server_time()) return;
  const Instant server = FromProto(reply.server_time());
  const std::int64_t least = asked.wall - server;
  const std::int64_t most = measured_.wall - server;
  ahead_ = least > 0 ? least : most < 0 ? most : 0;
}

std::optional<std::int64_t> GrpcSession::ClockAhead() {
  const Moment now = Read();
  bool set = false;
  {
    const std::lock_guard lock(clock_mutex_);
    const std::int64_t passed = now.monotonic - measured_.monotonic;
    const std::int64_t moved = (now.wall - measured_.wall) - passed;
    set = moved >= kNobodySetIt || moved <= -kNobodySetIt;
    if (passed < kMeasuredFor && !set) return ahead_;
  }
  pb::HelloReply reply;
  grpc::ClientContext context;
  SetDeadline(context, kCallTimeout);
  const Status asked = FromGrpc(ledger_->Hello(&context, pb::HelloRequest(), &reply)).status;
  if (!asked.ok()) {  // what was measured last is true until somebody sets the clock
    const std::lock_guard lock(clock_mutex_);
    if (set) ahead_.reset();
    measured_ = now;  // asked again in a minute
    return ahead_;
  }
  Moment before = now;
  if (CheckClockOffset(folder_.trust(), reply.clock_offset_ms()).ok()) {
    const std::int64_t moved = reply.clock_offset_ms() * 1000 - offset_micros_;
    offset_micros_ += moved;
    before.wall = before.wall + moved;
  }
  Measure(before, reply);
  const std::lock_guard lock(clock_mutex_);
  return ahead_;
}

}  // namespace custody
