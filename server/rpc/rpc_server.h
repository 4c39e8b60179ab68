// The listening server: mutual TLS 1.3, the services, health and (outside production) reflection.
#ifndef CUSTODY_SERVER_RPC_RPC_SERVER_H_
#define CUSTODY_SERVER_RPC_RPC_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "crypto/status.h"
#include "server/alerting/alerting.h"
#include "server/ledger/ledger.h"

namespace custody {

// `RequireTls13` sets the one cipher suite that makes gRPC's TLS refuse version 1.2 with our P-256
// certificates. REQUIRES: no other thread runs and gRPC was not used yet; a no-op when called
// again.
void RequireTls13();

struct RpcOptions {
  std::string listen;           // HOST:PORT; port 0: one that the system chooses
  std::string authority_pem;    // client certificates must be issued by it
  std::string certificate_pem;  // the server's own
  std::string key_pem;          // never logged
  std::string revoked_pem;      // certificates whose keys open nothing any more; may be empty
  unsigned read_threads = 4;
  Alerting* alerting = nullptr;  // not owned, outlives the server; null: nobody is told of alerts
};

// `RpcServer` serves one ledger until it is drained.
class RpcServer {
 public:
  // `Start` listens. `ledger` must outlive the server. UNAVAILABLE when the address cannot be
  // bound; INVALID_ARGUMENT when certificate and key are none, or of another kind than P-256.
  static StatusOr<std::unique_ptr<RpcServer>> Start(Ledger& ledger, const RpcOptions& options);
  ~RpcServer();

  // The address in use, with the port the system chose.
  const std::string& address() const;

  // `Drain` says "not serving", accepts nothing new, ends long streams, and returns when every call
  // that was accepted is answered; after `grace` what still waits for its client is cut off. An
  // accepted event is recorded in any case, and its receipt is there when the client asks again.
  void Drain(std::chrono::milliseconds grace);

 private:
  struct Rep;
  explicit RpcServer(std::unique_ptr<Rep> rep);
  std::unique_ptr<Rep> rep_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_RPC_SERVER_H_
