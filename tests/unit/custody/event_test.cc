// Signatures on events, log entries, and what the schema says of bodies.
#include "custody/event.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "crypto/dsse.h"
#include "tests/support/event_builder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using testing::HasSubstr;

TestLedger& World() {
  static TestLedger& world = *new TestLedger;
  return world;
}

EventBuilder Weight() {
  EventBuilder weight = World().On("therapy/T1").By("clinic.rn.1").By("clinic.rn.2", pb::VERIFIED);
  weight.event().mutable_weight_changed()->set_weight_kg(71.5);
  *weight.event().mutable_weight_changed()->mutable_weighed_at() = ToProto(World().now());
  return weight;
}

KeyLookup Keys() { return KeysAt(World().registry(), World().next_index()); }

Status VerifyAfter(void (*change)(pb::SignedEvent&)) {
  const EventBuilder weight = Weight();
  pb::SignedEvent signed_event = weight.Sign();
  change(signed_event);
  return VerifySignatures(signed_event, weight.Build(), Keys());
}

TEST(VerifySignaturesTest, AcceptsWhatTheSignersSigned) {
  EXPECT_THAT(VerifyAfter([](auto&) {}), IsOk());
}

TEST(VerifySignaturesTest, RefusesMissingAndExtraSignatures) {
  EXPECT_THAT(VerifyAfter([](auto& s) { s.mutable_signatures()->RemoveLast(); }),
              StatusIs(StatusCode::kInvalidArgument, "names 2 signers and carries 1 signatures"));
  EXPECT_THAT(VerifyAfter([](auto& s) { *s.add_signatures() = s.signatures(0); }),
              StatusIs(StatusCode::kInvalidArgument, "carries 3 signatures"));
}

TEST(VerifySignaturesTest, RefusesSwappedSignatures) {
  EXPECT_THAT(VerifyAfter([](auto& s) { s.mutable_signatures()->SwapElements(0, 1); }),
              StatusIs(StatusCode::kInvalidArgument, "stand in the order of the signers"));
  // The key ids in place, the values swapped.
  EXPECT_THAT(
      VerifyAfter([](auto& s) {
        s.mutable_signatures(0)->mutable_value()->swap(*s.mutable_signatures(1)->mutable_value());
      }),
      StatusIs(StatusCode::kInvalidArgument, "signature 1 (clinic.rn.1)"));
}

TEST(VerifySignaturesTest, RefusesASignatureOfTheWrongLength) {
  EXPECT_THAT(VerifyAfter([](auto& s) { s.mutable_signatures(1)->mutable_value()->pop_back(); }),
              StatusIs(StatusCode::kInvalidArgument,
                       "signature 2 (clinic.rn.2) must have 64 bytes, "
                       "found 63"));
}

TEST(VerifySignaturesTest, RefusesAnotherPayload) {
  EXPECT_THAT(VerifyAfter([](auto& s) { s.mutable_payload()->push_back('\0'); }),
              StatusIs(StatusCode::kInvalidArgument, "signature 1"));
}

// What was signed as something else, with the same bytes, is no event.
TEST(VerifySignaturesTest, RefusesAnotherPayloadType) {
  const EventBuilder weight = Weight();
  pb::SignedEvent signed_event = weight.Sign();
  for (const std::string_view type :
       {kKeyRequestPayloadType, std::string_view("application/vnd.custody.v2.event+protobuf"),
        std::string_view()}) {
    for (int i = 0; i < signed_event.signatures_size(); ++i) {
      const PrivateKey& key = World().person(weight.Build().signers(i).person()).key;
      signed_event.mutable_signatures(i)->set_value(
          Must(key.Sign(Pae(type, signed_event.payload()))));
    }
    EXPECT_THAT(VerifySignatures(signed_event, weight.Build(), Keys()),
                StatusIs(StatusCode::kInvalidArgument, "signature 1 (clinic.rn.1)"));
  }
}

