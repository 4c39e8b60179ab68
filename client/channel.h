// The way to the server: mutual TLS 1.3.
#ifndef CUSTODY_CLIENT_CHANNEL_H_
#define CUSTODY_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/certificate.h"
#include "crypto/status.h"

namespace custody {

// Every call has a deadline: this one, unless more was asked for.
inline constexpr std::chrono::seconds kCallTimeout{10};
// Streams that read much, and exports.
inline constexpr std::chrono::seconds kStreamTimeout{300};

// `OpenChannel` prepares a connection to `server` (HOST:PORT) with the folder's ca.pem, station.pem
// and station.key; it connects with the first call. TLS below 1.3 is refused: the first call in a
// process sets gRPC's cipher suites, before gRPC reads them.
StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& server,
                                                     const std::filesystem::path& tls_folder);

// `CertificateOfServer` asks the server there which certificate it shows, and nothing else: whether
// it holds is not judged, and nobody may rely on it. UNAVAILABLE when it cannot be reached.
StatusOr<CertificateFields> CertificateOfServer(const std::string& server);

// `WhyNoConnection` is why no connection came about, which `failed` says in the words of TLS: where
// a certificate has ended, the station's own or the server's, which, when (in `zone`) and what
// renews it. UNAVAILABLE then, as with a server that is away: what can be done without it goes on.
Status WhyNoConnection(const Status& failed, const std::string& server,
                       const std::filesystem::path& tls_folder, std::string_view zone);

}  // namespace custody

#endif  // CUSTODY_CLIENT_CHANNEL_H_
