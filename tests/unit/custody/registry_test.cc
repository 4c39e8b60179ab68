// Acts of the registry: who must sign them, what they must hold, what they change.
// Long because every act has a case for who may sign it and one for what it must hold.
#include "custody/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "crypto/note.h"
#include "custody/rules.h"
#include "tests/support/authority_case.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  EventBuilder Quorum() {
    return ledger_.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  }
  EventBuilder Registrars(std::string_view chain = "registry/CLINIC") {
    return ledger_.On(chain).By("clinic.registrar.1").By("clinic.registrar.2");
  }
  std::string Against(const EventBuilder& act) { return ReasonsAgainst(ledger_, act.Parse()); }

  static void Person(EventBuilder& act, std::string_view id, pb::Role role,
                     std::string_view site = "CLINIC", std::string_view organisation = "HOSPITAL") {
    pb::PersonEnrolled& body = *act.event().mutable_person_enrolled();
    body.set_person(std::string(id));
    body.set_printed_name("A Name");
    body.set_organisation(std::string(organisation));
    body.clear_sites();
    body.add_sites(std::string(site));
    body.clear_roles();
    body.add_roles(role);
  }
  // A proved key of `owner`, for `person`, in a request to `ledger`.
  void Key(EventBuilder& act, std::string_view person, const PrivateKey& key, const Hash& ledger) {
    const pb::KeyProof proof = Must(SignKeyRequest(ledger, person, key, Sha256("r").view()));
    pb::KeyEnrolled& body = *act.event().mutable_key_enrolled();
    body.set_person(std::string(person));
    body.set_spki(key.public_key().spki());
    body.set_request(proof.request());
    body.set_request_signature(proof.request_signature());
  }
  void Key(EventBuilder& act, std::string_view person, const PrivateKey& key) {
    Key(act, person, key, ledger_.genesis());
  }
  static void Revocation(EventBuilder& act, const PrivateKey& key) {
    act.event().mutable_key_revoked()->set_key_id(key.key_id().ToString());
    act.event().mutable_key_revoked()->set_reason("lost");
  }
  static PrivateKey NewKey(std::string_view what) {
    return Must(PrivateKey::FromSeed(Sha256({"new ", what}).view()));
  }

  TestLedger ledger_;
};

// The genesis.

TEST(GenesisTest, IsSignedByEveryTrusteeItNames) {
  const TestLedger world;
  const auto against = [&](void (*change)(pb::Event&)) {
    ParsedEvent genesis;
    genesis.event = world.log().front().parsed.event;
    change(genesis.event);
    pb::Verdict verdict;
    CheckAuthority(Registry(), genesis, nullptr, 0, verdict);
    std::string text;
    for (const pb::Reason& reason : verdict.reasons()) {
      text += reason.rule() + " " + reason.expected() + "; found " + reason.found() + "\n";
    }
    return text;
  };
  EXPECT_EQ(against([](pb::Event&) {}), "");
  EXPECT_THAT(against([](pb::Event& e) { e.mutable_signers()->RemoveLast(); }),
              HasSubstr("signature of every trustee the genesis names; found none by t-3"));
  EXPECT_THAT(against([](pb::Event& e) { e.mutable_signers(0)->set_person("t-9"); }),
              HasSubstr("found t-9 as TRUSTEE"));
  EXPECT_THAT(against([](pb::Event& e) { e.mutable_signers(0)->set_role(pb::ADMIN); }),
              HasSubstr("found t-1 as ADMIN"));
  EXPECT_THAT(against([](pb::Event& e) { e.mutable_signers(0)->set_key_id(std::string(32, 'k')); }),
              HasSubstr("found t-1 as TRUSTEE"));
  EXPECT_THAT(against([](pb::Event& e) {
                *e.mutable_ledger_created()->mutable_trustees(1) = e.ledger_created().trustees(0);
              }),
              HasSubstr("trustee t-1 is named twice"));
  EXPECT_THAT(
      against([](pb::Event& e) { e.mutable_ledger_created()->set_environment(pb::PRODUCTION); }),
      HasSubstr("R45 an origin that does not begin \"demo.\""));
  EXPECT_THAT(against([](pb::Event& e) { e.mutable_ledger_created()->set_origin("live.example"); }),
              HasSubstr("R45 an origin that begins \"demo.\", as the ledger is a DEMO"));
}