TEST(VerifySignaturesTest, RefusesAKeyThatIsNotKnown) {
  World().MakePerson("CLINIC", pb::RN, "stranger");
  EventBuilder weight = World().On("therapy/T1").By("stranger");
  weight.event().mutable_weight_changed()->set_weight_kg(70);
  EXPECT_THAT(VerifySignatures(weight.Sign(), weight.Build(), Keys()),
              StatusIs(StatusCode::kPermissionDenied, "of stranger is not enrolled here"));
}

TEST(VerifySignaturesTest, ChecksTheOriginalOfAnAdoptedEventToo) {
  pb::SignedEvent original = Weight().Sign();
  const auto adopt = [&] {
    EventBuilder adoption = World().On("therapy/T1").By("clinic.rn.2", pb::TRANSCRIBED);
    *adoption.event().mutable_adopted()->mutable_original() = original;
    adoption.event().mutable_adopted()->set_reason("signed offline");
    return adoption;
  };
  EXPECT_THAT(VerifySignatures(adopt().Sign(), adopt().Parse(), Keys()), IsOk());
  (*original.mutable_signatures(0)->mutable_value())[0] ^= 1;
  EXPECT_THAT(VerifySignatures(adopt().Sign(), adopt().Parse(), Keys()),
              StatusIs(StatusCode::kInvalidArgument, "adopted event: signature 1"));
}

TEST(SignEventTest, NeedsTheSignersOwnKeysInOrder) {
  const EventBuilder weight = Weight();
  const PrivateKey& one = World().person("clinic.rn.1").key;
  const PrivateKey& two = World().person("clinic.rn.2").key;
  const PrivateKey* in_order[] = {&one, &two};
  const PrivateKey* swapped[] = {&two, &one};
  const PrivateKey* too_few[] = {&one};
  EXPECT_THAT(SignEvent(weight.Build(), in_order), IsOk());
  EXPECT_THAT(SignEvent(weight.Build(), swapped),
              StatusIs(StatusCode::kInvalidArgument, "is not the one clinic.rn.1 signs with"));
  EXPECT_THAT(SignEvent(weight.Build(), too_few),
              StatusIs(StatusCode::kInvalidArgument, "names 2 signers, found 1 keys"));
}

TEST(SignEventTest, EventsAreSignedByP256KeysToo) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kP256));
  pb::Event event = Weight().event();
  event.mutable_signers()->RemoveLast();
  event.mutable_signers(0)->set_key_id(key.key_id().ToString());
  const PrivateKey* keys[] = {&key};
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::SignedEvent signed_event, SignEvent(event, keys));
  const KeyLookup lookup = [&](const Hash&) { return &key.public_key(); };
  EXPECT_THAT(VerifySignatures(signed_event, event, lookup), IsOk());
}

TEST(RecordOfTest, CoversEverySignature) {
  const pb::SignedEvent signed_event = Weight().Sign();
  const Hash id = Sha256("id");
  const Hash record = RecordOf(id, signed_event);
  pb::SignedEvent changed = signed_event;
  (*changed.mutable_signatures(1)->mutable_value())[63] ^= 1;
  EXPECT_NE(RecordOf(id, changed), record);
  changed = signed_event;
  changed.mutable_signatures()->RemoveLast();
  EXPECT_NE(RecordOf(id, changed), record);
  EXPECT_NE(RecordOf(Sha256("another id"), signed_event), record);
}

TEST(ParseLogEntryTest, IsStrict) {
  const pb::LogEntry sound = World().log().back().entry;
  EXPECT_THAT(ParseLogEntry(sound.SerializeAsString()), IsOk());
  const auto refused = [&](void (*change)(pb::LogEntry&), const char* words) {
    pb::LogEntry entry = sound;
    change(entry);
    EXPECT_THAT(ParseLogEntry(entry.SerializeAsString()),
                StatusIs(StatusCode::kInvalidArgument, words));
  };
  refused([](auto& e) { e.set_chain_key("short"); }, "chain_key must have 32 bytes, found 5");
  refused([](auto& e) { e.clear_event_id(); }, "event_id must have 32 bytes, found 0");
  refused([](auto& e) { e.mutable_record()->push_back('x'); },
          "record must have 32 bytes, found 33");
  refused([](auto& e) { e.clear_heads_root(); }, "heads_root must have 32 bytes");
  refused([](auto& e) { e.clear_received_at(); }, "has no received_at");
  EXPECT_THAT(ParseLogEntry(sound.SerializeAsString() + "\x38\x01"),
              StatusIs(StatusCode::kInvalidArgument, "unknown field 7"));
  EXPECT_THAT(ParseLogEntry(sound.SerializeAsString() + std::string(512, 'x')),
              StatusIs(StatusCode::kInvalidArgument, "log entry must be at most 512 bytes"));
}

