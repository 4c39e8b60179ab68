#include "client/exit_code.h"

#include <cstdio>
#include <exception>
#include <string>

namespace custody {

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitDone;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return kExitUnreachable;
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnauthenticated:
      return kExitNotPermitted;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    default:
      return kExitRefused;
  }
}

int RunGuarded(std::string_view program, int stray, const std::function<int()>& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: unexpected: %s\n", std::string(program).c_str(), error.what());
    return stray;
  }
}

}  // namespace custody
