// Tampering, tried out: bit by bit over everything a bundle decodes to, byte by byte over its text.
//
// Signatures are not checked here: what is signed is found by its hashes alone, and so twice. With
// CUSTODY_EXHAUSTIVE=1 every bit and every byte is tried, which takes a quarter of an hour; an
// ordinary run tries every 127th, which meets every field.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using nlohmann::json;

std::size_t Stride() { return std::getenv("CUSTODY_EXHAUSTIVE") != nullptr ? 1 : 127; }

class TamperTest : public ::testing::Test {
 protected:
  TamperTest() {
    // A short schema, published as the newest, keeps the file small.
    EventBuilder schema = ledger_.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
    schema.event().mutable_schema_published()->set_schema_sha256(Sha256(kSchema).ToString());
    schema.Record();
    PatientEnrolledBy(ledger_, "therapy/A1").Record();
    ConsentWithdrawnBy(ledger_, "therapy/A1").Record();
    PatientEnrolledBy(ledger_, "therapy/B2").Record();
    bundle_ = BundleOf(ledger_, "therapy/A1");
    bundle_.schema = kSchema;
    text_ = Must(WriteBundle(bundle_));
    std::vector<pb::Finding> findings;
    bundle_ = Must(ParseBundle(text_, findings));  // with views
  }

  bool Clean(const Bundle& bundle) const {
    return ExitCode(AuditBundle(bundle, &trust_, options_)) == 0;
  }
  bool Clean(std::string_view text) const {
    return ExitCode(AuditBundle(text, &trust_, options_)) == 0;
  }

  // Every flip in `bytes`, a part of bundle_, must be found.
  void FlipBytes(std::string_view what, char* bytes, std::size_t size) {
    for (std::size_t bit = 0; bit < size * 8; bit += Stride()) {
      const char mask = static_cast<char>(1 << (bit % 8));
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
      ASSERT_FALSE(Clean(bundle_)) << what << ", bit " << bit;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
      ++flips_;
    }
  }
  void Flip(std::string_view what, std::string& bytes) {
    FlipBytes(what, bytes.data(), bytes.size());
  }
  void Flip(std::string_view what, Hash& hash) {
    for (std::size_t bit = 0; bit < 256; bit += Stride()) {
      hash.bytes[bit / 8] = static_cast<std::uint8_t>(hash.bytes[bit / 8] ^ (1U << (bit % 8)));
      ASSERT_FALSE(Clean(bundle_)) << what << ", bit " << bit;
      hash.bytes[bit / 8] = static_cast<std::uint8_t>(hash.bytes[bit / 8] ^ (1U << (bit % 8)));
      ++flips_;
    }
  }
  void Flip(std::string_view what, std::uint64_t& number) {
    for (unsigned bit = 0; bit < 53; ++bit) {
      number ^= std::uint64_t{1} << bit;
      ASSERT_FALSE(Clean(bundle_)) << what << ", bit " << bit;
      number ^= std::uint64_t{1} << bit;
      ++flips_;
    }
  }
  void FlipHashes(std::string_view what, std::vector<Hash>& hashes) {
    for (Hash& hash : hashes) ASSERT_NO_FATAL_FAILURE(Flip(what, hash));
  }
  void FlipChain(const std::string& chain) {
    for (BundleEntry& entry : bundle_.chains.at(chain)) {
      ASSERT_NO_FATAL_FAILURE(Flip("index", entry.index));
      ASSERT_NO_FATAL_FAILURE(Flip("entry", entry.entry));
      ASSERT_NO_FATAL_FAILURE(FlipHashes("path", entry.path));
      ASSERT_NO_FATAL_FAILURE(Flip("payload", *entry.signed_event.mutable_payload()));
      for (pb::Signature& signature : *entry.signed_event.mutable_signatures()) {
        ASSERT_NO_FATAL_FAILURE(Flip("keyid", *signature.mutable_key_id()));
        ASSERT_NO_FATAL_FAILURE(Flip("sig", *signature.mutable_value()));
      }
    }
  }

