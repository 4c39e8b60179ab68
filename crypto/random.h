// Where random bytes come from. Passed in, so that tests are deterministic.
#ifndef CUSTODY_CRYPTO_RANDOM_H_
#define CUSTODY_CRYPTO_RANDOM_H_

#include <cstddef>
#include <string>

#include "crypto/status.h"

namespace custody {

// `Rng` gives cryptographically strong bytes. Thread-safe.
class Rng {
 public:
  virtual ~Rng() = default;
  // `Bytes` gives `count` random bytes, or INTERNAL when the source fails; never fewer or weaker.
  virtual StatusOr<std::string> Bytes(std::size_t count) = 0;
};

// `SystemRng` is OpenSSL's generator, for the life of the process.
Rng& SystemRng();

}  // namespace custody

#endif  // CUSTODY_CRYPTO_RANDOM_H_
