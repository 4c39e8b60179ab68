// Errors, everywhere in this project: absl::Status and absl::StatusOr.
//
// This is the only header that includes absl, because Debian builds absl with a string_view of its
// own that does not convert to std::string_view; the factories below take std::string_view.
// Messages are lower case, without a full stop, and say what was expected, what was found and,
// where a person can act, what to do next. An error is returned or logged, never both.
//
// What the codes mean here: INVALID_ARGUMENT malformed bytes or a bad signature; UNAUTHENTICATED no
// TLS identity; PERMISSION_DENIED unknown, revoked or out-of-role signer; FAILED_PRECONDITION a
// custody rule stands against it; ABORTED a stale expected head; ALREADY_EXISTS an id reused with
// other bytes; OUT_OF_RANGE beyond the head; RESOURCE_EXHAUSTED queue or disk full; UNAVAILABLE
// outcome unknown, or stopping; DATA_LOSS stored bytes fail verification; INTERNAL a library
// failed.
#ifndef CUSTODY_CRYPTO_STATUS_H_
#define CUSTODY_CRYPTO_STATUS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <utility>

namespace custody {

using absl::Status;
using absl::StatusOr;
using StatusCode = absl::StatusCode;

// Each makes a Status of the code it is named for, with `message`.
Status InvalidArgument(std::string_view message);
Status Unauthenticated(std::string_view message);
Status PermissionDenied(std::string_view message);
Status FailedPrecondition(std::string_view message);
Status Aborted(std::string_view message);
Status AlreadyExists(std::string_view message);
Status NotFound(std::string_view message);
Status OutOfRange(std::string_view message);
Status ResourceExhausted(std::string_view message);
Status Unavailable(std::string_view message);
Status DeadlineExceeded(std::string_view message);
Status Unimplemented(std::string_view message);
Status DataLoss(std::string_view message);
Status Internal(std::string_view message);
Status MakeStatus(StatusCode code, std::string_view message);

// `Message` copies a status' message into a std::string.
std::string Message(const Status& status);

// `WithContext` puts "`context`: " before the message, code unchanged; OK stays OK. Context is
// added once on the way up, by the caller who knows which file, event or peer it was.
Status WithContext(const Status& status, std::string_view context);

// `CheckFailed` prints the broken invariant and aborts. Only for bugs: bytes from disk, wire or
// files never reach a check unvalidated.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace custody

// Kept in release builds.
#define CUSTODY_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::custody::CheckFailed(__FILE__, __LINE__, #condition))

#define CUSTODY_RETURN_IF_ERROR(expression)                                      \
  do {                                                                           \
    if (auto custody_status_ = (expression); !custody_status_.ok()) [[unlikely]] \
      return custody_status_;                                                    \
  } while (false)

#define CUSTODY_CONCAT_INNER_(a, b) a##b
#define CUSTODY_CONCAT_(a, b) CUSTODY_CONCAT_INNER_(a, b)

// `CUSTODY_ASSIGN_OR_RETURN(lhs, expression)` evaluates to `lhs = *expression`, or returns its
// error.
#define CUSTODY_ASSIGN_OR_RETURN(lhs, expression) \
  CUSTODY_ASSIGN_OR_RETURN_IMPL_(CUSTODY_CONCAT_(custody_or_, __LINE__), lhs, expression)
// NOLINTBEGIN(bugprone-macro-parentheses): what is declared cannot stand in parentheses
#define CUSTODY_ASSIGN_OR_RETURN_IMPL_(temporary, lhs, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) [[unlikely]]                                \
    return std::move(temporary).status();                          \
  lhs = *std::move(temporary)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // CUSTODY_CRYPTO_STATUS_H_
