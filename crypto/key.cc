// Keys. The point of the checks here is that everybody who ever verifies a signature of this ledger
// comes to the same answer, whatever library they use:
//
//   - a public key has one encoding, so it has one key id, and it is never a point for which a
//     signature can be made without its private key (low order);
//   - a signature has one accepted form: Ed25519 with S < L, P-256 with s in the lower half. Both
//   are
//     compared bytewise before OpenSSL sees the signature.
//
// A PublicKey keeps its parsed EVP_PKEY, so that a station's thousandth event costs no parsing.
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ecerr.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>

#include "crypto/encoding.h"
#include "crypto/openssl.h"

namespace custody {
namespace {

// The fixed beginnings of the two SubjectPublicKeyInfo encodings (RFC 8410, RFC 5480).
constexpr std::string_view kEd25519SpkiHead("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr std::string_view kP256SpkiHead(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);
constexpr std::size_t kP256SpkiSize = 91;

// All numbers below are big-endian, so that comparing bytes compares numbers.
constexpr Bytes32 kFieldPrime = {  // 2^255 - 19
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xed};
constexpr Bytes32 kEd25519Order = {0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7,
                                   0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed};
// The curve's d, and the y coordinates of every point whose order divides 8.
constexpr std::string_view kEdwardsD =
    "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3";
constexpr std::array<std::string_view, 5> kLowOrderY = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000001",
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
    "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
    "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7"};

Bytes32 BigEndian(std::string_view bytes) {
  Bytes32 number;
  std::copy(bytes.begin(), bytes.end(), number.begin());
  return number;
}

Bytes32 FromLittleEndian(std::string_view bytes) {
  Bytes32 number = BigEndian(bytes);
  std::reverse(number.begin(), number.end());
  return number;
}

std::string_view View(const Bytes32& number) {
  return {reinterpret_cast<const char*>(number.data()), number.size()};
}

bool IsZero(const Bytes32& number) { return number == Bytes32{}; }

// Whether some x satisfies -x^2 + y^2 = 1 + d x^2 y^2, that is whether (y^2-1)/(d y^2+1) is a
// square; the quotient is one exactly when the product is. OpenSSL would find out only when
// verifying.
StatusOr<bool> IsOnEdwardsCurve(const Bytes32& y_bytes) {
  const BignumCtxPtr context(BN_CTX_new());
  const BignumPtr prime(BN_bin2bn(kFieldPrime.data(), 32, nullptr));
  const BignumPtr y(BN_bin2bn(y_bytes.data(), 32, nullptr));
  const BignumPtr u(BN_new());
  const BignumPtr v(BN_new());
  BIGNUM* d_raw = nullptr;
  const bool parsed = BN_hex2bn(&d_raw, std::string(kEdwardsD).c_str()) == 64;
  const BignumPtr d(d_raw);
  if (!context || !prime || !y || !u || !v || !parsed) return OpensslError("bignum allocation");
  if (BN_mod_sqr(u.get(), y.get(), prime.get(), context.get()) != 1 ||
      BN_mod_mul(v.get(), u.get(), d.get(), prime.get(), context.get()) != 1 ||
      BN_sub_word(u.get(), 1) != 1 || BN_add_word(v.get(), 1) != 1 ||
      BN_mod_mul(u.get(), u.get(), v.get(), prime.get(), context.get()) != 1) {
    return OpensslError("field arithmetic");
  }
  const int symbol = BN_kronecker(u.get(), prime.get(), context.get());
  if (symbol < -1) return OpensslError("BN_kronecker");
  return symbol >= 0;
}

Status CheckEd25519Point(std::string_view raw) {
  Bytes32 y = FromLittleEndian(raw);
  y[0] &= 0x7f;  // the sign of x
  if (y >= kFieldPrime) return InvalidArgument("ed25519 key is not canonical");
  if (std::find(kLowOrderY.begin(), kLowOrderY.end(), Hex(View(y))) != kLowOrderY.end()) {
    return InvalidArgument("ed25519 key is a point of low order, which anybody can sign for");
  }
  CUSTODY_ASSIGN_OR_RETURN(const bool on_curve, IsOnEdwardsCurve(y));
  if (!on_curve) return InvalidArgument("ed25519 key is not a point of the curve");
  return absl::OkStatus();
}

StatusOr<PkeyPtr> ParseEd25519(std::string_view spki) {
  const std::string_view raw = spki.substr(kEd25519SpkiHead.size());
  CUSTODY_RETURN_IF_ERROR(CheckEd25519Point(raw));
  PkeyPtr pkey(
      EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, Octets(raw), raw.size()));
  if (!pkey) return OpensslError("EVP_PKEY_new_raw_public_key_ex");
  return pkey;
}

StatusOr<PkeyPtr> ParseP256(std::string_view spki) {
  std::string group = "P-256";
  std::string point(spki.substr(kP256SpkiHead.size() - 1));
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) {
    return OpensslError("EVP_PKEY_fromdata_init");
  }
  // OpenSSL checks that both coordinates are field elements and satisfy the curve's equation.
  EVP_PKEY* parsed = nullptr;
  ERR_clear_error();
  const int result = EVP_PKEY_fromdata(context.get(), &parsed, EVP_PKEY_PUBLIC_KEY, params);
  PkeyPtr pkey(parsed);
  if (result != 1 || !pkey) {
    ERR_clear_error();
    return InvalidArgument("p-256 key is not a point of the curve");
  }
  return pkey;
}

