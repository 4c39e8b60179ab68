// Who may sign an event of a therapy: unenrolled, revoked, wrong role, wrong person, swapped,
// replayed, elsewhere, alone. Each refusal by its own words, and what must stay possible.
// Long because every way to sign wrongly has a case of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "custody/body_plan.h"
#include "tests/support/authority_case.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() {
    therapy_.set_site("CLINIC");
    therapy_.add_party_sites("LAB");
    therapy_.add_party_carriers("CARRIER");
  }

  EventBuilder On() { return ledger_.On("therapy/T1"); }
  // A fact of one nurse.
  EventBuilder Weight() {
    EventBuilder weight = On().By("clinic.rn.1");
    Fill(weight);
    return weight;
  }
  static void Fill(EventBuilder& weight) {
    weight.event().mutable_weight_changed()->set_weight_kg(71.5);
    *weight.event().mutable_weight_changed()->mutable_weighed_at() = weight.event().occurred_at();
  }
  // A step of two: pharmacist or cell laboratory.
  static void FillRemoval(EventBuilder& removal) {
    pb::RemovedFromStorage& body = *removal.event().mutable_removed_from_storage();
    for (pb::Scanned* scanned : {body.mutable_container(), body.mutable_coi(),
                                 body.mutable_position(), body.mutable_certificate()}) {
      scanned->set_value("X-1");
      scanned->set_source(pb::SCANNED);
    }
  }
  // Judged on what was built, without parsing: bodies need not be whole to ask who may sign them.
  std::string Against(const EventBuilder& builder) {
    ParsedEvent parsed;
    parsed.event = builder.Build();
    return ReasonsAgainst(ledger_, parsed, &therapy_);
  }

  TestLedger ledger_;
  pb::TherapyState therapy_;
};

TEST_F(AuthorityTest, ASoundEventMeetsNoObjection) { EXPECT_EQ(Against(Weight()), ""); }

TEST_F(AuthorityTest, AnEventOfAnotherLedgerIsReplayed) {
  const TestLedger other(pb::DEMO, "two");
  EventBuilder weight = Weight();
  weight.event().set_ledger(other.genesis().ToString());
  EXPECT_THAT(Against(weight), HasSubstr("R01 STRUCTURE ledger: expected an event of ledger"));
}

TEST_F(AuthorityTest, AnUnenrolledSignerIsRefused) {
  ledger_.MakePerson("CLINIC", pb::RN, "stranger");
  EventBuilder weight = On().By("stranger");
  Fill(weight);
  EXPECT_THAT(Against(weight), HasSubstr("R01 STRUCTURE stranger: expected a key enrolled earlier "
                                         "in the log; found a key that is not enrolled"));
}

TEST_F(AuthorityTest, AKeySignsOnlyAfterTheEventThatEnrolledIt) {
  ledger_.AddPerson("CLINIC", pb::RN, "newcomer");
  EventBuilder weight = On().By("newcomer");
  Fill(weight);
  EXPECT_EQ(Against(weight), "");
  ParsedEvent parsed;
  parsed.event = weight.Build();
  pb::Verdict verdict;
  const std::uint64_t enrolled_at = ledger_.next_index() - 1;
  CheckAuthority(ledger_.registry(), parsed, &therapy_, enrolled_at, verdict);
  ASSERT_EQ(verdict.reasons_size(), 1);
  EXPECT_EQ(verdict.reasons(0).found(), "a key that is not enrolled");
  EXPECT_TRUE(verdict.refused());
}

TEST_F(AuthorityTest, ARevokedKeyIsRefusedAfterItsRevocation) {
  const Hash key = ledger_.person("clinic.rn.1").key.key_id();
  EventBuilder revocation = ledger_.On("registry/CLINIC").By("clinic.registrar.1");
  revocation.event().mutable_key_revoked()->set_key_id(key.ToString());
  revocation.event().mutable_key_revoked()->set_reason("lost");
  const std::uint64_t at = revocation.Record().index;
  EXPECT_THAT(
      Against(Weight()),
      HasSubstr("expected a key in use; found a key revoked at log index " + std::to_string(at)));
  EXPECT_NE(KeysAt(ledger_.registry(), at)(key), nullptr);
  EXPECT_EQ(KeysAt(ledger_.registry(), at + 1)(key), nullptr);
}

