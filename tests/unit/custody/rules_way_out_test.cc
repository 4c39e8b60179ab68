// Nobody is locked out of setting right what was found or recorded wrongly.
#include <gmock/gmock.h>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;
using WayOutTest = RulesTest;

TEST_F(WayOutTest, QualityOfTheHospitalThatFoundAnItemResolvesTheDoubtWithTheMaker) {
  run.Until("ld_started");
  MustDo({"other.rn.1"},
         "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_WRONG_PLACE finding: 'in our tank' "
         "thawed: NO }");
  const std::string resolved = "identity_resolved { quarantine: '" +
                               run.state().quarantines(0).id() +
                               "' items: 'LOT26001-1' outcome: DOUBT_RESOLVED_CONFIRMED "
                               "evidence: 'retained label' }";
  EXPECT_TRUE(run.Judge(run.Draft({"clinic.qa.1", "lab.qa.1"}, resolved)).refused());
  EventBuilder at_theirs = run.Draft({"other.qa.1", "lab.qa.1"}, resolved);
  EXPECT_FALSE(run.Judge(at_theirs).refused()) << Explain(run.Judge(at_theirs));
  EventBuilder at_the_clinic = run.Draft({"other.qa.1", "lab.qa.1"}, resolved);
  at_the_clinic.At("clinic.station.1");
  const pb::Verdict verdict = run.Record(at_the_clinic);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  // It took part in that, and in nothing else.
  EventBuilder weight = run.Draft({"other.rn.1"}, "weight_changed { weight_kg: 70 weighed_at $T }");
  EXPECT_TRUE(Says(run.Judge(weight), "R01"));
}

const char* const kDeath =
    "patient_died { died_at $T-1h cause: DEATH_DISEASE related_to_product: NO coi: ";

TEST_F(WayOutTest, ADeathWithAnotherTherapysIdentifierStopsNobody) {
  run.Until("ld_started");
  const pb::Verdict verdict = Do({"clinic.rn.1"}, std::string(kDeath) + "'CHA999026000009' }");
  EXPECT_FALSE(verdict.refused());
  EXPECT_TRUE(Says(verdict, "F8a"));
  EXPECT_FALSE(run.state().patient_died());
  EXPECT_TRUE(run.state().deviations(0).critical());
}

TEST_F(WayOutTest, ADeathRecordedInErrorIsTakenBackByPhysicianAndQualityTogether) {
  run.Until("ld_started");
  MustDo({"clinic.rn.1"}, std::string(kDeath) + "'CHA999026000001' }");
  const std::string death = run.last().parsed.event_id.ToString();
  EventBuilder ld = run.Next();
  const pb::Verdict stopped = run.Judge(ld);
  ASSERT_TRUE(Says(stopped, "F13")) << Explain(stopped);
  EXPECT_THAT(Of(stopped, "F13")[0].next_step(), HasSubstr("DEATH_RECORDED_IN_ERROR"));
  const auto error = [&](const std::vector<std::string>& by, const std::string& id,
                         const char* coi = "CHA999026000001") {
    EventBuilder event = run.Draft(by, std::string("death_recorded_in_error { evidence: 'seen "
                                                   "alive on the ward' coi: '") +
                                           coi + "' }");
    event.event().mutable_death_recorded_in_error()->set_death(id);
    return event;
  };
  const std::vector<std::string> both{"clinic.phy.1", "clinic.qa.1"};
  EXPECT_TRUE(run.Judge(error({"clinic.phy.1", "clinic.phy.2"}, death)).refused());
  EXPECT_TRUE(Says(run.Judge(error(both, Sha256("another").ToString())), "F13"));
  EXPECT_TRUE(run.Judge(error(both, death, "CHA999026000009")).refused());
  const pb::Verdict verdict = run.Record(error(both, death));
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(run.state().patient_died());
  EXPECT_FALSE(run.Judge(ld).refused()) << Explain(run.Judge(ld));
}

class CorrectedAgainTest : public RulesTest {
 protected:
  pb::Verdict Correct(const std::string& id, const std::string& field, const std::string& old,
                      const std::string& now) {
    EventBuilder event =
        run.Draft({"clinic.rn.1", "clinic.rn.2"},
                  "record_corrected { corrections { field_path: '" + field + "' old_value: '" +
                      old + "' new_value: '" + now + "' } reason: 'misread' }");
    event.event().mutable_record_corrected()->set_corrected_event(id);
    return run.Judge(event);
  }
};

TEST_F(CorrectedAgainTest, AYieldThatMissesTheSpecificationAsCorrectedIsADeviation) {
  run.Through("apheresis_completed");
  const std::string id = run.last().parsed.event_id.ToString();
  EXPECT_FALSE(Says(Correct(id, "cd3_cells_1e9", "2.1", "2.2"), "R07"));
  EXPECT_TRUE(Says(Correct(id, "cd3_cells_1e9", "2.1", "0.5"), "R07"));
}

}  // namespace
}  // namespace custody
