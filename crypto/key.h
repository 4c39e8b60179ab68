// Signing keys: Ed25519 and ECDSA P-256, their identity and how they rest on disk.
#ifndef CUSTODY_CRYPTO_KEY_H_
#define CUSTODY_CRYPTO_KEY_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/status.h"

namespace custody {

enum class KeyAlgorithm { kEd25519, kP256 };

// `PublicKey` verifies signatures. Copyable (shares the parsed key), immutable, thread-safe.
class PublicKey {
 public:
  // `FromSpki` accepts exactly the 44-byte Ed25519 or the 91-byte uncompressed named-curve P-256
  // SubjectPublicKeyInfo. Low-order, non-canonical and off-curve keys are INVALID_ARGUMENT.
  static StatusOr<PublicKey> FromSpki(std::string_view spki);
  // `FromEd25519` accepts the 32 raw bytes of an Ed25519 key, with the same checks.
  static StatusOr<PublicKey> FromEd25519(std::string_view raw);

  KeyAlgorithm algorithm() const;
  const std::string& spki() const;
  // `key_id` = SHA-256(SPKI).
  const Hash& key_id() const;
  // `raw` is the last 32 bytes of an Ed25519 SPKI. REQUIRES: algorithm() is kEd25519.
  std::string_view raw() const;

  // `Verify` checks `signature` over `message`: Ed25519 64 bytes with S < L, cofactorless; P-256
  // 64 bytes r||s over SHA-256 with low s. OK, INVALID_ARGUMENT when it does not hold or is not in
  // the one accepted form, INTERNAL when OpenSSL fails.
  Status Verify(std::string_view message, std::string_view signature) const;

 private:
  struct Rep;
  explicit PublicKey(std::shared_ptr<const Rep> rep);
  std::shared_ptr<const Rep> rep_;
};

// `PrivateKey` signs. Move-only; its memory is cleansed; it has no text form but PEM.
class PrivateKey {
 public:
  static StatusOr<PrivateKey> Generate(KeyAlgorithm algorithm);
  // `FromSeed` makes an Ed25519 key of its 32-byte seed (RFC 8032).
  static StatusOr<PrivateKey> FromSeed(std::string_view seed);

  // `Load` reads PKCS#8 PEM, encrypted with PBES2. PERMISSION_DENIED when the file may be read by
  // others than its owner (any mode but 0600 or 0400); UNAUTHENTICATED when the passphrase is
  // wrong; INVALID_ARGUMENT when it is no such file or the PEM is not encrypted.
  static StatusOr<PrivateKey> Load(const std::filesystem::path& path, std::string_view passphrase);
  // `Save` writes encrypted PKCS#8 PEM (PBES2: AES-256-CBC, PBKDF2-HMAC-SHA-256 with at least
  // 600,000 rounds, or scrypt), mode 0600, synced, and never over an existing file
  // (ALREADY_EXISTS).
  Status Save(const std::filesystem::path& path, std::string_view passphrase) const;

  // `LoadPlain` and `SavePlain` are for keys that a service must read unattended (the log's own
  // key, TLS keys): PKCS#8 PEM without a passphrase, mode 0600 or refused.
  static StatusOr<PrivateKey> LoadPlain(const std::filesystem::path& path);
  Status SavePlain(const std::filesystem::path& path) const;

  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  const PublicKey& public_key() const;
  const Hash& key_id() const { return public_key().key_id(); }

  // `Sign` gives 64 bytes: Ed25519, or P-256 r||s with low s.
  StatusOr<std::string> Sign(std::string_view message) const;

  // `Rep` wraps the EVP_PKEY; opaque outside crypto/ (crypto/certificate.cc needs it).
  struct Rep;
  const Rep& rep() const { return *rep_; }

 private:
  explicit PrivateKey(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace custody

#endif  // CUSTODY_CRYPTO_KEY_H_