  static constexpr char kSchema[] = "a short schema";
  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  TrustAnchor trust_ = TrustIn(ledger_);
  AuditOptions options_{.threads = 1, .signatures = false, .progress = {}};
  Bundle bundle_;
  std::string text_;
  std::uint64_t flips_ = 0;
};

TEST_F(TamperTest, UntouchedItIsClean) {
  EXPECT_TRUE(Clean(bundle_));
  EXPECT_TRUE(Clean(text_));
  options_.signatures = true;
  EXPECT_TRUE(Clean(text_));
}

TEST_F(TamperTest, EveryBitOfTheTherapyIsFound) {
  FlipChain("therapy/A1");
  EXPECT_GT(flips_, 100U);
}

TEST_F(TamperTest, EveryBitOfTheRegistryIsFound) {
  FlipChain("registry");
  EXPECT_GT(flips_, 100U);
}

TEST_F(TamperTest, EveryBitOfTheSiteIsFound) {
  FlipChain("registry/CLINIC");
  EXPECT_GT(flips_, 100U);
}

TEST_F(TamperTest, EveryBitOfTheHeaderAndTheProofsIsFound) {
  Flip("origin", bundle_.origin);
  Flip("logKey", bundle_.log_key);
  Flip("genesis", bundle_.genesis);
  Flip("checkpoint", bundle_.checkpoint);
  Flip("lastEntry.index", bundle_.last_index);
  Flip("lastEntry.entry", bundle_.last_entry);
  FlipHashes("lastEntry.path", bundle_.last_path);
  Flip("schema", bundle_.schema);
  for (auto& [chain, head] : bundle_.heads) {
    Flip("length", head.length);
    Flip("head", head.head);
    FlipHashes("siblings", head.siblings);
  }
  for (const pb::Environment environment : {pb::VALIDATION, pb::PRODUCTION}) {
    bundle_.environment = environment;
    EXPECT_FALSE(Clean(bundle_));
  }
}

TEST_F(TamperTest, EveryByteOfTheTextIsFoundOrMeansTheSame) {
  const json original = json::parse(text_);
  std::uint64_t same = 0;
  for (std::size_t i = 0; i < text_.size(); i += Stride()) {
    for (const char mask : {'\x01', '\x20'}) {
      std::string changed = text_;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      if (!Clean(changed)) continue;
      ++same;
      // Only white space may differ: no key and no value.
      ASSERT_EQ(json::parse(changed, nullptr, false), original) << "byte " << i;
    }
  }
  EXPECT_LT(same, text_.size() / 100);
}

TEST_F(TamperTest, BytesInsertedOrTakenOutAreFoundOrMeanTheSame) {
  const json original = json::parse(text_);
  for (std::size_t i = 0; i < text_.size(); i += 3 * Stride()) {
    std::string shorter = text_;
    shorter.erase(i, 1);
    if (Clean(shorter)) {
      ASSERT_EQ(json::parse(shorter, nullptr, false), original) << "byte " << i;
    }
    for (const char added : {'0', '=', '"', ',', '\0'}) {
      std::string longer = text_;
      longer.insert(i, 1, added);
      ASSERT_FALSE(Clean(longer)) << added << " at byte " << i;
    }
  }
}

TEST_F(TamperTest, EveryCutIsFound) {
  const std::size_t end = text_.find_last_of('}');
  for (std::size_t size = 0; size <= end; size += 5 * Stride())
    ASSERT_FALSE(Clean(std::string_view(text_).substr(0, size))) << size;
  EXPECT_FALSE(Clean(std::string_view(text_).substr(0, end)));
  EXPECT_TRUE(Clean(std::string_view(text_).substr(0, end + 1)));
}

}  // namespace
}  // namespace custody
