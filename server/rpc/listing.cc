#include "server/rpc/listing.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/hash.h"
#include "crypto/sealing.h"
#include "server/rpc/limits.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

// Where a page begins.
struct PagePlace {
  std::string last;          // the therapy that was looked at last
  bool unread = false;       // of all that came before, something could not be read
  std::uint32_t number = 0;  // pages before this one
};

// What one page came to.
struct Looked {
  std::string last;     // looked at last; empty: none
  bool more = false;    // there are others behind it
  bool unread = false;  // one could not be read, and was passed over
  std::size_t taken = 0;
};

// In clear before the seal: whoever asks knows it, and the texts have the order of the pages.
constexpr std::size_t kNumberDigits = 8;
// Which run of the server sealed it.
constexpr std::size_t kRunDigits = 8;
constexpr std::size_t kIdBytes = 64;  // as long as an id may be: its length says nothing

std::string RunOf(std::string_view key) {
  return Sha256("custody page run\n" + std::string(key)).ToHex().substr(0, kRunDigits);
}

std::string ContextOf(const Permit& permit, const Listing& listing, std::string_view number) {
  std::string context = "custody page\n";
  context.append(listing.what).append("\n").append(permit.caller.station).append("\n");
  return context.append(number);
}

// "NUMBER RUN SEALED", of a flag and an id.
StatusOr<std::string> TextOf(RpcContext& rpc, const Permit& permit, const Listing& listing,
                             const PagePlace& place) {
  std::string number = std::to_string(place.number);
  number.insert(0, kNumberDigits - std::min(kNumberDigits, number.size()), '0');
  std::string plain(1, place.unread ? '!' : ' ');
  plain.append(place.last).resize(1 + kIdBytes, '\0');
  CUSTODY_ASSIGN_OR_RETURN(const std::string key, rpc.page_key());
  CUSTODY_ASSIGN_OR_RETURN(const std::string sealed,
                           Seal(key, ContextOf(permit, listing, number), plain, SystemRng()));
  return number + " " + RunOf(key) + " " + Base64(sealed);
}

StatusOr<PagePlace> PlaceIn(RpcContext& rpc, const Permit& permit, const Listing& listing) {
  const std::string_view text = listing.after;
  PagePlace place;
  if (text.empty()) return place;
  const Status unknown = InvalidArgument(
      "after is what the page before gave as next, of this list and to this station: begin the "
      "list again");
  constexpr std::size_t kSealedAt = kNumberDigits + 1 + kRunDigits + 1;
  const bool formed =
      text.size() > kSealedAt && text[kNumberDigits] == ' ' && text[kSealedAt - 1] == ' ';
  if (!formed) return unknown;
  const std::string_view number = text.substr(0, kNumberDigits);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), place.number);
  if (error != std::errc() || end != number.data() + number.size()) return unknown;
  const StatusOr<std::string> sealed = DecodeBase64(text.substr(kSealedAt));
  if (!sealed.ok()) return unknown;
  CUSTODY_ASSIGN_OR_RETURN(const std::string key, rpc.page_key());
  if (text.substr(kNumberDigits + 1, kRunDigits) != RunOf(key)) {
    return Aborted("the server was started anew since the page before: ask from the beginning");
  }
  const StatusOr<std::string> plain = Unseal(key, ContextOf(permit, listing, number), *sealed);
  if (!plain.ok() || plain->size() != 1 + kIdBytes) return unknown;
  place.unread = plain->front() == '!';
  place.last = plain->substr(1, plain->find('\0', 1) - 1);
  return place;
}

// The page itself, from the first id greater than `after` on.
StatusOr<Looked> LookThrough(RpcContext& rpc, const Permit& permit, const Listing& listing,
                             std::string after, const std::function<bool()>& cancelled) {
  const std::uint64_t cost = listing.as_of.has_value() ? kCostOfReplay : 1;
  std::uint64_t spent = 0;
  std::size_t bytes = 0;
  Looked looked;
  const auto pass = [&](const std::string& id, const Status& why) -> Status {
    if (why.code() == StatusCode::kNotFound) return Status();
    if (why.code() != StatusCode::kDataLoss) return why;
    spdlog::error("{}: therapy {} cannot be read: {}", listing.what, id, Message(why));
    looked.unread = true;
    return Status();
  };
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> ids, listing.ids(after));
    if (ids.empty()) return looked;
    for (const std::string& id : ids) {
      if (cancelled()) return absl::CancelledError("the caller left");
      looked.more = spent + cost > kMostLookedAt;
      if (looked.more) return looked;
      spent += cost;
      StatusOr<pb::GetTherapyReply> therapy =
          Look(rpc.ledger(), permit, id, listing.as_of, Keep::kNo);
      if (therapy.ok()) {
        looked.more = looked.taken >= listing.limit || bytes > kMaxReplyBytes / 2;
        if (looked.more) return looked;
        const StatusOr<std::size_t> size = listing.take(id, *therapy);
        if (!size.ok()) CUSTODY_RETURN_IF_ERROR(pass(id, size.status()));
        bytes += size.value_or(0);
        looked.taken += size.ok() ? 1U : 0U;
      } else {
        CUSTODY_RETURN_IF_ERROR(pass(id, therapy.status()));
      }
      looked.last = id;
    }
    after = ids.back();
  }
}

}  // namespace

StatusOr<std::string> ListPage(RpcContext& rpc, const Permit& permit, const Listing& listing,
                               const std::function<bool()>& cancelled) {
  CUSTODY_ASSIGN_OR_RETURN(PagePlace place, PlaceIn(rpc, permit, listing));
  CUSTODY_ASSIGN_OR_RETURN(const Looked looked,
                           LookThrough(rpc, permit, listing, place.last, cancelled));
  if (!looked.last.empty()) place.last = looked.last;
  place.unread = place.unread || looked.unread;
  ++place.number;
  if (looked.more) return TextOf(rpc, permit, listing, place);
  CUSTODY_ASSIGN_OR_RETURN(const std::string lacks, rpc.ledger().IndexLacks());
  if (!place.unread && lacks.empty()) return std::string();
  if (looked.taken > 0) return TextOf(rpc, permit, listing, place);
  return NotWhole(place.unread, lacks);
}

Status NotWhole(bool unread, std::string_view lacks) {
  std::string why = unread ? "therapies cannot be read" : "";
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
