// R22, R23, R24 and R41 by numbers like those of the real products.
#include <gmock/gmock.h>

#include <optional>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class NumbersTest : public RulesTest {
 protected:
  pb::PatientCondition& Patient() { return *run.mutable_state().mutable_condition(); }
};

class RepeatTest : public NumbersTest {
 protected:
  // What the rules say of `step`, the last dose of lymphodepletion `days` before it.
  pb::Verdict After(std::int64_t days, const EventBuilder& step) {
    pb::Lymphodepletion& ld = *run.mutable_state().mutable_ld();
    const std::int64_t given = ld.last_dose_us();
    ld.set_last_dose_us(ledger.now().micros - days * kMicrosPerDay);
    const pb::Verdict verdict = run.Judge(step);
    ld.set_last_dose_us(given);
    return verdict;
  }
  static bool Noted(const pb::Verdict& verdict) {
    return std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
      return reason.rule() == "R22" && reason.kind() == pb::REASON_NOTE;
    });
  }
};

TEST_F(RepeatTest, R22AdvisesBeforeAndIsADeviationOfTheInfusion) {
  EventBuilder go = At("preinfusion_check_passed");
  EXPECT_FALSE(Noted(After(14, go)));  // the profile says 14
  EXPECT_TRUE(Noted(After(15, go)));
  ASSERT_FALSE(run.Record(go).refused());
  EventBuilder removal = At("removed_from_storage");
  EXPECT_TRUE(Noted(After(15, removal)));
  ASSERT_FALSE(run.Record(removal).refused());
  EventBuilder start = At("infusion_started");
  EXPECT_FALSE(Says(After(14, start), "R22"));
  const pb::Verdict late = After(15, start);
  ASSERT_EQ(Of(late, "R22").size(), 1U) << Explain(late);
  EXPECT_EQ(Of(late, "R22")[0].kind(), pb::REASON_DEVIATION);
  EXPECT_FALSE(Of(late, "R22")[0].critical());
  EXPECT_THAT(Of(late, "R22")[0].next_step(), HasSubstr("LD_REPEATED"));
}

TEST_F(RepeatTest, R22LooksAtTheWhiteCellsWhereTheProfileDoes) {
  EventBuilder start = At("infusion_started");
  Publish([](pb::Profile& p) {
    p.mutable_ld()->set_repeat_after_days(28);
    p.mutable_ld()->set_repeat_wbc_above(1);
  });
  EXPECT_FALSE(Says(After(28, start), "R22"));
  EXPECT_TRUE(Says(After(29, start), "R22"));  // nobody counted
  pb::Lymphodepletion& ld = *run.mutable_state().mutable_ld();
  ld.set_wbc_us(ledger.now().micros - 2 * kMicrosPerDay);
  ld.set_wbc_1e9_per_l(1);
  EXPECT_FALSE(Says(After(29, start), "R22"));
  ld.set_wbc_1e9_per_l(1.1);
  EXPECT_TRUE(Says(After(29, start), "R22"));
  ld.set_wbc_1e9_per_l(0.5);
  ld.set_wbc_us(ledger.now().micros - 8 * kMicrosPerDay);
  EXPECT_TRUE(Says(After(29, start), "R22")) << "an old count";
}

TEST_F(RepeatTest, R22KnowsTheNewestCount) {
  run.Through("ld_completed");
  MustDo({"clinic.lab.1"},
         "daily_labs { sampled_at $T-1h blood_count: YES chemistry: YES coagulation: YES "
         "wbc_1e9_per_l: 0.4 }");
  EXPECT_EQ(run.state().ld().wbc_1e9_per_l(), 0.4);
  MustDo({"clinic.lab.1"},
         "daily_labs { sampled_at $T-9h blood_count: YES chemistry: YES coagulation: YES "
         "wbc_1e9_per_l: 3 }");
  EXPECT_EQ(run.state().ld().wbc_1e9_per_l(), 0.4) << "an older sample";
}

