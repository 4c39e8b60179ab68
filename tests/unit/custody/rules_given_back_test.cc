// What was written down by mistake: a number of another therapy is given back by two of quality, as
// long as nothing bears it (F8b, R05, R15).
#include <gmock/gmock.h>

#include "custody/claims.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::vector<std::string> kBothSides{"clinic.qa.1", "lab.qa.1"};
const std::vector<std::string> kHouse{"clinic.qa.1", "clinic.qa.2"};

class GivenBackTest : public RulesTest {
 protected:
  void Doubt(const std::string& item, const std::string& who = "clinic.rn.1") {
    const pb::Verdict verdict = Do({who}, "identity_in_doubt { items: '" + item +
                                              "' kind: DOUBT_OTHER finding: 'typed' thawed: NO }");
    EXPECT_THAT(Of(verdict, "F8b"), IsEmpty()) << Explain(verdict);
  }
  // Gives back `items`, one text each in quotes, under the last doubt.
  EventBuilder GiveBack(const std::vector<std::string>& who, const std::string& items) {
    return run.Draft(who, "identity_resolved { quarantine: '" +
                              run.state().quarantines().rbegin()->id() + "' " + items +
                              " outcome: DOUBT_RESOLVED_NEVER_OURS evidence: 'the list' }");
  }
  void MustGiveBack(const std::vector<std::string>& who, const std::string& items) {
    const pb::Verdict verdict = run.Record(GiveBack(who, items));
    ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  }
  bool Refused(const std::vector<std::string>& who, const std::string& items,
               const std::string& found) {
    const pb::Verdict verdict = run.Judge(GiveBack(who, items));
    EXPECT_TRUE(verdict.refused()) << Explain(verdict);
    EXPECT_FALSE(Of(verdict, "F8b").empty());
    if (Of(verdict, "F8b").empty()) return false;
    EXPECT_THAT(Of(verdict, "F8b")[0].found(), HasSubstr(found));
    return verdict.refused();
  }
  std::vector<std::string> Held() {
    std::vector<std::string> held;
    for (const Claim& claim : ClaimsOf(run.state(), run.registry())) {
      held.push_back(claim.kind + " " + claim.value);
    }
    return held;
  }
};

TEST_F(GivenBackTest, BeforeAnOrderTwoOfTheHouseGiveAChainOfIdentityBack) {
  run.Until("therapy_ordered");
  ASSERT_THAT(Held(), Contains("chain of identity CHA999026000001"));
  Doubt("CHA999026000001");
  EXPECT_TRUE(Refused({"lab.qa.1", "lab.qa.2"}, "items: 'CHA999026000001'", "MAKER"));
  MustGiveBack(kHouse, "items: 'CHA999026000001'");
  EXPECT_EQ(run.state().coi(), "");
  EXPECT_THAT(run.state().never_ours(), ElementsAre("CHA999026000001"));
  EXPECT_FALSE(run.state().quarantines().rbegin()->open());
  EXPECT_THAT(Held(), IsEmpty());
  EventBuilder assessed = Now("eligibility_assessed");
  assessed.event().mutable_eligibility_assessed()->set_coi("CHA999026000007");
  ASSERT_FALSE(run.Record(assessed).refused()) << Explain(run.Judge(assessed));
  EXPECT_THAT(Held(), ElementsAre("chain of identity CHA999026000007"));
}

TEST_F(GivenBackTest, WithAnOrderTheMakersQualitySignsToo) {
  run.Through("therapy_ordered");
  Doubt("CHA999026000001");
  EXPECT_TRUE(Refused(kHouse, "items: 'CHA999026000001'", "HOSPITAL"));
  MustGiveBack(kBothSides, "items: 'CHA999026000001'");
  EXPECT_EQ(run.state().coi(), "");
}

TEST_F(GivenBackTest, AChainOfIdentityThatLabelsBearStaysWithThem) {
  run.Through("label_issued");
  Doubt("CHA999026000001");
  EXPECT_TRUE(Refused(kBothSides, "items: 'CHA999026000001'", "LABEL_ISSUED"));
  EXPECT_TRUE(Refused(kBothSides, "items: 'CHA999026000001' items: 'A999026000001'",
                      "label A999026000001 was printed"));
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000001'", "LABEL_ISSUED"));
  EventBuilder late = Late(GiveBack(kBothSides, "items: 'CHA999026000001' items: 'A999026000001'"));
  ASSERT_FALSE(run.Record(late).refused());
  EXPECT_EQ(run.state().coi(), "CHA999026000001") << "told late it takes no label off either";
  EXPECT_THAT(run.state().issued_labels(), ElementsAre("A999026000001"));
}

TEST_F(GivenBackTest, ADonationWhoseLabelIsOnItsBagStays) {
  run.Through("label_affixed");
  Doubt("A999026000001");
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000001'", "LABEL_AFFIXED"));
  run.Until("packed");
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000001'", "LABEL_AFFIXED"));
}