TEST_F(AuthorityTest, ASignerIsTheKeysOwnPerson) {
  EventBuilder weight = Weight();
  weight.event().mutable_signers(0)->set_person("clinic.rn.2");
  EXPECT_THAT(Against(weight), HasSubstr("R01 STRUCTURE clinic.rn.2: expected the key's own "
                                         "person; found a key that belongs to clinic.rn.1"));
}

TEST_F(AuthorityTest, ThePrintedNameIsAnEnrolledOne) {
  EventBuilder weight = Weight();
  weight.event().mutable_signers(0)->set_printed_name("Somebody Else");
  EXPECT_THAT(Against(weight), HasSubstr("found \"Somebody Else\""));
}

TEST_F(AuthorityTest, ANameThatWasChangedIsStillTheirs) {
  EventBuilder renamed =
      ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  pb::PersonEnrolled& body = *renamed.event().mutable_person_enrolled();
  body.set_person("clinic.rn.1");
  body.set_printed_name("Married Name");
  body.set_organisation("HOSPITAL");
  body.add_sites("CLINIC");
  body.add_roles(pb::RN);
  EXPECT_EQ(ReasonsAgainst(ledger_, renamed.Parse()), "");
  renamed.Record();
  EXPECT_EQ(Against(Weight()), "");
  EventBuilder weight = Weight();
  weight.event().mutable_signers(0)->set_printed_name("Married Name");
  EXPECT_EQ(Against(weight), "");
}

TEST_F(AuthorityTest, ASignerHoldsTheirRole) {
  EventBuilder weight = On().By("clinic.coord.1", pb::PHY, pb::PERFORMED);
  Fill(weight);
  EXPECT_THAT(
      Against(weight),
      HasSubstr("clinic.coord.1: expected a role that this person holds, COORD; found PHY"));
}

TEST_F(AuthorityTest, TheRoleFitsTheEvent) {
  EventBuilder weight = On().By("clinic.qa.1");
  Fill(weight);
  EXPECT_THAT(Against(weight),
              HasSubstr("R01 STRUCTURE clinic.qa.1: expected one of the roles PHY, "
                        "APP, RN; found QA"));
}

TEST_F(AuthorityTest, APersonWhoLeftSignsNoMore) {
  EventBuilder left =
      ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  left.event().mutable_person_retired()->set_person("clinic.rn.1");
  left.event().mutable_person_retired()->set_reason("moved away");
  left.Record();
  EXPECT_THAT(Against(Weight()), HasSubstr("found somebody who is not enrolled or has left"));
}

TEST_F(AuthorityTest, StationsAreEnrolledAndInUse) {
  EXPECT_THAT(
      Against(Weight().At("nowhere")),
      HasSubstr("station nowhere: expected an enrolled station in use; found a station that "
                "is not enrolled"));
  EventBuilder retired =
      ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  retired.event().mutable_station_retired()->set_station("clinic.station.2");
  retired.event().mutable_station_retired()->set_reason("broken");
  retired.Record();
  EXPECT_THAT(Against(Weight().At("clinic.station.2")),
              HasSubstr("found a station that was retired"));
}

TEST_F(AuthorityTest, PeopleSignAtAStationOfASiteTheyWorkAt) {
  EXPECT_THAT(
      Against(Weight().At("lab.station.1")),
      HasSubstr("clinic.rn.1: expected somebody enrolled at LAB; found somebody not enrolled "
                "there"));
}

TEST_F(AuthorityTest, AStationNeedsBusinessWithTheTherapy) {
  EventBuilder weight = On().By("other.rn.1");
  Fill(weight);
  EXPECT_THAT(Against(weight), HasSubstr("station other.station.1: expected a station of a site or "
                                         "carrier that an earlier event of the therapy names"));
  // Named sites and carriers have it.
  therapy_.add_party_sites("OTHER");
  EXPECT_EQ(Against(weight), "");
  EventBuilder milestone = On().By("depot.cour.1");
  milestone.event().mutable_carrier_milestone();
  EXPECT_EQ(Against(milestone), "");
  therapy_.clear_party_carriers();
  EXPECT_THAT(Against(milestone), HasSubstr("station depot.station.1"));
}

TEST_F(AuthorityTest, AWrongItemIsReportedFromAnywhere) {
  EventBuilder found = On().By("other.rn.1");
  found.event().mutable_wrong_item_presented();
  EXPECT_EQ(Against(found), "");
  found.event().mutable_identity_in_doubt();
  EXPECT_EQ(Against(found), "");
}

