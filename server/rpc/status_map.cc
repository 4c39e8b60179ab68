// The 17 codes of absl and gRPC are equal in number and meaning, so that mapping is a cast; the
// assertions below hold that true for whatever versions we are built with.

#include "server/rpc/status_map.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

#include "crypto/encoding.h"
#include "crypto/random.h"
#include "crypto/utf8.h"

namespace custody {
namespace {

constexpr bool Same(absl::StatusCode ours, grpc::StatusCode theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(Same(absl::StatusCode::kOk, grpc::OK));
static_assert(Same(absl::StatusCode::kCancelled, grpc::CANCELLED));
static_assert(Same(absl::StatusCode::kUnknown, grpc::UNKNOWN));
static_assert(Same(absl::StatusCode::kInvalidArgument, grpc::INVALID_ARGUMENT));
static_assert(Same(absl::StatusCode::kDeadlineExceeded, grpc::DEADLINE_EXCEEDED));
static_assert(Same(absl::StatusCode::kNotFound, grpc::NOT_FOUND));
static_assert(Same(absl::StatusCode::kAlreadyExists, grpc::ALREADY_EXISTS));
static_assert(Same(absl::StatusCode::kPermissionDenied, grpc::PERMISSION_DENIED));
static_assert(Same(absl::StatusCode::kResourceExhausted, grpc::RESOURCE_EXHAUSTED));
static_assert(Same(absl::StatusCode::kFailedPrecondition, grpc::FAILED_PRECONDITION));
static_assert(Same(absl::StatusCode::kAborted, grpc::ABORTED));
static_assert(Same(absl::StatusCode::kOutOfRange, grpc::OUT_OF_RANGE));
static_assert(Same(absl::StatusCode::kUnimplemented, grpc::UNIMPLEMENTED));
static_assert(Same(absl::StatusCode::kInternal, grpc::INTERNAL));
static_assert(Same(absl::StatusCode::kUnavailable, grpc::UNAVAILABLE));
static_assert(Same(absl::StatusCode::kDataLoss, grpc::DATA_LOSS));
static_assert(Same(absl::StatusCode::kUnauthenticated, grpc::UNAUTHENTICATED));

// One plain line: several reasons come a line each and are joined by semicolons. What comes from a
// peer's bytes may be no text at all, and a proto3 string must be.
std::string OneLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line += Plain(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) line += "; ";
  }
  return line;
}

}  // namespace

pb::RpcStatus ToRpcStatus(const Status& status, const ErrorDetails& details) {
  pb::RpcStatus rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(OneLine(Message(status)));
  if (details.verdict != nullptr && details.verdict->ByteSizeLong() > 0) {
    rpc.add_details()->PackFrom(*details.verdict);
  }
  if (details.bad_fields != nullptr && details.bad_fields->fields_size() > 0) {
    rpc.add_details()->PackFrom(*details.bad_fields);
  }
  if (details.moved != nullptr) rpc.add_details()->PackFrom(*details.moved);
  return rpc;
}

grpc::Status ToGrpc(const Status& status, const ErrorDetails& details) {
  if (status.ok()) return grpc::Status::OK;
  const pb::RpcStatus rpc = ToRpcStatus(status, details);
  return {static_cast<grpc::StatusCode>(status.code()), rpc.message(), rpc.SerializeAsString()};
}

Status ForPeer(const Status& status, std::string_view call) {
  switch (status.code()) {
    case StatusCode::kInternal:
    case StatusCode::kUnknown:
    case StatusCode::kDataLoss:
      break;
    default:
      return status;
  }
  const StatusOr<std::string> random = SystemRng().Bytes(8);
  const std::string id = random.ok() ? Hex(*random) : "unknown";
  spdlog::error("{}: {} [correlation id {}]", call, Message(status), id);
  const bool loss = status.code() == StatusCode::kDataLoss;
  const std::string what = loss ? "stored bytes fail verification" : "the server failed inside";
  return MakeStatus(status.code(), what + "; its log says more under correlation id " + id +
                                       ": tell the administrator");
}

}  // namespace custody
