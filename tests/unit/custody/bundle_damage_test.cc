// Damage that a forger would try, beyond single bits: parts of two ledgers in one file, records
// under another chain's name, encodings that mean the same and are not the one form, text that a
// careless reader takes otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crypto/encoding.h"
#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTherapy[] = "therapy/A1";

class BundleDamageTest : public ::testing::Test {
 protected:
  BundleDamageTest() {
    for (TestLedger* ledger : {&ledger_, &other_}) {
      PatientEnrolledBy(*ledger, kTherapy, "clinic.rn.1", "clinic.rn.2").Record();
      ConsentWithdrawnBy(*ledger, kTherapy).Record();
      PatientEnrolledBy(*ledger, "therapy/B2", "clinic.rn.1", "clinic.rn.2").Record();
    }
    bundle_ = BundleOf(ledger_, kTherapy);
    text_ = Must(WriteBundle(bundle_));
  }
  pb::AuditReport Audit(const Bundle& bundle) { return AuditBundle(bundle, &trust_, {}); }
  pb::AuditReport Audit(std::string_view text) { return AuditBundle(text, &trust_, {}); }
  // The file with `what` where `with` was, once, after `after`.
  std::string Replaced(std::string_view after, std::string_view what, std::string_view with) {
    const std::size_t begin = text_.find(after);
    EXPECT_NE(begin, text_.npos) << after;
    const std::size_t at = text_.find(what, begin);
    EXPECT_NE(at, text_.npos) << what;
    std::string changed = text_;
    return changed.replace(at, what.size(), with);
  }

  // Two ledgers of the same people, keys and events.
  TestLedger ledger_{pb::DEMO, "one", {.nurses_alone = true}};
  TestLedger other_{pb::DEMO, "two", {.nurses_alone = true}};
  TrustAnchor trust_ = TrustIn(ledger_);
  Bundle bundle_;
  std::string text_;
};

TEST_F(BundleDamageTest, RecordsOfTwoLedgersDoNotMix) {
  const Bundle stranger = BundleOf(other_, kTherapy);
  for (const auto& [chain, entries] : bundle_.chains) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Bundle mixed = bundle_;
      mixed.chains[chain][i] = stranger.chains.at(chain)[i];
      const pb::AuditReport report = Audit(mixed);
      EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY")) << chain << " " << i;
      EXPECT_TRUE(HasFinding(report, pb::FORGED, "path")) << chain << " " << i;
    }
    Bundle mixed = bundle_;
    mixed.chains[chain] = stranger.chains.at(chain);
    mixed.heads[chain] = stranger.heads.at(chain);
    EXPECT_THAT(Audit(mixed).sentence(), StartsWith("DO NOT RELY")) << chain;
  }
}

TEST_F(BundleDamageTest, AnotherLedgersCheckpointLastEntryOrGenesisIsFound) {
  const Bundle stranger = BundleOf(other_, kTherapy);
  Bundle changed = bundle_;
  changed.checkpoint = stranger.checkpoint;
  EXPECT_TRUE(HasFinding(Audit(changed), pb::FORGED, "checkpoint"));
  changed = bundle_;
  changed.last_entry = stranger.last_entry;
  changed.last_path = stranger.last_path;
  EXPECT_TRUE(HasFinding(Audit(changed), pb::FORGED, "last-entry"));
  changed = bundle_;
  changed.genesis = stranger.genesis;
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "header"));
  changed = bundle_;
  changed.chains["registry"][0] = stranger.chains.at("registry")[0];
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "genesis"));
  // The whole of the other ledger, sound in itself.
  const TrustAnchor its_own = TrustIn(other_);
  EXPECT_EQ(Findings(AuditBundle(stranger, &its_own, {})), "");
  const pb::AuditReport report = Audit(stranger);
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "genesis"));
  EXPECT_THAT(Findings(report), HasSubstr("another ledger, or an invented one"));
}

TEST_F(BundleDamageTest, ARecordUnderAnotherChainsNameIsFound) {
  const Bundle second = BundleOf(ledger_, "therapy/B2");
  Bundle changed = bundle_;  // replayed into another therapy
  changed.chains[kTherapy].push_back(second.chains.at("therapy/B2")[0]);
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "chain-name"));
  changed = bundle_;  // and the whole of another patient under this one's name
  changed.chains[kTherapy] = second.chains.at("therapy/B2");
  changed.heads[kTherapy] = second.heads.at("therapy/B2");
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "chain-name"));
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "heads"));
  changed = bundle_;
  changed.chains["therapy/B2"] = second.chains.at("therapy/B2");
  changed.heads["therapy/B2"] = second.heads.at("therapy/B2");
  EXPECT_TRUE(HasFinding(Audit(changed), pb::INCONSISTENT, "chains"));
}