TEST(GenesisTest, StandsOnlyAtTheBeginning) {
  TestLedger world;
  const ParsedEvent& genesis = world.log().front().parsed;
  EXPECT_THAT(ReasonsAgainst(world, genesis), HasSubstr("genesis stands at log index 0"));
  Registry empty;
  EXPECT_THAT(empty.Apply(world.log()[1].parsed, 0),
              StatusIs(StatusCode::kFailedPrecondition, "first event must be its genesis"));
  EXPECT_THAT(empty.Apply(genesis, 3), StatusIs(StatusCode::kFailedPrecondition, "found index 3"));
  EXPECT_FALSE(empty.created());
  CUSTODY_ASSERT_OK(empty.Apply(genesis, 0));
  EXPECT_EQ(empty.genesis(), genesis.event_id);
  EXPECT_EQ(empty.quorum(), 2U);
  EXPECT_EQ(empty.environment(), pb::DEMO);
}

// Quorum.

TEST_F(RegistryTest, TrusteesDecideTogether) {
  const auto organisation = [&](EventBuilder act) {
    act.event().mutable_organisation_enrolled()->set_organisation("NEW");
    act.event().mutable_organisation_enrolled()->set_name("New");
    act.event().mutable_organisation_enrolled()->set_kind(pb::MANUFACTURER);
    return Against(act);
  };
  EXPECT_EQ(organisation(Quorum()), "");
  EXPECT_THAT(
      organisation(ledger_.On("registry").By("t-1")),
      HasSubstr("R01 STRUCTURE organisation_enrolled: expected the signatures of 2 trustees; "
                "found t-1 as TRUSTEE"));
  EXPECT_THAT(organisation(ledger_.On("registry").By("t-1").By("clinic.registrar.1")),
              HasSubstr("expected the signatures of 2 trustees"));
  EXPECT_THAT(organisation(ledger_.On("registry").By("clinic.admin.1").By("clinic.admin.2")),
              HasSubstr("expected the signatures of 2 trustees"));
}

TEST_F(RegistryTest, EveryQuorumActIsRefusedToRegistrars) {
  for (const char* body :
       {"ledger_continued", "organisation_enrolled", "site_enrolled", "profile_published",
        "rules_adopted", "schema_published", "witness_enrolled", "trustees_changed"}) {
    EventBuilder act = Registrars("registry");
    act.event().GetReflection()->MutableMessage(&act.event(), FindBody(body));
    ParsedEvent parsed;
    parsed.event = act.Build();
    EXPECT_THAT(ReasonsAgainst(ledger_, parsed), HasSubstr("expected the signatures of 2 trustees"))
        << body;
  }
}

// People.

