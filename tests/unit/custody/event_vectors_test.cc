// tests/vectors/custody/events.json, made by a second implementation of the formats: our parsing,
// event ids, signatures, records and entries agree with it byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "crypto/dsse.h"
#include "crypto/encoding.h"
#include "crypto/merkle.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vector_file.h"
#include "vector_event.pb.h"

namespace custody {
namespace {

using test::VectorEvent;

struct VectorCase {
  std::string chain;
  std::uint64_t sequence = 0;
  pb::SignedEvent signed_event;
  VectorEvent event;
  Hash event_id;
  Hash record;
  std::string entry;
  std::string heads_root;
};

class EventVectorsTest : public testing::Test {
 protected:
  void SetUp() override {
    VectorFile file("custody/events.json");
    file["about"].Unjudged("a remark");
    for (auto key : file["keys"].Items()) {
      CUSTODY_ASSERT_OK_AND_ASSIGN(PublicKey parsed, PublicKey::FromSpki(key["spki"].FromBase64()));
      EXPECT_EQ(parsed.key_id().ToHex(), key["key_id"].Text());
      key["person"].Unjudged("whose it is, which only events say with force");
      key["algorithm"].Unjudged("judged by LedgerVectors.Events");
      if (key.Has("test_seed_hex")) {
        key["test_seed_hex"].Unjudged("judged by LedgerVectors.Events");
      }
      keys_.emplace(parsed.key_id(), parsed);
    }
    for (auto each : file["events"].Items()) Load(each);
    ASSERT_EQ(cases_.size(), 40U);
  }

  void Load(VectorFile::Value each) {
    VectorCase c;
    c.chain = each["chain"].Text();
    c.sequence = each["sequence"].Number();
    c.signed_event.set_payload(each["payload"].FromBase64());
    for (auto signature : each["signatures"].Items()) {
      pb::Signature* added = c.signed_event.add_signatures();
      CUSTODY_ASSERT_OK_AND_ASSIGN(*added->mutable_key_id(), DecodeHex(signature["keyid"].Text()));
      added->set_value(signature["sig"].FromBase64());
    }
    c.event_id = each["event_id"].AsHash();
    c.record = each["record"].AsHash();
    c.entry = each["entry"].FromBase64();
    c.heads_root = each["heads_root"].AsHash().ToString();
    EXPECT_EQ(LeafHash(c.entry), each["leaf_hash"].AsHash());
    log_.Append(LeafHash(c.entry), [](int, std::uint64_t, const Hash&) {});
    EXPECT_EQ(log_.root(), each["log_root"].AsHash());
    ASSERT_TRUE(c.event.ParseFromString(c.signed_event.payload()));
    cases_.push_back(std::move(c));
  }

  // The envelope as our Event has it, without the opaque body.
  static pb::Event Envelope(const VectorEvent& event) {
    VectorEvent bare = event;
    bare.clear_body();
    pb::Event envelope;
    EXPECT_TRUE(envelope.ParseFromString(bare.SerializeAsString()));
    return envelope;
  }

  KeyLookup keys() const {
    return [this](const Hash& key_id) -> const PublicKey* {
      const auto found = keys_.find(key_id);
      return found == keys_.end() ? nullptr : &found->second;
    };
  }

  Frontier log_;
  std::map<Hash, PublicKey> keys_;
  std::vector<VectorCase> cases_;
};

TEST_F(EventVectorsTest, PayloadsAreStrictAndTheirIdsAgree) {
  for (const VectorCase& c : cases_) {
    const std::string& payload = c.signed_event.payload();
    EXPECT_THAT(CheckStrict(*VectorEvent::descriptor(), payload), IsOk());
    EXPECT_EQ(EventId(payload), c.event_id);
    EXPECT_EQ(c.event.chain(), c.chain);
    EXPECT_EQ(c.event.sequence(), c.sequence);
    EXPECT_THAT(Chain::Parse(c.chain), IsOk());
  }
}

TEST_F(EventVectorsTest, AnotherBodyThanOursIsRefusedByTheRealSchema) {
  for (const VectorCase& c : cases_) {
    EXPECT_THAT(ParseEvent(c.signed_event.payload()),
                StatusIs(StatusCode::kInvalidArgument, "unknown field 4000"));
  }
}

TEST_F(EventVectorsTest, SignaturesHold) {
  std::size_t several = 0;
  for (const VectorCase& c : cases_) {
    EXPECT_THAT(VerifySignatures(c.signed_event, Envelope(c.event), keys()), IsOk());
    several += c.signed_event.signatures_size() > 1 ? std::size_t{1} : 0;
  }
  EXPECT_GT(several, 0U) << "the vectors no longer have an event of several signers";
}

TEST_F(EventVectorsTest, EveryFlippedBitOfASignatureOrPayloadIsSeen) {
  VectorCase c = cases_.front();
  const pb::Event envelope = Envelope(c.event);
  for (std::size_t bit = 0; bit < 8 * 64; ++bit) {
    pb::SignedEvent changed = c.signed_event;
    (*changed.mutable_signatures(0)->mutable_value())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_THAT(VerifySignatures(changed, envelope, keys()),
                StatusIs(StatusCode::kInvalidArgument, "signature 1"));
  }
  for (std::size_t at = 0; at < c.signed_event.payload().size(); ++at) {
    pb::SignedEvent changed = c.signed_event;
    (*changed.mutable_payload())[at] ^= 1;
    EXPECT_THAT(VerifySignatures(changed, envelope, keys()),
                StatusIs(StatusCode::kInvalidArgument, "signature 1"));
  }
}

TEST_F(EventVectorsTest, RecordsAndEntriesAgree) {
  for (const VectorCase& c : cases_) {
    EXPECT_EQ(RecordOf(c.event_id, c.signed_event), c.record);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::LogEntry entry, ParseLogEntry(c.entry));
    EXPECT_EQ(entry.chain_key(), Sha256(c.chain).view());
    EXPECT_EQ(entry.sequence(), c.sequence);
    EXPECT_EQ(entry.event_id(), c.event_id.view());
    EXPECT_EQ(entry.record(), c.record.view());
    EXPECT_EQ(entry.heads_root(), c.heads_root);
    EXPECT_EQ(entry.SerializeAsString(), c.entry);
  }
}

// The test message is the real one but for its bodies: field for field, name for name.
TEST(VectorEventTest, MirrorsTheEnvelope) {
  const auto* real = pb::Event::descriptor();
  const auto* test = VectorEvent::descriptor();
  std::set<int> seen;
  for (int i = 0; i < test->field_count(); ++i) {
    const auto* field = test->field(i);
    if (field->number() == 4000) continue;
    const auto* same = real->FindFieldByNumber(field->number());
    ASSERT_NE(same, nullptr) << field->name();
    EXPECT_EQ(same->name(), field->name());
    EXPECT_EQ(same->type(), field->type());
    EXPECT_EQ(same->is_repeated(), field->is_repeated());
    EXPECT_EQ(same->message_type(), field->message_type());
    EXPECT_EQ(same->enum_type(), field->enum_type());
    seen.insert(field->number());
  }
  for (int i = 0; i < real->field_count(); ++i) {
    const auto* field = real->field(i);
    if (field->containing_oneof() != nullptr) continue;
    EXPECT_TRUE(seen.contains(field->number())) << field->name();
  }
}

}  // namespace
}  // namespace custody
