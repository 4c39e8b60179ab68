// X.509 for mutual TLS, as little of it as the connections need: one authority, which signs nothing
// but end certificates (path length 0), P-256 and SHA-256 throughout.
//
// Extensions are built as structures, never from OpenSSL's configuration texts, in which a host
// name with a comma would become two.
#include "crypto/certificate.h"

#include <openssl/pem.h>

#include <ctime>

#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace custody {
namespace {

constexpr long kVersion3 = 2;  // as X.509 counts
constexpr std::size_t kMaxPemBytes = 64 * 1024;

Status SetName(X509_NAME* subject, std::string_view name) {
  if (name.empty() || name.size() > 64 || name.find('\0') != name.npos) {
    return InvalidArgument("expected a certificate name of 1 to 64 bytes");
  }
  ERR_clear_error();
  if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, Octets(name),
                                 static_cast<int>(name.size()), -1, 0) != 1) {
    ERR_clear_error();
    return InvalidArgument("expected a certificate name in UTF-8");
  }
  return absl::OkStatus();
}

Status SetSerial(X509* certificate) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, SystemRng().Bytes(16));
  const BignumPtr number(BN_bin2bn(Octets(bytes), static_cast<int>(bytes.size()), nullptr));
  if (!number || !BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate))) {
    return OpensslError("BN_to_ASN1_INTEGER");
  }
  return absl::OkStatus();
}

Status SetTimes(X509* certificate, std::int64_t not_before, std::int64_t not_after) {
  if (not_before >= not_after) {
    return InvalidArgument("expected a certificate to end after it begins");
  }
  if (!ASN1_TIME_set(X509_getm_notBefore(certificate), not_before) ||
      !ASN1_TIME_set(X509_getm_notAfter(certificate), not_after)) {
    return OpensslError("ASN1_TIME_set");
  }
  return absl::OkStatus();
}

Status Add(X509* certificate, int nid, bool critical, void* value) {
  if (X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_APPEND) != 1) {
    return OpensslError("X509_add1_ext_i2d");
  }
  return absl::OkStatus();
}

Status AddBasicConstraints(X509* certificate, bool authority) {
  const Owned<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return OpensslError("BASIC_CONSTRAINTS_new");
  if (authority) {
    constraints->ca = 0xff;
    constraints->pathlen = ASN1_INTEGER_new();
    if (constraints->pathlen == nullptr || ASN1_INTEGER_set(constraints->pathlen, 0) != 1) {
      return OpensslError("ASN1_INTEGER_set");
    }
  }
  return Add(certificate, NID_basic_constraints, true, constraints.get());
}

Status AddKeyUsage(X509* certificate, std::initializer_list<int> bits) {
  const Owned<ASN1_BIT_STRING, ASN1_BIT_STRING_free> usage(ASN1_BIT_STRING_new());
  for (const int bit : bits) {
    if (!usage || ASN1_BIT_STRING_set_bit(usage.get(), bit, 1) != 1) {
      return OpensslError("ASN1_BIT_STRING_set_bit");
    }
  }
  return Add(certificate, NID_key_usage, true, usage.get());
}

Status AddPurpose(X509* certificate, CertificatePurpose purpose) {
  const Owned<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usage(EXTENDED_KEY_USAGE_new());
  const int nid = purpose == CertificatePurpose::kServer ? NID_server_auth : NID_client_auth;
  if (!usage || sk_ASN1_OBJECT_push(usage.get(), OBJ_nid2obj(nid)) < 1) {
    return OpensslError("sk_ASN1_OBJECT_push");
  }
  return Add(certificate, NID_ext_key_usage, false, usage.get());
}

// SHA-256 cut to 160 bits, one of the ways of RFC 7093.
StatusOr<std::string> KeyIdentifier(const std::string& spki) {
  return Sha256(spki).ToString().substr(0, 20);
}

