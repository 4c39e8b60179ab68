// Strict text encodings: for every byte string exactly one text is accepted.
#ifndef CUSTODY_CRYPTO_ENCODING_H_
#define CUSTODY_CRYPTO_ENCODING_H_

#include <string>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `Base64` is RFC 4648 section 4, padded.
std::string Base64(std::string_view bytes);
// `DecodeBase64` refuses missing or extra padding, padding bits that are not zero, white space and
// any character outside the alphabet (INVALID_ARGUMENT).
StatusOr<std::string> DecodeBase64(std::string_view text);

// `Hex` writes lower-case digits.
std::string Hex(std::string_view bytes);
// `DecodeHex` refuses upper case and an odd length (INVALID_ARGUMENT).
StatusOr<std::string> DecodeHex(std::string_view text);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_ENCODING_H_
