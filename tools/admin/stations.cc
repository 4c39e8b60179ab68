#include "tools/admin/stations.h"

#include <utility>

#include "client/passphrase.h"
#include "crypto/certificate.h"
#include "crypto/file.h"
#include "crypto/sealing.h"
#include "custody/registry.h"
#include "tools/admin/founding.h"

namespace custody {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kMaxDays = 825;  // what TLS libraries commonly accept for a leaf
constexpr std::size_t kMaxRequestBytes = 64 << 10;

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
  if (options.days < 1 || options.days > kMaxDays) {
    return InvalidArgument("a certificate is valid for 1 to 825 days, found " +
                           std::to_string(options.days));
  }
  if (!IsTimeZone(options.zone)) {
    return InvalidArgument("\"" + options.zone + "\" is no IANA time zone such as Europe/Berlin");
  }
  CUSTODY_ASSIGN_OR_RETURN(const PublicKey station_key, PublicKey::FromSpki(request.spki));
  const std::filesystem::path& folder = administration.path();
  CUSTODY_ASSIGN_OR_RETURN(const std::string authority_pem,
                           ReadFile(AuthorityCertificateFile(folder), kMaxRequestBytes));
  CUSTODY_ASSIGN_OR_RETURN(std::string passphrase,
                           AskPassphrase(options.pins, "authority", "passphrase of authority"));
  StatusOr<PrivateKey> authority = PrivateKey::Load(AuthorityKeyFile(folder), passphrase);
  Cleanse(passphrase);
  if (!authority.ok()) return authority.status();

  const std::int64_t seconds = now.micros / kMicrosPerSecond;
  const CertificateRequest wanted{.name = request.station,
                                  .purpose = CertificatePurpose::kStation,
                                  .hosts = {},
                                  .not_before = seconds - kSecondsPerDay,
                                  .not_after = seconds + options.days * kSecondsPerDay};
  CUSTODY_ASSIGN_OR_RETURN(const std::string pem,
                           IssueCertificate(wanted, station_key, *authority, authority_pem));
  CUSTODY_ASSIGN_OR_RETURN(const CertificateFields fields, ReadCertificate(pem));
  StationAnswer answer{.server = administration.settings().server,
                       .station = request.station,
                       .site = request.site,
                       .zone = options.zone,
                       .trust_json = administration.trust().ToJson(),
                       .ca_pem = authority_pem,
                       .certificate_pem = pem};
  return IssuedStation{std::move(answer), fields.sha256};
}

}  // namespace custody
