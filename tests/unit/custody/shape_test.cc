// CheckShape and ParseEvent: each refusal by its own words. Every case starts from an event that is
// accepted and breaks one thing.
//
// Long because each fault of an envelope and of its fields has a case of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "crypto/note.h"
#include "tests/support/event_builder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using testing::HasSubstr;
using testing::Not;

TestLedger& World() {
  static TestLedger& world = *new TestLedger;
  return world;
}

// A weight, measured and signed now by a nurse, second event of its therapy.
EventBuilder Weight() {
  EventBuilder weight = World().On("therapy/T1").By("clinic.rn.1");
  weight.After(0, Sha256("the event before"));
  weight.event().mutable_weight_changed()->set_weight_kg(71.5);
  *weight.event().mutable_weight_changed()->mutable_weighed_at() = ToProto(World().now());
  return weight;
}

// The reasons CheckShape gives, one a line: "path: reason".
std::string FaultsOf(const pb::Event& event) {
  pb::BadFields bad;
  const Status status = CheckShape(event, &bad);
  EXPECT_EQ(status.ok(), bad.fields_size() == 0) << status;
  EXPECT_EQ(CheckShape(event, nullptr), status);
  std::string text;
  for (const pb::BadField& field : bad.fields()) {
    text += field.path() + ": " + field.reason() + "\n";
  }
  return text;
}

// The faults of a sound weight after `change`.
template <typename Change>
std::string FaultsAfter(Change change) {
  pb::Event event = Weight().event();
  change(event);
  return FaultsOf(event);
}

TEST(CheckShapeTest, AcceptsASoundEvent) { EXPECT_EQ(FaultsOf(Weight().event()), ""); }

TEST(CheckShapeTest, AcceptsEveryEventOfTheTestWorld) {
  for (const Recorded& recorded : World().log()) {
    EXPECT_EQ(FaultsOf(recorded.parsed.event), "") << recorded.index;
  }
}

TEST(CheckShapeTest, ChainAndBodyMustBelongTogether) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_chain("therapy/lower"); }),
              HasSubstr("chain: chain must be \"registry\""));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_chain("registry/CLINIC"); }),
              HasSubstr("weight_changed does not belong in chain registry/CLINIC"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.mutable_organisation_enrolled(); }),
              HasSubstr("organisation_enrolled does not belong in chain therapy/T1"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_body(); }), HasSubstr("body: event has no body"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.mutable_sealed(); }),
              HasSubstr("sealed: sealed bodies are reserved"));
}

TEST(CheckShapeTest, OnlyOfAPatientWhoIsLostNobodyIsAskedForInfectionsAndSecondCancer) {
  const auto faults = [](pb::VitalStatus status) {
    return FaultsAfter([&](auto& e) {
      pb::Followup& visit = *e.mutable_followup();
      visit.set_visit(pb::VISIT_YEARLY);
      visit.set_year(3);
      *visit.mutable_seen_at() = e.occurred_at();
      visit.set_vital_status(status);
      visit.set_response(pb::RESPONSE_NOT_EVALUATED);
      visit.set_persistence(pb::PERSISTENCE_NOT_TESTED);
    });
  };
  EXPECT_EQ(faults(pb::VITAL_STATUS_LOST), "");
  for (const pb::VitalStatus status :
       {pb::VITAL_STATUS_UNSPECIFIED, pb::VITAL_STATUS_ALIVE, pb::VITAL_STATUS_DEAD}) {
    EXPECT_THAT(faults(status), HasSubstr("followup.infections: Infections is required"));
    EXPECT_THAT(faults(status), HasSubstr("followup.second_cancer: Second cancer is required"));
  }
}

