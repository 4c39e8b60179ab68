// Who sees a patient's name.

#include <gtest/gtest.h>

#include "server/rpc/subjects.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

class SubjectAccessTest : public ::testing::Test {
 protected:
  SubjectAccessTest() {
    state_.set_therapy("T1");
    state_.set_site("CLINIC");
    state_.set_treating_site("WARD");
  }
  StatusOr<SubjectAccess> Ask(Who who, std::string_view site, bool clear_text,
                              pb::Role role = pb::ROLE_UNSPECIFIED, std::string_view reason = "") {
    Caller caller;
    caller.who = who;
    caller.site = site;
    pb::GetSubjectRequest request;
    request.set_with_clear_text(clear_text);
    request.set_role(role);
    request.set_reason(std::string(reason));
    return JudgeSubjectAccess(caller, state_, request);
  }
  pb::TherapyState state_;
};

TEST_F(SubjectAccessTest, TheOwnClinicHoldsTheSecretWhileTheTherapyIsOpen) {
  for (const char* site : {"CLINIC", "WARD"}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const SubjectAccess access, Ask(Who::kClinic, site, false));
    EXPECT_TRUE(access.secret);
    EXPECT_FALSE(access.clear_text);
  }
  state_.set_sealed(true);
  EXPECT_THAT(Ask(Who::kClinic, "CLINIC", false), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(SubjectAccessTest, NobodyElseHoldsTheSecret) {
  EXPECT_THAT(Ask(Who::kClinic, "OTHER", false), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(Ask(Who::kManufacturer, "LAB", false), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(Ask(Who::kOversight, "OVERSEER", false), StatusIs(StatusCode::kPermissionDenied));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const SubjectAccess access,
                               Ask(Who::kManufacturer, "LAB", true, pb::QA));
  EXPECT_FALSE(access.secret);
}

TEST_F(SubjectAccessTest, ClinicalRolesOfTheOwnSiteSeeNames) {
  for (const pb::Role role :
       {pb::PHY, pb::APP, pb::COORD, pb::RN, pb::PHARM, pb::CELL_LAB, pb::APH, pb::LAB}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const SubjectAccess access,
                                 Ask(Who::kClinic, "CLINIC", true, role));
    EXPECT_TRUE(access.clear_text);
    EXPECT_FALSE(access.break_glass);
  }
}

TEST_F(SubjectAccessTest, TheManufacturerSeesNamesForReceiptAndReleaseOnly) {
  for (const pb::Role role : {pb::WH, pb::QA, pb::QP}) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const SubjectAccess access,
                                 Ask(Who::kManufacturer, "LAB", true, role));
    EXPECT_FALSE(access.break_glass);
  }
  for (const pb::Role role : {pb::MFG, pb::QC, pb::RN}) {
    EXPECT_THAT(Ask(Who::kManufacturer, "LAB", true, role),
                StatusIs(StatusCode::kPermissionDenied, "break the glass"));
  }
}

TEST_F(SubjectAccessTest, OthersOfAPartyBreakTheGlassWithAReason) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const SubjectAccess access,
      Ask(Who::kManufacturer, "LAB", true, pb::MFG, "label does not match the bag"));
  EXPECT_TRUE(access.clear_text);
  EXPECT_TRUE(access.break_glass);
  EXPECT_FALSE(access.secret);
  EXPECT_THAT(Ask(Who::kClinic, "OTHER", true, pb::PHY), StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(SubjectAccessTest, ARoleMustBeSaid) {
  EXPECT_THAT(Ask(Who::kClinic, "CLINIC", true), StatusIs(StatusCode::kInvalidArgument));
}

pb::GetSubjectReply Kept() {
  pb::GetSubjectReply subject;
  const auto add = [&](const char* type, const char* value) {
    pb::SubjectIdentifier& one = *subject.add_identifiers();
    one.set_type(type);
    one.set_value(value);
  };
  add("mrn", "4711023");
  add("dob", "19680214");
  add("name", "Ng-O'Brien, Käthe Anna");
  return subject;
}

TEST(ReasonForReviewTest, IsOnePlainLine) {
  EXPECT_EQ(ReasonForReview("asked\nby \x1b[31mthe\tward", Kept()), "asked?by ?[31mthe?ward");
  EXPECT_EQ(ReasonForReview("recall RC-1, courier waits", {}), "recall RC-1, courier waits");
}

TEST(ReasonForReviewTest, SaysNothingThatTheVaultHasOfThePatient) {
  const pb::GetSubjectReply subject = Kept();
  EXPECT_EQ(ReasonForReview("MRN 4711023, born 19680214", subject),
            "MRN [struck out], born [struck out]");
  EXPECT_EQ(ReasonForReview("KäTHE ANNA ng-o'brien (4711023)", subject),
            "[struck out] [struck out] [struck out]-o'[struck out] ([struck out])");
  EXPECT_EQ(ReasonForReview("for Ng-O'Brien, Käthe Anna", subject), "for [struck out]");
  EXPECT_EQ(ReasonForReview("lot 47110234 of Annabel in long care", subject),
            "lot 47110234 of Annabel in long care")
      << "words of other meaning stay";
}

}  // namespace
}  // namespace custody
