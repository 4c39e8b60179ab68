// What the patient took back stays taken back until the patient gives it again (F2).
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ConsentRulesTest : public RulesTest {
 protected:
  void Withdraw(const std::string& purposes) {
    MustDo({"clinic.rn.1"},
           "consent_withdrawn { withdrawn_at $T-30m withdrawn_by: "
           "CONSENT_BY_PATIENT " +
               purposes + " }");
  }
  static std::string Consent(const std::string& at, const std::string& purposes) {
    return "consent_obtained { document_version: 'v3' document $FILE signed_by: "
           "CONSENT_BY_PATIENT consented_at " +
           at + " interpreter: NO patient_is_minor: NO " + purposes + " }";
  }
};

constexpr const char* kCollection = "purposes: CONSENT_TO_COLLECTION";
constexpr const char* kTreatment = "purposes: CONSENT_TO_TREATMENT";
constexpr const char* kBoth = "purposes: CONSENT_TO_COLLECTION purposes: CONSENT_TO_TREATMENT";

// A wrong cross on the form is seen at once, and opens no collection.
TEST_F(ConsentRulesTest, WhoMayNotSignForThePatientPermitsNothing) {
  run.Until("consent_obtained");
  const auto consent = [](const char* by, const char* minor) {
    return std::string("consent_obtained { document_version: 'v3' document $FILE signed_by: ") +
           by + " consented_at $T interpreter: NO patient_is_minor: " + minor + " " + kBoth + " }";
  };
  for (const auto& [by, minor] :
       {std::pair{"CONSENT_BY_PATIENT", "YES"}, std::pair{"CONSENT_BY_GUARDIAN", "NO"},
        std::pair{"CONSENT_BY_GUARDIAN_WITH_ASSENT", "NO"}}) {
    const pb::Verdict said = Do({"clinic.phy.1"}, consent(by, minor));
    EXPECT_FALSE(said.refused()) << Explain(said);
    ASSERT_EQ(Of(said, "F2").size(), 1U) << Explain(said);
    EXPECT_TRUE(Of(said, "F2")[0].critical());
    EXPECT_FALSE(run.state().consent_treatment()) << by;
  }
  MustDo({"clinic.phy.1"}, consent("CONSENT_BY_GUARDIAN_WITH_ASSENT", "YES"));
  EXPECT_TRUE(run.state().consent_treatment());
}

TEST_F(ConsentRulesTest, AnOlderPaperFiledLaterLiftsNoWithdrawal) {
  run.Until("ld_started");
  Withdraw(kBoth);
  Pass(kMicrosPerHour);
  const pb::Verdict filed = Do({"clinic.phy.1"}, Consent("$T-7d", kBoth));
  EXPECT_FALSE(filed.refused()) << Explain(filed);  // what the patient signed is a fact
  ASSERT_EQ(Of(filed, "F2").size(), 2U) << Explain(filed);
  EXPECT_TRUE(Of(filed, "F2")[0].critical());
  EXPECT_TRUE(run.state().consent_withdrawn());
  EXPECT_TRUE(run.state().holds(0).open());
  // Also one of just before the withdrawal.
  MustDo({"clinic.phy.1"}, Consent("$T-91m", kBoth));
  EXPECT_TRUE(run.state().consent_withdrawn());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "F2"));
}

TEST_F(ConsentRulesTest, NewConsentLiftsIt) {
  run.Until("ld_started");
  Withdraw(kBoth);
  Pass(kMicrosPerHour);
  const pb::Verdict given = Do({"clinic.phy.1"}, Consent("$T-10m", kBoth));
  EXPECT_FALSE(Says(given, "F2")) << Explain(given);
  EXPECT_FALSE(run.state().consent_withdrawn());
  EXPECT_TRUE(run.state().consent_treatment());
  EXPECT_FALSE(run.state().holds(0).open());
  EXPECT_FALSE(run.Judge(run.Next()).refused()) << Explain(run.Judge(run.Next()));
}

TEST_F(ConsentRulesTest, EachPurposeIsGivenAgainByItself) {
  run.Until("apheresis_started");
  Withdraw(kCollection);
  EXPECT_FALSE(run.state().consent_collection());
  EXPECT_TRUE(run.state().consent_treatment());
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, Consent("$T-10m", kTreatment));
  EventBuilder collection = run.Next();
  const pb::Verdict still = run.Judge(collection);
  ASSERT_TRUE(Says(still, "F2")) << Explain(still);
  EXPECT_THAT(Of(still, "F2")[0].found(), HasSubstr("collection"));
  EXPECT_THAT(Of(still, "F2")[0].next_step(), HasSubstr("CONSENT_OBTAINED"));
  MustDo({"clinic.phy.1"}, Consent("$T-5m", kCollection));
  EXPECT_FALSE(run.state().consent_withdrawn());
  EXPECT_FALSE(Says(run.Judge(collection), "F2"));
}

TEST_F(ConsentRulesTest, AWithdrawalToldLateStopsAlsoAfterANewerPaperUntilThatIsRecordedAnew) {
  run.Until("ld_started");
  MustDo({"clinic.phy.1"}, Consent("$T-10m", kBoth));
  Withdraw(kBoth);  // half an hour ago
  EXPECT_TRUE(run.state().consent_withdrawn());
  MustDo({"clinic.phy.1"}, Consent("$T-10m", kBoth));
  EXPECT_FALSE(run.state().consent_withdrawn());
}

TEST_F(ConsentRulesTest, ATimeInTheFutureIsNoNewerThanItsSignature) {
  run.Until("ld_started");
  MustDo({"clinic.rn.1"},
         "consent_withdrawn { withdrawn_at $T+300d withdrawn_by: CONSENT_BY_PATIENT "
         "purposes: CONSENT_TO_TREATMENT }");
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, Consent("$T-10m", kTreatment));
  EXPECT_FALSE(run.state().consent_withdrawn());
}

}  // namespace
}  // namespace custody