TEST(CheckShapeTest, OfAPatientWhoIsDeadOrLostNobodyIsAskedWhatAVisitFinds) {
  const auto month = [](pb::VitalStatus status) {
    return FaultsAfter([&](auto& e) {
      pb::FollowupD28& visit = *e.mutable_followup_d28();
      *visit.mutable_seen_at() = e.occurred_at();
      visit.set_vital_status(status);
    });
  };
  const auto later = [](pb::VitalStatus status) {
    return FaultsAfter([&](auto& e) {
      pb::FollowupM23& visit = *e.mutable_followup_m23();
      *visit.mutable_seen_at() = e.occurred_at();
      visit.set_vital_status(status);
      if (status != pb::VITAL_STATUS_DEAD) return;
      visit.set_infections(pb::YES);
      visit.set_second_cancer(pb::NO);
    });
  };
  for (const pb::VitalStatus status : {pb::VITAL_STATUS_LOST, pb::VITAL_STATUS_DEAD}) {
    EXPECT_EQ(month(status), "");
    EXPECT_EQ(later(status), "");
  }
  const std::string seen = month(pb::VITAL_STATUS_ALIVE);
  for (const char* field : {"imaging_done", "response", "crs_max_grade", "icans_max_grade",
                            "toxicity_open", "cytopenia_grade"}) {
    EXPECT_THAT(seen, HasSubstr(std::string("followup_d28.") + field)) << seen;
  }
  EXPECT_THAT(later(pb::VITAL_STATUS_ALIVE), HasSubstr("followup_m23.persistence"));
  EXPECT_THAT(later(pb::VITAL_STATUS_ALIVE), HasSubstr("followup_m23.second_cancer"));
}

TEST(CheckShapeTest, EveryBodyBelongsToOneKindOfChain) {
  const auto* body = pb::Event::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    int chains = 0;
    for (const char* chain : {"registry", "registry/CLINIC", "therapy/T1"}) {
      pb::Event event = Weight().event();
      event.set_chain(chain);
      event.GetReflection()->MutableMessage(&event, body->field(i));
      chains += FaultsOf(event).find("does not belong in chain") == std::string::npos ? 1 : 0;
    }
    const int number = body->field(i)->number();
    const bool key = number == pb::Event::kKeyEnrolled || number == pb::Event::kKeyRevoked;
    EXPECT_EQ(chains, number == pb::Event::kSealed ? 3 : (key ? 2 : 1)) << body->field(i)->name();
  }
}

TEST(CheckShapeTest, PreviousIsEmptyExactlyAtSequenceZero) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_sequence(0); }),
              HasSubstr("previous: previous must be empty at sequence 0"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_previous(); }),
              HasSubstr("32-byte id of the event before, found 0 bytes"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_previous(std::string(31, 'x')); }),
              HasSubstr("found 31 bytes"));
}

TEST(CheckShapeTest, OnlyTheGenesisNamesNoLedger) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_ledger(); }),
              HasSubstr("ledger: ledger must be the 32-byte id of the genesis, found 0 bytes"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_ledger(std::string(33, 'x')); }),
              HasSubstr("found 33 bytes"));
  pb::Event genesis = World().log().front().parsed.event;
  genesis.set_ledger(World().genesis().ToString());
  EXPECT_THAT(FaultsOf(genesis), HasSubstr("genesis stands at sequence 0 and names no ledger"));
}

TEST(CheckShapeTest, TimesAreThereAndInOrder) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_occurred_at(); }),
              HasSubstr("occurred_at: time of the event is required"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_signed_at(); }),
              HasSubstr("signed_at: time of signing is required"));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                e.mutable_occurred_at()->set_seconds(e.signed_at().seconds() + 1);
              }),
              HasSubstr("must have happened before it was signed at 2026-03-02T08:00:00Z, found "
                        "2026-03-02T08:00:01Z"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_time_zone("Europe/Nowhere"); }),
              HasSubstr("time_zone: time zone must be an IANA name"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_time_zone(); }), HasSubstr("time_zone: "));
}

