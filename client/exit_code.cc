#include "client/exit_code.h"

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "client/plain_lines.h"

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

int ExitCodeOfReading(const Status& status) {
  const int code = ExitCodeOf(status);
  return code == kExitRefused ? kExitUnreachable : code;
}

void SayFailure(std::string_view program, bool json, const Status& status) {
  if (!json) {
    std::fprintf(stderr, "%s: %s\n", std::string(program).c_str(),
                 PlainLines(Message(status), "  ").c_str());
    return;
  }
  const nlohmann::json error = {{"error", Message(status)},
                                {"code", absl::StatusCodeToString(status.code())}};
  std::printf("%s\n", error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

bool AsksForJson(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

int RunGuarded(std::string_view program, int stray, const std::function<int()>& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: unexpected: %s\n", std::string(program).c_str(),
                 PlainLines(error.what(), "  ").c_str());
    return stray;
  }
}

}  // namespace custody
