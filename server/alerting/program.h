// Running one program of the administrator's, and never for longer than it was given.
#ifndef CUSTODY_SERVER_ALERTING_PROGRAM_H_
#define CUSTODY_SERVER_ALERTING_PROGRAM_H_

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"

namespace custody {

struct ProgramRun {
  std::vector<std::string> argv;  // the first is the whole path; no shell sees them
  std::string_view input;         // what it finds on standard input
  std::chrono::milliseconds time_limit{10'000};
  const std::atomic<bool>* stop = nullptr;  // set: it is ended at once
};

// `RunCommand` gives the first 8 KiB of what the program printed, both streams together, when it
// ended with exit code 0. UNAVAILABLE otherwise, with the end of what it printed; DEADLINE_EXCEEDED
// when its time was over: then it and all that it started are killed. Of the server's environment
// it has nothing: PATH is /usr/local/bin:/usr/bin:/bin, LANG is C.UTF-8, and that is all. Waits for
// it; thread-safe.
StatusOr<std::string> RunCommand(const ProgramRun& run);

// `WithoutOutput` is how a program failed without what it printed.
Status WithoutOutput(const Status& failed);

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_PROGRAM_H_
