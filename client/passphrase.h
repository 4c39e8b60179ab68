// Passphrases of signing keys: asked for on the terminal or read from a folder, never an argument.
#ifndef CUSTODY_CLIENT_PASSPHRASE_H_
#define CUSTODY_CLIENT_PASSPHRASE_H_

#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `AskPassphrase` gives the passphrase of `person`: the first line of PINS/PERSON.pin (mode 0600 or
// refused) when `pins` is not empty, else what is typed on the controlling terminal, unseen.
// UNAUTHENTICATED when there is neither; the caller cleanses what it got.
StatusOr<std::string> AskPassphrase(const std::filesystem::path& pins, std::string_view person,
                                    std::string_view prompt);

// `AskNewPassphrase` is for a key that is about to be made: at a terminal it is typed twice, since
// a slip nobody saw would lock its owner out. INVALID_ARGUMENT when the two differ or it has fewer
// than 6 characters; then nothing may be made.
StatusOr<std::string> AskNewPassphrase(const std::filesystem::path& pins, std::string_view person);

}  // namespace custody

#endif  // CUSTODY_CLIENT_PASSPHRASE_H_