TEST(CheckShapeTest, TimesAreHeldAgainstSigningToTheNanosecond) {
  const auto sound = [](pb::Event& e) { e.mutable_signed_at()->set_nanos(1000); };
  EXPECT_EQ(FaultsAfter([&](auto& e) {
              sound(e);
              *e.mutable_occurred_at() = e.signed_at();
              *e.mutable_signers(0)->mutable_identified_at() = e.signed_at();
            }),
            "");
  EXPECT_THAT(FaultsAfter([&](auto& e) {
                sound(e);
                *e.mutable_occurred_at() = e.signed_at();
                e.mutable_occurred_at()->set_nanos(1001);
              }),
              HasSubstr("occurred_at: event must have happened before it was signed at "
                        "2026-03-02T08:00:00.000001Z, found 2026-03-02T08:00:00.000001Z and 1 ns"));
  EXPECT_THAT(FaultsAfter([&](auto& e) {
                sound(e);
                *e.mutable_signers(0)->mutable_identified_at() = e.signed_at();
                e.mutable_signers(0)->mutable_identified_at()->set_nanos(1999);
              }),
              HasSubstr("signers[0].identified_at: signer must have been identified before signing "
                        "at 2026-03-02T08:00:00.000001Z, found 2026-03-02T08:00:00.000001Z and "
                        "999 ns"));
}

TEST(CheckShapeTest, StationIsNamedInTherapies) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_station(); }),
              HasSubstr("station: station must be named"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_station(std::string(65, 's')); }),
              HasSubstr("station: station must be named"));
  pb::Event act = World().log().back().parsed.event;
  act.clear_station();
  EXPECT_EQ(FaultsOf(act), "");
}

TEST(CheckShapeTest, SignersAreOneToEightDifferentPeopleWithDifferentKeys) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_signers(); }),
              HasSubstr("signers: event must have 1 to 8 signers, found 0"));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                for (int i = 0; i < 8; ++i) *e.add_signers() = e.signers(0);
              }),
              HasSubstr("found 9"));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                *e.add_signers() = e.signers(0);
                e.mutable_signers(1)->set_person("somebody else");
              }),
              HasSubstr("signers[1].key_id: two signers of one event use the same key"));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                *e.add_signers() = e.signers(0);
                e.mutable_signers(1)->set_key_id(Sha256("another key").ToString());
              }),
              HasSubstr("signers[1].person: two signers of one event are the same person, "
                        "clinic.rn.1: another person must sign"));
}

TEST(CheckShapeTest, EverySignerIsWhole) {
  const auto after = [](auto change) {
    return FaultsAfter([&](pb::Event& e) { change(*e.mutable_signers(0)); });
  };
  EXPECT_THAT(after([](auto& s) { s.set_key_id("short"); }),
              HasSubstr("signers[0].key_id: key id must have 32 bytes, found 5"));
  EXPECT_THAT(after([](auto& s) { s.clear_person(); }), HasSubstr("person is required"));
  EXPECT_THAT(after([](auto& s) { s.clear_printed_name(); }),
              HasSubstr("printed name is required"));
  EXPECT_THAT(after([](auto& s) { s.clear_role(); }), HasSubstr("role is required"));
  EXPECT_THAT(after([](auto& s) { s.clear_meaning(); }),
              HasSubstr("meaning of the signature is required"));
  EXPECT_THAT(after([](auto& s) { s.clear_identified_at(); }),
              HasSubstr("time of identification is required"));
  EXPECT_THAT(after([](auto& s) {
                s.mutable_identified_at()->set_seconds(s.identified_at().seconds() + 61);
              }),
              HasSubstr("identified_at: signer must have been identified before signing"));
}

