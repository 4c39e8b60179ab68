// Private keys: making them, signing with them and putting them to rest in PEM files.
//
// At rest a person's key is PKCS#8 under PBES2 with a key derivation slow enough that a stolen file
// and a short passphrase are not yet a stolen key. A file made elsewhere is held to the same floor.
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "crypto/file.h"
#include "crypto/key.h"
#include "crypto/openssl.h"
#include "crypto/random.h"
#include "crypto/sealing.h"

namespace custody {
namespace {

// OWASP's figure for PBKDF2-HMAC-SHA-256; about 0.2 s on a station of 2020.
constexpr int kPbkdf2Rounds = 600'000;
// What a file may ask of whoever opens it: a day of hashing is not a passphrase check.
constexpr std::int64_t kMaxPbkdf2Rounds = 20'000'000;
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kMaxPemBytes = 16 * 1024;

StatusOr<std::string> SpkiOf(EVP_PKEY* pkey) {
  const int size = i2d_PUBKEY(pkey, nullptr);
  if (size <= 0) return OpensslError("i2d_PUBKEY");
  std::string spki(static_cast<std::size_t>(size), '\0');
  unsigned char* out = Octets(spki);
  if (i2d_PUBKEY(pkey, &out) != size) return OpensslError("i2d_PUBKEY");
  return spki;
}

StatusOr<std::string> SignEd25519(EVP_PKEY* pkey, std::string_view message) {
  const DigestCtxPtr context(EVP_MD_CTX_new());
  if (!context || EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, pkey,
                                        nullptr) != 1) {
    return OpensslError("EVP_DigestSignInit_ex");
  }
  std::string signature(kSignatureSize, '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSign(context.get(), Octets(signature), &size, Octets(message), message.size()) !=
          1 ||
      size != kSignatureSize) {
    return OpensslError("EVP_DigestSign");
  }
  return signature;
}

StatusOr<std::string> SignP256(EVP_PKEY* pkey, std::string_view message) {
  const Hash digest = Sha256(message);
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (!context || EVP_PKEY_sign_init(context.get()) != 1) return OpensslError("EVP_PKEY_sign_init");
  std::string der(80, '\0');  // at most 72 are used
  std::size_t size = der.size();
  if (EVP_PKEY_sign(context.get(), Octets(der), &size, digest.bytes.data(), digest.bytes.size()) !=
      1) {
    return OpensslError("EVP_PKEY_sign");
  }
  const unsigned char* in = Octets(der);
  const EcdsaSignaturePtr both(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size)));
  const BignumPtr order(BN_bin2bn(kP256Order.data(), 32, nullptr));
  const BignumPtr half(BN_bin2bn(kP256HalfOrder.data(), 32, nullptr));
  const BignumPtr s(both ? BN_dup(ECDSA_SIG_get0_s(both.get())) : nullptr);
  if (!both || !order || !half || !s) return OpensslError("d2i_ECDSA_SIG");
  // (r, s) and (r, n - s) both verify; only the lower is accepted here.
  if (BN_cmp(s.get(), half.get()) > 0 && BN_sub(s.get(), order.get(), s.get()) != 1) {
    return OpensslError("BN_sub");
  }
  std::string signature(kSignatureSize, '\0');
  if (BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), Octets(signature), 32) != 32 ||
      BN_bn2binpad(s.get(), Octets(signature) + 32, 32) != 32) {
    return OpensslError("BN_bn2binpad");
  }
  return signature;
}

// Secrets pass through memory BIOs; OpenSSL wipes those only when they are secure ones.
StatusOr<BioPtr> SecretBio() {
  BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!bio) return OpensslError("BIO_new");
  return bio;
}

// A file too large for a key is no key file, rather than a lack of room.
StatusOr<std::string> ReadKeyFile(const std::filesystem::path& path) {
  StatusOr<std::string> pem = ReadSecretFile(path, kMaxPemBytes);
  if (pem.status().code() == StatusCode::kResourceExhausted) {
    return InvalidArgument(Message(pem.status()));
  }
  return pem;
}

