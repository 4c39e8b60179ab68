#include "crypto/status.h"

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

StatusOr<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("expected an even number");
  return value / 2;
}

StatusOr<int> Quarter(int value) {
  CUSTODY_ASSIGN_OR_RETURN(const int half, Half(value));
  CUSTODY_RETURN_IF_ERROR(Half(half).status());
  return half / 2;
}

TEST(StatusTest, EachFactoryGivesItsCode) {
  EXPECT_EQ(Unauthenticated("x").code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(PermissionDenied("x").code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(FailedPrecondition("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Aborted("x").code(), StatusCode::kAborted);
  EXPECT_EQ(AlreadyExists("x").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(NotFound("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(OutOfRange("x").code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ResourceExhausted("x").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Unavailable("x").code(), StatusCode::kUnavailable);
  EXPECT_EQ(DeadlineExceeded("x").code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Unimplemented("x").code(), StatusCode::kUnimplemented);
  EXPECT_EQ(DataLoss("x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(Internal("x").code(), StatusCode::kInternal);
  EXPECT_EQ(Message(InvalidArgument(std::string_view("ab\0c", 4))), std::string("ab\0c", 4));
}

TEST(StatusTest, ContextKeepsTheCodeAndLeavesOkAlone) {
  EXPECT_THAT(WithContext(DataLoss("bad tile"), "opening"),
              StatusIs(StatusCode::kDataLoss, "opening: bad tile"));
  CUSTODY_EXPECT_OK(WithContext(absl::OkStatus(), "opening"));
}

TEST(StatusTest, MacrosReturnTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_THAT(Quarter(3), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Quarter(6), StatusIs(StatusCode::kInvalidArgument));
}

TEST(StatusDeathTest, ABrokenInvariantAborts) {
  CUSTODY_CHECK(1 + 1 == 2);
  EXPECT_DEATH(CUSTODY_CHECK(1 + 1 == 3), "broken invariant: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace custody
