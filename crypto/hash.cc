// SHA-256 through EVP. Hashing is on every path of the ledger (leaves, nodes, heads, ids), and most
// inputs are 65 bytes, so what costs is not the compression but finding the algorithm and
// allocating a context. Both happen once: the algorithm a process, the context a thread.
#include "crypto/hash.h"

#include "crypto/encoding.h"
#include "crypto/openssl.h"

namespace custody {
namespace {

// Fetched once and never freed: it may be used until the last static is gone.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  CUSTODY_CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

StatusOr<Hash> Hash::FromBytes(std::string_view bytes) {
  Hash hash;
  if (bytes.size() != hash.bytes.size()) {
    return InvalidArgument("expected a hash of 32 bytes, found " + std::to_string(bytes.size()));
  }
  std::memcpy(hash.bytes.data(), bytes.data(), bytes.size());
  return hash;
}

StatusOr<Hash> Hash::FromHex(std::string_view hex) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, DecodeHex(hex));
  return FromBytes(bytes);
}

std::string Hash::ToHex() const { return Hex(view()); }

Hash Sha256(std::initializer_list<std::string_view> parts) {
  thread_local const DigestCtxPtr context(EVP_MD_CTX_new());
  CUSTODY_CHECK(context != nullptr);
  CUSTODY_CHECK(EVP_DigestInit_ex2(context.get(), Sha256Algorithm(), nullptr) == 1);
  for (const std::string_view part : parts) {
    CUSTODY_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Hash hash;
  CUSTODY_CHECK(EVP_DigestFinal_ex(context.get(), hash.bytes.data(), nullptr) == 1);
  return hash;
}

std::string U64(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  return bytes;
}

std::uint64_t ReadU64(std::string_view bytes) {
  CUSTODY_CHECK(bytes.size() >= 8);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace custody