// The single PEM block of `pem`, which must be called `name`, as DER.
StatusOr<std::string> OnlyPemBlock(std::string_view pem, std::string_view name) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return OpensslError("BIO_new_mem_buf");
  char* found_name = nullptr;
  char* header = nullptr;
  unsigned char* der = nullptr;
  long size = 0;
  ERR_clear_error();
  const bool read = PEM_read_bio(bio.get(), &found_name, &header, &der, &size) == 1;
  ERR_clear_error();
  const std::string block_name = read ? found_name : "no pem block";
  const bool plain_header = read && *header == '\0';
  std::string bytes =
      read ? std::string(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)) : "";
  OPENSSL_free(found_name);
  OPENSSL_free(header);
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  if (block_name == name && plain_header) return bytes;
  Cleanse(bytes);
  return InvalidArgument("expected a pem file with " + std::string(name) + ", found " + block_name);
}

// Whether the key derivation of a PBES2 block is at least as slow as ours and no absurd work.
Status CheckPbes2(const X509_SIG* sealed) {
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(sealed, &algorithm, nullptr);
  const ASN1_OBJECT* oid = nullptr;
  const void* value = nullptr;
  int type = 0;
  X509_ALGOR_get0(&oid, &type, &value, algorithm);
  if (OBJ_obj2nid(oid) != NID_pbes2 || type != V_ASN1_SEQUENCE) {
    return InvalidArgument("expected a key encrypted with PBES2; save it anew with a passphrase");
  }
  const auto* sequence = static_cast<const ASN1_STRING*>(value);
  const Owned<PBE2PARAM, PBE2PARAM_free> pbes2(
      static_cast<PBE2PARAM*>(ASN1_item_unpack(sequence, ASN1_ITEM_rptr(PBE2PARAM))));
  if (!pbes2) {
    ERR_clear_error();
    return InvalidArgument("the PBES2 parameters of the key file are malformed");
  }
  X509_ALGOR_get0(&oid, &type, &value, pbes2->keyfunc);
  if (OBJ_obj2nid(oid) == NID_id_scrypt) return absl::OkStatus();  // bounded by OpenSSL to 32 MiB
  if (OBJ_obj2nid(oid) != NID_id_pbkdf2 || type != V_ASN1_SEQUENCE) {
    return InvalidArgument("expected a key file with scrypt or PBKDF2");
  }
  const Owned<PBKDF2PARAM, PBKDF2PARAM_free> pbkdf2(static_cast<PBKDF2PARAM*>(
      ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(PBKDF2PARAM))));
  std::int64_t rounds = 0;
  if (!pbkdf2 || ASN1_INTEGER_get_int64(&rounds, pbkdf2->iter) != 1 || !pbkdf2->prf) {
    ERR_clear_error();
    return InvalidArgument("expected PBKDF2 with HMAC-SHA-256 in the key file");
  }
  X509_ALGOR_get0(&oid, nullptr, nullptr, pbkdf2->prf);
  if (OBJ_obj2nid(oid) != NID_hmacWithSHA256) {
    return InvalidArgument("expected PBKDF2 with HMAC-SHA-256 in the key file");
  }
  if (rounds < kPbkdf2Rounds || rounds > kMaxPbkdf2Rounds) {
    return InvalidArgument("expected PBKDF2 with " + std::to_string(kPbkdf2Rounds) + " to " +
                           std::to_string(kMaxPbkdf2Rounds) + " rounds in the key file, found " +
                           std::to_string(rounds));
  }
  return absl::OkStatus();
}