Status AddKeyIdentifiers(X509* certificate, const std::string& subject_spki,
                         const std::string& issuer_spki) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string subject, KeyIdentifier(subject_spki));
  CUSTODY_ASSIGN_OR_RETURN(const std::string issuer, KeyIdentifier(issuer_spki));
  const Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> own(ASN1_OCTET_STRING_new());
  const Owned<AUTHORITY_KEYID, AUTHORITY_KEYID_free> authority(AUTHORITY_KEYID_new());
  if (!own || !authority) return OpensslError("AUTHORITY_KEYID_new");
  authority->keyid = ASN1_OCTET_STRING_new();
  if (authority->keyid == nullptr ||
      ASN1_OCTET_STRING_set(own.get(), Octets(subject), static_cast<int>(subject.size())) != 1 ||
      ASN1_OCTET_STRING_set(authority->keyid, Octets(issuer), static_cast<int>(issuer.size())) !=
          1) {
    return OpensslError("ASN1_OCTET_STRING_set");
  }
  CUSTODY_RETURN_IF_ERROR(Add(certificate, NID_subject_key_identifier, false, own.get()));
  return Add(certificate, NID_authority_key_identifier, false, authority.get());
}

bool IsDnsName(std::string_view host) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
  return !host.empty() && host.size() <= 253 && host.find_first_not_of(kAllowed) == host.npos;
}

Status AddHosts(X509* certificate, const std::vector<std::string>& hosts) {
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  if (!names) return OpensslError("GENERAL_NAMES_new");
  for (const std::string& host : hosts) {
    Owned<GENERAL_NAME, GENERAL_NAME_free> name(GENERAL_NAME_new());
    if (!name) return OpensslError("GENERAL_NAME_new");
    ERR_clear_error();
    if (ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str()); address != nullptr) {
      GENERAL_NAME_set0_value(name.get(), GEN_IPADD, address);
    } else if (ERR_clear_error(); IsDnsName(host)) {
      ASN1_IA5STRING* const dns = ASN1_IA5STRING_new();
      if (dns == nullptr) return OpensslError("ASN1_IA5STRING_new");
      GENERAL_NAME_set0_value(name.get(), GEN_DNS, dns);
      if (ASN1_STRING_set(dns, host.data(), static_cast<int>(host.size())) != 1) {
        return OpensslError("ASN1_STRING_set");
      }
    } else {
      return InvalidArgument("expected a DNS name or an IP address, found '" + host + "'");
    }
    if (sk_GENERAL_NAME_push(names.get(), name.get()) < 1) {
      return OpensslError("sk_GENERAL_NAME_push");
    }
    static_cast<void>(name.release());  // now the list's
  }
  return Add(certificate, NID_subject_alt_name, false, names.get());
}

Status CheckP256(const PublicKey& key, std::string_view whose) {
  if (key.algorithm() == KeyAlgorithm::kP256) return absl::OkStatus();
  return InvalidArgument("expected the " + std::string(whose) + " key to be p-256");
}

StatusOr<CertificatePtr> NewCertificate(std::string_view name, const PublicKey& subject,
                                        std::int64_t not_before, std::int64_t not_after) {
  CertificatePtr certificate(X509_new());
  const unsigned char* spki = Octets(subject.spki());
  const PkeyPtr pkey(d2i_PUBKEY(nullptr, &spki, static_cast<long>(subject.spki().size())));
  if (!certificate || !pkey || X509_set_version(certificate.get(), kVersion3) != 1 ||
      X509_set_pubkey(certificate.get(), pkey.get()) != 1) {
    return OpensslError("X509_set_pubkey");
  }
  CUSTODY_RETURN_IF_ERROR(SetName(X509_get_subject_name(certificate.get()), name));
  CUSTODY_RETURN_IF_ERROR(SetSerial(certificate.get()));
  CUSTODY_RETURN_IF_ERROR(SetTimes(certificate.get(), not_before, not_after));
  return certificate;
}

