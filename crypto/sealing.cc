#include "crypto/sealing.h"

#include <openssl/crypto.h>

#include <array>

#include "crypto/openssl.h"

namespace custody {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kNonceSize = 12;
constexpr int kTagSize = 16;
// EVP counts in int; nothing sealed here comes near.
constexpr std::size_t kMaxSealedBytes = std::size_t{1} << 30;

const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CUSTODY_CHECK(cipher != nullptr);
  return cipher;
}

Status CheckSizes(std::string_view key, std::string_view context, std::string_view text) {
  if (key.size() != kKeySize) {
    return InvalidArgument("expected a sealing key of 32 bytes, found " +
                           std::to_string(key.size()));
  }
  if (context.size() > kMaxSealedBytes || text.size() > kMaxSealedBytes) {
    return InvalidArgument("more than 1 GiB cannot be sealed as one piece");
  }
  return absl::OkStatus();
}

std::string Escaped(std::string_view part) {
  std::string text;
  for (const char c : part) {
    if (c == '%') {
      text += "%25";
    } else if (c == ':') {
      text += "%3A";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

StatusOr<std::string> Seal(std::string_view key, std::string_view context, std::string_view plain,
                           Rng& rng) {
  CUSTODY_RETURN_IF_ERROR(CheckSizes(key, context, plain));
  CUSTODY_ASSIGN_OR_RETURN(std::string sealed, rng.Bytes(kNonceSize));
  CUSTODY_CHECK(sealed.size() == kNonceSize);
  sealed.resize(kNonceSize + plain.size() + kTagSize);
  unsigned char* const out = Octets(sealed);
  const CipherCtxPtr cipher(EVP_CIPHER_CTX_new());
  int count = 0;
  int tail = 0;
  if (!cipher || EVP_EncryptInit_ex2(cipher.get(), Aes256Gcm(), Octets(key), out, nullptr) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &count, Octets(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), out + kNonceSize, &count, Octets(plain),
                        static_cast<int>(plain.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), out + kNonceSize + count, &tail) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize,
                          out + kNonceSize + plain.size()) != 1) {
    return OpensslError("aes-256-gcm encryption");
  }
  return sealed;
}

StatusOr<std::string> Unseal(std::string_view key, std::string_view context,
                             std::string_view sealed) {
  CUSTODY_RETURN_IF_ERROR(CheckSizes(key, context, sealed));
  if (sealed.size() < kNonceSize + kTagSize) {
    return InvalidArgument("sealed bytes are too short to hold a nonce and a tag");
  }
  const std::string_view body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  // One byte to spare, so that there is somewhere to write for an empty text too.
  std::string plain(body.size() + 1, '\0');
  const CipherCtxPtr cipher(EVP_CIPHER_CTX_new());
  int count = 0;
  int tail = 0;
  if (!cipher ||
      EVP_DecryptInit_ex2(cipher.get(), Aes256Gcm(), Octets(key), Octets(sealed), nullptr) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &count, Octets(context),
                        static_cast<int>(context.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), Octets(plain), &count, Octets(body),
                        static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) != 1) {
    Cleanse(plain);
    return OpensslError("aes-256-gcm decryption");
  }
  ERR_clear_error();
  if (EVP_DecryptFinal_ex(cipher.get(), Octets(plain) + count, &tail) != 1) {
    ERR_clear_error();
    Cleanse(plain);
    return InvalidArgument(
        "sealed bytes do not open: another key or context, or they were changed");
  }
  plain.resize(body.size());
  return plain;
}

// RFC 2104 over our own Sha256: EVP's HMAC costs several fetches a call, and this is its
// definition.
Hash HmacSha256(std::string_view key, std::string_view text) {
  constexpr std::size_t kBlock = 64;
  std::array<char, kBlock> inner{};
  std::array<char, kBlock> outer{};
  const Hash hashed_key = key.size() > kBlock ? Sha256(key) : Hash{};
  const std::string_view short_key = key.size() > kBlock ? hashed_key.view() : key;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const char c = i < short_key.size() ? short_key[i] : '\0';
    inner[i] = static_cast<char>(c ^ 0x36);
    outer[i] = static_cast<char>(c ^ 0x5c);
  }
  const Hash inner_hash = Sha256({{inner.data(), kBlock}, text});
  const Hash result = Sha256({{outer.data(), kBlock}, inner_hash.view()});
  OPENSSL_cleanse(inner.data(), kBlock);
  OPENSSL_cleanse(outer.data(), kBlock);
  return result;
}

std::string CommitmentText(std::string_view type, std::string_view issuer, std::string_view value) {
  return Escaped(type) + ":" + Escaped(issuer) + ":" + Escaped(value);
}

void Cleanse(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace custody
