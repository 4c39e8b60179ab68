// The small certificate authority behind mutual TLS: P-256 certificates for servers and stations.
//
// A certificate only opens a connection and names the station; it signs no event. The station's id
// is the subject's common name; the purpose is in the extended key usage.
#ifndef CUSTODY_CRYPTO_CERTIFICATE_H_
#define CUSTODY_CRYPTO_CERTIFICATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "crypto/status.h"

namespace custody {

enum class CertificatePurpose { kServer, kStation };

struct CertificateRequest {
  std::string name;  // common name: station id, or the server's name
  CertificatePurpose purpose = CertificatePurpose::kStation;
  std::vector<std::string> hosts;  // server only: DNS names and IP addresses
  std::int64_t not_before = 0;     // Unix seconds
  std::int64_t not_after = 0;
};

// `SelfSignAuthority` gives a PEM CA certificate for `key` (P-256).
StatusOr<std::string> SelfSignAuthority(const PrivateKey& key, std::string_view name,
                                        std::int64_t not_before, std::int64_t not_after);
// `IssueCertificate` gives a PEM certificate for `subject`, signed by the authority; a random
// 128-bit serial number.
StatusOr<std::string> IssueCertificate(const CertificateRequest& request, const PublicKey& subject,
                                       const PrivateKey& authority_key,
                                       std::string_view authority_pem);

// `RenewCertificate` gives `pem`, one that this authority issued, anew for another time: its name,
// key, purpose and hosts are kept, also when it has ended. INVALID_ARGUMENT for any other's.
StatusOr<std::string> RenewCertificate(std::string_view pem, std::int64_t not_before,
                                       std::int64_t not_after, const PrivateKey& authority_key,
                                       std::string_view authority_pem);

struct CertificateFields {
  std::string name;
  std::string serial_hex;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  Hash sha256;          // of the DER
  Hash key_sha256;      // of the key's SubjectPublicKeyInfo
  std::string key;      // what kind it has: "P-256", else in words
  bool serves = false;  // its extended key usage names servers
};
// `ReadCertificate` reads one PEM certificate; INVALID_ARGUMENT otherwise.
StatusOr<CertificateFields> ReadCertificate(std::string_view pem);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_CERTIFICATE_H_