TEST_F(GivenBackTest, ADonationThatIsOnlyWrittenDownGoesAndOneThatWasHandledStays) {
  run.Until("packed");
  pb::TherapyState& state = run.mutable_state();
  pb::Donation donation = state.donations(0);
  donation.set_din("A999026000009");
  *state.add_donations() = donation;
  pb::Container bag = state.containers(0);
  bag.set_id("A999026000009");
  bag.set_din("A999026000009");
  *state.add_containers() = bag;
  Doubt("A999026000009");
  EventBuilder back = GiveBack(kBothSides, "items: 'A999026000009'");
  EXPECT_FALSE(run.Judge(back).refused()) << Explain(run.Judge(back));
  pb::Container& held = *state.mutable_containers()->rbegin();
  held.set_shipment("SHP-1");
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000009'", "SHP-1: PACKED"));
  held.clear_shipment();
  held.set_arrived_site("LAB");
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000009'", "at LAB: RECEIVED"));
  held.clear_arrived_site();
  held.add_stays()->set_position("LN2-4");
  EXPECT_TRUE(Refused(kBothSides, "items: 'A999026000009'", "APHERESIS_CRYOPRESERVED"));
  held.clear_stays();
  ASSERT_FALSE(run.Record(back).refused());
  EXPECT_EQ(FindContainer(run.state(), "A999026000009"), nullptr);
  EXPECT_EQ(FindDonation(run.state(), "A999026000009"), nullptr);
  EXPECT_THAT(Held(), Contains("donation A999026000001"));
}

TEST_F(GivenBackTest, AVialWrittenForTheWrongLotIsFreeAgain) {
  run.Through("transduced");
  const std::string vial = run.state().lots(0).vials(0);
  Doubt(vial, "lab.mfg.1");
  MustGiveBack(kBothSides, "items: '" + vial + "'");
  EXPECT_THAT(run.state().lots(0).vials(), Not(Contains(vial)));
  EXPECT_THAT(Held(), Not(Contains("vector vial " + vial)));
  // It was used after all: whoever says so anew has it again.
  EventBuilder again = Late(Now("transduced"), "lab.wh");
  ASSERT_FALSE(run.Record(again).refused()) << Explain(run.Judge(again));
  EXPECT_THAT(Held(), Contains("vector vial " + vial));
  MustDo({"lab.mfg.1"}, "culture_check { lot: 'LOT26001' day: 2 checked_at $T }");
  EXPECT_THAT(run.state().never_ours(), IsEmpty());
}

TEST_F(GivenBackTest, ALotThatWasOpenedUnderAnotherNumberGivesItsCellsBack) {
  run.Through("batch_opened");
  ASSERT_EQ(run.state().containers(0).state(), pb::CONTAINER_IN_USE);
  Doubt("LOT26001", "lab.mfg.1");
  MustGiveBack(kBothSides, "items: 'LOT26001'");
  EXPECT_THAT(run.state().lots(), IsEmpty());
  EventBuilder right = Now("batch_opened");
  right.event().mutable_batch_opened()->set_lot("LOT26010");
  EXPECT_FALSE(run.Judge(right).refused()) << Explain(run.Judge(right));
}

TEST_F(GivenBackTest, ALotThatWasWorkedOnStays) {
  run.Through("activated");
  Doubt("LOT26001", "lab.mfg.1");
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001'", "lot LOT26001 was worked on: "));
}

TEST_F(GivenBackTest, AContainerThatLiesInItsStorageStays) {
  run.Through("cryopreserved");
  Doubt("LOT26001-1", "lab.mfg.1");
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001-1'", "CRYOPRESERVED"));
}

TEST_F(GivenBackTest, AContainerOfAReleasedLotStaysAlsoWhenTheReleaseIsTakenBack) {
  run.Through("released");
  Doubt("LOT26001-1", "lab.mfg.1");
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001-1'", "RELEASED"));
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001'", "RELEASED"));
  run.mutable_state().mutable_lots(0)->set_state(pb::LOT_WITHDRAWN);
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) bag.set_released(false);
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001-1'", "CRYOPRESERVED"));
}

TEST_F(GivenBackTest, AContainerThatWasNeverFilledKeepsNothingOpen) {
  run.Through("filled");
  EventBuilder late = Now("filled");
  pb::Filled& body = *late.event().mutable_filled();
  body.mutable_containers()->DeleteSubrange(1, body.containers_size() - 1);
  body.mutable_containers(0)->set_container("LOT26001-7");
  EventBuilder told = Late(late, "lab.wh");
  ASSERT_FALSE(run.Record(told).refused()) << Explain(run.Judge(told));
  ASSERT_NE(FindContainer(run.state(), "LOT26001-7"), nullptr);
  Doubt("LOT26001-7", "lab.mfg.1");
  MustGiveBack(kBothSides, "items: 'LOT26001-7'");
  EXPECT_EQ(FindContainer(run.state(), "LOT26001-7"), nullptr);
  EXPECT_THAT(Held(), Not(Contains("container LOT26001-7")));
  EXPECT_THAT(Held(), Contains("container LOT26001-1"));
  run.Through("thaw_started");
  Doubt("LOT26001-1");
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001-1'", "bears it"));
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26001'", "bears it"));
  EXPECT_TRUE(Refused(kBothSides, "items: 'LOT26099'", "LOT26099 is none"));
}

// What is told late of it stands only where it would have been given.
TEST_F(GivenBackTest, ToldLateNothingThatIsBorneGoes) {
  run.Through("thaw_started");
  Doubt("LOT26001-1");
  EventBuilder late = Late(GiveBack(kBothSides, "items: 'LOT26001-1'"));
  ASSERT_FALSE(run.Record(late).refused()) << Explain(run.Judge(late));
  EXPECT_NE(FindContainer(run.state(), "LOT26001-1"), nullptr);
  EXPECT_TRUE(run.state().quarantines().rbegin()->open());
}

}  // namespace
}  // namespace custody
