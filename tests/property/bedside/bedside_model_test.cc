// The statement of bedside_oracle.h against the real rules and fold: in every order of small
// alphabets, on random walks over all letters, and, rule by rule, that it rests on what it rests
// on.
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include "custody/rules.h"
#include "tests/property/bedside/bedside_search.h"

namespace custody {
namespace {

using Names = std::vector<std::string>;

const Names kWayA = {"cold check A", "remove A", "thaw A", "thawed A", "bed check A"};

const Names kWayB = {"B missed a limit",
                     "a physician asks for B",
                     "the maker assesses B",
                     "consent to out of specification",
                     "physician and patient accept B",
                     "B is authorised",
                     "B released out of specification",
                     "B is selected",
                     "order B",
                     "cold check B",
                     "remove B",
                     "thaw B",
                     "thawed B",
                     "bed check B"};

Names With(const Names& more) {
  Names all = kWayA;
  all.push_back("infuse A");
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// One aspect: the way to the patient, and the letters that one clause of the statement is about.
//
// Why an aspect loses nothing of its clause. What the oracle asks for a clause, and what the rules
// ask for it, is changed by the letters of the way and of the aspect alone. Another letter can only
// set something else against a step; and a step is recorded when nothing at all is against it. So
// leave out of any way of all letters those of other aspects: what was recorded is recorded still,
// and if the clause was broken, it is broken still.
//
// How long one waits: one wait makes old whatever was told before it, and what is told after it is
// new, so each step is asked with each of its times on either side of every limit that the clause
// has. Where two limits are asked in one step there are two waits.
//
// What this does not cover is a fold by which a letter of one aspect changes what another asks for
// (a doubt resolved ends the checks; consent that is withdrawn opens a hold): such pairs stand in
// the same aspect where they are known, and the random walks over all letters go through the rest.
struct Aspect {
  const char* name;
  Names letters;
  std::int64_t waits = 1;
  Names along = kWayA;  // to the moment before an infusion
};

std::ostream& operator<<(std::ostream& out, const Aspect& aspect) { return out << aspect.name; }

const std::vector<Aspect>& Aspects() {
  static const std::vector<Aspect> aspects = {
      {"Checks", With({"cold check A by one person", "cold check A, other bag in one check",
                       "cold check A, patient not ready", "cold check A by the therapy's order",
                       "bed check A by one person", "bed check A, other bag in one check",
                       "bed check A, their wristband", "bed check A, one differs",
                       "bed check A says no", "bed check A by the therapy's order",
                       "bed check A with old checks", "bed check A with a coordinator",
                       "bed check A with a coordinator as a nurse", "16 min pass"})},
      {"Scans",
       With({"infuse A, their wristband", "infuse A, half the wristband",
             "infuse A, their chain of identity", "infuse A by the therapy's order",
             "infuse A, typed", "infuse A, told half an hour later as live",
             "thaw A, told half an hour later as live", "infuse theirs for ours",
             "bed check theirs for ours", "thaw theirs for ours", "given A", "16 min pass"}),
       2},
      {"Windows",
       With({"a physician grants R25 for A", "a physician grants R25 for one start",
             "two note a physician's word for R25", "a nurse notes a physician's word for R25",
             "a nurse grants R25", "infuse A by a grant", "36 min pass"}),
       2},
      {"GrantEnds", With({"a physician grants R25 for A", "a physician grants R25 for one start",
                          "infuse A by a grant", "300 min pass", "the physician's go"})},
      {"Holds", With({"a physician holds", "the same physician clears", "another physician clears",
                      "the maker holds A", "the maker holds lot A", "the clinic's quality clears A",
                      "the clinic's quality clears lot A", "the maker's quality clears A",
                      "the maker's quality clears lot A"})},
      {"Quarantines",
       With({"A was warm", "seal of A broken", "A leaks", "A's leak is a scratch, a physician says",
             "the maker decides: use A, of its warmth", "the clinic decides: use A, of its warmth",
             "the maker decides: use A, of its seal", "the maker decides: use A, of its damage"})},
      {"Doubt",
       With({"doubt about A", "both resolve the doubt", "the maker alone resolves the doubt",
             "lot A was warm", "the maker decides: use A, of its warmth"})},
      {"Ends", With({"recall of lot A", "recall of A", "release of lot A withdrawn", "A rejected",
                     "lot A contaminated", "A destroyed", "A put back"})},
      {"Patient", With({"consent to the treatment withdrawn", "consent to the treatment",
                        "old papers of consent to the treatment", "consent of the neighbour",
                        "the physician's go", "deferred", "16 min pass"})},
      {"Orders", With({"order of A cancelled", "order A anew", "order A", "order B as if of lot A",
                       "order A as if of lot B", "cold check B", "thaw B", "B is selected"})},
      {"Late",
       With({"late: cold check A", "late: remove A", "late: thaw A", "late: thawed A",
             "late: bed check A", "late: infuse A", "late: bed check A, their wristband"}),
       0},
      {"LateAtTheBed", With({"late: bed check A", "late: infuse A",
                             "late: bed check A, their wristband", "16 min pass"})},
      {"LateThaw", With({"late: cold check A", "late: thaw A", "late: thawed A", "36 min pass"})},
      {"Syringe",
       With({"a syringe drawn of A", "thaw the syringe", "bedside the syringe",
             "infusion the syringe", "A was warm", "recall of A"}),
       0},
      {"SyringeInTime", With({"a syringe drawn of A", "bedside the syringe", "infusion the syringe",
                              "16 min pass"})},
      {"SecondLot",
       {"order B", "cold check B", "remove B", "thaw B", "thawed B", "bed check B", "infuse B",
        "B missed a limit", "a physician asks for B", "the maker assesses B",
        "physician and patient accept B", "B is authorised", "consent to out of specification",
        "B is selected", "B released", "B released out of specification",
        "B released out of specification by one", "B released out of specification by the store"},
       0,
       kWayB},
      {"TheirBagHere",
       With({"cold check theirs for ours", "remove theirs for ours", "thaw theirs for ours",
             "thawed theirs for ours", "bed check theirs for ours", "infuse theirs for ours"}),
       0},
      {"OurBagThere",
       {"cold check theirs", "remove theirs", "thaw theirs", "thawed theirs", "bed check theirs",
        "infuse theirs", "cold check A for theirs", "remove A for theirs", "thaw A for theirs",
        "thawed A for theirs", "bed check A for theirs", "infuse A for theirs"},
       0,
       {"cold check theirs", "remove theirs", "thaw theirs", "thawed theirs", "bed check theirs"}}};
  return aspects;
}

BedsideWorld& World() {
  static BedsideWorld& world = *new BedsideWorld();
  return world;
}
BedsideWorld& NotConsented() {
  static BedsideWorld& world = *new BedsideWorld(false);
  return world;
}

void Report(const std::string& what, const Found& found) {
  std::printf(
      "%-14s %8llu states%s, %3zu levels, %9llu judged, %8llu accepted, %6llu thaws, %6llu "
      "infusions, %6llu asked again\n",
      what.c_str(), static_cast<unsigned long long>(found.states), found.whole ? " (all)" : "",
      found.depth, static_cast<unsigned long long>(found.judged),
      static_cast<unsigned long long>(found.accepted), static_cast<unsigned long long>(found.thaws),
      static_cast<unsigned long long>(found.infusions),
      static_cast<unsigned long long>(found.asked_again));
}

class BedsideModelTest : public testing::TestWithParam<Aspect> {};

// Every reachable state: the search ends because nothing new is left. Where the end comes within
// the everyday bound, too, the aspect is to be taken from those that are open.
TEST_P(BedsideModelTest, HoldsInEveryOrder) {
  Bounds bounds;
  bounds.waits = GetParam().waits;
  bounds.along = World().FindAll(GetParam().along);
  const Found found = SearchAll(World(), World().FindAll(GetParam().letters), bounds);
  Report(GetParam().name, found);
  EXPECT_GT(found.thaws, 0U) << "the search does not come to a thaw";
  EXPECT_GT(found.infusions, 0U) << "the search does not come to an infusion";
  EXPECT_TRUE(found.broken.empty()) << Tell(World(), found.broken, "");
  EXPECT_EQ(found.unlike, 0U) << "the key leaves out what a rule asks";
  EXPECT_TRUE(found.whole) << "there are more than " << found.states << " states";
}

INSTANTIATE_TEST_SUITE_P(Aspects, BedsideModelTest, testing::ValuesIn(Aspects()),
                         [](const auto& aspect) { return aspect.param.name; });

TEST(BedsideModel, HoldsForAPatientWhoOnlyConsentedToTheCollection) {
  BedsideWorld& world = NotConsented();
  const Names letters = With({"late: cold check A", "late: remove A", "late: thaw A",
                              "late: thawed A", "the physician's go"});
  Bounds bounds;
  const Found found = SearchAll(world, world.FindAll(letters), bounds);
  Report("NoConsent", found);
  EXPECT_TRUE(found.broken.empty()) << Tell(world, found.broken, "");
  EXPECT_EQ(found.unlike, 0U) << "the key leaves out what a rule asks";
  EXPECT_TRUE(found.whole) << "there is more than " << found.states << " states";
}

TEST(BedsideModel, HoldsOnRandomWalksOverAllLetters) {
  const Found found = Walk(World(), Steps(20'000), 20261122);
  Report("Walks", found);
  EXPECT_TRUE(found.broken.empty()) << Tell(World(), found.broken, "");
  EXPECT_GT(found.infusions, 50U) << "the walks get nowhere";
  const Found without = Walk(NotConsented(), Steps(20'000) / 4, 3);
  Report("Walks, no consent", without);
  EXPECT_TRUE(without.broken.empty()) << Tell(NotConsented(), without.broken, "");
}

}  // namespace
}  // namespace custody
