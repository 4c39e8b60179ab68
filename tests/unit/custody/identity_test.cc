#include "custody/identity.h"

#include <gtest/gtest.h>

#include <string>

#include "crypto/sealing.h"
#include "custody/chain.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

const std::string kSecret(32, 's');

TEST(ChainTest, NamesAreOfThreeKinds) {
  EXPECT_EQ(Chain::Parse("registry")->kind(), ChainKind::kRegistry);
  EXPECT_EQ(Chain::Parse("registry/CLINIC-1")->kind(), ChainKind::kSite);
  EXPECT_EQ(Chain::Parse("registry/CLINIC-1")->id(), "CLINIC-1");
  EXPECT_EQ(Chain::Parse("therapy/A.B_C-9")->id(), "A.B_C-9");
  EXPECT_EQ(Chain::Parse("therapy/X")->key(), Sha256("therapy/X"));
  EXPECT_EQ(Chain::Therapy("X").name(), "therapy/X");
  EXPECT_EQ(Chain::Site("X").name(), "registry/X");
  EXPECT_EQ(Chain::Registry().id(), "");
  EXPECT_THAT(Chain::Parse("therapy/" + std::string(64, 'A')), IsOk());
}

TEST(ChainTest, RefusesOtherNames) {
  for (const std::string bad :
       {"", "registry/", "therapy/", "therapy/a", "therapy/A/B", "therapy/A..B", "therapy/A B",
        "Registry", "registry/\xC3\x84", "therapy", "/therapy/A", "registryA"}) {
    EXPECT_THAT(Chain::Parse(bad), StatusIs(StatusCode::kInvalidArgument, "chain must be")) << bad;
  }
  EXPECT_THAT(Chain::Parse("therapy/" + std::string(65, 'A')),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(CommitIdentifierTest, IsTheHmacOfTheNormalizedText) {
  EXPECT_EQ(CommitIdentifier(kSecret, "mrn", "CLINIC", "12:34%").value(),
            HmacSha256(kSecret, "mrn:CLINIC:12%3A34%25"));
  // A composed and a decomposed letter are one, white space at the ends is none.
  const Hash composed = CommitIdentifier(kSecret, "other", "X", "M\xC3\xBCller").value();
  EXPECT_EQ(CommitIdentifier(kSecret, "other", "X", " Mu\xCC\x88ller\t").value(), composed);
  EXPECT_EQ(CommitIdentifier(kSecret, "other", "X", "\xC2\xA0M\xC3\xBCller\xE3\x80\x80").value(),
            composed);
  EXPECT_NE(CommitIdentifier(kSecret, "other", "X", "m\xC3\xBCller").value(), composed);
  EXPECT_NE(CommitIdentifier(std::string(32, 't'), "other", "X", "M\xC3\xBCller").value(),
            composed);
}

TEST(CommitIdentifierTest, PartsAreNotMistakenForEachOther) {
  EXPECT_NE(CommitIdentifier(kSecret, "mrn", "A:B", "C").value(),
            CommitIdentifier(kSecret, "mrn", "A", "B:C").value());
}

TEST(CommitIdentifierTest, RefusesWhatCannotIdentify) {
  const auto refused = [](const char* type, const char* value, const char* words) {
    EXPECT_THAT(CommitIdentifier(kSecret, type, "CLINIC", value),
                StatusIs(StatusCode::kInvalidArgument, words));
  };
  refused("name", "Miller", "identifier type must be mrn");
  refused("mrn", " \t", "identifier is empty");
  refused("mrn", "\xFF", "not valid UTF-8");
  for (const char* day : {"20250229", "1999-1-1", "19991301", "19990431", "2000010", "18000101"}) {
    refused("dob", day, "YYYYMMDD");
  }
  EXPECT_THAT(CommitIdentifier(kSecret, "dob", "", "20240229"), IsOk());
  EXPECT_THAT(CommitIdentifier("short", "mrn", "CLINIC", "1"),
              StatusIs(StatusCode::kInvalidArgument, "secret must have 32 bytes, found 5"));
}

TEST(DinTest, ReadsScansAndChecksTheirFlags) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Din din, ParseDinScan("=G12341765432170"));
  EXPECT_EQ(din.number, "G123417654321");
  EXPECT_EQ(din.flags, "70");
  EXPECT_EQ(din.facility, "G1234");
  EXPECT_EQ(ParseDinScan("]C0=A99992112345600")->number, "A999921123456");
  EXPECT_EQ(ParseDinScan("=A99992112345601")->number, "A999921123456");
  EXPECT_THAT(ParseDinScan("=G12341765432171"),
              StatusIs(StatusCode::kInvalidArgument, "its check value is 70, found 71"));
  for (const char* bad :
       {"", "=A999917123456", "A99992112345600", "=O99992112345600", "=099992112345600",
        "=a99992112345600", "=A9999211234560I", "=A99992112345600 ", "&/CHA999926000001"}) {
    EXPECT_THAT(ParseDinScan(bad), StatusIs(StatusCode::kInvalidArgument, "donation number"))
        << bad;
  }
}

