// What the machine can do at best: the ceilings that a ledger's figures are compared with.
#ifndef CUSTODY_TOOLS_LOAD_CEILINGS_H_
#define CUSTODY_TOOLS_LOAD_CEILINGS_H_

#include <filesystem>

#include "crypto/status.h"

namespace custody {

// `VerifyRate` is Ed25519 verifications of 1 KiB messages a second on `threads` threads.
StatusOr<double> VerifyRate(unsigned threads);

// `SyncRate` is appends of 1 KiB with fdatasync a second, one thread, on the disk of `folder`.
StatusOr<double> SyncRate(const std::filesystem::path& folder);

}  // namespace custody

#endif  // CUSTODY_TOOLS_LOAD_CEILINGS_H_
