// Cells that are frozen before anybody makes a product of them: what is in quarantine or in doubt
// comes out of it again by quality of the house that collects and treats, and once there is a maker
// by the maker's (F8b, F9).
#include <gmock/gmock.h>

#include "custody/alerts.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kBanked = "A999026000001-F1";
const std::vector<std::string> kHouse{"clinic.qa.1", "clinic.qa.2"};

class BeforeOrderTest : public RulesTest {
 protected:
  void SetUp() override {
    run.Until("therapy_ordered");
    pb::Container& bag = *run.mutable_state().add_containers();
    bag.set_id(kBanked);
    bag.set_din(std::string(kMainDin));
    bag.set_material(pb::STARTING_MATERIAL);
    bag.set_state(pb::CONTAINER_STORED);
    bag.set_site("CLINIC");
  }
  void Warm() {
    MustDo({"clinic.cell_lab.1"},
           "storage_excursion { storage_unit: 'C-LN2' containers: 'A999026000001-F1' logger: "
           "'LOG-9' from $T-3h to $T-2h max_temperature_centi_c: -10400 moved_away: YES }");
  }
  void Doubt() {
    MustDo({"clinic.rn.1"},
           "identity_in_doubt { items: 'A999026000001-F1' kind: DOUBT_LABELS_DISAGREE finding: "
           "'half of the label is off' thawed: NO }");
  }
  EventBuilder Decide(const char* who) {
    return run.Draft({who},
                     "quarantine_decided { containers: 'A999026000001-F1' verdict: QUARANTINE_USE "
                     "cause: QUARANTINED_FOR_TEMPERATURE reason: 'short' }");
  }
  EventBuilder Resolve(const std::vector<std::string>& who, const std::string& outcome) {
    return run.Draft(
        who, "identity_resolved { quarantine: '" + run.state().quarantines().rbegin()->id() +
                 "' items: 'A999026000001-F1' evidence: 'the print' outcome: " + outcome + " }");
  }
  bool IsHeld() const {
    return !OpenQuarantines(run.state(), *FindContainer(run.state(), kBanked)).empty();
  }
};

TEST_F(BeforeOrderTest, QualityOfTheHouseDecidesAQuarantineAsLongAsThereIsNoMaker) {
  Warm();
  ASSERT_TRUE(IsHeld());
  EXPECT_TRUE(run.Judge(Decide("clinic.phy.1")).refused());
  const pb::Verdict verdict = run.Record(Decide("clinic.qa.1"));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(IsHeld());
}

TEST_F(BeforeOrderTest, OnceItIsOrderedTheMakersQualityDecides) {
  Warm();
  run.Through("therapy_ordered");
  const pb::Verdict verdict = run.Judge(Decide("clinic.qa.1"));
  ASSERT_EQ(Of(verdict, "F9").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "F9")[0].expected(), HasSubstr("quality of the manufacturer"));
  EXPECT_FALSE(run.Judge(Decide("lab.qa.1")).refused()) << Explain(run.Judge(Decide("lab.qa.1")));
}

TEST_F(BeforeOrderTest, TwoOfTheHousesQualityResolveADoubtWithAnyOutcome) {
  Doubt();
  ASSERT_TRUE(IsHeld());
  for (const char* outcome :
       {"DOUBT_RESOLVED_CONFIRMED", "DOUBT_RESOLVED_RELABELLED", "DOUBT_RESOLVED_NOT_CONFIRMED"}) {
    const pb::Verdict verdict = run.Judge(Resolve(kHouse, outcome));
    EXPECT_FALSE(verdict.refused()) << outcome << Explain(verdict);
  }
  EXPECT_TRUE(run.Judge(Resolve({"clinic.qa.1"}, "DOUBT_RESOLVED_CONFIRMED")).refused());
  ASSERT_FALSE(run.Record(Resolve(kHouse, "DOUBT_RESOLVED_NOT_CONFIRMED")).refused());
  EXPECT_FALSE(IsHeld());
  EXPECT_TRUE(FindContainer(run.state(), kBanked)->rejected());
  EXPECT_FALSE(run.state().quarantines(0).open());
}

TEST_F(BeforeOrderTest, OnceItIsOrderedBothSidesResolveADoubt) {
  Doubt();
  run.Through("therapy_ordered");
  const char* confirmed = "DOUBT_RESOLVED_CONFIRMED";
  const pb::Verdict verdict = run.Judge(Resolve(kHouse, confirmed));
  EXPECT_TRUE(Says(verdict, "F8b")) << Explain(verdict);
  const pb::Verdict both = run.Judge(Resolve({"clinic.qa.1", "lab.qa.1"}, confirmed));
  EXPECT_FALSE(both.refused()) << Explain(both);
}

TEST_F(BeforeOrderTest, ThePatientDeadTheWayOutIsTheSame) {
  Warm();
  Doubt();
  MustDo({"clinic.phy.1"},
         "patient_died { died_at $T-1h cause: DEATH_DISEASE related_to_product: NO coi: "
         "'CHA999026000001' }");
  const pb::Verdict decided = run.Judge(Decide("clinic.qa.1"));
  EXPECT_FALSE(decided.refused()) << Explain(decided);
  const pb::Verdict resolved = run.Judge(Resolve(kHouse, "DOUBT_RESOLVED_CONFIRMED"));
  EXPECT_FALSE(resolved.refused()) << Explain(resolved);
}

TEST_F(BeforeOrderTest, NobodyIsToldToWaitForAManufacturer) {
  Warm();
  const std::vector<Alert> alerts = Alerts(run.state(), run.registry(), ledger.now());
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_THAT(alerts[0].text, Not(HasSubstr("manufacturer")));
  const pb::Verdict verdict =
      run.Judge(run.Draft({"clinic.qa.1"},
                          "custody_closed { containers_accounted: YES deviations_closed: YES "
                          "statement: 's' coi: 'CHA999026000001' }"));
  bool said = false;
  for (const pb::Reason& reason : Of(verdict, "CLOSE")) {
    if (!reason.subject().starts_with("Q-")) continue;
    said = true;
    EXPECT_THAT(reason.next_step(), HasSubstr("treating house"));
  }
  EXPECT_TRUE(said) << Explain(verdict);
}

}  // namespace
}  // namespace custody
