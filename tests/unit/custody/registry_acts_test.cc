// Every act of the registry by everybody: each kind of act is tried by every set of people, and
// only the sets that FORMATS.md section 8 names pass. What passes is then spoilt in every way a
// signer can be wrong, and must not pass any more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "crypto/note.h"
#include "tests/support/authority_case.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using testing::HasSubstr;
using People = std::vector<std::string>;

// Everybody who might try. A "*" before an id: nobody ever enrolled them; a "!": their key was
// revoked.
const std::vector<People> kPeople = {
    {"t-1"},
    {"t-1", "t-2"},
    {"t-1", "t-2", "t-3"},
    {"t-1", "clinic.registrar.1"},
    {"t-1", "t-2", "clinic.rn.1"},
    {"t-1", "*t-4"},
    {"t-1", "!t-3"},
    {"clinic.registrar.1"},
    {"clinic.registrar.1", "clinic.registrar.2"},
    {"clinic.registrar.1", "clinic.registrar.2", "t-1"},
    {"clinic.registrar.1", "clinic.rn.1"},
    {"clinic.registrar.1", "lab.registrar.1"},
    {"clinic.registrar.1", "*clinic.registrar.3"},
    {"lab.registrar.1"},
    {"lab.registrar.1", "lab.registrar.2"},
    {"clinic.admin.1", "clinic.admin.2"},
    {"clinic.rn.1"},
    {"clinic.rn.2"},
    {"clinic.rn.1", "clinic.rn.2"},
    {"clinic.phy.1", "clinic.qa.1"},
    {"*clinic.rn.8"},
};
const std::vector<People> kQuorum = {{"t-1", "t-2"}, {"t-1", "t-2", "t-3"}};
const std::vector<People> kRegistrars = {{"clinic.registrar.1", "clinic.registrar.2"}};