Status DoesNotVerify() { return InvalidArgument("signature does not verify"); }

Status VerifyEd25519(EVP_PKEY* pkey, std::string_view message, std::string_view signature) {
  if (FromLittleEndian(signature.substr(32)) >= kEd25519Order) {
    return InvalidArgument("ed25519 signature has S that is not below the group order");
  }
  const DigestCtxPtr context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, pkey,
                                          nullptr) != 1) {
    return OpensslError("EVP_DigestVerifyInit_ex");
  }
  ERR_clear_error();
  const int result = EVP_DigestVerify(context.get(), Octets(signature), signature.size(),
                                      Octets(message), message.size());
  if (result == 1) return absl::OkStatus();
  if (result != 0) return OpensslError("EVP_DigestVerify");
  ERR_clear_error();
  return DoesNotVerify();
}

// r || s as the DER that OpenSSL wants.
StatusOr<std::string> DerOf(std::string_view signature) {
  const EcdsaSignaturePtr both(ECDSA_SIG_new());
  BignumPtr r(BN_bin2bn(Octets(signature), 32, nullptr));
  BignumPtr s(BN_bin2bn(Octets(signature.substr(32)), 32, nullptr));
  if (!both || !r || !s || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) {
    return OpensslError("ECDSA_SIG_set0");
  }
  static_cast<void>(r.release());  // now the signature's
  static_cast<void>(s.release());
  const int size = i2d_ECDSA_SIG(both.get(), nullptr);
  if (size <= 0) return OpensslError("i2d_ECDSA_SIG");
  std::string der(static_cast<std::size_t>(size), '\0');
  unsigned char* out = Octets(der);
  if (i2d_ECDSA_SIG(both.get(), &out) != size) return OpensslError("i2d_ECDSA_SIG");
  return der;
}

Status VerifyP256(EVP_PKEY* pkey, std::string_view message, std::string_view signature) {
  const Bytes32 r = BigEndian(signature.substr(0, 32));
  const Bytes32 s = BigEndian(signature.substr(32));
  if (IsZero(r) || r >= kP256Order || IsZero(s) || s >= kP256Order) {
    return InvalidArgument("p-256 signature has r or s outside 1..n-1");
  }
  if (s > kP256HalfOrder) {
    return InvalidArgument("p-256 signature has high s, expected s in the lower half");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string der, DerOf(signature));
  const Hash digest = Sha256(message);
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) {
    return OpensslError("EVP_PKEY_verify_init");
  }
  ERR_clear_error();
  const int result = EVP_PKEY_verify(context.get(), Octets(der), der.size(), digest.bytes.data(),
                                     digest.bytes.size());
  if (result == 1) return absl::OkStatus();
  // A signer who wants to can make u1 G + u2 Q the point at infinity, which OpenSSL calls an error.
  const bool infinite = ERR_GET_REASON(ERR_peek_error()) == EC_R_POINT_AT_INFINITY;
  if (result != 0 && !infinite) return OpensslError("EVP_PKEY_verify");
  ERR_clear_error();
  return DoesNotVerify();
}

}  // namespace

struct PublicKey::Rep {
  KeyAlgorithm algorithm;
  std::string spki;
  Hash key_id;
  PkeyPtr pkey;
};

PublicKey::PublicKey(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}

StatusOr<PublicKey> PublicKey::FromSpki(std::string_view spki) {
  const bool ed25519 =
      spki.size() == kEd25519SpkiHead.size() + 32 && spki.starts_with(kEd25519SpkiHead);
  const bool p256 = spki.size() == kP256SpkiSize && spki.starts_with(kP256SpkiHead);
  if (!ed25519 && !p256) {
    return InvalidArgument(
        "expected the SubjectPublicKeyInfo of an ed25519 key (44 bytes) or of an uncompressed "
        "p-256 "
        "key (91 bytes), found " +
        std::to_string(spki.size()) + " other bytes");
  }
  CUSTODY_ASSIGN_OR_RETURN(PkeyPtr pkey, ed25519 ? ParseEd25519(spki) : ParseP256(spki));
  return PublicKey(
      std::make_shared<const Rep>(Rep{ed25519 ? KeyAlgorithm::kEd25519 : KeyAlgorithm::kP256,
                                      std::string(spki), Sha256(spki), std::move(pkey)}));
}

StatusOr<PublicKey> PublicKey::FromEd25519(std::string_view raw) {
  if (raw.size() != 32) {
    return InvalidArgument("expected an ed25519 key of 32 bytes, found " +
                           std::to_string(raw.size()));
  }
  return FromSpki(std::string(kEd25519SpkiHead).append(raw));
}

KeyAlgorithm PublicKey::algorithm() const { return rep_->algorithm; }
const std::string& PublicKey::spki() const { return rep_->spki; }
const Hash& PublicKey::key_id() const { return rep_->key_id; }

std::string_view PublicKey::raw() const {
  CUSTODY_CHECK(rep_->algorithm == KeyAlgorithm::kEd25519);
  return std::string_view(rep_->spki).substr(kEd25519SpkiHead.size());
}

Status PublicKey::Verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureSize) {
    return InvalidArgument("expected a signature of 64 bytes, found " +
                           std::to_string(signature.size()));
  }
  return rep_->algorithm == KeyAlgorithm::kEd25519
             ? VerifyEd25519(rep_->pkey.get(), message, signature)
             : VerifyP256(rep_->pkey.get(), message, signature);
}

}  // namespace custody
