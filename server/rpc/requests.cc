#include "server/rpc/requests.h"

#include <string>

#include "custody/time.h"
#include "server/rpc/limits.h"

namespace custody {
namespace {

constexpr std::uint32_t kMaxPage = 1000;
constexpr std::uint32_t kPage = 100;

}  // namespace

Status CheckTime(const google::protobuf::Timestamp& time, std::string_view name) {
  if (time.seconds() >= kMinTimestampSeconds && time.seconds() <= kMaxTimestampSeconds &&
      time.nanos() >= 0 && time.nanos() < 1'000'000'000) {
    return Status();
  }
  return InvalidArgument(std::string(name) + " must be a time of the years 1 to 9999");
}

StatusOr<std::uint32_t> CheckPage(std::uint32_t limit) {
  if (limit > kMaxPage) {
    return InvalidArgument("a page has at most " + std::to_string(kMaxPage) +
                           " therapies, asked for " + std::to_string(limit) +
                           "; ask for the next page with after");
  }
  return limit == 0 ? kPage : limit;
}

Status CheckName(std::string_view what, std::string_view value) {
  if (!value.empty() && value.size() <= kMaxIdentifierBytes) return Status();
  return InvalidArgument(std::string(what) + " has 1 to " + std::to_string(kMaxIdentifierBytes) +
                         " bytes");
}

}  // namespace custody
