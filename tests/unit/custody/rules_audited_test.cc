// What an audit of the storage finds (R06, F8b); and whose quality closes what is critical of the
// product (DEVIATION).
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::Contains;
using testing::HasSubstr;

class AuditedTest : public RulesTest {
 protected:
  static std::string Audit(const std::string& what) {
    return "custody_audited { place: 'C-LN2' audited_at $T " + what + " }";
  }
  bool IsHeld() const {
    return !OpenQuarantines(run.state(), *FindContainer(run.state(), kMainBag)).empty();
  }
};

TEST_F(AuditedTest, NobodyIsPreparedForABagThatIsNotInTheTank) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"}, Audit("missing: 'LOT26001-1'"));
  EXPECT_FALSE(verdict.refused());
  ASSERT_EQ(Of(verdict, "R06").size(), 2U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R06")[0].critical());
  ASSERT_EQ(run.state().deviations_size(), 1);
  EXPECT_EQ(run.state().deviations(0).subject(), kMainBag);
  EXPECT_TRUE(IsHeld());
  EXPECT_TRUE(run.Judge(run.Next()).refused());
  EXPECT_TRUE(Says(run.Judge(run.Next()), "R18"));
  MustDo({"clinic.qa.1", "lab.qa.1"},
         "identity_resolved { quarantine: '" + run.state().quarantines(0).id() +
             "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED evidence: 'one rack lower' "
             "}");
  EXPECT_FALSE(IsHeld());
  EXPECT_FALSE(run.Judge(run.Next()).refused()) << Explain(run.Judge(run.Next()));
}

TEST_F(AuditedTest, ABagFoundWhereItShouldNotBeIsInDoubt) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"}, Audit("unexpected: 'LOT26001-1'"));
  EXPECT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(IsHeld());
}

TEST_F(AuditedTest, AnotherPatientsBagIsHeldByItsNumber) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"}, Audit("unexpected: 'LOT26099-1'"));
  ASSERT_EQ(Of(verdict, "F8b").size(), 1U) << Explain(verdict);
  EXPECT_FALSE(IsHeld());
  ASSERT_EQ(run.state().quarantines_size(), 1);
  EXPECT_THAT(run.state().quarantines(0).items(), Contains("LOT26099-1"));
}

TEST_F(AuditedTest, WhatTheRecordHasElsewhereIsNotMissingHere) {
  run.Until("received_clinic");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"}, Audit("missing: 'LOT26001-1'"));
  EXPECT_FALSE(Says(verdict, "R06")) << Explain(verdict);
  EXPECT_FALSE(IsHeld());
  EXPECT_TRUE(run.state().deviations().empty());
}

TEST_F(AuditedTest, AnAuditThatFindsEverythingChangesNothing) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.cell_lab.1"}, Audit("found: 'LOT26001-1'"));
  EXPECT_TRUE(Blockers(verdict).empty()) << Explain(verdict);
  EXPECT_TRUE(run.state().quarantines().empty());
}

class WhoClosesTest : public RulesTest {
 protected:
  EventBuilder Close(const char* who) {
    return run.Draft({who}, "deviation_closed { deviation: '" +
                                run.state().deviations().rbegin()->id() +
                                "' outcome: DEVIATION_ACCEPTED cause: 'c' impact: 'none' }");
  }
  bool MayClose(const char* who) { return !run.Judge(Close(who)).refused(); }
  void FailInProcess() {
    run.Through("transduced");
    MustDo({"lab.qc.1"},
           "in_process_test { lot: 'LOT26001' sample: 'IP-10' day: 10 test: 'sterility' method: "
           "'culture' value_text: 'x' tested_at $T-1h outcome: OUTCOME_FAIL }");
    ASSERT_EQ(run.state().deviations().rbegin()->rule(), "R16");
  }
};

TEST_F(WhoClosesTest, AFailedTestOfTheCultureIsClosedByQualityOfItsMakerAlone) {
  FailInProcess();
  EXPECT_FALSE(MayClose("clinic.qa.1"));
  const pb::Verdict verdict = run.Judge(Close("clinic.qa.1"));
  ASSERT_EQ(Of(verdict, "DEVIATION").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "DEVIATION")[0].expected(), HasSubstr("quality of the manufacturer"));
  EXPECT_TRUE(MayClose("lab.qa.1"));
}

TEST_F(WhoClosesTest, WhoMakesALaterLotDoesNotCloseWhatIsOfTheEarlierOne) {
  FailInProcess();
  pb::Lot& later = *run.mutable_state().add_lots();
  later.set_lot("LOT26002");
  later.set_state(pb::LOT_OPEN);
  later.set_site("CLINIC");  // which makes it itself
  EXPECT_FALSE(MayClose("clinic.qa.1"));
  EXPECT_TRUE(MayClose("lab.qa.1"));
}

TEST_F(WhoClosesTest, WhatTheMakersPeopleOpenTheirQualityCloses) {
  run.Through("transduced");
  const char* spill =
      "deviation_opened { severity: SEVERITY_CRITICAL title: 'spill' description: 'a spill' }";
  MustDo({"lab.mfg.1"}, spill);
  EXPECT_FALSE(MayClose("clinic.qa.1"));
  EXPECT_TRUE(MayClose("lab.qa.1"));
  MustDo({"clinic.rn.1"}, spill);
  EXPECT_TRUE(MayClose("clinic.qa.1"));
}

TEST_F(WhoClosesTest, WhatIsCriticalOfTheHospitalsWorkItsQualityCloses) {
  EventBuilder label = At("label_completed");
  label.event().mutable_label_completed()->set_printed(3);
  ASSERT_FALSE(run.Record(label).refused());
  EXPECT_TRUE(MayClose("clinic.qa.1"));
  EXPECT_FALSE(MayClose("clinic.phy.1"));
}

}  // namespace
}  // namespace custody
