// SHA-256, the one hash of every format here.
#ifndef CUSTODY_CRYPTO_HASH_H_
#define CUSTODY_CRYPTO_HASH_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `Hash` is 32 bytes, a type of its own so that no hash is mistaken for text or for other bytes.
// A default `Hash` is 32 zero bytes.
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  // `FromBytes` accepts exactly 32 bytes; INVALID_ARGUMENT otherwise.
  static StatusOr<Hash> FromBytes(std::string_view bytes);
  // `FromHex` accepts exactly 64 lower-case hex digits.
  static StatusOr<Hash> FromHex(std::string_view hex);

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string ToString() const { return std::string(view()); }  // the 32 bytes
  std::string ToHex() const;
  bool is_zero() const { return *this == Hash{}; }

  friend auto operator<=>(const Hash&, const Hash&) = default;
};

// `Sha256` hashes the concatenation of `parts`. Aborts only if OpenSSL has no SHA-256 at all.
Hash Sha256(std::initializer_list<std::string_view> parts);
inline Hash Sha256(std::string_view bytes) { return Sha256({bytes}); }

// `U64` is `value` as 8 bytes, big-endian.
std::string U64(std::uint64_t value);
// REQUIRES: `bytes` holds at least 8 bytes.
std::uint64_t ReadU64(std::string_view bytes);

}  // namespace custody

template <>
struct std::hash<custody::Hash> {
  std::size_t operator()(const custody::Hash& key) const noexcept {
    std::size_t value;
    std::memcpy(&value, key.bytes.data(), sizeof value);
    return value;
  }
};

#endif  // CUSTODY_CRYPTO_HASH_H_
