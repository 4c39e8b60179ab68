#include "crypto/random.h"

#include <openssl/rand.h>

#include <climits>

#include "crypto/openssl.h"

namespace custody {
namespace {

class OpensslRng final : public Rng {
 public:
  StatusOr<std::string> Bytes(std::size_t count) override {
    if (count > INT_MAX) return Internal("more random bytes were asked for than openssl can give");
    std::string bytes(count, '\0');
    if (RAND_bytes(Octets(bytes), static_cast<int>(count)) != 1) return OpensslError("RAND_bytes");
    return bytes;
  }
};

}  // namespace

Rng& SystemRng() {
  static OpensslRng rng;
  return rng;
}

}  // namespace custody
