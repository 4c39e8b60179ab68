// The 17 codes of absl and gRPC are equal in number and meaning, so that mapping is a cast; the
// assertions below hold that true for whatever versions we are built with.
//
// An error travels in trailers, and a trailer beyond its reader's bound is not cut but lost, the
// whole answer with it: what was a refusal with many reasons would be heard as "not known". So
// words and details are cut here to what fits, and what was cut is counted, never silently missing.

#include "server/rpc/status_map.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>

#include "crypto/encoding.h"
#include "crypto/random.h"
#include "crypto/utf8.h"
#include "server/rpc/limits.h"

namespace custody {
namespace {

constexpr bool Same(absl::StatusCode ours, grpc::StatusCode theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}
static_assert(Same(absl::StatusCode::kOk, grpc::OK));
static_assert(Same(absl::StatusCode::kCancelled, grpc::CANCELLED));
static_assert(Same(absl::StatusCode::kUnknown, grpc::UNKNOWN));
static_assert(Same(absl::StatusCode::kInvalidArgument, grpc::INVALID_ARGUMENT));
static_assert(Same(absl::StatusCode::kDeadlineExceeded, grpc::DEADLINE_EXCEEDED));
static_assert(Same(absl::StatusCode::kNotFound, grpc::NOT_FOUND));
static_assert(Same(absl::StatusCode::kAlreadyExists, grpc::ALREADY_EXISTS));
static_assert(Same(absl::StatusCode::kPermissionDenied, grpc::PERMISSION_DENIED));
static_assert(Same(absl::StatusCode::kResourceExhausted, grpc::RESOURCE_EXHAUSTED));
static_assert(Same(absl::StatusCode::kFailedPrecondition, grpc::FAILED_PRECONDITION));
static_assert(Same(absl::StatusCode::kAborted, grpc::ABORTED));
static_assert(Same(absl::StatusCode::kOutOfRange, grpc::OUT_OF_RANGE));
static_assert(Same(absl::StatusCode::kUnimplemented, grpc::UNIMPLEMENTED));
static_assert(Same(absl::StatusCode::kInternal, grpc::INTERNAL));
static_assert(Same(absl::StatusCode::kUnavailable, grpc::UNAVAILABLE));
static_assert(Same(absl::StatusCode::kDataLoss, grpc::DATA_LOSS));
static_assert(Same(absl::StatusCode::kUnauthenticated, grpc::UNAUTHENTICATED));

// One plain line: several reasons come a line each and are joined by semicolons. What comes from a
// peer's bytes may be no text at all, and a proto3 string must be.
std::string OneLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    line += Plain(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) line += "; ";
  }
  return line;
}

constexpr std::string_view kAndMore = "...";  // in place of a rule or a field

// `text` cut to `most` bytes, at a character's end, with the words that say so.
std::string Shortened(std::string text, std::size_t most) {
  constexpr std::string_view kMore = " ... and more";
  if (text.size() <= most) return text;
  std::size_t end = most - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text.append(kMore);
}

std::string AndMore(int count, std::string_view what) {
  return "and " + std::to_string(count) + " more " + std::string(what) +
         ", which did not fit into this answer";
}

// The first of `all` whose bytes fit into `room`, some of which is left for saying how many do not.
template <class Message>
int Fitting(const google::protobuf::RepeatedPtrField<Message>& all, std::size_t room) {
  constexpr std::size_t kFraming = 8;
  constexpr std::size_t kClosing = 256;
  std::size_t used = kClosing;
  int count = 0;
  for (const Message& one : all) {
    used += one.ByteSizeLong() + kFraming;
    if (used > room) break;
    ++count;
  }
  return count;
}

pb::Verdict Cut(pb::Verdict verdict, std::size_t room) {
  if (verdict.ByteSizeLong() <= room) return verdict;
  const int given = Fitting(verdict.reasons(), room);
  const int more = verdict.reasons_size() - given;
  verdict.mutable_reasons()->DeleteSubrange(given, more);
  pb::Reason& last = *verdict.add_reasons();
  last.set_rule(std::string(kAndMore));
  last.set_kind(pb::REASON_NOTE);
  last.set_found(AndMore(more, "reasons"));
  last.set_next_step("preview the event to see them all");
  return verdict;
}

pb::BadFields Cut(pb::BadFields bad, std::size_t room) {
  if (bad.ByteSizeLong() <= room) return bad;
  const int given = Fitting(bad.fields(), room);
  const int more = bad.fields_size() - given;
  bad.mutable_fields()->DeleteSubrange(given, more);
  pb::BadField& last = *bad.add_fields();
  last.set_path(std::string(kAndMore));
  last.set_reason(AndMore(more, "faults"));
  return bad;
}

}  // namespace

pb::RpcStatus ToRpcStatus(const Status& status, const ErrorDetails& details) {
  pb::RpcStatus rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(OneLine(Message(status)));
  if (details.verdict != nullptr && details.verdict->ByteSizeLong() > 0) {
    rpc.add_details()->PackFrom(*details.verdict);
  }
  if (details.bad_fields != nullptr && details.bad_fields->fields_size() > 0) {
    rpc.add_details()->PackFrom(*details.bad_fields);
  }
  if (details.moved != nullptr) rpc.add_details()->PackFrom(*details.moved);
  return rpc;
}

grpc::Status ToGrpc(const Status& status, const ErrorDetails& details) {
  if (status.ok()) return grpc::Status::OK;
  const bool both = details.verdict != nullptr && details.verdict->reasons_size() > 0 &&
                    details.bad_fields != nullptr && details.bad_fields->fields_size() > 0;
  const std::size_t room = both ? kMaxDetailBytes / 2 : kMaxDetailBytes;
  ErrorDetails fitting = details;
  pb::Verdict verdict;
  pb::BadFields bad_fields;
  if (details.verdict != nullptr) {
    verdict = Cut(*details.verdict, room);
    fitting.verdict = &verdict;
  }
  if (details.bad_fields != nullptr) {
    bad_fields = Cut(*details.bad_fields, room);
    fitting.bad_fields = &bad_fields;
  }
  const pb::RpcStatus rpc = ToRpcStatus(
      MakeStatus(status.code(), Shortened(OneLine(Message(status)), kMaxErrorWords)), fitting);
  return {static_cast<grpc::StatusCode>(status.code()), rpc.message(), rpc.SerializeAsString()};
}

Status ForPeer(const Status& status, std::string_view call) {
  switch (status.code()) {
    case StatusCode::kInternal:
    case StatusCode::kUnknown:
    case StatusCode::kDataLoss:
      break;
    default:
      return status;
  }
  const StatusOr<std::string> random = SystemRng().Bytes(8);
  const std::string id = random.ok() ? Hex(*random) : "unknown";
  spdlog::error("{}: {} [correlation id {}]", call, Message(status), id);
  const bool loss = status.code() == StatusCode::kDataLoss;
  const std::string what = loss ? "stored bytes fail verification" : "the server failed inside";
  return MakeStatus(status.code(), what + "; its log says more under correlation id " + id +
                                       ": tell the administrator");
}

}  // namespace custody
