// How programs end: the exit codes every program of the project shares.
#ifndef CUSTODY_CLIENT_EXIT_CODE_H_
#define CUSTODY_CLIENT_EXIT_CODE_H_

#include "crypto/status.h"

namespace custody {

inline constexpr int kExitDone = 0;
inline constexpr int kExitRefused = 1;  // findings, or refused by a rule
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnreachable = 3;
inline constexpr int kExitNotPermitted = 4;

// `ExitCodeOf` is how a program ends that failed with `status`.
int ExitCodeOf(const Status& status);

}  // namespace custody

#endif  // CUSTODY_CLIENT_EXIT_CODE_H_
