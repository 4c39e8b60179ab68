#include "tools/admin/stations.h"

#include <utility>

#include "client/passphrase.h"
#include "crypto/file.h"
#include "crypto/sealing.h"
#include "custody/registry.h"
#include "tools/admin/founding.h"

namespace custody {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kMaxDays = 825;  // what TLS libraries commonly accept for a leaf
constexpr std::size_t kMaxRequestBytes = 64 << 10;

// Who signs certificates.
struct Issuer {
  PrivateKey key;
  std::string pem;
};

StatusOr<Issuer> OpenIssuer(const std::filesystem::path& folder,
                            const std::filesystem::path& pins) {
  CUSTODY_ASSIGN_OR_RETURN(std::string pem,
                           ReadFile(AuthorityCertificateFile(folder), kMaxRequestBytes));
  CUSTODY_ASSIGN_OR_RETURN(std::string passphrase,
                           AskPassphrase(pins, "authority", "passphrase of authority"));
  StatusOr<PrivateKey> key = PrivateKey::Load(AuthorityKeyFile(folder), passphrase);
  Cleanse(passphrase);
  if (!key.ok()) return key.status();
  return Issuer{*std::move(key), std::move(pem)};
}

Status CheckDays(std::int64_t days) {
  if (days >= 1 && days <= kMaxDays) return absl::OkStatus();
  return InvalidArgument("a certificate is valid for 1 to 825 days, found " + std::to_string(days));
}

// The administration's certificate for a new key. Both old and new stay whole files whenever this
// stops; after a stop between them it is done again.
StatusOr<std::string> ReplaceKey(const std::filesystem::path& tls, const std::string& before,
                                 const Issuer& issuer, std::int64_t begin, std::int64_t end) {
  const std::filesystem::path key_file = tls / "station.key.new";
  std::error_code ignored;
  std::filesystem::remove(key_file, ignored);  // of a try that stopped
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_RETURN_IF_ERROR(key.SavePlain(key_file));
  const CertificateRequest wanted{.name = std::string(kAdminName),
                                  .purpose = CertificatePurpose::kStation,
                                  .hosts = {},
                                  .not_before = begin,
                                  .not_after = end};
  CUSTODY_ASSIGN_OR_RETURN(std::string pem,
                           IssueCertificate(wanted, key.public_key(), issuer.key, issuer.pem));
  // Never over another: what a thief has can be revoked only by its certificate.
  const std::filesystem::path old = tls / "station.old.pem";
  StatusOr<std::string> kept = ReadFile(old, kMaxRequestBytes);
  if (kept.status().code() == StatusCode::kNotFound) kept = std::string();
  CUSTODY_RETURN_IF_ERROR(kept.status());
  if (kept->find(before) == std::string::npos) {
    CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(old, *kept + before));
  }
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(tls / "station.pem", pem));
  CUSTODY_RETURN_IF_ERROR(RenameDurably(key_file, tls / "station.key"));
  return pem;
}

}  // namespace

StatusOr<StationRequest> ReadStationRequest(const std::filesystem::path& file) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxRequestBytes));
  StatusOr<StationRequest> request = StationRequest::Parse(text);
  if (!request.ok()) return WithContext(request.status(), file.string());
  return request;
}

StatusOr<IssuedStation> IssueStation(const StationFolder& administration,
                                     const IssueOptions& options, const StationRequest& request,
                                     Instant now) {
  if (request.station == kAdminName) {
    return PermissionDenied("\"" + request.station +
                            "\" is the administration's own name: the station must ask with "
                            "another");
  }
  std::error_code ignored;
  if (std::filesystem::exists(options.answer, ignored)) {
    return AlreadyExists("\"" + options.answer.string() + "\" exists; name a new file");
  }
  CUSTODY_RETURN_IF_ERROR(CheckDays(options.days));
  if (!IsTimeZone(options.zone)) {
    return InvalidArgument("\"" + options.zone + "\" is no IANA time zone such as Europe/Berlin");
  }
  CUSTODY_ASSIGN_OR_RETURN(const PublicKey station_key, PublicKey::FromSpki(request.spki));
  CUSTODY_ASSIGN_OR_RETURN(const Issuer issuer, OpenIssuer(administration.path(), options.pins));
  const std::int64_t seconds = now.micros / kMicrosPerSecond;
  const CertificateRequest wanted{.name = request.station,
                                  .purpose = CertificatePurpose::kStation,
                                  .hosts = {},
                                  .not_before = seconds - kSecondsPerDay,
                                  .not_after = seconds + options.days * kSecondsPerDay};
  CUSTODY_ASSIGN_OR_RETURN(const std::string pem,
                           IssueCertificate(wanted, station_key, issuer.key, issuer.pem));
  CUSTODY_ASSIGN_OR_RETURN(const CertificateFields fields, ReadCertificate(pem));
  StationAnswer answer{.server = administration.settings().server,
                       .station = request.station,
                       .site = request.site,
                       .zone = options.zone,
                       .trust_json = administration.trust().ToJson(),
                       .ca_pem = issuer.pem,
                       .certificate_pem = pem};
  return IssuedStation{std::move(answer), fields.sha256};
}

StatusOr<CertificateFields> RenewCertificateFile(const StationFolder& administration,
                                                 const RenewOptions& options, Instant now) {
  CUSTODY_RETURN_IF_ERROR(CheckDays(options.days));
  const bool of_server = !options.server.empty();
  const std::filesystem::path tls = administration.path() / "tls";
  const std::filesystem::path file = of_server ? options.server : tls / "station.pem";
  CUSTODY_ASSIGN_OR_RETURN(const std::string before, ReadFile(file, kMaxRequestBytes));
  const StatusOr<CertificateFields> present = ReadCertificate(before);
  if (!present.ok()) return WithContext(present.status(), file.string());
  if (present->serves != of_server || (!of_server && present->name != kAdminName)) {
    return InvalidArgument(file.string() + " is the certificate of \"" + present->name +
                           "\", not of " + (of_server ? "a server" : "the administration") +
                           "; a station's is renewed with `station renew`");
  }
  CUSTODY_ASSIGN_OR_RETURN(const Issuer issuer, OpenIssuer(administration.path(), options.pins));
  const std::int64_t seconds = now.micros / kMicrosPerSecond;
  const std::int64_t begin = seconds - kSecondsPerDay;
  const std::int64_t end = seconds + options.days * kSecondsPerDay;
  if (options.new_key) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string pem, ReplaceKey(tls, before, issuer, begin, end));
    return ReadCertificate(pem);
  }
  const StatusOr<std::string> pem = RenewCertificate(before, begin, end, issuer.key, issuer.pem);
  if (!pem.ok()) return WithContext(pem.status(), file.string());
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(file, *pem));
  return ReadCertificate(*pem);
}

std::int64_t DaysLeft(const CertificateFields& certificate, Instant now) {
  const std::int64_t seconds = certificate.not_after - now.micros / kMicrosPerSecond;
  return seconds < 0 ? -1 - (-seconds - 1) / kSecondsPerDay : seconds / kSecondsPerDay;
}

}  // namespace custody
