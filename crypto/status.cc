#include "crypto/status.h"

#include <cstdio>
#include <cstdlib>

namespace custody {

Status MakeStatus(StatusCode code, std::string_view message) {
  return Status(code, absl::string_view(message.data(), message.size()));
}

Status InvalidArgument(std::string_view message) {
  return MakeStatus(StatusCode::kInvalidArgument, message);
}
Status Unauthenticated(std::string_view message) {
  return MakeStatus(StatusCode::kUnauthenticated, message);
}
Status PermissionDenied(std::string_view message) {
  return MakeStatus(StatusCode::kPermissionDenied, message);
}
Status FailedPrecondition(std::string_view message) {
  return MakeStatus(StatusCode::kFailedPrecondition, message);
}
Status Aborted(std::string_view message) { return MakeStatus(StatusCode::kAborted, message); }
Status AlreadyExists(std::string_view message) {
  return MakeStatus(StatusCode::kAlreadyExists, message);
}
Status NotFound(std::string_view message) { return MakeStatus(StatusCode::kNotFound, message); }
Status OutOfRange(std::string_view message) { return MakeStatus(StatusCode::kOutOfRange, message); }
Status ResourceExhausted(std::string_view message) {
  return MakeStatus(StatusCode::kResourceExhausted, message);
}
Status Unavailable(std::string_view message) {
  return MakeStatus(StatusCode::kUnavailable, message);
}
Status DeadlineExceeded(std::string_view message) {
  return MakeStatus(StatusCode::kDeadlineExceeded, message);
}
Status Unimplemented(std::string_view message) {
  return MakeStatus(StatusCode::kUnimplemented, message);
}
Status DataLoss(std::string_view message) { return MakeStatus(StatusCode::kDataLoss, message); }
Status Internal(std::string_view message) { return MakeStatus(StatusCode::kInternal, message); }

std::string Message(const Status& status) {
  return std::string(status.message().data(), status.message().size());
}

Status WithContext(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  return MakeStatus(status.code(), std::string(context) + ": " + Message(status));
}

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, condition);
  std::abort();
}

}  // namespace custody
