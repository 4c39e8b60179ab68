// OpenSSL's types with an owner, for crypto/*.cc only: no OpenSSL name reaches another header.
//
// Every `*_new` goes straight into one of these in the same statement. A call has succeeded when it
// gave exactly 1 (or a pointer); anything else becomes a Status through `OpensslError`.
#ifndef CUSTODY_CRYPTO_OPENSSL_H_
#define CUSTODY_CRYPTO_OPENSSL_H_

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/key.h"
#include "crypto/status.h"

namespace custody {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

using AlgorithmPtr = Owned<X509_ALGOR, X509_ALGOR_free>;
using BignumPtr = Owned<BIGNUM, BN_clear_free>;
using BignumCtxPtr = Owned<BN_CTX, BN_CTX_free>;
using BioPtr = Owned<BIO, BIO_free_all>;
using CertificatePtr = Owned<X509, X509_free>;
using CipherCtxPtr = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestCtxPtr = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using EcdsaSignaturePtr = Owned<ECDSA_SIG, ECDSA_SIG_free>;
using Pkcs8Ptr = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using PkeyCtxPtr = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using PkeyPtr = Owned<EVP_PKEY, EVP_PKEY_free>;
using SealedPkcs8Ptr = Owned<X509_SIG, X509_SIG_free>;

// `PrivateKey::Rep` is here for crypto/certificate.cc, which signs with the EVP_PKEY itself.
struct PrivateKey::Rep {
  PkeyPtr pkey;
  PublicKey public_key;

  // `Of` takes a private `pkey` of one of the two algorithms; INVALID_ARGUMENT for any other, and
  // for one whose public half does not belong to it.
  static StatusOr<std::unique_ptr<Rep>> Of(PkeyPtr pkey);
  static StatusOr<std::unique_ptr<Rep>> OfPkcs8(const PKCS8_PRIV_KEY_INFO* plain);
  StatusOr<std::string> Sign(std::string_view message) const;
};

// Both algorithms' signatures are two numbers of 32 bytes.
inline constexpr std::size_t kSignatureSize = 64;

// Big-endian, so that comparing bytes compares numbers.
using Bytes32 = std::array<std::uint8_t, 32>;
inline constexpr Bytes32 kP256Order = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
inline constexpr Bytes32 kP256HalfOrder = {  // (n - 1) / 2, the largest low s
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

// `OpensslError` is INTERNAL with `what` failed and OpenSSL's reason; drains the error queue.
inline Status OpensslError(std::string_view what) {
  std::string message = std::string(what) + " failed in openssl";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    char reason[256];
    ERR_error_string_n(code, reason, sizeof reason);
    message += std::string(": ") + reason;
  }
  ERR_clear_error();
  return Internal(message);
}

// `Octets` views text as the bytes that OpenSSL takes.
inline const unsigned char* Octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
// REQUIRES: `bytes` is as long as what is written through the result.
inline unsigned char* Octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace custody

#endif  // CUSTODY_CRYPTO_OPENSSL_H_
