// Bad events and many reasons, over real connections: each bad event is refused in its own words by
// Record and by RecordMany, nothing of it is left, and however much there is to say, it arrives.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "crypto/dsse.h"
#include "custody/event.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr StatusCode kInvalid = StatusCode::kInvalidArgument;
constexpr StatusCode kDenied = StatusCode::kPermissionDenied;

struct BadEvent {
  std::string name;
  pb::SignedEvent event;
  StatusCode code;
  std::string words;
};

class ServerRefusalsTest : public ::testing::Test {
 protected:
  ServerRefusalsTest() { Must(caller_.Record(world_.Next("therapy/A"), &reply_).status); }

  TestLedger& ledger() { return world_.ledger(); }
  // A good next event of therapy/A, by `person`; nobody records it.
  EventBuilder Good(std::string_view person = "clinic.rn.1") {
    ledger().set_now(SystemClock().Now());
    return ConsentWithdrawnBy(ledger(), "therapy/A", person);
  }
  // One at a place of the chain that is not its next; without a `previous` its first.
  pb::SignedEvent At(std::uint64_t sequence, const std::string& previous) {
    EventBuilder event = Good();
    event.event().set_sequence(sequence);
    event.event().set_previous(previous);
    return event.Sign();
  }
  pb::SignedEvent Adopting(const pb::SignedEvent& original) {
    EventBuilder adopting = ledger().On("therapy/A").By("clinic.rn.1", pb::TRANSCRIBED);
    *adopting.event().mutable_adopted()->mutable_original() = original;
    adopting.event().mutable_adopted()->set_reason("the ward was offline");
    return adopting.Sign();
  }
  // Two people's, of a therapy that has none yet.
  pb::SignedEvent Enrolment() {
    ledger().set_now(SystemClock().Now());
    return PatientEnrolledBy(ledger(), "therapy/N").Sign();
  }
  // `payload` signed by clinic.rn.1, whatever it is.
  pb::SignedEvent Signed(std::string payload, std::string_view type = kEventPayloadType) {
    const PrivateKey& key = ledger().person("clinic.rn.1").key;
    pb::SignedEvent event;
    pb::Signature& signature = *event.add_signatures();
    signature.set_key_id(key.key_id().ToString());
    signature.set_value(Must(key.Sign(Pae(type, payload))));
    event.set_payload(std::move(payload));
    return event;
  }
  std::uint64_t Entries() {
    pb::GetStatusReply status;
    Must(caller_
             .Ask(*caller_.custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &status)
             .status);
    return status.entries();
  }
  void Revoke(std::string_view person);
  std::vector<BadEvent> BadBytes();
  std::vector<BadEvent> BadSignatures();
  std::vector<BadEvent> BadPeople();
  std::vector<BadEvent> BadPlaces();
  void ExpectRefused(const BadEvent& bad);

  ServerWorld world_;
  RunningServer server_{world_.data()};
  RawCaller caller_{server_.address(), world_.authority(), "clinic.station.1"};
  pb::RecordReply reply_;
};

void ServerRefusalsTest::Revoke(std::string_view person) {
  RawCaller admin(server_.address(), world_.authority(), "admin");
  EventBuilder event =
      ledger().On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  event.event().mutable_key_revoked()->set_key_id(ledger().person(person).key.key_id().ToString());
  event.event().mutable_key_revoked()->set_reason("lost");
  Must(admin.Record(event.Record().signed_event, &reply_).status);
}