TEST_F(RegistryTest, TwoRegistrarsOfTheSiteEnrolAPerson) {
  const auto person = [&](EventBuilder act) {
    Person(act, "new.rn", pb::RN);
    return Against(act);
  };
  EXPECT_EQ(person(Registrars()), "");
  EXPECT_THAT(person(ledger_.On("registry/CLINIC").By("clinic.registrar.1")),
              HasSubstr("expected the signatures of two registrars of CLINIC"));
  EXPECT_THAT(person(ledger_.On("registry/CLINIC").By("lab.registrar.1").By("lab.registrar.2")),
              HasSubstr("expected the signatures of two registrars of CLINIC"));
  EXPECT_THAT(person(ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.admin.1")),
              HasSubstr("expected the signatures of two registrars of CLINIC"));
  EXPECT_THAT(person(ledger_.On("registry/CLINIC").By("t-1").By("t-2")),
              HasSubstr("expected the signatures of two registrars of CLINIC"));
}

TEST_F(RegistryTest, TheQuorumEnrolsRegistrarsOnlyWhereThereAreFewerThanTwo) {
  const auto registrar = [&](EventBuilder act) {
    Person(act, "clinic.registrar.3", pb::REGISTRAR);
    return Against(act);
  };
  const auto trustees = [&] { return ledger_.On("registry/CLINIC").By("t-1").By("t-2"); };
  EXPECT_THAT(registrar(trustees()), HasSubstr("expected the signatures of two registrars"));
  EXPECT_EQ(registrar(Registrars()), "");
  EventBuilder lost = ledger_.On("registry/CLINIC").By("clinic.registrar.2");
  Revocation(lost, ledger_.person("clinic.registrar.2").key);
  lost.Record();
  EXPECT_EQ(registrar(trustees()), "");
  EventBuilder nurse = trustees();
  Person(nurse, "new.rn", pb::RN);
  EXPECT_THAT(Against(nurse), HasSubstr("expected the signatures of two registrars"));
  // And the first key of that registrar.
  EventBuilder enrolled = trustees();
  Person(enrolled, "clinic.registrar.3", pb::REGISTRAR);
  enrolled.Record();
  EventBuilder key = trustees();
  Key(key, "clinic.registrar.3", NewKey("registrar"));
  EXPECT_EQ(Against(key), "");
}

TEST_F(RegistryTest, RolesThatMustNotMeetAreRefused) {
  const auto roles = [&](std::initializer_list<pb::Role> held) {
    EventBuilder act = Registrars();
    Person(act, "new", pb::RN);
    act.event().mutable_person_enrolled()->clear_roles();
    for (const pb::Role role : held) act.event().mutable_person_enrolled()->add_roles(role);
    return Against(act);
  };
  EXPECT_EQ(roles({pb::RN, pb::COORD}), "");
  EXPECT_EQ(roles({pb::ADMIN}), "");
  EXPECT_EQ(roles({pb::REGISTRAR, pb::AUDITOR}), "");
  EXPECT_THAT(roles({pb::ADMIN, pb::AUDITOR}), HasSubstr("an administrator holds no other role"));
  EXPECT_THAT(roles({pb::REGISTRAR, pb::RN}),
              HasSubstr("a registrar holds no clinical or lab role, found RN"));
  EXPECT_THAT(roles({pb::DEVICE, pb::RN}), HasSubstr("a device holds no other role"));
  EXPECT_THAT(roles({pb::TRUSTEE}), HasSubstr("trustees are named by the genesis"));
}

TEST_F(RegistryTest, APersonBelongsToTheChainThatEnrolledThem) {
  EventBuilder act = ledger_.On("registry/OTHER").By("other.registrar.1").By("other.registrar.2");
  Person(act, "clinic.rn.1", pb::PHY, "OTHER", "OTHER-HOSPITAL");
  EXPECT_THAT(Against(act), HasSubstr("person clinic.rn.1 was enrolled in registry/CLINIC"));
  EventBuilder trustee = Registrars();
  Person(trustee, "t-1", pb::RN);
  EXPECT_THAT(Against(trustee), HasSubstr("person t-1 was enrolled in registry"));
}

TEST_F(RegistryTest, SitesOfAPersonAreOfTheirOrganisationAndAgreeToIt) {
  EventBuilder elsewhere = Registrars();
  Person(elsewhere, "new", pb::RN, "LAB", "MAKER");
  EXPECT_THAT(Against(elsewhere), HasSubstr("name that site too"));
  EventBuilder both = Registrars();
  Person(both, "new", pb::RN);
  both.event().mutable_person_enrolled()->add_sites("LAB");
  EXPECT_THAT(Against(both), HasSubstr("site LAB belongs to MAKER"));
  EventBuilder wing = Quorum();
  pb::SiteEnrolled& site = *wing.event().mutable_site_enrolled();
  site.set_site("WING");
  site.set_organisation("HOSPITAL");
  site.set_name("Wing");
  site.set_time_zone("Europe/Berlin");
  EXPECT_EQ(Against(wing), "");
  wing.Record();
  EventBuilder access = Registrars();
  Person(access, "new", pb::RN);
  access.event().mutable_person_enrolled()->add_sites("WING");
  EXPECT_THAT(Against(access), HasSubstr("expected the signatures of two registrars of WING too"));
}

TEST_F(RegistryTest, APersonWhoLeavesHoldsNothingAndMayReturn) {
  EventBuilder left = Registrars();
  left.event().mutable_person_retired()->set_person("clinic.rn.1");
  left.event().mutable_person_retired()->set_reason("moved");
  EXPECT_EQ(Against(left), "");
  left.Record();
  const EnrolledPerson* person = ledger_.registry().FindPerson("clinic.rn.1");
  ASSERT_NE(person, nullptr);
  EXPECT_TRUE(person->retired);
  EXPECT_TRUE(person->roles.empty());
  EXPECT_TRUE(person->sites.empty());
  EventBuilder again = Registrars();
  again.event().mutable_person_retired()->set_person("clinic.rn.1");
  again.event().mutable_person_retired()->set_reason("moved");
  EXPECT_THAT(Against(again), HasSubstr("person clinic.rn.1 is not at work"));
  EventBuilder back = Registrars();
  Person(back, "clinic.rn.1", pb::APP);
  EXPECT_EQ(Against(back), "");
  back.Record();
  person = ledger_.registry().FindPerson("clinic.rn.1");
  EXPECT_FALSE(person->retired);
  EXPECT_THAT(person->printed_names, testing::ElementsAre("Name of clinic.rn.1", "A Name"));
}

// Keys.

TEST_F(RegistryTest, AFirstKeyNeedsTwoRegistrarsALaterOneTheirOwnSignature) {
  EventBuilder person = Registrars();
  Person(person, "new.rn", pb::RN);
  person.event().mutable_person_enrolled()->set_printed_name("Name of new.rn");
  person.Record();
  const PrivateKey& first = ledger_.MakePerson("CLINIC", pb::RN, "new.rn").key;
  // A key cannot enrol itself.
  EventBuilder own = ledger_.On("registry/CLINIC").By("new.rn");
  Key(own, "new.rn", first);
  EXPECT_THAT(Against(own), HasSubstr("found a key that is not enrolled"));
  EXPECT_THAT(Against(own), HasSubstr("registrars of CLINIC, as this is the person's first key"));
  EventBuilder enrolled = Registrars();
  Key(enrolled, "new.rn", first);
  EXPECT_EQ(Against(enrolled), "");
  enrolled.Record();
  EventBuilder later = ledger_.On("registry/CLINIC").By("new.rn");
  Key(later, "new.rn", NewKey("second"));
  EXPECT_EQ(Against(later), "");
  EventBuilder for_another = ledger_.On("registry/CLINIC").By("clinic.rn.1");
  Key(for_another, "new.rn", NewKey("third"));
  EXPECT_THAT(Against(for_another), HasSubstr("or the person's own by a current key"));
}

TEST_F(RegistryTest, AKeyBelongsToOnePersonForEver) {
  EventBuilder twice = Registrars();
  Key(twice, "clinic.rn.2", ledger_.person("clinic.rn.1").key);
  EXPECT_THAT(Against(twice), HasSubstr("was enrolled before, for clinic.rn.1"));
}

TEST_F(RegistryTest, TheProofOfPossessionMustHold) {
  const TestLedger other(pb::DEMO, "two");
  const PrivateKey key = NewKey("key");
  EventBuilder elsewhere = Registrars();
  Key(elsewhere, "clinic.rn.1", key, other.genesis());
  EXPECT_THAT(Against(elsewhere), HasSubstr("key request was made for another ledger"));
  EventBuilder another = Registrars();
  Key(another, "clinic.rn.2", key);
  another.event().mutable_key_enrolled()->set_person("clinic.rn.1");
  EXPECT_THAT(Against(another), HasSubstr("key request was made by clinic.rn.2, not by"));
  EventBuilder stolen = Registrars();
  Key(stolen, "clinic.rn.1", key);
  stolen.event().mutable_key_enrolled()->set_spki(NewKey("other").public_key().spki());
  EXPECT_THAT(Against(stolen), HasSubstr("names another key than the one to be enrolled"));
  EventBuilder unsigned_request = Registrars();
  Key(unsigned_request, "clinic.rn.1", key);
  (*unsigned_request.event().mutable_key_enrolled()->mutable_request_signature())[0] ^= 1;
  EXPECT_THAT(Against(unsigned_request), HasSubstr("key request: "));
  EventBuilder garbled = Registrars();
  Key(garbled, "clinic.rn.1", key);
  garbled.event().mutable_key_enrolled()->mutable_request()->append("\xF8\x01\x01");
  EXPECT_THAT(Against(garbled), HasSubstr("KeyRequest: unknown field 31"));
  EXPECT_THAT(SignKeyRequest(ledger_.genesis(), "x", key, "short"),
              StatusIs(StatusCode::kInvalidArgument, "needs 32 random bytes, found 5"));
  EventBuilder nobody = Registrars();
  Key(nobody, "nobody", key);
  EXPECT_THAT(Against(nobody), HasSubstr("person nobody is not enrolled"));
}

TEST_F(RegistryTest, AKeyIsRevokedByARegistrarByItselfOrByTheQuorum) {
  const PrivateKey& key = ledger_.person("clinic.rn.1").key;
  const auto revoked = [&](EventBuilder act) {
    Revocation(act, key);
    return Against(act);
  };
  EXPECT_EQ(revoked(ledger_.On("registry/CLINIC").By("clinic.registrar.1")), "");
  EXPECT_EQ(revoked(ledger_.On("registry/CLINIC").By("clinic.rn.1")), "");
  EXPECT_EQ(revoked(ledger_.On("registry/CLINIC").By("t-1").By("t-2")), "");
  EXPECT_EQ(revoked(ledger_.On("registry").By("t-1").By("t-2")), "");
  for (const char* other : {"clinic.rn.2", "clinic.admin.1", "lab.registrar.1", "t-1"}) {
    EXPECT_THAT(revoked(ledger_.On("registry/CLINIC").By(other)),
                HasSubstr("expected the signature of a registrar of CLINIC or of the key itself"))
        << other;
  }
  EXPECT_THAT(revoked(ledger_.On("registry/LAB").By("lab.registrar.1")),
              HasSubstr("of registry/CLINIC, it is revoked there"));
}

TEST_F(RegistryTest, ASecondRevocationMayOnlySayThatTheKeyWasStolenEarlier) {
  const PrivateKey& key = ledger_.person("clinic.rn.1").key;
  const auto revocation = [&](std::int64_t hours_ago) {
    EventBuilder act = ledger_.On("registry/CLINIC").By("clinic.registrar.1");
    Revocation(act, key);
    if (hours_ago > 0) {
      *act.event().mutable_key_revoked()->mutable_compromised_since() =
          ToProto(ledger_.now() + -hours_ago * kMicrosPerHour);
    }
    return act;
  };
  const std::uint64_t first = revocation(2).Record().index;
  EXPECT_THAT(Against(revocation(0)),
              HasSubstr("was revoked at log index " + std::to_string(first)));
  EXPECT_THAT(Against(revocation(1)), HasSubstr("was revoked at log index"));
  EXPECT_EQ(Against(revocation(3)), "");
  revocation(3).Record();
  const EnrolledKey* enrolled = ledger_.registry().FindKey(key.key_id());
  EXPECT_EQ(enrolled->revoked_at, first);
  EXPECT_EQ(enrolled->compromised_since, ledger_.now() + -3 * kMicrosPerHour);
}

// Stations, sites, organisations.

TEST_F(RegistryTest, StationsBelongToTheirSiteAndAreNotReused) {
  const auto station = [&](EventBuilder act, std::string_view id, std::string_view site) {
    act.event().mutable_station_enrolled()->set_station(std::string(id));
    act.event().mutable_station_enrolled()->set_site(std::string(site));
    act.event().mutable_station_enrolled()->set_name("A station");
    return Against(act);
  };
  EXPECT_EQ(station(Registrars(), "new", "CLINIC"), "");
  EXPECT_EQ(station(Registrars(), "clinic.station.1", "CLINIC"), "");  // a new certificate
  EXPECT_THAT(station(Registrars(), "new", "LAB"), HasSubstr("cannot be enrolled in"));
  EXPECT_THAT(station(Registrars(), "lab.station.1", "CLINIC"), HasSubstr("is taken by site LAB"));
  EXPECT_THAT(station(ledger_.On("registry/CLINIC").By("clinic.registrar.1"), "new", "CLINIC"),
              HasSubstr("expected the signatures of two registrars of CLINIC"));
  EventBuilder retired = Registrars();
  retired.event().mutable_station_retired()->set_station("clinic.station.2");
  retired.event().mutable_station_retired()->set_reason("broken");
  EXPECT_EQ(Against(retired), "");
  retired.Record();
  EXPECT_THAT(station(Registrars(), "clinic.station.2", "CLINIC"),
              HasSubstr("is taken by a retired station"));
}

TEST_F(RegistryTest, SitesAndOrganisationsKeepWhatTheyAre) {
  EventBuilder moved = Quorum();
  pb::SiteEnrolled& site = *moved.event().mutable_site_enrolled();
  site.set_site("CLINIC");
  site.set_organisation("MAKER");
  site.set_name("Clinic");
  site.set_time_zone("Europe/Berlin");
  EXPECT_THAT(Against(moved), HasSubstr("site CLINIC belongs to HOSPITAL"));
  site.set_organisation("NOBODY");
  EXPECT_THAT(Against(moved), HasSubstr("organisation NOBODY is not enrolled"));
  site.set_organisation("HOSPITAL");
  site.add_facility_numbers("G1234");
  EXPECT_THAT(Against(moved), HasSubstr("R45 STRUCTURE site_enrolled.facility_numbers"));
  EventBuilder kind = Quorum();
  kind.event().mutable_organisation_enrolled()->set_organisation("MAKER");
  kind.event().mutable_organisation_enrolled()->set_name("Maker");
  kind.event().mutable_organisation_enrolled()->set_kind(pb::CARRIER);
  EXPECT_THAT(Against(kind), HasSubstr("enrolled with another kind"));
}

// Profiles, rules, schema, witnesses.

TEST_F(RegistryTest, ProfilesAreOfThisEnvironmentAndOnlyNewer) {
  const auto publication = [&](std::uint32_t version, pb::Environment environment) {
    EventBuilder act = Quorum();
    pb::Profile& profile = *act.event().mutable_profile_published()->mutable_profile();
    profile.set_name("general");
    profile.set_version(version);
    profile.set_environment(environment);
    return act;
  };
  EXPECT_EQ(Against(publication(2, pb::DEMO)), "");
  publication(2, pb::DEMO).Record();
  EXPECT_EQ(ledger_.registry().FindProfile("general")->version(), 2U);
  EXPECT_THAT(Against(publication(2, pb::DEMO)), HasSubstr("in force with version 2, found "
                                                           "version 2"));
  EXPECT_THAT(Against(publication(3, pb::PRODUCTION)),
              HasSubstr("R45 STRUCTURE profile_published.profile.environment: expected a profile "
                        "made for DEMO; found one made for PRODUCTION"));
  EXPECT_EQ(ledger_.registry().FindProfile("other"), nullptr);
}

TEST_F(RegistryTest, AnImpossibleNumberOfAProfileIsATypingError) {
  EventBuilder act = Quorum();
  pb::Profile& profile = *act.event().mutable_profile_published()->mutable_profile();
  profile.set_name("general");
  profile.set_version(2);
  profile.set_environment(pb::DEMO);
  CUSTODY_EXPECT_OK(CheckShape(act.event(), nullptr));
  profile.mutable_ld()->set_max_days(4'000'000'000);
  EXPECT_THAT(CheckShape(act.event(), nullptr),
              StatusIs(StatusCode::kInvalidArgument, "Latest infusion after lymphodepletion"));
}

TEST_F(RegistryTest, RulesGoForwardsOnly) {
  const auto adoption = [&](std::uint32_t version) {
    EventBuilder act = Quorum();
    act.event().mutable_rules_adopted()->set_rules_version(version);
    act.event().mutable_rules_adopted()->set_reason("new rules");
    return act;
  };
  EXPECT_THAT(Against(adoption(1)), HasSubstr("rules version 1 is in force, found 1"));
  EXPECT_EQ(Against(adoption(2)), "");
  adoption(2).Record();
  EXPECT_EQ(ledger_.registry().rules_version(), 2U);
}

TEST_F(RegistryTest, WhatThisProgramDoesNotHaveIsNotAdmitted) {
  const auto against = [](const ParsedEvent& act) {
    pb::Verdict verdict;
    CheckServable(act, verdict);
    EXPECT_EQ(verdict.refused(), verdict.reasons_size() > 0);
    return verdict.reasons_size() == 0 ? "" : Explain(verdict);
  };
  EventBuilder act = Quorum();
  act.event().mutable_rules_adopted()->set_reason("new rules");
  act.event().mutable_rules_adopted()->set_rules_version(kNewestRulesVersion);
  EXPECT_EQ(against(act.Parse()), "");
  act.event().mutable_rules_adopted()->set_rules_version(999);
  EXPECT_THAT(against(act.Parse()),
              HasSubstr("R01 refused [rules_adopted]: expected a rules version that this program "
                        "knows, 1 to 1; found rules version 999"));
  act.event().mutable_schema_published()->set_schema_sha256(Sha256(Schema()).ToString());
  EXPECT_EQ(against(act.Parse()), "");
  act.event().mutable_schema_published()->set_schema_sha256(Sha256("new").ToString());
  EXPECT_THAT(against(act.Parse()), HasSubstr("found " + Sha256("new").ToHex()));
  ParsedEvent genesis;
  genesis.event = ledger_.log().front().parsed.event;
  EXPECT_EQ(against(genesis), "");
  genesis.event.mutable_ledger_created()->set_rules_version(999);
  EXPECT_THAT(against(genesis), HasSubstr("found rules version 999"));
  genesis.event.mutable_ledger_created()->set_rules_version(1);
  genesis.event.mutable_ledger_created()->set_schema_sha256(Sha256("new").ToString());
  EXPECT_THAT(against(genesis), HasSubstr("the schema that this program has"));
}

TEST_F(RegistryTest, WitnessesCosignWithKeysOfTheirOwnType) {
  const auto witness = [&](NoteKeyType type) {
    EventBuilder act = Quorum();
    act.event().mutable_witness_enrolled()->set_name("w");
    act.event().mutable_witness_enrolled()->set_witness_key(
        Must(NoteVerifier::Of("w.example", type, NewKey("w").public_key())).ToString());
    return act;
  };
  EXPECT_EQ(Against(witness(NoteKeyType::kCosignatureV1)), "");
  EXPECT_THAT(Against(witness(NoteKeyType::kEd25519)), HasSubstr("must be of type 0x04"));
  EventBuilder schema = Quorum();
  schema.event().mutable_schema_published()->set_schema_sha256(Sha256("new").ToString());
  schema.Record();
  EXPECT_EQ(ledger_.registry().schema_sha256(), Sha256("new"));
}

TEST_F(RegistryTest, AContinuationFollowsTheGenesisAtOnce) {
  EventBuilder act = Quorum();
  pb::LedgerContinued& body = *act.event().mutable_ledger_continued();
  body.set_old_origin("demo.old");
  body.set_old_log_key("key");
  body.set_last_checkpoint("checkpoint");
  body.set_kept_root(Sha256("root").ToString());
  body.set_kept_size(5);
  body.set_lost_entries(0);
  body.set_reason("restored");
  EXPECT_THAT(Against(act), HasSubstr("first event after the genesis, sequence 1, found sequence"));
}

// Trustees.

class TrusteesTest : public RegistryTest {
 protected:
  // `listed` and quorum 2; a proof for each key of `proved`.
  EventBuilder Change(const std::vector<const TestPerson*>& listed,
                      const std::vector<const TestPerson*>& proved) {
    EventBuilder act = Quorum();
    pb::TrusteesChanged& body = *act.event().mutable_trustees_changed();
    for (const TestPerson* person : listed) {
      pb::Trustee* trustee = body.add_trustees();
      trustee->set_person(person->id);
      trustee->set_printed_name(person->printed_name);
      trustee->set_spki(person->key.public_key().spki());
    }
    for (const TestPerson* person : proved) {
      *body.add_proofs() =
          Must(SignKeyRequest(ledger_.genesis(), person->id, person->key, Sha256("r").view()));
    }
    body.set_quorum(2);
    body.set_reason("succession");
    return act;
  }
};

TEST_F(TrusteesTest, TheNewListReplacesTheOldFromItsIndexOn) {
  const TestPerson& one = ledger_.person("t-1");
  const TestPerson& next = ledger_.MakePerson("", pb::TRUSTEE, "t-4");
  EXPECT_THAT(Against(Change({&one, &next}, {})), HasSubstr("no proof that trustee t-4 holds key"));
  EXPECT_EQ(Against(Change({&one, &next}, {&next})), "");
  const std::uint64_t at = Change({&one, &next}, {&next}).Record().index;
  EXPECT_TRUE(ledger_.registry().FindPerson("t-4")->trustee);
  EXPECT_FALSE(ledger_.registry().FindPerson("t-2")->trustee);
  EXPECT_EQ(ledger_.registry().FindKey(ledger_.person("t-2").key.key_id())->revoked_at, at);
  const auto adopt = [&](EventBuilder act) {
    act.event().mutable_rules_adopted()->set_rules_version(2);
    act.event().mutable_rules_adopted()->set_reason("new rules");
    return Against(act);
  };
  EXPECT_EQ(adopt(ledger_.On("registry").By("t-1").By("t-4")), "");
  EXPECT_THAT(adopt(Quorum()), HasSubstr("expected the signatures of 2 trustees"));
}

TEST_F(TrusteesTest, ATrusteeIsNobodyElse) {
  const TestPerson& one = ledger_.person("t-1");
  const TestPerson& nurse = ledger_.person("clinic.rn.1");
  EXPECT_THAT(Against(Change({&one, &nurse}, {})),
              HasSubstr("clinic.rn.1 is enrolled in registry/CLINIC"));
  EXPECT_THAT(Against(Change({&one, &one}, {})), HasSubstr("trustee t-1 is named twice"));
}

TEST_F(RegistryTest, ARefusedActChangesNothing) {
  Registry registry = ledger_.registry();
  EventBuilder twice = Registrars();
  Key(twice, "clinic.rn.2", ledger_.person("clinic.rn.1").key);
  EXPECT_THAT(registry.Apply(twice.Parse(), ledger_.next_index()),
              StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(registry.version(), ledger_.registry().version());
  EXPECT_EQ(registry.keys().size(), ledger_.registry().keys().size());
}

}  // namespace
}  // namespace custody
