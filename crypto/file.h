// Small files written so that a power cut leaves the old or the new one, never half of either.
#ifndef CUSTODY_CRYPTO_FILE_H_
#define CUSTODY_CRYPTO_FILE_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `IoError` says, by errno, that `path` could not be what `verb` names ("open", "sync the anchor"):
// NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED when a disk is full, else
// UNAVAILABLE. REQUIRES: what failed has just set errno.
Status IoError(std::string_view verb, const std::filesystem::path& path);

// `ReadFile` reads a whole regular file of at most `max_bytes`. NOT_FOUND, PERMISSION_DENIED,
// RESOURCE_EXHAUSTED when larger, UNAVAILABLE on an I/O error; the message names the path.
StatusOr<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes);

// `ReadSecretFile` is `ReadFile` for a file that only its owner may read: PERMISSION_DENIED unless
// its mode is 0600 or 0400.
StatusOr<std::string> ReadSecretFile(const std::filesystem::path& path, std::size_t max_bytes);

// `WriteFileAtomically` writes a temporary beside `path` with `mode`, syncs it, renames it over
// `path` and syncs the folder. On any error the old file, if there was one, is untouched.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes,
                           unsigned mode = 0644);
// `CreateFileExclusively` is the same but ALREADY_EXISTS when `path` is there.
Status CreateFileExclusively(const std::filesystem::path& path, std::string_view bytes,
                             unsigned mode = 0644);
// `RenameDurably` renames a file or folder within one folder and syncs that folder. After an error
// it may be either way.
Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);
// `SyncFolder` makes names that were made, changed or taken away in `folder` durable.
Status SyncFolder(const std::filesystem::path& folder);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_FILE_H_
