#include "server/rpc/listing.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "server/rpc/limits.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

// Where a page begins: after `last`, a therapy that the caller may see, and `passed` more that it
// may not. `unread` of all that came before could not be read.
struct PagePlace {
  std::string last;
  std::uint64_t passed = 0;
  std::uint64_t unread = 0;
};

constexpr std::size_t kDigits = 8;

// "ID" or "ID PASSED UNREAD"; with leading zeros, so that the texts have the order of the places.
std::string TextOf(const PagePlace& place) {
  if (place.passed == 0 && place.unread == 0) return place.last;
  std::array<char, 64> numbers{};
  std::snprintf(numbers.data(), numbers.size(), " %08llu %08llu",
                static_cast<unsigned long long>(place.passed),
                static_cast<unsigned long long>(place.unread));
  return place.last + numbers.data();
}

StatusOr<PagePlace> PlaceIn(const std::string& after) {
  PagePlace place;
  const std::size_t space = after.find(' ');  // no id has one
  place.last = after.substr(0, space);
  if (space == std::string::npos) return place;
  const std::string_view numbers = std::string_view(after).substr(space);
  const auto number = [&](std::size_t at, std::uint64_t& out) {
    const std::string_view digits = numbers.substr(std::min(at, numbers.size()), kDigits);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + kDigits;
  };
  const bool sound = numbers.size() == 2 * (kDigits + 1) && numbers[kDigits + 1] == ' ' &&
                     number(1, place.passed) && number(kDigits + 2, place.unread);
  if (!sound) return InvalidArgument("after is what a page before gave as next");
  return place;
}

// What one page looks at.
class Page {
 public:
  Page(RpcContext& rpc, const Permit& permit, const Listing& listing, PagePlace place)
      : rpc_(rpc), permit_(permit), listing_(listing), skip_(place.passed), place_(place) {}

  // Looks at one more; false when the page ends before it.
  StatusOr<bool> LookAt(const std::string& id) {
    if (skip_ > 0) {  // looked at for the page before
      --skip_;
      return true;
    }
    const std::uint64_t cost = listing_.as_of.has_value() ? kCostOfReplay : 1;
    if (cost_ + cost > kMostLookedAt) return false;
    cost_ += cost;
    StatusOr<pb::GetTherapyReply> therapy =
        Look(rpc_.ledger(), permit_, id, listing_.as_of, Keep::kNo);
    if (!therapy.ok()) return Passed(id, therapy.status());
    if (taken_ >= listing_.limit || bytes_ > kMaxReplyBytes / 2) return false;
    const StatusOr<std::size_t> size = listing_.take(id, *therapy);
    if (!size.ok()) return Passed(id, size.status());
    bytes_ += *size;
    ++taken_;
    place_ = {id, 0, place_.unread};
    return true;
  }

  const PagePlace& place() const { return place_; }
  bool empty() const { return taken_ == 0; }

 private:
  StatusOr<bool> Passed(const std::string& id, const Status& why) {
    if (why.code() == StatusCode::kDataLoss) {
      spdlog::error("{}: therapy {} cannot be read: {}", listing_.what, id, Message(why));
      ++place_.unread;
    } else if (why.code() != StatusCode::kNotFound) {
      return why;
    }
    ++place_.passed;
    return true;
  }

  RpcContext& rpc_;
  const Permit& permit_;
  const Listing& listing_;
  std::uint64_t skip_;
  PagePlace place_;  // of the next page
  std::uint64_t cost_ = 0;
  std::uint32_t taken_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

StatusOr<std::string> ListPage(RpcContext& rpc, const Permit& permit, const Listing& listing,
                               const std::function<bool()>& cancelled) {
  CUSTODY_ASSIGN_OR_RETURN(const PagePlace place, PlaceIn(listing.after));
  Page page(rpc, permit, listing, place);
  std::string after = place.last;
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> ids, listing.ids(after));
    if (ids.empty()) break;
    for (const std::string& id : ids) {
      if (cancelled()) return absl::CancelledError("the caller left");
      CUSTODY_ASSIGN_OR_RETURN(const bool in, page.LookAt(id));
      if (!in) return TextOf(page.place());
    }
    after = ids.back();
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string lacks, rpc.ledger().IndexLacks());
  if (page.place().unread == 0 && lacks.empty()) return std::string();
  if (!page.empty()) return TextOf(page.place());
  return NotWhole(page.place().unread, lacks);
}

Status NotWhole(std::uint64_t unread, std::string_view lacks) {
  std::string why;
  if (unread > 0) why = std::to_string(unread) + " therapies cannot be read";
  if (!lacks.empty()) {
    why += (why.empty() ? "" : "; ") + ("the index lacks " + std::string(lacks));
  }
  return FailedPrecondition("NOT ALL is listed: " + why +
                            ". Tell the administrator, who runs custody-audit on the ledger and "
                            "restores a backup; until then ask the sites by telephone");
}

std::vector<std::string> AfterIn(const std::vector<std::string>& ids, const std::string& after) {
  const auto from = std::upper_bound(ids.begin(), ids.end(), after);
  const auto left = static_cast<std::size_t>(ids.end() - from);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(left, kPageTherapies))};
}

}  // namespace custody
