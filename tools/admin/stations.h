// Certificates, signed by the authority: for stations on their request, and again for the server
// and the administration, whose first ones founding made.
#ifndef CUSTODY_TOOLS_ADMIN_STATIONS_H_
#define CUSTODY_TOOLS_ADMIN_STATIONS_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "client/hand_over_files.h"
#include "client/station_folder.h"
#include "crypto/certificate.h"
#include "crypto/status.h"
#include "custody/time.h"

namespace custody {

inline constexpr std::int64_t kCertificateDays = 397;
// From here on people are told that one ends.
inline constexpr std::int64_t kWarnDays = 60;

struct IssueOptions {
  std::filesystem::path request;         // station.request
  std::filesystem::path answer;          // file to write
  std::filesystem::path pins;            // passphrase of "authority"
  std::string zone;                      // IANA zone of the station
  std::int64_t days = kCertificateDays;  // how long the certificate is valid, 1..825
};

// `ReadStationRequest` reads the file a station made with `join`.
StatusOr<StationRequest> ReadStationRequest(const std::filesystem::path& file);

struct IssuedStation {
  StationAnswer answer;     // completes the station's folder; the caller writes it
  Hash certificate_sha256;  // for the registry
};

// `IssueStation` signs a certificate for the station's key. Recording the station in the registry
// is an act of its own. PERMISSION_DENIED for the administration's own name; ALREADY_EXISTS when
// the answer's file is there.
StatusOr<IssuedStation> IssueStation(const StationFolder& administration,
                                     const IssueOptions& options, const StationRequest& request,
                                     Instant now);

struct RenewOptions {
  std::filesystem::path server;  // the server's certificate; empty: the administration's own
  bool new_key = false;        // the administration's only: the key before is not to be used again
  std::filesystem::path pins;  // passphrase of "authority"
  std::int64_t days = kCertificateDays;
};

// `RenewCertificateFile` puts a new certificate where the present one stands; needs no server. With
// a new key the one before stays beside it as station.old.pem, for the server to refuse.
// INVALID_ARGUMENT when the file is not what the options say.
StatusOr<CertificateFields> RenewCertificateFile(const StationFolder& administration,
                                                 const RenewOptions& options, Instant now);

// `DaysLeft` is how many whole days remain at `now`; negative when it has ended.
std::int64_t DaysLeft(const CertificateFields& certificate, Instant now);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_STATIONS_H_