TEST(CheckShapeTest, LateReasonAndPerformersStandOnlyInLateEvents) {
  EXPECT_THAT(FaultsAfter([](auto& e) { e.clear_entry(); }), HasSubstr("entry must say LIVE"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_late_reason("busy"); }),
              HasSubstr("late_reason: a reason for late entry stands only in LATE"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.add_performed_by()->set_printed_name("A"); }),
              HasSubstr("performed_by: who did it is named only in LATE"));
  EXPECT_THAT(FaultsAfter([](auto& e) { e.set_entry(pb::LATE); }),
              HasSubstr("late_reason: reason for late entry is required"));
  EXPECT_EQ(FaultsAfter([](auto& e) {
              e.set_entry(pb::DOWNTIME);
              e.set_late_reason("network down");
              e.add_performed_by()->set_printed_name("A visiting nurse");
              e.mutable_performed_by(0)->set_role(pb::RN);
            }),
            "");
  EXPECT_THAT(FaultsAfter([](auto& e) {
                e.set_entry(pb::LATE);
                e.set_late_reason("busy");
                e.add_performed_by();
              }),
              HasSubstr("performed_by[0].printed_name: printed name is required\n"
                        "performed_by[0].role: role is required"));
  pb::Event act = World().log().back().parsed.event;
  act.set_entry(pb::LATE);
  act.set_late_reason("forgotten");
  EXPECT_THAT(FaultsOf(act), HasSubstr("entry: acts of the registry"));
}

TEST(CheckShapeTest, GrantsAreCitedOnceByTheirIds) {
  EXPECT_EQ(FaultsAfter([](auto& e) { e.add_grants(Sha256("grant").ToString()); }), "");
  EXPECT_THAT(FaultsAfter([](auto& e) { e.add_grants("short"); }), HasSubstr("grants: "));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                e.add_grants(Sha256("grant").ToString());
                e.add_grants(Sha256("grant").ToString());
              }),
              HasSubstr("grants: an override is cited once"));
  EXPECT_THAT(FaultsAfter([](auto& e) {
                for (int i = 0; i < 17; ++i) e.add_grants(Sha256(std::to_string(i)).ToString());
              }),
              HasSubstr("grants: at most 16"));
}

TEST(CheckShapeTest, RequiredFieldsMustBeThere) {
  EXPECT_EQ(FaultsAfter([](auto& e) { e.mutable_weight_changed()->clear_weight_kg(); }),
            "weight_changed.weight_kg: Weight is required\n");
  EXPECT_EQ(FaultsAfter([](auto& e) { e.mutable_weight_changed()->clear_weighed_at(); }),
            "weight_changed.weighed_at: Weighed at is required\n");
  // Zero is an answer where the form says so, and only when it was given.
  const auto lines = [](auto change) {
    return FaultsAfter([&](pb::Event& e) { change(*e.mutable_eligibility_assessed()); });
  };
  EXPECT_THAT(lines([](auto&) {}), HasSubstr("prior_lines: Prior lines of therapy is required"));
  EXPECT_THAT(lines([](auto& b) { b.set_prior_lines(0); }), Not(HasSubstr("prior_lines")));
}

