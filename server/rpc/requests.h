// What is asked of requests before anything is looked up for them.
#ifndef CUSTODY_SERVER_RPC_REQUESTS_H_
#define CUSTODY_SERVER_RPC_REQUESTS_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <string_view>

#include "crypto/status.h"

namespace custody {

// `CheckTime` is INVALID_ARGUMENT for a time outside the years 1 to 9999.
Status CheckTime(const google::protobuf::Timestamp& time, std::string_view name);
// `CheckPage` gives how many therapies a page has; INVALID_ARGUMENT above 1000.
StatusOr<std::uint32_t> CheckPage(std::uint32_t limit);
// `CheckName` is INVALID_ARGUMENT for an identifier that is empty or longer than events hold.
Status CheckName(std::string_view what, std::string_view value);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_REQUESTS_H_