TEST(DecodedViewTest, IsOneLineOfJsonByProtoNames) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string view, DecodedView(Weight().event()));
  EXPECT_EQ(view.find('\n'), std::string::npos);
  EXPECT_EQ(view, DecodedView(Weight().event()).value());
  const auto json = nlohmann::json::parse(view);
  EXPECT_EQ(json.at("weight_changed").at("weight_kg"), 71.5);
  EXPECT_EQ(json.at("signers").at(1).at("role"), "RN");
  EXPECT_EQ(json.at("signed_at"), "2026-03-02T08:00:00Z");
}

TEST(BodyTest, IsFoundByEitherName) {
  const FieldDescriptor* body = FindBody("apheresis_started");
  ASSERT_NE(body, nullptr);
  EXPECT_EQ(FindBody("APHERESIS_STARTED"), body);
  EXPECT_EQ(FindBody("apheresis"), nullptr);
  EXPECT_EQ(FindBody(""), nullptr);
  EXPECT_EQ(RuleOfBody(*body).label(), "Apheresis started");
  EXPECT_EQ(BodyName(Weight().event()), "weight_changed");
  EXPECT_EQ(BodyRule(Weight().event()).label(), "Weight changed");
  EXPECT_EQ(BodyField(pb::Event()), nullptr);
  EXPECT_EQ(BodyName(pb::Event()), "");
  EXPECT_EQ(BodyRule(pb::Event()).label(), "");
}

void WalkTypes(const Descriptor& type, std::set<const Descriptor*>& types) {
  if (!types.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr) WalkTypes(*type.field(i)->message_type(), types);
  }
}

// What the strict reader and the forms rely on, of every message that an event can hold.
TEST(SchemaTest, EveryBodyIsAnnotatedAndNothingIsAmbiguous) {
  std::set<const Descriptor*> types;
  WalkTypes(*pb::Event::descriptor(), types);
  EXPECT_GT(types.size(), 100U);
  for (const Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor& field = *type->field(i);
      EXPECT_FALSE(field.is_map()) << field.full_name() << ": a map's doubled keys are ambiguous";
      EXPECT_NE(field.type(), FieldDescriptor::TYPE_GROUP) << field.full_name();
      const pb::FieldRule& rule = RuleOfField(field);
      EXPECT_TRUE(!rule.zero_valid() || field.has_presence()) << field.full_name();
      if (rule.has_possible_min() && rule.has_possible_max()) {
        EXPECT_LE(rule.possible_min(), rule.possible_max()) << field.full_name();
      }
    }
  }
  const auto* body = pb::Event::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    const pb::EventRule& rule = RuleOfBody(*body->field(i));
    EXPECT_NE(rule.label(), "") << body->field(i)->name();
    EXPECT_NE(rule.kind(), pb::EVENT_KIND_UNSPECIFIED) << body->field(i)->name();
    EXPECT_TRUE(rule.enter_size() > 0 || rule.any_role() || body->field(i)->name() == "sealed")
        << body->field(i)->name() << ": nobody may enter it";
  }
}

TEST(SchemaTest, HoldsEveryFileAfterItsImports) {
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(Schema()));
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();
  EXPECT_NE(pool.FindMessageTypeByName("custody.v1.Event"), nullptr);
  EXPECT_NE(pool.FindMessageTypeByName("google.protobuf.Timestamp"), nullptr);
}

}  // namespace
}  // namespace custody