TEST(CheckShapeTest, PossibleRangesBindInPlainWords) {
  const auto weight = [](double kg) {
    return FaultsAfter([&](pb::Event& e) { e.mutable_weight_changed()->set_weight_kg(kg); });
  };
  EXPECT_EQ(weight(73'000),
            "weight_changed.weight_kg: Weight must be between 0.3 and 500 kg, found 73000\n");
  EXPECT_EQ(weight(-1),
            "weight_changed.weight_kg: Weight must be between 0.3 and 500 kg, found -1\n");
  EXPECT_EQ(weight(0.3), "");
  EXPECT_EQ(weight(500), "");
  EXPECT_THAT(weight(500.001), HasSubstr("found 500.001"));
  for (const double odd : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(weight(odd), HasSubstr("Weight must be a number, found"));
  }
}

TEST(CheckShapeTest, RangesBindInNestedAndRepeatedMessages) {
  const std::string faults = FaultsAfter([](pb::Event& e) {
    pb::ObservationsRecorded& body = *e.mutable_observations_recorded();
    body.add_observations()->mutable_vitals()->set_temperature_c(37);
    body.add_observations()->mutable_vitals()->set_temperature_c(99);
  });
  EXPECT_THAT(
      faults,
      HasSubstr("observations_recorded.observations[1].vitals.temperature_c: Temperature must be "
                "between 0 and 50 Cel, found 99"));
  EXPECT_THAT(faults, Not(HasSubstr("observations[0].vitals.temperature_c")));
}

TEST(CheckShapeTest, TextIsBoundedAndHoldsNoControlCharacters) {
  const auto reason = [](const std::string& text) {
    return FaultsAfter([&](pb::Event& e) { e.mutable_weight_changed()->set_coi(text); });
  };
  EXPECT_EQ(reason(std::string(200, 'x')), "");
  EXPECT_EQ(reason(std::string(201, 'x')),
            "weight_changed.coi: Chain of identity must be at most 200 bytes long, found 201\n");
  EXPECT_EQ(reason("two\nlines\tand a tab"), "");
  EXPECT_THAT(reason("\x1B[2J"), HasSubstr("must not hold control characters"));
  EXPECT_THAT(reason(std::string("a\0b", 3)), HasSubstr("must not hold control characters"));
}

TEST(CheckShapeTest, AllFaultsAreListedAndTheStatusCountsThem) {
  pb::Event event = Weight().event();
  event.mutable_weight_changed()->set_weight_kg(-1);
  event.clear_time_zone();
  event.clear_station();
  pb::BadFields bad;
  const Status status = CheckShape(event, &bad);
  EXPECT_EQ(bad.fields_size(), 3);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, "(and 2 more)"));
}

// The genesis after `change`.
template <typename Change>
std::string GenesisFaultsAfter(Change change) {
  pb::Event genesis = World().log().front().parsed.event;
  change(*genesis.mutable_ledger_created());
  return FaultsOf(genesis);
}

TEST(CheckShapeTest, TheGenesisIsWhole) {
  EXPECT_EQ(GenesisFaultsAfter([](auto&) {}), "");
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_random("short"); }),
              HasSubstr("random: Random must have 32 bytes"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_quorum(4); }),
              HasSubstr("quorum must be at most the number of trustees, 3, found 4"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_quorum(0); }),
              HasSubstr("Quorum is required"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) {
                for (int i = 0; i < 6; ++i) *g.add_trustees() = g.trustees(0);
              }),
              HasSubstr("there may be 1 to 8 trustees, found 9"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.mutable_trustees(0)->set_spki("no key"); }),
              HasSubstr("trustees[0].spki: Public key must be a sound Ed25519 or P-256 key"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.mutable_trustees(0)->set_person("a b"); }),
              HasSubstr("trustees[0].person: Person must be 1 to 64 of A-Z a-z 0-9"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_origin("https://demo.x"); }),
              HasSubstr("origin: Origin must be a URL without scheme"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_origin("demo.elsewhere"); }),
              HasSubstr("log key must be named like the origin"));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) { g.set_log_key("nonsense"); }),
              HasSubstr("ledger_created.log_key: "));
  EXPECT_THAT(GenesisFaultsAfter([](auto& g) {
                const NoteVerifier witness = Must(NoteVerifier::Of(
                    g.origin(), NoteKeyType::kCosignatureV1, World().log_key().public_key()));
                g.set_log_key(witness.ToString());
              }),
              HasSubstr("log key must be of type 0x01"));
}

TEST(ParseEventTest, GivesTheEventAndItsId) {
  const pb::SignedEvent signed_event = Weight().Sign();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
  EXPECT_EQ(parsed.event_id.ToHex(),
            Sha256("DSSEv1 41 application/vnd.custody.v1.event+protobuf " +
                   std::to_string(signed_event.payload().size()) + " " + signed_event.payload())
                .ToHex());
  EXPECT_EQ(parsed.event.weight_changed().weight_kg(), 71.5);
  EXPECT_EQ(&parsed.effective(), &parsed.event);
  EXPECT_EQ(parsed.effective_id(), parsed.event_id);
}