StatusOr<Pkcs8Ptr> Decrypt(std::string_view der, std::string_view passphrase) {
  const unsigned char* in = Octets(der);
  ERR_clear_error();
  const SealedPkcs8Ptr sealed(d2i_X509_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (!sealed || in != Octets(der) + der.size()) {
    ERR_clear_error();
    return InvalidArgument("the encrypted private key is not PKCS#8");
  }
  CUSTODY_RETURN_IF_ERROR(CheckPbes2(sealed.get()));
  Pkcs8Ptr plain(
      PKCS8_decrypt(sealed.get(), passphrase.data(), static_cast<int>(passphrase.size())));
  ERR_clear_error();
  if (!plain) return Unauthenticated("the passphrase is wrong, or the key file is damaged");
  return plain;
}

StatusOr<SealedPkcs8Ptr> Encrypt(const EVP_PKEY* pkey, std::string_view passphrase) {
  CUSTODY_ASSIGN_OR_RETURN(std::string salt, SystemRng().Bytes(kSaltSize));
  const Pkcs8Ptr plain(EVP_PKEY2PKCS8(pkey));
  AlgorithmPtr algorithm(PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), kPbkdf2Rounds, Octets(salt),
                                           static_cast<int>(salt.size()), nullptr,
                                           NID_hmacWithSHA256));
  if (!plain || !algorithm) return OpensslError("PKCS5_pbe2_set_iv");
  SealedPkcs8Ptr sealed(PKCS8_set0_pbe(passphrase.data(), static_cast<int>(passphrase.size()),
                                       plain.get(), algorithm.get()));
  if (!sealed) return OpensslError("PKCS8_set0_pbe");
  static_cast<void>(algorithm.release());  // now the sealed key's
  return sealed;
}

// Creates the key file from what was written to `bio`.
Status CreateKeyFile(const std::filesystem::path& path, BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  if (size <= 0) return OpensslError("BIO_get_mem_data");
  return CreateFileExclusively(path, {text, static_cast<std::size_t>(size)}, 0600);
}