TEST_F(BundleDamageTest, EncodingsHaveOneForm) {
  const std::string entry = Base64(bundle_.chains[kTherapy][0].entry);
  const std::string payload = Base64(bundle_.chains[kTherapy][0].signed_event.payload());
  const std::string key = Hex(bundle_.chains[kTherapy][0].signed_event.signatures(0).key_id());
  std::string url = payload;
  for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
  std::string upper = key;
  for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  const std::string schema = R"("schema": ")";
  const std::vector<std::pair<std::string, std::string>> changes = {
      {entry, entry + "="},
      {entry, entry + "===="},
      {entry, " " + entry},
      {entry, entry.substr(0, 8) + "\\n" + entry.substr(8)},
      {entry, entry.substr(0, entry.find_last_not_of('=') + 1) + (entry.back() == '=' ? "" : "=")},
      {payload, payload + "AAAA"},
      {payload, url == payload ? payload + "-" : url},
      {key, upper},
      {key, "0x" + key},
      {key, key + "00"},
      {key, key.substr(2)},
  };
  for (const auto& [what, with] : changes) {
    const pb::AuditReport report = Audit(Replaced("\"therapy/A1\"", what, with));
    EXPECT_EQ(ExitCode(report), 1) << with;
    EXPECT_THAT(report.sentence(), StartsWith("DO NOT RELY")) << with;
    // By what it is, or by what the other bytes are then found to be.
    EXPECT_THAT(
        Findings(report),
        ContainsRegex("check: \"(base64|hex|encoding|entry|event-id|record|signature|key)\""))
        << with;
    EXPECT_THAT(Findings(report), HasSubstr("therapy/A1")) << with;
  }
}

// The last two bits of a text that ends in one "=" say nothing; they must be zero.
TEST_F(BundleDamageTest, BitsBeyondTheLastByteMustBeZero) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t tried = 0;
  for (std::size_t at = text_.find("=\""); at != text_.npos; at = text_.find("=\"", at + 1)) {
    const std::size_t last = text_.find_last_not_of('=', at);
    const std::size_t value = kAlphabet.find(text_[last]);
    if (value == kAlphabet.npos) continue;
    std::string changed = text_;
    changed[last] = kAlphabet[value ^ 1];
    EXPECT_EQ(ExitCode(Audit(changed)), 1) << "byte " << last;
    if (++tried == 50) break;
  }
  EXPECT_GT(tried, 10U);
}

TEST_F(BundleDamageTest, TextThatACarelessReaderTakesOtherwiseIsFound) {
  const std::string index = std::to_string(bundle_.chains[kTherapy][0].index);
  const std::string number = "\"index\":" + index;
  for (const std::string& with :
       {"\"index\":" + index + ".0", "\"index\":" + index + "e0", "\"index\":\"" + index + "\"",
        "\"index\":-" + index, "\"index\":0" + index, std::string("\"index\":1e999"),
        std::string("\"index\":18446744073709551616"), std::string("\"index\":9007199254740993"),
        std::string("\"index\":340282366920938463463374607431768211456"),
        "\"\\u0069ndex\":0," + number, number + ",\"Index\":1", "\"index\":[" + index + "]"}) {
    EXPECT_EQ(ExitCode(Audit(Replaced("\"therapy/A1\"", number, with))), 1) << with;
  }
  // A chain that stands twice: whichever a reader takes, the other one is hidden.
  EXPECT_EQ(ExitCode(Audit(
                Replaced("\"chains\"", "\"therapy/A1\":", "\"therapy/A1\":[],\"therapy/A1\":"))),
            1);
  EXPECT_EQ(ExitCode(Audit(Replaced("\"chains\"",
                                    "\"therapy/A1\":", "\"therapy\\u002fA1\":[],\"therapy/A1\":"))),
            1);
  // Nesting in the decoded view, which is not ours to know the shape of.
  const std::string deep(5000, '[');
  EXPECT_EQ(ExitCode(Audit(Replaced("\"therapy/A1\"", "\"event\":{", "\"event\":{\"x\":" + deep))),
            1);
  EXPECT_EQ(ExitCode(Audit(Replaced("\"therapy/A1\"", "\"event\":{", "\"event\":{\"chain\":1,"))),
            1);
}

}  // namespace
}  // namespace custody