TEST(ParseEventTest, RefusesAnEventBeyondItsSize) {
  pb::Event event = Weight().event();
  for (int i = 0; i < 330; ++i) {
    event.mutable_weight_changed()->add_wristband()->set_type(std::string(190, 't'));
  }
  const std::string bytes = event.SerializeAsString();
  ASSERT_GT(bytes.size(), kMaxPayloadBytes);
  ASSERT_LT(bytes.size(), kMaxAdoptingPayloadBytes);
  EXPECT_THAT(ParseEvent(bytes),
              StatusIs(StatusCode::kInvalidArgument, "event must be at most 64000 bytes"));
  EXPECT_THAT(ParseEvent(std::string(66'001, 'x')),
              StatusIs(StatusCode::kInvalidArgument, "found 66001"));
}

TEST(ParseEventTest, RefusesTwoBodies) {
  pb::Event second;
  second.mutable_hold_set()->set_reason("fever");
  const std::string bytes = Weight().event().SerializeAsString() + second.SerializeAsString();
  EXPECT_THAT(ParseEvent(bytes), StatusIs(StatusCode::kInvalidArgument, "hold_set: a second body"));
}

TEST(ParseEventTest, RefusesNothingAtAll) {
  EXPECT_THAT(ParseEvent(""), StatusIs(StatusCode::kInvalidArgument));
}

// Adoption: what an offline station signed, carried by an event on the chain's present head.
EventBuilder Adoption(const pb::SignedEvent& original) {
  EventBuilder adoption = World().On("therapy/T1").By("clinic.rn.2", pb::TRANSCRIBED);
  adoption.After(4, Sha256("head"));
  *adoption.event().mutable_adopted()->mutable_original() = original;
  adoption.event().mutable_adopted()->set_reason("signed offline");
  return adoption;
}

TEST(ParseEventTest, AnAdoptedEventIsParsedWithIt) {
  const pb::SignedEvent original = Weight().Sign();
  const ParsedEvent parsed = Adoption(original).Parse();
  ASSERT_NE(parsed.original, nullptr);
  EXPECT_EQ(parsed.effective().weight_changed().weight_kg(), 71.5);
  EXPECT_EQ(parsed.effective_id(), Must(ParseEvent(original.payload())).event_id);
  EXPECT_NE(parsed.effective_id(), parsed.event_id);
}

TEST(ParseEventTest, RefusesAnAdoptedEventThatDoesNotHold) {
  const auto refused = [](pb::Event original, const char* words) {
    pb::SignedEvent bytes;
    bytes.set_payload(original.SerializeAsString());
    EXPECT_THAT(ParseEvent(Adoption(bytes).event().SerializeAsString()),
                StatusIs(StatusCode::kInvalidArgument, words));
  };
  pb::Event bad = Weight().event();
  bad.mutable_weight_changed()->set_weight_kg(-1);
  refused(bad, "adopted event: weight_changed.weight_kg");
  pb::Event elsewhere = Weight().event();
  elsewhere.set_chain("therapy/T2");
  refused(elsewhere, "adopted event belongs to chain therapy/T2, not to therapy/T1");
  pb::Event foreign = Weight().event();
  foreign.set_ledger(Sha256("another ledger").ToString());
  refused(foreign, "adopted event belongs to ledger");
  refused(Adoption(Weight().Sign()).event(), "adopted event adopts another one");
  pb::SignedEvent unknown;
  unknown.set_payload(Weight().event().SerializeAsString() + "\xF8\x01\x01");
  EXPECT_THAT(ParseEvent(Adoption(unknown).event().SerializeAsString()),
              StatusIs(StatusCode::kInvalidArgument, "adopted event: Event: unknown field 31"));
}

}  // namespace
}  // namespace custody