std::vector<People> Either(std::vector<People> some, const std::vector<People>& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

class RegistryActsTest : public testing::Test {
 protected:
  struct Act {
    std::string name;
    std::string chain;
    std::vector<People> allowed;
    std::function<void(pb::Event&)> fill;
  };

  RegistryActsTest() {
    for (const char* id : {"clinic.registrar.3", "clinic.rn.8"})
      ledger_.MakePerson("CLINIC", pb::RN, id);
    ledger_.MakePerson("", pb::TRUSTEE, "t-4");
    ledger_.MakePerson("CLINIC", pb::RN, "clinic.rn.9");
    EventBuilder person =
        ledger_.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
    FillPerson(person.event(), "clinic.rn.9", pb::RN);
    person.Record();  // enrolled, and has no key yet
  }

  static void FillPerson(pb::Event& event, const std::string& id, pb::Role role) {
    pb::PersonEnrolled& body = *event.mutable_person_enrolled();
    body.set_person(id);
    body.set_printed_name("Name of " + id);
    body.set_organisation("HOSPITAL");
    body.add_sites("CLINIC");
    body.add_roles(role);
  }
  void FillKey(pb::Event& event, const std::string& person, std::string_view seed) {
    const PrivateKey key = Must(PrivateKey::FromSeed(Sha256(seed).view()));
    const pb::KeyProof proof =
        Must(SignKeyRequest(ledger_.genesis(), person, key, Sha256("r").view()));
    pb::KeyEnrolled& body = *event.mutable_key_enrolled();
    body.set_person(person);
    body.set_spki(key.public_key().spki());
    body.set_request(proof.request());
    body.set_request_signature(proof.request_signature());
  }
  void FillRevocation(pb::Event& event, const std::string& person) {
    event.mutable_key_revoked()->set_key_id(ledger_.person(person).key.key_id().ToString());
    event.mutable_key_revoked()->set_reason("lost");
  }

  std::vector<Act> ActsOfTheQuorum();
  std::vector<Act> ActsOfTheSite();
  std::vector<Act> Acts() {
    std::vector<Act> acts = ActsOfTheQuorum();
    for (Act& act : ActsOfTheSite()) acts.push_back(std::move(act));
    return acts;
  }
  EventBuilder Draft(const Act& act, const People& people) {
    EventBuilder event = ledger_.On(act.chain);
    for (std::string id : people) {
      const char mark = id[0];
      if (mark == '*' || mark == '!') id.erase(0, 1);
      const TestPerson& person = ledger_.person(id);
      event.By(id, person.role, pb::APPROVED);
    }
    act.fill(event.event());
    return event;
  }
  std::string Against(const EventBuilder& event) { return ReasonsAgainst(ledger_, event.Parse()); }

  TestLedger ledger_;
};

std::vector<RegistryActsTest::Act> RegistryActsTest::ActsOfTheQuorum() {
  const auto quorum = [](std::string name, std::function<void(pb::Event&)> fill) {
    return Act{std::move(name), "registry", kQuorum, std::move(fill)};
  };
  return {
      quorum("organisation",
             [](pb::Event& event) {
               pb::OrganisationEnrolled& body = *event.mutable_organisation_enrolled();
               body.set_organisation("NEW");
               body.set_name("New");
               body.set_kind(pb::MANUFACTURER);
             }),
      quorum("site",
             [](pb::Event& event) {
               pb::SiteEnrolled& body = *event.mutable_site_enrolled();
               body.set_site("WING");
               body.set_organisation("HOSPITAL");
               body.set_name("Wing");
               body.set_time_zone("Europe/Berlin");
             }),
      quorum("profile",
             [](pb::Event& event) {
               pb::Profile& profile = *event.mutable_profile_published()->mutable_profile();
               profile.set_name("general");
               profile.set_version(1);
               profile.set_environment(pb::DEMO);
             }),
      quorum("rules",
             [](pb::Event& event) {
               event.mutable_rules_adopted()->set_rules_version(2);
               event.mutable_rules_adopted()->set_reason("new rules");
             }),
      quorum("schema",
             [](pb::Event& event) {
               event.mutable_schema_published()->set_schema_sha256(Sha256("new").ToString());
             }),
      quorum(
          "witness",
          [](pb::Event& event) {
            const PrivateKey key = Must(PrivateKey::FromSeed(Sha256("w").view()));
            event.mutable_witness_enrolled()->set_name("w");
            event.mutable_witness_enrolled()->set_witness_key(
                Must(NoteVerifier::Of("w.example", NoteKeyType::kCosignatureV1, key.public_key()))
                    .ToString());
          }),
      quorum("trustees",
             [this](pb::Event& event) {
               pb::TrusteesChanged& body = *event.mutable_trustees_changed();
               for (const char* id : {"t-1", "t-2"}) {
                 pb::Trustee& trustee = *body.add_trustees();
                 trustee.set_person(id);
                 trustee.set_printed_name(ledger_.person(id).printed_name);
                 trustee.set_spki(ledger_.person(id).key.public_key().spki());
               }
               body.set_quorum(1);
               body.set_reason("fewer");
             }),
      {"a trustee's further key", "registry", Either(kQuorum, {{"t-1"}}),
       [this](pb::Event& event) { FillKey(event, "t-1", "further key of t-1"); }},
      {"revocation of a trustee's key", "registry", Either(kQuorum, {{"t-1"}}),
       [this](pb::Event& event) { FillRevocation(event, "t-1"); }},
      {"revocation of a nurse's key by the trustees", "registry",
       Either(kQuorum, {{"clinic.rn.1"}}),
       [this](pb::Event& event) { FillRevocation(event, "clinic.rn.1"); }},
  };
}

std::vector<RegistryActsTest::Act> RegistryActsTest::ActsOfTheSite() {
  const auto site = [](std::string name, std::vector<People> allowed,
                       std::function<void(pb::Event&)> fill) {
    return Act{std::move(name), "registry/CLINIC", std::move(allowed), std::move(fill)};
  };
  return {
      site("person", kRegistrars,
           [](pb::Event& event) { FillPerson(event, "clinic.new", pb::RN); }),
      site("registrar", kRegistrars,
           [](pb::Event& event) { FillPerson(event, "clinic.new", pb::REGISTRAR); }),
      site("first key", kRegistrars,
           [this](pb::Event& event) { FillKey(event, "clinic.rn.9", "first key of rn.9"); }),
      site("further key", Either(kRegistrars, {{"clinic.rn.1"}}),
           [this](pb::Event& event) { FillKey(event, "clinic.rn.1", "further key of rn.1"); }),
      site("revocation",
           Either(Either(kQuorum, kRegistrars), {{"clinic.registrar.1"}, {"clinic.rn.1"}}),
           [this](pb::Event& event) { FillRevocation(event, "clinic.rn.1"); }),
      site("person retired", Either(kQuorum, kRegistrars),
           [](pb::Event& event) {
             event.mutable_person_retired()->set_person("clinic.rn.1");
             event.mutable_person_retired()->set_reason("left");
           }),
      site("station", kRegistrars,
           [](pb::Event& event) {
             event.mutable_station_enrolled()->set_station("clinic.station.9");
             event.mutable_station_enrolled()->set_site("CLINIC");
             event.mutable_station_enrolled()->set_name("A station");
           }),
      site("station retired", Either(kQuorum, kRegistrars),
           [](pb::Event& event) {
             event.mutable_station_retired()->set_station("clinic.station.1");
             event.mutable_station_retired()->set_reason("broken");
           }),
  };
}

TEST_F(RegistryActsTest, EveryActIsForThoseOnlyWhomTheFormatsName) {
  std::size_t refused = 0;
  for (const bool revoked : {false, true}) {
    if (revoked) {
      EventBuilder lost = ledger_.On("registry").By("t-1").By("t-2");
      FillRevocation(lost.event(), "t-3");
      lost.Record();
    }
    for (const Act& act : Acts()) {
      for (const People& people : kPeople) {
        const bool marked_revoked = people.back() == "!t-3";
        // With the third trustee's key revoked, a set that needs it is no quorum any more.
        if (marked_revoked != revoked) continue;
        const std::string reasons = Against(Draft(act, people));
        const bool allowed = std::ranges::find(act.allowed, people) != act.allowed.end();
        EXPECT_EQ(reasons.empty(), allowed)
            << act.name << " by " << testing::PrintToString(people) << "\n"
            << reasons;
        if (!allowed) {
          EXPECT_THAT(reasons, HasSubstr("R01 STRUCTURE"));
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(refused, 300U);
}

TEST_F(RegistryActsTest, NoActPassesWithOneSignerSpoilt) {
  const TestLedger other(pb::DEMO, "two");
  const std::vector<std::pair<std::string, std::function<void(pb::Event&)>>> spoils = {
      {"another's key",
       [this](pb::Event& e) {
         e.mutable_signers(0)->set_key_id(ledger_.person("clinic.phy.1").key.key_id().ToString());
       }},
      {"a key that nobody has",
       [](pb::Event& e) { e.mutable_signers(0)->set_key_id(std::string(32, 'k')); }},
      {"another person", [](pb::Event& e) { e.mutable_signers(0)->set_person("clinic.phy.1"); }},
      {"another name", [](pb::Event& e) { e.mutable_signers(0)->set_printed_name("Else"); }},
      {"a role not held", [](pb::Event& e) { e.mutable_signers(0)->set_role(pb::QP); }},
      {"another ledger", [&](pb::Event& e) { e.set_ledger(other.genesis().ToString()); }},
  };
  for (const Act& act : Acts()) {
    for (const People& people : act.allowed) {
      for (const auto& [how, spoil] : spoils) {
        ParsedEvent spoilt;
        spoilt.event = Draft(act, people).Build();
        spoil(spoilt.event);
        EXPECT_THAT(ReasonsAgainst(ledger_, spoilt), HasSubstr("R01 STRUCTURE"))
            << act.name << " with " << how;
      }
    }
  }
}

// One person cannot be two by signing twice, with one key or with two.
TEST_F(RegistryActsTest, OnePersonIsNoQuorum) {
  EventBuilder further = ledger_.On("registry").By("t-1");
  FillKey(further.event(), "t-1", "further key of t-1");
  further.Record();
  for (const Act& act : Acts()) {
    for (const char* id : {"t-1", "clinic.registrar.1"}) {
      pb::Event event = Draft(act, {id, id}).Build();
      EXPECT_FALSE(CheckShape(event, nullptr).ok()) << act.name;
      const PrivateKey second = Must(PrivateKey::FromSeed(Sha256("further key of t-1").view()));
      event.mutable_signers(1)->set_key_id(second.key_id().ToString());
      EXPECT_FALSE(CheckShape(event, nullptr).ok()) << act.name << " with two keys";
    }
  }
}

// An act that one ledger accepted is worth nothing in another that has the same people and keys.
TEST_F(RegistryActsTest, AnActOfOneLedgerIsNoActOfAnother) {
  TestLedger other(pb::DEMO, "two");
  for (const Act& act : Acts()) {
    const ParsedEvent parsed = Draft(act, act.allowed.front()).Parse();
    EXPECT_THAT(ReasonsAgainst(other, parsed), HasSubstr("an event of ledger")) << act.name;
  }
}

}  // namespace
}  // namespace custody
