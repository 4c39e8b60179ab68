// Certificates for stations: issued on a station's request, signed by the authority.
#ifndef CUSTODY_TOOLS_ADMIN_STATIONS_H_
#define CUSTODY_TOOLS_ADMIN_STATIONS_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "client/hand_over_files.h"
#include "client/station_folder.h"
#include "crypto/status.h"
#include "custody/time.h"

namespace custody {

struct IssueOptions {
  std::filesystem::path request;  // station.request
  std::filesystem::path answer;   // file to write
  std::filesystem::path pins;     // passphrase of "authority"
  std::string zone;               // IANA zone of the station
  std::int64_t days = 397;        // how long the certificate is valid, 1..825
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

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_STATIONS_H_