std::vector<BadEvent> ServerRefusalsTest::BadBytes() {
  const std::string good = Good().Build().SerializeAsString();
  pb::Event twice;
  twice.set_station("clinic.station.1");
  pb::Event body;
  body.mutable_patient_enrolled();
  std::string random(300, '\0');
  std::mt19937 numbers(7);
  for (char& byte : random) byte = static_cast<char>(numbers());
  EventBuilder large = Good();
  large.event().set_late_reason(std::string(64'001 - good.size(), 'x'));
  large.event().mutable_late_reason()->resize(large.event().late_reason().size() - 4);
  const std::string oversized = large.Build().SerializeAsString();
  EXPECT_EQ(oversized.size(), 64'001u);
  return {
      {"truncated", Signed(good.substr(0, good.size() - 3)), kInvalid,
       "Event.consent_withdrawn: truncated: its length goes beyond the message"},
      {"64,001 bytes", Signed(oversized), kInvalid, "64000 bytes"},
      {"random bytes", Signed(random), kInvalid, "Event: not a protobuf message: field"},
      {"no bytes", Signed(""), kInvalid,
       "ledger: ledger must be the 32-byte id of the genesis, found 0 bytes"},
      {"a second body", Signed(good + body.SerializeAsString()), kInvalid,
       "Event.patient_enrolled: a second body, only one may stand in a message"},
      {"a singular field twice", Signed(good + twice.SerializeAsString()), kInvalid,
       "Event.station: stands twice, it may stand once"},
      {"an unknown field", Signed(good + "\xF8\xF9\x01\x01"), kInvalid,
       "Event: unknown field 3999"},
  };
}

std::vector<BadEvent> ServerRefusalsTest::BadSignatures() {
  const std::string good = Good().Build().SerializeAsString();
  pb::SignedEvent flipped = Good().Sign();
  flipped.mutable_signatures(0)->mutable_value()->at(9) ^= 4;
  pb::SignedEvent missing = Enrolment();
  missing.mutable_signatures()->RemoveLast();
  pb::SignedEvent extra = Enrolment();
  *extra.add_signatures() = extra.signatures(0);
  pb::SignedEvent swapped = Enrolment();
  swapped.mutable_signatures()->SwapElements(0, 1);
  pb::SignedEvent cut = Good().Sign();
  cut.mutable_signatures(0)->mutable_value()->pop_back();
  return {
      {"another payload type", Signed(good, "application/vnd.custody.v1.key-request+protobuf"),
       kInvalid, "signature 1 (clinic.rn.1): signature does not verify"},
      {"a flipped bit", flipped, kInvalid, "signature 1 (clinic.rn.1): signature does not verify"},
      {"a signature missing", missing, kInvalid, "event names 2 signers and carries 1 signatures"},
      {"a signature too many", extra, kInvalid, "event names 2 signers and carries 3 signatures"},
      {"signatures swapped", swapped, kInvalid, "signatures stand in the order of the signers"},
      {"a signature cut", cut, kInvalid, "must have 64 bytes, found 63"},
  };
}

std::vector<BadEvent> ServerRefusalsTest::BadPeople() {
  Revoke("clinic.rn.2");
  ledger().MakePerson("CLINIC", pb::RN, "clinic.rn.9");
  EventBuilder role = ledger().On("therapy/A").By("clinic.rn.1", pb::PHY, pb::PERFORMED);
  role.event().MergeFrom([&] {
    pb::Event body;
    *body.mutable_consent_withdrawn() = Good().Build().consent_withdrawn();
    return body;
  }());
  EventBuilder person = Good();
  person.event().mutable_signers(0)->set_person("clinic.coord.1");
  person.event().mutable_signers(0)->set_printed_name(
      ledger().person("clinic.coord.1").printed_name);
  person.event().mutable_signers(0)->set_role(pb::COORD);
  // A nurse enrols a key for herself, with nobody's help but the key's own.
  const auto enrol = [&](std::string_view of, std::string_view signer) {
    const TestPerson& made = ledger().person(of);
    const pb::KeyProof proof =
        Must(SignKeyRequest(ledger().genesis(), made.id, made.key, Sha256("random").view()));
    EventBuilder event = ledger().On("registry/CLINIC").By(signer);
    pb::KeyEnrolled& key = *event.event().mutable_key_enrolled();
    key.set_person(made.id);
    key.set_spki(made.key.public_key().spki());
    key.set_request(proof.request());
    key.set_request_signature(proof.request_signature());
    return event.Sign();
  };
  return {
      {"nobody's key", Good("clinic.rn.9").Sign(), kDenied,
       "of clinic.rn.9, which is not enrolled in this ledger"},
      {"a revoked key", Good("clinic.rn.2").Sign(), kDenied,
       "of clinic.rn.2, which was revoked; its owner makes a new one"},
      {"a revoked key in what is adopted", Adopting(Good("clinic.rn.2").Sign()), kDenied,
       "adopted event: R01: expected a key that may sign"},
      {"a role of others", role.Sign(), kDenied,
       "R01 refused [clinic.rn.1]: expected a role that this person holds, RN; found PHY"},
      {"another's name", Signed(person.Build().SerializeAsString()), kDenied,
       "R01 refused [clinic.coord.1]: expected the key's own person; found a key that belongs to "
       "clinic.rn.1"},
      {"a key that enrols itself", enrol("clinic.rn.9", "clinic.rn.9"), kDenied,
       "which this event would enrol and which signs for it"},
      {"a key that a nurse enrols", enrol("clinic.rn.9", "clinic.rn.1"), kDenied,
       "expected the signatures of two registrars of CLINIC, as this is the person's first key; "
       "found clinic.rn.1 as RN"},
  };
}

std::vector<BadEvent> ServerRefusalsTest::BadPlaces() {
  TestLedger other(pb::DEMO, "two", {.small = true});
  other.set_now(SystemClock().Now());
  EventBuilder elsewhere = Good();
  elsewhere.event().set_ledger(other.genesis().ToString());
  pb::SignedEvent moved = Good().Sign();
  pb::Event renamed = Good().Build();
  renamed.set_chain("therapy/B");
  moved.set_payload(renamed.SerializeAsString());
  const pb::SignedEvent of_b = PatientEnrolledBy(ledger(), "therapy/B").Sign();
  ledger().set_now(SystemClock().Now() + 3 * kMicrosPerMinute);
  const pb::SignedEvent ahead = ConsentWithdrawnBy(ledger(), "therapy/A").Sign();
  ledger().set_now(SystemClock().Now());
  const Hash head = ledger().Head("therapy/A");
  const Hash another = Sha256("another");
  return {
      {"another ledger's", PatientEnrolledBy(other, "therapy/N").Sign(), kDenied,
       "R01 refused [ledger]: expected an event of ledger "},
      {"an event signed for another ledger", elsewhere.Sign(), kDenied,
       "this event was signed for another ledger: record it there"},
      {"another chain's, under this one", moved, kInvalid,
       "signature 1 (clinic.rn.1): signature does not verify"},
      {"another chain's, adopted", Adopting(of_b), kInvalid,
       "adopted event belongs to chain therapy/B, not to therapy/A"},
      {"signed three minutes ahead", ahead, kInvalid, "R03: the event is signed at "},
      {"a place that is taken", At(0, ""), StatusCode::kAborted,
       "expected number 1, its next, signed after event " + head.ToHex() +
           "; found number 0, a place that another event has by now"},
      {"a place that is not reached yet", At(7, head.ToString()), StatusCode::kAborted,
       "found number 7, and what was signed before it is not here"},
      {"signed after another event", At(1, another.ToString()), StatusCode::kAborted,
       "found that number signed after event " + another.ToHex() +
           ", which is not the last one here"},
  };
}

void ServerRefusalsTest::ExpectRefused(const BadEvent& bad) {
  SCOPED_TRACE(bad.name);
  pb::RecordReply reply;
  const RpcError one = caller_.Record(bad.event, &reply);
  EXPECT_THAT(one.status, StatusIs(bad.code, bad.words));
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(caller_.RecordAll({bad.event}, &replies).status);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_THAT(FromRpcStatus(replies[0].error()).status, StatusIs(bad.code, bad.words));
  EXPECT_FALSE(replies[0].has_receipt());
}

TEST_F(ServerRefusalsTest, EveryBadEventIsRefusedInItsOwnWords) {
  const std::vector<BadEvent> people = BadPeople();  // revokes a key: that is recorded
  const std::uint64_t before = Entries();
  for (const auto& bad : people) ExpectRefused(bad);
  for (const auto& bad : BadBytes()) ExpectRefused(bad);
  for (const auto& bad : BadSignatures()) ExpectRefused(bad);
  for (const auto& bad : BadPlaces()) ExpectRefused(bad);
  EXPECT_EQ(Entries(), before);
  pb::RecordReply reply;
  CUSTODY_ASSERT_OK(caller_.Record(Good().Sign(), &reply).status);
  EXPECT_EQ(reply.receipt().index(), before);
}

TEST_F(ServerRefusalsTest, AMessageBeyondItsBoundIsNotRead) {
  pb::SignedEvent huge;
  huge.set_payload(std::string((2 << 20) + 1, 'x'));
  pb::RecordReply reply;
  const auto too_large = StatusIs(StatusCode::kResourceExhausted, "larger than max");
  EXPECT_THAT(caller_.Record(huge, &reply).status, too_large);
  std::vector<pb::RecordReply> replies;
  EXPECT_THAT(caller_.RecordAll({Good().Sign(), huge}, &replies).status, too_large);
  pb::SignedEvent largest;
  largest.set_payload(std::string((2 << 20) - 100, 'x'));
  EXPECT_THAT(caller_.Record(largest, &reply).status, StatusIs(kInvalid, "64000 bytes"));
}

TEST(ServerManyReasonsTest, ARefusalForFortyReasonsArrivesWhole) {
  TherapyWorld world;
  const RunningServer server(world.data());
  RawCaller admin(server.address(), world.authority(), "admin");
  CUSTODY_ASSERT_OK(admin.ConfirmClock());
  // Forty containers that come back from nowhere, reported in a role that is not the nurse's.
  TestLedger& ledger = world.ledger();
  ledger.set_now(SystemClock().Now());
  EventBuilder event = ledger.On("therapy/T1").By("clinic.rn.1", pb::PHY, pb::PERFORMED);
  event.event().MergeFrom(
      ParseBody("shipment_found { shipper: 'SHP-1' seal_condition: SEAL_INTACT found_at $T-1m "
                "place: 'dock' }",
                ledger.now()));
  for (int i = 0; i < 40; ++i) {
    event.event().mutable_shipment_found()->add_containers("LOST-" + std::to_string(i));
  }
  RawCaller caller(server.address(), world.authority(), "clinic.station.1");
  pb::RecordReply reply;
  const RpcError heard = caller.Record(event.Sign(), &reply);
  EXPECT_THAT(heard.status, StatusIs(kDenied, "R01"));
  EXPECT_TRUE(heard.verdict.refused());
  int reasons = 0;
  for (const pb::Reason& reason : heard.verdict.reasons()) {
    EXPECT_NE(reason.rule(), "...");
    reasons += reason.subject().starts_with("LOST-") ? 1 : 0;
  }
  EXPECT_EQ(reasons, 40);
  EXPECT_GT(heard.verdict.ByteSizeLong(), 8u << 10) << "more than the usual bound of metadata";
}

TEST_F(ServerRefusalsTest, HundredsOfBadFieldsArriveOrAreCounted) {
  EventBuilder event = Good();
  for (int i = 0; i < 800; ++i) event.event().add_grants("too short");
  // In a stream the answer is a message, and has them all.
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(caller_.RecordAll({event.Sign()}, &replies).status);
  ASSERT_THAT(replies, SizeIs(1));
  const int all = FromRpcStatus(replies[0].error()).bad_fields.fields_size();
  EXPECT_GE(all, 800);
  const RpcError heard = caller_.Record(event.Sign(), &reply_);
  EXPECT_THAT(heard.status, StatusIs(kInvalid, "overrides"));
  const int given = heard.bad_fields.fields_size() - 1;
  ASSERT_GT(given, 300);
  EXPECT_EQ(heard.bad_fields.fields(given).path(), "...");
  EXPECT_THAT(heard.bad_fields.fields(given).reason(),
              HasSubstr("and " + std::to_string(all - given) + " more faults"));
}

}  // namespace
}  // namespace custody
