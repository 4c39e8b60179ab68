// How programs end: the exit codes every program of the project shares.
#ifndef CUSTODY_CLIENT_EXIT_CODE_H_
#define CUSTODY_CLIENT_EXIT_CODE_H_

#include <functional>
#include <string_view>

#include "crypto/status.h"

namespace custody {

inline constexpr int kExitDone = 0;
inline constexpr int kExitRefused = 1;  // findings, or refused by a rule
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;  // or nobody knows: what was asked may have been done
inline constexpr int kExitNotPermitted = 4;

// `ExitCodeOf` is how a program ends that failed with `status`.
int ExitCodeOf(const Status& status);

// `ExitCodeOfReading` is the same for a program that audits: what cannot be had in order to be
// audited is no finding against it.
int ExitCodeOfReading(const Status& status);

// `SayFailure` tells people on the error stream, after the program's name, or with `json` machines
// on the output.
void SayFailure(std::string_view program, bool json, const Status& status);

// `AsksForJson` looks for --json where the command line could not be parsed.
bool AsksForJson(int argc, const char* const* argv);

// `RunGuarded` is a program's main: what `run` gives. When an exception strays out of it (memory
// ran out, a library gave up) that is said on the error stream, and the program ends with `stray`.
int RunGuarded(std::string_view program, int stray, const std::function<int()>& run);

}  // namespace custody

#endif  // CUSTODY_CLIENT_EXIT_CODE_H_
