// The table itself: nothing is missing, nothing is silent.
#include <algorithm>
#include <set>
#include <string>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

TEST(RulesTableTest, EveryRuleSaysWhatItIsAndWhereItComesFrom) {
  std::set<std::string_view> ids;
  for (const Rule& rule : Rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_FALSE(rule.statement.empty()) << rule.id;
    EXPECT_TRUE(rule.statement.ends_with('.')) << rule.id;
    EXPECT_FALSE(rule.source.empty()) << rule.id;
    EXPECT_NE(rule.kind, pb::REASON_KIND_UNSPECIFIED) << rule.id;
    EXPECT_NE(rule.check, nullptr) << rule.id;
    EXPECT_LE(rule.since, kNewestRulesVersion) << rule.id;
    EXPECT_EQ(FindRule(rule.id, kNewestRulesVersion), &rule);
  }
}

TEST(RulesTableTest, HoldsTheRulesOfThisVersion) {
  for (const char* id : {"R01", "R02", "R03", "R04",   "R05",    "R06", "R07", "R08", "R09", "R10",
                         "R11", "R12", "R13", "R14",   "R16",    "R18", "R20", "R22", "R24", "R26",
                         "R32", "R33", "R34", "R35",   "R37",    "R38", "R39", "R45", "R46", "F3",
                         "F4",  "F7",  "R31", "CLOSE", "VOLUME", "R36", "CARE"}) {
    EXPECT_NE(FindRule(id, 1), nullptr) << id;
  }
}

TEST(RulesTableTest, SomeRulesAreNeverOverridden) {
  for (const char* id : {"R06", "R15", "R16", "R17", "R26", "R34", "R35", "R37", "R46", "F2", "F4",
                         "F8a", "F13", "F17", "F7", "R31", "CLOSE", "VOLUME", "R36"}) {
    const Rule* rule = FindRule(id, 1);
    ASSERT_NE(rule, nullptr) << id;
    EXPECT_TRUE(rule->grantors.empty()) << id;
  }
}

TEST(RulesTableTest, KnowsNoRuleOfAnotherVersion) {
  EXPECT_EQ(FindRule("R20", 0), nullptr);
  EXPECT_EQ(FindRule("R99", 1), nullptr);
}

}  // namespace
}  // namespace custody