// OpenSSL takes an int; beyond this nobody types.
Status CheckPassphrase(std::string_view passphrase) {
  if (passphrase.empty()) return InvalidArgument("expected a passphrase, found none");
  if (passphrase.size() > 1024)
    return InvalidArgument("expected a passphrase of at most 1024 bytes");
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<PrivateKey::Rep>> PrivateKey::Rep::Of(PkeyPtr pkey) {
  if (EVP_PKEY_is_a(pkey.get(), "ED25519") != 1 && EVP_PKEY_is_a(pkey.get(), "EC") != 1) {
    return InvalidArgument("expected an ed25519 or p-256 private key, found another algorithm");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string spki, SpkiOf(pkey.get()));
  CUSTODY_ASSIGN_OR_RETURN(PublicKey public_key, PublicKey::FromSpki(spki));
  auto rep = std::make_unique<Rep>(Rep{std::move(pkey), std::move(public_key)});
  // A PKCS#8 file may name a public key that is not its own; one signature tells.
  CUSTODY_ASSIGN_OR_RETURN(const std::string signature, rep->Sign("custody"));
  if (!rep->public_key.Verify("custody", signature).ok()) {
    return InvalidArgument("the public key in the file is not that of its private key");
  }
  return rep;
}

StatusOr<std::unique_ptr<PrivateKey::Rep>> PrivateKey::Rep::OfPkcs8(
    const PKCS8_PRIV_KEY_INFO* plain) {
  ERR_clear_error();
  PkeyPtr pkey(EVP_PKCS82PKEY(plain));
  if (pkey) return Of(std::move(pkey));
  ERR_clear_error();
  return InvalidArgument("expected an ed25519 or p-256 private key in PKCS#8");
}

StatusOr<std::string> PrivateKey::Rep::Sign(std::string_view message) const {
  return public_key.algorithm() == KeyAlgorithm::kEd25519 ? SignEd25519(pkey.get(), message)
                                                          : SignP256(pkey.get(), message);
}
PrivateKey::PrivateKey(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

StatusOr<PrivateKey> PrivateKey::Generate(KeyAlgorithm algorithm) {
  PkeyPtr pkey(algorithm == KeyAlgorithm::kEd25519
                   ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                   : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  if (!pkey) return OpensslError("EVP_PKEY_Q_keygen");
  CUSTODY_ASSIGN_OR_RETURN(auto rep, Rep::Of(std::move(pkey)));
  return PrivateKey(std::move(rep));
}

StatusOr<PrivateKey> PrivateKey::FromSeed(std::string_view seed) {
  if (seed.size() != 32) {
    return InvalidArgument("expected a seed of 32 bytes, found " + std::to_string(seed.size()));
  }
  PkeyPtr pkey(
      EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, Octets(seed), seed.size()));
  if (!pkey) return OpensslError("EVP_PKEY_new_raw_private_key_ex");
  CUSTODY_ASSIGN_OR_RETURN(auto rep, Rep::Of(std::move(pkey)));
  return PrivateKey(std::move(rep));
}

StatusOr<PrivateKey> PrivateKey::Load(const std::filesystem::path& path,
                                      std::string_view passphrase) {
  CUSTODY_RETURN_IF_ERROR(CheckPassphrase(passphrase));
  auto rep = [&]() -> StatusOr<std::unique_ptr<Rep>> {
    CUSTODY_ASSIGN_OR_RETURN(const std::string pem, ReadKeyFile(path));
    CUSTODY_ASSIGN_OR_RETURN(const std::string der, OnlyPemBlock(pem, PEM_STRING_PKCS8));
    CUSTODY_ASSIGN_OR_RETURN(const Pkcs8Ptr plain, Decrypt(der, passphrase));
    return Rep::OfPkcs8(plain.get());
  }();
  if (!rep.ok()) return WithContext(rep.status(), "key file " + path.string());
  return PrivateKey(*std::move(rep));
}

Status PrivateKey::Save(const std::filesystem::path& path, std::string_view passphrase) const {
  CUSTODY_RETURN_IF_ERROR(CheckPassphrase(passphrase));
  CUSTODY_ASSIGN_OR_RETURN(const SealedPkcs8Ptr sealed, Encrypt(rep_->pkey.get(), passphrase));
  CUSTODY_ASSIGN_OR_RETURN(const BioPtr bio, SecretBio());
  if (PEM_write_bio_PKCS8(bio.get(), sealed.get()) != 1) return OpensslError("PEM_write_bio_PKCS8");
  return CreateKeyFile(path, bio.get());
}

StatusOr<PrivateKey> PrivateKey::LoadPlain(const std::filesystem::path& path) {
  auto rep = [&]() -> StatusOr<std::unique_ptr<Rep>> {
    CUSTODY_ASSIGN_OR_RETURN(std::string pem, ReadKeyFile(path));
    StatusOr<std::string> der = OnlyPemBlock(pem, PEM_STRING_PKCS8INF);
    Cleanse(pem);
    CUSTODY_RETURN_IF_ERROR(der.status());
    const unsigned char* in = Octets(*der);
    ERR_clear_error();
    const Pkcs8Ptr plain(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &in, static_cast<long>(der->size())));
    const bool whole = plain && in == Octets(*der) + der->size();
    Cleanse(*der);
    if (whole) return Rep::OfPkcs8(plain.get());
    ERR_clear_error();
    return InvalidArgument("the private key is not PKCS#8");
  }();
  if (!rep.ok()) return WithContext(rep.status(), "key file " + path.string());
  return PrivateKey(*std::move(rep));
}

Status PrivateKey::SavePlain(const std::filesystem::path& path) const {
  CUSTODY_ASSIGN_OR_RETURN(const BioPtr bio, SecretBio());
  const Pkcs8Ptr plain(EVP_PKEY2PKCS8(rep_->pkey.get()));
  if (!plain || PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio.get(), plain.get()) != 1) {
    return OpensslError("PEM_write_bio_PKCS8_PRIV_KEY_INFO");
  }
  return CreateKeyFile(path, bio.get());
}

const PublicKey& PrivateKey::public_key() const { return rep_->public_key; }

StatusOr<std::string> PrivateKey::Sign(std::string_view message) const {
  return rep_->Sign(message);
}

}  // namespace custody
