#include "client/hand_over_files.h"

#include <gtest/gtest.h>

namespace custody {
namespace {

TEST(StationRequestTest, ReadsWhatItWrites) {
  const auto key = PrivateKey::Generate(KeyAlgorithm::kP256);
  ASSERT_TRUE(key.ok());
  const StationRequest request{"WARD-1", "CLINIC", key->public_key().spki()};
  const auto read = StationRequest::Parse(request.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->station, "WARD-1");
  EXPECT_EQ(read->site, "CLINIC");
  EXPECT_EQ(read->spki, key->public_key().spki());
}

TEST(StationRequestTest, RefusesAKeyThatIsNone) {
  const StationRequest request{"WARD-1", "CLINIC", "no key"};
  EXPECT_FALSE(StationRequest::Parse(request.ToJson()).ok());
}

TEST(StationAnswerTest, ReadsWhatItWritesAndNothingElse) {
  const StationAnswer answer{"localhost:7443",       "WARD-1", "CLINIC", "Europe/Berlin",
                             "{\"custodyTrust\":1}", "CA",     "CERT"};
  const auto read = StationAnswer::Parse(answer.ToJson());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->server, answer.server);
  EXPECT_EQ(read->certificate_pem, "CERT");
  EXPECT_NE(read->trust_json.find("custodyTrust"), std::string::npos);
  EXPECT_FALSE(StationAnswer::Parse("{\"custodyStation\":1}").ok());
  EXPECT_FALSE(StationAnswer::Parse("[]").ok());
  std::string more = answer.ToJson();
  more.insert(1, "\"extra\":1,");
  EXPECT_FALSE(StationAnswer::Parse(more).ok());
}

TEST(KeyRequestFileTest, ProvesPossessionAndNamesItsPerson) {
  const auto key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  ASSERT_TRUE(key.ok());
  const auto file = KeyRequestFile::Make(*key, "NURSE1", Sha256("genesis"), SystemRng());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(KeyRequestFile::Parse(file->ToJson()).ok());
  KeyRequestFile forged = *file;
  forged.person = "NURSE2";
  EXPECT_FALSE(KeyRequestFile::Parse(forged.ToJson()).ok());
  forged = *file;
  forged.signature[0] = static_cast<char>(forged.signature[0] ^ 1);
  EXPECT_FALSE(KeyRequestFile::Parse(forged.ToJson()).ok());
}

}  // namespace
}  // namespace custody