StatusOr<std::string> SignToPem(X509* certificate, const PrivateKey& key) {
  if (X509_sign(certificate, key.rep().pkey.get(), EVP_sha256()) <= 0) {
    return OpensslError("X509_sign");
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpensslError("PEM_write_bio_X509");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  if (size <= 0) return OpensslError("BIO_get_mem_data");
  return std::string(text, static_cast<std::size_t>(size));
}

StatusOr<CertificatePtr> ParsePem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return InvalidArgument("expected one certificate, found more");
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return OpensslError("BIO_new_mem_buf");
  ERR_clear_error();
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  const CertificatePtr second(certificate ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                          : nullptr);
  ERR_clear_error();
  if (!certificate || second) return InvalidArgument("expected one certificate in PEM");
  return certificate;
}

StatusOr<std::int64_t> UnixSeconds(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    ERR_clear_error();
    return InvalidArgument("the certificate has a malformed time");
  }
  return std::int64_t{::timegm(&parts)};
}

// The one common name of the subject.
StatusOr<std::string> CommonName(const X509_NAME* subject) {
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) {
    return InvalidArgument("expected a certificate with exactly one common name");
  }
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
  if (size < 0) {
    ERR_clear_error();
    return InvalidArgument("the certificate's common name is malformed");
  }
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return name;
}

// What kind of key a certificate is for, and which; keys of others' certificates are of any kind.
Status ReadKey(X509_PUBKEY* key, CertificateFields& fields) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(key, &der);
  if (size <= 0) return OpensslError("i2d_X509_PUBKEY");
  const std::string spki(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  fields.key_sha256 = Sha256(spki);
  const StatusOr<PublicKey> ours = PublicKey::FromSpki(spki);
  if (ours.ok() && ours->algorithm() == KeyAlgorithm::kP256) {
    fields.key = "P-256";
    return absl::OkStatus();
  }
  ERR_clear_error();
  EVP_PKEY* const pkey = X509_PUBKEY_get0(key);  // the certificate's; null when not understood
  const char* const type = pkey == nullptr ? nullptr : EVP_PKEY_get0_type_name(pkey);
  fields.key = type == nullptr ? "unknown" : type;
  if (type != nullptr) fields.key += " of " + std::to_string(EVP_PKEY_get_bits(pkey)) + " bits";
  ERR_clear_error();
  return absl::OkStatus();
}

// Reads the authority's certificate and checks that it may sign this one with that key.
StatusOr<CertificatePtr> ReadAuthority(std::string_view pem, const PrivateKey& key,
                                       std::int64_t not_after) {
  CUSTODY_ASSIGN_OR_RETURN(CertificatePtr authority, ParsePem(pem));
  if (X509_check_ca(authority.get()) != 1) {
    return InvalidArgument("expected the certificate of an authority, found one that may not sign");
  }
  if (X509_check_private_key(authority.get(), key.rep().pkey.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("the authority's certificate is not that of the authority's key");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::int64_t end,
                           UnixSeconds(X509_get0_notAfter(authority.get())));
  if (not_after > end) {
    return InvalidArgument("the certificate would outlive its authority; choose an earlier end");
  }
  return authority;
}

}  // namespace

StatusOr<std::string> SelfSignAuthority(const PrivateKey& key, std::string_view name,
                                        std::int64_t not_before, std::int64_t not_after) {
  CUSTODY_RETURN_IF_ERROR(CheckP256(key.public_key(), "authority's"));
  CUSTODY_ASSIGN_OR_RETURN(const CertificatePtr certificate,
                           NewCertificate(name, key.public_key(), not_before, not_after));
  X509* const raw = certificate.get();
  if (X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1) {
    return OpensslError("X509_set_issuer_name");
  }
  CUSTODY_RETURN_IF_ERROR(AddBasicConstraints(raw, true));
  CUSTODY_RETURN_IF_ERROR(AddKeyUsage(raw, {5, 6}));  // keyCertSign, cRLSign
  CUSTODY_RETURN_IF_ERROR(AddKeyIdentifiers(raw, key.public_key().spki(), key.public_key().spki()));
  return SignToPem(raw, key);
}

