// Matchers for Status and StatusOr, and the macro that unwraps in a test.
#ifndef CUSTODY_TESTS_SUPPORT_STATUS_MATCHERS_H_
#define CUSTODY_TESTS_SUPPORT_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "crypto/status.h"

namespace custody {

inline const Status& StatusOf(const Status& status) { return status; }
template <class T>
const Status& StatusOf(const StatusOr<T>& result) {
  return result.status();
}

// `IsOk()` matches a Status or StatusOr that is OK.
MATCHER(IsOk, "is OK") {
  const Status& status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.ok();
}

// `StatusIs(code)` and `StatusIs(code, text)` match a code and, with `text`, a part of the message.
MATCHER_P(StatusIs, code, "has code " + ::testing::PrintToString(static_cast<int>(code))) {
  const Status& status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code;
}
MATCHER_P2(StatusIs, code, text, "has the code and says '" + std::string(text) + "'") {
  const Status& status = StatusOf(arg);
  *result_listener << "which is " << status.ToString();
  return status.code() == code && Message(status).find(text) != std::string::npos;
}

}  // namespace custody

#define CUSTODY_EXPECT_OK(expression) EXPECT_THAT((expression), ::custody::IsOk())
#define CUSTODY_ASSERT_OK(expression) ASSERT_THAT((expression), ::custody::IsOk())
// `CUSTODY_ASSERT_OK_AND_ASSIGN(lhs, expression)` unwraps, or fails the test and returns.
#define CUSTODY_ASSERT_OK_AND_ASSIGN(lhs, expression) \
  CUSTODY_ASSERT_OK_AND_ASSIGN_IMPL_(CUSTODY_CONCAT_(custody_test_or_, __LINE__), lhs, expression)
#define CUSTODY_ASSERT_OK_AND_ASSIGN_IMPL_(temporary, lhs, expression) \
  auto temporary = (expression);                                       \
  CUSTODY_ASSERT_OK(temporary);                                        \
  lhs = *std::move(temporary)

#endif  // CUSTODY_TESTS_SUPPORT_STATUS_MATCHERS_H_
