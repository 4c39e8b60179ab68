// On which rules the statement rests: without any one of those listed here, and with all others in
// force, a short search finds an accepted event that the oracle objects to. A rule is taken away by
// leaving its reasons out of the verdict, here and nowhere else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include "custody/rules.h"
#include "tests/property/bedside/bedside_search.h"

namespace custody {
namespace {

using Names = std::vector<std::string>;

struct Pillar {
  const char* rule;
  const char* objection;  // of the oracle
  Names letters;
  bool consented = true;
};

std::ostream& operator<<(std::ostream& out, const Pillar& pillar) { return out << pillar.rule; }

// The way of the released bag, with other letters between or instead.
Names Way(const Names& more, const Names& less = {}) {
  Names all = {"cold check A", "remove A", "thaw A", "thawed A", "bed check A", "infuse A"};
  std::erase_if(
      all, [&](const std::string& name) { return std::ranges::find(less, name) != less.end(); });
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
Names WayOfB(const Names& more) {
  Names all = {"B is selected", "order B",  "cold check B", "remove B",
               "thaw B",        "thawed B", "bed check B",  "infuse B"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::vector<Pillar>& Pillars() {
  static const std::vector<Pillar> pillars = {
      {"R01", "no equal checks",
       Way({"bed check A with a coordinator as a nurse"}, {"bed check A"})},
      {"R03", "not live",
       Way({"infuse A, told half an hour later as live", "36 min pass"}, {"infuse A"})},
      {"R04", "no equal checks", Way({"bed check A by one person"}, {"bed check A"})},
      {"R13", "quarantine", Way({"A was warm"})},
      // The certificate of a release that should not have been is none to check a container
      // against.
      {"R16", "no sound check of this container before the thaw", WayOfB({"B released"})},
      {"R25", "it was never thawed", Way({"36 min pass"})},
      {"R26", "no equal checks", Way({"infuse A, half the wristband"}, {"infuse A"})},
      {"R34", "hold", Way({"the maker holds A"})},
      {"R35", "no sound check of this container before the thaw", Way({}, {"cold check A"})},
      {"R35", "no consent to the treatment", Way({"late: thaw A"}, {"thaw A"}), false},
      {"R37", "the order is of another lot", Way({"order A as if of lot B"})},
      {"F7", "quarantine", Way({"A leaks"})},
      {"F8a", "no equal checks", Way({"bed check A, other bag in one check"}, {"bed check A"})},
      {"F8b", "quarantine", Way({"doubt about A", "the maker alone resolves the doubt"})},
      {"F9", "quarantine", Way({"A was warm", "the clinic decides: use A, of its warmth"})},
      {"F11", "quarantine", Way({"seal of A broken"})},
      {"HOLD", "hold", Way({"a physician holds", "the same physician clears"})},
      {"OVERRIDE", "its window has ended",
       Way({"a nurse notes a physician's word for R25", "36 min pass", "infuse A by a grant"},
           {"infuse A"})}};
  return pillars;
}

BedsideWorld& WorldOf(bool consented) {
  static BedsideWorld& all = *new BedsideWorld(true);
  static BedsideWorld& collection = *new BedsideWorld(false);
  return consented ? all : collection;
}

Bounds Bounded() {
  Bounds bounds;
  bounds.depth = 14;
  bounds.states = 4'000;
  bounds.waits = 1;
  return bounds;
}

class PillarTest : public testing::TestWithParam<Pillar> {};

TEST_P(PillarTest, WithoutItTheStatementFalls) {
  const Pillar& pillar = GetParam();
  BedsideWorld& world = WorldOf(pillar.consented);
  ASSERT_NE(FindRule(pillar.rule, kNewestRulesVersion), nullptr);
  const Sequence alphabet = world.FindAll(pillar.letters);
  // With every rule in force the same letters do no harm.
  const Found sound = SearchAll(world, alphabet, Bounded());
  EXPECT_TRUE(sound.broken.empty()) << Tell(world, sound.broken, "");
  const Found found = SearchAll(world, alphabet, Bounded(), pillar.rule);
  ASSERT_FALSE(found.broken.empty()) << "nothing in " << found.states << " states";
  const std::string told = Tell(world, found.broken, pillar.rule);
  std::printf("without %s, after %llu states:\n%s", pillar.rule,
              static_cast<unsigned long long>(found.states), told.c_str());
  EXPECT_NE(told.find(pillar.objection), std::string::npos) << told;
}

INSTANTIATE_TEST_SUITE_P(Rules, PillarTest, testing::ValuesIn(Pillars()), [](const auto& pillar) {
  std::string name = pillar.param.rule;
  if (!pillar.param.consented) name += "OfConsent";
  return name;
});

// What guards the statement twice is no pillar: where one of these is gone the others still hold.
// Who may not check at the bedside is refused by R01 and makes no pair for R04; withdrawn consent
// is refused by F2 and by R35, and opens a hold; what is destroyed or rejected is refused by
// F17 and by R34; what was released out of specification without its whole chain is refused by R17,
// and what that freed by R34.
TEST(PillarTest, WhatIsGuardedTwiceStandsWithoutOneOfTheGuards) {
  const Names letters =
      Way({"consent to the treatment withdrawn", "old papers of consent to the treatment",
           "A destroyed", "A rejected", "deferred", "bed check A with a coordinator"});
  BedsideWorld& world = WorldOf(true);
  const Names exceptional =
      WayOfB({"B released out of specification", "consent to out of specification"});
  for (const char* rule : {"R01", "R04", "R17", "F2", "F17"}) {
    const Names& way = rule == std::string_view("R17") ? exceptional : letters;
    Bounds bounds;
    bounds.states = 400;
    const Found found = SearchAll(world, world.FindAll(way), bounds, rule);
    EXPECT_TRUE(found.broken.empty()) << "without " << rule << "\n"
                                      << Tell(world, found.broken, rule);
  }
}

// That the list is not too short: without any one rule that is not in it nothing is found.
TEST(PillarTest, NoOtherRuleIsOneOnRandomWalks) {
  const std::uint64_t steps = Steps(120'000) / 40;
  for (const Rule& rule : Rules()) {
    if (std::ranges::find(Pillars(), rule.id, &Pillar::rule) != Pillars().end()) continue;
    const Found found = Walk(WorldOf(true), steps, 20261123, rule.id);
    EXPECT_TRUE(found.broken.empty()) << "without " << rule.id << "\n"
                                      << Tell(WorldOf(true), found.broken, rule.id);
  }
}

}  // namespace
}  // namespace custody