StatusOr<std::string> IssueCertificate(const CertificateRequest& request, const PublicKey& subject,
                                       const PrivateKey& authority_key,
                                       std::string_view authority_pem) {
  CUSTODY_RETURN_IF_ERROR(CheckP256(subject, "subject's"));
  CUSTODY_RETURN_IF_ERROR(CheckP256(authority_key.public_key(), "authority's"));
  if ((request.purpose == CertificatePurpose::kServer) == request.hosts.empty()) {
    return InvalidArgument("expected hosts in a server's certificate and in no other");
  }
  CUSTODY_ASSIGN_OR_RETURN(const CertificatePtr authority,
                           ReadAuthority(authority_pem, authority_key, request.not_after));
  CUSTODY_ASSIGN_OR_RETURN(
      const CertificatePtr certificate,
      NewCertificate(request.name, subject, request.not_before, request.not_after));
  X509* const raw = certificate.get();
  if (X509_set_issuer_name(raw, X509_get_subject_name(authority.get())) != 1) {
    return OpensslError("X509_set_issuer_name");
  }
  CUSTODY_RETURN_IF_ERROR(AddBasicConstraints(raw, false));
  CUSTODY_RETURN_IF_ERROR(AddKeyUsage(raw, {0}));  // digitalSignature
  CUSTODY_RETURN_IF_ERROR(AddPurpose(raw, request.purpose));
  CUSTODY_RETURN_IF_ERROR(
      AddKeyIdentifiers(raw, subject.spki(), authority_key.public_key().spki()));
  if (!request.hosts.empty()) CUSTODY_RETURN_IF_ERROR(AddHosts(raw, request.hosts));
  return SignToPem(raw, authority_key);
}

StatusOr<std::string> RenewCertificate(std::string_view pem, std::int64_t not_before,
                                       std::int64_t not_after, const PrivateKey& authority_key,
                                       std::string_view authority_pem) {
  CUSTODY_RETURN_IF_ERROR(CheckP256(authority_key.public_key(), "authority's"));
  CUSTODY_ASSIGN_OR_RETURN(const CertificatePtr authority,
                           ReadAuthority(authority_pem, authority_key, not_after));
  CUSTODY_ASSIGN_OR_RETURN(const CertificatePtr certificate, ParsePem(pem));
  X509* const raw = certificate.get();
  if (X509_verify(raw, authority_key.rep().pkey.get()) != 1 || X509_check_ca(raw) != 0) {
    ERR_clear_error();
    return InvalidArgument(
        "expected a certificate that this authority issued, found another's: a new one is issued, "
        "not renewed");
  }
  CUSTODY_RETURN_IF_ERROR(SetSerial(raw));
  CUSTODY_RETURN_IF_ERROR(SetTimes(raw, not_before, not_after));
  return SignToPem(raw, authority_key);
}

StatusOr<CertificateFields> ReadCertificate(std::string_view pem) {
  CUSTODY_ASSIGN_OR_RETURN(const CertificatePtr certificate, ParsePem(pem));
  CertificateFields fields;
  CUSTODY_ASSIGN_OR_RETURN(fields.name, CommonName(X509_get_subject_name(certificate.get())));
  CUSTODY_ASSIGN_OR_RETURN(fields.not_before, UnixSeconds(X509_get0_notBefore(certificate.get())));
  CUSTODY_ASSIGN_OR_RETURN(fields.not_after, UnixSeconds(X509_get0_notAfter(certificate.get())));
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(certificate.get());
  fields.serial_hex = Hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                           static_cast<std::size_t>(ASN1_STRING_length(serial))});
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  if (size <= 0) return OpensslError("i2d_X509");
  fields.sha256 = Sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  CUSTODY_RETURN_IF_ERROR(ReadKey(X509_get_X509_PUBKEY(certificate.get()), fields));
  // Without that extension the function gives all its bits.
  fields.serves = (X509_get_extension_flags(certificate.get()) & EXFLAG_XKUSAGE) != 0 &&
                  (X509_get_extended_key_usage(certificate.get()) & XKU_SSL_SERVER) != 0;
  return fields;
}

}  // namespace custody