TEST_F(AuthorityTest, APatientIsEnrolledAtTheStationsOwnSite) {
  therapy_.Clear();
  EventBuilder enrolled = On().By("clinic.coord.1").By("clinic.rn.1", pb::VERIFIED);
  enrolled.event().mutable_patient_enrolled()->set_site("CLINIC");
  EXPECT_EQ(Against(enrolled), "");
  enrolled.event().mutable_patient_enrolled()->set_site("OTHER");
  EXPECT_THAT(Against(enrolled), HasSubstr("site OTHER: expected the site of the station, CLINIC"));
}

TEST_F(AuthorityTest, TwoPersonEventsTakeTwoPeopleInRole) {
  EventBuilder pair = On().By("clinic.pharm.1").By("clinic.pharm.2", pb::VERIFIED);
  FillRemoval(pair);
  EXPECT_EQ(Against(pair), "");
  EventBuilder alone = On().By("clinic.pharm.1");
  FillRemoval(alone);
  EXPECT_THAT(Against(alone),
              HasSubstr("R04 STRUCTURE removed_from_storage: expected two different "
                        "people: one as PHARM, CELL_LAB"));
  EventBuilder wrong = On().By("clinic.pharm.1").By("clinic.rn.1", pb::VERIFIED);
  FillRemoval(wrong);
  EXPECT_THAT(Against(wrong), AllOf(HasSubstr("R01 STRUCTURE clinic.rn.1: expected one of the "
                                              "roles PHARM, CELL_LAB"),
                                    HasSubstr("R04 STRUCTURE removed_from_storage")));
}

TEST_F(AuthorityTest, WhereAnybodyMaySignNoListOfRolesIsTold) {
  EventBuilder alone = On().By("clinic.rn.1");
  alone.event().mutable_record_corrected();
  EXPECT_THAT(Against(alone),
              AllOf(HasSubstr("two different people, any two enrolled at the site; found one"),
                    Not(HasSubstr("one as"))));
}

TEST_F(AuthorityTest, ASecondRoleOfItsOwnIsNeeded) {
  // A nurse enters, a verifier of the named roles checks.
  const auto enrolled = [&](const char* first, const char* second) {
    EventBuilder builder = On().By(first).By(second, pb::VERIFIED);
    builder.event().mutable_patient_enrolled()->set_site("CLINIC");
    return Against(builder);
  };
  therapy_.Clear();
  EXPECT_EQ(enrolled("clinic.rn.1", "clinic.rn.2"), "");
  EXPECT_EQ(enrolled("clinic.coord.1", "clinic.pharm.1"), "");
  EXPECT_EQ(enrolled("clinic.pharm.1", "clinic.coord.1"), "");  // in either order
  EXPECT_THAT(enrolled("clinic.coord.1", "clinic.coord.2"), HasSubstr("R04 STRUCTURE"));
  EXPECT_THAT(enrolled("clinic.pharm.1", "clinic.pharm.2"), HasSubstr("R04 STRUCTURE"));
}

TEST_F(AuthorityTest, TwoPeopleAreThereTogether) {
  EventBuilder pair = On().By("clinic.pharm.1").By("clinic.pharm.2", pb::VERIFIED);
  FillRemoval(pair);
  const Instant identified = FromProto(pair.event().signers(0).identified_at());
  *pair.event().mutable_signers(1)->mutable_identified_at() =
      ToProto(identified + -10 * kMicrosPerMinute);
  EXPECT_EQ(Against(pair), "");
  *pair.event().mutable_signers(1)->mutable_identified_at() =
      ToProto(identified + -10 * kMicrosPerMinute + -1);
  EXPECT_THAT(Against(pair), HasSubstr("R04 STRUCTURE removed_from_storage: expected both people "
                                       "present within 10 minutes; found 10 minutes apart"));
}

TEST_F(AuthorityTest, ADeviceStatesReadingsAndDecidesNothing) {
  EventBuilder telemetry = On().By("clinic.device.1");
  telemetry.event().mutable_telemetry_batch();
  EXPECT_EQ(Against(telemetry), "");
  EventBuilder hold = On().By("clinic.device.1");
  hold.event().mutable_hold_set();
  EXPECT_THAT(Against(hold), HasSubstr("R01 STRUCTURE clinic.device.1: expected one of the roles"));
}

