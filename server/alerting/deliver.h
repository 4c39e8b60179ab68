// How a message gets to a recipient.
#ifndef CUSTODY_SERVER_ALERTING_DELIVER_H_
#define CUSTODY_SERVER_ALERTING_DELIVER_H_

#include <memory>
#include <string_view>

#include "crypto/status.h"
#include "server/alerting/recipients.h"

namespace custody {

// `Deliverer` hands messages over. Thread-safe: to one recipient one after the other, but that a
// test may come between.
class Deliverer {
 public:
  virtual ~Deliverer() = default;
  // `Deliver` is OK when the recipient took `json`: its program ended with exit code 0, or its
  // webhook answered 2xx. Ends within the recipient's time limit.
  virtual Status Deliver(const Recipient& recipient, std::string_view json) = 0;
  // `Stop` ends what is under way, and everything after it, with an error at once.
  virtual void Stop() {}
};

// `MakeDeliverer` makes the real one.
std::unique_ptr<Deliverer> MakeDeliverer();

// `CurlSettings` is what curl is told, on standard input, to POST `json` to `recipient`'s webhook.
std::string CurlSettings(const Recipient& recipient, std::string_view json);

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_DELIVER_H_
