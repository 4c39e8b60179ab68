#include "client/rpc_status.h"

#include <string>
#include <string_view>

#include "client/plain_lines.h"

namespace custody {
namespace {

// The words by which gRPC and OpenSSL say that the peers do not trust each other.
bool IsHandshakeFailure(const std::string& message) {
  for (const char* words : {"CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "Peer name",
                            "WRONG_VERSION_NUMBER", "wrong version number", "tlsv13 alert",
                            "tlsv1 alert", "TLSV1_ALERT", "Cannot check peer"}) {
    if (message.find(words) != std::string::npos) return true;
  }
  return false;
}

StatusCode CodeOf(int code) {
  const bool known =
      code > static_cast<int>(grpc::OK) && code <= static_cast<int>(grpc::UNAUTHENTICATED);
  return known ? static_cast<StatusCode>(code) : StatusCode::kUnknown;
}

}  // namespace

RpcError FromRpcStatus(const pb::RpcStatus& rpc) {
  RpcError error;
  if (rpc.code() == 0) return error;
  error.detailed = true;
  error.status = MakeStatus(CodeOf(rpc.code()), PlainLines(rpc.message(), "  "));
  for (const google::protobuf::Any& detail : rpc.details()) {
    if (detail.Is<pb::Verdict>()) {
      detail.UnpackTo(&error.verdict);
    } else if (detail.Is<pb::BadFields>()) {
      detail.UnpackTo(&error.bad_fields);
    } else if (detail.Is<pb::ChainMoved>()) {
      detail.UnpackTo(&error.moved.emplace());
    }
  }
  return error;
}

RpcError FromGrpc(const grpc::Status& status) {
  RpcError error;
  if (status.ok()) return error;
  pb::RpcStatus rpc;
  const bool detailed =
      !status.error_details().empty() && rpc.ParseFromString(status.error_details());
  if (detailed && rpc.code() == static_cast<int>(status.error_code())) return FromRpcStatus(rpc);
  StatusCode code = CodeOf(static_cast<int>(status.error_code()));
  std::string message = status.error_message();
  if (code == StatusCode::kUnavailable && IsHandshakeFailure(message)) {
    code = StatusCode::kUnauthenticated;
    message = "the server and this station do not trust each other's certificates: " + message;
  } else if (code == StatusCode::kCancelled) {
    // Nobody here cancels a call whose status is read: the server stopped before it began the call.
    code = StatusCode::kUnavailable;
    message = "the server ended the call: it is stopping";
  } else if (code == StatusCode::kUnavailable) {
    // gRPC tells every address it tried and how; people want the reason.
    constexpr std::string_view kReason = "Failed to connect to remote host: ";
    const std::size_t reason = message.rfind(kReason);
    if (reason != std::string::npos) message.erase(0, reason + kReason.size());
    message = "the server cannot be reached: " + message;
  }
  error.status = MakeStatus(code, PlainLines(message, "  "));
  return error;
}

}  // namespace custody