TEST_F(AuthorityTest, LateEntriesHaveATranscriberAndAChecker) {
  EventBuilder late = On().By("clinic.wh.1", pb::TRANSCRIBED)
                          .By("clinic.qa.1", pb::CHECKED)
                          .Late("network down")
                          .PerformedBy("clinic.rn.1");
  Fill(late);
  EXPECT_EQ(Against(late), "");
  late.event().mutable_signers()->RemoveLast();
  EXPECT_THAT(Against(late), HasSubstr("R04 STRUCTURE weight_changed: expected two signers, who "
                                       "transcribed it and who compared it; found 1 signers"));
}

TEST_F(AuthorityTest, WhoDidItIsJudgedInALateEntry) {
  const auto late = [&](const char* performer) {
    EventBuilder builder = On().By("clinic.wh.1", pb::TRANSCRIBED)
                               .By("clinic.qa.1", pb::CHECKED)
                               .Downtime("outage")
                               .PerformedBy(performer);
    Fill(builder);
    return builder;
  };
  EXPECT_THAT(Against(late("clinic.qa.2")),
              HasSubstr("R01 STRUCTURE clinic.qa.2: expected one of the roles PHY, APP, RN"));
  EventBuilder misnamed = late("clinic.rn.1");
  misnamed.event().mutable_performed_by(0)->set_printed_name("X");
  EXPECT_THAT(Against(misnamed),
              HasSubstr("clinic.rn.1: expected a name enrolled for this person"));
  EventBuilder unknown = late("clinic.rn.1");
  unknown.event().mutable_performed_by(0)->set_person("nobody.known");
  EXPECT_THAT(Against(unknown), HasSubstr("found nobody.known, who is not enrolled"));
  EventBuilder wrong_role = late("clinic.coord.1");
  wrong_role.event().mutable_performed_by(0)->set_role(pb::PHY);
  EXPECT_THAT(Against(wrong_role), HasSubstr("expected a role that this person holds; found PHY"));
  // Somebody without a key, named with their role.
  EventBuilder visitor = late("clinic.rn.1");
  visitor.event().mutable_performed_by(0)->clear_person();
  EXPECT_EQ(Against(visitor), "");
  EventBuilder nobody = late("clinic.rn.1");
  nobody.event().clear_performed_by();
  EXPECT_THAT(Against(nobody), HasSubstr("R01 STRUCTURE weight_changed: expected who did it"));
}

TEST_F(AuthorityTest, WhoDidItThemselvesNeedsOnlyAChecker) {
  EventBuilder late =
      On().By("clinic.rn.1").By("clinic.qa.1", pb::CHECKED).Late("was busy with the patient");
  Fill(late);
  EXPECT_EQ(Against(late), "");
}

TEST_F(AuthorityTest, TwoPersonStepsEnteredLateStillNameTwo) {
  const auto removal = [&](const std::vector<const char*>& performers) {
    EventBuilder builder =
        On().By("clinic.wh.1", pb::TRANSCRIBED).By("clinic.qa.1", pb::CHECKED).Late("outage");
    for (const char* performer : performers) builder.PerformedBy(performer);
    FillRemoval(builder);
    return Against(builder);
  };
  EXPECT_EQ(removal({"clinic.pharm.1", "clinic.pharm.2"}), "");
  EXPECT_THAT(removal({"clinic.pharm.1"}), HasSubstr("R04 STRUCTURE"));
  EXPECT_THAT(removal({"clinic.pharm.1", "clinic.pharm.1"}), HasSubstr("R04 STRUCTURE"));
}

// Once a container is out of the freezer nobody may be kept from going on.
TEST(TrainingTest, MayLapseFromTheFreezerToThePatientAndNowhereElse) {
  std::vector<std::string> steps;
  for (const BodyPlan* plan : Plans()) {
    if (plan->rule->training_may_lapse()) steps.emplace_back(plan->name);
  }
  EXPECT_THAT(steps, testing::UnorderedElementsAre("prethaw_id_verified", "removed_from_storage",
                                                   "returned_to_storage", "thaw_started",
                                                   "bedside_id_verified", "infusion_started"));
}

