#include "custody/trust.h"

#include <gtest/gtest.h>

#include "tests/support/ledger_bundle.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

class TrustAnchorTest : public ::testing::Test {
 protected:
  std::string Json(std::string_view more = "") const {
    return R"({"custodyTrust": 1, "origin": ")" + ledger_.origin() + R"(", "logKey": ")" +
           ledger_.log_vkey() + R"(", "genesis": ")" + ledger_.genesis().ToHex() + "\"" +
           std::string(more) + "}";
  }
  std::string Policy() const {
    return R"(, "policy": "log )" + ledger_.log_vkey() + R"(\nquorum none\n")";
  }
  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
};

TEST_F(TrustAnchorTest, WhatIsWrittenIsReadBack) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const TrustAnchor read, TrustAnchor::Parse(Json(Policy())));
  EXPECT_EQ(read.origin, ledger_.origin());
  EXPECT_EQ(read.genesis, ledger_.genesis());
  ASSERT_TRUE(read.policy.has_value());
  CUSTODY_ASSERT_OK_AND_ASSIGN(const TrustAnchor again, TrustAnchor::Parse(read.ToJson()));
  EXPECT_EQ(again.ToJson(), read.ToJson());
  EXPECT_EQ(again.policy_text, read.policy_text);
}

TEST_F(TrustAnchorTest, ALogKeyAlonePinsNoRegistryAndIsNoTrustFile) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const TrustAnchor anchor,
                               TrustAnchor::FromLogKey(ledger_.log_vkey()));
  EXPECT_FALSE(anchor.genesis.has_value());
  EXPECT_THAT(TrustAnchor::Parse(anchor.ToJson()),
              StatusIs(StatusCode::kInvalidArgument, "expected \"genesis\", found none"));
}

TEST_F(TrustAnchorTest, RefusesWhatIsNotExactlyTheFormat) {
  const std::string good = Json();
  CUSTODY_ASSERT_OK(TrustAnchor::Parse(good));
  const TestLedger other(pb::DEMO, "two", {.small = true});
  for (const std::string& bad : {
           std::string("[]"),
           std::string(""),
           good + "x",
           good + std::string(1, '\0'),
           "\xEF\xBB\xBF" + good,
           Json(R"(, "comment": "x")"),
           Json(R"(, "custodyTrust": 1)"),
           Json(R"(, "origin": "again")"),
           Json(R"(, "policy": "quorum none\n")"),
           Json(R"(, "policy": "log )" + other.log_vkey() + R"(\nquorum none\n")"),
           std::string(good).replace(good.find(": 1"), 3, ": 2"),
           std::string(good).replace(good.find(": 1"), 3, ": 1.0"),
           std::string(good).replace(good.find(": 1"), 3, ": -1"),
           std::string(good).replace(good.find(ledger_.origin()), 4, "evil"),
           std::string(good).replace(good.find(ledger_.genesis().ToHex()), 64,
                                     std::string(64, 'A')),
       }) {
    EXPECT_THAT(TrustAnchor::Parse(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace custody