class DoseTest : public NumbersTest {
 protected:
  void SetUp() override { release_.emplace(At("released")); }
  pb::Verdict Certified(double dose, const char* unit, double weight) {
    EventBuilder release = *release_;
    pb::Released& body = *release.event().mutable_released();
    body.set_dose(dose);
    body.set_dose_unit(unit);
    body.set_weight_used_kg(weight);
    return run.Judge(release);
  }
  bool Fits(double dose, const char* unit, double weight) {
    return !Says(Certified(dose, unit, weight), "R24");
  }

 private:
  std::optional<EventBuilder> release_;
};

TEST_F(DoseTest, R24IsFlatAboveAWeight) {
  Publish([](pb::Profile& p) {  // as Kymriah in ALL
    pb::DoseLimits& dose = *p.mutable_dose();
    dose.Clear();
    dose.set_per_kg(true);
    dose.set_min_1e6(0.2);
    dose.set_max_1e6(5);
    dose.set_above_weight_kg(50);
    dose.set_above_min_1e6(10);
    dose.set_above_max_1e6(250);
  });
  EXPECT_TRUE(Fits(5, "10^6/kg", 50));
  EXPECT_FALSE(Fits(5.1, "10^6/kg", 50));
  EXPECT_TRUE(Fits(250, "10^6", 50));  // 5 x 10^6/kg
  EXPECT_FALSE(Fits(251, "10^6", 50));
  EXPECT_TRUE(Fits(250, "10^6", 51));
  EXPECT_FALSE(Fits(251, "10^6", 51));
  EXPECT_FALSE(Fits(9, "10^6", 51));
  EXPECT_FALSE(Fits(5, "10^6/kg", 51));  // 255 x 10^6
  EXPECT_TRUE(Fits(2, "10^6/kg", 72));
  EXPECT_FALSE(Fits(100, "10^6", 0)) << "by what weight?";
}

TEST_F(DoseTest, R24HoldsATargetWithoutARangeByTheToleranceAroundIt) {
  Publish([](pb::Profile& p) {  // as Yescarta in the US: a target and a greatest dose
    p.mutable_dose()->clear_min_1e6();
    p.mutable_dose()->clear_max_1e6();
  });
  EXPECT_TRUE(Fits(2, "10^6/kg", 72));
  EXPECT_TRUE(Fits(1.6, "10^6/kg", 72));
  EXPECT_FALSE(Fits(0.1, "10^6/kg", 72));
  EXPECT_TRUE(Fits(2.4, "10^6/kg", 72));
  EXPECT_FALSE(Fits(2.5, "10^6/kg", 72));
  EXPECT_FALSE(Fits(2, "10^6/kg", 120)) << "240 of at most 200 in all";
  EXPECT_TRUE(Fits(1.4, "10^6/kg", 140)) << "the greatest dose that may be given at all";
  Publish([](pb::Profile& p) {  // as Aucatzyl
    p.mutable_dose()->Clear();
    p.mutable_dose()->set_target_1e6(410);
    p.mutable_dose()->set_tolerance_percent(10);
  });
  EXPECT_TRUE(Fits(451, "10^6", 0));
  EXPECT_FALSE(Fits(452, "10^6", 0));
  EXPECT_FALSE(Fits(4100, "10^6", 0));
}

TEST_F(DoseTest, R24SaysWhatItCannotJudge) {
  Publish([](pb::Profile& p) {  // a greatest dose alone
    p.mutable_dose()->clear_target_1e6();
    p.mutable_dose()->clear_min_1e6();
    p.mutable_dose()->clear_max_1e6();
  });
  const pb::Verdict verdict = Certified(2, "10^6/kg", 72);
  EXPECT_FALSE(Says(verdict, "R24")) << Explain(verdict);
  EXPECT_TRUE(std::ranges::any_of(verdict.reasons(), [](const pb::Reason& reason) {
    return reason.rule() == "R24" && reason.kind() == pb::REASON_NOT_JUDGED;
  }));
  EXPECT_FALSE(Fits(3, "10^6/kg", 72)) << "216 of at most 200 in all";
  EXPECT_FALSE(Fits(2, "10^6/kg", 0)) << "how much in all?";
}

