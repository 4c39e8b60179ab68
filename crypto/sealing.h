// Secrets at rest: AES-256-GCM, HMAC-SHA-256, and memory that is wiped.
#ifndef CUSTODY_CRYPTO_SEALING_H_
#define CUSTODY_CRYPTO_SEALING_H_

#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/status.h"

namespace custody {

// `Seal` encrypts `plain` under the 32-byte `key` with AES-256-GCM and a fresh random nonce,
// binding `context` (what it is and whom it belongs to). Result: nonce (12) || ciphertext || tag
// (16).
StatusOr<std::string> Seal(std::string_view key, std::string_view context, std::string_view plain,
                           Rng& rng);
// `Unseal` is its inverse; INVALID_ARGUMENT when key, context or any bit differ.
StatusOr<std::string> Unseal(std::string_view key, std::string_view context,
                             std::string_view sealed);

// `HmacSha256` is RFC 2104.
Hash HmacSha256(std::string_view key, std::string_view text);

// `CommitmentText` is type ":" issuer ":" value with "%" and ":" inside parts written %25 and %3A.
// Parts must already be in NFC and free of white space at their ends (custody/identity does that).
std::string CommitmentText(std::string_view type, std::string_view issuer, std::string_view value);

// `Cleanse` overwrites `secret` and empties it.
void Cleanse(std::string& secret);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_SEALING_H_