TEST(DinTest, CheckCharactersAreThePublishedOnes) {
  EXPECT_EQ(DinCheckCharacter("G123498654321"), 'H');
  EXPECT_EQ(DinCheckCharacter("G123417654321"), 'A');
  EXPECT_EQ(DinCheckCharacter("A999921123456"), '3');
  EXPECT_EQ(DinCheckCharacter("W000009123456"), 'G');
}

TEST(DinTest, TheCheckCharacterSeesEverySubstitutionAndTransposition) {
  const std::string din = "G123417654321";
  const char right = DinCheckCharacter(din);
  const std::string alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (std::size_t at = 0; at < din.size(); ++at) {
    for (const char other : alphabet) {
      std::string changed = din;
      changed[at] = other;
      EXPECT_EQ(DinCheckCharacter(changed) == right, changed == din) << changed;
    }
    std::string turned = din;
    if (at + 1 < din.size()) std::swap(turned[at], turned[at + 1]);
    EXPECT_EQ(DinCheckCharacter(turned) == right, turned == din) << turned;
  }
}

TEST(CoiTest, ReadsScans) {
  EXPECT_EQ(ParseCoiScan("&/CHA999926000001").value(), "CHA999926000001");
  EXPECT_EQ(ParseCoiScan("]d1&/CHA9999260A0B01").value(), "CHA9999260A0B01");
  for (const char* bad : {"", "&/CHA99992600000", "=/CHA999926000001", "&/XXA999926000001",
                          "&/CHa999926000001", "&/CHA9999260000011"}) {
    EXPECT_THAT(ParseCoiScan(bad), StatusIs(StatusCode::kInvalidArgument, "chain-of-identity"))
        << bad;
  }
}

TEST(FacilityTest, IsFoundInsideIdentifiers) {
  EXPECT_EQ(FacilityOf("A999921123456"), "A9999");
  EXPECT_EQ(FacilityOf("A99992112345600"), "A9999");
  EXPECT_EQ(FacilityOf("=G12341765432170"), "G1234");
  EXPECT_EQ(FacilityOf("CHG123426000001"), "G1234");
  EXPECT_EQ(FacilityOf("&/CHG123426000001"), "G1234");
  for (const char* other : {"", "LOT-1", "A9999", "SPONSOR-COI-0001", "O99992112345600"}) {
    EXPECT_EQ(FacilityOf(other), "") << other;
  }
  EXPECT_TRUE(IsReservedFacility("A9990"));
  EXPECT_TRUE(IsReservedFacility("A9999"));
  EXPECT_FALSE(IsReservedFacility("A9989"));
  EXPECT_FALSE(IsReservedFacility("G9990"));
  EXPECT_FALSE(IsReservedFacility("A99900"));
}

}  // namespace
}  // namespace custody