TEST_F(NumbersTest, R41KnowsTheIndicationWhoseNumbersTheProfileHas) {
  EventBuilder order = At("therapy_ordered");  // LBCL, C83.3
  order.event().mutable_therapy_ordered()->set_profile_version(2);
  Publish([](pb::Profile& p) {
    p.mutable_indication()->set_code("LBCL");
    p.mutable_indication()->add_diagnosis_codes("C83");
  });
  EXPECT_FALSE(Says(run.Judge(order), "R41")) << Explain(run.Judge(order));
  order.event().mutable_therapy_ordered()->set_indication("ALL");
  const pb::Verdict other = run.Judge(order);
  ASSERT_TRUE(Says(other, "R41"));
  EXPECT_TRUE(Of(other, "R41")[0].grantors().empty()) << "there is a profile of its own";
  order.event().mutable_therapy_ordered()->set_indication("LBCL");
  Patient().set_diagnosis_code("C91.0");
  EXPECT_TRUE(Says(run.Judge(order), "R41"));
}

TEST_F(NumbersTest, R41WantsTheProfileOfTheOrdersJurisdiction) {
  EventBuilder order = At("therapy_ordered");
  EXPECT_FALSE(Says(run.Judge(order), "R41"));
  order.event().mutable_therapy_ordered()->set_jurisdiction("EU");
  const pb::Verdict other = run.Judge(order);
  EXPECT_TRUE(other.refused());
  ASSERT_EQ(Of(other, "R41").size(), 1U) << Explain(other);
  EXPECT_TRUE(Of(other, "R41")[0].grantors().empty()) << "no risk that anybody takes";
}

TEST_F(NumbersTest, R24WantsAnOrderForADoseThatCanBeMade) {
  EventBuilder order = At("therapy_ordered");  // 72 kg; 1 to 2.4 x 10^6/kg, 200 in all
  const auto fits = [&](double dose, const char* unit) {
    order.event().mutable_therapy_ordered()->set_target_dose(dose);
    order.event().mutable_therapy_ordered()->set_target_dose_unit(unit);
    return !Says(run.Judge(order), "R24");
  };
  EXPECT_TRUE(fits(2, "10^6/kg"));
  EXPECT_TRUE(fits(2, "")) << "in the profile's unit";
  EXPECT_TRUE(fits(144, "10^6"));
  EXPECT_FALSE(fits(20, "10^6/kg"));
  EXPECT_FALSE(fits(2, "10^6"));
}

TEST_F(NumbersTest, R41AsksWhetherPathologyConfirmedTheDisease) {
  EventBuilder fit = At("eligibility_assessed");
  EXPECT_FALSE(Says(run.Judge(fit), "R41"));
  fit.event().mutable_eligibility_assessed()->set_pathology_confirmed(pb::NO);
  const pb::Verdict verdict = run.Judge(fit);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  ASSERT_EQ(Of(verdict, "R41").size(), 1U);
  EXPECT_FALSE(Of(verdict, "R41")[0].critical());
}

TEST_F(NumbersTest, R41HasNoLimitOfFrailtyWhereTheProfileHasNone) {
  EventBuilder order = At("therapy_ordered");
  Patient().set_ecog(3);
  EXPECT_TRUE(Says(run.Judge(order), "R41"));
  order.event().mutable_therapy_ordered()->set_profile_version(2);
  Publish([](pb::Profile& p) { p.mutable_indication()->clear_max_ecog(); });
  EXPECT_FALSE(Says(run.Judge(order), "R41")) << Explain(run.Judge(order));
}

TEST_F(NumbersTest, R23AsksForTheNextTocilizumabWhereTheProfileDoes) {
  EventBuilder go = At("preinfusion_check_passed");
  EXPECT_FALSE(Says(run.Judge(go), "R23"));
  Publish([](pb::Profile& p) { p.set_tocilizumab_next_within_8h(true); });
  EXPECT_TRUE(Says(run.Judge(go), "R23"));
  go.event().mutable_preinfusion_check_passed()->set_next_dose_within_8h(pb::YES);
  EXPECT_FALSE(Says(run.Judge(go), "R23")) << Explain(run.Judge(go));
}

}  // namespace
}  // namespace custody
