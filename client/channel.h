// The way to the server: mutual TLS 1.3.
#ifndef CUSTODY_CLIENT_CHANNEL_H_
#define CUSTODY_CLIENT_CHANNEL_H_

#include <grpcpp/channel.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

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

// `CertificateOfServer` asks the server there which certificate it shows. UNAVAILABLE when it
// cannot be reached, or shows one that the folder's authority did not issue or that has ended.
StatusOr<CertificateFields> CertificateOfServer(const std::string& server,
                                                const std::filesystem::path& tls_folder);

}  // namespace custody

#endif  // CUSTODY_CLIENT_CHANNEL_H_