TEST_F(AuthorityTest, ExpiredTrainingIsADeviationForFactsAndAGateElsewhere) {
  const auto expire = [&](const char* id, pb::Role role) {
    EventBuilder update =
        ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
    pb::PersonEnrolled& body = *update.event().mutable_person_enrolled();
    body.set_person(id);
    body.set_printed_name("Name of " + std::string(id));
    body.set_organisation("HOSPITAL");
    body.add_sites("CLINIC");
    body.add_roles(role);
    *body.mutable_training_valid_until() = ToProto(ledger_.now() + -1);
    update.Record();
  };
  expire("clinic.rn.1", pb::RN);
  expire("clinic.phy.1", pb::PHY);
  expire("clinic.pharm.1", pb::PHARM);
  EXPECT_THAT(Against(Weight()),
              HasSubstr("R01 DEVIATION clinic.rn.1: expected training valid on"));
  EXPECT_EQ(Against(Weight().HappenedAt(ledger_.now() + -kMicrosPerHour)), Against(Weight()));
  EventBuilder order = On().By("clinic.phy.1");
  order.event().mutable_therapy_ordered();
  EXPECT_THAT(Against(order), HasSubstr("R01 GATE clinic.phy.1: expected training valid on"));
  EventBuilder removal = On().By("clinic.pharm.1").By("clinic.pharm.2", pb::VERIFIED);
  FillRemoval(removal);
  EXPECT_THAT(Against(removal),
              AllOf(HasSubstr("R01 DEVIATION clinic.pharm.1"), Not(HasSubstr("GATE"))));
}

TEST_F(AuthorityTest, AnAuthorityGrantsAnOverrideFromTheirOwnSite) {
  EventBuilder grant = On().By("lab.qa.1").At("clinic.station.1");
  grant.event().mutable_override_granted();
  EXPECT_EQ(Against(grant), "");
  EventBuilder outsider = On().By("other.qa.1").At("clinic.station.1");
  outsider.event().mutable_override_granted();
  EXPECT_THAT(Against(outsider), HasSubstr("other.qa.1: expected somebody enrolled at CLINIC"));
}

TEST_F(AuthorityTest, FacilityNumbersStayInTheirEnvironment) {
  EventBuilder weight = Weight();
  weight.event().mutable_weight_changed()->set_coi("CHA999026000001");
  EXPECT_EQ(Against(weight), "");
  weight.event().mutable_weight_changed()->set_coi("CHG123426000001");
  EXPECT_THAT(Against(weight), HasSubstr("R45 STRUCTURE weight_changed.coi: expected one of the "
                                         "facility numbers A9990 to A9999"));
  // Inside a scan, too.
  EventBuilder removal = On().By("clinic.pharm.1").By("clinic.pharm.2", pb::VERIFIED);
  FillRemoval(removal);
  removal.event().mutable_removed_from_storage()->mutable_coi()->set_value("CHG123426000001");
  EXPECT_THAT(Against(removal), HasSubstr("R45 STRUCTURE removed_from_storage.coi.value"));
}

TEST_F(AuthorityTest, ProductionRefusesTestNumbers) {
  TestLedger production(pb::PRODUCTION);
  EventBuilder weight = production.On("therapy/T1").By("clinic.rn.1");
  Fill(weight);
  weight.event().mutable_weight_changed()->set_coi("CHG123426000001");
  EXPECT_EQ(ReasonsAgainst(production, weight.Parse(), &therapy_), "");
  weight.event().mutable_weight_changed()->set_coi("CHA999926000001");
  EXPECT_THAT(ReasonsAgainst(production, weight.Parse(), &therapy_),
              HasSubstr("R45 STRUCTURE weight_changed.coi: expected a facility number of a real "
                        "facility; found facility number A9999"));
}

TEST_F(AuthorityTest, AnAdoptedEventIsJudgedByItsOwnSigners) {
  const auto adopted = [&](const EventBuilder& original, EventBuilder adoption) {
    *adoption.event().mutable_adopted()->mutable_original() = original.Sign();
    adoption.event().mutable_adopted()->set_reason("signed offline");
    return ReasonsAgainst(ledger_, adoption.Parse(), &therapy_);
  };
  EXPECT_EQ(adopted(Weight(), On().By("clinic.wh.1", pb::TRANSCRIBED)), "");
  EXPECT_THAT(adopted(Weight(), On().By("clinic.wh.1", pb::PERFORMED)),
              HasSubstr("clinic.wh.1: expected an adoption signed as TRANSCRIBED"));
  EXPECT_THAT(adopted(Weight(), On().By("other.rn.1", pb::TRANSCRIBED)),
              HasSubstr("station other.station.1"));
  EventBuilder wrong = On().By("clinic.qa.1");
  Fill(wrong);
  EXPECT_THAT(adopted(wrong, On().By("clinic.wh.1", pb::TRANSCRIBED)),
              HasSubstr("clinic.qa.1: expected one of the roles PHY, APP, RN"));
}

}  // namespace
}  // namespace custody
